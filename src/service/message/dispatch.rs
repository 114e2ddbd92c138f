//! Which way a notice takes: chosen when it is fresh, and anew when a way failed. A cursor says which notices were looked at; each is looked at
//! once, so a way that is set up later sends nothing old.

use super::{Reading, Ready, Ways, choice_of, leave_text, reader, setting, template, values};
use crate::{Actor, At, Ctx, Error, Work, outbox};
use domain::{
    Dispatch, EventId, MessageTrail, Notice, NoticeId, Outgoing, Permission, PersonId, SpaceId, Time,
    message::{
        DispatchCursor, Step, Topic, after_quiet,
        template::{LOOKED_MAX, Looked, TrailOf},
    },
    notice::NoticeState,
    outbox::{OutAct, OutState},
};
use jiff::tz::TimeZone;
use std::sync::{Arc, PoisonError, RwLock};
use store::{Order as Sort, Read};

/// Notices of one transaction.
const STEP: usize = 100;
/// Transactions of one tick.
const STEPS: usize = 20;

/// What choosing a way needs beside the transaction.
struct Desk<'a> {
    ways: &'a Ways,
    zone: &'a TimeZone,
    sealer: &'a crate::seal::Sealer,
}

/// Sends fresh notices on their ways; answers how many took one. Called by the clock.
pub async fn dispatch(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let (permit, zone) = (ctx.own(space), ctx.zone(space)?);
    let mut sent = 0;
    for _ in 0..STEPS {
        let (fresh, last) = ctx.read(&permit, |view| {
            let cursor = view.get::<DispatchCursor>(&())?;
            let keys = view.scan_keys::<Notice>(&(), cursor.map(|cursor| cursor.last).as_ref(), Sort::Ascending);
            let fresh = keys.take(STEP).collect::<Result<Vec<NoticeId>, _>>()?;
            Ok((fresh, cursor))
        })?;
        let Some(newest) = fresh.last().copied() else { break };
        let (ways, zone, sealer) = (ctx.ways.clone(), zone.clone(), ctx.sealer.clone());
        let whole = fresh.len() == STEP;
        sent += ctx
            .write(&permit, move |work| {
                // Another run of the clock may have been here.
                if work.read().get::<DispatchCursor>(&())? != last {
                    return Ok(0);
                }
                let ways = ways.read().unwrap_or_else(PoisonError::into_inner);
                let desk = Desk { ways: &ways, zone: &zone, sealer: &sealer };
                let mut sent = 0;
                for id in &fresh {
                    let Some(notice) = work.read().get::<Notice>(id)? else { continue };
                    sent += usize::from(begin(work, &desk, notice)?);
                }
                work.put(&DispatchCursor { last: newest })?;
                work.audit(
                    "message.dispatch",
                    "message",
                    "",
                    &format!("up to notice {newest}: {sent} of {}", fresh.len()),
                )?;
                Ok(sent)
            })
            .await?;
        if !whole {
            break;
        }
    }
    Ok(sent)
}

/// Looks at a fresh notice; true when it took a way.
fn begin(work: &mut Work<'_, '_>, desk: &Desk<'_>, mut notice: Notice) -> Result<bool, Error> {
    if notice.state != NoticeState::Waiting || desk.ways.channels.is_empty() {
        return Ok(false);
    }
    let (person, _) = reader(work.read(), &notice)?;
    let choice = person.map(|person| choice_of(work.read(), person)).transpose()?;
    let topic = notice.purpose.topic();
    let mut trail = Trail::new(&notice, person);
    if choice.as_ref().is_some_and(|choice| !choice.wants(topic)) {
        notice.state = NoticeState::Dropped("unwanted".into(), work.now);
        work.put(&notice)?;
        trail.keep(work)?;
        return Ok(false);
    }
    let setting = setting(work.read())?;
    let allowed = allowed(work.read(), &notice)?;
    let mut ways: Vec<String> = Vec::new();
    let open = match &choice {
        Some(choice) => choice.ways(&setting),
        None => setting.ways(),
    };
    for way in setting.ways() {
        if !open.contains(&way) {
            trail.look(desk, way, work.now, "The person does not want this way.");
        } else if !allowed.as_ref().is_none_or(|allowed| allowed.iter().any(|one| one == way)) {
            trail.look(desk, way, work.now, "It was not chosen for this message.");
        }
    }
    ways.extend(
        open.into_iter()
            .filter(|way| allowed.as_ref().is_none_or(|all| all.iter().any(|one| one == way)))
            .map(str::to_owned),
    );
    let event = notice.about.event().unwrap_or_default();
    let dispatch = Dispatch { notice: notice.id, person, event, steps: Vec::new(), rest: ways };
    next(work, desk, &notice, dispatch, trail)
}

/// The ways that a message to many may take; none: every way.
fn allowed(view: &impl Read, notice: &Notice) -> Result<Option<Vec<String>>, Error> {
    let Some(id) = notice.blast() else { return Ok(None) };
    Ok(view.get::<domain::Blast>(&id)?.map(|blast| blast.ways))
}

/// What the ways need to know of a notice and its reader.
pub(crate) struct Fitting {
    person: Option<PersonId>,
    mail: Option<String>,
    lang: String,
    words: String,
    subject: String,
    values: Vec<(String, String)>,
    leave: Option<String>,
}

impl Fitting {
    /// As ways take it.
    pub(crate) fn reading<'a>(&'a self, notice: &'a Notice) -> Reading<'a> {
        Reading {
            notice,
            person: self.person,
            mail: self.mail.as_deref(),
            lang: &self.lang,
            words: &self.words,
            subject: &self.subject,
            values: &self.values,
            leave: self.leave.as_deref(),
        }
    }

    /// What is said.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }
}

/// Fits a notice to its reader: language, words, address, and the way to leave what goes to many.
pub(crate) fn fitting(
    view: &impl Read,
    (space, zone): (SpaceId, &TimeZone),
    (wording, sealer): (Option<&Arc<dyn super::Wording>>, &crate::seal::Sealer),
    notice: &Notice,
) -> Result<Fitting, Error> {
    let (person, given) = reader(view, notice)?;
    let chosen = match person {
        Some(person) => choice_of(view, person)?.mail,
        None => String::new(),
    };
    let mail = if chosen.is_empty() { given } else { Some(chosen) };
    let lang = template::lang_of(view, person)?;
    let values = values(view, notice, zone, &lang)?;
    let own = template::exact(view, notice.purpose.code(), template::WORDS, &lang)?;
    let own = own.map(|own| domain::notice::fill(&own.text, &values));
    let words = own
        .or_else(|| wording.map(|wording| wording.words(notice, zone, &lang)))
        .unwrap_or_else(|| notice.text.clone());
    let subject = wording.map_or(String::new(), |wording| wording.subject(notice, &lang));
    let leave = match (notice.purpose.topic(), person, wording.and_then(|wording| wording.base())) {
        (Topic::Own, ..) | (_, None, _) | (.., None) => None,
        (_, Some(person), Some(base)) => {
            Some(format!("{base}/message/leave/{}", sealer.sign(&leave_text(space, person))))
        }
    };
    Ok(Fitting { person, mail, lang, words, subject, values, leave })
}

/// Takes the next way that can reach the reader; true when there was one.
fn next(
    work: &mut Work<'_, '_>,
    desk: &Desk<'_>,
    notice: &Notice,
    mut dispatch: Dispatch,
    mut trail: Trail,
) -> Result<bool, Error> {
    let expires_at = notice.useful_until.unwrap_or_else(|| notice.created_at.plus(notice.purpose.useful_millis()));
    if expires_at <= work.now {
        trail.keep(work)?;
        return over(work, notice, dispatch);
    }
    let quiet = setting(work.read())?.quiet.filter(|_| !notice.purpose.is_urgent());
    let due_at = after_quiet(work.now, quiet, desk.zone);
    // What would come too late in the morning is of more use at night than never.
    let due_at = if due_at >= expires_at { work.now } else { due_at };
    let tools = (desk.ways.wording.as_ref(), desk.sealer);
    let fitting = fitting(work.read(), (work.permit.space, desk.zone), tools, notice)?;
    while !dispatch.rest.is_empty() {
        let way = dispatch.rest.remove(0);
        let Some(channel) = desk.ways.channel(&way) else { continue };
        let prepared = match channel.prepare(work, &fitting.reading(notice))? {
            Ready::Yes(prepared) => prepared,
            Ready::No(why) => {
                trail.look(desk, &way, work.now, why);
                continue;
            }
        };
        let letter = outbox::Letter {
            kind: channel.way(),
            target: prepared.target,
            subject: subject_of(notice.id),
            event: notice.about.event(),
            payload: prepared.payload,
            secret: false,
            once: format!("notice/{}/{way}", notice.id),
            due_at,
            expires_at,
        };
        let Some(entry) = outbox::put(work, letter)? else { continue };
        trail.look(desk, &way, work.now, "");
        trail.keep(work)?;
        dispatch.steps.push(Step { way, entry, at: work.now, end: String::new() });
        work.put(&dispatch)?;
        return Ok(true);
    }
    trail.keep(work)?;
    if !dispatch.steps.is_empty() {
        work.put(&dispatch)?;
    }
    Ok(false)
}

/// The notice is of no use any more.
fn over(work: &mut Work<'_, '_>, notice: &Notice, dispatch: Dispatch) -> Result<bool, Error> {
    work.put(&Notice { state: NoticeState::Dropped("too late".into(), work.now), ..notice.clone() })?;
    if !dispatch.steps.is_empty() {
        work.put(&Dispatch { rest: Vec::new(), ..dispatch })?;
    }
    Ok(false)
}

/// The trail of a message being written; kept for readers who are known.
struct Trail(Option<MessageTrail>);

impl Trail {
    fn new(notice: &Notice, person: Option<PersonId>) -> Self {
        Self(person.map(|person| MessageTrail {
            of: TrailOf::Notice(notice.id),
            person,
            event: notice.about.event(),
            at: notice.created_at,
            looked: Vec::new(),
        }))
    }

    /// The trail so far, or a new one.
    fn of(work: &Work<'_, '_>, notice: &Notice, person: Option<PersonId>) -> Result<Self, Error> {
        Ok(match work.read().get::<MessageTrail>(&TrailOf::Notice(notice.id).key())? {
            Some(kept) => Self(Some(kept)),
            None => Self::new(notice, person),
        })
    }

    /// Takes down that a way was looked at. A way that this box does not have at all is not worth a line.
    fn look(&mut self, desk: &Desk<'_>, way: &str, at: Time, why: &str) {
        if let Some(trail) = self.0.as_mut().filter(|trail| trail.looked.len() < LOOKED_MAX)
            && desk.ways.channel(way).is_some()
        {
            trail.looked.push(Looked { way: way.to_owned(), at, why: why.to_owned() });
        }
    }

    fn keep(self, work: &mut Work<'_, '_>) -> Result<(), Error> {
        match self.0 {
            Some(trail) => work.put(&trail),
            None => Ok(()),
        }
    }
}

fn subject_of(id: NoticeId) -> String {
    format!("notice/{id}")
}

/// What follows for a notice when an entry of the outbox came to its end: it was sent, or it takes its next way. Called in the transaction that
/// ends the entry.
pub(crate) fn settled(
    work: &mut Work<'_, '_>,
    ways: &Arc<RwLock<Ways>>,
    sealer: &crate::seal::Sealer,
    zone: &TimeZone,
    entry: &Outgoing,
) -> Result<(), Error> {
    let Some(id) = entry.subject.strip_prefix("notice/").and_then(|id| id.parse().ok()).map(NoticeId) else {
        return Ok(());
    };
    let Some(mut dispatch) = work.read().get::<Dispatch>(&id)? else { return Ok(()) };
    let Some(step) = dispatch.steps.iter_mut().find(|step| step.entry == entry.id) else { return Ok(()) };
    let fresh = step.end.is_empty();
    entry.state.code().clone_into(&mut step.end);
    work.put(&dispatch)?;
    let Some(notice) = work.read().get::<Notice>(&id)? else { return Ok(()) };
    if notice.state != NoticeState::Waiting {
        return Ok(());
    }
    match entry.state {
        // What was perhaps sent takes no other way: nobody is to get it twice.
        OutState::Sent | OutState::Unsure => {
            work.put(&Notice { state: NoticeState::Sent(entry.kind.clone(), work.now), ..notice })
        }
        OutState::Refused | OutState::Expired if fresh => {
            let ways = ways.read().unwrap_or_else(PoisonError::into_inner);
            let trail = Trail::of(work, &notice, dispatch.person)?;
            next(work, &Desk { ways: &ways, zone, sealer }, &notice, dispatch, trail).map(drop)
        }
        _ => Ok(()),
    }
}

/// Takes a notice's open entry back, because a person settled the notice by hand.
pub(crate) fn withdraw(work: &mut Work<'_, '_>, id: NoticeId) -> Result<(), Error> {
    let Some(mut dispatch) = work.read().get::<Dispatch>(&id)? else { return Ok(()) };
    let Some(step) = dispatch.steps.last_mut().filter(|step| step.end.is_empty()) else { return Ok(()) };
    let Some(entry) = work.read().get::<Outgoing>(&step.entry)? else { return Ok(()) };
    // What is being sent at this moment cannot be taken back any more.
    if let Ok(dropped) = entry.act(OutAct::Drop, work.now) {
        dropped.state.code().clone_into(&mut step.end);
        dispatch.rest.clear();
        work.put(&dropped)?;
        work.put(&dispatch)?;
    }
    Ok(())
}

/// The ways that notices of an event took, for the rows of its log.
pub fn log(ctx: &Ctx, actor: &Actor, event: EventId, ids: &[NoticeId]) -> Result<Vec<Option<Dispatch>>, Error> {
    let permit = ctx.permit(actor, Permission::NoticeSend, At::Event(event))?;
    ctx.read(&permit, |view| {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.push(view.get::<Dispatch>(id)?.filter(|dispatch| dispatch.event == event));
        }
        Ok(found)
    })
}

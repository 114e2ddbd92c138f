//! Which way a notice takes: chosen when it is fresh, and anew when a way failed. A cursor says which notices were looked at; each is looked at
//! once, so a way that is set up later sends nothing old.

use super::{Reading, Ways, choice_of, leave_text, reader, setting, values};
use crate::{Actor, At, Ctx, Error, Work, outbox};
use domain::{
    Dispatch, EventId, Notice, NoticeId, Outgoing, Permission, SpaceId,
    message::{DispatchCursor, Step, Topic, after_quiet},
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
    if choice.as_ref().is_some_and(|choice| !choice.wants(topic)) {
        notice.state = NoticeState::Dropped("unwanted".into(), work.now);
        work.put(&notice)?;
        return Ok(false);
    }
    let setting = setting(work.read())?;
    let ways: Vec<String> = match &choice {
        Some(choice) => choice.ways(&setting).into_iter().map(str::to_owned).collect(),
        None => setting.ways().into_iter().map(str::to_owned).collect(),
    };
    let event = notice.about.event();
    let dispatch = Dispatch { notice: notice.id, person, event, steps: Vec::new(), rest: ways };
    next(work, desk, &notice, dispatch)
}

/// Takes the next way that can reach the reader; true when there was one.
fn next(work: &mut Work<'_, '_>, desk: &Desk<'_>, notice: &Notice, mut dispatch: Dispatch) -> Result<bool, Error> {
    let expires_at = notice.useful_until.unwrap_or_else(|| notice.created_at.plus(notice.purpose.useful_millis()));
    if expires_at <= work.now {
        return over(work, notice, dispatch);
    }
    let setting = setting(work.read())?;
    let quiet = setting.quiet.filter(|_| !notice.purpose.is_urgent());
    let due_at = after_quiet(work.now, quiet, desk.zone);
    // What would come too late in the morning is of more use at night than never.
    let due_at = if due_at >= expires_at { work.now } else { due_at };
    let (_, given) = reader(work.read(), notice)?;
    let chosen = match dispatch.person {
        Some(person) => choice_of(work.read(), person)?.mail,
        None => String::new(),
    };
    let mail = if chosen.is_empty() { given } else { Some(chosen) };
    let values = values(work.read(), notice, desk.zone)?;
    let wording = desk.ways.wording.as_ref();
    let own = setting.words(notice.purpose.code(), "zh-CN").map(|words| domain::notice::fill(words, &values));
    let words =
        own.or_else(|| wording.map(|wording| wording.words(notice, desk.zone))).unwrap_or_else(|| notice.text.clone());
    let subject = wording.map_or(String::new(), |wording| wording.subject(notice));
    let base = wording.and_then(|wording| wording.base());
    let leave = match (notice.purpose.topic(), dispatch.person, base) {
        (Topic::Own, ..) | (_, None, _) | (.., None) => None,
        (_, Some(person), Some(base)) => {
            Some(format!("{base}/message/leave/{}", desk.sealer.sign(&leave_text(work.permit.space, person))))
        }
    };
    while !dispatch.rest.is_empty() {
        let way = dispatch.rest.remove(0);
        let Some(channel) = desk.ways.channel(&way) else { continue };
        let of = Reading {
            notice,
            person: dispatch.person,
            mail: mail.as_deref(),
            words: &words,
            subject: &subject,
            values: &values,
            leave: leave.as_deref(),
        };
        let Some(prepared) = channel.prepare(work, &of)? else { continue };
        let letter = outbox::Letter {
            kind: channel.way(),
            target: prepared.target,
            subject: subject_of(notice.id),
            event: Some(dispatch.event),
            payload: prepared.payload,
            secret: false,
            once: format!("notice/{}/{way}", notice.id),
            due_at,
            expires_at,
        };
        let Some(entry) = outbox::put(work, letter)? else { continue };
        dispatch.steps.push(Step { way, entry, at: work.now, end: String::new() });
        work.put(&dispatch)?;
        return Ok(true);
    }
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
            next(work, &Desk { ways: &ways, zone, sealer }, &notice, dispatch).map(drop)
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

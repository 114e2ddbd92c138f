//! Every message to one person over all ways: what it was, how far it got, which way was chosen and why others were not (S1-59). A person sees
//! their own of the last days.

use crate::{Actor, At, Ctx, Error, Work};
use domain::{
    Dispatch, EventId, MessageTrail, Notice, Outgoing, OutgoingId, Permission, Person, PersonId, Refusal, SmsLine,
    SpaceId, Ticket, TicketId, Time,
    message::template::{Looked, TrailOf},
    outbox::OutState,
    time::DAY,
};
use store::catalogue::{TRAIL_BY_EVENT, TRAIL_BY_PERSON};
use store::{Order as Sort, Read};

/// Rows of a page.
pub const PAGE: usize = 50;
/// How many days a person sees of their own messages.
pub const OWN_DAYS: i64 = 30;
/// Rows that a person sees.
const OWN_MAX: usize = 100;
/// How long it is kept that a code was sent.
const CODES_KEPT: i64 = 180 * DAY;
/// Records of one transaction.
const STEP: usize = 200;

/// One message.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its trail.
    pub trail: MessageTrail,
    /// The notice; none for a code, and where it is gone.
    pub notice: Option<Notice>,
    /// Name of the event.
    pub event: String,
    /// The ways that were taken, in their order.
    pub steps: Vec<Taken>,
}

/// A way that was taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The way.
    pub way: String,
    /// When.
    pub at: Time,
    /// How far it got; none where the outbox does not keep it any more and nobody noted how it ended.
    pub state: Option<OutState>,
    /// What the other side said.
    pub said: String,
    /// Whether a text message arrived: the provider's code, empty: it did; none: not known.
    pub delivered: Option<String>,
}

/// A page of somebody's messages.
pub struct Page {
    /// Name as the person is known.
    pub name: String,
    /// Phone in E.164.
    pub phone: Option<String>,
    /// Rows, newest first.
    pub rows: Vec<Row>,
    /// Where the next page goes on.
    pub next: Option<(u8, u64)>,
}

/// Takes down that a code to log in was written to somebody whom the box knows; the caller writes the audit line.
pub(super) fn note_code(
    work: &mut Work<'_, '_>,
    entry: OutgoingId,
    person: Option<PersonId>,
    way: &str,
) -> Result<(), Error> {
    let Some(person) = person else { return Ok(()) };
    let at = work.now;
    work.put(&MessageTrail {
        of: TrailOf::Code(entry),
        person,
        event: None,
        at,
        looked: vec![Looked { way: way.to_owned(), at, why: String::new() }],
    })
}

fn taken(view: &impl Read, way: &str, at: Time, entry: OutgoingId, end: &str) -> Result<Taken, Error> {
    let kept = view.get::<Outgoing>(&entry)?;
    let line = view.get::<SmsLine>(&entry)?;
    Ok(Taken {
        way: way.to_owned(),
        at,
        state: kept.as_ref().map(|kept| kept.state).or_else(|| OutState::parse(end)),
        said: kept.map_or(String::new(), |kept| kept.said),
        delivered: line.and_then(|line| line.failed),
    })
}

fn row(view: &impl Read, trail: MessageTrail) -> Result<Row, Error> {
    let mut steps = Vec::new();
    let notice = match trail.of {
        TrailOf::Notice(id) => {
            for step in view.get::<Dispatch>(&id)?.map(|dispatch| dispatch.steps).unwrap_or_default() {
                steps.push(taken(view, &step.way, step.at, step.entry, &step.end)?);
            }
            view.get::<Notice>(&id)?
        }
        TrailOf::Code(entry) => {
            let way = trail.looked.first().map_or("", |looked| looked.way.as_str());
            steps.push(taken(view, way, trail.at, entry, "")?);
            None
        }
    };
    let event = match trail.event {
        Some(event) => view.get::<domain::Event>(&event)?.map_or(String::new(), |event| event.name),
        None => String::new(),
    };
    Ok(Row { trail, notice, event, steps })
}

/// The trails of somebody, newest first, behind a page's last one; only those that `fits`. A person has few.
fn trails(
    view: &impl Read,
    person: PersonId,
    fits: impl Fn(&MessageTrail) -> bool,
) -> Result<Vec<MessageTrail>, Error> {
    let mut all = Vec::new();
    for key in view.scan_index(&TRAIL_BY_PERSON, &person, None, Sort::Descending).take(10_000) {
        all.extend(view.get::<MessageTrail>(&key?)?.filter(|trail| fits(trail)));
    }
    all.sort_by_key(|trail| std::cmp::Reverse((trail.at, trail.of.key())));
    Ok(all)
}

/// Whose messages are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The holder's of a ticket.
    Holder(EventId, TicketId),
    /// A person's.
    Person(PersonId),
}

/// Every message to somebody, newest first. Whoever writes to one event's people sees what belongs to that event; whoever writes to all sees all.
pub fn log(ctx: &Ctx, actor: &Actor, whose: Whose, before: Option<(u8, u64)>) -> Result<Page, Error> {
    let place = match whose {
        Whose::Holder(event, _) => At::Event(event),
        Whose::Person(_) => At::Space,
    };
    let permit = ctx.permit(actor, Permission::NoticeSend, place)?;
    let everywhere = ctx.permit(actor, Permission::NoticeSend, At::Space).is_ok();
    let may = |event: Option<EventId>| match event {
        _ if everywhere => true,
        Some(event) => ctx.permit(actor, Permission::NoticeSend, At::Event(event)).is_ok(),
        None => false,
    };
    ctx.read(&permit, |view| {
        let (person, mut name, mut phone) = match whose {
            Whose::Person(person) => (person, String::new(), None),
            Whose::Holder(event, id) => {
                let ticket = view.get::<Ticket>(&(event, id))?.ok_or_else(|| Refusal::missing("registration"))?;
                (ticket.person, ticket.name, ticket.phone)
            }
        };
        let known = view.get::<Person>(&person)?;
        if let (Whose::Person(_), Some(known)) = (whose, &known) {
            (name, phone) = (known.name.clone(), known.phone.clone());
        }
        if known.is_none() {
            return Err(Refusal::missing("person").into());
        }
        let mut all = trails(view, person, |trail| may(trail.event))?;
        if let Some(before) = before
            && let Some(at) = all.iter().position(|trail| trail.of.key() == before)
        {
            all.drain(..=at);
        }
        let next = all.get(PAGE).and_then(|_| all.get(PAGE - 1)).map(|trail| trail.of.key());
        all.truncate(PAGE);
        let rows = all.into_iter().map(|trail| row(view, trail)).collect::<Result<Vec<_>, Error>>()?;
        Ok(Page { name, phone, rows, next })
    })
}

/// What a person sees of their own messages: those of the last days.
pub(super) fn own(view: &impl Read, person: PersonId, now: Time) -> Result<Vec<Row>, Error> {
    let mut all = trails(view, person, |trail| now.since(trail.at) <= OWN_DAYS * DAY)?;
    all.truncate(OWN_MAX);
    all.into_iter().map(|trail| row(view, trail)).collect()
}

/// Everything of `from` is `into`'s from now on; answers what moved. The caller writes the audit line.
pub(crate) fn moved(work: &mut Work<'_, '_>, from: PersonId, into: PersonId) -> Result<Vec<(u8, u64)>, Error> {
    let mut keys = Vec::new();
    for trail in trails(work.read(), from, |_| true)? {
        keys.push(trail.of.key());
        work.put(&MessageTrail { person: into, ..trail })?;
    }
    Ok(keys)
}

/// What moved is `to`'s again, as far as it is still kept for `now`.
pub(crate) fn give_back(work: &mut Work<'_, '_>, keys: &[(u8, u64)], now: PersonId, to: PersonId) -> Result<(), Error> {
    for key in keys {
        let kept = work.read().get::<MessageTrail>(key)?;
        if let Some(trail) = kept.filter(|trail| trail.person == now) {
            work.put(&MessageTrail { person: to, ..trail })?;
        }
    }
    Ok(())
}

/// Removes what is kept of somebody's messages, who is forgotten; the caller writes the audit line.
pub(crate) fn forget_person(work: &mut Work<'_, '_>, person: PersonId) -> Result<(), Error> {
    for trail in trails(work.read(), person, |_| true)? {
        work.remove::<MessageTrail>(&trail.of.key())?;
        if let TrailOf::Notice(id) = trail.of
            && work.read().get::<Notice>(&id)?.is_some_and(|notice| notice.about.event().is_none())
        {
            work.remove::<Notice>(&id)?;
        }
    }
    if work.read().get::<domain::PersonLang>(&person)?.is_some() {
        work.remove::<domain::PersonLang>(&person)?;
    }
    Ok(())
}

/// Removes the trails of an archived event.
pub(super) async fn forget_event(ctx: &Ctx, space: SpaceId, event: EventId) -> Result<(), Error> {
    let permit = ctx.own(space);
    let keys: Vec<(u8, u64)> = ctx.read(&permit, |view| {
        let keys = view.scan_index(&TRAIL_BY_EVENT, &event, None, Sort::Ascending);
        Ok(keys.collect::<Result<Vec<_>, _>>()?)
    })?;
    for step in keys.chunks(STEP) {
        let step = step.to_vec();
        ctx.write(&permit, move |work| {
            for key in &step {
                work.remove::<MessageTrail>(key)?;
            }
            work.audit("archive.freeze", format!("event/{event}/archive"), &format!("{} trails", step.len()), "")
        })
        .await?;
    }
    Ok(())
}

/// Forgets that codes were sent long ago; answers how many. Called by the clock.
pub async fn tidy(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let (permit, now) = (ctx.own(space), ctx.now());
    let old = ctx.read(&permit, |view| {
        let mut old = Vec::new();
        for kept in view.scan::<MessageTrail>(&1u8, None, Sort::Ascending).take(STEP) {
            let (key, trail) = kept?;
            if now.since(trail.at) <= CODES_KEPT {
                break;
            }
            old.push(key);
        }
        Ok(old)
    })?;
    let count = old.len();
    if count > 0 {
        ctx.write(&permit, move |work| {
            for key in &old {
                work.remove::<MessageTrail>(key)?;
            }
            work.audit("message.tidy", "message", "", &format!("{} codes", old.len()))
        })
        .await?;
    }
    Ok(count)
}

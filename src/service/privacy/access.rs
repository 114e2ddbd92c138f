//! The log of who saw phone numbers and identity cards in full: whose, which of them, where and when. What pages show is counted in memory and
//! kept every now and then; what leaves as a file is on disk before it is handed out. No door waits for it.

use crate::{
    Actor, At, Ctx, Error, Permit,
    row::{self, Row},
    space::name_of,
};
use domain::{
    AccessId, AccessLine, By, EventId, Permission, Person, PersonId, SpaceId,
    field::AnswerValue,
    privacy::{Seen, Whose},
    query::Query,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use store::catalogue::PERSON_BY_PHONE;
use store::{Order, Read, SpaceView};

/// Every how many seconds what pages showed is kept.
const KEEP_EVERY: i64 = 30;
/// Lines of one transaction.
const STEP: usize = 100;

/// Where something was seen: who saw, the code of the page, file or route, and the event.
type Spot = (SpaceId, By, &'static str, Option<EventId>);

/// Whose fields were seen at a spot, and which.
type What = (BTreeSet<PersonId>, BTreeSet<Seen>);

/// What was seen at one spot, ready to be kept.
type Taken = (Spot, BTreeSet<PersonId>, Vec<Seen>);

/// What was seen and is not on disk yet. It grows with people and pages, not with how often a page was opened.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<Spot, What>>);

impl Tally {
    fn note(&self, spot: Spot, people: impl IntoIterator<Item = PersonId>, seen: &[Seen]) {
        let mut people = people.into_iter().peekable();
        if people.peek().is_none() {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = kept.entry(spot).or_default();
        entry.0.extend(people);
        entry.1.extend(seen);
    }

    fn take(&self, space: SpaceId) -> Vec<Taken> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spots: Vec<Spot> = kept.keys().filter(|spot| spot.0 == space).copied().collect();
        let taken = spots.into_iter().filter_map(|spot| kept.remove(&spot).map(|seen| (spot, seen)));
        taken.map(|(spot, (people, seen))| (spot, people, seen.into_iter().collect())).collect()
    }

    fn give_back(&self, taken: &[Taken]) {
        for (spot, people, seen) in taken {
            self.note(*spot, people.iter().copied(), seen);
        }
    }
}

/// Takes down that the actor was shown fields of these people in full; it is on disk within a minute.
pub fn note(
    ctx: &Ctx,
    actor: &Actor,
    place: &'static str,
    event: Option<EventId>,
    people: impl IntoIterator<Item = PersonId>,
    seen: &[Seen],
) {
    ctx.accesses.note((actor.space, actor.by(), place, event), people, seen);
}

/// As [`note`], for those who are known by their phone number (E.164) alone. Numbers of nobody's leave no line.
pub fn note_phones<'a>(
    ctx: &Ctx,
    actor: &Actor,
    place: &'static str,
    event: Option<EventId>,
    phones: impl IntoIterator<Item = &'a str>,
) -> Result<(), Error> {
    let people = ctx.read(&ctx.own(actor.space), |view| persons_by(view, phones))?;
    note(ctx, actor, place, event, people, &[Seen::Phone]);
    Ok(())
}

/// As [`note_now`], for those who are known by their phone number (E.164) alone.
pub async fn note_phones_now<'a>(
    ctx: &Ctx,
    actor: &Actor,
    place: &'static str,
    event: Option<EventId>,
    phones: impl IntoIterator<Item = &'a str>,
) -> Result<(), Error> {
    let people = ctx.read(&ctx.own(actor.space), |view| persons_by(view, phones))?;
    note_now(ctx, actor, place, event, people, &[Seen::Phone]).await
}

/// The people whose phone numbers these are.
pub(crate) fn persons_by<'a>(
    view: &impl Read,
    phones: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<PersonId>, Error> {
    let mut people = Vec::new();
    for phone in phones {
        people.extend(view.find_key::<Person, _>(&PERSON_BY_PHONE, &phone.to_owned())?);
    }
    Ok(people)
}

/// What of a registration is seen in full by whoever may.
pub fn seen_of(ticket: &domain::Ticket) -> Vec<Seen> {
    let sealed = ticket.answers.iter().any(|answer| matches!(answer.value, AnswerValue::Sealed(_)));
    let phone = ticket.phone.is_some().then_some(Seen::Phone);
    phone.into_iter().chain(sealed.then_some(Seen::IdCard)).collect()
}

/// As [`note`], on disk before anything is handed out: for files, which leave the box.
pub async fn note_now(
    ctx: &Ctx,
    actor: &Actor,
    place: &'static str,
    event: Option<EventId>,
    people: Vec<PersonId>,
    seen: &[Seen],
) -> Result<(), Error> {
    let spot = (actor.space, actor.by(), place, event);
    keep(ctx, &ctx.own(actor.space), vec![(spot, people.into_iter().collect(), seen.to_vec())]).await
}

/// Keeps what was seen in a space, when it is its second; answers 0, for it is nothing worth a line in the log of the clock.
pub async fn flush(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    if crate::job::is_turn(ctx, KEEP_EVERY) {
        flush_now(ctx, space).await?;
    }
    Ok(0)
}

/// Keeps what was seen in a space now. What could not be kept is tried again.
pub async fn flush_now(ctx: &Ctx, space: SpaceId) -> Result<(), Error> {
    let taken = ctx.accesses.take(space);
    if taken.is_empty() {
        return Ok(());
    }
    let kept = keep(ctx, &ctx.own(space), taken.clone()).await;
    if kept.is_err() {
        ctx.accesses.give_back(&taken);
    }
    kept
}

async fn keep(ctx: &Ctx, permit: &Permit, taken: Vec<Taken>) -> Result<(), Error> {
    let mut lines = Vec::new();
    for ((_, by, place, event), people, seen) in taken {
        lines.extend(Whose::lines(&people).into_iter().map(|whose| (by, place, event, whose, seen.clone())));
    }
    for step in lines.chunks(STEP) {
        let step = step.to_vec();
        ctx.write(permit, move |work| {
            for (by, place, event, whose, seen) in &step {
                let line = AccessLine {
                    id: AccessId(work.next_id::<AccessLine>()?),
                    at: work.now,
                    by: *by,
                    whose: whose.clone(),
                    seen: seen.clone(),
                    place: (*place).to_owned(),
                    event: *event,
                };
                work.insert(&line)?;
            }
            work.audit("access.note", "access", "", &format!("{} lines", step.len()))
        })
        .await?;
    }
    Ok(())
}

/// Lines of one page.
pub const PAGE: usize = 50;
/// Most lines that are looked through for one page; the next page goes on behind them.
const LOOKED_MAX: usize = 20_000;
/// Most people of a line whose names a page shows.
const NAMES_MAX: usize = 10;

/// A line as the page shows it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The line.
    pub line: AccessLine,
    /// Name of who saw; none for visitors and those who are gone.
    pub who: Option<String>,
    /// Names of the first people, with their numbers.
    pub names: Vec<(PersonId, String)>,
    /// Name of the event.
    pub event: String,
}

/// A page of the log.
#[derive(Debug, Clone)]
pub struct Page {
    /// The lines, newest first.
    pub lines: Vec<Shown>,
    /// The number to go on before, if there are more.
    pub next: Option<u64>,
}

/// A page of the log, newest first, from line `before` downwards: what a query finds by who saw, whose, where and day; of one person alone
/// where one is named.
pub async fn page(
    ctx: &Ctx,
    actor: &Actor,
    before: Option<u64>,
    text: &str,
    of: Option<PersonId>,
) -> Result<Page, Error> {
    let permit = ctx.permit(actor, Permission::AccessView, At::Space)?;
    flush_now(ctx, permit.space).await?;
    let (own, query) = (ctx.clone(), row::read(ctx, permit.space, text)?);
    crate::aside(move || own.read(&permit, |view| find(view, before, &query, of))).await
}

fn find(view: &SpaceView, before: Option<u64>, query: &Query, of: Option<PersonId>) -> Result<Page, Error> {
    let mut page = Page { lines: Vec::with_capacity(PAGE), next: None };
    let (mut last, mut known) = (None, HashMap::new());
    let from = before.map(|before| AccessId(before.saturating_sub(1)));
    if from == Some(AccessId(0)) {
        return Ok(page);
    }
    for (looked, kept) in view.scan::<AccessLine>(&(), from.as_ref(), Order::Descending).enumerate() {
        let (id, line) = kept?;
        if page.lines.len() == PAGE || looked == LOOKED_MAX {
            page.next = last;
            break;
        }
        last = Some(id.0);
        if of.is_some_and(|of| !line.whose.contains(of)) {
            continue;
        }
        let shown = shown(view, line, of, &mut known)?;
        if fits(&shown, query) {
            page.lines.push(shown);
        }
    }
    Ok(page)
}

fn shown(
    view: &SpaceView,
    line: AccessLine,
    of: Option<PersonId>,
    known: &mut HashMap<PersonId, String>,
) -> Result<Shown, Error> {
    let mut names = Vec::new();
    // Whoever is asked about stands in front.
    let first = of.into_iter().chain(line.whose.people().filter(|person| Some(*person) != of));
    for person in first.take(NAMES_MAX) {
        let name = match known.get(&person) {
            Some(name) => name.clone(),
            None => {
                let name = view.get::<Person>(&person)?.map_or_else(|| person.to_string(), |kept| kept.name);
                known.insert(person, name.clone());
                name
            }
        };
        names.push((person, name));
    }
    let event = match line.event {
        Some(event) => view.get::<domain::Event>(&event)?.map_or(String::new(), |event| event.name),
        None => String::new(),
    };
    Ok(Shown { who: name_of(view, line.by)?, names, event, line })
}

fn fits(of: &Shown, query: &Query) -> bool {
    let names: Vec<&str> = of.names.iter().map(|(_, name)| name.as_str()).collect();
    let mut words = vec![of.line.place.as_str()];
    words.extend(names);
    words.extend(of.line.seen.iter().map(|seen| seen.code()));
    let row = Row {
        name: of.who.as_deref().unwrap_or_default(),
        words: &words,
        kinds: &[&of.line.place],
        event: (&of.event, of.line.event.map_or(0, |event| event.0)),
        at: Some(of.line.at),
        ..Row::default()
    };
    row.fits(query)
}

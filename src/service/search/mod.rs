//! Finding anybody and anything. What may be found is said in [`kind`]; a find is read from the store and shown as the asker may see it, so
//! that what is gone or masked does not come back through the index.

mod inbox;
mod job;
pub mod kind;
mod kinds;
mod sale;
pub mod saved;
mod sight;

pub use job::{Keeper, Progress, State};
pub use search::{Marks, Piece, Sort};

pub(crate) use inbox::Inbox;

use crate::{Actor, At, Ctx, Error, Who, privacy::access};
use domain::{
    EventId, Permission, Refusal, SpaceId,
    query::{self, Query, Within},
    refuse,
};
use kind::{Card, KINDS, Kind, Making, Showing};
use search::{Ask, Found, Index, Key, Use, print, snippet};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use store::{Order, Read, SpaceView};

/// Finds of one page.
pub const PAGE: usize = 20;
/// Finds that are shown while somebody types.
pub const QUICK: usize = 8;
/// Events that a page offers to narrow the finds down to.
const EVENTS_SHOWN: usize = 12;

/// A question as somebody asks it.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// What was typed.
    pub text: String,
    /// Only this kind, by name.
    pub kind: String,
    /// Only this event.
    pub event: Option<EventId>,
    /// Order.
    pub sort: Sort,
    /// Page, from 0.
    pub page: usize,
    /// While somebody types.
    pub quick: bool,
}

/// A find with its kind.
#[derive(Debug, Clone)]
pub struct Find {
    /// Name of the kind.
    pub kind: &'static str,
    /// English source text of the kind.
    pub label: &'static str,
    /// How it looks.
    pub card: Card,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The finds of the page.
    pub finds: Vec<Find>,
    /// How many there are.
    pub count: usize,
    /// There may be more than were counted.
    pub more: bool,
    /// Kinds with their names, labels and counts.
    pub kinds: Vec<(&'static str, &'static str, usize)>,
    /// Events with their names and counts, most first.
    pub events: Vec<(EventId, String, usize)>,
    /// Nothing was found as it was typed; these are one letter off.
    pub near: bool,
    /// What is marked in the finds.
    pub marks: Marks,
    /// There is no index to search yet, or it is being repaired.
    pub unready: bool,
}

/// The end of an identity card by which it is found.
fn end_of(whole: &str) -> Option<String> {
    let at = whole.len().checked_sub(4).filter(|_| whole.len() >= 15)?;
    Some(whole.get(at..)?.to_lowercase())
}

/// The address of a search.
fn address(text: &str, kind: &str) -> String {
    let mut out = String::from("/admin/search?q=");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("{out}&kind={kind}")
}

/// Characters of a piece of text.
const PIECE: usize = 120;

/// The piece of a text around what was looked for.
fn piece(text: &str, query: &Query) -> String {
    snippet(text, &Marks::of(query), PIECE).into_iter().map(|piece| piece.text).collect()
}

/// Starts keeping the index below a folder of its own; in memory without one. Call it once, before anything is written.
pub fn start(ctx: &Ctx, folder: Option<PathBuf>) {
    ctx.search.start(ctx, folder, KINDS);
}

/// Has the program's own records found in a space that is new.
pub fn add_space(ctx: &Ctx, space: SpaceId) {
    ctx.search.add_space(ctx.store(), space);
}

/// Ends keeping it, with its position on disk. Blocks the thread.
pub fn stop(ctx: &Ctx) {
    ctx.search.stop();
}

/// Waits until everything that is committed now is found.
pub async fn settle(ctx: &Ctx) -> Result<(), Error> {
    ctx.search.settle(ctx.store()).await
}

/// The documents that a query finds, for their list: numbers of one page of it, and how many there are.
pub(crate) fn documents(
    ctx: &Ctx,
    actor: &Actor,
    text: &str,
    page: usize,
) -> Result<(Vec<domain::DocumentId>, usize), Error> {
    let question = Question { text: text.to_owned(), kind: "document".into(), page, ..Question::default() };
    let answer = find_taking(ctx, actor, &question, crate::document::PAGE)?;
    let id = |find: &Find| find.card.href.rsplit('/').next().and_then(|id| id.parse().ok()).map(domain::DocumentId);
    Ok((answer.finds.iter().filter_map(id).collect(), answer.count))
}

/// What a question narrows the finds down to beside its words.
#[derive(Default)]
struct Narrowed {
    query: Query,
    kinds: Option<HashSet<u8>>,
    events: Option<HashSet<u64>>,
    not_events: HashSet<u64>,
}

impl Narrowed {
    fn kinds(&mut self, only: HashSet<u8>) {
        self.kinds = Some(match self.kinds.take() {
            Some(before) => before.intersection(&only).copied().collect(),
            None => only,
        });
    }

    fn events(&mut self, only: HashSet<u64>) {
        self.events = Some(match self.events.take() {
            Some(before) => before.intersection(&only).copied().collect(),
            None => only,
        });
    }
}

/// Takes `event:` and `type:` out of the words.
fn narrow(view: &SpaceView, kinds: &[&'static dyn Kind], query: Query, question: &Question) -> Result<Narrowed, Error> {
    let mut out = Narrowed::default();
    for word in query.words {
        match word.within {
            Within::Type => {
                let of: HashSet<u8> = kind::named(kinds, &word.text).map(|kind| kind.number()).into_iter().collect();
                let all = kinds.iter().map(|kind| kind.number());
                out.kinds(if word.without { all.filter(|kind| !of.contains(kind)).collect() } else { of });
            }
            Within::Event => {
                let of = events_named(view, &word.text)?;
                if word.without { out.not_events.extend(of) } else { out.events(of) }
            }
            _ => out.query.words.push(word),
        }
    }
    (out.query.after, out.query.before) = (query.after, query.before);
    if !question.kind.is_empty() {
        out.kinds(kind::named(kinds, &question.kind).map(|kind| kind.number()).into_iter().collect());
    }
    if let Some(event) = question.event {
        out.events(HashSet::from([event.0]));
    }
    Ok(out)
}

/// Events of that number, or with that in their name. Which of them the asker may see is for the sights to say.
fn events_named(view: &SpaceView, typed: &str) -> Result<HashSet<u64>, Error> {
    let typed = typed.to_lowercase();
    let number: Option<u64> = typed.parse().ok();
    let mut out = HashSet::new();
    view.visit::<domain::Event>(&(), Order::Ascending, |id, event| {
        if Some(id.0) == number || event.name.to_lowercase().contains(&typed) {
            out.insert(id.0);
        }
        ControlFlow::Continue(())
    })?;
    Ok(out)
}

/// Answers a question of somebody who is logged in. Blocks the thread.
pub fn find(ctx: &Ctx, actor: &Actor, question: &Question) -> Result<Answer, Error> {
    find_taking(ctx, actor, question, if question.quick { QUICK } else { PAGE })
}

fn find_taking(ctx: &Ctx, actor: &Actor, question: &Question, take: usize) -> Result<Answer, Error> {
    let Who::Staff { .. } = actor.who else {
        return Err(refuse!(Unknown, "session.none", "Please log in.").into());
    };
    // What is granted somewhere is looked at kind by kind.
    let permit = ctx.public(actor);
    let query = query::parse(&question.text, &ctx.zone(permit.space)?)?;
    let Some(index) = ctx.search.index() else {
        return Ok(Answer { unready: true, marks: Marks::of(&query), ..Answer::default() });
    };
    if query.is_empty() && question.kind.is_empty() && question.event.is_none() {
        return Ok(Answer::default());
    }
    let kinds = ctx.search.kinds();
    // Taken before the view: a record that changes in between is left out rather than shown as it was.
    let stale = ctx.search.inbox.stale();
    ctx.read(&permit, |view| {
        let narrowed = narrow(view, kinds, query.clone(), question)?;
        let sights = sight::sights(view, actor, kinds)?;
        let ask = Ask {
            space: permit.space.0,
            query: &narrowed.query,
            sights: &sights,
            kinds: narrowed.kinds.as_ref(),
            events: narrowed.events.as_ref(),
            not_events: Some(&narrowed.not_events),
            stale: &|key| !stale.is_empty() && stale.contains_key(key),
            secret: &|end| ctx.sealer.tag(end),
            sort: question.sort,
            skip: question.page.saturating_mul(take).min(search::PLACES_MAX),
            take,
            quick: question.quick,
        };
        let Some(found) = look(ctx, &index, &ask) else {
            return Ok(Answer { unready: true, marks: Marks::of(&query), ..Answer::default() });
        };
        show(ctx, view, actor, found, &query, kinds)
    })
}

/// Searches; none when the index turned out to be damaged, which leads to a new one.
fn look(ctx: &Ctx, index: &Index, ask: &Ask<'_>) -> Option<Found> {
    match catch_unwind(AssertUnwindSafe(|| index.find(ask))) {
        Ok(Ok(found)) => Some(found),
        Ok(Err(error)) => {
            ctx.search.damaged(&error.to_string());
            None
        }
        Err(_) => {
            ctx.search.damaged("searching it panicked");
            None
        }
    }
}

/// Reads what was found from the store, as the asker may see it.
fn show(
    ctx: &Ctx,
    view: &SpaceView,
    actor: &Actor,
    found: Found,
    query: &Query,
    kinds: &[&'static dyn Kind],
) -> Result<Answer, Error> {
    let mut by_kind: BTreeMap<u8, usize> = found.kinds;
    let mut count = found.count;
    let mut events = found.events;
    let mut finds = Vec::with_capacity(found.hits.len());
    let phones = RefCell::default();
    for hit in &found.hits {
        let Some(kind) = kinds.iter().find(|kind| kind.number() == hit.key.kind) else { continue };
        let showing = Showing { view, files: &ctx.files, actor, query, page: hit.page, phones: &phones };
        let card = kind.card(&showing, &hit.key)?;
        let seen = card.filter(|card| kind.permission().is_none_or(|permission| actor.covers(permission, &card.place)));
        match seen {
            Some(card) => finds.push(Find { kind: kind.name(), label: kind.label(), card }),
            None => {
                // It went this very moment: it does not count either.
                count = count.saturating_sub(1);
                by_kind.entry(hit.key.kind).and_modify(|count| *count = count.saturating_sub(1));
                events.entry(hit.key.event).and_modify(|count| *count = count.saturating_sub(1));
            }
        }
    }
    let phones = phones.into_inner();
    let seen = access::persons_by(view, phones.iter().map(String::as_str))?;
    access::note(ctx, actor, "search", None, seen, &[domain::privacy::Seen::Phone]);
    let mut named = Vec::new();
    let mut most: Vec<(u64, usize)> = events.into_iter().filter(|(_, count)| *count > 0).collect();
    most.sort_by_key(|(event, count)| (std::cmp::Reverse(*count), *event));
    for (event, count) in most.into_iter().take(EVENTS_SHOWN) {
        let name = view.peek::<domain::Event, _>(&EventId(event), |event| event.name.as_str().to_owned())?;
        named.extend(name.map(|name| (EventId(event), name, count)));
    }
    let counted = |kind: &&'static dyn Kind| {
        let count = by_kind.get(&kind.number()).copied().filter(|count| *count > 0)?;
        Some((kind.name(), kind.label(), count))
    };
    Ok(Answer {
        finds,
        count,
        more: found.more,
        kinds: kinds.iter().filter_map(counted).collect(),
        events: named,
        near: found.near,
        marks: Marks::of(query),
        unready: false,
    })
}

/// How the index is.
pub fn state(ctx: &Ctx, actor: &Actor) -> Result<State, Error> {
    ctx.permit(actor, Permission::SearchManage, At::Space)?;
    Ok(ctx.search.state())
}

/// Has the index built anew; the old one is searched meanwhile.
pub async fn rebuild(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SearchManage, At::Space)?;
    if ctx.search.state().building.is_some() {
        return Err(refuse!(Conflict, "search.building", "The index is being built already.").into());
    }
    ctx.write(&permit, |work| work.audit("search.rebuild", "search", "", "")).await?;
    ctx.search.inbox.tell(|waiting| waiting.rebuild = true);
    Ok(())
}

/// What a check of the index against the store found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Check {
    /// Records in the store that can be found.
    pub records: u64,
    /// Records that the index does not have.
    pub missing: u64,
    /// Records that it has as they were.
    pub outdated: u64,
    /// Records that it has and the store does not.
    pub gone: u64,
    /// The group that it holds and the group that the store ends with.
    pub position: (u64, u64),
}

impl Check {
    /// Whether the index says what the store says.
    pub fn is_sound(&self) -> bool {
        self.missing + self.outdated + self.gone == 0
    }
}

/// The index that a folder names, for the command line.
fn folder_of(folder: &Path) -> Option<PathBuf> {
    let number = std::fs::read_to_string(folder.join("current")).ok()?;
    Some(folder.join(format!("index-{}", number.trim())))
}

/// Compares the index of a folder with the store, record by record, while nobody keeps it. What changed behind the index's position counts
/// as outdated. Blocks the thread.
pub fn check(ctx: &Ctx, folder: &Path) -> Result<Check, Error> {
    let path = folder_of(folder).ok_or_else(|| Refusal::missing("search index"))?;
    let opened = catch_unwind(AssertUnwindSafe(|| Index::open(&path, Use::Live)));
    let opened = opened.map_err(|_| Error::Internal("reading the search index panicked".into()))?;
    let (index, position) = opened.map_err(|error| Error::internal("the search index", error))?;
    compare(ctx, KINDS, &index, position)
}

fn compare(ctx: &Ctx, kinds: &[&'static dyn Kind], index: &Index, position: u64) -> Result<Check, Error> {
    let mut prints: BTreeMap<Key, Vec<u64>> = BTreeMap::new();
    let listed = index.prints(|(key, print)| prints.entry(key).or_default().push(print));
    listed.map_err(|error| Error::internal("the search index", error))?;
    let view = ctx.store().view();
    let mut check = Check { position: (position, view.sequence()), ..Check::default() };
    let spaces = job::all_spaces(ctx.store())?;
    for (space, kind) in spaces.into_iter().flat_map(|space| kinds.iter().map(move |kind| (space, kind))) {
        let view = view.space(space);
        let making = Making { view: &view, sealer: &ctx.sealer, files: &ctx.files };
        let mut from = None;
        loop {
            let keys = kind.keys(&view, from.as_ref())?;
            for key in &keys {
                let mut expected: Vec<u64> = kind.entries(&making, key)?.iter().map(print).collect();
                expected.sort_unstable();
                // A record with nothing to be found by is in no index.
                check.records += u64::from(!expected.is_empty());
                match prints.remove(key) {
                    None => check.missing += u64::from(!expected.is_empty()),
                    Some(mut kept) => {
                        kept.sort_unstable();
                        check.outdated += u64::from(kept != expected);
                    }
                }
            }
            from = keys.last().copied();
            if from.is_none() {
                break;
            }
        }
    }
    check.gone = prints.len() as u64;
    Ok(check)
}

/// Builds the index of a folder anew while nobody keeps it, telling how it goes. Blocks the thread.
pub fn rebuild_here(ctx: &Ctx, folder: &Path, mut say: impl FnMut(&State)) -> Result<State, Error> {
    if let Err(error) = std::fs::remove_dir_all(folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(Error::internal("removing the old search index", error));
    }
    start(ctx, Some(folder.to_owned()));
    loop {
        ctx.search.inbox.gather(std::time::Duration::from_secs(1));
        let state = ctx.search.state();
        say(&state);
        if state.ready && state.building.is_none() {
            stop(ctx);
            return Ok(state);
        }
        if let Some(why) = state.failed {
            stop(ctx);
            return Err(Error::internal("building the search index", why));
        }
    }
}

#[cfg(test)]
mod test;

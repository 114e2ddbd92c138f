//! Searching: what a query finds among what the asker may see, best first, with exact counts. What may not be seen is left out before
//! anything is counted.

use crate::{
    Damage, Index, Key,
    index::Segment,
    plan::{STRONG, Secret, Want, plan, plan_near},
    quick::{self, pick},
    steps::Steps,
    walk::{Walked, Words, score},
};
use domain::query::Query;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use tantivy::{
    DocId, SegmentReader,
    columnar::{Column, ColumnIndex, ColumnValues},
};

/// Where somebody may look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// Everywhere.
    pub all: bool,
    /// At what belongs to these events.
    pub events: HashSet<u64>,
    /// At what belongs to these departments.
    pub departments: HashSet<u64>,
    /// At what this account made; 0 for none.
    pub owner: u64,
}

impl Scope {
    /// Everywhere.
    pub fn everywhere() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// Whether there is nothing to see at all.
    pub fn is_nowhere(&self) -> bool {
        !self.all && self.events.is_empty() && self.departments.is_empty() && self.owner == 0
    }

    fn covers(&self, event: u64, department: u64, owner: u64) -> bool {
        self.all
            || event != 0 && self.events.contains(&event)
            || department != 0 && self.departments.contains(&department)
            || owner != 0 && owner == self.owner
    }
}

/// What somebody may see of a kind.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// The kind's number.
    pub kind: u8,
    /// Where its records may be seen.
    pub see: Scope,
    /// Where what is masked for others may be seen too.
    pub unmasked: Scope,
}

/// The order of what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// What fits best first.
    #[default]
    Relevance,
    /// Newest first.
    Newest,
    /// Oldest first.
    Oldest,
    /// By name in the order of pinyin.
    Name,
}

/// A question.
pub struct Ask<'a> {
    /// The space.
    pub space: u64,
    /// What was typed.
    pub query: &'a Query,
    /// What the asker may see; kinds that are not here do not exist.
    pub sights: &'a [Sight],
    /// Only these kinds.
    pub kinds: Option<&'a HashSet<u8>>,
    /// Only what belongs to these events.
    pub events: Option<&'a HashSet<u64>>,
    /// Nothing that belongs to these events.
    pub not_events: Option<&'a HashSet<u64>>,
    /// Records that changed since the index was written: not shown and not counted.
    pub stale: &'a (dyn Fn(&Key) -> bool + Sync),
    /// Makes keyed hashes.
    pub secret: &'a Secret<'a>,
    /// Order.
    pub sort: Sort,
    /// How many are left out at the front.
    pub skip: usize,
    /// How many are wanted.
    pub take: usize,
    /// While somebody types: enough good ones, and no exact count.
    pub quick: bool,
}

/// One find.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Which record.
    pub key: Key,
    /// How well it fits.
    pub score: f32,
    /// The page it was found on; 0 for none.
    pub page: u32,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The hits asked for, in their order.
    pub hits: Vec<Hit>,
    /// How many records there are in all.
    pub count: usize,
    /// There may be more than were counted.
    pub more: bool,
    /// How many of each kind, other filters applied.
    pub kinds: BTreeMap<u8, usize>,
    /// How many of each event.
    pub events: HashMap<u64, usize>,
    /// Nothing was found as typed; these are one letter off.
    pub near: bool,
}

/// Entries looked at while somebody types.
const QUICK: usize = 1_500;
/// Entries looked at of those that fit best, while somebody types.
const STRONG_ENOUGH: usize = 200;
/// Entries that the asker may see looked at for a page; beyond that counts are given as "at least".
const WHOLE: usize = 120_000;
/// The farthest place in a list.
pub const PLACES_MAX: usize = 10_000;

/// Steps for what fits best, for everything while somebody types, for everything on a page, and for what is one letter off.
const STRONG_STEPS: u32 = 60_000;
const QUICK_STEPS: u32 = 250_000;
const WHOLE_STEPS: u32 = 800_000;
const NEAR_STEPS: u32 = 250_000;

impl Index {
    /// Answers a question.
    pub fn find(&self, ask: &Ask<'_>) -> Result<Found, Damage> {
        if quick::is_for(ask)
            && let Some(found) = self.find_quick(ask)?
        {
            return Ok(found);
        }
        let wants = plan(ask.query, ask.secret, 0.0);
        let found = self.find_planned(ask, &wants, WHOLE_STEPS)?;
        if found.count > 0 {
            return Ok(found);
        }
        match plan_near(ask.query, ask.secret) {
            Some(wants) => {
                let near = self.find_planned(ask, &wants, NEAR_STEPS)?;
                Ok(Found { near: near.count > 0, ..near })
            }
            None => Ok(found),
        }
    }

    /// A few good ones; none when everything must be looked at to have them.
    fn find_quick(&self, ask: &Ask<'_>) -> Result<Option<Found>, Damage> {
        let answer = |hits: Vec<Hit>, more, near| Found { count: hits.len(), hits, more, near, ..Found::default() };
        let strong = plan(ask.query, ask.secret, STRONG);
        let strong = Some(strong).filter(|wants| wants.iter().all(|want| !want.ways.is_empty()));
        if let Some(wants) = &strong {
            let best = pick(self, ask, wants, STRONG_ENOUGH, &Steps::new(STRONG_STEPS))?;
            if best.hits.len() >= ask.take {
                return Ok(Some(answer(best.hits, true, false)));
            }
        }
        let wants = plan(ask.query, ask.secret, 0.0);
        let all = pick(self, ask, &wants, QUICK, &Steps::new(QUICK_STEPS))?;
        if all.spent {
            // So many that not all were looked at: what fits best must still come first.
            let best = match &strong {
                Some(wants) => pick(self, ask, wants, QUICK, &Steps::new(STRONG_STEPS))?.hits,
                None => Vec::new(),
            };
            let found = answer(best, true, false).before(answer(all.hits, true, false), ask);
            return Ok((found.hits.len() >= ask.take).then_some(found));
        }
        if all.hits.is_empty()
            && let Some(wants) = plan_near(ask.query, ask.secret)
        {
            let near = pick(self, ask, &wants, QUICK, &Steps::new(NEAR_STEPS))?;
            let any = !near.hits.is_empty();
            return Ok(Some(answer(near.hits, near.spent, any)));
        }
        Ok(Some(answer(all.hits, false, false)))
    }

    fn find_planned(&self, ask: &Ask<'_>, wants: &[Want], steps: u32) -> Result<Found, Damage> {
        let mut search = Search::new(ask, WHOLE);
        search.run(self, wants, &Steps::new(steps))?;
        if !search.is_spent() || ask.skip > 0 {
            return Ok(search.done());
        }
        // So many that not all were looked at: what fits best must still come first.
        let strong = plan(ask.query, ask.secret, STRONG);
        let mut best = Search::new(ask, QUICK);
        if strong.iter().all(|want| !want.ways.is_empty()) {
            best.run(self, &strong, &Steps::new(STRONG_STEPS))?;
        }
        Ok(best.done().before(search.done(), ask))
    }
}

impl Found {
    fn before(mut self, other: Self, ask: &Ask<'_>) -> Self {
        let seen: HashSet<Key> = self.hits.iter().map(|hit| hit.key).collect();
        self.hits.extend(other.hits.into_iter().filter(|hit| !seen.contains(&hit.key)));
        if ask.sort == Sort::Relevance {
            self.hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        }
        self.hits.truncate(ask.take);
        Self { hits: self.hits, more: true, ..other_counts(other.count, other.kinds, other.events) }
    }
}

fn other_counts(count: usize, kinds: BTreeMap<u8, usize>, events: HashMap<u64, usize>) -> Found {
    Found { count, kinds, events, ..Found::default() }
}

type Numbers = Arc<dyn ColumnValues<u64>>;

/// Columns of a segment.
pub(crate) struct Columns {
    space: Numbers,
    kind: Numbers,
    id: Numbers,
    within: Numbers,
    event: Numbers,
    department: Numbers,
    owner: Numbers,
    order: Numbers,
    page: Numbers,
    pub at: Arc<dyn ColumnValues<i64>>,
}

/// The values themselves: every entry has one in each column.
fn full<T: PartialOrd + Copy + Default + std::fmt::Debug + Send + Sync + 'static>(
    column: Column<T>,
) -> Arc<dyn ColumnValues<T>> {
    if matches!(column.index, ColumnIndex::Full) { column.values } else { column.first_or_default_col(T::default()) }
}

impl Columns {
    pub(crate) fn of(segment: &SegmentReader) -> Result<Self, Damage> {
        let columns = segment.fast_fields();
        let read = |name: &str| columns.u64(name).map(full);
        Ok(Self {
            space: read("space")?,
            kind: read("kind")?,
            id: read("id")?,
            within: read("within")?,
            event: read("event")?,
            department: read("department")?,
            owner: read("owner")?,
            order: read("order")?,
            page: read("page")?,
            at: columns.i64("at").map(full)?,
        })
    }
}

/// What of an entry says whether the asker may see it.
pub(crate) struct Seen {
    pub kind: u8,
    pub event: u64,
    /// Also what is masked for others.
    pub unmasked: bool,
}

/// Whether the asker may see an entry and asked for it, but for its kind; `at` is its time.
pub(crate) fn sight_of(ask: &Ask<'_>, columns: &Columns, doc: DocId, at: i64) -> Option<Seen> {
    let kind = u8::try_from(columns.kind.get_val(doc)).unwrap_or(u8::MAX);
    let sight = ask.sights.iter().find(|sight| sight.kind == kind)?;
    if columns.space.get_val(doc) != ask.space {
        return None;
    }
    let event = columns.event.get_val(doc);
    let covers =
        |scope: &Scope| scope.all || scope.covers(event, columns.department.get_val(doc), columns.owner.get_val(doc));
    if !covers(&sight.see)
        || ask.events.is_some_and(|events| !events.contains(&event))
        || ask.not_events.is_some_and(|events| events.contains(&event))
        || ask.query.after.is_some_and(|after| at < after.0)
        || ask.query.before.is_some_and(|before| at >= before.0)
    {
        return None;
    }
    Some(Seen { kind, event, unmasked: covers(&sight.unmasked) })
}

/// The record and page of an entry; none when it changed since the index was written.
pub(crate) fn unchanged(ask: &Ask<'_>, columns: &Columns, doc: DocId, kind: u8) -> Option<(Key, u32)> {
    let key = Key { space: ask.space, kind, id: columns.id.get_val(doc), event: columns.within.get_val(doc) };
    (!(ask.stale)(&key)).then(|| (key, u32::try_from(columns.page.get_val(doc)).unwrap_or(0)))
}

/// How well something fits, in hundredths, for ordering.
pub(crate) fn rank_score(score: f32) -> u32 {
    (score * 100.0) as u32
}

/// A time, for ordering.
pub(crate) fn rank_time(at: i64) -> u64 {
    at.cast_unsigned() ^ (1 << 63)
}

/// What hits are ordered by: larger is better.
type Rank = (u64, u64, u64);

struct Search<'a> {
    ask: &'a Ask<'a>,
    left: usize,
    spent: bool,
    /// At least the best of what was found; not in order.
    best: Vec<(Rank, Ranked)>,
    /// What is not better than this is not among them.
    worst: Option<Rank>,
    paged: HashMap<Key, (Rank, Ranked)>,
    found: Found,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ranked {
    key: Key,
    event: u64,
    score: u32,
    page: u32,
}

impl<'a> Search<'a> {
    fn new(ask: &'a Ask<'a>, left: usize) -> Self {
        Self { ask, left, spent: false, best: Vec::new(), worst: None, paged: HashMap::new(), found: Found::default() }
    }

    fn is_spent(&self) -> bool {
        self.spent
    }

    fn run(&mut self, index: &Index, wants: &[Want], steps: &Steps) -> Result<(), Damage> {
        for segment in &index.ready().segments {
            let walked = match Words::open(wants, segment, steps)? {
                Some(words) => words.each(segment, steps, |doc, with, without| {
                    if self.left == 0 {
                        return ControlFlow::Break(());
                    }
                    self.look(doc, segment, with, without, steps);
                    ControlFlow::Continue(())
                }),
                None => ControlFlow::Continue(()),
            };
            if walked.is_break() || steps.is_spent() {
                self.spent = true;
                return Ok(());
            }
        }
        Ok(())
    }

    fn look(&mut self, doc: DocId, segment: &Segment, with: &[Walked], without: &mut [Walked], steps: &Steps) {
        let (ask, columns) = (self.ask, &segment.columns);
        let at = columns.at.get_val(doc);
        let Some(seen) = sight_of(ask, columns, doc, at) else { return };
        self.left -= 1;
        let Some(score) = score(with, seen.unmasked) else { return };
        for word in without {
            if word.seek(doc) == doc && word.score(seen.unmasked).is_some() {
                return;
            }
        }
        // Whether a word that must not be there is there is known only while there are steps.
        if steps.is_spent() {
            return;
        }
        let Some((key, page)) = unchanged(ask, columns, doc, seen.kind) else { return };
        let ranked = Ranked { key, event: seen.event, score: rank_score(score), page };
        let order = if ask.sort == Sort::Name { columns.order.get_val(doc) } else { 0 };
        let rank = self.rank(&ranked, at, order);
        self.take(rank, ranked);
    }

    fn rank(&self, of: &Ranked, at: i64, order: u64) -> Rank {
        let time = rank_time(at);
        // Of several pages the first comes first.
        let tie = !(u64::from(of.key.kind) << 56 | of.key.id << 12 | u64::from(of.page).min(4_095));
        match self.ask.sort {
            Sort::Relevance => (u64::from(of.score), time, tie),
            Sort::Newest => (time, u64::from(of.score), tie),
            Sort::Oldest => (!time, u64::from(of.score), tie),
            Sort::Name => (!order, u64::from(of.score), tie),
        }
    }

    fn take(&mut self, rank: Rank, ranked: Ranked) {
        if ranked.page > 0 {
            let kept = self.paged.entry(ranked.key).or_insert((rank, ranked));
            if kept.0 < rank {
                *kept = (rank, ranked);
            }
            return;
        }
        self.count(&ranked);
        self.push(rank, ranked);
    }

    fn count(&mut self, of: &Ranked) {
        *self.found.kinds.entry(of.key.kind).or_default() += 1;
        if self.is_wanted(&of.key) {
            self.found.count += 1;
            if of.event != 0 {
                *self.found.events.entry(of.event).or_default() += 1;
            }
        }
    }

    fn is_wanted(&self, key: &Key) -> bool {
        self.ask.kinds.is_none_or(|kinds| kinds.contains(&key.kind))
    }

    fn push(&mut self, rank: Rank, ranked: Ranked) {
        if !self.is_wanted(&ranked.key) {
            return;
        }
        if self.worst.is_some_and(|worst| rank <= worst) {
            return;
        }
        self.best.push((rank, ranked));
        // Where each that comes is better than all before, sorting them in one by one would cost more than the search.
        let room = self.room();
        if self.best.len() >= 2 * room + 64 {
            self.best.select_nth_unstable_by(room, |a, b| b.cmp(a));
            self.best.truncate(room);
            self.worst = self.best.iter().map(|(rank, _)| *rank).min();
        }
    }

    fn room(&self) -> usize {
        (self.ask.skip + self.ask.take).min(PLACES_MAX)
    }

    fn done(mut self) -> Found {
        for (rank, ranked) in std::mem::take(&mut self.paged).into_values() {
            self.count(&ranked);
            self.push(rank, ranked);
        }
        let hit = |(_, of): (Rank, Ranked)| Hit { key: of.key, score: of.score as f32 / 100.0, page: of.page };
        let room = self.room();
        self.best.sort_unstable_by(|a, b| b.cmp(a));
        self.found.hits = self.best.into_iter().take(room).skip(self.ask.skip).map(hit).collect();
        self.found.more = self.spent;
        self.found
    }
}

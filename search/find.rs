//! Searching: what a query finds among what the asker may see, best first, with exact counts. What may not be seen is left out before
//! anything is counted.

use crate::{
    Damage, Index, Key,
    cursor::{Lists, open},
    plan::{STRONG, Secret, Want, plan, plan_near},
};
use domain::query::Query;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;
use tantivy::{DocId, DocSet, SegmentReader, TERMINATED, columnar::ColumnValues};

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
/// Entries looked at for a page; beyond that counts are given as "at least".
const WHOLE: usize = 120_000;
/// The farthest place in a list.
pub const PLACES_MAX: usize = 10_000;

impl Index {
    /// Answers a question.
    pub fn find(&self, ask: &Ask<'_>) -> Result<Found, Damage> {
        if ask.quick
            && let Some(found) = self.find_strong(ask, &plan(ask.query, ask.secret, STRONG))?
        {
            return Ok(found);
        }
        let wants = plan(ask.query, ask.secret, 0.0);
        let found = self.find_planned(ask, &wants)?;
        if found.count > 0 {
            return Ok(found);
        }
        match plan_near(ask.query, ask.secret) {
            Some(wants) => {
                let near = self.find_planned(ask, &wants)?;
                Ok(Found { near: near.count > 0, ..near })
            }
            None => Ok(found),
        }
    }

    /// What fits best alone, when that is all that is wanted; none when there are too few.
    fn find_strong(&self, ask: &Ask<'_>, wants: &[Want]) -> Result<Option<Found>, Damage> {
        if wants.is_empty() || ask.sort != Sort::Relevance || wants.iter().any(|want| want.ways.is_empty()) {
            return Ok(None);
        }
        let mut search = Search::new(ask, STRONG_ENOUGH);
        search.run(self, wants)?;
        let found = Found { more: true, ..search.done() };
        Ok((found.hits.len() >= ask.take).then_some(found))
    }

    fn find_planned(&self, ask: &Ask<'_>, wants: &[Want]) -> Result<Found, Damage> {
        let mut search = Search::new(ask, if ask.quick { QUICK } else { WHOLE });
        search.run(self, wants)?;
        if !search.is_spent() || ask.skip > 0 {
            return Ok(search.done());
        }
        // So many that not all were looked at: what fits best must still come first.
        let strong = plan(ask.query, ask.secret, STRONG);
        let mut best = Search::new(ask, QUICK);
        if strong.iter().all(|want| !want.ways.is_empty()) {
            best.run(self, &strong)?;
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
    at: Arc<dyn ColumnValues<i64>>,
}

impl Columns {
    pub(crate) fn of(segment: &SegmentReader) -> Result<Self, Damage> {
        let columns = segment.fast_fields();
        let read = |name: &str| columns.column_first_or_default::<u64>(name);
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
            at: columns.column_first_or_default::<i64>("at")?,
        })
    }
}

/// A word while it is being walked through.
struct Walked {
    ways: Vec<(f32, bool, Box<dyn DocSet>)>,
    doc: DocId,
    without: bool,
}

impl Walked {
    fn open(want: &Want, lists: &Lists<'_>) -> Result<Self, Damage> {
        let mut ways = Vec::with_capacity(want.ways.len());
        for way in &want.ways {
            if let Some(walk) = open(&way.node, lists)? {
                ways.push((way.score, way.guarded, walk));
            }
        }
        let mut walked = Self { ways, doc: 0, without: want.without };
        walked.settle();
        Ok(walked)
    }

    fn settle(&mut self) {
        self.doc = self.ways.iter().map(|(_, _, walk)| walk.doc()).min().unwrap_or(TERMINATED);
    }

    fn advance(&mut self) {
        for (_, _, walk) in &mut self.ways {
            if walk.doc() == self.doc {
                walk.advance();
            }
        }
        self.settle();
    }

    fn seek(&mut self, target: DocId) -> DocId {
        if self.doc < target {
            for (_, _, walk) in &mut self.ways {
                if walk.doc() < target {
                    walk.seek(target);
                }
            }
            self.settle();
        }
        self.doc
    }

    fn size(&self) -> u64 {
        self.ways.iter().map(|(_, _, walk)| u64::from(walk.size_hint())).sum()
    }

    /// How well it fits at the place where it stands; none when only in ways that the asker may not use.
    fn score(&self, unmasked: bool) -> Option<f32> {
        let here = self.ways.iter().filter(|(_, guarded, walk)| walk.doc() == self.doc && (unmasked || !guarded));
        here.map(|(score, _, _)| *score).reduce(f32::max)
    }
}

/// What hits are ordered by: larger is better.
type Rank = (u64, u64, u64);

struct Search<'a> {
    ask: &'a Ask<'a>,
    left: usize,
    spent: bool,
    best: BinaryHeap<Reverse<(Rank, Ranked)>>,
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
        Self { ask, left, spent: false, best: BinaryHeap::new(), paged: HashMap::new(), found: Found::default() }
    }

    fn is_spent(&self) -> bool {
        self.spent
    }

    fn run(&mut self, index: &Index, wants: &[Want]) -> Result<(), Damage> {
        for segment in &index.ready().segments {
            let lists = Lists { terms: &segment.terms, text: &segment.text };
            let mut words = Vec::with_capacity(wants.len());
            for want in wants {
                words.push(Walked::open(want, &lists)?);
            }
            let (without, mut with): (Vec<Walked>, Vec<Walked>) = words.into_iter().partition(|word| word.without);
            if with.iter().any(|word| word.doc == TERMINATED) {
                continue;
            }
            with.sort_by_key(Walked::size);
            self.walk(&segment.reader, &segment.columns, with, without);
            if self.spent {
                return Ok(());
            }
        }
        Ok(())
    }

    fn walk(&mut self, segment: &SegmentReader, columns: &Columns, mut with: Vec<Walked>, mut without: Vec<Walked>) {
        let (mut doc, end) = (with.first().map_or(0, |lead| lead.doc), segment.max_doc());
        'next: while doc < end {
            for word in &mut with {
                let there = word.seek(doc);
                if there > doc {
                    doc = there;
                    continue 'next;
                }
            }
            if !segment.is_deleted(doc) {
                if self.left == 0 {
                    self.spent = true;
                    return;
                }
                self.left -= 1;
                self.look(doc, columns, &with, &mut without);
            }
            match with.first_mut() {
                Some(lead) => {
                    lead.advance();
                    doc = lead.doc;
                }
                None => doc += 1,
            }
        }
    }

    fn look(&mut self, doc: DocId, columns: &Columns, with: &[Walked], without: &mut [Walked]) {
        let ask = self.ask;
        let kind = u8::try_from(columns.kind.get_val(doc)).unwrap_or(u8::MAX);
        let Some(sight) = ask.sights.iter().find(|sight| sight.kind == kind) else { return };
        if columns.space.get_val(doc) != ask.space {
            return;
        }
        let event = columns.event.get_val(doc);
        let covers = |scope: &Scope| {
            scope.all || scope.covers(event, columns.department.get_val(doc), columns.owner.get_val(doc))
        };
        if !covers(&sight.see)
            || ask.events.is_some_and(|events| !events.contains(&event))
            || ask.not_events.is_some_and(|events| events.contains(&event))
        {
            return;
        }
        let at = columns.at.get_val(doc);
        let early = ask.query.after.is_some_and(|after| at < after.0);
        if early || ask.query.before.is_some_and(|before| at >= before.0) {
            return;
        }
        let unmasked = covers(&sight.unmasked);
        let mut score = 0.0;
        for word in with {
            let Some(fits) = word.score(unmasked) else { return };
            score += fits;
        }
        for word in without {
            if word.seek(doc) == doc && word.score(unmasked).is_some() {
                return;
            }
        }
        let key = Key { space: ask.space, kind, id: columns.id.get_val(doc), event: columns.within.get_val(doc) };
        if (ask.stale)(&key) {
            return;
        }
        let page = u32::try_from(columns.page.get_val(doc)).unwrap_or(0);
        let ranked = Ranked { key, event, score: (score * 100.0) as u32, page };
        let order = if ask.sort == Sort::Name { columns.order.get_val(doc) } else { 0 };
        let rank = self.rank(&ranked, at, order);
        self.take(rank, ranked);
    }

    fn rank(&self, of: &Ranked, at: i64, order: u64) -> Rank {
        let time = at.cast_unsigned() ^ (1 << 63);
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
        let room = (self.ask.skip + self.ask.take).min(PLACES_MAX);
        if self.best.len() < room {
            self.best.push(Reverse((rank, ranked)));
        } else if self.best.peek().is_some_and(|Reverse((worst, _))| *worst < rank) {
            self.best.pop();
            self.best.push(Reverse((rank, ranked)));
        }
    }

    fn done(mut self) -> Found {
        for (rank, ranked) in std::mem::take(&mut self.paged).into_values() {
            self.count(&ranked);
            self.push(rank, ranked);
        }
        let hit = |Reverse((_, of)): Reverse<(Rank, Ranked)>| Hit {
            key: of.key,
            score: of.score as f32 / 100.0,
            page: of.page,
        };
        // Sorted as the reverse is: the best first.
        self.found.hits =
            self.best.into_sorted_vec().into_iter().skip(self.ask.skip).take(self.ask.take).map(hit).collect();
        self.found.more = self.spent;
        self.found
    }
}

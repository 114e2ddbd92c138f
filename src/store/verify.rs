//! Walking over everything: checksums, decoding, index entries against records in both directions, counts against a recount,
//! and the audit chain.

use crate::{
    Error, Key, Order, View,
    catalogue::{self, DROPPED},
    envelope,
    layer::{Layers, behind, bounds},
    read::{PREFIX, decode_count},
    table::{AUDIT, AUDIT_HEAD, COUNTER_BASE, Entry, Erased, INDEX_BASE, SEQUENCE},
    tx::{block_hash, read_block, read_head},
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub key: String,
    /// What.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}

/// What was checked and what was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Sequence number of the newest group that was looked at.
    pub sequence: u64,
    /// Spaces that hold anything.
    pub spaces: u64,
    /// Records by table.
    pub records: BTreeMap<&'static str, u64>,
    /// Index entries.
    pub entries: u64,
    /// Counts other than zero.
    pub counts: u64,
    /// Audit blocks.
    pub blocks: u64,
    /// Audit lines.
    pub lines: u64,
    /// Keys of tables that were dropped.
    pub dropped: u64,
    /// Everything that is wrong, up to [`PROBLEMS_MAX`].
    pub problems: Vec<Problem>,
}

/// Most problems that are listed.
pub const PROBLEMS_MAX: usize = 1_000;

impl Report {
    /// True when nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn add(&mut self, key: &[u8], what: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { key: envelope::readable(key), what: what.into() });
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "checked everything up to group {} in {} spaces:", self.sequence, self.spaces)?;
        for (table, count) in &self.records {
            writeln!(f, "  {count:>9} records of {table}: checksum, contents, key, index entries")?;
        }
        writeln!(f, "  {:>9} index entries: each belongs to a record", self.entries)?;
        writeln!(f, "  {:>9} counts: as recounted", self.counts)?;
        writeln!(f, "  {:>9} audit lines in {} blocks: the hash chain holds", self.lines, self.blocks)?;
        if self.dropped > 0 {
            writeln!(f, "  {:>9} keys of dropped tables: not looked into", self.dropped)?;
        }
        for problem in &self.problems {
            writeln!(f, "DAMAGED {problem}")?;
        }
        match self.problems.len() {
            0 => write!(f, "no damage found"),
            PROBLEMS_MAX => write!(f, "{PROBLEMS_MAX} problems or more"),
            count => write!(f, "{count} problems"),
        }
    }
}

impl View {
    /// Checks everything in this view.
    pub fn verify(&self) -> Report {
        verify(&self.layers(), self.sequence(), &catalogue::all())
    }
}

/// Where a space and a number stand in keys.
type Place = (u64, u16);

struct Walk<'a> {
    layers: &'a Layers<'a>,
    tables: BTreeMap<u16, &'a Erased>,
    report: Report,
    spaces: BTreeSet<u64>,
    /// Index entries that the records say there are, and those that there are.
    derived: BTreeMap<Place, u64>,
    found: BTreeMap<Place, u64>,
    /// Recounted.
    sums: BTreeMap<Vec<u8>, i64>,
    /// The chain so far: space, hash of the newest block, number of the next line.
    chain: Option<(u64, [u8; 32], u64)>,
}

/// Checks everything that the layers hold against the tables.
pub(crate) fn verify(layers: &Layers<'_>, sequence: u64, tables: &[Erased]) -> Report {
    let mut walk = Walk {
        layers,
        tables: tables.iter().map(|erased| (erased.table.id, erased)).collect(),
        report: Report { sequence, ..Report::default() },
        spaces: BTreeSet::new(),
        derived: BTreeMap::new(),
        found: BTreeMap::new(),
        sums: BTreeMap::new(),
        chain: None,
    };
    for kept in layers.range((Bound::Unbounded, Bound::Unbounded), Order::Ascending) {
        match kept {
            Ok((key, value)) => walk.key(&key, &value),
            Err(error) => {
                walk.report.add(b"", error.to_string());
                break;
            }
        }
    }
    walk.headless();
    walk.missing_counts();
    walk.stray_entries();
    walk.report.spaces = walk.spaces.len() as u64;
    walk.report
}

fn place(key: &[u8]) -> Option<Place> {
    let mut rest = key;
    Some((u64::decode(&mut rest)?, u16::decode(&mut rest)?))
}

/// The words of a value error, without the key that stands beside them.
fn why(error: Error) -> String {
    match error {
        Error::Value { why, .. } => why,
        other => other.to_string(),
    }
}

impl Walk<'_> {
    fn key(&mut self, key: &Bytes, value: &Bytes) {
        let Some((space, id)) = place(key) else { return self.report.add(key, "not a key of the store") };
        self.spaces.insert(space);
        if self.chain.is_some_and(|chain| chain.0 != space) {
            self.headless();
        }
        let checked = match id {
            AUDIT => self.block(space, key, value),
            AUDIT_HEAD => self.head(space, key, value),
            SEQUENCE => decode_count(SEQUENCE, key, value).map(|_| ()),
            _ if id >= COUNTER_BASE => self.count(key, value, id),
            _ if id >= INDEX_BASE => {
                self.report.entries += 1;
                *self.found.entry((space, id)).or_default() += 1;
                Ok(())
            }
            _ => self.record(space, id, key, value),
        };
        if let Err(error) = checked {
            self.report.add(key, why(error));
        }
    }

    fn record(&mut self, space: u64, id: u16, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let Some(erased) = self.tables.get(&id).copied() else {
            if DROPPED.iter().any(|(dropped, _)| *dropped == id) {
                self.report.dropped += 1;
                return Ok(());
            }
            return Err(crate::table::value_error(key)("belongs to no known table".into()));
        };
        *self.report.records.entry(erased.table.name).or_default() += 1;
        let (version, content) = envelope::open(id, key, value)?;
        let derived = (erased.derive)(version, content).map_err(crate::table::value_error(key))?;
        if key.get(PREFIX..) != Some(derived.primary()) {
            self.report.add(key, "the record has another key");
        }
        for (at, entry) in &derived.entries {
            let mut full = space.bytes();
            full.extend_from_slice(at);
            let expected = match entry {
                Entry::Count(amount) => {
                    *self.sums.entry(full).or_default() += amount;
                    continue;
                }
                Entry::Unique(_) => derived.primary(),
                Entry::Plain => &[],
            };
            let number = place(&full).map_or(0, |(_, number)| number);
            *self.derived.entry((space, number)).or_default() += 1;
            match self.layers.get(&full)? {
                Some(found) if *found == *expected => {}
                Some(_) => self
                    .report
                    .add(&full, format!("the index entry points elsewhere than to {}", envelope::readable(key))),
                None => self.report.add(&full, format!("the index entry of {} is missing", envelope::readable(key))),
            }
        }
        Ok(())
    }

    /// Counts come behind the records of their space, so the sums are complete.
    fn count(&mut self, key: &[u8], value: &[u8], id: u16) -> Result<(), Error> {
        self.report.counts += 1;
        let kept = decode_count(id, key, value)?;
        let sum = self.sums.remove(key).unwrap_or(0);
        if kept != sum {
            self.report.add(key, format!("the count is {kept}, the records give {sum}"));
        }
        Ok(())
    }

    fn missing_counts(&mut self) {
        for (key, sum) in std::mem::take(&mut self.sums) {
            if sum != 0 && !matches!(self.layers.get(&key), Ok(Some(_))) {
                self.report.add(&key, format!("the count is missing, the records give {sum}"));
            }
        }
    }

    fn block(&mut self, space: u64, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let (mut hash, mut next) = ([0; 32], 1);
        if let Some((_, newest, line)) = self.chain.filter(|chain| chain.0 == space) {
            (hash, next) = (newest, line);
        }
        self.report.blocks += 1;
        // The chain goes on behind a damaged block, so that one is not reported as many.
        self.chain = None;
        let block = read_block(key, value)?;
        let (_, content) = envelope::open(AUDIT, key, value)?;
        let first = block.lines.first().map_or(0, |(number, _)| *number);
        self.report.lines += block.lines.len() as u64;
        self.chain = Some((space, block_hash(first, content), first + block.lines.len() as u64));
        if block.previous != hash || first != next {
            self.report.add(key, format!("the audit chain is broken before line {first}"));
        }
        Ok(())
    }

    fn head(&mut self, space: u64, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let head = read_head(key, value)?;
        let chain = self.chain.take().filter(|chain| chain.0 == space).map(|(_, hash, next)| (hash, next));
        if chain != Some(head) {
            self.report.add(
                key,
                format!("the audit chain does not end as its head says, with line {}", head.1.saturating_sub(1)),
            );
        }
        Ok(())
    }

    /// A chain whose head did not come.
    fn headless(&mut self) {
        if let Some((space, _, _)) = self.chain.take() {
            self.report.add(
                &crate::read::key(domain::SpaceId(space), AUDIT_HEAD, &[]),
                "the head of the audit chain is missing",
            );
        }
    }

    /// Every entry that a record asks for was looked up, so a surplus is entries that no record asks for: finds and names them.
    fn stray_entries(&mut self) {
        let surplus: Vec<Place> = self
            .found
            .iter()
            .filter(|(place, found)| self.derived.get(place) != Some(found))
            .map(|(place, _)| *place)
            .collect();
        for place in surplus {
            if let Err(error) = self.name_strays(place) {
                self.report.add(b"", error.to_string());
            }
        }
    }

    fn name_strays(&mut self, (space, index): Place) -> Result<(), Error> {
        let mut asked = BTreeSet::new();
        let prefix = space.bytes();
        let end = behind(&prefix);
        for kept in self.layers.range(bounds(&prefix, end.as_deref(), None, Order::Ascending), Order::Ascending) {
            let (key, value) = kept?;
            let Some((_, id)) = place(&key) else { continue };
            let Some(erased) = self.tables.get(&id) else { continue };
            let Ok((version, content)) = envelope::open(id, &key, &value) else { continue };
            let Ok(derived) = (erased.derive)(version, content) else { continue };
            let start = index.bytes();
            asked.extend(derived.entries.into_iter().map(|(at, _)| at).filter(|at| at.starts_with(&start)));
        }
        let prefix = crate::read::key(domain::SpaceId(space), index, &[]);
        let end = behind(&prefix);
        for kept in self.layers.range(bounds(&prefix, end.as_deref(), None, Order::Ascending), Order::Ascending) {
            let (key, _) = kept?;
            if key.get(8..).is_some_and(|at| !asked.contains(at)) {
                self.report.add(&key, "the index entry belongs to no record");
            }
        }
        Ok(())
    }
}

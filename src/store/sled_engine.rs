//! The embedded engine: sled 0.34 as the applied view of the journal. The only file that names sled.
//!
//! sled's `flush` calls `sync_file_range`, which is no promise after a power cut, so its `db` file is synced here as well;
//! `conf` and the folders are synced once when they are made.

use crate::{
    Error, Order,
    block::{Block, Entry, cuts, write},
    engine::{Engine, Pairs},
    layer::{Change, Range},
};
use bytes::Bytes;
use sled::IVec;
use std::fs::File;
use std::iter::Peekable;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A sled database in a folder of its own. Its entries are [blocks](Block), each under the first key that it may hold: a key belongs to the last block
/// that begins with it or before it.
pub struct Sled {
    db: sled::Db,
    /// Holds what is no entry, so that it is not among the keys.
    mark: sled::Tree,
    folder: PathBuf,
    /// How often a block was cut. Whoever reads finds the new blocks when the number was still the same before and after: they are written first, then
    /// it goes up, and only then what they hold leaves the old block.
    cut: AtomicU64,
}

/// Name of the tree with the marks, and the key of the group that the engine reaches to.
const MARK: &str = "mark";
/// Where the block begins that was cut last.
const CUT: &str = "cut";
/// Blocks after which a reading is a long one.
const LONG: usize = 256;
/// How often a long reading reads each block again. sled weighs the pages of a 256th of all when 64 readings of them have come together, and keeps whatever was
/// read until then: tens of MiB would stay for good after one reading of everything. A leaf of eight blocks comes to that many by this.
const AGAIN: usize = 7;

/// Calls sled. It panics where it meets damage that it did not expect; that is an error like others.
fn ask<T>(doing: &str, f: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(answer) => answer,
        Err(_) => Err(Error::Engine(format!("{doing}: sled panicked"))),
    }
}

impl From<sled::Error> for Error {
    fn from(error: sled::Error) -> Self {
        Self::Engine(format!("sled: {error}"))
    }
}

impl Sled {
    /// Opens the folder, making it when it is not there. A damaged folder is an error, never a panic.
    pub fn open(folder: &Path, cache_bytes: u64) -> Result<Self, Error> {
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(cache_bytes)
            .flush_every_ms(None)
            .mode(sled::Mode::HighThroughput);
        let (db, mark) = ask("opening", || {
            let db = config.open()?;
            let mark = db.open_tree(MARK)?;
            Ok((db, mark))
        })?;
        let engine = Self { db, mark, folder: folder.to_owned(), cut: AtomicU64::new(0) };
        ask("mending", || engine.mend())?;
        engine.sync_file("conf")?;
        for dir in [Some(folder), folder.parent()].into_iter().flatten() {
            File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io("syncing the engine's folder"))?;
        }
        Ok(engine)
    }

    fn sync_file(&self, name: &str) -> Result<(), Error> {
        let path = self.folder.join(name);
        if !path.exists() {
            return Ok(());
        }
        File::open(path).and_then(|file| file.sync_data()).map_err(Error::io(format!("syncing the engine's {name}")))
    }

    /// Where the block after `low` begins.
    fn next_low(&self, low: &[u8]) -> Result<Option<IVec>, Error> {
        let behind = (Bound::Excluded(low), Bound::Unbounded);
        Ok(self.db.range::<&[u8], _>(behind).next().transpose()?.map(|(low, _)| low))
    }

    /// A process that was killed while it cut a block may leave what the new blocks hold in the old one as well.
    fn mend(&self) -> Result<(), Error> {
        let Some(low) = self.mark.get(CUT)? else { return Ok(()) };
        let (Some(kept), Some(next)) = (self.db.get(&low)?, self.next_low(&low)?) else { return Ok(()) };
        let block = Block::read(kept)?;
        let (own, _) = block.find(&next)?;
        if own < block.len() {
            self.put(&low, &entries(&block)?.into_iter().take(own).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// The last of sled's entries that begins with a key or before it.
    fn last_until(&self, key: &[u8]) -> Result<Option<(IVec, IVec)>, Error> {
        Ok(self.db.range::<&[u8], _>(..=key).next_back().transpose()?)
    }

    /// The block that a key belongs to.
    fn block_of(&self, key: &[u8]) -> Result<Option<(IVec, Block<IVec>)>, Error> {
        loop {
            let cut = self.cut.load(Ordering::SeqCst);
            let found = self.last_until(key)?;
            if self.cut.load(Ordering::SeqCst) == cut {
                return found.map(|(low, kept)| Ok((low, Block::read(kept)?))).transpose();
            }
        }
    }

    /// Writes a block, or removes the one that was there when nothing is left of it.
    fn put(&self, low: &[u8], entries: &[Entry]) -> Result<(), Error> {
        if entries.is_empty() {
            self.db.remove(low)?
        } else {
            self.db.insert(low, write(entries)?)?
        };
        Ok(())
    }

    /// Carries out the changes that belong to the same block as the first of them.
    fn change<'a>(&self, changes: &mut Peekable<impl Iterator<Item = Change<'a>>>) -> Result<(), Error> {
        let Some((first, _)) = changes.peek().copied() else { return Ok(()) };
        let (low, old) = match self.block_of(first)? {
            Some((low, block)) => (Bytes::copy_from_slice(&low), entries(&block)?),
            None => (first.clone(), Vec::new()),
        };
        let next = self.next_low(first)?;
        let (mut all, mut old, mut changed) = (Vec::with_capacity(old.len() + 1), old.into_iter().peekable(), false);
        let is_here = |key: &Bytes| next.as_ref().is_none_or(|next| *key < next.as_ref());
        while let Some((key, value)) = changes.next_if(|(key, _)| is_here(key)) {
            while let Some(before) = old.next_if(|entry| entry.key < *key) {
                all.push(before);
            }
            let kept = old.next_if(|entry| entry.key == *key);
            changed |= kept.as_ref().map(|kept| &kept.value) != value.as_ref();
            if let Some(value) = value {
                all.push(Entry { key: key.clone(), value: value.clone(), is_new: true });
            }
        }
        if !changed {
            return Ok(());
        }
        all.extend(old);
        let (cuts, mut end) = (cuts(&all), all.len());
        if !cuts.is_empty() {
            self.mark.insert(CUT, low.as_ref())?;
            // The last first: when the process is killed in between, each block there is complete up to the next.
            for begin in cuts.into_iter().rev() {
                if let Some(new @ [from, ..]) = all.get(begin..end) {
                    self.put(&from.key, new)?;
                }
                end = begin;
            }
            self.cut.fetch_add(1, Ordering::SeqCst);
        }
        self.put(&low, all.get(..end).unwrap_or_default())
    }
}

/// What a block holds.
fn entries(block: &Block<IVec>) -> Result<Vec<Entry>, Error> {
    let entry = |at| Ok(Entry { key: block.key(at)?, value: Bytes::copy_from_slice(block.value(at)?), is_new: false });
    (0..block.len()).map(entry).collect()
}

/// Goes over a range; an error ends it.
struct Going<'a> {
    engine: &'a Sled,
    /// What is left of the range.
    low: Bound<Bytes>,
    high: Bound<Bytes>,
    order: Order,
    /// Goes over blocks; none before it begins.
    blocks: Option<sled::Iter>,
    /// How often a block had been cut by then.
    cut: u64,
    /// The block, and how many of its entries stand before the next one.
    block: Option<(Block<Bytes>, usize)>,
    /// How many blocks were taken up.
    turns: usize,
    over: bool,
}

/// Whether a key lies below the upper end of a range.
fn is_below(key: &[u8], high: &Bound<Bytes>) -> bool {
    match high {
        Bound::Included(high) => key <= high.as_ref(),
        Bound::Excluded(high) => key < high.as_ref(),
        Bound::Unbounded => true,
    }
}

/// Whether a key lies above the lower end of a range.
fn is_above(key: &[u8], low: &Bound<Bytes>) -> bool {
    match low {
        Bound::Included(low) => key >= low.as_ref(),
        Bound::Excluded(low) => key > low.as_ref(),
        Bound::Unbounded => true,
    }
}

impl Going<'_> {
    /// Begins with the block where what is left of the range begins.
    fn seek(&self) -> Result<sled::Iter, Error> {
        let db = &self.engine.db;
        Ok(match (self.order, &self.low, &self.high) {
            (Order::Ascending, Bound::Unbounded, _) | (Order::Descending, _, Bound::Unbounded) => db.iter(),
            (Order::Ascending, Bound::Included(low) | Bound::Excluded(low), _) => match self.engine.last_until(low)? {
                Some((first, _)) => db.range(first..),
                None => db.range::<&[u8], _>(low.as_ref()..),
            },
            (Order::Descending, _, Bound::Included(high)) => db.range::<&[u8], _>(..=high.as_ref()),
            (Order::Descending, _, Bound::Excluded(high)) => db.range::<&[u8], _>(..high.as_ref()),
        })
    }

    fn next_block(&mut self) -> Result<Option<(IVec, IVec)>, Error> {
        loop {
            let cut = self.engine.cut.load(Ordering::SeqCst);
            let mut blocks = match self.blocks.take() {
                Some(blocks) if self.cut == cut => blocks,
                _ => self.seek()?,
            };
            let next = match self.order {
                Order::Ascending => blocks.next(),
                Order::Descending => blocks.next_back(),
            };
            if self.engine.cut.load(Ordering::SeqCst) == cut {
                (self.blocks, self.cut) = (Some(blocks), cut);
                let next = next.transpose()?;
                self.turns += 1;
                if let Some((low, _)) = next.as_ref().filter(|_| self.turns > LONG) {
                    (0..AGAIN).try_for_each(|_| self.engine.db.get(low).map(drop))?;
                }
                return Ok(next);
            }
        }
    }

    /// Takes the next block up; false when there is none in the range.
    fn turn(&mut self) -> Result<bool, Error> {
        let Some((low, kept)) = ask("reading", || self.next_block())? else { return Ok(false) };
        if self.order == Order::Ascending && !is_below(&low, &self.high) {
            return Ok(false);
        }
        let block = Block::read(Bytes::copy_from_slice(&kept))?;
        let before = match (self.order, &self.low, &self.high) {
            (Order::Ascending, Bound::Unbounded, _) => 0,
            (Order::Ascending, Bound::Included(low) | Bound::Excluded(low), _) => block.find(low)?.0,
            (Order::Descending, _, Bound::Unbounded) => block.len(),
            (Order::Descending, _, Bound::Included(high) | Bound::Excluded(high)) => {
                let (before, found) = block.find(high)?;
                before + usize::from(found)
            }
        };
        self.block = Some((block, before));
        Ok(true)
    }

    /// Lets go of a block that was gone over: what is left of the range lies beyond it.
    fn leave(&mut self) -> Result<(), Error> {
        let Some((block, _)) = self.block.take() else { return Ok(()) };
        match self.order {
            Order::Ascending => {
                let last = block.key(block.len() - 1)?;
                if is_above(&last, &self.low) {
                    self.low = Bound::Excluded(last);
                }
            }
            Order::Descending => {
                let first = block.key(0)?;
                if is_below(&first, &self.high) {
                    self.high = Bound::Excluded(first);
                }
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Option<(Bytes, Bytes)>, Error> {
        loop {
            let Some((block, before)) = &mut self.block else {
                if self.turn()? {
                    continue;
                }
                return Ok(None);
            };
            let at = match self.order {
                Order::Ascending => Some(*before).filter(|at| *at < block.len()),
                Order::Descending => before.checked_sub(1),
            };
            let Some(at) = at else {
                self.leave()?;
                continue;
            };
            *before = if self.order == Order::Ascending { at + 1 } else { at };
            let key = block.key(at)?;
            match (is_above(&key, &self.low), is_below(&key, &self.high)) {
                (true, true) => {}
                // What was seen already, or lies where the range has not begun.
                (false, _) if self.order == Order::Ascending => continue,
                (_, false) if self.order == Order::Descending => continue,
                _ => return Ok(None),
            }
            return Ok(Some((key, block.share(at)?)));
        }
    }
}

impl Iterator for Going<'_> {
    type Item = Result<(Bytes, Bytes), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let next = self.step();
        self.over = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

impl Engine for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        ask("reading", || {
            let Some((_, block)) = self.block_of(key)? else { return Ok(None) };
            match block.find(key)? {
                (at, true) => Ok(Some(Bytes::copy_from_slice(block.value(at)?))),
                _ => Ok(None),
            }
        })
    }

    fn range<'a>(&'a self, (low, high): Range<'_>, order: Order) -> Pairs<'a> {
        let (low, high) = (low.map(Bytes::copy_from_slice), high.map(Bytes::copy_from_slice));
        Box::new(Going { engine: self, low, high, order, blocks: None, cut: 0, block: None, turns: 0, over: false })
    }

    fn apply<'a>(&self, changes: &mut dyn Iterator<Item = Change<'a>>) -> Result<(), Error> {
        // Block by block: a batch of sled's would lock readers out for as long as it takes, and the journal makes atomicity here needless.
        ask("writing", || {
            let mut changes = changes.peekable();
            while changes.peek().is_some() {
                self.change(&mut changes)?;
            }
            Ok(())
        })
    }

    fn sync(&self, sequence: u64) -> Result<(), Error> {
        ask("syncing", || {
            self.mark.insert(MARK, &sequence.to_be_bytes())?;
            self.db.flush()?;
            Ok(())
        })?;
        self.sync_file("db")
    }

    fn synced(&self) -> Result<u64, Error> {
        let mark = ask("reading", || Ok(self.mark.get(MARK)?))?;
        Ok(mark.and_then(|mark| mark.as_ref().try_into().ok()).map_or(0, u64::from_be_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Memory;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::io::Write;
    use std::process::Command;
    use std::sync::atomic::AtomicBool;
    use std::time::{Duration, Instant};

    fn pairs(engine: &dyn Engine, range: Range<'_>, order: Order) -> Vec<(Bytes, Bytes)> {
        engine.range(range, order).map(|kept| kept.unwrap()).collect()
    }

    /// sled lets go of its lock a moment after it was dropped.
    fn opened(folder: &Path) -> Sled {
        for _ in 0..200 {
            match Sled::open(folder, 1 << 20) {
                Err(error) if error.to_string().contains("lock") => {
                    std::thread::park_timeout(Duration::from_millis(20))
                }
                opened => return opened.unwrap(),
            }
        }
        panic!("sled does not let go");
    }

    const ALL: Range<'_> = (Bound::Unbounded, Bound::Unbounded);

    type Batch = BTreeMap<Bytes, Option<Bytes>>;

    fn batches() -> impl Strategy<Value = Vec<Batch>> {
        let key = (0u8..3, proptest::collection::vec(0u8..8, 0..5))
            .prop_map(|(table, rest)| [&[0, 0, 0, 0, 0, 0, 0, 1, 0, table], rest.as_slice()].concat());
        let length = prop_oneof![4 => 0usize..40, 2 => 100usize..400, 1 => 2_000usize..3_000];
        let value = proptest::option::of(length.prop_map(|length| Bytes::from(vec![length as u8; length])));
        proptest::collection::vec(proptest::collection::btree_map(key.prop_map(Bytes::from), value, 1..150), 1..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 40, ..ProptestConfig::default() })]
        #[test]
        fn blocks_of_sled_read_like_a_map(all in batches(), ends in proptest::collection::vec(proptest::collection::vec(0u8..8, 0..3), 6)) {
            let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::default());
            let mut engine = opened(folder.path());
            for (at, batch) in all.iter().enumerate() {
                engine.apply(&mut batch.iter()).unwrap();
                memory.apply(&mut batch.iter()).unwrap();
                if at % 3 == 2 {
                    engine.sync(at as u64).unwrap();
                    drop(engine);
                    engine = opened(folder.path());
                }
            }
            for order in [Order::Ascending, Order::Descending] {
                prop_assert_eq!(pairs(&engine, ALL, order), pairs(&memory, ALL, order));
                for pair in ends.chunks(2) {
                    let [low, high] = [0, 1].map(|at| [&[0, 0, 0, 0, 0, 0, 0, 1, 0][..], &pair[at]].concat());
                    for low in [Bound::Included(low.as_slice()), Bound::Excluded(low.as_slice()), Bound::Unbounded] {
                        for high in [Bound::Included(high.as_slice()), Bound::Excluded(high.as_slice()), Bound::Unbounded] {
                            prop_assert_eq!(pairs(&engine, (low, high), order), pairs(&memory, (low, high), order));
                        }
                    }
                }
            }
            for key in all.iter().flat_map(BTreeMap::keys) {
                prop_assert_eq!(engine.get(key).unwrap(), memory.get(key).unwrap());
            }
        }
    }

    fn numbered(at: u32) -> Bytes {
        Bytes::from([&[0, 0, 0, 0, 0, 0, 0, 1, 0, 9][..], &at.to_be_bytes()].concat())
    }

    #[test]
    fn whoever_reads_while_blocks_are_cut_misses_nothing_and_sees_nothing_twice() {
        let folder = tempfile::tempdir().unwrap();
        let engine = opened(folder.path());
        let fixed: Batch = (0..400).map(|at| (numbered(at * 1_000), Some(Bytes::from(vec![at as u8; 20])))).collect();
        engine.apply(&mut fixed.iter()).unwrap();
        let (over, read) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for order in [Order::Ascending, Order::Descending] {
                let (engine, fixed, over, read) = (&engine, &fixed, &over, &read);
                scope.spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        let mut keys: Vec<Bytes> = pairs(engine, ALL, order).into_iter().map(|(key, _)| key).collect();
                        if order == Order::Descending {
                            keys.reverse();
                        }
                        assert!(keys.is_sorted_by(|a, b| a < b), "in order, and none twice");
                        let kept = keys.iter().filter(|key| fixed.contains_key(*key)).count();
                        assert_eq!(kept, fixed.len());
                        for (key, value) in fixed.iter().step_by(7) {
                            assert_eq!(engine.get(key).unwrap().as_ref(), value.as_ref());
                        }
                        read.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            // One at a time all over the place, and away again, so that blocks are cut and removed all the time.
            let begun = Instant::now();
            let mut at = 1u32;
            while begun.elapsed() < Duration::from_secs(3) || read.load(Ordering::Relaxed) < 20 {
                for round in 0..4_000u32 {
                    at = at.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let key = numbered(at % 400_000 / 1_000 * 1_000 + 1 + at % 999);
                    let value = (round % 3 > 0).then(|| Bytes::from(vec![3; 30]));
                    engine.apply(&mut [(&key, &value)].into_iter()).unwrap();
                }
                let new: Vec<Bytes> = pairs(&engine, ALL, Order::Ascending)
                    .into_iter()
                    .map(|(key, _)| key)
                    .filter(|key| !fixed.contains_key(key))
                    .collect();
                let gone: Batch = new.into_iter().map(|key| (key, None)).collect();
                engine.apply(&mut gone.iter()).unwrap();
            }
            over.store(true, Ordering::Relaxed);
        });
        assert!(engine.cut.load(Ordering::Relaxed) > 100, "blocks were cut");
    }

    #[test]
    fn what_a_killed_process_left_twice_is_once_when_the_engine_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let engine = opened(folder.path());
        let all: Batch = (0..30).map(|at| (numbered(at), Some(Bytes::from(vec![at as u8; 8])))).collect();
        engine.apply(&mut all.iter()).unwrap();
        let (low, old) = engine.block_of(&numbered(0)).unwrap().unwrap();
        assert_eq!(old.len(), 30);
        // As if it had been killed when two of three new blocks were written, and the old one not yet.
        let late = entries(&old).unwrap();
        engine.mark.insert(CUT, &low).unwrap();
        engine.put(&late[20].key, &late[20..]).unwrap();
        drop((engine, old));
        let engine = opened(folder.path());
        let expected: Vec<(Bytes, Bytes)> = all.clone().into_iter().map(|(key, value)| (key, value.unwrap())).collect();
        assert_eq!(pairs(&engine, ALL, Order::Ascending), expected);
        assert_eq!(engine.block_of(&numbered(0)).unwrap().unwrap().1.len(), 20);
        // What comes again from the journal comes to the same.
        engine.apply(&mut all.iter()).unwrap();
        assert_eq!(pairs(&engine, ALL, Order::Descending), expected.into_iter().rev().collect::<Vec<_>>());
    }

    const FOLDER: &str = "HUIGUAN_TEST_READ_ALL";

    /// MiB of its own that this process has in memory.
    fn resident() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
    }

    /// Not a test by itself: what the next one has a process of its own do, since whatever runs beside it takes memory too.
    #[test]
    fn child_that_reads_everything() {
        let Ok(folder) = std::env::var(FOLDER) else { return };
        let engine = opened(Path::new(&folder));
        let before = resident();
        for order in [Order::Ascending, Order::Descending] {
            writeln!(
                std::io::stdout().lock(),
                "\nread {} {}",
                engine.range(ALL, order).count(),
                resident().saturating_sub(before)
            )
            .unwrap();
        }
    }

    #[test]
    fn a_reading_of_everything_leaves_little_of_it_in_memory() {
        const ENTRIES: u32 = 96 << 10;
        let folder = tempfile::tempdir().unwrap();
        let engine = opened(folder.path());
        for from in (0..ENTRIES).step_by(1 << 10) {
            let many: Batch =
                (from..from + (1 << 10)).map(|at| (numbered(at), Some(Bytes::from(vec![7; 1_000])))).collect();
            engine.apply(&mut many.iter()).unwrap();
        }
        engine.sync(1).unwrap();
        drop(engine);
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "sled_engine::tests::child_that_reads_everything", "--nocapture"]);
        let said = child.env(FOLDER, folder.path()).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        let read = said.lines().filter_map(|line| line.strip_prefix("read ")?.split_once(' '));
        let read: Vec<(u32, u64)> =
            read.map(|(count, grown)| (count.parse().unwrap(), grown.parse().unwrap())).collect();
        assert_eq!(read.len(), 2, "{said}");
        for (count, grown) in read {
            assert_eq!(count, ENTRIES);
            assert!(grown < 16, "{grown} MiB of 96 stayed");
        }
    }
}

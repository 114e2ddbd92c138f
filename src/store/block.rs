//! Blocks: keys that stand side by side, kept with their values as one value of sled. sled holds at most sixteen of its own entries in a leaf and some two
//! hundred bytes of memory for every leaf on disk, so a million people with nine short keys each would take hundreds of megabytes; by blocks they take a tenth.
//!
//! A block: number of entries and length of the prefix that its keys share (u16 each), the prefix, where each entry but the first begins (u16), and
//! the entries: length of what follows the prefix in the key (u16), that, and the value. All numbers are little-endian.

use crate::{Error, read::PREFIX};
use bytes::Bytes;

/// A block of more bytes is cut, when it has more than one entry.
pub(crate) const BLOCK_BYTES: usize = 1 << 10;

/// Bytes of a number.
const NUMBER: usize = 2;

/// An entry while a block is put together.
pub(crate) struct Entry {
    pub key: Bytes,
    pub value: Bytes,
    /// It was not in the block, or has another value now.
    pub is_new: bool,
}

/// A block as it was read.
pub(crate) struct Block<B> {
    bytes: B,
    count: usize,
    /// Bytes of the prefix.
    shared: usize,
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let (number, _) = bytes.get(at..)?.split_first_chunk::<NUMBER>()?;
    Some(usize::from(u16::from_le_bytes(*number)))
}

fn damaged() -> Error {
    Error::Engine("a block is damaged".into())
}

impl<B: AsRef<[u8]>> Block<B> {
    /// Reads the head; whatever is wrong further on shows when it is reached.
    pub(crate) fn read(bytes: B) -> Result<Self, Error> {
        let head = bytes.as_ref();
        let (count, shared) = number(head, 0).zip(number(head, NUMBER)).ok_or_else(damaged)?;
        if count == 0 || head.len() < 2 * NUMBER + shared + (count - 1) * NUMBER {
            return Err(damaged());
        }
        Ok(Self { bytes, count, shared })
    }

    /// Number of entries, never 0.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    fn prefix(&self) -> &[u8] {
        self.bytes.as_ref().get(2 * NUMBER..2 * NUMBER + self.shared).unwrap_or_default()
    }

    /// Where what follows the prefix in the key of an entry begins, where its value does, and where it ends.
    fn place(&self, at: usize) -> Result<(usize, usize, usize), Error> {
        let bytes = self.bytes.as_ref();
        let table = 2 * NUMBER + self.shared;
        let entries = table + (self.count - 1) * NUMBER;
        let begins = |at: usize| match at {
            0 => Some(0),
            _ => number(bytes, table + (at - 1) * NUMBER),
        };
        let end = if at + 1 < self.count { begins(at + 1).map(|end| entries + end) } else { Some(bytes.len()) };
        let from = begins(at).map(|from| entries + from);
        let length = from.and_then(|from| number(bytes, from));
        let (Some(from), Some(length), Some(end)) = (from, length, end) else { return Err(damaged()) };
        let (from, value) = (from + NUMBER, from + NUMBER + length);
        if at < self.count && value <= end && end <= bytes.len() { Ok((from, value, end)) } else { Err(damaged()) }
    }

    fn part(&self, from: usize, to: usize) -> &[u8] {
        self.bytes.as_ref().get(from..to).unwrap_or_default()
    }

    /// The key of an entry.
    pub(crate) fn key(&self, at: usize) -> Result<Bytes, Error> {
        let (from, to, _) = self.place(at)?;
        Ok(Bytes::from([self.prefix(), self.part(from, to)].concat()))
    }

    /// The value of an entry.
    pub(crate) fn value(&self, at: usize) -> Result<&[u8], Error> {
        let (_, from, to) = self.place(at)?;
        Ok(self.part(from, to))
    }

    /// How many entries stand before a key, and whether the next one is of that key.
    pub(crate) fn find(&self, key: &[u8]) -> Result<(usize, bool), Error> {
        let prefix = self.prefix();
        let Some(rest) = key.strip_prefix(prefix) else {
            return Ok(if key < prefix { (0, false) } else { (self.count, false) });
        };
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            let (from, to, _) = self.place(middle)?;
            match self.part(from, to).cmp(rest) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok((middle, true)),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok((low, false))
    }
}

impl Block<Bytes> {
    /// The value of an entry, without a copy of it.
    pub(crate) fn share(&self, at: usize) -> Result<Bytes, Error> {
        let (_, from, to) = self.place(at)?;
        Ok(self.bytes.slice(from..to))
    }
}

fn shared(first: &[u8], last: &[u8]) -> usize {
    first.iter().zip(last).take_while(|(a, b)| a == b).count()
}

/// Writes a block of entries that stand in order; there must be some.
pub(crate) fn write(entries: &[Entry]) -> Result<Vec<u8>, Error> {
    let short = |length: usize| {
        u16::try_from(length).map(u16::to_le_bytes).map_err(|_| Error::Engine("a block is too large".into()))
    };
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Err(damaged()) };
    let prefix = first.key.get(..shared(&first.key, &last.key)).unwrap_or_default();
    let (mut table, mut all) = (Vec::with_capacity(entries.len() * NUMBER), Vec::with_capacity(BLOCK_BYTES));
    for (at, entry) in entries.iter().enumerate() {
        if at > 0 {
            table.extend(short(all.len())?);
        }
        let rest = entry.key.get(prefix.len()..).unwrap_or_default();
        all.extend(short(rest.len())?);
        all.extend_from_slice(rest);
        all.extend_from_slice(&entry.value);
    }
    let head = [short(entries.len())?, short(prefix.len())?].concat();
    Ok([head.as_slice(), prefix, &table, &all].concat())
}

/// Where blocks of these entries begin, the first of them left out: none when one block holds all. Where new entries stand at the end of everything, or of their table,
/// the block before them stays full, since more will come behind; elsewhere blocks come out alike.
pub(crate) fn cuts(entries: &[Entry]) -> Vec<usize> {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Vec::new() };
    let prefix = shared(&first.key, &last.key);
    let bytes = |entry: &Entry| 2 * NUMBER + entry.key.len() - prefix.min(entry.key.len()) + entry.value.len();
    let whole = 2 * NUMBER + prefix + entries.iter().map(bytes).sum::<usize>();
    if whole <= BLOCK_BYTES {
        return Vec::new();
    }
    let behind = entries.iter().rposition(|entry| entry.is_new).map(|at| at + 1);
    let table = |at: usize| entries.get(at).and_then(|entry| entry.key.get(..PREFIX));
    let end = behind.filter(|at| *at == entries.len() || table(*at - 1) != table(*at));
    let fair = whole.div_ceil(whole.div_ceil(BLOCK_BYTES));
    let (mut out, mut held) = (Vec::new(), 2 * NUMBER + prefix);
    let empty = held;
    for (at, entry) in entries.iter().enumerate() {
        let full = held + bytes(entry) > BLOCK_BYTES || (end.is_none() && held >= fair) || end == Some(at);
        if held > empty && full {
            out.push(at);
            held = empty;
        }
        held += bytes(entry);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn entry(key: &[u8], value: usize, is_new: bool) -> Entry {
        Entry { key: Bytes::copy_from_slice(key), value: Bytes::from(vec![7; value]), is_new }
    }

    /// Keys as tables have them: a space, a table, and a few bytes.
    fn keys() -> impl Strategy<Value = Vec<u8>> {
        (0u8..2, 0u8..3, proptest::collection::vec(0u8..4, 0..40)).prop_map(|(space, table, rest)| {
            let mut key = vec![0, 0, 0, 0, 0, 0, 0, space, 0, table];
            key.extend(rest);
            key
        })
    }

    fn values() -> impl Strategy<Value = usize> {
        prop_oneof![8 => 0usize..60, 2 => 200usize..1_500, 1 => Just(70_000usize)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]
        #[test]
        fn blocks_hold_all_entries_in_order_and_find_them(
            all in proptest::collection::btree_map(keys(), (values(), any::<bool>()), 1..120), other in keys(),
        ) {
            let entries: Vec<Entry> = all.iter().map(|(key, (value, is_new))| entry(key, *value, *is_new)).collect();
            let cuts = cuts(&entries);
            prop_assert!(cuts.is_sorted_by(|a, b| a < b) && cuts.iter().all(|cut| (1..entries.len()).contains(cut)));
            let mut read = BTreeMap::new();
            for (from, to) in [0].iter().chain(&cuts).zip(cuts.iter().chain([&entries.len()])) {
                let bytes = write(&entries[*from..*to]).unwrap();
                prop_assert!(to - from == 1 || bytes.len() <= BLOCK_BYTES, "{} entries take {}", to - from, bytes.len());
                let block = Block::read(Bytes::from(bytes)).unwrap();
                prop_assert_eq!(block.len(), to - from);
                for at in 0..block.len() {
                    let key = block.key(at).unwrap();
                    prop_assert_eq!(block.find(&key).unwrap(), (at, true));
                    prop_assert_eq!(block.share(at).unwrap(), block.value(at).unwrap());
                    read.insert(key.to_vec(), block.value(at).unwrap().len());
                }
                let before = all.keys().skip(*from).take(block.len()).filter(|key| **key < other).count();
                let found = all.keys().skip(*from).take(block.len()).any(|key| *key == other);
                prop_assert_eq!(block.find(&other).unwrap(), (before, found));
            }
            prop_assert_eq!(read, all.into_iter().map(|(key, (value, _))| (key, value)).collect::<BTreeMap<_, _>>());
        }

        #[test]
        fn damaged_blocks_are_errors(all in proptest::collection::btree_map(keys(), 0usize..30, 1..12), at in any::<u16>(), byte in any::<u8>(), cut in any::<u16>()) {
            let entries: Vec<Entry> = all.iter().map(|(key, value)| entry(key, *value, false)).collect();
            let mut bytes = write(&entries).unwrap();
            let at = usize::from(at) % bytes.len();
            bytes[at] ^= byte;
            bytes.truncate(usize::from(cut) % (bytes.len() * 2));
            // Whatever is read of it, nothing panics.
            let Ok(block) = Block::read(Bytes::from(bytes)) else { return Ok(()) };
            for at in 0..block.len().min(100) {
                drop((block.key(at), block.share(at)));
            }
            drop(block.find(&entries[0].key));
        }
    }

    /// Puts keys in one after the other, as an engine does, and tells how many blocks they came to.
    fn fill(keys: impl Iterator<Item = Vec<u8>>, neighbours: &[&[u8]]) -> usize {
        let mut blocks: BTreeMap<Vec<u8>, Vec<Entry>> = BTreeMap::new();
        blocks.insert(Vec::new(), neighbours.iter().map(|key| entry(key, 10, false)).collect());
        for key in keys {
            let (low, mut all) = blocks
                .range(..=key.clone())
                .next_back()
                .map(|(low, _)| low.clone())
                .map(|low| (low.clone(), blocks.remove(&low).unwrap()))
                .unwrap();
            all.iter_mut().for_each(|entry| entry.is_new = false);
            let at = all.partition_point(|entry| entry.key < key);
            all.insert(at, entry(&key, 10, true));
            let mut low = low;
            let cuts = cuts(&all);
            for (from, to) in [0].iter().chain(&cuts).zip(cuts.iter().chain([&all.len()])) {
                let part: Vec<Entry> = all[*from..*to]
                    .iter()
                    .map(|entry| Entry { key: entry.key.clone(), value: entry.value.clone(), is_new: false })
                    .collect();
                if *from > 0 {
                    low = part[0].key.to_vec();
                }
                blocks.insert(low.clone(), part);
            }
        }
        blocks.len()
    }

    #[test]
    fn what_comes_in_order_fills_its_blocks_between_other_tables_too() {
        let key = |table: u8, at: u32| [&[0, 0, 0, 0, 0, 0, 0, 1, 0, table], at.to_be_bytes().as_slice()].concat();
        // Each takes 16 bytes beside what its key shares with the others.
        let least = 2_000 * 16 / BLOCK_BYTES;
        let in_order = fill((0..2_000).map(|at| key(5, at)), &[]);
        assert!((least..=least + least / 10 + 2).contains(&in_order), "{in_order} for {least}");
        let others = [key(4, 1), key(6, 1), key(6, 2), key(7, 9)];
        let between = fill((0..2_000).map(|at| key(5, at)), &others.each_ref().map(Vec::as_slice));
        assert!((least..=least + least / 10 + 4).contains(&between), "{between} for {least}");
        let mixed = fill((0..2_000u32).map(|at| key(5, at.wrapping_mul(2_654_435_761))), &[]);
        assert!((least..=least * 2).contains(&mixed), "{mixed} for {least}");
    }
}

//! The nonces of an event's scans, in some six bytes each, however many there are: the newest in a hash table, the rest sorted, in memory of their exact size. A table of
//! all would double at once, in the middle of a day.

use crate::model::{spread, wide};
use domain::ScanId;
use hashbrown::HashTable;

/// Lines of the log from the first, each with the hash of its nonce if it is a scan. A hit is only a hint: the scan says whether it is the same.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    volumes: Vec<Volume>,
    /// How many lines the volumes stand for, and those without a nonce among them.
    below: usize,
    /// Part of the hash of each later line's nonce; lines that are no scans have none in the table.
    prints: Vec<u32>,
    /// Places in `prints`.
    table: HashTable<u32>,
}

/// A smaller table grows when it is full.
const NEWEST: usize = 1 << 13;
/// A larger table grows as long as it holds a smaller part of all.
const PART: usize = 16;

/// The part of a hash that is kept.
fn print(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(0)
}

/// Where a print is in the table.
fn hashed(print: u32) -> u64 {
    spread(u64::from(print))
}

impl Nonces {
    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.below + self.prints.len()
    }

    /// Takes the next line's hash in.
    pub(super) fn push(&mut self, hash: Option<u64>) {
        if self.is_full() {
            self.sort();
        }
        let line = self.prints.len();
        let print = hash.map_or(0, print);
        self.prints.push(print);
        if let Some(line) = hash.and_then(|_| u32::try_from(line).ok()) {
            let prints = &self.prints;
            let of = |line: &u32| prints.get(wide(*line)).map_or(0, |print| hashed(*print));
            self.table.insert_unique(hashed(print), line, of);
        }
    }

    /// Whether the table would have to grow, or has many lines beside it, and is large enough.
    fn is_full(&self) -> bool {
        let room = self.table.capacity();
        let is_full = self.table.len() == room || self.prints.len() >= 2 * room;
        is_full && self.prints.len() >= NEWEST.max(self.below / PART)
    }

    fn sort(&mut self) {
        let end = self.len();
        if self.volumes.last().is_none_or(|volume| end - volume.from > VOLUME) {
            self.volumes.push(Volume { from: self.below, ..Volume::default() });
        }
        let Some(volume) = self.volumes.last_mut() else { return };
        let ahead = self.below - volume.from;
        let of = |at: &u32| Some((*self.prints.get(wide(*at))?, ahead + wide(*at)));
        let mut fresh: Vec<(u32, usize)> = self.table.iter().filter_map(of).collect();
        fresh.sort_unstable();
        volume.take(&fresh);
        self.below = end;
        self.prints.clear();
        self.table.clear();
    }

    /// Numbers of the scans that may have a nonce.
    pub(super) fn find(&self, hash: u64) -> impl Iterator<Item = ScanId> {
        let print = print(hash);
        let fits = move |at: &&u32| self.prints.get(wide(**at)) == Some(&print);
        let newest = self.table.iter_hash(hashed(print)).filter(fits).map(|at| self.below + wide(*at));
        let all = self.volumes.iter().flat_map(move |volume| volume.find(print)).chain(newest);
        all.map(|line| ScanId(line as u64 + 1))
    }
}

/// Most lines of a volume: their numbers take three bytes.
const VOLUME: usize = if cfg!(test) { 1 << 17 } else { 1 << 24 };
/// Bits of a print that say on which shelf it is.
const SHELF_BITS: u32 = 14;

/// Prints in ascending order, each with its line: five bytes.
#[derive(Debug, Default)]
struct Volume {
    /// The line that is counted from.
    from: usize,
    /// The bits of each print that its shelf leaves open. The two last ones are not kept.
    prints: Vec<u16>,
    lines: Vec<[u8; 3]>,
    /// Where each shelf begins, and where the last one ends.
    shelves: Vec<u32>,
}

/// A print's shelf, and its bits there.
fn shelved(print: u32) -> (usize, u16) {
    (wide(print >> (32 - SHELF_BITS)), u16::try_from(print >> (16 - SHELF_BITS) & 0xFFFF).unwrap_or(0))
}

impl Volume {
    /// Takes sorted pairs of prints and lines in, of lines that come later than all before.
    fn take(&mut self, fresh: &[(u32, usize)]) {
        let old = std::mem::replace(self, Self { from: self.from, ..Self::default() });
        let count = old.prints.len() + fresh.len();
        self.prints.reserve_exact(count);
        self.lines.reserve_exact(count);
        self.shelves.reserve_exact((1 << SHELF_BITS) + 1);
        let mut fresh = fresh.iter().map(|(print, line)| (shelved(*print), *line)).peekable();
        for shelf in 0..1 << SHELF_BITS {
            self.mark();
            for at in old.shelf(shelf) {
                let (Some(print), Some(line)) = (old.prints.get(at), old.lines.get(at)) else { continue };
                while let Some(((_, print), line)) = fresh.next_if(|(at, _)| *at < (shelf, *print)) {
                    self.push(print, short(line));
                }
                self.push(*print, *line);
            }
            while let Some(((_, print), line)) = fresh.next_if(|((at, _), _)| *at == shelf) {
                self.push(print, short(line));
            }
        }
        self.mark();
    }

    /// A shelf begins here.
    fn mark(&mut self) {
        self.shelves.push(u32::try_from(self.prints.len()).unwrap_or(u32::MAX));
    }

    fn push(&mut self, print: u16, line: [u8; 3]) {
        self.prints.push(print);
        self.lines.push(line);
    }

    /// What is on a shelf.
    fn shelf(&self, shelf: usize) -> std::ops::Range<usize> {
        let end = |at: usize| self.shelves.get(at).map_or(0, |at| wide(*at));
        end(shelf)..end(shelf + 1)
    }

    fn find(&self, print: u32) -> impl Iterator<Item = usize> {
        let (shelf, print) = shelved(print);
        let shelf = self.shelf(shelf);
        let first = shelf.start;
        let shelf = self.prints.get(shelf).unwrap_or_default();
        let begin = shelf.partition_point(|kept| *kept < print);
        let same = shelf.iter().skip(begin).take_while(move |kept| **kept == print);
        same.zip(self.lines.get(first + begin..).unwrap_or_default()).map(|(_, line)| self.from + long(*line))
    }
}

/// A line's number in three bytes.
fn short(line: usize) -> [u8; 3] {
    let [low, middle, high, ..] = line.to_le_bytes();
    [low, middle, high]
}

fn long([low, middle, high]: [u8; 3]) -> usize {
    wide(u32::from_le_bytes([low, middle, high, 0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(nonces: &Nonces, hash: u64) -> Vec<u64> {
        let mut found: Vec<u64> = nonces.find(hash).map(|scan| scan.0).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn nonces_are_found_with_those_that_look_alike() {
        let mut nonces = Nonces::default();
        let hash = |n: u64| n << 32;
        let alike = hash(5) + 1;
        [Some(hash(5)), None, Some(hash(6)), Some(alike), Some(0)].into_iter().for_each(|hash| nonces.push(hash));
        assert_eq!(found(&nonces, hash(5)), [1, 4], "the scans tell which of them it is");
        assert_eq!(found(&nonces, hash(6)), [3]);
        assert_eq!(found(&nonces, 0), [5], "a line that is no scan has no nonce");
        assert!(found(&nonces, hash(8)).is_empty() && found(&nonces, u64::MAX).is_empty());
        // All look alike in their first bits, so that one shelf holds them.
        let many = 2 * NEWEST as u64;
        (0..many).for_each(|n| nonces.push(Some(hash(4 * (n + 25)))));
        assert!(nonces.below > 0, "some are sorted by now");
        assert_eq!(found(&nonces, hash(5)), [1, 3, 4], "what differs in the last bits looks alike then");
        assert_eq!(found(&nonces, 0), [5]);
        assert!(found(&nonces, hash(8)).is_empty() && found(&nonces, u64::MAX).is_empty());
        assert!((0..many).all(|n| found(&nonces, hash(4 * (n + 25))) == [6 + n]));
    }

    #[test]
    fn a_line_keeps_its_number_in_three_bytes() {
        for line in [0, 1, 255, 256, 65_535, 65_536, (1 << 24) - 1] {
            assert_eq!(long(short(line)), line);
        }
    }

    #[test]
    fn lines_that_are_no_scans_do_not_pile_up() {
        let mut nonces = Nonces::default();
        (0..200_000).for_each(|_| nonces.push(None));
        assert!(nonces.prints.capacity() <= 4 * NEWEST, "{}", nonces.prints.capacity());
        nonces.push(Some(7 << 32));
        assert_eq!((nonces.len(), found(&nonces, 7 << 32)), (200_001, vec![200_001]));
    }

    #[test]
    fn many_are_found_whenever_they_are_sorted_and_take_no_more_room_than_said() {
        let hash = |n: u64| spread(n.wrapping_add(3)).rotate_left(17).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let mut nonces = Nonces::default();
        let mut seen = 0;
        for n in 0..300_000u64 {
            // Every seventh line is no scan.
            nonces.push((n % 7 != 3).then(|| hash(n)));
            assert_eq!(nonces.len() as u64, n + 1);
            for back in [0, 1, 100, n / 2, n].into_iter().filter(|back| *back <= n) {
                let line = n - back;
                let there = nonces.find(hash(line)).any(|scan| scan.0 == line + 1);
                assert_eq!(there, line % 7 != 3, "line {line} of {n}");
                seen += usize::from(there);
            }
            if n > 100_000 {
                let volumes = nonces.volumes.iter().map(|volume| {
                    let Volume { prints, lines, shelves, .. } = volume;
                    2 * prints.capacity() + 3 * lines.capacity() + 4 * shelves.capacity()
                });
                let room = volumes.sum::<usize>() + 4 * nonces.prints.capacity() + nonces.table.allocation_size();
                assert!(room as u64 <= 7 * n, "{room} bytes for {n} lines");
            }
        }
        assert_eq!(nonces.volumes.len(), 3, "lines of a volume are numbered in three bytes");
        assert!(seen > 1_000_000);
        assert!((1_000_000..1_100_000).all(|n| nonces.find(hash(n)).count() < 3), "few look alike");
    }
}

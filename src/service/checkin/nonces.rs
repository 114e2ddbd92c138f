//! The nonces of an event's scans, in some nine bytes each, however many there are: the newest in a hash table, the rest sorted, in memory of their exact size. A table of
//! all would double at once, in the middle of a day.

use crate::model::{spread, wide};
use domain::ScanId;
use hashbrown::HashTable;

/// Lines of the log from the first, each with the hash of its nonce if it is a scan. A hit is only a hint: the scan says whether it is the same.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    sorted: Sorted,
    /// How many lines `sorted` stands for, and those without a nonce among them.
    below: usize,
    /// Part of the hash of each later line's nonce; lines that are no scans have none in the table.
    prints: Vec<u32>,
    /// Places in `prints`.
    table: HashTable<u32>,
}

/// With fewer in the table nothing is sorted.
const NEWEST: usize = 1 << 14;
/// The table holds so small a part of all at the most.
const PART: usize = 8;

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
        let line = self.prints.len();
        let print = hash.map_or(0, print);
        self.prints.push(print);
        if let Some(line) = hash.and_then(|_| u32::try_from(line).ok()) {
            let prints = &self.prints;
            let of = |line: &u32| prints.get(wide(*line)).map_or(0, |print| hashed(*print));
            self.table.insert_unique(hashed(print), line, of);
        }
        if self.table.len() >= NEWEST.max(self.sorted.prints.len() / PART) {
            self.sort();
        }
    }

    fn sort(&mut self) {
        // An event has no more lines than a 32-bit number counts: they would take a terabyte.
        let of = |at: &u32| Some((*self.prints.get(wide(*at))?, u32::try_from(self.below + wide(*at)).ok()?));
        let mut fresh: Vec<(u32, u32)> = self.table.iter().filter_map(of).collect();
        fresh.sort_unstable();
        self.sorted.take(&fresh);
        self.below = self.len();
        self.prints.clear();
        self.table.clear();
    }

    /// Numbers of the scans that may have a nonce.
    pub(super) fn find(&self, hash: u64) -> impl Iterator<Item = ScanId> {
        let print = print(hash);
        let fits = move |at: &&u32| self.prints.get(wide(**at)) == Some(&print);
        let newest = self.table.iter_hash(hashed(print)).filter(fits).map(|at| self.below + wide(*at));
        let all = self.sorted.find(print).map(wide).chain(newest);
        all.map(|line| ScanId(line as u64 + 1))
    }
}

/// Prints in ascending order, each with its line.
#[derive(Debug)]
struct Sorted {
    prints: Vec<u32>,
    lines: Vec<u32>,
    /// Where the prints of each shelf begin: those that begin with the same bits.
    shelves: Vec<u32>,
    /// The other bits of a print.
    shift: u32,
}

/// Prints on a shelf, about: hashes are spread evenly.
const SHELF: usize = 32;

impl Default for Sorted {
    fn default() -> Self {
        Self { prints: Vec::new(), lines: Vec::new(), shelves: Vec::new(), shift: 31 }
    }
}

impl Sorted {
    /// Takes sorted pairs of prints and lines in, of lines that come later than all before.
    fn take(&mut self, fresh: &[(u32, u32)]) {
        let old = std::mem::take(self);
        let count = old.prints.len() + fresh.len();
        self.prints.reserve_exact(count);
        self.lines.reserve_exact(count);
        let mut fresh = fresh.iter().copied().peekable();
        for (print, line) in old.prints.iter().zip(&old.lines) {
            while let Some(new) = fresh.next_if(|(new, _)| new < print) {
                self.push(new);
            }
            self.push((*print, *line));
        }
        fresh.for_each(|new| self.push(new));
        let bits = (count / SHELF).max(2).ilog2();
        self.shift = 32 - bits;
        self.shelves.reserve_exact((1 << bits) + 1);
        let mut at = 0u32;
        for shelf in 0..1 << bits {
            let behind = |print: &u32| print >> self.shift >= shelf;
            while self.prints.get(wide(at)).is_some_and(|print| !behind(print)) {
                at += 1;
            }
            self.shelves.push(at);
        }
        self.shelves.push(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn push(&mut self, (print, line): (u32, u32)) {
        self.prints.push(print);
        self.lines.push(line);
    }

    fn find(&self, print: u32) -> impl Iterator<Item = u32> {
        let shelf = wide(print >> self.shift);
        let end = |at: usize| self.shelves.get(at).map_or(0, |at| wide(*at));
        let (from, to) = (end(shelf), end(shelf + 1));
        let shelf = self.prints.get(from..to).unwrap_or_default();
        let first = from + shelf.partition_point(|kept| *kept < print);
        let same = self.prints.get(first..).unwrap_or_default().iter().take_while(move |kept| **kept == print);
        same.zip(self.lines.get(first..).unwrap_or_default()).map(|(_, line)| *line)
    }
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
        let told = |nonces: &Nonces| {
            assert_eq!(found(nonces, hash(5)), [1, 4], "the scans tell which of them it is");
            assert_eq!(found(nonces, hash(6)), [3]);
            assert_eq!(found(nonces, 0), [5], "a line that is no scan has no nonce");
            assert!(found(nonces, hash(8)).is_empty() && found(nonces, u64::MAX).is_empty());
        };
        told(&nonces);
        // All look alike in their first bits, so that one shelf holds them.
        (0..NEWEST as u64).for_each(|n| nonces.push(Some(hash(100 + n))));
        assert!(nonces.below > 0, "some are sorted by now");
        told(&nonces);
        assert!((0..NEWEST as u64).all(|n| found(&nonces, hash(100 + n)) == [6 + n]));
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
                let room = 4 * (nonces.sorted.prints.capacity() + nonces.sorted.lines.capacity())
                    + 4 * (nonces.sorted.shelves.capacity() + nonces.prints.capacity())
                    + nonces.table.allocation_size();
                assert!(room as u64 <= 12 * n, "{room} bytes for {n} lines");
            }
        }
        assert!(seen > 1_000_000);
        assert!((1_000_000..1_100_000).all(|n| nonces.find(hash(n)).count() < 3), "few look alike");
    }
}

//! Where a ticket stands at a list: the fold of its scans that count.

use super::{Direction, Moment, Scan, Verdict};
use crate::{ScanId, Time};
use rkyv::{Archive, Deserialize, Serialize};

/// Where a ticket stands at a list after the lines so far. Scans that were taken back are not in it. Scans may come in any order of
/// their times, as those of terminals do that were offline.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// One entry that counts; without a scan when there is none.
    one: Entry,
    /// Further entries that count.
    more: Vec<Entry>,
    /// The latest exit that counts; without a scan when there is none.
    out: Entry,
    newest: u64,
}

/// An entry or exit that counts.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Entry {
    /// When the code was scanned.
    pub at: Time,
    /// The scan that let the person in or out.
    pub scan: ScanId,
}

impl Entry {
    /// None is an entry without a scan.
    fn some(self) -> Option<Self> {
        (self.scan.0 != 0).then_some(self)
    }
}

impl Standing {
    /// Where nearly every ticket stands that came in: inside after this one entry, and not scanned since.
    pub fn once(entry: Entry) -> Self {
        Self { one: entry, more: Vec::new(), out: Entry::default(), newest: entry.scan.0 }
    }

    /// The one entry of a ticket that stands as [`once`](Self::once) says.
    pub fn only(&self) -> Option<Entry> {
        let only = self.more.is_empty() && self.out.some().is_none() && self.newest == self.one.scan.0;
        self.one.some().filter(|_| only)
    }

    /// Came in at least once.
    pub fn is_admitted(&self) -> bool {
        self.one.some().is_some()
    }

    /// Change of how many came in, from where a ticket stood to here.
    pub fn admitted_since(&self, before: &Self) -> i8 {
        i8::from(self.is_admitted()) - i8::from(before.is_admitted())
    }

    /// The entries that count, in no order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.one.some().into_iter().chain(self.more.iter().copied())
    }

    /// The latest exit that counts.
    pub fn exit(&self) -> Option<Entry> {
        self.out.some()
    }

    /// When it came in, in no order.
    pub fn times(&self) -> impl Iterator<Item = Time> {
        self.entries().map(|entry| entry.at)
    }

    /// The first entry that counts.
    pub fn first(&self) -> Option<Entry> {
        self.entries().min()
    }

    /// The latest entry that counts.
    pub fn last(&self) -> Option<Entry> {
        self.entries().max()
    }

    /// The entry since which the ticket is inside, if nobody but its holder ends that; see [`is_inside`](Self::is_inside).
    pub fn inside_since(&self) -> Option<Entry> {
        self.last().filter(|last| *last > self.out)
    }

    /// Inside at that moment, when everybody counts as gone at `exit_hour`.
    pub fn is_inside(&self, now: &Moment<'_>, exit_hour: Option<u8>) -> bool {
        self.inside_since().is_some_and(|entry| exit_hour.is_none_or(|hour| now.is_same_shift(entry.at, hour)))
    }

    /// The newest scan of the ticket at the list, admitted or refused.
    pub fn newest(&self) -> Option<ScanId> {
        (self.newest != 0).then_some(ScanId(self.newest))
    }

    /// Notes a scan that does not count.
    pub fn see(&mut self, scan: ScanId) {
        self.newest = scan.0;
    }

    /// Notes an entry.
    pub fn enter(&mut self, entry: Entry) {
        self.see(entry.scan);
        match self.one.some() {
            None => self.one = entry,
            Some(_) => self.more.push(entry),
        }
    }

    /// Notes an exit.
    pub fn leave(&mut self, exit: Entry) {
        self.see(exit.scan);
        self.out = self.out.max(exit);
    }

    /// Takes one more scan in.
    pub fn take(&mut self, scan: &Scan) {
        let passed = Entry { at: scan.scanned_at, scan: scan.id };
        match (scan.verdict, scan.direction) {
            (Verdict::Admitted, Direction::Entry) => self.enter(passed),
            (Verdict::Admitted, Direction::Exit) => self.leave(passed),
            (Verdict::Refused(_) | Verdict::Incomplete, _) => self.see(scan.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at: i64, scan: u64) -> Entry {
        Entry { at: Time(at), scan: ScanId(scan) }
    }

    #[test]
    fn times_decide_and_not_the_order_in_which_scans_arrive() {
        let zone = jiff::tz::TimeZone::UTC;
        let now = Moment::new(Time(100), &zone);
        let mut standing = Standing::default();
        assert!(!standing.is_inside(&now, None) && standing.last().is_none());
        standing.enter(at(10, 1));
        assert_eq!((standing.only(), standing.inside_since()), (Some(at(10, 1)), Some(at(10, 1))));
        standing.leave(at(30, 2));
        assert!(standing.inside_since().is_none());
        // A terminal that was offline tells late of an entry before that exit, and of an exit before it.
        standing.enter(at(20, 3));
        assert!(standing.inside_since().is_none(), "the exit came after it");
        standing.leave(at(15, 4));
        standing.enter(at(5, 5));
        assert_eq!((standing.first(), standing.last()), (Some(at(5, 5)), Some(at(20, 3))));
        assert_eq!((standing.times().count(), standing.newest(), standing.only()), (3, Some(ScanId(5)), None));
        standing.enter(at(31, 6));
        assert_eq!(standing.inside_since(), Some(at(31, 6)));
        assert!(standing.is_inside(&now, None) && standing.is_inside(&now, Some(0)));
    }

    #[test]
    fn the_first_scan_of_an_instant_comes_first() {
        let mut standing = Standing::default();
        standing.enter(at(10, 1));
        standing.leave(at(10, 2));
        assert!(standing.inside_since().is_none());
        standing.enter(at(10, 3));
        assert!(standing.inside_since().is_some());
    }
}

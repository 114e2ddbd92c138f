//! Who is in: the fold of an event's scan log, and the nonces in it. Committed lines only.

use super::nonces::Nonces;
use crate::{Error, model::Model};
use domain::{
    By, EventId, GateId, ListId, Scan, ScanId, TicketId, Time,
    checkin::{Annul, Direction, Entry, Line, Moment, ScanBlock, Standing, Verdict},
    time::MINUTE,
};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use store::{Order, Read, SpaceView};

/// Sums over a list's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub admitted: i64,
    pub refused: i64,
}

impl Tally {
    pub(crate) fn add(&mut self, line: &Line) {
        match line {
            Line::Scan(scan) => {
                self.admitted += i64::from(scan.admitted);
                self.refused += i64::from(scan.is_refused());
            }
            Line::Annul(annul) => self.admitted += i64::from(annul.admitted),
            Line::Move(_) | Line::Settle(_) => {}
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { admitted: self.admitted + other.admitted, refused: self.refused + other.refused }
    }
}

/// How many are inside, by the quarter of an hour of the entry since which they are: hours of all zones begin with one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Inside {
    total: i64,
    quarters: BTreeMap<i64, i64>,
}

/// Milliseconds of a quarter of an hour.
const QUARTER: i64 = 15 * MINUTE;
/// Quarters of the longest local day, with one to spare.
const QUARTERS_OF_DAY: i64 = 26 * 4;

impl Inside {
    fn add(&mut self, entry: Option<Entry>, change: i64) {
        let Some(entry) = entry else { return };
        self.total += change;
        let quarter = entry.at.0.div_euclid(QUARTER);
        let kept = self.quarters.entry(quarter).or_default();
        *kept += change;
        if *kept == 0 {
            self.quarters.remove(&quarter);
        }
    }

    /// A ticket was inside since one entry, and is now since another.
    pub(crate) fn turn(&mut self, from: Option<Entry>, to: Option<Entry>) {
        if from != to {
            self.add(from, -1);
            self.add(to, 1);
        }
    }

    /// How many are inside at that moment, when everybody counts as gone at `exit_hour`.
    pub(crate) fn count(&self, now: &Moment<'_>, exit_hour: Option<u8>) -> i64 {
        let Some(hour) = exit_hour else { return self.total };
        let from = now.at.0.div_euclid(QUARTER) - QUARTERS_OF_DAY;
        let since = self.quarters.range(from..);
        since.filter(|(quarter, _)| now.is_same_shift(Time(*quarter * QUARTER), hour)).map(|(_, count)| count).sum()
    }
}

/// What a gate or whoever scans came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Entries that count.
    pub entries: i64,
    /// Exits that count.
    pub exits: i64,
    /// Refused scans.
    pub refused: i64,
    /// The newest scan.
    pub newest: Option<ScanId>,
}

/// Tickets of one page. Those of an event are mostly numbered in a row, so pages are full; where they are not, little is lost.
const PAGE: usize = 32;

/// Where the tickets of a list stand, in 16 bytes for each that came in once and was not scanned since.
#[derive(Debug, Default)]
struct Standings {
    /// The one entry of each ticket, by page and place; without a scan for those that have none.
    pages: FxHashMap<u64, Box<[Entry; PAGE]>>,
    /// Tickets that stand in any other way.
    others: FxHashMap<TicketId, Standing>,
}

/// A ticket's page and its place there.
fn place(ticket: TicketId) -> (u64, usize) {
    let size = PAGE as u64;
    (ticket.0 / size, usize::try_from(ticket.0 % size).unwrap_or(0))
}

impl Standings {
    fn get(&self, ticket: TicketId) -> Option<Standing> {
        let (page, at) = place(ticket);
        match self.pages.get(&page).and_then(|page| page.get(at)) {
            Some(entry) if entry.scan.0 != 0 => Some(Standing::once(*entry)),
            _ => self.others.get(&ticket).cloned(),
        }
    }

    fn set(&mut self, ticket: TicketId, standing: Standing) {
        const NONE: Entry = Entry { at: Time(0), scan: ScanId(0) };
        let (page, at) = place(ticket);
        match standing.only() {
            Some(entry) => {
                let page = self.pages.entry(page).or_insert_with(|| Box::new([NONE; PAGE]));
                page.get_mut(at).into_iter().for_each(|kept| *kept = entry);
                self.others.remove(&ticket);
            }
            None => {
                let page = self.pages.get_mut(&page);
                page.and_then(|page| page.get_mut(at)).into_iter().for_each(|kept| *kept = NONE);
                self.others.insert(ticket, standing);
            }
        }
    }
}

/// One list's tickets.
#[derive(Debug, Default)]
pub(crate) struct AtList {
    standings: Standings,
    tally: Tally,
    inside: Inside,
    gates: BTreeMap<Option<GateId>, Work>,
    scanners: FxHashMap<By, Work>,
}

impl AtList {
    /// What each gate came to; scans without a gate under none.
    pub(crate) fn gates(&self) -> &BTreeMap<Option<GateId>, Work> {
        &self.gates
    }

    /// What each terminal, helper and person came to.
    pub(crate) fn scanners(&self) -> impl Iterator<Item = (By, Work)> {
        self.scanners.iter().map(|(by, work)| (*by, *work))
    }

    fn set(&mut self, ticket: TicketId, before: &Standing, after: Standing) {
        self.inside.turn(before.inside_since(), after.inside_since());
        self.standings.set(ticket, after);
    }

    fn note(&mut self, scan: &Scan) {
        let count = |work: &mut Work| {
            match (scan.verdict, scan.direction) {
                (Verdict::Admitted, Direction::Entry) => work.entries += 1,
                (Verdict::Admitted, Direction::Exit) => work.exits += 1,
                (Verdict::Refused(_), _) => work.refused += 1,
                (Verdict::Incomplete, _) => {}
            }
            work.newest = work.newest.max(Some(scan.id));
        };
        count(self.gates.entry(scan.gate).or_default());
        count(self.scanners.entry(scan.by).or_default());
    }

    fn annul(&mut self, annul: &Annul) {
        let (by, gate) = annul.of;
        for work in [self.gates.entry(gate).or_default(), self.scanners.entry(by).or_default()] {
            match annul.direction {
                Direction::Entry => work.entries -= 1,
                Direction::Exit => work.exits -= 1,
            }
        }
    }
}

/// Where every ticket of an event stands.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    lists: BTreeMap<ListId, AtList>,
    nonces: Nonces,
    annulled: FxHashMap<ScanId, (Time, By)>,
    /// Scans that a terminal admitted alone and the box would not have, with who looked at them.
    conflicts: BTreeMap<ScanId, Option<(Time, By)>>,
}

/// The hash under which a nonce is kept.
pub(crate) fn nonce_hash(by: By, nonce: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (by, nonce).hash(&mut hasher);
    hasher.finish()
}

impl Presence {
    /// Number of the newest line; 0 before the first.
    pub(crate) fn newest(&self) -> u64 {
        self.nonces.len() as u64
    }

    pub(crate) fn standing(&self, list: ListId, ticket: TicketId) -> Option<Standing> {
        self.lists.get(&list)?.standings.get(ticket)
    }

    /// Where a ticket stands at the event's main list.
    pub(crate) fn at_main(&self, ticket: TicketId) -> Standing {
        self.standing(ListId::MAIN, ticket).unwrap_or_default()
    }

    /// One list, when anything was scanned there.
    pub(crate) fn list(&self, list: ListId) -> Option<&AtList> {
        self.lists.get(&list)
    }

    /// How many are inside at a list at that moment, as [`Inside::count`].
    pub(crate) fn inside(&self, list: ListId, now: &Moment<'_>, exit_hour: Option<u8>) -> i64 {
        self.lists.get(&list).map_or(0, |at| at.inside.count(now, exit_hour))
    }

    /// The lists where anything was scanned.
    pub(crate) fn lists(&self) -> impl Iterator<Item = ListId> {
        self.lists.keys().copied()
    }

    /// Conflicts, newest first, with who looked at them.
    pub(crate) fn conflicts(&self) -> impl Iterator<Item = (ScanId, Option<(Time, By)>)> {
        self.conflicts.iter().rev().map(|(scan, settled)| (*scan, *settled))
    }

    /// Whether a conflict was looked at; none when the scan has none.
    pub(crate) fn conflict(&self, scan: ScanId) -> Option<Option<(Time, By)>> {
        self.conflicts.get(&scan).copied()
    }

    pub(crate) fn tally(&self, list: ListId) -> Tally {
        self.lists.get(&list).map(|at| at.tally).unwrap_or_default()
    }

    /// When and by whom a scan was taken back.
    pub(crate) fn annulled(&self, scan: ScanId) -> Option<(Time, By)> {
        self.annulled.get(&scan).copied()
    }

    /// The scans that were taken back, with when and by whom.
    pub(crate) fn all_annulled(&self) -> &FxHashMap<ScanId, (Time, By)> {
        &self.annulled
    }

    /// Scans that may have this nonce.
    pub(crate) fn with_nonce(&self, hash: u64) -> impl Iterator<Item = ScanId> {
        self.nonces.find(hash)
    }

    /// `hash` is the [`nonce_hash`] of a scan that has one at hand.
    fn take(&mut self, line: &Line, hash: Option<u64>) {
        let at = self.lists.entry(line.list()).or_default();
        at.tally.add(line);
        let mut nonce = None;
        match line {
            Line::Scan(scan) => {
                nonce = Some(hash.unwrap_or_else(|| nonce_hash(scan.by, &scan.nonce)));
                at.note(scan);
                if let Some((_, ticket)) = scan.ticket_here() {
                    let before = at.standings.get(ticket).unwrap_or_default();
                    let mut after = before.clone();
                    after.take(scan);
                    at.set(ticket, &before, after);
                }
                if scan.conflict().is_some() {
                    self.conflicts.insert(scan.id, None);
                }
            }
            Line::Annul(annul) => {
                let before = at.standings.get(annul.ticket).unwrap_or_default();
                at.set(annul.ticket, &before, annul.standing.clone());
                at.annul(annul);
                self.annulled.insert(annul.scan, (annul.at, annul.by));
            }
            Line::Move(_) => {}
            Line::Settle(settle) => {
                self.conflicts.insert(settle.scan, Some((settle.at, settle.by)));
            }
        }
        self.nonces.push(nonce);
    }
}

/// A committed line with its number.
#[derive(Debug, Clone)]
pub(crate) struct Committed {
    pub number: u64,
    pub line: Line,
    pub hash: Option<u64>,
}

impl Model for Presence {
    type Change = Committed;

    fn build(view: &SpaceView, event: EventId) -> Result<Self, Error> {
        let mut presence = Self::default();
        for kept in view.scan::<ScanBlock>(&event, None, Order::Ascending) {
            let ((_, first), block) = kept?;
            if first.0 != presence.newest() + 1 {
                return Err(Error::Internal(format!(
                    "the scan log of event {event} has no line {}, but one with number {first}",
                    presence.newest() + 1
                )));
            }
            block.lines.iter().for_each(|line| presence.take(line, None));
        }
        Ok(presence)
    }

    fn apply(&mut self, change: Committed) {
        if change.number > self.newest() {
            self.take(&change.line, change.hash);
        }
    }

    fn weight(&self) -> usize {
        self.nonces.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standings_are_kept_whatever_they_are() {
        let once = |scan| Standing::once(Entry { at: Time(7), scan: ScanId(scan) });
        let mut seen = once(3);
        seen.see(ScanId(9));
        let (mut kept, mut plain) = (Standings::default(), BTreeMap::new());
        let steps = [
            (1, once(1)),
            (32, once(2)),
            (31, seen.clone()),
            (1, seen.clone()),
            (5_000, seen),
            (1, once(4)),
            (32, Standing::default()),
            (0, once(5)),
        ];
        for (ticket, standing) in steps {
            kept.set(TicketId(ticket), standing.clone());
            plain.insert(ticket, standing);
            for ticket in [0, 1, 2, 31, 32, 33, 5_000, 6_000] {
                assert_eq!(kept.get(TicketId(ticket)), plain.get(&ticket).cloned(), "ticket {ticket}");
            }
        }
        assert_eq!(kept.others.len(), 3);
    }

    #[test]
    fn those_inside_are_counted_until_the_hour_strikes() {
        let zone = domain::time::zone("Asia/Kathmandu").unwrap();
        let entry = |at| Some(Entry { at: Time(at), scan: ScanId(1) });
        let at = 1_795_570_200_000; // 07:15 in Kathmandu, whose hours begin at a quarter of those of UTC.
        let hour = domain::time::HOUR;
        let mut inside = Inside::default();
        // Four o'clock was three and a quarter hours ago.
        for since in [at - 3 * hour, at - 4 * hour, at - 13 * 15 * MINUTE, at - 13 * 15 * MINUTE - 1, at - 40 * hour] {
            inside.turn(None, entry(since));
        }
        let now = Moment::new(Time(at), &zone);
        assert_eq!((inside.count(&now, None), inside.count(&now, Some(4)), inside.count(&now, Some(7))), (5, 2, 0));
        inside.turn(entry(at - 3 * hour), entry(at));
        inside.turn(entry(at - 13 * 15 * MINUTE), None);
        assert_eq!((inside.count(&now, None), inside.count(&now, Some(4)), inside.count(&now, Some(7))), (4, 1, 1));
        assert_eq!(inside.quarters.values().sum::<i64>(), 4);
    }
}

//! Who is in: the fold of an event's scan log, and the nonces in it. Committed lines only.

use super::nonces::Nonces;
use crate::{Error, model::Model};
use domain::{
    By, EventId, GateId, GroupId, ListId, Scan, ScanId, TicketId, TicketTypeId, Time,
    checkin::{Annul, Direction, Entry, Line, Moment, Move, ScanBlock, Standing, Verdict},
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

/// The gates through which a ticket came in, by the scan of the entry.
type Gates = Vec<(ScanId, GateId)>;

/// Where the tickets of a list stand, in 16 bytes for each that came in once and was not scanned since, and 4 for its gate where there are gates.
#[derive(Debug, Default)]
struct Standings {
    /// The one entry of each ticket, by page and place; without a scan for those that have none.
    pages: FxHashMap<u64, Box<[Entry; PAGE]>>,
    /// The gate of that entry; 0 for none.
    gates: FxHashMap<u64, Box<[u32; PAGE]>>,
    /// Tickets that stand in any other way.
    others: FxHashMap<TicketId, (Standing, Gates)>,
}

/// A ticket's page and its place there.
fn place(ticket: TicketId) -> (u64, usize) {
    let size = PAGE as u64;
    (ticket.0 / size, usize::try_from(ticket.0 % size).unwrap_or(0))
}

/// A gate as a page keeps it; none when it has no room for it.
fn small(gates: &[(ScanId, GateId)]) -> Option<u32> {
    match gates {
        [] => Some(0),
        [(_, gate)] => u32::try_from(gate.0).ok().filter(|gate| *gate != 0),
        _ => None,
    }
}

impl Standings {
    /// The one entry of a ticket that is on a page.
    fn only(&self, ticket: TicketId) -> Option<Entry> {
        let (page, at) = place(ticket);
        self.pages.get(&page)?.get(at).copied().filter(|entry| entry.scan.0 != 0)
    }

    fn get(&self, ticket: TicketId) -> Option<Standing> {
        match self.only(ticket) {
            Some(entry) => Some(Standing::once(entry)),
            None => self.others.get(&ticket).map(|(standing, _)| standing.clone()),
        }
    }

    /// The gates of the entries that count; entries without a gate are not among them.
    fn gates(&self, ticket: TicketId) -> Gates {
        let (page, at) = place(ticket);
        match self.only(ticket) {
            Some(entry) => {
                let gate = self.gates.get(&page).and_then(|page| page.get(at)).filter(|gate| **gate != 0);
                gate.map(|gate| (entry.scan, GateId((*gate).into()))).into_iter().collect()
            }
            None => self.others.get(&ticket).map(|(_, gates)| gates.clone()).unwrap_or_default(),
        }
    }

    /// `gates` may have more than count.
    fn set(&mut self, ticket: TicketId, standing: Standing, mut gates: Gates) {
        gates.retain(|(scan, _)| standing.entries().any(|entry| entry.scan == *scan));
        let (page, at) = place(ticket);
        let small = small(&gates);
        let (entry, gate) = standing.only().zip(small).unwrap_or_default();
        if entry.scan.0 != 0 {
            self.others.remove(&ticket);
            self.pages.entry(page).or_insert_with(|| Box::new([Entry::default(); PAGE]));
        } else {
            self.others.insert(ticket, (standing, gates));
        }
        if gate != 0 {
            self.gates.entry(page).or_insert_with(|| Box::new([0; PAGE]));
        }
        let kept = self.pages.get_mut(&page).and_then(|page| page.get_mut(at));
        kept.into_iter().for_each(|kept| *kept = entry);
        let kept = self.gates.get_mut(&page).and_then(|page| page.get_mut(at));
        kept.into_iter().for_each(|kept| *kept = gate);
    }
}

/// What part of a list's tickets came to: those of a type, of a group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    /// Refused scans.
    pub refused: i64,
    /// Who is inside.
    pub inside: Inside,
}

/// What a gate came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct AtGate {
    /// Its scans.
    pub work: Work,
    /// Who is inside and came in there.
    pub inside: Inside,
}

/// One list's tickets.
#[derive(Debug, Default)]
pub(crate) struct AtList {
    standings: Standings,
    tally: Tally,
    inside: Inside,
    kinds: FxHashMap<TicketTypeId, Part>,
    groups: FxHashMap<GroupId, Part>,
    gates: BTreeMap<Option<GateId>, AtGate>,
    scanners: FxHashMap<By, Work>,
}

impl AtList {
    /// What each gate came to; scans without a gate under none.
    pub(crate) fn gates(&self) -> &BTreeMap<Option<GateId>, AtGate> {
        &self.gates
    }

    /// What the tickets of a type came to.
    pub(crate) fn kind(&self, kind: TicketTypeId) -> Option<&Part> {
        self.kinds.get(&kind)
    }

    /// What the tickets of a group came to.
    pub(crate) fn group(&self, group: GroupId) -> Option<&Part> {
        self.groups.get(&group)
    }

    /// What each terminal, helper and person came to.
    pub(crate) fn scanners(&self) -> impl Iterator<Item = (By, Work)> {
        self.scanners.iter().map(|(by, work)| (*by, *work))
    }

    /// The parts of type and group.
    fn parts(&mut self, kind: Option<TicketTypeId>, group: Option<GroupId>) -> impl Iterator<Item = &mut Part> {
        let kind = kind.map(|kind| self.kinds.entry(kind).or_default());
        kind.into_iter().chain(group.map(|group| self.groups.entry(group).or_default()))
    }

    /// A ticket stands otherwise from here on; `came` is the gate of an entry that is new.
    fn set(
        &mut self,
        ticket: TicketId,
        (kind, group): (Option<TicketTypeId>, Option<GroupId>),
        before: &Standing,
        after: Standing,
        came: Option<(ScanId, GateId)>,
    ) {
        let (from, to) = (before.inside_since(), after.inside_since());
        let mut gates = self.standings.gates(ticket);
        gates.extend(came);
        if from != to {
            self.inside.turn(from, to);
            self.parts(kind, group).for_each(|part| part.inside.turn(from, to));
            for (entry, change) in [(from, -1), (to, 1)] {
                let Some(entry) = entry else { continue };
                let gate = gates.iter().find(|(scan, _)| *scan == entry.scan).map(|(_, gate)| *gate);
                self.gates.entry(gate).or_default().inside.add(Some(entry), change);
            }
        }
        self.standings.set(ticket, after, gates);
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
        count(&mut self.gates.entry(scan.gate).or_default().work);
        count(self.scanners.entry(scan.by).or_default());
        if scan.is_refused() {
            self.parts(scan.kind, scan.group).for_each(|part| part.refused += 1);
        }
    }

    fn annul(&mut self, annul: &Annul) {
        let (by, gate) = annul.of;
        for work in [&mut self.gates.entry(gate).or_default().work, self.scanners.entry(by).or_default()] {
            match annul.direction {
                Direction::Entry => work.entries -= 1,
                Direction::Exit => work.exits -= 1,
            }
        }
    }

    /// Whoever is inside is counted under another type or group from here on.
    fn turn(&mut self, moved: &Move) {
        let since = self.standings.get(moved.ticket).and_then(|standing| standing.inside_since());
        for ((kind, group), change) in [(moved.from, -1), (moved.to, 1)] {
            self.parts(Some(kind), group).for_each(|part| part.inside.add(since, change));
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
                    let came = scan.gate.map(|gate| (scan.id, gate));
                    at.set(ticket, (scan.kind, scan.group), &before, after, came);
                }
                if scan.conflict().is_some() {
                    self.conflicts.insert(scan.id, None);
                }
            }
            Line::Annul(annul) => {
                let before = at.standings.get(annul.ticket).unwrap_or_default();
                let counted = (Some(annul.kind), annul.group);
                at.set(annul.ticket, counted, &before, annul.standing.clone(), None);
                at.annul(annul);
                self.annulled.insert(annul.scan, (annul.at, annul.by));
            }
            Line::Move(moved) => at.turn(moved),
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
    fn standings_and_gates_are_kept_whatever_they_are() {
        let entry = |scan| Entry { at: Time(7), scan: ScanId(scan) };
        let once = |scan| Standing::once(entry(scan));
        let mut seen = once(3);
        seen.see(ScanId(9));
        let mut twice = once(3);
        twice.enter(entry(8));
        let at = |scan, gate| (ScanId(scan), GateId(gate));
        let (mut kept, mut plain) = (Standings::default(), BTreeMap::new());
        // What is given, and what of it counts.
        let steps = [
            (1, once(1), vec![], 0),
            (32, once(2), vec![at(2, 5)], 1),
            (31, seen.clone(), vec![at(3, 6), at(2, 5)], 1),
            (1, seen.clone(), vec![], 0),
            (5_000, seen, vec![at(3, u64::MAX)], 1),
            (6_000, once(6), vec![at(6, u64::MAX)], 1),
            (1, once(4), vec![at(4, 7)], 1),
            (33, twice, vec![at(3, 5), at(8, 6)], 2),
            (33, once(8), vec![at(8, 6), at(3, 5)], 1),
            (32, Standing::default(), vec![at(2, 5)], 0),
            (0, once(5), vec![], 0),
        ];
        for (ticket, standing, gates, count) in steps {
            kept.set(TicketId(ticket), standing.clone(), gates.clone());
            plain.insert(ticket, (standing, gates[..count].to_vec()));
            for ticket in [0, 1, 2, 31, 32, 33, 5_000, 6_000] {
                let (standing, gates) = plain.get(&ticket).cloned().unzip();
                assert_eq!(kept.get(TicketId(ticket)), standing, "ticket {ticket}");
                assert_eq!(kept.gates(TicketId(ticket)), gates.unwrap_or_default(), "ticket {ticket}");
            }
        }
        assert_eq!((kept.others.len(), kept.pages.len(), kept.gates.len()), (4, 2, 2));
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

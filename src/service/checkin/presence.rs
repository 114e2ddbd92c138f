//! Who is in: the fold of an event's scan log, and the nonces in it. Committed lines only.

use crate::{Error, model::Model};
use domain::{
    By, EventId, ListId, ScanId, TicketId, Time,
    checkin::{Line, ScanBlock, Standing},
};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, hash_map::Entry};
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
            Line::Move(_) => {}
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { admitted: self.admitted + other.admitted, refused: self.refused + other.refused }
    }
}

/// One list's tickets.
#[derive(Debug, Default)]
struct AtList {
    standings: FxHashMap<TicketId, Standing>,
    tally: Tally,
}

/// Where every ticket of an event stands.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    /// Number of the newest line.
    newest: u64,
    lists: BTreeMap<ListId, AtList>,
    /// Scans by the hash of who made them and their nonce. A hit is only a hint: the scan says whether it is the same.
    nonces: FxHashMap<u64, u64>,
    /// Scans whose hash another scan had before.
    collided: Vec<(u64, u64)>,
    annulled: FxHashMap<ScanId, (Time, By)>,
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
        self.newest
    }

    pub(crate) fn standing(&self, list: ListId, ticket: TicketId) -> Option<Standing> {
        self.lists.get(&list)?.standings.get(&ticket).copied()
    }

    /// Where a ticket stands at the event's main list.
    pub(crate) fn at_main(&self, ticket: TicketId) -> Standing {
        self.standing(ListId::MAIN, ticket).unwrap_or_default()
    }

    pub(crate) fn tally(&self, list: ListId) -> Tally {
        self.lists.get(&list).map(|at| at.tally).unwrap_or_default()
    }

    /// When and by whom a scan was taken back.
    pub(crate) fn annulled(&self, scan: ScanId) -> Option<(Time, By)> {
        self.annulled.get(&scan).copied()
    }

    /// Scans that may have this nonce.
    pub(crate) fn with_nonce(&self, hash: u64) -> impl Iterator<Item = ScanId> {
        let others = self.collided.iter().filter(move |(of, _)| *of == hash).map(|(_, scan)| scan);
        self.nonces.get(&hash).into_iter().chain(others).map(|scan| ScanId(*scan))
    }

    /// `hash` is the [`nonce_hash`] of a scan that has one at hand.
    fn take(&mut self, line: &Line, hash: Option<u64>) {
        self.newest += 1;
        let at = self.lists.entry(line.list()).or_default();
        at.tally.add(line);
        if let Some(ticket) = line.ticket() {
            let standing = at.standings.entry(ticket).or_default();
            match line {
                Line::Scan(scan) => standing.take(scan),
                Line::Annul(annul) => *standing = annul.standing,
                Line::Move(_) => {}
            }
        }
        match line {
            Line::Scan(scan) => match self.nonces.entry(hash.unwrap_or_else(|| nonce_hash(scan.by, &scan.nonce))) {
                Entry::Vacant(free) => {
                    free.insert(self.newest);
                }
                Entry::Occupied(taken) => self.collided.push((*taken.key(), self.newest)),
            },
            Line::Annul(annul) => {
                self.annulled.insert(annul.scan, (annul.at, annul.by));
            }
            Line::Move(_) => {}
        }
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
            if first.0 != presence.newest + 1 {
                return Err(Error::Internal(format!(
                    "the scan log of event {event} has no line {}, but one with number {first}",
                    presence.newest + 1
                )));
            }
            block.lines.iter().for_each(|line| presence.take(line, None));
        }
        Ok(presence)
    }

    fn apply(&mut self, change: Committed) {
        if change.number > self.newest {
            self.take(&change.line, change.hash);
        }
    }

    fn weight(&self) -> usize {
        self.nonces.len()
    }
}

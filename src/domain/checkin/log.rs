//! The scan log of an event: its lines, never changed once written, and where a ticket stands after them.

use super::{Direction, Verdict, Way};
use crate::{EventId, GroupId, ListId, ScanId, TicketId, TicketTypeId, Time, audit::By};
use rkyv::{Archive, Deserialize, Serialize};

/// One scan as it is kept: an entry, an exit, or a line of the failed-scan log.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Number within the event.
    pub id: ScanId,
    /// The event of the door.
    pub event: EventId,
    /// The check-in list.
    pub list: ListId,
    /// The ticket with its event, when the code was known.
    pub ticket: Option<(EventId, TicketId)>,
    /// The ticket's type when it was scanned, for a ticket of this event.
    pub kind: Option<TicketTypeId>,
    /// The holder's group when it was scanned, for a ticket of this event.
    pub group: Option<GroupId>,
    /// The code as it came, shortened.
    pub code: String,
    /// Entry or exit.
    pub direction: Direction,
    /// How.
    pub way: Way,
    /// Who scanned.
    pub by: By,
    /// When, by the clock of the terminal, never later than `received_at`.
    pub scanned_at: Time,
    /// When it was recorded.
    pub received_at: Time,
    /// The terminal's nonce.
    pub nonce: String,
    /// What the door was told.
    pub verdict: Verdict,
    /// The line before this one of the same ticket at the same list.
    pub previous: Option<ScanId>,
    /// The entry that stood when this scan was made; tells an "already checked in" when and where.
    pub entry: Option<ScanId>,
    /// Change of how many people came in at least once.
    pub admitted: i8,
}

impl Scan {
    /// The ticket, when it is one of the door's own event.
    pub fn ticket_here(&self) -> Option<(EventId, TicketId)> {
        self.ticket.filter(|(event, _)| *event == self.event)
    }

    /// True for a line of the failed-scan log.
    pub fn is_refused(&self) -> bool {
        matches!(self.verdict, Verdict::Refused(_))
    }
}

/// A scan that was taken back. The scan stays; this line says that it does not count any more.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Annul {
    /// The list.
    pub list: ListId,
    /// The ticket.
    pub ticket: TicketId,
    /// The ticket's type and the holder's group as counted.
    pub kind: TicketTypeId,
    /// See `kind`.
    pub group: Option<GroupId>,
    /// The scan that does not count.
    pub scan: ScanId,
    /// The minute it was counted in, since the epoch.
    pub minute: i64,
    /// When it was taken back.
    pub at: Time,
    /// By whom.
    pub by: By,
    /// Where the ticket stands without the scan.
    pub standing: Standing,
    /// Change of how many people came in at least once.
    pub admitted: i8,
}

/// A ticket that changed its type or group while it was counted at a list.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The list.
    pub list: ListId,
    /// The ticket.
    pub ticket: TicketId,
    /// Type and group that it was counted under.
    pub from: (TicketTypeId, Option<GroupId>),
    /// Type and group that it is counted under from here on.
    pub to: (TicketTypeId, Option<GroupId>),
    /// When.
    pub at: Time,
}

/// One line of an event's scan log. Its number is its block's first plus its place there.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A scan.
    Scan(Scan),
    /// A scan that was taken back.
    Annul(Annul),
    /// A ticket that is counted elsewhere from here on.
    Move(Move),
}

impl Line {
    /// The list it is about.
    pub fn list(&self) -> ListId {
        match self {
            Self::Scan(scan) => scan.list,
            Self::Annul(annul) => annul.list,
            Self::Move(moved) => moved.list,
        }
    }

    /// When it was written.
    pub fn at(&self) -> Time {
        match self {
            Self::Scan(scan) => scan.received_at,
            Self::Annul(annul) => annul.at,
            Self::Move(moved) => moved.at,
        }
    }

    /// The ticket of the event that it is about.
    pub fn ticket(&self) -> Option<TicketId> {
        match self {
            Self::Scan(scan) => scan.ticket_here().map(|(_, ticket)| ticket),
            Self::Annul(annul) => Some(annul.ticket),
            Self::Move(moved) => Some(moved.ticket),
        }
    }
}

/// The lines of one group of transactions, together. Blocks of an event follow each other without a gap.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct ScanBlock {
    /// The event.
    pub event: EventId,
    /// Number of the first line.
    pub first: ScanId,
    /// The lines in their order.
    pub lines: Vec<Line>,
}

/// Where a ticket stands at a list after the lines so far. Scans that were taken back are not in it.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Entries that count.
    pub entries: u32,
    /// Inside now.
    pub inside: bool,
    first: (i64, u64),
    last: (i64, u64),
    newest: u64,
}

/// An entry that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// When the code was scanned.
    pub at: Time,
    /// The scan that let the person in.
    pub scan: ScanId,
}

impl Standing {
    /// Where nearly every ticket stands that came in: inside after this one entry, and not scanned since.
    pub fn once(entry: Entry) -> Self {
        let (at, scan) = (entry.at.0, entry.scan.0);
        Self { entries: 1, inside: true, first: (at, scan), last: (at, scan), newest: scan }
    }

    /// The one entry of a ticket that stands as [`once`](Self::once) says.
    pub fn only(&self) -> Option<Entry> {
        self.last().filter(|entry| *self == Self::once(*entry))
    }

    /// Came in at least once.
    pub fn is_admitted(&self) -> bool {
        self.entries > 0
    }

    /// Change of how many came in, from where a ticket stood to here.
    pub fn admitted_since(&self, before: &Self) -> i8 {
        i8::from(self.is_admitted()) - i8::from(before.is_admitted())
    }

    /// The first entry that counts.
    pub fn first(&self) -> Option<Entry> {
        self.is_admitted().then_some(Entry { at: Time(self.first.0), scan: ScanId(self.first.1) })
    }

    /// The newest entry that counts.
    pub fn last(&self) -> Option<Entry> {
        self.is_admitted().then_some(Entry { at: Time(self.last.0), scan: ScanId(self.last.1) })
    }

    /// The newest scan of the ticket at the list, admitted or refused.
    pub fn newest(&self) -> Option<ScanId> {
        (self.newest != 0).then_some(ScanId(self.newest))
    }

    /// Notes a scan that does not count.
    pub fn see(&mut self, scan: ScanId) {
        self.newest = scan.0;
    }

    /// Takes one more scan in.
    pub fn take(&mut self, scan: &Scan) {
        self.newest = scan.id.0;
        if scan.verdict != Verdict::Admitted {
            return;
        }
        match scan.direction {
            Direction::Entry => {
                let entry = (scan.scanned_at.0, scan.id.0);
                if self.entries == 0 {
                    self.first = entry;
                }
                self.last = entry;
                self.entries = self.entries.saturating_add(1);
                self.inside = true;
            }
            Direction::Exit => self.inside = false,
        }
    }
}

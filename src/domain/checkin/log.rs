//! The scan log of an event: its lines, never changed once written.

use super::{Direction, Reason, Standing, Test, Verdict, Way};
use crate::{EventId, GateId, GroupId, ListId, ScanId, TicketId, TicketTypeId, Time, audit::By};
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
    /// The gate of the terminal.
    pub gate: Option<GateId>,
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
    /// What only few scans have.
    pub more: Option<Box<More>>,
}

/// What only few scans have.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct More {
    /// The nearest condition that failed, for [`Reason::Rule`].
    pub failed: Option<Test>,
    /// Questions that were open, for [`Verdict::Incomplete`].
    pub open: Vec<u16>,
    /// Admitted by force.
    pub forced: bool,
    /// Decided by the terminal while it could not reach the box.
    pub offline: bool,
    /// What the box would have refused it for, though the terminal had admitted: for the secretariat to look at.
    pub conflict: Option<Reason>,
}

impl Scan {
    /// Why the box would have refused what a terminal admitted alone.
    pub fn conflict(&self) -> Option<Reason> {
        self.more.as_ref().and_then(|more| more.conflict)
    }

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
    /// Whether that was an entry or an exit.
    pub direction: Direction,
    /// Who had scanned it, and at which gate.
    pub of: (By, Option<GateId>),
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

/// A conflict that the secretariat has looked at.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Settle {
    /// The list.
    pub list: ListId,
    /// The scan with the conflict.
    pub scan: ScanId,
    /// When.
    pub at: Time,
    /// By whom.
    pub by: By,
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
    /// A conflict that was looked at.
    Settle(Settle),
}

impl Line {
    /// The list it is about.
    pub fn list(&self) -> ListId {
        match self {
            Self::Scan(scan) => scan.list,
            Self::Annul(annul) => annul.list,
            Self::Move(moved) => moved.list,
            Self::Settle(settle) => settle.list,
        }
    }

    /// When it was written.
    pub fn at(&self) -> Time {
        match self {
            Self::Scan(scan) => scan.received_at,
            Self::Annul(annul) => annul.at,
            Self::Move(moved) => moved.at,
            Self::Settle(settle) => settle.at,
        }
    }

    /// The ticket of the event that it is about.
    pub fn ticket(&self) -> Option<TicketId> {
        match self {
            Self::Scan(scan) => scan.ticket_here().map(|(_, ticket)| ticket),
            Self::Annul(annul) => Some(annul.ticket),
            Self::Move(moved) => Some(moved.ticket),
            Self::Settle(_) => None,
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

//! What a scan means: request, answer, reasons and the order of the checks (S0-51, S0-53, S0-54; the hall's check-in rules).

mod log;

pub use log::{Annul, Entry, Line, Move, Scan, ScanBlock, Standing};

use crate::{
    AccountId, DeviceId, EventId, GroupId, Ticket, TicketId, TicketState, TicketTypeId, Time, Window, audit::By,
    event::EventState, time::Place,
};
use rkyv::{Archive, Deserialize, Serialize};

/// Through the door inwards or outwards.
#[derive(
    Archive, Serialize, Deserialize, serde::Serialize, serde::Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default,
)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Coming in.
    #[default]
    Entry,
    /// Going out.
    Exit,
}

/// How the scan was made.
#[derive(
    Archive, Serialize, Deserialize, serde::Serialize, serde::Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default,
)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A scanner gun at a terminal page.
    #[default]
    Gun,
    /// Number or attend code typed.
    Typed,
    /// Marked by the secretariat (S0-39, S0-53).
    Mark,
}

/// Why nobody was let in. The codes are stable.
#[derive(
    Archive,
    Serialize,
    Deserialize,
    serde::Serialize,
    serde::Deserialize,
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No ticket has this code.
    Unknown,
    /// The ticket is for another event.
    WrongEvent,
    /// The list does not take this ticket.
    WrongList,
    /// Check-in has not begun.
    NotYet,
    /// Check-in is over.
    TooLate,
    /// Not paid for.
    Unpaid,
    /// Not approved.
    Unapproved,
    /// Canceled.
    Canceled,
    /// Refunded.
    Refunded,
    /// Blocked by the secretariat.
    Blocked,
    /// The ticket was not collected.
    NotCollected,
    /// Already inside.
    AlreadyIn,
    /// An exit without an entry.
    NotIn,
    /// A rule of the list says no.
    Rule,
    /// Nobody more fits in.
    EventFull,
    /// The code means more than one ticket.
    Ambiguous,
    /// The device was revoked.
    DeviceRevoked,
}

impl Reason {
    /// Every reason.
    pub const ALL: &[Self] = &[
        Self::Unknown,
        Self::WrongEvent,
        Self::WrongList,
        Self::NotYet,
        Self::TooLate,
        Self::Unpaid,
        Self::Unapproved,
        Self::Canceled,
        Self::Refunded,
        Self::Blocked,
        Self::NotCollected,
        Self::AlreadyIn,
        Self::NotIn,
        Self::Rule,
        Self::EventFull,
        Self::Ambiguous,
        Self::DeviceRevoked,
    ];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::WrongEvent => "wrong_event",
            Self::WrongList => "wrong_list",
            Self::NotYet => "not_yet",
            Self::TooLate => "too_late",
            Self::Unpaid => "unpaid",
            Self::Unapproved => "unapproved",
            Self::Canceled => "canceled",
            Self::Refunded => "refunded",
            Self::Blocked => "blocked",
            Self::NotCollected => "not_collected",
            Self::AlreadyIn => "already_in",
            Self::NotIn => "not_in",
            Self::Rule => "rule",
            Self::EventFull => "event_full",
            Self::Ambiguous => "ambiguous",
            Self::DeviceRevoked => "device_revoked",
        }
    }

    /// English source text, as large letters at the door.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown ticket",
            Self::WrongEvent => "Ticket of another event",
            Self::WrongList => "Not on this list",
            Self::NotYet => "Check-in has not begun",
            Self::TooLate => "Check-in is over",
            Self::Unpaid => "Not paid",
            Self::Unapproved => "Not approved",
            Self::Canceled => "Canceled ticket",
            Self::Refunded => "Refunded ticket",
            Self::Blocked => "Blocked ticket",
            Self::NotCollected => "Ticket not collected",
            Self::AlreadyIn => "Already checked in",
            Self::NotIn => "Not checked in",
            Self::Rule => "Not allowed here",
            Self::EventFull => "The venue is full",
            Self::Ambiguous => "More than one ticket",
            Self::DeviceRevoked => "This terminal is shut out",
        }
    }
}

/// What the door was told.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Come in.
    Admitted,
    /// Not now, not here, or not at all.
    Refused(Reason),
    /// Questions must be answered first.
    Incomplete,
}

impl Verdict {
    /// Stable code: `admitted`, `refused` or `incomplete`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Refused(_) => "refused",
            Self::Incomplete => "incomplete",
        }
    }

    /// The reason of a refusal.
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::Refused(reason) => Some(reason),
            Self::Admitted | Self::Incomplete => None,
        }
    }
}

/// Longest code that is kept with a scan, in characters.
pub const CODE_MAX: usize = 64;
/// Longest nonce, in bytes.
pub const NONCE_MAX: usize = 64;
/// Most answers given with one scan.
pub const ANSWERS_MAX: usize = 30;

/// One question at the door.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// What was scanned or typed, as it came.
    pub code: String,
    /// Check-in list; none means the event's default list.
    pub list: Option<u64>,
    /// Entry or exit.
    pub direction: Direction,
    /// How.
    pub way: Way,
    /// When, by the clock of the terminal; none means on arrival.
    pub scanned_at: Option<Time>,
    /// Chosen by the terminal; the same nonce always gets the same answer and one record.
    pub nonce: String,
    /// Admit whatever the rules say; needs a permission.
    pub force: bool,
    /// Answers to questions asked at the door, by question number.
    pub answers: Vec<(u16, String)>,
}

/// What a door knows of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Door {
    /// The event that people are admitted to.
    pub event: EventId,
    /// The event was taken back: nobody is admitted.
    pub withdrawn: bool,
    /// When entries are taken; none while no check-in time is set.
    pub entries: Option<Window>,
}

impl Door {
    /// The door of an event: entries inside the check-in window, which the event's end cuts off (S0-12).
    pub fn of(event: EventId, state: EventState, checkin: Option<Window>, ends: Time) -> Self {
        let entries = checkin.map(|window| Window { from: window.from, to: window.to.min(ends) });
        Self { event, withdrawn: state == EventState::Withdrawn, entries }
    }
}

/// What a door needs to know of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// The ticket.
    pub ticket: TicketId,
    /// Its event.
    pub event: EventId,
    /// Its type.
    pub kind: TicketTypeId,
    /// The holder's group.
    pub group: Option<GroupId>,
    /// It was given up or taken back.
    pub canceled: bool,
}

impl Pass {
    /// What a ticket lets its holder do.
    pub fn of(ticket: &Ticket) -> Self {
        Self {
            ticket: ticket.id,
            event: ticket.event,
            kind: ticket.kind,
            group: ticket.group,
            canceled: ticket.state == TicketState::Canceled,
        }
    }
}

/// May the holder of this ticket pass the door at `at`? `pass` is none when no ticket of the space has the code.
pub fn decide(pass: Option<&Pass>, standing: &Standing, door: &Door, direction: Direction, at: Time) -> Verdict {
    let Some(pass) = pass else { return Verdict::Refused(Reason::Unknown) };
    if pass.event != door.event {
        return Verdict::Refused(Reason::WrongEvent);
    }
    if pass.canceled || door.withdrawn {
        return Verdict::Refused(Reason::Canceled);
    }
    if direction == Direction::Exit {
        return if standing.inside { Verdict::Admitted } else { Verdict::Refused(Reason::NotIn) };
    }
    match door.entries.map(|window| window.place(at)) {
        None | Some(Place::Before) => return Verdict::Refused(Reason::NotYet),
        Some(Place::After) => return Verdict::Refused(Reason::TooLate),
        Some(Place::Inside) => {}
    }
    if standing.is_admitted() {
        return Verdict::Refused(Reason::AlreadyIn);
    }
    Verdict::Admitted
}

/// The terminal's time of a scan as it is believed: never later than the box's, and as told when earlier.
pub fn scan_time(told: Option<Time>, now: Time) -> Time {
    told.map_or(now, |told| told.min(now))
}

/// The actor behind a scan, from what is known of it.
pub fn scanner(device: Option<DeviceId>, account: Option<AccountId>) -> By {
    match (device, account) {
        (Some(device), _) => By::Device(device),
        (None, Some(account)) => By::Account(account),
        (None, None) => By::Visitor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass() -> Pass {
        Pass { ticket: TicketId(5), event: EventId(1), kind: TicketTypeId(1), group: None, canceled: false }
    }
    #[test]
    fn the_checks_come_in_their_order() {
        let (out, mut inside) = (Standing::default(), Standing::default());
        (inside.entries, inside.inside) = (1, true);
        let fresh = (pass(), out);
        let canceled = (Pass { canceled: true, ..pass() }, out);
        let foreign = (Pass { event: EventId(2), canceled: true, ..pass() }, out);
        let inside = (pass(), inside);
        let door = |state, checkin: Option<(i64, i64)>| {
            let checkin = checkin.map(|(from, to)| Window { from: Time(from), to: Time(to) });
            Door::of(EventId(1), state, checkin, Time(2_000))
        };
        let open = door(EventState::Published, Some((900, 1_900)));
        let unset = door(EventState::Published, None);
        let withdrawn = door(EventState::Withdrawn, Some((900, 1_900)));
        let long = door(EventState::Published, Some((900, 9_000)));
        let refused = Verdict::Refused;
        let cases = [
            (None, &open, Direction::Entry, 1_000, refused(Reason::Unknown)),
            (Some(&foreign), &open, Direction::Entry, 1_000, refused(Reason::WrongEvent)),
            (Some(&canceled), &open, Direction::Entry, 0, refused(Reason::Canceled)),
            (Some(&fresh), &withdrawn, Direction::Entry, 1_000, refused(Reason::Canceled)),
            (Some(&fresh), &unset, Direction::Entry, 1_000, refused(Reason::NotYet)),
            (Some(&fresh), &open, Direction::Entry, 899, refused(Reason::NotYet)),
            (Some(&inside), &open, Direction::Entry, 899, refused(Reason::NotYet)),
            (Some(&fresh), &open, Direction::Entry, 900, Verdict::Admitted),
            (Some(&fresh), &open, Direction::Entry, 1_899, Verdict::Admitted),
            (Some(&fresh), &open, Direction::Entry, 1_900, refused(Reason::TooLate)),
            (Some(&fresh), &long, Direction::Entry, 1_999, Verdict::Admitted),
            (Some(&fresh), &long, Direction::Entry, 2_000, refused(Reason::TooLate)),
            (Some(&inside), &open, Direction::Entry, 1_000, refused(Reason::AlreadyIn)),
            (Some(&inside), &open, Direction::Exit, 5_000, Verdict::Admitted),
            (Some(&fresh), &open, Direction::Exit, 1_000, refused(Reason::NotIn)),
        ];
        for (ticket, door, direction, at, verdict) in cases {
            let (pass, standing) =
                ticket.map_or((None, Standing::default()), |(pass, standing)| (Some(pass), *standing));
            assert_eq!(decide(pass, &standing, door, direction, Time(at)), verdict, "{direction:?} at {at}");
        }
    }

    #[test]
    fn a_terminal_never_scans_in_the_future() {
        let cases = [(None, 50, 50), (Some(40), 50, 40), (Some(60), 50, 50)];
        for (told, now, believed) in cases {
            assert_eq!(scan_time(told.map(Time), Time(now)), Time(believed));
        }
    }

    #[test]
    fn reasons_have_codes_of_their_own() {
        let codes: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), 17);
        for reason in Reason::ALL {
            let json = serde_json::to_string(reason).unwrap();
            assert_eq!(json, format!("\"{}\"", reason.code()));
        }
    }
}

//! What a scan means: request, answer, reasons and the order of the checks (S0-51, S0-53, S0-54; the hall's check-in rules).

mod decide;
mod list;
mod log;
mod rule;
mod standing;

pub use decide::{Attempt, Decision, Door, Pass, decide};
pub use list::{
    CAPACITY_MAX, CheckinList, DoorAnswers, GATES_MAX, Gate, LISTS_MAX, ListInput, MultiEntry, NAME_MAX,
    QUESTION_KINDS, QUESTIONS_MAX, SelfCheckin, check_list, check_rules,
};
pub use log::{Annul, Line, More, Move, Scan, ScanBlock, Settle};
pub use rule::{Among, Compare, Facts, Failed, Moment, Rule, Side, Test};
pub use standing::{Entry, Standing};

use crate::{ListId, TicketId, Time, time::MINUTE};
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
    /// The camera of a helper's phone (S0-55, S0-60).
    Camera,
    /// A scanner attached to the box.
    Attached,
    /// Picked from a list of people.
    Picked,
    /// The visitor scanned the event's code (S0-52, S1-38).
    Own,
    /// A program, through the API.
    Program,
}

impl Way {
    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Gun => "Scanner",
            Self::Typed => "Typed",
            Self::Mark => "Marked by the secretariat",
            Self::Camera => "Camera",
            Self::Attached => "Scanner on the box",
            Self::Picked => "Picked from the list",
            Self::Own => "Checked in alone",
            Self::Program => "Other program",
        }
    }
}

impl Direction {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Exit => "exit",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Entry => "Entry",
            Self::Exit => "Exit",
        }
    }
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
    /// The code means more than one ticket. Reserved: numbers and attend codes have unique indexes.
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

/// How long the device that admitted somebody may take it back.
pub const ANNUL_MILLIS: i64 = 15 * MINUTE;

/// Whose ticket is shown at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// What was scanned or typed, as it came.
    Code(String),
    /// A ticket of the event, picked from a list.
    Ticket(TicketId),
}

impl Default for Shown {
    fn default() -> Self {
        Self::Code(String::new())
    }
}

/// One question at the door.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// Whose ticket.
    pub shown: Shown,
    /// Check-in list; none means the terminal's, or the event's main list.
    pub list: Option<ListId>,
    /// Entry or exit; none means the terminal's, or entry.
    pub direction: Option<Direction>,
    /// How.
    pub way: Way,
    /// When, by the clock of the terminal; none means on arrival.
    pub scanned_at: Option<Time>,
    /// Chosen by the terminal; the same nonce always gets the same answer and one record.
    pub nonce: String,
    /// Admit whatever time, rules and earlier entries say; needs a permission.
    pub force: bool,
    /// Answers to questions asked at the door, by question number.
    pub answers: Vec<(u16, String)>,
}

/// The terminal's time of a scan as it is believed: never later than the box's, and as told when earlier.
pub fn scan_time(told: Option<Time>, now: Time) -> Time {
    told.map_or(now, |told| told.min(now))
}

#[cfg(test)]
mod tests {
    use super::*;

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

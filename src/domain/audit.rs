//! The audit line: who did what to which record, when, and what it was before and after.

use crate::{AccountId, ClientId, DeviceId, PersonId, Time};
use rkyv::{Archive, Deserialize, Serialize};

/// Who wrote.
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
pub enum By {
    /// The box itself: set-up, demo data, jobs.
    Box,
    /// A staff account.
    Account(AccountId),
    /// A paired device.
    Device(DeviceId),
    /// Somebody who is not logged in, from the phone pages.
    Visitor,
    /// A logged-in person who is no staff.
    Person(PersonId),
    /// A program with a secret of its own.
    Client(ClientId),
}

/// One line of a space's audit log.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// When it was committed, by the box's clock.
    pub at: Time,
    /// Who.
    pub by: By,
    /// Verb such as `event.publish`.
    pub action: String,
    /// Record it is about, such as `event/7`.
    pub subject: String,
    /// State before, in short words; empty when there was none.
    pub before: String,
    /// State after; empty when there is none.
    pub after: String,
}

/// Longest before or after text that is kept, in characters; the rest is cut with an ellipsis.
pub const CHANGE_MAX: usize = 500;

/// Shortens a text for the log.
pub fn shorten(text: &str) -> String {
    if text.chars().count() <= CHANGE_MAX {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(CHANGE_MAX - 1).collect();
    cut.push('…');
    cut
}

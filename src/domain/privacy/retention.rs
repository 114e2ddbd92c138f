//! How long each kind of personal data is kept. Nothing goes by itself until the association says so; what is proposed follows what others do.

use crate::{Problem, Refusal, Time, problem, time::DAY};
use rkyv::{Archive, Deserialize, Serialize};

/// A kind of data that goes after a time.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// Messages that were sent or dropped, of events that are over.
    Message,
    /// Lines of text messages.
    Sms,
    /// Portraits, after the event.
    Portrait,
    /// People on a waiting list, after the event.
    Waiter,
    /// Events: they are archived.
    Event,
    /// Log-ins of staff.
    Login,
    /// Who saw numbers in full.
    Access,
}

impl Sort {
    /// Every kind.
    pub const ALL: &[Self] =
        &[Self::Message, Self::Sms, Self::Portrait, Self::Waiter, Self::Event, Self::Login, Self::Access];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Sms => "sms",
            Self::Portrait => "portrait",
            Self::Waiter => "waiter",
            Self::Event => "event",
            Self::Login => "login",
            Self::Access => "access",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Message => "Messages of events that are over, with their text and ways",
            Self::Sms => "Log of text messages",
            Self::Portrait => "Portraits, after the end of the event",
            Self::Waiter => "People on a waiting list, after the end of the event",
            Self::Event => "Registrations, after the end of the event: it is archived",
            Self::Login => "Log-ins of staff",
            Self::Access => "Who saw numbers in full",
        }
    }

    /// Days that are proposed.
    pub fn proposed(self) -> u32 {
        match self {
            Self::Portrait | Self::Waiter => 90,
            Self::Sms | Self::Login => 180,
            Self::Message => 365,
            Self::Event | Self::Access => 1_095,
        }
    }
}

/// How long what is kept; a kind that is not named stays.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    /// Kinds with their days.
    pub days: Vec<(Sort, u32)>,
    /// Raised by each change.
    pub revision: u32,
}

/// Fewest and most days.
pub const DAYS_MIN: u32 = 7;
/// Most days: thirty years.
pub const DAYS_MAX: u32 = 10_957;

impl Retention {
    /// The days of a kind; none: it stays.
    pub fn of(&self, sort: Sort) -> Option<u32> {
        self.days.iter().find(|(of, _)| *of == sort).map(|(_, days)| *days)
    }

    /// As the audit log has it.
    pub fn summary(&self) -> String {
        self.days.iter().map(|(sort, days)| format!("{} {days}", sort.code())).collect::<Vec<_>>().join(", ")
    }
}

/// The instant before which something goes.
pub fn cutoff(days: u32, now: Time) -> Time {
    now.plus(-(i64::from(days) * DAY))
}

/// Checks what was typed: a number of days for each kind, or nothing.
pub fn check(typed: &[(Sort, String)]) -> Result<Vec<(Sort, u32)>, Refusal> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut days = Vec::new();
    for (sort, text) in typed.iter().filter(|(_, text)| !text.trim().is_empty()) {
        match text.trim().parse::<u32>().ok().filter(|days| (DAYS_MIN..=DAYS_MAX).contains(days)) {
            Some(number) => days.push((*sort, number)),
            None => problems.push(problem!(
                sort.code(),
                "Give a number of days from {min} to {max}, or leave it empty.",
                min = DAYS_MIN,
                max = DAYS_MAX
            )),
        }
    }
    Refusal::unless_clean(problems)?;
    Ok(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_numbers_within_bounds_and_what_is_empty_stays() {
        let cases = [
            ("", Some(None)),
            (" 90 ", Some(Some(90))),
            ("7", Some(Some(7))),
            ("6", None),
            ("10957", Some(Some(10_957))),
            ("10958", None),
            ("-1", None),
            ("x", None),
        ];
        for (typed, kept) in cases {
            let said = check(&[(Sort::Portrait, typed.to_owned())]);
            let of = said.ok().map(|days| Retention { days, revision: 0 }.of(Sort::Portrait));
            assert_eq!(of, kept, "{typed}");
        }
        assert_eq!(cutoff(1, Time(DAY)), Time(0));
        for sort in Sort::ALL {
            assert!((DAYS_MIN..=DAYS_MAX).contains(&sort.proposed()), "{sort:?}");
        }
    }
}

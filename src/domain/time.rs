//! Instants and windows in UTC milliseconds. Zones belong to views and inputs, apart from the few rules that
//! speak of a local day.

use jiff::{Timestamp, tz::TimeZone};
use rkyv::{Archive, Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
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
    Default,
)]
#[serde(transparent)]
pub struct Time(pub i64);

/// Milliseconds in a second.
pub const SECOND: i64 = 1_000;
/// Milliseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Milliseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Milliseconds in a day of 24 hours.
pub const DAY: i64 = 24 * HOUR;

impl Time {
    /// This instant moved by `millis` (negative: earlier); saturates at the ends.
    pub fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this instant; negative when this one is the earlier.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole minutes since the epoch, the bucket of the arrivals chart.
    pub fn minute(self) -> i64 {
        self.0.div_euclid(MINUTE)
    }

    /// Whole hours since the epoch, the bucket of the registrations chart.
    pub fn hour(self) -> i64 {
        self.0.div_euclid(HOUR)
    }

    /// The instant in `zone`; instants outside jiff's range are clamped to the epoch.
    pub fn zoned(self, zone: &TimeZone) -> jiff::Zoned {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone())
    }

    /// Reads `2026-11-25T09:00`, with a blank in place of the `T` or seconds behind allowed, as a local time of
    /// `zone`; a time that a clock change skips is moved forward, one that it repeats means the first.
    pub fn from_local(text: &str, zone: &TimeZone) -> Option<Self> {
        let local: jiff::civil::DateTime = text.trim().replace(' ', "T").parse().ok()?;
        if !(1970..=2999).contains(&local.year()) {
            return None;
        }
        let zoned = local.to_zoned(zone.clone()).ok()?;
        Some(Self(zoned.timestamp().as_millisecond()))
    }

    /// The end of a day as a `date` input gives it (`2026-11-25`): the first instant of the next one.
    pub fn end_of_day(text: &str, zone: &TimeZone) -> Option<Self> {
        let day: jiff::civil::Date = text.trim().parse().ok()?;
        if !(1970..=2999).contains(&day.year()) {
            return None;
        }
        let zoned = day.tomorrow().ok()?.to_zoned(zone.clone()).ok()?;
        Some(Self(zoned.timestamp().as_millisecond()))
    }

    /// The local time as an HTML `datetime-local` input takes it: `2026-11-25T09:00`.
    pub fn to_local(self, zone: &TimeZone) -> String {
        self.zoned(zone).strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// The local time as a cell of a file shows it: `2026-11-25 09:00`.
    pub fn to_cell(self, zone: &TimeZone) -> String {
        self.zoned(zone).strftime("%Y-%m-%d %H:%M").to_string()
    }
}

/// A span of time, both ends given, `from` included and `to` excluded.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First instant inside.
    pub from: Time,
    /// First instant after.
    pub to: Time,
}

/// Where an instant lies relative to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The window has not begun.
    Before,
    /// The window is open.
    Inside,
    /// The window has ended.
    After,
}

impl Window {
    /// Where `at` lies.
    pub fn place(&self, at: Time) -> Place {
        if at < self.from {
            Place::Before
        } else if at < self.to {
            Place::Inside
        } else {
            Place::After
        }
    }

    /// The part of this window that lies in `other` too; may be empty (`from` not before `to`).
    pub fn within(&self, other: &Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }
}

/// The zone of that IANA name.
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_its_first_instant_and_not_its_last() {
        let window = Window { from: Time(10), to: Time(20) };
        for (at, place) in [(9, Place::Before), (10, Place::Inside), (19, Place::Inside), (20, Place::After)] {
            assert_eq!(window.place(Time(at)), place, "at {at}");
        }
    }

    #[test]
    fn local_times_go_through_their_zone_and_back() {
        let zone = zone("Asia/Shanghai").unwrap();
        let at = Time::from_local("2026-11-25T09:30", &zone).unwrap();
        assert_eq!(at, Time(1_795_570_200_000));
        assert_eq!(at.to_local(&zone), "2026-11-25T09:30");
        assert_eq!(at.to_cell(&zone), "2026-11-25 09:30");
        assert_eq!(Time::from_local("2026-11-25 09:30:00", &zone), Some(at));
        for bad in ["", "yesterday", "2026-13-01T00:00", "0001-01-01T00:00", "2026-11-25"] {
            let parsed = Time::from_local(bad, &zone);
            assert!(parsed.is_none() || bad == "2026-11-25", "{bad}: {parsed:?}");
        }
    }
}

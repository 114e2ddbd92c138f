//! Figures over time (S0-96 … S0-99): the days that a report speaks of, and counts by local day.

use crate::{Refusal, Time, Window, problem, text::Form, time::DAY};
use jiff::{civil::Date, tz::TimeZone};
use std::collections::BTreeMap;

/// The time that a report speaks of; either end may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Range {
    /// First instant inside.
    pub from: Option<Time>,
    /// First instant after.
    pub to: Option<Time>,
}

/// Most days that a chart or a list of days shows; of a longer time the latest.
pub const DAYS_MAX: usize = 400;

fn day(form: &mut Form, field: &str, text: &str) -> Option<Date> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let read = text.parse::<Date>().ok().filter(|date| (1970..=2999).contains(&date.year()));
    if read.is_none() {
        form.wrong(problem!(field, "Give a date, such as 2026-11-25."));
    }
    read
}

fn midnight(date: Date, zone: &TimeZone) -> Option<Time> {
    let zoned = date.to_zoned(zone.clone()).ok()?;
    Some(Time(zoned.timestamp().as_millisecond()))
}

impl Range {
    /// Reads two local days, both included; empty ends are open.
    pub fn read(from: &str, to: &str, zone: &TimeZone) -> Result<Self, Refusal> {
        let mut form = Form::default();
        let (first, last) = (day(&mut form, "from", from), day(&mut form, "to", to));
        if let (Some(first), Some(last)) = (first, last)
            && first > last
        {
            form.wrong(problem!("to", "The end must be after the beginning."));
        }
        form.done(())?;
        let after = last.and_then(|last| last.tomorrow().ok());
        let ends = [first, after].map(|date| date.and_then(|date| midnight(date, zone)));
        Ok(Self { from: ends[0], to: ends[1] })
    }

    /// Whether an instant lies inside.
    pub fn holds(&self, at: Time) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }

    /// Whether something that takes this time touches the range.
    pub fn touches(&self, window: &Window) -> bool {
        self.from.is_none_or(|from| window.to > from) && self.to.is_none_or(|to| window.from < to)
    }
}

/// Counts at instants in UTC milliseconds, added up by local day: ISO date and count, every day between the first and the last.
pub fn by_day(points: &[(i64, i64)], range: &Range, zone: &TimeZone) -> Vec<(String, i64)> {
    let mut days: BTreeMap<Date, i64> = BTreeMap::new();
    for (at, count) in points.iter().filter(|(at, _)| range.holds(Time(*at))) {
        *days.entry(Time(*at).zoned(zone).date()).or_default() += count;
    }
    let (Some(first), Some(last)) = (days.keys().next().copied(), days.keys().next_back().copied()) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    let mut at = first;
    // The latest ones, when there are too many.
    if let Ok(span) = last.since(first) {
        let many = usize::try_from(span.get_days()).unwrap_or(0);
        if many >= DAYS_MAX {
            let millis = i64::try_from(many + 1 - DAYS_MAX).unwrap_or(0).saturating_mul(DAY);
            at = first.checked_add(jiff::SignedDuration::from_millis(millis)).unwrap_or(first);
        }
    }
    while at <= last && out.len() < DAYS_MAX {
        out.push((at.to_string(), days.get(&at).copied().unwrap_or(0)));
        let Ok(next) = at.tomorrow() else { break };
        at = next;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HOUR;

    fn zone() -> TimeZone {
        crate::time::zone("Asia/Shanghai").unwrap()
    }

    fn at(text: &str) -> Time {
        Time::from_local(text, &zone()).unwrap()
    }

    #[test]
    fn a_range_holds_its_local_days() {
        let range = Range::read("2026-11-25", "2026-11-26", &zone()).unwrap();
        for (text, inside) in [
            ("2026-11-24T23:59", false),
            ("2026-11-25T00:00", true),
            ("2026-11-26T23:59", true),
            ("2026-11-27T00:00", false),
        ] {
            assert_eq!(range.holds(at(text)), inside, "{text}");
        }
        let window = |from, to| Window { from: at(from), to: at(to) };
        assert!(range.touches(&window("2026-11-20T09:00", "2026-11-25T00:01")));
        assert!(range.touches(&window("2026-11-26T23:00", "2026-11-28T00:00")));
        assert!(!range.touches(&window("2026-11-20T09:00", "2026-11-25T00:00")));
        assert!(!range.touches(&window("2026-11-27T00:00", "2026-11-28T00:00")));
        assert_eq!(Range::read("", " ", &zone()).unwrap(), Range::default());
        for (from, to, fields) in [
            ("2026-11-26", "2026-11-25", vec!["to"]),
            ("x", "2026-02-30", vec!["from", "to"]),
            ("0001-01-01", "", vec!["from"]),
        ] {
            let refusal = Range::read(from, to, &zone()).unwrap_err();
            assert_eq!(refusal.problems.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>(), fields);
        }
    }

    #[test]
    fn counts_add_up_by_local_day_with_empty_days_between() {
        let points = [(at("2026-11-24T23:30").0, 2), (at("2026-11-25T00:30").0, 3), (at("2026-11-27T08:00").0, 1)];
        let all = by_day(&points, &Range::default(), &zone());
        let expected = [("2026-11-24", 2), ("2026-11-25", 3), ("2026-11-26", 0), ("2026-11-27", 1)];
        assert_eq!(all, expected.map(|(day, count)| (day.to_owned(), count)));
        let range = Range::read("2026-11-25", "2026-11-26", &zone()).unwrap();
        assert_eq!(by_day(&points, &range, &zone()), [("2026-11-25".to_owned(), 3)]);
        assert!(by_day(&[], &Range::default(), &zone()).is_empty());
        let start = at("2020-01-01T10:00").0;
        let many: Vec<(i64, i64)> = (0..1_000).map(|n| (start + n * 24 * HOUR, 1)).collect();
        let days = by_day(&many, &Range::default(), &zone());
        assert_eq!((days.len(), days.last().unwrap().0.as_str()), (DAYS_MAX, "2022-09-26"), "the latest days stay");
    }
}

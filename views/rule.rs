//! Rules of a check-in list as sentences, for the editor, the log and the door.

use crate::format::{Format, count};
use domain::{
    GateId, GroupId, TicketTypeId, Time,
    checkin::{Among, Compare, Rule, Side, Test},
};
use std::collections::BTreeMap;

/// The names that rules speak of, and how values are written for the reader.
pub struct Names<'a> {
    /// Ticket types by number.
    pub kinds: BTreeMap<TicketTypeId, &'a str>,
    /// Groups by number.
    pub groups: BTreeMap<GroupId, &'a str>,
    /// Gates by number.
    pub gates: BTreeMap<GateId, &'a str>,
    /// Language and zone.
    pub format: &'a Format,
}

/// English source texts of the weekdays, Monday first.
pub const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// `540` as `09:00`.
pub fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

impl Names<'_> {
    fn joined<T: Copy + Ord>(&self, of: &BTreeMap<T, &str>, ids: &[T]) -> String {
        let gone = self.format.text.t("(deleted)");
        let names: Vec<&str> = ids.iter().map(|id| of.get(id).copied().unwrap_or(gone)).collect();
        names.join(self.format.text.t(", "))
    }

    fn among(&self, among: Among, is: &'static str, not: &'static str, values: &str) -> String {
        let text = if among == Among::Is { is } else { not };
        self.format.text.f(text, &[("values", &values)])
    }

    fn compared(&self, compare: Compare, most: &'static str, least: &'static str, n: u32, since: &str) -> String {
        let text = if compare == Compare::AtMost { most } else { least };
        self.format.text.f(text, &[("n", &count(n)), ("since", &since)])
    }

    fn time(&self, at: Time) -> String {
        self.format.time(at)
    }

    /// One condition as a sentence.
    pub fn test(&self, test: &Test) -> String {
        let text = self.format.text;
        match test {
            Test::Kind(among, ids) => self.among(
                *among,
                text.t("the ticket type is {values}"),
                text.t("the ticket type is not {values}"),
                &self.joined(&self.kinds, ids),
            ),
            Test::Group(among, ids) => self.among(
                *among,
                text.t("the group is {values}"),
                text.t("the group is not {values}"),
                &self.joined(&self.groups, ids),
            ),
            Test::Gate(among, ids) => self.among(
                *among,
                text.t("the gate is {values}"),
                text.t("the gate is not {values}"),
                &self.joined(&self.gates, ids),
            ),
            Test::Time(Side::Before, at) => text.f("it is before {time}", &[("time", &self.time(*at))]),
            Test::Time(Side::After, at) => text.f("it is {time} or later", &[("time", &self.time(*at))]),
            Test::Clock { from, to } => {
                text.f("it is between {from} and {to} o'clock", &[("from", &clock(*from)), ("to", &clock(*to))])
            }
            Test::Weekday(days) => {
                let names = days.iter().filter_map(|day| WEEKDAYS.get(usize::from(*day).checked_sub(1)?));
                let names: Vec<&str> = names.map(|name| text.t(name)).collect();
                text.f("it is {values}", &[("values", &names.join(text.t(", ")))])
            }
            Test::Entries(compare, n) => self.compared(
                *compare,
                text.t("the ticket came in at most {n} times before"),
                text.t("the ticket came in at least {n} times before"),
                *n,
                "",
            ),
            Test::EntriesToday(compare, n) => self.compared(
                *compare,
                text.t("the ticket came in at most {n} times today"),
                text.t("the ticket came in at least {n} times today"),
                *n,
                "",
            ),
            Test::EntriesSince(since, compare, n) => self.compared(
                *compare,
                text.t("the ticket came in at most {n} times since {since}"),
                text.t("the ticket came in at least {n} times since {since}"),
                *n,
                &self.time(*since),
            ),
            Test::SinceLast(compare, n) => self.compared(
                *compare,
                text.t("the last entry is at most {n} minutes ago"),
                text.t("the last entry is at least {n} minutes ago, or there is none"),
                *n,
                "",
            ),
        }
    }

    /// A whole rule as a sentence; brackets stand where a part has parts of its own.
    pub fn rule(&self, rule: &Rule) -> String {
        let text = self.format.text;
        let joined = |parts: &[Rule], joint: &str| {
            let part = |part: &Rule| match part {
                Rule::Is(test) => self.test(test),
                Rule::All(inner) | Rule::Any(inner) if inner.len() == 1 => self.rule(part),
                Rule::All(_) | Rule::Any(_) => format!("({})", self.rule(part)),
            };
            parts.iter().map(part).collect::<Vec<_>>().join(joint)
        };
        match rule {
            Rule::Is(test) => self.test(test),
            Rule::All(parts) => joined(parts, text.t(" and ")),
            Rule::Any(parts) => joined(parts, text.t(" or ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Lang, Text};

    #[test]
    fn rules_read_as_sentences() {
        let format = Format { text: Text(Lang::En), zone: domain::time::zone("Asia/Shanghai").unwrap() };
        let names = Names {
            kinds: [(TicketTypeId(1), "VIP"), (TicketTypeId(2), "Guest")].into(),
            groups: BTreeMap::new(),
            gates: [(GateId(3), "East")].into(),
            format: &format,
        };
        let is = Rule::Is;
        let rule = Rule::All(vec![
            is(Test::Kind(Among::Is, vec![TicketTypeId(1), TicketTypeId(9)])),
            Rule::Any(vec![is(Test::Gate(Among::Not, vec![GateId(3)])), is(Test::Clock { from: 540, to: 1_440 })]),
            Rule::Any(vec![is(Test::Weekday(vec![1, 7]))]),
            is(Test::EntriesSince(Time(1_795_570_200_000), Compare::AtMost, 1_000)),
        ]);
        assert_eq!(
            names.rule(&rule),
            "the ticket type is VIP, (deleted) and (the gate is not East or it is between 09:00 and 24:00 o'clock) \
             and it is Monday, Sunday and the ticket came in at most 1,000 times since Wed 25 Nov 2026, 09:30"
        );
    }
}

//! The rules of a check-in list: a small all/any tree of conditions, and which of them stands in the way.

use super::Standing;
use crate::{GateId, GroupId, Problem, TicketTypeId, Time, problem, time::MINUTE};
use jiff::{Zoned, tz::TimeZone};
use rkyv::{Archive, Deserialize, Serialize};
use std::cell::OnceCell;

/// A rule: all of its parts hold, or any of them, or one condition does.
#[derive(Archive, Serialize, Deserialize, serde::Serialize, serde::Deserialize, Debug, Clone, PartialEq, Eq)]
#[rkyv(serialize_bounds(__S: rkyv::ser::Writer + rkyv::ser::Allocator, __S::Error: rkyv::rancor::Source))]
#[rkyv(deserialize_bounds(__D::Error: rkyv::rancor::Source))]
#[rkyv(bytecheck(bounds(__C: rkyv::validation::ArchiveContext)))]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// All of them hold. Nothing in it: holds.
    All(#[rkyv(omit_bounds)] Vec<Rule>),
    /// At least one holds. Nothing in it: does not hold.
    Any(#[rkyv(omit_bounds)] Vec<Rule>),
    /// One condition.
    Is(Test),
}

/// Whether something must be among the given ones, or must not.
#[derive(
    Archive, Serialize, Deserialize, serde::Serialize, serde::Deserialize, Debug, Clone, Copy, PartialEq, Eq, Hash,
)]
#[serde(rename_all = "snake_case")]
pub enum Among {
    /// One of them.
    Is,
    /// None of them.
    Not,
}

/// On which side of a number something must be; the number itself fits both.
#[derive(
    Archive, Serialize, Deserialize, serde::Serialize, serde::Deserialize, Debug, Clone, Copy, PartialEq, Eq, Hash,
)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// So many or fewer.
    AtMost,
    /// So many or more.
    AtLeast,
}

/// On which side of an instant a scan must be; the instant itself is after.
#[derive(
    Archive, Serialize, Deserialize, serde::Serialize, serde::Deserialize, Debug, Clone, Copy, PartialEq, Eq, Hash,
)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Earlier than the instant.
    Before,
    /// At the instant or later.
    After,
}

/// One condition. Days, hours and weekdays are local to the association.
#[derive(Archive, Serialize, Deserialize, serde::Serialize, serde::Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// The ticket's type.
    Kind(Among, Vec<TicketTypeId>),
    /// The holder's group; who has none is in none of them.
    Group(Among, Vec<GroupId>),
    /// The gate of the terminal; a scan without a gate is at none of them.
    Gate(Among, Vec<GateId>),
    /// The instant of the scan.
    Time(Side, Time),
    /// The hour of the scan, in minutes since midnight: `from` included, `to` excluded; over midnight when `from` is the later.
    Clock {
        /// First minute inside.
        from: u16,
        /// First minute after.
        to: u16,
    },
    /// The weekday of the scan, 1 for Monday to 7 for Sunday.
    Weekday(Vec<u8>),
    /// How often the ticket came in at this list before.
    Entries(Compare, u32),
    /// As `Entries`, on the day of the scan.
    EntriesToday(Compare, u32),
    /// As `Entries`, at an instant or later.
    EntriesSince(Time, Compare, u32),
    /// Minutes since the newest entry; who never came in waited long enough for any.
    SinceLast(Compare, u32),
}

/// Deepest tree.
pub const DEPTH_MAX: usize = 4;
/// Most conditions and brackets of a tree.
pub const NODES_MAX: usize = 40;
/// Most values of one condition.
pub const VALUES_MAX: usize = 100;
/// Largest number of entries or minutes that a condition may name.
pub const NUMBER_MAX: u32 = 100_000;

/// The instant of a scan with what is local about it, worked out when a rule first asks.
#[derive(Debug)]
pub struct Moment<'a> {
    /// The instant.
    pub at: Time,
    zone: &'a TimeZone,
    local: OnceCell<Zoned>,
}

impl<'a> Moment<'a> {
    /// An instant in the association's zone.
    pub fn new(at: Time, zone: &'a TimeZone) -> Self {
        Self { at, zone, local: OnceCell::new() }
    }

    fn local(&self) -> &Zoned {
        self.local.get_or_init(|| self.at.zoned(self.zone))
    }

    fn minute(&self) -> u16 {
        let local = self.local();
        u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs())
    }

    fn weekday(&self) -> u8 {
        self.local().weekday().to_monday_one_offset().unsigned_abs()
    }

    /// Whether another instant is on the same local day.
    pub fn is_same_day(&self, other: Time) -> bool {
        other.zoned(self.zone).date() == self.local().date()
    }

    /// Whether no `hour` struck between another instant and this one, whichever came first.
    pub fn is_same_shift(&self, other: Time, hour: u8) -> bool {
        shift(&other.zoned(self.zone), hour) == shift(self.local(), hour)
    }
}

/// The day that a shift began on, when shifts change at `hour`.
fn shift(local: &Zoned, hour: u8) -> jiff::civil::Date {
    let date = local.date();
    if local.hour().unsigned_abs() < hour { date.yesterday().unwrap_or(date) } else { date }
}

/// What the conditions of a rule look at.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The ticket's type.
    pub kind: TicketTypeId,
    /// The holder's group.
    pub group: Option<GroupId>,
    /// Where the terminal stands.
    pub gate: Option<GateId>,
    /// Where the ticket stands at the list.
    pub standing: &'a Standing,
    /// When.
    pub now: &'a Moment<'a>,
}

/// A condition that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed<'r> {
    /// The condition.
    pub test: Option<&'r Test>,
    /// Milliseconds until it holds by itself; the largest number when it never does.
    wait: i64,
}

impl Compare {
    fn holds(self, value: u64, bound: u32) -> bool {
        match self {
            Self::AtMost => value <= u64::from(bound),
            Self::AtLeast => value >= u64::from(bound),
        }
    }
}

impl Among {
    fn holds(self, found: bool) -> bool {
        found == (self == Self::Is)
    }
}

impl Test {
    /// Whether it holds.
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        let (standing, at) = (facts.standing, facts.now.at);
        match self {
            Self::Kind(among, kinds) => among.holds(kinds.contains(&facts.kind)),
            Self::Group(among, groups) => among.holds(facts.group.is_some_and(|group| groups.contains(&group))),
            Self::Gate(among, gates) => among.holds(facts.gate.is_some_and(|gate| gates.contains(&gate))),
            Self::Time(Side::Before, bound) => at < *bound,
            Self::Time(Side::After, bound) => at >= *bound,
            Self::Clock { from, to } => {
                let minute = facts.now.minute();
                if from <= to { (*from..*to).contains(&minute) } else { minute >= *from || minute < *to }
            }
            Self::Weekday(days) => days.contains(&facts.now.weekday()),
            Self::Entries(compare, bound) => compare.holds(standing.times().count() as u64, *bound),
            Self::EntriesToday(compare, bound) => {
                compare.holds(standing.times().filter(|time| facts.now.is_same_day(*time)).count() as u64, *bound)
            }
            Self::EntriesSince(since, compare, bound) => {
                compare.holds(standing.times().filter(|time| time >= since).count() as u64, *bound)
            }
            Self::SinceLast(compare, bound) => match standing.last() {
                Some(last) => compare.holds(at.since(last.at).max(0).div_euclid(MINUTE).unsigned_abs(), *bound),
                None => *compare == Compare::AtLeast,
            },
        }
    }

    /// Milliseconds until it holds by itself, when time alone may bring that.
    fn wait(&self, facts: &Facts<'_>) -> i64 {
        let at = facts.now.at;
        match self {
            Self::Time(Side::After, bound) => bound.since(at),
            Self::Clock { from, .. } => {
                let now = i64::from(facts.now.minute());
                (i64::from(*from) - now).rem_euclid(24 * 60) * MINUTE
            }
            Self::Weekday(days) => {
                let now = facts.now.weekday();
                let until = days.iter().map(|day| (i64::from(*day) - i64::from(now)).rem_euclid(7)).min();
                until.map_or(i64::MAX, |days| days * crate::time::DAY)
            }
            Self::SinceLast(Compare::AtLeast, bound) => {
                facts.standing.last().map_or(0, |last| i64::from(*bound) * MINUTE - at.since(last.at))
            }
            _ => i64::MAX,
        }
    }

    fn problem(&self) -> Option<Problem> {
        let empty = |len: usize| {
            (len == 0 || len > VALUES_MAX).then(|| {
                problem!("rules", "Choose at least one value and at most {max} for each condition.", max = VALUES_MAX)
            })
        };
        let large = |number: u32| {
            (number > NUMBER_MAX)
                .then(|| problem!("rules", "A number in a condition is at most {max}.", max = NUMBER_MAX))
        };
        match self {
            Self::Kind(_, ids) => empty(ids.len()),
            Self::Group(_, ids) => empty(ids.len()),
            Self::Gate(_, ids) => empty(ids.len()),
            Self::Weekday(days) => {
                let right = days.iter().all(|day| (1..=7).contains(day));
                empty(days.len())
                    .or_else(|| (!right).then(|| problem!("rules", "A weekday is 1 for Monday to 7 for Sunday.")))
            }
            Self::Clock { from, to } => (*from >= 24 * 60 || *to > 24 * 60 || from == to)
                .then(|| problem!("rules", "Give two different times of the day.")),
            Self::Entries(_, n) | Self::EntriesToday(_, n) | Self::EntriesSince(_, _, n) | Self::SinceLast(_, n) => {
                large(*n)
            }
            Self::Time(..) => None,
        }
    }
}

impl Rule {
    /// `Ok` when the rule holds, otherwise the nearest condition that does not: the first of those that all must hold, and of those
    /// of which any would do the one that time brings soonest.
    pub fn check<'r>(&'r self, facts: &Facts<'_>) -> Result<(), Failed<'r>> {
        match self {
            Self::All(parts) => parts.iter().try_for_each(|part| part.check(facts)),
            Self::Any(parts) => {
                let mut nearest = Failed { test: None, wait: i64::MAX };
                for part in parts {
                    match part.check(facts) {
                        Ok(()) => return Ok(()),
                        Err(failed) if nearest.test.is_none() || failed.wait < nearest.wait => nearest = failed,
                        Err(_) => {}
                    }
                }
                Err(nearest)
            }
            Self::Is(test) if test.holds(facts) => Ok(()),
            Self::Is(test) => Err(Failed { test: Some(test), wait: test.wait(facts) }),
        }
    }

    fn size(&self) -> (usize, usize) {
        match self {
            Self::Is(_) => (1, 1),
            Self::All(parts) | Self::Any(parts) => parts
                .iter()
                .map(Self::size)
                .fold((1, 1), |(depth, nodes), part| (depth.max(part.0 + 1), nodes + part.1)),
        }
    }

    /// Every condition in it.
    pub fn tests(&self) -> Vec<&Test> {
        match self {
            Self::Is(test) => vec![test],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::tests).collect(),
        }
    }

    /// What is wrong with the tree as it was designed.
    pub fn problems(&self) -> Vec<Problem> {
        let (depth, nodes) = self.size();
        if depth > DEPTH_MAX || nodes > NODES_MAX {
            return vec![problem!(
                "rules",
                "The rules are too large: at most {nodes} conditions and brackets, at most {depth} deep.",
                nodes = NODES_MAX,
                depth = DEPTH_MAX
            )];
        }
        let mut problems: Vec<Problem> = self.tests().into_iter().filter_map(Test::problem).collect();
        if self.has_empty() {
            problems.push(problem!("rules", "A bracket holds nothing. Add a condition to it or delete it."));
        }
        problems
    }

    fn has_empty(&self) -> bool {
        match self {
            Self::Is(_) => false,
            Self::All(parts) | Self::Any(parts) => parts.is_empty() || parts.iter().any(Self::has_empty),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ScanId, checkin::Entry};

    const HOUR: i64 = crate::time::HOUR;
    /// Wednesday 2026-11-25, 09:30 in Shanghai.
    const AT: i64 = 1_795_570_200_000;

    fn standing(entries: &[i64]) -> Standing {
        let mut standing = Standing::default();
        for (n, at) in entries.iter().enumerate() {
            standing.enter(Entry { at: Time(*at), scan: ScanId(n as u64 + 1) });
        }
        standing
    }

    fn holds(test: &Test, entries: &[i64]) -> bool {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let now = Moment::new(Time(AT), &zone);
        let standing = standing(entries);
        let facts =
            Facts { kind: TicketTypeId(1), group: Some(GroupId(4)), gate: None, standing: &standing, now: &now };
        test.holds(&facts)
    }

    #[test]
    fn conditions_hold_as_they_read() {
        use Compare::{AtLeast, AtMost};
        let yesterday = AT - 10 * HOUR;
        let never: &[i64] = &[];
        let cases: [(Test, &[i64], bool); 26] = [
            (Test::Kind(Among::Is, vec![TicketTypeId(1), TicketTypeId(2)]), never, true),
            (Test::Kind(Among::Not, vec![TicketTypeId(1)]), never, false),
            (Test::Group(Among::Is, vec![GroupId(4)]), never, true),
            (Test::Group(Among::Is, vec![GroupId(5)]), never, false),
            (Test::Gate(Among::Is, vec![GateId(1)]), never, false),
            (Test::Gate(Among::Not, vec![GateId(1)]), never, true),
            (Test::Time(Side::Before, Time(AT)), never, false),
            (Test::Time(Side::Before, Time(AT + 1)), never, true),
            (Test::Time(Side::After, Time(AT)), never, true),
            (Test::Time(Side::After, Time(AT + 1)), never, false),
            (Test::Clock { from: 570, to: 571 }, never, true),
            (Test::Clock { from: 571, to: 580 }, never, false),
            (Test::Clock { from: 1_200, to: 600 }, never, true),
            (Test::Clock { from: 1_200, to: 570 }, never, false),
            (Test::Weekday(vec![3]), never, true),
            (Test::Weekday(vec![1, 2, 4, 5, 6, 7]), never, false),
            (Test::Entries(AtMost, 1), &[yesterday, AT - 1], false),
            (Test::Entries(AtLeast, 2), &[yesterday, AT - 1], true),
            (Test::EntriesToday(AtMost, 1), &[yesterday, AT - 1], true),
            (Test::EntriesToday(AtLeast, 1), &[yesterday], false),
            (Test::EntriesSince(Time(AT - 1), AtLeast, 1), &[yesterday, AT - 1], true),
            (Test::EntriesSince(Time(AT), AtMost, 0), &[yesterday, AT - 1], true),
            (Test::SinceLast(AtLeast, 30), never, true),
            (Test::SinceLast(AtMost, 30), never, false),
            (Test::SinceLast(AtLeast, 30), &[AT - 30 * MINUTE], true),
            (Test::SinceLast(AtLeast, 30), &[AT - 30 * MINUTE + 1], false),
        ];
        for (test, entries, held) in cases {
            assert_eq!(holds(&test, entries), held, "{test:?} after {entries:?}");
        }
    }

    #[test]
    fn the_nearest_failed_condition_is_told() {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let now = Moment::new(Time(AT), &zone);
        let standing = Standing::default();
        let facts = Facts { kind: TicketTypeId(1), group: None, gate: None, standing: &standing, now: &now };
        let soon = Test::Time(Side::After, Time(AT + 5));
        let late = Test::Clock { from: 600, to: 700 };
        let never = Test::Kind(Among::Is, vec![TicketTypeId(9)]);
        let is = |test: &Test| Rule::Is(test.clone());
        let cases = [
            (Rule::All(vec![is(&never), is(&soon)]), Some(&never)),
            (Rule::Any(vec![is(&never), is(&late), is(&soon)]), Some(&soon)),
            (Rule::Any(vec![is(&never), Rule::All(vec![is(&late), is(&soon)])]), Some(&late)),
            (Rule::Any(vec![is(&never)]), Some(&never)),
            (Rule::Any(vec![]), None),
        ];
        for (rule, nearest) in cases {
            assert_eq!(rule.check(&facts).unwrap_err().test, nearest, "{rule:?}");
        }
        for rule in [Rule::All(vec![]), Rule::Any(vec![is(&never), Rule::Is(Test::Weekday(vec![3]))])] {
            assert_eq!(rule.check(&facts), Ok(()), "{rule:?}");
        }
    }

    #[test]
    fn a_shift_changes_at_its_hour() {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let now = Moment::new(Time(AT), &zone);
        // 09:30; a shift that changes at 4 began 5.5 hours ago, one that changes at 10 began 23.5 hours ago.
        for (hour, hours, same) in
            [(4, 5, true), (4, 6, false), (10, 23, true), (10, 24, false), (0, 9, true), (0, 10, false)]
        {
            assert_eq!(now.is_same_shift(Time(AT - hours * HOUR), hour), same, "{hours} hours before, hour {hour}");
        }
    }

    #[test]
    fn trees_have_limits() {
        let leaf = || Rule::Is(Test::Weekday(vec![1]));
        let deep = (0..DEPTH_MAX).fold(leaf(), |rule, _| Rule::All(vec![rule]));
        let wide = Rule::Any((0..NODES_MAX).map(|_| leaf()).collect());
        let wrong = [
            deep,
            wide,
            Rule::All(vec![]),
            Rule::Is(Test::Weekday(vec![])),
            Rule::Is(Test::Weekday(vec![8])),
            Rule::Is(Test::Kind(Among::Is, vec![])),
            Rule::Is(Test::Clock { from: 5, to: 5 }),
            Rule::Is(Test::Clock { from: 1_440, to: 5 }),
            Rule::Is(Test::Entries(Compare::AtMost, NUMBER_MAX + 1)),
        ];
        for rule in wrong {
            assert_eq!(rule.problems().len(), 1, "{rule:?}");
        }
        assert!(Rule::All(vec![leaf(), Rule::Any(vec![leaf()])]).problems().is_empty());
    }

    #[test]
    fn rules_are_read_from_json_as_they_are_written() {
        let text = r#"{"all":[{"is":{"kind":["is",[1]]}},{"any":[{"is":{"clock":{"from":540,"to":720}}},{"is":{"since_last":["at_least",30]}}]}]}"#;
        let rule: Rule = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&rule).unwrap(), text);
        assert_eq!(rule.tests().len(), 3);
    }
}

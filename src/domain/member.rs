//! Members, as far as prices go: who is one, what a ticket costs one, and the list of members that the secretariat keeps by phone.

use crate::{EventId, Money, Refusal, TicketTypeId, Time, person, phone, problem, refuse, text, text::Form};
use jiff::tz::TimeZone;
use rkyv::{Archive, Deserialize, Serialize};

/// Somebody on the list of members.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Phone in E.164: what tells members apart.
    pub phone: String,
    /// Name, as the association has it; may be empty.
    pub name: String,
    /// The instant at which the membership ends; none: it has no end.
    pub until: Option<Time>,
    /// When it came onto the list, or was changed.
    pub changed_at: Time,
}

/// What a ticket type is for members; a type without one is the same for everybody.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct MemberOffer {
    /// The event.
    pub event: EventId,
    /// The type.
    pub kind: TicketTypeId,
    /// What members pay; none: what everybody pays.
    pub price: Option<Money>,
    /// Only members can take it.
    pub only: bool,
}

/// Most members of a space.
pub const MEMBERS_MAX: usize = 100_000;
/// Most members that are put in at one time.
pub const LINES_MAX: usize = 5_000;

/// Whether somebody counts as a member at `now`. Everything that asks who is a member asks this.
pub fn is_member(kept: Option<&Member>, now: Time) -> bool {
    kept.is_some_and(|member| member.until.is_none_or(|until| now < until))
}

/// Refuses a ticket that only members can take.
pub fn check_only(offer: Option<&MemberOffer>, member: bool, name: &str) -> Result<(), Refusal> {
    if member || !offer.is_some_and(|offer| offer.only) {
        return Ok(());
    }
    Err(refuse!(
        Conflict,
        "ticket.members_only",
        "“{name}” is for members. Give the phone number that the association has of the member, or choose another ticket.",
        name = name
    ))
}

/// What is taken off a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reduction {
    /// How much.
    pub off: Money,
    /// By the code, which then counts as used; else by the membership, or nothing is off.
    pub by_code: bool,
}

/// What a ticket of `price` costs less: for a member (`member` is the price for one), or by a code that takes `code` off. They are not added
/// up: what takes off more counts, and the membership where both take off the same, so that no code is used up for nothing.
pub fn reduction(price: Money, member: Option<Money>, code: Money) -> Reduction {
    let for_member = member.map_or(0, |member| (price.fen - member.fen).max(0)).min(price.fen);
    let by_code = code.fen.clamp(0, price.fen);
    Reduction { off: Money::cny(for_member.max(by_code)), by_code: by_code > for_member }
}

/// Reads what a ticket type is for members out of its form; `price` is what others pay. None where it is the same for everybody.
pub fn check_offer(form: &mut Form, typed: &str, only: bool, price: Money) -> Option<(Option<Money>, bool)> {
    let read = match typed.trim() {
        "" => None,
        typed => {
            let read = Money::from_yuan(typed);
            match read {
                None => form.wrong(problem!("member_price", "Give an amount in yuan, such as 0 or 99.50.")),
                Some(member) if member.fen > price.fen => {
                    form.wrong(problem!("member_price", "Members pay at most the price itself."));
                }
                Some(_) => {}
            }
            read
        }
    };
    (read.is_some() || only).then_some((read, only))
}

/// Reads members out of lines: phone, name, last day of the membership, with blanks, commas or tabs between; what cannot be read is a problem
/// that names its line.
pub fn check_lines(typed: &str, zone: &TimeZone, now: Time) -> Result<Vec<Member>, Refusal> {
    let lines: Vec<(usize, String)> =
        (1..).zip(typed.lines().map(text::line)).filter(|(_, line): &(usize, String)| !line.is_empty()).collect();
    let mut form = Form::default();
    if lines.is_empty() {
        form.wrong(problem!("members", "This field is required."));
    }
    if lines.len() > LINES_MAX {
        form.wrong(problem!("members", "At most {max} lines at one time.", max = LINES_MAX));
        return form.done(Vec::new());
    }
    let mut members: Vec<Member> = Vec::with_capacity(lines.len());
    for (number, line) in &lines {
        match member(line, zone, now) {
            Some(member) => members.push(member),
            None if form.problems.len() < 20 => form.wrong(problem!(
                "members",
                "Line {line} cannot be read: give phone, name and the last day, such as 13800000001 Li Lei 2027-12-31.",
                line = number
            )),
            None => {}
        }
    }
    form.done(members)
}

fn member(line: &str, zone: &TimeZone, now: Time) -> Option<Member> {
    let mut parts: Vec<&str> =
        line.split([' ', ',', '，', ';', '；', '、']).map(str::trim).filter(|part| !part.is_empty()).collect();
    let until = match parts.last().and_then(|last| last_day(last, zone)) {
        Some(until) if parts.len() > 1 => {
            parts.pop();
            Some(until)
        }
        _ => None,
    };
    let at = parts.iter().position(|part| phone::normalise(part).is_some())?;
    let phone = phone::normalise(parts.remove(at))?;
    let name = parts.join(" ");
    (name.chars().count() <= person::NAME_MAX).then_some(Member { phone, name, until, changed_at: now })
}

/// The end of a day that is typed as `2027-12-31`, `2027/12/31`, `2027.12.31` or `2027年12月31日`.
fn last_day(typed: &str, zone: &TimeZone) -> Option<Time> {
    let date: jiff::civil::Date = crate::field::date(typed)?.parse().ok()?;
    Time::from_local(&format!("{}T00:00", date.tomorrow().ok()?), zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn zone() -> TimeZone {
        crate::time::zone("Asia/Shanghai").unwrap()
    }

    fn until(until: Option<i64>) -> Member {
        Member { phone: "+8613800000001".into(), name: String::new(), until: until.map(Time), changed_at: Time(0) }
    }

    #[test]
    fn a_member_is_one_until_the_last_day_is_over() {
        let cases =
            [(None, false), (Some(until(None)), true), (Some(until(Some(11))), true), (Some(until(Some(10))), false)];
        for (kept, member) in cases {
            assert_eq!(is_member(kept.as_ref(), Time(10)), member, "{kept:?}");
        }
        let offer = |only| MemberOffer { event: EventId(1), kind: TicketTypeId(1), price: None, only };
        assert!(check_only(Some(&offer(true)), false, "x").is_err_and(|refusal| refusal.code == "ticket.members_only"));
        assert!(
            check_only(Some(&offer(true)), true, "x").is_ok() && check_only(Some(&offer(false)), false, "x").is_ok()
        );
        assert!(check_only(None, false, "x").is_ok());
    }

    #[test]
    fn the_larger_of_two_reductions_counts_and_no_code_is_wasted() {
        let cases = [
            (1_000, None, 0, 0, false),
            (1_000, Some(800), 0, 200, false),
            (1_000, Some(800), 300, 300, true),
            (1_000, Some(800), 100, 200, false),
            (1_000, Some(800), 200, 200, false),
            (1_000, Some(0), 1_000, 1_000, false),
            (1_000, None, 5_000, 1_000, true),
            (700, Some(800), 0, 0, false),
            (0, Some(0), 100, 0, false),
        ];
        for (price, member, code, off, by_code) in cases {
            let found = reduction(Money::cny(price), member.map(Money::cny), Money::cny(code));
            assert_eq!(found, Reduction { off: Money::cny(off), by_code }, "{price} {member:?} {code}");
        }
    }

    #[test]
    fn a_member_price_lies_below_the_price() {
        let cases = [
            ("", false, None, 0),
            ("", true, Some((None, true)), 0),
            ("80", false, Some((Some(Money::cny(8_000)), false)), 0),
            ("0", false, Some((Some(Money::cny(0)), false)), 0),
            ("100", false, Some((Some(Money::cny(10_000)), false)), 0),
            ("100.01", false, Some((Some(Money::cny(10_001)), false)), 1),
            ("viel", false, None, 1),
        ];
        for (typed, only, offer, problems) in cases {
            let mut form = Form::default();
            assert_eq!(check_offer(&mut form, typed, only, Money::cny(10_000)), offer, "{typed}");
            assert_eq!(form.problems.len(), problems, "{typed}");
        }
    }

    #[test]
    fn members_are_read_line_by_line() {
        let typed = "13800000001\n\n张三，138 0000 0002\n13800000003 李四 2027-12-31\n王五 13800000004 2027年1月5日\n";
        let refused = check_lines(typed, &zone(), Time(5)).unwrap_err();
        assert_eq!(refused.problems.len(), 1, "a phone with blanks in it stands for no phone: {refused:?}");
        assert!(refused.problems[0].args.iter().any(|(name, value)| *name == "line" && value == "3"));
        let read = check_lines(&typed.replace("138 0000 0002", "13800000002"), &zone(), Time(5)).unwrap();
        let shown: Vec<_> =
            read.iter().map(|one| (one.phone.as_str(), one.name.as_str(), one.until.is_some())).collect();
        assert_eq!(
            shown,
            [
                ("+8613800000001", "", false),
                ("+8613800000002", "张三", false),
                ("+8613800000003", "李四", true),
                ("+8613800000004", "王五", true)
            ]
        );
        assert_eq!(read[2].until.unwrap().to_local(&zone()), "2028-01-01T00:00");
        assert!(check_lines(" \n", &zone(), Time(5)).is_err());
        assert!(check_lines(&"13800000001\n".repeat(LINES_MAX + 1), &zone(), Time(5)).is_err());
    }

    proptest! {
        #[test]
        fn nobody_pays_more_as_a_member_and_nothing_costs_less_than_nothing(price in 0i64..5_000, member in proptest::option::of(0i64..6_000), code in 0i64..6_000) {
            let of = |member: Option<i64>, code: i64| reduction(Money::cny(price), member.map(Money::cny), Money::cny(code));
            let found = of(member, code);
            prop_assert!((0..=price).contains(&found.off.fen));
            prop_assert!(found.off.fen >= of(None, code).off.fen && found.off.fen >= of(member, 0).off.fen);
            prop_assert!(!found.by_code || found.off.fen > of(member, 0).off.fen, "a code that changes nothing is not used");
        }
    }
}

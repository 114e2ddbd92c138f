//! Payment through WeChat (S0-74, S0-75): attempts to pay an order, refunds, the daily bill, and the account with WeChat. Pure rules; how
//! WeChat is spoken to is for `gateway`, and what an order owes for `order`.

mod account;
mod attempt;
mod bill;
mod refund;

pub use account::{
    AccountInput, CALLBACK, MAIN_ADDRESS, PayAccount, PayAccountV1, PayCertificate, Proof, Test, check_account,
};
pub use attempt::{Attempt, AttemptState, AttemptStep, Heard, Received, Report, Way, attempt_next, deadline, number};
pub use bill::{BillRow, Compared, DIFFERENCES_MAX, Difference, DifferenceKind, Moved, PayBill, compare, is_ready};
pub use refund::{PayRefund, RefundReport, RefundState, RefundStep, refund_next, refund_number};

/// Milliseconds to wait before WeChat is asked again about something that it was asked about `asks` times. Often at first: where the box has
/// no public address, no notification comes in, and a buyer stands before the page.
pub fn wait_before(asks: u32) -> i64 {
    const STEPS: [i64; 10] = [5, 5, 10, 20, 30, 60, 120, 300, 600, 1_800];
    let seconds = usize::try_from(asks).ok().and_then(|at| STEPS.get(at)).copied().unwrap_or(3_600);
    seconds * crate::time::SECOND
}

/// The number of the day in China that an instant lies in: the days of WeChat's bills.
pub fn day_of(at: crate::Time) -> i64 {
    at.plus(8 * crate::time::HOUR).0.div_euclid(crate::time::DAY)
}

/// That day as a bill names it: `2026-11-25`.
pub fn day_name(day: i64) -> String {
    let at = crate::Time(day.saturating_mul(crate::time::DAY));
    at.zoned(&jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d").to_string()
}

/// The number of a day by its name.
pub fn day_of_name(name: &str) -> Option<i64> {
    let at = crate::Time::from_local(&format!("{}T00:00", name.trim()), &jiff::tz::TimeZone::UTC)?;
    Some(at.0.div_euclid(crate::time::DAY))
}

/// When a day of that number ends in China.
pub fn day_end(day: i64) -> crate::Time {
    crate::Time(day.saturating_add(1).saturating_mul(crate::time::DAY)).plus(-8 * crate::time::HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_become_rarer_and_never_stop_and_days_are_those_of_china() {
        let waits: Vec<i64> = (0..12).map(wait_before).collect();
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "{waits:?}");
        let at = crate::Time::from_local("2026-11-25T23:59", &crate::time::zone("Asia/Shanghai").unwrap()).unwrap();
        let day = day_of(at);
        assert_eq!((day_name(day).as_str(), day_of_name("2026-11-25")), ("2026-11-25", Some(day)));
        assert_eq!((day_end(day), day_of(day_end(day)), day_of_name("x")), (at.plus(60_000), day + 1, None));
        assert_eq!((waits[0], waits[11], wait_before(u32::MAX)), (5_000, 3_600_000, 3_600_000));
    }
}

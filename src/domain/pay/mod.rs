//! Payment through WeChat (S0-74, S0-75): attempts to pay an order, refunds, the daily bill, and the account with WeChat. Pure rules; how
//! WeChat is spoken to is for `gateway`, and what an order owes for `order`.

mod account;
mod attempt;
mod bill;
mod refund;

pub use account::{AccountInput, CALLBACK, MAIN_ADDRESS, PayAccount, PayCertificate, Proof, Test, check_account};
pub use attempt::{Attempt, AttemptState, AttemptStep, Heard, Received, Report, Way, attempt_next, deadline, number};
pub use bill::{BillRow, Compared, DIFFERENCES_MAX, Difference, DifferenceKind, Moved, PayBill, compare, is_ready};
pub use refund::{PayRefund, RefundReport, RefundState, RefundStep, refund_next, refund_number};

/// Minutes to wait before WeChat is asked again about something that it was asked about `asks` times.
pub fn wait_before(asks: u32) -> i64 {
    const STEPS: [i64; 7] = [0, 1, 1, 2, 5, 15, 30];
    let minutes = usize::try_from(asks).ok().and_then(|at| STEPS.get(at)).copied().unwrap_or(60);
    minutes * crate::time::MINUTE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_become_rarer_and_never_stop() {
        let waits: Vec<i64> = (0..12).map(wait_before).collect();
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "{waits:?}");
        assert_eq!((waits[0], waits[11], wait_before(u32::MAX)), (0, 3_600_000, 3_600_000));
    }
}

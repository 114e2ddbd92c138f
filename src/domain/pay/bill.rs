//! The daily bill: what WeChat says moved on a day against what we know, and where the two differ.

use super::{Attempt, AttemptState, PayRefund, RefundState};
use crate::{EventId, OrderId, Time, time::HOUR};
use rkyv::{Archive, Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which way a row of the bill goes.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moved {
    /// A payment.
    Paid,
    /// A refund.
    Refunded,
}

impl Moved {
    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Paid => "Payment received",
            Self::Refunded => "Refund",
        }
    }
}

/// One row of WeChat's bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillRow {
    /// Which way.
    pub moved: Moved,
    /// Our number of the payment.
    pub payment: String,
    /// Our number of the refund; empty for a payment.
    pub refund: String,
    /// WeChat's number of the payment or the refund.
    pub theirs: String,
    /// How much, in fen.
    pub fen: i64,
}

impl BillRow {
    /// Our number of what the row is about.
    pub fn number(&self) -> &str {
        match self.moved {
            Moved::Paid => &self.payment,
            Moved::Refunded => &self.refund,
        }
    }
}

/// How the bill and our records differ in one thing.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceKind {
    /// It stands in the bill, and we know nothing of it.
    Unknown,
    /// It stands in the bill, and with us it is not done.
    NotDone,
    /// The amounts differ.
    Amount,
    /// With us it is done, and it is not in the bill.
    NotInBill,
    /// It stands in the bill more than once.
    Twice,
}

impl DifferenceKind {
    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unknown => "In the bill, unknown to us",
            Self::NotDone => "In the bill, not done with us",
            Self::Amount => "Another amount",
            Self::NotInBill => "Done with us, not in the bill",
            Self::Twice => "In the bill more than once",
        }
    }
}

/// One difference.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How they differ.
    pub kind: DifferenceKind,
    /// Which way the money went.
    pub moved: Moved,
    /// Our number of it.
    pub number: String,
    /// WeChat's number of it.
    pub theirs: String,
    /// The order it belongs to, where we know it.
    pub order: Option<(EventId, OrderId)>,
    /// Fen with us, and in the bill.
    pub fen: (i64, i64),
}

/// The bill of one day as it was compared; one record a day.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PayBill {
    /// The day in China: `2026-11-25`.
    pub day: String,
    /// When it was fetched.
    pub fetched_at: Time,
    /// How many payments, and their fen.
    pub paid: (u32, i64),
    /// How many refunds, and their fen.
    pub refunded: (u32, i64),
    /// Fen that came into and went out of the account by the fund bill, when there was one.
    pub funds: Option<(i64, i64)>,
    /// Where it differs from our records; the first [`DIFFERENCES_MAX`].
    pub differences: Vec<Difference>,
    /// How many differences there are in all.
    pub found: u32,
    /// Why it could not be had; empty when it was.
    pub trouble: String,
}

/// Most differences that are kept of a day.
pub const DIFFERENCES_MAX: usize = 200;

/// What comparing came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compared {
    /// How many payments, and their fen.
    pub paid: (u32, i64),
    /// How many refunds, and their fen.
    pub refunded: (u32, i64),
    /// All differences.
    pub differences: Vec<Difference>,
}

/// Something that we know to have moved, or not.
struct Known {
    order: (EventId, OrderId),
    fen: i64,
    done: bool,
    theirs: String,
}

fn of_attempt(attempt: &Attempt) -> Known {
    let received = attempt.received.as_ref();
    Known {
        order: (attempt.event, attempt.order),
        fen: received.map_or(attempt.amount.fen, |received| received.fen),
        done: attempt.state == AttemptState::Paid,
        theirs: received.map_or(String::new(), |received| received.transaction.clone()),
    }
}

fn of_refund(refund: &PayRefund) -> Known {
    // The bill lists a refund on the day WeChat took it; it may still be under way.
    let done = matches!(refund.state, RefundState::Processing | RefundState::Done | RefundState::Abnormal);
    Known { order: (refund.event, refund.order), fen: refund.amount.fen, done, theirs: refund.refund.clone() }
}

/// Compares a day's rows with what we know: everything that the rows name, and everything that was `done` that day by us.
pub fn compare(
    rows: &[BillRow],
    known: (&[Attempt], &[PayRefund]),
    done_that_day: impl Fn(Moved, &str) -> bool,
) -> Compared {
    let mut ours: BTreeMap<(Moved, &str), Known> = BTreeMap::new();
    ours.extend(known.0.iter().map(|attempt| ((Moved::Paid, attempt.number.as_str()), of_attempt(attempt))));
    ours.extend(known.1.iter().map(|refund| ((Moved::Refunded, refund.number.as_str()), of_refund(refund))));
    let mut out = Compared::default();
    let mut seen: BTreeMap<(Moved, &str), u32> = BTreeMap::new();
    for row in rows {
        let sum = match row.moved {
            Moved::Paid => &mut out.paid,
            Moved::Refunded => &mut out.refunded,
        };
        sum.0 += 1;
        sum.1 = sum.1.saturating_add(row.fen);
        let at = (row.moved, row.number());
        let times = seen.entry(at).or_default();
        *times += 1;
        let known = ours.get(&at);
        let kind = match known {
            _ if *times > 1 => Some(DifferenceKind::Twice),
            None => Some(DifferenceKind::Unknown),
            Some(known) if !known.done => Some(DifferenceKind::NotDone),
            Some(known) if known.fen != row.fen => Some(DifferenceKind::Amount),
            Some(_) => None,
        };
        out.differences.extend(kind.map(|kind| Difference {
            kind,
            moved: row.moved,
            number: row.number().to_owned(),
            theirs: row.theirs.clone(),
            order: known.map(|known| known.order),
            fen: (known.map_or(0, |known| known.fen), row.fen),
        }));
    }
    let missing = ours.iter().filter(|((moved, number), known)| {
        known.done && !seen.contains_key(&(*moved, *number)) && done_that_day(*moved, number)
    });
    out.differences.extend(missing.map(|((moved, number), known)| Difference {
        kind: DifferenceKind::NotInBill,
        moved: *moved,
        number: (*number).to_owned(),
        theirs: known.theirs.clone(),
        order: Some(known.order),
        fen: (known.fen, 0),
    }));
    out
}

/// Whether the bill of the day that ended at `end` can be had: WeChat makes it until ten o'clock of the next day.
pub fn is_ready(end: Time, now: Time) -> bool {
    now >= end.plus(10 * HOUR)
}

#[cfg(test)]
mod tests {
    use super::super::{attempt, refund};
    use super::*;
    use crate::Money;

    fn row(moved: Moved, number: &str, fen: i64) -> BillRow {
        let (payment, refund) = match moved {
            Moved::Paid => (number.to_owned(), String::new()),
            Moved::Refunded => ("P".to_owned(), number.to_owned()),
        };
        BillRow { moved, payment, refund, theirs: "420".into(), fen }
    }

    fn paid(number: &str, fen: i64, state: AttemptState) -> Attempt {
        let received = Some(attempt::tests::received(fen, "CNY"));
        Attempt { number: number.into(), state, received, amount: Money::cny(fen), ..attempt::tests::attempt(fen) }
    }

    #[test]
    fn every_kind_of_difference_is_found_and_a_good_day_has_none() {
        let attempts = [
            paid("A", 100, AttemptState::Paid),
            paid("B", 200, AttemptState::Open),
            paid("C", 300, AttemptState::Paid),
            paid("D", 400, AttemptState::Paid),
            paid("Y", 700, AttemptState::Paid),
        ];
        let back = |number: &str, fen, state| PayRefund { number: number.into(), state, ..refund::tests::refund(fen) };
        let refunds = [back("RA", 50, RefundState::Processing), back("RB", 60, RefundState::Refused)];
        let rows = [
            row(Moved::Paid, "A", 100),
            row(Moved::Paid, "B", 200),
            row(Moved::Paid, "C", 301),
            row(Moved::Paid, "X", 500),
            row(Moved::Paid, "A", 100),
            row(Moved::Refunded, "RA", 50),
            row(Moved::Refunded, "RB", 60),
        ];
        let found = compare(&rows, (&attempts, &refunds), |_, number| number != "Y");
        assert_eq!((found.paid, found.refunded), ((5, 1_201), (2, 110)));
        let kinds: Vec<_> =
            found.differences.iter().map(|one| (one.kind, one.number.as_str(), one.fen, one.order.is_some())).collect();
        use DifferenceKind as K;
        assert_eq!(
            kinds,
            [
                (K::NotDone, "B", (200, 200), true),
                (K::Amount, "C", (300, 301), true),
                (K::Unknown, "X", (0, 500), false),
                (K::Twice, "A", (100, 100), true),
                (K::NotDone, "RB", (60, 60), true),
                (K::NotInBill, "D", (400, 0), true),
            ]
        );
        let good = compare(&rows[..1], (&attempts[..1], &[]), |_, _| true);
        assert!(good.differences.is_empty());
    }

    #[test]
    fn a_bill_is_there_from_ten_o_clock() {
        assert!(!is_ready(Time(0), Time(10 * HOUR - 1)) && is_ready(Time(0), Time(10 * HOUR)));
    }
}

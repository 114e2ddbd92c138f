//! The states of an order and what leads from one to the next.

use crate::{Refusal, TicketState, refuse};
use rkyv::{Archive, Deserialize, Serialize};

/// Where an order stands.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderState {
    /// The secretariat must approve it.
    PendingReview,
    /// It must be paid.
    PendingPayment,
    /// Nothing is wanting: paid, or free.
    Paid,
    /// The secretariat said no.
    Refused,
    /// Given up.
    Canceled,
    /// It was not paid in time.
    Expired,
    /// Everything was given back for its money.
    Refunded,
}

impl OrderState {
    /// Every state.
    pub const ALL: &[Self] = &[
        Self::PendingReview,
        Self::PendingPayment,
        Self::Paid,
        Self::Refused,
        Self::Canceled,
        Self::Expired,
        Self::Refunded,
    ];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::PendingReview => "pending_review",
            Self::PendingPayment => "pending_payment",
            Self::Paid => "paid",
            Self::Refused => "refused",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::PendingReview => "Pending review",
            Self::PendingPayment => "Pending payment",
            Self::Paid => "Completed",
            Self::Refused => "Not approved",
            Self::Canceled => "Canceled",
            Self::Expired => "Expired",
            Self::Refunded => "Refunded",
        }
    }

    /// The state of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.code() == code)
    }

    /// Its places are not free for others.
    pub fn holds_places(self) -> bool {
        matches!(self, Self::PendingReview | Self::PendingPayment | Self::Paid)
    }

    /// The state of the order's tickets, but for those given back one by one.
    pub fn of_tickets(self) -> TicketState {
        match self {
            Self::PendingReview => TicketState::Unapproved,
            Self::PendingPayment => TicketState::Unpaid,
            Self::Paid => TicketState::Active,
            Self::Refused | Self::Canceled | Self::Expired => TicketState::Canceled,
            Self::Refunded => TicketState::Refunded,
        }
    }
}

/// What is done to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// The secretariat or a helper says yes (S0-50).
    Approve,
    /// They say no (S0-50).
    Refuse,
    /// As much came in as it costs.
    Settle,
    /// The buyer or the secretariat gives it up.
    Cancel,
    /// Its time to be paid is over.
    Expire,
    /// The last of its places was given back.
    Return,
    /// An ended order stands again, if there is room.
    Reopen,
}

impl Act {
    /// Every act.
    pub const ALL: &[Self] =
        &[Self::Approve, Self::Refuse, Self::Settle, Self::Cancel, Self::Expire, Self::Return, Self::Reopen];

    /// Stable code, as the audit log has it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Approve => "order.approve",
            Self::Refuse => "order.refuse",
            Self::Settle => "order.settle",
            Self::Cancel => "order.cancel",
            Self::Expire => "order.expire",
            Self::Return => "order.return",
            Self::Reopen => "order.reopen",
        }
    }
}

/// Where an act leads from a state. `settled` tells whether as much is there as the order costs; a reopened order needs no second review.
pub fn next(state: OrderState, act: Act, settled: bool) -> Result<OrderState, Refusal> {
    use OrderState as S;
    let open = if settled { S::Paid } else { S::PendingPayment };
    match (state, act) {
        (S::PendingReview, Act::Approve) => Ok(open),
        (S::PendingReview, Act::Refuse) => Ok(S::Refused),
        (S::PendingPayment, Act::Settle) if settled => Ok(S::Paid),
        (S::PendingPayment, Act::Expire) => Ok(S::Expired),
        (S::PendingReview | S::PendingPayment | S::Paid, Act::Cancel) => Ok(S::Canceled),
        (S::Paid, Act::Return) => Ok(S::Refunded),
        (S::Refused | S::Canceled | S::Expired, Act::Reopen) => Ok(open),
        (S::PendingReview, Act::Settle | Act::Expire | Act::Return | Act::Reopen)
        | (S::PendingPayment, Act::Approve | Act::Refuse | Act::Settle | Act::Return | Act::Reopen)
        | (S::Paid, Act::Approve | Act::Refuse | Act::Settle | Act::Expire | Act::Reopen)
        | (
            S::Refused | S::Canceled | S::Expired,
            Act::Approve | Act::Refuse | Act::Settle | Act::Cancel | Act::Expire | Act::Return,
        )
        | (S::Refunded, _) => Err(refuse!(
            Conflict,
            "order.wrong_state",
            "This cannot be done to the order any more. Look at where it stands now."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_ways_lead_from_state_to_state() {
        use OrderState as S;
        let allowed = [
            (S::PendingReview, Act::Approve, true, S::Paid),
            (S::PendingReview, Act::Approve, false, S::PendingPayment),
            (S::PendingReview, Act::Refuse, true, S::Refused),
            (S::PendingReview, Act::Refuse, false, S::Refused),
            (S::PendingReview, Act::Cancel, true, S::Canceled),
            (S::PendingReview, Act::Cancel, false, S::Canceled),
            (S::PendingPayment, Act::Settle, true, S::Paid),
            (S::PendingPayment, Act::Expire, true, S::Expired),
            (S::PendingPayment, Act::Expire, false, S::Expired),
            (S::PendingPayment, Act::Cancel, true, S::Canceled),
            (S::PendingPayment, Act::Cancel, false, S::Canceled),
            (S::Paid, Act::Cancel, true, S::Canceled),
            (S::Paid, Act::Cancel, false, S::Canceled),
            (S::Paid, Act::Return, true, S::Refunded),
            (S::Paid, Act::Return, false, S::Refunded),
            (S::Refused, Act::Reopen, true, S::Paid),
            (S::Refused, Act::Reopen, false, S::PendingPayment),
            (S::Canceled, Act::Reopen, true, S::Paid),
            (S::Canceled, Act::Reopen, false, S::PendingPayment),
            (S::Expired, Act::Reopen, true, S::Paid),
            (S::Expired, Act::Reopen, false, S::PendingPayment),
        ];
        for state in OrderState::ALL {
            for act in Act::ALL {
                for settled in [true, false] {
                    let expected = allowed.iter().find(|row| (row.0, row.1, row.2) == (*state, *act, settled));
                    let got = next(*state, *act, settled).ok();
                    assert_eq!(got, expected.map(|row| row.3), "{state:?} {act:?} {settled}");
                }
            }
        }
    }

    #[test]
    fn tickets_hold_a_place_exactly_as_long_as_their_order_does() {
        for state in OrderState::ALL {
            assert_eq!(state.holds_places(), state.of_tickets().holds_place(), "{state:?}");
            assert_eq!(OrderState::parse(state.code()), Some(*state));
        }
    }
}

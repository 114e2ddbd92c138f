//! Money that goes back through WeChat: where a refund stands, and what each thing that is heard of it leads to.

use crate::{AttemptId, EventId, Money, OrderId, PayRefundId, Time, audit::By};
use rkyv::{Archive, Deserialize, Serialize};

/// Where a refund stands.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefundState {
    /// The secretariat wants it; WeChat has not taken it as far as we know.
    Wanted,
    /// WeChat took it and works on it.
    Processing,
    /// The buyer has the money.
    Done,
    /// It was closed without effect.
    Closed,
    /// The buyer's account does not take it; it must be seen to on WeChat's merchant platform.
    Abnormal,
    /// WeChat did not take it.
    Refused,
}

/// What happens to a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStep {
    /// WeChat took it.
    Process,
    /// The money arrived.
    Succeed,
    /// It was closed without effect.
    Close,
    /// The buyer's account does not take it.
    Fail,
    /// WeChat did not take it.
    Refuse,
    /// The secretariat wants it once more.
    Again,
}

impl RefundState {
    /// Every state.
    pub const ALL: &[Self] = &[Self::Wanted, Self::Processing, Self::Done, Self::Closed, Self::Abnormal, Self::Refused];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Processing => "processing",
            Self::Done => "done",
            Self::Closed => "closed",
            Self::Abnormal => "abnormal",
            Self::Refused => "refused",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Wanted => "Refund asked for",
            Self::Processing => "Refund under way",
            Self::Done => "Refunded",
            Self::Closed => "Refund closed",
            Self::Abnormal => "Refund did not arrive",
            Self::Refused => "Refund refused by WeChat",
        }
    }

    /// The money may be on its way: it must not be given back a second time.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Wanted | Self::Processing | Self::Abnormal)
    }
}

impl RefundStep {
    /// Every step.
    pub const ALL: &[Self] = &[Self::Process, Self::Succeed, Self::Close, Self::Fail, Self::Refuse, Self::Again];
}

/// Where a step leads; none: it changes nothing.
pub fn refund_next(state: RefundState, step: RefundStep) -> Option<RefundState> {
    use RefundState as S;
    match (state, step) {
        (S::Wanted | S::Refused, RefundStep::Process) => Some(S::Processing),
        (S::Wanted | S::Processing | S::Abnormal | S::Refused, RefundStep::Succeed) => Some(S::Done),
        (S::Wanted | S::Processing | S::Abnormal, RefundStep::Close) => Some(S::Closed),
        (S::Wanted | S::Processing, RefundStep::Fail) => Some(S::Abnormal),
        (S::Wanted, RefundStep::Refuse) => Some(S::Refused),
        (S::Refused, RefundStep::Again) => Some(S::Wanted),
        (S::Processing | S::Abnormal, RefundStep::Process)
        | (S::Refused, RefundStep::Close | RefundStep::Fail | RefundStep::Refuse)
        | (S::Abnormal, RefundStep::Fail)
        | (S::Processing | S::Abnormal, RefundStep::Refuse)
        | (S::Wanted | S::Processing | S::Abnormal, RefundStep::Again)
        | (S::Done | S::Closed, _) => None,
    }
}

/// Money of one attempt that goes back.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PayRefund {
    /// Number within the space.
    pub id: PayRefundId,
    /// The event.
    pub event: EventId,
    /// The order.
    pub order: OrderId,
    /// What it was paid by.
    pub attempt: AttemptId,
    /// Our number of it, as WeChat calls `out_refund_no`. Sent again, it gives money back once.
    pub number: String,
    /// Our number of the payment, and all that was paid with it in fen.
    pub payment: (String, i64),
    /// How much goes back.
    pub amount: Money,
    /// What the buyer reads.
    pub reason: String,
    /// Where it stands.
    pub state: RefundState,
    /// WeChat's number of it.
    pub refund: String,
    /// What account it went to, as WeChat says.
    pub account: String,
    /// What WeChat said last when it did not do what it was asked for.
    pub trouble: String,
    /// Who wanted it.
    pub by: By,
    /// When it was wanted.
    pub created_at: Time,
    /// When it came into its state.
    pub changed_at: Time,
    /// When WeChat took it: the day whose bill it stands in.
    pub taken_at: Option<Time>,
    /// When the money arrived, by WeChat's clock.
    pub done_at: Option<Time>,
}

/// What is heard of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundReport {
    /// What happened.
    pub step: RefundStep,
    /// WeChat's number of it.
    pub refund: String,
    /// How much, in fen, when WeChat says it.
    pub fen: Option<i64>,
    /// What account it went to.
    pub account: String,
    /// When WeChat took it, or when it arrived.
    pub at: Option<Time>,
    /// Why not.
    pub trouble: String,
}

impl RefundReport {
    /// A step of which nothing more is known.
    pub fn of(step: RefundStep) -> Self {
        Self { step, refund: String::new(), fen: None, account: String::new(), at: None, trouble: String::new() }
    }
}

impl PayRefund {
    /// Takes in what was heard; whether anything changed. A report of another amount changes nothing: it is not about this.
    pub fn hear(&mut self, report: &RefundReport, now: Time) -> bool {
        if report.fen.is_some_and(|fen| fen != self.amount.fen) {
            return false;
        }
        let Some(state) = refund_next(self.state, report.step) else { return false };
        self.state = state;
        self.changed_at = now;
        let cut = |text: &str| text.chars().take(crate::order::REASON_MAX).collect::<String>();
        self.trouble = cut(&report.trouble);
        if !report.refund.is_empty() {
            self.refund = cut(&report.refund);
        }
        if !report.account.is_empty() {
            self.account = cut(&report.account);
        }
        if state != RefundState::Refused && self.taken_at.is_none() {
            self.taken_at = Some(report.at.unwrap_or(now).min(now));
        }
        if state == RefundState::Done {
            self.done_at = Some(report.at.unwrap_or(now));
        }
        true
    }
}

/// The number of a refund out of the order's and a random value: 20 of at most 64 characters.
pub fn refund_number(order: &str, random: u64) -> String {
    format!("R{order}-{:08X}", random & 0xffff_ffff)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn refund(fen: i64) -> PayRefund {
        PayRefund {
            id: PayRefundId(1),
            event: EventId(1),
            order: OrderId(1),
            attempt: AttemptId(1),
            number: refund_number("AB00000001", 7),
            payment: ("AB00000001-00000007".into(), 100),
            amount: Money::cny(fen),
            reason: String::new(),
            state: RefundState::Wanted,
            refund: String::new(),
            account: String::new(),
            trouble: String::new(),
            by: By::Box,
            created_at: Time(0),
            changed_at: Time(0),
            taken_at: None,
            done_at: None,
        }
    }

    #[test]
    fn only_the_listed_steps_change_a_refund() {
        use RefundState as S;
        use RefundStep as T;
        let allowed = [
            (S::Wanted, T::Process, S::Processing),
            (S::Refused, T::Process, S::Processing),
            (S::Wanted, T::Succeed, S::Done),
            (S::Processing, T::Succeed, S::Done),
            (S::Abnormal, T::Succeed, S::Done),
            (S::Refused, T::Succeed, S::Done),
            (S::Wanted, T::Close, S::Closed),
            (S::Processing, T::Close, S::Closed),
            (S::Abnormal, T::Close, S::Closed),
            (S::Wanted, T::Fail, S::Abnormal),
            (S::Processing, T::Fail, S::Abnormal),
            (S::Wanted, T::Refuse, S::Refused),
            (S::Refused, T::Again, S::Wanted),
        ];
        for state in S::ALL {
            for step in T::ALL {
                let expected = allowed.iter().find(|row| (row.0, row.1) == (*state, *step)).map(|row| row.2);
                assert_eq!(refund_next(*state, *step), expected, "{state:?} {step:?}");
            }
        }
    }

    #[test]
    fn a_report_of_another_amount_is_not_about_this_refund() {
        let mut one = refund(40);
        let report = |fen| RefundReport { fen: Some(fen), ..RefundReport::of(RefundStep::Succeed) };
        assert!(!one.hear(&report(41), Time(1)) && one.state == RefundState::Wanted);
        assert!(one.hear(&report(40), Time(1)) && one.done_at == Some(Time(1)));
    }

    proptest! {
        #[test]
        fn a_refund_is_done_once_whatever_is_heard(steps in proptest::collection::vec(0..RefundStep::ALL.len(), 0..30)) {
            let mut one = refund(40);
            let mut done = 0;
            for at in steps {
                let before = one.state;
                let changed = one.hear(&RefundReport::of(RefundStep::ALL[at]), Time(1));
                prop_assert_eq!(changed, before != one.state);
                done += i32::from(changed && one.state == RefundState::Done);
                prop_assert!(!matches!(before, RefundState::Done | RefundState::Closed) || !changed);
            }
            prop_assert_eq!(done, i32::from(one.state == RefundState::Done));
        }
    }
}

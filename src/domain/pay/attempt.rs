//! One attempt to pay an order through WeChat: where it stands, and what each thing that is heard of it leads to.

use crate::{AttemptId, EventId, Money, OrderId, Time, time::HOUR, time::MINUTE};
use rkyv::{Archive, Deserialize, Serialize};

/// How the buyer pays.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// By a QR code that any phone with WeChat scans.
    Native,
    /// Inside WeChat, as the user of that openid.
    Jsapi(String),
}

/// Where an attempt stands.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttemptState {
    /// WeChat was asked for it, and has not answered as far as we know.
    Asked,
    /// It can be paid.
    Open,
    /// It was paid.
    Paid,
    /// Something else was paid than what was asked for. It does not count until somebody looks at it.
    Strange,
    /// It cannot be paid any more.
    Closed,
    /// WeChat did not take it.
    Refused,
}

/// What happens to an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptStep {
    /// WeChat took it.
    Answer,
    /// The asked amount was paid.
    Pay,
    /// Another amount, or another currency, was paid.
    Differ,
    /// It was closed.
    Close,
    /// WeChat did not take it.
    Refuse,
    /// The secretariat takes what was paid as it is.
    Accept,
}

impl AttemptState {
    /// Every state.
    pub const ALL: &[Self] = &[Self::Asked, Self::Open, Self::Paid, Self::Strange, Self::Closed, Self::Refused];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Strange => "strange",
            Self::Closed => "closed",
            Self::Refused => "refused",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Asked => "Asked for",
            Self::Open => "Can be paid",
            Self::Paid => "Paid",
            Self::Strange => "Another amount was paid",
            Self::Closed => "Closed",
            Self::Refused => "Refused by WeChat",
        }
    }

    /// WeChat may still have something to say about it without being asked anew.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Asked | Self::Open)
    }
}

impl AttemptStep {
    /// Every step.
    pub const ALL: &[Self] = &[Self::Answer, Self::Pay, Self::Differ, Self::Close, Self::Refuse, Self::Accept];
}

/// Where a step leads; none: it changes nothing. Money that was paid is never forgotten, however late it is heard of; what was paid is
/// never closed again.
pub fn attempt_next(state: AttemptState, step: AttemptStep) -> Option<AttemptState> {
    use AttemptState as S;
    match (state, step) {
        (S::Asked | S::Open, AttemptStep::Answer) => Some(S::Open),
        (S::Asked | S::Open | S::Closed | S::Refused, AttemptStep::Pay) => Some(S::Paid),
        (S::Asked | S::Open | S::Closed | S::Refused, AttemptStep::Differ) => Some(S::Strange),
        (S::Asked | S::Open, AttemptStep::Close) => Some(S::Closed),
        (S::Asked, AttemptStep::Refuse) => Some(S::Refused),
        (S::Strange, AttemptStep::Accept) => Some(S::Paid),
        (S::Asked | S::Open | S::Paid | S::Closed | S::Refused, AttemptStep::Accept)
        | (S::Open, AttemptStep::Refuse)
        | (
            S::Paid | S::Strange,
            AttemptStep::Answer | AttemptStep::Pay | AttemptStep::Differ | AttemptStep::Close | AttemptStep::Refuse,
        )
        | (S::Closed | S::Refused, AttemptStep::Answer | AttemptStep::Close | AttemptStep::Refuse) => None,
    }
}

/// What was paid.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// In the smallest unit of the currency.
    pub fen: i64,
    /// Its code, such as `CNY`.
    pub currency: String,
    /// Number of WeChat's transaction.
    pub transaction: String,
    /// When, by WeChat's clock.
    pub at: Time,
}

/// An attempt to pay an order.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Number within the space.
    pub id: AttemptId,
    /// The event.
    pub event: EventId,
    /// The order.
    pub order: OrderId,
    /// Our number of it, as WeChat calls `out_trade_no`.
    pub number: String,
    /// The account it goes to: `appid` and `mchid`.
    pub account: (String, String),
    /// What WeChat shows to the buyer.
    pub description: String,
    /// How it is paid.
    pub way: Way,
    /// How much.
    pub amount: Money,
    /// When it can no longer be paid.
    pub until: Time,
    /// Where it stands.
    pub state: AttemptState,
    /// What the QR code holds, or the number of the prepared payment; empty until WeChat answered.
    pub code: String,
    /// What was paid.
    pub received: Option<Received>,
    /// What WeChat said last when it did not do what it was asked for.
    pub trouble: String,
    /// When it was made.
    pub created_at: Time,
    /// When it came into its state.
    pub changed_at: Time,
}

/// What is heard of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// WeChat took it; what the QR code holds, or the number of the prepared payment.
    Answered(String),
    /// It was paid.
    Paid(Received),
    /// It is closed.
    Closed,
    /// WeChat did not take it, and says why.
    Refused(String),
}

/// What hearing it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Nothing new.
    Nothing,
    /// The attempt changed; no money.
    Changed,
    /// This came in for the order.
    Credit(Money),
    /// Something was paid that was not asked for: the secretariat must look.
    Strange,
}

impl Attempt {
    /// Takes in what was heard.
    pub fn hear(&mut self, report: &Report, now: Time) -> Heard {
        let step = match report {
            Report::Answered(_) => AttemptStep::Answer,
            Report::Paid(received) if self.is_asked(received) => AttemptStep::Pay,
            Report::Paid(_) => AttemptStep::Differ,
            Report::Closed => AttemptStep::Close,
            Report::Refused(_) => AttemptStep::Refuse,
        };
        let Some(state) = attempt_next(self.state, step) else { return Heard::Nothing };
        self.enter(state, now);
        match report {
            Report::Answered(code) => self.code.clone_from(code),
            Report::Paid(received) => self.received = Some(received.clone()),
            Report::Closed => {}
            Report::Refused(why) => self.trouble = why.chars().take(crate::order::REASON_MAX).collect(),
        }
        match step {
            AttemptStep::Pay => Heard::Credit(self.amount),
            AttemptStep::Differ => Heard::Strange,
            AttemptStep::Answer | AttemptStep::Close | AttemptStep::Refuse | AttemptStep::Accept => Heard::Changed,
        }
    }

    /// Takes what was paid as it is; none when there is nothing to take, or not in our currency.
    pub fn accept(&mut self, now: Time) -> Option<Money> {
        let received = self.received.as_ref().filter(|received| received.currency == "CNY" && received.fen > 0)?;
        let amount = Money::cny(received.fen);
        let state = attempt_next(self.state, AttemptStep::Accept)?;
        self.enter(state, now);
        Some(amount)
    }

    fn is_asked(&self, received: &Received) -> bool {
        received.fen == self.amount.fen && received.currency == "CNY"
    }

    fn enter(&mut self, state: AttemptState, now: Time) {
        if self.state != state {
            self.state = state;
            self.changed_at = now;
        }
    }

    /// Whether a buyer who presses again is given this one: it is still good for that amount in that way and app.
    pub fn serves(&self, amount: Money, way: &Way, app: &str, now: Time) -> bool {
        let same = self.amount == amount && self.way == *way && self.account.0 == app;
        self.state.is_pending() && same && now.plus(MINUTE) < self.until
    }
}

/// The number of an attempt out of the order's and a random value: 19 of at most 32 characters.
pub fn number(order: &str, random: u64) -> String {
    format!("{order}-{:08X}", random & 0xffff_ffff)
}

/// Until when an attempt can be paid: as long as the places are held, at most two hours (what WeChat keeps a prepared payment for) and at
/// least one minute (the least WeChat takes). What comes in after the hold all the same is owed back.
pub fn deadline(hold: Option<Time>, now: Time) -> Time {
    let most = now.plus(2 * HOUR - MINUTE);
    hold.map_or(most, |hold| hold.min(most)).max(now.plus(MINUTE))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn attempt(fen: i64) -> Attempt {
        Attempt {
            id: AttemptId(1),
            event: EventId(1),
            order: OrderId(1),
            number: number("AB00000001", 7),
            account: ("wx1".into(), "190".into()),
            description: "x".into(),
            way: Way::Native,
            amount: Money::cny(fen),
            until: Time(HOUR),
            state: AttemptState::Asked,
            code: String::new(),
            received: None,
            trouble: String::new(),
            created_at: Time(0),
            changed_at: Time(0),
        }
    }

    pub(crate) fn received(fen: i64, currency: &str) -> Received {
        Received { fen, currency: currency.into(), transaction: "420".into(), at: Time(5) }
    }

    #[test]
    fn only_the_listed_steps_change_an_attempt() {
        use AttemptState as S;
        use AttemptStep as T;
        let allowed = [
            (S::Asked, T::Answer, S::Open),
            (S::Open, T::Answer, S::Open),
            (S::Asked, T::Pay, S::Paid),
            (S::Open, T::Pay, S::Paid),
            (S::Closed, T::Pay, S::Paid),
            (S::Refused, T::Pay, S::Paid),
            (S::Asked, T::Differ, S::Strange),
            (S::Open, T::Differ, S::Strange),
            (S::Closed, T::Differ, S::Strange),
            (S::Refused, T::Differ, S::Strange),
            (S::Asked, T::Close, S::Closed),
            (S::Open, T::Close, S::Closed),
            (S::Asked, T::Refuse, S::Refused),
            (S::Strange, T::Accept, S::Paid),
        ];
        for state in S::ALL {
            for step in T::ALL {
                let expected = allowed.iter().find(|row| (row.0, row.1) == (*state, *step)).map(|row| row.2);
                assert_eq!(attempt_next(*state, *step), expected, "{state:?} {step:?}");
            }
        }
    }

    #[test]
    fn another_amount_or_currency_is_never_money() {
        for (fen, currency, credit) in
            [(100, "CNY", true), (99, "CNY", false), (101, "CNY", false), (100, "USD", false)]
        {
            let mut one = attempt(100);
            let heard = one.hear(&Report::Paid(received(fen, currency)), Time(9));
            assert_eq!(heard == Heard::Credit(Money::cny(100)), credit, "{fen} {currency}");
            assert_eq!(one.state == AttemptState::Strange, !credit);
        }
        let mut one = attempt(100);
        one.hear(&Report::Paid(received(99, "CNY")), Time(9));
        assert_eq!((one.accept(Time(9)), one.accept(Time(9))), (Some(Money::cny(99)), None));
        let mut foreign = attempt(100);
        foreign.hear(&Report::Paid(received(100, "USD")), Time(9));
        assert_eq!(foreign.accept(Time(9)), None);
    }

    #[test]
    fn a_payment_ends_with_its_hold_within_what_wechat_takes() {
        let now = Time(0);
        for (hold, until) in [
            (None, 2 * HOUR - MINUTE),
            (Some(30 * MINUTE), 30 * MINUTE),
            (Some(5 * HOUR), 2 * HOUR - MINUTE),
            (Some(1), MINUTE),
            (Some(-5), MINUTE),
        ] {
            assert_eq!(deadline(hold.map(Time), now), Time(until), "{hold:?}");
        }
        let number = number("AB00000001", u64::MAX);
        assert!(number.len() <= 32 && number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{number}");
    }

    fn reports() -> impl Strategy<Value = Vec<Report>> {
        let one = prop_oneof![
            Just(Report::Answered("weixin://x".into())),
            Just(Report::Paid(received(100, "CNY"))),
            Just(Report::Paid(received(99, "CNY"))),
            Just(Report::Paid(received(100, "USD"))),
            Just(Report::Closed),
            Just(Report::Refused("no".into())),
        ];
        proptest::collection::vec(one, 0..30)
    }

    proptest! {
        #[test]
        fn whatever_is_heard_in_whatever_order_money_counts_once_and_is_never_lost(reports in reports()) {
            let mut one = attempt(100);
            let mut credit = 0;
            for report in &reports {
                if let Heard::Credit(amount) = one.hear(report, Time(1)) {
                    credit += amount.fen;
                }
            }
            let first = reports.iter().find_map(|report| match report {
                Report::Paid(received) => Some(received.clone()),
                _ => None,
            });
            let good = first.as_ref().is_some_and(|received| received.fen == 100 && received.currency == "CNY");
            prop_assert_eq!(credit, if good { 100 } else { 0 });
            prop_assert_eq!(&one.received, &first, "what was paid first is what was paid");
            prop_assert_eq!(one.state == AttemptState::Paid, good);
            prop_assert_eq!(one.state == AttemptState::Strange, first.is_some() && !good);
        }
    }
}

//! What an order costs, what came in, what went back, and what is still to be paid or given back.

use super::{Flow, Order};

/// The money of an order in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// What stands costs: all lines but those given back, nothing when the order's places are free again.
    pub total: i64,
    /// What came in.
    pub paid: i64,
    /// What went back.
    pub refunded: i64,
}

impl Sums {
    pub(super) fn of(order: &Order) -> Self {
        let flow = |flow| order.entries.iter().filter(|entry| entry.flow == flow).map(|entry| entry.amount.fen).sum();
        let standing = order.lines.iter().filter(|line| !line.returned).map(super::Line::due).sum();
        let total = if order.state.holds_places() { standing } else { 0 };
        Self { total, paid: flow(Flow::In), refunded: flow(Flow::Out) }
    }

    /// What is there.
    pub fn balance(&self) -> i64 {
        self.paid - self.refunded
    }

    /// What is still to be paid.
    pub fn due(&self) -> i64 {
        (self.total - self.balance()).max(0)
    }

    /// What is to be given back: more is there than what stands costs.
    pub fn owed(&self) -> i64 {
        (self.balance() - self.total).max(0)
    }

    /// As much is there as it costs.
    pub fn is_settled(&self) -> bool {
        self.due() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Act, Entry, Item, Line, OrderState, check_flow, next, tests};
    use super::*;
    use crate::{Money, TicketId, TicketTypeId, Time, audit::By, member::reduction, payment::Method};
    use proptest::prelude::*;

    fn entry(flow: Flow, fen: i64) -> Entry {
        Entry {
            flow,
            method: Method::Cash,
            amount: Money::cny(fen),
            at: Time(0),
            by: By::Box,
            reference: String::new(),
            slip: None,
            note: String::new(),
        }
    }

    #[test]
    fn what_is_due_and_what_is_owed() {
        let ticket = |n| Item::Ticket(TicketId(n), TicketTypeId(1));
        let lines = || vec![tests::line(ticket(1), 1_000, 200), tests::line(ticket(2), 1_000, 0)];
        let of = |state, paid: i64, refunded: i64, returned: bool| {
            let mut order = tests::order(state, lines());
            order.lines[0].returned = returned;
            order.entries.extend((paid > 0).then(|| entry(Flow::In, paid)));
            order.entries.extend((refunded > 0).then(|| entry(Flow::Out, refunded)));
            let sums = order.sums();
            (sums.due(), sums.owed())
        };
        assert_eq!(of(OrderState::PendingPayment, 0, 0, false), (1_800, 0));
        assert_eq!(of(OrderState::PendingPayment, 1_000, 0, false), (800, 0));
        assert_eq!(of(OrderState::Paid, 1_800, 0, false), (0, 0));
        assert_eq!(of(OrderState::Paid, 1_800, 0, true), (0, 800));
        assert_eq!(of(OrderState::Paid, 1_800, 800, true), (0, 0));
        assert_eq!(of(OrderState::Expired, 1_800, 0, false), (0, 1_800), "late money is to be given back");
        assert_eq!(of(OrderState::Canceled, 0, 0, false), (0, 0));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Act(usize),
        Pay(i64),
        Refund(i64),
        Return(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0..Act::ALL.len()).prop_map(Step::Act),
            (1i64..3_000).prop_map(Step::Pay),
            (1i64..3_000).prop_map(Step::Refund),
            (0usize..3).prop_map(Step::Return),
        ];
        proptest::collection::vec(step, 0..40)
    }

    proptest! {
        #[test]
        fn money_adds_up_whatever_is_done(steps in steps(), prices in proptest::collection::vec((0i64..2_000, 0i64..2_000, proptest::option::of(0i64..2_500)), 3)) {
            let item = |n: usize| Item::Ticket(TicketId(n as u64), TicketTypeId(1));
            // A code, the price for members, or both: what is taken off is decided line by line.
            let line = |(n, (price, off, member)): (usize, &(i64, i64, Option<i64>))| {
                let found = reduction(Money::cny(*price), member.map(Money::cny), Money::cny(*off));
                Line { code: found.by_code, ..tests::line(item(n), *price, found.off.fen) }
            };
            let lines: Vec<Line> = prices.iter().enumerate().map(line).collect();
            for (line, (price, off, member)) in lines.iter().zip(&prices) {
                let lowest = (*price - *off).min(member.unwrap_or(*price)).max(0);
                prop_assert_eq!(line.due(), lowest.min(*price), "each pays the lower of the two prices, never less than nothing");
                prop_assert!(!line.is_for_member() || !line.code);
            }
            let mut order = tests::order(OrderState::PendingReview, lines);
            let (mut paid, mut refunded) = (0, 0);
            for step in steps {
                match step {
                    Step::Act(at) => {
                        if let Ok(state) = next(order.state, Act::ALL[at], order.sums().is_settled()) {
                            order.state = state;
                        }
                    }
                    Step::Pay(fen) => {
                        order.entries.push(entry(Flow::In, fen));
                        paid += fen;
                    }
                    Step::Refund(fen) => {
                        if check_flow(&order, Flow::Out, Money::cny(fen)).is_ok() {
                            order.entries.push(entry(Flow::Out, fen));
                            refunded += fen;
                        }
                    }
                    Step::Return(at) => order.lines[at].returned = true,
                }
                let sums = order.sums();
                prop_assert_eq!(sums.balance(), paid - refunded);
                prop_assert!(sums.balance() >= 0, "more went back than came in");
                prop_assert!(sums.total >= 0);
                prop_assert_eq!(sums.balance() + sums.due() - sums.owed(), sums.total, "what is there, wanting and too much make the price");
                prop_assert!(sums.due() == 0 || sums.owed() == 0);
            }
        }
    }
}

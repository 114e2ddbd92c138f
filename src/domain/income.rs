//! Income (S0-100): what came in and went back over orders, by way of paying and by local day. It is added up from the entries of orders and
//! stored nowhere.

use crate::{
    order::{Entry, Flow},
    overview::Range,
    payment::Method,
};
use jiff::{civil::Date, tz::TimeZone};
use std::collections::BTreeMap;

/// Fen that came in and went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flows {
    /// What came in.
    pub received: i64,
    /// What went back.
    pub refunded: i64,
}

impl Flows {
    /// What stayed.
    pub fn net(self) -> i64 {
        self.received - self.refunded
    }

    /// Adds what another sum holds.
    pub fn add(&mut self, other: Self) {
        self.received += other.received;
        self.refunded += other.refunded;
    }

    fn of(entry: &Entry) -> Self {
        match entry.flow {
            Flow::In => Self { received: entry.amount.fen, refunded: 0 },
            Flow::Out => Self { received: 0, refunded: entry.amount.fen },
        }
    }
}

/// The money of some time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Takings {
    /// Altogether.
    pub total: Flows,
    /// By the way of paying, as its place in [`Method::ALL`].
    methods: BTreeMap<u8, Flows>,
    /// By local day; days without any are left out.
    pub days: BTreeMap<Date, Flows>,
}

impl Takings {
    /// Adds an entry of an order when it was recorded inside the range.
    pub fn enter(&mut self, entry: &Entry, range: &Range, zone: &TimeZone) {
        if !range.holds(entry.at) {
            return;
        }
        let flows = Flows::of(entry);
        self.total.add(flows);
        self.methods.entry(entry.method as u8).or_default().add(flows);
        self.days.entry(entry.at.zoned(zone).date()).or_default().add(flows);
    }

    /// Adds what another one holds.
    pub fn add(&mut self, other: &Self) {
        self.total.add(other.total);
        for (method, flows) in &other.methods {
            self.methods.entry(*method).or_default().add(*flows);
        }
        for (day, flows) in &other.days {
            self.days.entry(*day).or_default().add(*flows);
        }
    }

    /// What went by one way of paying.
    pub fn by(&self, method: Method) -> Flows {
        self.methods.get(&(method as u8)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Money, Time, audit::By, time::HOUR};
    use proptest::prelude::*;

    fn entry(flow: Flow, fen: i64, method: Method, at: i64) -> Entry {
        Entry {
            flow,
            method,
            amount: Money::cny(fen),
            at: Time(at),
            by: By::Box,
            reference: String::new(),
            slip: None,
            note: String::new(),
        }
    }

    #[test]
    fn money_is_added_up_by_local_day() {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let at = |text: &str| Time::from_local(text, &zone).unwrap().0;
        let mut takings = Takings::default();
        for (flow, fen, text) in [
            (Flow::In, 1_000, "2026-11-24T23:59"),
            (Flow::In, 500, "2026-11-25T00:00"),
            (Flow::Out, 300, "2026-11-25T12:00"),
            (Flow::In, 9, "2026-11-26T00:00"),
        ] {
            let range = Range::read("2026-11-24", "2026-11-25", &zone).unwrap();
            takings.enter(&entry(flow, fen, Method::Cash, at(text)), &range, &zone);
        }
        let days: Vec<_> =
            takings.days.iter().map(|(day, flows)| (day.to_string(), flows.received, flows.refunded)).collect();
        assert_eq!(days, [("2026-11-24".to_owned(), 1_000, 0), ("2026-11-25".to_owned(), 500, 300)]);
        assert_eq!(
            (takings.total.net(), takings.by(Method::Cash).net(), takings.by(Method::BankTransfer).net()),
            (1_200, 1_200, 0)
        );
    }

    proptest! {
        #[test]
        fn days_and_ways_of_paying_add_up_to_the_whole(entries in proptest::collection::vec((any::<bool>(), 1i64..10_000, 0usize..Method::ALL.len(), 0i64..2_000), 0..60), cut in 0usize..60) {
            let zone = crate::time::zone("Asia/Shanghai").unwrap();
            let of = |(into, fen, method, hour): &(bool, i64, usize, i64)| {
                entry(if *into { Flow::In } else { Flow::Out }, *fen, Method::ALL[*method], hour * HOUR)
            };
            let mut parts = [Takings::default(), Takings::default()];
            for (at, given) in entries.iter().enumerate() {
                parts[usize::from(at >= cut)].enter(&of(given), &Range::default(), &zone);
            }
            let mut whole = Takings::default();
            parts.iter().for_each(|part| whole.add(part));
            let net: i64 = entries.iter().map(|(into, fen, ..)| if *into { *fen } else { -fen }).sum();
            prop_assert_eq!(whole.total.net(), net);
            prop_assert_eq!(Method::ALL.iter().map(|method| whole.by(*method).net()).sum::<i64>(), net);
            prop_assert_eq!(whole.days.values().map(|flows| flows.net()).sum::<i64>(), net);
            prop_assert_eq!(whole.days.values().map(|flows| flows.received).sum::<i64>(), whole.total.received);
        }
    }
}

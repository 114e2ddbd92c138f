//! How an event takes orders: how long unpaid places are held, how many people one order may have, what buyers may do themselves.

use crate::{EventId, Refusal, Time, problem, text::Form, time::MINUTE};
use rkyv::{Archive, Deserialize, Serialize};

/// The settings of one event.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Sale {
    /// The event.
    pub event: EventId,
    /// Minutes that an unpaid place is held.
    pub hold: u32,
    /// Most people of one order.
    pub most: u16,
    /// There is a waiting list for what is sold out.
    pub waiting: bool,
    /// Minutes that a place is held for somebody who waited.
    pub offer: u32,
    /// Buyers may pass a ticket on to somebody else.
    pub transfer: bool,
    /// Buyers may give up what costs nothing or is not paid yet, until the event begins.
    pub cancel: bool,
    /// Buyers are asked for a gift.
    pub donation: bool,
}

impl Sale {
    /// An event whose settings nobody touched.
    pub fn usual(event: EventId) -> Self {
        Self {
            event,
            hold: 24 * 60,
            most: 1,
            waiting: false,
            offer: 12 * 60,
            transfer: false,
            cancel: true,
            donation: false,
        }
    }

    /// Until when a place that is taken at `now` is held unpaid; never longer than the event itself.
    pub fn held_until(&self, now: Time, ends: Time) -> Time {
        now.plus(i64::from(self.hold) * MINUTE).min(ends)
    }

    /// Until when a place is held for somebody who waited.
    pub fn offered_until(&self, now: Time, ends: Time) -> Time {
        now.plus(i64::from(self.offer) * MINUTE).min(ends)
    }
}

/// What the form takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaleInput {
    /// Minutes.
    pub hold: String,
    /// People.
    pub most: String,
    /// Switch.
    pub waiting: bool,
    /// Minutes.
    pub offer: String,
    /// Switch.
    pub transfer: bool,
    /// Switch.
    pub cancel: bool,
    /// Switch.
    pub donation: bool,
}

/// Longest hold and offer in minutes: 30 days.
pub const HOLD_MAX: u32 = 30 * 24 * 60;

/// Checks the form.
pub fn check_sale(event: EventId, input: &SaleInput) -> Result<Sale, Refusal> {
    let mut form = Form::default();
    let hold = number(&mut form, "hold", &input.hold, HOLD_MAX);
    let most = number(&mut form, "most", &input.most, u32::try_from(crate::order::PEOPLE_MAX).unwrap_or(u32::MAX));
    let offer = number(&mut form, "offer", &input.offer, HOLD_MAX);
    form.done(Sale {
        event,
        hold,
        most: u16::try_from(most).unwrap_or(1),
        waiting: input.waiting,
        offer,
        transfer: input.transfer,
        cancel: input.cancel,
        donation: input.donation,
    })
}

fn number(form: &mut Form, field: &str, typed: &str, max: u32) -> u32 {
    let read = typed.trim().parse().ok().filter(|number| (1..=max).contains(number));
    if read.is_none() {
        form.wrong(problem!(field, "Give a whole number from 1 to {max}.", max = max));
    }
    read.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_held_for_a_while_and_never_beyond_the_event() {
        let sale = Sale { hold: 30, offer: 60, ..Sale::usual(EventId(1)) };
        assert_eq!(sale.held_until(Time(0), Time(i64::MAX)), Time(30 * MINUTE));
        assert_eq!(sale.held_until(Time(0), Time(5)), Time(5));
        assert_eq!(sale.offered_until(Time(0), Time(i64::MAX)), Time(60 * MINUTE));
    }

    #[test]
    fn the_form_takes_whole_numbers_in_their_limits() {
        let input = |hold: &str, most: &str, offer: &str| SaleInput {
            hold: hold.into(),
            most: most.into(),
            offer: offer.into(),
            ..SaleInput::default()
        };
        assert!(check_sale(EventId(1), &input("30", "5", "60")).is_ok());
        assert_eq!(check_sale(EventId(1), &input("0", "21", "")).unwrap_err().problems.len(), 3);
    }
}

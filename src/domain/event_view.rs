//! What visitors see of an event beside its invitation: switches that the secretariat sets (S0-29, S0-43).

use crate::EventId;
use rkyv::{Archive, Deserialize, Serialize};

/// The switches of an event; an event that nobody changed has no such record.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct EventView {
    /// The event.
    pub event: EventId,
    /// Visitors do not see how many tickets are left (S0-29).
    pub hide_left: bool,
    /// The seat stands on the ticket from the beginning; otherwise once its holder is checked in (S0-43).
    pub seat_early: bool,
    /// Ticket holders choose talks and workshops themselves.
    pub choose_talks: bool,
}

impl EventView {
    /// The switches as every event has them from the beginning.
    pub fn of(event: EventId) -> Self {
        Self { event, hide_left: false, seat_early: false, choose_talks: false }
    }

    /// Whether the holder of a ticket sees the seat.
    pub fn shows_seat(&self, checked_in: bool) -> bool {
        self.seat_early || checked_in
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seat_is_shown_after_check_in_or_from_the_beginning() {
        for (early, checked_in, shown) in
            [(false, false, false), (false, true, true), (true, false, true), (true, true, true)]
        {
            assert_eq!(EventView { seat_early: early, ..EventView::of(EventId(1)) }.shows_seat(checked_in), shown);
        }
    }
}

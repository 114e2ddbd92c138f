//! The waiting list of an event: who waits for a place of a type, and the offer that holds one for a while.

use crate::{EventId, OrderId, Refusal, TicketTypeId, Time, WaiterId, person, phone, problem, refuse, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

/// Somebody who waits for a place.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    /// Number: who came first has the lower one.
    pub id: WaiterId,
    /// The event.
    pub event: EventId,
    /// The type of ticket.
    pub kind: TicketTypeId,
    /// Name.
    pub name: String,
    /// Phone in E.164.
    pub phone: String,
    /// Unguessable part of the waiter's page.
    pub link: [u8; 16],
    /// Where the wait stands.
    pub state: WaitState,
    /// When the wait began.
    pub created_at: Time,
    /// When it came into its state.
    pub changed_at: Time,
}

/// Where a wait stands.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitState {
    /// No place is free yet.
    Waiting,
    /// A place is held until then.
    Offered(Time),
    /// The place was taken.
    Taken(OrderId),
    /// The offer ran out.
    Lapsed,
    /// Given up.
    Left,
}

impl WaitState {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Offered(_) => "offered",
            Self::Taken(_) => "taken",
            Self::Lapsed => "lapsed",
            Self::Left => "left",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Waiting => "On the waiting list",
            Self::Offered(_) => "Place offered",
            Self::Taken(_) => "Place taken",
            Self::Lapsed => "Offer ran out",
            Self::Left => "Given up",
        }
    }

    /// A place is held for the waiter.
    pub fn holds_place(self) -> bool {
        matches!(self, Self::Offered(_))
    }
}

/// What happens to a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A place became free: it is held until then.
    Offer(Time),
    /// The place was taken with that order.
    Take(OrderId),
    /// The time of the offer is over.
    Lapse,
    /// The waiter gives up.
    Leave,
}

/// Where a turn leads.
pub fn next(state: WaitState, turn: Turn) -> Result<WaitState, Refusal> {
    match (state, turn) {
        (WaitState::Waiting, Turn::Offer(until)) => Ok(WaitState::Offered(until)),
        (WaitState::Offered(_), Turn::Take(order)) => Ok(WaitState::Taken(order)),
        (WaitState::Offered(_), Turn::Lapse) => Ok(WaitState::Lapsed),
        (WaitState::Waiting | WaitState::Offered(_), Turn::Leave) => Ok(WaitState::Left),
        (WaitState::Waiting, Turn::Take(_) | Turn::Lapse)
        | (WaitState::Offered(_), Turn::Offer(_))
        | (WaitState::Taken(_) | WaitState::Lapsed | WaitState::Left, _) => {
            Err(refuse!(Conflict, "waiting.no_offer", "No place is held for you here, or no longer."))
        }
    }
}

/// Most people who wait for one event.
pub const WAITERS_MAX: usize = 20_000;

/// Checks the waiting list's form; answers name and phone.
pub fn check_waiter(name: &str, typed_phone: &str) -> Result<(String, String), Refusal> {
    let mut form = Form::default();
    let name = form.required("name", name, person::NAME_MAX);
    let phone = phone::normalise(typed_phone);
    if phone.is_none() {
        form.wrong(problem!("phone", "This is not a phone number. Give 11 digits, or + and the country code."));
    }
    form.done((name, phone.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_once() {
        let until = Time(5);
        let offered = WaitState::Offered(until);
        let taken = WaitState::Taken(OrderId(1));
        let turns = [Turn::Offer(until), Turn::Take(OrderId(1)), Turn::Lapse, Turn::Leave];
        let cases = [
            (WaitState::Waiting, [Some(offered), None, None, Some(WaitState::Left)]),
            (offered, [None, Some(taken), Some(WaitState::Lapsed), Some(WaitState::Left)]),
            (taken, [None; 4]),
            (WaitState::Lapsed, [None; 4]),
            (WaitState::Left, [None; 4]),
        ];
        for (state, expected) in cases {
            assert_eq!(turns.map(|turn| next(state, turn).ok()), expected, "{state:?}");
            assert_eq!(state.holds_place(), state == offered);
        }
    }

    #[test]
    fn a_waiter_leaves_name_and_phone() {
        assert_eq!(check_waiter("", "12").unwrap_err().problems.len(), 2);
        assert_eq!(check_waiter("张三", "13812345678").unwrap(), ("张三".into(), "+8613812345678".into()));
    }
}

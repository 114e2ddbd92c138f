//! Ticket types (S0-20 … S0-25, S0-28): what an event offers, and whether one more can be taken now.

use crate::{
    EventId, Refusal, TicketTypeId, Time, Window, event, money::Money, problem, refuse, text::Form, time::Place,
};
use jiff::tz::TimeZone;
use rkyv::{Archive, Deserialize, Serialize};

/// A kind of ticket.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct TicketType {
    /// Number.
    pub id: TicketTypeId,
    /// The event that offers it.
    pub event: EventId,
    /// Name, 1–40 characters, unique in the event.
    pub name: String,
    /// Price; a type with a price cannot be taken online until a payment method exists.
    pub price: Money,
    /// How many may be taken; `None` for no limit.
    pub quota: Option<u32>,
    /// When visitors can take it; `None`: until the event ends.
    pub sale: Option<Window>,
    /// Points to note, shown where the ticket is chosen.
    pub note: String,
    /// A disabled type is not shown to visitors.
    pub enabled: bool,
    /// Order of display, lowest first.
    pub position: u16,
}

/// The most ticket types of one event.
pub const TICKET_TYPES_MAX: usize = 50;
/// The largest quota.
pub const QUOTA_MAX: u32 = 10_000_000;

/// What the ticket type form takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketTypeInput {
    /// Name.
    pub name: String,
    /// Amount in yuan; empty means free.
    pub price: String,
    /// A number; empty means no limit.
    pub quota: String,
    /// Beginning of the sale as local text, empty together with `sale_to`.
    pub sale_from: String,
    /// End of the sale.
    pub sale_to: String,
    /// Points to note.
    pub note: String,
    /// Whether visitors see it.
    pub enabled: bool,
}

/// The checked parts of a [`TicketTypeInput`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketTypeDetails {
    /// Name.
    pub name: String,
    /// Price.
    pub price: Money,
    /// How many.
    pub quota: Option<u32>,
    /// When.
    pub sale: Option<Window>,
    /// Points to note.
    pub note: String,
    /// Whether visitors see it.
    pub enabled: bool,
}

/// Checks the ticket type form. `others` are the names of the event's other types, `taken` how many of this type are out.
pub fn check_ticket_type(
    input: &TicketTypeInput,
    others: &[String],
    taken: i64,
    zone: &TimeZone,
) -> Result<TicketTypeDetails, Refusal> {
    let mut form = Form::default();
    let name = form.required("name", &input.name, 40);
    if others.contains(&name) {
        form.wrong(problem!("name", "The event already has a ticket type of this name."));
    }
    let price = match input.price.trim() {
        "" => Some(Money::cny(0)),
        text => Money::from_yuan(text),
    };
    if price.is_none() {
        form.wrong(problem!("price", "Give an amount in yuan, such as 0 or 99.50."));
    }
    let quota = quota(&mut form, &input.quota, taken);
    let sale = match (input.sale_from.trim(), input.sale_to.trim()) {
        ("", "") => None,
        (from, to) => event::window(&mut form, ("sale_from", from), ("sale_to", to), zone),
    };
    let note = form.block("note", &input.note, 500);
    form.done(())?;
    Ok(TicketTypeDetails { name, price: price.unwrap_or_default(), quota, sale, note, enabled: input.enabled })
}

fn quota(form: &mut Form, text: &str, taken: i64) -> Option<u32> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let quota: Option<u32> = text.parse().ok().filter(|n| *n <= QUOTA_MAX);
    match quota {
        None => form.wrong(problem!("quota", "Give a whole number up to {max}, or leave it empty.", max = QUOTA_MAX)),
        Some(n) if i64::from(n) < taken => {
            form.wrong(problem!(
                "quota",
                "{taken} of these tickets are already taken; the number cannot be lower.",
                taken = taken
            ));
        }
        Some(_) => {}
    }
    quota
}

/// Why a ticket of a type cannot be taken, for the page that offers it and for the verb that takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// It can be taken.
    Open,
    /// Disabled by the secretariat: not shown at all.
    Disabled,
    /// The sale has not begun.
    NotYet,
    /// The sale, or the event, is over.
    Over,
    /// None left.
    SoldOut,
    /// It has a price and there is no way to pay online.
    NoPayment,
}

/// Whether a visitor can take one more ticket of this type at `now`, when `taken` are out and the event ends at `ends`.
pub fn offer(kind: &TicketType, taken: i64, ends: Time, now: Time) -> Offer {
    if !kind.enabled {
        return Offer::Disabled;
    }
    if now >= ends {
        return Offer::Over;
    }
    match kind.sale.map(|sale| sale.place(now)) {
        Some(Place::Before) => return Offer::NotYet,
        Some(Place::After) => return Offer::Over,
        Some(Place::Inside) | None => {}
    }
    if !has_room(kind, taken) {
        return Offer::SoldOut;
    }
    if !kind.price.is_free() {
        return Offer::NoPayment;
    }
    Offer::Open
}

/// Whether the quota holds one more.
pub fn has_room(kind: &TicketType, taken: i64) -> bool {
    kind.quota.is_none_or(|quota| taken < i64::from(quota))
}

impl Offer {
    /// The refusal for somebody who tries to take the ticket all the same.
    pub fn check(self, name: &str) -> Result<(), Refusal> {
        Err(match self {
            Self::Open => return Ok(()),
            Self::Disabled => {
                refuse!(Conflict, "ticket_type.disabled", "The ticket “{name}” is not offered any more.", name = name)
            }
            Self::NotYet => {
                refuse!(Conflict, "ticket_type.not_yet", "The ticket “{name}” is not on offer yet.", name = name)
            }
            Self::Over => {
                refuse!(Conflict, "ticket_type.over", "The ticket “{name}” is no longer on offer.", name = name)
            }
            Self::SoldOut => sold_out(name),
            Self::NoPayment => {
                refuse!(
                    Conflict,
                    "ticket_type.no_payment",
                    "The ticket “{name}” must be paid for. Ask the secretariat for it.",
                    name = name
                )
            }
        })
    }
}

/// The refusal when the quota is used up.
pub fn sold_out(name: &str) -> Refusal {
    refuse!(Conflict, "ticket_type.sold_out", "The ticket “{name}” is sold out.", name = name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind() -> TicketType {
        TicketType {
            id: TicketTypeId(1),
            event: EventId(1),
            name: "Standard".into(),
            price: Money::cny(0),
            quota: Some(10),
            sale: Some(Window { from: Time(100), to: Time(200) }),
            note: String::new(),
            enabled: true,
            position: 0,
        }
    }

    #[test]
    fn a_ticket_is_on_offer_inside_its_sale_while_there_are_some() {
        let off = TicketType { enabled: false, ..kind() };
        let priced = TicketType { price: Money::cny(1), ..kind() };
        let endless = TicketType { quota: None, sale: None, ..kind() };
        let cases = [
            (&kind(), 9, 150, Offer::Open),
            (&kind(), 10, 150, Offer::SoldOut),
            (&kind(), 0, 99, Offer::NotYet),
            (&kind(), 0, 200, Offer::Over),
            (&off, 0, 150, Offer::Disabled),
            (&priced, 0, 150, Offer::NoPayment),
            (&endless, 1_000_000, 0, Offer::Open),
            (&endless, 0, 300, Offer::Over),
        ];
        for (kind, taken, now, expected) in cases {
            assert_eq!(offer(kind, taken, Time(300), Time(now)), expected, "taken {taken} at {now}");
            assert_eq!(expected.check("x").is_ok(), expected == Offer::Open);
        }
    }

    #[test]
    fn the_form_is_checked_as_a_whole() {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let input = TicketTypeInput {
            name: "A".into(),
            price: "1.234".into(),
            quota: "4".into(),
            sale_from: "2026-01-01T00:00".into(),
            ..TicketTypeInput::default()
        };
        let refusal = check_ticket_type(&input, &["A".into()], 5, &zone).unwrap_err();
        let fields: Vec<_> = refusal.problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["name", "price", "quota", "sale_to"]);
        let sound =
            TicketTypeInput { name: "B".into(), quota: "5".into(), enabled: true, ..TicketTypeInput::default() };
        let details = check_ticket_type(&sound, &["A".into()], 5, &zone).unwrap();
        assert_eq!((details.quota, details.price, details.sale), (Some(5), Money::cny(0), None));
    }
}

//! Ticket types (S0-20 … S0-26, S0-28): what an event offers, at which price, and whether one more can be taken now.

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
    /// Price, once no step holds any more.
    pub price: Money,
    /// Lower prices for those who come early, in the order they are tried.
    pub steps: Vec<PriceStep>,
    /// How many may be taken; `None` for no limit.
    pub quota: Option<u32>,
    /// When visitors can take it; `None`: until the event ends.
    pub sale: Option<Window>,
    /// Points to note, shown where the ticket is chosen.
    pub note: String,
    /// A disabled type is not shown to visitors.
    pub enabled: bool,
    /// The secretariat must approve each (S0-26).
    pub review: bool,
    /// Only offered to those who have a code that opens it.
    pub locked: bool,
    /// For somebody who comes along: an order has at most as many of these as of others.
    pub companion: bool,
    /// Order of display, lowest first.
    pub position: u16,
}

/// A price for those who come early: it holds before an instant, for the first so many tickets, or both.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PriceStep {
    /// The price.
    pub price: Money,
    /// Before this instant; none: whenever.
    pub until: Option<Time>,
    /// For the first so many tickets of the type; none: for all.
    pub first: Option<u32>,
}

/// Most price steps of one type.
pub const STEPS_MAX: usize = 3;

impl TicketType {
    /// Everything but its place, with times moved by `shift` milliseconds: what a copy is made of.
    pub fn details(&self, shift: i64) -> TicketTypeDetails {
        let moved = |step: &PriceStep| PriceStep { until: step.until.map(|until| until.plus(shift)), ..step.clone() };
        TicketTypeDetails {
            name: self.name.clone(),
            price: self.price,
            quota: self.quota,
            sale: self.sale.map(|sale| Window { from: sale.from.plus(shift), to: sale.to.plus(shift) }),
            note: self.note.clone(),
            enabled: self.enabled,
            steps: self.steps.iter().map(moved).collect(),
            review: self.review,
            locked: self.locked,
            companion: self.companion,
            member: None,
        }
    }

    /// What one costs at `now`, when `taken` are out: the first step that holds, or else the price.
    pub fn price_at(&self, taken: i64, now: Time) -> Money {
        let holds = |step: &&PriceStep| {
            step.until.is_none_or(|until| now < until) && step.first.is_none_or(|first| taken < i64::from(first))
        };
        self.steps.iter().find(holds).map_or(self.price, |step| step.price)
    }
}

/// What is left of a type, as the store counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stock {
    /// Places of the type that are taken, or held for somebody.
    pub taken: i64,
    /// The least that any quota shared with other types leaves; none when it shares none.
    pub shared: Option<i64>,
    /// People on the waiting list without an offer: what becomes free is theirs first.
    pub waiting: i64,
    /// There is a way to pay.
    pub payable: bool,
}

impl Stock {
    /// How many can still be given out; none without a limit.
    pub fn left(&self, kind: &TicketType) -> Option<i64> {
        let own = kind.quota.map(|quota| i64::from(quota) - self.taken);
        [own, self.shared].into_iter().flatten().min().map(|left| left.max(0))
    }

    /// How many a visitor can still take: what is left behind those who wait.
    pub fn open(&self, kind: &TicketType) -> Option<i64> {
        self.left(kind).map(|left| (left - self.waiting).max(0))
    }
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
    /// Early prices: amount, until, first so many; all empty where there is none.
    pub steps: [(String, String, String); STEPS_MAX],
    /// The secretariat approves each.
    pub review: bool,
    /// Only with a code.
    pub locked: bool,
    /// For somebody who comes along.
    pub companion: bool,
    /// What members pay, in yuan; empty: the same as others.
    pub member_price: String,
    /// Only members can take it.
    pub members_only: bool,
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
    /// Early prices.
    pub steps: Vec<PriceStep>,
    /// The secretariat approves each.
    pub review: bool,
    /// Only with a code.
    pub locked: bool,
    /// For somebody who comes along.
    pub companion: bool,
    /// The price for members, and whether only they can take it; none: the same for everybody.
    pub member: Option<(Option<Money>, bool)>,
}

impl TicketTypeDetails {
    /// A type that everybody can take for nothing (S0-18).
    pub fn free(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            price: Money::cny(0),
            quota: None,
            sale: None,
            note: String::new(),
            enabled: true,
            steps: Vec::new(),
            review: false,
            locked: false,
            companion: false,
            member: None,
        }
    }
}

/// Reads a price; nothing typed means free.
pub(crate) fn price(form: &mut Form, field: &str, typed: &str) -> Money {
    if typed.trim().is_empty() {
        return Money::cny(0);
    }
    let price = Money::from_yuan(typed);
    if price.is_none() {
        form.wrong(problem!(field, "Give an amount in yuan, such as 0 or 99.50."));
    }
    price.unwrap_or_default()
}

fn steps(form: &mut Form, typed: &[(String, String, String)], zone: &TimeZone) -> Vec<PriceStep> {
    let mut steps = Vec::new();
    for (at, (amount, until, first)) in (1..).zip(typed) {
        let (amount, until, first) = (amount.trim(), until.trim(), first.trim());
        if amount.is_empty() && until.is_empty() && first.is_empty() {
            continue;
        }
        let read = Money::from_yuan(amount);
        if read.is_none() {
            form.wrong(problem!(format!("step-{at}-price"), "Give an amount in yuan, such as 0 or 99.50."));
        }
        let end = if until.is_empty() { None } else { Time::from_local(until, zone) };
        if end.is_none() && !until.is_empty() {
            form.wrong(problem!(format!("step-{at}-until"), "Give date and time, such as 2026-11-25 09:00."));
        }
        let count: Option<u32> = first.parse().ok().filter(|n| (1..=QUOTA_MAX).contains(n));
        if count.is_none() && !first.is_empty() {
            form.wrong(problem!(format!("step-{at}-first"), "Give a whole number above zero, or leave it empty."));
        }
        if until.is_empty() && first.is_empty() {
            form.wrong(problem!(
                format!("step-{at}-until"),
                "Say until when this price holds, or for how many tickets."
            ));
        }
        steps.push(PriceStep { price: read.unwrap_or_default(), until: end, first: count });
    }
    steps
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
    let price = price(&mut form, "price", &input.price);
    let steps = steps(&mut form, &input.steps, zone);
    let quota = quota(&mut form, "quota", &input.quota, taken);
    let sale = match (input.sale_from.trim(), input.sale_to.trim()) {
        ("", "") => None,
        (from, to) => event::window(&mut form, ("sale_from", from), ("sale_to", to), zone),
    };
    let note = form.block("note", &input.note, 500);
    let member = crate::member::check_offer(&mut form, &input.member_price, input.members_only, price);
    form.done(TicketTypeDetails {
        name,
        price,
        quota,
        sale,
        note,
        enabled: input.enabled,
        steps,
        review: input.review,
        locked: input.locked,
        companion: input.companion,
        member,
    })
}

pub(crate) fn quota(form: &mut Form, field: &str, text: &str, taken: i64) -> Option<u32> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let quota: Option<u32> = text.parse().ok().filter(|n| *n <= QUOTA_MAX);
    match quota {
        None => form.wrong(problem!(field, "Give a whole number up to {max}, or leave it empty.", max = QUOTA_MAX)),
        Some(n) if i64::from(n) < taken => {
            form.wrong(problem!(
                field,
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

/// Whether a visitor can take one more ticket of this type at `now`, when the event ends at `ends`. `unlocked` tells whether the visitor's
/// code opens the type.
pub fn offer(kind: &TicketType, stock: &Stock, unlocked: bool, ends: Time, now: Time) -> Offer {
    if !kind.enabled || kind.locked && !unlocked {
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
    if stock.open(kind) == Some(0) {
        return Offer::SoldOut;
    }
    if !stock.payable && !kind.price_at(stock.taken, now).is_free() {
        return Offer::NoPayment;
    }
    Offer::Open
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
            steps: Vec::new(),
            review: false,
            locked: false,
            companion: false,
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
            let stock = Stock { taken, ..Stock::default() };
            assert_eq!(offer(kind, &stock, false, Time(300), Time(now)), expected, "taken {taken} at {now}");
            assert_eq!(expected.check("x").is_ok(), expected == Offer::Open);
        }
    }

    #[test]
    fn what_is_left_is_the_least_of_all_quotas_and_theirs_first_who_wait() {
        let endless = TicketType { quota: None, ..kind() };
        let cases = [
            (&kind(), 4, None, 0, Some(6), Some(6)),
            (&kind(), 4, Some(2), 0, Some(2), Some(2)),
            (&kind(), 4, Some(-3), 0, Some(0), Some(0)),
            (&kind(), 4, None, 4, Some(6), Some(2)),
            (&kind(), 4, None, 9, Some(6), Some(0)),
            (&endless, 4, None, 9, None, None),
            (&endless, 4, Some(1), 0, Some(1), Some(1)),
        ];
        for (kind, taken, shared, waiting, left, open) in cases {
            let stock = Stock { taken, shared, waiting, payable: true };
            assert_eq!((stock.left(kind), stock.open(kind)), (left, open), "{stock:?}");
        }
    }

    #[test]
    fn codes_open_locked_types_and_prices_need_a_way_to_pay() {
        let locked = TicketType { locked: true, ..kind() };
        let priced = TicketType { price: Money::cny(1), ..kind() };
        let stock = |payable| Stock { payable, ..Stock::default() };
        let cases = [
            (&locked, true, false, Offer::Disabled),
            (&locked, true, true, Offer::Open),
            (&priced, true, false, Offer::Open),
            (&priced, false, false, Offer::NoPayment),
        ];
        for (kind, payable, unlocked, expected) in cases {
            assert_eq!(offer(kind, &stock(payable), unlocked, Time(300), Time(150)), expected);
        }
    }

    #[test]
    fn who_comes_early_pays_less() {
        let step = |fen, until: Option<i64>, first| PriceStep { price: Money::cny(fen), until: until.map(Time), first };
        let kind = TicketType {
            price: Money::cny(300),
            steps: vec![step(100, Some(50), Some(10)), step(200, Some(80), None)],
            ..kind()
        };
        for (taken, now, fen) in [(0, 10, 100), (9, 49, 100), (10, 49, 200), (0, 50, 200), (99, 79, 200), (0, 80, 300)]
        {
            assert_eq!(kind.price_at(taken, Time(now)).fen, fen, "{taken} taken at {now}");
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
            steps: [
                ("1".into(), String::new(), String::new()),
                ("x".into(), "tomorrow".into(), "0".into()),
                Default::default(),
            ],
            ..TicketTypeInput::default()
        };
        let refusal = check_ticket_type(&input, &["A".into()], 5, &zone).unwrap_err();
        let fields: Vec<_> = refusal.problems.iter().map(|p| p.field.as_str()).collect();
        let steps = ["step-1-until", "step-2-price", "step-2-until", "step-2-first"];
        assert_eq!(fields, [&["name", "price"][..], &steps, &["quota", "sale_to"]].concat());
        let sound =
            TicketTypeInput { name: "B".into(), quota: "5".into(), enabled: true, ..TicketTypeInput::default() };
        let details = check_ticket_type(&sound, &["A".into()], 5, &zone).unwrap();
        assert_eq!((details.quota, details.price, details.sale), (Some(5), Money::cny(0), None));
    }
}

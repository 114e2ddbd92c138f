//! Orders (S0-26, S0-49, S0-50): what somebody takes for one or several people, the states it goes through, and the money that came
//! in and went back. Whether a place is free is for `ticket_type` and `quota` to say.

mod state;
mod sum;

pub use state::{Act, OrderState, next};
pub use sum::Sums;

use crate::{
    AddOnId, EventId, Money, OrderId, PersonId, Refusal, TicketId, TicketTypeId, Time, VoucherId, audit::By,
    payment::Method, person, problem, refuse, text::Form,
};
use rkyv::{Archive, Deserialize, Serialize};

/// What somebody took at one event, for one or several people.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Number within the space.
    pub id: OrderId,
    /// The event.
    pub event: EventId,
    /// What people quote when they pay: letters and digits, unique in the space.
    pub number: String,
    /// Unguessable part of the order page's address.
    pub link: [u8; 16],
    /// Who ordered.
    pub buyer: Buyer,
    /// Where it stands.
    pub state: OrderState,
    /// What was ordered, at the prices of that moment.
    pub lines: Vec<Line>,
    /// The code that was given with it.
    pub voucher: Option<VoucherId>,
    /// How the buyer means to pay.
    pub method: Option<Method>,
    /// When unpaid places become free again; none: never by themselves.
    pub hold_until: Option<Time>,
    /// Money that came in and went back, oldest first.
    pub entries: Vec<Entry>,
    /// Why it was refused or canceled, for the buyer.
    pub reason: String,
    /// When it was made.
    pub created_at: Time,
    /// When it came into its state.
    pub changed_at: Time,
    /// Raised by each change.
    pub revision: u32,
}

/// Who ordered, as typed with the order.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Buyer {
    /// The person.
    pub person: PersonId,
    /// Name.
    pub name: String,
    /// Phone in E.164.
    pub phone: Option<String>,
}

/// One thing of an order.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What.
    pub item: Item,
    /// What it was called.
    pub name: String,
    /// What one costs by itself.
    pub price: Money,
    /// What was taken off by a code.
    pub off: Money,
    /// The order's code was used for it.
    pub code: bool,
    /// It was given back for its money.
    pub returned: bool,
}

/// What a line is about.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// A ticket of that type.
    Ticket(TicketId, TicketTypeId),
    /// Something beside a person's ticket.
    AddOn(AddOnId, TicketId),
    /// A gift to the association.
    Donation,
}

/// Money that came in or went back.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// In or out.
    pub flow: Flow,
    /// How.
    pub method: Method,
    /// How much, always above zero.
    pub amount: Money,
    /// When it was recorded.
    pub at: Time,
    /// Who recorded it.
    pub by: By,
    /// Number of the bank's slip, the receipt or the like.
    pub reference: String,
    /// The stored picture of the slip: SHA-256 of the file.
    pub slip: Option<[u8; 32]>,
    /// Note.
    pub note: String,
}

/// Which way money goes.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Paid to the association.
    In,
    /// Given back.
    Out,
}

/// Most people of one order.
pub const PEOPLE_MAX: usize = 20;
/// Most entries of one order.
pub const ENTRIES_MAX: usize = 50;
/// The largest donation with an order: ¥100,000.00.
pub const DONATION_MAX: i64 = 10_000_000;
/// Longest reason, reference and note in characters.
pub const REASON_MAX: usize = 200;

impl Line {
    /// What it costs in this order.
    pub fn due(&self) -> i64 {
        self.price.fen - self.off.fen
    }

    /// It was reduced because its holder is a member: what is taken off without a code.
    pub fn is_for_member(&self) -> bool {
        self.off.fen > 0 && !self.code
    }
}

impl Order {
    /// The tickets of the order.
    pub fn tickets(&self) -> impl Iterator<Item = (TicketId, TicketTypeId)> + '_ {
        self.lines.iter().filter_map(|line| match line.item {
            Item::Ticket(ticket, kind) => Some((ticket, kind)),
            Item::AddOn(..) | Item::Donation => None,
        })
    }

    /// Whether all its tickets were given back.
    pub fn is_nobodys(&self) -> bool {
        self.lines.iter().all(|line| line.returned || !matches!(line.item, Item::Ticket(..)))
    }

    /// Its money.
    pub fn sums(&self) -> Sums {
        Sums::of(self)
    }

    /// What the order's state means for its tickets that were not given back.
    pub fn ticket_state(&self) -> crate::TicketState {
        self.state.of_tickets()
    }
}

/// What the form takes that records money.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryInput {
    /// Amount in yuan.
    pub amount: String,
    /// Code of the method.
    pub method: String,
    /// Number of the slip.
    pub reference: String,
    /// Note.
    pub note: String,
}

/// The checked parts of an [`EntryInput`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryDetails {
    /// How much.
    pub amount: Money,
    /// How.
    pub method: Method,
    /// Number of the slip.
    pub reference: String,
    /// Note.
    pub note: String,
}

/// Checks the form that records money.
pub fn check_entry(input: &EntryInput) -> Result<EntryDetails, Refusal> {
    let mut form = Form::default();
    let amount = Money::from_yuan(&input.amount).filter(|amount| amount.fen > 0);
    if amount.is_none() {
        form.wrong(problem!("amount", "Give an amount in yuan above zero, such as 99.50."));
    }
    let method = Method::parse(&input.method);
    if method.is_none() {
        form.wrong(problem!("method", "Choose one of the given answers."));
    }
    let reference = form.optional("reference", &input.reference, REASON_MAX);
    let note = form.optional("note", &input.note, REASON_MAX);
    form.done(())?;
    let (Some(amount), Some(method)) = (amount, method) else {
        return Err(Refusal::invalid(vec![problem!("amount", "Give an amount in yuan above zero, such as 99.50.")]));
    };
    Ok(EntryDetails { amount, method, reference, note })
}

/// Checks a buyer's typed donation; empty is none.
pub fn check_donation(form: &mut Form, typed: &str) -> i64 {
    if typed.trim().is_empty() {
        return 0;
    }
    match Money::from_yuan(typed).filter(|amount| amount.fen <= DONATION_MAX) {
        Some(amount) => amount.fen,
        None => {
            let max = Money::cny(DONATION_MAX).to_yuan();
            form.wrong(problem!("donation", "Give an amount in yuan up to {max}, or leave it empty.", max = max));
            0
        }
    }
}

/// Whether one more entry of money may be written, and whether it may be given back.
pub fn check_flow(order: &Order, flow: Flow, amount: Money) -> Result<(), Refusal> {
    if order.entries.len() >= ENTRIES_MAX {
        return Err(refuse!(
            Conflict,
            "order.too_many_entries",
            "An order can have at most {max} payments and refunds.",
            max = ENTRIES_MAX
        ));
    }
    let sums = order.sums();
    if flow == Flow::Out && amount.fen > sums.balance() {
        return Err(refuse!(
            Conflict,
            "order.refund_too_much",
            "Only {balance} yuan were paid and not given back yet.",
            balance = Money::cny(sums.balance()).to_yuan()
        ));
    }
    Ok(())
}

/// An order's number out of a random value: two letters and eight digits, without those that are read wrongly over the phone.
pub fn number(random: u64) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    let letter = |n: u64| LETTERS.get((n % 24) as usize).map_or('A', |byte| char::from(*byte));
    let (first, second) = (letter(random >> 56), letter(random >> 48));
    format!("{first}{second}{:08}", random % 100_000_000)
}

/// Longest name of a buyer, as of any person.
pub const NAME_MAX: usize = person::NAME_MAX;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn line(item: Item, price: i64, off: i64) -> Line {
        Line {
            item,
            name: "Standard".into(),
            price: Money::cny(price),
            off: Money::cny(off),
            code: off > 0,
            returned: false,
        }
    }

    pub(crate) fn order(state: OrderState, lines: Vec<Line>) -> Order {
        Order {
            id: OrderId(1),
            event: EventId(1),
            number: number(1),
            link: [1; 16],
            buyer: Buyer { person: PersonId(1), name: "张三".into(), phone: None },
            state,
            lines,
            voucher: None,
            method: None,
            hold_until: None,
            entries: Vec::new(),
            reason: String::new(),
            created_at: Time(0),
            changed_at: Time(0),
            revision: 0,
        }
    }

    #[test]
    fn numbers_are_short_and_plain() {
        for seed in 0..500u64 {
            let number = number(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            assert_eq!(number.len(), 10);
            assert!(number.chars().take(2).all(|c| c.is_ascii_uppercase() && !matches!(c, 'I' | 'O')));
            assert!(number.chars().skip(2).all(|c| c.is_ascii_digit()));
        }
    }

    #[test]
    fn money_is_recorded_with_an_amount_and_a_known_method() {
        let input = |amount: &str, method: &str| EntryInput {
            amount: amount.into(),
            method: method.into(),
            reference: "R1".into(),
            note: String::new(),
        };
        let cases = [("99.50", "cash", true), ("0", "cash", false), ("-1", "cash", false), ("1", "barter", false)];
        for (amount, method, sound) in cases {
            assert_eq!(check_entry(&input(amount, method)).is_ok(), sound, "{amount} {method}");
        }
    }

    #[test]
    fn donations_are_amounts_with_a_limit() {
        let cases = [
            ("", 0, true),
            ("10", 1_000, true),
            ("100000", DONATION_MAX, true),
            ("100000.01", 0, false),
            ("x", 0, false),
        ];
        for (typed, fen, sound) in cases {
            let mut form = Form::default();
            assert_eq!(check_donation(&mut form, typed), fen, "{typed}");
            assert_eq!(form.problems.is_empty(), sound, "{typed}");
        }
    }
}

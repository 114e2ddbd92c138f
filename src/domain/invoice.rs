//! Invoices (发票): what a buyer asks for, and how far the secretariat is with it. The invoice itself is made in the tax office's system; here is
//! who wants one, over how much, and which number it got.

use crate::{
    AccountId, EventId, InvoiceId, Money, OrderId, Refusal, Time, field, problem, refuse,
    text::{self, Form},
};
use rkyv::{Archive, Deserialize, Serialize};

/// A wish for an invoice and what became of it.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Number within the space.
    pub id: InvoiceId,
    /// The event.
    pub event: EventId,
    /// The order that it is over.
    pub order: OrderId,
    /// To whom.
    pub details: InvoiceDetails,
    /// How far it is.
    pub state: InvoiceState,
    /// When it was asked for.
    pub created_at: Time,
    /// When it came into its state.
    pub changed_at: Time,
    /// Raised by each change; a form that was opened on an older one is refused.
    pub revision: u32,
}

/// To whom an invoice is made out.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct InvoiceDetails {
    /// Title (抬头).
    pub title: String,
    /// Tax number (税号) of an organisation; empty for a person.
    pub tax_number: String,
    /// Where it is sent.
    pub email: String,
    /// What else the accountant must know.
    pub note: String,
}

/// How far an invoice is.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum InvoiceState {
    /// Asked for.
    Requested,
    /// Made.
    Issued(Issued),
    /// Taken back after it was made (红冲), or not made at all, with the reason.
    Void(Option<Issued>, String),
}

/// An invoice that was made.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Its number in the tax office's system.
    pub number: String,
    /// Over how much.
    pub amount: Money,
    /// When it was recorded.
    pub at: Time,
    /// Who recorded it.
    pub by: Option<AccountId>,
}

impl InvoiceState {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Issued(_) => "issued",
            Self::Void(..) => "void",
        }
    }

    /// English source text.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Requested => "Requested",
            Self::Issued(_) => "Invoiced",
            Self::Void(..) => "Void",
        }
    }

    /// What was made, whether it stands or not.
    pub fn issued(&self) -> Option<&Issued> {
        match self {
            Self::Requested => None,
            Self::Issued(issued) => Some(issued),
            Self::Void(issued, _) => issued.as_ref(),
        }
    }
}

/// Codes of the states, for filters.
pub const STATES: [(&str, &str); 3] = [("requested", "Requested"), ("issued", "Invoiced"), ("void", "Void")];
/// Most invoices of one order, void ones included.
pub const INVOICES_MAX: usize = 20;
/// Longest title in characters.
pub const TITLE_MAX: usize = 100;
/// Longest reason and note in characters.
pub const NOTE_MAX: usize = 200;

/// What the form of a wish takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InvoiceInput {
    /// Title.
    pub title: String,
    /// It is for a person, who has no tax number.
    pub person: bool,
    /// Tax number.
    pub tax_number: String,
    /// E-mail.
    pub email: String,
    /// Note.
    pub note: String,
}

impl InvoiceInput {
    /// The form of what is kept.
    pub fn of(details: &InvoiceDetails) -> Self {
        Self {
            title: details.title.clone(),
            person: details.tax_number.is_empty(),
            tax_number: details.tax_number.clone(),
            email: details.email.clone(),
            note: details.note.clone(),
        }
    }
}

/// Checks the form of a wish.
pub fn check_invoice(input: &InvoiceInput) -> Result<InvoiceDetails, Refusal> {
    let mut form = Form::default();
    let title = form.required("title", &input.title, TITLE_MAX);
    let typed = form.optional("tax_number", &input.tax_number, 40);
    let number = tax_number(&typed);
    match (&number, input.person) {
        (_, true) if typed.is_empty() => {}
        (_, true) => form.wrong(problem!("tax_number", "A person has no tax number. Leave it empty.")),
        (None, false) if typed.is_empty() => {
            form.wrong(problem!("tax_number", "An organisation needs its tax number. For a person tick the box."));
        }
        (None, false) => form.wrong(problem!(
            "tax_number",
            "This tax number is not right. Check its 18 characters against the business licence."
        )),
        (Some(_), false) => {}
    }
    let email = match text::line(&input.email).as_str() {
        "" => String::new(),
        typed => field::email(typed).unwrap_or_else(|| {
            form.wrong(problem!("email", "This is not an e-mail address, such as name@example.com."));
            String::new()
        }),
    };
    let note = form.optional("note", &input.note, NOTE_MAX);
    form.done(InvoiceDetails { title, tax_number: number.unwrap_or_default(), email, note })
}

/// A tax number as it is kept, when it is one: the unified social credit code of 18 characters with its check character (GB 32100-2015), or one
/// of the older numbers of 15 or 20 characters, which have none.
pub fn tax_number(typed: &str) -> Option<String> {
    let plain: String = typed
        .chars()
        .map(text::half_width)
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let sound = match plain.len() {
        18 => credit_code_is_right(&plain),
        15 => plain.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()),
        20 => plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'X'),
        _ => false,
    };
    sound.then_some(plain)
}

/// Characters of a unified social credit code in the order of their values; I, O, S, V and Z are none.
const CREDIT: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

fn credit_code_is_right(code: &str) -> bool {
    let mut values = Vec::with_capacity(18);
    for c in code.chars() {
        let Some(value) = CREDIT.chars().position(|known| known == c) else { return false };
        values.push(value);
    }
    let Some((check, body)) = values.split_last() else { return false };
    // The weight of each place is the next power of 3 modulo 31.
    let mut weight = 1;
    let mut sum = 0;
    for value in body {
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    *check == (31 - sum % 31) % 31
}

/// Checks the number that an invoice got: 8 to 20 digits.
pub fn check_number(typed: &str) -> Result<String, Refusal> {
    let plain: String = typed.chars().map(text::half_width).filter(|c| !c.is_whitespace() && *c != '-').collect();
    let sound = (8..=20).contains(&plain.len()) && plain.bytes().all(|byte| byte.is_ascii_digit());
    if sound {
        return Ok(plain);
    }
    Err(Refusal::invalid(vec![problem!("number", "An invoice number has 8 to 20 digits.")]))
}

/// What is done to an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Other details are given.
    Change,
    /// It was made.
    Issue(Issued),
    /// It is taken back, or not made.
    Void(String),
}

/// The state that an act leads to. What was made is not changed but taken back; what is void stays void.
pub fn next(state: &InvoiceState, act: Act) -> Result<InvoiceState, Refusal> {
    match (state, act) {
        (InvoiceState::Requested, Act::Change) => Ok(InvoiceState::Requested),
        (InvoiceState::Requested, Act::Issue(issued)) if issued.amount.fen > 0 => Ok(InvoiceState::Issued(issued)),
        (InvoiceState::Requested, Act::Issue(_)) => Err(refuse!(
            Conflict,
            "invoice.nothing",
            "There is no money in this order, so there is nothing to invoice."
        )),
        (InvoiceState::Requested, Act::Void(reason)) => Ok(InvoiceState::Void(None, reason)),
        (InvoiceState::Issued(issued), Act::Void(reason)) => Ok(InvoiceState::Void(Some(issued.clone()), reason)),
        (InvoiceState::Issued(_) | InvoiceState::Void(..), _) => Err(refuse!(
            Conflict,
            "invoice.done",
            "This invoice was made or is void. Void what is wrong and ask for a new one."
        )),
    }
}

/// Whether an order can be invoiced anew: money is there, and no other invoice of it is open or stands.
pub fn check_request(balance: Money, others: &[Invoice]) -> Result<(), Refusal> {
    if balance.fen <= 0 {
        return Err(refuse!(
            Conflict,
            "invoice.nothing",
            "There is no money in this order, so there is nothing to invoice."
        ));
    }
    if others.iter().any(|other| !matches!(other.state, InvoiceState::Void(..))) {
        return Err(refuse!(Conflict, "invoice.there", "There is an invoice for this order already."));
    }
    if others.len() >= INVOICES_MAX {
        return Err(refuse!(
            Conflict,
            "invoice.too_many",
            "An order can have at most {max} invoices, void ones included.",
            max = INVOICES_MAX
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(fen: i64) -> Issued {
        Issued { number: "12345678".into(), amount: Money::cny(fen), at: Time(1), by: None }
    }

    #[test]
    fn a_tax_number_is_held_against_its_check_character() {
        let cases = [
            ("91350100M000100Y43", true),
            (" 9135 0100 m000 100y 43", true),
            ("９１３５０１００Ｍ０００１００Ｙ４３", true),
            ("91350100M000100Y44", false),
            ("91350100M000100Y4", false),
            ("91350100I000100Y43", false),
            ("92350100M000100Y43", false),
            ("110101123456789", true),
            ("11010119491231002X01", true),
            ("1101011234567890", false),
            ("", false),
            ("'; DROP TABLE--", false),
        ];
        for (typed, sound) in cases {
            assert_eq!(tax_number(typed).is_some(), sound, "{typed}");
        }
        assert_eq!(tax_number("9135 0100 m000 100y 43").as_deref(), Some("91350100M000100Y43"));
    }

    #[test]
    fn an_organisation_gives_its_tax_number_and_a_person_none() {
        let input = |person: bool, tax_number: &str, email: &str| InvoiceInput {
            title: "青松科技有限公司".into(),
            person,
            tax_number: tax_number.into(),
            email: email.into(),
            note: String::new(),
        };
        let cases = [
            (input(false, "91350100M000100Y43", "a@example.com"), vec![]),
            (input(false, "", ""), vec!["tax_number"]),
            (input(false, "91350100M000100Y44", "nowhere"), vec!["tax_number", "email"]),
            (input(true, "", ""), vec![]),
            (input(true, "91350100M000100Y43", ""), vec!["tax_number"]),
            (InvoiceInput { title: " ".into(), ..input(true, "", "") }, vec!["title"]),
            (InvoiceInput { title: "长".repeat(101), ..input(true, "", "") }, vec!["title"]),
        ];
        for (input, wrong) in cases {
            let problems = check_invoice(&input).err().map_or_else(Vec::new, |refusal| refusal.problems);
            let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
            assert_eq!(fields, wrong, "{input:?}");
        }
    }

    #[test]
    fn only_the_listed_ways_lead_from_state_to_state() {
        let states = [InvoiceState::Requested, InvoiceState::Issued(issued(5)), InvoiceState::Void(None, "x".into())];
        let acts = [Act::Change, Act::Issue(issued(5)), Act::Issue(issued(0)), Act::Void("y".into())];
        let expected = [
            [Ok("requested"), Ok("issued"), Err("invoice.nothing"), Ok("void")],
            [Err("invoice.done"), Err("invoice.done"), Err("invoice.done"), Ok("void")],
            [Err("invoice.done"), Err("invoice.done"), Err("invoice.done"), Err("invoice.done")],
        ];
        for (state, row) in states.iter().zip(expected) {
            for (act, expected) in acts.iter().zip(row) {
                let found = next(state, act.clone()).map(|state| state.code()).map_err(|refusal| refusal.code);
                assert_eq!(found, expected, "{state:?} {act:?}");
            }
        }
        let void = next(&states[1], Act::Void("y".into())).unwrap();
        assert_eq!(void.issued().map(|issued| issued.amount), Some(Money::cny(5)), "what was made stays readable");
    }

    #[test]
    fn an_order_has_one_invoice_that_stands() {
        let of = |state| Invoice {
            id: InvoiceId(1),
            event: EventId(1),
            order: OrderId(1),
            details: InvoiceDetails::default(),
            state,
            created_at: Time(0),
            changed_at: Time(0),
            revision: 0,
        };
        let void = || of(InvoiceState::Void(None, String::new()));
        let cases = [
            (0, vec![], Some("invoice.nothing")),
            (1, vec![], None),
            (1, vec![void()], None),
            (1, vec![void(), of(InvoiceState::Requested)], Some("invoice.there")),
            (1, vec![of(InvoiceState::Issued(issued(1)))], Some("invoice.there")),
            (1, (0..INVOICES_MAX).map(|_| void()).collect(), Some("invoice.too_many")),
        ];
        for (balance, others, refused) in cases {
            assert_eq!(check_request(Money::cny(balance), &others).err().map(|refusal| refusal.code), refused);
        }
    }

    #[test]
    fn an_invoice_number_is_digits() {
        let cases = [("12345678", true), ("1234 5678 9012 3456 7890", true), ("1234567", false), ("12345678a", false)];
        for (typed, sound) in cases {
            assert_eq!(check_number(typed).is_ok(), sound, "{typed}");
        }
    }
}

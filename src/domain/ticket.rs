//! A ticket: one person's place at one event; whether its holder came in is for the scan log to say (S0-37 … S0-48, S0-82).

use crate::{
    EventId, GroupId, OrderId, PersonId, Problem, Refusal, TicketId, TicketTypeId, Time,
    field::{Answer, Field},
    person, problem, refuse,
    text::Form,
};
use rkyv::{Archive, Deserialize, Serialize};

/// Whether the place still stands, and what is wanting before its holder may come in.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TicketState {
    /// Registered.
    Active,
    /// Given up or taken back; the place is free again.
    Canceled,
    /// The place is held until the secretariat approves it.
    Unapproved,
    /// The place is held until it is paid for.
    Unpaid,
    /// Given back for its money; the place is free again.
    Refunded,
    /// Shut out by the secretariat; the place is not free.
    Blocked,
}

impl TicketState {
    /// Every state.
    pub const ALL: &[Self] =
        &[Self::Active, Self::Canceled, Self::Unapproved, Self::Unpaid, Self::Refunded, Self::Blocked];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Canceled => "canceled",
            Self::Unapproved => "unapproved",
            Self::Unpaid => "unpaid",
            Self::Refunded => "refunded",
            Self::Blocked => "blocked",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Active => "Registered",
            Self::Canceled => "Canceled",
            Self::Unapproved => "Pending review",
            Self::Unpaid => "Pending payment",
            Self::Refunded => "Refunded",
            Self::Blocked => "Blocked",
        }
    }

    /// Nobody else can have the place: what the stock is held against.
    pub fn holds_place(self) -> bool {
        !matches!(self, Self::Canceled | Self::Refunded)
    }
}

/// How the registration came in.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The person registered on the phone page.
    Phone,
    /// Added by the secretariat.
    Secretariat,
    /// Came with an imported list.
    Import,
    /// Passed on by whoever held it before.
    Passed,
}

impl Source {
    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Phone => "Registered online",
            Self::Secretariat => "Added by hand",
            Self::Import => "Imported",
            Self::Passed => "Passed on by its former holder",
        }
    }
}

/// One person's place at one event.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Number within the space.
    pub id: TicketId,
    /// The event.
    pub event: EventId,
    /// The kind of ticket.
    pub kind: TicketTypeId,
    /// The person.
    pub person: PersonId,
    /// The order that it came with; none when the secretariat gave it.
    pub order: Option<OrderId>,
    /// Name on the ticket.
    pub name: String,
    /// Phone in E.164.
    pub phone: Option<String>,
    /// Company.
    pub company: String,
    /// Group of attendees.
    pub group: Option<GroupId>,
    /// Seat or table, as text.
    pub seat: String,
    /// Note of the secretariat.
    pub note: String,
    /// What the door is to know, shown with every scan.
    pub door_note: String,
    /// Answers to the event's questions.
    pub answers: Vec<Answer>,
    /// What the QR holds and what a door scans: 12 digits with a check digit.
    pub number: String,
    /// With the phone number it finds the ticket: 8 digits.
    pub attend: String,
    /// Unguessable part of the ticket page's address.
    pub link: [u8; 16],
    /// Whether it still stands.
    pub state: TicketState,
    /// How it came in.
    pub source: Source,
    /// Whether the person has seen the ticket: at once when registered online, after redeeming the attend code otherwise (S0-47).
    pub collected: bool,
    /// When the registration was made.
    pub created_at: Time,
    /// Raised by each edit of the secretariat; a form opened on an older one is refused.
    pub revision: u32,
}

/// Longest seat text in characters.
pub const SEAT_MAX: usize = 20;
/// Longest note in characters.
pub const NOTE_MAX: usize = 500;
/// Longest note for the door in characters; a terminal shows it in one line.
pub const DOOR_NOTE_MAX: usize = 60;

/// What a registration form takes, whether on the phone, by hand or from a row of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketInput {
    /// Name.
    pub name: String,
    /// Phone as typed.
    pub phone: String,
    /// Company.
    pub company: String,
    /// Seat.
    pub seat: String,
    /// Note.
    pub note: String,
    /// Note for the door.
    pub door_note: String,
    /// Typed answers by question number.
    pub answers: Vec<(u16, String)>,
}

/// The checked parts of a [`TicketInput`]; answers are in the clear and leave out what was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketDetails {
    /// Name.
    pub name: String,
    /// Phone in E.164.
    pub phone: Option<String>,
    /// Company.
    pub company: String,
    /// Seat.
    pub seat: String,
    /// Note.
    pub note: String,
    /// Note for the door.
    pub door_note: String,
    /// Checked answers by question number.
    pub answers: Vec<(u16, String)>,
}

/// Who fills the form: visitors must leave a phone and answer what is required, the secretariat may leave both out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filler {
    /// The person, on the phone page.
    Visitor,
    /// A person whom somebody else registers along: needs no phone.
    Companion,
    /// Somebody of the secretariat, by hand or by list.
    Secretariat,
}

/// Checks a registration form against the event's questions.
pub fn check_ticket(input: &TicketInput, fields: &[Field], filler: Filler) -> Result<TicketDetails, Vec<Problem>> {
    let mut form = Form::default();
    let name = form.required("name", &input.name, person::NAME_MAX);
    let phone = match (input.phone.trim(), filler) {
        ("", Filler::Visitor) => {
            form.wrong(problem!("phone", "This field is required."));
            None
        }
        ("", Filler::Secretariat | Filler::Companion) => None,
        (typed, _) => {
            let phone = crate::phone::normalise(typed);
            if phone.is_none() {
                form.wrong(problem!("phone", "This is not a phone number. Give 11 digits, or + and the country code."));
            }
            phone
        }
    };
    let company = form.optional("company", &input.company, person::COMPANY_MAX);
    let seat = form.optional("seat", &input.seat, SEAT_MAX);
    let note = form.block("note", &input.note, NOTE_MAX);
    let door_note = form.optional("door_note", &input.door_note, DOOR_NOTE_MAX);
    let answers = check_answers(input, fields, filler, &mut form.problems);
    if form.problems.is_empty() {
        return Ok(TicketDetails { name, phone, company, seat, note, door_note, answers });
    }
    Err(form.problems)
}

fn check_answers(
    input: &TicketInput,
    fields: &[Field],
    filler: Filler,
    problems: &mut Vec<Problem>,
) -> Vec<(u16, String)> {
    let mut answers = Vec::new();
    for field in fields {
        if !field.is_asked(&answers) {
            continue;
        }
        let typed = input.answers.iter().find(|(id, _)| *id == field.id).map_or("", |(_, typed)| typed.as_str());
        let mut asked = field.clone();
        asked.required = field.required && filler != Filler::Secretariat;
        let answer = asked.check(typed, problems);
        if !answer.is_empty() {
            answers.push((field.id, answer));
        }
    }
    answers
}

/// Whether a canceled ticket may stand again.
pub fn check_restore(ticket: &Ticket) -> Result<(), Refusal> {
    if ticket.state != TicketState::Canceled {
        return Err(refuse!(Conflict, "ticket.not_canceled", "This registration is not canceled."));
    }
    Ok(())
}

/// Whether a ticket may be canceled: not twice, and not while its holder is checked in.
pub fn check_cancel(ticket: &Ticket, checked_in: bool) -> Result<(), Refusal> {
    if !ticket.state.holds_place() {
        return Err(refuse!(Conflict, "ticket.already_canceled", "This registration is already canceled."));
    }
    if checked_in {
        return Err(refuse!(Conflict, "ticket.checked_in", "This person is checked in. Take the check-in back first."));
    }
    Ok(())
}

/// The state of a ticket that is shut out at the door, or let in again: only one that stands can be shut out.
pub fn check_block(ticket: &Ticket, block: bool) -> Result<TicketState, Refusal> {
    match (ticket.state, block) {
        (TicketState::Active, true) => Ok(TicketState::Blocked),
        (TicketState::Blocked, false) => Ok(TicketState::Active),
        (_, true) => {
            Err(refuse!(Conflict, "ticket.not_active", "Only a registration that stands can be shut out at the door."))
        }
        (_, false) => Err(refuse!(Conflict, "ticket.not_blocked", "This registration is not shut out.")),
    }
}

/// The refusal when a phone number already has a ticket of the event.
pub fn already_registered() -> Refusal {
    refuse!(
        Conflict,
        "ticket.already_registered",
        "This phone number is already registered for the event. Find the ticket with the phone number and the attend code."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FieldKind;

    fn ticket() -> Ticket {
        Ticket {
            id: TicketId(1),
            event: EventId(1),
            kind: TicketTypeId(1),
            person: PersonId(1),
            order: None,
            name: "张三".into(),
            phone: None,
            company: String::new(),
            group: None,
            seat: String::new(),
            note: String::new(),
            door_note: String::new(),
            answers: Vec::new(),
            number: String::new(),
            attend: String::new(),
            link: [0; 16],
            state: TicketState::Active,
            source: Source::Phone,
            collected: true,
            created_at: Time(0),
            revision: 0,
        }
    }

    fn fields() -> Vec<Field> {
        vec![Field {
            id: 4,
            label: "Menu".into(),
            kind: FieldKind::Choice,
            required: true,
            help: String::new(),
            choices: vec!["A".into(), "B".into()],
            ..Field::default()
        }]
    }

    #[test]
    fn visitors_leave_a_phone_and_answer_the_questions() {
        let input = TicketInput { name: "张三".into(), ..TicketInput::default() };
        let problems = check_ticket(&input, &fields(), Filler::Visitor).unwrap_err();
        let wrong: Vec<_> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(wrong, ["phone", "answer-4"]);
        assert!(check_ticket(&input, &fields(), Filler::Secretariat).is_ok());
        let whole =
            TicketInput { phone: "13812345678".into(), answers: vec![(4, "B".into()), (9, "ghost".into())], ..input };
        let details = check_ticket(&whole, &fields(), Filler::Visitor).unwrap();
        assert_eq!(details.answers, [(4, "B".to_owned())]);
        assert_eq!(details.phone.as_deref(), Some("+8613812345678"));
    }

    #[test]
    fn states_hold_a_place_or_free_it_and_only_a_standing_one_is_shut_out() {
        let cases = [
            (TicketState::Active, true, true, false),
            (TicketState::Canceled, false, false, false),
            (TicketState::Unapproved, true, false, false),
            (TicketState::Unpaid, true, false, false),
            (TicketState::Refunded, false, false, false),
            (TicketState::Blocked, true, false, true),
        ];
        assert_eq!(cases.len(), TicketState::ALL.len());
        for (state, holds, can_block, can_unblock) in cases {
            let ticket = Ticket { state, ..ticket() };
            assert_eq!(state.holds_place(), holds, "{state:?}");
            assert_eq!(check_block(&ticket, true).is_ok(), can_block, "{state:?}");
            assert_eq!(check_block(&ticket, false).is_ok(), can_unblock, "{state:?}");
            assert_eq!(check_cancel(&ticket, false).is_ok(), holds, "{state:?}");
            assert_eq!(check_restore(&ticket).is_ok(), state == TicketState::Canceled, "{state:?}");
        }
    }

    #[test]
    fn a_wrong_answer_is_refused_from_the_secretariat_too() {
        let input = TicketInput {
            name: "张三".into(),
            phone: "1".into(),
            answers: vec![(4, "C".into())],
            ..TicketInput::default()
        };
        let problems = check_ticket(&input, &fields(), Filler::Secretariat).unwrap_err();
        assert_eq!(problems.len(), 2);
    }
}

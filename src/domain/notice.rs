//! Notices to people: what is said on which occasion, to whom, and how far it got. Kept in the same commit as what caused it; a channel
//! takes it from there.

use crate::{EventId, NoticeId, OrderId, PersonId, Refusal, TicketId, Time, WaiterId, refuse, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

/// The occasion of a notice.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// An order waits for the secretariat.
    OrderReceived,
    /// An order is complete: the tickets are valid.
    OrderCompleted,
    /// An order was approved or made and must be paid.
    OrderToPay,
    /// The secretariat said no.
    OrderRefused,
    /// An order was given up.
    OrderCanceled,
    /// An order was not paid in time.
    OrderExpired,
    /// Money went back.
    OrderRefunded,
    /// A place is held for somebody who waited.
    PlaceOffered,
    /// Before an event, or after it.
    Reminder,
    /// Written by the secretariat.
    Message,
    /// With phone number and attend code a ticket that the secretariat gave is found (S0-46).
    AttendCode,
    /// An invoice was made.
    InvoiceIssued,
    /// An invoice that was asked for is not made.
    InvoiceRefused,
    /// An invoice that was made was taken back.
    InvoiceVoided,
    /// Somebody won in a draw (S0-94).
    PrizeWon,
    /// Something that whoever comes must know, such as another place: who left what goes to many gets it too.
    Change,
    /// Somebody logged in to an account from a browser or network that it does not know.
    NewLogin,
    /// Somebody typed the right password of an account and wrong codes.
    WrongCodes,
    /// Backups of the box fail, or are overdue.
    BackupTrouble,
    /// Backups are made again.
    BackupWell,
    /// The time of an API client is over soon.
    ClientEnding,
}

impl Purpose {
    /// Every occasion.
    pub const ALL: &[Self] = &[
        Self::OrderReceived,
        Self::OrderCompleted,
        Self::OrderToPay,
        Self::OrderRefused,
        Self::OrderCanceled,
        Self::OrderExpired,
        Self::OrderRefunded,
        Self::PlaceOffered,
        Self::Reminder,
        Self::Message,
        Self::AttendCode,
        Self::InvoiceIssued,
        Self::InvoiceRefused,
        Self::InvoiceVoided,
        Self::PrizeWon,
        Self::Change,
        Self::NewLogin,
        Self::WrongCodes,
        Self::BackupTrouble,
        Self::BackupWell,
        Self::ClientEnding,
    ];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::OrderReceived => "order_received",
            Self::OrderCompleted => "order_completed",
            Self::OrderToPay => "order_to_pay",
            Self::OrderRefused => "order_refused",
            Self::OrderCanceled => "order_canceled",
            Self::OrderExpired => "order_expired",
            Self::OrderRefunded => "order_refunded",
            Self::PlaceOffered => "place_offered",
            Self::Reminder => "reminder",
            Self::Message => "message",
            Self::AttendCode => "attend_code",
            Self::InvoiceIssued => "invoice_issued",
            Self::InvoiceRefused => "invoice_refused",
            Self::InvoiceVoided => "invoice_voided",
            Self::PrizeWon => "prize_won",
            Self::Change => "change",
            Self::NewLogin => "new_login",
            Self::WrongCodes => "wrong_codes",
            Self::BackupTrouble => "backup_trouble",
            Self::BackupWell => "backup_well",
            Self::ClientEnding => "client_ending",
        }
    }

    /// English source text of its name.
    pub fn label(self) -> &'static str {
        match self {
            Self::OrderReceived => "Registration received",
            Self::OrderCompleted => "Registration complete",
            Self::OrderToPay => "Payment due",
            Self::OrderRefused => "Registration not approved",
            Self::OrderCanceled => "Registration canceled",
            Self::OrderExpired => "Registration expired",
            Self::OrderRefunded => "Money given back",
            Self::PlaceOffered => "Place offered",
            Self::Reminder => "Reminder",
            Self::Message => "Message",
            Self::AttendCode => "Attend code",
            Self::InvoiceIssued => "Invoice made",
            Self::InvoiceRefused => "Invoice not made",
            Self::InvoiceVoided => "Invoice taken back",
            Self::PrizeWon => "Prize won",
            Self::Change => "Important change",
            Self::NewLogin => "Log-in from a new browser or network",
            Self::WrongCodes => "Right password, wrong codes",
            Self::BackupTrouble => "Backups fail",
            Self::BackupWell => "Backups are made again",
            Self::ClientEnding => "API client ends soon",
        }
    }

    /// English source text of what is said, with `{event}`, `{time}`, `{amount}`, `{number}`, `{reason}` as it needs them; none where the
    /// secretariat wrote the words.
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::OrderReceived => Some("Your registration for {event} was received and waits for review."),
            Self::OrderCompleted => Some("You are registered for {event}, {time}. Show your ticket at the door."),
            Self::OrderToPay => Some("Please pay ¥{amount} for {event}. Order number: {number}. Pay before {until}."),
            Self::OrderRefused => Some("Your registration for {event} was not approved. {reason}"),
            Self::OrderCanceled => Some("Your registration for {event} was canceled. {reason}"),
            Self::OrderExpired => Some("Your registration for {event} was not paid in time and has expired."),
            Self::OrderRefunded => Some("¥{amount} were given back to you for {event}."),
            Self::PlaceOffered => Some("A place at {event} is held for you until {until}."),
            Self::Reminder => Some("{event} begins at {time}. Have your ticket at hand."),
            Self::Message | Self::Change => None,
            Self::AttendCode => Some(
                "You are registered for {event}, {time}. Your attend code: {attend}. With it and your phone number you find your ticket.",
            ),
            Self::InvoiceIssued => Some("The invoice for {event} was made over ¥{amount}. Its number: {number}."),
            Self::InvoiceRefused => Some("The invoice that you asked for at {event} is not made. {reason}"),
            Self::InvoiceVoided => Some("The invoice {number} for {event} was taken back. {reason}"),
            Self::NewLogin => Some(
                "Somebody logged in to your account {login} from a browser or network that was not seen before: {agent}, {address}, {time}. If it was not you, change your password and log out everywhere else.",
            ),
            Self::WrongCodes => Some(
                "Somebody knows the password of your account {login} but not the code: {agent}, {address}, {time}. If it was not you, change your password.",
            ),
            Self::BackupTrouble => Some(
                "The box has made no backup since {time}. The page “Backups” says why and what to do; if its disk breaks now, what is newer is lost.",
            ),
            Self::BackupWell => Some("The box makes backups again, since {time}."),
            Self::ClientEnding => Some(
                "The API client “{client}” ends at {time}. Programs that use it are refused from then on. Renew it on the page “API clients” and give them the new secret.",
            ),
            Self::PrizeWon => Some("You won “{prize}” at {event}. The page of your ticket shows your prizes."),
        }
    }
}

/// What a notice is about, and so where its reader is led.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// An order.
    Order(EventId, OrderId),
    /// A ticket.
    Ticket(EventId, TicketId),
    /// A wait.
    Waiter(EventId, WaiterId),
    /// A person, whatever they are registered for.
    Person(PersonId),
}

impl About {
    /// The event, where there is one.
    pub fn event(self) -> Option<EventId> {
        match self {
            Self::Order(event, _) | Self::Ticket(event, _) | Self::Waiter(event, _) => Some(event),
            Self::Person(_) => None,
        }
    }
}

/// One notice to one person.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Number.
    pub id: NoticeId,
    /// The occasion.
    pub purpose: Purpose,
    /// What it is about.
    pub about: About,
    /// Name of whom it is for.
    pub name: String,
    /// Phone in E.164, where channels that need one send it.
    pub phone: Option<String>,
    /// What the secretariat wrote; empty where the words follow from the occasion.
    pub text: String,
    /// Values for the words of the occasion; amounts in yuan, times in milliseconds.
    pub values: Vec<(String, String)>,
    /// The same cause makes one notice: unique in the space.
    pub once: String,
    /// How far it got.
    pub state: NoticeState,
    /// When it was caused.
    pub created_at: Time,
    /// When it is of no use any more.
    pub useful_until: Option<Time>,
}

/// How far a notice got.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum NoticeState {
    /// It stands on its reader's page; no channel took it out of the house yet.
    Waiting,
    /// It was taken out of the house, by whom and when.
    Sent(String, Time),
    /// It is not sent any more, and why: English source text.
    Dropped(String, Time),
}

impl NoticeState {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent(..) => "sent",
            Self::Dropped(..) => "dropped",
        }
    }

    /// English source text.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Waiting => "Not sent yet",
            Self::Sent(..) => "Sent",
            Self::Dropped(..) => "Not sent",
        }
    }
}

/// Longest message in characters.
pub const TEXT_MAX: usize = 500;
/// Most people of one message.
pub const PEOPLE_MAX: usize = 50_000;

/// Checks a message of the secretariat.
pub fn check_text(text: &str) -> Result<String, Refusal> {
    let mut form = Form::default();
    let text = form.block("text", text, TEXT_MAX);
    if text.is_empty() {
        form.wrong(crate::problem!("text", "This field is required."));
    }
    form.done(text)
}

/// Whether a notice may still be sent at `now`.
pub fn check_send(notice: &Notice, now: Time) -> Result<(), Refusal> {
    match &notice.state {
        NoticeState::Waiting if notice.useful_until.is_some_and(|until| now >= until) => {
            Err(refuse!(Conflict, "notice.too_late", "This notice is of no use any more."))
        }
        NoticeState::Waiting => Ok(()),
        NoticeState::Sent(..) | NoticeState::Dropped(..) => {
            Err(refuse!(Conflict, "notice.settled", "This notice was sent or dropped already."))
        }
    }
}

impl Notice {
    /// A value of the words.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(kept, _)| kept == name).map(|(_, value)| value.as_str())
    }

    /// The message to many that it is a part of.
    pub fn blast(&self) -> Option<crate::BlastId> {
        self.value(BLAST).and_then(|id| id.parse().ok())
    }
}

/// The value that names the message to many.
pub const BLAST: &str = "blast";

/// Fills `{names}` in a text of the secretariat; unknown ones stay as they are.
pub fn fill(text: &str, values: &[(String, String)]) -> String {
    let mut out = text.to_owned();
    for (name, value) in values {
        out = out.replace(&format!("{{{name}}}"), value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(state: NoticeState) -> Notice {
        Notice {
            id: NoticeId(1),
            purpose: Purpose::Reminder,
            about: About::Order(EventId(1), OrderId(1)),
            name: "张三".into(),
            phone: None,
            text: String::new(),
            values: Vec::new(),
            once: "x".into(),
            state,
            created_at: Time(0),
            useful_until: Some(Time(100)),
        }
    }

    #[test]
    fn a_notice_is_sent_once_and_while_it_is_of_use() {
        let cases = [
            (NoticeState::Waiting, 99, None),
            (NoticeState::Waiting, 100, Some("notice.too_late")),
            (NoticeState::Sent("hand".into(), Time(1)), 50, Some("notice.settled")),
            (NoticeState::Dropped("x".into(), Time(1)), 50, Some("notice.settled")),
        ];
        for (state, now, refused) in cases {
            assert_eq!(check_send(&notice(state), Time(now)).err().map(|refusal| refusal.code), refused);
        }
    }

    #[test]
    fn texts_are_filled_with_known_names_only() {
        let values = vec![("name".to_owned(), "张三".to_owned())];
        assert_eq!(fill("{name}，您好 {seat}", &values), "张三，您好 {seat}");
        assert!(check_text("  ").is_err() && check_text(&"字".repeat(501)).is_err());
        let codes: std::collections::BTreeSet<_> = Purpose::ALL.iter().map(|purpose| purpose.code()).collect();
        assert_eq!(codes.len(), Purpose::ALL.len());
    }
}

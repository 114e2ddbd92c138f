//! What people may ask about their data: a request to erase it, what stands in the way, and who saw their numbers in full. What is told to
//! them of their data stands in `dossier`.

pub mod consent;
pub mod dossier;
pub mod retention;
mod whose;

use crate::{
    AccessId, Event, EventId, OrderId, PersonId, Refusal, TicketId, Time,
    audit::By,
    order::{Order, OrderState},
    problem, refuse,
    text::Form,
    time::{DAY, HOUR},
};
use rkyv::{Archive, Deserialize, Serialize};

pub use whose::{Run, Whose};

/// How far a request to erase somebody's data is.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum ErasureState {
    /// It waits for the secretariat.
    Asked,
    /// The person thought better of it.
    Withdrawn,
    /// The secretariat said no, with the reason for the person.
    Declined(String),
    /// The box is at it; there is no way back from here.
    Begun,
    /// Everything that goes is gone.
    Done,
}

impl ErasureState {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Withdrawn => "withdrawn",
            Self::Declined(_) => "declined",
            Self::Begun => "begun",
            Self::Done => "done",
        }
    }

    /// English source text.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Asked => "Waits for an answer",
            Self::Withdrawn => "Taken back by the person",
            Self::Declined(_) => "Declined",
            Self::Begun => "Being erased",
            Self::Done => "Erased",
        }
    }
}

/// The request of a person, or of the secretariat for them, to erase what is kept of them. Holds numbers alone, and stays: after a restore
/// from an older backup, whoever stands here as erased is erased again.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Whose data.
    pub person: PersonId,
    /// When their record was made: tells them from whoever has the same number in another history of the box.
    pub created_at: Time,
    /// When it was asked for.
    pub asked_at: Time,
    /// Who asked.
    pub by: By,
    /// How far it is.
    pub state: ErasureState,
    /// When it came into its state.
    pub changed_at: Time,
    /// Files that are theirs and still to be removed.
    pub files: Vec<[u8; 32]>,
}

/// Days within which a request is answered.
pub const ANSWER_DAYS: i64 = 30;
/// How fresh a log-in must be for whoever wants all of their data, or to be erased.
pub const FRESH_MILLIS: i64 = HOUR;
/// Longest reason for the person, in characters.
pub const REASON_MAX: usize = 300;
/// Most bytes of files in one export.
pub const FILES_MAX: u64 = 256 << 20;

impl Erasure {
    /// By when it is to be answered.
    pub fn due(&self) -> Time {
        self.asked_at.plus(ANSWER_DAYS * DAY)
    }

    /// Whether the secretariat has to do something about it.
    pub fn is_open(&self) -> bool {
        self.state == ErasureState::Asked
    }

    /// Whether there is no way back.
    pub fn is_under_way(&self) -> bool {
        matches!(self.state, ErasureState::Begun | ErasureState::Done)
    }
}

/// Whether somebody may ask for it now.
pub fn check_ask(kept: Option<&Erasure>) -> Result<(), Refusal> {
    match kept {
        Some(kept) if kept.is_open() => Err(refuse!(
            Conflict,
            "privacy.asked",
            "You asked for it already. The secretariat answers within {days} days.",
            days = ANSWER_DAYS
        )),
        Some(kept) if kept.is_under_way() => Err(erased()),
        _ => Ok(()),
    }
}

/// Whether a request still waits to be taken back or declined.
pub fn check_open(kept: Option<&Erasure>) -> Result<(), Refusal> {
    match kept {
        Some(kept) if kept.is_open() => Ok(()),
        Some(kept) if kept.is_under_way() => Err(erased()),
        _ => Err(refuse!(Conflict, "privacy.not_asked", "Nobody asked for that, or it was answered already.")),
    }
}

/// The refusal when somebody was erased already.
pub fn erased() -> Refusal {
    refuse!(Conflict, "privacy.erased", "This person's data was erased, or is just being erased.")
}

/// Whether a log-in is fresh enough to hand everything out to whoever holds the phone.
pub fn check_fresh(began: Time, now: Time) -> Result<(), Refusal> {
    if now.since(began) < FRESH_MILLIS {
        return Ok(());
    }
    Err(refuse!(
        Conflict,
        "privacy.log_in_again",
        "This gives everything away that is kept of you. Log out and log in again with a new code, then come back within an hour."
    ))
}

/// Checks the reason for saying no.
pub fn check_reason(typed: &str) -> Result<String, Refusal> {
    let mut form = Form::default();
    let reason = form.required("reason", typed, REASON_MAX);
    form.done(reason)
}

/// Checks that the name was typed as it stands.
pub fn check_typed(typed: &str, name: &str) -> Result<(), Refusal> {
    if crate::text::line(typed) == name {
        return Ok(());
    }
    Err(Refusal::invalid(vec![problem!("confirm", "Type the name exactly as it stands above.")]))
}

/// What stands in the way of erasing somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// They paid for an event that is not over.
    Upcoming(EventId, TicketId, String),
    /// An order of theirs is open: money is to come or to go back, or it waits for review.
    Order(EventId, OrderId, String),
    /// They have a staff account that can log in.
    Account,
}

impl Hindrance {
    /// English source text; `{what}` is the event or the order.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Upcoming(..) => {
                "A paid ticket for “{what}”, which is not over. Give it back for its money first, or wait."
            }
            Self::Order(..) => "Order {what} is open. Settle, cancel or refund it first.",
            Self::Account => "A staff account that can log in. Disable it first.",
        }
    }

    /// The event or the order.
    pub fn what(&self) -> &str {
        match self {
            Self::Upcoming(_, _, what) | Self::Order(_, _, what) => what,
            Self::Account => "",
        }
    }
}

/// Whether an order stands in the way: something is still to be decided, paid or given back.
pub fn is_open(order: &Order) -> bool {
    let sums = order.sums();
    matches!(order.state, OrderState::PendingReview | OrderState::PendingPayment) || sums.owed() > 0
}

/// Whether an order makes its tickets worth something until the event is over.
pub fn is_paid_ahead(order: &Order, event: &Event, now: Time) -> bool {
    order.state == OrderState::Paid && order.sums().balance() > 0 && now < event.time.to
}

/// The refusal that names what stands in the way.
pub fn hindered() -> Refusal {
    refuse!(
        Conflict,
        "privacy.hindered",
        "Something of this person is not settled yet. The page says what stands in the way."
    )
}

/// Which fields were seen in full.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seen {
    /// Phone numbers.
    Phone,
    /// Numbers of identity cards.
    IdCard,
    /// A file that they uploaded.
    File,
    /// Everything that is kept of the person.
    Everything,
}

impl Seen {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Phone, Self::IdCard, Self::File, Self::Everything];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::IdCard => "id_card",
            Self::File => "file",
            Self::Everything => "everything",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Phone => "Phone number",
            Self::IdCard => "Identity card",
            Self::File => "Uploaded file",
            Self::Everything => "All data",
        }
    }
}

/// Somebody saw sensitive fields of people in full. Holds numbers alone.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct AccessLine {
    /// Number.
    pub id: AccessId,
    /// When.
    pub at: Time,
    /// Who saw.
    pub by: By,
    /// Whose, as far as they are known as people.
    pub whose: Whose,
    /// Which fields.
    pub seen: Vec<Seen>,
    /// Where: the code of the page, file or route.
    pub place: String,
    /// The event, where it was about one.
    pub event: Option<EventId>,
}

/// A line as it was kept before the people of files became runs.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct AccessLineV1 {
    /// Number.
    pub id: AccessId,
    /// When.
    pub at: Time,
    /// Who saw.
    pub by: By,
    /// Whose; up to 500.
    pub people: Vec<PersonId>,
    /// Which fields.
    pub seen: Vec<Seen>,
    /// Where.
    pub place: String,
    /// The event.
    pub event: Option<EventId>,
}

impl From<AccessLineV1> for AccessLine {
    /// Each of them has an index entry, however many they are.
    fn from(old: AccessLineV1) -> Self {
        let AccessLineV1 { id, at, by, people, seen, place, event } = old;
        Self { id, at, by, whose: Whose::Each(people), seen, place, event }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn erasure(state: ErasureState) -> Erasure {
        Erasure {
            person: PersonId(1),
            created_at: Time(0),
            asked_at: Time(0),
            by: By::Visitor,
            state,
            changed_at: Time(0),
            files: Vec::new(),
        }
    }

    #[test]
    fn a_request_is_made_once_and_answered_once() {
        let cases = [
            (None, None, Some("privacy.not_asked")),
            (Some(ErasureState::Asked), Some("privacy.asked"), None),
            (Some(ErasureState::Withdrawn), None, Some("privacy.not_asked")),
            (Some(ErasureState::Declined("no".into())), None, Some("privacy.not_asked")),
            (Some(ErasureState::Begun), Some("privacy.erased"), Some("privacy.erased")),
            (Some(ErasureState::Done), Some("privacy.erased"), Some("privacy.erased")),
        ];
        for (state, ask, answer) in cases {
            let kept = state.map(erasure);
            let code = |said: Result<(), Refusal>| said.err().map(|refusal| refusal.code);
            assert_eq!((code(check_ask(kept.as_ref())), code(check_open(kept.as_ref()))), (ask, answer), "{kept:?}");
        }
        assert_eq!(erasure(ErasureState::Asked).due(), Time(ANSWER_DAYS * DAY));
    }

    #[test]
    fn everything_goes_only_to_a_fresh_log_in_and_after_the_name_was_typed() {
        assert!(check_fresh(Time(0), Time(FRESH_MILLIS - 1)).is_ok());
        assert_eq!(check_fresh(Time(0), Time(FRESH_MILLIS)).unwrap_err().code, "privacy.log_in_again");
        assert!(check_typed(" 张三 ", "张三").is_ok() && check_typed("张", "张三").is_err());
        assert!(check_reason("不是本人").is_ok());
        assert!(check_reason("").is_err() && check_reason(&"长".repeat(REASON_MAX + 1)).is_err());
    }
}

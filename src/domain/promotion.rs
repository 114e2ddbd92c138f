//! Promotion: where visitors come from (links named by the secretariat, posters of members), and what a shared link shows (S0-30, S0-33 … S0-35).

use crate::{DesignId, EventId, PictureId, Problem, Refusal, SourceId, TicketId, Time, problem, text::Form};
use rkyv::{Archive, Deserialize, Serialize};
use std::fmt;

/// A source named by the secretariat, such as a poster at the door.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Number.
    pub id: SourceId,
    /// The event.
    pub event: EventId,
    /// Name, 1–30 characters, unique in the event.
    pub name: String,
    /// When it was made.
    pub created_at: Time,
}

/// The most sources of one event.
pub const SOURCES_MAX: usize = 200;

/// Which link or poster somebody followed.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A source of the secretariat.
    Source(SourceId),
    /// The poster of a ticket's holder.
    Member(TicketId),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(id) => write!(f, "s{id}"),
            Self::Member(id) => write!(f, "m{id}"),
        }
    }
}

impl Origin {
    /// Reads what [`fmt::Display`] writes. Whether there is such a source or ticket is for the reader to find out.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, number) = text.split_at_checked(1)?;
        let plain = (1..=20).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse::<u64>().ok().filter(|_| plain)?;
        match kind {
            "s" => Some(Self::Source(SourceId(number))),
            "m" => Some(Self::Member(TicketId(number))),
            _ => None,
        }
    }
}

/// Where a registration came from.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketSource {
    /// The event.
    pub event: EventId,
    /// The registration.
    pub ticket: TicketId,
    /// The link or poster that was followed.
    pub origin: Origin,
    /// When it was registered.
    pub at: Time,
}

/// How many phones followed a link on one day.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceVisits {
    /// The event.
    pub event: EventId,
    /// The link or poster.
    pub origin: Origin,
    /// Days since 1970 in UTC.
    pub day: i64,
    /// Phones.
    pub visits: u32,
}

/// What a link to the event shows where it is shared, and who may share posters.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct EventShare {
    /// The event.
    pub event: EventId,
    /// Show the title, description and picture below instead of the event's name and cover.
    pub custom: bool,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// Picture.
    pub picture: Option<PictureId>,
    /// Whether visitors may share posters.
    pub posters: bool,
    /// The poster they share; none: the first of the event.
    pub poster: Option<DesignId>,
    /// Raised by each change.
    pub revision: u32,
}

impl EventShare {
    /// What holds as long as nobody set anything.
    pub fn unset(event: EventId) -> Self {
        Self {
            event,
            custom: false,
            title: String::new(),
            description: String::new(),
            picture: None,
            posters: false,
            poster: None,
            revision: 0,
        }
    }
}

/// Longest title and description of a shared link in characters.
pub const TITLE_MAX: usize = 60;
/// As [`TITLE_MAX`].
pub const DESCRIPTION_MAX: usize = 120;

/// What the form of a shared link takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ShareInput {
    pub custom: bool,
    pub title: String,
    pub description: String,
    pub picture: Option<PictureId>,
    pub posters: bool,
    pub poster: Option<DesignId>,
}

/// Checks the form; what belongs to the custom card must be there when it is on.
pub fn check_share(input: &ShareInput, kept: &EventShare) -> Result<EventShare, Refusal> {
    let mut form = Form::default();
    let title = if input.custom {
        form.required("title", &input.title, TITLE_MAX)
    } else {
        form.optional("title", &input.title, TITLE_MAX)
    };
    let description = form.optional("description", &input.description, DESCRIPTION_MAX);
    form.done(EventShare {
        event: kept.event,
        custom: input.custom,
        title,
        description,
        picture: input.picture,
        posters: input.posters,
        poster: input.poster,
        revision: kept.revision,
    })
}

/// Checks the name of a source; `others` are the names of the event's other ones.
pub fn check_source(name: &str, others: &[String]) -> Result<String, Refusal> {
    let mut form = Form::default();
    let name = form.required("source", name, 30);
    let mut problems: Vec<Problem> = Vec::new();
    if others.contains(&name) {
        problems.push(problem!("source", "The event already has a source of this name."));
    }
    problems.into_iter().for_each(|problem| form.wrong(problem));
    form.done(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_go_through_their_text_and_nothing_else_does() {
        for origin in [Origin::Source(SourceId(3)), Origin::Member(TicketId(u64::MAX))] {
            assert_eq!(Origin::parse(&origin.to_string()), Some(origin));
        }
        for text in ["", "s", "x3", "s-3", "s3 ", "m99999999999999999999999", "é3", "s+3"] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_custom_card_needs_its_title() {
        let kept = EventShare::unset(EventId(1));
        let input = ShareInput { custom: true, description: "x".repeat(121), ..ShareInput::default() };
        let refusal = check_share(&input, &kept).unwrap_err();
        let fields: Vec<_> = refusal.problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["title", "description"]);
        assert!(check_share(&ShareInput::default(), &kept).is_ok());
    }

    #[test]
    fn a_source_has_a_name_of_its_own() {
        assert_eq!(check_source(" 朋友圈 ", &[]).unwrap(), "朋友圈");
        assert!(check_source("朋友圈", &["朋友圈".into()]).is_err());
        assert!(check_source("", &[]).is_err());
        assert!(check_source(&"长".repeat(31), &[]).is_err());
    }
}

//! Events (S0-8 … S0-16, S0-32): what a visitor reads on the invitation, the states, and what must be there before publishing.

use crate::{
    AccountId, DepartmentId, EventId, GroupId, PictureId, Problem, Refusal, Time, Window,
    field::{self, Field, FieldKind},
    problem, refuse,
    rich::{self, Rich},
    text::Form,
};
use jiff::tz::TimeZone;
use rkyv::{Archive, Deserialize, Serialize};

/// Whether visitors see an event.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventState {
    /// Being prepared; only the secretariat sees it.
    Draft,
    /// Visitors see it and can register.
    Published,
    /// Taken back; visitors see that it is, tickets are kept.
    Withdrawn,
}

impl EventState {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Published => "Published",
            Self::Withdrawn => "Withdrawn",
        }
    }
}

/// Where an event takes place.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct Venue {
    /// Province.
    pub province: String,
    /// City.
    pub city: String,
    /// District.
    pub district: String,
    /// Detailed address.
    pub address: String,
}

impl Venue {
    /// All in one line, larger parts first; a city named like its province stands once.
    pub fn line(&self) -> String {
        let mut out = String::new();
        for part in [&self.province, &self.city, &self.district, &self.address] {
            if !part.is_empty() && !out.ends_with(part.as_str()) {
                out.push_str(part);
            }
        }
        out
    }
}

/// The picture on top of an event: one of the templates drawn by us, or an uploaded one.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum Cover {
    /// Template number, 0 to [`COVER_TEMPLATES`] − 1.
    Template(u8),
    /// An uploaded picture.
    Picture(PictureId),
}

/// How many cover templates there are.
pub const COVER_TEMPLATES: u8 = 6;

/// An event.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Number.
    pub id: EventId,
    /// Name, 1–60 characters.
    pub name: String,
    /// Start and end; after the end nobody registers or checks in.
    pub time: Window,
    /// Where.
    pub venue: Venue,
    /// Picture in the list and on top of the invitation (S0-10).
    pub cover: Cover,
    /// Picture that opens first on the invitation (S0-11); none: the invitation opens at once.
    pub main: Option<Cover>,
    /// Introduction: a document or Markdown (`rich`), at most 20,000 characters.
    pub intro: String,
    /// Points to note, shown on the ticket: a document or lines (`rich`).
    pub notice: String,
    /// Draft, published or withdrawn.
    pub state: EventState,
    /// When people may check in; must be set before publishing.
    pub checkin: Option<Window>,
    /// Questions beside name and phone.
    pub fields: Vec<Field>,
    /// The number the next new question gets.
    pub next_field: u16,
    /// Whose event it is, for scopes.
    pub department: Option<DepartmentId>,
    /// Who made it, for scopes.
    pub owner: AccountId,
    /// When it was made.
    pub created_at: Time,
    /// Raised by each change; a form that was opened on an older one is refused instead of overwriting.
    pub revision: u32,
}

impl Event {
    /// The words of the points to note, without their formatting.
    pub fn notice_words(&self) -> String {
        words(&self.notice)
    }

    /// The words that visitors read about it.
    pub fn words(&self) -> String {
        format!("{}\n{}", words(&self.intro), words(&self.notice))
    }
}

fn words(kept: &str) -> String {
    match Rich::of(kept) {
        Rich::Document(html) => rich::plain(html),
        Rich::Text(text) => text.to_owned(),
    }
}

/// A group of attendees of an event.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Number.
    pub id: GroupId,
    /// The event it belongs to.
    pub event: EventId,
    /// Name, 1–40 characters, unique in the event.
    pub name: String,
}

/// The most groups of one event.
pub const GROUPS_MAX: usize = 500;
/// Longest introduction in characters.
pub const INTRO_MAX: usize = 20_000;
/// Longest points to note in characters.
pub const NOTICE_MAX: usize = 2_000;
/// Longest event name in characters.
pub const EVENT_NAME_MAX: usize = 60;

/// What the event form takes; times as local text of the space's zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventInput {
    /// Name.
    pub name: String,
    /// `2026-11-25T09:00`.
    pub starts: String,
    /// As `starts`.
    pub ends: String,
    /// Province.
    pub province: String,
    /// City.
    pub city: String,
    /// District.
    pub district: String,
    /// Detailed address.
    pub address: String,
    /// Introduction: Markdown, or a document as `rich` takes it.
    pub intro: String,
    /// Points to note.
    pub notice: String,
}

/// The checked parts of an [`EventInput`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDetails {
    /// Name.
    pub name: String,
    /// Start and end.
    pub time: Window,
    /// Where.
    pub venue: Venue,
    /// Introduction.
    pub intro: String,
    /// Points to note.
    pub notice: String,
}

/// Checks the event form.
pub fn check_event(input: &EventInput, zone: &TimeZone) -> Result<EventDetails, Refusal> {
    let mut form = Form::default();
    let name = form.required("name", &input.name, EVENT_NAME_MAX);
    let time = window(&mut form, ("starts", &input.starts), ("ends", &input.ends), zone);
    let mut venue = Venue {
        province: form.optional("province", &input.province, 20),
        city: form.optional("city", &input.city, 20),
        district: form.optional("district", &input.district, 20),
        address: form.optional("address", &input.address, 100),
    };
    if let Err(problem) = crate::region::link(&mut venue) {
        form.wrong(problem);
    }
    let intro = rich::take(&mut form, "intro", &input.intro, INTRO_MAX);
    let notice = rich::take(&mut form, "notice", &input.notice, NOTICE_MAX);
    form.done(())?;
    Ok(EventDetails { name, time: time.unwrap_or(Window { from: Time(0), to: Time(0) }), venue, intro, notice })
}

/// Reads the two ends of a window out of a form; `None` when a problem was noted.
pub fn window(form: &mut Form, from: (&str, &str), to: (&str, &str), zone: &TimeZone) -> Option<Window> {
    let mut read = |(field, text): (&str, &str)| {
        let read = Time::from_local(text, zone);
        if read.is_none() {
            form.wrong(match text.trim() {
                "" => problem!(field, "This field is required."),
                _ => problem!(field, "Give date and time, such as 2026-11-25 09:00."),
            });
        }
        read
    };
    let (begins, ends) = (read(from), read(to));
    let window = Window { from: begins?, to: ends? };
    if window.from >= window.to {
        form.wrong(problem!(to.0, "The end must be after the beginning."));
        return None;
    }
    Some(window)
}

/// Whether the event may be published (S0-32: the check-in time must be set first; somebody must be able to take a ticket).
pub fn check_publish(event: &Event, tickets_on_offer: usize, now: Time) -> Result<(), Refusal> {
    if event.state == EventState::Published {
        return Err(refuse!(Conflict, "event.already_published", "This event is already published."));
    }
    if event.checkin.is_none() {
        return Err(refuse!(Conflict, "event.no_checkin_time", "Set the check-in time before you publish the event."));
    }
    if tickets_on_offer == 0 {
        return Err(refuse!(
            Conflict,
            "event.no_ticket_type",
            "Enable at least one ticket type before you publish the event."
        ));
    }
    if now >= event.time.to {
        return Err(refuse!(Conflict, "event.over", "This event is over. Change its time before you publish it."));
    }
    Ok(())
}

/// Checks a check-in window against the event: it must touch the event's time and end by its end (S0-12, S0-51).
pub fn check_checkin_window(event: &Event, window: &Window) -> Vec<Problem> {
    let mut problems = Vec::new();
    if window.to > event.time.to {
        problems.push(problem!("checkin_to", "Check-in must end by the end of the event."));
    }
    if window.from >= event.time.to {
        problems.push(problem!("checkin_from", "Check-in must begin before the end of the event."));
    }
    problems
}

/// Where a window for entries leaves the event's own time (A3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stray {
    /// Entries begin before the event does.
    Early,
    /// The window goes on when the event is over: nobody comes in then.
    Late,
}

/// How a window for entries leaves the event's time; what is worse is told.
pub fn stray(event: &Event, window: &Window) -> Option<Stray> {
    let early = (window.from < event.time.from).then_some(Stray::Early);
    if window.to > event.time.to { Some(Stray::Late) } else { early }
}

/// The copy of an event: everything but its people, as a draft, moved so that it begins a week after `now` when the original lies in the past.
pub fn copy(event: &Event, id: EventId, name: String, owner: AccountId, now: Time) -> Event {
    let shift = if event.time.from > now {
        0
    } else {
        let days = now.since(event.time.from).div_euclid(crate::time::DAY) + 7;
        days * crate::time::DAY
    };
    let moved = |window: &Window| Window { from: window.from.plus(shift), to: window.to.plus(shift) };
    Event {
        id,
        name,
        time: moved(&event.time),
        checkin: event.checkin.as_ref().map(moved),
        state: EventState::Draft,
        owner,
        created_at: now,
        revision: 0,
        ..event.clone()
    }
}

/// Checks the questions of the form as a whole.
pub fn check_fields(fields: &[Field]) -> Result<(), Refusal> {
    let mut problems = Vec::new();
    if fields.len() > field::FIELDS_MAX {
        problems.push(problem!("fields", "There can be at most {max} questions.", max = field::FIELDS_MAX));
    }
    let mut labels = std::collections::BTreeSet::new();
    for field in fields {
        field::check_field(field, &mut problems);
        if !field.label.is_empty() && !labels.insert(field.label.as_str()) {
            problems.push(problem!(format!("field-{}-label", field.id), "This question stands here twice."));
        }
        let earlier = fields.iter().take_while(|other| other.id != field.id);
        let mut waits = earlier.filter(|other| other.kind.chooses() || other.kind == FieldKind::Consent);
        if field.shown.as_ref().is_some_and(|shown| !waits.any(|other| other.id == shown.field)) {
            problems.push(problem!(
                format!("field-{}-shown", field.id),
                "A question can only wait for one with choices, or a consent, that stands before it."
            ));
        }
    }
    Refusal::unless_clean(problems)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn event() -> Event {
        Event {
            id: EventId(1),
            name: "年会".into(),
            time: Window { from: Time(1_000), to: Time(2_000) },
            venue: Venue::default(),
            cover: Cover::Template(0),
            main: None,
            intro: String::new(),
            notice: String::new(),
            state: EventState::Draft,
            checkin: Some(Window { from: Time(900), to: Time(1_900) }),
            fields: Vec::new(),
            next_field: 1,
            department: None,
            owner: AccountId(1),
            created_at: Time(0),
            revision: 0,
        }
    }

    #[test]
    fn publishing_needs_a_checkin_time_and_a_ticket_on_offer() {
        let published = Event { state: EventState::Published, ..event() };
        let withdrawn = Event { state: EventState::Withdrawn, ..event() };
        let unset = Event { checkin: None, ..event() };
        let cases = [
            (&event(), 1, 0, None),
            (&withdrawn, 1, 0, None),
            (&published, 1, 0, Some("event.already_published")),
            (&unset, 1, 0, Some("event.no_checkin_time")),
            (&event(), 0, 0, Some("event.no_ticket_type")),
            (&event(), 1, 2_000, Some("event.over")),
        ];
        for (event, offered, now, refused) in cases {
            assert_eq!(check_publish(event, offered, Time(now)).err().map(|r| r.code), refused);
        }
    }

    #[test]
    fn the_form_says_everything_that_is_wrong_at_once() {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let input = EventInput {
            name: "x".repeat(61),
            starts: "2026-11-25T10:00".into(),
            ends: "2026-11-25T09:00".into(),
            intro: "y".repeat(20_001),
            ..EventInput::default()
        };
        let refusal = check_event(&input, &zone).unwrap_err();
        let fields: Vec<_> = refusal.problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["name", "ends", "intro"]);
    }

    #[test]
    fn a_copy_is_a_draft_in_the_future() {
        let day = crate::time::DAY;
        let past = Event { state: EventState::Published, time: Window { from: Time(0), to: Time(1_000) }, ..event() };
        let copied = copy(&past, EventId(2), "copy".into(), AccountId(2), Time(10 * day + 5));
        assert_eq!(copied.state, EventState::Draft);
        assert_eq!(copied.time, Window { from: Time(17 * day), to: Time(17 * day + 1_000) });
        assert_eq!(copied.checkin.unwrap().from, Time(900 + 17 * day));
        let future = copy(&event(), EventId(2), "copy".into(), AccountId(2), Time(10));
        assert_eq!(future.time, event().time);
    }

    #[test]
    fn a_venue_reads_as_one_line() {
        let venue = Venue {
            province: "北京市".into(),
            city: "北京市".into(),
            district: "朝阳区".into(),
            address: "建国路 1 号".into(),
        };
        assert_eq!(venue.line(), "北京市朝阳区建国路 1 号");
    }

    #[test]
    fn a_window_that_leaves_the_events_time_is_told() {
        let cases = [
            (1_000, 2_000, None),
            (1_200, 1_500, None),
            (999, 2_000, Some(Stray::Early)),
            (1_000, 2_001, Some(Stray::Late)),
            (900, 2_100, Some(Stray::Late)),
        ];
        for (from, to, told) in cases {
            assert_eq!(stray(&event(), &Window { from: Time(from), to: Time(to) }), told, "{from}–{to}");
        }
    }

    #[test]
    fn checkin_ends_with_the_event() {
        let cases = [(900, 2_000, 0), (900, 2_001, 1), (2_000, 2_100, 2)];
        for (from, to, problems) in cases {
            let window = Window { from: Time(from), to: Time(to) };
            assert_eq!(check_checkin_window(&event(), &window).len(), problems, "{from}–{to}");
        }
    }
}

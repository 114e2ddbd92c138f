//! Check-in lists: what an event admits people to (the whole event, a door, a session, a day), and its gates.

use super::{Rule, Test};
use crate::{
    EventId, GateId, ListId, Problem, Refusal, TicketId, TicketTypeId, Window,
    event::window,
    field::{Field, FieldKind, check_field},
    problem,
    text::Form,
};
use jiff::tz::TimeZone;
use rkyv::{Archive, Deserialize, Serialize};

/// How often one ticket comes in.
#[derive(
    Archive, Serialize, Deserialize, serde::Serialize, serde::Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default,
)]
#[serde(rename_all = "snake_case")]
pub enum MultiEntry {
    /// Once.
    #[default]
    Once,
    /// Once on each local day.
    OncePerDay,
    /// Again after it went out.
    AfterExit,
    /// As often as it likes.
    Unlimited,
}

impl MultiEntry {
    /// Every mode.
    pub const ALL: &[Self] = &[Self::Once, Self::OncePerDay, Self::AfterExit, Self::Unlimited];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::OncePerDay => "once_per_day",
            Self::AfterExit => "after_exit",
            Self::Unlimited => "unlimited",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Once => "Once",
            Self::OncePerDay => "Once a day",
            Self::AfterExit => "Again after an exit",
            Self::Unlimited => "Any number of times",
        }
    }

    /// The mode of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.code() == code)
    }
}

/// Whether people check themselves in by a code that they scan (S0-52, S1-38).
#[derive(
    Archive, Serialize, Deserialize, serde::Serialize, serde::Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default,
)]
#[serde(rename_all = "snake_case")]
pub enum SelfCheckin {
    /// They do not.
    #[default]
    Off,
    /// By the code on a screen, which changes all the time.
    Screen,
    /// By the code on a screen, or by printed sign-in and sign-out codes.
    Printed,
}

impl SelfCheckin {
    /// Every setting.
    pub const ALL: &[Self] = &[Self::Off, Self::Screen, Self::Printed];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Screen => "screen",
            Self::Printed => "printed",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Off => "Nobody checks in alone",
            Self::Screen => "By the changing code on a screen",
            Self::Printed => "By the code on a screen or a printed one",
        }
    }

    /// The setting of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|setting| setting.code() == code)
    }
}

/// A check-in list of an event. The main list, which every event has, is kept only once its settings differ from the default.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct CheckinList {
    /// Number within the space; [`ListId::MAIN`] for the main one.
    pub id: ListId,
    /// The event.
    pub event: EventId,
    /// Name, 1–40 characters; empty for the main list that nobody named.
    pub name: String,
    /// Types of tickets that it takes; none: all.
    pub kinds: Vec<TicketTypeId>,
    /// When entries are taken; none: at the event's check-in time. The end of the event ends it in any case (S0-12).
    pub window: Option<Window>,
    /// How often a ticket comes in.
    pub multi: MultiEntry,
    /// Hour of the local day, 0 to 23, at which everybody inside counts as gone.
    pub exit_hour: Option<u8>,
    /// Most people inside at a time.
    pub capacity: Option<u32>,
    /// Only tickets that were collected (S0-47).
    pub collected: bool,
    /// What must hold for an entry.
    pub rules: Option<Rule>,
    /// Questions asked at the door.
    pub questions: Vec<Field>,
    /// The number the next new question gets.
    pub next_question: u16,
    /// Whether people check themselves in.
    pub own: SelfCheckin,
    /// Raised to make printed codes worthless.
    pub code_series: u32,
    /// Raised by each change; a form that was opened on an older one is refused.
    pub revision: u32,
}

impl CheckinList {
    /// The main list as every event has it from the beginning.
    pub fn main(event: EventId) -> Self {
        Self {
            id: ListId::MAIN,
            event,
            name: String::new(),
            kinds: Vec::new(),
            window: None,
            multi: MultiEntry::Once,
            exit_hour: None,
            capacity: None,
            collected: false,
            rules: None,
            questions: Vec::new(),
            next_question: 1,
            own: SelfCheckin::Off,
            code_series: 0,
            revision: 0,
        }
    }
}

/// What a ticket's holder answered to the questions of a list.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct DoorAnswers {
    /// The event.
    pub event: EventId,
    /// The list.
    pub list: ListId,
    /// The ticket.
    pub ticket: TicketId,
    /// Answers in their stored form, by question number.
    pub answers: Vec<(u16, String)>,
}

/// A gate of an event: where a terminal stands.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Number within the space.
    pub id: GateId,
    /// The event.
    pub event: EventId,
    /// Name, 1–40 characters, unique in the event.
    pub name: String,
}

/// The most lists of one event, the main one not counted.
pub const LISTS_MAX: usize = 200;
/// The most gates of one event.
pub const GATES_MAX: usize = 200;
/// The most questions at the door.
pub const QUESTIONS_MAX: usize = 10;
/// Longest name of a list or gate in characters.
pub const NAME_MAX: usize = 40;
/// Most people that a capacity may name.
pub const CAPACITY_MAX: u32 = 1_000_000;

/// What the form of a list takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListInput {
    /// Name.
    pub name: String,
    /// Numbers of the ticket types it takes; none: all.
    pub kinds: Vec<TicketTypeId>,
    /// When entries begin, as local text; with `to` empty: at the event's check-in time.
    pub from: String,
    /// When entries end.
    pub to: String,
    /// Code of a [`MultiEntry`].
    pub multi: String,
    /// Hour, empty for none.
    pub exit_hour: String,
    /// Number of people, empty for no limit.
    pub capacity: String,
    /// Only collected tickets.
    pub collected: bool,
    /// The rules as JSON, empty for none.
    pub rules: String,
    /// Questions; those without a number are new, those without a label are left out.
    pub questions: Vec<Field>,
    /// Code of a [`SelfCheckin`].
    pub own: String,
}

fn number<T: std::str::FromStr + PartialOrd>(
    form: &mut Form,
    name: &str,
    text: &str,
    ends: (T, T),
    wrong: Problem,
) -> Option<T> {
    let text: String = text.trim().chars().map(crate::text::half_width).collect();
    if text.is_empty() {
        return None;
    }
    let read = text.parse().ok().filter(|number: &T| *number >= ends.0 && *number <= ends.1);
    if read.is_none() {
        form.wrong(Problem { field: name.to_owned(), ..wrong });
    }
    read
}

/// Checks the form of a list against the list as it was.
pub fn check_list(input: &ListInput, old: &CheckinList, zone: &TimeZone) -> Result<CheckinList, Refusal> {
    let mut form = Form::default();
    let name = if old.id == ListId::MAIN {
        form.optional("name", &input.name, NAME_MAX)
    } else {
        form.required("name", &input.name, NAME_MAX)
    };
    let asks_window = old.id != ListId::MAIN && !(input.from.trim().is_empty() && input.to.trim().is_empty());
    let window = asks_window.then(|| window(&mut form, ("from", &input.from), ("to", &input.to), zone)).flatten();
    let multi = MultiEntry::parse(&input.multi);
    let own = SelfCheckin::parse(&input.own);
    for (field, missing) in [("multi", multi.is_none()), ("own", own.is_none())] {
        if missing {
            form.wrong(problem!(field, "Choose one of the given answers."));
        }
    }
    let hour = problem!("", "Give an hour from 0 to 23.");
    let exit_hour = number(&mut form, "exit_hour", &input.exit_hour, (0u8, 23), hour);
    let people = problem!("", "Give a number from 1 to {max}.", max = CAPACITY_MAX);
    let capacity = number(&mut form, "capacity", &input.capacity, (1, CAPACITY_MAX), people);
    let rules = check_rules(&mut form, &input.rules);
    let (questions, next_question) = check_questions(&mut form, &input.questions, old.next_question);
    form.done(())?;
    Ok(CheckinList {
        id: old.id,
        event: old.event,
        name,
        kinds: input.kinds.clone(),
        window,
        multi: multi.unwrap_or_default(),
        exit_hour,
        capacity,
        collected: input.collected,
        rules,
        questions,
        next_question,
        own: own.unwrap_or_default(),
        code_series: old.code_series,
        revision: old.revision + 1,
    })
}

/// Reads and checks rules written as JSON; none for an empty text.
pub fn check_rules(form: &mut Form, text: &str) -> Option<Rule> {
    if text.trim().is_empty() {
        return None;
    }
    match serde_json::from_str::<Rule>(text) {
        Ok(rule) => {
            rule.problems().into_iter().for_each(|problem| form.wrong(problem));
            Some(rule)
        }
        Err(error) => {
            form.wrong(problem!("rules", "The rules cannot be read: {why}", why = error));
            None
        }
    }
}

/// What a list's questions take: anything but an identity card, which the door has no business to see.
pub const QUESTION_KINDS: &[FieldKind] =
    &[FieldKind::Text, FieldKind::Choice, FieldKind::Number, FieldKind::Date, FieldKind::Phone];

fn check_questions(form: &mut Form, asked: &[Field], mut next: u16) -> (Vec<Field>, u16) {
    let mut questions = Vec::new();
    for field in asked.iter().filter(|field| !field.label.is_empty()) {
        // Problems are told under the number that the form knows.
        check_field(field, &mut form.problems);
        if !QUESTION_KINDS.contains(&field.kind) {
            form.wrong(problem!(format!("field-{}-kind", field.id), "Choose one of the given answers."));
        }
        let mut field = field.clone();
        if field.id == 0 || field.id >= next {
            field.id = next;
            next = next.saturating_add(1);
        }
        questions.push(field);
    }
    if questions.len() > QUESTIONS_MAX {
        form.wrong(problem!("questions", "At most {max} questions are asked at the door.", max = QUESTIONS_MAX));
    }
    (questions, next)
}

impl CheckinList {
    /// Whether a rule or setting names a gate, group or ticket type.
    pub fn names(&self, of: impl Fn(&Test) -> bool) -> bool {
        self.rules.as_ref().is_some_and(|rule| rule.tests().into_iter().any(of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> ListInput {
        ListInput { name: "晚宴".into(), multi: "once".into(), own: "off".into(), ..ListInput::default() }
    }

    fn second() -> CheckinList {
        CheckinList { id: ListId(4), ..CheckinList::main(EventId(1)) }
    }

    #[test]
    fn a_lists_form_is_checked_field_by_field() {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let wrong = ListInput {
            name: String::new(),
            from: "2026-11-25T09:00".into(),
            multi: "twice".into(),
            exit_hour: "24".into(),
            capacity: "0".into(),
            rules: "{".into(),
            own: "x".into(),
            ..input()
        };
        let refusal = check_list(&wrong, &second(), &zone).unwrap_err();
        let fields: Vec<_> = refusal.problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["name", "to", "multi", "own", "exit_hour", "capacity", "rules"]);
        let right = ListInput { exit_hour: "４".into(), capacity: "300".into(), ..input() };
        let list = check_list(&right, &second(), &zone).unwrap();
        assert_eq!((list.exit_hour, list.capacity, list.window, list.revision), (Some(4), Some(300), None, 1));
    }

    #[test]
    fn the_main_list_needs_no_name_and_keeps_the_events_time() {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let timed = ListInput {
            name: String::new(),
            from: "2026-11-25T09:00".into(),
            to: "2026-11-25T10:00".into(),
            ..input()
        };
        let list = check_list(&timed, &CheckinList::main(EventId(1)), &zone).unwrap();
        assert_eq!(list.window, None);
        assert!(check_list(&ListInput { name: "晚宴".into(), ..timed }, &second(), &zone).unwrap().window.is_some());
    }

    #[test]
    fn questions_keep_their_numbers() {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let question = |id, label: &str, kind| Field {
            id,
            label: label.into(),
            kind,
            required: true,
            help: String::new(),
            choices: Vec::new(),
            ..Field::default()
        };
        let asked = vec![
            question(2, "尺码", FieldKind::Text),
            question(0, "桌号", FieldKind::Number),
            question(1, "", FieldKind::Text),
        ];
        let old = CheckinList { next_question: 3, ..second() };
        let list = check_list(&ListInput { questions: asked, ..input() }, &old, &zone).unwrap();
        let ids: Vec<_> = list.questions.iter().map(|field| field.id).collect();
        assert_eq!((ids, list.next_question), (vec![2, 3], 4));
        let card = vec![question(0, "证件", FieldKind::IdCard)];
        assert!(check_list(&ListInput { questions: card, ..input() }, &old, &zone).is_err());
    }
}

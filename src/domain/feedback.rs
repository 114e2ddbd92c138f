//! The feedback form after an event: questions of the usual kinds and ratings, answered once a ticket; and what the answers add up to.

use crate::{
    EventId, Refusal, TicketId, Time,
    field::{Field, FieldKind, check_field},
    problem, refuse,
    text::Form,
};
use jiff::tz::TimeZone;
use rkyv::{Archive, Deserialize, Serialize};

/// One question of the form.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct FeedbackQuestion {
    /// Number, text, help; its kind is taken only when this is no rating.
    pub field: Field,
    /// A rating from 1 to 5 instead.
    pub rating: bool,
}

/// The feedback form of an event.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct FeedbackForm {
    /// The event.
    pub event: EventId,
    /// When it opens; none: not at all.
    pub opens: Option<Time>,
    /// Answers are kept without the ticket that they came from.
    pub anonymous: bool,
    /// A word to whoever answers.
    pub intro: String,
    /// The questions.
    pub questions: Vec<FeedbackQuestion>,
    /// The number the next new question gets.
    pub next: u16,
    /// Raised by each change; a form that was opened on an older one is refused.
    pub revision: u32,
}

/// That a ticket has answered; says nothing about what.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct FeedbackGiven {
    /// The event.
    pub event: EventId,
    /// The ticket.
    pub ticket: TicketId,
}

/// What somebody answered.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct FeedbackAnswer {
    /// The event.
    pub event: EventId,
    /// A number drawn by chance, so that the order of answers says nothing.
    pub id: u64,
    /// Whose; none when the form was anonymous.
    pub ticket: Option<TicketId>,
    /// Answers in their stored form, by question number.
    pub answers: Vec<(u16, String)>,
}

/// Most questions of a form.
pub const QUESTIONS_MAX: usize = 30;
/// Longest word to whoever answers, in characters.
pub const INTRO_MAX: usize = 500;
/// The best rating.
pub const RATING_MAX: u8 = 5;

impl FeedbackForm {
    /// The form as every event has it: without questions, and closed.
    pub fn of(event: EventId) -> Self {
        Self { event, opens: None, anonymous: true, intro: String::new(), questions: Vec::new(), next: 1, revision: 0 }
    }

    /// Whether people may answer.
    pub fn is_open(&self, now: Time) -> bool {
        !self.questions.is_empty() && self.opens.is_some_and(|opens| now >= opens)
    }
}

/// What the form of the form takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedbackInput {
    /// When it opens, as local text; empty: not at all.
    pub opens: String,
    /// Without names.
    pub anonymous: bool,
    /// A word to whoever answers.
    pub intro: String,
    /// Questions; new ones carry a number that no kept one has, those without text are left out.
    pub questions: Vec<FeedbackQuestion>,
}

/// Checks the form against the form as it was, and numbers new questions. A question that becomes one of another kind is a new one: its old
/// answers would not fit.
pub fn check_feedback(input: &FeedbackInput, old: &FeedbackForm, zone: &TimeZone) -> Result<FeedbackForm, Refusal> {
    let mut form = Form::default();
    let opens = match input.opens.trim() {
        "" => None,
        text => {
            let read = Time::from_local(text, zone);
            if read.is_none() {
                form.wrong(problem!("opens", "Give date and time, such as 2026-11-25 09:00."));
            }
            read
        }
    };
    let intro = form.block("intro", &input.intro, INTRO_MAX);
    if input.questions.len() > QUESTIONS_MAX {
        form.wrong(problem!("questions", "There can be at most {max} questions.", max = QUESTIONS_MAX));
    }
    let mut labels = std::collections::BTreeSet::new();
    let (mut questions, mut next) = (Vec::new(), old.next);
    for question in &input.questions {
        let typed = &question.field;
        let at = |part: &str| format!("field-{}-{part}", typed.id);
        check_field(typed, &mut form.problems);
        if !question.rating && typed.kind.is_sensitive() {
            form.wrong(problem!(at("kind"), "A feedback form does not ask for identity cards."));
        }
        if !typed.label.is_empty() && !labels.insert(typed.label.as_str()) {
            form.wrong(problem!(at("label"), "This question stands here twice."));
        }
        let mut question = question.clone();
        if question.rating {
            (question.field.kind, question.field.choices) = (FieldKind::Number, Vec::new());
        }
        let same = |kept: &&FeedbackQuestion| {
            kept.field.id == typed.id && kept.rating == question.rating && kept.field.kind == question.field.kind
        };
        if !old.questions.iter().any(|kept| same(&kept)) {
            question.field.id = next;
            next = next.saturating_add(1);
        }
        questions.push(question);
    }
    if opens.is_some() && questions.is_empty() && form.problems.is_empty() {
        form.wrong(problem!("opens", "Ask at least one question before the form opens."));
    }
    form.done(FeedbackForm {
        opens,
        anonymous: input.anonymous,
        intro,
        questions,
        next,
        revision: old.revision + 1,
        ..old.clone()
    })
}

/// Whether a ticket may answer now.
pub fn check_open(form: &FeedbackForm, standing: bool, given: bool, now: Time) -> Result<(), Refusal> {
    if !form.is_open(now) {
        return Err(refuse!(Conflict, "feedback.closed", "The feedback form is not open."));
    }
    if !standing {
        return Err(refuse!(Conflict, "feedback.canceled", "This registration is canceled."));
    }
    if given {
        return Err(refuse!(Conflict, "feedback.given", "You have answered already. Thank you!"));
    }
    Ok(())
}

/// Checks what somebody answered; answers in their stored form, without those that were left out.
pub fn check_answers(form: &FeedbackForm, typed: &[(u16, String)]) -> Result<Vec<(u16, String)>, Refusal> {
    let mut problems = Vec::new();
    let mut answers = Vec::new();
    for question in &form.questions {
        let field = &question.field;
        let said = typed.iter().find(|(id, _)| *id == field.id).map_or("", |(_, said)| said.as_str());
        let mut answer = field.check(said, &mut problems);
        if question.rating && !answer.is_empty() {
            match answer.parse::<u8>().ok().filter(|rating| (1..=RATING_MAX).contains(rating)) {
                Some(rating) => answer = rating.to_string(),
                None => problems.push(problem!(field.input_name(), "Choose one of the given answers.")),
            }
        }
        if !answer.is_empty() {
            answers.push((field.id, answer));
        }
    }
    Refusal::unless_clean(problems)?;
    if answers.is_empty() {
        return Err(refuse!(Invalid, "feedback.empty", "Answer at least one question."));
    }
    Ok(answers)
}

/// What the answers to one question add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Answers per rating from 1 to 5.
    Rated([i64; 5]),
    /// Answers per choice, in the order of the choices; those that are no choice any more stand at the end.
    Chosen(Vec<(String, i64)>),
    /// The answers themselves, with whose they are if that is known.
    Said(Vec<(Option<TicketId>, String)>),
}

impl Outcome {
    /// How many answered.
    pub fn count(&self) -> i64 {
        match self {
            Self::Rated(ratings) => ratings.iter().sum(),
            Self::Chosen(choices) => choices.iter().map(|(_, count)| count).sum(),
            Self::Said(said) => i64::try_from(said.len()).unwrap_or(i64::MAX),
        }
    }

    /// The average of ratings in hundredths, rounded; none without any.
    pub fn average(&self) -> Option<i64> {
        let Self::Rated(ratings) = self else { return None };
        let sum: i64 = (1i64..).zip(ratings).map(|(rating, count)| rating * count).sum();
        let count = self.count();
        (count > 0).then(|| (sum * 100 + count / 2) / count)
    }
}

/// What the answers add up to, question by question.
pub fn outcomes(form: &FeedbackForm, answers: &[FeedbackAnswer]) -> Vec<Outcome> {
    let given = |id: u16| {
        answers.iter().filter_map(move |answer| {
            answer.answers.iter().find(|(question, _)| *question == id).map(|(_, said)| (answer.ticket, said))
        })
    };
    let one = |question: &FeedbackQuestion| {
        let field = &question.field;
        if question.rating {
            let mut ratings = [0; 5];
            for (_, said) in given(field.id) {
                let at = said.parse::<usize>().ok().and_then(|rating| rating.checked_sub(1));
                if let Some(count) = at.and_then(|at| ratings.get_mut(at)) {
                    *count += 1;
                }
            }
            return Outcome::Rated(ratings);
        }
        if field.kind != FieldKind::Choice {
            return Outcome::Said(given(field.id).map(|(ticket, said)| (ticket, said.clone())).collect());
        }
        let mut choices: Vec<(String, i64)> = field.choices.iter().map(|choice| (choice.clone(), 0)).collect();
        for (_, said) in given(field.id) {
            match choices.iter_mut().find(|(choice, _)| choice == said) {
                Some((_, count)) => *count += 1,
                None => choices.push((said.clone(), 1)),
            }
        }
        Outcome::Chosen(choices)
    };
    form.questions.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(id: u16, label: &str, kind: Option<FieldKind>, required: bool) -> FeedbackQuestion {
        let choices = if kind == Some(FieldKind::Choice) { vec!["会".into(), "不会".into()] } else { Vec::new() };
        let field = Field {
            id,
            label: label.into(),
            kind: kind.unwrap_or(FieldKind::Number),
            required,
            help: String::new(),
            choices,
            ..Field::default()
        };
        FeedbackQuestion { field, rating: kind.is_none() }
    }

    fn form() -> FeedbackForm {
        FeedbackForm {
            opens: Some(Time(100)),
            questions: vec![
                question(1, "总体评价", None, true),
                question(2, "还会来吗", Some(FieldKind::Choice), false),
                question(3, "建议", Some(FieldKind::Text), false),
            ],
            next: 4,
            ..FeedbackForm::of(EventId(1))
        }
    }

    #[test]
    fn a_ticket_answers_once_when_the_form_is_open() {
        let bare = FeedbackForm { questions: Vec::new(), ..form() };
        let shut = FeedbackForm { opens: None, ..form() };
        let cases = [
            (&form(), true, false, 100, None),
            (&form(), true, false, 99, Some("feedback.closed")),
            (&bare, true, false, 100, Some("feedback.closed")),
            (&shut, true, false, 100, Some("feedback.closed")),
            (&form(), false, false, 100, Some("feedback.canceled")),
            (&form(), true, true, 100, Some("feedback.given")),
        ];
        for (form, standing, given, now, refused) in cases {
            let said = check_open(form, standing, given, Time(now));
            assert_eq!(said.err().map(|refusal| refusal.code), refused);
        }
    }

    #[test]
    fn ratings_lie_between_one_and_five_and_required_ones_are_given() {
        type Case = (&'static [(u16, &'static str)], Result<usize, &'static [&'static str]>);
        let cases: [Case; 8] = [
            (&[(1, "5"), (2, "会"), (3, "很好")], Ok(3)),
            (&[(1, "１")], Ok(1)),
            (&[(1, "1")], Ok(1)),
            (&[(1, "6")], Err(&["answer-1"])),
            (&[(1, "0")], Err(&["answer-1"])),
            (&[(1, "2.5")], Err(&["answer-1"])),
            (&[(2, "也许")], Err(&["answer-1", "answer-2"])),
            (&[(1, "3"), (9, "ghost")], Ok(1)),
        ];
        for (typed, expected) in cases {
            let typed: Vec<(u16, String)> = typed.iter().map(|(id, said)| (*id, (*said).to_owned())).collect();
            let said = check_answers(&form(), &typed);
            match (said, expected) {
                (Ok(answers), Ok(count)) => assert_eq!(answers.len(), count, "{typed:?}"),
                (Err(refusal), Err(fields)) => {
                    assert_eq!(refusal.problems.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), fields);
                }
                (said, _) => panic!("{typed:?}: {said:?}"),
            }
        }
        let optional = FeedbackForm { questions: vec![question(3, "建议", Some(FieldKind::Text), false)], ..form() };
        assert_eq!(check_answers(&optional, &[]).unwrap_err().code, "feedback.empty");
    }

    #[test]
    fn answers_add_up_to_averages_and_counts() {
        let answer = |id, ticket: Option<u64>, answers: &[(u16, &str)]| FeedbackAnswer {
            event: EventId(1),
            id,
            ticket: ticket.map(TicketId),
            answers: answers.iter().map(|(id, said)| (*id, (*said).to_owned())).collect(),
        };
        let answers = [
            answer(1, Some(7), &[(1, "5"), (2, "会"), (3, "很好")]),
            answer(2, None, &[(1, "4"), (2, "从前的选项")]),
            answer(3, None, &[(1, "4"), (2, "会")]),
        ];
        let all = outcomes(&form(), &answers);
        assert_eq!(all[0], Outcome::Rated([0, 0, 0, 2, 1]));
        assert_eq!((all[0].average(), all[0].count()), (Some(433), 3));
        assert_eq!(all[1], Outcome::Chosen(vec![("会".into(), 2), ("不会".into(), 0), ("从前的选项".into(), 1)]));
        assert_eq!(all[2], Outcome::Said(vec![(Some(TicketId(7)), "很好".into())]));
        assert_eq!(outcomes(&form(), &[])[0].average(), None);
    }

    #[test]
    fn the_form_is_checked_and_new_questions_get_numbers_of_their_own() {
        let zone = crate::time::zone("Asia/Shanghai").unwrap();
        let input = |opens: &str, questions: Vec<FeedbackQuestion>| FeedbackInput {
            opens: opens.into(),
            questions,
            ..FeedbackInput::default()
        };
        let kept = check_feedback(
            &input(
                "2026-11-25T18:00",
                vec![
                    question(1, "总体", None, false),
                    question(2, "为什么", Some(FieldKind::Text), false),
                    question(900, "场地", None, false),
                ],
            ),
            &form(),
            &zone,
        )
        .unwrap();
        let ids: Vec<u16> = kept.questions.iter().map(|question| question.field.id).collect();
        assert_eq!((ids, kept.next), (vec![1, 4, 5], 6), "another kind is another question");
        let wrong = [
            input("x", vec![question(1, "a", None, false)]),
            input("2026-11-25T18:00", vec![]),
            input("", vec![question(1, "a", None, false), question(2, "a", None, false)]),
            input("", vec![question(1, "证件", Some(FieldKind::IdCard), false)]),
            input("", (0..31).map(|n| question(n, &format!("{n}"), None, false)).collect()),
        ];
        for input in wrong {
            assert!(check_feedback(&input, &form(), &zone).is_err(), "{input:?}");
        }
        assert!(check_feedback(&input("", vec![]), &form(), &zone).is_ok(), "a form may be empty while it is closed");
    }
}

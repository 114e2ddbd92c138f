//! Questions of a registration form and their answers (S0-27): text, choice, number, date, phone, identity card.

use crate::{Problem, problem, text};
use rkyv::{Archive, Deserialize, Serialize};

/// What a question takes.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// One of the given choices.
    Choice,
    /// A number.
    Number,
    /// A calendar date.
    Date,
    /// A phone number.
    Phone,
    /// A resident identity card number; kept encrypted.
    IdCard,
}

impl FieldKind {
    /// Every kind, in the order the form shows them.
    pub const ALL: &[Self] = &[Self::Text, Self::Choice, Self::Number, Self::Date, Self::Phone, Self::IdCard];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Choice => "choice",
            Self::Number => "number",
            Self::Date => "date",
            Self::Phone => "phone",
            Self::IdCard => "id_card",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Choice => "Choice",
            Self::Number => "Number",
            Self::Date => "Date",
            Self::Phone => "Phone",
            Self::IdCard => "ID card",
        }
    }

    /// The kind of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// Sensitive answers are encrypted at rest and masked without permission.
    pub fn is_sensitive(self) -> bool {
        matches!(self, Self::IdCard)
    }
}

/// One question of an event's registration form.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Number within the event, never used again after the question is deleted.
    pub id: u16,
    /// The question, 1–60 characters.
    pub label: String,
    /// What it takes.
    pub kind: FieldKind,
    /// Whether it must be answered.
    pub required: bool,
    /// A line of help under the question.
    pub help: String,
    /// The choices of a [`FieldKind::Choice`].
    pub choices: Vec<String>,
}

/// The most questions of one event.
pub const FIELDS_MAX: usize = 30;
/// The most choices of one question.
pub const CHOICES_MAX: usize = 50;
/// Longest answer in characters.
pub const ANSWER_MAX: usize = 200;

/// A kept answer.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The question's number.
    pub field: u16,
    /// What was answered.
    pub value: AnswerValue,
}

/// An answer in the clear, or encrypted with the hint that may be shown.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum AnswerValue {
    /// In its stored form: trimmed text, E.164 phone, ISO date.
    Plain(String),
    /// Encrypted.
    Sealed(Sealed),
}

/// An encrypted answer with what may be shown of it.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Nonce and ciphertext with tag.
    pub cipher: Vec<u8>,
    /// The masked form, for those without permission.
    pub hint: String,
}

impl Field {
    /// The name of the field's input: `answer-3`.
    pub fn input_name(&self) -> String {
        format!("answer-{}", self.id)
    }

    /// Checks what was typed; the answer in its stored form, empty when an optional question was left out.
    pub fn check(&self, typed: &str, problems: &mut Vec<Problem>) -> String {
        let name = self.input_name();
        let typed = text::line(typed);
        if typed.is_empty() {
            if self.required {
                problems.push(problem!(name, "This field is required."));
            }
            return typed;
        }
        let length = typed.chars().count();
        if length > ANSWER_MAX {
            problems.push(problem!(
                name,
                "At most {max} characters; this has {length}.",
                max = ANSWER_MAX,
                length = length
            ));
            return typed;
        }
        match self.stored(&typed) {
            Ok(stored) => stored,
            Err(problem) => {
                problems.push(Problem { field: name, ..problem });
                typed
            }
        }
    }

    fn stored(&self, typed: &str) -> Result<String, Problem> {
        match self.kind {
            FieldKind::Text => Ok(typed.to_owned()),
            FieldKind::Choice => {
                let chosen = self.choices.iter().any(|choice| choice == typed);
                chosen.then(|| typed.to_owned()).ok_or_else(|| problem!("", "Choose one of the given answers."))
            }
            FieldKind::Number => number(typed).ok_or_else(|| problem!("", "Give a number, such as 12 or 3.5.")),
            FieldKind::Date => date(typed).ok_or_else(|| problem!("", "Give a date, such as 2026-11-25.")),
            FieldKind::Phone => crate::phone::normalise(typed)
                .ok_or_else(|| problem!("", "This is not a phone number. Give 11 digits, or + and the country code.")),
            FieldKind::IdCard => crate::id_card::normalise(typed)
                .ok_or_else(|| problem!("", "This ID card number is not right. Check its 18 characters.")),
        }
    }
}

/// A plain decimal number of at most 18 digits, in half width, with thousands commas dropped.
fn number(typed: &str) -> Option<String> {
    let plain: String = typed.chars().map(text::half_width).filter(|c| *c != ',').collect();
    let bare = plain.strip_prefix('-').unwrap_or(&plain);
    let (whole, part) = bare.split_once('.').unwrap_or((bare, "0"));
    let digits = |text: &str| !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
    (digits(whole) && digits(part)).then_some(plain)
}

/// A date in ISO form out of `2026-11-25`, `2026/11/25`, `2026.11.25` or `2026年11月25日`.
fn date(typed: &str) -> Option<String> {
    let plain: String = typed
        .chars()
        .map(text::half_width)
        .filter(|c| *c != '日')
        .map(|c| if matches!(c, '/' | '.' | '年' | '月') { '-' } else { c })
        .collect();
    let mut parts = plain.split('-');
    let year: i16 = parts.next()?.parse().ok()?;
    let month: i8 = parts.next()?.parse().ok()?;
    let day: i8 = parts.next()?.parse().ok()?;
    if parts.next().is_some() || !(1800..=2999).contains(&year) {
        return None;
    }
    Some(jiff::civil::Date::new(year, month, day).ok()?.to_string())
}

/// Checks a question as the secretariat designed it.
pub fn check_field(field: &Field, problems: &mut Vec<Problem>) {
    let at = |part: &str| format!("field-{}-{part}", field.id);
    if field.label.is_empty() {
        problems.push(problem!(at("label"), "This field is required."));
    }
    if field.label.chars().count() > 60 {
        problems.push(problem!(
            at("label"),
            "At most {max} characters; this has {length}.",
            max = 60,
            length = field.label.chars().count()
        ));
    }
    if field.help.chars().count() > 200 {
        problems.push(problem!(
            at("help"),
            "At most {max} characters; this has {length}.",
            max = 200,
            length = field.help.chars().count()
        ));
    }
    if field.kind != FieldKind::Choice {
        return;
    }
    let mut seen = std::collections::BTreeSet::new();
    if field.choices.len() < 2 || field.choices.len() > CHOICES_MAX {
        problems.push(problem!(at("choices"), "Give 2 to {max} choices, one a line.", max = CHOICES_MAX));
    } else if !field.choices.iter().all(|choice| seen.insert(choice)) {
        problems.push(problem!(at("choices"), "A choice stands here twice."));
    } else if field.choices.iter().any(|choice| choice.chars().count() > 60) {
        problems.push(problem!(at("choices"), "A choice has at most {max} characters.", max = 60));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: FieldKind, required: bool) -> Field {
        Field {
            id: 1, label: "Q".into(), kind, required, help: String::new(), choices: vec!["红".into(), "蓝".into()]
        }
    }

    #[test]
    fn answers_are_checked_by_their_kind() {
        let cases = [
            (FieldKind::Text, " 你 好 ", Some("你 好")),
            (FieldKind::Choice, "红", Some("红")),
            (FieldKind::Choice, "绿", None),
            (FieldKind::Number, "１２", Some("12")),
            (FieldKind::Number, "-3.50", Some("-3.50")),
            (FieldKind::Number, "1,200", Some("1200")),
            (FieldKind::Number, "1e9", None),
            (FieldKind::Number, "=1+1", None),
            (FieldKind::Date, "2026/2/28", Some("2026-02-28")),
            (FieldKind::Date, "2026年11月25日", Some("2026-11-25")),
            (FieldKind::Date, "2026-02-30", None),
            (FieldKind::Date, "tomorrow", None),
            (FieldKind::Phone, "138 1234 5678", Some("+8613812345678")),
            (FieldKind::Phone, "12", None),
            (FieldKind::IdCard, "11010519491231002x", Some("11010519491231002X")),
            (FieldKind::IdCard, "110105194912310021", None),
        ];
        for (kind, typed, stored) in cases {
            let mut problems = Vec::new();
            let answer = field(kind, true).check(typed, &mut problems);
            assert_eq!(problems.is_empty().then_some(answer.as_str()), stored, "{kind:?} {typed}");
            assert!(problems.iter().all(|problem| problem.field == "answer-1"));
        }
    }

    #[test]
    fn only_required_questions_must_be_answered() {
        for (required, problems_expected) in [(true, 1), (false, 0)] {
            let mut problems = Vec::new();
            field(FieldKind::Date, required).check("  ", &mut problems);
            assert_eq!(problems.len(), problems_expected);
        }
    }
}

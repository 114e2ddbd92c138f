//! Questions of a registration form and their answers (S0-27): text, choices with limits, number, date, phone, e-mail, identity card,
//! file, consent; and when a question is asked at all.

use crate::{Problem, problem, text};
use rkyv::{Archive, Deserialize, Serialize};

/// What a question takes.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// Several lines of text.
    LongText,
    /// One of the given choices.
    Choice,
    /// Any of the given choices.
    Many,
    /// A number.
    Number,
    /// A calendar date.
    Date,
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A resident identity card number; kept encrypted.
    IdCard,
    /// An uploaded file.
    File,
    /// A box to tick: agreed, or not.
    Consent,
    /// A province, or a city in one.
    Region,
}

impl FieldKind {
    /// Every kind, in the order the form shows them.
    pub const ALL: &[Self] = &[
        Self::Text,
        Self::LongText,
        Self::Choice,
        Self::Many,
        Self::Number,
        Self::Date,
        Self::Phone,
        Self::Email,
        Self::IdCard,
        Self::File,
        Self::Consent,
        Self::Region,
    ];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::LongText => "long_text",
            Self::Choice => "choice",
            Self::Many => "many",
            Self::Number => "number",
            Self::Date => "date",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::IdCard => "id_card",
            Self::File => "file",
            Self::Consent => "consent",
            Self::Region => "region",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::LongText => "Long text",
            Self::Choice => "Choice",
            Self::Many => "Several choices",
            Self::Number => "Number",
            Self::Date => "Date",
            Self::Phone => "Phone",
            Self::Email => "E-mail",
            Self::IdCard => "ID card",
            Self::File => "File",
            Self::Consent => "Consent",
            Self::Region => "Province and city",
        }
    }

    /// The kind of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// It has choices.
    pub fn chooses(self) -> bool {
        matches!(self, Self::Choice | Self::Many)
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
    /// The choices, where there are any.
    pub choices: Vec<String>,
    /// How many people can have each choice, in their order; none: any number. May be shorter than the choices.
    pub limits: Vec<Option<u32>>,
    /// Asked only after certain answers; none: always.
    pub shown: Option<Shown>,
}

/// The answers after which a question is asked.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Number of an earlier question with choices, or of a consent.
    pub field: u16,
    /// Any of these answers; for a consent its being given.
    pub answers: Vec<String>,
}

/// What stands as the answer of a consent that was given.
pub const AGREED: &str = "yes";

impl Default for Field {
    fn default() -> Self {
        Self {
            id: 0,
            label: String::new(),
            kind: FieldKind::Text,
            required: false,
            help: String::new(),
            choices: Vec::new(),
            limits: Vec::new(),
            shown: None,
        }
    }
}

/// The most questions of one event.
pub const FIELDS_MAX: usize = 30;
/// The most choices of one question.
pub const CHOICES_MAX: usize = 50;
/// Longest answer in characters.
pub const ANSWER_MAX: usize = 200;
/// Longest answer of several lines in characters.
pub const LONG_MAX: usize = 2_000;
/// Largest number of people who can have a choice.
pub const LIMIT_MAX: u32 = 1_000_000;
/// Largest uploaded answer in bytes.
pub const FILE_MAX: usize = 10 << 20;

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
    /// Chosen out of given choices: what their limits are held against.
    Chosen(Vec<String>),
    /// An uploaded file.
    File(Upload),
    /// A province or city: its code by GB/T 2260 and how it reads.
    Region(u32, String),
}

/// An uploaded answer.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// SHA-256 of the stored file.
    pub file: [u8; 32],
    /// Name as it was uploaded.
    pub name: String,
    /// Bytes.
    pub size: u64,
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

    /// Whether it is asked after these answers, each in its stored form.
    pub fn is_asked(&self, answers: &[(u16, String)]) -> bool {
        let Some(shown) = &self.shown else { return true };
        let given = answers.iter().filter(|(id, _)| *id == shown.field).flat_map(|(_, answer)| answer.split('\n'));
        given
            .into_iter()
            .any(|answer| answer == AGREED && shown.answers.is_empty() || shown.answers.iter().any(|a| a == answer))
    }

    /// How many people can have a choice; none for any number.
    pub fn limit(&self, choice: &str) -> Option<u32> {
        let at = self.choices.iter().position(|kept| kept == choice)?;
        self.limits.get(at).copied().flatten()
    }

    /// Checks what was typed; the answer in its stored form, several choices one a line, empty when an optional question was left out.
    pub fn check(&self, typed: &str, problems: &mut Vec<Problem>) -> String {
        let name = self.input_name();
        let (typed, most) = match self.kind {
            FieldKind::LongText => (text::block(typed), LONG_MAX),
            FieldKind::Many => (text::block(typed), CHOICES_MAX * 61),
            FieldKind::File => (text::line(typed), 600),
            _ => (text::line(typed), ANSWER_MAX),
        };
        if typed.is_empty() {
            if self.required {
                problems.push(problem!(name, "This field is required."));
            }
            return typed;
        }
        let length = typed.chars().count();
        if length > most {
            problems.push(problem!(name, "At most {max} characters; this has {length}.", max = most, length = length));
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
            // Whether a file is there is for whoever keeps it to say.
            FieldKind::Text | FieldKind::LongText | FieldKind::File => Ok(typed.to_owned()),
            FieldKind::Many => {
                let chosen: Vec<&str> =
                    typed.split(['\n', ';', '；', '、']).map(str::trim).filter(|c| !c.is_empty()).collect();
                let known = self.choices.iter().filter(|choice| chosen.contains(&choice.as_str()));
                let known: Vec<&str> = known.map(String::as_str).collect();
                let all = chosen.iter().all(|choice| known.contains(choice));
                all.then(|| known.join("\n")).ok_or_else(|| problem!("", "Choose one of the given answers."))
            }
            FieldKind::Consent => match typed {
                "1" | AGREED | "是" | "同意" => Ok(AGREED.to_owned()),
                _ => Err(problem!("", "Choose one of the given answers.")),
            },
            FieldKind::Email => {
                email(typed).ok_or_else(|| problem!("", "This is not an e-mail address, such as name@example.com."))
            }
            FieldKind::Choice => {
                let chosen = self.choices.iter().any(|choice| choice == typed);
                chosen.then(|| typed.to_owned()).ok_or_else(|| problem!("", "Choose one of the given answers."))
            }
            FieldKind::Region => crate::region::read(typed)
                .map(|region| region.code.to_string())
                .ok_or_else(|| problem!("", "Choose one of the given answers.")),
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

/// An e-mail address in half width: something, one @, and a name of a host with a point in it.
pub(crate) fn email(typed: &str) -> Option<String> {
    let plain: String = typed.chars().map(text::half_width).collect();
    let (name, host) = plain.split_once('@')?;
    let sound = |part: &str| !part.is_empty() && !part.contains(['@', ' ', ',', ';', '<', '>', '"', '(', ')', '\\']);
    let host_sound = host.split('.').count() > 1
        && host.split('.').all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'));
    (sound(name) && name.len() <= 64 && host_sound && plain.len() <= 254)
        .then(|| format!("{name}@{}", host.to_lowercase()))
}

/// A date in ISO form out of `2026-11-25`, `2026/11/25`, `2026.11.25` or `2026年11月25日`.
pub(crate) fn date(typed: &str) -> Option<String> {
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
    if field.limits.iter().flatten().any(|limit| *limit > LIMIT_MAX) {
        problems.push(problem!(at("choices"), "Give a whole number up to {max}.", max = LIMIT_MAX));
    }
    if !field.kind.chooses() {
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
            id: 1,
            label: "Q".into(),
            kind,
            required,
            choices: vec!["红".into(), "蓝".into()],
            limits: vec![None, Some(3)],
            ..Field::default()
        }
    }

    #[test]
    fn answers_are_checked_by_their_kind() {
        let cases = [
            (FieldKind::Text, " 你 好 ", Some("你 好")),
            (FieldKind::Choice, "红", Some("红")),
            (FieldKind::Choice, "绿", None),
            (FieldKind::Many, "蓝\n红", Some("红\n蓝")),
            (FieldKind::Many, "红；蓝", Some("红\n蓝")),
            (FieldKind::Many, "红、绿", None),
            (FieldKind::LongText, " 一\r\n二 ", Some("一\n二")),
            (FieldKind::Region, "浙江 杭州", Some("330100")),
            (FieldKind::Region, "110000", Some("110000")),
            (FieldKind::Region, "123456", None),
            (FieldKind::Consent, "1", Some("yes")),
            (FieldKind::Consent, "no", None),
            (FieldKind::Email, "Li.Si＠Example.COM", Some("Li.Si@example.com")),
            (FieldKind::Email, "li@example", None),
            (FieldKind::Email, "a b@example.com", None),
            (FieldKind::Email, "a@b@c.com", None),
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
    fn a_question_is_asked_after_the_answers_that_it_waits_for() {
        let after = |answers: &[&str]| Field {
            shown: Some(Shown { field: 7, answers: answers.iter().map(|a| (*a).to_owned()).collect() }),
            ..field(FieldKind::Text, true)
        };
        let given = |answer: &str| vec![(7u16, answer.to_owned()), (8, "红".to_owned())];
        let cases = [
            (after(&["红", "蓝"]), given("蓝"), true),
            (after(&["红"]), given("绿\n红"), true),
            (after(&["红"]), given("蓝"), false),
            (after(&["红"]), Vec::new(), false),
            (after(&[]), given(AGREED), true),
            (after(&[]), given("红"), false),
            (field(FieldKind::Text, true), Vec::new(), true),
        ];
        for (field, answers, asked) in cases {
            assert_eq!(field.is_asked(&answers), asked, "{:?} after {answers:?}", field.shown);
        }
        assert_eq!(
            (field(FieldKind::Choice, true).limit("蓝"), field(FieldKind::Choice, true).limit("红")),
            (Some(3), None)
        );
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

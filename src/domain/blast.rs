//! Messages to many (S0-41, S1-59): who gets one, by which ways, how far it got. Each reader gets a notice of their own; this is what they have in common.

use crate::{
    BlastId, EventId, Refusal, Time,
    message::{WAYS, template::SUBJECT_MAX},
    notice::{About, Purpose, TEXT_MAX},
    problem, refuse,
    text::Form,
};
use rkyv::{Archive, Deserialize, Serialize};

/// A message to many.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Blast {
    /// Number.
    pub id: BlastId,
    /// Comes with the form: sent twice, it is one.
    pub once: String,
    /// The event whose people get it; none: chosen people.
    pub event: Option<EventId>,
    /// The occasion.
    pub purpose: Purpose,
    /// Subject; for mail.
    pub subject: String,
    /// What is said.
    pub text: String,
    /// Ways that it may take.
    pub ways: Vec<String>,
    /// Who wrote it.
    pub by: String,
    /// When.
    pub at: Time,
    /// How many people were chosen.
    pub people: u32,
    /// Parts of the list of people that were written to.
    pub done: u32,
    /// Parts in all.
    pub parts: u32,
    /// Notices that were written.
    pub written: u32,
    /// People who were left out: their registration does not stand any more.
    pub left_out: u32,
    /// How far it got.
    pub state: BlastState,
    /// When it came to its end.
    pub ended_at: Option<Time>,
}

/// A part of the people who get a message.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct BlastPart {
    /// The message.
    pub blast: BlastId,
    /// Which part, from 0.
    pub part: u32,
    /// Who.
    pub people: Vec<About>,
}

/// How far a message to many got.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlastState {
    /// It is being written to people.
    Running,
    /// It was written to everybody.
    Done,
    /// Somebody stopped it.
    Stopped,
}

impl BlastState {
    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Running => "Being written",
            Self::Done => "Written to everybody",
            Self::Stopped => "Stopped",
        }
    }
}

/// The occasions that people are written to on.
pub const PURPOSES: &[Purpose] = &[Purpose::Message, Purpose::Reminder, Purpose::Change];
/// People of one part.
pub const PART: usize = 500;
/// From more people than these the number must be typed.
pub const TYPED_FROM: usize = 100;
/// Most lines of a typed list of people.
pub const LINES_MAX: usize = 2_000;

/// What a form holds.
#[derive(Debug, Clone, Default)]
pub struct BlastInput {
    /// Comes with the form.
    pub once: String,
    /// Code of the occasion.
    pub purpose: String,
    /// Subject.
    pub subject: String,
    /// What is said.
    pub text: String,
    /// Ways that are ticked.
    pub ways: Vec<String>,
}

/// A checked form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The occasion.
    pub purpose: Purpose,
    /// Subject.
    pub subject: String,
    /// What is said.
    pub text: String,
    /// Ways.
    pub ways: Vec<String>,
}

/// Checks what is to be said.
pub fn check_words(input: &BlastInput) -> Result<Words, Refusal> {
    let mut form = Form::default();
    let purpose = PURPOSES.iter().copied().find(|purpose| purpose.code() == input.purpose);
    if purpose.is_none() {
        form.wrong(problem!("purpose", "Choose one of the given answers."));
    }
    let subject = form.optional("subject", &input.subject, SUBJECT_MAX);
    let text = form.block("text", &input.text, TEXT_MAX);
    if text.is_empty() {
        form.wrong(problem!("text", "This field is required."));
    }
    let ways: Vec<String> =
        WAYS.iter().filter(|way| input.ways.iter().any(|ticked| ticked == *way)).map(|way| (*way).to_owned()).collect();
    if ways.is_empty() {
        form.wrong(problem!("way", "Choose at least one way."));
    }
    form.done(Words { purpose: purpose.unwrap_or(Purpose::Message), subject, text, ways })
}

/// Whether the person who sends has seen for how many it is, and typed it where it is for many.
pub fn check_count(people: usize, seen: usize, typed: &str) -> Result<(), Refusal> {
    if people != seen {
        return Err(refuse!(
            Conflict,
            "blast.changed",
            "Meanwhile these are {found} people, no longer {seen}. Look at it once more.",
            found = people,
            seen = seen
        ));
    }
    let same = typed.trim().replace([',', '，', ' '], "") == people.to_string();
    if people > TYPED_FROM && !same {
        return Err(Refusal::invalid(vec![problem!("typed", "Type the number of people: {count}.", count = people)]));
    }
    Ok(())
}

/// Reads a list of people, one a line: a phone number anywhere in the line. Answers numbers in E.164 without repetitions, and the lines
/// without one.
pub fn read_people(text: &str) -> Result<(Vec<String>, Vec<String>), Refusal> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.len() > LINES_MAX {
        return Err(Refusal::invalid(vec![problem!("list", "At most {max} people.", max = LINES_MAX)]));
    }
    let (mut phones, mut wrong): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut seen = std::collections::BTreeSet::new();
    for line in lines {
        let parts = line.split([',', '，', ';', '；', '、', '\t', ' ', '\u{3000}']);
        match parts.filter(|part| !part.is_empty()).find_map(crate::phone::normalise) {
            Some(phone) if seen.insert(phone.clone()) => phones.push(phone),
            Some(_) => {}
            None => wrong.push(line.chars().take(60).collect()),
        }
    }
    Ok((phones, wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_many_is_checked_and_many_must_be_typed() {
        let sound = BlastInput {
            purpose: "message".into(),
            text: "停车场改在北门".into(),
            ways: vec!["sms".into(), "nothing".into()],
            ..BlastInput::default()
        };
        assert_eq!(check_words(&sound).unwrap().ways, ["sms"]);
        let wrong = [
            (BlastInput { purpose: "order_completed".into(), ..sound.clone() }, "purpose"),
            (BlastInput { text: " ".into(), ..sound.clone() }, "text"),
            (BlastInput { text: "字".repeat(501), ..sound.clone() }, "text"),
            (BlastInput { subject: "字".repeat(101), ..sound.clone() }, "subject"),
            (BlastInput { ways: vec!["nothing".into()], ..sound.clone() }, "way"),
        ];
        for (input, field) in wrong {
            assert_eq!(check_words(&input).unwrap_err().problems[0].field, field);
        }
        let cases = [
            (100, 100, "", None),
            (101, 101, "", Some("input.invalid")),
            (101, 101, "100", Some("input.invalid")),
            (1_234, 1_234, "1,234", None),
            (101, 100, "101", Some("blast.changed")),
        ];
        for (people, seen, typed, code) in cases {
            assert_eq!(check_count(people, seen, typed).err().map(|refusal| refusal.code), code, "{people} {typed}");
        }
    }

    #[test]
    fn a_list_of_people_is_read_by_its_phone_numbers() {
        let (phones, wrong) =
            read_people("张三 13800000001\n13800000002\n\n李四，138 0000\n王五\t+8613800000001").unwrap();
        assert_eq!(
            (phones, wrong),
            (vec!["+8613800000001".into(), "+8613800000002".into()], vec!["李四，138 0000".into()])
        );
        assert!(read_people(&"13800000001\n".repeat(LINES_MAX + 1)).is_err());
    }
}

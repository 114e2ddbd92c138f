//! What a person chose about messages.

use super::{MessageSetting, Topic, WAYS, check_address};
use crate::{PersonId, Refusal, problem, text::Form};
use rkyv::{Archive, Deserialize, Serialize};

/// What a person chose.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct MessageChoice {
    /// Whose.
    pub person: PersonId,
    /// Ways that the person does not want.
    pub off: Vec<String>,
    /// The way that is tried first; empty: as the association has it.
    pub first: String,
    /// No reminders.
    pub no_reminder: bool,
    /// Nothing that the secretariat writes to many.
    pub no_news: bool,
    /// Mail address; empty: as given with a registration.
    pub mail: String,
}

impl MessageChoice {
    /// Somebody who chose nothing.
    pub fn of(person: PersonId) -> Self {
        Self { person, off: Vec::new(), first: String::new(), no_reminder: false, no_news: false, mail: String::new() }
    }

    /// Whether the person wants notices of that kind.
    pub fn wants(&self, topic: Topic) -> bool {
        match topic {
            Topic::Own => true,
            Topic::Reminder => !self.no_reminder,
            Topic::News => !self.no_news,
        }
    }

    /// The ways that the person allows, in the order they are tried.
    pub fn ways<'a>(&'a self, of: &'a MessageSetting) -> Vec<&'a str> {
        let mut ways = of.ways();
        ways.retain(|way| !self.off.iter().any(|off| off == way));
        if let Some(at) = ways.iter().position(|way| *way == self.first) {
            let first = ways.remove(at);
            ways.insert(0, first);
        }
        ways
    }
}

/// What a form of a person's choices holds.
#[derive(Debug, Clone, Default)]
pub struct ChoiceInput {
    /// Ways that are wanted, of those in `shown`.
    pub wanted: Vec<String>,
    /// Ways that were to choose from.
    pub shown: Vec<String>,
    /// The way that is tried first.
    pub first: String,
    /// Reminders are wanted.
    pub reminder: bool,
    /// What goes to many is wanted.
    pub news: bool,
    /// Mail address.
    pub mail: String,
    /// Language tag; empty: as it is.
    pub lang: String,
}

/// Checks a person's choices; whose they are is for the caller to fill in.
pub fn check_choice(input: &ChoiceInput) -> Result<MessageChoice, Refusal> {
    let mut form = Form::default();
    let mail = match input.mail.trim() {
        "" => String::new(),
        typed => check_address(typed).unwrap_or_else(|| {
            form.wrong(problem!("mail", "This is no e-mail address."));
            String::new()
        }),
    };
    let known = |way: &&String| WAYS.contains(&way.as_str());
    let off = input.shown.iter().filter(known).filter(|way| !input.wanted.contains(way)).cloned().collect();
    let first = if WAYS.contains(&input.first.as_str()) { input.first.clone() } else { String::new() };
    let person = PersonId::default();
    form.done(MessageChoice { person, off, first, no_reminder: !input.reminder, no_news: !input.news, mail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_decides_which_ways_and_which_first() {
        let setting = MessageSetting { order: vec!["mail".into(), "nothing".into()], ..MessageSetting::default() };
        assert_eq!(setting.ways(), ["mail", "wechat.subscribe", "wechat.template", "wecom.message", "sms"]);
        let choice = MessageChoice {
            off: vec!["mail".into()],
            first: "sms".into(),
            no_news: true,
            ..MessageChoice::of(PersonId(1))
        };
        assert_eq!(choice.ways(&setting), ["sms", "wechat.subscribe", "wechat.template", "wecom.message"]);
        let wants: Vec<bool> =
            [Topic::Own, Topic::Reminder, Topic::News].into_iter().map(|topic| choice.wants(topic)).collect();
        assert_eq!(wants, [true, true, false]);
        let input = ChoiceInput {
            wanted: vec!["sms".into()],
            shown: vec!["sms".into(), "mail".into()],
            mail: "a@b".into(),
            ..ChoiceInput::default()
        };
        assert_eq!(check_choice(&input).unwrap_err().problems[0].field, "mail");
        let kept = check_choice(&ChoiceInput { mail: " A.b＠Example.COM ".into(), ..input }).unwrap();
        assert_eq!((kept.off, kept.mail.as_str()), (vec!["mail".to_owned()], "A.b@example.com"));
    }
}

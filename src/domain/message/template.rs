//! Templates: what is said on an occasion, for each way and each language (S0-94), and how long it may be.

use super::{WECHAT_TEMPLATES_MAX, check_values};
use crate::{EventId, NoticeId, OutgoingId, PersonId, Refusal, Time, notice::Purpose, problem, refuse, text::Form};
use rkyv::{Archive, Deserialize, Serialize};
use std::collections::BTreeSet;

/// Languages that messages are written in; the first is what the product starts in.
pub const LANGS: &[&str] = &["zh-CN", "en"];
/// The way that stands for the words themselves: pages, and every way that has no template of its own.
pub const WORDS: &str = "words";
/// Everything that has a template.
pub const TEMPLATED: &[&str] = &[WORDS, "mail", "sms", "wechat.subscribe", "wechat.template"];

/// Longest words in characters.
pub const TEXT_MAX: usize = 500;
/// Longest text of a mail in characters.
pub const MAIL_MAX: usize = 5_000;
/// Longest subject of a mail in characters.
pub const SUBJECT_MAX: usize = 100;
/// Longest text message that providers take, in characters with the signature.
pub const SMS_MAX: usize = 500;
/// Characters of a text message that is one part.
const SMS_ONE: usize = 70;
/// Characters of each part of a longer one.
const SMS_PART: usize = 67;

/// What is said on an occasion by a way in a language.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageTemplate {
    /// The occasion: a notice's purpose by its code, or the code to log in.
    pub occasion: String,
    /// The way, or [`WORDS`].
    pub way: String,
    /// Language tag.
    pub lang: String,
    /// The other side's id of it; for text messages and WeChat.
    pub id: String,
    /// Subject; for mail.
    pub subject: String,
    /// Words with `{names}`; for text messages the approved text, which only the preview uses.
    pub text: String,
    /// What fills it: the other side's name of a value, and ours.
    pub values: Vec<(String, String)>,
}

impl MessageTemplate {
    /// It says nothing of its own.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty() && self.subject.is_empty() && self.text.is_empty()
    }

    /// Whether the way sends nothing but templates that the other side knows by an id.
    pub fn needs_id(way: &str) -> bool {
        matches!(way, "sms" | "wechat.subscribe" | "wechat.template")
    }
}

/// The language of messages where nobody said another, and what a text message costs.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct MessageDefaults {
    /// Language tag.
    pub lang: String,
    /// Price of one part of a text message in ten-thousandths of a yuan, as the association's contract has it; 0: not told.
    pub sms_price: u32,
}

impl Default for MessageDefaults {
    fn default() -> Self {
        Self { lang: "zh-CN".into(), sms_price: 0 }
    }
}

/// The language that a person reads.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PersonLang {
    /// Whose.
    pub person: PersonId,
    /// Language tag.
    pub lang: String,
}

/// The tag when it is one of the languages that messages are written in.
pub fn known_lang(tag: &str) -> Option<&'static str> {
    LANGS.iter().copied().find(|lang| *lang == tag)
}

/// What a message was, whose trail is kept.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailOf {
    /// A notice.
    Notice(NoticeId),
    /// A code to log in with, by its entry of the outbox.
    Code(OutgoingId),
}

impl TrailOf {
    /// Kind and number.
    pub fn key(self) -> (u8, u64) {
        match self {
            Self::Notice(id) => (0, id.0),
            Self::Code(id) => (1, id.0),
        }
    }
}

/// How a message to somebody was sent on its way: every way that was looked at, and why it was not taken.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct MessageTrail {
    /// What it was.
    pub of: TrailOf,
    /// To whom.
    pub person: PersonId,
    /// The event it belongs to; goes with its archive.
    pub event: Option<EventId>,
    /// When it was written.
    pub at: Time,
    /// Ways that were looked at, in their order.
    pub looked: Vec<Looked>,
}

/// A way that was looked at.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The way.
    pub way: String,
    /// When.
    pub at: Time,
    /// Why it was not taken: English source text; empty: it was taken.
    pub why: String,
}

/// Most ways that a trail names.
pub const LOOKED_MAX: usize = 40;

/// What a form holds for one way and language.
#[derive(Debug, Clone, Default)]
pub struct TemplateInput {
    /// The way.
    pub way: String,
    /// Language tag.
    pub lang: String,
    /// The other side's id.
    pub id: String,
    /// Subject.
    pub subject: String,
    /// Words.
    pub text: String,
    /// Values as `1=name, 2=event`.
    pub values: String,
}

impl TemplateInput {
    /// A Chinese template that the other side knows by an id.
    pub fn known(way: &str, id: &str, values: &str) -> Self {
        Self {
            way: way.to_owned(),
            lang: "zh-CN".to_owned(),
            id: id.to_owned(),
            values: values.to_owned(),
            ..Self::default()
        }
    }
}

/// The name of a field of the form.
pub fn field(way: &str, lang: &str, part: &str) -> String {
    format!("{}-{lang}-{part}", way.replace('.', "-"))
}

/// Checks the templates of an occasion.
pub fn check_templates(occasion: &str, input: &[TemplateInput]) -> Result<Vec<MessageTemplate>, Refusal> {
    let known = occasion == super::LOGIN_CODE || Purpose::ALL.iter().any(|purpose| purpose.code() == occasion);
    if !known {
        return Err(refuse!(Missing, "message.occasion", "There is no such occasion."));
    }
    let mut form = Form::default();
    let mut checked = Vec::new();
    for one in input.iter().filter(|one| TEMPLATED.contains(&one.way.as_str())) {
        let Some(lang) = known_lang(&one.lang) else { continue };
        let name = |part: &str| field(&one.way, lang, part);
        let with_id = MessageTemplate::needs_id(&one.way);
        let id = if with_id { form.optional(&name("id"), &one.id, 64) } else { String::new() };
        let values = if with_id { check_values(&mut form, &name("values"), &one.values) } else { Vec::new() };
        let subject =
            if one.way == "mail" { form.optional(&name("subject"), &one.subject, SUBJECT_MAX) } else { String::new() };
        let text = form.block(&name("text"), &one.text, if one.way == "mail" { MAIL_MAX } else { TEXT_MAX });
        checked.push(MessageTemplate {
            occasion: occasion.to_owned(),
            way: one.way.clone(),
            lang: lang.to_owned(),
            id,
            subject,
            text,
            values,
        });
    }
    form.done(checked)
}

/// How many different templates of a way are in use; one used twice counts once (S0-95).
pub fn count_ids<'a>(all: impl IntoIterator<Item = &'a MessageTemplate>, way: &str) -> usize {
    let ids: BTreeSet<&str> = all
        .into_iter()
        .filter(|template| template.way == way && !template.id.is_empty())
        .map(|template| template.id.as_str())
        .collect();
    ids.len()
}

/// Refuses more templates than WeChat lets be enabled at once.
pub fn check_count(all: &[MessageTemplate]) -> Result<(), Refusal> {
    for way in ["wechat.subscribe", "wechat.template"] {
        let count = count_ids(all, way);
        if count > WECHAT_TEMPLATES_MAX {
            let problem = problem!(
                field(way, LANGS.first().copied().unwrap_or(""), "id"),
                "WeChat lets {max} templates be enabled at once; these are {count}.",
                max = WECHAT_TEMPLATES_MAX,
                count = count
            );
            return Err(Refusal::invalid(vec![problem]));
        }
    }
    Ok(())
}

/// Checks the defaults: language, and the price of a part of a text message in yuan as people write it.
pub fn check_defaults(lang: &str, price: &str) -> Result<MessageDefaults, Refusal> {
    let mut form = Form::default();
    let lang = known_lang(lang);
    if lang.is_none() {
        form.wrong(problem!("lang", "Choose one of the given answers."));
    }
    let sms_price = read_price(price);
    if sms_price.is_none() {
        form.wrong(problem!("sms_price", "Give yuan with at most four decimals, such as 0.045."));
    }
    form.done(MessageDefaults { lang: lang.unwrap_or("zh-CN").to_owned(), sms_price: sms_price.unwrap_or(0) })
}

/// Reads `0.045` as 450 ten-thousandths; empty is 0.
fn read_price(text: &str) -> Option<u32> {
    let text = text.trim().trim_start_matches(['¥', '￥']);
    if text.is_empty() {
        return Some(0);
    }
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 2 || rest.len() > 4 || !digits(whole) || !digits(rest) {
        return None;
    }
    format!("{whole}{rest:0<4}").parse().ok()
}

/// Ten-thousandths of a yuan as people write it: `0.045`.
pub fn price_text(price: u32) -> String {
    if price == 0 {
        return String::new();
    }
    let text = format!("{}.{:04}", price / 10_000, price % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// How many parts a text message is charged as.
pub fn sms_parts(text: &str) -> usize {
    match text.encode_utf16().count() {
        0..=SMS_ONE => 1,
        length => length.div_ceil(SMS_PART),
    }
}

/// What an approved text message says: `{1}`, `${name}` are the other side's names.
pub fn sms_text(sign: &str, approved: &str, values: &[(String, String)], ours: &[(String, String)]) -> String {
    let mut text = approved.to_owned();
    for (theirs, name) in values {
        let value = ours.iter().find(|(kept, _)| kept == name).map_or("", |(_, value)| value.as_str());
        text = text.replace(&format!("${{{theirs}}}"), value).replace(&format!("{{{theirs}}}"), value);
    }
    if sign.is_empty() || text.starts_with('【') { text } else { format!("【{sign}】{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(way: &str, id: &str, values: &str, text: &str) -> TemplateInput {
        TemplateInput {
            way: way.into(),
            lang: "zh-CN".into(),
            id: id.into(),
            values: values.into(),
            text: text.into(),
            ..TemplateInput::default()
        }
    }

    #[test]
    fn templates_are_kept_for_each_way_and_language_within_their_limits() {
        let long = "字".repeat(TEXT_MAX + 1);
        let cases = [
            (input("words", "", "", "{name}，您好"), None),
            (input("words", "", "", &long), Some("words-zh-CN-text")),
            (input("mail", "", "", &long), None),
            (input("sms", "110", "1=name, 2=event", ""), None),
            (input("sms", "110", "1=password", ""), Some("sms-zh-CN-values")),
            (input("wechat.subscribe", &"t".repeat(65), "", ""), Some("wechat-subscribe-zh-CN-id")),
        ];
        for (one, wrong) in cases {
            let checked = check_templates("reminder", std::slice::from_ref(&one));
            let found = checked.as_ref().err().map(|refusal| refusal.problems[0].field.clone());
            assert_eq!(found.as_deref(), wrong, "{one:?}");
        }
        assert_eq!(check_templates("nothing", &[]).unwrap_err().code, "message.occasion");
        let other = TemplateInput { lang: "fr".into(), ..input("words", "", "", "x") };
        assert!(check_templates("login_code", &[other]).unwrap().is_empty(), "no such language");
    }

    #[test]
    fn settings_are_checked_and_templates_of_wechat_counted_by_their_id() {
        let many = |ids: usize| -> Vec<MessageTemplate> {
            let one = |at| MessageTemplate {
                way: "wechat.subscribe".into(),
                id: format!("t{at}"),
                ..MessageTemplate::default()
            };
            (0..ids).map(one).collect()
        };
        assert!(check_count(&many(25)).is_ok() && check_count(&many(26)).is_err());
        assert!(check_count(&[many(25), many(25)].concat()).is_ok(), "the same id counts once");
        let cases = [
            ("0.045", Some(450)),
            ("", Some(0)),
            ("1", Some(10_000)),
            ("¥0.05", Some(500)),
            ("0.00001", None),
            ("x", None),
            ("-1", None),
        ];
        for (typed, kept) in cases {
            assert_eq!(check_defaults("en", typed).ok().map(|defaults| defaults.sms_price), kept, "{typed}");
        }
        assert!(check_defaults("fr", "").is_err());
        assert_eq!((price_text(450), price_text(10_000), price_text(0)), ("0.045".into(), "1".into(), String::new()));
    }

    #[test]
    fn a_text_message_is_filled_signed_and_charged_by_its_parts() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let ours = [pair("name", "张三"), pair("event", "年会")];
        let values = [pair("1", "name"), pair("meeting", "event")];
        let text = sms_text("会馆", "{1}您好，${meeting}见", &values, &ours);
        assert_eq!(text, "【会馆】张三您好，年会见");
        let lengths = [(70, 1), (71, 2), (134, 2), (135, 3)];
        for (length, parts) in lengths {
            assert_eq!(sms_parts(&"字".repeat(length)), parts, "{length}");
        }
    }
}

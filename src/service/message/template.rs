//! Templates of messages by occasion, way and language: which one holds, keeping them, and what they look like before they are kept (S0-94, S0-95).

use super::{mail, setting, sms};
use crate::{Actor, At, Ctx, Error};
pub(crate) use domain::message::template::WORDS;
use domain::{
    MessageDefaults, MessageTemplate, Notice, NoticeId, Permission, PersonId, PersonLang, Time,
    message::{
        LOGIN_CODE,
        template::{
            LANGS, SMS_MAX, TEMPLATED, TemplateInput, check_count, check_defaults, check_templates, known_lang,
            sms_parts, sms_text,
        },
    },
    notice::{About, NoticeState, Purpose, fill},
};
use jiff::tz::TimeZone;
use std::sync::PoisonError;
use store::Read;

/// The language of messages where nobody said another, and the price of a text message.
pub(crate) fn defaults(view: &impl Read) -> Result<MessageDefaults, Error> {
    Ok(view.get::<MessageDefaults>(&())?.unwrap_or_default())
}

/// The language that somebody reads.
pub(crate) fn lang_of(view: &impl Read, person: Option<PersonId>) -> Result<String, Error> {
    let own = match person {
        Some(person) => view.get::<PersonLang>(&person)?.map(|kept| kept.lang),
        None => None,
    };
    match own {
        Some(lang) => Ok(lang),
        None => Ok(defaults(view)?.lang),
    }
}

/// Takes down the language that somebody uses, when none is known yet; the caller writes the audit line.
pub(crate) fn learn_lang(work: &mut crate::Work<'_, '_>, person: PersonId, tag: &str) -> Result<(), Error> {
    let Some(lang) = known_lang(tag) else { return Ok(()) };
    if work.read().get::<PersonLang>(&person)?.is_none() && lang != defaults(work.read())?.lang {
        work.put(&PersonLang { person, lang: lang.to_owned() })?;
    }
    Ok(())
}

/// What earlier versions of the box kept in the settings, all of it Chinese.
fn kept_before(view: &impl Read, occasion: &str, way: &str) -> Result<Option<MessageTemplate>, Error> {
    let of = |id: &str, text: &str, values: &[(String, String)]| MessageTemplate {
        occasion: occasion.to_owned(),
        way: way.to_owned(),
        lang: "zh-CN".to_owned(),
        id: id.to_owned(),
        text: text.to_owned(),
        values: values.to_vec(),
        subject: String::new(),
    };
    Ok(match way {
        WORDS => {
            let all = setting(view)?.words;
            all.iter().find(|(code, ..)| code == occasion).map(|(_, _, words)| of("", words, &[]))
        }
        sms::WAY => {
            let all = sms::setting(view)?.templates;
            all.iter().find(|one| one.occasion == occasion).map(|one| of(&one.id, "", &one.values))
        }
        _ => {
            let all = setting(view)?.templates;
            let found = all.iter().find(|one| one.way == way && one.occasion == occasion);
            found.map(|one| of(&one.id, "", &one.values))
        }
    })
}

/// The template of exactly that language; none when it says nothing of its own.
pub(crate) fn exact(view: &impl Read, occasion: &str, way: &str, lang: &str) -> Result<Option<MessageTemplate>, Error> {
    let key = (occasion.to_owned(), way.to_owned(), lang.to_owned());
    let found = match view.get::<MessageTemplate>(&key)? {
        Some(kept) => Some(kept),
        None if lang == "zh-CN" => kept_before(view, occasion, way)?,
        None => None,
    };
    Ok(found.filter(|template| !template.is_empty()))
}

/// The template that a way is filled with: of the reader's language, else of the association's, else of any. A message in another language is of
/// more use than none.
pub(crate) fn find(view: &impl Read, occasion: &str, way: &str, lang: &str) -> Result<Option<MessageTemplate>, Error> {
    let own = defaults(view)?.lang;
    for lang in [lang, own.as_str()].into_iter().chain(LANGS.iter().copied()) {
        if let Some(found) = exact(view, occasion, way, lang)?.filter(|template| !template.id.is_empty()) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Every occasion that has templates: its code and the English source text of its name.
pub fn occasions() -> Vec<(&'static str, &'static str)> {
    let purposes = Purpose::ALL.iter().map(|purpose| (purpose.code(), purpose.label()));
    purposes.chain(std::iter::once((LOGIN_CODE, "Code to log in"))).collect()
}

/// The ways that have a template for an occasion.
pub fn ways_of(occasion: &str) -> Vec<&'static str> {
    let written = Purpose::ALL.iter().any(|purpose| purpose.code() == occasion && purpose.words().is_none());
    let fits = |way: &&&str| match **way {
        // The secretariat writes the words each time.
        WORDS | "mail" if written => false,
        "sms" => true,
        _ => occasion != LOGIN_CODE,
    };
    TEMPLATED.iter().filter(fits).copied().collect()
}

/// What is kept of everything, for the page.
pub struct All {
    /// Templates that say something of their own.
    pub templates: Vec<MessageTemplate>,
    /// Language and price.
    pub defaults: MessageDefaults,
}

/// All templates.
pub fn all(ctx: &Ctx, actor: &Actor) -> Result<All, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.read(&permit, |view| Ok(All { templates: kept(view)?, defaults: defaults(view)? }))
}

fn kept(view: &impl Read) -> Result<Vec<MessageTemplate>, Error> {
    let mut all = Vec::new();
    for (occasion, _) in occasions() {
        for way in ways_of(occasion) {
            for lang in LANGS {
                all.extend(exact(view, occasion, way, lang)?);
            }
        }
    }
    Ok(all)
}

/// Saves the templates of an occasion.
pub async fn save(ctx: &Ctx, actor: &Actor, occasion: &str, input: &[TemplateInput]) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let checked = check_templates(occasion, input)?;
    let occasion = occasion.to_owned();
    ctx.write(&permit, move |work| {
        let said = |all: &[MessageTemplate]| {
            let own = all.iter().filter(|one| one.occasion == occasion && !one.is_empty());
            own.map(|one| format!("{} {} {}{}", one.way, one.lang, one.id, one.text)).collect::<Vec<_>>().join(" | ")
        };
        let before = said(&kept(work.read())?);
        for template in &checked {
            work.put(template)?;
        }
        let all = kept(work.read())?;
        check_count(&all)?;
        work.audit("message.template", format!("message/template/{occasion}"), &before, &said(&all))
    })
    .await
}

/// Saves language and price.
pub async fn save_defaults(ctx: &Ctx, actor: &Actor, lang: &str, price: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let checked = check_defaults(lang, price)?;
    ctx.write(&permit, move |work| {
        let said = |of: &MessageDefaults| format!("{} {}", of.lang, of.sms_price);
        let before = said(&defaults(work.read())?);
        work.put(&checked)?;
        work.audit("message.settings", "message/defaults", &before, &said(&checked))
    })
    .await
}

/// What a template looks like, filled with a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The way.
    pub way: String,
    /// Language tag.
    pub lang: String,
    /// Subject; for mail.
    pub subject: String,
    /// What is read, where it is words.
    pub text: String,
    /// Keywords with their values, and what is wrong with each: English source text.
    pub fields: Vec<(String, String, Option<&'static str>)>,
    /// Characters, and parts that a text message is charged as.
    pub length: Option<(usize, usize)>,
    /// It would be refused by the other side, or says nothing.
    pub wrong: Option<&'static str>,
}

/// Values that stand for what will be filled in.
pub fn sample(lang: &str, zone: &TimeZone, now: Time) -> Vec<(String, String)> {
    let english = lang == "en";
    let pick = |zh: &'static str, en: &'static str| if english { en } else { zh };
    let day = now.plus(7 * domain::time::DAY);
    let pairs = [
        ("name", pick("张三", "Zhang San").to_owned()),
        ("event", pick("年度会员大会", "Annual meeting").to_owned()),
        ("time", when(day, zone, lang)),
        ("until", when(day.plus(2 * domain::time::HOUR), zone, lang)),
        ("amount", "100.00".to_owned()),
        ("number", "202611250001".to_owned()),
        ("reason", pick("名额已满", "No places are left.").to_owned()),
        ("text", pick("会场改在二号厅，请提前入场。", "The meeting moves to hall 2.").to_owned()),
        ("attend", "12345678".to_owned()),
        ("code", "123456".to_owned()),
        ("minutes", "5".to_owned()),
        ("login", "zhangsan".to_owned()),
        ("agent", "Chrome · Windows".to_owned()),
        ("address", "203.0.113.7".to_owned()),
        ("client", pick("东门闸机", "East gate").to_owned()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A moment as messages of that language have it.
pub(crate) fn when(at: Time, zone: &TimeZone, lang: &str) -> String {
    let form = if lang == "en" { "%b %-d, %H:%M" } else { "%-m月%-d日 %H:%M" };
    at.zoned(zone).strftime(form).to_string()
}

/// A notice that nobody gets: what the hall's own words are made from.
fn sample_notice(purpose: Purpose, lang: &str, zone: &TimeZone, now: Time) -> Notice {
    let mut values = sample(lang, zone, now);
    for (name, value) in &mut values {
        match name.as_str() {
            "time" => *value = now.plus(7 * domain::time::DAY).0.to_string(),
            "until" => *value = now.plus(7 * domain::time::DAY + 2 * domain::time::HOUR).0.to_string(),
            _ => {}
        }
    }
    let text = values.iter().find(|(name, _)| name == "text").map_or(String::new(), |(_, text)| text.clone());
    Notice {
        id: NoticeId(0),
        purpose,
        about: About::Person(PersonId(0)),
        name: values.iter().find(|(name, _)| name == "name").map_or(String::new(), |(_, name)| name.clone()),
        phone: None,
        text,
        values,
        once: String::new(),
        state: NoticeState::Waiting,
        created_at: now,
        useful_until: None,
    }
}

/// What the templates of an occasion look like as they were typed, without keeping anything.
pub fn preview(ctx: &Ctx, actor: &Actor, occasion: &str, input: &[TemplateInput]) -> Result<Vec<Preview>, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let checked = check_templates(occasion, input)?;
    let (zone, now) = (ctx.zone(permit.space)?, ctx.now());
    let sign = ctx.read(&permit, |view| Ok(sms::setting(view)?.sign))?;
    let purpose = Purpose::ALL.iter().copied().find(|purpose| purpose.code() == occasion);
    let ways = ctx.ways.read().unwrap_or_else(PoisonError::into_inner);
    let mut all = Vec::new();
    for template in &checked {
        let lang = template.lang.as_str();
        let notice = purpose.map(|purpose| sample_notice(purpose, lang, &zone, now));
        let usual = match (&notice, &ways.wording) {
            (Some(notice), Some(wording)) => (wording.words(notice, &zone, lang), wording.subject(notice, lang)),
            _ => (String::new(), String::new()),
        };
        let words = checked.iter().find(|one| one.way == WORDS && one.lang == lang).map_or("", |one| &one.text);
        all.extend(one_preview(
            template,
            &Filling { notice: notice.as_ref(), usual: &usual, words, sign: &sign },
            &zone,
            now,
        )?);
    }
    Ok(all)
}

/// What a preview is filled with.
struct Filling<'a> {
    notice: Option<&'a Notice>,
    /// The hall's own words and subject.
    usual: &'a (String, String),
    /// The association's words in that language, as typed.
    words: &'a str,
    sign: &'a str,
}

fn one_preview(of: &MessageTemplate, with: &Filling<'_>, zone: &TimeZone, now: Time) -> Result<Option<Preview>, Error> {
    let ours = sample(&of.lang, zone, now);
    let mut out = Preview {
        way: of.way.clone(),
        lang: of.lang.clone(),
        subject: String::new(),
        text: String::new(),
        fields: Vec::new(),
        length: None,
        wrong: None,
    };
    let words = if with.words.is_empty() { with.usual.0.clone() } else { fill(with.words, &ours) };
    match of.way.as_str() {
        WORDS => out.text = words,
        mail::WAY => {
            out.subject = if of.subject.is_empty() { with.usual.1.clone() } else { fill(&of.subject, &ours) };
            out.text = if of.text.is_empty() { words } else { fill(&of.text, &ours) };
        }
        sms::WAY => {
            if of.id.is_empty() {
                return Ok(None);
            }
            if of.text.is_empty() {
                let theirs =
                    |(theirs, name): &(String, String)| (theirs.clone(), super::value(&ours, name).to_owned(), None);
                out.fields = of.values.iter().map(theirs).collect();
            } else {
                out.text = sms_text(with.sign, &of.text, &of.values, &ours);
                let length = out.text.chars().count();
                out.length = Some((length, sms_parts(&out.text)));
                if length > SMS_MAX {
                    out.wrong = Some("Providers refuse text messages this long.");
                } else if out.text.contains("${") || out.text.contains('{') {
                    out.wrong = Some("Something in braces is filled by nothing.");
                }
            }
        }
        _ => {
            let (false, Some(notice)) = (of.id.is_empty(), with.notice) else { return Ok(None) };
            out.fields = crate::wechat::sampled(of, notice, &ours);
            if out.fields.is_empty() {
                out.wrong = Some("WeChat refuses a template without values.");
            }
        }
    }
    Ok(Some(out))
}

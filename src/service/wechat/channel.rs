//! WeChat as ways of the message centre: which template a notice's occasion has, what fills it, and to whom it can go.

use super::{
    app_in, credit,
    login::links_of,
    send::{SUBSCRIBE, TEMPLATE, ToOne, packed},
};
use crate::{
    Ctx, Error, Work,
    message::{self, Channel, NO_TEMPLATE, OFF, Prepared, Reading, Ready},
};
use domain::{MessageTemplate, Notice, Time, WechatLink, wechat::AppKind};
use gateway::wechat::keyword::Keyword;
use std::sync::Arc;
use store::{Read, SpaceView};

/// Registers the ways. Called at boot.
pub(super) fn register(ctx: &Ctx) {
    message::register(ctx, Arc::new(Subscribe));
    message::register(ctx, Arc::new(Template));
}

/// The reader's links at the app of a kind; none when that is not in use.
fn links(view: &impl Read, kind: AppKind, of: &Reading<'_>) -> Result<Option<Vec<WechatLink>>, Error> {
    let app = app_in(view, kind)?;
    if !app.enabled || app.secret.is_empty() {
        return Ok(None);
    }
    match of.person {
        Some(person) => links_of(view, person, &app.app).map(Some),
        None => Ok(Some(Vec::new())),
    }
}

/// A moment as keywords of times and dates take it, in China's zone: WeChat's readers are there.
fn moment(kind: Keyword, millis: i64) -> Option<String> {
    let zoned = Time(millis).zoned(&domain::time::zone("Asia/Shanghai")?);
    let form = if kind == Keyword::Date { "%Y年%-m月%-d日" } else { "%Y年%-m月%-d日 %H:%M" };
    Some(zoned.strftime(form).to_string())
}

/// The value of one keyword, and what WeChat would find wrong with it.
fn filled(theirs: &str, ours: &str, notice: &Notice, values: &[(String, String)]) -> (String, Option<&'static str>) {
    let Some(kind) = Keyword::of(theirs) else { return (String::new(), Some("WeChat has no keyword of this kind.")) };
    let millis = || notice.value(ours)?.parse::<i64>().ok();
    let value = match kind {
        Keyword::Time | Keyword::Date => millis().and_then(|millis| moment(kind, millis)),
        _ => None,
    };
    let value = value.unwrap_or_else(|| kind.fitted(message::value(values, ours)));
    let wrong = kind.check(&value).err().map(|_| "WeChat does not take this value for this keyword.");
    (value, wrong)
}

/// What fills a template; none when a keyword's value is missing or cannot be made to fit: WeChat would refuse the whole message.
fn data(template: &MessageTemplate, of: &Reading<'_>) -> Option<Vec<(String, String)>> {
    let fill = |(theirs, ours): &(String, String)| match filled(theirs, ours, of.notice, of.values) {
        (value, None) => Some((theirs.clone(), value)),
        _ => None,
    };
    template.values.iter().map(fill).collect()
}

/// Keywords of a template with sample values, and what is wrong with each.
pub(crate) fn sampled(
    template: &MessageTemplate,
    notice: &Notice,
    values: &[(String, String)],
) -> Vec<(String, String, Option<&'static str>)> {
    let fill = |(theirs, ours): &(String, String)| {
        let (value, wrong) = filled(theirs, ours, notice, values);
        (theirs.clone(), value, wrong)
    };
    template.values.iter().map(fill).collect()
}

fn prepared(
    link: &WechatLink,
    of: &Reading<'_>,
    template: MessageTemplate,
    data: Vec<(String, String)>,
) -> Result<Ready, Error> {
    let english = of.lang == "en";
    let to = ToOne { link: link.id.0, template: template.id, opens: String::new(), data, english };
    Ok(Ready::Yes(Prepared { target: format!("wechat/{}", link.id), payload: packed(&to)? }))
}

/// What a template for the reader's language is filled with; else why there is none.
type Filled = Result<(MessageTemplate, Vec<(String, String)>), &'static str>;

fn filled_template(view: &impl Read, way: &str, of: &Reading<'_>) -> Result<Filled, Error> {
    let found = message::template::find(view, of.notice.purpose.code(), way, of.lang)?;
    let Some(template) = found else { return Ok(Err(NO_TEMPLATE)) };
    Ok(match data(&template, of) {
        Some(data) => Ok((template, data)),
        None => Err("A value does not fit the template."),
    })
}

/// Subscribe messages of the mini-program: for whoever said yes and has a message left.
struct Subscribe;

fn subscribe(view: &impl Read, of: &Reading<'_>) -> Result<Ready, Error> {
    let Some(links) = links(view, AppKind::Mini, of)? else { return Ok(Ready::No(OFF)) };
    let (template, data) = match filled_template(view, SUBSCRIBE, of)? {
        Ok(filled) => filled,
        Err(why) => return Ok(Ready::No(why)),
    };
    if links.is_empty() {
        return Ok(Ready::No("They never came through the mini-program."));
    }
    for link in links {
        if credit::left_in(view, link.id, &template.id)? > 0 {
            return prepared(&link, of, template, data);
        }
    }
    Ok(Ready::No("They have not allowed another message of this kind."))
}

impl Channel for Subscribe {
    fn way(&self) -> &'static str {
        SUBSCRIBE
    }

    fn prepare(&self, work: &Work<'_, '_>, of: &Reading<'_>) -> Result<Ready, Error> {
        subscribe(work.read(), of)
    }

    fn estimate(&self, view: &SpaceView, of: &Reading<'_>) -> Result<Ready, Error> {
        subscribe(view, of)
    }
}

/// Template messages of the official account: for whoever follows it.
struct Template;

fn follower(view: &impl Read, of: &Reading<'_>) -> Result<Ready, Error> {
    let Some(links) = links(view, AppKind::Official, of)? else { return Ok(Ready::No(OFF)) };
    let (template, data) = match filled_template(view, TEMPLATE, of)? {
        Ok(filled) => filled,
        Err(why) => return Ok(Ready::No(why)),
    };
    match links.into_iter().find(|link| link.follows) {
        Some(link) => prepared(&link, of, template, data),
        None => Ok(Ready::No("They do not follow the official account.")),
    }
}

impl Channel for Template {
    fn way(&self) -> &'static str {
        TEMPLATE
    }

    fn prepare(&self, work: &Work<'_, '_>, of: &Reading<'_>) -> Result<Ready, Error> {
        follower(work.read(), of)
    }

    fn estimate(&self, view: &SpaceView, of: &Reading<'_>) -> Result<Ready, Error> {
        follower(view, of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        EventId, Notice, NoticeId, TicketId,
        notice::{About, NoticeState, Purpose},
    };

    fn filled(values: &[(&str, &str)], template: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
            all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let notice = Notice {
            id: NoticeId(1),
            purpose: Purpose::Message,
            about: About::Ticket(EventId(1), TicketId(1)),
            name: "张三".into(),
            phone: None,
            text: String::new(),
            values: pairs(values),
            once: String::new(),
            state: NoticeState::Waiting,
            created_at: Time(0),
            useful_until: None,
        };
        let values = pairs(values);
        let of = Reading {
            notice: &notice,
            person: None,
            mail: None,
            lang: "zh-CN",
            words: "",
            subject: "",
            values: &values,
            leave: None,
        };
        let template = MessageTemplate { id: "t".into(), values: pairs(template), ..MessageTemplate::default() };
        data(&template, &of)
    }

    #[test]
    fn a_template_is_filled_as_wechat_takes_it_or_not_at_all() {
        let long = "会".repeat(30);
        let values = [("event", long.as_str()), ("time", "1795676460000"), ("seat", "")];
        let data = filled(&values, &[("thing1", "event"), ("time2", "time"), ("date3", "time")]).unwrap();
        assert_eq!(data[0].1.chars().count(), 20);
        assert_eq!((data[1].1.as_str(), data[2].1.as_str()), ("2026年11月26日 15:01", "2026年11月26日"));
        for wrong in
            [("thing1", "seat"), ("thing1", "nothing"), ("stuff1", "event"), ("number1", "event"), ("time1", "event")]
        {
            assert_eq!(filled(&values, &[wrong]), None, "{wrong:?}");
        }
    }
}

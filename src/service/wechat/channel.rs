//! WeChat as ways of the message centre: which template a notice's occasion has, what fills it, and to whom it can go.

use super::{
    app_in, credit,
    login::links_of,
    send::{SUBSCRIBE, TEMPLATE, ToOne, packed},
};
use crate::{
    Ctx, Error, Work,
    message::{self, Channel, Prepared, Reading},
};
use domain::{Time, WechatLink, message::WayTemplate, wechat::AppKind};
use gateway::wechat::keyword::Keyword;
use std::sync::Arc;

/// Registers the ways. Called at boot.
pub(super) fn register(ctx: &Ctx) {
    message::register(ctx, Arc::new(Subscribe));
    message::register(ctx, Arc::new(Template));
}

/// The template of a way for the notice's occasion.
fn template(work: &Work<'_, '_>, way: &str, of: &Reading<'_>) -> Result<Option<WayTemplate>, Error> {
    let setting = message::setting(work.read())?;
    let occasion = of.notice.purpose.code();
    Ok(setting.templates.into_iter().find(|template| template.way == way && template.occasion == occasion))
}

/// The reader's links at the app of a kind, when that is in use.
fn links(work: &Work<'_, '_>, kind: AppKind, of: &Reading<'_>) -> Result<Vec<WechatLink>, Error> {
    let app = app_in(work.read(), kind)?;
    match of.person.filter(|_| app.enabled && !app.secret.is_empty()) {
        Some(person) => links_of(work.read(), person, &app.app),
        None => Ok(Vec::new()),
    }
}

/// A moment as keywords of times and dates take it, in China's zone: WeChat's readers are there.
fn moment(kind: Keyword, millis: i64) -> Option<String> {
    let zoned = Time(millis).zoned(&domain::time::zone("Asia/Shanghai")?);
    let form = if kind == Keyword::Date { "%Y年%-m月%-d日" } else { "%Y年%-m月%-d日 %H:%M" };
    Some(zoned.strftime(form).to_string())
}

/// What fills a template; none when a keyword's value is missing or cannot be made to fit: WeChat would refuse the whole message.
fn data(template: &WayTemplate, of: &Reading<'_>) -> Option<Vec<(String, String)>> {
    let fill = |(theirs, ours): &(String, String)| {
        let kind = Keyword::of(theirs)?;
        let millis = || of.notice.values.iter().find(|(name, _)| name == ours)?.1.parse::<i64>().ok();
        let value = match kind {
            Keyword::Time | Keyword::Date => millis().and_then(|millis| moment(kind, millis)),
            _ => None,
        };
        let value = value.unwrap_or_else(|| kind.fitted(message::value(of.values, ours)));
        kind.check(&value).ok()?;
        Some((theirs.clone(), value))
    };
    template.values.iter().map(fill).collect()
}

fn prepared(link: &WechatLink, template: WayTemplate, data: Vec<(String, String)>) -> Result<Prepared, Error> {
    let to = ToOne { link: link.id.0, template: template.id, opens: String::new(), data };
    Ok(Prepared { target: format!("wechat/{}", link.id), payload: packed(&to)? })
}

/// Subscribe messages of the mini-program: for whoever said yes and has a message left.
struct Subscribe;

impl Channel for Subscribe {
    fn way(&self) -> &'static str {
        SUBSCRIBE
    }

    fn prepare(&self, work: &Work<'_, '_>, of: &Reading<'_>) -> Result<Option<Prepared>, Error> {
        let Some(template) = template(work, SUBSCRIBE, of)? else { return Ok(None) };
        let Some(data) = data(&template, of) else { return Ok(None) };
        for link in links(work, AppKind::Mini, of)? {
            if credit::left_in(work.read(), link.id, &template.id)? > 0 {
                return prepared(&link, template, data).map(Some);
            }
        }
        Ok(None)
    }
}

/// Template messages of the official account: for whoever follows it.
struct Template;

impl Channel for Template {
    fn way(&self) -> &'static str {
        TEMPLATE
    }

    fn prepare(&self, work: &Work<'_, '_>, of: &Reading<'_>) -> Result<Option<Prepared>, Error> {
        let Some(template) = template(work, TEMPLATE, of)? else { return Ok(None) };
        let Some(data) = data(&template, of) else { return Ok(None) };
        let link = links(work, AppKind::Official, of)?.into_iter().find(|link| link.follows);
        link.map(|link| prepared(&link, template, data)).transpose()
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
        let of =
            Reading { notice: &notice, person: None, mail: None, words: "", subject: "", values: &values, leave: None };
        let template =
            WayTemplate { way: SUBSCRIBE.into(), occasion: String::new(), id: "t".into(), values: pairs(template) };
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

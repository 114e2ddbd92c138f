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

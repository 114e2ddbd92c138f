//! WeChat and WeCom for the association: which apps it has, the clients made from them, and what a failure means for whoever waits. Logging in,
//! consents, pushes and codes stand in files of their own.

mod channel;
mod code;
mod credit;
pub(crate) mod delivery;
mod login;
mod proof;
mod push;
mod send;
mod shelf;

pub(crate) use channel::sampled;
pub use code::draw as draw_code;
pub use credit::report as report_consents;
pub use gateway::wechat::{mini::Verdict, wecom::MEDIA_MAX};
pub use login::{Linked, bind, bind_ticket, linked, login, page_login, phone, tickets};
pub(crate) use login::{bind_in, forget_person, links_of};
pub use proof::{proof, proofs, put_proof, remove_proof};
pub use push::{Side, Taken, echo, forget_old, pushes, take};
pub(crate) use send::packed;
pub use send::to_members;
pub use shelf::Desk;
pub(crate) use shelf::token_context;

use crate::{
    Actor, At, Ctx, Error, Permit,
    seal::{Kind, Spot},
};
use domain::{
    Permission, SpaceId, WechatApp, refuse,
    wechat::{AppInput, AppKind, AppStanding, check_app},
};
use gateway::wechat::{
    self as protocol, Act, App, Fault, Tokens,
    mini::{CHECKED_MAX, Mini, Scene},
    official::Official,
    wecom::WeCom,
};
use std::sync::Arc;
use store::Read;

/// Lets the outbox carry what goes through WeChat, and the message centre use it. Called at boot.
pub fn register(ctx: &Ctx) {
    send::register(ctx);
    delivery::register(ctx);
    channel::register(ctx);
}

/// An app as the settings page shows it; secrets stay where they are.
#[derive(Debug, Clone)]
pub struct AppRow {
    /// The app.
    pub app: WechatApp,
    /// How far it is set up.
    pub standing: AppStanding,
}

pub(crate) fn app_in(view: &impl Read, kind: AppKind) -> Result<WechatApp, Error> {
    Ok(view.get::<WechatApp>(&(kind as u8))?.unwrap_or_else(|| WechatApp::none(kind)))
}

/// All kinds of apps, for the settings page.
pub fn settings(ctx: &Ctx, actor: &Actor) -> Result<Vec<AppRow>, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.read(&permit, |view| {
        let row = |kind: &AppKind| app_in(view, *kind).map(|app| AppRow { standing: app.standing(), app });
        AppKind::ALL.iter().map(row).collect()
    })
}

/// What a sealed value of an app is bound to.
pub(crate) fn context(space: SpaceId, kind: AppKind, what: &str) -> Spot {
    Spot::of(Kind::WechatApp, format!("wechat/{space}/{}/{what}", kind.code()))
}

fn unseal(ctx: &Ctx, space: SpaceId, kind: AppKind, what: &str, sealed: &[u8]) -> Result<String, Error> {
    if sealed.is_empty() {
        return Ok(String::new());
    }
    ctx.sealer.open(&context(space, kind, what), sealed)
}

/// Saves an app. What was left empty of its secrets stays; a change makes it untested.
pub async fn save(ctx: &Ctx, actor: &Actor, kind: AppKind, input: &AppInput) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let kept = ctx.read(&permit, |view| app_in(view, kind))?;
    let checked = check_app(&kept, input)?;
    let seal = |what: &str, typed: &Option<String>| match typed {
        Some(plain) => ctx.sealer.seal(ctx.random.as_ref(), &context(permit.space, kind, what), plain).map(Some),
        None => Ok(None),
    };
    let secret = seal("secret", &checked.secret)?;
    let push_token = seal("push_token", &checked.push_token)?;
    let push_key = seal("push_key", &checked.push_key)?;
    ctx.write(&permit, move |work| {
        let old = app_in(work.read(), kind)?;
        // Secrets are an app's own: with another id they mean nothing.
        let same = old.app == checked.app;
        let kept = |new: &Option<Vec<u8>>, old: &[u8]| match new {
            Some(new) => new.clone(),
            None if same => old.to_vec(),
            None => Vec::new(),
        };
        let mut app = WechatApp {
            kind,
            enabled: checked.enabled,
            app: checked.app.clone(),
            agent: checked.agent,
            secret: kept(&secret, &old.secret),
            push_token: kept(&push_token, &old.push_token),
            push_key: kept(&push_key, &old.push_key),
            base: checked.base.clone(),
            tested: old.tested.clone(),
        };
        if app.enabled && app.secret.is_empty() {
            return Err(domain::Refusal::invalid(vec![domain::problem!(
                format!("{}-secret", kind.code()),
                "This field is required."
            )])
            .into());
        }
        let untested = (&app.app, app.agent, &app.secret, &app.base) != (&old.app, old.agent, &old.secret, &old.base);
        if untested {
            app.tested = None;
        }
        work.put(&app)?;
        let said = |app: &WechatApp| {
            let on = if app.enabled { "on" } else { "off" };
            format!("{on} {} {} {}", app.app, app.agent, app.base)
        };
        let changed =
            if secret.is_some() || push_token.is_some() || push_key.is_some() { ", secrets changed" } else { "" };
        work.audit(
            "wechat.settings",
            format!("wechat/{}", kind.code()),
            &said(&old),
            &format!("{}{changed}", said(&app)),
        )
    })
    .await
}

/// Tries an app as it is kept: gets a token with its secret. What came of it is noted and answered; empty: it works.
pub async fn test(ctx: &Ctx, actor: &Actor, kind: AppKind) -> Result<String, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let app = ctx.read(&permit, |view| app_in(view, kind))?;
    if app.app.is_empty() || app.secret.is_empty() {
        return Err(refuse!(Conflict, "wechat.incomplete", "Give the app's id and secret first, and save them.").into());
    }
    let tried = try_token(ctx, &permit, &app).await?;
    let why = tried.err().map_or_else(String::new, |fault| fault.to_string());
    let (said, of) = (why.clone(), app);
    ctx.write(&permit, move |work| {
        let mut app = app_in(work.read(), kind)?;
        // It was changed meanwhile: this says nothing about it.
        if (&app.app, &app.secret, &app.base) == (&of.app, &of.secret, &of.base) {
            app.tested = Some((work.now, said.clone()));
            work.put(&app)?;
        }
        let word = if said.is_empty() { "works" } else { &said };
        work.audit("wechat.test", format!("wechat/{}", kind.code()), "", word)
    })
    .await?;
    Ok(why)
}

async fn try_token(ctx: &Ctx, permit: &Permit, app: &WechatApp) -> Result<Result<(), Fault>, Error> {
    let space = permit.space;
    let (opened, tokens, egress) = (open(ctx, space, app)?, tokens(ctx, space), ctx.egress()?.clone());
    Ok(match app.kind {
        AppKind::Mini => Mini::new(egress, tokens, opened).try_token().await,
        AppKind::Official => Official::new(egress, tokens, opened).try_token().await,
        AppKind::Corp => WeCom::new(egress, tokens, opened).try_token().await,
    })
}

/// The app with its secret in the open, for a client.
fn open(ctx: &Ctx, space: SpaceId, app: &WechatApp) -> Result<App, Error> {
    let real = if app.kind == AppKind::Corp { protocol::WECOM } else { protocol::WECHAT };
    Ok(App {
        id: app.app.clone(),
        agent: app.agent,
        secret: unseal(ctx, space, app.kind, "secret", &app.secret)?,
        base: if app.base.is_empty() { real.to_owned() } else { app.base.clone() },
    })
}

fn tokens(ctx: &Ctx, space: SpaceId) -> Arc<Tokens> {
    let (clock, random) = (ctx.clock.clone(), ctx.random.clone());
    let tools = gateway::Tools { now: Arc::new(move || clock.now()), chance: Arc::new(move || random.number()) };
    Arc::new(Tokens::new(Arc::new(shelf::OnDisk::new(ctx, space)), tools, ctx.wechat.locks(space)))
}

/// The app of a kind that is switched on and complete.
pub(crate) fn enabled(ctx: &Ctx, space: SpaceId, kind: AppKind) -> Result<Option<WechatApp>, Error> {
    let app = ctx.read(&ctx.own(space), |view| app_in(view, kind))?;
    Ok(Some(app).filter(|app| app.enabled && !app.app.is_empty() && !app.secret.is_empty()))
}

/// Whether the association has an app of that kind in use; what pages ask before they offer it.
pub fn is_set_up(ctx: &Ctx, space: SpaceId, kind: AppKind) -> Result<bool, Error> {
    Ok(enabled(ctx, space, kind)?.is_some())
}

fn missing(kind: AppKind) -> Error {
    refuse!(Missing, "wechat.none", "The association has no {app} in use.", app = kind.label()).into()
}

/// The mini-program's client.
pub(crate) fn mini(ctx: &Ctx, space: SpaceId) -> Result<Mini, Error> {
    let app = enabled(ctx, space, AppKind::Mini)?.ok_or_else(|| missing(AppKind::Mini))?;
    Ok(Mini::new(ctx.egress()?.clone(), tokens(ctx, space), open(ctx, space, &app)?))
}

/// The official account's client.
pub(crate) fn official(ctx: &Ctx, space: SpaceId) -> Result<Official, Error> {
    let app = enabled(ctx, space, AppKind::Official)?.ok_or_else(|| missing(AppKind::Official))?;
    Ok(Official::new(ctx.egress()?.clone(), tokens(ctx, space), open(ctx, space, &app)?))
}

/// The WeCom app's client.
pub(crate) fn wecom(ctx: &Ctx, space: SpaceId) -> Result<WeCom, Error> {
    let app = enabled(ctx, space, AppKind::Corp)?.ok_or_else(|| missing(AppKind::Corp))?;
    Ok(WeCom::new(ctx.egress()?.clone(), tokens(ctx, space), open(ctx, space, &app)?))
}

/// What a failure says to whoever waits for the answer. The rest is for the log.
pub(crate) fn refused(fault: &Fault) -> Error {
    tracing::warn!(%fault, "WeChat did not do what was asked");
    match (fault.act(), fault.code()) {
        (Act::NewCode, _) => {
            refuse!(Invalid, "wechat.code", "This code of WeChat was used already, or is too old. Try again.").into()
        }
        (_, Some(40226)) => refuse!(Denied, "wechat.blocked", "WeChat does not let this account log in.").into(),
        (Act::Settings | Act::Renew, _) => refuse!(
            Unavailable,
            "wechat.settings",
            "WeChat does not accept the association's settings. The secretariat must test them."
        )
        .into(),
        (Act::Again(_) | Act::Tomorrow, Some(_)) => {
            refuse!(Slow, "wechat.busy", "WeChat is busy. Try again in a minute.").into()
        }
        (Act::Unreachable, _) => refuse!(Conflict, "wechat.unreachable", "WeChat cannot reach this person.").into(),
        _ => refuse!(Unavailable, "wechat.silent", "WeChat does not answer at the moment. Try again, or do without.")
            .into(),
    }
}

/// Where WeChat's log-in page is, with the way back; `back` is the whole address on this box.
pub fn login_address(ctx: &Ctx, space: SpaceId, back: &str, state: &str) -> Result<String, Error> {
    let app = enabled(ctx, space, AppKind::Official)?.ok_or_else(|| missing(AppKind::Official))?;
    let open = if app.base.is_empty() { protocol::OPEN } else { &app.base };
    let consent = protocol::official::Consent::Base;
    Ok(protocol::official::authorize(open, &app.app, back, consent, state, None))
}

/// The mini-program's message templates as its console has them: id, title and keywords.
pub async fn templates(ctx: &Ctx, actor: &Actor) -> Result<Vec<protocol::mini::Template>, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    mini(ctx, permit.space)?.templates().await.map_err(|fault| refused(&fault))
}

/// What WeChat thinks of a text that somebody of the mini-program wrote; none when it cannot say: they were not here in the last two hours, or it
/// does not answer. Whoever asks decides what becomes of a text that nobody checked.
pub async fn check_text(ctx: &Ctx, space: SpaceId, of: &Linked, text: &str) -> Result<Option<Verdict>, Error> {
    looked_at(ctx, space, of, (Scene::Social, text)).await
}

/// As a name that others see: refused when WeChat finds something wrong with it. Where WeChat cannot say, the name is taken.
pub(crate) async fn check_name(ctx: &Ctx, space: SpaceId, of: &Linked, name: &str) -> Result<(), Error> {
    match looked_at(ctx, space, of, (Scene::Profile, name)).await? {
        Some(Verdict::Risky(_) | Verdict::Review(_)) => {
            let problem = domain::problem!("name", "WeChat does not let this name be shown. Give another one.");
            Err(domain::Refusal::invalid(vec![problem]).into())
        }
        Some(Verdict::Pass) | None => Ok(()),
    }
}

/// Asks WeChat to look at a picture of somebody of the mini-program, which it fetches from `url`; the outcome for the entry that asks.
pub(crate) async fn check_picture(
    ctx: &Ctx,
    space: SpaceId,
    of: &Linked,
    url: &str,
) -> Result<domain::outbox::Outcome, Error> {
    use domain::outbox::Outcome;
    if of.kind != AppKind::Mini {
        return Ok(Outcome::Refused("not of the mini-program".into()));
    }
    let asked = mini(ctx, space)?.check_picture(&of.openid, Scene::Social, url).await;
    Ok(asked.map_or_else(|fault| send::outcome(&fault), Outcome::Done))
}

async fn looked_at(
    ctx: &Ctx,
    space: SpaceId,
    of: &Linked,
    (scene, text): (Scene, &str),
) -> Result<Option<Verdict>, Error> {
    if of.kind != AppKind::Mini {
        return Ok(None);
    }
    match mini(ctx, space)?.check_text(&of.openid, scene, text).await {
        Ok(verdict) => Ok(Some(verdict)),
        Err(Fault::Input { .. }) => {
            Err(domain::Refusal::invalid(vec![domain::problem!("text", "1 to {max} characters.", max = CHECKED_MAX)])
                .into())
        }
        Err(fault) => {
            tracing::info!(%fault, "a text was not checked");
            Ok(None)
        }
    }
}

/// How somebody is known to the mini-program, when that is in use.
pub(crate) fn mini_link(view: &impl Read, person: domain::PersonId) -> Result<Option<domain::WechatLink>, Error> {
    let app = app_in(view, AppKind::Mini)?;
    if !app.enabled || app.secret.is_empty() {
        return Ok(None);
    }
    Ok(login::links_of(view, person, &app.app)?.into_iter().next())
}

/// Whether people come through a mini-program, whose rules ask for a look at everything that they show to others.
pub(crate) fn has_mini(view: &impl Read) -> Result<bool, Error> {
    let app = app_in(view, AppKind::Mini)?;
    Ok(app.enabled && !app.secret.is_empty())
}

/// What a page inside WeChat needs to scan, share and tell its place; none where no official account is in use.
pub async fn js_config(
    ctx: &Ctx,
    space: SpaceId,
    url: &str,
) -> Result<Option<gateway::wechat::official::JsConfig>, Error> {
    if !is_set_up(ctx, space, AppKind::Official)? {
        return Ok(None);
    }
    let nonce = crate::token::short(ctx.random.as_ref());
    let seconds = ctx.now().0.div_euclid(1_000);
    let config = official(ctx, space)?.js_config(url, &nonce, seconds).await;
    config.map(Some).map_err(|fault| refused(&fault))
}

#[cfg(test)]
pub(crate) mod test;
#[cfg(test)]
mod told;

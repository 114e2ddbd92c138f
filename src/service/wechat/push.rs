//! What WeChat and WeCom push: verified, kept once whatever the repetitions, and its consequences drawn in the same transaction. WeChat waits five
//! seconds; nothing outside is asked meanwhile.

use super::{credit, enabled, login, unseal};
use crate::{Actor, At, Ctx, Error, token};
use domain::{
    Permission, SpaceId, WechatApp, WechatLink, WechatPush, refuse,
    wechat::{AppKind, PUSH_BODY_MAX, PUSH_KEPT_MILLIS},
};
use gateway::wechat::{
    crypt::{Cipher, Wrong},
    event::Event,
    push::{Door, Push, Refused, Signed},
};
use store::catalogue::{WECHAT_BY_OPENID, WECHAT_PUSHED};
use store::{Order, Read};

/// Who pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Mini-program and official account.
    WeChat,
    /// WeCom.
    WeCom,
}

impl Side {
    fn kinds(self) -> &'static [AppKind] {
        match self {
            Self::WeChat => &[AppKind::Mini, AppKind::Official],
            Self::WeCom => &[AppKind::Corp],
        }
    }
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is new, and kept.
    New,
    /// It was here before.
    Again,
}

/// The doors of a side that are set up.
fn doors(ctx: &Ctx, space: SpaceId, side: Side) -> Result<Vec<(WechatApp, Door)>, Error> {
    let mut doors = Vec::new();
    for kind in side.kinds() {
        let Some(app) = enabled(ctx, space, *kind)?.filter(|app| !app.push_token.is_empty()) else { continue };
        let token = unseal(ctx, space, *kind, "push_token", &app.push_token)?;
        let key = unseal(ctx, space, *kind, "push_key", &app.push_key)?;
        let cipher = if key.is_empty() { None } else { Cipher::new(&key, &app.app).ok() };
        doors.push((app, Door::new(&token, cipher)));
    }
    Ok(doors)
}

fn forged() -> Error {
    refuse!(Denied, "wechat.forged", "This does not come from WeChat, or the settings do not fit.").into()
}

/// The answer to the check of the box's address: the echo, which WeCom wants decrypted.
pub fn echo(ctx: &Ctx, space: SpaceId, side: Side, query: &str) -> Result<String, Error> {
    let signed = Signed::parse(query);
    for (_, door) in doors(ctx, space, side)? {
        let echo = match side {
            Side::WeChat => door.echo(&signed),
            Side::WeCom => door.sealed_echo(&signed),
        };
        if let Ok(echo) = echo {
            return Ok(echo);
        }
    }
    Err(forged())
}

/// Takes a push: on disk when this answers.
pub async fn take(ctx: &Ctx, space: SpaceId, side: Side, query: &str, body: &[u8]) -> Result<Taken, Error> {
    let signed = Signed::parse(query);
    let seconds = ctx.now().0.div_euclid(1_000);
    let mut why = Refused::Wrong(Wrong::Signature);
    for (app, door) in doors(ctx, space, side)? {
        match door.take(&signed, body, seconds) {
            Ok(push) => return keep(ctx, space, app, push).await,
            Err(refused) => why = refused,
        }
    }
    tracing::warn!(%why, ?side, "a push was not taken");
    Err(forged())
}

async fn keep(ctx: &Ctx, space: SpaceId, app: WechatApp, push: Push) -> Result<Taken, Error> {
    let once = token::sha256(format!("{}/{}", app.app, push.once()).as_bytes());
    let event = Event::of(&push);
    let name = if push.event().is_empty() { push.kind() } else { push.event() };
    let short = |text: &str, max: usize| text.chars().take(max).collect::<String>();
    let kept = WechatPush {
        once,
        kind: app.kind,
        name: short(name, 64),
        from: short(push.from(), 64),
        body: short(&push.to_json(), PUSH_BODY_MAX),
        at: ctx.now(),
    };
    let is_verdict = matches!(event, Event::Media { .. });
    let permit = ctx.own(space);
    let taken = ctx.write(&permit, move |work| {
        if work.read().get::<WechatPush>(&once)?.is_some() {
            return Ok(Taken::Again);
        }
        work.insert(&kept)?;
        work.audit("wechat.push", format!("wechat/{}", app.kind.code()), "", &kept.name)?;
        follow(work, &app, &event)?;
        Ok(Taken::New)
    });
    let taken = taken.await?;
    if is_verdict {
        crate::draw::face::stir(ctx);
    }
    Ok(taken)
}

/// What follows from a push.
fn follow(work: &mut crate::Work<'_, '_>, app: &WechatApp, event: &Event) -> Result<(), Error> {
    let link = |work: &crate::Work<'_, '_>, from: &str| {
        work.read().find::<WechatLink, _>(&WECHAT_BY_OPENID, &(app.app.clone(), from.to_owned()))
    };
    match event {
        Event::Consent { from, choices, withdrawn } => {
            let came = || login::Came { kind: app.kind, app: app.app.clone(), openid: from.clone(), unionid: None };
            let link = match link(work, from)? {
                Some(link) => link,
                None => login::note_in(work, &came())?,
            };
            credit::take_choices(work, &link, choices, *withdrawn)
        }
        Event::Follow { from, follows } => {
            let came = || login::Came { kind: app.kind, app: app.app.clone(), openid: from.clone(), unionid: None };
            let mut link = match link(work, from)? {
                Some(link) => link,
                None => login::note_in(work, &came())?,
            };
            link.follows = *follows;
            work.put(&link)
        }
        Event::Media { trace, suggest } => crate::draw::face::judged(work, trace, suggest),
        // Kept, for whoever has to do with it.
        Event::Text { .. }
        | Event::Entered { .. }
        | Event::Delivered { .. }
        | Event::TemplateDone { .. }
        | Event::Contact(_)
        | Event::Book { .. }
        | Event::Other { .. } => Ok(()),
    }
}

/// Pushes of one page.
const PAGE: usize = 20;

/// The latest pushes, newest first: that they come is what the settings page wants to know.
pub fn pushes(ctx: &Ctx, actor: &Actor) -> Result<Vec<WechatPush>, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.read(&permit, |view| {
        let mut pushes = Vec::new();
        for key in view.scan_index(&WECHAT_PUSHED, &(), None, Order::Descending).take(PAGE) {
            pushes.extend(view.get::<WechatPush>(&key?)?);
        }
        Ok(pushes)
    })
}

/// Pushes of one transaction.
const STEP: usize = 500;

/// Removes old pushes; answers how many. Called by the clock.
pub async fn forget_old(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let (permit, end) = (ctx.own(space), ctx.now().plus(-PUSH_KEPT_MILLIS));
    let old = ctx.read(&permit, |view| crate::job::due(view, &WECHAT_PUSHED, end, STEP))?;
    let media = ctx.read(&permit, |view| super::shelf::ended_media(view, ctx.now()))?;
    let looks = ctx.read(&permit, |view| crate::draw::face::old(view, ctx.now()))?;
    let count = old.len() + media.len() + looks.len();
    if count == 0 {
        return Ok(0);
    }
    ctx.write(&permit, move |work| {
        for key in &old {
            work.remove::<WechatPush>(key)?;
        }
        for slot in &media {
            work.remove::<domain::WechatKept>(slot)?;
        }
        for trace in &looks {
            work.remove::<domain::draw::FaceCheck>(trace)?;
        }
        work.audit("wechat.push", "wechat", &format!("{} old", old.len() + media.len() + looks.len()), "")
    })
    .await?;
    Ok(count)
}

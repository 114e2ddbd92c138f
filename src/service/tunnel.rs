//! The reverse tunnel as people see it: its settings, the box's key, the host key that somebody accepted, and how it stands. Only the platform's own
//! staff who look after the box may. Keeping the tunnel up is the server's work, which is told of every change.

use crate::{
    Actor, At, Ctx, Error,
    seal::{Kind, Spot},
};
use data_encoding::HEXLOWER;
use domain::{
    Permission, Refusal, SpaceId, Time, TunnelPlan, refuse,
    tunnel::{Fault, Standing, TunnelInput, TunnelSet},
};
use gateway::ssh::{Key, Target, Traffic, TrafficFigures, Trouble, fingerprint_is_well_formed};
use std::sync::{Arc, Mutex, PoisonError};
use store::Read;
use tokio::sync::Notify;

/// What the seed of the key pair is sealed for.
pub(crate) const SEALED: Spot = Spot::only(Kind::Tunnel, "tunnel/key");
/// What stands behind the public key.
const COMMENT: &str = "huiguan";

/// How the tunnel stands, and whoever keeps it up.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    standing: Mutex<Standing>,
    changed: Notify,
    traffic: Arc<Traffic>,
}

impl Desk {
    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn permit(ctx: &Ctx, actor: &Actor) -> Result<crate::Permit, Error> {
    if actor.space != SpaceId::ASSOCIATION {
        return Err(Refusal::denied().into());
    }
    ctx.permit(actor, Permission::BackupManage, At::Space)
}

fn plan_in(view: &impl Read) -> Result<Option<TunnelPlan>, Error> {
    Ok(view.get::<TunnelPlan>(&())?)
}

/// The key pair of a plan.
pub fn key(ctx: &Ctx, plan: &TunnelPlan) -> Result<Key, Error> {
    let text = ctx.sealer.open(&SEALED, &plan.sealed)?;
    let damaged = || Error::Internal("the tunnel's key cannot be read".into());
    let seed: [u8; 32] =
        HEXLOWER.decode(text.as_bytes()).ok().and_then(|seed| seed.try_into().ok()).ok_or_else(damaged)?;
    Key::from_seed(&seed, COMMENT).map_err(|error| Error::internal("the tunnel's key", error))
}

fn new_key(ctx: &Ctx) -> Result<Vec<u8>, Error> {
    let mut seed = [0; 32];
    ctx.random.fill(&mut seed);
    ctx.sealer.seal(ctx.random.as_ref(), &SEALED, &HEXLOWER.encode(&seed))
}

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Page {
    /// The settings, once there are some.
    pub plan: Option<TunnelPlan>,
    /// The line for `authorized_keys` on the server.
    pub line: Option<String>,
    /// How it stands.
    pub standing: Standing,
    /// What was forwarded since the start.
    pub traffic: TrafficFigures,
}

/// The page.
pub fn page(ctx: &Ctx, actor: &Actor) -> Result<Page, Error> {
    let permit = permit(ctx, actor)?;
    let plan = ctx.read(&permit, plan_in)?;
    let line = match &plan {
        Some(plan) => Some(format!("{} {}", plan.options(), key(ctx, plan)?.public())),
        None => None,
    };
    Ok(Page { plan, line, standing: ctx.tunnel.standing(), traffic: ctx.tunnel.traffic.figures() })
}

/// A form that can be filled in: the settings as they are, or some to begin with.
pub fn input_of(plan: Option<&TunnelPlan>) -> TunnelInput {
    let Some(plan) = plan else {
        return TunnelInput {
            on: true,
            port: "22".into(),
            user: "huiguan".into(),
            bind: "127.0.0.1".into(),
            bind_port: "8080".into(),
            proxied: true,
            ..TunnelInput::default()
        };
    };
    TunnelInput {
        on: plan.on,
        host: plan.host.clone(),
        port: plan.port.to_string(),
        user: plan.user.clone(),
        bind: plan.bind.clone(),
        bind_port: plan.bind_port.to_string(),
        base: plan.base.clone(),
        staff: plan.staff,
        proxied: plan.proxied,
        revision: plan.revision,
    }
}

fn words(plan: &TunnelPlan) -> String {
    format!(
        "{} | {}@{} | {}:{} | {} | staff {} | behind a proxy {} | host key {}",
        if plan.on { "on" } else { "off" },
        plan.user,
        plan.server(),
        plan.bind,
        plan.bind_port,
        plan.base,
        plan.staff,
        plan.proxied,
        plan.pinned.as_deref().unwrap_or("not accepted")
    )
}

/// The plan after a form. Another server has another host key, which is to be accepted anew.
fn over(before: Option<&TunnelPlan>, set: TunnelSet, sealed: Vec<u8>) -> TunnelPlan {
    let same = before.filter(|before| before.host == set.host && before.port == set.port);
    TunnelPlan {
        on: set.on,
        host: set.host,
        port: set.port,
        user: set.user,
        bind: set.bind,
        bind_port: set.bind_port,
        base: set.base,
        staff: set.staff,
        proxied: set.proxied,
        pinned: same.and_then(|before| before.pinned.clone()),
        sealed,
        revision: before.map_or(0, |before| before.revision) + 1,
    }
}

async fn put(
    ctx: &Ctx,
    permit: &crate::Permit,
    revision: u32,
    action: &'static str,
    change: impl Fn(Option<&TunnelPlan>) -> Result<TunnelPlan, Error> + Send + Sync + 'static,
) -> Result<(), Error> {
    ctx.write(permit, move |work| {
        let before = plan_in(work.read())?;
        crate::event::check_revision(before.as_ref().map_or(0, |plan| plan.revision), revision)?;
        let after = change(before.as_ref())?;
        work.put(&after)?;
        work.audit(action, "tunnel", &before.as_ref().map(words).unwrap_or_default(), &words(&after))
    })
    .await?;
    ctx.tunnel.changed.notify_one();
    Ok(())
}

/// Keeps the settings; makes the box's key pair where there is none.
pub async fn save(ctx: &Ctx, actor: &Actor, input: &TunnelInput) -> Result<(), Error> {
    let permit = permit(ctx, actor)?;
    let (set, fresh) = (input.check()?, new_key(ctx)?);
    put(ctx, &permit, input.revision, "tunnel.save", move |before| {
        let sealed = before.map_or_else(|| fresh.clone(), |before| before.sealed.clone());
        Ok(over(before, set.clone(), sealed))
    })
    .await
}

fn none() -> Error {
    Refusal::missing("tunnel").into()
}

/// Accepts the host key that the server shows, by its fingerprint.
pub async fn accept(ctx: &Ctx, actor: &Actor, fingerprint: &str, revision: u32) -> Result<(), Error> {
    let permit = permit(ctx, actor)?;
    let standing = ctx.tunnel.standing();
    let shown = match &standing {
        Standing::Down { fault, .. } => fault.shown(),
        _ => None,
    };
    if shown != Some(fingerprint) || !fingerprint_is_well_formed(fingerprint) {
        return Err(refuse!(
            Conflict,
            "tunnel.other_key",
            "The server does not show this host key any more. Look at the page again."
        )
        .into());
    }
    let fingerprint = fingerprint.to_owned();
    put(ctx, &permit, revision, "tunnel.accept", move |before| {
        let before = before.cloned().ok_or_else(none)?;
        Ok(TunnelPlan { pinned: Some(fingerprint.clone()), revision: before.revision + 1, ..before })
    })
    .await
}

/// Makes a new key pair, for one that somebody may have seen. The server lets the box in when it was told of it.
pub async fn renew_key(ctx: &Ctx, actor: &Actor, revision: u32) -> Result<(), Error> {
    let permit = permit(ctx, actor)?;
    let fresh = new_key(ctx)?;
    put(ctx, &permit, revision, "tunnel.key", move |before| {
        let before = before.cloned().ok_or_else(none)?;
        Ok(TunnelPlan { sealed: fresh.clone(), revision: before.revision + 1, ..before })
    })
    .await
}

/// Has whoever keeps it up try at once.
pub fn retry(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    permit(ctx, actor)?;
    ctx.tunnel.changed.notify_one();
    Ok(())
}

/// The settings, for whoever keeps the tunnel up; none where it is off.
pub fn wanted(ctx: &Ctx) -> Result<Option<TunnelPlan>, Error> {
    // Before the set-up there is nobody who could have asked for it.
    if ctx.known(SpaceId::ASSOCIATION)?.is_none() {
        return Ok(None);
    }
    Ok(ctx.read(&ctx.own(SpaceId::ASSOCIATION), plan_in)?.filter(|plan| plan.on))
}

/// Where a plan leads.
pub fn target(plan: &TunnelPlan) -> Target {
    Target { host: plan.host.clone(), port: plan.port, user: plan.user.clone() }
}

/// What counts what is forwarded.
pub fn traffic(ctx: &Ctx) -> Arc<Traffic> {
    ctx.tunnel.traffic.clone()
}

/// Resolves when the settings were changed or somebody wants another try.
pub async fn changed(ctx: &Ctx) {
    ctx.tunnel.changed.notified().await;
}

/// Says how the tunnel stands.
pub fn tell(ctx: &Ctx, standing: Standing) {
    *ctx.tunnel.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
}

/// Since when it has been down, as far as that is known.
pub fn down_since(ctx: &Ctx) -> Option<Time> {
    match ctx.tunnel.standing() {
        Standing::Down { since, .. } => Some(since),
        _ => None,
    }
}

/// What a trouble of the connection means for the tunnel.
pub fn fault(trouble: Trouble) -> Fault {
    match trouble {
        Trouble::Unreachable(why) => Fault::Unreachable(why),
        Trouble::Unknown(shown) => Fault::Unknown(shown),
        Trouble::Changed { shown, .. } => Fault::Changed(shown),
        Trouble::Refused => Fault::Refused,
        Trouble::Foreign(why) => Fault::Foreign(why),
        Trouble::Port(place) => Fault::Port(place),
        other => Fault::Broken(other.to_string()),
    }
}

#[cfg(test)]
mod tests;

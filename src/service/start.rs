//! The first days of a hall: leading its first administrator through the steps, on whatever browser, and saying what is left of them.

use crate::{Actor, Ctx, Error, Who};
use domain::{
    Brand, Permission, Refusal, SecondStep, SpaceId, Start, TunnelPlan,
    start::{Step, Way},
    wechat::AppKind,
};
use store::{Order, Read, catalogue::PASSKEY_BY_ACCOUNT};

fn kept(view: &impl Read) -> Result<Option<Start>, Error> {
    Ok(view.get::<Start>(&())?)
}

/// Where somebody is, if they are led at all: the one who set the association up.
pub fn of(ctx: &Ctx, actor: &Actor) -> Result<Option<Start>, Error> {
    let Who::Staff { account, .. } = actor.who else { return Ok(None) };
    if actor.space != SpaceId::ASSOCIATION {
        return Ok(None);
    }
    let start = ctx.read(&ctx.public(actor), kept)?;
    Ok(start.filter(|start| start.account == account))
}

/// Where somebody is who did not come to the end, for every page; what cannot be read leads nobody.
pub fn due(ctx: &Ctx, space: SpaceId) -> Option<Start> {
    if space != SpaceId::ASSOCIATION {
        return None;
    }
    let start = ctx.read(&ctx.own(space), kept).ok()?;
    start.filter(|start| start.ended.is_none())
}

/// The steps that somebody sees.
pub fn seen(actor: &Actor) -> Vec<Step> {
    Step::of(|permission| actor.holds(permission))
}

/// Leaves a step. Nothing is done where it was left meanwhile, on another browser or by pressing twice.
pub async fn leave(ctx: &Ctx, actor: &Actor, step: Step, way: Way) -> Result<(), Error> {
    of(ctx, actor)?.ok_or_else(Refusal::denied)?;
    let seen = seen(actor);
    if !seen.contains(&step) {
        return Err(Refusal::denied().into());
    }
    ctx.write(&ctx.public(actor), move |work| {
        let Some(before) = kept(work.read())? else { return Ok(()) };
        let Some(after) = before.left_by(step, way, &seen, work.now) else { return Ok(()) };
        work.put(&after)?;
        let next = if after.ended.is_some() { "done" } else { &after.at };
        work.audit("start.step", "start", &format!("{} {}", step.code(), way.code()), next)
    })
    .await
}

/// Takes a step off the overview.
pub async fn spare(ctx: &Ctx, actor: &Actor, step: Step) -> Result<(), Error> {
    of(ctx, actor)?.ok_or_else(Refusal::denied)?;
    ctx.write(&ctx.public(actor), move |work| {
        let Some(before) = kept(work.read())? else { return Ok(()) };
        work.put(&before.without(step))?;
        work.audit("start.spare", "start", "", step.code())
    })
    .await
}

/// The steps that were passed and are not done.
pub fn left(ctx: &Ctx, actor: &Actor) -> Result<Vec<Step>, Error> {
    let Some(start) = of(ctx, actor)? else { return Ok(Vec::new()) };
    let mut undone = Vec::new();
    for step in Step::ALL {
        if !is_done(ctx, actor, *step)? {
            undone.push(*step);
        }
    }
    Ok(start.left(&seen(actor), |step| !undone.contains(&step)))
}

/// Whether a step is done, by what the hall has now.
pub fn is_done(ctx: &Ctx, actor: &Actor, step: Step) -> Result<bool, Error> {
    let Who::Staff { account, .. } = actor.who else { return Ok(false) };
    let served = || ctx.health.machine().and_then(|machine| machine.certificate).flatten().is_some();
    ctx.read(&ctx.public(actor), |view| {
        Ok(match step {
            // They have a value from the set-up on.
            Step::Language | Step::Association | Step::Zone => true,
            Step::Second => {
                let second = view.get::<SecondStep>(&account)?.is_some_and(|second| second.is_on());
                second || view.scan_index(&PASSKEY_BY_ACCOUNT, &account, None, Order::Ascending).next().is_some()
            }
            Step::Certificate => served(),
            // Where there are none, the checklist of the box says so already.
            Step::Backup => true,
            Step::Tunnel => view.get::<TunnelPlan>(&())?.is_some_and(|plan| plan.on),
            Step::Wechat => {
                let mut on = false;
                for kind in AppKind::ALL {
                    on |= view.get::<domain::WechatApp>(&(*kind as u8))?.is_some_and(|app| app.enabled);
                }
                on
            }
        })
    })
}

/// What the forms of the short steps hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Name of the association.
    pub name: String,
    /// Its zone.
    pub zone: String,
    /// Name in the head of every page.
    pub short: String,
    /// There is a logo of its own.
    pub logo: Option<u64>,
    /// Sites that may show parts, which are not asked for here.
    pub frames: String,
}

/// What is kept of name, zone and logo.
pub fn shown(ctx: &Ctx, actor: &Actor) -> Result<Shown, Error> {
    ctx.permit(actor, Permission::SpaceManage, crate::At::Space)?;
    let (space, brand): (_, Brand) = (crate::space::own(ctx, actor)?, crate::brand::get(ctx, actor)?);
    Ok(Shown {
        name: space.name,
        zone: space.zone,
        short: brand.name,
        logo: brand.logo.map(|logo| logo.0),
        frames: brand.frames.join("\n"),
    })
}

#[cfg(test)]
mod tests;

//! Who must have the second step. Whoever must and has it not, or whose password somebody else chose, holds nothing until that is done: their pages lead
//! to their own account, and every other way in finds somebody without a permission.

use super::{first, grants_of, is_second_on};
use crate::{Actor, At, Ctx, Error};
use domain::{
    AccountId, Grant, Permission, Refusal, Scope, refuse,
    second::{Must, SecondRule},
};
use store::Read;

fn kept(view: &impl Read) -> Result<Must, Error> {
    Ok(view.get::<SecondRule>(&())?.unwrap_or_default().must)
}

/// Who must have it.
pub fn get(ctx: &Ctx, actor: &Actor) -> Result<Must, Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    ctx.read(&permit, kept)
}

/// Says who must have it. Whoever says so has it on already, so that the first one who is led away is not the one who could help.
pub async fn save(ctx: &Ctx, actor: &Actor, typed: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    let wrong = || Refusal::invalid(vec![domain::problem!("must", "Choose one of the given answers.")]);
    let must = Must::parse(typed).ok_or_else(wrong)?;
    let own = permit.account;
    ctx.write(&permit, move |work| {
        let before = kept(work.read())?;
        let has = match own {
            Some(account) => is_second_on(work.read(), account)?,
            None => true,
        };
        if must > Must::Nobody && !has {
            return Err(refuse!(
                Conflict,
                "second.own_first",
                "Switch the second step of your own account on first, then ask others for it."
            )
            .into());
        }
        if before == must {
            return Ok(());
        }
        work.put(&SecondRule { must })?;
        work.audit("second.rule", "account", before.code(), must.code())
    })
    .await
}

fn manages(grants: &[Grant]) -> bool {
    grants.iter().any(|grant| {
        let managing = [Permission::AccountManage, Permission::SpaceManage, Permission::BackupManage];
        grant.scope == Scope::Space && managing.contains(&grant.permission)
    })
}

/// Whether an account must have the second step and has it not.
fn lacks(view: &impl Read, account: AccountId) -> Result<bool, Error> {
    let concerned = match kept(view)? {
        Must::Nobody => false,
        Must::Managers => manages(&grants_of(view, account)?),
        Must::Everybody => true,
    };
    Ok(concerned && !is_second_on(view, account)?)
}

/// Whether an account holds nothing for now, whatever it was granted.
pub(crate) fn holds_nothing(view: &impl Read, account: AccountId) -> Result<bool, Error> {
    Ok(first::is_first(view, account)? || lacks(view, account)?)
}

/// What somebody must do on the page of their account before anything else: choose a password, or switch the second step on. Only whoever holds
/// nothing is looked at: nobody else can be led.
pub fn led(ctx: &Ctx, actor: &Actor) -> Result<Option<Refusal>, Error> {
    let Some(account) = actor.account().filter(|_| actor.held.is_empty() && actor.seer().is_none()) else {
        return Ok(None);
    };
    ctx.read(&ctx.public(actor), |view| {
        if first::is_first(view, account)? {
            return Ok(Some(first::needed()));
        }
        Ok(lacks(view, account)?.then(needed))
    })
}

/// The refusal of whoever must switch it on first.
fn needed() -> Refusal {
    refuse!(
        Denied,
        "second.needed",
        "Your account needs the second step. Switch it on on the page of your account; then everything else opens."
    )
}

//! Seeing pages as another account, or as somebody with certain permissions would: begun by whoever may, for half an hour, and nothing is changed
//! meanwhile. What is seen is what both may at the moment of each request.

use super::{held, standing_session};
use crate::{
    Actor, At, Ctx, Error, Permit, Work,
    actor::{Seer, Who},
    job,
};
use domain::{
    Account, AccountId, By, Permission, Refusal, Scope, Session, SpaceId, Time,
    eyes::{EYES_MILLIS, Eyes, EyesOf, above, clipped, covers},
    permission::Held,
    refuse,
};
use store::{Order, Read};

/// What a banner says of a session that sees with other eyes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeing {
    /// Name of the account; none: those of somebody with chosen permissions.
    pub name: Option<String>,
    /// When it ends.
    pub until: Time,
}

fn of(view: &impl Read, session: &[u8; 32], now: Time) -> Result<Option<Eyes>, Error> {
    Ok(view.get::<Eyes>(session)?.filter(|eyes| now < eyes.until))
}

/// Whether the session of that token sees with other eyes.
pub fn seeing(ctx: &Ctx, space: SpaceId, token: &str) -> Result<Option<Seeing>, Error> {
    let (hash, now) = (crate::token::hash(token), ctx.now());
    ctx.read(&ctx.own(space), |view| {
        let Some(eyes) = of(view, &hash, now)? else { return Ok(None) };
        if standing_session(ctx, view, space, &hash)?.is_none() {
            return Ok(None);
        }
        let name = match eyes.of {
            EyesOf::Account(id) => Some(view.get::<Account>(&id)?.map_or_else(String::new, |account| account.name)),
            EyesOf::Role(_) => None,
        };
        Ok(Some(Seeing { name, until: eyes.until }))
    })
}

/// What those eyes hold by themselves.
fn theirs(view: &impl Read, of: &EyesOf) -> Result<Vec<Held>, Error> {
    match of {
        EyesOf::Account(id) => held(view, *id),
        EyesOf::Role(all) => {
            Ok(all.iter().map(|permission| Held { permission: *permission, scope: Scope::Space }).collect())
        }
    }
}

/// The actor that a session is while it sees with other eyes; the actor itself when it does not.
pub(super) fn through(view: &impl Read, own: Actor, now: Time) -> Result<Actor, Error> {
    let Who::Staff { account, person, name, session, .. } = &own.who else { return Ok(own) };
    let Some(eyes) = of(view, session, now)? else { return Ok(own) };
    let seer = Some(Seer { account: *account, name: name.clone() });
    let (account, person, name) = match &eyes.of {
        EyesOf::Account(id) => match view.get::<Account>(id)? {
            Some(seen) => (seen.id, seen.person, seen.name),
            // It was taken away meanwhile: there is nothing to see any more.
            None => return Ok(Actor { held: Vec::new(), ..with_seer(own, seer) }),
        },
        EyesOf::Role(_) => (*account, *person, name.clone()),
    };
    // Whoever may not see as others any more sees nothing until it ends.
    let may = own.holds_everywhere(Permission::AccountSee);
    let held = if may { clipped(&own.held, theirs(view, &eyes.of)?) } else { Vec::new() };
    let who = Who::Staff { account, person, name, session: *session, seer };
    Ok(Actor { space: own.space, who, held })
}

fn with_seer(actor: Actor, seer: Option<Seer>) -> Actor {
    match actor.who {
        Who::Staff { account, person, name, session, .. } => {
            Actor { who: Who::Staff { account, person, name, session, seer }, ..actor }
        }
        _ => actor,
    }
}

fn subject(of: &EyesOf) -> String {
    match of {
        EyesOf::Account(id) => format!("account/{id}"),
        EyesOf::Role(all) => all.iter().map(|permission| permission.code()).collect::<Vec<_>>().join(" "),
    }
}

/// Begins to see with other eyes, for this session.
pub async fn begin(ctx: &Ctx, actor: &Actor, eyes: EyesOf) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::AccountSee, At::Space)?;
    let Who::Staff { account: own, session, .. } = actor.who else { return Err(Refusal::denied().into()) };
    match &eyes {
        EyesOf::Account(id) if *id == own => {
            return Err(refuse!(Conflict, "eyes.yourself", "These are your own eyes already.").into());
        }
        EyesOf::Role(all) if all.is_empty() => {
            return Err(Refusal::invalid(vec![domain::problem!("permissions", "Choose at least one.")]).into());
        }
        EyesOf::Account(_) | EyesOf::Role(_) => {}
    }
    let mine = actor.held.clone();
    ctx.write(&permit, move |work| {
        if let EyesOf::Account(id) = &eyes {
            let account = work.read().get::<Account>(id)?.ok_or_else(|| Refusal::missing("account"))?;
            if account.disabled {
                return Err(refuse!(Conflict, "eyes.disabled", "This account is disabled and sees nothing.").into());
            }
        }
        if theirs(work.read(), &eyes)?.iter().any(|held| !covers(&mine, held)) {
            return Err(above().into());
        }
        let kept = Eyes { session, seer: own, of: eyes.clone(), began: work.now, until: work.now.plus(EYES_MILLIS) };
        work.put(&kept)?;
        work.audit("eyes.begin", subject(&eyes), "", "")
    })
    .await
}

/// Ends it; answers the account whose eyes they were. Twice is once.
pub async fn end(ctx: &Ctx, actor: &Actor) -> Result<Option<AccountId>, Error> {
    let Who::Staff { session, account, seer, .. } = &actor.who else { return Err(Refusal::denied().into()) };
    let (session, own) = (*session, seer.as_ref().map_or(*account, |seer| seer.account));
    // What is seen through other eyes is read-only, but for this.
    let permit = Permit { space: actor.space, by: By::Account(own), account: Some(own), reads: false };
    ctx.write(&permit, move |work| {
        let Some(eyes) = work.read().get::<Eyes>(&session)? else { return Ok(None) };
        finish(work, &eyes, "")?;
        Ok(match eyes.of {
            EyesOf::Account(id) => Some(id),
            EyesOf::Role(_) => None,
        })
    })
    .await
}

fn finish(work: &mut Work<'_, '_>, eyes: &Eyes, how: &str) -> Result<(), Error> {
    work.remove::<Eyes>(&eyes.session)?;
    work.audit("eyes.end", subject(&eyes.of), "", how)
}

/// Every how many seconds it is looked for what is over.
const LOOK_EVERY: i64 = 10;

/// Ends what is over by the clock, or with its session. Called by the clock; answers how many.
pub(crate) async fn tidy(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    if !job::is_turn(ctx, LOOK_EVERY) {
        return Ok(0);
    }
    let (own, now) = (ctx.own(space), ctx.now());
    let over = ctx.read(&own, |view| {
        let mut over = Vec::new();
        for kept in view.scan::<Eyes>(&(), None, Order::Ascending) {
            let eyes = kept?.1;
            let gone = view.get::<Session>(&eyes.session)?.is_none();
            over.extend((gone || eyes.until <= now).then_some((eyes, gone)));
        }
        Ok(over)
    })?;
    for (eyes, gone) in &over {
        let permit = Permit { by: By::Account(eyes.seer), account: Some(eyes.seer), ..own.clone() };
        let (session, how) = (eyes.session, if *gone { "with its session" } else { "by the clock" });
        ctx.write(&permit, move |work| {
            let Some(eyes) = work.read().get::<Eyes>(&session)? else { return Ok(()) };
            finish(work, &eyes, how)
        })
        .await?;
    }
    Ok(over.len())
}

/// Whether an account holds nothing that the actor does not hold too: whether it can be seen as.
pub fn is_below(ctx: &Ctx, actor: &Actor, id: AccountId) -> Result<bool, Error> {
    ctx.read(&ctx.public(actor), |view| Ok(held(view, id)?.iter().all(|held| covers(&actor.held, held))))
}

#[cfg(test)]
mod test;

//! One-time links to a new password, made on the console of the box when nobody gets in any more. Everything that may have been in foreign hands goes
//! with it: the old password, the second step, passkeys, sessions, known browsers.

use super::{
    check_new_password, drop_sessions, first, hash_password,
    login::{self, Begun, Coming, Origin},
};
use crate::{Ctx, Error, Work, token};
use domain::{
    Account, AccountId, Passkey, PasswordLink, Refusal, SecondStep, SpaceId, Time,
    login::{LINK_MILLIS, LoginWay},
    refuse,
};
use store::catalogue::{ACCOUNT_BY_LOGIN, LINK_BY_ACCOUNT, PASSKEY_BY_ACCOUNT};
use store::{Order, Read};

/// Makes a link for the account of that login; answers its token, which is kept only as a hash. For the console of the box alone.
pub async fn make_link(ctx: &Ctx, space: SpaceId, login: &str) -> Result<String, Error> {
    let login = login.trim().to_lowercase();
    let new = token::new(ctx.random.as_ref());
    let hash = token::hash(&new);
    // Nobody knows this one.
    let password = hash_password(ctx, &token::new(ctx.random.as_ref())).await?;
    ctx.write(&ctx.own(space), move |work| {
        let found = work.read().find::<Account, _>(&ACCOUNT_BY_LOGIN, &login)?;
        let mut account = found.ok_or_else(|| Refusal::missing("account"))?;
        let id = account.id;
        account.password.clone_from(&password);
        account.disabled = false;
        work.put(&account)?;
        drop_links(work, id)?;
        drop_sessions(work, id)?;
        login::forget_browsers(work, id)?;
        if work.read().get::<SecondStep>(&id)?.is_some() {
            work.remove::<SecondStep>(&id)?;
        }
        drop_passkeys(work, id)?;
        work.insert(&PasswordLink { token: hash, account: id, until: work.now.plus(LINK_MILLIS) })?;
        work.audit("account.reset", format!("account/{id}"), "", &login)
    })
    .await?;
    Ok(new)
}

/// Removes every passkey of an account; the caller writes the audit line.
pub(crate) fn drop_passkeys(work: &mut Work<'_, '_>, account: AccountId) -> Result<(), Error> {
    let keys: Vec<[u8; 32]> =
        work.read().scan_index(&PASSKEY_BY_ACCOUNT, &account, None, Order::Ascending).collect::<Result<_, _>>()?;
    for key in keys {
        work.remove::<Passkey>(&key)?;
    }
    Ok(())
}

fn drop_links(work: &mut Work<'_, '_>, account: AccountId) -> Result<(), Error> {
    let links: Vec<[u8; 32]> =
        work.read().scan_index(&LINK_BY_ACCOUNT, &account, None, Order::Ascending).collect::<Result<_, _>>()?;
    for link in links {
        work.remove::<PasswordLink>(&link)?;
    }
    Ok(())
}

fn gone() -> Refusal {
    refuse!(Missing, "login.link_over", "This link was used, or is too old. Make a new one on the console of the box.")
}

fn found(view: &impl Read, token: &str, now: Time) -> Result<Account, Error> {
    let link = view.get::<PasswordLink>(&token::hash(token))?.filter(|link| now < link.until).ok_or_else(gone)?;
    Ok(view.get::<Account>(&link.account)?.ok_or_else(gone)?)
}

/// The account that a link is for.
pub fn account_of(ctx: &Ctx, space: SpaceId, token: &str) -> Result<Account, Error> {
    ctx.read(&ctx.own(space), |view| found(view, token, ctx.now()))
}

/// Takes a link: sets the new password and logs in. The link is worth nothing any more.
pub async fn use_link(ctx: &Ctx, space: SpaceId, token: &str, password: &str, origin: &Origin) -> Result<Begun, Error> {
    let account = account_of(ctx, space, token)?;
    let mut problems = Vec::new();
    check_new_password(ctx, space, &[&account.login, &account.name], password, &mut problems)?;
    Refusal::unless_clean(problems)?;
    let hash = hash_password(ctx, password).await?;
    let coming = Coming::new(ctx, origin);
    let (begun, token) = (coming.begun(ctx), token.to_owned());
    ctx.write(&login::permit(space, account.id), move |work| {
        let mut account = found(work.read(), &token, work.now)?;
        account.password.clone_from(&hash);
        work.put(&account)?;
        drop_links(work, account.id)?;
        first::clear(work, account.id)?;
        work.audit("account.password", format!("account/{}", account.id), "", "by link")?;
        login::begin_in(work, account.id, LoginWay::Link, &coming)
    })
    .await?;
    Ok(begun)
}

/// Removes links that are over; answers how many. There are few of them: they are made by hand.
pub(super) async fn forget_old(ctx: &Ctx, space: SpaceId, now: Time) -> Result<usize, Error> {
    let own = ctx.own(space);
    let over = ctx.read(&own, |view| {
        let mut over = Vec::new();
        for kept in view.scan::<PasswordLink>(&(), None, Order::Ascending) {
            let link = kept?.1;
            over.extend((link.until <= now).then_some(link.token));
        }
        Ok(over)
    })?;
    if over.is_empty() {
        return Ok(0);
    }
    ctx.write(&own, move |work| {
        for link in &over {
            work.remove::<PasswordLink>(link)?;
        }
        work.audit("account.links_over", "account", "", &format!("{} links", over.len()))?;
        Ok(over.len())
    })
    .await
}

//! Passwords that somebody else chose: whoever makes an account or gives it a new password knows it, so its owner can do nothing before they chose
//! another one themselves.

use crate::{Error, Work};
use domain::{AccountId, FirstPassword, Refusal, refuse};
use store::Read;

/// Notes that an account's password was chosen by somebody else; the caller writes the audit line.
pub(crate) fn mark(work: &mut Work<'_, '_>, account: AccountId) -> Result<(), Error> {
    work.put(&FirstPassword { account })
}

/// Forgets it, now that the account's owner chose one; the caller writes the audit line.
pub(crate) fn clear(work: &mut Work<'_, '_>, account: AccountId) -> Result<(), Error> {
    if is_first(work.read(), account)? { work.remove::<FirstPassword>(&account) } else { Ok(()) }
}

/// Whether an account's password is still the one that it was given.
pub(crate) fn is_first(view: &impl Read, account: AccountId) -> Result<bool, Error> {
    Ok(view.get::<FirstPassword>(&account)?.is_some())
}

/// The refusal of whoever must choose a password first.
pub(super) fn needed() -> Refusal {
    refuse!(
        Denied,
        "password.first",
        "Somebody else chose your password. Choose one of your own below; then everything else opens."
    )
}

/// As if the account of that login had chosen its password: for tests of other things.
#[cfg(test)]
pub(crate) async fn settle(ctx: &crate::Ctx, space: domain::SpaceId, login: &str) {
    let login = login.to_owned();
    ctx.write(&ctx.own(space), move |work| {
        let found = work.read().find::<domain::Account, _>(&store::catalogue::ACCOUNT_BY_LOGIN, &login)?;
        clear(work, found.unwrap().id)?;
        work.audit("account.password", "account", "", "")
    })
    .await
    .unwrap();
}

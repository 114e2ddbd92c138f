//! Logging in at the merchants' common page (S0-88): the login says which space it is.

use crate::{
    Actor, Ctx, Error,
    account::{self, Begun, Entry, Origin},
};
use domain::{Merchant, Passkey, Refusal, SpaceId, merchant::MerchantState, refuse};
use store::Read;
use store::catalogue::MERCHANT_BY_LOGIN;

/// Logs in to the merchant of that login; answers its space and what follows there. A login that nobody has takes as long, and is refused
/// in the same words, as a wrong password; that a merchant is frozen is told only to whoever has the password.
pub async fn log_in(
    ctx: &Ctx,
    actor: &Actor,
    login: &str,
    password: &str,
    origin: &Origin,
) -> Result<(SpaceId, Entry), Error> {
    if actor.space != SpaceId::ASSOCIATION {
        return Err(Refusal::missing("page").into());
    }
    let wanted: String = login.trim().to_lowercase().chars().take(64).collect();
    let found = ctx.read(&ctx.public(actor), |view| Ok(view.find::<Merchant, _>(&MERCHANT_BY_LOGIN, &wanted)?))?;
    // The box's own space has no accounts: looking there costs the same and finds nobody.
    let space = found.as_ref().and_then(|merchant| merchant.space).unwrap_or(SpaceId::BOX);
    let account = account::login::prove(ctx, space, login, password, origin).await?;
    if found.is_none_or(|merchant| merchant.state != MerchantState::Active) {
        return Err(frozen().into());
    }
    Ok((space, account::login::proven(ctx, space, account, origin).await?))
}

/// Logs in by the passkey that a browser showed at the merchants' common page: the key says which merchant it is. A merchant that is not in effect
/// is nobody here; whoever has its password is told.
pub async fn by_passkey(
    ctx: &Ctx,
    actor: &Actor,
    token: &str,
    shown: (&str, &str),
    origin: &Origin,
) -> Result<(SpaceId, Begun), Error> {
    if actor.space != SpaceId::ASSOCIATION {
        return Err(Refusal::missing("page").into());
    }
    account::passkey::enter_where(ctx, actor.space, token, shown, origin, |key| {
        let open = ctx.read(&ctx.public(actor), super::all)?;
        let spaces = open.into_iter().filter(|merchant| merchant.state == MerchantState::Active);
        for space in spaces.filter_map(|merchant| merchant.space) {
            if ctx.read(&ctx.own(space), |view| Ok(view.get::<Passkey>(key)?.is_some()))? {
                return Ok(Some(space));
            }
        }
        Ok(None)
    })
    .await
}

/// The refusal for everybody who comes to the pages of a merchant that is not in effect.
pub fn closed_pages() -> Refusal {
    refuse!(Denied, "merchant.closed_pages", "The pages of this organiser are closed at the moment.")
}

/// The refusal for whoever belongs to a frozen merchant.
pub(crate) fn frozen() -> Refusal {
    refuse!(
        Denied,
        "merchant.frozen",
        "This merchant is frozen at the moment. Ask the association to let it take effect again."
    )
}

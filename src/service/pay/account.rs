//! The account with WeChat Pay: its keys are kept sealed and never shown again; platform certificates are fetched and replaced while running.

use super::{Why, ask, certificates, off, sealed_name};
use crate::{Actor, At, Ctx, Error};
use domain::{
    PayAccount, PayCertificate, Permission, Refusal, SpaceId, Time,
    pay::{AccountInput, Proof, Test, check_account},
    problem, refuse,
};
use gateway::pay::{Keys, MerchantKey, Secret};
use store::Read;

/// What the settings page shows of the account; no key is in it.
#[derive(Debug, Clone)]
pub struct State {
    /// The account, its sealed keys left out.
    pub account: PayAccount,
    /// Platform certificates that are known.
    pub certificates: Vec<PayCertificate>,
}

/// The account, when there is one.
pub fn account(ctx: &Ctx, actor: &Actor) -> Result<Option<State>, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.read(&permit, |view| {
        let Some(account) = view.get::<PayAccount>(&())? else { return Ok(None) };
        let account = PayAccount { key: Vec::new(), secret: Vec::new(), ..account };
        Ok(Some(State { account, certificates: certificates(view)? }))
    })
}

/// Whether the way can be offered at all.
pub(crate) fn check_ready(view: &impl Read) -> Result<(), Error> {
    if view.get::<PayAccount>(&())?.is_some() {
        return Ok(());
    }
    let problem = problem!("wechat-instructions", "Set up the account with WeChat Pay first.");
    Err(Refusal::invalid(vec![problem]).into())
}

/// What is wrong with the keys that were typed.
fn check_keys(input: &AccountInput) -> Result<(), Refusal> {
    let mut problems = Vec::new();
    let mut note = |field: &str, wrong: Option<String>| {
        problems.extend(wrong.map(|why| problem!(field, "This key cannot be used: {why}.", why = why)));
    };
    let typed = |text: &str| !text.trim().is_empty();
    if typed(&input.key) {
        note("key", MerchantKey::read(&input.key).err().map(|error| error.to_string()));
    }
    if typed(&input.secret) {
        note("secret", Secret::read(input.secret.trim()).err().map(|error| error.to_string()));
    }
    if typed(&input.public_key) {
        let read = Keys::default().add_public("x", &domain::text::block(&input.public_key));
        note("public_key", read.err().map(|error| error.to_string()));
    }
    Refusal::unless_clean(problems)
}

/// Saves the account. Keys that are left empty stay as they are.
pub async fn save(ctx: &Ctx, actor: &Actor, input: &AccountInput) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let kept = ctx.read(&permit, |view| Ok(view.get::<PayAccount>(&())?))?;
    let checked = check_account(input, kept.is_some(), ctx.now())?;
    check_keys(input)?;
    let seal = |part: &str, text: &str| match text.trim() {
        "" => Ok(None),
        text => ctx.sealer.seal(ctx.random.as_ref(), &sealed_name(permit.space, part), text).map(Some),
    };
    let (key, secret) = (seal("key", &input.key)?, seal("secret", &input.secret)?);
    let space = permit.space;
    let saved = ctx
        .write(&permit, move |work| {
            let before = work.read().get::<PayAccount>(&())?;
            let of = |account: &PayAccount| {
                let apps = account.apps().collect::<Vec<_>>().join(" + ");
                format!("{apps} {} {}", account.mchid, account.serial)
            };
            let account = PayAccount {
                key: key.clone().or_else(|| before.as_ref().map(|kept| kept.key.clone())).unwrap_or_default(),
                secret: secret.clone().or_else(|| before.as_ref().map(|kept| kept.secret.clone())).unwrap_or_default(),
                ..checked.clone()
            };
            // Certificates are of one platform; those of another address prove nothing here.
            if before.as_ref().is_some_and(|before| before.address != account.address) {
                for kept in certificates(work.read())? {
                    work.remove::<PayCertificate>(&kept.serial)?;
                }
            }
            work.put(&account)?;
            let keys = if key.is_some() || secret.is_some() { ", new keys" } else { "" };
            let before = before.as_ref().map_or(String::new(), of);
            work.audit("pay.account", "pay/account", &before, &format!("{}{keys}", of(&account)))
        })
        .await;
    ctx.pay.forget(space);
    saved
}

/// Asks WeChat whether we know each other, and keeps what came of it; the trouble, empty when there is none.
pub async fn check(ctx: &Ctx, actor: &Actor) -> Result<String, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let proof = ctx.read(&permit, |view| Ok(view.get::<PayAccount>(&())?.map(|account| account.proof)))?;
    let proof = proof.ok_or_else(off)?;
    let mut found = Ok(());
    if proof == Proof::Certificates {
        found = refresh(ctx, permit.space).await?;
    }
    if found.is_ok() {
        found = ask(ctx, permit.space, |client| async move { client.knock().await }).await?;
    }
    let trouble = found.err().map_or(String::new(), |why| why.to_string());
    let said = trouble.clone();
    ctx.write(&permit, move |work| {
        let Some(mut account) = work.read().get::<PayAccount>(&())? else { return Err(off().into()) };
        account.test = Some(Test { at: work.now, trouble: said.clone() });
        work.put(&account)?;
        work.audit("pay.test", "pay/account", "", if said.is_empty() { "well" } else { &said })
    })
    .await?;
    Ok(trouble)
}

/// The least time between two fetches that notifications ask for: whoever sends nonsense must not make us ask all day.
const REFRESH_MILLIS: i64 = 30_000;

/// Fetches the platform certificates when an unknown one was named, not too often.
pub(super) async fn refresh_for_stranger(ctx: &Ctx, space: SpaceId) -> Result<bool, Error> {
    let now = ctx.now();
    if ctx.pay.was_done_within(space, "certificates of a stranger", REFRESH_MILLIS, now) {
        return Ok(false);
    }
    Ok(refresh(ctx, space).await?.is_ok())
}

/// Fetches the platform certificates and keeps them; those that are over go.
pub(super) async fn refresh(ctx: &Ctx, space: SpaceId) -> Result<Result<(), Why>, Error> {
    let Some(client) = super::client(ctx, space)? else { return Err(off().into()) };
    let issues = match client.certificates().await {
        Ok(issues) => issues,
        Err(why) => return Ok(Err(why)),
    };
    let permit = ctx.own(space);
    ctx.write(&permit, move |work| {
        let (kept, now) = (certificates(work.read())?, work.now);
        for old in kept.iter().filter(|old| old.until <= now) {
            work.remove::<PayCertificate>(&old.serial)?;
        }
        for issue in &issues {
            let (serial, pem) = (issue.serial.clone(), issue.pem.clone());
            let (from, until, fetched_at) = (issue.from, issue.until, work.now);
            work.put(&PayCertificate { serial, pem, from, until, fetched_at })?;
        }
        let names = |serials: Vec<&str>| serials.join(", ");
        let before = names(kept.iter().map(|kept| kept.serial.as_str()).collect());
        let after = names(issues.iter().map(|issue| issue.serial.as_str()).collect());
        work.audit("pay.certificates", "pay/account", &before, &after)
    })
    .await?;
    ctx.pay.forget(space);
    Ok(Ok(()))
}

/// How old the certificates may be before they are fetched again.
const FRESH_MILLIS: i64 = 12 * domain::time::HOUR;

/// Whether certificates should be fetched by now.
pub(super) fn are_stale(ctx: &Ctx, space: SpaceId, now: Time) -> Result<bool, Error> {
    ctx.read(&ctx.own(space), |view| {
        let account = view.get::<PayAccount>(&())?;
        if account.is_none_or(|account| account.proof != Proof::Certificates) {
            return Ok(false);
        }
        let newest = certificates(view)?.iter().map(|kept| kept.fetched_at).max();
        Ok(newest.is_none_or(|newest| now.since(newest) >= FRESH_MILLIS || now < newest))
    })
}

/// The account of an app, as records name it; none: of the app that QR codes are paid in. Refused while there is none.
pub(super) fn named(view: &impl Read, app: Option<&str>) -> Result<(String, String), Error> {
    let account = view.get::<PayAccount>(&())?.ok_or_else(|| {
        refuse!(Conflict, "pay.off", "WeChat Pay is not set up. Choose another way to pay, or ask the secretariat.")
    })?;
    let app = match app {
        Some(app) if account.apps().any(|known| known == app) => app.to_owned(),
        // It was taken out of the settings meanwhile.
        Some(_) => return Err(off().into()),
        None => account.appid,
    };
    Ok((app, account.mchid))
}

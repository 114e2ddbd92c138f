//! The second step of logging in: switched on and off by the account's owner, taken off by whoever manages accounts, asked for behind the right
//! password. What waits for a code is kept in memory: after a restart the password is asked for again.

use super::{
    hash::{self, is_own_password},
    login::{self, Begun, Coming, Origin},
    own,
};
use crate::{
    Actor, At, Ctx, Error, Work,
    rate::Rate,
    seal::{Kind, Spot},
    token,
};
use data_encoding::BASE32_NOPAD_VISUAL;
use domain::{
    Account, AccountId, Permission, Problem, Refusal, SecondStep, SpaceId, Time,
    login::LoginWay,
    problem, refuse,
    second::{
        RECOVERY_BYTES, RECOVERY_CODES, SECRET_BYTES, STEP_MILLIS, TRIES_MAX, Typed, address, grouped, matched, over,
        read, spelt, wrong,
    },
};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use store::Read;

/// Log-ins whose password was right and whose code is still to come, by the hash of what their browser holds.
#[derive(Debug, Default)]
pub struct Steps(Mutex<HashMap<[u8; 32], Waiting>>);

#[derive(Debug, Clone, Copy)]
struct Waiting {
    space: SpaceId,
    account: AccountId,
    until: Time,
    tries: u32,
}

/// Most log-ins that wait at once; beyond, all begin anew.
const WAITING_MAX: usize = 5_000;

impl Steps {
    fn add(&self, hash: [u8; 32], waiting: Waiting, now: Time) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, waiting| now < waiting.until);
        if kept.len() >= WAITING_MAX {
            kept.clear();
        }
        kept.insert(hash, waiting);
    }

    fn get(&self, space: SpaceId, hash: &[u8; 32], now: Time) -> Option<Waiting> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(hash).copied().filter(|waiting| waiting.space == space && now < waiting.until)
    }

    /// Counts a try before its code is looked at, so that none is free; none when there were too many.
    fn take(&self, space: SpaceId, hash: &[u8; 32], now: Time) -> Option<Waiting> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = kept.get_mut(hash).filter(|waiting| waiting.space == space && now < waiting.until)?;
        waiting.tries += 1;
        (waiting.tries <= TRIES_MAX).then_some(*waiting)
    }

    fn remove(&self, hash: &[u8; 32]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(hash);
    }
}

/// Lets a log-in wait for its code; answers the token that its browser holds meanwhile.
pub(super) fn wait(ctx: &Ctx, space: SpaceId, account: AccountId) -> Result<String, Error> {
    let new = token::new(ctx.random.as_ref());
    let until = ctx.now().plus(STEP_MILLIS);
    ctx.steps.add(token::hash(&new), Waiting { space, account, until, tries: 0 }, ctx.now());
    Ok(new)
}

/// Whether a log-in waits for its code under that token.
pub fn waits(ctx: &Ctx, space: SpaceId, token: &str) -> bool {
    ctx.steps.get(space, &token::hash(token), ctx.now()).is_some()
}

/// How often codes of one account may be tried by browsers that it does not know, from all addresses together. All of them have the password.
const BY_ACCOUNT: Rate = Rate { burst: 20, minute: 1 };

/// Takes the code of a log-in that waits, or a recovery code, and begins the session in the same commit, so that no code counts twice.
pub async fn finish(ctx: &Ctx, space: SpaceId, waiting: &str, typed: &str, origin: &Origin) -> Result<Begun, Error> {
    let (hash, now) = (token::hash(waiting), ctx.now());
    let account = ctx.steps.get(space, &hash, now).ok_or_else(over)?.account;
    let (kept, second, known) = ctx.read(&ctx.own(space), |view| {
        let kept = view.get::<Account>(&account)?.ok_or_else(|| Refusal::missing("account"))?;
        Ok((kept, view.get::<SecondStep>(&account)?, login::known_browser(ctx, view, account, origin)?))
    })?;
    let second = second.filter(SecondStep::is_on).ok_or_else(over)?;
    if known.is_none() {
        ctx.rates.take(&("step", space, account), BY_ACCOUNT, now).map_err(|(refusal, _)| refusal)?;
    }
    let tries = ctx.steps.take(space, &hash, now).ok_or_else(over)?.tries;
    let shown = Shown::of(ctx, space, &second, typed).await?;
    let coming = Coming::new(ctx, origin);
    let begun = coming.begun(ctx);
    let took = ctx
        .write(&login::permit(space, account), move |work| {
            let Some(way) = take(work, account, &shown)? else { return Ok(false) };
            login::begin_in(work, account, way, &coming)?;
            Ok(true)
        })
        .await?;
    if took {
        ctx.steps.remove(&hash);
        return Ok(begun);
    }
    tracing::warn!(%space, account = account.0, address = origin.address, "a wrong code at a log-in");
    if tries < TRIES_MAX {
        return Err(wrong().into());
    }
    ctx.steps.remove(&hash);
    let (origin, known) = (origin.clone(), known.is_some());
    ctx.write(&ctx.own(space), move |work| {
        login::note(work, &kept, LoginWay::WrongCodes, known, &origin)?;
        work.audit("session.wrong_codes", format!("account/{account}"), "", &origin.address)
    })
    .await?;
    Err(over().into())
}

/// What was typed, made ready for a transaction: a secret is opened and a recovery code hashed outside of it.
enum Shown {
    Code { secret: Vec<u8>, code: String },
    Recovery { salt: [u8; 16], hash: String },
    Nonsense,
}

impl Shown {
    async fn of(ctx: &Ctx, space: SpaceId, second: &SecondStep, typed: &str) -> Result<Self, Error> {
        Ok(match read(typed) {
            Typed::Code(code) => Self::Code { secret: open(ctx, space, second)?, code },
            Typed::Recovery(plain) => {
                let _turn = hash::turn().await?;
                let hash = hash::salted(vec![plain], second.salt).await?.pop().unwrap_or_default();
                Self::Recovery { salt: second.salt, hash }
            }
            Typed::Nonsense => Self::Nonsense,
        })
    }
}

/// Takes what was typed, in the running transaction; none when it is not right. What was taken is worth nothing any more.
fn take(work: &mut Work<'_, '_>, account: AccountId, shown: &Shown) -> Result<Option<LoginWay>, Error> {
    let Some(mut second) = work.read().get::<SecondStep>(&account)?.filter(SecondStep::is_on) else { return Ok(None) };
    let way = match shown {
        Shown::Code { secret, code } => {
            let Some(step) = matched(secret, code, work.now, second.taken) else { return Ok(None) };
            second.taken = step;
            LoginWay::Code
        }
        Shown::Recovery { salt, hash } if *salt == second.salt => {
            let Some(at) = second.recovery.iter().position(|kept| kept == hash) else { return Ok(None) };
            second.recovery.remove(at);
            LoginWay::Recovery
        }
        Shown::Recovery { .. } | Shown::Nonsense => return Ok(None),
    };
    work.put(&second)?;
    Ok(Some(way))
}

/// What a secret is sealed for.
pub(crate) fn context(space: SpaceId, account: AccountId) -> Spot {
    Spot::of(Kind::Second, format!("second step/{space}/{account}"))
}

fn open(ctx: &Ctx, space: SpaceId, second: &SecondStep) -> Result<Vec<u8>, Error> {
    let text = ctx.sealer.open(&context(space, second.account), &second.secret)?;
    BASE32_NOPAD_VISUAL.decode(text.as_bytes()).map_err(|error| Error::internal("reading a secret", error))
}

/// How the second step of the actor's own account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Since when it is asked for; none: it is not.
    pub since: Option<Time>,
    /// How many recovery codes are left.
    pub recovery: usize,
}

fn kept(ctx: &Ctx, actor: &Actor) -> Result<(Account, Option<SecondStep>), Error> {
    let account = own(ctx, actor)?;
    let second = ctx.read(&ctx.public(actor), |view| Ok(view.get::<SecondStep>(&account.id)?))?;
    Ok((account, second))
}

/// The second step of the actor's own account.
pub fn state(ctx: &Ctx, actor: &Actor) -> Result<State, Error> {
    let (_, second) = kept(ctx, actor)?;
    let second = second.filter(SecondStep::is_on);
    Ok(State {
        since: second.as_ref().and_then(|second| second.since),
        recovery: second.map_or(0, |second| second.recovery.len()),
    })
}

/// What an app is given.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What the QR code holds.
    pub address: String,
    /// The secret for whoever types it.
    pub secret: String,
}

fn already() -> Refusal {
    refuse!(Conflict, "second.on", "The second step is on already. Switch it off first to use another app.")
}

fn invalid(problem: Problem) -> Error {
    Refusal::invalid(vec![problem]).into()
}

/// Checks the password of the actor's own account, typed into that field.
async fn check_password(
    ctx: &Ctx,
    actor: &Actor,
    account: &Account,
    (field, typed): (&str, &str),
) -> Result<(), Error> {
    if is_own_password(ctx, actor.space, account, typed).await? {
        return Ok(());
    }
    Err(invalid(problem!(field, "This is not your present password.")))
}

/// Draws a secret for the actor's own account, whose password was typed. Nothing is asked for before its first code was typed.
pub async fn prepare(ctx: &Ctx, actor: &Actor, password: &str) -> Result<(), Error> {
    let (account, second) = kept(ctx, actor)?;
    if second.is_some_and(|second| second.is_on()) {
        return Err(already().into());
    }
    check_password(ctx, actor, &account, ("present", password)).await?;
    let (mut bytes, mut salt) = ([0u8; SECRET_BYTES], [0u8; 16]);
    ctx.random.fill(&mut bytes);
    ctx.random.fill(&mut salt);
    let text = BASE32_NOPAD_VISUAL.encode(&bytes);
    let secret = ctx.sealer.seal(ctx.random.as_ref(), &context(actor.space, account.id), &text)?;
    let id = account.id;
    ctx.write(&ctx.public(actor), move |work| {
        if super::is_second_on(work.read(), id)? {
            return Err(already().into());
        }
        let second =
            SecondStep { account: id, secret: secret.clone(), since: None, taken: 0, salt, recovery: Vec::new() };
        work.put(&second)?;
        work.audit("second.prepare", format!("account/{id}"), "", "")
    })
    .await
}

/// What the app is to be given, as long as the second step was prepared and is not on.
pub fn offer(ctx: &Ctx, actor: &Actor) -> Result<Offer, Error> {
    let (account, second) = kept(ctx, actor)?;
    let second = second.filter(|second| !second.is_on()).ok_or_else(|| Refusal::missing("second step"))?;
    let secret = open(ctx, actor.space, &second)?;
    let known = ctx.known(actor.space)?;
    let issuer = known.as_ref().map_or("", |known| known.space.name.as_str());
    let address = address(&secret, issuer, &account.login);
    let address = address.ok_or_else(|| Error::Internal("a secret makes no address".into()))?;
    Ok(Offer { address, secret: spelt(&secret) })
}

/// Switches the second step on by its first code; every other session ends. Answers the recovery codes, which are never shown again.
pub async fn switch_on(ctx: &Ctx, actor: &Actor, typed: &str) -> Result<Vec<String>, Error> {
    let (account, second) = kept(ctx, actor)?;
    let second = second.filter(|second| !second.is_on()).ok_or_else(|| Refusal::missing("second step"))?;
    let keys = [format!("code {} {}", actor.space, account.id)];
    ctx.limiter.check(&keys, ctx.now())?;
    let secret = open(ctx, actor.space, &second)?;
    let step = match read(typed) {
        Typed::Code(code) => matched(&secret, &code, ctx.now(), 0),
        Typed::Recovery(_) | Typed::Nonsense => None,
    };
    let Some(step) = step else {
        ctx.limiter.fail(&keys, ctx.now());
        return Err(invalid(problem!(
            "code",
            "This code is not right. Does the clock of the phone go right? It may differ by half a minute."
        )));
    };
    let (shown, salt, recovery) = draw_recovery(ctx).await?;
    let id = account.id;
    ctx.write(&ctx.public(actor), move |work| {
        // Whoever prepared it once more meanwhile has another secret.
        if work.read().get::<SecondStep>(&id)?.as_ref() != Some(&second) {
            return Err(wrong().into());
        }
        let on = SecondStep { since: Some(work.now), taken: step, salt, recovery: recovery.clone(), ..second.clone() };
        work.put(&on)?;
        work.audit("second.on", format!("account/{id}"), "", "")
    })
    .await?;
    super::log_out_elsewhere(ctx, actor).await?;
    Ok(shown)
}

/// Recovery codes as they are shown, what they are hashed with, and their hashes.
async fn draw_recovery(ctx: &Ctx) -> Result<(Vec<String>, [u8; 16], Vec<String>), Error> {
    let mut salt = [0u8; 16];
    ctx.random.fill(&mut salt);
    let codes: Vec<String> = (0..RECOVERY_CODES)
        .map(|_| {
            let mut bytes = [0u8; RECOVERY_BYTES];
            ctx.random.fill(&mut bytes);
            BASE32_NOPAD_VISUAL.encode(&bytes)
        })
        .collect();
    let _turn = hash::turn().await?;
    let hashes = hash::salted(codes.clone(), salt).await?;
    Ok((codes.iter().map(|code| grouped(code)).collect(), salt, hashes))
}

/// Makes new recovery codes for the actor's own account, whose password was typed; those before are worth nothing any more.
pub async fn renew_recovery(ctx: &Ctx, actor: &Actor, password: &str) -> Result<Vec<String>, Error> {
    let (account, second) = kept(ctx, actor)?;
    second.filter(SecondStep::is_on).ok_or_else(|| Refusal::missing("second step"))?;
    check_password(ctx, actor, &account, ("renewing", password)).await?;
    let (shown, salt, recovery) = draw_recovery(ctx).await?;
    let id = account.id;
    ctx.write(&ctx.public(actor), move |work| {
        let second = work.read().get::<SecondStep>(&id)?.filter(SecondStep::is_on);
        let second = second.ok_or_else(|| Refusal::missing("second step"))?;
        work.put(&SecondStep { salt, recovery: recovery.clone(), ..second })?;
        work.audit("second.recovery", format!("account/{id}"), "", "")
    })
    .await?;
    Ok(shown)
}

/// Switches the second step of the actor's own account off, by the password and a code.
pub async fn switch_off(ctx: &Ctx, actor: &Actor, password: &str, typed: &str) -> Result<(), Error> {
    let (account, second) = kept(ctx, actor)?;
    let second = second.filter(SecondStep::is_on).ok_or_else(|| Refusal::missing("second step"))?;
    let keys = [format!("code {} {}", actor.space, account.id)];
    ctx.limiter.check(&keys, ctx.now())?;
    check_password(ctx, actor, &account, ("ending", password)).await?;
    let (shown, id) = (Shown::of(ctx, actor.space, &second, typed).await?, account.id);
    let took = ctx
        .write(&ctx.public(actor), move |work| {
            if take(work, id, &shown)?.is_none() {
                return Ok(false);
            }
            work.remove::<SecondStep>(&id)?;
            work.audit("second.off", format!("account/{id}"), "", "")?;
            Ok(true)
        })
        .await?;
    if took {
        return Ok(());
    }
    ctx.limiter.fail(&keys, ctx.now());
    Err(invalid(problem!("code", "This code is not right, or was used already. Wait for the next one.")))
}

/// Takes the second step off somebody's account, for whoever lost the app and the recovery codes. One's own is switched off with a code.
pub async fn take_off(ctx: &Ctx, actor: &Actor, id: AccountId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    if actor.account() == Some(id) {
        return Err(refuse!(
            Conflict,
            "second.yourself",
            "Switch the second step of your own account off on its own page, with a code."
        )
        .into());
    }
    ctx.write(&permit, move |work| {
        let account = work.read().get::<Account>(&id)?.ok_or_else(|| Refusal::missing("account"))?;
        work.read().get::<SecondStep>(&id)?.ok_or_else(|| Refusal::missing("second step"))?;
        work.remove::<SecondStep>(&id)?;
        work.audit("second.take_off", format!("account/{id}"), "", &account.login)
    })
    .await
}

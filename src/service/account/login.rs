//! Logging in: the password, the browsers that an account knows, and what is noted of every log-in. The second step stands in `second`.

use super::{SESSIONS_MAX, hash, second, sessions_of};
use crate::{Actor, Ctx, Error, Permit, Work, notice, rate::Rate, token};
use domain::{
    Account, AccountId, By, KnownBrowser, LoginId, LoginLine, Notice, NoticeId, Refusal, Session, SpaceId,
    account::SESSION_MILLIS,
    login::{BROWSER_MILLIS, BROWSERS_MAX, LINES_MAX, LoginWay, agent_name, news},
    notice::{About, NoticeState, Purpose},
    refuse,
};
use store::catalogue::ACCOUNT_BY_LOGIN;
use store::{Order, Read};

/// Where a login comes from, for the session list and the slow-down.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Address of the client.
    pub address: String,
    /// Browser as it calls itself.
    pub agent: String,
    /// What the browser was given at its last log-in, by which accounts know it; empty when it has nothing.
    pub browser: String,
    /// Tokens of the sessions that the browser holds, of whatever spaces; those of the account's space end when another begins.
    pub sessions: Vec<String>,
}

/// What a browser is given by a log-in.
#[derive(Debug, Clone)]
pub struct Begun {
    /// The session's token, which is kept only as a hash.
    pub session: String,
    /// By what the account knows the browser from now on, signed by the box.
    pub browser: String,
}

/// What a right password leads to.
#[derive(Debug, Clone)]
pub enum Entry {
    /// The session.
    Begun(Begun),
    /// The second step; its token is bound to the browser that gets it.
    Step(String),
}

/// Logs in by password; the second step follows where the account has one.
pub async fn enter(ctx: &Ctx, space: SpaceId, login: &str, password: &str, origin: &Origin) -> Result<Entry, Error> {
    let account = prove(ctx, space, login, password, origin).await?;
    proven(ctx, space, account, origin).await
}

/// What follows for an account whose password was right.
pub(crate) async fn proven(ctx: &Ctx, space: SpaceId, account: AccountId, origin: &Origin) -> Result<Entry, Error> {
    if ctx.read(&ctx.own(space), |view| super::is_second_on(view, account))? {
        return second::wait(ctx, space, account).map(Entry::Step);
    }
    begin(ctx, space, account, LoginWay::Password, origin).await.map(Entry::Begun)
}

/// Logs in where nobody is there to take a second step; returns the new session's token.
pub async fn log_in(ctx: &Ctx, space: SpaceId, login: &str, password: &str, origin: &Origin) -> Result<String, Error> {
    match enter(ctx, space, login, password, origin).await? {
        Entry::Begun(begun) => Ok(begun.session),
        Entry::Step(_) => {
            Err(refuse!(Denied, "login.step_needed", "This account asks for a code. Log in with a browser.").into())
        }
    }
}

/// Begins a session for the account of that login without asking for anything: for the demonstration, which comes up whatever its visitors switched on.
/// Answers the session's token.
pub async fn begin_for(ctx: &Ctx, space: SpaceId, login: &str) -> Result<String, Error> {
    let found = ctx.read(&ctx.own(space), |view| Ok(view.find::<Account, _>(&ACCOUNT_BY_LOGIN, &login.to_owned())?))?;
    let account = found.ok_or_else(|| Refusal::missing("account"))?;
    Ok(begin(ctx, space, account.id, LoginWay::Password, &Origin::default()).await?.session)
}

/// How often passwords of one account may be tried by browsers that it does not know, from all addresses together. Browsers that it knows have a
/// limit of their own, so that nobody is kept out by what others try.
const BY_ACCOUNT: Rate = Rate { burst: 100, minute: 6 };

/// The account of that login and password. Failures are slowed down and do not tell which of both was wrong.
pub(crate) async fn prove(
    ctx: &Ctx,
    space: SpaceId,
    login: &str,
    password: &str,
    origin: &Origin,
) -> Result<AccountId, Error> {
    let login: String = login.trim().to_lowercase().chars().take(64).collect();
    // Whoever waits here was not counted yet: the limits are asked when it is their turn.
    let _turn = hash::turn().await?;
    let (account, known) = ctx.read(&ctx.own(space), |view| {
        let account = view.find::<Account, _>(&ACCOUNT_BY_LOGIN, &login)?;
        let known = match &account {
            Some(account) => known_browser(ctx, view, account.id, origin)?,
            None => None,
        };
        Ok((account, known))
    })?;
    let keys = limits(space, &login, known.as_ref(), origin);
    ctx.limiter.check(&keys, ctx.now())?;
    if known.is_none() {
        ctx.rates.take(&("log-in", space, &login), BY_ACCOUNT, ctx.now()).map_err(|(refusal, _)| refusal)?;
    }
    let hash = account.as_ref().map_or(hash::NOBODY, |account| account.password.as_str());
    let right = hash::is_password(password, hash).await?;
    let why = match &account {
        None => Some("no such account"),
        Some(_) if !right => Some("wrong password"),
        Some(account) => account.disabled.then_some("the account is disabled"),
    };
    let (Some(account), None) = (&account, why) else {
        ctx.limiter.fail(&keys, ctx.now());
        // Never what was typed: people type their password into the wrong field.
        let account = account.as_ref().map(|account| account.id.0);
        tracing::warn!(%space, account, why, address = origin.address, "a log-in was refused");
        return Err(wrong().into());
    };
    for key in &keys {
        ctx.limiter.clear(key);
    }
    Ok(account.id)
}

fn wrong() -> Refusal {
    refuse!(Denied, "login.wrong", "Login or password is wrong.")
}

/// What failures are counted under: a browser that the account knows by itself, all others by login and address.
pub(super) fn limits(space: SpaceId, login: &str, known: Option<&KnownBrowser>, origin: &Origin) -> Vec<String> {
    match known {
        Some(known) => vec![format!("browser {space} {login} {}", token::link_of(&known.token))],
        None => vec![format!("login {space} {login} {}", origin.address), format!("address {}", origin.address)],
    }
}

/// The hash of the token that the browser shows, when this box gave it.
fn shown(ctx: &Ctx, origin: &Origin) -> Option<[u8; 32]> {
    ctx.sealer.signed(&origin.browser).map(token::hash)
}

/// The browser, when the account knows it.
pub(super) fn known_browser(
    ctx: &Ctx,
    view: &impl Read,
    account: AccountId,
    origin: &Origin,
) -> Result<Option<KnownBrowser>, Error> {
    let Some(hash) = shown(ctx, origin) else { return Ok(None) };
    let known = view.get::<KnownBrowser>(&(account, hash))?;
    Ok(known.filter(|known| ctx.now().since(known.seen_at) < BROWSER_MILLIS))
}

/// A log-in under way: what is drawn for it, and where it comes from.
#[derive(Debug, Clone)]
pub(super) struct Coming {
    session: String,
    browser: String,
    origin: Origin,
}

impl Coming {
    pub(super) fn new(ctx: &Ctx, origin: &Origin) -> Self {
        let browser = match ctx.sealer.signed(&origin.browser) {
            Some(known) => known.to_owned(),
            None => token::new(ctx.random.as_ref()),
        };
        Self { session: token::new(ctx.random.as_ref()), browser, origin: origin.clone() }
    }

    pub(super) fn begun(&self, ctx: &Ctx) -> Begun {
        Begun { session: self.session.clone(), browser: ctx.sealer.sign(&self.browser) }
    }
}

/// On whose behalf a log-in is written.
pub(super) fn permit(space: SpaceId, account: AccountId) -> Permit {
    Permit { space, by: By::Account(account), account: Some(account), reads: false }
}

/// Begins a session for an account that proved itself.
pub async fn begin(
    ctx: &Ctx,
    space: SpaceId,
    account: AccountId,
    way: LoginWay,
    origin: &Origin,
) -> Result<Begun, Error> {
    let coming = Coming::new(ctx, origin);
    let begun = coming.begun(ctx);
    ctx.write(&permit(space, account), move |work| begin_in(work, account, way, &coming)).await?;
    Ok(begun)
}

/// Begins a session in the running transaction, and notes the log-in.
pub(super) fn begin_in(
    work: &mut Work<'_, '_>,
    account: AccountId,
    way: LoginWay,
    coming: &Coming,
) -> Result<(), Error> {
    let mut kept = work.read().get::<Account>(&account)?.ok_or_else(|| Refusal::missing("account"))?;
    if kept.disabled {
        return Err(wrong().into());
    }
    kept.seen_at = Some(work.now);
    work.put(&kept)?;
    drop_old_sessions(work, &kept)?;
    drop_replaced(work, &coming.origin)?;
    let (now, origin) = (work.now, &coming.origin);
    let session = Session {
        token: token::hash(&coming.session),
        account,
        created_at: now,
        expires_at: now.plus(SESSION_MILLIS),
        agent: short(&origin.agent, 120),
        address: short(&origin.address, 60),
        seen_at: now,
    };
    work.insert(&session)?;
    let browser = (account, token::hash(&coming.browser));
    let known =
        work.read().get::<KnownBrowser>(&browser)?.is_some_and(|known| now.since(known.seen_at) < BROWSER_MILLIS);
    work.put(&KnownBrowser { account, token: browser.1, seen_at: now })?;
    drop_old_browsers(work, account)?;
    note(work, &kept, way, known, origin)?;
    work.audit("session.begin", format!("account/{account}"), "", &format!("{} {}", way.code(), origin.address))
}

fn short(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn drop_old_sessions(work: &mut Work<'_, '_>, account: &Account) -> Result<(), Error> {
    let sessions = sessions_of(work.read(), account.id)?;
    let spare = sessions.len().saturating_sub(SESSIONS_MAX - 1);
    for (at, session) in sessions.iter().enumerate() {
        if at < spare || session.expires_at <= work.now || session.created_at < account.sessions_since {
            work.remove::<Session>(&session.token)?;
        }
    }
    Ok(())
}

/// Ends the sessions that the browser held: their cookie is about to be written over, and nobody could log out of them there any more.
fn drop_replaced(work: &mut Work<'_, '_>, origin: &Origin) -> Result<(), Error> {
    for token in origin.sessions.iter().take(REPLACED_MAX) {
        let Some(old) = work.read().get::<Session>(&token::hash(token))? else { continue };
        work.remove::<Session>(&old.token)?;
        work.audit("session.end", format!("account/{}", old.account), &old.address, "replaced")?;
    }
    Ok(())
}

/// Most sessions of one browser that are looked at.
const REPLACED_MAX: usize = 20;

fn browsers_of(view: &impl Read, account: AccountId) -> Result<Vec<KnownBrowser>, Error> {
    view.scan::<KnownBrowser>(&account, None, Order::Ascending).map(|kept| Ok(kept?.1)).collect()
}

fn drop_old_browsers(work: &mut Work<'_, '_>, account: AccountId) -> Result<(), Error> {
    let mut browsers = browsers_of(work.read(), account)?;
    browsers.sort_by_key(|browser| browser.seen_at);
    let spare = browsers.len().saturating_sub(BROWSERS_MAX);
    for browser in browsers.iter().take(spare) {
        work.remove::<KnownBrowser>(&(account, browser.token))?;
    }
    Ok(())
}

/// Forgets which browsers an account knows; the caller writes the audit line.
pub(super) fn forget_browsers(work: &mut Work<'_, '_>, account: AccountId) -> Result<(), Error> {
    for browser in browsers_of(work.read(), account)? {
        work.remove::<KnownBrowser>(&(account, browser.token))?;
    }
    Ok(())
}

fn lines_of(view: &impl Read, account: AccountId) -> Result<Vec<LoginLine>, Error> {
    view.scan::<LoginLine>(&account, None, Order::Ascending).map(|kept| Ok(kept?.1)).collect()
}

/// Notes a log-in in the account's list, and tells its owner when it is news. The caller writes the audit line.
pub(super) fn note(
    work: &mut Work<'_, '_>,
    account: &Account,
    way: LoginWay,
    known: bool,
    origin: &Origin,
) -> Result<(), Error> {
    let before = lines_of(work.read(), account.id)?;
    let (new_browser, new_network) = news(known, &origin.address, &before);
    let id = LoginId(work.next_id::<LoginLine>()?);
    let line = LoginLine {
        account: account.id,
        id,
        at: work.now,
        way,
        agent: short(&origin.agent, 120),
        address: short(&origin.address, 60),
        new_browser,
        new_network,
    };
    let spare = (before.len() + 1).saturating_sub(LINES_MAX);
    for old in before.iter().take(spare) {
        work.remove::<LoginLine>(&(account.id, old.id))?;
    }
    if line.is_news() {
        tell(work, account, &line)?;
    }
    work.insert(&line)
}

fn tell(work: &mut Work<'_, '_>, account: &Account, line: &LoginLine) -> Result<(), Error> {
    let purpose = if line.way == LoginWay::WrongCodes { Purpose::WrongCodes } else { Purpose::NewLogin };
    let values = [
        ("login", account.login.clone()),
        ("agent", agent_name(&line.agent)),
        ("address", line.address.clone()),
        ("time", line.at.0.to_string()),
    ];
    let notice = Notice {
        id: NoticeId(0),
        purpose,
        about: About::Person(account.person),
        name: account.name.clone(),
        phone: None,
        text: String::new(),
        values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        once: format!("{}/{}/{}", purpose.code(), account.id, line.id),
        state: NoticeState::Waiting,
        created_at: work.now,
        useful_until: None,
    };
    notice::keep(work, notice).map(drop)
}

/// The log-ins of the actor's own account, newest first.
pub fn logins(ctx: &Ctx, actor: &Actor) -> Result<Vec<LoginLine>, Error> {
    let account = actor.account().ok_or_else(Refusal::denied)?;
    ctx.read(&ctx.public(actor), |view| {
        let mut lines = lines_of(view, account)?;
        lines.reverse();
        Ok(lines)
    })
}

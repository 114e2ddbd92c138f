//! Staff accounts: logging in and out, who is behind a session, accounts and their grants.

use crate::{Actor, At, Ctx, Error, Permit, Work, actor::Who, space::all_departments, token};
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::{
    Account, AccountId, DepartmentId, EventId, Grant, GrantId, Permission, Person, PersonId, Refusal, Scope, Session,
    SpaceId, Time,
    account::{PASSWORD_MAX, SESSION_MILLIS, check_login, check_password},
    permission::Held,
    person, refuse,
    space::below,
    text::Form,
};
use store::catalogue::{ACCOUNT_BY_LOGIN, GRANT_BY_ACCOUNT, SESSION_BY_ACCOUNT};
use store::{Order, Read};

/// The most accounts of a space; lists of them are read at once.
pub const ACCOUNTS_MAX: usize = 2_000;

/// argon2id with 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// Hashes a password away from the threads that answer requests. The salt comes from the context's chance.
pub async fn hash_password(ctx: &Ctx, password: &str) -> Result<String, Error> {
    let mut salt = [0u8; 16];
    ctx.random.fill(&mut salt);
    let password = password.to_owned();
    let hashed = tokio::task::spawn_blocking(move || {
        hasher().hash_password_with_salt(password.as_bytes(), &salt).map(|hash| hash.to_string())
    });
    hashed.await.map_err(|error| Error::internal("hashing", error))?.map_err(|error| Error::internal("hashing", error))
}

async fn is_password(password: &str, hash: &str) -> Result<bool, Error> {
    let (password, hash) = (password.to_owned(), hash.to_owned());
    let verified = tokio::task::spawn_blocking(move || {
        let hash = PasswordHash::new(&hash).map_err(|error| Error::internal("reading a password hash", error))?;
        Ok::<_, Error>(hasher().verify_password(password.as_bytes(), &hash).is_ok())
    });
    verified.await.map_err(|error| Error::internal("checking a password", error))?
}

/// A hash of nothing anybody knows: checked when the login does not exist, so that the answer takes the same time.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$4mDvHGYYTGZ0oEuOCRSRKVxPTXp1vSv5rQSBlzz1RXQ";

pub(crate) fn new_account(
    work: &mut Work<'_, '_>,
    person: &Person,
    login: &str,
    password: &str,
) -> Result<AccountId, Error> {
    let account = Account {
        id: AccountId(work.next_id::<Account>()?),
        person: person.id,
        login: login.to_owned(),
        name: person.name.clone(),
        password: password.to_owned(),
        disabled: false,
        sessions_since: Time(0),
        created_at: work.now,
        seen_at: None,
    };
    work.insert(&account)?;
    work.audit("account.create", format!("account/{}", account.id), "", &account.login)?;
    Ok(account.id)
}

/// Where a login comes from, for the session list and the slow-down.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Address of the client.
    pub address: String,
    /// Browser as it calls itself.
    pub agent: String,
}

/// Logs in; returns the new session's token, which is kept only as a hash.
pub async fn log_in(ctx: &Ctx, space: SpaceId, login: &str, password: &str, origin: &Origin) -> Result<String, Error> {
    let account = prove(ctx, space, login, password, origin).await?;
    begin_session(ctx, space, account, origin).await
}

/// The account of that login and password. Failures are slowed down and do not tell which of both was wrong.
pub(crate) async fn prove(
    ctx: &Ctx,
    space: SpaceId,
    login: &str,
    password: &str,
    origin: &Origin,
) -> Result<AccountId, Error> {
    let login: String = login.trim().to_lowercase().chars().take(64).collect();
    let keys = [format!("login {space} {login} {}", origin.address), format!("address {}", origin.address)];
    ctx.limiter.check(&keys, ctx.now())?;
    let permit = ctx.own(space);
    let account = ctx.read(&permit, |view| Ok(view.find::<Account, _>(&ACCOUNT_BY_LOGIN, &login)?))?;
    let hash = account.as_ref().map_or(NOBODY, |account| account.password.as_str());
    let right = password.chars().count() <= PASSWORD_MAX && is_password(password, hash).await?;
    let Some(account) = account.filter(|account| right && !account.disabled) else {
        ctx.limiter.fail(&keys, ctx.now());
        return Err(refuse!(Denied, "login.wrong", "Login or password is wrong.").into());
    };
    for key in &keys {
        ctx.limiter.clear(key);
    }
    Ok(account.id)
}

/// Begins a session for an account that proved itself.
pub async fn begin_session(ctx: &Ctx, space: SpaceId, account: AccountId, origin: &Origin) -> Result<String, Error> {
    let new = token::new(ctx.random.as_ref());
    let hash = token::hash(&new);
    let origin = origin.clone();
    let permit = Permit { space, by: domain::By::Account(account), account: Some(account) };
    ctx.write(&permit, move |work| {
        let mut kept = work.read().get::<Account>(&account)?.ok_or_else(|| Refusal::missing("account"))?;
        kept.seen_at = Some(work.now);
        work.put(&kept)?;
        drop_old_sessions(work, &kept)?;
        let session = Session {
            token: hash,
            account,
            created_at: work.now,
            expires_at: work.now.plus(SESSION_MILLIS),
            agent: origin.agent.chars().take(120).collect(),
            address: origin.address.chars().take(60).collect(),
        };
        work.insert(&session)?;
        work.audit("session.begin", format!("account/{account}"), "", &origin.address)
    })
    .await?;
    Ok(new)
}

/// Most sessions of one account; the oldest goes when one more begins.
const SESSIONS_MAX: usize = 30;

fn sessions_of(view: &impl Read, account: AccountId) -> Result<Vec<Session>, Error> {
    let mut sessions = Vec::new();
    for key in view.scan_index(&SESSION_BY_ACCOUNT, &account, None, Order::Ascending) {
        sessions.extend(view.get::<Session>(&key?)?);
    }
    sessions.sort_by_key(|session| session.created_at);
    Ok(sessions)
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

/// The member of staff behind a session token; none when the session is over or the account disabled.
pub fn actor(ctx: &Ctx, space: SpaceId, token: &str) -> Result<Option<Actor>, Error> {
    let (permit, hash, now) = (ctx.own(space), token::hash(token), ctx.now());
    ctx.read(&permit, |view| {
        let Some(session) = view.get::<Session>(&hash)? else { return Ok(None) };
        let Some(account) = view.get::<Account>(&session.account)? else { return Ok(None) };
        if account.disabled || now >= session.expires_at || session.created_at < account.sessions_since {
            return Ok(None);
        }
        let held = held(view, account.id)?;
        let who = Who::Staff { account: account.id, person: account.person, name: account.name, session: hash };
        Ok(Some(Actor { space, who, held }))
    })
}

fn grants_of(view: &impl Read, account: AccountId) -> Result<Vec<Grant>, Error> {
    let mut grants = Vec::new();
    for key in view.scan_index(&GRANT_BY_ACCOUNT, &account, None, Order::Ascending) {
        grants.extend(view.get::<Grant>(&key?)?);
    }
    Ok(grants)
}

/// What an account holds, department scopes spread over the tree below them.
fn held(view: &impl Read, account: AccountId) -> Result<Vec<Held>, Error> {
    let grants = grants_of(view, account)?;
    let wants_tree = grants.iter().any(|grant| matches!(grant.scope, Scope::Department(_)));
    let departments = if wants_tree { all_departments(view)? } else { Vec::new() };
    let mut held = Vec::with_capacity(grants.len());
    for Grant { permission, scope, .. } in grants {
        match scope {
            Scope::Department(root) => {
                let spread = below(&departments, root).into_iter().map(Scope::Department);
                held.extend(spread.map(|scope| Held { permission, scope }));
            }
            Scope::Space | Scope::Event(_) | Scope::Own => held.push(Held { permission, scope }),
        }
    }
    Ok(held)
}

/// Ends the session of that token.
pub async fn log_out(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let Who::Staff { account, session, .. } = actor.who else { return Ok(()) };
    ctx.write(&ctx.public(actor), move |work| {
        if work.read().get::<Session>(&session)?.is_none() {
            return Ok(());
        }
        work.remove::<Session>(&session)?;
        work.audit("session.end", format!("account/{account}"), "", "")
    })
    .await
}

/// Ends every session of the actor's own account but this one.
pub async fn log_out_elsewhere(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let Who::Staff { account, session, .. } = actor.who else { return Err(Refusal::denied().into()) };
    ctx.write(&ctx.public(actor), move |work| {
        for other in sessions_of(work.read(), account)? {
            if other.token != session {
                work.remove::<Session>(&other.token)?;
            }
        }
        work.audit("session.end_elsewhere", format!("account/{account}"), "", "")
    })
    .await
}

/// The sessions of the actor's own account, newest first.
pub fn sessions(ctx: &Ctx, actor: &Actor) -> Result<Vec<Session>, Error> {
    let account = actor.account().ok_or_else(Refusal::denied)?;
    ctx.read(&ctx.public(actor), |view| {
        let mut sessions = sessions_of(view, account)?;
        sessions.retain(|session| session.expires_at > ctx.now());
        sessions.reverse();
        Ok(sessions)
    })
}

/// Changes the actor's own password; every other session ends.
pub async fn change_password(ctx: &Ctx, actor: &Actor, old: &str, new: &str) -> Result<(), Error> {
    let Who::Staff { account, .. } = actor.who else { return Err(Refusal::denied().into()) };
    let keys = [format!("password {} {account}", actor.space)];
    ctx.limiter.check(&keys, ctx.now())?;
    let kept = ctx.read(&ctx.public(actor), |view| Ok(view.get::<Account>(&account)?))?;
    let kept = kept.ok_or_else(|| Refusal::missing("account"))?;
    let mut problems = Vec::new();
    if old.chars().count() > PASSWORD_MAX || !is_password(old, &kept.password).await? {
        ctx.limiter.fail(&keys, ctx.now());
        problems.push(domain::problem!("old", "This is not your present password."));
    }
    check_password(new, &kept.login, &mut problems);
    Refusal::unless_clean(problems)?;
    let hash = hash_password(ctx, new).await?;
    set_password(ctx, &ctx.public(actor), account, hash).await?;
    log_out_elsewhere(ctx, actor).await
}

async fn set_password(ctx: &Ctx, permit: &Permit, account: AccountId, hash: String) -> Result<(), Error> {
    ctx.write(permit, move |work| {
        let mut kept = work.read().get::<Account>(&account)?.ok_or_else(|| Refusal::missing("account"))?;
        kept.password.clone_from(&hash);
        work.put(&kept)?;
        work.audit("account.password", format!("account/{account}"), "", "")
    })
    .await
}

/// An account with what it holds.
#[derive(Debug, Clone)]
pub struct AccountView {
    /// The account.
    pub account: Account,
    /// Its grants as given.
    pub grants: Vec<Grant>,
}

/// All accounts in the order of their logins.
pub fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<AccountView>, Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    ctx.read(&permit, |view| {
        let mut all = Vec::new();
        for kept in view.scan::<Account>(&(), None, Order::Ascending).take(ACCOUNTS_MAX) {
            let account = kept?.1;
            let grants = grants_of(view, account.id)?;
            all.push(AccountView { account, grants });
        }
        all.sort_by(|a, b| a.account.login.cmp(&b.account.login));
        Ok(all)
    })
}

/// One account.
pub fn get(ctx: &Ctx, actor: &Actor, id: AccountId) -> Result<AccountView, Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    ctx.read(&permit, |view| {
        let account = view.get::<Account>(&id)?.ok_or_else(|| Refusal::missing("account"))?;
        let grants = grants_of(view, id)?;
        Ok(AccountView { account, grants })
    })
}

/// Creates an account for a new person.
pub async fn create(ctx: &Ctx, actor: &Actor, name: &str, login: &str, password: &str) -> Result<AccountId, Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    let mut form = Form::default();
    let name = form.required("name", name, person::NAME_MAX);
    let login = check_login(login, &mut form.problems);
    check_password(password, &login, &mut form.problems);
    form.done(())?;
    let hash = hash_password(ctx, password).await?;
    ctx.write(&permit, move |work| {
        if work.read().find_key::<Account, _>(&ACCOUNT_BY_LOGIN, &login)?.is_some() {
            return Err(Refusal::invalid(vec![domain::problem!("login", "This login is taken.")]).into());
        }
        if work.read().scan::<Account>(&(), None, Order::Ascending).count() >= ACCOUNTS_MAX {
            return Err(refuse!(
                Conflict,
                "account.too_many",
                "There can be at most {max} accounts.",
                max = ACCOUNTS_MAX
            )
            .into());
        }
        let person = Person {
            id: PersonId(work.next_id::<Person>()?),
            name: name.clone(),
            phone: None,
            company: String::new(),
            created_at: work.now,
        };
        work.insert(&person)?;
        new_account(work, &person, &login, &hash)
    })
    .await
}

/// Disables or enables an account. A disabled account's sessions are over at once; nobody disables themselves.
pub async fn set_disabled(ctx: &Ctx, actor: &Actor, id: AccountId, disabled: bool) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    if actor.account() == Some(id) {
        return Err(refuse!(Conflict, "account.yourself", "You cannot disable your own account.").into());
    }
    ctx.write(&permit, move |work| {
        let mut kept = work.read().get::<Account>(&id)?.ok_or_else(|| Refusal::missing("account"))?;
        kept.disabled = disabled;
        if disabled {
            kept.sessions_since = work.now;
        }
        work.put(&kept)?;
        work.audit(
            if disabled { "account.disable" } else { "account.enable" },
            format!("account/{id}"),
            "",
            &kept.login,
        )
    })
    .await
}

/// Gives an account a new password; all its sessions end.
pub async fn reset_password(ctx: &Ctx, actor: &Actor, id: AccountId, password: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    let login = get(ctx, actor, id)?.account.login;
    let mut problems = Vec::new();
    check_password(password, &login, &mut problems);
    Refusal::unless_clean(problems)?;
    let hash = hash_password(ctx, password).await?;
    ctx.write(&permit, move |work| {
        let mut kept = work.read().get::<Account>(&id)?.ok_or_else(|| Refusal::missing("account"))?;
        kept.password.clone_from(&hash);
        work.put(&kept)?;
        for session in sessions_of(work.read(), id)? {
            work.remove::<Session>(&session.token)?;
        }
        work.audit("account.reset_password", format!("account/{id}"), "", "")
    })
    .await
}

/// Gives a permission at a scope. Nobody gives what they do not hold for the whole space themselves; but what nobody holds, such as the
/// permissions that came with a new version, is whoever manages accounts' to give.
pub async fn grant(ctx: &Ctx, actor: &Actor, id: AccountId, permission: Permission, scope: Scope) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    let never = actor.space != SpaceId::ASSOCIATION && crate::merchant::PLATFORM_ONLY.contains(&permission);
    let held = actor.holds_everywhere(permission);
    ctx.write(&permit, move |work| {
        if never || !held && holders(work.read(), permission, None)? > 0 {
            return Err(refuse!(
                Denied,
                "grant.not_held",
                "You can only give permissions that you hold yourself, or that nobody holds."
            )
            .into());
        }
        work.read().get::<Account>(&id)?.ok_or_else(|| Refusal::missing("account"))?;
        check_scope(work.read(), scope)?;
        if grants_of(work.read(), id)?.iter().any(|grant| grant.permission == permission && grant.scope == scope) {
            return Ok(());
        }
        let number = GrantId(work.next_id::<Grant>()?);
        work.insert(&Grant { id: number, account: id, permission, scope })?;
        work.audit("grant.give", format!("account/{id}"), "", &format!("{} {scope:?}", permission.code()))
    })
    .await
}

fn check_scope(view: &impl Read, scope: Scope) -> Result<(), Error> {
    let there = match scope {
        Scope::Space | Scope::Own => true,
        Scope::Department(id) => view.get::<domain::Department>(&DepartmentId(id.0))?.is_some(),
        Scope::Event(id) => view.get::<domain::Event>(&EventId(id.0))?.is_some(),
    };
    if !there {
        return Err(
            Refusal::invalid(vec![domain::problem!("scope", "The place of this permission does not exist.")]).into()
        );
    }
    Ok(())
}

/// Takes a grant back. The last space-wide right to manage accounts stays, or nobody could give rights any more.
pub async fn revoke(ctx: &Ctx, actor: &Actor, id: GrantId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    ctx.write(&permit, move |work| {
        let kept = work.read().get::<Grant>(&id)?.ok_or_else(|| Refusal::missing("permission"))?;
        if kept.permission == Permission::AccountManage
            && kept.scope == Scope::Space
            && holders(work.read(), Permission::AccountManage, Some(kept.account))? == 0
        {
            return Err(refuse!(
                Conflict,
                "grant.last_manager",
                "Somebody must be able to manage accounts. Give this permission to another account first."
            )
            .into());
        }
        work.remove::<Grant>(&id)?;
        work.audit(
            "grant.take",
            format!("account/{}", kept.account),
            &format!("{} {:?}", kept.permission.code(), kept.scope),
            "",
        )
    })
    .await
}

/// How many enabled accounts, but for one, hold a permission for the whole space.
pub(crate) fn holders(view: &impl Read, permission: Permission, but: Option<AccountId>) -> Result<usize, Error> {
    let mut found = 0;
    for kept in view.scan::<Grant>(&(), None, Order::Ascending) {
        let grant = kept?.1;
        if grant.permission == permission && grant.scope == Scope::Space && Some(grant.account) != but {
            found += usize::from(view.get::<Account>(&grant.account)?.is_some_and(|account| !account.disabled));
        }
    }
    Ok(found)
}

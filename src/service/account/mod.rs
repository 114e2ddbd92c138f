//! Staff accounts and their grants, their sessions, and who is behind one. Logging in stands in `login`, its second step in `second`, links to a
//! new password in `reset`, passkeys in `passkey`.

pub mod eyes;
pub(crate) mod first;
pub mod hash;
pub mod login;
pub mod passkey;
pub mod reset;
pub mod rule;
pub mod second;

pub use hash::hash_password;
pub use login::{Begun, Entry, Origin, begin, enter, log_in, logins};

use crate::{Actor, At, Ctx, Error, Permit, Work, actor::Who, space::all_departments, token};
use domain::{
    Account, AccountId, DepartmentId, EventId, Grant, GrantId, MessageChoice, Permission, Person, PersonId, Refusal,
    Scope, SecondStep, Session, SpaceId, Time,
    account::{SEEN_MILLIS, check_login},
    password::check_password,
    permission::Held,
    person, refuse,
    space::below,
    text::Form,
};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use store::catalogue::{ACCOUNT_BY_LOGIN, GRANT_BY_ACCOUNT, SESSION_BY_ACCOUNT};
use store::{Order, Read};

/// The most accounts of a space; lists of them are read at once.
pub const ACCOUNTS_MAX: usize = 2_000;

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

/// The member of staff behind a session token; none when the session is over or the account disabled.
pub fn actor(ctx: &Ctx, space: SpaceId, token: &str) -> Result<Option<Actor>, Error> {
    let (permit, hash, now) = (ctx.own(space), token::hash(token), ctx.now());
    ctx.read(&permit, |view| {
        let Some(account) = standing_session(ctx, view, space, &hash)? else { return Ok(None) };
        ctx.seen.note(space, hash, now);
        // Whoever must choose a password or have the second step first holds nothing until then.
        let held = if rule::holds_nothing(view, account.id)? { Vec::new() } else { held(view, account.id)? };
        let who =
            Who::Staff { account: account.id, person: account.person, name: account.name, session: hash, seer: None };
        eyes::through(view, Actor { space, who, held }, now).map(Some)
    })
}

/// The account of a session that stands.
fn standing_session(ctx: &Ctx, view: &impl Read, space: SpaceId, hash: &[u8; 32]) -> Result<Option<Account>, Error> {
    let Some(session) = view.get::<Session>(hash)? else { return Ok(None) };
    let account = view.get::<Account>(&session.account)?;
    Ok(account.filter(|account| session.stands(account, ctx.seen.of(space, hash), ctx.now())))
}

/// When sessions were used, to the second. On disk it stands to the hour: what is forgotten on a restart is at most that.
#[derive(Debug, Default)]
pub struct Seen(Mutex<HashMap<(SpaceId, [u8; 32]), Time>>);

/// Most sessions that are remembered; beyond, all are forgotten.
const SEEN_MAX: usize = 20_000;

impl Seen {
    fn of(&self, space: SpaceId, hash: &[u8; 32]) -> Option<Time> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(space, *hash)).copied()
    }

    fn note(&self, space: SpaceId, hash: [u8; 32], now: Time) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= SEEN_MAX && !seen.contains_key(&(space, hash)) {
            seen.clear();
        }
        seen.insert((space, hash), now);
    }

    fn all_of(&self, space: SpaceId) -> Vec<([u8; 32], Time)> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|((of, _), _)| *of == space).map(|((_, hash), at)| (*hash, *at)).collect()
    }
}

/// Every how many seconds it is looked which sessions were used.
const SEEN_EVERY: i64 = 60;
/// Sessions of one transaction.
const SEEN_STEP: usize = 200;

/// Keeps when sessions were used last, each of them once an hour at most; removes those that are over. Called by the clock; answers how many are gone.
pub async fn tidy(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    if !crate::job::is_turn(ctx, SEEN_EVERY) {
        return Ok(0);
    }
    let (own, seen, now) = (ctx.own(space), ctx.seen.all_of(space), ctx.now());
    let due = ctx.read(&own, |view| {
        let mut due = Vec::new();
        for (hash, at) in seen {
            let kept = view.get::<Session>(&hash)?;
            due.extend(kept.filter(|kept| at.since(kept.seen_at) >= SEEN_MILLIS).map(|_| (hash, at)));
        }
        Ok(due)
    })?;
    for step in due.chunks(SEEN_STEP) {
        let step = step.to_vec();
        ctx.write(&own, move |work| {
            let mut used = 0;
            for (hash, at) in &step {
                let Some(session) = work.read().get::<Session>(hash)? else { continue };
                work.put(&Session { seen_at: *at, ..session })?;
                used += 1;
            }
            work.audit("session.used", "account", "", &format!("{used} sessions"))
        })
        .await?;
    }
    reset::forget_old(ctx, space, now).await
}

fn grants_of(view: &impl Read, account: AccountId) -> Result<Vec<Grant>, Error> {
    let mut grants = Vec::new();
    for key in view.scan_index(&GRANT_BY_ACCOUNT, &account, None, Order::Ascending) {
        grants.extend(view.get::<Grant>(&key?)?);
    }
    Ok(grants)
}

/// What an account holds, department scopes spread over the tree below them.
pub(crate) fn held(view: &impl Read, account: AccountId) -> Result<Vec<Held>, Error> {
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
    let Who::Staff { account, session, seer, .. } = &actor.who else { return Ok(()) };
    let (account, session) = (seer.as_ref().map_or(*account, |seer| seer.account), *session);
    // Whoever sees as somebody else logs out themselves.
    let permit = Permit { reads: false, ..ctx.public(actor) };
    ctx.write(&permit, move |work| {
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

/// The sessions of the actor's own account, the one used last in front.
pub fn sessions(ctx: &Ctx, actor: &Actor) -> Result<Vec<Session>, Error> {
    let account = actor.account().ok_or_else(Refusal::denied)?;
    ctx.read(&ctx.public(actor), |view| standing(ctx, view, actor.space, account))
}

/// The sessions of an account that stand, the one used last in front.
fn standing(ctx: &Ctx, view: &impl Read, space: SpaceId, id: AccountId) -> Result<Vec<Session>, Error> {
    let account = view.get::<Account>(&id)?.ok_or_else(|| Refusal::missing("account"))?;
    let now = ctx.now();
    let mut sessions = sessions_of(view, id)?;
    for session in &mut sessions {
        session.seen_at = ctx.seen.of(space, &session.token).map_or(session.seen_at, |used| used.max(session.seen_at));
    }
    sessions.retain(|session| session.stands(&account, None, now));
    sessions.sort_by_key(|session| std::cmp::Reverse((session.seen_at, session.created_at)));
    Ok(sessions)
}

/// Ends one session of the actor's own account.
pub async fn end_session(ctx: &Ctx, actor: &Actor, number: u64) -> Result<(), Error> {
    let account = actor.account().ok_or_else(Refusal::denied)?;
    ctx.write(&ctx.public(actor), move |work| {
        let mut sessions = sessions_of(work.read(), account)?.into_iter();
        let session = sessions.find(|session| session.number() == number);
        let session = session.ok_or_else(|| Refusal::missing("session"))?;
        work.remove::<Session>(&session.token)?;
        work.audit("session.end", format!("account/{account}"), &session.address, "")
    })
    .await
}

/// Ends every session of an account.
pub async fn end_sessions(ctx: &Ctx, actor: &Actor, id: AccountId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    ctx.write(&permit, move |work| {
        work.read().get::<Account>(&id)?.ok_or_else(|| Refusal::missing("account"))?;
        drop_sessions(work, id)?;
        work.audit("session.end_all", format!("account/{id}"), "", "")
    })
    .await
}

/// Removes every session of an account; the caller writes the audit line.
pub(crate) fn drop_sessions(work: &mut Work<'_, '_>, id: AccountId) -> Result<(), Error> {
    for session in sessions_of(work.read(), id)? {
        work.remove::<Session>(&session.token)?;
    }
    Ok(())
}

/// The actor's own account.
pub fn own(ctx: &Ctx, actor: &Actor) -> Result<Account, Error> {
    let id = actor.account().ok_or_else(Refusal::denied)?;
    let kept = ctx.read(&ctx.public(actor), |view| Ok(view.get::<Account>(&id)?))?;
    Ok(kept.ok_or_else(|| Refusal::missing("account"))?)
}

/// What must not be most of a password: login and names, and how Chinese names are spoken.
pub(crate) fn own_words(ctx: &Ctx, space: SpaceId, names: &[&str]) -> Result<Vec<String>, Error> {
    let known = ctx.known(space)?;
    let around = known.iter().flat_map(|known| [known.space.name.as_str(), known.brand.name.as_str()]);
    let mut words: Vec<String> = Vec::new();
    for name in names.iter().copied().chain(around).filter(|name| !name.trim().is_empty()) {
        words.push(name.to_owned());
        words.extend(search::spoken(name));
    }
    Ok(words)
}

/// Checks a new password of an account in a space.
pub(crate) fn check_new_password(
    ctx: &Ctx,
    space: SpaceId,
    names: &[&str],
    password: &str,
    problems: &mut Vec<domain::Problem>,
) -> Result<(), Error> {
    let words = own_words(ctx, space, names)?;
    check_password(password, &words.iter().map(String::as_str).collect::<Vec<_>>(), problems);
    Ok(())
}

/// Changes the actor's own password; every other session ends.
pub async fn change_password(ctx: &Ctx, actor: &Actor, old: &str, new: &str) -> Result<(), Error> {
    let kept = own(ctx, actor)?;
    let mut problems = Vec::new();
    if !hash::is_own_password(ctx, actor.space, &kept, old).await? {
        problems.push(domain::problem!("old", "This is not your present password."));
    }
    check_new_password(ctx, actor.space, &[&kept.login, &kept.name], new, &mut problems)?;
    if old == new && ctx.read(&ctx.public(actor), |view| first::is_first(view, kept.id))? {
        problems.push(domain::problem!("password", "Choose another one than the one you were given."));
    }
    Refusal::unless_clean(problems)?;
    let hash = hash_password(ctx, new).await?;
    set_password(ctx, &ctx.public(actor), kept.id, hash).await?;
    log_out_elsewhere(ctx, actor).await
}

/// The mail address to which notices about the actor's own account go; empty: none was given.
pub fn notice_mail(ctx: &Ctx, actor: &Actor) -> Result<String, Error> {
    let account = own(ctx, actor)?;
    ctx.read(&ctx.public(actor), |view| Ok(crate::message::choice_of(view, account.person)?.mail))
}

/// Sets the mail address to which notices about the actor's own account go; empty for none.
pub async fn set_notice_mail(ctx: &Ctx, actor: &Actor, typed: &str) -> Result<(), Error> {
    let account = own(ctx, actor)?;
    let wrong = || Refusal::invalid(vec![domain::problem!("mail", "This is not an e-mail address.")]);
    let mail = match typed.trim() {
        "" => String::new(),
        typed => domain::identity::email(typed).ok_or_else(wrong)?,
    };
    ctx.write(&ctx.public(actor), move |work| {
        let before = crate::message::choice_of(work.read(), account.person)?;
        let said = crate::message::mail::masked(&mail);
        work.put(&MessageChoice { mail: mail.clone(), ..before })?;
        work.audit("account.mail", format!("account/{}", account.id), "", if mail.is_empty() { "" } else { &said })
    })
    .await
}

async fn set_password(ctx: &Ctx, permit: &Permit, account: AccountId, hash: String) -> Result<(), Error> {
    ctx.write(permit, move |work| {
        let mut kept = work.read().get::<Account>(&account)?.ok_or_else(|| Refusal::missing("account"))?;
        kept.password.clone_from(&hash);
        work.put(&kept)?;
        first::clear(work, account)?;
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
    /// Its sessions that stand, where one account is looked at.
    pub sessions: Vec<Session>,
    /// A second step is asked for when it logs in.
    pub second: bool,
}

/// All accounts in the order of their logins.
pub fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<AccountView>, Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    ctx.read(&permit, |view| {
        let mut all = Vec::new();
        for kept in view.scan::<Account>(&(), None, Order::Ascending).take(ACCOUNTS_MAX) {
            let account = kept?.1;
            let grants = grants_of(view, account.id)?;
            let second = is_second_on(view, account.id)?;
            all.push(AccountView { account, grants, sessions: Vec::new(), second });
        }
        all.sort_by(|a, b| a.account.login.cmp(&b.account.login));
        Ok(all)
    })
}

fn is_second_on(view: &impl Read, id: AccountId) -> Result<bool, Error> {
    Ok(view.get::<SecondStep>(&id)?.is_some_and(|second| second.is_on()))
}

/// One account.
pub fn get(ctx: &Ctx, actor: &Actor, id: AccountId) -> Result<AccountView, Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    ctx.read(&permit, |view| {
        let account = view.get::<Account>(&id)?.ok_or_else(|| Refusal::missing("account"))?;
        let grants = grants_of(view, id)?;
        let (sessions, second) = (standing(ctx, view, actor.space, id)?, is_second_on(view, id)?);
        Ok(AccountView { account, grants, sessions, second })
    })
}

/// Creates an account for a new person, who has to choose another password at the first log-in.
pub async fn create(ctx: &Ctx, actor: &Actor, name: &str, login: &str, password: &str) -> Result<AccountId, Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    let mut form = Form::default();
    let name = form.required("name", name, person::NAME_MAX);
    let login = check_login(login, &mut form.problems);
    check_new_password(ctx, actor.space, &[&login, &name], password, &mut form.problems)?;
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
        let id = new_account(work, &person, &login, &hash)?;
        first::mark(work, id)?;
        Ok(id)
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

/// Gives an account a new password, which its owner has to change; all its sessions end, and what else logs in without a password. The second step
/// stays.
pub async fn reset_password(ctx: &Ctx, actor: &Actor, id: AccountId, password: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::AccountManage, At::Space)?;
    let of = get(ctx, actor, id)?.account;
    let mut problems = Vec::new();
    check_new_password(ctx, actor.space, &[&of.login, &of.name], password, &mut problems)?;
    Refusal::unless_clean(problems)?;
    let hash = hash_password(ctx, password).await?;
    ctx.write(&permit, move |work| {
        let mut kept = work.read().get::<Account>(&id)?.ok_or_else(|| Refusal::missing("account"))?;
        kept.password.clone_from(&hash);
        work.put(&kept)?;
        drop_sessions(work, id)?;
        login::forget_browsers(work, id)?;
        reset::drop_passkeys(work, id)?;
        first::mark(work, id)?;
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

/// The enabled accounts that hold a permission for the whole space.
pub(crate) fn holding(view: &impl Read, permission: Permission) -> Result<Vec<Account>, Error> {
    let mut found: Vec<Account> = Vec::new();
    for kept in view.scan::<Grant>(&(), None, Order::Ascending) {
        let grant = kept?.1;
        if grant.permission == permission && grant.scope == Scope::Space {
            found.extend(view.get::<Account>(&grant.account)?.filter(|account| !account.disabled));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod test;

//! API clients: programs of others that ask with a secret of their own. Made by staff, never worth more than their account at the moment of each
//! request; who is behind a secret; what is noted of its use.

use crate::{
    Actor, At, Ctx, Error, Permit, Work,
    account::{held, rule},
    actor::Who,
    job, notice, token,
};
use domain::{
    Account, ApiClient, ClientId, ClientUse, Notice, NoticeId, Permission, Refusal, SpaceId, Time,
    client::{CLIENTS_MAX, ClientInput, ClientSecret, ClientState, KEPT_MILLIS, Wanted, check_client, check_until},
    notice::{About, NoticeState, Purpose},
    refuse,
};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use store::catalogue::CLIENT_BY_SECRET;
use store::{Order, Read};

/// Whether the account behind a client lets it go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behind {
    /// It may what the client may, at least in part.
    Stands,
    /// It is shut, or gone.
    Shut,
    /// It holds none of the client's scopes, or must choose a password or switch its second step on first.
    Lacks,
}

/// A client as its page shows it.
#[derive(Debug, Clone)]
pub struct ClientView {
    /// The client.
    pub client: ApiClient,
    /// How it stands.
    pub state: ClientState,
    /// What was noted of its use.
    pub used: Option<ClientUse>,
    /// Name of the account behind it.
    pub owner: String,
    /// Whether that account lets it go on.
    pub behind: Behind,
}

fn subject(id: ClientId) -> String {
    format!("client/{id}")
}

fn load(view: &impl Read, id: ClientId) -> Result<ApiClient, Error> {
    Ok(view.get::<ApiClient>(&id)?.ok_or_else(|| Refusal::missing("API client"))?)
}

/// What a client holds at this moment: what its account holds, as far as the client's scopes go.
fn held_by(view: &impl Read, client: &ApiClient) -> Result<(Behind, Vec<domain::permission::Held>), Error> {
    let Some(account) = view.get::<Account>(&client.account)?.filter(|account| !account.disabled) else {
        return Ok((Behind::Shut, Vec::new()));
    };
    if rule::holds_nothing(view, account.id)? {
        return Ok((Behind::Lacks, Vec::new()));
    }
    let mut held = held(view, account.id)?;
    held.retain(|held| client.scopes.contains(&held.permission));
    Ok((if held.is_empty() { Behind::Lacks } else { Behind::Stands }, held))
}

/// The space's clients, the newest in front; those that ended stand last.
pub fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<ClientView>, Error> {
    let permit = ctx.permit(actor, Permission::ClientManage, At::Space)?;
    let now = ctx.now();
    ctx.read(&permit, |view| {
        let mut all = Vec::new();
        for kept in view.scan::<ApiClient>(&(), None, Order::Descending) {
            let client = kept?.1;
            let owner = view.get::<Account>(&client.account)?.map_or_else(String::new, |account| account.name);
            let used = with_recent(ctx, permit.space, client.id, view.get::<ClientUse>(&client.id)?);
            all.push(ClientView { state: client.state(now), used, owner, behind: held_by(view, &client)?.0, client });
        }
        all.sort_by_key(|one| one.client.ended(now).is_some());
        Ok(all)
    })
}

/// The refusal when somebody asks for more than they have.
fn not_held(scopes: &[Permission], actor: &Actor) -> Result<(), Refusal> {
    if scopes.iter().all(|scope| actor.holds(*scope)) {
        return Ok(());
    }
    Err(Refusal::invalid(vec![domain::problem!("scopes", "You can only give an API client what you may do yourself.")]))
}

fn drawn(ctx: &Ctx, until: Time) -> (String, ClientSecret) {
    let (secret, mark) = token::client(ctx.random.as_ref());
    let kept = ClientSecret { hash: token::hash(&secret), mark, made_at: ctx.now(), until };
    (secret, kept)
}

/// Makes a client; answers its secret, which is kept only as a hash. `offered`: the permissions that the API asks for anywhere.
pub async fn create(
    ctx: &Ctx,
    actor: &Actor,
    input: &ClientInput,
    offered: &[Permission],
) -> Result<(ClientId, String), Error> {
    let permit = ctx.permit(actor, Permission::ClientManage, At::Space)?;
    let account = permit.account.ok_or_else(Refusal::denied)?;
    let Wanted { name, purpose, scopes, networks, until } = check_client(input, offered, ctx.now())?;
    not_held(&scopes, actor)?;
    let (secret, kept) = drawn(ctx, until);
    let id = ctx
        .write(&permit, move |work| {
            if standing(work.read(), work.now)? >= CLIENTS_MAX {
                return Err(refuse!(
                    Conflict,
                    "client.too_many",
                    "There can be at most {max} API clients. Revoke one that nobody uses.",
                    max = CLIENTS_MAX
                )
                .into());
            }
            let client = ApiClient {
                id: ClientId(work.next_id::<ApiClient>()?),
                name: name.clone(),
                purpose: purpose.clone(),
                scopes: scopes.clone(),
                networks: networks.clone(),
                account,
                secrets: vec![kept.clone()],
                created_at: work.now,
                revoked_at: None,
            };
            work.insert(&client)?;
            work.audit("client.create", subject(client.id), "", &said(&client))?;
            Ok(client.id)
        })
        .await?;
    Ok((id, secret))
}

fn standing(view: &impl Read, now: Time) -> Result<usize, Error> {
    let mut found = 0;
    for kept in view.scan::<ApiClient>(&(), None, Order::Ascending) {
        found += usize::from(kept?.1.ended(now).is_none());
    }
    Ok(found)
}

/// A client in the words of the audit log: never a secret, but the mark that it is known by.
fn said(client: &ApiClient) -> String {
    let scopes: Vec<&str> = client.scopes.iter().map(|scope| scope.code()).collect();
    let mark = client.secrets.first().map_or("", |secret| secret.mark.as_str());
    format!("{} · {} · {mark} · {}", client.name, scopes.join(" "), client.networks.join(" "))
}

/// Gives a client a new secret and answers it. The one before is good for `overlap` days more, at most a week. The client is the actor's from then on, who
/// must hold its scopes: whoever has the secret has what its account may.
pub async fn renew(
    ctx: &Ctx,
    actor: &Actor,
    id: ClientId,
    until: Option<Time>,
    overlap: i64,
) -> Result<(ApiClient, String), Error> {
    let permit = ctx.permit(actor, Permission::ClientManage, At::Space)?;
    let account = permit.account.ok_or_else(Refusal::denied)?;
    let kept = ctx.read(&permit, |view| load(view, id))?;
    let until = check_until(until, ctx.now()).map_err(|problem| Refusal::invalid(vec![problem]))?;
    not_held(&kept.scopes, actor)?;
    let (secret, new) = drawn(ctx, until);
    let client = ctx
        .write(&permit, move |work| {
            let kept = load(work.read(), id)?;
            if kept.revoked_at.is_some() {
                return Err(revoked().into());
            }
            let client = kept.renewed(new.clone(), account, overlap, work.now);
            work.put(&client)?;
            work.audit("client.renew", subject(id), &said(&kept), &said(&client))?;
            Ok(client)
        })
        .await?;
    Ok((client, secret))
}

fn revoked() -> Refusal {
    refuse!(Conflict, "client.over", "This API client was revoked for good. Make a new one.")
}

/// Shuts a client out at once and for good.
pub async fn revoke(ctx: &Ctx, actor: &Actor, id: ClientId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::ClientManage, At::Space)?;
    ctx.write(&permit, move |work| {
        let client = load(work.read(), id)?;
        if client.revoked_at.is_some() {
            return Err(revoked().into());
        }
        work.put(&ApiClient { revoked_at: Some(work.now), ..client.clone() })?;
        work.audit("client.revoke", subject(id), &said(&client), "")
    })
    .await
}

/// A client that was let in.
#[derive(Debug, Clone)]
pub struct Entered {
    /// The client as an actor.
    pub actor: Arc<Actor>,
    /// Its number.
    pub client: ClientId,
    /// What it was given, whether its account still holds it or not.
    pub scopes: Vec<Permission>,
}

/// Lets the client of a secret in. Whoever tries secrets that are none is slowed down by address; a secret that stands is let in all the same.
pub fn enter(ctx: &Ctx, space: SpaceId, secret: &str, address: &str) -> Result<Entered, Error> {
    let (now, hash) = (ctx.now(), token::hash(secret));
    let ip: Option<IpAddr> = address.parse().ok();
    let found = ctx.read(&ctx.own(space), |view| {
        let Some(client) = view.find::<ApiClient, _>(&CLIENT_BY_SECRET, &hash)? else { return Ok(None) };
        let (behind, held) = held_by(view, &client)?;
        Ok(Some((client, behind, held)))
    })?;
    let Some((client, behind, held)) = found else { return Err(unknown(ctx, space, address)) };
    let stands = client.check(&hash, ip, now).and_then(|()| match behind {
        Behind::Shut => Err(refuse!(
            Unknown,
            "client.account_shut",
            "The account behind this API client is shut. Whoever manages API clients can renew it and so take it over."
        )),
        Behind::Stands | Behind::Lacks => Ok(()),
    });
    if let Err(refusal) = stands {
        refused(ctx, space, client.id, refusal.code, address);
        return Err(refusal.into());
    }
    ctx.clients.used(space, client.id, now);
    let who = Who::Client { client: client.id, name: client.name, account: client.account };
    Ok(Entered { actor: Arc::new(Actor { space, who, held }), client: client.id, scopes: client.scopes })
}

fn unknown(ctx: &Ctx, space: SpaceId, address: &str) -> Error {
    let keys = [format!("client {address}")];
    if let Err(refusal) = ctx.limiter.check(&keys, ctx.now()) {
        return refusal.into();
    }
    ctx.limiter.fail(&keys, ctx.now());
    tracing::warn!(%space, address, "a secret of no API client was refused");
    refuse!(Unknown, "client.unknown", "No API client has this secret.").into()
}

/// Notes that a client was refused, and says so in the log.
pub fn refused(ctx: &Ctx, space: SpaceId, client: ClientId, code: &'static str, address: &str) {
    tracing::warn!(%space, client = client.0, code, address, "an API client was refused");
    ctx.clients.refused(space, client, code, ctx.now());
}

/// What clients did since it was kept. It grows with clients, not with requests; a restart forgets a minute of it.
#[derive(Debug, Default)]
pub struct Uses(Mutex<HashMap<(SpaceId, ClientId), Recent>>);

#[derive(Debug, Default, Clone, Copy)]
struct Recent {
    used: Option<Time>,
    refused: Option<(Time, &'static str)>,
    refusals: u64,
}

impl Uses {
    fn change(&self, of: (SpaceId, ClientId), change: impl FnOnce(&mut Recent)) {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(of).or_default());
    }

    fn used(&self, space: SpaceId, client: ClientId, now: Time) {
        self.change((space, client), |recent| recent.used = Some(now));
    }

    fn refused(&self, space: SpaceId, client: ClientId, code: &'static str, now: Time) {
        self.change((space, client), |recent| {
            recent.refused = Some((now, code));
            recent.refusals += 1;
        });
    }

    fn of(&self, of: (SpaceId, ClientId)) -> Recent {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&of).copied().unwrap_or_default()
    }

    fn take(&self, space: SpaceId) -> Vec<(ClientId, Recent)> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<_> = kept.keys().filter(|(of, _)| *of == space).copied().collect();
        keys.into_iter().filter_map(|key| Some((key.1, kept.remove(&key)?))).collect()
    }
}

/// What is kept of a client's use, and what is not kept yet.
fn joined(client: ClientId, kept: Option<ClientUse>, recent: Recent) -> Option<ClientUse> {
    if recent.used.is_none() && recent.refused.is_none() {
        return kept;
    }
    let kept =
        kept.unwrap_or(ClientUse { client, used_at: None, refused_at: None, refused: String::new(), refusals: 0 });
    let (refused_at, refused) = match recent.refused {
        Some((at, code)) => (Some(at), code.to_owned()),
        None => (kept.refused_at, kept.refused),
    };
    let used_at = recent.used.or(kept.used_at);
    Some(ClientUse { client, used_at, refused_at, refused, refusals: kept.refusals + recent.refusals })
}

fn with_recent(ctx: &Ctx, space: SpaceId, client: ClientId, kept: Option<ClientUse>) -> Option<ClientUse> {
    joined(client, kept, ctx.clients.of((space, client)))
}

/// Every how many seconds uses are kept and ends are looked for.
const LOOK_EVERY: i64 = 60;

/// Keeps what clients did, tells of those that end soon, and drops those that ended long ago. Called by the clock; answers how many were told of.
pub async fn tick(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    if !job::is_turn(ctx, LOOK_EVERY) {
        return Ok(0);
    }
    let own = ctx.own(space);
    keep_uses(ctx, &own).await?;
    let now = ctx.now();
    let (ending, old) = ctx.read(&own, |view| {
        let (mut ending, mut old) = (Vec::new(), Vec::new());
        for kept in view.scan::<ApiClient>(&(), None, Order::Ascending) {
            let client = kept?.1;
            match client.state(now) {
                ClientState::Ending(_) if !is_told(view, &client)? => ending.push(client.id),
                _ if client.ended(now).is_some_and(|ended| now.since(ended) >= KEPT_MILLIS) => old.push(client.id),
                _ => {}
            }
        }
        Ok((ending, old))
    })?;
    if ending.is_empty() && old.is_empty() {
        return Ok(0);
    }
    ctx.write(&own, move |work| {
        let mut told = 0;
        for id in &ending {
            told += usize::from(tell(work, &load(work.read(), *id)?)?);
        }
        for id in &old {
            work.remove::<ApiClient>(id)?;
            if work.read().get::<ClientUse>(id)?.is_some() {
                work.remove::<ClientUse>(id)?;
            }
        }
        work.audit("client.look", "client", "", &format!("{told} told, {} dropped", old.len()))?;
        Ok(told)
    })
    .await
}

/// What makes one notice of one end: a client that was renewed has another.
fn cause(client: &ApiClient) -> String {
    format!("{}/{}/{}", Purpose::ClientEnding.code(), client.id, client.until().0)
}

fn is_told(view: &impl Read, client: &ApiClient) -> Result<bool, Error> {
    Ok(view.find_key::<Notice, _>(&store::catalogue::NOTICE_BY_CAUSE, &cause(client))?.is_some())
}

/// Tells the account behind a client that it ends soon; a shut account is told nothing.
fn tell(work: &mut Work<'_, '_>, client: &ApiClient) -> Result<bool, Error> {
    let Some(account) = work.read().get::<Account>(&client.account)?.filter(|account| !account.disabled) else {
        return Ok(false);
    };
    let values = [("client", client.name.clone()), ("time", client.until().0.to_string())];
    let notice = Notice {
        id: NoticeId(0),
        purpose: Purpose::ClientEnding,
        about: About::Person(account.person),
        name: account.name,
        phone: None,
        text: String::new(),
        values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        once: cause(client),
        state: NoticeState::Waiting,
        created_at: work.now,
        useful_until: Some(client.until()),
    };
    notice::keep(work, notice)
}

/// Keeps what clients did: the day of the last use once a day, refusals with their newest reason.
async fn keep_uses(ctx: &Ctx, own: &Permit) -> Result<(), Error> {
    let (recent, zone) = (ctx.clients.take(own.space), ctx.zone(own.space));
    if recent.is_empty() {
        return Ok(());
    }
    let zone = zone?;
    let due = ctx.read(own, |view| {
        let mut due = Vec::new();
        for (client, recent) in &recent {
            let kept = view.get::<ClientUse>(client)?;
            let day = |at: Time| at.zoned(&zone).date();
            let before = kept.as_ref().and_then(|kept| kept.used_at).map(day);
            let news = recent.refused.is_some() || recent.used.map(day).is_some_and(|used| Some(used) != before);
            if news && view.get::<ApiClient>(client)?.is_some() {
                due.extend(joined(*client, kept, *recent));
            }
        }
        Ok(due)
    })?;
    if due.is_empty() {
        return Ok(());
    }
    ctx.write(own, move |work| {
        for used in &due {
            work.put(used)?;
        }
        work.audit("client.used", "client", "", &format!("{} clients", due.len()))
    })
    .await
}

#[cfg(test)]
mod test;

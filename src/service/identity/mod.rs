//! People who are no staff: logging in and out, who is behind a session's token, and the sessions of their devices. How they prove who
//! they are stands in `proof`, the codes that are sent to them in `code`, what is theirs in `own`.

mod code;
mod merge;
mod own;
mod proof;
#[cfg(test)]
mod test;
mod wechat;

pub use code::{Channel, Target, Words, prove, send_code};
pub use merge::{Merged, merges, undo_merge};
pub(crate) use own::owns;
pub use own::{OwnOrder, OwnPrize, OwnTicket, notices, orders, prizes, remember, remember_order, tickets};
pub use proof::{Profile, ProfileInput, Proof, attach, language, profile, save_profile};
pub(crate) use wechat::openid;
pub use wechat::{attach_mini, attach_page, attach_phone, log_in_mini, log_in_page};

use crate::{Actor, Ctx, Error, Work, account::Origin, actor::Who, message, token};
use domain::{
    By, PersonId, PersonSession, Refusal, SpaceId, WechatLinkId,
    identity::{DEVICE_MAX, LoginCode, SESSIONS_MAX, expiry},
    refuse,
};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use store::catalogue::{LOGIN_CODE_BY_END, PERSON_SESSION_BY_END, PERSON_SESSION_BY_PERSON};
use store::{Order, Read};

/// Sessions whose tokens were looked up, so that a request costs no reading; all are forgotten when any of them changes.
#[derive(Debug, Default)]
pub struct Remembered(RwLock<Tokens>);

#[derive(Debug, Default)]
struct Tokens {
    age: u64,
    known: HashMap<(SpaceId, [u8; 32]), (Arc<Actor>, PersonSession)>,
}

/// The most sessions that are remembered.
const REMEMBERED_MAX: usize = 50_000;

impl Remembered {
    fn get(&self, space: SpaceId, hash: &[u8; 32]) -> (u64, Option<(Arc<Actor>, PersonSession)>) {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (tokens.age, tokens.known.get(&(space, *hash)).cloned())
    }

    /// Whether a session stands, where it is remembered.
    fn stands(&self, space: SpaceId, hash: &[u8; 32], now: domain::Time) -> Option<bool> {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        tokens.known.get(&(space, *hash)).map(|(_, session)| session.stands(now))
    }

    /// Keeps what was read at that age; what was read before the last change is not kept.
    fn keep(&self, age: u64, space: SpaceId, known: &(Arc<Actor>, PersonSession)) {
        let mut tokens = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if tokens.age == age && tokens.known.len() < REMEMBERED_MAX {
            tokens.known.insert((space, known.1.token), known.clone());
        }
    }

    pub(crate) fn forget(&self) {
        let mut tokens = self.0.write().unwrap_or_else(PoisonError::into_inner);
        tokens.age += 1;
        tokens.known.clear();
    }
}

/// The person behind a token; none when nobody is, or the session is over.
pub fn actor(ctx: &Ctx, space: SpaceId, token: &str) -> Result<Option<Arc<Actor>>, Error> {
    Ok(found(ctx, space, &token::hash(token))?.map(|(actor, _)| actor))
}

/// Whether the session of that token's hash stands.
pub fn stands(ctx: &Ctx, space: SpaceId, hash: &[u8; 32]) -> Result<bool, Error> {
    match ctx.sessions.stands(space, hash, ctx.now()) {
        Some(stands) => Ok(stands),
        None => Ok(found(ctx, space, hash)?.is_some()),
    }
}

fn found(ctx: &Ctx, space: SpaceId, hash: &[u8; 32]) -> Result<Option<(Arc<Actor>, PersonSession)>, Error> {
    let now = ctx.now();
    let (age, remembered) = ctx.sessions.get(space, hash);
    if let Some(known) = remembered {
        return Ok(known.1.stands(now).then_some(known));
    }
    let session = ctx.read(&ctx.own(space), |view| Ok(view.get::<PersonSession>(hash)?))?;
    let Some(session) = session.filter(|session| session.stands(now)) else { return Ok(None) };
    let who = Who::Person { person: session.person, session: session.token };
    let known = (Arc::new(Actor { space, who, held: Vec::new() }), session);
    ctx.sessions.keep(age, space, &known);
    Ok(Some(known))
}

/// Notes that a session was used, once a day, so that it goes on.
pub async fn used(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let Who::Person { person, session } = actor.who else { return Ok(()) };
    let due = found(ctx, actor.space, &session)?.is_some_and(|(_, session)| session.used(ctx.now()).is_some());
    if !due {
        return Ok(());
    }
    let permit = ctx.public(actor);
    let kept = ctx.write(&permit, move |work| {
        let known = work.read().get::<PersonSession>(&session)?;
        let Some(used) = known.and_then(|known| known.used(work.now)) else { return Ok(()) };
        work.put(&used)?;
        work.audit("session.used", format!("person/{person}"), "", "")
    });
    let kept = kept.await;
    ctx.sessions.forget();
    kept
}

/// The refusal when nobody is logged in.
pub fn nobody() -> Refusal {
    refuse!(Unknown, "session.none", "Please log in.")
}

fn logged_in(actor: &Actor) -> Result<(PersonId, [u8; 32]), Error> {
    match actor.who {
        Who::Person { person, session } => Ok((person, session)),
        Who::Visitor | Who::Staff { .. } | Who::Device { .. } | Who::Client { .. } => Err(nobody().into()),
    }
}

/// Logs the person in whom all of `proofs` prove, a new one if nobody is known by them. Answers the session's token, which is kept only
/// as a hash, and who it is.
pub async fn log_in(
    ctx: &Ctx,
    space: SpaceId,
    proofs: Vec<Proof>,
    device: &str,
    origin: &Origin,
) -> Result<(String, PersonId), Error> {
    begin(ctx, space, (proofs, None), device, origin).await
}

/// As [`log_in`], with WeChat's link that the proofs came by.
async fn begin(
    ctx: &Ctx,
    space: SpaceId,
    (proofs, link): (Vec<Proof>, Option<WechatLinkId>),
    device: &str,
    origin: &Origin,
) -> Result<(String, PersonId), Error> {
    let new = token::new(ctx.random.as_ref());
    let hash = token::hash(&new);
    let device: String = domain::text::line(device).chars().take(DEVICE_MAX).collect();
    let device = if device.is_empty() { origin.agent.chars().take(DEVICE_MAX).collect() } else { device };
    let address: String = origin.address.chars().take(60).collect();
    let permit = ctx.public(&Actor::visitor(space));
    // In the language of the association: it is the secretariat that reads it.
    let lang = ctx.read(&permit, |view| message::template::lang_of(view, None))?;
    let unnamed = message::said(ctx, proof::UNNAMED, &lang);
    let person = ctx.write(&permit, move |work| {
        let person = proof::person_of(work, &proofs, &unnamed)?;
        wechat::own_link(work, link, person)?;
        drop_spare(work, person)?;
        let session = PersonSession {
            token: hash,
            person,
            device: device.clone(),
            address: address.clone(),
            created_at: work.now,
            seen_at: work.now,
            expires_at: expiry(work.now, work.now),
        };
        work.insert(&session)?;
        work.audit("session.begin", format!("person/{person}"), "", &device)?;
        Ok(person)
    });
    let person = person.await;
    ctx.sessions.forget();
    Ok((new, person?))
}

fn sessions_of(view: &impl Read, person: PersonId) -> Result<Vec<PersonSession>, Error> {
    let mut sessions = Vec::new();
    for key in view.scan_index(&PERSON_SESSION_BY_PERSON, &person, None, Order::Ascending) {
        sessions.extend(view.get::<PersonSession>(&key?)?);
    }
    sessions.sort_by_key(|session| (session.seen_at, session.created_at));
    Ok(sessions)
}

fn drop_spare(work: &mut Work<'_, '_>, person: PersonId) -> Result<(), Error> {
    let sessions = sessions_of(work.read(), person)?;
    let spare = sessions.len().saturating_sub(SESSIONS_MAX - 1);
    for (at, session) in sessions.iter().enumerate() {
        if at < spare || !session.stands(work.now) {
            work.remove::<PersonSession>(&session.token)?;
        }
    }
    Ok(())
}

/// The sessions of the person, the one used last in front, each with whether it is the asker's own.
pub fn sessions(ctx: &Ctx, actor: &Actor) -> Result<Vec<(PersonSession, bool)>, Error> {
    let (person, own) = logged_in(actor)?;
    ctx.read(&ctx.public(actor), |view| {
        let mut sessions = sessions_of(view, person)?;
        sessions.retain(|session| session.stands(ctx.now()));
        sessions.reverse();
        Ok(sessions
            .into_iter()
            .map(|session| {
                let is_own = session.token == own;
                (session, is_own)
            })
            .collect())
    })
}

/// Ends one of the person's own sessions, by its number.
pub async fn revoke(ctx: &Ctx, actor: &Actor, number: u64) -> Result<(), Error> {
    let (person, _) = logged_in(actor)?;
    let permit = ctx.public(actor);
    let ended = ctx.write(&permit, move |work| {
        let sessions = sessions_of(work.read(), person)?;
        let session = sessions.into_iter().find(|session| session.number() == number);
        let session = session.ok_or_else(|| Refusal::missing("session"))?;
        work.remove::<PersonSession>(&session.token)?;
        work.audit("session.end", format!("person/{person}"), &session.device, "")
    });
    let ended = ended.await;
    ctx.sessions.forget();
    ended
}

/// Ends the session that asks.
pub async fn log_out(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let Who::Person { person, session } = actor.who else { return Ok(()) };
    let permit = ctx.public(actor);
    let ended = ctx.write(&permit, move |work| {
        if work.read().get::<PersonSession>(&session)?.is_none() {
            return Ok(());
        }
        work.remove::<PersonSession>(&session)?;
        work.audit("session.end", format!("person/{person}"), "", "")
    });
    let ended = ended.await;
    ctx.sessions.forget();
    ended
}

/// Most records that are forgotten at a time.
const STEP: usize = 200;

/// Forgets sessions that are over, codes that limit nothing any more, and what moved in merges that cannot be undone any more.
pub async fn forget_old(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let permit = crate::Permit { space, by: By::Box, account: None, reads: false };
    let due = ctx.read(&permit, |view| {
        let now = ctx.now();
        Ok(!old_sessions(view, now)?.is_empty()
            || !old_codes(view, now)?.is_empty()
            || !merge::old(view, now)?.is_empty())
    })?;
    if !due {
        return Ok(0);
    }
    ctx.write(&permit, |work| {
        let (sessions, codes) = (old_sessions(work.read(), work.now)?, old_codes(work.read(), work.now)?);
        for session in &sessions {
            work.remove::<PersonSession>(session)?;
        }
        for code in &codes {
            work.remove::<LoginCode>(code)?;
        }
        let merges = merge::forget_old(work)?;
        let count = sessions.len() + codes.len() + merges;
        if count > 0 {
            let said = format!("{} sessions, {} codes, {merges} merges", sessions.len(), codes.len());
            work.audit("session.forget", "person", "", &said)?;
        }
        Ok(count)
    })
    .await
}

fn old_sessions(view: &impl Read, now: domain::Time) -> Result<Vec<[u8; 32]>, Error> {
    let mut old = Vec::new();
    for key in view.scan_index(&PERSON_SESSION_BY_END, &(), None, Order::Ascending).take(STEP) {
        let key = key?;
        match view.get::<PersonSession>(&key)? {
            Some(session) if !session.stands(now) => old.push(key),
            Some(_) | None => break,
        }
    }
    Ok(old)
}

fn old_codes(view: &impl Read, now: domain::Time) -> Result<Vec<(u8, String)>, Error> {
    let mut old = Vec::new();
    for key in view.scan_index(&LOGIN_CODE_BY_END, &(), None, Order::Ascending).take(STEP) {
        let key = key?;
        match view.get::<LoginCode>(&key)? {
            Some(code) if code.until() <= now => old.push(key),
            Some(_) | None => break,
        }
    }
    Ok(old)
}

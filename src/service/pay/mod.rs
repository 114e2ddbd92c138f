//! Payment through WeChat (S0-74, S0-75, S0-100): attempts to pay an order, notifications, refunds, the daily bill, and the account. Whatever is
//! heard, from whom and how often, goes through one door (`hear`), which counts money once and in the commit that changes the order.

mod account;
mod attempt;
mod bill;
mod hear;
mod job;
mod list;
mod refund;

pub use account::{State, account, check, save};
pub use attempt::{Inside, accept, can_inside, inside, inside_own, inside_page, is_paid_by_official, look_now, start};
pub use bill::{again as compare_again, bill, bills, export};
pub use hear::{NotTaken, notified};
pub use job::{start_asking, tick};
pub use list::{Attention, OfOrder, attention, of_order, own};
pub use refund::{RefundInput, again as refund_again, want};

pub(crate) use account::check_ready;
pub(crate) use list::freeze;
pub(crate) use refund::check_free;

use crate::{
    Ctx, Error,
    seal::{Kind, Spot},
};
use domain::{
    PayAccount, PayCertificate, PaymentSetting, Refusal, SpaceId, Time,
    pay::{CALLBACK, Proof, wait_before},
    payment::Method,
    refuse,
};
use gateway::{
    Egress, Tools,
    pay::{Client, Keys, Merchant, MerchantKey, Secret, Why},
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::{Order as Sort, Read};

/// Whoever speaks to WeChat Pay: the keys as they were read last, and when what was asked last.
#[derive(Default)]
pub struct Desk {
    clients: Mutex<HashMap<SpaceId, Client>>,
    asked: Mutex<HashMap<(SpaceId, String), (Time, u32)>>,
}

/// Most questions that are remembered; what is forgotten is asked sooner.
const ASKED_MAX: usize = 20_000;

impl Desk {
    /// The account or its keys changed.
    fn forget(&self, space: SpaceId) {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).remove(&space);
    }

    /// Whether it is time to ask about something again; if so, it counts as asked. What was made at `since` is first asked about a little later.
    fn is_due(&self, space: SpaceId, what: &str, since: Time, now: Time) -> bool {
        let key = (space, what.to_owned());
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= ASKED_MAX {
            asked.clear();
        }
        let (last, times) = asked.get(&key).copied().unwrap_or((since, 0));
        // A clock that was set back must not silence it.
        if now.since(last) < wait_before(times) && now >= last {
            return false;
        }
        asked.insert(key, (now, times.saturating_add(1)));
        true
    }

    /// Whether something was done within the last `millis`; if not, it counts as done now.
    fn was_done_within(&self, space: SpaceId, what: &str, millis: i64, now: Time) -> bool {
        let key = (space, what.to_owned());
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let soon = asked.get(&key).is_some_and(|(last, _)| now.since(*last) < millis && now >= *last);
        if !soon {
            asked.insert(key, (now, 1));
        }
        soon
    }

    /// It came to an end: nothing more to ask.
    fn settled(&self, space: SpaceId, what: &str) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&(space, what.to_owned()));
    }
}

/// The way out and its tools, which whoever stands in for WeChat in the demonstration needs as well.
pub fn way_out(ctx: &Ctx) -> Result<(Egress, Tools), Error> {
    let (clock, random) = (ctx.clock.clone(), ctx.random.clone());
    let tools = Tools { now: Arc::new(move || clock.now()), chance: Arc::new(move || random.number()) };
    Ok((ctx.egress()?.clone(), tools))
}

fn off() -> Refusal {
    refuse!(Conflict, "pay.off", "WeChat Pay is not set up. Choose another way to pay, or ask the secretariat.")
}

/// What WeChat said when it did not do what it was asked for, as a refusal that a person can act on.
fn refused(why: &Why) -> Refusal {
    match why {
        Why::Refused(code, words) => {
            refuse!(Conflict, "pay.refused", "WeChat did not take it: {words} ({code}).", words = words, code = code)
        }
        Why::Not(_) | Why::Unknown(_) | Why::Unproven(_) | Why::Setup(_) => refuse!(
            Unavailable,
            "pay.unreachable",
            "WeChat cannot be asked just now: {why}. Nothing is lost; try again in a moment.",
            why = why
        ),
    }
}

/// What a key of the account is sealed for.
pub(crate) fn sealed_name(space: SpaceId, part: &str) -> Spot {
    Spot::of(Kind::Pay, format!("space/{space}/pay/account/{part}"))
}

fn certificates(view: &impl Read) -> Result<Vec<PayCertificate>, Error> {
    let kept = view.scan::<PayCertificate>(&(), None, Sort::Ascending);
    kept.map(|kept| Ok(kept?.1)).collect()
}

/// The keys that prove that WeChat speaks, as they are good now.
fn keys(view: &impl Read, account: &PayAccount, now: Time) -> Result<Keys, Error> {
    let wrong = |error: gateway::pay::crypto::BadKey| Error::internal("a kept key of WeChat's", error);
    let mut keys = Keys::default();
    if let Proof::PublicKey(id, pem) = &account.proof {
        keys.add_public(id, pem).map_err(wrong)?;
    }
    for kept in certificates(view)?.iter().filter(|kept| now < kept.until) {
        keys.add_certificate(&kept.serial, &kept.pem).map_err(wrong)?;
    }
    Ok(keys)
}

/// The merchant as it speaks; none while no account is kept. The keys are opened once, until they change.
fn client(ctx: &Ctx, space: SpaceId) -> Result<Option<Client>, Error> {
    let kept = ctx.pay.clients.lock().unwrap_or_else(PoisonError::into_inner).get(&space).cloned();
    if let Some(client) = kept {
        return Ok(Some(client));
    }
    let read = ctx.read(&ctx.own(space), |view| match view.get::<PayAccount>(&())? {
        Some(account) => Ok(Some((keys(view, &account, ctx.now())?, account))),
        None => Ok(None),
    })?;
    let Some((keys, account)) = read else { return Ok(None) };
    let (egress, tools) = way_out(ctx)?;
    let opened = |part: &str, sealed: &[u8]| ctx.sealer.open(&sealed_name(space, part), sealed);
    let wrong = |error: gateway::pay::crypto::BadKey| Error::internal("a kept key of the merchant's", error);
    let merchant = Merchant {
        key: MerchantKey::read(&opened("key", &account.key)?).map_err(wrong)?,
        secret: Secret::read(&opened("secret", &account.secret)?).map_err(wrong)?,
        apps: account.apps().map(str::to_owned).collect(),
        mchid: account.mchid,
        serial: account.serial,
        base: account.address,
        notify: format!("{}{CALLBACK}", account.public),
    };
    let client = Client::new(egress, tools, Arc::new(merchant), Arc::new(keys));
    ctx.pay.clients.lock().unwrap_or_else(PoisonError::into_inner).insert(space, client.clone());
    Ok(Some(client))
}

/// Asks WeChat; when it answers with a key that is not known yet, its certificates are fetched and it is asked once more.
async fn ask<T, F>(ctx: &Ctx, space: SpaceId, question: impl Fn(Client) -> F) -> Result<Result<T, Why>, Error>
where
    F: Future<Output = Result<T, Why>>,
{
    let Some(speaker) = client(ctx, space)? else { return Err(off().into()) };
    match question(speaker).await {
        Err(Why::Unproven(gateway::pay::Unproven::Serial(serial))) => {
            tracing::info!(serial, "WeChat speaks with a key that is new");
            if account::refresh(ctx, space).await?.is_err() {
                return Ok(Err(Why::Unproven(gateway::pay::Unproven::Serial(serial))));
            }
            match client(ctx, space)? {
                Some(speaker) => Ok(question(speaker).await),
                None => Err(off().into()),
            }
        }
        answer => Ok(answer),
    }
}

/// Whether buyers can pay through WeChat.
pub(crate) fn is_offered(view: &impl Read) -> Result<bool, Error> {
    let setting = view.get::<PaymentSetting>(&(Method::Wechat as u8))?;
    Ok(setting.is_some_and(|setting| setting.enabled) && view.get::<PayAccount>(&())?.is_some())
}

#[cfg(test)]
mod test;

//! Webhooks: other programs are told what happened, signed, as long as it takes. What happened is what the audit log says; the telling is an entry
//! of the outbox in the same commit; what doors did is told a moment later ([`checkin`]). `docs/webhook.md` says how a receiver verifies it.

mod checkin;

pub use checkin::tell_checkins;

use crate::{
    Actor, At, Ctx, Error, Work,
    outbox::{self, Carrier, Carrying, Letter},
    seal::{Kind, Spot},
    token,
};
use domain::{
    By, ListId, Outgoing, Permission, Refusal, ScanId, SpaceId, Time, Webhook, WebhookId,
    outbox::{OutState, Outcome},
    refuse,
    time::SECOND,
    webhook::{CheckinCursor, DOOR_KINDS, HookState, KINDS, USEFUL_MILLIS, WEBHOOKS_MAX, WebhookInput, check_webhook},
};
use gateway::{Call, Done, Reach};
use jiff::tz::TimeZone;
use ring::hmac;
use std::sync::Arc;
use store::{Order as Sort, Read};

/// The kind of its entries.
const KIND: &str = "webhook";
/// What is told by a trial.
const PING: &str = "ping";

/// The context that secrets are sealed for.
pub(crate) const SEALED: Spot = Spot::only(Kind::Webhook, "webhook/secret");

fn all(view: &impl Read) -> Result<Vec<Webhook>, Error> {
    view.scan::<Webhook>(&(), None, Sort::Ascending).map(|kept| Ok(kept?.1)).collect()
}

fn load(view: &impl Read, id: WebhookId) -> Result<Webhook, Error> {
    Ok(view.get::<Webhook>(&id)?.ok_or_else(|| Refusal::missing("webhook"))?)
}

/// Registers whoever tells them. Called at boot.
pub fn register(ctx: &Ctx) {
    outbox::register(ctx, Arc::new(Hooks));
}

/// The instant as receivers read it.
fn written(at: Time) -> String {
    at.zoned(&TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Tells those who want to know of an action. Called with each audit line, in its transaction.
pub(crate) fn note(work: &mut Work<'_, '_>, action: &str, subject: &str) -> Result<(), Error> {
    let Some(action) = KINDS.iter().find(|kind| **kind == action) else { return Ok(()) };
    let news = News { action, subject: subject.to_owned(), at: work.now, by: work.permit.by, door: None };
    for hook in all(work.read())?.iter().filter(|hook| hook.wants(action)) {
        tell(work, hook, &news)?;
    }
    Ok(())
}

/// Something to be told.
#[derive(Debug, Clone)]
struct News {
    /// What happened.
    action: &'static str,
    /// To which thing.
    subject: String,
    /// When.
    at: Time,
    /// Who did it.
    by: By,
    /// At which list of which scan, for what doors did.
    door: Option<(ListId, ScanId)>,
}

fn tell(work: &mut Work<'_, '_>, hook: &Webhook, news: &News) -> Result<(), Error> {
    // A number of its own: the same thing may happen again to the same subject.
    let number = work.next_id::<Outgoing>()?;
    let News { action, subject, .. } = news;
    let by = match news.by {
        By::Visitor => "visitor",
        By::Person(_) => "person",
        By::Account(_) => "account",
        By::Device(_) => "device",
        By::Client(_) => "client",
        By::Box => "box",
    };
    let id = format!("{}-{}-{number}", work.permit.space, hook.id);
    let mut body = serde_json::json!({
        "id": id,
        "type": action,
        "subject": subject,
        "at": written(news.at),
        "by": by,
        "space": work.permit.space.0,
    });
    if let (Some((list, scan)), Some(body)) = (news.door, body.as_object_mut()) {
        body.insert("list".into(), list.0.into());
        body.insert("scan".into(), scan.0.into());
    }
    let letter = Letter {
        kind: KIND,
        target: hook.name.clone(),
        subject: format!("webhook/{}/{action}/{subject}", hook.id),
        event: None,
        payload: body.to_string().into_bytes(),
        secret: false,
        once: format!("webhook/{id}"),
        due_at: work.now,
        expires_at: work.now.plus(USEFUL_MILLIS),
    };
    outbox::put(work, letter).map(drop)
}

/// All webhooks.
pub fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Webhook>, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.read(&permit, all)
}

/// Adds a webhook; answers its secret, which is shown this once.
pub async fn add(ctx: &Ctx, actor: &Actor, input: &WebhookInput) -> Result<String, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let checked = check_webhook(input, ctx.egress()?.private_allowed())?;
    let secret = token::new(ctx.random.as_ref());
    let kept = ctx.sealer.seal(ctx.random.as_ref(), &SEALED, &secret)?;
    let newest = ctx.read(&permit, checkin::newest)?;
    ctx.write(&permit, move |work| {
        if all(work.read())?.len() >= WEBHOOKS_MAX {
            return Err(refuse!(
                Conflict,
                "webhook.too_many",
                "There can be at most {max} webhooks.",
                max = WEBHOOKS_MAX
            )
            .into());
        }
        let id = WebhookId(work.next_id::<Webhook>()?);
        let hook = Webhook {
            id,
            name: checked.name.clone(),
            url: checked.url.clone(),
            secret: kept.clone(),
            kinds: checked.kinds.clone(),
            state: HookState::On,
            failing_since: None,
            created_at: work.now,
        };
        begin(work, &hook, newest)?;
        work.insert(&hook)?;
        // Addresses may hold secrets of the receiver: the log says the name.
        work.audit("webhook.add", format!("webhook/{id}"), "", &format!("{} | {}", hook.name, hook.kinds.join(", ")))
    })
    .await?;
    Ok(secret)
}

/// A webhook is about to be told: what doors did before is not, unless another webhook is in the midst of it.
fn begin(work: &mut Work<'_, '_>, hook: &Webhook, newest: u64) -> Result<(), Error> {
    let doors = hook.kinds.iter().any(|kind| DOOR_KINDS.contains(&kind.as_str()));
    if doors && !all(work.read())?.iter().any(checkin::follows) {
        work.put(&CheckinCursor { line: newest })?;
    }
    Ok(())
}

/// What the secretariat does with a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Switch it on, also after it failed too long.
    On,
    /// Switch it off; what was to be told is dropped when its time comes.
    Off,
    /// Tell it something to try.
    Ping,
    /// Remove it.
    Remove,
}

/// Does it.
pub async fn act(ctx: &Ctx, actor: &Actor, id: WebhookId, act: Act) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let newest = ctx.read(&permit, checkin::newest)?;
    ctx.write(&permit, move |work| {
        let hook = load(work.read(), id)?;
        match act {
            Act::On => {
                begin(work, &hook, newest)?;
                work.put(&Webhook { state: HookState::On, failing_since: None, ..hook })?;
            }
            Act::Off => work.put(&Webhook { state: HookState::Off(work.now), ..hook })?,
            Act::Ping => {
                let news = News {
                    action: PING,
                    subject: format!("webhook/{id}"),
                    at: work.now,
                    by: work.permit.by,
                    door: None,
                };
                tell(work, &hook, &news)?;
            }
            Act::Remove => work.remove::<Webhook>(&id)?,
        }
        work.audit("webhook.act", format!("webhook/{id}"), "", &format!("{act:?}"))
    })
    .await
}

/// The signature of a delivery: hex HMAC-SHA-256 of the seconds, a point and the body.
fn signature(secret: &str, seconds: i64, body: &[u8]) -> String {
    let mut signed = format!("{seconds}.").into_bytes();
    signed.extend_from_slice(body);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), &signed);
    data_encoding::HEXLOWER.encode(tag.as_ref())
}

/// Tells webhooks.
struct Hooks;

impl Hooks {
    async fn tell(&self, ctx: &Ctx, space: SpaceId, entry: &Outgoing) -> Result<Outcome, Error> {
        let Some(id) = hook_of(entry) else { return Ok(Outcome::Refused("no webhook".into())) };
        let hook = ctx.read(&ctx.own(space), |view| Ok(view.get::<Webhook>(&id)?))?;
        let Some(hook) = hook else { return Ok(Outcome::Refused("the webhook was removed".into())) };
        let ping = entry.subject.contains(&format!("/{PING}/"));
        if hook.state != HookState::On && !ping {
            return Ok(Outcome::Refused("the webhook is switched off".into()));
        }
        let secret = ctx.sealer.open(&SEALED, &hook.secret)?;
        let seconds = ctx.now().0.div_euclid(SECOND);
        let tag = signature(&secret, seconds, &entry.payload);
        let call = Call::post("webhook", &hook.url, "", "application/json", entry.payload.clone())
            .header("huiguan-delivery", &format!("{space}-{}", entry.id))
            .header("huiguan-timestamp", &seconds.to_string())
            .header("huiguan-signature", &format!("v1={tag}"))
            .reach(Reach::Public)
            .answer_max(64 << 10);
        Ok(match ctx.egress()?.send(call).await {
            Ok(reply) => Outcome::Done(reply.status.to_string()),
            Err(trouble) => {
                // A receiver that says no may be mended; only one that says it is gone, or an address that may not be called, stays so.
                let final_no =
                    trouble.done == Done::Refused && trouble.reply.as_ref().is_none_or(|reply| reply.status == 410);
                match final_no {
                    true => Outcome::Refused(trouble.why),
                    false => Outcome::Not { why: trouble.why, after: trouble.retry_after },
                }
            }
        })
    }
}

/// The webhook of an entry.
fn hook_of(entry: &Outgoing) -> Option<WebhookId> {
    entry.subject.strip_prefix("webhook/")?.split('/').next()?.parse().ok()
}

impl Carrier for Hooks {
    fn kind(&self) -> &'static str {
        KIND
    }

    /// Receivers know a delivery by its id.
    fn idempotent(&self) -> bool {
        true
    }

    fn carry<'a>(&'a self, ctx: &'a Ctx, space: SpaceId, entry: &'a Outgoing) -> Carrying<'a> {
        Box::pin(async move {
            self.tell(ctx, space, entry)
                .await
                .unwrap_or_else(|error| crate::outbox::unprepared("a webhook could not be told", &error))
        })
    }

    fn settled(&self, work: &mut Work<'_, '_>, entry: &Outgoing) -> Result<(), Error> {
        let Some(id) = hook_of(entry) else { return Ok(()) };
        let Some(hook) = work.read().get::<Webhook>(&id)? else { return Ok(()) };
        let arrived = match entry.state {
            OutState::Sent => true,
            OutState::Expired => false,
            // A receiver that is gone, or an address that may not be called, is no matter of time.
            OutState::Refused if hook.state == HookState::On => false,
            _ => return Ok(()),
        };
        let after = hook.ended(arrived, entry.created_at, work.now);
        if after == hook {
            return Ok(());
        }
        work.put(&after)?;
        match after.state {
            HookState::Failed(_) if after.state != hook.state => {
                work.audit("webhook.failed", format!("webhook/{id}"), "on", "switched off: it failed too long")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod test;

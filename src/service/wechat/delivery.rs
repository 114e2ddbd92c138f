//! Telling WeChat that what was paid in the mini-program is handed over, without which it keeps the money back: an entry of the outbox that is
//! written in the commit in which the money arrives. Source: developers.weixin.qq.com 小程序发货信息管理服务.

use super::{app_in, mini, packed, send};
use crate::{
    Ctx, Error, Work,
    outbox::{self, Carrier, Carrying, Letter},
};
use domain::{Attempt, Outgoing, SpaceId, outbox::Outcome, pay::Way, time::DAY, time::MINUTE, wechat::AppKind};
use gateway::wechat::{Fault, mini::Delivery};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Kind of entry.
pub const DELIVERY: &str = "wechat.delivery";
/// How long it is tried: WeChat sets the money free once it is told.
const USEFUL: i64 = 10 * DAY;

/// What an entry holds.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    transaction: String,
    item: String,
    payer: String,
    at: String,
}

/// Lets the outbox carry it.
pub(super) fn register(ctx: &Ctx) {
    outbox::register(ctx, Arc::new(Deliveries));
}

/// Writes that what an attempt paid for is handed over, when it was paid in the mini-program; the caller writes the audit line. A ticket is handed
/// over with its payment.
pub(crate) fn put(work: &mut Work<'_, '_>, attempt: &Attempt) -> Result<(), Error> {
    let Way::Jsapi(payer) = &attempt.way else { return Ok(()) };
    let Some(received) = &attempt.received else { return Ok(()) };
    let app = app_in(work.read(), AppKind::Mini)?;
    // Paid through the official account, nothing is kept back.
    if !app.enabled || app.app != attempt.account.0 {
        return Ok(());
    }
    let zone = domain::time::zone("Asia/Shanghai").ok_or_else(|| Error::Internal("no zone".into()))?;
    let item = if attempt.description.is_empty() { "门票".to_owned() } else { attempt.description.clone() };
    let payload = Payload {
        transaction: received.transaction.clone(),
        item,
        payer: payer.clone(),
        at: work.now.zoned(&zone).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
    };
    let letter = Letter {
        kind: DELIVERY,
        target: attempt.number.clone(),
        subject: format!("event/{}/order/{}/pay/{}", attempt.event, attempt.order, attempt.number),
        event: Some(attempt.event),
        payload: packed(&payload)?,
        secret: false,
        once: format!("delivery/{}", received.transaction),
        // WeChat knows its own payment a moment later here than there.
        due_at: work.now,
        expires_at: work.now.plus(USEFUL),
    };
    outbox::put(work, letter).map(drop)
}

struct Deliveries;

/// What came of telling it.
fn outcome(fault: &Fault) -> Outcome {
    match fault.code() {
        // Handed over already, corrected already, or nothing new in it: it is known there.
        Some(10_060_002 | 10_060_003 | 10_060_023) => Outcome::Done(String::new()),
        // The payment has not arrived there yet.
        Some(10_060_001) => Outcome::Not { why: fault.to_string(), after: Some(MINUTE) },
        _ => send::outcome(fault),
    }
}

async fn tell(ctx: &Ctx, space: SpaceId, entry: &Outgoing) -> Result<Outcome, Outcome> {
    let of: Payload = send::unpacked(entry)?;
    let client = mini(ctx, space).map_err(|error| send::unset(&error))?;
    let delivery = Delivery { transaction: of.transaction, item: of.item, payer: of.payer, at: of.at };
    client.deliver(&delivery).await.map_err(|fault| outcome(&fault))?;
    Ok(Outcome::Done(String::new()))
}

impl Carrier for Deliveries {
    fn kind(&self) -> &'static str {
        DELIVERY
    }

    /// Told twice it is known once.
    fn idempotent(&self) -> bool {
        true
    }

    fn carry<'a>(&'a self, ctx: &'a Ctx, space: SpaceId, entry: &'a Outgoing) -> Carrying<'a> {
        Box::pin(async move { tell(ctx, space, entry).await.unwrap_or_else(|outcome| outcome) })
    }
}

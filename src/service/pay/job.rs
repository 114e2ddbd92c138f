//! What goes by the clock: payments that nobody told us about, closing what is not to be paid any more, refunds on their way, certificates, and
//! the bills of the days before. Everything here may be run twice and goes on where it stopped.

use super::{
    account::{are_stale, refresh},
    attempt::{is_over, look, put_away},
    bill::{reconcile, wanting},
    refund::send,
};
use crate::{Ctx, Error};
use domain::{Attempt, PayRefund, SpaceId, Time};
use store::catalogue::{ATTEMPT_OPEN, REFUND_OPEN};
use store::{Order as Sort, Read};

/// Most that one turn looks through.
const LOOKED_MAX: usize = 2_000;
/// Most bills of one turn.
const BILLS_MAX: usize = 5;
/// Most questions of one turn.
const ASKED_MAX: usize = 50;

/// Does what is due now in the background, one turn after the other: a WeChat that takes its time keeps nothing else waiting. Called by the clock.
pub fn start_asking(ctx: &Ctx, space: SpaceId) {
    if ctx.outbox.is_stopping() {
        return;
    }
    let Ok(held) = ctx.outbox.turn(space, "pay.ask").try_lock_owned() else { return };
    let ctx = ctx.clone();
    tokio::spawn(async move {
        if let Err(error) = tick(&ctx, space).await {
            tracing::error!(%error, %space, "payments were not asked about");
        }
        drop(held);
    });
}

/// Does what is due now; answers how much. Trouble with one thing does not keep the others from being done.
pub async fn tick(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let (now, mut done) = (ctx.now(), 0);
    if super::client(ctx, space)?.is_none() {
        return Ok(0);
    }
    if are_stale(ctx, space, now)? && ctx.pay.is_due(space, "certificates", Time(0), now) {
        note("certificates", refresh(ctx, space).await?.map_err(|why| Error::internal("certificates", why)));
        done += 1;
    }
    for (attempt, over) in attempts(ctx, space, now)? {
        let outcome = if over { put_away(ctx, space, &attempt).await } else { look(ctx, space, &attempt).await };
        note(&attempt.number, outcome);
        done += 1;
    }
    for refund in refunds(ctx, space, now)? {
        note(&refund.number, send(ctx, space, &refund).await);
        done += 1;
    }
    let due = |day: &i64| ctx.pay.is_due(space, &format!("bill {day}"), Time(0), now);
    for day in wanting(ctx, space)?.into_iter().filter(due).take(BILLS_MAX) {
        note("bill", reconcile(ctx, space, day).await.map(drop));
        done += 1;
    }
    Ok(done)
}

fn note(what: &str, outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        tracing::warn!(what, %error, "WeChat Pay was asked in vain");
    }
}

/// The attempts to ask about now, and whether they are over.
fn attempts(ctx: &Ctx, space: SpaceId, now: Time) -> Result<Vec<(Attempt, bool)>, Error> {
    ctx.read(&ctx.own(space), |view| {
        let mut due = Vec::new();
        for key in view.scan_index(&ATTEMPT_OPEN, &0u8, None, Sort::Ascending).take(LOOKED_MAX) {
            let Some(attempt) = view.get::<Attempt>(&key?)? else { continue };
            if due.len() < ASKED_MAX && ctx.pay.is_due(space, &attempt.number, attempt.changed_at, now) {
                let over = is_over(view, &attempt, now)?;
                due.push((attempt, over));
            }
        }
        Ok(due)
    })
}

fn refunds(ctx: &Ctx, space: SpaceId, now: Time) -> Result<Vec<PayRefund>, Error> {
    ctx.read(&ctx.own(space), |view| {
        let mut due = Vec::new();
        for key in view.scan_index(&REFUND_OPEN, &0u8, None, Sort::Ascending).take(LOOKED_MAX) {
            let Some(refund) = view.get::<PayRefund>(&key?)? else { continue };
            if due.len() < ASKED_MAX && ctx.pay.is_due(space, &refund.number, refund.changed_at, now) {
                due.push(refund);
            }
        }
        Ok(due)
    })
}

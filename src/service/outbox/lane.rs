//! Carrying out what is due: each kind has a lane of its own in each space, so that a slow one keeps no other waiting.

use super::{After, Carrier};
use crate::{Ctx, Error};
use domain::{
    Outgoing, OutgoingId, SpaceId,
    outbox::{OutState, Outcome},
};
use std::sync::{Arc, atomic::Ordering};
use std::time::Duration;
use store::catalogue::{OUT_BY_STATE, OUT_DUE};
use store::{Order as Sort, Read};

/// Longest time that one entry may be under way.
const CARRY: Duration = Duration::from_secs(60);
/// Entries that are begun in one transaction.
const BATCH: usize = 32;
/// Batches of one turn.
const BATCHES: usize = 100;
/// How long the box waits at its end for what is under way.
const ENDING: Duration = Duration::from_secs(10);

/// Carries out what is due of every kind, and answers how many entries were tried.
pub async fn run_due(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let mut tried = 0;
    for carrier in ctx.outbox.carriers() {
        let turn = ctx.outbox.turn(space, carrier.kind());
        let held = turn.lock().await;
        tried += lane(ctx, space, &carrier).await?;
        drop(held);
    }
    Ok(tried)
}

/// Begins to carry out what is due, in the background; a lane that is at work is left at it. Called by the clock.
pub fn start_due(ctx: &Ctx, space: SpaceId) {
    if ctx.outbox.is_stopping() {
        return;
    }
    for carrier in ctx.outbox.carriers() {
        let Ok(held) = ctx.outbox.turn(space, carrier.kind()).try_lock_owned() else { continue };
        match has_work(ctx, space, carrier.kind()) {
            Ok(false) => continue,
            Ok(true) => {}
            Err(error) => tracing::error!(%error, "the outbox cannot be read"),
        }
        let ctx = ctx.clone();
        tokio::spawn(async move {
            if let Err(error) = lane(&ctx, space, &carrier).await {
                tracing::error!(kind = carrier.kind(), %error, "the outbox stopped for now");
            }
            drop(held);
        });
    }
}

/// Begins nothing new, and waits a while for what is under way. What is not answered by then may have happened.
pub async fn stop(ctx: &Ctx) {
    ctx.outbox.stopping.store(true, Ordering::Release);
    let turns: Vec<_> = {
        let turns = ctx.outbox.turns.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        turns.values().cloned().collect()
    };
    let all = async {
        for turn in turns {
            drop(turn.lock().await);
        }
    };
    if tokio::time::timeout(ENDING, all).await.is_err() {
        tracing::warn!("something is still being sent; whether it was will show at the next start");
    }
}

fn has_work(ctx: &Ctx, space: SpaceId, kind: &str) -> Result<bool, Error> {
    let (permit, now) = (ctx.own(space), ctx.now());
    ctx.read(&permit, |view| {
        let first = view.scan_entries(&OUT_DUE, &kind.to_owned(), None, Sort::Ascending).next().transpose()?;
        let due = first.is_some_and(|((_, due), _)| due <= now.0);
        Ok(due || !left(view, kind)?.is_empty())
    })
}

/// The entries of a kind that are being tried; whoever holds the lane's turn knows that these are left from a box that stopped.
fn left(view: &impl Read, kind: &str) -> Result<Vec<OutgoingId>, Error> {
    let mut left = Vec::new();
    for key in view.scan_index(&OUT_BY_STATE, &(OutState::Trying as u8), None, Sort::Ascending) {
        let id = key?;
        if view.get::<Outgoing>(&id)?.is_some_and(|entry| entry.kind == kind) {
            left.push(id);
        }
    }
    Ok(left)
}

async fn lane(ctx: &Ctx, space: SpaceId, carrier: &Arc<dyn Carrier>) -> Result<usize, Error> {
    let left = ctx.read(&ctx.own(space), |view| left(view, carrier.kind()))?;
    for id in left {
        let stopped = Outcome::Unknown("the box stopped while it was being sent".into());
        settle(ctx, space, carrier.as_ref(), id, stopped).await?;
    }
    let mut tried = 0;
    for _ in 0..BATCHES {
        if ctx.outbox.is_stopping() {
            break;
        }
        let begun = begin(ctx, space, carrier.kind()).await?;
        if begun.is_empty() {
            break;
        }
        tried += begun.len();
        carry_all(ctx, space, carrier, begun).await?;
    }
    Ok(tried)
}

/// Begins the entries that are due: they are marked on disk before anything is said to the outside. Those of no use any more come to their
/// end; what is answered is to be carried.
async fn begin(ctx: &Ctx, space: SpaceId, kind: &'static str) -> Result<Vec<Outgoing>, Error> {
    let after = After::of(ctx, space)?;
    let now = ctx.now();
    let due = ctx.read(&ctx.own(space), |view| {
        let mut due = Vec::new();
        for entry in view.scan_entries(&OUT_DUE, &kind.to_owned(), None, Sort::Ascending).take(BATCH) {
            let ((_, at), id) = entry?;
            if at > now.0 {
                break;
            }
            due.push(id);
        }
        Ok(due)
    })?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    ctx.write(&ctx.own(space), move |work| {
        let mut begun = Vec::new();
        let mut ended = 0;
        for id in &due {
            let Some(entry) = work.read().get::<Outgoing>(id)? else { continue };
            match entry.begin(work.now) {
                Some(next) if next.state == OutState::Trying => {
                    work.put(&next)?;
                    begun.push(next);
                }
                Some(next) => {
                    after.keep(work, &entry, &next)?;
                    ended += 1;
                }
                None => {}
            }
        }
        work.audit("outbox.try", "outbox", "", &format!("{kind}: {} begun, {ended} too late", begun.len()))?;
        Ok(begun)
    })
    .await
}

async fn carry_all(ctx: &Ctx, space: SpaceId, carrier: &Arc<dyn Carrier>, entries: Vec<Outgoing>) -> Result<(), Error> {
    let mut waiting = entries.into_iter();
    let mut under_way = tokio::task::JoinSet::new();
    loop {
        while under_way.len() < carrier.at_once().max(1)
            && let Some(entry) = waiting.next()
        {
            let (ctx, carrier) = (ctx.clone(), carrier.clone());
            under_way.spawn(async move { one(&ctx, space, carrier, entry).await });
        }
        match under_way.join_next().await {
            None => return Ok(()),
            Some(done) => done.map_err(|error| Error::internal("carrying", error))??,
        }
    }
}

async fn one(ctx: &Ctx, space: SpaceId, carrier: Arc<dyn Carrier>, entry: Outgoing) -> Result<(), Error> {
    let id = entry.id;
    // A task of its own: one that panics leaves an answer too.
    let (inner, by) = (ctx.clone(), carrier.clone());
    let carried = tokio::spawn(async move { tokio::time::timeout(CARRY, by.carry(&inner, space, &entry)).await });
    let outcome = match carried.await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Outcome::Unknown("no answer in time".into()),
        Err(error) => {
            tracing::error!(kind = carrier.kind(), %error, "a carrier broke down");
            Outcome::Unknown("an internal error".into())
        }
    };
    settle(ctx, space, carrier.as_ref(), id, outcome).await
}

/// Keeps what came of an attempt.
async fn settle(
    ctx: &Ctx,
    space: SpaceId,
    carrier: &dyn Carrier,
    id: OutgoingId,
    outcome: Outcome,
) -> Result<(), Error> {
    let (after, idempotent, chance) = (After::of(ctx, space)?, carrier.idempotent(), ctx.random.number());
    let settled = ctx
        .write(&ctx.own(space), move |work| {
            // It may have gone meanwhile, with the event it belonged to.
            let Some(entry) = work.read().get::<Outgoing>(&id)? else { return Ok(None) };
            let settled = entry.settle(&outcome, idempotent, work.now, chance);
            if let Some(settled) = &settled {
                after.keep(work, &entry, settled)?;
            }
            Ok(settled)
        })
        .await?;
    if let Some(settled) = settled.filter(|settled| settled.state.is_final()) {
        carrier.kept(ctx, &settled);
    }
    Ok(())
}

//! How the box is: what the store, the outbox, backups, search, the way out and the accounts know is gathered here; what the machine tells is given by
//! whoever runs the box. The rules are in `domain/health`.

use crate::{Actor, At, Ctx, Error};
use domain::{
    Permission, Refusal, SpaceId, Time,
    health::{Check, Checklist, Index, Inside, Journal, Line, Machine, Queue, judge},
    outbox::OutState,
};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use store::{
    Order, Read,
    catalogue::{OUT_BY_STATE, OUT_DUE},
};

/// How long a trial write may take.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Entries of the outbox that are counted; what waits beyond is no longer told apart.
const COUNTED: usize = 10_000;

/// Looks at the machine; blocks the thread.
pub type Look = Box<dyn Fn() -> Machine + Send + Sync>;

/// Who looks how the box is.
#[derive(Default)]
pub(crate) struct Desk {
    told: OnceLock<Told>,
    machine: Mutex<Option<Machine>>,
}

struct Told {
    started: Time,
    rebuilt: Option<String>,
    look: Look,
}

impl Desk {
    /// What was found when the machine was last looked at.
    pub(crate) fn machine(&self) -> Option<Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Says who looks at the machine, and what opening the store found. Called at boot; without it there is no status.
pub fn register(ctx: &Ctx, rebuilt: Option<String>, look: Look) {
    if ctx.health.told.set(Told { started: ctx.now(), rebuilt, look }).is_err() {
        tracing::debug!("who looks at the machine was known");
    }
}

/// Whether a write would get onto the disk in time; what a service manager is told goes by it. Blocks the thread.
pub fn alive(ctx: &Ctx) -> Result<(), Error> {
    Ok(ctx.store().probe(PATIENCE)?)
}

/// Everything, looked at anew, as the box itself asks. Blocks the thread.
pub fn look(ctx: &Ctx) -> Result<Vec<Line>, Error> {
    let machine = ctx.health.told.get().map(|told| (told.look)()).unwrap_or_default();
    *ctx.health.machine.lock().unwrap_or_else(PoisonError::into_inner) = Some(machine.clone());
    let begun = Instant::now();
    let trial = ctx.store().probe(PATIENCE).map_err(|error| error.to_string());
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut inside = inside(ctx)?;
    inside.journal.trial = Some(trial.map(|()| millis));
    Ok(judge(ctx.now(), &machine, Some(&inside)))
}

/// What the program knows, without a trial write. Blocks the thread for a moment.
pub fn inside(ctx: &Ctx) -> Result<Inside, Error> {
    let told = ctx.health.told.get();
    let stats = ctx.store().stats();
    let state = ctx.search.state();
    Ok(Inside {
        started: told.map_or_else(|| ctx.now(), |told| told.started),
        newest: newest(ctx)?,
        journal: Journal {
            refused: stats.refused,
            trial: None,
            groups: stats.groups,
            pending: stats.pending_bytes,
            rebuilt: told.and_then(|told| told.rebuilt.clone()),
        },
        queue: queue(ctx)?,
        away: ctx.egress()?.left_alone(),
        backup: crate::backup::standing(ctx)?,
        keys: crate::key::standing(ctx)?,
        standby: crate::standby::health(ctx)?,
        tunnel: ctx.tunnel.standing(),
        index: Index {
            failed: state.failed,
            ready: state.ready,
            building: state.building.is_some(),
            entries: state.entries,
            waiting: state.waiting as u64,
        },
        administrators: ctx.read(&ctx.own(SpaceId::ASSOCIATION), |view| {
            Ok(crate::account::holders(view, Permission::AccountManage, None)? as u64)
        })?,
    })
}

/// When the association's newest line of the audit log was written.
fn newest(ctx: &Ctx) -> Result<Option<Time>, Error> {
    ctx.read(&ctx.own(SpaceId::ASSOCIATION), |view| {
        let Some(line) = view.audit(None).next() else { return Ok(None) };
        Ok(Some(crate::audit::decode(&line?.1)?.at))
    })
}

/// What waits in all spaces.
fn queue(ctx: &Ctx) -> Result<Queue, Error> {
    let (mut queue, now) = (Queue::default(), ctx.now());
    for space in ctx.open_spaces()? {
        ctx.read(&ctx.own(space), |view| {
            let left = COUNTED.saturating_sub(usize::try_from(queue.waiting).unwrap_or(COUNTED));
            for entry in view.scan_entries(&OUT_DUE, &(), None, Order::Ascending).take(left) {
                let ((_, due), _) = entry?;
                queue.waiting += 1;
                if due <= now.0 {
                    queue.due = Some(queue.due.map_or(Time(due), |first| first.min(Time(due))));
                }
            }
            let unsure = view.scan_index(&OUT_BY_STATE, &(OutState::Unsure as u8), None, Order::Ascending);
            for key in unsure.take(COUNTED) {
                key?;
                queue.asking += 1;
            }
            Ok(())
        })?;
    }
    Ok(queue)
}

fn permit(ctx: &Ctx, actor: &Actor) -> Result<crate::Permit, Error> {
    if actor.space != SpaceId::ASSOCIATION {
        return Err(Refusal::denied().into());
    }
    ctx.permit(actor, Permission::BackupManage, At::Space)
}

/// The status page: everything, looked at anew. For the platform's own staff who look after the box.
pub async fn page(ctx: &Ctx, actor: &Actor) -> Result<Vec<Line>, Error> {
    permit(ctx, actor)?;
    let ctx = ctx.clone();
    crate::aside(move || look(&ctx)).await
}

/// What is left to be done on this box, for those who can do something about it; empty for others. The machine is not looked at anew.
pub fn checklist(ctx: &Ctx, actor: &Actor) -> Result<Vec<Line>, Error> {
    let (Ok(permit), Some(_)) = (permit(ctx, actor), ctx.health.told.get()) else { return Ok(Vec::new()) };
    let machine = ctx.health.machine().unwrap_or_default();
    let lines = judge(ctx.now(), &machine, Some(&inside(ctx)?));
    Ok(ctx.read(&permit, kept)?.left(lines))
}

fn kept(view: &impl Read) -> Result<Checklist, Error> {
    Ok(view.get::<Checklist>(&())?.unwrap_or_default())
}

/// Takes a check off the checklist, until it gets bad.
pub async fn dismiss(ctx: &Ctx, actor: &Actor, check: Check) -> Result<(), Error> {
    let permit = permit(ctx, actor)?;
    ctx.write(&permit, move |work| {
        let before = kept(work.read())?;
        let after = before.without(check);
        work.put(&after)?;
        work.audit("box.dismiss", "checklist", &before.dismissed.join(","), &after.dismissed.join(","))
    })
    .await
}

/// Puts everything back on the checklist.
pub async fn restore(ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
    let permit = permit(ctx, actor)?;
    ctx.write(&permit, move |work| {
        let before = kept(work.read())?;
        work.put(&Checklist::default())?;
        work.audit("box.restore", "checklist", &before.dismissed.join(","), "")
    })
    .await
}

/// What was dismissed.
pub fn dismissed(ctx: &Ctx, actor: &Actor) -> Result<Vec<Check>, Error> {
    let permit = permit(ctx, actor)?;
    Ok(ctx.read(&permit, kept)?.dismissed.iter().filter_map(|code| Check::parse(code)).collect())
}

#[cfg(test)]
mod tests;

//! What goes after its time: the settings, how much would go, and the clock's steps. Each step is a transaction of its own with its audit
//! line; what a step did not reach is the next one's.

use super::may;
use crate::{Actor, Ctx, Error, Permit, archive};
use domain::{
    AccessLine, Dispatch, Event, EventArchive, EventId, LoginLine, MessageTrail, Notice, Portrait, Refusal, SmsLine,
    SpaceId, Time, Waiter,
    message::template::TrailOf,
    notice::NoticeState,
    privacy::retention::{Retention, Sort, check, cutoff},
};
use std::collections::BTreeSet;
use store::{Order, Read, Record};

/// Every how many seconds the clock looks.
const LOOK_EVERY: i64 = 60;
/// Records of one transaction.
const STEP: usize = 200;
/// Steps of one look; the next look goes on.
const STEPS_MAX: usize = 10;
/// Records up to which the page counts.
pub const COUNT_MAX: usize = 100_000;

/// The settings.
pub fn settings(ctx: &Ctx, actor: &Actor) -> Result<Retention, Error> {
    let permit = may(ctx, actor)?;
    ctx.read(&permit, |view| Ok(view.get::<Retention>(&())?.unwrap_or_default()))
}

/// Keeps the settings.
pub async fn save(ctx: &Ctx, actor: &Actor, revision: u32, typed: &[(Sort, String)]) -> Result<(), Error> {
    let permit = may(ctx, actor)?;
    let days = check(typed)?;
    ctx.write(&permit, move |work| {
        let kept = work.read().get::<Retention>(&())?.unwrap_or_default();
        if kept.revision != revision {
            return Err(crate::event::stale());
        }
        let after = Retention { days: days.clone(), revision: revision + 1 };
        work.put(&after)?;
        work.audit("retention.save", "retention", &kept.summary(), &after.summary())
    })
    .await
}

/// How much of each kind would go now with these days; at most [`COUNT_MAX`] are counted of each.
pub async fn look(ctx: &Ctx, actor: &Actor, typed: &[(Sort, String)]) -> Result<Vec<(Sort, usize)>, Error> {
    let permit = may(ctx, actor)?;
    let (days, own, now) = (check(typed)?, ctx.clone(), ctx.now());
    crate::aside(move || {
        own.read(&permit, |view| {
            let count =
                |(sort, days): &(Sort, u32)| Ok((*sort, due(view, *sort, cutoff(*days, now), COUNT_MAX)?.len()));
            days.iter().map(count).collect()
        })
    })
    .await
}

/// A record whose time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Due {
    Message(domain::NoticeId),
    Sms(domain::OutgoingId),
    Portrait(EventId, domain::TicketId),
    Waiter(EventId, domain::WaiterId),
    Event(EventId),
    Login(domain::AccountId, domain::LoginId),
    Access(domain::AccessId),
}

/// Events that ended before an instant.
fn over(view: &impl Read, before: Time) -> Result<BTreeSet<EventId>, Error> {
    let mut found = BTreeSet::new();
    for kept in view.scan::<Event>(&(), None, Order::Ascending) {
        let (id, event) = kept?;
        if event.time.to < before {
            found.insert(id);
        }
    }
    Ok(found)
}

/// Records of one kind whose time is over, at most so many.
fn due(view: &impl Read, sort: Sort, before: Time, most: usize) -> Result<Vec<Due>, Error> {
    let mut found = Vec::new();
    match sort {
        Sort::Message => {
            let over = over(view, before)?;
            for kept in view.scan::<Notice>(&(), None, Order::Ascending) {
                let (id, notice) = kept?;
                if notice.created_at >= before || found.len() >= most {
                    break;
                }
                let settled = !matches!(notice.state, NoticeState::Waiting);
                if settled && notice.about.event().is_none_or(|event| over.contains(&event)) {
                    found.push(Due::Message(id));
                }
            }
        }
        Sort::Sms => {
            for kept in view.scan::<SmsLine>(&(), None, Order::Ascending).take(most) {
                let (id, line) = kept?;
                if line.at >= before {
                    break;
                }
                found.push(Due::Sms(id));
            }
        }
        Sort::Portrait => {
            for event in over(view, before)? {
                let keys = view.scan_keys::<Portrait>(&event, None, Order::Ascending);
                for key in keys.take(most.saturating_sub(found.len())) {
                    found.push(Due::Portrait(event, key?.1));
                }
            }
        }
        Sort::Waiter => {
            for event in over(view, before)? {
                let keys = view.scan_keys::<Waiter>(&event, None, Order::Ascending);
                for key in keys.take(most.saturating_sub(found.len())) {
                    found.push(Due::Waiter(event, key?.1));
                }
            }
        }
        Sort::Event => {
            for event in over(view, before)? {
                let begun = view.get::<EventArchive>(&event)?.is_some_and(|kept| kept.begun.is_some());
                if !begun && found.len() < most {
                    found.push(Due::Event(event));
                }
            }
        }
        Sort::Login => {
            for kept in view.scan::<LoginLine>(&(), None, Order::Ascending) {
                let ((account, id), line) = kept?;
                if line.at < before && found.len() < most {
                    found.push(Due::Login(account, id));
                }
            }
        }
        Sort::Access => {
            for kept in view.scan::<AccessLine>(&(), None, Order::Ascending).take(most) {
                let (id, line) = kept?;
                if line.at >= before {
                    break;
                }
                found.push(Due::Access(id));
            }
        }
    }
    Ok(found)
}

/// Lets go what is due in a space, some steps at a time; answers how many records went. Called by the clock.
pub async fn tick(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    if !crate::job::is_turn(ctx, LOOK_EVERY) {
        return Ok(0);
    }
    run(ctx, space).await
}

/// As [`tick`], whatever the second.
pub(super) async fn run(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let own = ctx.own(space);
    let kept = ctx.read(&own, |view| Ok(view.get::<Retention>(&())?.unwrap_or_default()))?;
    let mut gone = 0;
    for (sort, days) in kept.days {
        let (reading, permit, before) = (ctx.clone(), own.clone(), cutoff(days, ctx.now()));
        let found =
            crate::aside(move || reading.read(&permit, |view| due(view, sort, before, STEP * STEPS_MAX))).await?;
        if sort == Sort::Portrait {
            remove_pictures(ctx, &own, &found).await?;
        }
        for step in found.chunks(STEP) {
            gone += go(ctx, &own, sort, step.to_vec()).await?;
        }
    }
    Ok(gone)
}

/// The files of portraits that go, before the records that name them: a run that is cut off finds them again. What somebody else names stays.
async fn remove_pictures(ctx: &Ctx, permit: &Permit, found: &[Due]) -> Result<(), Error> {
    let files = ctx.read(permit, |view| {
        let mut files = Vec::new();
        for due in found {
            if let Due::Portrait(event, ticket) = due {
                files.extend(view.get::<Portrait>(&(*event, *ticket))?.map(|kept| kept.file));
            }
        }
        Ok(files)
    })?;
    archive::remove_named(ctx, files).await
}

async fn go(ctx: &Ctx, permit: &Permit, sort: Sort, step: Vec<Due>) -> Result<usize, Error> {
    ctx.write(permit, move |work| {
        let mut gone = 0;
        for due in &step {
            gone += usize::from(let_go(work, due)?);
        }
        if gone > 0 {
            work.audit("retention.gone", "retention", &format!("{gone} {}", sort.code()), "")?;
        }
        Ok(gone)
    })
    .await
}

/// Removes a record that is still there.
fn removed<R: Record>(work: &mut crate::Work<'_, '_>, key: &R::Key) -> Result<bool, Error> {
    let there = work.read().get::<R>(key)?.is_some();
    if there {
        work.remove::<R>(key)?;
    }
    Ok(there)
}

fn let_go(work: &mut crate::Work<'_, '_>, due: &Due) -> Result<bool, Error> {
    match due {
        Due::Message(id) => {
            removed::<Dispatch>(work, id)?;
            removed::<MessageTrail>(work, &TrailOf::Notice(*id).key())?;
            removed::<Notice>(work, id)
        }
        Due::Sms(id) => removed::<SmsLine>(work, id),
        Due::Portrait(event, ticket) => removed::<Portrait>(work, &(*event, *ticket)),
        Due::Waiter(event, waiter) => removed::<Waiter>(work, &(*event, *waiter)),
        Due::Login(account, id) => removed::<LoginLine>(work, &(*account, *id)),
        Due::Access(id) => removed::<AccessLine>(work, id),
        Due::Event(id) => {
            if work.read().get::<Event>(id)?.is_none() {
                return Err(Refusal::missing("event").into());
            }
            let kept = work.read().get::<EventArchive>(id)?.unwrap_or_else(|| EventArchive::of(*id));
            if kept.begun.is_some() {
                return Ok(false);
            }
            // The archive's own job does the work.
            work.put(&EventArchive { begun: Some(work.now), ..kept })?;
            work.audit("archive.begin", format!("event/{id}/archive"), "", "by the set retention")?;
            Ok(true)
        }
    }
}

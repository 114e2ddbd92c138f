//! Archiving events: planning it, beginning by hand, and the work itself, which the box also does at the set time. It goes in small
//! transactions, goes on where it stopped, and may be done twice. Whatever else comes to keep personal data of an event must be frozen here.

mod draw;
mod file;
mod sale;

pub(crate) use file::{remove as remove_files, remove_alone, remove_named};

use crate::{Actor, At, Ctx, Error, Permit, Work, event, feedback};
use domain::{
    Account, Certificate, Device, DeviceId, EventArchive, EventId, FeedbackAnswer, Import, ImportId, Permission,
    Person, PersonId, Portrait, SpaceId, Ticket, TicketId, Waiter,
    archive::{
        self, check_begin, check_due, freeze_certificate, freeze_feedback, freeze_person, freeze_ticket, initials,
    },
    checkin::DoorAnswers,
    device::Role,
    import::RefusedRow,
};
use std::collections::BTreeSet;
use store::catalogue::{DEVICE_BY_EVENT, IDENTITY_BY_PERSON, IMPORT_BY_EVENT, TICKET_BY_PHONE};
use store::{Order, Read, Record};

/// Records that change in one transaction.
const STEP: usize = 200;

fn of(view: &impl Read, event: EventId) -> Result<EventArchive, Error> {
    Ok(view.get::<EventArchive>(&event)?.unwrap_or_else(|| EventArchive::of(event)))
}

/// How far an event is.
pub fn get(ctx: &Ctx, actor: &Actor, id: EventId) -> Result<EventArchive, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(id))?;
    ctx.read(&permit, |view| of(view, id))
}

/// Refuses when the people of an event may not change any more.
pub(crate) fn check_open(view: &impl Read, id: EventId) -> Result<(), Error> {
    Ok(archive::check_open(view.get::<EventArchive>(&id)?.as_ref())?)
}

fn subject(id: EventId) -> String {
    format!("event/{id}/archive")
}

/// Sets the time at which the event is archived by itself, or takes it back.
pub async fn plan(ctx: &Ctx, actor: &Actor, id: EventId, due: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(id))?;
    let (zone, due) = (ctx.zone(permit.space)?, due.to_owned());
    ctx.write(&permit, move |work| {
        let (event, old) = (event::load(work.read(), id)?, of(work.read(), id)?);
        let new = EventArchive { due: check_due(&due, &old, &event, &zone)?, ..old.clone() };
        work.put(&new)?;
        let text = |kept: &EventArchive| kept.due.map_or(String::new(), |due| due.0.to_string());
        work.audit("archive.plan", subject(id), &text(&old), &text(&new))
    })
    .await
}

/// Begins to archive an event by hand; its name was typed. The work itself is [`run`].
pub async fn begin(ctx: &Ctx, actor: &Actor, id: EventId, typed: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(id))?;
    let typed = typed.to_owned();
    ctx.write(&permit, move |work| {
        let (event, old) = (event::load(work.read(), id)?, of(work.read(), id)?);
        check_begin(&typed, &old, &event, work.now)?;
        work.put(&EventArchive { begun: Some(work.now), ..old })?;
        work.audit("archive.begin", subject(id), "", "by hand")
    })
    .await
}

/// Begins to archive an event because its space goes, whether it is over or not. The work itself is [`run`].
pub(crate) async fn begin_now(ctx: &Ctx, space: SpaceId, id: EventId) -> Result<(), Error> {
    ctx.write(&ctx.own(space), move |work| {
        let old = of(work.read(), id)?;
        if old.begun.is_some() {
            return Ok(());
        }
        work.put(&EventArchive { begun: Some(work.now), ..old })?;
        work.audit("archive.begin", subject(id), "", "with its space")
    })
    .await
}

/// Archives every event whose time has come; answers how many. The box calls it every now and then.
pub async fn run_due(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let now = ctx.now();
    let kept = ctx.read(&ctx.own(space), |view| {
        let all = view.scan::<EventArchive>(&(), None, Order::Ascending);
        Ok(all.map(|kept| Ok(kept?.1)).collect::<Result<Vec<EventArchive>, store::Error>>()?)
    })?;
    let mut done = 0;
    for kept in kept.iter().filter(|kept| kept.is_due(now)) {
        run(ctx, space, kept.event).await?;
        done += 1;
    }
    Ok(done)
}

/// Does the work for one event, from wherever it stands, to its end.
pub async fn run(ctx: &Ctx, space: SpaceId, id: EventId) -> Result<(), Error> {
    let own = ctx.own(space);
    let going = ctx
        .write(&own, move |work| {
            let old = of(work.read(), id)?;
            if !old.is_due(work.now) {
                return Ok(false);
            }
            if old.begun.is_none() {
                work.put(&EventArchive { begun: Some(work.now), ..old })?;
                work.audit("archive.begin", subject(id), "", "by the set time")?;
            }
            Ok(true)
        })
        .await?;
    if !going {
        return Ok(());
    }
    file::of_event(ctx, &own, id).await?;
    tickets(ctx, &own, id).await?;
    gone::<DoorAnswers>(ctx, &own, id, "door answers").await?;
    answers(ctx, &own, id).await?;
    imports(ctx, &own, id).await?;
    devices(ctx, &own, id).await?;
    sale::orders(ctx, &own, id).await?;
    sale::invoices(ctx, &own, id).await?;
    gone::<Waiter>(ctx, &own, id, "people on the waiting list").await?;
    sale::notices(ctx, &own, id).await?;
    crate::outbox::forget_event(ctx, space, id).await?;
    crate::message::forget_event(ctx, space, id).await?;
    crate::blast::forget_event(ctx, space, id).await?;
    gone::<Portrait>(ctx, &own, id, "portraits").await?;
    certificates(ctx, &own, id).await?;
    draw::draws(ctx, &own, id).await?;
    ctx.write(&own, move |work| {
        let old = of(work.read(), id)?;
        if old.done.is_some() {
            return Ok(());
        }
        work.put(&EventArchive { done: Some(work.now), ..old })?;
        work.audit("archive.done", subject(id), "", "")
    })
    .await
}

/// The keys of a table that begin with the event's number, read aside.
async fn keys<R: Record>(ctx: &Ctx, permit: &Permit, id: EventId) -> Result<Vec<R::Key>, Error>
where
    R::Key: Send + 'static,
{
    let (ctx, permit) = (ctx.clone(), permit.clone());
    crate::aside(move || {
        ctx.read(&permit, |view| {
            let keys = view.scan_keys::<R>(&id, None, Order::Ascending);
            Ok(keys.collect::<Result<Vec<_>, store::Error>>()?)
        })
    })
    .await
}

/// Removes every record of a table that belongs to the event.
async fn gone<R: Record>(ctx: &Ctx, permit: &Permit, id: EventId, what: &'static str) -> Result<(), Error>
where
    R::Key: Clone + Send + Sync + 'static,
{
    for step in keys::<R>(ctx, permit, id).await?.chunks(STEP) {
        let step = step.to_vec();
        ctx.write(permit, move |work| {
            for key in &step {
                work.remove::<R>(key)?;
            }
            work.audit("archive.freeze", subject(id), &format!("{} {what}", step.len()), "")
        })
        .await?;
    }
    Ok(())
}

async fn tickets(ctx: &Ctx, permit: &Permit, id: EventId) -> Result<(), Error> {
    for step in keys::<Ticket>(ctx, permit, id).await?.chunks(STEP) {
        let step: Vec<TicketId> = step.iter().map(|(_, ticket)| *ticket).collect();
        ctx.write(permit, move |work| freeze_step(work, id, &step)).await?;
    }
    Ok(())
}

/// Freezes some tickets, and those of their holders that nothing else needs.
fn freeze_step(work: &mut Work<'_, '_>, id: EventId, step: &[TicketId]) -> Result<(), Error> {
    let accounts = work.read().scan::<Account>(&(), None, Order::Ascending);
    let staff = accounts.map(|kept| Ok(kept?.1.person)).collect::<Result<BTreeSet<PersonId>, Error>>()?;
    let mut changed = 0;
    for ticket in step {
        let Some(kept) = work.read().get::<Ticket>(&(id, *ticket))? else { continue };
        let frozen = freeze_ticket(&kept);
        if frozen != kept {
            work.put(&frozen)?;
            changed += 1;
        }
        let Some(person) = work.read().get::<Person>(&kept.person)? else { continue };
        let bare = freeze_person(&person);
        if bare != person && !staff.contains(&person.id) && !is_needed(work.read(), id, &person)? {
            work.put(&bare)?;
            if work.read().get::<domain::MessageChoice>(&person.id)?.is_some() {
                work.remove::<domain::MessageChoice>(&person.id)?;
            }
            crate::message::person::forget_person(work, person.id)?;
            crate::wechat::forget_person(work, person.id)?;
            changed += 1;
        }
    }
    if changed == 0 {
        return Ok(());
    }
    work.audit("archive.freeze", subject(id), &format!("{changed} registrations and people"), "")
}

/// Whether somebody still holds a ticket of another event; tickets of archived events have no phone number any more.
fn is_needed(view: &impl Read, id: EventId, person: &Person) -> Result<bool, Error> {
    if view.scan_index(&IDENTITY_BY_PERSON, &person.id, None, Order::Ascending).next().is_some() {
        // They log in: who they are is theirs to change.
        return Ok(true);
    }
    let Some(phone) = &person.phone else { return Ok(false) };
    for key in view.scan_unique(&TICKET_BY_PHONE, phone, None, Order::Ascending) {
        let (event, _) = key?;
        if event != id {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn answers(ctx: &Ctx, permit: &Permit, id: EventId) -> Result<(), Error> {
    for step in keys::<FeedbackAnswer>(ctx, permit, id).await?.chunks(STEP) {
        let step = step.to_vec();
        ctx.write(permit, move |work| {
            let form = feedback::form_in(work.read(), id)?;
            let mut changed = 0;
            for key in &step {
                let Some(kept) = work.read().get::<FeedbackAnswer>(key)? else { continue };
                let frozen = freeze_feedback(&form, &kept);
                if frozen != kept {
                    work.put(&frozen)?;
                    changed += 1;
                }
            }
            if changed == 0 {
                return Ok(());
            }
            work.audit("archive.freeze", subject(id), &format!("{changed} feedback answers"), "")
        })
        .await?;
    }
    Ok(())
}

/// Certificates stay, so that anybody can still check one; of the name stay the initials, which is more than the check shows.
async fn certificates(ctx: &Ctx, permit: &Permit, id: EventId) -> Result<(), Error> {
    for step in keys::<Certificate>(ctx, permit, id).await?.chunks(STEP) {
        let step = step.to_vec();
        ctx.write(permit, move |work| {
            let mut changed = 0;
            for key in &step {
                let Some(kept) = work.read().get::<Certificate>(key)? else { continue };
                let frozen = freeze_certificate(&kept);
                if frozen != kept {
                    work.put(&frozen)?;
                    changed += 1;
                }
            }
            if changed == 0 {
                return Ok(());
            }
            work.audit("archive.freeze", subject(id), &format!("{changed} certificates"), "")
        })
        .await?;
    }
    Ok(())
}

/// Removes the lists that were imported, their refused rows and their files. A file that another event's import names stays.
async fn imports(ctx: &Ctx, permit: &Permit, id: EventId) -> Result<(), Error> {
    let all = ctx.read(permit, |view| {
        let keys = view.scan_index(&IMPORT_BY_EVENT, &id, None, Order::Ascending);
        Ok(keys.collect::<Result<Vec<ImportId>, store::Error>>()?)
    })?;
    for import in all {
        let file = ctx
            .write(permit, move |work| {
                let Some(kept) = work.read().get::<Import>(&import)? else { return Ok(None) };
                let rows = work.read().scan_keys::<RefusedRow>(&import, None, Order::Ascending);
                for row in rows.collect::<Result<Vec<_>, _>>()? {
                    work.remove::<RefusedRow>(&row)?;
                }
                work.remove::<Import>(&import)?;
                work.audit("archive.freeze", subject(id), &format!("import {import}"), "")?;
                let others = work.read().scan::<Import>(&(), None, Order::Ascending);
                for other in others {
                    if other?.1.file == kept.file {
                        return Ok(None);
                    }
                }
                Ok(Some(kept.file))
            })
            .await?;
        if let Some(file) = file {
            ctx.files.remove(&file)?;
        }
    }
    Ok(())
}

/// Helpers lose their name and phone number, and every terminal of the event is shut out.
async fn devices(ctx: &Ctx, permit: &Permit, id: EventId) -> Result<(), Error> {
    ctx.write(permit, move |work| {
        let keys = work.read().scan_index(&DEVICE_BY_EVENT, &id, None, Order::Ascending);
        let keys = keys.collect::<Result<Vec<DeviceId>, _>>()?;
        let mut changed = 0;
        for key in keys {
            let Some(kept) = work.read().get::<Device>(&key)? else { continue };
            let helper = matches!(kept.role, Role::Helper(_));
            let revoked_at = Some(kept.revoked_at.unwrap_or(work.now));
            let name = if helper { initials(&kept.name) } else { kept.name.clone() };
            let role = if helper { Role::Helper(None) } else { kept.role.clone() };
            let frozen = Device { name, role, revoked_at, pairing: None, ..kept.clone() };
            if frozen != kept {
                work.put(&frozen)?;
                changed += 1;
            }
        }
        if changed == 0 {
            return Ok(());
        }
        work.audit("archive.freeze", subject(id), &format!("{changed} terminals and helpers"), "")
    })
    .await
}

/// Changes the records of these keys by a rule, step by step; a step that changes something has an audit line: action, subject, and what
/// `said` makes of the number.
pub(crate) async fn change_all<R: Record + PartialEq>(
    ctx: &Ctx,
    permit: &Permit,
    keys: &[R::Key],
    rule: fn(&R) -> R,
    (action, subject): (&'static str, String),
    said: impl Fn(usize) -> String + Clone + Send + Sync + 'static,
) -> Result<(), Error>
where
    R::Key: Clone + Send + Sync + 'static,
{
    for step in keys.chunks(STEP) {
        let (step, subject, said) = (step.to_vec(), subject.clone(), said.clone());
        ctx.write(permit, move |work| {
            let mut changed = 0;
            for key in &step {
                let Some(kept) = work.read().get::<R>(key)? else { continue };
                let after = rule(&kept);
                if after != kept {
                    work.put(&after)?;
                    changed += 1;
                }
            }
            if changed == 0 { Ok(()) } else { work.audit(action, &subject, &said(changed), "") }
        })
        .await?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;

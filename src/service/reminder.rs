//! Reminders of an event: the list of them, and writing those that are due to everybody who is registered.

use crate::{
    Actor, At, Ctx, Error, Work, event,
    notice::{self, To, Words},
};
use domain::{
    EventId, Permission, Refusal, Reminder, ReminderId, SpaceId, Ticket, TicketId, TicketState,
    event::EventState,
    notice::Purpose,
    refuse,
    reminder::{Due, REMINDERS_MAX, Side, check_reminder},
    time::DAY,
};
use store::catalogue::REMINDER_WAITING;
use store::{Order as Sort, Read};

fn of_event(view: &impl Read, event: EventId) -> Result<Vec<Reminder>, Error> {
    view.scan::<Reminder>(&event, None, Sort::Ascending).map(|kept| Ok(kept?.1)).collect()
}

/// The reminders of an event.
pub fn list(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<Reminder>, Error> {
    let permit = ctx.permit(actor, Permission::NoticeSend, At::Event(event))?;
    ctx.read(&permit, |view| of_event(view, event))
}

fn summary(reminder: &Reminder) -> String {
    format!("{} h {:?} | {}", reminder.hours, reminder.side, reminder.text)
}

/// Adds a reminder.
pub async fn add(ctx: &Ctx, actor: &Actor, event: EventId, hours: &str, side: &str, text: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::NoticeSend, At::Event(event))?;
    let (hours, side, text) = check_reminder(hours, side, text)?;
    ctx.write(&permit, move |work| {
        let at = event::load(work.read(), event)?;
        if of_event(work.read(), event)?.len() >= REMINDERS_MAX {
            return Err(refuse!(
                Conflict,
                "reminder.too_many",
                "An event can have at most {max} reminders.",
                max = REMINDERS_MAX
            )
            .into());
        }
        let id = ReminderId(work.next_id::<Reminder>()?);
        let reminder = Reminder { id, event, hours, side, text: text.clone(), done: None };
        if reminder.due(&at, work.now) != Due::Later {
            return Err(refuse!(
                Conflict,
                "reminder.past",
                "That time is past already. Write to people directly, or choose a later time."
            )
            .into());
        }
        work.insert(&reminder)?;
        work.audit("reminder.add", format!("event/{event}/reminder/{id}"), "", &summary(&reminder))
    })
    .await
}

/// Removes a reminder; what it wrote already stays.
pub async fn remove(ctx: &Ctx, actor: &Actor, event: EventId, id: ReminderId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::NoticeSend, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let reminder = work.read().get::<Reminder>(&(event, id))?.ok_or_else(|| Refusal::missing("reminder"))?;
        work.remove::<Reminder>(&(event, id))?;
        work.audit("reminder.remove", format!("event/{event}/reminder/{id}"), &summary(&reminder), "")
    })
    .await
}

/// Gives a copied event the reminders of the original, none of them written yet.
pub(crate) fn copy(work: &mut Work<'_, '_>, from: EventId, to: EventId) -> Result<(), Error> {
    for reminder in of_event(work.read(), from)? {
        let id = ReminderId(work.next_id::<Reminder>()?);
        work.insert(&Reminder { id, event: to, done: None, ..reminder })?;
    }
    Ok(())
}

/// People of one transaction.
const CHUNK: usize = 500;

/// Writes the reminders that are due; answers how many. Called by the clock. Stopped in between, it goes on where it was: nobody is
/// written to twice.
pub async fn write_due(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let permit = ctx.own(space);
    let waiting: Vec<(EventId, ReminderId)> = ctx.read(&permit, |view| {
        Ok(view.scan_index(&REMINDER_WAITING, &(), None, Sort::Ascending).collect::<Result<Vec<_>, _>>()?)
    })?;
    let mut written = 0;
    for key in waiting {
        let found = ctx.read(&permit, |view| {
            let Some(reminder) = view.get::<Reminder>(&key)? else { return Ok(None) };
            let at = event::load(view, key.0)?;
            let due = if at.state == EventState::Published { reminder.due(&at, ctx.now()) } else { Due::Later };
            Ok(Some((reminder, due)))
        })?;
        let Some((reminder, due)) = found else { continue };
        let people = match due {
            Due::Later => continue,
            Due::TooLate => 0,
            Due::Now => write(ctx, space, &reminder).await?,
        };
        ctx.write(&permit, move |work| {
            let Some(kept) = work.read().get::<Reminder>(&key)? else { return Ok(()) };
            work.put(&Reminder { done: Some((work.now, people)), ..kept })?;
            work.audit("reminder.done", format!("event/{}/reminder/{}", key.0, key.1), "", &format!("{people} people"))
        })
        .await?;
        written += 1;
    }
    Ok(written)
}

async fn write(ctx: &Ctx, space: SpaceId, reminder: &Reminder) -> Result<u32, Error> {
    let permit = ctx.own(space);
    let event = reminder.event;
    let tickets: Vec<(EventId, TicketId)> = ctx.read(&permit, |view| {
        Ok(view.scan_keys::<Ticket>(&event, None, Sort::Ascending).collect::<Result<Vec<_>, _>>()?)
    })?;
    let mut people = 0;
    for chunk in tickets.chunks(CHUNK) {
        let (chunk, reminder) = (chunk.to_vec(), reminder.clone());
        people += ctx
            .write(&permit, move |work| {
                let at = event::load(work.read(), event)?;
                let useful = if reminder.side == Side::Before { at.time.to } else { work.now.plus(7 * DAY) };
                let mut people = 0u32;
                for key in &chunk {
                    let Some(ticket) = work.read().get::<Ticket>(key)? else { continue };
                    if ticket.state != TicketState::Active {
                        continue;
                    }
                    let words = Words {
                        purpose: if reminder.text.is_empty() { Purpose::Reminder } else { Purpose::Message },
                        cause: format!("reminder {}", reminder.id),
                        values: vec![("event", at.name.clone()), ("time", at.time.from.0.to_string())],
                        text: reminder.text.clone(),
                        useful_until: Some(useful),
                    };
                    notice::say(work, &To::holder(&ticket), words)?;
                    people += 1;
                }
                work.audit(
                    "reminder.write",
                    format!("event/{event}/reminder/{}", reminder.id),
                    "",
                    &format!("{people} people"),
                )?;
                Ok(people)
            })
            .await?;
    }
    Ok(people)
}

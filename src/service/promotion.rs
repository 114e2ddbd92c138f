//! Promotion of an event: sources with links of their own, who came by them, what a shared link shows (S0-30, S0-33, S0-34).

use crate::{Actor, At, Ctx, Error, Permit, design, event, registration};
use domain::{
    EventId, EventShare, Permission, Picture, Refusal, Source, SourceId, SourceVisits, SpaceId, Ticket, TicketId,
    TicketSource,
    design::Purpose,
    event::EventState,
    problem,
    promotion::{Origin, SOURCES_MAX, ShareInput, check_share, check_source},
    refuse,
    time::DAY,
};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use store::catalogue::{TICKETS_FROM, VISITS_FROM};
use store::{Order, Read};

pub(crate) fn share_in(view: &impl Read, event: EventId) -> Result<EventShare, Error> {
    Ok(view.get::<EventShare>(&event)?.unwrap_or_else(|| EventShare::unset(event)))
}

/// What a shared link shows, for the secretariat.
pub fn share(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<EventShare, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(event))?;
    ctx.read(&permit, |view| share_in(view, event))
}

/// What a shared link to a published event shows.
pub fn public_share(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<EventShare, Error> {
    ctx.read(&ctx.public(actor), |view| share_in(view, event))
}

/// Saves what a shared link shows and whether visitors share posters.
pub async fn save_share(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    revision: u32,
    input: &ShareInput,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let input = input.clone();
    ctx.write(&permit, move |work| {
        event::load(work.read(), event)?;
        let kept = share_in(work.read(), event)?;
        event::check_revision(kept.revision, revision)?;
        let mut new = check_share(&input, &kept)?;
        if let Some(picture) = new.picture
            && work.read().get::<Picture>(&picture)?.is_none()
        {
            return Err(Refusal::invalid(vec![problem!("picture", "This picture does not exist.")]).into());
        }
        let posters: Vec<_> = design::of_event(work.read(), event)?
            .into_iter()
            .filter(|design| design.purpose == Purpose::Poster)
            .map(|design| design.id)
            .collect();
        let chosen = new.poster.is_none_or(|poster| posters.contains(&poster));
        if new.posters && posters.is_empty() || !chosen {
            return Err(Refusal::invalid(vec![problem!("poster", "Make a poster first.")]).into());
        }
        new.revision += 1;
        let text =
            |share: &EventShare| format!("custom {} | {} | posters {}", share.custom, share.title, share.posters);
        work.put(&new)?;
        work.audit("event.share", format!("event/{event}"), &text(&kept), &text(&new))
    })
    .await
}

fn sources_in(view: &impl Read, event: EventId) -> Result<Vec<Source>, Error> {
    view.scan::<Source>(&event, None, Order::Ascending).map(|kept| Ok(kept?.1)).collect()
}

/// Makes a source.
pub async fn add_source(ctx: &Ctx, actor: &Actor, event: EventId, name: &str) -> Result<SourceId, Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let name = name.to_owned();
    ctx.write(&permit, move |work| {
        event::load(work.read(), event)?;
        let others = sources_in(work.read(), event)?;
        if others.len() >= SOURCES_MAX {
            return Err(refuse!(
                Conflict,
                "source.too_many",
                "An event can have at most {max} sources.",
                max = SOURCES_MAX
            )
            .into());
        }
        let names: Vec<String> = others.into_iter().map(|source| source.name).collect();
        let name = check_source(&name, &names)?;
        let id = SourceId(work.next_id::<Source>()?);
        work.insert(&Source { id, event, name: name.clone(), created_at: work.now })?;
        work.audit("source.create", format!("event/{event}/source/{id}"), "", &name)?;
        Ok(id)
    })
    .await
}

/// Deletes a source that nobody came by yet.
pub async fn remove_source(ctx: &Ctx, actor: &Actor, event: EventId, id: SourceId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    flush(ctx, permit.space).await?;
    ctx.write(&permit, move |work| {
        let source = work.read().get::<Source>(&(event, id))?.ok_or_else(|| Refusal::missing("source"))?;
        let at = (event, Origin::Source(id).to_string());
        if work.read().count(&VISITS_FROM, &at)? > 0 || work.read().count(&TICKETS_FROM, &at)? > 0 {
            return Err(refuse!(
                Conflict,
                "source.in_use",
                "People came by this source, so it stays in the statistics."
            )
            .into());
        }
        work.remove::<Source>(&(event, id))?;
        work.audit("source.remove", format!("event/{event}/source/{id}"), &source.name, "")
    })
    .await
}

/// A source with what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// The link or poster.
    pub origin: Origin,
    /// Name of the source, or of the poster's holder.
    pub name: String,
    /// Phones that followed it.
    pub visits: i64,
    /// Registrations.
    pub registrations: i64,
}

/// Most posters of members that a list shows.
pub const MEMBERS_SHOWN: usize = 100;

/// The event's sources in the order they were made, then the posters that brought most.
pub fn statistics(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<SourceRow>, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(event))?;
    let named = ctx.permit(actor, Permission::RegistrationView, At::Event(event)).is_ok();
    let pending = ctx.visits.pending(permit.space, event);
    ctx.read(&permit, |view| {
        let mut found: BTreeMap<Origin, (i64, i64)> = BTreeMap::new();
        for (origin, visits) in pending {
            found.entry(origin).or_default().0 += visits;
        }
        for count in view.counts(&VISITS_FROM, &event) {
            let ((_, origin), count) = count?;
            if let Some(origin) = Origin::parse(&origin) {
                found.entry(origin).or_default().0 += count;
            }
        }
        for count in view.counts(&TICKETS_FROM, &event) {
            let ((_, origin), count) = count?;
            if let Some(origin) = Origin::parse(&origin) {
                found.entry(origin).or_default().1 += count;
            }
        }
        let row = |origin: Origin, name: String, (visits, registrations): (i64, i64)| SourceRow {
            origin,
            name,
            visits,
            registrations,
        };
        let mut rows = Vec::new();
        for source in sources_in(view, event)? {
            let origin = Origin::Source(source.id);
            rows.push(row(origin, source.name, found.get(&origin).copied().unwrap_or_default()));
        }
        let mut members: Vec<_> = found.into_iter().filter(|(origin, _)| matches!(origin, Origin::Member(_))).collect();
        members.sort_by_key(|(origin, (visits, registrations))| (-registrations, -visits, *origin));
        for (origin, figures) in members.into_iter().take(MEMBERS_SHOWN) {
            let Origin::Member(ticket) = origin else { continue };
            let name = registration::load(view, event, ticket).map_or(String::new(), |ticket| ticket.name);
            rows.push(row(origin, if named { name } else { domain::certificate::masked(&name) }, figures));
        }
        Ok(rows)
    })
}

/// Visits that were not kept yet. They are figures, not promises: a power cut may lose the last seconds of them.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<(SpaceId, EventId, Origin, i64), u32>>);

/// Most links with visits that wait; more are dropped until they are kept.
const WAITING_MAX: usize = 10_000;

impl Tally {
    fn pending(&self, space: SpaceId, event: EventId) -> Vec<(Origin, i64)> {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = waiting.iter().filter(|((s, e, ..), _)| *s == space && *e == event);
        of.map(|((_, _, origin, _), visits)| (*origin, i64::from(*visits))).collect()
    }

    fn add(&self, at: (SpaceId, EventId, Origin, i64), visits: u32) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING_MAX || waiting.contains_key(&at) {
            let kept = waiting.entry(at).or_default();
            *kept = kept.saturating_add(visits);
        }
    }

    fn take(&self, space: SpaceId) -> Vec<((EventId, Origin, i64), u32)> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken: Vec<_> = waiting.iter().filter(|((s, ..), _)| *s == space).map(|(at, n)| (*at, *n)).collect();
        waiting.retain(|(s, ..), _| *s != space);
        taken.into_iter().map(|((_, event, origin, day), visits)| ((event, origin, day), visits)).collect()
    }
}

/// Whether there is such a source, or such a standing ticket, of a published event.
fn exists(view: &impl Read, event: EventId, origin: Origin) -> Result<bool, Error> {
    if event::load(view, event)?.state != EventState::Published {
        return Ok(false);
    }
    Ok(match origin {
        Origin::Source(id) => view.get::<Source>(&(event, id))?.is_some(),
        Origin::Member(id) => view.peek::<Ticket, _>(&(event, id), |_| ())?.is_some(),
    })
}

/// Notes that a phone followed a link; answers the origin when there is such a one. Whether the phone came by it before is for the
/// caller to know.
pub fn visit(ctx: &Ctx, actor: &Actor, event: EventId, text: &str, again: bool) -> Result<Option<Origin>, Error> {
    let Some(origin) = Origin::parse(text) else { return Ok(None) };
    let permit = ctx.public(actor);
    if !ctx.read(&permit, |view| exists(view, event, origin))? {
        return Ok(None);
    }
    if !again {
        ctx.visits.add((permit.space, event, origin, ctx.now().0.div_euclid(DAY)), 1);
    }
    Ok(Some(origin))
}

/// Keeps the visits that wait. The box calls it every few seconds and when it ends.
pub async fn flush(ctx: &Ctx, space: SpaceId) -> Result<(), Error> {
    let taken = ctx.visits.take(space);
    if taken.is_empty() {
        return Ok(());
    }
    let kept = taken.clone();
    let permit = ctx.own(space);
    let written = ctx.write(&permit, move |work| {
        for ((event, origin, day), visits) in &kept {
            let at = (*event, origin.to_string(), *day);
            let before = work.read().get::<SourceVisits>(&at)?.map_or(0, |kept| kept.visits);
            let visits = before.saturating_add(*visits);
            work.put(&SourceVisits { event: *event, origin: *origin, day: *day, visits })?;
        }
        work.audit("source.visits", "promotion", "", &format!("{} links", kept.len()))
    });
    let written = written.await;
    if written.is_err() {
        // They wait for the next time.
        for ((event, origin, day), visits) in taken {
            ctx.visits.add((space, event, origin, day), visits);
        }
    }
    written
}

/// Notes by which link a registration came; the first note stands. Nobody is credited for themselves.
pub async fn credit(ctx: &Ctx, actor: &Actor, event: EventId, ticket: TicketId, text: &str) -> Result<(), Error> {
    let Some(origin) = Origin::parse(text).filter(|origin| *origin != Origin::Member(ticket)) else { return Ok(()) };
    let permit: Permit = ctx.public(actor);
    ctx.write(&permit, move |work| {
        let known = work.read().get::<TicketSource>(&(event, ticket))?.is_some();
        if known || !exists(work.read(), event, origin)? {
            return Ok(());
        }
        let registered = registration::load(work.read(), event, ticket)?;
        work.insert(&TicketSource { event, ticket, origin, at: work.now })?;
        work.audit("source.credit", registration::subject(&registered), "", &origin.to_string())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{design, test};

    fn row(rows: &[SourceRow], origin: Origin) -> (i64, i64) {
        let found = rows.iter().find(|row| row.origin == origin);
        found.map_or((0, 0), |row| (row.visits, row.registrations))
    }

    #[tokio::test]
    async fn visits_and_registrations_are_counted_by_where_they_came_from() {
        let (hall, admin) = test::founded().await;
        let (event, kind) = test::opened(&hall, &admin).await;
        let visitor = Actor::visitor(admin.space);
        let door = add_source(&hall.ctx, &admin, event, "门口海报").await.unwrap();
        let twice = add_source(&hall.ctx, &admin, event, "门口海报").await.unwrap_err();
        assert_eq!(twice.code(), Some("input.invalid"));
        let host = registration::add(&hall.ctx, &admin, event, kind, "", &test::named("张三", "")).await.unwrap();
        let (by_door, by_host) = (Origin::Source(door), Origin::Member(host.id));
        for (text, again) in [("s1", false), ("s1", true), ("m1", false), ("s9", false), ("m9", false), ("<x>", false)]
        {
            let known = visit(&hall.ctx, &visitor, event, text, again).unwrap();
            assert_eq!(known.is_some(), text == "s1" || text == "m1", "{text}");
        }
        let rows = statistics(&hall.ctx, &admin, event).unwrap();
        assert_eq!((row(&rows, by_door), row(&rows, by_host)), ((1, 0), (1, 0)), "what waits is counted too");
        flush(&hall.ctx, admin.space).await.unwrap();
        visit(&hall.ctx, &visitor, event, "s1", false).unwrap();
        flush(&hall.ctx, admin.space).await.unwrap();
        let order = crate::order::test::order_one(&hall, event, kind, "李四", "13800000002").await.unwrap();
        let guest = registration::get(&hall.ctx, &admin, event, order.tickets().next().unwrap().0).unwrap();
        for text in ["m1", "s1", "m99", "nonsense"] {
            credit(&hall.ctx, &visitor, event, guest.id, text).await.unwrap();
        }
        let own = Origin::Member(guest.id).to_string();
        credit(&hall.ctx, &visitor, event, guest.id, &own).await.unwrap();
        let rows = statistics(&hall.ctx, &admin, event).unwrap();
        assert_eq!((row(&rows, by_door), row(&rows, by_host)), ((2, 0), (1, 1)), "the first note stands");
        let used = remove_source(&hall.ctx, &admin, event, door).await.unwrap_err();
        assert_eq!(used.code(), Some("source.in_use"));
        let idle = add_source(&hall.ctx, &admin, event, "朋友圈").await.unwrap();
        remove_source(&hall.ctx, &admin, event, idle).await.unwrap();
        let denied = add_source(&hall.ctx, &visitor, event, "x").await.unwrap_err();
        assert_eq!(denied.code(), Some("session.none"));
    }

    #[tokio::test]
    async fn posters_are_shared_only_where_there_is_one_and_it_is_switched_on() {
        let (hall, admin) = test::founded().await;
        let (event, _) = test::opened(&hall, &admin).await;
        let on = ShareInput { posters: true, ..ShareInput::default() };
        let none = save_share(&hall.ctx, &admin, event, 0, &on).await.unwrap_err();
        assert_eq!(none.code(), Some("input.invalid"));
        assert!(!crate::poster::is_shared(&hall.ctx, admin.space, event).unwrap());
        let say = |text: &str| text.to_owned();
        let poster = design::create(&hall.ctx, &admin, event, "poster", say).await.unwrap();
        let badge = design::create(&hall.ctx, &admin, event, "badge_sheet", say).await.unwrap();
        let wrong = ShareInput { poster: Some(badge), ..on.clone() };
        assert!(save_share(&hall.ctx, &admin, event, 0, &wrong).await.is_err(), "a badge is no poster");
        save_share(&hall.ctx, &admin, event, 0, &ShareInput { poster: Some(poster), ..on.clone() }).await.unwrap();
        assert!(crate::poster::is_shared(&hall.ctx, admin.space, event).unwrap());
        let stale = save_share(&hall.ctx, &admin, event, 0, &ShareInput::default()).await.unwrap_err();
        assert_eq!(stale.code(), Some("record.changed"));
        event::withdraw(&hall.ctx, &admin, event).await.unwrap();
        assert!(!crate::poster::is_shared(&hall.ctx, admin.space, event).unwrap());
    }
}

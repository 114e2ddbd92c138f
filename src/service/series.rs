//! Event series: making, changing, which event belongs to which, and the series as visitors see it.

use crate::{Actor, At, Ctx, Error, Work, event};
use domain::{
    Event, EventId, EventSeries, Permission, Refusal, Series, SeriesId, event::EventState, problem,
    series::check_series,
};
use store::catalogue::EVENT_BY_SERIES;
use store::{Order, Read};

fn all(view: &impl Read) -> Result<Vec<Series>, Error> {
    let kept = view.scan::<Series>(&(), None, Order::Ascending);
    let mut all = kept.map(|kept| Ok(kept?.1)).collect::<Result<Vec<Series>, Error>>()?;
    all.sort_by(|a, b| a.title.cmp(&b.title));
    Ok(all)
}

fn load(view: &impl Read, id: SeriesId) -> Result<Series, Error> {
    view.get::<Series>(&id)?.ok_or_else(|| Refusal::missing("series").into())
}

fn events_in(view: &impl Read, id: SeriesId) -> Result<Vec<Event>, Error> {
    let mut events = Vec::new();
    for key in view.scan_index(&EVENT_BY_SERIES, &id, None, Order::Ascending) {
        events.push(event::load(view, key?)?);
    }
    events.sort_by_key(|event| (event.time.from, event.id));
    Ok(events)
}

/// Every series by title, for whoever sees or makes events anywhere.
pub fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Series>, Error> {
    let permit = crate::category::may_file(ctx, actor)?;
    ctx.read(&permit, all)
}

/// One series with those of its events that the actor may see.
pub fn get(ctx: &Ctx, actor: &Actor, id: SeriesId) -> Result<(Series, Vec<Event>), Error> {
    let permit = ctx.permit_somewhere(actor, Permission::EventView)?;
    ctx.read(&permit, |view| {
        let mut events = events_in(view, id)?;
        events.retain(|event| actor.covers(Permission::EventView, &event::place(event)));
        Ok((load(view, id)?, events))
    })
}

/// A series with its published events, the next one first, for anybody.
pub fn public(ctx: &Ctx, actor: &Actor, id: SeriesId) -> Result<(Series, Vec<Event>), Error> {
    ctx.read(&ctx.public(actor), |view| {
        let series = load(view, id)?;
        let mut events = events_in(view, id)?;
        events.retain(|event| event.state == EventState::Published);
        Ok((series, events))
    })
}

pub(crate) fn of(view: &impl Read, event: EventId) -> Result<Option<SeriesId>, Error> {
    Ok(view.get::<EventSeries>(&event)?.map(|kept| kept.series))
}

/// The series of an event, for anybody.
pub fn of_event(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Option<Series>, Error> {
    ctx.read(&ctx.public(actor), |view| of(view, event)?.map(|id| load(view, id)).transpose())
}

/// Makes a series, or changes the one of number `id` if it is still at that revision.
pub async fn save(
    ctx: &Ctx,
    actor: &Actor,
    id: Option<(SeriesId, u32)>,
    title: &str,
    intro: &str,
) -> Result<SeriesId, Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Space)?;
    let (title, intro) = (title.to_owned(), intro.to_owned());
    ctx.write(&permit, move |work| {
        let old = match id {
            Some((id, revision)) => {
                let old = load(work.read(), id)?;
                event::check_revision(old.revision, revision)?;
                old
            }
            None => {
                let id = SeriesId(work.next_id::<Series>()?);
                Series { id, title: String::new(), intro: String::new(), revision: 0 }
            }
        };
        let new = check_series(&all(work.read())?, &old, &title, &intro)?;
        work.put(&new)?;
        work.audit("series.save", format!("series/{}", new.id), &old.title, &new.title)?;
        Ok(new.id)
    })
    .await
}

/// Deletes a series; its events stay.
pub async fn remove(ctx: &Ctx, actor: &Actor, id: SeriesId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Space)?;
    ctx.write(&permit, move |work| {
        let old = load(work.read(), id)?;
        let events = work.read().scan_index(&EVENT_BY_SERIES, &id, None, Order::Ascending);
        for event in events.collect::<Result<Vec<EventId>, _>>()? {
            work.remove::<EventSeries>(&event)?;
        }
        work.remove::<Series>(&id)?;
        work.audit("series.remove", format!("series/{id}"), &old.title, "")
    })
    .await
}

/// Puts an event into a series, or takes it out of its own.
pub async fn put(ctx: &Ctx, actor: &Actor, event: EventId, series: Option<SeriesId>) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let old = of(work.read(), event)?;
        if old == series {
            return Ok(());
        }
        match series {
            Some(series) => {
                let there = work.read().get::<Series>(&series)?.is_some();
                if !there {
                    return Err(Refusal::invalid(vec![problem!("series", "Choose one of the given answers.")]).into());
                }
                work.put(&EventSeries { event, series })?;
            }
            None => work.remove::<EventSeries>(&event)?,
        }
        let text = |id: Option<SeriesId>| id.map_or(String::new(), |id| format!("series/{id}"));
        work.audit("series.put", format!("event/{event}"), &text(old), &text(series))
    })
    .await
}

/// The copy of an event belongs to the same series.
pub(crate) fn copy(work: &mut Work<'_, '_>, from: EventId, to: EventId) -> Result<(), Error> {
    match of(work.read(), from)? {
        Some(series) => work.put(&EventSeries { event: to, series }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::{founded, opened};

    #[tokio::test]
    async fn a_series_shows_its_published_events_and_gives_them_back() {
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let visitor = Actor::visitor(admin.space);
        let (first, _) = opened(&hall, &admin).await;
        let (second, _) = opened(&hall, &admin).await;
        let id = save(ctx, &admin, None, "读书会", "每月一次").await.unwrap();
        assert_eq!(save(ctx, &admin, None, "读书会", "").await.unwrap_err().code(), Some("input.invalid"));
        put(ctx, &admin, first, Some(id)).await.unwrap();
        put(ctx, &admin, second, Some(id)).await.unwrap();
        assert!(put(ctx, &admin, second, Some(SeriesId(99))).await.is_err());
        let seen = |actor: &Actor| public(ctx, actor, id).unwrap().1.iter().map(|event| event.id).collect::<Vec<_>>();
        assert_eq!(seen(&visitor), [first, second]);
        event::withdraw(ctx, &admin, second).await.unwrap();
        assert_eq!(seen(&visitor), [first], "visitors see what is published");
        assert_eq!(get(ctx, &admin, id).unwrap().1.len(), 2);
        let copied = event::copy(ctx, &admin, first, "下一期").await.unwrap();
        assert_eq!(of_event(ctx, &admin, copied).unwrap().unwrap().id, id, "a copy belongs to it too");
        assert_eq!(save(ctx, &admin, Some((id, 9)), "x", "").await.unwrap_err().code(), Some("record.changed"));
        remove(ctx, &admin, id).await.unwrap();
        assert!(of_event(ctx, &visitor, first).unwrap().is_none() && public(ctx, &visitor, id).is_err());
        assert_eq!(save(ctx, &visitor, None, "x", "").await.unwrap_err().code(), Some("session.none"));
        assert!(ctx.store().verify().is_sound());
    }
}

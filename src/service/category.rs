//! Categories of events and which event lies in which (S0-5 … S0-7, S0-13).

use crate::{Actor, At, Ctx, Error, Permit, Work};
use domain::{
    Category, CategoryId, EventCategory, EventId, Permission, Refusal,
    category::{CATEGORIES_MAX, check_category, check_name},
    problem, refuse,
};
use std::collections::BTreeMap;
use store::catalogue::EVENT_BY_CATEGORY;
use store::{Order, Read};

pub(crate) fn all(view: &impl Read) -> Result<Vec<Category>, Error> {
    let kept = view.scan::<Category>(&(), None, Order::Ascending);
    let mut all = kept.map(|kept| Ok(kept?.1)).collect::<Result<Vec<Category>, Error>>()?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// Whoever sees or makes events anywhere.
pub(crate) fn may_file(ctx: &Ctx, actor: &Actor) -> Result<Permit, Error> {
    ctx.permit_somewhere(actor, Permission::EventView).or_else(|_| ctx.permit_somewhere(actor, Permission::EventManage))
}

/// Every category by name with how many events lie in it, for whoever sees or makes events anywhere.
pub fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<(Category, usize)>, Error> {
    let permit = may_file(ctx, actor)?;
    ctx.read(&permit, |view| {
        let counted = |category: Category| {
            let events = view.scan_index(&EVENT_BY_CATEGORY, &category.id, None, Order::Ascending).count();
            (category, events)
        };
        Ok(all(view)?.into_iter().map(counted).collect())
    })
}

/// Whether an event lies in a category; one that cannot be read lies in none.
pub(crate) fn holds(view: &impl Read, category: CategoryId, event: EventId) -> bool {
    of(view, event).is_ok_and(|found| found == Some(category))
}

/// The category of an event.
pub(crate) fn of(view: &impl Read, event: EventId) -> Result<Option<CategoryId>, Error> {
    Ok(view.get::<EventCategory>(&event)?.map(|kept| kept.category))
}

/// Name of the category of an event.
pub(crate) fn name_of(view: &impl Read, event: EventId) -> Result<Option<String>, Error> {
    let Some(category) = of(view, event)? else { return Ok(None) };
    Ok(view.get::<Category>(&category)?.map(|category| category.name))
}

/// Names of the categories of these events, for a list of the secretariat.
pub fn names(ctx: &Ctx, actor: &Actor, events: &[EventId]) -> Result<BTreeMap<EventId, String>, Error> {
    let permit = ctx.permit_somewhere(actor, Permission::EventView)?;
    ctx.read(&permit, |view| {
        let mut names = BTreeMap::new();
        for event in events {
            if let Some(name) = name_of(view, *event)? {
                names.insert(*event, name);
            }
        }
        Ok(names)
    })
}

/// The category of one event, for its form.
pub fn of_event(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Option<CategoryId>, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(event))?;
    ctx.read(&permit, |view| of(view, event))
}

fn subject(id: CategoryId) -> String {
    format!("category/{id}")
}

fn make(work: &mut Work<'_, '_>, field: &'static str, name: &str) -> Result<CategoryId, Error> {
    check_category(&all(work.read())?, None, field, name)?;
    let id = CategoryId(work.next_id::<Category>()?);
    work.insert(&Category { id, name: name.to_owned() })?;
    work.audit("category.create", subject(id), "", name)?;
    Ok(id)
}

/// Makes a category (S0-6).
pub async fn create(ctx: &Ctx, actor: &Actor, name: &str) -> Result<CategoryId, Error> {
    let permit = ctx.permit_somewhere(actor, Permission::EventManage)?;
    let name = check_name("name", name)?;
    ctx.write(&permit, move |work| make(work, "name", &name)).await
}

/// Gives a category another name (S0-7).
pub async fn rename(ctx: &Ctx, actor: &Actor, id: CategoryId, name: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Space)?;
    let name = check_name("name", name)?;
    ctx.write(&permit, move |work| {
        let old = work.read().get::<Category>(&id)?.ok_or_else(|| Refusal::missing("category"))?;
        check_category(&all(work.read())?, Some(id), "name", &name)?;
        work.put(&Category { id, name: name.clone() })?;
        work.audit("category.rename", subject(id), &old.name, &name)
    })
    .await
}

/// Deletes categories (S0-7); their events stay, without a category. One that is gone already is passed over.
pub async fn remove(ctx: &Ctx, actor: &Actor, ids: &[CategoryId]) -> Result<usize, Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Space)?;
    let ids: Vec<CategoryId> = ids.iter().copied().take(CATEGORIES_MAX).collect();
    ctx.write(&permit, move |work| {
        let mut removed = 0;
        for id in &ids {
            let Some(old) = work.read().get::<Category>(id)? else { continue };
            if crate::home::names(work.read(), *id)? {
                return Err(refuse!(
                    Conflict,
                    "category.in_use",
                    "A component of the home page shows the category “{name}”. Change the component first.",
                    name = old.name
                )
                .into());
            }
            let events = work.read().scan_index(&EVENT_BY_CATEGORY, id, None, Order::Ascending);
            let events = events.collect::<Result<Vec<EventId>, _>>()?;
            for event in &events {
                work.remove::<EventCategory>(event)?;
            }
            work.remove::<Category>(id)?;
            work.audit("category.remove", subject(*id), &format!("{}, {} events", old.name, events.len()), "")?;
            removed += 1;
        }
        Ok(removed)
    })
    .await
}

/// What the event form says about the category.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The chosen one.
    pub id: Option<CategoryId>,
    /// Name of a new one, made on the way (S0-13); empty for none.
    pub new: String,
}

impl Choice {
    /// Says before the event is saved what would be wrong with the choice.
    pub fn check(&self, ctx: &Ctx, actor: &Actor) -> Result<(), Error> {
        let permit = ctx.permit_somewhere(actor, Permission::EventManage)?;
        if !self.new.trim().is_empty() {
            check_name("new_category", &self.new)?;
            return Ok(());
        }
        let Some(id) = self.id else { return Ok(()) };
        let there = ctx.read(&permit, |view| Ok(view.get::<Category>(&id)?.is_some()))?;
        if there { Ok(()) } else { Err(gone().into()) }
    }
}

fn gone() -> Refusal {
    Refusal::invalid(vec![problem!("category", "Choose one of the given answers.")])
}

/// Puts an event into a category; a new name makes the category, or finds the one that has it already.
pub async fn put(ctx: &Ctx, actor: &Actor, event: EventId, choice: &Choice) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let new = match choice.new.trim() {
        "" => None,
        typed => Some(check_name("new_category", typed)?),
    };
    let chosen = choice.id;
    ctx.write(&permit, move |work| {
        let old = of(work.read(), event)?;
        let id = match &new {
            Some(name) => {
                let known = all(work.read())?.into_iter().find(|category| category.name == *name);
                Some(known.map_or_else(|| make(work, "new_category", name), |category| Ok(category.id))?)
            }
            None => chosen,
        };
        if id == old {
            return Ok(());
        }
        match id {
            Some(category) => {
                work.read().get::<Category>(&category)?.ok_or_else(gone)?;
                work.put(&EventCategory { event, category })?;
            }
            None => work.remove::<EventCategory>(&event)?,
        }
        let text = |id: Option<CategoryId>| id.map_or(String::new(), subject);
        work.audit("category.put", format!("event/{event}"), &text(old), &text(id))
    })
    .await
}

/// The copy of an event lies in the same category.
pub(crate) fn copy(work: &mut Work<'_, '_>, from: EventId, to: EventId) -> Result<(), Error> {
    match of(work.read(), from)? {
        Some(category) => work.put(&EventCategory { event: to, category }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event;
    use crate::test::{founded, opened};

    #[tokio::test]
    async fn events_lie_in_categories_that_are_made_on_the_way() {
        let (hall, admin) = founded().await;
        let (event, _) = opened(&hall, &admin).await;
        let (other, _) = opened(&hall, &admin).await;
        let new = |name: &str| Choice { id: None, new: name.into() };
        put(&hall.ctx, &admin, event, &new("年会")).await.unwrap();
        put(&hall.ctx, &admin, other, &new("年会")).await.unwrap();
        let listed = list(&hall.ctx, &admin).unwrap();
        assert_eq!((listed.len(), listed[0].1), (1, 2), "a known name makes no second category");
        let id = listed[0].0.id;
        let filter = |category| event::EventFilter { category, ..event::EventFilter::default() };
        assert_eq!(event::list(&hall.ctx, &admin, &filter(Some(id))).unwrap().1, 2);
        put(&hall.ctx, &admin, other, &Choice::default()).await.unwrap();
        let found = event::list(&hall.ctx, &admin, &filter(Some(id))).unwrap().0;
        assert_eq!(found.iter().map(|row| row.event.id).collect::<Vec<_>>(), [event]);
        assert_eq!(names(&hall.ctx, &admin, &[event, other]).unwrap().get(&event).map(String::as_str), Some("年会"));
        rename(&hall.ctx, &admin, id, "大会").await.unwrap();
        let salon = create(&hall.ctx, &admin, "沙龙").await.unwrap();
        let taken = rename(&hall.ctx, &admin, salon, "大会").await.unwrap_err();
        assert_eq!(taken.code(), Some("input.invalid"));
        let ghost = Choice { id: Some(CategoryId(99)), new: String::new() };
        assert!(ghost.check(&hall.ctx, &admin).is_err() && put(&hall.ctx, &admin, event, &ghost).await.is_err());
        assert_eq!(remove(&hall.ctx, &admin, &[id, salon, CategoryId(99)]).await.unwrap(), 2);
        assert_eq!(of_event(&hall.ctx, &admin, event).unwrap(), None, "the event stays, without a category");
        assert!(event::get(&hall.ctx, &admin, event).is_ok() && hall.ctx.store().verify().is_sound());
        let visitor = Actor::visitor(admin.space);
        assert_eq!(create(&hall.ctx, &visitor, "x").await.unwrap_err().code(), Some("session.none"));
        assert_eq!(list(&hall.ctx, &visitor).unwrap_err().code(), Some("session.none"), "visitors see no category");
    }
}

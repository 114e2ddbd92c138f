//! Components of the home page: making, ordering, removing, previewing; and what visitors see of them (S0-76 … S0-78).

use crate::{Actor, At, Ctx, Error, category, event};
use domain::{
    Event, EventId, HomePart, PartId, Permission, Refusal,
    home::{PartInput, PartStyle, Shown, check_part, check_room, choose, raised},
};
use std::collections::BTreeMap;
use store::{Order, Read};

/// A component with the events that it shows.
#[derive(Debug, Clone)]
pub struct PartPage {
    /// The component.
    pub part: HomePart,
    /// Its events, the next one first.
    pub events: Vec<Event>,
}

fn all(view: &impl Read) -> Result<Vec<HomePart>, Error> {
    let kept = view.scan::<HomePart>(&(), None, Order::Ascending);
    let mut parts = kept.map(|kept| Ok(kept?.1)).collect::<Result<Vec<HomePart>, Error>>()?;
    parts.sort_by_key(|part| (part.position, part.id));
    Ok(parts)
}

fn fresh() -> HomePart {
    HomePart {
        id: PartId(0),
        title: String::new(),
        style: PartStyle::Big,
        category: None,
        count: 3,
        position: 0,
        revision: 0,
    }
}

/// The components in their order, for the secretariat.
pub fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<HomePart>, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.read(&permit, all)
}

/// Categories to choose from.
pub fn categories(ctx: &Ctx, actor: &Actor) -> Result<Vec<domain::Category>, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.read(&permit, category::all)
}

/// One component for its form.
pub fn get(ctx: &Ctx, actor: &Actor, id: PartId) -> Result<HomePart, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.read(&permit, |view| load(view, id))
}

fn load(view: &impl Read, id: PartId) -> Result<HomePart, Error> {
    view.get::<HomePart>(&id)?.ok_or_else(|| Refusal::missing("component").into())
}

/// Whether a component shows the events of that category.
pub(crate) fn names(view: &impl Read, category: domain::CategoryId) -> Result<bool, Error> {
    Ok(all(view)?.iter().any(|part| part.category == Some(category)))
}

/// Makes a component, last on the page, or changes the one of number `id` if it is still at that revision.
pub async fn save(ctx: &Ctx, actor: &Actor, id: Option<(PartId, u32)>, input: &PartInput) -> Result<PartId, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let input = input.clone();
    ctx.write(&permit, move |work| {
        let parts = all(work.read())?;
        let old = match id {
            Some((id, revision)) => {
                let old = load(work.read(), id)?;
                event::check_revision(old.revision, revision)?;
                old
            }
            None => {
                check_room(parts.len())?;
                let position = parts.last().map_or(0, |last| last.position + 1);
                HomePart { id: PartId(work.next_id::<HomePart>()?), position, ..fresh() }
            }
        };
        let known = category::all(work.read())?;
        let part = check_part(&input, &old, |id| known.iter().any(|category| category.id == id))?;
        work.put(&part)?;
        let before = if id.is_some() { format!("{old:?}") } else { String::new() };
        work.audit("home.save", format!("home/{}", part.id), &before, &format!("{part:?}"))?;
        Ok(part.id)
    })
    .await
}

/// Lets a component stand one place higher.
pub async fn raise(ctx: &Ctx, actor: &Actor, id: PartId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.write(&permit, move |work| {
        load(work.read(), id)?;
        let parts = all(work.read())?;
        let order = raised(parts.iter().map(|part| part.id).collect(), id);
        for (position, id) in (0u32..).zip(order) {
            if let Some(part) = parts.iter().find(|part| part.id == id && part.position != position) {
                work.put(&HomePart { position, ..part.clone() })?;
            }
        }
        work.audit("home.raise", format!("home/{id}"), "", "")
    })
    .await
}

/// Removes a component.
pub async fn remove(ctx: &Ctx, actor: &Actor, id: PartId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    ctx.write(&permit, move |work| {
        let old = load(work.read(), id)?;
        work.remove::<HomePart>(&id)?;
        work.audit("home.remove", format!("home/{id}"), &format!("{old:?}"), "")
    })
    .await
}

/// What visitors see of the events, by number; and what the choice needs of them.
fn open_events(ctx: &Ctx, actor: &Actor) -> Result<(BTreeMap<EventId, Event>, Vec<Shown>), Error> {
    let events = event::public_list(ctx, actor)?;
    ctx.read(&ctx.public(actor), |view| {
        let mut shown = Vec::with_capacity(events.len());
        for event in &events {
            shown.push(Shown { event: event.id, from: event.time.from, category: category::of(view, event.id)? });
        }
        Ok((events.into_iter().map(|event| (event.id, event)).collect(), shown))
    })
}

fn filled(part: HomePart, events: &BTreeMap<EventId, Event>, shown: &[Shown]) -> PartPage {
    let chosen = choose(&part, shown);
    PartPage { part, events: chosen.iter().filter_map(|id| events.get(id).cloned()).collect() }
}

/// The home page's components with their events, for anybody.
pub fn public(ctx: &Ctx, actor: &Actor) -> Result<Vec<PartPage>, Error> {
    let parts = ctx.read(&ctx.public(actor), all)?;
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let (events, shown) = open_events(ctx, actor)?;
    Ok(parts.into_iter().map(|part| filled(part, &events, &shown)).collect())
}

/// One component with its events, for anybody.
pub fn public_part(ctx: &Ctx, actor: &Actor, id: PartId) -> Result<PartPage, Error> {
    let part = ctx.read(&ctx.public(actor), |view| load(view, id))?;
    let (events, shown) = open_events(ctx, actor)?;
    Ok(filled(part, &events, &shown))
}

/// What a component would show if its form were saved (S0-78); nothing is kept.
pub fn preview(ctx: &Ctx, actor: &Actor, input: &PartInput) -> Result<PartPage, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let part = ctx.read(&permit, |view| {
        let known = category::all(view)?;
        Ok(check_part(input, &fresh(), |id| known.iter().any(|category| category.id == id))?)
    })?;
    let (events, shown) = open_events(ctx, actor)?;
    Ok(filled(part, &events, &shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::Choice;
    use crate::test::{founded, opened};

    fn input(title: &str, category: Option<domain::CategoryId>) -> PartInput {
        PartInput { title: title.into(), style: "list".into(), category, count: "2".into() }
    }

    #[tokio::test]
    async fn the_home_page_shows_its_components_in_their_order() {
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let visitor = Actor::visitor(admin.space);
        let (first, _) = opened(&hall, &admin).await;
        let (second, _) = opened(&hall, &admin).await;
        assert!(public(ctx, &visitor).unwrap().is_empty());
        category::put(ctx, &admin, second, &Choice { id: None, new: "沙龙".into() }).await.unwrap();
        let salon = category::list(ctx, &admin).unwrap()[0].0.id;
        let everything = save(ctx, &admin, None, &input("全部", None)).await.unwrap();
        let salons = save(ctx, &admin, None, &input("沙龙活动", Some(salon))).await.unwrap();
        raise(ctx, &admin, salons).await.unwrap();
        let seen: Vec<(PartId, Vec<EventId>)> = public(ctx, &visitor)
            .unwrap()
            .into_iter()
            .map(|page| (page.part.id, page.events.iter().map(|event| event.id).collect()))
            .collect();
        assert_eq!(seen, [(salons, vec![second]), (everything, vec![first, second])]);
        let kept = category::remove(ctx, &admin, &[salon]).await.unwrap_err();
        assert_eq!(kept.code(), Some("category.in_use"));
        event::withdraw(ctx, &admin, second).await.unwrap();
        assert!(public_part(ctx, &visitor, salons).unwrap().events.is_empty(), "what is withdrawn is not shown");
        assert_eq!(preview(ctx, &admin, &input("x", None)).unwrap().events.len(), 1);
        assert_eq!(list(ctx, &admin).unwrap().len(), 2, "a preview keeps nothing");
        let stale = save(ctx, &admin, Some((salons, 9)), &input("x", None)).await.unwrap_err();
        assert_eq!(stale.code(), Some("record.changed"));
        remove(ctx, &admin, salons).await.unwrap();
        assert!(public_part(ctx, &visitor, salons).unwrap_err().is(domain::Kind::Missing));
        assert_eq!(save(ctx, &visitor, None, &input("x", None)).await.unwrap_err().code(), Some("session.none"));
    }
}

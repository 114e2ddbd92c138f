//! Components of the home page: making, ordering, removing, previewing; and what visitors see of them (S0-76 … S0-78).

use crate::{Actor, At, Ctx, Error, category, event, merchant};
use domain::{
    CategoryId, Event, EventId, HomePart, PartId, Permission, Refusal, SpaceId,
    home::{PartInput, PartSource, PartStyle, Shown, check_part, check_room, choose, raised},
};
use std::collections::BTreeMap;
use store::{Order, Read};

/// A component with the events that it shows.
#[derive(Debug, Clone)]
pub struct PartPage {
    /// The component.
    pub part: HomePart,
    /// Its events, the next one first.
    pub events: Vec<PartEvent>,
}

/// An event of a component.
#[derive(Debug, Clone)]
pub struct PartEvent {
    /// Where it is.
    pub space: SpaceId,
    /// Name of the merchant, where it is one's.
    pub merchant: Option<String>,
    /// The event.
    pub event: Event,
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
        source: PartSource::Both,
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

/// What visitors of a home page see of the events.
struct Open {
    /// Whose home page it is.
    home: SpaceId,
    /// The events.
    events: BTreeMap<(SpaceId, EventId), PartEvent>,
    /// What the choice needs of them.
    shown: Vec<Shown>,
}

impl Open {
    fn take(&mut self, of: PartEvent, category: Option<CategoryId>) {
        let (space, event, from) = (of.space, of.event.id, of.event.time.from);
        self.shown.push(Shown { space, event, from, category });
        self.events.insert((space, event), of);
    }

    fn fill(&self, part: HomePart) -> PartPage {
        let chosen = choose(&part, self.home, &self.shown);
        PartPage { part, events: chosen.iter().filter_map(|key| self.events.get(key).cloned()).collect() }
    }
}

/// The events that visitors see: those of this space, and those of merchants where the platform makes them public (S0-86).
fn open_events(ctx: &Ctx, actor: &Actor) -> Result<Open, Error> {
    let (own, merchants) = (event::public_list(ctx, actor)?, merchant::public_events(ctx, actor)?);
    ctx.read(&ctx.public(actor), |view| {
        let mut open = Open { home: actor.space, events: BTreeMap::new(), shown: Vec::new() };
        for event in own {
            let category = category::of(view, event.id)?;
            open.take(PartEvent { space: actor.space, merchant: None, event }, category);
        }
        let here = if merchants.is_empty() { Vec::new() } else { category::all(view)? };
        for of in merchants {
            let named = |category: &&domain::Category| of.category.as_ref() == Some(&category.name);
            let category = here.iter().find(named).map(|category| category.id);
            open.take(PartEvent { space: of.space, merchant: Some(of.merchant), event: of.event }, category);
        }
        Ok(open)
    })
}

/// The home page's components with their events, for anybody.
pub fn public(ctx: &Ctx, actor: &Actor) -> Result<Vec<PartPage>, Error> {
    let parts = ctx.read(&ctx.public(actor), all)?;
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let open = open_events(ctx, actor)?;
    Ok(parts.into_iter().map(|part| open.fill(part)).collect())
}

/// One component with its events, for anybody.
pub fn public_part(ctx: &Ctx, actor: &Actor, id: PartId) -> Result<PartPage, Error> {
    let part = ctx.read(&ctx.public(actor), |view| load(view, id))?;
    Ok(open_events(ctx, actor)?.fill(part))
}

/// What a component would show if its form were saved (S0-78); nothing is kept.
pub fn preview(ctx: &Ctx, actor: &Actor, input: &PartInput) -> Result<PartPage, Error> {
    let permit = ctx.permit(actor, Permission::SpaceManage, At::Space)?;
    let part = ctx.read(&permit, |view| {
        let known = category::all(view)?;
        Ok(check_part(input, &fresh(), |id| known.iter().any(|category| category.id == id))?)
    })?;
    Ok(open_events(ctx, actor)?.fill(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::Choice;
    use crate::test::{founded, opened};

    fn input(title: &str, category: Option<domain::CategoryId>) -> PartInput {
        PartInput { title: title.into(), style: "list".into(), category, count: "2".into(), ..PartInput::default() }
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
            .map(|page| (page.part.id, page.events.iter().map(|of| of.event.id).collect()))
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

    #[tokio::test]
    async fn components_show_merchants_events_beside_the_platforms_own() {
        let (hall, admin) = founded().await;
        let ctx = &hall.ctx;
        let (_, boss) = crate::merchant::test::with_merchant(&hall, &admin, "qingsong").await;
        let (own, _) = opened(&hall, &admin).await;
        let (theirs, _) = opened(&hall, &boss).await;
        let (filed, _) = opened(&hall, &boss).await;
        let lies_in = |new: &str| Choice { id: None, new: new.into() };
        category::put(ctx, &boss, filed, &lies_in("沙龙")).await.unwrap();
        category::put(ctx, &admin, own, &lies_in("沙龙")).await.unwrap();
        let salon = category::list(ctx, &admin).unwrap()[0].0.id;
        let of = |source: &str, category| PartInput { source: source.into(), count: "9".into(), ..input("", category) };
        let mut parts = Vec::new();
        for (source, category) in
            [("", None), ("own", None), ("merchants", None), ("both", Some(salon)), ("merchants", Some(salon))]
        {
            parts.push(save(ctx, &admin, None, &of(source, category)).await.unwrap());
        }
        let visitor = Actor::visitor(admin.space);
        let seen = |part: PartId| -> Vec<(SpaceId, EventId, bool)> {
            let page = public_part(ctx, &visitor, part).unwrap();
            page.events.into_iter().map(|of| (of.space, of.event.id, of.merchant.is_some())).collect()
        };
        let (here, there) = ((admin.space, own, false), |event| (boss.space, event, true));
        assert_eq!(seen(parts[0]), [here], "merchants' events are not public yet");
        assert!(seen(parts[2]).is_empty());
        let show = domain::merchant::SettingInput { auto_public: true, ..Default::default() };
        let keep = || crate::merchant::Picture::Keep;
        crate::merchant::save_setting(ctx, &admin, 0, &show, keep(), keep()).await.unwrap();
        assert_eq!(seen(parts[0]), [here, there(theirs), there(filed)]);
        assert_eq!(seen(parts[1]), [here]);
        assert_eq!(seen(parts[2]), [there(theirs), there(filed)]);
        assert_eq!(seen(parts[3]), [here, there(filed)], "a category is known by its name");
        assert_eq!(seen(parts[4]), [there(filed)]);
        event::withdraw(ctx, &boss, filed).await.unwrap();
        assert!(seen(parts[4]).is_empty(), "what is withdrawn is not shown");
        let at_home = save(ctx, &boss, None, &of("merchants", None)).await.unwrap();
        let page = public_part(ctx, &Actor::visitor(boss.space), at_home).unwrap();
        let ids: Vec<EventId> = page.events.iter().map(|of| of.event.id).collect();
        assert_eq!(ids, [theirs], "a merchant's page shows its own alone, whatever was sent");
    }
}

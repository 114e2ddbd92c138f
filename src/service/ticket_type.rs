//! Ticket types of an event (S0-20 … S0-25, S0-28).

use crate::{Actor, At, Ctx, Error, Work, event, member, merchant, quota::Stocks, voucher};
use domain::{
    EventId, Permission, Refusal, TicketType, TicketTypeId, refuse,
    ticket_type::{Offer, TICKET_TYPES_MAX, TicketTypeDetails, TicketTypeInput, check_ticket_type, offer, sold_out},
};
use store::catalogue::ENTERED_OF_TYPE;
use store::{Order, Read};

/// A ticket type with its figures.
#[derive(Debug, Clone)]
pub struct TicketTypeRow {
    /// The type.
    pub kind: TicketType,
    /// Places taken, or held for somebody.
    pub taken: i64,
    /// What a visitor can still take; none without a limit.
    pub left: Option<i64>,
    /// What one costs now.
    pub price: domain::Money,
    /// People checked in with it.
    pub admitted: i64,
    /// Whether a visitor could take one now.
    pub offer: Offer,
    /// What members pay, where it is something else.
    pub member: Option<domain::Money>,
    /// Only members can take it.
    pub members_only: bool,
}

pub(crate) fn of_event(view: &impl Read, event: EventId) -> Result<Vec<TicketType>, Error> {
    let mut kinds: Vec<TicketType> = view
        .scan::<TicketType>(&event, None, Order::Ascending)
        .map(|kept| Ok(kept?.1))
        .collect::<Result<_, Error>>()?;
    kinds.sort_by_key(|kind| (kind.position, kind.id));
    Ok(kinds)
}

/// Refuses when not one more place of the type is there, whoever asks.
pub(crate) fn check_room(view: &impl Read, kind: &TicketType) -> Result<(), Error> {
    match Stocks::read(view, kind.event)?.of(kind.id).left(kind) {
        Some(0) => Err(sold_out(&kind.name).into()),
        Some(_) | None => Ok(()),
    }
}

pub(crate) fn load(view: &impl Read, event: EventId, id: TicketTypeId) -> Result<TicketType, Error> {
    view.get::<TicketType>(&(event, id))?.ok_or_else(|| Refusal::missing("ticket type").into())
}

fn rows(
    ctx: &Ctx,
    view: &impl Read,
    event: EventId,
    unlocked: impl Fn(&TicketType) -> bool,
) -> Result<Vec<TicketTypeRow>, Error> {
    let ends = event::load(view, event)?.time.to;
    let (now, stocks) = (ctx.now(), Stocks::read(view, event)?);
    let (mut rows, mut members) = (Vec::new(), member::offers_of(view, event)?);
    for kind in of_event(view, event)? {
        let stock = stocks.of(kind.id);
        let admitted = view.count(&ENTERED_OF_TYPE, &(event, domain::ListId::MAIN, kind.id))?;
        let offer = offer(&kind, &stock, unlocked(&kind), ends, now);
        let (left, price) = (stock.open(&kind), kind.price_at(stock.taken, now));
        let members = members.remove(&kind.id);
        let (member, members_only) = members.map_or((None, false), |offer| (offer.price, offer.only));
        rows.push(TicketTypeRow { kind, taken: stock.taken, left, price, admitted, offer, member, members_only });
    }
    Ok(rows)
}

/// The types of an event in their order, for the secretariat.
pub fn list(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<TicketTypeRow>, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(event))?;
    ctx.read(&permit, |view| rows(ctx, view, event, |_| true))
}

/// The types of a published event that a visitor may take (S0-28), those included that a typed code opens.
pub fn public_list(ctx: &Ctx, actor: &Actor, event: EventId, code: &str) -> Result<Vec<TicketTypeRow>, Error> {
    event::public_get(ctx, actor, event)?;
    ctx.read(&ctx.public(actor), |view| {
        let voucher = voucher::typed(view, event, code, ctx.now()).ok().flatten();
        let opens = |kind: &TicketType| voucher.as_ref().is_some_and(|(code, _)| code.unlocks && code.is_for(kind.id));
        let mut rows = rows(ctx, view, event, opens)?;
        rows.retain(|row| row.offer != Offer::Disabled);
        Ok(rows)
    })
}

pub(crate) fn insert(
    work: &mut Work<'_, '_>,
    event: EventId,
    details: &TicketTypeDetails,
) -> Result<TicketTypeId, Error> {
    check_price(work.read(), details)?;
    let others = of_event(work.read(), event)?;
    if others.len() >= TICKET_TYPES_MAX {
        return Err(refuse!(
            Conflict,
            "ticket_type.too_many",
            "An event can have at most {max} ticket types.",
            max = TICKET_TYPES_MAX
        )
        .into());
    }
    let position = others.iter().map(|kind| kind.position).max().map_or(0, |last| last.saturating_add(1));
    let kind = with_details(TicketTypeId(work.next_id::<TicketType>()?), event, position, details);
    work.insert(&kind)?;
    work.audit("ticket_type.create", format!("event/{event}/ticket_type/{}", kind.id), "", &summary(&kind))?;
    member::put_offer(work, event, kind.id, details.member)?;
    Ok(kind.id)
}

/// A merchant's tickets have a price only where the platform grants it (decision A5).
fn check_price(view: &impl Read, details: &TicketTypeDetails) -> Result<(), Error> {
    let members = details.member.is_some_and(|(price, _)| price.is_some());
    let costs = !details.price.is_free() || members || details.steps.iter().any(|step| !step.price.is_free());
    merchant::check_charging(view, costs)
}

fn with_details(id: TicketTypeId, event: EventId, position: u16, details: &TicketTypeDetails) -> TicketType {
    TicketType {
        id,
        event,
        name: details.name.clone(),
        price: details.price,
        quota: details.quota,
        sale: details.sale,
        note: details.note.clone(),
        enabled: details.enabled,
        steps: details.steps.clone(),
        review: details.review,
        locked: details.locked,
        companion: details.companion,
        position,
    }
}

fn summary(kind: &TicketType) -> String {
    let quota = kind.quota.map_or("∞".to_owned(), |quota| quota.to_string());
    format!(
        "{} | ¥{} | {quota} | {}",
        kind.name,
        kind.price.to_yuan(),
        if kind.enabled { "enabled" } else { "disabled" }
    )
}

/// Adds a type (`id` none) or changes one.
pub async fn save(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: Option<TicketTypeId>,
    input: &TicketTypeInput,
) -> Result<TicketTypeId, Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let (input, zone) = (input.clone(), event::zone(ctx, actor.space)?);
    ctx.write(&permit, move |work| {
        let all = of_event(work.read(), event)?;
        let others: Vec<String> = all.iter().filter(|kind| Some(kind.id) != id).map(|kind| kind.name.clone()).collect();
        let Some(id) = id else {
            let details = check_ticket_type(&input, &others, 0, &zone)?;
            return insert(work, event, &details);
        };
        let before = load(work.read(), event, id)?;
        let details = check_ticket_type(&input, &others, Stocks::read(work.read(), event)?.of(id).taken, &zone)?;
        check_price(work.read(), &details)?;
        let after = with_details(id, event, before.position, &details);
        work.put(&after)?;
        work.audit("ticket_type.save", format!("event/{event}/ticket_type/{id}"), &summary(&before), &summary(&after))?;
        member::put_offer(work, event, id, details.member)?;
        Ok(id)
    })
    .await
}

/// Shows a type to visitors or hides it (S0-28).
pub async fn set_enabled(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: TicketTypeId,
    enabled: bool,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let before = load(work.read(), event, id)?;
        let after = TicketType { enabled, ..before.clone() };
        work.put(&after)?;
        work.audit("ticket_type.save", format!("event/{event}/ticket_type/{id}"), &summary(&before), &summary(&after))
    })
    .await
}

/// Moves a type one place up in the order of display.
pub async fn raise(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketTypeId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let mut all = of_event(work.read(), event)?;
        let at = all.iter().position(|kind| kind.id == id).ok_or_else(|| Refusal::missing("ticket type"))?;
        if at == 0 {
            return Ok(());
        }
        all.swap(at, at - 1);
        for (position, kind) in (0u16..).zip(&mut all) {
            kind.position = position;
            work.put(kind)?;
        }
        work.audit("ticket_type.raise", format!("event/{event}/ticket_type/{id}"), "", "")
    })
    .await
}

/// Deletes a type that no ticket, canceled ones included, was ever taken of.
pub async fn remove(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketTypeId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let kind = load(work.read(), event, id)?;
        let mut used = work.read().count(&store::catalogue::TICKETS_EVER_OF_TYPE, &(event, id))? > 0;
        used |= of_event(work.read(), event)?.len() == 1;
        if used {
            return Err(refuse!(
                Conflict,
                "ticket_type.in_use",
                "This ticket type has registrations or is the only one of the event. Disable it instead."
            )
            .into());
        }
        work.remove::<TicketType>(&(event, id))?;
        member::put_offer(work, event, id, None)?;
        work.audit("ticket_type.remove", format!("event/{event}/ticket_type/{id}"), &summary(&kind), "")
    })
    .await
}

//! What is a logged-in person's own: tickets and orders of a proved phone number, and those ordered or collected while logged in; prizes
//! and notices that go with them.

use super::{logged_in, proof::identities_of};
use crate::{Actor, Ctx, Error, checkin, draw, notice, registration, token};
use domain::{
    Event, EventId, Notice, OrderId, Person, PersonId, Refusal, Ticket, TicketId, TicketType,
    checkin::Standing,
    identity::{IdentityKind, PersonOrder, PersonTicket},
    notice::About,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use store::catalogue::{ORDER_BY_LINK, TICKET_BY_LINK, TICKET_BY_PHONE};
use store::{Order, Read};

/// Most tickets and orders of one person that are looked at.
const OWN_MAX: usize = 500;

/// A ticket of one's own.
#[derive(Debug, Clone)]
pub struct OwnTicket {
    /// The ticket.
    pub ticket: Ticket,
    /// Its event.
    pub event: Event,
    /// Name of its type.
    pub kind: String,
    /// Where it stands at the door.
    pub standing: Standing,
}

/// The phone number that the person proved.
fn proved_phone(view: &impl Read, person: PersonId) -> Result<Option<String>, Error> {
    let phone = view.get::<Person>(&person)?.and_then(|person| person.phone);
    let all = identities_of(view, person)?;
    let is_proved =
        |phone: &String| all.iter().any(|identity| identity.kind == IdentityKind::Phone && identity.value == *phone);
    Ok(phone.filter(is_proved))
}

fn tickets_in(view: &impl Read, person: PersonId) -> Result<Vec<Ticket>, Error> {
    let mut keys: BTreeSet<(EventId, TicketId)> = BTreeSet::new();
    if let Some(phone) = proved_phone(view, person)? {
        for key in view.scan_unique(&TICKET_BY_PHONE, &phone, None, Order::Ascending).take(OWN_MAX) {
            keys.insert(key?);
        }
    }
    let mut tickets = Vec::new();
    for kept in view.scan::<PersonTicket>(&person, None, Order::Descending).take(OWN_MAX) {
        let (_, own) = kept?;
        let key = (own.event, own.ticket);
        if keys.contains(&key) {
            continue;
        }
        // Whoever passed a ticket on has it no more.
        tickets.extend(view.get::<Ticket>(&key)?.filter(|ticket| ticket.link == own.link));
    }
    for key in keys {
        tickets.extend(view.get::<Ticket>(&key)?);
    }
    Ok(tickets)
}

/// The person's tickets, the latest event in front.
pub fn tickets(ctx: &Ctx, actor: &Actor) -> Result<Vec<OwnTicket>, Error> {
    let (person, _) = logged_in(actor)?;
    ctx.read(&ctx.public(actor), |view| {
        let mut rows = Vec::new();
        for ticket in tickets_in(view, person)? {
            let Some(event) = view.get::<Event>(&ticket.event)? else { continue };
            let kind = view.get::<TicketType>(&(ticket.event, ticket.kind))?.map_or(String::new(), |kind| kind.name);
            let standing = checkin::standing(ctx, actor.space, ticket.event, ticket.id)?;
            rows.push(OwnTicket { ticket, event, kind, standing });
        }
        rows.sort_by_key(|row| Reverse((row.event.time.from, row.ticket.id)));
        Ok(rows)
    })
}

/// An order of one's own.
#[derive(Debug, Clone)]
pub struct OwnOrder {
    /// The order.
    pub order: domain::Order,
    /// Its event.
    pub event: Event,
}

fn orders_in(view: &impl Read, person: PersonId) -> Result<BTreeMap<(EventId, OrderId), domain::Order>, Error> {
    let mut orders = BTreeMap::new();
    for kept in view.scan::<PersonOrder>(&person, None, Order::Descending).take(OWN_MAX) {
        let (_, own) = kept?;
        if let Some(order) = view.get::<domain::Order>(&(own.event, own.order))? {
            orders.insert((own.event, own.order), order);
        }
    }
    let phone = proved_phone(view, person)?;
    for ticket in tickets_in(view, person)? {
        let Some(id) = ticket.order else { continue };
        let order = view.get::<domain::Order>(&(ticket.event, id))?;
        // A companion's ticket does not open the buyer's order.
        let bought = |order: &domain::Order| phone.is_some() && order.buyer.phone == phone;
        if let Some(order) = order.filter(bought) {
            orders.insert((ticket.event, id), order);
        }
    }
    Ok(orders)
}

/// Whether an order is the person's own: placed while logged in, or bought with the proved number.
pub(crate) fn owns(view: &impl Read, person: PersonId, order: &domain::Order) -> Result<bool, Error> {
    Ok(orders_in(view, person)?.contains_key(&(order.event, order.id)))
}

/// The person's orders, the newest in front.
pub fn orders(ctx: &Ctx, actor: &Actor) -> Result<Vec<OwnOrder>, Error> {
    let (person, _) = logged_in(actor)?;
    ctx.read(&ctx.public(actor), |view| {
        let mut rows = Vec::new();
        for order in orders_in(view, person)?.into_values() {
            if let Some(event) = view.get::<Event>(&order.event)? {
                rows.push(OwnOrder { order, event });
            }
        }
        rows.sort_by_key(|row| Reverse((row.order.created_at, row.order.id)));
        Ok(rows)
    })
}

/// A prize of one's own.
#[derive(Debug, Clone)]
pub struct OwnPrize {
    /// Name of the event.
    pub event: String,
    /// Name of the draw.
    pub draw: String,
    /// The prize.
    pub won: draw::OwnWin,
    /// Link of the ticket that won it.
    pub ticket: String,
}

/// What the person's tickets won, the latest event in front.
pub fn prizes(ctx: &Ctx, actor: &Actor) -> Result<Vec<OwnPrize>, Error> {
    let mut prizes = Vec::new();
    for own in tickets(ctx, actor)? {
        let link = token::link(&own.ticket.link);
        let (_, draws) = draw::numbers_of(ctx, actor.space, own.event.id, own.ticket.id)?;
        for (of, _) in draws.into_iter().filter(|(_, won)| *won > 0) {
            let mine = draw::mine(ctx, actor.space, of.id, &[&link], None)?;
            let prize =
                |won| OwnPrize { event: own.event.name.clone(), draw: of.name.clone(), won, ticket: link.clone() };
            prizes.extend(mine.wins.into_iter().map(prize));
        }
    }
    Ok(prizes)
}

/// What was said to the person about tickets and orders, the newest in front.
pub fn notices(ctx: &Ctx, actor: &Actor) -> Result<Vec<Notice>, Error> {
    let (person, _) = logged_in(actor)?;
    ctx.read(&ctx.public(actor), |view| {
        let mut all: Vec<Notice> = Vec::new();
        for ticket in tickets_in(view, person)? {
            all.extend(notice::about(view, About::Ticket(ticket.event, ticket.id))?);
        }
        for (event, order) in orders_in(view, person)?.into_keys() {
            all.extend(notice::about(view, About::Order(event, order))?);
        }
        all.extend(notice::about(view, About::Person(person))?);
        all.sort_by_key(|notice| Reverse((notice.created_at, notice.id)));
        Ok(all)
    })
}

/// Keeps a ticket as the logged-in person's own: whoever has its link holds it.
pub async fn remember(ctx: &Ctx, actor: &Actor, link: &str) -> Result<(), Error> {
    let (person, _) = logged_in(actor)?;
    let link = token::read_link(link).ok_or_else(|| Refusal::missing("ticket"))?;
    ctx.write(&ctx.public(actor), move |work| {
        let ticket =
            work.read().find::<Ticket, _>(&TICKET_BY_LINK, &link)?.ok_or_else(|| Refusal::missing("ticket"))?;
        let own = PersonTicket { person, event: ticket.event, ticket: ticket.id, link };
        if work.read().get::<PersonTicket>(&(person, ticket.event, ticket.id))?.as_ref() == Some(&own) {
            return Ok(());
        }
        work.put(&own)?;
        work.audit("person.ticket", format!("person/{person}"), "", &registration::subject(&ticket))
    })
    .await
}

/// Keeps an order, and its buyer's ticket, as the logged-in person's own: whoever has its link placed it.
pub async fn remember_order(ctx: &Ctx, actor: &Actor, link: &str) -> Result<(), Error> {
    let (person, _) = logged_in(actor)?;
    let link = token::read_link(link).ok_or_else(|| Refusal::missing("order"))?;
    ctx.write(&ctx.public(actor), move |work| {
        let missing = || Refusal::missing("order");
        let order = work.read().find::<domain::Order, _>(&ORDER_BY_LINK, &link)?.ok_or_else(missing)?;
        if work.read().get::<PersonOrder>(&(person, order.event, order.id))?.is_some() {
            return Ok(());
        }
        work.put(&PersonOrder { person, event: order.event, order: order.id })?;
        if let Some((id, _)) = order.tickets().next()
            && let Some(ticket) = work.read().get::<Ticket>(&(order.event, id))?
        {
            work.put(&PersonTicket { person, event: order.event, ticket: id, link: ticket.link })?;
        }
        work.audit("person.order", format!("person/{person}"), "", &order.number)
    })
    .await
}

//! Bringing an order from state to state, and its tickets with it.

use super::{keep, load, sale_in, summary, tell};
use crate::{Actor, At, Ctx, Error, Work, checkin, event, registration, ticket_type};
use domain::{
    EventId, Order, OrderId, Permission, Refusal, SpaceId, Ticket, TicketState,
    order::{Act, Item, OrderState, REASON_MAX, next},
    refuse,
    text::Form,
    ticket::check_cancel,
};
use store::catalogue::ORDER_BY_HOLD;

/// What the secretariat says to an order that waits for review (S0-50).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Approve,
    /// No, with what the buyer is told.
    Refuse(String),
}

/// Brings an order into the state that the act leads to, its tickets too, and tells the buyer.
pub(crate) fn move_to(work: &mut Work<'_, '_>, order: &mut Order, act: Act) -> Result<(), Error> {
    let before = summary(order);
    enter(work, order, act)?;
    carry(work, order)?;
    keep(work, order, act.code(), &before)?;
    tell(work, order)
}

/// Sets the state that the act leads to, and how long unpaid places are held from now on.
fn enter(work: &Work<'_, '_>, order: &mut Order, act: Act) -> Result<(), Error> {
    // An order that stands again costs again what stands: the sums are asked as if it stood.
    let standing = Order { state: OrderState::PendingPayment, ..order.clone() };
    let state = next(order.state, act, standing.sums().is_settled())?;
    let at = event::load(work.read(), order.event)?;
    let kept = order.method.is_some_and(domain::payment::Method::is_kept);
    order.hold_until = match state {
        OrderState::PendingPayment if !kept => {
            Some(sale_in(work.read(), order.event)?.held_until(work.now, at.time.to))
        }
        _ => None,
    };
    order.state = state;
    order.changed_at = work.now;
    Ok(())
}

/// Gives the order's tickets the state that the order's means. Who is checked in cannot lose a place; who gets one back needs room.
fn carry(work: &mut Work<'_, '_>, order: &Order) -> Result<(), Error> {
    let wanted = order.ticket_state();
    for line in order.lines.iter().filter(|line| !line.returned) {
        let Item::Ticket(id, _) = line.item else { continue };
        let mut ticket = registration::load(work.read(), order.event, id)?;
        if ticket.state == wanted || ticket.state == TicketState::Blocked && wanted == TicketState::Active {
            continue;
        }
        match (ticket.state.holds_place(), wanted.holds_place()) {
            (true, false) => check_cancel(&ticket, checkin::is_admitted_anywhere(work, order.event, id)?)?,
            (false, true) => {
                let kind = ticket_type::load(work.read(), order.event, ticket.kind)?;
                ticket_type::check_room(work.read(), &kind)?;
                registration::check_phone_free(work.read(), order.event, ticket.phone.as_deref())?;
                registration::check_choices(work.read(), order.event, &[], &ticket.answers)?;
            }
            (true, true) | (false, false) => {}
        }
        let before = registration::summary(&ticket);
        ticket.state = wanted;
        ticket.revision += 1;
        registration::change(work, &ticket, "registration.order", &before)?;
    }
    Ok(())
}

/// The secretariat, or a helper at the event, approves or refuses (S0-26, S0-50, S0-62).
pub async fn decide(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: OrderId,
    decision: &Decision,
) -> Result<Order, Error> {
    let permit = ctx.permit(actor, Permission::OrderReview, At::Event(event))?;
    let (act, reason) = match decision {
        Decision::Approve => (Act::Approve, String::new()),
        Decision::Refuse(reason) => (Act::Refuse, checked_reason(reason)?),
    };
    ctx.write(&permit, move |work| {
        let mut order = load(work.read(), event, id)?;
        order.reason.clone_from(&reason);
        move_to(work, &mut order, act)?;
        Ok(order)
    })
    .await
}

fn checked_reason(reason: &str) -> Result<String, Refusal> {
    let mut form = Form::default();
    let reason = form.optional("reason", reason, REASON_MAX);
    form.done(reason)
}

/// The secretariat gives an order up; money that came in is shown as to be given back.
pub async fn cancel(ctx: &Ctx, actor: &Actor, event: EventId, id: OrderId, reason: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    let reason = checked_reason(reason)?;
    ctx.write(&permit, move |work| {
        let mut order = load(work.read(), event, id)?;
        order.reason.clone_from(&reason);
        move_to(work, &mut order, Act::Cancel)
    })
    .await
}

/// Lets an ended order stand again, when there is room for all its people.
pub async fn reopen(ctx: &Ctx, actor: &Actor, event: EventId, id: OrderId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let mut order = load(work.read(), event, id)?;
        if order.is_nobodys() {
            return Err(refuse!(Conflict, "order.nobody", "Nobody is left in this order. Register them anew.").into());
        }
        order.reason.clear();
        move_to(work, &mut order, Act::Reopen)
    })
    .await
}

/// Most orders that one call ends.
const EXPIRED_AT_ONCE: usize = 500;

/// Ends the orders whose time to be paid is over; answers how many. Called by the clock.
pub async fn expire(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let (permit, now) = (ctx.own(space), ctx.now());
    let due: Vec<(EventId, OrderId)> =
        ctx.read(&permit, |view| crate::job::due(view, &ORDER_BY_HOLD, now, EXPIRED_AT_ONCE))?;
    for (event, id) in &due {
        let (event, id) = (*event, *id);
        ctx.write(&permit, move |work| {
            let mut order = load(work.read(), event, id)?;
            // It may have been paid, or been given more time, since it was looked at.
            let over =
                order.state == OrderState::PendingPayment && order.hold_until.is_some_and(|until| until <= work.now);
            if over { move_to(work, &mut order, Act::Expire) } else { Ok(()) }
        })
        .await?;
    }
    Ok(due.len())
}

/// A ticket of the order was given up by itself: it costs nothing any more, and an order without people ends.
pub(crate) fn left(work: &mut Work<'_, '_>, ticket: &Ticket) -> Result<(), Error> {
    let Some(id) = ticket.order else { return Ok(()) };
    let mut order = load(work.read(), ticket.event, id)?;
    let before = summary(&order);
    mark(&mut order, ticket, true);
    match order.state {
        _ if order.is_nobodys() && order.state.holds_places() => move_to(work, &mut order, Act::Cancel),
        OrderState::PendingPayment if order.sums().is_settled() => move_to(work, &mut order, Act::Settle),
        _ => keep(work, &mut order, "order.left", &before),
    }
}

/// A ticket that was given up by itself comes back; answers the state it comes back in.
pub(crate) fn back(work: &mut Work<'_, '_>, ticket: &Ticket) -> Result<TicketState, Error> {
    let Some(id) = ticket.order else { return Ok(TicketState::Active) };
    let mut order = load(work.read(), ticket.event, id)?;
    let before = summary(&order);
    let ended = !order.state.holds_places();
    if ended {
        // The others of an ended order do not come back with this one.
        order.lines.iter_mut().for_each(|line| line.returned |= !matches!(line.item, Item::Donation));
    }
    mark(&mut order, ticket, false);
    if ended {
        enter(work, &mut order, Act::Reopen)?;
    }
    if order.state == OrderState::Paid && !order.sums().is_settled() {
        return Err(refuse!(
            Conflict,
            "order.money_went_back",
            "The money for this registration went back with the order {number}. Add the person anew.",
            number = order.number
        )
        .into());
    }
    keep(work, &mut order, "order.back", &before)?;
    Ok(order.ticket_state())
}

/// Marks what a ticket costs, add-ons included, as given back or not.
pub(super) fn mark(order: &mut Order, ticket: &Ticket, returned: bool) {
    for line in &mut order.lines {
        let of = match line.item {
            Item::Ticket(of, _) | Item::AddOn(_, of) => of,
            Item::Donation => continue,
        };
        if of == ticket.id {
            line.returned = returned;
        }
    }
}

//! Money of an order: payments and refunds as the secretariat records them, with a picture of the slip (S0-49, S0-100).

use super::{act::mark, keep, list, load, move_to, say, summary};
use crate::{Actor, At, Ctx, Error, Work, checkin, picture, registration};
use domain::{
    EventId, Money, Order, OrderId, Permission, Refusal, TicketId, TicketState,
    notice::Purpose,
    order::{Act, Entry, EntryDetails, EntryInput, Flow, OrderState, check_entry, check_flow},
    refuse,
    ticket::check_cancel,
};

/// Records money that came in. An order that is settled by it is complete; one that has ended shows it as to be given back.
pub async fn pay(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: OrderId,
    revision: u32,
    input: &EntryInput,
    slip: Option<Vec<u8>>,
) -> Result<Order, Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    let details = check_entry(input)?;
    let slip = stored(ctx, slip).await?;
    ctx.write(&permit, move |work| {
        let mut order = opened(work, event, id, revision)?;
        check_flow(&order, Flow::In, details.amount)?;
        let before = summary(&order);
        enter(work, &mut order, Flow::In, &details, slip);
        if order.state == OrderState::PendingPayment && order.sums().is_settled() {
            move_to(work, &mut order, Act::Settle)?;
        } else {
            keep(work, &mut order, "order.pay", &before)?;
        }
        Ok(order)
    })
    .await
}

/// The order as the form was opened on; sent twice, the second is refused and no money is counted twice.
fn opened(work: &Work<'_, '_>, event: EventId, id: OrderId, revision: u32) -> Result<Order, Error> {
    let order = load(work.read(), event, id)?;
    if order.revision == revision { Ok(order) } else { Err(crate::event::stale()) }
}

fn enter(work: &Work<'_, '_>, order: &mut Order, flow: Flow, details: &EntryDetails, slip: Option<[u8; 32]>) {
    order.entries.push(Entry {
        flow,
        method: details.method,
        amount: details.amount,
        at: work.now,
        by: work.permit.by,
        reference: details.reference.clone(),
        slip,
        note: details.note.clone(),
    });
}

async fn stored(ctx: &Ctx, slip: Option<Vec<u8>>) -> Result<Option<[u8; 32]>, Error> {
    match slip {
        Some(bytes) => Ok(Some(picture::store(ctx, bytes).await?.file)),
        None => Ok(None),
    }
}

/// Records money that went back, and takes the named tickets back with it: their places are free again. All tickets named, the order
/// is refunded as a whole.
pub async fn refund(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: OrderId,
    revision: u32,
    tickets: &[TicketId],
    input: &EntryInput,
) -> Result<Order, Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    let details = check_entry(input)?;
    let tickets = tickets.to_vec();
    ctx.write(&permit, move |work| {
        let mut order = opened(work, event, id, revision)?;
        check_flow(&order, Flow::Out, details.amount)?;
        let before = summary(&order);
        for ticket in &tickets {
            take_back(work, &mut order, *ticket)?;
        }
        enter(work, &mut order, Flow::Out, &details, None);
        if order.is_nobodys() && order.state == OrderState::Paid {
            move_to(work, &mut order, Act::Return)?;
        } else {
            keep(work, &mut order, "order.refund", &before)?;
        }
        let cause = order.entries.len().to_string();
        say(work, &order, Purpose::OrderRefunded, cause, details.amount)?;
        Ok(order)
    })
    .await
}

fn take_back(work: &mut Work<'_, '_>, order: &mut Order, id: TicketId) -> Result<(), Error> {
    let mut ticket = registration::load(work.read(), order.event, id)?;
    if ticket.order != Some(order.id) {
        return Err(Refusal::missing("registration").into());
    }
    if order.state != OrderState::Paid {
        return Err(refuse!(
            Conflict,
            "order.not_paid",
            "Only tickets of a complete order are given back. Record the money without choosing tickets."
        )
        .into());
    }
    check_cancel(&ticket, checkin::is_admitted_anywhere(work, order.event, id)?)?;
    let before = registration::summary(&ticket);
    ticket.state = TicketState::Refunded;
    ticket.revision += 1;
    registration::change(work, &ticket, "registration.refund", &before)?;
    mark(order, &ticket, true);
    Ok(())
}

/// The picture of an entry's slip; only for those who manage orders.
pub fn voucher_file(ctx: &Ctx, actor: &Actor, event: EventId, id: OrderId, entry: usize) -> Result<Vec<u8>, Error> {
    let permit = ctx.permit(actor, Permission::OrderManage, At::Event(event))?;
    let order = ctx.read(&permit, |view| load(view, event, id))?;
    let slip = order.entries.get(entry).and_then(|entry| entry.slip).ok_or_else(|| Refusal::missing("picture"))?;
    ctx.files.get(&slip)
}

/// What a receipt shows: the order with what was paid for it. There is none before money came in.
pub fn receipt(ctx: &Ctx, actor: &Actor, event: EventId, id: OrderId) -> Result<list::OrderRow, Error> {
    let row = list::get(ctx, actor, event, id)?;
    check_receipt(&row.order)?;
    Ok(row)
}

/// Whether there is anything to give a receipt for.
pub(super) fn check_receipt(order: &Order) -> Result<(), Error> {
    if Money::cny(order.sums().balance()).is_free() {
        return Err(
            refuse!(Conflict, "order.no_receipt", "No money came in for this order, so there is no receipt.").into()
        );
    }
    Ok(())
}

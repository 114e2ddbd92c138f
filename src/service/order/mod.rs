//! Orders (S0-26, S0-49, S0-50): placing them, bringing them from state to state with their tickets, the money, and the pages and lists
//! that show them.

mod act;
mod buyer;
mod list;
mod money;
mod place;
#[cfg(test)]
pub(crate) mod test;

pub use act::{Decision, cancel, decide, expire, reopen};
pub use buyer::{OrderPage, by_link, cancel_own, own_receipt, transfer};
pub(crate) use buyer::{find, may_transfer};
pub use list::{Counts, Filter, OrderRow, PAGE, counts, export, get, list, notices, pending};
pub use money::{pay, receipt, refund, voucher_file};
pub(crate) use money::{receive, returned, withdraw};
pub use place::{OrderInput, PersonInput, Quote, link_of, place, quote};

pub(crate) use act::{back, left, move_to};

use crate::{
    Actor, At, Ctx, Error, Work, event,
    notice::{self, To, Words},
};
use domain::{
    EventId, Money, Order, OrderId, Permission, Refusal, Sale,
    notice::Purpose,
    order::OrderState,
    sale::{SaleInput, check_sale},
};
use store::Read;

pub(crate) fn load(view: &impl Read, event: EventId, id: OrderId) -> Result<Order, Error> {
    view.get::<Order>(&(event, id))?.ok_or_else(|| Refusal::missing("order").into())
}

pub(crate) fn sale_in(view: &impl Read, event: EventId) -> Result<Sale, Error> {
    Ok(view.get::<Sale>(&event)?.unwrap_or_else(|| Sale::usual(event)))
}

/// How an event takes orders, for visitors and the secretariat alike.
pub fn sale(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Sale, Error> {
    ctx.read(&ctx.public(actor), |view| sale_in(view, event))
}

/// Saves how an event takes orders.
pub async fn save_sale(ctx: &Ctx, actor: &Actor, event: EventId, input: &SaleInput) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let sale = check_sale(event, input)?;
    ctx.write(&permit, move |work| {
        event::load(work.read(), event)?;
        let before = sale_in(work.read(), event)?;
        crate::merchant::check_charging(work.read(), sale.donation)?;
        work.put(&sale)?;
        work.audit("sale.save", format!("event/{event}"), &format!("{before:?}"), &format!("{sale:?}"))
    })
    .await
}

/// Gives a copied event the settings of the original.
pub(crate) fn copy_sale(work: &mut Work<'_, '_>, from: EventId, to: EventId) -> Result<(), Error> {
    match work.read().get::<Sale>(&from)? {
        Some(sale) => work.put(&Sale { event: to, ..sale }),
        None => Ok(()),
    }
}

pub(crate) fn subject(order: &Order) -> String {
    format!("event/{}/order/{}", order.event, order.id)
}

/// What the audit log says of an order; the phone masked.
pub(crate) fn summary(order: &Order) -> String {
    let sums = order.sums();
    let phone = order.buyer.phone.as_deref().map_or(String::new(), domain::phone::masked);
    let (total, balance) = (Money::cny(sums.total).to_yuan(), Money::cny(sums.balance()).to_yuan());
    let (state, people) = (order.state.code(), order.tickets().count());
    format!("{} | {} {phone} | {people} tickets | {state} | ¥{balance} of ¥{total}", order.number, order.buyer.name)
}

/// Keeps a changed order with its audit line, and tells the buyer what the new state means.
fn keep(work: &mut Work<'_, '_>, order: &mut Order, action: &str, before: &str) -> Result<(), Error> {
    order.revision += 1;
    work.put(order)?;
    work.audit(action, subject(order), before, &summary(order))
}

/// Says what an order's state means to its buyer.
fn tell(work: &mut Work<'_, '_>, order: &Order) -> Result<(), Error> {
    let purpose = match order.state {
        OrderState::PendingReview => Purpose::OrderReceived,
        OrderState::PendingPayment => Purpose::OrderToPay,
        OrderState::Paid => Purpose::OrderCompleted,
        OrderState::Refused => Purpose::OrderRefused,
        OrderState::Canceled => Purpose::OrderCanceled,
        OrderState::Expired => Purpose::OrderExpired,
        OrderState::Refunded => return Ok(()),
    };
    let amount = Money::cny(order.sums().due());
    say(work, order, purpose, format!("{}", order.revision), amount)
}

fn say(work: &mut Work<'_, '_>, order: &Order, purpose: Purpose, cause: String, amount: Money) -> Result<(), Error> {
    let at = event::load(work.read(), order.event)?;
    let until = order.hold_until.unwrap_or(at.time.to);
    let words = Words {
        purpose,
        cause,
        values: vec![
            ("event", at.name.clone()),
            ("time", at.time.from.0.to_string()),
            ("amount", amount.to_yuan()),
            ("number", order.number.clone()),
            ("until", until.0.to_string()),
            ("reason", order.reason.clone()),
        ],
        text: String::new(),
        useful_until: Some(at.time.to),
    };
    notice::say(work, &To::buyer(order), words)
}

//! What a buyer sees and does with the link of the order: where it stands, giving it up, passing a ticket on.

use super::{money::check_receipt, move_to, sale_in};
use crate::{
    Actor, Ctx, Error, event, member, notice, payment,
    registration::{self, Codes},
    ticket_type, token,
};
use domain::{
    Event, Notice, Order, PaymentSetting, Refusal, SpaceId, Ticket, TicketState,
    member::check_only,
    notice::About,
    order::{Act, Item, OrderState},
    refuse,
    ticket::{Filler, Source, TicketInput, check_ticket},
};
use store::Read;
use store::catalogue::{ORDER_BY_LINK, TICKET_BY_LINK};

/// An order as its buyer sees it.
#[derive(Debug, Clone)]
pub struct OrderPage {
    /// The order.
    pub order: Order,
    /// Its event.
    pub event: Event,
    /// Its tickets.
    pub tickets: Vec<Ticket>,
    /// How it is to be paid, where something is due.
    pub payment: Option<PaymentSetting>,
    /// What was said.
    pub notices: Vec<Notice>,
    /// The buyer may give it up now.
    pub may_cancel: bool,
    /// There is a receipt.
    pub has_receipt: bool,
}

fn find(view: &impl Read, link: &str) -> Result<Order, Error> {
    let missing = || Refusal::missing("order");
    let link = token::read_link(link).ok_or_else(missing)?;
    Ok(view.find::<Order, _>(&ORDER_BY_LINK, &link)?.ok_or_else(missing)?)
}

/// The order behind a link; whoever has the link is the buyer.
pub fn by_link(ctx: &Ctx, space: SpaceId, link: &str) -> Result<OrderPage, Error> {
    ctx.read(&ctx.own(space), |view| {
        let order = find(view, link)?;
        let event = event::load(view, order.event)?;
        let tickets =
            order.tickets().map(|(id, _)| registration::load(view, order.event, id)).collect::<Result<_, _>>()?;
        let due = order.sums().due() > 0;
        let payment =
            payment::settings_in(view)?.into_iter().find(|setting| due && Some(setting.method) == order.method);
        let notices = notice::about(view, About::Order(order.event, order.id))?;
        let sale = sale_in(view, order.event)?;
        let may_cancel = sale.cancel && check_own_cancel(&order, &event, ctx.now()).is_ok();
        let has_receipt = check_receipt(&order).is_ok();
        Ok(OrderPage { order, event, tickets, payment, notices, may_cancel, has_receipt })
    })
}

/// The receipt behind an order's link.
pub fn own_receipt(ctx: &Ctx, space: SpaceId, link: &str) -> Result<OrderPage, Error> {
    let of = by_link(ctx, space, link)?;
    check_receipt(&of.order)?;
    Ok(of)
}

/// A buyer gives up what costs nothing, or has not been paid yet, until the event begins (S1-37).
fn check_own_cancel(order: &Order, event: &Event, now: domain::Time) -> Result<(), Refusal> {
    if now >= event.time.from {
        return Err(refuse!(Conflict, "order.begun", "The event has begun. Ask the secretariat."));
    }
    if order.sums().balance() > 0 {
        return Err(refuse!(
            Conflict,
            "order.has_money",
            "Money was paid for this order. Ask the secretariat to cancel it and give the money back."
        ));
    }
    let standing = matches!(order.state, OrderState::PendingReview | OrderState::PendingPayment | OrderState::Paid);
    if standing { Ok(()) } else { Err(refuse!(Conflict, "order.ended", "This order has ended already.")) }
}

/// The buyer gives the order up.
pub async fn cancel_own(ctx: &Ctx, actor: &Actor, link: &str) -> Result<(), Error> {
    let link = link.to_owned();
    ctx.write(&ctx.public(actor), move |work| {
        let mut order = find(work.read(), &link)?;
        let at = event::load(work.read(), order.event)?;
        if !sale_in(work.read(), order.event)?.cancel {
            return Err(refuse!(Conflict, "order.no_cancel", "Only the secretariat can cancel this. Ask there.").into());
        }
        check_own_cancel(&order, &at, work.now)?;
        order.reason.clear();
        move_to(work, &mut order, Act::Cancel)
    })
    .await
}

/// The holder passes a ticket on to somebody else, who gets a new number, code and link; the old ones open nothing any more.
/// Answers the new link.
pub async fn transfer(ctx: &Ctx, actor: &Actor, link: &str, input: &TicketInput) -> Result<String, Error> {
    let missing = || Refusal::missing("ticket");
    let old = token::read_link(link).ok_or_else(missing)?;
    let event = ctx.read(&ctx.public(actor), |view| {
        let ticket = view.find::<Ticket, _>(&TICKET_BY_LINK, &old)?.ok_or_else(missing)?;
        event::load(view, ticket.event)
    })?;
    let details = check_ticket(input, &event.fields, Filler::Visitor).map_err(Refusal::invalid)?;
    let codes = Codes::draw(ctx);
    let answers = registration::keep_answers(ctx, &event.fields, &codes.link, &details.answers)?;
    let fresh = codes.link;
    ctx.write(&ctx.public(actor), move |work| {
        let mut ticket = work.read().find::<Ticket, _>(&TICKET_BY_LINK, &old)?.ok_or_else(missing)?;
        check_transfer(work, &ticket)?;
        check_new_holder(work, &ticket, details.phone.as_deref())?;
        let before = registration::summary(&ticket);
        if ticket.phone != details.phone {
            registration::check_phone_free(work.read(), ticket.event, details.phone.as_deref())?;
        }
        registration::check_choices(work.read(), ticket.event, &ticket.answers, &answers)?;
        ticket.person = registration::person_of(work, &details)?;
        ticket.name.clone_from(&details.name);
        ticket.phone.clone_from(&details.phone);
        ticket.company.clone_from(&details.company);
        ticket.answers.clone_from(&answers);
        ticket.source = Source::Passed;
        codes.renew(work.read(), &mut ticket)?;
        ticket.revision += 1;
        registration::change(work, &ticket, "registration.transfer", &before)
    })
    .await?;
    Ok(token::link(&fresh))
}

/// Whether the event lets holders pass tickets on now.
pub(crate) fn may_transfer(view: &impl Read, event: &Event, now: domain::Time) -> Result<bool, Error> {
    Ok(sale_in(view, event.id)?.transfer && now < event.time.to)
}

/// What only members can take, or one took at the price for members, passes to members alone.
fn check_new_holder(work: &crate::Work<'_, '_>, ticket: &Ticket, phone: Option<&str>) -> Result<(), Error> {
    if member::holds(work.read(), phone, work.now)? {
        return Ok(());
    }
    let offers = member::offers_of(work.read(), ticket.event)?;
    let kind = ticket_type::load(work.read(), ticket.event, ticket.kind)?;
    check_only(offers.get(&kind.id), false, &kind.name)?;
    let Some(order) = ticket.order else { return Ok(()) };
    let order = super::load(work.read(), ticket.event, order)?;
    let own = |line: &domain::order::Line| matches!(line.item, Item::Ticket(id, _) if id == ticket.id);
    if order.lines.iter().any(|line| own(line) && line.is_for_member()) {
        return Err(refuse!(
            Conflict,
            "ticket.member_price",
            "This ticket was sold at the price for members, so it passes to a member only. Ask the secretariat."
        )
        .into());
    }
    Ok(())
}

fn check_transfer(work: &mut crate::Work<'_, '_>, ticket: &Ticket) -> Result<(), Error> {
    let at = event::load(work.read(), ticket.event)?;
    if !may_transfer(work.read(), &at, work.now)? {
        return Err(
            refuse!(Conflict, "ticket.no_transfer", "This ticket cannot be passed on. Ask the secretariat.").into()
        );
    }
    let admitted = crate::checkin::is_admitted_anywhere(work, ticket.event, ticket.id)?;
    if ticket.state != TicketState::Active || admitted {
        return Err(refuse!(
            Conflict,
            "ticket.not_to_pass",
            "Only a valid ticket whose holder is not checked in can be passed on."
        )
        .into());
    }
    Ok(())
}

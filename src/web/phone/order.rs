//! The buyer's pages: orders, receipts, passing tickets on, the waiting list.

use super::{REGISTRATION_MAX, ticket_input, with_uploads};
use crate::{
    Hall,
    answer::{Answer, again, page, see, tell},
    audience::Visit,
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::HeaderMap,
    routing::{get, post},
};
use domain::{EventId, Refusal, TicketTypeId, ticket::TicketInput};
use service::{Error, event, order, registration, ticket_type, token, waiting};
use views::{Tone, phone::order as pages};

/// Routes of buyers and waiters.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/order/{link}", get(show))
        .route("/order/{link}/cancel", post(cancel))
        .route("/order/{link}/receipt", get(receipt))
        .route(
            "/ticket/{link}/transfer",
            get(transfer_form).post(transfer).layer(DefaultBodyLimit::max(REGISTRATION_MAX)),
        )
        .route("/event/{event}/wait/{kind}", get(wait_form).post(join))
        .route("/wait/{link}", get(wait))
        .route("/wait/{link}/leave", post(leave))
}

async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    headers: HeaderMap,
    Path(link): Path<String>,
    Query(query): Query,
) -> Answer {
    let of = order::by_link(&hall.ctx, visit.space, &link)?;
    let tickets: Vec<_> = of
        .tickets
        .into_iter()
        .map(|ticket| {
            let link = token::link(&ticket.link);
            (ticket, link)
        })
        .collect();
    let (offered, open) = service::pay::own(&hall.ctx, &visit.visitor(), &link)?;
    let inside = crate::pay::inside(&hall, &visit, &headers)?;
    let shown = pages::OrderPage {
        wechat: &views::phone::pay::panel(&visit.shell(), &of.order, &link, offered.then_some(inside), open.as_ref()),
        order: &of.order,
        event: &of.event,
        tickets: &tickets,
        payment: of.payment.as_ref(),
        notices: &of.notices,
        link: &link,
        may_cancel: of.may_cancel,
        has_receipt: of.has_receipt,
    };
    page(pages::show(&visit.shell(), &shown, query.ticked("fresh")))
}

async fn cancel(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    let back = format!("/order/{link}");
    match order::cancel_own(&hall.ctx, &visit.visitor(), &link).await {
        Ok(()) => tell(&back, Tone::Good, visit.text().t("The order was given up.")),
        Err(Error::Refused(refusal)) if refusal.kind == domain::Kind::Conflict => {
            tell(&back, Tone::Bad, &visit.text().refusal(&refusal))
        }
        Err(error) => Err(error.into()),
    }
}

async fn receipt(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    let of = order::own_receipt(&hall.ctx, visit.space, &link)?;
    page(pages::receipt(&visit.shell(), &of.order, &of.event.name))
}

async fn transfer_form(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    let of = registration::by_link(&hall.ctx, visit.space, &link)?;
    page(pages::transfer(&visit.shell(), &of.event, &link, &TicketInput::default(), None))
}

async fn transfer(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>, fields: Fields) -> Answer {
    let of = registration::by_link(&hall.ctx, visit.space, &link)?;
    let typed = match with_uploads(&hall, &fields).await {
        Ok(typed) => typed,
        Err(error) => {
            let input = ticket_input(&fields);
            return again(error, |refusal| {
                Ok(pages::transfer(&visit.shell(), &of.event, &link, &input, Some(refusal)))
            });
        }
    };
    let input = TicketInput { seat: String::new(), note: String::new(), door_note: String::new(), ..typed };
    match order::transfer(&hall.ctx, &visit.visitor(), &link, &input).await {
        Ok(fresh) => tell(
            &format!("/ticket/{fresh}"),
            Tone::Good,
            visit.text().t("The ticket was passed on. Send the address of this page to its new holder."),
        ),
        Err(error) => {
            again(error, |refusal| Ok(pages::transfer(&visit.shell(), &of.event, &link, &input, Some(refusal))))
        }
    }
}

/// The event and the type that somebody wants to wait for.
fn sought(hall: &Hall, visit: &Visit, event: u64, kind: u64) -> Result<(domain::Event, domain::TicketType), Error> {
    let event = event::public_get(&hall.ctx, &visit.visitor(), EventId(event))?;
    let rows = ticket_type::public_list(&hall.ctx, &visit.visitor(), event.id, "")?;
    let kind = rows.into_iter().map(|row| row.kind).find(|row| row.id == TicketTypeId(kind));
    Ok((event, kind.ok_or_else(|| Refusal::missing("ticket type"))?))
}

async fn wait_form(State(hall): State<Hall>, visit: Visit, Path((event, kind)): Path<(u64, u64)>) -> Answer {
    let (event, kind) = sought(&hall, &visit, event, kind)?;
    page(pages::wait_form(&visit.shell(), &event, &kind, ("", ""), None))
}

async fn join(State(hall): State<Hall>, visit: Visit, Path((event, kind)): Path<(u64, u64)>, fields: Fields) -> Answer {
    let (event, kind) = sought(&hall, &visit, event, kind)?;
    let typed = (fields.get("name"), fields.get("phone"));
    match waiting::join(&hall.ctx, &visit.visitor(), event.id, kind.id, typed.0, typed.1).await {
        Ok(link) => see(&format!("/wait/{link}")),
        Err(error) => again(error, |refusal| Ok(pages::wait_form(&visit.shell(), &event, &kind, typed, Some(refusal)))),
    }
}

async fn wait(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    let of = waiting::page(&hall.ctx, visit.space, &link)?;
    page(pages::wait(&visit.shell(), (&of.waiter, &of.event, &of.kind), of.before, &link, &of.notices))
}

async fn leave(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    waiting::leave(&hall.ctx, &visit.visitor(), &link).await?;
    see(&format!("/wait/{link}"))
}

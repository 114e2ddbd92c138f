//! Invoices of an event: the list, those of one order, the sheet and the file for the accountant.

use crate::{
    Hall,
    answer::{Answer, again, download, page, tell, told},
    audience::{Staff, Visit},
    fields::{Ending, Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{EventId, InvoiceId, OrderId, Refusal, invoice::InvoiceInput};
use maud::Markup;
use service::{Actor, Error, event, invoice, privacy::access, registration};
use views::{Tone, admin::invoice as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/invoice", get(list))
        .route("/event/{event}/invoice/export.xlsx", get(export))
        .route("/event/{event}/invoice/export.csv", get(export))
        .route("/event/{event}/invoice/{invoice}/print", get(print))
        .route("/event/{event}/invoice/{invoice}/issue", post(issue))
        .route("/event/{event}/invoice/{invoice}/void", post(void))
        .route("/event/{event}/order/{order}/invoice", get(of_order).post(ask))
}

/// What the form holds that asks for an invoice.
pub fn input(fields: &Fields) -> InvoiceInput {
    let text = |name: &str| fields.get(name).to_owned();
    InvoiceInput {
        title: text("title"),
        person: fields.ticked("person"),
        tax_number: text("tax_number"),
        email: text("email"),
        note: text("note"),
    }
}

fn shown(row: invoice::InvoiceRow) -> pages::Shown {
    pages::Shown { differs: row.differs(), invoice: row.invoice, order: row.order }
}

async fn list(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    let id = EventId(id);
    let number = query.page(1_000_000)?;
    let (rows, found) = invoice::list(&hall.ctx, &actor, id, query.get("state"), number).await?;
    let rows: Vec<_> = rows.into_iter().map(shown).collect();
    let list = pages::List {
        event: &event::get(&hall.ctx, &actor, id)?.event,
        rows: &rows,
        pages: (found, number, invoice::PAGE),
        state: query.get("state"),
        waiting: invoice::waiting(&hall.ctx, &actor, id)?,
    };
    page(pages::list(&visit.admin_shell(&actor), &list))
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    (event, order): (EventId, OrderId),
    (typed, number): (Option<&InvoiceInput>, &str),
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let of = invoice::get(&hall.ctx, actor, event, order)?;
    let shown = pages::OfOrder {
        event: &event::get(&hall.ctx, actor, event)?.event,
        may_ask: of.may_ask(),
        order: &of.order,
        invoices: &of.invoices,
        typed,
        number,
        refusal,
    };
    Ok(pages::of_order(&visit.admin_shell(actor), &shown))
}

async fn of_order(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, order)): Path<(u64, u64)>,
) -> Answer {
    page(draw(&hall, &visit, &actor, (EventId(event), OrderId(order)), (None, ""), None)?)
}

async fn ask(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, order)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let (at, input) = ((EventId(event), OrderId(order)), input(&fields));
    match invoice::ask(&hall.ctx, &actor, at.0, at.1, &input).await {
        Ok(()) => tell(&format!("/admin/event/{event}/order/{order}/invoice"), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, at, (Some(&input), ""), Some(refusal))),
    }
}

async fn issue(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), InvoiceId(id));
    let order = invoice::one(&hall.ctx, &actor, event, id)?.order.id;
    let number = fields.get("number");
    match invoice::issue(&hall.ctx, &actor, event, id, fields.needed("revision")?, number).await {
        Ok(()) => {
            tell(&format!("/admin/event/{event}/invoice"), Tone::Good, visit.text().t("The invoice was recorded."))
        }
        Err(error) => {
            again(error, |refusal| draw(&hall, &visit, &actor, (event, order), (None, number), Some(refusal)))
        }
    }
}

async fn void(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), InvoiceId(id));
    let order = invoice::one(&hall.ctx, &actor, event, id)?.order.id;
    let done = invoice::void(&hall.ctx, &actor, event, id, fields.needed("revision")?, fields.get("reason")).await;
    told(&visit, &format!("/admin/event/{event}/order/{order}/invoice"), done)
}

async fn print(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let event = EventId(event);
    let row = invoice::one(&hall.ctx, &actor, event, InvoiceId(id))?;
    let full = registration::sees_all(&hall.ctx, &actor, event);
    if full && row.order.buyer.phone.is_some() {
        access::note(
            &hall.ctx,
            &actor,
            "order.page",
            Some(event),
            [row.order.buyer.person],
            &[domain::privacy::Seen::Phone],
        );
    }
    let event = event::get(&hall.ctx, &actor, event)?.event;
    page(pages::print(&visit.shell(), &event, &shown(row), full))
}

async fn export(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Ending(format): Ending,
    Query(query): Query,
) -> Answer {
    let (id, text) = (EventId(id), visit.text());
    let say = move |english: &str| text.t(english).to_owned();
    let zone = visit.format.zone.clone();
    let local = move |at: domain::Time| at.to_cell(&zone);
    let bytes = invoice::export(&hall.ctx, &actor, id, query.get("state"), format, local, say).await?;
    let event = event::get(&hall.ctx, &actor, id)?.event;
    download(&format!("{} {}.{}", event.name, text.t("Invoices"), format.ending()), format.mime(), bytes)
}

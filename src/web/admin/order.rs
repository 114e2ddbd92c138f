//! Orders of an event: list, one order, its acts and its money.

use crate::{
    Hall,
    answer::{Answer, again, download, page, tell, told},
    audience::{Staff, Visit},
    fields::{Ending, Fields, Query},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use domain::{
    EventId, OrderId, Permission, Refusal, TicketId,
    order::{EntryInput, OrderState},
    picture::UPLOAD_MAX,
    privacy::Seen,
};
use maud::Markup;
use service::{
    Actor, Error, event,
    order::{self, Decision},
    privacy::access,
    registration, token,
};
use views::{Tone, admin::order as pages, phone::order as phone_pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/order", get(list))
        .route("/event/{event}/order/export.xlsx", get(export))
        .route("/event/{event}/order/export.csv", get(export))
        .route("/event/{event}/order/{order}", get(show))
        .route("/event/{event}/order/{order}/pay", post(pay).layer(DefaultBodyLimit::max(UPLOAD_MAX + (1 << 16))))
        .route("/event/{event}/order/{order}/refund", post(refund))
        .route("/event/{event}/order/{order}/receipt", get(receipt))
        .route("/event/{event}/order/{order}/slip/{entry}", get(slip))
        .route("/event/{event}/order/{order}/{act}", post(act))
}

fn base(event: EventId) -> String {
    format!("/admin/event/{event}/order")
}

fn typed(fields: &Fields) -> pages::Filter {
    pages::Filter { q: fields.get("q").chars().take(60).collect(), state: fields.get("state").to_owned() }
}

fn filter(typed: &pages::Filter) -> order::Filter {
    order::Filter { text: typed.q.clone(), state: OrderState::parse(&typed.state), owed: typed.state == "owed" }
}

async fn list(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    let id = EventId(id);
    let typed = typed(&query);
    let number = query.page(1_000_000)?;
    let (rows, found) = order::list(&hall.ctx, &actor, id, &filter(&typed), number).await?;
    let counts = order::counts(&hall.ctx, &actor, id)?;
    let full = registration::sees_all(&hall.ctx, &actor, id);
    if full {
        let seen = rows.iter().filter(|order| order.buyer.phone.is_some()).map(|order| order.buyer.person);
        access::note(&hall.ctx, &actor, "order.list", Some(id), seen, &[Seen::Phone]);
    }
    let shown = pages::List {
        event: &event::get(&hall.ctx, &actor, id)?.event,
        counts: pages::Counts { states: counts.states, income: counts.income, due: counts.due, owed: counts.owed },
        rows: &rows,
        pages: (found, number, order::PAGE),
        filter: &typed,
        saved: &service::search::saved::list(&hall.ctx, &actor, &base(id))?,
        full,
        may_manage: hall.may(&actor, Permission::OrderManage, id),
        may_reconcile: actor.holds_everywhere(Permission::OrderManage),
    };
    page(pages::list(&visit.admin_shell(&actor), &shown))
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    (event, id): (EventId, OrderId),
    typed: &pages::Typed,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let row = order::get(&hall.ctx, actor, event, id)?;
    let link = token::link(&row.order.link);
    let notices = order::notices(&hall.ctx, actor, event, id)?;
    let may_manage = hall.may(actor, Permission::OrderManage, event);
    let wechat = if may_manage {
        super::pay::of_order(hall, visit, actor, &row.order, &row.tickets)?
    } else {
        Markup::default()
    };
    let full = registration::sees_all(&hall.ctx, actor, event);
    if full {
        let buyer = row.order.buyer.phone.as_ref().map(|_| row.order.buyer.person);
        let holders = row.tickets.iter().filter(|ticket| ticket.phone.is_some()).map(|ticket| ticket.person);
        access::note(&hall.ctx, actor, "order.page", Some(event), buyer.into_iter().chain(holders), &[Seen::Phone]);
    }
    let shown = pages::Page {
        wechat: &wechat,
        event: &event::get(&hall.ctx, actor, event)?.event,
        order: &row.order,
        tickets: &row.tickets,
        notices: &notices,
        by: &row.by,
        url: &format!("/order/{link}"),
        full,
        may_review: hall.may(actor, Permission::OrderReview, event),
        may_manage,
    };
    Ok(pages::show(&visit.admin_shell(actor), &shown, typed, refusal))
}

async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    page(draw(&hall, &visit, &actor, (EventId(event), OrderId(id)), &pages::Typed::default(), None)?)
}

/// The form of a payment, or the one of a refund, whose fields have a prefix: both stand on one page.
fn entry(fields: &Fields, prefix: &str) -> EntryInput {
    let text = |name: &str| fields.get(&format!("{prefix}{name}")).to_owned();
    EntryInput { amount: text("amount"), method: text("method"), reference: text("reference"), note: text("note") }
}

async fn pay(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), OrderId(id));
    let (entry, revision) = (entry(&fields, ""), fields.needed("revision")?);
    let slip = fields.file("slip").map(|file| file.bytes.to_vec());
    match order::pay(&hall.ctx, &actor, event, id, revision, &entry, slip).await {
        Ok(_) => tell(&format!("{}/{id}", base(event)), Tone::Good, visit.text().t("The payment was recorded.")),
        Err(error) => {
            let typed = pages::Typed { refund: false, entry };
            again(error, |refusal| draw(&hall, &visit, &actor, (event, id), &typed, Some(refusal)))
        }
    }
}

async fn refund(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), OrderId(id));
    let (entry, revision) = (entry(&fields, "refund_"), fields.needed("revision")?);
    let tickets: Vec<TicketId> = fields.all("ticket").filter_map(|id| id.parse().ok()).collect();
    match order::refund(&hall.ctx, &actor, event, id, revision, &tickets, &entry).await {
        Ok(_) => tell(&format!("{}/{id}", base(event)), Tone::Good, visit.text().t("The refund was recorded.")),
        Err(error) => {
            let typed = pages::Typed { refund: true, entry };
            again(error, |refusal| {
                let prefixed = |problem: &domain::Problem| domain::Problem {
                    field: format!("refund_{}", problem.field),
                    ..problem.clone()
                };
                let refusal = Refusal { problems: refusal.problems.iter().map(prefixed).collect(), ..refusal.clone() };
                draw(&hall, &visit, &actor, (event, id), &typed, Some(&refusal))
            })
        }
    }
}

async fn receipt(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let (event, id) = (EventId(event), OrderId(id));
    let row = order::receipt(&hall.ctx, &actor, event, id)?;
    let event = event::get(&hall.ctx, &actor, event)?.event;
    page(phone_pages::receipt(&visit.shell(), &row.order, &event.name))
}

async fn slip(
    State(hall): State<Hall>,
    Staff(actor): Staff,
    Path((event, id, entry)): Path<(u64, u64, usize)>,
) -> Answer {
    let bytes = order::voucher_file(&hall.ctx, &actor, EventId(event), OrderId(id), entry)?;
    let head = [(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "private, no-store")];
    Ok((head, bytes).into_response())
}

/// What is done to one order by the press of a button.
async fn act(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id, act)): Path<(u64, u64, String)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), OrderId(id));
    let reason = fields.get("reason").to_owned();
    let decide = |decision| {
        let (hall, actor) = (&hall, &actor);
        async move { order::decide(&hall.ctx, actor, event, id, &decision).await.map(drop) }
    };
    let done = match act.as_str() {
        "approve" => decide(Decision::Approve).await,
        "refuse" => decide(Decision::Refuse(reason)).await,
        "cancel" => order::cancel(&hall.ctx, &actor, event, id, &reason).await,
        "reopen" => order::reopen(&hall.ctx, &actor, event, id).await,
        _ => return Err(crate::answer::missing().await),
    };
    told(&visit, &format!("{}/{id}", base(event)), done)
}

async fn export(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Ending(format): Ending,
    Query(query): Query,
) -> Answer {
    let id = EventId(id);
    let (text, zone) = (visit.text(), visit.format.zone.clone());
    let event = event::get(&hall.ctx, &actor, id)?.event;
    let local = move |at: domain::Time| at.to_cell(&zone);
    let say = move |english: &str| text.t(english).to_owned();
    let bytes = order::export(&hall.ctx, &actor, id, &filter(&typed(&query)), format, local, say).await?;
    download(&format!("{} {}.{}", event.name, text.t("Orders"), format.ending()), format.mime(), bytes)
}

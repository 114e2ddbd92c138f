//! What helpers at the door and the secretariat see of an event: totals, what waits for review, people (S0-57 … S0-62). A helper's token has
//! its own event; a member of staff names one.

use super::{
    door::{Asker, Figures},
    input::{Cut, Named, Page, Run, Sent},
};
use crate::{Hall, answer::Failure, audience::Scanner, fields::Query};
use axum::{Json, extract::State, http::StatusCode};
use domain::{OrderId, Permission, order::OrderState};
use serde::{Deserialize, Serialize};
use service::{
    At, checkin,
    order::{self, Decision},
    registration,
    roster::Filter,
};
use utoipa::ToSchema;

/// Totals of an event.
#[derive(Serialize, ToSchema)]
pub(super) struct Totals {
    #[serde(flatten)]
    counts: Figures,
    /// Orders that wait for review.
    reviews: i64,
}

fn asker(scanner: Scanner, query: &Query) -> Result<Asker, Failure> {
    Asker::of(scanner, query.0.exact("event")?)
}

/// Counts of the event.
#[utoipa::path(
    get, path = "/api/v1/helper/totals", tag = "helper", params(("event" = Option<u64>, Query)),
    responses((status = 200, body = Totals)), security(("device" = []), ("staff" = []), ("client" = ["event.view"]))
)]
pub(super) async fn totals(State(hall): State<Hall>, scanner: Scanner, query: Query) -> Result<Json<Totals>, Failure> {
    let asker = asker(scanner, &query)?;
    hall.ctx.permit(&asker.actor, Permission::EventView, At::Event(asker.event))?;
    let counts = checkin::counts(&hall.ctx, &asker.actor, asker.event)?;
    let reviews = order::pending(&hall.ctx, &asker.actor, asker.event)?;
    Ok(Json(Totals { counts: counts.into(), reviews }))
}

/// An order that waits for review.
#[derive(Serialize, ToSchema)]
pub(super) struct ReviewRow {
    /// Number of the order, for the decision.
    id: u64,
    number: String,
    name: String,
    /// With its middle left out.
    phone: String,
    people: usize,
    /// In fen.
    total: i64,
    created: i64,
}

/// What waits for review, the newest in front.
#[utoipa::path(
    get, path = "/api/v1/helper/reviews", tag = "helper",
    params(("event" = Option<u64>, Query), ("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, body = Page<ReviewRow>)), security(("device" = []), ("staff" = []), ("client" = ["order.review"]), ("client" = ["registration.view"]))
)]
pub(super) async fn reviews(
    State(hall): State<Hall>,
    scanner: Scanner,
    query: Query,
    cut: Cut,
) -> Result<Json<Page<ReviewRow>>, Failure> {
    let asker = asker(scanner, &query)?;
    let filter = order::Filter { state: Some(OrderState::PendingReview), ..order::Filter::default() };
    let (mut rows, mut page) = (Vec::new(), 0);
    loop {
        let (some, all) = order::list(&hall.ctx, &asker.actor, asker.event, &filter, page).await?;
        let end = some.is_empty();
        rows.extend(some);
        if end || rows.len() >= all.min(REVIEWS_MAX) {
            break;
        }
        page += 1;
    }
    let row = |order: &domain::Order| ReviewRow {
        id: order.id.0,
        number: order.number.clone(),
        name: order.buyer.name.clone(),
        phone: order.buyer.phone.as_deref().map_or(String::new(), domain::phone::masked),
        people: order.tickets().count(),
        total: order.sums().total,
        created: order.created_at.0,
    };
    Ok(Json(cut.of(rows, Run::Down, |order| (0, order.id.0), row)))
}

/// Most orders of the list.
const REVIEWS_MAX: usize = 500;

/// Yes or no.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionForm {
    approve: bool,
    /// What the buyer is told when it is no.
    #[serde(default)]
    reason: String,
}

/// Approves or refuses an order.
#[utoipa::path(
    post, path = "/api/v1/helper/reviews/{order}", tag = "helper", request_body = DecisionForm,
    params(("order" = u64, Path), ("event" = Option<u64>, Query)),
    responses((status = 204, description = "Decided.")), security(("device" = []), ("staff" = []), ("client" = ["order.review"]))
)]
pub(super) async fn decide(
    State(hall): State<Hall>,
    scanner: Scanner,
    Named(order): Named<u64>,
    query: Query,
    Sent(form): Sent<DecisionForm>,
) -> Result<StatusCode, Failure> {
    let asker = asker(scanner, &query)?;
    let decision = if form.approve { Decision::Approve } else { Decision::Refuse(form.reason) };
    order::decide(&hall.ctx, &asker.actor, asker.event, OrderId(order), &decision).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A registered person.
#[derive(Serialize, ToSchema)]
pub(super) struct PersonRow {
    /// Number of the ticket, for `/checkin/redeem`.
    ticket: u64,
    name: String,
    company: String,
    seat: String,
    /// With its middle left out.
    phone: String,
    state: &'static str,
    #[schema(required)]
    checked_in: Option<i64>,
}

/// A part of the people.
#[derive(Serialize, ToSchema)]
pub(super) struct People {
    items: Vec<PersonRow>,
    /// How many there are in all.
    all: usize,
}

/// Registered people in the order of their registration, fifty a part.
#[utoipa::path(
    get, path = "/api/v1/helper/people", tag = "helper",
    params(
        ("event" = Option<u64>, Query), ("q" = Option<String>, Query, description = "As in the secretariat's list"),
        ("page" = Option<u32>, Query, description = "From 0"),
    ),
    responses((status = 200, body = People)), security(("device" = []), ("staff" = []), ("client" = ["registration.view"]))
)]
pub(super) async fn people(State(hall): State<Hall>, scanner: Scanner, query: Query) -> Result<Json<People>, Failure> {
    let asker = asker(scanner, &query)?;
    let page = query.0.exact::<u32>("page")?.unwrap_or(0);
    let filter = Filter { text: query.0.get("q").to_owned(), ..Filter::default() };
    let ctx = hall.ctx.clone();
    let found = service::aside(move || {
        registration::list(&ctx, &asker.actor, asker.event, &filter, usize::try_from(page).unwrap_or(usize::MAX))
    });
    let (rows, all) = found.await?;
    let row = |(ticket, standing): (domain::Ticket, domain::checkin::Standing)| PersonRow {
        ticket: ticket.id.0,
        name: ticket.name,
        company: ticket.company,
        seat: ticket.seat,
        phone: ticket.phone.as_deref().map_or(String::new(), domain::phone::masked),
        state: ticket.state.code(),
        checked_in: standing.first().map(|entry| entry.at.0),
    };
    Ok(Json(People { items: rows.into_iter().map(row).collect(), all }))
}

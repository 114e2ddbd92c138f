//! Registering: the price, placing an order for several people, files that come along, and the order's life for its buyer.

use super::{
    event::EventCard,
    guard::RequestKey,
    input::{Named, Sent},
};
use crate::{
    Hall,
    answer::Failure,
    audience::{Caller, Visit},
    fields::Fields,
};
use axum::{Extension, Json, extract::State, http::StatusCode};
use domain::{
    AddOnId, EventId, Problem, Refusal, TicketTypeId,
    order::{Item, Line, PEOPLE_MAX},
    privacy::consent::ConsentWay,
    problem,
    ticket::TicketInput,
};
use serde::{Deserialize, Serialize};
use service::{
    Error, identity,
    order::{self, OrderInput, PersonInput},
    promotion, token, upload,
};
use utoipa::ToSchema;

/// An answer to a question.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    question: u16,
    /// One, or several where several may be chosen. For a file: what the upload answered.
    values: Vec<String>,
}

/// Answers by question, as forms give them.
pub(super) fn answers(given: Vec<Given>) -> Vec<(u16, String)> {
    given.into_iter().map(|given| (given.question, given.values.join("\n"))).collect()
}

/// One person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonForm {
    ticket_type: u64,
    name: String,
    /// The first person's must be given: the buyer is told there.
    #[serde(default)]
    phone: String,
    #[serde(default)]
    company: String,
    #[serde(default)]
    answers: Vec<Given>,
    #[serde(default)]
    addons: Vec<u64>,
}

/// People to register together; the first one is the buyer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderForm {
    #[schema(min_items = 1, max_items = 20)]
    people: Vec<PersonForm>,
    #[serde(default)]
    code: String,
    /// In yuan, such as `88` or `88.50`; empty for none.
    #[serde(default)]
    donation: String,
    /// Code of a way to pay.
    #[serde(default)]
    method: String,
    /// Link of a wait for which a place is held.
    #[serde(default)]
    waiter: String,
    /// By which link they came: its `from`, so that the source is known.
    #[serde(default)]
    from: String,
    /// The version of the privacy notice that the buyer read and agreed to, as the event has it; needed where there is one.
    #[serde(default)]
    privacy_notice: Option<u32>,
}

fn input(form: OrderForm, once: String) -> Result<OrderInput, Failure> {
    if form.people.is_empty() || form.people.len() > PEOPLE_MAX {
        let problem = problem!("people", "Choose one of the given answers.");
        return Err(Refusal::invalid(vec![problem]).into());
    }
    let person = |person: PersonForm| PersonInput {
        kind: TicketTypeId(person.ticket_type),
        addons: person.addons.into_iter().map(AddOnId).collect(),
        ticket: TicketInput {
            name: person.name,
            phone: person.phone,
            company: person.company,
            answers: answers(person.answers),
            ..TicketInput::default()
        },
    };
    Ok(OrderInput {
        once,
        people: form.people.into_iter().map(person).collect(),
        code: form.code,
        donation: form.donation,
        method: form.method,
        waiter: form.waiter,
        agreed: form.privacy_notice.map(|version| (version, ConsentWay::Api)),
        ..OrderInput::default()
    })
}

/// The fields of the page's form as the API spells them: `more-1-name` is `people[1].name`.
fn respell(error: Error) -> Failure {
    let Error::Refused(mut refusal) = error else { return error.into() };
    let of_order = ["code", "donation", "method", "waiter", "people", "privacy_notice"];
    for Problem { field, .. } in &mut refusal.problems {
        if of_order.contains(&field.as_str()) {
            continue;
        }
        let (at, name) = match field.strip_prefix("more-").and_then(|rest| rest.split_once('-')) {
            Some((at, name)) => (at.to_owned(), name.to_owned()),
            None => ("0".to_owned(), field.clone()),
        };
        let name = if name == "kind" { "ticket_type".to_owned() } else { name };
        *field = format!("people[{at}].{name}");
    }
    refusal.into()
}

/// One thing of an order.
#[derive(Serialize, ToSchema)]
pub(super) struct LineRow {
    /// `ticket`, `addon` or `donation`.
    item: &'static str,
    name: String,
    /// In fen.
    price: i64,
    /// What a code takes off, in fen.
    off: i64,
    /// It was given back.
    returned: bool,
}

impl From<&Line> for LineRow {
    fn from(line: &Line) -> Self {
        let item = match line.item {
            Item::Ticket(..) => "ticket",
            Item::AddOn(..) => "addon",
            Item::Donation => "donation",
        };
        let (price, off) = (line.price.fen, line.off.fen);
        Self { item, name: line.name.clone(), price, off, returned: line.returned }
    }
}

/// What an order would cost.
#[derive(Serialize, ToSchema)]
pub(super) struct QuoteBody {
    lines: Vec<LineRow>,
    /// In fen.
    total: i64,
    /// It must be approved.
    review: bool,
}

/// What the people would pay together. Nothing is taken.
#[utoipa::path(
    post, path = "/api/v1/events/{event}/quote", tag = "order", request_body = OrderForm, params(("event" = u64, Path)),
    responses((status = 200, body = QuoteBody))
)]
pub(super) async fn quote(
    State(hall): State<Hall>,
    Caller(actor): Caller,
    Named(event): Named<u64>,
    Sent(form): Sent<OrderForm>,
) -> Result<Json<QuoteBody>, Failure> {
    let quote = order::quote(&hall.ctx, &actor, EventId(event), &input(form, String::new())?).map_err(respell)?;
    let lines = quote.lines.iter().map(LineRow::from).collect();
    Ok(Json(QuoteBody { lines, total: quote.total().fen, review: quote.review }))
}

/// A ticket of an order.
#[derive(Serialize, ToSchema)]
struct TicketOfOrder {
    link: String,
    name: String,
    /// `active`, `canceled`, `unapproved`, `unpaid`, `refunded` or `blocked`.
    state: &'static str,
}

/// How an order is to be paid.
#[derive(Serialize, ToSchema)]
struct Paying {
    method: &'static str,
    label: String,
    /// What the association says about this way.
    instructions: String,
}

/// An order.
#[derive(Serialize, ToSchema)]
pub(super) struct OrderBody {
    /// Whoever has it is the buyer.
    link: String,
    number: String,
    event: EventCard,
    /// `pending_review`, `pending_payment`, `paid`, `refused`, `canceled`, `expired` or `refunded`.
    state: &'static str,
    /// The state in the asker's language.
    state_text: String,
    lines: Vec<LineRow>,
    /// In fen, like the other amounts.
    total: i64,
    paid: i64,
    refunded: i64,
    due: i64,
    #[schema(required)]
    pay_until: Option<i64>,
    #[schema(required)]
    pay: Option<Paying>,
    tickets: Vec<TicketOfOrder>,
    reason: String,
    may_cancel: bool,
    has_receipt: bool,
    created: i64,
}

pub(super) fn body(visit: &Visit, link: String, of: order::OrderPage) -> OrderBody {
    let (order, sums) = (&of.order, of.order.sums());
    let paying = |setting: &domain::PaymentSetting| Paying {
        method: setting.method.code(),
        label: visit.text().t(setting.method.label()).to_owned(),
        instructions: setting.instructions.clone(),
    };
    let ticket = |ticket: &domain::Ticket| TicketOfOrder {
        link: token::link(&ticket.link),
        name: ticket.name.clone(),
        state: ticket.state.code(),
    };
    OrderBody {
        link,
        number: order.number.clone(),
        event: EventCard::of(&visit.base, &of.event),
        state: order.state.code(),
        state_text: visit.text().t(order.state.label()).to_owned(),
        lines: order.lines.iter().map(LineRow::from).collect(),
        total: sums.total,
        paid: sums.paid,
        refunded: sums.refunded,
        due: sums.due(),
        pay_until: order.hold_until.map(|until| until.0),
        pay: of.payment.as_ref().map(paying),
        tickets: of.tickets.iter().map(ticket).collect(),
        reason: order.reason.clone(),
        may_cancel: of.may_cancel,
        has_receipt: of.has_receipt,
        created: order.created_at.0,
    }
}

/// Takes the places. Free ones that need no review are valid at once. Send an `Idempotency-Key`: a retry then never takes places twice.
#[utoipa::path(
    post, path = "/api/v1/events/{event}/orders", tag = "order", request_body = OrderForm, params(("event" = u64, Path)),
    responses((status = 201, description = "The order.", body = OrderBody))
)]
pub(super) async fn place(
    State(hall): State<Hall>,
    visit: Visit,
    Caller(actor): Caller,
    Named(event): Named<u64>,
    key: Option<Extension<RequestKey>>,
    Sent(form): Sent<OrderForm>,
) -> Result<(StatusCode, Json<OrderBody>), Failure> {
    let once = key.map(|Extension(key)| key.0).unwrap_or_default();
    let from = form.from.clone();
    let input = input(form, once.clone())?;
    let placed = order::place(&hall.ctx, &actor, EventId(event), &input).await;
    let link = match placed {
        Ok(order) => token::link(&order.link),
        // It was placed before, and the answer was lost with the power.
        Err(error) if error.code() == Some("once.done") && !once.is_empty() => order::link_of(EventId(event), &once),
        Err(error) => return Err(respell(error)),
    };
    let of = order::by_link(&hall.ctx, visit.space, &link)?;
    for ticket in of.tickets.iter().filter(|_| !from.is_empty()) {
        // The registration stands whatever becomes of that.
        let noted = promotion::credit(&hall.ctx, &actor, EventId(event), ticket.id, &from).await;
        if let Err(error) = noted {
            tracing::warn!(%error, "where a registration came from was not noted");
        }
    }
    if actor.person().is_some() {
        match identity::remember_order(&hall.ctx, &actor, &link).await {
            Ok(()) => {}
            Err(error) if error.code() == Some("once.done") => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((StatusCode::CREATED, Json(body(&visit, link, of))))
}

/// An order by its link.
#[utoipa::path(
    get, path = "/api/v1/orders/{link}", tag = "order", params(("link" = String, Path)),
    responses((status = 200, body = OrderBody))
)]
pub(super) async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    Named(link): Named<String>,
) -> Result<Json<OrderBody>, Failure> {
    let of = order::by_link(&hall.ctx, visit.space, &link)?;
    Ok(Json(body(&visit, link, of)))
}

/// Gives an order up that costs nothing or is not paid yet.
#[utoipa::path(
    post, path = "/api/v1/orders/{link}/cancel", tag = "order", params(("link" = String, Path)),
    responses((status = 200, body = OrderBody))
)]
pub(super) async fn cancel(
    State(hall): State<Hall>,
    visit: Visit,
    Caller(actor): Caller,
    Named(link): Named<String>,
) -> Result<Json<OrderBody>, Failure> {
    order::cancel_own(&hall.ctx, &actor, &link).await?;
    let of = order::by_link(&hall.ctx, visit.space, &link)?;
    Ok(Json(body(&visit, link, of)))
}

/// A file that was kept.
#[derive(Serialize, ToSchema)]
pub(super) struct Kept {
    /// Give it as the question's answer.
    value: String,
    name: String,
}

/// A file for a question: one part `file`, and the number of the question in the part `question`.
#[derive(ToSchema)]
#[allow(dead_code)]
pub(super) struct UploadForm {
    question: u16,
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Keeps a file that answers a question: PDF, picture or office document of at most 10 MB.
#[utoipa::path(
    post, path = "/api/v1/uploads", tag = "order",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Kept))
)]
pub(super) async fn keep(State(hall): State<Hall>, fields: Fields) -> Result<(StatusCode, Json<Kept>), Failure> {
    let question = fields.needed::<u16>("question")?;
    let missing = || Refusal::invalid(vec![problem!("file", "This field is required.")]);
    let file = fields.file("file").ok_or_else(missing)?;
    let value = upload::keep(&hall.ctx, question, &file.name, file.bytes.to_vec()).await?;
    let name = upload::name(&hall.ctx, question, &value).unwrap_or_default();
    Ok((StatusCode::CREATED, Json(Kept { value, name })))
}

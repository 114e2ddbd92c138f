//! Payment through WeChat for buyers, and where WeChat's notifications come in: their raw bytes are what was signed.

use crate::{
    Hall,
    answer::{Answer, see, tell},
    api::pay::PayParameters,
    audience::Visit,
    fields::Query,
    live::{Messages, live},
    space::In,
    wechat,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::pay::CALLBACK;
use serde_json::json;
use service::{
    Error, order,
    pay::{self, NotTaken},
};
use views::{Tone, phone::pay::Inside};

/// Most bytes of a notification.
const NOTICE_MAX: usize = 64 << 10;

/// Where notifications come in.
pub fn callback() -> Router<Hall> {
    Router::new().route(CALLBACK, post(notified).layer(DefaultBodyLimit::max(NOTICE_MAX)))
}

/// Routes of buyers.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/order/{link}/pay", post(start))
        .route("/order/{link}/pay/inside", post(begin_inside))
        .route("/order/{link}/paid", post(look))
        .route("/order/{link}/live", get(follow))
}

/// Answered well only when it is on disk: what is answered otherwise, WeChat sends again.
async fn notified(State(hall): State<Hall>, In(space): In, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (status, why) = match pay::notified(&hall.ctx, space, header, &body).await {
        Ok(()) => return StatusCode::NO_CONTENT.into_response(),
        Err(NotTaken::Unproven(why)) => (StatusCode::UNAUTHORIZED, why.to_string()),
        Err(NotTaken::Unread(why)) => (StatusCode::BAD_REQUEST, why.to_string()),
        Err(NotTaken::Failed(Error::Refused(refusal))) => (StatusCode::NOT_FOUND, refusal.code.to_owned()),
        Err(NotTaken::Failed(error)) => {
            tracing::error!(%error, "a notification of a payment was not taken");
            (StatusCode::INTERNAL_SERVER_ERROR, "internal".to_owned())
        }
    };
    tracing::warn!(status = status.as_u16(), why, "a notification of a payment was not taken");
    let body = json!({ "code": "FAIL", "message": why }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The buyer presses "pay": the page shows the code then.
async fn start(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    let back = format!("/order/{link}");
    match pay::start(&hall.ctx, &visit.visitor(), &link).await {
        Ok(_) => see(&format!("{back}#pay")),
        Err(error) => to_order(&visit, &back, error),
    }
}

/// How the phone that shows the page can pay.
pub fn inside(hall: &Hall, visit: &Visit, headers: &HeaderMap) -> Result<Inside, Error> {
    if !wechat::is_offered(hall, visit)? {
        return Ok(Inside::Code);
    }
    match wechat::link_of(hall, visit, headers) {
        Some(phone) if pay::can_inside(&hall.ctx, visit.space, phone)? => Ok(Inside::Bridge),
        Some(_) => Ok(Inside::Code),
        None if pay::is_paid_by_official(&hall.ctx, visit.space)? => Ok(Inside::LogIn),
        None => Ok(Inside::Code),
    }
}

/// What WeChat's own window takes to pay the order; for the page's script.
async fn begin_inside(
    State(hall): State<Hall>,
    visit: Visit,
    headers: HeaderMap,
    Path(link): Path<String>,
) -> Result<Json<PayParameters>, crate::answer::Failure> {
    let phone = wechat::link_of(&hall, &visit, &headers).ok_or_else(service::identity::nobody)?;
    Ok(Json(pay::inside_page(&hall.ctx, &visit.visitor(), &link, phone).await?.into()))
}

/// Back to the order with what was refused; no such order is an answer of its own.
fn to_order(visit: &Visit, back: &str, error: Error) -> Answer {
    match error {
        Error::Refused(refusal) if matches!(refusal.kind, domain::Kind::Conflict | domain::Kind::Unavailable) => {
            tell(back, Tone::Bad, &visit.text().refusal(&refusal))
        }
        error => Err(error.into()),
    }
}

/// The buyer says that it is paid: WeChat is asked.
async fn look(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    let back = format!("/order/{link}");
    if let Err(error) = pay::look_now(&hall.ctx, &visit.visitor(), &link).await {
        return to_order(&visit, &back, error);
    }
    let state = order::by_link(&hall.ctx, visit.space, &link)?.order.state;
    match state {
        domain::order::OrderState::PendingPayment => tell(
            &back,
            Tone::Info,
            visit.text().t("WeChat has not seen the payment yet. Wait a moment and look again."),
        ),
        _ => see(&back),
    }
}

/// Says when the page of an order is no longer what it shows.
async fn follow(State(hall): State<Hall>, In(space): In, Path(link): Path<String>, Query(query): Query) -> Messages {
    let (asked, shown) = (hall.clone(), query.get("state").to_owned());
    live(&hall, move || {
        let state = order::by_link(&asked.ctx, space, &link)?.order.state;
        Ok(json!({ "reload": state.code() != shown }))
    })
}

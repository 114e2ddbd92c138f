//! Paying an order through WeChat: by the code that any phone scans, or inside the mini-program by the openid that the person logged in with.

use super::{
    input::{Named, Sent},
    order::{self, OrderBody},
};
use crate::{
    Hall,
    answer::Failure,
    audience::{Caller, Visit},
};
use axum::{Json, extract::State};
use domain::{Refusal, problem, wechat::AppKind};
use serde::{Deserialize, Serialize};
use service::pay;
use utoipa::ToSchema;

/// How somebody wants to pay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PayForm {
    /// `code`: a code that any phone with WeChat scans. `wechat`: inside the mini-program; `official`: on a page of the official account that
    /// is shown inside WeChat. Both for the logged-in buyer alone: an openid pays in its own app.
    way: String,
}

/// What `wx.requestPayment` takes as it is; pages inside WeChat hand it to `getBrandWCPayRequest`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PayParameters {
    app_id: String,
    /// In seconds, as text.
    time_stamp: String,
    nonce_str: String,
    /// `prepay_id=…`.
    package: String,
    /// `RSA`.
    sign_type: &'static str,
    pay_sign: String,
}

impl From<pay::Inside> for PayParameters {
    fn from(of: pay::Inside) -> Self {
        let of = of.parameters;
        Self {
            app_id: of.appid,
            time_stamp: of.timestamp,
            nonce_str: of.nonce,
            package: of.package,
            sign_type: "RSA",
            pay_sign: of.signature,
        }
    }
}

/// A payment that waits to be made. Asked for again, it is the same payment.
#[derive(Serialize, ToSchema)]
pub(super) struct PayBody {
    /// Number of the payment.
    number: String,
    /// In fen.
    amount: i64,
    /// Until when it can be paid.
    until: i64,
    /// What the code to scan says; for `code`.
    #[schema(required)]
    code: Option<String>,
    /// For `wechat` and `official`.
    #[schema(required)]
    wechat: Option<PayParameters>,
}

fn body(attempt: &domain::Attempt) -> PayBody {
    let (number, amount, until) = (attempt.number.clone(), attempt.amount.fen, attempt.until.0);
    PayBody { number, amount, until, code: None, wechat: None }
}

/// Begins to pay an order, or goes on with the payment that was begun.
#[utoipa::path(
    post, path = "/api/v1/orders/{link}/pay", tag = "order", request_body = PayForm, params(("link" = String, Path)),
    responses((status = 200, body = PayBody))
)]
pub(super) async fn start(
    State(hall): State<Hall>,
    Caller(actor): Caller,
    Named(link): Named<String>,
    Sent(form): Sent<PayForm>,
) -> Result<Json<PayBody>, Failure> {
    match form.way.as_str() {
        "code" => {
            let attempt = pay::start(&hall.ctx, &actor, &link).await?;
            Ok(Json(PayBody { code: Some(attempt.code.clone()), ..body(&attempt) }))
        }
        way @ ("wechat" | "official") => {
            let kind = if way == "wechat" { AppKind::Mini } else { AppKind::Official };
            let inside = pay::inside_own(&hall.ctx, &actor, &link, kind).await?;
            let shown = body(&inside.attempt);
            Ok(Json(PayBody { wechat: Some(inside.into()), ..shown }))
        }
        _ => Err(Refusal::invalid(vec![problem!("way", "Choose one of the given answers.")]).into()),
    }
}

/// Says that it is paid: WeChat is asked, and the order is answered as it stands then. The phone's word alone counts for nothing.
#[utoipa::path(
    post, path = "/api/v1/orders/{link}/paid", tag = "order", params(("link" = String, Path)),
    responses((status = 200, body = OrderBody))
)]
pub(super) async fn look(
    State(hall): State<Hall>,
    visit: Visit,
    Caller(actor): Caller,
    Named(link): Named<String>,
) -> Result<Json<OrderBody>, Failure> {
    pay::look_now(&hall.ctx, &actor, &link).await?;
    let of = service::order::by_link(&hall.ctx, visit.space, &link)?;
    Ok(Json(order::body(&visit, link, of)))
}

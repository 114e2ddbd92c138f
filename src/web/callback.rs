//! What WeChat and WeCom push to the box. They wait five seconds and come again: the answer is given as soon as the push is on disk.

use crate::{
    Hall,
    answer::{Answer, Failure},
    space::In,
};
use axum::{
    Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use service::wechat::{self, Side};
use std::time::Duration;

/// Routes that WeChat and WeCom call.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/callback/wechat", get(check_wechat).post(take_wechat))
        .route("/callback/wecom", get(check_wecom).post(take_wecom))
}

/// How long an answer may take; without one, WeChat comes again, and what was kept meanwhile is known then.
const PATIENCE: Duration = Duration::from_millis(4_500);

fn plain(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

fn check(hall: &Hall, In(space): In, side: Side, query: Option<String>) -> Answer {
    let echo = wechat::echo(&hall.ctx, space, side, &query.unwrap_or_default())?;
    Ok(plain(echo))
}

async fn take(hall: &Hall, In(space): In, side: Side, query: Option<String>, body: &Bytes) -> Answer {
    let query = query.unwrap_or_default();
    let taking = wechat::take(&hall.ctx, space, side, &query, body);
    match tokio::time::timeout(PATIENCE, taking).await {
        Ok(taken) => taken.map(|_| plain("success".to_owned())).map_err(Failure::from),
        Err(_) => Ok(StatusCode::SERVICE_UNAVAILABLE.into_response()),
    }
}

async fn check_wechat(State(hall): State<Hall>, space: In, RawQuery(query): RawQuery) -> Answer {
    check(&hall, space, Side::WeChat, query)
}

async fn check_wecom(State(hall): State<Hall>, space: In, RawQuery(query): RawQuery) -> Answer {
    check(&hall, space, Side::WeCom, query)
}

async fn take_wechat(State(hall): State<Hall>, space: In, RawQuery(query): RawQuery, body: Bytes) -> Answer {
    take(&hall, space, Side::WeChat, query, &body).await
}

async fn take_wecom(State(hall): State<Hall>, space: In, RawQuery(query): RawQuery, body: Bytes) -> Answer {
    take(&hall, space, Side::WeCom, query, &body).await
}

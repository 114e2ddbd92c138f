//! How the box is: the page, the same for programs, and what is taken off the checklist.

use crate::{
    Hall,
    answer::{Answer, missing, page, told},
    audience::{Staff, Visit},
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use domain::health::{self as rules, Check};
use service::health;
use views::admin::health as pages;

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/status", get(show))
        .route("/status.json", get(json))
        .route("/status/restore", post(restore))
        .route("/status/{check}/dismiss", post(dismiss))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let lines = health::page(&hall.ctx, &actor).await?;
    let of = pages::Page {
        lines: &lines,
        worst: rules::worst(&lines),
        dismissed: !health::dismissed(&hall.ctx, &actor)?.is_empty(),
        at: hall.ctx.now(),
    };
    page(pages::page(&visit.admin_shell(&actor), &of))
}

async fn json(State(hall): State<Hall>, Staff(actor): Staff) -> Answer {
    let lines = health::page(&hall.ctx, &actor).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(rules::json(&lines))).into_response())
}

async fn dismiss(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(check): Path<String>) -> Answer {
    let Some(check) = Check::parse(&check) else { return Err(missing().await) };
    told(&visit, "/admin", health::dismiss(&hall.ctx, &actor, check).await)
}

async fn restore(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    told(&visit, "/admin/status", health::restore(&hall.ctx, &actor).await)
}

//! The page of a box that does not lead: whatever is asked for, it says what the box is, how far behind, and what to do.

use crate::{Hall, answer, asset, audience::Visit, root};
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use domain::standby::{Judged, Role};
use service::standby;
use views::admin::standby as pages;

/// Everything that such a box answers.
pub fn router(hall: Hall) -> Router {
    Router::new()
        .merge(root::routes())
        .route("/asset/{*name}", get(asset::get))
        .route("/standby.json", get(json))
        .fallback(show)
        .layer(middleware::from_fn_with_state(hall.clone(), answer::finish))
        .with_state(hall)
}

async fn show(State(hall): State<Hall>, visit: Visit) -> Response {
    let (standing, link) = (standby::standing(&hall.ctx), standby::link(&hall.ctx));
    let name = standby::name(&hall.ctx);
    let of = pages::Idle {
        role: standing.role,
        name: name.as_deref(),
        other: standing.peer.as_ref().map(|peer| peer.address.as_str()),
        lag: link.lag(hall.ctx.now()),
        groups: (link.held, link.newest),
        newest: standby::newest(&hall.ctx),
        trouble: link.trouble.as_ref().map(|(at, trouble)| (*at, trouble)),
        epoch: standing.epoch,
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::RETRY_AFTER, "60"),
    ];
    // A load balancer or a terminal takes its requests elsewhere.
    (StatusCode::SERVICE_UNAVAILABLE, headers, pages::idle(&visit.shell(), &of).into_string()).into_response()
}

/// The same for programs, without names and addresses.
async fn json(State(hall): State<Hall>) -> Response {
    let (standing, link) = (standby::standing(&hall.ctx), standby::link(&hall.ctx));
    let lag = link.lag(hall.ctx.now());
    let role = match standing.role {
        Role::Leader => "leader",
        Role::Follower => "follower",
        Role::Fenced => "fenced",
    };
    let judged = match lag.judge() {
        Judged::Follows => "follows",
        Judged::Behind => "behind",
        Judged::Away => "away",
    };
    let told = serde_json::json!({
        "role": role,
        "epoch": standing.epoch,
        "state": judged,
        "group": link.held,
        "behind": { "groups": lag.groups, "files": lag.files, "millis": lag.behind, "silent_millis": lag.silent },
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(told)).into_response()
}

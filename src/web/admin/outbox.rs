//! What leaves the box: the list with its states, sending again, dropping.

use crate::{
    Hall,
    answer::{Answer, page, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{
    OutgoingId,
    outbox::{OutAct, OutState},
};
use service::outbox::{self, Filter};
use views::{admin::outbox as pages, component::list::query};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new().route("/outbox", get(list)).route("/outbox/{entry}/{act}", post(act))
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    let filter = Filter {
        state: OutState::parse(query.get("state")),
        kind: query.get("kind").to_owned(),
        before: query.number("before")?.map(OutgoingId),
    };
    let found = outbox::list(&hall.ctx, &actor, &filter)?;
    let of = pages::Page {
        rows: &found.rows,
        next: found.next,
        counts: &found.counts,
        kinds: &found.kinds,
        state: filter.state,
        kind: &filter.kind,
    };
    page(pages::list(&visit.admin_shell(&actor), &of))
}

async fn act(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, act)): Path<(u64, String)>,
    fields: Fields,
) -> Answer {
    let act = match act.as_str() {
        "again" => OutAct::Again,
        "drop" => OutAct::Drop,
        _ => return Err(crate::answer::missing().await),
    };
    let done = outbox::act(&hall.ctx, &actor, OutgoingId(id), act).await;
    let back = query("/admin/outbox", &[("state", fields.get("state")), ("kind", fields.get("kind"))]);
    told(&visit, &back, done)
}

//! Records of people that became one because a proof joined them, and making two of them again.

use crate::{
    Hall,
    answer::{Answer, page, told},
    audience::{Staff, Visit},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{Permission, PersonId, privacy::Seen};
use service::{At, identity, privacy::access};
use views::admin::person as pages;

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new().route("/person", get(list)).route("/person/{person}/undo", post(undo))
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let merges = identity::merges(&hall.ctx, &actor)?;
    let full = hall.ctx.permit(&actor, Permission::PersonSensitive, At::Space).is_ok();
    if full {
        let seen = merges.iter().flat_map(|of| [&of.from, &of.into]).filter(|person| person.phone.is_some());
        access::note(&hall.ctx, &actor, "person.merges", None, seen.map(|person| person.id), &[Seen::Phone]);
    }
    let row = |of: identity::Merged| pages::Row { from: of.from, into: of.into, at: of.at, until: of.until };
    let rows: Vec<_> = merges.into_iter().map(row).collect();
    page(pages::page(&visit.admin_shell(&actor), &rows, full))
}

async fn undo(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(person): Path<u64>) -> Answer {
    told(&visit, "/admin/person", identity::undo_merge(&hall.ctx, &actor, PersonId(person)).await)
}

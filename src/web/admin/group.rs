//! The groups of an event (S0-36).

use crate::{
    Hall,
    answer::{Answer, again, page, tell, told},
    audience::{Staff, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{EventId, GroupId, Permission, Refusal};
use maud::Markup;
use service::{Actor, At, Error, event, group};
use views::{Tone, admin::group as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/group", get(list).post(add))
        .route("/event/{event}/group/{group}", post(rename))
        .route("/event/{event}/group/{group}/merge", post(merge))
        .route("/event/{event}/group/{group}/remove", post(remove))
}

fn base(event: EventId) -> String {
    format!("/admin/event/{event}/group")
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    id: EventId,
    typed: &str,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let rows = group::list(&hall.ctx, actor, id)?;
    let shown = pages::Page {
        event: &event::get(&hall.ctx, actor, id)?.event,
        rows: &rows,
        may_manage: hall.ctx.permit(actor, Permission::RegistrationManage, At::Event(id)).is_ok(),
        typed,
        refusal,
    };
    Ok(pages::page(&visit.admin_shell(actor), &shown))
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    page(draw(&hall, &visit, &actor, EventId(id), "", None)?)
}

async fn add(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    match group::add(&hall.ctx, &actor, id, fields.get("group")).await {
        Ok(_) => tell(&base(id), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, id, fields.get("group"), Some(refusal))),
    }
}

async fn rename(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, number)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let done = group::rename(&hall.ctx, &actor, EventId(id), GroupId(number), fields.get("group")).await;
    told(&visit, &base(EventId(id)), done)
}

async fn merge(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, number)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let into = fields.number("into")?.map(GroupId);
    // Without a group to merge into it would be a deletion, which nobody asked for.
    let done = match into {
        Some(into) => group::dissolve(&hall.ctx, &actor, EventId(id), GroupId(number), Some(into)).await.map(drop),
        None => match hall.ctx.permit(&actor, Permission::RegistrationManage, At::Event(EventId(id))) {
            Ok(_) => Err(Refusal::missing("group").into()),
            Err(error) => Err(error),
        },
    };
    told(&visit, &base(EventId(id)), done)
}

async fn remove(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, number)): Path<(u64, u64)>,
) -> Answer {
    let done = group::dissolve(&hall.ctx, &actor, EventId(id), GroupId(number), None).await;
    told(&visit, &base(EventId(id)), done.map(drop))
}

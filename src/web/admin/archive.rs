//! Archiving an event.

use crate::{
    Hall,
    answer::{Answer, again, page, tell},
    audience::{Staff, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{EventId, Permission, Refusal, event::EventState};
use maud::Markup;
use service::{Actor, At, Error, archive, event};
use views::{Tone, admin::archive as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/archive", get(show))
        .route("/event/{event}/archive/plan", post(plan))
        .route("/event/{event}/archive/begin", post(begin))
}

fn base(event: EventId) -> String {
    format!("/admin/event/{event}/archive")
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    id: EventId,
    due: Option<&str>,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    hall.ctx.permit(actor, Permission::EventManage, At::Event(id))?;
    let event = event::get(&hall.ctx, actor, id)?.event;
    let kept = archive::get(&hall.ctx, actor, id)?;
    let planned = kept.due.map_or(String::new(), |due| due.to_local(&visit.format.zone));
    let over = hall.ctx.now() >= event.time.to || event.state == EventState::Withdrawn;
    let shown = pages::Page { event: &event, archive: &kept, due: due.unwrap_or(&planned), over, refusal };
    Ok(pages::page(&visit.admin_shell(actor), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    page(draw(&hall, &visit, &actor, EventId(id), None, None)?)
}

async fn plan(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let (id, due) = (EventId(id), fields.get("due"));
    match archive::plan(&hall.ctx, &actor, id, due).await {
        Ok(()) => tell(&base(id), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, id, Some(due), Some(refusal))),
    }
}

async fn begin(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    if let Err(error) = archive::begin(&hall.ctx, &actor, id, fields.get("confirm")).await {
        return again(error, |refusal| draw(&hall, &visit, &actor, id, None, Some(refusal)));
    }
    // The work goes on when the page is closed; when the box stops in the middle, it is taken up at the next start.
    let (ctx, space) = (hall.ctx.clone(), actor.space);
    tokio::spawn(async move {
        if let Err(error) = archive::run(&ctx, space, id).await {
            tracing::error!(%error, event = id.0, "archiving stopped");
        }
    });
    tell(&base(id), Tone::Info, visit.text().t("This event is being archived. This goes on if you close the page."))
}

//! The big screen of a draw: for whoever is logged in and may look, or with the key that its page gives; keys are pressed only by those
//! who run the draw.

use crate::{
    Hall,
    answer::{Answer, Failure, page},
    audience::{Staff, Visit},
    fields::Query,
    live::follow,
    space::In,
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{DrawId, Refusal, SpaceId};
use service::draw;
use views::screen::draw as pages;

/// Routes of the screen.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/screen/draw/{draw}", get(show))
        .route("/screen/draw/{draw}/live", get(live))
        .route("/screen/draw/{draw}/names", get(names))
}

/// Whether this browser may show the screen, and where it presses.
fn may(hall: &Hall, space: SpaceId, headers: &HeaderMap, id: DrawId, key: &str) -> Result<Option<String>, Failure> {
    let staff = Staff::of(hall, space, headers).ok();
    if let Some(Staff(actor)) = staff {
        let (event, looks, runs) = draw::rights(&hall.ctx, &actor, id)?;
        if looks {
            return Ok(runs.then(|| format!("/admin/event/{event}/draw/{id}/act")));
        }
    }
    if draw::opens_screen(&hall.ctx, space, id, key) {
        return Ok(None);
    }
    Err(Refusal::denied().into())
}

async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    headers: HeaderMap,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    let id = DrawId(id);
    let key = query.get("key");
    let act = may(&hall, visit.space, &headers, id, key)?;
    let of = draw::published(&hall.ctx, visit.space, id)?;
    let state = draw::screen_state(&hall.ctx, visit.space, id)?;
    let shown = pages::Page {
        draw: &of.draw,
        event: &of.event,
        commitment: &of.running.commitment,
        key,
        act: act.as_deref(),
        phone: &format!("{}/draw/{id}", visit.base),
        state: &state,
    };
    page(pages::show(&visit.shell(), &shown))
}

async fn live(
    State(hall): State<Hall>,
    In(space): In,
    headers: HeaderMap,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Result<Response, Failure> {
    let id = DrawId(id);
    let key = query.get("key").to_owned();
    may(&hall, space, &headers, id, &key)?;
    let receiver = draw::watch(&hall.ctx, space, id, draw::Side::Screen)?;
    Ok(follow(receiver, move || may(&hall, space, &headers, id, &key).is_ok()))
}

async fn names(
    State(hall): State<Hall>,
    In(space): In,
    headers: HeaderMap,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Result<Response, Failure> {
    let id = DrawId(id);
    may(&hall, space, &headers, id, query.get("key"))?;
    let ctx = hall.ctx.clone();
    let names = service::aside(move || draw::names(&ctx, space, id)).await?;
    Ok(Json(names).into_response())
}

//! Choosing talks from the ticket's page, and the page of a series.

use crate::{
    Hall,
    answer::{Answer, again, page, tell},
    audience::Visit,
    fields::Fields,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use domain::{Refusal, SeriesId, TalkId};
use maud::Markup;
use service::{Error, series, talk};
use views::{Tone, phone::talk as pages};

/// Routes for visitors.
pub fn routes() -> Router<Hall> {
    Router::new().route("/ticket/{link}/talk", get(show).post(choose)).route("/series/{series}", get(of_series))
}

fn draw(hall: &Hall, visit: &Visit, link: &str, typed: Option<(&[TalkId], &Refusal)>) -> Result<Markup, Error> {
    let of = talk::page(&hall.ctx, visit.space, link)?;
    let ticket = format!("/ticket/{link}");
    if !of.open {
        let talks: Vec<_> = of.rows.into_iter().map(|row| row.talk).collect();
        return Ok(pages::closed(&visit.shell(), &of.event, &ticket, &talks));
    }
    let rows: Vec<_> = of.rows.into_iter().map(|row| (row.talk, row.taken)).collect();
    let shown = pages::Choose {
        event: &of.event,
        ticket: &ticket,
        rows: &rows,
        chosen: typed.map_or(&of.chosen, |(typed, _)| typed),
        refusal: typed.map(|(_, refusal)| refusal),
    };
    Ok(pages::choose(&visit.shell(), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    page(draw(&hall, &visit, &link, None)?)
}

async fn choose(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>, fields: Fields) -> Answer {
    let wanted: Vec<TalkId> = fields.all("talk").filter_map(|id| id.parse().ok()).collect();
    match talk::choose(&hall.ctx, &visit.visitor(), &link, wanted.clone()).await {
        Ok(()) => tell(&format!("/ticket/{link}"), Tone::Good, visit.text().t("Your choice was kept.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &link, Some((&wanted, refusal)))),
    }
}

async fn of_series(State(hall): State<Hall>, visit: Visit, Path(id): Path<u64>) -> Answer {
    let (series, events) = series::public(&hall.ctx, &visit.visitor(), SeriesId(id))?;
    let now = hall.ctx.now();
    let (over, coming): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| event.time.to <= now);
    page(pages::series(&visit.shell(), &series, &coming, &over))
}

//! Event series.

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
use domain::{Permission, Refusal, SeriesId};
use maud::Markup;
use service::{Actor, At, Error, series};
use views::{Tone, admin::series as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/series", get(list))
        .route("/series/new", get(new_form).post(create))
        .route("/series/{series}", get(show).post(save))
        .route("/series/{series}/remove", post(remove))
}

fn may(hall: &Hall, actor: &Actor) -> bool {
    hall.ctx.permit(actor, Permission::EventManage, At::Space).is_ok()
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let all = series::list(&hall.ctx, &actor)?;
    page(pages::list(&visit.admin_shell(&actor), &all, may(&hall, &actor)))
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    id: Option<SeriesId>,
    typed: Option<(&Fields, &Refusal)>,
) -> Result<Markup, Error> {
    let kept = id.map(|id| series::get(&hall.ctx, actor, id)).transpose()?;
    let (title, intro) = match (&typed, &kept) {
        (Some((fields, _)), _) => (fields.get("title"), fields.rich("intro")),
        (None, Some((series, _))) => (series.title.as_str(), domain::rich::typed(&series.intro)),
        (None, None) => ("", String::new()),
    };
    let revision = |kept: u32| {
        let opened = typed.as_ref().and_then(|(fields, _)| fields.get("revision").parse().ok());
        opened.unwrap_or(kept)
    };
    let shown = pages::Page {
        id: kept.as_ref().map(|(series, _)| (series.id, revision(series.revision))),
        typed: (title, &intro),
        events: kept.as_ref().map_or(&[], |(_, events)| events.as_slice()),
        url: &id.map_or(String::new(), |id| format!("{}/series/{id}", visit.base)),
        may_change: may(hall, actor),
        refusal: typed.as_ref().map(|(_, refusal)| *refusal),
    };
    Ok(pages::page(&visit.admin_shell(actor), &shown))
}

async fn new_form(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    hall.ctx.permit(&actor, Permission::EventManage, At::Space)?;
    page(draw(&hall, &visit, &actor, None, None)?)
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    page(draw(&hall, &visit, &actor, Some(SeriesId(id)), None)?)
}

async fn keep(hall: &Hall, visit: &Visit, actor: &Actor, id: Option<(SeriesId, u32)>, fields: &Fields) -> Answer {
    match series::save(&hall.ctx, actor, id, fields.get("title"), &fields.rich("intro")).await {
        Ok(_) => tell("/admin/series", Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(hall, visit, actor, id.map(|(id, _)| id), Some((fields, refusal)))),
    }
}

async fn create(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    keep(&hall, &visit, &actor, None, &fields).await
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let revision = fields.number("revision")?.unwrap_or(0);
    keep(&hall, &visit, &actor, Some((SeriesId(id), revision)), &fields).await
}

async fn remove(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    told(&visit, "/admin/series", series::remove(&hall.ctx, &actor, SeriesId(id)).await)
}

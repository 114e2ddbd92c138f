//! Categories of events (S0-5 … S0-7), and the part of the event's form that files it (S0-13, S0-29).

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
use domain::{CategoryId, EventId, EventView, Permission, Refusal, SeriesId};
use maud::Markup;
use service::{Actor, At, Error, category, event_view, series};
use views::{Tone, admin::category as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/category", get(list).post(create))
        .route("/category/remove", post(remove))
        .route("/category/{category}", post(rename))
}

fn draw(hall: &Hall, visit: &Visit, actor: &Actor, typed: &str, refusal: Option<&Refusal>) -> Result<Markup, Error> {
    let all = category::list(&hall.ctx, actor)?;
    let may_change = hall.ctx.permit(actor, Permission::EventManage, At::Space).is_ok();
    Ok(pages::list(&visit.admin_shell(actor), &all, may_change, typed, refusal))
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    page(draw(&hall, &visit, &actor, "", None)?)
}

async fn create(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    match category::create(&hall.ctx, &actor, fields.get("name")).await {
        Ok(_) => tell("/admin/category", Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, fields.get("name"), Some(refusal))),
    }
}

async fn rename(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let done = category::rename(&hall.ctx, &actor, CategoryId(id), fields.get("name")).await;
    told(&visit, "/admin/category", done)
}

async fn remove(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let ids: Vec<CategoryId> = fields.all("id").filter_map(|id| id.parse().ok().map(CategoryId)).collect();
    match category::remove(&hall.ctx, &actor, &ids).await {
        Ok(0) => tell("/admin/category", Tone::Warn, visit.text().t("Choose rows first.")),
        removed => told(&visit, "/admin/category", removed.map(drop)),
    }
}

/// The choice of the event's form.
fn choice(fields: &Fields) -> Result<category::Choice, Refusal> {
    let id = fields.number("category")?.map(CategoryId);
    Ok(category::Choice { id, new: fields.get("new_category").to_owned() })
}

/// The part of the event's form, as kept or as typed.
pub(super) fn filing(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    event: Option<EventId>,
    typed: Option<&Fields>,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let all: Vec<_> = category::list(&hall.ctx, actor)?.into_iter().map(|(category, _)| category).collect();
    let kept = event.map(|event| category::of_event(&hall.ctx, actor, event)).transpose()?.flatten();
    let mut view = match event {
        Some(event) => event_view::get(&hall.ctx, actor, event)?,
        None => EventView::of(EventId(0)),
    };
    let mut chosen = kept.map_or(String::new(), |id| id.to_string());
    let all_series = series::list(&hall.ctx, actor)?;
    let kept = event.map(|event| series::of_event(&hall.ctx, actor, event)).transpose()?.flatten();
    let mut chosen_series = kept.map_or(String::new(), |series| series.id.to_string());
    if let Some(typed) = typed {
        typed.get("category").clone_into(&mut chosen);
        typed.get("series").clone_into(&mut chosen_series);
        switch(typed, &mut view);
    }
    let shown = pages::Filing {
        categories: &all,
        category: &chosen,
        new: typed.map_or("", |typed| typed.get("new_category")),
        all_series: &all_series,
        series: &chosen_series,
        view: &view,
        refusal,
    };
    Ok(pages::filing(&visit.shell(), &shown))
}

fn switch(fields: &Fields, view: &mut EventView) {
    view.hide_left = fields.ticked("hide_left");
    view.seat_early = fields.ticked("seat_early");
}

/// Says before an event is saved what is wrong with how it is filed.
pub(super) fn check(hall: &Hall, actor: &Actor, fields: &Fields) -> Result<(), Error> {
    choice(fields)?.check(&hall.ctx, actor)
}

/// Keeps how an event is filed, after it was saved.
pub(super) async fn keep(hall: &Hall, actor: &Actor, event: EventId, fields: &Fields) -> Result<(), Error> {
    category::put(&hall.ctx, actor, event, &choice(fields)?).await?;
    series::put(&hall.ctx, actor, event, fields.number("series")?.map(SeriesId)).await?;
    let mut typed = EventView::of(event);
    switch(fields, &mut typed);
    let (hide_left, seat_early) = (typed.hide_left, typed.seat_early);
    event_view::set(&hall.ctx, actor, event, move |view| {
        view.hide_left = hide_left;
        view.seat_early = seat_early;
    })
    .await
}

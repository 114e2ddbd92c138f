//! Components of the home page (S0-76 … S0-78).

use crate::{
    Hall,
    answer::{Answer, again, page, tell, told},
    audience::{Staff, Visit},
    fields::Fields,
    home::drawn,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{CategoryId, PartId, Refusal, SpaceId, home::PartInput};
use maud::Markup;
use service::{Actor, Error, home};
use views::{Tone, admin::home as pages, phone::home as phone_pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/home", get(list))
        .route("/home/new", get(new_form).post(create))
        .route("/home/preview", post(preview))
        .route("/home/{part}", get(form).post(save))
        .route("/home/{part}/raise", post(raise))
        .route("/home/{part}/remove", post(remove))
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let parts = home::list(&hall.ctx, &actor)?;
    let frames = hall.ctx.known(actor.space)?.is_some_and(|known| !known.brand.frames.is_empty());
    page(pages::list(&visit.admin_shell(&actor), &parts, &home::categories(&hall.ctx, &actor)?, frames))
}

fn input(fields: &Fields) -> Result<PartInput, Refusal> {
    Ok(PartInput {
        title: fields.get("title").to_owned(),
        style: fields.get("style").to_owned(),
        source: fields.get("source").to_owned(),
        category: fields.number("category")?.map(CategoryId),
        count: fields.get("count").to_owned(),
    })
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    id: Option<(PartId, u32)>,
    input: &PartInput,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let url = id.map_or(String::new(), |(id, _)| format!("{}/part/{id}", visit.base));
    let categories = home::categories(&hall.ctx, actor)?;
    let shown = pages::PartForm {
        id,
        input,
        categories: &categories,
        sources: actor.space == SpaceId::ASSOCIATION,
        url: &url,
        refusal,
    };
    Ok(pages::form(&visit.admin_shell(actor), &shown))
}

async fn new_form(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    home::list(&hall.ctx, &actor)?;
    let input = PartInput { style: "big".into(), count: "3".into(), ..PartInput::default() };
    page(draw(&hall, &visit, &actor, None, &input, None)?)
}

async fn form(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let kept = home::get(&hall.ctx, &actor, PartId(id))?;
    let input = PartInput {
        title: kept.title.clone(),
        style: kept.style.code().to_owned(),
        source: kept.source.code().to_owned(),
        category: kept.category,
        count: kept.count.to_string(),
    };
    page(draw(&hall, &visit, &actor, Some((kept.id, kept.revision)), &input, None)?)
}

async fn keep(hall: &Hall, visit: &Visit, actor: &Actor, id: Option<(PartId, u32)>, fields: &Fields) -> Answer {
    let input = input(fields)?;
    match home::save(&hall.ctx, actor, id, &input).await {
        Ok(_) => tell("/admin/home", Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(hall, visit, actor, id, &input, Some(refusal))),
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
    keep(&hall, &visit, &actor, Some((PartId(id), revision)), &fields).await
}

/// What the form would show; the page opens beside the form, which stays as it is.
async fn preview(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let of = home::preview(&hall.ctx, &actor, &input(&fields)?)?;
    page(phone_pages::preview(&visit.shell(), &drawn(&of)))
}

async fn raise(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    told(&visit, "/admin/home", home::raise(&hall.ctx, &actor, PartId(id)).await)
}

async fn remove(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    told(&visit, "/admin/home", home::remove(&hall.ctx, &actor, PartId(id)).await)
}

//! Settings of the association, and departments.

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
use domain::{DepartmentId, Permission, Refusal, space::SpaceInput};
use maud::Markup;
use service::{Actor, Error, space};
use views::{Tone, admin::space as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/space", get(show).post(save))
        .route("/department", post(add))
        .route("/department/{department}", post(change))
        .route("/department/{department}/remove", post(remove))
}

/// The page; `more` is the section of the application's name and logo.
pub(super) fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    typed: Option<&SpaceInput>,
    refusal: Option<&Refusal>,
    more: &Markup,
) -> Result<Markup, Error> {
    hall.ctx.permit(actor, Permission::SpaceManage, service::At::Space)?;
    let kept = space::own(&hall.ctx, actor)?;
    let departments = space::departments(&hall.ctx, actor)?;
    let (name, zone) =
        typed.map_or((kept.name.as_str(), kept.zone.as_str()), |typed| (typed.name.as_str(), typed.zone.as_str()));
    Ok(pages::settings(&visit.admin_shell(actor), name, zone, &departments, refusal, more))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let more = super::brand::section(&hall, &visit, &actor, None)?;
    page(draw(&hall, &visit, &actor, None, None, &more)?)
}

async fn save(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let input = SpaceInput { name: fields.get("name").to_owned(), zone: fields.get("zone").to_owned() };
    match space::save(&hall.ctx, &actor, &input).await {
        Ok(()) => tell("/admin/space", Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| {
            let more = super::brand::section(&hall, &visit, &actor, None)?;
            draw(&hall, &visit, &actor, Some(&input), Some(refusal), &more)
        }),
    }
}

/// Keeps a department; `tail` is what its fields' names end with, since many stand on one page.
async fn keep(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    id: Option<DepartmentId>,
    tail: &str,
    fields: &Fields,
) -> Answer {
    let parent = fields.number(&format!("parent{tail}"))?.map(DepartmentId);
    let name = fields.get(&format!("department{tail}"));
    let kept = space::save_department(&hall.ctx, actor, id, name, parent).await;
    crate::answer::told(visit, "/admin/space", kept.map(drop))
}

async fn add(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    keep(&hall, &visit, &actor, None, "", &fields).await
}

async fn change(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    keep(&hall, &visit, &actor, Some(DepartmentId(id)), &format!("-{id}"), &fields).await
}

async fn remove(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let done = space::remove_department(&hall.ctx, &actor, DepartmentId(id)).await;
    crate::answer::told(&visit, "/admin/space", done)
}

//! One's own data on the phone: a copy of everything, and asking to be erased.

use crate::{
    Hall,
    admin::privacy::packed,
    answer::{Answer, again, page, see, tell},
    audience::{Member, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use domain::Refusal;
use maud::Markup;
use service::{Actor, Error, privacy};
use views::{Tone, phone::privacy as pages};

/// Routes for people who are logged in.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/my/data", get(show))
        .route("/my/data/export", post(export))
        .route("/my/data/erase", post(erase))
        .route("/my/data/keep", post(keep))
}

fn draw(hall: &Hall, visit: &Visit, actor: &Actor, refusal: Option<&Refusal>) -> Result<Markup, Error> {
    let (person, erasure) = privacy::own(&hall.ctx, actor)?;
    let of = pages::Page { name: &person.name, erasure: erasure.as_ref(), beside: privacy::table::BESIDE, refusal };
    Ok(pages::show(&visit.shell(), &of))
}

async fn show(State(hall): State<Hall>, visit: Visit, member: Result<Member, crate::answer::Failure>) -> Answer {
    let Ok(Member(actor)) = member else { return see("/my/login") };
    page(draw(&hall, &visit, &actor, None)?)
}

async fn export(State(hall): State<Hall>, visit: Visit, Member(actor): Member) -> Answer {
    match privacy::export_own(&hall.ctx, &actor).await {
        Ok(of) => packed(&hall, &visit, of).await,
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, Some(refusal))),
    }
}

async fn erase(State(hall): State<Hall>, visit: Visit, Member(actor): Member, fields: Fields) -> Answer {
    match privacy::ask(&hall.ctx, &actor, fields.get("confirm")).await {
        Ok(()) => tell("/my/data", Tone::Good, visit.text().t("The secretariat has your request.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, Some(refusal))),
    }
}

async fn keep(State(hall): State<Hall>, visit: Visit, Member(actor): Member) -> Answer {
    match privacy::withdraw(&hall.ctx, &actor).await {
        Ok(()) => tell("/my/data", Tone::Good, visit.text().t("Your data stays.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, Some(refusal))),
    }
}

//! One's own data on the phone: a copy of everything, and asking to be erased.

use crate::{
    Hall,
    admin::privacy::packed,
    answer::{Answer, again, page, see, tell, told},
    audience::{Member, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::{Path, State},
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
        .route("/my/data/withdraw", post(withdraw))
        .route("/privacy/{version}", get(words))
}

fn draw(hall: &Hall, visit: &Visit, actor: &Actor, refusal: Option<&Refusal>) -> Result<Markup, Error> {
    let (person, erasure) = privacy::own(&hall.ctx, actor)?;
    let consents = privacy::consent::own(&hall.ctx, actor)?;
    let of = pages::Page {
        name: &person.name,
        consents: &consents,
        erasure: erasure.as_ref(),
        beside: privacy::table::BESIDE,
        refusal,
    };
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

async fn withdraw(State(hall): State<Hall>, visit: Visit, Member(actor): Member) -> Answer {
    told(&visit, "/my/data", privacy::consent::withdraw(&hall.ctx, &actor).await)
}

async fn words(State(hall): State<Hall>, visit: Visit, Path(version): Path<u32>) -> Answer {
    page(pages::words(&visit.shell(), &privacy::consent::version(&hall.ctx, visit.space, version)?))
}

async fn keep(State(hall): State<Hall>, visit: Visit, Member(actor): Member) -> Answer {
    match privacy::withdraw(&hall.ctx, &actor).await {
        Ok(()) => tell("/my/data", Tone::Good, visit.text().t("Your data stays.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, Some(refusal))),
    }
}

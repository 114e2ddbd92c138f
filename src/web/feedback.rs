//! Answering the feedback form from the ticket's page.

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
use domain::Refusal;
use maud::Markup;
use service::{Error, feedback};
use views::{Tone, phone::feedback as pages};

/// Routes for visitors.
pub fn routes() -> Router<Hall> {
    Router::new().route("/ticket/{link}/feedback", get(show).post(answer))
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    link: &str,
    typed: &[(u16, String)],
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let of = feedback::page(&hall.ctx, visit.space, link)?;
    let ticket = format!("/ticket/{link}");
    let shown = pages::Page { event: &of.event, form: &of.form, ticket: &ticket, given: of.given, typed, refusal };
    Ok(pages::page(&visit.shell(), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    page(draw(&hall, &visit, &link, &[], None)?)
}

async fn answer(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>, fields: Fields) -> Answer {
    let typed = fields.answers();
    match feedback::answer(&hall.ctx, &visit.visitor(), &link, typed.clone()).await {
        Ok(()) => tell(&format!("/ticket/{link}/feedback"), Tone::Good, visit.text().t("Your answers were kept.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &link, &typed, Some(refusal))),
    }
}

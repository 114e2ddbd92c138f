//! The invoice of an order, for whoever has the order's link.

use crate::{
    Hall,
    admin::invoice::input,
    answer::{Answer, again, page, tell},
    audience::Visit,
    fields::Fields,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use domain::{Refusal, invoice::InvoiceInput};
use maud::Markup;
use service::{Error, invoice};
use views::{Tone, phone::invoice as pages};

/// Routes of buyers.
pub fn routes() -> Router<Hall> {
    Router::new().route("/order/{link}/invoice", get(show).post(ask))
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    link: &str,
    typed: Option<&InvoiceInput>,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let of = invoice::own(&hall.ctx, &visit.visitor(), link)?;
    let shown = pages::Page { may_ask: of.may_ask(), order: &of.order, invoices: &of.invoices, link, typed, refusal };
    Ok(pages::page(&visit.shell(), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    page(draw(&hall, &visit, &link, None, None)?)
}

async fn ask(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>, fields: Fields) -> Answer {
    let input = input(&fields);
    match invoice::ask_own(&hall.ctx, &visit.visitor(), &link, &input).await {
        Ok(()) => tell(&format!("/order/{link}/invoice"), Tone::Good, visit.text().t("Your wish was written down.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &link, Some(&input), Some(refusal))),
    }
}

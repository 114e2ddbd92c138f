//! The audit log.

use crate::{
    Hall,
    answer::{Answer, page},
    audience::{Staff, Visit},
    fields::Query,
};
use axum::{Router, extract::State, routing::get};
use domain::By;

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new().route("/audit", get(log))
}

async fn log(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    let service::audit::Page { lines, next } = service::audit::page(&hall.ctx, &actor, query.number("before")?)?;
    let text = visit.text();
    let mut shown = Vec::with_capacity(lines.len());
    for (number, line) in lines {
        let known = service::audit::who(&hall.ctx, &actor, line.by)?;
        let who = known.unwrap_or_else(|| {
            text.t(match line.by {
                By::Visitor => "Visitor",
                By::Box => "The box",
                By::Account(_) | By::Device(_) | By::Person(_) => "Unknown",
            })
            .to_owned()
        });
        shown.push((number, line, who));
    }
    page(views::admin::audit::log(&visit.admin_shell(&actor), &shown, next))
}

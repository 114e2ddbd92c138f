//! The audit log.

use crate::{
    Hall,
    answer::{Answer, page},
    audience::{Staff, Visit},
    fields::Query,
};
use axum::{Router, extract::State, routing::get};
use domain::{By, query::QUERY_MAX};
use views::admin::audit as pages;

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new().route("/audit", get(log))
}

async fn log(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    let q: String = query.get("q").chars().take(QUERY_MAX).collect();
    let of = service::audit::page(&hall.ctx, &actor, query.number("before")?, &q).await?;
    let text = visit.text();
    let who = |by: By| {
        let unnamed = match by {
            By::Visitor => "Visitor",
            By::Box => "The box",
            By::Account(_) | By::Device(_) | By::Client(_) | By::Person(_) => "Unknown",
        };
        of.names.get(&by).and_then(Option::as_deref).unwrap_or_else(|| text.t(unnamed))
    };
    let lines: Vec<_> = of.lines.iter().map(|(number, line)| (*number, line, who(line.by))).collect();
    let saved = service::search::saved::list(&hall.ctx, &actor, "/admin/audit")?;
    page(pages::log(&visit.admin_shell(&actor), &pages::Page { lines: &lines, next: of.next, q: &q, saved: &saved }))
}

//! Help pages, for everybody who is logged in.

use crate::{
    Hall,
    answer::{Answer, page},
    audience::{Staff, Visit},
};
use axum::{Router, extract::Path, routing::get};
use domain::{Refusal, help};
use views::admin::help as pages;

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new().route("/help", get(list)).route("/help/{name}", get(show))
}

async fn list(visit: Visit, Staff(actor): Staff) -> Answer {
    page(pages::list(&visit.admin_shell(&actor)))
}

async fn show(visit: Visit, Staff(actor): Staff, Path(name): Path<String>) -> Answer {
    let found = help::page(&name).ok_or_else(|| Refusal::missing("help page"))?;
    page(pages::page(&visit.admin_shell(&actor), found))
}

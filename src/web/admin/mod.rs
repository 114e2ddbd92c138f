//! The secretariat's pages.

pub mod account;
pub mod audit;
pub mod checkin;
pub mod device;
pub mod document;
pub mod event;
pub mod help;
pub mod import;
pub mod list;
pub mod overview;
pub mod registration;
pub mod search;
pub mod setup;
pub mod space;
pub mod ticket_type;

use crate::{Hall, answer::Answer, answer::see};
use axum::{Router, routing::get};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/", get(overview::show))
        .merge(event::routes())
        .merge(ticket_type::routes())
        .merge(registration::routes())
        .merge(import::routes())
        .merge(checkin::routes())
        .merge(device::routes())
        .merge(list::routes())
        .merge(account::routes())
        .merge(space::routes())
        .merge(audit::routes())
        .merge(search::routes())
        .merge(document::routes())
        .merge(help::routes())
}

/// Where somebody lands who may not see the overview.
pub(crate) fn elsewhere() -> Answer {
    see("/admin/session")
}

//! The secretariat's pages.

pub mod account;
pub mod audit;
pub mod certificate;
pub mod checkin;
pub mod design;
pub mod device;
pub mod event;
pub mod import;
pub mod list;
pub mod overview;
pub mod print;
pub mod promotion;
pub mod registration;
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
        .merge(promotion::routes())
        .merge(design::routes())
        .merge(print::routes())
        .merge(certificate::routes())
        .merge(account::routes())
        .merge(space::routes())
        .merge(audit::routes())
}

/// Where somebody lands who may not see the overview.
pub(crate) fn elsewhere() -> Answer {
    see("/admin/session")
}

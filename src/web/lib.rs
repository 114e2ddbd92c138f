//! How people and devices come in: parse, call one service, answer. Nothing here touches a table.

pub mod admin;
pub mod answer;
pub mod api;
pub mod asset;
pub mod audience;
pub mod feature;
pub mod fields;
pub mod hall;
pub mod live;
pub mod phone;
pub mod terminal;

pub use audience::Peer;
pub use hall::{Hall, Parts, Settings};

use axum::{Router, extract::DefaultBodyLimit, middleware, routing::get};
use tower_http::{compression::CompressionLayer, csrf::CsrfLayer};

/// Most bytes of a request that carries no file.
pub const BODY_MAX: usize = 512 << 10;

/// All routes with what surrounds them.
pub fn router(hall: Hall) -> Router {
    let pages = Router::new()
        .merge(phone::routes())
        .merge(terminal::routes())
        .nest("/admin", admin::routes())
        .merge(admin::setup::routes())
        .merge(live::routes())
        .route("/asset/{*name}", get(asset::get))
        .fallback(answer::missing)
        .layer(CompressionLayer::new().gzip(true));
    Router::new()
        .nest("/api/v1/checkin", api::checkin::routes())
        .merge(pages)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn_with_state(hall.clone(), answer::finish))
        .with_state(hall)
}

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
pub mod own;
pub mod phone;
pub mod terminal;

pub use audience::Peer;
pub use hall::{Hall, Parts, Settings};

use axum::{
    Router,
    body::Body,
    extract::DefaultBodyLimit,
    http::{Method, Request},
    middleware,
    response::Response,
    routing::get,
};
use std::convert::Infallible;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::{compression::CompressionLayer, csrf::CsrfLayer};

/// Most bytes of a request that carries no file.
pub const BODY_MAX: usize = 512 << 10;

/// Everything that the hall answers. Cheap to clone.
#[derive(Clone)]
pub struct App {
    hall: Hall,
    router: Router,
}

impl App {
    /// The hall's routes.
    pub fn new(hall: Hall) -> Self {
        Self { router: router(hall.clone()), hall }
    }

    /// Answers one request. A scan goes by a lane of its own: the router and what surrounds it would take longer than the scan.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        if request.method() == Method::POST && request.uri().path() == api::checkin::REDEEM {
            let lane = |request| async { Ok::<_, Infallible>(api::checkin::lane(&self.hall, request).await) };
            let Ok(response) = CsrfLayer::new().layer(service_fn(lane)).oneshot(request).await;
            return response;
        }
        let Ok(response) = self.router.clone().oneshot(request).await;
        response
    }
}

/// All routes with what surrounds them, but for the scan's lane.
fn router(hall: Hall) -> Router {
    let pages = Router::new()
        .merge(phone::routes())
        .merge(terminal::routes())
        .merge(own::routes())
        .nest("/admin", admin::routes())
        .merge(admin::setup::routes())
        .merge(live::routes())
        .route("/asset/{*name}", get(asset::get))
        .fallback(answer::missing)
        .layer(CompressionLayer::new().gzip(true));
    Router::new()
        .nest("/api/v1", api::routes())
        .merge(pages)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn_with_state(hall.clone(), answer::finish))
        .with_state(hall)
}

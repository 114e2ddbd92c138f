//! How people and devices come in: parse, call one service, answer. Nothing here touches a table.

pub mod admin;
pub mod answer;
pub mod api;
pub mod asset;
pub mod audience;
pub mod callback;
pub mod certificate;
pub mod draw;
pub mod eyes;
pub mod feature;
pub mod feedback;
pub mod fields;
pub mod hall;
pub mod home;
pub mod live;
pub mod login;
pub mod merchant;
pub mod message;
pub mod meter;
pub mod own;
pub mod pay;
pub mod phone;
pub mod poster;
pub mod print;
pub mod privacy;
pub mod root;
pub mod screen;
pub mod space;
pub mod standby;
pub mod talk;
pub mod terminal;
mod trail;
pub mod tunnel;
pub mod wechat;

pub use audience::Peer;
pub use hall::{ApiSettings, Hall, Parts, Settings};
pub use tunnel::Tunnelled;

use axum::{
    Router,
    body::Body,
    extract::DefaultBodyLimit,
    http::{Method, Request, StatusCode},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use http_body_util::BodyExt;
use hyper::body::Body as _;
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
    kept: api::hot::Kept,
    csrf: CsrfLayer,
    /// Nothing but the page of a box that does not lead.
    idle: bool,
}

impl App {
    /// The hall's routes.
    pub fn new(hall: Hall) -> Self {
        Self::with(router(hall.clone()), hall, false)
    }

    /// A box that does not lead: whatever is asked for, its page answers.
    pub fn idle(hall: Hall) -> Self {
        Self::with(standby::router(hall.clone()), hall, true)
    }

    fn with(router: Router, hall: Hall, idle: bool) -> Self {
        Self { router, kept: api::hot::Kept::new(&hall), csrf: CsrfLayer::new(), hall, idle }
    }

    /// Answers one request. A scan goes by a lane of its own: the router and what surrounds it would take longer than the scan.
    pub async fn answer(&self, mut request: Request<Body>) -> Response {
        if self.idle {
            request.extensions_mut().insert(space::In(domain::SpaceId::ASSOCIATION));
            let Ok(response) = self.router.clone().oneshot(request).await;
            return response;
        }
        let space = match space::enter(&self.hall, &mut request).await {
            Ok(space) => space,
            Err(failure) => {
                let mut response = failure.into_response();
                answer::close(&self.hall, &request.into_parts().0, &mut response);
                return response;
            }
        };
        if let Err(failure) = tunnel::admit(&request) {
            return self.refused(space, request.into_parts().0, failure);
        }
        let seeing = match eyes::admit(&self.hall, &request) {
            Ok(seeing) => seeing.then(|| answer::circumstances(&request)),
            Err(failure) => {
                let Some(request) = whole(request).await else { return StatusCode::BAD_REQUEST.into_response() };
                return self.refused(space, request.into_parts().0, failure);
            }
        };
        let begun = meter::begin();
        let (mut response, way) = self.within(request).await;
        if let (Some(asked), Err(failure)) = (seeing, eyes::check(&response)) {
            return self.refused(space, asked, failure);
        }
        meter::end(begun, way, &mut response);
        space::leave(space, &mut response);
        response
    }

    /// The answer to what was refused before it came to its handler, or behind it.
    fn refused(&self, space: domain::SpaceId, asked: axum::http::request::Parts, failure: answer::Failure) -> Response {
        let mut response = failure.into_response();
        answer::close(&self.hall, &asked, &mut response);
        space::leave(space, &mut response);
        response
    }

    /// Answers a request within its space.
    async fn within(&self, mut request: Request<Body>) -> (Response, meter::Way) {
        api::guard::admit(&self.hall, &mut request);
        if request.method() == Method::POST && request.uri().path() == api::checkin::REDEEM {
            let lane = |request| async { Ok::<_, Infallible>(api::checkin::lane(&self.hall, request).await) };
            let Ok(response) = self.csrf.layer(service_fn(lane)).oneshot(request).await;
            return (response, meter::Way::Scan);
        }
        let (request, place) = match api::hot::look(&self.hall, &self.kept, request) {
            api::hot::Looked::Done(response) => return (*response, meter::Way::Kept),
            api::hot::Looked::Goes(request, place) => (*request, place),
        };
        let Some(request) = whole(request).await else {
            return (StatusCode::BAD_REQUEST.into_response(), meter::Way::Router);
        };
        let Ok(response) = self.router.clone().oneshot(request).await;
        let response = match place {
            Some(place) => self.kept.keep(&self.hall, place, response).await,
            None => response,
        };
        (response, meter::Way::Router)
    }
}

/// Most bytes of a body that is taken in before it is looked at.
const WHOLE_MAX: u64 = 16 << 10;

/// Takes a small body in whatever the handler makes of it: a connection whose answer is ready before the body came would be closed, under the client's
/// next request. `None` when the client broke off.
async fn whole(request: Request<Body>) -> Option<Request<Body>> {
    if !(1..=WHOLE_MAX).contains(&request.body().size_hint().exact().unwrap_or(0)) {
        return Some(request);
    }
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.ok()?.to_bytes();
    Some(Request::from_parts(parts, Body::from(bytes)))
}

/// Every route but the scan's lane, without what surrounds them. A test reads its list from here.
pub fn routes() -> Router<Hall> {
    api::plain().merge(callback::routes()).merge(pay::callback()).merge(pages())
}

/// The routes of pages and what they load.
fn pages() -> Router<Hall> {
    Router::new()
        .merge(phone::routes())
        .merge(terminal::routes())
        .merge(own::routes())
        .merge(pay::routes())
        .merge(login::routes())
        .merge(api::reading())
        .merge(admin::brand::public_routes())
        .merge(home::routes())
        .merge(merchant::routes())
        .merge(feedback::routes())
        .merge(talk::routes())
        .merge(message::routes())
        .merge(draw::routes())
        .merge(screen::routes())
        .merge(poster::routes())
        .merge(certificate::routes())
        .merge(print::routes())
        .merge(privacy::routes())
        .merge(root::routes())
        .merge(wechat::routes())
        .nest("/admin", admin::routes())
        .merge(admin::setup::routes())
        .merge(live::routes())
        .route("/asset/{*name}", get(asset::get))
}

/// All routes with what surrounds them, but for the scan's lane.
fn router(hall: Hall) -> Router {
    let pages = pages()
        .fallback(answer::missing)
        .method_not_allowed_fallback(answer::wrong_method)
        .layer(middleware::from_fn(space::pages))
        .layer(CompressionLayer::new().gzip(true));
    Router::new()
        .merge(api::routes(&hall))
        .merge(callback::routes())
        .merge(pay::callback())
        .merge(pages)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn_with_state(hall.clone(), answer::finish))
        .with_state(hall)
}

//! The home page's components for other programs and sites (S0-76).

use crate::{Hall, answer::Failure, audience::Visit};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use service::home;
use utoipa::ToSchema;

/// Routes below `/api/v1`.
pub fn routes() -> Router<Hall> {
    Router::new().route("/home", get(parts))
}

/// An event of a component.
#[derive(Serialize, ToSchema)]
pub(super) struct EventCard {
    id: u64,
    name: String,
    /// Start in UTC milliseconds.
    starts: i64,
    /// End in UTC milliseconds.
    ends: i64,
    /// Place in one line; may be empty.
    place: String,
    /// Address of the cover picture; none for the templates drawn by the hall.
    cover: Option<String>,
    /// Address of the invitation.
    url: String,
}

/// A component of the home page.
#[derive(Serialize, ToSchema)]
pub(super) struct Part {
    id: u64,
    /// Heading; may be empty.
    title: String,
    /// `big` or `list`.
    style: &'static str,
    /// The next events of its category.
    events: Vec<EventCard>,
    /// Address of the component alone, for a frame.
    url: String,
}

/// The home page.
#[derive(Serialize, ToSchema)]
pub(super) struct HomePage {
    /// In the order of the page.
    parts: Vec<Part>,
}

fn card(base: &str, event: &domain::Event) -> EventCard {
    let cover = match event.cover {
        domain::event::Cover::Picture(id) => Some(format!("{base}/picture/{id}")),
        domain::event::Cover::Template(_) => None,
    };
    EventCard {
        id: event.id.0,
        name: event.name.clone(),
        starts: event.time.from.0,
        ends: event.time.to.0,
        place: event.venue.line(),
        cover,
        url: format!("{base}/event/{}", event.id),
    }
}

/// The components of the home page with their events. Scripts of sites that the settings name may read it.
#[utoipa::path(get, path = "/api/v1/home", tag = "home", responses((status = 200, body = HomePage)))]
pub(super) async fn parts(State(hall): State<Hall>, visit: Visit, headers: HeaderMap) -> Result<Response, Failure> {
    let base = &visit.base;
    let part = |of: home::PartPage| Part {
        id: of.part.id.0,
        title: of.part.title.clone(),
        style: of.part.style.code(),
        events: of.events.iter().map(|event| card(base, event)).collect(),
        url: format!("{base}/part/{}", of.part.id),
    };
    let parts = home::public(&hall.ctx, &visit.visitor())?.into_iter().map(part).collect();
    let mut response = Json(HomePage { parts }).into_response();
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or("");
    let named = hall.ctx.known(visit.space)?.is_some_and(|known| known.brand.frames.iter().any(|site| site == origin));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = headers.get(header::ORIGIN).filter(|_| named) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    Ok(response)
}

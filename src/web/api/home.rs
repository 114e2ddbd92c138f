//! The home page's components for other programs and sites (S0-76).

use super::event::EventCard;
use crate::{Hall, answer::Failure, audience::Visit, space::root};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use service::{home, merchant};
use utoipa::ToSchema;

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

/// An event of one of the merchants on the box.
#[derive(Serialize, ToSchema)]
struct Elsewhere {
    merchant: String,
    event: EventCard,
}

/// The home page.
#[derive(Serialize, ToSchema)]
pub(super) struct HomePage {
    /// Name of the application.
    name: String,
    /// Address of its logo.
    #[schema(required)]
    logo: Option<String>,
    /// In the order of the page.
    parts: Vec<Part>,
    /// Events of merchants, where the association shows them; ask at their `url`'s space for more.
    merchants: Vec<Elsewhere>,
}

/// The components of the home page with their events. Scripts of sites that the settings name may read it.
#[utoipa::path(get, path = "/api/v1/home", tag = "home", responses((status = 200, body = HomePage)))]
pub(super) async fn parts(State(hall): State<Hall>, visit: Visit, headers: HeaderMap) -> Result<Response, Failure> {
    let base = &visit.base;
    let part = |of: home::PartPage| Part {
        id: of.part.id.0,
        title: of.part.title.clone(),
        style: of.part.style.code(),
        events: of.events.iter().map(|event| EventCard::of(base, event)).collect(),
        url: format!("{base}/part/{}", of.part.id),
    };
    let parts = home::public(&hall.ctx, &visit.visitor())?.into_iter().map(part).collect();
    let elsewhere = |of: merchant::PublicEvent| Elsewhere {
        event: EventCard::of(&format!("{base}{}", root(of.space)), &of.event),
        merchant: of.merchant,
    };
    let merchants = merchant::public_events(&hall.ctx, &visit.visitor())?.into_iter().map(elsewhere).collect();
    let logo = visit.logo.map(|_| format!("{base}/logo"));
    let mut response = Json(HomePage { name: visit.space_name.clone(), logo, parts, merchants }).into_response();
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or("");
    let named = hall.ctx.known(visit.space)?.is_some_and(|known| known.brand.frames.iter().any(|site| site == origin));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = headers.get(header::ORIGIN).filter(|_| named) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    Ok(response)
}

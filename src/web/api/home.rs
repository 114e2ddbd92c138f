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
use service::home;
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
    events: Vec<PartEvent>,
    /// Address of the component alone, for a frame.
    url: String,
}

/// An event of a component.
#[derive(Serialize, ToSchema)]
pub(super) struct PartEvent {
    #[serde(flatten)]
    card: EventCard,
    /// Name of the merchant whose event it is; none for the platform's own.
    #[schema(required)]
    merchant: Option<String>,
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
}

/// The components of the home page with their events. Scripts of sites that the settings name may read it.
#[utoipa::path(get, path = "/api/v1/home", tag = "home", responses((status = 200, body = HomePage)))]
pub(super) async fn parts(State(hall): State<Hall>, visit: Visit, headers: HeaderMap) -> Result<Response, Failure> {
    let base = &visit.base;
    let event = |of: home::PartEvent| {
        let root = of.merchant.as_ref().map_or_else(String::new, |_| root(of.space));
        PartEvent { card: EventCard::of(&format!("{base}{root}"), &of.event), merchant: of.merchant }
    };
    let part = |of: home::PartPage| Part {
        id: of.part.id.0,
        title: of.part.title.clone(),
        style: of.part.style.code(),
        events: of.events.into_iter().map(event).collect(),
        url: format!("{base}/part/{}", of.part.id),
    };
    let parts = home::public(&hall.ctx, &visit.visitor())?.into_iter().map(part).collect();
    let logo = visit.logo.map(|_| format!("{base}/logo"));
    let mut response = Json(HomePage { name: visit.space_name.clone(), logo, parts }).into_response();
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or("");
    let named = hall.ctx.known(visit.space)?.is_some_and(|known| known.brand.frames.iter().any(|site| site == origin));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = headers.get(header::ORIGIN).filter(|_| named) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    Ok(response)
}

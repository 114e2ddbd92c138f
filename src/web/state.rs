//! What every handler is given, and the answers they give: pages, redirects, files, refusals.

use crate::audience::{Origin, Session};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Kind, Refusal, SpaceId};
use maud::Markup;
use service::{Ctx, Error, space::SetupCode};
use std::sync::Arc;
use views::text::{Lang, Text};

/// The hall as handlers see it. Cheap to clone.
#[derive(Clone)]
pub struct Hall {
    /// What verbs need.
    pub ctx: Ctx,
    /// The code of the set-up page.
    pub setup: Arc<SetupCode>,
    /// Settings of the listener.
    pub settings: Arc<Settings>,
}

/// What the web room must know of how the box is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address people open, such as `http://192.168.1.5:8080`; none: what the request's Host header says.
    pub public_url: Option<String>,
}

/// The space that an address belongs to. One box serves one association; its number stands here only.
pub fn space() -> SpaceId {
    SpaceId::ASSOCIATION
}

/// What a page handler answers with when it does not answer with a page.
pub struct Failure {
    /// What went wrong.
    pub error: Error,
    /// In which language to say it.
    pub lang: Lang,
    /// Whether the asker wants JSON.
    pub json: bool,
}

/// The answer of a handler.
pub type Answer = Result<Response, Failure>;

/// HTTP status of a refusal.
pub fn status(refusal: &Refusal) -> StatusCode {
    match refusal.kind {
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Unknown => StatusCode::UNAUTHORIZED,
        Kind::Denied => StatusCode::FORBIDDEN,
        Kind::Missing => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Slow => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

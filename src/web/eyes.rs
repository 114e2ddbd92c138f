//! Seeing with other eyes, at the door of every request: nothing but reading goes through, nothing leaves the box as a file, and the way to end it is open.

use crate::{
    Hall,
    answer::Failure,
    audience::{SESSION, cookie},
    space::In,
};
use axum::{
    body::Body,
    http::{Method, Request, header},
    response::Response,
};
use domain::eyes::{no_download, own_page, read_only};

/// Where it ends.
pub const END: &str = "/admin/account/eyes/end";

/// Whether a request comes with other eyes; refuses what they may not.
pub fn admit(hall: &Hall, request: &Request<Body>) -> Result<bool, Failure> {
    let Some(token) = cookie(request.headers(), SESSION) else { return Ok(false) };
    let path = request.uri().path();
    // What pages load is the same for all eyes.
    if path.starts_with("/asset/") {
        return Ok(false);
    }
    if service::account::eyes::seeing(&hall.ctx, In::of(request.extensions()).0, token)?.is_none() {
        return Ok(false);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return if [END, "/logout"].contains(&path) { Ok(true) } else { Err(read_only().into()) };
    }
    if path == "/admin/session" || path.starts_with("/admin/session/") {
        return Err(own_page().into());
    }
    Ok(true)
}

/// Kinds of answers that are looked at, and not taken along.
const SEEN: &[&str] =
    &["text/html", "application/json", "application/manifest+json", "text/event-stream", "image/", "audio/"];

/// Lets pages and what they show through, and no file.
pub fn check(response: &Response) -> Result<(), Failure> {
    if !response.status().is_success() {
        return Ok(());
    }
    let head = |name| response.headers().get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let saved = head(header::CONTENT_DISPOSITION).is_some_and(|value| value.starts_with("attachment"));
    let seen = head(header::CONTENT_TYPE).is_none_or(|kind| SEEN.iter().any(|seen| kind.starts_with(seen)));
    if saved || !seen { Err(no_download().into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_seen_and_files_are_not_taken_along() {
        let cases = [
            (200, "text/html; charset=utf-8", None, true),
            (200, "application/json", None, true),
            (200, "application/json", Some("attachment; filename=\"x.json\""), false),
            (200, "text/event-stream", None, true),
            (200, "image/png", None, true),
            (200, "image/png", Some("attachment; filename=\"x.png\""), false),
            (200, "text/csv", None, false),
            (200, "application/pdf", Some("inline"), false),
            (200, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", None, false),
            (200, "application/octet-stream", None, false),
            (304, "text/csv", None, true),
            (403, "text/plain", None, true),
        ];
        for (status, kind, disposition, through) in cases {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = axum::http::StatusCode::from_u16(status).unwrap();
            response.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
            if let Some(disposition) = disposition {
                response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition.parse().unwrap());
            }
            assert_eq!(check(&response).is_ok(), through, "{kind} {disposition:?}");
        }
        assert!(check(&Response::new(Body::empty())).is_ok(), "what says nothing of itself is empty");
    }
}

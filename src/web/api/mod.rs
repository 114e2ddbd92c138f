//! The API for devices and integrations. Errors have one shape: code, message, field errors, request number.

pub mod checkin;

use crate::audience::Visit;
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use service::Error;

/// A failure as JSON.
pub fn failure(visit: &Visit, error: &Error, status: StatusCode) -> Response {
    let text = visit.text();
    let body = match error {
        Error::Internal(_) | Error::Unloaded(_) => json!({
            "code": "internal",
            "message": text.t("Something went wrong"),
            "request": visit.request,
        }),
        Error::Refused(refusal) => {
            let fields: Vec<Value> = refusal
                .problems
                .iter()
                .map(|problem| json!({ "field": problem.field, "message": text.args(problem.text, &problem.args) }))
                .collect();
            json!({ "code": refusal.code, "message": text.refusal(refusal), "fields": fields, "request": visit.request })
        }
    };
    (status, Json(body)).into_response()
}

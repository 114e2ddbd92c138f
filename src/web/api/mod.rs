//! The API for devices and integrations. Errors have one shape: code, message, field errors, request number.

pub mod checkin;
pub mod door;
pub mod home;

use crate::{Hall, audience::Visit};
use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use serde_json::Value;
use service::Error;
use utoipa::{OpenApi, ToSchema};

/// The description of the whole API, served at `/api/v1/openapi.json`.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Huiguan",
        description = "What devices and integrations can ask of the hall. Every error has a stable code. Tokens of devices go into `Authorization: Bearer …`."
    ),
    paths(
        checkin::redeem, door::status, door::lists, door::search, door::annul, door::snapshot, door::changes, door::upload, door::decode,
        door::initialise, door::roll, door::revoke, home::parts
    ),
    tags(
        (name = "checkin", description = "At the door"),
        (name = "offline", description = "For terminals that go on alone"),
        (name = "device", description = "The life of a device's token"),
        (name = "home", description = "What visitors see"),
    )
)]
struct Description;

/// Routes below `/api/v1` but for the scan's lane.
pub fn routes() -> Router<Hall> {
    Router::new().nest("/checkin", door::routes()).merge(home::routes()).route("/openapi.json", get(describe))
}

async fn describe() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}

/// What is wrong with one field.
#[derive(Serialize, ToSchema)]
struct FieldFault {
    field: String,
    /// In the asker's language.
    message: String,
}

/// An error.
#[derive(Serialize, ToSchema)]
struct Fault {
    /// Stable.
    code: &'static str,
    /// In the asker's language.
    message: String,
    /// What is wrong with which field.
    fields: Vec<FieldFault>,
    /// Number of the request, for the log.
    request: String,
}

/// An error as a part of an answer.
fn fault(visit: &Visit, error: &Error) -> Value {
    let text = visit.text();
    let fault = match error {
        Error::Internal(_) | Error::Unloaded(_) => Fault {
            code: "internal",
            message: text.t("Something went wrong").to_owned(),
            fields: Vec::new(),
            request: visit.request.clone(),
        },
        Error::Refused(refusal) => Fault {
            code: refusal.code,
            message: text.refusal(refusal),
            fields: refusal
                .problems
                .iter()
                .map(|problem| FieldFault {
                    field: problem.field.clone(),
                    message: text.args(problem.text, &problem.args),
                })
                .collect(),
            request: visit.request.clone(),
        },
    };
    serde_json::to_value(fault).unwrap_or_default()
}

/// A failure as JSON.
pub fn failure(visit: &Visit, error: &Error, status: StatusCode) -> Response {
    (status, Json(fault(visit, error))).into_response()
}

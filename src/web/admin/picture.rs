//! Pictures that the editor of texts uploads while somebody writes.

use crate::{
    Hall,
    answer::Answer,
    audience::{Staff, Visit},
    fields::Fields,
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    response::IntoResponse,
    routing::post,
};
use domain::{Kind, Refusal, picture::UPLOAD_MAX, problem};
use serde_json::json;
use service::{Error, picture};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    let limit = DefaultBodyLimit::max(UPLOAD_MAX + crate::BODY_MAX);
    Router::new().route("/picture", post(upload).layer(limit))
}

/// Keeps the picture and answers its address, or says what was wrong with it.
async fn upload(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let taken = match fields.file("file") {
        Some(file) => picture::upload(&hall.ctx, &actor, file.bytes.to_vec()).await,
        None => Err(Refusal::invalid(vec![problem!("file", "Choose a file.")]).into()),
    };
    match taken {
        Ok(id) => Ok(Json(json!({ "src": format!("/picture/{id}") })).into_response()),
        Err(Error::Refused(refusal)) if !matches!(refusal.kind, Kind::Denied | Kind::Unknown) => {
            let first = refusal.problems.first().map(|problem| visit.text().args(problem.text, &problem.args));
            let said = first.unwrap_or_else(|| visit.text().refusal(&refusal));
            Ok((crate::answer::refusal_status(&refusal), Json(json!({ "error": said }))).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

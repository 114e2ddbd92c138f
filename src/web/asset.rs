//! Style sheet, modules and pictures.

use crate::{
    Hall,
    answer::{self, Answer},
    audience::Visit,
};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use domain::PictureId;
use service::Error;

/// For addresses whose content never changes.
pub const FOREVER: &str = "public, max-age=31536000, immutable";

/// An embedded file. Its address carries its hash, so browsers may keep it for ever.
pub async fn get(Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let Some(asset) = views::asset::asset(&name) else { return Ok(answer::missing().await.into_response()) };
    let tag = format!("\"{}\"", asset.tag);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    let tag = HeaderValue::try_from(tag).map_err(|error| Error::internal("a tag", error))?;
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.mime)),
        (header::CACHE_CONTROL, HeaderValue::from_static(FOREVER)),
        (header::ETAG, tag),
    ];
    Ok((head, asset.bytes.into_owned()).into_response())
}

/// An uploaded picture; pictures of events are public.
pub async fn picture(State(hall): State<Hall>, visit: Visit, Path(id): Path<u64>) -> Answer {
    let (bytes, _) = service::picture::file(&hall.ctx, &hall.ctx.public(&visit.visitor()), PictureId(id))?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, FOREVER)], bytes).into_response())
}

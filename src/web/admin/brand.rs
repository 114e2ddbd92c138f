//! The application's name and logo (S0-4).

use crate::{
    Hall,
    answer::{Answer, again, tell},
    asset,
    audience::{Staff, Visit},
    fields::{Fields, Query},
    space::In,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use domain::{Refusal, brand::BrandInput, picture::UPLOAD_MAX};
use maud::Markup;
use service::{
    Actor, Error,
    brand::{self, Logo},
};
use views::{Tone, admin::brand as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    let uploads = DefaultBodyLimit::max(UPLOAD_MAX + crate::BODY_MAX);
    Router::new().route("/brand", post(save).layer(uploads))
}

/// The logo, which anybody sees.
pub fn public_routes() -> Router<Hall> {
    Router::new().route("/logo", get(logo))
}

/// The section of the settings page.
pub(super) fn section(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    typed: Option<(&BrandInput, &Refusal)>,
) -> Result<Markup, Error> {
    let kept = brand::get(&hall.ctx, actor)?;
    let sites = kept.frames.join("\n");
    let shown = pages::Section {
        brand: &kept,
        name: typed.map_or(&kept.name, |(typed, _)| &typed.name),
        frames: typed.map_or(&sites, |(typed, _)| &typed.frames),
        refusal: typed.map(|(_, refusal)| refusal),
    };
    Ok(pages::section(&visit.shell(), &shown))
}

async fn save(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let input = BrandInput { name: fields.get("app_name").to_owned(), frames: fields.get("frames").to_owned() };
    let logo = match fields.file("logo") {
        Some(file) => Logo::Put(file.bytes.to_vec()),
        None if fields.ticked("no_logo") => Logo::Remove,
        None => Logo::Keep,
    };
    match brand::save(&hall.ctx, &actor, &input, logo).await {
        Ok(()) => tell("/admin/space", Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| {
            let section = section(&hall, &visit, &actor, Some((&input, refusal)))?;
            super::space::draw(&hall, &visit, &actor, None, None, &section)
        }),
    }
}

/// The logo's address carries its number, so browsers may keep it for ever.
async fn logo(State(hall): State<Hall>, In(space): In, Query(query): Query) -> Answer {
    let Some((id, bytes)) = brand::logo(&hall.ctx, space)? else {
        return Err(Refusal::missing("picture").into());
    };
    let keep = if query.get("v") == id.to_string() { asset::FOREVER } else { "no-cache" };
    Ok(([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, keep)], bytes).into_response())
}

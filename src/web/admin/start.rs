//! The first steps of a hall: where one is led, the short pages of some steps, and leaving one.

use crate::{
    Hall,
    answer::{Answer, again, page, see, tell, told},
    audience::{Staff, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    routing::{get, post},
};
use domain::{
    Refusal, Start,
    brand::BrandInput,
    picture::UPLOAD_MAX,
    space::SpaceInput,
    start::{Step, Way},
};
use service::{
    Actor, Error,
    brand::{self, Logo},
    space, start,
};
use views::{Tone, admin::start as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    let uploads = DefaultBodyLimit::max(UPLOAD_MAX + crate::BODY_MAX);
    Router::new()
        .route("/start", get(on))
        .route("/start/leave", post(leave))
        .route("/start/spare", post(spare))
        .route("/start/language", get(language))
        .route("/start/association", get(association).post(save_association).layer(uploads))
        .route("/start/zone", get(zone).post(save_zone))
        .route("/start/certificate", get(certificate))
}

/// Only whoever is led has these pages; others find the same forms in the settings.
fn led(hall: &Hall, actor: &Actor) -> Result<Start, Error> {
    start::of(&hall.ctx, actor)?.ok_or_else(|| Refusal::denied().into())
}

/// Leads to the step that is due.
async fn on(State(hall): State<Hall>, Staff(actor): Staff) -> Answer {
    let due = start::of(&hall.ctx, &actor)?.and_then(|of| of.place(&start::seen(&actor)));
    see(due.map_or("/admin", |due| due.step.href()))
}

fn step(fields: &Fields) -> Result<Step, Refusal> {
    Step::parse(fields.get("step")).ok_or_else(|| Refusal::missing("step"))
}

async fn leave(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    led(&hall, &actor)?;
    let way = Way::parse(fields.get("way")).ok_or_else(|| Refusal::missing("step"))?;
    start::leave(&hall.ctx, &actor, step(&fields)?, way).await?;
    let ended = led(&hall, &actor)?.place(&start::seen(&actor)).is_none();
    if ended {
        return tell(
            "/admin",
            Tone::Good,
            visit.text().t("These were the first steps. What is left of them stands here."),
        );
    }
    see("/admin/start")
}

async fn spare(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    led(&hall, &actor)?;
    told(&visit, "/admin", start::spare(&hall.ctx, &actor, step(&fields)?).await)
}

async fn language(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    led(&hall, &actor)?;
    page(pages::language(&visit.admin_shell(&actor)))
}

/// What is kept, as the short forms show it.
fn typed(kept: &start::Shown) -> pages::Typed<'_> {
    pages::Typed { name: &kept.name, short: &kept.short, logo: kept.logo, zone: &kept.zone }
}

async fn association(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    led(&hall, &actor)?;
    let kept = start::shown(&hall.ctx, &actor)?;
    page(pages::association(&visit.admin_shell(&actor), &typed(&kept), None))
}

async fn save_association(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    led(&hall, &actor)?;
    let kept = start::shown(&hall.ctx, &actor)?;
    let (name, short) = (fields.get("name"), fields.get("app_name"));
    let logo = fields.file("logo").map_or(Logo::Keep, |file| Logo::Put(file.bytes.to_vec()));
    let named = SpaceInput { name: name.to_owned(), zone: kept.zone.clone() };
    let branded = BrandInput { name: short.to_owned(), frames: kept.frames.clone() };
    let saved = match space::save(&hall.ctx, &actor, &named).await {
        Ok(()) => brand::save(&hall.ctx, &actor, &branded, logo).await,
        wrong => wrong,
    };
    match saved {
        Ok(()) => done(&hall, &visit, &actor, Step::Association).await,
        Err(error) => again(error, |refusal| {
            let typed = pages::Typed { name, short, ..typed(&kept) };
            Ok(pages::association(&visit.admin_shell(&actor), &typed, Some(refusal)))
        }),
    }
}

async fn zone(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    led(&hall, &actor)?;
    let kept = start::shown(&hall.ctx, &actor)?;
    page(pages::zone(&visit.admin_shell(&actor), &typed(&kept), None))
}

async fn save_zone(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    led(&hall, &actor)?;
    let kept = start::shown(&hall.ctx, &actor)?;
    let input = SpaceInput { name: kept.name.clone(), zone: fields.get("zone").to_owned() };
    match space::save(&hall.ctx, &actor, &input).await {
        Ok(()) => done(&hall, &visit, &actor, Step::Zone).await,
        Err(error) => again(error, |refusal| {
            let typed = pages::Typed { zone: fields.get("zone"), ..typed(&kept) };
            Ok(pages::zone(&visit.admin_shell(&actor), &typed, Some(refusal)))
        }),
    }
}

/// A short form was saved, which is the step.
async fn done(hall: &Hall, visit: &Visit, actor: &Actor, step: Step) -> Answer {
    start::leave(&hall.ctx, actor, step, Way::On).await?;
    tell("/admin/start", Tone::Good, visit.text().t("Saved."))
}

async fn certificate(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    led(&hall, &actor)?;
    let served = start::is_done(&hall.ctx, &actor, Step::Certificate)?;
    let root = hall.settings.root.is_some().then(|| format!("{}/root", visit.base));
    page(pages::certificate(&visit.admin_shell(&actor), root.as_deref(), served))
}

//! The first page after log-in, and figures over time with their files (S0-96 … S0-99).

use crate::{
    Hall,
    answer::{Answer, download, missing, page},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
    routing::get,
};
use domain::{EventId, Permission, Refusal, overview::Range};
use service::{
    Error, event,
    overview::{self, Figures, Listed},
    sheet::Format,
};
use views::admin::overview as pages;

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/figures/{file}", get(file))
        .route("/event/{event}/figures", get(one))
        .route("/event/{event}/figures/{file}", get(file_of_one))
}

/// The days of the address; when they are wrong, all the time, and what was wrong.
pub(super) fn range(visit: &Visit, query: &Fields) -> (Range, Option<Refusal>) {
    match Range::read(query.get("from"), query.get("to"), &visit.format.zone) {
        Ok(range) => (range, None),
        Err(refusal) => (Range::default(), Some(refusal)),
    }
}

fn shown<'a>(
    query: &'a Fields,
    figures: &'a Figures,
    chosen: Option<&'a [(domain::Event, i64, i64)]>,
    refusal: Option<&'a Refusal>,
) -> pages::Figures<'a> {
    pages::Figures {
        from: query.get("from"),
        to: query.get("to"),
        refusal,
        registrations: &figures.registrations,
        arrivals: &figures.arrivals,
        chosen,
    }
}

/// A page whose address may have been wrong.
fn answered(markup: maud::Markup, refusal: Option<&Refusal>) -> Answer {
    let shown = page(markup)?;
    Ok(if refusal.is_some() { (StatusCode::UNPROCESSABLE_ENTITY, shown).into_response() } else { shown })
}

/// Totals, what is on next, and figures; staff without that permission land on their own account.
pub async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    if !actor.holds(Permission::EventView) {
        return super::elsewhere();
    }
    let (range, refusal) = range(&visit, &query);
    let all = overview::all(&hall.ctx, &actor)?;
    let figures = overview::figures(&hall.ctx, &actor, None, range).await?;
    let upcoming: Vec<_> = all.upcoming.into_iter().map(|next| (next.event, next.registered, next.admitted)).collect();
    let chosen: Vec<_> = figures.rows.iter().map(|row| (row.event.clone(), row.registered, row.admitted)).collect();
    let chosen = (range != Range::default()).then_some(chosen.as_slice());
    let of = pages::Overview {
        events: all.events,
        registered: all.registered,
        admitted: all.admitted,
        income: service::income::total(&hall.ctx, &actor)?,
        merchants: all.merchants,
        left: &service::health::checklist(&hall.ctx, &actor)?,
        due: service::start::of(&hall.ctx, &actor)?.and_then(|of| of.place(&service::start::seen(&actor))),
        steps: &service::start::left(&hall.ctx, &actor)?,
        upcoming: &upcoming,
        may_create: actor.holds(Permission::EventManage),
        figures: shown(&query, &figures, chosen, refusal.as_ref()),
        address: &visit.base,
    };
    answered(pages::overview(&visit.admin_shell(&actor), &of), refusal.as_ref())
}

async fn one(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    let event = event::get(&hall.ctx, &actor, EventId(id))?.event;
    let (range, refusal) = range(&visit, &query);
    let figures = overview::figures(&hall.ctx, &actor, Some(event.id), range).await?;
    let of = shown(&query, &figures, None, refusal.as_ref());
    answered(pages::event(&visit.admin_shell(&actor), &event, &of), refusal.as_ref())
}

/// What a file's name asks for.
fn asked(name: &str) -> Option<(Listed, Format)> {
    let (listed, ending) = name.split_once('.')?;
    let listed = match listed {
        "events" => Listed::Events,
        "days" => Listed::Days,
        _ => return None,
    };
    Some((listed, Format::parse(ending)?))
}

async fn sent(
    hall: &Hall,
    visit: &Visit,
    actor: &service::Actor,
    only: Option<EventId>,
    name: &str,
    query: &Fields,
) -> Answer {
    let Some((listed, format)) = asked(name) else { return Err(missing().await) };
    let zone = &visit.format.zone;
    let range = Range::read(query.get("from"), query.get("to"), zone).map_err(Error::from)?;
    let figures = overview::figures(&hall.ctx, actor, only, range).await?;
    let text = visit.text();
    let bytes = overview::export(&figures, listed, format, zone, |english| text.t(english).to_owned())?;
    let title = if listed == Listed::Days { text.t("Figures by day") } else { text.t("Figures of the events") };
    download(&format!("{title}.{}", format.ending()), format.mime(), bytes)
}

async fn file(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(name): Path<String>,
    Query(query): Query,
) -> Answer {
    sent(&hall, &visit, &actor, None, &name, &query).await
}

async fn file_of_one(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, name)): Path<(u64, String)>,
    Query(query): Query,
) -> Answer {
    sent(&hall, &visit, &actor, Some(EventId(id)), &name, &query).await
}

//! Income over all events and of one, with its files.

use super::overview::range;
use crate::{
    Hall,
    answer::{Answer, download, missing, page},
    audience::{Staff, Visit},
    fields::{Ending, Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
    routing::get,
};
use domain::{EventId, overview::Range};
use service::{
    Actor, Error, event,
    income::{self, Listed},
};
use views::admin::income as pages;

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/income", get(all))
        .route("/income/{file}", get(file_of_all))
        .route("/event/{event}/income", get(one))
        .route("/event/{event}/income/{file}", get(file_of_one))
}

async fn draw(hall: &Hall, visit: &Visit, actor: &Actor, only: Option<EventId>, query: &Fields) -> Answer {
    let (range, refusal) = range(visit, query);
    let of = income::income(&hall.ctx, actor, only, range).await?;
    let event = only.map(|id| event::get(&hall.ctx, actor, id)).transpose()?.map(|row| row.event);
    let shown = |row: income::EventIncome| pages::Shown {
        event: row.event,
        takings: row.takings,
        due: row.due,
        owed: row.owed,
    };
    let rows: Vec<_> = of.rows.into_iter().map(shown).collect();
    let drawn = pages::page(
        &visit.admin_shell(actor),
        &pages::Page {
            event: event.as_ref(),
            rows: &rows,
            whole: &of.whole,
            from: query.get("from"),
            to: query.get("to"),
            refusal: refusal.as_ref(),
        },
    );
    let shown = page(drawn)?;
    Ok(if refusal.is_some() { (StatusCode::UNPROCESSABLE_ENTITY, shown).into_response() } else { shown })
}

async fn all(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    draw(&hall, &visit, &actor, None, &query).await
}

async fn one(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    draw(&hall, &visit, &actor, Some(EventId(id)), &query).await
}

async fn sent(
    (hall, visit, actor): (&Hall, &Visit, &Actor),
    only: Option<EventId>,
    name: &str,
    Ending(format): Ending,
    query: &Fields,
) -> Answer {
    let zone = &visit.format.zone;
    let range = Range::read(query.get("from"), query.get("to"), zone).map_err(Error::from)?;
    let text = visit.text();
    let listed = match name.split_once('.').map(|(listed, _)| listed) {
        Some("events") => Listed::Events,
        Some("days") => Listed::Days,
        Some("entries") => {
            let say = move |english: &str| text.t(english).to_owned();
            let bytes = income::entries(&hall.ctx, actor, only, range, format, say).await?;
            let title = text.t("Every payment and refund");
            return download(&format!("{title}.{}", format.ending()), format.mime(), bytes);
        }
        _ => return Err(missing().await),
    };
    let of = income::income(&hall.ctx, actor, only, range).await?;
    let bytes = income::export(&of, listed, format, zone, |english| text.t(english).to_owned())?;
    let title = if listed == Listed::Days { text.t("Income by day") } else { text.t("Income by event") };
    download(&format!("{title}.{}", format.ending()), format.mime(), bytes)
}

async fn file_of_all(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(name): Path<String>,
    ending: Ending,
    Query(query): Query,
) -> Answer {
    sent((&hall, &visit, &actor), None, &name, ending, &query).await
}

async fn file_of_one(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, name)): Path<(u64, String)>,
    ending: Ending,
    Query(query): Query,
) -> Answer {
    sent((&hall, &visit, &actor), Some(EventId(id)), &name, ending, &query).await
}

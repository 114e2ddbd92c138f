//! Live figures: server-sent events that follow the store's commits, a few a second at the most.

use crate::{
    Hall,
    answer::Failure,
    audience::{Scanner, Staff, shut_out},
};
use axum::{
    Router,
    extract::{Path, State},
    response::sse::{Event, KeepAlive, Sse},
    routing::get,
};
use domain::{EventId, ImportId, import::ImportState};
use futures_util::Stream;
use serde_json::{Value, json};
use service::{Actor, Error, checkin::Counts};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// Streams of figures.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/admin/live", get(overview))
        .route("/admin/event/{event}/live", get(event))
        .route("/admin/event/{event}/import/{import}/live", get(import))
        .route("/terminal/{event}/live", get(door))
}

/// Least time between two messages of one stream.
const BEAT: Duration = Duration::from_millis(250);

/// Sends `figures` whenever a commit changed them; ends when they cannot be read any more (logged out, shut out).
fn stream<F>(hall: &Hall, figures: F) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<F>>
where
    F: Fn() -> Result<Value, Error> + Send + 'static,
{
    let commits = hall.ctx.store().committed();
    let messages =
        futures_util::stream::unfold((commits, figures, None::<Value>), |(mut commits, figures, last)| async move {
            loop {
                commits.borrow_and_update();
                let now = figures().ok()?;
                if last.as_ref() != Some(&now) {
                    let event = Event::default().data(now.to_string());
                    return Some((Ok(event), (commits, figures, Some(now))));
                }
                commits.changed().await.ok()?;
                tokio::time::sleep(BEAT).await;
            }
        });
    Sse::new(messages).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

fn shown(number: i64) -> String {
    views::format::count(number)
}

fn counts(counts: Counts) -> Value {
    json!({ "registered": shown(counts.registered), "admitted": shown(counts.admitted), "refused": shown(counts.refused) })
}

type Messages = Result<axum::response::Response, Failure>;

fn answer(stream: impl axum::response::IntoResponse) -> Messages {
    Ok(stream.into_response())
}

async fn overview(State(hall): State<Hall>, Staff(actor): Staff) -> Messages {
    service::overview::all(&hall.ctx, &actor)?;
    let ctx = hall.ctx.clone();
    answer(stream(&hall, move || {
        let all = service::overview::all(&ctx, &actor)?;
        Ok(json!({ "registered": shown(all.registered), "admitted": shown(all.admitted) }))
    }))
}

fn of_event(hall: &Hall, actor: Arc<Actor>, event: EventId) -> Messages {
    service::checkin::counts(&hall.ctx, &actor, event)?;
    let ctx = hall.ctx.clone();
    answer(stream(hall, move || Ok(counts(service::checkin::counts(&ctx, &actor, event)?))))
}

async fn event(State(hall): State<Hall>, Staff(actor): Staff, Path(event): Path<u64>) -> Messages {
    of_event(&hall, Arc::new(actor), EventId(event))
}

async fn door(State(hall): State<Hall>, scanner: Scanner, Path(event): Path<u64>) -> Messages {
    match scanner {
        Scanner::Device(actor) | Scanner::Staff(actor) => of_event(&hall, actor, EventId(event)),
        Scanner::Revoked(..) => Err(shut_out().into()),
    }
}

async fn import(State(hall): State<Hall>, Staff(actor): Staff, Path((event, import)): Path<(u64, u64)>) -> Messages {
    let (event, import) = (EventId(event), ImportId(import));
    service::import::get(&hall.ctx, &actor, event, import)?;
    let ctx = hall.ctx.clone();
    answer(stream(&hall, move || {
        let import = service::import::get(&ctx, &actor, event, import)?;
        let tally = import.tally;
        let reload = !matches!(import.state, ImportState::Running(_));
        let done = match import.state {
            ImportState::Running(done) => done,
            ImportState::Preview | ImportState::Finished | ImportState::Dropped => import.rows,
        };
        let figure = |n: u32| shown(i64::from(n));
        Ok(json!({
            "done": done, "done_text": format!("{done} / {}", import.rows), "added": figure(tally.added), "changed": figure(tally.changed),
            "unchanged": figure(tally.unchanged), "refused": figure(tally.refused), "reload": reload,
        }))
    }))
}

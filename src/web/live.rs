//! Live figures: server-sent events that follow the store's commits, a few a second at the most.

use crate::{
    Hall,
    answer::Failure,
    audience::{Scanner, Staff, Visit, shut_out},
    fields::Query,
    space::In,
};
use axum::{
    Router,
    extract::{Path, State},
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use domain::{EventId, GateId, ImportId, ListId, import::ImportState};
use serde_json::{Value, json};
use service::checkin::Counts;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Streams of figures.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/admin/live", get(overview))
        .route("/admin/event/{event}/live", get(event))
        .route("/admin/event/{event}/checkin/live", get(checkin))
        .route("/admin/event/{event}/import/{import}/live", get(import))
        .route("/admin/event/{event}/list/{list}/live", get(list))
        .route("/terminal/{event}/live", get(door))
        .route("/terminal/{event}/watch/{gate}/live", get(watch))
}

/// Least time between two messages of one stream.
const BEAT: Duration = Duration::from_millis(250);

/// Sends `figures` whenever a commit changed them. They ask anew each time who is asking, so the stream ends with the right to read it:
/// logged out, not granted any more, shut out.
pub(crate) fn live<F>(hall: &Hall, figures: F) -> Messages
where
    F: Fn() -> Result<Value, Failure> + Send + 'static,
{
    figures()?;
    let commits = hall.ctx.store().committed();
    let messages =
        futures_util::stream::unfold((commits, figures, None::<Value>), |(mut commits, figures, last)| async move {
            loop {
                commits.borrow_and_update();
                let now = figures().ok()?;
                if last.as_ref() != Some(&now) {
                    let event = Event::default().data(now.to_string());
                    return Some((Ok::<_, Infallible>(event), (commits, figures, Some(now))));
                }
                commits.changed().await.ok()?;
                tokio::time::sleep(BEAT).await;
            }
        });
    Ok(Sse::new(messages).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
}

/// Sends what somebody else reads for all who look: the newest at once, then each change, as long as `allowed` holds.
pub fn follow<A>(receiver: watch::Receiver<Arc<str>>, allowed: A) -> Response
where
    A: Fn() -> bool + Send + 'static,
{
    let messages =
        futures_util::stream::unfold((receiver, allowed, true), |(mut receiver, allowed, first)| async move {
            if !first {
                receiver.changed().await.ok()?;
            }
            if !allowed() {
                return None;
            }
            let text = receiver.borrow_and_update().clone();
            Some((Ok::<_, Infallible>(Event::default().data(text)), (receiver, allowed, false)))
        });
    Sse::new(messages).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

fn shown(number: i64) -> String {
    views::format::count(number)
}

pub(crate) fn counts(counts: Counts) -> Value {
    json!({
        "registered": shown(counts.registered), "admitted": shown(counts.admitted), "inside": shown(counts.inside),
        "refused": shown(counts.refused),
    })
}

pub(crate) type Messages = Result<Response, Failure>;

async fn overview(State(hall): State<Hall>, In(space): In, headers: HeaderMap) -> Messages {
    let asked = hall.clone();
    live(&hall, move || {
        let Staff(actor) = Staff::of(&asked, space, &headers)?;
        let all = service::overview::all(&asked.ctx, &actor)?;
        Ok(json!({ "registered": shown(all.registered), "admitted": shown(all.admitted) }))
    })
}

async fn event(State(hall): State<Hall>, In(space): In, headers: HeaderMap, Path(event): Path<u64>) -> Messages {
    let asked = hall.clone();
    live(&hall, move || {
        let Staff(actor) = Staff::of(&asked, space, &headers)?;
        Ok(counts(service::checkin::counts(&asked.ctx, &actor, EventId(event))?))
    })
}

async fn checkin(
    State(hall): State<Hall>,
    In(space): In,
    headers: HeaderMap,
    visit: Visit,
    Path(event): Path<u64>,
) -> Messages {
    let asked = hall.clone();
    live(&hall, move || {
        let Staff(actor) = Staff::of(&asked, space, &headers)?;
        Ok(crate::admin::checkin::live(&asked, &visit, &actor, EventId(event))?)
    })
}

async fn list(
    State(hall): State<Hall>,
    In(space): In,
    headers: HeaderMap,
    visit: Visit,
    Path((event, list)): Path<(u64, u64)>,
) -> Messages {
    let asked = hall.clone();
    live(&hall, move || {
        let Staff(actor) = Staff::of(&asked, space, &headers)?;
        Ok(crate::admin::list::live(&asked, &visit, &actor, EventId(event), ListId(list))?)
    })
}

/// The counts of a terminal's list, or of the one that its page stands at.
async fn door(
    State(hall): State<Hall>,
    In(space): In,
    headers: HeaderMap,
    Path(event): Path<u64>,
    Query(query): Query,
) -> Messages {
    let asked = hall.clone();
    let list = query.number("list")?.map(ListId);
    live(&hall, move || match Scanner::of(&asked, space, &headers)? {
        Scanner::Device(actor) | Scanner::Staff(actor) => {
            let list = list.unwrap_or(actor.post().list);
            Ok(counts(service::checkin::counts_of(&asked.ctx, &actor, EventId(event), list)?))
        }
        Scanner::Revoked(..) => Err(shut_out().into()),
    })
}

/// The newest verdict at a gate.
async fn watch(
    State(hall): State<Hall>,
    In(space): In,
    headers: HeaderMap,
    visit: Visit,
    Path((event, gate)): Path<(u64, u64)>,
) -> Messages {
    let asked = hall.clone();
    live(&hall, move || match Scanner::of(&asked, space, &headers)? {
        Scanner::Device(actor) | Scanner::Staff(actor) => {
            let seen = crate::terminal::seen(&asked, &visit, &actor, EventId(event), GateId(gate))?;
            let tone = seen.tone.map_or("plain", views::Tone::class);
            Ok(json!({ "scan": seen.scan, "word": seen.word, "name": seen.name, "tone": tone }))
        }
        Scanner::Revoked(..) => Err(shut_out().into()),
    })
}

async fn import(
    State(hall): State<Hall>,
    In(space): In,
    headers: HeaderMap,
    Path((event, import)): Path<(u64, u64)>,
) -> Messages {
    let (event, import) = (EventId(event), ImportId(import));
    let asked = hall.clone();
    live(&hall, move || {
        let Staff(actor) = Staff::of(&asked, space, &headers)?;
        let import = service::import::get(&asked.ctx, &actor, event, import)?;
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
    })
}

//! Running a draw: its page, the remote, every act, and the stream that both follow.

use super::home;
use crate::{
    Hall,
    answer::{Answer, Failure, page, refusal_status, tell},
    audience::{Staff, Visit},
    fields::Fields,
    live::follow,
    phone::local_path,
    space::In,
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{DrawId, EventId, Kind, Permission, Refusal, RoundId, draw::Act};
use service::{Actor, Error, draw};
use views::{Tone, admin::draw::run as pages, component::list::query};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/draw/{draw}", get(show))
        .route("/event/{event}/draw/{draw}/remote", get(remote))
        .route("/event/{event}/draw/{draw}/act", post(act))
        .route("/event/{event}/draw/{draw}/spot", post(spot))
        .route("/event/{event}/draw/{draw}/win/{win}/void", post(void))
        .route("/event/{event}/draw/{draw}/live", get(live))
        .route("/event/{event}/draw/{draw}/commitment", get(commitment))
}

fn rows(of: &draw::Page) -> Vec<pages::RoundRow<'_>> {
    let row = |row: &'_ draw::RoundRow| (row.held, row.next.len(), row.again.len());
    of.rounds
        .iter()
        .map(|kept| {
            let (held, next, again) = row(kept);
            pages::RoundRow { round: &kept.round, held, next, again }
        })
        .collect()
}

/// Who holds the wand, when it is somebody else.
fn held_by<'a>(hall: &Hall, actor: &Actor, of: &'a draw::Page) -> Option<&'a str> {
    let wand = of.running.wand.as_ref()?;
    wand.is_held_by_other(actor.by(), hall.ctx.now()).then_some(wand.name.as_str())
}

fn stage<'a>(
    hall: &Hall,
    actor: &Actor,
    of: &'a draw::Page,
    rounds: &'a [pages::RoundRow<'a>],
    back: &'a str,
) -> pages::Stage<'a> {
    pages::Stage {
        event: &of.event,
        draw: &of.draw,
        running: &of.running,
        rounds,
        wins: &of.wins,
        may_run: hall.may(actor, Permission::DrawRun, of.event.id),
        held_by: held_by(hall, actor, of),
        back,
    }
}

async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let of = draw::page(&hall.ctx, &actor, event, id)?;
    let key = draw::screen_key(&hall.ctx, &actor, event, id)?;
    let (inner, asking) = (hall.ctx.clone(), actor.clone());
    let counted = service::aside(move || draw::candidates_count(&inner, &asking, event, id)).await?;
    let rounds = rows(&of);
    let shown = pages::Page {
        stage: stage(&hall, &actor, &of, &rounds, ""),
        takes_part: counted,
        may_manage: hall.may(&actor, Permission::DrawManage, event),
        screen: &query(&format!("/screen/draw/{id}"), &[("key", &key)]),
    };
    page(pages::show(&visit.admin_shell(&actor), &shown))
}

async fn remote(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    hall.ctx.permit(&actor, Permission::DrawRun, service::At::Event(event))?;
    let of = draw::page(&hall.ctx, &actor, event, id)?;
    let rounds = rows(&of);
    page(pages::remote(&visit.shell(), &stage(&hall, &actor, &of, &rounds, "remote")))
}

/// What was pressed.
fn pressed(fields: &Fields) -> Result<Act, Refusal> {
    let text = |name| fields.get(name).to_owned();
    Ok(match fields.get("act") {
        "wait" => Act::Wait,
        "wall" => Act::Wall,
        "open" => Act::Open(RoundId(fields.needed("round")?)),
        "start" => Act::Start,
        "redraw" => Act::Redraw,
        "stop" => Act::Stop(text("called")),
        "cancel" => Act::Cancel(text("reason")),
        _ => return Err(Refusal::invalid(vec![domain::problem!("act", "Choose one of the given answers.")])),
    })
}

/// Answers an act: with JSON for a screen that presses keys, else by going back with a word.
fn answered(visit: &Visit, fields: &Fields, event: EventId, id: DrawId, done: Result<&str, Error>) -> Answer {
    let back = if fields.get("back") == "remote" { format!("{}/remote", home(event, id)) } else { home(event, id) };
    let text = visit.text();
    let (tone, said, status) = match done {
        Ok(said) => (Tone::Good, text.t(said).to_owned(), StatusCode::OK),
        Err(Error::Refused(refusal)) if !matches!(refusal.kind, Kind::Denied | Kind::Missing | Kind::Unknown) => {
            let first = refusal.problems.first().map(|problem| text.args(problem.text, &problem.args));
            (Tone::Bad, first.unwrap_or_else(|| text.refusal(&refusal)), refusal_status(&refusal))
        }
        Err(error) => return Err(error.into()),
    };
    if fields.ticked("json") {
        return Ok(
            (status, Json(serde_json::json!({ "said": said, "done": status == StatusCode::OK }))).into_response()
        );
    }
    tell(local_path(&back), tone, &said)
}

async fn act(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let done = if fields.get("act") == "take" {
        draw::take_wand(&hall.ctx, &actor, event, id).await.map(|()| "You hold the wand now.")
    } else {
        match (pressed(&fields), fields.needed("seen")) {
            (Ok(what), Ok(seen)) => draw::act(&hall.ctx, &actor, event, id, seen, what).await.map(|_| "Done."),
            (Err(refusal), _) | (_, Err(refusal)) => Err(refusal.into()),
        }
    };
    answered(&visit, &fields, event, id, done)
}

async fn spot(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let done = draw::random_round(&hall.ctx, &actor, event, id, fields.get("prize"), fields.get("quantity")).await;
    answered(&visit, &fields, event, id, done.map(|_| "Done."))
}

async fn void(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id, win)): Path<(u64, u64, u32)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let done = draw::void(&hall.ctx, &actor, event, id, win, fields.get("reason")).await;
    answered(&visit, &fields, event, id, done.map(|()| "Done."))
}

/// Where the draw stands, for pages of operators.
async fn live(
    State(hall): State<Hall>,
    In(space): In,
    headers: HeaderMap,
    Path((event, id)): Path<(u64, u64)>,
) -> Result<Response, Failure> {
    let (event, id) = (EventId(event), DrawId(id));
    let asked = hall.clone();
    let allowed = move || -> Result<(), Failure> {
        let Staff(actor) = Staff::of(&asked, space, &headers)?;
        draw::screen_key(&asked.ctx, &actor, event, id)?;
        Ok(())
    };
    allowed()?;
    let receiver = draw::watch(&hall.ctx, space, id, draw::Side::Screen)?;
    Ok(follow(receiver, move || allowed().is_ok()))
}

async fn commitment(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let of = draw::page(&hall.ctx, &actor, EventId(event), DrawId(id))?;
    let url = format!("{}/draw/{id}/verify", visit.base);
    page(pages::commitment(&visit.shell(), &of.event, &of.draw, &of.running, &url, of.draw.created_at))
}

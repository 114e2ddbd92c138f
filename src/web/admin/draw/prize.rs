//! Winners and prizes: list, hand-out, file.

use super::home;
use crate::{
    Hall,
    answer::{Answer, download, page, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{DrawId, EventId, Permission, Refusal, draw::Shown};
use service::{Error, draw, sheet::Format};
use views::{Tone, admin::draw::prize as pages, component::list::query};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/draw/{draw}/win", get(list))
        .route("/event/{event}/draw/{draw}/win/{file}", get(export))
        .route("/event/{event}/draw/{draw}/win/{file}/claim", post(claim))
        .route("/event/{event}/draw/{draw}/win/{file}/unclaim", post(unclaim))
        .route("/event/{event}/draw/{draw}/claim", get(find))
}

fn lines(rows: &[draw::WinRow]) -> Vec<pages::WinLine<'_>> {
    let prize = |row: &draw::WinRow| {
        if row.level.is_empty() { row.prize.clone() } else { format!("{} · {}", row.level, row.prize) }
    };
    rows.iter().map(|row| pages::WinLine { win: &row.win, prize: prize(row), full: row.full }).collect()
}

async fn list(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    Query(asked): Query,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let of = draw::page(&hall.ctx, &actor, event, id)?;
    let show = pages::Show::parse(asked.get("show"));
    let rows: Vec<_> =
        draw::wins(&hall.ctx, &actor, event, id)?.into_iter().filter(|row| show.takes(&row.win)).collect();
    let may_run = hall.may(&actor, Permission::DrawRun, event);
    let may_export = hall.may(&actor, Permission::RegistrationExport, event);
    let shell = visit.admin_shell(&actor);
    page(pages::list(&shell, &of.event, &of.draw, show, &lines(&rows), (may_run, may_export)))
}

async fn export(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id, file)): Path<(u64, u64, String)>,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let format = file.strip_prefix("export.").and_then(Format::parse).ok_or_else(|| Refusal::missing("list"))?;
    let of = draw::page(&hall.ctx, &actor, event, id)?;
    let text = visit.text();
    let say = |english: &str| text.t(english).to_owned();
    let bytes = draw::export(&hall.ctx, &actor, event, id, format, say, |at| visit.format.time(at)).await?;
    download(&format!("{}-{}.{}", of.draw.name, text.t("Winners"), format.ending()), format.mime(), bytes)
}

const SHOWN: &[(&str, Shown)] =
    &[("ticket", Shown::Ticket), ("phone", Shown::Phone), ("lucky", Shown::Lucky), ("list", Shown::List)];

fn number(file: &str) -> Result<u32, Error> {
    file.parse().map_err(|_| Refusal::missing("win").into())
}

async fn claim(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id, win)): Path<(u64, u64, String)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let shown = SHOWN.iter().find(|of| of.0 == fields.get("shown")).map_or(Shown::List, |of| of.1);
    let done = draw::claim(&hall.ctx, &actor, event, id, number(&win)?, shown).await;
    let back = if shown == Shown::List {
        format!("{}/win?show=open", home(event, id))
    } else {
        query(&format!("{}/claim", home(event, id)), &[("q", fields.get("q"))])
    };
    match done {
        Ok(()) => tell(&back, Tone::Good, visit.text().t("Handed out.")),
        done => told(&visit, &back, done),
    }
}

async fn unclaim(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id, win)): Path<(u64, u64, String)>,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let done = draw::unclaim(&hall.ctx, &actor, event, id, number(&win)?).await;
    told(&visit, &format!("{}/win?show=out", home(event, id)), done)
}

async fn find(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    Query(asked): Query,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    hall.ctx.permit(&actor, Permission::DrawRun, service::At::Event(event))?;
    let of = draw::page(&hall.ctx, &actor, event, id)?;
    let typed = asked.get("q").trim();
    let found = if typed.is_empty() { None } else { Some(draw::find(&hall.ctx, &actor, event, id, typed)) };
    let (found, wrong) = match found {
        Some(Ok(found)) => (Some(found), None),
        Some(Err(Error::Refused(refusal))) => (None, Some(visit.text().refusal(&refusal))),
        Some(Err(error)) => return Err(error.into()),
        None => (None, None),
    };
    let rows = found.as_ref().map(|found| lines(&found.wins));
    let code = |shown: Shown| SHOWN.iter().find(|of| of.1 == shown).map_or("list", |of| of.0);
    let shown = pages::FoundPage {
        event: &of.event,
        draw: &of.draw,
        typed,
        name: found.as_ref().map_or("", |found| &found.name),
        shown: found.as_ref().map_or("list", |found| code(found.shown)),
        wins: rows.as_deref(),
        wrong,
        open: of.wins.iter().filter(|win| win.void.is_none() && win.claim.is_none()).count(),
    };
    page(pages::claim(&visit.admin_shell(&actor), &shown))
}

//! The draw's own list, the code for joining, messages and pictures that wait for a look.

use super::home;
use crate::{
    Hall,
    answer::{Answer, again, download, page, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    routing::{get, post},
};
use domain::{DrawId, EntrantId, EventId, MessageId, Permission, Refusal, draw::Moderation, import::FILE_MAX};
use maud::Markup;
use service::{Actor, Error, draw, sheet::Format};
use views::{admin::draw::people as pages, component::list::query};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    let upload = DefaultBodyLimit::max(FILE_MAX + crate::BODY_MAX);
    Router::new()
        .route("/event/{event}/draw/{draw}/entrant", get(list).post(import).layer(upload))
        .route("/event/{event}/draw/{draw}/entrant/{entrant}/remove", post(remove))
        .route("/event/{event}/draw/{draw}/entrant/{file}", get(export))
        .route("/event/{event}/draw/{draw}/renew", post(renew))
        .route("/event/{event}/draw/{draw}/code", get(code))
        .route("/event/{event}/draw/{draw}/message", get(messages))
        .route("/event/{event}/draw/{draw}/message/{verb}", post(moderate))
        .route("/event/{event}/draw/{draw}/face/{who}/{verb}", post(face))
}

struct Drawn<'a> {
    page: usize,
    refusal: Option<&'a Refusal>,
    taken: Option<pages::Imported>,
}

fn drawn(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    event: EventId,
    id: DrawId,
    of: Drawn<'_>,
) -> Result<Markup, Error> {
    let kept = draw::page(&hall.ctx, actor, event, id)?;
    let (rows, found, full) = draw::entrants(&hall.ctx, actor, event, id, of.page)?;
    let line = |row: &'_ draw::EntrantRow| row.by_code;
    let lines: Vec<_> = rows
        .iter()
        .map(|row| pages::EntrantLine {
            entrant: &row.entrant,
            lucky: &row.lucky,
            group: &row.group,
            by_code: line(row),
        })
        .collect();
    let code = if kept.draw.joined { draw::join_code(&hall.ctx, actor, event, id).ok() } else { None };
    let shown = pages::ListPage {
        join: code.map(|code| query(&format!("{}/draw/join", visit.base), &[("code", &code)])),
        event: &kept.event,
        draw: &kept.draw,
        rows: &lines,
        page: (of.page, draw::PAGE, found),
        full,
        may_manage: hall.may(actor, Permission::DrawManage, event),
        refusal: of.refusal,
        taken: of.taken,
    };
    Ok(pages::entrants(&visit.admin_shell(actor), &shown))
}

async fn list(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    Query(asked): Query,
) -> Answer {
    let of = Drawn { page: asked.number("page")?.unwrap_or(0usize).min(100_000), refusal: None, taken: None };
    page(drawn(&hall, &visit, &actor, EventId(event), DrawId(id), of)?)
}

async fn import(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let missing = || Refusal::invalid(vec![domain::problem!("file", "This field is required.")]);
    let taken = match fields.file("file") {
        Some(file) => draw::import(&hall.ctx, &actor, event, id, file.bytes.to_vec()).await,
        None => Err(missing().into()),
    };
    let text = visit.text();
    match taken {
        Ok(taken) => {
            let refused =
                taken.refused.iter().map(|(row, problem)| (*row, text.args(problem.text, &problem.args))).collect();
            let of = Drawn { page: 0, refusal: None, taken: Some((taken.added, taken.unchanged, refused)) };
            page(drawn(&hall, &visit, &actor, event, id, of)?)
        }
        Err(error) => again(error, |refusal| {
            drawn(&hall, &visit, &actor, event, id, Drawn { page: 0, refusal: Some(refusal), taken: None })
        }),
    }
}

async fn remove(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id, entrant)): Path<(u64, u64, u64)>,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let done = draw::remove_entrant(&hall.ctx, &actor, event, id, EntrantId(entrant)).await;
    told(&visit, &format!("{}/entrant", home(event, id)), done)
}

async fn export(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id, file)): Path<(u64, u64, String)>,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let format = file.strip_prefix("export.").and_then(Format::parse).ok_or_else(|| Refusal::missing("list"))?;
    let text = visit.text();
    let bytes =
        draw::export_entrants(&hall.ctx, &actor, event, id, format, |english| text.t(english).to_owned()).await?;
    download(&format!("{}.{}", text.t("The draw's own list"), format.ending()), format.mime(), bytes)
}

async fn renew(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    told(&visit, &format!("{}/entrant", home(event, id)), draw::renew_codes(&hall.ctx, &actor, event, id).await)
}

async fn code(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let of = draw::page(&hall.ctx, &actor, event, id)?;
    let code = draw::join_code(&hall.ctx, &actor, event, id)?;
    let url = query(&format!("{}/draw/join", visit.base), &[("code", &code)]);
    page(pages::code(&visit.shell(), &of.event, &of.draw, &url))
}

async fn messages(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let of = |state| draw::messages(&hall.ctx, &actor, event, id, state);
    let (waiting, shown, hidden) = (of(Moderation::Waiting)?, of(Moderation::Shown)?, of(Moderation::Hidden)?);
    let faces = draw::faces(&hall.ctx, &actor, event, id)?;
    let kept = draw::page(&hall.ctx, &actor, event, id)?;
    let shown = pages::MessagePage {
        event: &kept.event,
        draw: &kept.draw,
        messages: [&waiting, &shown, &hidden],
        faces: &faces,
    };
    page(pages::messages(&visit.admin_shell(&actor), &shown))
}

async fn moderate(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id, verb)): Path<(u64, u64, String)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let chosen: Vec<MessageId> = fields.all("id").filter_map(|id| id.parse().ok().map(MessageId)).collect();
    let done = match verb.as_str() {
        _ if chosen.is_empty() => Err(Refusal::invalid(vec![domain::problem!("id", "Choose rows first.")]).into()),
        "show" => draw::show(&hall.ctx, &actor, event, id, &chosen).await,
        "hide" => draw::hide(&hall.ctx, &actor, event, id, &chosen).await,
        _ => Err(Refusal::missing("act").into()),
    };
    told(&visit, &format!("{}/message", home(event, id)), done)
}

async fn face(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id, who, verb)): Path<(u64, u64, String, String)>,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let done = draw::approve_face(&hall.ctx, &actor, event, id, draw::who_of(&who)?, verb == "show").await;
    told(&visit, &format!("{}/message", home(event, id)), done)
}

//! Importing a list.

use crate::{
    Hall,
    answer::{Answer, again, download, page, see, told},
    audience::{Staff, Visit},
    fields::{Ending, Fields, Query},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    routing::{get, post},
};
use domain::{
    EventId, ImportId, Refusal, SpaceId, TicketTypeId,
    import::{FILE_MAX, ImportState},
};
use maud::Markup;
use service::{Actor, Error, event, import, ticket_type};
use views::admin::import as pages;

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    let base = "/event/{event}/import";
    let at = |tail: &str| format!("{base}{tail}");
    Router::new()
        .route(base, get(start).post(upload).layer(DefaultBodyLimit::max(FILE_MAX + crate::BODY_MAX)))
        .route(&at("/template.xlsx"), get(template))
        .route(&at("/template.csv"), get(template))
        .route(&at("/{import}"), get(show))
        .route(&at("/{import}/columns"), post(columns))
        .route(&at("/{import}/begin"), post(begin))
        .route(&at("/{import}/drop"), post(drop_import))
        .route(&at("/{import}/refused.xlsx"), get(refused))
        .route(&at("/{import}/refused.csv"), get(refused))
}

fn draw(hall: &Hall, visit: &Visit, actor: &Actor, id: EventId, refusal: Option<&Refusal>) -> Result<Markup, Error> {
    let before = import::list(&hall.ctx, actor, id)?;
    let event = event::get(&hall.ctx, actor, id)?.event;
    let kinds: Vec<_> = ticket_type::list(&hall.ctx, actor, id)?.into_iter().map(|row| row.kind).collect();
    Ok(pages::start(&visit.admin_shell(actor), &event, &kinds, &before, refusal))
}

async fn start(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    page(draw(&hall, &visit, &actor, EventId(id), None)?)
}

async fn upload(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let taken = take(&hall, &actor, id, &fields).await;
    match taken {
        Ok(import) => see(&format!("/admin/event/{id}/import/{import}")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, id, Some(refusal))),
    }
}

async fn take(hall: &Hall, actor: &Actor, id: EventId, fields: &Fields) -> Result<ImportId, Error> {
    let kind = TicketTypeId(fields.needed("kind")?);
    let missing = || Refusal::invalid(vec![domain::problem!("file", "Choose a file.")]);
    let file = fields.file("file").ok_or_else(missing)?;
    import::upload(&hall.ctx, actor, id, &file.name, file.bytes.to_vec(), kind, fields.get("group")).await
}

async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, number)): Path<(u64, u64)>,
    Query(query): Query,
) -> Answer {
    let (id, number) = (EventId(id), ImportId(number));
    let of = import::get(&hall.ctx, &actor, id, number)?;
    if of.state != ImportState::Preview {
        let event = event::get(&hall.ctx, &actor, id)?.event;
        return page(pages::result(&visit.admin_shell(&actor), &event, &of));
    }
    page(preview(&hall, &visit, &actor, (id, number), &query, None).await?)
}

async fn preview(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    (id, number): (EventId, ImportId),
    query: &Fields,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let (refused_only, at) = (query.get("show") == "refused", query.page(100_000)?);
    let of = import::get(&hall.ctx, actor, id, number)?;
    let preview = import::preview(&hall.ctx, actor, id, number, refused_only, at).await?;
    let event = event::get(&hall.ctx, actor, id)?.event;
    let rows: Vec<_> = preview
        .rows
        .into_iter()
        .map(|row| pages::PreviewRow { number: row.number, cells: row.cells, verdict: row.verdict })
        .collect();
    let shown = pages::Preview {
        event: &event,
        import: &of,
        heads: &preview.heads,
        rows: &rows,
        tally: preview.tally,
        found: preview.found,
        page: at,
        size: import::PAGE,
        refused_only,
        refusal,
    };
    Ok(pages::preview(&visit.admin_shell(actor), &shown))
}

async fn columns(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, number)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let of = import::get(&hall.ctx, &actor, EventId(id), ImportId(number))?;
    let read = |at: usize| pages::read_column(fields.get(&format!("column-{at}")));
    let columns = (0..of.columns.len()).map(read).collect();
    told(
        &visit,
        &here(id, number),
        import::set_columns(&hall.ctx, &actor, EventId(id), ImportId(number), columns).await,
    )
}

fn here(id: u64, number: u64) -> String {
    format!("/admin/event/{id}/import/{number}")
}

async fn begin(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, number)): Path<(u64, u64)>,
) -> Answer {
    match import::begin(&hall.ctx, &actor, EventId(id), ImportId(number)).await {
        Ok(()) => {
            spawn(&hall, actor.space, ImportId(number));
            see(&here(id, number))
        }
        Err(error) => told(&visit, &here(id, number), Err(error)),
    }
}

/// Carries an import on in the background; a failure is logged, and the import goes on at the next start.
pub fn spawn(hall: &Hall, space: SpaceId, import: ImportId) {
    let ctx = hall.ctx.clone();
    tokio::spawn(async move {
        if let Err(error) = import::run(&ctx, space, import).await {
            tracing::error!(%import, %error, "an import stopped");
        }
    });
}

async fn drop_import(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, number)): Path<(u64, u64)>,
) -> Answer {
    told(
        &visit,
        &format!("/admin/event/{id}/import"),
        import::drop_import(&hall.ctx, &actor, EventId(id), ImportId(number)).await,
    )
}

async fn template(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Ending(format): Ending,
) -> Answer {
    let text = visit.text();
    let bytes = import::template(&hall.ctx, &actor, EventId(id), format, |english| text.t(english).to_owned())?;
    download(&format!("{}.{}", text.t("Template"), format.ending()), format.mime(), bytes)
}

async fn refused(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, number)): Path<(u64, u64)>,
    Ending(format): Ending,
) -> Answer {
    let text = visit.text();
    let say = |english: &str, args: &[(String, String)]| {
        let args: Vec<(&str, &str)> = args.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        text.fill(english, &args)
    };
    let bytes = import::refused_rows(&hall.ctx, &actor, EventId(id), ImportId(number), format, say)?;
    download(&format!("{}.{}", text.t("Refused rows"), format.ending()), format.mime(), bytes)
}

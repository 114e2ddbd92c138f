//! Promotion of an event: link, codes, sources, the shared link's card, the posters of visitors.

use super::design::drawing;
use crate::{
    Hall,
    answer::{Answer, again, page, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    routing::{get, post},
};
use domain::{
    DesignId, Event, EventId, EventShare, Permission, PictureId, Refusal,
    design::Purpose,
    picture::UPLOAD_MAX,
    promotion::{Origin, ShareInput},
};
use maud::Markup;
use service::{
    Actor, At, Error, design, event, picture, promotion,
    render::{self, Fonts},
};
use views::{admin::promotion as pages, component::list::query};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    let uploads = DefaultBodyLimit::max(UPLOAD_MAX + crate::BODY_MAX);
    Router::new()
        .route("/event/{event}/promotion", get(show).post(save).layer(uploads))
        .route("/event/{event}/promotion/source", post(add))
        .route("/event/{event}/promotion/source/{source}/remove", post(remove))
        .route("/event/{event}/promotion/qr", get(printed))
        .route("/event/{event}/promotion/qr.svg", get(svg))
        .route("/event/{event}/promotion/qr.png", get(png))
}

fn base(event: EventId) -> String {
    format!("/admin/event/{event}/promotion")
}

fn kept(share: &EventShare) -> ShareInput {
    ShareInput {
        custom: share.custom,
        title: share.title.clone(),
        description: share.description.clone(),
        picture: share.picture,
        posters: share.posters,
        poster: share.poster,
    }
}

/// What stands in the forms of the page.
struct Typed<'a> {
    share: &'a ShareInput,
    revision: u32,
    source: &'a str,
    refusal: Option<&'a Refusal>,
}

fn draw(hall: &Hall, visit: &Visit, actor: &Actor, id: EventId, typed: &Typed<'_>) -> Result<Markup, Error> {
    let event = event::get(&hall.ctx, actor, id)?.event;
    let rows: Vec<_> = promotion::statistics(&hall.ctx, actor, id)?
        .into_iter()
        .map(|row| pages::SourceRow {
            origin: row.origin,
            name: row.name,
            visits: row.visits,
            registrations: row.registrations,
        })
        .collect();
    let designs = match hall.ctx.permit(actor, Permission::PrintManage, At::Event(id)) {
        Ok(_) => design::list(&hall.ctx, actor, id)?,
        Err(_) => Vec::new(),
    };
    let posters: Vec<_> = designs
        .into_iter()
        .filter(|design| design.purpose == Purpose::Poster)
        .map(|design| (design.id.to_string(), design.name))
        .collect();
    let shown = pages::Page {
        event: &event,
        url: &format!("{}/event/{id}", visit.base),
        rows: &rows,
        share: typed.share,
        revision: typed.revision,
        posters: &posters,
        source: typed.source,
        may_manage: hall.ctx.permit(actor, Permission::EventManage, At::Event(id)).is_ok(),
        refusal: typed.refusal,
    };
    Ok(pages::show(&visit.admin_shell(actor), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let share = promotion::share(&hall.ctx, &actor, EventId(id))?;
    let typed = Typed { share: &kept(&share), revision: share.revision, source: "", refusal: None };
    page(draw(&hall, &visit, &actor, EventId(id), &typed)?)
}

/// The form of the shared link; an uploaded picture takes its place in it.
async fn share_input(hall: &Hall, actor: &Actor, fields: &Fields) -> Result<ShareInput, (ShareInput, Error)> {
    let mut input = ShareInput {
        custom: fields.ticked("custom"),
        title: fields.get("title").to_owned(),
        description: fields.get("description").to_owned(),
        picture: fields.get("picture").parse().ok().map(PictureId).filter(|_| !fields.ticked("picture_off")),
        posters: fields.ticked("posters"),
        poster: fields.get("poster").parse().ok().map(DesignId),
    };
    if let Some(file) = fields.file("picture_file") {
        match picture::upload(&hall.ctx, actor, file.bytes.to_vec()).await {
            Ok(id) => input.picture = Some(id),
            Err(error) => return Err((input, error)),
        }
    }
    Ok(input)
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    hall.ctx.permit(&actor, Permission::EventManage, At::Event(id))?;
    let revision = fields.needed("revision")?;
    let (input, saved) = match share_input(&hall, &actor, &fields).await {
        Ok(input) => {
            let saved = promotion::save_share(&hall.ctx, &actor, id, revision, &input).await;
            (input, saved)
        }
        Err((input, error)) => (input, Err(error)),
    };
    match saved {
        Ok(()) => told(&visit, &base(id), Ok(())),
        Err(error) => again(error, |refusal| {
            draw(&hall, &visit, &actor, id, &Typed { share: &input, revision, source: "", refusal: Some(refusal) })
        }),
    }
}

async fn add(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let (id, name) = (EventId(id), fields.get("source"));
    match promotion::add_source(&hall.ctx, &actor, id, name).await {
        Ok(_) => told(&visit, &base(id), Ok(())),
        Err(error) => {
            let share = promotion::share(&hall.ctx, &actor, id)?;
            again(error, |refusal| {
                let typed =
                    Typed { share: &kept(&share), revision: share.revision, source: name, refusal: Some(refusal) };
                draw(&hall, &visit, &actor, id, &typed)
            })
        }
    }
}

async fn remove(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, source)): Path<(u64, String)>,
) -> Answer {
    let Some(Origin::Source(source)) = Origin::parse(&source) else {
        return Err(Refusal::missing("source").into());
    };
    let removed = promotion::remove_source(&hall.ctx, &actor, EventId(id), source).await;
    told(&visit, &base(EventId(id)), removed)
}

/// The event, the address that a code leads to, and the name of the source that it counts for.
fn address(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    id: u64,
    fields: &Fields,
) -> Result<(Event, String, String), Error> {
    let event = event::get(&hall.ctx, actor, EventId(id))?.event;
    let from = Origin::parse(fields.get("from"));
    let rows = promotion::statistics(&hall.ctx, actor, event.id)?;
    let source = rows.into_iter().find(|row| Some(row.origin) == from);
    let text = source.as_ref().map_or(String::new(), |row| row.origin.to_string());
    let url = query(&format!("{}/event/{id}", visit.base), &[("from", &text)]);
    Ok((event, url, source.map_or(String::new(), |row| row.name)))
}

async fn printed(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(fields): Query,
) -> Answer {
    let (event, url, source) = address(&hall, &visit, &actor, id, &fields)?;
    page(pages::printed(&visit.shell(), &event, &source, &url))
}

async fn svg(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(fields): Query,
) -> Answer {
    let (_, url, _) = address(&hall, &visit, &actor, id, &fields)?;
    drawing("image/svg+xml; charset=utf-8", render::code(Fonts::system(), &url).into_bytes())
}

/// Pixels across a code: enough for a large poster.
const PIXELS: u32 = 1_200;

async fn png(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(fields): Query,
) -> Answer {
    let (_, url, _) = address(&hall, &visit, &actor, id, &fields)?;
    drawing("image/png", render::picture(render::code(Fonts::system(), &url), PIXELS).await?)
}

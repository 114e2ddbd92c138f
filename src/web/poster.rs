//! Posters that visitors share, holders' pictures, calendar files, the picture of a shared link, and where a visitor came from.

use crate::{
    Hall,
    admin::design::saying,
    answer::{Answer, page, told},
    audience::{Visit, cookie},
    fields::Fields,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{Event, EventId, Refusal, TicketId, event::Cover, picture::UPLOAD_MAX, promotion::Origin};
use maud::Markup;
use service::{
    Error, calendar, certificate, event, place, portrait,
    poster::{self, Form},
    promotion, registration, render,
};
use views::{
    component::list::query,
    phone::{event as event_pages, poster as pages},
};

/// Routes for visitors.
pub fn routes() -> Router<Hall> {
    let uploads = DefaultBodyLimit::max(UPLOAD_MAX + crate::BODY_MAX);
    Router::new()
        .route("/event/{event}/poster", get(of_event))
        .route("/event/{event}/poster.png", get(event_png))
        .route("/event/{event}/poster.svg", get(event_svg))
        .route("/event/{event}/share.png", get(share_picture))
        .route("/event/{event}/calendar.ics", get(event_calendar))
        .route("/ticket/{link}/poster", get(of_ticket))
        .route("/ticket/{link}/poster.png", get(ticket_png))
        .route("/ticket/{link}/poster.svg", get(ticket_svg))
        .route("/ticket/{link}/portrait", get(picture).post(upload).layer(uploads))
        .route("/ticket/{link}/calendar.ics", get(ticket_calendar))
}

fn event_of(hall: &Hall, visit: &Visit, id: u64) -> Result<Event, Error> {
    event::public_get(&hall.ctx, &visit.visitor(), EventId(id))
}

/// The refusal where visitors share no posters.
fn shared(hall: &Hall, visit: &Visit, event: EventId) -> Result<(), Error> {
    if poster::is_shared(&hall.ctx, visit.space, event)? {
        return Ok(());
    }
    Err(domain::refuse!(Missing, "poster.off", "This event has no poster to share.").into())
}

async fn of_event(State(hall): State<Hall>, visit: Visit, Path(id): Path<u64>) -> Answer {
    let event = event_of(&hall, &visit, id)?;
    shared(&hall, &visit, event.id)?;
    let version = event.revision.to_string();
    let at = format!("/event/{id}/poster");
    let of = pages::Page { event: &event, poster: &at, back: &format!("/event/{id}"), holder: None, version: &version };
    page(pages::show(&visit.shell(), &of))
}

fn drawn(mime: &'static str, bytes: Vec<u8>) -> Answer {
    Ok(([(header::CONTENT_TYPE, mime), (header::CACHE_CONTROL, "private, max-age=60")], bytes).into_response())
}

const SVG: &str = "image/svg+xml; charset=utf-8";
const PNG: &str = "image/png";

async fn event_png(State(hall): State<Hall>, visit: Visit, Path(id): Path<u64>) -> Answer {
    drawn(PNG, poster::of_event(&hall.ctx, &visit.visitor(), EventId(id), &saying(&visit), Form::Png).await?)
}

async fn event_svg(State(hall): State<Hall>, visit: Visit, Path(id): Path<u64>) -> Answer {
    drawn(SVG, poster::of_event(&hall.ctx, &visit.visitor(), EventId(id), &saying(&visit), Form::Svg).await?)
}

async fn of_ticket(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    let of = registration::by_link(&hall.ctx, visit.space, &link)?;
    shared(&hall, &visit, of.event.id)?;
    let portrait = portrait::of_link(&hall.ctx, visit.space, &link)?;
    let ticket = format!("/ticket/{link}");
    // The picture is another one once the portrait, the name or the event changes.
    let version = format!("{}-{}-{}", of.event.revision, of.ticket.revision, portrait.as_ref().map_or(0, Vec::len));
    let shown = pages::Page {
        event: &of.event,
        poster: &format!("{ticket}/poster"),
        back: &ticket,
        holder: Some((&ticket, portrait.is_some())),
        version: &version,
    };
    page(pages::show(&visit.shell(), &shown))
}

async fn ticket_png(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    drawn(PNG, poster::of_link(&hall.ctx, visit.space, &link, &saying(&visit), Form::Png).await?)
}

async fn ticket_svg(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    drawn(SVG, poster::of_link(&hall.ctx, visit.space, &link, &saying(&visit), Form::Svg).await?)
}

async fn picture(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    let file = portrait::of_link(&hall.ctx, visit.space, &link)?.ok_or_else(|| Refusal::missing("picture"))?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "private, no-cache")], file).into_response())
}

async fn upload(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>, fields: Fields) -> Answer {
    let done = if fields.ticked("remove") {
        portrait::remove(&hall.ctx, visit.space, &link).await
    } else {
        let bytes = fields.file("picture").map_or(Vec::new(), |file| file.bytes.to_vec());
        portrait::upload(&hall.ctx, visit.space, &link, bytes).await
    };
    told(&visit, &format!("/ticket/{link}/poster"), done)
}

fn ics(file: String) -> Answer {
    let head = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"event.ics\""),
    ];
    Ok((head, file).into_response())
}

async fn event_calendar(State(hall): State<Hall>, visit: Visit, Path(id): Path<u64>) -> Answer {
    let event = event_of(&hall, &visit, id)?;
    let place = place::public_get(&hall.ctx, &visit.visitor(), event.id)?;
    ics(calendar::file(&hall.ctx, visit.space, &event, place.as_ref(), &format!("{}/event/{id}", visit.base)))
}

async fn ticket_calendar(State(hall): State<Hall>, visit: Visit, Path(link): Path<String>) -> Answer {
    let event = registration::by_link(&hall.ctx, visit.space, &link)?.event;
    let place = place::of_ticket(&hall.ctx, visit.space, event.id)?;
    ics(calendar::file(&hall.ctx, visit.space, &event, place.as_ref(), &format!("{}/ticket/{link}", visit.base)))
}

/// Pixels across the picture of a shared link.
const SHARE_PIXELS: u32 = 1_200;

/// The picture of a shared link where the event's cover is a template: pictures of shared links must be of pixels.
async fn share_picture(State(hall): State<Hall>, visit: Visit, Path(id): Path<u64>) -> Answer {
    let event = event_of(&hall, &visit, id)?;
    let Cover::Template(_) = event.cover else { return Err(Refusal::missing("picture").into()) };
    let markup = event_pages::cover(&event.cover, "").into_string();
    let svg = markup.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"320\" height=\"180\" ", 1);
    let bytes = render::picture(svg, SHARE_PIXELS).await?;
    Ok(([(header::CONTENT_TYPE, PNG), (header::CACHE_CONTROL, "public, max-age=3600")], bytes).into_response())
}

/// Maps of the event's place.
fn maps(event: &Event, place: Option<domain::EventPlace>) -> Vec<(&'static str, String)> {
    let encode = |text: &str| query("", &[("v", text)]).trim_start_matches("?v=").to_owned();
    place.map_or_else(Vec::new, |place| place.links(&event.name, &event.venue.line(), &encode))
}

/// What the invitation shows beside itself.
pub fn beside_event(hall: &Hall, visit: &Visit, event: &Event) -> Result<Markup, Error> {
    let place = place::public_get(&hall.ctx, &visit.visitor(), event.id)?;
    let poster = poster::is_shared(&hall.ctx, visit.space, event.id)?.then(|| format!("/event/{}/poster", event.id));
    let of = pages::Beside {
        maps: &maps(event, place),
        calendar: &format!("/event/{}/calendar.ics", event.id),
        poster: poster.as_deref(),
        certificates: &[],
    };
    Ok(pages::beside(&visit.shell(), &of))
}

/// What a ticket's page shows beside the ticket.
pub fn beside_ticket(hall: &Hall, visit: &Visit, event: &Event, link: &str) -> Result<Markup, Error> {
    let place = place::of_ticket(&hall.ctx, visit.space, event.id)?;
    let poster = poster::is_shared(&hall.ctx, visit.space, event.id)?.then(|| format!("/ticket/{link}/poster"));
    let certificates: Vec<_> = certificate::of_link(&hall.ctx, visit.space, link)?
        .into_iter()
        .map(|one| {
            let at = format!("/ticket/{link}/certificate/{}", one.id);
            (one, at)
        })
        .collect();
    let of = pages::Beside {
        maps: &maps(event, place),
        calendar: &format!("/ticket/{link}/calendar.ics"),
        poster: poster.as_deref(),
        certificates: &certificates,
    };
    Ok(pages::beside(&visit.shell(), &of))
}

/// What a link to the event shows where it is shared (S0-30).
pub fn share_head(hall: &Hall, visit: &Visit, event: &Event) -> Result<Markup, Error> {
    let share = promotion::public_share(&hall.ctx, &visit.visitor(), event.id)?;
    let cover = match &event.cover {
        Cover::Picture(id) => format!("/picture/{id}"),
        Cover::Template(_) => format!("/event/{}/share.png", event.id),
    };
    let usual = format!("{} {}", visit.format.window(&event.time), event.venue.line());
    let (title, description, picture) = if share.custom {
        let picture = share.picture.map_or(cover, |id| format!("/picture/{id}"));
        (share.title.as_str(), share.description.as_str(), picture)
    } else {
        (event.name.as_str(), usual.trim(), cover)
    };
    let url = format!("{}/event/{}", visit.base, event.id);
    Ok(event_pages::share_card(title, description, &url, &format!("{}{picture}", visit.base)))
}

/// Name of the cookie that says by which link a phone came, to which event.
const FROM: &str = "hall_from";
/// How long that counts.
const A_MONTH: i64 = 30 * 24 * 3600;

/// By which link this phone came to the event.
fn came_from(headers: &HeaderMap, event: EventId) -> Option<Origin> {
    let (of, origin) = cookie(headers, FROM)?.split_once('.')?;
    (of == event.to_string()).then(|| Origin::parse(origin)).flatten()
}

/// Counts a visit that came by a link with a source, and lets the phone remember it until it registers.
pub fn note_visit(
    hall: &Hall,
    visit: &Visit,
    headers: &HeaderMap,
    event: EventId,
    from: &str,
    response: &mut Response,
) -> Result<(), Error> {
    if from.is_empty() {
        return Ok(());
    }
    let again = came_from(headers, event).is_some_and(|before| before.to_string() == from);
    if let Some(origin) = promotion::visit(&hall.ctx, &visit.visitor(), event, from, again)? {
        let value = format!("{FROM}={event}.{origin}; Path=/; Max-Age={A_MONTH}; HttpOnly; SameSite=Lax");
        let value = HeaderValue::try_from(value).map_err(|error| Error::internal("a cookie", error))?;
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(())
}

/// Notes by which link a registration came. The registration stands whatever becomes of that.
pub async fn credit(hall: &Hall, visit: &Visit, headers: &HeaderMap, event: EventId, ticket: TicketId) {
    let Some(origin) = came_from(headers, event) else { return };
    let noted = promotion::credit(&hall.ctx, &visit.visitor(), event, ticket, &origin.to_string()).await;
    if let Err(error) = noted {
        tracing::warn!(%error, "where a registration came from was not noted");
    }
}

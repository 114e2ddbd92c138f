//! Pages for visitors: events, tickets, language; registering and orders stand in files of their own.

mod invoice;
mod order;
mod register;

use crate::{
    Hall,
    answer::{Answer, again, page, see},
    asset,
    audience::{LANGUAGE, Visit},
    fields::{Fields, Query},
    poster,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, HeaderValue, header},
    routing::{get, post},
};
use domain::{EventId, Refusal, ticket::TicketInput};
use service::{Error, device, event, registration, ticket_type};
use views::{
    Lang,
    phone::{event as pages, register::Choice, ticket as ticket_pages},
};

/// Routes for visitors.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}", get(show))
        .route(
            "/event/{event}/register",
            get(register::form).post(register::register).layer(DefaultBodyLimit::max(REGISTRATION_MAX)),
        )
        .route("/ticket/find", get(find_form).post(find))
        .route("/ticket/{link}", get(ticket))
        .route("/picture/{picture}", get(asset::picture))
        .route("/language", post(language))
        .merge(order::routes())
        .merge(invoice::routes())
}

/// The ticket types that a visitor may take, with what a typed code opens.
fn choices(hall: &Hall, visit: &Visit, event: EventId, code: &str) -> Result<Vec<Choice>, Error> {
    let rows = ticket_type::public_list(&hall.ctx, &visit.visitor(), event, code)?;
    let hidden = service::event_view::get(&hall.ctx, &visit.visitor(), event)?.hide_left;
    let choice = |row: ticket_type::TicketTypeRow| Choice {
        left: row.left.filter(|_| !hidden),
        price: row.price,
        member: row.member,
        members_only: row.members_only,
        offer: row.offer,
        kind: row.kind,
    };
    Ok(rows.into_iter().map(choice).collect())
}

async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    headers: HeaderMap,
    Path(event): Path<u64>,
    Query(query): Query,
) -> Answer {
    let event = event::public_get(&hall.ctx, &visit.visitor(), EventId(event))?;
    let choices = choices(&hall, &visit, event.id, "")?;
    let beside = pages::Beside {
        head: &poster::share_head(&hall, &visit, &event)?,
        facts: &poster::beside_event(&hall, &visit, &event)?,
        more: &more(&hall, &visit, event.id)?,
        waiting: service::order::sale(&hall.ctx, &visit.visitor(), event.id)?.waiting,
    };
    let mut response = page(pages::show(&visit.shell(), &event, &choices, &beside))?;
    poster::note_visit(&hall, &visit, &headers, event.id, query.get("from"), &mut response)?;
    Ok(response)
}

/// What else belongs on an invitation: the agenda, the series.
fn more(hall: &Hall, visit: &Visit, event: EventId) -> Result<maud::Markup, Error> {
    let (shell, visitor) = (visit.shell(), visit.visitor());
    let talks: Vec<_> = service::talk::agenda(&hall.ctx, &visitor, event)?.into_iter().map(|row| row.talk).collect();
    let series = service::series::of_event(&hall.ctx, &visitor, event)?;
    Ok(maud::html! {
        (views::phone::talk::agenda(&shell, &talks))
        @if let Some(series) = series { (views::phone::talk::series_link(&shell, &series)) }
    })
}

/// As [`ticket_input`], with the files that were uploaded as answers kept and named.
pub async fn with_uploads(hall: &Hall, fields: &Fields) -> Result<TicketInput, Error> {
    let mut input = ticket_input(fields);
    for (id, file) in fields.uploads() {
        let kept = service::upload::keep(&hall.ctx, id, &file.name, file.bytes.to_vec()).await?;
        input.answers.retain(|(answered, _)| *answered != id);
        input.answers.push((id, kept));
    }
    Ok(input)
}

/// Most bytes of a registration with files.
pub const REGISTRATION_MAX: usize = 4 * domain::field::FILE_MAX;

/// What a registration form holds, whoever fills it.
pub fn ticket_input(fields: &Fields) -> TicketInput {
    TicketInput {
        name: fields.get("name").to_owned(),
        phone: fields.get("phone").to_owned(),
        company: fields.get("company").to_owned(),
        seat: fields.get("seat").to_owned(),
        note: fields.get("note").to_owned(),
        door_note: fields.get("door_note").to_owned(),
        answers: fields.answers(),
    }
}

async fn ticket(
    State(hall): State<Hall>,
    visit: Visit,
    headers: HeaderMap,
    Path(link): Path<String>,
    Query(query): Query,
) -> Answer {
    let of = registration::by_link(&hall.ctx, visit.space, &link)?;
    let helper = device::helper_of(&hall.ctx, visit.space, &of.ticket)?.is_some();
    let (lucky, draws) = service::draw::numbers_of(&hall.ctx, visit.space, of.ticket.event, of.ticket.id)?;
    let draws: Vec<_> = draws.into_iter().map(|(draw, won)| (format!("/draw/{}", draw.id), draw.name, won)).collect();
    let shown = ticket_pages::TicketPage {
        lucky: lucky.as_deref(),
        draws: &draws,
        ticket: &of.ticket,
        standing: &of.standing,
        event: &of.event,
        kind: &of.kind.name,
        group: of.group.as_deref(),
        seat: service::event_view::get(&hall.ctx, &visit.visitor(), of.event.id)?
            .shows_seat(of.standing.first().is_some()),
    };
    let around = ticket_pages::Around {
        link: &link,
        fresh: query.ticked("fresh"),
        helps: helper,
        order: of.order.as_deref(),
        may_transfer: of.may_transfer,
        notices: &of.notices,
        more: &ticket_pages::ways(&ways(&hall, &visit, &of, &link)?),
        beside: &poster::beside_ticket(&hall, &visit, &of.event, &link)?,
    };
    let mut response = page(ticket_pages::show(&visit.shell(), &shown, &around))?;
    crate::own::remember(&visit, &headers, &link, &mut response)?;
    Ok(response)
}

/// What the holder can do beside showing the ticket.
fn ways<'a>(
    hall: &Hall,
    visit: &'a Visit,
    of: &registration::TicketPage,
    link: &str,
) -> Result<Vec<ticket_pages::Way<'a>>, Error> {
    let text = visit.text();
    let mut ways = Vec::new();
    let talks = service::talk::page(&hall.ctx, visit.space, link)?;
    if talks.open && of.ticket.state == domain::TicketState::Active {
        let label = if talks.chosen.is_empty() { text.t("Choose talks") } else { text.t("My talks") };
        let href = format!("/ticket/{link}/talk");
        let icon = views::component::icon::Icon::Calendar;
        ways.push(ticket_pages::Way { label, href, icon, next: talks.chosen.is_empty() });
    }
    ways.push(ticket_pages::Way {
        label: text.t("My messages"),
        href: format!("/ticket/{link}/message"),
        icon: views::component::icon::Icon::Settings,
        next: false,
    });
    if let Some(given) = service::feedback::offered(&hall.ctx, visit.space, &of.ticket)? {
        let label = if given { text.t("Your feedback was sent") } else { text.t("Give feedback") };
        let href = format!("/ticket/{link}/feedback");
        ways.push(ticket_pages::Way { label, href, icon: views::component::icon::Icon::Check, next: !given });
    }
    Ok(ways)
}

async fn find_form(visit: Visit) -> Answer {
    page(ticket_pages::find(&visit.shell(), ("", ""), None))
}

async fn find(State(hall): State<Hall>, visit: Visit, fields: Fields) -> Answer {
    let typed = (fields.get("phone"), fields.get("attend"));
    match registration::find(&hall.ctx, &visit.visitor(), typed.0, typed.1, &visit.origin.address).await {
        Ok(link) => see(&format!("/ticket/{link}")),
        Err(error) => again(error, |refusal| Ok(ticket_pages::find(&visit.shell(), typed, Some(refusal)))),
    }
}

/// Changes the language and goes back to where the visitor was, on this box only.
async fn language(fields: Fields) -> Answer {
    let lang = Lang::parse(fields.get("lang")).ok_or_else(|| Refusal::missing("language"))?;
    let back = fields.get("back");
    let mut response = see(local_path(back))?;
    let value = format!("{LANGUAGE}={}; Path=/; Max-Age=31536000; SameSite=Lax", lang.tag());
    let value = HeaderValue::try_from(value).map_err(|error| Error::internal("a cookie", error))?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(response)
}

/// A path of this box, or the start when it would lead elsewhere.
pub fn local_path(path: &str) -> &str {
    let local = path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']);
    if local { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_never_leads_off_the_box() {
        for (path, safe) in [("/a?b=c", "/a?b=c"), ("//evil", "/"), ("https://evil", "/"), ("/\\evil", "/"), ("", "/")]
        {
            assert_eq!(local_path(path), safe);
        }
    }
}

//! Pages for visitors: events, registering, tickets, language.

use crate::{
    Hall,
    answer::{Answer, Failure, again, page, see},
    asset,
    audience::{LANGUAGE, Visit},
    fields::{Fields, Query},
    poster,
};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, header},
    routing::{get, post},
};
use domain::{EventId, Refusal, Ticket, TicketTypeId, ticket::TicketInput};
use service::{Error, device, event, registration, ticket_type, token};
use views::{
    Lang,
    phone::{event as pages, ticket as ticket_pages},
};

/// Routes for visitors.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/", get(home))
        .route("/event/{event}", get(show))
        .route("/event/{event}/register", get(form).post(register))
        .route("/ticket/find", get(find_form).post(find))
        .route("/ticket/{link}", get(ticket))
        .route("/picture/{picture}", get(asset::picture))
        .route("/language", post(language))
}

async fn home(State(hall): State<Hall>, visit: Visit) -> Answer {
    if !visit.set_up {
        return see("/setup");
    }
    let events = event::public_list(&hall.ctx, &visit.visitor())?;
    page(pages::list(&visit.shell(), &events))
}

fn choices(hall: &Hall, visit: &Visit, event: EventId) -> Result<Vec<pages::Choice>, Failure> {
    let rows = ticket_type::public_list(&hall.ctx, &visit.visitor(), event)?;
    let choice = |row: ticket_type::TicketTypeRow| {
        let left = row.kind.quota.map(|quota| (i64::from(quota) - row.taken).max(0));
        pages::Choice { kind: row.kind, offer: row.offer, left }
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
    let choices = choices(&hall, &visit, event.id)?;
    let (head, beside) = (poster::share_head(&hall, &visit, &event)?, poster::beside_event(&hall, &visit, &event)?);
    let mut response = page(pages::show(&visit.shell(), &event, &choices, &head, &beside))?;
    poster::note_visit(&hall, &visit, &headers, event.id, query.get("from"), &mut response)?;
    Ok(response)
}

async fn form(State(hall): State<Hall>, visit: Visit, Path(event): Path<u64>) -> Answer {
    let event = event::public_get(&hall.ctx, &visit.visitor(), EventId(event))?;
    let choices = choices(&hall, &visit, event.id)?;
    let typed = pages::Typed { once: token::new(hall.ctx.random.as_ref()), ..pages::Typed::default() };
    page(pages::register(&visit.shell(), &event, &choices, &typed, None))
}

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

async fn register(
    State(hall): State<Hall>,
    visit: Visit,
    headers: HeaderMap,
    Path(event): Path<u64>,
    fields: Fields,
) -> Answer {
    let event = EventId(event);
    let outcome = take(&hall, &visit, event, &fields).await;
    match outcome {
        Ok(ticket) => {
            poster::credit(&hall, &visit, &headers, event, ticket.id).await;
            see(&format!("/ticket/{}?fresh=1", token::link(&ticket.link)))
        }
        Err(error) => {
            let event = event::public_get(&hall.ctx, &visit.visitor(), event)?;
            let choices = choices(&hall, &visit, event.id)?;
            let input = ticket_input(&fields);
            let typed = pages::Typed {
                kind: fields.get("kind").to_owned(),
                name: input.name,
                phone: input.phone,
                company: input.company,
                answers: input.answers,
                once: fields.get("once").to_owned(),
            };
            again(error, |refusal| Ok(pages::register(&visit.shell(), &event, &choices, &typed, Some(refusal))))
        }
    }
}

async fn take(hall: &Hall, visit: &Visit, event: EventId, fields: &Fields) -> Result<Ticket, Error> {
    let kind = TicketTypeId(fields.needed("kind")?);
    let input =
        TicketInput { seat: String::new(), note: String::new(), door_note: String::new(), ..ticket_input(fields) };
    registration::register(&hall.ctx, &visit.visitor(), event, kind, fields.get("once"), &input).await
}

async fn ticket(
    State(hall): State<Hall>,
    visit: Visit,
    headers: HeaderMap,
    Path(link): Path<String>,
    Query(query): Query,
) -> Answer {
    let of = registration::by_link(&hall.ctx, crate::hall::space(), &link)?;
    let helper = device::helper_of(&hall.ctx, crate::hall::space(), &of.ticket)?.is_some();
    let shown = ticket_pages::TicketPage {
        ticket: &of.ticket,
        standing: &of.standing,
        event: &of.event,
        kind: &of.kind.name,
        group: of.group.as_deref(),
    };
    let helps = helper.then_some(link.as_str());
    let beside = poster::beside_ticket(&hall, &visit, &of.event, &link)?;
    let mut response = page(ticket_pages::show(&visit.shell(), &shown, query.ticked("fresh"), helps, &beside))?;
    crate::own::remember(&visit, &headers, &link, &mut response)?;
    Ok(response)
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

//! Checking in alone: what a visitor sees who scanned the event's code (S0-52, S1-38).

use crate::{
    Hall,
    answer::{Answer, again, page},
    audience::{TICKETS, Visit, cookie, secret_cookie},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
    routing::get,
};
use domain::{
    EventId, Refusal,
    checkin::{Direction, Reason, Verdict},
};
use maud::Markup;
use service::{
    Error,
    checkin::own::{self, OwnDoor},
    registration, token,
};
use views::{Tone, phone::own as pages};

/// Routes for visitors who scanned a code.
pub fn routes() -> Router<Hall> {
    Router::new().route("/in", get(show).post(pass))
}

/// Most tickets that a phone remembers.
const HELD_MAX: usize = 8;
/// How long it remembers them.
const A_YEAR: i64 = 365 * 24 * 3600;

/// Links of the tickets that a phone remembers, the newest first.
pub fn links(headers: &HeaderMap) -> Vec<&str> {
    let kept = cookie(headers, TICKETS).unwrap_or("");
    kept.split('.').filter(|link| token::read_link(link).is_some()).take(HELD_MAX).collect()
}

/// Lets the phone remember a ticket that it showed; the newest first.
pub fn remember(visit: &Visit, headers: &HeaderMap, link: &str, response: &mut Response) -> Result<(), Error> {
    let mut all = vec![link];
    all.extend(links(headers).into_iter().filter(|kept| *kept != link));
    all.truncate(HELD_MAX);
    let value = HeaderValue::try_from(secret_cookie(visit, TICKETS, &all.join("."), A_YEAR));
    response.headers_mut().append(header::SET_COOKIE, value.map_err(|error| Error::internal("a cookie", error))?);
    Ok(())
}

fn held(hall: &Hall, visit: &Visit, headers: &HeaderMap, event: EventId) -> Vec<pages::Held> {
    let known = links(headers).into_iter().filter_map(|link| {
        // A ticket that is gone is no reason not to show the others.
        let of = registration::by_link(&hall.ctx, visit.space, link).ok()?;
        let standing = of.ticket.state == domain::TicketState::Active && of.ticket.event == event;
        standing.then(|| pages::Held { link: link.to_owned(), name: of.ticket.name, kind: of.kind.name })
    });
    known.collect()
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    headers: &HeaderMap,
    door: &OwnDoor,
    fields: Option<&Fields>,
    refusal: Option<&Refusal>,
) -> Markup {
    let held = held(hall, visit, headers, door.event.id);
    let typed = |name| fields.map_or("", |fields| fields.get(name));
    let questions = if door.direction == Direction::Entry { door.list.questions.as_slice() } else { &[] };
    pages::show(
        &visit.shell(),
        &pages::Page {
            event: &door.event.name,
            list: &door.list.name,
            direction: door.direction,
            pass: &door.pass,
            nonce: &token::new(hall.ctx.random.as_ref()),
            held: &held,
            questions,
            typed: (typed("phone"), typed("attend")),
            answers: &fields.map(Fields::answers).unwrap_or_default(),
            refusal,
        },
    )
}

async fn show(State(hall): State<Hall>, visit: Visit, headers: HeaderMap, Query(query): Query) -> Answer {
    let door = own::look(&hall.ctx, visit.space, query.get("code"))?;
    page(draw(&hall, &visit, &headers, &door, None, None))
}

async fn pass(State(hall): State<Hall>, visit: Visit, headers: HeaderMap, fields: Fields) -> Answer {
    let space = visit.space;
    let door = own::look(&hall.ctx, space, fields.get("pass"))?;
    let said = enter(&hall, &visit, &fields).await;
    let (link, answer) = match said {
        Ok(said) => said,
        Err(error) => {
            return again(error, |refusal| Ok(draw(&hall, &visit, &headers, &door, Some(&fields), Some(refusal))));
        }
    };
    let text = visit.text();
    let (word, tone) = match (answer.verdict, answer.direction) {
        (Verdict::Admitted, Direction::Entry) => ("You are checked in. Welcome!", Tone::Good),
        (Verdict::Admitted, Direction::Exit) => ("You are signed out. Goodbye!", Tone::Good),
        (Verdict::Incomplete, _) => ("Please answer first", Tone::Warn),
        (Verdict::Refused(Reason::AlreadyIn), _) => (Reason::AlreadyIn.label(), Tone::Warn),
        (Verdict::Refused(reason), _) => (reason.label(), Tone::Bad),
    };
    let person = answer.person.as_ref();
    let more: Vec<&str> = person
        .map(|card| vec![card.kind.as_ref(), card.group.as_ref(), card.holder.seat.as_str()])
        .unwrap_or_default()
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    let shown = pages::Said {
        event: &door.event.name,
        direction: door.direction,
        word: text.t(word),
        tone,
        name: person.map_or("", |card| &card.holder.name),
        more: &more.join(" · "),
        ticket: &format!("/ticket/{link}"),
    };
    let mut response = page(pages::said(&visit.shell(), &shown))?;
    remember(&visit, &headers, &link, &mut response)?;
    Ok(response)
}

/// Whose ticket it is, and what the door says.
async fn enter(hall: &Hall, visit: &Visit, fields: &Fields) -> Result<(String, service::checkin::Answer), Error> {
    let link = match fields.get("link") {
        "" => {
            let (phone, attend) = (fields.get("phone"), fields.get("attend"));
            registration::find(&hall.ctx, &visit.visitor(), phone, attend, &visit.origin.address).await?
        }
        link => link.to_owned(),
    };
    let (pass, nonce) = (fields.get("pass"), fields.get("nonce"));
    let answer = own::check_in(&hall.ctx, visit.space, pass, &link, nonce, fields.answers()).await?;
    Ok((link, answer))
}

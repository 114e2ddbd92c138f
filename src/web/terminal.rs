//! Check-in terminals: pairing and the door.

use crate::{
    Hall,
    answer::{Answer, again, page, see},
    audience::{DEVICE, Scanner, Visit, secret_cookie},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderValue, header},
    routing::get,
};
use domain::{
    Event, EventId, Scan,
    checkin::{Door, Reason, Verdict},
};
use service::{Actor, Error, Who, checkin, device};
use views::{Tone, terminal as pages};

/// Routes of terminals.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/terminal", get(own))
        .route("/terminal/pair", get(pair_form).post(pair))
        .route("/terminal/{event}", get(door))
}

async fn pair_form(visit: Visit, Query(query): Query) -> Answer {
    page(pages::pair(&visit.shell(), query.get("code"), query.ticked("auto"), None))
}

const TEN_YEARS: i64 = 10 * 365 * 24 * 3600;

/// Pairing takes a press of the button: a link that is only looked at must not spend the code.
async fn pair(State(hall): State<Hall>, visit: Visit, fields: Fields) -> Answer {
    let code = fields.get("code");
    match device::pair(&hall.ctx, crate::hall::space(), code, &visit.origin.address).await {
        Ok(token) => {
            let mut response = see("/terminal")?;
            let cookie = HeaderValue::try_from(secret_cookie(&visit, DEVICE, &token, TEN_YEARS))
                .map_err(|error| Error::internal("a cookie", error))?;
            response.headers_mut().append(header::SET_COOKIE, cookie);
            Ok(response)
        }
        Err(error) => again(error, |refusal| Ok(pages::pair(&visit.shell(), code, false, Some(refusal)))),
    }
}

async fn own(State(hall): State<Hall>, visit: Visit, scanner: Result<Scanner, crate::answer::Failure>) -> Answer {
    match scanner {
        Ok(Scanner::Device(actor)) => match &actor.who {
            Who::Device { event, .. } => at(&hall, &visit, &actor, *event),
            Who::Staff { .. } | Who::Visitor => see("/terminal/pair"),
        },
        Ok(Scanner::Revoked(..)) => page(pages::revoked(&visit.shell())),
        Ok(Scanner::Staff(_)) | Err(_) => see("/terminal/pair"),
    }
}

async fn door(State(hall): State<Hall>, visit: Visit, scanner: Scanner, Path(event): Path<u64>) -> Answer {
    match scanner {
        Scanner::Device(actor) | Scanner::Staff(actor) => at(&hall, &visit, &actor, EventId(event)),
        Scanner::Revoked(..) => page(pages::revoked(&visit.shell())),
    }
}

fn at(hall: &Hall, visit: &Visit, actor: &Actor, event: EventId) -> Answer {
    let of = checkin::door(&hall.ctx, actor, event)?;
    let name = match &actor.who {
        Who::Device { name, .. } | Who::Staff { name, .. } => name.clone(),
        Who::Visitor => String::new(),
    };
    let recent = of.recent.iter().map(|row| {
        let (word, tone) = word(visit, &row.scan, row.annulled.is_some());
        (row.name.clone().unwrap_or_else(|| row.scan.code.clone()), word, tone)
    });
    let shown = pages::Door {
        event: &of.event.name,
        id: event.0,
        device: &name,
        window: entries(&of.event).map(|window| visit.format.window(&window)),
        counts: pages::Counts {
            registered: of.counts.registered,
            admitted: of.counts.admitted,
            refused: of.counts.refused,
        },
        recent: recent.collect(),
        live: format!("/terminal/{event}/live"),
    };
    page(pages::door(&visit.shell(), &shown))
}

fn entries(event: &Event) -> Option<domain::Window> {
    Door::of(event.id, event.state, event.checkin, event.time.to).entries
}

/// What a scan's record says, in the reader's language.
pub fn word(visit: &Visit, scan: &Scan, annulled: bool) -> (String, Tone) {
    let text = visit.text();
    let (label, tone) = match scan.verdict {
        Verdict::Admitted if annulled => ("Check-in taken back", Tone::Warn),
        Verdict::Admitted => ("Checked in", Tone::Good),
        Verdict::Incomplete => ("Questions open", Tone::Warn),
        Verdict::Refused(Reason::AlreadyIn) => (Reason::AlreadyIn.label(), Tone::Warn),
        Verdict::Refused(reason) => (reason.label(), Tone::Bad),
    };
    (text.t(label).to_owned(), tone)
}

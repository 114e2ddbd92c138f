//! `/api/v1/checkin`: redeeming scans. The answers' shape and codes are stable.

use crate::{
    Hall,
    answer::Failure,
    audience::{Scanner, Visit},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{
    EventId, Time,
    checkin::{Direction, Request, Way},
    problem,
};
use serde::{Deserialize, Serialize};
use service::{
    Who,
    checkin::{self, Answer, Counts},
};

/// Routes below `/api/v1/checkin`.
pub fn routes() -> Router<Hall> {
    Router::new().route("/redeem", post(redeem)).route("/status", get(status))
}

/// Most bytes of a request.
const BODY_MAX: usize = 16 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scan {
    code: String,
    nonce: String,
    #[serde(default)]
    event: Option<u64>,
    #[serde(default)]
    list: Option<u64>,
    #[serde(default)]
    direction: Direction,
    #[serde(default)]
    way: Way,
    #[serde(default)]
    scanned_at: Option<i64>,
    #[serde(default)]
    force: bool,
    #[serde(default)]
    answers: Vec<(u16, String)>,
}

#[derive(Serialize)]
struct Figures {
    registered: i64,
    admitted: i64,
    refused: i64,
}

impl From<Counts> for Figures {
    fn from(counts: Counts) -> Self {
        Self { registered: counts.registered, admitted: counts.admitted, refused: counts.refused }
    }
}

#[derive(Serialize)]
struct Person {
    name: String,
    company: String,
    group: String,
    seat: String,
    kind: String,
    number: String,
}

#[derive(Serialize)]
struct Previous {
    at: i64,
    at_text: String,
    by: String,
}

#[derive(Serialize)]
struct Outcome {
    scan: u64,
    verdict: &'static str,
    reason: Option<&'static str>,
    at: i64,
    person: Option<Person>,
    previous: Option<Previous>,
    questions: [(); 0],
    counts: Figures,
}

impl Scan {
    fn request(self) -> Request {
        // Marks are made on the registration's page only; a scan that claims to be one is a typed one.
        let way = if self.way == Way::Mark { Way::Typed } else { self.way };
        Request {
            code: self.code,
            list: self.list,
            direction: self.direction,
            way,
            scanned_at: self.scanned_at.map(Time),
            nonce: self.nonce,
            force: self.force,
            answers: self.answers,
        }
    }
}

fn outcome(visit: &Visit, answer: Answer) -> Outcome {
    let person = answer.person.map(|card| Person {
        name: card.name,
        company: card.company,
        group: card.group,
        seat: card.seat,
        kind: card.kind,
        number: card.number,
    });
    let previous = answer.previous.map(|before| Previous {
        at: before.at.0,
        at_text: visit.format.clock_seconds(before.at),
        by: before.by,
    });
    Outcome {
        scan: answer.scan.0,
        verdict: answer.verdict.code(),
        reason: answer.verdict.reason().map(domain::checkin::Reason::code),
        at: answer.at.0,
        person,
        previous,
        questions: [],
        counts: answer.counts.into(),
    }
}

/// One scan. A member of staff names the event; a terminal has its own.
async fn redeem(State(hall): State<Hall>, scanner: Scanner, visit: Visit, body: Bytes) -> Result<Response, Failure> {
    let scan = read(&body)?;
    let named = scan.event.map(EventId);
    let answer = match scanner {
        Scanner::Revoked(device, event) => {
            let refused =
                checkin::refuse_revoked(&hall.ctx, crate::hall::space(), device, event, scan.request()).await?;
            return Ok((axum::http::StatusCode::FORBIDDEN, Json(outcome(&visit, refused))).into_response());
        }
        Scanner::Device(actor) => {
            let Who::Device { event, .. } = actor.who else { return Err(domain::Refusal::denied().into()) };
            checkin::redeem(&hall.ctx, &actor, event, scan.request()).await?
        }
        Scanner::Staff(actor) => {
            let event =
                named.ok_or_else(|| domain::Refusal::invalid(vec![problem!("event", "This field is required.")]))?;
            checkin::redeem(&hall.ctx, &actor, event, scan.request()).await?
        }
    };
    Ok(Json(outcome(&visit, answer)).into_response())
}

fn read(body: &Bytes) -> Result<Scan, Failure> {
    let unreadable = |why: String| {
        domain::refuse!(
            Invalid,
            "json.unreadable",
            "The request is not the JSON that is expected here: {why}",
            why = why
        )
    };
    if body.len() > BODY_MAX {
        return Err(domain::refuse!(Invalid, "form.too_large", "What was sent is too large.").into());
    }
    Ok(serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?)
}

/// Counts of the terminal's door.
async fn status(State(hall): State<Hall>, scanner: Scanner) -> Result<Response, Failure> {
    match scanner {
        Scanner::Device(actor) => {
            let Who::Device { event, .. } = actor.who else { return Err(domain::Refusal::denied().into()) };
            let counts = checkin::counts(&hall.ctx, &actor, event)?;
            Ok(Json(Figures::from(counts)).into_response())
        }
        Scanner::Revoked(..) => Err(crate::audience::shut_out().into()),
        Scanner::Staff(_) => Err(domain::Refusal::denied().into()),
    }
}

//! `/api/v1/checkin`: redeeming scans. The answers' shape and codes are stable.

use crate::{
    Hall,
    answer::{self, Failure},
    audience::{Scanner, Visit},
};
use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{self, HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{
    EventId, Time,
    checkin::{Direction, Request, Way},
    problem,
};
use http_body_util::{BodyExt, Limited};
use serde::{Deserialize, Serialize};
use service::{
    Error, Who,
    checkin::{self, Answer, Counts},
};

/// Where a scan is sent.
pub const REDEEM: &str = "/api/v1/checkin/redeem";

/// Routes below `/api/v1/checkin`.
pub fn routes() -> Router<Hall> {
    Router::new().route("/status", get(status))
}

/// The lane of a scan: reads the request, answers, and makes failures readable like every other way in.
pub async fn lane(hall: &Hall, request: http::Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = match Limited::new(body, BODY_MAX).collect().await {
        Ok(body) => redeem(hall, &parts.headers, &body.to_bytes()).await.unwrap_or_else(IntoResponse::into_response),
        Err(_) => Failure::from(too_large()).into_response(),
    };
    answer::close(hall, &parts, &mut response);
    response
}

fn too_large() -> domain::Refusal {
    domain::refuse!(Invalid, "form.too_large", "What was sent is too large.")
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
struct Person<'a> {
    name: &'a str,
    company: &'a str,
    group: &'a str,
    seat: &'a str,
    kind: &'a str,
    number: &'a str,
}

#[derive(Serialize)]
struct Previous<'a> {
    at: i64,
    at_text: String,
    by: &'a str,
}

#[derive(Serialize)]
struct Outcome<'a> {
    scan: u64,
    verdict: &'static str,
    reason: Option<&'static str>,
    at: i64,
    person: Option<Person<'a>>,
    previous: Option<Previous<'a>>,
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

fn outcome<'a>(hall: &Hall, headers: &HeaderMap, answer: &'a Answer) -> Outcome<'a> {
    let person = answer.person.as_ref().map(|card| Person {
        name: &card.holder.name,
        company: &card.holder.company,
        group: &card.group,
        seat: &card.holder.seat,
        kind: &card.kind,
        number: &card.holder.number,
    });
    let previous = answer.previous.as_ref().map(|before| Previous {
        at: before.at.0,
        at_text: Visit::format_of(hall, headers).clock_seconds(before.at),
        by: &before.by,
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
async fn redeem(hall: &Hall, headers: &HeaderMap, body: &[u8]) -> Result<Response, Failure> {
    let scanner = Scanner::of(hall, headers)?;
    let scan = read(body)?;
    let named = scan.event.map(EventId);
    let answer = match scanner {
        Scanner::Revoked(device, event) => {
            let refused =
                checkin::refuse_revoked(&hall.ctx, crate::hall::space(), device, event, scan.request()).await?;
            return json(StatusCode::FORBIDDEN, &outcome(hall, headers, &refused));
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
    json(StatusCode::OK, &outcome(hall, headers, &answer))
}

/// About how long an answer is, so that it is written without growing.
const ANSWER: usize = 512;

fn json(status: StatusCode, outcome: &Outcome<'_>) -> Result<Response, Failure> {
    let mut body = Vec::with_capacity(ANSWER);
    serde_json::to_writer(&mut body, outcome).map_err(|error| Error::internal("writing an answer", error))?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn read(body: &[u8]) -> Result<Scan, Failure> {
    let unreadable = |why: String| {
        domain::refuse!(
            Invalid,
            "json.unreadable",
            "The request is not the JSON that is expected here: {why}",
            why = why
        )
    };
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

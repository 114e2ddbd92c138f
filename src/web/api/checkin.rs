//! `/api/v1/checkin`: redeeming scans. The answers' shape and codes are stable.

use super::{
    client,
    door::{Asker, Figures, Names},
};
use crate::{
    Hall,
    answer::{self, Failure},
    audience::{Scanner, Visit},
    space::In,
};
use axum::{
    body::Body,
    http::{self, HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    EventId, ListId, SpaceId, TicketId, Time,
    checkin::{Direction, Request, Shown, Test, Way},
    field::Field,
    problem,
};
use http_body_util::{BodyExt, Limited};
use serde::{Deserialize, Serialize};
use service::{
    Actor, Error, Who,
    checkin::{self, Answer},
};
use std::sync::Arc;
use utoipa::ToSchema;

/// Where a scan is sent.
pub const REDEEM: &str = "/api/v1/checkin/redeem";

/// The lane of a scan: reads the request, answers, and makes failures readable like every other way in.
pub async fn lane(hall: &Hall, request: http::Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let In(space) = In::of(&parts.extensions);
    let done = match Limited::new(body, BODY_MAX).collect().await {
        Ok(body) => match client::admit(hall, &parts, Some(REDEEM)) {
            Ok(client) => redeem(hall, space, (&parts.headers, client), &body.to_bytes()).await,
            Err(failure) => Err(failure),
        },
        Err(_) => Err(too_large().into()),
    };
    let mut response = done.unwrap_or_else(IntoResponse::into_response);
    answer::close(hall, &parts, &mut response);
    response
}

fn too_large() -> domain::Refusal {
    domain::refuse!(Invalid, "form.too_large", "What was sent is too large.")
}

/// Most bytes of a request.
const BODY_MAX: usize = 16 << 10;

/// One scan. Give `code` or `ticket`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Scan {
    /// What was scanned or typed: a ticket number, an attend code, or a link that ends in a ticket number.
    #[serde(default)]
    code: Option<String>,
    /// Number of a ticket of the event, as a search found it.
    #[serde(default)]
    ticket: Option<u64>,
    /// 1 to 64 characters, a new one for each scan. The same nonce always gets the same answer and makes one record.
    nonce: String,
    /// The event; a terminal has its own.
    #[serde(default)]
    pub(super) event: Option<u64>,
    /// The check-in list; the terminal's own, or the main one, when left out.
    #[serde(default)]
    list: Option<u64>,
    /// Entry or exit; the terminal's own, or entry, when left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "entry")]
    direction: Option<Direction>,
    /// How it was scanned: `gun`, `camera`, `typed`, `picked` or `program`.
    #[serde(default)]
    #[schema(value_type = String, example = "gun")]
    way: Way,
    /// When it was scanned, in milliseconds since 1970 by the box's clock; on arrival when left out.
    #[serde(default)]
    scanned_at: Option<i64>,
    /// Admit whatever time, rules and earlier entries say; needs the permission to mark people.
    #[serde(default)]
    force: bool,
    /// Answers to questions asked at the door: number of the question and what was answered.
    #[serde(default)]
    #[schema(value_type = Vec<(u16, String)>)]
    answers: Vec<(u16, String)>,
}

/// Whose ticket it is.
#[derive(Serialize, ToSchema)]
struct Person<'a> {
    /// Number of the ticket in the event.
    ticket: u64,
    name: &'a str,
    company: &'a str,
    group: &'a str,
    seat: &'a str,
    /// Name of the ticket type.
    kind: &'a str,
    /// Ticket number.
    number: &'a str,
    /// What the door is to know.
    note: &'a str,
    /// There is a picture: `GET /api/v1/checkin/portrait` with this ticket number.
    photo: bool,
}

/// The entry that stood before.
#[derive(Serialize, ToSchema)]
struct Previous<'a> {
    /// When, in milliseconds since 1970.
    at: i64,
    /// When, as people read it.
    at_text: String,
    /// Where or by whom.
    by: &'a str,
}

/// A question to ask before the person may come in.
#[derive(Serialize, ToSchema)]
pub(super) struct Question<'a> {
    pub(super) id: u16,
    pub(super) label: &'a str,
    pub(super) help: &'a str,
    /// `text`, `choice`, `number`, `date` or `phone`.
    pub(super) kind: &'static str,
    pub(super) required: bool,
    pub(super) choices: &'a [String],
}

impl<'a> From<&'a Field> for Question<'a> {
    fn from(field: &'a Field) -> Self {
        Self {
            id: field.id,
            label: &field.label,
            help: &field.help,
            kind: field.kind.code(),
            required: field.required,
            choices: &field.choices,
        }
    }
}

/// The nearest rule that failed.
#[derive(Serialize, ToSchema)]
pub(super) struct Failed<'a> {
    /// The condition.
    #[schema(value_type = Object)]
    test: &'a Test,
    /// It in words.
    words: String,
}

/// What the door is told.
#[derive(Serialize, ToSchema)]
pub(super) struct Outcome<'a> {
    /// Number of the record in the event's log.
    scan: u64,
    /// `admitted`, `refused` or `incomplete`.
    verdict: &'static str,
    /// Why it was refused: `unknown`, `wrong_event`, `wrong_list`, `not_yet`, `too_late`, `unpaid`, `unapproved`, `canceled`,
    /// `refunded`, `blocked`, `not_collected`, `already_in`, `not_in`, `rule`, `event_full`, `ambiguous` (reserved: every code of this
    /// hall means one ticket) or `device_revoked`.
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Failed<'a>>,
    /// What the box would have refused it for, though the terminal had admitted while it was alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    conflict: Option<&'static str>,
    list: u64,
    /// `entry` or `exit`.
    direction: &'static str,
    /// When the scan counts, in milliseconds since 1970.
    at: i64,
    /// The box's clock.
    now: i64,
    person: Option<Person<'a>>,
    previous: Option<Previous<'a>>,
    questions: Vec<Question<'a>>,
    counts: Figures,
}

/// What a door is told that may not ask: an outcome where the device was shut out, an error otherwise.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code)]
pub(super) enum Barred<'a> {
    Shut(Box<Outcome<'a>>),
    Denied(super::Fault),
}

impl Scan {
    /// What is asked. `event` is checked by the one who reads it.
    pub(super) fn request(self) -> Result<Request, Failure> {
        let shown = match (self.code, self.ticket) {
            (Some(code), None) => Shown::Code(code),
            (None, Some(ticket)) => Shown::Ticket(TicketId(ticket)),
            (Some(_), Some(_)) | (None, None) => {
                return Err(domain::Refusal::invalid(vec![problem!("code", "Give either a code or a ticket.")]).into());
            }
        };
        // Some ways are for the box itself to claim.
        let way = match self.way {
            Way::Mark | Way::Own | Way::Attached => Way::Program,
            other => other,
        };
        Ok(Request {
            shown,
            list: self.list.map(ListId),
            direction: self.direction,
            way,
            scanned_at: self.scanned_at.map(Time),
            nonce: self.nonce,
            force: self.force,
            answers: self.answers,
        })
    }
}

/// The answer as it goes out; `actor` is asked for names only where a rule failed.
pub(super) fn outcome<'a>(
    hall: &Hall,
    (space, headers): (SpaceId, &HeaderMap),
    asked: Option<(&Actor, EventId)>,
    answer: &'a Answer,
) -> Result<Outcome<'a>, Failure> {
    let person = answer.person.as_ref().map(|card| Person {
        ticket: card.holder.pass.ticket.0,
        name: &card.holder.name,
        company: &card.holder.company,
        group: &card.group,
        seat: &card.holder.seat,
        kind: &card.kind,
        number: &card.holder.number,
        note: &card.holder.door_note,
        photo: card.holder.pictured,
    });
    let previous = answer.previous.as_ref().map(|before| Previous {
        at: before.at.0,
        at_text: Visit::format_of(hall, space, headers).clock_seconds(before.at),
        by: &before.by,
    });
    let rule = match answer.failed.as_ref().zip(asked) {
        Some((test, (actor, event))) => {
            let names = Names::of(hall, headers, actor, event)?;
            Some(Failed { test, words: names.test(test) })
        }
        None => None,
    };
    Ok(Outcome {
        scan: answer.scan.0,
        verdict: answer.verdict.code(),
        reason: answer.verdict.reason().map(domain::checkin::Reason::code),
        rule,
        conflict: answer.conflict.map(domain::checkin::Reason::code),
        list: answer.list.0,
        direction: answer.direction.code(),
        at: answer.at.0,
        now: hall.ctx.now().0,
        person,
        previous,
        questions: answer.questions.iter().map(Question::from).collect(),
        counts: answer.counts.into(),
    })
}

/// One scan: may this ticket pass here now? A member of staff names the event; a terminal has its own.
#[utoipa::path(
    post, path = REDEEM, tag = "checkin", request_body = Scan,
    responses(
        (status = 200, description = "What the door is told; the scan is recorded.", body = Outcome),
        (status = 403, description = "The device was shut out, and the scan is recorded as refused; or it is not allowed.", body = Barred),
        (status = 401, description = "No token, or one that nobody knows.", body = super::Fault),
        (status = 422, description = "The request cannot be taken as it is; nothing is recorded.", body = super::Fault),
    ),
    security(("device" = []), ("staff" = []), ("client" = ["checkin.scan"]))
)]
pub(super) async fn redeem(
    hall: &Hall,
    space: SpaceId,
    (headers, client): (&HeaderMap, Option<Arc<Actor>>),
    body: &[u8],
) -> Result<Response, Failure> {
    let scanner = match client {
        Some(actor) => Scanner::Staff(actor),
        None => Scanner::of(hall, space, headers)?,
    };
    let scan: Scan = read(body)?;
    let named = scan.event;
    if let Scanner::Revoked(device, event) = scanner {
        let refused = checkin::refuse_revoked(&hall.ctx, space, device, event, vec![scan.request()?]).await?;
        let refused = refused.into_iter().next().ok_or_else(|| Error::Internal("a scan has no answer".into()))??;
        return json(StatusCode::FORBIDDEN, &outcome(hall, (space, headers), None, &refused)?);
    }
    if let Scanner::Device(actor) = &scanner
        && let Who::Device { event, .. } = actor.who
        && named.is_some_and(|named| named != event.0)
    {
        checkin::refuse_foreign(&hall.ctx, actor, event, scan.request()?).await?;
        return Err(domain::Refusal::denied().into());
    }
    let asker = Asker::of(scanner, named)?;
    let answer = checkin::redeem(&hall.ctx, &asker.actor, asker.event, scan.request()?).await?;
    json(StatusCode::OK, &outcome(hall, (space, headers), Some((&asker.actor, asker.event)), &answer)?)
}

/// About how long an answer is, so that it is written without growing.
const ANSWER: usize = 640;

fn json(status: StatusCode, outcome: &Outcome<'_>) -> Result<Response, Failure> {
    let mut body = Vec::with_capacity(ANSWER);
    serde_json::to_writer(&mut body, outcome).map_err(|error| Error::internal("writing an answer", error))?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Reads a JSON body.
pub(super) fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
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

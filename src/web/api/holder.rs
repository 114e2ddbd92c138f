//! What the holder of a ticket does beside showing it: checking in alone by a scanned code, choosing messages, the picture on posters and badges,
//! certificates; and checking a certificate, which anybody may.

use super::{
    checkin::Question,
    event::EventCard,
    input::{Named, Sent},
    order::{Given, answers},
};
use crate::{
    Hall,
    answer::Failure,
    audience::Visit,
    fields::{Fields, Query},
    space::In,
};
use axum::{Json, extract::State, http::StatusCode};
use domain::{
    Refusal, SpaceId,
    certificate::{CertificateState, grouped},
    checkin::{Direction, Reason},
    message::ChoiceInput,
    problem,
};
use serde::{Deserialize, Serialize};
use service::{certificate, checkin::own, message::choice, portrait};
use utoipa::ToSchema;

/// Where a code at the entrance leads.
#[derive(Serialize, ToSchema)]
pub(super) struct DoorBody {
    event: EventCard,
    /// Name of the check-in list; empty for the main one that nobody named.
    list: String,
    /// `entry` or `exit`.
    direction: &'static str,
    /// Stands in for the code for ten minutes.
    pass: String,
    /// What must be answered.
    questions: Vec<DoorAsk>,
}

/// A question at the entrance.
#[derive(Serialize, ToSchema)]
struct DoorAsk {
    id: u16,
    label: String,
    help: String,
    kind: &'static str,
    required: bool,
    choices: Vec<String>,
}

impl From<Question<'_>> for DoorAsk {
    fn from(of: Question<'_>) -> Self {
        Self {
            id: of.id,
            label: of.label.to_owned(),
            help: of.help.to_owned(),
            kind: of.kind,
            required: of.required,
            choices: of.choices.to_vec(),
        }
    }
}

/// Looks at a code that somebody scanned at the entrance.
#[utoipa::path(
    get, path = "/api/v1/in", tag = "ticket", params(("code" = String, Query)), responses((status = 200, body = DoorBody))
)]
pub(super) async fn look(State(hall): State<Hall>, visit: Visit, query: Query) -> Result<Json<DoorBody>, Failure> {
    let door = own::look(&hall.ctx, visit.space, query.0.get("code"))?;
    let asked = if door.direction == Direction::Entry { door.list.questions.as_slice() } else { &[] };
    Ok(Json(DoorBody {
        event: EventCard::of(&visit.base, &door.event),
        list: door.list.name.clone(),
        direction: door.direction.code(),
        questions: asked.iter().map(|field| Question::from(field).into()).collect(),
        pass: door.pass,
    }))
}

/// Somebody who checks in alone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PassForm {
    /// What looking at the code answered.
    pass: String,
    /// Link of the ticket.
    ticket: String,
    /// 1 to 64 characters, a new one for each attempt: the same always gets the same answer.
    nonce: String,
    #[serde(default)]
    answers: Vec<Given>,
}

/// What the door says to somebody who checks in alone.
#[derive(Serialize, ToSchema)]
pub(super) struct PassBody {
    /// `admitted`, `refused` or `incomplete`.
    verdict: &'static str,
    /// Why it was refused, as for `/checkin/redeem`.
    #[schema(required)]
    reason: Option<&'static str>,
    /// In the asker's language; empty when there is none.
    reason_text: String,
    direction: &'static str,
    at: i64,
    name: String,
    kind: String,
    group: String,
    seat: String,
    /// What must be answered first.
    questions: Vec<DoorAsk>,
}

/// Checks in, or out, alone.
#[utoipa::path(
    post, path = "/api/v1/in", tag = "ticket", request_body = PassForm, responses((status = 200, body = PassBody))
)]
pub(super) async fn pass(
    State(hall): State<Hall>,
    visit: Visit,
    Sent(form): Sent<PassForm>,
) -> Result<Json<PassBody>, Failure> {
    if !(1..=64).contains(&form.nonce.chars().count()) {
        return Err(Refusal::invalid(vec![problem!("nonce", "At most {max} characters.", max = 64)]).into());
    }
    let given = answers(form.answers);
    let said = own::check_in(&hall.ctx, visit.space, &form.pass, &form.ticket, &form.nonce, given).await?;
    let reason = said.verdict.reason();
    let card = said.person.as_ref();
    Ok(Json(PassBody {
        verdict: said.verdict.code(),
        reason: reason.map(Reason::code),
        reason_text: reason.map_or(String::new(), |reason| visit.text().t(reason.label()).to_owned()),
        direction: said.direction.code(),
        at: said.at.0,
        name: card.map_or(String::new(), |card| card.holder.name.clone()),
        kind: card.map_or(String::new(), |card| card.kind.to_string()),
        group: card.map_or(String::new(), |card| card.group.to_string()),
        seat: card.map_or(String::new(), |card| card.holder.seat.clone()),
        questions: said.questions.iter().map(|field| Question::from(field).into()).collect(),
    }))
}

/// A way to reach somebody.
#[derive(Serialize, ToSchema)]
struct WayRow {
    /// Such as `sms`, `mail` or `wechat.subscribe`.
    code: String,
    wanted: bool,
}

/// What the holder of a ticket wants to get.
#[derive(Serialize, ToSchema)]
pub(super) struct ChoiceBody {
    /// The ways that the association uses, in its order.
    ways: Vec<WayRow>,
    /// The way that is tried first; empty: as the association has it.
    first: String,
    /// Reminders are wanted.
    reminder: bool,
    /// What goes to many is wanted.
    news: bool,
    /// Mail address; empty: as given with the registration.
    mail: String,
    /// Language of messages: `zh-CN` or `en`.
    lang: String,
    /// The address that was given with the registration.
    #[schema(required)]
    given_mail: Option<String>,
    /// The ticket's number with its middle left out.
    #[schema(required)]
    phone: Option<String>,
}

fn choices(hall: &Hall, space: SpaceId, link: &str) -> Result<Json<ChoiceBody>, Failure> {
    let of = choice::get(&hall.ctx, space, link)?;
    let row = |way: &String| WayRow { code: way.clone(), wanted: !of.choice.off.contains(way) };
    Ok(Json(ChoiceBody {
        ways: of.ways.iter().map(row).collect(),
        first: of.choice.first.clone(),
        reminder: !of.choice.no_reminder,
        news: !of.choice.no_news,
        mail: of.choice.mail.clone(),
        lang: of.lang.clone(),
        given_mail: of.given.clone(),
        phone: of.phone.clone(),
    }))
}

/// Which messages the holder of a ticket wants, and how.
#[utoipa::path(
    get, path = "/api/v1/tickets/{link}/messages", tag = "ticket", params(("link" = String, Path)),
    responses((status = 200, body = ChoiceBody))
)]
pub(super) async fn messages(
    State(hall): State<Hall>,
    In(space): In,
    Named(link): Named<String>,
) -> Result<Json<ChoiceBody>, Failure> {
    choices(&hall, space, &link)
}

/// What somebody wants to get.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChoiceForm {
    /// Codes of the ways that are wanted; the others are not.
    ways: Vec<String>,
    #[serde(default)]
    first: String,
    reminder: bool,
    news: bool,
    #[serde(default)]
    mail: String,
    /// Language of messages; empty: as it is.
    #[serde(default)]
    lang: String,
}

/// Chooses messages.
#[utoipa::path(
    put, path = "/api/v1/tickets/{link}/messages", tag = "ticket", request_body = ChoiceForm,
    params(("link" = String, Path)), responses((status = 200, body = ChoiceBody))
)]
pub(super) async fn choose_messages(
    State(hall): State<Hall>,
    In(space): In,
    Named(link): Named<String>,
    Sent(form): Sent<ChoiceForm>,
) -> Result<Json<ChoiceBody>, Failure> {
    let ChoiceForm { ways, first, reminder, news, mail, lang } = form;
    let shown = choice::get(&hall.ctx, space, &link)?.ways;
    let input = ChoiceInput { wanted: ways, shown, first, reminder, news, mail, lang };
    choice::save(&hall.ctx, space, &link, &input).await?;
    choices(&hall, space, &link)
}

/// A picture: the part `picture`.
#[derive(ToSchema)]
#[allow(dead_code)]
pub(super) struct PictureForm {
    #[schema(value_type = String, format = Binary)]
    picture: Vec<u8>,
}

/// Gives the holder's picture, for posters and badges; it stands at `/ticket/{link}/portrait` then.
#[utoipa::path(
    post, path = "/api/v1/tickets/{link}/portrait", tag = "ticket",
    request_body(content = PictureForm, content_type = "multipart/form-data"), params(("link" = String, Path)),
    responses((status = 204, description = "Kept."))
)]
pub(super) async fn set_portrait(
    State(hall): State<Hall>,
    In(space): In,
    Named(link): Named<String>,
    fields: Fields,
) -> Result<StatusCode, Failure> {
    let missing = || Refusal::invalid(vec![problem!("picture", "This field is required.")]);
    let bytes = fields.file("picture").ok_or_else(missing)?.bytes.to_vec();
    portrait::upload(&hall.ctx, space, &link, bytes).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the holder's picture away.
#[utoipa::path(
    delete, path = "/api/v1/tickets/{link}/portrait", tag = "ticket", params(("link" = String, Path)),
    responses((status = 204, description = "Done."))
)]
pub(super) async fn drop_portrait(
    State(hall): State<Hall>,
    In(space): In,
    Named(link): Named<String>,
) -> Result<StatusCode, Failure> {
    portrait::remove(&hall.ctx, space, &link).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A certificate of the holder.
#[derive(Serialize, ToSchema)]
pub(super) struct CertificateRow {
    /// Number that proves it.
    number: String,
    /// What people call it by.
    serial: String,
    name: String,
    issued: i64,
    /// Address of its picture.
    picture: String,
    /// Address of the page on which anybody checks it.
    url: String,
}

/// The valid certificates of a ticket.
#[utoipa::path(
    get, path = "/api/v1/tickets/{link}/certificates", tag = "ticket", params(("link" = String, Path)),
    responses((status = 200, body = Vec<CertificateRow>))
)]
pub(super) async fn certificates(
    State(hall): State<Hall>,
    visit: Visit,
    Named(link): Named<String>,
) -> Result<Json<Vec<CertificateRow>>, Failure> {
    let base = &visit.base;
    let row = |of: domain::Certificate| CertificateRow {
        picture: format!("{base}/ticket/{link}/certificate/{}/picture.png", of.id),
        url: format!("{base}/certificate/{}", grouped(&of.number)),
        number: of.number,
        serial: of.serial,
        name: of.name,
        issued: of.issued_at.0,
    };
    Ok(Json(certificate::of_link(&hall.ctx, visit.space, &link)?.into_iter().map(row).collect()))
}

/// A certificate as anybody may see it.
#[derive(Serialize, ToSchema)]
pub(super) struct CertificateBody {
    serial: String,
    event: EventCard,
    /// As strangers may see it.
    name: String,
    issued: i64,
    /// `valid`, `revoked` or `replaced`.
    state: &'static str,
    /// Why it was taken back.
    reason: String,
    /// Serial of the one that replaced it.
    #[schema(required)]
    replaced_by: Option<String>,
}

/// Checks a certificate by its number.
#[utoipa::path(
    get, path = "/api/v1/certificates/{number}", tag = "ticket", params(("number" = String, Path)),
    responses((status = 200, body = CertificateBody))
)]
pub(super) async fn check(
    State(hall): State<Hall>,
    visit: Visit,
    Named(number): Named<String>,
) -> Result<Json<CertificateBody>, Failure> {
    let of = certificate::check(&hall.ctx, visit.space, &number)?;
    let (state, reason) = match &of.certificate.state {
        CertificateState::Valid => ("valid", String::new()),
        CertificateState::Revoked(_, reason) => ("revoked", reason.clone()),
        CertificateState::Replaced(..) => ("replaced", String::new()),
    };
    Ok(Json(CertificateBody {
        serial: of.certificate.serial,
        event: EventCard::of(&visit.base, &of.event),
        name: of.name,
        issued: of.certificate.issued_at.0,
        state,
        reason,
        replaced_by: of.replaced_by,
    }))
}

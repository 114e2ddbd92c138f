//! Tickets by their link: whoever has it holds the ticket. Collecting by code, passing on, talks, feedback, draws, becoming a helper.

use super::{
    door::Token,
    event::{Ask, EventCard, TalkRow, markdown},
    input::{Named, Sent},
    order::{Given, answers},
};
use crate::{
    Hall,
    answer::Failure,
    audience::{Caller, Visit},
    space::In,
};
use axum::{Json, extract::State, http::StatusCode};
use domain::{SpaceId, TalkId, ticket::TicketInput};
use serde::{Deserialize, Serialize};
use service::{device, event_view, feedback, identity, order, poster, registration, talk};
use utoipa::ToSchema;

/// A draw that the ticket is in.
#[derive(Serialize, ToSchema)]
struct DrawRow {
    id: u64,
    name: String,
    /// How many prizes it won there.
    won: usize,
    /// Address of the draw's page.
    url: String,
}

/// A ticket.
#[derive(Serialize, ToSchema)]
pub(super) struct TicketBody {
    /// Whoever has it holds the ticket.
    link: String,
    /// What the door scans; show it as a QR code.
    number: String,
    /// With the phone number it finds the ticket.
    attend: String,
    event: EventCard,
    name: String,
    company: String,
    kind: String,
    group: String,
    /// Empty while the event does not show it.
    seat: String,
    /// `active`, `canceled`, `unapproved`, `unpaid`, `refunded` or `blocked`.
    state: &'static str,
    /// The state in the asker's language.
    state_text: String,
    /// When the holder came in first.
    #[schema(required)]
    checked_in: Option<i64>,
    /// Link of the order it came with.
    #[schema(required)]
    order: Option<String>,
    may_transfer: bool,
    /// Talks can be chosen.
    talks: bool,
    /// `open` when feedback can be given, `given` when it was.
    #[schema(required)]
    feedback: Option<&'static str>,
    /// Lucky number, where a draw shows it.
    #[schema(required)]
    lucky: Option<String>,
    draws: Vec<DrawRow>,
    /// The holder can become a helper at the door.
    helper: bool,
    /// Address of the calendar file.
    calendar: String,
    /// Address of the holder's own poster to share.
    #[schema(required)]
    poster: Option<String>,
}

fn body(hall: &Hall, visit: &Visit, link: String) -> Result<TicketBody, Failure> {
    let ctx = &hall.ctx;
    let of = registration::by_link(ctx, visit.space, &link)?;
    let (lucky, draws) = service::draw::numbers_of(ctx, visit.space, of.ticket.event, of.ticket.id)?;
    let entered = of.standing.first();
    let shows_seat = event_view::get(ctx, &visit.visitor(), of.event.id)?.shows_seat(entered.is_some());
    let draw = |(draw, won): (domain::Draw, usize)| DrawRow {
        id: draw.id.0,
        url: format!("{}/draw/{}", visit.base, draw.id),
        name: draw.name,
        won,
    };
    let talks = talk::page(ctx, visit.space, &link)?.open && of.ticket.state == domain::TicketState::Active;
    let feedback = feedback::offered(ctx, visit.space, &of.ticket)?.map(|given| if given { "given" } else { "open" });
    let calendar = format!("{}/ticket/{link}/calendar.ics", visit.base);
    let poster = poster::is_shared(ctx, visit.space, of.event.id)?;
    let poster = poster.then(|| format!("{}/ticket/{link}/poster.png", visit.base));
    Ok(TicketBody {
        link,
        number: of.ticket.number.clone(),
        attend: of.ticket.attend.clone(),
        event: EventCard::of(&visit.base, &of.event),
        name: of.ticket.name.clone(),
        company: of.ticket.company.clone(),
        kind: of.kind.name,
        group: of.group.unwrap_or_default(),
        seat: if shows_seat { of.ticket.seat.clone() } else { String::new() },
        state: of.ticket.state.code(),
        state_text: visit.text().t(of.ticket.state.label()).to_owned(),
        checked_in: entered.map(|entry| entry.at.0),
        order: of.order,
        may_transfer: of.may_transfer,
        talks,
        feedback,
        lucky,
        draws: draws.into_iter().map(draw).collect(),
        helper: device::helper_of(ctx, visit.space, &of.ticket)?.is_some(),
        calendar,
        poster,
    })
}

/// A ticket by its link.
#[utoipa::path(
    get, path = "/api/v1/tickets/{link}", tag = "ticket", params(("link" = String, Path)),
    responses((status = 200, body = TicketBody))
)]
pub(super) async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    Named(link): Named<String>,
) -> Result<Json<TicketBody>, Failure> {
    Ok(Json(body(&hall, &visit, link)?))
}

/// Phone number and attend code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Collect {
    phone: String,
    /// Eight digits.
    attend: String,
}

/// Finds a ticket by phone number and attend code; it is collected by that, and the logged-in person's own.
#[utoipa::path(
    post, path = "/api/v1/tickets/collect", tag = "ticket", request_body = Collect,
    responses((status = 200, body = TicketBody))
)]
pub(super) async fn collect(
    State(hall): State<Hall>,
    visit: Visit,
    Caller(actor): Caller,
    Sent(typed): Sent<Collect>,
) -> Result<Json<TicketBody>, Failure> {
    let link = registration::find(&hall.ctx, &actor, &typed.phone, &typed.attend, &visit.origin.address).await?;
    if actor.person().is_some() {
        identity::remember(&hall.ctx, &actor, &link).await?;
    }
    Ok(Json(body(&hall, &visit, link)?))
}

/// Whom a ticket is passed on to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewHolder {
    name: String,
    phone: String,
    #[serde(default)]
    company: String,
    #[serde(default)]
    answers: Vec<Given>,
}

/// A new link.
#[derive(Serialize, ToSchema)]
pub(super) struct Link {
    /// Send it to the new holder; the old one opens nothing any more.
    link: String,
}

/// Passes a ticket on.
#[utoipa::path(
    post, path = "/api/v1/tickets/{link}/transfer", tag = "ticket", request_body = NewHolder,
    params(("link" = String, Path)), responses((status = 200, body = Link))
)]
pub(super) async fn transfer(
    State(hall): State<Hall>,
    Caller(actor): Caller,
    Named(link): Named<String>,
    Sent(to): Sent<NewHolder>,
) -> Result<Json<Link>, Failure> {
    let input = TicketInput {
        name: to.name,
        phone: to.phone,
        company: to.company,
        answers: answers(to.answers),
        ..TicketInput::default()
    };
    let link = order::transfer(&hall.ctx, &actor, &link, &input).await?;
    Ok(Json(Link { link }))
}

/// The agenda as the holder of a ticket sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct TalksBody {
    /// Whether people choose now.
    open: bool,
    talks: Vec<TalkRow>,
    /// What the holder chose.
    chosen: Vec<u64>,
}

fn talks_body(hall: &Hall, space: SpaceId, link: &str) -> Result<Json<TalksBody>, Failure> {
    let of = talk::page(&hall.ctx, space, link)?;
    let talks = of.rows.into_iter().map(TalkRow::from).collect();
    Ok(Json(TalksBody { open: of.open, talks, chosen: of.chosen.into_iter().map(|id| id.0).collect() }))
}

/// The agenda, and what the holder chose.
#[utoipa::path(
    get, path = "/api/v1/tickets/{link}/talks", tag = "ticket", params(("link" = String, Path)),
    responses((status = 200, body = TalksBody))
)]
pub(super) async fn talks(
    State(hall): State<Hall>,
    In(space): In,
    Named(link): Named<String>,
) -> Result<Json<TalksBody>, Failure> {
    talks_body(&hall, space, &link)
}

/// The talks that are wanted, instead of those chosen before.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    talks: Vec<u64>,
}

/// Chooses talks.
#[utoipa::path(
    put, path = "/api/v1/tickets/{link}/talks", tag = "ticket", request_body = Chosen, params(("link" = String, Path)),
    responses((status = 200, body = TalksBody))
)]
pub(super) async fn choose(
    State(hall): State<Hall>,
    Caller(actor): Caller,
    Named(link): Named<String>,
    Sent(chosen): Sent<Chosen>,
) -> Result<Json<TalksBody>, Failure> {
    talk::choose(&hall.ctx, &actor, &link, chosen.talks.into_iter().map(TalkId).collect()).await?;
    talks_body(&hall, actor.space, &link)
}

/// The feedback form.
#[derive(Serialize, ToSchema)]
pub(super) struct FeedbackBody {
    intro: String,
    /// Nobody learns who answered what.
    anonymous: bool,
    /// It was answered already.
    given: bool,
    questions: Vec<FeedbackAsk>,
}

/// A question of the feedback form.
#[derive(Serialize, ToSchema)]
struct FeedbackAsk {
    #[serde(flatten)]
    ask: Ask,
    /// One to five stars.
    rating: bool,
}

/// The feedback form of a ticket's event.
#[utoipa::path(
    get, path = "/api/v1/tickets/{link}/feedback", tag = "ticket", params(("link" = String, Path)),
    responses((status = 200, body = FeedbackBody))
)]
pub(super) async fn form(
    State(hall): State<Hall>,
    In(space): In,
    Named(link): Named<String>,
) -> Result<Json<FeedbackBody>, Failure> {
    let of = feedback::page(&hall.ctx, space, &link)?;
    let ask = |question: &domain::feedback::FeedbackQuestion| FeedbackAsk {
        ask: Ask::of(&question.field, |_, _| None),
        rating: question.rating,
    };
    Ok(Json(FeedbackBody {
        intro: markdown(&of.form.intro),
        anonymous: of.form.anonymous,
        given: of.given,
        questions: of.form.questions.iter().map(ask).collect(),
    }))
}

/// Answers to the feedback form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedbackForm {
    answers: Vec<Given>,
}

/// Gives feedback, once.
#[utoipa::path(
    post, path = "/api/v1/tickets/{link}/feedback", tag = "ticket", request_body = FeedbackForm,
    params(("link" = String, Path)), responses((status = 204, description = "Kept."))
)]
pub(super) async fn give(
    State(hall): State<Hall>,
    Caller(actor): Caller,
    Named(link): Named<String>,
    Sent(form): Sent<FeedbackForm>,
) -> Result<StatusCode, Failure> {
    feedback::answer(&hall.ctx, &actor, &link, answers(form.answers)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes the holder's phone a helper's at the door, when the secretariat named its phone number. The token is for `/checkin` and `/helper`.
#[utoipa::path(
    post, path = "/api/v1/tickets/{link}/helper", tag = "ticket", params(("link" = String, Path)),
    responses((status = 200, body = Token))
)]
pub(super) async fn help(
    State(hall): State<Hall>,
    In(space): In,
    Named(link): Named<String>,
) -> Result<Json<Token>, Failure> {
    let token = device::bind(&hall.ctx, space, &link).await?;
    super::door::token(&hall, space, token)
}

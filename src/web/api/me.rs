//! What is the logged-in person's own: profile, tickets, orders, prizes, notices.

use super::{
    event::EventCard,
    input::{Cut, Page, Run, Sent},
    session,
};
use crate::{
    Hall,
    answer::Failure,
    audience::{Member, Visit},
};
use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use service::{
    identity::{self, OwnOrder, OwnTicket},
    token,
};
use utoipa::ToSchema;

/// The logged-in person.
#[derive(Serialize, ToSchema)]
pub(super) struct Profile {
    id: u64,
    name: String,
    company: String,
    /// As people of its country write it.
    #[schema(required)]
    phone: Option<String>,
    /// The phone number was proved by a code; tickets that were registered with it are the person's.
    phone_proved: bool,
    #[schema(required)]
    email: Option<String>,
    /// WeChat knows the person.
    wechat: bool,
    /// `zh-CN` or `en`: what messages are written in, and answers to a client that sends no `Accept-Language`.
    language: String,
}

fn profile(hall: &Hall, actor: &service::Actor) -> Result<Json<Profile>, Failure> {
    let of = identity::profile(&hall.ctx, actor)?;
    Ok(Json(Profile {
        id: of.person.id.0,
        name: of.person.name,
        company: of.person.company,
        phone: of.person.phone.as_deref().map(domain::phone::local),
        phone_proved: of.phone_proved,
        email: of.email,
        wechat: of.wechat,
        language: of.language,
    }))
}

/// Who is logged in.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "me", responses((status = 200, body = Profile)), security(("session" = []))
)]
pub(super) async fn show(State(hall): State<Hall>, Member(actor): Member) -> Result<Json<Profile>, Failure> {
    identity::used(&hall.ctx, &actor).await?;
    profile(&hall, &actor)
}

/// What a person may change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileForm {
    name: String,
    #[serde(default)]
    company: String,
    /// `zh-CN` or `en`; left out, it stays.
    language: Option<String>,
}

/// Changes name, company and language.
#[utoipa::path(
    put, path = "/api/v1/me", tag = "me", request_body = ProfileForm, responses((status = 200, body = Profile)),
    security(("session" = []))
)]
pub(super) async fn save(
    State(hall): State<Hall>,
    Member(actor): Member,
    Sent(form): Sent<ProfileForm>,
) -> Result<Json<Profile>, Failure> {
    let input = identity::ProfileInput { name: form.name, company: form.company, language: form.language };
    identity::save_profile(&hall.ctx, &actor, &input).await?;
    profile(&hall, &actor)
}

/// What proves one thing more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProofForm {
    /// `sms` or `email` with the code that was sent to `to`; `wechat` with the code of `wx.login`; `wechat_phone` with the code of the phone button.
    channel: String,
    #[serde(default)]
    to: String,
    code: String,
}

/// Adds a phone number, an e-mail address or WeChat to the person. A number that was registered with before makes both records one person.
#[utoipa::path(
    post, path = "/api/v1/me/identities", tag = "me", request_body = ProofForm, responses((status = 200, body = Profile)),
    security(("session" = []))
)]
pub(super) async fn attach(
    State(hall): State<Hall>,
    visit: Visit,
    headers: axum::http::HeaderMap,
    Member(actor): Member,
    Sent(form): Sent<ProofForm>,
) -> Result<Json<Profile>, Failure> {
    match form.channel.as_str() {
        "wechat" => identity::attach_mini(&hall.ctx, &actor, &form.code, &visit.origin.address).await?,
        "wechat_phone" => identity::attach_phone(&hall.ctx, &actor, &form.code).await?,
        channel => {
            let proof = session::proof(&hall, &visit, &actor, (channel, &form.to, &form.code)).await?;
            identity::attach(&hall.ctx, &actor, proof).await?
        }
    };
    // Two records may have become one: the session is the other's then.
    let Member(now) = Member::of(&hall, visit.space, &headers)?;
    profile(&hall, &now)
}

/// A ticket of the person.
#[derive(Serialize, ToSchema)]
pub(super) struct TicketRow {
    link: String,
    event: EventCard,
    name: String,
    kind: String,
    number: String,
    /// `active`, `canceled`, `unapproved`, `unpaid`, `refunded` or `blocked`.
    state: &'static str,
    #[schema(required)]
    checked_in: Option<i64>,
}

/// The person's tickets, the latest event in front: those of the proved phone number, and those ordered or collected while logged in.
#[utoipa::path(
    get, path = "/api/v1/me/tickets", tag = "me",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, body = Page<TicketRow>)), security(("session" = []))
)]
pub(super) async fn tickets(
    State(hall): State<Hall>,
    visit: Visit,
    Member(actor): Member,
    cut: Cut,
) -> Result<Json<Page<TicketRow>>, Failure> {
    let rows = identity::tickets(&hall.ctx, &actor)?;
    let row = |own: &OwnTicket| TicketRow {
        link: token::link(&own.ticket.link),
        event: EventCard::of(&visit.base, &own.event),
        name: own.ticket.name.clone(),
        kind: own.kind.clone(),
        number: own.ticket.number.clone(),
        state: own.ticket.state.code(),
        checked_in: own.standing.first().map(|entry| entry.at.0),
    };
    Ok(Json(cut.of(rows, Run::Down, |own| (own.event.time.from.0, own.ticket.id.0), row)))
}

/// An order of the person.
#[derive(Serialize, ToSchema)]
pub(super) struct OrderRow {
    link: String,
    number: String,
    event: EventCard,
    state: &'static str,
    /// In fen.
    total: i64,
    due: i64,
    created: i64,
}

/// The person's orders, the newest in front.
#[utoipa::path(
    get, path = "/api/v1/me/orders", tag = "me",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, body = Page<OrderRow>)), security(("session" = []))
)]
pub(super) async fn orders(
    State(hall): State<Hall>,
    visit: Visit,
    Member(actor): Member,
    cut: Cut,
) -> Result<Json<Page<OrderRow>>, Failure> {
    let row = |own: &OwnOrder| OrderRow {
        link: token::link(&own.order.link),
        number: own.order.number.clone(),
        event: EventCard::of(&visit.base, &own.event),
        state: own.order.state.code(),
        total: own.order.sums().total,
        due: own.order.sums().due(),
        created: own.order.created_at.0,
    };
    let rows = identity::orders(&hall.ctx, &actor)?;
    Ok(Json(cut.of(rows, Run::Down, |own| (own.order.created_at.0, own.order.id.0), row)))
}

/// A prize.
#[derive(Serialize, ToSchema)]
pub(super) struct PrizeRow {
    event: String,
    draw: String,
    level: String,
    prize: String,
    /// The number that won.
    lucky: String,
    at: i64,
    /// Link of the ticket that won.
    ticket: String,
}

/// What the person won.
#[utoipa::path(
    get, path = "/api/v1/me/prizes", tag = "me", responses((status = 200, body = Vec<PrizeRow>)), security(("session" = []))
)]
pub(super) async fn prizes(State(hall): State<Hall>, Member(actor): Member) -> Result<Json<Vec<PrizeRow>>, Failure> {
    let row = |own: identity::OwnPrize| PrizeRow {
        event: own.event,
        draw: own.draw,
        level: own.won.level,
        prize: own.won.prize,
        lucky: own.won.win.lucky,
        at: own.won.win.at.0,
        ticket: own.ticket,
    };
    Ok(Json(identity::prizes(&hall.ctx, &actor)?.into_iter().map(row).collect()))
}

/// A notice.
#[derive(Serialize, ToSchema)]
pub(super) struct NoticeRow {
    id: u64,
    /// Occasion, such as `order_completed` or `reminder`.
    purpose: &'static str,
    /// In the asker's language.
    text: String,
    event: u64,
    at: i64,
}

/// What was said to the person, the newest in front.
#[utoipa::path(
    get, path = "/api/v1/me/notices", tag = "me",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query, minimum = 1, maximum = 200)),
    responses((status = 200, body = Page<NoticeRow>)), security(("session" = []))
)]
pub(super) async fn notices(
    State(hall): State<Hall>,
    visit: Visit,
    Member(actor): Member,
    cut: Cut,
) -> Result<Json<Page<NoticeRow>>, Failure> {
    let shell = visit.shell();
    let row = |notice: &domain::Notice| NoticeRow {
        id: notice.id.0,
        purpose: notice.purpose.code(),
        text: views::phone::order::words(&shell, notice),
        event: notice.about.event().unwrap_or_default().0,
        at: notice.created_at.0,
    };
    let rows = identity::notices(&hall.ctx, &actor)?;
    Ok(Json(cut.of(rows, Run::Down, |notice| (notice.created_at.0, notice.id.0), row)))
}

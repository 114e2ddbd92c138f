//! Logging in, and the sessions of a person's devices (S1-10, S1-11).

use super::input::{Named, Sent};
use crate::{
    Hall,
    answer::Failure,
    audience::{Member, Visit},
};
use axum::{Json, extract::State, http::StatusCode};
use domain::{Refusal, problem};
use serde::{Deserialize, Serialize};
use service::{
    Actor,
    identity::{self, Channel, Proof, Target, Words},
};
use utoipa::ToSchema;

/// Where a code is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeForm {
    /// `sms` or `email`.
    channel: String,
    /// Mobile number or e-mail address.
    to: String,
}

/// How a sent code works.
#[derive(Serialize, ToSchema)]
pub(super) struct CodeSent {
    /// Seconds until another one may be asked for.
    wait: i64,
    /// Seconds that it works.
    expires: i64,
}

/// Where a code goes, as it was typed.
pub fn target(channel: &str, to: &str) -> Result<Target, Refusal> {
    let unknown = || Refusal::invalid(vec![problem!("channel", "Choose one of the given answers.")]);
    Target::read(Channel::parse(channel).ok_or_else(unknown)?, to)
}

/// What an e-mail with a code says.
pub fn words(visit: &Visit) -> Words {
    let text = visit.text();
    let args: [(&str, &dyn std::fmt::Display); 2] = [("name", &visit.space_name), ("code", &"{code}")];
    Words {
        subject: text.f("Your code for {name}", &args[..1]),
        text: text.f("Your code for {name} is {code}. It works for 5 minutes. If you did not ask for it, you need not do anything.", &args),
    }
}

/// Sends a code of six digits. The answer is the same whether somebody is known there or not.
#[utoipa::path(
    post, path = "/api/v1/sessions/code", tag = "session", request_body = CodeForm,
    responses((status = 202, description = "On its way.", body = CodeSent))
)]
pub(super) async fn send(
    State(hall): State<Hall>,
    visit: Visit,
    Sent(form): Sent<CodeForm>,
) -> Result<(StatusCode, Json<CodeSent>), Failure> {
    let target = target(&form.channel, &form.to)?;
    identity::send_code(&hall.ctx, &visit.visitor(), &target, &words(&visit), &visit.origin.address).await?;
    let expires = domain::identity::CODE_MILLIS / domain::time::SECOND;
    Ok((StatusCode::ACCEPTED, Json(CodeSent { wait: 60, expires })))
}

/// What proves who logs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginForm {
    /// `sms` or `email`.
    channel: String,
    /// The number or address that a code was sent to.
    to: String,
    /// The code.
    code: String,
    /// Name of the device, for the list of sessions.
    #[serde(default)]
    device: String,
}

/// A new session.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionBody {
    /// Send it as `Authorization: Bearer …`. It is shown once.
    token: String,
    /// Number of the person.
    person: u64,
}

/// A proof by a sent code.
pub(super) async fn proof(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    (channel, to, code): (&str, &str, &str),
) -> Result<Proof, Failure> {
    Ok(identity::prove(&hall.ctx, actor, &target(channel, to)?, code, &visit.origin.address).await?)
}

/// Logs in; a new person when nobody is known by it.
#[utoipa::path(
    post, path = "/api/v1/sessions", tag = "session", request_body = LoginForm,
    responses((status = 201, body = SessionBody))
)]
pub(super) async fn begin(
    State(hall): State<Hall>,
    visit: Visit,
    Sent(form): Sent<LoginForm>,
) -> Result<(StatusCode, Json<SessionBody>), Failure> {
    let proof = proof(&hall, &visit, &visit.visitor(), (&form.channel, &form.to, &form.code)).await?;
    let (token, person) = identity::log_in(&hall.ctx, visit.space, vec![proof], &form.device, &visit.origin).await?;
    Ok((StatusCode::CREATED, Json(SessionBody { token, person: person.0 })))
}

/// What WeChat gave the mini-program.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WechatForm {
    /// What `wx.login` gave; it works once, within five minutes.
    code: String,
    /// What the phone button (`getPhoneNumber`) gave: who registered with the number is who logs in.
    #[serde(default)]
    phone_code: String,
    /// Name of the device, for the list of sessions.
    #[serde(default)]
    device: String,
}

/// Logs in by WeChat; a new person when nobody is known by it. With the number of the phone button, everything that was registered with that number is
/// the person's at once.
#[utoipa::path(
    post, path = "/api/v1/sessions/wechat", tag = "session", request_body = WechatForm,
    responses((status = 201, body = SessionBody))
)]
pub(super) async fn wechat(
    State(hall): State<Hall>,
    visit: Visit,
    Sent(form): Sent<WechatForm>,
) -> Result<(StatusCode, Json<SessionBody>), Failure> {
    let codes = (form.code.as_str(), form.phone_code.as_str());
    let (token, person) = identity::log_in_mini(&hall.ctx, visit.space, codes, &form.device, &visit.origin).await?;
    Ok((StatusCode::CREATED, Json(SessionBody { token, person: person.0 })))
}

/// A session of the person.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionRow {
    id: u64,
    device: String,
    address: String,
    created: i64,
    /// When it was used last, to the day.
    seen: i64,
    expires: i64,
    /// It is the one that asks.
    current: bool,
}

/// The person's sessions, the one used last in front.
#[utoipa::path(
    get, path = "/api/v1/sessions", tag = "session", responses((status = 200, body = Vec<SessionRow>)),
    security(("session" = []))
)]
pub(super) async fn list(State(hall): State<Hall>, Member(actor): Member) -> Result<Json<Vec<SessionRow>>, Failure> {
    let row = |(session, current): (domain::PersonSession, bool)| SessionRow {
        id: session.number(),
        device: session.device,
        address: session.address,
        created: session.created_at.0,
        seen: session.seen_at.0,
        expires: session.expires_at.0,
        current,
    };
    Ok(Json(identity::sessions(&hall.ctx, &actor)?.into_iter().map(row).collect()))
}

/// Ends a session of the person.
#[utoipa::path(
    delete, path = "/api/v1/sessions/{id}", tag = "session", params(("id" = u64, Path)),
    responses((status = 204, description = "Done.")), security(("session" = []))
)]
pub(super) async fn revoke(
    State(hall): State<Hall>,
    Member(actor): Member,
    Named(id): Named<u64>,
) -> Result<StatusCode, Failure> {
    identity::revoke(&hall.ctx, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Logs out: ends the session that asks.
#[utoipa::path(
    delete, path = "/api/v1/sessions/current", tag = "session",
    responses((status = 204, description = "Done.")), security(("session" = []))
)]
pub(super) async fn end(State(hall): State<Hall>, Member(actor): Member) -> Result<StatusCode, Failure> {
    identity::log_out(&hall.ctx, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

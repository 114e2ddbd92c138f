//! Draws for people who take part (S0-83, S0-84, S1-51, S1-52): lucky numbers, prizes, winners, tapping, the wall, joining by the code, and what
//! the record's check comes to. Who somebody is follows from the tickets of whoever is logged in, the ticket or the token of joining given along.

use super::{
    event::EventCard,
    input::{Named, Sent},
};
use crate::{
    Hall,
    answer::Failure,
    audience::{Caller, Visit},
    fields::{Fields, Query},
};
use axum::{Json, extract::State};
use domain::{DrawId, Refusal, draw::Moderation, draw::method::unhex, problem};
use serde::{Deserialize, Serialize};
use service::{Actor, draw, identity, token};
use utoipa::ToSchema;

/// The links of the tickets by which somebody is known to a draw: the one given along, and those of whoever is logged in.
fn links(hall: &Hall, actor: &Actor, id: DrawId, ticket: &str) -> Result<Vec<String>, Failure> {
    let event = draw::published(&hall.ctx, actor.space, id)?.event.id;
    let mut links: Vec<String> = Some(ticket).filter(|link| !link.is_empty()).map(str::to_owned).into_iter().collect();
    if actor.person().is_some() {
        let own = identity::tickets(&hall.ctx, actor)?;
        links.extend(own.iter().filter(|own| own.ticket.event == event).map(|own| token::link(&own.ticket.link)));
    }
    Ok(links)
}

/// Who somebody is in a draw, as [`links`] and the token of joining say.
struct Asker {
    links: Vec<String>,
    joined: String,
}

impl Asker {
    fn of(hall: &Hall, actor: &Actor, id: DrawId, (ticket, joined): (&str, &str)) -> Result<Self, Failure> {
        Ok(Self { links: links(hall, actor, id, ticket)?, joined: joined.to_owned() })
    }

    fn links(&self) -> Vec<&str> {
        self.links.iter().map(String::as_str).collect()
    }

    fn joined(&self) -> Option<&str> {
        Some(self.joined.as_str()).filter(|joined| !joined.is_empty())
    }
}

fn state(of: Moderation) -> &'static str {
    match of {
        Moderation::Waiting => "waiting",
        Moderation::Shown => "shown",
        Moderation::Hidden => "hidden",
    }
}

/// Somebody that the asker is.
#[derive(Serialize, ToSchema)]
struct Holder {
    name: String,
    /// Lucky number.
    lucky: String,
    /// Takes part, as things stand.
    takes_part: bool,
    /// What became of the picture that they gave: `waiting`, `shown` or `hidden`.
    #[schema(required)]
    face: Option<&'static str>,
}

/// A prize that was won.
#[derive(Serialize, ToSchema)]
struct WinRow {
    level: String,
    prize: String,
    /// As the hall's screen shows it; empty where a table won.
    name: String,
    lucky: String,
    #[schema(required)]
    table: Option<u32>,
    /// Assigned, not drawn.
    assigned: bool,
    at: i64,
}

fn win(draw: &domain::Draw, of: &draw::OwnWin) -> WinRow {
    let name = if of.win.who.is_none() { String::new() } else { domain::draw::masked(draw.masking, &of.win.name) };
    WinRow {
        level: of.level.clone(),
        prize: of.prize.clone(),
        name,
        lucky: of.win.lucky.clone(),
        table: of.win.table,
        assigned: of.win.assigned,
        at: of.win.at.0,
    }
}

/// A draw.
#[derive(Serialize, ToSchema)]
pub(super) struct DrawBody {
    id: u64,
    name: String,
    event: EventCard,
    /// Who the asker is.
    known: Vec<Holder>,
    /// What they won.
    wins: Vec<WinRow>,
    /// All winners.
    winners: Vec<WinRow>,
    /// Names roll: taps count.
    rolling: bool,
    /// There is a message wall.
    messages: bool,
    /// Pictures of oneself are shown.
    photos: bool,
    /// Raised by each change.
    version: u64,
}

/// A draw as somebody who takes part sees it; everybody sees the winners.
#[utoipa::path(
    get, path = "/api/v1/draws/{draw}", tag = "draw",
    params(("draw" = u64, Path), ("ticket" = Option<String>, Query, description = "Link of a ticket"), ("joined" = Option<String>, Query, description = "What joining answered")),
    responses((status = 200, body = DrawBody))
)]
pub(super) async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    Caller(actor): Caller,
    Named(id): Named<u64>,
    query: Query,
) -> Result<Json<DrawBody>, Failure> {
    let id = DrawId(id);
    let asker = Asker::of(&hall, &actor, id, (query.0.get("ticket"), query.0.get("joined")))?;
    let of = draw::mine(&hall.ctx, visit.space, id, &asker.links(), asker.joined())?;
    let holder = |of: &draw::Known| Holder {
        name: of.name.clone(),
        lucky: of.lucky.clone(),
        takes_part: of.takes_part,
        face: of.face.map(state),
    };
    Ok(Json(DrawBody {
        id: of.draw.id.0,
        event: EventCard::of(&visit.base, &of.event),
        known: of.known.iter().map(holder).collect(),
        wins: of.wins.iter().map(|one| win(&of.draw, one)).collect(),
        winners: of.winners.iter().map(|one| win(&of.draw, one)).collect(),
        rolling: of.rolling,
        messages: of.draw.messages,
        photos: of.draw.photos,
        version: of.version,
        name: of.draw.name,
    }))
}

/// A tap.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TapForm {
    /// Eight random bytes in hexadecimal digits, which go into the public value; the box's own chance when left out.
    #[serde(default)]
    value: String,
    /// Link of a ticket, where nobody is logged in.
    #[serde(default)]
    ticket: String,
    /// What joining answered.
    #[serde(default)]
    joined: String,
}

/// What became of a tap.
#[derive(Serialize, ToSchema)]
pub(super) struct Tapped {
    /// It went into the public value; there are enough otherwise.
    taken: bool,
}

/// Taps while names roll.
#[utoipa::path(
    post, path = "/api/v1/draws/{draw}/taps", tag = "draw", request_body = TapForm, params(("draw" = u64, Path)),
    responses((status = 200, body = Tapped))
)]
pub(super) async fn tap(
    State(hall): State<Hall>,
    Caller(actor): Caller,
    Named(id): Named<u64>,
    Sent(form): Sent<TapForm>,
) -> Result<Json<Tapped>, Failure> {
    let id = DrawId(id);
    let asker = Asker::of(&hall, &actor, id, (&form.ticket, &form.joined))?;
    let value = unhex(&form.value).unwrap_or_else(|| hall.ctx.random.number().to_be_bytes());
    let taken = draw::tap(&hall.ctx, actor.space, id, &asker.links(), asker.joined(), value)?;
    Ok(Json(Tapped { taken }))
}

/// A message for the wall.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageForm {
    message: String,
    /// Link of a ticket, where nobody is logged in.
    #[serde(default)]
    ticket: String,
    /// What joining answered.
    #[serde(default)]
    joined: String,
}

/// What became of something for the wall.
#[derive(Serialize, ToSchema)]
pub(super) struct Shown {
    /// `shown`, or `waiting` until somebody has looked at it.
    state: &'static str,
}

/// Writes on the wall; for people who are there.
#[utoipa::path(
    post, path = "/api/v1/draws/{draw}/messages", tag = "draw", request_body = MessageForm,
    params(("draw" = u64, Path)), responses((status = 200, body = Shown))
)]
pub(super) async fn say(
    State(hall): State<Hall>,
    Caller(actor): Caller,
    Named(id): Named<u64>,
    Sent(form): Sent<MessageForm>,
) -> Result<Json<Shown>, Failure> {
    let id = DrawId(id);
    let asker = Asker::of(&hall, &actor, id, (&form.ticket, &form.joined))?;
    let kept = draw::say(&hall.ctx, actor.space, id, &asker.links(), asker.joined(), &form.message).await?;
    Ok(Json(Shown { state: state(kept) }))
}

/// A picture of oneself: the part `face`, with `ticket` or `joined` where nobody is logged in.
#[derive(ToSchema)]
#[allow(dead_code)]
pub(super) struct FaceForm {
    #[schema(value_type = String, format = Binary)]
    face: Vec<u8>,
    ticket: Option<String>,
    joined: Option<String>,
}

/// Gives a picture of oneself, which stands beside the name on the screen.
#[utoipa::path(
    post, path = "/api/v1/draws/{draw}/face", tag = "draw",
    request_body(content = FaceForm, content_type = "multipart/form-data"), params(("draw" = u64, Path)),
    responses((status = 200, body = Shown))
)]
pub(super) async fn set_face(
    State(hall): State<Hall>,
    Caller(actor): Caller,
    Named(id): Named<u64>,
    fields: Fields,
) -> Result<Json<Shown>, Failure> {
    let id = DrawId(id);
    let asker = Asker::of(&hall, &actor, id, (fields.get("ticket"), fields.get("joined")))?;
    let missing = || Refusal::invalid(vec![problem!("face", "This field is required.")]);
    let bytes = fields.file("face").ok_or_else(missing)?.bytes.to_vec();
    let kept = draw::set_face(&hall.ctx, actor.space, id, &asker.links(), asker.joined(), bytes).await?;
    Ok(Json(Shown { state: state(kept) }))
}

/// What a code for joining leads to.
#[derive(Serialize, ToSchema)]
pub(super) struct JoinBody {
    draw: u64,
    name: String,
    event: EventCard,
    /// Whoever has no ticket may join with name and phone number.
    strangers: bool,
}

/// Looks at a code for joining a draw.
#[utoipa::path(
    get, path = "/api/v1/draws/join", tag = "draw", params(("code" = String, Query)),
    responses((status = 200, body = JoinBody))
)]
pub(super) async fn look(State(hall): State<Hall>, visit: Visit, query: Query) -> Result<Json<JoinBody>, Failure> {
    let (of, event) = draw::look_join(&hall.ctx, visit.space, query.0.get("code"))?;
    let event = EventCard::of(&visit.base, &event);
    Ok(Json(JoinBody { draw: of.id.0, name: of.name, event, strangers: of.strangers }))
}

/// Somebody who joins: by a ticket, or with name and phone number.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinForm {
    /// What was scanned.
    code: String,
    /// Link of a ticket.
    #[serde(default)]
    ticket: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    phone: String,
}

/// Who joined.
#[derive(Serialize, ToSchema)]
pub(super) struct Joined {
    draw: u64,
    /// By it, whoever joined without a ticket is known again; give it as `joined`. It is shown once.
    #[schema(required)]
    joined: Option<String>,
}

/// Joins a draw by its code.
#[utoipa::path(
    post, path = "/api/v1/draws/join", tag = "draw", request_body = JoinForm, responses((status = 200, body = Joined))
)]
pub(super) async fn join(
    State(hall): State<Hall>,
    visit: Visit,
    Sent(form): Sent<JoinForm>,
) -> Result<Json<Joined>, Failure> {
    let (of, _) = draw::look_join(&hall.ctx, visit.space, &form.code)?;
    let joined = draw::join(&hall.ctx, visit.space, &form.code, &form.ticket, &form.name, &form.phone).await?;
    Ok(Json(Joined { draw: of.id.0, joined }))
}

/// A turn of the record.
#[derive(Serialize, ToSchema)]
struct TurnRow {
    /// None for an assignment.
    #[schema(required)]
    turn: Option<u32>,
    level: String,
    prize: String,
    /// Entries of the list.
    count: u32,
    /// Hash of the list.
    list: String,
    /// Public value.
    value: String,
    seed: String,
    /// How many winners.
    winners: usize,
}

/// What checking a draw's record comes to.
#[derive(Serialize, ToSchema)]
pub(super) struct VerifyBody {
    /// Nothing is wrong.
    sound: bool,
    /// What is wrong.
    problems: Vec<String>,
    commitment: String,
    /// Hash of the newest line.
    head: String,
    lines: usize,
    turns: Vec<TurnRow>,
    /// Address of the record as a file; how it is checked stands at `/draw/method.md`.
    record: String,
}

/// Checks the record of a draw.
#[utoipa::path(
    get, path = "/api/v1/draws/{draw}/verify", tag = "draw", params(("draw" = u64, Path)),
    responses((status = 200, body = VerifyBody))
)]
pub(super) async fn verify(
    State(hall): State<Hall>,
    visit: Visit,
    Named(id): Named<u64>,
) -> Result<Json<VerifyBody>, Failure> {
    let (ctx, space, id) = (hall.ctx.clone(), visit.space, DrawId(id));
    let report = service::aside(move || draw::check(&ctx, space, id)).await?;
    let turn = |of: &domain::draw::Checked| TurnRow {
        turn: of.turn,
        level: of.level.clone(),
        prize: of.prize.clone(),
        count: of.count,
        list: of.list.clone(),
        value: of.seed.0.clone(),
        seed: of.seed.1.clone(),
        winners: of.winners.len(),
    };
    Ok(Json(VerifyBody {
        sound: report.problems.is_empty(),
        problems: report.problems.clone(),
        commitment: report.commitment.clone(),
        head: report.head.clone(),
        lines: report.lines,
        turns: report.turns.iter().map(turn).collect(),
        record: format!("{}/draw/{id}/record.json", visit.base),
    }))
}

//! Draws on people's own phones: lucky number, prizes, winners, tapping, messages, joining, and the record that anybody can check.

use crate::{
    Hall,
    answer::{Answer, Failure, again, page, see, tell, told},
    audience::{Staff, Visit, cookie, secret_cookie},
    fields::{Fields, Query},
    live::follow,
    own::links,
    space::In,
};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{
    DrawId, Refusal, SoundId,
    draw::{Moderation, method::unhex},
};
use maud::Markup;
use service::{Error, draw, picture::FACE_MAX, registration, sound};
use views::{Tone, phone::draw as pages};

/// Routes for everybody.
pub fn routes() -> Router<Hall> {
    let upload = DefaultBodyLimit::max(FACE_MAX + crate::BODY_MAX);
    Router::new()
        .route("/draw/join", get(join_form).post(join))
        .route("/draw/method.md", get(method))
        .route("/draw/{draw}", get(show))
        .route("/draw/{draw}/live", get(live))
        .route("/draw/{draw}/tap", post(tap))
        .route("/draw/{draw}/message", post(message))
        .route("/draw/{draw}/face", post(set_face).layer(upload))
        .route("/draw/{draw}/face/{who}", get(face))
        .route("/draw/{draw}/verify", get(verify))
        .route("/draw/{draw}/record.json", get(record))
        .route("/sound/{sound}", get(music))
}

/// Name of the cookie by which a phone that joined without a ticket is known again.
const JOINED: &str = "hall_draw";
/// How long it is.
const A_YEAR: i64 = 365 * 24 * 3600;

fn line(of: &draw::OwnWin) -> pages::WinLine<'_> {
    let prize = if of.level.is_empty() { of.prize.clone() } else { format!("{} · {}", of.level, of.prize) };
    pages::WinLine { win: &of.win, prize }
}

fn drawn(
    hall: &Hall,
    visit: &Visit,
    headers: &HeaderMap,
    id: DrawId,
    typed: &str,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let mine = draw::mine(&hall.ctx, visit.space, id, &links(headers), cookie(headers, JOINED))?;
    let holder = |of: &draw::Known| pages::Holder {
        name: of.name.clone(),
        lucky: of.lucky.clone(),
        takes_part: of.takes_part,
        face: of.face,
    };
    let known: Vec<_> = mine.known.iter().map(holder).collect();
    let (wins, winners): (Vec<_>, Vec<_>) =
        (mine.wins.iter().map(line).collect(), mine.winners.iter().map(line).collect());
    let shown = pages::Page {
        draw: &mine.draw,
        event: &mine.event,
        known: &known,
        wins: &wins,
        winners: &winners,
        rolling: mine.rolling,
        version: mine.version,
        refusal,
        typed,
    };
    Ok(pages::show(&visit.shell(), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, headers: HeaderMap, Path(id): Path<u64>) -> Answer {
    page(drawn(&hall, &visit, &headers, DrawId(id), "", None)?)
}

async fn live(State(hall): State<Hall>, In(space): In, Path(id): Path<u64>) -> Result<Response, Failure> {
    let id = DrawId(id);
    draw::published(&hall.ctx, space, id)?;
    Ok(follow(draw::watch(&hall.ctx, space, id, draw::Side::Phone)?, move || hall.ctx.is_open(space)))
}

async fn tap(
    State(hall): State<Hall>,
    visit: Visit,
    headers: HeaderMap,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    // A phone without a script throws with the box's own chance: a tap is a tap.
    let value = unhex(fields.get("value")).unwrap_or_else(|| hall.ctx.random.number().to_be_bytes());
    let taken = draw::tap(&hall.ctx, visit.space, DrawId(id), &links(&headers), cookie(&headers, JOINED), value);
    let text = visit.text();
    if fields.ticked("json") {
        return Ok(Json(serde_json::json!({ "taken": taken? })).into_response());
    }
    let said = |taken| if taken { text.t("Your tap counts.") } else { text.t("Enough taps. Look at the screen!") };
    match taken {
        Ok(taken) => tell(&format!("/draw/{id}"), Tone::Good, said(taken)),
        Err(error) => told(&visit, &format!("/draw/{id}"), Err(error)),
    }
}

async fn message(
    State(hall): State<Hall>,
    visit: Visit,
    headers: HeaderMap,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let typed = fields.get("message");
    let kept = cookie(&headers, JOINED);
    match draw::say(&hall.ctx, visit.space, DrawId(id), &links(&headers), kept, typed).await {
        Ok(state) => tell(&format!("/draw/{id}"), Tone::Good, visit.text().t(said(state))),
        Err(error) if error.code() == Some("input.invalid") => {
            again(error, |refusal| drawn(&hall, &visit, &headers, DrawId(id), typed, Some(refusal)))
        }
        Err(Error::Refused(refusal)) => tell(&format!("/draw/{id}"), Tone::Bad, &visit.text().refusal(&refusal)),
        Err(error) => Err(error.into()),
    }
}

fn said(state: Moderation) -> &'static str {
    match state {
        Moderation::Shown => "It is on the screen.",
        Moderation::Waiting | Moderation::Hidden => "Sent. It is shown when somebody has looked at it.",
    }
}

async fn set_face(
    State(hall): State<Hall>,
    visit: Visit,
    headers: HeaderMap,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let back = format!("/draw/{id}");
    let Some(file) = fields.file("face") else {
        let refusal = Refusal::invalid(vec![domain::problem!("face", "This field is required.")]);
        return told(&visit, &back, Err(refusal.into()));
    };
    let (kept, bytes) = (cookie(&headers, JOINED), file.bytes.to_vec());
    match draw::set_face(&hall.ctx, visit.space, DrawId(id), &links(&headers), kept, bytes).await {
        Ok(state) => tell(&back, Tone::Good, visit.text().t(said(state))),
        Err(error) => told(&visit, &back, Err(error)),
    }
}

async fn face(
    State(hall): State<Hall>,
    visit: Visit,
    headers: HeaderMap,
    Path((id, who)): Path<(u64, String)>,
    Query(query): Query,
) -> Answer {
    let who = draw::who_of(&who)?;
    if !query.get("look").is_empty() {
        let bytes = draw::face::shown_to_wechat(&hall.ctx, visit.space, DrawId(id), who, query.get("look"))?;
        return Ok(([(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "no-store")], bytes).into_response());
    }
    let actor = Staff::of(&hall, visit.space, &headers).map_or_else(|_| visit.visitor(), |Staff(actor)| actor);
    let bytes = draw::face_file(&hall.ctx, &actor, visit.space, DrawId(id), who)?;
    // Whether it may be shown can change, so it is asked for again after a while.
    Ok(([(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "private, max-age=60")], bytes).into_response())
}

async fn music(State(hall): State<Hall>, visit: Visit, headers: HeaderMap, Path(id): Path<u64>) -> Answer {
    let (bytes, kind) = sound::file(&hall.ctx, &hall.ctx.public(&visit.visitor()), SoundId(id))?;
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind.mime())),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
    ];
    // Some browsers play only what they can ask for in parts.
    if let Some((from, to)) = range(&headers, bytes.len()) {
        let part = bytes.get(from..=to).unwrap_or_default().to_vec();
        let said = HeaderValue::try_from(format!("bytes {from}-{to}/{}", bytes.len()));
        let said = said.map_err(|error| Error::internal("a range", error))?;
        let status = axum::http::StatusCode::PARTIAL_CONTENT;
        return Ok((status, head, [(header::CONTENT_RANGE, said)], part).into_response());
    }
    Ok((head, bytes).into_response())
}

/// The one range that a request asks for, both ends included.
fn range(headers: &HeaderMap, length: usize) -> Option<(usize, usize)> {
    let asked = headers.get(header::RANGE)?.to_str().ok()?.strip_prefix("bytes=")?;
    let (from, to) = asked.split_once('-')?;
    let last = length.checked_sub(1)?;
    let (from, to) = match (from.parse::<usize>().ok(), to.parse::<usize>().ok()) {
        (Some(from), to) => (from, to.unwrap_or(last).min(last)),
        (None, Some(tail)) => (length.saturating_sub(tail), last),
        (None, None) => return None,
    };
    (from <= to).then_some((from, to))
}

fn join_page(
    hall: &Hall,
    visit: &Visit,
    headers: &HeaderMap,
    code: &str,
    typed: (&str, &str),
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let (of, event) = draw::look_join(&hall.ctx, visit.space, code)?;
    let held = links(headers).into_iter().filter_map(|link| {
        let ticket = registration::by_link(&hall.ctx, visit.space, link).ok()?.ticket;
        let standing = ticket.event == event.id && ticket.state == domain::TicketState::Active;
        standing.then(|| pages::Held { link: link.to_owned(), name: ticket.name })
    });
    let held: Vec<_> = held.collect();
    let shown = pages::JoinPage { draw: &of, event: &event, code, held: &held, typed, refusal };
    Ok(pages::join(&visit.shell(), &shown))
}

async fn join_form(State(hall): State<Hall>, visit: Visit, headers: HeaderMap, Query(query): Query) -> Answer {
    page(join_page(&hall, &visit, &headers, query.get("code"), ("", ""), None)?)
}

async fn join(State(hall): State<Hall>, visit: Visit, headers: HeaderMap, fields: Fields) -> Answer {
    let space = visit.space;
    let (code, name, phone) = (fields.get("code"), fields.get("name"), fields.get("phone"));
    let (of, _) = draw::look_join(&hall.ctx, space, code)?;
    match draw::join(&hall.ctx, space, code, fields.get("link"), name, phone).await {
        Ok(kept) => {
            let mut response = see(&format!("/draw/{}", of.id))?;
            if let Some(kept) = kept {
                let value = HeaderValue::try_from(secret_cookie(&visit, JOINED, &kept, A_YEAR));
                let value = value.map_err(|error| Error::internal("a cookie", error))?;
                response.headers_mut().append(header::SET_COOKIE, value);
            }
            Ok(response)
        }
        Err(Error::Refused(refusal)) => {
            let drawn = join_page(&hall, &visit, &headers, code, (name, phone), Some(&refusal))?;
            Ok((crate::answer::refusal_status(&refusal), page(drawn)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn verify(State(hall): State<Hall>, visit: Visit, headers: HeaderMap, Path(id): Path<u64>) -> Answer {
    let (space, id) = (visit.space, DrawId(id));
    let of = draw::published(&hall.ctx, space, id)?;
    let ctx = hall.ctx.clone();
    let (held, kept) = (links(&headers).join("."), cookie(&headers, JOINED).map(str::to_owned));
    let (report, own) = service::aside(move || {
        let links: Vec<&str> = held.split('.').filter(|link| !link.is_empty()).collect();
        Ok((draw::check(&ctx, space, id)?, draw::own_entries(&ctx, space, id, &links, kept.as_deref())?))
    })
    .await?;
    let line = |of: draw::OwnEntry| pages::OwnLine {
        turn: of.turn,
        index: of.index,
        count: of.count,
        hashed: (of.text, of.salt, of.entry),
    };
    let own: Vec<_> =
        own.into_iter().map(|(of, lines)| (of.name, lines.into_iter().map(line).collect::<Vec<_>>())).collect();
    let shown = pages::VerifyPage { draw: &of.draw, event: &of.event, report: &report, own: &own };
    page(pages::verify(&visit.shell(), &shown))
}

/// The record as a file, written as it is sent.
async fn record(State(hall): State<Hall>, In(space): In, Path(id): Path<u64>) -> Answer {
    let parts = draw::record(&hall.ctx, space, DrawId(id))?;
    let parts = futures_util::stream::iter(parts.map(|part| part.map(Bytes::from)));
    let head = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"draw-{id}.json\"")),
    ];
    Ok((head, Body::from_stream(parts)).into_response())
}

/// The description that the record is checked by.
async fn method() -> Response {
    let head = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (head, include_str!("../../docs/draw.md")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_lies_within_the_file() {
        let asked = |text: &'static str| {
            let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(text))]);
            range(&headers, 10)
        };
        let cases = [
            ("bytes=0-", Some((0, 9))),
            ("bytes=2-4", Some((2, 4))),
            ("bytes=-3", Some((7, 9))),
            ("bytes=4-99", Some((4, 9))),
            ("bytes=20-", None),
            ("bytes=4-2", None),
            ("bytes=-", None),
            ("lines=0-1", None),
        ];
        for (text, found) in cases {
            assert_eq!(asked(text), found, "{text}");
        }
        assert_eq!(range(&HeaderMap::new(), 10), None);
    }
}

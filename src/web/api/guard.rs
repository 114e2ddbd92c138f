//! What surrounds every route of the API but the scan's lane: rates, requests that are done once, ETags, other sites' scripts.

use super::client;
use crate::{
    Hall,
    answer::Failure,
    audience::{Client, DEVICE, PERSON, Peer, SESSION, Visit, bearer, cookie},
    space::In,
};
use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;
use domain::{SpaceId, once::KeyOwner, refuse};
use http_body_util::{BodyExt, Limited};
use service::{
    Error, device, identity,
    once::{self, Before},
    rate::Rate,
};

/// Carries the site whose script asks, when the settings allow it: the request came without cookies then.
#[derive(Debug, Clone)]
pub struct Foreign(pub HeaderValue);

/// Where the API's routes begin.
pub const PREFIX: &str = "/api/v1/";

/// A request of a script of a site that the settings name: taken without its cookies, so that it has no rights but those of its token, and
/// so that no rule against forged requests has to stand in its way.
pub fn admit(hall: &Hall, request: &mut axum::http::Request<Body>) {
    if !request.uri().path().starts_with(PREFIX) || hall.settings.api.origins.is_empty() {
        return;
    }
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else { return };
    if !hall.settings.api.origins.iter().any(|known| known.as_bytes() == origin.as_bytes()) {
        return;
    }
    let headers = request.headers_mut();
    headers.remove(header::COOKIE);
    headers.remove(header::ORIGIN);
    headers.remove("sec-fetch-site");
    request.extensions_mut().insert(Foreign(origin));
}

/// Name of the header with a request's key.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Most bytes of a request that is done once.
const KEYED_MAX: usize = crate::phone::REGISTRATION_MAX;
/// Most bytes of an answer that gets an ETag, and of one that is kept.
const ANSWER_MAX: usize = 1 << 20;

/// Surrounds a request.
pub async fn surround(State(hall): State<Hall>, request: Request, next: Next) -> Response {
    let foreign = request.extensions().get::<Foreign>().cloned();
    let mut response = if request.method() == Method::OPTIONS && foreign.is_some() {
        preflight()
    } else {
        within(&hall, request, next).await
    };
    let headers = response.headers_mut();
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    if let Some(Foreign(origin)) = foreign {
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from_static("etag, retry-after, idempotency-replayed");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    response
}

fn preflight() -> Response {
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, idempotency-key, if-none-match"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

async fn within(hall: &Hall, request: Request, next: Next) -> Response {
    let request = match admitted(hall, request) {
        Ok(request) => request,
        Err(response) => return *response,
    };
    if request.method() == Method::POST && request.headers().contains_key(KEY) {
        return match keyed(hall, request, next).await {
            Ok(response) => response,
            Err(failure) => failure.into_response(),
        };
    }
    if request.method() == Method::GET {
        let known = request.headers().get(header::IF_NONE_MATCH).cloned();
        let response = next.run(request).await;
        return tagged(response, known).await;
    }
    next.run(request).await
}

/// Who asks, when a bucket of its own is due to it: a logged-in person or a terminal.
fn asker(hall: &Hall, space: SpaceId, headers: &HeaderMap) -> Option<(&'static str, [u8; 32])> {
    if let Some(token) = bearer(headers) {
        // Only tokens that stand have a bucket of their own: a new one for each guess would be no limit.
        let hash = service::token::hash(token);
        if identity::actor(&hall.ctx, space, token).ok()?.is_some() {
            return Some(("person", hash));
        }
        let known = device::actor(&hall.ctx, space, token).ok()?;
        return matches!(known, device::Known::Device(_)).then_some(("device", hash));
    }
    let token = cookie(headers, DEVICE)?;
    let known = device::actor(&hall.ctx, space, token).ok()?;
    matches!(known, device::Known::Device(_)).then(|| ("device", service::token::hash(token)))
}

/// Terminals, helpers' phones and API clients ask more often than people do, and are known to the secretariat.
const DEVICE_FACTOR: u32 = 10;

/// Counts a request against its rate. An API client is looked at here and noted in the request, or refused.
fn admitted(hall: &Hall, request: Request) -> Result<Request, Box<Response>> {
    let peer = request.extensions().get::<Peer>().copied();
    if !client::is_shown(request.headers()) {
        let In(space) = In::of(request.extensions());
        let asker = asker(hall, space, request.headers());
        take(hall, asker, peer)?;
        let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        // Before anything else is looked at, such as the key of a request that is to be done once.
        if !client::is_everybodys(request.method(), route) && is_nobody(request.headers()) {
            return Err(Box::new(Failure::from(identity::nobody()).into_response()));
        }
        return Ok(request);
    }
    let (mut parts, body) = request.into_parts();
    let known = client::enter(hall, &parts);
    // A secret that is none has no bucket of its own.
    let asker = known.as_ref().ok().map(|_| ("client", bearer(&parts.headers).map(service::token::hash)));
    take(hall, asker.and_then(|(kind, hash)| Some((kind, hash?))), peer)?;
    let route = parts.extensions.get::<MatchedPath>().cloned();
    let open = known.and_then(|known| client::open(hall, &parts, known, route.as_ref().map(MatchedPath::as_str)));
    match open {
        Ok(actor) => {
            parts.extensions.insert(Client(actor));
            Ok(Request::from_parts(parts, body))
        }
        Err(failure) => Err(Box::new(failure.into_response())),
    }
}

/// Whether a request shows nothing that could be anybody's: no token of ours, in the header or in a cookie of a log-in. A token that is over by now is somebody's: what
/// ended it may be asked for again.
fn is_nobody(headers: &HeaderMap) -> bool {
    let shown = |name: &&str| cookie(headers, name).is_some_and(service::token::is_one);
    match bearer(headers) {
        Some(token) => !service::token::is_one(token) && !shown(&SESSION),
        None => ![PERSON, DEVICE, SESSION].iter().any(shown),
    }
}

/// Takes one request from what a client may ask, or answers when it may ask again.
pub fn take(hall: &Hall, client: Option<(&'static str, [u8; 32])>, peer: Option<Peer>) -> Result<(), Box<Response>> {
    let (rates, now) = (&hall.ctx.rates, hall.ctx.now());
    let api = &hall.settings.api;
    let taken = match client {
        Some(client @ ("device" | "client", _)) => {
            let rate = Rate { burst: api.person.burst * DEVICE_FACTOR, minute: api.person.minute * DEVICE_FACTOR };
            rates.take(&client, rate, now)
        }
        Some(client) => rates.take(&client, api.person, now),
        None => {
            let address = peer.map(|peer| peer.address.ip());
            rates.take(&address, api.address, now)
        }
    };
    taken.map_err(|(refusal, seconds)| {
        let mut response = Failure::from(refusal).into_response();
        if let Ok(seconds) = HeaderValue::try_from(seconds.to_string()) {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        Box::new(response)
    })
}

/// Who a key belongs to: whoever has the token that came along, also when it is over by now, so that what ended it is answered again; else whoever
/// knows the key, at one address.
fn sender(parts: &Parts) -> KeyOwner {
    let headers = &parts.headers;
    let cookies = [DEVICE, PERSON, SESSION].into_iter().find_map(|name| cookie(headers, name));
    // A token of another form is none of ours: many may send the same.
    let token = bearer(headers).or(cookies).filter(|token| service::token::is_one(token));
    match token {
        Some(token) => KeyOwner::Token(service::token::hash(token)),
        None => {
            let address = parts.extensions.get::<Peer>().map_or_else(String::new, |peer| peer.address.ip().to_string());
            KeyOwner::Alone(service::token::sha256(address.as_bytes()))
        }
    }
}

/// The key of a request that is to be done once, as verbs that find their own work done want it.
#[derive(Debug, Clone)]
pub struct RequestKey(pub String);

async fn keyed(hall: &Hall, request: Request, next: Next) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let too_large = || refuse!(Invalid, "form.too_large", "What was sent is too large.");
    let body = Limited::new(body, KEYED_MAX).collect().await.map_err(|_| too_large())?.to_bytes();
    let key = parts.headers.get(KEY).and_then(|key| key.to_str().ok()).unwrap_or("").to_owned();
    let (who, In(space)) = (sender(&parts), In::of(&parts.extensions));
    let asked = [parts.uri.to_string().as_bytes(), b"\n", &body].concat();
    let _turn = once::turn(&hall.ctx, space, who, &key).await;
    let mark = match once::before(&hall.ctx, space, who, &key, &asked)? {
        Before::Answered(answer) => return replay(&answer),
        Before::Fresh(mark) => mark,
    };
    // The same for the same sender and key, nobody else's, and nothing that can be guessed: what is made by it is found by it.
    let named = service::token::sha256(&[&who.mark()[..], key.as_bytes()].concat());
    let named = hall.ctx.sealer.tag(&format!("request {}", BASE64URL_NOPAD.encode(&named)));
    parts.extensions.insert(RequestKey(named));
    let visit = Visit::of(hall, space, &parts.headers, &parts.uri, parts.extensions.get::<Peer>().copied())
        .numbered(&parts.extensions);
    let mut response = once::doing(mark.clone(), next.run(Request::from_parts(parts, Body::from(body)))).await;
    if response.status().is_server_error() {
        return Ok(response);
    }
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = super::failure(&visit, failure.error(), response.status());
    }
    let (parts, body) = response.into_parts();
    let body = collected(body).await?;
    if let Ok(text) = std::str::from_utf8(&body) {
        let answer = once::Answer { status: parts.status.as_u16(), body: text.to_owned() };
        once::answered(&hall.ctx, space, &mark, &answer).await?;
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(answer: &once::Answer) -> Result<Response, Failure> {
    let status = StatusCode::from_u16(answer.status).map_err(|error| Error::internal("an old answer", error))?;
    let mut response = (status, answer.body.clone()).into_response();
    if answer.body.is_empty() {
        response.headers_mut().remove(header::CONTENT_TYPE);
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

async fn collected(body: Body) -> Result<Bytes, Failure> {
    let read = Limited::new(body, ANSWER_MAX).collect().await;
    Ok(read.map_err(|error| Error::internal("reading an answer", error))?.to_bytes())
}

/// Whether a client has the answer of that ETag.
pub fn knows(known: Option<&HeaderValue>, tag: &[u8]) -> bool {
    known.and_then(|known| known.to_str().ok()).is_some_and(|known| {
        known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/").as_bytes() == tag)
    })
}

/// Gives an answer its ETag, or leaves it out when the client has it already.
async fn tagged(response: Response, known: Option<HeaderValue>) -> Response {
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let size = axum::body::HttpBody::size_hint(response.body()).exact().unwrap_or(u64::MAX);
    if response.status() != StatusCode::OK || !is_json || size > ANSWER_MAX as u64 {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = match collected(body).await {
        Ok(body) => body,
        Err(failure) => return failure.into_response(),
    };
    let hash = service::token::sha256(&body);
    let tag = format!("\"{}\"", BASE64URL_NOPAD.encode(hash.get(..12).unwrap_or(&[])));
    let is_known = knows(known.as_ref(), tag.as_bytes());
    if let Ok(tag) = HeaderValue::try_from(tag) {
        parts.headers.insert(header::ETAG, tag);
    }
    if !is_known {
        return Response::from_parts(parts, Body::from(body));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

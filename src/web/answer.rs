//! Answers: pages, redirects with a message, files; and how refusals and failures become HTTP.

use crate::{
    Hall,
    audience::{Number, Peer, Staff, Visit, cookie, number},
    space::{In, is_page},
};
use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;
use domain::{Kind, Refusal};
use hyper::body::{Frame, SizeHint};
use maud::Markup;
use service::{Error, sheet::Written};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tracing::{Instrument, Level, Span};
use views::{
    Tone,
    component::{Failed, failed},
    layout,
};

/// What a handler answers.
pub type Answer = Result<Response, Failure>;

/// A verb's refusal or failure on its way out; [`finish`] says it in the asker's language and form.
#[derive(Clone, Debug)]
pub struct Failure(Arc<Error>);

impl Failure {
    /// What it was.
    pub fn error(&self) -> &Error {
        &self.0
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(Arc::new(error))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self(Arc::new(refusal.into()))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = status(&self.0).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::Internal(_) | Error::Unloaded(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Error::Refused(refusal) => refusal_status(refusal),
    }
}

/// HTTP status of a refusal.
pub fn refusal_status(refusal: &Refusal) -> StatusCode {
    match refusal.kind {
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Unknown => StatusCode::UNAUTHORIZED,
        Kind::Denied => StatusCode::FORBIDDEN,
        Kind::Missing => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Slow => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// A page.
pub fn page(markup: Markup) -> Answer {
    Ok(html(StatusCode::OK, markup))
}

fn html(status: StatusCode, markup: Markup) -> Response {
    let head = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, head, markup.into_string()).into_response()
}

/// Refusals that a form shows although their kind would end the matter: a wrong password is a denial, but one to try again.
const FORM_CODES: &[&str] =
    &["login.wrong", "login.wrong_code", "passkey.refused", "device.bad_code", "ticket.not_found"];

/// A form that comes back with what was wrong; errors that no field can mend go out as they are.
pub fn again(error: Error, draw: impl FnOnce(&Refusal) -> Result<Markup, Error>) -> Answer {
    match error {
        Error::Refused(refusal)
            if !matches!(refusal.kind, Kind::Denied | Kind::Missing | Kind::Unknown)
                || FORM_CODES.contains(&refusal.code) =>
        {
            Ok(html(refusal_status(&refusal), draw(&refusal)?))
        }
        error => Err(error.into()),
    }
}

/// Sends the browser elsewhere with a GET.
pub fn see(to: &str) -> Answer {
    let to = HeaderValue::try_from(to).map_err(|error| Error::internal("a redirect", error))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
}

/// As [`see`], with a message for the next page.
pub fn tell(to: &str, tone: Tone, text: &str) -> Answer {
    let mut response = see(to)?;
    let short: String = text.chars().take(400).collect();
    let value = format!(
        "{FLASH}={}.{}; Path=/; Max-Age=30; HttpOnly; SameSite=Lax",
        tone.class(),
        BASE64URL_NOPAD.encode(short.as_bytes())
    );
    let value = HeaderValue::try_from(value).map_err(|error| Error::internal("a message", error))?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(response)
}

/// Name of the cookie that carries a message to the next page.
pub const FLASH: &str = "hall_flash";

/// Reads the message of the flash cookie.
pub fn read_flash(value: &str) -> Option<views::Flash> {
    let (tone, text) = value.split_once('.')?;
    let tone = [Tone::Good, Tone::Warn, Tone::Bad, Tone::Info].into_iter().find(|known| known.class() == tone)?;
    let text = String::from_utf8(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()?;
    Some(views::Flash { tone, text })
}

/// A file to be saved under that name.
pub fn download(name: &str, mime: &'static str, file: impl Into<Body>) -> Answer {
    let disposition = disposition(name)?;
    let heads = [(header::CONTENT_TYPE, mime), (header::CACHE_CONTROL, "no-store")];
    let mut response = (heads, file.into()).into_response();
    response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}

/// A list as it is sent, piece by piece, with its length said beforehand.
struct Pieces {
    left: std::vec::IntoIter<Bytes>,
    bytes: u64,
}

/// A written list as a body.
pub fn pieces(written: Written) -> Body {
    let pieces = written.pieces();
    let bytes = pieces.iter().map(|piece| piece.len() as u64).sum();
    Body::new(Pieces { left: pieces.into_iter(), bytes })
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = self.left.next();
        self.bytes -= next.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes)
    }
}

/// What makes a browser save an answer under that name.
pub fn disposition(name: &str) -> Result<HeaderValue, Error> {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' }).collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            encoded.push(char::from(byte))
        } else {
            encoded.push_str(&format!("%{byte:02X}"))
        }
    }
    let disposition = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    HeaderValue::try_from(disposition).map_err(|error| Error::internal("naming a file", error))
}

/// There is no such page.
pub async fn missing() -> Failure {
    domain::refuse!(Missing, "page.missing", "There is no page at this address.").into()
}

/// There is something at this address, but not for this method: a program that errs, or somebody who opens again what a form had sent.
pub async fn wrong_method() -> Response {
    let refusal = domain::refuse!(Invalid, "method.wrong", "This address does not take this method.");
    let mut response = Failure::from(refusal).into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
    manifest-src 'self'; media-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Put on a page that these sites may show in a frame.
#[derive(Clone, Debug)]
pub struct Framed(pub Vec<String>);

/// What surrounds every request: a number, the log line, security headers, and failures made readable.
pub async fn finish(State(hall): State<Hall>, mut request: Request, next: Next) -> Response {
    let span = numbered(&mut request);
    let asked = circumstances(&request);
    let route = asked.extensions.get::<MatchedPath>().cloned();
    let mut response = next.run(request).instrument(span).await;
    close(&hall, &asked, &mut response);
    if let Some(route) = route {
        response.extensions_mut().insert(crate::meter::Route(route));
    }
    response
}

/// Where every request has its line, whatever is logged meanwhile bears its number; otherwise only what goes wrong is given one.
fn numbered(request: &mut Request) -> Span {
    if !tracing::enabled!(Level::DEBUG) {
        return Span::none();
    }
    let number = Number(number());
    let span = tracing::debug_span!("asked", request = number.0);
    request.extensions_mut().insert(number);
    span
}

/// Headers of a failure that stay when it is made readable.
const KEPT: &[HeaderName] = &[
    header::ALLOW,
    header::RETRY_AFTER,
    header::VARY,
    header::CACHE_CONTROL,
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
];

/// What of a request is needed when it has been answered.
pub fn circumstances<B>(request: &axum::http::Request<B>) -> Parts {
    let mut kept = axum::http::Request::new(()).into_parts().0;
    (kept.method, kept.uri, kept.headers) =
        (request.method().clone(), request.uri().clone(), request.headers().clone());
    kept.extensions.insert(In::of(request.extensions()));
    if let Some(peer) = request.extensions().get::<Peer>() {
        kept.extensions.insert(*peer);
    }
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        kept.extensions.insert(route.clone());
    }
    if let Some(number) = request.extensions().get::<Number>() {
        kept.extensions.insert(number.clone());
    }
    kept
}

/// What the log says of where a request went. An address may hold somebody's link or what they searched for; the route that the router knows does not.
fn route(asked: &Parts) -> &str {
    asked.extensions.get::<MatchedPath>().map_or("(none)", MatchedPath::as_str)
}

/// The end of every answer: failures made readable, the log line, security headers.
pub fn close(hall: &Hall, asked: &Parts, response: &mut Response) {
    let json = asked.uri.path().starts_with("/api/");
    let mut known = asked.extensions.get::<Number>().map(|Number(number)| number.clone());
    // A scan is given no number and has no line.
    let has_line = known.is_some() || !json;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        // Only now are the asker's circumstances needed; a scan that goes well must not pay for them.
        let In(space) = In::of(&asked.extensions);
        let peer = asked.extensions.get::<Peer>().copied();
        let visit = Visit::of(hall, space, &asked.headers, &asked.uri, peer).numbered(&asked.extensions);
        if let Error::Refused(refusal) = failure.error()
            && refusal.kind == Kind::Denied
        {
            denied(hall, &visit, asked, refusal.code);
        }
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        *response = readable(&visit, &failure, json, asked, status);
        for (name, value) in headers.iter().filter(|(name, _)| KEPT.contains(name)) {
            response.headers_mut().insert(name, value.clone());
        }
        known = Some(visit.request);
    }
    if has_line {
        let (route, status) = (route(asked), response.status().as_u16());
        let request = || known.unwrap_or_else(number);
        tracing::debug!(method = %asked.method, route, status, request = request(), "answered");
    }
    let shown = !json && cookie(&asked.headers, FLASH).is_some() && is_page(response);
    secure(response.headers_mut(), json, shown);
    if let Some(Framed(sites)) = response.extensions_mut().remove::<Framed>() {
        let_frame(response.headers_mut(), &sites);
    }
}

/// Somebody tried what they may not: for whoever looks after the box.
fn denied(hall: &Hall, visit: &Visit, asked: &Parts, code: &str) {
    let staff = Staff::of(hall, visit.space, &asked.headers).ok();
    // Whoever looks through somebody else's eyes is who asks.
    let hand = |Staff(actor): Staff| actor.seer().map(|seer| seer.account).or_else(|| actor.account());
    let account = staff.and_then(hand).map(|account| account.0);
    let (route, address, request) = (route(asked), &visit.origin.address, &visit.request);
    tracing::warn!(method = %asked.method, route, code, account, address, request, "denied");
}

fn secure(headers: &mut HeaderMap, json: bool, clear_flash: bool) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if json {
        return;
    }
    let fixed: [(HeaderName, &'static str); 5] = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(self), microphone=(), geolocation=(self)"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if clear_flash {
        headers.append(
            header::SET_COOKIE,
            HeaderValue::from_static("hall_flash=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"),
        );
    }
}

/// Lets the pages of these sites hold the answer in a frame.
fn let_frame(headers: &mut HeaderMap, sites: &[String]) {
    if sites.is_empty() {
        return;
    }
    let policy = CSP.replace("frame-ancestors 'none'", &format!("frame-ancestors 'self' {}", sites.join(" ")));
    // Sites are checked when they are saved; what is no header all the same keeps the strict policy.
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        headers.remove(header::X_FRAME_OPTIONS);
    }
}

fn readable(visit: &Visit, failure: &Failure, json: bool, asked: &Parts, status: StatusCode) -> Response {
    let text = visit.text();
    if let Error::Internal(cause) = failure.0.as_ref() {
        tracing::error!(route = route(asked), request = visit.request, cause, "internal error");
    }
    if json {
        return crate::api::failure(visit, &failure.0, status);
    }
    let Error::Refused(refusal) = failure.0.as_ref() else {
        let of = Failed {
            title: text.t("Something went wrong"),
            text: text.t("Nothing was changed. Try again; if it stays, tell the administrator the number below."),
            request: Some(&visit.request),
        };
        return bare(visit, status, of.title, &of);
    };
    if refusal.kind == Kind::Unknown && asked.uri.path().starts_with("/admin") {
        let to = views::component::list::query("/login", &[("back", &visit.path)]);
        return see(&to).unwrap_or_else(IntoResponse::into_response);
    }
    if ["password.first", "second.needed"].contains(&refusal.code) {
        return tell("/admin/session", Tone::Warn, &text.refusal(refusal)).unwrap_or_else(IntoResponse::into_response);
    }
    let title = match refusal.kind {
        Kind::Missing => text.t("Not found"),
        Kind::Denied => text.t("Not allowed"),
        _ => text.t("This did not work"),
    };
    let of = Failed { title, text: &text.refusal(refusal), request: None };
    bare(visit, status, title, &of)
}

/// A page about a failure. It is made outside of the layer that pages go through.
fn bare(visit: &Visit, status: StatusCode, title: &str, of: &Failed<'_>) -> Response {
    let drawn = layout::bare(&visit.shell(), title, &failed(visit.text(), of)).into_string();
    html(status, maud::PreEscaped(crate::space::page(visit.space, drawn)))
}

/// Goes back with "Done." or with what was refused; a denial or a missing record stays an answer of its own.
pub fn told(visit: &Visit, to: &str, done: Result<(), Error>) -> Answer {
    match done {
        Ok(()) => tell(to, Tone::Good, visit.text().t("Done.")),
        Err(Error::Refused(refusal)) if !matches!(refusal.kind, Kind::Denied | Kind::Missing | Kind::Unknown) => {
            let first = refusal.problems.first().map(|problem| visit.text().args(problem.text, &problem.args));
            tell(to, Tone::Bad, &first.unwrap_or_else(|| visit.text().refusal(&refusal)))
        }
        Err(error) => Err(error.into()),
    }
}

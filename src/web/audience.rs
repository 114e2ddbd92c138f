//! Who is asking: language, address, member of staff, terminal.

use crate::{
    Hall,
    answer::{FLASH, Failure, read_flash},
    feature,
    space::{In, root},
};
use axum::{
    extract::{FromRequestParts, OriginalUri},
    http::{Extensions, HeaderMap, Uri, header, request::Parts},
};
use domain::{Refusal, SpaceId};
use service::{Actor, account::Origin, device::Known};
use std::net::SocketAddr;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use views::{Flash, Lang, Shell, Text, format::Format};

/// Where a request came from, put in by the listener.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The address.
    pub address: SocketAddr,
    /// Whether it came by TLS.
    pub secure: bool,
}

/// Name of the cookie of a logged-in browser.
pub const SESSION: &str = "hall_session";
/// Name of the cookie of a browser in which a person who is no staff is logged in.
pub const PERSON: &str = "hall_person";
/// Name of the cookie of a paired terminal.
pub const DEVICE: &str = "hall_device";
/// Name of the cookie of the tickets that a phone showed.
pub const TICKETS: &str = "hall_tickets";
/// Name of the cookie by which accounts know a browser; it is the browser's in all spaces.
pub const BROWSER: &str = "hall_browser";
/// Name of the cookie of a log-in whose second step or passkey is still to come.
pub const STEP: &str = "hall_step";
/// Name of the cookie of the language.
pub const LANGUAGE: &str = "hall_language";

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The tokens of the sessions that a browser shows: at an address of the platform those of merchants' spaces too.
fn sessions(headers: &HeaderMap) -> Vec<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs =
        cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().strip_prefix(SESSION)?.split_once('='));
    let of_spaces = pairs.filter(|(mark, _)| mark.is_empty() || mark.starts_with("_m"));
    of_spaces.map(|(_, token)| token.to_owned()).filter(|token| !token.is_empty()).take(SESSIONS_MAX).collect()
}

/// Most sessions of one browser that are looked at.
const SESSIONS_MAX: usize = 20;

/// The language that a client of the API says it reads: that of the cookie, else the most wanted one of `Accept-Language` that there is (RFC
/// 9110, 12.5.4). A browser in which somebody is logged in shows our pages, and those have their own choice.
pub fn client_lang(headers: &HeaderMap) -> Option<Lang> {
    if let Some(lang) = cookie(headers, LANGUAGE).and_then(Lang::parse) {
        return Some(lang);
    }
    if [SESSION, PERSON, DEVICE].iter().any(|name| cookie(headers, name).is_some()) {
        return None;
    }
    wanted_lang(headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?)
}

/// Most languages of a header that are looked at.
const LANGS_MAX: usize = 20;

fn wanted_lang(header: &str) -> Option<Lang> {
    let weighed = header.split(',').take(LANGS_MAX).filter_map(|one| {
        let (tag, weight) = one.split_once(';').unwrap_or((one, "q=1"));
        let weight: f32 = weight.trim().strip_prefix("q=")?.trim().parse().ok()?;
        let tag = tag.trim();
        let whole = tag.len() == 2 || tag.get(2..3) == Some("-");
        let lang = Lang::parse(tag).filter(|_| whole && weight > 0.0 && weight <= 1.0)?;
        Some((weight, lang))
    });
    // Of two that are wanted as much, the first.
    weighed.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, lang)| lang)
}

/// A `Set-Cookie` value for a secret; not readable by scripts, and only sent over TLS when the box is reached so.
pub fn secret_cookie(visit: &Visit, name: &str, value: &str, seconds: i64) -> String {
    let secure = if visit.base.starts_with("https://") { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// One request's circumstances.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The space it is for.
    pub space: SpaceId,
    /// Language, zone.
    pub format: Format,
    /// Name of the application: its own, or the association's; the product's before set-up.
    pub space_name: String,
    /// The application's logo.
    pub logo: Option<u64>,
    /// Nothing may cost money in this space.
    pub free: bool,
    /// Whether the association is set up.
    pub set_up: bool,
    /// Where it comes from.
    pub origin: Origin,
    /// Path with query, within the space.
    pub path: String,
    /// What links from outside begin with: scheme, host and the space's root.
    pub base: String,
    /// Message of the page before.
    pub flash: Option<Flash>,
    /// Number of the request, for the log and the error page.
    pub request: String,
    /// Whose eyes the pages are seen with, when it is not one's own.
    pub eyes: Option<views::Eyes>,
    /// Where the first administrator is in the first steps; only for pages of the secretariat.
    start: Option<domain::Start>,
}

/// The number of a request whose lines are all logged, put in before it is routed.
#[derive(Debug, Clone)]
pub(crate) struct Number(pub String);

/// A number for the log, unlike any other of this run.
pub(crate) fn number() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:x}-{:x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Whose eyes a browser of staff sees pages with; the API has no pages.
fn eyes(hall: &Hall, space: SpaceId, headers: &HeaderMap, uri: &Uri) -> Option<views::Eyes> {
    let token = cookie(headers, SESSION).filter(|_| !uri.path().starts_with(crate::api::guard::PREFIX))?;
    let seeing = service::account::eyes::seeing(&hall.ctx, space, token).ok().flatten()?;
    Some(views::Eyes { name: seeing.name, until: seeing.until, end: crate::eyes::END })
}

impl Visit {
    /// As [`Self::format_of`], for clients of the API: they say the language they read by `Accept-Language`; who says none gets the one that the
    /// logged-in person chose. Pages of ours that ask the API are of the browser's cookies alone, as all pages are.
    fn format_for(hall: &Hall, space: SpaceId, headers: &HeaderMap) -> Format {
        let lang = client_lang(headers).or_else(|| {
            let actor = service::identity::actor(&hall.ctx, space, bearer(headers)?).ok()??;
            Lang::parse(&service::identity::language(&hall.ctx, &actor).ok()?)
        });
        let format = Self::format_of(hall, space, headers);
        Format { text: lang.map_or(format.text, Text), ..format }
    }

    /// How times and texts are shown to whoever sent these headers.
    pub fn format_of(hall: &Hall, space: SpaceId, headers: &HeaderMap) -> Format {
        let lang = cookie(headers, LANGUAGE).and_then(Lang::parse).unwrap_or_default();
        let known = hall.ctx.known(space).ok().flatten();
        Format { text: Text(lang), zone: known.map_or(jiff::tz::TimeZone::UTC, |known| known.zone.clone()) }
    }

    /// Reads a request's circumstances.
    pub fn of(hall: &Hall, space: SpaceId, headers: &HeaderMap, uri: &Uri, peer: Option<Peer>) -> Self {
        let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let known = hall.ctx.known(space).ok().flatten();
        let address = peer.map_or_else(String::new, |peer| peer.address.ip().to_string());
        let scheme = if peer.is_some_and(|peer| peer.secure) { "https" } else { "http" };
        let host = text(header::HOST);
        let host = if host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-' | b'[' | b']')) {
            host
        } else {
            ""
        };
        let host = hall.settings.public_url.clone().unwrap_or_else(|| format!("{scheme}://{host}"));
        Self {
            space,
            format: if uri.path().starts_with(crate::api::guard::PREFIX) {
                Self::format_for(hall, space, headers)
            } else {
                Self::format_of(hall, space, headers)
            },
            space_name: known.as_ref().map_or_else(
                || "会馆 Huiguan".to_owned(),
                |known| if known.brand.name.is_empty() { known.space.name.clone() } else { known.brand.name.clone() },
            ),
            logo: known.as_ref().and_then(|known| known.brand.logo).map(|logo| logo.0),
            free: known.as_ref().is_some_and(|known| !known.may_charge()),
            set_up: known.is_some(),
            origin: Origin {
                address,
                agent: text(header::USER_AGENT).to_owned(),
                browser: cookie(headers, BROWSER).unwrap_or_default().to_owned(),
                sessions: sessions(headers),
            },
            eyes: eyes(hall, space, headers, uri),
            path: uri.path_and_query().map_or_else(|| "/".to_owned(), |path| path.as_str().to_owned()),
            base: format!("{host}{}", root(space)),
            flash: cookie(headers, FLASH).and_then(read_flash),
            request: number(),
            start: uri.path().starts_with("/admin").then(|| service::start::due(&hall.ctx, space)).flatten(),
        }
    }

    /// By the number that the request has in the log, where it was given one.
    pub(crate) fn numbered(mut self, extensions: &Extensions) -> Self {
        if let Some(Number(number)) = extensions.get::<Number>() {
            self.request.clone_from(number);
        }
        self
    }

    /// Texts.
    pub fn text(&self) -> Text {
        self.format.text
    }

    /// The frame of a page that nobody is logged in for.
    pub fn shell(&self) -> Shell {
        Shell {
            format: self.format.clone(),
            space: self.space_name.clone(),
            logo: self.logo,
            user: None,
            nav: Vec::new(),
            flash: self.flash.clone(),
            path: self.path.clone(),
            free: self.free,
            eyes: self.eyes.clone(),
            start: None,
        }
    }

    /// The frame of a page of the secretariat.
    pub fn admin_shell(&self, actor: &Actor) -> Shell {
        let user = match &actor.who {
            service::Who::Staff { name, .. } => Some(name.clone()),
            service::Who::Visitor
            | service::Who::Person { .. }
            | service::Who::Device { .. }
            | service::Who::Client { .. } => None,
        };
        let place = self.start.as_ref().filter(|start| actor.account() == Some(start.account));
        let start = place.and_then(|start| start.place(&service::start::seen(actor))).filter(|place| {
            let below = self.path.strip_prefix(place.step.href());
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        });
        Shell { user, nav: feature::navigation(actor, &self.path), start, ..self.shell() }
    }

    /// The visitor as an actor.
    pub fn visitor(&self) -> Actor {
        Actor::visitor(self.space)
    }
}

impl FromRequestParts<Hall> for Visit {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, hall: &Hall) -> Result<Self, Self::Rejection> {
        // Below a nested router the address has lost its first part; the original is kept aside.
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let In(space) = In::of(&parts.extensions);
        let visit = Self::of(hall, space, &parts.headers, uri, parts.extensions.get::<Peer>().copied());
        Ok(visit.numbered(&parts.extensions))
    }
}

/// The refusal when a merchant was frozen since the request came; streams ask again and again.
fn open(hall: &Hall, space: SpaceId) -> Result<(), Refusal> {
    if hall.ctx.is_open(space) { Ok(()) } else { Err(service::merchant::closed_pages()) }
}

/// The token of `Authorization: Bearer …`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// A logged-in person who is no staff, by the token of a client or the cookie of a browser.
pub struct Member(pub Arc<Actor>);

impl Member {
    /// Reads who is logged in from a request's headers.
    pub fn of(hall: &Hall, space: SpaceId, headers: &HeaderMap) -> Result<Self, Failure> {
        let token = bearer(headers).or_else(|| cookie(headers, PERSON)).ok_or_else(service::identity::nobody)?;
        let actor = service::identity::actor(&hall.ctx, space, token)?;
        Ok(Self(actor.ok_or_else(service::identity::nobody)?))
    }
}

impl FromRequestParts<Hall> for Member {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, hall: &Hall) -> Result<Self, Failure> {
        Self::of(hall, In::of(&parts.extensions).0, &parts.headers)
    }
}

/// Put into a request by the API's guard: the program with a secret of its own that asks. Pages never see one.
#[derive(Debug, Clone)]
pub struct Client(pub Arc<Actor>);

/// Anybody: the person who is logged in, or a visitor. A token that nobody knows is refused all the same: its client believes it is logged in.
pub struct Caller(pub Arc<Actor>);

impl FromRequestParts<Hall> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, hall: &Hall) -> Result<Self, Failure> {
        let In(space) = In::of(&parts.extensions);
        if let Some(Client(actor)) = parts.extensions.get::<Client>() {
            return Ok(Self(actor.clone()));
        }
        if bearer(&parts.headers).is_some() {
            return Member::of(hall, space, &parts.headers).map(|Member(actor)| Self(actor));
        }
        let known = Member::of(hall, space, &parts.headers).ok().map(|Member(actor)| actor);
        Ok(Self(known.unwrap_or_else(|| Arc::new(Actor::visitor(space)))))
    }
}

/// A logged-in member of staff.
pub struct Staff(pub Actor);

fn not_logged_in() -> Failure {
    domain::refuse!(Unknown, "session.none", "Please log in.").into()
}

impl Staff {
    /// Reads who is logged in to a space from a request's headers.
    pub fn of(hall: &Hall, space: SpaceId, headers: &HeaderMap) -> Result<Self, Failure> {
        open(hall, space)?;
        let token = cookie(headers, SESSION).ok_or_else(not_logged_in)?;
        let actor = service::account::actor(&hall.ctx, space, token)?;
        actor.map(Self).ok_or_else(not_logged_in)
    }
}

impl FromRequestParts<Hall> for Staff {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, hall: &Hall) -> Result<Self, Failure> {
        let Self(actor) = Self::of(hall, In::of(&parts.extensions).0, &parts.headers)?;
        let path = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |original| original.0.path());
        if !is_own_page(path)
            && let Some(first) = service::account::rule::led(&hall.ctx, &actor)?
        {
            return Err(first.into());
        }
        Ok(Self(actor))
    }
}

/// The pages of one's own account, which whoever must choose a password or switch the second step on can reach all the same.
fn is_own_page(path: &str) -> bool {
    path == "/admin/session" || path.starts_with("/admin/session/") || path == "/logout"
}

/// Whoever scans: a paired terminal, or a member of staff.
pub enum Scanner {
    /// A paired terminal.
    Device(Arc<Actor>),
    /// A terminal that was shut out.
    Revoked(domain::DeviceId, domain::EventId),
    /// A member of staff, or a program of theirs.
    Staff(Arc<Actor>),
}

impl Scanner {
    /// Reads who scans in a space from a request's headers.
    pub fn of(hall: &Hall, space: SpaceId, headers: &HeaderMap) -> Result<Self, Failure> {
        open(hall, space)?;
        let bearer = bearer(headers);
        if let Some(token) = bearer.or_else(|| cookie(headers, DEVICE)) {
            match service::device::actor(&hall.ctx, space, token)? {
                Known::Device(actor) => return Ok(Self::Device(actor)),
                Known::Revoked(device, event) if bearer.is_some() || cookie(headers, SESSION).is_none() => {
                    return Ok(Self::Revoked(device, event));
                }
                Known::Revoked(..) | Known::Nobody => {}
            }
        }
        Staff::of(hall, space, headers).map(|Staff(actor)| Self::Staff(Arc::new(actor)))
    }
}

impl FromRequestParts<Hall> for Scanner {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, hall: &Hall) -> Result<Self, Failure> {
        if let Some(Client(actor)) = parts.extensions.get::<Client>() {
            return Ok(Self::Staff(actor.clone()));
        }
        Self::of(hall, In::of(&parts.extensions).0, &parts.headers)
    }
}

/// The refusal for a terminal that was shut out.
pub fn shut_out() -> Refusal {
    domain::refuse!(Denied, "device.revoked", "This terminal is shut out for good. Set up a new one.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_reads_what_it_wants_most_of_what_there_is() {
        for (header, wanted) in [
            ("en", Some(Lang::En)),
            ("zh-CN,zh;q=0.9,en;q=0.8", Some(Lang::Zh)),
            ("en-US,en;q=0.9,zh-CN;q=0.95", Some(Lang::En)),
            ("fr, zh;q=0.5, en;q=0.7", Some(Lang::En)),
            ("zh;q=0, en;q=0.1", Some(Lang::En)),
            ("fr", None),
            ("*", None),
            ("enx", None),
            ("en;q=2", None),
            ("en;q=x", None),
            ("", None),
        ] {
            assert_eq!(wanted_lang(header), wanted, "{header}");
        }
    }

    #[test]
    fn a_browser_with_a_log_in_has_its_own_choice() {
        let lang = |cookies: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, header::HeaderValue::from_static("en"));
            headers.insert(header::COOKIE, header::HeaderValue::try_from(cookies).unwrap());
            client_lang(&headers)
        };
        assert_eq!(lang("x=y"), Some(Lang::En));
        assert_eq!(lang("hall_device=x"), None);
        assert_eq!(lang("hall_session=x; hall_language=zh-CN"), Some(Lang::Zh));
    }
}

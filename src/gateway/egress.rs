//! The one way out: an HTTP client with time-outs, limits, retries of what may be repeated, a circuit breaker for each base address, and an
//! account of what may have happened when there was no good answer. What is sent never shows in logs or in `Debug`.

use crate::{
    address::{is_house, is_public},
    breaker::Breaker,
};
use bytes::{Bytes, BytesMut};
use domain::{Time, outbox::Outcome, time::SECOND};
use flow::Body;
use reqwest::{
    Client, Method, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

mod flow;
pub use flow::{Flow, Slice};

/// How long setting up a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a call may take unless it says otherwise, attempts of one call together.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Most bytes of an answer unless the call says otherwise.
const ANSWER_MAX: usize = 1 << 20;
/// Attempts of a call that may be repeated.
const ATTEMPTS: u32 = 3;
/// The pause before the first repetition; four times as long before each further one, give or take a half.
const PAUSE_MILLIS: u64 = 200;
/// An unused connection is not trusted longer: the other side may be about to close it.
const IDLE: Duration = Duration::from_secs(15);
/// Longest wait that an answer may ask for.
const RETRY_AFTER_MAX: i64 = 3_600 * SECOND;

/// What the way out needs of the box: its clock and its chance.
#[derive(Clone)]
pub struct Tools {
    /// The instant now.
    pub now: Arc<dyn Fn() -> Time + Send + Sync>,
    /// A random number, for pauses.
    pub chance: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// Who named the address of a call, and so where it may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The protocol or the box's administrator: any host by TLS, and this box itself without.
    Configured,
    /// The box's administrator, who may name another machine of the house: any host by TLS, and addresses of the house's own network without.
    House,
    /// Somebody who may not look into the box's network: public addresses by TLS only.
    Public,
}

/// One request.
#[derive(Clone)]
pub struct Call {
    label: &'static str,
    method: Method,
    base: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Body,
    reach: Reach,
    repeatable: bool,
    timeout: Duration,
    stall: Option<Duration>,
    answer_max: usize,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}, {} bytes)", self.method, host(&self.base), self.label, self.body.len())
    }
}

/// Scheme and host of a base: what may be logged of it.
fn host(base: &str) -> String {
    Url::parse(base).map_or_else(|_| "no address".into(), |url| url.origin().ascii_serialization())
}

impl Call {
    /// A call of any method; it may be repeated unless it is a POST.
    pub(crate) fn new(method: Method, label: &'static str, base: &str, path: &str) -> Self {
        let repeatable = method != Method::POST;
        Self {
            label,
            method,
            // A base that is the whole address stays as it is.
            base: if path.starts_with('/') { base.trim_end_matches('/') } else { base }.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Whole(Bytes::new()),
            reach: Reach::Configured,
            repeatable,
            timeout: TIMEOUT,
            stall: None,
            answer_max: ANSWER_MAX,
        }
    }

    /// A GET, which may be repeated. `label` names it in logs; `base` is scheme, host and perhaps the beginning of the path, `path` goes on with a slash.
    pub fn get(label: &'static str, base: &str, path: &str) -> Self {
        Self::new(Method::GET, label, base, path)
    }

    /// A HEAD, which may be repeated.
    pub fn head(label: &'static str, base: &str, path: &str) -> Self {
        Self::new(Method::HEAD, label, base, path)
    }

    /// A POST, which is sent once unless [`Self::repeatable`].
    pub fn post(label: &'static str, base: &str, path: &str, kind: &str, body: impl Into<Bytes>) -> Self {
        let call = Self { body: Body::Whole(body.into()), ..Self::new(Method::POST, label, base, path) };
        call.header("content-type", kind)
    }

    /// A POST of JSON.
    pub fn json(label: &'static str, base: &str, path: &str, body: &serde_json::Value) -> Self {
        Self::post(label, base, path, "application/json", body.to_string())
    }

    /// A POST of a form.
    pub fn form(label: &'static str, base: &str, path: &str, fields: &[(&str, &str)]) -> Self {
        let mut body = Url::parse("http://x/").ok();
        let text = body.as_mut().and_then(|url| {
            url.query_pairs_mut().extend_pairs(fields);
            url.query().map(str::to_owned)
        });
        Self::post(label, base, path, "application/x-www-form-urlencoded", text.unwrap_or_default())
    }

    /// Adds a pair to the query, encoded.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// It does no harm to send it twice: the other side knows it by a key, or it only asks.
    pub fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }

    /// It is sent once.
    pub(crate) fn once(self) -> Self {
        Self { repeatable: false, ..self }
    }

    /// With a body.
    pub(crate) fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: Body::Whole(body.into()), ..self }
    }

    /// With a part of a file as its body, which is read while it is sent.
    pub(crate) fn slice(self, slice: Slice) -> Self {
        Self { body: Body::Slice(slice), ..self }
    }

    /// Gives up when nothing moves for so long, however long all of it may take.
    pub(crate) fn stall(self, stall: Duration) -> Self {
        Self { stall: Some(stall), ..self }
    }

    /// Where it may lead.
    pub fn reach(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// How long it may take, repetitions included.
    pub fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Most bytes of its answer.
    pub fn answer_max(self, answer_max: usize) -> Self {
        Self { answer_max, ..self }
    }
}

/// An answer.
#[derive(Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers in the order they came, names in lower case; what is no text is left out.
    pub headers: Vec<(String, String)>,
    /// The body as it came: signatures are over these bytes.
    pub body: Bytes,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

impl Reply {
    /// The first header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(kept, _)| kept == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON of that shape. An answer that cannot be read says nothing about what was done.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Trouble> {
        serde_json::from_slice(&self.body).map_err(|error| Trouble {
            reply: Some(self.clone()),
            ..Trouble::new(Done::Unknown, format!("the answer cannot be read: {error}"))
        })
    }
}

/// What is known of a call that got no good answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Certainly nothing happened; it may be tried again.
    Not,
    /// It may have happened.
    Unknown,
    /// The other side said no; the same call will get the same answer.
    Refused,
}

/// Why there was no good answer, and what may have happened.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// What is known.
    pub done: Done,
    /// What was wrong, for people; names nothing that was sent.
    pub why: String,
    /// The answer, where there was one.
    pub reply: Option<Reply>,
    /// Milliseconds that the other side, or the breaker, asks to wait.
    pub retry_after: Option<i64>,
}

impl Trouble {
    /// A trouble without an answer.
    pub fn new(done: Done, why: impl Into<String>) -> Self {
        Self { done, why: why.into(), reply: None, retry_after: None }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Trouble {}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Self {
        match trouble.done {
            Done::Not => Self::Not { why: trouble.why, after: trouble.retry_after },
            Done::Unknown => Self::Unknown(trouble.why),
            Done::Refused => Self::Refused(trouble.why),
        }
    }
}

/// Looks names up and gives only addresses that a call of this reach may lead to.
struct Guarded;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // A name with one private address among its public ones is no slip: nothing of it is trusted.
            if found.iter().any(|address| !is_public(address.ip())) {
                return Err("the name leads into a private network".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The way out. Cheap to clone; clones share connections and breaker.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    configured: Client,
    public: Client,
    private_allowed: bool,
    breaker: Mutex<Breaker>,
    tools: Tools,
}

fn client(guarded: bool, roots: rustls::RootCertStore) -> Result<Client, Trouble> {
    let wrong = |error: &dyn fmt::Display| Trouble::new(Done::Not, format!("the way out cannot be set up: {error}"));
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("huiguan/", env!("CARGO_PKG_VERSION")));
    let builder = if guarded { builder.dns_resolver(Guarded) } else { builder };
    builder.build().map_err(|error| wrong(&error))
}

impl Egress {
    /// The way out. With `private_allowed`, calls of [`Reach::Public`] may lead into the box's own network too.
    pub fn new(tools: Tools, private_allowed: bool) -> Result<Self, Trouble> {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::with(tools, private_allowed, roots)
    }

    /// A way out that believes these roots: for authorities and servers of a test's own.
    pub(crate) fn with(tools: Tools, private_allowed: bool, roots: rustls::RootCertStore) -> Result<Self, Trouble> {
        Ok(Self(Arc::new(Inner {
            configured: client(false, roots.clone())?,
            public: client(!private_allowed, roots)?,
            private_allowed,
            breaker: Mutex::default(),
            tools,
        })))
    }

    /// Sends a call; answers with a reply of status 2xx, or what went wrong. Calls that may be repeated are, a few times; longer patience
    /// is for whoever keeps the call on disk.
    pub async fn send(&self, call: Call) -> Result<Reply, Trouble> {
        self.tried(&call, false).await.map(|(reply, _)| reply)
    }

    /// Sends a call whose answer is read piece by piece, whatever its length.
    pub async fn open(&self, call: Call) -> Result<Flow, Trouble> {
        match self.tried(&call, true).await? {
            (reply, Some(answer)) => Ok(Flow::new(reply, answer, call.stall.unwrap_or(TIMEOUT))),
            _ => Err(Trouble::new(Done::Unknown, "the answer is gone")),
        }
    }

    /// The instant now.
    pub(crate) fn now(&self) -> Time {
        (self.0.tools.now)()
    }

    async fn tried(&self, call: &Call, flows: bool) -> Result<(Reply, Option<reqwest::Response>), Trouble> {
        let url = self.url(call)?;
        let base = url.origin().ascii_serialization();
        let ends = tokio::time::Instant::now() + call.timeout;
        let mut attempt = 0;
        loop {
            self.admit(&base)?;
            let one = tokio::time::timeout_at(ends, self.once(call, url.clone(), flows)).await;
            let answer = one.unwrap_or_else(|_| Err(Trouble::new(Done::Unknown, "no answer in time")));
            let well =
                !matches!(&answer, Err(trouble) if trouble.done != Done::Refused && trouble.retry_after.is_none());
            self.breaker(|breaker, now| breaker.note(&base, well, now));
            let status = match &answer {
                Ok((reply, _)) => Some(reply.status),
                Err(trouble) => trouble.reply.as_ref().map(|reply| reply.status),
            };
            tracing::debug!(host = base, call = call.label, status, attempt, "called");
            let again =
                matches!(&answer, Err(trouble) if trouble.done != Done::Refused && trouble.retry_after.is_none());
            attempt += 1;
            let pause = self.pause(attempt);
            if !again || !call.repeatable || attempt >= ATTEMPTS || tokio::time::Instant::now() + pause >= ends {
                if let Err(trouble) = &answer {
                    tracing::warn!(host = base, call = call.label, status, why = trouble.why, "a call failed");
                }
                return answer;
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Whether calls of [`Reach::Public`] may lead into the box's own network.
    pub fn private_allowed(&self) -> bool {
        self.0.private_allowed
    }

    /// Base addresses that are left alone for a while because calls failed again and again.
    pub fn left_alone(&self) -> Vec<String> {
        self.breaker(|breaker, now| breaker.open(now))
    }

    fn breaker<T>(&self, f: impl FnOnce(&mut Breaker, Time) -> T) -> T {
        let now = (self.0.tools.now)();
        f(&mut self.0.breaker.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    fn admit(&self, base: &str) -> Result<(), Trouble> {
        self.breaker(|breaker, now| breaker.admit(base, now)).map_err(|wait| Trouble {
            retry_after: Some(wait),
            ..Trouble::new(Done::Not, "left alone for a while: the last calls failed")
        })
    }

    fn pause(&self, attempt: u32) -> Duration {
        let middle = PAUSE_MILLIS.saturating_mul(4u64.saturating_pow(attempt.saturating_sub(1)));
        Duration::from_millis(middle / 2 + (self.0.tools.chance)() % middle.max(1))
    }

    /// The whole address, when the call may lead there.
    fn url(&self, call: &Call) -> Result<Url, Trouble> {
        let refused = |why: &str| Trouble::new(Done::Refused, why);
        let mut url = Url::parse(&format!("{}{}", call.base, call.path)).map_err(|_| refused("this is no address"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("an address must not hold a password"));
        }
        let literal = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok());
        let local = literal.is_some_and(|address| address.is_loopback()) || url.host_str() == Some("localhost");
        let (https, http) = (url.scheme() == "https", url.scheme() == "http");
        let allowed = match call.reach {
            Reach::Configured => https || (http && local),
            Reach::House => https || (http && (local || literal.is_some_and(is_house))),
            Reach::Public if self.0.private_allowed => https || http,
            Reach::Public => https && literal.is_none_or(is_public),
        };
        if !allowed {
            return Err(refused("this address may not be called: only public ones by https"));
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        Ok(url)
    }

    async fn once(&self, call: &Call, url: Url, flows: bool) -> Result<(Reply, Option<reqwest::Response>), Trouble> {
        let client = if call.reach == Reach::Public { &self.0.public } else { &self.0.configured };
        let (body, moved) = call.body.open().await?;
        let mut request = client.request(call.method.clone(), url).body(body);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Body::Slice(slice) = &call.body {
            // An empty one says so too.
            request = request.header("content-length", slice.length);
        }
        let sent = async { request.send().await.map_err(lost) };
        let mut answer = match call.stall {
            Some(stall) => flow::moving(sent, &moved, stall).await?,
            None => sent.await?,
        };
        let mut reply = Reply { status: answer.status().as_u16(), headers: Vec::new(), body: Bytes::new() };
        for (name, value) in answer.headers() {
            if let Ok(value) = value.to_str() {
                reply.headers.push((name.as_str().to_owned(), value.to_owned()));
            }
        }
        if flows && (200..300).contains(&reply.status) {
            return Ok((reply, Some(answer)));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > call.answer_max {
                return Err(Trouble::new(Done::Unknown, "the answer is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        reply.body = body.freeze();
        judge(reply).map(|reply| (reply, None))
    }
}

/// The text of an error and its causes, without the address.
fn text(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text.chars().take(300).collect()
}

/// A request that got no answer.
fn lost(error: reqwest::Error) -> Trouble {
    let done = match (error.is_builder(), error.is_connect()) {
        (true, _) => Done::Refused,
        (_, true) => Done::Not,
        _ => Done::Unknown,
    };
    Trouble::new(done, text(error))
}

/// An answer that broke off.
fn broken(error: reqwest::Error) -> Trouble {
    Trouble::new(Done::Unknown, text(error))
}

/// What a status means.
fn judge(reply: Reply) -> Result<Reply, Trouble> {
    let (done, why) = match reply.status {
        200..=299 => return Ok(reply),
        300..=399 => (Done::Refused, "it leads elsewhere, which is not followed"),
        429 => (Done::Not, "too many calls"),
        408 => (Done::Unknown, "the other side timed out"),
        400..=499 => (Done::Refused, "refused"),
        _ => (Done::Unknown, "the other side failed"),
    };
    let asked = reply.header("retry-after").and_then(|value| value.trim().parse::<i64>().ok());
    let retry_after =
        asked.filter(|seconds| *seconds >= 0).map(|seconds| seconds.saturating_mul(SECOND).min(RETRY_AFTER_MAX));
    let retry_after = if reply.status == 429 { retry_after.or(Some(SECOND)) } else { retry_after };
    let why = format!("{why} (status {})", reply.status);
    let retry_after = retry_after.filter(|_| done != Done::Refused);
    Err(Trouble { done, why, reply: Some(reply), retry_after })
}

#[cfg(test)]
mod tests;

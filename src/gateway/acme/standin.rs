//! A stand-in of an ACME authority (RFC 8555): nonces that count once, signatures that are verified, accounts, orders, challenges that it really looks
//! at, requests for certificates that are checked, certificates of its own root. It refuses what a real one refuses.

use crate::standin::{Answered, Asked, Standin};
use data_encoding::BASE64URL_NOPAD;
use rcgen::{BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair};
use ring::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey},
};
use rustls_pki_types::CertificateSigningRequestDer;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Most bytes of an answer to a challenge.
const ANSWER_MAX: u64 = 8 << 10;

struct Order {
    account: usize,
    names: Vec<String>,
    /// For each name: its token, and whether the challenge was good, or what was wrong.
    checks: Vec<(String, Option<Result<(), String>>)>,
    certificate: Option<String>,
}

impl Order {
    fn status(&self) -> &'static str {
        if self.certificate.is_some() {
            "valid"
        } else if self.checks.iter().any(|(_, done)| matches!(done, Some(Err(_)))) {
            "invalid"
        } else if self.checks.iter().all(|(_, done)| done.is_some()) {
            "ready"
        } else {
            "pending"
        }
    }
}

#[derive(Default)]
struct State {
    base: String,
    made: u64,
    nonces: HashSet<String>,
    /// Keys of accounts: the point, and the thumbprint.
    accounts: Vec<(Vec<u8>, String)>,
    orders: Vec<Order>,
    bad_nonces: u32,
    limited: bool,
    badly: u32,
    days: Days,
}

struct Authority {
    state: Mutex<State>,
    /// Where port 80 of every name is.
    web: SocketAddr,
    /// The folder whose files are records of the DNS: name, and the value as content.
    records: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    root: String,
}

/// First and last day of certificates: year, month, day.
type Days = [(i32, u8, u8); 2];

/// A running authority; ends when it is dropped.
pub struct Acme {
    /// Address of its directory.
    pub directory: String,
    /// Its root, PEM.
    pub root: String,
    authority: Arc<Authority>,
    _standin: Standin,
}

type Problem = (u16, &'static str, String);

fn problem(status: u16, kind: &'static str, said: impl Into<String>) -> Problem {
    (status, kind, said.into())
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or("")
}

fn decoded(text: &str) -> Result<Vec<u8>, Problem> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| problem(400, "malformed", "not base64url"))
}

fn parsed(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes).map_err(|_| problem(400, "malformed", "not JSON"))
}

/// A request whose signature and nonce are right: its payload, and the account, where there is one by now.
struct Signed {
    payload: Option<Value>,
    point: Vec<u8>,
    thumbprint: String,
    account: Option<usize>,
}

impl Acme {
    /// Starts one. `web` is where port 80 of every name is, `records` a folder of the DNS's records, `days` when certificates begin and end.
    pub async fn start(web: SocketAddr, records: PathBuf, days: Days) -> std::io::Result<Self> {
        let wrong = |error: rcgen::Error| std::io::Error::other(error.to_string());
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().map_err(wrong)?;
        let root = params.self_signed(&key).map_err(wrong)?.pem();
        let issuer = Issuer::new(params, key);
        let state = Mutex::default();
        let authority = Arc::new(Authority { state, web, records, issuer, root: root.clone() });
        let answering = authority.clone();
        let standin = Standin::start(move |asked| answering.answer(&answering, &asked)).await?;
        {
            let mut state = authority.state();
            (state.base, state.days) = (standin.base.clone(), days);
        }
        Ok(Self { directory: format!("{}/directory", standin.base), root, authority, _standin: standin })
    }

    /// The next so many requests are told that their nonce is a bad one.
    pub fn refuse_nonces(&self, count: u32) {
        self.authority.state().bad_nonces = count;
    }

    /// When certificates begin and end from now on.
    pub fn set_days(&self, days: Days) {
        self.authority.state().days = days;
    }

    /// New orders are too many from now on, or no longer.
    pub fn limit(&self, limited: bool) {
        self.authority.state().limited = limited;
    }

    /// Accounts and orders so far, and requests that were badly signed or used a nonce twice.
    pub fn counts(&self) -> (usize, usize, u32) {
        let state = self.authority.state();
        (state.accounts.len(), state.orders.len(), state.badly)
    }
}

impl Authority {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nonce(&self) -> String {
        let mut state = self.state();
        state.made += 1;
        let nonce = BASE64URL_NOPAD.encode(digest(&SHA256, &state.made.to_be_bytes()).as_ref());
        state.nonces.insert(nonce.clone());
        nonce
    }

    fn answer(&self, this: &Arc<Self>, asked: &Asked) -> Answered {
        let answered = match self.route(this, asked) {
            Ok(answered) => answered,
            Err((status, kind, said)) => {
                let kind = format!("urn:ietf:params:acme:error:{kind}");
                let body = json!({ "type": kind, "detail": said, "status": status });
                Answered::status(status, body.to_string()).header("content-type", "application/problem+json")
            }
        };
        answered.header("replay-nonce", &self.nonce())
    }

    fn route(&self, this: &Arc<Self>, asked: &Asked) -> Result<Answered, Problem> {
        let base = self.state().base.clone();
        let parts: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
        let number = |at: usize| parts.get(at).and_then(|part| part.parse::<usize>().ok());
        if asked.method != "POST" {
            return match parts.first() {
                Some(&"directory") => Ok(Answered::json(&json!({
                    "newNonce": format!("{base}/nonce"), "newAccount": format!("{base}/account"), "newOrder": format!("{base}/order"),
                    "revokeCert": format!("{base}/revoke"), "keyChange": format!("{base}/key"),
                }))),
                Some(&"nonce") => Ok(Answered::status(200, "")),
                _ => Err(problem(405, "malformed", "POST as GET is asked for")),
            };
        }
        let signed = self.signed(asked, &format!("{base}{}", asked.path))?;
        match (parts.first().copied(), number(1), parts.get(2).copied()) {
            (Some("account"), None, _) => self.account(signed, &base),
            (Some("order"), None, _) => self.order(&signed, &base),
            (Some("order"), Some(order), _) => self.owned(&signed, order, |of| Ok(shown(of, order, &base))),
            (Some("authz"), Some(order), Some(name)) => {
                self.owned(&signed, order, |of| authorization(of, order, name, &base))
            }
            (Some("chal"), Some(order), Some(name)) => {
                let kind = parts.get(3).copied().unwrap_or("").to_owned();
                self.begin(this, &signed, order, name, kind)?;
                self.owned(&signed, order, |of| challenge(of, order, name, parts.get(3).copied().unwrap_or(""), &base))
                    .map(|answered| answered.header("link", &format!("<{base}/authz/{order}/{name}>;rel=\"up\"")))
            }
            (Some("finalize"), Some(order), _) => self.finalize(&signed, order, &base),
            (Some("cert"), Some(order), _) => self.owned(&signed, order, |of| {
                let chain = of.certificate.clone().ok_or_else(|| problem(404, "malformed", "not yet"))?;
                Ok(Answered::status(200, chain).header("content-type", "application/pem-certificate-chain"))
            }),
            _ => Err(problem(404, "malformed", "no such resource")),
        }
    }

    /// Checks a request's envelope (RFC 8555, 6.2 to 6.5).
    fn signed(&self, asked: &Asked, url: &str) -> Result<Signed, Problem> {
        let checked = self.checked(asked, url);
        if checked.is_err() {
            self.state().badly += 1;
        }
        checked
    }

    fn checked(&self, asked: &Asked, url: &str) -> Result<Signed, Problem> {
        if asked.header("content-type") != "application/jose+json" {
            return Err(problem(415, "malformed", "not application/jose+json"));
        }
        let envelope = parsed(&asked.body)?;
        let (head, payload) = (text(&envelope, "protected"), text(&envelope, "payload"));
        let protected = parsed(&decoded(head)?)?;
        if text(&protected, "url") != url || text(&protected, "alg") != "ES256" {
            return Err(problem(401, "unauthorized", "signed for another address, or by another algorithm"));
        }
        let mut state = self.state();
        if state.bad_nonces > 0 || !state.nonces.remove(text(&protected, "nonce")) {
            state.bad_nonces = state.bad_nonces.saturating_sub(1);
            return Err(problem(400, "badNonce", "the nonce was used or never given"));
        }
        let (point, thumbprint, account) = match protected.get("jwk") {
            Some(jwk) => {
                let (x, y) = (text(jwk, "x"), text(jwk, "y"));
                let point = [vec![4], decoded(x)?, decoded(y)?].concat();
                // RFC 7638: members in order, no blanks.
                let canonical = format!("{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{x}\",\"y\":\"{y}\"}}");
                let thumbprint = BASE64URL_NOPAD.encode(digest(&SHA256, canonical.as_bytes()).as_ref());
                let known = state.accounts.iter().position(|(kept, _)| *kept == point);
                (point, thumbprint, known)
            }
            None => {
                let known = text(&protected, "kid").rsplit('/').next().and_then(|number| number.parse::<usize>().ok());
                let of = known.and_then(|known| state.accounts.get(known)).cloned();
                let (point, thumbprint) = of.ok_or_else(|| problem(400, "accountDoesNotExist", "no such account"))?;
                (point, thumbprint, known)
            }
        };
        let message = format!("{head}.{payload}");
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
            .verify(message.as_bytes(), &decoded(text(&envelope, "signature"))?)
            .map_err(|_| problem(401, "unauthorized", "the signature is wrong"))?;
        let payload = if payload.is_empty() { None } else { Some(parsed(&decoded(payload)?)?) };
        Ok(Signed { payload, point, thumbprint, account })
    }

    fn account(&self, signed: Signed, base: &str) -> Result<Answered, Problem> {
        let agreed = signed.payload.as_ref().and_then(|payload| payload.get("termsOfServiceAgreed")?.as_bool());
        if agreed != Some(true) {
            return Err(problem(403, "userActionRequired", "the terms were not agreed to"));
        }
        let mut state = self.state();
        let (number, status) = match signed.account {
            Some(known) => (known, 200),
            None => {
                state.accounts.push((signed.point, signed.thumbprint));
                (state.accounts.len() - 1, 201)
            }
        };
        let body = json!({ "status": "valid", "orders": format!("{base}/orders/{number}") });
        Ok(Answered { status, ..Answered::json(&body) }.header("location", &format!("{base}/account/{number}")))
    }

    fn order(&self, signed: &Signed, base: &str) -> Result<Answered, Problem> {
        let account = signed.account.ok_or_else(|| problem(401, "unauthorized", "no account"))?;
        let mut state = self.state();
        if state.limited {
            return Err(problem(429, "rateLimited", "too many certificates for these names this week"));
        }
        let asked = signed.payload.as_ref().and_then(|payload| payload.get("identifiers")?.as_array().cloned());
        let names: Vec<String> = asked.unwrap_or_default().iter().map(|one| text(one, "value").to_owned()).collect();
        if let Some(name) = names.iter().find(|name| !name.contains('.') || name.ends_with(".local")) {
            return Err(problem(400, "rejectedIdentifier", format!("no certificates for {name}")));
        }
        if names.is_empty() {
            return Err(problem(400, "malformed", "no names"));
        }
        let number = state.orders.len();
        let token =
            |name: &String| BASE64URL_NOPAD.encode(digest(&SHA256, format!("{number} {name}").as_bytes()).as_ref());
        let checks = names.iter().map(|name| (token(name), None)).collect();
        let order = Order { account, names, checks, certificate: None };
        let answered = shown(&order, number, base);
        state.orders.push(order);
        Ok(Answered { status: 201, ..answered })
    }

    fn owned(
        &self,
        signed: &Signed,
        order: usize,
        of: impl FnOnce(&Order) -> Result<Answered, Problem>,
    ) -> Result<Answered, Problem> {
        let state = self.state();
        let found = state.orders.get(order).filter(|found| Some(found.account) == signed.account);
        of(found.ok_or_else(|| problem(404, "malformed", "no such order"))?)
    }

    /// Looks at a challenge, aside: the order says later what came of it.
    fn begin(&self, this: &Arc<Self>, signed: &Signed, order: usize, name: &str, kind: String) -> Result<(), Problem> {
        let Ok(at) = name.parse::<usize>() else { return Err(problem(404, "malformed", "no such challenge")) };
        let state = self.state();
        let of = state.orders.get(order).filter(|of| Some(of.account) == signed.account);
        let found = of.and_then(|of| Some((of.names.get(at)?.clone(), of.checks.get(at)?.clone())));
        let Some((name, (token, done))) = found else { return Err(problem(404, "malformed", "no such challenge")) };
        // A POST as GET only looks.
        if signed.payload.is_none() || done.is_some() {
            return Ok(());
        }
        let (this, expected) = (this.clone(), format!("{token}.{}", signed.thumbprint));
        tokio::spawn(async move {
            let looked = match kind.as_str() {
                "http-01" => this.fetch(&name, &token, &expected).await,
                _ => this.look_up(&name, &expected),
            };
            let mut state = this.state();
            if let Some((_, done)) = state.orders.get_mut(order).and_then(|of| of.checks.get_mut(at)) {
                *done = Some(looked);
            }
        });
        Ok(())
    }

    /// Fetches the token from port 80 of the name (RFC 8555, 8.3).
    async fn fetch(&self, name: &str, token: &str, expected: &str) -> Result<(), String> {
        let path = format!("{}{token}", super::CHALLENGES);
        let refused = |error: std::io::Error| format!("Fetching http://{name}{path}: {error}");
        let mut stream = TcpStream::connect(self.web).await.map_err(refused)?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.map_err(refused)?;
        let mut answer = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut answer).await.map_err(refused)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        if head.starts_with("HTTP/1.1 200") && body.trim() == expected {
            return Ok(());
        }
        Err(format!("Invalid response from http://{name}{path}: {}", head.lines().next().unwrap_or("nothing")))
    }

    /// Looks for the record (RFC 8555, 8.4).
    fn look_up(&self, name: &str, expected: &str) -> Result<(), String> {
        let record = format!("_acme-challenge.{}", name.trim_start_matches("*."));
        let value = BASE64URL_NOPAD.encode(digest(&SHA256, expected.as_bytes()).as_ref());
        match std::fs::read_to_string(self.records.join(&record)) {
            Ok(text) if text.trim() == value => Ok(()),
            Ok(_) => Err(format!("Incorrect TXT record found at {record}")),
            Err(_) => Err(format!("No TXT record found at {record}")),
        }
    }

    fn finalize(&self, signed: &Signed, order: usize, base: &str) -> Result<Answered, Problem> {
        let csr = decoded(signed.payload.as_ref().map_or("", |payload| text(payload, "csr")))?;
        let mut state = self.state();
        let days = state.days;
        let of = state.orders.get_mut(order).filter(|of| Some(of.account) == signed.account);
        let of = of.ok_or_else(|| problem(404, "malformed", "no such order"))?;
        if of.status() != "ready" {
            return Err(problem(403, "orderNotReady", "the order is not ready"));
        }
        let bad = |_| problem(400, "badCSR", "the request cannot be read or is not signed by its key");
        let mut request =
            CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(csr)).map_err(bad)?;
        let mut asked: Vec<String> = request
            .params
            .subject_alt_names
            .iter()
            .filter_map(|name| match name {
                rcgen::SanType::DnsName(name) => Some(name.as_str().to_owned()),
                _ => None,
            })
            .collect();
        let mut names = of.names.clone();
        asked.sort();
        names.sort();
        if asked != names {
            return Err(problem(400, "badCSR", "the request is for other names than the order"));
        }
        let date = |(year, month, day): (i32, u8, u8)| rcgen::date_time_ymd(year, month, day);
        let [begins, ends] = days;
        (request.params.not_before, request.params.not_after) = (date(begins), date(ends));
        let made = request.signed_by(&self.issuer).map_err(bad)?;
        of.certificate = Some(format!("{}{}", made.pem(), self.root));
        Ok(shown(of, order, base))
    }
}

/// An order as clients see it.
fn shown(of: &Order, number: usize, base: &str) -> Answered {
    let names: Vec<Value> = of.names.iter().map(|name| json!({ "type": "dns", "value": name })).collect();
    let authorizations: Vec<String> = (0..of.names.len()).map(|at| format!("{base}/authz/{number}/{at}")).collect();
    let mut body = json!({
        "status": of.status(), "identifiers": names, "authorizations": authorizations, "finalize": format!("{base}/finalize/{number}"),
    });
    if let (Some(_), Some(body)) = (&of.certificate, body.as_object_mut()) {
        body.insert("certificate".into(), format!("{base}/cert/{number}").into());
    }
    Answered::json(&body).header("location", &format!("{base}/order/{number}"))
}

fn state_of(done: &Option<Result<(), String>>) -> &'static str {
    match done {
        None => "pending",
        Some(Ok(())) => "valid",
        Some(Err(_)) => "invalid",
    }
}

fn one(of: &Order, order: usize, at: &str, kind: &str, base: &str) -> Option<Value> {
    let (token, done) = of.checks.get(at.parse::<usize>().ok()?)?;
    let url = format!("{base}/chal/{order}/{at}/{kind}");
    let mut body = json!({ "type": kind, "url": url, "token": token, "status": state_of(done) });
    if let (Some(Err(why)), Some(body)) = (done, body.as_object_mut()) {
        let error = json!({ "type": "urn:ietf:params:acme:error:unauthorized", "detail": why, "status": 403 });
        body.insert("error".into(), error);
    }
    Some(body)
}

fn challenge(of: &Order, order: usize, at: &str, kind: &str, base: &str) -> Result<Answered, Problem> {
    let found = one(of, order, at, kind, base);
    Ok(Answered::json(&found.ok_or_else(|| problem(404, "malformed", "no such challenge"))?))
}

fn authorization(of: &Order, order: usize, at: &str, base: &str) -> Result<Answered, Problem> {
    let missing = || problem(404, "malformed", "no such authorization");
    let number: usize = at.parse().map_err(|_| missing())?;
    let (name, (_, done)) = of.names.get(number).zip(of.checks.get(number)).ok_or_else(missing)?;
    let challenges: Vec<Value> =
        ["http-01", "dns-01"].iter().filter_map(|kind| one(of, order, at, kind, base)).collect();
    let bare = name.trim_start_matches("*.");
    let body = json!({
        "status": state_of(done), "identifier": { "type": "dns", "value": bare }, "challenges": challenges, "wildcard": bare != name,
    });
    Ok(Answered::json(&body))
}

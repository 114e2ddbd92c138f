//! Requests of any form at a whole hall, by the bytes that come in at its listener.

use crate::runtime;
use axum::{body::Body, http::Request};
use domain::{SpaceId, Time, event::EventInput, time::HOUR};
use hyper_util::rt::TokioIo;
use service::{Clock, Ctx, Error, Random, account, event, file::Files, seal::Sealer, space};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;
use store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use web::{ApiSettings, App, Hall, Parts, Peer, Settings};

/// Login and password of the administrator.
pub(crate) const LOGIN: (&str, &str) = ("admin", "correct horse battery staple");
/// A hall is made anew after so many requests, so that what they leave behind has an end.
const REQUESTS: u64 = 2_000;
/// The longest that an answer may take to begin.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing may come before an answer counts as whole: streams have no end.
const QUIET: Duration = Duration::from_millis(50);
/// What stands for the administrator's session in a request, so that a corpus stays good whatever the session's token is.
pub(crate) const SESSION: &str = "{session}";
/// Most bytes of an answer that are looked at.
const ANSWER: usize = 1 << 16;

struct Hands;

impl Clock for Hands {
    fn now(&self) -> Time {
        Time(crate::NOW * 1_000)
    }
}

/// The same numbers in every run, so that what is found can be found again.
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Random for Dice {
    fn fill(&self, to: &mut [u8]) {
        for chunk in to.chunks_mut(8) {
            // The splitmix64 generator.
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            for (to, from) in chunk.iter_mut().zip((z ^ (z >> 31)).to_le_bytes()) {
                *to = from;
            }
        }
    }
}

/// A hall with one event.
struct Ready {
    app: App,
    /// The administrator's session.
    token: String,
    asked: u64,
    _folder: tempfile::TempDir,
}

async fn founded() -> Result<Ready, Error> {
    let folder = tempfile::tempdir().map_err(|error| Error::internal("a folder", error))?;
    let dice = Arc::new(Dice::new(7));
    let files = Files::open(folder.path())?;
    let ctx = Ctx::new(Store::memory(), Arc::new(Hands), dice, Sealer::new(&[9; 32])?, files);
    let hash = account::hash_password(&ctx, LOGIN.1).await?;
    space::found(&ctx, "协会", "Asia/Shanghai", "管理员", LOGIN.0, &hash).await?;
    let origin = account::Origin::default();
    let token = account::log_in(&ctx, SpaceId::ASSOCIATION, LOGIN.0, LOGIN.1, &origin).await?;
    if let Some(admin) = account::actor(&ctx, SpaceId::ASSOCIATION, &token)? {
        let zone = event::zone(&ctx, admin.space)?;
        let (from, to) = (ctx.now().plus(-HOUR).to_local(&zone), ctx.now().plus(HOUR).to_local(&zone));
        let input =
            EventInput { name: "年会".into(), starts: from.clone(), ends: to.clone(), ..EventInput::default() };
        let pictures = event::Pictures { cover: domain::event::Cover::Template(0), main: None };
        let id = event::create(&ctx, &admin, &input, &pictures, None, "免费票").await?;
        event::set_checkin(&ctx, &admin, id, &from, &to).await?;
        event::publish(&ctx, &admin, id).await?;
    }
    let settings = Settings { api: ApiSettings::new(Vec::new(), 0, 0), ..Settings::default() };
    let hall = Hall::new(Parts { ctx, setup: Arc::default(), settings, ports: Arc::default() });
    Ok(Ready { app: App::new(hall), token, asked: 0, _folder: folder })
}

/// What a connection gets for those bytes.
async fn served(app: App, bytes: &[u8]) -> Vec<u8> {
    let (mut near, far) = tokio::io::duplex(1 << 16);
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer { address: SocketAddr::from(([127, 0, 0, 1], 4_000)), secure: false });
        let app = app.clone();
        async move { Ok::<_, Infallible>(app.answer(request).await) }
    });
    // The client says that nothing more comes and waits for the answer: without this its end would call the answer off.
    let mut server = hyper::server::conn::http1::Builder::new();
    let connection = server.half_close(true).serve_connection(TokioIo::new(far), service);
    let mut ask = std::pin::pin!(async {
        let mut answer = Vec::new();
        if near.write_all(bytes).await.is_ok() && near.shutdown().await.is_ok() {
            let mut part = [0; 4_096];
            while answer.len() < ANSWER {
                let patience = if answer.is_empty() { PATIENCE } else { QUIET };
                match tokio::time::timeout(patience, near.read(&mut part)).await {
                    Ok(Ok(read)) if read > 0 => answer.extend_from_slice(part.get(..read).unwrap_or_default()),
                    _ => break,
                }
            }
        }
        answer
    });
    // What was answered before a connection ended is read all the same.
    tokio::select! { answer = &mut ask => answer, _ = connection => ask.await }
}

/// Hands a hall to `f`; founded anew when it was asked often enough.
fn with<T>(f: impl AsyncFnOnce(&mut Ready) -> T) -> Option<T> {
    static READY: Mutex<Option<Ready>> = Mutex::new(None);
    let mut kept = READY.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = runtime()?;
    runtime.block_on(async {
        if kept.as_ref().is_none_or(|ready| ready.asked >= REQUESTS) {
            let founded = founded().await;
            assert!(founded.is_ok(), "no hall can be founded: {:?}", founded.as_ref().err());
            *kept = founded.ok();
        }
        let ready = kept.as_mut()?;
        ready.asked += 1;
        Some(f(ready).await)
    })
}

/// The request with the session in its places.
fn logged_in(bytes: &[u8], token: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        match rest.strip_prefix(SESSION.as_bytes()) {
            Some(behind) => {
                out.extend_from_slice(token.as_bytes());
                rest = behind;
            }
            None => {
                out.push(*first);
                rest = behind;
            }
        }
    }
    out
}

/// The hall's answer to a request.
pub(crate) fn answer(bytes: &[u8]) -> Vec<u8> {
    let answer = with(async |ready: &mut Ready| served(ready.app.clone(), &logged_in(bytes, &ready.token)).await);
    answer.unwrap_or_default()
}

/// Bytes on a connection: whatever they ask, the hall answers, and never that something went wrong inside.
pub fn http(bytes: &[u8]) {
    let answer = answer(bytes);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "an answer of another protocol");
    // Of several requests each has an answer.
    let failed = answer.windows(12).any(|part| part == b"HTTP/1.1 500" || part == b"HTTP/1.0 500");
    assert!(!failed, "{}", String::from_utf8_lossy(&answer));
}

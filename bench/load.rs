//! The load: keep-alive HTTP/1.1 connections that send one request after another, on loopback only, for a bounded time or count.

use crate::{
    Done,
    secure::{Stream, Trust},
};
use memchr::memmem;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where a server is, and by TLS or not.
#[derive(Clone)]
pub struct Way {
    /// Host and port.
    pub address: String,
    /// Trusts the certificate, where there is one.
    pub trust: Option<Trust>,
}

impl<T: AsRef<str>> From<&T> for Way {
    fn from(address: &T) -> Self {
        Self { address: address.as_ref().to_owned(), trust: None }
    }
}

/// One connection.
pub struct Connection {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// An answer's status and body.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Everything before the body.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Longest answer that is read.
const ANSWER_MAX: usize = 256 << 20;
/// The longest that one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

impl Connection {
    /// Connects.
    pub async fn open(way: impl Into<Way>) -> Done<Self> {
        let way = way.into();
        let stream = tokio::time::timeout(PATIENCE, TcpStream::connect(way.address)).await??;
        stream.set_nodelay(true)?;
        let stream = match way.trust {
            Some(trust) => tokio::time::timeout(PATIENCE, trust.agree(stream)).await??,
            None => Box::new(stream),
        };
        Ok(Self { stream, buffer: Vec::with_capacity(16 << 10) })
    }

    /// Sends a whole request and reads its answer, within bounds.
    pub async fn ask(&mut self, request: &[u8]) -> Done<Answer> {
        tokio::time::timeout(PATIENCE, self.exchange(request)).await?
    }

    async fn exchange(&mut self, request: &[u8]) -> Done<Answer> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        let head_end = loop {
            if let Some(at) = memmem::find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(self.buffer.get(..head_end).unwrap_or(&[])).into_owned();
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or("no status")?;
        // RFC 9110 §6.4.1: these have no body, and 204 no length either.
        let bare = matches!(status, 204 | 304);
        let length = if bare { Some(0) } else { length_of(&head) };
        let length = length.filter(|length| *length <= ANSWER_MAX).ok_or("an answer without a length, or too long")?;
        while self.buffer.len() < head_end + length {
            self.more().await?;
        }
        let body = self.buffer.get(head_end..head_end + length).unwrap_or(&[]).to_vec();
        self.buffer.drain(..head_end + length);
        Ok(Answer { status, head, body })
    }

    async fn more(&mut self) -> Done<()> {
        if self.buffer.len() > ANSWER_MAX + (64 << 10) {
            return Err("the answer is too long".into());
        }
        let read = self.stream.read_buf(&mut self.buffer).await?;
        if read == 0 { Err("the connection was closed".into()) } else { Ok(()) }
    }
}

/// The length that a head tells.
fn length_of(head: &str) -> Option<usize> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })
}

/// A GET as bytes.
pub fn get(path: &str, cookie: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\ncookie: {cookie}\r\n\r\n").into_bytes()
}

/// What a load came to.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Answers.
    pub count: u64,
    /// Answers per second.
    pub rate: f64,
    /// Median time of one answer.
    pub p50: Duration,
    /// Time that 99 of 100 answers keep.
    pub p99: Duration,
}

impl Figures {
    /// Figures of all waiting times within a span.
    pub fn of(mut waits: Vec<Duration>, span: Duration) -> Self {
        waits.sort_unstable();
        let at = |share: f64| waits.get((waits.len() as f64 * share) as usize).copied().unwrap_or_default();
        let rate = waits.len() as f64 / span.as_secs_f64();
        Self { count: waits.len() as u64, rate, p50: at(0.50), p99: at(0.99) }
    }
}

/// On each of `connections`, sends requests as fast as they are answered, until there is none or the time is over. `next` makes
/// the request of a connection's turn; `each` looks at every answer, and what it says yes to is counted.
pub async fn storm<N, E>(
    way: impl Into<Way>,
    connections: u64,
    until: Duration,
    next: N,
    each: E,
) -> Done<(Figures, u64)>
where
    N: Fn(usize, usize) -> Option<Vec<u8>> + Clone + Send + Sync + 'static,
    E: Fn(&Answer) -> bool + Clone + Send + 'static,
{
    let (mut open, way) = (Vec::new(), way.into());
    for _ in 0..connections {
        open.push(Connection::open(way.clone()).await?);
    }
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (at, mut connection) in open.into_iter().enumerate() {
        let (next, each) = (next.clone(), each.clone());
        tasks.spawn(async move {
            let (mut waits, mut good) = (Vec::new(), 0);
            for request in (0..).map_while(|turn| next(at, turn)).take_while(|_| begun.elapsed() < until) {
                let asked = Instant::now();
                let answer = connection.ask(&request).await?;
                waits.push(asked.elapsed());
                good += u64::from(each(&answer));
            }
            Done::Ok((waits, good))
        });
    }
    let (mut waits, mut good) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        let (some, fine) = done??;
        waits.extend(some);
        good += fine;
    }
    Ok((Figures::of(waits, begun.elapsed()), good))
}

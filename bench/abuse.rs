//! Scans while others misuse the box: thousands of connections that say nothing, heads and bodies that come drop by drop, bodies of a gigabyte, floods of
//! headers, odd paths. What they cost the scans, and how much memory the hall takes meanwhile; it fails where either is too much.

use crate::{
    Done,
    checkin::{is_admitted, scan},
    fill::{Filled, fill},
    load::{Figures, storm},
    say,
    server::{Server, binary, indexed, is_sound},
};
use clap::Args;
use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What is measured.
#[derive(Args)]
pub struct Plan {
    /// Tickets of the event.
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(1_000..=5_000_000))]
    tickets: u64,
    /// Connections that say nothing.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(usize))]
    idle: usize,
    /// Connections of each other kind of misuse.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(usize))]
    bad: usize,
    /// Seconds of scans alone and beside misuse, in each round.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Rounds; the middle one counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=20))]
    rounds: u64,
}

/// Terminals that scan.
const TERMINALS: usize = 64;
/// How long a client that was turned away waits before it tries again: what is measured is the hall, not this program's own appetite.
const AGAIN: Duration = Duration::from_millis(250);
/// Share of the rate that has to be left.
const TARGET: f64 = 0.8;
/// Most memory of the hall in MiB: `MemoryMax` of its unit, behind which it would be ended.
const LIMIT: f64 = 1_024.0;

/// What misuse came to.
#[derive(Default)]
struct Counts {
    opened: AtomicU64,
    closed: AtomicU64,
    bytes: AtomicU64,
}

/// Kinds of misuse.
#[derive(Debug, Clone, Copy)]
enum Bad {
    /// Says nothing.
    Idle,
    /// A byte of a head every second.
    SlowHead,
    /// A byte of a body every second.
    SlowBody,
    /// A gigabyte with its length told.
    Gigabyte,
    /// A gigabyte in chunks.
    Chunks,
    /// Headers without an end.
    Headers,
    /// Paths that try to get elsewhere.
    Paths,
}

const KINDS: [Bad; 6] = [Bad::SlowHead, Bad::SlowBody, Bad::Gigabyte, Bad::Chunks, Bad::Headers, Bad::Paths];
const PATHS: [&str; 6] = [
    "/../../etc/passwd",
    "/asset/..%2f..%2f..%2fetc%2fpasswd",
    "/%00",
    "/m/99999999999999999999/admin",
    "//evil.example/",
    "/admin/event/1/registration?page=18446744073709551615",
];
/// Bytes of a piece.
const PIECE: usize = 64 << 10;
const GIGABYTE: usize = 1 << 30;

impl Bad {
    /// One connection's misbehaviour, until the hall ends it.
    async fn once(self, address: &str, counts: &Counts) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(address).await?;
        counts.opened.fetch_add(1, Ordering::Relaxed);
        let done = self.misbehave(&mut stream, counts).await;
        counts.closed.fetch_add(1, Ordering::Relaxed);
        done
    }

    async fn misbehave(self, stream: &mut TcpStream, counts: &Counts) -> std::io::Result<()> {
        let mut byte = [0; 1];
        match self {
            Self::Idle => drop(stream.read(&mut byte).await?),
            Self::SlowHead => drip(stream, b"POST /login HTTP/1.1\r\nhost: bench\r\nx-slow: ").await?,
            Self::SlowBody => {
                let head = b"POST /api/v1/checkin/redeem HTTP/1.1\r\nhost: bench\r\ncontent-length: 4000\r\n\r\n";
                stream.write_all(head).await?;
                drip(stream, b"").await?;
            }
            Self::Gigabyte => {
                let head = format!(
                    "POST /login HTTP/1.1\r\nhost: bench\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {GIGABYTE}\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).await?;
                pour(stream, &[b'a'; PIECE], counts).await?;
            }
            Self::Chunks => {
                stream
                    .write_all(
                        b"POST /api/v1/checkin/redeem HTTP/1.1\r\nhost: bench\r\ntransfer-encoding: chunked\r\n\r\n",
                    )
                    .await?;
                let chunk = [format!("{PIECE:x}\r\n").into_bytes(), vec![b'a'; PIECE], b"\r\n".to_vec()].concat();
                pour(stream, &chunk, counts).await?;
            }
            Self::Headers => {
                stream.write_all(b"GET / HTTP/1.1\r\nhost: bench\r\n").await?;
                pour(stream, "x-more: and more\r\n".repeat(1_000).as_bytes(), counts).await?;
            }
            Self::Paths => {
                for path in PATHS {
                    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").as_bytes()).await?;
                }
                let mut read = vec![0; PIECE];
                tokio::time::timeout(AGAIN, stream.read(&mut read)).await.ok().transpose()?;
            }
        }
        Ok(())
    }
}

/// A byte every second, until the other side has enough.
async fn drip(stream: &mut TcpStream, begin: &[u8]) -> std::io::Result<()> {
    stream.write_all(begin).await?;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stream.write_all(b"a").await?;
    }
}

/// Pieces until a gigabyte is sent, or the other side has enough.
async fn pour(stream: &mut TcpStream, piece: &[u8], counts: &Counts) -> std::io::Result<()> {
    let mut sent = 0;
    while sent < GIGABYTE {
        stream.write_all(piece).await?;
        sent += piece.len();
        counts.bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}

/// Lets this process open as many connections as it is allowed to.
fn open_files() -> Done<()> {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum;
    Ok(rustix::process::setrlimit(rustix::process::Resource::Nofile, limit)?)
}

fn misuse(address: &str, plan: &Plan, counts: &Arc<Counts>) -> JoinSet<()> {
    let mut all = JoinSet::new();
    let kinds = std::iter::repeat_n(Bad::Idle, plan.idle)
        .chain(KINDS.into_iter().flat_map(|kind| std::iter::repeat_n(kind, plan.bad)));
    for kind in kinds {
        let (address, counts) = (address.to_owned(), counts.clone());
        all.spawn(async move {
            loop {
                // To be turned away is what it comes for.
                drop(kind.once(&address, &counts).await);
                tokio::time::sleep(AGAIN).await;
            }
        });
    }
    all
}

async fn scans(
    hall: &Server,
    filled: &Arc<Filled>,
    scanned: &Arc<AtomicUsize>,
    span: Duration,
) -> Done<(Figures, u64)> {
    let (filled, scanned) = (filled.clone(), scanned.clone());
    let next = move |terminal: usize, _| {
        let at = scanned.fetch_add(1, Ordering::Relaxed);
        Some(scan(filled.tokens.get(terminal)?, filled.numbers.get(at)?, at))
    };
    storm(&hall.address, TERMINALS as u64, span, next, is_admitted).await
}

/// Whether misuse came to no more than it may. `kept`: the share of the rate that was left; `most`: memory in MiB at its highest.
fn judge(kept: f64, most: f64) -> Done<()> {
    match (kept >= TARGET, most <= LIMIT) {
        (true, true) => Ok(()),
        (_, false) => Err("the hall took more memory than its unit lets it have".into()),
        (false, true) => Err("misuse cost the scans too much of their rate".into()),
    }
}

/// Runs the bench.
pub async fn run(plan: &Plan) -> Done<()> {
    open_files()?;
    let binary = binary().await?;
    let folder = tempfile::tempdir()?;
    say(format!("filling {} tickets …", plan.tickets));
    let filled = Arc::new(fill(folder.path(), plan.tickets, TERMINALS, 0).await?);
    indexed(&binary, folder.path()).await?;
    let hall = Server::hall(&binary, folder.path()).await?;
    let (scanned, span) = (Arc::new(AtomicUsize::new(0)), Duration::from_secs(plan.seconds));
    let (mut ratios, mut admitted, mut asked) = (Vec::new(), 0, 0);
    let before = hall.memory()?;
    let mut most = before;
    for round in 1..=plan.rounds {
        let (alone, good) = scans(&hall, &filled, &scanned, span).await?;
        let counts = Arc::new(Counts::default());
        let bad = misuse(&hall.address, plan, &counts);
        let patience = tokio::time::Instant::now() + Duration::from_secs(60);
        while counts.opened.load(Ordering::Relaxed) < plan.idle as u64 && tokio::time::Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let (beside, more) = scans(&hall, &filled, &scanned, span).await?;
        most = most.max(hall.peak()?);
        drop(bad);
        let ratio = beside.rate / alone.rate;
        say(format!(
            "round {round}: {:.0}/s alone, {:.0}/s beside misuse ({:.0} %), p99 {:.2?} and {:.2?}; {} bad connections opened, {} ended, {} MiB taken in",
            alone.rate,
            beside.rate,
            ratio * 100.0,
            alone.p99,
            beside.p99,
            counts.opened.load(Ordering::Relaxed),
            counts.closed.load(Ordering::Relaxed),
            counts.bytes.load(Ordering::Relaxed) >> 20,
        ));
        ratios.push(ratio);
        admitted += good + more;
        asked += alone.count + beside.count;
    }
    ratios.sort_by(f64::total_cmp);
    let middle = ratios.get(ratios.len() / 2).copied().unwrap_or(0.0);
    say(format!(
        "beside misuse the scans keep {:.0} % of their rate (at least {:.0} wanted: {}); memory {before:.0} MiB before, at most {most:.0} MiB (no more than {LIMIT:.0} wanted: {}); {admitted} of {asked} scans admitted",
        middle * 100.0,
        TARGET * 100.0,
        if middle >= TARGET { "yes" } else { "no" },
        if most <= LIMIT { "yes" } else { "no" },
    ));
    drop(hall);
    if admitted != asked {
        return Err("a scan was not admitted".into());
    }
    if !is_sound(&binary, folder.path()).await? {
        return Err("the folder is not sound after the run".into());
    }
    judge(middle, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misuse_fails_the_bench_that_costs_a_fifth_of_the_rate_or_more_memory_than_the_unit_has() {
        let unit = include_str!("../systemd/huiguan.service");
        assert!(unit.lines().any(|line| line == format!("MemoryMax={}G", LIMIT / 1_024.0)), "the unit has that limit");
        for (kept, most, good) in [
            (0.95, 300.0, true),
            (TARGET, LIMIT, true),
            (0.79, 300.0, false),
            (0.95, LIMIT + 1.0, false),
            // Nobody was admitted at all.
            (f64::NAN, 300.0, false),
        ] {
            assert_eq!(judge(kept, most).is_ok(), good, "{kept} {most}");
        }
    }
}

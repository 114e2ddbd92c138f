//! Half an hour at full load in place of a day at a usual one: scans, pages of visitors and of staff, the API and exports at once. Memory has to stay where it
//! came to be, and nothing may go wrong.

use crate::{
    Done,
    checkin::scan,
    fill::{Filled, fill},
    load::{Connection, get},
    page::log_in,
    say,
    server::{Server, binary, indexed, is_sound},
};
use clap::Args;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What is measured.
#[derive(Args)]
pub struct Plan {
    /// People of the event.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    tickets: u64,
    /// How long, in minutes.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=1_440))]
    minutes: u64,
    /// Scans a second: more than any venue has. Each leaves a line in the log, of which memory keeps six bytes.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    scans: u64,
    /// Connections that ask for pages as fast as they are answered.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    visitors: u64,
}

const TERMINALS: u64 = 16;
/// Share of the time after which memory has to have come to rest.
const WARM: f64 = 0.2;
/// How far memory may go from there.
const TARGET: f64 = 0.05;
/// How often memory is read.
const LOOK: Duration = Duration::from_secs(5);
/// Requests between two exports.
const EXPORTS: u64 = 50;

#[derive(Default)]
struct Counts {
    scans: AtomicU64,
    pages: AtomicU64,
    wrong: AtomicU64,
    over: AtomicBool,
}

impl Counts {
    fn note(&self, of: &AtomicU64, good: bool) {
        of.fetch_add(1, Ordering::Relaxed);
        self.wrong.fetch_add(u64::from(!good), Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// A terminal that scans people over and over; most are in already, and the answer says so.
async fn door(address: String, filled: Arc<Filled>, counts: Arc<Counts>, at: usize, every: Duration) -> Done<()> {
    let mut connection = Connection::open(&address).await?;
    let (token, many) = (filled.tokens.get(at).ok_or("no terminal")?, filled.numbers.len());
    let mut tick = tokio::time::interval(every);
    for n in 0usize.. {
        tick.tick().await;
        if counts.is_over() {
            break;
        }
        let number = filled.numbers.get((n * 7_919 + at) % many).ok_or("no ticket")?;
        let answer = connection.ask(&scan(token, number, at << 40 | n)).await?;
        counts.note(&counts.scans, answer.status == 200);
    }
    Ok(())
}

/// Somebody who asks for one page after another.
async fn visitor(address: String, counts: Arc<Counts>, paths: Vec<String>, cookie: String) -> Done<()> {
    let mut connection = Connection::open(&address).await?;
    for path in paths.iter().cycle() {
        if counts.is_over() {
            break;
        }
        let answer = connection.ask(&get(path, &cookie)).await?;
        counts.note(&counts.pages, answer.status == 200);
    }
    Ok(())
}

/// Runs the bench.
pub async fn run(plan: &Plan) -> Done<()> {
    let binary = binary().await?;
    let folder = tempfile::tempdir()?;
    let filled = Arc::new(fill(folder.path(), plan.tickets, usize::try_from(TERMINALS)?, 0).await?);
    indexed(&binary, folder.path()).await?;
    let hall = Server::crowded(&binary, folder.path()).await?;
    let idle = hall.memory()?;
    say(format!(
        "{} people; {idle:.0} MiB and {:.0?} until the first answer. {} minutes of full load …",
        plan.tickets, hall.started, plan.minutes
    ));
    let counts = Arc::new(Counts::default());
    let mut tasks = JoinSet::new();
    let every = Duration::from_secs_f64(TERMINALS as f64 / plan.scans as f64);
    for at in 0..usize::try_from(TERMINALS)? {
        tasks.spawn(door(hall.address.clone(), filled.clone(), counts.clone(), at, every));
    }
    let cookie = log_in(&mut Connection::open(&hall.address).await?).await?;
    let event = filled.event;
    let public =
        vec![format!("/event/{event}"), "/".to_owned(), "/api/v1/events".to_owned(), format!("/api/v1/events/{event}")];
    let list = format!("/admin/event/{event}/registration");
    let mut staff = vec![
        "/admin".to_owned(),
        format!("/admin/event/{event}"),
        list.clone(),
        format!("{list}?q=4321"),
        format!("{list}?sort=name&page=9"),
        "/admin/search?q=wangwei".to_owned(),
    ];
    staff = staff.iter().cycle().take(usize::try_from(EXPORTS)?).cloned().collect();
    staff.push(format!("{list}/export.csv"));
    for n in 0..plan.visitors {
        let (paths, cookie) =
            if n % 4 == 0 { (staff.clone(), cookie.clone()) } else { (public.clone(), String::new()) };
        tasks.spawn(visitor(hall.address.clone(), counts.clone(), paths, cookie));
    }
    let (begun, whole) = (Instant::now(), Duration::from_secs(plan.minutes * 60));
    let mut rest: Vec<f64> = Vec::new();
    let mut look = tokio::time::interval(LOOK);
    while begun.elapsed() < whole {
        look.tick().await;
        if let Some(ended) = tasks.try_join_next() {
            ended??;
            return Err("somebody stopped asking".into());
        }
        if begun.elapsed() >= whole.mul_f64(WARM) {
            rest.push(hall.memory()?);
        }
    }
    counts.over.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let (scans, pages, wrong) = (
        counts.scans.load(Ordering::Relaxed),
        counts.pages.load(Ordering::Relaxed),
        counts.wrong.load(Ordering::Relaxed),
    );
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
    let tenth = rest.len().div_ceil(10);
    let (first, last) =
        (mean(rest.get(..tenth).unwrap_or_default()), mean(rest.get(rest.len() - tenth..).unwrap_or_default()));
    let (low, high) = (rest.iter().copied().fold(f64::MAX, f64::min), rest.iter().copied().fold(0.0, f64::max));
    let grown = last / first - 1.0;
    say(format!(
        "{scans} scans and {pages} pages in {} minutes, {:.0} pages/s; {wrong} went wrong",
        plan.minutes,
        pages as f64 / whole.as_secs_f64()
    ));
    say(format!(
        "memory came to {first:.0} MiB and ended at {last:.0} MiB ({:+.1} %, at most ±{:.0} wanted: {}); lowest {low:.0}, highest {high:.0} MiB",
        grown * 100.0,
        TARGET * 100.0,
        if grown.abs() <= TARGET { "yes" } else { "no" }
    ));
    drop(hall);
    if wrong > 0 {
        return Err("an answer was wrong".into());
    }
    if !is_sound(&binary, folder.path()).await? {
        return Err("the folder is not sound after the run".into());
    }
    if grown.abs() <= TARGET { Ok(()) } else { Err("memory did not stay where it was".into()) }
}

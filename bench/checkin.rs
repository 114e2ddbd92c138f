//! Durable check-ins per second against a plain hyper reply of the same size, in one run on the same machine.

use crate::{
    Done,
    fill::{Filled, fill},
    load::{Answer, Connection, Figures, get, storm},
    report, say,
    secure::Secure,
    server::{Server, indexed, is_sound},
};
use clap::Args;
use memchr::memmem;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::time::{Duration, Instant};

/// What is measured.
#[derive(Args)]
pub struct Plan {
    /// Tickets of the event; the scans end early when all were scanned.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(2..=5_000_000))]
    tickets: u64,
    /// Terminals, each with a connection of its own.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=500))]
    terminals: u64,
    /// Longest time of all scans together, in seconds; the plain reply gets half as much.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    seconds: u64,
    /// In how many rounds scans and the plain reply take turns, so that a machine that changes its speed changes it for both.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=50))]
    rounds: u64,
    /// Scans and the plain reply by TLS, on connections that stay.
    #[arg(long)]
    tls: bool,
    /// Where the report goes.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Where the scratch folder is made: on the disk that the hall's data will lie on. It is removed afterwards. [default: here]
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// Doors that are to be served at 3 seconds a person.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    doors: u64,
}

/// Seconds that a person takes at a door.
const PERSON_SECONDS: f64 = 3.0;

/// What a rate means to somebody who plans a big day.
fn in_words(rate: f64, doors: u64) -> String {
    let needed = doors as f64 / PERSON_SECONDS;
    let share = needed / rate * 100.0;
    let most = (rate * PERSON_SECONDS).floor();
    let verdict = if share <= 50.0 {
        "that is enough, with room to spare"
    } else {
        "that is too tight: use a faster box or fewer doors"
    };
    format!(
        "At {PERSON_SECONDS:.0} s a person, {doors} doors use {share:.1} % of what this box can do; it would serve {most:.0} doors: {verdict}."
    )
}

/// The disk's own rate: syncs of one 4 KiB block of a file that is already there, for a second.
fn syncs(folder: &Path) -> Done<Figures> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(folder.join("sync"))?;
    file.write_all_at(&vec![0; 1 << 20], 0)?;
    file.sync_all()?;
    let (begun, mut waits) = (Instant::now(), Vec::new());
    for n in 0u64.. {
        if begun.elapsed() > Duration::from_secs(1) {
            break;
        }
        let asked = Instant::now();
        file.write_all_at(&[u8::try_from(n % 251)?; 4096], n % 256 * 4096)?;
        file.sync_data()?;
        waits.push(asked.elapsed());
    }
    Ok(Figures::of(waits, begun.elapsed()))
}

pub(crate) fn scan(token: &str, number: &str, nonce: usize) -> Vec<u8> {
    let body = format!("{{\"code\":\"{number}\",\"nonce\":\"{nonce:024x}\",\"direction\":\"entry\",\"way\":\"gun\"}}");
    format!(
        "POST /api/v1/checkin/redeem HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

pub(crate) fn is_admitted(answer: &Answer) -> bool {
    answer.status == 200 && memmem::find(&answer.body, b"\"verdict\":\"admitted\",").is_some()
}

/// The plain reply's figures, with the same request as a scan, made anew each time like one, so that both servers read as much and the clients have the same to do.
async fn hello(size: usize, plan: &Plan, secure: Option<&Secure>) -> Done<Figures> {
    let server = Server::hello_by(size, secure).await?;
    let next = |_, turn| Some(scan("0123456789ABCDEF0123456789ABCDEF", "123456789012", turn));
    let span = plan.round().div_f64(2.0);
    let (figures, good) = storm(server.way.clone(), plan.terminals, span, next, is_ok).await?;
    if good == figures.count { Ok(figures) } else { Err("a plain reply went wrong".into()) }
}

impl Plan {
    /// Longest time of a round's scans.
    fn round(&self) -> Duration {
        Duration::from_secs(self.seconds).div_f64(self.rounds as f64)
    }
}

/// A plain reply's body is read as a scan's is, so that the clients have the same to do.
fn is_ok(answer: &Answer) -> bool {
    answer.status == 200 && !is_admitted(answer)
}

/// Scans the first ticket; answers how long the plain reply's body must be, so that whole answers are of the same size.
async fn sample(hall: &Server, filled: &Filled) -> Done<usize> {
    let first = filled.numbers.first().ok_or("no ticket")?;
    let token = filled.tokens.first().ok_or("no terminal")?;
    let answer = Connection::open(&hall.address).await?.ask(&scan(token, first, usize::MAX)).await?;
    if !is_admitted(&answer) {
        let body = String::from_utf8_lossy(&answer.body);
        return Err(format!("the first scan was not admitted: {} {body}", answer.status).into());
    }
    let plain = Server::hello(answer.body.len()).await?;
    let plain = Connection::open(&plain.address).await?.ask(&get("/", "")).await?;
    Ok((answer.body.len() + answer.head.len()).saturating_sub(plain.head.len()))
}

/// Scans tickets that were not scanned yet, each once, until the round's time is over or `share` of them are.
async fn scans(
    hall: &Server,
    filled: &Arc<Filled>,
    plan: &Plan,
    scanned: &Arc<AtomicUsize>,
    share: usize,
) -> Done<(Figures, u64)> {
    let (filled, scanned, until) = (filled.clone(), scanned.clone(), scanned.load(Ordering::Relaxed) + share);
    let next = move |terminal: usize, _| {
        let at = scanned.fetch_add(1, Ordering::Relaxed);
        if at >= until {
            scanned.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(scan(filled.tokens.get(terminal)?, filled.numbers.get(at)?, at))
    };
    storm(hall.way.clone(), plan.terminals, plan.round(), next, is_admitted).await
}

/// What the hall counts as admitted.
async fn counted(hall: &Server, filled: &Filled) -> Done<u64> {
    let token = filled.tokens.first().ok_or("no terminal")?;
    let request =
        format!("GET /api/v1/checkin/status HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n");
    let answer = Connection::open(&hall.address).await?.ask(request.as_bytes()).await?;
    let counts: serde_json::Value = serde_json::from_slice(&answer.body)?;
    let admitted = counts.get("admitted").and_then(serde_json::Value::as_u64);
    admitted.ok_or_else(|| format!("no count in {counts}").into())
}

async fn compare(hall: &Server, filled: &Filled, answered: u64, when: &str) -> Done<()> {
    let counted = counted(hall, filled).await?;
    if counted == answered {
        return Ok(());
    }
    Err(format!("{answered} scans were answered as admitted, the hall counts {counted} {when}").into())
}

/// What the rounds came to.
struct Rounds {
    plain: Figures,
    scans: Figures,
    ratio: f64,
    lowest: f64,
    highest: f64,
    count: u64,
    admitted: u64,
    /// Memory after the rounds, in MiB, before anybody asks for lists and exports.
    busy: f64,
    company: Vec<(String, String)>,
}

/// Asks for one page over and over while scans are measured, as somebody does who looks at a list during the rush.
async fn beside(hall: &Server, path: String) -> Done<tokio::task::JoinHandle<u64>> {
    let mut connection = Connection::open(&hall.address).await?;
    let cookie = crate::page::log_in(&mut connection).await?;
    let request = get(&path, &cookie);
    let first = connection.ask(&request).await?;
    if first.status != 200 {
        return Err(format!("{path} was answered with {}", first.status).into());
    }
    Ok(tokio::spawn(async move {
        let mut answers = 0;
        while connection.ask(&request).await.is_ok_and(|answer| answer.status == 200) {
            answers += 1;
        }
        answers
    }))
}

/// What a list page and an export cost the scans that run at the same time: each the rate beside it as a share of the rate alone.
async fn company(
    hall: &Server,
    filled: &Arc<Filled>,
    plan: &Plan,
    scanned: &Arc<AtomicUsize>,
    share: usize,
) -> Done<(Vec<(String, String)>, u64)> {
    let (mut told, mut admitted) = (Vec::new(), 0);
    let event = filled.event;
    for (label, path) in [
        ("scans beside a list page asked for all the time", format!("/admin/event/{event}/registration?q=4321")),
        ("scans beside exports all the time", format!("/admin/event/{event}/registration/export.csv")),
    ] {
        let (alone, good) = scans(hall, filled, plan, scanned, share).await?;
        let other = beside(hall, path).await?;
        let (together, more) = scans(hall, filled, plan, scanned, share).await?;
        other.abort();
        admitted += good + more;
        if together.count > 0 {
            told.push((label.to_owned(), format!("{:.0} % of the rate alone", together.rate / alone.rate * 100.0)));
        }
    }
    Ok((told, admitted))
}

/// The plain reply and scans by turns. The round that counts is the one with the middle ratio.
async fn rounds(
    hall: &Server,
    filled: &Arc<Filled>,
    plan: &Plan,
    size: usize,
    secure: Option<&Secure>,
) -> Done<Rounds> {
    // Beside the rounds there are four more: two alone and two in company.
    let share = filled.numbers.len().saturating_sub(1).div_ceil(usize::try_from(plan.rounds)? + 4);
    // The first ticket was scanned for its answer's size.
    let scanned = Arc::new(AtomicUsize::new(1));
    let (mut all, mut count, mut admitted) = (Vec::new(), 0, 0);
    let mut before = hello(size, plan, secure).await?;
    for _ in 0..plan.rounds {
        let (figures, good) = scans(hall, filled, plan, &scanned, share).await?;
        let after = hello(size, plan, secure).await?;
        count += figures.count;
        admitted += good;
        if figures.count > 0 {
            all.push((figures.rate / f64::midpoint(before.rate, after.rate), figures, before));
        }
        before = after;
    }
    let busy = hall.memory()?;
    let (company, more) = company(hall, filled, plan, &scanned, share).await?;
    admitted += more;
    count += more;
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ends = all.first().zip(all.last()).map(|(low, high)| (low.0, high.0));
    let middle = all.get(all.len() / 2).copied().zip(ends);
    let ((ratio, scans, plain), (lowest, highest)) = middle.ok_or("no round scanned anything")?;
    Ok(Rounds { plain, scans, ratio, lowest, highest, count, admitted, busy, company })
}

/// Check-in servers over SQLite on the same tickets: each request a transaction of its own, and many committed together.
#[cfg(feature = "baseline")]
async fn baselines(filled: &Arc<Filled>, folder: &Path, plan: &Plan) -> Done<Vec<(&'static str, Figures)>> {
    let mut rows = Vec::new();
    for (label, group) in [("SQLite, as most would write it", false), ("SQLite with a grouping writer", true)] {
        let file = folder.join(if group { "group.db" } else { "each.db" });
        crate::baseline::fill(&file, &filled.numbers)?;
        let server = Server::sqlite(&file, group).await?;
        let (scanned, filled) = (Arc::new(AtomicUsize::new(0)), filled.clone());
        let next = move |terminal: usize, _| {
            let at = scanned.fetch_add(1, Ordering::Relaxed);
            Some(scan(filled.tokens.get(terminal)?, filled.numbers.get(at)?, at))
        };
        let (figures, good) = storm(&server.address, plan.terminals, plan.round() * 2, next, is_admitted).await?;
        if good != figures.count {
            return Err(format!("{label}: a scan went wrong").into());
        }
        rows.push((label, figures));
    }
    Ok(rows)
}

/// A build without the servers that the hall is compared with.
#[cfg(not(feature = "baseline"))]
async fn baselines(_: &Arc<Filled>, _: &Path, _: &Plan) -> Done<Vec<(&'static str, Figures)>> {
    Ok(Vec::new())
}

/// Who runs the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// Somebody on their own box, with the hall's binary.
    Hall,
    /// Somebody who works on the hall; compares with SQLite servers too.
    Workspace,
}

/// Runs the bench with that binary of the hall and writes the report.
pub async fn run(plan: &Plan, binary: &Path, runner: Runner) -> Done<()> {
    let usual = if runner == Runner::Hall { PathBuf::from(".") } else { std::env::temp_dir() };
    let scratch = plan.scratch.clone().unwrap_or(usual);
    let folder = tempfile::Builder::new().prefix("huiguan-bench-").tempdir_in(&scratch)?;
    say(format!(
        "A scratch folder in {} takes {} tickets and {} terminals; {} rounds of check-ins and plain replies take turns. This takes about {} seconds, and nothing of it stays.",
        scratch.display(),
        plan.tickets,
        plan.terminals,
        plan.rounds,
        plan.seconds * 2 + plan.seconds * 4 / plan.rounds.max(1) + plan.tickets / 10_000 + 10
    ));
    say(format!("filling {} tickets and {} terminals …", plan.tickets, plan.terminals));
    let filled = Arc::new(fill(folder.path(), plan.tickets, usize::try_from(plan.terminals)?, 0).await?);
    // A hall that runs has its index; making it beside the scans would measure both.
    indexed(binary, folder.path()).await?;
    say("measuring this disk's syncs …");
    let disk = syncs(folder.path())?;
    let secure = plan.tls.then(|| Secure::make(folder.path())).transpose()?;
    let hall = Server::hall_by(binary, folder.path(), secure.as_ref()).await?;
    let (idle, started) = (hall.memory()?, hall.started);
    let size = sample(&hall, &filled).await?;
    say("checking people in …");
    let rounds = rounds(&hall, &filled, plan, size, secure.as_ref()).await?;
    let answered = rounds.admitted + 1;
    compare(&hall, &filled, answered, "while it runs").await?;
    // Killed without a word: what was answered must be there all the same.
    drop(hall);
    say("pulling the plug and starting again …");
    let again = Server::hall(binary, folder.path()).await?;
    compare(&again, &filled, answered, "after it was killed").await?;
    let restarted = again.started;
    drop(again);
    if !is_sound(binary, folder.path()).await? {
        return Err("the folder is not sound after the run".into());
    }
    let mut rows = vec![
        ("plain hyper reply, middle round", rounds.plain),
        ("durable check-ins, middle round", rounds.scans),
        ("syncs of this disk alone", disk),
    ];
    let against = match runner {
        Runner::Hall => Vec::new(),
        Runner::Workspace => {
            say("comparing with SQLite …");
            baselines(&filled, folder.path(), plan).await?
        }
    };
    let times = |(label, figures): &(&str, Figures)| {
        (format!("check-ins against {label}"), format!("{:.1} times", rounds.scans.rate / figures.rate))
    };
    let against_facts: Vec<(String, String)> = against.iter().map(times).collect();
    let mut facts = vec![
        ("ratio of check-ins to the plain reply, middle round", format!("{:.3}", rounds.ratio)),
        ("its lowest and highest round", format!("{:.3}, {:.3}", rounds.lowest, rounds.highest)),
        ("p99 of check-ins to that of the plain reply", format!("{:.1}", ratio(rounds.scans.p99, rounds.plain.p99))),
        ("p50 of check-ins to one sync of the disk", format!("{:.1}", ratio(rounds.scans.p50, disk.p50))),
        ("bytes of an answer's body", size.to_string()),
        ("memory when started, and after", format!("{idle:.0} MiB, {:.0} MiB", rounds.busy)),
        ("first answer after the start", format!("{started:.0?}")),
        ("first answer after a kill", format!("{restarted:.0?}")),
        ("admitted as answered, counted, and counted after a kill", answered.to_string()),
        ("scans answered otherwise", (rounds.count - rounds.admitted).to_string()),
        ("registrations while filling", format!("{:.0}/s", filled.rate)),
    ];
    facts.extend(rounds.company.iter().map(|(label, value)| (label.as_str(), value.clone())));
    facts.extend(against_facts.iter().map(|(label, value)| (label.as_str(), value.clone())));
    rows.extend(against);
    tell(&rows, &facts);
    let words = in_words(rounds.scans.rate, plan.doors);
    say(&words);
    let by = if plan.tls { ", by TLS" } else { "" };
    let title = format!("Check-in, {} tickets, {} terminals{by}", plan.tickets, plan.terminals);
    let usual = if runner == Runner::Hall { "huiguan-bench.html" } else { "target/bench/checkin.html" };
    let path = plan.report.clone().unwrap_or_else(|| usual.into());
    report::write(&path, &title, &words, &rows, &facts)?;
    say(format!("report: {}", path.display()));
    Ok(())
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64().max(1e-9)
}

fn tell(rows: &[(&str, Figures)], facts: &[(&str, String)]) {
    for (label, figures) in rows {
        say(format!("{label:32} {:>9.0}/s   p50 {:>9.2?}   p99 {:>9.2?}", figures.rate, figures.p50, figures.p99));
    }
    for (label, value) in facts {
        say(format!("{label:56} {value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_in_doors() {
        let words = in_words(20_000.0, 64);
        assert!(
            words.contains("64 doors use 0.1 %") && words.contains("60000 doors") && words.contains("enough"),
            "{words}"
        );
        assert!(in_words(30.0, 64).contains("too tight"));
    }
}

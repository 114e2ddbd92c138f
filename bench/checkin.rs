//! Durable check-ins per second against a plain hyper reply of the same size, in one run on the same machine.

use crate::{
    Done, binary,
    fill::{Server, fill},
    load::{Answer, Connection, Figures, storm},
    report, say,
};
use clap::Args;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What is measured.
#[derive(Args)]
pub struct Plan {
    /// Tickets of the event.
    #[arg(long, default_value_t = 200_000)]
    tickets: u64,
    /// Terminals, each with a connection of its own.
    #[arg(long, default_value_t = 64)]
    terminals: usize,
    /// Longest time of each measurement, in seconds.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Where the report goes.
    #[arg(long, default_value = "target/bench/checkin.html")]
    report: PathBuf,
}

/// The disk's own rate: syncs of one 4 KiB block of a file that is already there.
fn syncs(folder: &Path) -> Done<f64> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(folder.join("sync"))?;
    file.write_all_at(&vec![0; 1 << 20], 0)?;
    file.sync_all()?;
    let (begun, mut count) = (Instant::now(), 0u64);
    while begun.elapsed() < Duration::from_secs(1) {
        file.write_all_at(&[u8::try_from(count % 251)?; 4096], count % 256 * 4096)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

fn scan(token: &str, number: &str, nonce: usize) -> Vec<u8> {
    let body = format!("{{\"code\":\"{number}\",\"nonce\":\"{nonce:024x}\",\"direction\":\"entry\",\"way\":\"gun\"}}");
    format!(
        "POST /api/v1/checkin/redeem HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn is_admitted(answer: &Answer) -> bool {
    answer.status == 200 && answer.body.windows(22).any(|part| part == b"\"verdict\":\"admitted\",\"")
}

async fn hello(size: usize, plan: &Plan) -> Done<Figures> {
    let server = Server::start(Command::new(std::env::current_exe()?).args(["hello", &size.to_string()]))?;
    // The same request as a scan, so that both servers read as much.
    let request = scan("0123456789ABCDEF0123456789ABCDEF", "123456789012", 0);
    let lists = vec![vec![request; 2_000_000 / plan.terminals.max(1)]; plan.terminals];
    let span = Duration::from_secs(plan.seconds.div_ceil(2));
    Ok(storm(&server.address, lists, span, |answer| answer.status == 200).await?.0)
}

/// Runs the bench and writes the report.
pub async fn run(plan: &Plan) -> Done<()> {
    let binary = binary()?;
    let folder = tempfile::tempdir()?;
    say(format!("filling {} tickets and {} terminals …", plan.tickets, plan.terminals));
    let filled = fill(folder.path(), plan.tickets, plan.terminals).await?;
    say(format!("filled at {:.0} registrations/s", filled.rate));
    let disk = syncs(folder.path())?;
    let hall = Server::hall(&binary, folder.path())?;
    let idle = hall.memory();
    let first = filled.numbers.first().ok_or("no ticket")?;
    let token = filled.tokens.first().ok_or("no terminal")?;
    let sample = Connection::open(&hall.address).await?.ask(&scan(token, first, usize::MAX)).await?;
    if !is_admitted(&sample) {
        return Err(format!(
            "the first scan was not admitted: {} {}",
            sample.status,
            String::from_utf8_lossy(&sample.body)
        )
        .into());
    }
    // Headers count as well: the plain reply carries what the scan's answer is longer by.
    let size = sample.body.len() + sample.head.len().saturating_sub(90);
    let before = hello(size, plan).await?;
    let lists: Vec<Vec<Vec<u8>>> = filled
        .tokens
        .iter()
        .enumerate()
        .map(|(n, token)| {
            let mine = filled.numbers.iter().enumerate().skip(1).filter(|(at, _)| at % plan.terminals == n);
            mine.map(|(at, number)| scan(token, number, at)).collect()
        })
        .collect();
    let (scans, admitted) = storm(&hall.address, lists, Duration::from_secs(plan.seconds), is_admitted).await?;
    let after = hello(size, plan).await?;
    let memory = hall.memory();
    let status = format!("GET /api/v1/checkin/status HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n");
    let counted = Connection::open(&hall.address).await?.ask(status.as_bytes()).await?;
    let counted: serde_json::Value = serde_json::from_slice(&counted.body)?;
    if counted.get("admitted").and_then(serde_json::Value::as_u64) != Some(admitted + 1) {
        return Err(format!("{} scans were answered as admitted, the hall counts {counted}", admitted + 1).into());
    }
    let plain = f64::midpoint(before.rate, after.rate);
    let rows = [("plain hyper reply before", before), ("durable check-ins", scans), ("plain hyper reply after", after)];
    for (label, figures) in rows {
        say(format!("{label:26} {:>9.0}/s   p50 {:>9.2?}   p99 {:>9.2?}", figures.rate, figures.p50, figures.p99));
    }
    let facts = vec![
        ("ratio of check-ins to the plain reply".to_owned(), format!("{:.2}", scans.rate / plain)),
        ("syncs of this disk".to_owned(), format!("{disk:.0}/s")),
        ("memory when started, and after".to_owned(), format!("{idle:.0} MiB, {memory:.0} MiB")),
        ("start".to_owned(), format!("{:.0?}", hall.started)),
        ("admitted, as answered and as counted".to_owned(), format!("{}", admitted + 1)),
        ("registrations while filling".to_owned(), format!("{:.0}/s", filled.rate)),
    ];
    for (label, value) in &facts {
        say(format!("{label:38} {value}"));
    }
    let title = format!("Check-in, {} tickets, {} terminals", plan.tickets, plan.terminals);
    report::write(&plan.report, &title, &rows, &facts)?;
    say(format!("report: {}", plan.report.display()));
    Ok(())
}

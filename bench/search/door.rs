//! What it costs the doors while an index is built: scans a second with and without, taking turns, on one box.

use crate::{
    Done,
    checkin::{is_admitted, scan},
    fill::{Filled, fill},
    load::{Connection, Figures, storm},
    page::log_in,
    say,
    server::{Server, binary},
};
use clap::Args;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// What is measured.
#[derive(Args)]
pub struct Doors {
    /// Tickets of the event.
    #[arg(long, default_value_t = 700_000, value_parser = clap::value_parser!(u64).range(1_000..=5_000_000))]
    tickets: u64,
    /// Terminals.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=500))]
    terminals: u64,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Turns with and turns without.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=50))]
    rounds: u64,
}

/// Most that scans may lose.
const LOSS: f64 = 0.10;

async fn scans(hall: &Server, filled: &Arc<Filled>, plan: &Doors, next: &Arc<AtomicUsize>) -> Done<Figures> {
    let (filled, next) = (filled.clone(), next.clone());
    let request = move |at: usize, _: usize| {
        let n = next.fetch_add(1, Ordering::Relaxed);
        Some(scan(filled.tokens.get(at)?, filled.numbers.get(n)?, n))
    };
    let span = Duration::from_secs(plan.seconds);
    let (figures, good) = storm(&hall.address, plan.terminals, span, request, is_admitted).await?;
    if good == figures.count { Ok(figures) } else { Err(format!("{good} of {} were admitted", figures.count).into()) }
}

/// Has the index built again and again until it is told to stop.
async fn building(address: String, cookie: String, on: Arc<AtomicBool>) -> Done<u64> {
    let mut connection = Connection::open(&address).await?;
    let request = format!(
        "POST /admin/search/index/rebuild HTTP/1.1\r\nhost: bench\r\ncookie: {cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 0\r\n\r\n"
    );
    let mut begun = 0;
    while on.load(Ordering::Relaxed) {
        let answer = connection.ask(request.as_bytes()).await?;
        begun += u64::from(answer.status == 303);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(begun)
}

/// Runs the bench; an error when scans lose more than they may.
pub async fn run(plan: &Doors) -> Done<()> {
    let binary = binary().await?;
    let folder = tempfile::tempdir()?;
    say(format!("filling {} registrations …", plan.tickets));
    let filled = Arc::new(fill(folder.path(), plan.tickets, usize::try_from(plan.terminals)?, 0).await?);
    let hall = Server::hall(&binary, folder.path()).await?;
    let cookie = log_in(&mut Connection::open(&hall.address).await?).await?;
    let next = Arc::new(AtomicUsize::new(0));
    let (mut plain, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        plain.push(scans(&hall, &filled, plan, &next).await?);
        let on = Arc::new(AtomicBool::new(true));
        let work = tokio::spawn(building(hall.address.clone(), cookie.clone(), on.clone()));
        let measured = scans(&hall, &filled, plan, &next).await;
        on.store(false, Ordering::Relaxed);
        work.await??;
        beside.push(measured?);
    }
    let middle = |of: &[Figures]| {
        let mut rates: Vec<f64> = of.iter().map(|figures| figures.rate).collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or_default()
    };
    let (plain, beside) = (middle(&plain), middle(&beside));
    let loss = 1.0 - beside / plain;
    say(format!("{plain:.0} scans a second, {beside:.0} while an index is built: {:.1} % less", loss * 100.0));
    if loss <= LOSS { Ok(()) } else { Err("scans lose more than a tenth".into()) }
}

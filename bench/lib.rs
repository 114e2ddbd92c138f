//! Benches that compare in one run: check-ins against a plain reply of the same size and against servers as most people would write
//! them, pages against their target. `huiguan bench` runs the check-ins on anybody's own box.

pub mod abuse;
pub mod api;
#[cfg(feature = "baseline")]
pub mod baseline;
pub mod checkin;
pub mod draw;
pub mod fill;
pub mod hello;
pub mod import;
pub mod load;
pub mod page;
pub mod pay;
pub mod poster;
pub mod recover;
pub mod report;
pub mod restore;
pub mod sale;
#[cfg(feature = "baseline")]
pub mod search;
pub mod secure;
pub mod server;
pub mod soak;
pub mod tunnel;

use std::io::Write;
use std::time::Duration;

/// What goes wrong in a bench ends it.
pub type Done<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The longest that any bench may take: a day at full load, and what comes around it.
const LONGEST: Duration = Duration::from_secs(26 * 3_600);

/// Writes a line for whoever measures; a console that is gone is no reason to stop.
pub fn say(line: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{}", line.as_ref()));
    drop(out.flush());
}

/// Runs until the bench is done, until it takes too long or until Ctrl-C or SIGTERM; whichever it is, child processes end and
/// folders go.
pub async fn bounded(bench: impl Future<Output = Done<()>>) -> Done<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        done = bench => done,
        () = tokio::time::sleep(LONGEST) => Err(format!("not done after {LONGEST:?}").into()),
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        _ = terminated.recv() => Err("ended".into()),
    }
}

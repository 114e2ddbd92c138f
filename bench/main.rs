//! Benches that compare in one run: check-ins against a plain reply of the same size, pages against their target.

mod checkin;
mod fill;
mod hello;
mod load;
mod page;
mod report;
mod server;

use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the release binary of this workspace on loopback.
#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Durable check-ins per second against a plain hyper reply of the same size.
    Checkin(checkin::Plan),
    /// Server time of lists and searches.
    Page(page::Plan),
    /// The plain reply; started by `checkin`.
    #[command(hide = true)]
    Hello {
        /// Bytes of the reply's body.
        size: usize,
    },
}

/// What goes wrong in a bench ends it.
pub type Done<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The longest that any bench may take.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Writes a line for whoever measures; a console that is gone is no reason to stop.
pub fn say(line: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{}", line.as_ref()));
    drop(out.flush());
}

async fn bench(command: &Command) -> Done<()> {
    match command {
        Command::Checkin(plan) => checkin::run(plan).await,
        Command::Page(plan) => page::run(plan).await,
        Command::Hello { size } => hello::serve(*size).await,
    }
}

/// Runs until the bench is done, until it takes too long or until Ctrl-C or SIGTERM; whichever it is, child processes end and
/// folders go.
async fn bounded(command: &Command) -> Done<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        done = bench(command) => done,
        () = tokio::time::sleep(LONGEST) => Err(format!("not done after {LONGEST:?}").into()),
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        _ = terminated.recv() => Err("ended".into()),
    }
}

fn main() -> ExitCode {
    let command = Line::parse().command;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(bounded(&command)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

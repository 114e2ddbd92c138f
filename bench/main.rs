//! Benches that compare in one run: check-ins against a plain reply of the same size, pages against their target.

mod checkin;
mod fill;
mod hello;
mod load;
mod page;
mod report;

use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

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

/// Writes a line for whoever measures.
pub fn say(line: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{}", line.as_ref()));
    drop(out.flush());
}

/// The release binary of the workspace, built when it is not there.
pub fn binary() -> Done<PathBuf> {
    let mine = std::env::current_exe()?;
    let binary = mine.with_file_name("huiguan");
    say("building the release binary if it is not up to date …");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = std::process::Command::new(cargo).args(["build", "--release", "-p", "huiguan", "--quiet"]).status()?;
    if built.success() && binary.exists() { Ok(binary) } else { Err("the release binary could not be built".into()) }
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| {
        runtime.block_on(async {
            match Line::parse().command {
                Command::Checkin(plan) => checkin::run(&plan).await,
                Command::Page(plan) => page::run(&plan).await,
                Command::Hello { size } => hello::serve(size).await,
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

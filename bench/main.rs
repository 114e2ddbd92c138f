//! The command line of the benches.

use bench::{
    Done, abuse, api, bounded, checkin, draw, hello, import, page, pay, poster, recover, restore, sale, say, server,
    soak, tunnel,
};
use clap::{Parser, Subcommand};
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
    /// Durable check-ins per second against a plain hyper reply of the same size, and against SQLite servers.
    Checkin(checkin::Plan),
    /// Scans while others misuse the box, and what that costs them.
    Abuse(abuse::Plan),
    /// A logged-in GET of the API against a plain hyper reply.
    Api(api::Plan),
    /// Server time of lists and searches.
    Page(page::Plan),
    /// A draw at many entrants, a thousand phones that watch, and names rolling in a browser.
    Draw(draw::Plan),
    /// From WeChat's notification to the paid order on disk.
    Pay(pay::Plan),
    /// Posters and certificates drawn as pictures, and badges on sheets.
    Poster(poster::Plan),
    /// A long list going in.
    Import(import::Plan),
    /// Registrations a minute through the public form, and the event's page while many look at it.
    Sale(sale::Plan),
    /// A full backup coming back on another machine: how long a million records take.
    Restore(restore::Plan),
    /// A start after the power went, with frames that no checkpoint knows of.
    Recover(recover::Plan),
    /// Everything at once for half an hour: whether memory stays where it came to be, and nothing goes wrong.
    Soak(soak::Plan),
    /// Requests through the tunnel at a steady rate, against an SSH server of this machine.
    Tunnel(tunnel::Plan),
    /// Finding people beside SQLite and PostgreSQL: times, memory, size, freshness.
    #[cfg(feature = "baseline")]
    Search(bench::search::Plan),
    /// Whether the search finds what was meant.
    #[cfg(feature = "baseline")]
    Relevance,
    /// Scans a second while an index is built.
    #[cfg(feature = "baseline")]
    Doors(bench::search::Doors),
    /// From a key press to the finds, over HTTP.
    #[cfg(feature = "baseline")]
    Typing(bench::search::Typing),
    /// Fills a folder and builds its index; started by `search`.
    #[cfg(feature = "baseline")]
    #[command(hide = true)]
    SearchBuild(bench::search::Build),
    /// The plain reply; started by `checkin`.
    #[command(hide = true)]
    Hello {
        /// Bytes of the reply's body.
        size: usize,
        /// PEM file of a certificate, to answer by TLS too.
        #[arg(requires = "key")]
        certificate: Option<PathBuf>,
        /// PEM file of its key.
        key: Option<PathBuf>,
    },
    /// A check-in server over SQLite; started by `checkin`.
    #[cfg(feature = "baseline")]
    #[command(hide = true)]
    Sqlite(bench::baseline::Plan),
}

async fn run(command: &Command) -> Done<()> {
    match command {
        Command::Checkin(plan) => checkin::run(plan, &server::binary().await?, checkin::Runner::Workspace).await,
        Command::Abuse(plan) => abuse::run(plan).await,
        Command::Api(plan) => api::run(plan).await,
        Command::Page(plan) => page::run(plan).await,
        Command::Draw(plan) => draw::run(plan).await,
        Command::Pay(plan) => pay::run(plan).await,
        Command::Poster(plan) => poster::run(plan),
        Command::Import(plan) => import::run(plan).await,
        Command::Sale(plan) => sale::run(plan).await,
        Command::Restore(plan) => restore::run(plan).await,
        Command::Recover(plan) => recover::run(plan).await,
        Command::Soak(plan) => soak::run(plan).await,
        Command::Tunnel(plan) => tunnel::run(plan).await,
        #[cfg(feature = "baseline")]
        Command::Search(plan) => bench::search::run(plan).await,
        #[cfg(feature = "baseline")]
        Command::Relevance => bench::search::relevance(),
        #[cfg(feature = "baseline")]
        Command::Doors(plan) => bench::search::doors(plan).await,
        #[cfg(feature = "baseline")]
        Command::Typing(plan) => bench::search::typing(plan).await,
        #[cfg(feature = "baseline")]
        Command::SearchBuild(plan) => bench::search::build(plan).await,
        Command::Hello { size, certificate, key } => {
            hello::serve(*size, certificate.as_deref().zip(key.as_deref())).await
        }
        #[cfg(feature = "baseline")]
        Command::Sqlite(plan) => bench::baseline::serve(plan).await,
    }
}

fn main() -> ExitCode {
    let command = Line::parse().command;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(bounded(run(&command))));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

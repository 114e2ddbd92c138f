//! The command line.

use crate::{boot, demo, job, listen, settings::Settings};
use clap::{Args, Parser, Subcommand};
use service::{Error, space::SetupCode};
use std::io::Write;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Huiguan 会馆: everything an association needs, in one program on a box of its own.
#[derive(Parser)]
#[command(
    name = "huiguan",
    version,
    about,
    after_help = "Start with `huiguan demo` to look around, or with `huiguan serve` for your own association.\nThe first start of `serve` prints a one-time code for the set-up page."
)]
struct Line {
    /// Settings file (TOML); see systemd/huiguan.toml for all settings with comments.
    #[arg(long, global = true, value_name = "FILE", env = "HUIGUAN_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the association kept in a data folder; the first start prints the code for the set-up page.
    Serve(Place),
    /// Fill a folder with a believable association and serve it, to look around and try the door.
    Demo(Place),
    /// Check every record, index, counter and the audit chain of a data folder; exits with 1 on any damage.
    Verify(Place),
    /// Write everything into one snapshot file.
    Snapshot {
        #[command(flatten)]
        place: Place,
        /// The file to write.
        target: PathBuf,
    },
    /// Prove a snapshot file and lay it into an empty data folder.
    Restore {
        #[command(flatten)]
        place: Place,
        /// The snapshot file.
        snapshot: PathBuf,
    },
    /// Measure what this box can do, in a scratch folder that is removed afterwards.
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
    /// The plain reply that `bench` compares with; started by it.
    #[command(hide = true)]
    Hello {
        /// Bytes of the reply's body.
        size: usize,
    },
}

#[derive(Subcommand)]
enum Bench {
    /// How many people a second this box checks in, and how many doors that serves.
    Checkin(bench::checkin::Plan),
}

#[derive(Args)]
struct Place {
    /// Folder of all data; made when it is not there.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address to listen on, such as 0.0.0.0:8080 for everybody in the network.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Address that links and QR codes begin with, such as http://192.168.1.5:8080.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// File with the key for sensitive fields, outside the data folder; made at the first start.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl Place {
    fn over(&self, mut settings: Settings) -> Settings {
        if let Some(data) = &self.data {
            settings.data.clone_from(data);
        }
        settings.listen = self.listen.unwrap_or(settings.listen);
        settings.public_url = self.public_url.clone().or(settings.public_url);
        settings.key_file = self.key_file.clone().or(settings.key_file);
        settings
    }
}

/// Writes a line for whoever started the program; a console that is gone is no reason to stop.
#[allow(clippy::let_underscore_must_use)]
pub fn say(line: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", line.as_ref());
    let _ = out.flush();
}

/// Runs the command line.
pub fn run() -> ExitCode {
    let line = Line::parse();
    let named = line.config.as_deref().filter(|path| !path.as_os_str().is_empty());
    let settings = match Settings::read(named) {
        Ok(settings) => settings,
        Err(why) => return fail(&why),
    };
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log).unwrap_or_default();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match &line.command {
        Command::Serve(place) => serve(&place.over(settings), false),
        Command::Demo(place) => {
            let plain =
                Settings { data: "huiguan-demo".into(), listen: SocketAddr::from(([0, 0, 0, 0], 8080)), ..settings };
            serve(&place.over(plain), true)
        }
        Command::Verify(place) => verify(&place.over(settings)),
        Command::Snapshot { place, target } => snapshot(&place.over(settings), target),
        Command::Restore { place, snapshot } => restore(&place.over(settings), snapshot),
        Command::Bench { what: Bench::Checkin(plan) } => measured(async {
            let binary = std::env::current_exe()?;
            bench::checkin::run(plan, &binary, bench::checkin::Runner::Hall).await
        }),
        Command::Hello { size } => measured(bench::hello::serve(*size)),
    };
    match done {
        Ok(code) => code,
        Err(error) => fail(&error.to_string()),
    }
}

/// Runs a bench to its end.
fn measured(bench: impl Future<Output = bench::Done<()>>) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::internal("starting", error))?;
    runtime.block_on(bench::bounded(bench)).map_err(|error| Error::internal("measuring", error))?;
    Ok(ExitCode::SUCCESS)
}

#[allow(clippy::let_underscore_must_use)]
fn fail(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "huiguan: {why}");
    ExitCode::FAILURE
}

fn verify(settings: &Settings) -> Result<ExitCode, Error> {
    let ctx = boot::open(settings)?;
    let report = ctx.store().view().verify();
    say(report.to_string());
    let logs = service::checkin::vouch::verify(&ctx, domain::SpaceId::ASSOCIATION)?;
    say(logs.to_string());
    ctx.store().clone().close()?;
    let sound = report.is_sound() && logs.problems.is_empty();
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn snapshot(settings: &Settings, target: &std::path::Path) -> Result<ExitCode, Error> {
    let ctx = boot::open(settings)?;
    let made = ctx.store().snapshot(target)?;
    ctx.store().clone().close()?;
    say(format!("{} keys up to group {} in {} ({} bytes)", made.entries, made.sequence, target.display(), made.bytes));
    say(
        "Pictures and imported lists lie in the folder “file” beside the store; copy that as well, and keep the key file elsewhere.",
    );
    Ok(ExitCode::SUCCESS)
}

fn restore(settings: &Settings, snapshot: &std::path::Path) -> Result<ExitCode, Error> {
    let made = store::restore(snapshot, &settings.data.join("store"))?;
    say(format!(
        "{} keys up to group {} restored; start with `huiguan serve --data {}`",
        made.entries,
        made.sequence,
        settings.data.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn serve(settings: &Settings, demo: bool) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::internal("starting", error))?;
    runtime.block_on(serving(settings, demo))?;
    Ok(ExitCode::SUCCESS)
}

async fn serving(settings: &Settings, demo: bool) -> Result<(), Error> {
    let listener = TcpListener::bind(settings.listen).await;
    let listener = listener.map_err(|error| Error::internal(&format!("listening on {}", settings.listen), error))?;
    let address = listener.local_addr().map_err(|error| Error::internal("listening", error))?;
    let ctx = boot::open(settings)?;
    let setup = Arc::new(SetupCode::default());
    let shown = lan(address);
    let public_url = settings.public_url.clone();
    let base = public_url.clone().unwrap_or_else(|| format!("http://{shown}"));
    if demo {
        demo::prepare(&ctx, settings, &base).await?;
    } else if service::space::association(&ctx)?.is_none() {
        say(format!("setup code: {}", setup.renew(&ctx)));
        say(format!("open {base}/setup and enter it there"));
    }
    let hall = web::Hall::new(web::Parts {
        ctx: ctx.clone(),
        setup,
        settings: web::Settings { public_url },
        ports: Arc::default(),
    });
    for import in service::import::unfinished(&ctx, domain::SpaceId::ASSOCIATION)? {
        web::admin::import::spawn(&hall, import);
    }
    let archiving = tokio::spawn(job::archive(ctx.clone()));
    let scanners = tokio::spawn(crate::scanner::watch(hall.clone()));
    say(format!("listening on http://{address}"));
    listen::serve(listener, web::App::new(hall), ended()).await;
    scanners.abort();
    archiving.abort();
    say("closing the store");
    ctx.store().clone().close()?;
    say("bye");
    Ok(())
}

/// Resolves on Ctrl-C or SIGTERM.
async fn ended() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be watched");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// The address that others in the network reach: the box's own towards the network when it listens on all.
fn lan(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    // Connecting a datagram socket sends nothing; it only asks the system which of its addresses it would use. The target is
    // reserved for documentation (RFC 5737).
    let probe = || -> std::io::Result<IpAddr> {
        let socket = UdpSocket::bind((IpAddr::from([0, 0, 0, 0]), 0))?;
        socket.connect((IpAddr::from([192, 0, 2, 1]), 9))?;
        Ok(socket.local_addr()?.ip())
    };
    SocketAddr::new(probe().unwrap_or(IpAddr::from([127, 0, 0, 1])), address.port())
}

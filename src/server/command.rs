//! The command line.

use crate::{
    announce::announce,
    boot, demo, doctor,
    listen::{self, Way},
    machine::Looker,
    settings::Settings,
    supervise::{self, Sockets},
    tls::Tls,
};
use clap::{Args, CommandFactory, Parser, Subcommand};
use service::{Error, space::SetupCode};
use std::io::{IsTerminal, Write};
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
    /// Say how the box is and what to do: disk, clock, certificate, journal, backups, outbox, search; exits with 1 when something is bad.
    Doctor {
        #[command(flatten)]
        place: Place,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Check every record, index, counter, the audit chain and its anchors of a data folder; exits with 1 on any damage.
    Verify {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        against: crate::verify::Against,
    },
    /// Write everything into one snapshot file.
    Snapshot {
        #[command(flatten)]
        place: Place,
        /// The file to write.
        target: PathBuf,
    },
    /// Bring everything back into an empty data folder, from a folder of backups or from a snapshot file.
    Restore {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        from: crate::restore::From,
    },
    /// Put a newer version in place from a signed package; where it is not well, the old one and the data come back.
    Update {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        update: crate::update::Wanted,
    },
    /// A second box that follows the first and can take its place.
    Standby {
        #[command(subcommand)]
        what: crate::standby::command::Standby,
    },
    /// The keys by which sensitive fields are sealed: list them, make a new one, remove old ones.
    Key {
        #[command(subcommand)]
        what: crate::key::Key,
    },
    /// Accounts, when nobody gets in any more; while the server is stopped.
    Account {
        #[command(subcommand)]
        what: Account,
    },
    /// Look after the search index while the server is stopped.
    Search {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        what: Search,
    },
    /// Measure what this box can do, in a scratch folder that is removed afterwards.
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
    /// Draws.
    Draw {
        #[command(subcommand)]
        what: Draw,
    },
    /// Writes the manual page and the shells' completions into a folder; run when the package is made.
    #[command(hide = true)]
    Manual {
        /// The folder.
        folder: PathBuf,
    },
    /// Reads the text of one file within limits; started for each document.
    #[command(hide = true)]
    Text {
        /// What the file is.
        form: String,
        /// The file.
        path: PathBuf,
    },
    /// The plain reply that `bench` compares with; started by it.
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
}

#[derive(Subcommand)]
enum Account {
    /// Print a one-time link to a new password; the old one, the second step, passkeys and sessions of the account are gone at once.
    Reset {
        #[command(flatten)]
        place: Place,
        /// The login of the account.
        #[arg(long, value_name = "NAME")]
        login: String,
        /// The number of the merchant whose account it is; the association's own without it.
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        space: u64,
    },
}

#[derive(Subcommand)]
enum Search {
    /// Build the index anew from all records.
    Rebuild,
    /// Compare the index with all records; exits with 1 when something is missing, outdated or damaged.
    Check,
}

#[derive(Subcommand)]
enum Bench {
    /// How many people a second this box checks in, and how many doors that serves.
    Checkin(bench::checkin::Plan),
}

#[derive(Subcommand)]
enum Draw {
    /// Check a downloaded record of a draw, without any box or network: every hash, every pick; exits with 1 on any problem.
    Verify {
        /// The downloaded file.
        file: PathBuf,
    },
}

/// Where the data are, and how they are served.
#[derive(Args)]
pub struct Place {
    /// Folder of all data; made when it is not there.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address to listen on, such as 0.0.0.0:8080 for everybody in the network.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Address to listen on with TLS, such as 0.0.0.0:8443; plain requests from other computers are then sent there.
    #[arg(long, value_name = "ADDR")]
    listen_tls: Option<SocketAddr>,
    /// Address that links and QR codes begin with, such as http://192.168.1.5:8080.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// File with the key for sensitive fields, outside the data folder; made at the first start.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl Place {
    /// The settings with what the command line says.
    pub fn over(&self, mut settings: Settings) -> Settings {
        if let Some(data) = &self.data {
            settings.data.clone_from(data);
        }
        settings.listen = self.listen.unwrap_or(settings.listen);
        settings.listen_tls = self.listen_tls.or(settings.listen_tls);
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
    // Before anything else is set up: its memory is small and its output is the text alone.
    if let Command::Text { form, path } = &line.command {
        return if service::document::text::child(form, path) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let named = line.config.as_deref().filter(|path| !path.as_os_str().is_empty());
    let settings = match Settings::read(named) {
        Ok(settings) => settings,
        Err(why) => return fail(&why),
    };
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log).unwrap_or_default();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let log = log.with_ansi(std::io::stderr().is_terminal());
    if settings.log_json {
        log.json().flatten_event(true).init()
    } else {
        log.init()
    }
    let done = match &line.command {
        Command::Serve(place) => serve(&place.over(settings), false),
        Command::Demo(place) => {
            let plain =
                Settings { data: "huiguan-demo".into(), listen: SocketAddr::from(([0, 0, 0, 0], 8080)), ..settings };
            serve(&place.over(plain), true)
        }
        Command::Doctor { place, json } => Ok(crate::doctor::run(&place.over(settings), *json)),
        Command::Manual { folder } => manual(folder),
        Command::Verify { place, against } => crate::verify::run(&place.over(settings), against),
        Command::Snapshot { place, target } => snapshot(&place.over(settings), target),
        Command::Restore { place, from } => crate::restore::run(&place.over(settings), from),
        Command::Update { place, update } => crate::update::run(&place.over(settings), named, update),
        Command::Standby { what } => crate::standby::command::run(settings, what),
        Command::Key { what } => crate::key::run(settings, what),
        Command::Account { what: Account::Reset { place, login, space } } => {
            reset(&place.over(settings), login, domain::SpaceId(*space))
        }
        Command::Search { place, what: Search::Rebuild } => rebuild(&place.over(settings)),
        Command::Search { place, what: Search::Check } => check(&place.over(settings)),
        Command::Text { .. } => Ok(ExitCode::SUCCESS),
        Command::Bench { what: Bench::Checkin(plan) } => measured(async {
            let binary = std::env::current_exe()?;
            bench::checkin::run(plan, &binary, bench::checkin::Runner::Hall).await
        }),
        Command::Draw { what: Draw::Verify { file } } => crate::draw::verify(file),
        Command::Hello { size, certificate, key } => {
            measured(bench::hello::serve(*size, certificate.as_deref().zip(key.as_deref())))
        }
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

fn manual(folder: &std::path::Path) -> Result<ExitCode, Error> {
    let written = crate::manual::write(Line::command(), folder);
    written.map_err(|error| Error::internal(&format!("writing into {}", folder.display()), error))?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the folder as `verify` does, so that it never runs beside the server.
fn reset(settings: &Settings, login: &str, space: domain::SpaceId) -> Result<ExitCode, Error> {
    let ctx = boot::open(settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::internal("starting", error))?;
    let made = runtime.block_on(service::account::reset::make_link(&ctx, space, login));
    ctx.store().clone().close()?;
    let token = match made {
        Err(error) if error.code() == Some("record.missing") => {
            return Ok(fail(&format!("there is no account with the login “{login}” here")));
        }
        made => made?,
    };
    let base = settings.public_url.clone().unwrap_or_else(|| match settings.listen_tls {
        Some(address) => format!("https://{}", lan(address)),
        None => format!("http://{}", lan(settings.listen)),
    });
    say(format!("the old password of {login}, its second step, passkeys and sessions are gone"));
    say("start the server and open this link within 24 hours; it works once:");
    say(format!("{base}{}/login/link/{token}", web::space::root(space)));
    Ok(ExitCode::SUCCESS)
}

fn rebuild(settings: &Settings) -> Result<ExitCode, Error> {
    let ctx = boot::open(settings)?;
    let state = service::search::rebuild_here(&ctx, &settings.search(), |state| {
        if let Some(progress) = state.building.filter(|progress| progress.all > 0) {
            let (rate, left) = progress.rate();
            say(format!("{} of {} records, {rate} a second, {left} seconds left", progress.done, progress.all));
        }
    })?;
    ctx.store().clone().close()?;
    say(format!("{} entries, {} bytes on disk", state.entries, state.bytes));
    Ok(ExitCode::SUCCESS)
}

fn check(settings: &Settings) -> Result<ExitCode, Error> {
    let ctx = boot::open(settings)?;
    let check = service::search::check(&ctx, &settings.search());
    ctx.store().clone().close()?;
    let check = match check {
        Ok(check) => check,
        Err(error) => {
            say(format!("the index cannot be used: {error}"));
            say("`huiguan search rebuild` makes a new one, and so does the next start of the server");
            return Ok(ExitCode::FAILURE);
        }
    };
    say(format!(
        "{} records; the index lacks {}, has {} as they were and {} that are gone; it holds group {} of {}",
        check.records, check.missing, check.outdated, check.gone, check.position.0, check.position.1
    ));
    if !check.is_sound() && check.position.0 < check.position.1 {
        say("the server takes in what is behind when it starts");
    }
    Ok(if check.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

fn serve(settings: &Settings, demo: bool) -> Result<ExitCode, Error> {
    // Where a system gives huge pages to whoever does not ask, memory once touched stays: nearly twice as much at rest, for the same rate.
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "memory comes in pages of the system's choice");
    }
    let runtime = crate::cores::runtime().map_err(|error| Error::internal("starting", error))?;
    runtime.block_on(serving(settings, demo))?;
    Ok(ExitCode::SUCCESS)
}

async fn serving(settings: &Settings, demo: bool) -> Result<(), Error> {
    let told_to_end = ended();
    let Sockets { plain, tls } = supervise::inherited()?;
    let listener = match plain {
        Some(listener) => listener,
        None => bound(settings.listen).await?,
    };
    let address = listener.local_addr().map_err(|error| Error::internal("listening", error))?;
    let (ctx, opened) = boot::open_saying(settings)?;
    ctx.files.remove_drafts();
    let tokens = Arc::<gateway::acme::Tokens>::default();
    let secure = secured(&ctx, settings, tls, &tokens).await?;
    let shown = lan(address);
    crate::standby::show(&ctx, secure.as_ref(), secure.as_ref().map_or(shown, |secure| lan(secure.address)));
    if !crate::standby::may_lead(&ctx).await? {
        return crate::standby::idle(&ctx, settings, opened, listener, secure, told_to_end).await;
    }
    service::standby::begin(&ctx).await?;
    // Before anything is sealed by it.
    service::key::take_up(&ctx, ctx.sealer.number()).await?;
    service::search::start(&ctx, Some(settings.search()));
    let program = std::env::current_exe().map_err(|error| Error::internal("finding the program", error))?;
    let texts = tokio::spawn(service::document::read_texts(ctx.clone(), program));
    let setup = Arc::new(SetupCode::default());
    let looker = Looker::new(settings, secure.as_ref().map(|secure| secure.tls.clone()));
    service::health::register(&ctx, opened.rebuilt, Box::new(move || looker.look()));
    let origins = crate::settings::parts(&settings.api_origins).map(str::to_owned).collect();
    let api = web::ApiSettings::new(origins, settings.api_person_rate, settings.api_address_rate);
    let proxies = listen::Proxies::read(settings)?;
    let public_url = settings.public_url.clone();
    let base = public_url.clone().unwrap_or_else(|| match &secure {
        Some(secure) => format!("https://{}", lan(secure.address)),
        None => format!("http://{shown}"),
    });
    service::message::register_own(&ctx);
    service::webhook::register(&ctx);
    service::draw::check::register(&ctx);
    let words = crate::wording::Words { base: Some(base.clone()) };
    service::message::set_wording(&ctx, Arc::new(words));
    let mut stand_ins = None;
    if demo {
        stand_ins = Some(demo::prepare(&ctx, settings, &base, address).await?);
    } else if service::space::association(&ctx)?.is_none() {
        say(format!("setup code: {}", setup.renew(&ctx)));
        say(format!("open {base}/setup and enter it there"));
    }
    let wechat = if demo {
        let till = stand_ins.as_ref().and_then(|(_, till)| till.as_ref());
        Some(crate::demo_wechat::start(&ctx, &base, till).await?)
    } else {
        None
    };
    let hall = web::Hall::new(web::Parts {
        ctx: ctx.clone(),
        setup,
        settings: web::Settings { public_url, api, root: secure.as_ref().and_then(Secure::root) },
        ports: Arc::default(),
    });
    for space in ctx.spaces()? {
        for import in service::import::unfinished(&ctx, space)? {
            web::admin::import::spawn(&hall, space, import);
        }
    }
    let scanners = tokio::spawn(crate::scanner::watch(hall.clone()));
    let clock = tokio::spawn(by_the_clock(ctx.clone()));
    let doctor = doctor::listen(&ctx, &settings.data)?;
    let looking = tokio::spawn(look_after(ctx.clone()));
    let sealing = tokio::spawn(service::key::keep_resealing(ctx.clone()));
    let settling = tokio::spawn(crate::update::settle(settings.data.clone()));
    if let Some(wanted) = settings.metrics_listen {
        let told = crate::figures::start(&ctx, wanted, &settings.data).await?;
        say(format!("figures for Prometheus at http://{told}/metrics"));
    }
    drop(tokio::task::spawn_blocking(look_for_fonts));
    say(format!("listening on http://{address}"));
    let announced =
        settings.announce.then(|| announce(address, secure.as_ref().map(|secure| secure.address))).flatten();
    let app = web::App::new(hall);
    let (end, ends) = tokio::sync::watch::channel(false);
    let tunnel = tokio::spawn(crate::tunnel::keep(ctx.clone(), app.clone(), ends.clone()));
    let way = match &secure {
        Some(secure) => {
            say(format!("listening on https://{}", secure.address));
            if secure.root().is_some() {
                say(format!("devices come to trust it at http://{shown}/root"));
            }
            Way::Redirect(secure.address.port(), tokens)
        }
        None => Way::Plain,
    };
    let plain = tokio::spawn(listen::serve(listener, app.clone(), way, proxies.clone(), ends.clone()));
    let reached = secure.as_ref().map(|secure| secure.address);
    let by_tls = secure.map(|Secure { listener, tls, .. }| {
        let renewing = tokio::spawn(renew(tls.clone()));
        if let Some(public) = tls.public() {
            // It ends with the program: an order that was begun is begun anew by the next one.
            drop(tokio::spawn(public.clone().keep()));
        }
        tls.config().map(|config| {
            (renewing, tokio::spawn(listen::serve(listener, app, Way::Tls(config, ctx.clone()), proxies, ends)))
        })
    });
    let by_tls = by_tls.transpose()?;
    supervise::ready();
    let watched = tokio::spawn(supervise::watch(ctx.clone()));
    let asking = tokio::spawn(crate::standby::keep_asking(ctx.clone()));
    let fenced = tokio::select! {
        () = told_to_end => false,
        () = service::standby::role_changed(&ctx) => true,
    };
    // Whoever stops the program waits for its end, not for a sign of life.
    watched.abort();
    supervise::stopping();
    end.send_replace(true);
    if let Some(announced) = announced
        && let Err(error) = announced.shutdown()
    {
        tracing::debug!(%error, "the name of the box was not taken back");
    }
    for listening in std::iter::once(plain).chain(by_tls.map(|(renewing, listening)| {
        renewing.abort();
        listening
    })) {
        listening.await.map_err(|error| Error::internal("a listener", error))?;
    }
    tunnel.await.map_err(|error| Error::internal("the tunnel", error))?;
    for task in [scanners, clock, doctor, looking, settling, asking, sealing] {
        task.abort();
    }
    service::outbox::stop(&ctx).await;
    for space in ctx.spaces()? {
        // A box that was fenced keeps nothing more.
        if !fenced {
            service::promotion::flush(&ctx, space).await?;
            service::privacy::access::flush_now(&ctx, space).await?;
        }
    }
    texts.abort();
    service::document::stop(&ctx);
    let ending = ctx.clone();
    let ended = tokio::task::spawn_blocking(move || service::search::stop(&ending)).await;
    ended.map_err(|error| Error::internal("closing the search index", error))?;
    drop((stand_ins, wechat));
    say("closing the store");
    ctx.store().clone().close()?;
    if fenced {
        return Err(crate::standby::again(settings, address, reached));
    }
    say("bye");
    Ok(())
}

async fn bound(wanted: SocketAddr) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(wanted).await;
    listener.map_err(|error| Error::internal(&format!("listening on {wanted}"), error))
}

/// How often the box looks by itself how it is, for the checklist.
const LOOKED: std::time::Duration = std::time::Duration::from_secs(600);

/// Looks how the box is, as long as it runs.
async fn look_after(ctx: service::Ctx) {
    let mut turns = tokio::time::interval(LOOKED);
    loop {
        turns.tick().await;
        let looking = ctx.clone();
        match tokio::task::spawn_blocking(move || service::health::look(&looking)).await {
            Ok(Ok(lines)) => {
                for line in lines.iter().filter(|line| line.finding.level() == domain::health::Level::Bad) {
                    tracing::warn!(says = line.english(), advice = line.finding.advice(), "the box needs somebody");
                }
            }
            Ok(Err(error)) => tracing::error!(%error, "looking how the box is"),
            Err(error) => tracing::error!(%error, "looking how the box is"),
        }
    }
}

/// What the TLS listener is made of.
pub struct Secure {
    /// Where it listens.
    pub listener: TcpListener,
    /// Its address.
    pub address: SocketAddr,
    /// Its certificates.
    pub tls: Arc<Tls>,
}

impl Secure {
    /// What devices are given to trust.
    pub fn root(&self) -> Option<web::root::Root> {
        self.tls.root().map(|root| web::root::Root { der: root.to_vec(), port: self.address.port() })
    }
}

/// The TLS listener, where the settings ask for one.
async fn secured(
    ctx: &service::Ctx,
    settings: &Settings,
    inherited: Option<TcpListener>,
    tokens: &Arc<gateway::acme::Tokens>,
) -> Result<Option<Secure>, Error> {
    let listener = match (inherited, settings.listen_tls) {
        (Some(listener), _) => listener,
        (None, Some(wanted)) => bound(wanted).await?,
        (None, None) if settings.acme_names.trim().is_empty() => return Ok(None),
        (None, None) => {
            let why = "settings: acme_names needs listen_tls: a certificate is of no use without TLS";
            return Err(Error::Internal(why.into()));
        }
    };
    let address = listener.local_addr().map_err(|error| Error::internal("listening", error))?;
    Ok(Some(Secure { listener, address, tls: Arc::new(Tls::open(ctx, settings, tokens)?) }))
}

/// How often the box looks whether its certificate is still good.
const RENEWED: std::time::Duration = std::time::Duration::from_secs(60);

/// Renews the certificate as long as the box runs; at once on SIGHUP, for whoever has just laid a new one there.
async fn renew(tls: Arc<Tls>) {
    let mut turns = tokio::time::interval(RENEWED);
    let mut asked = signal(SignalKind::hangup()).ok();
    loop {
        tokio::select! {
            _ = turns.tick() => {}
            () = heard(&mut asked) => {}
        }
        let tls = tls.clone();
        match tokio::task::spawn_blocking(move || tls.look()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, "the certificate stays as it is"),
            Err(error) => tracing::error!(%error, "looking after the certificate"),
        }
    }
}

/// No spaces when they cannot be read, which is said; the next turn tries again.
fn unread(error: Error) -> Vec<domain::SpaceId> {
    tracing::error!(%error, "the spaces cannot be read");
    Vec::new()
}

/// Does what is due in every open space, once a second, as long as the box runs.
async fn by_the_clock(ctx: service::Ctx) {
    let mut second = tokio::time::interval(std::time::Duration::from_secs(1));
    second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        second.tick().await;
        for space in ctx.open_spaces().unwrap_or_else(unread) {
            service::job::tick(&ctx, space).await;
        }
    }
}

/// Looks for a Chinese font before the first poster is wanted.
fn look_for_fonts() {
    match service::render::Fonts::system().family() {
        Some(family) => tracing::info!(family, "pictures are drawn with this font"),
        None => tracing::warn!(
            "no font with Chinese characters: posters and certificates cannot be drawn as PNG; install fonts-wqy-microhei"
        ),
    }
}

/// Resolves on Ctrl-C or SIGTERM. From the call on they no longer end the program as it is.
fn ended() -> impl Future<Output = ()> {
    let asked = [SignalKind::terminate(), SignalKind::interrupt()]
        .map(|kind| signal(kind).inspect_err(|error| tracing::warn!(%error, ?kind, "a signal cannot be watched")).ok());
    async move {
        let [mut terminated, mut interrupted] = asked;
        tokio::select! {
            () = heard(&mut terminated) => {}
            () = heard(&mut interrupted) => {}
        }
    }
}

/// Waits for a signal; for ever when it cannot be watched.
async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
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

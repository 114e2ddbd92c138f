//! A box that does not lead: it follows, or was fenced. It serves one page about that, the doctor, and the line to the other box; and it takes over when
//! somebody says so. And the two things a leader does about another box: asking how it stands, and ending when it was fenced.

pub mod command;
pub mod line;

use crate::{
    announce::announce,
    clock::SystemClock,
    command::{Secure, say},
    doctor, listen,
    listen::{Proxies, Way},
    machine::Looker,
    settings::Settings,
    supervise,
};
use domain::standby::{Role, Trouble};
use service::{Clock, Ctx, Error, standby};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use store::Opened;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// How often a leader asks the other box how it stands.
const ASKED: Duration = Duration::from_secs(5);
/// How long whoever speaks over the socket may take.
const SPEAKING: Duration = Duration::from_secs(5);
/// Longest line that is heard there.
const LINE_MAX: u64 = 100;

/// Makes a box that leads findable for others.
pub fn show(ctx: &Ctx, secure: Option<&Secure>, shown: SocketAddr) {
    if let Some(secure) = secure {
        let face = standby::Face { address: shown.to_string(), port: secure.address.port(), pin: secure.tls.pin() };
        standby::show_face(ctx, face);
    }
}

/// Asks the other box how it stands, before a leader serves: one that was taken over from while it was off learns it here. True when it leads on. A box
/// that cannot be asked may lead all the same: from there it cannot be told from one that is gone.
pub async fn may_lead(ctx: &Ctx) -> Result<bool, Error> {
    match standby::ask(ctx, &line::dial()).await {
        Ok(()) => {}
        Err(trouble @ Trouble::Unkept(_)) => return Err(Error::Internal(trouble.to_string())),
        Err(trouble) => tracing::warn!(%trouble, "the other box could not be asked how it stands"),
    }
    Ok(standby::standing(ctx).role == Role::Leader)
}

/// Asks again and again, as long as this box leads.
pub async fn keep_asking(ctx: Ctx) {
    let dial = line::dial();
    loop {
        tokio::time::sleep(ASKED).await;
        if let Err(trouble) = standby::ask(&ctx, &dial).await {
            tracing::debug!(%trouble, "the other box could not be asked how it stands");
        }
    }
}

/// Starts the program anew in this one's place, with the same command line and the same addresses, where its role changed: what was in memory of the old
/// role is gone for certain. Under systemd's sockets it ends with an error, so that systemd starts it with them.
pub fn again(settings: &Settings, plain: SocketAddr, secure: Option<SocketAddr>) -> Error {
    if supervise::took_sockets() {
        return Error::Internal("the role of this box changed: it must be started anew".into());
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Error::internal("finding the program", error),
    };
    let mut words = Vec::new();
    let mut all = std::env::args_os().skip(1);
    while let Some(word) = all.next() {
        let text = word.to_string_lossy();
        if text == "--listen" || text == "--listen-tls" {
            all.next();
        } else if !text.starts_with("--listen=") && !text.starts_with("--listen-tls=") {
            words.push(word);
        }
    }
    words.push(format!("--listen={plain}").into());
    words.extend(secure.map(|address| format!("--listen-tls={address}").into()));
    tracing::info!(data = %settings.data.display(), "the program starts anew in its new role");
    say("starting anew");
    Error::internal("starting the program anew", Command::new(program).args(words).exec())
}

fn socket(data: &Path) -> PathBuf {
    data.join("run").join("standby")
}

/// Serves as a box that does not lead, until its end or until it starts anew.
pub async fn idle(
    ctx: &Ctx,
    settings: &Settings,
    opened: Opened,
    listener: TcpListener,
    secure: Option<Secure>,
    told_to_end: impl Future<Output = ()>,
) -> Result<(), Error> {
    let role = standby::standing(ctx).role;
    let address = listener.local_addr().map_err(|error| Error::internal("listening", error))?;
    let looker = Looker::new(settings, secure.as_ref().map(|secure| secure.tls.clone()));
    service::health::register(ctx, opened.rebuilt, Box::new(move || looker.look()));
    let doctor = doctor::listen(ctx, &settings.data)?;
    let ears = ears(&settings.data)?;
    let hall = web::Hall::new(web::Parts {
        ctx: ctx.clone(),
        setup: Arc::default(),
        settings: web::Settings {
            public_url: settings.public_url.clone(),
            api: web::ApiSettings::new(Vec::new(), settings.api_person_rate, settings.api_address_rate),
            root: secure.as_ref().and_then(Secure::root),
        },
        ports: Arc::default(),
    });
    let (app, proxies) = (web::App::idle(hall), Proxies::read(settings)?);
    say(match role {
        Role::Follower => "this box follows another; huiguan standby promote lets it take over",
        Role::Fenced => "another box took over from this one; huiguan standby follow makes it follow that one",
        Role::Leader => "this box leads",
    });
    say(format!("listening on http://{address}"));
    let announced = settings.announce.then(|| announce(address, secure.as_ref().map(|of| of.address))).flatten();
    let (end, ends) = tokio::sync::watch::channel(false);
    let port = secure.as_ref().map_or(0, |secure| secure.address.port());
    let way = if port == 0 { Way::Plain } else { Way::Redirect(port, Arc::default()) };
    let mut listening = vec![tokio::spawn(listen::serve(listener, app.clone(), way, proxies.clone(), ends.clone()))];
    let reached = secure.as_ref().map(|secure| secure.address);
    if let Some(Secure { listener, tls, address }) = secure {
        say(format!("listening on https://{address}"));
        let way = Way::Tls(tls.config()?, ctx.clone());
        listening.push(tokio::spawn(listen::serve(listener, app, way, proxies, ends)));
    }
    supervise::ready();
    let watched = tokio::spawn(supervise::watch(ctx.clone()));
    let dial = line::dial();
    let following = async {
        match role {
            Role::Follower => standby::keep_following(ctx, &dial, port).await,
            Role::Fenced | Role::Leader => std::future::pending().await,
        }
    };
    let changed = tokio::select! {
        () = told_to_end => false,
        ended = following => {
            tracing::info!(?ended, "everything came at once");
            true
        }
        () = hear(ctx, &ears, &dial) => true,
    };
    watched.abort();
    doctor.abort();
    supervise::stopping();
    if let Some(announced) = announced
        && let Err(error) = announced.shutdown()
    {
        tracing::debug!(%error, "the name of the box was not taken back");
    }
    end.send_replace(true);
    for listening in listening {
        listening.await.map_err(|error| Error::internal("a listener", error))?;
    }
    say("closing the store");
    ctx.store().clone().close()?;
    if changed {
        return Err(again(settings, address, reached));
    }
    say("bye");
    Ok(())
}

/// The socket over which somebody on this box says that it is to take over.
fn ears(data: &Path) -> Result<UnixListener, Error> {
    let failed = |error| Error::internal("listening for the command line", error);
    let path = socket(data);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    UnixListener::bind(&path).map_err(failed)
}

/// Hears whoever says that this box is to take over; returns when it did and they know.
async fn hear(ctx: &Ctx, ears: &UnixListener, dial: &standby::Dial) {
    loop {
        let mut stream = match ears.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the command line was not heard");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let Some(force) = told(&mut stream).await else { continue };
        let done = standby::promote(ctx, dial, force).await;
        let (word, text) = match &done {
            Ok(done) => ("yes", command::words(done)),
            Err(why) => ("no", why.to_string()),
        };
        let answer = async {
            stream.write_all(format!("{word} {text}\n").as_bytes()).await?;
            stream.shutdown().await
        };
        if !matches!(tokio::time::timeout(SPEAKING, answer).await, Ok(Ok(()))) {
            tracing::warn!("whoever asked this box to take over went away");
        }
        if done.is_ok() {
            return;
        }
    }
}

/// What is said over the socket: whether by force. None when it was something else.
async fn told(stream: &mut UnixStream) -> Option<bool> {
    let mut said = String::new();
    let mut reader = BufReader::new(stream.take(LINE_MAX));
    let heard = tokio::time::timeout(SPEAKING, reader.read_line(&mut said)).await;
    match (heard, said.trim()) {
        (Ok(Ok(_)), "promote") => Some(false),
        (Ok(Ok(_)), "promote force") => Some(true),
        _ => None,
    }
}

/// The time, for whoever puts something aside.
fn now() -> domain::Time {
    SystemClock.now()
}

//! `huiguan doctor`: how the box is, on the command line. The running program is asked over a socket in the data folder that only its owner may use;
//! without it, what can be seen without the records is said.

use crate::{
    clock::SystemClock,
    command::say,
    machine::{self, Looker},
    settings::Settings,
};
use domain::health::{self, Check, Finding, Line};
use serde_json::Value;
use service::{Clock, Ctx, Error};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};

/// How long the program is waited for.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long whoever asks may take to read.
const READING: Duration = Duration::from_secs(5);
/// Longest answer.
const ANSWER_MAX: u64 = 1 << 20;

/// The folder of the socket, which nobody else may enter.
fn folder(data: &Path) -> PathBuf {
    data.join("run")
}

fn socket(data: &Path) -> PathBuf {
    folder(data).join("doctor")
}

/// Answers whoever asks how the box is, as long as it runs. The data folder must be held by this program.
pub fn listen(ctx: &Ctx, data: &Path) -> Result<tokio::task::JoinHandle<()>, Error> {
    let failed = |error| Error::internal("listening for the doctor", error);
    let made = DirBuilder::new().mode(0o700).create(folder(data));
    made.or_else(|error| if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }).map_err(failed)?;
    let path = socket(data);
    // One that was left by a program that was killed.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(failed)?;
    let ctx = ctx.clone();
    Ok(tokio::spawn(async move {
        loop {
            match listener.accept().await {
                // One after the other: whoever looks writes to the disk.
                Ok((stream, _)) => answer(&ctx, stream).await,
                Err(error) => {
                    tracing::warn!(%error, "the doctor was not heard");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }))
}

async fn answer(ctx: &Ctx, mut stream: UnixStream) {
    let looking = ctx.clone();
    let looked = tokio::task::spawn_blocking(move || service::health::look(&looking)).await;
    let lines = match looked {
        Ok(Ok(lines)) => lines,
        Ok(Err(error)) => {
            tracing::error!(%error, "looking how the box is");
            vec![Line::bare(Finding::HallIsMute)]
        }
        Err(error) => {
            tracing::error!(%error, "looking how the box is");
            vec![Line::bare(Finding::HallIsMute)]
        }
    };
    let said = health::json(&lines).to_string();
    let written = tokio::time::timeout(READING, async {
        stream.write_all(said.as_bytes()).await?;
        stream.shutdown().await
    });
    match written.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the doctor went away"),
        Err(_) => tracing::debug!("the doctor did not listen"),
    }
}

/// What the running program says; none when none is heard.
fn asked(data: &Path) -> Option<Value> {
    let stream = std::os::unix::net::UnixStream::connect(socket(data)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut said = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut said).ok()?;
    serde_json::from_slice(&said).ok()
}

/// Whether the program runs and says how it is.
pub fn answers(data: &Path) -> bool {
    asked(data).is_some()
}

/// The checks that are bad, as the running program says, or, when it is not heard, as far as the machine tells.
pub fn bad(settings: &Settings) -> BTreeSet<String> {
    let (told, offline) = match asked(&settings.data) {
        Some(told) => (told, false),
        None => (health::json(&health::judge(SystemClock.now(), &Looker::new(settings, None).look(), None)), true),
    };
    let bad = lines_of(&told).iter().filter(|line| text(line, "level") == health::Level::Bad.code());
    let bad = bad.map(|line| text(line, "check").to_owned());
    // That it does not run is no excuse for one that is started.
    bad.filter(|check| !offline || check != Check::Hall.code()).collect()
}

/// Whether a program holds the data folder.
pub fn is_held(data: &Path) -> bool {
    File::open(data.join("store").join("lock"))
        .is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

fn lines_of(value: &Value) -> &[Value] {
    value.get("lines").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(line: &'a Value, name: &str) -> &'a str {
    line.get(name).and_then(Value::as_str).unwrap_or("")
}

/// What the running program says of one check, in words.
pub fn says(data: &Path, check: Check) -> Vec<String> {
    let told = asked(data).unwrap_or_default();
    let lines = lines_of(&told).iter().filter(|line| text(line, "check") == check.code());
    lines.map(|line| format!("{}: {}", text(line, "level"), text(line, "says"))).collect()
}

/// Looks, says what was found, and exits with 1 when something is bad.
pub fn run(settings: &Settings, json: bool) -> ExitCode {
    let told = asked(&settings.data);
    let found = match told {
        Some(told) => with_drives(told),
        None => {
            let mut lines = health::judge(SystemClock.now(), &Looker::new(settings, None).look(), None);
            if is_held(&settings.data)
                && let Some(first) = lines.first_mut()
            {
                *first = Line::bare(Finding::HallIsMute);
            }
            health::json(&lines)
        }
    };
    if json {
        say(found.to_string());
    } else {
        for line in lines_of(&found) {
            let check = Check::parse(text(line, "check")).map_or("", Check::label);
            say(format!("{:5} {check}: {}", text(line, "level"), text(line, "says")));
            if text(line, "level") != health::Level::Good.code() {
                say(format!("      {}", text(line, "advice")));
            }
        }
    }
    if text(&found, "level") == health::Level::Bad.code() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The program may not ask the drives under systemd; whoever runs the doctor perhaps may.
fn with_drives(told: Value) -> Value {
    let own = health::drives(&machine::drives(Path::new("/sys/block")));
    if own.iter().any(|line| line.finding == Finding::DriveIsUnknown) {
        return told;
    }
    let (mut lines, mut own) = (Vec::new(), own.iter().map(Line::json));
    for line in lines_of(&told) {
        if text(line, "check") == Check::Drive.code() {
            lines.extend(own.by_ref());
        } else {
            lines.push(line.clone());
        }
    }
    let level = [health::Level::Bad, health::Level::Warn]
        .into_iter()
        .find(|level| lines.iter().any(|line| text(line, "level") == level.code()))
        .unwrap_or(health::Level::Good);
    serde_json::json!({ "level": level.code(), "lines": lines })
}

//! The program that changes the DNS for DNS-01. The settings file names it; no page and no record can.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take: it comes back when the record can be seen.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often is looked whether it ended.
const LOOK: Duration = Duration::from_millis(50);

/// Runs it with `present` or `cleanup`, the record's name and its value. Its words are not read: they may hold secrets of the provider.
pub async fn run(program: &Path, act: &'static str, name: &str, value: &str) -> Result<(), String> {
    let (program, name, value) = (program.to_owned(), name.to_owned(), value.to_owned());
    let running = tokio::task::spawn_blocking(move || wait(&program, act, &name, &value));
    running.await.map_err(|error| error.to_string())?
}

fn wait(program: &Path, act: &str, name: &str, value: &str) -> Result<(), String> {
    let shown = program.display();
    let mut command = Command::new(program);
    command.args([act, name, value]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{shown}: {error}"))?;
    let until = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{shown} {act} {name}: {status}")),
            Ok(None) if Instant::now() < until => std::thread::park_timeout(LOOK),
            Ok(None) => {
                if let Err(error) = child.kill() {
                    tracing::debug!(%error, "it ended by itself");
                }
                return Err(format!("{shown} {act} {name}: not done within {} seconds", PATIENCE.as_secs()));
            }
            Err(error) => return Err(format!("{shown}: {error}")),
        }
    }
}

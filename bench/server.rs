//! Starting servers as processes of their own: the release binary and the yardstick. What is started here ends here.

use crate::{
    Done,
    load::{Connection, Way, get},
    say,
    secure::Secure,
};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The longest that a server may take until it answers.
const START: Duration = Duration::from_secs(60);
/// The longest that building may take.
const BUILD: Duration = Duration::from_secs(20 * 60);
/// The longest that a check of a folder may take.
const CHECK: Duration = Duration::from_secs(300);

/// A child process; killed when dropped.
struct Process(Child);

impl Process {
    /// Waits for its end; whether it ended well.
    async fn ended(&mut self, within: Duration) -> Done<bool> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status.success());
            }
            if begun.elapsed() > within {
                return Err(format!("a process did not end within {within:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The release binary beside this program, brought up to date first.
pub async fn binary() -> Done<PathBuf> {
    let binary = std::env::current_exe()?.with_file_name("huiguan");
    say("building the release binary if it is not up to date …");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build =
        Process(Command::new(cargo).args(["build", "--release", "--package", "huiguan", "--quiet"]).spawn()?);
    let built = build.ended(BUILD).await?;
    if built && binary.exists() { Ok(binary) } else { Err("the release binary could not be built".into()) }
}

/// Whether everything in a filled folder is sound, as the binary's own check says. No server may run on it.
pub async fn is_sound(binary: &Path, folder: &Path) -> Done<bool> {
    let mut check = Command::new(binary);
    check.args(["verify", "--data"]).arg(folder.join("data")).stdout(Stdio::null()).stderr(Stdio::null());
    Process(check.spawn()?).ended(CHECK).await
}

/// Builds the search index of a filled folder. No server may run on it.
pub async fn indexed(binary: &Path, folder: &Path) -> Done<()> {
    let mut build = Command::new(binary);
    build.args(["search", "--data"]).arg(folder.join("data")).arg("rebuild");
    let built = Process(build.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?).ended(CHECK).await?;
    if built { Ok(()) } else { Err("the search index could not be built".into()) }
}

/// Runs a program to its end; how long it took, and the most memory that it had, in MiB.
pub async fn watched(command: &mut Command, within: Duration) -> Done<(Duration, f64)> {
    let begun = Instant::now();
    let mut process = Process(command.stdout(Stdio::null()).spawn()?);
    let mut most = 0.0f64;
    loop {
        // Once it ended there is nothing to read.
        most = most.max(resident(process.0.id()).unwrap_or_default());
        match process.0.try_wait()? {
            Some(status) if status.success() => return Ok((begun.elapsed(), most)),
            Some(status) => return Err(format!("a program ended with {status}").into()),
            None if begun.elapsed() > within => return Err(format!("a program did not end within {within:?}").into()),
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Memory of a process in MiB, by a name of its status such as `VmRSS`.
pub fn memory_of(process: &str, name: &str) -> Done<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    Ok(line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).ok_or("no memory")? / 1024.0)
}

/// Resident memory of a process in MiB.
fn resident(process: u32) -> Done<f64> {
    memory_of(&process.to_string(), "VmRSS")
}

/// Bytes of all files below a folder.
pub fn bytes(folder: &Path) -> u64 {
    let found = std::fs::read_dir(folder).into_iter().flatten().flatten();
    found
        .map(
            |file| {
                if file.path().is_dir() { bytes(&file.path()) } else { file.metadata().map_or(0, |meta| meta.len()) }
            },
        )
        .sum()
}

/// A server process; killed when dropped.
pub struct Server {
    process: Process,
    /// Host and port.
    pub address: String,
    /// The way by TLS, or the plain one where there is none.
    pub way: Way,
    /// From the start of the process to its first answer.
    pub started: Duration,
}

/// Reads until the server says where it listens by each scheme, aside, so that a server that says nothing holds nobody up.
async fn listening(out: ChildStdout, schemes: Vec<&'static str>) -> Done<Vec<String>> {
    let (said, heard) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if let Some((scheme, address)) = line.strip_prefix("listening on ").and_then(|rest| rest.split_once("://"))
            {
                // Whoever waited may have given up.
                drop(said.send((scheme.to_owned(), address.to_owned())));
            }
        }
    });
    let found = tokio::task::spawn_blocking(move || {
        let mut found = vec![String::new(); schemes.len()];
        while found.iter().any(String::is_empty) {
            let (scheme, address) = heard.recv_timeout(START)?;
            let place = schemes.iter().position(|wanted| *wanted == scheme).and_then(|at| found.get_mut(at));
            place.into_iter().for_each(|place| place.clone_from(&address));
        }
        Ok(found)
    });
    found.await?.map_err(|error: RecvTimeoutError| format!("the server did not say where it listens: {error}").into())
}

/// What the service's unit tells the allocator: for how many milliseconds it may keep what was freed before the system gets it back. Its own second is worth
/// half as much memory again at full load; less than this costs the door.
const PURGE: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "100");

fn serving(binary: &Path, folder: &Path) -> Command {
    let mut command = Command::new(binary);
    command.env(PURGE.0, PURGE.1);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.join("data"));
    command
}

impl Server {
    /// Starts a program that says where it listens, and waits for its first answer.
    pub async fn start(command: &mut Command) -> Done<Self> {
        Self::begin(command, None).await
    }

    async fn begin(command: &mut Command, secure: Option<&Secure>) -> Done<Self> {
        let begun = Instant::now();
        let mut process = Process(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?);
        let out = process.0.stdout.take().ok_or("no output")?;
        let schemes = if secure.is_some() { vec!["http", "https"] } else { vec!["http"] };
        let mut found = listening(out, schemes).await?.into_iter();
        let address = found.next().ok_or("no address")?;
        let way =
            secure.zip(found.next()).map_or_else(|| Way::from(&address), |(secure, address)| secure.way(&address));
        let answer = Connection::open(&address).await?.ask(&get("/login", "")).await?;
        if answer.status != 200 {
            return Err(format!("the first answer was {}", answer.status).into());
        }
        Ok(Self { process, address, way, started: begun.elapsed() })
    }

    /// The hall on a filled folder, at a free port.
    pub async fn hall(binary: &Path, folder: &Path) -> Done<Self> {
        Self::hall_by(binary, folder, None).await
    }

    /// As [`Self::hall`], by TLS too where there is a certificate for it.
    pub async fn hall_by(binary: &Path, folder: &Path, secure: Option<&Secure>) -> Done<Self> {
        let mut command = serving(binary, folder);
        if let Some(secure) = secure {
            command.args(["--listen-tls", "127.0.0.1:0"]);
            command.env("HUIGUAN_CERTIFICATE", &secure.certificate).env("HUIGUAN_CERTIFICATE_KEY", &secure.key);
        }
        Self::begin(&mut command, secure).await
    }

    /// As [`Self::hall`], and the API answers one address and one person as often as they ask: here one machine is a crowd.
    pub async fn crowded(binary: &Path, folder: &Path) -> Done<Self> {
        let mut command = serving(binary, folder);
        command.env("HUIGUAN_API_PERSON_RATE", "0").env("HUIGUAN_API_ADDRESS_RATE", "0");
        Self::start(&mut command).await
    }

    /// The plain reply with a body of `size` bytes.
    pub async fn hello(size: usize) -> Done<Self> {
        Self::hello_by(size, None).await
    }

    /// As [`Self::hello`], by TLS too where there is a certificate for it.
    pub async fn hello_by(size: usize, secure: Option<&Secure>) -> Done<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["hello", &size.to_string()]);
        if let Some(secure) = secure {
            command.args([&secure.certificate, &secure.key]);
        }
        Self::begin(&mut command, secure).await
    }

    /// A check-in server over SQLite, to compare with.
    #[cfg(feature = "baseline")]
    pub async fn sqlite(file: &Path, group: bool) -> Done<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("sqlite").arg(file).args(group.then_some("--group"));
        Self::start(&mut command).await
    }

    /// Resident memory in MiB.
    pub fn memory(&self) -> Done<f64> {
        resident(self.process.0.id())
    }

    /// The most resident memory that it had so far, in MiB.
    pub fn peak(&self) -> Done<f64> {
        memory_of(&self.process.0.id().to_string(), "VmHWM")
    }

    /// Processor time that the server used so far, to a hundredth of a second.
    pub fn busy(&self) -> Done<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.0.id()))?;
        let after = stat.rsplit(") ").next().ok_or("no status")?;
        let ticks = after.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
        Ok(Duration::from_millis(ticks * 10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hall_is_measured_with_the_memory_that_its_unit_lets_it_keep() {
        let line = format!("Environment={}={}", PURGE.0, PURGE.1);
        let unit = include_str!("../systemd/huiguan.service");
        assert!(unit.lines().any(|said| said == line), "{line}");
        let command = serving(Path::new("huiguan"), Path::new("."));
        assert!(command.get_envs().any(|told| told == (PURGE.0.as_ref(), Some(PURGE.1.as_ref()))));
    }
}

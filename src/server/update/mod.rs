//! `huiguan update`: a signed package is checked, everything is kept as it is, the new program is tried on a copy and then for good, and where it is
//! not well the old one and its data come back by themselves.
//!
//! Whatever touches data runs as their owner, whoever started the update.

mod package;
mod state;

pub use state::resume;

use crate::{command::say, doctor, settings::Settings};
use clap::{Args, Subcommand};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use service::Error;
use state::{State, Step};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;
use store::{Options, Store};

/// This version.
const OWN: &str = env!("CARGO_PKG_VERSION");
/// The makers' key of packages, where the build was given one; the settings come first.
const MAKERS: Option<&str> = option_env!("HUIGUAN_MAKERS_KEY");
/// How often a program that was started is asked how it is.
const ASKED: Duration = Duration::from_millis(300);
/// How long a program that is told to end may take.
const ENDING: Duration = Duration::from_secs(90);
/// A new program that served so long is well, whatever became of whoever started it.
pub const SETTLED: Duration = Duration::from_secs(600);

/// What is asked for.
#[derive(Args)]
pub struct Wanted {
    #[command(subcommand)]
    what: Option<What>,
    /// The package.
    file: Option<PathBuf>,
    /// Take a version that is not newer.
    #[arg(long)]
    force: bool,
    /// The unit of systemd that runs the program.
    #[arg(long, value_name = "NAME", default_value = "huiguan.service")]
    unit: String,
    /// How long the new program may take until it is well.
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    patience: u64,
}

#[derive(Subcommand)]
enum What {
    /// For makers: make a key pair; prints the public half.
    #[command(hide = true)]
    Keygen {
        /// The new file of the secret half.
        key: PathBuf,
    },
    /// For makers: make a signed package of a program.
    #[command(hide = true)]
    Sign {
        /// The program.
        program: PathBuf,
        /// The package to write.
        package: PathBuf,
        /// File of the secret half of the key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Its version.
        #[arg(long, value_name = "VERSION", default_value = OWN)]
        version_of: String,
        /// The oldest version whose data it takes on.
        #[arg(long, value_name = "VERSION", default_value = "0.1.0")]
        since: String,
    },
    /// Keeps everything as it is, and lays a copy out; started by an update.
    #[command(hide = true)]
    Keep,
    /// Reads everything in a folder; started by an update, on a copy.
    #[command(hide = true)]
    Check,
    /// Goes on with an update that was cut short.
    Resume,
}

fn wrong(why: impl Into<String>) -> Error {
    Error::Internal(why.into())
}

/// Runs the command.
pub fn run(settings: &Settings, config: Option<&Path>, of: &Wanted) -> Result<ExitCode, Error> {
    match (&of.what, &of.file) {
        (Some(What::Keygen { key }), _) => say(package::keygen(key)?),
        (Some(What::Sign { program, package, key, version_of, since }), _) => {
            let made = package::sign(program, version_of, since, key, package)?;
            say(format!("{} {} for {}: {}", made.name, made.version, made.target, package.display()));
        }
        (Some(What::Keep), _) => keep(&settings.data)?,
        (Some(What::Check), _) => return check(&settings.data),
        (Some(What::Resume), _) => say(resume(&settings.data)?.unwrap_or("there is nothing to go on with")),
        (None, Some(file)) => Updating::new(settings, config, of)?.run(file, of.force)?,
        (None, None) => return Err(wrong("name the package")),
    }
    Ok(ExitCode::SUCCESS)
}

/// A copy of the data for the new program to be tried on.
fn copy(data: &Path) -> PathBuf {
    state::folder(data).join("copy")
}

fn keep(data: &Path) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::internal("making room for the update", error);
    let folder = state::folder(data);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(failed)?;
    }
    fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed)?;
    let (store, _) = Store::open(Options::new(data.join("store")))?;
    let kept = store.snapshot(&state::snapshot(data))?;
    store.close()?;
    store::restore(&state::snapshot(data), &[], &copy(data).join("store"))?;
    say(format!("{} keys up to group {} are kept", kept.entries, kept.sequence));
    Ok(())
}

fn check(data: &Path) -> Result<ExitCode, Error> {
    let (store, _) = Store::open(Options::new(data.join("store")))?;
    let report = store.verify();
    store.close()?;
    say(report.to_string());
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Who starts and ends the program.
enum Keeper {
    /// systemd, by the name of the unit.
    Unit(String),
    /// Nobody: it is tried by whoever updates, and ended again.
    Nobody(Option<Child>),
}

fn systemctl(verb: &str, unit: &str) -> Result<(), Error> {
    let ran = Command::new("systemctl").args([verb, unit]).output();
    let ran = ran.map_err(|error| Error::internal(&format!("systemctl {verb} {unit}"), error))?;
    if ran.status.success() {
        return Ok(());
    }
    Err(wrong(format!("systemctl {verb} {unit}: {}", String::from_utf8_lossy(&ran.stderr).trim())))
}

/// An update on its way.
struct Updating<'a> {
    settings: &'a Settings,
    config: Option<&'a Path>,
    patience: Duration,
    /// Where the program lies, and where the new and the old one are meanwhile.
    program: PathBuf,
    staged: PathBuf,
    previous: PathBuf,
    keeper: Keeper,
}

impl<'a> Updating<'a> {
    fn new(settings: &'a Settings, config: Option<&'a Path>, of: &Wanted) -> Result<Self, Error> {
        let program = std::env::current_exe().map_err(|error| Error::internal("finding the program", error))?;
        let name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let keeper =
            if systemctl("is-active", &of.unit).is_ok() { Keeper::Unit(of.unit.clone()) } else { Keeper::Nobody(None) };
        Ok(Self {
            settings,
            config,
            patience: Duration::from_secs(of.patience),
            staged: program.with_file_name(format!(".{name}.new")),
            previous: program.with_file_name(format!("{name}.previous")),
            program,
            keeper,
        })
    }

    fn run(mut self, file: &Path, force: bool) -> Result<(), Error> {
        let data = self.settings.data.clone();
        if !data.join("store").exists() && State::read(&data)?.is_none() {
            return Err(wrong(format!("there are no data in {}; name their folder with --data", data.display())));
        }
        let key = self.settings.update_key.as_deref().or(MAKERS).ok_or_else(|| {
            wrong("the key of the makers is not known: write update_key into the settings, as they publish it")
        })?;
        let key = package::public_key(key)?;
        let held = doctor::is_held(&data);
        if held && matches!(self.keeper, Keeper::Nobody(_)) {
            return Err(wrong(
                "the program is running, and not by systemd: stop it first, and start it again afterwards",
            ));
        }
        if !held && let Some(done) = resume(&data)? {
            say(done);
        }
        if State::read(&data)?.is_some() {
            return Err(wrong("an update is on trial: wait until it is done, or start the program if nobody does"));
        }
        let manifest = package::open(file, &key, &self.staged)?;
        let done = self.take(&manifest, force);
        // Moved into its place by now, or of no use.
        if let Err(error) = fs::remove_file(&self.staged)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the new program stays beside the old one");
        }
        done
    }

    fn take(&mut self, manifest: &package::Manifest, force: bool) -> Result<(), Error> {
        let to = manifest.version.as_str();
        if package::version(to) <= package::version(OWN) && !force {
            return Err(wrong(format!("{to} is not newer than {OWN}, which is here; --force takes it all the same")));
        }
        if package::version(OWN) < package::version(&manifest.since) {
            return Err(wrong(format!(
                "{to} takes data on from {} on, and this is {OWN}: update to that first",
                manifest.since
            )));
        }
        let said = Command::new(&self.staged).arg("--version").output();
        let said = said.map_err(|error| Error::internal("starting the new program", error))?;
        let text = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        if !said.status.success() || text != format!("huiguan {to}") {
            return Err(wrong(format!("the new program says that it is “{text}” and not {to}; nothing was changed")));
        }
        let bad = doctor::bad(self.settings);
        say(format!("{OWN} → {to}: the package is the makers’ and whole"));
        self.stop()?;
        let state = match self.prepare(to) {
            Ok(state) => state,
            Err(error) => {
                self.clear();
                self.start_again()?;
                return Err(wrong(format!("{error}; nothing was changed")));
            }
        };
        match self.swap().and_then(|()| self.trial(bad)) {
            Ok(()) => {
                self.end_trial()?;
                State::end(&self.settings.data)?;
                self.clear();
                say(format!("{to} is in place and well; the old program lies at {}", self.previous.display()));
                Ok(())
            }
            Err(why) => self.back(state, &why),
        }
    }

    /// Keeps everything, and has the new program read a copy of it.
    fn prepare(&self, to: &str) -> Result<State, Error> {
        let data = &self.settings.data;
        self.helper(&self.program, "keep", data)?;
        self.helper(&self.staged, "check", &copy(data))?;
        say("the new program reads a copy of the data, and finds them sound");
        let state = State {
            step: Step::Trying,
            from: OWN.into(),
            to: to.to_owned(),
            program: self.program.clone(),
            old: package::hash_of_file(&self.program)?,
        };
        state.write(data)?;
        Ok(state)
    }

    /// At each instant a whole program lies in the place.
    fn swap(&self) -> Result<(), Error> {
        let failed = |error| Error::internal("putting the new program in place", error);
        let draft = self.previous.with_extension("part");
        fs::copy(&self.program, &draft).map_err(failed)?;
        File::open(&draft).and_then(|file| file.sync_all()).map_err(failed)?;
        fs::rename(&draft, &self.previous).map_err(failed)?;
        fs::rename(&self.staged, &self.program).map_err(failed)?;
        self.sync()
    }

    fn sync(&self) -> Result<(), Error> {
        let folder = self.program.parent().unwrap_or(Path::new("/"));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| Error::internal("putting the program in place", error))
    }

    /// Starts the new program and waits until it is well; `bad` is what was not well before.
    fn trial(&mut self, bad: BTreeSet<String>) -> Result<(), Error> {
        self.start()?;
        let ends = std::time::Instant::now() + self.patience;
        let mut why = "it did not answer in time".to_owned();
        while std::time::Instant::now() < ends {
            if let Keeper::Nobody(Some(child)) = &mut self.keeper
                && let Some(status) = child.try_wait().map_err(|error| Error::internal("watching it", error))?
            {
                return Err(wrong(format!("it ended by itself ({status})")));
            }
            if doctor::answers(&self.settings.data) {
                let worse: Vec<String> = doctor::bad(self.settings).difference(&bad).cloned().collect();
                if worse.is_empty() {
                    return Ok(());
                }
                why = format!("it is not well: {}", worse.join(", "));
            }
            std::thread::park_timeout(ASKED);
        }
        Err(wrong(why))
    }

    /// The old program and the data as they were.
    fn back(&mut self, state: State, why: &Error) -> Result<(), Error> {
        say(format!("{} was not well: {why}", state.to));
        self.stop()?;
        State { step: Step::Restoring, ..state.clone() }.write(&self.settings.data)?;
        if !state.is_old() {
            let failed = |error| Error::internal("putting the old program back", error);
            fs::rename(&self.previous, &self.program).map_err(failed)?;
            self.sync()?;
        }
        self.helper(&self.program, "resume", &self.settings.data)?;
        self.clear();
        self.start_again()?;
        Err(wrong(format!(
            "{} was not well ({why}); {} and the data as they were before are back",
            state.to, state.from
        )))
    }

    /// Copies of everything are of no use any more.
    fn clear(&self) {
        let folder = state::folder(&self.settings.data);
        if let Err(error) = fs::remove_dir_all(&folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(path = %folder.display(), %error, "what was kept for the update stays");
        }
    }

    /// As the owner of the data, where that is somebody else.
    fn as_owner(&self, command: &mut Command) -> Result<(), Error> {
        let owner = fs::metadata(&self.settings.data).map_err(|error| Error::internal("looking at the data", error))?;
        if geteuid().is_root() && owner.uid() != 0 {
            command.uid(owner.uid()).gid(owner.gid());
        }
        Ok(())
    }

    fn helper(&self, program: &Path, what: &str, data: &Path) -> Result<(), Error> {
        let mut command = Command::new(program);
        command.args(["update", "--data"]).arg(data).arg(what).env_remove("HUIGUAN_CONFIG");
        self.as_owner(&mut command)?;
        let ran = command.output().map_err(|error| Error::internal(&format!("update {what}"), error))?;
        if ran.status.success() {
            return Ok(());
        }
        let said = [ran.stdout, ran.stderr].concat();
        let said: String = String::from_utf8_lossy(&said).trim().chars().take(2_000).collect();
        Err(wrong(format!("update {what}: {said}")))
    }

    fn start(&mut self) -> Result<(), Error> {
        if let Keeper::Unit(unit) = &self.keeper {
            return systemctl("start", unit);
        }
        let mut command = Command::new(&self.program);
        if let Some(config) = self.config {
            command.arg("--config").arg(config);
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&self.settings.data);
        command.arg("--key-file").arg(self.settings.key_file());
        command.stdin(Stdio::null()).stdout(Stdio::null()).env("HUIGUAN_ANNOUNCE", "false");
        self.as_owner(&mut command)?;
        let child = command.spawn().map_err(|error| Error::internal("starting the new program", error))?;
        self.keeper = Keeper::Nobody(Some(child));
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Error> {
        match &mut self.keeper {
            Keeper::Unit(unit) => systemctl("stop", unit),
            Keeper::Nobody(child) => child.take().map_or(Ok(()), end),
        }
    }

    /// Where nobody keeps it running, it was not running before.
    fn start_again(&mut self) -> Result<(), Error> {
        if matches!(self.keeper, Keeper::Unit(_)) { self.start() } else { Ok(()) }
    }

    fn end_trial(&mut self) -> Result<(), Error> {
        if matches!(self.keeper, Keeper::Nobody(_)) { self.stop() } else { Ok(()) }
    }
}

/// Ends a program in order, or, when it does not, at once.
fn end(mut child: Child) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::internal("ending the program", error);
    let ends = std::time::Instant::now() + ENDING;
    let asked = kill_process(Pid::from_child(&child), Signal::TERM);
    while asked.is_ok() && std::time::Instant::now() < ends {
        if child.try_wait().map_err(failed)?.is_some() {
            return Ok(());
        }
        std::thread::park_timeout(ASKED);
    }
    if child.try_wait().map_err(failed)?.is_none() {
        child.kill().map_err(failed)?;
        child.wait().map_err(failed)?;
    }
    Ok(())
}

/// Ends the trial of a new program that served long enough, where whoever started it is gone.
pub async fn settle(data: PathBuf) {
    if !matches!(State::read(&data), Ok(Some(_))) {
        return;
    }
    tokio::time::sleep(SETTLED).await;
    match State::read(&data) {
        Ok(Some(state)) if state.step == Step::Trying => match State::end(&data) {
            Ok(()) => tracing::info!(version = state.to, "the update is done"),
            Err(error) => tracing::error!(%error, "the update could not be ended"),
        },
        Ok(_) => {}
        Err(error) => tracing::error!(%error, "how far the update is cannot be read"),
    }
}

#[cfg(test)]
mod tests;

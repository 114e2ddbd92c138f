//! `huiguan restore`: everything comes back into an empty data folder.

use crate::{
    clock::{SystemChance, SystemClock},
    command::say,
    settings::Settings,
};
use clap::Args;
use domain::Time;
use service::{
    Clock, Error,
    backup::{Access, Asked, Key, Reached, RecoveryKey, Site, detach},
};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::{Options, Store};

/// Where everything comes from.
#[derive(Args)]
pub struct From {
    /// A snapshot file that `huiguan snapshot` wrote; the key file is kept elsewhere then.
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    snapshot: Option<PathBuf>,
    /// A folder of backups, or the one above it; or its address on another computer, as the recovery sheet has it.
    #[arg(long, value_name = "DIR|URL")]
    from: Option<String>,
    #[command(flatten)]
    keys: Keys,
    /// Bring back how everything was then, such as 2026-11-26T10:00+08:00; without it, as new as there is.
    #[arg(long, value_name = "TIME", requires = "from")]
    until: Option<String>,
    /// Read and check everything, but lay nothing out.
    #[arg(long, requires = "from")]
    dry_run: bool,
}

/// What opens backups, and the computer that they lie on.
#[derive(Args)]
pub struct Keys {
    /// Name or access key on the other computer.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// File with the password or secret key of the other computer; without it, the environment's HUIGUAN_BACKUP_SECRET.
    #[arg(long, value_name = "FILE", requires = "user")]
    secret_file: Option<PathBuf>,
    /// File with the key of the recovery sheet.
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    recovery_key: Option<PathBuf>,
    /// File with the passphrase that was set for the backups.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Longest file with a key or a passphrase.
const SECRET_MAX: u64 = 100_000;

fn secret(path: &Path) -> Result<String, Error> {
    let failed = |error: std::io::Error| Error::internal(&format!("reading {}", path.display()), error);
    if std::fs::metadata(path).map_err(failed)?.len() > SECRET_MAX {
        return Err(Error::Internal(format!("{} is too large for a key", path.display())));
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// What opens the backups.
pub fn key(of: &Keys) -> Result<Key, Error> {
    match (&of.recovery_key, &of.passphrase_file) {
        (Some(path), _) => RecoveryKey::read(&secret(path)?).map(Key::Recovery).ok_or_else(|| {
            Error::Internal(format!("{} holds no recovery key: it begins with AGE-SECRET-KEY-1", path.display()))
        }),
        (None, Some(path)) => Ok(Key::Passphrase(secret(path)?.trim_end_matches(['\r', '\n']).to_owned())),
        (None, None) => Err(Error::Internal(
            "name the file with the key of the recovery sheet (--recovery-key), or with the passphrase (--passphrase-file)".into(),
        )),
    }
}

fn instant(text: &str) -> Result<Time, Error> {
    let wrong = |_| Error::Internal(format!("“{text}” is no time with its offset; write 2026-11-26T10:00+08:00"));
    text.parse::<jiff::Timestamp>().map(|at| Time(at.as_millisecond())).map_err(wrong)
}

/// Runs the command.
pub fn run(settings: &Settings, of: &From) -> Result<ExitCode, Error> {
    match (&of.from, &of.snapshot) {
        (Some(from), _) => with_site(settings, &of.keys, from, |site| backup(settings, of, site))?,
        (None, Some(snapshot)) => from_snapshot(settings, snapshot)?,
        (None, None) => return Err(Error::Internal("name a snapshot file, or a folder with --from".into())),
    }
    Ok(ExitCode::SUCCESS)
}

/// What names the password where no file does.
const SECRET: &str = "HUIGUAN_BACKUP_SECRET";

/// The place that backups are read from; the network of another computer runs as long as it is used.
pub fn with_site<T>(
    settings: &Settings,
    of: &Keys,
    from: &str,
    read: impl FnOnce(&Site) -> Result<T, Error>,
) -> Result<T, Error> {
    if !from.contains("://") {
        return read(&Site::folder(Path::new(from)));
    }
    let home = domain::backup::Home::parse(from).map_err(|problem| Error::Internal(problem.text.into()))?;
    let user = of.user.clone().ok_or_else(|| Error::Internal("name yourself there with --user".into()))?;
    let password = match &of.secret_file {
        Some(path) => secret(path)?.trim_end_matches(['\r', '\n']).to_owned(),
        None => std::env::var(SECRET).map_err(|_| {
            Error::Internal(format!("name the file with the password there (--secret-file), or set {SECRET}"))
        })?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Error::internal("starting", error))?;
    let tools = gateway::Tools {
        now: std::sync::Arc::new(|| SystemClock.now()),
        chance: std::sync::Arc::new(|| service::Random::number(&SystemChance::new())),
    };
    let egress = gateway::Egress::new(tools, false).map_err(|error| Error::internal("opening the way out", error))?;
    let spool = settings.data.join("outgoing");
    let access = Access { user, secret: password };
    let site = Site::new(home, Some(Reached { access, egress, handle: runtime.handle().clone(), spool }));
    read(&site)
}

fn backup(settings: &Settings, of: &From, from: &Site) -> Result<(), Error> {
    let asked = Asked {
        from,
        key: key(&of.keys)?,
        until: of.until.as_deref().map(instant).transpose()?,
        data: &settings.data,
        key_file: &settings.key_file(),
        dry: of.dry_run,
    };
    let made = service::backup::restore(&asked, &mut |line| say(line))?;
    let at = made.at.to_cell(&jiff::tz::TimeZone::UTC);
    if made.missing > 0 {
        say(format!("{} files are not in the backup; their pages will say so", made.missing));
    }
    if of.dry_run {
        say(format!(
            "sound: everything up to {at} (UTC), group {}, {} files; nothing was laid out",
            made.sequence, made.files
        ));
        return Ok(());
    }
    let again = settle(settings, &made.erased)?;
    if again > 0 {
        say(format!("{again} people were erased since; they are erased again when the server starts"));
    }
    say(format!("everything up to {at} (UTC), group {}, {} files", made.sequence, made.files));
    say(format!(
        "start with `huiguan serve --data {}`, then say anew where backups go: they are switched off",
        settings.data.display()
    ));
    Ok(())
}

fn from_snapshot(settings: &Settings, snapshot: &Path) -> Result<(), Error> {
    let made = store::restore(snapshot, &[], &settings.data.join("store"))?;
    // An index of other records that lay here would hold their groups.
    if let Err(error) = std::fs::remove_dir_all(settings.search())
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(Error::internal("removing the old search index", error));
    }
    settle(settings, "")?;
    say(format!(
        "{} keys up to group {} restored; start with `huiguan serve --data {}`",
        made.entries,
        made.sequence,
        settings.data.display()
    ));
    Ok(())
}

/// From here on the restored hall has a history of its own. Whoever was erased since the backup is marked to be erased again; answers how many.
fn settle(settings: &Settings, erased: &str) -> Result<usize, Error> {
    let (store, _) = Store::open(Options::new(settings.data.join("store")))?;
    detach(&store, &SystemChance::new(), SystemClock.now())?;
    let again = service::privacy::erase_again(&store, erased, SystemClock.now())?;
    store.close()?;
    Ok(again)
}

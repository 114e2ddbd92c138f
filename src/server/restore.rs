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
    backup::{Asked, Key, RecoveryKey, detach},
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
    /// A folder of backups, or the one above it.
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// File with the key of the recovery sheet.
    #[arg(long, value_name = "FILE", requires = "from", conflicts_with = "passphrase_file")]
    recovery_key: Option<PathBuf>,
    /// File with the passphrase that was set for the backups.
    #[arg(long, value_name = "FILE", requires = "from")]
    passphrase_file: Option<PathBuf>,
    /// Bring back how everything was then, such as 2026-11-26T10:00+08:00; without it, as new as there is.
    #[arg(long, value_name = "TIME", requires = "from")]
    until: Option<String>,
    /// Read and check everything, but lay nothing out.
    #[arg(long, requires = "from")]
    dry_run: bool,
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

fn key(of: &From) -> Result<Key, Error> {
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
        (Some(folder), _) => backup(settings, of, folder)?,
        (None, Some(snapshot)) => from_snapshot(settings, snapshot)?,
        (None, None) => return Err(Error::Internal("name a snapshot file, or a folder with --from".into())),
    }
    Ok(ExitCode::SUCCESS)
}

fn backup(settings: &Settings, of: &From, folder: &Path) -> Result<(), Error> {
    let asked = Asked {
        from: folder,
        key: key(of)?,
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

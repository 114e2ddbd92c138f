//! The key file, and `huiguan key`: listing the box's keys, making a new one, removing old ones. The file is changed on the console alone and while the
//! program is stopped, so that no two writers hold different keys.

use crate::{boot, clock::SystemChance, clock::SystemClock, command::Place, command::say, settings::Settings};
use clap::Subcommand;
use domain::KeyRing;
use service::{Clock, Ctx, Error, Random, file::lay, key, seal};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What is asked.
#[derive(Subcommand)]
pub enum Key {
    /// List the keys of the key file by number and fingerprint; the program may run.
    List(Place),
    /// Make a new key, by which everything is sealed from the next start on; while the server is stopped. Old values are sealed anew in the background.
    Rotate(Place),
    /// Remove the old keys from the key file, once nothing is sealed by them; while the server is stopped.
    Finish(Place),
}

/// Runs the command.
pub fn run(settings: Settings, what: &Key) -> Result<ExitCode, Error> {
    match what {
        Key::List(place) => list(&place.over(settings)),
        Key::Rotate(place) => rotate(&place.over(settings)),
        Key::Finish(place) => finish(&place.over(settings)),
    }
}

fn wrong(path: &Path, why: &str) -> Error {
    Error::Internal(format!("{} is not a key file: {why}", path.display()))
}

/// Reads a key file; none where there is none.
pub fn read(path: &Path) -> Result<Option<KeyRing>, Error> {
    match fs::read(path) {
        Ok(bytes) => KeyRing::read(&bytes).map(Some).map_err(|why| wrong(path, why)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::internal(&format!("reading the key file {}", path.display()), error)),
    }
}

/// Reads the key file, or makes it at the very first start. Data without their key are refused: a new key would not open old secrets.
pub fn open(path: &Path, data: &Path, chance: &dyn Random) -> Result<KeyRing, Error> {
    if let Some(keys) = read(path)? {
        return Ok(keys);
    }
    if data.join("store").exists() {
        return Err(Error::Internal(format!(
            "the key file {} is missing although there are data; put it back, or name it with key_file",
            path.display()
        )));
    }
    let keys = KeyRing::from(drawn(chance));
    let write = || -> std::io::Result<()> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(&keys.bytes())?;
        file.sync_all()
    };
    write().map_err(|error| Error::internal(&format!("writing the key file {}", path.display()), error))?;
    Ok(keys)
}

fn drawn(chance: &dyn Random) -> [u8; 32] {
    let mut key = [0; 32];
    chance.fill(&mut key);
    key
}

/// Lays the keys in the place of those that are there: whole or not at all, and on the disk when this returns. Whoever owned the file owns it still.
pub fn put(path: &Path, keys: &KeyRing) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::internal(&format!("writing the key file {}", path.display()), error);
    let path = std::path::absolute(path).map_err(failed)?;
    let owner = fs::metadata(&path).map_err(failed)?;
    // Beside the file, and for its owner alone before anything stands in it.
    let draft: PathBuf = path.with_extension("part");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
    let own = made.metadata().map_err(failed)?;
    if (own.uid(), own.gid()) != (owner.uid(), owner.gid()) {
        fchown(&made, Some(owner.uid()), Some(owner.gid())).map_err(failed)?;
    }
    drop(made);
    lay(&path, &keys.bytes(), 0o600).map_err(failed)
}

fn list(settings: &Settings) -> Result<ExitCode, Error> {
    let path = settings.key_file();
    let keys = read(&path)?.ok_or_else(|| Error::Internal(format!("there is no key file {}", path.display())))?;
    say(format!("{}", path.display()));
    for of in keys.all() {
        let made = if of.made.0 == 0 {
            "made at the first start".to_owned()
        } else {
            format!("made {} (UTC)", of.made.to_cell(&jiff::tz::TimeZone::UTC))
        };
        let newest = if of.number == keys.newest().number { ", seals everything new" } else { "" };
        say(format!("key {}: {}, {made}{newest}", of.number, key::fingerprint(&of.key)));
    }
    say(match keys.older() {
        0 => "Nothing else is kept. `huiguan doctor` says how the box is.".to_owned(),
        older => format!("{older} older keys are kept for what they sealed; `huiguan doctor` says when they may go."),
    });
    Ok(ExitCode::SUCCESS)
}

/// Opens the data folder, which fails while the program runs, does something, and closes it.
fn with<T>(settings: &Settings, work: impl AsyncFnOnce(&Ctx) -> Result<T, Error>) -> Result<T, Error> {
    if crate::doctor::is_held(&settings.data) {
        return Err(Error::Internal(
            "the program runs on this folder; nothing was changed. Stop it first: systemctl stop huiguan".into(),
        ));
    }
    if !settings.data.join("store").exists() {
        return Err(Error::Internal(format!(
            "there are no data in {}; name the folder with --data",
            settings.data.display()
        )));
    }
    let ctx = boot::open(settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::internal("starting", error))?;
    let done = runtime.block_on(work(&ctx));
    ctx.store().clone().close()?;
    done
}

fn rotate(settings: &Settings) -> Result<ExitCode, Error> {
    let path = settings.key_file();
    let turned = with(settings, async |ctx| {
        key::check_turn(ctx)?;
        let keys = read(&path)?.ok_or_else(|| wrong(&path, "it is gone"))?;
        let turned =
            keys.turned(drawn(&SystemChance::new()), SystemClock.now(), seal::lasting(&keys)).ok_or_else(|| {
                Error::Internal(
                    "there are too many old keys; nothing was changed. Remove them first: huiguan key finish".into(),
                )
            })?;
        // The file first: nothing may ever be sealed by a key that is not on the disk. Where this is cut short, the next start takes the key up.
        put(&path, &turned)?;
        key::take_up(ctx, turned.newest().number).await?;
        Ok(turned)
    })?;
    let newest = turned.newest();
    say(format!("key {}: {}", newest.number, key::fingerprint(&newest.key)));
    say("Start the program: it seals everything anew in the background, and `huiguan doctor` says how far it is.");
    say("Then keep a copy of the new key file elsewhere, and print the recovery sheet anew.");
    Ok(ExitCode::SUCCESS)
}

fn finish(settings: &Settings) -> Result<ExitCode, Error> {
    let path = settings.key_file();
    let older = with(settings, async |ctx| {
        let keys = read(&path)?.ok_or_else(|| wrong(&path, "it is gone"))?;
        key::finish(ctx).await?;
        put(&path, &keys.finished())?;
        Ok(keys.older())
    })?;
    say(format!("{older} old keys were removed from {}", path.display()));
    say(
        "Codes of check-in that were printed before, and links in messages that were sent before, do not work any more.",
    );
    say("Copies of the key file that were made before open backups of before; destroy them when those are gone.");
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn turned(keys: &KeyRing, key: u8) -> KeyRing {
        keys.turned([key; 32], domain::Time(1), seal::lasting(keys)).unwrap()
    }

    #[test]
    fn a_key_file_is_replaced_whole_for_its_owner_alone_whatever_lay_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("box.key");
        let first = open(&path, &folder.path().join("data"), &SystemChance::new()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first.bytes());
        let second = turned(&first, 2);
        // What a run that was cut short left there: half a file, for all to read.
        let draft = path.with_extension("part");
        for left in [None, Some(&b"huiguan keys 1\nkey"[..])] {
            if let Some(left) = left {
                fs::write(&draft, left).unwrap();
                fs::set_permissions(&draft, fs::Permissions::from_mode(0o644)).unwrap();
                assert_eq!(read(&path).unwrap(), Some(second.clone()), "a draft is no key file");
            }
            put(&path, &second).unwrap();
            assert_eq!(read(&path).unwrap(), Some(second.clone()));
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert!(!draft.exists());
        }
        fs::write(&path, "short").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("not a key file"));
    }

    #[test]
    fn data_without_their_key_are_refused_and_get_no_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, data) = (folder.path().join("box.key"), folder.path().join("data"));
        fs::create_dir_all(data.join("store")).unwrap();
        assert!(open(&path, &data, &SystemChance::new()).unwrap_err().to_string().contains("is missing"));
        assert!(!path.exists());
    }
}

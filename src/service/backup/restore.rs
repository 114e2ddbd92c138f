//! Bringing a hall back: from a folder of backups into an empty data folder, on this box or another, to the newest instant or an earlier one.

use super::{
    RecoveryKey, Trouble,
    pack::{self, read_list},
    run::hash_of,
    target::{NAME, Site, Target, unread},
};
use crate::{Error, Random, audit, file::Files};
use data_encoding::HEXLOWER;
use domain::{
    AuditAnchor, AuditLine, BackupPlan, By, KeyRing, SpaceId, Time,
    backup::{Chain, Piece, Shelf},
    standby::Standby,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use store::Store;

/// What opens the backups.
pub enum Key {
    /// The recovery key.
    Recovery(RecoveryKey),
    /// The passphrase of the key that lies beside them.
    Passphrase(String),
}

impl Key {
    fn opened(&self, target: &Target) -> Result<RecoveryKey, Error> {
        match self {
            Self::Recovery(key) => Ok(key.clone()),
            Self::Passphrase(passphrase) => {
                let from = target.read(&Piece::Recovery).map_err(|_| {
                    Error::Internal("no key with a passphrase lies beside these backups; use the recovery key".into())
                })?;
                RecoveryKey::unlock(from, passphrase).map_err(|trouble| internal(&trouble))
            }
        }
    }
}

/// Longest anchor that is read.
const ANCHOR_MAX: u64 = 16 << 20;

/// The anchors of the audit log in a box's backups, oldest first.
pub fn anchors(from: &Site, key: &Key) -> Result<Vec<AuditAnchor>, Error> {
    let target = Target::find(from).map_err(Error::Internal)?;
    let pieces = target.pieces().map_err(|trouble| internal(&trouble))?;
    let key = key.opened(&target)?;
    let mut found = Vec::new();
    for piece in pieces.keys().filter(|piece| matches!(piece, Piece::Anchor { .. })) {
        let mut text = String::new();
        let opened = target.read(piece).and_then(|from| key.open(from)).map_err(of(piece))?;
        opened.take(ANCHOR_MAX).read_to_string(&mut text).map_err(|error| of(piece)(unread(&error)))?;
        found.push(AuditAnchor::read(&text).ok_or_else(|| of(piece)(Trouble::Unsound("it is no anchor".into())))?);
    }
    Ok(found)
}

/// What is to be brought back.
pub struct Asked<'a> {
    /// The folder of backups, or the one above it.
    pub from: &'a Site,
    /// What opens them.
    pub key: Key,
    /// The newest instant; none: as new as there is.
    pub until: Option<Time>,
    /// The data folder, empty or not there yet.
    pub data: &'a Path,
    /// Where the key of sensitive fields is to lie.
    pub key_file: &'a Path,
    /// Read and check everything, lay nothing out.
    pub dry: bool,
}

/// What was brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The instant.
    pub at: Time,
    /// The newest group.
    pub sequence: u64,
    /// Keys of records, indexes and counts; none in a dry run.
    pub entries: Option<u64>,
    /// Files beside the records.
    pub files: usize,
    /// Files that records may name and the backup lacks.
    pub missing: usize,
    /// Who was erased until the newest backup, as numbers: for [`crate::privacy::erase_again`].
    pub erased: String,
}

fn internal(trouble: &Trouble) -> Error {
    match trouble {
        Trouble::Unsound(why) => Error::Internal(format!("the backup is damaged: {why}")),
        Trouble::Other(why) => Error::Internal(why.clone()),
        Trouble::Denied(why) => Error::Internal(format!("the other computer does not let the box in: {why}")),
        Trouble::Away(why) => Error::Internal(format!("the other computer cannot be reached, or broke off: {why}")),
        Trouble::Gone => Error::Internal("a piece of the backup is missing".into()),
        Trouble::Full => Error::Internal("the disk is full".into()),
        Trouble::WrongKey => Error::Internal("this key or passphrase does not open these backups".into()),
    }
}

/// A piece that cannot be read is named.
fn of(piece: &Piece) -> impl Fn(Trouble) -> Error {
    let name = piece.name();
    move |trouble| Error::Internal(format!("{name}: {}", internal(&trouble)))
}

/// Brings a hall back; `say` is told what goes on.
pub fn restore(asked: &Asked<'_>, say: &mut dyn FnMut(&str)) -> Result<Restored, Error> {
    let target = Target::find(asked.from).map_err(Error::Internal)?;
    let pieces = target.pieces().map_err(|trouble| internal(&trouble))?;
    let shelf = Shelf::of(pieces.keys().cloned());
    let chain = shelf.chain(asked.until).ok_or_else(|| none_so_early(&shelf))?;
    let key = &asked.key.opened(&target)?;
    say(&format!(
        "{} and {} parts behind it",
        Piece::Full { at: chain.full.0, sequence: chain.full.1 }.name(),
        chain.parts.len()
    ));
    if !asked.dry {
        check_empty(asked.data)?;
    }
    // Beside the data folder's place, so that laying out needs no second copy of large files.
    let scratch = tempfile_in(asked)?;
    let laid = lay(asked, &target, &pieces, (&chain, key), scratch.path(), say);
    if let Err(error) = scratch.close() {
        tracing::warn!(%error, "scratch files stay");
    }
    laid
}

fn none_so_early(shelf: &Shelf) -> Error {
    match shelf.full.first() {
        Some((at, _)) => Error::Internal(format!(
            "there is no backup so old; the oldest is of {} (UTC)",
            at.to_cell(&jiff::tz::TimeZone::UTC)
        )),
        None => Error::Internal("there is no full backup in the folder".into()),
    }
}

fn check_empty(data: &Path) -> Result<(), Error> {
    let full = fs::read_dir(data).is_ok_and(|mut found| found.next().is_some());
    if full {
        return Err(Error::Internal(format!(
            "{} is not empty; nothing was changed. Name a new folder",
            data.display()
        )));
    }
    Ok(())
}

/// A scratch folder on the disk that the data folder is or will be on.
fn tempfile_in(asked: &Asked<'_>) -> Result<Scratch, Error> {
    let parent = asked.data.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = asked.data.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let path = parent.join(format!(".{folder}.restoring"));
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::internal(&format!("{}", path.display()), error));
        }
        _ => {}
    }
    fs::create_dir_all(&path).map_err(|error| Error::internal(&format!("{}", path.display()), error))?;
    Ok(Scratch(path))
}

struct Scratch(PathBuf);

impl Scratch {
    fn path(&self) -> &Path {
        &self.0
    }

    fn close(self) -> std::io::Result<()> {
        fs::remove_dir_all(&self.0)
    }
}

fn lay(
    asked: &Asked<'_>,
    target: &Target,
    pieces: &BTreeMap<Piece, u64>,
    (chain, key): (&Chain, &RecoveryKey),
    scratch: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<Restored, Error> {
    let full = Piece::Full { at: chain.full.0, sequence: chain.full.1 };
    let snapshot = scratch.join(pack::SNAPSHOT);
    let all = pieces.get(&full).copied().unwrap_or_default();
    let from = Told { from: target.read(&full).map_err(of(&full))?, done: 0, all, say: &mut *say };
    let opened = key.open(from).and_then(|from| pack::unpack(from, &snapshot));
    let keys = opened.map_err(of(&full))?;
    let mut parts = Vec::new();
    for (at, after, last) in &chain.parts {
        let piece = Piece::Part { at: *at, after: *after, last: *last };
        let path = scratch.join(piece.name());
        unpack_part(target, &piece, key, &path).map_err(of(&piece))?;
        parts.push(path);
    }
    let hashes = listed(target, pieces, chain, key)?;
    say(&format!("{} files beside the records", hashes.len()));
    // Into the scratch folder first: a backup that is damaged leaves nothing behind.
    let whole = scratch.join("whole");
    let made = store::restore(&snapshot, &parts, &whole.join("store"))
        .map_err(|error| Error::Internal(format!("the backup is damaged: {error}")))?;
    let at = chain.at();
    let kept = if asked.dry { None } else { Some(Files::open(&whole.join("file"))?) };
    let missing = files(kept.as_ref(), target, (key, &keys), &hashes, say)?;
    let answer = Restored {
        at,
        sequence: made.sequence,
        entries: (!asked.dry).then_some(made.entries),
        files: hashes.len() - missing,
        missing,
        erased: erased(target, pieces, key)?,
    };
    if !asked.dry {
        put_keys(asked.key_file, &keys)?;
        let placed = match fs::remove_dir(asked.data) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => fs::rename(&whole, asked.data),
        };
        placed.map_err(|error| Error::internal(&format!("laying {} out", asked.data.display()), error))?;
    }
    Ok(answer)
}

/// Every how many bytes is said how far it is; and at their end.
const TOLD_EVERY: u64 = 64 << 20;
/// As [`TOLD_EVERY`], of files beside the records.
const FILES_TOLD_EVERY: usize = 100;

/// What comes, and says how far it is.
struct Told<'a, R> {
    from: R,
    done: u64,
    all: u64,
    say: &'a mut dyn FnMut(&str),
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let count = self.from.read(to)?;
        let before = self.done / TOLD_EVERY;
        self.done += count as u64;
        if count > 0 && (self.done / TOLD_EVERY > before || self.done == self.all) {
            let [done, all] = [self.done, self.all].map(|bytes| bytes.div_ceil(1 << 20));
            (self.say)(&format!("{done} of {all} MiB of the records"));
        }
        Ok(count)
    }
}

/// Longest list of who was erased, in bytes.
const ERASED_MAX: u64 = 64 << 20;

/// Who was erased until the newest backup; nobody where there is no such list.
fn erased(target: &Target, pieces: &BTreeMap<Piece, u64>, key: &RecoveryKey) -> Result<String, Error> {
    use std::io::Read as _;
    if !pieces.contains_key(&Piece::Erased) {
        return Ok(String::new());
    }
    let mut list = String::new();
    let from = target.read(&Piece::Erased).and_then(|from| key.open(from)).map_err(of(&Piece::Erased))?;
    from.take(ERASED_MAX)
        .read_to_string(&mut list)
        .map_err(|error| of(&Piece::Erased)(Trouble::Unsound(error.to_string())))?;
    Ok(list)
}

fn unpack_part(target: &Target, piece: &Piece, key: &RecoveryKey, path: &Path) -> Result<(), Trouble> {
    let mut from = key.open(target.read(piece)?)?;
    let mut file = File::create(path).map_err(|error| super::target::said("unpacking", &error))?;
    std::io::copy(&mut from, &mut file).map(drop).map_err(|error| unread(&error))
}

/// The files that the chain's pieces name.
fn listed(
    target: &Target,
    pieces: &BTreeMap<Piece, u64>,
    chain: &Chain,
    key: &RecoveryKey,
) -> Result<BTreeSet<[u8; 32]>, Error> {
    let mut hashes = BTreeSet::new();
    let steps = std::iter::once(chain.full).chain(chain.parts.iter().map(|(at, _, last)| (*at, *last)));
    for (at, sequence) in steps {
        let piece = Piece::List { at, sequence };
        if pieces.contains_key(&piece) {
            hashes.extend(read_list(target, &piece, key).map_err(of(&piece))?);
        } else if (at, sequence) == chain.full {
            return Err(Error::Internal(format!("{} is missing", piece.name())));
        }
    }
    Ok(hashes)
}

/// Keeps the files, or checks them in a dry run; answers how many the backup lacks.
fn files(
    kept: Option<&Files>,
    target: &Target,
    (key, keys): (&RecoveryKey, &KeyRing),
    hashes: &BTreeSet<[u8; 32]>,
    say: &mut dyn FnMut(&str),
) -> Result<usize, Error> {
    let mut missing = 0;
    for (number, hash) in hashes.iter().enumerate() {
        if number > 0 && number.is_multiple_of(FILES_TOLD_EVERY) {
            say(&format!("{number} of {} files", hashes.len()));
        }
        let piece = Piece::File(pack::hidden(keys, hash));
        match target.read(&piece) {
            Err(Trouble::Gone) => {
                say(&format!("file {} is not in the backup", HEXLOWER.encode(hash)));
                missing += 1;
                continue;
            }
            Err(trouble) => return Err(of(&piece)(trouble)),
            Ok(from) => {
                let mut from = key.open(from).map_err(of(&piece))?;
                let laid = match kept {
                    Some(files) => keep_file(files, number as u64, &mut from, &piece)?,
                    None => hash_of(from).map_err(of(&piece))?,
                };
                if laid != *hash {
                    return Err(of(&piece)(Trouble::Unsound("it is another file".into())));
                }
            }
        }
    }
    if !hashes.is_empty() {
        say(&format!("{} of {} files", hashes.len() - missing, hashes.len()));
    }
    Ok(missing)
}

fn keep_file(files: &Files, number: u64, from: &mut impl std::io::Read, piece: &Piece) -> Result<[u8; 32], Error> {
    let mut draft = files.draft(number)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return draft.keep(),
            Ok(count) => draft.write(buffer.get(..count).unwrap_or_default())?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(of(piece)(unread(&error))),
        }
    }
}

/// The keys of sensitive fields go where the server looks for them. What lies there is never overwritten; where it holds these keys and more it is good
/// as it is.
fn put_keys(path: &Path, keys: &KeyRing) -> Result<(), Error> {
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |error: std::io::Error| Error::internal(&format!("writing {}", path.display()), error);
    match fs::read(path) {
        Ok(there) if KeyRing::read(&there).is_ok_and(|there| there.holds(keys)) => return Ok(()),
        Ok(_) => {
            return Err(Error::Internal(format!(
                "{} holds another key, and nothing was laid over it. Name another place with --key-file",
                path.display()
            )));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let file = File::options().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(&keys.bytes()).and_then(|()| file.sync_all())).map_err(failed)
}

/// A new name for a folder of backups.
pub(crate) fn new_line(random: &dyn Random) -> String {
    format!("{NAME}{:08x}", random.number() >> 32)
}

/// The plan of a hall whose history is its own from here on: off, and into a folder of its own when it is switched on again.
pub(crate) fn apart(plan: &BackupPlan, line: String) -> BackupPlan {
    BackupPlan { on: false, line, revision: plan.revision + 1, ..plan.clone() }
}

/// A restored hall makes no backups until somebody says where to: its history is another from now on, and must not mix with the old one.
pub fn detach(store: &Store, random: &dyn Random, now: Time) -> Result<(), Error> {
    let line = new_line(random);
    store.write_blocking(move |tx| {
        let mut space = tx.space(SpaceId::ASSOCIATION);
        use store::Read as _;
        // Whoever followed the box that was backed up does not follow this one.
        space.remove::<Standby>(&())?;
        let Some(plan) = space.get::<BackupPlan>(&())? else { return Ok::<_, Error>(()) };
        let after = apart(&plan, line.clone());
        space.put(&after)?;
        let said = AuditLine {
            at: now,
            by: By::Box,
            action: "backup.restored".into(),
            subject: "backup".into(),
            before: plan.line,
            after: after.line,
        };
        Ok(space.audit(audit::encode(&said)?)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_says_how_far_it_is_up_to_its_end() {
        let all = 3 * TOLD_EVERY + (5 << 20);
        let mut said = Vec::new();
        let mut say = |line: &str| said.push(line.to_owned());
        let mut told = Told { from: std::io::repeat(0).take(all), done: 0, all, say: &mut say };
        assert_eq!(std::io::copy(&mut told, &mut std::io::sink()).unwrap(), all);
        assert_eq!(said, [64, 128, 192, 197].map(|done| format!("{done} of 197 MiB of the records")));
    }
}

//! Files beside the database: content-addressed, written and synced before the record that names them.

use crate::{Error, token::sha256};
use data_encoding::HEXLOWER;
use domain::Time;
use ring::digest::{Context, SHA256};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tokio::sync::broadcast;

/// The folder of files named by their SHA-256.
#[derive(Debug, Clone)]
pub struct Files {
    folder: PathBuf,
    /// Tells whoever keeps a copy elsewhere.
    told: broadcast::Sender<Told>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is there by now. Told before any record names it.
    Kept([u8; 32]),
    /// It is gone.
    Removed([u8; 32]),
}

/// So much may be told before it is heard; whoever hears later looks at everything anew.
const TOLD_MAX: usize = 1024;

/// Writes a whole file in place of what was there, so that after a power cut it is the old one or the new one. `mode` is narrowed by the
/// process's mask.
pub fn lay(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let draft = path.with_extension("part");
    let mut file = File::options().write(true).create(true).truncate(true).mode(mode).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

impl Files {
    /// Opens the folder, making it when it is not there.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(|error| Error::internal("creating the file store", error))?;
        Ok(Self { folder: folder.to_owned(), told: broadcast::channel(TOLD_MAX).0 })
    }

    /// Hears what becomes of files from here on.
    pub(crate) fn heard(&self) -> broadcast::Receiver<Told> {
        self.told.subscribe()
    }

    fn tell(&self, told: Told) {
        // Nobody hears where no copy is kept.
        drop(self.told.send(told));
    }

    /// Whether a file is there.
    pub(crate) fn has(&self, hash: &[u8; 32]) -> bool {
        self.path(hash).exists()
    }

    fn path(&self, hash: &[u8; 32]) -> PathBuf {
        let name = HEXLOWER.encode(hash);
        let (shelf, _) = name.split_at(SHELF);
        self.folder.join(shelf).join(&name)
    }

    /// Writes and syncs a file; on return it survives a power cut. The same bytes are kept once.
    pub fn put(&self, bytes: &[u8]) -> Result<[u8; 32], Error> {
        let hash = sha256(bytes);
        let path = self.path(&hash);
        if path.exists() {
            // Whoever puts it now names it for good.
            self.settle(&hash);
            return Ok(hash);
        }
        self.write(&path, bytes).map_err(full_or("writing a file"))?;
        self.tell(Told::Kept(hash));
        Ok(hash)
    }

    /// As [`Self::put`], for a file that no record may ever come to name: one that was not there is noted with the time.
    pub(crate) fn put_unnamed(&self, bytes: &[u8], now: Time) -> Result<[u8; 32], Error> {
        let hash = sha256(bytes);
        let noted = self.settle(&hash);
        if noted || !self.path(&hash).exists() {
            let folder = self.folder.join(UNNAMED);
            let note = folder.join(format!("{}-{}", now.0, HEXLOWER.encode(&hash)));
            let made = fs::create_dir_all(&folder).and_then(|()| File::create(&note));
            made.map_err(full_or("noting a file"))?;
        }
        self.write(&self.path(&hash), bytes).map_err(full_or("writing a file"))?;
        self.tell(Told::Kept(hash));
        Ok(hash)
    }

    /// The files that were noted before that time and may be named by nobody.
    pub(crate) fn unnamed_before(&self, time: Time) -> Vec<[u8; 32]> {
        let notes = self.notes().filter(|(noted, ..)| *noted < time);
        notes.map(|(_, hash, _)| hash).collect()
    }

    /// Forgets that a file may be named by nobody; answers whether it was noted.
    pub(crate) fn settle(&self, hash: &[u8; 32]) -> bool {
        let mut noted = false;
        for (_, _, path) in self.notes().filter(|(_, of, _)| of == hash) {
            noted = true;
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "a note about a file stays");
            }
        }
        noted
    }

    fn notes(&self) -> impl Iterator<Item = (Time, [u8; 32], PathBuf)> {
        let found = fs::read_dir(self.folder.join(UNNAMED)).into_iter().flatten().flatten();
        found.filter_map(|found| {
            let name = found.file_name().into_string().ok()?;
            let (time, hash) = name.split_once('-')?;
            let hash = HEXLOWER.decode(hash.as_bytes()).ok()?.try_into().ok()?;
            Some((Time(time.parse().ok()?), hash, found.path()))
        })
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let shelf = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(shelf)?;
        lay(path, bytes, 0o666)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Where a file lies, for handing it out as a stream.
    pub(crate) fn path_of(&self, hash: &[u8; 32]) -> PathBuf {
        self.path(hash)
    }

    /// All files that are kept.
    pub(crate) fn all(&self) -> Result<Vec<[u8; 32]>, Error> {
        let failed = |error: std::io::Error| Error::internal("listing files", error);
        let mut all = Vec::new();
        for shelf in fs::read_dir(&self.folder).map_err(failed)? {
            let shelf = shelf.map_err(failed)?;
            if shelf.file_name().len() != SHELF {
                continue;
            }
            for found in fs::read_dir(shelf.path()).map_err(failed)? {
                let name = found.map_err(failed)?.file_name();
                let hash = name.to_str().and_then(|name| HEXLOWER.decode(name.as_bytes()).ok());
                all.extend(hash.and_then(|hash| <[u8; 32]>::try_from(hash).ok()));
            }
        }
        Ok(all)
    }

    /// Begins a file that comes in pieces. `number` tells it from others that are being written.
    pub fn draft(&self, number: u64) -> Result<Draft, Error> {
        let folder = self.folder.join(DRAFTS);
        let path = folder.join(format!("{number:016x}.part"));
        let made = fs::create_dir_all(&folder).and_then(|()| File::options().write(true).create_new(true).open(&path));
        let file = made.map_err(full_or("beginning a file"))?;
        Ok(Draft { files: self.clone(), path: Some(path), file, hash: Context::new(&SHA256), bytes: 0 })
    }

    /// Removes files that were being written when the program ended.
    pub fn remove_drafts(&self) {
        for found in fs::read_dir(self.folder.join(DRAFTS)).into_iter().flatten().flatten() {
            if let Err(error) = fs::remove_file(found.path()) {
                tracing::warn!(path = %found.path().display(), %error, "half a file stays");
            }
        }
    }

    /// Removes a file that nothing names any more.
    pub(crate) fn remove(&self, hash: &[u8; 32]) -> Result<(), Error> {
        match fs::remove_file(self.path(hash)) {
            Ok(()) => {
                self.tell(Told::Removed(*hash));
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::internal("removing a file", error)),
        }
    }

    /// Reads a file and proves that it still is what its name says.
    pub fn get(&self, hash: &[u8; 32]) -> Result<Vec<u8>, Error> {
        let bytes = fs::read(self.path(hash)).map_err(|error| Error::internal("reading a file", error))?;
        if sha256(&bytes) != *hash {
            return Err(Error::Internal(format!("file {} is damaged", HEXLOWER.encode(hash))));
        }
        Ok(bytes)
    }
}

/// Digits of a file's name that its shelf is called by.
const SHELF: usize = 2;
/// Folder of notes about files that may be named by nobody: time and hash.
const UNNAMED: &str = "unnamed";
/// Folder of files that are being written.
const DRAFTS: &str = "draft";

/// A full disk is a refusal, anything else an error.
fn full_or(doing: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::Refused(domain::refuse!(
            Unavailable,
            "store.disk_full",
            "The box's disk is full. Nothing was changed. Make room on the disk and try again."
        )),
        _ => Error::internal(doing, error),
    }
}

/// A file that comes in pieces; gone again when it is dropped before it is kept.
pub struct Draft {
    files: Files,
    path: Option<PathBuf>,
    file: File,
    hash: Context,
    bytes: u64,
}

impl Draft {
    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds a piece.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.file.write_all(piece).map_err(full_or("writing a file"))?;
        self.hash.update(piece);
        self.bytes += piece.len() as u64;
        Ok(())
    }

    /// Syncs it and gives it its name; on return it survives a power cut. The same bytes are kept once.
    pub fn keep(mut self) -> Result<[u8; 32], Error> {
        let mut hash = [0u8; 32];
        for (to, from) in hash.iter_mut().zip(self.hash.clone().finish().as_ref()) {
            *to = *from;
        }
        let target = self.files.path(&hash);
        if target.exists() {
            self.files.settle(&hash);
            return Ok(hash);
        }
        let Some(path) = self.path.take() else { return Ok(hash) };
        let named = || {
            let shelf = target.parent().unwrap_or(&self.files.folder);
            fs::create_dir_all(shelf)?;
            self.file.sync_all()?;
            fs::rename(&path, &target)?;
            File::open(shelf)?.sync_all()?;
            File::open(&self.files.folder)?.sync_all()
        };
        let done = named();
        if done.is_err() {
            self.path = Some(path);
        }
        done.map_err(full_or("keeping a file"))?;
        self.files.tell(Told::Kept(hash));
        Ok(hash)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(path) = self.path.take()
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(path = %path.display(), %error, "half a file stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_pieces_is_kept_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path()).unwrap();
        let mut draft = files.draft(1).unwrap();
        draft.write(b"hel").unwrap();
        draft.write(b"lo").unwrap();
        assert_eq!(draft.bytes(), 5);
        let hash = draft.keep().unwrap();
        assert_eq!(files.get(&hash).unwrap(), b"hello");
        let mut again = files.draft(2).unwrap();
        again.write(b"hello").unwrap();
        assert_eq!(again.keep().unwrap(), hash, "kept once");
        let mut dropped = files.draft(3).unwrap();
        dropped.write(b"x").unwrap();
        drop(dropped);
        let mut lost = files.draft(4).unwrap();
        lost.write(b"y").unwrap();
        std::mem::forget(lost);
        let drafts = || fs::read_dir(folder.path().join(DRAFTS)).unwrap().count();
        assert_eq!(drafts(), 1, "only what a crash left");
        files.remove_drafts();
        assert_eq!(drafts(), 0);
        files.remove(&hash).unwrap();
        files.remove(&hash).unwrap();
        assert!(files.get(&hash).is_err());
    }

    #[test]
    fn a_file_that_nobody_names_is_noted_until_somebody_does() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path()).unwrap();
        let named = files.put(b"named").unwrap();
        assert_eq!(files.put_unnamed(b"named", Time(5)).unwrap(), named);
        assert!(files.unnamed_before(Time(100)).is_empty(), "what was there before is never a candidate");
        let loose = files.put_unnamed(b"loose", Time(5)).unwrap();
        assert!(files.unnamed_before(Time(5)).is_empty());
        assert_eq!(files.unnamed_before(Time(6)), [loose]);
        files.put_unnamed(b"loose", Time(50)).unwrap();
        assert!(files.unnamed_before(Time(50)).is_empty(), "sent again, its time begins anew");
        assert_eq!(files.put(b"loose").unwrap(), loose);
        assert!(files.unnamed_before(Time(100)).is_empty(), "named for good by somebody else");
        let mut draft = files.draft(1).unwrap();
        let other = files.put_unnamed(b"other", Time(5)).unwrap();
        draft.write(b"other").unwrap();
        assert_eq!(draft.keep().unwrap(), other);
        assert!(files.unnamed_before(Time(100)).is_empty());
        assert_eq!(files.get(&other).unwrap(), b"other");
    }

    #[test]
    fn files_are_kept_once_and_proven_when_read() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path()).unwrap();
        let hash = files.put(b"hello").unwrap();
        assert_eq!(files.put(b"hello").unwrap(), hash);
        assert_eq!(files.get(&hash).unwrap(), b"hello");
        fs::write(files.path(&hash), b"hellO").unwrap();
        assert!(files.get(&hash).is_err());
        assert!(files.get(&[0; 32]).is_err());
        files.remove(&hash).unwrap();
        files.remove(&hash).unwrap();
        assert!(!files.path(&hash).exists());
    }
}

//! Where backups lie: a folder on another disk, with a folder of the box's own in it. What is written gets its name when it is on disk.

use super::Trouble;
use domain::backup::{Piece, Shelf};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The box's own folder.
#[derive(Debug, Clone)]
pub(super) struct Target {
    folder: PathBuf,
}

/// Letters and digits that a folder of a box is named by, behind `huiguan-`.
pub(super) const NAME: &str = "huiguan-";
/// Bytes that are written at a time.
const BUFFER: usize = 1 << 18;

/// Why a folder cannot be used.
pub(super) fn said(doing: &str, error: &std::io::Error) -> Trouble {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Trouble::Full,
        ErrorKind::NotFound => Trouble::Gone,
        _ => Trouble::Other(format!("{doing}: {error}")),
    }
}

impl Target {
    /// Makes the box's folder in one that is there; it must be possible to write in it.
    pub fn prepare(folder: &Path, line: &str) -> Result<Self, Trouble> {
        if !folder.is_dir() {
            return Err(Trouble::Gone);
        }
        let own = folder.join(line);
        match fs::DirBuilder::new().mode(0o700).create(&own) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists && own.is_dir() => {}
            Err(error) => return Err(said("making the folder", &error)),
        }
        let target = Self { folder: own };
        let trial = target.folder.join("trial.part");
        let tried =
            File::create(&trial).and_then(|mut file| file.write_all(b"trial")).and_then(|()| fs::remove_file(&trial));
        tried.map_err(|error| said("writing in the folder", &error))?;
        Ok(target)
    }

    /// The box's folder as it was made. Where a disk is not plugged in, its empty mount point is no place for backups.
    pub fn open(folder: &Path, line: &str) -> Result<Self, Trouble> {
        let own = folder.join(line);
        if own.is_dir() { Ok(Self { folder: own }) } else { Err(Trouble::Gone) }
    }

    /// For reading: a box's folder, or the one folder of a box in it. The error names what is there.
    pub fn find(folder: &Path) -> Result<Self, String> {
        let read = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut own = Vec::new();
        for found in read.flatten() {
            let name = found.file_name().to_string_lossy().into_owned();
            if Piece::parse(&name).is_some_and(|piece| matches!(piece, Piece::Full { .. })) {
                return Ok(Self { folder: folder.to_owned() });
            }
            if name.starts_with(NAME) && found.path().is_dir() {
                own.push(name);
            }
        }
        own.sort();
        match own.as_slice() {
            [] => Err(format!("there are no backups in {}", folder.display())),
            [one] => Ok(Self { folder: folder.join(one) }),
            many => Err(format!(
                "there are backups of several boxes in {}; name one: {}",
                folder.display(),
                many.join(", ")
            )),
        }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All pieces with their bytes. Other files are nobody's business.
    pub fn pieces(&self) -> Result<BTreeMap<Piece, u64>, Trouble> {
        let failed = |error: std::io::Error| said("reading the folder", &error);
        let mut pieces = BTreeMap::new();
        for found in fs::read_dir(&self.folder).map_err(failed)? {
            let found = found.map_err(failed)?;
            if let Some(piece) = found.file_name().to_str().and_then(Piece::parse) {
                pieces.insert(piece, found.metadata().map_err(failed)?.len());
            }
        }
        Ok(pieces)
    }

    /// Full backups and parts.
    pub fn shelf(&self) -> Result<Shelf, Trouble> {
        Ok(Shelf::of(self.pieces()?.into_keys()))
    }

    /// Writes a piece; it has its name when it is on disk in whole. Answers its bytes.
    pub fn put(
        &self,
        piece: &Piece,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Trouble>,
    ) -> Result<u64, Trouble> {
        let (draft, path) = (self.folder.join(format!("{}.part", piece.name())), self.folder.join(piece.name()));
        let written = self.draft(&draft, write).and_then(|bytes| {
            fs::rename(&draft, &path)
                .and_then(|()| File::open(&self.folder)?.sync_all())
                .map_err(|error| said("naming a backup", &error))?;
            Ok(bytes)
        });
        if written.is_err()
            && let Err(error) = fs::remove_file(&draft)
        {
            tracing::debug!(path = %draft.display(), %error, "half a backup stays");
        }
        written
    }

    fn draft(
        &self,
        draft: &Path,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Trouble>,
    ) -> Result<u64, Trouble> {
        let failed = |error: std::io::Error| said("writing a backup", &error);
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(draft).map_err(failed)?;
        let mut out = BufWriter::with_capacity(BUFFER, file);
        write(&mut out)?;
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        Ok(file.metadata().map_err(failed)?.len())
    }

    /// Reads a piece.
    pub fn read(&self, piece: &Piece) -> Result<BufReader<File>, Trouble> {
        let file = File::open(self.folder.join(piece.name())).map_err(|error| said("reading a backup", &error))?;
        Ok(BufReader::with_capacity(BUFFER, file))
    }

    /// Removes a piece; one that is gone is removed.
    pub fn remove(&self, piece: &Piece) -> Result<(), Trouble> {
        match fs::remove_file(self.folder.join(piece.name())) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(said("removing an old backup", &error)),
            _ => Ok(()),
        }
    }

    /// Removes what was being written when the box went down.
    pub fn remove_drafts(&self) {
        for found in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = found.file_name().to_string_lossy().into_owned();
            let ours = name.strip_suffix(".part").is_some_and(|name| Piece::parse(name).is_some());
            if ours && let Err(error) = fs::remove_file(found.path()) {
                tracing::warn!(path = %found.path().display(), %error, "half a backup stays");
            }
        }
    }
}

//! A folder of this machine, on another disk or mounted from elsewhere.

use super::{BUFFER, Looked, Rack, Trouble, Write, said};
use domain::backup::Piece;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The box's own folder.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder of that path.
    pub fn at(path: &str) -> Self {
        Self(PathBuf::from(path))
    }

    /// Makes the box's folder in one that is there.
    pub fn prepare(folder: &Path, line: &str) -> Result<(), Trouble> {
        if !folder.is_dir() {
            return Err(Trouble::Gone);
        }
        let own = folder.join(line);
        match fs::DirBuilder::new().mode(0o700).create(&own) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists && own.is_dir() => {}
            Err(error) => return Err(said("making the folder", &error)),
        }
        let trial = own.join("trial.part");
        let tried =
            File::create(&trial).and_then(|mut file| file.write_all(b"trial")).and_then(|()| fs::remove_file(&trial));
        tried.map_err(|error| said("writing in the folder", &error))
    }

    fn draft(&self, draft: &Path, write: &mut Write<'_>) -> Result<u64, Trouble> {
        let failed = |error: std::io::Error| said("writing a backup", &error);
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(draft).map_err(failed)?;
        let mut out = BufWriter::with_capacity(BUFFER, file);
        write(&mut out)?;
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        Ok(file.metadata().map_err(failed)?.len())
    }
}

impl Rack for Folder {
    fn look(&self) -> Result<Looked, Trouble> {
        let failed = |error: std::io::Error| said("reading the folder", &error);
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for found in fs::read_dir(&self.0).map_err(failed)? {
            let found = found.map_err(failed)?;
            let name = found.file_name().to_string_lossy().into_owned();
            if found.path().is_dir() {
                folders.push(name);
            } else {
                files.push((name, found.metadata().map_err(failed)?.len()));
            }
        }
        Ok((files, folders))
    }

    fn put(&self, name: &str, write: &mut Write<'_>) -> Result<u64, Trouble> {
        let (draft, path) = (self.0.join(format!("{name}.part")), self.0.join(name));
        let written = self.draft(&draft, write).and_then(|bytes| {
            fs::rename(&draft, &path)
                .and_then(|()| File::open(&self.0)?.sync_all())
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

    fn read(&self, name: &str) -> Result<Box<dyn Read + Send>, Trouble> {
        Ok(Box::new(File::open(self.0.join(name)).map_err(|error| said("reading a backup", &error))?))
    }

    fn remove(&self, name: &str) -> Result<(), Trouble> {
        match fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(said("removing an old backup", &error)),
            _ => Ok(()),
        }
    }

    fn remove_drafts(&self) {
        for found in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let name = found.file_name().to_string_lossy().into_owned();
            let ours = name.strip_suffix(".part").is_some_and(|name| Piece::parse(name).is_some());
            if ours && let Err(error) = fs::remove_file(found.path()) {
                tracing::warn!(path = %found.path().display(), %error, "half a backup stays");
            }
        }
    }
}

//! Files beside the database: content-addressed, written and synced before the record that names them.

use crate::{Error, token::sha256};
use data_encoding::HEXLOWER;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The folder of files named by their SHA-256.
#[derive(Debug, Clone)]
pub struct Files {
    folder: PathBuf,
}

impl Files {
    /// Opens the folder, making it when it is not there.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(|error| Error::internal("creating the file store", error))?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn path(&self, hash: &[u8; 32]) -> PathBuf {
        let name = HEXLOWER.encode(hash);
        let (shelf, _) = name.split_at(2);
        self.folder.join(shelf).join(&name)
    }

    /// Writes and syncs a file; on return it survives a power cut. The same bytes are kept once.
    pub fn put(&self, bytes: &[u8]) -> Result<[u8; 32], Error> {
        let hash = sha256(bytes);
        let path = self.path(&hash);
        if path.exists() {
            return Ok(hash);
        }
        self.write(&path, bytes).map_err(|error| match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::Refused(domain::refuse!(
                Unavailable,
                "store.disk_full",
                "The box's disk is full. Nothing was changed. Make room on the disk and try again."
            )),
            _ => Error::internal("writing a file", error),
        })?;
        Ok(hash)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let shelf = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(shelf)?;
        let draft = path.with_extension("part");
        let mut file = File::create(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        File::open(shelf)?.sync_all()?;
        File::open(&self.folder)?.sync_all()
    }

    /// Removes a file that no record names any more; one that is gone already is no failure.
    pub fn remove(&self, hash: &[u8; 32]) -> Result<(), Error> {
        match fs::remove_file(self.path(hash)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::internal("removing a file", error)),
            _ => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

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

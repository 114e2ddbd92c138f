//! The file operations of journal, checkpoint and snapshot, behind a trait, so that tests can cut the power between any two.

use crate::direct::Written;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A disk.
pub trait Disk: Send + Sync {
    /// Makes a folder with those above it, and syncs their names.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes a file of `len` zeros, replacing any of that name, and syncs it: writing into it later allocates nothing.
    fn create(&self, path: &Path, len: u64) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file that is there, for writing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Reads a file from its beginning.
    fn reader(&self, path: &Path) -> io::Result<Box<dyn Read + Send>>;
    /// Length of a file.
    fn len(&self, path: &Path) -> io::Result<u64>;
    /// Renames a file within its folder.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Syncs a folder: renames and removals in it are on disk.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// The names in a folder.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Bytes free for this process.
    fn free(&self, path: &Path) -> io::Result<u64>;

    /// Reads a whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes a small file so that it is there in whole or not at all, and on disk when this returns.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let draft = path.with_extension("part");
        let file = self.create(&draft, 0)?;
        file.write_at(bytes, 0)?;
        file.sync()?;
        self.rename(&draft, path)?;
        self.sync_dir(path.parent().unwrap_or(Path::new(".")))
    }
}

/// An open file.
pub trait DiskFile: Send {
    /// Writes at an offset.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// `fdatasync`.
    fn sync(&self) -> io::Result<()>;
    /// Writes behind all that counts in the file, and syncs. What lay behind may be zeros afterwards.
    fn append(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_at(bytes, offset)?;
        self.sync()
    }
}

/// The disk of the operating system.
#[derive(Debug, Default, Clone)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.make_dir(parent)?;
        fs::create_dir(path)?;
        self.sync_dir(parent)
    }

    fn create(&self, path: &Path, len: u64) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        if len > 0 {
            rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, len)?;
        }
        let zeros = vec![0u8; 1 << 20];
        let mut at = 0u64;
        while at < len {
            let part = usize::try_from(len - at).unwrap_or(usize::MAX).min(zeros.len());
            file.write_all_at(zeros.get(..part).unwrap_or(&zeros), at)?;
            at += part as u64;
        }
        file.sync_all()?;
        Ok(Box::new(Written::new(file, path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Written::new(OpenOptions::new().read(true).write(true).open(path)?, path)?))
    }

    fn reader(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::BufReader::with_capacity(1 << 16, File::open(path)?)))
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.len())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    fn free(&self, path: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// Where the parts of a data folder lie.
#[derive(Debug, Clone)]
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }
    pub fn engine(&self) -> PathBuf {
        self.0.join("engine")
    }
    pub fn snapshot(&self) -> PathBuf {
        self.0.join("snapshot")
    }
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }
    pub fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint")
    }
}

//! Stand-ins of computers that keep files: they check what they are sent and refuse what the real ones refuse.

mod dav;
mod rclone;
mod s3;

pub use dav::DavServer;
pub use rclone::Rclone;
pub use s3::{S3Server, Sizes};

use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a stand-in keeps, and how it is to behave; shared with whoever started it.
#[derive(Debug, Clone, Default)]
pub struct Shelf(Arc<Mutex<Kept>>);

/// What lies there.
#[derive(Debug, Default)]
pub struct Kept {
    /// Files by their whole path.
    pub files: BTreeMap<String, Bytes>,
    /// Most bytes of all files together.
    pub room: Option<u64>,
    /// So many more files are taken; then each connection is cut in the middle, until this is taken away.
    pub cut_after: Option<u32>,
    /// Files that were sent in whole.
    pub taken: u32,
}

impl Shelf {
    /// What lies there.
    pub fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What becomes of a file that is sent.
enum Taking {
    Cut,
    Full,
    Take,
}

impl Kept {
    fn take(&mut self, path: &str, bytes: u64) -> Taking {
        match self.cut_after {
            Some(0) => return Taking::Cut,
            Some(left) => self.cut_after = Some(left - 1),
            None => {}
        }
        let others = self.files.iter().filter(|(kept, _)| *kept != path).map(|(_, file)| file.len() as u64);
        if self.room.is_some_and(|room| others.sum::<u64>() + bytes > room) {
            return Taking::Full;
        }
        self.taken += 1;
        Taking::Take
    }
}

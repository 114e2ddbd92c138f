//! What can go wrong in the store, each with what was being done.

use std::path::PathBuf;
use std::sync::Arc;

/// Why the store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another record has this key, or this entry of a unique index.
    #[error("{what} has this entry already")]
    Duplicate {
        /// Table or index.
        what: &'static str,
    },
    /// A value is larger than the engine may hold; such things belong into files.
    #[error("a value of {what} has {bytes} bytes, more than the {max} allowed")]
    TooLarge {
        /// Table.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A kept value is damaged or of an unknown version.
    #[error("damaged value at {key}: {why}")]
    Value {
        /// Where, in readable form.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// A journal segment is damaged in the middle, or missing.
    #[error("the journal is damaged in {segment} at byte {offset}: {why}")]
    Journal {
        /// Segment.
        segment: String,
        /// Offset in it.
        offset: u64,
        /// What is wrong.
        why: String,
    },
    /// A snapshot is damaged or not a snapshot.
    #[error("the snapshot {path} cannot be used: {why}")]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// There is too little room on the disk for more writes.
    #[error("the disk is full: {free} bytes free, {needed} needed")]
    DiskFull {
        /// Bytes free.
        free: u64,
        /// Bytes that must be free.
        needed: u64,
    },
    /// A write or sync failed; what is on disk is unknown, so nothing more is written until the store is opened again.
    #[error("the store refuses writes since an earlier failure: {0}")]
    Poisoned(String),
    /// What follows the writer could not write its part of a group.
    #[error("what follows the writer failed: {0}")]
    Follow(String),
    /// Another process has the store open.
    #[error("the data folder {0} is in use by another process")]
    Locked(PathBuf),
    /// The operating system refused something.
    #[error("{doing}: {cause}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        cause: Arc<std::io::Error>,
    },
    /// Committed changes wait in memory for the engine, more than there is room for; a view that is held for long keeps them there.
    #[error("too much waits for the engine: {bytes} bytes; is a view held open?")]
    Behind {
        /// Bytes waiting.
        bytes: u64,
    },
    /// A snapshot is to be restored into a folder that holds something.
    #[error("{0} is not empty; a snapshot is restored only into an empty or new folder")]
    NotEmpty(PathBuf),
    /// A newer program wrote the data.
    #[error(
        "these data were written by Huiguan {program}, this is {own}: they hold {what}. Nothing was changed. Put the newer program in place (huiguan update), or restore a backup from before into a new folder"
    )]
    Newer {
        /// Whose version wrote them.
        program: String,
        /// This version.
        own: &'static str,
        /// What is not known.
        what: String,
    },
    /// The engine failed.
    #[error("engine: {0}")]
    Engine(String),
    /// A transaction panicked and was rolled back.
    #[error("a transaction panicked: {0}")]
    Panic(String),
    /// This store takes no writes of its own any more: it follows another, or another took over.
    #[error("writes are not taken here: {0}")]
    Fenced(String),
    /// A frame that another store committed does not fit behind what is here.
    #[error("group {found} does not fit behind group {last}")]
    Gap {
        /// The newest group here.
        last: u64,
        /// The frame's number.
        found: u64,
    },
    /// What should be one frame is none.
    #[error("a frame cannot be used: {0}")]
    Frame(&'static str),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// An I/O error with what was being done.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |cause| Self::Io { doing, cause: Arc::new(cause) }
    }
}

//! Other computers that keep files for the box: WebDAV, S3-like storage and SFTP. A file is there whole under its name or not at all; what is sent is
//! read from a file while it goes, and what comes is read piece by piece. Knows nothing of what is in the files.

mod s3;
mod sftp;
mod sign;
pub mod standin;
mod webdav;
mod xml;

pub use s3::{Bucket, S3, page};
pub use sftp::SftpFolder;
pub use webdav::{WebDav, folder};

use crate::egress::{Done, Flow, Trouble};
use bytes::{Bytes, BytesMut};
use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// How long one file may be under way.
const FILE_TIME: Duration = Duration::from_secs(6 * 3_600);
/// How long a question may take.
const ASK_TIME: Duration = Duration::from_secs(60);
/// When nothing moved for so long, nothing will.
const STALL: Duration = Duration::from_secs(60);
/// Longest list of names: some hundred thousand.
const LIST_MAX: usize = 128 << 20;
/// Most names in one folder.
const NAMES_MAX: usize = 500_000;

/// What is done at another computer, some time.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// Why something could not be done there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The folder, bucket or file is not there.
    Gone,
    /// There is no room.
    Full,
    /// Name or password are wrong, or do not allow it.
    Denied(String),
    /// It cannot be reached, or broke off; later it may go.
    Away(String),
    /// Anything else.
    Other(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("it is not there"),
            Self::Full => f.write_str("there is no room"),
            Self::Denied(why) | Self::Away(why) | Self::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        match trouble.reply.as_ref().map(|reply| reply.status) {
            Some(401 | 403) => Self::Denied(trouble.why),
            Some(404 | 410) => Self::Gone,
            Some(507) => Self::Full,
            // What is no address, or one that may not be called.
            None if trouble.done == Done::Refused => Self::Other(trouble.why),
            None | Some(408 | 429 | 500..) => Self::Away(trouble.why),
            Some(_) => Self::Other(trouble.why),
        }
    }
}

/// What lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name within the folder.
    pub name: String,
    /// Bytes; 0 for folders.
    pub bytes: u64,
    /// It is a folder.
    pub folder: bool,
}

/// A file that comes.
pub enum Source {
    /// By HTTP.
    Http(Box<Flow>),
    /// By SFTP: what is read, and whoever reads it there.
    Sftp {
        /// What came.
        read: tokio::io::DuplexStream,
        /// Ends when all of it came, or with what was wrong.
        reading: Option<tokio::task::JoinHandle<Result<u64, crate::ssh::Trouble>>>,
    },
}

/// Bytes of one piece of a file that comes.
const PIECE: usize = 128 << 10;

impl Source {
    /// The next piece; none at the end. What breaks off is a fault, never an end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        match self {
            Self::Http(flow) => flow.chunk().await.map_err(Fault::from),
            Self::Sftp { read, reading } => {
                let mut piece = BytesMut::with_capacity(PIECE);
                let count = read.read_buf(&mut piece).await.map_err(|error| Fault::Away(error.to_string()))?;
                if count > 0 {
                    return Ok(Some(piece.freeze()));
                }
                match reading.take() {
                    Some(reading) => reading.await.map_err(|error| Fault::Other(error.to_string()))??,
                    None => 0,
                };
                Ok(None)
            }
        }
    }
}

/// A place for files on another computer. Paths are below its root, without a slash at the beginning; the root is the empty path.
pub trait Depot: Send + Sync {
    /// Everything in a folder.
    fn list<'a>(&'a self, folder: &'a str) -> Doing<'a, Vec<Found>>;

    /// Makes a folder in one that is there; one that is there stays.
    fn make<'a>(&'a self, folder: &'a str) -> Doing<'a, ()>;

    /// Lays a file there; it has its name when all of it is there. Answers its bytes.
    fn put<'a>(&'a self, path: &'a str, file: &'a Path) -> Doing<'a, u64>;

    /// Reads a file.
    fn get<'a>(&'a self, path: &'a str) -> Doing<'a, Source>;

    /// Removes a file; one that is gone is removed.
    fn remove<'a>(&'a self, path: &'a str) -> Doing<'a, ()>;

    /// Removes what was being laid into a folder when it was cut short.
    fn clear<'a>(&'a self, folder: &'a str) -> Doing<'a, ()>;
}

/// Bytes of a file here.
async fn length_of(file: &Path) -> Result<u64, Fault> {
    tokio::fs::metadata(file).await.map(|of| of.len()).map_err(|error| Fault::Other(format!("reading it: {error}")))
}

/// What has to be there in whole.
fn whole(found: u64, sent: u64) -> Result<u64, Fault> {
    if found == sent {
        return Ok(sent);
    }
    Err(Fault::Away(format!("only {found} of {sent} bytes arrived")))
}

#[cfg(test)]
mod tests;

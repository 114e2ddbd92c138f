//! A folder on a server by SFTP: one connection is used as long as it holds. The host key is pinned; no password is sent.

use super::{Depot, Doing, Fault, Found, Source};
use crate::ssh::{Connection, Key, Sftp, Target, Trouble};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Bytes that are on their way at a time.
const FLOW: usize = 256 << 10;

/// A folder on a server.
pub struct SftpFolder {
    target: Target,
    key: Key,
    pinned: Option<String>,
    root: String,
    open: Mutex<Option<Arc<Sftp>>>,
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        match &trouble {
            Trouble::Unreachable(_) | Trouble::Broken(_) => Self::Away(trouble.to_string()),
            Trouble::Refused | Trouble::Forbidden(_) | Trouble::Changed { .. } | Trouble::Unknown(_) => {
                Self::Denied(trouble.to_string())
            }
            Trouble::Missing(_) => Self::Gone,
            Trouble::Foreign(_) | Trouble::Port(_) | Trouble::File { .. } | Trouble::Limit(_) => {
                Self::Other(trouble.to_string())
            }
        }
    }
}

impl SftpFolder {
    /// `root` is a path from the server's root, or from the account's own folder without a slash at its beginning.
    pub fn new(target: Target, key: Key, pinned: Option<&str>, root: &str) -> Self {
        Self { target, key, pinned: pinned.map(str::to_owned), root: root.to_owned(), open: Mutex::default() }
    }

    fn path(&self, path: &str) -> String {
        if path.is_empty() { self.root.clone() } else { format!("{}/{path}", self.root) }
    }

    async fn session(&self) -> Result<Arc<Sftp>, Fault> {
        let mut open = self.open.lock().await;
        if let Some(sftp) = open.as_ref() {
            return Ok(sftp.clone());
        }
        let connection = Connection::open(&self.target, &self.key, self.pinned.as_deref(), &Arc::default()).await?;
        let sftp = Arc::new(Sftp::open(connection).await?);
        *open = Some(sftp.clone());
        Ok(sftp)
    }

    /// What came of something; a connection that broke is not used again.
    async fn told<T>(&self, done: Result<T, Trouble>) -> Result<T, Fault> {
        if matches!(&done, Err(Trouble::Broken(_) | Trouble::Unreachable(_) | Trouble::File { .. })) {
            *self.open.lock().await = None;
        }
        done.map_err(Fault::from)
    }
}

impl Depot for SftpFolder {
    fn list<'a>(&'a self, folder: &'a str) -> Doing<'a, Vec<Found>> {
        Box::pin(async move {
            let sftp = self.session().await?;
            let found = self.told(sftp.list(&self.path(folder)).await).await?;
            let found = found.into_iter();
            Ok(found.map(|entry| Found { name: entry.name, bytes: entry.bytes, folder: entry.is_folder }).collect())
        })
    }

    fn make<'a>(&'a self, folder: &'a str) -> Doing<'a, ()> {
        Box::pin(async move {
            let sftp = self.session().await?;
            self.told(sftp.make_folder(&self.path(folder)).await).await
        })
    }

    fn put<'a>(&'a self, path: &'a str, file: &'a Path) -> Doing<'a, u64> {
        Box::pin(async move {
            let sftp = self.session().await?;
            let read = |error: std::io::Error| Fault::Other(format!("reading it: {error}"));
            let mut content = tokio::fs::File::open(file).await.map_err(read)?;
            self.told(sftp.write(&self.path(path), &mut content).await).await
        })
    }

    fn get<'a>(&'a self, path: &'a str) -> Doing<'a, Source> {
        Box::pin(async move {
            let (sftp, path) = (self.session().await?, self.path(path));
            // What is not there is told before anything is read.
            self.told(sftp.bytes(&path).await).await?;
            let (mut write, read) = tokio::io::duplex(FLOW);
            let reading = tokio::spawn(async move { sftp.read(&path, &mut write, u64::MAX).await });
            Ok(Source::Sftp { read, reading: Some(reading) })
        })
    }

    fn remove<'a>(&'a self, path: &'a str) -> Doing<'a, ()> {
        Box::pin(async move {
            let sftp = self.session().await?;
            self.told(sftp.remove(&self.path(path)).await).await
        })
    }

    fn clear<'a>(&'a self, folder: &'a str) -> Doing<'a, ()> {
        Box::pin(async move {
            let sftp = self.session().await?;
            let at = self.path(folder);
            for entry in self.told(sftp.list(&at).await).await? {
                if !entry.is_folder && entry.name.starts_with('.') && entry.name.ends_with(".draft") {
                    self.told(sftp.remove(&format!("{at}/{}", entry.name)).await).await?;
                }
            }
            Ok(())
        })
    }
}

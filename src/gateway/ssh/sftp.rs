//! Files on a server by SFTP (draft-ietf-secsh-filexfer-02, version 3). A file is written under a draft's name and gets its own when all of it lies
//! there, so nobody finds half a file. Paths have limits and never lead upwards.

use super::{ANSWER, Connection, Trouble, within};
use russh_sftp::{
    client::{Config, SftpSession, error::Error},
    protocol::StatusCode,
};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How long any single request may wait for its answer.
const REQUEST_SECONDS: u64 = 30;
/// How long a piece may take on its way.
const PIECE: Duration = Duration::from_secs(90);
/// Bytes that are handed on at a time.
const PIECE_BYTES: usize = 128 << 10;
/// Most bytes of a path.
const PATH_MAX: usize = 1_000;
/// Most bytes of a name.
const NAME_MAX: usize = 200;
/// Most entries of a folder.
const ENTRIES_MAX: usize = 20_000;

/// What lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its length; 0 for folders.
    pub bytes: u64,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// Files on a server. The connection ends with it.
pub struct Sftp {
    session: SftpSession,
    connection: Connection,
}

/// A path that may be asked for: names that are joined by slashes, perhaps behind a first one, none of them `..`.
fn checked(path: &str) -> Result<&str, Trouble> {
    let names = path.strip_prefix('/').unwrap_or(path);
    let is_name = |name: &str| {
        !name.is_empty()
            && name != ".."
            && name != "."
            && name.len() <= NAME_MAX
            && !name.chars().any(|sign| sign.is_control())
    };
    if path.len() <= PATH_MAX && names.split('/').all(is_name) {
        return Ok(path);
    }
    let shown: String = path.chars().take(100).filter(|sign| !sign.is_control()).collect();
    Err(Trouble::Limit(format!(
        "{shown} is no path for the server: names of at most {NAME_MAX} bytes, joined by slashes, none of them . or .."
    )))
}

/// Where a file lies until it is complete.
fn draft(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/.{name}.draft"),
        None => format!(".{path}.draft"),
    }
}

/// What the server said of a file, in words.
fn trouble(path: &str, error: Error) -> Trouble {
    match error {
        Error::Status(status) => match status.status_code {
            StatusCode::NoSuchFile => Trouble::Missing(path.to_owned()),
            StatusCode::PermissionDenied => Trouble::Forbidden(path.to_owned()),
            StatusCode::NoConnection | StatusCode::ConnectionLost => Trouble::Broken(status.error_message),
            _ => Trouble::File { path: path.to_owned(), why: status.error_message },
        },
        Error::Limited(why) => Trouble::Limit(why),
        error => Trouble::Broken(error.to_string()),
    }
}

/// The same for errors that come through a stream.
fn broken(path: &str) -> impl Fn(std::io::Error) -> Trouble {
    move |error| Trouble::File { path: path.to_owned(), why: error.to_string() }
}

impl Sftp {
    /// Begins SFTP on a connection.
    pub async fn open(connection: Connection) -> Result<Self, Trouble> {
        let stream = connection.subsystem().await?;
        let config = Config { request_timeout_secs: REQUEST_SECONDS, ..Config::default() };
        let beginning = async {
            SftpSession::new_with_config(stream, config).await.map_err(|error| Trouble::Broken(error.to_string()))
        };
        Ok(Self { session: within(ANSWER, beginning, "SFTP").await?, connection })
    }

    /// Writes a whole file and gives its length. What lay there before is replaced when the new one is complete; the folder must be there.
    pub async fn write(&self, path: &str, content: &mut (impl AsyncRead + Unpin)) -> Result<u64, Trouble> {
        let draft = draft(checked(path)?);
        let written = match self.write_draft(&draft, content).await {
            Ok(written) => written,
            Err(trouble) => {
                // Half a file is of no use to anybody; where even that fails it is overwritten the next time.
                if let Err(error) = self.session.remove_file(&draft).await {
                    tracing::debug!(%error, "a draft stays on the server");
                }
                return Err(trouble);
            }
        };
        self.rename(&draft, path).await?;
        Ok(written)
    }

    async fn write_draft(&self, draft: &str, content: &mut (impl AsyncRead + Unpin)) -> Result<u64, Trouble> {
        let mut file = self.session.create(draft).await.map_err(|error| trouble(draft, error))?;
        let (mut piece, mut written) = (vec![0; PIECE_BYTES], 0_u64);
        loop {
            let count = content.read(&mut piece).await.map_err(broken("the file to be sent"))?;
            let Some(bytes) = piece.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            let sending = async { file.write_all(bytes).await.map_err(broken(draft)) };
            within(PIECE, sending, draft).await?;
            written += count as u64;
        }
        let ending = async {
            file.flush().await.map_err(broken(draft))?;
            file.sync_all().await.map_err(|error| trouble(draft, error))?;
            file.close().await.map_err(broken(draft))
        };
        within(PIECE, ending, draft).await?;
        let there = self.bytes(draft).await?;
        if there != written {
            let why = format!("{there} bytes lie there of {written} that were sent");
            return Err(Trouble::File { path: draft.to_owned(), why });
        }
        Ok(written)
    }

    /// Gives a file another name. What had that name is gone; servers that do not replace are told to remove it first.
    pub async fn rename(&self, from: &str, to: &str) -> Result<(), Trouble> {
        let (from, to) = (checked(from)?, checked(to)?);
        let Err(first) = self.session.rename(from, to).await else { return Ok(()) };
        let is_there = self.session.try_exists(to).await.map_err(|error| trouble(to, error))?;
        if !is_there {
            return Err(trouble(to, first));
        }
        self.session.remove_file(to).await.map_err(|error| trouble(to, error))?;
        self.session.rename(from, to).await.map_err(|error| trouble(to, error))
    }

    /// Reads a whole file into something, at most so many bytes, and gives its length.
    pub async fn read(&self, path: &str, to: &mut (impl AsyncWrite + Unpin), most: u64) -> Result<u64, Trouble> {
        let path = checked(path)?;
        let mut file = self.session.open(path).await.map_err(|error| trouble(path, error))?;
        let (mut piece, mut all) = (vec![0; PIECE_BYTES], 0_u64);
        loop {
            let reading = async { file.read(&mut piece).await.map_err(broken(path)) };
            let count = within(PIECE, reading, path).await?;
            let Some(bytes) = piece.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            all += count as u64;
            if all > most {
                return Err(Trouble::Limit(format!("{path} has more than {most} bytes")));
            }
            to.write_all(bytes).await.map_err(broken("the file to be written"))?;
        }
        to.flush().await.map_err(broken("the file to be written"))?;
        Ok(all)
    }

    /// What lies in a folder, by name.
    pub async fn list(&self, folder: &str) -> Result<Vec<Entry>, Trouble> {
        let folder = checked(folder)?;
        let listing = async { self.session.read_dir(folder).await.map_err(|error| trouble(folder, error)) };
        let mut entries = Vec::new();
        for entry in within(PIECE, listing, folder).await? {
            if entries.len() >= ENTRIES_MAX {
                return Err(Trouble::Limit(format!("{folder} has more than {ENTRIES_MAX} entries")));
            }
            let (metadata, name) = (entry.metadata(), entry.file_name());
            let is_folder = metadata.is_dir();
            entries.push(Entry { name, bytes: if is_folder { 0 } else { metadata.len() }, is_folder });
        }
        entries.sort();
        Ok(entries)
    }

    /// The length of a file.
    pub async fn bytes(&self, path: &str) -> Result<u64, Trouble> {
        let path = checked(path)?;
        Ok(self.session.metadata(path).await.map_err(|error| trouble(path, error))?.len())
    }

    /// Removes a file. That it is not there is no trouble.
    pub async fn remove(&self, path: &str) -> Result<(), Trouble> {
        let path = checked(path)?;
        match self.session.remove_file(path).await.map_err(|error| trouble(path, error)) {
            Err(Trouble::Missing(_)) => Ok(()),
            done => done,
        }
    }

    /// Removes an empty folder. That it is not there is no trouble.
    pub async fn remove_folder(&self, path: &str) -> Result<(), Trouble> {
        let path = checked(path)?;
        match self.session.remove_dir(path).await.map_err(|error| trouble(path, error)) {
            Err(Trouble::Missing(_)) => Ok(()),
            done => done,
        }
    }

    /// Makes a folder and those above it. That it is there is no trouble.
    pub async fn make_folder(&self, path: &str) -> Result<(), Trouble> {
        let path = checked(path)?;
        let ends = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0).chain([path.len()]);
        for part in ends.filter_map(|end| path.get(..end)) {
            match self.session.metadata(part).await {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => {
                    return Err(Trouble::File { path: part.to_owned(), why: "that is a file".into() });
                }
                Err(_) => self.session.create_dir(part).await.map_err(|error| trouble(part, error))?,
            }
        }
        Ok(())
    }

    /// Ends it in order.
    pub async fn close(self) {
        if let Err(error) = self.session.close().await {
            tracing::debug!(%error, "SFTP ended already");
        }
        self.connection.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_limits_and_never_lead_upwards() {
        for path in ["backup", "backup/a.age", "/srv/backup/1.tar", "会馆/备份"] {
            assert_eq!(checked(path), Ok(path));
        }
        let long = "a".repeat(NAME_MAX + 1);
        let deep = "abc/".repeat(300) + "d";
        for path in ["", "/", "a//b", "../a", "a/../b", "./a", "a/", "a\nb", &long, &deep] {
            assert!(matches!(checked(path), Err(Trouble::Limit(_))), "{path}");
        }
        assert_eq!(draft("a/b.tar"), "a/.b.tar.draft");
        assert_eq!(draft("/b.tar"), "/.b.tar.draft");
        assert_eq!(draft("b.tar"), ".b.tar.draft");
    }
}

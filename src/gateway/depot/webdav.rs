//! WebDAV (RFC 4918): a file is sent under a draft's name and moved to its own when all of it is there. Basic authentication (RFC 7617).

use super::{
    ASK_TIME, Depot, Doing, FILE_TIME, Fault, Found, LIST_MAX, NAMES_MAX, STALL, Source, length_of, whole, xml,
};
use crate::{
    address::encoded,
    egress::{Call, Done, Egress, Reach, Reply, Slice},
};
use data_encoding::BASE64;
use reqwest::Method;
use std::path::Path;
use std::time::Duration;

/// What is asked of each thing in a folder.
const ASKED: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><D:propfind xmlns:D=\"DAV:\"><D:prop>\
    <D:getcontentlength/><D:resourcetype/></D:prop></D:propfind>";
/// How a file is called until all of it is there.
const DRAFT: &str = ".part";

/// A folder on a WebDAV server.
pub struct WebDav {
    egress: Egress,
    base: String,
    root: String,
    access: Option<String>,
    stall: Duration,
}

impl WebDav {
    /// `base` is scheme, host and perhaps port; `root` the path of the folder on it, percent-encoded, with a slash at its beginning and none at
    /// its end. Without a user nobody is named.
    pub fn new(egress: Egress, base: &str, root: &str, user: &str, password: &str) -> Self {
        let access = (!user.is_empty() || !password.is_empty())
            .then(|| format!("Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes())));
        Self { egress, base: base.to_owned(), root: root.to_owned(), access, stall: STALL }
    }

    /// Gives up when nothing moves for so long.
    pub fn patience(self, stall: Duration) -> Self {
        Self { stall, ..self }
    }

    fn path(&self, path: &str) -> String {
        if path.is_empty() { format!("{}/", self.root) } else { format!("{}/{path}", self.root) }
    }

    fn call(&self, method: &str, path: &str) -> Result<Call, Fault> {
        let method = Method::from_bytes(method.as_bytes()).map_err(|error| Fault::Other(error.to_string()))?;
        let call = Call::new(method, "webdav", &self.base, path).reach(Reach::House).within(ASK_TIME);
        Ok(match &self.access {
            Some(access) => call.header("authorization", access),
            None => call,
        })
    }

    async fn find(&self, path: &str, depth: &str) -> Result<Vec<(Found, String)>, Fault> {
        let call = self.call("PROPFIND", path)?.header("depth", depth).header("content-type", "application/xml");
        let reply = self.egress.send(call.body(ASKED).answer_max(LIST_MAX)).await?;
        if reply.status != 207 {
            return Err(odd());
        }
        folder(&reply.body)
    }

    /// Bytes of a file; none when it is not there.
    async fn size(&self, path: &str) -> Result<Option<u64>, Fault> {
        match self.find(path, "0").await {
            Ok(found) => Ok(found.first().map(|(found, _)| found.bytes)),
            Err(Fault::Gone) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn send(&self, path: &str, file: &Path, length: u64) -> Result<Reply, Fault> {
        let slice = Slice { path: file.to_owned(), from: 0, length };
        let call = self.call("PUT", path)?.slice(slice).within(FILE_TIME).stall(self.stall);
        self.egress.send(call.header("content-type", "application/octet-stream")).await.map_err(conflict)
    }

    async fn name(&self, draft: &str, path: &str) -> Result<(), Fault> {
        let call = self.call("MOVE", draft)?.once().header("destination", &format!("{}{path}", self.base));
        match self.egress.send(call.header("overwrite", "T")).await {
            Ok(_) => Ok(()),
            // An answer that is lost leaves open what was done.
            Err(trouble) if trouble.done == Done::Unknown && trouble.reply.is_none() => match self.size(draft).await? {
                None => Ok(()),
                Some(_) => Err(trouble.into()),
            },
            Err(trouble) => Err(conflict(trouble)),
        }
    }

    async fn delete(&self, path: &str) -> Result<(), Fault> {
        match self.egress.send(self.call("DELETE", path)?).await.map_err(Fault::from) {
            Ok(_) | Err(Fault::Gone) => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}

/// A missing folder is told as a conflict (RFC 4918, 9.7.1).
fn conflict(trouble: crate::egress::Trouble) -> Fault {
    match trouble.reply.as_ref().map(|reply| reply.status) {
        Some(409) => Fault::Gone,
        _ => trouble.into(),
    }
}

fn odd() -> Fault {
    Fault::Other("this is no WebDAV folder: its list cannot be read".into())
}

/// What a server says of a folder: each thing in it, and its whole path. The caller limits its length.
pub fn folder(answer: &[u8]) -> Result<Vec<(Found, String)>, Fault> {
    let rows = xml::rows(answer).ok_or_else(odd)?;
    if rows.len() > NAMES_MAX {
        return Err(Fault::Other("there are too many files in the folder".into()));
    }
    let found = rows.iter().filter(|row| row.name == "response").filter_map(|row| {
        let path = path_of(row.get("href")?);
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let bytes = row.get("getcontentlength").and_then(|text| text.parse().ok()).unwrap_or_default();
        Some((Found { name, bytes, folder: row.has("collection") }, path))
    });
    Ok(found.collect())
}

/// The decoded path of an address or of a path, without a slash at its end.
fn path_of(href: &str) -> String {
    let path = match href.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => href,
    };
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let decoded = match (first, more) {
            (b'%', [high, low, ..]) => data_encoding::HEXUPPER_PERMISSIVE.decode(&[*high, *low]).ok(),
            _ => None,
        };
        match decoded.as_deref() {
            Some([byte]) => {
                bytes.push(*byte);
                rest = more.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).trim_end_matches('/').to_owned()
}

impl Depot for WebDav {
    fn list<'a>(&'a self, folder: &'a str) -> Doing<'a, Vec<Found>> {
        Box::pin(async move {
            // Some servers lead a folder without a slash at its end elsewhere.
            let path = format!("{}/", self.path(folder).trim_end_matches('/'));
            let own = path_of(&path);
            let found = self.find(&path, "1").await?;
            Ok(found.into_iter().filter(|(_, path)| *path != own).map(|(found, _)| found).collect())
        })
    }

    fn make<'a>(&'a self, folder: &'a str) -> Doing<'a, ()> {
        Box::pin(async move {
            match self.egress.send(self.call("MKCOL", &format!("{}/", self.path(folder)))?).await {
                Ok(_) => Ok(()),
                // It is there (RFC 4918, 9.3.1).
                Err(trouble) if trouble.reply.as_ref().is_some_and(|reply| reply.status == 405) => Ok(()),
                Err(trouble) => Err(conflict(trouble)),
            }
        })
    }

    fn put<'a>(&'a self, path: &'a str, file: &'a Path) -> Doing<'a, u64> {
        Box::pin(async move {
            let (draft, path, length) = (self.path(&format!("{path}{DRAFT}")), self.path(path), length_of(file).await?);
            let sent = match self.send(&draft, file, length).await {
                Ok(_) => whole(self.size(&draft).await?.ok_or(Fault::Gone)?, length),
                Err(fault) => Err(fault),
            };
            if let Err(fault) = sent {
                if let Err(error) = self.delete(&draft).await {
                    tracing::debug!(%error, "half a file stays");
                }
                return Err(fault);
            }
            self.name(&draft, &path).await?;
            let there = self.size(&path).await?.ok_or_else(|| Fault::Away("it was not named".into()))?;
            if there != length {
                self.delete(&path).await?;
            }
            whole(there, length)
        })
    }

    fn get<'a>(&'a self, path: &'a str) -> Doing<'a, Source> {
        Box::pin(async move {
            let call = self.call("GET", &self.path(path))?.within(FILE_TIME).stall(self.stall);
            Ok(Source::Http(Box::new(self.egress.open(call).await?)))
        })
    }

    fn remove<'a>(&'a self, path: &'a str) -> Doing<'a, ()> {
        Box::pin(async move { self.delete(&self.path(path)).await })
    }

    fn clear<'a>(&'a self, folder: &'a str) -> Doing<'a, ()> {
        Box::pin(async move {
            for found in self.list(folder).await? {
                if !found.folder && found.name.ends_with(DRAFT) {
                    // Whatever lies there: a name may hold what ends a path.
                    let name = encoded(&found.name);
                    let draft = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                    self.delete(&self.path(&draft)).await?;
                }
            }
            Ok(())
        })
    }
}

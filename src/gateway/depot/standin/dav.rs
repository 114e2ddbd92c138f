//! A WebDAV server: Basic authentication, folders that must be there, moves that say whether they may overwrite, a limit of room.

use super::{Shelf, Taking};
use crate::{
    depot::xml,
    standin::{Answered, Asked, Standin, escaped},
};
use data_encoding::BASE64;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// A running one.
pub struct DavServer {
    /// Its base address.
    pub base: String,
    /// What lies there, by paths such as `/backup/a.age`.
    pub shelf: Shelf,
    _standin: Standin,
}

impl DavServer {
    /// Starts one with the folder `/backup` for one user.
    pub async fn start(user: &str, password: &str) -> std::io::Result<Self> {
        let shelf = Shelf::default();
        let access = format!("Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes()));
        let folders = Mutex::new(BTreeSet::from([String::new(), "/backup".to_owned()]));
        let kept = shelf.clone();
        let standin = Standin::start(move |asked| {
            if asked.header("authorization") != access {
                return Answered::status(401, "").header("www-authenticate", "Basic realm=\"shelf\"");
            }
            answer(&asked, &kept, &mut folders.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let standin = standin.await?;
        Ok(Self { base: standin.base.clone(), shelf, _standin: standin })
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn answer(asked: &Asked, shelf: &Shelf, folders: &mut BTreeSet<String>) -> Answered {
    let path = asked.path.trim_end_matches('/').to_owned();
    let mut kept = shelf.lock();
    match asked.method.as_str() {
        "PROPFIND" => {
            let wanted = xml::rows(&asked.body);
            let sound =
                wanted.is_some_and(|rows| rows.iter().any(|row| row.name == "prop" && row.has("getcontentlength")));
            if !sound || !matches!(asked.header("depth"), "0" | "1") {
                return Answered::status(400, "");
            }
            let mut rows = String::new();
            let row = |path: &str, bytes: Option<usize>| {
                let kind = bytes.map_or_else(
                    || "<D:resourcetype><D:collection/></D:resourcetype>".to_owned(),
                    |bytes| format!("<D:resourcetype/><D:getcontentlength>{bytes}</D:getcontentlength>"),
                );
                format!(
                    "<D:response><D:href>{}</D:href><D:propstat><D:prop>{kind}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>",
                    escaped(path)
                )
            };
            match kept.files.get(&path) {
                Some(file) => rows.push_str(&row(&path, Some(file.len()))),
                None if folders.contains(&path) => {
                    rows.push_str(&row(&format!("{path}/"), None));
                    if asked.header("depth") == "1" {
                        rows.extend(
                            folders
                                .iter()
                                .filter(|folder| parent(folder) == path && **folder != path)
                                .map(|folder| row(&format!("{folder}/"), None)),
                        );
                        rows.extend(
                            kept.files
                                .iter()
                                .filter(|(file, _)| parent(file) == path)
                                .map(|(file, bytes)| row(file, Some(bytes.len()))),
                        );
                    }
                }
                None => return Answered::status(404, ""),
            }
            let text = format!("<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\">{rows}</D:multistatus>");
            Answered::status(207, text).header("content-type", "application/xml")
        }
        "MKCOL" if folders.contains(&path) => Answered::status(405, ""),
        "MKCOL" | "PUT" if !folders.contains(parent(&path)) => Answered::status(409, ""),
        "MKCOL" => {
            folders.insert(path);
            Answered::status(201, "")
        }
        // As much of a body as says its length can be told from a cut one.
        "PUT" if asked.header("content-length").parse() != Ok(asked.body.len()) => Answered::status(411, ""),
        "PUT" => match kept.take(&path, asked.body.len() as u64) {
            Taking::Cut => {
                let half = asked.body.slice(..asked.body.len() / 2);
                kept.files.insert(path, half);
                Answered::cut()
            }
            Taking::Full => Answered::status(507, ""),
            Taking::Take => {
                kept.files.insert(path, asked.body.clone());
                Answered::status(201, "")
            }
        },
        "MOVE" => {
            let to = asked.header("destination");
            let to = to.split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
            let Some(to) = to.map(str::to_owned) else { return Answered::status(400, "") };
            if kept.files.contains_key(&to) && asked.header("overwrite") == "F" {
                return Answered::status(412, "");
            }
            if !folders.contains(parent(&to)) {
                return Answered::status(409, "");
            }
            match kept.files.remove(&path) {
                Some(file) => {
                    kept.files.insert(to, file);
                    Answered::status(201, "")
                }
                None => Answered::status(404, ""),
            }
        }
        "GET" => match kept.files.get(&path) {
            Some(file) => Answered::status(200, file.clone()),
            None => Answered::status(404, ""),
        },
        "DELETE" => match kept.files.remove(&path) {
            Some(_) => Answered::status(204, ""),
            None => Answered::status(404, ""),
        },
        _ => Answered::status(405, ""),
    }
}

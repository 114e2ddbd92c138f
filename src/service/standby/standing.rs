//! How a box stands, as it is kept in the data folder beside the records (which are a copy of the leader's on a follower), and what is laid there when
//! a box begins to follow: certificates, a store taken over in whole, and what it held before.

use super::wire::Parcel;
use crate::{Error, file::lay};
use data_encoding::HEXLOWER;
use domain::{
    KeyRing,
    standby::{FIRST_EPOCH, Role, Stand},
};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// How a box stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What it is.
    pub role: Role,
    /// The newest epoch that it knows of.
    pub epoch: u64,
    /// What its groups belong to: drawn when a box is first paired. Empty before.
    #[serde(default)]
    pub history: String,
    /// The last group before its epoch began, where it took over.
    #[serde(default)]
    pub fork: Option<u64>,
    /// The other box: whom a follower follows, whom a leader took over from, who took over from a fenced one.
    #[serde(default)]
    pub peer: Option<Peer>,
}

/// The other box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Host and port.
    pub address: String,
    /// SHA-256 of its certificate, in hexadecimal.
    pub pin: String,
    /// The secret by which it knows this one, sealed and in hexadecimal; empty where there is none.
    #[serde(default)]
    pub secret: String,
    /// It is known to have stopped writing.
    #[serde(default)]
    pub stopped: bool,
}

impl Default for Standing {
    fn default() -> Self {
        Self { role: Role::Leader, epoch: FIRST_EPOCH, history: String::new(), fork: None, peer: None }
    }
}

impl Standing {
    /// Role and epoch.
    pub fn stand(&self) -> Stand {
        Stand { role: self.role, epoch: self.epoch }
    }

    /// Reads it. A box without one leads; one that cannot be read is an error, since a guess might make two writers.
    pub fn read(data: &Path) -> Result<Self, Error> {
        let path = path(data);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                Error::Internal(format!(
                    "{} is damaged ({error}): whether this box leads cannot be told. If no other box does, remove that file",
                    path.display()
                ))
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::internal(&format!("reading {}", path.display()), error)),
        }
    }

    /// Keeps it; on disk when this returns.
    pub fn keep(&self, data: &Path) -> Result<(), Error> {
        let bytes =
            serde_json::to_vec_pretty(self).map_err(|error| Error::internal("writing how the box stands", error))?;
        make(&folder(data)).and_then(|()| lay(&path(data), &bytes, 0o600)).map_err(lost("keeping how the box stands"))
    }
}

fn lost(what: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |error| Error::internal(what, error)
}

/// The folder of everything about the other box.
pub fn folder(data: &Path) -> PathBuf {
    data.join("standby")
}

fn path(data: &Path) -> PathBuf {
    folder(data).join("role.json")
}

/// Makes a folder for the box alone, and syncs its name.
fn make(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    sync(folder.parent().unwrap_or(folder))
}

fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The names of files of the folder of certificates that the other box needs to be the same hall to every device.
const CERTIFICATES: [&str; 5] = ["root.der", "root.key", "root.names", "standby.der", "standby.key"];
/// Largest of them.
const CERTIFICATE_MAX: u64 = 100_000;

/// What a box gets that is paired.
pub fn parcel(data: &Path, secret: String, keys: &KeyRing) -> Result<Parcel, Error> {
    let mut certificates = Vec::new();
    for name in CERTIFICATES {
        let path = data.join("tls").join(name);
        match fs::metadata(&path) {
            Ok(meta) if meta.len() <= CERTIFICATE_MAX => {
                let content = fs::read(&path).map_err(lost("reading a certificate"))?;
                certificates.push((name.to_owned(), HEXLOWER.encode(&content)));
            }
            Ok(_) => return Err(Error::Internal(format!("{} is too large for a certificate", path.display()))),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::internal("reading a certificate", error)),
        }
    }
    Ok(Parcel { secret, key: HEXLOWER.encode(&keys.bytes()), certificates })
}

/// Lays the certificates of a parcel into the data folder.
pub fn unpack(data: &Path, parcel: &Parcel) -> Result<(), Error> {
    let tls = data.join("tls");
    make(&tls).map_err(lost("making the folder of certificates"))?;
    for (name, content) in &parcel.certificates {
        if !CERTIFICATES.contains(&name.as_str()) {
            return Err(Error::Internal("the leading box sent a file of another kind".into()));
        }
        let content =
            HEXLOWER.decode(content.as_bytes()).map_err(|error| Error::internal("reading a parcel", error))?;
        lay(&tls.join(name), &content, 0o600).map_err(lost("keeping a certificate"))?;
    }
    // What the old root signed is made anew.
    remove(&tls.join("box.json")).map_err(lost("removing an old certificate"))
}

fn remove(path: &Path) -> std::io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Where a snapshot comes in.
pub fn incoming(data: &Path) -> PathBuf {
    folder(data).join("incoming.snap")
}

/// Where a snapshot is written that goes out.
pub fn outgoing(data: &Path) -> PathBuf {
    folder(data).join("outgoing.snap")
}

/// A store that is ready to take the place of the one that is there: which may go, or is of another history and is put aside.
fn ready(data: &Path, other: bool) -> PathBuf {
    folder(data).join(if other { "ready-other" } else { "ready" })
}

/// Makes a store out of the snapshot that came in. It takes the place of the one that is there in [`settle`].
pub fn prepare(data: &Path, other: bool) -> Result<(), Error> {
    let draft = folder(data).join("draft");
    remove(&draft).map_err(lost("removing an old draft"))?;
    store::restore(&incoming(data), &[], &draft)?;
    let laid = fs::rename(&draft, ready(data, other)).and_then(|()| sync(&folder(data)));
    laid.map_err(lost("laying a store ready"))?;
    remove(&incoming(data)).map_err(lost("removing a snapshot"))
}

/// Puts a store that lies ready in its place. May be cut short anywhere and is done again at the next start; nobody may hold the store meanwhile.
/// Answers where the old one was put, if it was of another history.
pub fn settle(data: &Path, now: domain::Time) -> Result<Option<PathBuf>, Error> {
    let mut aside = None;
    for other in [false, true] {
        let (from, to) = (ready(data, other), data.join("store"));
        if !from.exists() {
            continue;
        }
        if other && to.exists() {
            aside = Some(put_aside(data, &["store"], now)?);
        }
        let moved = remove(&to).and_then(|()| fs::rename(&from, &to)).and_then(|()| sync(&folder(data)));
        // An index of other groups would hold their numbers.
        let moved = moved.and_then(|()| sync(data)).and_then(|()| remove(&data.join("search")));
        moved.map_err(lost("laying a store into its place"))?;
    }
    Ok(aside)
}

/// Moves parts of the data folder into a folder of their own below the stand-by's, where nothing removes them.
pub fn put_aside(data: &Path, names: &[&str], now: domain::Time) -> Result<PathBuf, Error> {
    let aside = folder(data).join(format!("aside-{}", now.0));
    let moved = make(&aside).and_then(|()| {
        for name in names.iter().filter(|name| data.join(name).exists()) {
            fs::rename(data.join(name), aside.join(name))?;
        }
        sync(&aside)?;
        sync(data)
    });
    moved.map_err(lost("putting the old data aside"))?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Time;

    #[test]
    fn how_a_box_stands_is_kept_for_it_alone_and_never_guessed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        assert_eq!(Standing::read(data).unwrap(), Standing::default());
        let peer = Peer { address: "box:1".into(), pin: "aa".into(), secret: "bb".into(), stopped: true };
        let standing = Standing { role: Role::Fenced, epoch: 4, history: "h".into(), fork: Some(9), peer: Some(peer) };
        standing.keep(data).unwrap();
        assert_eq!(Standing::read(data).unwrap(), standing);
        assert_eq!(fs::metadata(path(data)).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(path(data), "{\"role\":\"leader\"").unwrap();
        assert!(Standing::read(data).unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn a_store_that_lies_ready_gets_into_its_place_wherever_that_was_cut_short() {
        for (other, cut) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
            let folder = tempfile::tempdir().unwrap();
            let data = folder.path();
            fs::create_dir_all(ready(data, other)).unwrap();
            fs::write(ready(data, other).join("new"), "x").unwrap();
            fs::create_dir_all(data.join("search")).unwrap();
            if cut == 0 {
                fs::create_dir_all(data.join("store")).unwrap();
                fs::write(data.join("store/old"), "x").unwrap();
            }
            let aside = settle(data, Time(5)).unwrap();
            assert_eq!(aside.is_some(), other && cut == 0);
            assert!(aside.is_none_or(|aside| aside.join("store/old").exists()));
            assert!(data.join("store/new").exists() && !data.join("search").exists());
            assert!(!data.join("store/old").exists() && !ready(data, other).exists());
            assert_eq!(settle(data, Time(6)).unwrap(), None, "once");
        }
    }
}

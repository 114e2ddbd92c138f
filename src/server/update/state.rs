//! How far an update is, on disk: whatever cuts it short, the next start finds the old program with its data or the new one with them, and what is
//! left to be done is done there.

use super::package::hash_of_file;
use serde::{Deserialize, Serialize};
use service::Error;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The snapshot is whole; the new program is put in place and may change data from now on.
    Trying,
    /// It was not well: the old program is put back, and the data as they were.
    Restoring,
}

/// An update under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// How far it is.
    pub step: Step,
    /// Versions.
    pub from: String,
    pub to: String,
    /// Where the program lies.
    pub program: PathBuf,
    /// SHA-256 of the old program.
    pub old: String,
}

/// Where things lie that are only there during an update.
pub fn folder(data: &Path) -> PathBuf {
    data.join("update")
}

fn path(data: &Path) -> PathBuf {
    data.join(service::backup::HELD_BY)
}

/// All records before the new program touched them.
pub fn snapshot(data: &Path) -> PathBuf {
    folder(data).join("store.snap")
}

fn failed(doing: &str) -> impl FnOnce(std::io::Error) -> Error + '_ {
    move |error| Error::internal(doing, error)
}

impl State {
    /// What is under way; none when nothing is.
    pub fn read(data: &Path) -> Result<Option<Self>, Error> {
        match fs::read(path(data)) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| Error::internal(&format!("reading {}", path(data).display()), error)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::internal("reading how far the update is", error)),
        }
    }

    /// On disk, in whole.
    pub fn write(&self, data: &Path) -> Result<(), Error> {
        let draft = folder(data).join("state.part");
        let bytes = serde_json::to_vec(self).map_err(|error| Error::internal("noting how far the update is", error))?;
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&draft)?;
            file.write_all(&bytes)?;
            // Whoever serves reads it, whatever the mask of whoever updates.
            file.set_permissions(fs::Permissions::from_mode(0o644))?;
            file.sync_all()?;
            fs::rename(&draft, path(data))?;
            File::open(folder(data))?.sync_all()
        };
        write().map_err(failed("noting how far the update is"))
    }

    /// Nothing is under way any more.
    pub fn end(data: &Path) -> Result<(), Error> {
        match fs::remove_file(path(data)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("ending the update")(error)),
            _ => Ok(()),
        }
    }

    /// Whether the old program lies in its place. Where that cannot be told, nothing is put back: the data go with whatever serves them.
    pub fn is_old(&self) -> bool {
        match hash_of_file(&self.program) {
            Ok(hash) => hash == self.old,
            Err(error) => {
                tracing::error!(%error, "which program lies there cannot be told");
                false
            }
        }
    }
}

/// Goes on with what was cut short; called before the data are opened by anybody. Answers what was done.
pub fn resume(data: &Path) -> Result<Option<&'static str>, Error> {
    let Some(state) = State::read(data)? else { return Ok(None) };
    match (state.step, state.is_old()) {
        // Before the program was changed, nothing else was.
        (Step::Trying, true) => {
            State::end(data)?;
            Ok(Some("an update was cut short before it changed anything"))
        }
        (Step::Trying, false) => Ok(None),
        (Step::Restoring, true) => {
            put_back(data)?;
            State::end(data)?;
            Ok(Some("an update that was not well was taken back: the data are as they were before it"))
        }
        // The new program still lies there, with its own data: that goes together.
        (Step::Restoring, false) => Ok(None),
    }
}

/// Puts the records back as they were. May be cut short anywhere, and done again.
pub fn put_back(data: &Path) -> Result<(), Error> {
    let (store, back, tried) = (data.join("store"), folder(data).join("store.back"), folder(data).join("store.tried"));
    let clear = |path: &Path| match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::internal(&format!("removing {}", path.display()), error))
        }
        _ => Ok(()),
    };
    clear(&back)?;
    store::restore(&snapshot(data), &[], &back)?;
    let moved = |from: &Path, to: &Path| {
        fs::rename(from, to).map_err(|error| Error::internal(&format!("moving {}", from.display()), error))
    };
    if store.exists() {
        clear(&tried)?;
        moved(&store, &tried)?;
    }
    moved(&back, &store)?;
    // An index of other records would hold their groups.
    clear(&data.join("search"))
}

//! The embedded engine: sled 0.34 as the applied view of the journal. The only file that names sled.
//!
//! sled's `flush` calls `sync_file_range`, which is no promise after a power cut, so its `db` file is synced here as well;
//! `conf` and the folders are synced once when they are made.

use crate::{
    Error, Order,
    engine::{Engine, Pairs},
    layer::Range,
};
use bytes::Bytes;
use std::fs::File;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// A sled database in a folder of its own.
pub struct Sled {
    db: sled::Db,
    folder: PathBuf,
}

fn failed(error: sled::Error) -> Error {
    Error::Engine(error.to_string())
}

impl Sled {
    /// Opens the folder, making it when it is not there. A damaged folder is an error, never a panic.
    pub fn open(folder: &Path, cache_bytes: u64) -> Result<Self, Error> {
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(cache_bytes)
            .flush_every_ms(None)
            .mode(sled::Mode::HighThroughput);
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
        let db = opened.map_err(|_| Error::Engine("sled panicked while opening".into()))?.map_err(failed)?;
        let engine = Self { db, folder: folder.to_owned() };
        engine.sync_file("conf")?;
        for dir in [Some(folder), folder.parent()].into_iter().flatten() {
            File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io("syncing the engine's folder"))?;
        }
        Ok(engine)
    }

    fn sync_file(&self, name: &str) -> Result<(), Error> {
        let path = self.folder.join(name);
        if !path.exists() {
            return Ok(());
        }
        File::open(path).and_then(|file| file.sync_data()).map_err(Error::io(format!("syncing the engine's {name}")))
    }
}

/// An owned bound that sled takes.
fn owned(bound: Bound<&[u8]>) -> Bound<Vec<u8>> {
    bound.map(<[u8]>::to_vec)
}

impl Engine for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let kept = self.db.get(key).map_err(failed)?;
        Ok(kept.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn range<'a>(&'a self, (low, high): Range<'_>, order: Order) -> Pairs<'a> {
        let found = self.db.range((owned(low), owned(high)));
        let pair = |kept: sled::Result<(sled::IVec, sled::IVec)>| {
            kept.map(|(key, value)| (Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value))).map_err(failed)
        };
        match order {
            Order::Ascending => Box::new(found.map(pair)),
            Order::Descending => Box::new(found.rev().map(pair)),
        }
    }

    fn apply(&self, changes: &mut dyn Iterator<Item = (&Bytes, &Option<Bytes>)>) -> Result<(), Error> {
        // Key by key: a batch would lock readers out for as long as it takes, and the journal makes atomicity here needless.
        for (key, value) in changes {
            match value {
                Some(value) => self.db.insert(key, value.as_ref()),
                None => self.db.remove(key),
            }
            .map_err(failed)?;
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        self.db.flush().map_err(failed)?;
        self.sync_file("db")
    }
}

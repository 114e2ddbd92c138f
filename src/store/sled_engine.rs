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
    /// Holds the mark alone, so that it is not among the keys.
    mark: sled::Tree,
    folder: PathBuf,
}

/// Name and only key of the tree with the mark.
const MARK: &str = "mark";

/// Calls sled. It panics where it meets damage that it did not expect; that is an error like others.
fn ask<T>(doing: &str, f: impl FnOnce() -> sled::Result<T>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(answer) => answer.map_err(|error| Error::Engine(format!("{doing}: {error}"))),
        Err(_) => Err(Error::Engine(format!("{doing}: sled panicked"))),
    }
}

impl Sled {
    /// Opens the folder, making it when it is not there. A damaged folder is an error, never a panic.
    pub fn open(folder: &Path, cache_bytes: u64) -> Result<Self, Error> {
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(cache_bytes)
            .flush_every_ms(None)
            .mode(sled::Mode::HighThroughput);
        let (db, mark) = ask("opening", || {
            let db = config.open()?;
            let mark = db.open_tree(MARK)?;
            Ok((db, mark))
        })?;
        let engine = Self { db, mark, folder: folder.to_owned() };
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

/// Goes over a range; an error ends it.
struct Going {
    range: Option<sled::Iter>,
    order: Order,
}

impl Iterator for Going {
    type Item = Result<(Bytes, Bytes), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let range = self.range.as_mut()?;
        let next = ask("reading", || match self.order {
            Order::Ascending => range.next().transpose(),
            Order::Descending => range.next_back().transpose(),
        });
        match next {
            Ok(kept) => kept.map(|(key, value)| Ok((Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value)))),
            Err(error) => {
                self.range = None;
                Some(Err(error))
            }
        }
    }
}

impl Engine for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let kept = ask("reading", || self.db.get(key))?;
        Ok(kept.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn range<'a>(&'a self, (low, high): Range<'_>, order: Order) -> Pairs<'a> {
        Box::new(Going { range: Some(self.db.range((owned(low), owned(high)))), order })
    }

    fn apply(&self, changes: &mut dyn Iterator<Item = (&Bytes, &Option<Bytes>)>) -> Result<(), Error> {
        // Key by key: a batch would lock readers out for as long as it takes, and the journal makes atomicity here needless.
        ask("writing", || {
            for (key, value) in changes {
                match value {
                    Some(value) => self.db.insert(key, value.as_ref())?,
                    None => self.db.remove(key)?,
                };
            }
            Ok(())
        })
    }

    fn sync(&self, sequence: u64) -> Result<(), Error> {
        ask("syncing", || {
            self.mark.insert(MARK, &sequence.to_be_bytes())?;
            self.db.flush().map(|_| ())
        })?;
        self.sync_file("db")
    }

    fn synced(&self) -> Result<u64, Error> {
        let mark = ask("reading", || self.mark.get(MARK))?;
        Ok(mark.and_then(|mark| mark.as_ref().try_into().ok()).map_or(0, u64::from_be_bytes))
    }
}

//! The checkpoint file: up to which group the engine is on disk, and whether its files can be believed. Kept by the applier.
//!
//! sled 0.34 promises nothing about writes that a power cut interrupts. So before the engine is first written to after a
//! checkpoint, that is noted with the kernel's boot id; a store that is opened with such a note under another boot id does
//! not believe the engine but makes it anew from the newest snapshot and the journal.

use crate::{
    Error,
    disk::{Disk, Folder},
    engine::Engine,
    layer::{Layers, Map},
    snapshot,
};
use std::io::ErrorKind;
use std::sync::Arc;

/// What the engine's files are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Exactly the checkpoint's state, on disk.
    Clean,
    /// Written to since, under this boot id.
    Dirty(String),
    /// Nothing: it is being made anew.
    Void,
    /// Nothing: a program before version 2 of this file kept every key as an entry of sled's.
    Old,
}

/// The content of the checkpoint file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// Every group up to this one is in the engine and on disk.
    pub sequence: u64,
    pub trust: Trust,
}

impl State {
    pub(crate) fn text(&self) -> String {
        let trust = match &self.trust {
            Trust::Clean => "clean",
            Trust::Dirty(boot) => &format!("dirty {boot}"),
            Trust::Void => "void",
            Trust::Old => "old",
        };
        let line = format!("huiguan checkpoint 2 {} {trust}", self.sequence);
        format!("{line} {:08x}\n", crc32fast::hash(line.as_bytes()))
    }

    fn parse(text: &str) -> Option<Self> {
        let (line, sum) = text.strip_suffix('\n')?.rsplit_once(' ')?;
        if u32::from_str_radix(sum, 16).ok()? != crc32fast::hash(line.as_bytes()) {
            return None;
        }
        let (version, line) = line.strip_prefix("huiguan checkpoint ")?.split_once(' ')?;
        let mut words = line.split(' ');
        let sequence = words.next()?.parse().ok()?;
        let trust = match (words.next()?, words.next()) {
            ("clean", None) => Trust::Clean,
            ("dirty", Some(boot)) => Trust::Dirty(boot.to_owned()),
            ("void", None) => Trust::Void,
            ("old", None) => Trust::Old,
            _ => return None,
        };
        let trust = match (version, trust) {
            ("1", Trust::Clean | Trust::Dirty(_)) => Trust::Old,
            ("1" | "2", trust) => trust,
            _ => return None,
        };
        Some(Self { sequence, trust })
    }

    /// Reads the file; none when there is no sound one.
    pub(crate) fn read(disk: &dyn Disk, folder: &Folder) -> Result<Result<Self, &'static str>, Error> {
        match disk.read(&folder.checkpoint()) {
            Ok(bytes) => {
                Ok(std::str::from_utf8(&bytes).ok().and_then(Self::parse).ok_or("the checkpoint file is damaged"))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Err("there is no checkpoint file")),
            Err(error) => Err(Error::io("reading the checkpoint")(error)),
        }
    }
}

/// Keeps the checkpoint file, and takes snapshots so that old journal segments can go.
pub(crate) struct Keeper {
    pub disk: Arc<dyn Disk>,
    pub folder: Folder,
    pub engine: Arc<dyn Engine>,
    /// The kernel's boot id; none where it is not known, and a dirty engine is never believed.
    pub boot: Option<String>,
    pub state: State,
    /// Sequence of the newest snapshot; 0 stands for the empty store.
    pub snapshot: u64,
}

impl Keeper {
    fn save(&mut self, state: State) -> Result<(), Error> {
        let saved = self.disk.replace(&self.folder.checkpoint(), state.text().as_bytes());
        saved.map_err(Error::io("writing the checkpoint"))?;
        self.state = state;
        Ok(())
    }

    /// Applies changes, having noted that the engine is written to.
    pub(crate) fn apply(&mut self, changes: &Map) -> Result<(), Error> {
        if self.state.trust == Trust::Clean {
            let boot = self.boot.clone().unwrap_or_else(|| "unknown".into());
            self.save(State { sequence: self.state.sequence, trust: Trust::Dirty(boot) })?;
        }
        self.engine.apply(&mut changes.iter())
    }

    /// Everything up to `sequence` was applied: syncs it and says so.
    pub(crate) fn checkpoint(&mut self, sequence: u64) -> Result<(), Error> {
        let state = State { sequence, trust: Trust::Clean };
        if self.state == state {
            return Ok(());
        }
        self.engine.sync(sequence)?;
        self.save(state)
    }

    /// Writes a snapshot of the engine, which stands exactly at `sequence`, and removes older ones.
    pub(crate) fn snapshot(&mut self, sequence: u64) -> Result<u64, Error> {
        let dir = self.folder.snapshot();
        let layers = Layers { fresh: [None, None], maps: [None, None], engine: self.engine.as_ref(), cache: None };
        let written = snapshot::write(self.disk.as_ref(), &layers, sequence, &dir.join(snapshot::file_name(sequence)))?;
        snapshot::check(self.disk.as_ref(), &written.path)?;
        for (older, path) in snapshot::list(self.disk.as_ref(), &dir)? {
            if older < sequence {
                self.disk.remove(&path).map_err(Error::io("removing an old snapshot"))?;
            }
        }
        self.snapshot = sequence;
        Ok(written.bytes)
    }

    /// Bytes of the newest snapshot; 0 without one.
    pub(crate) fn snapshot_bytes(&self) -> u64 {
        let path = self.folder.snapshot().join(snapshot::file_name(self.snapshot));
        if self.snapshot == 0 { 0 } else { self.disk.len(&path).unwrap_or(0) }
    }

    /// Journal frames up to here are needed neither for opening nor for making the engine anew.
    pub(crate) fn spare(&self) -> u64 {
        self.state.sequence.min(self.snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_back_and_every_flipped_bit_is_noticed() {
        for trust in [Trust::Clean, Trust::Dirty("5f-1".into()), Trust::Void, Trust::Old] {
            let state = State { sequence: 81, trust };
            let text = state.text();
            assert_eq!(State::parse(&text), Some(state.clone()));
            for bit in 0..text.len() * 8 {
                let mut bent = text.clone().into_bytes();
                bent[bit / 8] ^= 1 << (bit % 8);
                let read = std::str::from_utf8(&bent).ok().and_then(State::parse);
                assert!(read.is_none_or(|read| read == state), "bit {bit}");
            }
        }
    }

    #[test]
    fn what_an_older_program_left_is_known_and_not_believed() {
        let parse = |line: &str| State::parse(&format!("{line} {:08x}\n", crc32fast::hash(line.as_bytes())));
        for (said, trust) in [("clean", Trust::Old), ("dirty 5f-1", Trust::Old), ("void", Trust::Void)] {
            assert_eq!(parse(&format!("huiguan checkpoint 1 81 {said}")), Some(State { sequence: 81, trust }));
        }
        assert_eq!(parse("huiguan checkpoint 3 81 clean"), None);
    }
}

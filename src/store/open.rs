//! Opening: the lock, the checkpoint, whether the engine is believed or made anew, and replaying the journal.

use crate::{
    Error,
    applier::Limits,
    checkpoint::{Keeper, State, Trust},
    disk::{Disk, Folder, RealDisk},
    engine::Engine,
    handle::Start,
    journal::{Journal, Replayed, Tail, replay},
    layer::Map,
    sled_engine::Sled,
    snapshot,
    writer::Space,
};
use bytes::Bytes;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a store is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data folder; the store's own subfolders are made in it.
    pub folder: PathBuf,
    /// Size of a journal segment.
    pub segment_bytes: u64,
    /// sled's cache; it takes several times as much memory.
    pub cache_bytes: u64,
    /// A checkpoint is made after so many bytes of journal, and whenever nothing is to be done.
    pub checkpoint_bytes: u64,
    /// When more journal than this is kept, a snapshot is taken in its place.
    pub retain_bytes: u64,
    /// Space on the disk that writes must leave free.
    pub reserve_bytes: u64,
    /// Make the engine anew from snapshot and journal, whatever state it is in: when reading it gives errors.
    pub rebuild: bool,
    /// Cut off a damaged last frame of the journal even if it is not how a power cut leaves one. What was answered for it is lost.
    pub cut_damaged_tail: bool,
}

impl Options {
    /// The defaults for a small box.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            segment_bytes: 8 << 20,
            cache_bytes: 16 << 20,
            checkpoint_bytes: 64 << 20,
            retain_bytes: 256 << 20,
            reserve_bytes: 64 << 20,
            rebuild: false,
            cut_damaged_tail: false,
        }
    }
}

/// What opening found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opened {
    /// The store is new.
    pub fresh: bool,
    /// Sequence number of the newest group.
    pub sequence: u64,
    /// Groups replayed from the journal.
    pub replayed: u64,
    /// A group that was being written when the power went, and that nobody was answered for, was cut off.
    pub torn: bool,
    /// Why the engine was made anew from snapshot and journal.
    pub rebuilt: Option<String>,
    /// Sequence number of the snapshot that it was made from; 0 for none.
    pub snapshot: u64,
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fresh {
            return write!(f, "new store");
        }
        write!(f, "store at group {}, {} replayed", self.sequence, self.replayed)?;
        if self.torn {
            write!(f, ", an unanswered torn group cut off")?;
        }
        match &self.rebuilt {
            Some(why) => write!(f, ", engine made anew from snapshot {} and the journal ({why})", self.snapshot),
            None => Ok(()),
        }
    }
}

/// What a store stands on: the real thing, or a recorded one in tests.
pub(crate) trait Base {
    fn disk(&self) -> Arc<dyn Disk>;
    /// Keeps others out as long as the answer lives.
    fn lock(&self, folder: &Folder) -> Result<Box<dyn Send + Sync>, Error>;
    /// Opens the engine, making it when it is not there.
    fn engine(&self, folder: &Folder) -> Result<Arc<dyn Engine>, Error>;
    /// True when the engine has files.
    fn has_engine(&self, folder: &Folder) -> bool;
    /// Removes the engine's files.
    fn wipe(&self, folder: &Folder) -> Result<(), Error>;
    /// The kernel's boot id.
    fn boot(&self) -> Option<String>;
}

/// How often a lock that somebody holds is tried, and how long is waited in between: a second in all.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// The operating system's disk and sled.
pub(crate) struct RealBase {
    cache_bytes: u64,
}

impl RealBase {
    pub(crate) fn new(options: &Options) -> Self {
        Self { cache_bytes: options.cache_bytes }
    }
}

impl Base for RealBase {
    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(RealDisk)
    }

    fn lock(&self, folder: &Folder) -> Result<Box<dyn Send + Sync>, Error> {
        let open = File::options().create(true).append(true).open(folder.lock());
        let file = open.map_err(Error::io("opening the lock file"))?;
        // Whoever ends just now, or a child that such a one is starting, may hold it for a moment.
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(Box::new(file)),
                Err(TryLockError::WouldBlock) => std::thread::park_timeout(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(Error::io("locking the data folder")(error)),
            }
        }
        Err(Error::Locked(folder.0.clone()))
    }

    fn engine(&self, folder: &Folder) -> Result<Arc<dyn Engine>, Error> {
        Ok(Arc::new(Sled::open(&folder.engine(), self.cache_bytes)?))
    }

    fn has_engine(&self, folder: &Folder) -> bool {
        folder.engine().exists()
    }

    fn wipe(&self, folder: &Folder) -> Result<(), Error> {
        let path = folder.engine();
        if !path.exists() {
            return Ok(());
        }
        fs::remove_dir_all(&path).map_err(Error::io("removing the damaged engine"))?;
        RealDisk.sync_dir(&folder.0).map_err(Error::io("removing the damaged engine"))
    }

    fn boot(&self) -> Option<String> {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(text.trim().to_owned()).filter(|id| !id.is_empty() && !id.contains(' '))
    }
}

/// Replayed changes are applied when they take this many bytes.
const BATCH_BYTES: usize = 8 << 20;

/// Gathers changes for the engine.
struct Batch<'a> {
    keeper: &'a mut Keeper,
    map: Map,
    bytes: usize,
}

impl Batch<'_> {
    fn add(&mut self, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), Error> {
        for (key, value) in changes {
            self.bytes += key.len() + value.as_ref().map_or(0, Vec::len) + 64;
            self.map.insert(Bytes::from(key), value.map(Bytes::from));
        }
        if self.bytes >= BATCH_BYTES { self.finish() } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.bytes = 0;
        let map = std::mem::take(&mut self.map);
        if map.is_empty() { Ok(()) } else { self.keeper.apply(&map) }
    }
}

/// The engine as it was found, or the reason to make it anew.
fn believed(base: &dyn Base, folder: &Folder, state: &Result<State, &'static str>) -> Result<Arc<dyn Engine>, String> {
    let state = state.as_ref().map_err(|why| (*why).to_owned())?;
    match &state.trust {
        Trust::Void => return Err("it was being made anew before".into()),
        Trust::Old => return Err("an older program kept it in another form".into()),
        Trust::Dirty(boot) if base.boot().as_ref() != Some(boot) => {
            return Err("the machine went down while it was written to".into());
        }
        Trust::Dirty(_) | Trust::Clean => {}
    }
    if !base.has_engine(folder) {
        return Err("it is missing".into());
    }
    let engine = base.engine(folder).map_err(|error| error.to_string())?;
    let synced = engine.synced().map_err(|error| error.to_string())?;
    if synced < state.sequence {
        return Err(format!("it stands at group {synced}, before the checkpoint at {}", state.sequence));
    }
    Ok(engine)
}

/// Opens everything; nothing is started yet.
pub(crate) fn open(options: &Options, base: &dyn Base) -> Result<(Start, Opened), Error> {
    let (disk, folder) = (base.disk(), Folder(options.folder.clone()));
    for dir in [&folder.0, &folder.journal(), &folder.snapshot()] {
        disk.make_dir(dir).map_err(Error::io("making the data folder"))?;
    }
    let lock = base.lock(&folder)?;
    remove_drafts(disk.as_ref(), &folder);
    let state = State::read(disk.as_ref(), &folder)?;
    let snapshots = snapshot::list(disk.as_ref(), &folder.snapshot())?;
    let tail = if options.cut_damaged_tail { Tail::Cut } else { Tail::Strict };
    let found = if options.rebuild { Err("as asked".into()) } else { believed(base, &folder, &state) };
    let (mut keeper, mut opened, read) = match found {
        Ok(engine) => resume(base, &folder, engine, state, &snapshots, tail)?,
        Err(why) => rebuild(base, &folder, state, why, &snapshots, tail)?,
    };
    let journal = Journal::resume(disk.clone(), &folder, options.segment_bytes, &read)?;
    opened.torn = read.torn;
    opened.replayed = read.frames;
    opened.sequence = read.last;
    if opened.fresh || opened.rebuilt.is_some() {
        keeper.checkpoint(read.last)?;
    }
    let limits = Limits {
        checkpoint_bytes: options.checkpoint_bytes,
        retain_bytes: options.retain_bytes,
        reserve_bytes: options.reserve_bytes,
    };
    let place = Some((disk.clone(), folder.clone()));
    let space = Some(Space::new(disk, folder, options.reserve_bytes));
    let engine = keeper.engine.clone();
    let start = Start {
        engine,
        journal: Some(journal),
        keeper: Some(keeper),
        space,
        sequence: read.last,
        limits,
        place,
        lock: Some(lock),
    };
    Ok((start, opened))
}

type Prepared = (Keeper, Opened, Replayed);

/// The engine is believed: replays what came after its checkpoint.
fn resume(
    base: &dyn Base,
    folder: &Folder,
    engine: Arc<dyn Engine>,
    state: Result<State, &'static str>,
    snapshots: &[(u64, PathBuf)],
    tail: Tail,
) -> Result<Prepared, Error> {
    let state = state.map_err(|why| Error::Engine(why.to_owned()))?;
    let (after, snapshot) = (state.sequence, snapshots.last().map_or(0, |(sequence, _)| *sequence));
    let disk = base.disk();
    let mut keeper = Keeper { disk: disk.clone(), folder: folder.clone(), engine, boot: base.boot(), state, snapshot };
    let mut batch = Batch { keeper: &mut keeper, map: Map::new(), bytes: 0 };
    let read = replay(disk.as_ref(), folder, after, tail, |_, changes| batch.add(changes))?;
    batch.finish()?;
    no_less_than(&read, after, snapshot, true)?;
    Ok((keeper, Opened { snapshot: 0, ..Opened::default() }, read))
}

/// The engine is not believed, or there is none yet: makes it from the newest sound snapshot and the journal behind it.
fn rebuild(
    base: &dyn Base,
    folder: &Folder,
    state: Result<State, &'static str>,
    why: String,
    snapshots: &[(u64, PathBuf)],
    tail: Tail,
) -> Result<Prepared, Error> {
    let disk = base.disk();
    let names = disk.list(&folder.journal()).map_err(Error::io("listing the journal"))?;
    let fresh = state.is_err() && names.is_empty() && snapshots.is_empty() && !base.has_engine(folder);
    let newest = newest_sound(disk.as_ref(), snapshots)?;
    let after = newest.map_or(0, |(sequence, _)| *sequence);
    // The journal is read before anything is thrown away: when it is damaged, everything stays as it is.
    let checked = replay(disk.as_ref(), folder, after, tail, |_, _| Ok(()))?;
    no_less_than(&checked, after, after, state.is_ok_and(|state| state.trust != Trust::Void))?;
    let state = State { sequence: 0, trust: Trust::Void };
    if !fresh {
        disk.replace(&folder.checkpoint(), state.text().as_bytes()).map_err(Error::io("writing the checkpoint"))?;
    }
    base.wipe(folder)?;
    let engine = base.engine(folder)?;
    let mut keeper =
        Keeper { disk: disk.clone(), folder: folder.clone(), engine, boot: base.boot(), state, snapshot: after };
    let mut batch = Batch { keeper: &mut keeper, map: Map::new(), bytes: 0 };
    if let Some((_, path)) = newest {
        snapshot::read(disk.as_ref(), path, |chunk| batch.add(chunk))?;
    }
    let read = replay(disk.as_ref(), folder, after, tail, |_, changes| batch.add(changes))?;
    batch.finish()?;
    let rebuilt = if fresh { None } else { Some(why) };
    Ok((keeper, Opened { fresh, rebuilt, snapshot: after, ..Opened::default() }, read))
}

/// A journal without frames is right only in a store that has none yet, or that was restored and not written to since.
fn no_less_than(read: &Replayed, after: u64, snapshot: u64, journal_was_made: bool) -> Result<(), Error> {
    let gone = (read.empty && after > snapshot) || (journal_was_made && read.segments.is_empty());
    if !gone {
        return Ok(());
    }
    Err(Error::Journal {
        segment: "the journal".into(),
        offset: 0,
        why: format!("it is missing; groups up to {after} were kept"),
    })
}

/// The newest snapshot that is sound. A damaged one is passed over when an older one is there; the journal then shows the gap, if any.
fn newest_sound<'a>(disk: &dyn Disk, snapshots: &'a [(u64, PathBuf)]) -> Result<Option<&'a (u64, PathBuf)>, Error> {
    let mut failure = None;
    for kept in snapshots.iter().rev() {
        match snapshot::check(disk, &kept.1) {
            Ok((sequence, _)) if sequence == kept.0 => return Ok(Some(kept)),
            Ok(_) => {
                failure = Some(Error::Snapshot { path: kept.1.clone(), why: "it is named after another group".into() })
            }
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(None), Err)
}

/// Removes files that were being made when the store ended.
fn remove_drafts(disk: &dyn Disk, folder: &Folder) {
    for dir in [&folder.0, &folder.journal(), &folder.snapshot()] {
        let drafts = disk.list(dir).unwrap_or_default().into_iter().filter(|name| name.ends_with(".part"));
        for path in drafts.map(|name| Path::join(dir, name)) {
            if let Err(error) = disk.remove(&path) {
                tracing::warn!(path = %path.display(), %error, "a half-made file stays");
            }
        }
    }
}

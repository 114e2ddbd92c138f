//! A disk in memory that records what is done to it, and builds the state it could be in when the power goes after any step:
//! what was synced is there; what was not may be there, missing, or there in part, sector by sector and in any order.

use crate::{
    Error, Order,
    disk::{Disk, DiskFile, Folder},
    engine::{Engine, Memory, Pairs},
    journal::{decode, encode},
    layer::{Change, Layers, Range},
    open::Base,
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, ErrorKind, Read};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// One step.
#[derive(Debug, Clone)]
pub enum Op {
    Link {
        path: PathBuf,
        inode: usize,
    },
    Write {
        inode: usize,
        offset: u64,
        bytes: Vec<u8>,
    },
    Sync {
        inode: usize,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
        inode: usize,
    },
    Remove {
        path: PathBuf,
    },
    SyncDir {
        path: PathBuf,
    },
    /// Not a step on the disk: the test was told that this number is kept.
    Told(u64),
}

/// What the running store sees.
#[derive(Debug, Default, Clone)]
struct Live {
    dirs: BTreeSet<PathBuf>,
    names: BTreeMap<PathBuf, usize>,
    inodes: Vec<Vec<u8>>,
    /// Where recording began.
    before: Option<Box<Live>>,
    trace: Vec<Op>,
}

/// Done once, when a folder was listed and nothing of it was read yet.
type Between = Box<dyn FnOnce() + Send>;

#[derive(Default)]
pub struct Shared {
    live: Mutex<Live>,
    between: Mutex<Option<Between>>,
    pub free: AtomicU64,
    pub fail_sync: AtomicBool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.live.fmt(f)
    }
}

/// The disk; clones are the same disk.
#[derive(Debug, Clone)]
pub struct FakeDisk(pub Arc<Shared>);

struct FakeFile {
    disk: FakeDisk,
    inode: usize,
}

fn missing() -> io::Error {
    ErrorKind::NotFound.into()
}

fn write(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (from, to) = (offset as usize, offset as usize + bytes.len());
    if content.len() < to {
        content.resize(to, 0);
    }
    content[from..to].copy_from_slice(bytes);
}

impl Live {
    fn inode(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(missing)
    }

    fn act(&mut self, op: Op) {
        match &op {
            Op::Link { path, inode } => {
                self.names.insert(path.clone(), *inode);
            }
            Op::Write { inode, offset, bytes } => write(&mut self.inodes[*inode], *offset, bytes),
            Op::Rename { from, to, inode } => {
                self.names.remove(from);
                self.names.insert(to.clone(), *inode);
            }
            Op::Remove { path } => {
                self.names.remove(path);
            }
            Op::Sync { .. } | Op::SyncDir { .. } | Op::Told(_) => {}
        }
        self.trace.push(op);
    }
}

impl FakeDisk {
    pub fn new() -> Self {
        Self::on(Live::default())
    }

    fn on(live: Live) -> Self {
        let live = Live { before: Some(Box::new(Live { before: None, ..live.clone() })), trace: Vec::new(), ..live };
        let shared = Shared { live: Mutex::new(live), free: AtomicU64::new(1 << 40), ..Shared::default() };
        Self(Arc::new(shared))
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.0.live.lock().unwrap()
    }

    /// What happens when a folder is listed next, before anything of it is read.
    pub fn between(&self, happens: impl FnOnce() + Send + 'static) {
        *self.0.between.lock().unwrap() = Some(Box::new(happens));
    }

    pub fn told(&self, number: u64) {
        self.live().act(Op::Told(number));
    }

    pub fn names(&self) -> Vec<PathBuf> {
        self.live().names.keys().cloned().collect()
    }

    /// Another disk with the same files, of which one is changed, or gone when `f` says so.
    pub fn bent(&self, path: &Path, f: impl FnOnce(&mut Vec<u8>) -> bool) -> Self {
        let live = self.live();
        let mut state = Live { before: None, trace: Vec::new(), ..live.clone() };
        drop(live);
        let inode = state.names[path];
        if !f(&mut state.inodes[inode]) {
            state.names.remove(path);
        }
        Self::on(state)
    }

    pub fn steps(&self) -> usize {
        self.live().trace.len()
    }

    /// Syncs of files by the name that they had then.
    pub fn syncs(&self, suffix: &str) -> u64 {
        let live = self.live();
        let mut names: BTreeMap<usize, PathBuf> = BTreeMap::new();
        let mut count = 0;
        for op in &live.trace {
            match op {
                Op::Link { path, inode } | Op::Rename { to: path, inode, .. } => {
                    names.insert(*inode, path.clone());
                }
                Op::Sync { inode } => count += u64::from(names[inode].to_string_lossy().ends_with(suffix)),
                _ => {}
            }
        }
        count
    }

    /// A description of the steps around `cut`, for messages.
    pub fn around(&self, cut: usize) -> Vec<String> {
        let live = self.live();
        let line = |op: &Op| match op {
            Op::Write { inode, offset, bytes } => format!("write {inode} at {offset}, {} bytes", bytes.len()),
            other => format!("{other:?}"),
        };
        live.trace.iter().take(cut).skip(cut.saturating_sub(12)).map(line).collect()
    }

    /// The disk as it could be when the power goes after `cut` steps, and what had been told by then.
    pub fn cut(&self, cut: usize, dice: &mut Dice) -> (Self, Vec<u64>) {
        let live = self.live();
        let mut state = *live.before.clone().unwrap();
        state.inodes.resize(live.inodes.len(), Vec::new());
        let mut told = Vec::new();
        let mut loose: Vec<Vec<(u64, &[u8])>> = vec![Vec::new(); live.inodes.len()];
        let mut renames: Vec<&Op> = Vec::new();
        for op in live.trace.iter().take(cut) {
            match op {
                Op::Write { inode, offset, bytes } => loose[*inode].push((*offset, bytes)),
                Op::Sync { inode } => {
                    for (offset, bytes) in std::mem::take(&mut loose[*inode]) {
                        write(&mut state.inodes[*inode], offset, bytes);
                    }
                }
                Op::SyncDir { path } => {
                    let (synced, rest) = renames.into_iter().partition(|op| dir_of(op) == Some(path.as_path()));
                    renames = rest;
                    let synced: Vec<&Op> = synced;
                    synced.into_iter().for_each(|op| apply_name(&mut state.names, op));
                }
                Op::Told(number) => told.push(*number),
                name => renames.push(name),
            }
        }
        let (names, writes) = (dice.mode(), dice.mode());
        for op in renames {
            if dice.keeps(names) {
                apply_name(&mut state.names, op);
            }
        }
        for (inode, writes_of) in loose.into_iter().enumerate() {
            for (offset, bytes) in writes_of {
                tear(&mut state.inodes[inode], offset, bytes, writes, dice);
            }
        }
        state.dirs = live.dirs.clone();
        drop(live);
        (Self::on(state), told)
    }
}

/// Writes those sectors that made it.
fn tear(content: &mut Vec<u8>, offset: u64, bytes: &[u8], mode: Mode, dice: &mut Dice) {
    let mut at = 0;
    while at < bytes.len() {
        let to = (512 - (offset as usize + at) % 512 + at).min(bytes.len());
        if dice.keeps(mode) {
            write(content, offset + at as u64, &bytes[at..to]);
        }
        at = to;
    }
}

fn dir_of(op: &Op) -> Option<&Path> {
    match op {
        Op::Link { path, .. } | Op::Remove { path } | Op::Rename { to: path, .. } => path.parent(),
        _ => None,
    }
}

fn apply_name(names: &mut BTreeMap<PathBuf, usize>, op: &Op) {
    match op {
        Op::Link { path, inode } => {
            names.insert(path.clone(), *inode);
        }
        Op::Rename { from, to, inode } => {
            names.remove(from);
            names.insert(to.clone(), *inode);
        }
        Op::Remove { path } => {
            names.remove(path);
        }
        _ => {}
    }
}

/// How much of what was not synced is there.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    All,
    Nothing,
    Some,
}

/// A seeded splitmix64 stream.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }

    fn mode(&mut self) -> Mode {
        [Mode::All, Mode::Nothing, Mode::Some, Mode::Some][self.below(4)]
    }

    fn keeps(&mut self, mode: Mode) -> bool {
        match mode {
            Mode::All => true,
            Mode::Nothing => false,
            Mode::Some => self.roll() & 1 == 0,
        }
    }
}

impl Disk for FakeDisk {
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.live().dirs.insert(path.to_owned());
        Ok(())
    }

    fn create(&self, path: &Path, len: u64) -> io::Result<Box<dyn DiskFile>> {
        if self.0.free.load(Ordering::SeqCst) < len {
            return Err(ErrorKind::StorageFull.into());
        }
        let mut live = self.live();
        let inode = live.inodes.len();
        live.inodes.push(Vec::new());
        live.act(Op::Link { path: path.to_owned(), inode });
        live.act(Op::Write { inode, offset: 0, bytes: vec![0; len as usize] });
        live.act(Op::Sync { inode });
        Ok(Box::new(FakeFile { disk: self.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.live().inode(path)?;
        Ok(Box::new(FakeFile { disk: self.clone(), inode }))
    }

    fn reader(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        let live = self.live();
        let inode = live.inode(path)?;
        Ok(Box::new(Cursor::new(live.inodes[inode].clone())))
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        let live = self.live();
        Ok(live.inodes[live.inode(path)?].len() as u64)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut live = self.live();
        let inode = live.inode(from)?;
        live.act(Op::Rename { from: from.to_owned(), to: to.to_owned(), inode });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut live = self.live();
        live.inode(path)?;
        live.act(Op::Remove { path: path.to_owned() });
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.live().act(Op::SyncDir { path: path.to_owned() });
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let live = self.live();
        let inside = live.names.keys().filter(|name| name.parent() == Some(path));
        let found = inside.map(|name| name.file_name().unwrap().to_string_lossy().into_owned()).collect();
        drop(live);
        let between = self.0.between.lock().unwrap().take();
        if let Some(happens) = between {
            happens();
        }
        Ok(found)
    }

    fn free(&self, _: &Path) -> io::Result<u64> {
        Ok(self.0.free.load(Ordering::SeqCst))
    }
}

impl DiskFile for FakeFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.live().act(Op::Write { inode: self.inode, offset, bytes: bytes.to_vec() });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        if self.disk.0.fail_sync.load(Ordering::SeqCst) {
            return Err(io::Error::other("made to fail"));
        }
        self.disk.live().act(Op::Sync { inode: self.inode });
        Ok(())
    }
}

fn sum(mark: u64, payload: &[u8]) -> u64 {
    u64::from(crc32fast::hash(payload)) ^ mark.rotate_left(32)
}

/// Everything in memory; its image is on the disk. As soon as it is written to, the image on the disk looks sound and is wrong,
/// which is the worst that an engine could do.
pub struct ImageEngine {
    disk: FakeDisk,
    path: PathBuf,
    map: Memory,
    mark: AtomicU64,
}

impl ImageEngine {
    fn open(disk: FakeDisk, folder: &Folder) -> Result<Self, Error> {
        let engine =
            Self { path: folder.engine().join("image"), disk, map: Memory::default(), mark: AtomicU64::new(0) };
        if engine.disk.live().names.contains_key(&engine.path) {
            let bytes = engine.disk.read(&engine.path).map_err(Error::io("reading the image"))?;
            let number = |at: usize| bytes.get(at..)?.first_chunk().map(|number| u64::from_le_bytes(*number));
            let cut = || Error::Engine("cut".into());
            engine.mark.store(number(8).ok_or_else(cut)?, Ordering::SeqCst);
            let payload = number(0).and_then(|length| bytes.get(24..24 + length as usize)).ok_or_else(cut)?;
            if number(16) != Some(sum(engine.mark.load(Ordering::SeqCst), payload)) {
                return Err(cut());
            }
            let list = decode(payload).map_err(Error::Engine)?;
            let list: Vec<_> =
                list.into_iter().map(|(key, value)| (Bytes::from(key), value.map(Bytes::from))).collect();
            engine.map.apply(&mut list.iter().map(|(key, value)| (key, value)))?;
        }
        Ok(engine)
    }

    fn image(&self, keep: impl Fn(usize) -> bool) -> Vec<u8> {
        let layers = Layers { fresh: [None, None], maps: [None, None], engine: &self.map, cache: None };
        let all = layers.range((Bound::Unbounded, Bound::Unbounded), Order::Ascending);
        let list: Vec<_> = all.map(|kept| kept.unwrap()).map(|(key, value)| (key, Some(value))).collect();
        let kept = list.iter().enumerate().filter(|(at, _)| keep(*at)).map(|(_, (key, value))| (key, value));
        let payload = encode(kept).unwrap();
        let mark = self.mark.load(Ordering::SeqCst);
        let head = [payload.len() as u64, mark, sum(mark, &payload)].map(u64::to_le_bytes).concat();
        [head, payload].concat()
    }
}

impl Engine for ImageEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        self.map.get(key)
    }

    fn range<'a>(&'a self, range: Range<'_>, order: Order) -> Pairs<'a> {
        self.map.range(range, order)
    }

    fn apply<'a>(&self, changes: &mut dyn Iterator<Item = Change<'a>>) -> Result<(), Error> {
        self.map.apply(changes)?;
        let wrong = self.image(|at| at % 3 != 0);
        let file = self.disk.open(&self.path).or_else(|_| self.disk.create(&self.path, 0));
        file.and_then(|file| file.write_at(&wrong, 0)).map_err(Error::io("spoiling the image"))
    }

    fn sync(&self, sequence: u64) -> Result<(), Error> {
        self.mark.store(sequence, Ordering::SeqCst);
        self.disk.replace(&self.path, &self.image(|_| true)).map_err(Error::io("writing the image"))
    }

    fn synced(&self) -> Result<u64, Error> {
        Ok(self.mark.load(Ordering::SeqCst))
    }
}

/// A store on the recorded disk. Each time it is opened the machine was started anew.
pub struct FakeBase(pub FakeDisk, pub u64);

impl Base for FakeBase {
    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.0.clone())
    }

    fn lock(&self, _: &Folder) -> Result<Box<dyn Send + Sync>, Error> {
        Ok(Box::new(()))
    }

    fn engine(&self, folder: &Folder) -> Result<Arc<dyn Engine>, Error> {
        Ok(Arc::new(ImageEngine::open(self.0.clone(), folder)?))
    }

    fn has_engine(&self, folder: &Folder) -> bool {
        self.0.live().names.contains_key(&folder.engine().join("image"))
    }

    fn wipe(&self, folder: &Folder) -> Result<(), Error> {
        if self.has_engine(folder) {
            self.0.remove(&folder.engine().join("image")).map_err(Error::io("wiping"))?;
        }
        self.0.sync_dir(&folder.engine()).map_err(Error::io("wiping"))
    }

    fn boot(&self) -> Option<String> {
        Some(self.1.to_string())
    }
}

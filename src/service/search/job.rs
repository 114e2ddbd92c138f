//! Keeps the index: takes committed changes in on a thread of the lowest priority, goes on where the index stood after a crash, builds a
//! new one beside the old when it must, and notices damage.

use super::{
    inbox::{Inbox, Stale, key_of},
    kind::{Kind, Making},
};
use crate::{Ctx, Error};
use data_encoding::HEXLOWER;
use domain::SpaceId;
use ring::digest::{Context, SHA256};
use search::{Change, Damage, Index, Key, Use};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use store::{Read, Store, View};
use tokio::sync::watch;

/// How far the keeping steps back behind everything else: as far as the store's own background work. Farther back it would stand still on a
/// box that is busy, and a change would not be found within its second.
const NICE: i32 = 10;
/// How far the building of a whole new index steps back: as far as there is. The index in use goes on meanwhile.
const BUILD_NICE: i32 = 19;
/// Changes that come within this time are taken in together.
const GATHER: Duration = Duration::from_millis(120);
/// Records taken in with one commit of the index.
const BATCH: usize = 4_000;
/// How often the position is written when nothing changed that is searched.
const IDLE: Duration = Duration::from_secs(20);
/// For how long nobody needed the dictionary when it is let go.
const REST: Duration = Duration::from_secs(180);

/// How the building of an index goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Records taken in.
    pub done: u64,
    /// Records there are, about.
    pub all: u64,
    /// Since when, by the machine's own clock.
    pub since: Instant,
}

impl Progress {
    /// Records a second, and seconds left.
    pub fn rate(&self) -> (u64, u64) {
        let seconds = self.since.elapsed().as_secs_f64().max(0.001);
        let rate = (self.done as f64 / seconds) as u64;
        (rate, self.all.saturating_sub(self.done) / rate.max(1))
    }
}

/// How the index is.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Searching works.
    pub ready: bool,
    /// A new one is being built.
    pub building: Option<Progress>,
    /// Entries in it.
    pub entries: u64,
    /// Its bytes on disk.
    pub bytes: u64,
    /// Changes that are not in it yet.
    pub waiting: usize,
    /// The store's group that it holds.
    pub position: u64,
    /// Why it was built anew last, for the log and the page.
    pub why: Option<String>,
    /// Why building it failed, if it did.
    pub failed: Option<String>,
}

/// The index with whoever keeps it.
#[derive(Default)]
pub struct Keeper {
    pub(super) inbox: Arc<Inbox>,
    index: RwLock<Option<Arc<Index>>>,
    state: Mutex<State>,
    settled: OnceSettled,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// A new index without a folder, until it is put in its place.
    in_memory: Mutex<Option<Index>>,
    kinds: Mutex<&'static [&'static dyn Kind]>,
}

/// Tells the group that the index holds, to whoever waits for it.
struct OnceSettled(watch::Sender<u64>);

impl Default for OnceSettled {
    fn default() -> Self {
        Self(watch::channel(0).0)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Keeper {
    /// A keeper whose inbox the writer fills.
    pub(crate) fn new(inbox: Arc<Inbox>) -> Self {
        Self { inbox, ..Self::default() }
    }

    /// The index, once there is one to search.
    pub(super) fn index(&self) -> Option<Arc<Index>> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The kinds that are found.
    pub(super) fn kinds(&self) -> &'static [&'static dyn Kind] {
        *lock(&self.kinds)
    }

    /// How it is.
    pub(crate) fn state(&self) -> State {
        let state = lock(&self.state).clone();
        let index = self.index();
        State {
            ready: index.is_some(),
            entries: index.as_ref().map_or(0, |index| index.entries()),
            bytes: index.as_ref().map_or(0, |index| index.bytes()),
            waiting: self.inbox.lock().stale.len(),
            position: *self.settled.0.borrow(),
            ..state
        }
    }

    /// Waits until the index holds everything that is committed now.
    pub async fn settle(&self, store: &Store) -> Result<(), Error> {
        let wanted = store.view().sequence();
        self.inbox.tell(|waiting| waiting.wanted = waiting.wanted.max(wanted));
        let mut settled = self.settled.0.subscribe();
        let there = settled.wait_for(|position| *position >= wanted).await;
        there.map(|_| ()).map_err(|error| Error::internal("waiting for the index", error))
    }

    /// Starts keeping an index in a folder; in memory without one.
    pub(super) fn start(self: &Arc<Self>, ctx: &Ctx, folder: Option<PathBuf>, kinds: &'static [&'static dyn Kind]) {
        *lock(&self.kinds) = kinds;
        self.inbox.open(kinds);
        // Whatever is committed behind this view is told to the inbox.
        let begin = ctx.store().view().sequence();
        self.inbox.begin_at(begin);
        let work = Work {
            keeper: self.clone(),
            store: ctx.store().clone(),
            sealer: ctx.sealer.clone(),
            files: ctx.files.clone(),
            folder,
            kinds,
            number: 0,
            builder: None,
            own: None,
        };
        let started = std::thread::Builder::new().name("search".into()).spawn(move || work.run(begin));
        match started {
            Ok(thread) => *lock(&self.thread) = Some(thread),
            Err(error) => tracing::error!(%error, "the index is not kept"),
        }
    }

    /// Has the program's own records taken in for a space that is new.
    pub(crate) fn add_space(&self, store: &Store, space: SpaceId) {
        let view = store.view();
        let (sequence, view) = (view.sequence(), view.space(space));
        let fixed = self.kinds().iter().filter(|kind| kind.is_fixed());
        self.inbox.put(sequence, fixed.flat_map(|kind| kind.keys(&view, None).unwrap_or_default()).collect());
    }

    /// Ends keeping; what is not in the index is taken from the journal at the next start. Blocks the thread for as long as a commit takes.
    pub(super) fn stop(&self) {
        self.inbox.tell(|waiting| waiting.closing = true);
        if let Some(thread) = lock(&self.thread).take()
            && thread.join().is_err()
        {
            tracing::error!("the index's thread panicked");
        }
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Notes that searching met damage: a new index is built.
    pub(super) fn damaged(&self, why: &str) {
        tracing::error!(why, "the search index is damaged; it is built anew");
        self.inbox.tell(|waiting| waiting.damaged = true);
    }
}

/// The keeping itself, on its thread.
struct Work {
    keeper: Arc<Keeper>,
    store: Store,
    sealer: Arc<crate::seal::Sealer>,
    files: crate::file::Files,
    folder: Option<PathBuf>,
    kinds: &'static [&'static dyn Kind],
    /// Number of the index in use, part of its folder's name.
    number: u64,
    builder: Option<JoinHandle<()>>,
    /// What to write into [`OWN`] as soon as nothing waits.
    own: Option<String>,
}

/// The file that names the index in use.
const CURRENT: &str = "current";
/// The file that says which of the program's own records are in which index, so that they are not read, nor the dictionary with them, at every start.
const OWN: &str = "own";

impl Work {
    fn run(mut self, begin: u64) {
        store::step_back(NICE);
        if let Err(why) = self.open(begin) {
            self.build(&why);
        }
        loop {
            self.keeper.inbox.wait(IDLE);
            let closing = self.keeper.inbox.lock().closing;
            if closing {
                break;
            }
            self.keeper.inbox.gather(GATHER);
            self.turn();
            if search::rest(REST) {
                tracing::debug!("the dictionary was let go");
            }
        }
        if let Some(builder) = self.builder.take()
            && builder.join().is_err()
        {
            tracing::error!("the building of an index panicked");
        }
        // The position alone, so that little is to be replayed; changes that wait are taken from the journal.
        self.turn();
    }

    fn turn(&mut self) {
        let (built, rebuild, damaged) = {
            let mut waiting = self.keeper.inbox.lock();
            (waiting.built.take(), std::mem::take(&mut waiting.rebuild), std::mem::take(&mut waiting.damaged))
        };
        if let Some(built) = built {
            self.finish_build(built);
        }
        if damaged {
            self.drop_index();
        }
        if rebuild || damaged {
            self.build(if damaged { "damage" } else { "as asked" });
        }
        let Some(index) = self.keeper.index() else { return };
        if let Err(error) = self.take_in(&index) {
            self.failed(&error);
            return;
        }
        if let Some(own) = self.own.take_if(|_| self.keeper.inbox.lock().stale.is_empty())
            && let Some(folder) = &self.folder
            && let Err(error) = name(folder, OWN, &own)
        {
            tracing::debug!(%error, "the program's own records are taken in again at the next start");
        }
    }

    /// Something went wrong with the index: whatever it is, a new one puts it right.
    fn failed(&mut self, error: &Error) {
        tracing::error!(%error, "the search index cannot be brought up to date; it is built anew");
        self.drop_index();
        self.build(&error.to_string());
    }

    fn drop_index(&self) {
        *self.keeper.index.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Takes waiting changes in, and the position.
    fn take_in(&self, index: &Index) -> Result<(), Error> {
        loop {
            // Told before looked at: whatever is in the inbox is in a view taken now.
            let (sequence, stale) = (self.keeper.inbox.sequence(), self.keeper.inbox.stale());
            let batch: Vec<(Key, u64)> = stale.iter().take(BATCH).map(|(key, at)| (*key, *at)).collect();
            let last = batch.len() == stale.len();
            if batch.is_empty() && sequence <= *self.keeper.settled.0.borrow() {
                return Ok(());
            }
            let view = self.store.view();
            // The position counts only when nothing older waits.
            let settled = *self.keeper.settled.0.borrow();
            let position = if last { sequence.max(settled) } else { settled };
            self.apply(index, &view, batch.iter().map(|(key, _)| *key), position)?;
            let mut waiting = self.keeper.inbox.lock();
            for (key, at) in &batch {
                if waiting.stale.get(key).is_some_and(|newest| newest <= at) {
                    waiting.stale.remove(key);
                }
            }
            if waiting.wanted <= position {
                waiting.wanted = 0;
            }
            let closing = waiting.closing;
            drop(waiting);
            self.keeper.settled.0.send_replace(position);
            if closing {
                return Ok(());
            }
        }
    }

    fn apply(&self, index: &Index, view: &View, keys: impl Iterator<Item = Key>, position: u64) -> Result<(), Error> {
        let mut by_space: BTreeMap<u64, Vec<Key>> = BTreeMap::new();
        for key in keys {
            by_space.entry(key.space).or_default().push(key);
        }
        let mut changes = Vec::new();
        for (space, keys) in by_space {
            let view = view.space(SpaceId(space));
            let making = Making { view: &view, sealer: &self.sealer, files: &self.files };
            changes.extend(keys.into_iter().map(|key| Change { key, entries: entries(self.kinds, &making, &key) }));
        }
        index.apply(&changes, position).map_err(|error| Error::internal("the search index", error))
    }

    fn index_folder(&self, number: u64) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("index-{number}")))
    }

    /// Opens the index that is there and finds out what changed since; the error says why a new one is needed.
    fn open(&mut self, begin: u64) -> Result<(), String> {
        let Some(folder) = &self.folder else { return Err("a new hall".into()) };
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        let named = std::fs::read_to_string(folder.join(CURRENT)).ok().and_then(|text| text.trim().parse().ok());
        self.number = named.unwrap_or(0);
        self.remove_others();
        let Some(path) = named.and_then(|number| self.index_folder(number)) else {
            return Err("there is none yet".into());
        };
        let opened = catch_unwind(AssertUnwindSafe(|| Index::open(&path, Use::Live)));
        let opened = opened.unwrap_or_else(|_| Err(Damage::Broken("reading it panicked".into())));
        let (index, position) = opened.map_err(|error| error.to_string())?;
        if position > begin {
            return Err(format!("it holds group {position}, and the store ends at {begin}"));
        }
        let mut keys = Vec::new();
        if !self.store.touched_since(position, begin, |change| keys.extend(key_of(self.kinds, &change))) {
            return Err(format!("the journal does not go back to group {position}"));
        }
        tracing::info!(position, begin, changes = keys.len(), "search index opened");
        let (fixed, own) = self.fixed(self.number);
        if std::fs::read_to_string(folder.join(OWN)).ok().as_ref() != Some(&own) {
            keys.extend(fixed);
            self.own = Some(own);
        }
        self.keeper.inbox.put(begin, keys);
        *self.keeper.index.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(index));
        self.keeper.settled.0.send_replace(position);
        Ok(())
    }

    /// Records of the program itself, which may be others than those of the program that wrote the index, and what says that an index holds just these.
    fn fixed(&self, number: u64) -> (Vec<Key>, String) {
        let view = self.store.view();
        let (mut keys, mut digest) = (Vec::new(), Context::new(&SHA256));
        for space in all_spaces(&self.store).unwrap_or_default() {
            let view = view.space(space);
            let making = Making { view: &view, sealer: &self.sealer, files: &self.files };
            for kind in self.kinds.iter().filter(|kind| kind.is_fixed()) {
                for key in kind.keys(&view, None).unwrap_or_default() {
                    digest.update(format!("{:?}", entries(self.kinds, &making, &key)).as_bytes());
                    keys.push(key);
                }
            }
        }
        let digest = HEXLOWER.encode(digest.finish().as_ref());
        (keys, format!("{number} {digest}"))
    }

    fn remove_others(&self) {
        let Some(folder) = &self.folder else { return };
        let current = format!("index-{}", self.number);
        for found in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = found.file_name().to_string_lossy().into_owned();
            if name.starts_with("index-") && name != current {
                remove(&found.path());
            }
        }
    }

    /// Begins to build a new index on a thread of its own.
    fn build(&mut self, why: &str) {
        if lock(&self.keeper.state).building.is_some() {
            return;
        }
        let number = self.number + 1;
        let path = self.index_folder(number);
        if let Some(path) = &path {
            remove(path);
        }
        tracing::info!(why, "a new search index is being built");
        // It will hold those of now; a space that is founded meanwhile makes them others.
        self.own = Some(self.fixed(number).1);
        // From here on changes are kept for it too.
        self.keeper.inbox.tell(|waiting| waiting.meanwhile = Some(Stale::default()));
        let progress = Progress { done: 0, all: 0, since: Instant::now() };
        {
            let mut state = lock(&self.keeper.state);
            (state.building, state.why, state.failed) = (Some(progress), Some(why.to_owned()), None);
        }
        let building = Building {
            keeper: self.keeper.clone(),
            store: self.store.clone(),
            sealer: self.sealer.clone(),
            files: self.files.clone(),
            kinds: self.kinds,
        };
        let run = move || {
            store::step_back(BUILD_NICE);
            let built = catch_unwind(AssertUnwindSafe(|| building.run(path.as_deref())));
            let built = built.unwrap_or_else(|_| Err("building panicked".into()));
            building.keeper.inbox.tell(|waiting| waiting.built = Some(built.map(|begin| (number, begin))));
        };
        match std::thread::Builder::new().name("search-build".into()).spawn(run) {
            Ok(thread) => self.builder = Some(thread),
            Err(error) => {
                tracing::error!(%error, "no index can be built");
                lock(&self.keeper.state).building = None;
            }
        }
    }

    /// Puts the new index in the place of the old.
    fn finish_build(&mut self, built: Result<(u64, u64), String>) {
        if let Some(builder) = self.builder.take()
            && builder.join().is_err()
        {
            tracing::error!("the building of an index panicked");
        }
        // Read before they are taken out: whatever groups up to it changed is among them.
        let told = self.keeper.inbox.sequence();
        let meanwhile = self.keeper.inbox.lock().meanwhile.take().unwrap_or_default();
        let done = built.and_then(|(number, begin)| self.swap(number, begin, told, meanwhile));
        let mut state = lock(&self.keeper.state);
        state.building = None;
        if let Err(error) = done {
            tracing::error!(error, "building a search index failed");
            state.failed = Some(error);
        }
    }

    fn swap(&mut self, number: u64, begin: u64, told: u64, meanwhile: Stale) -> Result<(), String> {
        let index = match self.index_folder(number) {
            Some(path) => Index::open(&path, Use::Live).map_err(|error| error.to_string())?.0,
            None => lock(&self.keeper.in_memory).take().ok_or("it is gone")?,
        };
        let settled = self.catch_up(&index, begin, told.max(begin), meanwhile).map_err(|error| error.to_string())?;
        {
            let mut waiting = self.keeper.inbox.lock();
            // Whatever changed up to there is in it, whether the old one had it or not; what came since waits for it as it waited for the old one.
            waiting.stale.retain(|_, at| *at > settled);
            *self.keeper.index.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(index));
            // Whoever waited for the position finds an index that is built.
            lock(&self.keeper.state).building = None;
            self.keeper.settled.0.send_replace(settled);
        }
        self.number = number;
        if let Some(folder) = &self.folder {
            name(folder, CURRENT, &number.to_string()).map_err(|error| error.to_string())?;
            self.remove_others();
        }
        Ok(())
    }

    /// Takes into a new index what changed since its building began, before anybody searches it: what the old one found already is found by the new one from
    /// the first moment. Answers the group that it holds everything of.
    fn catch_up(&self, index: &Index, begin: u64, told: u64, meanwhile: Stale) -> Result<u64, Error> {
        let left: Vec<Key> = meanwhile.into_iter().filter(|(_, at)| *at > begin).map(|(key, _)| key).collect();
        let pieces = left.chunks(BATCH).count();
        for (at, piece) in left.chunks(BATCH).enumerate() {
            if self.keeper.inbox.lock().closing {
                return Ok(begin);
            }
            let position = if at + 1 == pieces { told } else { begin };
            self.apply(index, &self.store.view(), piece.iter().copied(), position)?;
        }
        Ok(told)
    }
}

/// What is searched of a record. A record that cannot be read is left out and said; it must not keep the others from being found.
fn entries(kinds: &[&'static dyn Kind], making: &Making<'_>, key: &Key) -> Vec<search::Entry> {
    let Some(kind) = kinds.iter().find(|kind| kind.number() == key.kind) else { return Vec::new() };
    kind.entries(making, key).unwrap_or_else(|error| {
        tracing::error!(%error, kind = kind.name(), id = key.id, "a record cannot be searched");
        Vec::new()
    })
}

/// Every space of the box; the association before it is set up too.
pub(super) fn all_spaces(store: &Store) -> Result<Vec<SpaceId>, Error> {
    let view = store.view().space(SpaceId::BOX);
    let mut all = vec![SpaceId::ASSOCIATION];
    for space in view.scan_keys::<domain::Space>(&(), None, store::Order::Ascending) {
        all.extend(Some(space?).filter(|space| *space != SpaceId::ASSOCIATION));
    }
    Ok(all)
}

/// Writes a small file of the folder, all of it or nothing.
fn name(folder: &Path, file: &str, text: &str) -> std::io::Result<()> {
    let draft = folder.join(format!("{file}.part"));
    std::fs::write(&draft, text)?;
    std::fs::File::open(&draft)?.sync_all()?;
    std::fs::rename(&draft, folder.join(file))?;
    std::fs::File::open(folder)?.sync_all()
}

fn remove(path: &Path) {
    match std::fs::remove_dir_all(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(path = %path.display(), %error, "an old search index stays"),
    }
}

/// The building of a new index, on a thread of its own.
struct Building {
    keeper: Arc<Keeper>,
    store: Store,
    sealer: Arc<crate::seal::Sealer>,
    files: crate::file::Files,
    kinds: &'static [&'static dyn Kind],
}

impl Building {
    /// Takes everything in, and answers the group that it holds at least.
    fn run(&self, path: Option<&Path>) -> Result<u64, String> {
        let begin = self.store.view().sequence();
        let index = Index::create(path, Use::Build).map_err(|error| error.to_string())?;
        self.count().map_err(|error| error.to_string())?;
        let spaces = all_spaces(&self.store).map_err(|error| error.to_string())?;
        for (space, kind) in spaces.into_iter().flat_map(|space| self.kinds.iter().map(move |kind| (space, kind))) {
            let mut from = None;
            loop {
                if self.keeper.inbox.lock().closing {
                    return Err("the hall is closing".into());
                }
                // A view of its own for each piece: one held for long keeps all changes in memory.
                let view = self.store.view().space(space);
                let keys = kind.keys(&view, from.as_ref()).map_err(|error| error.to_string())?;
                let Some(last) = keys.last().copied() else { break };
                let making = Making { view: &view, sealer: &self.sealer, files: &self.files };
                for key in &keys {
                    for entry in entries(self.kinds, &making, key) {
                        index.add(&entry).map_err(|error| error.to_string())?;
                    }
                }
                self.note(keys.len());
                from = Some(last);
            }
        }
        index.finish(begin).map_err(|error| error.to_string())?;
        if path.is_none() {
            *lock(&self.keeper.in_memory) = Some(index);
        }
        Ok(begin)
    }

    fn count(&self) -> Result<(), Error> {
        let mut all = 0;
        let spaces = all_spaces(&self.store)?;
        for (space, kind) in spaces.into_iter().flat_map(|space| self.kinds.iter().map(move |kind| (space, kind))) {
            let mut from = None;
            loop {
                let view = self.store.view().space(space);
                let keys = kind.keys(&view, from.as_ref())?;
                all += keys.len() as u64;
                from = keys.last().copied();
                if from.is_none() {
                    break;
                }
            }
        }
        if let Some(progress) = &mut lock(&self.keeper.state).building {
            progress.all = all;
        }
        Ok(())
    }

    fn note(&self, done: usize) {
        if let Some(progress) = &mut lock(&self.keeper.state).building {
            progress.done += done as u64;
        }
    }
}

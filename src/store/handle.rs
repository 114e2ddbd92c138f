//! The handle that everybody holds: queueing transactions, taking views, numbers, and the end. Starts the threads.

use crate::{
    Error, Opened, Options, Report, Snapshot, SpaceId, Tx, View,
    applier::{Applier, Limits},
    checkpoint::Keeper,
    desk::{self, Desk},
    engine::{Engine, Memory},
    follow::{Follower, Touched},
    journal::{Journal, Tail, decode, look, part, replay},
    layer::Map,
    open::{self, Base, RealBase},
    queue::{Closure, Message, to_task},
    read::Published,
    tail::{self, Batch, Frame, Frames, Place},
    writer::{Parts, Shared, Space, Writer, generation},
    written,
};
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// A cheap handle to the store. The last one that goes ends it; [`Store::close`] does so with a checkpoint.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    engine: Arc<dyn Engine>,
    desk: Arc<Desk>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Where the journal lies; none for a store in memory.
    place: Option<Place>,
    /// Held until the threads are gone, by each of them too: a store that ends within a transaction cannot wait for them.
    _lock: Option<Arc<dyn Send + Sync>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("stats", &self.stats()).finish()
    }
}

/// What the store has done and what waits.
#[derive(Debug, Clone)]
pub struct Stats {
    /// Groups committed since opening; each is one frame and one `fdatasync`.
    pub groups: u64,
    /// Transactions run since opening, refused ones included.
    pub transactions: u64,
    /// Sequence number of the newest group.
    pub sequence: u64,
    /// Sequence number of the newest checkpoint.
    pub checkpoint: u64,
    /// Bytes of frames written since opening.
    pub journaled: u64,
    /// Nanoseconds spent since opening on writing and syncing frames.
    pub journal_nanos: u64,
    /// Bytes of journal segments on disk.
    pub journal_bytes: u64,
    /// Keys committed that the engine does not have yet.
    pub pending_keys: u64,
    /// Their bytes, about.
    pub pending_bytes: u64,
    /// Why writes are refused until the store is opened again.
    pub refused: Option<String>,
}

/// Everything that the threads are started with.
pub(crate) struct Start {
    pub engine: Arc<dyn Engine>,
    pub journal: Option<Journal>,
    pub keeper: Option<Keeper>,
    pub space: Option<Space>,
    pub sequence: u64,
    pub limits: Limits,
    pub place: Option<Place>,
    pub lock: Option<Box<dyn Send + Sync>>,
}

impl Store {
    /// Opens the folder, making it when it is not there. What was committed is there again; what had to be done for it is said.
    pub fn open(options: Options) -> Result<(Self, Opened), Error> {
        written::check(&options.folder)?;
        let base = RealBase::new(&options);
        let opened = Self::open_on(&options, &base)?;
        // A disk that is full lets nobody write it, and is no reason not to serve.
        if let Err(error) = written::note(&options.folder) {
            tracing::warn!(%error, "older programs will not be told that they are");
        }
        Ok(opened)
    }

    pub(crate) fn open_on(options: &Options, base: &dyn Base) -> Result<(Self, Opened), Error> {
        let (start, opened) = open::open(options, base)?;
        Ok((Self::start(start)?, opened))
    }

    /// An empty store without a disk, for tests. Everything else works as in a real one.
    pub fn memory() -> Self {
        let limits = Limits { checkpoint_bytes: u64::MAX, retain_bytes: u64::MAX, reserve_bytes: 0 };
        let engine: Arc<dyn Engine> = Arc::new(Memory::default());
        let start =
            Start { engine, journal: None, keeper: None, space: None, sequence: 0, limits, place: None, lock: None };
        match Self::start(start) {
            Ok(store) => store,
            Err(error) => {
                // Without threads there is no store; every call answers that it is closed.
                tracing::error!(%error, "starting a store in memory");
                Self::dead()
            }
        }
    }

    fn dead() -> Self {
        let shared = Arc::new(Shared::new(empty(0)));
        let inner = Inner {
            shared,
            engine: Arc::new(Memory::default()),
            desk: Arc::new(Desk::new(channel().0, Arc::default())),
            threads: Mutex::default(),
            place: None,
            _lock: None,
        };
        Self { inner: Arc::new(inner) }
    }

    fn start(start: Start) -> Result<Self, Error> {
        let shared = Arc::new(Shared::new(empty(start.sequence)));
        let (queue, messages) = channel();
        let unread = Arc::new(AtomicUsize::new(0));
        let desk = Arc::new(Desk::new(queue, unread.clone()));
        let (orders, taken) = channel();
        shared.kept_bytes.store(start.journal.as_ref().map_or(0, Journal::kept_bytes), Ordering::Relaxed);
        shared.checkpoint.store(start.keeper.as_ref().map_or(0, |keeper| keeper.state.sequence), Ordering::Relaxed);
        let applier = Applier {
            orders: taken,
            writer: desk.clone(),
            shared: shared.clone(),
            engine: start.engine.clone(),
            snapshot_bytes: start.keeper.as_ref().map_or(0, Keeper::snapshot_bytes),
            keeper: start.keeper,
            limits: start.limits,
            applied: start.sequence,
            marked: 0,
            last: None,
        };
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            thread::Builder::new().name(name.into()).spawn(run).map_err(Error::io("starting the store's threads"))
        };
        let lock: Option<Arc<dyn Send + Sync>> = start.lock.map(Arc::from);
        let held = lock.clone();
        let run = move || {
            applier.run();
            drop(held);
        };
        let applier = spawn("store-applier", Box::new(run))?;
        let writer = Parts {
            shared: shared.clone(),
            engine: start.engine.clone(),
            queue: messages,
            unread,
            applier: orders,
            applier_thread: applier.thread().clone(),
            journal: start.journal,
            space: start.space,
            sequence: start.sequence,
        };
        desk.open(Writer::new(writer).begin());
        let (at, held) = (desk.clone(), lock.clone());
        let run = move || {
            at.attend();
            drop(held);
        };
        let writer = spawn("store-writer", Box::new(run))?;
        desk.staffed(writer.thread().clone());
        let threads = Mutex::new(vec![writer, applier]);
        let inner = Inner { shared, engine: start.engine, desk, threads, place: start.place, _lock: lock };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Lets `follower` follow all transactions queued from here on, in place of the one before.
    pub fn follow(&self, follower: Box<dyn Follower>) -> Result<(), Error> {
        self.inner.desk.send(Message::Follow(follower))
    }

    /// Runs `f` as one transaction and answers when its changes are on disk and seen by every new view. An `Err` undoes its changes,
    /// a panic too. The closure may be run more than once.
    pub async fn write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (answer, waiting) = oneshot::channel();
        self.queue(Closure::new(f, to_task(answer)))?;
        self.inner.desk.help();
        waiting.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// As [`Self::write`], for callers outside of tasks: it blocks the thread.
    pub fn write_blocking<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (answer, waiting) = sync_channel(1);
        self.queue(Closure::new(f, Box::new(move |result| drop(answer.send(result)))))?;
        waiting.try_recv().unwrap_or_else(|_| {
            // The caller's thread may be the one that the writing task would run on.
            self.inner.desk.wake();
            waiting.recv().unwrap_or_else(|_| Err(Error::Closed.into()))
        })
    }

    fn queue<T, E, F>(&self, closure: Closure<T, E, F>) -> Result<(), Error>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.inner.desk.ask(Box::new(closure))
    }

    /// Whether a task of a runtime writes for crowds.
    #[cfg(test)]
    pub(crate) fn is_helped(&self) -> bool {
        self.inner.desk.is_helped()
    }

    /// What lies below everything that waits.
    #[cfg(test)]
    pub(crate) fn engine(&self) -> &dyn Engine {
        self.inner.engine.as_ref()
    }

    /// Everything committed so far, at one instant. Drop it soon: what is committed after it stays in memory until then.
    pub fn view(&self) -> View {
        self.inner.shared.view(&self.inner.engine)
    }

    /// Tells the sequence number of the newest group, and wakes when there is a newer one.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.inner.shared.committed.subscribe()
    }

    /// Tells what the groups above `after` up to `last` touched, from the journal; false when it does not hold all of them any more.
    /// Blocks the thread. `last` must be committed.
    pub fn touched_since(&self, after: u64, last: u64, mut each: impl FnMut(Touched<'_>)) -> bool {
        let Some((disk, folder)) = &self.inner.place else { return after == last };
        if after >= last {
            return after == last;
        }
        let mut seen = after;
        // What is being written just now lies behind `last` and may look torn.
        let read = replay(disk.as_ref(), folder, after, Tail::Cut, |sequence, changes| {
            if sequence <= last {
                seen = sequence;
                changes.iter().for_each(|(key, _)| each(Touched { key }));
            }
            Ok(())
        });
        if let Err(error) = &read {
            tracing::debug!(%error, "the journal does not go back so far");
        }
        seen == last
    }

    /// Writes the groups above `after` up to `last` one behind the other, as [`crate::restore`] takes them; false when the journal does not
    /// hold all of them any more. Blocks the thread. `last` must be committed.
    pub fn part(&self, after: u64, last: u64, out: &mut dyn Write) -> Result<bool, Error> {
        let Some((disk, folder)) = &self.inner.place else { return Ok(after == last) };
        if after >= last {
            return Ok(after == last);
        }
        let (mut seen, mut failed) = (after, None);
        let read = replay(disk.as_ref(), folder, after, Tail::Cut, |sequence, changes| {
            if sequence <= last && failed.is_none() {
                match part::put(out, sequence, changes) {
                    Ok(()) => seen = sequence,
                    Err(error) => failed = Some(error),
                }
            }
            Ok(())
        });
        if let Some(error) = failed {
            return Err(error);
        }
        if let Err(error) = &read {
            tracing::debug!(%error, "the journal does not go back so far");
        }
        Ok(seen == last)
    }

    /// Begins to follow this store frame by frame; none for a store in memory.
    pub fn frames(&self) -> Option<Frames> {
        let place = self.inner.place.clone()?;
        Some(Frames::new(self.inner.shared.newest.clone(), place))
    }

    /// What comes behind group `after` for whoever follows. Only what is committed is handed out. Blocks the thread.
    pub fn behind(&self, frames: &Frames, after: u64) -> Batch {
        frames.next(after, self.inner.shared.published.load().sequence)
    }

    /// The committed group of that number, as it lies in the journal; none where the journal does not hold it (any more). Blocks the thread.
    pub fn frame(&self, sequence: u64) -> Option<Frame> {
        let last = self.inner.shared.published.load().sequence;
        let place = self.inner.place.as_ref().filter(|_| sequence <= last)?;
        tail::at(place, sequence)
    }

    /// Tells the audit lines of the groups behind `after`, oldest first: space, number, line. An error where the journal does not go back so far.
    pub fn lines_behind(&self, after: u64, each: impl FnMut(SpaceId, u64, Vec<u8>)) -> Result<(), Error> {
        self.inner.place.as_ref().map_or(Ok(()), |place| tail::lines(place, after, each))
    }

    /// Takes no transactions any more, until the store is opened again, and answers the number of its newest group: when this returns, no other will
    /// ever follow it but those that are [received](Self::receive). Blocks the thread.
    pub fn fence(&self, why: &str) -> Result<u64, Error> {
        let (answer, waiting) = sync_channel(1);
        self.inner.desk.send(Message::Fence(why.to_owned(), answer))?;
        waiting.recv().unwrap_or(Err(Error::Closed))
    }

    /// Commits a group of another store as it is: on disk, and seen by views, when this returns its number. Only behind a [`Self::fence`], and only
    /// the group that comes next. Blocks the thread.
    pub fn receive(&self, frame: Frame) -> Result<u64, Error> {
        let (answer, waiting) = sync_channel(1);
        self.inner.desk.send(Message::Receive(frame, answer))?;
        waiting.recv().unwrap_or(Err(Error::Closed))
    }

    /// What the store has done and what waits.
    pub fn stats(&self) -> Stats {
        let shared = &self.inner.shared;
        Stats {
            groups: shared.groups.load(Ordering::Relaxed),
            transactions: shared.transactions.load(Ordering::Relaxed),
            sequence: shared.published.load().sequence,
            checkpoint: shared.checkpoint.load(Ordering::Relaxed),
            journaled: shared.journaled.load(Ordering::Relaxed),
            journal_nanos: shared.journal_nanos.load(Ordering::Relaxed),
            journal_bytes: shared.kept_bytes.load(Ordering::Relaxed),
            pending_keys: shared.pending_keys.load(Ordering::Relaxed),
            pending_bytes: shared.pending_bytes.load(Ordering::Relaxed),
            refused: shared.refused().map(|error| error.to_string()),
        }
    }

    /// Brings the engine up to date and on disk; blocks the thread. It waits for views taken before, so the caller must hold none.
    pub fn checkpoint(&self) -> Result<(), Error> {
        let (answer, waiting) = sync_channel(1);
        self.inner.desk.send(Message::Checkpoint(answer))?;
        waiting.recv().unwrap_or_else(|_| Err(self.inner.shared.refused().unwrap_or(Error::Closed)))
    }

    /// Whether a group would get onto the disk: the writer writes and syncs at the journal's end without changing anything, and answers within
    /// `patience`. A full disk is no failure; writes refused until the store is opened again are. Blocks the thread.
    pub fn probe(&self, patience: Duration) -> Result<(), Error> {
        let (answer, waiting) = sync_channel(1);
        self.inner.desk.send(Message::Probe(answer))?;
        waiting.recv_timeout(patience).unwrap_or_else(|why| match why {
            RecvTimeoutError::Timeout => Err(Error::Engine(format!("no answer within {patience:?}"))),
            RecvTimeoutError::Disconnected => Err(Error::Closed),
        })
    }

    /// Writes everything committed so far into a file while the store runs on; blocks the thread.
    pub fn snapshot(&self, target: &Path) -> Result<Snapshot, Error> {
        self.view().snapshot(target)
    }

    /// Walks over everything committed so far and checks it; blocks the thread.
    pub fn verify(&self) -> Report {
        self.view().verify()
    }

    /// Commits what is queued, makes a checkpoint and ends. Other handles answer [`Error::Closed`] from now on.
    pub fn close(self) -> Result<(), Error> {
        self.inner.shared.closing.store(true, Ordering::Relaxed);
        let done = self.checkpoint();
        self.inner.stop();
        done
    }
}

/// Reads a segment of a journal as it lies on disk: how many sound frames it holds, and whether the last one was torn by a power cut. Anything else
/// that is wrong with it is an error.
pub fn look_at_segment(bytes: &[u8]) -> Result<(u64, bool), Error> {
    look(bytes)
}

/// Reads groups as [`Store::part`] writes them: how many there are. Every one of them is checked.
pub fn look_at_part(mut bytes: &[u8]) -> Result<u64, Error> {
    let mut groups = 0;
    part::read(&mut bytes, Path::new("a part"), |_, _| {
        groups += 1;
        Ok(())
    })?;
    Ok(groups)
}

/// Reads what a frame holds, past its checksums, which whoever makes a file can make too: how many puts and deletes there are.
pub fn look_at_group(payload: &[u8]) -> Result<u64, Error> {
    let list = decode(payload).map_err(|_| Error::Frame("it cannot be read"))?;
    Ok(list.len() as u64)
}

fn empty(sequence: u64) -> Published {
    Published { active: Map::new(), frozen: None, sequence, _generation: generation().0 }
}

impl Inner {
    fn stop(&self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        if self.desk.send(Message::Stop).is_err() {
            tracing::trace!("the writer is gone already");
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A transaction may hold the last handle: the writer cannot wait for itself, nor for the thread that waits for it.
            if thread.thread().id() == thread::current().id() || desk::is_writing() {
                continue;
            }
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

//! The one writer: runs queued transactions over an overlay, commits those that did not refuse as one synced group, publishes
//! them and answers. Applying to the engine is the applier's work and not here. Its thread sleeps when nothing waits; whoever comes then
//! runs a group in its place, which spares two changes of thread; in a crowd a task of the runtime does, behind all that bring something.

use crate::{
    Error, SpaceId, Tx, View,
    disk::{Disk, Folder},
    engine::Engine,
    follow::{Committed, Follower},
    journal::{self, Journal},
    layer::{Cache, Changes, Layers, Map},
    queue::{Job, Message, Numbered, Order, Waiting},
    read::{Generation, Published},
    tail::{Frame, Newest},
    tx::chain,
};
use arc_swap::ArcSwap;
use bytes::Bytes;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Most transactions in a group.
const GROUP_JOBS: usize = 512;
/// Bytes of changes that end a group.
const GROUP_BYTES: u64 = 1 << 20;
/// With more than this waiting for the engine the writer slows down.
const PENDING_SOFT: u64 = 64 << 20;
/// With more than this waiting for the engine writes are refused.
const PENDING_HARD: u64 = 256 << 20;
/// Longest pause before a group while much waits for the engine.
const SLOW: Duration = Duration::from_millis(250);
/// How long a look at the free space is believed.
const SPACE_AGE: Duration = Duration::from_millis(100);
/// Bytes that a waiting change takes beside its key and value, about.
const CHANGE_BYTES: u64 = 64;

/// What writer, applier and handles share.
pub(crate) struct Shared {
    pub published: ArcSwap<Published>,
    pub committed: watch::Sender<u64>,
    pub closing: AtomicBool,
    pub groups: AtomicU64,
    pub transactions: AtomicU64,
    pub pending_bytes: AtomicU64,
    pub pending_keys: AtomicU64,
    /// Bytes of frames written since the store was opened.
    pub journaled: AtomicU64,
    pub journal_nanos: AtomicU64,
    /// Bytes of journal segments on disk.
    pub kept_bytes: AtomicU64,
    pub checkpoint: AtomicU64,
    pub refused: Mutex<Option<Error>>,
    /// The newest frames, for whoever follows.
    pub newest: Arc<Newest>,
}

impl Shared {
    pub(crate) fn new(published: Published) -> Self {
        let (committed, _) = watch::channel(published.sequence);
        Self {
            checkpoint: AtomicU64::new(0),
            published: ArcSwap::from_pointee(published),
            committed,
            closing: AtomicBool::new(false),
            groups: AtomicU64::new(0),
            transactions: AtomicU64::new(0),
            pending_bytes: AtomicU64::new(0),
            pending_keys: AtomicU64::new(0),
            journaled: AtomicU64::new(0),
            journal_nanos: AtomicU64::new(0),
            kept_bytes: AtomicU64::new(0),
            refused: Mutex::new(None),
            newest: Arc::default(),
        }
    }

    pub(crate) fn view(&self, engine: &Arc<dyn Engine>) -> View {
        View { published: self.published.load_full(), engine: engine.clone() }
    }

    pub(crate) fn refused(&self) -> Option<Error> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refuse(&self, error: Error) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// Free space, looked at now and then.
pub(crate) struct Space {
    disk: Arc<dyn Disk>,
    folder: Folder,
    reserve: u64,
    seen: Option<(Instant, u64)>,
}

impl Space {
    pub(crate) fn new(disk: Arc<dyn Disk>, folder: Folder, reserve: u64) -> Self {
        Self { disk, folder, reserve, seen: None }
    }

    /// An error when what waits for the engine could not be kept with the reserve left over.
    fn check(&mut self, pending: u64) -> Result<(), Error> {
        let needed = self.reserve.saturating_add(pending.saturating_mul(3));
        let free = match self.seen {
            Some((at, free)) if at.elapsed() < SPACE_AGE => free,
            _ => {
                let free = self.disk.free(&self.folder.0).map_err(Error::io("asking for free space"))?;
                self.seen = Some((Instant::now(), free));
                free
            }
        };
        if free < needed { Err(Error::DiskFull { free, needed }) } else { Ok(()) }
    }
}

/// The generation of views that begins now, and the end that learns when it is over.
pub(crate) fn generation() -> (Arc<Generation>, Receiver<Infallible>) {
    let (held, gone) = channel();
    (Arc::new(held), gone)
}

/// A line for a space's audit chain.
type Line = (SpaceId, Vec<u8>);

/// What a group changes, and whether anything changed beside what the follower wrote.
type Closed = (Changes, bool);

/// Changes that were handed to the applier, with their bytes.
struct Frozen {
    changes: Arc<Map>,
    bytes: u64,
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    engine: Arc<dyn Engine>,
    queue: Receiver<Message>,
    applier: Sender<Order>,
    applier_thread: Thread,
    journal: Option<Journal>,
    space: Option<Space>,
    jobs: VecDeque<Box<dyn Job>>,
    active: Map,
    active_bytes: u64,
    frozen: Option<Frozen>,
    sequence: u64,
    generation: (Arc<Generation>, Receiver<Infallible>),
    /// The applier takes changes.
    ready: bool,
    waiting: Vec<Waiting>,
    stopped: bool,
    /// Why transactions are not taken; groups of another store are, then and only then.
    fenced: Option<String>,
    /// Messages that were sent and not taken.
    unread: Arc<AtomicUsize>,
    /// What was read from the engine and not changed since.
    cache: Cache,
    follower: Box<dyn Follower>,
}

/// What a writer is made of.
pub(crate) struct Parts {
    pub shared: Arc<Shared>,
    pub engine: Arc<dyn Engine>,
    pub queue: Receiver<Message>,
    pub unread: Arc<AtomicUsize>,
    pub applier: Sender<Order>,
    pub applier_thread: Thread,
    pub journal: Option<Journal>,
    pub space: Option<Space>,
    pub sequence: u64,
}

impl Writer {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            shared: parts.shared,
            engine: parts.engine,
            cache: Cache::default(),
            follower: Box::new(()),
            queue: parts.queue,
            unread: parts.unread,
            applier: parts.applier,
            applier_thread: parts.applier_thread,
            journal: parts.journal,
            space: parts.space,
            jobs: VecDeque::new(),
            active: Map::new(),
            active_bytes: 0,
            frozen: None,
            sequence: parts.sequence,
            generation: generation(),
            ready: true,
            waiting: Vec::new(),
            stopped: false,
            fenced: None,
        }
    }

    /// Shows views what was there when the store was opened.
    pub(crate) fn begin(self) -> Self {
        self.publish();
        self
    }

    /// Takes what waits, and runs one group of it. Answers how many transactions were in it, and whether there may be more.
    pub(crate) fn turn(&mut self) -> (usize, bool) {
        while self.jobs.len() < GROUP_JOBS && !self.stopped {
            match self.queue.try_recv() {
                Ok(message) => self.take(message),
                Err(_) => break,
            }
        }
        let waited = self.jobs.len();
        if waited > 0 {
            self.slow_down();
            self.group();
        }
        self.hand_over();
        let more = !self.jobs.is_empty() || (!self.stopped && self.unread.load(Ordering::SeqCst) > 0);
        (waited - self.jobs.len(), more)
    }

    /// How many transactions wait at the most: messages that were not taken may be something else.
    pub(crate) fn waiting(&self) -> usize {
        self.jobs.len() + self.unread.load(Ordering::SeqCst)
    }

    /// Told to end, and on the way to it.
    pub(crate) fn is_ending(&self) -> bool {
        self.stopped
    }

    /// Ended, with everything done that came before the end.
    pub(crate) fn is_over(&self) -> bool {
        self.stopped && self.jobs.is_empty()
    }

    /// So much waits for the engine that a group would have to be slow.
    pub(crate) fn is_behind(&self) -> bool {
        self.active_bytes > PENDING_SOFT
    }

    fn take(&mut self, message: Message) {
        self.unread.fetch_sub(1, Ordering::SeqCst);
        match message {
            Message::Job(job) => self.jobs.push_back(job),
            // Between groups nothing of one is left in it.
            Message::Follow(follower) => self.follower = follower,
            Message::Fence(why, waiting) => {
                self.fenced.get_or_insert(why);
                answer(&waiting, Ok(self.sequence));
            }
            Message::Receive(frame, waiting) => {
                let received = self.receive(&frame);
                answer(&waiting, received);
            }
            Message::Applied => {
                self.frozen = None;
                self.publish();
            }
            Message::Ready => self.ready = true,
            Message::Checkpoint(waiting) => {
                self.waiting.push(waiting);
                self.applier_thread.unpark();
            }
            Message::Probe(waiting) => {
                let probed = match (self.shared.refused(), &self.journal) {
                    (Some(error), _) => Err(Error::Poisoned(error.to_string())),
                    (None, Some(journal)) => journal.probe(),
                    (None, None) => Ok(()),
                };
                if waiting.send(probed).is_err() {
                    tracing::trace!("nobody waits for the probe any more");
                }
            }
            Message::Answer(waiting, result) => {
                for waiting in waiting {
                    if waiting.send(result.clone()).is_err() {
                        tracing::trace!("nobody waits for the checkpoint any more");
                    }
                }
            }
            Message::Failed(error) => {
                self.shared.refuse(error);
                self.waiting.clear();
            }
            Message::Forget(sequence) => {
                if let Some(journal) = &mut self.journal {
                    journal.forget(sequence);
                    self.shared.kept_bytes.store(journal.kept_bytes(), Ordering::Relaxed);
                }
            }
            Message::Stop => self.stopped = true,
        }
    }

    /// With much waiting for the engine, gives the applier time to take it over.
    fn slow_down(&mut self) {
        let until = Instant::now() + SLOW;
        while self.active_bytes > PENDING_SOFT && !self.stopped && self.shared.refused().is_none() {
            let left = until.saturating_duration_since(Instant::now());
            match self.queue.recv_timeout(left) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
            self.hand_over();
        }
    }

    /// Commits a group of another store behind the own newest one.
    fn receive(&mut self, frame: &Frame) -> Result<u64, Error> {
        if self.fenced.is_none() {
            return Err(Error::Frame("this store writes groups of its own"));
        }
        let (sequence, payload) = journal::open(&frame.bytes)?;
        if sequence != self.sequence + 1 {
            return Err(Error::Gap { last: self.sequence, found: sequence });
        }
        let list = journal::decode(payload).map_err(|_| Error::Frame("its payload is damaged"))?;
        let changes: Changes =
            list.into_iter().map(|(key, value)| (Bytes::from(key), value.map(Bytes::from))).collect();
        self.admit()?;
        self.commit(&changes)?;
        let committed = Committed { changes: &changes, sequence: self.sequence, records: true };
        self.follower.end(Some(&committed));
        Ok(sequence)
    }

    fn admit(&mut self) -> Result<(), Error> {
        if let Some(error) = self.shared.refused() {
            return Err(Error::Poisoned(error.to_string()));
        }
        let pending = self.active_bytes + self.frozen.as_ref().map_or(0, |frozen| frozen.bytes);
        if pending > PENDING_HARD {
            return Err(Error::Behind { bytes: pending });
        }
        self.space.as_mut().map_or(Ok(()), |space| space.check(pending))
    }

    /// One group: admits, runs, commits, answers.
    fn group(&mut self) {
        let open = self.fenced.as_ref().map_or(Ok(()), |why| Err(Error::Fenced(why.clone())));
        if let Err(error) = open.and_then(|()| self.admit()) {
            for job in self.jobs.drain(..) {
                job.answer(Err(error.clone()));
            }
            return;
        }
        let mut follower = std::mem::replace(&mut self.follower, Box::new(()));
        let (jobs, changes) = self.execute(follower.as_mut());
        let committed = match changes {
            Ok((changes, records)) => {
                let done = if changes.is_empty() { Ok(()) } else { self.commit(&changes) };
                let committed = Committed { changes: &changes, sequence: self.sequence, records };
                follower.end(done.is_ok().then_some(&committed));
                done
            }
            Err(error) => {
                follower.end(None);
                Err(error)
            }
        };
        self.follower = follower;
        self.shared.transactions.fetch_add(jobs.len() as u64, Ordering::Relaxed);
        for job in jobs {
            job.answer(committed.clone());
        }
    }

    fn layers<'a>(&'a self, group: &'a Changes) -> Layers<'a> {
        let frozen = self.frozen.as_ref().map(|frozen| frozen.changes.as_ref());
        Layers {
            fresh: [None, Some(group)],
            maps: [Some(&self.active), frozen],
            engine: self.engine.as_ref(),
            cache: Some(&self.cache),
        }
    }

    /// Runs transactions until the group is full; those that refuse leave nothing behind. Answers what changed, and whether
    /// anything did beside what the follower wrote.
    fn execute(&mut self, follower: &mut dyn Follower) -> (Vec<Box<dyn Job>>, Result<Closed, Error>) {
        let mut group = Changes::new();
        let mut lines: Vec<Line> = Vec::new();
        let (mut done, mut bytes) = (Vec::with_capacity(self.jobs.len()), 0u64);
        while let Some(mut job) = self.jobs.pop_front() {
            let mut tx = Tx::new(self.layers(&group), follower);
            let keep = job.run(&mut tx);
            let (overlay, added) = tx.into_parts();
            follower.settle(keep);
            done.push(job);
            if keep {
                bytes += overlay.iter().map(|(key, value)| change_bytes(key, value)).sum::<u64>();
                bytes += added.iter().map(|(_, line)| line.len() as u64).sum::<u64>();
                group.extend(overlay);
                lines.extend(added);
            }
            if done.len() >= GROUP_JOBS || bytes >= GROUP_BYTES {
                break;
            }
        }
        let records = !group.is_empty();
        let closed = self.close(follower, &group).and_then(|(changes, added)| {
            group.extend(changes);
            lines.extend(added);
            group.extend(chain(&self.layers(&group), lines)?);
            Ok((group, records))
        });
        (done, closed)
    }

    /// The follower's own transaction at the end of a group; nothing follows it.
    fn close(&self, follower: &mut dyn Follower, group: &Changes) -> Result<(Changes, Vec<Line>), Error> {
        let mut nobody = ();
        let mut tx = Tx::new(self.layers(group), &mut nobody);
        follower.close(&mut tx)?;
        Ok(tx.into_parts())
    }

    /// The group is on disk, and seen by views, when this returns without an error.
    fn commit(&mut self, changes: &Changes) -> Result<(), Error> {
        let sequence = self.sequence + 1;
        if let Some(journal) = &mut self.journal {
            let begun = Instant::now();
            match journal.append(sequence, changes) {
                Ok(frame) => {
                    let took = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    self.shared.journal_nanos.fetch_add(took, Ordering::Relaxed);
                    self.shared.journaled.fetch_add(frame.len() as u64, Ordering::Relaxed);
                    self.shared.kept_bytes.store(journal.kept_bytes(), Ordering::Relaxed);
                    self.shared.newest.push(sequence, frame);
                }
                Err(error @ (Error::DiskFull { .. } | Error::TooLarge { .. })) => return Err(error),
                Err(error) => {
                    tracing::error!(%error, "the journal failed; writes are refused until the store is opened again");
                    self.shared.refuse(error.clone());
                    return Err(error);
                }
            }
        }
        self.sequence = sequence;
        for (key, value) in changes {
            self.active_bytes += change_bytes(key, value);
            // From here on the key is read from the changes, and later from the engine anew.
            self.cache.get_mut().remove(key);
            let size = key.len();
            if let Some(old) = self.active.insert(key.clone(), value.clone()) {
                self.active_bytes -= (size + old.as_ref().map_or(0, Bytes::len)) as u64 + CHANGE_BYTES;
            }
        }
        self.shared.groups.fetch_add(1, Ordering::Relaxed);
        self.publish();
        self.shared.committed.send_replace(sequence);
        Ok(())
    }

    fn publish(&self) {
        let frozen = self.frozen.as_ref();
        let keys = self.active.len() + frozen.map_or(0, |frozen| frozen.changes.len());
        let bytes = self.active_bytes + frozen.map_or(0, |frozen| frozen.bytes);
        self.shared.pending_keys.store(keys as u64, Ordering::Relaxed);
        self.shared.pending_bytes.store(bytes, Ordering::Relaxed);
        self.shared.published.store(Arc::new(Published {
            active: self.active.clone(),
            frozen: frozen.map(|frozen| frozen.changes.clone()),
            sequence: self.sequence,
            _generation: self.generation.0.clone(),
        }));
    }

    /// Gives the applier what has been committed. Views from now on belong to a new generation, which sees all of it.
    fn hand_over(&mut self) {
        if !self.ready || self.frozen.is_some() || (self.active.is_empty() && self.waiting.is_empty()) {
            return;
        }
        self.ready = false;
        let changes = Arc::new(std::mem::take(&mut self.active));
        self.frozen = Some(Frozen { changes: changes.clone(), bytes: std::mem::take(&mut self.active_bytes) });
        let (_, unseen) = std::mem::replace(&mut self.generation, generation());
        self.publish();
        let waiting = std::mem::take(&mut self.waiting);
        if self.applier.send(Order { changes, sequence: self.sequence, unseen, waiting }).is_err() {
            tracing::debug!("the applier is gone; the journal keeps what it did not take");
        }
    }
}

fn answer(waiting: &Numbered, answer: Result<u64, Error>) {
    if waiting.send(answer).is_err() {
        tracing::trace!("nobody waits for the answer any more");
    }
}

fn change_bytes(key: &Bytes, value: &Option<Bytes>) -> u64 {
    (key.len() + value.as_ref().map_or(0, Bytes::len)) as u64 + CHANGE_BYTES
}

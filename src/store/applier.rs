//! Brings the engine up to date behind the writer's back, makes checkpoints, and takes the snapshots that let old journal
//! segments go. It never gets ahead of a reader: changes are applied when the last view is gone that must not see them.

use crate::{
    Error,
    checkpoint::Keeper,
    desk::Desk,
    engine::Engine,
    layer::Map,
    queue::{Message, Order},
    writer::Shared,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Time between two batches while little waits, so that counts that change often are written seldom.
const PACE: Duration = Duration::from_millis(100);
/// With more than this waiting there is no pause.
const PACE_BYTES: u64 = 4 << 20;
/// A checkpoint is made when nothing was to be done for so long.
const IDLE: Duration = Duration::from_millis(1_500);
/// How often a wait looks whether the store is closing.
const LOOK: Duration = Duration::from_millis(50);
/// How long closing waits for views that are held.
const PATIENCE: Duration = Duration::from_secs(2);

/// When checkpoints and snapshots are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub checkpoint_bytes: u64,
    pub retain_bytes: u64,
    pub reserve_bytes: u64,
}

pub(crate) struct Applier {
    pub orders: Receiver<Order>,
    pub writer: Arc<Desk>,
    pub shared: Arc<Shared>,
    pub engine: Arc<dyn Engine>,
    /// None for a store without a disk.
    pub keeper: Option<Keeper>,
    pub limits: Limits,
    /// Sequence that the engine stands at.
    pub applied: u64,
    /// Journal bytes at the last checkpoint.
    pub marked: u64,
    /// Bytes of the newest snapshot.
    pub snapshot_bytes: u64,
    /// The batch before, dropped when there is time.
    pub last: Option<Arc<Map>>,
}

/// Nice value of threads that nobody waits for.
pub(crate) const BACKGROUND: i32 = 10;

/// Lets the calling thread, and those that it starts, run behind those that somebody waits for, and on any core: `nice` is from 1 to 19, the farthest.
pub fn step_back(nice: i32) {
    // Whoever started it may be bound to a core; the program's first thread never is.
    let all = rustix::thread::sched_getaffinity(Some(rustix::process::getpid()));
    if let Err(error) = all.and_then(|all| rustix::thread::sched_setaffinity(None, &all)) {
        tracing::debug!(%error, "a background thread stays on its core");
    }
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), nice) {
        tracing::debug!(%error, "a background thread runs like any other");
    }
}

impl Applier {
    pub(crate) fn run(mut self) {
        step_back(BACKGROUND);
        loop {
            let done = match self.orders.recv_timeout(IDLE) {
                Ok(order) => self.serve(order),
                Err(RecvTimeoutError::Timeout) => self.idle(),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if let Err(error) = done {
                tracing::error!(%error, "the engine failed; writes are refused until the store is opened again");
                self.tell(Message::Failed(error));
                break;
            }
        }
    }

    /// A writer that is gone needs no message.
    fn tell(&self, message: Message) {
        if self.writer.send(message).is_err() {
            tracing::trace!("the writer is gone");
        }
    }

    fn serve(&mut self, order: Order) -> Result<(), Error> {
        self.last = None;
        if !self.wait_for_views(&order) || !self.wait_for_space() {
            self.tell(Message::Answer(order.waiting, Err(Error::Closed)));
            // Whoever asked for a checkpoint meanwhile waits at the writer, and must not for ever.
            self.tell(Message::Failed(Error::Closed));
            return Ok(());
        }
        let served = self.apply(&order).and_then(|()| self.checkpoint_if(!order.waiting.is_empty()));
        // Through the writer, so that who waited finds everything in the engine and nothing in front of it.
        self.tell(Message::Answer(order.waiting, served.clone()));
        served?;
        self.last = Some(order.changes);
        if self.shared.pending_bytes.load(Ordering::Relaxed) < PACE_BYTES {
            thread::park_timeout(PACE);
        }
        self.tell(Message::Ready);
        Ok(())
    }

    fn apply(&mut self, order: &Order) -> Result<(), Error> {
        match &mut self.keeper {
            Some(keeper) if !order.changes.is_empty() => keeper.apply(&order.changes)?,
            Some(_) => {}
            None => self.engine.apply(&mut order.changes.iter())?,
        }
        self.applied = order.sequence;
        self.tell(Message::Applied);
        Ok(())
    }

    /// False when the store closes and a view is still held.
    fn wait_for_views(&self, order: &Order) -> bool {
        let mut closing = None;
        while let Err(RecvTimeoutError::Timeout) = order.unseen.recv_timeout(LOOK) {
            if self.shared.closing.load(Ordering::Relaxed)
                && closing.get_or_insert_with(Instant::now).elapsed() > PATIENCE
            {
                return false;
            }
        }
        true
    }

    /// The engine is not written to when the disk is nearly full: what waits is in the journal. False when the store closes.
    fn wait_for_space(&self) -> bool {
        let Some(keeper) = &self.keeper else { return true };
        loop {
            match keeper.disk.free(&keeper.folder.0) {
                Ok(free) if free < self.limits.reserve_bytes / 2 => {
                    if self.shared.closing.load(Ordering::Relaxed) {
                        return false;
                    }
                    thread::park_timeout(LOOK);
                }
                _ => return true,
            }
        }
    }

    fn checkpoint_if(&mut self, wanted: bool) -> Result<(), Error> {
        let journaled = self.shared.journaled.load(Ordering::Relaxed);
        if wanted || journaled.saturating_sub(self.marked) >= self.limits.checkpoint_bytes {
            self.checkpoint()?;
        }
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<(), Error> {
        let journaled = self.shared.journaled.load(Ordering::Relaxed);
        let Some(keeper) = &mut self.keeper else { return Ok(()) };
        if keeper.state.sequence == self.applied && keeper.state.trust == crate::checkpoint::Trust::Clean {
            return Ok(());
        }
        keeper.checkpoint(self.applied)?;
        self.marked = journaled;
        self.shared.checkpoint.store(self.applied, Ordering::Relaxed);
        self.snapshot_if_due();
        self.forget();
        Ok(())
    }

    fn forget(&self) {
        if let Some(keeper) = &self.keeper {
            self.tell(Message::Forget(keeper.spare()));
        }
    }

    /// Without a newer snapshot no journal segment can go. One that fails is tried again at the next checkpoint.
    fn snapshot_if_due(&mut self) {
        let kept = self.shared.kept_bytes.load(Ordering::Relaxed);
        let due = self.limits.retain_bytes.max(self.snapshot_bytes.saturating_mul(4));
        let calm = self.shared.pending_bytes.load(Ordering::Relaxed) < PACE_BYTES;
        if kept < due || (!calm && kept < due.saturating_mul(2)) {
            return;
        }
        let Some(keeper) = &mut self.keeper else { return };
        let needed = self.limits.reserve_bytes.saturating_add(self.snapshot_bytes.saturating_mul(2));
        match keeper.disk.free(&keeper.folder.0) {
            Ok(free) if free >= needed => {}
            _ => {
                tracing::warn!("no room for a snapshot; the journal goes on growing");
                return;
            }
        }
        match keeper.snapshot(self.applied) {
            Ok(bytes) => self.snapshot_bytes = bytes,
            Err(error) => tracing::warn!(%error, "the snapshot failed; the journal goes on growing"),
        }
    }

    fn idle(&mut self) -> Result<(), Error> {
        self.last = None;
        self.checkpoint()
    }
}

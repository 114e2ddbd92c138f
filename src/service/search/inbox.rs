//! What changed in the store and is not in the index yet. Filled on the writer's thread with every commit, so it must cost nearly nothing;
//! emptied when the index has it. Until then whatever stands in it is neither shown nor counted.

use super::kind::Kind;
use imbl::HashMap;
use search::Key;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Committed, Touched};

/// Changed records with the newest group that changed each. Cloning it is cheap: questions look at it as it was when they began.
pub(super) type Stale = HashMap<Key, u64>;

/// What waits for whoever keeps the index.
#[derive(Default)]
pub(super) struct Waiting {
    pub stale: Stale,
    /// Records that changed since the building of a new index began.
    pub meanwhile: Option<Stale>,
    /// Somebody asked for a new index.
    pub rebuild: bool,
    /// The index turned out to be damaged.
    pub damaged: bool,
    /// A new index is ready, or its building failed.
    pub built: Option<Result<(u64, u64), String>>,
    pub closing: bool,
    /// Somebody waits until the index holds this group.
    pub wanted: u64,
}

/// The inbox.
#[derive(Default)]
pub(crate) struct Inbox {
    on: AtomicBool,
    sequence: AtomicU64,
    kinds: Mutex<&'static [&'static dyn Kind]>,
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

impl Inbox {
    /// Begins to take changes in.
    pub(super) fn open(&self, kinds: &'static [&'static dyn Kind]) {
        *self.kinds.lock().unwrap_or_else(PoisonError::into_inner) = kinds;
        self.on.store(true, Ordering::SeqCst);
    }

    /// Called by the writer for each group.
    pub(crate) fn note(&self, committed: &Committed<'_>) {
        if !self.on.load(Ordering::SeqCst) {
            return;
        }
        // A group of scans changes nothing that is searched.
        if committed.has_records() {
            self.touch(committed.sequence(), committed.touched());
        }
        // Told last: whoever reads it finds in the inbox whatever groups up to it changed.
        self.sequence.fetch_max(committed.sequence(), Ordering::SeqCst);
    }

    fn touch<'a>(&self, sequence: u64, touched: impl Iterator<Item = Touched<'a>>) {
        let kinds = *self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<Key> = touched.filter_map(|change| key_of(kinds, &change)).collect();
        self.put(sequence, keys);
    }

    /// Notes records that must be looked at again.
    pub(super) fn put(&self, sequence: u64, keys: Vec<Key>) {
        if keys.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        for key in keys {
            waiting.stale.insert(key, sequence);
            if let Some(meanwhile) = &mut waiting.meanwhile {
                meanwhile.insert(key, sequence);
            }
        }
        drop(waiting);
        self.wake.notify_all();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest group that was told of.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::SeqCst)
    }

    /// Tells the newest group that everything is known of.
    pub(super) fn begin_at(&self, sequence: u64) {
        self.sequence.fetch_max(sequence, Ordering::SeqCst);
    }

    /// What changed and is not in the index.
    pub(super) fn stale(&self) -> Stale {
        self.lock().stale.clone()
    }

    /// Changes something that waits, and wakes.
    pub(super) fn tell(&self, f: impl FnOnce(&mut Waiting)) {
        f(&mut self.lock());
        self.wake.notify_all();
    }

    /// Waits until something is to be done or the time is over.
    pub(super) fn wait(&self, time: Duration) {
        let waiting = self.lock();
        let idle = |waiting: &mut Waiting| {
            waiting.stale.is_empty()
                && !waiting.rebuild
                && !waiting.damaged
                && !waiting.closing
                && waiting.wanted == 0
                && waiting.built.is_none()
        };
        drop(self.wake.wait_timeout_while(waiting, time, idle).unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits so that changes that follow each other closely are taken in together; ends early when the hall closes.
    pub(super) fn gather(&self, time: Duration) {
        let waiting = self.lock();
        drop(
            self.wake
                .wait_timeout_while(waiting, time, |waiting| !waiting.closing)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

/// The record whose entries a change may alter.
pub(super) fn key_of(kinds: &[&'static dyn Kind], change: &Touched<'_>) -> Option<Key> {
    kinds.iter().find_map(|kind| kind.touched(change))
}

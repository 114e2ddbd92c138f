//! What a second box follows by: the newest frames as they lie in the journal, from memory while it keeps up and from the journal's segments when it
//! does not. The writer never waits for whoever reads here, and keeps no more than a few MiB for it.

use crate::{
    Error, Key, SpaceId,
    disk::{Disk, Folder},
    journal::{self, Tail as End, replay},
    table::AUDIT,
    tx::read_block,
};
use bytes::Bytes;
use ring::digest::{SHA256, digest};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of frames that are kept in memory while somebody follows.
const KEPT_BYTES: usize = 4 << 20;
/// Bytes of frames that are handed out at once; a single larger frame comes alone.
pub const BATCH_BYTES: usize = 1 << 20;

/// One group of transactions as it lies in the journal: checked by its own sums, and written by a store that receives it as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its number.
    pub sequence: u64,
    /// Head, payload and tail.
    pub bytes: Bytes,
}

impl Frame {
    /// Reads exactly one frame. The error says what is wrong with it.
    pub fn read(bytes: Bytes) -> Result<Self, Error> {
        let (sequence, _) = journal::open(&bytes)?;
        Ok(Self { sequence, bytes })
    }

    /// What tells two frames apart that have one number.
    pub fn digest(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, &self.bytes).as_ref());
        out
    }
}

/// What comes next for a follower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Batch {
    /// These groups, in order and without a gap.
    Frames(Vec<Frame>),
    /// Nothing: it has everything that was committed.
    UpToDate,
    /// The journal does not hold what comes next any more, or never did: a snapshot is needed.
    Gone,
}

/// The newest frames.
#[derive(Debug, Default)]
pub(crate) struct Newest(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    watchers: usize,
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Newest {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A frame was committed. Kept only while somebody follows.
    pub(crate) fn push(&self, sequence: u64, bytes: Vec<u8>) {
        let mut kept = self.lock();
        if kept.watchers == 0 {
            return;
        }
        kept.bytes += bytes.len();
        kept.frames.push_back(Frame { sequence, bytes: bytes.into() });
        while kept.bytes > KEPT_BYTES
            && let Some(old) = kept.frames.pop_front()
        {
            kept.bytes -= old.bytes.len();
        }
    }

    fn watch(&self) {
        self.lock().watchers += 1;
    }

    fn leave(&self) {
        let mut kept = self.lock();
        kept.watchers -= 1;
        if kept.watchers == 0 {
            *kept = Kept::default();
        }
    }

    /// The frames behind `after` up to `last`, as many as fit; none when memory does not go back so far. What comes behind `last` is on disk and not
    /// committed yet: whoever had it would be ahead of the store for a moment.
    fn behind(&self, after: u64, last: u64) -> Option<Vec<Frame>> {
        let kept = self.lock();
        let first = kept.frames.front()?.sequence;
        let skip = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        let mut bytes = 0;
        let fits = |frame: &&Frame| {
            let fits = bytes == 0 || bytes + frame.bytes.len() <= BATCH_BYTES;
            bytes += frame.bytes.len();
            fits && frame.sequence <= last
        };
        let found: Vec<Frame> = kept.frames.iter().skip(skip).take_while(fits).cloned().collect();
        (!found.is_empty()).then_some(found)
    }
}

/// Where the journal lies.
pub(crate) type Place = (Arc<dyn Disk>, Folder);

/// Whoever follows a store, frame by frame. While one lives, the newest frames stay in memory.
pub struct Frames {
    newest: Arc<Newest>,
    place: Place,
}

impl Frames {
    pub(crate) fn new(newest: Arc<Newest>, place: Place) -> Self {
        newest.watch();
        Self { newest, place }
    }

    /// What comes behind group `after`; `last` is the newest that was committed. Blocks the thread while it reads the journal.
    pub(crate) fn next(&self, after: u64, last: u64) -> Batch {
        if after >= last {
            return if after == last { Batch::UpToDate } else { Batch::Gone };
        }
        if let Some(found) = self.newest.behind(after, last) {
            return Batch::Frames(found);
        }
        let (found, failed) = read(&self.place, after, last, BATCH_BYTES);
        if found.is_empty() {
            tracing::info!(after, why = failed, "the journal does not hold what a follower needs next");
            return Batch::Gone;
        }
        Batch::Frames(found)
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.newest.leave();
    }
}

/// Frames out of the journal, up to so many bytes; and why there are no more, where something was wrong.
fn read((disk, folder): &Place, after: u64, last: u64, max: usize) -> (Vec<Frame>, Option<String>) {
    let (mut found, mut bytes): (Vec<Frame>, usize) = (Vec::new(), 0);
    // What is being written just now lies behind `last` and may look torn. An error ends the reading where enough was found.
    let ended = replay(disk.as_ref(), folder, after, End::Cut, |sequence, changes| {
        if sequence > last || bytes >= max {
            return Err(Error::Closed);
        }
        let mut frame = Vec::new();
        journal::part::put(&mut frame, sequence, changes)?;
        bytes += frame.len();
        found.push(Frame { sequence, bytes: frame.into() });
        Ok(())
    });
    let failed = match ended {
        Err(Error::Closed) | Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    (found, failed)
}

/// One frame out of the journal.
pub(crate) fn at(place: &Place, sequence: u64) -> Option<Frame> {
    let (found, _) = read(place, sequence.checked_sub(1)?, sequence, 1);
    found.into_iter().find(|frame| frame.sequence == sequence)
}

/// The audit lines that the groups behind `after` wrote, oldest first.
pub(crate) fn lines(
    (disk, folder): &Place,
    after: u64,
    mut each: impl FnMut(SpaceId, u64, Vec<u8>),
) -> Result<(), Error> {
    let read = replay(disk.as_ref(), folder, after, End::Cut, |_, changes| {
        for (key, value) in changes {
            let (mut at, value) = (key.as_slice(), value.unwrap_or_default());
            let (Some(space), Some(AUDIT)) = (u64::decode(&mut at), u16::decode(&mut at)) else { continue };
            for (number, line) in read_block(&key, &value)?.lines {
                each(SpaceId(space), number, line);
            }
        }
        Ok(())
    });
    read.map(drop)
}

//! The journal: numbered, preallocated segments of checksummed frames. One frame is one group of transactions: its sequence
//! number, puts and deletes. A frame is synced before the next is written, so only the last can be torn. The bytes of
//! frames and heads are in [`format`], reading them back is in [`replay`].

mod format;
pub(crate) mod part;
mod replay;

pub(crate) use format::{Payload, decode, encode, open};
pub(crate) use replay::{Replayed, Tail, look, replay};

use crate::{
    Error,
    direct::BLOCK,
    disk::{Disk, DiskFile, Folder},
    layer::Changes,
};
use format::{HEAD, file_name, frame, segment_head};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// File that names the newest segment in use, so that its loss is noticed.
pub(crate) const NEWEST: &str = "newest";

/// What a probe writes.
const PROBE: [u8; 64] = [0; 64];

/// A segment that is there in whole and on disk.
struct Segment {
    number: u64,
    capacity: u64,
    file: Box<dyn DiskFile>,
}

/// Work that the writer does not wait for.
enum Errand {
    Make(u64, u64),
    Remove(PathBuf),
}

/// The journal while it is written.
pub struct Journal {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    segment_bytes: u64,
    segment: Segment,
    offset: u64,
    /// None once it ends.
    errands: Option<Sender<Errand>>,
    runner: Option<JoinHandle<()>>,
    spares: Receiver<Result<Segment, Error>>,
    /// A spare segment was asked for and has not been taken.
    asked: bool,
    /// Numbers, first sequences and bytes of the segments that hold frames.
    kept: Vec<(u64, u64, u64)>,
}

impl Journal {
    /// Goes on behind what was read: in the last segment when its end is sound, in the next otherwise.
    pub(crate) fn resume(
        disk: Arc<dyn Disk>,
        folder: &Folder,
        segment_bytes: u64,
        read: &Replayed,
    ) -> Result<Self, Error> {
        let folder = folder.journal();
        let segment_bytes = segment_bytes.max(4096);
        let last = read.segments.last().map_or(0, |segment| segment.number);
        let (segment, offset) = match &read.end {
            Some((number, offset)) => (reopen(disk.as_ref(), &folder, *number, read)?, *offset),
            None => (make(disk.as_ref(), &folder, last + 1, segment_bytes)?, HEAD as u64),
        };
        if read.newest < segment.number {
            note_newest(disk.as_ref(), &folder, segment.number)?;
        }
        let kept = read.segments.iter().filter_map(|kept| Some((kept.number, kept.first?, kept.bytes))).collect();
        let (errands, orders) = channel();
        let (made, spares) = channel();
        let place = (disk.clone(), folder.clone());
        let spawned = thread::Builder::new().name("store-journal".into()).spawn(move || {
            crate::applier::step_back(crate::applier::BACKGROUND);
            let (disk, folder) = place;
            for errand in orders {
                run_errand(disk.as_ref(), &folder, errand, &made);
            }
        });
        let runner = Some(spawned.map_err(Error::io("starting the journal's thread"))?);
        let errands = Some(errands);
        let mut journal =
            Self { disk, folder, segment_bytes, segment, offset, errands, runner, spares, asked: false, kept };
        journal.ask_for_spare();
        Ok(journal)
    }

    /// Appends a frame and syncs it. [`Error::DiskFull`] means that nothing was written; any other error that what is on
    /// disk is unknown. Answers the frame.
    pub(crate) fn append(&mut self, sequence: u64, changes: &Changes) -> Result<Vec<u8>, Error> {
        let frame = frame(sequence, &encode(changes.iter())?)?;
        let length = frame.len() as u64;
        if self.offset + length > self.segment.capacity {
            self.switch(length)?;
        }
        self.segment.file.append(&frame, self.offset).map_err(Error::io("writing the journal"))?;
        if self.offset == HEAD as u64 {
            self.kept.push((self.segment.number, sequence, self.segment.capacity));
        }
        self.offset += length;
        Ok(frame)
    }

    /// Does to the disk what the next frame will do, and changes nothing: writes zeros where it will lie, which are there already, and syncs them.
    pub(crate) fn probe(&self) -> Result<(), Error> {
        if self.offset + PROBE.len() as u64 <= self.segment.capacity {
            return self.segment.file.append(&PROBE, self.offset).map_err(Error::io("writing the journal"));
        }
        self.segment.file.sync().map_err(Error::io("syncing the journal"))
    }

    fn switch(&mut self, frame: u64) -> Result<(), Error> {
        let needed = HEAD as u64 + frame;
        let number = self.segment.number + 1;
        let spare = if std::mem::take(&mut self.asked) {
            Some(self.spares.recv().map_err(|_| Error::Engine("the journal's thread is gone".into()))?)
        } else {
            None
        };
        let segment = match spare {
            Some(Ok(spare)) if spare.capacity >= needed && spare.number == number => spare,
            // Too small for this frame, or there was no room for it a while ago: it is made anew under the same number.
            _ => make(self.disk.as_ref(), &self.folder, number, self.segment_bytes.max(needed))?,
        };
        // Named before anything is in it: a newest segment that is gone is noticed from its first frame on.
        note_newest(self.disk.as_ref(), &self.folder, number)?;
        (self.segment, self.offset) = (segment, HEAD as u64);
        self.ask_for_spare();
        Ok(())
    }

    fn ask_for_spare(&mut self) {
        self.asked = self.send(Errand::Make(self.segment.number + 1, self.segment_bytes));
    }

    fn send(&self, errand: Errand) -> bool {
        self.errands.as_ref().is_some_and(|errands| errands.send(errand).is_ok())
    }

    /// Removes the segments that hold nothing above `sequence`.
    pub(crate) fn forget(&mut self, sequence: u64) {
        let spare = |pair: &&[(u64, u64, u64)]| matches!(pair, [_, (_, next, _)] if *next <= sequence + 1);
        let count = self.kept.windows(2).take_while(spare).count();
        let gone: Vec<_> = self.kept.drain(..count).collect();
        for (number, _, _) in gone {
            if !self.send(Errand::Remove(self.folder.join(file_name(number)))) {
                tracing::warn!(number, "a journal segment stays");
            }
        }
    }

    /// Bytes of all segments that hold frames.
    pub(crate) fn kept_bytes(&self) -> u64 {
        self.kept.iter().map(|(_, _, bytes)| bytes).sum()
    }
}

/// When a journal is gone, nobody writes in its folder any more: whoever opens it next, or removes it, is alone.
impl Drop for Journal {
    fn drop(&mut self) {
        drop(self.errands.take());
        if self.runner.take().is_some_and(|runner| runner.join().is_err()) {
            tracing::error!("the journal's thread panicked");
        }
    }
}

fn run_errand(disk: &dyn Disk, folder: &Path, errand: Errand, made: &Sender<Result<Segment, Error>>) {
    match errand {
        Errand::Make(number, bytes) => {
            let segment = make(disk, folder, number, bytes);
            if made.send(segment).is_err() {
                tracing::debug!(number, "the journal was closed before its spare segment was needed");
            }
        }
        Errand::Remove(path) => {
            if let Err(error) = disk.remove(&path) {
                tracing::warn!(path = %path.display(), %error, "a journal segment stays");
            }
        }
    }
}

/// Opens the segment that goes on; whatever a killed process had not synced is synced now, since it counts from here on.
fn reopen(disk: &dyn Disk, folder: &Path, number: u64, read: &Replayed) -> Result<Segment, Error> {
    let file = disk.open(&folder.join(file_name(number))).map_err(Error::io("opening the journal"))?;
    file.sync().map_err(Error::io("syncing the journal"))?;
    let capacity = read.segments.iter().find(|segment| segment.number == number).map_or(0, |segment| segment.bytes);
    Ok(Segment { number, capacity, file })
}

/// Makes a segment of zeros behind a head. It gets its name when it is on disk in whole.
fn make(disk: &dyn Disk, folder: &Path, number: u64, bytes: u64) -> Result<Segment, Error> {
    let bytes = bytes.next_multiple_of(BLOCK as u64);
    let (draft, path) = (folder.join(format!("{number:010}.part")), folder.join(file_name(number)));
    let made = disk.create(&draft, bytes).and_then(|file| {
        file.write_at(&segment_head(number, bytes), 0)?;
        file.sync()?;
        Ok(file)
    });
    let file = match made {
        Ok(file) => file,
        Err(error) => {
            // What was made of it takes up the room that is missing.
            if let Err(error) = disk.remove(&draft) {
                tracing::warn!(path = %draft.display(), %error, "half a journal segment stays");
            }
            return Err(full_or("making a journal segment", bytes, error));
        }
    };
    disk.rename(&draft, &path).map_err(Error::io("naming a journal segment"))?;
    disk.sync_dir(folder).map_err(Error::io("naming a journal segment"))?;
    Ok(Segment { number, capacity: bytes, file })
}

fn note_newest(disk: &dyn Disk, folder: &Path, number: u64) -> Result<(), Error> {
    let noted = disk.replace(&folder.join(NEWEST), number.to_string().as_bytes());
    noted.map_err(|error| full_or("naming the newest journal segment", 4096, error))
}

/// Whether the disk was full, which refuses a group and harms nothing, or something else was wrong.
fn full_or(doing: &str, needed: u64, error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::DiskFull { free: 0, needed },
        _ => Error::io(doing)(error),
    }
}

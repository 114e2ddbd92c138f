//! Where the writer sits: whoever brings a transaction while nobody writes does the writing for that one group; otherwise the writer's
//! thread, or whoever writes just now, finds it.

use crate::{
    Error,
    queue::{Job, Message},
    writer::Writer,
};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};
use std::thread::{self, Thread};

/// The writer with its queue. Whoever holds the lock writes; whoever lets go of it looks whether something came meanwhile, and then wakes
/// the thread. A message is counted before the lock is tried, so one of the two sees it.
pub(crate) struct Desk {
    queue: Sender<Message>,
    unread: Arc<AtomicUsize>,
    /// None before the start and after the end.
    writer: Mutex<Option<Writer>>,
    thread: OnceLock<Thread>,
    /// The last group was of several: more will come together, and whoever wrote them all would be kept from its own work.
    crowded: AtomicBool,
}

impl Desk {
    pub(crate) fn new(queue: Sender<Message>, unread: Arc<AtomicUsize>) -> Self {
        Self { queue, unread, writer: Mutex::new(None), thread: OnceLock::new(), crowded: AtomicBool::new(false) }
    }

    /// Seats the writer.
    pub(crate) fn open(&self, writer: Writer) {
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
    }

    /// Tells which thread attends.
    pub(crate) fn staffed(&self, thread: Thread) {
        self.thread.get_or_init(|| thread);
        self.wake();
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn push(&self, message: Message) -> Result<(), Error> {
        self.unread.fetch_add(1, Ordering::SeqCst);
        self.queue.send(message).map_err(|_| Error::Closed)
    }

    /// Sends something that can wait for the writer's thread.
    pub(crate) fn send(&self, message: Message) -> Result<(), Error> {
        self.push(message)?;
        self.wake();
        Ok(())
    }

    /// Brings a transaction, and runs its group here when nobody writes.
    pub(crate) fn ask(&self, job: Box<dyn Job>) -> Result<(), Error> {
        self.push(Message::Job(job))?;
        if self.crowded.load(Ordering::Relaxed) {
            self.wake();
            return Ok(());
        }
        match self.writer.try_lock() {
            Ok(mut seat) => {
                let more = match seat.as_mut() {
                    Some(writer) if !writer.is_behind() => self.turn(writer),
                    Some(_) | None => true,
                };
                drop(seat);
                if more || self.unread.load(Ordering::SeqCst) > 0 {
                    self.wake();
                }
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Poisoned(seat)) => {
                // A writer that panicked stands nobody knows where: it ends, and the next start reads what is on disk.
                *seat.into_inner() = None;
                return Err(Error::Closed);
            }
        }
        Ok(())
    }

    fn turn(&self, writer: &mut Writer) -> bool {
        let (jobs, more) = writer.turn();
        self.crowded.store(jobs > 1 || more, Ordering::Relaxed);
        more
    }

    /// The writer's thread: writes while something waits, and sleeps when nothing does, until the end.
    pub(crate) fn attend(&self) {
        loop {
            {
                let Ok(mut seat) = self.writer.lock() else { return };
                let Some(writer) = seat.as_mut() else { return };
                while self.turn(writer) {}
                if writer.is_over() {
                    *seat = None;
                    return;
                }
            }
            if self.unread.load(Ordering::SeqCst) == 0 {
                thread::park();
            }
        }
    }
}

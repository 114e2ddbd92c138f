//! Where the writer sits: whoever brings a transaction while nobody writes does the writing for that one group; in a crowd a task of the runtime does, which
//! comes to its turn when everybody who is ready has brought something; otherwise the writer's thread, or whoever writes just now, finds it.

use crate::{
    Error,
    queue::{Job, Message},
    writer::Writer,
};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError, Weak};
use std::thread::{self, Thread};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Notify;

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
    /// Wakes the task that writes for a crowd.
    bell: Arc<Notify>,
    /// There is such a task.
    helped: AtomicBool,
}

/// How far one turn at the desk came.
enum Turn {
    /// Something waits still.
    More,
    Done,
    /// Somebody else writes just now, and looks afterwards.
    Taken,
}

impl Desk {
    pub(crate) fn new(queue: Sender<Message>, unread: Arc<AtomicUsize>) -> Self {
        Self {
            queue,
            unread,
            writer: Mutex::new(None),
            thread: OnceLock::new(),
            crowded: AtomicBool::new(false),
            bell: Arc::default(),
            helped: AtomicBool::new(false),
        }
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

    /// Wakes the writer's thread.
    pub(crate) fn wake(&self) {
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
            self.call();
            return Ok(());
        }
        match self.attempt()? {
            Turn::More => self.call(),
            Turn::Done | Turn::Taken => {}
        }
        Ok(())
    }

    /// Calls whoever writes for a crowd.
    fn call(&self) {
        if self.helped.load(Ordering::SeqCst) { self.bell.notify_one() } else { self.wake() }
    }

    /// Runs a group if nobody writes.
    fn attempt(&self) -> Result<Turn, Error> {
        match self.writer.try_lock() {
            Ok(mut seat) => {
                let more = match seat.as_mut() {
                    Some(writer) if !writer.is_behind() => self.turn(writer).1,
                    Some(_) | None => {
                        drop(seat);
                        self.wake();
                        return Ok(Turn::Done);
                    }
                };
                drop(seat);
                Ok(if more || self.unread.load(Ordering::SeqCst) > 0 { Turn::More } else { Turn::Done })
            }
            Err(TryLockError::WouldBlock) => Ok(Turn::Taken),
            Err(TryLockError::Poisoned(seat)) => {
                // A writer that panicked stands nobody knows where: it ends, and the next start reads what is on disk.
                *seat.into_inner() = None;
                Err(Error::Closed)
            }
        }
    }

    /// Has a task write for the crowd from here on, where there is one and a runtime whose own threads carry it. It hands answers out where they are taken
    /// on, so no thread has to be woken for them, and its groups are larger.
    pub(crate) fn help(self: &Arc<Self>) {
        if !self.crowded.load(Ordering::Relaxed) || self.helped.load(Ordering::Relaxed) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        if runtime.runtime_flavor() != RuntimeFlavor::MultiThread || self.helped.swap(true, Ordering::SeqCst) {
            return;
        }
        let (helping, bell) = (Helping(Arc::downgrade(self)), self.bell.clone());
        drop(runtime.spawn(async move {
            loop {
                bell.notified().await;
                loop {
                    tokio::task::yield_now().await;
                    let Some(desk) = helping.0.upgrade() else { return };
                    match desk.attempt() {
                        Ok(Turn::More) => {}
                        Ok(Turn::Done | Turn::Taken) => break,
                        Err(_) => return,
                    }
                }
            }
        }));
        // Whatever was brought while nobody helped.
        self.bell.notify_one();
    }

    /// Whether a task writes for crowds.
    #[cfg(test)]
    pub(crate) fn is_helped(&self) -> bool {
        self.helped.load(Ordering::SeqCst)
    }

    /// One group: how many transactions, and whether there may be more.
    fn turn(&self, writer: &mut Writer) -> (usize, bool) {
        let writing = Writing::begin();
        let (ran, more) = writer.turn();
        drop(writing);
        self.crowded.store(ran > 1 || more, Ordering::Relaxed);
        (ran, more)
    }

    /// The writer's thread: writes while something waits, and sleeps when nothing does, until the end. Where a task helps, it writes what waits when it is
    /// called, and leaves the rest.
    pub(crate) fn attend(&self) {
        loop {
            let (more, helped) = {
                let mut seat = match self.writer.lock() {
                    Ok(seat) => seat,
                    Err(poisoned) => {
                        *poisoned.into_inner() = None;
                        return;
                    }
                };
                let Some(writer) = seat.as_mut() else { return };
                let mut left = writer.waiting();
                loop {
                    let (ran, more) = self.turn(writer);
                    left = left.saturating_sub(ran);
                    let helped = self.helped.load(Ordering::SeqCst) && !writer.is_ending();
                    if !more || (helped && left == 0) {
                        if writer.is_over() {
                            *seat = None;
                            return;
                        }
                        break (more, helped);
                    }
                }
            };
            if more || self.unread.load(Ordering::SeqCst) > 0 {
                if !helped {
                    continue;
                }
                self.bell.notify_one();
            }
            thread::park();
        }
    }
}

thread_local! {
    /// Whether this thread runs a group just now.
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// As long as it lives, this thread runs a group.
struct Writing;

impl Writing {
    fn begin() -> Self {
        WRITING.set(true);
        Self
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        WRITING.set(false);
    }
}

/// Whether the calling thread runs a group just now.
pub(crate) fn is_writing() -> bool {
    WRITING.get()
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.bell.notify_one();
    }
}

/// Held by the task that helps; when it goes, with its runtime, the thread takes over.
struct Helping(Weak<Desk>);

impl Drop for Helping {
    fn drop(&mut self) {
        if let Some(desk) = self.0.upgrade() {
            desk.helped.store(false, Ordering::SeqCst);
            desk.wake();
        }
    }
}

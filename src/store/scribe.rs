//! The thread that takes a group's page to the disk while whoever ran the group does something else: in a crowd a processor would have nothing to do for as
//! long as the disk takes.

use crate::{Error, journal::Page};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How it went with a page, and how long it took; without the page where that is not known.
pub(crate) struct Taken {
    pub page: Option<Page>,
    pub written: Result<(), Error>,
    pub took: Duration,
}

/// Takes one page at a time.
pub(crate) struct Scribe {
    /// None once it ends.
    pages: Option<Sender<Page>>,
    taken: Receiver<Taken>,
    thread: Option<JoinHandle<()>>,
}

/// Writes a page, and tells how that went.
pub(crate) fn take(page: Page) -> Taken {
    let begun = Instant::now();
    let written = page.write();
    Taken { page: Some(page), written, took: begun.elapsed() }
}

impl Scribe {
    /// Starts the thread; it rings `bell` whenever a page is on the disk.
    pub(crate) fn start(bell: Arc<Notify>) -> Result<Self, Error> {
        let (pages, orders) = channel();
        let (told, taken) = channel();
        let run = move || {
            for page in orders {
                if told.send(take(page)).is_err() {
                    return;
                }
                bell.notify_one();
            }
        };
        let thread = thread::Builder::new().name("store-scribe".into()).spawn(run);
        let thread = thread.map_err(Error::io("starting the store's threads"))?;
        Ok(Self { pages: Some(pages), taken, thread: Some(thread) })
    }

    /// Gives it a page; one that is gone gives it back.
    pub(crate) fn give(&self, page: Page) -> Result<(), Page> {
        match &self.pages {
            Some(pages) => pages.send(page).map_err(|back| back.0),
            None => Err(page),
        }
    }

    /// How it went with the page that it was given; none when it is on its way still and not to be waited for.
    pub(crate) fn back(&self, wait: bool) -> Option<Taken> {
        let taken =
            if wait { self.taken.recv().map_err(|_| TryRecvError::Disconnected) } else { self.taken.try_recv() };
        match taken {
            Ok(taken) => Some(taken),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                let written = Err(Error::Engine("the thread that writes the journal is gone".into()));
                Some(Taken { page: None, written, took: Duration::ZERO })
            }
        }
    }
}

/// When it is gone, nothing is on its way to the disk any more.
impl Drop for Scribe {
    fn drop(&mut self) {
        drop(self.pages.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes the journal panicked");
        }
    }
}

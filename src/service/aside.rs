//! Long reading, such as lists, searches and exports, on threads of its own, which step back behind those that somebody at a door waits
//! for: a list that is looked at in the rush costs the scans little.

use crate::Error;
use domain::refuse;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

/// Threads that read.
const THREADS: usize = 2;
/// How far they step back: as far as there is.
const NICE: i32 = 19;
/// Most readings that wait at a time.
const WAITING_MAX: usize = 200;
static WAITING: AtomicUsize = AtomicUsize::new(0);

fn attend(work: &Mutex<Receiver<Work>>) {
    store::step_back(NICE);
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(next) = next else { return };
        if catch_unwind(AssertUnwindSafe(next)).is_err() {
            tracing::error!("a reading panicked");
        }
    }
}

/// Where work is brought.
fn desk() -> &'static Sender<Work> {
    static DESK: OnceLock<Sender<Work>> = OnceLock::new();
    DESK.get_or_init(|| {
        let (bring, work) = channel();
        let work = Arc::new(Mutex::new(work));
        for n in 0..THREADS {
            let work = work.clone();
            let started = thread::Builder::new().name(format!("aside-{n}")).spawn(move || attend(&work));
            if let Err(error) = started {
                tracing::error!(%error, "a thread for reading cannot be started");
            }
        }
        bring
    })
}

/// Runs `read` aside and waits for it.
pub async fn aside<T: Send + 'static>(read: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    if WAITING.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
        WAITING.fetch_sub(1, Ordering::Relaxed);
        return Err(refuse!(Slow, "list.busy", "Many lists are being read just now. Try again in a moment.").into());
    }
    let (tell, told) = oneshot::channel();
    let work = Box::new(move || {
        WAITING.fetch_sub(1, Ordering::Relaxed);
        let done = read();
        // Whoever went away needs no list.
        drop(tell.send(done));
    });
    desk().send(work).map_err(|_| Error::Internal("nobody reads".into()))?;
    told.await.map_err(|error| Error::internal("reading", error))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_read_aside_comes_back_and_a_panic_ends_only_itself() {
        assert_eq!(aside(|| Ok(7)).await.unwrap(), 7);
        let refused = aside(|| Err::<(), _>(domain::Refusal::missing("list").into())).await.unwrap_err();
        assert_eq!(refused.code(), Some("record.missing"));
        for _ in 0..THREADS * 2 {
            let panicked = aside(|| -> Result<(), Error> { panic!("as tests do") }).await;
            assert!(matches!(panicked, Err(Error::Internal(_))));
        }
        assert_eq!(aside(|| Ok(8)).await.unwrap(), 8, "the threads go on");
    }
}

//! Long reading, such as lists, searches and exports, on threads of its own, which step back behind those that somebody at a door waits
//! for, and rest between two readings while there is a rush: a list that is looked at then costs the scans little.

use crate::Error;
use domain::refuse;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

/// Threads that read.
const THREADS: usize = 2;
/// How far they step back: as far as there is.
const NICE: i32 = 19;
/// Most readings that wait at a time.
const WAITING_MAX: usize = 200;
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Scans that were decided together, because they came while the ones before were written, are a rush from so many on.
const RUSH: usize = 16;
/// How long a rush lasts after that.
const RUSH_TIME: Duration = Duration::from_millis(100);
/// A reading of the lowest priority still takes a good part of a core from whoever waits. In a rush a thread rests so many times as long as it read.
const REST: u32 = 4;
/// The longest rest.
const REST_MAX: Duration = Duration::from_millis(100);
static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
/// Milliseconds from [`BEGUN`] to the end of the newest rush.
static RUSH_END: AtomicU64 = AtomicU64::new(0);

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// So many scans were decided together.
pub(crate) fn decided(scans: usize) {
    if let Some(end) = rush_end(scans, || BEGUN.elapsed()) {
        RUSH_END.store(end, Ordering::Relaxed);
    }
}

/// When the rush ends that so many scans make now, if they make one.
fn rush_end(scans: usize, now: impl FnOnce() -> Duration) -> Option<u64> {
    (scans >= RUSH).then(|| milliseconds(now() + RUSH_TIME))
}

/// How long to rest after a reading.
fn rest(took: Duration, in_rush: bool) -> Duration {
    if in_rush { (took * REST).min(REST_MAX) } else { Duration::ZERO }
}

fn attend(work: &Mutex<Receiver<Work>>) {
    store::step_back(NICE);
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(next) = next else { return };
        let begun = Instant::now();
        if catch_unwind(AssertUnwindSafe(next)).is_err() {
            tracing::error!("a reading panicked");
        }
        let in_rush = milliseconds(BEGUN.elapsed()) < RUSH_END.load(Ordering::Relaxed);
        let rest = rest(begun.elapsed(), in_rush);
        if !rest.is_zero() {
            thread::park_timeout(rest);
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

    #[test]
    fn readings_rest_in_a_rush_and_not_for_long() {
        for (took, in_rush, expected) in
            [(5, true, 20), (5, false, 0), (0, true, 0), (24, true, 96), (2_000, true, 100)]
        {
            let [took, expected] = [took, expected].map(Duration::from_millis);
            assert_eq!(rest(took, in_rush), expected, "{took:?} {in_rush}");
        }
        let now = || Duration::from_millis(7);
        assert_eq!((rush_end(RUSH - 1, now), rush_end(RUSH, now)), (None, Some(107)));
    }

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

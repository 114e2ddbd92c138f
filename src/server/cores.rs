//! Where the threads run that answer requests: in a crowd each on a core of its own. The kernel draws threads towards whoever wakes them, so the threads of a
//! hall, which wake one another, end up on one core while the others idle: a fifth of a machine with two of them. Who asks alone is answered sooner where the
//! kernel puts the threads: a core that idles takes as long to wake as half a sync.

use rustix::process::Pid;
use rustix::thread::{CpuSet, gettid, sched_getaffinity, sched_setaffinity};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime};

/// How often it is looked whether there is a crowd.
const LOOK: Duration = Duration::from_millis(500);
/// Workers that are busy all the time make a crowd from here on: one who asks alone keeps one busy at the most.
const CROWD: f64 = 1.2;
/// Down to here it stays one.
const STAYS: f64 = 1.0;

/// The cores of a set, in order.
fn cores(set: &CpuSet) -> Vec<usize> {
    (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
}

/// The cores that this program may use, when it has one for each worker and more than one.
fn own(workers: usize) -> Option<(CpuSet, Vec<usize>)> {
    let all = sched_getaffinity(None).ok()?;
    let cores = cores(&all);
    (workers > 1 && cores.len() == workers).then_some((all, cores))
}

fn stay(thread: Option<Pid>, on: &CpuSet) {
    if let Err(error) = sched_setaffinity(thread, on) {
        tracing::debug!(%error, "a thread runs where it ran");
    }
}

/// Where the workers may run: each one's thread and its core, and all cores.
struct Seats {
    each: Vec<(Pid, usize)>,
    all: CpuSet,
}

impl Seats {
    /// Binds each worker to its core, or lets all of them run anywhere.
    fn take(&self, bound: bool) {
        for (thread, core) in &self.each {
            let mut one = CpuSet::new();
            one.set(*core);
            stay(Some(*thread), if bound { &one } else { &self.all });
        }
    }
}

/// Whether there is a crowd, when so many workers were busy and there was one before.
fn is_crowd(was: bool, busy: f64) -> bool {
    busy > if was { STAYS } else { CROWD }
}

/// Looks at how busy the workers are, and seats them, as long as the runtime is there.
async fn watch(seats: Seats) {
    let metrics = Handle::current().metrics();
    let sum = || (0..metrics.num_workers()).map(|worker| metrics.worker_total_busy_duration(worker)).sum::<Duration>();
    let (mut before, mut begun, mut bound) = (sum(), Instant::now(), false);
    loop {
        tokio::time::sleep(LOOK).await;
        let (now, span) = (sum(), begun.elapsed());
        let busy = now.saturating_sub(before).as_secs_f64() / span.as_secs_f64();
        (before, begun) = (now, Instant::now());
        let crowd = is_crowd(bound, busy);
        if crowd != bound {
            seats.take(crowd);
            bound = crowd;
        }
    }
}

/// The runtime that serves: in a crowd it has a worker on each core. Threads beside the workers run anywhere.
pub fn runtime() -> std::io::Result<Runtime> {
    let (runtime, seats) = seated()?;
    if let Some(seats) = seats {
        drop(runtime.spawn(watch(seats)));
    }
    Ok(runtime)
}

/// The runtime, with the seats of its workers where each has a core.
fn seated() -> std::io::Result<(Runtime, Option<Seats>)> {
    let workers = std::thread::available_parallelism()?.get();
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).enable_all();
    let Some((all, cores)) = own(workers) else { return Ok((builder.build()?, None)) };
    let (begun, begins) = sync_channel(workers);
    let count = AtomicUsize::new(0);
    builder.on_thread_start(move || {
        // The workers are the first threads of a runtime; those after them come from a worker and would stay where it is.
        match cores.get(count.fetch_add(1, Ordering::Relaxed)) {
            Some(core) => {
                if begun.send((gettid(), *core)).is_err() {
                    tracing::trace!("the runtime was given up");
                }
            }
            None => stay(None, &all),
        }
    });
    let runtime = builder.build()?;
    let each = begins.iter().take(workers).collect();
    Ok((runtime, Some(Seats { each, all })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Barrier};

    /// The cores that each worker may run on. Each waits for all others, so each is asked once.
    fn allowed(runtime: &Runtime, workers: usize) -> Vec<Vec<usize>> {
        let met = Arc::new(Barrier::new(workers));
        let on_worker = |met: Arc<Barrier>| async move {
            met.wait();
            cores(&sched_getaffinity(None).unwrap())
        };
        let tasks: Vec<_> = (0..workers).map(|_| runtime.spawn(on_worker(met.clone()))).collect();
        let mut allowed: Vec<_> = tasks.into_iter().map(|task| runtime.block_on(task).unwrap()).collect();
        allowed.sort();
        allowed
    }

    #[test]
    fn in_a_crowd_each_worker_has_a_core_of_its_own_and_other_threads_have_all() {
        let every = cores(&sched_getaffinity(None).unwrap());
        let workers = std::thread::available_parallelism().unwrap().get();
        let (runtime, seats) = seated().unwrap();
        assert!(allowed(&runtime, workers).iter().all(|cores| *cores == every), "until there is a crowd");
        let Some(seats) = seats else {
            assert!(own(workers).is_none());
            return;
        };
        seats.take(true);
        assert_eq!(allowed(&runtime, workers), every.iter().map(|core| vec![*core]).collect::<Vec<_>>());
        let beside =
            runtime.block_on(runtime.spawn(async { tokio::task::spawn_blocking(|| sched_getaffinity(None)).await }));
        assert_eq!(cores(&beside.unwrap().unwrap().unwrap()), every);
        // A thread begins where the worker is that starts it; one that steps back leaves.
        let background = || {
            store::step_back(1);
            sched_getaffinity(None)
        };
        let started = runtime.block_on(runtime.spawn(async move { std::thread::spawn(background).join() }));
        assert_eq!(cores(&started.unwrap().unwrap().unwrap()), every);
        seats.take(false);
        assert!(allowed(&runtime, workers).iter().all(|cores| *cores == every), "and again when it is over");
    }

    #[test]
    fn who_asks_alone_is_no_crowd_and_a_crowd_that_thins_out_stays_one_for_a_while() {
        let cases =
            [(false, 0.99, false), (false, 1.1, false), (false, 1.3, true), (true, 1.1, true), (true, 0.99, false)];
        for (was, busy, is) in cases {
            assert_eq!(is_crowd(was, busy), is, "{was} {busy}");
        }
    }

    #[test]
    fn workers_that_are_busy_are_seated_and_leave_their_seats_when_they_rest() {
        let workers = std::thread::available_parallelism().unwrap().get();
        if own(workers).is_none() {
            return;
        }
        let runtime = runtime().unwrap();
        let alone = |runtime: &Runtime| runtime.block_on(runtime.spawn(async { sched_getaffinity(None) }));
        let until = |busy: bool| {
            for _ in 0..2_000 {
                if busy {
                    let spin = || async {
                        let begun = Instant::now();
                        while begun.elapsed() < Duration::from_millis(5) {
                            std::hint::spin_loop();
                        }
                    };
                    let tasks: Vec<_> = (0..workers * 2).map(|_| runtime.spawn(spin())).collect();
                    tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
                } else {
                    std::thread::park_timeout(Duration::from_millis(10));
                }
                let on = cores(&alone(&runtime).unwrap().unwrap()).len();
                if (on == 1) == busy {
                    return true;
                }
            }
            false
        };
        assert!(until(true), "bound in a crowd");
        assert!(until(false), "and free afterwards");
    }

    #[test]
    fn a_program_with_fewer_workers_than_cores_binds_none() {
        assert!(own(1).is_none());
        assert!(own(CpuSet::MAX_CPU + 1).is_none());
    }
}

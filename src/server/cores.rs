//! Where the threads run that answer requests: each on a core of its own. The kernel draws threads towards whoever wakes them, so the threads of a hall, which
//! wake one another, end up on one core while the others idle: a fifth of a machine with two of them.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use tokio::runtime::{Builder, Runtime};

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

fn stay(on: &CpuSet) {
    if let Err(error) = sched_setaffinity(None, on) {
        tracing::debug!(%error, "a thread runs on any core");
    }
}

/// The runtime that serves, with a worker on each core. Threads beside the workers run anywhere.
pub fn runtime() -> std::io::Result<Runtime> {
    let workers = std::thread::available_parallelism()?.get();
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).enable_all();
    let Some((all, cores)) = own(workers) else { return builder.build() };
    let (begun, begins) = sync_channel(workers);
    let count = AtomicUsize::new(0);
    builder.on_thread_start(move || {
        // The workers are the first threads of a runtime; those after them come from a worker and would stay where it is.
        match cores.get(count.fetch_add(1, Ordering::Relaxed)) {
            Some(core) => {
                let mut one = CpuSet::new();
                one.set(*core);
                stay(&one);
                if begun.send(()).is_err() {
                    tracing::trace!("the runtime was given up");
                }
            }
            None => stay(&all),
        }
    });
    let runtime = builder.build()?;
    begins.iter().take(workers).for_each(drop);
    Ok(runtime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Barrier};

    #[test]
    fn each_worker_has_a_core_of_its_own_and_other_threads_have_all() {
        let all = sched_getaffinity(None).unwrap();
        let workers = std::thread::available_parallelism().unwrap().get();
        let runtime = runtime().unwrap();
        // Each waits for all others, so each is on a worker of its own.
        let met = Arc::new(Barrier::new(workers));
        let on_worker = |met: Arc<Barrier>| async move {
            met.wait();
            cores(&sched_getaffinity(None).unwrap())
        };
        let tasks: Vec<_> = (0..workers).map(|_| runtime.spawn(on_worker(met.clone()))).collect();
        let mut bound: Vec<_> = tasks.into_iter().map(|task| runtime.block_on(task).unwrap()).collect();
        bound.sort();
        match own(workers) {
            Some((_, cores)) => assert_eq!(bound, cores.iter().map(|core| vec![*core]).collect::<Vec<_>>()),
            None => assert!(bound.iter().all(|bound| *bound == cores(&all)), "{bound:?}"),
        }
        let beside =
            runtime.block_on(runtime.spawn(async { tokio::task::spawn_blocking(|| sched_getaffinity(None)).await }));
        assert_eq!(cores(&beside.unwrap().unwrap().unwrap()), cores(&all));
        // A thread begins where the worker is that starts it; one that steps back leaves.
        let background = || {
            store::step_back(1);
            sched_getaffinity(None)
        };
        let started = runtime.block_on(runtime.spawn(async move { std::thread::spawn(background).join() }));
        assert_eq!(cores(&started.unwrap().unwrap().unwrap()), cores(&all));
    }

    #[test]
    fn a_program_with_fewer_workers_than_cores_binds_none() {
        assert!(own(1).is_none());
        assert!(own(CpuSet::MAX_CPU + 1).is_none());
    }
}

//! Many who write at once on a runtime: a task of it writes for all of them, and nobody depends on it.

use super::{SPACE, assert_kept, helped, pair, runtime, small, write_pair};
use crate::{Error, Store};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

const WRITERS: u64 = 32;
const EACH: u64 = 40;

/// Each of many tasks writes one pair after the other, from `first` on.
async fn crowd(store: &Store, first: u64) {
    let mut tasks = JoinSet::new();
    for at in 0..WRITERS {
        let store = store.clone();
        tasks.spawn(async move {
            for turn in 0..EACH {
                let id = first + at * EACH + turn;
                store.write(move |tx| pair(&mut tx.space(SPACE), id)).await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
}

/// Writes from threads at once, each blocking.
fn threads(store: &Store, first: u64) {
    thread::scope(|scope| {
        for at in 0..8 {
            scope.spawn(move || (0..EACH).for_each(|turn| write_pair(store, first + at * EACH + turn).unwrap()));
        }
    });
}

#[test]
fn in_a_crowd_a_task_writes_and_everything_is_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(small(folder.path())).unwrap();
    let runtime = helped(&store, 2);
    let before = store.stats();
    runtime.block_on(crowd(&store, 1));
    let stats = store.stats();
    assert!(stats.groups - before.groups < stats.transactions - before.transactions, "{before:?} {stats:?}");
    assert_kept(&store.view(), 1..=WRITERS * EACH);
    // Whoever waits for a checkpoint, or ends the store, does so beside the task.
    store.checkpoint().unwrap();
    runtime.block_on(crowd(&store, 10_000));
    store.close().unwrap();
    let (store, _) = Store::open(small(folder.path())).unwrap();
    assert_kept(&store.view(), (1..=WRITERS * EACH).chain(10_000..10_000 + WRITERS * EACH));
}

#[test]
fn without_its_runtime_the_thread_writes_again_and_another_one_may_help() {
    let store = Store::memory();
    let first = helped(&store, 2);
    first.block_on(crowd(&store, 1));
    drop(first);
    assert!(!store.is_helped());
    threads(&store, 10_000);
    runtime(2).block_on(crowd(&store, 20_000));
    let kept = (1..=WRITERS * EACH).chain(10_000..10_000 + 8 * EACH).chain(20_000..20_000 + WRITERS * EACH);
    assert_kept(&store.view(), kept);
    // A runtime that only runs while somebody waits for it cannot help others.
    let store = Store::memory();
    Builder::new_current_thread().build().unwrap().block_on(crowd(&store, 1));
    assert!(!store.is_helped());
    assert_kept(&store.view(), 1..=WRITERS * EACH);
}

#[test]
fn a_runtime_may_go_at_any_moment_and_what_was_on_its_way_is_kept() {
    for round in 0..30u64 {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(small(folder.path())).unwrap();
        let first = runtime(2);
        let (told, answered) = std::sync::mpsc::channel();
        for at in 0..WRITERS {
            let (store, told) = (store.clone(), told.clone());
            first.spawn(async move {
                for turn in 0.. {
                    let id = 1 + at * 100_000 + turn;
                    match store.write(move |tx| pair(&mut tx.space(SPACE), id)).await {
                        Ok(()) => drop(told.send(id)),
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        drop(told);
        // It goes a little later each time.
        let mut kept: Vec<u64> = answered.iter().take(200 + 7 * round as usize).collect();
        first.shutdown_background();
        kept.extend(answered);
        threads(&store, 9_000_000);
        store.checkpoint().unwrap();
        kept.extend(9_000_000..9_000_000 + 8 * EACH);
        assert_kept(&store.view(), kept.iter().copied());
        store.close().unwrap();
        let (store, _) = Store::open(small(folder.path())).unwrap();
        assert_kept(&store.view(), kept);
    }
}

#[test]
fn who_blocks_the_only_worker_of_the_runtime_is_served_all_the_same() {
    let store = Store::memory();
    let runtime = helped(&store, 1);
    runtime.block_on(crowd(&store, 1));
    let (inside, outside) = (store.clone(), store.clone());
    runtime.block_on(async {
        let beside = thread::spawn(move || threads(&outside, 10_000));
        let blocking =
            tokio::spawn(async move { (0..EACH).for_each(|turn| write_pair(&inside, 20_000 + turn).unwrap()) });
        blocking.await.unwrap();
        beside.join().unwrap();
    });
    assert_kept(&store.view(), (10_000..10_000 + 8 * EACH).chain(20_000..20_000 + EACH));
}

#[test]
fn the_last_handle_may_go_with_a_transaction_of_a_crowd() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(small(folder.path())).unwrap();
        let runtime = runtime(2);
        runtime.block_on(async {
            crowd(&store, 1).await;
            let mut tasks = JoinSet::new();
            for id in 0..WRITERS {
                let store = store.clone();
                tasks.spawn(async move {
                    let kept = store.clone();
                    let brought = store.write(move |tx| {
                        let _held = &kept;
                        pair(&mut tx.space(SPACE), 10_000 + id)
                    });
                    drop(tokio::time::timeout(Duration::ZERO, brought).await);
                });
            }
            drop(store);
            while tasks.join_next().await.is_some() {}
        });
        drop(runtime);
        // The folder is free once the store has ended.
        let begun = Instant::now();
        let again = loop {
            match Store::open(small(folder.path())) {
                Ok((store, _)) => break store,
                Err(error) => assert!(begun.elapsed() < Duration::from_secs(20), "{error}"),
            }
            thread::yield_now();
        };
        assert_kept(&again.view(), 1..=WRITERS * EACH);
    }
}

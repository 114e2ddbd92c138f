//! The power goes at any moment: whatever was answered is there, whatever was not is there in whole or not at all.

use super::{
    SPACE, assert_kept,
    disk::{Dice, FakeBase, FakeDisk},
    helped, pair, small, write_pair,
};
use crate::{Error, Options, Store};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use tokio::task::JoinSet;

fn open(disk: &FakeDisk, options: &Options, boot: u64) -> Result<Store, Error> {
    Store::open_on(options, &FakeBase(disk.clone(), boot)).map(|(store, _)| store)
}

/// Four threads write pairs; every answer is noted in the trace.
fn load(store: &Store, disk: &FakeDisk, first: u64, pairs: u64) {
    thread::scope(|scope| {
        for lane in 0..4 {
            scope.spawn(move || {
                for id in (first..first + pairs).filter(|id| id % 4 == lane) {
                    write_pair(store, id).unwrap();
                    disk.told(id);
                    if id % 37 == 0 {
                        store.checkpoint().unwrap();
                    }
                }
            });
        }
    });
}

fn recorded(first: u64, pairs: u64) -> (FakeDisk, Options) {
    let (disk, options) = (FakeDisk::new(), small("/hall"));
    let store = open(&disk, &options, 1).unwrap();
    load(&store, &disk, first, pairs);
    store.close().unwrap();
    (disk, options)
}

/// As [`recorded`], by tasks of a runtime, of which one writes for all, while others ask for checkpoints and probes.
fn recorded_in_a_crowd(pairs: u64) -> (FakeDisk, Options) {
    let (disk, options) = (FakeDisk::new(), small("/hall"));
    let store = open(&disk, &options, 1).unwrap();
    let runtime = helped(&store, 2);
    let mut tasks = JoinSet::new();
    for lane in 0..16 {
        let (store, disk) = (store.clone(), disk.clone());
        let write = async move {
            for id in (1..=pairs).filter(|id| id % 16 == lane) {
                store.write(move |tx| pair(&mut tx.space(SPACE), id)).await?;
                disk.told(id);
            }
            Ok::<_, Error>(())
        };
        tasks.spawn_on(write, runtime.handle());
    }
    for _ in 0..8 {
        store.checkpoint().unwrap();
        store.probe(Duration::from_secs(30)).unwrap();
    }
    runtime.block_on(async {
        while let Some(done) = tasks.join_next().await {
            done.unwrap().unwrap();
        }
    });
    assert!(store.is_helped());
    store.close().unwrap();
    (disk, options)
}

#[test]
fn after_a_power_cut_at_any_step_everything_answered_is_there() {
    let (disk, options) = recorded(1, 160);
    assert!(disk.syncs("0000000002.seg") > 0, "segments must change");
    cut_everywhere(&disk, &options);
}

#[test]
fn in_a_crowd_too_everything_answered_is_there_after_a_power_cut() {
    let (disk, options) = recorded_in_a_crowd(400);
    cut_everywhere(&disk, &options);
}

fn cut_everywhere(disk: &FakeDisk, options: &Options) {
    let steps = disk.steps();
    let mut states = 0;
    for cut in (0..steps).step_by((steps / 400).max(1)).chain(0..60).chain(steps - 40..=steps) {
        for seed in 0..2 {
            let mut dice = Dice(cut as u64 * 31 + seed);
            let (after, told) = disk.cut(cut, &mut dice);
            let opened = open(&after, options, 2);
            let store =
                opened.unwrap_or_else(|error| panic!("cut {cut} seed {seed}: {error}\n{:#?}", disk.around(cut)));
            assert_kept(&store.view(), told.iter().copied());
            states += 1;
            // The power goes again while it recovers or goes on.
            if seed == 0 {
                continue;
            }
            load(&store, &after, 10_000, 4);
            drop(store);
            let again = dice.below(after.steps() + 1);
            let (third, more) = after.cut(again, &mut dice);
            let opened = open(&third, options, 3);
            let store =
                opened.unwrap_or_else(|error| panic!("cut {cut}, again {again}: {error}\n{:#?}", after.around(again)));
            assert_kept(&store.view(), told.into_iter().chain(more));
            states += 1;
        }
    }
    assert!(states >= 500, "{states} states");
}

#[test]
fn every_group_is_one_sync() {
    let (disk, options) = (FakeDisk::new(), small("/hall"));
    let store = open(&disk, &options, 1).unwrap();
    load(&store, &disk, 1, 200);
    let stats = store.stats();
    assert_eq!(disk.syncs(".seg"), stats.groups);
    assert!(stats.groups <= 200 && stats.transactions == 200, "{stats:?}");
    assert_eq!(stats.sequence, stats.groups);
}

#[test]
fn a_failed_sync_refuses_writes_until_the_store_is_opened_again() {
    let (disk, options) = (FakeDisk::new(), small("/hall"));
    let store = open(&disk, &options, 1).unwrap();
    write_pair(&store, 1).unwrap();
    disk.0.fail_sync.store(true, Ordering::SeqCst);
    assert!(matches!(write_pair(&store, 2), Err(Error::Io { .. } | Error::Poisoned(_))));
    disk.0.fail_sync.store(false, Ordering::SeqCst);
    assert!(matches!(write_pair(&store, 3), Err(Error::Poisoned(_))));
    assert!(store.stats().refused.is_some());
    assert_kept(&store.view(), [1]);
    drop(store);
    let store = open(&disk, &options, 1).unwrap();
    write_pair(&store, 4).unwrap();
    assert_kept(&store.view(), [1, 4]);
}

#[test]
fn a_failed_sync_in_a_crowd_refuses_whoever_was_on_the_way_and_everybody_after() {
    /// From this pair on the disk fails.
    const FAILS: u64 = 1_500;
    let (disk, options) = (FakeDisk::new(), small("/hall"));
    let store = open(&disk, &options, 1).unwrap();
    let runtime = helped(&store, 2);
    let crowd = |first: u64, pairs: u64| {
        let mut tasks = JoinSet::new();
        for lane in 0..16 {
            let (store, disk) = (store.clone(), disk.clone());
            let write = async move {
                let (mut kept, mut refused) = (Vec::new(), 0);
                for id in (first..first + pairs).filter(|id| id % 16 == lane) {
                    if id == FAILS {
                        disk.0.fail_sync.store(true, Ordering::SeqCst);
                    }
                    match store.write(move |tx| pair(&mut tx.space(SPACE), id)).await {
                        Ok(()) => kept.push(id),
                        Err(Error::Io { .. } | Error::Poisoned(_)) => refused += 1,
                        Err(other) => panic!("{other}"),
                    }
                }
                (kept, refused)
            };
            tasks.spawn_on(write, runtime.handle());
        }
        let done = runtime.block_on(tasks.join_all());
        let kept: Vec<u64> = done.iter().flat_map(|(kept, _)| kept.iter().copied()).collect();
        (kept, done.iter().map(|(_, refused)| refused).sum::<u64>())
    };
    let (mut kept, refused) = crowd(1, 320);
    assert!(store.is_helped());
    assert_eq!((kept.len(), refused), (320, 0));
    let (more, refused) = crowd(1_000, 1_000);
    assert!(refused > 0, "the disk failed while they wrote");
    kept.extend(more);
    disk.0.fail_sync.store(false, Ordering::SeqCst);
    assert_eq!(crowd(50_000, 32), (Vec::new(), 32));
    assert_kept(&store.view(), kept.iter().copied());
    drop(store);
    let store = open(&disk, &options, 2).unwrap();
    assert_kept(&store.view(), kept);
}

#[test]
fn a_probe_goes_the_way_of_a_write_and_changes_nothing() {
    let (disk, options) = (FakeDisk::new(), small("/hall"));
    let store = open(&disk, &options, 1).unwrap();
    write_pair(&store, 1).unwrap();
    let patience = Duration::from_secs(30);
    let (before, syncs) = (store.stats(), disk.syncs(".seg"));
    for _ in 0..3 {
        store.probe(patience).unwrap();
    }
    assert_eq!(disk.syncs(".seg"), syncs + 3, "each goes to the disk");
    assert_eq!((store.stats().sequence, store.stats().journaled), (before.sequence, before.journaled));
    disk.0.fail_sync.store(true, Ordering::SeqCst);
    assert!(matches!(store.probe(patience), Err(Error::Io { .. })));
    assert!(write_pair(&store, 2).is_err());
    disk.0.fail_sync.store(false, Ordering::SeqCst);
    assert!(matches!(store.probe(patience), Err(Error::Poisoned(_))), "writes are refused until the next start");
    let other = store.clone();
    drop(store);
    // How the last checkpoint went is not what is asked here.
    drop(other.clone().close());
    assert!(matches!(other.probe(patience), Err(Error::Closed)));
    // On this disk a store that is opened again has seen the power go.
    let store = open(&disk, &options, 2).unwrap();
    store.probe(patience).unwrap();
    write_pair(&store, 3).unwrap();
    drop(store);
    let store = open(&disk, &options, 3).unwrap();
    assert_kept(&store.view(), [1, 3]);
}

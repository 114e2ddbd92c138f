//! A second store follows frame by frame: it never holds what the first could lose, never loses what it said it holds, and takes no writes of its own.

use super::{
    assert_kept, check,
    disk::{Dice, FakeBase, FakeDisk},
    small, write_pair,
};
use crate::{Batch, Error, Frame, Frames, Options, Store, disk::Folder, journal::part, tail::Newest};
use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

fn open(disk: &FakeDisk, options: &Options, boot: u64) -> Result<Store, Error> {
    Store::open_on(options, &FakeBase(disk.clone(), boot)).map(|(store, _)| store)
}

fn follower(disk: &FakeDisk, options: &Options, boot: u64) -> Store {
    let store = open(disk, options, boot).unwrap();
    store.fence("it follows").unwrap();
    store
}

fn sequence(store: &Store) -> u64 {
    store.view().sequence()
}

/// Hands over what the follower lacks; each group that it took is noted on both disks. False when a snapshot is needed.
fn hand_over(from: &Store, frames: &Frames, to: &Store, disks: &[&FakeDisk]) -> bool {
    loop {
        match from.behind(frames, sequence(to)) {
            Batch::UpToDate => return true,
            Batch::Gone => return false,
            Batch::Frames(batch) => {
                for frame in batch {
                    let taken = to.receive(frame).unwrap();
                    disks.iter().for_each(|disk| disk.told(taken));
                }
            }
        }
    }
}

/// A store under load that is followed and backed up meanwhile; both disks, with every received group noted on both.
fn recorded(pairs: u64) -> (FakeDisk, FakeDisk, Options) {
    let (near, far) = (FakeDisk::new(), FakeDisk::new());
    // Nothing of the journal goes: a follower that is behind goes on where it was.
    let options = Options { retain_bytes: 64 << 20, ..small("/hall") };
    let (store, second) = (open(&near, &options, 1).unwrap(), follower(&far, &options, 1));
    let frames = store.frames().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..4u64)
            .map(|lane| {
                let store = &store;
                scope.spawn(move || {
                    (1..=pairs).filter(|id| id % 4 == lane).for_each(|id| write_pair(store, id).unwrap())
                })
            })
            .collect();
        let (store, frames, second, done) = (&store, &frames, &second, &done);
        let (near, far) = (&near, &far);
        scope.spawn(move || {
            while !done.load(Ordering::SeqCst) {
                assert!(hand_over(store, frames, second, &[near, far]));
                second.checkpoint().unwrap();
            }
        });
        scope.spawn(move || {
            // The backup's copy, part behind part.
            let mut after = 0;
            while !done.load(Ordering::SeqCst) {
                let (last, mut bytes, mut count) = (sequence(store), Vec::new(), 0);
                assert!(store.part(after, last, &mut bytes).unwrap());
                let read = part::read(&mut bytes.as_slice(), Path::new("part"), |_, _| {
                    count += 1;
                    Ok(())
                });
                read.unwrap();
                assert_eq!(count, last - after, "a part holds every group once");
                after = last;
            }
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::SeqCst);
    });
    assert!(hand_over(&store, &frames, &second, &[&near, &far]));
    assert_eq!(sequence(&store), sequence(&second));
    assert_kept(&second.view(), 1..=pairs);
    drop(frames);
    store.close().unwrap();
    second.close().unwrap();
    (near, far, options)
}

#[test]
fn nothing_received_is_lost_in_hundreds_of_power_cuts_on_either_side() {
    let (near, far, options) = recorded(160);
    let whole = open(&near, &options, 2).unwrap();
    let digests: Vec<_> = (1..=sequence(&whole)).map(|at| whole.frame(at).unwrap().digest()).collect();
    let (mut states, mut short) = (0, 0);
    for (name, disk) in [("leader", &near), ("follower", &far)] {
        let steps = disk.steps();
        for cut in (0..steps).step_by((steps / 280).max(1)).chain(steps - 20..=steps) {
            let (after, received) = disk.cut(cut, &mut Dice(cut as u64 * 17 + 3));
            let opened = open(&after, &options, 3);
            let store = opened.unwrap_or_else(|error| panic!("{name} cut {cut}: {error}\n{:#?}", disk.around(cut)));
            let last = received.into_iter().max().unwrap_or(0);
            assert!(sequence(&store) >= last, "{name} cut {cut}: {} of {last}", sequence(&store));
            assert!(check(&store.view()).is_sound(), "{name} cut {cut}");
            // What is there is the beginning of one history.
            if let Some(frame) = store.frame(sequence(&store)) {
                assert_eq!(frame.digest(), digests[sequence(&store) as usize - 1], "{name} cut {cut}");
            }
            short += usize::from(sequence(&store) < digests.len() as u64);
            states += 1;
        }
    }
    assert!(states >= 500 && short >= 300, "{states} states, {short} before the end");
}

#[test]
fn a_follower_that_was_cut_goes_on_and_a_promoted_one_writes_on_its_own() {
    let (near, far, options) = recorded(60);
    let store = open(&near, &options, 2).unwrap();
    for cut in [far.steps() / 3, far.steps() / 2, far.steps() * 4 / 5] {
        let (after, _) = far.cut(cut, &mut Dice(cut as u64));
        let second = follower(&after, &options, 3);
        let before = sequence(&second);
        let frames = store.frames().unwrap();
        assert!(hand_over(&store, &frames, &second, &[]), "from the journal, behind {before}");
        assert_kept(&second.view(), 1..=60);
        drop(second);
        // Opened anew without a fence, it is a store like any other.
        let second = open(&after, &options, 4).unwrap();
        write_pair(&second, 1_000).unwrap();
        assert_kept(&second.view(), (1..=60).chain([1_000]));
        assert_eq!(sequence(&second), sequence(&store) + 1);
    }
}

#[test]
fn a_fenced_store_takes_no_writes_and_only_the_group_that_comes_next() {
    let (near, far, options) = (FakeDisk::new(), FakeDisk::new(), small("/hall"));
    let store = open(&near, &options, 1).unwrap();
    (1..=3).for_each(|id| write_pair(&store, id).unwrap());
    let frame = |at: u64| store.frame(at).unwrap();
    assert!(store.frame(0).is_none() && store.frame(4).is_none());
    let second = open(&far, &options, 1).unwrap();
    assert!(matches!(second.receive(frame(1)), Err(Error::Frame(_))), "whoever writes does not receive");
    assert_eq!(second.fence("it follows").unwrap(), 0);
    assert!(matches!(write_pair(&second, 9), Err(Error::Fenced(why)) if why == "it follows"));
    assert!(matches!(second.receive(frame(2)), Err(Error::Gap { last: 0, found: 2 })));
    assert_eq!(second.receive(frame(1)).unwrap(), 1);
    assert!(matches!(second.receive(frame(1)), Err(Error::Gap { last: 1, found: 1 })));
    let whole = frame(2).bytes;
    for bit in (0..whole.len() * 8).step_by(7) {
        let mut bent = whole.to_vec();
        bent[bit / 8] ^= 1 << (bit % 8);
        let bent = Frame { sequence: 2, bytes: Bytes::from(bent) };
        assert!(second.receive(bent.clone()).is_err() && Frame::read(bent.bytes).is_err(), "bit {bit}");
    }
    assert_eq!(second.receive(Frame::read(whole).unwrap()).unwrap(), 2);
    assert_eq!(second.frame(2).unwrap(), frame(2), "byte by byte");
    assert_kept(&second.view(), [1, 2]);

    // A writer that is fenced while others write: what was answered is not behind the number that the fence told.
    let stopped = thread::scope(|scope| {
        let writing = scope.spawn(|| (10..4_000u64).take_while(|id| write_pair(&store, *id).is_ok()).count() as u64);
        while sequence(&store) < 20 {
            thread::yield_now();
        }
        let stopped = store.fence("another took over").unwrap();
        assert_kept(&store.view(), 10..10 + writing.join().unwrap());
        stopped
    });
    assert_eq!((sequence(&store), store.fence("again").unwrap()), (stopped, stopped));
    assert!(matches!(write_pair(&store, 5_000), Err(Error::Fenced(why)) if why == "another took over"));
    store.probe(std::time::Duration::from_secs(30)).unwrap();
}

#[test]
fn whoever_is_too_far_behind_is_told_that_a_snapshot_is_needed() {
    let (near, options) = (FakeDisk::new(), small("/hall"));
    let store = open(&near, &options, 1).unwrap();
    let frames = store.frames().unwrap();
    for id in 1..=400 {
        write_pair(&store, id).unwrap();
        if id % 50 == 0 {
            store.checkpoint().unwrap();
        }
    }
    // Memory holds all of them as yet; a follower of the next start has the journal alone.
    assert!(matches!(store.behind(&frames, 0), Batch::Frames(_)));
    drop(frames);
    let frames = store.frames().unwrap();
    assert_eq!(store.behind(&frames, 0), Batch::Gone);
    assert_eq!(store.behind(&frames, sequence(&store)), Batch::UpToDate);
    assert_eq!(store.behind(&frames, sequence(&store) + 1), Batch::Gone, "of another history");
    let Batch::Frames(found) = store.behind(&frames, sequence(&store) - 3) else { panic!("the journal has these") };
    assert_eq!(found.iter().map(|frame| frame.sequence).collect::<Vec<_>>(), [398, 399, 400]);
    let mut lines = Vec::new();
    store.lines_behind(397, |space, _, line| lines.push((space, String::from_utf8(line).unwrap()))).unwrap();
    assert_eq!(lines, [398, 399, 400].map(|id| (super::SPACE, format!("pair {id}"))));
    assert!(store.lines_behind(0, |_, _, _| ()).is_err(), "it does not go back so far");
}

#[test]
fn what_is_on_disk_and_not_committed_yet_is_handed_to_nobody() {
    let (newest, disk) = (Arc::new(Newest::default()), FakeDisk::new());
    let frames = Frames::new(newest.clone(), (Arc::new(disk), Folder("/hall".into())));
    (1..=3).for_each(|sequence| newest.push(sequence, vec![0; 8]));
    let numbers = |after, last| match frames.next(after, last) {
        Batch::Frames(batch) => batch.iter().map(|frame| frame.sequence).collect::<Vec<_>>(),
        Batch::UpToDate => Vec::new(),
        Batch::Gone => panic!("group {after} of {last} is there"),
    };
    assert_eq!(numbers(0, 2), [1, 2], "the third is not committed yet");
    assert_eq!(numbers(2, 2), [0; 0]);
    assert_eq!(numbers(2, 3), [3]);
}

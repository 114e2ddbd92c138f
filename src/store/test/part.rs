//! Snapshots with the groups that came after them: every instant in between comes back, gaps and damage are named.

use super::{
    Note, PAIR, SPACE, assert_kept, check,
    disk::{FakeBase, FakeDisk},
    small, write_pair,
};
use crate::{Error, Options, Order, Read, Store, restore};
use std::path::PathBuf;

/// A store, a snapshot after 40 pairs, and parts that end after 80, 120 and 160; with the sequence at each of those ends.
fn kept(folder: &std::path::Path) -> (PathBuf, Vec<PathBuf>, Vec<u64>) {
    // Nothing of the journal goes while its parts are taken.
    let options = Options { retain_bytes: 64 << 20, ..small(folder.join("hall")) };
    let (store, _) = Store::open(options).unwrap();
    (1..=40).for_each(|id| write_pair(&store, id).unwrap());
    let file = folder.join("full.snap");
    let mut ends = vec![store.snapshot(&file).unwrap().sequence];
    let mut parts = Vec::new();
    for step in 1..=3u64 {
        (step * 40 + 1..=step * 40 + 40).for_each(|id| write_pair(&store, id).unwrap());
        // What is taken back stays so.
        store
            .write_blocking(move |tx| {
                let mut space = tx.space(SPACE);
                space.remove::<Note>(&(step * 2))?;
                space.remove::<Note>(&(step * 2 + PAIR)).map(drop)
            })
            .unwrap();
        let (after, last) = (*ends.last().unwrap(), store.view().sequence());
        let mut bytes = Vec::new();
        assert!(store.part(after, last, &mut bytes).unwrap());
        let path = folder.join(format!("part-{step}"));
        std::fs::write(&path, bytes).unwrap();
        parts.push(path);
        ends.push(last);
    }
    assert!(store.part(ends[3], ends[3], &mut Vec::new()).unwrap(), "nothing is a part, too");
    assert!(!store.part(ends[3] + 1, ends[3], &mut Vec::new()).unwrap(), "nobody has what is not there yet");
    store.close().unwrap();
    (file, parts, ends)
}

#[test]
fn every_instant_between_snapshots_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (file, parts, ends) = kept(folder.path());
    for count in 0..=parts.len() {
        let target = folder.path().join(format!("at-{count}"));
        let laid = restore(&file, &parts[..count], &target).unwrap();
        assert_eq!(laid.sequence, ends[count]);
        let (store, opened) = Store::open(small(&target)).unwrap();
        assert_eq!((opened.sequence, opened.rebuilt), (ends[count], None));
        let view = store.view();
        assert!(check(&view).is_sound());
        for id in 1..=160u64 {
            let gone = id % 2 == 0 && id <= 2 * count as u64;
            let there = id <= 40 + 40 * count as u64 && !gone;
            assert_eq!(view.space(SPACE).get::<Note>(&id).unwrap().is_some(), there, "note {id} after {count} parts");
        }
        drop(view);
        write_pair(&store, 1_000).unwrap();
        store.close().unwrap();
        let (store, _) = Store::open(small(&target)).unwrap();
        assert_kept(&store.view(), [1_000]);
    }
    // A part that begins earlier than the snapshot ends is read from where it counts.
    let target = folder.path().join("twice");
    let twice = [parts[0].clone(), parts[0].clone(), parts[1].clone()];
    assert_eq!(restore(&file, &twice, &target).unwrap().sequence, ends[2]);
    let (store, _) = Store::open(small(&target)).unwrap();
    let notes = store.view().space(SPACE).scan_keys::<Note>(&(), None, Order::Ascending).count();
    assert!(notes > 100, "{notes}");
}

#[test]
fn a_gap_and_damage_are_named_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (file, parts, ends) = kept(folder.path());
    let target = folder.path().join("none");
    let refused = |parts: &[PathBuf], why: &str| {
        let error = restore(&file, parts, &target).unwrap_err();
        assert!(matches!(error, Error::Snapshot { .. }) && error.to_string().contains(why), "{error}");
        assert!(!target.exists(), "{why}");
    };
    refused(&[parts[0].clone(), parts[2].clone()], &format!("groups {} to {} are missing", ends[1] + 1, ends[2]));
    let whole = std::fs::read(&parts[0]).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 60) {
        let mut bent = whole.clone();
        bent[at] ^= 1 << (at % 8);
        std::fs::write(&parts[0], &bent).unwrap();
        refused(&parts, "");
    }
    // A cut at a group's end is a gap to the next part; anywhere else it is named by itself.
    std::fs::write(&parts[0], &whole[..whole.len() - 5]).unwrap();
    refused(&parts, "at byte");
}

#[test]
fn a_part_is_whole_whatever_the_store_does_while_it_is_read() {
    let disk = FakeDisk::new();
    let (store, _) = Store::open_on(&small("/hall"), &FakeBase(disk.clone(), 1)).unwrap();
    let segments = |disk: &FakeDisk| -> Vec<_> {
        disk.names().into_iter().filter(|name| name.extension().is_some_and(|end| end == "seg")).collect()
    };
    let mut next = 1..;
    let mut write =
        move |store: &Store, count: usize| next.by_ref().take(count).for_each(|id| write_pair(store, id).unwrap());
    let mut kept = 0;
    for turn in 0..12 {
        write(&store, 10 + turn);
        let (after, last) = (store.view().sequence() - 8, store.view().sequence());
        let before = segments(&disk);
        // Between the listing and the reading several new segments come into use, and the oldest of those that were listed go.
        let (busy, seen) = (store.clone(), disk.clone());
        let (first, from) = (before.clone(), 10_000 * (turn as u64 + 1));
        disk.between(move || {
            let mut ids = from..from + 3_000;
            while segments(&seen).iter().filter(|name| !first.contains(name)).count() < 3 {
                write_pair(&busy, ids.next().unwrap()).unwrap();
            }
        });
        let mut bytes = Vec::new();
        let whole = store.part(after, last, &mut bytes).unwrap();
        assert!(segments(&disk).iter().filter(|name| !before.contains(name)).count() >= 3, "it was overtaken");
        let there = segments(&disk);
        let needed = store.frame(after + 1).is_some();
        assert!(whole || !needed, "groups {after} to {last} are in the journal: {there:?}");
        kept += usize::from(needed);
        store.checkpoint().unwrap();
    }
    assert!(kept >= 3, "what was asked for was still there in {kept} turns");
    store.close().unwrap();
}

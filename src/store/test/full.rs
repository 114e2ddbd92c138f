//! A full disk: writes are refused clearly, reads go on, nothing answered is lost, and it recovers when there is space again.

use super::{
    assert_kept,
    disk::{FakeBase, FakeDisk},
    note, small, write_pair,
};
use crate::{Error, Options, Store};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Tries until the store takes writes again; how old a look at the free space may be is bounded.
fn until_written(store: &Store, id: u64) {
    let begin = Instant::now();
    while let Err(error) = write_pair(store, id) {
        assert!(matches!(error, Error::DiskFull { .. }), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(10), "{error}");
        std::thread::yield_now();
    }
}

#[test]
fn below_the_reserve_writes_are_refused_until_there_is_space() {
    let (disk, options) = (FakeDisk::new(), small("/hall"));
    let (store, _) = Store::open_on(&options, &FakeBase(disk.clone(), 1)).unwrap();
    let mut kept: Vec<u64> = (1..=50).collect();
    kept.iter().for_each(|id| write_pair(&store, *id).unwrap());
    for round in 1..=5 {
        disk.0.free.store(options.reserve_bytes - 1, Ordering::SeqCst);
        let mut id = round * 1_000;
        let error = loop {
            id += 1;
            match write_pair(&store, id) {
                Ok(()) => kept.push(id),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::DiskFull { free, needed } if free < needed), "{error}");
        assert_kept(&store.view(), kept.iter().copied());
        assert_eq!(store.stats().refused, None);
        disk.0.free.store(1 << 40, Ordering::SeqCst);
        until_written(&store, id);
        kept.push(id);
    }
    store.close().unwrap();
    let (store, _) = Store::open_on(&options, &FakeBase(disk, 2)).unwrap();
    assert_kept(&store.view(), kept);
}

#[test]
fn a_segment_that_finds_no_room_refuses_only_its_group() {
    let disk = FakeDisk::new();
    let options = Options { reserve_bytes: 0, ..small("/hall") };
    let (store, _) = Store::open_on(&options, &FakeBase(disk.clone(), 1)).unwrap();
    write_pair(&store, 1).unwrap();
    store.checkpoint().unwrap();
    let large = move |store: &Store| {
        store.write_blocking(|tx| (100..200).try_for_each(|id| super::pair(&mut tx.space(super::SPACE), id)))
    };
    disk.0.free.store(100, Ordering::SeqCst);
    let error = large(&store).unwrap_err();
    assert!(matches!(error, Error::DiskFull { .. }), "{error}");
    disk.0.free.store(1 << 40, Ordering::SeqCst);
    let begin = Instant::now();
    while let Err(error) = large(&store) {
        assert!(matches!(error, Error::DiskFull { .. }) && begin.elapsed() < Duration::from_secs(10), "{error}");
    }
    drop(store);
    let (store, _) = Store::open_on(&options, &FakeBase(disk, 2)).unwrap();
    assert_kept(&store.view(), (100..200).chain([1]));
}

/// A small disk of its own, taken away at the end.
struct Mount(tempfile::TempDir);

impl Mount {
    /// None when the test does not run as root; then the tests above are all there is.
    fn new(size: &str) -> Option<Self> {
        let owner = std::fs::metadata("/proc/self").unwrap().uid();
        if owner != 0 {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(folder.path()).status();
        assert!(mounted.unwrap().success(), "root must be able to mount a tmpfs for this test");
        Some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        assert!(unmounted.unwrap().success() || std::thread::panicking());
    }
}

#[test]
fn a_small_disk_fills_up_and_recovers() {
    let Some(mount) = Mount::new("size=48m") else { return };
    let folder = mount.path().join("hall");
    let options = Options {
        segment_bytes: 1 << 20,
        checkpoint_bytes: 2 << 20,
        reserve_bytes: 12 << 20,
        cache_bytes: 4 << 20,
        ..Options::new(&folder)
    };
    let (store, _) = Store::open(options.clone()).unwrap();
    let stuff = mount.path().join("stuff");
    let mut kept = Vec::new();
    for round in 1..=3u64 {
        let free = rustix::fs::statvfs(mount.path()).map(|stat| stat.f_bavail * stat.f_frsize).unwrap();
        std::fs::write(&stuff, vec![1; free.saturating_sub(14 << 20) as usize]).unwrap();
        let mut id = round * 1_000_000;
        let error = loop {
            id += 1;
            let written = store.write_blocking(move |tx| {
                let mut space = tx.space(super::SPACE);
                space.insert(&note(id))?;
                space.insert(&note(id + super::PAIR))?;
                space.audit(vec![b'x'; 4_000])
            });
            match written {
                Ok(()) => kept.push(id),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::DiskFull { .. }), "{error}");
        assert_kept(&store.view(), kept.iter().copied());
        std::fs::remove_file(&stuff).unwrap();
        if round < 3 {
            until_written(&store, id);
            kept.push(id);
        }
    }
    assert!(kept.len() > 100, "{} pairs", kept.len());
    assert_eq!(store.stats().refused, None);
    drop(store);
    let (store, _) = Store::open(options).unwrap();
    assert_kept(&store.view(), kept);
    store.close().unwrap();
}

#[test]
fn a_snapshot_is_not_due_only_because_the_store_was_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = small(folder.path());
    let snapshots = || {
        let listed = std::fs::read_dir(folder.path().join("snapshot")).unwrap();
        let sized =
            listed.map(|entry| entry.unwrap()).map(|entry| (entry.file_name(), entry.metadata().unwrap().len()));
        sized.collect::<Vec<_>>()
    };
    let patient = Options { retain_bytes: u64::MAX, ..options.clone() };
    let (store, _) = Store::open(patient).unwrap();
    (1..=800).for_each(|id| write_pair(&store, id).unwrap());
    store.close().unwrap();
    assert_eq!(snapshots(), []);
    let (store, _) = Store::open(options.clone()).unwrap();
    write_pair(&store, 801).unwrap();
    store.close().unwrap();
    let before = snapshots();
    let due = before.iter().map(|(_, bytes)| bytes * 4).max().unwrap();
    let (store, _) = Store::open(options).unwrap();
    let mut last = 801;
    while last < 820 || (store.stats().journal_bytes < 64 << 10 && last < 5_000) {
        last += 1;
        write_pair(&store, last).unwrap();
    }
    store.checkpoint().unwrap();
    let kept = store.stats().journal_bytes;
    assert_eq!(snapshots(), before);
    assert!((48 << 10..due).contains(&kept), "{kept} of {due}");
    assert_kept(&store.view(), 1..=last);
}

//! Damaged and missing files give a named error or a store with everything in it; damaged contents are found by verifying.
//! Never a panic, never silence.

use super::{
    BY_CODE, BY_OWNER, NOTES, Note, SPACE, WEIGHT, assert_kept, check,
    disk::{Dice, FakeBase, FakeDisk},
    note, small, write_pair,
};
use crate::{
    Error, Key, Options, Read, Store, envelope,
    read::key,
    restore,
    table::{AUDIT, AUDIT_HEAD, Record},
};
use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

/// A store that was written to and whose machine went down: the engine is not to be believed.
fn crashed() -> (FakeDisk, Options, Vec<u64>) {
    let (disk, options) = (FakeDisk::new(), small("/hall"));
    let (store, _) = Store::open_on(&options, &FakeBase(disk.clone(), 1)).unwrap();
    for id in 1..=150 {
        write_pair(&store, id).unwrap();
        if id % 40 == 0 {
            store.checkpoint().unwrap();
        }
    }
    // A view holds back the engine, so that the journal has something to say.
    let view = store.view();
    for id in 151..=190 {
        write_pair(&store, id).unwrap();
    }
    drop(store);
    drop(view);
    (disk, options, (1..=190).collect())
}

/// A store that was closed: the engine is believed.
fn closed() -> (FakeDisk, Options, Vec<u64>) {
    let (disk, options, told) = crashed();
    Store::open_on(&options, &FakeBase(disk.clone(), 2)).unwrap().0.close().unwrap();
    (disk, options, told)
}

/// Opens the folder with one file changed. A named error is right, and so is a store with everything in it.
fn opens_or_says(disk: &FakeDisk, options: &Options, told: &[u64], what: &str) -> Option<Error> {
    match Store::open_on(options, &FakeBase(disk.clone(), 3)) {
        Ok((store, _)) => {
            assert_kept(&store.view(), told.iter().copied());
            None
        }
        Err(error) => {
            let named = matches!(error, Error::Journal { .. } | Error::Snapshot { .. });
            assert!(named, "{what}: {error}");
            Some(error)
        }
    }
}

fn files(disk: &FakeDisk, suffix: &str) -> Vec<PathBuf> {
    disk.names().into_iter().filter(|name| name.to_string_lossy().ends_with(suffix)).collect()
}

#[test]
fn a_flipped_bit_anywhere_is_named_or_harmless() {
    let (mut errors, mut harmless) = (0, 0);
    for (disk, options, told) in [crashed(), closed()] {
        for path in files(&disk, "") {
            let mut length = 0;
            disk.bent(&path, |bytes| {
                length = bytes.len();
                true
            });
            let mut dice = Dice(7);
            let step = if path.ends_with("image") || length > 30_000 { 2_003 } else { 251.min(length / 9 + 1) };
            for from in (0..length).step_by(step) {
                let (at, bit) = (from + dice.below(step.min(length - from)), dice.below(8));
                let bent = disk.bent(&path, |bytes| {
                    bytes[at] ^= 1 << bit;
                    true
                });
                match opens_or_says(&bent, &options, &told, &format!("{} at {at}", path.display())) {
                    Some(_) => errors += 1,
                    None => harmless += 1,
                }
            }
        }
    }
    assert!(errors > 50 && harmless > 50, "{errors} named, {harmless} harmless");
}

#[test]
fn a_truncated_or_missing_file_is_named_or_harmless() {
    for (disk, options, told) in [crashed(), closed()] {
        for path in files(&disk, "") {
            let gone = disk.bent(&path, |_| false);
            opens_or_says(&gone, &options, &told, &format!("without {}", path.display()));
            for part in [0, 1, 63, 64, 65, 500, 4_000] {
                let cut = disk.bent(&path, |bytes| {
                    bytes.truncate(part);
                    true
                });
                opens_or_says(&cut, &options, &told, &format!("{} cut to {part}", path.display()));
            }
        }
    }
}

#[test]
fn a_missing_journal_segment_is_named() {
    let (disk, options, told) = crashed();
    let segments = files(&disk, ".seg");
    assert!(segments.len() > 3, "{segments:?}");
    // The very last may be a spare without frames; those before the newest snapshot are not needed.
    for (at, path) in segments.iter().rev().enumerate() {
        let holds_frames = std::cell::Cell::new(false);
        drop(disk.bent(path, |bytes| {
            holds_frames.set(bytes.iter().skip(64).any(|byte| *byte != 0));
            true
        }));
        let error = opens_or_says(&disk.bent(path, |_| false), &options, &told, &path.display().to_string());
        assert!(
            !((1..=2).contains(&at) || at == 0 && holds_frames.get()) || matches!(error, Some(Error::Journal { .. })),
            "{}: {error:?}",
            path.display()
        );
    }
    let mut nothing = disk.clone();
    for path in files(&disk, ".seg").into_iter().chain(files(&disk, "newest")) {
        nothing = nothing.bent(&path, |_| false);
    }
    let error = opens_or_says(&nothing, &options, &told, "without a journal");
    assert!(matches!(error, Some(Error::Journal { .. })));
}

#[test]
fn a_damaged_last_frame_is_cut_off_only_when_asked() {
    let (disk, options) = (FakeDisk::new(), small("/hall"));
    let (store, _) = Store::open_on(&options, &FakeBase(disk.clone(), 1)).unwrap();
    write_pair(&store, 1).unwrap();
    let held = store.view();
    write_pair(&store, 2).unwrap();
    drop(store);
    drop(held);
    let bent = disk.bent(&files(&disk, "0000000001.seg")[0], |bytes| {
        let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        bytes[last - 40] ^= 4;
        true
    });
    let error = Store::open_on(&options, &FakeBase(bent.clone(), 2)).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Journal { .. }), "{error}");
    let options = Options { cut_damaged_tail: true, ..options };
    let (store, opened) = Store::open_on(&options, &FakeBase(bent, 2)).unwrap();
    assert!(opened.torn, "{opened}");
    write_pair(&store, 3).unwrap();
    assert_kept(&store.view(), [1, 3]);
    assert_eq!(store.view().space(SPACE).get::<Note>(&2).unwrap(), None);
}

/// A real folder with pairs in the engine and in the journal.
fn real(folder: &Path, options: &Options) {
    let (store, _) = Store::open(options.clone()).unwrap();
    for id in 1..=300 {
        write_pair(&store, id).unwrap();
    }
    store.close().unwrap();
    assert!(folder.join("engine/db").exists());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_damaged_sled_folder_is_made_anew_or_found_out() {
    let origin = tempfile::tempdir().unwrap();
    let options = small(origin.path());
    real(origin.path(), &options);
    let length = std::fs::metadata(origin.path().join("engine/db")).unwrap().len();
    let mut dice = Dice(11);
    let (mut anew, mut found) = (0, 0);
    for case in 0..24 {
        let folder = tempfile::tempdir().unwrap();
        copy(origin.path(), folder.path());
        let db = folder.path().join("engine/db");
        match case {
            0 => std::fs::remove_file(&db).unwrap(),
            1 => std::fs::remove_dir_all(folder.path().join("engine")).unwrap(),
            2 => std::fs::write(&db, b"").unwrap(),
            3 => std::fs::write(folder.path().join("engine/conf"), b"nonsense").unwrap(),
            4..12 => std::fs::File::options().write(true).open(&db).unwrap().set_len(length * (case - 3) / 10).unwrap(),
            _ => {
                let mut bytes = std::fs::read(&db).unwrap();
                for _ in 0..case * 4 {
                    let at = dice.below(bytes.len());
                    bytes[at] ^= 1 << dice.below(8);
                }
                std::fs::write(&db, bytes).unwrap();
            }
        }
        let (store, opened) = Store::open(small(folder.path())).unwrap();
        if opened.rebuilt.is_some() {
            anew += 1;
        } else if !check(&store.view()).is_sound() {
            found += 1;
            drop(store);
            let (store, opened) = Store::open(Options { rebuild: true, ..small(folder.path()) }).unwrap();
            assert!(opened.rebuilt.is_some());
            assert_kept(&store.view(), 1..=300);
            continue;
        }
        assert_kept(&store.view(), 1..=300);
    }
    assert!(anew >= 5, "{anew} made anew, {found} found by verifying");
}

#[test]
fn a_snapshot_is_taken_while_running_and_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(small(folder.path().join("hall"))).unwrap();
    (1..=100).for_each(|id| write_pair(&store, id).unwrap());
    let file = folder.path().join("copy.snap");
    let (begun, begin) = channel();
    let snapshot = std::thread::scope(|scope| {
        let store = &store;
        scope.spawn(move || {
            for id in 101..=300 {
                write_pair(store, id).unwrap();
                if id == 150 {
                    begun.send(()).unwrap();
                }
            }
        });
        begin.recv().unwrap();
        store.snapshot(&file).unwrap()
    });
    let target = folder.path().join("other");
    let restored = restore(&file, &[], &target).unwrap();
    assert_eq!((restored.sequence, restored.entries), (snapshot.sequence, snapshot.entries));
    assert!(matches!(restore(&file, &[], &target), Err(Error::NotEmpty(_))));
    let (copy, opened) = Store::open(small(&target)).unwrap();
    assert_eq!((opened.sequence, opened.replayed, opened.rebuilt), (snapshot.sequence, 0, None));
    let view = copy.view();
    assert_kept(&view, 1..=150);
    let notes = view.space(SPACE).scan_keys::<Note>(&(), None, crate::Order::Ascending).count() as u64;
    assert!((300..600).contains(&notes), "{notes} records");
    drop(view);
    write_pair(&copy, 1_000).unwrap();
    assert_kept(&copy.view(), (1..=150).chain([1_000]));
    copy.close().unwrap();
    let (copy, _) = Store::open(small(&target)).unwrap();
    assert_kept(&copy.view(), (1..=150).chain([1_000]));

    let whole = std::fs::read(&file).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 200) {
        let mut bent = whole.clone();
        bent[at] ^= 1 << (at % 8);
        std::fs::write(&file, &bent).unwrap();
        let fresh = folder.path().join(format!("fresh-{at}"));
        assert!(matches!(restore(&file, &[], &fresh), Err(Error::Snapshot { .. })), "byte {at}");
        std::fs::write(&file, &whole[..at]).unwrap();
        assert!(matches!(restore(&file, &[], &fresh), Err(Error::Snapshot { .. })), "cut to {at}");
        assert!(!fresh.exists(), "nothing is made out of a damaged snapshot");
    }
}

/// One change behind the store's back, and the words with which verifying must report it.
type Tampering = (&'static str, Box<dyn Fn(&Store)>, &'static str);

fn raw(store: &Store, key: Vec<u8>, f: impl Fn(Option<Bytes>) -> Option<Bytes>) {
    let engine = store.engine();
    let old = engine.get(&key).unwrap();
    engine.apply(&mut [(&Bytes::from(key), &f(old))].into_iter()).unwrap();
}

fn flipped(value: Option<Bytes>) -> Option<Bytes> {
    let mut bytes = value.unwrap().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    Some(Bytes::from(bytes))
}

fn tamperings() -> Vec<Tampering> {
    let record = |id: u64| key(SPACE, Note::TABLE.id, &id.bytes());
    let code = |code: &str| key(SPACE, BY_CODE.id, &code.to_owned().bytes());
    let owner = |owner: u64, id: u64| key(SPACE, BY_OWNER.id, &(owner, id).bytes());
    let count = |owner: u64| key(SPACE, NOTES.id, &owner.bytes());
    let sum = key(SPACE, WEIGHT.id, &[]);
    let block = |first: u64| key(SPACE, AUDIT, &first.bytes());
    let head = key(SPACE, AUDIT_HEAD, &[]);
    let (head2, sum2) = (head.clone(), sum.clone());
    let wrong_count = move |id: u16| move |_| Some(envelope::wrap(id, 1, &77i64.to_le_bytes()));
    let renamed = Note { id: 4, ..note(3) }.encode().unwrap();
    vec![
        ("record bit", Box::new(move |s| raw(s, record(3), flipped)), "wrong checksum"),
        ("record gone", Box::new(move |s| raw(s, record(3), |_| None)), "belongs to no record"),
        (
            "record under another key",
            Box::new(move |s| raw(s, record(3), |_| Some(envelope::wrap(Note::TABLE.id, 1, &renamed)))),
            "another key",
        ),
        (
            "unknown table",
            Box::new(|s| raw(s, key(SPACE, 77, b"x"), |_| Some(Bytes::from_static(b"x")))),
            "no known table",
        ),
        ("entry gone", Box::new(move |s| raw(s, code("code-5"), |_| None)), "is missing"),
        (
            "entry elsewhere",
            Box::new(move |s| raw(s, code("code-5"), |_| Some(Bytes::from(6u64.bytes())))),
            "points elsewhere",
        ),
        (
            "stray unique entry",
            Box::new(move |s| raw(s, code("x"), |_| Some(Bytes::from(6u64.bytes())))),
            "belongs to no record",
        ),
        ("plain entry gone", Box::new(move |s| raw(s, owner(2, 7), |_| None)), "is missing"),
        ("stray plain entry", Box::new(move |s| raw(s, owner(3, 7), |_| Some(Bytes::new()))), "belongs to no record"),
        ("count wrong", Box::new(move |s| raw(s, count(2), wrong_count(NOTES.id))), "the count is 77"),
        ("count gone", Box::new(move |s| raw(s, count(2), |_| None)), "the count is missing"),
        ("count bit", Box::new(move |s| raw(s, sum.clone(), flipped)), "wrong checksum"),
        ("count of nothing", Box::new(move |s| raw(s, count(9), wrong_count(NOTES.id))), "the records give 0"),
        ("count of another counter", Box::new(move |s| raw(s, sum2.clone(), wrong_count(NOTES.id))), "another table"),
        ("block bit", Box::new(move |s| raw(s, block(4), flipped)), "wrong checksum"),
        ("block gone", Box::new(move |s| raw(s, block(4), |_| None)), "chain is broken"),
        (
            "line changed under a right checksum",
            Box::new(move |s| {
                raw(s, block(4), |value| {
                    let value = value.unwrap();
                    let mut content = envelope::open(AUDIT, b"", &value).unwrap().1.to_vec();
                    *content.last_mut().unwrap() ^= 1;
                    Some(envelope::wrap(AUDIT, 1, &content))
                });
            }),
            "chain is broken",
        ),
        ("last block gone", Box::new(move |s| raw(s, block(30), |_| None)), "does not end as its head says"),
        ("head gone", Box::new(move |s| raw(s, head.clone(), |_| None)), "head of the audit chain is missing"),
        ("head bit", Box::new(move |s| raw(s, head2.clone(), flipped)), "wrong checksum"),
    ]
}

#[test]
fn verifying_finds_whatever_was_tampered_with() {
    for (what, tamper, words) in tamperings() {
        let store = Store::memory();
        (1..=30).for_each(|id| write_pair(&store, id).unwrap());
        store.checkpoint().unwrap();
        assert!(check(&store.view()).is_sound());
        tamper(&store);
        let report = check(&store.view());
        assert!(!report.is_sound(), "{what} was not found");
        let text = report.to_string();
        assert!(text.contains(words), "{what}: {text}");
        assert!(text.contains("DAMAGED space 7, "), "{what}: {text}");
    }
}

#[test]
fn reading_a_damaged_value_is_an_error_that_names_it() {
    let store = Store::memory();
    (1..=5).for_each(|id| write_pair(&store, id).unwrap());
    store.checkpoint().unwrap();
    raw(&store, key(SPACE, Note::TABLE.id, &3u64.bytes()), flipped);
    let view = store.view();
    let space = view.space(SPACE);
    let named = |error: Error| matches!(error, Error::Value { key, .. } if key == "space 7, #901 0000000000000003");
    assert!(named(space.get::<Note>(&3).unwrap_err()));
    assert!(named(space.find(&BY_CODE, &"code-3".to_owned()).unwrap_err()));
    let scanned: Vec<_> = space.scan::<Note>(&(), None, crate::Order::Ascending).take(3).collect();
    assert!(scanned[2].as_ref().is_err_and(|error| named(error.clone())));
    let removed = store.write_blocking(|tx| tx.space(SPACE).remove::<Note>(&3));
    assert!(named(removed.unwrap_err()));
    write_pair(&store, 6).unwrap();
}

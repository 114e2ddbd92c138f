//! Bytes that earlier versions wrote open. A fixture is never changed; a new version adds its own.

use super::{BY_CODE, NOTES, Note, OTHER_BY_TEXT, Other, OtherV1, SPACE, assert_kept, check, note, older, write_pair};
use crate::{
    Error, Key, Options, Order, Read, SpaceId, Store, disk::Folder, envelope, read::key, restore, table::Record,
};
use bytes::Bytes;
use std::path::{Path, PathBuf};

pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("test/fixture").join(name)
}

/// A value of version 1 of `other` under key 5, as it lay in the engine.
const OTHER_V1: &[u8] = include_bytes!("fixture/other_v1.bin");
/// A value of version 1 of `note` under key 7.
const NOTE_V1: &[u8] = include_bytes!("fixture/note_v1.bin");

/// Lays a value down as it lay in the engine.
pub(super) fn put_raw(store: &Store, space: SpaceId, table: u16, id: &impl Key, value: Bytes) {
    let at = Bytes::from(key(space, table, &id.bytes()));
    store.engine().apply(&mut [(&at, &Some(value))].into_iter()).unwrap();
}

#[test]
fn a_value_of_the_first_version_opens_in_todays_shape() {
    let store = Store::memory();
    put_raw(&store, SPACE, Other::TABLE.id, &5u64, Bytes::from_static(OTHER_V1));
    put_raw(&store, SPACE, Note::TABLE.id, &7u64, Bytes::from_static(NOTE_V1));
    let view = store.view();
    let space = view.space(SPACE);
    let migrated = Other { id: 5, text: "erste Fassung 第一版".into(), length: 23 };
    assert_eq!(space.get::<Other>(&5).unwrap(), Some(migrated.clone()));
    assert_eq!(space.peek::<Other, _>(&5, |other| other.length.to_native()).unwrap(), Some(23));
    assert_eq!(space.scan::<Other>(&(), None, Order::Ascending).next().unwrap().unwrap(), (5, migrated));
    assert_eq!(space.get::<Note>(&7).unwrap(), Some(note(7)));
}

#[test]
fn a_migrated_record_is_written_in_todays_version_with_its_index_entries() {
    let store = Store::memory();
    put_raw(&store, SPACE, Other::TABLE.id, &5u64, Bytes::from_static(OTHER_V1));
    let entry = Bytes::from(key(SPACE, OTHER_BY_TEXT.id, &("erste Fassung 第一版".to_owned(), 5u64).bytes()));
    store.engine().apply(&mut [(&entry, &Some(Bytes::new()))].into_iter()).unwrap();
    assert!(check(&store.view()).is_sound());
    let changed = store.write_blocking(|tx| {
        let mut space = tx.space(SPACE);
        let mut other = space.get::<Other>(&5)?.ok_or(Error::Closed)?;
        other.text = "new".into();
        space.put(&other)
    });
    changed.unwrap();
    let view = store.view();
    let found: Vec<u64> =
        view.space(SPACE).scan_index(&OTHER_BY_TEXT, &(), None, Order::Ascending).map(|k| k.unwrap()).collect();
    assert_eq!(found, [5]);
    assert!(check(&view).is_sound());
}

#[test]
fn an_unknown_version_is_an_error_and_not_guessed_at() {
    let store = Store::memory();
    let at = Bytes::from(key(SPACE, Other::TABLE.id, &5u64.bytes()));
    let (_, content) = envelope::open(Other::TABLE.id, &at, OTHER_V1).unwrap();
    let newer = envelope::wrap(Other::TABLE.id, 3, content);
    store.engine().apply(&mut [(&at, &Some(newer))].into_iter()).unwrap();
    let error = store.view().space(SPACE).get::<Other>(&5).unwrap_err();
    assert!(error.to_string().contains("unknown version 3"), "{error}");
    assert!(!check(&store.view()).is_sound());
}

#[test]
fn a_snapshot_of_the_first_format_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let restored = restore(&fixture("snapshot_v1.snap"), &[], &folder.path().join("hall")).unwrap();
    assert_eq!(restored.sequence, 10);
    let (store, _) = Store::open(Options::new(folder.path().join("hall"))).unwrap();
    assert_first_format(&store);
}

#[test]
fn a_journal_of_the_first_format_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("journal")).unwrap();
    std::fs::copy(fixture("journal_v1.seg"), folder.path().join("journal/0000000001.seg")).unwrap();
    let (store, opened) = Store::open(Options::new(folder.path())).unwrap();
    assert_eq!(opened.replayed, 10);
    assert_first_format(&store);
}

#[test]
fn an_engine_of_an_older_program_is_made_anew_from_what_the_journal_and_the_snapshot_hold() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(Options::new(folder.path())).unwrap();
    (1..=10).for_each(|id| write_pair(&store, id).unwrap());
    store.close().unwrap();
    let path = Folder(folder.path().to_owned()).checkpoint();
    let kept = std::fs::read_to_string(&path).unwrap();
    let line = kept.rsplit_once(' ').unwrap().0.replace("checkpoint 2", "checkpoint 1");
    std::fs::write(&path, format!("{line} {:08x}\n", crc32fast::hash(line.as_bytes()))).unwrap();
    let (store, opened) = Store::open(Options::new(folder.path())).unwrap();
    assert!(opened.rebuilt.is_some_and(|why| why.contains("an older program")), "made anew");
    assert_first_format(&store);
    store.close().unwrap();
    let (store, opened) = Store::open(Options::new(folder.path())).unwrap();
    assert_eq!(opened.rebuilt, None, "once");
    assert_first_format(&store);
}

/// Ten pairs: keys, values, index entries, counts and audit chain of the first format.
fn assert_first_format(store: &Store) {
    let view = store.view();
    assert_kept(&view, 1..=10);
    let space = view.space(SPACE);
    assert_eq!(space.find(&BY_CODE, &"code-4".to_owned()).unwrap(), Some(note(4)));
    assert_eq!(space.count(&NOTES, &1).unwrap(), 4);
    assert_eq!(space.audit(None).next().unwrap().unwrap(), (10, b"pair 10".to_vec()));
}

/// Not a test: writes the fixtures of a version that was just made. Existing ones are never written over.
#[test]
#[ignore = "makes fixtures"]
fn make_fixtures() {
    let keep = |name: &str, bytes: &[u8]| {
        let path = fixture(name);
        if std::fs::metadata(&path).is_ok_and(|kept| kept.len() > 0) {
            return;
        }
        std::fs::write(path, bytes).unwrap();
    };
    let old = OtherV1 { id: 5, text: "erste Fassung 第一版".into() };
    let bytes = rkyv::to_bytes::<rkyv::rancor::Error>(&old).unwrap();
    keep("other_v1.bin", &envelope::wrap(Other::TABLE.id, 1, &bytes));
    keep("note_v1.bin", &envelope::wrap(Note::TABLE.id, 1, &note(7).encode().unwrap()));
    older::frozen().iter().for_each(|(name, bytes)| keep(name, bytes));
    let folder = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 16 << 10, ..Options::new(folder.path().join("hall")) };
    let (store, _) = Store::open(options).unwrap();
    (1..=10).for_each(|id| write_pair(&store, id).unwrap());
    store.snapshot(&folder.path().join("copy")).unwrap();
    keep("snapshot_v1.snap", &std::fs::read(folder.path().join("copy")).unwrap());
    keep("journal_v1.seg", &std::fs::read(folder.path().join("hall/journal/0000000001.seg")).unwrap());
}

//! Tests of the store as a whole, with tables of their own.

mod crowd;
mod damage;
mod disk;
mod follow;
mod full;
mod kill;
mod layers;
mod migrate;
mod older;
mod part;
mod power;
mod standby;
mod suite;

use crate::{Counter, Derived, Error, Options, Plain, Read, Report, SpaceId, SpaceTx, Store, Unique, View, verify};
use rkyv::{Archive, Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// A record with every kind of derived thing.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub id: u64,
    pub owner: u64,
    pub code: String,
    pub weight: i64,
    pub body: String,
}

/// Version 1 of [`Other`].
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct OtherV1 {
    pub id: u64,
    pub text: String,
}

/// A record whose shape changed.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Other {
    pub id: u64,
    pub text: String,
    pub length: u32,
}

pub const BY_CODE: Unique<Note, String> = Unique::new(901, "note_by_code");
pub const BY_OWNER: Plain<Note, u64> = Plain::new(902);
pub const OTHER_BY_TEXT: Plain<Other, String> = Plain::new(903);
pub const NOTES: Counter<u64> = Counter::new(901);
pub const WEIGHT: Counter<()> = Counter::new(902);

fn derive_note(note: &Note, out: &mut Derived) {
    out.unique(&BY_CODE, &note.code);
    out.plain(&BY_OWNER, &note.owner);
    out.count(&NOTES, &note.owner, 1);
    out.count(&WEIGHT, &(), note.weight);
}

fn migrate_other(version: u16, bytes: &[u8]) -> Result<Other, String> {
    if version != 1 {
        return Err(format!("unknown version {version}"));
    }
    let old = rkyv::from_bytes::<OtherV1, rkyv::rancor::Error>(bytes).map_err(|error| error.to_string())?;
    Ok(Other { id: old.id, length: old.text.len() as u32, text: old.text })
}

mod tables {
    use super::*;
    crate::tables! {
        901 "note" v 1 Note { key u64 = |r| r.id; derive |r, out| derive_note(r, out); }
        902 "other" v 2 Other {
            key u64 = |r| r.id;
            derive |r, out| out.plain(&OTHER_BY_TEXT, &r.text);
            migrate |version, bytes| migrate_other(version, bytes);
        }
    }
}

pub const SPACE: SpaceId = SpaceId(7);

pub fn note(id: u64) -> Note {
    Note { id, owner: id % 5, code: format!("code-{id}"), weight: id as i64 * 3, body: format!("body of {id}") }
}

pub fn check(view: &View) -> Report {
    verify::verify(&view.layers(), view.sequence(), &tables::all())
}

pub fn assert_sound(view: &View) {
    let report = check(view);
    assert!(report.is_sound(), "{report}");
}

/// Two records that belong together, and an audit line.
pub fn pair(space: &mut SpaceTx<'_>, id: u64) -> Result<(), Error> {
    space.insert(&note(id))?;
    space.insert(&note(id + PAIR))?;
    space.audit(format!("pair {id}").into_bytes())
}

/// Distance of the two records of a pair.
pub const PAIR: u64 = 1 << 40;

pub fn write_pair(store: &Store, id: u64) -> Result<(), Error> {
    store.write_blocking(move |tx| pair(&mut tx.space(SPACE), id))
}

/// Everything told is there, nothing is there in half, and all of it is sound.
pub fn assert_kept(view: &View, told: impl IntoIterator<Item = u64>) {
    let space = view.space(SPACE);
    for id in told {
        assert_eq!(space.get::<Note>(&id).unwrap(), Some(note(id)), "pair {id}");
    }
    let keys: Vec<u64> = space.scan_keys::<Note>(&(), None, crate::Order::Ascending).map(|key| key.unwrap()).collect();
    let (first, second): (Vec<u64>, Vec<u64>) = keys.iter().partition(|key| **key < PAIR);
    assert_eq!(first, second.iter().map(|key| key - PAIR).collect::<Vec<_>>());
    assert_sound(view);
}

pub fn runtime(workers: usize) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_time().build().unwrap()
}

/// A runtime of which a task writes for all: several bring something while one transaction holds the writer, which makes them a crowd.
pub fn helped(store: &Store, workers: usize) -> tokio::runtime::Runtime {
    let runtime = runtime(workers);
    // Whether they come together is a matter of chance on a machine that has other things to do.
    for _ in 0..1_000 {
        let (held, brought) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (holds, waits) = (held.clone(), brought.clone());
        let hold = move |_: &mut crate::Tx<'_>| {
            holds.store(true, Ordering::SeqCst);
            while waits.load(Ordering::SeqCst) < 4 {
                thread::yield_now();
            }
            Ok::<_, Error>(())
        };
        thread::scope(|scope| {
            scope.spawn(move || store.write_blocking(hold).unwrap());
            while !held.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            for _ in 0..4 {
                scope.spawn(|| {
                    brought.fetch_add(1, Ordering::SeqCst);
                    store.write_blocking(|_| Ok::<_, Error>(())).unwrap();
                });
            }
        });
        runtime.block_on(store.write(|_| Ok::<_, Error>(()))).unwrap();
        if store.is_helped() {
            return runtime;
        }
    }
    panic!("nobody helps");
}

/// Small segments and early checkpoints, so that everything happens often.
pub fn small(folder: impl Into<std::path::PathBuf>) -> Options {
    Options {
        segment_bytes: 16 << 10,
        checkpoint_bytes: 24 << 10,
        retain_bytes: 48 << 10,
        reserve_bytes: 1 << 20,
        ..Options::new(folder)
    }
}

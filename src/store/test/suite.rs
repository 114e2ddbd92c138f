//! One suite of what a store must do, run over the memory engine and over sled.

use super::{
    BY_CODE, BY_OWNER, NOTES, Note, PAIR, SPACE, WEIGHT, assert_kept, assert_sound, check, note, pair, small,
    write_pair,
};
use crate::{Error, Order, Read, SpaceId, Store};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Runs a case over every engine; over sled also with everything in the engine, and after opening again.
fn everywhere(case: impl Fn(&Store, &dyn Fn(&Store))) {
    let store = Store::memory();
    case(&store, &|_| ());
    case(&Store::memory(), &|store| store.checkpoint().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (store, opened) = Store::open(small(folder.path())).unwrap();
    assert!(opened.fresh);
    case(&store, &|_| ());
    let before: Vec<Note> = all(&store);
    store.close().unwrap();
    let (store, opened) = Store::open(small(folder.path())).unwrap();
    assert_eq!((opened.replayed, opened.rebuilt), (0, None));
    assert_eq!(all(&store), before);
    assert_sound(&store.view());
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(small(folder.path())).unwrap();
    case(&store, &|store| store.checkpoint().unwrap());
}

fn all(store: &Store) -> Vec<Note> {
    store.view().space(SPACE).scan::<Note>(&(), None, Order::Ascending).map(|kept| kept.unwrap().1).collect()
}

#[test]
fn records_are_found_by_key_and_by_every_index() {
    everywhere(|store, settle| {
        for id in 1..=20 {
            write_pair(store, id).unwrap();
        }
        settle(store);
        let view = store.view();
        let space = view.space(SPACE);
        assert_eq!(space.get::<Note>(&3).unwrap(), Some(note(3)));
        assert_eq!(space.get::<Note>(&21).unwrap(), None);
        assert_eq!(view.space(SpaceId(8)).get::<Note>(&3).unwrap(), None, "another space holds nothing");
        assert_eq!(space.find(&BY_CODE, &"code-3".to_owned()).unwrap(), Some(note(3)));
        assert_eq!(space.find_key::<Note, _>(&BY_CODE, &"code".to_owned()).unwrap(), None);
        assert_eq!(space.peek::<Note, _>(&3, |kept| kept.weight.to_native()).unwrap(), Some(9));
        let owned: Vec<u64> =
            space.scan_index(&BY_OWNER, &2u64, None, Order::Descending).map(|key| key.unwrap()).collect();
        assert!(owned.windows(2).all(|pair| pair[0] > pair[1]));
        assert_eq!(owned.iter().filter(|id| **id < PAIR).copied().collect::<Vec<_>>(), [17, 12, 7, 2]);
        let beyond: Vec<u64> =
            space.scan_index(&BY_OWNER, &2u64, Some(&(2, 12)), Order::Descending).map(|key| key.unwrap()).collect();
        assert_eq!(beyond, [7, 2]);
        let entries: Vec<_> = space.scan_entries(&BY_OWNER, &(), Some(&(1, 11)), Order::Ascending).take(1).collect();
        assert_eq!(entries.into_iter().map(|entry| entry.unwrap()).collect::<Vec<_>>(), [(1, 16)]);
        assert_sound(&view);
    });
}

#[test]
fn scans_go_both_ways_and_on_from_a_key() {
    everywhere(|store, settle| {
        for id in 1..=9 {
            store.write_blocking(move |tx| tx.space(SPACE).insert(&note(id))).unwrap();
        }
        settle(store);
        // Changes in memory lie over what the engine has.
        store.write_blocking(|tx| tx.space(SPACE).remove::<Note>(&4)).unwrap();
        store.write_blocking(|tx| tx.space(SPACE).insert(&note(12))).unwrap();
        let view = store.view();
        let space = view.space(SPACE);
        let keys = |from, order| space.scan_keys::<Note>(&(), from, order).map(|key| key.unwrap()).collect::<Vec<_>>();
        assert_eq!(keys(None, Order::Ascending), [1, 2, 3, 5, 6, 7, 8, 9, 12]);
        assert_eq!(keys(Some(&5), Order::Ascending), [6, 7, 8, 9, 12]);
        assert_eq!(keys(Some(&5), Order::Descending), [3, 2, 1]);
        assert_eq!(keys(Some(&4), Order::Ascending), [5, 6, 7, 8, 9, 12]);
        assert_eq!(keys(Some(&99), Order::Ascending), [0; 0]);
        let mut seen = Vec::new();
        let visited = space.visit::<Note>(&(), Order::Descending, |key, kept| {
            seen.push((key, kept.id.to_native()));
            if seen.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        visited.unwrap();
        assert_eq!(seen, [(12, 12), (9, 9)]);
        store.write_blocking(|tx| tx.space(SPACE).insert(&note(4))).unwrap();
    });
}

#[test]
fn counts_follow_the_records() {
    everywhere(|store, settle| {
        for id in 1..=10 {
            store.write_blocking(move |tx| tx.space(SPACE).insert(&note(id))).unwrap();
        }
        settle(store);
        store.write_blocking(|tx| tx.space(SPACE).put(&Note { owner: 1, weight: 100, ..note(5) })).unwrap();
        store.write_blocking(|tx| tx.space(SPACE).remove::<Note>(&10)).unwrap();
        let view = store.view();
        let space = view.space(SPACE);
        assert_eq!(space.count(&NOTES, &0).unwrap(), 0);
        let counts: Vec<_> = space.counts(&NOTES, &()).map(|count| count.unwrap()).collect();
        assert_eq!(counts, [(1, 3), (2, 2), (3, 2), (4, 2)]);
        assert_eq!(space.count(&WEIGHT, &()).unwrap(), (1..10).map(|id| id * 3).sum::<i64>() - 15 + 100);
        assert_sound(&view);
    });
}

#[test]
fn a_refusing_or_panicking_transaction_leaves_nothing_and_disturbs_nobody() {
    everywhere(|store, settle| {
        write_pair(store, 1).unwrap();
        settle(store);
        let refused = store.write_blocking(|tx| {
            pair(&mut tx.space(SPACE), 2)?;
            tx.space(SPACE).remove::<Note>(&1)?;
            Err::<(), _>(Error::Engine("no".into()))
        });
        assert!(matches!(refused, Err(Error::Engine(_))));
        let panicked = store.write_blocking(|tx| -> Result<(), Error> {
            pair(&mut tx.space(SPACE), 3)?;
            panic!("on purpose")
        });
        assert!(matches!(panicked, Err(Error::Panic(text)) if text == "on purpose"));
        write_pair(store, 4).unwrap();
        assert_eq!(store.view().space(SPACE).get::<Note>(&2).unwrap(), None);
        assert_eq!(store.view().space(SPACE).audit(None).count(), 2);
        assert_kept(&store.view(), [1, 4]);
    });
}

#[test]
fn within_one_group_each_is_rolled_back_alone() {
    let store = Store::memory();
    let begun = AtomicBool::new(false);
    thread::scope(|scope| {
        let gate = std::sync::Arc::new(std::sync::Barrier::new(2));
        let held = gate.clone();
        let (handle, begun) = (store.clone(), &begun);
        scope.spawn(move || {
            let waiting = handle.write_blocking(move |_| {
                held.wait();
                Ok::<_, Error>(())
            });
            begun.store(true, Ordering::SeqCst);
            waiting.unwrap();
        });
        let lanes: Vec<_> = (1..=40u64)
            .map(|id| {
                let store = store.clone();
                scope.spawn(move || {
                    let done = store.write_blocking(move |tx| {
                        pair(&mut tx.space(SPACE), id)?;
                        if id % 3 == 0 { Err(Error::Engine("no".into())) } else { Ok(()) }
                    });
                    assert_eq!(done.is_ok(), id % 3 != 0);
                })
            })
            .collect();
        gate.wait();
        lanes.into_iter().for_each(|lane| lane.join().unwrap());
    });
    assert!(store.stats().groups < 40, "{:?}", store.stats());
    assert_kept(&store.view(), (1..=40).filter(|id| id % 3 != 0));
}

#[test]
fn what_is_unique_stays_unique() {
    everywhere(|store, settle| {
        store.write_blocking(|tx| tx.space(SPACE).insert(&note(1))).unwrap();
        store.write_blocking(|tx| tx.space(SPACE).insert(&note(2))).unwrap();
        settle(store);
        let insert = |new: Note| store.write_blocking(move |tx| tx.space(SPACE).insert(&new));
        let put = |new: Note| store.write_blocking(move |tx| tx.space(SPACE).put(&new));
        assert!(matches!(insert(note(1)), Err(Error::Duplicate { what: "note" })));
        assert!(matches!(insert(Note { id: 3, ..note(1) }), Err(Error::Duplicate { what: "note_by_code" })));
        assert!(matches!(
            put(Note { code: "code-1".into(), ..note(2) }),
            Err(Error::Duplicate { what: "note_by_code" })
        ));
        put(Note { body: "new".into(), ..note(1) }).unwrap();
        // Two change places in one transaction, over a third code.
        let swapped = store.write_blocking(|tx| {
            let mut space = tx.space(SPACE);
            space.put(&Note { code: "between".into(), ..note(1) })?;
            space.put(&Note { code: "code-1".into(), ..note(2) })?;
            space.put(&Note { code: "code-2".into(), ..note(1) })
        });
        swapped.unwrap();
        assert_eq!(store.view().space(SPACE).find_key::<Note, _>(&BY_CODE, &"code-1".to_owned()).unwrap(), Some(2));
        assert_sound(&store.view());
    });
}

#[test]
fn numbers_ascend_per_space_and_are_not_given_twice() {
    everywhere(|store, settle| {
        let next = |space| store.write_blocking(move |tx| tx.space(SpaceId(space)).next_id::<Note>()).unwrap();
        assert_eq!((next(1), next(1)), (1, 2));
        settle(store);
        assert_eq!((next(1), next(2)), (3, 1));
        let undone = store.write_blocking(|tx| {
            tx.space(SpaceId(1)).next_id::<Note>()?;
            Err::<(), _>(Error::Closed)
        });
        undone.unwrap_err();
        assert_eq!(next(1), 4);
    });
}

#[test]
fn a_value_that_is_too_large_is_refused() {
    everywhere(|store, _| {
        let large = Note { body: "x".repeat(100_001), ..note(1) };
        let kept = store.write_blocking(move |tx| tx.space(SPACE).insert(&large));
        assert!(matches!(kept, Err(Error::TooLarge { what: "note", .. })));
        let fits = Note { body: "x".repeat(99_000), ..note(1) };
        store.write_blocking(move |tx| tx.space(SPACE).insert(&fits)).unwrap();
        let line = store.write_blocking(|tx| tx.space(SPACE).audit(vec![0; 30_000]));
        assert!(matches!(line, Err(Error::TooLarge { .. })));
    });
}

#[test]
fn a_group_larger_than_a_segment_is_kept() {
    everywhere(|store, _| {
        let written = store.write_blocking(|tx| (1..=300).try_for_each(|id| pair(&mut tx.space(SPACE), id)));
        written.unwrap();
        for id in 301..=310 {
            write_pair(store, id).unwrap();
        }
        assert_kept(&store.view(), 1..=310);
    });
}

#[test]
fn a_view_stands_still_while_everything_changes() {
    everywhere(|store, settle| {
        for id in 1..=30 {
            write_pair(store, id).unwrap();
        }
        settle(store);
        let view = store.view();
        let expected: Vec<_> =
            view.space(SPACE).scan::<Note>(&(), None, Order::Ascending).map(|kept| kept.unwrap()).collect();
        let lines = view.space(SPACE).audit(None).count();
        for id in 1..=60u64 {
            let change = store.write_blocking(move |tx| {
                let mut space = tx.space(SPACE);
                if id % 2 == 0 {
                    space.remove::<Note>(&id)?;
                    space.remove::<Note>(&(id + PAIR))?;
                } else {
                    space.put(&Note { body: "changed".into(), ..note(id) })?;
                    space.put(&Note { body: "changed".into(), ..note(id + PAIR) })?;
                }
                space.audit(b"changed".to_vec())
            });
            change.unwrap();
            let other: Vec<_> =
                view.space(SPACE).scan::<Note>(&(), None, Order::Ascending).map(|kept| kept.unwrap()).collect();
            assert_eq!(other, expected);
        }
        assert_eq!(view.space(SPACE).audit(None).count(), lines);
        assert_sound(&view);
        drop(view);
        assert_sound(&store.view());
    });
}

#[test]
fn views_are_consistent_whenever_they_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(small(folder.path())).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut views = 0;
                while !done.load(Ordering::SeqCst) || views == 0 {
                    assert_kept(&store.view(), []);
                    views += 1;
                }
            });
        }
        for lane in 0..3u64 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..200u64 {
                    let id = lane * 1_000 + round % 17 + 1;
                    let change = store.write_blocking(move |tx| {
                        let mut space = tx.space(SPACE);
                        match space.remove::<Note>(&id)? {
                            Some(_) => space.remove::<Note>(&(id + PAIR)).map(|_| ()),
                            None => pair(&mut space, id),
                        }
                    });
                    change.unwrap();
                }
            });
        }
        let (store, done) = (&store, &done);
        scope.spawn(move || {
            for id in 100_001..=100_200 {
                write_pair(store, id).unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
    });
    assert_kept(&store.view(), 100_001..=100_200);
}

#[test]
fn the_audit_log_is_read_newest_first_and_on_from_a_line() {
    everywhere(|store, settle| {
        for id in 1..=250u64 {
            store.write_blocking(move |tx| tx.space(SPACE).audit(format!("line {id}").into_bytes())).unwrap();
        }
        let long = store.write_blocking(|tx| (251..=300).try_for_each(|_| tx.space(SPACE).audit(vec![b'x'; 5_000])));
        long.unwrap();
        settle(store);
        let view = store.view();
        let space = view.space(SPACE);
        let numbers: Vec<u64> = space.audit(None).map(|line| line.unwrap().0).collect();
        assert_eq!(numbers, (1..=300).rev().collect::<Vec<_>>());
        let page: Vec<_> = space.audit(Some(200)).take(2).map(|line| line.unwrap()).collect();
        assert_eq!(page, [(199, b"line 199".to_vec()), (198, b"line 198".to_vec())]);
        let report = check(&view);
        assert_eq!(report.lines, 300);
        assert!(report.blocks > 5, "long lines are split into blocks");
        assert!(report.is_sound(), "{report}");
    });
}

#[test]
fn waiting_for_a_commit_wakes_with_its_number() {
    let store = Store::memory();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut committed = store.committed();
        assert_eq!(*committed.borrow_and_update(), 0);
        store.write(|tx| pair(&mut tx.space(SPACE), 1)).await.unwrap();
        committed.changed().await.unwrap();
        assert_eq!(*committed.borrow(), 1);
        store.write(|tx| tx.space(SPACE).get::<Note>(&1)).await.unwrap();
        assert_eq!(store.stats().groups, 1, "who only reads makes no group");
    });
}

#[test]
fn a_closed_store_says_so_and_a_folder_is_opened_once() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(small(folder.path())).unwrap();
    assert!(matches!(Store::open(small(folder.path())), Err(Error::Locked(_))));
    let other = store.clone();
    store.close().unwrap();
    assert!(matches!(write_pair(&other, 1), Err(Error::Closed)));
    assert!(matches!(other.checkpoint(), Err(Error::Closed)));
    drop(other);
    Store::open(small(folder.path())).unwrap();
}

#[test]
fn closing_with_a_view_held_ends_and_says_that_it_is_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(small(folder.path().join("hall"))).unwrap();
    write_pair(&store, 1).unwrap();
    let view = store.view();
    write_pair(&store, 2).unwrap();
    write_pair(&store, 3).unwrap();
    assert!(store.close().is_err(), "what the view must not see is not in the engine");
    drop(view);
    let (again, _) = Store::open(small(folder.path().join("hall"))).unwrap();
    assert_kept(&again.view(), 1..=3);
}

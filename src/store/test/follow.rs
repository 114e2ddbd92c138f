//! What follows the writer: it is told of every transaction's end and every group's, writes in its own last transaction, and takes
//! back what did not happen.

use super::{
    Note, SPACE,
    disk::{FakeBase, FakeDisk},
    note, pair, small,
};
use crate::{Committed, Error, Follower, Options, Read, Store, Tx};
use std::sync::{Arc, Mutex, atomic::Ordering};
use std::time::{Duration, Instant};

/// What it saw, in order.
type Seen = Arc<Mutex<Vec<String>>>;

/// Counts its transactions' calls and writes a note numbered by their sum when a group ends.
struct Tally {
    seen: Seen,
    sum: u64,
    open: u64,
    fails: bool,
}

impl Follower for Tally {
    fn settle(&mut self, keep: bool) {
        self.seen.lock().unwrap().push(format!("settle {keep} {}", self.open));
        if keep {
            self.sum += self.open;
        }
        self.open = 0;
    }
    fn close(&mut self, tx: &mut Tx<'_>) -> Result<(), Error> {
        if self.fails {
            return Err(Error::Follow("no".into()));
        }
        if self.sum > 0 {
            tx.space(SPACE).append(&note(self.sum)).map(|_| ())?;
        }
        Ok(())
    }
    fn end(&mut self, committed: Option<&Committed<'_>>) {
        let said = committed.map(|committed| {
            let notes = committed.of::<Note>().map(|change| change.unwrap().1).collect::<Vec<_>>();
            format!("{} {notes:?}", committed.has_records())
        });
        self.seen.lock().unwrap().push(format!("end {said:?}"));
        self.sum = 0;
    }
}

fn follow(store: &Store, fails: bool) -> Seen {
    let seen = Seen::default();
    store.follow(Box::new(Tally { seen: seen.clone(), sum: 0, open: 0, fails })).unwrap();
    seen
}

fn add(store: &Store, amount: u64, refuse: bool) -> Result<(), Error> {
    store.write_blocking(move |tx| {
        let mut space = tx.space(SPACE);
        let (reader, tally) = space.follower::<Tally>().unwrap();
        assert!(reader.is_untouched());
        tally.open += amount;
        if refuse { Err(Error::Panic("refused".into())) } else { Ok(()) }
    })
}

#[test]
fn a_follower_writes_for_the_transactions_that_were_kept() {
    let store = Store::memory();
    let seen = follow(&store, false);
    add(&store, 5, false).unwrap();
    add(&store, 7, true).unwrap_err();
    assert_eq!(store.view().space(SPACE).get::<Note>(&5).unwrap(), Some(note(5)));
    assert_eq!(store.view().space(SPACE).get::<Note>(&7).unwrap(), None);
    let seen = seen.lock().unwrap();
    assert_eq!(*seen, ["settle true 5", "end Some(\"false [5]\")", "settle false 7", "end Some(\"false []\")"]);
}

#[test]
fn a_follower_that_cannot_write_fails_its_group_and_no_other() {
    let store = Store::memory();
    let seen = follow(&store, true);
    let error = add(&store, 5, false).unwrap_err();
    assert!(matches!(error, Error::Follow(_)), "{error}");
    assert_eq!(seen.lock().unwrap().last().unwrap(), "end None");
    follow(&store, false);
    add(&store, 6, false).unwrap();
    assert_eq!(store.view().space(SPACE).get::<Note>(&6).unwrap(), Some(note(6)));
}

#[test]
fn what_a_full_disk_refuses_never_happened_for_a_follower() {
    let disk = FakeDisk::new();
    let options = Options { reserve_bytes: 0, ..small("/hall") };
    let (store, _) = Store::open_on(&options, &FakeBase(disk.clone(), 1)).unwrap();
    let seen = follow(&store, false);
    add(&store, 5, false).unwrap();
    store.checkpoint().unwrap();
    disk.0.free.store(100, Ordering::SeqCst);
    let refused = store.write_blocking(|tx| {
        let mut space = tx.space(SPACE);
        space.follower::<Tally>().unwrap().1.open += 6;
        (100..200).try_for_each(|id| pair(&mut space, id))
    });
    assert!(matches!(refused, Err(Error::DiskFull { .. })), "{refused:?}");
    assert_eq!(seen.lock().unwrap().last().unwrap(), "end None");
    disk.0.free.store(1 << 40, Ordering::SeqCst);
    let begin = Instant::now();
    while let Err(error) = add(&store, 7, false) {
        assert!(matches!(error, Error::DiskFull { .. }) && begin.elapsed() < Duration::from_secs(10), "{error}");
    }
    let space = store.view().space(SPACE);
    let kept = [5, 6, 7].map(|id| space.get::<Note>(&id).unwrap().is_some());
    assert_eq!(kept, [true, false, true]);
}

#[test]
fn the_journal_tells_what_was_touched_since() {
    let disk = FakeDisk::new();
    let options = Options { reserve_bytes: 0, ..small("/hall") };
    let touched = |store: &Store, after| {
        let mut seen = Vec::new();
        let last = store.view().sequence();
        let whole = store.touched_since(after, last, |change| seen.extend(change.of::<Note>().map(|(_, id)| id)));
        whole.then_some(seen)
    };
    let put = |store: &Store, id| {
        store.write_blocking(move |tx| tx.space(SPACE).put(&note(id)).map(|_| Ok::<_, Error>(()))).unwrap().unwrap();
    };
    let (store, _) = Store::open_on(&options, &FakeBase(disk.clone(), 1)).unwrap();
    let begin = store.view().sequence();
    put(&store, 5);
    put(&store, 6);
    let middle = store.view().sequence();
    store.write_blocking(|tx| tx.space(SPACE).remove::<Note>(&5)).unwrap();
    assert_eq!(touched(&store, begin), Some(vec![5, 6, 5]));
    assert_eq!(touched(&store, middle), Some(vec![5]));
    assert_eq!(touched(&store, store.view().sequence()), Some(vec![]));
    assert_eq!(touched(&store, store.view().sequence() + 1), None, "what is to come is not known");
    store.close().unwrap();
    let (store, _) = Store::open_on(&options, &FakeBase(disk, 1)).unwrap();
    assert_eq!(touched(&store, middle), Some(vec![5]), "after opening again too");
    assert_eq!(touched(&Store::memory(), 0), Some(vec![]));
}

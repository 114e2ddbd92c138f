//! An update that is cut short: whatever is on disk then, the next start has whole data that go with the program.

use super::*;
use domain::{BackupAccess, SpaceId};
use store::Read;

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// Data that say `old`, kept for an update, and then changed by the new program to say `new`.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Self { folder };
        fs::write(made.program(), "old").unwrap();
        fs::create_dir(made.data()).unwrap();
        made.write("old");
        keep(&made.data()).unwrap();
        let state = State {
            step: Step::Trying,
            from: "0.1.0".into(),
            to: "0.2.0".into(),
            program: made.program(),
            old: package::hash_of_file(&made.program()).unwrap(),
        };
        state.write(&made.data()).unwrap();
        made
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("huiguan")
    }

    fn write(&self, text: &str) {
        let (store, _) = self.open();
        let access = BackupAccess { user: text.into(), sealed: Vec::new() };
        store.write_blocking(move |tx| tx.space(SpaceId::ASSOCIATION).put(&access)).unwrap();
        store.close().unwrap();
    }

    fn open(&self) -> (Store, store::Opened) {
        Store::open(Options { reserve_bytes: 0, ..Options::new(self.data().join("store")) }).unwrap()
    }

    fn says(&self) -> String {
        let (store, _) = self.open();
        assert!(store.verify().is_sound());
        let said = store.view().space(SpaceId::ASSOCIATION).get::<BackupAccess>(&()).unwrap().unwrap().user;
        store.close().unwrap();
        said
    }

    /// The new program in place, with data that it changed, and the step that is on disk.
    fn changed(&self, step: Step) {
        fs::write(self.program(), "new").unwrap();
        self.write("new");
        let state = State::read(&self.data()).unwrap().unwrap();
        State { step, ..state }.write(&self.data()).unwrap();
    }

    fn resumed(&self) -> bool {
        resume(&self.data()).unwrap().is_some()
    }

    fn is_ended(&self) -> bool {
        State::read(&self.data()).unwrap().is_none()
    }
}

#[test]
fn an_update_that_was_cut_short_before_it_changed_anything_is_forgotten() {
    let of = Bench::new();
    assert!(of.resumed() && of.is_ended());
    assert_eq!(of.says(), "old");
    assert!(!of.resumed(), "once");
}

#[test]
fn a_new_program_goes_on_with_its_data_when_whoever_put_it_there_is_gone() {
    let of = Bench::new();
    of.changed(Step::Trying);
    assert!(!of.resumed() && !of.is_ended(), "it is on trial");
    assert_eq!(of.says(), "new");
    // Taking it back was begun, and the old program not put back yet: the new one still goes with its data.
    of.changed(Step::Restoring);
    assert!(!of.resumed() && !of.is_ended());
    assert_eq!(of.says(), "new");
}

#[test]
fn taking_an_update_back_may_be_cut_short_anywhere_and_is_done_in_the_end() {
    // What lies there when the power goes: nothing yet; half a copy; the copy whole; the data moved away; both moved.
    type Cut = fn(&Bench);
    let cuts: [Cut; 5] = [
        |_| {},
        |of| {
            fs::create_dir_all(state::folder(&of.data()).join("store.back/journal")).unwrap();
        },
        |of| {
            store::restore(&state::snapshot(&of.data()), &[], &state::folder(&of.data()).join("store.back")).unwrap();
        },
        |of| {
            fs::rename(of.data().join("store"), state::folder(&of.data()).join("store.tried")).unwrap();
        },
        |of| state::put_back(&of.data()).unwrap(),
    ];
    for (at, cut) in cuts.into_iter().enumerate() {
        let of = Bench::new();
        of.changed(Step::Restoring);
        fs::write(of.program(), "old").unwrap();
        fs::create_dir_all(of.data().join("search")).unwrap();
        cut(&of);
        assert!(of.resumed() && of.is_ended(), "cut {at}");
        assert_eq!(of.says(), "old", "cut {at}");
        assert!(!of.data().join("search").exists(), "an index of other records is gone");
    }
}

//! A process is killed at any moment under load: whatever it was answered is there, and nothing in half.

use super::{Note, PAIR, SPACE, assert_kept, disk::Dice, note, small, write_pair};
use crate::{Read, Store};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

const FOLDER: &str = "STORE_KILL_FOLDER";
const FIRST: &str = "STORE_KILL_FIRST";
const ROUNDS: u64 = 200;
/// Rounds in one folder.
const LIFE: u64 = 20;

/// Not a test by itself: the process that is killed. Says each number when its pair was answered.
#[test]
fn child_under_load() {
    let (Ok(folder), Ok(first)) = (std::env::var(FOLDER), std::env::var(FIRST)) else { return };
    let first: u64 = first.parse().unwrap();
    let (store, _) = Store::open(small(folder)).unwrap();
    thread::scope(|scope| {
        for lane in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for id in (first + lane..).step_by(4) {
                    write_pair(store, id).unwrap();
                    writeln!(std::io::stdout().lock(), "\nkept {id}").unwrap();
                }
            });
        }
    });
}

/// Runs a child for a while and kills it; answers what it said.
fn round(folder: &Path, first: u64, millis: u64) -> Vec<u64> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "test::kill::child_under_load", "--nocapture", "--test-threads", "1"]);
    command.env(FOLDER, folder).env(FIRST, first.to_string()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    let (said, kept) = channel();
    let reader = thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            if let Some(id) = line.strip_prefix("kept ") {
                said.send(id.parse().unwrap()).unwrap();
            }
        }
    });
    // Half of the moments are counted from the start of the process, half from its first answer, however busy the machine is.
    let from_start = millis % 2 == 1;
    let patience = if from_start { Duration::from_millis(millis) } else { Duration::from_secs(30) };
    let mut out: Vec<u64> = kept.recv_timeout(patience).into_iter().collect();
    if from_start && !out.is_empty() {
        out.extend(kept.recv_timeout(Duration::from_millis(1)));
    } else if !out.is_empty() {
        let until = std::time::Instant::now() + Duration::from_millis(millis);
        while let Ok(id) = kept.recv_timeout(until.saturating_duration_since(std::time::Instant::now())) {
            out.push(id);
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    out.extend(kept.try_iter());
    out
}

#[test]
fn two_hundred_kills_lose_nothing_that_was_answered() {
    let mut dice = Dice(std::process::id().into());
    let mut folder = tempfile::tempdir().unwrap();
    let (mut all, mut answered, mut damaged) = (Vec::new(), 0, 0);
    for number in 0..ROUNDS {
        if number % LIFE == 0 {
            folder = tempfile::tempdir().unwrap();
            all.clear();
        }
        let millis = dice.roll() % 70 + 3;
        let said = round(folder.path(), number * 1_000_000 + 1, millis);
        assert!(millis % 2 == 1 || !said.is_empty(), "round {number} was killed after an answer");
        answered += said.len();
        let (store, opened) = Store::open(small(folder.path())).unwrap();
        // The engine may be found damaged after a kill, now and then: it is made anew from snapshot and journal, and nothing is missing.
        // A store that was killed while it was made is begun again; that is no damage.
        damaged += u64::from(opened.rebuilt.is_some() && !(said.is_empty() && all.is_empty()));
        assert!(damaged <= ROUNDS / 20, "the engine is damaged too often: {damaged} times, now {opened}");
        let view = store.view();
        let space = view.space(SPACE);
        for id in &said {
            assert_eq!(space.get::<Note>(id).unwrap(), Some(note(*id)), "round {number}");
            assert!(space.get::<Note>(&(id + PAIR)).unwrap().is_some(), "round {number}");
        }
        all.extend(said);
        if number % LIFE == LIFE - 1 {
            assert_kept(&view, all.iter().copied());
        }
    }
    assert!(answered > 50, "only {answered} pairs were answered");
}

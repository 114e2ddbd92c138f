//! A start after the power went: how long the store takes to read frames back that no checkpoint had brought to the engine yet.

use crate::{
    Done, say,
    server::{bytes, watched},
};
use clap::Args;
use domain::{
    By, DeviceId, EventId, GateId, ListId, Scan, ScanBlock, ScanId, SpaceId, TicketId, Time,
    checkin::{Direction, Line, Verdict, Way},
};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use store::{Options, Read, Store};

/// What is read back.
#[derive(Args)]
pub struct Plan {
    /// Frames since the last checkpoint; each is one scan, as at a door that never has a crowd.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..=5_000_000))]
    frames: u64,
    /// Writes them into this folder and ends without a word; started by the bench.
    #[arg(long, hide = true)]
    into: Option<PathBuf>,
}

/// What so many frames may take.
const TARGET: Duration = Duration::from_secs(3);
/// The longest that writing them may take.
const LONGEST: Duration = Duration::from_secs(1_200);

const SPACE: SpaceId = SpaceId(1);
const EVENT: EventId = EventId(1);

/// The block of one scan, as the service writes it.
fn block(number: u64) -> ScanBlock {
    let at = Time(1_795_000_000_000_i64.saturating_add_unsigned(number * 50));
    let scan = Scan {
        id: ScanId(number),
        event: EVENT,
        list: ListId::MAIN,
        ticket: Some((EVENT, TicketId(number))),
        kind: None,
        group: None,
        code: format!("{:012}", 100_000_000_000 + number),
        direction: Direction::Entry,
        way: Way::Gun,
        by: By::Device(DeviceId(1)),
        gate: Some(GateId(1)),
        scanned_at: at,
        received_at: at,
        nonce: format!("{number:024x}"),
        verdict: Verdict::Admitted,
        previous: None,
        entry: None,
        admitted: 1,
        more: None,
    };
    ScanBlock { event: EVENT, first: ScanId(number), lines: vec![Line::Scan(scan)] }
}

/// A store that makes no checkpoint for want of journal.
fn options(folder: &Path) -> Options {
    Options { checkpoint_bytes: u64::MAX, retain_bytes: u64::MAX, ..Options::new(folder) }
}

/// Writes the frames, each synced, and ends as if the power went.
fn write(folder: &Path, frames: u64) -> Done<()> {
    let (store, _) = Store::open(options(folder))?;
    for number in 1..=frames {
        let block = block(number);
        let line = format!("event/{EVENT}/scan/{number}-{number} {number:064x}").into_bytes();
        store.write_blocking(move |tx| {
            let mut space = tx.space(SPACE);
            space.insert(&block)?;
            space.audit(line.clone())
        })?;
    }
    std::process::abort()
}

/// Runs the bench; an error when it takes too long, or when a frame is not there.
pub async fn run(plan: &Plan) -> Done<()> {
    if let Some(folder) = &plan.into {
        return write(folder, plan.frames);
    }
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path().join("data");
    say(format!("writing {} frames, each synced …", plan.frames));
    let mut writing = Command::new(std::env::current_exe()?);
    writing.arg("recover").args(["--frames", &plan.frames.to_string()]).arg("--into").arg(&folder);
    let begun = Instant::now();
    if watched(&mut writing, LONGEST).await.is_ok() {
        return Err("whoever wrote was to end without a word".into());
    }
    let wrote = begun.elapsed();
    let begun = Instant::now();
    let (store, opened) = Store::open(options(&folder))?;
    let took = begun.elapsed();
    let last = store.view().space(SPACE).get::<ScanBlock>(&(EVENT, ScanId(plan.frames)))?;
    let (sound, size) = (store.verify().is_sound(), bytes(&folder.join("journal")));
    store.close()?;
    let good = took <= TARGET;
    say(format!("written in {wrote:.1?}; {:.0} MiB of journal, {opened}", size as f64 / f64::from(1 << 20)));
    say(format!("opened in {took:.2?}, at most {TARGET:.0?} wanted: {}", if good { "yes" } else { "NO" }));
    match (last == Some(block(plan.frames)) && sound, good) {
        (true, true) => Ok(()),
        (false, _) => Err("not all of it came back".into()),
        (true, false) => Err("it took too long".into()),
    }
}

//! How fast it is; run by hand: `cargo test --release -p store speed -- --ignored --nocapture`.

use super::{Note, SPACE, assert_sound, note};
use crate::{Counter, Derived, Error, Options, Read, Store, Unique};
use rkyv::{Archive, Deserialize, Serialize};
use std::time::{Duration, Instant};

/// As much as a ticket is at the door: one unique index, five counts.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: u64,
    pub nonce: [u8; 16],
    pub body: String,
}

const BY_NONCE: Unique<Entry, [u8; 16]> = Unique::new(950, "entry_by_nonce");
const COUNTS: [Counter<u64>; 5] =
    [Counter::new(951), Counter::new(952), Counter::new(953), Counter::new(954), Counter::new(955)];

fn derive(entry: &Entry, out: &mut Derived) {
    out.unique(&BY_NONCE, &entry.nonce);
    for (at, counter) in COUNTS.iter().enumerate() {
        out.count(counter, &(at as u64), 1);
    }
}

mod tables {
    use super::*;
    crate::tables! {
        950 "entry" v 1 Entry { key u64 = |r| r.id; derive |r, out| derive(r, out); }
    }
}

#[test]
#[ignore = "a measurement, not a test"]
fn speed_of_64_writers() {
    let folder = tempfile::tempdir_in(std::env::var("STORE_SPEED_DIR").unwrap_or_else(|_| "/var/tmp".into())).unwrap();
    let (store, _) = Store::open(Options::new(folder.path())).unwrap();
    store.write_blocking(|tx| tx.space(SPACE).insert(&note(1))).unwrap();
    let seconds = std::env::var("STORE_SPEED_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let begin = Instant::now();
    let mut waits: Vec<Duration> = runtime.block_on(async {
        let lanes: Vec<_> = (0..64u64).map(|lane| tokio::spawn(lane_of(store.clone(), lane, begin, seconds))).collect();
        let watch = tokio::spawn(report(store.clone(), begin, seconds));
        let mut waits = Vec::new();
        for lane in lanes {
            waits.extend(lane.await.unwrap());
        }
        watch.await.unwrap();
        waits
    });
    let took = begin.elapsed();
    waits.sort();
    let at = |part: usize| waits[waits.len() * part / 1000];
    println!(
        "{:.0} commits/s, p50 {:?} p99 {:?} p99.9 {:?}",
        waits.len() as f64 / took.as_secs_f64(),
        at(500),
        at(990),
        at(999)
    );
    println!("{:?}", store.stats());
    let begin = Instant::now();
    store.checkpoint().unwrap();
    println!("checkpoint after {:?}", begin.elapsed());
    assert_eq!(store.view().space(SPACE).count(&COUNTS[0], &0).unwrap(), waits.len() as i64);
    println!(
        "{}",
        std::fs::read_to_string("/proc/self/status")
            .unwrap()
            .lines()
            .filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let begin = Instant::now();
    store.close().unwrap();
    let (store, opened) = Store::open(Options::new(folder.path())).unwrap();
    println!("opened again in {:?}: {opened}", begin.elapsed());
    let begin = Instant::now();
    let view = store.view();
    let report = crate::verify::verify(
        &view.layers(),
        view.sequence(),
        &[tables::all(), super::tables::all()].into_iter().flatten().collect::<Vec<_>>(),
    );
    println!("verified in {:?}: {report}", begin.elapsed());
    assert!(report.is_sound());
    let begin = Instant::now();
    let mut count = 0;
    view.space(SPACE)
        .visit::<Entry>(&(), crate::Order::Ascending, |_, entry| {
            count += u64::from(entry.body.len() > 3);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    println!("visited {count} in {:?}", begin.elapsed());
}

async fn lane_of(store: Store, lane: u64, begin: Instant, seconds: u64) -> Vec<Duration> {
    let mut waits = Vec::new();
    let mut id = lane << 40;
    while begin.elapsed() < Duration::from_secs(seconds) {
        id += 1;
        let asked = Instant::now();
        store
            .write::<_, Error, _>(move |tx| {
                let mut space = tx.space(SPACE);
                space.get::<Note>(&1)?;
                let mut nonce = [0; 16];
                nonce[..8].copy_from_slice(&id.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
                nonce[8..].copy_from_slice(&id.to_be_bytes());
                space.insert(&Entry { id, nonce, body: "x".repeat(120) })?;
                space.audit(vec![7; 120])
            })
            .await
            .unwrap();
        waits.push(asked.elapsed());
    }
    waits
}

async fn report(store: Store, begin: Instant, seconds: u64) {
    while begin.elapsed() < Duration::from_secs(seconds) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let stats = store.stats();
        println!(
            "{:?}: {} transactions, {} groups, pending {} keys {} KiB, journal {} MiB",
            begin.elapsed().as_secs(),
            stats.transactions,
            stats.groups,
            stats.pending_keys,
            stats.pending_bytes >> 10,
            stats.journal_bytes >> 20
        );
    }
    assert_eq!(store.stats().refused, None);
    let _ = assert_sound;
}

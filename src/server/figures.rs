//! Figures for Prometheus, on a listener of their own: requests and scans as they are counted, and what the store, the outbox and the index say when
//! somebody asks. No label is made of what people typed.

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use service::{Ctx, Error};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::TcpListener;

/// Limits of the histograms, in seconds: from a scan's milliseconds to what people call slow.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// How often what was measured is put into the histograms when nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);
/// Files that are counted in one folder.
const FILES_MAX: usize = 10_000;

/// Whoever answers.
#[derive(Clone)]
struct Desk {
    ctx: Ctx,
    handle: PrometheusHandle,
    data: PathBuf,
}

/// Counts from now on, and answers `GET /metrics` at that address. Answers the address that was taken.
pub async fn start(ctx: &Ctx, address: SocketAddr, data: &Path) -> Result<SocketAddr, Error> {
    let failed = |error| Error::internal(&format!("listening on {address}"), error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let taken = listener.local_addr().map_err(failed)?;
    let handle = PrometheusBuilder::new()
        .set_buckets(BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Error::internal("counting", error))?;
    describe();
    web::meter::start();
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut turns = tokio::time::interval(UPKEEP);
        loop {
            turns.tick().await;
            upkeep.run_upkeep();
        }
    });
    let desk = Desk { ctx: ctx.clone(), handle, data: data.to_owned() };
    let app = Router::new().route("/metrics", get(answer)).with_state(desk);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "figures are not told any more");
        }
    });
    Ok(taken)
}

fn describe() {
    describe_counter!("huiguan_requests_total", "Requests by route and class of status");
    describe_histogram!("huiguan_request_seconds", "Seconds until a request was answered, by route");
    describe_counter!("huiguan_scans_total", "Scans that the box decided, by verdict");
    describe_counter!("huiguan_journal_groups_total", "Groups of transactions written and synced");
    describe_counter!("huiguan_journal_nanoseconds_total", "Nanoseconds spent on writing and syncing groups");
    describe_counter!("huiguan_journal_bytes_total", "Bytes written to the journal");
    describe_counter!("huiguan_transactions_total", "Transactions run, refused ones included");
    describe_gauge!("huiguan_journal_size_bytes", "Bytes of journal segments on disk");
    describe_gauge!("huiguan_engine_size_bytes", "Bytes of the engine's files on disk");
    describe_gauge!("huiguan_pending_bytes", "Bytes committed that the engine does not have yet");
    describe_gauge!("huiguan_writes_refused", "1 while changes are refused until the next start");
    describe_gauge!("huiguan_outbox_waiting", "Entries that wait to leave the box");
    describe_gauge!("huiguan_outbox_age_seconds", "Seconds since which the oldest of them has been due");
    describe_gauge!("huiguan_outbox_unsure", "Entries that wait for somebody's decision");
    describe_gauge!("huiguan_search_entries", "Entries of the search index");
    describe_gauge!("huiguan_search_waiting", "Changes that are not in the search index yet");
    describe_gauge!("huiguan_memory_bytes", "Memory of the process that is in use (resident)");
    describe_gauge!("huiguan_uptime_seconds", "Seconds since the start");
}

async fn answer(State(desk): State<Desk>) -> Response {
    let collecting = desk.clone();
    let collected = tokio::task::spawn_blocking(move || {
        collect(&collecting.ctx, &collecting.data)?;
        Ok::<_, Error>(collecting.handle.render())
    });
    match collected.await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Ok(Err(error)) => {
            tracing::error!(%error, "figures could not be collected");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(error) => {
            tracing::error!(%error, "figures could not be collected");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn collect(ctx: &Ctx, data: &Path) -> Result<(), Error> {
    let stats = ctx.store().stats();
    counter!("huiguan_journal_groups_total").absolute(stats.groups);
    counter!("huiguan_journal_nanoseconds_total").absolute(stats.journal_nanos);
    counter!("huiguan_journal_bytes_total").absolute(stats.journaled);
    counter!("huiguan_transactions_total").absolute(stats.transactions);
    gauge!("huiguan_journal_size_bytes").set(stats.journal_bytes as f64);
    gauge!("huiguan_engine_size_bytes").set(size(&data.join("store").join("engine")) as f64);
    gauge!("huiguan_pending_bytes").set(stats.pending_bytes as f64);
    gauge!("huiguan_writes_refused").set(f64::from(u8::from(stats.refused.is_some())));
    let (inside, now) = (service::health::inside(ctx)?, ctx.now());
    gauge!("huiguan_outbox_waiting").set(inside.queue.waiting as f64);
    gauge!("huiguan_outbox_age_seconds").set(inside.queue.due.map_or(0.0, |due| now.since(due) as f64 / 1_000.0));
    gauge!("huiguan_outbox_unsure").set(inside.queue.asking as f64);
    gauge!("huiguan_search_entries").set(inside.index.entries as f64);
    gauge!("huiguan_search_waiting").set(inside.index.waiting as f64);
    gauge!("huiguan_uptime_seconds").set(now.since(inside.started) as f64 / 1_000.0);
    if let Some(bytes) = std::fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident) {
        gauge!("huiguan_memory_bytes").set(bytes as f64);
    }
    Ok(())
}

/// Bytes of the files in a folder, not of those in folders below.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let files =
        entries.take(FILES_MAX).filter_map(|entry| entry.ok()?.metadata().ok()).filter(std::fs::Metadata::is_file);
    files.map(|meta| meta.len()).sum()
}

/// Memory that a process uses, from what the kernel says of it (proc_pid_status(5): `VmRSS: 1234 kB`).
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_sizes_are_read() {
        assert_eq!(resident("Name:\thuiguan\nVmRSS:\t   2048 kB\nThreads:\t9\n"), Some(2 << 20));
        assert_eq!(resident("Name:\tx\n"), None);
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("below")).unwrap();
        std::fs::write(folder.path().join("a"), [0; 10]).unwrap();
        std::fs::write(folder.path().join("below/b"), [0; 10]).unwrap();
        assert_eq!((size(folder.path()), size(Path::new("/nowhere"))), (10, 0));
    }
}

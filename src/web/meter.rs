//! Requests counted by route and class of status, with how long each took. A route is one that the router knows, never an address that somebody typed.
//! Without a recorder nothing is counted.

use axum::{extract::MatchedPath, http::StatusCode, response::Response};
use metrics::{Counter, Histogram, counter, histogram};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static ON: AtomicBool = AtomicBool::new(false);

/// Counts from now on. Called at boot, when the recorder is installed.
pub fn start() {
    ON.store(true, Ordering::Relaxed);
}

/// The route of a request, carried by its answer.
#[derive(Clone, Debug)]
pub(crate) struct Route(pub MatchedPath);

/// Where a request went that no route is found for in its answer.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// The lane of scans.
    Scan,
    /// An answer that was kept.
    Kept,
    /// The router; what it does not know is counted together.
    Router,
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

fn class(status: StatusCode) -> usize {
    usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1
}

/// What is looked up once for the lane of scans.
struct Lane {
    classes: [Counter; 5],
    took: Histogram,
}

const REQUESTS: &str = "huiguan_requests_total";
const SECONDS: &str = "huiguan_request_seconds";

/// When a request came, where somebody counts.
pub(crate) fn begin() -> Option<Instant> {
    ON.load(Ordering::Relaxed).then(Instant::now)
}

/// Counts an answer.
pub(crate) fn end(begun: Option<Instant>, way: Way, response: &mut Response) {
    let Some(begun) = begun else { return };
    let (took, class) = (begun.elapsed(), class(response.status()));
    let route = response.extensions_mut().remove::<Route>();
    match (way, &route) {
        (Way::Scan, _) => scanned(class, took),
        (Way::Kept, _) => count("(kept)", class, took),
        (Way::Router, Some(Route(path))) => count(path.as_str(), class, took),
        (Way::Router, None) => count("(none)", class, took),
    }
}

fn count(route: &str, class: usize, took: Duration) {
    let class = CLASSES.get(class).copied().unwrap_or("5xx");
    counter!(REQUESTS, "route" => route.to_owned(), "class" => class).increment(1);
    histogram!(SECONDS, "route" => route.to_owned()).record(took);
}

fn scanned(class: usize, took: Duration) {
    static LANE: OnceLock<Lane> = OnceLock::new();
    let route = crate::api::checkin::REDEEM;
    let lane = LANE.get_or_init(|| Lane {
        classes: CLASSES.map(|class| counter!(REQUESTS, "route" => route, "class" => class)),
        took: histogram!(SECONDS, "route" => route),
    });
    if let Some(counter) = lane.classes.get(class) {
        counter.increment(1);
    }
    lane.took.record(took);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_belongs_to_a_class() {
        for (status, expected) in [(200, "2xx"), (304, "3xx"), (404, "4xx"), (599, "5xx"), (999, "5xx"), (101, "1xx")] {
            assert_eq!(CLASSES[class(StatusCode::from_u16(status).unwrap())], expected);
        }
    }
}

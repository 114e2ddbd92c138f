//! Figures that are counted where they arise, for whoever watches over the box. Nothing is counted by what people typed. Without a recorder, which
//! is installed at boot or never, counting does nothing.

use domain::checkin::Verdict;
use metrics::{Counter, counter};
use std::sync::OnceLock;

/// Scans that the box decided, by verdict: looked up once, so that a scan pays for one addition.
struct Scans {
    admitted: Counter,
    refused: Counter,
    incomplete: Counter,
}

/// Counts a scan.
pub(crate) fn scan(verdict: Verdict) {
    static SCANS: OnceLock<Scans> = OnceLock::new();
    let scans = SCANS.get_or_init(|| Scans {
        admitted: counter!("huiguan_scans_total", "verdict" => "admitted"),
        refused: counter!("huiguan_scans_total", "verdict" => "refused"),
        incomplete: counter!("huiguan_scans_total", "verdict" => "incomplete"),
    });
    match verdict {
        Verdict::Admitted => scans.admitted.increment(1),
        Verdict::Refused(_) => scans.refused.increment(1),
        Verdict::Incomplete => scans.incomplete.increment(1),
    }
}

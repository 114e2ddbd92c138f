//! How the box is reached from outside: the certificate for public names, and the tunnel.

use super::{Finding, Line};
use crate::{
    Time,
    time::{DAY, MINUTE},
    tunnel::Standing,
};

/// The certificate for public names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    /// The names.
    pub names: String,
    /// When it ends; none: there is none yet.
    pub ends: Option<Time>,
    /// Why the last try failed.
    pub why: Option<String>,
}

pub(super) fn public(now: Time, of: &Public) -> Line {
    let (names, why) = (("names", of.names.clone()), ("why", of.why.clone().unwrap_or_default()));
    let days = of.ends.map(|ends| ends.since(now).div_euclid(DAY));
    match (days, &of.why) {
        (None, None) => Line::with(Finding::PublicComes, [names]),
        (None | Some(..0), _) => Line::with(Finding::PublicIsOver, [names, why]),
        (Some(_), Some(_)) => Line::with(Finding::PublicFails, [names, why]),
        (Some(days), None) => Line::with(Finding::PublicHolds, [names, ("days", days.to_string())]),
    }
}

pub(super) fn tunnel(now: Time, of: &Standing) -> Line {
    let minutes = |since: Time| [("minutes", (now.since(since) / MINUTE).max(0).to_string())];
    match of {
        Standing::Off => Line::bare(Finding::TunnelIsNone),
        Standing::Begins => Line::bare(Finding::TunnelBegins),
        Standing::Up(since) => Line::with(Finding::TunnelIsUp, minutes(*since)),
        Standing::Down { fault, .. } if fault.shown().is_some() => Line::bare(Finding::TunnelWaits),
        Standing::Down { since, .. } => Line::with(Finding::TunnelIsDown, minutes(*since)),
    }
}

//! How a second box is said to be, on either of the two.

use super::{Finding, Line};
use crate::{
    standby::{Judged, Lag, Role},
    time::MINUTE,
};

/// How a second box is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standby {
    /// What this one is.
    pub role: Role,
    /// How far the follower is behind; none: nobody follows.
    pub lag: Option<Lag>,
    /// This one took over, and the one before is not known to have stopped.
    pub loose: bool,
}

/// What is said of it.
pub(super) fn lines(of: Standby) -> Vec<Line> {
    let mut lines = Vec::new();
    if of.loose {
        lines.push(Line::bare(Finding::StandbyLoose));
    }
    let Some(lag) = of.lag else {
        lines.push(Line::bare(if of.role == Role::Fenced { Finding::StandbyIsFenced } else { Finding::StandbyIsNone }));
        return lines;
    };
    let groups = ("groups", lag.groups.to_string());
    let heard = ("seconds", (lag.silent.unwrap_or(0) / 1_000).to_string());
    let files = ("files", lag.files.to_string());
    lines.push(match (of.role, lag.judge()) {
        (Role::Fenced, _) => Line::bare(Finding::StandbyIsFenced),
        (Role::Follower, Judged::Follows) => Line::with(Finding::StandbyHolds, [groups, heard]),
        (Role::Follower, Judged::Behind) => Line::with(Finding::StandbyLags, [groups, files]),
        (Role::Follower, Judged::Away) => Line::bare(Finding::StandbyIsCutOff),
        (Role::Leader, Judged::Follows) => Line::with(Finding::StandbyFollows, [groups, heard]),
        (Role::Leader, Judged::Behind) => Line::with(Finding::StandbyIsBehind, [groups, files]),
        (Role::Leader, Judged::Away) => match lag.silent {
            Some(silent) => Line::with(Finding::StandbyIsAway, [("minutes", (silent / MINUTE).to_string())]),
            None => Line::bare(Finding::StandbyNeverCame),
        },
    });
    lines
}

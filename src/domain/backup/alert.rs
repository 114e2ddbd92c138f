//! When somebody must be told that backups fail, and when that all is well again: once each, however many runs there are in between.

use super::{OLD_MILLIS, Trouble};
use crate::{Time, time::HOUR};
use rkyv::{Archive, Deserialize, Serialize};

/// Trouble that was told and is not over.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct BackupAlert {
    /// When it was told.
    pub told: Time,
}

/// How long another computer may be away before anybody is told: lines break and come back.
pub const PATIENCE_MILLIS: i64 = HOUR;

/// What is known of backups that are switched on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Since when every try failed, and how the last one did.
    pub failing: Option<(Time, &'a Trouble)>,
    /// When the newest full one was made.
    pub good: Option<Time>,
}

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// They fail.
    Trouble,
    /// They are made again.
    Well,
    /// Nothing: they were switched off, and so is what was told of them.
    Forget,
}

/// What is to be told now; `facts` are none while backups are switched off.
pub fn tell(told: Option<&BackupAlert>, facts: Option<Facts<'_>>, now: Time) -> Option<Tell> {
    let Some(facts) = facts else { return told.map(|_| Tell::Forget) };
    let failing = facts
        .failing
        .is_some_and(|(since, trouble)| !matches!(trouble, Trouble::Away(_)) || now.since(since) >= PATIENCE_MILLIS);
    let old = facts.good.is_some_and(|good| now.since(good) > OLD_MILLIS);
    match told {
        None => (failing || old).then_some(Tell::Trouble),
        // A try that just begins again, after a restart, is no proof.
        Some(_) => (facts.failing.is_none() && !old && facts.good.is_some()).then_some(Tell::Well),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_told_when_it_begins_and_when_it_ends() {
        let now = Time(100 * HOUR);
        let ago = |hours: i64| now.plus(-hours * HOUR);
        let (gone, away) = (Trouble::Gone, Trouble::Away("x".into()));
        let facts = |failing, good| Some(Facts { failing, good });
        let told = BackupAlert { told: ago(3) };
        let cases = [
            (None, None, None),
            (None, facts(None, None), None),
            (None, facts(None, Some(ago(30))), None),
            (None, facts(None, Some(ago(37))), Some(Tell::Trouble)),
            (None, facts(Some((now, &gone)), Some(ago(3))), Some(Tell::Trouble)),
            (None, facts(Some((now, &gone)), None), Some(Tell::Trouble)),
            (None, facts(Some((now, &away)), Some(ago(3))), None),
            (None, facts(Some((ago(1), &away)), Some(ago(3))), Some(Tell::Trouble)),
            (Some(&told), facts(Some((ago(9), &gone)), Some(ago(3))), None),
            (Some(&told), facts(None, Some(ago(37))), None),
            (Some(&told), facts(None, None), None),
            (Some(&told), facts(None, Some(ago(0))), Some(Tell::Well)),
            (Some(&told), facts(Some((now, &away)), Some(ago(0))), None),
            (Some(&told), None, Some(Tell::Forget)),
        ];
        for (at, (before, facts, expected)) in cases.into_iter().enumerate() {
            assert_eq!(tell(before, facts, now), expected, "case {at}");
        }
    }
}

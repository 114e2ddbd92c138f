//! Checking the scan logs: every block follows the one before, and the audit chain vouches for each of them and for no other.

use super::book::VOUCH;
use crate::{Ctx, Error, audit};
use data_encoding::HEXLOWER;
use domain::{EventId, ScanBlock, ScanId, SpaceId};
use std::collections::BTreeMap;
use std::fmt;
use store::{Order, Read};

/// What was checked and what was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Blocks.
    pub blocks: u64,
    /// Lines in them.
    pub lines: u64,
    /// Everything that is wrong.
    pub problems: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "  {:>9} lines of scan logs in {} blocks: numbered without a gap, vouched for",
            self.lines, self.blocks
        )?;
        self.problems.iter().try_for_each(|problem| write!(f, "\nDAMAGED {problem}"))
    }
}

/// Reads `event/1/scan/5-37` as the event and the number of the first line.
fn subject(text: &str) -> Option<(EventId, ScanId)> {
    let (event, scans) = text.strip_prefix("event/")?.split_once("/scan/")?;
    let (first, _) = scans.split_once('-')?;
    Some((event.parse().ok()?, first.parse().ok()?))
}

/// Checks all scan logs of a space.
pub fn verify(ctx: &Ctx, space: SpaceId) -> Result<Report, Error> {
    ctx.read(&ctx.own(space), |view| {
        let mut vouched = BTreeMap::new();
        for line in view.audit(None) {
            let line = audit::decode(&line?.1)?;
            if line.action == VOUCH
                && let Some(place) = subject(&line.subject)
            {
                vouched.insert(place, line.after);
            }
        }
        let (mut report, mut next) = (Report::default(), (EventId::default(), 1));
        for kept in view.scan::<ScanBlock>(&(), None, Order::Ascending) {
            let ((event, first), block) = kept?;
            if event != next.0 {
                next = (event, 1);
            }
            if first.0 != next.1 {
                report.problems.push(format!("event {event}: lines {} to {first} are missing", next.1));
            }
            next.1 = first.0 + block.lines.len() as u64;
            report.blocks += 1;
            report.lines += block.lines.len() as u64;
            let digest = view.digest::<ScanBlock>(&(event, first))?.map(|digest| HEXLOWER.encode(&digest));
            match vouched.remove(&(event, first)) {
                Some(said) if Some(&said) == digest.as_ref() => {}
                Some(_) => report.problems.push(format!("event {event}: the block of line {first} was changed")),
                None => {
                    report.problems.push(format!("event {event}: no audit line vouches for the block of line {first}"))
                }
            }
        }
        let gone = vouched.keys().map(|(event, first)| format!("event {event}: the block of line {first} is gone"));
        report.problems.extend(gone);
        Ok(report)
    })
}

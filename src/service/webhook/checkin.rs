//! What doors did, told to webhooks after the fact: the lines of the scan log are followed by a cursor over the audit chain, which vouches for
//! each of their blocks. A scan itself knows nothing of webhooks and gets no slower by them.

use super::{News, all, tell};
use crate::{Ctx, Error, Permit, audit, checkin::VOUCH};
use domain::{
    AuditLine, EventId, ScanBlock, ScanId, SpaceId, Webhook,
    checkin::{Direction, Line, Verdict},
    webhook::{CheckinCursor, DOOR_KINDS},
};
use store::{Read, SpaceView};

/// Lines of the audit chain that are looked at in one step.
const LOOKED: usize = 200;
/// Check-ins of one transaction, unless a single block of the log holds more.
const STEP: usize = 200;
/// Transactions of one tick.
const STEPS: usize = 5;

/// Whether a webhook is told of doors.
pub(super) fn follows(hook: &Webhook) -> bool {
    DOOR_KINDS.iter().any(|kind| hook.wants(kind))
}

/// The newest line of the audit chain.
pub(super) fn newest(view: &SpaceView) -> Result<u64, Error> {
    Ok(view.audit(None).next().transpose()?.map_or(0, |(number, _)| number))
}

/// What happened at the doors behind a line of the audit chain, and up to which line that is.
#[derive(Debug, Clone)]
struct Heard {
    news: Vec<News>,
    upto: u64,
}

/// Tells what doors did since the last time; answers how many check-ins that were. Called by the clock.
pub async fn tell_checkins(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let permit = ctx.own(space);
    let mut told = 0;
    for _ in 0..STEPS {
        let cursor = ctx.read(&permit, |view| {
            let followed = all(view)?.iter().any(follows);
            Ok(if followed { view.get::<CheckinCursor>(&())? } else { None })
        })?;
        let Some(cursor) = cursor else { break };
        let (own, from) = (ctx.clone(), permit.clone());
        let heard = crate::aside(move || own.read(&from, |view| listen(view, cursor.line))).await?;
        // Where nothing happened the cursor moves seldom: moving it is a line of the chain, too.
        if heard.news.is_empty() && heard.upto.saturating_sub(cursor.line) < LOOKED as u64 {
            break;
        }
        told += say(ctx, &permit, cursor, heard).await?;
    }
    Ok(told)
}

async fn say(ctx: &Ctx, permit: &Permit, cursor: CheckinCursor, heard: Heard) -> Result<usize, Error> {
    ctx.write(permit, move |work| {
        // Another run of the clock may have been here.
        if work.read().get::<CheckinCursor>(&())? != Some(cursor) {
            return Ok(0);
        }
        let hooks = all(work.read())?;
        for news in &heard.news {
            for hook in hooks.iter().filter(|hook| hook.wants(news.action)) {
                tell(work, hook, news)?;
            }
        }
        work.put(&CheckinCursor { line: heard.upto })?;
        let said = format!("up to line {}: {} at the doors", heard.upto, heard.news.len());
        work.audit("webhook.checkins", "webhook", "", &said)?;
        Ok(heard.news.len())
    })
    .await
}

/// Reads the chain upwards behind a line.
fn listen(view: &SpaceView, behind: u64) -> Result<Heard, Error> {
    let before = behind.saturating_add(LOOKED as u64 + 1);
    let mut lines = Vec::new();
    for line in view.audit(Some(before)) {
        let (number, bytes) = line?;
        if number <= behind {
            break;
        }
        lines.push((number, bytes));
    }
    let mut heard = Heard { news: Vec::new(), upto: behind };
    for (number, bytes) in lines.into_iter().rev() {
        if let Some((event, first)) = block_of(&audit::decode(&bytes)?)
            && let Some(block) = view.get::<ScanBlock>(&(event, first))?
        {
            heard.news.extend((block.first.0..).zip(&block.lines).filter_map(|(at, line)| news(event, at, line)));
        }
        heard.upto = number;
        if heard.news.len() >= STEP {
            break;
        }
    }
    Ok(heard)
}

/// The block of the scan log that an audit line vouches for: its event and the number of its first line.
fn block_of(line: &AuditLine) -> Option<(EventId, ScanId)> {
    let rest = line.subject.strip_prefix("event/").filter(|_| line.action == VOUCH)?;
    let (event, scans) = rest.split_once("/scan/")?;
    let (first, _) = scans.split_once('-')?;
    Some((EventId(event.parse().ok()?), ScanId(first.parse().ok()?)))
}

/// What is told of a line of the log; nobody is told of whom a door turned away.
fn news(event: EventId, number: u64, line: &Line) -> Option<News> {
    let (action, ticket, list, scan, at, by) = match line {
        Line::Scan(scan) if scan.verdict == Verdict::Admitted => {
            let action = match scan.direction {
                Direction::Entry => "checkin.enter",
                Direction::Exit => "checkin.exit",
            };
            (action, scan.ticket_here()?.1, scan.list, number, scan.scanned_at, scan.by)
        }
        Line::Annul(annul) => ("checkin.undo", annul.ticket, annul.list, annul.scan.0, annul.at, annul.by),
        Line::Scan(_) | Line::Move(_) | Line::Settle(_) => return None,
    };
    let subject = format!("event/{event}/ticket/{ticket}");
    Some(News { action, subject, at, by, door: Some((list, ScanId(scan))) })
}

//! Anchors of the audit log: kept once a day and with each full backup, compared with the chains when somebody verifies.

use crate::{Ctx, Error, Work};
use domain::{
    AuditAnchor, SpaceId, Time,
    anchor::{ANCHORS_MAX, Head},
    time::DAY,
};
use std::fmt;
use store::{Order, Read};

/// Every how many seconds the clock looks whether a day passed.
const LOOK_EVERY: i64 = 60;

/// Where the chains stand now.
pub(crate) fn take(ctx: &Ctx) -> Result<AuditAnchor, Error> {
    let (at, view) = (ctx.now(), ctx.store().view());
    let mut heads = Vec::new();
    for space in ctx.spaces()? {
        if let Some((next, hash)) = view.space(space).audit_head()? {
            heads.push(Head { space, next, hash });
        }
    }
    Ok(AuditAnchor { at, heads })
}

/// Keeps an anchor in the running transaction of the association; the oldest go. The caller writes the audit line.
pub(crate) fn keep(work: &mut Work<'_, '_>, anchor: &AuditAnchor) -> Result<(), Error> {
    work.put(anchor)?;
    let kept = work.read().scan_keys::<AuditAnchor>(&(), None, Order::Descending);
    let old: Vec<i64> = kept.skip(ANCHORS_MAX).collect::<Result<_, _>>()?;
    for at in old {
        work.remove::<AuditAnchor>(&at)?;
    }
    Ok(())
}

/// Keeps an anchor when the newest is a day old; called by the clock.
pub(crate) async fn keep_due(ctx: &Ctx, space: SpaceId) -> Result<(), Error> {
    if space != SpaceId::ASSOCIATION || !crate::job::is_turn(ctx, LOOK_EVERY) {
        return Ok(());
    }
    keep_daily(ctx).await
}

async fn keep_daily(ctx: &Ctx) -> Result<(), Error> {
    let own = ctx.own(SpaceId::ASSOCIATION);
    let newest =
        ctx.read(&own, |view| Ok(view.scan_keys::<AuditAnchor>(&(), None, Order::Descending).next().transpose()?))?;
    // A clock that was set back must not silence it.
    if newest.is_some_and(|at| (0..DAY).contains(&ctx.now().since(Time(at)))) {
        return Ok(());
    }
    let anchor = take(ctx)?;
    if anchor.heads.is_empty() {
        return Ok(());
    }
    ctx.write(&own, move |work| {
        keep(work, &anchor)?;
        work.audit("audit.anchor", "audit", "", &format!("{} chains", anchor.heads.len()))
    })
    .await
}

/// What comparing said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Anchors that were compared.
    pub anchors: usize,
    /// The oldest and the newest of them.
    pub span: Option<(Time, Time)>,
    /// What does not hold, at the first anchor of each space where it shows.
    pub problems: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = |at: Time| at.to_cell(&jiff::tz::TimeZone::UTC);
        match self.span {
            None => write!(f, "the audit log has no anchor yet")?,
            Some((from, to)) => {
                write!(f, "{} anchors of the audit log, from {} to {} (UTC)", self.anchors, cell(from), cell(to))?;
            }
        }
        for problem in &self.problems {
            write!(f, "\nREWRITTEN {problem}")?;
        }
        if self.span.is_some() && self.problems.is_empty() {
            write!(f, ": the log is what it was then")?;
        }
        Ok(())
    }
}

/// Compares the chains with the anchors that the box keeps.
pub fn verify(ctx: &Ctx) -> Result<Report, Error> {
    let own = ctx.own(SpaceId::ASSOCIATION);
    let kept = ctx.read(&own, |view| {
        let kept = view.scan::<AuditAnchor>(&(), None, Order::Ascending);
        kept.map(|kept| Ok(kept?.1)).collect::<Result<Vec<AuditAnchor>, Error>>()
    })?;
    compare(ctx, &kept)
}

/// Compares the chains with anchors from anywhere, oldest first.
pub fn compare(ctx: &Ctx, anchors: &[AuditAnchor]) -> Result<Report, Error> {
    let view = ctx.store().view();
    let span = anchors.first().zip(anchors.last()).map(|(first, last)| (first.at, last.at));
    let mut report = Report { anchors: anchors.len(), span, problems: Vec::new() };
    let mut wrong = std::collections::BTreeSet::new();
    for anchor in anchors {
        for head in anchor.heads.iter().filter(|head| head.next > 1) {
            if wrong.contains(&head.space) || view.space(head.space).audit_reaches(head.next, &head.hash)? {
                continue;
            }
            wrong.insert(head.space);
            report.problems.push(format!(
                "space {}: the audit log up to line {} is not what it was at {} (UTC)",
                head.space,
                head.next - 1,
                anchor.at.to_cell(&jiff::tz::TimeZone::UTC)
            ));
        }
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::test::Hall;
    use domain::time::HOUR;

    /// A hall with a history in which one early line says `name`; everything else is the same.
    async fn hall(name: &str) -> (Hall, crate::Actor) {
        let (hall, admin) = crate::test::founded().await;
        for name in [name, "二部"] {
            crate::space::save_department(&hall.ctx, &admin, None, name, None).await.unwrap();
        }
        (hall, admin)
    }

    async fn planted(ctx: &Ctx, anchor: AuditAnchor) {
        let own = ctx.own(SpaceId::ASSOCIATION);
        let done = ctx.write(&own, move |work| {
            keep(work, &anchor)?;
            work.audit("audit.anchor", "audit", "", "")
        });
        done.await.unwrap();
    }

    #[tokio::test]
    async fn a_log_that_was_written_anew_and_chained_again_is_found_by_its_anchors() {
        let (true_hall, admin) = hall("一部").await;
        let ctx = &true_hall.ctx;
        keep_daily(ctx).await.unwrap();
        keep_daily(ctx).await.unwrap();
        assert_eq!(verify(ctx).unwrap().anchors, 1, "one a day");
        true_hall.advance(25 * HOUR);
        crate::space::save_department(ctx, &admin, None, "三部", None).await.unwrap();
        keep_daily(ctx).await.unwrap();
        let sound = verify(ctx).unwrap();
        assert_eq!((sound.anchors, sound.problems.len()), (2, 0), "{sound}");
        assert!(sound.to_string().contains("what it was then"));
        let anchor = take(ctx).unwrap();

        // The same hall with another first department: its chain holds in itself, and its anchors are those of the true one.
        let (forged, _) = hall("假部").await;
        let before = forged.ctx.store().verify();
        assert!(before.is_sound(), "{before}");
        assert_eq!(verify(&forged.ctx).unwrap().problems.len(), 0);
        planted(&forged.ctx, anchor.clone()).await;
        assert!(forged.ctx.store().verify().is_sound(), "nothing else shows it");
        let found = verify(&forged.ctx).unwrap();
        assert_eq!(found.problems.len(), 1);
        assert!(found.to_string().contains("REWRITTEN space 1"), "{found}");
        // A log that was cut off before an anchor is found as well, and one that went on is not.
        let cut =
            AuditAnchor { heads: vec![Head { next: anchor.heads[0].next + 500, ..anchor.heads[0] }], ..anchor.clone() };
        assert_eq!(compare(ctx, &[cut]).unwrap().problems.len(), 1);
        crate::space::save_department(ctx, &admin, None, "四部", None).await.unwrap();
        assert_eq!(compare(ctx, &[anchor]).unwrap().problems.len(), 0);
    }
}

//! What the box does by itself as time goes by: holds that end, offers to those who wait, reminders, the archive, visits, uploads
//! that nobody used, what is due to leave the box.

use crate::{Ctx, Error, archive, identity, message, once, order, outbox, promotion, reminder, upload, waiting};
use domain::{SpaceId, Time};
use store::{Order, Plain, Read, Record};

/// Every how many seconds visits are kept; until then they are counted in memory.
const VISITS_EVERY: i64 = 10;

/// Does what is due now. A job that fails is logged and tried again with the next tick; it does not keep the others from running.
pub async fn tick(ctx: &Ctx, space: SpaceId) {
    let done = [
        ("orders", order::expire(ctx, space).await),
        ("waiting list", waiting::advance(ctx, space).await),
        ("reminders", reminder::write_due(ctx, space).await),
        ("archive", archive::run_due(ctx, space).await),
        ("requests", once::forget_old(ctx, space).await),
        ("sessions", identity::forget_old(ctx, space).await),
        ("visits", visits(ctx, space).await),
        ("unused uploads", upload::sweep(ctx).await),
        ("messages", message::dispatch(ctx, space).await),
        ("outbox", outbox::tidy(ctx, space).await),
        ("text messages", message::sms::tidy(ctx, space).await),
    ];
    for (job, outcome) in done {
        match outcome {
            Ok(0) => {}
            Ok(count) => tracing::info!(job, count, "done by the clock"),
            Err(error) => tracing::error!(job, %error, "a job failed"),
        }
    }
    outbox::start_due(ctx, space);
    message::sms::start_asking(ctx, space);
}

/// Keeps the visits that wait, when it is their second; answers 0, for it is nothing worth a line in the log.
async fn visits(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    if ctx.now().0.div_euclid(domain::time::SECOND).rem_euclid(VISITS_EVERY) == 0 {
        promotion::flush(ctx, space).await?;
    }
    Ok(0)
}

/// The keys whose instant is over, from the index that has them by it; at most so many, the earliest first.
pub(crate) fn due<R: Record>(
    view: &impl Read,
    index: &Plain<R, i64>,
    now: Time,
    most: usize,
) -> Result<Vec<R::Key>, Error> {
    let mut due = Vec::new();
    for entry in view.scan_entries(index, &(), None, Order::Ascending).take(most) {
        let (until, key) = entry?;
        if until > now.0 {
            break;
        }
        due.push(key);
    }
    Ok(due)
}

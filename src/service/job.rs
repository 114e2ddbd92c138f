//! What the box does by itself as time goes by: holds that end, offers to those who wait, reminders, the archive, visits, uploads
//! that nobody used, what is due to leave the box, backups.

use crate::{
    Ctx, Error, account, anchor, archive, backup, blast, client, identity, merchant, message, once, order, outbox, pay,
    privacy, promotion, reminder, upload, waiting, webhook, wechat,
};
use domain::{SpaceId, Time};
use store::{Order, Plain, Read, Record};

/// Every how many seconds visits are kept; until then they are counted in memory.
const VISITS_EVERY: i64 = 10;
/// Every how many seconds the box looks for uploads that nobody used: it reads a folder.
const UPLOADS_EVERY: i64 = 60;

/// Does what is due now. A job that fails is logged and tried again with the next tick; it does not keep the others from running.
pub async fn tick(ctx: &Ctx, space: SpaceId) {
    let done = [
        ("orders", order::expire(ctx, space).await),
        ("waiting list", waiting::advance(ctx, space).await),
        ("reminders", reminder::write_due(ctx, space).await),
        ("archive", archive::run_due(ctx, space).await),
        ("deleted merchants", merchant::purge_due(ctx, space).await),
        ("messages to many", blast::write_due(ctx, space).await),
        ("messages", message::dispatch(ctx, space).await),
        ("check-ins to webhooks", webhook::tell_checkins(ctx, space).await),
        ("visits", visits(ctx, space).await),
        ("unused uploads", uploads(ctx, space).await),
        ("requests", once::forget_old(ctx, space).await),
        ("sessions", identity::forget_old(ctx, space).await),
        ("accounts", account::tidy(ctx, space).await),
        ("other eyes", account::eyes::tidy(ctx, space).await),
        ("API clients", client::tick(ctx, space).await),
        ("outbox", outbox::tidy(ctx, space).await),
        ("text messages", message::sms::tidy(ctx, space).await),
        ("codes", message::person::tidy(ctx, space).await),
        ("pushes", wechat::forget_old(ctx, space).await),
        ("erasures", privacy::erase_due(ctx, space).await),
        ("retention", privacy::retention::tick(ctx, space).await),
        ("who saw what", privacy::access::flush(ctx, space).await),
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
    backup::start_due(ctx, space);
    if let Err(error) = backup::alert::look(ctx, space).await {
        tracing::error!(%error, "whether backups are in trouble cannot be told");
    }
    if let Err(error) = anchor::keep_due(ctx, space).await {
        tracing::error!(%error, "the audit log was not anchored");
    }
    pay::start_asking(ctx, space);
}

/// Whether this second is one of those.
pub(crate) fn is_turn(ctx: &Ctx, every: i64) -> bool {
    ctx.now().0.div_euclid(domain::time::SECOND).rem_euclid(every) == 0
}

/// Removes uploads that nobody used. They lie in one folder for all spaces, so the association's turn is enough.
async fn uploads(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    if space == SpaceId::ASSOCIATION && is_turn(ctx, UPLOADS_EVERY) { upload::sweep(ctx).await } else { Ok(0) }
}

/// Keeps the visits that wait, when it is their second; answers 0, for it is nothing worth a line in the log.
async fn visits(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    if is_turn(ctx, VISITS_EVERY) {
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

//! What the box does by itself as time goes by: holds that end, offers to those who wait, reminders, the archive, what is due to leave the box.

use crate::{Ctx, archive, message, order, outbox, reminder, waiting, wechat};
use domain::SpaceId;

/// Does what is due now. A job that fails is logged and tried again with the next tick; it does not keep the others from running.
pub async fn tick(ctx: &Ctx, space: SpaceId) {
    let done = [
        ("orders", order::expire(ctx, space).await),
        ("waiting list", waiting::advance(ctx, space).await),
        ("reminders", reminder::write_due(ctx, space).await),
        ("archive", archive::run_due(ctx, space).await),
        ("messages", message::dispatch(ctx, space).await),
        ("outbox", outbox::tidy(ctx, space).await),
        ("text messages", message::sms::tidy(ctx, space).await),
        ("pushes", wechat::forget_old(ctx, space).await),
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

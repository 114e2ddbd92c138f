//! What the box does by itself while it serves: now and then it looks whether an event's time to be archived has come.

use domain::SpaceId;
use service::Ctx;
use std::time::Duration;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(15);

/// Looks at once, which takes up what was broken off, and then again and again.
pub async fn archive(ctx: Ctx) {
    loop {
        match service::archive::run_due(&ctx, SpaceId::ASSOCIATION).await {
            Ok(0) => {}
            Ok(done) => tracing::info!(done, "events were archived"),
            Err(error) => tracing::error!(%error, "archiving stopped"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

//! Switches for what visitors see of an event beside its invitation (S0-29, S0-43).

use crate::{Actor, At, Ctx, Error, Work};
use domain::{EventId, EventView, Permission};
use store::Read;

/// The switches of an event; anybody may know them, they only hide.
pub fn get(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<EventView, Error> {
    ctx.read(&ctx.public(actor), |view| of(view, event))
}

pub(crate) fn of(view: &impl Read, event: EventId) -> Result<EventView, Error> {
    Ok(view.get::<EventView>(&event)?.unwrap_or_else(|| EventView::of(event)))
}

/// Keeps the switches that `change` sets.
pub async fn set(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    change: impl Fn(&mut EventView) + Send + Sync + 'static,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let old = of(work.read(), event)?;
        let mut new = old.clone();
        change(&mut new);
        if new == old {
            return Ok(());
        }
        work.put(&new)?;
        work.audit("event.view", format!("event/{event}"), &format!("{old:?}"), &format!("{new:?}"))
    })
    .await
}

/// The copy of an event has the same switches.
pub(crate) fn copy(work: &mut Work<'_, '_>, from: EventId, to: EventId) -> Result<(), Error> {
    match work.read().get::<EventView>(&from)? {
        Some(view) => work.put(&EventView { event: to, ..view }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::{founded, opened};

    #[tokio::test]
    async fn switches_are_kept_one_by_one() {
        let (hall, admin) = founded().await;
        let (event, _) = opened(&hall, &admin).await;
        set(&hall.ctx, &admin, event, |view| view.hide_left = true).await.unwrap();
        set(&hall.ctx, &admin, event, |view| view.seat_early = true).await.unwrap();
        let visitor = Actor::visitor(admin.space);
        let kept = get(&hall.ctx, &visitor, event).unwrap();
        assert!(kept.hide_left && kept.seat_early && !kept.choose_talks);
        let denied = set(&hall.ctx, &visitor, event, |view| view.hide_left = false).await.unwrap_err();
        assert_eq!(denied.code(), Some("session.none"));
    }
}

//! Where an event is on the map (S0-15).

use crate::{Actor, At, Ctx, Error, Work, event};
use domain::{
    EventId, EventPlace, Permission, Refusal, SpaceId,
    event::EventState,
    place::{PlaceInput, check_place},
};
use store::Read;

/// Where the event is, for the secretariat.
pub fn get(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Option<EventPlace>, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(event))?;
    ctx.read(&permit, |view| Ok(view.get::<EventPlace>(&event)?))
}

/// Where the event is, for visitors; drafts do not exist for them.
pub fn public_get(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Option<EventPlace>, Error> {
    ctx.read(&ctx.public(actor), |view| {
        if event::load(view, event)?.state == EventState::Draft {
            return Err(Refusal::missing("event").into());
        }
        Ok(view.get::<EventPlace>(&event)?)
    })
}

/// Where the event of a ticket is; whoever has the ticket's link may know.
pub fn of_ticket(ctx: &Ctx, space: SpaceId, event: EventId) -> Result<Option<EventPlace>, Error> {
    ctx.read(&ctx.own(space), |view| Ok(view.get::<EventPlace>(&event)?))
}

/// Keeps the coordinates of the event's form, or takes them away when both are empty.
pub async fn save(ctx: &Ctx, actor: &Actor, event: EventId, input: &PlaceInput) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let place = check_place(input, event).map_err(Refusal::invalid)?;
    ctx.write(&permit, move |work| {
        event::load(work.read(), event)?;
        let kept = work.read().get::<EventPlace>(&event)?;
        if kept == place {
            return Ok(());
        }
        match &place {
            Some(place) => work.put(place)?,
            None => work.remove::<EventPlace>(&event)?,
        }
        let text = |place: Option<EventPlace>| {
            place.map_or(String::new(), |place| format!("{},{}", place.latitude, place.longitude))
        };
        work.audit("event.place", format!("event/{event}"), &text(kept), &text(place))
    })
    .await
}

/// Gives a copied event the place of its original.
pub(crate) fn copy(work: &mut Work<'_, '_>, from: EventId, to: EventId) -> Result<(), Error> {
    match work.read().get::<EventPlace>(&from)? {
        Some(place) => work.put(&EventPlace { event: to, ..place }),
        None => Ok(()),
    }
}

//! Figures over time: registrations and arrivals of one event, and the totals of all events that somebody may see.

use crate::{
    Actor, At, Ctx, Error, checkin,
    event::{self, EventRow},
};
use domain::{EventId, ListId, Permission, time::HOUR};
use store::catalogue::{EVENT_BY_START, REGISTERED_AT};
use store::{Order, Read};

/// One bar or point: its instant in UTC milliseconds and its value.
pub type Point = (i64, i64);

/// Figures of an event.
#[derive(Debug, Clone)]
pub struct EventOverview {
    /// Counts now.
    pub counts: checkin::Counts,
    /// New registrations by the hour, in order; hours without any are left out.
    pub registrations: Vec<Point>,
    /// Arrivals by the minute, in order; minutes without any are left out.
    pub arrivals: Vec<Point>,
}

/// Figures of one event.
pub fn event(ctx: &Ctx, actor: &Actor, id: EventId) -> Result<EventOverview, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(id))?;
    ctx.read(&permit, |view| {
        let mut registrations = Vec::new();
        for count in view.counts(&REGISTERED_AT, &id) {
            let ((_, hour), count) = count?;
            registrations.push((hour * HOUR, count));
        }
        let counts = checkin::list_counts(ctx, permit.space, id, ListId::MAIN)?;
        Ok(EventOverview { counts, registrations, arrivals: checkin::arrivals_in(view, id, ListId::MAIN)? })
    })
}

/// Totals over all events.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// How many events there are.
    pub events: usize,
    /// Places taken over all of them.
    pub registered: i64,
    /// People checked in over all of them.
    pub admitted: i64,
    /// Events that are on now or come next, at most ten.
    pub upcoming: Vec<EventRow>,
}

/// Totals over the events that the actor may see.
pub fn all(ctx: &Ctx, actor: &Actor) -> Result<Overview, Error> {
    let permit = ctx.permit_somewhere(actor, Permission::EventView)?;
    let now = ctx.now();
    ctx.read(&permit, |view| {
        let mut overview = Overview::default();
        for key in view.scan_index(&EVENT_BY_START, &(), None, Order::Ascending) {
            let event = event::load(view, key?)?;
            if !actor.covers(Permission::EventView, &event::place(&event)) {
                continue;
            }
            let row = event::row(view, event)?;
            overview.events += 1;
            overview.registered += row.registered;
            overview.admitted += row.admitted;
            if now < row.event.time.to && overview.upcoming.len() < 10 {
                overview.upcoming.push(row);
            }
        }
        Ok(overview)
    })
}

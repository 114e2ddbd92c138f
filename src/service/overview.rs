//! Figures over time (S0-96 … S0-99): registrations and arrivals of one event, and the totals of all events that somebody may see.

use crate::{
    Actor, At, Ctx, Error, checkin,
    event::{self, EventRow},
};
use domain::{
    EventId, ListId, Permission, Time,
    overview::{Range, by_day},
    time::{HOUR, MINUTE},
};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use store::catalogue::{ARRIVALS, EVENT_BY_START, REGISTERED_AT};
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

/// Figures of the events that take place in some time.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// The events, latest start first, with places taken and people checked in.
    pub rows: Vec<EventRow>,
    /// Registrations made in that time by local day, those that were canceled later included.
    pub registrations: Vec<(String, i64)>,
    /// People who came for the first time in that time, by local day.
    pub arrivals: Vec<(String, i64)>,
}

impl Figures {
    /// Places taken over all of them.
    pub fn registered(&self) -> i64 {
        self.rows.iter().map(|row| row.registered).sum()
    }

    /// People checked in over all of them.
    pub fn admitted(&self) -> i64 {
        self.rows.iter().map(|row| row.admitted).sum()
    }

    /// Days with registrations and arrivals, in their order.
    pub fn days(&self) -> Vec<(String, i64, i64)> {
        let mut days: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for (day, count) in &self.registrations {
            days.entry(day).or_default().0 += count;
        }
        for (day, count) in &self.arrivals {
            days.entry(day).or_default().1 += count;
        }
        days.into_iter().map(|(day, (made, came))| (day.to_owned(), made, came)).collect()
    }
}

/// Figures of the events that the actor may see and that take place in the range; of one event only when it is named. Read aside.
pub async fn figures(ctx: &Ctx, actor: &Actor, only: Option<EventId>, range: Range) -> Result<Figures, Error> {
    let permit = match only {
        Some(event) => ctx.permit(actor, Permission::EventView, At::Event(event))?,
        None => ctx.permit_somewhere(actor, Permission::EventView)?,
    };
    let (zone, ctx, actor) = (ctx.zone(permit.space)?, ctx.clone(), actor.clone());
    crate::aside(move || ctx.read(&permit, |view| figures_in(view, &actor, only, &range, &zone))).await
}

fn figures_in(
    view: &impl Read,
    actor: &Actor,
    only: Option<EventId>,
    range: &Range,
    zone: &TimeZone,
) -> Result<Figures, Error> {
    let mut figures = Figures::default();
    let (mut made, mut came) = (Vec::new(), Vec::new());
    for key in view.scan_index(&EVENT_BY_START, &(), None, Order::Descending) {
        let id: EventId = key?;
        if only.is_some_and(|only| only != id) {
            continue;
        }
        let event = event::load(view, id)?;
        if !actor.covers(Permission::EventView, &event::place(&event)) {
            continue;
        }
        for count in view.counts(&REGISTERED_AT, &id) {
            let ((_, hour), count) = count?;
            made.push((hour * HOUR, count));
        }
        for count in view.counts(&ARRIVALS, &(id, ListId::MAIN)) {
            let ((_, _, minute), count) = count?;
            came.push((minute * MINUTE, count));
        }
        if only.is_some() || range.touches(&event.time) {
            figures.rows.push(event::row(view, event)?);
        }
    }
    figures.registrations = by_day(&made, range, zone);
    figures.arrivals = by_day(&came, range, zone);
    Ok(figures)
}

/// What a file of figures holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// A row for each event, and the sums.
    Events,
    /// A row for each day.
    Days,
}

/// Figures as a file.
pub fn export(
    figures: &Figures,
    listed: Listed,
    format: crate::sheet::Format,
    zone: &TimeZone,
    say: impl Fn(&str) -> String,
) -> Result<Vec<u8>, Error> {
    let local = |at: Time| at.to_cell(zone);
    let table = match listed {
        Listed::Events => {
            let mut table: Vec<Vec<String>> = vec![
                ["Event", "Begins", "Ends", "Place", "State", "Registered", "Checked in"]
                    .iter()
                    .map(|head| say(head))
                    .collect(),
            ];
            table.extend(figures.rows.iter().map(|row| {
                let event = &row.event;
                vec![
                    event.name.clone(),
                    local(event.time.from),
                    local(event.time.to),
                    event.venue.line(),
                    say(event.state.label()),
                    row.registered.to_string(),
                    row.admitted.to_string(),
                ]
            }));
            let empty = String::new;
            table.push(vec![
                say("Total"),
                empty(),
                empty(),
                empty(),
                empty(),
                figures.registered().to_string(),
                figures.admitted().to_string(),
            ]);
            table
        }
        Listed::Days => {
            let mut table: Vec<Vec<String>> =
                vec![["Day", "Registrations", "Arrivals"].iter().map(|head| say(head)).collect()];
            table.extend(
                figures.days().into_iter().map(|(day, made, came)| vec![day, made.to_string(), came.to_string()]),
            );
            table
        }
    };
    crate::sheet::write(format, &table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::{Format, read};
    use crate::test::{founded, named, opened};
    use crate::{checkin, registration};
    use domain::time::DAY;

    #[tokio::test]
    async fn figures_add_up_over_the_events_that_somebody_may_see() {
        let (hall, admin) = founded().await;
        let (mine, kind) = opened(&hall, &admin).await;
        let (other, kind_of_other) = opened(&hall, &admin).await;
        let ctx = &hall.ctx;
        for n in 0..3 {
            let person = named(&format!("人{n}"), "");
            let ticket = registration::add(ctx, &admin, mine, kind, "", &person).await.unwrap();
            checkin::mark(ctx, &admin, mine, ticket.id, n > 0).await.unwrap();
        }
        let gone = registration::add(ctx, &admin, mine, kind, "", &named("走", "")).await.unwrap();
        registration::cancel(ctx, &admin, mine, gone.id).await.unwrap();
        hall.advance(DAY);
        registration::add(ctx, &admin, other, kind_of_other, "", &named("人", "")).await.unwrap();
        let all = figures(ctx, &admin, None, Range::default()).await.unwrap();
        assert_eq!((all.rows.len(), all.registered(), all.admitted()), (2, 4, 2));
        let days =
            |figures: &Figures| figures.days().into_iter().map(|(_, made, came)| (made, came)).collect::<Vec<_>>();
        assert_eq!(days(&all), [(4, 2), (1, 0)]);
        let zone = ctx.zone(admin.space).unwrap();
        let today = ctx.now().zoned(&zone).date().to_string();
        let range = Range::read(&today, &today, &zone).unwrap();
        let late = figures(ctx, &admin, None, range).await.unwrap();
        assert_eq!((late.rows.len(), days(&late)), (0, vec![(1, 0)]), "both events were yesterday");
        let one = figures(ctx, &admin, Some(mine), Range::default()).await.unwrap();
        assert_eq!((one.rows.len(), one.registered()), (1, 3));
        let held = domain::permission::Held { permission: Permission::EventView, scope: domain::Scope::Event(other) };
        let viewer = Actor { held: vec![held], ..admin.clone() };
        assert_eq!(
            figures(ctx, &viewer, None, Range::default()).await.unwrap().registered(),
            1,
            "only what one may see"
        );
        assert!(figures(ctx, &viewer, Some(mine), Range::default()).await.is_err());
        let file = export(&all, Listed::Events, Format::Xlsx, &zone, str::to_owned).unwrap();
        let rows = read(&file).unwrap().rows;
        assert_eq!((rows.len(), &rows[2].1[5], &rows[2].1[6]), (3, &"4".to_owned(), &"2".to_owned()));
        let file = export(&all, Listed::Days, Format::Csv, &zone, str::to_owned).unwrap();
        assert_eq!(read(&file).unwrap().rows.len(), 2);
    }
}

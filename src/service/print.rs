//! Printing badges and seat cards: sheets for a part of the list, one person's, and at a terminal when somebody is let in. Each printing is
//! logged, and shown on the registration.

use crate::{
    Actor, At, Ctx, Error, Permit, Who, Work, checkin,
    design::{self, Saying},
    event, registration,
    roster::Filter,
};
use domain::{
    Design, DesignId, Device, DeviceId, DevicePrint, EventId, Permission, PrintId, PrintRun, Refusal, TicketId,
    TicketState, Time,
    design::Values,
    print::{Occasion, RUN_MAX},
    refuse,
};
use store::catalogue::PRINT_BY_TICKET;
use store::{Order, Read};

fn permit(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Permit, Error> {
    ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    ctx.permit(actor, Permission::PrintManage, At::Event(event))
}

fn printed(view: &impl Read, event: EventId, id: DesignId) -> Result<Design, Error> {
    let design = design::load(view, event, id)?;
    if !design.purpose.is_printed() {
        return Err(
            refuse!(Conflict, "print.other_purpose", "Only badges and seat cards are printed from the list.").into()
        );
    }
    Ok(design)
}

/// A card with whom it is of.
#[derive(Debug, Clone)]
pub struct PersonCard {
    /// The ticket.
    pub ticket: TicketId,
    /// What the card is filled with.
    pub values: Values,
    /// Whether there is a picture of the holder.
    pub portrait: bool,
}

fn cards(
    ctx: &Ctx,
    view: &impl Read,
    design: &Design,
    tickets: &[TicketId],
    said: &Saying,
) -> Result<Vec<PersonCard>, Error> {
    let event = event::load(view, design.event)?;
    let all = design::of_all(ctx, &event, said)?;
    let portraits = design::shows_portrait(design);
    let mut cards = Vec::with_capacity(tickets.len());
    for id in tickets {
        let ticket = registration::load(view, design.event, *id)?;
        let portrait = portraits && view.get::<domain::Portrait>(&(design.event, *id))?.is_some();
        cards.push(PersonCard { ticket: *id, values: design::of_ticket(view, &all, said, &ticket)?, portrait });
    }
    Ok(cards)
}

/// What would be printed.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The design.
    pub design: Design,
    /// How many people the filter finds.
    pub found: usize,
    /// The cards of the first sheet of the chosen part.
    pub first: Vec<PersonCard>,
}

/// The part of a list that one printing takes.
fn part_of(ids: &[TicketId], part: usize) -> Vec<TicketId> {
    ids.iter().skip(part.saturating_mul(RUN_MAX)).take(RUN_MAX).copied().collect()
}

/// What would be printed of the people that a filter finds; `part` from 0, each of at most [`RUN_MAX`] people.
pub fn plan(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: DesignId,
    filter: &Filter,
    part: usize,
    said: &Saying,
) -> Result<Plan, Error> {
    let permit = permit(ctx, actor, event)?;
    let ids = registration::selected(ctx, &permit, event, filter)?;
    ctx.read(&permit, |view| {
        let design = printed(view, event, id)?;
        let shown: Vec<_> = part_of(&ids, part).into_iter().take(design.sheet.holds()).collect();
        Ok(Plan { first: cards(ctx, view, &design, &shown, said)?, design, found: ids.len() })
    })
}

fn log(work: &mut Work<'_, '_>, design: &Design, tickets: &[TicketId], occasion: Occasion) -> Result<PrintRun, Error> {
    let run = PrintRun {
        id: PrintId(work.next_id::<PrintRun>()?),
        event: design.event,
        design: design.id,
        design_name: design.name.clone(),
        by: work.permit.by,
        at: work.now,
        occasion,
        tickets: tickets.to_vec(),
    };
    work.insert(&run)?;
    let after = format!("{} × {}", design.name, tickets.len());
    work.audit("print.run", format!("event/{}/print/{}", run.event, run.id), "", &after)?;
    Ok(run)
}

/// Whom a printing is for.
#[derive(Debug, Clone)]
pub enum Whom {
    /// A part of those whom a filter finds.
    Some(Filter, usize),
    /// One person.
    One(TicketId),
}

/// Begins a printing: logs it, so that its pages can be opened.
pub async fn begin(ctx: &Ctx, actor: &Actor, event: EventId, id: DesignId, whom: &Whom) -> Result<PrintId, Error> {
    let permit = permit(ctx, actor, event)?;
    let (tickets, occasion) = match whom {
        Whom::Some(filter, part) => {
            (part_of(&registration::selected(ctx, &permit, event, filter)?, *part), Occasion::Sheets)
        }
        Whom::One(ticket) => (vec![*ticket], Occasion::One),
    };
    if tickets.is_empty() {
        return Err(refuse!(Conflict, "print.nobody", "Nobody matches, so there is nothing to print.").into());
    }
    ctx.write(&permit, move |work| {
        let design = printed(work.read(), event, id)?;
        for ticket in &tickets {
            registration::load(work.read(), event, *ticket)?;
        }
        Ok(log(work, &design, &tickets, occasion)?.id)
    })
    .await
}

/// The pages of a printing: its design as it is now, and the cards.
pub fn run(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: PrintId,
    said: &Saying,
) -> Result<(PrintRun, Design, Vec<PersonCard>), Error> {
    let permit = permit(ctx, actor, event)?;
    ctx.read(&permit, |view| {
        let run = view.get::<PrintRun>(&(event, id))?.ok_or_else(|| Refusal::missing("printing"))?;
        let design = printed(view, event, run.design)?;
        let cards = cards(ctx, view, &design, &run.tickets, said)?;
        Ok((run, design, cards))
    })
}

/// A line of the print log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintRow {
    /// Number of the printing.
    pub id: PrintId,
    /// When.
    pub at: Time,
    /// Who.
    pub by: String,
    /// Name of the design then.
    pub design: String,
    /// What for.
    pub occasion: Occasion,
    /// How many people.
    pub people: usize,
}

fn row(view: &impl Read, run: PrintRun) -> Result<PrintRow, Error> {
    Ok(PrintRow {
        id: run.id,
        at: run.at,
        by: crate::space::name_of(view, run.by)?.unwrap_or_default(),
        design: run.design_name,
        occasion: run.occasion,
        people: run.tickets.len(),
    })
}

/// Lines that the log shows.
const LOG_SHOWN: usize = 100;

/// The event's last printings, newest first.
pub fn latest(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<PrintRow>, Error> {
    let permit = ctx.permit(actor, Permission::PrintManage, At::Event(event))?;
    ctx.read(&permit, |view| {
        let kept = view.scan::<PrintRun>(&event, None, Order::Descending).take(LOG_SHOWN);
        kept.map(|run| row(view, run?.1)).collect()
    })
}

/// The printings that a registration was among, newest first.
pub fn of_ticket(ctx: &Ctx, actor: &Actor, event: EventId, ticket: TicketId) -> Result<Vec<PrintRow>, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    ctx.read(&permit, |view| {
        let keys = view.scan_index(&PRINT_BY_TICKET, &(event, ticket), None, Order::Descending).take(LOG_SHOWN);
        let mut rows = Vec::new();
        for key in keys {
            if let Some(run) = view.get::<PrintRun>(&key?)? {
                rows.push(row(view, run)?);
            }
        }
        Ok(rows)
    })
}

/// The designs that terminals of an event print, by terminal.
pub fn at_devices(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<DevicePrint>, Error> {
    let permit = ctx.permit(actor, Permission::DeviceManage, At::Event(event))?;
    ctx.read(&permit, |view| {
        let all = view.scan::<DevicePrint>(&(), None, Order::Ascending).map(|kept| Ok::<_, Error>(kept?.1));
        let mut found = Vec::new();
        for kept in all {
            let kept = kept?;
            if kept.event == event {
                found.push(kept);
            }
        }
        Ok(found)
    })
}

/// The designs that a terminal can print, for whoever sets it up.
pub fn choices(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<Design>, Error> {
    let permit = ctx.permit(actor, Permission::DeviceManage, At::Event(event))?;
    let all = ctx.read(&permit, |view| design::of_event(view, event))?;
    Ok(all.into_iter().filter(|design| design.purpose.is_printed()).collect())
}

/// Lets a terminal print a design whenever it lets somebody in, or no more.
pub async fn set_device(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    device: DeviceId,
    design: Option<DesignId>,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::DeviceManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let kept = work.read().get::<Device>(&device)?.filter(|device| device.event == event);
        let kept = kept.ok_or_else(|| Refusal::missing("terminal"))?;
        let name = match design {
            Some(design) => {
                let design = printed(work.read(), event, design)?;
                work.put(&DevicePrint { device, event, design: design.id })?;
                design.name
            }
            None => {
                work.remove::<DevicePrint>(&device)?;
                String::new()
            }
        };
        work.audit("device.print", format!("device/{device}"), &kept.name, &name)
    })
    .await
}

fn of_device(view: &impl Read, actor: &Actor, event: EventId) -> Result<Option<Design>, Error> {
    let Who::Device { device, .. } = &actor.who else { return Ok(None) };
    match view.get::<DevicePrint>(device)?.filter(|kept| kept.event == event) {
        Some(kept) => Ok(view.get::<Design>(&(event, kept.design))?.filter(|design| design.purpose.is_printed())),
        None => Ok(None),
    }
}

/// What the terminal prints when it lets somebody in.
pub fn device_design(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Option<Design>, Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    ctx.read(&permit, |view| of_device(view, actor, event))
}

/// The card of somebody whom a terminal let in, logged; `again` when it is asked for once more. Terminals get cards of nobody else.
pub async fn at_door(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    ticket: TicketId,
    again: bool,
    said: &Saying,
) -> Result<(Design, PersonCard), Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    let design = ctx.read(&permit, |view| of_device(view, actor, event))?;
    let design = design.ok_or_else(|| {
        refuse!(Conflict, "print.not_here", "This terminal prints no badges. The page “Terminals” can change that.")
    })?;
    let (list, id) = (actor.post().list, design.id);
    let entered = checkin::presence(ctx, permit.space, event)?.look(|presence| presence.standing(list, ticket))?;
    if !entered.is_some_and(|standing| standing.is_admitted()) {
        return Err(
            refuse!(Conflict, "print.not_admitted", "A badge is printed for people who were let in here.").into()
        );
    }
    let occasion = if again { Occasion::DoorAgain } else { Occasion::Door };
    ctx.write(&permit, move |work| {
        let design = printed(work.read(), event, id)?;
        let holder = registration::load(work.read(), event, ticket)?;
        if holder.state != TicketState::Active {
            return Err(Refusal::missing("registration").into());
        }
        log(work, &design, &[ticket], occasion).map(|_| ())
    })
    .await?;
    let mut card = ctx.read(&permit, |view| cards(ctx, view, &design, &[ticket], said))?;
    let card = card.pop().ok_or_else(|| Error::Internal("a card of nobody".into()))?;
    Ok((design, card))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{design::said, device, test};

    #[tokio::test]
    async fn each_printing_is_logged_with_whom_and_by_whom() {
        let (hall, admin) = test::founded().await;
        let (event, kind) = test::opened(&hall, &admin).await;
        let mut tickets = Vec::new();
        for name in ["张三", "李四", "王五"] {
            tickets
                .push(registration::add(&hall.ctx, &admin, event, kind, "嘉宾", &test::named(name, "")).await.unwrap());
        }
        registration::cancel(&hall.ctx, &admin, event, tickets[2].id).await.unwrap();
        let badge =
            design::create(&hall.ctx, &admin, event, "badge_sheet", |text: &str| text.to_owned()).await.unwrap();
        let planned = plan(&hall.ctx, &admin, event, badge, &Filter::default(), 0, &said()).unwrap();
        let names: Vec<_> = planned.first.iter().map(|card| card.values.name.as_str()).collect();
        assert_eq!((planned.found, names), (2, vec!["张三", "李四"]), "nobody who gave the place up");
        assert_eq!(planned.first[0].values.group, "嘉宾");
        let all = begin(&hall.ctx, &admin, event, badge, &Whom::Some(Filter::default(), 0)).await.unwrap();
        let one = begin(&hall.ctx, &admin, event, badge, &Whom::One(tickets[0].id)).await.unwrap();
        let (kept, _, cards) = run(&hall.ctx, &admin, event, all, &said()).unwrap();
        assert_eq!((kept.tickets.len(), cards.len()), (2, 2));
        let rows = of_ticket(&hall.ctx, &admin, event, tickets[0].id).unwrap();
        let seen: Vec<_> = rows.iter().map(|row| (row.id, row.occasion, row.by.as_str(), row.people)).collect();
        assert_eq!(seen, [(one, Occasion::One, "管理员", 1), (all, Occasion::Sheets, "管理员", 2)]);
        assert_eq!(of_ticket(&hall.ctx, &admin, event, tickets[1].id).unwrap().len(), 1);
        assert!(of_ticket(&hall.ctx, &admin, event, tickets[2].id).unwrap().is_empty());
        let nobody = begin(&hall.ctx, &admin, event, badge, &Whom::Some(Filter::default(), 1)).await.unwrap_err();
        assert_eq!(nobody.code(), Some("print.nobody"));
        let poster = design::create(&hall.ctx, &admin, event, "poster", |text: &str| text.to_owned()).await.unwrap();
        let wrong = begin(&hall.ctx, &admin, event, poster, &Whom::One(tickets[0].id)).await.unwrap_err();
        assert_eq!(wrong.code(), Some("print.other_purpose"));
    }

    #[tokio::test]
    async fn a_terminal_prints_for_those_it_let_in_and_for_nobody_else() {
        let (hall, admin) = test::founded().await;
        let (event, kind) = test::opened(&hall, &admin).await;
        let came = registration::add(&hall.ctx, &admin, event, kind, "", &test::named("张三", "")).await.unwrap();
        let absent = registration::add(&hall.ctx, &admin, event, kind, "", &test::named("李四", "")).await.unwrap();
        let (id, code) = test::terminal(&hall, &admin, event, "大门").await;
        let token = device::pair(&hall.ctx, admin.space, &code, "").await.unwrap();
        let device::Known::Device(door) = device::actor(&hall.ctx, admin.space, &token).unwrap() else { panic!() };
        checkin::redeem(&hall.ctx, &door, event, test::scan(&came.number, "a")).await.unwrap();
        let unset = at_door(&hall.ctx, &door, event, came.id, false, &said()).await.unwrap_err();
        assert_eq!(unset.code(), Some("print.not_here"));
        let badge = design::create(&hall.ctx, &admin, event, "badge_card", |text: &str| text.to_owned()).await.unwrap();
        set_device(&hall.ctx, &admin, event, id, Some(badge)).await.unwrap();
        assert_eq!(device_design(&hall.ctx, &door, event).unwrap().unwrap().id, badge);
        let (_, card) = at_door(&hall.ctx, &door, event, came.id, false, &said()).await.unwrap();
        assert_eq!(card.values.name, "张三");
        at_door(&hall.ctx, &door, event, came.id, true, &said()).await.unwrap();
        let waiting = at_door(&hall.ctx, &door, event, absent.id, false, &said()).await.unwrap_err();
        assert_eq!(waiting.code(), Some("print.not_admitted"));
        let rows = of_ticket(&hall.ctx, &admin, event, came.id).unwrap();
        let seen: Vec<_> = rows.iter().map(|row| (row.occasion, row.by.as_str())).collect();
        assert_eq!(seen, [(Occasion::DoorAgain, "大门"), (Occasion::Door, "大门")]);
        set_device(&hall.ctx, &admin, event, id, None).await.unwrap();
        assert!(device_design(&hall.ctx, &door, event).unwrap().is_none());
    }
}

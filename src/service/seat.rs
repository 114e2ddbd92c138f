//! The table plan of an event and who sits where (S0-43): the plan's form, seating by hand and by itself, what is wrong. The seat text of
//! the registration stays the truth; it changes in small transactions, so that no scan waits for a large hall being seated.

use crate::{
    Actor, At, Ctx, Error, Permit, Work, event, registration,
    row::{self, Row},
};
use domain::{
    Event, EventId, Group, GroupId, Permission, Refusal, SeatPlan, Seating, Ticket, TicketId, TicketState, refuse,
    seat::{self, Conflict, Guest, How, NewTables, Seat, TableInput, add_tables, arrange, check_plan},
};
use std::collections::{BTreeMap, BTreeSet};
use store::{Order, Read};

/// Registrations that change in one transaction.
const STEP: usize = 200;
/// How often seats are worked out anew because somebody else seated people meanwhile.
const TRIES: usize = 5;
/// Most registrations of one act by hand.
pub const ASSIGN_MAX: usize = 1_000;

/// Somebody on the page of the plan.
#[derive(Debug, Clone)]
pub struct Person {
    /// Name.
    pub name: String,
    /// What the rules need.
    pub guest: Guest,
}

/// Everything that the page of the plan shows.
#[derive(Debug, Clone)]
pub struct Page {
    /// The event.
    pub event: Event,
    /// The plan.
    pub plan: SeatPlan,
    /// Groups.
    pub groups: Vec<Group>,
    /// Everybody, by ticket.
    pub people: BTreeMap<TicketId, Person>,
    /// What is wrong.
    pub conflicts: Vec<Conflict>,
}

impl Page {
    /// What the rules need of everybody, by ticket.
    pub fn guests(&self) -> Vec<Guest> {
        self.people.values().map(|person| person.guest.clone()).collect()
    }
}

/// Those of a page without a seat that a query finds by name and group; of one group alone when it is named.
pub fn waiting<'a>(
    ctx: &Ctx,
    actor: &Actor,
    of: &'a Page,
    text: &str,
    group: Option<GroupId>,
) -> Result<Vec<&'a Person>, Error> {
    let query = row::read(ctx, actor.space, text)?;
    let named = |id: GroupId| of.groups.iter().find(|group| group.id == id).map_or("", |group| &group.name);
    let fits = |person: &&Person| {
        let held = person.guest.group;
        person.guest.standing
            && person.guest.seat.is_empty()
            && (group.is_none() || held == group)
            && Row { name: &person.name, words: &[held.map_or("", named)], ..Row::default() }.fits(&query)
    };
    Ok(of.people.values().filter(fits).collect())
}

pub(crate) fn plan_in(view: &impl Read, event: EventId) -> Result<SeatPlan, Error> {
    Ok(view.get::<SeatPlan>(&event)?.unwrap_or_else(|| SeatPlan::of(event)))
}

fn people_in(view: &impl Read, event: EventId) -> Result<BTreeMap<TicketId, Person>, Error> {
    let mut people = BTreeMap::new();
    for kept in view.scan::<Ticket>(&event, None, Order::Ascending) {
        let (_, ticket) = kept?;
        let standing = ticket.state == TicketState::Active;
        if !standing && ticket.seat.is_empty() {
            continue;
        }
        let guest = Guest { ticket: ticket.id, group: ticket.group, seat: ticket.seat, standing };
        people.insert(ticket.id, Person { name: ticket.name, guest });
    }
    Ok(people)
}

/// The page of the plan, read aside.
pub async fn page(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Page, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    let ctx = ctx.clone();
    crate::aside(move || {
        ctx.read(&permit, |view| {
            let (plan, people) = (plan_in(view, event)?, people_in(view, event)?);
            let guests: Vec<Guest> = people.values().map(|person| person.guest.clone()).collect();
            let conflicts = seat::conflicts(&plan, &guests);
            let groups = event::groups_of(view, event)?;
            Ok(Page { event: event::load(view, event)?, plan, groups, people, conflicts })
        })
    })
    .await
}

fn keep(work: &mut Work<'_, '_>, old: &SeatPlan, new: &SeatPlan) -> Result<(), Error> {
    let text = |plan: &SeatPlan| {
        let table = |table: &seat::SeatTable| format!("{}×{}", table.name, table.seats);
        plan.tables.iter().map(table).collect::<Vec<_>>().join(", ")
    };
    work.put(new)?;
    work.audit("seat.plan", format!("event/{}/seat", new.event), &text(old), &text(new))
}

/// Saves the form of the plan that was opened at `revision`. People follow a table that gets another name; a table at which somebody sits stays.
pub async fn save_plan(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    revision: u32,
    rows: Vec<TableInput>,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let read = read_aside(ctx, &permit, event).await?;
    let guests = read.guests();
    let sitting = seat::seated(&read.plan, &guests);
    let busy: BTreeSet<String> = sitting.keys().cloned().collect();
    let (old, new) = ctx
        .write(&permit, move |work| {
            let old = plan_in(work.read(), event)?;
            event::check_revision(old.revision, revision)?;
            let new = check_plan(&rows, &old)?;
            let gone = old
                .tables
                .iter()
                .find(|table| !new.tables.iter().any(|kept| kept.id == table.id) && busy.contains(&table.name));
            if let Some(table) = gone {
                return Err(refuse!(
                    Conflict,
                    "seat.table_in_use",
                    "People sit at table {table}. Seat them elsewhere first.",
                    table = table.name
                )
                .into());
            }
            keep(work, &old, &new)?;
            Ok((old, new))
        })
        .await?;
    let names = renamed(&old, &new);
    if names.is_empty() {
        return Ok(());
    }
    reseat(ctx, &permit, event, move |read| {
        let moved = |person: &Person| {
            let seat = seat::read(&person.guest.seat)?;
            let table = names.get(&seat.table)?.clone();
            Some((person.guest.ticket, Seat { table, ..seat }.to_string()))
        };
        Ok(read.people.values().filter_map(moved).collect())
    })
    .await
    .map(drop)
}

/// New names of tables by their old ones.
fn renamed(old: &SeatPlan, new: &SeatPlan) -> BTreeMap<String, String> {
    let pairs = old.tables.iter().filter_map(|before| {
        let after = new.tables.iter().find(|table| table.id == before.id)?;
        (after.name != before.name).then(|| (before.name.clone(), after.name.clone()))
    });
    pairs.collect()
}

/// Adds tables to the plan.
pub async fn add(ctx: &Ctx, actor: &Actor, event: EventId, input: &NewTables) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let input = input.clone();
    ctx.write(&permit, move |work| {
        event::load(work.read(), event)?;
        let old = plan_in(work.read(), event)?;
        keep(work, &old, &add_tables(&input, &old)?)
    })
    .await
}

/// What seating is worked out from.
#[derive(Clone)]
struct Current {
    plan: SeatPlan,
    people: BTreeMap<TicketId, Person>,
    turn: u64,
}

impl Current {
    fn guests(&self) -> Vec<Guest> {
        self.people.values().map(|person| person.guest.clone()).collect()
    }
}

fn turn_in(view: &impl Read, event: EventId) -> Result<u64, Error> {
    Ok(view.get::<Seating>(&event)?.map_or(0, |seating| seating.turn))
}

async fn read_aside(ctx: &Ctx, permit: &Permit, event: EventId) -> Result<Current, Error> {
    let (ctx, permit) = (ctx.clone(), permit.clone());
    crate::aside(move || {
        ctx.read(&permit, |view| {
            Ok(Current { plan: plan_in(view, event)?, people: people_in(view, event)?, turn: turn_in(view, event)? })
        })
    })
    .await
}

/// New seat texts by ticket.
type Changes = Vec<(TicketId, String)>;

/// Works out new seats and keeps them; when somebody else seated people meanwhile, works them out anew. Answers how many changed.
async fn reseat(
    ctx: &Ctx,
    permit: &Permit,
    event: EventId,
    work_out: impl Fn(&Current) -> Result<Changes, Error>,
) -> Result<usize, Error> {
    'tries: for _ in 0..TRIES {
        let read = read_aside(ctx, permit, event).await?;
        let changes = work_out(&read)?;
        let (mut turn, mut done) = (read.turn, 0);
        for step in changes.chunks(STEP) {
            let step: Vec<(TicketId, String, String)> = step
                .iter()
                .filter_map(|(id, new)| Some((*id, read.people.get(id)?.guest.seat.clone(), new.clone())))
                .collect();
            match take_step(ctx, permit, event, turn, step).await? {
                Some(changed) => done += changed,
                None => continue 'tries,
            }
            turn += 1;
        }
        return Ok(done);
    }
    Err(refuse!(Conflict, "seat.busy", "Somebody else is seating people just now. Look at the plan and try again.")
        .into())
}

/// Changes some seats, if nobody seated anybody since `turn`.
async fn take_step(
    ctx: &Ctx,
    permit: &Permit,
    event: EventId,
    turn: u64,
    step: Vec<(TicketId, String, String)>,
) -> Result<Option<usize>, Error> {
    ctx.write(permit, move |work| {
        if turn_in(work.read(), event)? != turn {
            return Ok(None);
        }
        let mut changed = 0;
        for (id, old, new) in &step {
            let mut ticket = registration::load(work.read(), event, *id)?;
            // Who was given another seat by hand, or canceled, since the plan was read keeps that.
            let gone = ticket.state != TicketState::Active && !new.is_empty();
            if ticket.seat != *old || gone || ticket.seat == *new {
                continue;
            }
            let before = registration::summary(&ticket);
            ticket.seat.clone_from(new);
            ticket.revision += 1;
            registration::change(work, &ticket, "registration.seat", &before)?;
            changed += 1;
        }
        if changed == 0 {
            return Ok(Some(0));
        }
        work.put(&Seating { event, turn: turn + 1 })?;
        Ok(Some(changed))
    })
    .await
}

/// Where people are put by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// Number of a table of the plan; none: they get up.
    pub table: Option<u16>,
    /// Place at the table, for one person only.
    pub place: Option<u16>,
}

/// Puts people at a table, never more than it has seats; or lets them get up.
pub async fn assign(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    ids: &[TicketId],
    target: &Target,
) -> Result<usize, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let chosen: BTreeSet<TicketId> = ids.iter().copied().collect();
    if chosen.len() > ASSIGN_MAX {
        return Err(refuse!(
            Invalid,
            "registration.too_many",
            "Choose at most {max} registrations at a time.",
            max = ASSIGN_MAX
        )
        .into());
    }
    let target = target.clone();
    reseat(ctx, &permit, event, move |read| put(read, &chosen, &target)).await
}

fn put(read: &Current, chosen: &BTreeSet<TicketId>, target: &Target) -> Result<Changes, Error> {
    let Some(id) = target.table else { return Ok(chosen.iter().map(|ticket| (*ticket, String::new())).collect()) };
    let table = read.plan.tables.iter().find(|table| table.id == id).ok_or_else(|| Refusal::missing("table"))?;
    let guests = read.guests();
    let sitting = seat::seated(&read.plan, &guests).remove(&table.name).unwrap_or_default();
    let others: Vec<_> = sitting.into_iter().filter(|(guest, _)| !chosen.contains(&guest.ticket)).collect();
    let comes = chosen.iter().filter(|id| read.people.get(id).is_some_and(|person| person.guest.standing)).count();
    let free = usize::from(table.seats).saturating_sub(others.len());
    if comes > free {
        return Err(refuse!(
            Conflict,
            "seat.table_full",
            "Table {table} has {free} free seats; {many} people were chosen.",
            table = table.name,
            free = free,
            many = comes
        )
        .into());
    }
    if let Some(place) = target.place {
        let taken = others.iter().any(|(_, taken)| *taken == Some(place));
        if taken || place == 0 || place > table.seats || comes > 1 {
            return Err(refuse!(
                Conflict,
                "seat.place_taken",
                "Place {place} at table {table} is taken or does not exist, or several people were chosen for it.",
                place = place,
                table = table.name
            )
            .into());
        }
    }
    let seat = Seat { table: table.name.clone(), place: target.place }.to_string();
    let stands = |id: &&TicketId| read.people.get(id).is_some_and(|person| person.guest.standing);
    Ok(chosen.iter().filter(stands).map(|ticket| (*ticket, seat.clone())).collect())
}

/// Seats people by themselves; answers how many got another seat and how many found none.
pub async fn auto(ctx: &Ctx, actor: &Actor, event: EventId, how: How) -> Result<(usize, usize), Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let changed = reseat(ctx, &permit, event, move |read| {
        let guests = read.guests();
        let seats: BTreeMap<TicketId, Seat> = arrange(&read.plan, &guests, how).into_iter().collect();
        let text = |guest: &Guest| match seats.get(&guest.ticket) {
            Some(seat) => Some(seat.to_string()),
            // Whoever finds no seat when all are seated anew stands.
            None => how.anew.then(String::new),
        };
        let moved = guests.iter().filter(|guest| guest.standing);
        Ok(moved
            .filter_map(|guest| Some((guest.ticket, text(guest)?)))
            .filter(|(_, text)| !text.is_empty() || how.anew)
            .collect())
    })
    .await?;
    let left = read_aside(ctx, &permit, event).await?;
    let standing = left.people.values().filter(|person| person.guest.standing && person.guest.seat.is_empty()).count();
    Ok((changed, standing))
}

/// The copy of an event has the same plan.
pub(crate) fn copy(work: &mut Work<'_, '_>, from: EventId, to: EventId) -> Result<(), Error> {
    match work.read().get::<SeatPlan>(&from)? {
        Some(plan) => work.put(&SeatPlan { event: to, ..plan }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::test::Hall;
    use crate::test::{founded, named, opened};

    async fn seated_hall(tables: &str, people: usize) -> (Hall, Actor, EventId, Vec<TicketId>) {
        let (hall, admin) = founded().await;
        let (event, kind) = opened(&hall, &admin).await;
        let new = NewTables { count: tables.into(), seats: "10".into(), ..NewTables::default() };
        add(&hall.ctx, &admin, event, &new).await.unwrap();
        let mut tickets = Vec::new();
        for n in 0..people {
            let group = format!("组{}", n % 7);
            let person = named(&format!("人{n}"), "");
            tickets.push(registration::add(&hall.ctx, &admin, event, kind, &group, &person).await.unwrap().id);
        }
        (hall, admin, event, tickets)
    }

    fn seat_of(hall: &Hall, admin: &Actor, event: EventId, ticket: TicketId) -> String {
        registration::get(&hall.ctx, admin, event, ticket).unwrap().seat
    }

    #[tokio::test]
    async fn people_are_seated_by_hand_and_never_more_than_there_are_seats() {
        let (hall, admin, event, tickets) = seated_hall("2", 12).await;
        let at = |table, place| Target { table: Some(table), place };
        assert_eq!(assign(&hall.ctx, &admin, event, &tickets[..10], &at(1, None)).await.unwrap(), 10);
        let full = assign(&hall.ctx, &admin, event, &tickets[10..11], &at(1, None)).await.unwrap_err();
        assert_eq!(full.code(), Some("seat.table_full"));
        assert_eq!(
            assign(&hall.ctx, &admin, event, &tickets[..3], &at(1, None)).await.unwrap(),
            0,
            "who sits there stays"
        );
        assign(&hall.ctx, &admin, event, &tickets[10..11], &at(2, Some(4))).await.unwrap();
        assert_eq!(seat_of(&hall, &admin, event, tickets[10]), "2-4");
        let taken = assign(&hall.ctx, &admin, event, &tickets[11..12], &at(2, Some(4))).await.unwrap_err();
        assert_eq!(taken.code(), Some("seat.place_taken"));
        assert_eq!(
            assign(&hall.ctx, &admin, event, &tickets[..2], &at(2, Some(1))).await.unwrap_err().code(),
            Some("seat.place_taken")
        );
        assign(&hall.ctx, &admin, event, &tickets[..1], &Target::default()).await.unwrap();
        assert_eq!(seat_of(&hall, &admin, event, tickets[0]), "");
        registration::cancel(&hall.ctx, &admin, event, tickets[1]).await.unwrap();
        let found = page(&hall.ctx, &admin, event).await.unwrap().conflicts;
        assert_eq!(found, [Conflict::Canceled(tickets[1])], "a canceled one still holds a seat text");
        assign(&hall.ctx, &admin, event, &tickets[1..2], &Target::default()).await.unwrap();
        assert!(page(&hall.ctx, &admin, event).await.unwrap().conflicts.is_empty());
        let visitor = Actor::visitor(admin.space);
        assert_eq!(
            assign(&hall.ctx, &visitor, event, &tickets, &at(2, None)).await.unwrap_err().code(),
            Some("session.none")
        );
    }

    #[tokio::test]
    async fn two_who_seat_people_at_a_time_do_not_overfill_a_table() {
        let (hall, admin, event, tickets) = seated_hall("1", 16).await;
        let target = Target { table: Some(1), place: None };
        let (one, two) = tokio::join!(
            assign(&hall.ctx, &admin, event, &tickets[..8], &target),
            assign(&hall.ctx, &admin, event, &tickets[8..], &target)
        );
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let sits = tickets.iter().filter(|ticket| !seat_of(&hall, &admin, event, **ticket).is_empty()).count();
        assert_eq!(sits, 8);
    }

    #[tokio::test]
    async fn a_hall_is_seated_by_groups_and_renamed_tables_take_their_people_along() {
        let (hall, admin, event, tickets) = seated_hall("80", 700).await;
        let (seated, left) = auto(&hall.ctx, &admin, event, How::default()).await.unwrap();
        assert_eq!((seated, left), (700, 0));
        let whole = page(&hall.ctx, &admin, event).await.unwrap();
        assert!(whole.conflicts.is_empty());
        assert_eq!(
            auto(&hall.ctx, &admin, event, How::default()).await.unwrap(),
            (0, 0),
            "doing it again changes nothing"
        );
        let row = |id, name: &str, remove| TableInput {
            id,
            name: name.into(),
            seats: "10".into(),
            shape: "round".into(),
            x: "10".into(),
            y: "10".into(),
            remove,
        };
        let swapped = vec![row(1, "2", false), row(2, "1", false)];
        let (first, second) = (seat_of(&hall, &admin, event, tickets[0]), whole.plan.revision);
        assert_eq!(first, "1桌");
        save_plan(&hall.ctx, &admin, event, second, swapped).await.unwrap();
        assert_eq!(seat_of(&hall, &admin, event, tickets[0]), "2桌", "people follow their table");
        let after = page(&hall.ctx, &admin, event).await.unwrap();
        assert!(after.conflicts.is_empty());
        let stale = save_plan(&hall.ctx, &admin, event, second, vec![row(1, "9", false)]).await.unwrap_err();
        assert_eq!(stale.code(), Some("record.changed"));
        let busy = save_plan(&hall.ctx, &admin, event, after.plan.revision, vec![row(1, "", true)]).await.unwrap_err();
        assert_eq!(busy.code(), Some("seat.table_in_use"));
        let anew = How { anew: true, places: true };
        assert_eq!(auto(&hall.ctx, &admin, event, anew).await.unwrap().1, 0);
        assert!(seat_of(&hall, &admin, event, tickets[0]).contains('-'));
        assert!(
            page(&hall.ctx, &admin, event).await.unwrap().conflicts.is_empty() && hall.ctx.store().verify().is_sound()
        );
    }
}

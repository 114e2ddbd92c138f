//! The table plan of an event and seating people (S0-43).

use crate::{
    Hall,
    answer::{Answer, again, page, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
    phone::local_path,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{
    EventId, GroupId, Permission, Refusal, SeatPlan, TicketId,
    seat::{self as rules, Conflict, How, NewTables, TableInput},
};
use maud::Markup;
use service::{
    Actor, At, Error,
    seat::{self, Target},
};
use std::collections::BTreeMap;
use views::{Tone, admin::seat as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/seat", get(show))
        .route("/event/{event}/seat/plan", post(save))
        .route("/event/{event}/seat/add", post(add))
        .route("/event/{event}/seat/assign", post(assign))
        .route("/event/{event}/seat/auto", post(auto))
        .route("/event/{event}/seat/print", get(print))
}

/// Most people without a seat that are shown at a time.
const STANDING_MAX: usize = 300;

fn base(event: EventId) -> String {
    format!("/admin/event/{event}/seat")
}

/// What the forms hold when they come back.
#[derive(Default)]
struct Typed<'a> {
    plan: Option<(Vec<TableInput>, u32)>,
    new: Option<NewTables>,
    refusal: Option<&'a Refusal>,
}

fn rows(plan: &SeatPlan) -> Vec<TableInput> {
    let row = |table: &rules::SeatTable| TableInput {
        id: table.id,
        name: table.name.clone(),
        seats: table.seats.to_string(),
        shape: table.shape.code().to_owned(),
        x: table.x.to_string(),
        y: table.y.to_string(),
        remove: false,
    };
    plan.tables.iter().map(row).collect()
}

fn person(of: &seat::Person) -> pages::Person {
    let guest = &of.guest;
    pages::Person { ticket: guest.ticket, name: of.name.clone(), group: guest.group, seat: guest.seat.clone() }
}

/// People at each table, those with a place by it.
fn sitting(of: &seat::Page) -> BTreeMap<String, Vec<pages::Person>> {
    let guests = of.guests();
    let mut all = BTreeMap::new();
    for (table, mut people) in rules::seated(&of.plan, &guests) {
        people.sort_by_key(|(guest, place)| (place.unwrap_or(u16::MAX), guest.ticket));
        let people = people.iter().filter_map(|(guest, _)| of.people.get(&guest.ticket)).map(person).collect();
        all.insert(table, people);
    }
    all
}

fn concerned(of: &seat::Page, conflict: &Conflict) -> Vec<pages::Person> {
    let tickets: Vec<TicketId> = match conflict {
        Conflict::Twice(_, tickets) => tickets.clone(),
        Conflict::Over(..) => Vec::new(),
        Conflict::Unreadable(ticket)
        | Conflict::NoTable(ticket, _)
        | Conflict::NoPlace(ticket, _)
        | Conflict::Canceled(ticket) => vec![*ticket],
    };
    tickets.iter().filter_map(|ticket| of.people.get(ticket)).map(person).collect()
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    of: &seat::Page,
    query: &Fields,
    typed: Typed<'_>,
    print: bool,
) -> Result<Markup, Error> {
    let group = query.get("group");
    let waiting = seat::waiting(&hall.ctx, actor, of, query.get("q"), query.number("group")?.map(GroupId))?;
    let standing: Vec<pages::Person> = waiting.iter().take(STANDING_MAX).map(|one| person(one)).collect();
    let conflicts: Vec<_> = of.conflicts.iter().map(|one| (one.clone(), concerned(of, one))).collect();
    let (typed_rows, revision) = typed.plan.unwrap_or_else(|| (rows(&of.plan), of.plan.revision));
    let new = typed.new.unwrap_or(NewTables { count: "10".into(), seats: "10".into(), ..NewTables::default() });
    let plan = SeatPlan { revision, ..of.plan.clone() };
    let shown = pages::Page {
        event: &of.event,
        plan: &plan,
        groups: &of.groups,
        tables: &sitting(of),
        standing: &standing,
        waiting: waiting.len(),
        conflicts: &conflicts,
        q: query.get("q"),
        group,
        may_manage: hall.ctx.permit(actor, Permission::RegistrationManage, At::Event(of.event.id)).is_ok(),
        typed: &typed_rows,
        new: &new,
        refusal: typed.refusal,
    };
    Ok(if print { pages::print(&visit.shell(), &shown) } else { pages::page(&visit.admin_shell(actor), &shown) })
}

async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    let of = seat::page(&hall.ctx, &actor, EventId(id)).await?;
    page(draw(&hall, &visit, &actor, &of, &query, Typed::default(), false)?)
}

async fn print(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let of = seat::page(&hall.ctx, &actor, EventId(id)).await?;
    page(draw(&hall, &visit, &actor, &of, &Fields::default(), Typed::default(), true)?)
}

fn typed_rows(fields: &Fields) -> Vec<TableInput> {
    let row = |id: u16| {
        let text = |part: &str| fields.get(&format!("table-{id}-{part}")).to_owned();
        TableInput {
            id,
            name: text("name"),
            seats: text("seats"),
            shape: text("shape"),
            x: text("x"),
            y: text("y"),
            remove: !text("remove").is_empty(),
        }
    };
    fields.all("table").filter_map(|id| id.parse().ok()).take(rules::TABLES_MAX).map(row).collect()
}

/// The page with a form that comes back.
async fn returned(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    id: EventId,
    error: Error,
    plan: Option<(Vec<TableInput>, u32)>,
    new: Option<NewTables>,
) -> Answer {
    if !matches!(&error, Error::Refused(refusal) if !matches!(refusal.kind, domain::Kind::Denied | domain::Kind::Unknown))
    {
        return Err(error.into());
    }
    let of = seat::page(&hall.ctx, actor, id).await?;
    again(error, |refusal| {
        let typed = Typed { plan, new, refusal: Some(refusal) };
        draw(hall, visit, actor, &of, &Fields::default(), typed, false)
    })
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let (id, rows) = (EventId(id), typed_rows(&fields));
    let revision = fields.number("revision")?.unwrap_or(0);
    match seat::save_plan(&hall.ctx, &actor, id, revision, rows.clone()).await {
        Ok(()) => tell(&base(id), Tone::Good, visit.text().t("Saved.")),
        Err(error) => returned(&hall, &visit, &actor, id, error, Some((rows, revision)), None).await,
    }
}

async fn add(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let text = |name| fields.get(name).to_owned();
    let new = NewTables { count: text("count"), seats: text("seats"), shape: text("shape"), name: text("name") };
    match seat::add(&hall.ctx, &actor, id, &new).await {
        Ok(()) => tell(&base(id), Tone::Good, visit.text().t("Saved.")),
        Err(error) => returned(&hall, &visit, &actor, id, error, None, Some(new)).await,
    }
}

async fn assign(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let ids: Vec<TicketId> = fields.all("id").filter_map(|id| id.parse().ok()).collect();
    let target = Target { table: fields.number("table")?, place: fields.number("place")? };
    let back = local_path(fields.get("back"));
    let back = if back.starts_with(&base(id)) { back.to_owned() } else { base(id) };
    let done = seat::assign(&hall.ctx, &actor, id, &ids, &target).await;
    if ids.is_empty() && done.is_ok() {
        return tell(&back, Tone::Warn, visit.text().t("Choose rows first."));
    }
    told(&visit, &back, done.map(drop))
}

async fn auto(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let how = How { anew: fields.ticked("anew"), places: fields.ticked("places") };
    match seat::auto(&hall.ctx, &actor, id, how).await {
        Ok((seated, 0)) => {
            tell(&base(id), Tone::Good, &visit.text().f("{seated} people were given a seat.", &[("seated", &seated)]))
        }
        Ok((seated, left)) => {
            let said = visit.text().f(
                "{seated} people were given a seat; {left} found none. Add tables or seats.",
                &[("seated", &seated), ("left", &left)],
            );
            tell(&base(id), Tone::Warn, &said)
        }
        Err(error) => told(&visit, &base(id), Err(error)),
    }
}

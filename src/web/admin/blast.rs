//! Messages to many: writing one, looking at it, sending it, watching it, stopping it.

use crate::{
    Hall,
    answer::{Answer, again, page, see, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{
    BlastId, Event, EventId, GroupId, Permission, Refusal, TicketState, TicketType, TicketTypeId, blast::BlastInput,
};
use maud::Markup;
use service::{
    Actor, At, Error,
    blast::{self, People, Plan},
    event, message,
    roster::{Filter, Show},
    token,
};
use views::{Tone, admin::blast as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/blast", get(index).post(send))
        .route("/blast/new", get(new))
        .route("/blast/edit", post(edit))
        .route("/blast/preview", post(preview))
        .route("/blast/{blast}", get(show))
        .route("/blast/{blast}/stop", post(stop))
}

fn line(row: blast::Row) -> pages::Line {
    pages::Line { blast: row.blast, event: row.event, counts: row.counts }
}

async fn index(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    let lines: Vec<_> = blast::list(&hall.ctx, &actor)?.into_iter().map(line).collect();
    page(pages::index(&visit.admin_shell(&actor), &lines))
}

/// Everything that a form of a message is drawn from.
struct Drafting {
    events: Vec<Event>,
    kinds: Vec<TicketType>,
    groups: Vec<domain::Group>,
    everywhere: bool,
    ways: Vec<&'static str>,
}

fn drafting(hall: &Hall, actor: &Actor, chosen: Option<EventId>) -> Result<Drafting, Error> {
    let everywhere = hall.ctx.permit(actor, Permission::NoticeSend, At::Space).is_ok();
    let events = blast::events(&hall.ctx, actor)?;
    let open = chosen.filter(|id| events.iter().any(|event| event.id == *id));
    let (kinds, groups) = match open {
        Some(id) => (blast::kinds(&hall.ctx, actor, id)?, event::groups(&hall.ctx, actor, id)?),
        None => (Vec::new(), Vec::new()),
    };
    Ok(Drafting { events, kinds, groups, everywhere, ways: message::ways(&hall.ctx) })
}

/// The form, or with `plan` the page that shows what it would come to.
fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    typed: &dyn Fn(&str) -> String,
    (ticked, plan, refusal): (Option<&[String]>, Option<&Plan>, Option<&Refusal>),
) -> Result<Markup, Error> {
    let of = drafting(hall, actor, typed("event").parse().ok().map(EventId))?;
    let draft = pages::Draft {
        events: &of.events,
        kinds: &of.kinds,
        groups: &of.groups,
        typed,
        ticked,
        ways: &of.ways,
        everywhere: of.everywhere,
        refusal,
    };
    let shell = visit.admin_shell(actor);
    let Some(plan) = plan else { return Ok(pages::draft(&shell, &draft)) };
    let shown = pages::Plan {
        people: plan.people,
        unknown: &plan.unknown,
        looked: plan.looked,
        unwanted: plan.unwanted,
        ways: &plan.ways,
        nobody: plan.nobody,
        parts: plan.parts,
        cost: plan.cost,
        left: plan.left,
        due: Some(plan.due).filter(|due| *due > hall.ctx.now()),
        sample: (&plan.sample.0, &plan.sample.1),
    };
    Ok(pages::preview(&shell, &draft, &shown))
}

async fn new(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    let once = token::new(hall.ctx.random.as_ref());
    let typed = |name: &str| match name {
        "once" => once.clone(),
        "event" => query.get("event").to_owned(),
        _ => String::new(),
    };
    page(draw(&hall, &visit, &actor, &typed, (None, None, None))?)
}

fn people(fields: &Fields) -> Result<People, Refusal> {
    match fields.get("from") {
        "event" => {
            let filter = Filter {
                show: match fields.get("show") {
                    "entered" => Show::Entered,
                    "absent" => Show::Absent,
                    "unpaid" => Show::State(TicketState::Unpaid),
                    _ => Show::Active,
                },
                kind: fields.number("kind")?.map(TicketTypeId),
                group: fields.number("group")?.map(GroupId),
                ..Filter::default()
            };
            Ok(People::Event(EventId(fields.needed("event")?), Box::new(filter)))
        }
        "list" => Ok(People::List(fields.get("list").to_owned())),
        "members" => Ok(People::Members),
        _ => Err(Refusal::invalid(vec![domain::problem!("event", "Choose one of the given answers.")])),
    }
}

fn ways(fields: &Fields) -> Vec<String> {
    fields.all("way").map(str::to_owned).collect()
}

fn input(fields: &Fields) -> BlastInput {
    let get = |name: &str| fields.get(name).to_owned();
    BlastInput {
        once: get("once"),
        purpose: get("purpose"),
        subject: get("subject"),
        text: get("text"),
        ways: ways(fields),
    }
}

async fn planned(hall: &Hall, actor: &Actor, fields: &Fields) -> Result<Plan, Error> {
    blast::plan(&hall.ctx, actor, &people(fields)?, &input(fields)).await
}

async fn edit(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let typed = |name: &str| fields.get(name).to_owned();
    page(draw(&hall, &visit, &actor, &typed, (Some(&ways(&fields)), None, None))?)
}

async fn preview(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let typed = |name: &str| fields.get(name).to_owned();
    let ticked = ways(&fields);
    match planned(&hall, &actor, &fields).await {
        Ok(plan) => page(draw(&hall, &visit, &actor, &typed, (Some(&ticked), Some(&plan), None))?),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, &typed, (Some(&ticked), None, Some(refusal)))),
    }
}

async fn send(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let sent = match people(&fields) {
        Ok(people) => {
            let seen = fields.number("seen")?.unwrap_or(0usize);
            blast::send(&hall.ctx, &actor, &people, &input(&fields), (seen, fields.get("typed"))).await
        }
        Err(refusal) => Err(refusal.into()),
    };
    let error = match sent {
        Ok(id) => return see(&format!("/admin/blast/{id}")),
        Err(error) => error,
    };
    // Back to the page with the figures, as they are now; to the form when there are none.
    let typed = |name: &str| fields.get(name).to_owned();
    let ticked = ways(&fields);
    let plan = planned(&hall, &actor, &fields).await.ok();
    again(error, |refusal| draw(&hall, &visit, &actor, &typed, (Some(&ticked), plan.as_ref(), Some(refusal))))
}

async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    let number = query.page(1_000_000)?;
    let found = blast::get(&hall.ctx, &actor, BlastId(id), number)?;
    let of = pages::Shown {
        line: &line(found.row),
        notices: &found.notices,
        pages: (number, blast::PAGE),
        full: found.full,
    };
    page(pages::show(&visit.admin_shell(&actor), &of))
}

async fn stop(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let back = format!("/admin/blast/{id}");
    match blast::stop(&hall.ctx, &actor, BlastId(id)).await {
        Ok(count) => {
            let said = visit.text().f("Stopped. {count} messages that waited are not sent.", &[("count", &count)]);
            tell(&back, Tone::Good, &said)
        }
        Err(error) => told(&visit, &back, Err(error)),
    }
}

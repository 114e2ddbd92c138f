//! Printing badges and seat cards, and what a registration's page shows of printing, certificates and its picture.

use super::{
    design::{drawing, printable, saying},
    registration::{filter, typed_filter},
};
use crate::{
    Hall,
    answer::{Answer, page, see, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    routing::{get, post},
};
use domain::{
    Design, DesignId, DeviceId, EventId, Permission, PrintId, Refusal, TicketId, picture::UPLOAD_MAX, print::RUN_MAX,
};
use maud::Markup;
use service::{
    Actor, At, Error, certificate, event, portrait,
    print::{self, PersonCard, Whom},
    render::{self, Card, Fonts, Href},
    ticket_type,
};
use views::{admin::print as pages, layout};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    let uploads = DefaultBodyLimit::max(UPLOAD_MAX + crate::BODY_MAX);
    Router::new()
        .route("/event/{event}/print", get(log).post(one))
        .route("/event/{event}/print/{design}", get(plan).post(begin))
        .route("/event/{event}/print/run/{run}", get(run))
        .route("/event/{event}/print/run/{run}/sheet.svg", get(run_svg))
        .route("/event/{event}/device/{device}/print", post(at_device))
        .route("/event/{event}/registration/{ticket}/portrait", get(picture))
        .route("/event/{event}/registration/{ticket}/portrait/upload", post(upload).layer(uploads))
        .route("/event/{event}/registration/{ticket}/portrait/remove", post(remove).layer(uploads))
}

/// Where pictures of a card on a page are found.
fn linked(event: EventId, ticket: TicketId, portrait: bool) -> impl Fn(Href) -> Option<String> {
    move |href| match href {
        Href::Picture(id) => Some(format!("/picture/{id}")),
        Href::Portrait => portrait.then(|| format!("/admin/event/{event}/registration/{ticket}/portrait")),
    }
}

/// The sheets that cards fill.
pub(super) fn sheets(design: &Design, cards: &[PersonCard]) -> Vec<String> {
    let links: Vec<_> = cards.iter().map(|card| linked(design.event, card.ticket, card.portrait)).collect();
    let cards: Vec<Card<'_>> =
        cards.iter().zip(&links).map(|(card, links)| Card { values: &card.values, links }).collect();
    let sheets = cards.chunks(design.sheet.holds()).enumerate();
    sheets.map(|(number, cards)| render::sheet(Fonts::system(), design, cards, number)).collect()
}

async fn plan(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    Query(query): Query,
) -> Answer {
    let (event, id) = (EventId(event), DesignId(id));
    let typed = typed_filter(&query);
    let part = query.number("part")?.unwrap_or(0usize).min(100_000);
    let (ctx, who, said, chosen) = (hall.ctx.clone(), actor.clone(), saying(&visit), filter(&typed));
    let plan = service::aside(move || print::plan(&ctx, &who, event, id, &chosen, part, &said)).await?;
    let kinds: Vec<_> = ticket_type::list(&hall.ctx, &actor, event)?.into_iter().map(|row| row.kind).collect();
    let shown = pages::Plan {
        event: &event::get(&hall.ctx, &actor, event)?.event,
        design: &plan.design,
        kinds: &kinds,
        groups: &event::groups(&hall.ctx, &actor, event)?,
        filter: &typed,
        found: plan.found,
        part,
        first: sheets(&plan.design, &plan.first).into_iter().next(),
    };
    page(pages::plan(&visit.admin_shell(&actor), &shown))
}

async fn begun(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    event: EventId,
    id: DesignId,
    whom: Whom,
    back: &str,
) -> Answer {
    match print::begin(&hall.ctx, actor, event, id, &whom).await {
        Ok(run) => see(&format!("/admin/event/{event}/print/run/{run}")),
        Err(error) => told(visit, back, Err(error)),
    }
}

async fn begin(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let part = fields.number("part")?.unwrap_or(0usize).min(100_000);
    let whom = Whom::Some(filter(&typed_filter(&fields)), part);
    begun(&hall, &visit, &actor, EventId(event), DesignId(id), whom, &format!("/admin/event/{event}/print/{id}")).await
}

/// One person's card, from the registration.
async fn one(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(event): Path<u64>,
    fields: Fields,
) -> Answer {
    let (ticket, id): (u64, u64) = (fields.needed("ticket")?, fields.needed("design")?);
    let back = format!("/admin/event/{event}/registration/{ticket}");
    begun(&hall, &visit, &actor, EventId(event), DesignId(id), Whom::One(TicketId(ticket)), &back).await
}

async fn run(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let (ctx, who, said) = (hall.ctx.clone(), actor.clone(), saying(&visit));
    let read = move || print::run(&ctx, &who, EventId(event), PrintId(id), &said);
    let (run, design, cards) = service::aside(read).await?;
    let back = match run.tickets.as_slice() {
        [ticket] => format!("/admin/event/{event}/registration/{ticket}"),
        _ => format!("/admin/event/{event}/print/{}", design.id),
    };
    let sheets = sheets(&design, &cards);
    let svg = (sheets.len() == 1).then(|| format!("/admin/event/{event}/print/run/{id}/sheet.svg"));
    let shell = visit.shell();
    let tools = pages::tools(&shell, &back, svg.as_deref(), cards.len());
    page(layout::paper(&shell, &design.name, (design.sheet.width, design.sheet.height), &tools, &sheets))
}

/// A sheet of a printing as a file, the first one unless another is asked for; its pictures lie in it.
async fn run_svg(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    Query(query): Query,
) -> Answer {
    let number = query.number("sheet")?.unwrap_or(0usize).min(RUN_MAX);
    let (ctx, said) = (hall.ctx.clone(), saying(&visit));
    let draw = move || {
        let (_, design, cards) = print::run(&ctx, &actor, EventId(event), PrintId(id), &said)?;
        let holds = design.sheet.holds();
        let some: Vec<&PersonCard> = cards.iter().skip(number * holds).take(holds).collect();
        if some.is_empty() {
            return Err(Refusal::missing("printing").into());
        }
        let data = some.iter().map(|card| service::design::embedded(&ctx, actor.space, &design, Some(card.ticket)));
        let data = data.collect::<Result<Vec<_>, Error>>()?;
        let links: Vec<_> = data.iter().map(|data| move |href: Href| data.get(&href).cloned()).collect();
        let cards: Vec<Card<'_>> =
            some.iter().zip(&links).map(|(card, links)| Card { values: &card.values, links }).collect();
        Ok(render::sheet(Fonts::system(), &design, &cards, number))
    };
    drawing("image/svg+xml; charset=utf-8", service::aside(draw).await?.into_bytes())
}

fn lines(visit: &Visit, rows: Vec<print::PrintRow>) -> Vec<pages::Line> {
    let line = |row: print::PrintRow| pages::Line {
        run: row.id.0,
        at: visit.format.time(row.at),
        by: row.by,
        design: row.design,
        occasion: row.occasion,
        people: row.people,
    };
    rows.into_iter().map(line).collect()
}

async fn log(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(event): Path<u64>) -> Answer {
    let event = EventId(event);
    let rows = print::latest(&hall.ctx, &actor, event)?;
    let kept = event::get(&hall.ctx, &actor, event)?.event;
    page(pages::log(&visit.admin_shell(&actor), &kept, &lines(&visit, rows)))
}

async fn at_device(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, device)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let event = EventId(event);
    let design = fields.number("design")?.map(DesignId);
    let set = print::set_device(&hall.ctx, &actor, event, DeviceId(device), design).await;
    told(&visit, &format!("/admin/event/{event}/design"), set)
}

/// What a registration's page shows of printing, certificates and the holder's picture.
pub(super) fn on_registration(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    event: EventId,
    ticket: TicketId,
) -> Result<Markup, Error> {
    let rows = lines(visit, print::of_ticket(&hall.ctx, actor, event, ticket)?);
    let certificates: Vec<_> = certificate::of_registration(&hall.ctx, actor, event, ticket)?
        .into_iter()
        .map(|one| {
            let at = format!("/admin/event/{event}/certificate/{}", one.id);
            (one.serial.clone(), one.state.label(), one.is_valid(), at)
        })
        .collect();
    let of = pages::OnRegistration {
        base: &format!("/admin/event/{event}/registration/{ticket}"),
        event: event.0,
        ticket: ticket.0,
        designs: &printable(hall, actor, event)?,
        lines: &rows,
        certificates: &certificates,
        portrait: portrait::of_ticket(&hall.ctx, actor, event, ticket)?.is_some(),
        may_manage: hall.ctx.permit(actor, Permission::RegistrationManage, At::Event(event)).is_ok(),
    };
    Ok(pages::on_registration(&visit.shell(), &of))
}

async fn picture(State(hall): State<Hall>, Staff(actor): Staff, Path((event, ticket)): Path<(u64, u64)>) -> Answer {
    let file = portrait::of_ticket(&hall.ctx, &actor, EventId(event), TicketId(ticket))?;
    drawing("image/jpeg", file.ok_or_else(|| Refusal::missing("picture"))?)
}

async fn upload(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, ticket)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let bytes = fields.file("picture").map_or(Vec::new(), |file| file.bytes.to_vec());
    let taken = portrait::upload_for(&hall.ctx, &actor, EventId(event), TicketId(ticket), bytes).await;
    told(&visit, &format!("/admin/event/{event}/registration/{ticket}"), taken)
}

async fn remove(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, ticket)): Path<(u64, u64)>,
) -> Answer {
    let removed = portrait::remove_for(&hall.ctx, &actor, EventId(event), TicketId(ticket)).await;
    told(&visit, &format!("/admin/event/{event}/registration/{ticket}"), removed)
}

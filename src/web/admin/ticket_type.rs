//! Ticket types of an event.

use crate::{
    Hall,
    answer::{Answer, again, page, tell, told},
    audience::{Staff, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{EventId, Permission, Refusal, TicketType, TicketTypeId, ticket_type::TicketTypeInput};
use service::{At, event, ticket_type};
use views::{Tone, admin::ticket_type as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/ticket_type", get(list))
        .route("/event/{event}/ticket_type/new", get(new_form).post(create))
        .route("/event/{event}/ticket_type/{kind}", get(form).post(save))
        .route("/event/{event}/ticket_type/{kind}/{act}", post(act))
}

fn base(event: EventId) -> String {
    format!("/admin/event/{event}/ticket_type")
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let id = EventId(id);
    let event = event::get(&hall.ctx, &actor, id)?.event;
    let rows = ticket_type::list(&hall.ctx, &actor, id)?;
    let shown = |row: ticket_type::TicketTypeRow| pages::Shown {
        kind: row.kind,
        taken: row.taken,
        admitted: row.admitted,
        offer: row.offer,
        member: row.member,
        members_only: row.members_only,
    };
    let rows: Vec<_> = rows.into_iter().map(shown).collect();
    let may_manage = hall.ctx.permit(&actor, Permission::EventManage, At::Event(id)).is_ok();
    page(pages::list(&visit.admin_shell(&actor), &event, &rows, may_manage))
}

fn input(fields: &Fields) -> TicketTypeInput {
    let text = |name| fields.get(name).to_owned();
    TicketTypeInput {
        name: text("name"),
        price: text("price"),
        quota: text("quota"),
        sale_from: text("sale_from"),
        sale_to: text("sale_to"),
        note: text("note"),
        enabled: fields.ticked("enabled"),
        steps: [1, 2, 3].map(|at| {
            let part = |name: &str| fields.get(&format!("step-{at}-{name}")).to_owned();
            (part("price"), part("until"), part("first"))
        }),
        review: fields.ticked("review"),
        locked: fields.ticked("locked"),
        companion: fields.ticked("companion"),
        member_price: text("member_price"),
        members_only: fields.ticked("members_only"),
    }
}

async fn new_form(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    hall.ctx.permit(&actor, Permission::EventManage, At::Event(EventId(id)))?;
    let event = event::get(&hall.ctx, &actor, EventId(id))?.event;
    let input = TicketTypeInput { enabled: true, ..TicketTypeInput::default() };
    page(pages::form(&visit.admin_shell(&actor), &event, None, &input, None))
}

async fn create(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let (id, input) = (EventId(id), input(&fields));
    match ticket_type::save(&hall.ctx, &actor, id, None, &input).await {
        Ok(_) => tell(&base(id), Tone::Good, visit.text().t("Saved.")),
        Err(error) => {
            let event = event::get(&hall.ctx, &actor, id)?.event;
            again(error, |refusal| Ok(pages::form(&visit.admin_shell(&actor), &event, None, &input, Some(refusal))))
        }
    }
}

fn find(rows: Vec<ticket_type::TicketTypeRow>, kind: TicketTypeId) -> Result<TicketType, Refusal> {
    rows.into_iter().map(|row| row.kind).find(|row| row.id == kind).ok_or_else(|| Refusal::missing("ticket type"))
}

async fn form(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, kind)): Path<(u64, u64)>,
) -> Answer {
    hall.ctx.permit(&actor, Permission::EventManage, At::Event(EventId(id)))?;
    let event = event::get(&hall.ctx, &actor, EventId(id))?.event;
    let rows = ticket_type::list(&hall.ctx, &actor, event.id)?;
    let row = rows.iter().find(|row| row.kind.id.0 == kind);
    let (member, members_only) = row.map_or((None, false), |row| (row.member, row.members_only));
    let kind = find(rows, TicketTypeId(kind))?;
    let local = |at: Option<domain::Time>| at.map_or(String::new(), |at| at.to_local(&visit.format.zone));
    let input = TicketTypeInput {
        name: kind.name.clone(),
        price: kind.price.to_yuan(),
        quota: kind.quota.map_or(String::new(), |quota| quota.to_string()),
        sale_from: local(kind.sale.map(|sale| sale.from)),
        sale_to: local(kind.sale.map(|sale| sale.to)),
        note: kind.note.clone(),
        enabled: kind.enabled,
        steps: std::array::from_fn(|at| {
            let step = kind.steps.get(at);
            let price = step.map_or(String::new(), |step| step.price.to_yuan());
            let first = step.and_then(|step| step.first).map_or(String::new(), |first| first.to_string());
            (price, local(step.and_then(|step| step.until)), first)
        }),
        review: kind.review,
        locked: kind.locked,
        companion: kind.companion,
        member_price: member.map_or(String::new(), |price| price.to_yuan()),
        members_only,
    };
    page(pages::form(&visit.admin_shell(&actor), &event, Some(&kind), &input, None))
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, kind)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let (id, kind, input) = (EventId(id), TicketTypeId(kind), input(&fields));
    match ticket_type::save(&hall.ctx, &actor, id, Some(kind), &input).await {
        Ok(_) => tell(&base(id), Tone::Good, visit.text().t("Saved.")),
        Err(error) => {
            let event = event::get(&hall.ctx, &actor, id)?.event;
            let kept = find(ticket_type::list(&hall.ctx, &actor, id)?, kind)?;
            again(error, |refusal| {
                Ok(pages::form(&visit.admin_shell(&actor), &event, Some(&kept), &input, Some(refusal)))
            })
        }
    }
}

/// What is done to one ticket type by the press of a button.
async fn act(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, kind, act)): Path<(u64, u64, String)>,
) -> Answer {
    let (event, kind) = (EventId(id), TicketTypeId(kind));
    let done = match act.as_str() {
        "raise" => ticket_type::raise(&hall.ctx, &actor, event, kind).await,
        "enable" => ticket_type::set_enabled(&hall.ctx, &actor, event, kind, true).await,
        "disable" => ticket_type::set_enabled(&hall.ctx, &actor, event, kind, false).await,
        "remove" => ticket_type::remove(&hall.ctx, &actor, event, kind).await,
        _ => return Err(crate::answer::missing().await),
    };
    told(&visit, &base(event), done)
}

//! Terminals, helpers and attached scanners: setting up, sending elsewhere, shutting out (S0-54 … S0-58).

use crate::{
    Hall,
    answer::{Answer, again, page, told},
    audience::{Staff, Visit},
    fields::Fields,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{DeviceId, EventId, GateId, ListId, Refusal, checkin::Direction, device::Post};
use maud::Markup;
use service::{
    Actor, Error, checkin,
    device::{self, DeviceInput, Sort},
};
use views::{admin::device as pages, component::list::query};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/device", get(show).post(create))
        .route("/device/{device}/renew", post(renew))
        .route("/device/{device}/revoke", post(revoke))
        .route("/device/{device}/send", post(send))
}

/// A pairing code that was just made.
struct Fresh {
    name: String,
    code: String,
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    event: EventId,
    typed: &pages::Typed,
    fresh: Option<&Fresh>,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let devices = device::list(&hall.ctx, actor, event)?;
    let doors = checkin::doors(&hall.ctx, actor, event)?;
    let url = fresh.map(|fresh| query(&format!("{}/terminal/pair", visit.base), &[("code", &fresh.code)]));
    let ports = hall.ports.look();
    let shown = pages::Page {
        event: &doors.event,
        lists: &doors.lists,
        gates: &doors.gates,
        refusal,
        typed,
        devices: &devices,
        pairing: fresh.zip(url.as_deref()).map(|(fresh, url)| pages::Pairing {
            name: &fresh.name,
            code: &fresh.code,
            url,
        }),
        ports: &ports,
        now: hall.ctx.now(),
    };
    Ok(pages::show(&visit.admin_shell(actor), &shown))
}

fn empty() -> pages::Typed {
    pages::Typed { list: pages::main_list(), direction: Direction::Entry.code().to_owned(), ..pages::Typed::default() }
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(event): Path<u64>) -> Answer {
    page(draw(&hall, &visit, &actor, EventId(event), &empty(), None, None)?)
}

fn typed(fields: &Fields) -> pages::Typed {
    let text = |name| fields.get(name).to_owned();
    pages::Typed {
        name: text("name"),
        sort: text("sort"),
        phone: text("phone"),
        port: text("port"),
        list: text("list"),
        gate: text("gate"),
        direction: text("direction"),
        names: fields.ticked("names"),
    }
}

/// Where a device is to stand, from fields with that ending.
fn post_of(fields: &Fields, ending: &str) -> Result<Post, Refusal> {
    let name = |field: &str| format!("{field}{ending}");
    let exit = fields.get(&name("direction")) == Direction::Exit.code();
    Ok(Post {
        list: ListId(fields.number(&name("list"))?.unwrap_or_default()),
        gate: fields.number(&name("gate"))?.map(GateId),
        direction: if exit { Direction::Exit } else { Direction::Entry },
        names: fields.ticked(&name("names")),
    })
}

fn input(fields: &Fields) -> Result<DeviceInput, Refusal> {
    let sort = match fields.get("sort") {
        "helper" => Sort::Helper,
        "helper_phone" => Sort::HelperByPhone,
        "attached" => Sort::Attached,
        _ => Sort::Terminal,
    };
    Ok(DeviceInput {
        name: fields.get("name").to_owned(),
        sort,
        phone: fields.get("phone").to_owned(),
        port: fields.get("port").to_owned(),
        post: post_of(fields, "")?,
    })
}

async fn create(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(event): Path<u64>,
    fields: Fields,
) -> Answer {
    let event = EventId(event);
    let made = match input(&fields) {
        Ok(input) => device::create(&hall.ctx, &actor, event, &input).await,
        Err(refusal) => Err(refusal.into()),
    };
    match made {
        Ok((_, Some(code))) => {
            let fresh = Fresh { name: fields.get("name").to_owned(), code };
            page(draw(&hall, &visit, &actor, event, &empty(), Some(&fresh), None)?)
        }
        Ok((_, None)) => told(&visit, &format!("/admin/event/{event}/device"), Ok(())),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, event, &typed(&fields), None, Some(refusal))),
    }
}

async fn renew(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(device): Path<u64>) -> Answer {
    let (device, code) = device::renew(&hall.ctx, &actor, DeviceId(device)).await?;
    let fresh = Fresh { name: device.name, code };
    page(draw(&hall, &visit, &actor, device.event, &empty(), Some(&fresh), None)?)
}

async fn revoke(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(device): Path<u64>) -> Answer {
    let event = device::revoke(&hall.ctx, &actor, DeviceId(device)).await?;
    told(&visit, &format!("/admin/event/{event}/device"), Ok(()))
}

async fn send(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let post = post_of(&fields, &format!("-{id}"))?;
    let event = device::send(&hall.ctx, &actor, DeviceId(id), post).await?;
    told(&visit, &format!("/admin/event/{event}/device"), Ok(()))
}

//! Check-in of an event: its time, terminals, the scan log.

use crate::{
    Hall,
    answer::{Answer, again, page, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
    terminal::word,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{DeviceId, EventId, Permission, Refusal, ScanId};
use maud::Markup;
use service::{
    Actor, At, Error,
    checkin::{self, ScanFilter},
    device, event,
};
use views::{Tone, admin::checkin as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/checkin", get(show).post(save))
        .route("/event/{event}/device", post(create))
        .route("/device/{device}/renew", post(renew))
        .route("/device/{device}/revoke", post(revoke))
        .route("/event/{event}/scan", get(log))
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
    id: EventId,
    typed: Option<(&str, &str)>,
    fresh: Option<&Fresh>,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let event = event::get(&hall.ctx, actor, id)?.event;
    let may = |permission| hall.ctx.permit(actor, permission, At::Event(id)).is_ok();
    let devices = if may(Permission::DeviceManage) { device::list(&hall.ctx, actor, id)? } else { Vec::new() };
    let zone = &visit.format.zone;
    let suggested = domain::Window { from: event.time.from.plus(-domain::time::HOUR), to: event.time.to };
    let kept = event.checkin.unwrap_or(suggested);
    let (from, to) = (kept.from.to_local(zone), kept.to.to_local(zone));
    let url = fresh
        .map(|fresh| views::component::list::query(&format!("{}/terminal/pair", visit.base), &[("code", &fresh.code)]));
    let shown = pages::Page {
        event: &event,
        window: typed.unwrap_or((&from, &to)),
        refusal,
        devices: &devices,
        pairing: fresh.zip(url.as_deref()).map(|(fresh, url)| pages::Pairing {
            name: &fresh.name,
            code: &fresh.code,
            url,
        }),
        now: hall.ctx.now(),
        may_manage: may(Permission::EventManage),
        may_pair: may(Permission::DeviceManage),
        may_scan: may(Permission::CheckinScan),
    };
    Ok(pages::show(&visit.admin_shell(actor), &shown))
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    page(draw(&hall, &visit, &actor, EventId(id), None, None, None)?)
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let typed = (fields.get("checkin_from"), fields.get("checkin_to"));
    match event::set_checkin(&hall.ctx, &actor, id, typed.0, typed.1).await {
        Ok(()) => tell(&format!("/admin/event/{id}/checkin"), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, id, Some(typed), None, Some(refusal))),
    }
}

async fn create(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    match device::create(&hall.ctx, &actor, id, fields.get("name")).await {
        Ok((_, code)) => {
            let fresh = Fresh { name: fields.get("name").to_owned(), code };
            page(draw(&hall, &visit, &actor, id, None, Some(&fresh), None)?)
        }
        Err(error) => told(&visit, &format!("/admin/event/{id}/checkin"), Err(error)),
    }
}

async fn renew(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let (device, code) = device::renew(&hall.ctx, &actor, DeviceId(id)).await?;
    let fresh = Fresh { name: device.name, code };
    page(draw(&hall, &visit, &actor, device.event, None, Some(&fresh), None)?)
}

async fn revoke(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let event = device::revoke(&hall.ctx, &actor, DeviceId(id)).await?;
    told(&visit, &format!("/admin/event/{event}/checkin"), Ok(()))
}

async fn log(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    let id = EventId(id);
    let refused = query.get("show") == "refused";
    let filter = if refused { ScanFilter::Refused } else { ScanFilter::All };
    let (rows, next) = checkin::log(&hall.ctx, &actor, id, filter, query.number("before")?.map(ScanId))?;
    let lines: Vec<_> = rows
        .into_iter()
        .map(|row| {
            let (word, tone) = word(&visit, &row.scan, row.annulled.is_some());
            let who = row.name.unwrap_or_else(|| row.scan.code.clone());
            pages::LogLine { at: row.scan.scanned_at, who, word, tone, by: row.by.unwrap_or_default() }
        })
        .collect();
    let event = event::get(&hall.ctx, &actor, id)?.event;
    page(pages::log(&visit.admin_shell(&actor), &event, &lines, refused, next.map(|scan| scan.0)))
}

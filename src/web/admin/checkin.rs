//! Check-in of an event: its time, lists and gates at a glance, the scan log, conflicts.

use crate::{
    Hall,
    answer::{Answer, again, download, page, pieces, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
    terminal::word,
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{
    CheckinList, EventId, ListId, Permission, Refusal, ScanId,
    checkin::{Direction, Verdict},
};
use maud::Markup;
use serde_json::Value;
use service::{
    Actor, Error,
    checkin::{self, Doors, ScanFilter, ScanRow, Which},
    device, event,
    sheet::Format,
};
use views::{Tone, admin::checkin as pages, admin::device::list_name};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/checkin", get(show).post(save))
        .route("/event/{event}/scan", get(log))
        .route("/event/{event}/scan/export", get(export))
        .route("/event/{event}/scan/{scan}/annul", post(annul))
        .route("/event/{event}/conflict", get(conflicts))
        .route("/event/{event}/conflict/{scan}/settle", post(settle))
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    id: EventId,
    typed: Option<(&str, &str)>,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    let event = event::get(&hall.ctx, actor, id)?.event;
    let doors = checkin::doors(&hall.ctx, actor, id)?;
    let may = |permission| hall.may(actor, permission, id);
    let now = hall.ctx.now();
    let in_use = |device: &domain::Device| device.state(now) == domain::device::DeviceState::Paired;
    let devices = if may(Permission::DeviceManage) { device::list(&hall.ctx, actor, id)? } else { Vec::new() };
    let zone = &visit.format.zone;
    let suggested = domain::Window { from: event.time.from.plus(-domain::time::HOUR), to: event.time.to };
    let kept = event.checkin.unwrap_or(suggested);
    let (from, to) = (kept.from.to_local(zone), kept.to.to_local(zone));
    let mut lists = Vec::new();
    for list in &doors.lists {
        lists.push(pages::ListRow {
            list,
            rules: super::list::words(&doors, &visit.format, list),
            counts: counts(hall, actor, list)?,
        });
    }
    let shown = pages::Page {
        event: &event,
        window: typed.unwrap_or((&from, &to)),
        refusal,
        lists,
        gates: &doors.gates,
        devices: devices.iter().filter(|device| in_use(device)).count(),
        conflicts: open_conflicts(hall, actor, id)?,
        may_manage: may(Permission::EventManage),
        may_pair: may(Permission::DeviceManage),
        may_scan: may(Permission::CheckinScan),
        may_see: may(Permission::RegistrationView),
    };
    Ok(pages::show(&visit.admin_shell(actor), &shown))
}

/// The counts of a list as its row has them.
fn counts(hall: &Hall, actor: &Actor, list: &CheckinList) -> Result<[i64; 3], Error> {
    let counts = checkin::counts_of(&hall.ctx, actor, list.event, list.id)?;
    Ok([counts.admitted, counts.inside, counts.refused])
}

/// Conflicts that nobody looked at; none for whoever may not see them.
fn open_conflicts(hall: &Hall, actor: &Actor, id: EventId) -> Result<usize, Error> {
    if !hall.may(actor, Permission::RegistrationView, id) {
        return Ok(0);
    }
    checkin::open_conflicts(&hall.ctx, actor, id)
}

/// What changes while the page is open: counts of lists, and conflicts.
pub fn live(hall: &Hall, visit: &Visit, actor: &Actor, id: EventId) -> Result<Value, Error> {
    let conflicts = open_conflicts(hall, actor, id)?;
    let alone = pages::alone(&visit.admin_shell(actor), id, conflicts).into_string();
    let mut said = vec![("conflicts".to_owned(), views::format::count(conflicts as i64)), ("alone".to_owned(), alone)];
    for list in &checkin::doors(&hall.ctx, actor, id)?.lists {
        let figures = pages::figures(list.id, counts(hall, actor, list)?);
        said.extend(figures.map(|(name, figure)| (name, views::format::count(figure))));
    }
    Ok(said.into_iter().collect())
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    page(draw(&hall, &visit, &actor, EventId(id), None, None)?)
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
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, id, Some(typed), Some(refusal))),
    }
}

/// A scan as the log shows it.
fn line(visit: &Visit, doors: &Doors, row: ScanRow, may_annul: bool) -> pages::LogLine {
    let text = visit.text();
    let (word, tone) = word(visit, &row.scan, row.annulled.is_some());
    let names = super::list::names(doors, &visit.format);
    let more = row.scan.more.as_deref();
    let mut why = Vec::new();
    if let Some(test) = more.and_then(|more| more.failed.as_ref()) {
        why.push(text.f("What must hold: {rule}", &[("rule", &names.test(test))]));
    }
    if more.is_some_and(|more| more.forced) {
        why.push(text.t("Forced").to_owned());
    }
    if more.is_some_and(|more| more.offline) {
        why.push(text.t("Decided by the terminal alone").to_owned());
    }
    let list = doors.list(row.scan.list).map(|list| list_name(&visit.shell(), list));
    let mut place = vec![list.unwrap_or_else(|| text.t("(deleted)").to_owned())];
    place.extend(row.scan.gate.map(|gate| doors.gate(gate).to_owned()));
    if row.scan.direction == Direction::Exit {
        place.push(text.t(Direction::Exit.label()).to_owned());
    }
    let way = text.t(row.scan.way.label());
    let by = row.by.filter(|by| !by.is_empty()).map_or_else(|| way.to_owned(), |by| format!("{by} · {way}"));
    pages::LogLine {
        scan: row.scan.id.0,
        at: row.scan.scanned_at,
        who: row.name.unwrap_or_else(|| row.scan.code.clone()),
        word,
        tone,
        why: why.join(" · "),
        by,
        place: place.join(" · "),
        may_annul: may_annul && row.scan.verdict == Verdict::Admitted && row.annulled.is_none(),
    }
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
    let list = query.number("list")?.map(ListId);
    let filter = ScanFilter { refused, list };
    let (rows, next) = checkin::log(&hall.ctx, &actor, id, filter, query.number("before")?.map(ScanId))?;
    let doors = checkin::doors(&hall.ctx, &actor, id)?;
    let may_annul = hall.may(&actor, Permission::CheckinMark, id);
    let lines: Vec<_> = rows.into_iter().map(|row| line(&visit, &doors, row, may_annul)).collect();
    let text = visit.text();
    let exports = [("xlsx", text.t("Export as Excel")), ("csv", text.t("Export as CSV"))];
    let exports: &[_] = if hall.may(&actor, Permission::RegistrationExport, id) { &exports } else { &[] };
    let looked = pages::Looked { refused, list, exports };
    page(pages::log(&visit.admin_shell(&actor), &doors.event, &lines, &doors.lists, &looked, next.map(|scan| scan.0)))
}

async fn export(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    let id = EventId(id);
    let format = if query.get("format") == "csv" { Format::Csv } else { Format::Xlsx };
    let name = event::get(&hall.ctx, &actor, id)?.event.name;
    let text = visit.text();
    let file = checkin::export(&hall.ctx, &actor, id, format, move |label| text.t(label).to_owned()).await?;
    download(&format!("{name} {}.{}", text.t("Scan log"), format.ending()), format.mime(), pieces(file))
}

async fn annul(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, scan)): Path<(u64, u64)>,
) -> Answer {
    let done = checkin::annul(&hall.ctx, &actor, EventId(id), Which::Scan(ScanId(scan))).await;
    told(&visit, &format!("/admin/event/{id}/scan"), done.map(|_| ()))
}

async fn conflicts(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let id = EventId(id);
    let (found, open) = checkin::conflicts(&hall.ctx, &actor, id)?;
    let doors = checkin::doors(&hall.ctx, &actor, id)?;
    let may_settle = hall.may(&actor, Permission::CheckinMark, id);
    let text = visit.text();
    let shown: Vec<_> = found
        .into_iter()
        .map(|conflict| pages::Conflict {
            why: conflict.row.scan.conflict().map_or(String::new(), |reason| text.t(reason.label()).to_owned()),
            before: conflict
                .before
                .map_or(String::new(), |before| format!("{} {}", visit.format.clock_seconds(before.at), before.by)),
            settled: conflict.settled.map_or(String::new(), |(at, by)| format!("{} {by}", visit.format.short(at))),
            line: line(&visit, &doors, conflict.row, false),
            may_settle,
        })
        .collect();
    page(pages::conflicts(&visit.admin_shell(&actor), &doors.event, &shown, open))
}

async fn settle(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, scan)): Path<(u64, u64)>,
) -> Answer {
    let done = checkin::settle(&hall.ctx, &actor, EventId(id), ScanId(scan)).await;
    told(&visit, &format!("/admin/event/{id}/conflict"), done)
}

//! Messages to the people of an event: the log, writing one, taking what waits along, saying what was sent.

use crate::{
    Hall,
    answer::{Answer, again, download, page, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{EventId, Notice, NoticeId, Refusal, TicketState, TicketTypeId};
use maud::Markup;
use service::{
    Actor, Error, event, notice,
    privacy::access,
    registration, reminder,
    roster::{Filter, Show},
    sheet::Format,
    ticket_type,
};
use views::{Tone, admin::notice as pages, phone::order::words};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/event/{event}/notice", get(show).post(write))
        .route("/event/{event}/notice/waiting.xlsx", get(waiting))
        .route("/event/{event}/notice/sent", post(all_sent))
        .route("/event/{event}/notice/attend", post(attend))
        .route("/event/{event}/notice/reminder", post(remind))
        .route("/event/{event}/notice/reminder/{reminder}/remove", post(forget))
        .route("/event/{event}/notice/{notice}/{act}", post(act))
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    (id, number): (EventId, usize),
    typed: &Fields,
    refusals: [Option<&Refusal>; 2],
) -> Result<Markup, Error> {
    let [refusal, wrong_reminder] = refusals;
    let (rows, counts) = notice::list(&hall.ctx, actor, id, number)?;
    let ids: Vec<_> = rows.iter().map(|notice| notice.id).collect();
    let ways = service::message::log(&hall.ctx, actor, id, &ids)?;
    let kinds: Vec<_> = ticket_type::list(&hall.ctx, actor, id)?.into_iter().map(|row| row.kind).collect();
    let event = event::get(&hall.ctx, actor, id)?.event;
    let reminders = reminder::list(&hall.ctx, actor, id)?.into_iter();
    let reminders: Vec<_> = reminders
        .map(|reminder| {
            let at = reminder.at(&event);
            (reminder, at)
        })
        .collect();
    let full = registration::sees_all(&hall.ctx, actor, id);
    if full {
        let phones = rows.iter().filter_map(|notice| notice.phone.as_deref());
        access::note_phones(&hall.ctx, actor, "notice.list", Some(id), phones)?;
    }
    let of = pages::Page {
        event: &event,
        kinds: &kinds,
        groups: &event::groups(&hall.ctx, actor, id)?,
        rows: &rows,
        ways: &ways,
        counts,
        pages: (number, notice::PAGE),
        typed: ["kind", "group", "show", "text"].map(|name| typed.get(name)),
        full,
        reminders: &reminders,
        reminder: (wrong_reminder, ["hours", "side", "words"].map(|name| typed.get(name))),
    };
    Ok(pages::show(&visit.admin_shell(actor), &of, refusal))
}

async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    Query(query): Query,
) -> Answer {
    let number = query.page(1_000_000)?;
    page(draw(&hall, &visit, &actor, (EventId(id), number), &Fields::default(), [None, None])?)
}

async fn write(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let filter = Filter {
        show: match fields.get("show") {
            "entered" => Show::Entered,
            "absent" => Show::Absent,
            "unpaid" => Show::State(TicketState::Unpaid),
            _ => Show::Active,
        },
        kind: fields.number("kind")?.map(TicketTypeId),
        group: fields.number("group")?.map(domain::GroupId),
        ..Filter::default()
    };
    match notice::write(&hall.ctx, &actor, id, &filter, fields.get("text")).await {
        Ok(count) => {
            let said = visit.text().f("Written to {count} people.", &[("count", &count)]);
            tell(&format!("/admin/event/{id}/notice"), Tone::Good, &said)
        }
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, (id, 0), &fields, [Some(refusal), None])),
    }
}

async fn waiting(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let id = EventId(id);
    let (text, shell) = (visit.text(), visit.shell());
    let heads = ["Name", "Phone", "Occasion", "Words"].map(|head| text.t(head).to_owned());
    let row = move |notice: &Notice| {
        let phone = notice.phone.as_deref().map(domain::phone::local).unwrap_or_default();
        [notice.name.clone(), phone, text.t(notice.purpose.label()).to_owned(), words(&shell, notice)]
    };
    let bytes = notice::waiting_file(&hall.ctx, &actor, id, Format::Xlsx, row, heads).await?;
    let event = event::get(&hall.ctx, &actor, id)?.event;
    let name = format!("{} {}.{}", event.name, text.t("Messages"), Format::Xlsx.ending());
    download(&name, Format::Xlsx.mime(), bytes)
}

/// Everything up to the newest notice of the page that the press was made on.
async fn all_sent(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let newest = NoticeId(fields.needed("newest")?);
    let done = notice::settle_waiting(&hall.ctx, &actor, EventId(id), newest).await;
    told(&visit, &format!("/admin/event/{id}/notice"), done.map(drop))
}

/// Attend codes to everybody who was not told theirs yet.
async fn attend(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let back = format!("/admin/event/{id}/notice");
    match notice::attend_codes(&hall.ctx, &actor, EventId(id)).await {
        Ok(count) => {
            let said = visit.text().f("Written to {count} people.", &[("count", &count)]);
            tell(&back, Tone::Good, &said)
        }
        Err(error) => told(&visit, &back, Err(error)),
    }
}

async fn act(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id, act)): Path<(u64, u64, String)>,
) -> Answer {
    let sent = match act.as_str() {
        "sent" => true,
        "drop" => false,
        _ => return Err(crate::answer::missing().await),
    };
    let done = notice::settle(&hall.ctx, &actor, EventId(event), NoticeId(id), sent).await;
    told(&visit, &format!("/admin/event/{event}/notice"), done)
}

async fn remind(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let (hours, side, words) = (fields.get("hours"), fields.get("side"), fields.get("words"));
    match reminder::add(&hall.ctx, &actor, id, hours, side, words).await {
        Ok(()) => tell(&format!("/admin/event/{id}/notice"), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(&hall, &visit, &actor, (id, 0), &fields, [None, Some(refusal)])),
    }
}

async fn forget(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let done = reminder::remove(&hall.ctx, &actor, EventId(event), domain::ReminderId(id)).await;
    told(&visit, &format!("/admin/event/{event}/notice"), done)
}

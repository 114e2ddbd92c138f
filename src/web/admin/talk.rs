//! Talks and workshops of an event.

use crate::{
    Hall,
    answer::{Answer, again, download, page, tell, told},
    audience::{Staff, Visit},
    fields::{Ending, Fields},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::{get, post},
};
use domain::{EventId, ListId, Permission, Refusal, TalkId, talk::TalkInput};
use maud::Markup;
use service::{Actor, At, Error, checkin, event, event_view, talk};
use views::{Tone, admin::talk as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    let base = "/event/{event}/talk";
    let at = |tail: &str| format!("{base}{tail}");
    Router::new()
        .route(base, get(list))
        .route(&at("/new"), get(new_form).post(create))
        .route(&at("/choosing"), post(choosing))
        .route(&at("/{talk}"), get(form).post(save))
        .route(&at("/{talk}/remove"), post(remove))
        .route(&at("/{talk}/list"), post(make_list))
        .route(&at("/{talk}/people"), get(people))
        .route(&at("/{talk}/people.xlsx"), get(file))
        .route(&at("/{talk}/people.csv"), get(file))
}

fn base(event: EventId) -> String {
    format!("/admin/event/{event}/talk")
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let id = EventId(id);
    let rows: Vec<_> = talk::list(&hall.ctx, &actor, id)?.into_iter().map(|row| (row.talk, row.taken)).collect();
    let doors = checkin::doors(&hall.ctx, &actor, id)?;
    let shown = pages::List {
        event: &doors.event,
        rows: &rows,
        lists: &doors.lists,
        choosing: event_view::get(&hall.ctx, &actor, id)?.choose_talks,
        may_manage: hall.may(&actor, Permission::EventManage, id),
        may_see: hall.may(&actor, Permission::RegistrationView, id),
    };
    page(pages::list(&visit.admin_shell(&actor), &shown))
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    event: EventId,
    id: Option<(TalkId, u32)>,
    input: &TalkInput,
    refusal: Option<&Refusal>,
) -> Result<Markup, Error> {
    hall.ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let doors = checkin::doors(&hall.ctx, actor, event)?;
    let shown = pages::TalkForm { event: &doors.event, id, input, lists: &doors.lists, refusal };
    Ok(pages::form(&visit.admin_shell(actor), &shown))
}

async fn new_form(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let event = event::get(&hall.ctx, &actor, EventId(id))?.event;
    let begins = event.time.from.to_local(&visit.format.zone);
    let input = TalkInput { from: begins, ..TalkInput::default() };
    page(draw(&hall, &visit, &actor, event.id, None, &input, None)?)
}

async fn form(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, number)): Path<(u64, u64)>,
) -> Answer {
    let kept = talk::get(&hall.ctx, &actor, EventId(id), TalkId(number))?.talk;
    let zone = &visit.format.zone;
    let input = TalkInput {
        title: kept.title.clone(),
        speaker: kept.speaker.clone(),
        room: kept.room.clone(),
        from: kept.time.from.to_local(zone),
        to: kept.time.to.to_local(zone),
        chosen: kept.chosen,
        capacity: kept.capacity.map_or(String::new(), |most| most.to_string()),
        intro: kept.intro.clone(),
        list: kept.list,
    };
    page(draw(&hall, &visit, &actor, EventId(id), Some((kept.id, kept.revision)), &input, None)?)
}

fn input(fields: &Fields) -> Result<TalkInput, Refusal> {
    let text = |name| fields.get(name).to_owned();
    Ok(TalkInput {
        title: text("title"),
        speaker: text("speaker"),
        room: text("room"),
        from: text("from"),
        to: text("to"),
        chosen: fields.ticked("chosen"),
        capacity: text("capacity"),
        intro: text("intro"),
        list: fields.number("list")?.map(ListId),
    })
}

async fn keep(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    event: EventId,
    id: Option<(TalkId, u32)>,
    fields: &Fields,
) -> Answer {
    let input = input(fields)?;
    match talk::save(&hall.ctx, actor, event, id, &input).await {
        Ok(_) => tell(&base(event), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| draw(hall, visit, actor, event, id, &input, Some(refusal))),
    }
}

async fn create(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    keep(&hall, &visit, &actor, EventId(id), None, &fields).await
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, number)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let revision = fields.number("revision")?.unwrap_or(0);
    keep(&hall, &visit, &actor, EventId(id), Some((TalkId(number), revision)), &fields).await
}

async fn remove(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, number)): Path<(u64, u64)>,
) -> Answer {
    let done = talk::remove(&hall.ctx, &actor, EventId(id), TalkId(number)).await;
    told(&visit, &base(EventId(id)), done)
}

async fn make_list(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, number)): Path<(u64, u64)>,
) -> Answer {
    let done = talk::make_list(&hall.ctx, &actor, EventId(id), TalkId(number)).await;
    told(&visit, &base(EventId(id)), done.map(drop))
}

async fn choosing(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let on = fields.ticked("on");
    let done = event_view::set(&hall.ctx, &actor, EventId(id), move |view| view.choose_talks = on).await;
    told(&visit, &base(EventId(id)), done)
}

async fn people(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((id, number)): Path<(u64, u64)>,
) -> Answer {
    let id = EventId(id);
    let of = talk::people(&hall.ctx, &actor, id, TalkId(number)).await?;
    let people: Vec<_> = of.people.into_iter().map(|person| (person.ticket, person.entered)).collect();
    let shown = pages::People {
        event: &of.event,
        talk: &of.talk,
        people: &people,
        full: of.full,
        may_export: hall.may(&actor, Permission::RegistrationExport, id),
    };
    page(pages::people(&visit.admin_shell(&actor), &shown))
}

async fn file(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<(u64, u64)>,
    Ending(format): Ending,
) -> Answer {
    let (event, number, text) = (EventId(id.0), TalkId(id.1), visit.text());
    let say = |english: &str| text.t(english).to_owned();
    let bytes = talk::export(&hall.ctx, &actor, event, number, format, say).await?;
    let title = talk::get(&hall.ctx, &actor, event, number)?.talk.title;
    download(&format!("{title}.{}", format.ending()), format.mime(), bytes)
}

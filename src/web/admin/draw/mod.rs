//! Draws for the secretariat: list, forms of a draw and of its rounds. Running lies in `run`, prizes in `prize`, people in `people`.

mod people;
mod prize;
mod run;

use crate::{
    Hall,
    answer::{Answer, again, page, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, File},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    routing::{get, post},
};
use domain::{
    Draw, DrawId, EventId, GroupId, Permission, PictureId, Refusal, Round, RoundId, SoundId, TicketTypeId,
    draw::{DrawInput, RoundInput},
    picture::UPLOAD_MAX,
    sound::SOUND_MAX,
};
use maud::Markup;
use service::{Actor, At, Error, draw, picture, sound};
use views::{Tone, admin::draw as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    let uploads = DefaultBodyLimit::max(UPLOAD_MAX + SOUND_MAX + crate::BODY_MAX);
    Router::new()
        .route("/event/{event}/draw", get(list))
        .route("/event/{event}/draw/new", get(fresh).post(create).layer(uploads))
        .route("/event/{event}/draw/{draw}/edit", get(edit).post(save).layer(uploads))
        .route("/event/{event}/draw/{draw}/round", get(fresh_round).post(create_round).layer(uploads))
        .route("/event/{event}/draw/{draw}/round/{round}", get(edit_round).post(save_round).layer(uploads))
        .route("/event/{event}/draw/{draw}/round/{round}/remove", post(remove_round))
        .route("/event/{event}/draw/{draw}/round/{round}/designate", post(designate))
        .route("/event/{event}/draw/{draw}/round/{round}/undesignate", post(undesignate))
        .merge(run::routes())
        .merge(prize::routes())
        .merge(people::routes())
}

/// Where a draw's page is.
fn home(event: EventId, draw: DrawId) -> String {
    format!("/admin/event/{event}/draw/{draw}")
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(event): Path<u64>) -> Answer {
    let event = EventId(event);
    let (row, draws) = draw::of_event(&hall.ctx, &actor, event)?;
    let rows: Vec<_> = draws.into_iter().map(|(draw, running)| (draw, running.phase)).collect();
    let may_manage = hall.may(&actor, Permission::DrawManage, event);
    page(pages::list(&visit.admin_shell(&actor), &row, &rows, may_manage))
}

/// What the form shows of a kept draw.
fn shown(of: &Draw) -> DrawInput {
    DrawInput {
        name: of.name.clone(),
        wins: of.wins.to_string(),
        registered: of.registered,
        entered: of.entered,
        joined: of.joined,
        strangers: of.strangers,
        kinds: of.kinds.clone(),
        groups: of.groups.clone(),
        show_number: of.show_number,
        background: of.background,
        music: of.music,
        theme: of.theme.code().to_owned(),
        look: of.look.code().to_owned(),
        masking: of.masking.code().to_owned(),
        photos: of.photos,
        messages: of.messages,
        moderated: of.moderated,
    }
}

fn input(fields: &Fields) -> DrawInput {
    let text = |name| fields.get(name).to_owned();
    let kept = |name: &str| if fields.ticked(&format!("{name}_drop")) { None } else { fields.get(name).parse().ok() };
    DrawInput {
        name: text("name"),
        wins: text("wins"),
        registered: fields.ticked("registered"),
        entered: fields.ticked("entered"),
        joined: fields.ticked("joined"),
        strangers: fields.ticked("strangers"),
        kinds: fields.all("kinds").filter_map(|id| id.parse().ok().map(TicketTypeId)).collect(),
        groups: fields.all("groups").filter_map(|id| id.parse().ok().map(GroupId)).collect(),
        show_number: fields.ticked("show_number"),
        background: kept("background").map(PictureId),
        music: kept("music").map(SoundId),
        theme: text("theme"),
        look: text("look"),
        masking: text("masking"),
        photos: fields.ticked("photos"),
        messages: fields.ticked("messages"),
        moderated: fields.ticked("moderated"),
    }
}

async fn take_picture(hall: &Hall, actor: &Actor, file: &File, field: &str) -> Result<PictureId, Error> {
    picture::upload(&hall.ctx, actor, file.bytes.to_vec()).await.map_err(|error| error.at_field(field))
}

/// Uploads of the form; they are kept even when the rest comes back, so that they need not be chosen again.
async fn uploads(hall: &Hall, actor: &Actor, fields: &Fields, input: &mut DrawInput) -> Result<(), Error> {
    if let Some(file) = fields.file("background_file") {
        input.background = Some(take_picture(hall, actor, file, "background_file").await?);
    }
    if let Some(file) = fields.file("music_file") {
        let taken = sound::upload(&hall.ctx, actor, &file.name, file.bytes.to_vec()).await;
        input.music = Some(taken.map_err(|error| error.at_field("music_file"))?);
    }
    Ok(())
}

struct FormPage<'a> {
    event: EventId,
    id: Option<DrawId>,
    input: &'a DrawInput,
    refusal: Option<&'a Refusal>,
    revision: u32,
}

fn form(hall: &Hall, visit: &Visit, actor: &Actor, of: &FormPage<'_>) -> Result<Markup, Error> {
    hall.ctx.permit(actor, Permission::DrawManage, At::Event(of.event))?;
    let doors = service::checkin::doors(&hall.ctx, actor, of.event)?;
    let music = match of.id {
        Some(id) => draw::page(&hall.ctx, actor, of.event, id)?.music,
        None => String::new(),
    };
    let shown = pages::FormPage {
        event: &doors.event,
        id: of.id,
        input: of.input,
        kinds: &doors.kinds,
        groups: &doors.groups,
        music: if music.is_empty() { visit.text().t("Music") } else { &music },
        refusal: of.refusal,
        revision: of.revision,
    };
    Ok(pages::form(&visit.admin_shell(actor), &shown))
}

async fn fresh(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(event): Path<u64>) -> Answer {
    let event = EventId(event);
    let blank = draw::draw(&hall.ctx, &actor, event)?;
    let input = shown(&blank);
    page(form(&hall, &visit, &actor, &FormPage { event, id: None, input: &input, refusal: None, revision: 0 })?)
}

async fn edit(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let (event, id) = (EventId(event), DrawId(id));
    let of = draw::page(&hall.ctx, &actor, event, id)?.draw;
    let input = shown(&of);
    let shown = FormPage { event, id: Some(id), input: &input, refusal: None, revision: of.revision };
    page(form(&hall, &visit, &actor, &shown)?)
}

async fn stored(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    event: EventId,
    id: Option<DrawId>,
    fields: &Fields,
) -> Answer {
    let mut typed = input(fields);
    let revision = fields.number("revision")?.unwrap_or(0);
    let done = match uploads(hall, actor, fields, &mut typed).await {
        Ok(()) => match id {
            Some(id) => draw::save(&hall.ctx, actor, event, id, revision, &typed).await.map(|()| id),
            None => draw::create(&hall.ctx, actor, event, &typed).await,
        },
        Err(error) => Err(error),
    };
    match done {
        Ok(id) => tell(&home(event, id), Tone::Good, visit.text().t("Saved.")),
        Err(error) => {
            let stale = error.code() == Some("record.changed");
            let now = id.filter(|_| stale).map(|id| draw::page(&hall.ctx, actor, event, id)).transpose()?;
            let revision = now.map_or(revision, |now| now.draw.revision);
            again(error, |refusal| {
                form(hall, visit, actor, &FormPage { event, id, input: &typed, refusal: Some(refusal), revision })
            })
        }
    }
}

async fn create(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(event): Path<u64>,
    fields: Fields,
) -> Answer {
    stored(&hall, &visit, &actor, EventId(event), None, &fields).await
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    stored(&hall, &visit, &actor, EventId(event), Some(DrawId(id)), &fields).await
}

fn shown_round(of: &Round) -> RoundInput {
    let table = |table: u32| if of.mode.is_tables() { table.to_string() } else { String::new() };
    RoundInput {
        prize: of.prize.clone(),
        level: of.level.clone(),
        picture: of.picture,
        quantity: if of.quantity == 0 { String::new() } else { of.quantity.to_string() },
        per_turn: of.per_turn.to_string(),
        mode: of.mode.code().to_owned(),
        first_table: table(of.tables.0),
        last_table: table(of.tables.1),
        groups: of.groups.clone(),
    }
}

fn round_input(fields: &Fields) -> RoundInput {
    let text = |name| fields.get(name).to_owned();
    let kept = if fields.ticked("picture_drop") { None } else { fields.get("picture").parse().ok() };
    RoundInput {
        prize: text("prize"),
        level: text("level"),
        picture: kept.map(PictureId),
        quantity: text("quantity"),
        per_turn: text("per_turn"),
        mode: text("mode"),
        first_table: text("first_table"),
        last_table: text("last_table"),
        groups: fields.all("groups").filter_map(|id| id.parse().ok().map(GroupId)).collect(),
    }
}

struct RoundPage<'a> {
    event: EventId,
    draw: DrawId,
    id: Option<RoundId>,
    input: &'a RoundInput,
    refusal: Option<&'a Refusal>,
    revision: u32,
}

fn round_form(hall: &Hall, visit: &Visit, actor: &Actor, of: &RoundPage<'_>) -> Result<Markup, Error> {
    let named = hall.may(actor, Permission::DrawDesignate, of.event);
    // Whoever may only name winners sees the round, and saves nothing else.
    if !named {
        hall.ctx.permit(actor, Permission::DrawManage, At::Event(of.event))?;
    }
    let kept = draw::page(&hall.ctx, actor, of.event, of.draw)?;
    let designated = kept.rounds.iter().find(|row| Some(row.round.id) == of.id).map(|row| row.designated.as_slice());
    let shown = pages::RoundPage {
        event: &kept.event,
        draw: &kept.draw,
        id: of.id,
        input: of.input,
        groups: &kept.groups,
        refusal: of.refusal,
        revision: of.revision,
        designated: designated.filter(|_| named),
    };
    Ok(pages::round(&visit.admin_shell(actor), &shown))
}

async fn fresh_round(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    hall.ctx.permit(&actor, Permission::DrawManage, At::Event(EventId(event)))?;
    let input =
        RoundInput { quantity: "1".into(), per_turn: "1".into(), mode: "people".into(), ..RoundInput::default() };
    let of = RoundPage { event: EventId(event), draw: DrawId(id), id: None, input: &input, refusal: None, revision: 0 };
    page(round_form(&hall, &visit, &actor, &of)?)
}

async fn edit_round(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, draw, round)): Path<(u64, u64, u64)>,
) -> Answer {
    let (event, draw, id) = (EventId(event), DrawId(draw), RoundId(round));
    let kept = draw::page(&hall.ctx, &actor, event, draw)?;
    let row = kept.rounds.iter().find(|row| row.round.id == id).ok_or_else(|| Refusal::missing("round"))?;
    let (input, revision) = (shown_round(&row.round), row.round.revision);
    let of = RoundPage { event, draw, id: Some(id), input: &input, refusal: None, revision };
    page(round_form(&hall, &visit, &actor, &of)?)
}

async fn stored_round(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    (event, draw, id): (EventId, DrawId, Option<RoundId>),
    fields: &Fields,
) -> Answer {
    let mut typed = round_input(fields);
    let revision = fields.number("revision")?.unwrap_or(0);
    let uploaded = match fields.file("picture_file") {
        Some(file) => take_picture(hall, actor, file, "picture_file").await.map(Some),
        None => Ok(None),
    };
    let done = match uploaded {
        Ok(picture) => {
            typed.picture = picture.or(typed.picture);
            draw::save_round(&hall.ctx, actor, event, draw, id.map(|id| (id, revision)), &typed).await
        }
        Err(error) => Err(error),
    };
    match done {
        // Winners are named in the round's own form, which a new one shows next.
        Ok(id) if typed.mode == "designated" => {
            tell(&format!("{}/round/{id}", home(event, draw)), Tone::Good, visit.text().t("Saved."))
        }
        Ok(_) => tell(&home(event, draw), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| {
            round_form(
                hall,
                visit,
                actor,
                &RoundPage { event, draw, id, input: &typed, refusal: Some(refusal), revision },
            )
        }),
    }
}

async fn create_round(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, draw)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    stored_round(&hall, &visit, &actor, (EventId(event), DrawId(draw), None), &fields).await
}

async fn save_round(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, draw, round)): Path<(u64, u64, u64)>,
    fields: Fields,
) -> Answer {
    stored_round(&hall, &visit, &actor, (EventId(event), DrawId(draw), Some(RoundId(round))), &fields).await
}

async fn remove_round(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, draw, round)): Path<(u64, u64, u64)>,
) -> Answer {
    let (event, draw) = (EventId(event), DrawId(draw));
    told(&visit, &home(event, draw), draw::remove_round(&hall.ctx, &actor, event, draw, RoundId(round)).await)
}

async fn designate(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, draw, round)): Path<(u64, u64, u64)>,
    fields: Fields,
) -> Answer {
    let (event, draw) = (EventId(event), DrawId(draw));
    let done = draw::designate(&hall.ctx, &actor, event, draw, RoundId(round), fields.get("phone")).await;
    told(&visit, &format!("{}/round/{round}", home(event, draw)), done)
}

async fn undesignate(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, draw, round)): Path<(u64, u64, u64)>,
    fields: Fields,
) -> Answer {
    let (event, draw) = (EventId(event), DrawId(draw));
    let done = draw::undesignate(&hall.ctx, &actor, event, draw, RoundId(round), fields.get("lucky")).await;
    told(&visit, &format!("{}/round/{round}", home(event, draw)), done)
}

//! Events: list, form, overview, questions, publishing, copying.

use crate::{
    Hall,
    answer::{Answer, again, page, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    routing::{get, post},
};
use domain::{
    Department, DepartmentId, Event, EventId, Permission, PictureId, Refusal, Time,
    event::{Cover, EventInput, EventState, check_event},
    field::{FIELDS_MAX, Field, FieldKind},
    picture::UPLOAD_MAX,
    place::{PlaceInput, check_place},
};
use service::{Actor, At, Error, event, overview, picture, place, space};
use std::collections::BTreeMap;
use views::{Tone, admin::event as pages};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    // A form may carry three pictures.
    let uploads = DefaultBodyLimit::max(3 * UPLOAD_MAX + crate::BODY_MAX);
    Router::new()
        .route("/event", get(list))
        .route("/event/new", get(new_form).post(create).layer(uploads))
        .route("/event/{event}", get(show))
        .route("/event/{event}/edit", get(form).post(save).layer(uploads))
        .route("/event/{event}/question", get(questions).post(save_questions))
        .route("/event/{event}/publish", post(publish))
        .route("/event/{event}/withdraw", post(withdraw))
        .route("/event/{event}/copy", post(copy))
}

fn state(code: &str) -> Option<EventState> {
    [EventState::Draft, EventState::Published, EventState::Withdrawn].into_iter().find(|state| state.code() == code)
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Query(query): Query) -> Answer {
    let number = query.page(100_000)?;
    let filter = event::EventFilter {
        text: query.get("q").to_owned(),
        state: state(query.get("state")),
        category: query.number("category")?.map(domain::CategoryId),
        page: number,
    };
    let (rows, found) = event::list(&hall.ctx, &actor, &filter)?;
    let ids: Vec<EventId> = rows.iter().map(|row| row.event.id).collect();
    let names = service::category::names(&hall.ctx, &actor, &ids)?;
    let categories: Vec<_> = service::category::list(&hall.ctx, &actor)?.into_iter().map(|(known, _)| known).collect();
    let rows: Vec<_> = rows.into_iter().map(|row| (row.event, row.registered, row.admitted)).collect();
    let shown = pages::List {
        rows: &rows,
        found,
        page: number,
        size: event::PAGE,
        q: query.get("q"),
        state: query.get("state"),
        category: query.get("category"),
        categories: &categories,
        names: &names,
        may_create: actor.holds(Permission::EventManage),
        saved: &service::search::saved::list(&hall.ctx, &actor, "/admin/event")?,
    };
    page(pages::list(&visit.admin_shell(&actor), &shown))
}

/// Days and hours with their counts, as the charts show them: every day or hour between the first and the last is there.
fn buckets(
    points: &[(i64, i64)],
    label: impl Fn(Time) -> String,
    sort: impl Fn(Time) -> String,
    step: i64,
) -> Vec<(String, i64)> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    let mut out: BTreeMap<String, (String, i64)> = BTreeMap::new();
    let mut at = first.0;
    while at <= last.0 && out.len() < 400 {
        out.insert(sort(Time(at)), (label(Time(at)), 0));
        at += step;
    }
    for (at, count) in points {
        out.entry(sort(Time(*at))).or_insert_with(|| (label(Time(*at)), 0)).1 += count;
    }
    out.into_values().collect()
}

/// First entries per minute, as the chart shows them: in steps that leave at most about sixty bars.
pub fn arrivals(visit: &Visit, minutely: &[(i64, i64)]) -> Vec<(String, i64)> {
    let span = minutely.last().map_or(0, |last| last.0) - minutely.first().map_or(0, |first| first.0);
    let minutes = [1, 5, 15, 60, 24 * 60].into_iter().find(|m| span / (m * 60_000) <= 60).unwrap_or(24 * 60);
    let floor = |at: Time| Time(at.0.div_euclid(minutes * 60_000) * minutes * 60_000);
    let label = |at: Time| visit.format.clock(floor(at));
    buckets(minutely, label, |at| format!("{:020}", floor(at).0), minutes * 60_000)
}

async fn show(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let id = EventId(id);
    let row = event::get(&hall.ctx, &actor, id)?;
    let of = overview::event(&hall.ctx, &actor, id)?;
    let zone = &visit.format.zone;
    let day = |at: Time| at.zoned(zone).strftime("%m-%d").to_string();
    let sort_day = |at: Time| at.zoned(zone).strftime("%Y%m%d").to_string();
    let figures = pages::Figures {
        registered: of.counts.registered,
        admitted: of.counts.admitted,
        refused: of.counts.refused,
        registrations: buckets(&of.registrations, day, sort_day, domain::time::DAY),
        arrivals: arrivals(&visit, &of.arrivals),
    };
    let url = format!("{}/event/{id}", visit.base);
    let may_manage = hall.ctx.permit(&actor, Permission::EventManage, At::Event(id)).is_ok();
    page(pages::show(&visit.admin_shell(&actor), &row.event, &figures, &url, may_manage))
}

fn input(fields: &Fields) -> EventInput {
    let text = |name| fields.get(name).to_owned();
    EventInput {
        name: text("name"),
        starts: text("starts"),
        ends: text("ends"),
        province: text("province"),
        city: text("city"),
        district: text("district"),
        address: text("address"),
        intro: fields.rich("intro"),
        notice: fields.rich("notice"),
    }
}

/// Where it is on the map, as typed.
fn place_input(fields: &Fields) -> PlaceInput {
    let text = |name| fields.get(name).to_owned();
    PlaceInput { latitude: text("latitude"), longitude: text("longitude"), datum: text("datum") }
}

/// What is wrong with the event's form and its coordinates, all at once: they are kept one after the other.
fn check_both(input: &EventInput, place: &PlaceInput, visit: &Visit) -> Result<(), Error> {
    let Err(wrong) = check_place(place, EventId::default()) else { return Ok(()) };
    let mut problems = check_event(input, &visit.format.zone).err().map_or_else(Vec::new, |refusal| refusal.problems);
    problems.extend(wrong);
    Err(Refusal::invalid(problems).into())
}

fn cover(value: &str) -> Option<Cover> {
    let (kind, number) = value.split_at_checked(1)?;
    match kind {
        "t" => number.parse().ok().map(Cover::Template),
        "p" => number.parse().ok().map(|id| Cover::Picture(PictureId(id))),
        _ => None,
    }
}

/// The chosen pictures, uploads among them, and the introduction with its new picture. Uploads are kept even when the rest of
/// the form comes back, so that they need not be chosen again.
async fn pictures(
    hall: &Hall,
    actor: &Actor,
    fields: &Fields,
    input: &mut EventInput,
) -> Result<event::Pictures, Error> {
    let chosen = |name: &str| cover(fields.get(name));
    let mut pictures = event::Pictures { cover: chosen("cover").unwrap_or(Cover::Template(0)), main: chosen("main") };
    if let Some(file) = fields.file("cover_file") {
        pictures.cover = Cover::Picture(upload(hall, actor, file, "cover_file").await?);
    }
    if let Some(file) = fields.file("main_file") {
        pictures.main = Some(Cover::Picture(upload(hall, actor, file, "main_file").await?));
    }
    if let Some(file) = fields.file("intro_file") {
        let id = upload(hall, actor, file, "intro_file").await?;
        domain::rich::add_picture(&mut input.intro, &file.name, id.0);
    }
    Ok(pictures)
}

async fn upload(hall: &Hall, actor: &Actor, file: &crate::fields::File, field: &str) -> Result<PictureId, Error> {
    let taken = picture::upload(&hall.ctx, actor, file.bytes.to_vec()).await;
    taken.map_err(|error| match error {
        Error::Refused(mut refusal) => {
            for problem in &mut refusal.problems {
                problem.field = field.to_owned();
            }
            refusal.into()
        }
        error => error,
    })
}

/// Departments in which the actor may make events.
fn open_departments(hall: &Hall, actor: &Actor) -> Result<Vec<Department>, Error> {
    let all = space::departments(&hall.ctx, actor)?;
    let open = |department: &Department| {
        let place = domain::permission::Place { event: None, department: Some(department.id), owner: actor.account() };
        actor.covers(Permission::EventManage, &place)
    };
    Ok(all.into_iter().filter(open).collect())
}

struct Drawn<'a> {
    event: Option<&'a Event>,
    input: &'a EventInput,
    place: &'a PlaceInput,
    pictures: &'a event::Pictures,
    department: &'a str,
    typed: Option<&'a Fields>,
    refusal: Option<&'a Refusal>,
}

fn draw(hall: &Hall, visit: &Visit, actor: &Actor, of: &Drawn<'_>) -> Result<maud::Markup, Error> {
    let departments = open_departments(hall, actor)?;
    let more = super::category::filing(hall, visit, actor, of.event.map(|event| event.id), of.typed, of.refusal)?;
    let shown = pages::EventForm {
        event: of.event,
        input: of.input,
        place: of.place,
        cover: &of.pictures.cover,
        main: of.pictures.main.as_ref(),
        districts: &event::districts(&hall.ctx, actor)?,
        departments: &departments,
        department: of.department,
        more: &more,
        refusal: of.refusal,
    };
    Ok(pages::form(&visit.admin_shell(actor), &shown))
}

async fn new_form(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff) -> Answer {
    hall.ctx.permit_somewhere(&actor, Permission::EventManage)?;
    let pictures = event::Pictures { cover: Cover::Template(0), main: None };
    let drawn = Drawn {
        event: None,
        input: &EventInput::default(),
        place: &PlaceInput::default(),
        pictures: &pictures,
        department: "",
        typed: None,
        refusal: None,
    };
    page(draw(&hall, &visit, &actor, &drawn)?)
}

async fn create(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, fields: Fields) -> Answer {
    let mut typed = input(&fields);
    let department = fields.number("department")?.map(DepartmentId);
    let chosen = event::Pictures {
        cover: cover(fields.get("cover")).unwrap_or(Cover::Template(0)),
        main: cover(fields.get("main")),
    };
    let uploaded = pictures(&hall, &actor, &fields, &mut typed).await;
    let place = place_input(&fields);
    let (pictures, made) = match uploaded {
        Ok(pictures) => {
            let free = visit.text().t("Free ticket");
            let made = match super::category::check(&hall, &actor, &fields)
                .and_then(|()| check_both(&typed, &place, &visit))
            {
                Ok(()) => event::create(&hall.ctx, &actor, &typed, &pictures, department, free).await,
                Err(error) => Err(error),
            };
            let made = match made {
                Ok(id) => super::category::keep(&hall, &actor, id, &fields).await.map(|()| id),
                Err(error) => Err(error),
            };
            (pictures, made)
        }
        Err(error) => (chosen, Err(error)),
    };
    let made = match made {
        Ok(id) => place::save(&hall.ctx, &actor, id, &place).await.map(|()| id),
        Err(error) => Err(error),
    };
    match made {
        Ok(id) => tell(
            &format!("/admin/event/{id}"),
            Tone::Good,
            visit.text().t("The event is there as a draft, with one free ticket type."),
        ),
        Err(error) => {
            let department = fields.get("department");
            again(error, |refusal| {
                let drawn = Drawn {
                    event: None,
                    input: &typed,
                    place: &place,
                    pictures: &pictures,
                    department,
                    typed: Some(&fields),
                    refusal: Some(refusal),
                };
                draw(&hall, &visit, &actor, &drawn)
            })
        }
    }
}

fn kept_input(event: &Event, zone: &jiff::tz::TimeZone) -> EventInput {
    EventInput {
        name: event.name.clone(),
        starts: event.time.from.to_local(zone),
        ends: event.time.to.to_local(zone),
        province: event.venue.province.clone(),
        city: event.venue.city.clone(),
        district: event.venue.district.clone(),
        address: event.venue.address.clone(),
        intro: domain::rich::typed(&event.intro),
        notice: domain::rich::typed(&event.notice),
    }
}

async fn form(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    hall.ctx.permit(&actor, Permission::EventManage, At::Event(EventId(id)))?;
    let event = event::get(&hall.ctx, &actor, EventId(id))?.event;
    let pictures = event::Pictures { cover: event.cover.clone(), main: event.main.clone() };
    let input = kept_input(&event, &visit.format.zone);
    let place =
        place::get(&hall.ctx, &actor, event.id)?.map_or_else(PlaceInput::default, |place| PlaceInput::of(&place));
    let drawn = Drawn {
        event: Some(&event),
        input: &input,
        place: &place,
        pictures: &pictures,
        department: "",
        typed: None,
        refusal: None,
    };
    page(draw(&hall, &visit, &actor, &drawn)?)
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let mut typed = input(&fields);
    let revision = fields.needed("revision")?;
    let event = event::get(&hall.ctx, &actor, id)?.event;
    let chosen = event::Pictures {
        cover: cover(fields.get("cover")).unwrap_or(Cover::Template(0)),
        main: cover(fields.get("main")),
    };
    let uploaded = pictures(&hall, &actor, &fields, &mut typed).await;
    let place = place_input(&fields);
    let (pictures, saved) = match uploaded {
        Ok(pictures) => {
            let saved = match super::category::check(&hall, &actor, &fields)
                .and_then(|()| check_both(&typed, &place, &visit))
            {
                Ok(()) => event::save(&hall.ctx, &actor, id, revision, &typed, &pictures).await,
                Err(error) => Err(error),
            };
            let saved = match saved {
                Ok(()) => super::category::keep(&hall, &actor, id, &fields).await,
                Err(error) => Err(error),
            };
            (pictures, saved)
        }
        Err(error) => (chosen, Err(error)),
    };
    // A form without these fields, from a program, changes nothing of them.
    let given = fields.all("latitude").next().is_some();
    let saved = match saved {
        Ok(()) if !given => Ok(()),
        Ok(()) => place::save(&hall.ctx, &actor, id, &place).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => tell(&format!("/admin/event/{id}"), Tone::Good, visit.text().t("Saved.")),
        Err(error) => again(error, |refusal| {
            let drawn = Drawn {
                event: Some(&event),
                input: &typed,
                place: &place,
                pictures: &pictures,
                department: "",
                typed: Some(&fields),
                refusal: Some(refusal),
            };
            draw(&hall, &visit, &actor, &drawn)
        }),
    }
}

/// The kept questions and two empty ones below; numbers of empty ones lie above those ever given.
fn with_empty(event: &Event, fields: &[Field]) -> Vec<Field> {
    let mut all = fields.to_vec();
    let next = all.iter().map(|field| field.id).max().unwrap_or(0).max(event.next_field.saturating_add(999));
    for at in 1..=2u16 {
        if all.len() < FIELDS_MAX {
            all.push(Field {
                id: next.saturating_add(at),
                label: String::new(),
                kind: FieldKind::Text,
                required: false,
                help: String::new(),
                choices: Vec::new(),
                ..Field::default()
            });
        }
    }
    all
}

async fn questions(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    hall.ctx.permit(&actor, Permission::EventManage, At::Event(EventId(id)))?;
    let event = event::get(&hall.ctx, &actor, EventId(id))?.event;
    page(pages::questions(&visit.admin_shell(&actor), &event, &with_empty(&event, &event.fields), None))
}

/// The questions of the form; those without text are left out.
pub(super) fn typed_questions(fields: &Fields) -> Vec<Field> {
    let ids = fields.all("field").filter_map(|id| id.parse::<u16>().ok());
    let typed = ids.map(|id| {
        let text = |part: &str| fields.get(&format!("field-{id}-{part}")).to_owned();
        let (choices, limits) = typed_choices(&text("choices"));
        let shown: Option<u16> = text("shown").parse().ok();
        let answers = text("answers").lines().map(domain::text::line).filter(|line| !line.is_empty()).collect();
        Field {
            id,
            label: domain::text::line(&text("label")),
            kind: FieldKind::parse(&text("kind")).unwrap_or(FieldKind::Text),
            required: fields.ticked(&format!("field-{id}-required")),
            help: domain::text::line(&text("help")),
            choices,
            limits,
            shown: shown.map(|field| domain::field::Shown { field, answers }),
        }
    });
    let mut typed: Vec<Field> = typed.filter(|field| !field.label.is_empty()).collect();
    // Places are typed, or follow the order in which the questions were dragged.
    typed.sort_by_key(|field| fields.get(&format!("field-{}-position", field.id)).parse::<u16>().unwrap_or(u16::MAX));
    typed
}

/// Choices, one a line, each with the number of people who can have it behind a bar.
fn typed_choices(text: &str) -> (Vec<String>, Vec<Option<u32>>) {
    let lines = text.lines().map(domain::text::line).filter(|line| !line.is_empty());
    let part = |line: String| match line.rsplit_once(['|', '｜']) {
        Some((choice, limit)) => match limit.trim().parse() {
            Ok(limit) => (choice.trim().to_owned(), Some(limit)),
            Err(_) => (line, None),
        },
        None => (line, None),
    };
    lines.map(part).unzip()
}

async fn save_questions(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let id = EventId(id);
    let typed = typed_questions(&fields);
    match event::save_fields(&hall.ctx, &actor, id, fields.needed("revision")?, typed.clone()).await {
        Ok(()) => tell(&format!("/admin/event/{id}/question"), Tone::Good, visit.text().t("Saved.")),
        Err(error) => {
            let event = event::get(&hall.ctx, &actor, id)?.event;
            again(error, |refusal| {
                Ok(pages::questions(&visit.admin_shell(&actor), &event, &with_empty(&event, &typed), Some(refusal)))
            })
        }
    }
}

async fn publish(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    told(&visit, &format!("/admin/event/{id}"), event::publish(&hall.ctx, &actor, EventId(id)).await)
}

async fn withdraw(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    told(&visit, &format!("/admin/event/{id}"), event::withdraw(&hall.ctx, &actor, EventId(id)).await)
}

async fn copy(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    match event::copy(&hall.ctx, &actor, EventId(id), fields.get("name")).await {
        Ok(new) => tell(
            &format!("/admin/event/{new}/edit"),
            Tone::Good,
            visit.text().t("This is the copy, a draft. Check its times."),
        ),
        Err(error) => told(&visit, &format!("/admin/event/{id}"), Err(error)),
    }
}

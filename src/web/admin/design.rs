//! Designs: list, designer, preview, copies.

use crate::{
    Hall,
    answer::{Answer, Failure, again, page, see, tell, told},
    audience::{Staff, Visit},
    fields::{Fields, Query},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::header,
    response::IntoResponse,
    routing::{get, post},
};
use domain::{
    Design, DesignId, EventId, Permission, PictureId, Refusal,
    design::{
        DesignInput, ElementInput, ElementKind, Purpose, Values,
        input::{fresh, sketch},
    },
    picture::UPLOAD_MAX,
};
use service::{
    Actor, Error, checkin,
    design::{self, Sample, Saying},
    device, event, picture, print,
};
use std::sync::Arc;
use views::{Tone, admin::design as pages, admin::device::list_name};

/// Routes below `/admin`.
pub fn routes() -> Router<Hall> {
    let base = "/event/{event}/design";
    let at = |tail: &str| format!("{base}/{{design}}{tail}");
    // A form may carry a background and a picture.
    let uploads = DefaultBodyLimit::max(2 * UPLOAD_MAX + crate::BODY_MAX);
    Router::new()
        .route(base, get(list).post(create))
        .route(&at(""), get(show).post(save).layer(uploads))
        .route(&at("/preview"), post(sketched))
        .route(&at("/preview.svg"), get(preview_svg))
        .route(&at("/preview.png"), get(preview_png))
        .route(&at("/copy"), post(copy))
        .route(&at("/remove"), post(remove))
}

/// How the reader is told things that stand on cards.
pub fn saying(visit: &Visit) -> Saying {
    let (window, date) = (visit.format.clone(), visit.format.clone());
    Saying {
        space: visit.space,
        base: visit.base.clone(),
        window: Arc::new(move |of| window.window(of)),
        date: Arc::new(move |at| date.date(at)),
    }
}

fn base(event: EventId) -> String {
    format!("/admin/event/{event}/design")
}

/// Whether the actor may print people's cards.
pub(super) fn may_print(hall: &Hall, actor: &Actor, event: EventId) -> bool {
    hall.may(actor, Permission::PrintManage, event) && hall.may(actor, Permission::RegistrationView, event)
}

fn doors(hall: &Hall, actor: &Actor, event: EventId) -> Result<Option<Vec<pages::DoorPrinter>>, Error> {
    if !hall.may(actor, Permission::DeviceManage, event) {
        return Ok(None);
    }
    let printed = print::at_devices(&hall.ctx, actor, event)?;
    let standing = device::list(&hall.ctx, actor, event)?
        .into_iter()
        .filter(|device| device.revoked_at.is_none() && !matches!(device.role, domain::device::Role::Attached(_)));
    let printer = |device: domain::Device| pages::DoorPrinter {
        device: device.id.0,
        design: printed.iter().find(|kept| kept.device == device.id).map(|kept| kept.design.0),
        name: device.name,
    };
    Ok(Some(standing.map(printer).collect()))
}

async fn list(State(hall): State<Hall>, visit: Visit, Staff(actor): Staff, Path(id): Path<u64>) -> Answer {
    let id = EventId(id);
    let designs = design::list(&hall.ctx, &actor, id)?;
    let event = event::get(&hall.ctx, &actor, id)?.event;
    let doors = doors(&hall, &actor, id)?;
    let shown = pages::List {
        event: &event,
        designs: &designs,
        doors: doors.as_deref(),
        may_print: may_print(&hall, &actor, id),
        may_issue: hall.may(&actor, Permission::CertificateIssue, id),
    };
    page(pages::list(&visit.admin_shell(&actor), &shown))
}

async fn create(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path(id): Path<u64>,
    fields: Fields,
) -> Answer {
    let (id, text) = (EventId(id), visit.text());
    let say = move |english: &str| text.t(english).to_owned();
    match design::create(&hall.ctx, &actor, id, fields.get("preset"), say).await {
        Ok(design) => see(&format!("{}/{design}", base(id))),
        Err(error) => told(&visit, &base(id), Err(error)),
    }
}

/// The person of a preview when nobody is registered.
fn made_up(visit: &Visit) -> Values {
    let text = visit.text();
    let say = |english: &str| text.t(english).to_owned();
    Values {
        name: say("Ada Example"),
        company: say("Example Company Ltd."),
        group: say("Guests"),
        seat: say("Table 1, seat 8"),
        kind: say("Standard ticket"),
        ..Values::default()
    }
}

/// The card of the preview, found aside: the list may be long.
async fn sample(hall: &Hall, visit: &Visit, actor: &Actor, event: EventId, at: usize) -> Result<Sample, Error> {
    let (ctx, actor, said, made_up) = (hall.ctx.clone(), actor.clone(), saying(visit), made_up(visit));
    service::aside(move || design::sample(&ctx, &actor, event, at, &said, &made_up)).await
}

fn number(query: &Fields, name: &str) -> Result<usize, Refusal> {
    Ok(query.number(name)?.unwrap_or(0usize).min(10_000_000))
}

struct Drawn<'a> {
    input: &'a DesignInput,
    open: Option<u16>,
    refusal: Option<&'a Refusal>,
}

fn draw(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    design: &Design,
    sample: &Sample,
    of: &Drawn<'_>,
) -> Result<maud::Markup, Error> {
    let event = event::get(&hall.ctx, actor, design.event)?.event;
    let shell = visit.admin_shell(actor);
    let lists = if design.purpose == Purpose::Certificate {
        let all = checkin::doors(&hall.ctx, actor, design.event)?.lists;
        all.iter().map(|list| (list.id.to_string(), list_name(&shell, list))).collect()
    } else {
        Vec::new()
    };
    let shown = pages::Designer {
        event: &event,
        design,
        input: of.input,
        lists: &lists,
        person: &sample.values.name,
        place: sample.place,
        open: of.open,
        may_print: may_print(hall, actor, design.event),
        refusal: of.refusal,
    };
    Ok(pages::designer(&shell, &shown))
}

async fn show(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    Query(query): Query,
) -> Answer {
    let event = EventId(event);
    let design = design::get(&hall.ctx, &actor, event, DesignId(id))?;
    let at = number(&query, "at")?;
    let sample = sample(&hall, &visit, &actor, event, at).await?;
    let input = DesignInput::of(&design);
    let drawn = Drawn { input: &input, open: query.number("open")?, refusal: None };
    page(draw(&hall, &visit, &actor, &design, &sample, &drawn)?)
}

/// The design as typed.
fn input(fields: &Fields) -> DesignInput {
    let text = |name: &str| fields.get(name).to_owned();
    let element = |id: u16| {
        let part = |part: &str| text(&format!("e{id}-{part}"));
        ElementInput {
            id,
            kind: part("kind"),
            x: part("x"),
            y: part("y"),
            w: part("w"),
            h: part("h"),
            color: part("color"),
            size: part("size"),
            bold: fields.ticked(&format!("e{id}-bold")),
            align: part("align"),
            text: part("text"),
            picture: part("picture").parse().ok().map(PictureId),
        }
    };
    DesignInput {
        name: text("name"),
        width: text("width"),
        height: text("height"),
        ground: text("ground"),
        ground_color: text("ground_color"),
        elements: fields.all("e").filter_map(|id| id.parse().ok()).map(element).collect(),
        paper_width: text("paper_width"),
        paper_height: text("paper_height"),
        columns: text("columns"),
        rows: text("rows"),
        left: text("left"),
        top: text("top"),
        gap_x: text("gap_x"),
        gap_y: text("gap_y"),
        fold: fields.ticked("fold"),
        marks: fields.ticked("marks"),
        list: text("list"),
        masked: fields.ticked("masked"),
        shown: fields.ticked("shown"),
    }
}

/// Uploads of the form take their places in it; they stay there when the rest of the form comes back.
async fn uploads(hall: &Hall, actor: &Actor, fields: &Fields, input: &mut DesignInput) -> Result<(), Error> {
    let named = |field: String| {
        move |error: Error| match error {
            Error::Refused(mut refusal) => {
                refusal.problems.iter_mut().for_each(|problem| problem.field.clone_from(&field));
                refusal.into()
            }
            error => error,
        }
    };
    if let Some(file) = fields.file("ground_file") {
        let taken = picture::upload(&hall.ctx, actor, file.bytes.to_vec()).await;
        input.ground = format!("p{}", taken.map_err(named("ground_file".to_owned()))?);
    }
    for element in &mut input.elements {
        let name = format!("e{}-file", element.id);
        if let Some(file) = fields.file(&name) {
            let taken = picture::upload(&hall.ctx, actor, file.bytes.to_vec()).await;
            element.picture = Some(taken.map_err(named(name))?);
        }
    }
    Ok(())
}

/// What a button of the form does to its elements beside saving; answers the element to show opened.
fn act(input: &mut DesignInput, design: &Design, act: &str, add: &str) -> Option<u16> {
    let named = |text: &str| text.parse::<u16>().ok();
    if act == "add" {
        let kind = ElementKind::parse(add)?;
        let highest = input.elements.iter().map(|element| element.id).max().unwrap_or(0);
        let number = highest.saturating_add(1).max(design.next_element);
        input.elements.push(fresh(design, kind, number));
        return Some(number);
    }
    if let Some(id) = act.strip_prefix("remove-").and_then(named) {
        input.elements.retain(|element| element.id != id);
        return None;
    }
    let id = act.strip_prefix("up-").and_then(named)?;
    let at = input.elements.iter().position(|element| element.id == id)?;
    if at > 0 {
        input.elements.swap(at, at - 1);
    }
    Some(id)
}

async fn save(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    fields: Fields,
) -> Answer {
    let (event, id) = (EventId(event), DesignId(id));
    let design = design::get(&hall.ctx, &actor, event, id)?;
    let revision = fields.needed("revision")?;
    let mut typed = input(&fields);
    let open = act(&mut typed, &design, fields.get("act"), fields.get("add"));
    let saved = match uploads(&hall, &actor, &fields, &mut typed).await {
        Ok(()) => design::save(&hall.ctx, &actor, event, id, revision, &typed).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => {
            let open = open.map_or(String::new(), |open| format!("?open={open}"));
            tell(&format!("{}/{id}{open}", base(event)), Tone::Good, visit.text().t("Saved."))
        }
        Err(error) => {
            let sample = sample(&hall, &visit, &actor, event, 0).await?;
            // The form keeps the revision it was opened at.
            let opened = Design { revision, ..design };
            again(error, |refusal| {
                let drawn = Drawn { input: &typed, open, refusal: Some(refusal) };
                draw(&hall, &visit, &actor, &opened, &sample, &drawn)
            })
        }
    }
}

const SVG: &str = "image/svg+xml; charset=utf-8";
const PNG: &str = "image/png";

/// A drawing, which nobody but the reader may keep.
pub(crate) fn drawing(mime: &'static str, bytes: Vec<u8>) -> Answer {
    Ok(([(header::CONTENT_TYPE, mime), (header::CACHE_CONTROL, "private, no-cache")], bytes).into_response())
}

async fn previewed(
    hall: &Hall,
    visit: &Visit,
    actor: &Actor,
    design: Design,
    at: usize,
    raster: bool,
) -> Result<Vec<u8>, Failure> {
    let sample = sample(hall, visit, actor, design.event, at).await?;
    let (ctx, actor) = (hall.ctx.clone(), actor.clone());
    Ok(service::aside(move || design::preview(&ctx, &actor, &design, &sample, raster)).await?)
}

/// The preview of a form that is being filled.
async fn sketched(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    Query(query): Query,
    fields: Fields,
) -> Answer {
    let kept = design::get(&hall.ctx, &actor, EventId(event), DesignId(id))?;
    let design = sketch(&kept, &input(&fields));
    drawing(SVG, previewed(&hall, &visit, &actor, design, number(&query, "at")?, false).await?)
}

async fn preview_svg(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    Query(query): Query,
) -> Answer {
    let design = design::get(&hall.ctx, &actor, EventId(event), DesignId(id))?;
    drawing(SVG, previewed(&hall, &visit, &actor, design, number(&query, "at")?, false).await?)
}

async fn preview_png(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
    Query(query): Query,
) -> Answer {
    let design = design::get(&hall.ctx, &actor, EventId(event), DesignId(id))?;
    drawing(PNG, previewed(&hall, &visit, &actor, design, number(&query, "at")?, true).await?)
}

async fn copy(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let event = EventId(event);
    match design::copy(&hall.ctx, &actor, event, DesignId(id)).await {
        Ok(new) => tell(&format!("{}/{new}", base(event)), Tone::Good, visit.text().t("This is the copy.")),
        Err(error) => told(&visit, &format!("{}/{id}", base(event)), Err(error)),
    }
}

async fn remove(
    State(hall): State<Hall>,
    visit: Visit,
    Staff(actor): Staff,
    Path((event, id)): Path<(u64, u64)>,
) -> Answer {
    let event = EventId(event);
    match design::remove(&hall.ctx, &actor, event, DesignId(id)).await {
        Ok(()) => tell(&base(event), Tone::Good, visit.text().t("Done.")),
        Err(error) => told(&visit, &format!("{}/{id}", base(event)), Err(error)),
    }
}

/// Designs that can be printed for one person: numbers and names.
pub(super) fn printable(hall: &Hall, actor: &Actor, event: EventId) -> Result<Vec<(String, String)>, Error> {
    if !may_print(hall, actor, event) {
        return Ok(Vec::new());
    }
    let all = design::list(&hall.ctx, actor, event)?;
    let printed = all.into_iter().filter(|design| design.purpose.is_printed());
    Ok(printed.map(|design| (design.id.to_string(), design.name)).collect())
}

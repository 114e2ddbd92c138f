//! Designs of an event: making, changing, copying them, and what a card is filled with. Drawing is in [`crate::draw`].

use crate::{
    Actor, At, Ctx, Error, Permit, Work, event, registration,
    render::{self, Card, Fonts, Href},
    ticket_type,
    token::sha256,
};
use domain::{
    Design, DesignId, Event, EventId, Permission, Picture, PictureId, Portrait, Refusal, SpaceId, Ticket, TicketId,
    Window,
    certificate::grouped,
    design::{
        DESIGNS_MAX, DesignInput, Ground, Purpose, Values, check_design,
        preset::{self, Preset},
    },
    field::AnswerValue,
    problem,
    promotion::Origin,
    refuse,
};
use std::collections::HashMap;
use std::sync::Arc;
use store::{Order, Read};

/// How a reader is told things that stand on cards.
#[derive(Clone)]
pub struct Saying {
    /// The space that speaks.
    pub space: SpaceId,
    /// What links from outside begin with.
    pub base: String,
    /// Both ends of a time.
    pub window: Arc<dyn Fn(&Window) -> String + Send + Sync>,
    /// A date.
    pub date: Arc<dyn Fn(domain::Time) -> String + Send + Sync>,
}

fn permit(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Permit, Error> {
    ctx.permit(actor, Permission::PrintManage, At::Event(event))
}

pub(crate) fn load(view: &impl Read, event: EventId, id: DesignId) -> Result<Design, Error> {
    view.get::<Design>(&(event, id))?.ok_or_else(|| Refusal::missing("design").into())
}

pub(crate) fn of_event(view: &impl Read, event: EventId) -> Result<Vec<Design>, Error> {
    view.scan::<Design>(&event, None, Order::Ascending).map(|kept| Ok(kept?.1)).collect()
}

/// The event's designs, the oldest first.
pub fn list(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<Design>, Error> {
    ctx.read(&permit(ctx, actor, event)?, |view| of_event(view, event))
}

/// One design.
pub fn get(ctx: &Ctx, actor: &Actor, event: EventId, id: DesignId) -> Result<Design, Error> {
    ctx.read(&permit(ctx, actor, event)?, |view| load(view, event, id))
}

fn subject(design: &Design) -> String {
    format!("event/{}/design/{}", design.event, design.id)
}

fn room(view: &impl Read, event: EventId) -> Result<(), Error> {
    event::load(view, event)?;
    if of_event(view, event)?.len() >= DESIGNS_MAX {
        return Err(refuse!(
            Conflict,
            "design.too_many",
            "An event can have at most {max} designs. Delete one that is not needed.",
            max = DESIGNS_MAX
        )
        .into());
    }
    Ok(())
}

/// Makes a design from a preset; `say` turns its English texts into the reader's language.
pub async fn create(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    preset: &str,
    say: impl Fn(&str) -> String + Send + Sync + 'static,
) -> Result<DesignId, Error> {
    let permit = permit(ctx, actor, event)?;
    let of: &Preset = preset::find(preset)
        .ok_or_else(|| Refusal::invalid(vec![problem!("preset", "Choose one of the given answers.")]))?;
    ctx.write(&permit, move |work| {
        room(work.read(), event)?;
        let id = DesignId(work.next_id::<Design>()?);
        let design = preset::design(of, id, event, work.now, &say);
        work.insert(&design)?;
        work.audit("design.create", subject(&design), "", &design.name)?;
        Ok(id)
    })
    .await
}

/// Copies a design within its event.
pub async fn copy(ctx: &Ctx, actor: &Actor, event: EventId, id: DesignId) -> Result<DesignId, Error> {
    let permit = permit(ctx, actor, event)?;
    ctx.write(&permit, move |work| {
        room(work.read(), event)?;
        let original = load(work.read(), event, id)?;
        let new = DesignId(work.next_id::<Design>()?);
        let copied = Design { id: new, created_at: work.now, revision: 0, ..original };
        work.insert(&copied)?;
        work.audit("design.copy", subject(&copied), &format!("design/{id}"), &copied.name)?;
        Ok(new)
    })
    .await
}

/// Gives a copied event the designs of its original.
pub(crate) fn copy_all(work: &mut Work<'_, '_>, from: EventId, to: EventId) -> Result<(), Error> {
    for design in of_event(work.read(), from)? {
        let id = DesignId(work.next_id::<Design>()?);
        let copied = Design { id, event: to, created_at: work.now, revision: 0, ..design };
        work.insert(&copied)?;
    }
    Ok(())
}

/// Saves the form of a design that was opened at `revision`.
pub async fn save(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: DesignId,
    revision: u32,
    input: &DesignInput,
) -> Result<(), Error> {
    let permit = permit(ctx, actor, event)?;
    let purpose = ctx.read(&permit, |view| load(view, event, id))?.purpose;
    let details = check_design(input, purpose)?;
    ctx.write(&permit, move |work| {
        let mut design = load(work.read(), event, id)?;
        event::check_revision(design.revision, revision)?;
        if purpose == Purpose::Certificate {
            crate::checkin::list_in(work.read(), event, details.rule.list)?;
        }
        for picture in pictures(details.ground, &details.elements) {
            let there = work.read().get::<Picture>(&picture)?.is_some();
            if !there {
                return Err(Refusal::invalid(vec![problem!("ground", "This picture does not exist.")]).into());
            }
        }
        let before = design.name.clone();
        design.apply(details.clone());
        design.revision += 1;
        work.put(&design)?;
        let after =
            format!("{} | {} elements | {}×{}", design.name, design.elements.len(), design.width, design.height);
        work.audit("design.save", subject(&design), &before, &after)
    })
    .await
}

/// Deletes a design that no certificate is drawn by.
pub async fn remove(ctx: &Ctx, actor: &Actor, event: EventId, id: DesignId) -> Result<(), Error> {
    let permit = permit(ctx, actor, event)?;
    ctx.write(&permit, move |work| {
        let design = load(work.read(), event, id)?;
        if design.purpose == Purpose::Certificate && crate::certificate::is_used(work.read(), event, id)? {
            return Err(refuse!(
                Conflict,
                "design.in_use",
                "Certificates were issued by this design, so it stays. It can be changed."
            )
            .into());
        }
        work.remove::<Design>(&(event, id))?;
        work.audit("design.remove", subject(&design), &design.name, "")
    })
    .await
}

/// The uploaded pictures of a design.
pub(crate) fn pictures(ground: Ground, elements: &[domain::design::Element]) -> Vec<PictureId> {
    let ground = if let Ground::Picture(id) = ground { Some(id) } else { None };
    ground.into_iter().chain(elements.iter().filter_map(|element| element.picture)).collect()
}

/// What every card of an event says.
pub(crate) fn of_all(ctx: &Ctx, event: &Event, said: &Saying) -> Result<Values, Error> {
    Ok(Values {
        event: event.name.clone(),
        time: (said.window)(&event.time),
        place: event.venue.line(),
        association: ctx.known(said.space)?.map_or(String::new(), |known| known.space.name.clone()),
        event_code: format!("{}/event/{}", said.base, event.id),
        ..Values::default()
    })
}

/// What a ticket holder's card says, beside what all of them say.
pub(crate) fn of_ticket(view: &impl Read, all: &Values, said: &Saying, ticket: &Ticket) -> Result<Values, Error> {
    let kind = ticket_type::load(view, ticket.event, ticket.kind)?;
    let group = match ticket.group {
        Some(group) => view.get::<domain::Group>(&(ticket.event, group))?.map(|group| group.name),
        None => None,
    };
    // Sensitive answers stay where they are: a card is for everybody's eyes.
    let plain = |answer: &domain::field::Answer| match &answer.value {
        AnswerValue::Plain(text) | AnswerValue::Region(_, text) => Some((answer.field, text.clone())),
        AnswerValue::Chosen(chosen) => Some((answer.field, chosen.join("、"))),
        AnswerValue::Sealed(_) | AnswerValue::File(_) => None,
    };
    Ok(Values {
        name: ticket.name.clone(),
        company: ticket.company.clone(),
        group: group.unwrap_or_default(),
        seat: ticket.seat.clone(),
        kind: kind.name,
        number: spaced(&ticket.number),
        answers: ticket.answers.iter().filter_map(plain).collect(),
        ticket_code: ticket.number.clone(),
        event_code: format!("{}/event/{}?from={}", said.base, ticket.event, Origin::Member(ticket.id)),
        ..all.clone()
    })
}

/// A ticket number in groups of four.
fn spaced(number: &str) -> String {
    grouped(number).replace('-', " ")
}

/// A card of a preview.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What it is filled with.
    pub values: Values,
    /// The ticket it is of; none: nobody is registered yet, or the reader may not see who is.
    pub ticket: Option<TicketId>,
    /// Which of how many, from 0.
    pub place: (usize, usize),
}

/// The card of the registration at that place of the list, by name; made-up values when there is none. `made_up` names the person.
pub fn sample(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    at: usize,
    said: &Saying,
    made_up: &Values,
) -> Result<Sample, Error> {
    let permit = permit(ctx, actor, event)?;
    let kept = ctx.read(&permit, |view| event::load(view, event))?;
    let all = of_all(ctx, &kept, said)?;
    let seen = ctx.permit(actor, Permission::RegistrationView, At::Event(event)).is_ok();
    let filter = crate::roster::Filter::default();
    let ids = if seen { registration::selected(ctx, &permit, event, &filter)? } else { Vec::new() };
    let serial = |values: Values| Values {
        serial: domain::certificate::serial(2026, event, 1),
        issued: (said.date)(ctx.now()),
        check_code: format!("{}/certificate/{}", said.base, "X".repeat(domain::certificate::NUMBER_LEN)),
        ..values
    };
    let place = at.min(ids.len().saturating_sub(1));
    ctx.read(&permit, |view| match ids.get(place) {
        Some(id) => {
            let ticket = registration::load(view, event, *id)?;
            let values = serial(of_ticket(view, &all, said, &ticket)?);
            Ok(Sample { values, ticket: Some(*id), place: (place, ids.len()) })
        }
        None => {
            let answers = kept.fields.iter().map(|field| (field.id, field.label.clone())).collect();
            let person = Values {
                answers,
                ticket_code: "100000000007".into(),
                number: spaced("100000000007"),
                ..made_up.clone()
            };
            let values = Values {
                event: all.event,
                time: all.time,
                place: all.place,
                association: all.association,
                event_code: all.event_code,
                ..serial(person)
            };
            Ok(Sample { values, ticket: None, place: (0, 0) })
        }
    })
}

/// A picture's file.
fn bytes(ctx: &Ctx, view: &impl Read, id: PictureId) -> Result<Option<Vec<u8>>, Error> {
    view.get::<Picture>(&id)?.map(|picture| ctx.files.get(&picture.file)).transpose()
}

/// The file of a ticket holder's portrait.
pub(crate) fn portrait(
    ctx: &Ctx,
    view: &impl Read,
    event: EventId,
    ticket: TicketId,
) -> Result<Option<Vec<u8>>, Error> {
    view.get::<Portrait>(&(event, ticket))?.map(|portrait| ctx.files.get(&portrait.file)).transpose()
}

/// Whether the design shows people's pictures.
pub fn shows_portrait(design: &Design) -> bool {
    design.elements.iter().any(|element| element.kind == domain::design::ElementKind::Portrait)
}

/// Files that a drawing needs, by the names that stand in it.
fn files(ctx: &Ctx, view: &impl Read, design: &Design, ticket: Option<TicketId>) -> Result<render::Pictures, Error> {
    let mut files = render::Pictures::default();
    for id in pictures(design.ground, &design.elements) {
        if let Some(file) = bytes(ctx, view, id)?.map(Arc::new) {
            if design.ground == Ground::Picture(id) {
                files.ground = Some(file.clone());
            }
            files.named.insert(name(Href::Picture(id)), file);
        }
    }
    if let Some(ticket) = ticket.filter(|_| shows_portrait(design))
        && let Some(file) = portrait(ctx, view, design.event, ticket)?
    {
        files.named.insert(name(Href::Portrait), Arc::new(file));
    }
    Ok(files)
}

fn name(href: Href) -> String {
    match href {
        Href::Picture(id) => format!("picture:{id}"),
        Href::Portrait => "portrait".to_owned(),
    }
}

/// A card as PNG of that width in pixels, with the pictures it needs. Takes a while: call it aside.
pub(crate) fn png(
    ctx: &Ctx,
    view: &impl Read,
    design: &Design,
    values: &Values,
    ticket: Option<TicketId>,
    width: u32,
) -> Result<Vec<u8>, Error> {
    let files = files(ctx, view, design, ticket)?;
    let links = |href: Href| files.named.contains_key(&name(href)).then(|| name(href));
    let svg = render::layered(Fonts::system(), design, &Card { values, links: &links }, &files);
    // Uploaded pictures never change under their names; a portrait does.
    let face = files.named.get(&name(Href::Portrait)).map_or([0; 32], |file| sha256(file));
    let ground = format!("{:?}", design.ground);
    let of = sha256(&[svg.as_bytes(), &width.to_le_bytes(), &face, ground.as_bytes()].concat());
    ctx.drawn.picture(of, || render::png(Fonts::system(), &svg, &files, width))
}

/// The pictures of a design as data for a drawing that stands alone.
pub fn embedded(
    ctx: &Ctx,
    space: SpaceId,
    design: &Design,
    ticket: Option<TicketId>,
) -> Result<HashMap<Href, String>, Error> {
    ctx.read(&ctx.own(space), |view| data(ctx, view, design, ticket))
}

fn data(
    ctx: &Ctx,
    view: &impl Read,
    design: &Design,
    ticket: Option<TicketId>,
) -> Result<HashMap<Href, String>, Error> {
    let files = files(ctx, view, design, ticket)?;
    let ids = pictures(design.ground, &design.elements).into_iter().map(Href::Picture).chain([Href::Portrait]);
    let of = |href: Href| {
        let file = files.named.get(&name(href))?;
        Some((href, format!("data:image/jpeg;base64,{}", data_encoding::BASE64.encode(file))))
    };
    Ok(ids.filter_map(of).collect())
}

/// A card as an SVG that stands alone: pictures lie in it.
pub(crate) fn svg(
    ctx: &Ctx,
    view: &impl Read,
    design: &Design,
    values: &Values,
    ticket: Option<TicketId>,
) -> Result<String, Error> {
    let data = data(ctx, view, design, ticket)?;
    let links = |href: Href| data.get(&href).cloned();
    Ok(render::card(Fonts::system(), design, &Card { values, links: &links }))
}

/// Pixels across a picture of a design: as phones show it, and not larger than paper needs.
pub fn pixels(design: &Design) -> u32 {
    if design.purpose == Purpose::Poster || design.height > design.width { 1_080 } else { 1_760 }
}

/// What a preview shows: the kept design, or one that is being changed.
pub fn preview(ctx: &Ctx, actor: &Actor, design: &Design, sample: &Sample, raster: bool) -> Result<Vec<u8>, Error> {
    let permit = permit(ctx, actor, design.event)?;
    ctx.read(&permit, |view| {
        for id in pictures(design.ground, &design.elements) {
            view.get::<Picture>(&id)?.ok_or_else(|| Refusal::missing("picture"))?;
        }
        if raster {
            return png(ctx, view, design, &sample.values, sample.ticket, pixels(design));
        }
        Ok(svg(ctx, view, design, &sample.values, sample.ticket)?.into_bytes())
    })
}

/// How tests are told things.
#[cfg(test)]
pub(crate) fn said() -> Saying {
    Saying {
        space: SpaceId::ASSOCIATION,
        base: "http://box".into(),
        window: Arc::new(|_| "今天".into()),
        date: Arc::new(|_| "今天".into()),
    }
}

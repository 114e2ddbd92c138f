//! Posters that visitors share (S0-34, S0-35): the event's, and each ticket holder's with name, picture and a code of their own.

use crate::{Actor, Ctx, Error, design, design::Saying, event, promotion, registration};
use domain::{Design, Event, EventId, Refusal, SpaceId, TicketState, design::Purpose, event::EventState, refuse};
use store::Read;

/// The refusal where visitors share no posters.
fn off() -> Error {
    refuse!(Missing, "poster.off", "This event has no poster to share.").into()
}

/// The poster that visitors of a published event share.
fn shared(view: &impl Read, event: &Event) -> Result<Design, Error> {
    let share = promotion::share_in(view, event.id)?;
    if !share.posters || event.state != EventState::Published {
        return Err(off());
    }
    let posters: Vec<Design> =
        design::of_event(view, event.id)?.into_iter().filter(|design| design.purpose == Purpose::Poster).collect();
    let chosen = posters.iter().find(|design| Some(design.id) == share.poster).or_else(|| posters.first());
    chosen.cloned().ok_or_else(off)
}

/// Whether visitors share posters of the event.
pub fn is_shared(ctx: &Ctx, space: SpaceId, event: EventId) -> Result<bool, Error> {
    ctx.read(&ctx.own(space), |view| {
        let event = event::load(view, event)?;
        Ok(shared(view, &event).is_ok())
    })
}

/// How a poster is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For phones.
    Png,
    /// For printers.
    Svg,
}

/// The event's poster. Its code leads to the invitation, whoever shows it.
pub async fn of_event(ctx: &Ctx, actor: &Actor, id: EventId, said: &Saying, form: Form) -> Result<Vec<u8>, Error> {
    let (ctx, permit, said) = (ctx.clone(), ctx.public(actor), said.clone());
    crate::aside(move || {
        ctx.read(&permit, |view| {
            let event = event::load(view, id)?;
            let design = shared(view, &event)?;
            let values = design::of_all(&ctx, &event, &said)?;
            // What would stand for nobody is left out.
            let elements = design.elements.iter().filter(|element| !element.kind.is_personal()).cloned().collect();
            draw(&ctx, view, &Design { elements, ..design }, &values, None, form)
        })
    })
    .await
}

fn draw(
    ctx: &Ctx,
    view: &impl Read,
    design: &Design,
    values: &domain::design::Values,
    ticket: Option<domain::TicketId>,
    form: Form,
) -> Result<Vec<u8>, Error> {
    match form {
        Form::Png => design::png(ctx, view, design, values, ticket, design::pixels(design)),
        Form::Svg => Ok(design::svg(ctx, view, design, values, ticket)?.into_bytes()),
    }
}

/// The poster of the ticket behind a link, with the holder as where its visitors come from.
pub async fn of_link(ctx: &Ctx, space: SpaceId, link: &str, said: &Saying, form: Form) -> Result<Vec<u8>, Error> {
    let page = registration::by_link(ctx, space, link)?;
    if page.ticket.state == TicketState::Canceled {
        return Err(Refusal::missing("ticket").into());
    }
    let (ctx, permit, said) = (ctx.clone(), ctx.own(space), said.clone());
    crate::aside(move || {
        ctx.read(&permit, |view| {
            let design = shared(view, &page.event)?;
            let all = design::of_all(&ctx, &page.event, &said)?;
            let values = design::of_ticket(view, &all, &said, &page.ticket)?;
            draw(&ctx, view, &design, &values, Some(page.ticket.id), form)
        })
    })
    .await
}

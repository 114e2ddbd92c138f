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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{portrait, test, token};
    use domain::promotion::ShareInput;

    #[tokio::test]
    async fn a_poster_is_its_holders_and_follows_each_change() {
        let (hall, admin) = test::founded().await;
        let (id, kind) = test::opened(&hall, &admin).await;
        let said = design::said();
        design::create(&hall.ctx, &admin, id, "poster", |text: &str| text.to_owned()).await.unwrap();
        let mut links = Vec::new();
        for name in ["张三", "李四"] {
            let ticket = registration::add(&hall.ctx, &admin, id, kind, "", &test::named(name, "")).await.unwrap();
            links.push((ticket.id, token::link(&ticket.link)));
        }
        let draw = |link: &str| {
            let (ctx, space, link, said) = (hall.ctx.clone(), admin.space, link.to_owned(), said.clone());
            async move { of_link(&ctx, space, &link, &said, Form::Png).await }
        };
        assert_eq!(draw(&links[0].1).await.unwrap_err().code(), Some("poster.off"));
        let on = ShareInput { posters: true, ..ShareInput::default() };
        promotion::save_share(&hall.ctx, &admin, id, 0, &on).await.unwrap();
        let first = draw(&links[0].1).await.unwrap();
        assert_eq!(draw(&links[0].1).await.unwrap(), first, "the same again");
        assert_ne!(draw(&links[1].1).await.unwrap(), first, "another name, another code");
        let codes = crate::picture::codes_in(&image::load_from_memory(&first).unwrap());
        assert_eq!(codes, [format!("http://box/event/{id}?from=m{}", links[0].0)]);
        portrait::upload(&hall.ctx, admin.space, &links[0].1, crate::picture::noise_png()).await.unwrap();
        let pictured = draw(&links[0].1).await.unwrap();
        assert_ne!(pictured, first, "a portrait makes another picture of the same drawing");
        portrait::remove(&hall.ctx, admin.space, &links[0].1).await.unwrap();
        assert_eq!(draw(&links[0].1).await.unwrap(), first);
        registration::cancel(&hall.ctx, &admin, id, links[0].0).await.unwrap();
        assert_eq!(draw(&links[0].1).await.unwrap_err().code(), Some("record.missing"));
        let visitor = Actor::visitor(admin.space);
        let open = of_event(&hall.ctx, &visitor, id, &said, Form::Svg).await.unwrap();
        let open = String::from_utf8(open).unwrap();
        assert!(!open.contains("<circle cx=\"450.0\""), "nobody's initials on everybody's poster");
    }

    #[tokio::test]
    async fn a_copied_event_has_the_designs_and_the_place_of_its_original() {
        let (hall, admin) = test::founded().await;
        let (id, _) = test::opened(&hall, &admin).await;
        design::create(&hall.ctx, &admin, id, "badge_sheet", |text: &str| text.to_owned()).await.unwrap();
        let input =
            domain::place::PlaceInput { latitude: "30.2".into(), longitude: "120.2".into(), datum: String::new() };
        crate::place::save(&hall.ctx, &admin, id, &input).await.unwrap();
        let copied = event::copy(&hall.ctx, &admin, id, "再来一次").await.unwrap();
        let designs = design::list(&hall.ctx, &admin, copied).unwrap();
        assert_eq!((designs.len(), designs[0].event), (1, copied));
        assert_eq!(crate::place::get(&hall.ctx, &admin, copied).unwrap().unwrap().latitude, 30_200_000);
        assert_eq!(design::list(&hall.ctx, &admin, id).unwrap().len(), 1);
    }
}

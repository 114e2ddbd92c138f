//! The home page, one component for a frame, and the tickets that a phone knows (S0-77 … S0-80).

use crate::{
    Hall,
    answer::{Answer, Framed, page, see},
    audience::{Member, Visit},
    fields::Query,
    space::root,
};
use axum::{
    Router,
    extract::{Path, State},
    http::HeaderMap,
    routing::get,
};
use domain::{PartId, TicketState, event::EventState, home::PartSource};
use service::{event, home, identity, merchant, registration, token};
use views::{
    Tone,
    phone::{event as event_pages, home as pages},
};

/// Routes for visitors.
pub fn routes() -> Router<Hall> {
    Router::new().route("/", get(start)).route("/part/{part}", get(part)).route("/my", get(mine))
}

/// A merchant's event as the page draws it.
fn elsewhere(of: &merchant::PublicEvent) -> event_pages::Elsewhere<'_> {
    event_pages::Elsewhere { root: root(of.space), merchant: &of.merchant, event: &of.event }
}

/// A component with its events as the page draws it.
pub fn drawn(of: &home::PartPage) -> pages::PartPage<'_> {
    let events = of.events.iter().map(|one| pages::PartEvent {
        // Within a space addresses are without its prefix.
        root: one.merchant.as_ref().map_or_else(String::new, |_| root(one.space)),
        merchant: one.merchant.as_deref(),
        event: &one.event,
    });
    pages::PartPage { part: &of.part, events: events.collect() }
}

async fn start(State(hall): State<Hall>, visit: Visit, Query(query): Query) -> Answer {
    if !visit.set_up {
        return see("/setup");
    }
    let parts = home::public(&hall.ctx, &visit.visitor())?;
    let merchants = merchant::public_events(&hall.ctx, &visit.visitor())?;
    let shown: Vec<_> = merchants.iter().map(elsewhere).collect();
    if parts.is_empty() || query.ticked("all") {
        let events = event::public_list(&hall.ctx, &visit.visitor())?;
        return page(event_pages::list(&visit.shell(), &events, &shown));
    }
    // Where components show them, they need no place of their own.
    let placed = parts.iter().any(|of| of.part.source != PartSource::Own);
    let shown = if placed { &[][..] } else { &shown };
    page(pages::home(&visit.shell(), &parts.iter().map(drawn).collect::<Vec<_>>(), shown))
}

/// A component alone; sites that the settings name may show it in a frame.
async fn part(State(hall): State<Hall>, visit: Visit, Path(id): Path<u64>) -> Answer {
    let of = home::public_part(&hall.ctx, &visit.visitor(), PartId(id))?;
    let mut response = page(pages::framed(&visit.shell(), &drawn(&of)))?;
    let sites = hall.ctx.known(visit.space)?.map(|known| known.brand.frames.clone()).unwrap_or_default();
    response.extensions_mut().insert(Framed(sites));
    Ok(response)
}

/// The tickets of whoever is logged in, and those that this phone showed.
async fn mine(State(hall): State<Hall>, visit: Visit, headers: HeaderMap) -> Answer {
    let (text, now) = (visit.text(), hall.ctx.now());
    let (mut coming, mut over) = (Vec::new(), Vec::new());
    let member = Member::of(&hall, visit.space, &headers).ok().map(|Member(actor)| actor);
    let mut links: Vec<String> = crate::own::links(&headers).into_iter().map(str::to_owned).collect();
    let mut who = None;
    if let Some(actor) = &member {
        identity::used(&hall.ctx, actor).await?;
        who = Some(identity::profile(&hall.ctx, actor)?.person.name);
        for own in identity::tickets(&hall.ctx, actor)? {
            let link = token::link(&own.ticket.link);
            if !links.contains(&link) {
                links.push(link);
            }
        }
    }
    for link in &links {
        // A ticket that is gone is no reason not to show the others.
        let Ok(of) = registration::by_link(&hall.ctx, visit.space, link) else { continue };
        let (word, tone) = match (of.ticket.state, of.event.state, of.standing.first()) {
            (TicketState::Canceled, _, _) => ("Canceled", Tone::Bad),
            (_, EventState::Withdrawn, _) => ("This event does not take place.", Tone::Warn),
            (_, _, Some(_)) => ("Checked in", Tone::Good),
            (_, _, None) => ("Registered", Tone::Info),
        };
        let is_over = of.event.time.to <= now;
        let one = pages::Mine {
            link: link.clone(),
            name: of.ticket.name,
            kind: of.kind.name,
            event: of.event,
            state: (text.t(word).to_owned(), tone),
        };
        if is_over { over.push(one) } else { coming.push(one) }
    }
    coming.sort_by_key(|one| one.event.time.from);
    over.sort_by_key(|one| std::cmp::Reverse(one.event.time.from));
    page(pages::mine(&visit.shell(), who.as_deref(), &coming, &over))
}

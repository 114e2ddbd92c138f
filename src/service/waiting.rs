//! The waiting list of an event: joining, leaving, and the offers that hold what became free for those who came first.

use crate::{
    Actor, At, Ctx, Error, Work, event,
    notice::{self, To, Words},
    order,
    quota::Stocks,
    ticket_type, token,
};
use domain::{
    Event, EventId, Notice, Permission, Refusal, SpaceId, TicketType, TicketTypeId, Waiter, WaiterId,
    event::EventState,
    notice::{About, Purpose},
    refuse,
    ticket_type::{Offer, offer},
    waiting::{Turn, WAITERS_MAX, WaitState, check_waiter, next},
};
use store::catalogue::{OFFER_BY_END, WAITER_BY_LINK, WAITER_BY_PHONE, WAITERS, WAITING};
use store::{Order as Sort, Read};

/// Puts somebody on the list of a type that is sold out; the same phone waits once. Answers the link of the waiter's page.
pub async fn join(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    kind: TicketTypeId,
    name: &str,
    phone: &str,
) -> Result<String, Error> {
    let (name, phone) = check_waiter(name, phone)?;
    let mut link = [0; 16];
    ctx.random.fill(&mut link);
    let permit = ctx.public(actor);
    let waiter = ctx.write(&permit, move |work| {
        let at = event::load(work.read(), event)?;
        let sale = order::sale_in(work.read(), event)?;
        let kind = ticket_type::load(work.read(), event, kind)?;
        let member = crate::member::holds(work.read(), Some(&phone), work.now)?;
        let offers = crate::member::offers_of(work.read(), event)?;
        domain::member::check_only(offers.get(&kind.id), member, &kind.name)?;
        let stock = Stocks::read(work.read(), event)?.of(kind.id);
        let open = at.state == EventState::Published && sale.waiting;
        if !open || offer(&kind, &stock, false, at.time.to, work.now) != Offer::SoldOut {
            return Err(refuse!(Conflict, "waiting.not_open", "There is no waiting list for this ticket now.").into());
        }
        if let Some(kept) = work.read().find::<Waiter, _>(&WAITER_BY_PHONE, &(event, kind.id, phone.clone()))? {
            return Ok(kept);
        }
        if stock.waiting >= i64::try_from(WAITERS_MAX).unwrap_or(i64::MAX) {
            return Err(refuse!(Conflict, "waiting.full", "The waiting list is full.").into());
        }
        let waiter = Waiter {
            id: WaiterId(work.next_id::<Waiter>()?),
            event,
            kind: kind.id,
            name: name.clone(),
            phone: phone.clone(),
            link,
            state: WaitState::Waiting,
            created_at: work.now,
            changed_at: work.now,
        };
        work.insert(&waiter)?;
        work.audit("waiting.join", subject(&waiter), "", &summary(&waiter))?;
        Ok(waiter)
    });
    Ok(token::link(&waiter.await?.link))
}

fn subject(waiter: &Waiter) -> String {
    format!("event/{}/waiter/{}", waiter.event, waiter.id)
}

fn summary(waiter: &Waiter) -> String {
    let phone = domain::phone::masked(&waiter.phone);
    format!("{} | {phone} | type {} | {}", waiter.name, waiter.kind, waiter.state.code())
}

/// Brings a wait into its next state and keeps it.
pub(crate) fn turn(work: &mut Work<'_, '_>, waiter: &Waiter, turn: Turn) -> Result<Waiter, Error> {
    let after = Waiter { state: next(waiter.state, turn)?, changed_at: work.now, ..waiter.clone() };
    work.put(&after)?;
    work.audit("waiting.turn", subject(&after), waiter.state.code(), &summary(&after))?;
    Ok(after)
}

/// A wait as its waiter sees it.
#[derive(Debug, Clone)]
pub struct WaiterPage {
    /// The wait.
    pub waiter: Waiter,
    /// The event.
    pub event: Event,
    /// The type.
    pub kind: TicketType,
    /// How many came before and still wait.
    pub before: usize,
    /// What was said.
    pub notices: Vec<Notice>,
}

pub(crate) fn by_link(view: &impl Read, link: &str) -> Result<Waiter, Error> {
    let missing = || Refusal::missing("waiting list entry");
    let link = token::read_link(link).ok_or_else(missing)?;
    Ok(view.find::<Waiter, _>(&WAITER_BY_LINK, &link)?.ok_or_else(missing)?)
}

/// The page behind a waiter's link.
pub fn page(ctx: &Ctx, space: SpaceId, link: &str) -> Result<WaiterPage, Error> {
    ctx.read(&ctx.own(space), |view| {
        let waiter = by_link(view, link)?;
        let event = event::load(view, waiter.event)?;
        let kind = ticket_type::load(view, waiter.event, waiter.kind)?;
        let queue = view.scan_index(&WAITING, &(waiter.event, waiter.kind), None, Sort::Ascending);
        let mut before = 0;
        for key in queue {
            before += usize::from(key?.1 < waiter.id);
        }
        let notices = notice::about(view, About::Waiter(waiter.event, waiter.id))?;
        Ok(WaiterPage { waiter, event, kind, before, notices })
    })
}

/// Gives a wait up, and with it the offer.
pub async fn leave(ctx: &Ctx, actor: &Actor, link: &str) -> Result<(), Error> {
    let link = link.to_owned();
    ctx.write(&ctx.public(actor), move |work| {
        let waiter = by_link(work.read(), &link)?;
        turn(work, &waiter, Turn::Leave).map(drop)
    })
    .await
}

/// Everybody who waited or waits for the event, who came first in front, for the secretariat.
pub fn list(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<Waiter>, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    ctx.read(&permit, |view| {
        view.scan::<Waiter>(&event, None, Sort::Ascending).take(WAITERS_MAX).map(|kept| Ok(kept?.1)).collect()
    })
}

/// Most offers of one transaction.
const OFFERS_AT_ONCE: usize = 200;

/// Ends the offers whose time is over and makes new ones for what is free; answers how many waits moved. Called by the clock.
pub async fn advance(ctx: &Ctx, space: SpaceId) -> Result<usize, Error> {
    let permit = ctx.own(space);
    let now = ctx.now();
    let due: Vec<(EventId, WaiterId)> =
        ctx.read(&permit, |view| crate::job::due(view, &OFFER_BY_END, now, OFFERS_AT_ONCE))?;
    let mut moved = due.len();
    for key in due {
        ctx.write(&permit, move |work| {
            let Some(waiter) = work.read().get::<Waiter>(&key)? else { return Ok(()) };
            match waiter.state {
                WaitState::Offered(until) if until <= work.now => turn(work, &waiter, Turn::Lapse).map(drop),
                _ => Ok(()),
            }
        })
        .await?;
    }
    let queues = ctx.read(&permit, |view| Ok(view.counts(&WAITERS, &()).collect::<Result<Vec<_>, _>>()?))?;
    for ((event, kind), _) in queues {
        moved += ctx.write(&permit, move |work| offer_free(work, event, kind)).await?;
    }
    Ok(moved)
}

/// Holds what is free of a type for those who wait; nothing once the event takes no registrations any more.
fn offer_free(work: &mut Work<'_, '_>, event: EventId, kind: TicketTypeId) -> Result<usize, Error> {
    let at = event::load(work.read(), event)?;
    let kind = ticket_type::load(work.read(), event, kind)?;
    let stock = Stocks::read(work.read(), event)?.of(kind.id);
    let alone = domain::ticket_type::Stock { waiting: 0, ..stock };
    if at.state != EventState::Published || offer(&kind, &alone, false, at.time.to, work.now) != Offer::Open {
        return Ok(0);
    }
    let free = stock.left(&kind).map_or(OFFERS_AT_ONCE, |left| usize::try_from(left).unwrap_or(0).min(OFFERS_AT_ONCE));
    let sale = order::sale_in(work.read(), event)?;
    let until = sale.offered_until(work.now, at.time.to);
    let queue = work.read().scan_index(&WAITING, &(event, kind.id), None, Sort::Ascending).take(free);
    let first: Vec<(EventId, WaiterId)> = queue.collect::<Result<_, _>>()?;
    for key in &first {
        let waiter = work.read().get::<Waiter>(key)?.ok_or_else(|| Refusal::missing("waiting list entry"))?;
        let waiter = turn(work, &waiter, Turn::Offer(until))?;
        let words = Words {
            purpose: Purpose::PlaceOffered,
            cause: until.0.to_string(),
            values: vec![("event", at.name.clone()), ("until", until.0.to_string())],
            text: String::new(),
            useful_until: Some(until),
        };
        notice::say(work, &To::waiter(&waiter), words)?;
    }
    Ok(first.len())
}

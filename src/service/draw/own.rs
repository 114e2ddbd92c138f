//! What somebody's own phone shows of draws: lucky numbers, prizes, winners, joining by the code, tapping (S0-83, S0-84, S1-51, S1-52).

use super::{claim::came, draw_in, entrant, freeze, live, lucky, public_view, rounds_in, running_in, wins_in};
use crate::{Actor, Ctx, Error, registration, token};
use domain::{
    Draw, DrawId, Event, EventId, Refusal, SpaceId, Ticket, TicketId,
    draw::{Entrant, Face, Mode, Moderation, Phase, Who, Win, method::Tap},
    phone, refuse,
    text::Form,
};
use store::Order;
use store::Read;
use store::catalogue::{ENTRANT_BY_TOKEN, WIN_BY_TICKET};

/// Somebody that this phone is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Who.
    pub who: Who,
    /// Name.
    pub name: String,
    /// Lucky number.
    pub lucky: String,
    /// Takes part, as things stand.
    pub takes_part: bool,
    /// What became of the picture they gave of themselves.
    pub face: Option<Moderation>,
}

/// A win as phones show it.
#[derive(Debug, Clone)]
pub struct OwnWin {
    /// The win.
    pub win: Win,
    /// The prize.
    pub prize: String,
    /// Its level.
    pub level: String,
    /// A table won as one.
    pub of_table: bool,
}

/// What a phone shows of a draw.
#[derive(Debug, Clone)]
pub struct Mine {
    /// The draw.
    pub draw: Draw,
    /// Its event.
    pub event: Event,
    /// Who this phone is.
    pub known: Vec<Known>,
    /// Their prizes.
    pub wins: Vec<OwnWin>,
    /// All winners that stand, by round and place.
    pub winners: Vec<OwnWin>,
    /// Names roll.
    pub rolling: bool,
    /// Version of the state, for the stream.
    pub version: u64,
}

/// The tickets and joined entrants that a phone's cookies stand for.
pub(super) fn known_in(
    ctx: &Ctx,
    view: &store::SpaceView,
    draw: &Draw,
    links: &[&str],
    kept: Option<&str>,
) -> Result<Vec<Known>, Error> {
    let mut all: Vec<(Who, String)> = Vec::new();
    for link in links {
        let Some(link) = token::read_link(link) else { continue };
        let ticket = view.find::<Ticket, _>(&store::catalogue::TICKET_BY_LINK, &link)?;
        if let Some(ticket) = ticket.filter(|ticket| ticket.event == draw.event && super::setup::stands(ticket)) {
            all.push((Who::Ticket(ticket.id), ticket.name));
        }
    }
    if let Some(entrant) =
        kept.map(|kept| view.find::<Entrant, _>(&ENTRANT_BY_TOKEN, &token::hash(kept))).transpose()?.flatten()
        && entrant.draw == draw.id
        && !entrant.removed
        && entrant.ticket.is_none()
    {
        all.push((Who::Extra(entrant.id), entrant.name));
    }
    let mut known = Vec::with_capacity(all.len());
    for (who, name) in all {
        let (extra, id) = match who {
            Who::Ticket(ticket) => (false, ticket.0),
            Who::Extra(entrant) => (true, entrant.0),
        };
        let face = view.get::<Face>(&(draw.id, extra, id))?.map(|face| face.state);
        let takes_part = takes_part(ctx, view, draw, who)?;
        known.push(Known { lucky: lucky(draw.event, who), who, name, takes_part, face });
    }
    Ok(known)
}

fn takes_part(ctx: &Ctx, view: &store::SpaceView, draw: &Draw, who: Who) -> Result<bool, Error> {
    let Who::Ticket(id) = who else { return Ok(true) };
    let Some(ticket) = super::setup::standing(view, draw.event, id)? else { return Ok(false) };
    let joined = view.find::<Entrant, _>(&store::catalogue::ENTRANT_BY_TICKET, &(draw.id, id))?;
    let of = domain::draw::Candidate {
        who,
        registered: true,
        entered: came(ctx, view.space_id(), draw.event, who)?,
        joined: joined.is_some_and(|entrant| !entrant.removed),
        kind: Some(ticket.kind),
        group: ticket.group,
        table: None,
    };
    Ok(domain::draw::may_win(draw, &freeze::open_round(draw.id), &Default::default(), &of))
}

/// What a phone shows of a draw: `links` are the tickets it holds, `kept` what it was given when it joined.
pub fn mine(ctx: &Ctx, space: SpaceId, id: DrawId, links: &[&str], kept: Option<&str>) -> Result<Mine, Error> {
    ctx.read(&ctx.own(space), |view| {
        let (draw, event) = public_view(view, id)?;
        let running = running_in(view, id)?;
        let rounds = rounds_in(view, id)?;
        let known = known_in(ctx, view, &draw, links, kept)?;
        let mut winners = Vec::new();
        for win in wins_in(view, id)?.into_iter().filter(|win| win.void.is_none()) {
            let Some(round) = rounds.iter().find(|round| round.id == win.round) else { continue };
            let of_table = round.mode == Mode::Table;
            winners
                .push((round.order, OwnWin { prize: round.prize.clone(), level: round.level.clone(), of_table, win }));
        }
        winners.sort_by_key(|(order, of)| (*order, of.win.place, of.win.number));
        let winners: Vec<OwnWin> = winners.into_iter().map(|of| of.1).collect();
        let mut tables = Vec::new();
        for of in &known {
            tables.extend(freeze::details(view, draw.event, id, of.who)?.and_then(|details| details.table));
        }
        let mine = |win: &Win| match win.who {
            Some(who) => known.iter().any(|of| of.who == who),
            None => win.table.is_some_and(|table| tables.contains(&table)),
        };
        let wins = winners.iter().filter(|of| mine(&of.win)).cloned().collect();
        let (rolling, version) = (running.phase == Phase::Rolling, running.version);
        Ok(Mine { draw, event, known, wins, winners, rolling, version })
    })
}

/// A draw with how many prizes somebody holds there.
pub type Won = (Draw, usize);

/// What a ticket's page says of draws (S0-31, S0-83): its lucky number when a draw shows it, and each draw with what was won there.
pub fn numbers_of(
    ctx: &Ctx,
    space: SpaceId,
    event: EventId,
    ticket: TicketId,
) -> Result<(Option<String>, Vec<Won>), Error> {
    ctx.read(&ctx.own(space), |view| {
        let draws = super::list::draws_in(view, event)?;
        let mut wins = Vec::new();
        for key in view.scan_index(&WIN_BY_TICKET, &ticket, None, Order::Ascending) {
            wins.extend(view.get::<Win>(&key?)?.filter(|win| win.void.is_none()));
        }
        let shown = draws.iter().any(|draw| draw.show_number);
        let number = shown.then(|| lucky(event, Who::Ticket(ticket)));
        let count = |draw: &Draw| wins.iter().filter(|win| win.draw == draw.id).count();
        Ok((
            number,
            draws
                .into_iter()
                .map(|draw| {
                    let won = count(&draw);
                    (draw, won)
                })
                .collect(),
        ))
    })
}

/// What stands in the code for joining, signed by the box.
fn code_text(space: SpaceId, draw: &Draw) -> String {
    format!("draw.{space}.{}.{}", draw.id, draw.code_series)
}

/// The code that people scan to join (S1-51).
pub fn join_code(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId) -> Result<String, Error> {
    let permit = super::act::may_look(ctx, actor, event)?;
    ctx.read(&permit, |view| {
        let draw = draw_in(view, event, id)?;
        if !draw.joined {
            return Err(closed().into());
        }
        Ok(ctx.sealer.sign(&code_text(permit.space, &draw)))
    })
}

fn closed() -> Refusal {
    refuse!(Conflict, "draw.not_joinable", "Nobody joins this draw by a code. The draw's settings can change that.")
}

/// Looks at a code that somebody scanned.
pub fn look_join(ctx: &Ctx, space: SpaceId, code: &str) -> Result<(Draw, Event), Error> {
    let ended =
        || refuse!(Denied, "draw.code_ended", "This code is not valid any more. Scan the code in the hall again.");
    let text = ctx.sealer.signed(code).ok_or_else(ended)?;
    let id = text.split('.').nth(2).and_then(|id| id.parse().ok()).ok_or_else(ended)?;
    ctx.read(&ctx.own(space), |view| {
        let (draw, event) = public_view(view, id)?;
        if code_text(space, &draw) != text {
            return Err(ended().into());
        }
        if !draw.joined {
            return Err(closed().into());
        }
        Ok((draw, event))
    })
}

/// Joins a draw by its code: the holder of a ticket by its link, anybody else by name and phone where the draw lets strangers in. Answers
/// what a phone keeps to be known again; nothing for the holder of a ticket.
pub async fn join(
    ctx: &Ctx,
    space: SpaceId,
    code: &str,
    link: &str,
    name: &str,
    typed: &str,
) -> Result<Option<String>, Error> {
    let (draw, event) = look_join(ctx, space, code)?;
    if ctx.now() >= event.time.to {
        return Err(refuse!(Conflict, "draw.event_over", "This event is over.").into());
    }
    let permit = ctx.public(&Actor::visitor(space));
    if !link.is_empty() {
        let ticket = registration::by_link(ctx, space, link)?.ticket;
        if ticket.event != draw.event || !super::setup::stands(&ticket) {
            return Err(refuse!(Denied, "draw.other_ticket", "This ticket is not one of this event.").into());
        }
        ctx.write(&permit, move |work| join_ticket(work, &draw, &ticket)).await?;
        return Ok(None);
    }
    if !draw.strangers {
        return Err(refuse!(
            Denied,
            "draw.ticket_needed",
            "Only people with a ticket of this event take part. Open your ticket on this phone first."
        )
        .into());
    }
    let mut form = Form::default();
    let name = form.required("name", name, domain::person::NAME_MAX);
    let phone = phone::normalise(typed);
    if phone.is_none() {
        form.wrong(domain::problem!("phone", "This is not a phone number. Give 11 digits, or + and the country code."));
    }
    form.done(())?;
    // Names stand on the hall's screen.
    let known = ctx.read(&permit, |view| super::check::by_phone(view, phone.as_deref()))?;
    if let Some(link) = known {
        crate::wechat::check_name(ctx, space, &link.into(), &name).await?;
    }
    let secret = token::new(ctx.random.as_ref());
    let new = entrant::NewEntrant {
        name,
        phone,
        company: String::new(),
        group: String::new(),
        seat: String::new(),
        token: Some(token::hash(&secret)),
    };
    ctx.write(&permit, move |work| {
        if let Some(phone) = &new.phone
            && work.read().find_key::<Ticket, _>(&store::catalogue::TICKET_BY_PHONE, &(phone.clone(), draw.event))?.is_some()
        {
            // Who has a ticket shows it: a phone number alone proves nothing.
            return Err(refuse!(Conflict, "draw.has_ticket", "This phone number has a ticket. Open the ticket on this phone with “Find my ticket”, then scan the code again.").into());
        }
        if let Some(phone) = &new.phone
            && let Some(kept) = work.read().find::<Entrant, _>(&store::catalogue::ENTRANT_BY_PHONE, &(draw.id, phone.clone()))?
            && kept.token.is_some()
            && !kept.removed
        {
            return Err(refuse!(Conflict, "draw.joined_already", "This phone number takes part already, on another phone or browser.").into());
        }
        entrant::put(work, &draw, &new)?;
        Ok(())
    })
    .await?;
    Ok(Some(secret))
}

fn join_ticket(work: &mut crate::Work<'_, '_>, draw: &Draw, ticket: &Ticket) -> Result<(), Error> {
    let kept = work.read().find::<Entrant, _>(&store::catalogue::ENTRANT_BY_TICKET, &(draw.id, ticket.id))?;
    if let Some(kept) = kept {
        if kept.removed {
            work.put(&Entrant { removed: false, ..kept })?;
            work.audit("draw.join", format!("{}/ticket/{}", super::subject(draw), ticket.id), "", &ticket.name)?;
        }
        return Ok(());
    }
    let entrant = Entrant {
        id: domain::EntrantId(work.next_id::<Entrant>()?),
        draw: draw.id,
        ticket: Some(ticket.id),
        name: ticket.name.clone(),
        phone: None,
        company: String::new(),
        group: None,
        seat: String::new(),
        token: None,
        removed: false,
        created_at: work.now,
    };
    work.insert(&entrant)?;
    work.audit("draw.join", format!("{}/ticket/{}", super::subject(draw), ticket.id), "", &ticket.name)
}

/// Takes a tap of somebody while names roll; answers whether it went into the public value.
pub fn tap(
    ctx: &Ctx,
    space: SpaceId,
    id: DrawId,
    links: &[&str],
    kept: Option<&str>,
    value: [u8; 8],
) -> Result<bool, Error> {
    ctx.read(&ctx.own(space), |view| {
        let (draw, _) = public_view(view, id)?;
        let running = running_in(view, id)?;
        let Some(frozen) = running.frozen.filter(|_| running.phase == Phase::Rolling) else {
            return Err(domain::draw::next(running.phase, &domain::draw::Act::Stop(String::new()))
                .err()
                .unwrap_or_else(closed)
                .into());
        };
        let known = known_in(ctx, view, &draw, links, kept)?;
        let who = known.iter().find(|of| of.takes_part).ok_or_else(stranger)?;
        Ok(live::Live::tap(&ctx.draws, (space, id), frozen.turn, Tap { number: who.lucky.clone(), value }))
    })
}

pub(super) fn stranger() -> Refusal {
    refuse!(
        Denied,
        "draw.stranger",
        "This phone takes no part in the draw. Open your ticket on it first, or scan the draw's code."
    )
}

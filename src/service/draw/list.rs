//! The draws of an event, and the names that roll over the screen.

use super::{draw_in, freeze, lucky, public_view, running_in};
use crate::{Actor, Ctx, Error};
use domain::{
    Draw, DrawId, Event, EventId, SpaceId,
    draw::{Barred, Running, Who, masked, may_win},
};
use store::catalogue::DRAW_BY_EVENT;
use store::{Order, Read};

pub(super) fn draws_in(view: &impl Read, event: EventId) -> Result<Vec<Draw>, Error> {
    let keys = view.scan_index(&DRAW_BY_EVENT, &event, None, Order::Ascending);
    keys.map(|key| draw_in(view, event, key?)).collect()
}

/// The draws of an event with where each stands, for whoever sees the event or runs its draws.
pub fn of_event(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<(Event, Vec<(Draw, Running)>), Error> {
    let permit = super::act::may_look(ctx, actor, event)?;
    ctx.read(&permit, |view| {
        let draws = draws_in(view, event)?.into_iter().map(|draw| {
            let running = running_in(view, draw.id)?;
            Ok::<_, Error>((draw, running))
        });
        let draws = draws.collect::<Result<Vec<_>, _>>()?;
        Ok((crate::event::load(view, event)?, draws))
    })
}

/// Most names that roll; more could not be told apart.
const NAMES_MAX: usize = 5_000;

/// Names and lucky numbers to roll, as the draw shows them: of the frozen list while names roll, else of those who take part now. Of more
/// than can be shown, evenly chosen ones. Blocks the thread.
pub fn names(ctx: &Ctx, space: SpaceId, id: DrawId) -> Result<Vec<(String, String)>, Error> {
    let view = ctx.store().view().space(space);
    let (draw, _) = public_view(&view, id)?;
    let running = running_in(&view, id)?;
    let joined = freeze::Joined::read(&view, &draw)?;
    let round = running.round.map(|round| super::round_in(&view, id, round)).transpose()?;
    if let (Some(round), Some(frozen)) = (&round, &running.frozen)
        && round.mode.is_tables()
    {
        let all: Vec<u32> = (0..frozen.count.min(2_000)).collect();
        let tables = freeze::behind(ctx, &frozen.people, &all)?;
        return Ok(tables
            .iter()
            .filter_map(|unit| unit.table)
            .map(|table| (table.to_string(), String::new()))
            .collect());
    }
    let all = freeze::candidates(ctx, space, &draw, &joined, false)?;
    let open = freeze::open_round(id);
    let barred = match &round {
        Some(round) => Barred::of(&super::wins_in(&view, id)?, round.id, |who| joined.same(who)),
        None => Barred::default(),
    };
    let round = round.unwrap_or(open);
    let takes: Vec<Who> = all.iter().filter(|of| may_win(&draw, &round, &barred, of)).map(|of| of.who).collect();
    let step = takes.len().div_ceil(NAMES_MAX).max(1);
    let cards = ctx.memory.cards.load((space, draw.event), || view.clone())?;
    let mut out = Vec::with_capacity(takes.len() / step + 1);
    for who in takes.iter().step_by(step) {
        let name = match who {
            Who::Ticket(ticket) => cards.look(|cards| cards.by_ticket(*ticket))?.map(|holder| holder.name),
            Who::Extra(_) => freeze::details(&view, draw.event, id, *who)?.map(|of| of.name),
        };
        out.push((masked(draw.masking, &name.unwrap_or_default()), lucky(draw.event, *who)));
    }
    Ok(out)
}

fn key_text(space: SpaceId, id: DrawId) -> String {
    format!("screen.{space}.{id}")
}

/// What opens the screen of a draw on a computer where nobody is logged in; it shows what the hall sees, and nothing can be pressed by it.
pub fn screen_key(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId) -> Result<String, Error> {
    let permit = super::act::may_look(ctx, actor, event)?;
    ctx.read(&permit, |view| draw_in(view, event, id))?;
    Ok(ctx.sealer.sign(&key_text(permit.space, id)))
}

/// Whether a key opens the screen of a draw.
pub fn opens_screen(ctx: &Ctx, space: SpaceId, id: DrawId, key: &str) -> bool {
    ctx.sealer.signed(key) == Some(key_text(space, id).as_str())
}

/// The event of a draw, and whether somebody may look at its pages and run it.
pub fn rights(ctx: &Ctx, actor: &Actor, id: DrawId) -> Result<(EventId, bool, bool), Error> {
    let draw = ctx.read(&ctx.own(actor.space), |view| Ok(view.get::<Draw>(&id)?))?;
    let event = draw.ok_or_else(|| domain::Refusal::missing("draw"))?.event;
    let looks = super::act::may_look(ctx, actor, event).is_ok();
    Ok((event, looks, super::act::may_run(ctx, actor, event).is_ok()))
}

/// The newest reading of a draw for its screen.
pub fn screen_state(ctx: &Ctx, space: SpaceId, id: DrawId) -> Result<std::sync::Arc<str>, Error> {
    Ok(super::watch(ctx, space, id, super::Side::Screen)?.borrow().clone())
}

//! Running a draw: the wand, and every act of the stage. A turn's list is on disk before names roll, and its winners before the first
//! name is shown. Whoever acts says which state they saw: of two who press at once, one is told that the draw has moved on.

use super::{
    draw_in,
    freeze::{self, details},
    keep, live, lucky, record_line, round_in, running_in, setup, subject, wins_in,
};
use crate::{
    Actor, At, Ctx, Error, Permit, Who as Asking, Work,
    notice::{self, To, Words},
};
use domain::{
    Draw, DrawId, EventId, Permission, Refusal, Round, RoundId, Ticket,
    draw::{
        Act, Assigned, Drawn, Frozen, Mode, Phase, Running, Said, Unit, Void, Wand, Who, Win, masked, method, next,
        open_places, reason,
    },
    notice::Purpose,
    problem, refuse,
};
use std::collections::HashMap;
use store::{Read, SpaceView};

/// Who sees a draw's pages: whoever sees the event, or runs its draws.
pub(super) fn may_look(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Permit, Error> {
    ctx.permit(actor, Permission::EventView, At::Event(event))
        .or_else(|_| ctx.permit(actor, Permission::DrawRun, At::Event(event)))
}

pub(super) fn may_run(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Permit, Error> {
    ctx.permit(actor, Permission::DrawRun, At::Event(event))
}

/// The name that the record gives to whoever acts.
pub(super) fn name_of(actor: &Actor) -> String {
    match &actor.who {
        Asking::Staff { name, .. } | Asking::Device { name, .. } | Asking::Client { name, .. } => name.clone(),
        Asking::Visitor | Asking::Person { .. } => String::new(),
    }
}

/// What an act did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Where the draw stands now.
    pub running: Running,
    /// Who won by it.
    pub wins: Vec<Win>,
}

/// Takes the wand, whoever holds it; everybody sees from whom.
pub async fn take_wand(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId) -> Result<(), Error> {
    let permit = may_run(ctx, actor, event)?;
    let name = name_of(actor);
    ctx.write(&permit, move |work| {
        let draw = draw_in(work.read(), event, id)?;
        let mut running = running_in(work.read(), id)?;
        let before = running.wand.as_ref().map_or(String::new(), |wand| wand.name.clone());
        running.wand = Some(Wand::taken(running.wand.as_ref(), id, work.permit.by, &name, work.now));
        keep(work, &mut running)?;
        work.audit("draw.wand", subject(&draw), &before, &name)
    })
    .await
}

/// Opens a transaction of an act: nobody else holds the wand, and the state is the one that was seen.
fn begin(work: &Work<'_, '_>, event: EventId, id: DrawId, seen: u64, name: &str) -> Result<(Draw, Running), Error> {
    let draw = draw_in(work.read(), event, id)?;
    let mut running = running_in(work.read(), id)?;
    let (by, now) = (work.permit.by, work.now);
    if let Some(wand) = running.wand.as_ref().filter(|wand| wand.is_held_by_other(by, now)) {
        return Err(refuse!(
            Conflict,
            "draw.no_wand",
            "{name} is running the draw. Take over first if that is agreed.",
            name = wand.name
        )
        .into());
    }
    if running.version != seen {
        return Err(moved_on().into());
    }
    running.wand = Some(Wand::taken(running.wand.as_ref(), id, by, name, now));
    Ok((draw, running))
}

fn moved_on() -> Refusal {
    refuse!(Conflict, "draw.moved_on", "The draw has moved on meanwhile. Look at where it stands and press again.")
}

/// Does what an operator pressed, who saw the state of version `seen`.
pub async fn act(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId, seen: u64, act: Act) -> Result<Stage, Error> {
    let permit = may_run(ctx, actor, event)?;
    let name = name_of(actor);
    match act {
        Act::Start | Act::Redraw => start(ctx, &permit, event, id, seen, name, act).await,
        Act::Stop(called) => stop(ctx, &permit, event, id, seen, name, &called).await,
        Act::Wait | Act::Open(_) | Act::Wall | Act::Cancel(_) => {
            if matches!(act, Act::Open(_)) {
                // Somebody will press start in a moment, with a hall that waits for it.
                let (inner, space) = (ctx.clone(), permit.space);
                drop(tokio::task::spawn_blocking(move || freeze::warm(&inner, space, event)));
            }
            let inner = ctx.clone();
            ctx.write(&permit, move |work| {
                let (draw, mut running) = begin(work, event, id, seen, &name)?;
                let before = running.phase;
                running.phase = next(before, &act)?;
                match &act {
                    Act::Open(round) => {
                        round_in(work.read(), id, *round)?;
                        running.round = Some(*round);
                    }
                    Act::Cancel(why) => cancel(&inner, work, &draw, &mut running, &name, why)?,
                    _ => {}
                }
                keep(work, &mut running)?;
                work.audit("draw.act", subject(&draw), before.code(), running.phase.code())?;
                Ok(Stage { running, wins: Vec::new() })
            })
            .await
        }
    }
}

/// Gives a turn up. Its secret is told, so that nobody can use it again.
fn cancel(
    ctx: &Ctx,
    work: &mut Work<'_, '_>,
    draw: &Draw,
    running: &mut Running,
    by: &str,
    why: &str,
) -> Result<(), Error> {
    let turn = running.frozen.take().map_or(running.turn, |frozen| frozen.turn);
    let (root, _) = setup::secrets(ctx, work.read(), draw.id)?;
    let secret = secret(&root, turn)?;
    let said = Said::Cancel { turn, secret: method::hex(&secret), reason: reason(why) };
    record_line(work, draw, running, by, &said)
}

fn secret(root: &method::Hash, turn: u32) -> Result<method::Hash, Error> {
    Ok(method::secret(root, turn).ok_or_else(|| {
        refuse!(
            Conflict,
            "draw.used_up",
            "This draw has been used up after {max} turns. Make a new one.",
            max = method::TURNS_MAX
        )
    })?)
}

/// What a turn is begun with.
struct Begun {
    draw: Draw,
    round: Round,
    turn: u32,
    places: Vec<u32>,
}

fn prepare(
    ctx: &Ctx,
    permit: &Permit,
    event: EventId,
    id: DrawId,
    seen: u64,
    act: &Act,
) -> Result<(Begun, Vec<Win>), Error> {
    ctx.read(permit, |view| {
        let draw = draw_in(view, event, id)?;
        let running = running_in(view, id)?;
        if running.version != seen {
            return Err(moved_on().into());
        }
        next(running.phase, act)?;
        let round = running.round.ok_or_else(|| next(Phase::Waiting, act).err().unwrap_or_else(moved_on))?;
        let round = round_in(view, id, round)?;
        let wins = wins_in(view, id)?;
        let places = open_places(&round, &wins, *act == Act::Redraw);
        if places.is_empty() {
            let none = if *act == Act::Redraw {
                refuse!(
                    Conflict,
                    "draw.none_void",
                    "No prize of this round was taken back: there is nothing to draw again."
                )
            } else {
                refuse!(
                    Conflict,
                    "draw.all_drawn",
                    "All prizes of this round are drawn. Choose another round, or add prizes."
                )
            };
            return Err(none.into());
        }
        Ok((Begun { draw, round, turn: running.turn + 1, places }, wins))
    })
}

async fn start(
    ctx: &Ctx,
    permit: &Permit,
    event: EventId,
    id: DrawId,
    seen: u64,
    name: String,
    act: Act,
) -> Result<Stage, Error> {
    let (begun, wins) = prepare(ctx, permit, event, id, seen, &act)?;
    if begun.round.mode == Mode::Designated {
        return assign_in(ctx, permit, event, id, seen, name, begun.round.id).await;
    }
    let (inner, draw, round) = (ctx.clone(), begun.draw.clone(), begun.round.clone());
    let space = permit.space;
    let frozen = tokio::task::spawn_blocking(move || {
        let view = inner.store().view().space(space);
        freeze::freeze(&inner, &view, &draw, &round, &wins)
    });
    let list = frozen.await.map_err(|error| Error::internal("freezing a list", error))??;
    let inner = ctx.clone();
    let answer = ctx
        .write(permit, move |work| {
            let (draw, mut running) = begin(work, event, id, seen, &name)?;
            let round = round_in(work.read(), id, begun.round.id)?;
            if draw.revision != begun.draw.revision || round.revision != begun.round.revision {
                return Err(moved_on().into());
            }
            let (root, _) = setup::secrets(&inner, work.read(), id)?;
            secret(&root, begun.turn)?;
            running.phase = next(running.phase, &act)?;
            running.turn = begun.turn;
            let said = Said::Freeze {
                turn: begun.turn,
                round: round.id.0,
                prize: round.prize.clone(),
                level: round.level.clone(),
                mode: round.mode.code().to_owned(),
                quantity: round.quantity,
                places: begun.places.clone(),
                count: list.count,
                list: method::hex(&list.list),
            };
            running.frozen = Some(Frozen {
                turn: begun.turn,
                places: begun.places.clone(),
                list: list.list,
                people: list.people,
                count: list.count,
            });
            record_line(work, &draw, &mut running, &name, &said)?;
            keep(work, &mut running)?;
            Ok(Stage { running, wins: Vec::new() })
        })
        .await?;
    ctx.draws.gather((permit.space, id), answer.running.turn);
    Ok(answer)
}

/// A turn's winners, computed and not yet kept.
struct Picked {
    said: Said,
    units: Vec<(u32, Unit)>,
}

fn picked(ctx: &Ctx, view: &SpaceView, draw: &Draw, frozen: &Frozen, called: &str) -> Result<Picked, Error> {
    let called: String = domain::text::line(called).chars().take(method::CALLED_MAX).collect();
    let taps = ctx.draws.taps((view.space_id(), draw.id), frozen.turn);
    if taps.is_empty() && called.is_empty() {
        return Err(refuse!(
            Conflict,
            "draw.no_public_value",
            "Nobody has tapped yet. Let somebody in the hall call a number and type it in."
        )
        .into());
    }
    let (root, _) = setup::secrets(ctx, view, draw.id)?;
    let secret = secret(&root, frozen.turn)?;
    let public = method::public_value(&called, &taps);
    let seed = method::seed(&secret, &public, &frozen.list, frozen.turn);
    let wanted = u32::try_from(frozen.places.len()).unwrap_or(u32::MAX);
    let indexes = method::pick(&seed, frozen.count, wanted);
    let units = freeze::behind(ctx, &frozen.people, &indexes)?;
    let key = freeze::salt_key(ctx, view, draw.id)?;
    let mut winners = Vec::with_capacity(units.len());
    for ((unit, index), place) in units.iter().zip(&indexes).zip(&frozen.places) {
        let text = freeze::text_of(draw.event, unit);
        let name = match (unit.table, unit.people.first()) {
            (Some(table), _) => table.to_string(),
            (None, Some(who)) => details(view, draw.event, draw.id, *who)?.unwrap_or_default().name,
            (None, None) => String::new(),
        };
        winners.push(Drawn {
            place: *place,
            index: *index,
            salt: method::hex(&freeze::salt_of(&key, &text)),
            text,
            name: if unit.table.is_some() { name } else { masked(draw.masking, &name) },
        });
    }
    let said = Said::Draw {
        turn: frozen.turn,
        secret: method::hex(&secret),
        called,
        taps: taps.iter().map(|tap| (tap.number.clone(), method::hex(&tap.value))).collect(),
        public: method::hex(&public),
        seed: method::hex(&seed),
        winners,
    };
    Ok(Picked { said, units: frozen.places.iter().copied().zip(units).collect() })
}

async fn stop(
    ctx: &Ctx,
    permit: &Permit,
    event: EventId,
    id: DrawId,
    seen: u64,
    name: String,
    called: &str,
) -> Result<Stage, Error> {
    let (inner, asked, called) = (ctx.clone(), permit.clone(), called.to_owned());
    let computed = tokio::task::spawn_blocking(move || {
        inner.read(&asked, |view| {
            let (draw, running) = (draw_in(view, event, id)?, running_in(view, id)?);
            if running.version != seen {
                return Err(moved_on().into());
            }
            next(running.phase, &Act::Stop(String::new()))?;
            let frozen = running.frozen.ok_or_else(moved_on)?;
            let picked = picked(&inner, view, &draw, &frozen, &called)?;
            Ok((frozen.turn, picked))
        })
    });
    let (turn, picked) = computed.await.map_err(|error| Error::internal("picking winners", error))??;
    let answer = ctx
        .write(permit, move |work| {
            let (draw, mut running) = begin(work, event, id, seen, &name)?;
            running.phase = next(running.phase, &Act::Stop(String::new()))?;
            if running.frozen.take().is_none_or(|frozen| frozen.turn != turn) {
                return Err(moved_on().into());
            }
            let round = running.round.ok_or_else(moved_on)?;
            let round = round_in(work.read(), id, round)?;
            let first = running.wins;
            let mut wins = Vec::new();
            for (place, unit) in &picked.units {
                wins.extend(won(work, &draw, &round, &mut running, *place, turn, unit)?);
            }
            running.shown = turn;
            running.winners = (first, running.wins);
            record_line(work, &draw, &mut running, &name, &picked.said)?;
            keep(work, &mut running)?;
            Ok(Stage { running, wins })
        })
        .await?;
    ctx.draws.forget((permit.space, id));
    Ok(answer)
}

/// Keeps the wins of one place.
fn won(
    work: &mut Work<'_, '_>,
    draw: &Draw,
    round: &Round,
    running: &mut Running,
    place: u32,
    turn: u32,
    unit: &Unit,
) -> Result<Vec<Win>, Error> {
    let holders: Vec<Option<Who>> = match round.mode {
        Mode::Table => vec![None],
        _ => unit.people.iter().copied().map(Some).collect(),
    };
    let mut wins = Vec::with_capacity(holders.len());
    for who in holders {
        let of = match who {
            Some(who) => details(work.read(), draw.event, draw.id, who)?.unwrap_or_default(),
            None => Default::default(),
        };
        let table = unit.table.unwrap_or(0);
        let win = Win {
            draw: draw.id,
            number: running.wins,
            round: round.id,
            place,
            turn,
            who,
            table: unit.table,
            lucky: who.map_or_else(|| table.to_string(), |who| lucky(draw.event, who)),
            name: of.name,
            company: of.company,
            phone: of.phone,
            assigned: turn == 0,
            counts: !matches!(round.mode, Mode::Random | Mode::Table),
            at: work.now,
            void: None,
            claim: None,
        };
        running.wins += 1;
        work.insert(&win)?;
        tell(work, draw, round, &win)?;
        wins.push(win);
    }
    Ok(wins)
}

/// Tells a winner who holds a ticket; whoever joined without one has nothing to be told by.
fn tell(work: &mut Work<'_, '_>, draw: &Draw, round: &Round, win: &Win) -> Result<(), Error> {
    let Some(Who::Ticket(ticket)) = win.who else { return Ok(()) };
    let Some(ticket) = work.read().get::<Ticket>(&(draw.event, ticket))? else { return Ok(()) };
    let values = vec![
        ("event", crate::event::load(work.read(), draw.event)?.name),
        ("prize", round.prize.clone()),
        ("number", win.lucky.clone()),
    ];
    let cause = format!("{}/{}", draw.id, win.number);
    let words = Words { purpose: Purpose::PrizeWon, cause, values, text: String::new(), useful_until: None };
    notice::say(work, &To::holder(&ticket), words)
}

/// Announces those who were named beforehand. They stand in the record as assigned.
pub async fn assign(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: DrawId,
    seen: u64,
    round: RoundId,
) -> Result<Stage, Error> {
    let permit = may_run(ctx, actor, event)?;
    assign_in(ctx, &permit, event, id, seen, name_of(actor), round).await
}

async fn assign_in(
    ctx: &Ctx,
    permit: &Permit,
    event: EventId,
    id: DrawId,
    seen: u64,
    name: String,
    round: RoundId,
) -> Result<Stage, Error> {
    ctx.write(permit, move |work| {
        let (draw, mut running) = begin(work, event, id, seen, &name)?;
        let round = round_in(work.read(), id, round)?;
        if round.mode != Mode::Designated || running.frozen.is_some() {
            return Err(moved_on().into());
        }
        let kept = wins_in(work.read(), id)?;
        let open = named(work, &draw, &round, &kept)?;
        let mut places = open_places(&round, &kept, false);
        places.extend(open_places(&round, &kept, true));
        places.sort_unstable();
        let first = running.wins;
        let (mut wins, mut said) = (Vec::new(), Vec::new());
        for (place, who) in places.into_iter().zip(open) {
            let unit = Unit { table: None, people: vec![who] };
            for win in won(work, &draw, &round, &mut running, place, 0, &unit)? {
                said.push(Assigned { place, text: win.lucky.clone(), name: masked(draw.masking, &win.name) });
                wins.push(win);
            }
        }
        running.phase = Phase::Shown;
        running.round = Some(round.id);
        running.winners = (first, running.wins);
        let said =
            Said::Assign { round: round.id.0, prize: round.prize.clone(), level: round.level.clone(), winners: said };
        record_line(work, &draw, &mut running, &name, &said)?;
        keep(work, &mut running)?;
        Ok(Stage { running, wins })
    })
    .await
}

/// Those named for a round who do not hold a prize of it yet and may win.
fn named(work: &Work<'_, '_>, draw: &Draw, round: &Round, wins: &[Win]) -> Result<Vec<Who>, Error> {
    let joined = freeze::Joined::read(work.read(), draw)?;
    let mut counted: HashMap<Who, u32> = HashMap::new();
    for win in wins.iter().filter(|win| win.void.is_none() && win.counts) {
        if let Some(who) = win.who {
            *counted.entry(joined.same(who)).or_default() += 1;
        }
    }
    let had = |who: &Who| wins.iter().any(|win| win.round == round.id && win.who == Some(*who));
    let open: Vec<Who> = round.designated.iter().copied().filter(|who| !had(who)).collect();
    if open.is_empty() {
        return Err(
            refuse!(Conflict, "draw.nobody_named", "Nobody is named for this round, or all were announced.").into()
        );
    }
    for who in &open {
        if counted.get(&joined.same(*who)).copied().unwrap_or(0) >= draw.wins {
            let name = details(work.read(), draw.event, draw.id, *who)?.unwrap_or_default().name;
            return Err(refuse!(Conflict, "draw.won_enough", "{name} has won as often as allowed.", name = name).into());
        }
    }
    Ok(open)
}

/// Takes a win back, with a reason that is published; its prize can be drawn again.
pub async fn void(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId, number: u32, why: &str) -> Result<(), Error> {
    let permit = may_run(ctx, actor, event)?;
    let (name, why) = (name_of(actor), reason(why));
    if why.is_empty() {
        return Err(Refusal::invalid(vec![problem!("reason", "This field is required.")]).into());
    }
    ctx.write(&permit, move |work| {
        let seen = running_in(work.read(), id)?.version;
        let (draw, mut running) = begin(work, event, id, seen, &name)?;
        let mut win = work.read().get::<Win>(&(id, number))?.ok_or_else(|| Refusal::missing("win"))?;
        if running.phase == Phase::Rolling {
            next(running.phase, &Act::Wait)?;
        }
        if win.void.is_some() {
            return Err(refuse!(Conflict, "draw.void_already", "This prize was taken back already.").into());
        }
        if win.claim.is_some() {
            return Err(refuse!(Conflict, "draw.handed_out", "This prize was handed out. Take that back first.").into());
        }
        win.void = Some(Void { reason: why.clone(), by: name.clone(), at: work.now });
        work.put(&win)?;
        let text = if win.who.is_none() { format!("table {}", win.lucky) } else { win.lucky.clone() };
        let said = Said::Void { round: win.round.0, place: win.place, turn: win.turn, text, reason: why.clone() };
        record_line(work, &draw, &mut running, &name, &said)?;
        keep(work, &mut running)
    })
    .await
}

/// Says aside that something changed that no commit of the stage shows.
pub(super) fn stir(ctx: &Ctx) {
    live::Live::stir(&ctx.draws);
}

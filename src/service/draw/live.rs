//! What watchers follow: one reading of a draw for all who look, made anew when it changed; and the taps of the turn under way. A thousand
//! phones cost one reading and a thousand small messages; scans at the door cost a glance at a few numbers.

use super::{lucky, rounds_in, running_in, wins_in};
use crate::{Ctx, Error};
use domain::{
    Draw, DrawId, EventId, Round, SpaceId, Ticket,
    draw::{Face as Picture, Message, Moderation, Phase, Running, Who, Win, masked, method, method::Tap},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::catalogue::{ENTERED, ENTRANTS, MESSAGE_BY_STATE, TICKETS};
use store::{Order, Read};
use tokio::sync::watch;

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Face {
    /// A big screen or an operator: everything.
    Screen,
    /// A phone: where the draw stands and who won.
    Phone,
}

/// Taps of one turn.
#[derive(Debug, Default)]
struct Taps {
    turn: u32,
    taps: Vec<Tap>,
    /// How often each tapped.
    of: HashMap<String, u32>,
}

/// A draw of a space.
type Stage = (SpaceId, DrawId);
type Place = (SpaceId, DrawId, Face);

/// Draws that are watched, and taps.
#[derive(Debug)]
pub(crate) struct Live {
    taps: Mutex<HashMap<Stage, Taps>>,
    channels: Mutex<HashMap<Place, watch::Sender<Arc<str>>>>,
    /// When each wrote last.
    said: Mutex<HashMap<(Stage, Who, bool), domain::Time>>,
    /// Counts what changed beside the stage: taps, messages, pictures.
    stirred: watch::Sender<u64>,
    /// Records that were checked, by their head.
    pub(super) checked: Mutex<HashMap<Stage, (method::Hash, Arc<domain::draw::Report>)>>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            taps: Mutex::default(),
            channels: Mutex::default(),
            said: Mutex::default(),
            stirred: watch::Sender::new(0),
            checked: Mutex::default(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// People whose last message is remembered before the stale ones are dropped.
const SAID_MAX: usize = 20_000;
/// Most taps of one person in one turn.
const TAPS_EACH: u32 = 5;
/// Least time between two readings for the same watchers.
const BEAT: Duration = Duration::from_millis(150);

impl Live {
    /// Begins to gather taps for a turn.
    pub(super) fn gather(&self, draw: Stage, turn: u32) {
        lock(&self.taps).insert(draw, Taps { turn, ..Taps::default() });
    }

    /// The taps of a turn; those of a turn that was begun before the box stopped are gathered anew.
    pub(super) fn taps(&self, draw: Stage, turn: u32) -> Vec<Tap> {
        lock(&self.taps).get(&draw).filter(|of| of.turn == turn).map_or_else(Vec::new, |of| of.taps.clone())
    }

    fn tap_count(&self, draw: Stage, turn: u32) -> usize {
        lock(&self.taps).get(&draw).filter(|of| of.turn == turn).map_or(0, |of| of.taps.len())
    }

    /// Takes a tap; false when this person, or everybody together, tapped enough.
    pub(super) fn tap(&self, draw: Stage, turn: u32, tap: Tap) -> bool {
        let mut all = lock(&self.taps);
        let of = all.entry(draw).or_default();
        if of.turn != turn {
            *of = Taps { turn, ..Taps::default() };
        }
        let count = of.of.entry(tap.number.clone()).or_default();
        if *count >= TAPS_EACH || of.taps.len() >= method::TAPS_MAX {
            return false;
        }
        *count += 1;
        of.taps.push(tap);
        drop(all);
        self.stir();
        true
    }

    /// Drops the taps of a turn that is over.
    pub(super) fn forget(&self, draw: Stage) {
        lock(&self.taps).remove(&draw);
    }

    /// Whether somebody may write, or give a picture, again after a pause.
    pub(super) fn may_say(&self, draw: Stage, who: Who, is_picture: bool, now: domain::Time, pause: i64) -> bool {
        let mut said = lock(&self.said);
        if said.len() > SAID_MAX {
            said.retain(|_, last| now.since(*last) < pause);
        }
        let last = said.insert((draw, who, is_picture), now);
        last.is_none_or(|last| now.since(last) >= pause)
    }

    /// Says that something changed that the stage's state does not show.
    pub(super) fn stir(&self) {
        self.stirred.send_modify(|count| *count += 1);
    }
}

/// What a reading depends on, quickly read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Print {
    version: u64,
    revision: u32,
    stirred: u64,
    /// Registered, entered, entrants: on a screen that shows who arrives.
    people: [i64; 4],
}

fn print(ctx: &Ctx, (space, id, face): Place) -> Result<Print, Error> {
    let view = ctx.store().view().space(space);
    let version = view.peek::<Running, _>(&id, |kept| kept.version.to_native())?;
    let draw = view.peek::<Draw, _>(&id, |kept| (kept.event.0.to_native(), kept.revision.to_native()))?;
    let (event, revision) = draw.unwrap_or_default();
    let people = if face == Face::Screen { people(&view, EventId(event), id)? } else { [0; 4] };
    // A thousand phones need not hear of every tap.
    let stirred = if face == Face::Screen { *ctx.draws.stirred.borrow() } else { 0 };
    Ok(Print { version: version.unwrap_or(0), revision, stirred, people })
}

fn people(view: &impl Read, event: EventId, id: DrawId) -> Result<[i64; 4], Error> {
    Ok([
        view.count(&TICKETS, &(event, domain::TicketState::Active as u8))?,
        view.count(&ENTERED, &(event, domain::ListId::MAIN))?,
        view.count(&ENTRANTS, &(id, false))?,
        view.count(&ENTRANTS, &(id, true))?,
    ])
}

/// Follows a draw: the newest reading at once, and each later one within a moment of what changed it.
pub fn watch(ctx: &Ctx, space: SpaceId, draw: DrawId, face: Face) -> Result<watch::Receiver<Arc<str>>, Error> {
    let place = (space, draw, face);
    if let Some(sender) = lock(&ctx.draws.channels).get(&place) {
        return Ok(sender.subscribe());
    }
    let first = reading(ctx, place)?;
    let mut channels = lock(&ctx.draws.channels);
    if let Some(sender) = channels.get(&place) {
        return Ok(sender.subscribe());
    }
    let (sender, receiver) = watch::channel(first);
    channels.insert(place, sender.clone());
    drop(channels);
    tokio::spawn(follow(ctx.clone(), place, sender));
    Ok(receiver)
}

/// Reads anew whenever something changed, as long as somebody watches.
async fn follow(ctx: Ctx, place: Place, sender: watch::Sender<Arc<str>>) {
    let (mut commits, mut stirred) = (ctx.store().committed(), ctx.draws.stirred.subscribe());
    let mut last: Option<Print> = None;
    loop {
        commits.borrow_and_update();
        stirred.borrow_and_update();
        match print(&ctx, place) {
            Ok(now) if last.as_ref() != Some(&now) => {
                last = Some(now);
                match reading(&ctx, place) {
                    Ok(text) if *sender.borrow() != text => drop(sender.send_replace(text)),
                    Ok(_) => {}
                    Err(error) => tracing::error!(%error, "reading a draw for its watchers"),
                }
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "looking at a draw"),
        }
        let gone = tokio::select! {
            changed = commits.changed() => changed.is_err(),
            changed = stirred.changed() => changed.is_err(),
            () = sender.closed() => true,
        };
        if gone {
            let mut channels = lock(&ctx.draws.channels);
            // Somebody may have come while the last one left.
            if sender.receiver_count() == 0 {
                channels.remove(&place);
                return;
            }
        }
        tokio::time::sleep(BEAT).await;
    }
}

/// The picture that somebody gave of themselves, when it may be shown.
fn photo(view: &impl Read, draw: &Draw, who: Option<Who>) -> Result<Value, Error> {
    let Some(who) = who.filter(|_| draw.photos) else { return Ok(Value::Null) };
    let (extra, id) = match who {
        Who::Ticket(ticket) => (false, ticket.0),
        Who::Extra(entrant) => (true, entrant.0),
    };
    let face = view.get::<Picture>(&(draw.id, extra, id))?;
    let shown = face.filter(|face| face.state == Moderation::Shown);
    Ok(shown.map_or(Value::Null, |face| {
        let kind = if extra { "e" } else { "t" };
        json!(format!("/draw/{}/face/{kind}{id}?v={}", draw.id, method::hex(face.file.get(..6).unwrap_or_default())))
    }))
}

/// A win as everybody may see it.
fn shown(view: &impl Read, draw: &Draw, win: &Win) -> Result<Value, Error> {
    let name = if win.who.is_some() { masked(draw.masking, &win.name) } else { String::new() };
    let phone = win.phone.as_deref().map_or(String::new(), domain::phone::masked);
    Ok(json!({
        "n": win.number, "place": win.place, "name": name, "lucky": win.lucky, "table": win.table, "phone": phone,
        "company": win.company, "photo": photo(view, draw, win.who)?, "assigned": win.assigned,
        "void": win.void.as_ref().map(|void| void.reason.as_str()),
    }))
}

fn round_json(round: &Round, wins: &[Win]) -> Value {
    let held = |win: &&Win| win.round == round.id && win.void.is_none();
    let places: std::collections::BTreeSet<u32> = wins.iter().filter(held).map(|win| win.place).collect();
    let next = domain::draw::open_places(round, wins, false).len();
    let again = domain::draw::open_places(round, wins, true).len();
    json!({
        "id": round.id, "prize": round.prize, "level": round.level, "quantity": round.quantity, "held": places.len(),
        "mode": round.mode.code(), "picture": round.picture, "next": next, "again": again,
    })
}

/// How many winners a list on a screen or phone shows at the most.
const WINNERS_SHOWN: usize = 400;

fn reading(ctx: &Ctx, (space, id, face): Place) -> Result<Arc<str>, Error> {
    let view = ctx.store().view().space(space);
    let draw = view.get::<Draw>(&id)?.ok_or_else(|| domain::Refusal::missing("draw"))?;
    let running = running_in(&view, id)?;
    let (rounds, wins) = (rounds_in(&view, id)?, wins_in(&view, id)?);
    let round = running.round.and_then(|id| rounds.iter().find(|round| round.id == id));
    let newest = wins.iter().filter(|win| (running.winners.0..running.winners.1).contains(&win.number));
    let winners = newest.map(|win| shown(&view, &draw, win)).collect::<Result<Vec<_>, _>>()?;
    let winners = if running.phase == Phase::Shown { winners } else { Vec::new() };
    let turn = running.frozen.as_ref().map_or(running.shown, |frozen| frozen.turn);
    let mut out = json!({
        "version": running.version, "phase": running.phase.code(), "turn": turn, "winners": winners,
        "round": round.map(|round| round_json(round, &wins)),
        "count": running.frozen.as_ref().map_or(0, |frozen| frozen.count),
        "drawing": running.frozen.as_ref().map_or(0, |frozen| frozen.places.len()),
        "wins": wins.iter().filter(|win| win.void.is_none()).count(),
    });
    if face == Face::Screen
        && let Some(out) = out.as_object_mut()
    {
        let more = screen(ctx, &view, &draw, &running, &rounds, &wins)?;
        out.extend(more);
    }
    Ok(out.to_string().into())
}

fn screen(
    ctx: &Ctx,
    view: &store::SpaceView,
    draw: &Draw,
    running: &Running,
    rounds: &[Round],
    wins: &[Win],
) -> Result<serde_json::Map<String, Value>, Error> {
    let [registered, entered, extras, joined] = people(view, draw.event, draw.id)?;
    let wall = if running.phase == Phase::Wall { wall(view, draw, rounds, wins)? } else { Vec::new() };
    let waiting = matches!(running.phase, Phase::Waiting | Phase::Ready);
    let arrivals = if waiting { arrivals(view, draw)? } else { Vec::new() };
    let wand = running.wand.as_ref().filter(|wand| ctx.now() < wand.until);
    let frozen = running.frozen.as_ref();
    let more = json!({
        "name": draw.name, "look": draw.look.code(), "theme": draw.theme.code(), "background": draw.background,
        "rounds": rounds.iter().map(|round| round_json(round, wins)).collect::<Vec<_>>(),
        "registered": registered, "entered": entered, "extras": extras + joined, "arrivals": arrivals, "wall": wall,
        "messages": messages(view, draw)?, "head": method::hex(&running.head),
        "commitment": method::hex(&running.commitment), "list": frozen.map(|frozen| method::hex(&frozen.list)),
        "taps": frozen.map_or(0, |frozen| ctx.draws.tap_count((view.space_id(), draw.id), frozen.turn)),
        "wand": wand.map(|wand| json!({ "name": wand.name, "taken_from": wand.taken_from })),
    });
    Ok(match more {
        Value::Object(more) => more,
        _ => serde_json::Map::new(),
    })
}

fn wall(view: &impl Read, draw: &Draw, rounds: &[Round], wins: &[Win]) -> Result<Vec<Value>, Error> {
    let mut by_round: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    for win in wins.iter().filter(|win| win.void.is_none()).take(WINNERS_SHOWN) {
        by_round.entry(win.round.0).or_default().push(shown(view, draw, win)?);
    }
    let of = |round: &Round| {
        let winners = by_round.get(&round.id.0)?;
        let assigned = round.mode == domain::draw::Mode::Designated;
        Some(
            json!({ "prize": round.prize, "level": round.level, "assigned": assigned, "mode": round.mode.code(), "winners": winners }),
        )
    };
    Ok(rounds.iter().filter_map(of).collect())
}

/// How many of the newest arrivals a waiting wall shows.
const ARRIVALS: usize = 24;
/// Among how many scans of the event they are looked for.
const ARRIVALS_LOOKED: usize = 80;

fn arrivals(view: &store::SpaceView, draw: &Draw) -> Result<Vec<Value>, Error> {
    let mut out = Vec::new();
    for ticket in crate::checkin::newest_entries(view, draw.event, ARRIVALS_LOOKED)? {
        if out.len() >= ARRIVALS {
            break;
        }
        let name = view.peek::<Ticket, _>(&(draw.event, ticket), |kept| kept.name.as_str().to_owned())?;
        let Some(name) = name else { continue };
        let who = Who::Ticket(ticket);
        out.push(json!({ "name": masked(draw.masking, &name), "lucky": lucky(draw.event, who), "photo": photo(view, draw, Some(who))? }));
    }
    Ok(out)
}

/// How many messages the wall shows.
const MESSAGES_SHOWN: usize = 30;

fn messages(view: &impl Read, draw: &Draw) -> Result<Vec<Value>, Error> {
    if !draw.messages {
        return Ok(Vec::new());
    }
    let newest = view.scan_index(&MESSAGE_BY_STATE, &(draw.id, Moderation::Shown as u8), None, Order::Descending);
    let mut out = Vec::new();
    for key in newest.take(MESSAGES_SHOWN) {
        if let Some(message) = view.get::<Message>(&key?)? {
            out.push(json!({ "id": message.id, "name": masked(draw.masking, &message.name), "text": message.text }));
        }
    }
    out.reverse();
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Stage = (SpaceId::ASSOCIATION, DrawId(1));

    #[test]
    fn taps_are_counted_for_their_turn_and_nobody_floods() {
        let live = Live::default();
        let tap = |number: &str| Tap { number: number.into(), value: [1; 8] };
        live.gather(HERE, 3);
        assert!((0..TAPS_EACH).all(|_| live.tap(HERE, 3, tap("100001"))));
        assert!(!live.tap(HERE, 3, tap("100001")), "one person's taps end");
        assert!(live.tap(HERE, 3, tap("100002")));
        assert_eq!((live.taps(HERE, 3).len(), live.taps(HERE, 2).len()), (6, 0));
        for number in 0..method::TAPS_MAX {
            live.tap(HERE, 3, tap(&number.to_string()));
        }
        assert_eq!(live.taps(HERE, 3).len(), method::TAPS_MAX);
        assert!(live.tap(HERE, 4, tap("100001")), "a new turn begins from none");
        assert_eq!(live.taps(HERE, 4).len(), 1);
        let elsewhere = (SpaceId(2), DrawId(1));
        assert!(live.taps(elsewhere, 4).is_empty(), "another space has a draw of this number too");
        live.forget(elsewhere);
        assert_eq!(live.taps(HERE, 4).len(), 1);
        live.forget(HERE);
        assert!(live.taps(HERE, 4).is_empty());
    }
}

//! Draws of an event: setting up, running, the published record, entrants, prizes, messages (S0-31, S0-63 … S0-73, S0-83, S0-84,
//! S1-51, S1-52). Results are on disk before anybody sees them.

mod act;
pub mod check;
mod claim;
mod entrant;
pub mod face;
mod freeze;
mod list;
mod live;
mod message;
mod own;
mod publish;
mod setup;
#[cfg(test)]
mod test;

pub use act::{Stage, act, assign, take_wand, void};
pub use claim::{Found, WinRow, claim, export, find, unclaim, wins};
pub use entrant::{EntrantRow, PAGE, Taken, entrants, export_entrants, import, remove_entrant};
pub use freeze::candidates_count;
pub use list::{names, of_event, opens_screen, rights, screen_key, screen_state};
pub(crate) use live::Live;
pub use live::{Face as Side, watch};
pub use message::{approve_face, face_file, faces, hide, messages, say, set_face, show, who_of};
pub use own::{Known, Mine, OwnWin, join, join_code, look_join, mine, numbers_of, tap};
pub use publish::{OwnEntry, Published, check, own_entries, published, record};
pub(crate) use setup::context as secret_context;
pub use setup::{
    Page, RoundRow, create, designate, draw, page, random_round, remove_round, renew_codes, save, save_round,
    undesignate,
};

use crate::{Error, Work};
use domain::{
    Draw, DrawId, Event, EventId, Refusal, Round, RoundId,
    draw::{Line, Running, Said, Who, Win, body as say_body, method},
    event::EventState,
};
use store::{Order, Read};

/// A draw of an event.
pub(crate) fn draw_in(view: &impl Read, event: EventId, id: DrawId) -> Result<Draw, Error> {
    let kept = view.get::<Draw>(&id)?.filter(|draw| draw.event == event);
    kept.ok_or_else(|| Refusal::missing("draw").into())
}

pub(crate) fn running_in(view: &impl Read, id: DrawId) -> Result<Running, Error> {
    view.get::<Running>(&id)?.ok_or_else(|| Refusal::missing("draw").into())
}

pub(crate) fn round_in(view: &impl Read, draw: DrawId, id: RoundId) -> Result<Round, Error> {
    view.get::<Round>(&(draw, id))?.ok_or_else(|| Refusal::missing("round").into())
}

/// The rounds of a draw in their order.
pub(crate) fn rounds_in(view: &impl Read, draw: DrawId) -> Result<Vec<Round>, Error> {
    let kept = view.scan::<Round>(&draw, None, Order::Ascending);
    let mut rounds = kept.map(|kept| Ok(kept?.1)).collect::<Result<Vec<Round>, Error>>()?;
    rounds.sort_by_key(|round| (round.order, round.id));
    Ok(rounds)
}

/// The wins of a draw in their order.
pub(crate) fn wins_in(view: &impl Read, draw: DrawId) -> Result<Vec<Win>, Error> {
    view.scan::<Win>(&draw, None, Order::Ascending).map(|kept| Ok(kept?.1)).collect()
}

/// A draw that anybody may look at, with its event: that of a draft is not there yet.
pub(crate) fn public_view(view: &impl Read, id: DrawId) -> Result<(Draw, Event), Error> {
    let missing = || Refusal::missing("draw");
    let draw = view.get::<Draw>(&id)?.ok_or_else(missing)?;
    let event = crate::event::load(view, draw.event)?;
    if event.state == EventState::Draft {
        return Err(missing().into());
    }
    Ok((draw, event))
}

/// The lucky number of somebody.
pub(crate) fn lucky(event: EventId, who: Who) -> String {
    match who {
        Who::Ticket(ticket) => domain::draw::lucky_number(event, ticket),
        Who::Extra(entrant) => domain::draw::lucky_of_extra(entrant),
    }
}

fn subject(draw: &Draw) -> String {
    format!("event/{}/draw/{}", draw.event, draw.id)
}

/// Adds a line to the record: chained to the one before, and its hash in the audit log.
fn record_line(
    work: &mut Work<'_, '_>,
    draw: &Draw,
    running: &mut Running,
    by: &str,
    said: &Said,
) -> Result<(), Error> {
    let text = say_body(running.lines, work.now, by, said).map_err(|error| Error::internal("writing a line", error))?;
    let hash = method::line_hash(&running.head, &text);
    let people = running.frozen.as_ref().filter(|_| matches!(said, Said::Freeze { .. })).map(|frozen| frozen.people);
    work.insert(&Line { draw: draw.id, seq: running.lines, hash, body: text, people })?;
    let before = method::hex(&running.head);
    work.audit("draw.record", format!("{}/line/{}", subject(draw), running.lines), &before, &method::hex(&hash))?;
    running.lines += 1;
    running.head = hash;
    Ok(())
}

/// Keeps the state after a change.
fn keep(work: &mut Work<'_, '_>, running: &mut Running) -> Result<(), Error> {
    running.version += 1;
    work.put(running)
}

//! At the door: redeeming scans, taking back, lists and gates, the scan log, the counts (S0-39, S0-51 … S0-62, S1-38).

mod book;
mod cards;
mod figures;
mod list;
mod log;
mod nonces;
pub mod own;
mod presence;
mod redeem;
mod search;
#[cfg(test)]
mod test;
mod undo;
pub mod vouch;

pub(crate) use book::{Books, Memory, VOUCH};
pub use cards::Holder;
pub(crate) use figures::arrivals_in;
pub use figures::{CONFLICTS_MAX, Conflict, ListFigures, Share, Worked, conflicts, export, figures, open_conflicts};
pub use list::{
    Answered, Doors, Thought, Trial, add_gate, answers, doors, remove_gate, remove_list, save_list, try_out,
};
pub(crate) use list::{answers_in, lists_in};
pub use log::{PAGE, ScanFilter, ScanRow, history, log};
pub(crate) use log::{newest_entries, presence};
pub use presence::Work as WorkDone;
pub use redeem::{
    Answer, Before, Counts, PersonCard, UPLOAD_MAX, Upload, redeem, refuse_foreign, refuse_revoked, upload,
};
pub use search::{Changes, Found, SEARCH_MAX, SEARCH_MIN, Snapshot, Taken, Turned, changes, hash, search, snapshot};
pub use undo::{Which, annul, mark, settle};
pub(crate) use undo::{follow, is_admitted_anywhere};

use crate::{Actor, At, Ctx, Error, Work, model::Held};
use domain::{
    CheckinList, EventId, GateId, ListId, Permission, SpaceId, TicketId,
    checkin::{Moment, Standing},
};
use store::Read;
use store::catalogue::{ENTERED, REFUSED, TICKETS};

/// A list with its settings; the main one as every event has it when nobody changed it.
pub(crate) fn list_in(view: &impl Read, event: EventId, list: ListId) -> Result<CheckinList, Error> {
    let kept = view.get::<CheckinList>(&(event, list))?;
    match kept {
        Some(kept) => Ok(kept),
        None if list == ListId::MAIN => Ok(CheckinList::main(event)),
        None => Err(domain::Refusal::missing("check-in list").into()),
    }
}

/// The counts of a list.
pub(crate) fn list_counts(ctx: &Ctx, space: SpaceId, event: EventId, list: ListId) -> Result<Counts, Error> {
    let (zone, presence) = (ctx.zone(space)?, presence(ctx, space, event)?);
    let view = ctx.store().view().space(space);
    let settings = list_in(&view, event, list)?;
    counts_in(&view, &presence, &settings, &Moment::new(ctx.now(), &zone))
}

/// The counts of a list with these settings at that moment.
fn counts_in(
    view: &impl Read,
    presence: &Held<presence::Presence>,
    settings: &CheckinList,
    now: &Moment<'_>,
) -> Result<Counts, Error> {
    let (event, list) = (settings.event, settings.id);
    let inside = presence.look(|presence| presence.inside(list, now, settings.exit_hour))?;
    Ok(Counts {
        registered: view.count(&TICKETS, &(event, domain::TicketState::Active as u8))?,
        admitted: view.count(&ENTERED, &(event, list))?,
        inside,
        refused: view.count(&REFUSED, &(event, list))?,
    })
}

/// The counts of a terminal's list, or of the event's main one, for somebody who may see or scan there.
pub fn counts(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Counts, Error> {
    counts_of(ctx, actor, event, actor.post().list)
}

/// The counts of one of an event's lists.
pub fn counts_of(ctx: &Ctx, actor: &Actor, event: EventId, list: ListId) -> Result<Counts, Error> {
    let permit = list::may_look(ctx, actor, event)?;
    list_counts(ctx, permit.space, event, list)
}

/// Where a ticket of the event stands, own changes included.
pub(crate) fn standing_in(work: &mut Work<'_, '_>, event: EventId, ticket: TicketId) -> Result<Standing, Error> {
    let (view, books) = work.books()?;
    books.standing((view.space_id(), event), ListId::MAIN, ticket)
}

/// Where a ticket of the event stands.
pub fn standing(ctx: &Ctx, space: SpaceId, event: EventId, ticket: TicketId) -> Result<Standing, Error> {
    presence(ctx, space, event)?.look(|presence| presence.at_main(ticket))
}

/// What a terminal needs to know about its door.
#[derive(Debug, Clone)]
pub struct DoorPage {
    /// Event, lists and gates.
    pub doors: Doors,
    /// The list.
    pub list: CheckinList,
    /// Counts now.
    pub counts: Counts,
    /// The last scans of this terminal, newest first.
    pub recent: Vec<ScanRow>,
}

/// How many of its last scans a terminal shows.
const RECENT: usize = 8;
/// Among how many scans of the event they are looked for.
const RECENT_LOOKED: usize = 200;

/// The door of one of an event's lists for whoever scans there.
pub fn door(ctx: &Ctx, actor: &Actor, event: EventId, list: ListId) -> Result<DoorPage, Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    let presence = presence(ctx, permit.space, event)?;
    let counts = list_counts(ctx, permit.space, event, list)?;
    ctx.read(&permit, |view| {
        let mut recent = Vec::new();
        for scan in log::descending(view, event, None).take(RECENT_LOOKED) {
            let scan = scan?;
            if scan.by == permit.by && recent.len() < RECENT {
                recent.push(log::row(&presence, view, scan)?);
            }
        }
        Ok(DoorPage { doors: list::doors_in(view, event)?, list: list_in(view, event, list)?, counts, recent })
    })
}

/// The newest scan at a gate, whatever the list, for the screen that watches it.
pub fn newest_at(ctx: &Ctx, actor: &Actor, event: EventId, gate: GateId) -> Result<Option<ScanRow>, Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    let held = presence(ctx, permit.space, event)?;
    let newest = held.look(|presence| {
        let lists = presence.lists().filter_map(|list| presence.list(list));
        lists.filter_map(|at| at.gates().get(&Some(gate))?.work.newest).max()
    })?;
    ctx.read(&permit, |view| {
        let Some(scan) = newest.map(|newest| log::scan(view, event, newest)).transpose()?.flatten() else {
            return Ok(None);
        };
        Ok(Some(log::row(&held, view, scan)?))
    })
}

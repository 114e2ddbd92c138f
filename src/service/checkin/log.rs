//! Reading the scan log: single lines, pages of it, and the scans of one ticket.

use super::presence::Presence;
use crate::{Actor, At, Ctx, Error, model::Held, registration, space::name_of};
use domain::{
    By, EventId, ListId, Permission, Scan, ScanBlock, ScanId, SpaceId, Ticket, TicketId, Time, checkin::Line,
};
use store::{Order, Read, SpaceView};

/// The block that a line is in, or would be.
pub(super) fn block_at(view: &impl Read, event: EventId, number: ScanId) -> Result<Option<ScanBlock>, Error> {
    let from = (event, ScanId(number.0.saturating_add(1)));
    let found = view.scan::<ScanBlock>(&event, Some(&from), Order::Descending).next();
    Ok(found.transpose()?.map(|(_, block)| block))
}

/// A committed line of the log.
pub(crate) fn line(view: &impl Read, event: EventId, number: ScanId) -> Result<Option<Line>, Error> {
    let Some(block) = block_at(view, event, number)? else { return Ok(None) };
    let at = number.0.checked_sub(block.first.0).and_then(|at| usize::try_from(at).ok());
    Ok(at.and_then(|at| block.lines.into_iter().nth(at)))
}

/// A committed scan.
pub(crate) fn scan(view: &impl Read, event: EventId, number: ScanId) -> Result<Option<Scan>, Error> {
    Ok(line(view, event, number)?.and_then(|line| match line {
        Line::Scan(scan) => Some(scan),
        Line::Annul(_) | Line::Move(_) | Line::Settle(_) => None,
    }))
}

/// The scans of an event below number `before`, newest first.
pub(crate) fn descending(
    view: &impl Read,
    event: EventId,
    before: Option<ScanId>,
) -> impl Iterator<Item = Result<Scan, Error>> {
    let from = before.map(|scan| (event, scan));
    let blocks = view.scan::<ScanBlock>(&event, from.as_ref(), Order::Descending);
    blocks.flat_map(move |kept| -> Vec<Result<Scan, Error>> {
        match kept {
            Ok((_, block)) => block
                .lines
                .into_iter()
                .rev()
                .filter_map(|line| match line {
                    Line::Scan(scan) if before.is_none_or(|before| scan.id < before) => Some(Ok(scan)),
                    Line::Scan(_) | Line::Annul(_) | Line::Move(_) | Line::Settle(_) => None,
                })
                .collect(),
            Err(error) => vec![Err(error.into())],
        }
    })
}

/// The tickets of the newest scans that let somebody in for the first time, newest first, among the last `looked` ones.
pub(crate) fn newest_entries(view: &impl Read, event: EventId, looked: usize) -> Result<Vec<TicketId>, Error> {
    let mut tickets = Vec::new();
    for scan in descending(view, event, None).take(looked) {
        let scan = scan?;
        if let Some((_, ticket)) = scan.ticket_here().filter(|_| scan.admitted > 0)
            && !tickets.contains(&ticket)
        {
            tickets.push(ticket);
        }
    }
    Ok(tickets)
}

/// A scan as the log shows it.
#[derive(Debug, Clone)]
pub struct ScanRow {
    /// The scan.
    pub scan: Scan,
    /// Name on the ticket, when it is one of this event.
    pub name: Option<String>,
    /// Who scanned; none when unknown.
    pub by: Option<String>,
    /// When and by whom it was taken back.
    pub annulled: Option<(Time, By)>,
}

/// Rows of one page of the scan log.
pub const PAGE: usize = 50;

/// Which scans the log shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScanFilter {
    /// Only the failed-scan log.
    pub refused: bool,
    /// Only scans of this list.
    pub list: Option<ListId>,
}

/// How many scans one page looks at before it says "more": a filter that fits few scans must not walk a million.
const LOOKED_MAX: usize = 20_000;

/// A page of the scan log, newest first, below scan `before`; with the number to go on below, if there are more.
pub fn log(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    filter: ScanFilter,
    before: Option<ScanId>,
) -> Result<(Vec<ScanRow>, Option<ScanId>), Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    let presence = presence(ctx, permit.space, event)?;
    ctx.read(&permit, |view| {
        let (mut rows, mut last) = (Vec::new(), None);
        for (looked, scan) in descending(view, event, before).enumerate() {
            let scan = scan?;
            if rows.len() == PAGE || looked == LOOKED_MAX {
                return Ok((rows, last));
            }
            last = Some(scan.id);
            if filter.refused && !scan.is_refused() || filter.list.is_some_and(|list| list != scan.list) {
                continue;
            }
            rows.push(row(&presence, view, scan)?);
        }
        Ok((rows, None))
    })
}

pub(super) fn row(presence: &Held<Presence>, view: &SpaceView, scan: Scan) -> Result<ScanRow, Error> {
    let name = match scan.ticket_here() {
        Some(key) => view.peek::<Ticket, _>(&key, |ticket| ticket.name.as_str().to_owned())?,
        None => None,
    };
    let by = name_of(view, scan.by)?;
    let annulled = presence.look(|presence| presence.annulled(scan.id))?;
    Ok(ScanRow { scan, name, by, annulled })
}

/// Who is in, loaded when nobody asked before.
pub(crate) fn presence(ctx: &Ctx, space: SpaceId, event: EventId) -> Result<Held<Presence>, Error> {
    ctx.memory.presence.load((space, event), || ctx.store().view().space(space))
}

/// The scans of one ticket at all lists, newest first, along their chains.
pub fn history(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId) -> Result<Vec<ScanRow>, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    let presence = presence(ctx, permit.space, event)?;
    let newest = presence.look(|presence| {
        let at = |list| presence.standing(list, id)?.newest();
        presence.lists().filter_map(at).collect::<Vec<_>>()
    })?;
    ctx.read(&permit, |view| {
        registration::load(view, event, id)?;
        let mut scans = Vec::new();
        for newest in newest {
            let mut next = Some(newest);
            for _ in 0..PAGE {
                let Some(found) = next.map(|number| scan(view, event, number)).transpose()?.flatten() else { break };
                next = found.previous;
                scans.push(found);
            }
        }
        scans.sort_by_key(|scan| std::cmp::Reverse(scan.id));
        scans.into_iter().take(PAGE).map(|scan| row(&presence, view, scan)).collect()
    })
}

//! Taking back and setting right: annulling a scan, marking by the secretariat, settling conflicts (S0-39, S0-53).

use super::{redeem, redeem::Counts, standing_in};
use crate::{Actor, At, Ctx, Error, Work, checkin::presence::nonce_hash, registration};
use domain::{
    EventId, Permission, Refusal, Scan, ScanId, Ticket, TicketId,
    checkin::{ANNUL_MILLIS, Line, Move, Pass, Settle, Standing, Verdict},
    refuse,
};
use store::Read;

/// Which scan is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The own one of that nonce.
    Nonce(String),
    /// Any, by its number; needs the permission to mark people.
    Scan(ScanId),
}

fn unknown() -> Refusal {
    Refusal::missing("scan")
}

/// Takes an admitted scan back. By nonce whoever scanned it can do that for 15 minutes; by number, who may mark people, at any time.
/// The scan stays and is marked; taking it back twice is once.
pub async fn annul(ctx: &Ctx, actor: &Actor, event: EventId, which: Which) -> Result<Counts, Error> {
    let permission = match which {
        Which::Nonce(_) => Permission::CheckinScan,
        Which::Scan(_) => Permission::CheckinMark,
    };
    let permit = ctx.permit(actor, permission, At::Event(event))?;
    let any = ctx.permit(actor, Permission::CheckinMark, At::Event(event)).is_ok();
    let list = ctx.write(&permit, move |work| {
        let scan = find(work, event, &which)?;
        let late = work.now.since(scan.received_at) > ANNUL_MILLIS;
        let (view, books) = work.books()?;
        if books.is_annulled((view.space_id(), event), scan.id)? {
            return Ok(scan.list);
        }
        if late && !any {
            return Err(refuse!(
                Denied,
                "checkin.annul_late",
                "A terminal can take a check-in back within 15 minutes. Ask the secretariat."
            )
            .into());
        }
        if scan.verdict != Verdict::Admitted {
            return Err(
                refuse!(Conflict, "checkin.not_admitted", "This scan let nobody in: nothing to take back.").into()
            );
        }
        let (_, ticket) = scan.ticket_here().ok_or_else(unknown)?;
        let ticket = registration::load(work.read(), event, ticket)?;
        annul_one(work, &Pass::of(&ticket), &scan)?;
        Ok(scan.list)
    });
    let list = list.await?;
    super::list_counts(ctx, permit.space, event, list)
}

fn find(work: &mut Work<'_, '_>, event: EventId, which: &Which) -> Result<Scan, Error> {
    let by = work.permit.by;
    let (view, books) = work.books()?;
    books.around(&view, event)?;
    match which {
        Which::Nonce(nonce) => {
            let hash = nonce_hash(by, nonce);
            books.repeated(&view, event, (by, nonce, hash))?.ok_or_else(|| unknown().into())
        }
        Which::Scan(number) => match books.line(&view, event, *number)? {
            Some(Line::Scan(scan)) => Ok(scan),
            Some(Line::Annul(_) | Line::Move(_) | Line::Settle(_)) | None => Err(unknown().into()),
        },
    }
}

fn annul_one(work: &mut Work<'_, '_>, pass: &Pass, scan: &Scan) -> Result<(), Error> {
    let (by, now) = (work.permit.by, work.now);
    let (view, books) = work.books()?;
    books.annul(&view, pass, scan, (now, by))?;
    work.audit("checkin.annul", format!("event/{}/scan/{}", pass.event, scan.id), "admitted", "annulled")
}

/// Says that a conflict was looked at; the scans stay as they are.
pub async fn settle(ctx: &Ctx, actor: &Actor, event: EventId, scan: ScanId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::CheckinMark, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let found = find(work, event, &Which::Scan(scan))?;
        let (by, now) = (work.permit.by, work.now);
        let (view, books) = work.books()?;
        let place = (view.space_id(), event);
        if found.conflict().is_none() {
            return Err(refuse!(Conflict, "checkin.no_conflict", "This scan conflicts with nothing.").into());
        }
        if books.is_settled(place, scan)? {
            return Ok(());
        }
        books.push(place, Line::Settle(Settle { list: found.list, scan, at: now, by }), None)?;
        work.audit("checkin.settle", format!("event/{event}/scan/{scan}"), "", "")
    })
    .await
}

/// Marks a person as checked in or not checked in (S0-39), whatever the time; the scans that are taken back stay, marked.
pub async fn mark(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId, entered: bool) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::CheckinMark, At::Event(event))?;
    let nonce = format!("mark-{:016x}", ctx.random.number());
    ctx.write(&permit, move |work| {
        let ticket = registration::load(work.read(), event, id)?;
        if !ticket.state.holds_place() {
            return Err(refuse!(Conflict, "ticket.canceled", "This registration is canceled.").into());
        }
        if entered && ticket.state.bars().is_some() {
            return Err(refuse!(
                Conflict,
                "ticket.not_standing",
                "This registration is not approved, not paid for, or blocked. Settle that first."
            )
            .into());
        }
        let standing = standing_in(work, event, id)?;
        match (entered, standing.is_admitted()) {
            (true, false) => redeem::enter(work, Pass::of(&ticket), ticket.number, nonce.clone()),
            (false, true) => take_back(work, &Pass::of(&ticket), &standing),
            (true, true) | (false, false) => Ok(()),
        }
    })
    .await
}

/// Takes every admitted scan of a ticket at one list back.
fn take_back(work: &mut Work<'_, '_>, pass: &Pass, standing: &Standing) -> Result<(), Error> {
    let event = pass.event;
    let (view, books) = work.books()?;
    for scan in books.chain(&view, event, standing)? {
        let (view, books) = work.books()?;
        if scan.verdict == Verdict::Admitted && !books.is_annulled((view.space_id(), event), scan.id)? {
            annul_one(work, pass, &scan)?;
        }
    }
    Ok(())
}

/// Whether a ticket came in at any list of its event, own changes included.
pub(crate) fn is_admitted_anywhere(work: &mut Work<'_, '_>, event: EventId, ticket: TicketId) -> Result<bool, Error> {
    let (view, books) = work.books()?;
    let place = (view.space_id(), event);
    for list in books.lists(place)? {
        if books.standing(place, list, ticket)?.is_admitted() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Lets the counts follow a ticket whose type or group changes while it is counted.
pub(crate) fn follow(work: &mut Work<'_, '_>, old: &Ticket, new: &Ticket) -> Result<(), Error> {
    let (from, to) = ((old.kind, old.group), (new.kind, new.group));
    if from == to {
        return Ok(());
    }
    let now = work.now;
    let (view, books) = work.books()?;
    let place = (view.space_id(), new.event);
    for list in books.lists(place)? {
        if books.standing(place, list, new.id)?.is_admitted() {
            books.push(place, Line::Move(Move { list, ticket: new.id, from, to, at: now }), None)?;
        }
    }
    Ok(())
}

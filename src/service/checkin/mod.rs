//! At the door: redeeming a scan, marking by the secretariat, the failed-scan log and the counts (S0-39, S0-51, S0-53, S0-54).

mod book;
mod cards;
mod log;
mod presence;
pub mod vouch;

pub(crate) use book::{Books, Memory};
pub(crate) use log::presence;
pub use log::{PAGE, ScanFilter, ScanRow, history, log};
use presence::nonce_hash;

use crate::{Actor, At, Ctx, Error, Permit, Work, registration, space::name_of};
use book::{Around, Told};
pub use cards::Holder;
use domain::{
    By, DeviceId, EventId, ListId, Permission, Refusal, Scan, ScanId, SpaceId, Ticket, TicketId, Time,
    checkin::{
        ANSWERS_MAX, CODE_MAX, Line, Move, NONCE_MAX, Pass, Reason, Request, Standing, Verdict, Way, decide, scan_time,
    },
    code, problem, refuse,
};
use std::sync::Arc;
use store::catalogue::{ENTERED, REFUSED, TICKETS};
use store::{Read, SpaceReader};

/// Who stands at the door, as the terminal shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonCard {
    /// Name, company, seat and number, and what the door needs to know.
    pub holder: Arc<Holder>,
    /// Name of the group.
    pub group: Arc<str>,
    /// Name of the ticket type.
    pub kind: Arc<str>,
}

/// The entry that stood before this scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// When.
    pub at: Time,
    /// Where or by whom; empty when unknown.
    pub by: String,
}

/// Figures of a door, exact at the instant of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Places taken.
    pub registered: i64,
    /// People checked in.
    pub admitted: i64,
    /// Scans refused.
    pub refused: i64,
}

/// What the door is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The scan's record.
    pub scan: ScanId,
    /// Admitted, refused or incomplete.
    pub verdict: Verdict,
    /// When the scan counts.
    pub at: Time,
    /// The person, when the code is known in this event.
    pub person: Option<PersonCard>,
    /// The entry that stood before.
    pub previous: Option<Before>,
    /// Counts after this scan.
    pub counts: Counts,
}

/// The counts of an event's door.
pub fn counts_in(view: &impl Read, event: EventId) -> Result<Counts, Error> {
    Ok(Counts {
        registered: view.count(&TICKETS, &(event, domain::TicketState::Active as u8))?,
        admitted: view.count(&ENTERED, &(event, ListId::MAIN))?,
        refused: view.count(&REFUSED, &(event, ListId::MAIN))?,
    })
}

/// The counts for somebody who may see or scan at the event.
pub fn counts(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Counts, Error> {
    let permit = ctx
        .permit(actor, Permission::EventView, At::Event(event))
        .or_else(|_| ctx.permit(actor, Permission::CheckinScan, At::Event(event)))?;
    ctx.read(&permit, |view| counts_in(view, event))
}

fn check_request(request: &Request) -> Result<(), Refusal> {
    let mut problems = Vec::new();
    if request.nonce.is_empty() || request.nonce.len() > NONCE_MAX || request.nonce.chars().any(char::is_control) {
        problems.push(problem!(
            "nonce",
            "Give a nonce of 1 to {max} characters, a new one for each scan.",
            max = NONCE_MAX
        ));
    }
    if request.code.chars().count() > CODE_MAX * 4 {
        problems.push(problem!("code", "At most {max} characters.", max = CODE_MAX * 4));
    }
    if request.answers.len() > ANSWERS_MAX {
        problems.push(problem!("answers", "At most {max} answers.", max = ANSWERS_MAX));
    }
    if request.list.is_some() {
        problems.push(problem!("list", "This event has only its default list."));
    }
    if request.force {
        problems.push(problem!(
            "force",
            "A scan cannot be forced here. Mark the person as checked in on the registration page."
        ));
    }
    Refusal::unless_clean(problems)
}

/// One scan: may this ticket enter here now? If yes, the entry is on disk before this returns; if no, the failed scan is.
pub async fn redeem(ctx: &Ctx, actor: &Actor, event: EventId, request: Request) -> Result<Answer, Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    let (scanned, told) = (code::read(&request.code), request.scanned_at);
    let direction = request.direction;
    let early = ctx.memory.early((permit.space, event), &scanned);
    judged(ctx, &permit, event, request, move |view, books, around, now| {
        let holder = books.holder(view, event, &scanned, early.as_ref())?;
        let at = scan_time(told, now);
        let here = holder.as_ref().filter(|holder| holder.pass.event == event);
        let standing = match here {
            Some(holder) => books.standing((view.space_id(), event), ListId::MAIN, holder.pass.ticket)?,
            None => Standing::default(),
        };
        let verdict = decide(holder.as_ref().map(|holder| &holder.pass), &standing, &around.door, direction, at);
        Ok(Judgement { holder, at, verdict })
    })
    .await
}

/// Keeps the failed scan of a device that was shut out, and says so.
pub async fn refuse_revoked(
    ctx: &Ctx,
    space: SpaceId,
    device: DeviceId,
    event: EventId,
    request: Request,
) -> Result<Answer, Error> {
    let permit = Permit { space, by: By::Device(device), account: None };
    judged(ctx, &permit, event, request, |_, _, _, now| {
        Ok(Judgement { holder: None, at: now, verdict: Verdict::Refused(Reason::DeviceRevoked) })
    })
    .await
}

/// What is said of a scan.
struct Judgement {
    /// Whose ticket it is, of whatever event.
    holder: Option<Arc<Holder>>,
    /// When the scan counts.
    at: Time,
    verdict: Verdict,
}

/// Records what `judge` says of a scan, unless its nonce was answered before; answers what was recorded.
async fn judged<J>(ctx: &Ctx, permit: &Permit, event: EventId, request: Request, judge: J) -> Result<Answer, Error>
where
    J: Fn(&SpaceReader<'_>, &Books, &Around, Time) -> Result<Judgement, Error> + Send + Sync + 'static,
{
    check_request(&request)?;
    ctx.write(permit, move |work| {
        let (by, now) = (work.permit.by, work.now);
        let hash = nonce_hash(by, &request.nonce);
        let (view, books) = work.books()?;
        let around = books.around(&view, event)?;
        if let Some(scan) = books.repeated(&view, event, (by, &request.nonce, hash))? {
            let holder = match scan.ticket_here() {
                Some(key) => view.get::<Ticket>(&key)?.map(|ticket| Arc::new(Holder::of(&ticket))),
                None => None,
            };
            return answer(&view, books, event, Told::of(&scan), holder, &around);
        }
        let Judgement { holder, at, verdict } = judge(&view, books, &around, now)?;
        let told = record(work, event, holder.as_ref().map(|holder| holder.pass), (&request, hash), at, verdict)?;
        let (view, books) = work.books()?;
        answer(&view, books, event, told, holder.filter(|holder| holder.pass.event == event), &around)
    })
    .await
}

fn record(
    work: &mut Work<'_, '_>,
    event: EventId,
    pass: Option<Pass>,
    (request, hash): (&Request, u64),
    at: Time,
    verdict: Verdict,
) -> Result<Told, Error> {
    let here = pass.filter(|pass| pass.event == event);
    let scan = Scan {
        id: ScanId::default(),
        event,
        list: ListId::MAIN,
        ticket: pass.map(|pass| (pass.event, pass.ticket)),
        kind: here.map(|pass| pass.kind),
        group: here.and_then(|pass| pass.group),
        code: request.code.chars().filter(|c| !c.is_control()).take(CODE_MAX).collect(),
        direction: request.direction,
        way: request.way,
        by: work.permit.by,
        scanned_at: at,
        received_at: work.now,
        nonce: request.nonce.clone(),
        verdict,
        previous: None,
        entry: None,
        admitted: 0,
    };
    let (view, books) = work.books()?;
    books.write((view.space_id(), event), scan, hash)
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

/// Lets the counts follow a ticket whose type or group changes while it is counted.
pub(crate) fn follow(work: &mut Work<'_, '_>, old: &Ticket, new: &Ticket) -> Result<(), Error> {
    let (from, to) = ((old.kind, old.group), (new.kind, new.group));
    if from == to {
        return Ok(());
    }
    let now = work.now;
    let (view, books) = work.books()?;
    let place = (view.space_id(), new.event);
    if books.standing(place, ListId::MAIN, new.id)?.is_admitted() {
        books.push(place, Line::Move(Move { list: ListId::MAIN, ticket: new.id, from, to, at: now }), None)?;
    }
    Ok(())
}

/// The answer to a recorded scan: the same whenever it is asked for, but for the counts.
fn answer(
    view: &SpaceReader<'_>,
    books: &Books,
    event: EventId,
    told: Told,
    holder: Option<Arc<Holder>>,
    around: &Around,
) -> Result<Answer, Error> {
    let person = holder.map(|holder| PersonCard {
        kind: around.kind(holder.pass.kind),
        group: around.group(holder.pass.group),
        holder,
    });
    let previous = match told.entry.filter(|_| told.verdict == Verdict::Refused(Reason::AlreadyIn)) {
        Some(entry) => before(view, books, event, entry)?,
        None => None,
    };
    let tally = books.tally((view.space_id(), event), told.list)?;
    let counts = Counts { registered: around.registered, admitted: tally.admitted, refused: tally.refused };
    Ok(Answer { scan: told.scan, verdict: told.verdict, at: told.at, person, previous, counts })
}

fn before(view: &impl Read, books: &Books, event: EventId, scan: ScanId) -> Result<Option<Before>, Error> {
    let Some(Line::Scan(scan)) = books.line(view, event, scan)? else { return Ok(None) };
    let by = name_of(view, scan.by)?.unwrap_or_default();
    Ok(Some(Before { at: scan.scanned_at, by }))
}

/// Marks a person as checked in or not checked in (S0-39), whatever the time; the scans that are taken back stay, marked.
pub async fn mark(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId, entered: bool) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::CheckinMark, At::Event(event))?;
    let nonce = ctx.random.number();
    ctx.write(&permit, move |work| {
        let ticket = registration::load(work.read(), event, id)?;
        if ticket.state == domain::TicketState::Canceled {
            return Err(refuse!(Conflict, "ticket.canceled", "This registration is canceled.").into());
        }
        let standing = standing_in(work, event, id)?;
        match (entered, standing.is_admitted()) {
            (true, false) => {
                let request = Request {
                    code: ticket.number.clone(),
                    way: Way::Mark,
                    nonce: format!("mark-{nonce:016x}"),
                    ..Request::default()
                };
                let (now, pass) = (work.now, Pass::of(&ticket));
                let hash = nonce_hash(work.permit.by, &request.nonce);
                record(work, event, Some(pass), (&request, hash), now, Verdict::Admitted)?;
                Ok(())
            }
            (false, true) => take_back(work, &Pass::of(&ticket), &standing),
            (true, true) | (false, false) => Ok(()),
        }
    })
    .await
}

/// Takes every admitted scan of a ticket back.
fn take_back(work: &mut Work<'_, '_>, pass: &Pass, standing: &Standing) -> Result<(), Error> {
    let event = pass.event;
    let (by, now) = (work.permit.by, work.now);
    let (view, books) = work.books()?;
    for scan in books.chain(&view, event, standing)? {
        let (view, books) = work.books()?;
        if scan.verdict != Verdict::Admitted || books.is_annulled((view.space_id(), event), scan.id)? {
            continue;
        }
        books.annul(&view, pass, &scan, (now, by))?;
        work.audit("checkin.annul", format!("event/{event}/scan/{}", scan.id), "admitted", "annulled")?;
    }
    Ok(())
}

/// What a terminal needs to know about its door.
#[derive(Debug, Clone)]
pub struct DoorPage {
    /// The event.
    pub event: domain::Event,
    /// Counts now.
    pub counts: Counts,
    /// The last scans of this terminal, newest first.
    pub recent: Vec<ScanRow>,
}

/// How many of its last scans a terminal shows.
const RECENT: usize = 8;
/// Among how many scans of the event they are looked for.
const RECENT_LOOKED: usize = 200;

/// The door of an event for whoever scans there.
pub fn door(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<DoorPage, Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    let presence = presence(ctx, permit.space, event)?;
    ctx.read(&permit, |view| {
        let mut recent = Vec::new();
        for scan in log::descending(view, event, None).take(RECENT_LOOKED) {
            let scan = scan?;
            if scan.by == permit.by && recent.len() < RECENT {
                recent.push(log::row(&presence, view, scan)?);
            }
        }
        Ok(DoorPage { event: crate::event::load(view, event)?, counts: counts_in(view, event)?, recent })
    })
}

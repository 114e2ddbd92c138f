//! At the door: redeeming a scan, marking by the secretariat, the failed-scan log and the counts (S0-39, S0-51, S0-53, S0-54).

use crate::{Actor, At, Ctx, Error, Permit, Work, actor::event_facts, registration, space::name_of};
use domain::{
    By, DeviceId, EventId, Permission, Refusal, Scan, ScanId, SpaceId, Ticket, TicketId, Time,
    checkin::{ANSWERS_MAX, CODE_MAX, Direction, Door, NONCE_MAX, Reason, Request, Verdict, Way, decide, scan_time},
    code::{self, Scanned},
    problem, refuse,
    ticket::Entry,
};
use store::catalogue::{ENTERED, REFUSED, SCAN_BY_NONCE, TICKET_BY_ATTEND, TICKET_BY_NUMBER, TICKETS};
use store::{Order, Read};

/// Who stands at the door, as the terminal shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonCard {
    /// Name.
    pub name: String,
    /// Company.
    pub company: String,
    /// Name of the group.
    pub group: String,
    /// Seat.
    pub seat: String,
    /// Name of the ticket type.
    pub kind: String,
    /// Ticket number.
    pub number: String,
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
        admitted: view.count(&ENTERED, &event)?,
        refused: view.count(&REFUSED, &event)?,
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
    check_request(&request)?;
    let scanned = code::read(&request.code);
    ctx.write(&permit, move |work| {
        if let Some(scan) = repeated(work.read(), work.permit.by, &request.nonce)? {
            return answer(work.read(), &scan);
        }
        let facts = event_facts(work.read(), event)?.ok_or_else(|| Refusal::missing("event"))?;
        let ticket = ticket_of(work.read(), event, &scanned)?;
        let at = scan_time(request.scanned_at, work.now);
        let verdict = decide(ticket.as_ref(), &facts.door, request.direction, at);
        let known = ticket.clone();
        let scan = record(work, &facts.door, ticket, &request, at, verdict)?;
        answer_with(work.read(), &scan, known.filter(|ticket| ticket.event == event))
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
    check_request(&request)?;
    let permit = Permit { space, by: By::Device(device), account: None };
    ctx.write(&permit, move |work| {
        if let Some(scan) = repeated(work.read(), work.permit.by, &request.nonce)? {
            return answer(work.read(), &scan);
        }
        let door = Door { event, withdrawn: false, entries: None };
        let scan = record(work, &door, None, &request, work.now, Verdict::Refused(Reason::DeviceRevoked))?;
        answer(work.read(), &scan)
    })
    .await
}

/// The scan already recorded under this nonce by the same terminal or person.
fn repeated(view: &impl Read, by: By, nonce: &str) -> Result<Option<Scan>, Error> {
    let (kind, id) = store::catalogue::by_key(by);
    Ok(view.find::<Scan, _>(&SCAN_BY_NONCE, &(kind, id, nonce.to_owned()))?)
}

fn ticket_of(view: &impl Read, event: EventId, scanned: &Scanned) -> Result<Option<Ticket>, Error> {
    Ok(match scanned {
        Scanned::Number(number) => view.find::<Ticket, _>(&TICKET_BY_NUMBER, number)?,
        Scanned::Attend(attend) => view.find::<Ticket, _>(&TICKET_BY_ATTEND, &(event, attend.clone()))?,
        Scanned::Misread | Scanned::Other => None,
    })
}

fn record(
    work: &mut Work<'_, '_>,
    door: &Door,
    ticket: Option<Ticket>,
    request: &Request,
    at: Time,
    verdict: Verdict,
) -> Result<Scan, Error> {
    let scan = Scan {
        id: ScanId(work.next_id::<Scan>()?),
        event: door.event,
        ticket: ticket.as_ref().map(|ticket| (ticket.event, ticket.id)),
        code: request.code.chars().filter(|c| !c.is_control()).take(CODE_MAX).collect(),
        direction: request.direction,
        way: request.way,
        by: work.permit.by,
        scanned_at: at,
        received_at: work.now,
        nonce: request.nonce.clone(),
        verdict,
        previous: ticket.as_ref().and_then(|ticket| ticket.last_scan),
        entry: ticket.as_ref().and_then(|ticket| ticket.entry).map(|entry| entry.scan),
        annulled: None,
    };
    work.insert(&scan)?;
    if let Some(mut ticket) = ticket.filter(|ticket| ticket.event == door.event) {
        ticket.last_scan = Some(scan.id);
        if verdict == Verdict::Admitted {
            ticket.entry = (scan.direction == Direction::Entry).then_some(Entry { at, scan: scan.id });
            work.touch(ticket.event, ticket.id);
        }
        work.put(&ticket)?;
    }
    let outcome = verdict.reason().map_or(verdict.code(), Reason::code);
    work.audit("checkin.scan", Subject(&scan), "", outcome)?;
    Ok(scan)
}

/// What a scan's audit line is about, written without an intermediate string.
struct Subject<'a>(&'a Scan);

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "event/{}/scan/{}", self.0.event, self.0.id)?;
        self.0.ticket.map_or(Ok(()), |(_, ticket)| write!(f, "/ticket/{ticket}"))
    }
}

/// The answer to a recorded scan: the same whenever it is asked for, but for the counts.
fn answer(view: &impl Read, scan: &Scan) -> Result<Answer, Error> {
    let ticket = match scan.ticket.filter(|(event, _)| *event == scan.event) {
        Some(key) => view.get::<Ticket>(&key)?,
        None => None,
    };
    answer_with(view, scan, ticket)
}

/// As [`answer`], when the ticket of this event is at hand.
fn answer_with(view: &impl Read, scan: &Scan, ticket: Option<Ticket>) -> Result<Answer, Error> {
    let person = ticket.map(|ticket| card(view, ticket)).transpose()?;
    let previous = match scan.entry.filter(|_| scan.verdict == Verdict::Refused(Reason::AlreadyIn)) {
        Some(entry) => before(view, scan.event, entry)?,
        None => None,
    };
    let counts = counts_in(view, scan.event)?;
    Ok(Answer { scan: scan.id, verdict: scan.verdict, at: scan.scanned_at, person, previous, counts })
}

fn before(view: &impl Read, event: EventId, scan: ScanId) -> Result<Option<Before>, Error> {
    let Some(scan) = view.get::<Scan>(&(event, scan))? else { return Ok(None) };
    let by = name_of(view, scan.by)?.unwrap_or_default();
    Ok(Some(Before { at: scan.scanned_at, by }))
}

fn card(view: &impl Read, ticket: Ticket) -> Result<PersonCard, Error> {
    let group = match ticket.group {
        Some(group) => view.peek::<domain::Group, _>(&(ticket.event, group), |group| group.name.as_str().to_owned())?,
        None => None,
    };
    let kind =
        view.peek::<domain::TicketType, _>(&(ticket.event, ticket.kind), |kind| kind.name.as_str().to_owned())?;
    Ok(PersonCard {
        name: ticket.name,
        company: ticket.company,
        group: group.unwrap_or_default(),
        seat: ticket.seat,
        kind: kind.unwrap_or_default(),
        number: ticket.number,
    })
}

/// Marks a person as checked in or not checked in (S0-39), whatever the time; the scan that is taken back stays, marked.
pub async fn mark(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId, entered: bool) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::CheckinMark, At::Event(event))?;
    let nonce = ctx.random.number();
    ctx.write(&permit, move |work| {
        let ticket = registration::load(work.read(), event, id)?;
        if ticket.state == domain::TicketState::Canceled {
            return Err(refuse!(Conflict, "ticket.canceled", "This registration is canceled.").into());
        }
        match (entered, ticket.entry) {
            (true, None) => {
                let facts = event_facts(work.read(), event)?.ok_or_else(|| Refusal::missing("event"))?;
                let request = Request {
                    code: ticket.number.clone(),
                    way: Way::Mark,
                    nonce: format!("mark-{nonce:016x}"),
                    ..Request::default()
                };
                let now = work.now;
                record(work, &facts.door, Some(ticket), &request, now, Verdict::Admitted)?;
                Ok(())
            }
            (false, Some(entry)) => annul(work, ticket, entry),
            (true, Some(_)) | (false, None) => Ok(()),
        }
    })
    .await
}

fn annul(work: &mut Work<'_, '_>, mut ticket: Ticket, entry: Entry) -> Result<(), Error> {
    let kept = work.read().get::<Scan>(&(ticket.event, entry.scan))?;
    let mut scan =
        kept.ok_or_else(|| Error::Internal(format!("scan {} of ticket {} is gone", entry.scan, ticket.id)))?;
    scan.annulled = Some((work.now, work.permit.by));
    work.put(&scan)?;
    ticket.entry = None;
    work.put(&ticket)?;
    work.touch(ticket.event, ticket.id);
    work.audit("checkin.annul", Subject(&scan), "admitted", "annulled")
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
}

/// Rows of one page of the scan log.
pub const PAGE: usize = 50;

/// Which scans the log shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScanFilter {
    /// All of them.
    #[default]
    All,
    /// The failed-scan log.
    Refused,
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
    ctx.read(&permit, |view| {
        let (mut rows, mut last) = (Vec::new(), None);
        let from = before.map(|scan| (event, scan));
        for (looked, kept) in view.scan::<Scan>(&event, from.as_ref(), Order::Descending).enumerate() {
            let scan = kept?.1;
            if rows.len() == PAGE || looked == LOOKED_MAX {
                return Ok((rows, last));
            }
            last = Some(scan.id);
            if filter == ScanFilter::Refused && !scan.is_refused() {
                continue;
            }
            rows.push(scan_row(view, scan)?);
        }
        Ok((rows, None))
    })
}

fn scan_row(view: &impl Read, scan: Scan) -> Result<ScanRow, Error> {
    let name = match scan.ticket.filter(|(event, _)| *event == scan.event) {
        Some(key) => view.peek::<Ticket, _>(&key, |ticket| ticket.name.as_str().to_owned())?,
        None => None,
    };
    let by = name_of(view, scan.by)?;
    Ok(ScanRow { scan, name, by })
}

/// The scans of one ticket, newest first, along their chain.
pub fn history(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId) -> Result<Vec<ScanRow>, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    ctx.read(&permit, |view| {
        let mut next = registration::load(view, event, id)?.last_scan;
        let mut rows = Vec::new();
        while let Some(number) = next
            && rows.len() < PAGE
        {
            let Some(scan) = view.get::<Scan>(&(event, number))? else { break };
            next = scan.previous;
            rows.push(scan_row(view, scan)?);
        }
        Ok(rows)
    })
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

/// The door of an event for whoever scans there.
pub fn door(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<DoorPage, Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    ctx.read(&permit, |view| {
        let mut recent = Vec::new();
        for kept in view.scan::<Scan>(&event, None, Order::Descending).take(200) {
            let scan = kept?.1;
            if scan.by == permit.by && recent.len() < RECENT {
                recent.push(scan_row(view, scan)?);
            }
        }
        Ok(DoorPage { event: crate::event::load(view, event)?, counts: counts_in(view, event)?, recent })
    })
}

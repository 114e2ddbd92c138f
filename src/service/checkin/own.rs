//! Checking in alone (S0-52, S1-38): codes on a screen that change all the time, printed sign-in and sign-out codes, and what happens
//! when a visitor scans one.

use super::{Answer, list_in, redeem};
use crate::{Actor, At, Ctx, Error, event, registration};
use domain::{
    Event, EventId, ListId, Permission, Refusal, SpaceId,
    checkin::{CheckinList, Direction, Request, SelfCheckin, Shown, Way},
    refuse,
    time::{MINUTE, SECOND},
};

/// How long a code stands on the screen.
pub const SHOWN_MILLIS: i64 = 20 * SECOND;
/// How long after it was first shown a code of the screen is taken.
pub const TAKEN_MILLIS: i64 = MINUTE;
/// How long a visitor who scanned a code may take to say who they are.
const PASS_MILLIS: i64 = 10 * MINUTE;

/// What a signed code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of the screen, first shown then.
    Screen(i64),
    /// Printed, of that series.
    Printed(i64),
    /// Scanned by a visitor, good until then.
    Pass(i64),
}

/// A code as it was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Code {
    space: SpaceId,
    event: EventId,
    list: ListId,
    direction: Direction,
    kind: Kind,
}

impl Code {
    fn write(self, ctx: &Ctx) -> String {
        let (kind, number) = match self.kind {
            Kind::Screen(from) => ('s', from),
            Kind::Printed(series) => ('p', series),
            Kind::Pass(until) => ('v', until),
        };
        let direction = if self.direction == Direction::Entry { 'i' } else { 'o' };
        ctx.sealer.sign(&format!("{}.{}.{}.{direction}.{kind}.{number}", self.space, self.event, self.list))
    }

    fn read(ctx: &Ctx, text: &str) -> Option<Self> {
        let mut parts = ctx.sealer.signed(text)?.split('.');
        let (space, event, list) =
            (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let direction = if parts.next()? == "i" { Direction::Entry } else { Direction::Exit };
        let (kind, number) = (parts.next()?, parts.next()?.parse().ok()?);
        let kind = match kind {
            "s" => Kind::Screen(number),
            "p" => Kind::Printed(number),
            _ => Kind::Pass(number),
        };
        Some(Self { space, event, list, direction, kind })
    }

    fn is_good(&self, ctx: &Ctx, list: &CheckinList) -> bool {
        let now = ctx.now().0;
        match self.kind {
            Kind::Screen(from) => list.own != SelfCheckin::Off && (from..from + TAKEN_MILLIS).contains(&now),
            Kind::Printed(series) => list.own == SelfCheckin::Printed && series == i64::from(list.code_series),
            Kind::Pass(until) => list.own != SelfCheckin::Off && now < until,
        }
    }
}

fn off() -> Refusal {
    refuse!(Conflict, "own.off", "Nobody checks in alone at this list. The list's settings can change that.")
}

fn ended() -> Refusal {
    refuse!(Denied, "own.ended", "This code is not valid any more. Scan the code at the entrance again.")
}

/// The code that stands on the screen now, and for how many milliseconds more.
pub fn screen(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    list: ListId,
    direction: Direction,
) -> Result<(String, i64), Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    let settings = ctx.read(&permit, |view| list_in(view, event, list))?;
    if settings.own == SelfCheckin::Off {
        return Err(off().into());
    }
    let now = ctx.now().0;
    let from = now - now.rem_euclid(SHOWN_MILLIS);
    let code = Code { space: permit.space, event, list, direction, kind: Kind::Screen(from) };
    Ok((code.write(ctx), from + SHOWN_MILLIS - now))
}

/// The code to print (S1-38). It is good until [`renew_printed`].
pub fn printed(ctx: &Ctx, actor: &Actor, event: EventId, list: ListId, direction: Direction) -> Result<String, Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let settings = ctx.read(&permit, |view| list_in(view, event, list))?;
    if settings.own != SelfCheckin::Printed {
        return Err(off().into());
    }
    let kind = Kind::Printed(i64::from(settings.code_series));
    Ok(Code { space: permit.space, event, list, direction, kind }.write(ctx))
}

/// Makes the printed codes of a list worthless; new ones must be printed.
pub async fn renew_printed(ctx: &Ctx, actor: &Actor, event: EventId, list: ListId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let mut settings = list_in(work.read(), event, list)?;
        settings.code_series += 1;
        settings.revision += 1;
        work.put(&settings)?;
        work.audit("checkin.renew_codes", format!("event/{event}/list/{list}"), "", &settings.code_series.to_string())
    })
    .await
}

/// Where a code that a visitor scanned leads.
#[derive(Debug, Clone)]
pub struct OwnDoor {
    /// The event.
    pub event: Event,
    /// The list.
    pub list: CheckinList,
    /// Signing in or out.
    pub direction: Direction,
    /// Stands in for the code while the visitor says who they are.
    pub pass: String,
}

fn open(ctx: &Ctx, space: SpaceId, text: &str) -> Result<(Code, OwnDoor), Error> {
    let code = Code::read(ctx, text).filter(|code| code.space == space).ok_or_else(ended)?;
    let own = ctx.own(space);
    let (event, list) =
        ctx.read(&own, |view| Ok((event::load(view, code.event)?, list_in(view, code.event, code.list)?)))?;
    if !code.is_good(ctx, &list) {
        return Err(ended().into());
    }
    let kind = match code.kind {
        Kind::Pass(until) => Kind::Pass(until),
        Kind::Screen(_) | Kind::Printed(_) => Kind::Pass(ctx.now().plus(PASS_MILLIS).0),
    };
    let pass = Code { kind, ..code }.write(ctx);
    Ok((code, OwnDoor { event, list, direction: code.direction, pass }))
}

/// Looks at a code that a visitor scanned.
pub fn look(ctx: &Ctx, space: SpaceId, text: &str) -> Result<OwnDoor, Error> {
    Ok(open(ctx, space, text)?.1)
}

/// Lets the holder of a ticket pass by a code: `pass` is what [`look`] gave out, `link` the ticket's.
pub async fn check_in(
    ctx: &Ctx,
    space: SpaceId,
    pass: &str,
    link: &str,
    nonce: &str,
    answers: Vec<(u16, String)>,
) -> Result<Answer, Error> {
    let (code, _) = open(ctx, space, pass)?;
    if !matches!(code.kind, Kind::Pass(_)) {
        return Err(ended().into());
    }
    let ticket = registration::by_link(ctx, space, link)?.ticket;
    // A ticket of another event is shown by its number, so that the log says what was tried.
    let shown = if ticket.event == code.event { Shown::Ticket(ticket.id) } else { Shown::Code(ticket.number) };
    let request = Request {
        shown,
        list: Some(code.list),
        direction: Some(code.direction),
        way: Way::Own,
        nonce: format!("own-{nonce}"),
        answers,
        ..Request::default()
    };
    let actor = Actor::visitor(space);
    redeem::one(ctx, &ctx.public(&actor), &actor, code.event, request).await
}

//! Prizes and their winners (S0-73): the list, finding a winner by what they show, handing out, taking that back, the file.

use super::{act, draw_in, rounds_in, subject, wins_in};
use crate::{Actor, At, Ctx, Error, Permit, checkin, privacy::access, registration, sheet};
use domain::{
    DrawId, EventId, Permission, Refusal, RoundId, Ticket,
    code::{self, Scanned},
    draw::{Claim, Shown, Who, Win, table_of},
    phone, refuse,
};
use store::Read;
use store::catalogue::{TICKET_BY_ATTEND, TICKET_BY_NUMBER};

/// A win with its prize.
#[derive(Debug, Clone)]
pub struct WinRow {
    /// The win.
    pub win: Win,
    /// The prize.
    pub prize: String,
    /// Its level.
    pub level: String,
    /// Whoever asks may see phone numbers in full.
    pub full: bool,
}

fn rows(view: &impl Read, draw: DrawId, full: bool, keep: impl Fn(&Win) -> bool) -> Result<Vec<WinRow>, Error> {
    let rounds = rounds_in(view, draw)?;
    let order = |id: RoundId| rounds.iter().position(|round| round.id == id).unwrap_or(usize::MAX);
    let row = |win: Win| {
        let round = rounds.iter().find(|round| round.id == win.round);
        WinRow {
            prize: round.map_or(String::new(), |round| round.prize.clone()),
            level: round.map_or(String::new(), |round| round.level.clone()),
            win,
            full,
        }
    };
    let mut rows: Vec<WinRow> = wins_in(view, draw)?.into_iter().filter(|win| keep(win)).map(row).collect();
    rows.sort_by_key(|row| (order(row.win.round), row.win.place, row.win.number));
    Ok(rows)
}

/// All wins of a draw by round and place, those taken back included.
pub fn wins(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId) -> Result<Vec<WinRow>, Error> {
    let rows = listed(ctx, actor, event, id)?;
    access::note_phones(ctx, actor, "draw.wins", Some(event), seen(&rows))?;
    Ok(rows)
}

/// The numbers that rows show in full.
fn seen(rows: &[WinRow]) -> impl Iterator<Item = &str> {
    rows.iter().filter(|row| row.full).filter_map(|row| row.win.phone.as_deref())
}

fn listed(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId) -> Result<Vec<WinRow>, Error> {
    let permit = act::may_look(ctx, actor, event)?;
    let full = registration::sees_all(ctx, actor, event);
    ctx.read(&permit, |view| {
        draw_in(view, event, id)?;
        rows(view, id, full, |_| true)
    })
}

/// What was found by what somebody showed.
#[derive(Debug, Clone)]
pub struct Found {
    /// What it was.
    pub shown: Shown,
    /// Name of whoever showed it; empty when only a win tells.
    pub name: String,
    /// Their wins.
    pub wins: Vec<WinRow>,
}

/// Finds the wins of whoever shows a ticket's code, an attend code, a phone number or a lucky number.
pub fn find(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId, typed: &str) -> Result<Found, Error> {
    let permit = act::may_run(ctx, actor, event)?;
    let full = registration::sees_all(ctx, actor, event);
    ctx.read(&permit, |view| {
        draw_in(view, event, id)?;
        let ticket = match code::read(typed) {
            Scanned::Number(number) => view.find::<Ticket, _>(&TICKET_BY_NUMBER, &number)?,
            Scanned::Attend(attend) => view.find::<Ticket, _>(&TICKET_BY_ATTEND, &(event, attend))?,
            Scanned::Misread => {
                return Err(refuse!(Invalid, "draw.misread", "This code was misread. Scan it again.").into());
            }
            Scanned::Other => None,
        };
        if let Some(ticket) = ticket.filter(|ticket| ticket.event == event) {
            let table = table_of(&ticket.seat);
            let theirs = |win: &Win| match win.who {
                Some(who) => who == Who::Ticket(ticket.id),
                None => win.table == table,
            };
            return Ok(Found { shown: Shown::Ticket, wins: rows(view, id, full, theirs)?, name: ticket.name.clone() });
        }
        let phone = phone::normalise(typed);
        let by_phone = rows(view, id, full, |win| phone.is_some() && win.phone == phone)?;
        if !by_phone.is_empty() {
            return Ok(Found { shown: Shown::Phone, name: String::new(), wins: by_phone });
        }
        let digits: String = typed.chars().map(domain::text::half_width).filter(|c| !c.is_whitespace()).collect();
        let by_number = rows(view, id, full, |win| win.lucky == digits)?;
        Ok(Found { shown: Shown::Lucky, name: String::new(), wins: by_number })
    })
}

async fn change(
    ctx: &Ctx,
    permit: &Permit,
    event: EventId,
    id: DrawId,
    number: u32,
    to: Option<(String, Shown)>,
) -> Result<(), Error> {
    let inner = ctx.clone();
    ctx.write(permit, move |work| {
        let draw = draw_in(work.read(), event, id)?;
        let mut win = work.read().get::<Win>(&(id, number))?.ok_or_else(|| Refusal::missing("win"))?;
        if win.void.is_some() {
            return Err(
                refuse!(Conflict, "draw.win_void", "This prize was taken back; it cannot be handed out.").into()
            );
        }
        let before = win.claim.as_ref().map_or(String::new(), |claim| format!("{} {}", claim.by, claim.at.0));
        match &to {
            Some(_) if win.claim.is_some() => {
                return Err(refuse!(Conflict, "draw.handed_already", "This prize was handed out already.").into());
            }
            Some((by, shown)) => win.claim = Some(Claim { by: by.clone(), shown: *shown, at: work.now }),
            None if win.claim.is_none() => {
                return Err(refuse!(Conflict, "draw.not_handed", "This prize was not handed out.").into());
            }
            None => win.claim = None,
        }
        work.put(&win)?;
        let action = if to.is_some() { "draw.hand_out" } else { "draw.hand_back" };
        work.audit(action, format!("{}/win/{number}", subject(&draw)), &before, &win.lucky)
    })
    .await?;
    // Pages that list prizes show it at once.
    act::stir(&inner);
    Ok(())
}

/// Notes that a prize was handed out.
pub async fn claim(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: DrawId,
    number: u32,
    shown: Shown,
) -> Result<(), Error> {
    let permit = act::may_run(ctx, actor, event)?;
    change(ctx, &permit, event, id, number, Some((act::name_of(actor), shown))).await
}

/// Takes back that a prize was handed out; the audit log keeps both.
pub async fn unclaim(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId, number: u32) -> Result<(), Error> {
    let permit = act::may_run(ctx, actor, event)?;
    change(ctx, &permit, event, id, number, None).await
}

/// The winners as a file, with what became of each prize; `say` turns a text into the reader's language.
pub async fn export(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: DrawId,
    format: sheet::Format,
    say: impl Fn(&str) -> String,
    time: impl Fn(domain::Time) -> String,
) -> Result<Vec<u8>, Error> {
    ctx.permit(actor, Permission::RegistrationExport, At::Event(event))?;
    let rows = listed(ctx, actor, event, id)?;
    let phones: Vec<String> = seen(&rows).map(str::to_owned).collect();
    let heads = [
        "Level",
        "Prize",
        "Place in the round",
        "Name",
        "Lucky number",
        "Phone",
        "Company",
        "Table",
        "How",
        "Time",
        "State",
        "Handed out by",
        "Handed out at",
        "Reason",
    ];
    let mut out = vec![heads.iter().map(|head| say(head)).collect::<Vec<_>>()];
    for row in rows {
        let win = row.win;
        let shown = |phone: &str| if row.full { phone::local(phone) } else { phone::masked(phone) };
        let state = match (&win.void, &win.claim) {
            (Some(_), _) => "Voided",
            (None, Some(_)) => "Handed out",
            (None, None) => "Not handed out yet",
        };
        out.push(vec![
            row.level,
            row.prize,
            win.place.to_string(),
            win.name,
            win.lucky,
            win.phone.as_deref().map_or(String::new(), shown),
            win.company,
            win.table.map_or(String::new(), |table| table.to_string()),
            say(if win.assigned { "Assigned, not drawn" } else { "Drawn" }),
            time(win.at),
            say(state),
            win.claim.as_ref().map_or(String::new(), |claim| claim.by.clone()),
            win.claim.as_ref().map_or(String::new(), |claim| time(claim.at)),
            win.void.map_or(String::new(), |void| void.reason),
        ]);
    }
    let bytes = sheet::write(format, &out)?;
    access::note_phones_now(ctx, actor, "draw.wins_export", Some(event), phones.iter().map(String::as_str)).await?;
    Ok(bytes)
}

/// Whether a ticket's holder came in at the event's main list.
pub(super) fn came(ctx: &Ctx, space: domain::SpaceId, event: EventId, who: Who) -> Result<bool, Error> {
    match who {
        Who::Ticket(ticket) => Ok(checkin::standing(ctx, space, event, ticket)?.first().is_some()),
        Who::Extra(_) => Ok(true),
    }
}

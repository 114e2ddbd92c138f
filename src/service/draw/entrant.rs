//! People on a draw's own list: imported without a ticket, or joined by its code (S1-51). Whoever has a ticket of the event is that
//! ticket, and nobody stands on a list twice.

use super::{act, draw_in, lucky, subject};
use crate::{Actor, At, Ctx, Error, Permit, Work, event, privacy::access, registration, sheet};
use domain::{
    Draw, DrawId, EntrantId, EventId, Permission, Problem, Refusal, Ticket,
    draw::{EXTRAS_MAX, Entrant, Who},
    import::{Column, guess},
    phone, problem, refuse,
    ticket::{Filler, TicketInput, check_ticket},
};
use std::collections::HashSet;
use store::catalogue::{ENTRANT_BY_PHONE, ENTRANT_BY_TICKET, ENTRANTS, TICKET_BY_PHONE};
use store::{Order, Read};

/// Rows of one transaction.
const CHUNK: usize = 100;

/// What became of an imported list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// New on the list.
    pub added: usize,
    /// Were on it already.
    pub unchanged: usize,
    /// Rows that could not be taken: number beside the row and what is wrong.
    pub refused: Vec<(u32, Problem)>,
}

/// Who somebody is by what a row or a form says.
#[derive(Debug, Clone)]
pub(super) struct NewEntrant {
    pub name: String,
    pub phone: Option<String>,
    pub company: String,
    pub group: String,
    pub seat: String,
    pub token: Option<[u8; 32]>,
}

/// Puts somebody on the list, or says who they are on it already. A phone number that has a ticket of the event is that ticket.
pub(super) fn put(work: &mut Work<'_, '_>, draw: &Draw, new: &NewEntrant) -> Result<(Entrant, bool), Error> {
    crate::archive::check_open(work.read(), draw.event)?;
    let ticket = match &new.phone {
        Some(phone) => {
            let key = work.read().find_key::<Ticket, _>(&TICKET_BY_PHONE, &(phone.clone(), draw.event))?;
            key.map(|(_, ticket)| ticket)
        }
        None => None,
    };
    let kept = match (ticket, &new.phone) {
        (Some(ticket), _) => work.read().find::<Entrant, _>(&ENTRANT_BY_TICKET, &(draw.id, ticket))?,
        (None, Some(phone)) => work.read().find::<Entrant, _>(&ENTRANT_BY_PHONE, &(draw.id, phone.clone()))?,
        (None, None) => None,
    };
    if let Some(mut kept) = kept {
        let back = kept.removed;
        if back || new.token.is_some() {
            kept.removed = false;
            // The phone that joined last is the one that is known.
            kept.token = new.token.or(kept.token);
            work.put(&kept)?;
            work.audit("draw.entrant", format!("{}/entrant/{}", subject(draw), kept.id), "", &kept.name)?;
        }
        return Ok((kept, back));
    }
    let already = work.read().count(&ENTRANTS, &(draw.id, false))?;
    if ticket.is_none() && already >= i64::try_from(EXTRAS_MAX).unwrap_or(i64::MAX) {
        return Err(refuse!(
            Conflict,
            "draw.too_many_extras",
            "At most {max} people without a ticket can take part.",
            max = EXTRAS_MAX
        )
        .into());
    }
    let group = match (ticket, new.group.as_str()) {
        (None, named) if !named.is_empty() => Some(event::group_named(work, draw.event, named)?),
        _ => None,
    };
    let phone = if ticket.is_some() { None } else { new.phone.clone() };
    let entrant = Entrant {
        id: EntrantId(work.next_id::<Entrant>()?),
        draw: draw.id,
        ticket,
        name: new.name.clone(),
        phone,
        company: new.company.clone(),
        group,
        seat: new.seat.clone(),
        token: new.token,
        removed: false,
        created_at: work.now,
    };
    work.insert(&entrant)?;
    work.audit("draw.entrant", format!("{}/entrant/{}", subject(draw), entrant.id), "", &entrant.name)?;
    Ok((entrant, true))
}

fn row(columns: &[Column], cells: &[String]) -> Result<NewEntrant, Problem> {
    let cell = |column: Column| {
        let at = columns.iter().position(|kept| *kept == column);
        at.and_then(|at| cells.get(at)).map_or("", |cell| cell.trim()).to_owned()
    };
    let input = TicketInput {
        name: cell(Column::Name),
        phone: cell(Column::Phone),
        company: cell(Column::Company),
        seat: cell(Column::Seat),
        ..TicketInput::default()
    };
    let details = check_ticket(&input, &[], Filler::Secretariat).map_err(|problems| {
        problems.into_iter().next().unwrap_or_else(|| problem!("name", "This field is required."))
    })?;
    let group = domain::text::line(&cell(Column::Group));
    let length = group.chars().count();
    if length > 40 {
        return Err(problem!("group", "At most {max} characters; this has {length}.", max = 40, length = length));
    }
    Ok(NewEntrant {
        name: details.name,
        phone: details.phone,
        company: details.company,
        group,
        seat: details.seat,
        token: None,
    })
}

/// Takes a list of people in; the same list again changes nothing. Rows that cannot be taken come back with the reason.
pub async fn import(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId, bytes: Vec<u8>) -> Result<Taken, Error> {
    let permit = ctx.permit(actor, Permission::DrawManage, At::Event(event))?;
    let read = tokio::task::spawn_blocking(move || sheet::read(&bytes)).await;
    let read = read.map_err(|error| Error::internal("reading a list", error))??;
    if read.rows.len() > EXTRAS_MAX {
        return Err(Refusal::invalid(vec![problem!(
            "file",
            "At most {max} people without a ticket can take part.",
            max = EXTRAS_MAX
        )])
        .into());
    }
    let columns = guess(&read.heads, &[]);
    if !columns.contains(&Column::Name) {
        return Err(Refusal::invalid(vec![problem!(
            "file",
            "No column is called Name. The first row must hold the heads of the columns."
        )])
        .into());
    }
    let mut taken = Taken::default();
    let mut rows = Vec::with_capacity(read.rows.len());
    for (number, cells) in &read.rows {
        match row(&columns, cells) {
            Ok(new) => rows.push(new),
            Err(problem) => taken.refused.push((*number, problem)),
        }
    }
    for chunk in rows.chunks(CHUNK) {
        let (added, unchanged) = put_all(ctx, &permit, event, id, chunk.to_vec()).await?;
        taken.added += added;
        taken.unchanged += unchanged;
    }
    Ok(taken)
}

async fn put_all(
    ctx: &Ctx,
    permit: &Permit,
    event: EventId,
    id: DrawId,
    rows: Vec<NewEntrant>,
) -> Result<(usize, usize), Error> {
    ctx.write(permit, move |work| {
        let draw = draw_in(work.read(), event, id)?;
        // Without a phone number, the same words are the same person.
        let mut known: HashSet<(String, String, String)> = HashSet::new();
        for kept in work.read().scan::<Entrant>(&id, None, Order::Ascending) {
            let (_, kept) = kept?;
            if kept.phone.is_none() && kept.ticket.is_none() && !kept.removed {
                known.insert((kept.name, kept.company, kept.seat));
            }
        }
        let (mut added, mut unchanged) = (0, 0);
        for new in &rows {
            let words = (new.name.clone(), new.company.clone(), new.seat.clone());
            let is_new = if new.phone.is_none() && !known.insert(words) { false } else { put(work, &draw, new)?.1 };
            if is_new { added += 1 } else { unchanged += 1 }
        }
        Ok((added, unchanged))
    })
    .await
}

/// Somebody on the list as the secretariat sees it.
#[derive(Debug, Clone)]
pub struct EntrantRow {
    /// Who.
    pub entrant: Entrant,
    /// Lucky number.
    pub lucky: String,
    /// Name of the group.
    pub group: String,
    /// Joined by the code, with a phone that is known.
    pub by_code: bool,
}

/// A page of a draw's list, how many there are, and whether numbers are seen in full.
type Rows = (Vec<EntrantRow>, usize, bool);

/// The list of a draw, newest first, with how many there are.
pub fn entrants(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId, page: usize) -> Result<Rows, Error> {
    let (rows, found, full) = listed(ctx, actor, event, id, (page.saturating_mul(PAGE), PAGE))?;
    if full {
        let phones = rows.iter().filter_map(|row| row.entrant.phone.as_deref());
        access::note_phones(ctx, actor, "draw.entrants", Some(event), phones)?;
    }
    Ok((rows, found, full))
}

/// So many rows behind so many others, at one instant.
fn listed(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId, (from, most): (usize, usize)) -> Result<Rows, Error> {
    let permit =
        act::may_run(ctx, actor, event).or_else(|_| ctx.permit(actor, Permission::DrawManage, At::Event(event)))?;
    let full = registration::sees_all(ctx, actor, event);
    ctx.read(&permit, |view| {
        draw_in(view, event, id)?;
        let groups = event::groups_of(view, event)?;
        let mut all = Vec::new();
        for kept in view.scan::<Entrant>(&id, None, Order::Descending) {
            let (_, entrant) = kept?;
            if !entrant.removed {
                all.push(entrant);
            }
        }
        let found = all.len();
        let row = |entrant: Entrant| EntrantRow {
            lucky: lucky(event, entrant.ticket.map_or(Who::Extra(entrant.id), Who::Ticket)),
            group: groups
                .iter()
                .find(|group| Some(group.id) == entrant.group)
                .map_or(String::new(), |group| group.name.clone()),
            by_code: entrant.token.is_some() || entrant.ticket.is_some(),
            entrant,
        };
        let rows: Vec<EntrantRow> = all.into_iter().skip(from).take(most).map(row).collect();
        Ok((rows, found, full))
    })
}

/// Rows of one page.
pub const PAGE: usize = 50;

/// Takes somebody off the list; what they won stays.
pub async fn remove_entrant(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId, who: EntrantId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::DrawManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let draw = draw_in(work.read(), event, id)?;
        let mut entrant = work.read().get::<Entrant>(&(id, who))?.ok_or_else(|| Refusal::missing("entrant"))?;
        entrant.removed = true;
        work.put(&entrant)?;
        work.audit("draw.entrant_remove", format!("{}/entrant/{who}", subject(&draw)), &entrant.name, "")
    })
    .await
}

/// The list as a file, which can be taken in again.
pub async fn export_entrants(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: DrawId,
    format: sheet::Format,
    say: impl Fn(&str) -> String,
) -> Result<Vec<u8>, Error> {
    ctx.permit(actor, Permission::RegistrationExport, At::Event(event))?;
    let heads = ["Name", "Phone", "Company", "Group", "Seat", "Lucky number"];
    let mut out = vec![heads.iter().map(|head| say(head)).collect::<Vec<_>>()];
    let mut seen = Vec::new();
    let (rows, _, full) = listed(ctx, actor, event, id, (0, usize::MAX))?;
    for row in rows {
        let shown = |of: &str| if full { phone::local(of) } else { phone::masked(of) };
        let phone = row.entrant.phone.as_deref().map_or(String::new(), shown);
        out.push(vec![row.entrant.name, phone, row.entrant.company, row.group, row.entrant.seat, row.lucky]);
        seen.extend(row.entrant.phone.filter(|_| full));
    }
    let bytes = sheet::write(format, &out)?;
    let seen = seen.iter().map(String::as_str);
    access::note_phones_now(ctx, actor, "draw.entrants_export", Some(event), seen).await?;
    Ok(bytes)
}

//! Freezing a list: who may win now, salted, hashed, ordered, and kept as files before the record names it.

use super::{lucky, setup};
use crate::{Actor, Ctx, Error};
use domain::{
    Draw, DrawId, EventId, Refusal, Round, SpaceId, Ticket, TicketId,
    draw::{Barred, Candidate, Entrant, Unit, Who, Win, may_win, method, pool, table_of},
};
use std::collections::{HashMap, HashSet};
use store::catalogue::TICKET_BY_PHONE;
use store::{Order, Read, SpaceView};

/// A list as it is kept.
pub(super) struct List {
    /// Entries.
    pub count: u32,
    /// Hash of the list: the name of its public file.
    pub list: method::Hash,
    /// Name of the file of who stands behind each entry.
    pub people: method::Hash,
}

/// What is known of somebody who takes part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Details {
    pub name: String,
    pub company: String,
    pub phone: Option<String>,
    pub table: Option<u32>,
}

/// Looks somebody up; none when there is no such person any more.
pub(super) fn details(view: &impl Read, event: EventId, draw: DrawId, who: Who) -> Result<Option<Details>, Error> {
    Ok(match who {
        Who::Ticket(ticket) => view.get::<Ticket>(&(event, ticket))?.map(|ticket| Details {
            table: table_of(&ticket.seat),
            name: ticket.name,
            company: ticket.company,
            phone: ticket.phone,
        }),
        Who::Extra(entrant) => view.get::<Entrant>(&(draw, entrant))?.map(|entrant| Details {
            table: table_of(&entrant.seat),
            name: entrant.name,
            company: entrant.company,
            phone: entrant.phone,
        }),
    })
}

/// People who joined or stand on the draw's list.
pub(super) struct Joined {
    tickets: HashSet<TicketId>,
    extras: Vec<Candidate>,
    /// Somebody without a ticket who got one later, by phone.
    same: HashMap<Who, Who>,
}

impl Joined {
    pub(super) fn read(view: &impl Read, draw: &Draw) -> Result<Self, Error> {
        let (mut tickets, mut extras, mut same) = (HashSet::new(), Vec::new(), HashMap::new());
        for kept in view.scan::<Entrant>(&draw.id, None, Order::Ascending) {
            let (_, entrant) = kept?;
            let by_phone = match (&entrant.phone, entrant.ticket) {
                (Some(phone), None) => view.find_key::<Ticket, _>(&TICKET_BY_PHONE, &(phone.clone(), draw.event))?,
                _ => None,
            };
            let ticket = entrant.ticket.or(by_phone.map(|(_, ticket)| ticket));
            match ticket {
                Some(ticket) => {
                    same.insert(Who::Extra(entrant.id), Who::Ticket(ticket));
                    if !entrant.removed {
                        tickets.insert(ticket);
                    }
                }
                None if entrant.removed => {}
                None => extras.push(Candidate {
                    who: Who::Extra(entrant.id),
                    registered: false,
                    entered: false,
                    joined: true,
                    kind: None,
                    group: entrant.group,
                    table: table_of(&entrant.seat),
                }),
            }
        }
        Ok(Self { tickets, extras, same })
    }

    /// The one person that somebody is.
    pub(super) fn same(&self, who: Who) -> Who {
        self.same.get(&who).copied().unwrap_or(who)
    }
}

/// Everybody who may take part in a draw, with what the rules ask. Blocks the thread when the event is not in memory yet.
pub(super) fn candidates(
    ctx: &Ctx,
    space: SpaceId,
    draw: &Draw,
    joined: &Joined,
    tables: bool,
) -> Result<Vec<Candidate>, Error> {
    let place = (space, draw.event);
    let cards = ctx.memory.cards.load(place, || ctx.store().view().space(space))?;
    let presence = crate::checkin::presence(ctx, space, draw.event)?;
    let mut all = Vec::new();
    cards.look(|cards| {
        cards.each(|ticket, kind, group, stands, seat| {
            all.push(Candidate {
                who: Who::Ticket(ticket),
                registered: stands,
                entered: false,
                joined: joined.tickets.contains(&ticket),
                kind: Some(kind),
                group,
                table: if tables { table_of(seat) } else { None },
            });
        });
    })?;
    presence.look(|presence| {
        for of in &mut all {
            if let Who::Ticket(ticket) = of.who {
                of.entered = of.registered && presence.at_main(ticket).first().is_some();
            }
        }
    })?;
    all.extend(joined.extras.iter().cloned());
    Ok(all)
}

/// How many people take part in a draw, before rounds and wins narrow them.
pub fn candidates_count(ctx: &Ctx, actor: &Actor, event: EventId, id: DrawId) -> Result<usize, Error> {
    let permit = super::act::may_look(ctx, actor, event)?;
    let (draw, joined) = ctx.read(&permit, |view| {
        let draw = super::draw_in(view, event, id)?;
        let joined = Joined::read(view, &draw)?;
        Ok((draw, joined))
    })?;
    let all = candidates(ctx, permit.space, &draw, &joined, false)?;
    let round = open_round(id);
    Ok(all.iter().filter(|of| may_win(&draw, &round, &Barred::default(), of)).count())
}

/// A round that everybody of the draw may win in.
pub(super) fn open_round(draw: DrawId) -> Round {
    Round {
        id: domain::RoundId(0),
        draw,
        order: 0,
        prize: String::new(),
        level: String::new(),
        picture: None,
        quantity: 0,
        per_turn: 1,
        mode: domain::draw::Mode::Random,
        tables: (1, 1),
        groups: Vec::new(),
        designated: Vec::new(),
        revision: 0,
    }
}

/// What is hashed for one entry: the lucky number; or the table with the lucky numbers of its people.
pub(super) fn text_of(event: EventId, unit: &Unit) -> String {
    let numbers = unit.people.iter().map(|who| lucky(event, *who));
    match unit.table {
        None => numbers.collect::<Vec<_>>().join(","),
        Some(table) => std::iter::once(format!("table {table}")).chain(numbers).collect::<Vec<_>>().join(","),
    }
}

/// The salt of an entry: known to the box, to whom the entry is, and to everybody once it won. Half of a hash over a secret of fixed length
/// and the text: what is shown of one tells nothing of another.
pub(super) fn salt_of(key: &method::Hash, text: &str) -> [u8; 16] {
    let whole = method::sha256(&[key, text.as_bytes()]);
    let mut salt = [0; 16];
    salt.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    salt
}

/// The key that the salts of a draw come from.
pub(super) fn salt_key(ctx: &Ctx, view: &impl Read, draw: DrawId) -> Result<method::Hash, Error> {
    Ok(setup::secrets(ctx, view, draw)?.1)
}

/// Units that are worth a thread of their own.
const SHARE: usize = 10_000;

/// Salts and hashes units, on two threads when there are many: somebody waits on a stage.
fn hashed(event: EventId, key: &method::Hash, mut units: Vec<Unit>) -> Vec<(method::Hash, Unit)> {
    let hash = |units: Vec<Unit>| -> Vec<(method::Hash, Unit)> {
        let entry = |unit: Unit| {
            let text = text_of(event, &unit);
            (method::entry(&salt_of(key, &text), &text), unit)
        };
        units.into_iter().map(entry).collect()
    };
    if units.len() < 2 * SHARE {
        return hash(units);
    }
    let rest = units.split_off(units.len() / 2);
    std::thread::scope(|scope| {
        let aside = scope.spawn(|| hash(rest));
        let mut all = hash(units);
        // A thread that panicked takes this one with it: a list that lacks people is none.
        all.extend(aside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        all
    })
}

/// Freezes who may win in a round now. Blocks the thread: files are written and synced.
pub(super) fn freeze(ctx: &Ctx, view: &SpaceView, draw: &Draw, round: &Round, wins: &[Win]) -> Result<List, Error> {
    let joined = Joined::read(view, draw)?;
    let barred = Barred::of(wins, round.id, |who| joined.same(who));
    let all = candidates(ctx, view.space_id(), draw, &joined, round.mode.is_tables())?;
    let units = pool(draw, round, &barred, all);
    if units.is_empty() {
        return Err(nobody(round).into());
    }
    let key = salt_key(ctx, view, draw.id)?;
    let mut entries = hashed(draw.event, &key, units);
    entries.sort_unstable_by_key(|of| of.0);
    let public: Vec<u8> = entries.iter().flat_map(|of| of.0).collect();
    let mut people = Vec::with_capacity(entries.len() * 15);
    entries.iter().for_each(|of| write_unit(&of.1, &mut people));
    let count = u32::try_from(entries.len()).map_err(|error| Error::internal("counting entries", error))?;
    // Each file waits for the disk several times; both wait at once.
    let (list, people) = std::thread::scope(|scope| {
        let aside = scope.spawn(|| ctx.files.put(&people));
        let list = ctx.files.put(&public);
        (list, aside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    Ok(List { count, list: list?, people: people? })
}

/// Brings an event into memory before its first list is frozen. Blocks the thread.
pub(super) fn warm(ctx: &Ctx, space: SpaceId, event: EventId) -> Result<(), Error> {
    ctx.memory.cards.load((space, event), || ctx.store().view().space(space))?;
    crate::checkin::presence(ctx, space, event)?;
    Ok(())
}

fn nobody(round: &Round) -> Refusal {
    if round.mode.is_tables() {
        return domain::refuse!(
            Conflict,
            "draw.no_table",
            "No table can win: nobody who takes part has a seat at a table of this range that has not won yet."
        );
    }
    domain::refuse!(
        Conflict,
        "draw.nobody",
        "Nobody can win: everybody who takes part has won as often as allowed, or nobody takes part yet."
    )
}

/// Table, how many people, and each of them.
fn write_unit(unit: &Unit, to: &mut Vec<u8>) {
    to.extend(unit.table.unwrap_or(0).to_be_bytes());
    to.extend(u16::try_from(unit.people.len()).unwrap_or(u16::MAX).to_be_bytes());
    for who in unit.people.iter().take(usize::from(u16::MAX)) {
        let (kind, id) = match who {
            Who::Ticket(ticket) => (0u8, ticket.0),
            Who::Extra(entrant) => (1, entrant.0),
        };
        to.push(kind);
        to.extend(id.to_be_bytes());
    }
}

fn read_unit(from: &mut &[u8]) -> Option<Unit> {
    let (table, rest) = from.split_first_chunk::<4>()?;
    let (count, mut rest) = rest.split_first_chunk::<2>()?;
    let table = u32::from_be_bytes(*table);
    let mut people = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (kind, behind) = rest.split_first()?;
        let (id, behind) = behind.split_first_chunk::<8>()?;
        let id = u64::from_be_bytes(*id);
        people.push(if *kind == 0 { Who::Ticket(TicketId(id)) } else { Who::Extra(domain::EntrantId(id)) });
        rest = behind;
    }
    *from = rest;
    Some(Unit { table: (table > 0).then_some(table), people })
}

/// Who stands behind the entries at these places of a kept list.
pub(super) fn behind(ctx: &Ctx, people: &method::Hash, places: &[u32]) -> Result<Vec<Unit>, Error> {
    let bytes = ctx.files.get(people)?;
    let wanted: HashSet<u32> = places.iter().copied().collect();
    let mut found: HashMap<u32, Unit> = HashMap::new();
    let (mut rest, mut at) = (bytes.as_slice(), 0u32);
    while !rest.is_empty() && found.len() < wanted.len() {
        let unit = read_unit(&mut rest).ok_or_else(|| Error::Internal("a kept list cannot be read".into()))?;
        if wanted.contains(&at) {
            found.insert(at, unit);
        }
        at += 1;
    }
    let missing = || Error::Internal("a kept list is too short".into());
    places.iter().map(|place| found.remove(place).ok_or_else(missing)).collect()
}

/// Who stands at which place of a kept list.
pub(super) fn place_of(ctx: &Ctx, people: &method::Hash, who: Who) -> Result<Option<(u32, Unit)>, Error> {
    let bytes = ctx.files.get(people)?;
    let (mut rest, mut at) = (bytes.as_slice(), 0u32);
    while !rest.is_empty() {
        let unit = read_unit(&mut rest).ok_or_else(|| Error::Internal("a kept list cannot be read".into()))?;
        if unit.people.contains(&who) {
            return Ok(Some((at, unit)));
        }
        at += 1;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::EntrantId;

    #[test]
    fn units_read_back_as_they_were_written() {
        let units = [
            Unit { table: None, people: vec![Who::Ticket(TicketId(7))] },
            Unit { table: Some(12), people: vec![Who::Ticket(TicketId(u64::MAX)), Who::Extra(EntrantId(3))] },
        ];
        let mut bytes = Vec::new();
        units.iter().for_each(|unit| write_unit(unit, &mut bytes));
        let mut rest = bytes.as_slice();
        for unit in &units {
            assert_eq!(read_unit(&mut rest).as_ref(), Some(unit));
        }
        assert!(rest.is_empty() && read_unit(&mut &bytes[..5]).is_none());
        assert_eq!(text_of(EventId(1), &units[1]).split(',').next(), Some("table 12"));
    }
}

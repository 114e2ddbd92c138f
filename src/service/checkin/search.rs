//! Finding people at the door: picking from a list, and what a terminal takes along for the time when it is alone.

use super::{Holder, list_in, presence};
use crate::{Actor, At, Ctx, Error, actor::Who, registration, roster::Filter};
use data_encoding::BASE64;
use domain::{
    CheckinList, EventId, ListId, Permission, Refusal, ScanBlock, ScanId, SpaceId, Ticket, TicketId, Time,
    checkin::{Door, Standing},
    phone, problem,
};
use ring::digest::{Context, SHA256};
use std::collections::{BTreeMap, BTreeSet};
use store::{Order, Read};

/// A person found at the door.
#[derive(Debug, Clone)]
pub struct Found {
    /// The ticket.
    pub ticket: TicketId,
    /// What the door shows.
    pub holder: Holder,
    /// Name of the group.
    pub group: String,
    /// Name of the ticket type.
    pub kind: String,
    /// The phone number with its middle left out.
    pub phone: String,
    /// Where the ticket stands at the list.
    pub standing: Standing,
}

/// Fewest characters that are looked for.
pub const SEARCH_MIN: usize = 2;
/// Most people that are found at a time.
pub const SEARCH_MAX: usize = 20;

/// A terminal finds people only where that was allowed to it.
fn may_name(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<crate::Permit, Error> {
    match &actor.who {
        Who::Device { post, .. } if !post.names => Err(Refusal::denied().into()),
        Who::Device { .. } => ctx.permit(actor, Permission::CheckinScan, At::Event(event)),
        Who::Staff { .. } | Who::Client { .. } | Who::Person { .. } | Who::Visitor => {
            ctx.permit(actor, Permission::RegistrationView, At::Event(event))
        }
    }
}

/// People of the event by part of the name, its pinyin, company, seat, phone or number: at most twenty of those who may still come.
pub fn search(ctx: &Ctx, actor: &Actor, event: EventId, list: ListId, text: &str) -> Result<Vec<Found>, Error> {
    let permit = may_name(ctx, actor, event)?;
    let text = text.trim();
    if text.chars().count() < SEARCH_MIN || text.chars().count() > 100 {
        let problem = problem!("q", "Type at least {min} characters.", min = SEARCH_MIN);
        return Err(Refusal::invalid(vec![problem]).into());
    }
    let filter = Filter { text: text.to_owned(), unmasked: true, ..Filter::default() };
    let ids = registration::selected(ctx, &permit, event, &filter)?;
    let held = presence(ctx, permit.space, event)?;
    ctx.read(&permit, |view| {
        list_in(view, event, list)?;
        let doors = super::list::doors_in(view, event)?;
        let mut found = Vec::new();
        for id in ids {
            let ticket = registration::load(view, event, id)?;
            if !ticket.state.holds_place() {
                continue;
            }
            found.push(Found {
                ticket: id,
                holder: Holder::read(view, &ticket)?,
                group: doors.group(ticket.group).to_owned(),
                kind: doors.kind(ticket.kind).to_owned(),
                phone: ticket.phone.as_deref().map_or(String::new(), phone::masked),
                standing: held.look(|presence| presence.standing(list, id))?.unwrap_or_default(),
            });
            if found.len() == SEARCH_MAX {
                break;
            }
        }
        Ok(found)
    })
}

/// A ticket as a terminal takes it along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The ticket.
    pub ticket: TicketId,
    /// Hashes of its number and its attend code; see [`hash`].
    pub codes: [String; 2],
    /// Number of its type, and of its group.
    pub kind: u64,
    /// See `kind`.
    pub group: Option<u64>,
    /// Why nobody comes in with it; none when the list decides.
    pub barred: Option<domain::checkin::Reason>,
    /// Its holder has seen it.
    pub collected: bool,
    /// Name, seat and note for the door, when the terminal may keep them.
    pub words: Option<[String; 3]>,
    /// Its entries that count and its latest exit, in milliseconds, with the numbers of the scans.
    pub entries: Vec<(i64, u64)>,
    /// See `entries`.
    pub exit: Option<(i64, u64)>,
    /// Numbers of the questions that were answered.
    pub answered: Vec<u16>,
}

/// Everything a terminal needs to go on alone.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The box's clock.
    pub now: Time,
    /// Name of the association's zone.
    pub zone: String,
    /// What codes are hashed with.
    pub salt: String,
    /// Number of the newest line of the scan log that is in it.
    pub line: u64,
    /// Differs when tickets or settings changed, so that all must be taken anew.
    pub version: String,
    /// Its list's settings with the door's window.
    pub door: Door,
    /// The list's people inside.
    pub inside: i64,
    /// Names of ticket types and groups by number.
    pub kinds: BTreeMap<u64, String>,
    /// See `kinds`.
    pub groups: BTreeMap<u64, String>,
    /// The tickets.
    pub tickets: Vec<Taken>,
}

/// The salted SHA-256 of a code, its first 15 bytes in base64: a terminal that is lost tells nobody the codes at a glance.
pub fn hash(salt: &str, code: &str) -> String {
    let mut context = Context::new(&SHA256);
    context.update(salt.as_bytes());
    context.update(code.as_bytes());
    BASE64.encode(context.finish().as_ref().get(..15).unwrap_or_default())
}

/// What a terminal takes along of its event and list. The salt is the terminal's own.
pub fn snapshot(ctx: &Ctx, actor: &Actor, event: EventId, list: ListId) -> Result<Snapshot, Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    let named = may_name(ctx, actor, event).is_ok();
    let (zone, held) = (ctx.zone(permit.space)?, presence(ctx, permit.space, event)?);
    let salt = format!("{:?}/{event}/", permit.by);
    // The log is looked at before the tickets: what comes between is sent again as a change.
    let line = held.look(super::presence::Presence::newest)?;
    let inside = super::list_counts(ctx, permit.space, event, list)?.inside;
    let version = version(ctx, permit.space, event, list)?;
    ctx.read(&permit, |view| {
        let around = super::book::Around::read(view, event)?;
        let door = around.door(list)?;
        let doors = super::list::doors_in(view, event)?;
        let mut answered = answered_in(view, event, &door.list)?;
        let mut tickets = Vec::new();
        for kept in view.scan::<Ticket>(&event, None, Order::Ascending) {
            let ((_, id), ticket) = kept?;
            let standing = held.look(|presence| presence.standing(list, id))?.unwrap_or_default();
            tickets.push(Taken {
                ticket: id,
                codes: [hash(&salt, &ticket.number), hash(&salt, &ticket.attend)],
                kind: ticket.kind.0,
                group: ticket.group.map(|group| group.0),
                barred: ticket.state.bars(),
                collected: ticket.collected,
                words: named.then_some([ticket.name, ticket.seat, ticket.door_note]),
                entries: standing.entries().map(|entry| (entry.at.0, entry.scan.0)).collect(),
                exit: standing.exit().map(|exit| (exit.at.0, exit.scan.0)),
                answered: answered.remove(&id).unwrap_or_default(),
            });
        }
        Ok(Snapshot {
            now: ctx.now(),
            zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            salt,
            line,
            version,
            door: door.as_ref().clone(),
            inside,
            kinds: doors.kinds.into_iter().map(|kind| (kind.id.0, kind.name)).collect(),
            groups: doors.groups.into_iter().map(|group| (group.id.0, group.name)).collect(),
            tickets,
        })
    })
}

/// What tickets and settings are at; read before them, so that a change is at worst taken twice.
fn version(ctx: &Ctx, space: SpaceId, event: EventId, list: ListId) -> Result<String, Error> {
    let store = ctx.store().clone();
    let cards = ctx.memory.cards.load((space, event), || store.view().space(space))?.look(|cards| cards.version())?;
    let view = ctx.store().view().space(space);
    let (kept, list) = (crate::event::load(&view, event)?, list_in(&view, event, list)?);
    Ok(format!("{:x}-{cards}-{}-{}", ctx.boot, kept.revision, list.revision))
}

/// A ticket that was scanned or changed since a terminal looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// The ticket.
    pub ticket: TicketId,
    /// As [`Taken::entries`].
    pub entries: Vec<(i64, u64)>,
    /// As [`Taken::exit`].
    pub exit: Option<(i64, u64)>,
}

/// What happened at a list since a terminal looked.
#[derive(Debug, Clone)]
pub struct Changes {
    /// The box's clock.
    pub now: Time,
    /// Number of the newest line of the scan log that is in it.
    pub line: u64,
    /// As [`Snapshot::version`].
    pub version: String,
    /// People inside.
    pub inside: i64,
    /// Where the tickets that were scanned stand now.
    pub tickets: Vec<Turned>,
}

/// Most lines of the log that one answer covers; the next begins where it ends.
const CHANGES_MAX: usize = 5_000;

/// Where the tickets stand that were scanned at a list after line `after` of the log.
pub fn changes(ctx: &Ctx, actor: &Actor, event: EventId, list: ListId, after: u64) -> Result<Changes, Error> {
    let permit = ctx.permit(actor, Permission::CheckinScan, At::Event(event))?;
    let held = presence(ctx, permit.space, event)?;
    let version = version(ctx, permit.space, event, list)?;
    let inside = super::list_counts(ctx, permit.space, event, list)?.inside;
    let (mut line, mut touched) = (after, BTreeSet::new());
    ctx.read(&permit, |view| {
        // The next line may be in a block that begins earlier; a scan begins behind the key that it is given.
        let block = super::log::block_at(view, event, ScanId(after.saturating_add(1)))?;
        let before = block.map(|block| (event, ScanId(block.first.0.saturating_sub(1))));
        for kept in view.scan::<ScanBlock>(&event, before.as_ref(), Order::Ascending) {
            let ((_, first), block) = kept?;
            for (number, kept) in (first.0..).zip(&block.lines) {
                if number > line {
                    line = number;
                    touched.extend(kept.ticket().filter(|_| kept.list() == list));
                }
            }
            if line.saturating_sub(after) >= CHANGES_MAX as u64 {
                break;
            }
        }
        Ok(())
    })?;
    let mut tickets = Vec::new();
    for ticket in touched {
        let standing = held.look(|presence| presence.standing(list, ticket))?.unwrap_or_default();
        tickets.push(Turned {
            ticket,
            entries: standing.entries().map(|entry| (entry.at.0, entry.scan.0)).collect(),
            exit: standing.exit().map(|exit| (exit.at.0, exit.scan.0)),
        });
    }
    Ok(Changes { now: ctx.now(), line, version, inside, tickets })
}

fn answered_in(view: &impl Read, event: EventId, list: &CheckinList) -> Result<BTreeMap<TicketId, Vec<u16>>, Error> {
    let mut all = BTreeMap::new();
    if list.questions.is_empty() {
        return Ok(all);
    }
    for kept in view.scan::<domain::checkin::DoorAnswers>(&(event, list.id), None, Order::Ascending) {
        let ((_, _, ticket), kept) = kept?;
        all.insert(ticket, kept.answers.iter().map(|(id, _)| *id).collect());
    }
    Ok(all)
}

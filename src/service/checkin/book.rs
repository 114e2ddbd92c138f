//! The scan log as it is being written: what the transactions of the group under way added, over what is committed. Lives with the
//! store's writer, writes one block per event and group, and brings everything kept in memory up to date when the group is on disk.

use super::{
    cards::{Cards, Holder},
    presence::{self, Presence, Tally, nonce_hash},
};
use crate::{
    Error,
    actor::event_facts,
    model::{Models, Place},
    roster::Rosters,
};
use domain::{
    By, EventId, GroupId, ListId, Refusal, Scan, ScanBlock, ScanId, Ticket, TicketId, TicketState, TicketTypeId,
    checkin::{Annul, Door, Effect, Line, Standing},
    code::Scanned,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use store::catalogue::{TICKET_BY_ATTEND, TICKET_BY_NUMBER, TICKETS};
use store::{Committed, Follower, Order, Read, SpaceReader, SpaceView, Tx};

/// What is kept in memory of events that are in use.
#[derive(Clone)]
pub(crate) struct Memory {
    pub presence: Arc<Models<Presence>>,
    pub cards: Arc<Models<Cards>>,
    pub rosters: Arc<Rosters>,
}

/// Lines and tickets that are kept in memory at the most, over all events.
const ROWS_MAX: usize = 3_000_000;

impl Default for Memory {
    fn default() -> Self {
        Self {
            presence: Arc::new(Models::new(ROWS_MAX)),
            cards: Arc::new(Models::new(ROWS_MAX)),
            rosters: Arc::default(),
        }
    }
}

impl Memory {
    /// Brings what a scan needs of an event into memory; blocks the thread.
    pub(crate) fn load(&self, place: Place, view: impl Fn() -> SpaceView) -> Result<(), Error> {
        self.presence.load(place, &view)?;
        self.cards.load(place, &view)?;
        Ok(())
    }
}

/// What a door knows of its event beside the tickets.
#[derive(Debug)]
pub(crate) struct Around {
    pub door: Door,
    pub registered: i64,
    kinds: HashMap<TicketTypeId, String>,
    groups: HashMap<GroupId, String>,
}

impl Around {
    fn read(view: &impl Read, event: EventId) -> Result<Self, Error> {
        let facts = event_facts(view, event)?.ok_or_else(|| Refusal::missing("event"))?;
        let kinds = view.scan::<domain::TicketType>(&event, None, Order::Ascending);
        let groups = view.scan::<domain::Group>(&event, None, Order::Ascending);
        Ok(Self {
            door: facts.door,
            registered: view.count(&TICKETS, &(event, TicketState::Active as u8))?,
            kinds: kinds.map(|kept| kept.map(|((_, id), kind)| (id, kind.name))).collect::<Result<_, _>>()?,
            groups: groups.map(|kept| kept.map(|((_, id), group)| (id, group.name))).collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn kind(&self, kind: TicketTypeId) -> String {
        self.kinds.get(&kind).cloned().unwrap_or_default()
    }

    pub(crate) fn group(&self, group: Option<GroupId>) -> String {
        group.and_then(|group| self.groups.get(&group)).cloned().unwrap_or_default()
    }
}

/// What the group under way added to one event's log.
#[derive(Debug, Default)]
struct Sheet {
    /// Number of the newest committed line.
    below: u64,
    lines: Vec<Line>,
    standings: HashMap<(ListId, TicketId), Standing>,
    /// Places in `lines` by the hash of the nonce.
    nonces: HashMap<u64, Vec<usize>>,
    tallies: HashMap<ListId, Tally>,
}

/// How to take one line back.
#[derive(Debug)]
struct Undo {
    place: Place,
    standing: Option<(TicketId, Option<Standing>)>,
    tally: Option<Tally>,
}

/// The follower of the store.
pub struct Books {
    memory: Memory,
    sheets: BTreeMap<Place, Sheet>,
    /// What the transaction under way wrote.
    undo: Vec<Undo>,
    /// Read between commits that changed records.
    around: HashMap<Place, Arc<Around>>,
}

/// A scan that is to be written.
pub(crate) struct Draft {
    pub scan: Scan,
    /// The ticket of the event that it is about.
    pub ticket: Option<TicketId>,
}

/// Most lines of a block, so that a block stays far below the largest value even if every line is as long as it may be.
const BLOCK_LINES: usize = 100;

impl Books {
    pub(crate) fn new(memory: Memory) -> Self {
        Self { memory, sheets: BTreeMap::new(), undo: Vec::new(), around: HashMap::new() }
    }

    /// Door, count and names of an event. Remembered while no record changes.
    pub(crate) fn around(&mut self, view: &SpaceReader<'_>, event: EventId) -> Result<Arc<Around>, Error> {
        if !view.is_untouched() {
            return Ok(Arc::new(Around::read(view, event)?));
        }
        let place = (view.space_id(), event);
        if let Some(around) = self.around.get(&place) {
            return Ok(around.clone());
        }
        let around = Arc::new(Around::read(view, event)?);
        self.around.insert(place, around.clone());
        Ok(around)
    }

    /// The ticket behind a code, of whatever event.
    pub(crate) fn holder(
        &self,
        view: &SpaceReader<'_>,
        event: EventId,
        scanned: &Scanned,
    ) -> Result<Option<Holder>, Error> {
        let found = match scanned {
            Scanned::Number(number) => {
                if view.is_untouched() {
                    let place = (view.space_id(), event);
                    let known = self.memory.cards.with(place, |cards| cards.by_number(number));
                    if let Some(holder) = known.ok_or(Error::Unloaded(event))? {
                        return Ok(Some(holder));
                    }
                }
                view.find::<Ticket, _>(&TICKET_BY_NUMBER, number)?
            }
            Scanned::Attend(attend) => view.find::<Ticket, _>(&TICKET_BY_ATTEND, &(event, attend.clone()))?,
            Scanned::Misread | Scanned::Other => None,
        };
        Ok(found.as_ref().map(Holder::of))
    }

    fn committed<T>(&self, place: Place, f: impl FnOnce(&Presence) -> T) -> Result<T, Error> {
        self.memory.presence.with(place, f).ok_or(Error::Unloaded(place.1))
    }

    /// Where a ticket stands now.
    pub(crate) fn standing(&self, place: Place, list: ListId, ticket: TicketId) -> Result<Standing, Error> {
        let own = self.sheets.get(&place).and_then(|sheet| sheet.standings.get(&(list, ticket)));
        match own {
            Some(standing) => Ok(*standing),
            None => Ok(self.committed(place, |presence| presence.standing(list, ticket))?.unwrap_or_default()),
        }
    }

    /// The sums of a list now.
    pub(crate) fn tally(&self, place: Place, list: ListId) -> Result<Tally, Error> {
        let own = self.sheets.get(&place).and_then(|sheet| sheet.tallies.get(&list)).copied().unwrap_or_default();
        Ok(self.committed(place, |presence| presence.tally(list))?.plus(own))
    }

    /// A line of the log, the group's own included.
    pub(crate) fn line(&self, view: &impl Read, event: EventId, number: ScanId) -> Result<Option<Line>, Error> {
        if let Some(sheet) = self.sheets.get(&(view.space_id(), event))
            && let Some(at) = number.0.checked_sub(sheet.below + 1)
            && let Some(line) = usize::try_from(at).ok().and_then(|at| sheet.lines.get(at))
        {
            return Ok(Some(line.clone()));
        }
        super::log::line(view, event, number)
    }

    /// The scan already recorded under this nonce by the same terminal or person.
    pub(crate) fn repeated(
        &self,
        view: &impl Read,
        event: EventId,
        by: By,
        nonce: &str,
    ) -> Result<Option<Scan>, Error> {
        let (place, hash) = ((view.space_id(), event), nonce_hash(by, nonce));
        let is_it = |line: &Line| match line {
            Line::Scan(scan) => (scan.by == by && scan.nonce == nonce).then(|| scan.clone()),
            Line::Annul(_) | Line::Move(_) => None,
        };
        if let Some(sheet) = self.sheets.get(&place) {
            let own = sheet.nonces.get(&hash).into_iter().flatten();
            if let Some(scan) = own.filter_map(|at| sheet.lines.get(*at)).find_map(is_it) {
                return Ok(Some(scan));
            }
        }
        let hints: Vec<ScanId> = self.committed(place, |presence| presence.with_nonce(hash).collect())?;
        for hint in hints {
            if let Some(scan) = super::log::line(view, event, hint)?.as_ref().and_then(is_it) {
                return Ok(Some(scan));
            }
        }
        Ok(None)
    }

    fn sheet(&mut self, place: Place) -> Result<&mut Sheet, Error> {
        if !self.sheets.contains_key(&place) {
            let below = self.committed(place, Presence::newest)?;
            self.sheets.insert(place, Sheet { below, ..Sheet::default() });
        }
        self.sheets.get_mut(&place).ok_or_else(|| Error::Internal("the log has no sheet".into()))
    }

    /// Writes a scan: gives it its number, what stood before it, and its effect.
    pub(crate) fn write(&mut self, place: Place, draft: Draft) -> Result<Scan, Error> {
        let Draft { mut scan, ticket } = draft;
        let before = ticket.map(|ticket| self.standing(place, scan.list, ticket)).transpose()?;
        let sheet = self.sheet(place)?;
        scan.id = ScanId(sheet.below + sheet.lines.len() as u64 + 1);
        if let Some(before) = &before {
            scan.previous = before.newest();
            scan.entry = before.last().map(|entry| entry.scan);
            let mut after = *before;
            after.take(&scan);
            scan.effect = Effect::between(before, &after);
        }
        let hash = nonce_hash(scan.by, &scan.nonce);
        sheet.nonces.entry(hash).or_default().push(sheet.lines.len());
        self.push(place, Line::Scan(scan.clone()))?;
        Ok(scan)
    }

    /// Takes a scan back: the ticket stands as if it had not been made.
    pub(crate) fn annul(&mut self, view: &impl Read, place: Place, scan: &Scan, at: domain::Time, by: By) -> Result<(), Error> {
        let (Some((_, ticket)), Some(kind)) = (scan.ticket, scan.kind) else {
            return Err(Error::Internal(format!("scan {} is of no ticket of its event", scan.id)));
        };
        let before = self.standing(place, scan.list, ticket)?;
        let standing = self.without(view, place.1, &before, scan)?;
        let effect = Effect::between(&before, &standing);
        let minute = scan.scanned_at.minute();
        let (list, group, scan) = (scan.list, scan.group, scan.id);
        self.push(place, Line::Annul(Annul { list, ticket, kind, group, scan, minute, at, by, standing, effect }))
    }

    /// Where a ticket would stand without one of its scans: its scans that count, folded anew.
    fn without(&self, view: &impl Read, event: EventId, now: &Standing, out: &Scan) -> Result<Standing, Error> {
        let (mut scans, mut next) = (Vec::new(), now.newest());
        while let Some(number) = next {
            let Some(Line::Scan(scan)) = self.line(view, event, number)? else {
                return Err(Error::Internal(format!("the scan log of event {event} has no scan {number}")));
            };
            next = scan.previous;
            scans.push(scan);
        }
        let place = (view.space_id(), event);
        let mut standing = Standing::default();
        for scan in scans.iter().rev() {
            let annulled = self.is_annulled(place, scan.id)? || scan.id == out.id;
            if annulled {
                standing.see(scan.id);
            } else {
                standing.take(scan);
            }
        }
        Ok(standing)
    }

    /// Whether a scan was taken back.
    pub(crate) fn is_annulled(&self, place: Place, scan: ScanId) -> Result<bool, Error> {
        let own = self.sheets.get(&place).is_some_and(|sheet| {
            sheet.lines.iter().any(|line| matches!(line, Line::Annul(annul) if annul.scan == scan))
        });
        Ok(own || self.committed(place, |presence| presence.annulled(scan).is_some())?)
    }

    /// Adds a line to the group's own.
    pub(crate) fn push(&mut self, place: Place, line: Line) -> Result<(), Error> {
        let (event, list) = (place.1, line.list());
        let ticket = line.ticket(event);
        let before = ticket.map(|ticket| self.standing(place, list, ticket)).transpose()?;
        let sheet = self.sheet(place)?;
        let standing = ticket.map(|ticket| {
            let after = presence::after(before.as_ref(), &line);
            (ticket, sheet.standings.insert((list, ticket), after))
        });
        let kept = sheet.tallies.get(&list).copied();
        sheet.tallies.entry(list).or_default().add(&line);
        sheet.lines.push(line);
        self.undo.push(Undo { place, standing, tally: kept });
        Ok(())
    }

    fn take_back(&mut self, undo: Undo) {
        let Some(sheet) = self.sheets.get_mut(&undo.place) else { return };
        let Some(line) = sheet.lines.pop() else { return };
        let list = line.list();
        if let Some((ticket, before)) = undo.standing {
            match before {
                Some(before) => sheet.standings.insert((list, ticket), before),
                None => sheet.standings.remove(&(list, ticket)),
            };
        }
        match undo.tally {
            Some(tally) => sheet.tallies.insert(list, tally),
            None => sheet.tallies.remove(&list),
        };
        if let Line::Scan(scan) = &line
            && let Some(places) = sheet.nonces.get_mut(&nonce_hash(scan.by, &scan.nonce))
        {
            places.retain(|at| *at != sheet.lines.len());
        }
    }

    /// Brings what is kept in memory up to date with changed tickets.
    fn tickets(&self, committed: &Committed<'_>) {
        for change in committed.of::<Ticket>() {
            match change {
                Ok((space, (event, id), ticket)) => {
                    let place = (space, event);
                    self.memory.rosters.touch(space, event, id);
                    if let Some(ticket) = ticket.filter(|_| self.memory.cards.has(place)) {
                        self.memory.cards.note(place, [ticket]);
                    }
                }
                Err(error) => tracing::error!(%error, "a ticket that was just written cannot be read"),
            }
        }
    }
}

impl Follower for Books {
    fn settle(&mut self, keep: bool) {
        if keep {
            return self.undo.clear();
        }
        while let Some(undo) = self.undo.pop() {
            self.take_back(undo);
        }
    }

    fn close(&mut self, tx: &mut Tx<'_>) -> Result<(), store::Error> {
        for ((space, event), sheet) in &self.sheets {
            let mut first = ScanId(sheet.below + 1);
            for lines in sheet.lines.chunks(BLOCK_LINES) {
                tx.space(*space).append(&ScanBlock { event: *event, first, lines: lines.to_vec() })?;
                first.0 += lines.len() as u64;
            }
        }
        Ok(())
    }

    fn end(&mut self, committed: Option<&Committed<'_>>) {
        let sheets = std::mem::take(&mut self.sheets);
        let Some(committed) = committed else { return };
        for (place, sheet) in sheets {
            let numbered = (sheet.below + 1..).zip(sheet.lines);
            let event = place.1;
            self.memory
                .presence
                .note(place, numbered.map(|(number, line)| presence::Committed { event, number, line }));
        }
        if committed.has_records() {
            self.around.clear();
            self.tickets(committed);
        }
    }
}

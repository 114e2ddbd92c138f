//! The scan log as it is being written: what the transactions of the group under way added, over what is committed. Lives with the
//! store's writer, writes one block per event and group, and brings everything kept in memory up to date when the group is on disk.

use super::{
    cards::{Cards, Change, Holder},
    presence::{self, Inside, Presence, Tally},
};
use crate::{
    Error,
    actor::event_facts,
    model::{Models, Place},
    roster::Rosters,
    search::Inbox,
};
use data_encoding::HEXLOWER;
use domain::{
    AuditLine, By, CheckinList, EventId, GroupId, ListId, Portrait, Refusal, Scan, ScanBlock, ScanId, Ticket, TicketId,
    TicketState, TicketTypeId, Time,
    checkin::{Annul, Direction, Door, Entry, Line, Moment, More, Pass, Standing, Verdict},
    code::Scanned,
};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use store::catalogue::{TICKET_BY_ATTEND, TICKET_BY_NUMBER, TICKETS};
use store::{Committed, Follower, Order, Read, SpaceReader, SpaceView, Tx};

/// What is kept in memory of events that are in use.
#[derive(Clone)]
pub(crate) struct Memory {
    pub presence: Arc<Models<Presence>>,
    pub cards: Arc<Models<Cards>>,
    pub rosters: Arc<Rosters>,
    /// What is told to the search index.
    pub changes: Arc<Inbox>,
}

/// Lines and tickets that are kept in memory at the most, over all events.
const ROWS_MAX: usize = 3_000_000;

impl Default for Memory {
    fn default() -> Self {
        Self {
            presence: Arc::new(Models::new(ROWS_MAX)),
            cards: Arc::new(Models::new(ROWS_MAX)),
            rosters: Arc::default(),
            changes: Arc::default(),
        }
    }
}

/// What a door is shown.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    Code(Scanned),
    Ticket(TicketId),
}

/// A ticket as it was found before its transaction.
pub(crate) struct Early {
    version: u64,
    holder: Arc<Holder>,
}

impl Memory {
    /// Looks a scanned ticket up before the transaction, so that the writer, who is alone, need not.
    pub(crate) fn early(&self, place: Place, wanted: &Wanted) -> Option<Early> {
        self.cards.with(place, |cards| {
            let holder = match wanted {
                Wanted::Code(Scanned::Number(number)) => cards.by_number(number),
                Wanted::Ticket(ticket) => cards.by_ticket(*ticket),
                Wanted::Code(_) => None,
            };
            Some(Early { version: cards.version(), holder: Arc::new(holder?) })
        })?
    }

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
    doors: BTreeMap<ListId, Arc<Door>>,
    pub registered: i64,
    kinds: FxHashMap<TicketTypeId, Arc<str>>,
    groups: FxHashMap<GroupId, Arc<str>>,
}

impl Around {
    pub(crate) fn read(view: &impl Read, event: EventId) -> Result<Self, Error> {
        let facts = event_facts(view, event)?.ok_or_else(|| Refusal::missing("event"))?;
        let kinds = view.scan::<domain::TicketType>(&event, None, Order::Ascending);
        let mut doors = BTreeMap::from([(ListId::MAIN, Arc::new(facts.door(CheckinList::main(event))))]);
        for kept in view.scan::<CheckinList>(&event, None, Order::Ascending) {
            let ((_, id), list) = kept?;
            doors.insert(id, Arc::new(facts.door(list)));
        }
        let groups = view.scan::<domain::Group>(&event, None, Order::Ascending);
        Ok(Self {
            doors,
            registered: view.count(&TICKETS, &(event, TicketState::Active as u8))?,
            kinds: kinds.map(|kept| kept.map(|((_, id), kind)| (id, kind.name.into()))).collect::<Result<_, _>>()?,
            groups: groups
                .map(|kept| kept.map(|((_, id), group)| (id, group.name.into())))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The door of a list.
    pub(crate) fn door(&self, list: ListId) -> Result<Arc<Door>, Refusal> {
        self.doors.get(&list).cloned().ok_or_else(|| Refusal::missing("check-in list"))
    }

    pub(crate) fn kind(&self, kind: TicketTypeId) -> Arc<str> {
        self.kinds.get(&kind).cloned().unwrap_or_default()
    }

    pub(crate) fn group(&self, group: Option<GroupId>) -> Arc<str> {
        group.and_then(|group| self.groups.get(&group)).cloned().unwrap_or_default()
    }
}

/// What the group under way added to one event's log.
#[derive(Debug, Default)]
struct Sheet {
    /// Number of the newest committed line.
    below: u64,
    lines: Vec<Line>,
    standings: FxHashMap<(ListId, TicketId), Standing>,
    /// Hash of the nonce and place in `lines` of each scan.
    nonces: Vec<(u64, usize)>,
    tallies: BTreeMap<ListId, Tally>,
    /// Change of how many are inside.
    inside: BTreeMap<ListId, Inside>,
}

/// How to take one line back.
#[derive(Debug)]
struct Undo {
    place: Place,
    standing: Option<(TicketId, Option<Standing>)>,
    tally: Option<Tally>,
    /// The entry since which its ticket was inside, and since which it is.
    inside: (Option<Entry>, Option<Entry>),
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

/// What an answer needs of a scan.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub scan: ScanId,
    pub list: ListId,
    pub direction: Direction,
    pub verdict: Verdict,
    pub at: Time,
    /// The entry that stood before.
    pub entry: Option<ScanId>,
    pub more: Option<Box<More>>,
}

impl Told {
    pub(crate) fn of(scan: &Scan) -> Self {
        Self {
            scan: scan.id,
            list: scan.list,
            direction: scan.direction,
            verdict: scan.verdict,
            at: scan.scanned_at,
            entry: scan.entry,
            more: scan.more.clone(),
        }
    }
}

/// What the audit line of a block says it did.
pub(crate) const VOUCH: &str = "checkin.log";

/// The audit line that vouches for a block of the scan log: its lines say who, what and when, and its hash makes them part of the
/// audit chain.
fn vouch(block: &ScanBlock, digest: &[u8; 32]) -> Result<Vec<u8>, String> {
    let last = block.first.0 + (block.lines.len() as u64).saturating_sub(1);
    let at = block.lines.last().map_or(Time(0), Line::at);
    let line = AuditLine {
        at,
        by: By::Box,
        action: VOUCH.to_owned(),
        subject: format!("event/{}/scan/{}-{last}", block.event, block.first),
        before: String::new(),
        after: HEXLOWER.encode(digest),
    };
    crate::audit::encode(&line).map_err(|error| error.to_string())
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

    /// The ticket behind a code, of whatever event. `early` is what [`Memory::early`] found before the transaction.
    pub(crate) fn holder(
        &self,
        view: &SpaceReader<'_>,
        event: EventId,
        wanted: &Wanted,
        early: Option<&Early>,
    ) -> Result<Option<Arc<Holder>>, Error> {
        if view.is_untouched() {
            let version = self.memory.cards.with((view.space_id(), event), Cards::version);
            let version = version.ok_or(Error::Unloaded(event))?;
            if let Some(early) = early.filter(|early| early.version == version) {
                return Ok(Some(early.holder.clone()));
            }
        }
        let found = match wanted {
            Wanted::Code(Scanned::Number(number)) => view.find::<Ticket, _>(&TICKET_BY_NUMBER, number)?,
            Wanted::Code(Scanned::Attend(attend)) => {
                view.find::<Ticket, _>(&TICKET_BY_ATTEND, &(event, attend.clone()))?
            }
            Wanted::Code(Scanned::Misread | Scanned::Other) => None,
            Wanted::Ticket(ticket) => view.get::<Ticket>(&(event, *ticket))?,
        };
        found.as_ref().map(|ticket| Holder::read(view, ticket).map(Arc::new)).transpose()
    }

    fn committed<T>(&self, place: Place, f: impl FnOnce(&Presence) -> T) -> Result<T, Error> {
        self.memory.presence.with(place, f).ok_or(Error::Unloaded(place.1))
    }

    /// Where a ticket stands now.
    pub(crate) fn standing(&self, place: Place, list: ListId, ticket: TicketId) -> Result<Standing, Error> {
        let own = self.sheets.get(&place).and_then(|sheet| sheet.standings.get(&(list, ticket)));
        match own {
            Some(standing) => Ok(standing.clone()),
            None => Ok(self.committed(place, |presence| presence.standing(list, ticket))?.unwrap_or_default()),
        }
    }

    /// The sums of a list now.
    pub(crate) fn tally(&self, place: Place, list: ListId) -> Result<Tally, Error> {
        let own = self.sheets.get(&place).and_then(|sheet| sheet.tallies.get(&list)).copied().unwrap_or_default();
        Ok(self.committed(place, |presence| presence.tally(list))?.plus(own))
    }

    /// How many are inside at a list.
    pub(crate) fn inside(
        &self,
        place: Place,
        list: ListId,
        now: &Moment<'_>,
        exit_hour: Option<u8>,
    ) -> Result<i64, Error> {
        let own = self.sheets.get(&place).and_then(|sheet| sheet.inside.get(&list));
        let own = own.map_or(0, |inside| inside.count(now, exit_hour));
        Ok(own + self.committed(place, |presence| presence.inside(list, now, exit_hour))?)
    }

    /// The lists where anything was scanned.
    pub(crate) fn lists(&self, place: Place) -> Result<BTreeSet<ListId>, Error> {
        let mut lists: BTreeSet<ListId> = self.committed(place, |presence| presence.lists().collect())?;
        lists.extend(self.sheets.get(&place).into_iter().flat_map(|sheet| sheet.tallies.keys()));
        Ok(lists)
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
        (by, nonce, hash): (By, &str, u64),
    ) -> Result<Option<Scan>, Error> {
        let place = (view.space_id(), event);
        let is_it = |line: &Line| match line {
            Line::Scan(scan) => (scan.by == by && scan.nonce == nonce).then(|| scan.clone()),
            Line::Annul(_) | Line::Move(_) | Line::Settle(_) => None,
        };
        if let Some(sheet) = self.sheets.get(&place) {
            let own = sheet.nonces.iter().filter(|(of, _)| *of == hash);
            if let Some(scan) = own.filter_map(|(_, at)| sheet.lines.get(*at)).find_map(is_it) {
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

    /// Writes a scan with the hash of its nonce: gives it its number, what stood before it, and what it counts.
    pub(crate) fn write(&mut self, place: Place, mut scan: Scan, hash: u64) -> Result<Told, Error> {
        let ticket = scan.ticket_here().map(|(_, ticket)| ticket);
        let before = ticket.map(|ticket| self.standing(place, scan.list, ticket)).transpose()?;
        let sheet = self.sheet(place)?;
        scan.id = ScanId(sheet.below + sheet.lines.len() as u64 + 1);
        let after = before.map(|before| {
            scan.previous = before.newest();
            scan.entry = before.last().map(|entry| entry.scan);
            let mut after = before.clone();
            after.take(&scan);
            scan.admitted = after.admitted_since(&before);
            (before, after)
        });
        sheet.nonces.push((hash, sheet.lines.len()));
        let told = Told::of(&scan);
        self.push(place, Line::Scan(scan), after)?;
        Ok(told)
    }

    /// Takes a scan of this ticket back: the ticket stands as if it had not been made. It is counted under its present type and
    /// group, to which [`Move`](domain::checkin::Move) lines brought it.
    pub(crate) fn annul(
        &mut self,
        view: &impl Read,
        pass: &Pass,
        scan: &Scan,
        (at, by): (Time, By),
    ) -> Result<(), Error> {
        let place = (view.space_id(), pass.event);
        let Pass { ticket, kind, group, .. } = *pass;
        let before = self.standing(place, scan.list, ticket)?;
        let standing = self.without(view, place, &before, scan.id)?;
        let admitted = standing.admitted_since(&before);
        let minute = scan.scanned_at.minute();
        let annul = Annul {
            list: scan.list,
            ticket,
            kind,
            group,
            scan: scan.id,
            direction: scan.direction,
            of: (scan.by, scan.gate),
            minute,
            at,
            by,
            standing: standing.clone(),
            admitted,
        };
        self.push(place, Line::Annul(annul), Some((before, standing)))
    }

    /// The scans of a ticket that stands so, newest first.
    pub(crate) fn chain(&self, view: &impl Read, event: EventId, now: &Standing) -> Result<Vec<Scan>, Error> {
        let (mut scans, mut next) = (Vec::new(), now.newest());
        while let Some(number) = next {
            let Some(Line::Scan(scan)) = self.line(view, event, number)? else {
                return Err(Error::Internal(format!("the scan log of event {event} has no scan {number}")));
            };
            next = scan.previous;
            scans.push(scan);
        }
        Ok(scans)
    }

    /// Where a ticket would stand without one of its scans: its scans that count, folded anew.
    fn without(&self, view: &impl Read, place: Place, now: &Standing, out: ScanId) -> Result<Standing, Error> {
        let mut standing = Standing::default();
        for scan in self.chain(view, place.1, now)?.iter().rev() {
            if scan.id == out || self.is_annulled(place, scan.id)? {
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

    /// Whether somebody looked at a conflict.
    pub(crate) fn is_settled(&self, place: Place, scan: ScanId) -> Result<bool, Error> {
        let own = self.sheets.get(&place).is_some_and(|sheet| {
            sheet.lines.iter().any(|line| matches!(line, Line::Settle(settle) if settle.scan == scan))
        });
        Ok(own || self.committed(place, |presence| presence.conflict(scan).flatten().is_some())?)
    }

    /// Adds a line to the group's own; `turn` is where its ticket stood and where it stands then, if the line moves it.
    pub(crate) fn push(&mut self, place: Place, line: Line, turn: Option<(Standing, Standing)>) -> Result<(), Error> {
        let list = line.list();
        let sheet = self.sheet(place)?;
        let inside = turn.as_ref().map(|(before, after)| (before.inside_since(), after.inside_since()));
        let inside = inside.unwrap_or_default();
        sheet.inside.entry(list).or_default().turn(inside.0, inside.1);
        let moved = line.ticket().zip(turn);
        let standing = moved.map(|(ticket, (_, after))| (ticket, sheet.standings.insert((list, ticket), after)));
        let tally = sheet.tallies.get(&list).copied();
        sheet.tallies.entry(list).or_default().add(&line);
        sheet.lines.push(line);
        self.undo.push(Undo { place, standing, tally, inside });
        Ok(())
    }

    fn take_back(&mut self, undo: Undo) {
        let Some(sheet) = self.sheets.get_mut(&undo.place) else { return };
        let Some(line) = sheet.lines.pop() else { return };
        let list = line.list();
        sheet.inside.entry(list).or_default().turn(undo.inside.1, undo.inside.0);
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
        sheet.nonces.pop_if(|(_, at)| *at == sheet.lines.len());
    }

    /// Brings what is kept in memory up to date with changed tickets.
    fn tickets(&self, committed: &Committed<'_>) {
        for change in committed.of::<Ticket>() {
            match change {
                Ok((space, (event, id), ticket)) => {
                    let place = (space, event);
                    self.memory.rosters.touch(space, event, id);
                    if let Some(ticket) = ticket.filter(|_| self.memory.cards.has(place)) {
                        self.memory.cards.note(place, [Change::Ticket(Box::new(ticket))]);
                    }
                }
                Err(error) => tracing::error!(%error, "a ticket that was just written cannot be read"),
            }
        }
        for change in committed.of::<Portrait>() {
            match change {
                Ok((space, (event, ticket), portrait)) => {
                    self.memory.cards.note((space, event), [Change::Picture(ticket, portrait.is_some())]);
                }
                Err(error) => tracing::error!(%error, "a picture that was just written cannot be read"),
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
        for ((space, event), sheet) in &mut self.sheets {
            let mut first = ScanId(sheet.below + 1);
            let mut left = std::mem::take(&mut sheet.lines);
            while !left.is_empty() {
                let behind = left.split_off(left.len().min(BLOCK_LINES));
                let block = ScanBlock { event: *event, first, lines: left };
                let mut tx = tx.space(*space);
                let digest = tx.append(&block)?;
                tx.audit(vouch(&block, &digest).map_err(store::Error::Follow)?)?;
                first.0 += block.lines.len() as u64;
                sheet.lines.extend(block.lines);
                left = behind;
            }
        }
        Ok(())
    }

    fn end(&mut self, committed: Option<&Committed<'_>>) {
        let sheets = std::mem::take(&mut self.sheets);
        let Some(committed) = committed else { return };
        self.memory.changes.note(committed);
        crate::aside::decided(sheets.values().map(|sheet| sheet.lines.len()).sum());
        for (place, sheet) in sheets {
            let mut hashes = sheet.nonces.into_iter().peekable();
            let numbered = sheet.lines.into_iter().enumerate().map(|(at, line)| {
                let hash = hashes.next_if(|(_, of)| *of == at).map(|(hash, _)| hash);
                presence::Committed { number: sheet.below + 1 + at as u64, line, hash }
            });
            self.memory.presence.note(place, numbered);
        }
        if committed.has_records() {
            self.around.clear();
            self.tickets(committed);
        }
    }
}

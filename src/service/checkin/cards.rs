//! What a door shows and needs to know of each ticket of its event, so that a scan reads nothing.

use crate::{
    Error,
    model::{Model, spread, wide},
};
use domain::{
    EventId, GroupId, Portrait, Ticket, TicketId, TicketTypeId,
    checkin::{Pass, Reason},
};
use hashbrown::HashTable;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use store::{Order, Read, SpaceView, catalogue::TICKETS};

/// One ticket, in 32 bytes beside its words.
#[derive(Debug)]
struct Card {
    ticket: TicketId,
    number: u64,
    /// Place of what it shares with others in [`Cards::kinds`].
    kind: u32,
    words: Words,
}

/// What many tickets have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    kind: TicketTypeId,
    group: Option<GroupId>,
    /// Why they let nobody in.
    barred: Option<Reason>,
    collected: bool,
    /// There is a picture of whoever holds it.
    pictured: bool,
}

impl Kind {
    fn of(ticket: &Ticket, pictured: bool) -> Self {
        let (kind, group, barred) = (ticket.kind, ticket.group, ticket.state.bars());
        Self { kind, group, barred, collected: ticket.collected, pictured }
    }
}

/// What a commit changes.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// A ticket that is new or says something else.
    Ticket(Box<Ticket>),
    /// Whether there is a picture of a ticket's holder.
    Picture(TicketId, bool),
}

/// Where a card's words are: name, company, seat and the note for the door, one behind the other, and where each ends.
#[derive(Debug, Clone, Copy)]
struct Words {
    page: u16,
    at: u16,
    ends: (u16, u16, u16, u16),
}

/// Words of many cards, in pages, so that they grow without being copied.
#[derive(Debug, Default)]
struct Pages {
    pages: Vec<String>,
    /// Bytes that no card has any more.
    spare: usize,
}

/// Bytes of a page of words.
const PAGE_BYTES: usize = 1 << 16;

/// What the door shows of a ticket's holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// What the ticket lets its holder do.
    pub pass: Pass,
    /// Name.
    pub name: String,
    /// Company.
    pub company: String,
    /// Seat.
    pub seat: String,
    /// Note for the door.
    pub door_note: String,
    /// Ticket number.
    pub number: String,
    /// There is a picture.
    pub pictured: bool,
}

impl Holder {
    /// As the records say.
    pub(crate) fn read(view: &impl Read, ticket: &Ticket) -> Result<Self, Error> {
        Ok(Self::of(ticket, view.get::<Portrait>(&(ticket.event, ticket.id))?.is_some()))
    }

    fn of(ticket: &Ticket, pictured: bool) -> Self {
        Self {
            pictured,
            pass: Pass::of(ticket),
            name: ticket.name.clone(),
            company: ticket.company.clone(),
            seat: ticket.seat.clone(),
            door_note: ticket.door_note.clone(),
            number: ticket.number.clone(),
        }
    }
}

/// The tickets of an event.
#[derive(Debug)]
pub(crate) struct Cards {
    event: EventId,
    /// By ascending ticket.
    cards: Vec<Card>,
    words: Pages,
    kinds: Vec<Kind>,
    at_kind: FxHashMap<Kind, u32>,
    /// Drawn anew with every change.
    version: u64,
    /// Places in `cards`.
    by_number: HashTable<u32>,
}

/// A version that was never given before, so that a model that was dropped and built anew is not taken for the one before.
fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A place in memory; events and pages are far smaller than its limits.
fn narrow<T: TryFrom<usize> + Default>(place: usize) -> T {
    T::try_from(place).unwrap_or_default()
}

impl Pages {
    fn push(&mut self, parts: [&str; 4]) -> Words {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let room = self.pages.last().is_some_and(|page| page.len() + length < PAGE_BYTES);
        if !room {
            self.pages.push(String::with_capacity(PAGE_BYTES));
        }
        let number = self.pages.len().saturating_sub(1);
        let Some(page) = self.pages.last_mut() else { return Words { page: 0, at: 0, ends: (0, 0, 0, 0) } };
        let at = page.len();
        let [name, company, seat, _] = parts.map(str::len);
        parts.iter().for_each(|part| page.push_str(part));
        let ends = (narrow(name), narrow(name + company), narrow(name + company + seat), narrow(length));
        Words { page: narrow(number), at: narrow(at), ends }
    }

    fn parts(&self, words: Words) -> [&str; 4] {
        let (name, company, seat, note) = words.ends;
        let page = self.pages.get(usize::from(words.page)).map(|page| page.get(usize::from(words.at)..).unwrap_or(""));
        let part = |from, to| page.and_then(|page| page.get(usize::from(from)..usize::from(to))).unwrap_or("");
        [part(0, name), part(name, company), part(company, seat), part(seat, note)]
    }
}

impl Cards {
    fn kind(&mut self, kind: Kind) -> u32 {
        let next = narrow(self.kinds.len());
        let kinds = &mut self.kinds;
        *self.at_kind.entry(kind).or_insert_with(|| {
            kinds.push(kind);
            next
        })
    }

    /// Where a number is in the table; a card without one that counts is never there.
    fn hash_at(cards: &[Card], at: u32) -> u64 {
        cards.get(wide(at)).map_or(0, |card| spread(card.number))
    }

    fn set(&mut self, ticket: &Ticket, pictured: bool) {
        let kind = self.kind(Kind::of(ticket, pictured));
        let words = self.words.push([&ticket.name, &ticket.company, &ticket.seat, &ticket.door_note]);
        // A number that is none, as from an older list, is not kept: such a ticket is read where it lies.
        let number = ticket.number.parse().ok().filter(|number: &u64| number.to_string() == ticket.number);
        let card = Card { ticket: ticket.id, number: number.unwrap_or(0), kind, words };
        let at = match self.cards.binary_search_by_key(&ticket.id, |card| card.ticket) {
            Ok(at) => {
                if let Some(kept) = self.cards.get_mut(at) {
                    let old = std::mem::replace(kept, card);
                    self.words.spare += usize::from(old.words.ends.3);
                    if let Ok(found) = self.by_number.find_entry(spread(old.number), |kept| wide(*kept) == at) {
                        found.remove();
                    }
                }
                at
            }
            Err(at) => {
                if at < self.cards.len() {
                    self.by_number.iter_mut().filter(|kept| wide(**kept) >= at).for_each(|kept| *kept += 1);
                }
                self.cards.insert(at, card);
                at
            }
        };
        if let Some(number) = number {
            let cards = &self.cards;
            self.by_number.insert_unique(spread(number), narrow(at), |at| Self::hash_at(cards, *at));
        }
        if self.words.spare > PAGE_BYTES + self.words.pages.len() * PAGE_BYTES / 2 {
            self.tidy();
        }
    }

    /// Drops the words that no card has any more.
    fn tidy(&mut self) {
        let old = std::mem::take(&mut self.words);
        for card in &mut self.cards {
            card.words = self.words.push(old.parts(card.words));
        }
    }

    fn holder(&self, card: &Card) -> Option<Holder> {
        let [name, company, seat, door_note] = self.words.parts(card.words).map(str::to_owned);
        let Kind { kind, group, barred, collected, pictured } = *self.kinds.get(wide(card.kind))?;
        let pass = Pass { ticket: card.ticket, event: self.event, kind, group, barred, collected };
        Some(Holder { pass, name, company, seat, door_note, number: card.number.to_string(), pictured })
    }

    /// Drawn anew with every change, and no two models share one: what was read at this version holds as long as it stands.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The ticket of a number.
    pub(crate) fn by_number(&self, number: &str) -> Option<Holder> {
        let number = number.parse().ok()?;
        let is_it = |at: &u32| self.cards.get(wide(*at)).is_some_and(|card| card.number == number);
        let at = self.by_number.find(spread(number), is_it)?;
        self.holder(self.cards.get(wide(*at))?)
    }

    /// The ticket of that id.
    pub(crate) fn by_ticket(&self, ticket: TicketId) -> Option<Holder> {
        self.holder(self.cards.get(self.place(ticket)?)?)
    }

    fn place(&self, ticket: TicketId) -> Option<usize> {
        self.cards.binary_search_by_key(&ticket, |card| card.ticket).ok()
    }

    /// What a ticket shares with others now.
    fn shared(&self, ticket: TicketId) -> Option<Kind> {
        self.kinds.get(wide(self.cards.get(self.place(ticket)?)?.kind)).copied()
    }

    /// Whether there is a picture of a ticket's holder.
    fn picture(&mut self, ticket: TicketId, pictured: bool) {
        let Some(shared) = self.shared(ticket) else { return };
        let kind = self.kind(Kind { pictured, ..shared });
        let at = self.place(ticket);
        at.and_then(|at| self.cards.get_mut(at)).into_iter().for_each(|card| card.kind = kind);
    }

    /// Goes over all tickets in their order: id, type, group, whether it stands, and the seat.
    pub(crate) fn each(&self, mut f: impl FnMut(TicketId, TicketTypeId, Option<GroupId>, bool, &str)) {
        for card in &self.cards {
            if let Some(Kind { kind, group, barred, .. }) = self.kinds.get(wide(card.kind)) {
                let [_, _, seat, _] = self.words.parts(card.words);
                f(card.ticket, *kind, *group, barred.is_none(), seat);
            }
        }
    }

    fn reserve(&mut self, more: usize) {
        self.cards.reserve_exact(more);
        let cards = &self.cards;
        self.by_number.reserve(more, |at| Self::hash_at(cards, *at));
    }

    fn empty(event: EventId) -> Self {
        Self {
            event,
            cards: Vec::new(),
            words: Pages::default(),
            kinds: Vec::new(),
            at_kind: FxHashMap::default(),
            version: fresh(),
            by_number: HashTable::new(),
        }
    }
}

/// Most cards that room is made for before they are read.
const EXPECTED_MAX: usize = 4_000_000;

impl Model for Cards {
    type Change = Change;

    fn build(view: &SpaceView, event: EventId) -> Result<Self, Error> {
        let mut cards = Self::empty(event);
        let mut expected = 0;
        for kept in view.counts(&TICKETS, &event) {
            expected += usize::try_from(kept?.1).unwrap_or(0);
        }
        // At its size from the beginning: what grows by doubling leaves as much behind.
        cards.reserve(expected.min(EXPECTED_MAX));
        let portraits = view.scan::<Portrait>(&event, None, Order::Ascending);
        let pictured: FxHashSet<TicketId> = portraits.map(|kept| Ok(kept?.1.ticket)).collect::<Result<_, Error>>()?;
        for kept in view.scan::<Ticket>(&event, None, Order::Ascending) {
            let ticket = kept?.1;
            cards.set(&ticket, pictured.contains(&ticket.id));
        }
        cards.cards.shrink_to_fit();
        Ok(cards)
    }

    fn apply(&mut self, change: Change) {
        self.version = fresh();
        match change {
            Change::Ticket(ticket) => {
                let pictured = self.shared(ticket.id).is_some_and(|shared| shared.pictured);
                self.set(&ticket, pictured);
            }
            Change::Picture(ticket, pictured) => self.picture(ticket, pictured),
        }
    }

    fn weight(&self) -> usize {
        self.cards.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{PersonId, SpaceId, TicketState, Time, ticket::Source};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use store::Store;

    fn ticket(id: u64, number: u64, words: usize, group: Option<u64>) -> Ticket {
        Ticket {
            id: TicketId(id),
            event: EventId(1),
            kind: TicketTypeId(1 + group.unwrap_or(0)),
            order: None,
            person: PersonId(1),
            name: "林".repeat(words),
            phone: None,
            company: "会".repeat(words * 7 % 50),
            group: group.map(GroupId),
            seat: "A1".repeat(words % 3),
            note: String::new(),
            door_note: "注".repeat(words % 4),
            answers: Vec::new(),
            number: number.to_string(),
            attend: String::new(),
            link: [0; 16],
            state: if words.is_multiple_of(5) { TicketState::Canceled } else { TicketState::Active },
            source: Source::Import,
            collected: words.is_multiple_of(3),
            created_at: Time(0),
            revision: 0,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn cards_tell_what_the_newest_tickets_say(
            changes in prop::collection::vec((1u64..40, 0usize..2_000, prop::option::of(0u64..5), any::<bool>()), 1..200)
        ) {
            let mut cards = Cards::empty(EventId(1));
            let mut kept: BTreeMap<u64, Ticket> = BTreeMap::new();
            let mut pictured = FxHashSet::default();
            for (id, words, group, renumbered) in changes {
                let number = kept.get(&id).map_or(100 + id, |old| old.number.parse().unwrap());
                let number = number + 1_000 * u64::from(renumbered);
                let ticket = ticket(id, number, words, group);
                cards.apply(Change::Ticket(Box::new(ticket.clone())));
                kept.insert(id, ticket);
                // A picture of some, before and after their tickets change; of one whose ticket is not there, nothing.
                let (whose, has) = (TicketId(words as u64 % 45), words % 3 > 0);
                cards.apply(Change::Picture(whose, has));
                if kept.contains_key(&whose.0) && has { pictured.insert(whose); } else { pictured.remove(&whose); }
                for ticket in kept.values() {
                    let holder = Some(Holder::of(ticket, pictured.contains(&ticket.id)));
                    prop_assert_eq!(&cards.by_number(&ticket.number), &holder);
                    prop_assert_eq!(&cards.by_ticket(ticket.id), &holder);
                }
                prop_assert_eq!(cards.by_number.len(), kept.len());
                prop_assert!(cards.by_number("99").is_none() && cards.by_number("x").is_none());
            }
            prop_assert!(cards.words.spare <= PAGE_BYTES * (1 + cards.words.pages.len()));
        }
    }

    #[test]
    fn what_was_read_of_a_dropped_model_never_counts_for_the_one_built_anew() {
        let store = Store::memory();
        let build = || Cards::build(&store.view().space(SpaceId(1)), EventId(1)).unwrap();
        assert_ne!(build().version(), build().version());
    }
}

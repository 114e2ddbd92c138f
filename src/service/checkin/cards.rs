//! What a door shows and needs to know of each ticket of its event, so that a scan reads nothing.

use crate::{Error, model::Model};
use domain::{EventId, GroupId, Ticket, TicketId, TicketTypeId, checkin::Pass};
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{Order, Read, SpaceView};

/// One ticket.
#[derive(Debug)]
struct Card {
    ticket: TicketId,
    kind: TicketTypeId,
    group: Option<GroupId>,
    number: u64,
    canceled: bool,
    /// Name, company and seat, one behind the other, and where the first two end.
    words: Box<str>,
    ends: (u16, u16),
}

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
    /// Ticket number.
    pub number: String,
}

impl Holder {
    pub(crate) fn of(ticket: &Ticket) -> Self {
        Self {
            pass: Pass::of(ticket),
            name: ticket.name.clone(),
            company: ticket.company.clone(),
            seat: ticket.seat.clone(),
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
    /// Drawn anew with every change.
    version: u64,
    by_number: FxHashMap<u64, u32>,
}

/// A version that was never given before, so that a model that was dropped and built anew is not taken for the one before.
fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A place in a card's words; names and companies are far shorter than the limit of their fields allows here.
fn end(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

impl Card {
    fn of(ticket: &Ticket) -> Self {
        Self {
            ticket: ticket.id,
            kind: ticket.kind,
            group: ticket.group,
            number: ticket.number.parse().unwrap_or(0),
            canceled: ticket.state == domain::TicketState::Canceled,
            words: [ticket.name.as_str(), &ticket.company, &ticket.seat].concat().into(),
            ends: (end(ticket.name.len()), end(ticket.name.len() + ticket.company.len())),
        }
    }
}

impl Cards {
    fn set(&mut self, ticket: &Ticket) {
        let card = Card::of(ticket);
        // A number that is none, as from an older list, is not kept: such a ticket is read where it lies.
        let number = (card.number.to_string() == ticket.number).then_some(card.number);
        let at = match self.cards.binary_search_by_key(&ticket.id, |card| card.ticket) {
            Ok(at) => {
                if let Some(kept) = self.cards.get_mut(at) {
                    self.by_number.remove(&kept.number);
                    *kept = card;
                }
                at
            }
            Err(at) if at == self.cards.len() => {
                self.cards.push(card);
                at
            }
            Err(at) => {
                self.cards.insert(at, card);
                let behind = self.cards.iter().enumerate().skip(at + 1);
                for (place, card) in behind {
                    self.by_number.insert(card.number, u32::try_from(place).unwrap_or(u32::MAX));
                }
                at
            }
        };
        if let Some(number) = number {
            self.by_number.insert(number, u32::try_from(at).unwrap_or(u32::MAX));
        }
    }

    fn holder(&self, card: &Card) -> Holder {
        let (name, company) = (usize::from(card.ends.0), usize::from(card.ends.1));
        let part = |from, to| card.words.get(from..to).unwrap_or_default().to_owned();
        Holder {
            pass: Pass {
                ticket: card.ticket,
                event: self.event,
                kind: card.kind,
                group: card.group,
                canceled: card.canceled,
            },
            name: part(0, name),
            company: part(name, company),
            seat: part(company, card.words.len()),
            number: card.number.to_string(),
        }
    }

    /// Drawn anew with every change, and no two models share one: what was read at this version holds as long as it stands.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The ticket of a number.
    pub(crate) fn by_number(&self, number: &str) -> Option<Holder> {
        let at = self.by_number.get(&number.parse().ok()?)?;
        let card = self.cards.get(usize::try_from(*at).ok()?)?;
        Some(self.holder(card))
    }
}

impl Model for Cards {
    type Change = Ticket;

    fn build(view: &SpaceView, event: EventId) -> Result<Self, Error> {
        let mut cards = Self { event, cards: Vec::new(), version: fresh(), by_number: FxHashMap::default() };
        for kept in view.scan::<Ticket>(&event, None, Order::Ascending) {
            cards.set(&kept?.1);
        }
        cards.cards.shrink_to_fit();
        Ok(cards)
    }

    fn apply(&mut self, change: Ticket) {
        self.version = fresh();
        self.set(&change);
    }

    fn weight(&self) -> usize {
        self.cards.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::SpaceId;
    use store::Store;

    #[test]
    fn what_was_read_of_a_dropped_model_never_counts_for_the_one_built_anew() {
        let store = Store::memory();
        let build = || Cards::build(&store.view().space(SpaceId(1)), EventId(1)).unwrap();
        assert_ne!(build().version(), build().version());
    }
}

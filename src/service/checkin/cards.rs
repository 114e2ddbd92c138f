//! What a door shows and needs to know of each ticket of its event, so that a scan reads nothing.

use crate::{Error, model::Model};
use domain::{
    EventId, GroupId, Ticket, TicketId, TicketTypeId,
    checkin::Pass,
};
use std::collections::HashMap;
use store::{Order, Read, SpaceView};

/// One ticket.
#[derive(Debug)]
struct Card {
    ticket: TicketId,
    kind: TicketTypeId,
    group: Option<GroupId>,
    number: u64,
    canceled: bool,
    /// Name, company and seat, ended by line feeds, which none of them has.
    words: Box<str>,
}

/// What the door shows of a ticket's holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub pass: Pass,
    pub name: String,
    pub company: String,
    pub seat: String,
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
    by_number: HashMap<u64, u32>,
}

impl Card {
    fn of(ticket: &Ticket) -> Self {
        Self {
            ticket: ticket.id,
            kind: ticket.kind,
            group: ticket.group,
            number: ticket.number.parse().unwrap_or(0),
            canceled: ticket.state == domain::TicketState::Canceled,
            words: format!("{}\n{}\n{}", ticket.name, ticket.company, ticket.seat).into(),
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
        let mut words = card.words.split('\n').map(str::to_owned);
        let mut next = || words.next().unwrap_or_default();
        Holder {
            pass: Pass {
                ticket: card.ticket,
                event: self.event,
                kind: card.kind,
                group: card.group,
                canceled: card.canceled,
            },
            name: next(),
            company: next(),
            seat: next(),
            number: card.number.to_string(),
        }
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
        let mut cards = Self { event, cards: Vec::new(), by_number: HashMap::new() };
        for kept in view.scan::<Ticket>(&event, None, Order::Ascending) {
            cards.set(&kept?.1);
        }
        cards.cards.shrink_to_fit();
        Ok(cards)
    }

    fn apply(&mut self, change: Ticket) {
        self.set(&change);
    }

    fn weight(&self) -> usize {
        self.cards.len()
    }
}

//! Everything that is kept of one person, found in one walk over the tables of a space. Long reading: it is done aside.

use super::Error;
use domain::{
    Account, Attempt, Certificate, Device, Dispatch, Event, EventId, FeedbackAnswer, Grant, Identity, Import, Invoice,
    KnownBrowser, LoginLine, Member, Merchant, MessageChoice, MessageTrail, Notice, Order, OrderId, Outgoing,
    OutgoingId, Passkey, PasswordLink, PayRefund, Person, PersonId, PersonLang, PersonSession, Portrait, Refusal,
    SavedSearch, Session, SmsLine, TalkChoice, Ticket, TicketId, Waiter, WechatCredit, WechatLink, WechatPush,
    checkin::{DoorAnswers, Line, Scan},
    device::Role,
    draw::{Entrant, Face, FaceCheck, Message, Who, Win},
    identity::{IdentityKind, LoginCode, PersonMerge, PersonMoved, PersonOrder, PersonTicket},
    notice::About,
    ticket::Source,
};
use std::collections::{BTreeMap, BTreeSet};
use store::catalogue::{IDENTITY_BY_PERSON, PERSON_SESSION_BY_PERSON, TRAIL_BY_PERSON, WECHAT_BY_PERSON};
use store::{Order as Sort, Plain, Read, Record};

/// What is kept of one person.
#[derive(Debug, Default)]
pub(super) struct Traces {
    /// The person's own record in front, behind it those that became it.
    pub persons: Vec<Person>,
    pub tickets: Vec<Ticket>,
    /// Events of tickets and orders.
    pub events: BTreeMap<EventId, Event>,
    pub scans: Vec<Scan>,
    pub door_answers: Vec<DoorAnswers>,
    pub orders: Vec<Order>,
    pub attempts: Vec<Attempt>,
    pub refunds: Vec<PayRefund>,
    pub invoices: Vec<Invoice>,
    pub waiters: Vec<Waiter>,
    pub members: Vec<Member>,
    pub notices: Vec<Notice>,
    pub dispatches: Vec<Dispatch>,
    pub trails: Vec<MessageTrail>,
    pub choices: Vec<MessageChoice>,
    pub langs: Vec<PersonLang>,
    pub texts: Vec<SmsLine>,
    pub outgoing: Vec<Outgoing>,
    pub identities: Vec<Identity>,
    pub sessions: Vec<PersonSession>,
    pub codes: Vec<LoginCode>,
    pub own_tickets: Vec<PersonTicket>,
    pub own_orders: Vec<PersonOrder>,
    pub merges: Vec<PersonMerge>,
    pub moved: Vec<PersonMoved>,
    pub links: Vec<WechatLink>,
    pub credits: Vec<WechatCredit>,
    pub pushes: Vec<WechatPush>,
    pub wins: Vec<Win>,
    pub entrants: Vec<Entrant>,
    pub messages: Vec<Message>,
    pub faces: Vec<Face>,
    pub face_checks: Vec<FaceCheck>,
    pub talks: Vec<TalkChoice>,
    pub feedback: Vec<FeedbackAnswer>,
    pub certificates: Vec<Certificate>,
    pub portraits: Vec<Portrait>,
    pub helpers: Vec<Device>,
    pub merchants: Vec<Merchant>,
    pub imports: Vec<Import>,
    pub accounts: Vec<Staff>,
}

/// A staff account with what hangs on it.
#[derive(Debug)]
pub(super) struct Staff {
    pub account: Account,
    pub grants: Vec<Grant>,
    pub sessions: Vec<Session>,
    pub logins: Vec<LoginLine>,
    pub browsers: Vec<KnownBrowser>,
    pub passkeys: Vec<Passkey>,
    pub links: Vec<PasswordLink>,
    pub searches: Vec<SavedSearch>,
}

fn all<R: Record>(view: &impl Read, fits: impl Fn(&R) -> bool) -> Result<Vec<R>, Error> {
    let mut found = Vec::new();
    for kept in view.scan::<R>(&(), None, Sort::Ascending) {
        let (_, record) = kept?;
        if fits(&record) {
            found.push(record);
        }
    }
    Ok(found)
}

fn indexed<R: Record>(
    view: &impl Read,
    index: &Plain<R, PersonId>,
    persons: &BTreeSet<PersonId>,
) -> Result<Vec<R>, Error> {
    let mut found = Vec::new();
    for person in persons {
        for key in view.scan_index(index, person, None, Sort::Ascending) {
            found.extend(view.get::<R>(&key?)?);
        }
    }
    Ok(found)
}

/// The person and whoever became it, as long as that is known; the person's own record in front.
fn persons_of(view: &impl Read, id: PersonId) -> Result<(Vec<Person>, Vec<PersonMerge>), Error> {
    let known = all::<PersonMerge>(view, |_| true)?;
    let (mut ids, mut merges) = (vec![id], Vec::new());
    let mut at = 0;
    while let Some(into) = ids.get(at).copied() {
        for merge in known.iter().filter(|merge| merge.into == into || merge.from == into) {
            if !merges.contains(merge) {
                merges.push(merge.clone());
            }
            // Whoever became another one is looked for there.
            if merge.into == into && !ids.contains(&merge.from) {
                ids.push(merge.from);
            }
        }
        at += 1;
    }
    let own = view.get::<Person>(&id)?.ok_or_else(|| Refusal::missing("person"))?;
    let mut persons = vec![own];
    for other in ids.iter().skip(1) {
        persons.extend(view.get::<Person>(other)?);
    }
    Ok((persons, merges))
}

impl Traces {
    /// Walks over everything.
    pub(super) fn find(view: &impl Read, id: PersonId) -> Result<Self, Error> {
        let (persons, merges) = persons_of(view, id)?;
        let ids: BTreeSet<PersonId> = persons.iter().map(|person| person.id).collect();
        let mut of = Self { persons, merges, ..Self::default() };
        of.moved = all::<PersonMoved>(view, |moved| ids.contains(&moved.from))?;
        of.identities = indexed(view, &IDENTITY_BY_PERSON, &ids)?;
        of.sessions = indexed(view, &PERSON_SESSION_BY_PERSON, &ids)?;
        of.links = indexed(view, &WECHAT_BY_PERSON, &ids)?;
        of.choices = all::<MessageChoice>(view, |choice| ids.contains(&choice.person))?;
        of.langs = all::<PersonLang>(view, |lang| ids.contains(&lang.person))?;
        of.own_tickets = all::<PersonTicket>(view, |kept| ids.contains(&kept.person))?;
        of.own_orders = all::<PersonOrder>(view, |kept| ids.contains(&kept.person))?;
        let reached = of.reached();
        of.events_of(view, &ids, &reached)?;
        of.draws_of(view, &reached)?;
        of.messages_of(view, &ids, &reached)?;
        of.accounts = staff_of(view, &ids)?;
        Ok(of)
    }

    /// Phone numbers, addresses and ids by which the person is reached.
    fn reached(&self) -> Reached {
        let mut of = Reached::default();
        of.phones.extend(self.persons.iter().filter_map(|person| person.phone.clone()));
        for identity in &self.identities {
            match identity.kind {
                IdentityKind::Phone => of.phones.insert(identity.value.clone()),
                IdentityKind::Email => of.mails.insert(identity.value.clone()),
                IdentityKind::Mini | IdentityKind::Official => of.openids.insert(identity.value.clone()),
                IdentityKind::Union => false,
            };
        }
        of.mails.extend(self.choices.iter().map(|choice| choice.mail.clone()).filter(|mail| !mail.is_empty()));
        of.openids.extend(self.links.iter().map(|link| link.openid.clone()));
        of
    }

    /// Registrations, orders and what hangs on them.
    fn events_of(&mut self, view: &impl Read, ids: &BTreeSet<PersonId>, reached: &Reached) -> Result<(), Error> {
        let by_phone = |phone: Option<&String>| phone.is_some_and(|phone| reached.phones.contains(phone));
        self.tickets = all::<Ticket>(view, |ticket| ids.contains(&ticket.person) || by_phone(ticket.phone.as_ref()))?;
        self.orders =
            all::<Order>(view, |order| ids.contains(&order.buyer.person) || by_phone(order.buyer.phone.as_ref()))?;
        let tickets = self.ticket_keys();
        let has = |event: EventId, ticket: TicketId| tickets.contains(&(event, ticket));
        self.door_answers = all::<DoorAnswers>(view, |of| has(of.event, of.ticket))?;
        self.talks = all::<TalkChoice>(view, |of| has(of.event, of.ticket))?;
        self.feedback = all::<FeedbackAnswer>(view, |of| of.ticket.is_some_and(|ticket| has(of.event, ticket)))?;
        self.certificates = all::<Certificate>(view, |of| has(of.event, of.ticket))?;
        self.portraits = all::<Portrait>(view, |of| has(of.event, of.ticket))?;
        let orders = self.order_keys();
        self.attempts = all::<Attempt>(view, |of| orders.contains(&(of.event, of.order)))?;
        self.refunds = all::<PayRefund>(view, |of| orders.contains(&(of.event, of.order)))?;
        self.invoices = all::<Invoice>(view, |of| orders.contains(&(of.event, of.order)))?;
        self.waiters = all::<Waiter>(view, |of| reached.phones.contains(&of.phone))?;
        let imported: BTreeSet<EventId> =
            self.tickets.iter().filter(|of| of.source == Source::Import).map(|of| of.event).collect();
        self.imports = all::<Import>(view, |of| imported.contains(&of.event))?;
        self.helpers =
            all::<Device>(view, |of| matches!(&of.role, Role::Helper(Some(phone)) if reached.phones.contains(phone)))?;
        let named = tickets.iter().map(|(event, _)| *event).chain(orders.iter().map(|(event, _)| *event));
        for event in named.chain(self.waiters.iter().map(|of| of.event)) {
            if let Some(found) = view.get::<Event>(&event)? {
                self.events.insert(event, found);
            }
        }
        self.scans_of(view, &tickets)
    }

    fn scans_of(&mut self, view: &impl Read, tickets: &BTreeSet<(EventId, TicketId)>) -> Result<(), Error> {
        for event in self.events.keys() {
            for kept in view.scan::<domain::ScanBlock>(event, None, Sort::Ascending) {
                let (_, block) = kept?;
                self.scans.extend(block.lines.into_iter().filter_map(|line| match line {
                    Line::Scan(scan) if scan.ticket.is_some_and(|key| tickets.contains(&key)) => Some(scan),
                    Line::Scan(_) | Line::Annul(_) | Line::Move(_) | Line::Settle(_) => None,
                }));
            }
        }
        Ok(())
    }

    /// Who took part in draws, won, and wrote to the wall.
    fn draws_of(&mut self, view: &impl Read, reached: &Reached) -> Result<(), Error> {
        // Numbers of tickets are the space's, not the event's.
        let tickets: BTreeSet<TicketId> = self.tickets.iter().map(|of| of.id).collect();
        let by_phone = |phone: Option<&String>| phone.is_some_and(|phone| reached.phones.contains(phone));
        self.entrants = all::<Entrant>(view, |of| {
            of.ticket.is_some_and(|ticket| tickets.contains(&ticket)) || by_phone(of.phone.as_ref())
        })?;
        let entrants: BTreeSet<_> = self.entrants.iter().map(|of| (of.draw, of.id)).collect();
        let is_theirs = |draw, who: Who| match who {
            Who::Ticket(ticket) => tickets.contains(&ticket),
            Who::Extra(entrant) => entrants.contains(&(draw, entrant)),
        };
        self.wins = all::<Win>(view, |of| of.who.is_some_and(|who| is_theirs(of.draw, who)))?;
        self.messages = all::<Message>(view, |of| is_theirs(of.draw, of.who))?;
        self.faces = all::<Face>(view, |of| is_theirs(of.draw, of.who))?;
        self.face_checks = all::<FaceCheck>(view, |of| of.of.is_some_and(|(draw, who, _)| is_theirs(draw, who)))?;
        Ok(())
    }

    /// What was said to them, and by which ways.
    fn messages_of(&mut self, view: &impl Read, ids: &BTreeSet<PersonId>, reached: &Reached) -> Result<(), Error> {
        let (tickets, orders) = (self.ticket_keys(), self.order_keys());
        let waiters: BTreeSet<_> = self.waiters.iter().map(|of| (of.event, of.id)).collect();
        self.notices = all::<Notice>(view, |of| match of.about {
            About::Ticket(event, ticket) => tickets.contains(&(event, ticket)),
            About::Order(event, order) => orders.contains(&(event, order)),
            About::Waiter(event, waiter) => waiters.contains(&(event, waiter)),
            About::Person(person) => ids.contains(&person),
        })?;
        self.trails = indexed(view, &TRAIL_BY_PERSON, ids)?;
        for notice in &self.notices {
            self.dispatches.extend(view.get::<Dispatch>(&notice.id)?);
        }
        let sent: BTreeSet<OutgoingId> =
            self.dispatches.iter().flat_map(|of| of.steps.iter().map(|step| step.entry)).collect();
        self.outgoing = all::<Outgoing>(view, |of| sent.contains(&of.id) || reached.has(&of.target))?;
        self.texts = all::<SmsLine>(view, |of| reached.phones.contains(&of.phone))?;
        self.codes = all::<LoginCode>(view, |of| reached.has(&of.value))?;
        self.members = all::<Member>(view, |of| reached.phones.contains(&of.phone))?;
        self.merchants = all::<Merchant>(view, |of| reached.phones.contains(&of.phone))?;
        let links: BTreeSet<_> = self.links.iter().map(|link| link.id).collect();
        self.credits = all::<WechatCredit>(view, |of| links.contains(&of.link))?;
        self.pushes = all::<WechatPush>(view, |of| reached.openids.contains(&of.from))?;
        Ok(())
    }

    pub(super) fn ticket_keys(&self) -> BTreeSet<(EventId, TicketId)> {
        self.tickets.iter().map(|of| (of.event, of.id)).collect()
    }

    pub(super) fn order_keys(&self) -> BTreeSet<(EventId, OrderId)> {
        self.orders.iter().map(|of| (of.event, of.id)).collect()
    }

    /// The person's own record.
    pub(super) fn person(&self) -> Result<&Person, Error> {
        Ok(self.persons.first().ok_or_else(|| Refusal::missing("person"))?)
    }
}

/// By what somebody is reached.
#[derive(Debug, Default)]
struct Reached {
    phones: BTreeSet<String>,
    mails: BTreeSet<String>,
    openids: BTreeSet<String>,
}

impl Reached {
    fn has(&self, target: &str) -> bool {
        self.phones.contains(target) || self.mails.contains(target) || self.openids.contains(target)
    }
}

fn staff_of(view: &impl Read, ids: &BTreeSet<PersonId>) -> Result<Vec<Staff>, Error> {
    let mut staff = Vec::new();
    for account in all::<Account>(view, |account| ids.contains(&account.person))? {
        let id = account.id;
        staff.push(Staff {
            grants: all::<Grant>(view, |of| of.account == id)?,
            sessions: all::<Session>(view, |of| of.account == id)?,
            logins: all::<LoginLine>(view, |of| of.account == id)?,
            browsers: all::<KnownBrowser>(view, |of| of.account == id)?,
            passkeys: all::<Passkey>(view, |of| of.account == id)?,
            links: all::<PasswordLink>(view, |of| of.account == id)?,
            searches: all::<SavedSearch>(view, |of| of.account == id)?,
            account,
        });
    }
    Ok(staff)
}

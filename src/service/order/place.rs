//! Placing an order: every rule is asked again in the transaction that takes the places, so that nothing is sold twice.

use super::{keep, sale_in, tell};
use crate::{
    Actor, Ctx, Error, Work, event, member, message, payment,
    privacy::consent,
    quota::{self, Stocks},
    registration::{self, Codes, NewTicket},
    ticket_type, token, voucher, waiting,
};
use domain::{
    AddOnId, Event, EventId, Money, Order, OrderId, Refusal, Sale, TicketType, TicketTypeId, Time, Voucher, Waiter,
    event::EventState,
    field::Answer,
    member::{MemberOffer, check_only, reduction},
    order::{Buyer, Item, Line, OrderState, check_donation, next},
    payment::Method,
    privacy::consent::ConsentWay,
    problem, refuse,
    text::Form,
    ticket::{Filler, Source, TicketDetails, TicketInput, check_ticket},
    ticket_type::offer,
    waiting::{Turn, WaitState},
};
use std::collections::BTreeMap;
use store::Read;
use store::catalogue::{ORDER_BY_LINK, ORDER_BY_NUMBER};

/// One person of an order.
#[derive(Debug, Clone)]
pub struct PersonInput {
    /// Ticket type.
    pub kind: TicketTypeId,
    /// Add-ons.
    pub addons: Vec<AddOnId>,
    /// The registration form.
    pub ticket: TicketInput,
}

/// What the registration page sends.
#[derive(Debug, Clone, Default)]
pub struct OrderInput {
    /// Comes with the form: sent twice, it yields the same order.
    pub once: String,
    /// The people; the first one is the buyer.
    pub people: Vec<PersonInput>,
    /// A typed code.
    pub code: String,
    /// A typed amount in yuan.
    pub donation: String,
    /// Code of the way to pay.
    pub method: String,
    /// Link of the waiter's page, when a held place is taken.
    pub waiter: String,
    /// Tag of the language that the form was read in; empty: not known.
    pub lang: String,
    /// The version of the privacy notice that the buyer agreed to, and by which way.
    pub agreed: Option<(u32, ConsentWay)>,
}

/// A field of the form of person `at`: the first one's have no prefix.
fn field_of(at: usize, field: &str) -> String {
    if at == 0 { field.to_owned() } else { format!("more-{at}-{field}") }
}

/// The checked people of an order with the codes of their tickets.
struct People {
    people: Vec<(PersonInput, TicketDetails, Vec<Answer>, Codes)>,
}

fn check_people(ctx: &Ctx, at: &Event, sale: &Sale, input: &OrderInput) -> Result<People, Error> {
    if input.people.is_empty() || input.people.len() > usize::from(sale.most) {
        return Err(refuse!(Invalid, "order.people", "An order is for 1 to {max} people.", max = sale.most).into());
    }
    let (mut people, mut problems) = (Vec::new(), Vec::new());
    for (n, person) in input.people.iter().enumerate() {
        let filler = if n == 0 { Filler::Visitor } else { Filler::Companion };
        match check_ticket(&person.ticket, &at.fields, filler) {
            Ok(details) => {
                let codes = Codes::draw(ctx);
                let answers = registration::keep_answers(ctx, &at.fields, &codes.link, &details.answers)?;
                people.push((person.clone(), details, answers, codes));
            }
            Err(wrong) => problems.extend(
                wrong.into_iter().map(|problem| domain::Problem { field: field_of(n, &problem.field), ..problem }),
            ),
        }
    }
    let phones: Vec<&String> = people.iter().filter_map(|(_, details, ..)| details.phone.as_ref()).collect();
    for (n, (_, details, ..)) in people.iter().enumerate() {
        let twice = |phone: &String| phones.iter().filter(|other| **other == phone).count() > 1;
        if n > 0 && details.phone.as_ref().is_some_and(twice) {
            problems.push(problem!(field_of(n, "phone"), "This phone number stands in the order twice."));
        }
    }
    Refusal::unless_clean(problems)?;
    Ok(People { people })
}

/// What an order would cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// What it is made of.
    pub lines: Vec<Line>,
    /// The code that was used, and how it reads.
    pub code: Option<String>,
    /// The secretariat must approve it.
    pub review: bool,
}

impl Quote {
    /// The whole price.
    pub fn total(&self) -> Money {
        Money::cny(self.lines.iter().map(Line::due).sum())
    }
}

/// Who gets a ticket.
#[derive(Debug, Clone, Copy)]
struct Holder {
    /// A place is kept for this person already.
    held: bool,
    /// A member of the association.
    member: bool,
}

/// One transaction's view of what is being ordered.
struct Counter<'a> {
    event: &'a Event,
    now: Time,
    stocks: Stocks,
    code: Option<(Voucher, Option<i64>)>,
    addons: Vec<(domain::AddOn, i64)>,
    /// What the types are for members.
    members: BTreeMap<TicketTypeId, MemberOffer>,
    /// The code was for a ticket that its holder gets for less, or the same, as a member.
    outdone: bool,
    lines: Vec<Line>,
    review: bool,
    companions: (usize, usize),
}

impl<'a> Counter<'a> {
    fn open(view: &impl Read, event: &'a Event, code: &str, now: Time) -> Result<Self, Error> {
        Ok(Self {
            event,
            now,
            stocks: Stocks::read(view, event.id)?,
            code: voucher::typed(view, event.id, code, now)?,
            addons: quota::addons_of(view, event.id)?,
            members: member::offers_of(view, event.id)?,
            outdone: false,
            lines: Vec::new(),
            review: false,
            companions: (0, 0),
        })
    }

    /// Takes one person's ticket and add-ons off the stock and onto the bill.
    fn add(
        &mut self,
        kind: &TicketType,
        ticket: domain::TicketId,
        addons: &[AddOnId],
        holder: Holder,
    ) -> Result<(), Error> {
        let held = holder.held;
        check_only(self.members.get(&kind.id), holder.member, &kind.name)?;
        if held {
            self.stocks.reserve(kind.id, -1);
        }
        let mut stock = self.stocks.of(kind.id);
        if held {
            stock.waiting = 0;
        }
        let opens = self.code.as_ref().is_some_and(|(code, _)| code.unlocks && code.is_for(kind.id));
        offer(kind, &stock, opens, self.event.time.to, self.now).check(&kind.name)?;
        let price = kind.price_at(stock.taken, self.now);
        self.stocks.reserve(kind.id, 1);
        self.review |= kind.review;
        if kind.companion {
            self.companions.0 += 1
        } else {
            self.companions.1 += 1
        }
        let (off, code) = self.discount(kind, price, holder.member);
        let item = Item::Ticket(ticket, kind.id);
        self.lines.push(Line { item, name: kind.name.clone(), price, off, code, returned: false });
        for id in addons {
            self.add_on(kind, ticket, *id)?;
        }
        Ok(())
    }

    /// What one ticket costs less, for a member or by the code, and whether the code was used for it.
    fn discount(&mut self, kind: &TicketType, price: Money, member: bool) -> (Money, bool) {
        let for_member = self.members.get(&kind.id).filter(|_| member).and_then(|offer| offer.price);
        let code = self.code.as_mut().filter(|(code, left)| code.is_for(kind.id) && left.is_none_or(|left| left > 0));
        let Some((code, left)) = code else {
            return (reduction(price, for_member, Money::cny(0)).off, false);
        };
        let found = reduction(price, for_member, code.effect.off(price));
        let used = found.by_code || code.unlocks && kind.locked;
        self.outdone |= !used && code.effect.off(price).fen > 0;
        if let Some(left) = left {
            *left -= i64::from(used);
        }
        (found.off, used)
    }

    fn add_on(&mut self, kind: &TicketType, ticket: domain::TicketId, id: AddOnId) -> Result<(), Error> {
        let found = self.addons.iter_mut().find(|(addon, _)| addon.id == id);
        let (addon, taken) = found.ok_or_else(|| Refusal::missing("add-on"))?;
        if !addon.is_offered(kind.id, *taken) {
            return Err(
                refuse!(Conflict, "addon.sold_out", "“{name}” cannot be had any more.", name = addon.name).into()
            );
        }
        *taken += 1;
        self.lines.push(Line {
            item: Item::AddOn(id, ticket),
            name: addon.name.clone(),
            price: addon.price,
            off: Money::cny(0),
            code: false,
            returned: false,
        });
        Ok(())
    }

    fn close(mut self, donation: i64) -> Result<Quote, Error> {
        let (companions, others) = self.companions;
        if companions > others {
            return Err(refuse!(
                Invalid,
                "order.companions",
                "Tickets for companions come with as many other tickets. Add a person or choose other tickets."
            )
            .into());
        }
        let used = self.lines.iter().any(|line| line.code);
        let code = self.code.map(|(code, _)| code.code).filter(|_| used || !self.outdone);
        if code.is_some() && !used {
            return Err(Refusal::invalid(vec![problem!("code", "This code is not for the chosen tickets.")]).into());
        }
        if donation > 0 {
            let (item, price, off) = (Item::Donation, Money::cny(donation), Money::cny(0));
            self.lines.push(Line { item, name: String::new(), price, off, code: false, returned: false });
        }
        Ok(Quote { lines: self.lines, code, review: self.review })
    }
}

fn donation(sale: &Sale, typed: &str) -> Result<i64, Error> {
    let mut form = Form::default();
    let fen = if sale.donation { check_donation(&mut form, typed) } else { 0 };
    Ok(form.done(fen)?)
}

/// What the people would pay together, without taking anything: the page shows it before the order is sent.
pub fn quote(ctx: &Ctx, actor: &Actor, event: EventId, input: &OrderInput) -> Result<Quote, Error> {
    let at = event::public_get(ctx, actor, event)?;
    ctx.read(&ctx.public(actor), |view| {
        let sale = sale_in(view, event)?;
        let held = waiter(view, event, &input.waiter, ctx.now())?;
        let mut counter = Counter::open(view, &at, &input.code, ctx.now())?;
        for (n, person) in input.people.iter().take(usize::from(sale.most)).enumerate() {
            let kind = ticket_type::load(view, event, person.kind)?;
            let held = n == 0 && held.as_ref().is_some_and(|waiter| waiter.kind == kind.id);
            let phone = domain::phone::normalise(&person.ticket.phone);
            let holder = Holder { held, member: member::holds(view, phone.as_deref(), ctx.now())? };
            counter.add(&kind, domain::TicketId(0), &person.addons, holder)?;
        }
        counter.close(donation(&sale, &input.donation)?)
    })
}

/// The wait whose held place is taken; none when no link came with the form.
fn waiter(view: &impl Read, event: EventId, link: &str, now: Time) -> Result<Option<Waiter>, Error> {
    if link.is_empty() {
        return Ok(None);
    }
    let waiter = waiting::by_link(view, link)?;
    let stands = matches!(waiter.state, WaitState::Offered(until) if now < until);
    if waiter.event != event || !stands {
        return Err(refuse!(Conflict, "waiting.no_offer", "No place is held for you here, or no longer.").into());
    }
    Ok(Some(waiter))
}

/// Takes the places. Free ones that need no review are the people's at once.
pub async fn place(ctx: &Ctx, actor: &Actor, event: EventId, input: &OrderInput) -> Result<Order, Error> {
    let at = event::public_get(ctx, actor, event)?;
    if at.state != EventState::Published {
        return Err(refuse!(Conflict, "event.not_open", "This event takes no registrations.").into());
    }
    let sale = ctx.read(&ctx.public(actor), |view| sale_in(view, event))?;
    let people = check_people(ctx, &at, &sale, input)?;
    let donation = donation(&sale, &input.donation)?;
    let mut link = [0; 16];
    ctx.random.fill(&mut link);
    if input.once.len() >= 16 {
        link = once_link(event, &input.once);
    }
    let seeds: [u64; 8] = std::array::from_fn(|_| ctx.random.number());
    let (code, waiter, method) = (input.code.clone(), input.waiter.clone(), Method::parse(&input.method));
    let lang = input.lang.clone();
    let agreed = input.agreed;
    let wanted = Wanted { at, sale, people, donation, link, seeds, code, waiter, method, lang, agreed };
    ctx.write(&ctx.public(actor), move |work| wanted.take(work)).await
}

/// The link of the order that a form makes, however often it is sent.
fn once_link(event: EventId, once: &str) -> [u8; 16] {
    let mut link = [0; 16];
    let named = format!("registration {event} {once}");
    link.copy_from_slice(token::sha256(named.as_bytes()).split_at(16).0);
    link
}

/// As an address has it: where the order of a form that was sent before is found.
pub fn link_of(event: EventId, once: &str) -> String {
    token::link(&once_link(event, once))
}

/// Everything that was checked before the transaction.
struct Wanted {
    at: Event,
    sale: Sale,
    people: People,
    donation: i64,
    link: [u8; 16],
    seeds: [u64; 8],
    code: String,
    waiter: String,
    method: Option<Method>,
    lang: String,
    agreed: Option<(u32, ConsentWay)>,
}

impl Wanted {
    fn take(&self, work: &mut Work<'_, '_>) -> Result<Order, Error> {
        let event = self.at.id;
        if let Some(before) = work.read().find::<Order, _>(&ORDER_BY_LINK, &self.link)? {
            return Ok(before);
        }
        let now_event = event::load(work.read(), event)?;
        let changed = now_event.fields != self.at.fields && now_event.revision != self.at.revision;
        if now_event.state != self.at.state || changed {
            return Err(refuse!(
                Conflict,
                "event.changed",
                "The event has just been changed. Please look at it and send the form again."
            )
            .into());
        }
        consent::check(work.read(), self.agreed.map(|(version, _)| version))?;
        let waiter = waiter(work.read(), event, &self.waiter, work.now)?;
        let mut counter = Counter::open(work.read(), &now_event, &self.code, work.now)?;
        let code = counter.code.as_ref().map(|(code, _)| code.id);
        let mut tickets = Vec::new();
        for (n, (person, details, ..)) in self.people.people.iter().enumerate() {
            let kind = ticket_type::load(work.read(), event, person.kind)?;
            let held = n == 0 && waiter.as_ref().is_some_and(|waiter| waiter.kind == kind.id);
            let ticket = domain::TicketId(work.next_id::<domain::Ticket>()?);
            let member = member::holds(work.read(), details.phone.as_deref(), work.now)?;
            counter.add(&kind, ticket, &person.addons, Holder { held, member })?;
            tickets.push((ticket, kind));
        }
        let quote = counter.close(self.donation)?;
        crate::merchant::check_charging(work.read(), !quote.total().is_free())?;
        let method = self.checked_method(work.read(), quote.total())?;
        let state = match quote.review {
            true => OrderState::PendingReview,
            false => next(OrderState::PendingReview, domain::order::Act::Approve, quote.total().is_free())?,
        };
        let id = OrderId(work.next_id::<Order>()?);
        let first = self.keep_tickets(work, id, state, &tickets)?;
        if let Some((_, way)) = self.agreed {
            consent::agree(work, first.person, way)?;
        }
        let hold = state == OrderState::PendingPayment && !method.is_some_and(Method::is_kept);
        let mut order = Order {
            id,
            event,
            number: free_number(work.read(), &self.seeds)?,
            link: self.link,
            buyer: Buyer { person: first.person, name: first.name, phone: first.phone },
            state,
            lines: quote.lines,
            voucher: code.filter(|_| quote.code.is_some()),
            method,
            hold_until: hold.then(|| self.sale.held_until(work.now, now_event.time.to)),
            entries: Vec::new(),
            reason: String::new(),
            created_at: work.now,
            changed_at: work.now,
            revision: 0,
        };
        if let Some(waiter) = &waiter {
            waiting::turn(work, waiter, Turn::Take(id))?;
        }
        keep(work, &mut order, "order.place", "")?;
        tell(work, &order)?;
        Ok(order)
    }

    /// The way to pay, which must be one that is offered where there is something to pay.
    fn checked_method(&self, view: &impl Read, total: Money) -> Result<Option<Method>, Error> {
        if total.is_free() {
            return Ok(None);
        }
        let offered = payment::settings_in(view)?.into_iter().filter(|setting| setting.enabled);
        let offered: Vec<Method> = offered.map(|setting| setting.method).collect();
        match (self.method, offered.as_slice()) {
            (Some(method), _) if offered.contains(&method) => Ok(Some(method)),
            (None, [only]) => Ok(Some(*only)),
            _ => Err(Refusal::invalid(vec![problem!("method", "Choose how you want to pay.")]).into()),
        }
    }

    /// Keeps the tickets of all people; answers the first one, who is the buyer.
    fn keep_tickets(
        &self,
        work: &mut Work<'_, '_>,
        order: OrderId,
        state: OrderState,
        tickets: &[(domain::TicketId, TicketType)],
    ) -> Result<domain::Ticket, Error> {
        let mut first = None;
        for ((id, kind), (_, details, answers, codes)) in tickets.iter().zip(&self.people.people) {
            let new = NewTicket {
                id: Some(*id),
                kind,
                details,
                answers,
                group: None,
                source: Source::Phone,
                codes,
                state: state.of_tickets(),
                order: Some(order),
            };
            let ticket = registration::keep(work, &new)?;
            message::template::learn_lang(work, ticket.person, &self.lang)?;
            first.get_or_insert(ticket);
        }
        first.ok_or_else(|| Error::Internal("an order without people".into()))
    }
}

fn free_number(view: &impl Read, seeds: &[u64]) -> Result<String, Error> {
    registration::free(seeds, domain::order::number, |number| {
        Ok(view.find_key::<Order, _>(&ORDER_BY_NUMBER, number)?.is_none())
    })
}

//! Registrations: taking a place online, by hand, editing, canceling, lists, and finding one's ticket again
//! (S0-37 … S0-39, S0-44, S0-47, S0-81, S0-82).

mod answer;
mod export;

pub(crate) use answer::{check_choices, keep_answers, open_answer, seal_context};
pub use answer::{choices_left, show_answer};
pub use export::export;

use crate::{
    Actor, At, Ctx, Error, Permit, Work, archive, checkin, event, notice, order,
    roster::{Filter, Names},
    talk, ticket_type, token,
};
use domain::{
    Event, EventId, GroupId, OrderId, Permission, Person, PersonId, Refusal, SpaceId, Ticket, TicketId, TicketState,
    TicketType, TicketTypeId,
    checkin::Standing,
    code,
    field::{Answer, AnswerValue},
    phone, refuse,
    ticket::{
        Filler, Source, TicketDetails, TicketInput, already_registered, check_block, check_cancel, check_restore,
        check_ticket,
    },
};
use store::catalogue::{PERSON_BY_PHONE, TICKET_BY_ATTEND, TICKET_BY_LINK, TICKET_BY_NUMBER, TICKET_BY_PHONE};
use store::{Order, Read};
use subtle::ConstantTimeEq;

/// Random material for a new ticket, drawn before the transaction so that it can run again with the same outcome.
#[derive(Debug, Clone)]
pub(crate) struct Codes {
    numbers: [u64; 8],
    attends: [u64; 8],
    /// Unguessable part of the ticket's address.
    pub link: [u8; 16],
}

impl Codes {
    pub(crate) fn draw(ctx: &Ctx) -> Self {
        let mut codes = Self { numbers: [0; 8], attends: [0; 8], link: [0; 16] };
        codes.numbers.fill_with(|| ctx.random.number());
        codes.attends.fill_with(|| ctx.random.number());
        ctx.random.fill(&mut codes.link);
        codes
    }

    /// Gives a ticket a new number, attend code and link.
    pub(crate) fn renew(&self, view: &impl Read, ticket: &mut Ticket) -> Result<(), Error> {
        ticket.number = self.number(view)?;
        ticket.attend = self.attend(view, ticket.event)?;
        ticket.link = self.link;
        Ok(())
    }

    fn number(&self, view: &impl Read) -> Result<String, Error> {
        free(&self.numbers, code::ticket_number, |number| {
            Ok(view.find_key::<Ticket, _>(&TICKET_BY_NUMBER, number)?.is_none())
        })
    }

    fn attend(&self, view: &impl Read, event: EventId) -> Result<String, Error> {
        free(&self.attends, code::attend_code, |attend| {
            Ok(view.find_key::<Ticket, _>(&TICKET_BY_ATTEND, &(event, attend.clone()))?.is_none())
        })
    }
}

/// The first code that is not taken yet.
pub(crate) fn free(
    seeds: &[u64],
    make: fn(u64) -> String,
    is_free: impl Fn(&String) -> Result<bool, Error>,
) -> Result<String, Error> {
    for seed in seeds {
        let code = make(*seed);
        if is_free(&code)? {
            return Ok(code);
        }
    }
    Err(Error::Internal("no free code was found".into()))
}

/// What a new ticket is made of.
pub(crate) struct NewTicket<'a> {
    /// Its number, when it was drawn already.
    pub id: Option<TicketId>,
    pub kind: &'a TicketType,
    pub details: &'a TicketDetails,
    pub answers: &'a [Answer],
    pub group: Option<GroupId>,
    pub source: Source,
    pub codes: &'a Codes,
    pub state: TicketState,
    pub order: Option<OrderId>,
}

/// The person of that phone, or a new one.
pub(crate) fn person_of(work: &mut Work<'_, '_>, details: &TicketDetails) -> Result<PersonId, Error> {
    if let Some(phone) = &details.phone
        && let Some(person) = work.read().find::<Person, _>(&PERSON_BY_PHONE, phone)?
    {
        return Ok(person.id);
    }
    let person = Person {
        id: PersonId(work.next_id::<Person>()?),
        name: details.name.clone(),
        phone: details.phone.clone(),
        company: details.company.clone(),
        created_at: work.now,
    };
    work.insert(&person)?;
    Ok(person.id)
}

/// Takes a place: the quota and the one-ticket-per-phone rule hold whoever asks.
pub(crate) fn take(work: &mut Work<'_, '_>, new: &NewTicket<'_>) -> Result<Ticket, Error> {
    ticket_type::check_room(work.read(), new.kind)?;
    take_counted(work, new)
}

/// As [`take`], for whoever counted the places that are left already, in this transaction.
pub(crate) fn take_counted(work: &mut Work<'_, '_>, new: &NewTicket<'_>) -> Result<Ticket, Error> {
    let ticket = keep(work, new)?;
    work.audit("registration.create", subject(&ticket), "", &summary(&ticket))?;
    Ok(ticket)
}

/// Keeps a new ticket for whose place and audit line the caller cares: one phone has one place all the same.
pub(crate) fn keep(work: &mut Work<'_, '_>, new: &NewTicket<'_>) -> Result<Ticket, Error> {
    let event = new.kind.event;
    archive::check_open(work.read(), event)?;
    check_phone_free(work.read(), event, new.details.phone.as_deref())?;
    check_choices(work.read(), event, &[], new.answers)?;
    let person = person_of(work, new.details)?;
    let ticket = Ticket {
        id: new.id.map_or_else(|| work.next_id::<Ticket>().map(TicketId), Ok)?,
        event,
        kind: new.kind.id,
        person,
        order: new.order,
        name: new.details.name.clone(),
        phone: new.details.phone.clone(),
        company: new.details.company.clone(),
        group: new.group,
        seat: new.details.seat.clone(),
        note: new.details.note.clone(),
        door_note: new.details.door_note.clone(),
        answers: new.answers.to_vec(),
        number: new.codes.number(work.read())?,
        attend: new.codes.attend(work.read(), event)?,
        link: new.codes.link,
        state: new.state,
        source: new.source,
        collected: new.source == Source::Phone,
        created_at: work.now,
        revision: 0,
    };
    work.insert(&ticket)?;
    Ok(ticket)
}

pub(crate) fn subject(ticket: &Ticket) -> String {
    format!("event/{}/ticket/{}", ticket.event, ticket.id)
}

/// What the audit log says of a ticket; the phone masked.
pub(crate) fn summary(ticket: &Ticket) -> String {
    let phone = ticket.phone.as_deref().map_or(String::new(), phone::masked);
    let group = ticket.group.map_or(String::new(), |group| format!("group {group}"));
    format!("{} | {phone} | type {} | {group} | {} | {}", ticket.name, ticket.kind, ticket.seat, ticket.state.code())
}

pub(crate) fn check_phone_free(view: &impl Read, event: EventId, phone: Option<&str>) -> Result<(), Error> {
    let Some(phone) = phone else { return Ok(()) };
    match view.find_key::<Ticket, _>(&TICKET_BY_PHONE, &(phone.to_owned(), event))? {
        Some(_) => Err(already_registered().into()),
        None => Ok(()),
    }
}

pub(crate) fn load(view: &impl Read, event: EventId, id: TicketId) -> Result<Ticket, Error> {
    view.get::<Ticket>(&(event, id))?.ok_or_else(|| Refusal::missing("registration").into())
}

/// Keeps a changed ticket with its audit line. Where it is counted as checked in, the counts follow its type and group.
pub(crate) fn change(work: &mut Work<'_, '_>, ticket: &Ticket, action: &str, before: &str) -> Result<(), Error> {
    archive::check_open(work.read(), ticket.event)?;
    let old = load(work.read(), ticket.event, ticket.id)?;
    checkin::follow(work, &old, ticket)?;
    if !ticket.state.holds_place() {
        talk::release(work, ticket.event, ticket.id)?;
    }
    work.put(ticket)?;
    work.audit(action, subject(ticket), before, &summary(ticket))
}

/// Adds a person by hand (S0-44).
pub async fn add(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    kind: TicketTypeId,
    group: &str,
    input: &TicketInput,
) -> Result<Ticket, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let form = ctx.read(&permit, |view| event::load(view, event))?;
    let details = check_ticket(input, &form.fields, Filler::Secretariat).map_err(Refusal::invalid)?;
    let group = checked_group(group)?;
    let codes = Codes::draw(ctx);
    let answers = keep_answers(ctx, &form.fields, &codes.link, &details.answers)?;
    ctx.write(&permit, move |work| {
        let kind = ticket_type::load(work.read(), event, kind)?;
        let group = named_group(work, event, &group)?;
        let source = Source::Secretariat;
        let (state, order) = (TicketState::Active, None);
        take(
            work,
            &NewTicket {
                id: None,
                kind: &kind,
                details: &details,
                answers: &answers,
                group,
                source,
                codes: &codes,
                state,
                order,
            },
        )
    })
    .await
}

fn checked_group(name: &str) -> Result<String, Error> {
    let mut form = domain::text::Form::default();
    let name = form.optional("group", name, 40);
    Ok(form.done(name)?)
}

fn named_group(work: &mut Work<'_, '_>, event: EventId, name: &str) -> Result<Option<GroupId>, Error> {
    if name.is_empty() { Ok(None) } else { Ok(Some(event::group_named(work, event, name)?)) }
}

/// What the form of a kept registration holds.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The revision it was opened at.
    pub revision: u32,
    /// Ticket type.
    pub kind: TicketTypeId,
    /// Name of the group; empty for none.
    pub group: String,
    /// The person.
    pub input: TicketInput,
}

/// Changes a registration (S0-38). An empty sensitive answer keeps the one that is there.
pub async fn edit(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId, edit: &Edit) -> Result<Ticket, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let (form, ticket) = ctx.read(&permit, |view| Ok((event::load(view, event)?, load(view, event, id)?)))?;
    let details = check_ticket(&edit.input, &form.fields, Filler::Secretariat).map_err(Refusal::invalid)?;
    let group = checked_group(&edit.group)?;
    let answers = keep_answers(ctx, &form.fields, &ticket.link, &details.answers)?;
    let (revision, kind) = (edit.revision, edit.kind);
    ctx.write(&permit, move |work| {
        let mut ticket = load(work.read(), event, id)?;
        event::check_revision(ticket.revision, revision)?;
        let before = summary(&ticket);
        if ticket.kind != kind {
            let kind = ticket_type::load(work.read(), event, kind)?;
            let moves = ticket.state.holds_place();
            if moves {
                ticket_type::check_room(work.read(), &kind)?;
            }
            ticket.kind = kind.id;
        }
        if ticket.phone != details.phone {
            if ticket.state.holds_place() {
                check_phone_free(work.read(), event, details.phone.as_deref())?;
            }
            ticket.person = person_of(work, &details)?;
        }
        ticket.group = named_group(work, event, &group)?;
        let had = if ticket.state.holds_place() { ticket.answers.as_slice() } else { &[] };
        check_choices(work.read(), event, had, &answers)?;
        fill(&mut ticket, &details, &answers);
        ticket.revision += 1;
        change(work, &ticket, "registration.edit", &before)?;
        Ok(ticket)
    })
    .await
}

/// Puts the details in; sealed answers that were not typed anew stay.
pub(crate) fn fill(ticket: &mut Ticket, details: &TicketDetails, answers: &[Answer]) {
    ticket.name.clone_from(&details.name);
    ticket.phone.clone_from(&details.phone);
    ticket.company.clone_from(&details.company);
    ticket.seat.clone_from(&details.seat);
    ticket.note.clone_from(&details.note);
    ticket.door_note.clone_from(&details.door_note);
    let mut kept: Vec<Answer> = answers.to_vec();
    for old in &ticket.answers {
        // What a form cannot show again stays unless it is given anew.
        let unshown = matches!(old.value, AnswerValue::Sealed(_) | AnswerValue::File(_));
        if unshown && !kept.iter().any(|answer| answer.field == old.field) {
            kept.push(old.clone());
        }
    }
    ticket.answers = kept;
}

/// Gives a place up.
pub async fn cancel(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let mut ticket = load(work.read(), event, id)?;
        check_cancel(&ticket, checkin::is_admitted_anywhere(work, event, id)?)?;
        let before = summary(&ticket);
        ticket.state = TicketState::Canceled;
        ticket.revision += 1;
        change(work, &ticket, "registration.cancel", &before)?;
        order::left(work, &ticket)
    })
    .await
}

/// Lets a canceled registration stand again, when there is room.
pub async fn restore(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let mut ticket = load(work.read(), event, id)?;
        check_restore(&ticket)?;
        let state = order::back(work, &ticket)?;
        let kind = ticket_type::load(work.read(), event, ticket.kind)?;
        ticket_type::check_room(work.read(), &kind)?;
        check_phone_free(work.read(), event, ticket.phone.as_deref())?;
        check_choices(work.read(), event, &[], &ticket.answers)?;
        let before = summary(&ticket);
        ticket.state = state;
        ticket.revision += 1;
        change(work, &ticket, "registration.restore", &before)
    })
    .await
}

/// Shuts a ticket out at the door, or takes that back; the place stays its holder's.
pub async fn block(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId, blocked: bool) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let mut ticket = load(work.read(), event, id)?;
        let before = summary(&ticket);
        ticket.state = check_block(&ticket, blocked)?;
        ticket.revision += 1;
        change(work, &ticket, if blocked { "registration.block" } else { "registration.unblock" }, &before)
    })
    .await
}

/// What is done to many registrations at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bulk {
    /// Cancel.
    Cancel,
    /// Let stand again.
    Restore,
    /// Shut out at the door.
    Block,
    /// Let in again.
    Unblock,
    /// Put into the group of that name; empty takes them out of theirs.
    Group(String),
    /// Mark as checked in.
    Mark,
    /// Mark as not checked in.
    Unmark,
    /// Tell them their attend code.
    Attend,
}

/// Most registrations of one bulk act.
pub const BULK_MAX: usize = 1_000;

/// Does it one by one; answers how many went through and the refusals of the others.
pub async fn bulk(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    ids: &[TicketId],
    act: &Bulk,
) -> Result<(usize, Vec<(TicketId, Refusal)>), Error> {
    if ids.len() > BULK_MAX {
        return Err(refuse!(
            Invalid,
            "registration.too_many",
            "Choose at most {max} registrations at a time.",
            max = BULK_MAX
        )
        .into());
    }
    let (mut done, mut refused) = (0, Vec::new());
    for id in ids {
        let outcome = match act {
            Bulk::Cancel => cancel(ctx, actor, event, *id).await,
            Bulk::Restore => restore(ctx, actor, event, *id).await,
            Bulk::Block => block(ctx, actor, event, *id, true).await,
            Bulk::Unblock => block(ctx, actor, event, *id, false).await,
            Bulk::Group(name) => set_group(ctx, actor, event, *id, name).await,
            Bulk::Mark => checkin::mark(ctx, actor, event, *id, true).await,
            Bulk::Unmark => checkin::mark(ctx, actor, event, *id, false).await,
            Bulk::Attend => crate::notice::attend_code_by_hand(ctx, actor, event, *id).await,
        };
        match outcome {
            Ok(()) => done += 1,
            Err(Error::Refused(refusal)) if refusal.kind == domain::Kind::Denied => return Err(refusal.into()),
            Err(Error::Refused(refusal)) => refused.push((*id, refusal)),
            Err(error) => return Err(error),
        }
    }
    Ok((done, refused))
}

async fn set_group(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId, name: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let name = checked_group(name)?;
    ctx.write(&permit, move |work| {
        let mut ticket = load(work.read(), event, id)?;
        let before = summary(&ticket);
        ticket.group = named_group(work, event, &name)?;
        ticket.revision += 1;
        change(work, &ticket, "registration.edit", &before)
    })
    .await
}

/// Rows of one page of a list.
pub const PAGE: usize = 50;

/// A page of the event's registrations: the rows and how many the filter found. Phones are masked unless the actor may see them.
pub fn list(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    filter: &Filter,
    page: usize,
) -> Result<(Vec<(Ticket, Standing)>, usize), Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    let presence = checkin::presence(ctx, permit.space, event)?;
    let ids = selected(ctx, &permit, event, &filter.seen_by(ctx, actor, event))?;
    ctx.read(&permit, |view| {
        let shown = ids.iter().skip(page.saturating_mul(PAGE)).take(PAGE);
        let row =
            |id: &TicketId| Ok::<_, Error>((load(view, event, *id)?, presence.look(|presence| presence.at_main(*id))?));
        Ok((shown.map(row).collect::<Result<Vec<_>, _>>()?, ids.len()))
    })
}

/// The numbers of all registrations that a filter finds, in its order.
pub(crate) fn selected(ctx: &Ctx, permit: &Permit, event: EventId, filter: &Filter) -> Result<Vec<TicketId>, Error> {
    let presence = checkin::presence(ctx, permit.space, event)?;
    let entered = |ticket| {
        let standing = presence.look(|presence| presence.at_main(ticket)).ok()?;
        Some(standing.first()?.at)
    };
    let query = match filter.text.trim() {
        "" => domain::query::Query::default(),
        text => domain::query::parse(text, &ctx.zone(permit.space)?)?,
    };
    let names = if query.is_empty() { Names::default() } else { ctx.read(permit, |view| Names::read(view, event))? };
    let of = (filter, &query, &names);
    ctx.memory.rosters.select(|| ctx.store().view().space(permit.space), permit.space, event, of, &entered)
}

/// Whether the actor sees phone numbers and identity cards of the event in full.
pub fn sees_all(ctx: &Ctx, actor: &Actor, event: EventId) -> bool {
    ctx.permit(actor, Permission::PersonSensitive, At::Event(event)).is_ok()
}

/// One registration for the secretariat.
pub fn get(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId) -> Result<Ticket, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    ctx.read(&permit, |view| load(view, event, id))
}

/// A ticket as its holder sees it.
#[derive(Debug, Clone)]
pub struct TicketPage {
    /// The ticket.
    pub ticket: Ticket,
    /// Its event.
    pub event: Event,
    /// Its type.
    pub kind: TicketType,
    /// Name of its group.
    pub group: Option<String>,
    /// Where it stands at the door.
    pub standing: Standing,
    /// Link of the order that it came with.
    pub order: Option<String>,
    /// Its holder may pass it on.
    pub may_transfer: bool,
    /// What was said to its holder.
    pub notices: Vec<domain::Notice>,
}

/// The ticket behind a link; whoever has the link holds the ticket.
pub fn by_link(ctx: &Ctx, space: SpaceId, link: &str) -> Result<TicketPage, Error> {
    let missing = || Refusal::missing("ticket");
    let link = token::read_link(link).ok_or_else(missing)?;
    ctx.read(&ctx.own(space), |view| {
        let ticket = view.find::<Ticket, _>(&TICKET_BY_LINK, &link)?.ok_or_else(missing)?;
        page(ctx, view, ticket)
    })
}

fn page(ctx: &Ctx, view: &impl Read, ticket: Ticket) -> Result<TicketPage, Error> {
    let event = event::load(view, ticket.event)?;
    let kind = ticket_type::load(view, ticket.event, ticket.kind)?;
    let group = match ticket.group {
        Some(group) => view.get::<domain::Group>(&(ticket.event, group))?.map(|group| group.name),
        None => None,
    };
    let standing = checkin::standing(ctx, view.space_id(), ticket.event, ticket.id)?;
    let order = match ticket.order {
        Some(id) => Some(token::link(&order::load(view, ticket.event, id)?.link)),
        None => None,
    };
    let stands = ticket.state == TicketState::Active && !standing.is_admitted();
    let may_transfer = stands && order::may_transfer(view, &event, ctx.now())?;
    let notices = notice::about(view, domain::notice::About::Ticket(ticket.event, ticket.id))?;
    Ok(TicketPage { ticket, event, kind, group, standing, order, may_transfer, notices })
}

/// The ticket as a page for the secretariat, for printing.
pub fn ticket_page(ctx: &Ctx, actor: &Actor, event: EventId, id: TicketId) -> Result<TicketPage, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    ctx.read(&permit, |view| page(ctx, view, load(view, event, id)?))
}

/// Finds a ticket by phone number and attend code and marks it collected (S0-47); returns its link.
pub async fn find(ctx: &Ctx, actor: &Actor, typed_phone: &str, attend: &str, address: &str) -> Result<String, Error> {
    let attend: String = attend.chars().map(domain::text::half_width).filter(|c| c.is_ascii_digit()).take(16).collect();
    let mut problems = Vec::new();
    let phone = phone::normalise(typed_phone);
    if phone.is_none() {
        problems
            .push(domain::problem!("phone", "This is not a phone number. Give 11 digits, or + and the country code."));
    }
    if attend.len() != code::ATTEND_DIGITS {
        problems.push(domain::problem!("attend", "The attend code has {digits} digits.", digits = code::ATTEND_DIGITS));
    }
    Refusal::unless_clean(problems)?;
    let phone = phone.unwrap_or_default();
    let keys = [format!("find {} {phone}", actor.space), format!("find from {address}")];
    ctx.limiter.check(&keys, ctx.now())?;
    let permit = ctx.public(actor);
    let found = ctx.read(&permit, |view| with_code(view, &phone, &attend))?;
    let Some(found) = found else {
        ctx.limiter.fail(&keys, ctx.now());
        return Err(refuse!(
            Missing,
            "ticket.not_found",
            "No ticket has this phone number and attend code. Check both, or ask the secretariat."
        )
        .into());
    };
    for key in &keys {
        ctx.limiter.clear(key);
    }
    if !found.collected {
        collect(ctx, &permit, &found).await?;
    }
    Ok(token::link(&found.link))
}

fn with_code(view: &impl Read, phone: &str, attend: &str) -> Result<Option<Ticket>, Error> {
    let mut found = None;
    for key in view.scan_unique(&TICKET_BY_PHONE, &phone.to_owned(), None, Order::Descending) {
        let Some(ticket) = view.get::<Ticket>(&key?)? else { continue };
        if bool::from(ticket.attend.as_bytes().ct_eq(attend.as_bytes())) {
            found = Some(ticket);
        }
    }
    Ok(found)
}

async fn collect(ctx: &Ctx, permit: &Permit, found: &Ticket) -> Result<(), Error> {
    let (event, id) = (found.event, found.id);
    ctx.write(permit, move |work| {
        let mut ticket = load(work.read(), event, id)?;
        if ticket.collected {
            return Ok(());
        }
        ticket.collected = true;
        change(work, &ticket, "registration.collect", "uncollected")
    })
    .await
}

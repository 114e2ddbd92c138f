//! Events from draft to withdrawal, their questions, groups and check-in time (S0-8 … S0-18, S0-27, S0-32, S0-51).

use crate::{
    Actor, At, Ctx, Error, Work, order, quota, reminder,
    row::{self, Row},
    ticket_type,
};
use domain::{
    Event, EventId, Group, GroupId, Permission, PictureId, Refusal, Space, SpaceId, Window,
    event::{
        COVER_TEMPLATES, Cover, EventDetails, EventInput, EventState, GROUPS_MAX, Venue, check_checkin_window,
        check_event, check_fields, check_publish, window,
    },
    field::Field,
    permission::Place,
    problem,
    query::Query,
    refuse,
    text::Form,
    ticket_type::TicketTypeDetails,
};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use store::catalogue::{EVENT_BY_START, TICKETS};
use store::{Order, Read};

/// The zone of a space.
pub fn zone(ctx: &Ctx, space: SpaceId) -> Result<TimeZone, Error> {
    let kept = ctx.store().view().space(SpaceId::BOX).get::<Space>(&space)?;
    let kept = kept.ok_or_else(|| Refusal::missing("association"))?;
    domain::time::zone(&kept.zone).ok_or_else(|| Error::Internal(format!("unknown zone {}", kept.zone)))
}

/// An event as the list shows it.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// The event.
    pub event: Event,
    /// Places taken.
    pub registered: i64,
    /// People checked in.
    pub admitted: i64,
}

/// Which events a list shows.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// A query over name, place and date.
    pub text: String,
    /// Only those in this state.
    pub state: Option<EventState>,
    /// Only those of this category.
    pub category: Option<domain::CategoryId>,
    /// Page, from 0.
    pub page: usize,
}

/// Rows of one page.
pub const PAGE: usize = 50;

/// The events that the actor may see, latest start first, with how many there are.
pub fn list(ctx: &Ctx, actor: &Actor, filter: &EventFilter) -> Result<(Vec<EventRow>, usize), Error> {
    let permit = ctx.permit_somewhere(actor, Permission::EventView)?;
    let query = row::read(ctx, permit.space, &filter.text)?;
    ctx.read(&permit, |view| {
        let (mut rows, mut found) = (Vec::new(), 0);
        for key in view.scan_index(&EVENT_BY_START, &(), None, Order::Descending) {
            let Some(event) = view.get::<Event>(&key?)? else { continue };
            let fits = filter.state.is_none_or(|state| state == event.state) && matches(&query, &event);
            let fits = fits && filter.category.is_none_or(|category| crate::category::holds(view, category, event.id));
            if !fits || !actor.covers(Permission::EventView, &place(&event)) {
                continue;
            }
            if (filter.page * PAGE..(filter.page + 1) * PAGE).contains(&found) {
                rows.push(row(view, event)?);
            }
            found += 1;
        }
        Ok((rows, found))
    })
}

/// Whether a query of the list finds an event: words in its name or place, dates at its beginning.
fn matches(query: &Query, event: &Event) -> bool {
    let venue = event.venue.line();
    let row = Row {
        name: &event.name,
        event: (&event.name, event.id.0),
        words: &[&venue],
        region: &venue,
        kinds: &["event", "会议", "活动"],
        at: Some(event.time.from),
        ..Row::default()
    };
    row.fits(query)
}

pub(crate) fn row(view: &impl Read, event: Event) -> Result<EventRow, Error> {
    let registered = view.count(&TICKETS, &(event.id, domain::TicketState::Active as u8))?;
    let admitted = view.count(&store::catalogue::ENTERED, &(event.id, domain::ListId::MAIN))?;
    Ok(EventRow { event, registered, admitted })
}

pub(crate) fn place(event: &Event) -> Place {
    Place { event: Some(event.id), department: event.department, owner: Some(event.owner) }
}

/// One event for the secretariat.
pub fn get(ctx: &Ctx, actor: &Actor, id: EventId) -> Result<EventRow, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(id))?;
    ctx.read(&permit, |view| row(view, load(view, id)?))
}

pub(crate) fn load(view: &impl Read, id: EventId) -> Result<Event, Error> {
    view.get::<Event>(&id)?.ok_or_else(|| Refusal::missing("event").into())
}

/// The published events for visitors: those that are not over, the next one first.
pub fn public_list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Event>, Error> {
    let now = ctx.now();
    ctx.read(&ctx.public(actor), |view| {
        let mut events = Vec::new();
        for key in view.scan_index(&EVENT_BY_START, &(), None, Order::Descending).take(500) {
            let event = load(view, key?)?;
            if event.state == EventState::Published && now < event.time.to {
                events.push(event);
            }
        }
        events.reverse();
        Ok(events)
    })
}

/// Most districts that are suggested.
const DISTRICTS_MAX: usize = 500;

/// The districts that were typed for events, each with its city, for whoever makes events anywhere (S0-14).
pub fn districts(ctx: &Ctx, actor: &Actor) -> Result<Vec<(String, String)>, Error> {
    let permit = ctx.permit_somewhere(actor, Permission::EventManage)?;
    ctx.read(&permit, |view| {
        let mut found = BTreeSet::new();
        for kept in view.scan::<Event>(&(), None, Order::Descending) {
            let Venue { city, district, .. } = kept?.1.venue;
            if !city.is_empty() && !district.is_empty() {
                found.insert((city, district));
            }
            if found.len() >= DISTRICTS_MAX {
                break;
            }
        }
        Ok(found.into_iter().collect())
    })
}

/// One event for visitors; drafts do not exist for them.
pub fn public_get(ctx: &Ctx, actor: &Actor, id: EventId) -> Result<Event, Error> {
    ctx.read(&ctx.public(actor), |view| {
        let event = load(view, id)?;
        if event.state == EventState::Draft {
            return Err(Refusal::missing("event").into());
        }
        Ok(event)
    })
}

/// What belongs to an event beside its form: pictures chosen there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pictures {
    /// Picture in the list and on top of the invitation.
    pub cover: Cover,
    /// Picture that opens first.
    pub main: Option<Cover>,
}

fn check_cover(view: &impl Read, field: &'static str, cover: &Cover) -> Result<(), Error> {
    let there = match cover {
        Cover::Template(number) => *number < COVER_TEMPLATES,
        Cover::Picture(id) => view.get::<domain::Picture>(&PictureId(id.0))?.is_some(),
    };
    if there { Ok(()) } else { Err(Refusal::invalid(vec![problem!(field, "This picture does not exist.")]).into()) }
}

fn check_pictures(view: &impl Read, pictures: &Pictures) -> Result<(), Error> {
    check_cover(view, "cover", &pictures.cover)?;
    pictures.main.as_ref().map_or(Ok(()), |main| check_cover(view, "main", main))
}

/// Creates a draft with one free ticket type (S0-18). An event of a department needs the permission there.
pub async fn create(
    ctx: &Ctx,
    actor: &Actor,
    input: &EventInput,
    pictures: &Pictures,
    department: Option<domain::DepartmentId>,
    free_ticket: &str,
) -> Result<EventId, Error> {
    let permit = ctx.permit_somewhere(actor, Permission::EventManage)?;
    let owner = permit.account.ok_or_else(Refusal::denied)?;
    if !actor.covers(Permission::EventManage, &Place { event: None, department, owner: Some(owner) }) {
        return Err(Refusal::denied().into());
    }
    let details = check_event(input, &zone(ctx, actor.space)?)?;
    let (pictures, free_ticket) = (pictures.clone(), free_ticket.to_owned());
    ctx.write(&permit, move |work| {
        check_pictures(work.read(), &pictures)?;
        if let Some(department) = department {
            work.read().get::<domain::Department>(&department)?.ok_or_else(|| Refusal::missing("department"))?;
        }
        let event = Event {
            id: EventId(work.next_id::<Event>()?),
            name: details.name.clone(),
            time: details.time,
            venue: details.venue.clone(),
            cover: pictures.cover.clone(),
            main: pictures.main.clone(),
            intro: details.intro.clone(),
            notice: details.notice.clone(),
            state: EventState::Draft,
            checkin: None,
            fields: Vec::new(),
            next_field: 1,
            department,
            owner,
            created_at: work.now,
            revision: 0,
        };
        work.insert(&event)?;
        work.audit("event.create", format!("event/{}", event.id), "", &event.name)?;
        ticket_type::insert(work, event.id, &TicketTypeDetails::free(&free_ticket))?;
        Ok(event.id)
    })
    .await
}

/// Refuses what was opened before somebody else changed it.
pub(crate) fn check_revision(now: u32, opened: u32) -> Result<(), Error> {
    if now == opened { Ok(()) } else { Err(stale()) }
}

pub(crate) fn stale() -> Error {
    refuse!(
        Conflict,
        "record.changed",
        "Somebody else changed this meanwhile. Your input is still here: look at the current state and save again."
    )
    .into()
}

/// Saves the form of an event that was opened at `revision`.
pub async fn save(
    ctx: &Ctx,
    actor: &Actor,
    id: EventId,
    revision: u32,
    input: &EventInput,
    pictures: &Pictures,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(id))?;
    let details = check_event(input, &zone(ctx, actor.space)?)?;
    let pictures = pictures.clone();
    ctx.write(&permit, move |work| {
        let mut event = load(work.read(), id)?;
        check_revision(event.revision, revision)?;
        check_pictures(work.read(), &pictures)?;
        let before = summary(&event);
        apply(&mut event, &details, &pictures);
        let problems = event.checkin.map_or(Vec::new(), |window| check_checkin_window(&event, &window));
        if !problems.is_empty() {
            let problem = problem!("ends", "The check-in time lies after this end. Change the check-in time first.");
            return Err(Refusal::invalid(vec![problem]).into());
        }
        change(work, event, "event.save", &before)
    })
    .await
}

fn apply(event: &mut Event, details: &EventDetails, pictures: &Pictures) {
    event.name.clone_from(&details.name);
    event.time = details.time;
    event.venue.clone_from(&details.venue);
    event.intro.clone_from(&details.intro);
    event.notice.clone_from(&details.notice);
    event.cover.clone_from(&pictures.cover);
    event.main.clone_from(&pictures.main);
}

fn summary(event: &Event) -> String {
    format!(
        "{} | {}–{} | {} | {}",
        event.name,
        event.time.from.0,
        event.time.to.0,
        event.venue.line(),
        event.state.code()
    )
}

/// Keeps a changed event with its audit line.
fn change(work: &mut Work<'_, '_>, mut event: Event, action: &str, before: &str) -> Result<(), Error> {
    event.revision += 1;
    work.put(&event)?;
    work.audit(action, format!("event/{}", event.id), before, &summary(&event))
}

/// Sets the check-in time (S0-51) from local texts.
pub async fn set_checkin(ctx: &Ctx, actor: &Actor, id: EventId, from: &str, to: &str) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(id))?;
    let mut form = Form::default();
    let read = window(&mut form, ("checkin_from", from), ("checkin_to", to), &zone(ctx, actor.space)?);
    form.done(())?;
    let read = read.ok_or_else(|| Error::Internal("a window without a problem and without a value".into()))?;
    ctx.write(&permit, move |work| {
        let mut event = load(work.read(), id)?;
        Refusal::unless_clean(check_checkin_window(&event, &read))?;
        let text = |window: Option<Window>| window.map_or(String::new(), |w| format!("{}–{}", w.from.0, w.to.0));
        let before = text(event.checkin);
        event.checkin = Some(read);
        event.revision += 1;
        work.put(&event)?;
        work.audit("event.checkin_time", format!("event/{id}"), &before, &text(event.checkin))
    })
    .await
}

/// Saves the questions of the registration form. New questions carry id 0 and get their number here; the number of a
/// deleted question is never given again, so old answers cannot slip under another question.
pub async fn save_fields(
    ctx: &Ctx,
    actor: &Actor,
    id: EventId,
    revision: u32,
    fields: Vec<Field>,
) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(id))?;
    check_fields(&fields)?;
    ctx.write(&permit, move |work| {
        let mut event = load(work.read(), id)?;
        check_revision(event.revision, revision)?;
        let before = labels(&event.fields);
        let mut numbered: Vec<Field> = Vec::with_capacity(fields.len());
        for field in &fields {
            let mut field = field.clone();
            // The question that this one waits for stands before it, and may just have got another number.
            if let Some(shown) = &mut field.shown {
                let at = fields.iter().position(|other| other.id == shown.field);
                shown.field = at.and_then(|at| numbered.get(at)).map_or(shown.field, |earlier| earlier.id);
            }
            let kept = event.fields.iter().any(|kept| kept.id == field.id && kept.kind == field.kind);
            if !kept {
                field.id = event.next_field;
                event.next_field =
                    event.next_field.checked_add(1).ok_or_else(|| Error::Internal("too many questions".into()))?;
            }
            numbered.push(field);
        }
        event.fields = numbered;
        event.revision += 1;
        work.put(&event)?;
        work.audit("event.questions", format!("event/{id}"), &before, &labels(&event.fields))
    })
    .await
}

fn labels(fields: &[Field]) -> String {
    fields.iter().map(|field| field.label.as_str()).collect::<Vec<_>>().join(", ")
}

/// Copies an event with ticket types, questions and groups, without its people.
pub async fn copy(ctx: &Ctx, actor: &Actor, id: EventId, name: &str) -> Result<EventId, Error> {
    ctx.permit(actor, Permission::EventManage, At::Event(id))?;
    let permit = ctx.permit_somewhere(actor, Permission::EventManage)?;
    let owner = permit.account.ok_or_else(Refusal::denied)?;
    let mut form = Form::default();
    let name = form.required("name", name, domain::event::EVENT_NAME_MAX);
    form.done(())?;
    ctx.write(&permit, move |work| {
        let original = load(work.read(), id)?;
        let new = EventId(work.next_id::<Event>()?);
        let copied = domain::event::copy(&original, new, name.clone(), owner, work.now);
        let shift = copied.time.from.since(original.time.from);
        work.insert(&copied)?;
        let mut kinds = std::collections::BTreeMap::new();
        for kind in ticket_type::of_event(work.read(), id)? {
            kinds.insert(kind.id, ticket_type::insert(work, new, &kind.details(shift))?);
        }
        quota::copy(work, id, new, &kinds)?;
        crate::member::copy(work, id, new, &kinds)?;
        order::copy_sale(work, id, new)?;
        reminder::copy(work, id, new)?;
        for group in groups_of(work.read(), id)? {
            let number = GroupId(work.next_id::<Group>()?);
            work.insert(&Group { id: number, event: new, name: group.name })?;
        }
        copy_rest(work, id, new, shift)?;
        work.audit("event.copy", format!("event/{new}"), &format!("event/{id}"), &copied.name)?;
        Ok(new)
    })
    .await
}

/// Copies what other features keep of an event.
fn copy_rest(work: &mut Work<'_, '_>, from: EventId, to: EventId, shift: i64) -> Result<(), Error> {
    crate::category::copy(work, from, to)?;
    crate::event_view::copy(work, from, to)?;
    crate::seat::copy(work, from, to)?;
    crate::feedback::copy(work, from, to, shift)?;
    crate::series::copy(work, from, to)?;
    crate::talk::copy(work, from, to, shift)?;
    crate::design::copy_all(work, from, to)?;
    crate::place::copy(work, from, to)
}

/// Publishes an event (S0-32).
pub async fn publish(ctx: &Ctx, actor: &Actor, id: EventId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(id))?;
    ctx.write(&permit, move |work| {
        let mut event = load(work.read(), id)?;
        let offered = ticket_type::of_event(work.read(), id)?.iter().filter(|kind| kind.enabled).count();
        check_publish(&event, offered, work.now)?;
        let before = summary(&event);
        event.state = EventState::Published;
        change(work, event, "event.publish", &before)
    })
    .await
}

/// Withdraws a published event: visitors see that it does not take place, tickets stay, nobody is admitted.
pub async fn withdraw(ctx: &Ctx, actor: &Actor, id: EventId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(id))?;
    ctx.write(&permit, move |work| {
        let mut event = load(work.read(), id)?;
        if event.state != EventState::Published {
            return Err(refuse!(Conflict, "event.not_published", "This event is not published.").into());
        }
        let before = summary(&event);
        event.state = EventState::Withdrawn;
        change(work, event, "event.withdraw", &before)
    })
    .await
}

pub(crate) fn groups_of(view: &impl Read, event: EventId) -> Result<Vec<Group>, Error> {
    view.scan::<Group>(&event, None, Order::Ascending).map(|kept| Ok(kept?.1)).collect()
}

/// The groups of an event.
pub fn groups(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Vec<Group>, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(event))?;
    ctx.read(&permit, |view| groups_of(view, event))
}

/// The group of that name, made when it is not there.
pub(crate) fn group_named(work: &mut Work<'_, '_>, event: EventId, name: &str) -> Result<GroupId, Error> {
    let groups = groups_of(work.read(), event)?;
    if let Some(group) = groups.iter().find(|group| group.name == name) {
        return Ok(group.id);
    }
    if groups.len() >= GROUPS_MAX {
        return Err(
            refuse!(Conflict, "group.too_many", "An event can have at most {max} groups.", max = GROUPS_MAX).into()
        );
    }
    let group = Group { id: GroupId(work.next_id::<Group>()?), event, name: name.to_owned() };
    work.insert(&group)?;
    work.audit("group.create", format!("event/{event}"), "", name)?;
    Ok(group.id)
}

/// Adds a group.
pub async fn add_group(ctx: &Ctx, actor: &Actor, event: EventId, name: &str) -> Result<GroupId, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationManage, At::Event(event))?;
    let mut form = Form::default();
    let name = form.required("group", name, 40);
    form.done(())?;
    ctx.write(&permit, move |work| group_named(work, event, &name)).await
}

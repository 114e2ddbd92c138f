//! Check-in lists and gates of an event: making, changing, removing; and trying rules out without a scan.

use super::{list_in, presence};
use crate::{Actor, At, Ctx, Error, Permit, Work, actor::event_facts, event, ticket_type};
use domain::{
    CheckinList, Device, Event, EventId, Gate, GateId, Group, GroupId, ListId, Permission, Refusal, Ticket, TicketId,
    TicketType, TicketTypeId, Time,
    checkin::{
        Attempt, Decision, Direction, DoorAnswers, GATES_MAX, LISTS_MAX, ListInput, Moment, NAME_MAX, Pass, Standing,
        Test, check_list, decide,
    },
    code::{self, Scanned},
    device::Post,
    problem, refuse,
    text::Form,
};
use store::catalogue::{DEVICE_BY_EVENT, TICKET_BY_ATTEND, TICKET_BY_NUMBER};
use store::{Order, Read};

/// Everything that lists, gates and rules of an event speak of.
#[derive(Debug, Clone)]
pub struct Doors {
    /// The event.
    pub event: Event,
    /// Its lists, the main one first.
    pub lists: Vec<CheckinList>,
    /// Its gates by name.
    pub gates: Vec<Gate>,
    /// Its ticket types.
    pub kinds: Vec<TicketType>,
    /// Its groups.
    pub groups: Vec<Group>,
}

impl Doors {
    /// A list by its number.
    pub fn list(&self, id: ListId) -> Option<&CheckinList> {
        self.lists.iter().find(|list| list.id == id)
    }

    /// Name of a gate; empty when there is none of that number.
    pub fn gate(&self, id: GateId) -> &str {
        self.gates.iter().find(|gate| gate.id == id).map_or("", |gate| &gate.name)
    }

    /// Name of a ticket type; empty when there is none of that number.
    pub fn kind(&self, id: TicketTypeId) -> &str {
        self.kinds.iter().find(|kind| kind.id == id).map_or("", |kind| &kind.name)
    }

    /// Name of a group; empty for none.
    pub fn group(&self, id: Option<GroupId>) -> &str {
        self.groups.iter().find(|group| Some(group.id) == id).map_or("", |group| &group.name)
    }
}

/// Whoever sees the event or scans there.
pub(super) fn may_look(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Permit, Error> {
    ctx.permit(actor, Permission::EventView, At::Event(event))
        .or_else(|_| ctx.permit(actor, Permission::CheckinScan, At::Event(event)))
}

/// Lists, gates, types and groups of an event, for whoever scans or looks at it.
pub fn doors(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<Doors, Error> {
    let permit = may_look(ctx, actor, event)?;
    ctx.read(&permit, |view| doors_in(view, event))
}

pub(super) fn doors_in(view: &impl Read, id: EventId) -> Result<Doors, Error> {
    Ok(Doors {
        event: event::load(view, id)?,
        lists: lists_in(view, id)?,
        gates: gates_in(view, id)?,
        kinds: ticket_type::of_event(view, id)?,
        groups: event::groups_of(view, id)?,
    })
}

pub(crate) fn lists_in(view: &impl Read, event: EventId) -> Result<Vec<CheckinList>, Error> {
    let mut lists = vec![list_in(view, event, ListId::MAIN)?];
    for kept in view.scan::<CheckinList>(&event, None, Order::Ascending) {
        let (_, list) = kept?;
        if list.id != ListId::MAIN {
            lists.push(list);
        }
    }
    Ok(lists)
}

fn gates_in(view: &impl Read, event: EventId) -> Result<Vec<Gate>, Error> {
    let kept = view.scan::<Gate>(&event, None, Order::Ascending);
    let mut gates = kept.map(|kept| Ok(kept?.1)).collect::<Result<Vec<Gate>, Error>>()?;
    gates.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(gates)
}

/// Makes a list, or changes the one of number `id` if it is still at that revision.
pub async fn save_list(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    id: Option<(ListId, u32)>,
    input: &ListInput,
) -> Result<ListId, Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let (zone, input) = (ctx.zone(permit.space)?, input.clone());
    ctx.write(&permit, move |work| {
        let doors = doors_in(work.read(), event)?;
        let old = match id {
            Some((id, revision)) => {
                let old = doors.list(id).cloned().ok_or_else(|| Refusal::missing("check-in list"))?;
                event::check_revision(old.revision, revision)?;
                old
            }
            None => {
                if doors.lists.len() > LISTS_MAX {
                    return Err(refuse!(
                        Conflict,
                        "checkin.too_many_lists",
                        "An event can have at most {max} more lists.",
                        max = LISTS_MAX
                    )
                    .into());
                }
                CheckinList { id: ListId(work.next_id::<CheckinList>()?), ..CheckinList::main(event) }
            }
        };
        let list = check_list(&input, &old, &zone)?;
        check_names(&list, &doors)?;
        let same = |other: &&CheckinList| other.id != list.id && other.name == list.name && !list.name.is_empty();
        if doors.lists.iter().any(|other| same(&other)) {
            return Err(Refusal::invalid(vec![problem!("name", "Another list has this name already.")]).into());
        }
        work.put(&list)?;
        let before = if id.is_some() { format!("{old:?}") } else { String::new() };
        work.audit("checkin.list", format!("event/{event}/list/{}", list.id), &before, &format!("{list:?}"))?;
        Ok(list.id)
    })
    .await
}

/// What a list names must be there.
fn check_names(list: &CheckinList, doors: &Doors) -> Result<(), Refusal> {
    let kind = |id| doors.kinds.iter().any(|kind| kind.id == id);
    let missing = |test: &Test| match test {
        Test::Kind(_, ids) => !ids.iter().all(|id| kind(*id)),
        Test::Group(_, ids) => !ids.iter().all(|id| doors.groups.iter().any(|group| group.id == *id)),
        Test::Gate(_, ids) => !ids.iter().all(|id| doors.gates.iter().any(|gate| gate.id == *id)),
        _ => false,
    };
    let mut problems = Vec::new();
    if !list.kinds.iter().all(|id| kind(*id)) {
        problems.push(problem!("kinds", "Choose one of the given answers."));
    }
    if list.names(missing) {
        problems.push(problem!("rules", "A condition names something that is not there any more."));
    }
    Refusal::unless_clean(problems)
}

/// Removes a list that was never scanned at and that no terminal stands at. The main list stays.
pub async fn remove_list(ctx: &Ctx, actor: &Actor, event: EventId, id: ListId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        if id == ListId::MAIN {
            return Err(refuse!(Conflict, "checkin.main_list", "The event's first list stays.").into());
        }
        let list = list_in(work.read(), event, id)?;
        let (view, books) = work.books()?;
        let scanned = books.lists((view.space_id(), event))?.contains(&id);
        if scanned || stands(work, event, |post| post.list == id)? {
            return Err(refuse!(
                Conflict,
                "checkin.list_in_use",
                "Terminals stand at this list, or people were scanned there: it stays."
            )
            .into());
        }
        work.remove::<CheckinList>(&(event, id))?;
        work.audit("checkin.list_remove", format!("event/{event}/list/{id}"), &list.name, "")
    })
    .await
}

/// Whether a terminal that was not shut out has such a post.
fn stands(work: &mut Work<'_, '_>, event: EventId, at: impl Fn(&Post) -> bool) -> Result<bool, Error> {
    let view = work.read();
    for key in view.scan_index(&DEVICE_BY_EVENT, &event, None, Order::Ascending) {
        let device = view.get::<Device>(&key?)?;
        if device.is_some_and(|device| device.revoked_at.is_none() && at(&device.post)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes a gate.
pub async fn add_gate(ctx: &Ctx, actor: &Actor, event: EventId, name: &str) -> Result<GateId, Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let mut form = Form::default();
    let name = form.required("gate", name, NAME_MAX);
    form.done(())?;
    ctx.write(&permit, move |work| {
        let gates = gates_in(work.read(), event)?;
        if gates.len() >= GATES_MAX {
            return Err(refuse!(
                Conflict,
                "checkin.too_many_gates",
                "An event can have at most {max} gates.",
                max = GATES_MAX
            )
            .into());
        }
        if gates.iter().any(|gate| gate.name == name) {
            return Err(Refusal::invalid(vec![problem!("gate", "Another gate has this name already.")]).into());
        }
        let gate = Gate { id: GateId(work.next_id::<Gate>()?), event, name: name.clone() };
        work.insert(&gate)?;
        work.audit("checkin.gate", format!("event/{event}/gate/{}", gate.id), "", &gate.name)?;
        Ok(gate.id)
    })
    .await
}

/// Removes a gate at which no terminal stands and that no rule names. What was scanned there keeps its number.
pub async fn remove_gate(ctx: &Ctx, actor: &Actor, event: EventId, id: GateId) -> Result<(), Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    ctx.write(&permit, move |work| {
        let gate = work.read().get::<Gate>(&(event, id))?.ok_or_else(|| Refusal::missing("gate"))?;
        let named = |test: &Test| matches!(test, Test::Gate(_, ids) if ids.contains(&id));
        let ruled = lists_in(work.read(), event)?.iter().any(|list| list.names(named));
        if ruled || stands(work, event, |post| post.gate == Some(id))? {
            return Err(refuse!(
                Conflict,
                "checkin.gate_in_use",
                "A terminal stands at this gate, or a rule names it. Change that first."
            )
            .into());
        }
        work.remove::<Gate>(&(event, id))?;
        work.audit("checkin.gate_remove", format!("event/{event}/gate/{id}"), &gate.name, "")
    })
    .await
}

/// A question of a list with the list's name, and what was answered to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Name of the list; empty for the main one that nobody named.
    pub list: String,
    /// The question.
    pub question: String,
    /// The answer; empty when there is none.
    pub answer: String,
}

/// The questions of all lists with what the holder of a ticket answered at the doors.
pub fn answers(ctx: &Ctx, actor: &Actor, event: EventId, ticket: TicketId) -> Result<Vec<Answered>, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    ctx.read(&permit, |view| answers_in(view, event, &lists_in(view, event)?, ticket))
}

/// As [`answers`], for lists that are at hand.
pub(crate) fn answers_in(
    view: &impl Read,
    event: EventId,
    lists: &[CheckinList],
    ticket: TicketId,
) -> Result<Vec<Answered>, Error> {
    let mut all = Vec::new();
    for list in lists.iter().filter(|list| !list.questions.is_empty()) {
        let kept = view.get::<DoorAnswers>(&(event, list.id, ticket))?.map(|kept| kept.answers).unwrap_or_default();
        for question in &list.questions {
            let answer = kept.iter().find(|(id, _)| *id == question.id).map(|(_, answer)| answer.clone());
            all.push(Answered {
                list: list.name.clone(),
                question: question.label.clone(),
                answer: answer.unwrap_or_default(),
            });
        }
    }
    Ok(all)
}

/// A scan that is only thought of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thought {
    /// Ticket number or attend code; empty: somebody with a ticket of `kind` who was never scanned.
    pub code: String,
    /// When, as local text.
    pub at: String,
    /// At which gate.
    pub gate: Option<GateId>,
    /// Entry or exit.
    pub direction: Direction,
    /// The list as its form stands, saved or not.
    pub list: CheckinList,
}

/// What the door would say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Whose ticket, if there is one.
    pub name: Option<String>,
    /// How often it came in before.
    pub entries: usize,
    /// Verdict and why.
    pub decision: Decision,
}

/// Says what the door would say to a scan, by the rules of a form that need not be saved; nothing is recorded.
pub fn try_out(ctx: &Ctx, actor: &Actor, event: EventId, thought: &Thought) -> Result<Trial, Error> {
    let permit = ctx.permit(actor, Permission::EventManage, At::Event(event))?;
    let zone = ctx.zone(permit.space)?;
    let at = Time::from_local(&thought.at, &zone);
    let at =
        at.ok_or_else(|| Refusal::invalid(vec![problem!("try_at", "Give date and time, such as 2026-11-25 09:00.")]))?;
    ctx.read(&permit, |view| {
        let ticket = match code::read(&thought.code) {
            Scanned::Number(number) => view.find::<Ticket, _>(&TICKET_BY_NUMBER, &number)?,
            Scanned::Attend(attend) => view.find::<Ticket, _>(&TICKET_BY_ATTEND, &(event, attend))?,
            Scanned::Misread | Scanned::Other => None,
        };
        let place = (permit.space, event);
        let held = presence(ctx, place.0, place.1)?;
        let stands = match &ticket {
            Some(ticket) if ticket.event == event => {
                held.look(|presence| presence.standing(thought.list.id, ticket.id))?.unwrap_or_default()
            }
            Some(_) | None => Standing::default(),
        };
        let door = event_facts(view, event)?.ok_or_else(|| Refusal::missing("event"))?.door(thought.list.clone());
        let now = Moment::new(at, &zone);
        let inside = held.look(|presence| presence.inside(thought.list.id, &now, thought.list.exit_hour))?;
        let attempt =
            Attempt { direction: thought.direction, at, gate: thought.gate, answered: &[], inside, force: false };
        let decision = decide(ticket.as_ref().map(Pass::of).as_ref(), &stands, &door, &attempt, &zone);
        let name = ticket.filter(|ticket| ticket.event == event).map(|ticket| ticket.name);
        Ok(Trial { name, entries: stands.times().count(), decision })
    })
}

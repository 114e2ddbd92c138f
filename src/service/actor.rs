//! Who acts, and the check that turns an actor into a [`Permit`]: the only way at records. What nobody granted is denied.

use crate::{Ctx, Error};
use domain::{
    AccountId, By, CheckinList, ClientId, DeviceId, EventId, Permission, PersonId, Refusal, Scope, SpaceId, Time,
    Window,
    checkin::Door,
    device::Post,
    event::EventState,
    permission::{Held, Place},
};
use store::Read;

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Nobody in particular, from a phone page.
    Visitor,
    /// A logged-in member of staff.
    Staff {
        /// The account.
        account: AccountId,
        /// Whose account it is.
        person: PersonId,
        /// Name as colleagues see it.
        name: String,
        /// SHA-256 of the session's token.
        session: [u8; 32],
        /// Who looks through this account's eyes, when it is not its owner.
        seer: Option<Seer>,
    },
    /// A logged-in person who is no staff.
    Person {
        /// Who.
        person: PersonId,
        /// SHA-256 of the session's token.
        session: [u8; 32],
    },
    /// A paired terminal.
    Device {
        /// The device.
        device: DeviceId,
        /// The event it admits people to.
        event: EventId,
        /// Its name.
        name: String,
        /// Where it stands.
        post: Post,
        /// It is an event helper's phone.
        helper: bool,
    },
    /// A program with a secret of its own.
    Client {
        /// The client.
        client: ClientId,
        /// Its name.
        name: String,
        /// The account that it never may more than.
        account: AccountId,
    },
}

/// Whoever sees the pages as another account does. What is done meanwhile is theirs, and nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seer {
    /// Their own account.
    pub account: AccountId,
    /// Their name.
    pub name: String,
}

/// Somebody in a space, with what was granted to them.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The space they act in.
    pub space: SpaceId,
    /// Who they are.
    pub who: Who,
    /// What they hold, department scopes already spread over the tree.
    pub held: Vec<Held>,
}

/// The place a verb asks a permission for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The space as a whole.
    Space,
    /// An event.
    Event(EventId),
}

/// Proof that a permission was checked; opens the records of one space.
#[derive(Debug, Clone)]
pub struct Permit {
    /// The space whose records it opens.
    pub space: SpaceId,
    /// Who holds it, for the audit line.
    pub by: By,
    /// The account behind it, if it is one.
    pub account: Option<AccountId>,
    /// It opens records for reading alone.
    pub reads: bool,
}

impl Actor {
    /// Somebody who is not logged in.
    pub fn visitor(space: SpaceId) -> Self {
        Self { space, who: Who::Visitor, held: Vec::new() }
    }

    /// Whether `permission` was granted at `place`.
    pub fn covers(&self, permission: Permission, place: &Place) -> bool {
        let own = match &self.who {
            Who::Client { account, .. } => Some(*account),
            _ => self.account(),
        };
        self.held.iter().any(|held| held.covers(permission, place, own))
    }

    /// Whether `permission` was granted anywhere; decides what navigation shows.
    pub fn holds(&self, permission: Permission) -> bool {
        self.held.iter().any(|held| held.permission == permission)
    }

    /// Whether `permission` was granted for the whole space.
    pub fn holds_everywhere(&self, permission: Permission) -> bool {
        self.held.iter().any(|held| held.permission == permission && held.scope == Scope::Space)
    }

    /// The account, if it is staff.
    pub fn account(&self) -> Option<AccountId> {
        match &self.who {
            Who::Staff { account, .. } => Some(*account),
            Who::Visitor | Who::Person { .. } | Who::Device { .. } | Who::Client { .. } => None,
        }
    }

    /// The person, if one is logged in who is no staff.
    pub fn person(&self) -> Option<PersonId> {
        match &self.who {
            Who::Person { person, .. } => Some(*person),
            Who::Visitor | Who::Staff { .. } | Who::Device { .. } | Who::Client { .. } => None,
        }
    }

    /// Who, for the audit line.
    pub fn by(&self) -> By {
        match &self.who {
            Who::Visitor => By::Visitor,
            Who::Person { person, .. } => By::Person(*person),
            Who::Staff { account, seer, .. } => By::Account(seer.as_ref().map_or(*account, |seer| seer.account)),
            Who::Device { device, .. } => By::Device(*device),
            Who::Client { client, .. } => By::Client(*client),
        }
    }

    /// Where a terminal stands; the main list's entry, without a gate, for everybody else.
    pub fn post(&self) -> Post {
        match &self.who {
            Who::Device { post, .. } => *post,
            Who::Visitor | Who::Person { .. } | Who::Staff { .. } | Who::Client { .. } => Post::default(),
        }
    }

    /// Whoever looks through somebody else's eyes, if anybody does.
    pub fn seer(&self) -> Option<&Seer> {
        match &self.who {
            Who::Staff { seer, .. } => seer.as_ref(),
            _ => None,
        }
    }

    fn permit(&self) -> Permit {
        Permit { space: self.space, by: self.by(), account: self.account(), reads: self.seer().is_some() }
    }
}

/// What the check and the doors need to know of an event, read in place.
#[derive(Debug)]
pub(crate) struct EventFacts {
    event: EventId,
    pub place: Place,
    state: EventState,
    checkin: Option<Window>,
    ends: Time,
}

impl EventFacts {
    /// The door of one of the event's lists.
    pub(crate) fn door(&self, list: CheckinList) -> Door {
        Door::of(self.event, self.state, self.checkin, self.ends, list)
    }
}

/// Reads an event's facts without unpacking its long texts.
pub(crate) fn event_facts(read: &impl Read, event: EventId) -> Result<Option<EventFacts>, Error> {
    Ok(read.peek::<domain::Event, _>(&event, |kept| {
        let window = |from: i64, to: i64| Window { from: Time(from), to: Time(to) };
        let checkin = kept.checkin.as_ref().map(|w| window(w.from.0.to_native(), w.to.0.to_native()));
        let state = match kept.state {
            domain::event::ArchivedEventState::Draft => EventState::Draft,
            domain::event::ArchivedEventState::Published => EventState::Published,
            domain::event::ArchivedEventState::Withdrawn => EventState::Withdrawn,
        };
        EventFacts {
            event,
            place: Place {
                event: Some(event),
                department: kept.department.as_ref().map(|id| domain::DepartmentId(id.0.to_native())),
                owner: Some(AccountId(kept.owner.0.to_native())),
            },
            state,
            checkin,
            ends: Time(kept.time.to.0.to_native()),
        }
    })?)
}

impl Ctx {
    /// Checks that `actor` holds `permission` at that place.
    pub fn permit(&self, actor: &Actor, permission: Permission, at: At) -> Result<Permit, Error> {
        if matches!(actor.who, Who::Visitor) {
            return Err(domain::refuse!(Unknown, "session.none", "Please log in.").into());
        }
        // A terminal's event is part of what it is; that it still exists is for the verb to find out.
        if let (Who::Device { event, .. }, At::Event(asked)) = (&actor.who, at)
            && *event == asked
            && actor.covers(permission, &Place { event: Some(asked), ..Place::SPACE })
        {
            return Ok(actor.permit());
        }
        let place = match at {
            At::Space => Place::SPACE,
            At::Event(event) => {
                let facts = event_facts(&self.store().view().space(actor.space), event)?;
                facts.ok_or_else(|| Refusal::missing("event"))?.place
            }
        };
        if !actor.covers(permission, &place) {
            return Err(Refusal::denied().into());
        }
        Ok(actor.permit())
    }

    /// Checks that `actor` holds `permission` somewhere; the verb must filter by [`Actor::covers`].
    pub fn permit_somewhere(&self, actor: &Actor, permission: Permission) -> Result<Permit, Error> {
        if matches!(actor.who, Who::Visitor) {
            return Err(domain::refuse!(Unknown, "session.none", "Please log in.").into());
        }
        if !actor.holds(permission) {
            return Err(Refusal::denied().into());
        }
        Ok(actor.permit())
    }

    /// What anybody may do: read published events, register, find a ticket. The verb must look at nothing else.
    pub fn public(&self, actor: &Actor) -> Permit {
        actor.permit()
    }

    /// What the box does by itself: set-up, jobs, demonstration data.
    pub fn own(&self, space: SpaceId) -> Permit {
        Permit { space, by: By::Box, account: None, reads: false }
    }
}

//! What somebody may see of each kind, worked out from what is granted, when the question is asked.

use super::kind::Kind;
use crate::{Actor, Error};
use domain::{AccountId, DepartmentId, Event, Permission, Scope as Granted};
use search::{Scope, Sight};
use std::ops::ControlFlow;
use store::{Order, Read, SpaceView};

/// An event with the two things that scopes ask of it.
struct EventPlace {
    event: u64,
    department: Option<DepartmentId>,
    owner: AccountId,
}

/// What the actor may see of every kind.
pub(super) fn sights(view: &SpaceView, actor: &Actor, kinds: &[&'static dyn Kind]) -> Result<Vec<Sight>, Error> {
    let wide = actor.held.iter().any(|held| matches!(held.scope, Granted::Department(_) | Granted::Own));
    let events = if wide { places(view)? } else { Vec::new() };
    let mut out = Vec::with_capacity(kinds.len());
    for kind in kinds {
        let see = match kind.permission() {
            Some(permission) => scope(actor, permission, of_event(*kind, &events)),
            None => Scope::everywhere(),
        };
        if !see.is_nowhere() {
            let unmasked = scope(actor, Permission::PersonSensitive, of_event(*kind, &events));
            out.push(Sight { kind: kind.number(), see, unmasked });
        }
    }
    Ok(out)
}

/// Scopes reach records through their event only where the event says where they lie.
fn of_event<'a>(kind: &dyn Kind, events: &'a [EventPlace]) -> &'a [EventPlace] {
    if kind.is_of_event() { events } else { &[] }
}

fn places(view: &SpaceView) -> Result<Vec<EventPlace>, Error> {
    let mut out = Vec::new();
    view.visit::<Event>(&(), Order::Ascending, |id, event| {
        out.push(EventPlace {
            event: id.0,
            department: event.department.as_ref().map(|id| DepartmentId(id.0.to_native())),
            owner: AccountId(event.owner.0.to_native()),
        });
        ControlFlow::Continue(())
    })?;
    Ok(out)
}

fn scope(actor: &Actor, permission: Permission, events: &[EventPlace]) -> Scope {
    let mut out = Scope::default();
    for held in actor.held.iter().filter(|held| held.permission == permission) {
        match held.scope {
            Granted::Space => return Scope::everywhere(),
            Granted::Event(event) => {
                out.events.insert(event.0);
            }
            Granted::Department(department) => {
                out.departments.insert(department.0);
                let of = events.iter().filter(|event| event.department == Some(department));
                out.events.extend(of.map(|event| event.event));
            }
            Granted::Own => {
                let Some(own) = actor.account() else { continue };
                out.owner = own.0;
                out.events.extend(events.iter().filter(|event| event.owner == own).map(|event| event.event));
            }
        }
    }
    out
}

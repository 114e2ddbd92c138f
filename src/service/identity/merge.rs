//! Two records that become one because a proof joins them, and that become two again when the secretariat says that it was wrong.

use super::{
    proof::{identities_of, load},
    sessions_of,
};
use crate::{Actor, At, Ctx, Error, Permit, Work};
use domain::{
    Identity, MessageChoice, Permission, Person, PersonId, PersonSession, Refusal, Time, WechatLink,
    identity::{PersonMerge, PersonMoved, PersonOrder, PersonTicket, UNDO_MILLIS, check_undo},
    refuse,
};
use store::catalogue::{MOVED_BY_TIME, WECHAT_BY_PERSON};
use store::{Order, Read};

fn links_of(view: &impl Read, person: PersonId) -> Result<Vec<WechatLink>, Error> {
    let mut links = Vec::new();
    for key in view.scan_index(&WECHAT_BY_PERSON, &person, None, Order::Ascending) {
        links.extend(view.get::<WechatLink>(&key?)?);
    }
    Ok(links)
}

fn tickets_of(view: &impl Read, person: PersonId) -> Result<Vec<PersonTicket>, Error> {
    view.scan::<PersonTicket>(&person, None, Order::Ascending).map(|kept| Ok(kept?.1)).collect()
}

fn orders_of(view: &impl Read, person: PersonId) -> Result<Vec<PersonOrder>, Error> {
    view.scan::<PersonOrder>(&person, None, Order::Ascending).map(|kept| Ok(kept?.1)).collect()
}

/// Everything of `from` is `into`'s from now on. What was moved is kept, so that the two can be told apart again.
pub(super) fn merge(work: &mut Work<'_, '_>, from: PersonId, into: PersonId) -> Result<(), Error> {
    let mut moved = Vec::new();
    for identity in identities_of(work.read(), from)? {
        moved.push((identity.kind, identity.value.clone()));
        work.put(&Identity { person: into, ..identity })?;
    }
    for session in sessions_of(work.read(), from)? {
        work.put(&PersonSession { person: into, ..session })?;
    }
    let (tickets, orders) = (tickets_of(work.read(), from)?, orders_of(work.read(), from)?);
    let links = links_of(work.read(), from)?;
    let choice = work.read().get::<MessageChoice>(&from)?;
    let choice = choice.filter(|_| work.read().get::<MessageChoice>(&into).is_ok_and(|kept| kept.is_none()));
    let trails = crate::message::person::moved(work, from, into)?;
    work.put(&PersonMoved {
        from,
        at: work.now,
        links: links.iter().map(|link| link.id).collect(),
        tickets: tickets.iter().map(|kept| (kept.event, kept.ticket)).collect(),
        orders: orders.iter().map(|kept| (kept.event, kept.order)).collect(),
        choice: choice.is_some(),
        trails,
    })?;
    for ticket in tickets {
        work.remove::<PersonTicket>(&(from, ticket.event, ticket.ticket))?;
        work.put(&PersonTicket { person: into, ..ticket })?;
    }
    for order in orders {
        work.remove::<PersonOrder>(&(from, order.event, order.order))?;
        work.put(&PersonOrder { person: into, ..order })?;
    }
    for link in links {
        work.put(&WechatLink { person: Some(into), ..link })?;
    }
    if let Some(choice) = choice {
        work.remove::<MessageChoice>(&from)?;
        work.put(&MessageChoice { person: into, ..choice })?;
    }
    work.put(&PersonMerge { from, into, at: work.now, moved })?;
    work.audit("person.merge", format!("person/{into}"), &format!("person/{from}"), &format!("person/{into}"))
}

/// Two records that became one.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The record that is not used any more.
    pub from: Person,
    /// The record that stands for both.
    pub into: Person,
    /// When they became one.
    pub at: Time,
    /// Until when they can be two again.
    pub until: Time,
    /// Kinds of the proofs that moved.
    pub proofs: Vec<&'static str>,
}

/// Most merges of the list.
const LIST_MAX: usize = 200;

fn may(ctx: &Ctx, actor: &Actor) -> Result<Permit, Error> {
    ctx.permit(actor, Permission::RegistrationManage, At::Space)
}

/// The merges that can be undone, the latest first.
pub fn merges(ctx: &Ctx, actor: &Actor) -> Result<Vec<Merged>, Error> {
    let permit = may(ctx, actor)?;
    ctx.read(&permit, |view| {
        let mut rows = Vec::new();
        for key in view.scan_index(&MOVED_BY_TIME, &(), None, Order::Descending).take(LIST_MAX) {
            let key = key?;
            let (Some(moved), Some(merge)) = (view.get::<PersonMoved>(&key)?, view.get::<PersonMerge>(&key)?) else {
                continue;
            };
            // Whoever was archived meanwhile has no record to go back to.
            let (Some(from), Some(into)) = (view.get::<Person>(&merge.from)?, view.get::<Person>(&merge.into)?) else {
                continue;
            };
            let proofs = merge.moved.iter().map(|(kind, _)| kind.code()).collect();
            rows.push(Merged { from, into, at: moved.at, until: moved.until(), proofs });
        }
        rows.retain(|row| ctx.now() < row.until);
        Ok(rows)
    })
}

/// Makes two records of what became one: what came from the record gets back to it, as far as it was not moved on or given up since.
/// Everybody of both is logged out: whose phone is whose is for them to prove anew.
pub async fn undo_merge(ctx: &Ctx, actor: &Actor, from: PersonId) -> Result<(), Error> {
    let permit = may(ctx, actor)?;
    let undone = ctx.write(&permit, move |work| {
        let merge = work.read().get::<PersonMerge>(&from)?.ok_or_else(|| Refusal::missing("merge"))?;
        let moved = work.read().get::<PersonMoved>(&from)?;
        let later = work.read().get::<PersonMerge>(&merge.into)?.is_some();
        check_undo(moved.as_ref(), later, work.now)?;
        let Some(moved) = moved else { return Err(Refusal::missing("merge").into()) };
        if work.read().get::<Person>(&from)?.is_none() {
            return Err(refuse!(Conflict, "merge.gone", "The record is not there any more: it was archived.").into());
        }
        load(work.read(), merge.into)?;
        give_back(work, &merge, &moved)?;
        for session in sessions_of(work.read(), merge.into)? {
            work.remove::<PersonSession>(&session.token)?;
        }
        work.remove::<PersonMerge>(&from)?;
        work.remove::<PersonMoved>(&from)?;
        let (into, both) = (merge.into, format!("person/{from}, person/{}", merge.into));
        work.audit("person.unmerge", format!("person/{into}"), &format!("person/{into}"), &both)
    });
    let undone = undone.await;
    ctx.sessions.forget();
    undone
}

fn give_back(work: &mut Work<'_, '_>, merge: &PersonMerge, moved: &PersonMoved) -> Result<(), Error> {
    let (from, into) = (merge.from, merge.into);
    for (kind, value) in &merge.moved {
        let kept = work.read().get::<Identity>(&(*kind as u8, value.clone()))?;
        if let Some(identity) = kept.filter(|identity| identity.person == into) {
            work.put(&Identity { person: from, ..identity })?;
        }
    }
    for (event, ticket) in &moved.tickets {
        if let Some(kept) = work.read().get::<PersonTicket>(&(into, *event, *ticket))? {
            work.remove::<PersonTicket>(&(into, *event, *ticket))?;
            work.put(&PersonTicket { person: from, ..kept })?;
        }
    }
    for (event, order) in &moved.orders {
        if let Some(kept) = work.read().get::<PersonOrder>(&(into, *event, *order))? {
            work.remove::<PersonOrder>(&(into, *event, *order))?;
            work.put(&PersonOrder { person: from, ..kept })?;
        }
    }
    for id in &moved.links {
        let kept = work.read().get::<WechatLink>(id)?;
        if let Some(link) = kept.filter(|link| link.person == Some(into)) {
            work.put(&WechatLink { person: Some(from), ..link })?;
        }
    }
    crate::message::person::give_back(work, &moved.trails, into, from)?;
    if moved.choice
        && let Some(choice) = work.read().get::<MessageChoice>(&into)?
    {
        work.remove::<MessageChoice>(&into)?;
        work.put(&MessageChoice { person: from, ..choice })?;
    }
    Ok(())
}

/// Most records that are forgotten at a time.
const STEP: usize = 200;

/// Forgets merges that cannot be undone any more, in the running transaction; answers how many. Proofs stand in them: they are not kept for
/// longer than they are of use.
pub(super) fn forget_old(work: &mut Work<'_, '_>) -> Result<usize, Error> {
    let old = old(work.read(), work.now)?;
    for from in &old {
        work.remove::<PersonMoved>(from)?;
        work.remove::<PersonMerge>(from)?;
    }
    Ok(old.len())
}

/// The merges whose time is over.
pub(super) fn old(view: &impl Read, now: Time) -> Result<Vec<PersonId>, Error> {
    crate::job::due(view, &MOVED_BY_TIME, now.plus(-UNDO_MILLIS), STEP)
}

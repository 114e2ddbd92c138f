//! The files that an event's people left: uploaded answers, pictures of themselves, lists behind a draw. They are removed before the records
//! that name them, so that a run which was cut off finds them again; what something else names stays.

use crate::{Ctx, Error, Permit};
use domain::{
    Document, EventId, Import, Portrait, SpaceId, Ticket,
    document::Reading,
    draw::{self, Draw, Face},
    field::AnswerValue,
};
use std::collections::{BTreeMap, BTreeSet};
use store::{Order, Read};

/// A file's hash.
pub(crate) type Hash = [u8; 32];

/// Whose file it is: a space, and an event of it or none.
pub(crate) type Owner = (SpaceId, Option<EventId>);

/// Every file that people left in a space, with the event that it belongs to.
fn left_in(view: &impl Read, mut found: impl FnMut(Option<EventId>, Hash)) -> Result<(), Error> {
    for kept in view.scan::<Ticket>(&(), None, Order::Ascending) {
        let ((event, _), ticket) = kept?;
        for answer in ticket.answers {
            if let AnswerValue::File(upload) = answer.value {
                found(Some(event), upload.file);
            }
        }
    }
    for kept in view.scan::<Portrait>(&(), None, Order::Ascending) {
        let ((event, _), portrait) = kept?;
        found(Some(event), portrait.file);
    }
    let mut draws = BTreeMap::new();
    for kept in view.scan::<Draw>(&(), None, Order::Ascending) {
        let (id, of) = kept?;
        draws.insert(id, of.event);
    }
    for kept in view.scan::<Face>(&(), None, Order::Ascending) {
        let (_, face) = kept?;
        found(draws.get(&face.draw).copied(), face.file);
    }
    for kept in view.scan::<draw::Line>(&(), None, Order::Ascending) {
        let (_, line) = kept?;
        if let Some(people) = line.people {
            found(draws.get(&line.draw).copied(), people);
        }
    }
    for kept in view.scan::<domain::Order>(&(), None, Order::Ascending) {
        let ((event, _), order) = kept?;
        order.entries.iter().filter_map(|entry| entry.slip).for_each(|slip| found(Some(event), slip));
    }
    for kept in view.scan::<Import>(&(), None, Order::Ascending) {
        let (_, import) = kept?;
        found(Some(import.event), import.file);
    }
    // What the secretariat keeps is its own to remove, also where it is about an event.
    for kept in view.scan::<Document>(&(), None, Order::Ascending) {
        let (_, document) = kept?;
        found(None, document.file);
        if let Reading::Read(text, _) = document.reading {
            found(None, text);
        }
    }
    for kept in view.scan::<domain::Picture>(&(), None, Order::Ascending) {
        found(None, kept?.1.file);
    }
    for kept in view.scan::<domain::Sound>(&(), None, Order::Ascending) {
        found(None, kept?.1.file);
    }
    Ok(())
}

/// Removes the files of whoever `goes` names, but for those that somebody else names too; answers how many. Looks through all spaces, aside.
pub(crate) async fn remove(ctx: &Ctx, goes: impl Fn(Owner) -> bool + Send + 'static) -> Result<usize, Error> {
    let ctx = ctx.clone();
    crate::aside(move || {
        let (mut going, mut staying) = (BTreeSet::new(), BTreeSet::new());
        let view = ctx.store().view();
        for space in ctx.spaces()? {
            left_in(&view.space(space), |event, file| {
                let side = if goes((space, event)) { &mut going } else { &mut staying };
                side.insert(file);
            })?;
        }
        let alone: Vec<Hash> = going.difference(&staying).copied().collect();
        for file in &alone {
            ctx.files.remove(file)?;
        }
        Ok(alone.len())
    })
    .await
}

/// Removes those of these files that nobody names any more, in any space. Looks through all spaces, aside.
pub(crate) async fn remove_alone(ctx: &Ctx, files: Vec<Hash>) -> Result<(), Error> {
    if files.is_empty() {
        return Ok(());
    }
    let ctx = ctx.clone();
    crate::aside(move || {
        let mut alone: BTreeSet<Hash> = files.into_iter().collect();
        let view = ctx.store().view();
        for space in ctx.spaces()? {
            left_in(&view.space(space), |_, file| {
                alone.remove(&file);
            })?;
        }
        for file in &alone {
            ctx.files.remove(file)?;
        }
        Ok(())
    })
    .await
}

/// Removes those of these files that nobody names but the records that are to go, each of which stands once in the list. Looks through all
/// spaces, aside.
pub(crate) async fn remove_named(ctx: &Ctx, files: Vec<Hash>) -> Result<(), Error> {
    if files.is_empty() {
        return Ok(());
    }
    let ctx = ctx.clone();
    crate::aside(move || {
        let mut going: BTreeMap<Hash, usize> = BTreeMap::new();
        files.iter().for_each(|file| *going.entry(*file).or_default() += 1);
        let mut named: BTreeMap<Hash, usize> = BTreeMap::new();
        let view = ctx.store().view();
        for space in ctx.spaces()? {
            left_in(&view.space(space), |_, file| {
                if going.contains_key(&file) {
                    *named.entry(file).or_default() += 1;
                }
            })?;
        }
        for (file, count) in &going {
            if named.get(file).is_none_or(|names| names <= count) {
                ctx.files.remove(file)?;
            }
        }
        Ok(())
    })
    .await
}

/// Removes the files of an event's people.
pub(super) async fn of_event(ctx: &Ctx, permit: &Permit, event: EventId) -> Result<(), Error> {
    let own = (permit.space, Some(event));
    remove(ctx, move |owner| owner == own).await.map(drop)
}

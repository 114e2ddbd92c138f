//! Changing the box's key: taking a new one up, sealing every value anew in the background, and saying when the old keys may go. The key file itself is
//! written by the console alone (`huiguan key`), while the program is stopped.

mod carrier;
mod file;

pub use file::{CERTIFICATE, PUBLIC_CERTIFICATE, ROOT, STANDBY_CERTIFICATE, older_files, reseal_files};

use crate::{Ctx, Error, Work};
use carrier::{Carrier, TABLES};
use domain::{KeyTurn, SpaceId, health::Keys, standby::Standby};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::Read;

/// Between two transactions others go first.
const PAUSE: Duration = Duration::from_millis(5);
/// How long is waited after a failure.
const AGAIN: Duration = Duration::from_secs(60);

/// How far sealing anew is.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    progress: Mutex<Progress>,
}

#[derive(Debug, Default, Clone)]
struct Progress {
    values: u64,
    unread: u64,
    /// Tables of spaces that are done.
    done: u64,
    all: u64,
    trouble: Option<String>,
}

impl Desk {
    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn turn_in(view: &impl Read) -> Result<Option<KeyTurn>, Error> {
    Ok(view.get::<KeyTurn>(&())?)
}

/// How far the box has come with its newest key; none while it has its first.
pub fn turn(ctx: &Ctx) -> Result<Option<KeyTurn>, Error> {
    ctx.read(&ctx.own(SpaceId::ASSOCIATION), turn_in)
}

/// Refuses a key file that is older than the records.
pub fn check(ctx: &Ctx) -> Result<(), Error> {
    let (own, known) = (ctx.sealer.number(), turn(ctx)?.map_or(1, |turn| turn.number));
    if known > own {
        return Err(Error::Internal(format!(
            "the records are sealed by key {known}, and the newest of the key file is key {own}: put the newest copy of the key file in its place, or restore a backup"
        )));
    }
    Ok(())
}

/// What tells one key from another without telling anything about it, for people.
pub fn fingerprint(key: &[u8; 32]) -> String {
    let hash = crate::token::sha256(&[b"fingerprint of a key ", key.as_slice()].concat());
    let text = data_encoding::HEXLOWER.encode(hash.get(..8).unwrap_or_default());
    let parts: Vec<&str> = (0..4).filter_map(|part| text.get(part * 4..part * 4 + 4)).collect();
    parts.join(" ")
}

/// Keeps that a key is used from here on; before anything is sealed by it. Nothing is done where that is known.
pub async fn take_up(ctx: &Ctx, number: u32) -> Result<(), Error> {
    if turn(ctx)?.map_or(1, |turn| turn.number) >= number {
        return Ok(());
    }
    let sequence = ctx.store().view().sequence();
    let begun = KeyTurn::begun(number, ctx.now(), sequence);
    ctx.write(&ctx.own(SpaceId::ASSOCIATION), move |work| {
        let before = turn_in(work.read())?.map_or(1, |turn| turn.number);
        work.put(&begun)?;
        work.audit("key.turn", "key", &format!("key {before}"), &format!("key {number}"))
    })
    .await
}

/// Whether the key may be changed on this box just now; the error says what to do first.
pub fn check_turn(ctx: &Ctx) -> Result<(), Error> {
    check_settled(ctx)?;
    let follower = ctx.read(&ctx.own(SpaceId::ASSOCIATION), |view| Ok(view.get::<Standby>(&())?))?;
    if follower.is_some_and(|of| of.secret.is_some()) {
        return Err(Error::Internal(
            "a second box follows this one and would not get the new key; nothing was changed. Part with it on the page “Stand-by box”, change the key, then pair it anew: the keys come to it with the pairing code".into(),
        ));
    }
    Ok(())
}

fn check_settled(ctx: &Ctx) -> Result<(), Error> {
    if !crate::standby::standing(ctx).role.writes() {
        return Err(Error::Internal(
            "this box follows another or was taken over from; nothing was changed. Change the key on the box that leads"
                .into(),
        ));
    }
    if crate::backup::is_held(ctx) {
        return Err(Error::Internal(
            "an update is on trial; nothing was changed. Start the program and try again when the update is settled"
                .into(),
        ));
    }
    Ok(())
}

/// What is sealed by older keys, by where it lies; empty: nothing. Goes over all records, so it takes a while.
pub fn left(ctx: &Ctx) -> Result<Vec<(String, u64)>, Error> {
    let mut left: Vec<(String, u64)> = Vec::new();
    for space in spaces(ctx)? {
        for (table, count) in carrier::count(ctx, space)?.into_iter().filter(|(_, count)| *count > 0) {
            match left.iter_mut().find(|(known, _)| known == table) {
                Some((_, sum)) => *sum += count,
                None => left.push((table.to_owned(), count)),
            }
        }
    }
    if let Some(data) = ctx.backup.data() {
        let files = older_files(data, &ctx.sealer, ctx.random.as_ref())?;
        left.extend(files.into_iter().map(|name| (name.to_owned(), 1)));
    }
    Ok(left)
}

/// Whether the old keys may be removed; the error says what is in the way. What follows is the writing of the key file.
pub async fn finish(ctx: &Ctx) -> Result<(), Error> {
    check_settled(ctx)?;
    let number = ctx.sealer.number();
    if ctx.sealer.older() == 0 {
        return Err(Error::Internal("there are no old keys; nothing was changed".into()));
    }
    let wait = "start the program and wait until `huiguan doctor` says that all values are sealed by the newest key";
    if turn(ctx)?.is_none_or(|turn| turn.number != number || turn.ended.is_none()) {
        return Err(Error::Internal(format!(
            "not everything is sealed by key {number} yet; nothing was changed: {wait}"
        )));
    }
    let left = left(ctx)?;
    if !left.is_empty() {
        let said: Vec<String> = left.iter().map(|(place, count)| format!("{place}: {count}")).collect();
        return Err(Error::Internal(format!(
            "older keys are still needed ({}); nothing was changed: {wait}",
            said.join(", ")
        )));
    }
    let older = ctx.sealer.older();
    change(ctx, "key.finish", move |turn, work| {
        turn.finished = Some(work.now);
        (format!("{older} older keys"), format!("key {number}"))
    })
    .await
}

/// Changes what is kept of the turn, with an audit line of what `f` says.
async fn change<F>(ctx: &Ctx, action: &'static str, f: F) -> Result<(), Error>
where
    F: Fn(&mut KeyTurn, &Work<'_, '_>) -> (String, String) + Send + Sync + 'static,
{
    ctx.write(&ctx.own(SpaceId::ASSOCIATION), move |work| {
        let Some(mut turn) = turn_in(work.read())? else { return Ok(()) };
        let (before, after) = f(&mut turn, work);
        work.put(&turn)?;
        work.audit(action, "key", &before, &after)
    })
    .await
}

/// The recovery sheet was shown: it says by which keys the box seals. Called within the transaction that says so in the audit log.
pub(crate) fn sheet_shown(work: &mut Work<'_, '_>) -> Result<(), Error> {
    if let Some(turn) = turn_in(work.read())? {
        let sheet = Some(work.now);
        work.put(&KeyTurn { sheet, ..turn })?;
    }
    Ok(())
}

/// Every space that may hold sealed values; before the set-up there is the association's all the same.
fn spaces(ctx: &Ctx) -> Result<BTreeSet<SpaceId>, Error> {
    Ok(std::iter::once(SpaceId::ASSOCIATION).chain(ctx.spaces()?).collect())
}

/// Whether a backup of that group may be followed by parts: those may hold values by a key that it does not have.
pub(crate) fn reaches(ctx: &Ctx, full: u64) -> Result<bool, Error> {
    Ok(turn(ctx)?.is_none_or(|turn| full > turn.sequence))
}

/// One way through all records.
pub(super) struct Pass<'a> {
    ctx: &'a Ctx,
}

impl Pass<'_> {
    /// Goes over a table of a space: reading steps back behind everybody else, and each transaction takes a few records.
    async fn table<R>(&self, space: SpaceId) -> Result<(), Error>
    where
        R: Carrier + Send,
        R::Key: Clone + Send + Sync,
    {
        let mut from: Option<R::Key> = None;
        loop {
            let (ctx, after) = (self.ctx.clone(), from.clone());
            let step = crate::aside(move || carrier::look::<R>(&ctx, space, after.as_ref())).await?;
            self.ctx.keys.progress().unread += step.unread;
            if !step.swaps.is_empty() {
                let (permit, swaps) = (self.ctx.own(space), Arc::new(step.swaps));
                let done = self.ctx.write(&permit, move |work| {
                    let mut done = 0;
                    for (key, swaps) in swaps.iter() {
                        let Some(mut record) = work.read().get::<R>(key)? else { continue };
                        let swapped = carrier::swap(&mut record, space, swaps);
                        if swapped > 0 {
                            // The lines at the begin and the end of the turn stand for all of it: what it says is the same as before.
                            work.put_beside(&record)?;
                            done += swapped;
                        }
                    }
                    Ok(done)
                });
                self.ctx.keys.progress().values += done.await?;
                tokio::time::sleep(PAUSE).await;
            }
            match step.last {
                Some(last) => from = Some(last),
                None => break,
            }
        }
        self.ctx.keys.progress().done += 1;
        Ok(())
    }
}

/// Seals everything anew that is sealed by an older key, and keeps that it is done. Whatever was cut short is found and done by the next call.
pub async fn reseal(ctx: &Ctx) -> Result<(), Error> {
    let number = ctx.sealer.number();
    if turn(ctx)?.is_none_or(|turn| turn.number != number || turn.ended.is_some()) {
        return Ok(());
    }
    let spaces = spaces(ctx)?;
    let all = (spaces.len() * TABLES.len()) as u64;
    *ctx.keys.progress() = Progress { all, ..Progress::default() };
    let pass = Pass { ctx };
    for space in spaces {
        carrier::reseal(&pass, space).await?;
    }
    let progress = ctx.keys.progress().clone();
    if progress.unread > 0 {
        tracing::warn!(values = progress.unread, "sealed values that no key of the box opens stay as they are");
    }
    change(ctx, "key.sealed", move |turn, work| {
        (turn.ended, turn.values) = (Some(work.now), progress.values);
        (String::new(), format!("{} values by key {number}", progress.values))
    })
    .await
}

/// Seals anew in the background, as long as it takes.
pub async fn keep_resealing(ctx: Ctx) {
    while let Err(error) = reseal(&ctx).await {
        tracing::error!(%error, "sealing anew was broken off; it is tried again");
        ctx.keys.progress().trouble = Some(error.to_string());
        tokio::time::sleep(AGAIN).await;
    }
}

/// How the keys stand, as the box itself asks; none while it has its first one.
pub(crate) fn standing(ctx: &Ctx) -> Result<Option<Keys>, Error> {
    let planned = crate::backup::is_planned(ctx)?;
    let Some(turn) = turn(ctx)? else { return Ok(None) };
    let progress = ctx.keys.progress().clone();
    Ok(Some(Keys {
        number: turn.number,
        older: ctx.sealer.older() as u64,
        sealing: turn.ended.is_none().then_some((progress.values, progress.done, progress.all)),
        trouble: progress.trouble.filter(|_| turn.ended.is_none()),
        sheet: planned && turn.sheet.is_none(),
    }))
}

#[cfg(test)]
mod tests;

//! The published record: the file that anybody can check, the box's own check of it, and where somebody stands in the lists.

use super::{freeze, lucky, own, public_view, running_in};
use crate::{Ctx, Error};
use domain::{
    Draw, DrawId, Event, Refusal, SpaceId,
    draw::{File, FileLine, Line, Masking, Report, Running, Said, method, say, verify},
    refuse,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use store::{Order, Read};

/// What the verify page shows beside the check.
#[derive(Debug, Clone)]
pub struct Published {
    /// The draw.
    pub draw: Draw,
    /// Its event.
    pub event: Event,
    /// Where it stands.
    pub running: Running,
}

/// A draw whose record can be read: one with full names went with its event's archive.
fn record_view(view: &impl Read, id: DrawId) -> Result<(Draw, Event), Error> {
    let (draw, event) = public_view(view, id)?;
    if draw.masking == Masking::Full && crate::archive::check_open(view, draw.event).is_err() {
        return Err(refuse!(
            Missing,
            "draw.archived",
            "The record of this draw held full names and was removed with the event's archive. Files that were downloaded before can still be checked."
        )
        .into());
    }
    Ok((draw, event))
}

/// A draw whose record is published.
pub fn published(ctx: &Ctx, space: SpaceId, id: DrawId) -> Result<Published, Error> {
    ctx.read(&ctx.own(space), |view| {
        let (draw, event) = record_view(view, id)?;
        Ok(Published { running: running_in(view, id)?, draw, event })
    })
}

/// The lines of a record with the hashes of the lists they name.
struct Lines {
    head: String,
    lines: Vec<FileLine>,
    lists: BTreeSet<String>,
}

fn lines(view: &impl Read, id: DrawId) -> Result<Lines, Error> {
    let head = method::hex(&running_in(view, id)?.head);
    let (mut lines, mut lists) = (Vec::new(), BTreeSet::new());
    for kept in view.scan::<Line>(&id, None, Order::Ascending) {
        let (_, line) = kept?;
        if let Some((_, _, _, Said::Freeze { list, .. })) = say(&line.body) {
            lists.insert(list);
        }
        lines.push(FileLine { hash: method::hex(&line.hash), body: line.body });
    }
    Ok(Lines { head, lines, lists })
}

fn list_text(ctx: &Ctx, list: &str) -> Result<String, Error> {
    let hash = method::unhex(list).ok_or_else(|| Refusal::missing("list"))?;
    Ok(method::hex(&ctx.files.get(&hash)?))
}

/// The file, in parts that are made one after another: a large draw never stands in memory as a whole.
pub fn record(
    ctx: &Ctx,
    space: SpaceId,
    id: DrawId,
) -> Result<impl Iterator<Item = Result<String, Error>> + use<>, Error> {
    let of = ctx.read(&ctx.own(space), |view| {
        record_view(view, id)?;
        lines(view, id)
    })?;
    let mut head = format!("{{\"format\":{},\n\"head\":{},\n\"lines\":[", json(File::FORMAT), json(&of.head));
    for (at, line) in of.lines.iter().enumerate() {
        let joint = if at == 0 { "\n" } else { ",\n" };
        head.push_str(&format!("{joint}{{\"hash\":{},\"body\":{}}}", json(&line.hash), json(&line.body)));
    }
    head.push_str("],\n\"lists\":{");
    let ctx = ctx.clone();
    let lists = of.lists.into_iter().enumerate().map(move |(at, list)| {
        let joint = if at == 0 { "\n" } else { ",\n" };
        Ok(format!("{joint}\"{list}\":\"{}\"", list_text(&ctx, &list)?))
    });
    Ok(std::iter::once(Ok(head)).chain(lists).chain(std::iter::once(Ok("}}\n".to_owned()))))
}

/// A text as JSON.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The box's own check of a record; made once for each state of it. Blocks the thread.
pub fn check(ctx: &Ctx, space: SpaceId, id: DrawId) -> Result<Arc<Report>, Error> {
    let (head, of) = ctx.read(&ctx.own(space), |view| {
        record_view(view, id)?;
        Ok((running_in(view, id)?.head, lines(view, id)?))
    })?;
    let kept = ctx.draws.checked.lock().unwrap_or_else(PoisonError::into_inner).get(&(space, id)).cloned();
    if let Some((_, report)) = kept.filter(|kept| kept.0 == head) {
        return Ok(report);
    }
    let mut lists = BTreeMap::new();
    for list in of.lists {
        let text = list_text(ctx, &list)?;
        lists.insert(list, text);
    }
    let file = File { format: File::FORMAT.to_owned(), head: of.head, lines: of.lines, lists };
    let report = Arc::new(verify(&file));
    let mut checked = ctx.draws.checked.lock().unwrap_or_else(PoisonError::into_inner);
    if checked.len() >= CHECKED_MAX {
        checked.clear();
    }
    checked.insert((space, id), (head, report.clone()));
    Ok(report)
}

/// Records whose check is kept.
const CHECKED_MAX: usize = 16;

/// Where somebody stands in one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnEntry {
    /// The turn.
    pub turn: u32,
    /// Place in the list, from 0; none when they were not on it.
    pub index: Option<u32>,
    /// Entries of the list.
    pub count: u32,
    /// What was hashed.
    pub text: String,
    /// With which salt.
    pub salt: String,
    /// What it came to, as it stands in the list.
    pub entry: String,
}

/// How many of the newest turns are looked through.
const TURNS_LOOKED: usize = 20;

/// Where the holder of this phone stands in the newest lists, with the salt that only they and the box know. Blocks the thread.
pub fn own_entries(
    ctx: &Ctx,
    space: SpaceId,
    id: DrawId,
    links: &[&str],
    kept: Option<&str>,
) -> Result<Vec<(own::Known, Vec<OwnEntry>)>, Error> {
    let view = ctx.store().view().space(space);
    let (draw, _) = public_view(&view, id)?;
    let known = own::known_in(ctx, &view, &draw, links, kept)?;
    let key = freeze::salt_key(ctx, &view, id)?;
    let mut turns = Vec::new();
    for line in view.scan::<Line>(&id, None, Order::Descending) {
        let (_, line) = line?;
        if let (Some(people), Some((_, _, _, Said::Freeze { turn, count, .. }))) = (line.people, say(&line.body)) {
            turns.push((turn, count, people));
        }
        if turns.len() >= TURNS_LOOKED {
            break;
        }
    }
    let mut out = Vec::new();
    for of in known {
        let mut entries = Vec::new();
        for (turn, count, people) in &turns {
            let found = freeze::place_of(ctx, people, of.who)?;
            let text =
                found.as_ref().map_or_else(|| lucky(draw.event, of.who), |(_, unit)| freeze::text_of(draw.event, unit));
            let salt = freeze::salt_of(&key, &text);
            entries.push(OwnEntry {
                turn: *turn,
                index: found.map(|(index, _)| index),
                count: *count,
                entry: method::hex(&method::entry(&salt, &text)),
                salt: method::hex(&salt),
                text,
            });
        }
        out.push((of, entries));
    }
    Ok(out)
}

//! Reading the audit log; its lines are written by each verb and chained by the store.

use crate::{
    Actor, At, Ctx, Error,
    row::{self, Row},
};
use domain::{AuditLine, By, Permission, query::Query};
use rkyv::rancor;
use std::collections::{HashMap, hash_map::Entry};
use store::SpaceView;

/// The line as the store keeps it.
pub fn encode(line: &AuditLine) -> Result<Vec<u8>, Error> {
    let bytes =
        rkyv::to_bytes::<rancor::Error>(line).map_err(|error| Error::internal("encoding an audit line", error))?;
    Ok(bytes.into_vec())
}

/// Reads a kept line.
pub fn decode(bytes: &[u8]) -> Result<AuditLine, Error> {
    rkyv::from_bytes::<AuditLine, rancor::Error>(bytes).map_err(|error| Error::internal("reading an audit line", error))
}

/// Lines of one page.
pub const PAGE: usize = 100;
/// Most lines that are looked through for one page; the next page goes on behind them.
const LOOKED_MAX: usize = 20_000;

/// A page of the log.
#[derive(Debug, Clone)]
pub struct Page {
    /// Lines with their numbers, newest first.
    pub lines: Vec<(u64, AuditLine)>,
    /// Names of whoever wrote them; none for the box, visitors and those who are gone.
    pub names: HashMap<By, Option<String>>,
    /// The number of the line to go on before, if there are more.
    pub next: Option<u64>,
}

/// A page of the log, newest first, from line `before` downwards: the lines that a query finds by who, verb, record, change and day.
pub async fn page(ctx: &Ctx, actor: &Actor, before: Option<u64>, text: &str) -> Result<Page, Error> {
    let permit = ctx.permit(actor, Permission::AuditView, At::Space)?;
    let (own, query) = (ctx.clone(), row::read(ctx, permit.space, text)?);
    crate::aside(move || own.read(&permit, |view| find(view, before, &query))).await
}

fn find(view: &SpaceView, before: Option<u64>, query: &Query) -> Result<Page, Error> {
    let mut page = Page { lines: Vec::with_capacity(PAGE), names: HashMap::new(), next: None };
    let mut last = None;
    for (looked, kept) in view.audit(before).enumerate() {
        let (number, bytes) = kept?;
        if page.lines.len() == PAGE || looked == LOOKED_MAX {
            page.next = last;
            break;
        }
        last = Some(number);
        let line = decode(&bytes)?;
        let who = match page.names.entry(line.by) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(crate::space::name_of(view, line.by)?),
        };
        if fits(&line, who.as_deref().unwrap_or_default(), query) {
            page.lines.push((number, line));
        }
    }
    Ok(page)
}

fn fits(line: &AuditLine, who: &str, query: &Query) -> bool {
    let area = line.action.split('.').next().unwrap_or_default();
    let event = line.subject.strip_prefix("event/").and_then(|rest| rest.split('/').next());
    let row = Row {
        name: who,
        words: &[&line.action, &line.subject, &line.before, &line.after],
        kinds: &[&line.action, area],
        event: ("", event.and_then(|id| id.parse().ok()).unwrap_or(0)),
        at: Some(line.at),
        ..Row::default()
    };
    row.fits(query)
}

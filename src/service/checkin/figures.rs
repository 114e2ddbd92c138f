//! What the doors of an event came to: per list, ticket type, group, gate and whoever scanned; conflicts to look at; the whole log as
//! a file.

use super::{
    Counts, counts_in,
    list::doors_in,
    log,
    presence::{AtList, Part, Work},
    redeem::Before,
};
use crate::{
    Actor, At, Ctx, Error,
    checkin::presence,
    sheet::{Draft, Written},
    space::name_of,
};
use domain::{
    By, CheckinList, EventId, ListId, Permission, Scan, ScanId, Time,
    checkin::{Line, Moment, ScanBlock},
    time::MINUTE,
};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use store::catalogue::{ARRIVALS, ENTERED_OF_GROUP, ENTERED_OF_TYPE, REFUSALS, TICKETS_OF_GROUP, TICKETS_OF_TYPE};
use store::{Order, Read};

/// A row of a table of figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Of what.
    pub name: String,
    /// Places taken.
    pub registered: i64,
    /// People who came in.
    pub admitted: i64,
    /// People inside now.
    pub inside: i64,
    /// Scans refused.
    pub refused: i64,
}

/// What one gate, terminal, helper or person did at a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worked {
    /// Name; empty for scans without a gate.
    pub name: String,
    /// How much.
    pub work: Work,
    /// People inside now who came in there; none for whoever scans.
    pub inside: Option<i64>,
}

/// Figures of one list.
#[derive(Debug, Clone)]
pub struct ListFigures {
    /// The list.
    pub list: CheckinList,
    /// Its counts.
    pub counts: Counts,
    /// By ticket type.
    pub kinds: Vec<Share>,
    /// By group.
    pub groups: Vec<Share>,
    /// By gate.
    pub gates: Vec<Worked>,
    /// By whoever scanned.
    pub scanners: Vec<Worked>,
    /// First entries: start of the minute in milliseconds, and how many.
    pub arrivals: Vec<(i64, i64)>,
    /// Refused scans by the place of their reason in [`Reason::ALL`](domain::checkin::Reason::ALL).
    pub refusals: Vec<(u8, i64)>,
}

/// The figures of one list.
pub fn figures(ctx: &Ctx, actor: &Actor, event: EventId, list: ListId) -> Result<ListFigures, Error> {
    let permit = ctx.permit(actor, Permission::EventView, At::Event(event))?;
    let (held, zone) = (presence(ctx, permit.space, event)?, ctx.zone(permit.space)?);
    ctx.read(&permit, |view| {
        let doors = doors_in(view, event)?;
        let settings = super::list_in(view, event, list)?;
        let now = Moment::new(ctx.now(), &zone);
        let counts = counts_in(view, &held, &settings, &now)?;
        let share = |name: &str, registered, admitted, part: Option<&Part>| Share {
            name: name.to_owned(),
            registered,
            admitted,
            inside: part.map_or(0, |part| part.inside.count(&now, settings.exit_hour)),
            refused: part.map_or(0, |part| part.refused),
        };
        let (mut kinds, mut groups) = (Vec::new(), Vec::new());
        for kind in &doors.kinds {
            let registered = view.count(&TICKETS_OF_TYPE, &(event, kind.id))?;
            kinds.push((kind, registered, view.count(&ENTERED_OF_TYPE, &(event, list, kind.id))?));
        }
        for group in &doors.groups {
            let registered = view.count(&TICKETS_OF_GROUP, &(event, group.id))?;
            groups.push((group, registered, view.count(&ENTERED_OF_GROUP, &(event, list, group.id))?));
        }
        let (kinds, groups, gates, scanners) = held.look(|presence| {
            let at = presence.list(list);
            let kinds = kinds.into_iter().map(|(kind, registered, admitted)| {
                share(&kind.name, registered, admitted, at.and_then(|at| at.kind(kind.id)))
            });
            let groups = groups.into_iter().map(|(group, registered, admitted)| {
                share(&group.name, registered, admitted, at.and_then(|at| at.group(group.id)))
            });
            let gates = at.into_iter().flat_map(AtList::gates).map(|(gate, at)| Worked {
                name: gate.map_or(String::new(), |gate| doors.gate(gate).to_owned()),
                work: at.work,
                inside: Some(at.inside.count(&now, settings.exit_hour)),
            });
            let scanners = at.into_iter().flat_map(AtList::scanners);
            (kinds.collect(), groups.collect(), gates.collect(), scanners.collect::<Vec<_>>())
        })?;
        let mut people = Vec::new();
        for (by, work) in scanners {
            people.push(Worked { name: name_of(view, by)?.unwrap_or_default(), work, inside: None });
        }
        people.sort_by(|a, b| b.work.entries.cmp(&a.work.entries).then_with(|| a.name.cmp(&b.name)));
        let arrivals = arrivals_in(view, event, list)?;
        let mut refusals = Vec::new();
        for count in view.counts(&REFUSALS, &(event, list)) {
            let ((_, _, reason), count) = count?;
            refusals.push((reason, count));
        }
        Ok(ListFigures { list: settings, counts, kinds, groups, gates, scanners: people, arrivals, refusals })
    })
}

/// First entries at a list by the minute, in order: its start in milliseconds, and how many; minutes without any are left out.
pub(crate) fn arrivals_in(view: &impl Read, event: EventId, list: ListId) -> Result<Vec<(i64, i64)>, Error> {
    let by_minute = view.counts(&ARRIVALS, &(event, list));
    by_minute.map(|count| count.map(|((_, _, minute), count)| (minute * MINUTE, count)).map_err(Error::from)).collect()
}

/// A scan that a terminal admitted alone though the box would not have.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// The scan as the log shows it.
    pub row: super::ScanRow,
    /// The entry that stood before, when there was one.
    pub before: Option<Before>,
    /// When and by whom it was looked at.
    pub settled: Option<(Time, String)>,
}

/// Most conflicts that are shown at a time.
pub const CONFLICTS_MAX: usize = 200;

/// The conflicts of an event, those that nobody looked at first, newest first; and how many of those there are.
pub fn conflicts(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<(Vec<Conflict>, usize), Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    let held = presence(ctx, permit.space, event)?;
    let mut all: Vec<(ScanId, Option<(Time, By)>)> = held.look(|presence| presence.conflicts().collect())?;
    all.sort_by_key(|(_, settled)| settled.is_some());
    let open = all.iter().filter(|(_, settled)| settled.is_none()).count();
    ctx.read(&permit, |view| {
        let mut found = Vec::new();
        for (number, settled) in all.into_iter().take(CONFLICTS_MAX) {
            let Some(scan) = log::scan(view, event, number)? else { continue };
            let before = match scan.entry {
                Some(entry) => log::scan(view, event, entry)?,
                None => None,
            };
            let before = match before {
                Some(scan) => Some(Before { at: scan.scanned_at, by: name_of(view, scan.by)?.unwrap_or_default() }),
                None => None,
            };
            let settled = match settled {
                Some((at, by)) => Some((at, name_of(view, by)?.unwrap_or_default())),
                None => None,
            };
            found.push(Conflict { row: log::row(&held, view, scan)?, before, settled });
        }
        Ok((found, open))
    })
}

/// How many conflicts nobody looked at.
pub fn open_conflicts(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<usize, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationView, At::Event(event))?;
    presence(ctx, permit.space, event)?
        .look(|presence| presence.conflicts().filter(|(_, settled)| settled.is_none()).count())
}

/// Lines of the scan log that are read at one instant: more would keep what is committed meanwhile in memory, and a door waiting for it.
const PART: usize = 2_000;

/// The whole scan log as a file, oldest first: every scan with what was said, by whom, where, and whether it was taken back. What is scanned while the file is
/// made is not in it.
pub async fn export(
    ctx: &Ctx,
    actor: &Actor,
    event: EventId,
    format: crate::sheet::Format,
    say: impl Fn(&str) -> String + Send + 'static,
) -> Result<Written, Error> {
    let permit = ctx.permit(actor, Permission::RegistrationExport, At::Event(event))?;
    let zone = ctx.zone(permit.space)?;
    let (own, space) = (ctx.clone(), permit.space);
    let held = crate::aside(move || presence(&own, space, event)).await?;
    // Looked up here and not aside: there, a thread that steps back could hold what doors wait for.
    let (annulled, end) = held.look(|presence| (presence.all_annulled().clone(), ScanId(presence.newest())))?;
    let mut sheet =
        LogSheet { draft: Draft::new(format), names: Names::default(), last: None, end, annulled, zone, say };
    sheet.heads()?;
    loop {
        let (own, may) = (ctx.clone(), permit.clone());
        let (back, more) = crate::aside(move || {
            let more = own.read(&may, |view| sheet.part(view, event))?;
            Ok((sheet, more))
        })
        .await?;
        sheet = back;
        if !more {
            break;
        }
    }
    crate::aside(move || sheet.draft.finish()).await
}

/// The scan log's file while it is written.
struct LogSheet<S> {
    draft: Draft,
    names: Names,
    /// The first line of the last block that is in it.
    last: Option<ScanId>,
    /// The last line that is to be in it; a block ends there.
    end: ScanId,
    /// When and by whom scans were taken back.
    annulled: FxHashMap<ScanId, (Time, By)>,
    zone: jiff::tz::TimeZone,
    say: S,
}

impl<S: Fn(&str) -> String> LogSheet<S> {
    fn heads(&mut self) -> Result<(), Error> {
        let heads = [
            "Scan number",
            "Time",
            "Received",
            "List",
            "Gate",
            "Entry or exit",
            "Name",
            "Ticket number or code",
            "Verdict",
            "Reason",
            "Way in",
            "Scanned by",
            "Forced",
            "Offline",
            "Conflict",
            "Taken back",
        ];
        self.draft.push(&[heads.map(&self.say).to_vec()])
    }

    /// Writes the next lines; false behind the last one.
    fn part(&mut self, view: &impl Read, event: EventId) -> Result<bool, Error> {
        let doors = doors_in(view, event)?;
        let from = self.last.map(|last| (event, last));
        let mut rows = Vec::new();
        for kept in view.scan::<ScanBlock>(&event, from.as_ref(), Order::Ascending) {
            let ((_, first), block) = kept?;
            if first > self.end {
                break;
            }
            for line in block.lines {
                let Line::Scan(scan) = line else { continue };
                let annulled = self.annulled.get(&scan.id).map(|(at, _)| *at);
                rows.push(row(view, &doors, &mut self.names, &scan, annulled, &self.zone, &self.say)?);
            }
            self.last = Some(first);
            if rows.len() >= PART {
                self.draft.push(&rows)?;
                return Ok(true);
            }
        }
        self.draft.push(&rows)?;
        Ok(false)
    }
}

/// Names of those who scanned, looked up once.
#[derive(Default)]
struct Names(BTreeMap<By, String>);

impl Names {
    fn of(&mut self, view: &impl Read, by: By) -> Result<String, Error> {
        if let Some(name) = self.0.get(&by) {
            return Ok(name.clone());
        }
        let name = name_of(view, by)?.unwrap_or_default();
        self.0.insert(by, name.clone());
        Ok(name)
    }
}

fn row(
    view: &impl Read,
    doors: &super::list::Doors,
    names: &mut Names,
    scan: &Scan,
    annulled: Option<Time>,
    zone: &jiff::tz::TimeZone,
    say: &impl Fn(&str) -> String,
) -> Result<Vec<String>, Error> {
    let local = |at: Time| at.zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let name = match scan.ticket_here() {
        Some(key) => view.peek::<domain::Ticket, _>(&key, |ticket| ticket.name.as_str().to_owned())?,
        None => None,
    };
    let more = scan.more.as_deref();
    let yes = |is: bool| if is { say("Yes") } else { String::new() };
    let list = doors.list(scan.list).map_or(String::new(), |list| list.name.clone());
    Ok(vec![
        scan.id.to_string(),
        local(scan.scanned_at),
        local(scan.received_at),
        if list.is_empty() { say("Main list") } else { list },
        scan.gate.map_or(String::new(), |gate| doors.gate(gate).to_owned()),
        say(scan.direction.label()),
        name.unwrap_or_default(),
        scan.code.clone(),
        scan.verdict.code().to_owned(),
        scan.verdict.reason().map_or(String::new(), |reason| say(reason.label())),
        say(scan.way.label()),
        names.of(view, scan.by)?,
        yes(more.is_some_and(|more| more.forced)),
        yes(more.is_some_and(|more| more.offline)),
        scan.conflict().map_or(String::new(), |reason| say(reason.label())),
        annulled.map_or(String::new(), local),
    ])
}

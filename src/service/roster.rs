//! Registration lists in memory: the columns that lists sort and filter by, one roster per event that somebody looks at.
//! Derived data: built from the store, brought up to date by the numbers of changed tickets, dropped when it is not used.

use crate::{Actor, At, Ctx, Error};
use domain::{
    EventId, GroupId, Permission, SpaceId, Ticket, TicketId, TicketState, TicketTypeId, Time,
    field::AnswerValue,
    query::{Query, Within, Word},
};
use memchr::memmem::Finder;
use search::{plain, spoken};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Order, Read, SpaceView};

/// What a list needs of one registration.
#[derive(Debug, Clone)]
struct Row {
    ticket: TicketId,
    /// Name and company as they are compared, then pinyin and initials of the name.
    sought: Box<str>,
    /// What the list is sorted by name with.
    order: Box<str>,
    phone: Box<str>,
    /// Digits at the end of the phone number that stand in a masked one.
    seen: u8,
    at: i64,
    number: Box<str>,
    kind: TicketTypeId,
    group: Option<GroupId>,
    state: TicketState,
    collected: bool,
    /// Provinces and cities among the answers, as they read.
    region: Box<str>,
}

impl Row {
    fn of(ticket: &Ticket) -> Self {
        let spoken = spoken(&ticket.name);
        let mut sought = format!("{}\n{}", plain(&ticket.name), plain(&ticket.company));
        for reading in &spoken {
            sought.push('\n');
            sought.extend(reading.split(' '));
            sought.push('\n');
            sought.extend(reading.split(' ').filter_map(|syllable| syllable.chars().next()));
        }
        let order = spoken.into_iter().next().unwrap_or_default();
        Self {
            ticket: ticket.id,
            sought: sought.into(),
            order: order.into(),
            seen: ticket.phone.as_deref().map_or(0, |phone| {
                u8::try_from(domain::phone::masked(phone).rsplit('*').next().map_or(0, str::len)).unwrap_or(0)
            }),
            at: ticket.created_at.0,
            phone: ticket.phone.as_deref().unwrap_or("").into(),
            number: ticket.number.as_str().into(),
            kind: ticket.kind,
            group: ticket.group,
            state: ticket.state,
            collected: ticket.collected,
            region: regions(ticket).into(),
        }
    }
}

/// The regions among a registration's answers, one a line.
fn regions(ticket: &Ticket) -> String {
    let name = |answer: &domain::field::Answer| match &answer.value {
        AnswerValue::Region(_, name) => Some(name.to_lowercase()),
        AnswerValue::Plain(_) | AnswerValue::Sealed(_) | AnswerValue::Chosen(_) | AnswerValue::File(_) => None,
    };
    ticket.answers.iter().filter_map(name).collect::<Vec<_>>().join("\n")
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// When it was registered.
    #[default]
    Created,
    /// Name in pinyin order.
    Name,
    /// When the person checked in; those who did not come last.
    Entered,
}

/// Which state a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    /// All that hold a place.
    #[default]
    Active,
    /// Checked in.
    Entered,
    /// May come in and did not yet.
    Absent,
    /// Added by the secretariat and not collected yet (S0-47).
    Uncollected,
    /// In this state.
    State(TicketState),
    /// Whatever there is.
    All,
}

/// When somebody came in first, by ticket.
pub(crate) type Entered<'a> = dyn Fn(TicketId) -> Option<Time> + 'a;

/// What a list shows, and in which order.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// A query: words are parts of name, company, pinyin or initials; or of phone or ticket number when they are digits.
    pub text: String,
    /// Whether the asker sees phone numbers in full; otherwise they are found by their end alone.
    pub unmasked: bool,
    /// State.
    pub show: Show,
    /// Only this ticket type.
    pub kind: Option<TicketTypeId>,
    /// Only this group.
    pub group: Option<GroupId>,
    /// Only who gave this province or city as an answer; empty for all.
    pub region: String,
    /// Order.
    pub sort: SortBy,
    /// From the other end.
    pub descending: bool,
}

/// Names that a query may speak of beside what stands in the rows.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Groups with their names.
    pub groups: Vec<(GroupId, String)>,
    /// Ticket types with their names.
    pub kinds: Vec<(TicketTypeId, String)>,
    /// Name of the event.
    pub event: String,
}

impl Names {
    /// The names of an event.
    pub fn read(view: &impl Read, event: EventId) -> Result<Self, Error> {
        let mut names = Self { event: crate::event::load(view, event)?.name, ..Self::default() };
        for kept in view.scan::<domain::Group>(&event, None, Order::Ascending) {
            let ((_, id), group) = kept?;
            names.groups.push((id, group.name));
        }
        for kept in view.scan::<domain::TicketType>(&event, None, Order::Ascending) {
            let ((_, id), kind) = kept?;
            names.kinds.push((id, kind.name));
        }
        Ok(names)
    }
}

/// A word, made ready once for all rows.
struct Sought {
    within: Within,
    without: bool,
    /// As it was typed, folded.
    text: Finder<'static>,
    /// Its digits, when it has nothing else.
    digits: Option<String>,
    groups: Vec<GroupId>,
    kinds: Vec<TicketTypeId>,
    /// The event's name has it.
    event: bool,
}

impl Sought {
    fn of(word: &Word, names: &Names) -> Self {
        let text = plain(&domain::text::line(&word.text));
        let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '+')).collect();
        let digits = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit());
        let has = |name: &String| plain(name).contains(&text);
        Self {
            within: word.within,
            without: word.without,
            groups: names.groups.iter().filter(|(_, name)| has(name)).map(|(id, _)| *id).collect(),
            kinds: names.kinds.iter().filter(|(_, name)| has(name)).map(|(id, _)| *id).collect(),
            event: has(&names.event),
            digits: digits.then_some(bare),
            text: Finder::new(text.as_bytes()).into_owned(),
        }
    }

    fn is_in(&self, row: &Row, unmasked: bool) -> bool {
        let sought = |place: &str| self.text.find(place.as_bytes()).is_some();
        // Name and company stand in lines of their own, pinyin and initials behind them.
        let mut lines = row.sought.split('\n');
        let (name, company) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
        match self.within {
            Within::Anything => sought(&row.sought) || self.is_in_phone(row, unmasked) || self.is_in_number(row),
            Within::Name => sought(name) || lines.any(sought),
            Within::Company => sought(company),
            Within::Phone => self.is_in_phone(row, unmasked),
            Within::Group => row.group.is_some_and(|group| self.groups.contains(&group)),
            Within::Type => self.kinds.contains(&row.kind),
            Within::Region => sought(&row.region),
            Within::Event => self.event,
        }
    }

    fn is_in_phone(&self, row: &Row, unmasked: bool) -> bool {
        let Some(digits) = &self.digits else { return false };
        match unmasked {
            true => row.phone.contains(digits.as_str()),
            false => digits.len() > 2 && digits.len() <= usize::from(row.seen) && row.phone.ends_with(digits.as_str()),
        }
    }

    fn is_in_number(&self, row: &Row) -> bool {
        self.digits.as_ref().is_some_and(|digits| row.number.contains(digits.as_str()))
    }
}

/// A filter's query, made ready.
#[derive(Default)]
struct Ready {
    words: Vec<Sought>,
    after: Option<Time>,
    before: Option<Time>,
}

impl Ready {
    fn takes(&self, row: &Row, unmasked: bool) -> bool {
        self.after.is_none_or(|after| row.at >= after.0)
            && self.before.is_none_or(|before| row.at < before.0)
            && self.words.iter().all(|word| word.is_in(row, unmasked) != word.without)
    }
}

impl Filter {
    /// The filter for what somebody may see of phone numbers.
    pub(crate) fn seen_by(&self, ctx: &Ctx, actor: &Actor, event: EventId) -> Self {
        let unmasked = ctx.permit(actor, Permission::PersonSensitive, At::Event(event)).is_ok();
        Self { unmasked, ..self.clone() }
    }

    fn takes(&self, row: &Row, ready: &Ready, entered: &Entered<'_>) -> bool {
        let shown = match self.show {
            Show::Active => row.state.holds_place(),
            Show::Entered => entered(row.ticket).is_some(),
            Show::Absent => row.state == TicketState::Active && entered(row.ticket).is_none(),
            Show::Uncollected => row.state == TicketState::Active && !row.collected,
            Show::State(state) => row.state == state,
            Show::All => true,
        };
        shown
            && self.kind.is_none_or(|kind| kind == row.kind)
            && self.group.is_none_or(|group| row.group == Some(group))
            && row.region.contains(self.region.as_str())
            && ready.takes(row, self.unmasked)
    }
}

/// The rows of one event.
#[derive(Debug, Default)]
struct Roster {
    rows: Vec<Row>,
    at: HashMap<TicketId, usize>,
    by_name: Vec<usize>,
    names_changed: bool,
    built: bool,
}

impl Roster {
    fn build(&mut self, view: &SpaceView, event: EventId) -> Result<(), Error> {
        for kept in view.scan::<Ticket>(&event, None, Order::Ascending) {
            self.set(Row::of(&kept?.1));
        }
        self.built = true;
        Ok(())
    }

    fn set(&mut self, row: Row) {
        if let Some(kept) = self.at.get(&row.ticket).and_then(|at| self.rows.get_mut(*at)) {
            self.names_changed |= kept.order != row.order;
            *kept = row;
            return;
        }
        self.at.insert(row.ticket, self.rows.len());
        self.by_name.push(self.rows.len());
        self.rows.push(row);
        self.names_changed = true;
    }

    fn refresh(&mut self, view: &SpaceView, event: EventId, changed: HashSet<TicketId>) -> Result<(), Error> {
        for ticket in changed {
            if let Some(ticket) = view.get::<Ticket>(&(event, ticket))? {
                self.set(Row::of(&ticket));
            }
        }
        if self.names_changed {
            let rows = &self.rows;
            let order = |at: &usize| rows.get(*at).map(|row| (&row.order, row.ticket));
            self.by_name.sort_by(|a, b| order(a).cmp(&order(b)));
            self.names_changed = false;
        }
        Ok(())
    }

    fn select(&self, filter: &Filter, query: &Query, names: &Names, entered: &Entered<'_>) -> Vec<TicketId> {
        // Made once: what a search prepares costs more than looking through so short a text.
        let words = query.words.iter().map(|word| Sought::of(word, names)).collect();
        let ready = Ready { words, after: query.after, before: query.before };
        let takes = |row: &&Row| filter.takes(row, &ready, entered);
        let mut found: Vec<&Row> = match filter.sort {
            SortBy::Name => self.by_name.iter().filter_map(|at| self.rows.get(*at)).filter(takes).collect(),
            SortBy::Created | SortBy::Entered => self.rows.iter().filter(takes).collect(),
        };
        if filter.sort == SortBy::Entered {
            found.sort_by_cached_key(|row| entered(row.ticket).map_or(i64::MAX, |at| at.0));
            let came = found.partition_point(|row| entered(row.ticket).is_some());
            if filter.descending
                && let Some(came) = found.get_mut(..came)
            {
                came.reverse();
            }
        } else if filter.descending {
            found.reverse();
        }
        found.into_iter().map(|row| row.ticket).collect()
    }
}

/// A roster with the tickets that changed since it was looked at.
#[derive(Debug, Default)]
struct Slot {
    roster: Mutex<Roster>,
    changed: Mutex<HashSet<TicketId>>,
}

/// A roster's place and the roster.
type Kept = ((SpaceId, EventId), Arc<Slot>);

/// The rosters of the events that somebody looks at.
#[derive(Debug, Default)]
pub struct Rosters {
    slots: Mutex<Vec<Kept>>,
}

/// How many rosters are kept; the one that was not used for longest goes.
const ROSTERS_MAX: usize = 4;
/// When more tickets changed than this, the roster is built anew.
const CHANGED_MAX: usize = 50_000;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rosters {
    /// Notes that a committed transaction changed a ticket.
    pub fn touch(&self, space: SpaceId, event: EventId, ticket: TicketId) {
        let mut slots = lock(&self.slots);
        let Some(at) = slots.iter().position(|(key, _)| *key == (space, event)) else { return };
        let full = slots.get(at).is_some_and(|(_, slot)| {
            let mut changed = lock(&slot.changed);
            changed.insert(ticket);
            changed.len() > CHANGED_MAX
        });
        if full {
            slots.remove(at);
        }
    }

    /// The tickets of a list in its order.
    pub fn select(
        &self,
        view: impl Fn() -> SpaceView,
        space: SpaceId,
        event: EventId,
        (filter, query, names): (&Filter, &Query, &Names),
        entered: &Entered<'_>,
    ) -> Result<Vec<TicketId>, Error> {
        let slot = self.slot(space, event);
        let mut roster = lock(&slot.roster);
        // The view is taken after the slot is known to writers: what is committed later is noted as changed.
        let changed = std::mem::take(&mut *lock(&slot.changed));
        let view = view();
        if !roster.built {
            roster.build(&view, event)?;
        }
        roster.refresh(&view, event, changed)?;
        Ok(roster.select(filter, query, names, entered))
    }

    fn slot(&self, space: SpaceId, event: EventId) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        let found = slots.iter().position(|(key, _)| *key == (space, event));
        let entry = match found {
            Some(at) => slots.remove(at),
            None => ((space, event), Arc::default()),
        };
        let slot = entry.1.clone();
        slots.push(entry);
        if slots.len() > ROSTERS_MAX {
            slots.remove(0);
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_pinyin() {
        let mut names = ["张三", "Bob", "李四", "阿明", "alice", "王五"];
        names.sort_by_key(|name| spoken(name));
        assert_eq!(names, ["阿明", "alice", "Bob", "李四", "王五", "张三"]);
    }

    #[test]
    fn a_filter_finds_by_name_pinyin_initials_phone_and_number() {
        let row = Row {
            ticket: TicketId(1),
            sought: "欧阳锋\n白驼山\nouyangfeng\noyf".into(),
            order: "ou yang feng".into(),
            phone: "+8613812345678".into(),
            seen: 4,
            at: 1_000,
            number: "123456789012".into(),
            kind: TicketTypeId(1),
            group: Some(GroupId(3)),
            state: TicketState::Active,
            collected: true,
            region: "浙江省 杭州市".into(),
        };
        let roster = Roster { rows: vec![row], ..Roster::default() };
        let names = Names {
            groups: vec![(GroupId(3), "贵宾".into())],
            kinds: vec![(TicketTypeId(1), "普通票".into())],
            event: "年会".into(),
        };
        let finds = |text: &str, unmasked: bool| {
            let filter = Filter { text: text.into(), unmasked, ..Filter::default() };
            let query = domain::query::parse(text, &jiff::tz::TimeZone::UTC).unwrap();
            roster.select(&filter, &query, &names, &|_| None).len() == 1
        };
        for (text, found) in [
            ("阳锋", true),
            ("OYF", true),
            ("歐陽", true),
            ("yangf", true),
            ("白驼", true),
            ("5678", true),
            ("138 1234", true),
            ("3456 7890", true),
            ("洪七公", false),
            ("999", false),
            ("", true),
            ("１３８", true),
            ("阳锋 -白驼", false),
            ("-洪七公", true),
            ("\"阳锋\"", true),
            ("name:白驼", false),
            ("单位:白驼", true),
            ("phone:1234", true),
            ("phone:7890", false),
            ("group:贵宾", true),
            ("group:媒体", false),
            ("type:普通", true),
            ("-type:普通", false),
            ("region:杭州", true),
            ("地区:浙江", true),
            ("城市：\"浙江省 杭州市\"", true),
            ("地区:宁波", false),
            ("-地区:宁波", true),
            ("杭州", false),
            ("event:年会", true),
            ("date:1970", true),
            ("after:1971-01-01", false),
        ] {
            assert_eq!(finds(text, true), found, "{text}");
        }
        for (text, found) in [("5678", true), ("678", true), ("8123", false), ("13812345678", false), ("-81234", true)]
        {
            assert_eq!(finds(text, false), found, "{text} masked");
        }
    }
}

//! Seats and tables (S0-43): how the seat text of a registration is read and written, the table plan, who sits where, what is wrong
//! there, and seating people by themselves. The text of the registration is the truth; a plan only says which tables there are.

use crate::{EventId, GroupId, Refusal, TicketId, problem, text::Form};
use rkyv::{Archive, Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Where somebody sits: a table and, when it has numbered places, the place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    /// Name of the table as it is compared: `3`, `A1`, `主桌`, `3排`.
    pub table: String,
    /// Place at the table, from 1.
    pub place: Option<u16>,
}

/// Longest name of a table in characters.
pub const TABLE_NAME_MAX: usize = 12;
/// Highest number of a place.
pub const PLACE_MAX: u16 = 9_999;

/// What stands between table and place.
const DASHES: [char; 6] = ['-', '–', '—', '－', '/', '#'];

/// Reads a seat text. `3`, `3桌`, `第3桌`, `03号桌` are table 3; `3-5`, `3桌5`, `3桌5座`, `3桌-5号` are its place 5; `主桌`, `A1` and `3排` are names.
/// Full-width forms and blanks do not matter. `None` for text that names no table in this way.
pub fn read(text: &str) -> Option<Seat> {
    let clean: String = text.chars().map(crate::text::half_width).filter(|c| !c.is_whitespace()).collect();
    let clean = clean.trim_start_matches('第').to_uppercase();
    by_mark(&clean).or_else(|| by_dash(&clean)).or_else(|| whole(&clean))
}

/// `3桌5座`: split behind the last mark of a table or row whose rest is a place.
fn by_mark(text: &str) -> Option<Seat> {
    let (at, mark) = text.char_indices().rev().find(|(_, c)| matches!(c, '桌' | '台' | '排'))?;
    let (left, rest) = (text.get(..at)?, text.get(at + mark.len_utf8()..)?);
    let place = place(rest.trim_start_matches(DASHES))?;
    let number = left.strip_suffix('号').unwrap_or(left);
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_alphanumeric());
    // A row is something else than a table of the same number; what is called by a word keeps the word.
    let name = if plain && mark != '排' { number.to_owned() } else { format!("{left}{mark}") };
    if left.is_empty() {
        return None;
    }
    Some(Seat { table: table_name(&name)?, place })
}

/// `3-5`.
fn by_dash(text: &str) -> Option<Seat> {
    let (left, rest) = text.rsplit_once(DASHES)?;
    let place = place(rest)?;
    place?;
    Some(Seat { table: table_name(left)?, place })
}

fn whole(text: &str) -> Option<Seat> {
    Some(Seat { table: table_name(text)?, place: None })
}

/// `Some(None)` for no place, `None` for what is no place.
fn place(text: &str) -> Option<Option<u16>> {
    if text.is_empty() {
        return Some(None);
    }
    let text = text.strip_prefix('第').unwrap_or(text);
    let text = text.trim_end_matches(['座', '位', '席']);
    let digits = text.strip_suffix('号').unwrap_or(text);
    let plain = !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit());
    let number = digits.parse().ok().filter(|n| plain && *n >= 1 && *n <= PLACE_MAX)?;
    Some(Some(number))
}

/// A table's name as it is compared: numbers without leading zeros, no dash within.
fn table_name(text: &str) -> Option<String> {
    let text = match text.strip_suffix('号') {
        Some(number) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => number,
        _ => text,
    };
    let number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let text = if number { text.trim_start_matches('0') } else { text };
    let fits = !text.is_empty() && text.chars().count() <= TABLE_NAME_MAX && !text.contains(DASHES);
    fits.then(|| text.to_owned())
}

/// A table as people read it: `3桌`, `主桌`.
pub fn table_label(table: &str) -> String {
    if table.bytes().all(|b| b.is_ascii_digit()) { format!("{table}桌") } else { table.to_owned() }
}

/// The text that is kept: `3桌`, `3-5`, `主桌`, `主桌-5`.
impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(place) => write!(f, "{}-{place}", self.table),
            None => f.write_str(&table_label(&self.table)),
        }
    }
}

/// What a table looks like on the plan.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// A round table.
    #[default]
    Round,
    /// A square one.
    Square,
    /// A long one, or a row of chairs.
    Long,
}

impl Shape {
    /// Every shape.
    pub const ALL: &[Self] = &[Self::Round, Self::Square, Self::Long];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Round => "round",
            Self::Square => "square",
            Self::Long => "long",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Round => "Round table",
            Self::Square => "Square",
            Self::Long => "Long, or a row",
        }
    }

    /// The shape of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|shape| shape.code() == code)
    }
}

/// A table of the plan.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct SeatTable {
    /// Number within the plan, never given again.
    pub id: u16,
    /// Name as it is compared, unique in the plan.
    pub name: String,
    /// How many sit there, 1 to [`SEATS_MAX`].
    pub seats: u16,
    /// What it looks like.
    pub shape: Shape,
    /// Middle, from the left, 0 to [`PLAN_WIDTH`].
    pub x: u16,
    /// Middle, from the top, 0 to [`PLAN_HEIGHT`].
    pub y: u16,
}

/// The table plan of an event; tables in the order they are filled.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct SeatPlan {
    /// The event.
    pub event: EventId,
    /// Its tables.
    pub tables: Vec<SeatTable>,
    /// The number the next new table gets.
    pub next: u16,
    /// Raised by each change; a form that was opened on an older one is refused.
    pub revision: u32,
}

/// Counts changes of who sits where, so that two who seat people at a time do not overfill a table.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Seating {
    /// The event.
    pub event: EventId,
    /// Changes so far.
    pub turn: u64,
}

/// Width of a plan in its own units.
pub const PLAN_WIDTH: u16 = 1_200;
/// Height of a plan.
pub const PLAN_HEIGHT: u16 = 800;
/// Most tables of a plan.
pub const TABLES_MAX: usize = 300;
/// Most seats of one table or row.
pub const SEATS_MAX: u16 = 500;

impl SeatPlan {
    /// A plan without tables.
    pub fn of(event: EventId) -> Self {
        Self { event, tables: Vec::new(), next: 1, revision: 0 }
    }

    /// The table of that name.
    pub fn table(&self, name: &str) -> Option<&SeatTable> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// One row of the plan's form, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableInput {
    /// Number of the table.
    pub id: u16,
    /// Name.
    pub name: String,
    /// Seats.
    pub seats: String,
    /// Code of a [`Shape`].
    pub shape: String,
    /// From the left.
    pub x: String,
    /// From the top.
    pub y: String,
    /// It goes away.
    pub remove: bool,
}

fn number(form: &mut Form, field: &str, text: &str, ends: (u16, u16)) -> u16 {
    let plain: String = text.trim().chars().map(crate::text::half_width).collect();
    // What is dragged lies between two numbers.
    let read =
        plain.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= f64::from(ends.0) && *n <= f64::from(ends.1));
    match read {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(n) => n.round() as u16,
        None => {
            form.wrong(problem!(field, "Give a number from {from} to {to}.", from = ends.0, to = ends.1));
            ends.0
        }
    }
}

/// A name typed for a table, as it is compared.
fn checked_name(form: &mut Form, field: &str, typed: &str) -> String {
    match read(typed) {
        Some(Seat { table, place: None }) => table,
        _ => {
            form.wrong(problem!(
                field,
                "Give a number or a short name such as 3, A1 or 主桌, at most {max} characters and without a dash.",
                max = TABLE_NAME_MAX
            ));
            String::new()
        }
    }
}

/// Checks the form of a plan against the plan as it was; rows of tables that are gone are passed over.
pub fn check_plan(rows: &[TableInput], old: &SeatPlan) -> Result<SeatPlan, Refusal> {
    let mut form = Form::default();
    let mut names = BTreeSet::new();
    let mut tables = Vec::with_capacity(old.tables.len());
    for kept in &old.tables {
        let Some(row) = rows.iter().find(|row| row.id == kept.id) else {
            tables.push(kept.clone());
            continue;
        };
        if row.remove {
            continue;
        }
        let at = |part: &str| format!("table-{}-{part}", row.id);
        let name = checked_name(&mut form, &at("name"), &row.name);
        if !name.is_empty() && !names.insert(name.clone()) {
            form.wrong(problem!(at("name"), "Another table has this name already."));
        }
        tables.push(SeatTable {
            id: kept.id,
            name,
            seats: number(&mut form, &at("seats"), &row.seats, (1, SEATS_MAX)),
            shape: Shape::parse(&row.shape).unwrap_or(kept.shape),
            x: number(&mut form, &at("x"), &row.x, (0, PLAN_WIDTH)),
            y: number(&mut form, &at("y"), &row.y, (0, PLAN_HEIGHT)),
        });
    }
    form.done(SeatPlan { tables, revision: old.revision + 1, ..old.clone() })
}

/// What the form for new tables takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewTables {
    /// How many.
    pub count: String,
    /// Seats of each.
    pub seats: String,
    /// Code of a [`Shape`].
    pub shape: String,
    /// Name when it is one; empty: the next free numbers.
    pub name: String,
}

/// Adds tables, numbered on, laid out in rows of eight below each other.
pub fn add_tables(input: &NewTables, old: &SeatPlan) -> Result<SeatPlan, Refusal> {
    let mut form = Form::default();
    let count = number(&mut form, "count", &input.count, (1, 100));
    let seats = number(&mut form, "seats", &input.seats, (1, SEATS_MAX));
    let shape = Shape::parse(&input.shape).unwrap_or_default();
    let named = if input.name.trim().is_empty() { None } else { Some(checked_name(&mut form, "name", &input.name)) };
    if named.is_some() && count > 1 {
        form.wrong(problem!("name", "Several tables get numbers; leave the name empty."));
    }
    if let Some(name) = named.as_ref().filter(|name| old.table(name).is_some()) {
        form.wrong(problem!("name", "There is a table “{name}” already.", name = table_label(name)));
    }
    if old.tables.len() + usize::from(count) > TABLES_MAX {
        form.wrong(problem!("count", "A plan can have at most {max} tables.", max = TABLES_MAX));
    }
    form.done(())?;
    let mut plan = SeatPlan { revision: old.revision + 1, ..old.clone() };
    for _ in 0..count {
        let name = named.clone().unwrap_or_else(|| free_number(&plan));
        let (x, y) = free_spot(&plan);
        plan.tables.push(SeatTable { id: plan.next, name, seats, shape, x, y });
        plan.next = plan.next.saturating_add(1);
    }
    Ok(plan)
}

fn free_number(plan: &SeatPlan) -> String {
    let taken: BTreeSet<&str> = plan.tables.iter().map(|table| table.name.as_str()).collect();
    (1u32..).map(|n| n.to_string()).find(|name| !taken.contains(name.as_str())).unwrap_or_default()
}

/// The first spot of a grid of eight by five at which no table stands; tables beyond that lie on top of each other.
fn free_spot(plan: &SeatPlan) -> (u16, u16) {
    let spots = (0..5u16).flat_map(|row| (0..8u16).map(move |column| (75 + column * 150, 80 + row * 160)));
    let near = |a: u16, b: u16| a.abs_diff(b) < 70;
    let free = |(x, y): &(u16, u16)| !plan.tables.iter().any(|table| near(table.x, *x) && near(table.y, *y));
    spots.into_iter().find(free).unwrap_or((PLAN_WIDTH / 2, PLAN_HEIGHT / 2))
}

/// What the rules need of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// The ticket.
    pub ticket: TicketId,
    /// Its group.
    pub group: Option<GroupId>,
    /// Its seat text.
    pub seat: String,
    /// Not canceled.
    pub standing: bool,
}

/// Something that is wrong with who sits where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// Several people in one place.
    Twice(Seat, Vec<TicketId>),
    /// More people than seats: table, seats, people.
    Over(String, u16, usize),
    /// A seat text that names no table.
    Unreadable(TicketId),
    /// A table that is not on the plan.
    NoTable(TicketId, String),
    /// A place that the table does not have.
    NoPlace(TicketId, Seat),
    /// A canceled registration that still holds a seat.
    Canceled(TicketId),
}

/// Who sits at each table of a plan, in the order of the guests; people at other tables are left out.
pub fn seated<'a>(plan: &SeatPlan, guests: &'a [Guest]) -> BTreeMap<String, Vec<(&'a Guest, Option<u16>)>> {
    let mut all: BTreeMap<String, Vec<(&Guest, Option<u16>)>> = BTreeMap::new();
    for guest in guests.iter().filter(|guest| guest.standing && !guest.seat.is_empty()) {
        if let Some(seat) = read(&guest.seat).filter(|seat| plan.table(&seat.table).is_some()) {
            all.entry(seat.table).or_default().push((guest, seat.place));
        }
    }
    all
}

/// Everything that is wrong, by guest, then by table. Without a plan only places that are taken twice are wrong.
pub fn conflicts(plan: &SeatPlan, guests: &[Guest]) -> Vec<Conflict> {
    let mut found = Vec::new();
    let mut places: BTreeMap<Seat, Vec<TicketId>> = BTreeMap::new();
    let mut heads: BTreeMap<String, usize> = BTreeMap::new();
    for guest in guests.iter().filter(|guest| !guest.seat.is_empty()) {
        if !guest.standing {
            found.push(Conflict::Canceled(guest.ticket));
            continue;
        }
        let Some(seat) = read(&guest.seat) else {
            found.push(Conflict::Unreadable(guest.ticket));
            continue;
        };
        *heads.entry(seat.table.clone()).or_default() += 1;
        match plan.table(&seat.table) {
            None if !plan.tables.is_empty() => found.push(Conflict::NoTable(guest.ticket, seat.table.clone())),
            Some(table) if seat.place.is_some_and(|place| place > table.seats) => {
                found.push(Conflict::NoPlace(guest.ticket, seat.clone()));
            }
            _ => {}
        }
        if seat.place.is_some() {
            places.entry(seat).or_default().push(guest.ticket);
        }
    }
    found.extend(places.into_iter().filter(|(_, all)| all.len() > 1).map(|(seat, all)| Conflict::Twice(seat, all)));
    for table in &plan.tables {
        let head = heads.get(&table.name).copied().unwrap_or(0);
        if head > usize::from(table.seats) {
            found.push(Conflict::Over(table.name.clone(), table.seats, head));
        }
    }
    found
}

/// How people are seated by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct How {
    /// Everybody gets up first; otherwise who sits stays.
    pub anew: bool,
    /// Places at the table are numbered too.
    pub places: bool,
}

/// A table with room, while people are being seated.
struct Room<'a> {
    table: &'a SeatTable,
    free: usize,
    taken: BTreeSet<u16>,
    groups: BTreeSet<GroupId>,
}

impl Room<'_> {
    fn sit(&mut self, group: Option<GroupId>, how: How) -> Seat {
        self.free = self.free.saturating_sub(1);
        self.groups.extend(group);
        let place = how.places.then(|| (1..=self.table.seats).find(|place| !self.taken.contains(place))).flatten();
        self.taken.extend(place);
        Seat { table: self.table.name.clone(), place }
    }
}

/// Seats everybody who stands. Larger groups come first; a group goes to its own people's tables, then to the table that it fills best, and is
/// divided only when no table holds what is left of it. Who has no group fills up what is left, in the order of the tables. Never more
/// people than seats; who finds none is not in the answer. The same people and plan always yield the same seats.
pub fn arrange(plan: &SeatPlan, guests: &[Guest], how: How) -> Vec<(TicketId, Seat)> {
    let sitting = if how.anew { BTreeMap::new() } else { seated(plan, guests) };
    let mut rooms: Vec<Room<'_>> = plan.tables.iter().map(|table| room(table, sitting.get(&table.name))).collect();
    let mut groups: BTreeMap<GroupId, Vec<TicketId>> = BTreeMap::new();
    let mut single = Vec::new();
    for guest in guests.iter().filter(|guest| guest.standing && (how.anew || guest.seat.is_empty())) {
        match guest.group {
            Some(group) => groups.entry(group).or_default().push(guest.ticket),
            None => single.push(guest.ticket),
        }
    }
    let mut order: Vec<(GroupId, Vec<TicketId>)> = groups.into_iter().collect();
    order.sort_by_key(|(group, members)| (std::cmp::Reverse(members.len()), *group));
    let mut seats = Vec::new();
    for (group, mut members) in order {
        members.sort_unstable();
        let mut left = members.as_slice();
        while let Some(at) = best(&rooms, group, left.len())
            && let Some(room) = rooms.get_mut(at)
        {
            let (now, later) = left.split_at(left.len().min(room.free));
            seats.extend(now.iter().map(|ticket| (*ticket, room.sit(Some(group), how))));
            left = later;
        }
    }
    single.sort_unstable();
    for ticket in single {
        let Some(room) = rooms.iter_mut().find(|room| room.free > 0) else { break };
        seats.push((ticket, room.sit(None, how)));
    }
    seats
}

fn room<'a>(table: &'a SeatTable, sitting: Option<&Vec<(&Guest, Option<u16>)>>) -> Room<'a> {
    let sitting = sitting.map_or(&[][..], Vec::as_slice);
    Room {
        table,
        free: usize::from(table.seats).saturating_sub(sitting.len()),
        taken: sitting.iter().filter_map(|(_, place)| *place).collect(),
        groups: sitting.iter().filter_map(|(guest, _)| guest.group).collect(),
    }
}

/// The table for `many` of a group: one where its people sit, else the smallest that holds all, else the one with the most room.
fn best(rooms: &[Room<'_>], group: GroupId, many: usize) -> Option<usize> {
    let open = || rooms.iter().enumerate().filter(|(_, room)| room.free > 0 && many > 0);
    let own = open().find(|(_, room)| room.groups.contains(&group));
    let whole = || open().filter(|(_, room)| room.free >= many).min_by_key(|(at, room)| (room.free, *at));
    let most = || open().max_by_key(|(at, room)| (room.free, std::cmp::Reverse(*at)));
    own.or_else(whole).or_else(most).map(|(at, _)| at)
}

#[cfg(test)]
mod test;

//! The table plan of an event: conflicts, the plan, people with and without a seat, and the plan for the printer (S0-43).

mod drawing;

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        empty,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        list::query,
        notice,
    },
    format::count,
    layout::{Tone, sheet},
    text::Text,
};
use domain::{
    Event, Group, GroupId, Refusal, TicketId,
    seat::{Conflict, NewTables, SeatPlan, Shape, TableInput, table_label},
};
use drawing::drawing;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Somebody on the page.
#[derive(Debug, Clone)]
pub struct Person {
    /// The ticket.
    pub ticket: TicketId,
    /// Name.
    pub name: String,
    /// Group.
    pub group: Option<GroupId>,
    /// Seat text.
    pub seat: String,
}

/// Everything that the page shows.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// The plan.
    pub plan: &'a SeatPlan,
    /// Groups.
    pub groups: &'a [Group],
    /// People at each table of the plan, by its name.
    pub tables: &'a BTreeMap<String, Vec<Person>>,
    /// People without a seat who fit the filter, as many as are shown.
    pub standing: &'a [Person],
    /// How many without a seat fit the filter.
    pub waiting: usize,
    /// What is wrong, with the names of whom it concerns.
    pub conflicts: &'a [(Conflict, Vec<Person>)],
    /// Part of a name that is filtered by.
    pub q: &'a str,
    /// Group that is filtered by.
    pub group: &'a str,
    /// Whether the reader may change seats.
    pub may_manage: bool,
    /// The plan's form as typed, when it comes back.
    pub typed: &'a [TableInput],
    /// The form of new tables as typed.
    pub new: &'a NewTables,
    /// What was wrong with one of the forms.
    pub refusal: Option<&'a Refusal>,
}

impl Page<'_> {
    fn heads(&self) -> BTreeMap<String, usize> {
        self.tables.iter().map(|(name, people)| (name.clone(), people.len())).collect()
    }

    fn group(&self, id: Option<GroupId>) -> &str {
        self.groups.iter().find(|group| Some(group.id) == id).map_or("", |group| group.name.as_str())
    }
}

/// The page.
pub fn page(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/seat", of.event.id);
    let form = Form::new(text, of.refusal);
    let content = html! {
        (form.summary())
        @if !of.conflicts.is_empty() { (conflicts(text, of)) }
        @if of.plan.tables.is_empty() {
            (empty(text.t("No tables yet"), text.t("Add tables below. Seats that came with a list are already on the registrations; the plan shows them once their tables are here."), None))
        } @else {
            div class="actions" { a class="button" href={ (base) "/print" } { (icon(Icon::Print)) (text.t("Print the plan and the lists")) } }
            @if of.may_manage { p class="dim" { (text.t("Drag a table, or choose it and use the arrow keys, or type its place below; then save. Drag people onto a table by their handle, or tick them and choose the table.")) } }
            (people(shell, of, &base))
        }
        @if of.may_manage {
            @if !of.plan.tables.is_empty() { (auto(text, &base)) (tables(text, &form, of, &base)) }
            (new_tables(text, &form, of, &base))
        }
    };
    event_page(shell, of.event, Tab::Seats, &["seat.js"], &content)
}

/// Conflicts that stand above the plan; more of them would hide it.
const CONFLICTS_AT_ONCE: usize = 5;
/// Further ones that can be unfolded.
const CONFLICTS_SHOWN: usize = 50;

fn conflicts(text: Text, of: &Page<'_>) -> Markup {
    html! {
        section class="notice tone-warn" aria-label=(text.t("Conflicts of seats")) {
            (icon(Icon::Warn))
            div {
                h2 { (text.t("Conflicts of seats")) }
                ul { @for one in of.conflicts.iter().take(CONFLICTS_AT_ONCE) { (conflict(text, of, one)) } }
                @let more = of.conflicts.len().saturating_sub(CONFLICTS_AT_ONCE);
                @if more > 0 {
                    details {
                        summary { (text.f("{count} more", &[("count", &more)])) }
                        ul {
                            @for one in of.conflicts.iter().skip(CONFLICTS_AT_ONCE).take(CONFLICTS_SHOWN) { (conflict(text, of, one)) }
                            @if more > CONFLICTS_SHOWN { li { (text.f("{count} more", &[("count", &(more - CONFLICTS_SHOWN))])) } }
                        }
                    }
                }
            }
        }
    }
}

fn conflict(text: Text, of: &Page<'_>, (conflict, people): &(Conflict, Vec<Person>)) -> Markup {
    html! {
        li {
            (says(text, conflict)) " "
            @for (at, person) in people.iter().take(12).enumerate() {
                @if at > 0 { ", " }
                a href={ "/admin/event/" (of.event.id) "/registration/" (person.ticket) } { (person.name) }
            }
        }
    }
}

/// A conflict in words.
pub fn says(text: Text, conflict: &Conflict) -> String {
    match conflict {
        Conflict::Twice(seat, _) => text.f("Several people in the seat {seat}:", &[("seat", seat)]),
        Conflict::Over(table, seats, people) => text.f(
            "{table} has {seats} seats and {people} people.",
            &[("table", &table_label(table)), ("seats", seats), ("people", people)],
        ),
        Conflict::Unreadable(_) => text.t("A seat text that names no table:").to_owned(),
        Conflict::NoTable(_, table) => text.f("{table} is not on the plan:", &[("table", &table_label(table))]),
        Conflict::NoPlace(_, seat) => text.f("There is no place {seat}:", &[("seat", seat)]),
        Conflict::Canceled(_) => text.t("Canceled, but still with a seat:").to_owned(),
    }
}

fn person(of: &Page<'_>, person: &Person, showing_seat: bool) -> Markup {
    let group = of.group(person.group);
    html! {
        li data-person=(person.ticket) {
            @if of.may_manage { span class="grip" aria-hidden="true" { "⠿" } }
            label {
                @if of.may_manage { input type="checkbox" name="id" value=(person.ticket); }
                span { (person.name) }
                @if !group.is_empty() { span class="dim" { (group) } }
                @if showing_seat && person.seat.contains('-') { span class="dim" { (person.seat) } }
            }
        }
    }
}

fn people(shell: &Shell, of: &Page<'_>, base: &str) -> Markup {
    let text = shell.text();
    let form = Form::new(text, None);
    let groups: Vec<(String, String)> = std::iter::once((String::new(), text.t("All groups").to_owned()))
        .chain(of.groups.iter().map(|group| (group.id.to_string(), group.name.clone())))
        .collect();
    html! {
        form class="filter" method="get" action=(base) {
            (form.input(&Input { name: "q", label: text.t("Name"), value: of.q, kind: "search", ..Input::default() }))
            (form.select(&Input { name: "group", label: text.t("Group"), value: of.group, ..Input::default() }, &groups))
            button { (icon(Icon::Search)) (text.t("Filter")) }
        }
        form method="post" action={ (base) "/assign" } class="seating" data-seating {
            input type="hidden" name="back" value=(query(base, &[("q", of.q), ("group", of.group)]));
            @if of.may_manage { (bar(text, of)) }
            div class="seat-plan" { (drawing(text, of.plan, &of.heads())) }
            section class="panel seat-waiting" {
                h2 { (text.t("Without a seat")) " " span class="dim" { (count(of.waiting as i64)) } }
                @if of.standing.is_empty() { p class="dim" { (text.t("Nobody")) } }
                ul class="seat-people" { @for one in of.standing { (person(of, one, false)) } }
                @if of.waiting > of.standing.len() { p class="dim" { (text.f("{count} more: filter by name or group.", &[("count", &(of.waiting - of.standing.len()))])) } }
            }
            div class="seat-tables" {
                @for table in &of.plan.tables {
                    @let sitting = of.tables.get(&table.name).map_or(&[][..], Vec::as_slice);
                    details class="panel" data-table=(table.id) open[sitting.len() > usize::from(table.seats)] {
                        summary { strong { (table_label(&table.name)) } " " span class="dim" { (sitting.len()) "/" (table.seats) } }
                        @if sitting.is_empty() { p class="dim" { (text.t("Nobody")) } }
                        ul class="seat-people" { @for one in sitting { (person(of, one, true)) } }
                    }
                }
            }
        }
    }
}

/// Where the ticked people go.
fn bar(text: Text, of: &Page<'_>) -> Markup {
    html! {
        div class="bulk seat-bar" {
            label { (text.t("Ticked people to")) " "
                select name="table" {
                    @for table in &of.plan.tables {
                        @let free = usize::from(table.seats).saturating_sub(of.tables.get(&table.name).map_or(0, Vec::len));
                        option value=(table.id) { (table_label(&table.name)) " · " (text.f("{count} free", &[("count", &free)])) }
                    }
                    option value="" { (text.t("No seat")) }
                }
            }
            label { (text.t("Place at the table")) " " input type="number" name="place" min="1" max="9999" class="short"; }
            button class="primary" { (icon(Icon::Check)) (text.t("Seat them")) }
        }
    }
}

fn auto(text: Text, base: &str) -> Markup {
    let form = Form::new(text, None);
    html! {
        section class="panel" {
            h2 { (text.t("Seat everybody by groups")) }
            p class="dim" { (text.t("Groups sit together as far as they fit, the largest first; who has no group fills up what is left. No table gets more people than seats.")) }
            form method="post" action={ (base) "/auto" } class="form" {
                (form.checkbox("places", text.t("Number the places too"), false))
                (form.checkbox("anew", text.t("Seat all anew; otherwise who has a seat keeps it"), false))
                button { (icon(Icon::People)) (text.t("Seat everybody")) }
            }
        }
    }
}

fn shapes(text: Text) -> Vec<(String, String)> {
    Shape::ALL.iter().map(|shape| (shape.code().to_owned(), text.t(shape.label()).to_owned())).collect()
}

/// The tables as rows of fields: what is dragged lands here and is saved from here.
fn tables(text: Text, form: &Form<'_>, of: &Page<'_>, base: &str) -> Markup {
    let shapes = shapes(text);
    html! {
        section class="panel" {
            h2 { (text.t("Tables")) }
            form method="post" action={ (base) "/plan" } class="stack" data-plan-form {
                input type="hidden" name="revision" value=(of.plan.revision);
                div hidden data-unsaved { (notice(Tone::Info, text.t("Tables were moved. Save to keep it."))) }
                div class="seat-rows" {
                    @for row in of.typed {
                        @let at = |part: &str| format!("table-{}-{part}", row.id);
                        fieldset class="seat-row" {
                            legend { (domain::seat::read(&row.name).map_or(row.name.clone(), |seat| table_label(&seat.table))) }
                            input type="hidden" name="table" value=(row.id);
                            (form.input(&Input { name: &at("name"), label: text.t("Table"), value: &row.name, max: 12, ..Input::default() }))
                            (form.input(&Input { name: &at("seats"), label: text.t("Seats"), value: &row.seats, kind: "number", ..Input::default() }))
                            (form.select(&Input { name: &at("shape"), label: text.t("Shape"), value: &row.shape, ..Input::default() }, &shapes))
                            (form.input(&Input { name: &at("x"), label: text.t("From the left"), value: &row.x, kind: "number", ..Input::default() }))
                            (form.input(&Input { name: &at("y"), label: text.t("From the top"), value: &row.y, kind: "number", ..Input::default() }))
                            (form.checkbox(&at("remove"), text.t("Delete"), row.remove))
                        }
                    }
                }
                (submit(text.t("Save the plan"), None))
            }
        }
    }
}

fn new_tables(text: Text, form: &Form<'_>, of: &Page<'_>, base: &str) -> Markup {
    html! {
        section class="panel" {
            h2 { (text.t("Add tables")) }
            form method="post" action={ (base) "/add" } class="form" {
                div class="pair" {
                    (form.input(&Input { name: "count", label: text.t("How many"), value: &of.new.count, kind: "number", required: true, ..Input::default() }))
                    (form.input(&Input { name: "seats", label: text.t("Seats of each"), value: &of.new.seats, kind: "number", required: true, ..Input::default() }))
                    (form.select(&Input { name: "shape", label: text.t("Shape"), value: &of.new.shape, ..Input::default() }, &shapes(text)))
                    (form.input(&Input { name: "name", label: text.t("Table name"), value: &of.new.name, max: 12, help: text.t("Only for a single table; otherwise they are numbered on."), ..Input::default() }))
                }
                button { (icon(Icon::Plus)) (text.t("Add")) }
            }
        }
    }
}

/// The plan, who sits at each table, and where everybody sits, for the printer.
pub fn print(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let mut all: Vec<(&str, &str)> =
        of.tables.values().flatten().map(|person| (person.name.as_str(), person.seat.as_str())).collect();
    all.sort_unstable();
    let content = html! {
        section class="print-page" {
            h2 { (of.event.name) " · " (text.t("Table plan")) }
            (drawing(text, of.plan, &of.heads()))
        }
        section class="print-page" {
            h2 { (of.event.name) " · " (text.t("Tables")) }
            div class="seat-lists" {
                @for table in &of.plan.tables {
                    @let sitting = of.tables.get(&table.name).map_or(&[][..], Vec::as_slice);
                    section { h3 { (table_label(&table.name)) " " span class="dim" { (sitting.len()) "/" (table.seats) } } ol { @for person in sitting { li { (person.name) @if person.seat.contains('-') { " " span class="dim" { (person.seat) } } } } } }
                }
            }
        }
        section class="print-page" {
            h2 { (of.event.name) " · " (text.t("Who sits where")) }
            ul class="seat-index" { @for (name, seat) in &all { li { span { (name) } span { (seat) } } } }
        }
    };
    sheet(shell, text.t("Table plan"), &content)
}

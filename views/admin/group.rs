//! The groups of an event (S0-36).

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        empty,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, query, table},
    },
    format::count,
};
use domain::{Event, Refusal, group::GroupRow};
use maud::{Markup, html};

/// The page.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// Its groups with their counts.
    pub rows: &'a [GroupRow],
    /// Whether the reader may change them.
    pub may_manage: bool,
    /// What stands in the form of a new one.
    pub typed: &'a str,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The groups with their counts; renaming, merging and deleting in place.
pub fn page(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/group", of.event.id);
    let mut heads =
        vec![Head::plain(text.t("Group")), Head::number(text.t("Registered")), Head::number(text.t("Checked in"))];
    if of.may_manage {
        heads.push(Head::plain(text.t("Change")));
    }
    let row = |row: &GroupRow| {
        let id = row.group.id.to_string();
        let people = query(&format!("/admin/event/{}/registration", of.event.id), &[("group", &id)]);
        let mut cells = vec![
            html! { a href=(people) { (row.group.name) } },
            html! { (count(row.registered)) },
            html! { (count(row.admitted)) },
        ];
        if of.may_manage {
            cells.push(change(shell, of, &base, row));
        }
        Row { id: None, name: row.group.name.clone(), cells }
    };
    let rows: Vec<Row> = of.rows.iter().map(row).collect();
    let form = Form::new(text, of.refusal);
    let content = html! {
        p class="dim" { (text.t("Groups such as staff or guests: for lists, seats, check-in rules and draws.")) }
        @if of.may_manage {
            (form.summary())
            form method="post" action=(base) class="filter" {
                (form.input(&Input { name: "group", label: text.t("New group"), value: of.typed, required: true, max: 40, ..Input::default() }))
                button class="primary" { (icon(Icon::Plus)) (text.t("Add")) }
            }
        }
        @if rows.is_empty() { (empty(text.t("No groups yet"), text.t("Add one here. People are put into groups on the list of registrations, or with an import."), None)) }
        @else { (table(text, text.t("Groups"), &heads, &rows, false)) }
    };
    event_page(shell, of.event, Tab::Groups, &[], &content)
}

fn change(shell: &Shell, of: &Page<'_>, base: &str, row: &GroupRow) -> Markup {
    let text = shell.text();
    let (id, name) = (row.group.id, &row.group.name);
    let others: Vec<&GroupRow> = of.rows.iter().filter(|other| other.group.id != id).collect();
    html! {
        div class="row" {
            details class="confirm" {
                summary class="button" aria-label={ (text.t("Rename")) " " (name) } { (text.t("Rename")) }
                form method="post" action={ (base) "/" (id) } class="calm" {
                    label { (text.t("Name of the group")) input type="text" name="group" value=(name) maxlength="40" required; }
                    button class="primary" { (text.t("Save")) }
                }
            }
            @if !others.is_empty() {
                details class="confirm" {
                    summary class="button" aria-label={ (text.t("Merge")) " " (name) } { (text.t("Merge")) }
                    form method="post" action={ (base) "/" (id) "/merge" } {
                        p { (text.f("All of “{name}” go over to the chosen group, and “{name}” goes away.", &[("name", name)])) }
                        label { (text.t("Into")) select name="into" { @for other in &others { option value=(other.group.id) { (other.group.name) } } } }
                        button class="danger" { (text.t("Merge")) }
                    }
                }
            }
            details class="confirm" {
                summary class="button danger" aria-label={ (text.t("Delete")) " " (name) } { (text.t("Delete")) }
                form method="post" action={ (base) "/" (id) "/remove" } {
                    p { (icon(Icon::Warn)) (text.f("The group “{name}” is deleted for good. Its {count} people stay registered, without a group.", &[("name", name), ("count", &row.registered)])) }
                    button class="danger" { (text.t("Delete for good")) }
                }
            }
        }
    }
}

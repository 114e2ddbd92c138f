//! Records of people that became one, each with the way back.

use crate::{
    Shell,
    component::{
        empty,
        icon::{Icon, icon},
        list::{Head, Row as Line, table},
    },
    format::phone,
    layout::admin,
};
use domain::{Person, Time};
use maud::{Markup, html};

/// Two records that became one.
pub struct Row {
    /// The record that is not used any more.
    pub from: Person,
    /// The record that stands for both.
    pub into: Person,
    /// When they became one.
    pub at: Time,
    /// Until when they can be two again.
    pub until: Time,
}

/// The list; phones in full where they may be seen so.
pub fn page(shell: &Shell, rows: &[Row], full: bool) -> Markup {
    let text = shell.text();
    let who = |person: &Person| {
        html! { span { (person.name) @if let Some(number) = &person.phone { " " span class="dim" { (phone(number, full)) } } } }
    };
    let heads = [
        Head::plain(text.t("Record that stands")),
        Head::plain(text.t("Record that was merged")),
        Head::plain(text.t("When")),
        Head::plain(text.t("Can be undone until")),
        Head::plain(text.t("Actions")),
    ];
    let line = |row: &Row| Line {
        id: None,
        name: row.into.name.clone(),
        cells: vec![
            who(&row.into),
            who(&row.from),
            html! { (shell.format.time(row.at)) },
            html! { (shell.format.date(row.until)) },
            undo(shell, row),
        ],
    };
    let lines: Vec<Line> = rows.iter().map(line).collect();
    let content = html! {
        h1 { (text.t("Merged records")) }
        p class="dim" { (text.t("When somebody proves a phone number or logs in through WeChat, two records of one person become one. If they were two people, make two records again.")) }
        @if lines.is_empty() { (empty(text.t("Nothing was merged"), text.t("Records appear here when a log-in makes two of them one."), None)) }
        @else { (table(text, text.t("Merged records"), &heads, &lines, false)) }
    };
    admin(shell, text.t("Merged records"), &[(text.t("Settings"), "/admin/space".into())], &[], &content)
}

fn undo(shell: &Shell, row: &Row) -> Markup {
    let text = shell.text();
    html! {
        details class="confirm" {
            summary class="button danger" { (text.t("Make two records")) }
            div class="sure" {
                p { (icon(Icon::Warn)) (text.t("What came from the merged record goes back to it. Both people are logged out and prove who they are anew.")) }
                form method="post" action={ "/admin/person/" (row.from.id) "/undo" } { button class="danger" { (text.t("Make two records")) } }
            }
        }
    }
}

//! The audit log.

use crate::{
    Shell,
    component::{
        empty,
        icon::{Icon, icon},
        list::{Head, Row, query, table},
    },
    layout::admin,
};
use domain::{AuditLine, SavedSearch, query::QUERY_MAX};
use maud::{Markup, html};

/// What the page shows.
pub struct Page<'a> {
    /// Lines with their numbers and who wrote them.
    pub lines: &'a [(u64, &'a AuditLine, &'a str)],
    /// The number of the line to go on before.
    pub next: Option<u64>,
    /// What the lines are found by.
    pub q: &'a str,
    /// Searches that the reader keeps.
    pub saved: &'a [SavedSearch],
}

/// The log.
pub fn log(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let heads = [
        Head::number(text.t("No.")),
        Head::plain(text.t("Time")),
        Head::plain(text.t("Who")),
        Head::plain(text.t("Did")),
        Head::plain(text.t("To")),
        Head::plain(text.t("Before")),
        Head::plain(text.t("After")),
    ];
    let rows: Vec<Row> = of
        .lines
        .iter()
        .map(|(number, line, who)| Row {
            id: None,
            name: number.to_string(),
            cells: vec![
                html! { (number) },
                html! { span class="whole" { (shell.format.date(line.at)) " " (shell.format.clock_seconds(line.at)) } },
                html! { span class="whole" { (who) } },
                html! { code { (line.action) } },
                html! { code { (line.subject) } },
                html! { div class="long" { (line.before) } },
                html! { div class="long" { (line.after) } },
            ],
        })
        .collect();
    let content = html! {
        h1 { (text.t("Audit log")) }
        p class="dim" { (text.t("Every change, by whom and when. Each block of lines carries the hash of the one before; “huiguan verify” checks the chain.")) }
        form class="filter" method="get" {
            div class="field grow" { label for="f-q" { (text.t("Who, what was done, to what, or a day")) } input id="f-q" name="q" type="search" value=(of.q) maxlength=(QUERY_MAX); }
            button { (icon(Icon::Search)) (text.t("Filter")) }
        }
        (crate::admin::search::saved(shell, of.saved, &query("/admin/audit", &[("q", of.q)]), !of.q.is_empty()))
        @if !rows.is_empty() { (table(text, text.t("Audit log"), &heads, &rows, false)) }
        @else if of.next.is_some() { p class="dim" { (text.t("Nothing found among the newest lines; older ones were not looked through yet.")) } }
        @else { (empty(text.t("Nothing found"), text.t("Try fewer words, another spelling, or take a filter away."), None)) }
        @if let Some(next) = of.next { a class="button" href=(query("/admin/audit", &[("q", of.q), ("before", &next.to_string())])) { (text.t("Older")) } }
    };
    admin(shell, text.t("Audit log"), &[], &[], &content)
}

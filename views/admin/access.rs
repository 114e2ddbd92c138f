//! Who saw phone numbers and identity cards in full.

use crate::{
    Shell,
    component::{
        empty,
        icon::{Icon, icon},
        list::{Head, Row, query, table},
    },
    layout::admin,
};
use domain::{AccessLine, PersonId, query::QUERY_MAX};
use maud::{Markup, html};

/// A line with its names.
pub struct Line<'a> {
    /// The line.
    pub line: &'a AccessLine,
    /// Who saw.
    pub who: &'a str,
    /// Names of the first people.
    pub names: &'a [(PersonId, String)],
    /// Name of the event.
    pub event: &'a str,
}

/// What the page shows.
pub struct Page<'a> {
    /// Lines, newest first.
    pub lines: &'a [Line<'a>],
    /// The number of the line to go on before.
    pub next: Option<u64>,
    /// What the lines are found by.
    pub q: &'a str,
    /// The person alone whose lines are shown.
    pub person: Option<PersonId>,
    /// The reader may open people.
    pub opens: bool,
}

fn place(code: &str) -> &str {
    match code {
        "person.export" => "Export of all data",
        "person.page" => "Page of a person",
        "registration.list" => "List of registrations",
        "registration.page" => "Page of a registration",
        "registration.export" => "Export of registrations",
        "order.list" => "List of orders",
        "order.page" => "Page of an order",
        "order.export" => "Export of orders",
        "registration.file" => "File of a registration",
        "invoice.export" => "Export of invoices",
        "waiting.list" => "Waiting list",
        "notice.list" => "Messages of an event",
        "notice.export" => "Export of messages that wait",
        "sms.log" => "Log of text messages",
        "message.log" => "Messages to a person",
        "blast.page" => "Messages to many",
        "member.list" => "List of members",
        "person.merges" => "Merged records",
        "draw.entrants" => "People of a draw",
        "draw.wins" => "Winners of a draw",
        "draw.entrants_export" => "Export of a draw’s list",
        "draw.wins_export" => "Export of winners",
        "talk.people" => "People of a talk",
        "talk.export" => "Export of a talk’s people",
        "search" => "Search",
        other => other,
    }
}

/// The log.
pub fn log(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let person = of.person.map_or(String::new(), |person| person.to_string());
    let heads = [
        Head::plain(text.t("Time")),
        Head::plain(text.t("Seen by")),
        Head::plain(text.t("Saw")),
        Head::plain(text.t("Whose")),
        Head::plain(text.t("Seen at")),
    ];
    let rows: Vec<Row> = of
        .lines
        .iter()
        .map(|of_line| {
            let seen: Vec<&str> = of_line.line.seen.iter().map(|seen| text.t(seen.label())).collect();
            let more = of_line.line.whose.count().saturating_sub(of_line.names.len() as u64);
            Row {
                id: None,
                name: of_line.line.id.to_string(),
                cells: vec![
                    html! { span class="whole" { (shell.format.date(of_line.line.at)) " " (shell.format.clock_seconds(of_line.line.at)) } },
                    html! { span class="whole" { (of_line.who) } },
                    html! { (seen.join("、")) },
                    html! {
                        @for (at, (id, name)) in of_line.names.iter().enumerate() {
                            @if at > 0 { "、" }
                            @if of.opens { a href={ "/admin/privacy/" (id) } { (name) } } @else { (name) }
                        }
                        @if more > 0 { " " (text.f("and {count} more", &[("count", &more)])) }
                    },
                    html! { (text.t(place(&of_line.line.place))) @if !of_line.event.is_empty() { br; span class="dim" { (of_line.event) } } },
                ],
            }
        })
        .collect();
    let content = html! {
        h1 { (text.t("Who saw numbers in full")) }
        p class="dim" { (text.t("Each time somebody is shown phone numbers or identity cards in full, or takes them along as a file. Lists and pages that are opened within half a minute are one line.")) }
        form class="filter" method="get" {
            @if of.person.is_some() { input type="hidden" name="person" value=(person); }
            div class="field grow" { label for="f-q" { (text.t("Who saw, whose, where, or a day")) } input id="f-q" name="q" type="search" value=(of.q) maxlength=(QUERY_MAX); }
            button { (icon(Icon::Search)) (text.t("Filter")) }
            @if of.person.is_some() { a class="button" href="/admin/access" { (text.t("Of everybody")) } }
        }
        @if !rows.is_empty() { (table(text, text.t("Who saw numbers in full"), &heads, &rows, false)) }
        @else if of.next.is_some() { p class="dim" { (text.t("Nothing found among the newest lines; older ones were not looked through yet.")) } }
        @else { (empty(text.t("Nothing found"), text.t("Try fewer words, another spelling, or take a filter away."), None)) }
        @if let Some(next) = of.next { a class="button" href=(query("/admin/access", &[("q", of.q), ("person", &person), ("before", &next.to_string())])) { (text.t("Older")) } }
    };
    admin(shell, text.t("Who saw numbers in full"), &[], &[], &content)
}

//! What leaves the box: entries with their state, and what may be done about those that did not get there.

use crate::{
    Shell,
    component::{
        badge, empty,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, query, table},
        stat,
    },
    format::count,
    layout::{Tone, admin},
};
use domain::{
    Outgoing, OutgoingId,
    outbox::{OutKind, OutState},
};
use maud::{Markup, html};

/// The page.
pub struct Page<'a> {
    /// Its entries, newest first.
    pub rows: &'a [Outgoing],
    /// Where the next page goes on.
    pub next: Option<OutgoingId>,
    /// Counts in the order of the states.
    pub counts: &'a [i64],
    /// Kinds to choose from.
    pub kinds: &'a [String],
    /// The chosen state.
    pub state: Option<OutState>,
    /// The chosen kind.
    pub kind: &'a str,
}

fn tone(state: OutState) -> Tone {
    match state {
        OutState::Waiting | OutState::Trying => Tone::Info,
        OutState::Sent => Tone::Good,
        OutState::Refused => Tone::Bad,
        OutState::Unsure | OutState::Expired => Tone::Warn,
        OutState::Dropped => Tone::Plain,
    }
}

/// The list.
pub fn list(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Time")),
        Head::plain(text.t("Way")),
        Head::plain(text.t("To whom")),
        Head::plain(text.t("About")),
        Head::plain(text.t("State")),
        Head::number(text.t("Attempts")),
        Head::plain(text.t("What was said")),
        Head::plain(text.t("Actions")),
    ];
    let rows: Vec<Row> = of.rows.iter().map(|entry| row(shell, of, entry)).collect();
    let content = html! {
        h1 { (text.t("Outbox")) }
        p class="dim" { (text.t("Everything that leaves the box, from the moment it was caused. What failed is tried again by itself as long as it is of use; what was perhaps sent waits for your decision, so that nobody gets it twice.")) }
        dl class="stats" {
            @for (state, number) in OutState::ALL.iter().zip(of.counts).filter(|(state, number)| **number > 0 || **state == OutState::Waiting) {
                (stat(text.t(state.label()), &count(*number), None))
            }
        }
        (choice(shell, of))
        @if rows.is_empty() { (empty(text.t("Nothing here"), text.t("Messages, webhooks and other calls to the outside appear here as soon as something causes them."), None)) }
        @else {
            (table(text, text.t("Outbox"), &heads, &rows, false))
            @if let Some(next) = of.next {
                a class="button" rel="next" href=(query("/admin/outbox", &[("state", of.state.map_or("", OutState::code)), ("kind", of.kind), ("before", &next.to_string())])) { (text.t("Older")) }
            }
        }
    };
    admin(shell, text.t("Outbox"), &[], &[], &content)
}

fn choice(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, None);
    let all = |label: &str| (String::new(), text.t(label).to_owned());
    let states: Vec<(String, String)> = std::iter::once(all("All states"))
        .chain(OutState::ALL.iter().map(|state| (state.code().to_owned(), text.t(state.label()).to_owned())))
        .collect();
    let kinds: Vec<(String, String)> = std::iter::once(all("All ways"))
        .chain(of.kinds.iter().map(|kind| (kind.clone(), text.t(OutKind::label(kind)).to_owned())))
        .collect();
    html! {
        form method="get" action="/admin/outbox" class="form" {
            div class="pair" {
                (form.select(&Input { name: "state", label: text.t("State"), value: of.state.map_or("", OutState::code), ..Input::default() }, &states))
                (form.select(&Input { name: "kind", label: text.t("Way"), value: of.kind, ..Input::default() }, &kinds))
            }
            button { (icon(Icon::Search)) (text.t("Filter")) }
        }
    }
}

fn row(shell: &Shell, of: &Page<'_>, entry: &Outgoing) -> Row {
    let text = shell.text();
    let again = !entry.payload.is_empty() && entry.state.is_final();
    let drop = matches!(entry.state, OutState::Waiting | OutState::Unsure | OutState::Refused | OutState::Expired);
    Row {
        id: None,
        name: entry.id.to_string(),
        cells: vec![
            html! { span class="whole" { (shell.format.short(entry.created_at)) } },
            html! { (text.t(OutKind::label(&entry.kind))) },
            html! { span class="whole" { (entry.target) } },
            html! { code { (entry.subject) } },
            html! { (badge(tone(entry.state), text.t(entry.state.label()))) },
            html! { (entry.attempts) },
            html! {
                div class="long" {
                    (entry.said)
                    @if entry.state == OutState::Waiting && entry.attempts > 0 { " " span class="dim" { (text.f("Next attempt {time}", &[("time", &shell.format.clock_seconds(entry.due_at))])) } }
                    @if !entry.reference.is_empty() { " " code { (entry.reference) } }
                }
            },
            html! {
                div class="row" {
                    @if again { (button(of, entry.id, "again", text.t("Send again"), Icon::Export)) }
                    @if drop { (button(of, entry.id, "drop", text.t("Do not send"), Icon::Cross)) }
                }
            },
        ],
    }
}

fn button(of: &Page<'_>, id: OutgoingId, act: &str, label: &str, symbol: Icon) -> Markup {
    html! {
        form method="post" action={ "/admin/outbox/" (id) "/" (act) } class="inline" {
            input type="hidden" name="state" value=(of.state.map_or("", OutState::code));
            input type="hidden" name="kind" value=(of.kind);
            button class="quiet" { (icon(symbol)) (label) }
        }
    }
}

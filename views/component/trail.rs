//! Messages to one person, each with how far it got: for the secretariat, and for the person.

use crate::{
    Shell,
    component::{
        badge,
        list::{Head, Row, table},
    },
    layout::Tone,
};
use domain::{Time, outbox::OutKind};
use maud::{Markup, html};

/// One message.
pub struct Trail {
    /// When it was written.
    pub at: Time,
    /// What it was, in the reader's language.
    pub title: String,
    /// What it says; empty where that is not shown.
    pub text: String,
    /// Name of the event.
    pub event: String,
    /// How far it got, in the reader's language, and why.
    pub state: (Tone, String, String),
    /// Ways that were taken: way, when, how it went, what the other side said.
    pub taken: Vec<(String, Time, String, String)>,
    /// Ways that were not: way and why, as English source text.
    pub passed: Vec<(String, String)>,
}

fn ways(shell: &Shell, of: &Trail) -> Markup {
    let text = shell.text();
    html! {
        // One element: on a phone each cell is a line of two.
        div {
        @for (way, at, state, said) in &of.taken {
            div { strong { (text.t(OutKind::label(way))) } " · " (state) " · " span class="dim whole" { (shell.format.short(*at)) } @if !said.is_empty() { " " code { (said) } } }
        }
        @for (way, why) in &of.passed { div class="dim" { (text.t(OutKind::label(way))) " · " (text.t(why)) } }
        @if of.taken.is_empty() && of.passed.is_empty() { span class="dim" { (text.t("No way was looked at yet.")) } }
        }
    }
}

fn state(of: &Trail) -> Markup {
    let (tone, label, why) = &of.state;
    html! { div { (badge(*tone, label)) @if !why.is_empty() { div class="dim" { (why) } } } }
}

/// The table of the secretariat.
pub fn rows(shell: &Shell, all: &[Trail]) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Written at")),
        Head::plain(text.t("Occasion")),
        Head::plain(text.t("Words")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Ways")),
    ];
    let rows: Vec<Row> = all
        .iter()
        .map(|one| Row {
            id: None,
            name: one.title.clone(),
            cells: vec![
                html! { span class="whole" { (shell.format.short(one.at)) } },
                html! { div { (one.title) @if !one.event.is_empty() { div class="dim" { (one.event) } } } },
                html! { (one.text) },
                state(one),
                ways(shell, one),
            ],
        })
        .collect();
    table(text, text.t("Messages"), &heads, &rows, false)
}

/// One below the other, for a phone.
pub fn cards(shell: &Shell, all: &[Trail]) -> Markup {
    html! {
        @for one in all {
            div class="panel" {
                p { strong { (one.title) } @if !one.event.is_empty() { " · " (one.event) } }
                @if !one.text.is_empty() { p { (one.text) } }
                div { (state(one)) " " span class="dim" { (shell.format.short(one.at)) } }
                (ways(shell, one))
            }
        }
    }
}

//! The check-in terminal: pairing and the door.

use crate::{
    Shell,
    component::{
        form::{Form, Input, submit},
        icon::{Icon, icon},
    },
    format::count,
    layout::{Tone, bare, terminal},
};
use domain::{Refusal, checkin::Reason};
use maud::{Markup, html};

/// The page that trades a pairing code for a paired terminal; with `auto` a browser does so by itself.
pub fn pair(shell: &Shell, code: &str, auto: bool, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        div class="panel" {
            h1 { (text.t("Pair this terminal")) }
            p class="dim" { (text.t("Scan the QR code on the page “Terminals” of your event, or type the pairing code below it.")) }
            (form.summary())
            form method="post" action="/terminal/pair" class="form" data-auto[auto] {
                (form.input(&Input { name: "code", label: text.t("Pairing code"), value: code, required: true, max: 40, ..Input::default() }))
                (submit(text.t("Pair"), None))
            }
        }
    };
    bare(shell, text.t("Pair this terminal"), &content)
}

/// The page of a terminal that was shut out.
pub fn revoked(shell: &Shell) -> Markup {
    let text = shell.text();
    let content = html! {
        div class="panel" {
            (crate::component::notice(Tone::Bad, text.t("This terminal is shut out")))
            p { (text.t("Ask the secretariat for a new pairing code.")) }
            a class="button" href="/terminal/pair" { (text.t("Pair this terminal")) }
        }
    };
    bare(shell, text.t("This terminal is shut out"), &content)
}

/// Counts of a door.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    /// Places taken.
    pub registered: i64,
    /// Checked in.
    pub admitted: i64,
    /// Refused scans.
    pub refused: i64,
}

/// The door.
pub struct Door<'a> {
    /// Name of the event.
    pub event: &'a str,
    /// Number of the event.
    pub id: u64,
    /// Name of the terminal or of whoever scans.
    pub device: &'a str,
    /// When entries are taken.
    pub window: Option<String>,
    /// Counts now.
    pub counts: Counts,
    /// The last scans, newest first: name, word, tone.
    pub recent: Vec<(String, String, Tone)>,
    /// Where live counts come from.
    pub live: String,
}

/// Everything the terminal's module says, by key.
fn texts(shell: &Shell) -> String {
    let text = shell.text();
    let mut pairs: Vec<(&str, &str)> =
        Reason::ALL.iter().map(|reason| (reason.code(), text.t(reason.label()))).collect();
    pairs.extend([
        ("admitted", text.t("Welcome")),
        ("misread", text.t("Misread code: scan again")),
        ("seat", text.t("Seat")),
        ("before", text.t("Checked in before:")),
        ("online", text.t("Connected")),
        ("offline", text.t("No connection: scans are kept and sent later")),
    ]);
    let quote = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
    let entries: Vec<String> = pairs.iter().map(|(key, value)| format!("\"{key}\":\"{}\"", quote(value))).collect();
    format!("{{{}}}", entries.join(","))
}

/// The terminal page.
pub fn door(shell: &Shell, of: &Door<'_>) -> Markup {
    let text = shell.text();
    let figure = |key: &str, label: &str, value: i64| html! { div { dt { (text.t(label)) } dd data-live=(key) { (count(value)) } } };
    let content = html! {
        div data-terminal data-event=(of.id) data-texts=(texts(shell)) {
            header class="door" data-live-source=(of.live) {
                div { h1 { (of.event) } p class="dim" { (of.device) @if let Some(window) = &of.window { " · " (window) } } }
                dl class="counts" { (figure("admitted", "Checked in", of.counts.admitted)) (figure("registered", "Registered", of.counts.registered)) (figure("refused", "Refused", of.counts.refused)) }
                p role="status" { span data-network class="badge tone-plain" { (text.t("Connected")) } span hidden { " " (text.t("Waiting:")) " " b data-waiting { "0" } } }
            }
            main id="content" {
                form class="scan" autocomplete="off" {
                    label class="visually-hidden" for="code" { (text.t("Scan or type a ticket number")) }
                    input id="code" name="code" inputmode="numeric" autocomplete="off" autocapitalize="off" spellcheck="false" placeholder=(text.t("Scan or type a ticket number")) autofocus;
                }
                section class="verdict" data-tone="plain" aria-live="assertive" {
                    span data-icon="good" hidden { (icon(Icon::Check)) }
                    span data-icon="warn" hidden { (icon(Icon::Warn)) }
                    span data-icon="bad" hidden { (icon(Icon::Cross)) }
                    p class="word" data-part="word" { (text.t("Ready")) }
                    p class="who" data-part="who" hidden {}
                    p class="more" data-part="more" hidden {}
                    p class="more" data-part="before" hidden {}
                }
            }
            footer {
                ul class="recent" aria-label=(text.t("Last scans")) {
                    @for (name, word, tone) in &of.recent { li class={ "badge tone-" (tone.class()) } { (name) " · " (word) } }
                }
            }
        }
    };
    terminal(shell, of.event, &content)
}

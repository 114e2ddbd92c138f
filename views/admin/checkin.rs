//! Check-in of an event: its time, terminals, and the scan log.

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        Confirm, badge, confirm,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, query, table},
        post, qr,
    },
    layout::Tone,
};
use domain::{Device, Event, Refusal, Time, device::DeviceState};
use maud::{Markup, html};

/// One line of the scan log.
pub struct LogLine {
    /// When.
    pub at: Time,
    /// Name on the ticket, or the code as it came.
    pub who: String,
    /// What the door said.
    pub word: String,
    /// How good that was.
    pub tone: Tone,
    /// Who scanned.
    pub by: String,
}

/// A pairing code that was just made; shown once.
pub struct Pairing<'a> {
    /// Name of the terminal.
    pub name: &'a str,
    /// The code.
    pub code: &'a str,
    /// The address that pairs whoever opens it.
    pub url: &'a str,
}

/// The page.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// Check-in time as local texts.
    pub window: (&'a str, &'a str),
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
    /// Terminals.
    pub devices: &'a [Device],
    /// A new pairing code.
    pub pairing: Option<Pairing<'a>>,
    /// Now, for the states of terminals.
    pub now: Time,
    /// Whether the reader may change the time.
    pub may_manage: bool,
    /// Whether the reader may pair terminals.
    pub may_pair: bool,
    /// Whether the reader may scan with this browser.
    pub may_scan: bool,
}

/// The check-in page.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let base = format!("/admin/event/{}", of.event.id);
    let content = html! {
        (form.summary())
        @if let Some(pairing) = &of.pairing { (pairing_panel(shell, pairing)) }
        div class="columns" {
            section class="panel" {
                h2 { (text.t("Check-in time")) }
                @if of.may_manage {
                    form method="post" action={ (base) "/checkin" } class="form" {
                        (form.input(&Input { name: "checkin_from", label: text.t("Begins"), value: of.window.0, kind: "datetime-local", required: true, ..Input::default() }))
                        (form.input(&Input { name: "checkin_to", label: text.t("Ends"), value: of.window.1, kind: "datetime-local", required: true, help: &text.f("At the latest when the event ends: {time}", &[("time", &shell.format.time(of.event.time.to))]), ..Input::default() }))
                        button class="primary" { (text.t("Save")) }
                    }
                } @else { p { @match &of.event.checkin { Some(window) => (shell.format.window(window)), None => (text.t("Not set")) } } }
            }
            section class="panel" {
                h2 { (text.t("Ways in")) }
                @if of.may_scan { p { a class="button primary" href={ "/terminal/" (of.event.id) } { (icon(Icon::Door)) (text.t("Scan with this browser")) } } }
                p { a class="button" href={ (base) "/scan" } { (icon(Icon::Log)) (text.t("Scan log")) } }
                p { a class="button" href={ (base) "/scan?show=refused" } { (icon(Icon::Warn)) (text.t("Failed scans")) } }
            }
        }
        @if of.may_pair { (devices(shell, of, &base, &form)) }
    };
    event_page(shell, of.event, Tab::Checkin, &[], &content)
}

fn pairing_panel(shell: &Shell, of: &Pairing<'_>) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h2 { (text.f("Pair “{name}”", &[("name", &of.name)])) }
            p { (text.t("Scan this with the terminal, or open the address there. It works once, within 15 minutes, and is not shown again.")) }
            div class="row" { (qr(of.url, text.t("Pairing code"))) div class="stack" { p class="code" { (of.code) } p { code { (of.url) } } } }
        }
    }
}

fn devices(shell: &Shell, of: &Page<'_>, base: &str, form: &Form<'_>) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Terminal")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Paired at")),
        Head::plain(text.t("Actions")),
    ];
    let rows: Vec<Row> = of.devices.iter().map(|device| {
        let state = device.state(of.now);
        let (tone, label) = match state {
            DeviceState::Waiting => (Tone::Info, "Waits for pairing"),
            DeviceState::Lapsed => (Tone::Plain, "Pairing code ended"),
            DeviceState::Paired => (Tone::Good, "Paired"),
            DeviceState::Revoked => (Tone::Bad, "Shut out"),
        };
        let acts = html! {
            @if state != DeviceState::Revoked {
                div class="row" {
                    (post(&format!("/admin/device/{}/renew", device.id), "quiet", text.t("New pairing code"), Icon::Key))
                    (confirm(&Confirm { label: text.t("Shut out"), warning: &text.f("The terminal “{name}” can do nothing any more, at once and for good.", &[("name", &device.name)]), action: &format!("/admin/device/{}/revoke", device.id), verb: text.t("Shut out for good") }))
                }
            }
        };
        Row {
            id: None,
            name: device.name.clone(),
            cells: vec![html! { (device.name) }, badge(tone, text.t(label)), html! { @if let Some(at) = device.paired_at { (shell.format.short(at)) } }, acts],
        }
    }).collect();
    html! {
        section class="stack" {
            h2 { (text.t("Terminals")) }
            form method="post" action={ (base) "/device" } class="filter" {
                (form.input(&Input { name: "name", label: text.t("Name of a new terminal, such as the door"), required: true, max: 40, ..Input::default() }))
                button { (icon(Icon::Plus)) (text.t("Set up a terminal")) }
            }
            @if !rows.is_empty() { (table(text, text.t("Terminals"), &heads, &rows, false)) }
        }
    }
}

/// The scan log; `next` is the number to go on below.
pub fn log(shell: &Shell, event: &Event, lines: &[LogLine], refused_only: bool, next: Option<u64>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/scan", event.id);
    let heads = [
        Head::plain(text.t("Time")),
        Head::plain(text.t("Who")),
        Head::plain(text.t("Verdict")),
        Head::plain(text.t("Scanned by")),
    ];
    let rows: Vec<Row> = lines
        .iter()
        .map(|line| Row {
            id: None,
            name: line.who.clone(),
            cells: vec![
                html! { (shell.format.date(line.at)) " " (shell.format.clock_seconds(line.at)) },
                html! { (line.who) },
                badge(line.tone, &line.word),
                html! { (line.by) },
            ],
        })
        .collect();
    let show = if refused_only { "refused" } else { "" };
    let content = html! {
        div class="row" {
            a class="button" href=(base) aria-current=[(!refused_only).then_some("true")] { (text.t("All scans")) }
            a class="button" href={ (base) "?show=refused" } aria-current=[refused_only.then_some("true")] { (text.t("Failed scans")) }
        }
        @if rows.is_empty() { p class="dim" { (text.t("Not scanned yet.")) } }
        @else { (table(text, text.t("Scan log"), &heads, &rows, false)) }
        @if let Some(next) = next { a class="button" href=(query(&base, &[("show", show), ("before", &next.to_string())])) { (text.t("Older")) } }
    };
    event_page(shell, event, Tab::Checkin, &[], &content)
}

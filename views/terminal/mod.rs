//! The check-in terminal: pairing, the door, the helper's list of people, a gate's screen.

use crate::{
    Shell,
    asset::url,
    component::{
        form::{Form, Input, submit},
        icon::{Icon, icon},
        list::query,
        notice,
    },
    format::count,
    layout::{Tone, bare, full, full_headed, paper_size, phone},
};
use domain::{
    Refusal,
    checkin::{Direction, Reason},
};
use maud::{Markup, html};
use serde_json::json;

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
            (notice(Tone::Bad, text.t("This terminal is shut out")))
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
    /// Inside now.
    pub inside: i64,
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
    /// Number and name of the list.
    pub list: (u64, &'a str),
    /// Name of the gate.
    pub gate: &'a str,
    /// Entry or exit.
    pub direction: Direction,
    /// When entries are taken.
    pub window: Option<String>,
    /// Counts now.
    pub counts: Counts,
    /// Whether people leave and come back at this list, so that it matters who is inside.
    pub comes_back: bool,
    /// The last scans, newest first: name, word, tone.
    pub recent: Vec<(String, String, Tone)>,
    /// Whether people may be looked for by name.
    pub may_search: bool,
    /// Whether it is a helper's phone.
    pub helper: bool,
    /// Numbers and names of the lists to choose from; empty for a terminal, which stands at one.
    pub lists: Vec<(u64, String)>,
    /// Size of the paper on which it prints a badge for whoever it lets in, in tenths of a millimetre; none: it prints nothing.
    pub badge: Option<(i32, i32)>,
    /// The page is shown inside WeChat, whose scanner it can use.
    pub wechat: bool,
}

/// Everything the terminal's module says, by key.
fn texts(shell: &Shell) -> String {
    let text = shell.text();
    let mut pairs: Vec<(&str, &str)> =
        Reason::ALL.iter().map(|reason| (reason.code(), text.t(reason.label()))).collect();
    pairs.extend([
        ("admitted", text.t("Welcome")),
        ("left", text.t("Goodbye")),
        ("misread", text.t("Misread code: scan again")),
        ("incomplete", text.t("Please answer first")),
        ("seat", text.t("Seat")),
        ("before", text.t("Checked in before:")),
        ("online", text.t("Connected")),
        ("offline", text.t("Alone: deciding by what this terminal knows")),
        ("blind", text.t("No connection, and nothing known yet: scans are kept and sent later")),
        ("kept", text.t("Kept: will be checked when the box answers")),
        ("alone", text.t("Decided alone")),
        ("rule", text.t("Not allowed here")),
        ("must", text.t("What must hold: {rule}")),
        ("undone", text.t("Taken back")),
        ("no_camera", text.t("This browser gives no camera to this page. Take a picture of the code instead.")),
        ("nobody", text.t("Nobody found")),
        ("came", text.t("Checked in")),
        ("unprinted", text.t("The badge was not printed: the box did not answer")),
        ("not_found", text.t("No code in this picture. Come closer and hold still.")),
    ]);
    json!(pairs.into_iter().collect::<std::collections::BTreeMap<_, _>>()).to_string()
}

/// The terminal page.
pub fn door(shell: &Shell, of: &Door<'_>) -> Markup {
    let text = shell.text();
    let live = query(&format!("/terminal/{}/live", of.id), &[("list", &of.list.0.to_string())]);
    let content = html! {
        div data-terminal data-event=(of.id) data-list=(of.list.0) data-direction=(of.direction.code()) data-texts=(texts(shell))
            data-door=(url("door.js")) data-store=(url("alone.js")) data-camera=(url("camera.js")) data-badge=[of.badge.map(|_| url("badge.js"))] data-wechat=[of.wechat.then(|| url("wechat.js"))] {
            header class="door" data-live-source=(live) {
                (place(shell, of))
                (figures(shell, of))
                p role="status" { span data-network class="badge tone-plain" { (text.t("Connected")) } span hidden { " " (text.t("Waiting:")) " " b data-waiting { "0" } } }
            }
            main id="content" {
                // Of this kind, a line end that comes before the module is there sends nothing and leaves the code standing.
                form class="scan" method="dialog" autocomplete="off" {
                    label class="visually-hidden" for="code" { (text.t("Scan or type a ticket number")) }
                    input id="code" name="code" inputmode="numeric" autocomplete="off" autocapitalize="off" spellcheck="false" placeholder=(text.t("Scan or type a ticket number")) autofocus[!of.helper];
                }
                (tools(shell, of))
                (verdict(shell))
            }
            footer {
                ul class="recent" aria-label=(text.t("Last scans")) {
                    @for (name, word, tone) in &of.recent { li class={ "badge tone-" (tone.class()) } { (name) " · " (word) } }
                }
            }
            @if of.badge.is_some() { div class="print-only" data-paper {} }
        }
    };
    let head = of.badge.map_or_else(|| html! {}, paper_size);
    full_headed(shell, of.event, &["terminal.js"], &head, &content)
}

fn place(shell: &Shell, of: &Door<'_>) -> Markup {
    let text = shell.text();
    let way = text.t(of.direction.label());
    html! {
        div {
            h1 { (of.event) }
            p class="dim" {
                (of.device) " · " (of.list.1) @if !of.gate.is_empty() { " · " (of.gate) } " · " b data-way { (way) }
                @if let Some(window) = &of.window { " · " (window) }
            }
            @if !of.lists.is_empty() {
                form method="get" action={ "/terminal/" (of.id) } class="filter" {
                    @if of.lists.len() > 1 {
                        label class="visually-hidden" for="f-list" { (text.t("Check-in list")) }
                        select id="f-list" name="list" { @for (id, name) in &of.lists { option value=(id) selected[*id == of.list.0] { (name) } } }
                    }
                    label class="visually-hidden" for="f-direction" { (text.t("Entry or exit")) }
                    select id="f-direction" name="direction" { @for way in [Direction::Entry, Direction::Exit] { option value=(way.code()) selected[way == of.direction] { (text.t(way.label())) } } }
                    button { (text.t("Stand here")) }
                }
            }
        }
    }
}

fn figures(shell: &Shell, of: &Door<'_>) -> Markup {
    let text = shell.text();
    let figure = |key: &str, label: &str, value: i64| html! { div { dt { (text.t(label)) } dd data-live=(key) { (count(value)) } } };
    html! {
        dl class="counts" {
            (figure("admitted", "Checked in", of.counts.admitted))
            @if of.comes_back { (figure("inside", "Inside now", of.counts.inside)) }
            (figure("registered", "Registered", of.counts.registered))
            (figure("refused", "Refused", of.counts.refused))
        }
    }
}

fn tools(shell: &Shell, of: &Door<'_>) -> Markup {
    let text = shell.text();
    html! {
        div class="tools" {
            @if of.wechat { button type="button" data-wechat-scan hidden { (icon(Icon::Search)) (text.t("Scan with WeChat")) } }
            button type="button" data-camera-open { (icon(Icon::Search)) (text.t("Scan with the camera")) }
            label class="button" data-picture hidden { (icon(Icon::Search)) (text.t("Take a picture of the code")) input type="file" accept="image/*" capture="environment" class="visually-hidden"; }
            @if of.may_search { button type="button" data-search-open { (icon(Icon::People)) (text.t("Find a person")) } }
            @if of.helper { a class="button" href={ "/terminal/" (of.id) "/people" } { (icon(Icon::Log)) (text.t("Who is registered")) } }
            @if of.badge.is_some() { button type="button" data-badge-again hidden { (icon(Icon::Print)) (text.t("Print the badge again")) } }
            button type="button" data-undo hidden { (icon(Icon::Cross)) (text.t("Take back the last one")) }
        }
        video data-video hidden muted playsinline aria-label=(text.t("Picture of the camera")) {}
        @if of.may_search {
            section class="panel find" data-search hidden {
                label for="find" { (text.t("Name, pinyin, company, seat or the end of a phone number")) }
                div class="row" { input id="find" type="search" autocomplete="off" maxlength="100"; button type="button" data-search-close { (icon(Icon::Cross)) (text.t("Close")) } }
                ul data-found {}
            }
        }
    }
}

fn verdict(shell: &Shell) -> Markup {
    let text = shell.text();
    html! {
        section class="verdict" data-tone="plain" aria-live="assertive" {
            span data-icon="good" hidden { (icon(Icon::Check)) }
            span data-icon="warn" hidden { (icon(Icon::Warn)) }
            span data-icon="bad" hidden { (icon(Icon::Cross)) }
            p class="word" data-part="word" { (text.t("Ready")) }
            img class="face" data-face alt=(text.t("Picture")) hidden;
            p class="who" data-part="who" hidden {}
            p class="more" data-part="more" hidden {}
            p class="door-note" data-part="note" hidden {}
            p class="more" data-part="before" hidden {}
            p class="more" data-part="alone" hidden {}
        }
        form class="form panel ask" data-ask hidden { div data-fields {} div class="submit" { button class="primary" { (text.t("Let in")) } } }
    }
}

/// A person on the helper's list.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct PersonRow {
    pub ticket: u64,
    pub name: String,
    pub more: String,
    pub phone: String,
    pub entered: Option<String>,
    /// The state of a ticket that lets nobody in.
    pub barred: Option<domain::TicketState>,
}

/// The helper's list of people (S0-62).
pub struct People<'a> {
    /// Name of the event.
    pub event: &'a str,
    /// Its number.
    pub id: u64,
    /// Counts now.
    pub counts: Counts,
    /// Orders that wait for review.
    pub pending: i64,
    /// What is looked for.
    pub text: &'a str,
    /// `registered`, `entered` or `waiting`.
    pub show: &'a str,
    /// The rows of this page.
    pub rows: Vec<PersonRow>,
    /// Page, from 0, rows of a page, and how many were found.
    pub pages: (usize, usize, usize),
    /// Begins the nonce of the buttons.
    pub nonce: &'a str,
}

/// The helper's list of people, with a button to check each of them in.
pub fn people(shell: &Shell, of: &People<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/terminal/{}/people", of.id);
    let at = |show: &str| query(&base, &[("q", of.text), ("show", show)]);
    let tab = |show: &'static str, label: &'static str, n: i64| {
        html! { a class="button" href=(at(show)) aria-current=[(of.show == show).then_some("true")] { (text.t(label)) @if n >= 0 { " " (count(n)) } } }
    };
    let (page, size, found) = of.pages;
    let content = html! {
        h1 { (of.event) }
        dl class="counts" data-live-source={ "/terminal/" (of.id) "/live" } {
            div { dt { (text.t("Registered")) } dd data-live="registered" { (count(of.counts.registered)) } }
            div { dt { (text.t("Checked in")) } dd data-live="admitted" { (count(of.counts.admitted)) } }
            div { dt { (text.t("Refused")) } dd data-live="refused" { (count(of.counts.refused)) } }
        }
        div class="row" {
            a class="button primary" href={ "/terminal/" (of.id) } { (icon(Icon::Door)) (text.t("Scan")) }
            @if of.pending > 0 { a class="button" href={ "/terminal/" (of.id) "/review" } { (icon(Icon::Check)) (text.t("Pending review")) " " (count(of.pending)) } }
        }
        div class="row" { (tab("registered", "All", -1)) (tab("waiting", "Not checked in", -1)) (tab("entered", "Checked in", -1)) }
        form method="get" action=(base) class="filter" {
            input type="hidden" name="show" value=(of.show);
            label class="visually-hidden" for="f-q" { (text.t("Search")) }
            input id="f-q" type="search" name="q" value=(of.text) maxlength="100" placeholder=(text.t("Name, pinyin, company, seat or the end of a phone number"));
            button { (icon(Icon::Search)) (text.t("Search")) }
        }
        @if of.rows.is_empty() { p class="dim" { (text.t("Nobody found")) } }
        ul class="people" { @for row in &of.rows { (person(shell, of, row)) } }
        @if found > size { (crate::component::list::pager(text, page, size, found, |page| query(&base, &[("q", of.text), ("show", of.show), ("page", &page.to_string())]))) }
    };
    phone(shell, of.event, &[], &content)
}

/// What waits for review, on a helper's phone (S0-62).
pub fn review(shell: &Shell, (event, id): (&str, u64), orders: &[domain::Order], found: usize) -> Markup {
    let text = shell.text();
    let base = format!("/terminal/{id}/review");
    let content = html! {
        h1 { (text.t("Pending review")) }
        p class="dim" { (event) " · " (count(i64::try_from(found).unwrap_or(i64::MAX))) }
        @if orders.is_empty() { p class="dim" { (text.t("Nothing waits for review.")) } }
        ul class="people" {
            @for order in orders {
                li {
                    div {
                        strong { (order.buyer.name) }
                        p class="dim" { (order.buyer.phone.as_deref().map_or(String::new(), domain::phone::masked)) " · " (shell.format.short(order.created_at)) }
                        p { @for (at, line) in order.lines.iter().enumerate() { @if at > 0 { "、" } (line.name) } }
                    }
                    div class="row" {
                        (crate::component::post(&format!("{base}/{}/approve", order.id), "primary", text.t("Approve"), Icon::Check))
                        (crate::admin::order::with_reason(shell, &format!("{base}/{}/refuse", order.id), "Refuse", "The places become free. The buyer reads the reason."))
                    }
                }
            }
        }
        div class="row" { a class="button" href={ "/terminal/" (id) "/people" } { (text.t("Back")) } }
    };
    phone(shell, text.t("Pending review"), &[], &content)
}

fn person(shell: &Shell, of: &People<'_>, row: &PersonRow) -> Markup {
    let text = shell.text();
    html! {
        li {
            div { strong { (row.name) } p class="dim" { (row.more) @if !row.phone.is_empty() { " · " (row.phone) } } }
            @if let Some(state) = row.barred { (crate::component::badge(crate::admin::registration::tone(state), text.t(state.label()))) }
            @else if let Some(at) = &row.entered { (crate::component::badge(Tone::Good, at)) }
            @else {
                form method="post" action={ "/terminal/" (of.id) "/pick" } {
                    input type="hidden" name="ticket" value=(row.ticket);
                    input type="hidden" name="nonce" value={ (of.nonce) "-" (row.ticket) };
                    input type="hidden" name="q" value=(of.text);
                    input type="hidden" name="show" value=(of.show);
                    button { (icon(Icon::Check)) (text.t("Check in")) }
                }
            }
        }
    }
}

/// What a gate's screen shows of the newest scan there.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Seen {
    /// Number of the scan; 0 before the first.
    pub scan: u64,
    pub word: String,
    pub tone: Option<Tone>,
    pub name: String,
}

/// The screen of a gate: the newest verdict, large, for gates whose scanner is attached to the box.
pub fn watch(shell: &Shell, event: &str, gate: &str, live: &str, seen: &Seen) -> Markup {
    let content = html! {
        div data-watch data-live-source=(live) {
            header class="door" { div { h1 { (gate) } p class="dim" { (event) } } }
            main id="content" {
                section class="verdict" data-tone=(seen.tone.map_or("plain", Tone::class)) aria-live="assertive" {
                    span data-icon="good" hidden { (icon(Icon::Check)) }
                    span data-icon="warn" hidden { (icon(Icon::Warn)) }
                    span data-icon="bad" hidden { (icon(Icon::Cross)) }
                    p class="word" data-live="word" { (seen.word) }
                    p class="who" data-live="name" { (seen.name) }
                }
            }
        }
    };
    full(shell, gate, &["watch.js"], &content)
}

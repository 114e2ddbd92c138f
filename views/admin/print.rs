//! Printing badges and seat cards: for whom, the sheets, the log, and what a registration shows of it.

use crate::{
    Shell,
    admin::{
        Tab, event_page,
        registration::{Filter, SHOWS},
    },
    component::{
        badge, empty,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, table},
        notice,
    },
    format::count,
    layout::Tone,
};
use domain::{
    Design, Event, Group, TicketType,
    print::{Occasion, RUN_MAX},
};
use maud::{Markup, html};

/// What is about to be printed.
pub struct Plan<'a> {
    /// The event.
    pub event: &'a Event,
    /// The design.
    pub design: &'a Design,
    /// Ticket types.
    pub kinds: &'a [TicketType],
    /// Groups.
    pub groups: &'a [Group],
    /// Whom the filter takes.
    pub filter: &'a Filter,
    /// How many it finds.
    pub found: usize,
    /// The part of them, from 0.
    pub part: usize,
    /// The first sheet.
    pub first: Option<String>,
}

/// The page that chooses whom to print for.
pub fn plan(shell: &Shell, of: &Plan<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/print/{}", of.event.id, of.design.id);
    let people = of.found.saturating_sub(of.part * RUN_MAX).min(RUN_MAX);
    let sheets = people.div_ceil(of.design.sheet.holds());
    let parts = of.found.div_ceil(RUN_MAX);
    let content = html! {
        div class="heading" {
            h2 { (text.f("Print “{name}”", &[("name", &of.design.name)])) }
            div class="actions" { a class="button" href={ "/admin/event/" (of.event.id) "/design/" (of.design.id) } { (icon(Icon::Edit)) (text.t("Change the design")) } }
        }
        (filter(shell, of, &base))
        @if people == 0 { (empty(text.t("Nobody matches"), text.t("Change the filter: there is nobody to print for."), None)) }
        @else {
            form method="post" action=(base) class="row" {
                (hidden(of.filter))
                input type="hidden" name="part" value=(of.part);
                button class="primary" { (icon(Icon::Print)) (text.f("Print for {people} people, {sheets} sheets", &[("people", &count(people as i64)), ("sheets", &count(sheets as i64))])) }
                span class="dim" { (text.t("The printing is logged at each registration.")) }
            }
            @if parts > 1 {
                nav class="row" aria-label=(text.t("Parts")) {
                    span class="dim" { (text.f("{people} people are printed in {parts} parts:", &[("people", &count(of.found as i64)), ("parts", &parts)])) }
                    @for part in 0..parts.min(200) { a class="button" href=(part_link(of, &base, part)) aria-current=[(part == of.part).then_some("page")] { (part + 1) } }
                }
            }
            @if let Some(first) = &of.first {
                section class="stack" { h3 { (text.t("The first sheet")) } div class="papers" { div class="page" { (crate::component::safe(first.clone())) } } }
            }
        }
    };
    event_page(shell, of.event, Tab::Print, &[], &content)
}

/// The page with another part of those whom the filter finds.
fn part_link(of: &Plan<'_>, base: &str, part: usize) -> String {
    let link = of.filter.link(base, 0);
    let joint = if link.contains('?') { '&' } else { '?' };
    format!("{link}{joint}part={part}")
}

fn hidden(filter: &Filter) -> Markup {
    let pairs = [
        ("q", &filter.q),
        ("show", &filter.show),
        ("kind", &filter.kind),
        ("group", &filter.group),
        ("sort", &filter.sort),
    ];
    html! { @for (name, value) in pairs { input type="hidden" name=(name) value=(value); } }
}

fn filter(shell: &Shell, of: &Plan<'_>, base: &str) -> Markup {
    let text = shell.text();
    let form = Form::new(text, None);
    let shows: Vec<(String, String)> =
        SHOWS.iter().map(|(value, label)| ((*value).to_owned(), text.t(label).to_owned())).collect();
    let first = |label: &str| (String::new(), text.t(label).to_owned());
    let kinds: Vec<_> = std::iter::once(first("All types"))
        .chain(of.kinds.iter().map(|kind| (kind.id.to_string(), kind.name.clone())))
        .collect();
    let groups: Vec<_> = std::iter::once(first("All groups"))
        .chain(of.groups.iter().map(|group| (group.id.to_string(), group.name.clone())))
        .collect();
    let orders = [("", "In order of registration"), ("name", "By name"), ("entered", "By check-in")]
        .map(|(value, label)| (value.to_owned(), text.t(label).to_owned()));
    html! {
        form class="filter" method="get" action=(base) {
            div class="field grow" {
                label for="f-q" { (text.t("Name, pinyin, company, phone or ticket number")) }
                input id="f-q" name="q" type="search" value=(of.filter.q) maxlength="60";
            }
            (form.select(&Input { name: "show", label: text.t("State"), value: &of.filter.show, ..Input::default() }, &shows))
            (form.select(&Input { name: "kind", label: text.t("Ticket type"), value: &of.filter.kind, ..Input::default() }, &kinds))
            @if !of.groups.is_empty() { (form.select(&Input { name: "group", label: text.t("Group"), value: &of.filter.group, ..Input::default() }, &groups)) }
            (form.select(&Input { name: "sort", label: text.t("Sorted by"), value: &of.filter.sort, ..Input::default() }, &orders))
            button { (icon(Icon::Search)) (text.t("Filter")) }
        }
    }
}

/// A line of the print log as it is shown.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Line {
    pub run: u64,
    pub at: String,
    pub by: String,
    pub design: String,
    pub occasion: Occasion,
    pub people: usize,
}

/// The print log.
pub fn log(shell: &Shell, event: &Event, lines: &[Line]) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Time")),
        Head::plain(text.t("Design")),
        Head::plain(text.t("What for")),
        Head::plain(text.t("Who")),
        Head::number(text.t("People")),
    ];
    let rows: Vec<Row> = lines
        .iter()
        .map(|line| Row {
            id: None,
            name: line.design.clone(),
            cells: vec![
                html! { a href={ "/admin/event/" (event.id) "/print/run/" (line.run) } { (line.at) } },
                html! { (line.design) },
                html! { (text.t(line.occasion.label())) },
                html! { (line.by) },
                html! { (count(line.people as i64)) },
            ],
        })
        .collect();
    let content = html! {
        h2 { (text.t("Print log")) }
        p class="dim" { (text.t("What was sent to a printer, the last hundred times. Opening one shows its sheets again and logs nothing.")) }
        @if rows.is_empty() { (empty(text.t("Nothing was printed yet"), text.t("Make a badge and print it for the people on your list."), Some((text.t("Badges and certificates"), &format!("/admin/event/{}/design", event.id))))) }
        @else { (table(text, text.t("Print log"), &heads, &rows, false)) }
    };
    event_page(shell, event, Tab::Print, &[], &content)
}

/// What a registration's page shows of printing, certificates and the holder's picture.
pub struct OnRegistration<'a> {
    /// Where the registration is.
    pub base: &'a str,
    /// The event's number.
    pub event: u64,
    /// The ticket's number.
    pub ticket: u64,
    /// Designs that can be printed: numbers and names.
    pub designs: &'a [(String, String)],
    /// Printings that it was among.
    pub lines: &'a [Line],
    /// Certificates: readable number, its state, its page.
    pub certificates: &'a [(String, &'static str, bool, String)],
    /// Whether there is a picture of the holder.
    pub portrait: bool,
    /// Whether the reader may change it.
    pub may_manage: bool,
}

/// More sections of a registration's page.
pub fn on_registration(shell: &Shell, of: &OnRegistration<'_>) -> Markup {
    let text = shell.text();
    html! {
        div class="columns" {
            section class="panel" id="prints" {
                h2 { (text.t("Badges printed")) }
                @if of.lines.is_empty() { p class="dim" { (text.t("Not printed yet.")) } }
                @for line in of.lines { p { (badge(Tone::Info, text.t(line.occasion.label()))) " " (line.at) " · " (line.design) @if !line.by.is_empty() { " · " (line.by) } } }
                @if !of.designs.is_empty() {
                    form method="post" action={ "/admin/event/" (of.event) "/print" } class="filter" {
                        input type="hidden" name="ticket" value=(of.ticket);
                        (Form::new(text, None).select(&Input { name: "design", label: text.t("Design"), value: "", ..Input::default() }, of.designs))
                        button { (icon(Icon::Print)) @if of.lines.is_empty() { (text.t("Print the badge")) } @else { (text.t("Print again")) } }
                    }
                }
            }
            section class="panel" {
                h2 { (text.t("Picture and certificates")) }
                @if of.portrait { img class="portrait" src={ (of.base) "/portrait" } alt=(text.t("Picture of the person")); }
                @if of.may_manage {
                    form method="post" action={ (of.base) "/portrait/upload" } enctype="multipart/form-data" class="form" {
                        (Form::new(text, None).file("picture", text.t("Picture of the person"), text.t("For posters and badges. JPEG, PNG or WebP, at most 15 MB."), "image/jpeg,image/png,image/webp"))
                        div class="row" {
                            button { (icon(Icon::Import)) (text.t("Upload")) }
                            @if of.portrait { button class="danger" formaction={ (of.base) "/portrait/remove" } formnovalidate { (text.t("Remove")) } }
                        }
                    }
                }
                @for (serial, state, valid, href) in of.certificates { p { (badge(if *valid { Tone::Good } else { Tone::Warn }, text.t(state))) " " a href=(href) { (serial) } } }
            }
        }
    }
}

/// What stands above sheets on the screen.
pub fn tools(shell: &Shell, back: &str, svg: Option<&str>, people: usize) -> Markup {
    let text = shell.text();
    html! {
        @if people == 0 { (notice(Tone::Warn, text.t("There is nothing to print."))) }
        span class="dim" { (text.f("{people} people", &[("people", &count(people as i64))])) " · " (text.t("print at 100 %, without margins")) }
        @if let Some(svg) = svg { a class="button" href=(svg) download { (icon(Icon::Export)) "SVG" } }
        a class="button" href=(back) { (text.t("Back")) }
    }
}

//! Messages to the people of an event: writing one, and the log of what was said to whom and how far it got (S0-41).

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        badge, empty,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        list::{Head, Row, pager, query, table},
        post, stat,
    },
    format::{count, phone},
    layout::Tone,
    phone::order::words,
};
use domain::{
    Dispatch, Event, Group, Notice, Refusal, Reminder, TicketType, Time,
    notice::NoticeState,
    outbox::{OutKind, OutState},
    reminder::Side,
};
use maud::{Markup, html};

/// The page of messages.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// Its ticket types and groups, to choose whom to write to.
    pub kinds: &'a [TicketType],
    /// See `kinds`.
    pub groups: &'a [Group],
    /// The rows of this page.
    pub rows: &'a [Notice],
    /// The ways that they took.
    pub ways: &'a [Option<Dispatch>],
    /// How many wait, were sent and were dropped.
    pub counts: [i64; 3],
    /// Which page, rows of a page.
    pub pages: (usize, usize),
    /// What was typed: type, group, state, text.
    pub typed: [&'a str; 4],
    /// Phones are shown in full.
    pub full: bool,
    /// Reminders with when they are due.
    pub reminders: &'a [(Reminder, Time)],
    /// What was wrong with a new reminder, and what was typed: hours, side, text.
    pub reminder: (Option<&'a Refusal>, [&'a str; 3]),
}

/// The messages of an event.
pub fn show(shell: &Shell, of: &Page<'_>, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/notice", of.event.id);
    let heads = [
        Head::plain(text.t("Name")),
        Head::plain(text.t("Phone")),
        Head::plain(text.t("Occasion")),
        Head::plain(text.t("Words")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Way")),
        Head::plain(text.t("Written at")),
        Head::plain(text.t("Actions")),
    ];
    let ways = of.ways.iter().map(Option::as_ref).chain(std::iter::repeat(None));
    let rows: Vec<Row> = of.rows.iter().zip(ways).map(|(notice, ways)| row(shell, of, &base, notice, ways)).collect();
    let found = usize::try_from(of.counts.iter().sum::<i64>()).unwrap_or(0);
    let content = html! {
        dl class="stats" {
            (stat(text.t("Not sent yet"), &count(of.counts[0]), None))
            (stat(text.t("Sent"), &count(of.counts[1]), None))
            (stat(text.t("Not to be sent"), &count(of.counts[2]), None))
        }
        p class="dim" { (text.t("Every notice stands on its reader's ticket or order page at once, and goes out by the ways that are set up. What waits here reached nobody by them: take the list along and say afterwards what was sent.")) }
        div class="actions" {
            a class="button" href={ (base) "/sms" } { (icon(Icon::Log)) (text.t("Log of text messages")) }
            a class="button" href={ "/admin/blast/new?event=" (of.event.id) } { (icon(Icon::People)) (text.t("Write to many")) }
            (post(&format!("{base}/attend"), "", text.t("Send attend codes to whoever was not told yet"), Icon::Ticket))
        }
        @if of.full && of.counts[0] > 0 {
            div class="actions" {
                a class="button" href={ (base) "/waiting.xlsx" } download { (icon(Icon::Export)) (text.t("What waits, as xlsx")) }
                @if let Some(newest) = of.rows.first().filter(|_| of.pages.0 == 0) {
                    form method="post" action={ (base) "/sent" } class="inline" { input type="hidden" name="newest" value=(newest.id); button { (icon(Icon::Check)) (text.t("All of these were sent")) } }
                }
            }
        }
        (write(shell, of, &base, refusal))
        (reminders(shell, of, &base))
        @if rows.is_empty() { (empty(text.t("No notices yet"), text.t("People get one with each step of their registration, and when you write to them."), None)) }
        @else {
            (table(text, text.t("Messages"), &heads, &rows, false))
            (pager(text, of.pages.0, of.pages.1, found, |page| query(&base, &[("page", &page.to_string())])))
        }
    };
    event_page(shell, of.event, Tab::Notices, &[], &content)
}

/// The ways that a notice took, each with how it ended.
fn ways(shell: &Shell, of: Option<&Dispatch>) -> Markup {
    let text = shell.text();
    html! {
        @if let Some(of) = of {
            @for step in &of.steps {
                @let end = OutState::parse(&step.end).map_or("under way", OutState::label);
                div { (text.t(OutKind::label(&step.way))) " · " (text.t(end)) }
            }
        }
    }
}

fn row(shell: &Shell, of: &Page<'_>, base: &str, notice: &Notice, took: Option<&Dispatch>) -> Row {
    let text = shell.text();
    let tone = match notice.state {
        NoticeState::Waiting => Tone::Info,
        NoticeState::Sent(..) => Tone::Good,
        NoticeState::Dropped(..) => Tone::Plain,
    };
    let waits = notice.state == NoticeState::Waiting;
    Row {
        id: None,
        name: notice.name.clone(),
        cells: vec![
            html! { (notice.name) },
            html! { (notice.phone.as_deref().map_or(String::new(), |number| phone(number, of.full))) },
            html! { (text.t(notice.purpose.label())) },
            html! { (words(shell, notice)) },
            html! { (badge(tone, text.t(notice.state.label()))) },
            ways(shell, took),
            html! { (shell.format.short(notice.created_at)) },
            html! { @if waits { div class="row" { (post(&format!("{base}/{}/sent", notice.id), "quiet", text.t("Sent"), Icon::Check)) (post(&format!("{base}/{}/drop", notice.id), "quiet", text.t("Not to be sent"), Icon::Cross)) } } },
        ],
    }
}

fn write(shell: &Shell, of: &Page<'_>, base: &str, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let first = |label: &str| (String::new(), text.t(label).to_owned());
    let kinds: Vec<(String, String)> = std::iter::once(first("All types"))
        .chain(of.kinds.iter().map(|kind| (kind.id.to_string(), kind.name.clone())))
        .collect();
    let groups: Vec<(String, String)> = std::iter::once(first("All groups"))
        .chain(of.groups.iter().map(|group| (group.id.to_string(), group.name.clone())))
        .collect();
    let shows: Vec<(String, String)> =
        [("", "Everybody"), ("entered", "Checked in"), ("absent", "Not checked in"), ("unpaid", "Pending payment")]
            .iter()
            .map(|(code, label)| ((*code).to_owned(), text.t(label).to_owned()))
            .collect();
    let [kind, group, show, typed] = of.typed;
    html! {
        (form.summary())
        details class="panel" open[refusal.is_some()] {
            summary { strong { (text.t("Write to people")) } }
            form method="post" action=(base) class="form" {
                div class="pair" {
                    (form.select(&Input { name: "show", label: text.t("To whom"), value: show, ..Input::default() }, &shows))
                    (form.select(&Input { name: "kind", label: text.t("Ticket type"), value: kind, ..Input::default() }, &kinds))
                    (form.select(&Input { name: "group", label: text.t("Group"), value: group, ..Input::default() }, &groups))
                }
                (form.textarea(&Input { name: "text", label: text.t("Words"), value: typed, required: true, max: 500, ..Input::default() }, 4))
                (submit(text.t("Write"), None))
            }
        }
    }
}

fn reminders(shell: &Shell, of: &Page<'_>, base: &str) -> Markup {
    let text = shell.text();
    let (refusal, [hours, side, typed]) = of.reminder;
    let form = Form::new(text, refusal);
    let sides: Vec<(String, String)> = [("before", "before the event begins"), ("after", "after the event ended")]
        .iter()
        .map(|(code, label)| ((*code).to_owned(), text.t(label).to_owned()))
        .collect();
    html! {
        section class="panel" {
            h2 { (text.t("Reminders")) }
            p class="dim" { (text.t("They are written by themselves to everybody whose registration stands.")) }
            @for (reminder, at) in of.reminders {
                div class="row" {
                    strong { (text.f(if reminder.side == Side::Before { "{hours} hours before" } else { "{hours} hours after" }, &[("hours", &reminder.hours)])) }
                    span { @if reminder.text.is_empty() { (text.t("The usual words")) } @else { (reminder.text) } }
                    span class="dim" {
                        @match reminder.done { Some((at, people)) => (text.f("written {time} to {count} people", &[("time", &shell.format.short(at)), ("count", &people)])), None => (text.f("due {time}", &[("time", &shell.format.short(*at))])) }
                    }
                    (post(&format!("{base}/reminder/{}/remove", reminder.id), "quiet", text.t("Remove"), Icon::Cross))
                }
            }
            (form.summary())
            form method="post" action={ (base) "/reminder" } class="form" {
                div class="pair" {
                    (form.input(&Input { name: "hours", label: text.t("Hours"), value: hours, kind: "number", required: true, ..Input::default() }))
                    (form.select(&Input { name: "side", label: text.t("When"), value: side, ..Input::default() }, &sides))
                }
                (form.textarea(&Input { name: "words", label: text.t("Text of the reminder"), value: typed, max: 500, help: text.t("Empty: name and time of the event."), ..Input::default() }, 2))
                button { (icon(Icon::Plus)) (text.t("Add")) }
            }
        }
    }
}

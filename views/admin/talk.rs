//! Talks and workshops of an event: the agenda, a talk's form, who chose it.

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        Confirm, confirm, empty,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        list::{Head, Row, table},
        post,
    },
    format::{count, phone},
};
use domain::{CheckinList, Event, ListId, Refusal, Talk, TalkId, Ticket, Time, talk::TalkInput};
use maud::{Markup, html};

/// The agenda for the secretariat.
pub struct List<'a> {
    /// The event.
    pub event: &'a Event,
    /// Talks with how many chose each.
    pub rows: &'a [(Talk, i64)],
    /// Check-in lists of the event.
    pub lists: &'a [CheckinList],
    /// Whether people choose.
    pub choosing: bool,
    /// Whether the reader may change talks.
    pub may_manage: bool,
    /// Whether the reader sees who chose.
    pub may_see: bool,
}

/// A list's name.
fn list_name<'a>(shell: &Shell, lists: &'a [CheckinList], id: ListId) -> &'a str {
    match lists.iter().find(|list| list.id == id) {
        Some(list) if list.name.is_empty() => shell.text().t("Main list"),
        Some(list) => &list.name,
        None => "",
    }
}

/// The page.
pub fn list(shell: &Shell, of: &List<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/talk", of.event.id);
    let heads = [
        Head::plain(text.t("Time")),
        Head::plain(text.t("Talk")),
        Head::plain(text.t("Room")),
        Head::number(text.t("Chosen by")),
        Head::plain(text.t("Check-in list")),
    ];
    let row = |(talk, taken): &(Talk, i64)| {
        let places = talk.capacity.map_or(String::new(), |most| format!(" / {}", count(i64::from(most))));
        let door = format!("/admin/event/{}/list", of.event.id);
        Row {
            id: None,
            name: talk.title.clone(),
            cells: vec![
                html! { (shell.format.window(&talk.time)) },
                html! { @if of.may_manage { a href={ (base) "/" (talk.id) } { (talk.title) } } @else { (talk.title) } @if !talk.speaker.is_empty() { br; span class="dim" { (talk.speaker) } } },
                html! { (talk.room) },
                html! {
                    @if !talk.chosen { span class="dim" { (text.t("Open to all")) } }
                    @else if of.may_see { a href={ (base) "/" (talk.id) "/people" } { (count(*taken)) (places) } }
                    @else { (count(*taken)) (places) }
                },
                html! {
                    @match talk.list {
                        Some(list) => a href={ (door) "/" (list) "/figures" } { (list_name(shell, of.lists, list)) },
                        None => @if of.may_manage { (post(&format!("{base}/{}/list", talk.id), "", text.t("Make a list"), Icon::Plus)) },
                    }
                },
            ],
        }
    };
    let rows: Vec<Row> = of.rows.iter().map(row).collect();
    let content = html! {
        @if of.may_manage {
            div class="actions" {
                a class="button primary" href={ (base) "/new" } { (icon(Icon::Plus)) (text.t("New talk")) }
                form method="post" action={ (base) "/choosing" } class="inline" {
                    @if of.choosing { button { (icon(Icon::Cross)) (text.t("Stop the choosing")) } }
                    @else { input type="hidden" name="on" value="1"; button { (icon(Icon::Check)) (text.t("Let people choose")) } }
                }
            }
        }
        p class="dim" { @if of.choosing { (text.t("Ticket holders choose on the ticket's page. No talk gets more people than places, and nobody two at one time.")) } @else { (text.t("The agenda stands on the invitation. People cannot choose talks yet.")) } }
        @if rows.is_empty() { (empty(text.t("No talks yet"), text.t("Talks and workshops make the agenda of the event; each can have its own door."), None)) }
        @else { (table(text, text.t("Agenda"), &heads, &rows, false)) }
    };
    event_page(shell, of.event, Tab::Talks, &[], &content)
}

/// A talk's form.
pub struct TalkForm<'a> {
    /// The event.
    pub event: &'a Event,
    /// Number and revision when one is changed.
    pub id: Option<(TalkId, u32)>,
    /// What was typed or kept.
    pub input: &'a TalkInput,
    /// Check-in lists to choose from.
    pub lists: &'a [CheckinList],
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The form page.
pub fn form(shell: &Shell, of: &TalkForm<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let base = format!("/admin/event/{}/talk", of.event.id);
    let action = of.id.map_or(format!("{base}/new"), |(id, _)| format!("{base}/{id}"));
    let input = of.input;
    let lists: Vec<(String, String)> = std::iter::once((String::new(), text.t("None").to_owned()))
        .chain(of.lists.iter().map(|list| (list.id.to_string(), list_name(shell, of.lists, list.id).to_owned())))
        .collect();
    let content = html! {
        h2 { @if of.id.is_some() { (text.t("Talk")) } @else { (text.t("New talk")) } }
        (form.summary())
        form method="post" action=(action) class="form panel" {
            @if let Some((_, revision)) = of.id { input type="hidden" name="revision" value=(revision); }
            (form.input(&Input { name: "title", label: text.t("Title of the talk"), value: &input.title, required: true, max: 60, ..Input::default() }))
            div class="pair" {
                (form.input(&Input { name: "speaker", label: text.t("Speaker"), value: &input.speaker, max: 60, ..Input::default() }))
                (form.input(&Input { name: "room", label: text.t("Room"), value: &input.room, max: 40, ..Input::default() }))
            }
            div class="pair" {
                (form.input(&Input { name: "from", label: text.t("Begins"), value: &input.from, kind: "datetime-local", required: true, ..Input::default() }))
                (form.input(&Input { name: "to", label: text.t("Ends"), value: &input.to, kind: "datetime-local", required: true, ..Input::default() }))
            }
            (form.textarea(&Input { name: "intro", label: text.t("What it is about"), value: &input.intro, max: 2_000, ..Input::default() }, 4))
            (form.checkbox("chosen", text.t("People choose it beforehand; otherwise everybody may come"), input.chosen))
            (form.input(&Input { name: "capacity", label: text.t("Places"), value: &input.capacity, kind: "number", help: text.t("Empty: no limit."), ..Input::default() }))
            (form.select(&Input { name: "list", label: text.t("Check-in list"), value: &input.list.map_or(String::new(), |id| id.to_string()), ..Input::default() }, &lists))
            (submit(text.t("Save"), Some((text.t("Cancel"), &base))))
        }
        @if let Some((id, _)) = of.id { (confirm(&Confirm { label: text.t("Delete"), warning: text.t("The talk is deleted for good. Its check-in list stays."), action: &format!("{base}/{id}/remove"), verb: text.t("Delete for good") })) }
    };
    event_page(shell, of.event, Tab::Talks, &[], &content)
}

/// Who chose a talk.
pub struct People<'a> {
    /// The event.
    pub event: &'a Event,
    /// The talk.
    pub talk: &'a Talk,
    /// Tickets with when their holders came in at the talk's door.
    pub people: &'a [(Ticket, Option<Time>)],
    /// Whether phones are shown in full.
    pub full: bool,
    /// Whether the reader may export.
    pub may_export: bool,
}

/// The page.
pub fn people(shell: &Shell, of: &People<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/talk", of.event.id);
    let heads = [
        Head::plain(text.t("Name")),
        Head::plain(text.t("Phone")),
        Head::plain(text.t("Company")),
        Head::plain(text.t("Checked in")),
    ];
    let row = |(ticket, entered): &(Ticket, Option<Time>)| Row {
        id: None,
        name: ticket.name.clone(),
        cells: vec![
            html! { a href={ "/admin/event/" (of.event.id) "/registration/" (ticket.id) } { (ticket.name) } },
            html! { (ticket.phone.as_deref().map_or(String::new(), |number| phone(number, of.full))) },
            html! { (ticket.company) },
            html! { (entered.map_or(String::new(), |at| shell.format.short(at))) },
        ],
    };
    let rows: Vec<Row> = of.people.iter().map(row).collect();
    let content = html! {
        h2 { (of.talk.title) }
        p class="dim" { (shell.format.window(&of.talk.time)) @if !of.talk.room.is_empty() { " · " (of.talk.room) } }
        div class="actions" {
            a class="button" href=(base) { (text.t("Back")) }
            @if of.may_export { @for ending in ["xlsx", "csv"] { a class="button" href={ (base) "/" (of.talk.id) "/people." (ending) } download { (icon(Icon::Export)) (ending) } } }
        }
        @if rows.is_empty() { (empty(text.t("Nobody chose this talk yet"), text.t("People choose on the page of their ticket."), None)) }
        @else { (table(text, &of.talk.title, &heads, &rows, false)) }
    };
    event_page(shell, of.event, Tab::Talks, &[], &content)
}

//! A ticket as its holder sees it, and finding it again (S0-47, S0-82).

use crate::{
    Shell,
    component::{
        badge,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        notice, qr,
    },
    format::code,
    layout::{Tone, phone, sheet},
};
use domain::{Event, Refusal, Ticket, TicketState, checkin::Standing, event::EventState};
use maud::{Markup, html};

/// A ticket with the names it refers to.
pub struct TicketPage<'a> {
    /// The ticket.
    pub ticket: &'a Ticket,
    /// Where it stands at the door.
    pub standing: &'a Standing,
    /// Its event.
    pub event: &'a Event,
    /// Name of its type.
    pub kind: &'a str,
    /// Name of its group.
    pub group: Option<&'a str>,
}

/// The ticket as a card; what the printer gets too.
pub fn card(shell: &Shell, of: &TicketPage<'_>) -> Markup {
    let text = shell.text();
    let (ticket, event) = (of.ticket, of.event);
    html! {
        article class="ticket" {
            header { h2 { (event.name) } p { (shell.format.window(&event.time)) } }
            div class="body" {
                @match (ticket.state, event.state, of.standing.first()) {
                    (TicketState::Canceled, _, _) => (badge(Tone::Bad, text.t("Canceled"))),
                    (_, EventState::Withdrawn, _) => (badge(Tone::Warn, text.t("This event does not take place."))),
                    (_, _, Some(entry)) => (badge(Tone::Good, &text.f("Checked in at {time}", &[("time", &shell.format.short(entry.at))]))),
                    _ => (badge(Tone::Info, text.t("Not checked in yet"))),
                }
                (qr(&ticket.number, text.t("Check-in code")))
                p class="code" { (code(&ticket.number)) }
                dl class="facts" {
                    dt { (text.t("Name")) } dd { (ticket.name) }
                    dt { (text.t("Ticket")) } dd { (of.kind) }
                    @if let Some(group) = of.group { dt { (text.t("Group")) } dd { (group) } }
                    @if !ticket.seat.is_empty() { dt { (text.t("Seat")) } dd { (ticket.seat) } }
                    @if let Some(window) = &event.checkin { dt { (text.t("Check-in")) } dd { (shell.format.window(window)) } }
                    @let venue = event.venue.line();
                    @if !venue.is_empty() { dt { (text.t("Place")) } dd { (venue) } }
                    dt { (text.t("Attend code")) } dd { span class="num" { (code(&ticket.attend)) } }
                }
                @if !event.notice.is_empty() { p class="dim" { (event.notice) } }
            }
        }
    }
}

/// The holder's page; `fresh` right after registering; `helps` is the ticket's link when its holder was named a helper (S0-59);
/// `beside` stands below the ticket: maps, calendar, poster, certificates.
pub fn show(shell: &Shell, of: &TicketPage<'_>, fresh: bool, helps: Option<&str>, beside: &Markup) -> Markup {
    let text = shell.text();
    let content = html! {
        @if fresh { (notice(Tone::Good, text.t("You are registered. Keep this page, or note the attend code: with your phone number it finds the ticket again."))) }
        h1 { (text.t("My ticket")) }
        (card(shell, of))
        div class="row no-print" {
            button data-print { (icon(Icon::Print)) (text.t("Print")) }
            a class="button" href={ "/event/" (of.event.id) } { (text.t("To the event")) }
            @if let Some(link) = helps {
                form method="post" action="/helper" class="inline" { input type="hidden" name="link" value=(link); button { (icon(Icon::Door)) (text.t("Help at the door")) } }
            }
        }
        (beside)
    };
    phone(shell, text.t("My ticket"), &[], &content)
}

/// The form that finds a ticket.
pub fn find(shell: &Shell, typed: (&str, &str), refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        h1 { (text.t("Find my ticket")) }
        p class="dim" { (text.t("The attend code stands on your ticket, or the secretariat gave it to you.")) }
        (form.summary())
        form method="post" action="/ticket/find" class="form" {
            (form.input(&Input { name: "phone", label: text.t("Phone"), value: typed.0, required: true, kind: "tel", max: 30, autocomplete: "tel", ..Input::default() }))
            (form.input(&Input { name: "attend", label: text.t("Attend code"), value: typed.1, required: true, max: 20, help: text.t("8 digits"), ..Input::default() }))
            (submit(text.t("Find"), None))
        }
    };
    phone(shell, text.t("Find my ticket"), &[], &content)
}

/// A sheet of tickets for the printer: QR, name and number, cut along the lines.
pub fn print(shell: &Shell, title: &str, tickets: &[(String, String)]) -> Markup {
    let content = html! {
        div class="grid-sheet" {
            @for (name, number) in tickets { div { (qr(number, name)) strong { (name) } span { (code(number)) } } }
        }
    };
    sheet(shell, title, &content)
}

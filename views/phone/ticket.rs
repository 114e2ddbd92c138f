//! A ticket as its holder sees it, and finding it again (S0-47, S0-82).

use crate::phone::order::notices;
use crate::{
    Shell,
    component::{
        badge,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        notice, qr,
        rich::{Written, rich},
    },
    format::code,
    layout::{Tone, phone, sheet},
};
use domain::{Event, Notice, Refusal, Ticket, TicketState, checkin::Standing, event::EventState};
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
    /// Whether the seat is shown (S0-43).
    pub seat: bool,
    /// Its lucky number, when a draw shows it (S0-31, S0-83).
    pub lucky: Option<&'a str>,
    /// Draws of the event: address, name and how many prizes it holds there (S0-84).
    pub draws: &'a [(String, String, usize)],
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
                    (_, EventState::Withdrawn, _) => (badge(Tone::Warn, text.t("This event does not take place."))),
                    (state @ (TicketState::Canceled | TicketState::Refunded | TicketState::Blocked | TicketState::Unapproved | TicketState::Unpaid), _, _) => (badge(crate::admin::registration::tone(state), text.t(state.label()))),
                    (_, _, Some(entry)) => (badge(Tone::Good, &text.f("Checked in at {time}", &[("time", &shell.format.short(entry.at))]))),
                    _ => (badge(Tone::Info, text.t("Not checked in yet"))),
                }
                @if ticket.state.bars().is_none() {
                    (qr(&ticket.number, text.t("Check-in code")))
                    p class="code" { (code(&ticket.number)) }
                }
                dl class="facts" {
                    dt { (text.t("Name")) } dd { (ticket.name) }
                    dt { (text.t("Ticket")) } dd { (of.kind) }
                    @if let Some(group) = of.group { dt { (text.t("Group")) } dd { (group) } }
                    @if !ticket.seat.is_empty() { dt { (text.t("Seat")) } dd { @if of.seat { (ticket.seat) } @else { span class="dim" { (text.t("Shown after check-in")) } } } }
                    @if let Some(window) = &event.checkin { dt { (text.t("Check-in")) } dd { (shell.format.window(window)) } }
                    @let venue = event.venue.line();
                    @if !venue.is_empty() { dt { (text.t("Place")) } dd { (venue) } }
                    @if let Some(lucky) = of.lucky { dt { (text.t("Lucky number")) } dd { strong class="num" { (lucky) } } }
                    dt { (text.t("Attend code")) } dd { span class="num" { (code(&ticket.attend)) } }
                }
                @if !event.notice.is_empty() { div class="dim" { (rich(&event.notice, Written::Lines)) } }
            }
        }
    }
}

/// What stands around the card on its holder's page.
pub struct Around<'a> {
    /// Link of the ticket.
    pub link: &'a str,
    /// Right after registering.
    pub fresh: bool,
    /// Its holder was named a helper (S0-59).
    pub helps: bool,
    /// Link of the order that it came with.
    pub order: Option<&'a str>,
    /// Its holder may pass it on.
    pub may_transfer: bool,
    /// What was said to its holder.
    pub notices: &'a [Notice],
    /// Leads to what else the holder can do.
    pub more: &'a Markup,
    /// Maps, calendar, poster, certificates.
    pub beside: &'a Markup,
}

/// The holder's page.
pub fn show(shell: &Shell, of: &TicketPage<'_>, around: &Around<'_>) -> Markup {
    let text = shell.text();
    let content = html! {
        @if around.fresh { (notice(Tone::Good, text.t("You are registered. Keep this page, or note the attend code: with your phone number it finds the ticket again."))) }
        h1 { (text.t("My ticket")) }
        (card(shell, of))
        (around.more)
        @for (href, name, won) in of.draws {
            a class="button no-print" href=(href) { (icon(Icon::Ticket)) (name) @if *won > 0 { " · " (text.f("{count} won", &[("count", won)])) } }
        }
        (notices(shell, around.notices))
        div class="row no-print" {
            button data-print { (icon(Icon::Print)) (text.t("Print")) }
            a class="button" href={ "/event/" (of.event.id) } { (text.t("To the event")) }
            @if let Some(order) = around.order { a class="button" href={ "/order/" (order) } { (text.t("My order")) } }
            @if around.may_transfer { a class="button" href={ "/ticket/" (around.link) "/transfer" } { (text.t("Pass the ticket on")) } }
            @if around.helps {
                form method="post" action="/helper" class="inline" { input type="hidden" name="link" value=(around.link); button { (icon(Icon::Door)) (text.t("Help at the door")) } }
            }
        }
        (around.beside)
    };
    phone(shell, text.t("My ticket"), &[], &content)
}

/// What the holder of a ticket can do beside showing it: label, address, icon, and whether it is the thing to do now.
pub struct Way<'a> {
    /// What it is called.
    pub label: &'a str,
    /// Where it is.
    pub href: String,
    /// Its icon.
    pub icon: Icon,
    /// The next step.
    pub next: bool,
}

/// The ways as buttons.
pub fn ways(all: &[Way<'_>]) -> Markup {
    html! {
        @if !all.is_empty() {
            div class="stack no-print" {
                @for way in all { a class=(if way.next { "button primary wide" } else { "button wide" }) href=(way.href) { (icon(way.icon)) (way.label) } }
            }
        }
    }
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

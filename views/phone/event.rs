//! The list of events and an event's invitation (S0-80, S0-81).

use crate::{
    Shell,
    component::{
        empty,
        icon::{Icon, icon},
        rich::{Written, rich},
    },
    layout::{Tone, phone, phone_headed},
    phone::register::{Choice, price},
};
use domain::{
    Event,
    event::{Cover, EventState},
    ticket_type::Offer,
};
use maud::{Markup, html};

/// An event's picture: a template drawn by us, or the uploaded one.
pub fn cover(of: &Cover, alt: &str) -> Markup {
    cover_at("", of, alt)
}

/// As [`cover`], of an event in the space whose addresses begin with `root`.
pub(crate) fn cover_at(root: &str, of: &Cover, alt: &str) -> Markup {
    match of {
        Cover::Picture(id) => html! { img class="cover" src={ (root) "/picture/" (id) } alt=(alt) loading="lazy"; },
        Cover::Template(number) => template(*number, alt),
    }
}

/// Six quiet patterns; colours from the association's own palette, the same in light and dark.
fn template(number: u8, alt: &str) -> Markup {
    let (ground, ink) = match number {
        0 => ("#9c3321", "#f2c9a0"),
        1 => ("#243b53", "#9cc2e0"),
        2 => ("#1f5136", "#bfe0b0"),
        3 => ("#5b3a72", "#e0c3ee"),
        4 => ("#7a5412", "#f6dfa4"),
        _ => ("#3b3b3b", "#e3ddd4"),
    };
    let shape = match number {
        0 => "M0 150c80 0 130-35 160-90 30 55 80 90 160 90M40 150v40M280 150v40M130 190v-30h60v30",
        1 => "M0 140q40-40 80 0t80 0 80 0 80 0M0 165q40-40 80 0t80 0 80 0 80 0M0 115q40-40 80 0t80 0 80 0 80 0",
        2 => "M160 30v130M160 80c-30-40-70-40-90-30 10 30 50 50 90 30M160 110c30-40 70-40 90-30-10 30-50 50-90 30",
        3 => {
            "M160 90m-60 0a60 60 0 1 0 120 0a60 60 0 1 0-120 0M160 90m-35 0a35 35 0 1 0 70 0a35 35 0 1 0-70 0M160 90m-12 0a12 12 0 1 0 24 0a12 12 0 1 0-24 0"
        }
        4 => "M40 150h240M60 150V90h40v60M120 150V50h80v100M220 150V90h40v60M110 50h100L160 20z",
        _ => "M30 150L110 60l50 55 40-45 90 80M230 55m-16 0a16 16 0 1 0 32 0a16 16 0 1 0-32 0",
    };
    html! {
        svg class="cover" viewBox="0 0 320 180" role=[(!alt.is_empty()).then_some("img")] aria-label=[(!alt.is_empty()).then_some(alt)] aria-hidden=[alt.is_empty().then_some("true")] preserveAspectRatio="xMidYMid slice" {
            rect width="320" height="180" fill=(ground) {}
            path d=(shape) fill="none" stroke=(ink) stroke-width="4" stroke-linecap="round" stroke-linejoin="round" opacity="0.85" {}
        }
    }
}

/// A merchant's event on the platform's home page.
pub struct Elsewhere<'a> {
    /// What addresses of the merchant's space begin with.
    pub root: String,
    /// Name of the merchant.
    pub merchant: &'a str,
    /// The event.
    pub event: &'a Event,
}

fn card(shell: &Shell, root: &str, merchant: Option<&str>, event: &Event) -> Markup {
    html! {
        a class="event-card" href={ (root) "/event/" (event.id) } {
            (cover_at(root, &event.cover, ""))
            div class="text" {
                h2 { (event.name) }
                p class="dim" { (icon(Icon::Clock)) " " (shell.format.window(&event.time)) }
                @let venue = event.venue.line();
                @if !venue.is_empty() { p class="dim" { (icon(Icon::Place)) " " (venue) } }
                @if let Some(merchant) = merchant { p class="dim" { (icon(Icon::Branch)) " " (merchant) } }
            }
        }
    }
}

/// Events of merchants, under a heading of their own.
pub fn elsewhere(shell: &Shell, events: &[Elsewhere<'_>]) -> Markup {
    html! {
        @if !events.is_empty() {
            section aria-label=(shell.text().t("Events of our merchants")) {
                h2 { (shell.text().t("Events of our merchants")) }
                @for of in events { (card(shell, &of.root, Some(of.merchant), of.event)) }
            }
        }
    }
}

/// The home page: what comes next.
pub fn list(shell: &Shell, events: &[Event], merchants: &[Elsewhere<'_>]) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (text.t("Events")) }
        @if events.is_empty() && merchants.is_empty() { (empty(text.t("No events at the moment"), text.t("Come back later: new events appear here."), None)) }
        @for event in events { (card(shell, "", None, event)) }
        (elsewhere(shell, merchants))
    };
    phone(shell, text.t("Events"), &[], &content)
}

/// What a link to the invitation shows where it is shared: title, description, addresses of the page and of a picture.
pub fn share_card(title: &str, description: &str, url: &str, picture: &str) -> Markup {
    html! {
        meta property="og:type" content="website";
        meta property="og:title" content=(title);
        @if !description.is_empty() { meta property="og:description" content=(description); meta name="description" content=(description); }
        meta property="og:url" content=(url);
        meta property="og:image" content=(picture);
    }
}

/// What stands around the facts of an invitation.
pub struct Beside<'a> {
    /// What a shared link shows, for the page's head.
    pub head: &'a Markup,
    /// Below the facts: maps, calendar, poster.
    pub facts: &'a Markup,
    /// Below the introduction: agenda, series.
    pub more: &'a Markup,
    /// There is a list of those who wait.
    pub waiting: bool,
}

/// The invitation.
pub fn show(shell: &Shell, event: &Event, choices: &[Choice], beside: &Beside<'_>) -> Markup {
    let text = shell.text();
    let open = event.state == EventState::Published && choices.iter().any(|choice| choice.offer == Offer::Open);
    let content = html! {
        @if let Some(main) = &event.main {
            section class="splash" aria-label=(text.t("Main picture")) {
                (cover(main, &event.name))
                a class="button primary" href="#invitation" { (text.t("Open the invitation")) }
            }
        }
        div id="invitation" class="anchor" { (cover(&event.cover, if event.main.is_some() { "" } else { &event.name })) }
        h1 { (event.name) }
        @if event.state == EventState::Withdrawn { (crate::component::notice(Tone::Warn, text.t("This event does not take place."))) }
        dl class="facts" {
            dt { (text.t("Time")) } dd { (shell.format.window(&event.time)) }
            @let venue = event.venue.line();
            @if !venue.is_empty() { dt { (text.t("Place")) } dd { (venue) } }
            @if let Some(window) = &event.checkin { dt { (text.t("Check-in")) } dd { (shell.format.window(window)) } }
        }
        (beside.facts)
        @if !event.intro.is_empty() { (rich(&event.intro, Written::Markdown)) }
        @if !event.notice.is_empty() {
            details class="panel" { summary { (text.t("Points to note")) } (rich(&event.notice, Written::Lines)) }
        }
        (beside.more)
        @if !choices.is_empty() {
            h2 { (text.t("Tickets")) }
            @for choice in choices {
                div class="choice" {
                    (icon(Icon::Ticket))
                    span { strong { (choice.kind.name) } @if !choice.kind.note.is_empty() { br; span class="dim" { (choice.kind.note) } } }
                    (price(shell, choice))
                }
                @if beside.waiting && choice.offer == Offer::SoldOut {
                    p { a href={ "/event/" (event.id) "/wait/" (choice.kind.id) } { (text.f("Join the waiting list for “{name}”", &[("name", &choice.kind.name)])) } }
                }
            }
        }
        @if open { div class="bottom" { a class="button primary wide" href={ "/event/" (event.id) "/register" } { (text.t("Register now")) } } }
        @else if event.state == EventState::Published { (crate::component::notice(Tone::Info, text.t("No ticket can be taken at the moment."))) }
    };
    phone_headed(shell, &event.name, &[], beside.head, &content)
}

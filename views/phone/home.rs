//! The home page's components, and one component as a part of somebody else's page (S0-77, S0-78).

use crate::{
    Shell,
    component::{
        empty,
        icon::{Icon, icon},
    },
    layout::{part, phone},
    phone::event::{Elsewhere, cover, cover_at, elsewhere},
};
use domain::{Event, HomePart, home::PartStyle};
use maud::{Markup, html};

/// A component with its events.
pub struct PartPage<'a> {
    /// The component.
    pub part: &'a HomePart,
    /// Its events.
    pub events: Vec<PartEvent<'a>>,
}

/// An event of a component.
pub struct PartEvent<'a> {
    /// What addresses of its space begin with.
    pub root: String,
    /// Name of the merchant, where it is one's.
    pub merchant: Option<&'a str>,
    /// The event.
    pub event: &'a Event,
}

/// A component; `target` is where its links open.
fn component(shell: &Shell, of: &PartPage<'_>, target: Option<&str>) -> Markup {
    let text = shell.text();
    html! {
        section class="home-part" aria-label=(if of.part.title.is_empty() { text.t("Events") } else { of.part.title.as_str() }) {
            @if !of.part.title.is_empty() { h2 { (of.part.title) } }
            @if of.events.is_empty() { p class="dim" { (text.t("No events at the moment")) } }
            @for PartEvent { root, merchant, event } in &of.events {
                a class=(if of.part.style == PartStyle::Big { "event-card" } else { "event-row" }) href={ (root) "/event/" (event.id) } target=[target] {
                    (cover_at(root, &event.cover, ""))
                    div class="text" {
                        @if of.part.title.is_empty() { h2 { (event.name) } } @else { h3 { (event.name) } }
                        p class="dim" { (icon(Icon::Clock)) " " (shell.format.window(&event.time)) }
                        @let venue = event.venue.line();
                        @if !venue.is_empty() { p class="dim" { (icon(Icon::Place)) " " (venue) } }
                        @if let Some(merchant) = merchant { p class="dim" { (icon(Icon::Branch)) " " (merchant) } }
                    }
                }
            }
        }
    }
}

/// The home page.
pub fn home(shell: &Shell, parts: &[PartPage<'_>], merchants: &[Elsewhere<'_>]) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 class="visually-hidden" { (text.t("Events")) }
        @for part in parts { (component(shell, part, None)) }
        (elsewhere(shell, merchants))
        p { a class="button wide" href="/?all=1" { (text.t("All events")) } }
    };
    phone(shell, text.t("Events"), &[], &content)
}

/// One component for a frame on another page; its links leave the frame.
pub fn framed(shell: &Shell, of: &PartPage<'_>) -> Markup {
    part(shell, &of.part.title, &component(shell, of, Some("_top")))
}

/// A component before it is saved.
pub fn preview(shell: &Shell, of: &PartPage<'_>) -> Markup {
    let text = shell.text();
    let content = html! {
        (crate::component::notice(crate::layout::Tone::Info, text.t("This is a preview. Nothing is saved yet; close this page to go back.")))
        h1 class="visually-hidden" { (text.t("Preview")) }
        (component(shell, of, None))
    };
    phone(shell, text.t("Preview"), &[], &content)
}

/// A ticket of this phone.
pub struct Mine {
    /// The ticket's page.
    pub link: String,
    /// Name on it.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// The event.
    pub event: Event,
    /// Its state in the reader's language, and how good that is.
    pub state: (String, crate::layout::Tone),
}

/// The tickets that this phone showed: what comes, then what is over (S0-79).
pub fn mine(shell: &Shell, who: Option<&str>, coming: &[Mine], over: &[Mine]) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (text.t("My events")) }
        @match who {
            Some(name) => p { (text.f("Logged in as {name}", &[("name", &name)])) " · " a href="/my/session" { (text.t("My account")) } }
            None => p { a class="button wide" href="/my/login" { (icon(Icon::Person)) (text.t("Log in with a code")) } }
        }
        @if coming.is_empty() && over.is_empty() {
            (empty(text.t("No tickets on this phone yet"), text.t("Register for an event, or find your ticket with phone number and attend code: it then stands here."), Some((text.t("Find my ticket"), "/ticket/find"))))
        } @else {
            @for one in coming { (ticket(shell, one)) }
            @if !over.is_empty() { h2 { (text.t("Over")) } @for one in over { (ticket(shell, one)) } }
            p { a class="button wide" href="/ticket/find" { (icon(Icon::Ticket)) (text.t("Find my ticket")) } }
        }
    };
    phone(shell, text.t("My events"), &[], &content)
}

fn ticket(shell: &Shell, of: &Mine) -> Markup {
    html! {
        a class="event-row" href={ "/ticket/" (of.link) } {
            (cover(&of.event.cover, ""))
            div class="text" {
                h2 { (of.event.name) }
                p class="dim" { (shell.format.window(&of.event.time)) }
                p { (of.name) " · " (of.kind) }
                (crate::component::badge(of.state.1, &of.state.0))
            }
        }
    }
}

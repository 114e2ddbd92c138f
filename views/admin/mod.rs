//! Pages of the secretariat.

pub mod access;
pub mod account;
pub mod archive;
pub mod audit;
pub mod backup;
pub mod blast;
pub mod brand;
pub mod category;
pub mod certificate;
pub mod checkin;
pub mod client;
pub mod design;
pub mod device;
pub mod document;
pub mod draw;
pub mod event;
pub mod feedback;
pub mod group;
pub mod health;
pub mod help;
pub mod home;
pub mod import;
pub mod income;
pub mod invoice;
pub mod list;
pub mod member;
pub mod merchant;
pub mod message;
pub mod notice;
pub mod order;
pub mod outbox;
pub mod overview;
pub mod own;
pub mod pay;
pub mod person;
pub mod print;
pub mod privacy;
pub mod promotion;
pub mod region;
pub mod registration;
pub mod sale;
pub mod search;
pub mod seat;
pub mod series;
pub mod setup;
pub mod space;
pub mod standby;
pub mod start;
pub mod talk;
pub mod template;
pub mod ticket_type;
pub mod tunnel;
pub mod webhook;
pub mod wechat;

use crate::{
    Shell,
    component::{badge, tabs},
    layout::Tone,
};
use domain::{Event, event::EventState};
use maud::{Markup, html};

/// A part of an event's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Figures and what to do next.
    Overview,
    /// The form.
    Edit,
    /// Ticket types.
    Tickets,
    /// Questions of the registration form.
    Questions,
    /// Who is registered.
    Registrations,
    /// Orders, codes, the waiting list, how orders are taken.
    Orders,
    /// Messages.
    Notices,
    /// Check-in time, terminals, scan log.
    Checkin,
    /// Groups of attendees.
    Groups,
    /// Tables and seats.
    Seats,
    /// The feedback form and its results.
    Feedback,
    /// Talks and workshops.
    Talks,
    /// Draws.
    Draw,
    /// Links, sources, posters.
    Promotion,
    /// Badges, seat cards, certificates.
    Print,
}

/// The badge of an event's state.
pub fn state(shell: &Shell, state: EventState) -> Markup {
    let tone = match state {
        EventState::Draft => Tone::Plain,
        EventState::Published => Tone::Good,
        EventState::Withdrawn => Tone::Warn,
    };
    badge(tone, shell.text().t(state.label()))
}

/// A part of an event's pages: its label, where it lies below the event, and itself.
type Part = (&'static str, &'static str, Tab);

/// The parts in groups: the first level of tabs, and the second one that each opens.
const GROUPS: &[(&str, &[Part])] = &[
    ("Overview", &[("Overview", "", Tab::Overview)]),
    (
        "Content",
        &[("Details", "/edit", Tab::Edit), ("Talks", "/talk", Tab::Talks), ("Feedback", "/feedback", Tab::Feedback)],
    ),
    (
        "Registration and sale",
        &[
            ("Ticket types", "/ticket_type", Tab::Tickets),
            ("Questions", "/question", Tab::Questions),
            ("Orders", "/order", Tab::Orders),
        ],
    ),
    (
        "Attendees",
        &[
            ("Registrations", "/registration", Tab::Registrations),
            ("Groups", "/group", Tab::Groups),
            ("Seats", "/seat", Tab::Seats),
            ("Messages", "/notice", Tab::Notices),
        ],
    ),
    ("On site", &[("Check-in", "/checkin", Tab::Checkin), ("Draws", "/draw", Tab::Draw)]),
    (
        "Publicity and design",
        &[("Promotion", "/promotion", Tab::Promotion), ("Badges and certificates", "/design", Tab::Print)],
    ),
];

/// An event's page: trail, name, two levels of tabs, content.
pub fn event_page(shell: &Shell, event: &Event, tab: Tab, modules: &[&str], content: &Markup) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}", event.id);
    let here = GROUPS.iter().find(|(_, parts)| parts.iter().any(|(.., of)| *of == tab));
    let first = |parts: &[Part]| parts.first().map_or_else(|| base.clone(), |(_, at, _)| format!("{base}{at}"));
    let groups: Vec<_> = GROUPS
        .iter()
        .map(|group| (text.t(group.0), first(group.1), here.is_some_and(|here| std::ptr::eq(here, group))))
        .collect();
    let parts = here.map_or(&[][..], |(_, parts)| parts);
    let parts: Vec<_> =
        parts.iter().map(|(label, at, of)| (text.t(label), format!("{base}{at}"), *of == tab)).collect();
    let body = html! {
        div class="heading" { h1 { (event.name) " " (state(shell, event.state)) } }
        div class="levels" {
            (tabs(text.t("Parts of this event"), &groups))
            @if let (Some((label, _)), true) = (here, parts.len() > 1) { (tabs(text.t(label), &parts)) }
        }
        (content)
    };
    crate::layout::admin(shell, &event.name, &[(text.t("Events"), "/admin/event".into())], modules, &body)
}

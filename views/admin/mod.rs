//! Pages of the secretariat.

pub mod account;
pub mod archive;
pub mod audit;
pub mod brand;
pub mod category;
pub mod certificate;
pub mod checkin;
pub mod design;
pub mod device;
pub mod document;
pub mod draw;
pub mod event;
pub mod feedback;
pub mod group;
pub mod help;
pub mod home;
pub mod import;
pub mod list;
pub mod message;
pub mod notice;
pub mod order;
pub mod outbox;
pub mod overview;
pub mod print;
pub mod promotion;
pub mod region;
pub mod registration;
pub mod sale;
pub mod search;
pub mod seat;
pub mod series;
pub mod setup;
pub mod space;
pub mod talk;
pub mod ticket_type;
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

/// An event's page: trail, name, tabs, content.
pub fn event_page(shell: &Shell, event: &Event, tab: Tab, modules: &[&str], content: &Markup) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}", event.id);
    let entry = |label: &'static str, at: &str, of: Tab| (text.t(label), format!("{base}{at}"), of == tab);
    let entries = [
        entry("Overview", "", Tab::Overview),
        entry("Details", "/edit", Tab::Edit),
        entry("Ticket types", "/ticket_type", Tab::Tickets),
        entry("Questions", "/question", Tab::Questions),
        entry("Registrations", "/registration", Tab::Registrations),
        entry("Orders", "/order", Tab::Orders),
        entry("Messages", "/notice", Tab::Notices),
        entry("Check-in", "/checkin", Tab::Checkin),
        entry("Groups", "/group", Tab::Groups),
        entry("Seats", "/seat", Tab::Seats),
        entry("Talks", "/talk", Tab::Talks),
        entry("Feedback", "/feedback", Tab::Feedback),
        entry("Draws", "/draw", Tab::Draw),
        entry("Promotion", "/promotion", Tab::Promotion),
        entry("Badges and certificates", "/design", Tab::Print),
    ];
    let body = html! {
        div class="heading" { h1 { (event.name) " " (state(shell, event.state)) } }
        (tabs(text.t("Parts of this event"), &entries))
        (content)
    };
    crate::layout::admin(shell, &event.name, &[(text.t("Events"), "/admin/event".into())], modules, &body)
}

//! The first page after log-in: totals and what is on next.

use crate::{
    Shell,
    admin::event::event_table,
    component::{
        empty, heading,
        icon::{Icon, icon},
        stat,
    },
    format::count,
    layout::admin,
};
use domain::Event;
use maud::{Markup, html};

/// Totals and the next events.
pub struct Overview<'a> {
    /// Events.
    pub events: usize,
    /// Places taken.
    pub registered: i64,
    /// Checked in.
    pub admitted: i64,
    /// Next events with places taken and people checked in.
    pub upcoming: &'a [(Event, i64, i64)],
    /// Whether the reader may make events.
    pub may_create: bool,
}

/// The page.
pub fn overview(shell: &Shell, of: &Overview<'_>) -> Markup {
    let text = shell.text();
    let new = html! { @if of.may_create { a class="button primary" href="/admin/event/new" { (icon(Icon::Plus)) (text.t("New event")) } } };
    let content = html! {
        (heading(text.t("Overview"), &new))
        dl class="stats" data-live-source="/admin/live" {
            (stat(text.t("Events"), &count(of.events as i64), None))
            (stat(text.t("Registered"), &count(of.registered), Some("registered")))
            (stat(text.t("Checked in"), &count(of.admitted), Some("admitted")))
        }
        h2 { (text.t("Now and next")) }
        @if of.upcoming.is_empty() { (empty(text.t("No event is coming up"), text.t("Create an event, enable its tickets, set the check-in time and publish it."), of.may_create.then_some((text.t("New event"), "/admin/event/new")))) }
        @else { (event_table(shell, text.t("Now and next"), of.upcoming, None)) }
    };
    admin(shell, text.t("Overview"), &[], &[], &content)
}

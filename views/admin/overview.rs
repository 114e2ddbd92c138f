//! The first page after log-in: totals and what is on next.

use crate::{
    Shell,
    admin::{Tab, event::event_table, event_page, health::checklist},
    component::{
        chart::{Series, bars},
        empty,
        form::{Form, Input},
        heading,
        icon::{Icon, icon},
        list::query,
        qr, stat,
    },
    format::{count, money},
    layout::admin,
};
use domain::{
    Event, Money, Refusal,
    health::Line,
    start::{Place, Step},
};
use maud::{Markup, html};

/// Totals and the next events.
pub struct Overview<'a> {
    /// Events.
    pub events: usize,
    /// Places taken.
    pub registered: i64,
    /// Checked in.
    pub admitted: i64,
    /// Income of all events, for those who manage orders.
    pub income: Option<Money>,
    /// Merchants in effect; none for those who do not look after them.
    pub merchants: Option<i64>,
    /// What is not in order on the box, for those who look after it.
    pub left: &'a [Line],
    /// The first step that is due, for whoever is led through them.
    pub due: Option<Place>,
    /// First steps that were passed and are not done.
    pub steps: &'a [Step],
    /// Next events with places taken and people checked in.
    pub upcoming: &'a [(Event, i64, i64)],
    /// Whether the reader may make events.
    pub may_create: bool,
    /// Figures of the chosen time.
    pub figures: Figures<'a>,
    /// Where the hall is reached, as the reader reached it or as the settings say.
    pub address: &'a str,
}

/// Figures of some time, with the form that chooses it.
pub struct Figures<'a> {
    /// First day as typed.
    pub from: &'a str,
    /// Last day as typed.
    pub to: &'a str,
    /// What was wrong with the days.
    pub refusal: Option<&'a Refusal>,
    /// Registrations made, by day.
    pub registrations: &'a [(String, i64)],
    /// People who came, by day.
    pub arrivals: &'a [(String, i64)],
    /// Events that take place in the chosen time; none when there is no choice.
    pub chosen: Option<&'a [(Event, i64, i64)]>,
}

impl Figures<'_> {
    /// The form, the files and the charts; `base` is where they lie.
    fn part(&self, shell: &Shell, base: &str, file: &str, events: bool) -> Markup {
        let text = shell.text();
        let form = Form::new(text, self.refusal);
        let link = |path: &str| query(path, &[("from", self.from), ("to", self.to)]);
        let series = |title, value, points: &[(String, i64)]| {
            // The year is in the table below; under the bars it would not fit.
            bars(text, &Series { title, label: text.t("Day"), value, points: points.to_vec() })
        };
        html! {
            form class="filter" method="get" action=(base) {
                (form.input(&Input { name: "from", label: text.t("First day"), value: self.from, kind: "date", ..Input::default() }))
                (form.input(&Input { name: "to", label: text.t("Last day"), value: self.to, kind: "date", ..Input::default() }))
                button { (icon(Icon::Search)) (text.t("Show")) }
                @if !self.from.is_empty() || !self.to.is_empty() { a class="button" href=(base) { (text.t("All the time")) } }
            }
            @if let Some(chosen) = self.chosen {
                dl class="stats" {
                    (stat(text.t("Events in this time"), &count(chosen.len() as i64), None))
                    (stat(text.t("Registered there"), &count(chosen.iter().map(|row| row.1).sum::<i64>()), None))
                    (stat(text.t("Checked in there"), &count(chosen.iter().map(|row| row.2).sum::<i64>()), None))
                }
            }
            div class="columns" {
                (series(text.t("Registrations by day"), text.t("Registrations"), self.registrations))
                (series(text.t("Arrivals by day"), text.t("Arrivals"), self.arrivals))
            }
            div class="actions" {
                @if events { @for ending in ["xlsx", "csv"] { a class="button" href=(link(&format!("{file}/events.{ending}"))) download { (icon(Icon::Export)) (text.t("Figures of the events")) " " (ending) } } }
                @for ending in ["xlsx", "csv"] { a class="button" href=(link(&format!("{file}/days.{ending}"))) download { (icon(Icon::Export)) (text.t("Figures by day")) " " (ending) } }
            }
        }
    }
}

/// Figures of one event by day.
pub fn event(shell: &Shell, event: &Event, figures: &Figures<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/figures", event.id);
    let content = html! { h2 { (text.t("Figures by day")) } (figures.part(shell, &base, &base, false)) };
    event_page(shell, event, Tab::Overview, &[], &content)
}

/// The page.
pub fn overview(shell: &Shell, of: &Overview<'_>) -> Markup {
    let text = shell.text();
    let new = html! { @if of.may_create { a class="button primary" href="/admin/event/new" { (icon(Icon::Plus)) (text.t("New event")) } } };
    let content = html! {
        (heading(text.t("Overview"), &new))
        @if of.due.is_some() || !of.steps.is_empty() { (super::start::left(shell, of.due.as_ref(), of.steps)) }
        @if !of.left.is_empty() { (checklist(shell, of.left)) }
        dl class="stats" data-live-source="/admin/live" {
            (stat(text.t("Events"), &count(of.events as i64), None))
            @if let Some(merchants) = of.merchants { (stat(text.t("Merchants in effect"), &count(merchants), None)) }
            (stat(text.t("Registered"), &count(of.registered), Some("registered")))
            (stat(text.t("Checked in"), &count(of.admitted), Some("admitted")))
            @if let Some(income) = of.income { (stat(text.t("Income"), &money(income), None)) }
        }
        @if of.income.is_some() { p { a href="/admin/income" { (icon(Icon::Chart)) " " (text.t("Income by day, event and way of paying")) } } }
        h2 { (text.t("Now and next")) }
        @if of.upcoming.is_empty() { (empty(text.t("No event is coming up"), text.t("Create an event, enable its tickets, set the check-in time and publish it."), of.may_create.then_some((text.t("New event"), "/admin/event/new")))) }
        @else { (event_table(shell, text.t("Now and next"), of.upcoming, None)) }
        h2 { (text.t("Figures")) }
        (of.figures.part(shell, "/admin", "/admin/figures", true))
        section class="panel" {
            h2 { (text.t("The hall on a phone")) }
            p { (text.t("Scan this code with a phone in the same network.")) }
            (qr(of.address, text.t("Address of the hall")))
            p { a href="/" { (of.address) } }
        }
    };
    admin(shell, text.t("Overview"), &[], &[], &content)
}

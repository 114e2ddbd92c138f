//! Income over all events and of one: sums, by way of paying, by day, by event, with files.

use crate::{
    Shell,
    admin::{Tab, event_page, order::part_links},
    component::{
        chart::{Series, bars},
        empty,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, query, table},
        stat,
    },
    format::money,
    layout::admin,
};
use domain::{
    Event, Money, Refusal,
    income::{Flows, Takings},
    payment::Method,
};
use maud::{Markup, html};

/// The money of one event.
pub struct Shown {
    /// The event.
    pub event: Event,
    /// What came in and went back.
    pub takings: Takings,
    /// Fen still to be paid.
    pub due: i64,
    /// Fen to be given back.
    pub owed: i64,
}

/// The page.
pub struct Page<'a> {
    /// The event, when it is about one.
    pub event: Option<&'a Event>,
    /// Events with their money.
    pub rows: &'a [Shown],
    /// All of it.
    pub whole: &'a Takings,
    /// First day as typed.
    pub from: &'a str,
    /// Last day as typed.
    pub to: &'a str,
    /// What was wrong with the days.
    pub refusal: Option<&'a Refusal>,
}

fn amount(fen: i64) -> Markup {
    html! { @if fen < 0 { "−" } (money(Money::cny(fen.abs()))) }
}

fn flows(of: Flows) -> Vec<Markup> {
    vec![amount(of.received), amount(of.refunded), amount(of.net())]
}

/// The page of income.
pub fn page(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let base = of.event.map_or("/admin/income".to_owned(), |event| format!("/admin/event/{}/income", event.id));
    let form = Form::new(text, of.refusal);
    let (due, owed) = (of.rows.iter().map(|row| row.due).sum(), of.rows.iter().map(|row| row.owed).sum());
    let body = html! {
        (form.summary())
        form class="filter" method="get" action=(base) {
            (form.input(&Input { name: "from", label: text.t("First day"), value: of.from, kind: "date", ..Input::default() }))
            (form.input(&Input { name: "to", label: text.t("Last day"), value: of.to, kind: "date", ..Input::default() }))
            button { (icon(Icon::Search)) (text.t("Show")) }
            @if !of.from.is_empty() || !of.to.is_empty() { a class="button" href=(base) { (text.t("All the time")) } }
        }
        dl class="stats" {
            (stat(text.t("Came in"), &money(Money::cny(of.whole.total.received)), None))
            (stat(text.t("Given back"), &money(Money::cny(of.whole.total.refunded)), None))
            div class="stat" { dt { (text.t("Income")) } dd { (amount(of.whole.total.net())) } }
            (stat(text.t("Still due"), &money(Money::cny(due)), None))
            (stat(text.t("To give back"), &money(Money::cny(owed)), None))
        }
        div class="actions" {
            @for (file, label) in [("events", "Income by event"), ("days", "Income by day"), ("entries", "Every payment and refund")] {
                @for ending in ["xlsx", "csv"] {
                    a class="button" href=(query(&format!("{base}/{file}.{ending}"), &[("from", of.from), ("to", of.to)])) download { (icon(Icon::Export)) (text.t(label)) " " (ending) }
                }
            }
        }
        @if of.whole.total == Flows::default() { (empty(text.t("No money in this time"), text.t("Payments and refunds are recorded on the page of an order."), None)) }
        @else { (sums(shell, of)) }
    };
    match of.event {
        Some(event) => {
            event_page(shell, event, Tab::Orders, &[], &html! { (part_links(shell, event, "income")) (body) })
        }
        None => admin(
            shell,
            text.t("Income"),
            &[(text.t("Overview"), "/admin".into())],
            &[],
            &html! { h1 { (text.t("Income")) } (body) },
        ),
    }
}

fn sums(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let heads = |first| {
        let mut heads = vec![Head::plain(text.t(first))];
        heads.extend(["Came in", "Given back", "Income"].map(|head| Head::number(text.t(head))));
        heads
    };
    let row = |name: Markup, plain: String, sums: Flows| {
        let mut cells = vec![name];
        cells.extend(flows(sums));
        Row { id: None, name: plain, cells }
    };
    let methods: Vec<Row> = Method::ALL
        .iter()
        .map(|method| (text.t(method.label()), of.whole.by(*method)))
        .filter(|(_, sums)| *sums != Flows::default())
        .map(|(label, sums)| row(html! { (label) }, label.to_owned(), sums))
        .collect();
    let events: Vec<Row> = of
        .rows
        .iter()
        .map(|shown| {
            let name = html! { a href={ "/admin/event/" (shown.event.id) "/income" } { (shown.event.name) } };
            row(name, shown.event.name.clone(), shown.takings.total)
        })
        .collect();
    let days: Vec<Row> = of
        .whole
        .days
        .iter()
        .rev()
        .take(domain::overview::DAYS_MAX)
        .map(|(day, sums)| row(html! { (day.to_string()) }, day.to_string(), *sums))
        .collect();
    // Bars grow upwards only: they show what came in, in whole yuan; the exact sums stand in the table below.
    let mut points: Vec<(String, i64)> =
        of.whole.days.iter().rev().take(60).map(|(day, sums)| (day.to_string(), sums.received / 100)).collect();
    points.reverse();
    html! {
        (bars(text, &Series { title: text.t("Came in by day, in yuan"), label: text.t("Day"), value: text.t("Came in"), points }))
        h2 { (text.t("By way of paying")) }
        (table(text, text.t("By way of paying"), &heads("Way to pay"), &methods, false))
        @if of.event.is_none() { h2 { (text.t("By event")) } (table(text, text.t("By event"), &heads("Event"), &events, false)) }
        h2 { (text.t("By day")) }
        (table(text, text.t("By day"), &heads("Day"), &days, false))
    }
}

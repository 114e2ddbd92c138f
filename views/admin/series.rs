//! Event series: list and form.

use crate::{
    Shell,
    admin::state,
    component::{
        Confirm, confirm, empty,
        form::{Form, Input, submit},
        heading,
        icon::{Icon, icon},
        list::{Head, Row, table},
        qr,
        rich::Written,
    },
    layout::admin,
};
use domain::{Event, Refusal, Series, SeriesId, series::INTRO_MAX};
use maud::{Markup, html};

/// The list of series.
pub fn list(shell: &Shell, all: &[Series], may_change: bool) -> Markup {
    let text = shell.text();
    let new = html! { @if may_change { a class="button primary" href="/admin/series/new" { (icon(Icon::Plus)) (text.t("New series")) } } };
    let row = |series: &Series| Row {
        id: None,
        name: series.title.clone(),
        cells: vec![
            html! { a href={ "/admin/series/" (series.id) } { (series.title) } },
            html! { a href={ "/series/" (series.id) } { "/series/" (series.id) } },
        ],
    };
    let rows: Vec<Row> = all.iter().map(row).collect();
    let heads = [Head::plain(text.t("Series")), Head::plain(text.t("Page for visitors"))];
    let content = html! {
        (heading(text.t("Event series"), &new))
        p class="dim" { (text.t("Events that belong together, such as a monthly salon, have a page of their own for visitors.")) }
        @if rows.is_empty() { (empty(text.t("No series yet"), text.t("Make one, then choose it on the form of each event."), may_change.then_some((text.t("New series"), "/admin/series/new")))) }
        @else { (table(text, text.t("Event series"), &heads, &rows, false)) }
    };
    admin(shell, text.t("Event series"), &[(text.t("Events"), "/admin/event".into())], &[], &content)
}

/// A series with its form.
pub struct Page<'a> {
    /// Number and revision when one is changed.
    pub id: Option<(SeriesId, u32)>,
    /// Title and introduction as typed or kept.
    pub typed: (&'a str, &'a str),
    /// Its events.
    pub events: &'a [Event],
    /// Address of its page.
    pub url: &'a str,
    /// Whether the reader may change it.
    pub may_change: bool,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The page.
pub fn page(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let title = if of.id.is_some() { text.t("Series") } else { text.t("New series") };
    let action = of.id.map_or("/admin/series/new".to_owned(), |(id, _)| format!("/admin/series/{id}"));
    let content = html! {
        h1 { @if of.id.is_some() { (of.typed.0) } @else { (title) } }
        (form.summary())
        @if of.may_change {
            form method="post" action=(action) class="form panel" {
                @if let Some((_, revision)) = of.id { input type="hidden" name="revision" value=(revision); }
                (form.input(&Input { name: "title", label: text.t("Title of the series"), value: of.typed.0, required: true, max: 60, ..Input::default() }))
                (form.rich(&Input { name: "intro", label: text.t("Introduction of the series"), value: of.typed.1, max: INTRO_MAX, ..Input::default() }, 6, Written::Markdown))
                (submit(text.t("Save"), Some((text.t("Cancel"), "/admin/series"))))
            }
        }
        @if let Some((id, _)) = of.id {
            section class="panel" {
                h2 { (text.t("Events of the series")) }
                @if of.events.is_empty() { p class="dim" { (text.t("None yet: choose the series on the form of an event.")) } }
                ul { @for event in of.events { li { a href={ "/admin/event/" (event.id) } { (event.name) } " " span class="dim" { (shell.format.window(&event.time)) } " " (state(shell, event.state)) } } }
                (qr(of.url, text.t("Page for visitors")))
                p { a href=(of.url) { (of.url) } }
            }
            @if of.may_change { (confirm(&Confirm { label: text.t("Delete"), warning: text.t("The series is deleted for good. Its events stay."), action: &format!("/admin/series/{id}/remove"), verb: text.t("Delete for good") })) }
        }
    };
    admin(
        shell,
        title,
        &[(text.t("Events"), "/admin/event".into()), (text.t("Event series"), "/admin/series".into())],
        &["rich.js"],
        &content,
    )
}

//! Categories of events: their list, and their place on the event's form (S0-5 … S0-7, S0-13).

use crate::{
    Shell,
    component::{
        empty,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, query, table},
    },
    format::count,
    layout::admin,
};
use domain::{Category, EventView, Refusal};
use maud::{Markup, html};

/// The page: every category with its events.
pub fn list(
    shell: &Shell,
    all: &[(Category, usize)],
    may_change: bool,
    typed: &str,
    refusal: Option<&Refusal>,
) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let heads = [Head::plain(text.t("Category")), Head::number(text.t("Events"))];
    let row = |(category, events): &(Category, usize)| {
        let form = format!("rename-{}", category.id);
        Row {
            id: Some(category.id.to_string()),
            name: category.name.clone(),
            cells: vec![
                html! {
                    @if may_change { span class="row" {
                        input type="text" name="name" form=(form) value=(category.name) maxlength="30" required aria-label={ (text.t("Name of the category")) " " (category.name) };
                        button form=(form) { (text.t("Save")) }
                    } } @else { (category.name) }
                },
                html! { a href=(query("/admin/event", &[("category", &category.id.to_string())])) { (count(*events as i64)) } },
            ],
        }
    };
    let rows: Vec<Row> = all.iter().map(row).collect();
    let content = html! {
        h1 { (text.t("Categories")) }
        p class="dim" { (text.t("Categories keep many events in order. Only the secretariat sees them.")) }
        form method="post" action="/admin/category" class="filter" {
            (form.input(&Input { name: "name", label: text.t("New category"), value: typed, required: true, max: 30, ..Input::default() }))
            button class="primary" { (icon(Icon::Plus)) (text.t("Add")) }
        }
        @if rows.is_empty() { (empty(text.t("No categories yet"), text.t("Add one here, or on the form of an event."), None)) }
        @else if may_change {
            form method="post" action="/admin/category/remove" class="stack" {
                (table(text, text.t("Categories"), &heads, &rows, true))
                details class="confirm" {
                    summary class="button danger" { (text.t("Delete the chosen ones")) }
                    div class="sure" {
                        p { (icon(Icon::Warn)) (text.t("The chosen categories are deleted for good. Their events stay, without a category.")) }
                        button class="danger" { (text.t("Delete for good")) }
                    }
                }
            }
            @for (category, _) in all { form method="post" id={ "rename-" (category.id) } action={ "/admin/category/" (category.id) } {} }
        } @else { (table(text, text.t("Categories"), &heads, &rows, false)) }
    };
    admin(shell, text.t("Categories"), &[(text.t("Events"), "/admin/event".into())], &[], &content)
}

/// What the event's form holds beside the event: category and switches.
pub struct Filing<'a> {
    /// Categories to choose from.
    pub categories: &'a [Category],
    /// Chosen one.
    pub category: &'a str,
    /// Name of a new one.
    pub new: &'a str,
    /// Series to choose from.
    pub all_series: &'a [domain::Series],
    /// Chosen series.
    pub series: &'a str,
    /// Switches for visitors.
    pub view: &'a EventView,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The part of the event's form.
pub fn filing(shell: &Shell, of: &Filing<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let choices: Vec<(String, String)> = std::iter::once((String::new(), text.t("None").to_owned()))
        .chain(of.categories.iter().map(|category| (category.id.to_string(), category.name.clone())))
        .collect();
    let mut series: Vec<(String, String)> =
        of.all_series.iter().map(|series| (series.id.to_string(), series.title.clone())).collect();
    if !series.is_empty() {
        series.insert(0, (String::new(), text.t("None").to_owned()));
    }
    html! {
        div class="pair" {
            (form.select(&Input { name: "category", label: text.t("Category"), value: of.category, help: text.t("Only the secretariat sees it."), ..Input::default() }, &choices))
            @if !series.is_empty() { (form.select(&Input { name: "series", label: text.t("Series"), value: of.series, help: text.t("Visitors find the other events of the series."), ..Input::default() }, &series)) }
            (form.input(&Input { name: "new_category", label: text.t("Or a new category"), value: of.new, max: 30, ..Input::default() }))
        }
        fieldset {
            legend { (text.t("What visitors see")) }
            (form.checkbox("hide_left", text.t("Do not show how many tickets are left"), of.view.hide_left))
            (form.checkbox("seat_early", text.t("Show the seat on the ticket before check-in"), of.view.seat_early))
        }
    }
}

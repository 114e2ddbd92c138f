//! Components of the home page: list and form (S0-76 … S0-78).

use crate::{
    Shell,
    component::{
        Confirm, confirm, empty,
        form::{Form, Input},
        heading,
        icon::{Icon, icon},
        list::{Head, Row, table},
        post, qr,
    },
    layout::admin,
};
use domain::{
    Category, HomePart, PartId, Refusal,
    home::{PartInput, PartSource, PartStyle},
};
use maud::{Markup, html};

/// The list of components.
pub fn list(shell: &Shell, parts: &[HomePart], categories: &[Category], frames: bool) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Heading")),
        Head::plain(text.t("Style")),
        Head::plain(text.t("Category")),
        Head::number(text.t("Events")),
        Head::plain(text.t("Order")),
    ];
    let row = |(at, part): (usize, &HomePart)| {
        let category = part.category.and_then(|id| categories.iter().find(|category| category.id == id));
        let title = if part.title.is_empty() { text.t("Without a heading") } else { part.title.as_str() };
        Row {
            id: None,
            name: title.to_owned(),
            cells: vec![
                html! { a href={ "/admin/home/" (part.id) } { (title) } },
                html! { (text.t(part.style.label())) },
                html! { (category.map_or(text.t("All"), |category| category.name.as_str())) },
                html! { (part.count) },
                html! { @if at > 0 { (post(&format!("/admin/home/{}/raise", part.id), "", text.t("Up"), Icon::Up)) } },
            ],
        }
    };
    let rows: Vec<Row> = parts.iter().enumerate().map(row).collect();
    let new =
        html! { a class="button primary" href="/admin/home/new" { (icon(Icon::Plus)) (text.t("New component")) } };
    let content = html! {
        (heading(text.t("Home page"), &new))
        p class="dim" { (text.t("Components say which events the home page shows, and how. Without any it shows all events that are coming.")) }
        @if rows.is_empty() { (empty(text.t("No components yet"), text.t("Add one: a heading, a category, big pictures or a list."), Some((text.t("New component"), "/admin/home/new")))) }
        @else { (table(text, text.t("Home page"), &heads, &rows, false)) }
        @if !frames { p class="dim" { a href="/admin/space#app" { (text.t("No other site may show components in a frame yet. Name the sites in the settings.")) } } }
    };
    admin(shell, text.t("Home page"), &[], &[], &content)
}

/// The form of a component.
pub struct PartForm<'a> {
    /// Its number and revision when one is changed.
    pub id: Option<(PartId, u32)>,
    /// What was typed or kept.
    pub input: &'a PartInput,
    /// Categories to choose from.
    pub categories: &'a [Category],
    /// There are merchants' events to choose.
    pub sources: bool,
    /// Where the component alone is shown.
    pub url: &'a str,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The form page.
pub fn form(shell: &Shell, of: &PartForm<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let input = of.input;
    let action = of.id.map_or("/admin/home/new".to_owned(), |(id, _)| format!("/admin/home/{id}"));
    let categories: Vec<(String, String)> = std::iter::once((String::new(), text.t("All categories").to_owned()))
        .chain(of.categories.iter().map(|category| (category.id.to_string(), category.name.clone())))
        .collect();
    let styles: Vec<(String, String)> =
        PartStyle::ALL.iter().map(|style| (style.code().to_owned(), text.t(style.label()).to_owned())).collect();
    let sources: Vec<(String, String)> =
        PartSource::ALL.iter().map(|source| (source.code().to_owned(), text.t(source.label()).to_owned())).collect();
    let category = input.category.map_or(String::new(), |id| id.to_string());
    let title = if of.id.is_some() { text.t("Component") } else { text.t("New component") };
    let content = html! {
        h1 { (title) }
        (form.summary())
        form method="post" action=(action) class="form panel" {
            @if let Some((_, revision)) = of.id { input type="hidden" name="revision" value=(revision); }
            (form.input(&Input { name: "title", label: text.t("Heading"), value: &input.title, max: 30, help: text.t("Visitors see it. May stay empty."), ..Input::default() }))
            (form.select(&Input { name: "style", label: text.t("Style"), value: &input.style, ..Input::default() }, &styles))
            @if of.sources { (form.select(&Input { name: "source", label: text.t("Whose events"), value: &input.source, help: text.t("Merchants' events are shown while the merchants' settings make them public. A category takes those of a category of the same name."), ..Input::default() }, &sources)) }
            (form.select(&Input { name: "category", label: text.t("Category"), value: &category, ..Input::default() }, &categories))
            (form.input(&Input { name: "count", label: text.t("Most events"), value: &input.count, kind: "number", required: true, ..Input::default() }))
            div class="submit" {
                button class="primary" { (text.t("Save")) }
                button formaction="/admin/home/preview" formtarget="_blank" { (text.t("Preview")) }
                a class="button" href="/admin/home" { (text.t("Cancel")) }
            }
        }
        @if let Some((id, _)) = of.id {
            section class="panel" {
                h2 { (text.t("On other pages")) }
                p { (text.t("Scan to look at it, or put this into the page of another site:")) }
                (qr(of.url, text.t("Address of the component")))
                pre class="code-block" tabindex="0" { code { "<iframe src=\"" (of.url) "\" width=\"100%\" height=\"600\"></iframe>" } }
                p class="dim" { (text.t("Programs read all components at:")) " " code { "/api/v1/home" } }
            }
            (confirm(&Confirm { label: text.t("Delete"), warning: text.t("The component is deleted for good. Its events stay."), action: &format!("/admin/home/{id}/remove"), verb: text.t("Delete for good") }))
        }
    };
    admin(shell, title, &[(text.t("Home page"), "/admin/home".into())], &[], &content)
}

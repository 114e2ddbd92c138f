//! Documents: list with upload, and one document with its text (S4-99 … S4-101).

use crate::{
    Shell,
    component::{
        Confirm, badge, confirm, empty,
        form::{Form, Input},
        heading,
        icon::{Icon, icon},
        list::{Head, Row, pager, query, table},
        post,
    },
    format::size,
    layout::{Tone, admin},
};
use domain::{
    Document, Refusal,
    document::{Reading, UPLOAD_MAX, UPLOADS_MAX},
};
use maud::{Markup, html};

/// A document with the names around it.
pub struct Shown<'a> {
    /// The document.
    pub document: &'a Document,
    /// Name of its event or department; none for the association's.
    pub shelf: Option<&'a str>,
    /// Whoever uploaded it.
    pub owner: &'a str,
    /// Whether the reader may change it.
    pub mine: bool,
}

/// The list.
pub struct List<'a> {
    /// Documents of the page.
    pub rows: &'a [Shown<'a>],
    /// How many the filter found.
    pub found: usize,
    /// Page from 0.
    pub page: usize,
    /// Documents of a page.
    pub size: usize,
    /// Text of the filter.
    pub q: &'a str,
    /// Where the reader may put documents: values and labels; none: nowhere.
    pub shelves: &'a [(String, String)],
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
    /// Searches that the reader keeps of this list.
    pub saved: &'a [domain::SavedSearch],
}

fn reading(shell: &Shell, of: &Document) -> Markup {
    let text = shell.text();
    match &of.reading {
        Reading::Nameless => badge(Tone::Plain, text.t("Found by its name")),
        Reading::Waiting => badge(Tone::Info, text.t("Being read")),
        Reading::Read(_, pages) => badge(Tone::Good, &text.f("Read, {pages} pages", &[("pages", &pages.to_string())])),
        Reading::Failed(why, _) => {
            html! { (badge(Tone::Bad, text.t("Cannot be read"))) " " span class="dim" { (text.t(why.label())) } }
        }
    }
}

fn acts(shell: &Shell, of: &Shown<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/document/{}", of.document.id);
    html! {
        div class="row" {
            a class="quiet" href={ (base) "/file" } download { (icon(Icon::Import)) (text.t("Download")) }
            @if of.mine && matches!(of.document.reading, Reading::Failed(..)) { (post(&format!("{base}/retry"), "quiet", text.t("Try again"), Icon::Up)) }
        }
    }
}

/// The list page.
pub fn list(shell: &Shell, of: &List<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let heads = [
        Head::plain(text.t("Document")),
        Head::plain(text.t("Belongs to")),
        Head::plain(text.t("Text of the document")),
        Head::number(text.t("Size")),
        Head::plain(text.t("Uploaded")),
        Head::plain(text.t("Actions")),
    ];
    let rows: Vec<Row> = of
        .rows
        .iter()
        .map(|row| Row {
            id: None,
            name: row.document.name.clone(),
            cells: vec![
                html! { a href={ "/admin/document/" (row.document.id) } { (row.document.name) } },
                html! { (row.shelf.unwrap_or(text.t("The association"))) },
                reading(shell, row.document),
                html! { (size(row.document.bytes)) },
                html! { (shell.format.date(row.document.created_at)) " " span class="dim" { (row.owner) } },
                acts(shell, row),
            ],
        })
        .collect();
    let limits = text.f(
        "At most {count} files at a time, {size} MB each. Programs are not taken. Stay on this page while they are sent.",
        &[("count", &UPLOADS_MAX.to_string()), ("size", &(UPLOAD_MAX >> 20).to_string())],
    );
    let content = html! {
        (heading(text.t("Documents"), &html! {}))
        (form.summary())
        @if !of.shelves.is_empty() {
            form method="post" action="/admin/document" enctype="multipart/form-data" class="panel" {
                div class="pair" {
                    (form.select(&Input { name: "shelf", label: text.t("Belongs to"), ..Input::default() }, of.shelves))
                    div class="field" { label for="f-file" { (text.t("Files")) } input id="f-file" type="file" name="file" multiple required aria-describedby="h-file"; p class="help" id="h-file" { (limits) } }
                }
                div class="submit" { button class="primary" { (icon(Icon::Export)) (text.t("Upload")) } }
            }
        }
        @if of.found == 0 && of.q.is_empty() { (empty(text.t("No documents yet"), text.t("Upload contracts, notices and papers of meetings: their text is found by the search."), None)) }
        @else {
            form class="filter" method="get" {
                (form.input(&Input { name: "q", label: text.t("Document name or a word of its text"), value: of.q, kind: "search", max: 200, ..Input::default() }))
                button { (icon(Icon::Search)) (text.t("Filter")) }
            }
            (crate::admin::search::saved(shell, of.saved, &query("/admin/document", &[("q", of.q)]), !of.q.is_empty()))
            (table(text, text.t("Documents"), &heads, &rows, false))
            (pager(text, of.page, of.size, of.found, |page| query("/admin/document", &[("q", of.q), ("page", &page.to_string())])))
        }
    };
    admin(shell, text.t("Documents"), &[], &[], &content)
}

/// Pages of text that are shown.
const PAGES_SHOWN: usize = 40;
/// Characters of a page that are shown.
const CHARS_SHOWN: usize = 3_000;

/// One document with its text.
pub fn one(shell: &Shell, of: &Shown<'_>, pages: &[String]) -> Markup {
    let text = shell.text();
    let base = format!("/admin/document/{}", of.document.id);
    let content = html! {
        (heading(&of.document.name, &acts(shell, of)))
        section class="panel" {
            dl class="facts" {
                dt { (text.t("Belongs to")) } dd { (of.shelf.unwrap_or(text.t("The association"))) }
                dt { (text.t("Size")) } dd { (size(of.document.bytes)) }
                dt { (text.t("Uploaded")) } dd { (shell.format.time(of.document.created_at)) " " (of.owner) }
                dt { (text.t("Text of the document")) } dd { (reading(shell, of.document)) }
            }
            @if of.mine {
                (confirm(&Confirm { label: text.t("Remove"), warning: text.t("The document and its file are removed for good."), action: &format!("{base}/remove"), verb: text.t("Remove for good") }))
            }
        }
        @for (number, page) in pages.iter().enumerate().take(PAGES_SHOWN) {
            @let shown: String = page.chars().take(CHARS_SHOWN).collect();
            section class="panel page-text" id={ "page-" (number + 1) } {
                @if pages.len() > 1 { h2 { (text.f("page {page}", &[("page", &(number + 1).to_string())])) } }
                p { (shown) @if shown.len() < page.len() { "…" } }
            }
        }
    };
    admin(shell, &of.document.name, &[(text.t("Documents"), "/admin/document".into())], &[], &content)
}

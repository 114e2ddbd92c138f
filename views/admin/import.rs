//! Importing a list: upload, preview, progress, result (S0-40, S0-45).

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        badge,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, pager, query, table},
        notice, post, progress, stat,
    },
    format::count,
    layout::Tone,
};
use domain::{
    Event, Import, Refusal, TicketType,
    import::{COLUMNS, Column, ImportState, RowVerdict, Tally},
};
use maud::{Markup, html};

/// The upload form, with what was imported before.
pub fn start(
    shell: &Shell,
    event: &Event,
    kinds: &[TicketType],
    before: &[Import],
    refusal: Option<&Refusal>,
) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let base = format!("/admin/event/{}/import", event.id);
    let choices: Vec<(String, String)> = kinds.iter().map(|kind| (kind.id.to_string(), kind.name.clone())).collect();
    let content = html! {
        h2 { (text.t("Import a list")) }
        (form.summary())
        form method="post" action=(base) enctype="multipart/form-data" class="form panel" {
            p { (text.t("First fill in the template:")) " " a href={ (base) "/template.xlsx" } download { "xlsx" } " " a href={ (base) "/template.csv" } download { "csv" } }
            (form.file("file", text.t("List"), text.t("xlsx or csv, at most 30 MB and 100,000 rows. The first row holds the heads."), ".xlsx,.csv,text/csv"))
            div class="pair" {
                (form.select(&Input { name: "kind", label: text.t("Ticket type for rows that name none"), required: true, ..Input::default() }, &choices))
                (form.input(&Input { name: "group", label: text.t("Group for rows that name none"), max: 40, ..Input::default() }))
            }
            button class="primary" { (icon(Icon::Import)) (text.t("Upload and look at the preview")) }
        }
        @if !before.is_empty() {
            h2 { (text.t("Imports so far")) }
            @for import in before { p { a href={ (base) "/" (import.id) } { (import.file_name) } " · " (shell.format.time(import.created_at)) " · " (state(shell, import.state)) } }
        }
    };
    event_page(shell, event, Tab::Registrations, &[], &content)
}

fn state(shell: &Shell, state: ImportState) -> Markup {
    let (tone, label) = match state {
        ImportState::Preview => (Tone::Info, "Waits for you"),
        ImportState::Running(_) => (Tone::Warn, "Going in"),
        ImportState::Finished => (Tone::Good, "Finished"),
        ImportState::Dropped => (Tone::Plain, "Given up"),
    };
    badge(tone, shell.text().t(label))
}

/// The value of a column in the form.
pub fn column_value(column: Column) -> String {
    match column {
        Column::Skip => String::new(),
        Column::Answer(id) => format!("answer-{id}"),
        fixed => COLUMNS.iter().position(|(column, _)| *column == fixed).map_or(String::new(), |at| format!("c{at}")),
    }
}

/// The column of a value in the form.
pub fn read_column(value: &str) -> Column {
    if let Some(id) = value.strip_prefix("answer-").and_then(|id| id.parse().ok()) {
        return Column::Answer(id);
    }
    let at = value.strip_prefix('c').and_then(|at| at.parse::<usize>().ok());
    at.and_then(|at| COLUMNS.get(at)).map_or(Column::Skip, |(column, _)| *column)
}

/// A row of the preview.
pub struct PreviewRow {
    /// Number beside it in the spreadsheet.
    pub number: u32,
    /// Its cells.
    pub cells: Vec<String>,
    /// What will become of it.
    pub verdict: RowVerdict,
}

/// The preview.
pub struct Preview<'a> {
    /// The event.
    pub event: &'a Event,
    /// The import.
    pub import: &'a Import,
    /// Heads of the list.
    pub heads: &'a [String],
    /// Rows of the page.
    pub rows: &'a [PreviewRow],
    /// What becomes of all rows.
    pub tally: Tally,
    /// How many rows the filter found.
    pub found: usize,
    /// Page from 0.
    pub page: usize,
    /// Rows of a page.
    pub size: usize,
    /// Only rows that cannot go in.
    pub refused_only: bool,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

fn tally(shell: &Shell, of: Tally) -> Markup {
    let text = shell.text();
    let number = |n: u32| count(i64::from(n));
    html! {
        dl class="stats" {
            (stat(text.t("Added"), &number(of.added), Some("added")))
            (stat(text.t("Changed"), &number(of.changed), Some("changed")))
            (stat(text.t("Unchanged"), &number(of.unchanged), Some("unchanged")))
            (stat(text.t("Refused"), &number(of.refused), Some("refused")))
        }
    }
}

/// The preview page.
pub fn preview(shell: &Shell, of: &Preview<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/import/{}", of.event.id, of.import.id);
    let mut heads = vec![Head::number(text.t("Row")), Head::plain(text.t("What happens"))];
    heads.extend(of.heads.iter().map(|head| Head::plain(head)));
    let rows: Vec<Row> = of
        .rows
        .iter()
        .map(|row| {
            let mut cells = vec![html! { (row.number) }, verdict(shell, &row.verdict)];
            cells.extend(row.cells.iter().map(|cell| html! { (cell) }));
            Row { id: None, name: row.number.to_string(), cells }
        })
        .collect();
    let good = of.tally.added + of.tally.changed;
    let content = html! {
        h2 { (of.import.file_name) }
        (Form::new(text, of.refusal).summary())
        (tally(shell, of.tally))
        (columns(shell, of, &base))
        div class="row" {
            (post(&format!("{base}/begin"), "primary", &text.f("Put {count} rows in", &[("count", &count(i64::from(good)))]), Icon::Check))
            (post(&format!("{base}/drop"), "", text.t("Give up"), Icon::Cross))
            @if of.tally.refused > 0 { span class="dim" { (text.t("Refused rows stay out and come back as a file with reasons.")) } }
        }
        div class="row" {
            a class="button" href=(base) aria-current=[(!of.refused_only).then_some("true")] { (text.t("All rows")) }
            a class="button" href={ (base) "?show=refused" } aria-current=[of.refused_only.then_some("true")] { (text.t("Refused rows")) }
        }
        (table(text, text.t("Preview"), &heads, &rows, false))
        (pager(text, of.page, of.size, of.found, |page| query(&base, &[("show", if of.refused_only { "refused" } else { "" }), ("page", &page.to_string())])))
    };
    event_page(shell, of.event, Tab::Registrations, &[], &content)
}

fn verdict(shell: &Shell, of: &RowVerdict) -> Markup {
    let text = shell.text();
    match of {
        RowVerdict::Add => badge(Tone::Good, text.t("Added")),
        RowVerdict::Unchanged(_) => badge(Tone::Plain, text.t("Unchanged")),
        RowVerdict::Change(_, what) => {
            let what: Vec<&str> = what.iter().map(|label| text.t(label)).collect();
            badge(Tone::Info, &text.f("Changed: {what}", &[("what", &what.join(", "))]))
        }
        RowVerdict::Refuse(problems) => html! {
            (badge(Tone::Bad, text.t("Refused")))
            @for problem in problems { p class="error" { (text.args(problem.text, &problem.args)) } }
        },
    }
}

fn columns(shell: &Shell, of: &Preview<'_>, base: &str) -> Markup {
    let text = shell.text();
    let form = Form::new(text, None);
    let mut choices = vec![(String::new(), text.t("Not read").to_owned())];
    choices.extend(COLUMNS.iter().map(|(column, label)| (column_value(*column), text.t(label).to_owned())));
    choices.extend(of.event.fields.iter().map(|field| (format!("answer-{}", field.id), field.label.clone())));
    html! {
        details class="panel" {
            summary { (text.t("What the columns mean")) }
            form method="post" action={ (base) "/columns" } class="filter" {
                @for (at, (head, column)) in of.heads.iter().zip(&of.import.columns).enumerate() {
                    (form.select(&Input { name: &format!("column-{at}"), label: head, value: &column_value(*column), ..Input::default() }, &choices))
                }
                button { (text.t("Look again")) }
            }
        }
    }
}

/// The page of an import that has begun.
pub fn result(shell: &Shell, event: &Event, import: &Import) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/import/{}", event.id, import.id);
    let content = html! {
        h2 { (import.file_name) " " (state(shell, import.state)) }
        @if let ImportState::Running(done) = import.state {
            div data-live-source={ (base) "/live" } { (progress(text.t("Rows that were looked at"), done, import.rows)) }
            // Without scripts the page looks again by itself.
            noscript { meta http-equiv="refresh" content="2"; }
            p class="dim" { (text.t("You may leave this page: the import goes on.")) }
        }
        (tally(shell, import.tally))
        @if import.state == ImportState::Finished {
            @if import.tally.refused > 0 {
                (notice(Tone::Warn, text.t("Some rows stayed out. Mend them in the file and import it again: what is already in stays as it is.")))
                div class="row" { a class="button" href={ (base) "/refused.xlsx" } download { (icon(Icon::Export)) (text.t("Refused rows with reasons")) " xlsx" } a class="button" href={ (base) "/refused.csv" } download { (icon(Icon::Export)) "csv" } }
            } @else { (notice(Tone::Good, text.t("All rows are in."))) }
            p { a class="button primary" href={ "/admin/event/" (event.id) "/registration" } { (text.t("To the registrations")) } }
        }
    };
    event_page(shell, event, Tab::Registrations, &[], &content)
}

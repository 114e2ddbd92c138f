//! The audit log.

use crate::{
    Shell,
    component::list::{Head, Row, query, table},
    layout::admin,
};
use domain::AuditLine;
use maud::{Markup, html};

/// The log: lines with their numbers and who wrote them; `next` is the number to go on before.
pub fn log(shell: &Shell, lines: &[(u64, AuditLine, String)], next: Option<u64>) -> Markup {
    let text = shell.text();
    let heads = [
        Head::number(text.t("No.")),
        Head::plain(text.t("Time")),
        Head::plain(text.t("Who")),
        Head::plain(text.t("Did")),
        Head::plain(text.t("To")),
        Head::plain(text.t("Before")),
        Head::plain(text.t("After")),
    ];
    let rows: Vec<Row> = lines
        .iter()
        .map(|(number, line, who)| Row {
            id: None,
            name: number.to_string(),
            cells: vec![
                html! { (number) },
                html! { span class="whole" { (shell.format.date(line.at)) " " (shell.format.clock_seconds(line.at)) } },
                html! { span class="whole" { (who) } },
                html! { code { (line.action) } },
                html! { code { (line.subject) } },
                html! { div class="long" { (line.before) } },
                html! { div class="long" { (line.after) } },
            ],
        })
        .collect();
    let content = html! {
        h1 { (text.t("Audit log")) }
        p class="dim" { (text.t("Every change, by whom and when. Each block of lines carries the hash of the one before; “huiguan verify” checks the chain.")) }
        (table(text, text.t("Audit log"), &heads, &rows, false))
        @if let Some(next) = next { a class="button" href=(query("/admin/audit", &[("before", &next.to_string())])) { (text.t("Older")) } }
    };
    admin(shell, text.t("Audit log"), &[], &[], &content)
}

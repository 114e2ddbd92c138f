//! Everything that is kept of one person as a page of its own that opens without the box: what an export holds beside the file for programs.

use crate::format::Format;
use domain::privacy::dossier::{Dossier, Row, Section, Value};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The look of a page that has nothing beside it.
const STYLE: &str = "body{font:16px/1.5 system-ui,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif;margin:2rem auto;\
    max-width:50rem;padding:0 1rem;color:#222}h1,h2{line-height:1.2}h2{margin-top:2rem;border-bottom:1px solid #bbb}\
    dl{display:grid;grid-template-columns:minmax(6rem,12rem) 1fr;gap:.25rem 1rem;margin:1rem 0;padding-bottom:1rem;\
    border-bottom:1px solid #ddd}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}p.dim{color:#555}";

/// The page, in the person's language.
pub fn dossier(format: &Format, of: &Dossier) -> Markup {
    let text = format.text;
    let title = text.f("What {association} keeps of {name}", &[("association", &of.space), ("name", &of.name)]);
    let (held, empty): (Vec<&Section>, Vec<&Section>) =
        of.sections.iter().partition(|section| !section.rows.is_empty());
    html! {
        (DOCTYPE)
        html lang=(text.0.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    p class="dim" { (format.time(of.at)) }
                    p { (text.t("The same stands in data.json, in a form that programs read. Your files are in the folder “files”.")) }
                    @for section in held { (part(format, section)) }
                    @if !of.files.is_empty() {
                        h2 { (text.t("Files")) }
                        ul { @for file in &of.files { li { a href=(file.name) { (file.name.trim_start_matches("files/")) } } } }
                    }
                    h2 { (text.t("Nothing is kept of this")) }
                    p { @for (at, section) in empty.iter().enumerate() { @if at > 0 { " · " } (text.t(section.label)) } }
                }
            }
        }
    }
}

fn part(format: &Format, of: &Section) -> Markup {
    html! {
        h2 { (format.text.t(of.label)) }
        @for row in &of.rows { (record(format, row)) }
    }
}

fn record(format: &Format, row: &Row) -> Markup {
    html! {
        dl {
            @for (datum, value) in row {
                dt { (format.text.t(datum.label())) }
                dd { (said(format, value)) }
            }
        }
    }
}

fn said(format: &Format, value: &Value) -> Markup {
    let text = format.text;
    html! {
        @match value {
            Value::Text(said) => (text.t(said)),
            Value::Word(_, label) => (text.t(label)),
            Value::Time(at) => (format.time(*at)),
            Value::Fen(fen) => (crate::format::money(domain::Money::cny(*fen))),
            Value::Pairs(pairs) => ul { @for (asked, answer) in pairs { li { (asked) @if !answer.is_empty() { ": " (answer) } } } },
        }
    }
}

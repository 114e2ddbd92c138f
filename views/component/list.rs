//! Lists: a table that becomes cards on a phone, heads that sort, bulk acts, and a pager.

use crate::{format::count, text::Text};
use maud::{Markup, html};

/// A column's head.
pub struct Head {
    /// Label in the reader's language.
    pub label: String,
    /// Address that sorts by it, and the present direction if it is sorted by: `ascending` or `descending`.
    pub sort: Option<(String, Option<&'static str>)>,
    /// Right-aligned figures.
    pub number: bool,
}

impl Head {
    /// A head that does not sort.
    pub fn plain(label: &str) -> Self {
        Self { label: label.to_owned(), sort: None, number: false }
    }

    /// A head over figures.
    pub fn number(label: &str) -> Self {
        Self { number: true, ..Self::plain(label) }
    }
}

/// One row.
pub struct Row {
    /// Value of its tick box for bulk acts; none: no box.
    pub id: Option<String>,
    /// What a screen reader says at the tick box.
    pub name: String,
    /// Cells in the order of the heads.
    pub cells: Vec<Markup>,
}

/// The table. With `bulk`, each row has a tick box of the form that stands around it.
pub fn table(text: Text, caption: &str, heads: &[Head], rows: &[Row], bulk: bool) -> Markup {
    html! {
        div class="table" tabindex="0" role="region" aria-label=(caption) {
            table {
                caption class="visually-hidden" { (caption) }
                thead { tr {
                    @if bulk { th scope="col" class="pick" { input type="checkbox" data-pick-all aria-label=(text.t("Choose all rows")); } }
                    @for head in heads { (head_cell(head)) }
                } }
                tbody {
                    @for row in rows {
                        tr {
                            @if bulk { td class="pick" { @if let Some(id) = &row.id { input type="checkbox" name="id" value=(id) data-pick aria-label={ (text.t("Choose")) " " (row.name) }; } } }
                            // One element, so that on a phone all of it stands beside the label.
                            @for (cell, head) in row.cells.iter().zip(heads) { td data-label=(head.label) class=[head.number.then_some("num")] { div { (cell) } } }
                        }
                    }
                }
            }
        }
    }
}

fn head_cell(head: &Head) -> Markup {
    let class = head.number.then_some("num");
    html! {
        @match &head.sort {
            Some((href, direction)) => th scope="col" class=[class] aria-sort=[*direction] { a href=(href) { (head.label) @if let Some(direction) = direction { span aria-hidden="true" { @if *direction == "ascending" { " ↑" } @else { " ↓" } } } } },
            None => th scope="col" class=[class] { (head.label) },
        }
    }
}

/// Which part of how many rows is shown, with links to the parts before and behind.
pub fn pager(text: Text, page: usize, size: usize, found: usize, link: impl Fn(usize) -> String) -> Markup {
    let (from, to) = (page * size + 1, ((page + 1) * size).min(found));
    html! {
        nav class="pager" aria-label=(text.t("Pages")) {
            @if found == 0 { span { (text.t("Nothing found")) } }
            @else { span class="num" { (text.f("{from}–{to} of {all}", &[("from", &count(from as i64)), ("to", &count(to as i64)), ("all", &count(found as i64))])) } }
            @if page > 0 { a class="button" rel="prev" href=(link(page - 1)) { (text.t("Previous")) } }
            @if to < found { a class="button" rel="next" href=(link(page + 1)) { (text.t("Next")) } }
        }
    }
}

/// Addresses of a page with some of its query replaced.
pub fn query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    let mut joint = '?';
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(joint);
        out.push_str(name);
        out.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
        joint = '&';
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_encoded() {
        assert_eq!(query("/a", &[("q", "张 &"), ("page", ""), ("n", "1")]), "/a?q=%E5%BC%A0%20%26&n=1");
    }
}

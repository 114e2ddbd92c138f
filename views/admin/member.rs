//! The list of members that prices go by.

use crate::{
    Shell,
    component::{
        badge, empty,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        list::{Head, Row, pager, query, table},
        stat,
    },
    format::{count, phone},
    layout::{Tone, admin},
};
use domain::{Member, Refusal, SavedSearch, Time, member::is_member};
use maud::{Markup, html};

/// The page.
pub struct Page<'a> {
    /// Members of this page.
    pub members: &'a [Member],
    /// How many were found, which page, rows of a page.
    pub pages: (usize, usize, usize),
    /// How many there are.
    pub all: i64,
    /// What was looked for.
    pub q: &'a str,
    /// Filters that the reader keeps.
    pub saved: &'a [SavedSearch],
    /// Now.
    pub now: Time,
    /// Phones are shown in full.
    pub full: bool,
    /// Lines that were typed.
    pub typed: &'a str,
    /// What was wrong with them.
    pub refusal: Option<&'a Refusal>,
}

/// The list with the form that adds to it.
pub fn page(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let content = html! {
        h1 { (text.t("Members")) }
        p class="dim" { (text.t("Whoever registers with a phone number of this list pays the price for members and can take tickets for members.")) }
        (form.summary())
        dl class="stats" { (stat(text.t("Members on the list"), &count(of.all), None)) }
        section class="panel" {
            h2 { (text.t("Put members on the list")) }
            form method="post" action="/admin/member" class="form" {
                (form.textarea(&Input { name: "members", label: text.t("Members, one a line"), value: of.typed, required: true, help: text.t("Phone, name and last day of the membership: 13800000001 Li Lei 2027-12-31. Name and day can be left out. Lines copied from a spreadsheet fit. Whoever is on the list already gets the new name and day."), ..Input::default() }, 6))
                (submit(text.t("Put on the list"), None))
            }
        }
        form class="filter" method="get" {
            div class="field grow" { label for="f-q" { (text.t("Name or phone")) } input id="f-q" name="q" type="search" value=(of.q) maxlength="60"; }
            button { (icon(Icon::Search)) (text.t("Filter")) }
        }
        (crate::admin::search::saved(shell, of.saved, &query("/admin/member", &[("q", of.q)]), !of.q.is_empty()))
        (rows(shell, of))
    };
    admin(shell, text.t("Members"), &[], &[], &content)
}

fn rows(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let (found, page, size) = of.pages;
    let heads = [
        Head::plain(text.t("Phone")),
        Head::plain(text.t("Name")),
        Head::plain(text.t("Member until")),
        Head::plain(text.t("State")),
    ];
    let row = |member: &Member| Row {
        id: Some(member.phone.clone()),
        name: if member.name.is_empty() { phone(&member.phone, of.full) } else { member.name.clone() },
        cells: vec![
            html! { (phone(&member.phone, of.full)) },
            html! { (member.name) },
            // The instant is the beginning of the next day.
            html! { @match member.until { Some(until) => (shell.format.date(until.plus(-1))), None => (text.t("Without end")) } },
            if is_member(Some(member), of.now) {
                badge(Tone::Good, text.t("Member"))
            } else {
                badge(Tone::Plain, text.t("Over"))
            },
        ],
    };
    let rows: Vec<Row> = of.members.iter().map(row).collect();
    html! {
        @if rows.is_empty() { (empty(text.t("Nobody here"), text.t("Put members on the list above, or look for something else."), None)) }
        @else {
            form method="post" action="/admin/member/remove" class="stack" {
                (table(text, text.t("Members"), &heads, &rows, true))
                details class="confirm" {
                    summary class="button danger" { (text.t("Take the chosen ones off the list")) }
                    div class="sure" {
                        p { (icon(Icon::Warn)) (text.t("They pay what everybody pays from now on. Orders that were made stay as they are.")) }
                        button class="danger" { (text.t("Take off the list")) }
                    }
                }
            }
            (pager(text, page, size, found, |page| query("/admin/member", &[("q", of.q), ("page", &page.to_string())])))
        }
    }
}

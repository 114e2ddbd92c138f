//! Certificates of an event: issuing to those who came, the list, one certificate.

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        badge, empty,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, pager, query, table},
        post,
    },
    format::count,
    layout::Tone,
};
use domain::{
    Certificate, Design, Event, Refusal, SavedSearch,
    certificate::{CertificateState, REASON_MAX, grouped},
};
use maud::{Markup, html};

/// The list.
pub struct List<'a> {
    /// The event.
    pub event: &'a Event,
    /// Certificate designs with how many people wait for one.
    pub designs: &'a [(Design, usize)],
    /// Rows of the page.
    pub rows: &'a [Certificate],
    /// How many were found.
    pub found: usize,
    /// Page from 0.
    pub page: usize,
    /// Rows of a page.
    pub size: usize,
    /// What is looked for.
    pub q: &'a str,
    /// Filters that the reader keeps.
    pub saved: &'a [SavedSearch],
}

fn base(event: &Event) -> String {
    format!("/admin/event/{}/certificate", event.id)
}

/// The badge of a certificate.
pub fn state(shell: &Shell, state: &CertificateState) -> Markup {
    let tone = match state {
        CertificateState::Valid => Tone::Good,
        CertificateState::Revoked(..) => Tone::Bad,
        CertificateState::Replaced(..) => Tone::Warn,
    };
    badge(tone, shell.text().t(state.label()))
}

/// The list page.
pub fn list(shell: &Shell, of: &List<'_>) -> Markup {
    let text = shell.text();
    let base = base(of.event);
    let heads = [
        Head::plain(text.t("Certificate number")),
        Head::plain(text.t("Name")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Issued")),
    ];
    let rows: Vec<Row> = of
        .rows
        .iter()
        .map(|certificate| Row {
            id: None,
            name: certificate.name.clone(),
            cells: vec![
                html! { a class="whole" href={ (base) "/" (certificate.id) } { (certificate.serial) } },
                html! { (certificate.name) },
                state(shell, &certificate.state),
                html! { (shell.format.short(certificate.issued_at)) },
            ],
        })
        .collect();
    let content = html! {
        h2 { (text.t("Certificates")) }
        @if of.designs.is_empty() { (empty(text.t("No certificate design yet"), text.t("Make one from the preset “Certificate”, then come back to issue it."), Some((text.t("Badges and certificates"), &format!("/admin/event/{}/design", of.event.id))))) }
        @for (design, waiting) in of.designs { (issue(shell, &base, design, *waiting)) }
        @if of.found > 0 || !of.q.is_empty() {
            form class="filter" method="get" {
                (Form::new(text, None).input(&Input { name: "q", label: text.t("Name or number"), value: of.q, kind: "search", max: 60, ..Input::default() }))
                button { (icon(Icon::Search)) (text.t("Filter")) }
            }
            (crate::admin::search::saved(shell, of.saved, &query(&base, &[("q", of.q)]), !of.q.is_empty()))
            (table(text, text.t("Certificates"), &heads, &rows, false))
            (pager(text, of.page, of.size, of.found, |page| query(&base, &[("q", of.q), ("page", &page.to_string())])))
        }
    };
    event_page(shell, of.event, Tab::Print, &[], &content)
}

fn issue(shell: &Shell, base: &str, design: &Design, waiting: usize) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h3 { (design.name) }
            p { (text.f("{people} people came in and have no certificate by this design yet.", &[("people", &count(waiting as i64))])) }
            div class="row" {
                form method="post" action=(base) class="inline" {
                    input type="hidden" name="design" value=(design.id);
                    button class="primary" disabled[waiting == 0] { (icon(Icon::Check)) (text.t("Issue to all of them")) }
                }
                a class="button" href={ (base) "/sheets/" (design.id) } { (icon(Icon::Print)) (text.t("Print the valid ones")) }
                a class="button" href={ "/admin/event/" (design.event) "/design/" (design.id) } { (icon(Icon::Edit)) (text.t("Change the design")) }
            }
        }
    }
}

/// One certificate.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// The certificate.
    pub certificate: &'a Certificate,
    /// Address of its check page.
    pub url: &'a str,
    /// What stands in the form.
    pub reason: &'a str,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The page of one certificate.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let one = of.certificate;
    let at = format!("{}/{}", base(of.event), one.id);
    let form = Form::new(text, of.refusal);
    let content = html! {
        div class="heading" {
            h2 { (one.serial) " " (state(shell, &one.state)) }
            div class="actions" {
                a class="button" href={ (at) "/picture.png" } download={ (one.serial) ".png" } { (icon(Icon::Export)) "PNG" }
                a class="button" href={ (base(of.event)) "/sheets/" (one.design) "?only=" (one.id) } { (icon(Icon::Print)) (text.t("Print")) }
                @if !matches!(one.state, CertificateState::Replaced(..)) { (post(&format!("{at}/reissue"), "", text.t("Issue anew with the present name"), Icon::Copy)) }
            }
        }
        (form.summary())
        div class="columns" {
            section class="panel" {
                img src={ (at) "/picture.svg" } alt={ (text.t("Certificate")) " " (one.serial) } class="drawn";
            }
            section class="panel" {
                dl class="facts" {
                    dt { (text.t("Name")) } dd { a href={ "/admin/event/" (of.event.id) "/registration/" (one.ticket) } { (one.name) } }
                    dt { (text.t("Issued")) } dd { (shell.format.time(one.issued_at)) }
                    dt { (text.t("Number to check it by")) } dd class="code" { (grouped(&one.number)) }
                    dt { (text.t("Check page")) } dd { a href=(of.url) { (of.url) } }
                    @if let CertificateState::Revoked(at, reason) = &one.state { dt { (text.t("Revoked")) } dd { (shell.format.time(*at)) " · " (reason) } }
                }
                @if one.is_valid() {
                    form method="post" action={ (at) "/revoke" } class="form" {
                        (form.input(&Input { name: "reason", label: text.t("Why it is taken back"), value: of.reason, required: true, max: REASON_MAX, help: text.t("Shown on the public check page."), ..Input::default() }))
                        button class="danger" { (icon(Icon::Cross)) (text.t("Revoke the certificate")) }
                    }
                }
            }
        }
    };
    event_page(shell, of.event, Tab::Print, &[], &content)
}

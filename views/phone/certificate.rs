//! The public check page of certificates: is this one worth something?

use crate::{
    Shell,
    component::{
        form::{Form, Input, submit},
        notice,
    },
    layout::{Tone, phone},
};
use domain::{
    Certificate, Event, Refusal,
    certificate::{CertificateState, grouped},
};
use maud::{Markup, html};

/// What the page says.
pub struct Checked<'a> {
    /// The certificate.
    pub certificate: &'a Certificate,
    /// Its event.
    pub event: &'a Event,
    /// The name as strangers may see it.
    pub name: &'a str,
    /// The readable number of the one that replaced it.
    pub replaced_by: Option<&'a str>,
}

fn form(shell: &Shell, number: &str, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    html! {
        (form.summary())
        form method="get" action="/certificate" class="form panel" {
            (form.input(&Input { name: "number", label: text.t("Number to check it by"), value: number, required: true, max: 40, help: text.t("16 characters. It stands in the address that the QR code of the certificate leads to."), ..Input::default() }))
            (submit(text.t("Check"), None))
        }
    }
}

/// The form for a number.
pub fn ask(shell: &Shell, number: &str, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let content = html! { h1 { (text.t("Check a certificate")) } (form(shell, number, refusal)) };
    phone(shell, text.t("Check a certificate"), &[], &content)
}

/// What is known of a number.
pub fn show(shell: &Shell, of: &Checked<'_>) -> Markup {
    let text = shell.text();
    let one = of.certificate;
    let content = html! {
        h1 { (text.t("Check a certificate")) }
        @match &one.state {
            CertificateState::Valid => (notice(Tone::Good, text.t("This certificate is valid."))),
            CertificateState::Revoked(at, reason) => (notice(Tone::Bad, &text.f("This certificate was revoked on {date}: {reason}", &[("date", &shell.format.date(*at)), ("reason", reason)]))),
            CertificateState::Replaced(at, _) => (notice(Tone::Warn, &text.f("This certificate was replaced on {date} by number {serial}.", &[("date", &shell.format.date(*at)), ("serial", &of.replaced_by.unwrap_or(""))]))),
        }
        dl class="facts panel" {
            dt { (text.t("Certificate number")) } dd { (one.serial) }
            dt { (text.t("Name")) } dd { (of.name) }
            dt { (text.t("Event")) } dd { (of.event.name) }
            dt { (text.t("Time")) } dd { (shell.format.window(&of.event.time)) }
            dt { (text.t("Issued")) } dd { (shell.format.date(one.issued_at)) " · " (shell.space) }
            dt { (text.t("Number to check it by")) } dd class="code" { (grouped(&one.number)) }
        }
    };
    phone(shell, text.t("Check a certificate"), &[], &content)
}

//! One's own data on the phone: a copy of everything, and asking to be erased.

use crate::{
    Shell,
    component::{
        form::{Form, Input},
        icon::{Icon, icon},
        notice,
    },
    layout::{Tone, phone},
};
use domain::{
    Erasure, Refusal,
    privacy::{
        ANSWER_DAYS, ErasureState,
        consent::{Consent, PrivacyNotice},
    },
};
use maud::{Markup, html};

/// The page.
pub struct Page<'a> {
    /// Name of the person.
    pub name: &'a str,
    /// What they agreed to.
    pub consents: &'a [Consent],
    /// The request, if there is one.
    pub erasure: Option<&'a Erasure>,
    /// Why something stays (English source texts): what, and why.
    pub beside: &'a [(&'static str, &'static str)],
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// A version of the privacy notice for everybody.
pub fn words(shell: &Shell, of: &PrivacyNotice) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (text.t("Privacy notice")) }
        p class="dim" { (text.f("Version {number}", &[("number", &of.version)])) " · " (shell.format.time(of.at)) }
        @if of.text.is_empty() { p { (text.t("From this version on nothing is asked.")) } }
        div class="long" { @for line in of.text.lines() { p { (line) } } }
    };
    phone(shell, text.t("Privacy notice"), &[], &content)
}

/// One's own data.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let waits = of.erasure.is_some_and(Erasure::is_open);
    let content = html! {
        h1 { (text.t("My data")) }
        (form.summary())
        @if let Some(erasure) = of.erasure {
            @match &erasure.state {
                ErasureState::Asked => (notice(Tone::Info, &text.f("You asked for your data to be erased. You get an answer by {date}.", &[("date", &shell.format.date(erasure.due()))]))),
                ErasureState::Declined(reason) => (notice(Tone::Warn, &text.f("Your data was not erased: {reason}", &[("reason", reason)]))),
                ErasureState::Begun | ErasureState::Done | ErasureState::Withdrawn => "",
            }
        }
        section class="panel" {
            h2 { (text.t("A copy of everything")) }
            p { (text.t("A ZIP file with a page to read, a file for programs, and the files that you uploaded. Whoever has it knows everything that is kept of you.")) }
            form method="post" action="/my/data/export" class="form" { button class="wide" { (icon(Icon::Export)) (text.t("Download my data")) } }
        }
        @if !of.consents.is_empty() {
            section class="panel" {
                h2 { (text.t("Agreed to the privacy notice")) }
                (crate::admin::privacy::agreements(shell, of.consents))
                @if of.consents.iter().any(|consent| consent.withdrawn.is_none()) {
                    form method="post" action="/my/data/withdraw" class="form" { button class="wide" { (text.t("Take my consent back")) } }
                    p class="dim" { (text.t("What you registered for stays until you give it up or ask for your data to be deleted.")) }
                }
            }
        }
        section class="panel" {
            h2 { (text.t("Delete my data")) }
            @if waits {
                form method="post" action="/my/data/keep" class="form" { button class="wide" { (text.t("Keep my data after all")) } }
            } @else {
                p { (text.f("The secretariat looks at your request and answers within {days} days. Your registrations, tickets, answers, pictures and log-ins go; there is no way back.", &[("days", &ANSWER_DAYS)])) }
                p { (text.t("Paid orders and invoices stay on the books, as the law wants, without your name. Give back what you paid for and do not want to lose first.")) }
                details {
                    summary { (text.t("What stays, and why")) }
                    ul { @for (what, why) in of.beside { li { strong { (text.t(what)) } ": " (text.t(why)) } } }
                }
                p { (icon(Icon::Warn)) " " strong { (of.name) } }
                form method="post" action="/my/data/erase" class="form" {
                    (form.input(&Input { name: "confirm", label: text.t("Type the name to confirm"), required: true, max: 60, autocomplete: "off", ..Input::default() }))
                    button class="danger wide" { (text.t("Ask for my data to be deleted")) }
                }
            }
        }
        p { a href="/my/session" { (text.t("My account")) } }
    };
    phone(shell, text.t("My data"), &[], &content)
}

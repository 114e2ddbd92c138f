//! Logging in with a code, and one's own account on the phone pages (S1-11).

use crate::{
    Shell,
    component::form::{Form, Input, submit},
    layout::phone,
};
use domain::{PersonSession, Refusal};
use maud::{Markup, html};

/// Where a code is to be sent.
pub fn ask(shell: &Shell, to: &str, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let title = text.t("Log in with a code");
    let content = html! {
        h1 { (title) }
        (form.summary())
        p class="dim" { (text.t("You get a code of six digits. Whoever registered with this phone number finds all tickets here.")) }
        form method="post" action="/my/login" class="form" {
            (form.input(&Input { name: "to", label: text.t("Mobile number or e-mail address"), value: to, required: true, max: 254, autocomplete: "tel", ..Input::default() }))
            (submit(text.t("Send me a code"), None))
        }
    };
    phone(shell, title, &[], &content)
}

/// The code that was sent.
pub fn code(shell: &Shell, to: &str, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let title = text.t("Enter the code");
    let content = html! {
        h1 { (title) }
        (form.summary())
        p { (text.f("A code was sent to {to}. It works for 5 minutes.", &[("to", &to)])) }
        form method="post" action="/my/login" class="form" {
            input type="hidden" name="to" value=(to);
            input type="hidden" name="sent" value="1";
            (form.input(&Input { name: "code", label: text.t("Login code"), value: "", required: true, max: 20, help: text.t("6 digits"), autocomplete: "one-time-code", ..Input::default() }))
            (submit(text.t("Log in"), None))
        }
        p { a href="/my/login" { (text.t("Send another code")) } }
    };
    phone(shell, title, &[], &content)
}

/// What is known of the person.
pub struct Known<'a> {
    /// Name.
    pub name: &'a str,
    /// Company.
    pub company: &'a str,
    /// Proved phone number in E.164.
    pub phone: Option<&'a str>,
    /// Proved e-mail address.
    pub email: Option<&'a str>,
}

/// One's own account: name, proofs, devices.
pub fn account(
    shell: &Shell,
    known: &Known<'_>,
    sessions: &[(PersonSession, bool)],
    refusal: Option<&Refusal>,
) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let title = text.t("My account");
    let content = html! {
        h1 { (title) }
        (form.summary())
        form method="post" action="/my/profile" class="form panel" {
            (form.input(&Input { name: "name", label: text.t("Name"), value: known.name, required: true, max: 60, autocomplete: "name", ..Input::default() }))
            (form.input(&Input { name: "company", label: text.t("Company"), value: known.company, max: 100, autocomplete: "organization", ..Input::default() }))
            @if let Some(phone) = known.phone { p { (text.t("Phone")) " " (crate::format::phone(phone, true)) } }
            @if let Some(email) = known.email { p { (text.t("E-mail")) " " (email) } }
            (submit(text.t("Save"), None))
        }
        section class="panel" {
            h2 { (text.t("Devices")) }
            @for (session, current) in sessions {
                form method="post" action="/my/session/revoke" class="form" {
                    input type="hidden" name="session" value=(session.number());
                    p { (session.device) @if *current { " · " strong { (text.t("this device")) } } }
                    p class="dim" { (session.address) " · " (shell.format.short(session.seen_at)) }
                    @if !*current { button class="quiet" { (text.t("Log out there")) } }
                }
            }
        }
        p { a class="button wide" href="/my/data" { (text.t("My data: copy or delete")) } }
        form method="post" action="/my/session/end" class="form" { button class="wide" { (text.t("Log out")) } }
    };
    phone(shell, title, &[], &content)
}

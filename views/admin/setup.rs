//! Set-up and log-in.

use super::own::{Ask, ask};
use crate::{
    Shell,
    component::{
        form::{Form, Input, submit},
        icon::{Icon, icon},
        list::query,
    },
    layout::{bare, bare_with},
};
use domain::{Refusal, password::PASSWORD_MIN};
use maud::{Markup, html};

/// What was typed on the set-up page; passwords are never sent back.
#[derive(Default)]
pub struct SetupTyped {
    /// Code from the console.
    pub code: String,
    /// Name of the association.
    pub name: String,
    /// Zone.
    pub zone: String,
    /// Administrator's name.
    pub admin_name: String,
    /// Administrator's login.
    pub login: String,
}

/// The page that creates the association.
pub fn setup(shell: &Shell, typed: &SetupTyped, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        div class="panel" {
            h1 { (text.t("Set up your association")) }
            p class="dim" { (text.t("This is done once. The set-up code stands on the console where the program was started.")) }
            (form.summary())
            form method="post" action="/setup" class="form" {
                (form.input(&Input { name: "code", label: text.t("Set-up code"), value: &typed.code, required: true, max: 40, ..Input::default() }))
                (form.input(&Input { name: "name", label: text.t("Name of the association"), value: &typed.name, required: true, max: 60, autocomplete: "organization", ..Input::default() }))
                (form.input(&Input { name: "zone", label: text.t("Time zone"), value: &typed.zone, required: true, max: 64, help: text.t("For example Asia/Shanghai"), ..Input::default() }))
                fieldset {
                    legend { (text.t("First administrator")) }
                    (form.input(&Input { name: "admin_name", label: text.t("Name"), value: &typed.admin_name, required: true, max: 60, autocomplete: "name", ..Input::default() }))
                    (form.input(&Input { name: "login", label: text.t("Login"), value: &typed.login, required: true, max: 32, autocomplete: "username", help: text.t("3 to 32 letters a–z, digits, dots or hyphens"), ..Input::default() }))
                    (form.input(&Input { name: "password", label: text.t("Password"), kind: "password", required: true, max: 128, autocomplete: "new-password", help: &text.f("At least {min} characters; a short sentence is good.", &[("min", &PASSWORD_MIN)]), ..Input::default() }))
                }
                (submit(text.t("Create the association"), None))
            }
        }
    };
    bare(shell, text.t("Set up your association"), &content)
}

/// The log-in page.
pub fn login(shell: &Shell, login: &str, back: &str, keys_work: bool, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        div class="panel" {
            h1 { (text.t("Log in")) }
            (form.summary())
            form method="post" action="/login" class="form" {
                input type="hidden" name="back" value=(back);
                (form.input(&Input { name: "login", label: text.t("Login"), value: login, required: true, max: 64, autocomplete: "username", ..Input::default() }))
                (form.input(&Input { name: "password", label: text.t("Password"), kind: "password", required: true, max: 128, autocomplete: "current-password", ..Input::default() }))
                (submit(text.t("Log in"), None))
            }
            @if keys_work { (key_button(shell, &query("/login/passkey", &[("back", back)]))) }
        }
    };
    bare(shell, text.t("Log in"), &content)
}

/// The button beside a log-in form that leads to passkeys; for addresses where they work.
pub fn key_button(shell: &Shell, href: &str) -> Markup {
    html! { p { a class="button wide" href=(href) { (icon(Icon::Key)) (shell.text().t("Log in with a passkey")) } } }
}

/// The page that asks for the code behind the right password.
pub fn step(shell: &Shell, back: &str, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        div class="panel" {
            h1 { (text.t("Second step")) }
            (form.summary())
            form method="post" action="/login/step" class="form" {
                input type="hidden" name="back" value=(back);
                (form.input(&Input { name: "code", label: text.t("Code of the app"), required: true, max: 30, autocomplete: "one-time-code", help: text.t("Six digits from the app on your phone; without the phone, one of your recovery codes."), ..Input::default() }))
                (submit(text.t("Log in"), Some((text.t("Back"), "/login"))))
            }
            p class="dim" { (text.t("Neither phone nor recovery codes? Whoever manages accounts can take the second step off.")) }
        }
    };
    bare(shell, text.t("Second step"), &content)
}

/// The page that asks the browser for a passkey. `door`: where the password is taken instead.
pub fn passkey(shell: &Shell, of: &Ask<'_>, door: &str, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        div class="panel" {
            h1 { (text.t("Log in with a passkey")) }
            (form.summary())
            @if refusal.is_none() { (ask(shell, of)) }
            @else { p { a class="button primary wide" href=(query(of.action, &[("back", of.back)])) { (icon(Icon::Key)) (text.t("Ask again")) } } }
            p { a href=(query(door, &[("back", of.back)])) { (text.t("Log in with the password")) } }
        }
    };
    bare_with(shell, text.t("Log in with a passkey"), &["passkey.js"], &content)
}

/// The page of a one-time link to a new password.
pub fn link(shell: &Shell, token: &str, login: &str, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        div class="panel" {
            h1 { (text.t("New password")) }
            (form.summary())
            form method="post" action={ "/login/link/" (token) } class="form" {
                (form.input(&Input { name: "login", label: text.t("Login"), value: login, autocomplete: "username", help: text.t("It stays as it is."), ..Input::default() }))
                (form.input(&Input { name: "password", label: text.t("New password"), kind: "password", required: true, max: 128, autocomplete: "new-password", help: &text.f("At least {min} characters; a short sentence is good.", &[("min", &PASSWORD_MIN)]), ..Input::default() }))
                (submit(text.t("Set the password and log in"), None))
            }
        }
    };
    bare(shell, text.t("New password"), &content)
}

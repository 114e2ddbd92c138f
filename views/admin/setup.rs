//! Set-up and log-in.

use crate::{
    Shell,
    component::form::{Form, Input, submit},
    layout::bare,
};
use domain::{Refusal, account::PASSWORD_MIN};
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
pub fn login(shell: &Shell, login: &str, back: &str, refusal: Option<&Refusal>) -> Markup {
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
        }
    };
    bare(shell, text.t("Log in"), &content)
}

//! The merchants' own door at the platform: login, registering, the agreement, and what became of an application.

use crate::{
    Shell,
    admin::{merchant::tone, setup::key_button},
    component::{
        badge,
        form::{Form, Input, submit},
        markdown,
    },
    layout::bare,
};
use domain::{
    Refusal,
    merchant::{MerchantInput, MerchantState, NOTE_MAX},
    password::PASSWORD_MIN,
};
use maud::{Markup, html};

/// How the pages look.
pub struct Face<'a> {
    /// Title; empty: the application's name.
    pub title: &'a str,
    /// Logo.
    pub logo: Option<u64>,
    /// Picture behind the page.
    pub background: Option<u64>,
    /// Merchants may register themselves.
    pub open: bool,
}

impl Face<'_> {
    /// A page of these.
    fn page(&self, shell: &Shell, title: &str, content: &Markup) -> Markup {
        let name = if self.title.is_empty() { shell.space.as_str() } else { self.title };
        let content = html! {
            @if let Some(picture) = self.background { img class="backdrop" src={ "/picture/" (picture) } alt=""; }
            div class="panel merchant-door" {
                div class="merchant-head" {
                    @if let Some(logo) = self.logo { img class="logo large" src={ "/picture/" (logo) } alt=""; }
                    p class="merchant-title" { (name) }
                }
                (content)
            }
        };
        bare(shell, title, &content)
    }
}

/// The login page (S0-88, S0-89).
pub fn login(shell: &Shell, face: &Face<'_>, login: &str, keys_work: bool, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        h1 { (text.t("Merchant log-in")) }
        (form.summary())
        form method="post" action="/merchant" class="form" {
            (form.input(&Input { name: "login", label: text.t("Login"), value: login, required: true, max: 64, autocomplete: "username", ..Input::default() }))
            (form.input(&Input { name: "password", label: text.t("Password"), kind: "password", required: true, max: 128, autocomplete: "current-password", ..Input::default() }))
            (submit(text.t("Log in"), face.open.then_some((text.t("Register as a merchant"), "/merchant/register"))))
        }
        @if keys_work { (key_button(shell, "/merchant/passkey")) }
        p class="dim" { (text.t("Password forgotten? The association gives you a new one.")) }
    };
    face.page(shell, text.t("Merchant log-in"), &content)
}

/// The form that an applicant fills in; the agreement stands in it.
pub fn register(
    shell: &Shell,
    face: &Face<'_>,
    agreement: &str,
    (input, agreed): (&MerchantInput, bool),
    refusal: Option<&Refusal>,
) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        h1 { (text.t("Register as a merchant")) }
        p class="dim" { (text.t("The association looks at each application. When it is approved you log in with what you choose here.")) }
        (form.summary())
        form method="post" action="/merchant/register" class="form" {
            (fields(shell, &form, input))
            (account(shell, &form, input))
            (form.textarea(&Input { name: "note", label: text.t("What the association should know"), value: &input.note, max: NOTE_MAX, ..Input::default() }, 3))
            details class="agreement" { summary { (text.t("Read the agreement")) } (markdown(agreement)) }
            (form.checkbox("agreed", text.t("I have read the agreement and accept it"), agreed))
            (form.error("agreed"))
            (submit(text.t("Send the application"), Some((text.t("Back to the log-in"), "/merchant"))))
        }
    };
    face.page(shell, text.t("Register as a merchant"), &content)
}

/// Company, contact and phone number of a merchant's form.
pub fn fields(shell: &Shell, form: &Form<'_>, input: &MerchantInput) -> Markup {
    let text = shell.text();
    html! {
        (form.input(&Input { name: "name", label: text.t("Company"), value: &input.name, required: true, max: 60, autocomplete: "organization", ..Input::default() }))
        div class="pair" {
            (form.input(&Input { name: "contact", label: text.t("Contact"), value: &input.contact, required: true, max: 60, autocomplete: "name", ..Input::default() }))
            (form.input(&Input { name: "phone", label: text.t("Phone"), value: &input.phone, kind: "tel", required: true, max: 30, autocomplete: "tel", ..Input::default() }))
        }
    }
}

/// Login and password of a merchant's form; passwords are never sent back.
pub fn account(shell: &Shell, form: &Form<'_>, input: &MerchantInput) -> Markup {
    let text = shell.text();
    html! {
        (form.input(&Input { name: "login", label: text.t("Login"), value: &input.login, required: true, max: 32, autocomplete: "username", help: text.t("3 to 32 letters a–z, digits, dots or hyphens"), ..Input::default() }))
        (form.input(&Input { name: "password", label: text.t("Password"), kind: "password", required: true, max: 128, autocomplete: "new-password", help: &text.f("At least {min} characters; a short sentence is good.", &[("min", &PASSWORD_MIN)]), ..Input::default() }))
    }
}

/// The agreement on a page of its own.
pub fn agreement(shell: &Shell, face: &Face<'_>, agreement: &str) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (text.t("Agreement")) }
        (markdown(agreement))
        p { a class="button" href="/merchant/register" { (text.t("Register as a merchant")) } }
    };
    face.page(shell, text.t("Agreement"), &content)
}

/// What an applicant sees of the application.
pub struct Application<'a> {
    /// Name of the company.
    pub name: &'a str,
    /// Where it stands.
    pub state: MerchantState,
    /// Why it was turned down.
    pub reason: &'a str,
    /// The login that was given.
    pub login: Option<&'a str>,
}

/// The application's page.
pub fn application(shell: &Shell, face: &Face<'_>, of: &Application<'_>) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (text.t("Merchant application")) }
        dl class="facts" {
            dt { (text.t("Company")) } dd { (of.name) }
            dt { (text.t("State")) } dd { (badge(tone(of.state), text.t(of.state.label()))) }
            @if !of.reason.is_empty() { dt { (text.t("Reason")) } dd { (of.reason) } }
            @if let Some(login) = of.login { dt { (text.t("Login")) } dd { code { (login) } } }
        }
        @match of.state {
            MerchantState::Applied => p { (text.t("The application is here and waits for review. Keep the address of this page: it shows what became of it.")) },
            MerchantState::Active => p { a class="button primary" href="/merchant" { (text.t("Log in")) } },
            MerchantState::Rejected => p { a class="button" href="/merchant/register" { (text.t("Apply again")) } },
            MerchantState::Frozen | MerchantState::Closed => {},
        }
    };
    face.page(shell, text.t("Merchant application"), &content)
}

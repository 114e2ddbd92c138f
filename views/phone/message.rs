//! What a person gets and by which way, chosen on the phone; and leaving what goes to many (S1-59).

use crate::{
    Shell,
    component::{
        form::{Form, Input, submit},
        icon::{Icon, icon},
        trail::{Trail, cards},
    },
    layout::phone,
    text::Lang,
};
use domain::{MessageChoice, Refusal, message::template::LANGS, outbox::OutKind};
use maud::{Markup, html};

/// The page of choices.
pub struct Page<'a> {
    /// Link of the ticket that opened it.
    pub link: &'a str,
    /// Whose it is.
    pub name: &'a str,
    /// What was chosen, or typed.
    pub choice: &'a MessageChoice,
    /// The ways to choose from.
    pub ways: &'a [String],
    /// The mail address that was given with the registration.
    pub given: Option<&'a str>,
    /// The phone, masked.
    pub phone: Option<&'a str>,
    /// Tag of the language of messages.
    pub lang: &'a str,
    /// Messages of the last days.
    pub log: &'a [Trail],
    /// How many days those are.
    pub days: i64,
}

/// The choices.
pub fn choices(shell: &Shell, of: &Page<'_>, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let firsts: Vec<(String, String)> =
        std::iter::once((String::new(), text.t("As the association has it").to_owned()))
            .chain(of.ways.iter().map(|way| (way.clone(), text.t(OutKind::label(way)).to_owned())))
            .collect();
    let langs: Vec<(String, String)> =
        LANGS.iter().map(|tag| ((*tag).to_owned(), Lang::parse(tag).unwrap_or_default().name().to_owned())).collect();
    let content = html! {
        h1 { (text.t("My messages")) }
        p class="dim" { (of.name) @if let Some(number) = of.phone { " · " (number) } }
        (form.summary())
        form method="post" action={ "/ticket/" (of.link) "/message" } class="form" {
            fieldset class="panel" {
                legend { (text.t("What I want to get")) }
                p class="dim" { (icon(Icon::Info)) (text.t("The state of your registration and of payments is always told.")) }
                (form.checkbox("reminder", text.t("Reminders before and after an event"), !of.choice.no_reminder))
                (form.checkbox("news", text.t("What the secretariat writes to many"), !of.choice.no_news))
            }
            @if !of.ways.is_empty() {
                fieldset class="panel" {
                    legend { (text.t("How I can be reached")) }
                    @for way in of.ways {
                        input type="hidden" name="shown" value=(way);
                        div class="field tick" { label { input type="checkbox" name="way" value=(way) checked[!of.choice.off.contains(way)]; span { (text.t(OutKind::label(way))) } } }
                    }
                    (form.select(&Input { name: "first", label: text.t("First by"), value: &of.choice.first, ..Input::default() }, &firsts))
                }
            }
            (form.input(&Input { name: "mail", label: text.t("E-mail"), value: &of.choice.mail, kind: "email", max: 200, autocomplete: "email", help: &of.given.map_or(String::new(), |given| text.f("Empty: {mail}, as given with the registration.", &[("mail", &given)])), ..Input::default() }))
            (form.select(&Input { name: "lang", label: text.t("Language of messages"), value: of.lang, ..Input::default() }, &langs))
            (submit(text.t("Save"), Some((text.t("Back to the ticket"), &format!("/ticket/{}", of.link)))))
        }
        h2 { (text.f("What was written to you in the last {days} days", &[("days", &of.days)])) }
        @if of.log.is_empty() { p class="dim" { (text.t("Nothing was written to you.")) } }
        (cards(shell, of.log))
    };
    phone(shell, text.t("My messages"), &[], &content)
}

/// Leaving what goes to many; `done`: it was done.
pub fn leave(shell: &Shell, code: &str, done: bool) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (text.t("No more messages to many")) }
        @if done {
            p { (icon(Icon::Check)) (text.t("Done. You get no reminders and nothing that goes to many any more. On the page of your ticket you can change this at any time.")) }
        } @else {
            p { (text.t("You will get no reminders and nothing that the secretariat writes to many. What concerns your own registration is still told.")) }
            form method="post" action={ "/message/leave/" (code) } { button class="primary" { (text.t("I do not want them")) } }
        }
    };
    phone(shell, text.t("No more messages to many"), &[], &content)
}

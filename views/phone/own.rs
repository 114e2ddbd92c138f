//! Checking in alone: who are you, and what the door says (S0-52, S1-38).

use crate::{
    Shell,
    component::{
        form::{Form, Input, submit},
        icon::{Icon, icon},
        notice,
    },
    layout::{Tone, phone},
    phone::register::{Ask, question},
};
use domain::{Refusal, checkin::Direction, field::Field};
use maud::{Markup, html};

/// A ticket that this phone holds.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Held {
    pub link: String,
    pub name: String,
    pub kind: String,
}

/// The page that a scanned code opens.
pub struct Page<'a> {
    /// Name of the event.
    pub event: &'a str,
    /// Name of the list; empty for the main one.
    pub list: &'a str,
    /// Signing in or out.
    pub direction: Direction,
    /// Stands in for the code.
    pub pass: &'a str,
    /// Makes pressing twice one scan.
    pub nonce: &'a str,
    /// Tickets of the event that this phone holds.
    pub held: &'a [Held],
    /// Questions that are asked at this door.
    pub questions: &'a [Field],
    /// What stands in the form: phone and attend code.
    pub typed: (&'a str, &'a str),
    /// Answers that stand in the form.
    pub answers: &'a [(u16, String)],
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

fn verb(shell: &Shell, direction: Direction) -> &'static str {
    let text = shell.text();
    if direction == Direction::Entry { text.t("Sign in") } else { text.t("Sign out") }
}

/// The page that a scanned code opens: a button for each ticket that this phone holds, or phone and attend code.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let title = verb(shell, of.direction);
    let content = html! {
        h1 { (of.event) }
        p { (title) @if !of.list.is_empty() { " · " (of.list) } }
        (form.summary())
        @for held in of.held {
            form method="post" action="/in" class="form panel" {
                (hidden(of, &held.link))
                input type="hidden" name="link" value=(held.link);
                p { strong { (held.name) } br; span class="dim" { (held.kind) } }
                (questions(&form, of))
                button class="primary" { (icon(Icon::Check)) (title) }
            }
        }
        details class="panel" open[of.held.is_empty()] {
            summary { @if of.held.is_empty() { (text.t("Who are you?")) } @else { (text.t("Somebody else")) } }
            form method="post" action="/in" class="form" {
                (hidden(of, ""))
                (form.input(&Input { name: "phone", label: text.t("Phone"), value: of.typed.0, required: true, kind: "tel", max: 30, autocomplete: "tel", ..Input::default() }))
                (form.input(&Input { name: "attend", label: text.t("Attend code"), value: of.typed.1, required: true, max: 20, help: text.t("8 digits"), ..Input::default() }))
                (questions(&form, of))
                (submit(title, None))
            }
        }
    };
    phone(shell, title, &[], &content)
}

fn hidden(of: &Page<'_>, who: &str) -> Markup {
    html! {
        input type="hidden" name="pass" value=(of.pass);
        input type="hidden" name="nonce" value={ (of.nonce) (who.get(..8).unwrap_or("")) };
    }
}

fn questions(form: &Form<'_>, of: &Page<'_>) -> Markup {
    html! {
        @for field in of.questions {
            @let typed = of.answers.iter().find(|(id, _)| *id == field.id).map_or("", |(_, typed)| typed.as_str());
            (question(form, field, typed, Ask { required: field.required, ..Ask::default() }))
        }
    }
}

/// What the door said.
pub struct Said<'a> {
    /// Name of the event.
    pub event: &'a str,
    /// Signing in or out.
    pub direction: Direction,
    /// The verdict in a few words.
    pub word: &'a str,
    /// How good it is.
    pub tone: Tone,
    /// Whose ticket.
    pub name: &'a str,
    /// Seat, group and note.
    pub more: &'a str,
    /// The page of the ticket.
    pub ticket: &'a str,
}

/// What the door said.
pub fn said(shell: &Shell, of: &Said<'_>) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (of.event) }
        (notice(of.tone, of.word))
        section class="panel own" {
            p class="who" { (of.name) }
            @if !of.more.is_empty() { p class="dim" { (of.more) } }
        }
        a class="button" href=(of.ticket) { (icon(Icon::Ticket)) (text.t("My ticket")) }
    };
    phone(shell, verb(shell, of.direction), &[], &content)
}

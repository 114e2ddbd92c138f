//! The feedback form of an event: results with averages and charts, and the form's own form.

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        chart::{Series, bars},
        empty,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        stat,
    },
    format::count,
};
use domain::{
    Event, FeedbackForm, Refusal, TicketId,
    feedback::{FeedbackInput, FeedbackQuestion, Outcome},
    field::FieldKind,
};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// The results.
pub struct Results<'a> {
    /// The event.
    pub event: &'a Event,
    /// The form.
    pub form: &'a FeedbackForm,
    /// How many answered.
    pub count: usize,
    /// What the answers add up to, question by question.
    pub outcomes: &'a [Outcome],
    /// Names of those who answered with their name.
    pub names: &'a BTreeMap<TicketId, String>,
    /// Whether the form is open now.
    pub open: bool,
    /// Whether the reader may change the form.
    pub may_manage: bool,
    /// Whether the reader may export.
    pub may_export: bool,
}

/// Most answers in words that are shown of one question.
const SAID_MAX: usize = 200;

/// An average in hundredths: `4.33`.
fn average(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The page of results.
pub fn results(shell: &Shell, of: &Results<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/feedback", of.event.id);
    let state = match (of.form.opens, of.open) {
        (_, true) => text.t("Open").to_owned(),
        (Some(opens), false) => text.f("Opens {time}", &[("time", &shell.format.time(opens))]),
        (None, false) => text.t("Not offered").to_owned(),
    };
    let content = html! {
        div class="actions" {
            @if of.may_manage { a class="button primary" href={ (base) "/form" } { (icon(Icon::Edit)) (text.t("Questions of the form")) } }
            @if of.may_export && of.count > 0 { @for ending in ["xlsx", "csv"] { a class="button" href={ (base) "/answers." (ending) } download { (icon(Icon::Export)) (ending) } } }
        }
        @if of.form.questions.is_empty() {
            (empty(text.t("No feedback form yet"), text.t("Write its questions and when it opens. Whoever holds a ticket finds it on the ticket's page."), of.may_manage.then_some((text.t("Write the form"), &format!("{base}/form")))))
        } @else {
            dl class="stats" {
                (stat(text.t("Answers given"), &count(of.count as i64), None))
                (stat(text.t("State"), &state, None))
                (stat(text.t("Kept with names"), if of.form.anonymous { text.t("Anonymous") } else { text.t("With names") }, None))
            }
            @for (question, outcome) in of.form.questions.iter().zip(of.outcomes) { (one(shell, of, question, outcome)) }
        }
    };
    event_page(shell, of.event, Tab::Feedback, &[], &content)
}

fn one(shell: &Shell, of: &Results<'_>, question: &FeedbackQuestion, outcome: &Outcome) -> Markup {
    let text = shell.text();
    let label = &question.field.label;
    let chart = |points: Vec<(String, i64)>| {
        bars(text, &Series { title: label, label: text.t("Answer"), value: text.t("Answers given"), points })
    };
    match outcome {
        Outcome::Rated(ratings) => html! {
            section class="stack" {
                h2 { (label) @if let Some(hundredths) = outcome.average() { " " span class="average" { (text.f("{average} of 5", &[("average", &average(hundredths))])) } } }
                (chart((1..).zip(ratings).map(|(rating, count): (i32, &i64)| (rating.to_string(), *count)).collect()))
            }
        },
        Outcome::Chosen(choices) => html! { section class="stack" { h2 { (label) } (chart(choices.clone())) } },
        Outcome::Said(said) => html! {
            section class="panel" {
                h2 { (label) }
                @if said.is_empty() { p class="dim" { (text.t("No figures yet.")) } }
                ul class="said" {
                    @for (ticket, words) in said.iter().take(SAID_MAX) {
                        li { (words) @if let Some(name) = ticket.as_ref().and_then(|ticket| of.names.get(ticket)) { " " span class="dim" { "— " (name) } } }
                    }
                }
                @if said.len() > SAID_MAX { p class="dim" { (text.f("{count} more in the file.", &[("count", &(said.len() - SAID_MAX))])) } }
            }
        },
    }
}

/// The form of the form.
pub fn form(shell: &Shell, event: &Event, revision: u32, input: &FeedbackInput, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let base = format!("/admin/event/{}/feedback", event.id);
    let kinds: Vec<(String, String)> = std::iter::once(("rating".to_owned(), text.t("Rating from 1 to 5").to_owned()))
        .chain(
            FieldKind::ALL
                .iter()
                .filter(|kind| !kind.is_sensitive() && **kind != FieldKind::Region)
                .map(|kind| (kind.code().to_owned(), text.t(kind.label()).to_owned())),
        )
        .collect();
    let content = html! {
        h2 { (text.t("Feedback form")) }
        (form.summary())
        form method="post" action={ (base) "/form" } class="form" {
            input type="hidden" name="revision" value=(revision);
            (form.input(&Input { name: "opens", label: text.t("Opens at"), value: &input.opens, kind: "datetime-local", help: text.t("From then on every ticket's page leads to the form. Empty: not at all."), ..Input::default() }))
            (form.checkbox("anonymous", text.t("Anonymous: answers are kept without names"), input.anonymous))
            (form.textarea(&Input { name: "intro", label: text.t("A word to whoever answers"), value: &input.intro, max: 500, ..Input::default() }, 3))
            p class="dim" { (text.t("Empty questions are left out. Each ticket answers once.")) }
            @for question in &input.questions { (asked(shell, &form, question, &kinds)) }
            (submit(text.t("Save"), Some((text.t("Back"), &base))))
        }
    };
    event_page(shell, event, Tab::Feedback, &[], &content)
}

fn asked(shell: &Shell, form: &Form<'_>, question: &FeedbackQuestion, kinds: &[(String, String)]) -> Markup {
    let text = shell.text();
    let field = &question.field;
    let at = |part: &str| format!("field-{}-{part}", field.id);
    let title = if field.label.is_empty() { text.t("New question") } else { field.label.as_str() };
    let kind = if question.rating { "rating" } else { field.kind.code() };
    html! {
        fieldset {
            legend { (title) }
            input type="hidden" name="field" value=(field.id);
            div class="pair" {
                (form.input(&Input { name: &at("label"), label: text.t("Question"), value: &field.label, max: 60, ..Input::default() }))
                (form.select(&Input { name: &at("kind"), label: text.t("Kind"), value: kind, ..Input::default() }, kinds))
            }
            (form.input(&Input { name: &at("help"), label: text.t("Help"), value: &field.help, max: 200, ..Input::default() }))
            (form.textarea(&Input { name: &at("choices"), label: text.t("Choices, one a line"), value: &field.choices.join("\n"), help: text.t("Only for kinds with choices."), ..Input::default() }, 2))
            (form.checkbox(&at("required"), text.t("Must be answered"), field.required))
        }
    }
}

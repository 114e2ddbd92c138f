//! The feedback form as the holder of a ticket sees it.

use crate::{
    Shell,
    component::{
        form::{Form, submit},
        icon::{Icon, icon},
        notice,
    },
    layout::{Tone, phone},
    phone::register::{Ask, question},
};
use domain::{
    Event, FeedbackForm, Refusal,
    feedback::{FeedbackQuestion, RATING_MAX},
};
use maud::{Markup, html};

/// The form, or thanks when it was answered.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// The form.
    pub form: &'a FeedbackForm,
    /// Address of the ticket.
    pub ticket: &'a str,
    /// It was answered already.
    pub given: bool,
    /// What stands in the form.
    pub typed: &'a [(u16, String)],
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The page.
pub fn page(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let content = html! {
        h1 { (text.t("Feedback")) }
        p class="dim" { (of.event.name) }
        @if of.given {
            (notice(Tone::Good, text.t("Thank you for your answers!")))
            p { a class="button" href=(of.ticket) { (icon(Icon::Ticket)) (text.t("My ticket")) } }
        } @else {
            @if !of.form.intro.is_empty() { p class="lines" { (of.form.intro) } }
            p class="dim" { @if of.form.anonymous { (text.t("Your answers are kept without your name.")) } @else { (text.t("Your answers are kept with your name.")) } }
            (form.summary())
            form method="post" action={ (of.ticket) "/feedback" } class="form" {
                @for question in &of.form.questions { (asked(&form, question, of.typed)) }
                (submit(text.t("Send feedback"), Some((text.t("Back"), of.ticket))))
            }
        }
    };
    phone(shell, text.t("Feedback"), &[], &content)
}

fn asked(form: &Form<'_>, of: &FeedbackQuestion, typed: &[(u16, String)]) -> Markup {
    let field = &of.field;
    let value = typed.iter().find(|(id, _)| *id == field.id).map_or("", |(_, value)| value.as_str());
    if of.rating {
        rating(form, of, value)
    } else {
        question(form, field, value, Ask { required: field.required, ..Ask::default() })
    }
}

/// One to five as a row of large targets.
fn rating(form: &Form<'_>, of: &FeedbackQuestion, value: &str) -> Markup {
    let (field, text) = (&of.field, form.text);
    let name = field.input_name();
    let wrong: Vec<String> = form
        .refusal
        .iter()
        .flat_map(|refusal| refusal.problems.iter().filter(|problem| problem.field == name))
        .map(|problem| text.args(problem.text, &problem.args))
        .collect();
    let error = (!wrong.is_empty()).then(|| format!("e-{name}"));
    html! {
        fieldset class="rating" id={ "f-" (name) } aria-describedby=[error.as_deref()] {
            legend { (field.label) @if field.required { span class="required" aria-hidden="true" { "*" } } }
            @if !field.help.is_empty() { p class="help" { (field.help) } }
            div class="stars" {
                @for n in 1..=RATING_MAX {
                    label { input type="radio" name=(name) value=(n) checked[value == n.to_string()] required[field.required]; span { (n) } }
                }
            }
            p class="help ends" { span { (text.t("1: not at all content")) } span { (text.t("5: very content")) } }
            @if let Some(error) = &error { p class="error" id=(error) { (icon(Icon::Warn)) @for why in &wrong { (why) } } }
        }
    }
}

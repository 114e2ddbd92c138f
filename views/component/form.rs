//! Forms: labels, help and errors tied to their fields, what was typed kept, lengths shown.

use crate::{
    component::icon::{Icon, icon},
    text::Text,
};
use domain::{Problem, Refusal};
use maud::{Markup, html};

/// What a form is drawn with: the reader's language and what was wrong.
pub struct Form<'a> {
    /// Texts.
    pub text: Text,
    /// What was wrong, when the form comes back.
    pub refusal: Option<&'a Refusal>,
}

/// An input and what belongs to it.
pub struct Input<'a> {
    /// Field name.
    pub name: &'a str,
    /// Label, already in the reader's language.
    pub label: &'a str,
    /// What was typed or kept.
    pub value: &'a str,
    /// A line of help below.
    pub help: &'a str,
    /// HTML input type.
    pub kind: &'a str,
    /// Whether it must be filled.
    pub required: bool,
    /// Most characters, 0 for none given.
    pub max: usize,
    /// HTML autocomplete token; empty for none.
    pub autocomplete: &'a str,
    /// Id of a list of suggestions; empty for none.
    pub list: &'a str,
}

impl Default for Input<'_> {
    fn default() -> Self {
        Self {
            name: "",
            label: "",
            value: "",
            help: "",
            kind: "text",
            required: false,
            max: 0,
            autocomplete: "",
            list: "",
        }
    }
}

impl<'a> Form<'a> {
    /// A form without problems.
    pub fn new(text: Text, refusal: Option<&'a Refusal>) -> Self {
        Self { text, refusal }
    }

    fn problems(&self, name: &str) -> Vec<&Problem> {
        self.refusal
            .map_or_else(Vec::new, |refusal| refusal.problems.iter().filter(|problem| problem.field == name).collect())
    }

    /// Whether something was wrong with that field.
    pub fn is_wrong(&self, name: &str) -> bool {
        !self.problems(name).is_empty()
    }

    /// The list of problems on top, with links to their fields.
    pub fn summary(&self) -> Markup {
        let Some(refusal) = self.refusal else { return html! {} };
        html! {
            div class="notice tone-bad" role="alert" tabindex="-1" data-focus {
                (icon(Icon::Warn))
                div {
                    p { (self.text.refusal(refusal)) }
                    @if !refusal.problems.is_empty() {
                        ul { @for problem in &refusal.problems { li { a href={ "#f-" (problem.field) } { (self.text.args(problem.text, &problem.args)) } } } }
                    }
                }
            }
        }
    }

    /// A control with its label, help and what was wrong.
    pub(crate) fn wrap(
        &self,
        name: &str,
        label: &str,
        help: &str,
        required: bool,
        control: impl FnOnce(Option<String>, bool) -> Markup,
    ) -> Markup {
        let problems = self.problems(name);
        let mut described = Vec::new();
        if !help.is_empty() {
            described.push(format!("h-{name}"));
        }
        if !problems.is_empty() {
            described.push(format!("e-{name}"));
        }
        let described = (!described.is_empty()).then(|| described.join(" "));
        html! {
            div class={ "field" @if !problems.is_empty() { " wrong" } } {
                label for={ "f-" (name) } { (label) @if required { span class="required" aria-hidden="true" { "*" } } }
                (control(described, !problems.is_empty()))
                @if !help.is_empty() { p class="help" id={ "h-" (name) } { (help) } }
                (self.error(name))
            }
        }
    }

    /// What was wrong with a field whose control is drawn elsewhere.
    pub fn error(&self, name: &str) -> Markup {
        let problems = self.problems(name);
        html! {
            @if !problems.is_empty() {
                p class="error" id={ "e-" (name) } { @for problem in &problems { (icon(Icon::Warn)) (self.text.args(problem.text, &problem.args)) " " } }
            }
        }
    }

    /// One line.
    pub fn input(&self, of: &Input<'_>) -> Markup {
        self.wrap(of.name, of.label, of.help, of.required, |described, wrong| {
            html! {
                input id={ "f-" (of.name) } name=(of.name) type=(of.kind) value=(of.value) required[of.required]
                    data-counter[of.max > 0 && matches!(of.kind, "text" | "email" | "url")]
                    maxlength=[(of.max > 0).then_some(of.max)] aria-describedby=[described] aria-invalid=[wrong.then_some("true")]
                    autocomplete=[(!of.autocomplete.is_empty()).then_some(of.autocomplete)] list=[(!of.list.is_empty()).then_some(of.list)];
            }
        })
    }

    /// Several lines.
    pub fn textarea(&self, of: &Input<'_>, rows: u8) -> Markup {
        self.wrap(of.name, of.label, of.help, of.required, |described, wrong| {
            html! {
                textarea id={ "f-" (of.name) } name=(of.name) rows=(rows) required[of.required] maxlength=[(of.max > 0).then_some(of.max)]
                    aria-describedby=[described] aria-invalid=[wrong.then_some("true")] data-counter[of.max > 0] { (of.value) }
            }
        })
    }

    /// One of several; each choice is a value and its label.
    pub fn select(&self, of: &Input<'_>, choices: &[(String, String)]) -> Markup {
        self.wrap(of.name, of.label, of.help, of.required, |described, wrong| {
            html! {
                select id={ "f-" (of.name) } name=(of.name) required[of.required] aria-describedby=[described] aria-invalid=[wrong.then_some("true")] {
                    @for (value, label) in choices { option value=(value) selected[value == of.value] { (label) } }
                }
            }
        })
    }

    /// A box to tick.
    pub fn checkbox(&self, name: &str, label: &str, checked: bool) -> Markup {
        html! {
            div class="field tick" {
                label { input type="checkbox" name=(name) value="1" checked[checked]; span { (label) } }
            }
        }
    }

    /// A file.
    pub fn file(&self, name: &str, label: &str, help: &str, accept: &str) -> Markup {
        self.wrap(name, label, help, false, |described, wrong| {
            html! { input id={ "f-" (name) } name=(name) type="file" accept=(accept) aria-describedby=[described] aria-invalid=[wrong.then_some("true")]; }
        })
    }
}

/// The row of buttons that ends a form.
pub fn submit(label: &str, back: Option<(&str, &str)>) -> Markup {
    html! {
        div class="submit" {
            button class="primary" { (label) }
            @if let Some((label, href)) = back { a class="button" href=(href) { (label) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Lang;

    #[test]
    fn errors_are_tied_to_their_fields_and_what_was_typed_stays() {
        let refusal = Refusal::invalid(vec![domain::problem!("name", "This field is required.")]);
        let form = Form::new(Text(Lang::En), Some(&refusal));
        let html = form
            .input(&Input { name: "name", label: "Name", value: "<b>", help: "h", ..Input::default() })
            .into_string();
        assert!(html.contains("aria-describedby=\"h-name e-name\"") && html.contains("id=\"e-name\""));
        let limited = form.input(&Input { name: "x", max: 60, ..Input::default() }).into_string();
        assert!(
            limited.contains("data-counter") && limited.contains("maxlength=\"60\""),
            "a limit is counted: {limited}"
        );
        assert!(!html.contains("data-counter"), "without a limit nothing is");
        assert!(html.contains("aria-invalid=\"true\"") && html.contains("value=\"&lt;b&gt;\""));
        assert!(form.summary().into_string().contains("href=\"#f-name\""));
        let other = form.input(&Input { name: "other", ..Input::default() }).into_string();
        assert!(!other.contains("aria-invalid"));
    }
}

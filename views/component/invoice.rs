//! What pages of buyers and of the secretariat show of an invoice: the form that asks for one, and its facts.

use super::{
    badge,
    form::{Form, Input},
};
use crate::{Shell, format::money, layout::Tone};
use domain::{
    Invoice,
    invoice::{InvoiceInput, InvoiceState, NOTE_MAX, TITLE_MAX},
};
use maud::{Markup, html};

/// How far an invoice is.
pub fn state(shell: &Shell, of: &InvoiceState) -> Markup {
    let tone = match of {
        InvoiceState::Requested => Tone::Warn,
        InvoiceState::Issued(_) => Tone::Good,
        InvoiceState::Void(..) => Tone::Plain,
    };
    badge(tone, shell.text().t(of.label()))
}

/// The fields that say to whom it is made out.
pub fn fields(shell: &Shell, form: &Form<'_>, input: &InvoiceInput) -> Markup {
    let text = shell.text();
    html! {
        (form.input(&Input { name: "title", label: text.t("Invoice title"), value: &input.title, required: true, max: TITLE_MAX, help: text.t("The full name of the organisation as on its licence, or a person's name."), ..Input::default() }))
        (form.checkbox("person", text.t("For a person"), input.person))
        (form.input(&Input { name: "tax_number", label: text.t("Tax number"), value: &input.tax_number, max: 40, help: text.t("18 characters of an organisation; empty for a person."), ..Input::default() }))
        (form.input(&Input { name: "email", label: text.t("E-mail to send it to"), value: &input.email, kind: "email", max: 200, ..Input::default() }))
        (form.textarea(&Input { name: "note", label: text.t("Note"), value: &input.note, max: NOTE_MAX, ..Input::default() }, 2))
    }
}

/// Its facts.
pub fn facts(shell: &Shell, invoice: &Invoice) -> Markup {
    let text = shell.text();
    let details = &invoice.details;
    html! {
        dl class="facts" {
            dt { (text.t("Invoice title")) } dd { (details.title) }
            @if !details.tax_number.is_empty() { dt { (text.t("Tax number")) } dd class="code" { (details.tax_number) } }
            @if !details.email.is_empty() { dt { (text.t("E-mail")) } dd { (details.email) } }
            @if !details.note.is_empty() { dt { (text.t("Note")) } dd { (details.note) } }
            dt { (text.t("Asked for at")) } dd { (shell.format.time(invoice.created_at)) }
            @if let Some(issued) = invoice.state.issued() {
                dt { (text.t("Invoice number")) } dd class="code" { (issued.number) }
                dt { (text.t("Amount")) } dd { (money(issued.amount)) }
                dt { (text.t("Issued at")) } dd { (shell.format.time(issued.at)) }
            }
            @if let InvoiceState::Void(_, reason) = &invoice.state { dt { (text.t("Reason")) } dd { (reason) } }
        }
    }
}

//! The invoice of an order, for its buyer.

use crate::{
    Shell,
    component::{
        form::{Form, submit},
        invoice::{facts, fields, state},
        notice,
    },
    format::money,
    layout::{Tone, phone},
};
use domain::{
    Invoice, Money, Order, Refusal,
    invoice::{InvoiceInput, InvoiceState},
};
use maud::{Markup, html};

/// What the page shows.
pub struct Page<'a> {
    /// The order.
    pub order: &'a Order,
    /// Its invoices, the newest first.
    pub invoices: &'a [Invoice],
    /// Whether one can be asked for now.
    pub may_ask: bool,
    /// Link of the order.
    pub link: &'a str,
    /// What was typed; none: what is kept.
    pub typed: Option<&'a InvoiceInput>,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The page.
pub fn page(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let open = of.invoices.iter().find(|invoice| invoice.state == InvoiceState::Requested);
    let kept = open.map_or_else(InvoiceInput::default, |invoice| InvoiceInput::of(&invoice.details));
    let back = format!("/order/{}", of.link);
    let content = html! {
        h1 { (text.t("Invoice")) }
        p class="dim" { (text.t("Order number")) " " span class="code" { (of.order.number) } }
        (form.summary())
        (notice(Tone::Info, text.t("The secretariat makes the invoice in the tax office's system. Its number appears here; the invoice itself is sent to the e-mail address that you give.")))
        @for invoice in of.invoices {
            section class="panel" { (state(shell, &invoice.state)) (facts(shell, invoice)) }
        }
        @if open.is_some() || of.may_ask {
            form method="post" action={ (back) "/invoice" } class="form" {
                p { (text.t("Amount")) " " strong { (money(Money::cny(of.order.sums().balance()))) } }
                (fields(shell, &form, of.typed.unwrap_or(&kept)))
                (submit(if open.is_some() { text.t("Change the wish") } else { text.t("Ask for the invoice") }, Some((text.t("Back"), &back))))
            }
        } @else { p { a class="button" href=(back) { (text.t("Back")) } } }
    };
    phone(shell, text.t("Invoice"), &[], &content)
}

//! Invoices of an event: the list for the accountant, those of one order, and the sheet that goes to the accountant.

use crate::{
    Shell,
    admin::{Tab, event_page, order::part_links},
    component::{
        badge, empty,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        invoice::{facts, fields, state},
        list::{Head, Row, pager, query, table},
        notice, stat,
    },
    format::{count, money, phone},
    layout::{Tone, sheet},
    phone::register::bill,
};
use domain::{
    Event, Invoice, Money, Order, Refusal,
    invoice::{InvoiceInput, InvoiceState, STATES},
};
use maud::{Markup, html};

/// An invoice with its order.
pub struct Shown {
    /// The invoice.
    pub invoice: Invoice,
    /// Its order.
    pub order: Order,
    /// What was made and what is in the order differ.
    pub differs: bool,
}

/// The list.
pub struct List<'a> {
    /// The event.
    pub event: &'a Event,
    /// Rows of this page.
    pub rows: &'a [Shown],
    /// How many were found, which page, rows of a page.
    pub pages: (usize, usize, usize),
    /// Code of a state, or empty.
    pub state: &'a str,
    /// How many wait to be made.
    pub waiting: i64,
}

/// What is said wherever somebody could take this for an invoice.
const OUTSIDE: &str =
    "Electronic invoices are made in the tax office's system. Here stands who wants one and which number it got.";

/// The list of an event's invoices.
pub fn list(shell: &Shell, of: &List<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/invoice", of.event.id);
    let (found, page, size) = of.pages;
    let heads = [
        Head::plain(text.t("Invoice title")),
        Head::plain(text.t("Tax number")),
        Head::number(text.t("Amount")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Invoice number")),
        Head::plain(text.t("Order number")),
        Head::plain(text.t("Asked for at")),
    ];
    let row = |shown: &Shown| {
        let (invoice, order) = (&shown.invoice, &shown.order);
        let amount = invoice.state.issued().map_or(Money::cny(order.sums().balance()), |issued| issued.amount);
        Row {
            id: None,
            name: invoice.details.title.clone(),
            cells: vec![
                html! { a href={ "/admin/event/" (of.event.id) "/order/" (order.id) "/invoice" } { (invoice.details.title) } },
                html! { span class="code" { (invoice.details.tax_number) } },
                html! { (money(amount)) },
                html! { (state(shell, &invoice.state)) @if shown.differs { " " (badge(Tone::Bad, text.t("Amount changed"))) } },
                html! { @if let Some(issued) = invoice.state.issued() { span class="code" { (issued.number) } } },
                html! { span class="code" { (order.number) } },
                html! { (shell.format.short(invoice.created_at)) },
            ],
        }
    };
    let rows: Vec<Row> = of.rows.iter().map(row).collect();
    let states: Vec<(String, String)> = std::iter::once((String::new(), text.t("All states").to_owned()))
        .chain(STATES.iter().map(|(code, label)| ((*code).to_owned(), text.t(label).to_owned())))
        .collect();
    let file = |ending: &str| query(&format!("{base}/export.{ending}"), &[("state", of.state)]);
    let content = html! {
        (part_links(shell, of.event, "invoice"))
        (notice(Tone::Info, text.t(OUTSIDE)))
        dl class="stats" { (stat(text.t("Invoices to be made"), &count(of.waiting), None)) }
        div class="actions" {
            @for ending in ["xlsx", "csv"] { a class="button" href=(file(ending)) download { (icon(Icon::Export)) (ending) } }
        }
        form class="filter" method="get" {
            (Form::new(text, None).select(&Input { name: "state", label: text.t("State"), value: of.state, ..Input::default() }, &states))
            button { (icon(Icon::Search)) (text.t("Filter")) }
        }
        @if rows.is_empty() { (empty(text.t("No invoices here"), text.t("Buyers ask for one on the page of their order once they have paid; or open an order and write the wish down there."), None)) }
        @else { (table(text, text.t("Invoices"), &heads, &rows, false)) (pager(text, page, size, found, |page| query(&base, &[("state", of.state), ("page", &page.to_string())]))) }
    };
    event_page(shell, of.event, Tab::Orders, &[], &content)
}

/// The invoices of one order.
pub struct OfOrder<'a> {
    /// The event.
    pub event: &'a Event,
    /// The order.
    pub order: &'a Order,
    /// Its invoices, the newest first.
    pub invoices: &'a [Invoice],
    /// Whether one can be asked for now.
    pub may_ask: bool,
    /// What was typed into the form that asks for one; none: what is kept.
    pub typed: Option<&'a InvoiceInput>,
    /// What was typed as the invoice's number.
    pub number: &'a str,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The page of an order's invoices.
pub fn of_order(shell: &Shell, of: &OfOrder<'_>) -> Markup {
    let text = shell.text();
    let order = format!("/admin/event/{}/order/{}", of.event.id, of.order.id);
    let form = Form::new(text, of.refusal);
    let open = of.invoices.iter().find(|invoice| invoice.state == InvoiceState::Requested);
    let kept = open.map_or_else(InvoiceInput::default, |invoice| InvoiceInput::of(&invoice.details));
    let content = html! {
        div class="heading" {
            h2 { (text.t("Invoices of the order")) " " a href=(order) class="code" { (of.order.number) } }
        }
        (notice(Tone::Info, text.t(OUTSIDE)))
        (form.summary())
        p { (text.t("In the order")) " " strong { (money(Money::cny(of.order.sums().balance()))) } }
        @for invoice in of.invoices { (one(shell, of, &form, invoice)) }
        @if open.is_some() || of.may_ask {
            section class="panel" {
                h2 { @if open.is_some() { (text.t("Correct the wish")) } @else { (text.t("Write a wish down")) } }
                form method="post" action={ (order) "/invoice" } class="form" {
                    (fields(shell, &form, of.typed.unwrap_or(&kept)))
                    (submit(text.t("Save"), Some((text.t("Back"), &order))))
                }
            }
        } @else if of.invoices.is_empty() { (empty(text.t("Nothing to invoice"), text.t("No money is in this order."), Some((text.t("To the order"), &order)))) }
    };
    event_page(shell, of.event, Tab::Orders, &[], &content)
}

fn one(shell: &Shell, of: &OfOrder<'_>, form: &Form<'_>, invoice: &Invoice) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/invoice/{}", of.event.id, invoice.id);
    let balance = Money::cny(of.order.sums().balance());
    html! {
        section class="panel" {
            div class="heading" {
                h2 { (text.t("Invoice")) " " (state(shell, &invoice.state)) }
                div class="actions" { a class="button" href={ (base) "/print" } { (icon(Icon::Print)) (text.t("Print for the accountant")) } }
            }
            (facts(shell, invoice))
            @if let InvoiceState::Issued(issued) = &invoice.state {
                @if issued.amount != balance { (notice(Tone::Bad, &text.f("The invoice is over {made}, but {now} are in the order now. Void it in the tax office's system and here, then make a new one.", &[("made", &money(issued.amount)), ("now", &money(balance))]))) }
            }
            @if invoice.state == InvoiceState::Requested {
                form method="post" action={ (base) "/issue" } class="form" {
                    input type="hidden" name="revision" value=(invoice.revision);
                    (form.input(&Input { name: "number", label: text.t("Number of the invoice that was made"), value: of.number, required: true, max: 40, help: &text.f("Over {amount}", &[("amount", &money(balance))]), ..Input::default() }))
                    button class="primary" { (icon(Icon::Check)) (text.t("It was made")) }
                }
            }
            @if !matches!(invoice.state, InvoiceState::Void(..)) {
                details class="confirm" {
                    summary class="button danger" { (text.t("Void")) }
                    form method="post" action={ (base) "/void" } {
                        input type="hidden" name="revision" value=(invoice.revision);
                        p { (icon(Icon::Warn)) (text.t("An invoice that was made must be voided in the tax office's system too. The buyer reads the reason and can ask anew.")) }
                        label { (text.t("Reason, for the buyer")) " " input type="text" name="reason" maxlength="200" required; }
                        button class="danger" { (text.t("Void")) }
                    }
                }
            }
        }
    }
}

/// The sheet for the accountant.
pub fn print(shell: &Shell, event: &Event, shown: &Shown, full: bool) -> Markup {
    let text = shell.text();
    let order = &shown.order;
    let content = html! {
        article class="receipt" {
            h2 { (text.t("Wish for an invoice")) " " (state(shell, &shown.invoice.state)) }
            p { (shell.space) " · " (event.name) }
            (facts(shell, &shown.invoice))
            dl class="facts" {
                dt { (text.t("Order number")) } dd class="code" { (order.number) }
                dt { (text.t("Name")) } dd { (order.buyer.name) }
                dt { (text.t("Phone")) } dd { (order.buyer.phone.as_deref().map_or(String::new(), |number| phone(number, full))) }
            }
            (bill(shell, &order.lines))
            p class="amount" { (text.t("In the order")) " " (money(Money::cny(order.sums().balance()))) }
            p class="dim" { (text.t(OUTSIDE)) " " (text.t("This sheet is not a tax invoice.")) }
        }
    };
    sheet(shell, &format!("{} {}", text.t("Wish for an invoice"), order.number), &content)
}

//! The buyer's pages: where an order stands, how it is paid, its receipt, passing a ticket on; and the waiting list.

use crate::{
    Shell,
    admin::registration::tone,
    component::{
        Confirm, badge, confirm,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        notice as banner,
    },
    format::money,
    layout::{Tone, phone, sheet},
    phone::register::{Ask, bill, question},
};
use domain::{
    Event, Money, Notice, Order, PaymentSetting, Refusal, Ticket, TicketType, Waiter,
    order::{Flow, OrderState},
    ticket::{Source, TicketInput},
    waiting::WaitState,
};
use maud::{Markup, html};

/// How an order's state looks.
pub fn order_tone(state: OrderState) -> Tone {
    match state {
        OrderState::PendingReview | OrderState::PendingPayment => Tone::Warn,
        OrderState::Paid => Tone::Good,
        OrderState::Refused | OrderState::Canceled | OrderState::Expired | OrderState::Refunded => Tone::Bad,
    }
}

/// What a notice says in the reader's language.
pub fn words(shell: &Shell, notice: &Notice) -> String {
    let text = shell.text();
    let local = |value: &str| value.parse().map_or(String::new(), |millis| shell.format.time(domain::Time(millis)));
    let values: Vec<(String, String)> = notice
        .values
        .iter()
        .map(|(name, value)| match name.as_str() {
            "time" | "until" => (name.clone(), local(value)),
            _ => (name.clone(), value.clone()),
        })
        .collect();
    match notice.purpose.words() {
        Some(words) => domain::notice::fill(text.t(words), &values).trim().to_owned(),
        None => notice.text.clone(),
    }
}

/// The notices about something, newest first.
pub fn notices(shell: &Shell, notices: &[Notice]) -> Markup {
    let text = shell.text();
    html! {
        @if !notices.is_empty() {
            section class="panel" {
                h2 { (text.t("Notices")) }
                @for notice in notices {
                    div { p { (words(shell, notice)) } p class="dim" { (shell.format.short(notice.created_at)) } }
                }
            }
        }
    }
}

/// An order as its buyer sees it.
pub struct OrderPage<'a> {
    /// The order.
    pub order: &'a Order,
    /// Its event.
    pub event: &'a Event,
    /// Its tickets with their links.
    pub tickets: &'a [(Ticket, String)],
    /// How it is to be paid, where something is due.
    pub payment: Option<&'a PaymentSetting>,
    /// What was said.
    pub notices: &'a [Notice],
    /// The link of the order.
    pub link: &'a str,
    /// The buyer may give it up now.
    pub may_cancel: bool,
    /// There is a receipt.
    pub has_receipt: bool,
}

/// The order's page; `fresh` right after ordering.
pub fn show(shell: &Shell, of: &OrderPage<'_>, fresh: bool) -> Markup {
    let text = shell.text();
    let (order, sums) = (of.order, of.order.sums());
    let base = format!("/order/{}", of.link);
    let content = html! {
        @if fresh { (banner(Tone::Good, text.t("Your order was received. Keep this page: here you see how it goes on."))) }
        h1 { (text.t("My order")) }
        section class="panel" {
            div class="heading" { h2 { (of.event.name) } (badge(order_tone(order.state), text.t(order.state.label()))) }
            p class="dim" { (icon(Icon::Clock)) " " (shell.format.window(&of.event.time)) }
            @if !order.reason.is_empty() { p { (order.reason) } }
            dl class="facts" { dt { (text.t("Order number")) } dd class="code" { (order.number) } }
            @if order.lines.iter().any(|line| !line.price.is_free()) { (bill(shell, &order.lines)) }
            @if sums.paid > 0 {
                dl class="facts" {
                    dt { (text.t("Paid")) } dd class="num" { (money(Money::cny(sums.paid))) }
                    @if sums.refunded > 0 { dt { (text.t("Given back")) } dd class="num" { (money(Money::cny(sums.refunded))) } }
                    @if sums.owed() > 0 { dt { (text.t("You get back")) } dd class="num" { (money(Money::cny(sums.owed()))) } }
                }
            }
        }
        @if order.state == OrderState::PendingPayment { (pay(shell, of)) }
        section class="panel" {
            h2 { (text.t("Tickets")) }
            @for (ticket, link) in of.tickets {
                div class="choice" {
                    (icon(Icon::Ticket))
                    span { strong { (ticket.name) } @if ticket.state.bars().is_some() { br; (badge(tone(ticket.state), text.t(ticket.state.label()))) } }
                    @if ticket.state.holds_place() && ticket.source != Source::Passed { a class="button" href={ "/ticket/" (link) } { (text.t("Show the ticket")) } }
                }
            }
        }
        (notices(shell, of.notices))
        div class="row no-print" {
            a class="button" href={ "/event/" (of.event.id) } { (text.t("To the event")) }
            @if of.has_receipt { a class="button" href={ (base) "/receipt" } { (icon(Icon::Print)) (text.t("Receipt")) } }
            @if of.has_receipt { a class="button" href={ (base) "/invoice" } { (icon(Icon::Log)) (text.t("Invoice")) } }
            @if of.may_cancel { (confirm(&Confirm { label: text.t("Give up the order"), warning: text.t("All places of this order become free for others."), action: &format!("{base}/cancel"), verb: text.t("Give up the order") })) }
        }
    };
    phone(shell, text.t("My order"), &[], &content)
}

fn pay(shell: &Shell, of: &OrderPage<'_>) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h2 { (text.t("To pay")) }
            p class="amount" { (money(Money::cny(of.order.sums().due()))) }
            @if let Some(setting) = of.payment {
                p { strong { (text.t(setting.method.label())) } }
                @for line in setting.instructions.lines() { p { (line) } }
                @if setting.method == domain::payment::Method::BankTransfer { p { (text.f("Write the order number {number} into the transfer.", &[("number", &of.order.number)])) } }
            }
            @if let Some(until) = of.order.hold_until { p class="dim" { (text.f("The places are held until {time}.", &[("time", &shell.format.time(until))])) } }
        }
    }
}

/// The receipt, for the printer.
pub fn receipt(shell: &Shell, order: &Order, event: &str) -> Markup {
    let text = shell.text();
    let sums = order.sums();
    let content = html! {
        article class="receipt" {
            h2 { (text.t("Receipt")) }
            p { (shell.space) }
            dl class="facts" {
                dt { (text.t("Order number")) } dd class="code" { (order.number) }
                dt { (text.t("From")) } dd { (order.buyer.name) }
                dt { (text.t("For")) } dd { (event) }
            }
            (bill(shell, &order.lines))
            table {
                thead { tr { th scope="col" { (text.t("Date")) } th scope="col" { (text.t("Way to pay")) } th scope="col" { (text.t("Number of the slip")) } th scope="col" class="num" { (text.t("Amount")) } } }
                tbody {
                    @for entry in &order.entries {
                        tr {
                            td { (shell.format.date(entry.at)) } td { (text.t(entry.method.label())) } td { (entry.reference) }
                            td class="num" { @if entry.flow == Flow::Out { "−" } (money(entry.amount)) }
                        }
                    }
                }
            }
            p class="amount" { (text.t("Received altogether")) " " (money(Money::cny(sums.balance()))) }
            p class="dim" { (text.t("This receipt confirms the payment. It is not a tax invoice.")) }
        }
    };
    sheet(shell, &format!("{} {}", text.t("Receipt"), order.number), &content)
}

/// The form that passes a ticket on.
pub fn transfer(shell: &Shell, event: &Event, link: &str, typed: &TicketInput, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        h1 { (text.t("Pass the ticket on")) }
        p class="dim" { (text.t("The new holder gets a new ticket. This page, its code and its number then open nothing any more: send the new page's address on.")) }
        (form.summary())
        form method="post" action={ "/ticket/" (link) "/transfer" } class="form" enctype="multipart/form-data" {
            (form.input(&Input { name: "name", label: text.t("Name"), value: &typed.name, required: true, max: 60, ..Input::default() }))
            (form.input(&Input { name: "phone", label: text.t("Phone"), value: &typed.phone, required: true, kind: "tel", max: 30, ..Input::default() }))
            (form.input(&Input { name: "company", label: text.t("Company"), value: &typed.company, max: 100, ..Input::default() }))
            @for field in &event.fields {
                @let value = typed.answers.iter().find(|(id, _)| *id == field.id).map_or("", |(_, value)| value.as_str());
                (question(&form, field, value, Ask { required: field.required, ..Ask::default() }))
            }
            (submit(text.t("Pass on"), Some((text.t("Back"), &format!("/ticket/{link}")))))
        }
    };
    phone(shell, text.t("Pass the ticket on"), &["form.js", "area.js"], &content)
}

/// The form that joins the waiting list.
pub fn wait_form(
    shell: &Shell,
    event: &Event,
    kind: &TicketType,
    typed: (&str, &str),
    refusal: Option<&Refusal>,
) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        h1 { (text.t("Waiting list")) }
        p class="dim" { (event.name) " · " (kind.name) }
        p { (text.t("When a place becomes free, it is held for whoever waited longest. Keep the page that follows: the offer appears there.")) }
        (form.summary())
        form method="post" action={ "/event/" (event.id) "/wait/" (kind.id) } class="form" {
            (form.input(&Input { name: "name", label: text.t("Name"), value: typed.0, required: true, max: 60, autocomplete: "name", ..Input::default() }))
            (form.input(&Input { name: "phone", label: text.t("Phone"), value: typed.1, required: true, kind: "tel", max: 30, autocomplete: "tel", ..Input::default() }))
            (submit(text.t("Join the waiting list"), Some((text.t("Back"), &format!("/event/{}", event.id)))))
        }
    };
    phone(shell, text.t("Waiting list"), &[], &content)
}

/// The waiter's page.
pub fn wait(
    shell: &Shell,
    (waiter, event, kind): (&Waiter, &Event, &TicketType),
    before: usize,
    link: &str,
    said: &[Notice],
) -> Markup {
    let text = shell.text();
    let standing = matches!(waiter.state, WaitState::Waiting | WaitState::Offered(_));
    let content = html! {
        h1 { (text.t("Waiting list")) }
        section class="panel" {
            div class="heading" { h2 { (event.name) } (badge(if waiter.state.holds_place() { Tone::Good } else { Tone::Info }, text.t(waiter.state.label()))) }
            p { (kind.name) " · " (waiter.name) }
            @match waiter.state {
                WaitState::Waiting => p { (text.f("{count} people wait before you.", &[("count", &before)])) },
                WaitState::Offered(until) => {
                    p { (text.f("A place is held for you until {time}.", &[("time", &shell.format.time(until))])) }
                    a class="button primary wide" href={ "/event/" (event.id) "/register?waiter=" (link) } { (text.t("Take the place")) }
                },
                WaitState::Taken(_) | WaitState::Lapsed | WaitState::Left => p class="dim" { (text.t("You can join the waiting list again on the event's page.")) },
            }
        }
        (notices(shell, said))
        div class="row" {
            a class="button" href={ "/event/" (event.id) } { (text.t("To the event")) }
            @if standing { (confirm(&Confirm { label: text.t("Leave the waiting list"), warning: text.t("Your turn passes to whoever waits behind you."), action: &format!("/wait/{link}/leave"), verb: text.t("Leave the waiting list") })) }
        }
    };
    phone(shell, text.t("Waiting list"), &[], &content)
}

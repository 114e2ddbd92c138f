//! Orders of an event: the list with what they come to, and one order with its acts and its money.

use crate::{
    Shell,
    admin::{Tab, event_page, registration::tone, search::saved},
    component::{
        badge, empty,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, pager, query, table},
        post, stat,
    },
    format::{count, money, phone},
    phone::{
        order::{notices, order_tone},
        register::bill,
    },
};
use domain::{
    Event, Money, Notice, Order, Refusal, SavedSearch, Ticket,
    order::{EntryInput, Flow, Item, OrderState},
    payment::Method,
};
use maud::{Markup, html};

/// What the list's filter holds, as typed.
#[derive(Default, Clone)]
pub struct Filter {
    /// Number, name or phone.
    pub q: String,
    /// Code of a state, or `owed`.
    pub state: String,
}

impl Filter {
    /// An address below `path` with the filter in it.
    pub fn link(&self, path: &str, page: usize) -> String {
        let page = if page == 0 { String::new() } else { page.to_string() };
        query(path, &[("q", &self.q), ("state", &self.state), ("page", &page)])
    }
}

/// What the orders of an event come to.
pub struct Counts {
    /// Orders by state.
    pub states: Vec<(OrderState, i64)>,
    /// What came in and did not go back, by way of paying.
    pub income: Vec<(Method, Money)>,
    /// Still to be paid.
    pub due: Money,
    /// To be given back.
    pub owed: Money,
}

/// The list page.
pub struct List<'a> {
    /// The event.
    pub event: &'a Event,
    /// Its orders' counts.
    pub counts: Counts,
    /// The rows of this page.
    pub rows: &'a [Order],
    /// How many were found, which page, rows of a page.
    pub pages: (usize, usize, usize),
    /// The filter.
    pub filter: &'a Filter,
    /// Filters that the reader keeps.
    pub saved: &'a [SavedSearch],
    /// Phones are shown in full.
    pub full: bool,
    /// Whether the reader manages orders.
    pub may_manage: bool,
    /// Whether the reader sees the bills of WeChat.
    pub may_reconcile: bool,
}

/// The list of orders.
pub fn list(shell: &Shell, of: &List<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/order", of.event.id);
    let (found, page, size) = of.pages;
    let heads = [
        Head::plain(text.t("Order number")),
        Head::plain(text.t("Name")),
        Head::plain(text.t("Phone")),
        Head::number(text.t("People")),
        Head::number(text.t("Price")),
        Head::number(text.t("Paid")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Ordered at")),
    ];
    let row = |order: &Order| {
        let sums = order.sums();
        Row {
            id: None,
            name: order.number.clone(),
            cells: vec![
                html! { a href={ (base) "/" (order.id) } class="code" { (order.number) } },
                html! { (order.buyer.name) },
                html! { (order.buyer.phone.as_deref().map_or(String::new(), |number| phone(number, of.full))) },
                html! { (order.tickets().count()) },
                html! { @if sums.total == 0 { (text.t("Free")) } @else { (money(Money::cny(sums.total))) } },
                html! { (money(Money::cny(sums.balance()))) },
                html! { (badge(order_tone(order.state), text.t(order.state.label()))) @if sums.owed() > 0 { " " (badge(crate::Tone::Warn, text.t("To give back"))) } },
                html! { (shell.format.short(order.created_at)) },
            ],
        }
    };
    let rows: Vec<Row> = of.rows.iter().map(row).collect();
    let content = html! {
        (part_links(shell, of.event, "order"))
        (figures(shell, &of.counts))
        @if of.may_manage {
            div class="actions" {
                a class="button" href=(of.filter.link(&format!("{base}/export.xlsx"), 0)) download { (icon(Icon::Export)) "xlsx" }
                a class="button" href=(of.filter.link(&format!("{base}/export.csv"), 0)) download { (icon(Icon::Export)) "csv" }
                @if of.may_reconcile { a class="button" href="/admin/pay" { (text.t("Reconciliation")) } }
            }
        }
        (filter(shell, of.filter))
        (saved(shell, of.saved, &of.filter.link(&base, 0), !of.filter.q.is_empty() || !of.filter.state.is_empty()))
        @if found == 0 { (empty(text.t("No orders here"), text.t("Whoever registers on the phone page makes an order. Change the filter to see others."), None)) }
        @else {
            (table(text, text.t("Orders"), &heads, &rows, false))
            (pager(text, page, size, found, |page| of.filter.link(&base, page)))
        }
    };
    event_page(shell, of.event, Tab::Orders, &[], &content)
}

/// Links between what belongs to the sale of an event.
pub fn part_links(shell: &Shell, event: &Event, current: &str) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}", event.id);
    let parts = [
        ("order", "Orders"),
        ("invoice", "Invoices"),
        ("income", "Income"),
        ("voucher", "Codes"),
        ("waiting", "Waiting list"),
        ("sale", "Sale settings"),
    ];
    html! {
        nav class="row" aria-label=(text.t("Parts of the sale")) {
            @for (part, label) in parts { a class="button" href={ (base) "/" (part) } aria-current=[(part == current).then_some("page")] { (text.t(label)) } }
        }
    }
}

fn figures(shell: &Shell, counts: &Counts) -> Markup {
    let text = shell.text();
    let of = |wanted| counts.states.iter().find(|(state, _)| *state == wanted).map_or(0, |(_, count)| *count);
    let income: i64 = counts.income.iter().map(|(_, amount)| amount.fen).sum();
    html! {
        dl class="stats" {
            (stat(text.t("Pending review"), &count(of(OrderState::PendingReview)), None))
            (stat(text.t("Pending payment"), &count(of(OrderState::PendingPayment)), None))
            (stat(text.t("Completed"), &count(of(OrderState::Paid)), None))
            (stat(text.t("Income"), &money(Money::cny(income)), None))
            (stat(text.t("Still due"), &money(counts.due), None))
            (stat(text.t("To give back"), &money(counts.owed), None))
        }
    }
}

fn filter(shell: &Shell, of: &Filter) -> Markup {
    let text = shell.text();
    let form = Form::new(text, None);
    let states: Vec<(String, String)> = std::iter::once((String::new(), text.t("All states").to_owned()))
        .chain(OrderState::ALL.iter().map(|state| (state.code().to_owned(), text.t(state.label()).to_owned())))
        .chain(std::iter::once(("owed".to_owned(), text.t("To give back").to_owned())))
        .collect();
    html! {
        form class="filter" method="get" {
            div class="field grow" {
                label for="f-q" { (text.t("Order number, name or phone")) }
                input id="f-q" name="q" type="search" value=(of.q) maxlength="60";
            }
            (form.select(&Input { name: "state", label: text.t("State"), value: &of.state, ..Input::default() }, &states))
            button { (icon(Icon::Search)) (text.t("Filter")) }
        }
    }
}

/// One order.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// The order.
    pub order: &'a Order,
    /// Its tickets.
    pub tickets: &'a [Ticket],
    /// What was said to the buyer.
    pub notices: &'a [Notice],
    /// Who recorded each entry of money.
    pub by: &'a [String],
    /// Payments and refunds through WeChat.
    pub wechat: &'a Markup,
    /// Address of the buyer's page.
    pub url: &'a str,
    /// Phones are shown in full.
    pub full: bool,
    /// Whether the reader may approve and refuse.
    pub may_review: bool,
    /// Whether the reader manages orders and money.
    pub may_manage: bool,
}

/// What was typed into one of the order's forms of money.
#[derive(Default)]
pub struct Typed {
    /// Into the form of a payment, or else of a refund.
    pub refund: bool,
    /// The fields.
    pub entry: EntryInput,
}

/// The page of one order.
pub fn show(shell: &Shell, of: &Page<'_>, typed: &Typed, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let order = of.order;
    let base = format!("/admin/event/{}/order/{}", of.event.id, order.id);
    let content = html! {
        div class="heading" {
            h2 { span class="code" { (order.number) } " " (badge(order_tone(order.state), text.t(order.state.label()))) }
            (acts(shell, of, &base))
        }
        @if refusal.is_some() { (Form::new(text, refusal).summary()) }
        div class="columns" {
            section class="panel" {
                dl class="facts" {
                    dt { (text.t("Name")) } dd { (order.buyer.name) }
                    dt { (text.t("Phone")) } dd { (order.buyer.phone.as_deref().map_or(String::new(), |number| phone(number, of.full))) }
                    dt { (text.t("Ordered at")) } dd { (shell.format.time(order.created_at)) }
                    @if let Some(method) = order.method { dt { (text.t("Way to pay")) } dd { (text.t(method.label())) } }
                    @if let Some(until) = order.hold_until { dt { (text.t("Held until")) } dd { (shell.format.time(until)) } }
                    @if !order.reason.is_empty() { dt { (text.t("Reason")) } dd { (order.reason) } }
                }
                (bill(shell, &order.lines))
                @if of.full { p { a href=(of.url) { (text.t("The buyer's page")) } } }
            }
            (money_panel(shell, of, &base))
        }
        section class="panel" {
            h2 { (text.t("Registrations")) }
            @for ticket in of.tickets {
                p { a href={ "/admin/event/" (of.event.id) "/registration/" (ticket.id) } { (ticket.name) } " " (badge(tone(ticket.state), text.t(ticket.state.label()))) }
            }
        }
        (of.wechat)
        @if of.may_manage && order.state != OrderState::Refunded { (money_forms(shell, of, &base, typed, refusal)) }
        (notices(shell, of.notices))
    };
    event_page(shell, of.event, Tab::Orders, &[], &content)
}

fn acts(shell: &Shell, of: &Page<'_>, base: &str) -> Markup {
    let text = shell.text();
    let state = of.order.state;
    html! {
        div class="actions" {
            @if of.may_review && state == OrderState::PendingReview {
                (post(&format!("{base}/approve"), "primary", text.t("Approve"), Icon::Check))
                (with_reason(shell, &format!("{base}/refuse"), "Refuse", "The places become free. The buyer reads the reason."))
            }
            @if of.may_manage && state.holds_places() {
                (with_reason(shell, &format!("{base}/cancel"), "Cancel the order", "The places become free and the tickets are refused at the door. Money that was paid is shown as to be given back."))
            }
            @if of.may_manage && matches!(state, OrderState::Refused | OrderState::Canceled | OrderState::Expired) {
                (post(&format!("{base}/reopen"), "", text.t("Let stand again"), Icon::Check))
            }
            @if of.may_manage && of.order.sums().balance() > 0 { a class="button" href={ (base) "/receipt" } { (icon(Icon::Print)) (text.t("Receipt")) } }
            @if of.may_manage && !of.order.entries.is_empty() { a class="button" href={ (base) "/invoice" } { (icon(Icon::Log)) (text.t("Invoice")) } }
        }
    }
}

/// An act that takes a reason for the buyer.
pub fn with_reason(shell: &Shell, action: &str, label: &'static str, warning: &'static str) -> Markup {
    let text = shell.text();
    html! {
        details class="confirm" {
            summary class="button danger" { (text.t(label)) }
            form method="post" action=(action) {
                p { (icon(Icon::Warn)) (text.t(warning)) }
                label { (text.t("Reason, for the buyer")) " " input type="text" name="reason" maxlength="200"; }
                button class="danger" { (text.t(label)) }
            }
        }
    }
}

fn money_panel(shell: &Shell, of: &Page<'_>, base: &str) -> Markup {
    let text = shell.text();
    let sums = of.order.sums();
    html! {
        section class="panel" {
            dl class="facts" {
                dt { (text.t("Price")) } dd class="num" { (money(Money::cny(sums.total))) }
                dt { (text.t("Paid")) } dd class="num" { (money(Money::cny(sums.paid))) }
                dt { (text.t("Given back")) } dd class="num" { (money(Money::cny(sums.refunded))) }
                dt { (text.t("Still due")) } dd class="num" { (money(Money::cny(sums.due()))) }
                @if sums.owed() > 0 { dt { strong { (text.t("To give back")) } } dd class="num" { strong { (money(Money::cny(sums.owed()))) } } }
            }
            @for (at, entry) in of.order.entries.iter().enumerate() {
                div {
                    p {
                        strong { @if entry.flow == Flow::Out { "−" } (money(entry.amount)) } " " (text.t(entry.method.label()))
                        @if !entry.reference.is_empty() { " · " (entry.reference) }
                        @if entry.slip.is_some() { " · " a href={ (base) "/slip/" (at) } { (text.t("Slip")) } }
                    }
                    p class="dim" { (shell.format.time(entry.at)) @if let Some(by) = of.by.get(at).filter(|by| !by.is_empty()) { " · " (by) } @if !entry.note.is_empty() { " · " (entry.note) } }
                }
            }
        }
    }
}

fn money_forms(shell: &Shell, of: &Page<'_>, base: &str, typed: &Typed, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let sums = of.order.sums();
    let fields = |refund: bool, amount: i64| {
        let form = Form::new(text, refusal.filter(|_| typed.refund == refund));
        let kept = typed.refund == refund && refusal.is_some();
        let amount = if amount > 0 { Money::cny(amount).to_yuan() } else { String::new() };
        let entry = if kept { typed.entry.clone() } else { EntryInput { amount, ..EntryInput::default() } };
        let methods: Vec<(String, String)> = Method::BY_HAND
            .iter()
            .map(|method| (method.code().to_owned(), text.t(method.label()).to_owned()))
            .collect();
        let name = |field: &str| if refund { format!("refund_{field}") } else { field.to_owned() };
        html! {
            input type="hidden" name="revision" value=(of.order.revision);
            div class="pair" {
                (form.input(&Input { name: &name("amount"), label: text.t("Amount in yuan"), value: &entry.amount, required: true, max: 12, ..Input::default() }))
                (form.select(&Input { name: &name("method"), label: text.t("Way to pay"), value: if entry.method.is_empty() { of.order.method.filter(|method| Method::BY_HAND.contains(method)).map_or("cash", Method::code) } else { &entry.method }, ..Input::default() }, &methods))
            }
            div class="pair" {
                (form.input(&Input { name: &name("reference"), label: text.t("Number of the slip"), value: &entry.reference, max: 200, ..Input::default() }))
                (form.input(&Input { name: &name("note"), label: text.t("Note"), value: &entry.note, max: 200, ..Input::default() }))
            }
            @if !refund { (form.file("slip", text.t("Picture of the slip"), text.t("JPEG, PNG or WebP, at most 15 MB. Only those who manage orders see it."), "image/jpeg,image/png,image/webp")) }
        }
    };
    let standing = |ticket: &&Ticket| of.order.state == OrderState::Paid && ticket.state.holds_place();
    let price = |ticket: &Ticket| {
        let own = |line: &&domain::order::Line| matches!(line.item, Item::Ticket(id, _) | Item::AddOn(_, id) if id == ticket.id);
        Money::cny(of.order.lines.iter().filter(own).map(domain::order::Line::due).sum())
    };
    html! {
        div class="columns" {
            section class="panel" {
                h2 { (text.t("Record a payment")) }
                form method="post" action={ (base) "/pay" } enctype="multipart/form-data" class="form" { (fields(false, sums.due())) button class="primary" { (text.t("Record the payment")) } }
            }
            @if sums.balance() > 0 {
                section class="panel" {
                    h2 { (text.t("Give money back")) }
                    form method="post" action={ (base) "/refund" } class="form" {
                        @if of.tickets.iter().any(|ticket| standing(&ticket)) {
                            fieldset {
                                legend { (text.t("Tickets that are given back with it")) }
                                @for ticket in of.tickets.iter().filter(standing) {
                                    label class="choice" { input type="checkbox" name="ticket" value=(ticket.id); span { (ticket.name) } span class="num" { (money(price(ticket))) } }
                                }
                            }
                        }
                        (fields(true, sums.owed()))
                        button class="danger" { (text.t("Record the refund")) }
                    }
                }
            }
        }
    }
}

//! WeChat Pay: the account, what somebody must look at, bills and their differences, and the part of an order's page.

use crate::{
    Shell,
    component::{
        badge, empty,
        form::{Form, Input, submit},
        heading,
        icon::{Icon, icon},
        list::{Head, Row, table},
        notice, post, stat,
    },
    format::{count, money},
    layout::{Tone, admin},
};
use domain::{
    Attempt, Money, Order, PayAccount, PayBill, PayCertificate, PayRefund, Refusal, Ticket, Time,
    order::{Item, OrderState},
    pay::{AccountInput, AttemptState, CALLBACK, MAIN_ADDRESS, Proof, RefundState},
};
use maud::{Markup, html};

/// What the page of reconciliation shows.
pub struct Overview<'a> {
    /// Something else was paid than what was asked for.
    pub strange: &'a [Attempt],
    /// Refunds that WeChat refused or that did not arrive.
    pub refunds: &'a [PayRefund],
    /// Bills that were compared, newest first.
    pub bills: &'a [PayBill],
    /// The day in the form.
    pub day: &'a str,
}

fn attempt_tone(state: AttemptState) -> Tone {
    match state {
        AttemptState::Asked | AttemptState::Open => Tone::Info,
        AttemptState::Paid => Tone::Good,
        AttemptState::Strange | AttemptState::Refused => Tone::Bad,
        AttemptState::Closed => Tone::Plain,
    }
}

fn refund_tone(state: RefundState) -> Tone {
    match state {
        RefundState::Wanted | RefundState::Processing => Tone::Info,
        RefundState::Done => Tone::Good,
        RefundState::Abnormal | RefundState::Refused => Tone::Bad,
        RefundState::Closed => Tone::Plain,
    }
}

fn order_link(event: domain::EventId, order: domain::OrderId, number: &str) -> Markup {
    html! { a href={ "/admin/event/" (event) "/order/" (order) } class="code" { (number) } }
}

/// What was paid, in its own currency.
fn received(attempt: &Attempt) -> String {
    attempt.received.as_ref().map_or(String::new(), |received| match received.currency.as_str() {
        "CNY" => money(Money::cny(received.fen)),
        other => format!("{} {other}", Money::cny(received.fen).to_yuan()),
    })
}

/// The page of reconciliation.
pub fn overview(shell: &Shell, of: &Overview<'_>, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        (heading(text.t("Reconciliation"), &html! { a class="button" href="/admin/payment" { (text.t("Payment")) } }))
        (form.summary())
        section class="panel" {
            h2 { (text.t("To be looked at")) }
            @if of.strange.is_empty() && of.refunds.is_empty() { p class="dim" { (text.t("Nothing. What is paid wrongly, and refunds that do not arrive, appear here.")) } }
            @if !of.strange.is_empty() { (strange(shell, of.strange)) }
            @if !of.refunds.is_empty() { (refunds(shell, of.refunds)) }
        }
        section class="panel" {
            h2 { (text.t("Bills of WeChat")) }
            p class="dim" { (text.t("Each day's bill is fetched by itself after 10 o'clock of the next day and compared with our records.")) }
            form method="post" action="/admin/pay" class="filter" {
                (form.input(&Input { name: "day", label: text.t("Day"), value: of.day, kind: "date", required: true, ..Input::default() }))
                button { (text.t("Fetch and compare")) }
            }
            @if of.bills.is_empty() { (empty(text.t("No bills yet"), text.t("The first one comes on the day after the first payment."), None)) }
            @else { (bills(shell, of.bills)) }
        }
    };
    admin(shell, text.t("Reconciliation"), &[(text.t("Settings"), "/admin/space".into())], &[], &content)
}

fn strange(shell: &Shell, rows: &[Attempt]) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Our number")),
        Head::number(text.t("Asked for")),
        Head::number(text.t("Was paid")),
        Head::plain(text.t("Time")),
    ];
    let row = |attempt: &Attempt| Row {
        id: None,
        name: attempt.number.clone(),
        cells: vec![
            order_link(attempt.event, attempt.order, &attempt.number),
            html! { (money(attempt.amount)) },
            html! { (received(attempt)) },
            html! { (shell.format.short(attempt.changed_at)) },
        ],
    };
    table(text, text.t("Another amount was paid"), &heads, &rows.iter().map(row).collect::<Vec<_>>(), false)
}

fn refunds(shell: &Shell, rows: &[PayRefund]) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Our number")),
        Head::number(text.t("Amount")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Reason")),
        Head::plain(text.t("Time")),
    ];
    let row = |refund: &PayRefund| Row {
        id: None,
        name: refund.number.clone(),
        cells: vec![
            order_link(refund.event, refund.order, &refund.number),
            html! { (money(refund.amount)) },
            html! { (badge(refund_tone(refund.state), text.t(refund.state.label()))) },
            html! { (refund.trouble) },
            html! { (shell.format.short(refund.changed_at)) },
        ],
    };
    table(text, text.t("Refunds that did not arrive"), &heads, &rows.iter().map(row).collect::<Vec<_>>(), false)
}

fn bills(shell: &Shell, rows: &[PayBill]) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Day")),
        Head::number(text.t("Payments")),
        Head::number(text.t("Came in")),
        Head::number(text.t("Given back")),
        Head::plain(text.t("Result")),
        Head::plain(text.t("Fetched at")),
    ];
    let row = |bill: &PayBill| Row {
        id: None,
        name: bill.day.clone(),
        cells: vec![
            html! { a href={ "/admin/pay/bill/" (bill.day) } { (bill.day) } },
            html! { (count(i64::from(bill.paid.0))) },
            html! { (money(Money::cny(bill.paid.1))) },
            html! { (money(Money::cny(bill.refunded.1))) },
            html! { (result(shell, bill)) },
            html! { (shell.format.short(bill.fetched_at)) },
        ],
    };
    table(text, text.t("Bills of WeChat"), &heads, &rows.iter().map(row).collect::<Vec<_>>(), false)
}

fn result(shell: &Shell, bill: &PayBill) -> Markup {
    let text = shell.text();
    match (bill.trouble.is_empty(), bill.found) {
        (false, _) => badge(Tone::Warn, text.t("Could not be fetched")),
        (true, 0) => badge(Tone::Good, text.t("In agreement")),
        (true, found) => badge(Tone::Bad, &text.f("{count} differences", &[("count", &found)])),
    }
}

/// The page of one day's bill.
pub fn bill(shell: &Shell, bill: &PayBill) -> Markup {
    let text = shell.text();
    let base = format!("/admin/pay/bill/{}", bill.day);
    let heads = [
        Head::plain(text.t("Difference")),
        Head::plain(text.t("Kind")),
        Head::plain(text.t("Our number")),
        Head::plain(text.t("WeChat's number")),
        Head::number(text.t("Amount with us")),
        Head::number(text.t("Amount in the bill")),
    ];
    let row = |one: &domain::pay::Difference| Row {
        id: None,
        name: one.number.clone(),
        cells: vec![
            html! { (badge(Tone::Bad, text.t(one.kind.label()))) },
            html! { (text.t(one.moved.label())) },
            html! { @match one.order { Some((event, order)) => (order_link(event, order, &one.number)), None => span class="code" { (one.number) } } },
            html! { span class="code" { (one.theirs) } },
            html! { (money(Money::cny(one.fen.0))) },
            html! { (money(Money::cny(one.fen.1))) },
        ],
    };
    let rows: Vec<Row> = bill.differences.iter().map(row).collect();
    let content = html! {
        (heading(&text.f("Bill of {day}", &[("day", &bill.day)]), &html! {
            (result(shell, bill))
            @if !rows.is_empty() {
                a class="button" href={ (base) "/export.xlsx" } download { (icon(Icon::Export)) "xlsx" }
                a class="button" href={ (base) "/export.csv" } download { (icon(Icon::Export)) "csv" }
            }
        }))
        @if !bill.trouble.is_empty() { (notice(Tone::Warn, &text.f("WeChat said: {why}", &[("why", &bill.trouble)]))) }
        dl class="stats" {
            (stat(text.t("Payments"), &count(i64::from(bill.paid.0)), None))
            (stat(text.t("Came in"), &money(Money::cny(bill.paid.1)), None))
            (stat(text.t("Refunds"), &count(i64::from(bill.refunded.0)), None))
            (stat(text.t("Given back"), &money(Money::cny(bill.refunded.1)), None))
            @if let Some((income, outgo)) = bill.funds {
                (stat(text.t("Account: in"), &money(Money::cny(income)), None))
                (stat(text.t("Account: out"), &money(Money::cny(outgo)), None))
            }
        }
        @if rows.is_empty() { (empty(text.t("No differences"), text.t("Everything in the bill is as our records say."), None)) }
        @else { (table(text, text.t("Differences"), &heads, &rows, false)) }
        @if usize::try_from(bill.found).is_ok_and(|found| found > rows.len()) { p class="dim" { (text.f("The first {count} are shown.", &[("count", &rows.len())])) } }
        form method="post" action="/admin/pay" class="row" { input type="hidden" name="day" value=(bill.day); button { (text.t("Fetch and compare")) } }
    };
    let title = text.f("Bill of {day}", &[("day", &bill.day)]);
    admin(shell, &title, &[(text.t("Reconciliation"), "/admin/pay".into())], &[], &content)
}

/// The page of the account.
pub struct Account<'a> {
    /// As it is kept, without its keys.
    pub kept: Option<&'a PayAccount>,
    /// Platform certificates that are known.
    pub certificates: &'a [PayCertificate],
    /// What stands in the form.
    pub typed: &'a AccountInput,
    /// The instant now.
    pub now: Time,
}

/// The form's content for a kept account; its keys are never shown.
pub fn input_of(kept: &PayAccount) -> AccountInput {
    let (public_id, public_key) = match &kept.proof {
        Proof::Certificates => Default::default(),
        Proof::PublicKey(id, key) => (id.clone(), key.clone()),
    };
    AccountInput {
        appid: kept.appid.clone(),
        other: kept.other.clone(),
        mchid: kept.mchid.clone(),
        serial: kept.serial.clone(),
        public_id,
        public_key,
        address: if kept.address == MAIN_ADDRESS { String::new() } else { kept.address.clone() },
        public: kept.public.clone(),
        ..AccountInput::default()
    }
}

/// The page of the account.
pub fn account(shell: &Shell, of: &Account<'_>, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let stays = if of.kept.is_some() {
        text.t("Kept encrypted. Leave it empty to keep it.")
    } else {
        text.t("It is kept encrypted and never shown again.")
    };
    let content = html! {
        (heading(text.t("Account with WeChat Pay"), &html! {
            @if of.kept.is_some() { (post("/admin/pay/account/test", "primary", text.t("Test the connection"), Icon::Check)) }
        }))
        (form.summary())
        @if let Some(kept) = of.kept { (state(shell, of, kept)) }
        form method="post" action="/admin/pay/account" class="form panel" {
            div class="pair" {
                (form.input(&Input { name: "appid", label: text.t("AppID"), value: &of.typed.appid, required: true, max: 32, help: text.t("Of the mini-program or official account that the merchant number is bound to."), ..Input::default() }))
                (form.input(&Input { name: "mchid", label: text.t("Merchant number"), value: &of.typed.mchid, required: true, max: 32, ..Input::default() }))
            }
            (form.input(&Input { name: "other", label: text.t("Second AppID"), value: &of.typed.other, max: 32, help: text.t("The other of the two, when people pay in the mini-program and in the official account; both must be bound to the merchant number. Codes are paid with the first."), ..Input::default() }))
            (form.input(&Input { name: "serial", label: text.t("Serial number of the merchant's certificate"), value: &of.typed.serial, required: true, max: 64, help: text.t("Merchant platform: Account centre, API security."), ..Input::default() }))
            (form.textarea(&Input { name: "key", label: text.t("Merchant's key (apiclient_key.pem)"), help: stays, required: of.kept.is_none(), max: 8_000, ..Input::default() }, 4))
            (form.input(&Input { name: "secret", label: text.t("APIv3 key"), kind: "password", help: stays, required: of.kept.is_none(), max: 32, autocomplete: "off", ..Input::default() }))
            (form.input(&Input { name: "public_id", label: text.t("Id of WeChat's public key"), value: &of.typed.public_id, max: 100, help: text.t("Begins with PUB_KEY_ID_. Empty: platform certificates, which are fetched by themselves."), ..Input::default() }))
            (form.textarea(&Input { name: "public_key", label: text.t("WeChat's public key (pub_key.pem)"), value: &of.typed.public_key, max: 8_000, ..Input::default() }, 4))
            (form.input(&Input { name: "public", label: text.t("Public address of this box"), value: &of.typed.public, required: true, max: 200, help: text.t("WeChat sends its notifications there, by https. Without one that can be reached, the box asks WeChat by itself."), ..Input::default() }))
            (form.input(&Input { name: "address", label: text.t("Where WeChat Pay answers"), value: &of.typed.address, max: 200, help: text.t("Leave it empty, unless you use a stand-in."), ..Input::default() }))
            (submit(text.t("Save"), Some((text.t("Back"), "/admin/payment"))))
        }
    };
    admin(shell, text.t("Account with WeChat Pay"), &[(text.t("Payment"), "/admin/payment".into())], &[], &content)
}

/// What to do about a trouble, where it has a usual cause.
fn hint(trouble: &str) -> Option<&'static str> {
    if trouble.contains("clocks differ") {
        return Some(
            "The box's clock and WeChat's differ by more than five minutes, so nothing is believed. Set the box's time, then test again.",
        );
    }
    trouble.starts_with("SIGN_ERROR").then_some(
        "Either the key or its serial number is not this merchant's, or the box's clock is more than five minutes off. Compare both on the merchant platform, set the box's time, then test again.",
    )
}

fn state(shell: &Shell, of: &Account<'_>, kept: &PayAccount) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            dl class="facts" {
                dt { (text.t("Last test")) }
                dd {
                    @match &kept.test {
                        None => (badge(Tone::Warn, text.t("Not tested yet"))),
                        Some(test) if test.trouble.is_empty() => { (badge(Tone::Good, text.t("Connected"))) " " (shell.format.time(test.at)) },
                        Some(test) => { (badge(Tone::Bad, text.t("Not connected"))) " " (shell.format.time(test.at)) p { (text.f("WeChat said: {why}", &[("why", &test.trouble)])) } @if let Some(hint) = hint(&test.trouble) { p { (icon(Icon::Info)) (text.t(hint)) } } },
                    }
                }
                dt { (text.t("Notifications come in at")) } dd class="code" { (kept.public) (CALLBACK) }
                @match &kept.proof {
                    Proof::PublicKey(id, _) => { dt { (text.t("WeChat proves itself by")) } dd class="code" { (id) } },
                    Proof::Certificates if of.certificates.is_empty() => { dt { (text.t("WeChat proves itself by")) } dd { (text.t("Platform certificates; none was fetched yet.")) } },
                    Proof::Certificates => {},
                }
                @for one in of.certificates {
                    dt { (text.t("Platform certificate")) }
                    dd {
                        span class="code" { (one.serial) } " "
                        @if of.now < one.until { (badge(Tone::Good, &text.f("Good until {date}", &[("date", &shell.format.date(one.until))]))) } @else { (badge(Tone::Bad, text.t("Not good any more"))) }
                    }
                }
            }
        }
    }
}

/// The part of an order's page.
pub struct OfOrder<'a> {
    /// The order.
    pub order: &'a Order,
    /// Its tickets.
    pub tickets: &'a [Ticket],
    /// Attempts to pay it.
    pub attempts: &'a [Attempt],
    /// Refunds.
    pub refunds: &'a [PayRefund],
    /// The most fen that can be given back at once.
    pub most: i64,
}

/// The part of an order's page that is about WeChat; nothing where there was none of it.
pub fn of_order(shell: &Shell, of: &OfOrder<'_>) -> Markup {
    let text = shell.text();
    if of.attempts.is_empty() {
        return html! {};
    }
    let base = format!("/admin/event/{}/order/{}/wechat", of.order.event, of.order.id);
    html! {
        div class="columns" {
            section class="panel" {
                h2 { (text.t("WeChat Pay")) }
                @for attempt in of.attempts { (one_attempt(shell, attempt, &base)) }
                @for refund in of.refunds { (one_refund(shell, refund, &base)) }
            }
            @if of.most > 0 { (refund_form(shell, of, &base)) }
        }
    }
}

fn one_attempt(shell: &Shell, attempt: &Attempt, base: &str) -> Markup {
    let text = shell.text();
    html! {
        div {
            p { strong { (money(attempt.amount)) } " " (badge(attempt_tone(attempt.state), text.t(attempt.state.label()))) " " span class="code" { (attempt.number) } }
            p class="dim" { (shell.format.time(attempt.changed_at)) @if let Some(received) = &attempt.received { " · " (received.transaction) } @if !attempt.trouble.is_empty() { " · " (attempt.trouble) } }
            @if attempt.state == AttemptState::Strange {
                p { (text.f("{paid} was paid instead of {asked}. It does not count until you take it.", &[("paid", &received(attempt)), ("asked", &money(attempt.amount))])) }
                form method="post" action={ (base) "/accept" } class="inline" { input type="hidden" name="number" value=(attempt.number); button { (icon(Icon::Check)) (text.t("Take what was paid")) } }
            }
        }
    }
}

fn one_refund(shell: &Shell, refund: &PayRefund, base: &str) -> Markup {
    let text = shell.text();
    html! {
        div {
            p { strong { "−" (money(refund.amount)) } " " (badge(refund_tone(refund.state), text.t(refund.state.label()))) " " span class="code" { (refund.number) } }
            p class="dim" { (shell.format.time(refund.changed_at)) @if !refund.account.is_empty() { " · " (refund.account) } @if !refund.reason.is_empty() { " · " (refund.reason) } @if !refund.trouble.is_empty() { " · " (refund.trouble) } }
            @if refund.state == RefundState::Abnormal { p { (text.t("The buyer's account does not take it. See to it on WeChat's merchant platform; the state follows by itself.")) } }
            @if refund.state == RefundState::Refused {
                form method="post" action={ (base) "/again" } class="inline" { input type="hidden" name="number" value=(refund.number); button { (text.t("Send again")) } }
            }
        }
    }
}

fn refund_form(shell: &Shell, of: &OfOrder<'_>, base: &str) -> Markup {
    let text = shell.text();
    let form = Form::new(text, None);
    let owed = of.order.sums().owed().min(of.most);
    let amount = if owed > 0 { Money::cny(owed).to_yuan() } else { String::new() };
    let standing = |ticket: &&Ticket| of.order.state == OrderState::Paid && ticket.state.holds_place();
    let price = |ticket: &Ticket| {
        let own = |line: &&domain::order::Line| matches!(line.item, Item::Ticket(id, _) | Item::AddOn(_, id) if id == ticket.id);
        Money::cny(of.order.lines.iter().filter(own).map(domain::order::Line::due).sum())
    };
    html! {
        section class="panel" {
            h2 { (text.t("Give money back through WeChat")) }
            form method="post" action={ (base) "/refund" } class="form" {
                input type="hidden" name="revision" value=(of.order.revision);
                @if of.tickets.iter().any(|ticket| standing(&ticket)) {
                    fieldset {
                        legend { (text.t("Tickets that are given back with it")) }
                        @for ticket in of.tickets.iter().filter(standing) {
                            label class="choice" { input type="checkbox" name="ticket" value=(ticket.id); span { (ticket.name) } span class="num" { (money(price(ticket))) } }
                        }
                    }
                }
                div class="field" { label for="f-wechat-amount" { (text.t("Amount in yuan")) span class="required" aria-hidden="true" { "*" } } input id="f-wechat-amount" name="amount" value=(amount) required maxlength="12" aria-describedby="h-wechat-amount"; p class="help" id="h-wechat-amount" { (text.f("At most {most}. The buyer gets it where it was paid from.", &[("most", &money(Money::cny(of.most)))])) } }
                div class="field" { label for="f-wechat-reason" { (text.t("Reason, for the buyer")) } input id="f-wechat-reason" name="reason" maxlength="80"; }
                (form.error("amount"))
                button class="danger" { (text.t("Give back through WeChat")) }
            }
        }
    }
}

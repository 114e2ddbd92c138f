//! What surrounds an event's sale: settings, shared quotas, add-ons, codes, the waiting list; and the association's ways to pay.

use crate::{
    Shell,
    admin::{Tab, event_page, order::part_links},
    component::{
        badge, empty,
        form::{Form, Input, submit},
        heading,
        icon::{Icon, icon},
        list::{Head, Row, pager, query, table},
        post,
    },
    format::{count, money, phone},
    layout::{Tone, admin},
};
use domain::{
    AddOn, Event, PaymentSetting, Quota, Refusal, TicketType, TicketTypeId, Voucher, Waiter,
    payment::Method,
    quota::{AddOnInput, QuotaInput},
    sale::SaleInput,
    voucher::{Effect, VoucherInput},
    waiting::WaitState,
};
use maud::{Markup, html};

/// Names of ticket types, in one line.
fn kind_names(kinds: &[TicketType], of: &[TicketTypeId], all: &str) -> String {
    if of.is_empty() {
        return all.to_owned();
    }
    let names = kinds.iter().filter(|kind| of.contains(&kind.id)).map(|kind| kind.name.as_str());
    names.collect::<Vec<_>>().join("、")
}

fn kind_boxes(shell: &Shell, name: &str, kinds: &[TicketType], chosen: &[u64], legend: &'static str) -> Markup {
    html! {
        fieldset id={ "f-" (name) } {
            legend { (shell.text().t(legend)) }
            div class="row" {
                @for kind in kinds { label { input type="checkbox" name=(name) value=(kind.id) checked[chosen.contains(&kind.id.0)]; " " (kind.name) } }
            }
        }
    }
}

/// The settings page.
pub struct Settings<'a> {
    /// The event.
    pub event: &'a Event,
    /// Its ticket types.
    pub kinds: &'a [TicketType],
    /// The settings as typed.
    pub sale: &'a SaleInput,
    /// Shared quotas with what is left.
    pub quotas: &'a [(Quota, i64)],
    /// Add-ons with how many are out.
    pub addons: &'a [(AddOn, i64)],
    /// What was typed into the form of a new quota.
    pub quota: &'a QuotaInput,
    /// What was typed into the form of a new add-on.
    pub addon: &'a AddOnInput,
    /// Which of the three forms came back: `sale`, `quota` or `addon`.
    pub wrong: &'a str,
    /// There is a way to pay.
    pub payable: bool,
}

/// How the event takes orders.
pub fn settings(shell: &Shell, of: &Settings<'_>, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}", of.event.id);
    let form = Form::new(text, refusal.filter(|_| of.wrong == "sale"));
    let content = html! {
        (part_links(shell, of.event, "sale"))
        (Form::new(text, refusal).summary())
        @if !of.payable && !shell.free { (crate::component::notice(Tone::Info, text.t("No way to pay is set up yet. Tickets with a price are offered once there is one: see Payment in the settings."))) }
        form method="post" action={ (base) "/sale" } class="form panel" {
            h2 { (text.t("How orders are taken")) }
            div class="pair" {
                (form.input(&Input { name: "hold", label: text.t("Minutes that unpaid places are held"), value: &of.sale.hold, kind: "number", required: true, ..Input::default() }))
                (form.input(&Input { name: "most", label: text.t("Most people of one order"), value: &of.sale.most, kind: "number", required: true, ..Input::default() }))
                (form.input(&Input { name: "offer", label: text.t("Minutes that a place is held for somebody who waited"), value: &of.sale.offer, kind: "number", required: true, ..Input::default() }))
            }
            (form.checkbox("waiting", text.t("Waiting list for what is sold out"), of.sale.waiting))
            (form.checkbox("cancel", text.t("Buyers may give up what is not paid for, until the event begins"), of.sale.cancel))
            (form.checkbox("transfer", text.t("Holders may pass tickets on to somebody else"), of.sale.transfer))
            @if !shell.free { (form.checkbox("donation", text.t("Ask for a donation"), of.sale.donation)) }
            (submit(text.t("Save"), None))
        }
        (quotas(shell, of, &base, refusal))
        (addons(shell, of, &base, refusal))
    };
    event_page(shell, of.event, Tab::Orders, &[], &content)
}

fn quotas(shell: &Shell, of: &Settings<'_>, base: &str, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal.filter(|_| of.wrong == "quota"));
    html! {
        section class="panel" {
            h2 { (text.t("Shared quotas")) }
            p class="dim" { (text.t("Several ticket types that share one hall sell no more together than it holds.")) }
            @for (quota, left) in of.quotas {
                div class="row" {
                    strong { (quota.name) } span { (kind_names(of.kinds, &quota.kinds, "")) }
                    span class="dim" { (text.f("{left} of {size} left", &[("left", &count(*left)), ("size", &count(i64::from(quota.size)))])) }
                    (post(&format!("{base}/quota/{}/remove", quota.id), "quiet", text.t("Remove"), Icon::Cross))
                }
            }
            details open[of.wrong == "quota"] {
                summary { (text.t("New shared quota")) }
                form method="post" action={ (base) "/quota" } class="form" {
                    div class="pair" {
                        (form.input(&Input { name: "quota_name", label: text.t("Name"), value: &of.quota.name, required: true, max: 40, ..Input::default() }))
                        (form.input(&Input { name: "quota_size", label: text.t("How many"), value: &of.quota.size, kind: "number", required: true, ..Input::default() }))
                    }
                    (kind_boxes(shell, "quota_kinds", of.kinds, &of.quota.kinds, "Ticket types that share it"))
                    button { (icon(Icon::Plus)) (text.t("Add")) }
                }
            }
        }
    }
}

fn addons(shell: &Shell, of: &Settings<'_>, base: &str, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal.filter(|_| of.wrong == "addon"));
    html! {
        section class="panel" {
            h2 { (text.t("Add-ons")) }
            p class="dim" { (text.t("A dinner, a book, a parking space: taken along with a ticket.")) }
            @for (addon, taken) in of.addons {
                div class="row" {
                    strong { (addon.name) } span { @if addon.price.is_free() { (text.t("Free")) } @else { (money(addon.price)) } }
                    span class="dim" { (text.f("{count} taken", &[("count", &count(*taken))])) @if let Some(quota) = addon.quota { " / " (count(i64::from(quota))) } " · " (kind_names(of.kinds, &addon.kinds, text.t("All types"))) }
                    @if !addon.enabled { (badge(Tone::Plain, text.t("Disabled"))) }
                    (post(&format!("{base}/addon/{}/{}", addon.id, if addon.enabled { "disable" } else { "enable" }), "quiet", text.t(if addon.enabled { "Disable" } else { "Enable" }), Icon::Edit))
                    (post(&format!("{base}/addon/{}/remove", addon.id), "quiet", text.t("Remove"), Icon::Cross))
                }
            }
            details open[of.wrong == "addon"] {
                summary { (text.t("New add-on")) }
                form method="post" action={ (base) "/addon" } class="form" {
                    div class="pair" {
                        (form.input(&Input { name: "addon_name", label: text.t("Name"), value: &of.addon.name, required: true, max: 40, ..Input::default() }))
                        @if !shell.free { (form.input(&Input { name: "addon_price", label: text.t("Price in yuan"), value: &of.addon.price, ..Input::default() })) }
                        (form.input(&Input { name: "addon_quota", label: text.t("How many"), value: &of.addon.quota, help: text.t("Empty: no limit"), ..Input::default() }))
                    }
                    (form.input(&Input { name: "addon_note", label: text.t("Points to note"), value: &of.addon.note, max: 200, ..Input::default() }))
                    (kind_boxes(shell, "addon_kinds", of.kinds, &of.addon.kinds, "Only with these ticket types; none chosen: with all"))
                    button { (icon(Icon::Plus)) (text.t("Add")) }
                }
            }
        }
    }
}

/// The page of codes.
pub struct Vouchers<'a> {
    /// The event.
    pub event: &'a Event,
    /// Its ticket types.
    pub kinds: &'a [TicketType],
    /// The rows of this page: codes with how often they were used.
    pub rows: &'a [(Voucher, i64)],
    /// How many there are, which page, rows of a page.
    pub pages: (usize, usize, usize),
    /// What was typed into the form.
    pub typed: &'a VoucherInput,
}

fn effect(shell: &Shell, effect: Effect) -> String {
    match effect {
        Effect::Nothing => shell.text().t("Nothing").to_owned(),
        Effect::Percent(percent) => format!("{percent} %"),
        Effect::Amount(amount) => money(amount),
    }
}

/// The codes of an event.
pub fn vouchers(shell: &Shell, of: &Vouchers<'_>, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/voucher", of.event.id);
    let (found, page, size) = of.pages;
    let heads = [
        Head::plain(text.t("Code")),
        Head::plain(text.t("Takes off")),
        Head::plain(text.t("Ticket types")),
        Head::number(text.t("Used")),
        Head::number(text.t("Uses")),
        Head::plain(text.t("Note")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Actions")),
    ];
    let row = |(voucher, used): &(Voucher, i64)| {
        let (verb, label) = if voucher.enabled { ("disable", "Disable") } else { ("enable", "Enable") };
        Row {
            id: None,
            name: voucher.code.clone(),
            cells: vec![
                html! { span class="code" { (voucher.code) } },
                html! { (effect(shell, voucher.effect)) @if voucher.unlocks { " " (badge(Tone::Info, text.t("opens locked tickets"))) } },
                html! { (kind_names(of.kinds, &voucher.kinds, text.t("All types"))) },
                html! { (count(*used)) },
                html! { (voucher.uses.map_or("∞".to_owned(), |uses| count(i64::from(uses)))) },
                html! { (voucher.note) },
                html! { @if voucher.enabled { (badge(Tone::Good, text.t("Enabled"))) } @else { (badge(Tone::Plain, text.t("Disabled"))) } },
                html! { (post(&format!("{base}/{}/{verb}", voucher.id), "quiet", text.t(label), Icon::Edit)) },
            ],
        }
    };
    let rows: Vec<Row> = of.rows.iter().map(row).collect();
    let content = html! {
        (part_links(shell, of.event, "voucher"))
        (voucher_form(shell, of, &base, refusal))
        @if found > 0 {
            div class="actions" { a class="button" href={ (base) "/export.xlsx" } download { (icon(Icon::Export)) "xlsx" } a class="button" href={ (base) "/export.csv" } download { (icon(Icon::Export)) "csv" } }
            (table(text, text.t("Codes"), &heads, &rows, false))
            (pager(text, page, size, found, |page| query(&base, &[("page", &page.to_string())])))
        }
    };
    event_page(shell, of.event, Tab::Orders, &[], &content)
}

fn voucher_form(shell: &Shell, of: &Vouchers<'_>, base: &str, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let effects: Vec<(String, String)> = [("percent", "Per cent"), ("amount", "Yuan"), ("nothing", "Nothing")]
        .iter()
        .map(|(code, label)| ((*code).to_owned(), text.t(label).to_owned()))
        .collect();
    html! {
        (form.summary())
        details class="panel" open[refusal.is_some() || of.pages.0 == 0] {
            summary { strong { (text.t("New codes")) } }
            form method="post" action=(base) class="form" {
                div class="pair" {
                    (form.input(&Input { name: "code", label: text.t("Code"), value: &of.typed.code, max: 20, help: text.t("4 to 20 letters and digits. Empty: made up."), ..Input::default() }))
                    (form.input(&Input { name: "count", label: text.t("How many codes"), value: &of.typed.count, kind: "number", help: text.t("Empty: one"), ..Input::default() }))
                    (form.input(&Input { name: "uses", label: text.t("For how many tickets"), value: &of.typed.uses, kind: "number", help: text.t("Empty: no limit"), ..Input::default() }))
                }
                div class="pair" {
                    (form.select(&Input { name: "effect", label: text.t("Takes off"), value: &of.typed.effect, ..Input::default() }, &effects))
                    (form.input(&Input { name: "value", label: text.t("How much"), value: &of.typed.value, max: 12, ..Input::default() }))
                }
                (form.checkbox("unlocks", text.t("Opens ticket types that are offered with a code only"), of.typed.unlocks))
                (kind_boxes(shell, "kinds", of.kinds, &of.typed.kinds, "Only with these ticket types; none chosen: with all"))
                div class="pair" {
                    (form.input(&Input { name: "from", label: text.t("Good from"), value: &of.typed.from, kind: "datetime-local", ..Input::default() }))
                    (form.input(&Input { name: "to", label: text.t("Good until"), value: &of.typed.to, kind: "datetime-local", help: text.t("Both empty: until the event ends"), ..Input::default() }))
                }
                (form.input(&Input { name: "note", label: text.t("Note"), value: &of.typed.note, max: 100, help: text.t("For whom it was made."), ..Input::default() }))
                (submit(text.t("Make"), None))
            }
        }
    }
}

/// The waiting list of an event.
pub fn waiting(shell: &Shell, event: &Event, kinds: &[TicketType], rows: &[Waiter], full: bool) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Name")),
        Head::plain(text.t("Phone")),
        Head::plain(text.t("Ticket type")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Waits since")),
    ];
    let row = |waiter: &Waiter| {
        let tone = match waiter.state {
            WaitState::Waiting => Tone::Info,
            WaitState::Offered(_) | WaitState::Taken(_) => Tone::Good,
            WaitState::Lapsed | WaitState::Left => Tone::Plain,
        };
        Row {
            id: None,
            name: waiter.name.clone(),
            cells: vec![
                html! { (waiter.name) },
                html! { (phone(&waiter.phone, full)) },
                html! { (kind_names(kinds, &[waiter.kind], "")) },
                html! { (badge(tone, text.t(waiter.state.label()))) @if let WaitState::Offered(until) = waiter.state { " " (shell.format.short(until)) } },
                html! { (shell.format.short(waiter.created_at)) },
            ],
        }
    };
    let rows: Vec<Row> = rows.iter().map(row).collect();
    let content = html! {
        (part_links(shell, event, "waiting"))
        @if rows.is_empty() { (empty(text.t("Nobody waits"), text.t("Switch the waiting list on in the sale settings: people join it on the event's page when a ticket is sold out."), None)) }
        @else { (table(text, text.t("Waiting list"), &heads, &rows, false)) }
    };
    event_page(shell, event, Tab::Orders, &[], &content)
}

/// The association's ways to pay.
pub fn payment(shell: &Shell, settings: &[PaymentSetting], refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let help = |method: Method| match method {
        Method::Cash => "Where and when the secretariat takes cash.",
        Method::BankTransfer => "Account holder, bank and account number. Buyers read it with their order.",
        Method::Wechat => {
            "By QR code, or inside WeChat. Orders are complete as soon as WeChat says that they are paid. What you write here stands above the button."
        }
        Method::AtDoor => {
            "The places are kept without payment; the door says that they are unpaid, and the secretariat records the money there."
        }
    };
    let content = html! {
        (heading(text.t("Payment"), &html! {
            a class="button" href="/admin/pay/account" { (text.t("Account with WeChat Pay")) }
            a class="button" href="/admin/pay" { (text.t("Reconciliation")) }
        }))
        (form.summary())
        form method="post" action="/admin/payment" class="form panel" {
            @for setting in settings {
                @let code = setting.method.code();
                fieldset {
                    legend { (text.t(setting.method.label())) }
                    (form.checkbox(&format!("{code}-enabled"), text.t("Buyers can choose it"), setting.enabled))
                    (form.textarea(&Input { name: &format!("{code}-instructions"), label: text.t("What buyers must know"), value: &setting.instructions, max: 500, help: text.t(help(setting.method)), ..Input::default() }, 3))
                }
            }
            (submit(text.t("Save"), None))
        }
    };
    admin(shell, text.t("Payment"), &[(text.t("Settings"), "/admin/space".into())], &[], &content)
}

//! Ticket types of an event.

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        Confirm, badge, confirm,
        form::{Form, Input, submit},
        heading,
        icon::{Icon, icon},
        list::{Head, Row, table},
        post,
    },
    format::{count, money},
    layout::Tone,
};
use domain::{
    Event, Money, Refusal, TicketType,
    ticket_type::{Offer, TicketTypeInput},
};
use maud::{Markup, html};

/// A type with its figures.
pub struct Shown {
    /// The type.
    pub kind: TicketType,
    /// Places taken.
    pub taken: i64,
    /// People checked in.
    pub admitted: i64,
    /// Whether it can be taken.
    pub offer: Offer,
    /// What members pay, where it is something else.
    pub member: Option<Money>,
    /// Only members can take it.
    pub members_only: bool,
}

/// The list: types with places taken, people checked in and whether they can be taken.
pub fn list(shell: &Shell, event: &Event, rows: &[Shown], may_manage: bool) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/ticket_type", event.id);
    let new = html! { @if may_manage { a class="button primary" href={ (base) "/new" } { (icon(Icon::Plus)) (text.t("New ticket type")) } } };
    let heads = [
        Head::plain(text.t("Ticket type")),
        Head::number(text.t("Price")),
        Head::number(text.t("Taken")),
        Head::number(text.t("Quota")),
        Head::number(text.t("Checked in")),
        Head::plain(text.t("Sale")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Actions")),
    ];
    let rows: Vec<Row> = rows.iter().enumerate().map(|(at, Shown { kind, taken, admitted, offer, member, members_only })| Row {
        id: None,
        name: kind.name.clone(),
        cells: vec![
            html! { @if may_manage { a href={ (base) "/" (kind.id) } { (kind.name) } } @else { (kind.name) } },
            html! {
                @if kind.price.is_free() { (text.t("Free")) } @else { (money(kind.price)) }
                @if let Some(member) = member { br; span class="dim" { (text.t("Members")) " " @if member.is_free() { (text.t("Free")) } @else { (money(*member)) } } }
                @if *members_only { br; span class="dim" { (text.t("members only")) } }
            },
            html! { (count(*taken)) },
            html! { @match kind.quota { Some(quota) => (count(i64::from(quota))), None => (text.t("No limit")) } },
            html! { (count(*admitted)) },
            html! { @match &kind.sale { Some(sale) => (shell.format.window(sale)), None => (text.t("Until the event ends")) } },
            offer_badge(shell, *offer),
            html! { @if may_manage { div class="row" { @if at > 0 { (post(&format!("{base}/{}/raise", kind.id), "quiet", text.t("Up"), Icon::Up)) } (toggle(shell, &base, kind)) } } },
        ],
    }).collect();
    let content =
        html! { (heading(text.t("Ticket types"), &new)) (table(text, text.t("Ticket types"), &heads, &rows, false)) };
    event_page(shell, event, Tab::Tickets, &[], &content)
}

fn toggle(shell: &Shell, base: &str, kind: &TicketType) -> Markup {
    let text = shell.text();
    let (verb, label, symbol) =
        if kind.enabled { ("disable", "Disable", Icon::Cross) } else { ("enable", "Enable", Icon::Check) };
    post(&format!("{base}/{}/{verb}", kind.id), "quiet", text.t(label), symbol)
}

fn offer_badge(shell: &Shell, offer: Offer) -> Markup {
    let (tone, label) = match offer {
        Offer::Open => (Tone::Good, "On offer"),
        Offer::Disabled => (Tone::Plain, "Disabled"),
        Offer::NotYet => (Tone::Info, "Not on offer yet"),
        Offer::Over => (Tone::Plain, "No longer on offer"),
        Offer::SoldOut => (Tone::Warn, "Sold out"),
        Offer::NoPayment => (Tone::Warn, "Only from the secretariat"),
    };
    badge(tone, shell.text().t(label))
}

/// Lower prices for those who come early.
fn steps(shell: &Shell, form: &Form<'_>, input: &TicketTypeInput) -> Markup {
    let text = shell.text();
    html! {
        details open[input.steps.iter().any(|(price, until, first)| !price.is_empty() || !until.is_empty() || !first.is_empty())] {
            summary { (text.t("Lower prices for those who come early")) }
            @for (at, (price, until, first)) in (1..).zip(&input.steps) {
                div class="pair" {
                    (form.input(&Input { name: &format!("step-{at}-price"), label: text.t("Price in yuan"), value: price, ..Input::default() }))
                    (form.input(&Input { name: &format!("step-{at}-until"), label: text.t("Price holds until"), value: until, kind: "datetime-local", ..Input::default() }))
                    (form.input(&Input { name: &format!("step-{at}-first"), label: text.t("For the first so many tickets"), value: first, kind: "number", ..Input::default() }))
                }
            }
        }
    }
}

/// The form of one type.
pub fn form(
    shell: &Shell,
    event: &Event,
    kind: Option<&TicketType>,
    input: &TicketTypeInput,
    refusal: Option<&Refusal>,
) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/ticket_type", event.id);
    let action = kind.map_or(format!("{base}/new"), |kind| format!("{base}/{}", kind.id));
    let form = Form::new(text, refusal);
    let content = html! {
        (form.summary())
        form method="post" action=(action) class="form panel" {
            (form.input(&Input { name: "name", label: text.t("Ticket name"), value: &input.name, required: true, max: 40, ..Input::default() }))
            div class="pair" {
                (form.input(&Input { name: "price", label: text.t("Price in yuan"), value: &input.price, help: text.t("Empty or 0: free. Visitors can take tickets with a price once a way to pay is set up."), ..Input::default() }))
                (form.input(&Input { name: "quota", label: text.t("How many"), value: &input.quota, help: text.t("Empty: no limit"), ..Input::default() }))
            }
            div class="pair" {
                (form.input(&Input { name: "sale_from", label: text.t("On offer from"), value: &input.sale_from, kind: "datetime-local", ..Input::default() }))
                (form.input(&Input { name: "sale_to", label: text.t("On offer until"), value: &input.sale_to, kind: "datetime-local", help: text.t("Both empty: until the event ends"), ..Input::default() }))
            }
            (form.textarea(&Input { name: "note", label: text.t("Points to note"), value: &input.note, max: 500, help: text.t("Shown where the ticket is chosen."), ..Input::default() }, 3))
            (steps(shell, &form, input))
            fieldset {
                legend { (text.t("Members")) }
                (form.input(&Input { name: "member_price", label: text.t("Price for members in yuan"), value: &input.member_price, max: 12, help: text.t("Empty: what everybody pays. Who is a member is told by the phone number. A code and the price for members are not added up: the lower price counts."), ..Input::default() }))
                (form.checkbox("members_only", text.t("Only members can take this ticket"), input.members_only))
                p { a href="/admin/member" { (text.t("List of members")) } }
            }
            (form.checkbox("enabled", text.t("Visitors see this ticket"), input.enabled))
            (form.checkbox("review", text.t("The secretariat approves each registration"), input.review))
            (form.checkbox("locked", text.t("Only with a code that opens it"), input.locked))
            (form.checkbox("companion", text.t("For companions: only together with another ticket"), input.companion))
            (submit(text.t("Save"), Some((text.t("Cancel"), &base))))
        }
        @if let Some(kind) = kind {
            (confirm(&Confirm { label: text.t("Delete"), warning: &text.f("The ticket type “{name}” is deleted for good.", &[("name", &kind.name)]), action: &format!("{base}/{}/remove", kind.id), verb: text.t("Delete for good") }))
        }
    };
    event_page(shell, event, Tab::Tickets, &[], &content)
}

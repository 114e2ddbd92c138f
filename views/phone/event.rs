//! The list of events, an event's invitation, and the registration form (S0-80 … S0-82).

use crate::{
    Shell,
    component::{
        badge, empty,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        markdown,
    },
    format::money,
    layout::{Tone, phone, phone_headed},
};
use domain::{
    Event, Refusal, TicketType,
    event::{Cover, EventState},
    field::{Field, FieldKind},
    ticket_type::Offer,
};
use maud::{Markup, html};

/// An event's picture: a template drawn by us, or the uploaded one.
pub fn cover(of: &Cover, alt: &str) -> Markup {
    match of {
        Cover::Picture(id) => html! { img class="cover" src={ "/picture/" (id) } alt=(alt) loading="lazy"; },
        Cover::Template(number) => template(*number, alt),
    }
}

/// Six quiet patterns; colours from the association's own palette, the same in light and dark.
fn template(number: u8, alt: &str) -> Markup {
    let (ground, ink) = match number {
        0 => ("#9c3321", "#f2c9a0"),
        1 => ("#243b53", "#9cc2e0"),
        2 => ("#1f5136", "#bfe0b0"),
        3 => ("#5b3a72", "#e0c3ee"),
        4 => ("#7a5412", "#f6dfa4"),
        _ => ("#3b3b3b", "#e3ddd4"),
    };
    let shape = match number {
        0 => "M0 150c80 0 130-35 160-90 30 55 80 90 160 90M40 150v40M280 150v40M130 190v-30h60v30",
        1 => "M0 140q40-40 80 0t80 0 80 0 80 0M0 165q40-40 80 0t80 0 80 0 80 0M0 115q40-40 80 0t80 0 80 0 80 0",
        2 => "M160 30v130M160 80c-30-40-70-40-90-30 10 30 50 50 90 30M160 110c30-40 70-40 90-30-10 30-50 50-90 30",
        3 => {
            "M160 90m-60 0a60 60 0 1 0 120 0a60 60 0 1 0-120 0M160 90m-35 0a35 35 0 1 0 70 0a35 35 0 1 0-70 0M160 90m-12 0a12 12 0 1 0 24 0a12 12 0 1 0-24 0"
        }
        4 => "M40 150h240M60 150V90h40v60M120 150V50h80v100M220 150V90h40v60M110 50h100L160 20z",
        _ => "M30 150L110 60l50 55 40-45 90 80M230 55m-16 0a16 16 0 1 0 32 0a16 16 0 1 0-32 0",
    };
    html! {
        svg class="cover" viewBox="0 0 320 180" role=[(!alt.is_empty()).then_some("img")] aria-label=[(!alt.is_empty()).then_some(alt)] aria-hidden=[alt.is_empty().then_some("true")] preserveAspectRatio="xMidYMid slice" {
            rect width="320" height="180" fill=(ground) {}
            path d=(shape) fill="none" stroke=(ink) stroke-width="4" stroke-linecap="round" stroke-linejoin="round" opacity="0.85" {}
        }
    }
}

/// The home page: what comes next.
pub fn list(shell: &Shell, events: &[Event]) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (text.t("Events")) }
        @if events.is_empty() { (empty(text.t("No events at the moment"), text.t("Come back later: new events appear here."), None)) }
        @for event in events {
            a class="event-card" href={ "/event/" (event.id) } {
                (cover(&event.cover, ""))
                div class="text" {
                    h2 { (event.name) }
                    p class="dim" { (icon(Icon::Clock)) " " (shell.format.window(&event.time)) }
                    @let venue = event.venue.line();
                    @if !venue.is_empty() { p class="dim" { (icon(Icon::Place)) " " (venue) } }
                }
            }
        }
    };
    phone(shell, text.t("Events"), &[], &content)
}

/// A ticket type as visitors see it.
pub struct Choice {
    /// The type.
    pub kind: TicketType,
    /// Whether it can be taken now.
    pub offer: Offer,
    /// How many are left; none when there is no limit.
    pub left: Option<i64>,
}

fn offer_label(offer: Offer) -> Option<&'static str> {
    match offer {
        Offer::Open => None,
        Offer::Disabled | Offer::Over => Some("No longer on offer"),
        Offer::NotYet => Some("Not on offer yet"),
        Offer::SoldOut => Some("Sold out"),
        Offer::NoPayment => Some("Ask the secretariat"),
    }
}

/// What a link to the invitation shows where it is shared: title, description, addresses of the page and of a picture.
pub fn share_card(title: &str, description: &str, url: &str, picture: &str) -> Markup {
    html! {
        meta property="og:type" content="website";
        meta property="og:title" content=(title);
        @if !description.is_empty() { meta property="og:description" content=(description); meta name="description" content=(description); }
        meta property="og:url" content=(url);
        meta property="og:image" content=(picture);
    }
}

/// The invitation; `head` says what a shared link shows, `beside` stands below the facts: maps, calendar, poster.
pub fn show(shell: &Shell, event: &Event, choices: &[Choice], head: &Markup, beside: &Markup) -> Markup {
    let text = shell.text();
    let open = event.state == EventState::Published && choices.iter().any(|choice| choice.offer == Offer::Open);
    let content = html! {
        @if let Some(main) = &event.main { (cover(main, &event.name)) }
        @else { (cover(&event.cover, &event.name)) }
        h1 { (event.name) }
        @if event.state == EventState::Withdrawn { (crate::component::notice(Tone::Warn, text.t("This event does not take place."))) }
        dl class="facts" {
            dt { (text.t("Time")) } dd { (shell.format.window(&event.time)) }
            @let venue = event.venue.line();
            @if !venue.is_empty() { dt { (text.t("Place")) } dd { (venue) } }
            @if let Some(window) = &event.checkin { dt { (text.t("Check-in")) } dd { (shell.format.window(window)) } }
        }
        (beside)
        @if !event.intro.is_empty() { (markdown(&event.intro)) }
        @if !choices.is_empty() {
            h2 { (text.t("Tickets")) }
            @for choice in choices {
                div class="choice" {
                    (icon(Icon::Ticket))
                    span { strong { (choice.kind.name) } @if !choice.kind.note.is_empty() { br; span class="dim" { (choice.kind.note) } } }
                    (price(shell, choice))
                }
            }
        }
        @if open { div class="bottom" { a class="button primary wide" href={ "/event/" (event.id) "/register" } { (text.t("Register now")) } } }
        @else if event.state == EventState::Published { (crate::component::notice(Tone::Info, text.t("No ticket can be taken at the moment."))) }
    };
    phone_headed(shell, &event.name, &[], head, &content)
}

fn price(shell: &Shell, choice: &Choice) -> Markup {
    let text = shell.text();
    html! {
        span class="num" {
            @if choice.kind.price.is_free() { (text.t("Free")) } @else { (money(choice.kind.price)) }
            br;
            @match (offer_label(choice.offer), choice.left) {
                (Some(label), _) => (badge(Tone::Plain, text.t(label))),
                (None, Some(left)) => span class="dim" { (text.f("{count} left", &[("count", &left)])) },
                (None, None) => "",
            }
        }
    }
}

/// The input of one question.
pub fn question(form: &Form<'_>, field: &Field, value: &str, required: bool) -> Markup {
    let name = field.input_name();
    let input = Input { name: &name, label: &field.label, value, help: &field.help, required, ..Input::default() };
    match field.kind {
        FieldKind::Choice => {
            let mut choices = vec![(String::new(), form.text.t("Please choose").to_owned())];
            choices.extend(field.choices.iter().map(|choice| (choice.clone(), choice.clone())));
            form.select(&input, &choices)
        }
        FieldKind::Date => form.input(&Input { kind: "date", ..input }),
        FieldKind::Phone => form.input(&Input { kind: "tel", max: 30, ..input }),
        FieldKind::Text | FieldKind::Number | FieldKind::IdCard => form.input(&Input { max: 200, ..input }),
    }
}

/// What the registration form shows again when it comes back.
#[derive(Default)]
pub struct Typed {
    /// Chosen type.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Phone.
    pub phone: String,
    /// Company.
    pub company: String,
    /// Answers by question number.
    pub answers: Vec<(u16, String)>,
    /// What makes sending the form twice harmless.
    pub once: String,
}

/// The registration form.
pub fn register(shell: &Shell, event: &Event, choices: &[Choice], typed: &Typed, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let only = choices.iter().filter(|choice| choice.offer == Offer::Open).count() == 1;
    let content = html! {
        h1 { (text.t("Register")) }
        p class="dim" { (event.name) }
        (form.summary())
        form method="post" action={ "/event/" (event.id) "/register" } class="form" {
            input type="hidden" name="once" value=(typed.once);
            fieldset {
                legend { (text.t("Ticket")) }
                @for choice in choices {
                    label class="choice" {
                        @let id = choice.kind.id.to_string();
                        @let open = choice.offer == Offer::Open;
                        input type="radio" name="kind" value=(id) required disabled[!open] checked[open && (only || typed.kind == id)];
                        span { strong { (choice.kind.name) } @if !choice.kind.note.is_empty() { br; span class="dim" { (choice.kind.note) } } }
                        (price(shell, choice))
                    }
                }
            }
            (form.input(&Input { name: "name", label: text.t("Name"), value: &typed.name, required: true, max: 60, autocomplete: "name", ..Input::default() }))
            (form.input(&Input { name: "phone", label: text.t("Phone"), value: &typed.phone, required: true, kind: "tel", max: 30, autocomplete: "tel", ..Input::default() }))
            (form.input(&Input { name: "company", label: text.t("Company"), value: &typed.company, max: 100, autocomplete: "organization", ..Input::default() }))
            @for field in &event.fields {
                @let value = typed.answers.iter().find(|(id, _)| *id == field.id).map_or("", |(_, value)| value.as_str());
                (question(&form, field, value, field.required))
            }
            (submit(text.t("Confirm registration"), Some((text.t("Back"), &format!("/event/{}", event.id)))))
        }
    };
    phone(shell, text.t("Register"), &[], &content)
}

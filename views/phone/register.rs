//! The registration form (S0-81, S0-82): tickets, one or several people, add-ons, a code, a gift, how to pay.

use crate::{
    Shell,
    component::{
        badge,
        form::{Form, Input, submit},
        notice,
    },
    format::money,
    layout::{Tone, phone},
};
use domain::{
    AddOn, Event, Money, PaymentSetting, Refusal, Sale, TicketType,
    field::{Field, FieldKind},
    order::{Item, Line},
    privacy::consent::PrivacyNotice,
    ticket_type::Offer,
};
use maud::{Markup, html};

/// A ticket type as visitors see it.
pub struct Choice {
    /// The type.
    pub kind: TicketType,
    /// Whether it can be taken now.
    pub offer: Offer,
    /// How many are left; none when there is no limit, or when it is not told.
    pub left: Option<i64>,
    /// What it costs now.
    pub price: Money,
    /// What members pay, where it is something else.
    pub member: Option<Money>,
    /// Only members can take it.
    pub members_only: bool,
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

/// Price and what is left of a type.
pub fn price(shell: &Shell, choice: &Choice) -> Markup {
    let text = shell.text();
    let early = choice.price != choice.kind.price;
    html! {
        span class="num" {
            @if early && !choice.kind.price.is_free() { s class="dim" { span class="visually-hidden" { (text.t("Usual price:")) } (money(choice.kind.price)) } " " }
            @if choice.price.is_free() { (text.t("Free")) } @else { (money(choice.price)) }
            @if let Some(member) = choice.member.filter(|member| member.fen < choice.price.fen) {
                br; (text.t("Members")) " " strong { @if member.is_free() { (text.t("Free")) } @else { (money(member)) } }
            }
            br;
            @match (offer_label(choice.offer), choice.left) {
                (Some(label), _) => (badge(Tone::Plain, text.t(label))),
                (None, Some(left)) => span class="dim" { (text.f("{count} left", &[("count", &left)])) },
                (None, None) => "",
            }
            @if choice.members_only { br; span class="dim" { (text.t("members only")) } }
            @if choice.kind.review { br; span class="dim" { (text.t("with review")) } }
        }
    }
}

/// How a question stands in a form.
#[derive(Clone, Copy, Default)]
pub struct Ask<'a> {
    /// Tells people of one order apart.
    pub prefix: &'a str,
    /// It must be answered.
    pub required: bool,
    /// How many can still have a limited choice.
    pub left: Option<&'a Left>,
    /// Name of the file that was uploaded already.
    pub uploaded: Option<&'a str>,
}

/// How many can still have a limited choice, by question and choice.
pub type Left = std::collections::BTreeMap<(u16, String), i64>;

/// The input of one question. A question that waits for others is hidden by the page's module until they are answered so.
pub fn question(form: &Form<'_>, field: &Field, value: &str, ask: Ask<'_>) -> Markup {
    let name = format!("{}{}", ask.prefix, field.input_name());
    // Without the module a question that waits cannot demand an answer in the browser; the box does.
    let required = ask.required && field.shown.is_none();
    let input = Input { name: &name, label: &field.label, value, help: &field.help, required, ..Input::default() };
    let control = match field.kind {
        FieldKind::Choice => {
            let mut choices = vec![(String::new(), form.text.t("Please choose").to_owned())];
            let left = |choice: &String| {
                left(form, ask, field, choice).map_or(choice.clone(), |left| format!("{choice}（{left}）"))
            };
            choices.extend(field.choices.iter().map(|choice| (choice.clone(), left(choice))));
            form.select(&input, &choices)
        }
        FieldKind::Region => region(form, &input),
        FieldKind::Many => many(form, field, &name, value, ask),
        FieldKind::Consent => consent(form, field, &name, value),
        FieldKind::File => upload(form, &input, field, ask),
        FieldKind::LongText => form.textarea(&Input { max: domain::field::LONG_MAX, ..input }, 4),
        FieldKind::Date => form.input(&Input { kind: "date", ..input }),
        FieldKind::Phone => form.input(&Input { kind: "tel", max: 30, ..input }),
        FieldKind::Email => form.input(&Input { kind: "email", max: 200, ..input }),
        FieldKind::Text | FieldKind::Number | FieldKind::IdCard => form.input(&Input { max: 200, ..input }),
    };
    let Some(shown) = &field.shown else { return control };
    let waits = format!("{}answer-{}", ask.prefix, shown.field);
    html! { div class="waits" data-waits=(waits) data-answers=(shown.answers.join("\n")) { (control) } }
}

fn left(form: &Form<'_>, ask: Ask<'_>, field: &Field, choice: &str) -> Option<String> {
    let left = ask.left?.get(&(field.id, choice.to_owned()))?;
    Some(if *left > 0 { form.text.f("{count} left", &[("count", left)]) } else { form.text.t("none left").to_owned() })
}

/// Cities below their provinces; the page's module makes two linked choices of it.
fn region(form: &Form<'_>, input: &Input<'_>) -> Markup {
    let chosen = domain::region::read(input.value).map(|region| region.code);
    let control = |described: Option<String>, wrong: bool| {
        html! {
            select id={ "f-" (input.name) } name=(input.name) required[input.required] aria-describedby=[described] aria-invalid=[wrong.then_some("true")] data-region=(form.text.t("Province")) data-city=(form.text.t("City")) {
                option value="" { (form.text.t("Please choose")) }
                @for (province, cities) in domain::region::regions() {
                    optgroup label=(province.province) {
                        option value=(province.code) selected[chosen == Some(province.code)] { (province.province) }
                        @for city in cities.filter(|city| city.code != province.code) {
                            option value=(city.code) selected[chosen == Some(city.code)] { (city.city) }
                        }
                    }
                }
            }
        }
    };
    form.wrap(input.name, input.label, input.help, input.required, control)
}

fn many(form: &Form<'_>, field: &Field, name: &str, value: &str, ask: Ask<'_>) -> Markup {
    let chosen: Vec<&str> = value.split(['\n', '、']).collect();
    html! {
        fieldset id={ "f-" (name) } {
            legend { (field.label) @if ask.required { span class="required" aria-hidden="true" { "*" } } }
            @if !field.help.is_empty() { p class="help" { (field.help) } }
            @for choice in &field.choices {
                label class="choice" {
                    input type="checkbox" name=(name) value=(choice) checked[chosen.contains(&choice.as_str())];
                    span { (choice) }
                    span class="dim" { @if let Some(left) = left(form, ask, field, choice) { (left) } }
                }
            }
            (form.error(name))
        }
    }
}

fn consent(form: &Form<'_>, field: &Field, name: &str, value: &str) -> Markup {
    html! {
        div class="field tick" {
            label { input id={ "f-" (name) } type="checkbox" name=(name) value="1" checked[!value.is_empty()]; span { (field.label) @if field.required { span class="required" aria-hidden="true" { "*" } } } }
            @if !field.help.is_empty() { p class="help" { (field.help) } }
            (form.error(name))
        }
    }
}

fn upload(form: &Form<'_>, input: &Input<'_>, field: &Field, ask: Ask<'_>) -> Markup {
    let text = form.text;
    let size = domain::field::FILE_MAX >> 20;
    let help = format!(
        "{} {}",
        field.help,
        text.f("PDF, JPEG, PNG, Word, Excel or PowerPoint, at most {size} MB.", &[("size", &size)])
    );
    html! {
        (form.file(input.name, input.label, help.trim(), ".pdf,.jpg,.jpeg,.png,.docx,.xlsx,.pptx"))
        @if let Some(name) = ask.uploaded {
            input type="hidden" name={ (input.name) "-kept" } value=(input.value);
            p class="dim" { (text.f("Uploaded: {name}", &[("name", &name)])) }
        }
    }
}

/// What was typed for one person.
#[derive(Default, Clone)]
pub struct Person {
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
    /// Numbers of the chosen add-ons.
    pub addons: Vec<u64>,
    /// Names of files that were uploaded already, by question number.
    pub uploads: Vec<(u16, String)>,
}

/// What the registration form shows again when it comes back.
#[derive(Default)]
pub struct Typed {
    /// The people, the buyer first.
    pub people: Vec<Person>,
    /// A code.
    pub code: String,
    /// A gift.
    pub donation: String,
    /// How to pay.
    pub method: String,
    /// What makes sending the form twice harmless.
    pub once: String,
    /// Link of the waiter whose held place is taken.
    pub waiter: String,
    /// The version of the privacy notice that was agreed to.
    pub agreed: String,
}

/// Everything the form is drawn from.
pub struct Register<'a> {
    /// The event.
    pub event: &'a Event,
    /// Its ticket types.
    pub choices: &'a [Choice],
    /// Add-ons that visitors see.
    pub addons: &'a [AddOn],
    /// How the event takes orders.
    pub sale: &'a Sale,
    /// The event has codes.
    pub codes: bool,
    /// Ways to pay.
    pub methods: &'a [PaymentSetting],
    /// How many can still have a limited choice.
    pub left: &'a Left,
    /// The privacy notice to agree to.
    pub privacy: Option<&'a PrivacyNotice>,
    /// What was typed.
    pub typed: &'a Typed,
    /// What it would cost, when it was asked for.
    pub lines: Option<&'a [Line]>,
}

impl Register<'_> {
    fn costs(&self) -> bool {
        let priced = |choice: &Choice| choice.offer == Offer::Open && !choice.price.is_free();
        self.sale.donation || self.choices.iter().any(priced) || self.addons.iter().any(|addon| !addon.price.is_free())
    }
}

/// The registration form.
pub fn register(shell: &Shell, of: &Register<'_>, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let many = of.typed.people.len() > 1;
    let content = html! {
        h1 { (text.t("Register")) }
        p class="dim" { (of.event.name) }
        @if !of.typed.waiter.is_empty() && refusal.is_none() { (notice(Tone::Good, text.t("A place is held for you. Fill in the form to take it."))) }
        (form.summary())
        @let files = of.event.fields.iter().any(|field| field.kind == FieldKind::File);
        form method="post" action={ "/event/" (of.event.id) "/register" } class="form" enctype=[files.then_some("multipart/form-data")] {
            input type="hidden" name="once" value=(of.typed.once);
            input type="hidden" name="waiter" value=(of.typed.waiter);
            input type="hidden" name="people" value=(of.typed.people.len());
            // The button that Enter presses is the first one: it must be the one that registers.
            button class="visually-hidden" tabindex="-1" aria-hidden="true" { (text.t("Confirm registration")) }
            @for (at, person) in of.typed.people.iter().enumerate() { (one(shell, &form, of, at, person, many)) }
            @if of.typed.people.len() < usize::from(of.sale.most) {
                button name="act" value="more" formnovalidate { (text.t("Add another person")) }
            }
            (money_part(shell, &form, of))
            @if let Some(notice) = of.privacy { (agree(&form, notice, &of.typed.agreed)) }
            (submit(text.t("Confirm registration"), Some((text.t("Back"), &format!("/event/{}", of.event.id)))))
        }
    };
    phone(shell, text.t("Register"), &["form.js", "area.js"], &content)
}

/// The privacy notice with the box to tick.
fn agree(form: &Form<'_>, notice: &PrivacyNotice, agreed: &str) -> Markup {
    let (text, version) = (form.text, notice.version.to_string());
    html! {
        details class="panel" {
            summary { (text.t("Privacy notice")) }
            div class="long" { @for line in notice.text.lines() { p { (line) } } }
        }
        div class="field tick" {
            label { input id="f-privacy_notice" type="checkbox" name="privacy_notice" value=(version) required checked[agreed == version]; span { (text.t("I have read the privacy notice and agree to it")) span class="required" aria-hidden="true" { "*" } } }
            (form.error("privacy_notice"))
        }
    }
}

fn one(shell: &Shell, form: &Form<'_>, of: &Register<'_>, at: usize, person: &Person, many: bool) -> Markup {
    let text = shell.text();
    let prefix = if at == 0 { String::new() } else { format!("more-{at}-") };
    let named = |field: &str| format!("{prefix}{field}");
    let only = of.choices.iter().filter(|choice| choice.offer == Offer::Open).count() == 1;
    let body = html! {
        fieldset {
            legend { (text.t("Ticket")) }
            @for choice in of.choices {
                label class="choice" {
                    @let id = choice.kind.id.to_string();
                    @let open = choice.offer == Offer::Open || !of.typed.waiter.is_empty() && person.kind == id;
                    input type="radio" name=(named("kind")) value=(id) required disabled[!open] checked[open && (only || person.kind == id)];
                    span { strong { (choice.kind.name) } @if !choice.kind.note.is_empty() { br; span class="dim" { (choice.kind.note) } } }
                    (price(shell, choice))
                }
            }
        }
        (form.input(&Input { name: &named("name"), label: text.t("Name"), value: &person.name, required: true, max: 60, autocomplete: if at == 0 { "name" } else { "off" }, ..Input::default() }))
        (form.input(&Input { name: &named("phone"), label: text.t("Phone"), value: &person.phone, required: at == 0, kind: "tel", max: 30, autocomplete: if at == 0 { "tel" } else { "off" }, ..Input::default() }))
        (form.input(&Input { name: &named("company"), label: text.t("Company"), value: &person.company, max: 100, autocomplete: if at == 0 { "organization" } else { "off" }, ..Input::default() }))
        @for field in &of.event.fields {
            @let value = person.answers.iter().find(|(id, _)| *id == field.id).map_or("", |(_, value)| value.as_str());
            @let uploaded = person.uploads.iter().find(|(id, _)| *id == field.id).map(|(_, name)| name.as_str());
            (question(form, field, value, Ask { prefix: &prefix, required: field.required, left: Some(of.left), uploaded }))
        }
        @if !of.addons.is_empty() {
            fieldset {
                legend { (text.t("Add-ons")) }
                @for addon in of.addons {
                    label class="choice" {
                        input type="checkbox" name=(named("addon")) value=(addon.id) checked[person.addons.contains(&addon.id.0)];
                        span { strong { (addon.name) } @if !addon.note.is_empty() { br; span class="dim" { (addon.note) } } }
                        span class="num" { @if addon.price.is_free() { (text.t("Free")) } @else { (money(addon.price)) } }
                    }
                }
            }
        }
    };
    if !many {
        return body;
    }
    html! {
        section class="panel" aria-label=(text.f("Person {number}", &[("number", &(at + 1))])) {
            div class="heading" {
                h2 { (text.f("Person {number}", &[("number", &(at + 1))])) }
                @if at > 0 { button name="act" value={ "drop-" (at) } class="quiet" formnovalidate { (text.t("Remove")) } }
            }
            (body)
        }
    }
}

fn money_part(shell: &Shell, form: &Form<'_>, of: &Register<'_>) -> Markup {
    let text = shell.text();
    html! {
        @if of.codes {
            div class="pair" {
                (form.input(&Input { name: "code", label: text.t("Code"), value: &of.typed.code, max: 40, help: text.t("Invitation or discount, when you have one."), ..Input::default() }))
                div class="field" { button name="act" value="show" formnovalidate { (text.t("Apply")) } }
            }
        } @else { input type="hidden" name="code" value=(of.typed.code); }
        @if of.sale.donation {
            (form.input(&Input { name: "donation", label: text.t("Donation in yuan"), value: &of.typed.donation, max: 12, help: text.t("A gift to the association, if you like."), ..Input::default() }))
        }
        @if let Some(lines) = of.lines { (bill(shell, lines)) }
        @if of.costs() && !of.methods.is_empty() {
            fieldset id="f-method" {
                legend { (text.t("Way to pay")) }
                @for method in of.methods {
                    label class="choice" {
                        @let code = method.method.code();
                        input type="radio" name="method" value=(code) checked[of.methods.len() == 1 || of.typed.method == code];
                        span { strong { (text.t(method.method.label())) } }
                    }
                }
            }
        }
        @if of.costs() && of.lines.is_none() { button name="act" value="show" formnovalidate { (text.t("Show the price")) } }
    }
}

/// The lines of an order with their sum.
pub fn bill(shell: &Shell, lines: &[Line]) -> Markup {
    let text = shell.text();
    let total: i64 = lines.iter().filter(|line| !line.returned).map(Line::due).sum();
    html! {
        dl class="facts bill" {
            @for line in lines {
                @let name = if matches!(line.item, Item::Donation) { text.t("Donation") } else { &line.name };
                dt { @if line.returned { s { (name) } } @else { (name) } @if line.is_for_member() { " " span class="dim" { (text.t("member price")) } } }
                dd class="num" {
                    @if line.off.fen > 0 { s class="dim" { (money(line.price)) } " " }
                    @if line.returned { s { (money(Money::cny(line.due()))) } } @else { (money(Money::cny(line.due()))) }
                }
            }
            dt { strong { (text.t("Together")) } }
            dd class="num" { strong { (money(Money::cny(total))) } }
        }
    }
}

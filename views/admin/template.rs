//! Templates of messages: all of them at a glance, and those of one occasion with what they will look like (S0-94, S0-95).

use crate::{
    Shell,
    component::{
        badge,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, table},
        trail,
    },
    layout::{Tone, admin},
    text::Lang,
};
use domain::{
    MessageDefaults, MessageTemplate, Refusal,
    message::{
        VALUES, WECHAT_TEMPLATES_MAX,
        template::{LANGS, MAIL_MAX, SUBJECT_MAX, TEXT_MAX, WORDS, count_ids, field, price_text},
    },
    outbox::OutKind,
};
use maud::{Markup, html};

/// All templates.
pub struct Index<'a> {
    /// Occasions with the ways that have a template there: code, label, ways.
    pub occasions: &'a [(&'static str, &'static str, Vec<&'static str>)],
    /// What is kept.
    pub kept: &'a [MessageTemplate],
    /// Language and price.
    pub defaults: &'a MessageDefaults,
    /// What was wrong with those, and what was typed: language, price.
    pub back: (Option<&'a Refusal>, [&'a str; 2]),
}

/// The name of what has a template.
fn label(way: &str) -> &str {
    if way == WORDS { "Words of pages and messages" } else { OutKind::label(way) }
}

fn language(tag: &str) -> &'static str {
    Lang::parse(tag).unwrap_or_default().name()
}

/// The page of all templates.
pub fn index(shell: &Shell, of: &Index<'_>) -> Markup {
    let text = shell.text();
    let mut heads = vec![Head::plain(text.t("Occasion"))];
    let ways: Vec<&str> = domain::message::template::TEMPLATED.to_vec();
    heads.extend(ways.iter().map(|way| Head::plain(text.t(label(way)))));
    let rows: Vec<Row> = of
        .occasions
        .iter()
        .map(|(code, name, open)| {
            let mut cells = vec![html! { a href={ "/admin/message/template/" (code) } { (text.t(name)) } }];
            cells.extend(ways.iter().map(|way| cell(shell, of, (code, way), open.contains(way))));
            Row { id: None, name: text.t(name).to_owned(), cells }
        })
        .collect();
    let content = html! {
        div class="heading" { h1 { (text.t("Message templates")) } div class="actions" { a class="button" href="/admin/message" { (text.t("Message settings")) } } }
        p class="dim" { (text.t("What is said on each occasion, by each way and in each language. Where nothing is entered, the hall's own words are used; text messages and WeChat send nothing without an approved template.")) }
        (defaults(shell, of))
        p class="dim" {
            (text.f("WeChat lets {max} templates be enabled at once for each mini-program or service account. The same id for several occasions counts once.", &[("max", &WECHAT_TEMPLATES_MAX)]))
            @for way in ["wechat.subscribe", "wechat.template"] { " · " (text.t(label(way))) " " span class="num" { (count_ids(of.kept, way)) " / " (WECHAT_TEMPLATES_MAX) } }
        }
        (table(text, text.t("Message templates"), &heads, &rows, false))
    };
    admin(shell, text.t("Message templates"), &[(text.t("Message settings"), "/admin/message".into())], &[], &content)
}

fn cell(shell: &Shell, of: &Index<'_>, (code, way): (&str, &str), open: bool) -> Markup {
    let text = shell.text();
    if !open {
        return html! { span class="dim" { "—" } };
    }
    let kept: Vec<&MessageTemplate> =
        of.kept.iter().filter(|template| template.occasion == code && template.way == way).collect();
    html! {
        div {
        @if kept.is_empty() {
            span class="dim" { @if MessageTemplate::needs_id(way) { (text.t("None")) } @else { (text.t("The hall's own words")) } }
        }
        @for template in kept { div { (badge(Tone::Good, language(&template.lang))) @if !template.id.is_empty() { " " code { (template.id) } } } }
        }
    }
}

fn defaults(shell: &Shell, of: &Index<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.back.0);
    let typed = of.back.0.is_some();
    let price = price_text(of.defaults.sms_price);
    let [lang, typed_price] = of.back.1;
    let choices: Vec<(String, String)> =
        LANGS.iter().map(|tag| ((*tag).to_owned(), language(tag).to_owned())).collect();
    html! {
        section class="panel" {
            (form.summary())
            form method="post" action="/admin/message/template" class="filter" {
                (form.select(&Input { name: "lang", label: text.t("Language where a reader's is not known"), value: if typed { lang } else { &of.defaults.lang }, ..Input::default() }, &choices))
                (form.input(&Input { name: "sms_price", label: text.t("Price of a text message in yuan"), value: if typed { typed_price } else { &price }, max: 8, help: text.t("As your contract has it; for estimates alone."), ..Input::default() }))
                button class="primary" { (text.t("Save")) }
            }
        }
    }
}

/// What a template looks like.
pub struct Preview {
    /// The way.
    pub way: String,
    /// Language tag.
    pub lang: String,
    /// Subject.
    pub subject: String,
    /// Words.
    pub text: String,
    /// Keyword, value, what is wrong.
    pub fields: Vec<(String, String, Option<&'static str>)>,
    /// Characters, and parts.
    pub length: Option<(usize, usize)>,
    /// What is wrong with it.
    pub wrong: Option<&'static str>,
}

/// The templates of one occasion.
pub struct Page<'a> {
    /// Code and English label of the occasion.
    pub occasion: (&'a str, &'a str),
    /// The ways that have a template.
    pub ways: &'a [&'static str],
    /// What is kept, or typed.
    pub shown: &'a [MessageTemplate],
    /// Values as typed, by field; empty: as kept.
    pub values: &'a dyn Fn(&str) -> Option<String>,
    /// What it looks like, when asked for.
    pub previews: &'a [Preview],
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

fn pairs(values: &[(String, String)]) -> String {
    values.iter().map(|(theirs, ours)| format!("{theirs}={ours}")).collect::<Vec<_>>().join(", ")
}

/// The page of an occasion.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let (code, name) = of.occasion;
    let form = Form::new(text, of.refusal);
    let content = html! {
        h1 { (text.t(name)) }
        p class="dim" { (text.f("Values in braces are filled in: {values}.", &[("values", &VALUES.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(" "))])) }
        (form.summary())
        form method="post" action={ "/admin/message/template/" (code) } class="form" {
            @for way in of.ways {
                section class="panel" {
                    h2 { (text.t(label(way))) }
                    @if MessageTemplate::needs_id(way) { p class="help" { (help(shell, way)) } }
                    @for lang in LANGS { (one(shell, of, &form, way, lang)) }
                }
            }
            div class="submit" {
                button class="primary" name="act" value="save" { (text.t("Save")) }
                button name="act" value="preview" { (icon(Icon::Search)) (text.t("Preview")) }
                a class="button" href="/admin/message/template" { (text.t("Back")) }
            }
        }
    };
    let trail = [
        (text.t("Message settings"), "/admin/message".to_owned()),
        (text.t("Message templates"), "/admin/message/template".to_owned()),
    ];
    admin(shell, text.t(name), &trail, &[], &content)
}

fn help(shell: &Shell, way: &str) -> String {
    let text = shell.text();
    let values = VALUES.join(", ");
    if way == "sms" {
        text.f("Id of the approved template, and what fills it in its order, such as “1=name, 2=event”. Known values: {values}.", &[("values", &values)])
    } else {
        text.f("Id of the template, and what fills its keywords, such as “thing1=event, time2=time”. Known values: {values}.", &[("values", &values)])
    }
}

fn one(shell: &Shell, of: &Page<'_>, form: &Form<'_>, way: &str, lang: &str) -> Markup {
    let text = shell.text();
    let none = MessageTemplate::default();
    let kept = of.shown.iter().find(|template| template.way == way && template.lang == lang).unwrap_or(&none);
    let [id, values, subject, words] = ["id", "values", "subject", "text"].map(|part| field(way, lang, part));
    let typed = (of.values)(&values).unwrap_or_else(|| pairs(&kept.values));
    let named = |label: &str| format!("{} · {}", text.t(label), language(lang));
    let preview = of.previews.iter().find(|preview| preview.way == way && preview.lang == lang);
    html! {
        @if MessageTemplate::needs_id(way) {
            div class="pair" {
                (form.input(&Input { name: &id, label: &named("Template id"), value: &kept.id, max: 64, ..Input::default() }))
                (form.input(&Input { name: &values, label: &named("Values"), value: &typed, ..Input::default() }))
            }
            @if way == "sms" { (form.textarea(&Input { name: &words, label: &named("Approved text"), value: &kept.text, help: text.t("As the provider approved it, with its own braces; only the preview and estimates use it."), max: TEXT_MAX, ..Input::default() }, 2)) }
        } @else {
            @if way == "mail" { (form.input(&Input { name: &subject, label: &named("Subject"), value: &kept.subject, max: SUBJECT_MAX, ..Input::default() })) }
            (form.textarea(&Input { name: &words, label: &named("Words"), value: &kept.text, help: text.t("Empty: the hall's own words."), max: if way == "mail" { MAIL_MAX } else { TEXT_MAX }, ..Input::default() }, 3))
        }
        @if let Some(preview) = preview { (looks(shell, preview)) }
    }
}

fn looks(shell: &Shell, of: &Preview) -> Markup {
    let text = shell.text();
    html! {
        div class="notice tone-info" role="status" {
            (icon(Icon::Info))
            div {
                p { strong { (text.t("Preview:")) " " (language(&of.lang)) } }
                @if !of.subject.is_empty() { p { strong { (of.subject) } } }
                @if !of.text.is_empty() { p class="lines" { (of.text) } }
                @if !of.fields.is_empty() {
                    ul { @for (theirs, value, wrong) in &of.fields { li { code { (theirs) } ": " (value) @if let Some(wrong) = wrong { " " (badge(Tone::Bad, text.t(wrong))) } } } }
                }
                @if let Some((length, parts)) = of.length { p class="dim" { (text.f("{length} characters, charged as {parts}", &[("length", &length), ("parts", &parts)])) } }
                @if let Some(wrong) = of.wrong { p { (badge(Tone::Bad, text.t(wrong))) } }
            }
        }
    }
}

/// Every message to one person.
pub struct Log<'a> {
    /// Name.
    pub name: &'a str,
    /// Phone as the asker may see it.
    pub phone: &'a str,
    /// Rows.
    pub rows: &'a [trail::Trail],
    /// Where older ones are.
    pub older: Option<String>,
    /// Where the reader came from.
    pub back: Option<(&'a str, String)>,
}

/// The page of every message to one person.
pub fn log(shell: &Shell, of: &Log<'_>) -> Markup {
    let text = shell.text();
    let title = text.f("Messages to {name}", &[("name", &of.name)]);
    let content = html! {
        div class="heading" {
            h1 { (title) }
            div class="actions" { @if let Some((label, href)) = &of.back { a class="button" href=(href) { (label) } } }
        }
        p class="dim" { @if !of.phone.is_empty() { (of.phone) " · " } (text.t("Every message over all ways, the newest first: what came of it, which way was taken, and why others were not.")) }
        @if of.rows.is_empty() { (crate::component::empty(text.t("No messages yet"), text.t("They appear here as soon as something is said to this person."), None)) }
        @else { (trail::rows(shell, of.rows)) }
        @if let Some(older) = &of.older { a class="button" rel="next" href=(older) { (text.t("Older")) } }
    };
    admin(shell, &title, &[], &[], &content)
}

//! How messages go out: the general settings with own words and templates, text messages, mail, and the log of text messages.

use crate::{
    Shell,
    component::{
        badge, empty,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, query, table},
        post, stat,
    },
    format::{count, phone},
    layout::{Tone, admin},
};
use domain::{
    MailSetting, MessageSetting, OutgoingId, Refusal, SmsLine, SmsSetting,
    message::{LOGIN_CODE, MailSecurity, SmsProvider, clock},
    notice::Purpose,
    outbox::OutKind,
};
use maud::{Markup, html};

/// The settings with what was wrong when they come back.
pub struct Page<'a> {
    /// In general.
    pub general: &'a MessageSetting,
    /// Text messages.
    pub sms: &'a SmsSetting,
    /// Mail.
    pub mail: &'a MailSetting,
    /// Where the public key belongs, or what is wrong with the key.
    pub record: Option<&'a Result<(String, String), String>>,
    /// The ways that can be used.
    pub ways: &'a [&'static str],
    /// Occasions that have a text message.
    pub texts: &'a [&'static str],
    /// Scheme and host of this hall.
    pub base: &'a str,
    /// What was typed into the form that comes back, and what was wrong: general, text messages, mail.
    pub back: [Option<&'a Refusal>; 3],
    /// What was typed, by field; none where a form is fresh.
    pub typed: &'a dyn Fn(&str) -> Option<String>,
}

impl Page<'_> {
    fn value(&self, at: usize, name: &str, kept: &str) -> String {
        let typed = self.back.get(at).copied().flatten().and_then(|_| (self.typed)(name));
        typed.unwrap_or_else(|| kept.to_owned())
    }

    fn ticked(&self, at: usize, name: &str, kept: bool) -> bool {
        let typed = self.back.get(at).copied().flatten().and_then(|_| (self.typed)(name));
        typed.map_or(kept, |typed| !typed.is_empty())
    }
}

/// The page of settings.
pub fn settings(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let ways: Vec<&str> = of.ways.iter().map(|way| text.t(OutKind::label(way))).collect();
    let content = html! {
        div class="heading" {
            h1 { (text.t("Message settings")) }
            div class="actions" {
                a class="button" href="/admin/message/template" { (icon(Icon::Edit)) (text.t("Message templates")) }
                a class="button" href="/admin/message/sms" { (icon(Icon::Log)) (text.t("Log of text messages")) }
                a class="button" href="/admin/outbox" { (icon(Icon::Export)) (text.t("Outbox")) }
            }
        }
        p class="dim" { (text.t("A notice is written once. It goes to its reader by the first way that the reader allows and that works, and by the next one when that fails. It always stands on the reader's ticket or order page, too.")) }
        @if !ways.is_empty() { p { (text.t("Ways that are set up here:")) " " (ways.join(" · ")) } }
        (general(shell, of))
        (sms(shell, of))
        (mail(shell, of))
    };
    admin(shell, text.t("Message settings"), &[], &[], &content)
}

fn general(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.back[0]);
    let choices: Vec<(String, String)> = std::iter::once((String::new(), text.t("In the usual order").to_owned()))
        .chain(domain::message::WAYS.iter().map(|way| ((*way).to_owned(), text.t(OutKind::label(way)).to_owned())))
        .collect();
    let order = |at: usize| of.general.order.get(at).map_or("", String::as_str);
    let quiet = of.general.quiet;
    html! {
        section class="panel" {
            h2 { (text.t("In general")) }
            (form.summary())
            form method="post" action="/admin/message" class="form" {
                div class="pair" {
                    (form.select(&Input { name: "order-1", label: text.t("First way"), value: &of.value(0, "order-1", order(0)), ..Input::default() }, &choices))
                    (form.select(&Input { name: "order-2", label: text.t("Second way"), value: &of.value(0, "order-2", order(1)), ..Input::default() }, &choices))
                    (form.select(&Input { name: "order-3", label: text.t("Third way"), value: &of.value(0, "order-3", order(2)), ..Input::default() }, &choices))
                }
                div class="pair" {
                    (form.input(&Input { name: "quiet_from", label: text.t("Nobody is disturbed from"), kind: "time", value: &of.value(0, "quiet_from", &quiet.map_or(String::new(), |(from, _)| clock(from))), ..Input::default() }))
                    (form.input(&Input { name: "quiet_to", label: text.t("until"), kind: "time", value: &of.value(0, "quiet_to", &quiet.map_or(String::new(), |(_, to)| clock(to))), help: text.t("What cannot wait goes out at once: places that are held, what must be paid, and the answer to somebody who just registered."), ..Input::default() }))
                }
                (form.checkbox("attend_after_import", text.t("Send attend codes to everybody whom an import adds"), of.ticked(0, "attend_after_import", of.general.attend_after_import)))
                button class="primary" { (text.t("Save")) }
            }
        }
    }
}

/// Occasions that text messages are sent on, with their labels.
fn occasions() -> Vec<(&'static str, &'static str)> {
    let purposes = Purpose::ALL.iter().map(|purpose| (purpose.code(), purpose.label()));
    std::iter::once((LOGIN_CODE, "Code to log in")).chain(purposes).collect()
}

fn sms(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.back[1]);
    let kept = of.sms;
    let providers: Vec<(String, String)> =
        SmsProvider::ALL.iter().map(|one| (one.code().to_owned(), text.t(one.label()).to_owned())).collect();
    let occasions = occasions();
    let named: Vec<(String, String)> = occasions
        .iter()
        .filter(|(code, _)| of.texts.contains(code))
        .map(|(code, label)| ((*code).to_owned(), text.t(label).to_owned()))
        .collect();
    html! {
        section class="panel" {
            h2 { (text.t("Text message")) " " @if kept.enabled { (badge(Tone::Good, text.t("On"))) } @else { (badge(Tone::Plain, text.t("Off"))) } }
            (form.summary())
            form method="post" action="/admin/message/sms" class="form" {
                (form.checkbox("enabled", text.t("Send text messages"), of.ticked(1, "enabled", kept.enabled)))
                div class="pair" {
                    (form.select(&Input { name: "provider", label: text.t("Provider"), value: &of.value(1, "provider", kept.provider.code()), ..Input::default() }, &providers))
                    (form.input(&Input { name: "sign", label: text.t("Approved signature"), value: &of.value(1, "sign", &kept.sign), max: 30, ..Input::default() }))
                    (form.input(&Input { name: "app", label: text.t("Application number (SdkAppId, Tencent Cloud only)"), value: &of.value(1, "app", &kept.app), max: 30, ..Input::default() }))
                }
                div class="pair" {
                    (form.input(&Input { name: "key_id", label: text.t("Id of the key"), value: &of.value(1, "key_id", &kept.key_id), max: 100, autocomplete: "off", ..Input::default() }))
                    (form.input(&Input { name: "secret", label: text.t("Key"), kind: "password", autocomplete: "new-password", help: if kept.secret.is_empty() { "" } else { text.t("A key is kept. Empty: it stays.") }, ..Input::default() }))
                    (form.input(&Input { name: "base", label: text.t("Another address of the provider"), value: &of.value(1, "base", &kept.base), max: 200, help: text.t("Empty: the usual one."), ..Input::default() }))
                }
                div class="pair" {
                    (form.input(&Input { name: "per_number", label: text.t("Most a day to one number"), kind: "number", value: &of.value(1, "per_number", &kept.per_number.to_string()), required: true, ..Input::default() }))
                    (form.input(&Input { name: "per_day", label: text.t("Most a day"), kind: "number", value: &of.value(1, "per_day", &kept.per_day.to_string()), required: true, ..Input::default() }))
                }
                button class="primary" { (text.t("Save")) }
            }
            @if kept.enabled {
                @if !kept.callback.is_empty() { p class="dim" { (text.t("Address for delivery reports, to be entered at the provider:")) " " code { (of.base) "/callback/sms/" (kept.callback) } } }
                form method="post" action="/admin/message/sms/try" class="filter" {
                    (form.input(&Input { name: "to", label: text.t("Try it: phone number"), kind: "tel", required: true, max: 20, ..Input::default() }))
                    (form.select(&Input { name: "occasion", label: text.t("Occasion"), ..Input::default() }, &named))
                    button { (icon(Icon::Check)) (text.t("Send a trial")) }
                }
                (post("/admin/message/sms/balance", "", text.t("Ask what is left"), Icon::Chart))
            }
        }
    }
}

fn mail(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.back[2]);
    let kept = of.mail;
    let ways: Vec<(String, String)> =
        MailSecurity::ALL.iter().map(|one| (one.code().to_owned(), text.t(one.label()).to_owned())).collect();
    let (domain, selector) = kept.dkim.as_ref().map_or(("", ""), |(domain, selector)| (domain, selector));
    let line = |name: &'static str, label: &'static str, value: &str, max: usize| {
        form.input(&Input {
            name,
            label: text.t(label),
            value: &of.value(2, name, value),
            max,
            autocomplete: "off",
            ..Input::default()
        })
    };
    html! {
        section class="panel" {
            h2 { (text.t("E-mail messages")) " " @if kept.enabled { (badge(Tone::Good, text.t("On"))) } @else { (badge(Tone::Plain, text.t("Off"))) } }
            (form.summary())
            form method="post" action="/admin/message/mail" class="form" {
                (form.checkbox("enabled", text.t("Send mail"), of.ticked(2, "enabled", kept.enabled)))
                div class="pair" {
                    (line("host", "Mail server", &kept.host, 200))
                    (line("port", "Port", &kept.port.to_string(), 5))
                    (form.select(&Input { name: "security", label: text.t("Encryption"), value: &of.value(2, "security", kept.security.code()), ..Input::default() }, &ways))
                }
                div class="pair" {
                    (line("user", "Login", &kept.user, 200))
                    (form.input(&Input { name: "password", label: text.t("Password"), kind: "password", autocomplete: "new-password", help: if kept.password.is_empty() { "" } else { text.t("A password is kept. Empty: it stays.") }, ..Input::default() }))
                    (line("mail_per_day", "Most a day", &kept.per_day.to_string(), 7))
                }
                div class="pair" {
                    (line("from", "Sender's address", &kept.from, 200))
                    (line("from_name", "Sender's name", &kept.from_name, 60))
                    (line("reply_to", "Address for answers", &kept.reply_to, 200))
                    (line("bounce", "Address for what cannot be delivered", &kept.bounce, 200))
                }
                details open[of.back[2].is_some()] {
                    summary { (text.t("Signature (DKIM)")) }
                    div class="pair" {
                        (line("dkim_domain", "Domain", domain, 200))
                        (line("dkim_selector", "Selector", selector, 60))
                    }
                    (form.textarea(&Input { name: "dkim_key", label: text.t("Private key (PEM, RSA, 2048 bits or more)"), help: if kept.dkim_key.is_empty() { text.t("“openssl genrsa 2048” makes one.") } else { text.t("A key is kept. Empty: it stays.") }, ..Input::default() }, 3))
                }
                button class="primary" { (text.t("Save")) }
            }
            @match of.record {
                Some(Ok((name, value))) => p { (text.t("Enter this TXT record at your domain:")) br; code { (name) } br; code class="long" { (value) } },
                Some(Err(why)) => p class="error" { (icon(Icon::Warn)) (why) },
                None => {},
            }
            @if kept.enabled { (post("/admin/message/mail/try", "", text.t("Try the connection"), Icon::Check)) }
        }
    }
}

/// The log of text messages.
pub struct SmsLog<'a> {
    /// Its lines.
    pub lines: &'a [SmsLine],
    /// Where the next page goes on.
    pub next: Option<OutgoingId>,
    /// Sent today, and the limit.
    pub today: (i64, u32),
    /// Phones are shown in full.
    pub full: bool,
    /// Where the page is.
    pub path: &'a str,
}

/// The log of text messages (S0-41).
pub fn log(shell: &Shell, of: &SmsLog<'_>) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Time")),
        Head::plain(text.t("Phone")),
        Head::plain(text.t("Occasion")),
        Head::plain(text.t("Delivery")),
        Head::plain(text.t("The provider's number")),
    ];
    let label = |code: &str| {
        let known = occasions().into_iter().find(|(known, _)| *known == code);
        known.map_or(code.to_owned(), |(_, label)| text.t(label).to_owned())
    };
    let rows: Vec<Row> = of
        .lines
        .iter()
        .map(|line| Row {
            id: None,
            name: line.id.to_string(),
            cells: vec![
                html! { span class="whole" { (shell.format.short(line.at)) } },
                html! { (phone(&line.phone, of.full)) },
                html! { (label(&line.occasion)) },
                delivery(shell, line),
                html! { code { (line.reference) } },
            ],
        })
        .collect();
    let content = html! {
        div class="heading" { h1 { (text.t("Log of text messages")) } div class="actions" { a class="button" href="/admin/message" { (text.t("Message settings")) } } }
        dl class="stats" { (stat(text.t("Sent today"), &count(of.today.0), None)) (stat(text.t("Most a day"), &count(i64::from(of.today.1)), None)) }
        @if rows.is_empty() { (empty(text.t("No text messages yet"), text.t("They appear here as soon as the provider took them, and what became of them some minutes later."), None)) }
        @else {
            (table(text, text.t("Log of text messages"), &heads, &rows, false))
            @if let Some(next) = of.next { a class="button" rel="next" href=(query(of.path, &[("before", &next.to_string())])) { (text.t("Older")) } }
        }
    };
    admin(shell, text.t("Log of text messages"), &[], &[], &content)
}

/// What became of a text message.
pub fn delivery(shell: &Shell, line: &SmsLine) -> Markup {
    let text = shell.text();
    html! {
        @match line.failed.as_deref() {
            Some("") => { (badge(Tone::Good, text.t("Delivered"))) },
            Some(code) => { (badge(Tone::Bad, text.t("Not delivered"))) " " code { (code) } },
            None if line.reference.is_empty() => { (badge(Tone::Warn, text.t("Perhaps sent"))) },
            None => { (badge(Tone::Info, text.t("Taken by the provider"))) },
        }
    }
}

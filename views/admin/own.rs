//! One's own account: sessions, log-ins, password, second step, passkeys, where notices go.

use crate::{
    Shell,
    component::{
        Confirm, badge, confirm,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        list::{Head, Row, table},
        notice, post, qr,
    },
    layout::{Tone, admin},
};
use domain::{
    LoginLine, Passkey, Refusal, Session, Time,
    login::{PASSKEY_NAME_MAX, agent_name},
    password::PASSWORD_MIN,
};
use maud::{Markup, html};

/// What the page shows.
pub struct Page<'a> {
    /// Sessions, the one used last in front.
    pub sessions: &'a [Session],
    /// The hash of the reader's own session.
    pub this: &'a [u8; 32],
    /// Log-ins, newest first.
    pub logins: &'a [LoginLine],
    /// Since when the second step is asked for.
    pub second: Option<Time>,
    /// How many recovery codes are left.
    pub recovery: usize,
    /// Passkeys with what they are called in addresses.
    pub passkeys: &'a [(Passkey, String)],
    /// Whether passkeys work at this address.
    pub keys_work: bool,
    /// Where notices go.
    pub mail: &'a str,
    /// Name of a passkey as it was typed.
    pub key_name: &'a str,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

fn password(form: &Form<'_>, name: &str, label: &str) -> Markup {
    form.input(&Input {
        name,
        label,
        kind: "password",
        required: true,
        max: 128,
        autocomplete: "current-password",
        ..Input::default()
    })
}

/// The page of one's own account.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    // As one of the first steps, the page is about what keeps others out alone.
    let first = shell.start.is_some();
    let content = html! {
        h1 { (text.t("My account")) }
        (form.summary())
        @if !first {
            (sessions(shell, of))
            (logins(shell, of.logins))
            section class="panel" {
                h2 { (text.t("Change my password")) }
                form method="post" action="/admin/session/password" class="form" {
                    (password(&form, "old", text.t("Present password")))
                    (form.input(&Input { name: "password", label: text.t("New password"), kind: "password", required: true, max: 128, autocomplete: "new-password", help: &text.f("At least {min} characters; a short sentence is good.", &[("min", &PASSWORD_MIN)]), ..Input::default() }))
                    button class="primary" { (text.t("Change")) }
                }
            }
        }
        (second(shell, &form, of))
        (passkeys(shell, &form, of))
        @if !first { section class="panel" {
            h2 { (text.t("Notices about my account")) }
            form method="post" action="/admin/session/mail" class="form" {
                (form.input(&Input { name: "mail", label: text.t("E-mail"), kind: "email", value: of.mail, max: 120, autocomplete: "email", help: text.t("Log-ins from new browsers and networks are told here. Leave it empty and they only stand on this page."), ..Input::default() }))
                button { (text.t("Save")) }
            }
        } }
    };
    admin(shell, text.t("My account"), &[], &[], &content)
}

/// A browser as the list names it; its whole name is at hand.
pub fn browser(agent: &str) -> Markup {
    html! { span title=(agent) { (agent_name(agent)) } }
}

fn sessions(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Browser")),
        Head::plain(text.t("Address")),
        Head::plain(text.t("Since")),
        Head::plain(text.t("Last used")),
        Head::plain(text.t("Actions")),
    ];
    let rows: Vec<Row> = of
        .sessions
        .iter()
        .map(|session| Row {
            id: None,
            name: agent_name(&session.agent),
            cells: vec![
                html! { (browser(&session.agent)) @if session.token == *of.this { " " (badge(Tone::Good, text.t("This browser"))) } },
                html! { (session.address) },
                html! { (shell.format.time(session.created_at)) },
                html! { (shell.format.time(session.seen_at)) },
                html! { @if session.token != *of.this { (post(&format!("/admin/session/{}/end", session.number()), "quiet", text.t("Log out there"), Icon::Leave)) } },
            ],
        })
        .collect();
    html! {
        section class="panel" {
            h2 { (text.t("Where I am logged in")) }
            (table(text, text.t("Where I am logged in"), &heads, &rows, false))
            p class="dim" { (text.t("A session ends after 14 days, and after 3 days without use.")) }
            (post("/admin/session/elsewhere", "", text.t("Log out everywhere else"), Icon::Leave))
        }
    }
}

fn logins(shell: &Shell, lines: &[LoginLine]) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Time")),
        Head::plain(text.t("How")),
        Head::plain(text.t("Browser")),
        Head::plain(text.t("Address")),
        Head::plain(text.t("Remarks")),
    ];
    let rows: Vec<Row> = lines
        .iter()
        .map(|line| Row {
            id: None,
            name: agent_name(&line.agent),
            cells: vec![
                html! { (shell.format.time(line.at)) },
                html! { (text.t(line.way.label())) },
                browser(&line.agent),
                html! { (line.address) },
                html! {
                    @if line.way == domain::login::LoginWay::WrongCodes { (badge(Tone::Bad, text.t("Not let in"))) " " }
                    @if line.new_browser { (badge(Tone::Warn, text.t("New browser"))) " " }
                    @if line.new_network { (badge(Tone::Warn, text.t("New network"))) }
                },
            ],
        })
        .collect();
    html! {
        section class="panel" {
            h2 { (text.t("Recent log-ins")) }
            p class="dim" { (text.t("If one of them was not you, change your password and log out everywhere else.")) }
            @if !rows.is_empty() {
                details {
                    summary { (text.f("Show the last {count}", &[("count", &rows.len())])) }
                    (table(text, text.t("Recent log-ins"), &heads, &rows, false))
                }
            }
        }
    }
}

fn second(shell: &Shell, form: &Form<'_>, of: &Page<'_>) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" id="second" {
            h2 { (text.t("Second step")) " " @if of.second.is_some() { (badge(Tone::Good, text.t("On"))) } @else { (badge(Tone::Warn, text.t("Off"))) } }
            p class="dim" { (text.t("Behind the password, the log-in asks for a code that an app on your phone shows. Whoever has only your password does not get in.")) }
            @if let Some(since) = of.second {
                p { (text.f("On since {time}. Recovery codes left: {count}.", &[("time", &shell.format.time(since)), ("count", &of.recovery)])) }
                @if of.recovery < 3 { (notice(Tone::Warn, text.t("Few recovery codes are left. Make new ones."))) }
                details open[form.is_wrong("renewing")] {
                    summary class="button" { (text.t("New recovery codes")) }
                    form method="post" action="/admin/session/second/recovery" class="form" {
                        p { (text.t("The codes before are worth nothing any more.")) }
                        (password(form, "renewing", text.t("Present password")))
                        button { (text.t("Make new recovery codes")) }
                    }
                }
                details open[form.is_wrong("ending") || form.is_wrong("code")] {
                    summary class="button danger" { (text.t("Switch the second step off")) }
                    form method="post" action="/admin/session/second/off" class="form" {
                        (password(form, "ending", text.t("Present password")))
                        (code(form, text.t("Code of the app, or a recovery code")))
                        button class="danger" { (text.t("Switch it off")) }
                    }
                }
            } @else {
                form method="post" action="/admin/session/second" class="form" {
                    (password(form, "present", text.t("Present password")))
                    button class="primary" { (text.t("Set it up")) }
                }
            }
        }
    }
}

fn code(form: &Form<'_>, label: &str) -> Markup {
    form.input(&Input {
        name: "code",
        label,
        required: true,
        max: 30,
        autocomplete: "one-time-code",
        ..Input::default()
    })
}

/// The page on which an app is given the secret.
pub fn offer(shell: &Shell, address: &str, secret: &str, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        h1 { (text.t("Set up the second step")) }
        (form.summary())
        section class="panel" {
            ol {
                li { (text.t("Open an app for codes on your phone: Tencent Authenticator mini-program, Microsoft Authenticator, Google Authenticator, Aegis, or your password manager.")) }
                li { (text.t("Scan this code, or type the key.")) }
                li { (text.t("Type the six digits that the app shows.")) }
            }
            div class="code-row" {
                (qr(address, text.t("Key for the app, as a QR code")))
                p { (text.t("Key")) " " code class="key" { (secret) } }
            }
            form method="post" action="/admin/session/second/on" class="form" {
                (code(&form, text.t("Six digits of the app")))
                (submit(text.t("Switch on"), Some((text.t("Cancel"), "/admin/session"))))
            }
        }
    };
    let trail = [(text.t("My account"), "/admin/session".to_owned())];
    admin(shell, text.t("Set up the second step"), &trail, &[], &content)
}

/// The page that shows recovery codes, once.
pub fn recovery(shell: &Shell, codes: &[String]) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (text.t("Recovery codes")) }
        (notice(Tone::Warn, text.t("They are shown this one time. Print them or write them down, and keep them where your phone is not.")))
        section class="panel" {
            p { (text.t("Each of them takes the place of one code of the app.")) }
            ol class="recovery" { @for code in codes { li { code { (code) } } } }
            p { a class="button primary" href="/admin/session" { (icon(Icon::Check)) (text.t("I have kept them")) } }
        }
    };
    let trail = [(text.t("My account"), "/admin/session".to_owned())];
    admin(shell, text.t("Recovery codes"), &trail, &[], &content)
}

fn passkeys(shell: &Shell, form: &Form<'_>, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Name of the device")),
        Head::plain(text.t("Added on")),
        Head::plain(text.t("Last used")),
        Head::plain(text.t("Actions")),
    ];
    let rows: Vec<Row> = of
        .passkeys
        .iter()
        .map(|(key, number)| Row {
            id: None,
            name: key.name.clone(),
            cells: vec![
                html! { (key.name) },
                html! { (shell.format.time(key.created_at)) },
                html! { @if let Some(at) = key.used_at { (shell.format.time(at)) } @else { "–" } },
                confirm(&Confirm {
                    label: text.t("Remove"),
                    warning: text
                        .t("This passkey logs nobody in any more. It stays on its device until you delete it there."),
                    action: &format!("/admin/session/passkey/{number}/remove"),
                    verb: text.t("Remove the passkey"),
                }),
            ],
        })
        .collect();
    html! {
        section class="panel" id="passkeys" {
            h2 { (text.t("Passkeys")) }
            p class="dim" { (text.t("Log in with a finger, your face or a code of the device, without a password. No page that only looks like this one can use it.")) }
            @if !rows.is_empty() { (table(text, text.t("Passkeys"), &heads, &rows, false)) }
            @if of.keys_work {
                form method="post" action="/admin/session/passkey/new" class="form" {
                    (form.input(&Input { name: "passkey", label: text.t("Name of the device"), value: of.key_name, required: true, max: PASSKEY_NAME_MAX, ..Input::default() }))
                    (password(form, "own", text.t("Present password")))
                    button { (icon(Icon::Plus)) (text.t("Make a passkey")) }
                }
            } @else {
                (notice(Tone::Info, text.t("Passkeys need an address with a name and TLS, such as https://huiguan.local; they do not work at an address of digits.")))
            }
        }
    }
}

/// What a page asks a browser to do with a passkey.
pub struct Ask<'a> {
    /// Options, as WebAuthn writes them.
    pub options: &'a str,
    /// The origin at which it works.
    pub origin: &'a str,
    /// Whether a key is made; shown otherwise.
    pub makes: bool,
    /// Where the answer goes.
    pub action: &'a str,
    /// Where the page leads afterwards.
    pub back: &'a str,
}

/// The part of a page that asks the browser; `passkey.js` does it.
pub fn ask(shell: &Shell, of: &Ask<'_>) -> Markup {
    let text = shell.text();
    html! {
        form method="post" action=(of.action) class="form" data-passkey=(of.options) data-origin=(of.origin) data-makes[of.makes] {
            input type="hidden" name="answer" value="";
            input type="hidden" name="back" value=(of.back);
            p data-wait { (text.t("Your browser asks you for the passkey.")) }
            p role="alert" data-failed hidden { (text.t("It did not come to that: it was canceled, took too long, or the device has no fitting passkey.")) }
            p role="alert" data-impossible hidden { (text.t("This browser cannot use passkeys here. They work at this address:")) " " (of.origin) }
            noscript { p { (text.t("Passkeys need JavaScript.")) } }
            button class="primary" { (icon(Icon::Key)) (text.t("Ask again")) }
        }
    }
}

/// The page on which a passkey is made.
pub fn make(shell: &Shell, of: &Ask<'_>) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (text.t("Make a passkey")) }
        section class="panel" { (ask(shell, of)) p { a href="/admin/session" { (text.t("Cancel")) } } }
    };
    let trail = [(text.t("My account"), "/admin/session".to_owned())];
    admin(shell, text.t("Make a passkey"), &trail, &["passkey.js"], &content)
}

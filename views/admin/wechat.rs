//! The association's apps at WeChat and WeCom.

use crate::{
    Shell,
    component::{
        Confirm, badge, confirm, empty,
        form::{Form, Input, submit},
        list::{Head, Row, table},
    },
    layout::{Tone, admin},
};
use domain::{
    Refusal, WechatApp, WechatPush,
    wechat::{AppInput, AppKind, AppStanding},
};
use maud::{Markup, html};

/// An app and how it stands.
pub struct App<'a> {
    /// As it is kept.
    pub app: &'a WechatApp,
    /// How it stands.
    pub standing: AppStanding,
}

/// What the page shows.
pub struct Page<'a> {
    /// All kinds of apps.
    pub apps: &'a [App<'a>],
    /// What came back of one of them.
    pub typed: Option<(AppKind, &'a AppInput)>,
    /// Scheme and host that the box is reached at.
    pub base: &'a str,
    /// Files that prove a domain: name and text.
    pub proofs: &'a [(String, String)],
    /// The latest pushes.
    pub pushes: &'a [WechatPush],
    /// A proof as typed.
    pub proof: (String, String),
    /// Fields of a message to members as typed.
    pub message: &'a dyn Fn(&str) -> String,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

fn tone(standing: AppStanding) -> Tone {
    match standing {
        AppStanding::Works => Tone::Good,
        AppStanding::Fails => Tone::Bad,
        AppStanding::Untested => Tone::Warn,
        AppStanding::Missing | AppStanding::Off => Tone::Plain,
    }
}

/// The page.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (text.t("WeChat and WeCom")) }
        p class="dim" { (text.t("What each screen of the consoles asks for stands in docs/mini-program.md. Secrets are encrypted and never shown again.")) }
        (Form::new(text, of.refusal).summary())
        @if !of.base.starts_with("https://") {
            div class="notice tone-warn" { div { p { (text.t("WeChat calls the box at a public address with a certificate only. Set public_url to one that begins with https:// before you set up pushes.")) } } }
        }
        @for app in of.apps { (app_panel(shell, of, app)) }
        // As one of the first steps, the page is about the apps alone.
        @if shell.start.is_none() {
            (messages(shell, of))
            (codes(shell, of))
            (proofs(shell, of))
            (pushes(shell, of))
        }
    };
    admin(shell, text.t("WeChat and WeCom"), &[(text.t("Settings"), "/admin/space".into())], &[], &content)
}

fn standing(shell: &Shell, app: &App<'_>) -> Markup {
    let text = shell.text();
    html! {
        p {
            (badge(tone(app.standing), text.t(app.standing.label()))) " "
            @if let Some((at, why)) = &app.app.tested {
                span class="dim" { (text.f("Tested {time}", &[("time", &shell.format.time(*at))])) @if !why.is_empty() { " · " (why) } }
            }
        }
    }
}

fn app_panel(shell: &Shell, of: &Page<'_>, app: &App<'_>) -> Markup {
    let text = shell.text();
    let (kept, code) = (app.app, app.app.kind.code());
    let typed = of.typed.filter(|(kind, _)| *kind == kept.kind).map(|(_, input)| input);
    let form = Form::new(text, of.refusal.filter(|_| typed.is_some()));
    let corp = kept.kind == AppKind::Corp;
    let callback = if corp { "/callback/wecom" } else { "/callback/wechat" };
    let is_kept =
        |sealed: &[u8]| if sealed.is_empty() { "" } else { text.t("It is kept. Leave empty to keep it as it is.") };
    let agent = if kept.agent == 0 { String::new() } else { kept.agent.to_string() };
    let name = |field: &str| format!("{code}-{field}");
    let secret = |field: &str, label: &'static str, sealed: &[u8], max: usize| {
        let typed = typed.map_or("", |typed| match field {
            "secret" => typed.secret.as_str(),
            "push_token" => typed.push_token.as_str(),
            _ => typed.push_key.as_str(),
        });
        form.input(&Input {
            name: &name(field),
            label: text.t(label),
            value: typed,
            kind: "password",
            max,
            help: is_kept(sealed),
            autocomplete: "new-password",
            ..Input::default()
        })
    };
    html! {
        section class="panel" id=(code) {
            h2 { (text.t(kept.kind.label())) }
            (standing(shell, app))
            form method="post" action={ "/admin/wechat/" (code) } class="form" {
                (form.checkbox(&name("enabled"), text.t("In use"), typed.map_or(kept.enabled, |typed| typed.enabled)))
                (form.input(&Input { name: &name("app"), label: if corp { text.t("Corp id") } else { text.t("App id") }, value: typed.map_or(&kept.app, |typed| &typed.app), max: 64, ..Input::default() }))
                @if corp { (form.input(&Input { name: &name("agent"), label: text.t("AgentId"), value: typed.map_or(&agent, |typed| &typed.agent), max: 12, ..Input::default() })) }
                (secret("secret", "Secret", &kept.secret, 128))
                fieldset {
                    legend { (text.t("Pushes")) }
                    p class="dim" { (text.t("Address for the console:")) " " code { (of.base) (callback) } }
                    (secret("push_token", "Token", &kept.push_token, 32))
                    (secret("push_key", "EncodingAESKey", &kept.push_key, 43))
                }
                details open[typed.is_some()] {
                    summary { (text.t("More")) }
                    (form.input(&Input { name: &name("base"), label: text.t("Other address"), value: typed.map_or(&kept.base, |typed| &typed.base), max: 200, help: text.t("Empty: the real one. Another one is for trying things out."), ..Input::default() }))
                }
                (submit(text.t("Save"), None))
            }
            @if !kept.app.is_empty() && !kept.secret.is_empty() {
                form method="post" action={ "/admin/wechat/" (code) "/test" } class="submit" { button { (text.t("Test")) } }
            }
        }
    }
}

fn in_use(of: &Page<'_>, kind: AppKind) -> bool {
    let standing = of.apps.iter().find(|app| app.app.kind == kind).map(|app| app.standing);
    standing.is_some_and(|standing| !matches!(standing, AppStanding::Missing | AppStanding::Off))
}

fn messages(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let kinds: Vec<(String, String)> =
        domain::corp::KINDS.iter().map(|(code, label)| ((*code).to_owned(), text.t(label).to_owned())).collect();
    let kind_is_other = !matches!((of.message)("kind").as_str(), "" | "text" | "markdown");
    html! {
        @if in_use(of, AppKind::Corp) {
            section class="panel" id="message" {
                h2 { (text.t("Message to WeCom members")) }
                form method="post" action="/admin/wechat/message" enctype="multipart/form-data" class="form" {
                    (form.input(&Input { name: "members", label: text.t("Ids of members"), value: &(of.message)("members"), required: true, max: 2_000, help: text.t("As the address book has them, separated by commas."), ..Input::default() }))
                    (form.select(&Input { name: "kind", label: text.t("Kind"), value: &(of.message)("kind"), ..Input::default() }, &kinds))
                    (form.input(&Input { name: "title", label: text.t("Title of the message"), value: &(of.message)("title"), max: 128, help: text.t("For a card or a mini-program notice."), ..Input::default() }))
                    (form.textarea(&Input { name: "message", label: text.t("Text"), value: &(of.message)("message"), max: 680, help: text.t("For text, Markdown and a card."), ..Input::default() }, 3))
                    details open[kind_is_other] {
                        summary { (text.t("Link, media and mini-program")) }
                        div class="pair" {
                            (form.input(&Input { name: "url", label: text.t("Link of a card"), value: &(of.message)("url"), max: 2_048, ..Input::default() }))
                            (form.input(&Input { name: "media", label: text.t("Media id of a picture or file"), value: &(of.message)("media"), max: 512, help: text.t("Only when the file was handed over elsewhere."), ..Input::default() }))
                        }
                        (form.file("upload", text.t("Picture, recording or file"), text.t("JPEG or PNG up to 10 MB, AMR up to 2 MB, any other file up to 20 MB. It is handed over to WeCom with the message."), ""))
                        div class="pair" {
                            (form.input(&Input { name: "mini_app", label: text.t("App id of the mini-program"), value: &(of.message)("mini_app"), max: 64, ..Input::default() }))
                            (form.input(&Input { name: "mini_page", label: text.t("Page"), value: &(of.message)("mini_page"), max: 512, ..Input::default() }))
                        }
                        (form.textarea(&Input { name: "items", label: text.t("Lines of the notice"), value: &(of.message)("items"), help: text.t("One a line, such as “Place: hall 2”; at most 10."), ..Input::default() }, 3))
                    }
                    (submit(text.t("Send"), None))
                }
            }
        }
    }
}

fn codes(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, None);
    html! {
        @if in_use(of, AppKind::Mini) {
            section class="panel" id="code" {
                h2 { (text.t("Mini-program code")) }
                form method="get" action="/admin/wechat/code" class="form" {
                    (form.input(&Input { name: "page", label: text.t("Page"), max: 128, help: text.t("Such as pages/event/index, without a slash in front. Empty: the first page."), ..Input::default() }))
                    (form.input(&Input { name: "scene", label: text.t("Scene"), required: true, max: 32, help: text.t("What the page gets: 1 to 32 letters, digits and signs, no Chinese."), ..Input::default() }))
                    (submit(text.t("Download"), None))
                }
            }
        }
    }
}

fn proofs(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    html! {
        section class="panel" id="proof" {
            h2 { (text.t("Files that prove the domain")) }
            p class="dim" { (text.t("The consoles give a small text file and look for it at the root of the domain. Copy its name and its text.")) }
            @for (name, content) in of.proofs {
                div class="row" {
                    p { a href={ "/" (name) } { (name) } " " code { (content) } }
                    (confirm(&Confirm { label: text.t("Delete"), warning: &text.f("The file {name} is not shown any more.", &[("name", name)]), action: &format!("/admin/wechat/proof/{name}/remove"), verb: text.t("Delete") }))
                }
            }
            form method="post" action="/admin/wechat/proof" class="form" {
                (form.input(&Input { name: "proof_name", label: text.t("Name of the file"), value: &of.proof.0, required: true, max: 80, ..Input::default() }))
                (form.input(&Input { name: "proof_text", label: text.t("Text of the file"), value: &of.proof.1, required: true, max: 512, ..Input::default() }))
                (submit(text.t("Save"), None))
            }
        }
    }
}

fn pushes(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Time")),
        Head::plain(text.t("App")),
        Head::plain(text.t("Kind")),
        Head::plain(text.t("From")),
    ];
    let rows: Vec<Row> = of
        .pushes
        .iter()
        .map(|push| Row {
            id: None,
            name: push.name.clone(),
            cells: vec![
                html! { (shell.format.time(push.at)) },
                html! { (text.t(push.kind.label())) },
                html! { code { (push.name) } },
                html! { (push.from) },
            ],
        })
        .collect();
    html! {
        section class="panel" id="push" {
            h2 { (text.t("Latest pushes")) }
            @if rows.is_empty() { (empty(text.t("Nothing came yet"), text.t("Save token and key here, then the address in the console: its check shows here whether they fit."), None)) }
            @else { (table(text, text.t("Latest pushes"), &heads, &rows, false)) }
        }
    }
}

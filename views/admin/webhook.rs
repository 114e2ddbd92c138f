//! Webhooks: which programs are told what, and whether they listen.

use crate::{
    Shell,
    component::{
        Confirm, badge, confirm, empty,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, table},
        notice, post,
    },
    layout::{Tone, admin},
};
use domain::{
    Refusal, Webhook,
    webhook::{HookKind, HookState, KINDS, WebhookInput},
};
use maud::{Markup, html};

/// The page.
pub struct Page<'a> {
    /// All webhooks.
    pub hooks: &'a [Webhook],
    /// What was typed.
    pub typed: &'a WebhookInput,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
    /// The secret of the one that was just added.
    pub secret: Option<&'a str>,
}

/// The list with the form.
pub fn list(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Receiver")),
        Head::plain(text.t("What is told")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Actions")),
    ];
    let rows: Vec<Row> = of.hooks.iter().map(|hook| row(shell, hook)).collect();
    let content = html! {
        div class="heading" {
            h1 { (text.t("Webhooks")) }
            div class="actions" { a class="button" href="/admin/outbox?kind=webhook" { (icon(Icon::Log)) (text.t("Log of deliveries")) } }
        }
        p class="dim" { (text.t("Other programs are told at once what happens here. What is told is signed and names no person. Deliveries that fail are tried again for a day; a program that fails for three days is switched off.")) }
        @if let Some(secret) = of.secret {
            (notice(Tone::Good, text.t("Added. This is its secret; it is shown this once:")))
            p { code { (secret) } }
        }
        @if of.hooks.iter().any(|hook| matches!(hook.state, HookState::Failed(_))) {
            (notice(Tone::Warn, text.t("A webhook was switched off because it failed for three days. Mend its address, then switch it on again.")))
        }
        @if rows.is_empty() { (empty(text.t("No webhooks yet"), text.t("Add one below: an address, and what it is to be told."), None)) }
        @else { (table(text, text.t("Webhooks"), &heads, &rows, false)) }
        (form(shell, of))
    };
    admin(shell, text.t("Webhooks"), &[], &[], &content)
}

fn row(shell: &Shell, hook: &Webhook) -> Row {
    let text = shell.text();
    let base = format!("/admin/webhook/{}", hook.id);
    let tone = match hook.state {
        HookState::On => Tone::Good,
        HookState::Off(_) => Tone::Plain,
        HookState::Failed(_) => Tone::Bad,
    };
    let kinds: Vec<&str> = hook.kinds.iter().map(|kind| text.t(HookKind::label(kind))).collect();
    // What stands behind the host may be a secret of the receiver.
    let host = hook.url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    Row {
        id: None,
        name: hook.name.clone(),
        cells: vec![
            html! { strong { (hook.name) } br; code { (host) "/…" } },
            html! { div class="long" { (kinds.join(" · ")) } },
            html! {
                (badge(tone, text.t(hook.state.label())))
                @if let (HookState::On, Some(since)) = (hook.state, hook.failing_since) { " " span class="dim" { (text.f("fails since {time}", &[("time", &shell.format.short(since))])) } }
            },
            html! {
                div class="row" {
                    (post(&format!("{base}/ping"), "quiet", text.t("Send a trial call"), Icon::Check))
                    @if hook.state == HookState::On { (post(&format!("{base}/off"), "quiet", text.t("Switch off"), Icon::Cross)) }
                    @else { (post(&format!("{base}/on"), "quiet", text.t("Switch on"), Icon::Check)) }
                    (confirm(&Confirm { label: text.t("Remove"), warning: &text.f("“{name}” is told nothing any more, and its secret is forgotten.", &[("name", &hook.name)]), action: &format!("{base}/remove"), verb: text.t("Remove") }))
                }
            },
        ],
    }
}

fn form(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    html! {
        section class="panel" {
            h2 { (text.t("Add a webhook")) }
            (form.summary())
            form method="post" action="/admin/webhook" class="form" {
                div class="pair" {
                    (form.input(&Input { name: "name", label: text.t("Receiver"), value: &of.typed.name, required: true, max: 60, ..Input::default() }))
                    (form.input(&Input { name: "url", label: text.t("Address"), kind: "url", value: &of.typed.url, required: true, max: 400, help: text.t("Begins with https://."), ..Input::default() }))
                }
                fieldset {
                    legend id="f-kinds" { (text.t("What is told")) }
                    (form.error("kinds"))
                    div class="tick-grid" { @for kind in KINDS {
                        div class="field tick" { label { input type="checkbox" name="kinds" value=(kind) checked[of.typed.kinds.iter().any(|chosen| chosen == kind)]; span { (text.t(HookKind::label(kind))) } } }
                    } }
                }
                button class="primary" { (icon(Icon::Plus)) (text.t("Add")) }
            }
        }
    }
}

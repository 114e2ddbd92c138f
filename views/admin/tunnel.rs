//! The reverse tunnel: how it stands, the host key, the line for the server, the settings.

use crate::{
    Shell,
    component::{
        badge,
        form::{Form, Input, submit},
        heading,
        icon::{Icon, icon},
        notice, post, stat,
    },
    format::{count, size},
    layout::{Tone, admin},
};
use domain::{
    Refusal, TunnelPlan,
    tunnel::{BASE_MAX, Fault, HOST_MAX, Standing, TunnelInput, USER_MAX},
};
use maud::{Markup, html};

/// The page.
pub struct Page<'a> {
    /// The settings, once there are some.
    pub plan: Option<&'a TunnelPlan>,
    /// The form.
    pub input: &'a TunnelInput,
    /// What was wrong with it.
    pub refusal: Option<&'a Refusal>,
    /// The line for `authorized_keys`.
    pub line: Option<&'a str>,
    /// How it stands.
    pub standing: &'a Standing,
    /// Bytes that came and went since the program started.
    pub bytes: [u64; 2],
    /// Connections that are open, and all since the program started.
    pub connections: [u64; 2],
}

fn told(shell: &Shell, fault: &Fault) -> String {
    match fault.detail() {
        "" => shell.text().t(fault.label()).to_owned(),
        detail => format!("{} ({detail})", shell.text().t(fault.label())),
    }
}

/// The page.
pub fn page(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let actions = html! {
        @if of.plan.is_some_and(|plan| plan.on) { (post("/admin/tunnel/retry", "", text.t("Try again now"), Icon::Clock)) }
    };
    let content = html! {
        (heading(text.t("Tunnel"), &actions))
        p class="dim" { (text.t("A box behind a router is reached from outside over any server with SSH: the box connects to it by itself and the server passes on what comes. Only what is for everybody can be reached that way.")) }
        (standing(shell, of))
        @if let Some(plan) = of.plan {
            @if let Standing::Down { fault, .. } = of.standing {
                @if let Some(shown) = fault.shown() { (host_key(shell, plan, shown, matches!(fault, Fault::Changed(_)))) }
            }
            @if let Some(line) = of.line { (key(shell, plan, line)) }
        }
        (form(shell, of))
    };
    admin(shell, text.t("Tunnel"), &[], &[], &content)
}

fn standing(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let state = match of.standing {
        Standing::Off => badge(Tone::Info, text.t("Off")),
        Standing::Begins => badge(Tone::Info, text.t("Being set up")),
        Standing::Up(_) => badge(Tone::Good, text.t("Connected")),
        Standing::Down { .. } => badge(Tone::Bad, text.t("Not connected")),
    };
    let [read, written] = of.bytes;
    let [open, all] = of.connections;
    html! {
        p { (state)
            @match of.standing {
                Standing::Up(since) => { " " (text.f("since {time}", &[("time", &shell.format.time(*since))])) }
                Standing::Down { since, .. } => { " " (text.f("since {time}", &[("time", &shell.format.time(*since))])) }
                Standing::Off | Standing::Begins => {}
            }
            @if let (Standing::Up(_), Some(plan)) = (of.standing, of.plan) { " · " a href=(plan.base) { (plan.base) } }
        }
        @if let Standing::Down { fault, next, .. } = of.standing {
            (notice(Tone::Bad, &told(shell, fault)))
            p class="dim" { (text.f("Tried again by itself at {time}.", &[("time", &shell.format.time(*next))])) }
        }
        @if of.plan.is_some() {
            dl class="stats" {
                (stat(text.t("Open connections"), &count(i64::try_from(open).unwrap_or(i64::MAX)), None))
                (stat(text.t("Connections since the start"), &count(i64::try_from(all).unwrap_or(i64::MAX)), None))
                (stat(text.t("Traffic in"), &size(read), None))
                (stat(text.t("Traffic out"), &size(written), None))
            }
        }
    }
}

fn host_key(shell: &Shell, plan: &TunnelPlan, shown: &str, changed: bool) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h2 { (text.t("Host key of the server")) }
            p { (text.f("{server} shows a host key with this fingerprint:", &[("server", &plan.server())])) }
            p { code { (shown) } }
            @if let (true, Some(pinned)) = (changed, &plan.pinned) {
                p { (text.t("Accepted so far:")) " " code { (pinned) } }
                (notice(Tone::Warn, text.t("Accept another host key only if you know why it changed.")))
            }
            p class="dim" { (text.t("Compare it on the server itself, or in the provider's console:")) " " code { "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" } }
            form method="post" action="/admin/tunnel/accept" {
                input type="hidden" name="revision" value=(plan.revision);
                input type="hidden" name="fingerprint" value=(shown);
                button class="primary" { (icon(Icon::Check)) (text.t("It is the same: accept this host key")) }
            }
        }
    }
}

fn key(shell: &Shell, plan: &TunnelPlan, line: &str) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h2 { (text.t("Key of the box")) }
            p { (text.f("Put this line into the file ~/.ssh/authorized_keys of the account {user} on the server. With it the box may forward this one port and nothing else.", &[("user", &plan.user)])) }
            p { code { (line) } }
            p { button type="button" class="quiet" data-copy=(line) data-copied=(text.t("Copied")) hidden { (icon(Icon::Copy)) (text.t("Copy")) } }
            details class="confirm" {
                summary class="button danger" { (text.t("New key")) }
                form method="post" action="/admin/tunnel/key" {
                    input type="hidden" name="revision" value=(plan.revision);
                    p { (icon(Icon::Warn)) (text.t("The tunnel ends until the new line is on the server.")) }
                    button class="danger" { (text.t("Make a new key")) }
                }
            }
        }
    }
}

fn form(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let typed = of.input;
    html! {
        section class="panel" {
            h2 { (text.t("Settings of the tunnel")) }
            (form.summary())
            form method="post" action="/admin/tunnel" class="form" {
                input type="hidden" name="revision" value=(typed.revision);
                (form.checkbox("on", text.t("Keep the tunnel up"), typed.on))
                div class="pair" {
                    (form.input(&Input { name: "host", label: text.t("SSH server"), value: &typed.host, required: true, max: HOST_MAX, ..Input::default() }))
                    (form.input(&Input { name: "port", label: text.t("SSH port"), value: &typed.port, kind: "number", required: true, max: 5, ..Input::default() }))
                }
                (form.input(&Input { name: "user", label: text.t("Account on the server"), value: &typed.user, required: true, max: USER_MAX, ..Input::default() }))
                div class="pair" {
                    (form.input(&Input { name: "bind", label: text.t("Address that the server listens at"), value: &typed.bind, max: HOST_MAX, help: text.t("127.0.0.1 behind a web server on that machine; 0.0.0.0 for everybody, which needs GatewayPorts clientspecified."), ..Input::default() }))
                    (form.input(&Input { name: "bind_port", label: text.t("Port that the server listens at"), value: &typed.bind_port, kind: "number", required: true, max: 5, ..Input::default() }))
                }
                (form.input(&Input { name: "base", label: text.t("Public address"), value: &typed.base, required: true, max: BASE_MAX, help: text.t("What links begin with, such as https://hall.example.cn. With https, browsers are taken to come by TLS, which the web server on that machine ends."), ..Input::default() }))
                (form.checkbox("proxied", text.t("A web server on that machine stands in front and sets X-Forwarded-For"), typed.proxied))
                (form.checkbox("staff", text.t("Let staff log in from outside: administration, terminals and set-up can be reached through the tunnel"), typed.staff))
                p class="dim" { (text.t("Without it, only pages for phones, public pages, screens by their code, the API and callbacks can be reached.")) }
                (submit(text.t("Save"), None))
            }
        }
    }
}

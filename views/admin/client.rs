//! API clients: which programs may ask, how far, until when; a new secret, shown once.

use crate::{
    Shell,
    component::{
        Confirm, badge, confirm, empty,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        list::{Head, Row, table},
        notice,
    },
    layout::{Tone, admin},
};
use domain::{
    ApiClient, ClientUse, Permission, Refusal, Time,
    client::{ClientInput, ClientState, LIFE_MILLIS, NAME_MAX, OVERLAP_DAYS, PURPOSE_MAX},
    time::DAY,
};
use maud::{Markup, html};

/// Why the account behind a client keeps it from going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It is shut, or gone.
    Shut,
    /// It holds nothing of what the client was given.
    Lacks,
}

/// A client as the list shows it.
pub struct Client {
    /// The client.
    pub client: ApiClient,
    /// How it stands.
    pub state: ClientState,
    /// What was noted of its use.
    pub used: Option<ClientUse>,
    /// Name of the account behind it.
    pub owner: String,
    /// What the account behind it keeps it from.
    pub trouble: Option<Trouble>,
}

/// The list with the form.
pub struct Page<'a> {
    /// All clients.
    pub clients: &'a [Client],
    /// The scopes that there are.
    pub scopes: &'a [Permission],
    /// Those of them that the reader holds.
    pub held: &'a [Permission],
    /// What was typed.
    pub typed: &'a ClientInput,
    /// The day that was typed.
    pub day: &'a str,
    /// What addresses of the API begin with.
    pub base: &'a str,
    /// Now.
    pub now: Time,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
    /// Name and secret of the client that was just made or renewed.
    pub new: Option<(&'a str, &'a str)>,
}

/// The list with the form.
pub fn list(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Program")),
        Head::plain(text.t("Scopes")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Account behind it")),
        Head::plain(text.t("Last used")),
        Head::plain(text.t("Actions")),
    ];
    let rows: Vec<Row> = of.clients.iter().map(|client| row(shell, client)).collect();
    let content = html! {
        div class="heading" {
            h1 { (text.t("API clients")) }
            div class="actions" { a class="button" href="/api" { (icon(Icon::Info)) (text.t("What the API can do")) } }
        }
        p class="dim" { (text.t("Programs of others ask the API with a secret of their own. A client may what its scopes say, as far as the account behind it may at that moment; when the account is shut, the client is refused.")) }
        @if let Some((name, secret)) = of.new { (fresh(shell, of, name, secret)) }
        @if rows.is_empty() { (empty(text.t("No API clients yet"), text.t("Make one below for each program, so that each can be revoked by itself."), None)) }
        @else { (table(text, text.t("API clients"), &heads, &rows, false)) }
        (form(shell, of))
    };
    admin(shell, text.t("API clients"), &[], &[], &content)
}

/// The panel with a secret that was just made.
fn fresh(shell: &Shell, of: &Page<'_>, name: &str, secret: &str) -> Markup {
    let text = shell.text();
    html! {
        (notice(Tone::Good, &text.f("This is the secret of “{name}”. It is shown this once: give it to the program now.", &[("name", &name)])))
        section class="panel" {
            h2 { (text.t("Secret")) }
            p { code class="secret" { (secret) } }
            p class="dim" { (text.t("The program sends it with each request, like this:")) }
            p { code { "curl -H 'Authorization: Bearer …' " (of.base) "/api/v1/helper/totals?event=1" } }
        }
    }
}

fn state(shell: &Shell, of: &Client) -> Markup {
    let text = shell.text();
    // A secret ends with its last day, which is what people chose.
    let last = of.client.until().plus(-1);
    html! {
        @match of.state {
            ClientState::Active => (badge(Tone::Good, text.t("Active"))),
            ClientState::Ending(days) => (badge(Tone::Warn, &text.f("Ends in {days} days", &[("days", &days)]))),
            ClientState::Expired => (badge(Tone::Bad, text.t("Expired"))),
            ClientState::Revoked => (badge(Tone::Plain, text.t("Revoked"))),
        }
        @if let Some(at) = of.client.revoked_at { " " span class="dim" { (shell.format.date(at)) } }
        @else { " " span class="dim" { (text.f("until {time}", &[("time", &shell.format.date(last))])) } }
        @if let Some(old) = of.client.secrets.get(1).filter(|_| of.client.revoked_at.is_none()) {
            br; span class="dim" { (text.f("{mark} is good until {time} too", &[("mark", &old.mark), ("time", &shell.format.time(old.until))])) }
        }
    }
}

fn used(shell: &Shell, of: &Client) -> Markup {
    let text = shell.text();
    html! {
        @match of.used.as_ref().and_then(|used| used.used_at) {
            Some(at) => (shell.format.date(at)),
            None => span class="dim" { (text.t("Never")) },
        }
        @if let Some((used, at)) = of.used.as_ref().and_then(|used| Some((used, used.refused_at?))) {
            br; span class="dim" { (text.f("refused {count} times, at last {time}: ", &[("count", &used.refusals), ("time", &shell.format.short(at))])) code { (used.refused) } }
        }
    }
}

fn scopes(shell: &Shell, of: &ApiClient) -> Markup {
    let names: Vec<&str> = of.scopes.iter().map(|scope| shell.text().t(scope.label())).collect();
    html! { div class="long" { (names.join(" · ")) } @if !of.networks.is_empty() { div class="dim" { code { (of.networks.join(", ")) } } } }
}

fn owner(shell: &Shell, of: &Client) -> Markup {
    let text = shell.text();
    html! {
        (of.owner)
        @if of.state != ClientState::Revoked { @match of.trouble {
            Some(Trouble::Shut) => { " " (badge(Tone::Bad, text.t("Account shut"))) },
            Some(Trouble::Lacks) => { " " (badge(Tone::Warn, text.t("May nothing of this"))) },
            None => {},
        } }
    }
}

fn row(shell: &Shell, of: &Client) -> Row {
    let text = shell.text();
    let base = format!("/admin/client/{}", of.client.id);
    let mark = of.client.secrets.first().map_or("", |secret| secret.mark.as_str());
    Row {
        id: None,
        name: of.client.name.clone(),
        cells: vec![
            html! { a href=(base) { (of.client.name) } " " code { "hgc_" (mark) "…" } br; span class="dim" { (of.client.purpose) } },
            scopes(shell, &of.client),
            state(shell, of),
            owner(shell, of),
            used(shell, of),
            html! {
                @if of.state != ClientState::Revoked {
                    div class="row" {
                        a class="button quiet" href=(base) { (icon(Icon::Clock)) (text.t("Renew")) }
                        (confirm(&Confirm { label: text.t("Revoke"), warning: &text.f("“{name}” is refused from now on, for good.", &[("name", &of.client.name)]), action: &format!("{base}/revoke"), verb: text.t("Revoke") }))
                    }
                }
            },
        ],
    }
}

/// The day that a form proposes: so long from now.
fn proposed(shell: &Shell, now: Time, millis: i64) -> String {
    now.plus(millis).zoned(&shell.format.zone).date().to_string()
}

/// The field of the day on which a secret ends.
fn until(shell: &Shell, form: &Form<'_>, now: Time, day: &str) -> Markup {
    let proposed = proposed(shell, now, 90 * DAY);
    let value = if day.is_empty() { proposed.as_str() } else { day };
    let last = proposed_last(shell, now);
    let help = shell.text().f("The last day, {last} at most.", &[("last", &last)]);
    form.input(&Input {
        name: "until",
        label: shell.text().t("Good until"),
        kind: "date",
        value,
        required: true,
        help: &help,
        ..Input::default()
    })
}

fn proposed_last(shell: &Shell, now: Time) -> String {
    proposed(shell, now, LIFE_MILLIS)
}

fn form(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let ticked = |scope: &Permission| of.typed.scopes.iter().any(|code| code == scope.code());
    html! {
        section class="panel" {
            h2 { (text.t("Make an API client")) }
            (form.summary())
            form method="post" action="/admin/client" class="form" {
                div class="pair" {
                    (form.input(&Input { name: "name", label: text.t("Program"), value: &of.typed.name, required: true, max: NAME_MAX, ..Input::default() }))
                    (until(shell, &form, of.now, of.day))
                }
                (form.input(&Input { name: "purpose", label: text.t("What it is for, and who looks after it"), value: &of.typed.purpose, required: true, max: PURPOSE_MAX, ..Input::default() }))
                fieldset {
                    legend id="f-scopes" { (text.t("Scopes")) }
                    (form.error("scopes"))
                    div class="tick-grid" { @for scope in of.scopes {
                        div class="field tick" { label { input type="checkbox" name="scopes" value=(scope.code()) checked[ticked(scope)] disabled[!of.held.contains(scope)]; span { (text.t(scope.label())) " " code { (scope.code()) } } } }
                    } }
                }
                (form.input(&Input { name: "networks", label: text.t("Only from these addresses"), value: &of.typed.networks, max: 800, help: text.t("Such as 192.168.1.7 or 192.168.1.0/24, parted by commas. Leave it empty and it may ask from anywhere."), ..Input::default() }))
                button class="primary" { (icon(Icon::Plus)) (text.t("Make it and show its secret")) }
            }
        }
    }
}

/// One client, with what renews it.
pub struct One<'a> {
    /// The client.
    pub of: &'a Client,
    /// The day that was typed.
    pub day: &'a str,
    /// The days of overlap that were typed.
    pub days: &'a str,
    /// Now.
    pub now: Time,
    /// The reader's account is the one behind it.
    pub mine: bool,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The page of one client.
pub fn one(shell: &Shell, of: &One<'_>) -> Markup {
    let text = shell.text();
    let (form, client) = (Form::new(text, of.refusal), &of.of.client);
    let base = format!("/admin/client/{}", client.id);
    let content = html! {
        h1 { (client.name) }
        (form.summary())
        section class="panel" {
            dl class="facts" {
                dt { (text.t("What it is for, and who looks after it")) } dd { (client.purpose) }
                dt { (text.t("Scopes")) } dd { (scopes(shell, client)) }
                dt { (text.t("State")) } dd { (state(shell, of.of)) }
                dt { (text.t("Account behind it")) } dd { (owner(shell, of.of)) }
                dt { (text.t("Last used")) } dd { (used(shell, of.of)) }
            }
        }
        @if client.revoked_at.is_none() {
            section class="panel" {
                h2 { (text.t("Renew")) }
                p class="dim" { (text.t("It gets a new secret, shown once. The one it has now goes on for some days, so that programs can be told.")) }
                @if !of.mine { (notice(Tone::Info, text.t("Renewing makes you the account behind it: it may what you may, within its scopes."))) }
                form method="post" action={ (base) "/renew" } class="form" {
                    div class="pair" {
                        (until(shell, &form, of.now, of.day))
                        (form.select(&Input { name: "overlap", label: text.t("Days that the old secret goes on"), value: of.days, ..Input::default() }, &(0..=OVERLAP_DAYS).map(|days| (days.to_string(), days.to_string())).collect::<Vec<_>>()))
                    }
                    (form.error("scopes"))
                    (submit(text.t("Renew and show the new secret"), Some((text.t("Cancel"), "/admin/client"))))
                }
            }
        }
    };
    admin(shell, &client.name, &[(text.t("API clients"), "/admin/client".into())], &[], &content)
}

//! Staff accounts and what they may do. One's own is in `own`.

use crate::{
    Shell,
    component::{
        Confirm, badge, confirm,
        form::{Form, Input, submit},
        heading,
        icon::{Icon, icon},
        list::{Head, Row, table},
        post,
    },
    layout::{Tone, admin},
};
use domain::{Account, Department, Event, Grant, Permission, Refusal, Scope, Session, second::Must};
use maud::{Markup, html};

/// The list of accounts.
pub fn list(shell: &Shell, accounts: &[(Account, usize, bool)], must: Must, eyes: Option<&Refused<'_>>) -> Markup {
    let text = shell.text();
    let new =
        html! { a class="button primary" href="/admin/account/new" { (icon(Icon::Plus)) (text.t("New account")) } };
    let heads = [
        Head::plain(text.t("Login")),
        Head::plain(text.t("Name")),
        Head::plain(text.t("State")),
        Head::number(text.t("Permissions")),
        Head::plain(text.t("Second step")),
        Head::plain(text.t("Last log-in")),
    ];
    let rows: Vec<Row> = accounts
        .iter()
        .map(|(account, grants, second)| Row {
            id: None,
            name: account.login.clone(),
            cells: vec![
                html! { a href={ "/admin/account/" (account.id) } { (account.login) } },
                html! { (account.name) },
                if account.disabled {
                    badge(Tone::Bad, text.t("Disabled"))
                } else {
                    badge(Tone::Good, text.t("Active"))
                },
                html! { (grants) },
                html! { @if *second { (badge(Tone::Good, text.t("On"))) } @else { (text.t("Off")) } },
                html! { @if let Some(at) = account.seen_at { (shell.format.time(at)) } },
            ],
        })
        .collect();
    let answers: Vec<(String, String)> =
        Must::ALL.iter().map(|must| (must.code().to_owned(), text.t(must.label()).to_owned())).collect();
    let content = html! {
        (heading(text.t("Accounts"), &new))
        (table(text, text.t("Accounts"), &heads, &rows, false))
        @if let Some(eyes) = eyes { (role(shell, eyes)) }
        section class="panel" {
            h2 { (text.t("Who must have the second step")) }
            p class="dim" { (text.t("Whoever must and has it not is led to their own account at the next page and can do nothing else until it is on. A passkey alone does not do: the password would stay a way in by itself.")) }
            form method="post" action="/admin/account/second" class="filter" {
                (Form::new(text, None).select(&Input { name: "must", label: text.t("Who"), value: must.code(), ..Input::default() }, &answers))
                button { (text.t("Save")) }
            }
        }
    };
    admin(shell, text.t("Accounts"), &[], &[], &content)
}

/// The form of permissions to see with: those that the reader has everywhere, what was chosen, and what was wrong.
pub struct Refused<'a> {
    /// What may be chosen.
    pub held: &'a [Permission],
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// Seeing the pages as somebody with certain permissions would.
fn role(shell: &Shell, of: &Refused<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    html! {
        details class="panel" open[of.refusal.is_some()] {
            summary { (icon(Icon::Person)) (text.t("See the pages as somebody with certain permissions")) }
            p class="dim" { (text.t("To try what to grant: the pages look as they would for somebody who holds these for the whole association. Nothing can be changed, and it ends after half an hour.")) }
            form method="post" action="/admin/account/eyes" class="form" {
                (form.summary())
                fieldset {
                    legend id="f-permissions" { (text.t("Permissions")) }
                    (form.error("permissions"))
                    div class="tick-grid" { @for permission in of.held {
                        div class="field tick" { label { input type="checkbox" name="permissions" value=(permission.code()); span { (text.t(permission.label())) } } }
                    } }
                }
                button { (text.t("See the pages so")) }
            }
        }
    }
}

/// Whether the pages can be seen as an account does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// The reader may not see as others.
    Closed,
    /// They can.
    Open,
    /// The account may more than the reader.
    Above,
}

fn sight(shell: &Shell, of: &Page<'_>, base: &str) -> Markup {
    let text = shell.text();
    html! {
        @if of.sight != Sight::Closed && !of.account.disabled {
            section class="panel" {
                h2 { (text.t("See as this account")) }
                @if of.sight == Sight::Open {
                    p class="dim" { (text.t("The pages look as they do for this account, for half an hour. Nothing can be changed or taken along meanwhile, and the audit log says that you looked.")) }
                    (post(&format!("{base}/eyes"), "", text.t("See the pages as this account does"), Icon::Person))
                } @else {
                    p class="dim" { (text.t("This account may more than you do. You can only see as somebody who may no more.")) }
                }
            }
        }
    }
}

/// The form of a new account.
pub fn create(shell: &Shell, name: &str, login: &str, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        h1 { (text.t("New account")) }
        (form.summary())
        form method="post" action="/admin/account/new" class="form panel" {
            (form.input(&Input { name: "name", label: text.t("Name"), value: name, required: true, max: 60, ..Input::default() }))
            (form.input(&Input { name: "login", label: text.t("Login"), value: login, required: true, max: 32, autocomplete: "off", help: text.t("3 to 32 letters a–z, digits, dots or hyphens"), ..Input::default() }))
            (form.input(&Input { name: "password", label: text.t("First password"), kind: "password", required: true, max: 128, autocomplete: "new-password", ..Input::default() }))
            (submit(text.t("Create"), Some((text.t("Cancel"), "/admin/account"))))
        }
    };
    admin(shell, text.t("New account"), &[(text.t("Accounts"), "/admin/account".into())], &[], &content)
}

/// A scope in words.
pub fn scope_label(shell: &Shell, scope: Scope, departments: &[Department], events: &[Event]) -> String {
    let text = shell.text();
    match scope {
        Scope::Space => text.t("The whole association").to_owned(),
        Scope::Own => text.t("What they made themselves").to_owned(),
        Scope::Department(id) => departments
            .iter()
            .find(|department| department.id == id)
            .map_or(String::new(), |department| department.name.clone()),
        Scope::Event(id) => {
            events.iter().find(|event| event.id == id).map_or(format!("#{id}"), |event| event.name.clone())
        }
    }
}

/// The value of a scope in the form.
pub fn scope_value(scope: Scope) -> String {
    match scope {
        Scope::Space => "space".into(),
        Scope::Own => "own".into(),
        Scope::Department(id) => format!("d{id}"),
        Scope::Event(id) => format!("e{id}"),
    }
}

/// One account.
pub struct Page<'a> {
    /// The account.
    pub account: &'a Account,
    /// What it holds.
    pub grants: &'a [Grant],
    /// Departments for scopes.
    pub departments: &'a [Department],
    /// Events for scopes.
    pub events: &'a [Event],
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
    /// Whether it is the reader's own.
    pub own: bool,
    /// Its sessions.
    pub sessions: &'a [Session],
    /// Whether a second step is asked for.
    pub second: bool,
    /// Whether the pages can be seen as it does.
    pub sight: Sight,
}

/// The page of one account.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/account/{}", of.account.id);
    let form = Form::new(text, of.refusal);
    let heads = [Head::plain(text.t("May")), Head::plain(text.t("Where")), Head::plain(text.t("Actions"))];
    let rows: Vec<Row> = of
        .grants
        .iter()
        .map(|grant| Row {
            id: None,
            name: grant.permission.code().into(),
            cells: vec![
                html! { (text.t(grant.permission.label())) },
                html! { (scope_label(shell, grant.scope, of.departments, of.events)) },
                post(&format!("{base}/grant/{}/revoke", grant.id), "quiet", text.t("Take back"), Icon::Cross),
            ],
        })
        .collect();
    let permissions: Vec<(String, String)> = Permission::ALL
        .iter()
        .map(|permission| (permission.code().to_owned(), text.t(permission.label()).to_owned()))
        .collect();
    let mut scopes = vec![Scope::Space, Scope::Own];
    scopes.extend(of.departments.iter().map(|department| Scope::Department(department.id)));
    scopes.extend(of.events.iter().map(|event| Scope::Event(event.id)));
    let scopes: Vec<(String, String)> = scopes
        .into_iter()
        .map(|scope| (scope_value(scope), scope_label(shell, scope, of.departments, of.events)))
        .collect();
    let content = html! {
        h1 { (of.account.name) " " @if of.account.disabled { (badge(Tone::Bad, text.t("Disabled"))) } }
        (form.summary())
        section class="panel" {
            h2 { (text.t("Permissions")) }
            p class="dim" { (text.t("What nobody granted is denied.")) }
            @if !rows.is_empty() { (table(text, text.t("Permissions"), &heads, &rows, false)) }
            form method="post" action={ (base) "/grant" } class="filter" {
                (form.select(&Input { name: "permission", label: text.t("May"), ..Input::default() }, &permissions))
                (form.select(&Input { name: "scope", label: text.t("Where"), ..Input::default() }, &scopes))
                button { (icon(Icon::Plus)) (text.t("Give")) }
            }
        }
        @if !of.own {
            (sight(shell, of, &base))
            (sessions(shell, of, &base))
            section class="panel" {
                h2 { (text.t("Second step")) " " @if of.second { (badge(Tone::Good, text.t("On"))) } @else { (badge(Tone::Warn, text.t("Off"))) } }
                @if of.second {
                    (confirm(&Confirm { label: text.t("Take the second step off"), warning: text.t("For somebody who lost the phone and the recovery codes. Make sure that it is them who ask. The password alone is enough from then on."), action: &format!("{base}/second/off"), verb: text.t("Take it off") }))
                } @else {
                    p class="dim" { (text.t("Each person switches it on for themselves, on the page of their own account.")) }
                }
            }
            section class="panel" {
                h2 { (text.t("New password")) }
                form method="post" action={ (base) "/password" } class="form" {
                    (form.input(&Input { name: "password", label: text.t("New password"), kind: "password", required: true, max: 128, autocomplete: "new-password", help: text.t("All sessions and passkeys of this account end."), ..Input::default() }))
                    button { (text.t("Set")) }
                }
                @if of.account.disabled { (post(&format!("{base}/enable"), "", text.t("Enable"), Icon::Check)) }
                @else { (confirm(&Confirm { label: text.t("Disable"), warning: text.t("The account is logged out everywhere and cannot log in."), action: &format!("{base}/disable"), verb: text.t("Disable the account") })) }
            }
        }
    };
    admin(shell, &of.account.name, &[(text.t("Accounts"), "/admin/account".into())], &[], &content)
}

fn sessions(shell: &Shell, of: &Page<'_>, base: &str) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Browser")),
        Head::plain(text.t("Address")),
        Head::plain(text.t("Since")),
        Head::plain(text.t("Last used")),
    ];
    let rows: Vec<Row> = of
        .sessions
        .iter()
        .map(|session| Row {
            id: None,
            name: domain::login::agent_name(&session.agent),
            cells: vec![
                super::own::browser(&session.agent),
                html! { (session.address) },
                html! { (shell.format.time(session.created_at)) },
                html! { (shell.format.time(session.seen_at)) },
            ],
        })
        .collect();
    html! {
        section class="panel" {
            h2 { (text.t("Logged in at")) }
            @if rows.is_empty() { p class="dim" { (text.t("Nowhere at the moment.")) } }
            @else {
                (table(text, text.t("Logged in at"), &heads, &rows, false))
                (post(&format!("{base}/session/end"), "", text.t("Log out everywhere"), Icon::Leave))
            }
        }
    }
}

//! Merchants for the platform: the list, one of them, the settings for all.

use crate::{
    Shell,
    component::{
        badge, empty,
        form::{Form, Input, submit},
        heading,
        icon::{Icon, icon},
        list::{Head, Row, query, table},
        notice, post, tabs,
    },
    format::count,
    layout::{Tone, admin},
    merchant::{account, fields},
};
use domain::{
    Merchant, MerchantPurge, MerchantSetting, Refusal, Time,
    merchant::{
        AGREEMENT_MAX, MerchantInput, MerchantState, NOTE_MAX, PURGE_DAYS_MAX, REASON_MAX, SettingInput, TITLE_MAX,
    },
};
use maud::{Markup, html};

/// How a state is shown.
pub fn tone(state: MerchantState) -> Tone {
    match state {
        MerchantState::Active => Tone::Good,
        MerchantState::Applied => Tone::Info,
        MerchantState::Frozen | MerchantState::Rejected => Tone::Bad,
        MerchantState::Closed => Tone::Plain,
    }
}

/// The list.
pub struct List<'a> {
    /// The merchants.
    pub merchants: &'a [Merchant],
    /// How many there are in each state.
    pub counts: &'a [(MerchantState, i64)],
    /// Only those of this state.
    pub state: Option<MerchantState>,
    /// Address of the merchants' login page.
    pub login: &'a str,
    /// What is decided for all of them.
    pub setting: &'a MerchantSetting,
}

/// The page.
pub fn list(shell: &Shell, of: &List<'_>) -> Markup {
    let text = shell.text();
    let actions = html! {
        a class="button" href="/admin/merchant/setting" { (icon(Icon::Settings)) (text.t("Merchant settings")) }
        a class="button primary" href="/admin/merchant/new" { (icon(Icon::Plus)) (text.t("New merchant")) }
    };
    let all: i64 = of.counts.iter().map(|(_, count)| count).sum();
    let label = |name: &str, number: i64| format!("{name} {}", count(number));
    let mut entries = vec![(label(text.t("All"), all), "/admin/merchant".to_owned(), of.state.is_none())];
    entries.extend(of.counts.iter().map(|(state, number)| {
        let to = query("/admin/merchant", &[("state", state.code())]);
        (label(text.t(state.label()), *number), to, of.state == Some(*state))
    }));
    let entries: Vec<(&str, String, bool)> =
        entries.iter().map(|(name, href, current)| (name.as_str(), href.clone(), *current)).collect();
    let heads = [
        Head::plain(text.t("Company")),
        Head::plain(text.t("Login")),
        Head::plain(text.t("Contact")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Charging")),
        Head::plain(text.t("Added on")),
    ];
    let rows: Vec<Row> = of.merchants.iter().map(|merchant| row(shell, merchant)).collect();
    let content = html! {
        (heading(text.t("Merchants"), &actions))
        section class="panel" {
            h2 { (text.t("Login address")) }
            p { code { (of.login) } " " button type="button" class="quiet" data-copy=(of.login) data-copied=(text.t("Copied")) hidden { (icon(Icon::Copy)) (text.t("Copy")) } }
            p class="dim" {
                (text.t("Send it to merchants.")) " "
                @if of.setting.open { (text.t("Merchants can register themselves there, and wait for review here.")) }
                @else { (text.t("Only you add merchants; registering is closed.")) }
            }
        }
        (tabs(text.t("States"), &entries))
        @if rows.is_empty() { (empty(text.t("No merchants here"), text.t("A merchant has events, people and accounts of its own, apart from yours."), Some((text.t("New merchant"), "/admin/merchant/new")))) }
        @else { (table(text, text.t("Merchants"), &heads, &rows, false)) }
    };
    admin(shell, text.t("Merchants"), &[], &[], &content)
}

fn row(shell: &Shell, merchant: &Merchant) -> Row {
    let text = shell.text();
    Row {
        id: None,
        name: merchant.name.clone(),
        cells: vec![
            html! { a href={ "/admin/merchant/" (merchant.id) } { (merchant.name) } },
            html! { (merchant.login) },
            html! { div { (merchant.contact) " " span class="dim num" { (domain::phone::local(&merchant.phone)) } } },
            badge(tone(merchant.state), text.t(merchant.state.label())),
            html! { @if merchant.charging { (text.t("Granted")) } @else { (text.t("Not granted")) } },
            html! { (shell.format.time(merchant.created_at)) },
        ],
    }
}

fn trail(shell: &Shell) -> [(&'static str, String); 1] {
    [(shell.text().t("Merchants"), "/admin/merchant".into())]
}

fn more(shell: &Shell, form: &Form<'_>, input: &MerchantInput) -> Markup {
    let text = shell.text();
    html! {
        (form.textarea(&Input { name: "note", label: text.t("Note"), value: &input.note, max: NOTE_MAX, ..Input::default() }, 3))
        (form.checkbox("charging", text.t("May charge for tickets. Otherwise its tickets are free, and it takes money outside of this system."), input.charging))
    }
}

/// The form of a new merchant.
pub fn create(shell: &Shell, input: &MerchantInput, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        h1 { (text.t("New merchant")) }
        (form.summary())
        form method="post" action="/admin/merchant/new" class="form panel" {
            (fields(shell, &form, input))
            (account(shell, &form, input))
            (more(shell, &form, input))
            (submit(text.t("Create"), Some((text.t("Cancel"), "/admin/merchant"))))
        }
    };
    admin(shell, text.t("New merchant"), &trail(shell), &[], &content)
}

/// One merchant.
pub struct Page<'a> {
    /// The merchant.
    pub merchant: &'a Merchant,
    /// How many events it has.
    pub events: usize,
    /// How many accounts it has.
    pub accounts: usize,
    /// What the form shows.
    pub input: &'a MerchantInput,
    /// Its own login page and its start page.
    pub address: Option<(&'a str, &'a str)>,
    /// How far its personal data are on their way out.
    pub purge: Option<MerchantPurge>,
    /// When they go by themselves.
    pub purge_at: Option<Time>,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The page of one merchant.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let merchant = of.merchant;
    let base = format!("/admin/merchant/{}", merchant.id);
    let form = Form::new(text, of.refusal);
    let content = html! {
        (heading(&merchant.name, &badge(tone(merchant.state), text.t(merchant.state.label()))))
        (form.summary())
        @if !merchant.reason.is_empty() { (notice(Tone::Warn, &text.f("Reason: {reason}", &[("reason", &merchant.reason)]))) }
        dl class="facts panel" {
            dt { (text.t("Login")) } dd { code { (merchant.login) } }
            dt { (text.t("Came by")) } dd { @if merchant.applied { (text.t("Registered themselves")) } @else { (text.t("Added by the platform")) } }
            dt { (text.t("Added on")) } dd { (shell.format.time(merchant.created_at)) }
            @if let Some((login, home)) = of.address {
                dt { (text.t("Events")) } dd { (of.events) }
                dt { (text.t("Accounts")) } dd { (of.accounts) }
                dt { (text.t("Log-in of its staff")) } dd { code { (login) } }
                dt { (text.t("Start page")) } dd { code { (home) } }
            }
        }
        (decisions(shell, &form, of, &base))
        // Of a merchant whose people are gone there is nothing to change.
        @if of.purge.is_none() {
            h2 { (text.t("Edit")) }
            form method="post" action=(base) class="form panel" {
                input type="hidden" name="revision" value=(merchant.revision);
                (fields(shell, &form, of.input))
                (more(shell, &form, of.input))
                (submit(text.t("Save"), None))
            }
        }
    };
    admin(shell, &merchant.name, &trail(shell), &[], &content)
}

/// What can be decided in the present state.
fn decisions(shell: &Shell, form: &Form<'_>, of: &Page<'_>, base: &str) -> Markup {
    let text = shell.text();
    let reason = |label: &str, help: &str| {
        form.input(&Input { name: "reason", label, help, required: true, max: REASON_MAX, ..Input::default() })
    };
    html! {
        @match of.merchant.state {
            MerchantState::Applied => {
                div class="columns" {
                    form method="post" action={ (base) "/approve" } class="form panel" {
                        h2 { (text.t("Approve")) }
                        (form.input(&Input { name: "login", label: text.t("Login"), value: &of.merchant.login, required: true, max: 32, help: text.t("As the applicant chose it; another one when it is taken."), ..Input::default() }))
                        button class="primary" { (icon(Icon::Check)) (text.t("Approve")) }
                    }
                    form method="post" action={ (base) "/reject" } class="form panel" {
                        h2 { (text.t("Turn down")) }
                        (reason(text.t("Reason"), text.t("The applicant reads it.")))
                        button class="danger" { (icon(Icon::Cross)) (text.t("Turn down")) }
                    }
                }
            }
            MerchantState::Active => {
                details class="panel" {
                    summary { (text.t("Freeze")) }
                    form method="post" action={ (base) "/freeze" } class="form" {
                        p { (text.t("Everybody of this merchant is logged out at once and cannot log in; its pages, tickets, terminals and screens are closed until it takes effect again.")) }
                        (reason(text.t("Reason"), ""))
                        button class="danger" { (icon(Icon::Warn)) (text.t("Freeze")) }
                    }
                }
                (new_password(shell, form, base)) (close(shell, form, of, base))
            }
            MerchantState::Frozen => {
                (post(&format!("{base}/restore"), "primary", text.t("Let it take effect"), Icon::Check))
                (new_password(shell, form, base)) (close(shell, form, of, base))
            }
            MerchantState::Closed => {
                @match of.purge.map(|purge| purge.done) {
                    Some(Some(done)) => (notice(Tone::Good, &text.f("This merchant is deleted, and its personal data were removed: {time}. Figures stay.", &[("time", &shell.format.time(done))]))),
                    Some(None) => (notice(Tone::Info, text.t("The personal data of this merchant are being removed. This goes on if you close the page."))),
                    None => {
                        (notice(Tone::Info, text.t("This merchant is deleted. Its pages are closed for everybody, and its data are kept on the box unchanged.")))
                        @if let Some(due) = of.purge_at { p { (text.f("Its personal data are removed by themselves: {time}.", &[("time", &shell.format.time(due))])) } }
                        (post(&format!("{base}/restore"), "", text.t("Bring it back, frozen"), Icon::Up))
                        (purge(shell, form, of, base))
                    },
                }
            }
            MerchantState::Rejected => {}
        }
    }
}

fn new_password(shell: &Shell, form: &Form<'_>, base: &str) -> Markup {
    let text = shell.text();
    html! {
        details class="panel" {
            summary { (text.t("Reset the password")) }
            form method="post" action={ (base) "/password" } class="form" {
                (form.input(&Input { name: "password", label: text.t("New password"), kind: "password", required: true, max: 128, autocomplete: "new-password", ..Input::default() }))
                button class="primary" { (text.t("Set the password")) }
            }
        }
    }
}

fn close(shell: &Shell, form: &Form<'_>, of: &Page<'_>, base: &str) -> Markup {
    let text = shell.text();
    html! {
        details class="panel" {
            summary { (text.t("Delete")) }
            form method="post" action={ (base) "/close" } class="form" {
                p { (icon(Icon::Warn)) (text.f("{events} events and {accounts} accounts are closed for everybody, and the login is free for another merchant. The data stay on the box and are part of every backup; you can bring the merchant back.", &[("events", &of.events), ("accounts", &of.accounts)])) }
                (form.input(&Input { name: "typed", label: &text.f("Type the name to confirm: {name}", &[("name", &of.merchant.name)]), required: true, max: 60, autocomplete: "off", ..Input::default() }))
                button class="danger" { (text.t("Delete")) }
            }
        }
    }
}

fn purge(shell: &Shell, form: &Form<'_>, of: &Page<'_>, base: &str) -> Markup {
    let text = shell.text();
    html! {
        details class="panel" open[form.refusal.is_some()] {
            summary { (text.t("Remove its personal data for good")) }
            form method="post" action={ (base) "/purge" } class="form" {
                p { (icon(Icon::Warn)) " " (text.t("Every event of this merchant is archived: names become initials, phone numbers, answers, uploads and messages go. Accounts, members, documents, pictures and settings are deleted, and so are contact, phone and note above. Figures stay. It cannot be undone, and the merchant cannot be brought back.")) }
                p class="dim" { (text.t("The audit log keeps its lines, in which names may stand. Backups made before keep what they held.")) }
                (form.input(&Input { name: "purge", label: &text.f("Type the name to confirm: {name}", &[("name", &of.merchant.name)]), required: true, max: 60, autocomplete: "off", ..Input::default() }))
                button class="danger" { (text.t("Remove all of it for good")) }
            }
        }
    }
}

/// The settings for all merchants.
pub fn setting(
    shell: &Shell,
    kept: &MerchantSetting,
    typed: Option<&SettingInput>,
    refusal: Option<&Refusal>,
) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let shown = SettingInput {
        auto_public: kept.auto_public,
        open: kept.open,
        title: kept.title.clone(),
        agreement: kept.agreement.clone(),
        purge_days: kept.purge_days.map_or(String::new(), |days| days.to_string()),
    };
    let shown = typed.unwrap_or(&shown);
    let picture = |name: &str, drop: &str, label: &str, remove: &str, of: Option<domain::PictureId>| {
        html! {
            @if let Some(id) = of { p { img class="logo large" src={ "/picture/" (id) } alt=(label); } (form.checkbox(drop, remove, false)) }
            (form.file(name, label, text.t("JPEG, PNG or WebP, at most 15 MB"), "image/jpeg,image/png,image/webp"))
        }
    };
    let content = html! {
        h1 { (text.t("Merchant settings")) }
        (form.summary())
        form method="post" action="/admin/merchant/setting" enctype="multipart/form-data" class="form panel" {
            input type="hidden" name="revision" value=(kept.revision);
            (form.checkbox("auto_public", text.t("Show merchants' events on our home page. Otherwise they are found by their QR codes and posters only."), shown.auto_public))
            (form.checkbox("open", text.t("Merchants may register themselves; you review each of them"), shown.open))
            fieldset {
                legend { (text.t("Login page")) }
                (form.input(&Input { name: "title", label: text.t("Title of the login page"), value: &shown.title, max: TITLE_MAX, help: text.t("Empty: the name of the application"), ..Input::default() }))
                (picture("logo", "no_logo", text.t("Logo"), text.t("Remove this logo"), kept.logo))
                (picture("background", "no_background", text.t("Background"), text.t("Remove this background"), kept.background))
            }
            (form.textarea(&Input { name: "agreement", label: text.t("Agreement"), value: &shown.agreement, max: AGREEMENT_MAX, help: text.t("Applicants read and accept it. Markdown."), ..Input::default() }, 12))
            (form.input(&Input { name: "purge_days", label: text.t("Remove personal data of deleted merchants after (days)"), value: &shown.purge_days, kind: "number", help: &text.f("1 to {max}. Empty: only by hand, on the page of the deleted merchant.", &[("max", &PURGE_DAYS_MAX)]), ..Input::default() }))
            (submit(text.t("Save"), Some((text.t("Back"), "/admin/merchant"))))
        }
    };
    admin(shell, text.t("Merchant settings"), &trail(shell), &[], &content)
}

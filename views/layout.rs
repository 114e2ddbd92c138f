//! The frames around pages: admin with its navigation, phone, terminal, and a bare card for log-in and set-up.

use crate::{
    asset::url,
    component::icon::{Icon, icon},
    format::Format,
    text::{Lang, Text},
};
use maud::{DOCTYPE, Markup, html};

/// How serious a notice or badge is; shown by icon and word too, never by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Done, open, admitted.
    Good,
    /// Look at this.
    Warn,
    /// Refused, failed.
    Bad,
    /// For information.
    Info,
    /// Nothing special.
    Plain,
}

impl Tone {
    /// Class suffix.
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Info => "info",
            Self::Plain => "plain",
        }
    }

    /// The icon that goes with it.
    pub fn icon(self) -> Icon {
        match self {
            Self::Good => Icon::Check,
            Self::Warn => Icon::Warn,
            Self::Bad => Icon::Cross,
            Self::Info | Self::Plain => Icon::Info,
        }
    }
}

/// A message above the page's content.
#[derive(Debug, Clone)]
pub struct Flash {
    /// How serious.
    pub tone: Tone,
    /// What it says, in the reader's language.
    pub text: String,
}

/// One entry of the navigation.
#[derive(Debug, Clone)]
pub struct NavEntry {
    /// English source text.
    pub label: &'static str,
    /// Where it leads.
    pub href: String,
    /// Its icon.
    pub icon: Icon,
    /// Whether the page lies below it.
    pub current: bool,
}

/// Whose eyes a page is seen with, when it is not its reader's own.
#[derive(Debug, Clone)]
pub struct Eyes {
    /// Name of the account; none: somebody with chosen permissions.
    pub name: Option<String>,
    /// When it ends.
    pub until: domain::Time,
    /// Where it is ended.
    pub end: &'static str,
}

/// What every page is framed with.
#[derive(Debug, Clone)]
pub struct Shell {
    /// Texts, zone.
    pub format: Format,
    /// Name of the application: its own, or the association's.
    pub space: String,
    /// The application's logo, when it has one of its own.
    pub logo: Option<u64>,
    /// Name of whoever is logged in.
    pub user: Option<String>,
    /// Navigation of the admin pages.
    pub nav: Vec<NavEntry>,
    /// Message above the content.
    pub flash: Option<Flash>,
    /// Path of the page, for coming back after a change of language.
    pub path: String,
    /// Nothing may cost money here: forms have no prices.
    pub free: bool,
    /// Whose eyes the page is seen with.
    pub eyes: Option<Eyes>,
    /// The page is one of the first steps, and that step is due.
    pub start: Option<domain::start::Place>,
}

impl Shell {
    /// Texts.
    pub fn text(&self) -> Text {
        self.format.text
    }
}

/// Where a page lies: labels with addresses, from the outside in; the page itself is not among them.
pub type Trail<'a> = &'a [(&'a str, String)];

fn document(shell: &Shell, face: &str, title: &str, modules: &[&str], body: &Markup) -> Markup {
    headed(shell, face, title, modules, &html! {}, body)
}

/// What stands on every page that is seen with other eyes.
fn eyes(shell: &Shell) -> Markup {
    let text = shell.text();
    html! {
        @if let Some(eyes) = &shell.eyes {
            section class="eyes" aria-label=(text.t("Seeing as somebody else")) {
                p {
                    (icon(Icon::Person))
                    @match &eyes.name {
                        Some(name) => (text.f("You see the pages as “{name}” does, until {time}. Nothing can be changed.", &[("name", name), ("time", &shell.format.clock(eyes.until))])),
                        None => (text.f("You see the pages as somebody with the chosen permissions does, until {time}. Nothing can be changed.", &[("time", &shell.format.clock(eyes.until))])),
                    }
                }
                form method="post" action=(eyes.end) class="inline" { button { (icon(Icon::Cross)) (text.t("End it")) } }
            }
        }
    }
}

/// A document with more in its head: what a shared link shows, the size of paper.
fn headed(shell: &Shell, face: &str, title: &str, modules: &[&str], head: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(shell.text().0.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (shell.space) }
                @match shell.logo {
                    Some(logo) => link rel="icon" href={ "/logo?v=" (logo) } type="image/png";,
                    None => link rel="icon" href=(url("logo.svg")) type="image/svg+xml";,
                }
                link rel="stylesheet" href=(url("app.css"));
                @if face == "stage" { link rel="stylesheet" href=(url("stage.css")); }
                @if face == "terminal" { link rel="manifest" href="/terminal/manifest.webmanifest" crossorigin="use-credentials"; }
                @for module in ["app.js"].iter().chain(modules) {
                    script type="module" src=(url(module)) {}
                }
                (head)
            }
            body class=(face) { (eyes(shell)) (body) }
        }
    }
}

/// The logo beside the application's name.
fn brand(shell: &Shell) -> Markup {
    match shell.logo {
        Some(logo) => html! { img class="logo" src={ "/logo?v=" (logo) } alt=""; },
        None => icon(Icon::Hall),
    }
}

fn language_switch(shell: &Shell) -> Markup {
    let other = if shell.text().0 == Lang::Zh { Lang::En } else { Lang::Zh };
    html! {
        form method="post" action="/language" class="inline" {
            input type="hidden" name="lang" value=(other.tag());
            input type="hidden" name="back" value=(shell.path);
            button class="quiet" lang=(other.tag()) { (icon(Icon::Globe)) (other.name()) }
        }
    }
}

fn flash(shell: &Shell) -> Markup {
    html! {
        @if let Some(flash) = &shell.flash { (crate::component::notice(flash.tone, &flash.text)) }
    }
}

/// The search box of every page of the secretariat; `/` leads to it.
fn search_box(shell: &Shell) -> Markup {
    let text = shell.text();
    html! {
        form class="search" role="search" method="get" action="/admin/search" data-search="/admin/search/suggest" data-found=(text.t("{count} suggestions")) {
            div {
                (icon(Icon::Search))
                input type="search" name="q" maxlength="200" autocomplete="off" spellcheck="false" placeholder=(text.t("Search")) aria-label=(text.t("Search everything")) role="combobox" aria-autocomplete="list" aria-expanded="false" aria-controls="suggestions";
                kbd aria-hidden="true" { "/" }
            }
            ul id="suggestions" role="listbox" aria-label=(text.t("Finds")) hidden {}
            span class="visually-hidden" role="status" {}
        }
    }
}

/// A page of the secretariat.
pub fn admin(shell: &Shell, title: &str, trail: Trail<'_>, modules: &[&str], content: &Markup) -> Markup {
    let text = shell.text();
    let body = html! {
        a class="skip" href="#content" { (text.t("Skip to the content")) }
        header class="bar" {
            a class="brand" href="/admin" { (brand(shell)) span { (shell.space) } }
            @if shell.user.is_some() { (search_box(shell)) }
            div class="bar-end" {
                (language_switch(shell))
                @if let Some(user) = &shell.user {
                    a class="quiet" href="/admin/session" { (icon(Icon::Person)) span class="wide-only" { (user) } span class="narrow-only visually-hidden" { (user) } }
                    form method="post" action="/logout" class="inline" { button class="quiet" { (icon(Icon::Leave)) span class="wide-only" { (text.t("Log out")) } span class="narrow-only visually-hidden" { (text.t("Log out")) } } }
                }
            }
        }
        div class="frame" {
            nav class="side" aria-label=(text.t("Main navigation")) {
                ul {
                    @for entry in &shell.nav {
                        li { a href=(entry.href) aria-current=[entry.current.then_some("page")] { (icon(entry.icon)) span { (text.t(entry.label)) } } }
                    }
                }
            }
            main id="content" {
                @if !trail.is_empty() {
                    nav class="trail" aria-label=(text.t("You are here")) {
                        ol { @for (label, href) in trail { li { a href=(href) { (label) } } } }
                    }
                }
                @if let Some(place) = &shell.start { (crate::admin::start::strip(shell, place)) }
                (flash(shell))
                (content)
            }
        }
    };
    let modules: Vec<&str> = std::iter::once("search.js").chain(modules.iter().copied()).collect();
    document(shell, "admin", title, &modules, &body)
}

/// A page for phones: one column.
pub fn phone(shell: &Shell, title: &str, modules: &[&str], content: &Markup) -> Markup {
    phone_headed(shell, title, modules, &html! {}, content)
}

/// As [`phone`], with more in its head.
pub fn phone_headed(shell: &Shell, title: &str, modules: &[&str], head: &Markup, content: &Markup) -> Markup {
    let text = shell.text();
    let body = html! {
        header class="bar" {
            a class="brand" href="/" { (brand(shell)) span { (shell.space) } }
            div class="bar-end" { (language_switch(shell)) }
        }
        main id="content" { (flash(shell)) (content) }
        footer class="foot" {
            a href="/my" { (icon(Icon::Calendar)) (text.t("My events")) }
            a href="/ticket/find" { (icon(Icon::Ticket)) (text.t("Find my ticket")) }
        }
    };
    headed(shell, "phone", title, modules, head, &body)
}

/// A part of somebody else's page: nothing but the content.
pub fn part(shell: &Shell, title: &str, content: &Markup) -> Markup {
    let body = html! { main id="content" { h1 class="visually-hidden" { @if title.is_empty() { (shell.space) } @else { (title) } } (content) } };
    document(shell, "phone", title, &[], &body)
}

/// A card in the middle: log-in, set-up, pairing.
pub fn bare(shell: &Shell, title: &str, content: &Markup) -> Markup {
    bare_with(shell, title, &[], content)
}

/// As [`bare`], with modules.
pub fn bare_with(shell: &Shell, title: &str, modules: &[&str], content: &Markup) -> Markup {
    let body = html! {
        header class="bar" {
            span class="brand" { (brand(shell)) span { (shell.space) } }
            div class="bar-end" { (language_switch(shell)) }
        }
        main id="content" class="card-page" { (flash(shell)) (content) }
    };
    document(shell, "bare", title, modules, &body)
}

/// A page that fills the screen: a terminal, a gate's screen, a code.
pub fn full(shell: &Shell, title: &str, modules: &[&str], content: &Markup) -> Markup {
    document(shell, "terminal", title, modules, content)
}

/// A big screen for the audience.
pub fn stage(shell: &Shell, title: &str, modules: &[&str], content: &Markup) -> Markup {
    document(shell, "stage", title, modules, content)
}

/// As [`full`], with more in its head.
pub fn full_headed(shell: &Shell, title: &str, modules: &[&str], head: &Markup, content: &Markup) -> Markup {
    headed(shell, "terminal", title, modules, head, content)
}

/// The size of the paper that a page is printed on, in tenths of a millimetre; goes into its head.
pub fn paper_size((width, height): (i32, i32)) -> Markup {
    html! { link rel="stylesheet" href={ "/page.css?w=" (width) "&h=" (height) }; }
}

/// Sheets of paper of that size for the printer, each a drawing; `tools` stand above them on the screen.
pub fn paper(shell: &Shell, title: &str, size: (i32, i32), tools: &Markup, sheets: &[String]) -> Markup {
    let text = shell.text();
    let body = html! {
        header class="sheet-bar no-print" {
            h1 { (title) }
            div class="row" {
                (tools)
                button class="primary" data-print { (icon(Icon::Print)) (text.t("Print")) }
            }
        }
        main id="content" class="papers" {
            @for sheet in sheets { div class="page" { (crate::component::safe(sheet.clone())) } }
        }
    };
    headed(shell, "sheet paper", title, &[], &paper_size(size), &body)
}

/// A sheet for the printer.
pub fn sheet(shell: &Shell, title: &str, content: &Markup) -> Markup {
    let text = shell.text();
    let body = html! {
        header class="sheet-bar no-print" {
            h1 { (title) }
            button class="primary" data-print { (icon(Icon::Print)) (text.t("Print")) }
        }
        main id="content" { (content) }
    };
    document(shell, "sheet", title, &[], &body)
}

//! Winners and prizes: the list, handing out by what a winner shows, the log.

use super::{
    base,
    run::{name, shown_field},
};
use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        badge,
        icon::{Icon, icon},
        list::{Head, Row, query, table},
        notice, tabs,
    },
    format::phone,
    layout::Tone,
};
use domain::{Draw, Event, draw::Win};
use maud::{Markup, html};

/// A win as the secretariat sees it.
pub struct WinLine<'a> {
    /// The win.
    pub win: &'a Win,
    /// Prize with its level.
    pub prize: String,
    /// Phone numbers in full.
    pub full: bool,
}

/// Which wins the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// All.
    All,
    /// Not handed out yet.
    Open,
    /// Handed out: the log.
    Out,
    /// Taken back.
    Void,
}

impl Show {
    /// Every choice with its code and English source text.
    pub const ALL: &[(Self, &str, &str)] = &[
        (Self::All, "", "All"),
        (Self::Open, "open", "Not handed out yet"),
        (Self::Out, "out", "Hand-out log"),
        (Self::Void, "void", "Voided"),
    ];

    /// The choice of that code.
    pub fn parse(code: &str) -> Self {
        Self::ALL.iter().find(|choice| choice.1 == code).map_or(Self::All, |choice| choice.0)
    }

    /// Whether it shows a win.
    pub fn takes(self, win: &Win) -> bool {
        match self {
            Self::All => true,
            Self::Open => win.void.is_none() && win.claim.is_none(),
            Self::Out => win.claim.is_some(),
            Self::Void => win.void.is_some(),
        }
    }
}

fn state(shell: &Shell, win: &Win) -> Markup {
    let text = shell.text();
    html! {
        @if let Some(void) = &win.void { (badge(Tone::Bad, text.t("Voided"))) " " span class="dim" { (void.reason) " · " (void.by) " · " (shell.format.short(void.at)) } }
        @else if let Some(claim) = &win.claim { (badge(Tone::Good, text.t("Handed out"))) " " span class="dim" { (claim.by) " · " (shell.format.short(claim.at)) " · " (text.t(claim.shown.label())) } }
        @else { (badge(Tone::Plain, text.t("Not handed out yet"))) }
    }
}

fn how(shell: &Shell, win: &Win) -> Markup {
    let text = shell.text();
    html! { @if win.assigned { (badge(Tone::Info, text.t("Assigned, not drawn"))) } @else { (text.f("Turn {turn}", &[("turn", &win.turn)])) } }
}

/// The list of winners (S0-73).
pub fn list(shell: &Shell, event: &Event, draw: &Draw, show: Show, rows: &[WinLine<'_>], may: (bool, bool)) -> Markup {
    let text = shell.text();
    let (may_run, may_export) = may;
    let base = base(event, draw.id);
    let entries: Vec<(&str, String, bool)> = Show::ALL
        .iter()
        .map(|(of, code, label)| (text.t(label), query(&format!("{base}/win"), &[("show", code)]), *of == show))
        .collect();
    let heads = [
        Head::plain(text.t("Prize")),
        Head::plain(text.t("Name")),
        Head::plain(text.t("Lucky number")),
        Head::plain(text.t("Phone")),
        Head::plain(text.t("How")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Actions")),
    ];
    let lines: Vec<Row> = rows.iter().map(|of| line(shell, &base, of, may_run)).collect();
    let content = html! {
        div class="heading" {
            h2 { (draw.name) " · " (text.t("Winners and prizes")) }
            div class="actions" {
                @if may_run { a class="button primary" href={ (base) "/claim" } { (icon(Icon::Check)) (text.t("Hand out")) } }
                @if may_export { a class="button" href={ (base) "/win/export.xlsx" } { (icon(Icon::Export)) (text.t("Export as Excel")) } a class="button" href={ (base) "/win/export.csv" } { (text.t("Export as CSV")) } }
                a class="button" href=(base) { (text.t("Back")) }
            }
        }
        (tabs(text.t("Which winners"), &entries))
        @if lines.is_empty() { p class="dim" { (text.t("Nothing found")) } } @else { (table(text, text.t("Winners and prizes"), &heads, &lines, false)) }
    };
    event_page(shell, event, Tab::Draw, &[], &content)
}

fn line(shell: &Shell, base: &str, of: &WinLine<'_>, may_run: bool) -> Row {
    let (text, win) = (shell.text(), of.win);
    let at = format!("{base}/win/{}", win.number);
    Row {
        id: None,
        name: win.name.clone(),
        cells: vec![
            html! { (of.prize) " " span class="dim" { "#" (win.place) } },
            html! { (name(shell, win)) @if !win.company.is_empty() { br; span class="dim" { (win.company) } } },
            html! { code { (win.lucky) } },
            html! { @if let Some(number) = &win.phone { (phone(number, of.full)) } },
            how(shell, win),
            state(shell, win),
            html! {
                @if may_run && win.void.is_none() {
                    @if win.claim.is_some() { form method="post" action={ (at) "/unclaim" } class="inline" { button aria-label={ (text.t("Was not handed out")) " " (win.name) } { (text.t("Was not handed out")) } } }
                    @else { (hand_out(shell, &at, win, "list", "")) }
                }
            },
        ],
    }
}

fn hand_out(shell: &Shell, at: &str, win: &Win, shown: &str, typed: &str) -> Markup {
    let text = shell.text();
    html! {
        form method="post" action={ (at) "/claim" } class="inline" {
            input type="hidden" name="shown" value=(shown);
            input type="hidden" name="q" value=(typed);
            button class="primary" aria-label={ (text.t("Hand out")) " " (name(shell, win)) } { (icon(Icon::Check)) (text.t("Hand out")) }
        }
    }
}

/// What was found by what somebody showed.
pub struct FoundPage<'a> {
    /// The event.
    pub event: &'a Event,
    /// The draw.
    pub draw: &'a Draw,
    /// What was scanned or typed.
    pub typed: &'a str,
    /// Name of whoever showed it.
    pub name: &'a str,
    /// Code of what it was.
    pub shown: &'a str,
    /// Their wins; none when nothing was asked.
    pub wins: Option<&'a [WinLine<'a>]>,
    /// What was wrong.
    pub wrong: Option<String>,
    /// How many prizes wait.
    pub open: usize,
}

/// Handing out: scan or type, see the prizes, press.
pub fn claim(shell: &Shell, of: &FoundPage<'_>) -> Markup {
    let text = shell.text();
    let base = base(of.event, of.draw.id);
    let content = html! {
        div class="heading" { h2 { (of.draw.name) " · " (text.t("Hand out")) } a class="button" href={ (base) "/win?show=open" } { (text.f("{count} not handed out yet", &[("count", &of.open)])) } }
        form method="get" action={ (base) "/claim" } class="form panel" {
            (shown_field(shell, ""))
            div class="row" { button class="primary" { (icon(Icon::Search)) (text.t("Find")) } }
        }
        @if let Some(wrong) = &of.wrong { (notice(Tone::Bad, wrong)) }
        @if let Some(wins) = of.wins {
            section class="panel" {
                h3 { @if of.name.is_empty() { (of.typed) } @else { (of.name) } }
                @if wins.is_empty() { (notice(Tone::Warn, text.t("No prize was won with this."))) }
                ul class="people" {
                    @for line in wins {
                        @let win = line.win;
                        li {
                            div { strong { (line.prize) } br; (name(shell, win)) " " span class="dim" { (win.lucky) @if let Some(number) = &win.phone { " · " (phone(number, line.full)) } } br; (how(shell, win)) " " (state(shell, win)) }
                            @if win.void.is_none() && win.claim.is_none() { (hand_out(shell, &format!("{base}/win/{}", win.number), win, of.shown, of.typed)) }
                        }
                    }
                }
            }
        }
    };
    event_page(shell, of.event, Tab::Draw, &[], &content)
}

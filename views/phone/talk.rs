//! The agenda on the invitation, choosing talks, and a series' page.

use crate::{
    Shell,
    component::{
        badge, empty,
        form::{Form, submit},
        icon::{Icon, icon},
        notice,
        rich::{Written, rich},
    },
    layout::{Tone, phone},
    phone::event::cover,
};
use domain::{Event, Refusal, Series, Talk, TalkId, talk::left};
use maud::{Markup, html};

/// Talks by day: the day's date and its talks.
fn days<'a, T>(shell: &Shell, rows: &'a [T], talk: impl Fn(&T) -> &Talk) -> Vec<(String, Vec<&'a T>)> {
    let mut days: Vec<(String, Vec<&T>)> = Vec::new();
    for row in rows {
        let day = shell.format.date(talk(row).time.from);
        match days.last_mut().filter(|(last, _)| *last == day) {
            Some((_, rows)) => rows.push(row),
            None => days.push((day, vec![row])),
        }
    }
    days
}

fn facts(shell: &Shell, talk: &Talk) -> Markup {
    html! {
        span class="when" { (shell.format.clock(talk.time.from)) "–" (shell.format.clock(talk.time.to)) }
        strong { (talk.title) }
        @if !talk.speaker.is_empty() || !talk.room.is_empty() { span class="dim" { (talk.speaker) @if !talk.speaker.is_empty() && !talk.room.is_empty() { " · " } (talk.room) } }
        @if !talk.intro.is_empty() { span class="dim lines" { (talk.intro) } }
    }
}

/// The agenda as a part of a page; nothing without talks.
pub fn agenda(shell: &Shell, talks: &[Talk]) -> Markup {
    html! {
        @if !talks.is_empty() {
            section class="agenda" {
                h2 { (shell.text().t("Agenda")) }
                @for (day, rows) in days(shell, talks, |talk| talk) {
                    h3 { (day) }
                    ol { @for talk in rows { li { (facts(shell, talk)) } } }
                }
            }
        }
    }
}

/// The way from an event to its series.
pub fn series_link(shell: &Shell, of: &Series) -> Markup {
    html! { p { a href={ "/series/" (of.id) } { (icon(Icon::Branch)) " " (shell.text().f("Part of the series “{title}”", &[("title", &of.title)])) } } }
}

/// Choosing talks.
pub struct Choose<'a> {
    /// The event.
    pub event: &'a Event,
    /// Address of the ticket.
    pub ticket: &'a str,
    /// Talks with how many chose each.
    pub rows: &'a [(Talk, i64)],
    /// What was chosen or ticked.
    pub chosen: &'a [TalkId],
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The page.
pub fn choose(shell: &Shell, of: &Choose<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let content = html! {
        h1 { (text.t("My talks")) }
        p class="dim" { (of.event.name) }
        (form.summary())
        form method="post" action={ (of.ticket) "/talk" } class="form agenda" {
            @for (day, rows) in days(shell, of.rows, |row| &row.0) {
                fieldset {
                    legend { (day) }
                    @for (talk, taken) in rows {
                        @let ticked = of.chosen.contains(&talk.id);
                        @let left = left(talk, *taken);
                        label class="choice" {
                            @if talk.chosen { input type="checkbox" name="talk" value=(talk.id) checked[ticked] disabled[left == Some(0) && !ticked]; } @else { (icon(Icon::Clock)) }
                            span class="stack-tight" { (facts(shell, talk)) }
                            span class="num" {
                                @match (talk.chosen, left) {
                                    (false, _) => (badge(Tone::Plain, text.t("Open to all"))),
                                    (true, Some(0)) => (badge(Tone::Plain, text.t("Full"))),
                                    (true, Some(left)) => span class="dim" { (text.f("{count} left", &[("count", &left)])) },
                                    (true, None) => "",
                                }
                            }
                        }
                    }
                }
            }
            (submit(text.t("Save my choice"), Some((text.t("Back"), of.ticket))))
        }
    };
    phone(shell, text.t("My talks"), &[], &content)
}

/// Where nobody can choose.
pub fn closed(shell: &Shell, event: &Event, ticket: &str, talks: &[Talk]) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (text.t("Agenda")) }
        p class="dim" { (event.name) }
        (notice(Tone::Info, text.t("Talks cannot be chosen at the moment.")))
        (agenda(shell, talks))
        p { a class="button" href=(ticket) { (icon(Icon::Ticket)) (text.t("My ticket")) } }
    };
    phone(shell, text.t("Agenda"), &[], &content)
}

/// A series with its events: those that come, then those that are over.
pub fn series(shell: &Shell, of: &Series, coming: &[Event], over: &[Event]) -> Markup {
    let text = shell.text();
    let row = |event: &Event| {
        html! {
            a class="event-row" href={ "/event/" (event.id) } {
                (cover(&event.cover, ""))
                div class="text" {
                    h3 { (event.name) }
                    p class="dim" { (icon(Icon::Clock)) " " (shell.format.window(&event.time)) }
                    @let venue = event.venue.line();
                    @if !venue.is_empty() { p class="dim" { (icon(Icon::Place)) " " (venue) } }
                }
            }
        }
    };
    let content = html! {
        h1 { (of.title) }
        @if !of.intro.is_empty() { (rich(&of.intro, Written::Markdown)) }
        @if coming.is_empty() && over.is_empty() { (empty(text.t("No events at the moment"), text.t("Come back later: new events appear here."), None)) }
        @if !coming.is_empty() { section class="home-part" { h2 { (text.t("Coming")) } @for event in coming { (row(event)) } } }
        @if !over.is_empty() { section class="home-part" { h2 { (text.t("Over")) } @for event in over { (row(event)) } } }
    };
    phone(shell, &of.title, &[], &content)
}

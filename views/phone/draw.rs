//! A draw on somebody's own phone: lucky number, prizes, winners, tapping, messages; joining; and the page that checks the record.

use crate::{
    Shell,
    admin::draw::run::public_name,
    component::{
        badge, empty,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        notice,
    },
    layout::{Tone, phone},
};
use domain::{
    Draw, Event, Refusal,
    draw::{MESSAGE_MAX, Moderation, Report, Win},
};
use maud::{Markup, html};
use serde_json::json;

/// Somebody that this phone is.
pub struct Holder {
    /// Name.
    pub name: String,
    /// Lucky number.
    pub lucky: String,
    /// Takes part, as things stand.
    pub takes_part: bool,
    /// What became of their picture.
    pub face: Option<Moderation>,
}

/// A win as phones show it.
pub struct WinLine<'a> {
    /// The win.
    pub win: &'a Win,
    /// Prize with its level.
    pub prize: String,
}

/// What a phone shows of a draw.
pub struct Page<'a> {
    /// The draw.
    pub draw: &'a Draw,
    /// Its event.
    pub event: &'a Event,
    /// Who this phone is.
    pub known: &'a [Holder],
    /// Their prizes.
    pub wins: &'a [WinLine<'a>],
    /// All winners.
    pub winners: &'a [WinLine<'a>],
    /// Names roll.
    pub rolling: bool,
    /// Version of the state.
    pub version: u64,
    /// What was wrong with a message.
    pub refusal: Option<&'a Refusal>,
    /// The message as it was typed.
    pub typed: &'a str,
}

/// What a phone shows of a draw. Its module replaces the parts when the draw moves on.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let at = format!("/draw/{}", of.draw.id);
    let texts = json!({ "taken": text.t("Your tap counts."), "enough": text.t("Enough taps. Look at the screen!"), "lost": text.t("Not connected. Trying again …"), "table": text.t("Table {n}"), "assigned": text.t("Assigned, not drawn") });
    let numbers = of.known.iter().map(|holder| holder.lucky.as_str()).collect::<Vec<_>>().join(" ");
    let content = html! {
        h1 { (of.draw.name) }
        p class="dim" { (of.event.name) }
        div data-draw data-at=(at) data-version=(of.version) data-numbers=(numbers) data-wins=(of.winners.len()) data-texts=(texts) {
            p class="dim" role="status" data-said {}
            section data-part="mine" class="stack" { (mine(shell, of)) (tapping(shell, of, &at)) }
        }
        @if of.draw.messages && !of.known.is_empty() { (message(shell, of, &at)) }
        @if of.draw.photos && !of.known.is_empty() { (face(shell, of, &at)) }
        section class="stack" data-part="winners" { (winners(shell, of)) }
        a class="button" href={ (at) "/verify" } { (icon(Icon::Key)) (text.t("Check the record")) }
    };
    phone(shell, &of.draw.name, &["draw.js"], &content)
}

fn mine(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    html! {
        @if of.known.is_empty() {
            (notice(Tone::Info, text.t("This phone does not know you yet. Open your ticket on it, or scan the draw's code.")))
            a class="button" href="/ticket/find" { (icon(Icon::Ticket)) (text.t("Find my ticket")) }
        }
        @for holder in of.known {
            div class="panel lucky" {
                p class="dim" { (holder.name) " · " (text.t("My lucky number")) }
                p class="who num-big" { (holder.lucky) }
                @if holder.takes_part { (badge(Tone::Good, text.t("Takes part"))) } @else { (badge(Tone::Warn, text.t("Does not take part yet: check in first, or scan the draw's code"))) }
            }
        }
        @if !of.wins.is_empty() {
            h2 { (text.t("My prizes")) }
            ul class="people" {
                @for line in of.wins {
                    li class="prize" {
                        div { strong { (line.prize) } br; @if line.win.assigned { (badge(Tone::Info, text.t("Assigned, not drawn"))) } @else { span class="dim" { (shell.format.time(line.win.at)) } } }
                        @if line.win.claim.is_some() { (badge(Tone::Good, text.t("Handed out"))) } @else { (badge(Tone::Warn, text.t("Show your ticket to get it"))) }
                    }
                }
            }
        }
    }
}

fn tapping(shell: &Shell, of: &Page<'_>, at: &str) -> Markup {
    let text = shell.text();
    html! {
        @if of.known.iter().any(|holder| holder.takes_part) {
            form method="post" action={ (at) "/tap" } class="tap" data-tap hidden[!of.rolling] {
                input type="hidden" name="value" value="";
                button class="primary wide tap-button" { (text.t("Tap! Your tap is part of the chance")) }
            }
        }
    }
}

fn message(shell: &Shell, of: &Page<'_>, at: &str) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    html! {
        form method="post" action={ (at) "/message" } class="form panel" {
            (form.input(&Input { name: "message", label: text.t("Message to the screen"), value: of.typed, required: true, max: MESSAGE_MAX, autocomplete: "off", ..Input::default() }))
            div class="row" { button { (text.t("Send")) } }
        }
    }
}

fn face(shell: &Shell, of: &Page<'_>, at: &str) -> Markup {
    let text = shell.text();
    let form = Form::new(text, None);
    let state = of.known.first().and_then(|holder| holder.face);
    html! {
        details class="panel" {
            summary { (text.t("My picture for the screen")) @match state { Some(Moderation::Waiting) => { " " (badge(Tone::Warn, text.t("Waiting"))) } Some(Moderation::Shown) => { " " (badge(Tone::Good, text.t("Shown"))) } Some(Moderation::Hidden) => { " " (badge(Tone::Plain, text.t("Hidden"))) } None => {} } }
            form method="post" action={ (at) "/face" } enctype="multipart/form-data" class="form" {
                (form.file("face", text.t("Picture of yourself"), text.t("JPEG, PNG or WebP, at most 8 MB"), "image/jpeg,image/png,image/webp"))
                div class="row" { button { (text.t("Send")) } }
            }
        }
    }
}

fn winners(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    html! {
        h2 { (text.t("Winners' list")) }
        @if of.winners.is_empty() { p class="dim" data-none { (text.t("Nobody has won yet.")) } ul class="people" data-winners hidden {} }
        @else {
            ul class="people" data-winners {
                @for line in of.winners.iter().take(500) {
                    li data-n=(line.win.number) {
                        div { strong { (public_name(shell, of.draw, line.win)) } @if line.win.who.is_some() { " " span class="dim num" { (line.win.lucky) } } br; span class="dim" { (line.prize) } }
                        @if line.win.assigned { (badge(Tone::Info, text.t("Assigned, not drawn"))) }
                    }
                }
            }
        }
    }
}

/// A ticket that this phone holds.
pub struct Held {
    /// Its link.
    pub link: String,
    /// Name on it.
    pub name: String,
}

/// The page that a scanned code opens.
pub struct JoinPage<'a> {
    /// The draw.
    pub draw: &'a Draw,
    /// Its event.
    pub event: &'a Event,
    /// The code.
    pub code: &'a str,
    /// Tickets of the event that this phone holds.
    pub held: &'a [Held],
    /// What stands in the form: name and phone.
    pub typed: (&'a str, &'a str),
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// Joining a draw: a button for each ticket that this phone holds, or name and phone.
pub fn join(shell: &Shell, of: &JoinPage<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let content = html! {
        h1 { (of.draw.name) }
        p class="dim" { (of.event.name) }
        (form.summary())
        @for held in of.held {
            form method="post" action="/draw/join" class="form panel" {
                input type="hidden" name="code" value=(of.code);
                input type="hidden" name="link" value=(held.link);
                p { strong { (held.name) } }
                button class="primary" { (icon(Icon::Check)) (text.t("Take part")) }
            }
        }
        @if of.held.is_empty() { a class="button" href="/ticket/find" { (icon(Icon::Ticket)) (text.t("I have a ticket: find it first")) } }
        @if of.draw.strangers {
            details class="panel" open[of.held.is_empty()] {
                summary { (text.t("I have no ticket")) }
                form method="post" action="/draw/join" class="form" {
                    input type="hidden" name="code" value=(of.code);
                    (form.input(&Input { name: "name", label: text.t("Name"), value: of.typed.0, required: true, max: 60, autocomplete: "name", ..Input::default() }))
                    (form.input(&Input { name: "phone", label: text.t("Phone"), value: of.typed.1, required: true, kind: "tel", max: 30, autocomplete: "tel", ..Input::default() }))
                    (submit(text.t("Take part"), None))
                }
            }
        } @else if of.held.is_empty() { (notice(Tone::Info, text.t("Only people with a ticket of this event take part. Open your ticket on this phone first."))) }
    };
    phone(shell, text.t("Take part"), &[], &content)
}

/// Where somebody stands in one list.
pub struct OwnLine {
    /// The turn.
    pub turn: u32,
    /// Place in the list, counted from 1, and how many there are; none when they were not on it.
    pub index: Option<u32>,
    /// Entries of the list.
    pub count: u32,
    /// What was hashed, with which salt, and what it came to.
    pub hashed: (String, String, String),
}

/// The page that checks a record.
pub struct VerifyPage<'a> {
    /// The draw.
    pub draw: &'a Draw,
    /// Its event.
    pub event: &'a Event,
    /// What the check came to.
    pub report: &'a Report,
    /// Where this phone's holders stand.
    pub own: &'a [(String, Vec<OwnLine>)],
}

/// The page that checks a record.
pub fn verify(shell: &Shell, of: &VerifyPage<'_>) -> Markup {
    let text = shell.text();
    let (drawn, assigned) = of.report.counts();
    let content = html! {
        h1 { (text.t("Check the record")) }
        p class="dim" { (of.event.name) " · " (of.draw.name) }
        @if of.report.problems.is_empty() { (notice(Tone::Good, &text.f("Everything fits: {drawn} drawn, {assigned} assigned, {void} taken back.", &[("drawn", &drawn), ("assigned", &assigned), ("void", &of.report.voids.len())]))) }
        @else { (notice(Tone::Bad, text.t("Something does not fit."))) ul { @for problem in &of.report.problems { li { (problem) } } } }
        section class="panel" {
            h2 { (text.t("How it works")) }
            ol class="prose" {
                li { (text.t("Before the draw a commitment to secret numbers was published. It cannot be changed any more.")) }
                li { (text.t("When names begin to roll, the list of who may win is frozen; its hash goes into the record.")) }
                li { (text.t("While they roll, the hall taps on phones or calls a number: chance that nobody controls alone.")) }
                li { (text.t("At the stop, secret, public value and list give the seed, and the seed gives the winners, by a method that anybody can compute again.")) }
                li { (text.t("Every line of the record holds the hash of the line before: nothing is changed afterwards unseen.")) }
            }
            p { (text.t("Commitment")) ":" } p { code { (of.report.commitment) } }
            p { (text.t("Newest line")) ":" } p { code { (of.report.head) } }
            a class="button primary" href={ "/draw/" (of.draw.id) "/record.json" } download { (icon(Icon::Export)) (text.t("Download the record")) }
            p class="dim" { (text.t("Check it without this box: huiguan draw verify FILE, or a program of your own written from the description.")) " " a href="/draw/method.md" { (text.t("Description")) } }
        }
        @for (name, lines) in of.own { (own(shell, name, lines)) }
        @if of.report.turns.is_empty() { (empty(text.t("No turn yet"), text.t("Each turn stands here as soon as its winners are known."), None)) }
        @for turn in of.report.turns.iter().rev().take(200) { (checked(shell, turn)) }
    };
    phone(shell, text.t("Check the record"), &[], &content)
}

fn own(shell: &Shell, name: &str, lines: &[OwnLine]) -> Markup {
    let text = shell.text();
    html! {
        details class="panel" {
            summary { (text.f("Where {name} stands in the lists", &[("name", &name)])) }
            @if lines.is_empty() { p class="dim" { (text.t("No list was frozen yet.")) } }
            @for line in lines {
                p {
                    (text.f("Turn {turn}", &[("turn", &line.turn)])) ": "
                    @match line.index { Some(index) => (text.f("number {index} of {count}", &[("index", &(index + 1)), ("count", &line.count)])), None => (text.t("not on the list")) }
                }
                @if line.index.is_some() { p class="dim" { (text.t("Hashed")) " " code { (line.hashed.0) } " " (text.t("with the salt")) " " code { (line.hashed.1) } " → " code { (line.hashed.2) } } }
            }
        }
    }
}

fn checked(shell: &Shell, turn: &domain::draw::Checked) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h3 { @if !turn.level.is_empty() { (turn.level) " · " } (turn.prize) }
            @match turn.turn {
                None => (badge(Tone::Info, text.t("Assigned, not drawn"))),
                Some(number) => {
                    p class="dim" {
                        (text.f("Turn {turn}", &[("turn", &number)])) " · " (text.f("{count} on the frozen list", &[("count", &turn.count)])) " · "
                        @if turn.called.is_empty() { (text.f("{count} taps", &[("count", &turn.taps)])) } @else { (text.f("called: {called}", &[("called", &turn.called)])) }
                    }
                }
            }
            ul class="people" { @for (place, what, name) in turn.winners.iter().take(200) { li { span { (place) ". " strong { (name) } } code { (what.split(',').next().unwrap_or("")) } } } }
            @if turn.turn.is_some() { details { summary { (text.t("Numbers of this turn")) } p { (text.t("List")) " " code { (turn.list) } } p { (text.t("Public value")) " " code { (turn.seed.0) } } p { (text.t("Seed")) " " code { (turn.seed.1) } } } }
        }
    }
}

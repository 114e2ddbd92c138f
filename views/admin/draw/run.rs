//! Running a draw: where it stands, what can be pressed, the remote on a phone, the sheet with the commitment.

use super::base;
use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        badge,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, table},
        notice, qr, stat,
    },
    format::count,
    layout::{self, Tone, phone},
};
use domain::{
    Draw, Event, Round, Time,
    draw::{Mode, Phase, Running, Win, masked, method::hex},
};
use maud::{Markup, html};

/// A round with its prizes.
pub struct RoundRow<'a> {
    /// The round.
    pub round: &'a Round,
    /// Prizes that somebody holds.
    pub held: u32,
    /// Prizes of the next turn.
    pub next: usize,
    /// Prizes that can be drawn again.
    pub again: usize,
}

/// Where a draw stands.
pub struct Stage<'a> {
    /// The event.
    pub event: &'a Event,
    /// The draw.
    pub draw: &'a Draw,
    /// Where it stands.
    pub running: &'a Running,
    /// Its rounds.
    pub rounds: &'a [RoundRow<'a>],
    /// Its wins.
    pub wins: &'a [Win],
    /// The reader may run it.
    pub may_run: bool,
    /// Somebody else holds the wand.
    pub held_by: Option<&'a str>,
    /// Where its buttons come back to: the page or the remote.
    pub back: &'a str,
}

impl Stage<'_> {
    fn round(&self) -> Option<&RoundRow<'_>> {
        self.rounds.iter().find(|row| Some(row.round.id) == self.running.round)
    }

    /// The winners that the screen shows.
    fn shown(&self) -> impl Iterator<Item = &Win> {
        let (first, end) = self.running.winners;
        let shown = self.running.phase == Phase::Shown;
        self.wins.iter().filter(move |win| shown && (first..end).contains(&win.number))
    }
}

/// A button that does one act.
fn press(of: &Stage<'_>, act: &str, class: &str, symbol: Icon, label: &str, more: &Markup) -> Markup {
    html! {
        form method="post" action={ (base(of.event, of.draw.id)) "/act" } class="act" data-act {
            input type="hidden" name="act" value=(act);
            input type="hidden" name="seen" value=(of.running.version);
            input type="hidden" name="back" value=(of.back);
            (more)
            button class=(class) { (icon(symbol)) (label) }
        }
    }
}

/// What can be pressed, and what the screen shows. The page's module fetches it anew when the draw moves on.
pub fn stage(shell: &Shell, of: &Stage<'_>) -> Markup {
    let text = shell.text();
    let none = html! {};
    let wand = of.running.wand.as_ref();
    html! {
        section class="panel stage" data-stage data-version=(of.running.version) aria-live="polite" {
            div class="row" {
                (badge(if of.running.phase == Phase::Rolling { Tone::Warn } else { Tone::Info }, text.t(of.running.phase.label())))
                @if let Some(wand) = wand.filter(|_| of.held_by.is_none()) {
                    @if !wand.taken_from.is_empty() { span class="dim" { (text.f("{name} took over from {from}.", &[("name", &wand.name), ("from", &wand.taken_from)])) } }
                }
            }
            @if let Some(row) = of.round() {
                p class="round-name" { @if !row.round.level.is_empty() { (row.round.level) " · " } (row.round.prize) }
                p class="dim" { @if row.round.quantity > 0 { (text.f("{held} of {all} prizes are held", &[("held", &row.held), ("all", &row.round.quantity)])) } @else { (text.f("{held} prizes are held, no limit", &[("held", &row.held)])) } }
            }
            @if let Some(name) = of.held_by {
                (notice(Tone::Warn, &text.f("{name} is running the draw.", &[("name", &name)])))
                @if of.may_run { (press(of, "take", "wide", Icon::Person, text.t("Take over"), &none)) }
            } @else if of.may_run {
                @if of.running.phase == Phase::Rolling { (rolling(shell, of)) } @else { (standing(shell, of)) }
            }
            (winners(shell, of))
        }
    }
}

fn rolling(shell: &Shell, of: &Stage<'_>) -> Markup {
    let text = shell.text();
    let entries = of.running.frozen.as_ref().map_or(0, |frozen| frozen.count);
    let called = html! {
        div class="field" {
            label for="f-called" { (text.t("Number called from the floor")) }
            input id="f-called" name="called" maxlength="40" inputmode="numeric" autocomplete="off" aria-describedby="h-called";
            p class="help" id="h-called" { (text.t("Needed only when nobody taps. Let somebody in the hall call it now.")) }
        }
    };
    let reason = html! { input type="hidden" name="reason" value=(text.t("Pressed by mistake")); };
    html! {
        p { (text.f("{count} on the frozen list", &[("count", &count(i64::from(entries)))])) " · " (text.t("Taps")) ": " strong class="num" data-live="taps" { "0" } }
        (press(of, "stop", "primary wide big", Icon::Check, text.t("Stop: draw the winners"), &called))
        details class="confirm" {
            summary class="button" { (text.t("Give this turn up")) }
            (press(of, "cancel", "danger", Icon::Cross, text.t("Give up, on record"), &reason))
        }
    }
}

fn standing(shell: &Shell, of: &Stage<'_>) -> Markup {
    let text = shell.text();
    let none = html! {};
    let ready = matches!(of.running.phase, Phase::Ready | Phase::Shown);
    html! {
        @if let Some(row) = of.round().filter(|_| ready) {
            @if row.round.mode == Mode::Designated { (press(of, "start", "primary wide big", Icon::Check, text.t("Announce the assigned winners"), &none)) }
            @else if row.next > 0 { (press(of, "start", "primary wide big", Icon::Up, &text.f("Start: {count} prizes", &[("count", &row.next)]), &none)) }
            @else { p class="dim" { (text.t("All prizes of this round are drawn.")) } }
            @if row.again > 0 { (press(of, "redraw", "wide big", Icon::Copy, &text.f("Draw {count} prizes again", &[("count", &row.again)]), &none)) }
        }
        div class="row" {
            @for row in of.rounds.iter().filter(|row| Some(row.round.id) != of.running.round || !ready) {
                @let round = html! { input type="hidden" name="round" value=(row.round.id); };
                @let label = if row.round.level.is_empty() { row.round.prize.clone() } else { format!("{} · {}", row.round.level, row.round.prize) };
                (press(of, "open", "", Icon::Ticket, &label, &round))
            }
        }
        div class="row" {
            @if of.running.phase != Phase::Waiting { (press(of, "wait", "", Icon::Clock, text.t("Waiting wall"), &none)) }
            @if of.running.phase != Phase::Wall { (press(of, "wall", "", Icon::People, text.t("All winners"), &none)) }
        }
        details class="confirm" {
            summary class="button" { (icon(Icon::Plus)) (text.t("Prize on the spot")) }
            form method="post" action={ (base(of.event, of.draw.id)) "/spot" } class="form" data-act {
                input type="hidden" name="back" value=(of.back);
                div class="field" { label for="f-spot" { (text.t("Prize")) } input id="f-spot" name="prize" required maxlength="40"; }
                div class="field" { label for="f-spot-n" { (text.t("How many prizes")) } input id="f-spot-n" name="quantity" inputmode="numeric" value="1"; }
                p class="help" { (text.t("Winners may win again, and it counts for nothing.")) }
                button class="primary" { (text.t("Add")) }
            }
        }
    }
}

/// The winners that the screen shows, with a way to take a prize back.
fn winners(shell: &Shell, of: &Stage<'_>) -> Markup {
    let text = shell.text();
    let shown: Vec<&Win> = of.shown().collect();
    html! {
        @if !shown.is_empty() {
            ul class="people" {
                @for win in shown {
                    li {
                        div {
                            strong { (name(shell, win)) } " " span class="dim num" { @if win.who.is_some() { (win.lucky) } }
                            @if win.assigned { " " (badge(Tone::Info, text.t("Assigned, not drawn"))) }
                            @if let Some(void) = &win.void { " " (badge(Tone::Bad, text.t("Voided"))) " " span class="dim" { (void.reason) } }
                        }
                        @if of.may_run && of.held_by.is_none() && win.void.is_none() && win.claim.is_none() { (void_form(shell, of, win)) }
                    }
                }
            }
        }
    }
}

fn void_form(shell: &Shell, of: &Stage<'_>, win: &Win) -> Markup {
    let text = shell.text();
    let id = format!("f-reason-{}", win.number);
    html! {
        details class="confirm" {
            summary class="button" { (text.t("Absent")) span class="visually-hidden" { " " (name(shell, win)) } }
            form method="post" action={ (base(of.event, of.draw.id)) "/win/" (win.number) "/void" } class="form" data-act {
                input type="hidden" name="back" value=(of.back);
                div class="field" { label for=(id) { (text.t("Reason, which is published")) } input id=(id) name="reason" required maxlength="60" value=(text.t("Not in the hall")); }
                button class="danger" { (text.t("Take the prize back")) }
            }
        }
    }
}

/// Who won, in full; a table by its number.
pub fn name(shell: &Shell, win: &Win) -> String {
    if win.who.is_none() { shell.text().f("Table {number}", &[("number", &win.lucky)]) } else { win.name.clone() }
}

/// The page of a draw.
pub struct Page<'a> {
    /// Where it stands.
    pub stage: Stage<'a>,
    /// People who take part, before rounds and wins narrow them.
    pub takes_part: usize,
    /// May change the set-up.
    pub may_manage: bool,
    /// Key of the screen's address, for a computer where nobody is logged in.
    pub screen: &'a str,
}

/// The page of a draw.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let (event, draw) = (of.stage.event, of.stage.draw);
    let base = base(event, draw.id);
    let heads = [
        Head::plain(text.t("Round")),
        Head::plain(text.t("What is drawn")),
        Head::number(text.t("Prizes")),
        Head::number(text.t("Held")),
    ];
    let row = |row: &RoundRow<'_>| Row {
        id: None,
        name: row.round.prize.clone(),
        cells: vec![
            html! { @if of.may_manage { a href={ (base) "/round/" (row.round.id) } { (label(row.round)) } } @else { (label(row.round)) } },
            html! { (text.t(row.round.mode.label())) },
            html! { @if row.round.quantity == 0 { (text.t("No limit")) } @else { (row.round.quantity) } },
            html! { (row.held) },
        ],
    };
    let rows: Vec<Row> = of.stage.rounds.iter().map(row).collect();
    let content = html! {
        div class="heading" {
            h2 { (draw.name) }
            div class="actions" {
                a class="button primary" href=(of.screen) target="_blank" rel="noopener" { (icon(Icon::Chart)) (text.t("Open the big screen")) }
                @if of.stage.may_run { a class="button" href={ (base) "/remote" } { (icon(Icon::Device)) (text.t("Remote")) } }
                @if of.may_manage { a class="button" href={ (base) "/edit" } { (icon(Icon::Settings)) (text.t("Set the draw up")) } }
            }
        }
        dl class="stats" {
            (stat(text.t("Take part now"), &count(i64::try_from(of.takes_part).unwrap_or(0)), None))
            (stat(text.t("Turns"), &of.stage.running.turn.to_string(), None))
            (stat(text.t("Prizes held"), &of.stage.wins.iter().filter(|win| win.void.is_none()).count().to_string(), None))
        }
        div data-live-source={ (base) "/live" } { (stage(shell, &of.stage)) }
        div class="heading" { h3 { (text.t("Rounds")) } @if of.may_manage { a class="button" href={ (base) "/round" } { (icon(Icon::Plus)) (text.t("New round")) } } }
        @if rows.is_empty() { p class="dim" { (text.t("No round yet: add the first prize.")) } } @else { (table(text, text.t("Rounds"), &heads, &rows, false)) }
        div class="row" {
            a class="button" href={ (base) "/win" } { (icon(Icon::People)) (text.t("Winners and prizes")) }
            @if of.stage.may_run { a class="button" href={ (base) "/claim" } { (icon(Icon::Check)) (text.t("Hand out")) } a class="button" href={ (base) "/message" } { (icon(Icon::Log)) (text.t("Messages and pictures")) } }
            @if of.stage.may_run || of.may_manage { a class="button" href={ (base) "/entrant" } { (icon(Icon::Import)) (text.t("The draw's own list")) } }
            a class="button" href={ (base) "/commitment" } { (icon(Icon::Print)) (text.t("Print the commitment")) }
            a class="button" href={ "/draw/" (draw.id) "/verify" } { (icon(Icon::Key)) (text.t("Check the record")) }
        }
    };
    event_page(shell, event, Tab::Draw, &["remote.js"], &content)
}

fn label(round: &Round) -> String {
    if round.level.is_empty() { round.prize.clone() } else { format!("{} · {}", round.level, round.prize) }
}

/// The remote: the same buttons, large, on a phone.
pub fn remote(shell: &Shell, of: &Stage<'_>) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (of.draw.name) }
        div class="remote" data-live-source={ (base(of.event, of.draw.id)) "/live" } { (stage(shell, of)) }
        a class="button" href=(base(of.event, of.draw.id)) { (text.t("Back")) }
    };
    phone(shell, text.t("Remote"), &["remote.js"], &content)
}

/// The sheet that is printed and hung up before the draw.
pub fn commitment(shell: &Shell, event: &Event, draw: &Draw, running: &Running, url: &str, made: Time) -> Markup {
    let text = shell.text();
    let content = html! {
        section class="poster" {
            p class="word" { (event.name) " · " (draw.name) }
            p { (text.t("This number was fixed before anybody knew who would be here. It binds the chance of every turn.")) }
            p class="code" { (hex(&running.commitment)) }
            p class="dim" { (shell.format.time(made)) }
            (qr(url, text.t("Check the record")))
            p { (text.t("Scan to check every turn yourself.")) }
        }
    };
    layout::sheet(shell, text.t("Commitment"), &content)
}

/// The name as the draw shows it to everybody.
pub fn public_name(shell: &Shell, draw: &Draw, win: &Win) -> String {
    if win.who.is_none() { name(shell, win) } else { masked(draw.masking, &win.name) }
}

/// A form field for what somebody shows to get a prize.
pub fn shown_field(shell: &Shell, value: &str) -> Markup {
    let text = shell.text();
    let form = Form::new(text, None);
    form.input(&Input {
        name: "q",
        label: text.t("Ticket, phone number or lucky number"),
        value,
        max: 60,
        help: text.t("Scan the winner's ticket, or type the number."),
        ..Input::default()
    })
}

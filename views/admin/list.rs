//! Check-in lists: the form with its rules and the box to try them, figures, the code on a screen, printed codes.

use crate::{
    Shell,
    admin::{Tab, event::question, event_page},
    component::{
        Confirm, badge,
        chart::{Series, bars},
        confirm,
        form::{Form, Input},
        list::{Head, Row, table},
        notice, qr, stat,
    },
    format::count,
    layout::{self, Tone},
    rule::WEEKDAYS,
};
use domain::{
    CheckinList, Event, Gate, Group, ListId, Refusal, TicketType,
    checkin::{Direction, ListInput, MultiEntry, QUESTION_KINDS, SelfCheckin},
    field::{Field, FieldKind},
};
use maud::{Markup, html};
use serde_json::json;

/// What stands in the form.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Typed {
    pub input: ListInput,
    pub try_code: String,
    pub try_at: String,
    pub try_gate: String,
    pub try_exit: bool,
}

/// What the door would say.
#[derive(Debug, Clone)]
pub struct Said {
    /// Whose ticket.
    pub who: String,
    /// The verdict.
    pub word: String,
    /// How good that is.
    pub tone: Tone,
    /// Why.
    pub why: String,
}

/// The form of a list.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// The list; none: a new one.
    pub id: Option<ListId>,
    /// What stands in it.
    pub typed: &'a Typed,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
    /// Ticket types of the event.
    pub kinds: &'a [TicketType],
    /// Groups of the event.
    pub groups: &'a [Group],
    /// Gates of the event.
    pub gates: &'a [Gate],
    /// The revision the form was opened at.
    pub revision: u32,
    /// What the box to try rules said.
    pub trial: Option<Said>,
    /// Now, as local text.
    pub now: String,
}

/// The form.
pub fn form(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let base = format!("/admin/event/{}/list", of.event.id);
    let action = of.id.map_or_else(|| base.clone(), |id| format!("{base}/{id}"));
    let attempt = of.id.map_or_else(|| format!("{base}/new/try"), |id| format!("{base}/{id}/try"));
    let main = of.id == Some(ListId::MAIN);
    let back = format!("/admin/event/{}/checkin", of.event.id);
    let content = html! {
        h2 { @match of.id { None => (text.t("New check-in list")), Some(_) if main && of.typed.input.name.is_empty() => (text.t("Main list")), Some(_) => (of.typed.input.name) } }
        (form.summary())
        form method="post" action=(action) class="form" {
            input type="hidden" name="revision" value=(of.revision);
            (settings(shell, of, &form, main))
            (rules(shell, of))
            (attempt_box(shell, of, &form, &attempt))
            (questions(shell, of, &form))
            div class="submit" {
                button class="primary" { (text.t("Save")) }
                a class="button" href=(back) { (text.t("Cancel")) }
            }
        }
        @if let Some(id) = of.id.filter(|_| !main) {
            (confirm(&Confirm { label: text.t("Delete this list"), warning: text.t("A list at which nobody was scanned and no terminal stands is deleted for good."), action: &format!("{base}/{id}/remove"), verb: text.t("Delete") }))
        }
    };
    event_page(shell, of.event, Tab::Checkin, &["rules.js"], &content)
}

fn settings(shell: &Shell, of: &Page<'_>, form: &Form<'_>, main: bool) -> Markup {
    let (text, typed) = (shell.text(), &of.typed.input);
    let modes: Vec<(String, String)> =
        MultiEntry::ALL.iter().map(|mode| (mode.code().to_owned(), text.t(mode.label()).to_owned())).collect();
    let own: Vec<(String, String)> =
        SelfCheckin::ALL.iter().map(|own| (own.code().to_owned(), text.t(own.label()).to_owned())).collect();
    html! {
        section class="panel" {
            h3 { (text.t("Who and when")) }
            (form.input(&Input { name: "name", label: text.t("Title"), value: &typed.name, required: !main, max: 40, help: text.t("For example a door, a session or a day."), ..Input::default() }))
            @if main {
                p class="dim" { (text.t("This list takes entries at the event's check-in time.")) }
            } @else {
                div class="pair" {
                    (form.input(&Input { name: "from", label: text.t("Begins"), value: &typed.from, kind: "datetime-local", help: text.t("Empty: at the event's check-in time."), ..Input::default() }))
                    (form.input(&Input { name: "to", label: text.t("Ends"), value: &typed.to, kind: "datetime-local", ..Input::default() }))
                }
            }
            fieldset {
                legend { (text.t("Ticket types")) }
                p class="help" { (text.t("None chosen: all of them.")) }
                @for kind in of.kinds {
                    label class="tick" { input type="checkbox" name="kinds" value=(kind.id) checked[typed.kinds.contains(&kind.id)]; span { (kind.name) } }
                }
            }
            div class="pair" {
                (form.select(&Input { name: "multi", label: text.t("How often a ticket comes in"), value: &typed.multi, ..Input::default() }, &modes))
                (form.input(&Input { name: "exit_hour", label: text.t("Hour at which everybody counts as gone"), value: &typed.exit_hour, max: 2, help: text.t("0 to 23; empty: never."), ..Input::default() }))
            }
            div class="pair" {
                (form.input(&Input { name: "capacity", label: text.t("Most people inside"), value: &typed.capacity, max: 7, help: text.t("Empty: no limit."), ..Input::default() }))
                (form.select(&Input { name: "own", label: text.t("Checking in alone"), value: &typed.own, help: text.t("Visitors scan a code with their own phone."), ..Input::default() }, &own))
            }
            (form.checkbox("collected", text.t("Only tickets that were collected by their holders"), typed.collected))
        }
    }
}

fn rules(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let kinds: Vec<_> = of.kinds.iter().map(|kind| json!([kind.id, kind.name])).collect();
    let groups: Vec<_> = of.groups.iter().map(|group| json!([group.id, group.name])).collect();
    let gates: Vec<_> = of.gates.iter().map(|gate| json!([gate.id, gate.name])).collect();
    let days: Vec<_> = WEEKDAYS.iter().enumerate().map(|(at, day)| json!([at + 1, text.t(day)])).collect();
    let names = json!({ "kind": kinds, "group": groups, "gate": gates, "weekday": days, "zone": shell.format.zone.iana_name() });
    let texts = json!({
        "lead": text.t("Somebody comes in when"), "all": text.t("all of these hold"), "any": text.t("any of these holds"),
        "condition": text.t("Add a condition"), "bracket": text.t("Add a bracket"), "remove": text.t("Remove"),
        "none": text.t("No rules: everybody whose ticket is on this list comes in."), "begin": text.t("Add a rule"),
        "kind": text.t("the ticket type"), "group": text.t("the group"), "gate": text.t("the gate"), "weekday": text.t("the weekday"),
        "time": text.t("the time"), "clock": text.t("the hour"), "entries": text.t("entries so far"), "entries_today": text.t("entries today"),
        "entries_since": text.t("entries since"), "since_last": text.t("minutes since the last entry"),
        "is": text.t("is one of"), "not": text.t("is none of"), "before": text.t("is before"), "after": text.t("is at or after"),
        "from": text.t("is between"), "to": text.t("and"), "at_most": text.t("at most"), "at_least": text.t("at least"),
        "choose": text.t("Choose at least one."), "missing": text.t("There is nothing to choose yet."),
    });
    html! {
        section class="panel" id="f-rules" {
            h3 { (text.t("Rules")) }
            div data-rules data-names=(names) data-texts=(texts) {
                label for="rules-text" class="dim" { (text.t("The rules as JSON")) }
                textarea id="rules-text" name="rules" rows="3" spellcheck="false" { (of.typed.input.rules) }
            }
        }
    }
}

fn attempt_box(shell: &Shell, of: &Page<'_>, form: &Form<'_>, action: &str) -> Markup {
    let (text, typed) = (shell.text(), of.typed);
    let at = if typed.try_at.is_empty() { of.now.as_str() } else { typed.try_at.as_str() };
    let mut gates = vec![(String::new(), text.t("Without a gate").to_owned())];
    gates.extend(of.gates.iter().map(|gate| (gate.id.to_string(), gate.name.clone())));
    let ways: Vec<(String, String)> = [Direction::Entry, Direction::Exit]
        .iter()
        .map(|way| (way.code().to_owned(), text.t(way.label()).to_owned()))
        .collect();
    let way = if typed.try_exit { "exit" } else { "entry" };
    html! {
        section class="panel" id="try" {
            h3 { (text.t("Try it")) }
            p class="dim" { (text.t("What would the door say? Nothing is recorded, and the list need not be saved.")) }
            div class="pair" {
                (form.input(&Input { name: "try_code", label: text.t("Ticket number or attend code"), value: &typed.try_code, max: 40, ..Input::default() }))
                (form.input(&Input { name: "try_at", label: text.t("Time"), value: at, kind: "datetime-local", ..Input::default() }))
            }
            div class="pair" {
                (form.select(&Input { name: "try_gate", label: text.t("Gate"), value: &typed.try_gate, ..Input::default() }, &gates))
                (form.select(&Input { name: "try_direction", label: text.t("Entry or exit"), value: way, ..Input::default() }, &ways))
            }
            button formaction=(action) formnovalidate { (text.t("Ask the door")) }
            @if let Some(said) = &of.trial {
                div class="trial" role="status" data-trial {
                    (badge(said.tone, &said.word))
                    @if !said.who.is_empty() { p { (said.who) } }
                    @if !said.why.is_empty() { p { (said.why) } }
                }
            }
        }
    }
}

fn questions(shell: &Shell, of: &Page<'_>, form: &Form<'_>) -> Markup {
    let text = shell.text();
    let kinds: Vec<(String, String)> =
        QUESTION_KINDS.iter().map(|kind| (kind.code().to_owned(), text.t(kind.label()).to_owned())).collect();
    let empty = Field {
        id: 0,
        label: String::new(),
        kind: FieldKind::Text,
        required: true,
        help: String::new(),
        choices: Vec::new(),
        ..Field::default()
    };
    let has_new = of.typed.input.questions.iter().any(|field| field.id == 0);
    html! {
        section class="panel" {
            h3 { (text.t("Questions at the door")) }
            p class="dim" { (text.t("They are asked once for each ticket, before it is let in. A question whose text you delete goes away.")) }
            @for field in &of.typed.input.questions { (question(shell, form, field, &kinds)) }
            @if !has_new { (question(shell, form, &empty, &kinds)) }
        }
    }
}

/// What the tickets of a type or group came to.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Share {
    pub name: String,
    pub registered: i64,
    pub admitted: i64,
    pub inside: i64,
    pub refused: i64,
}

/// What a gate or whoever scans came to.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Worked {
    pub name: String,
    pub entries: i64,
    pub exits: i64,
    /// None for whoever scans.
    pub inside: Option<i64>,
    pub refused: i64,
}

/// Figures of a list.
pub struct Figures<'a> {
    /// The list.
    pub list: &'a CheckinList,
    /// Registered, admitted, inside, refused.
    pub counts: [i64; 4],
    /// Ticket types.
    pub kinds: Vec<Share>,
    /// Groups.
    pub groups: Vec<Share>,
    /// Gates.
    pub gates: Vec<Worked>,
    /// Terminals, helpers and people who scanned.
    pub scanners: Vec<Worked>,
    /// Reasons of refusals.
    pub refusals: Vec<(String, i64)>,
    /// First entries over time.
    pub arrivals: Series<'a>,
}

/// A table of figures: a name in each row, and its figures.
fn numbers(shell: &Shell, caption: &str, heads: &[&str], rows: Vec<(&str, Vec<String>)>) -> Markup {
    let heads: Vec<Head> =
        std::iter::once(Head::plain(caption)).chain(heads.iter().map(|head| Head::number(head))).collect();
    let row = |(name, figures): (&str, Vec<String>)| Row {
        id: None,
        name: name.to_owned(),
        cells: std::iter::once(html! { (name) }).chain(figures.iter().map(|figure| html! { (figure) })).collect(),
    };
    let rows: Vec<Row> = rows.into_iter().map(row).collect();
    html! { @if !rows.is_empty() { section class="stack" { h3 { (caption) } (table(shell.text(), caption, &heads, &rows, false)) } } }
}

fn shares(shell: &Shell, caption: &str, rows: &[Share]) -> Markup {
    let text = shell.text();
    let heads = ["Registered", "Checked in", "Share", "Inside now", "Refused"].map(|head| text.t(head));
    let row = |row: &Share| {
        let share = match row.registered {
            0 => "–".to_owned(),
            registered => format!("{} %", row.admitted * 100 / registered),
        };
        vec![count(row.registered), count(row.admitted), share, count(row.inside), count(row.refused)]
    };
    numbers(shell, caption, &heads, rows.iter().map(|one| (one.name.as_str(), row(one))).collect())
}

fn works(shell: &Shell, caption: &str, rows: &[Worked]) -> Markup {
    let text = shell.text();
    let inside = rows.iter().any(|row| row.inside.is_some()).then(|| text.t("Inside now"));
    let mut heads = vec![text.t("Entries"), text.t("Exits")];
    heads.extend(inside);
    heads.push(text.t("Refused"));
    let row = |row: &Worked| {
        let mut figures = vec![count(row.entries), count(row.exits)];
        figures.extend(row.inside.map(count));
        figures.push(count(row.refused));
        figures
    };
    numbers(shell, caption, &heads, rows.iter().map(|one| (one.name.as_str(), row(one))).collect())
}

/// What of a list's figures is in tables: a page that stays open is sent it anew.
pub fn tables(shell: &Shell, of: &Figures<'_>) -> Markup {
    let text = shell.text();
    let refusals = of.refusals.iter().map(|(reason, n)| (reason.as_str(), vec![count(*n)])).collect();
    html! {
        (bars(text, &of.arrivals))
        div class="columns wide" {
            (shares(shell, text.t("Ticket type"), &of.kinds))
            (shares(shell, text.t("Group"), &of.groups))
            (works(shell, text.t("Gate"), &of.gates))
            (works(shell, text.t("Terminal or person"), &of.scanners))
            (numbers(shell, text.t("Why scans were refused"), &[text.t("Scans")], refusals))
        }
    }
}

/// The figures of a list.
pub fn figures(shell: &Shell, event: &Event, of: &Figures<'_>) -> Markup {
    let text = shell.text();
    let name = if of.list.name.is_empty() { text.t("Main list") } else { of.list.name.as_str() };
    let [registered, admitted, inside, refused] = of.counts;
    let content = html! {
        h2 { (name) }
        dl class="stats" data-live-source={ "/admin/event/" (event.id) "/list/" (of.list.id) "/live" } {
            (stat(text.t("Registered"), &count(registered), Some("registered")))
            (stat(text.t("Checked in"), &count(admitted), Some("admitted")))
            (stat(text.t("Inside now"), &count(inside), Some("inside")))
            (stat(text.t("Refused"), &count(refused), Some("refused")))
        }
        div class="stack" data-live-html="tables" { (tables(shell, of)) }
    };
    event_page(shell, event, Tab::Checkin, &[], &content)
}

fn title(shell: &Shell, list: &CheckinList, direction: Direction) -> String {
    let text = shell.text();
    let way = if direction == Direction::Entry { text.t("Sign in") } else { text.t("Sign out") };
    if list.name.is_empty() { way.to_owned() } else { format!("{} · {way}", list.name) }
}

/// The code on a screen at the entrance; it changes all the time.
pub fn screen(
    shell: &Shell,
    event: &Event,
    list: &CheckinList,
    direction: Direction,
    address: &str,
    left: i64,
) -> Markup {
    let text = shell.text();
    let title = title(shell, list, direction);
    let content = html! {
        main id="content" class="code-screen" {
            h1 { (event.name) }
            p class="word" { (title) }
            div data-code-screen data-left=(left) { (qr(address, text.t("Check-in code"))) }
            p { (text.t("Scan this with your phone. The code changes all the time: a photo of it soon opens nothing.")) }
            (notice(Tone::Warn, text.t("No connection: the code is not changing. Look after the network.")))
        }
    };
    layout::full(shell, &title, &["screen.js"], &content)
}

/// The codes to print (S1-38).
pub fn printed(shell: &Shell, event: &Event, list: &CheckinList, sheets: &[(Direction, String)]) -> Markup {
    let text = shell.text();
    let content = html! {
        @for (direction, address) in sheets {
            section class="poster" {
                h1 { (event.name) }
                p class="word" { (title(shell, list, *direction)) }
                (qr(address, text.t("Check-in code")))
                p { (text.t("Scan this with your phone.")) }
            }
        }
    };
    layout::sheet(shell, text.t("Sign-in and sign-out codes"), &content)
}

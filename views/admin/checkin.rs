//! Check-in of an event: its time, lists and gates, the scan log, conflicts.

use crate::{
    Shell,
    admin::{Tab, device::list_name, event_page},
    component::{
        Confirm, badge, confirm,
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, query, table},
        notice, post,
    },
    format::count,
    layout::Tone,
};
use domain::{
    CheckinList, Event, EventId, Gate, ListId, Refusal, Time,
    checkin::{MultiEntry, SelfCheckin},
    event::{Stray, stray},
};
use maud::{Markup, html};
use std::fmt::Display;

/// One line of the scan log.
pub struct LogLine {
    /// Number of the scan.
    pub scan: u64,
    /// When.
    pub at: Time,
    /// Name on the ticket, or the code as it came.
    pub who: String,
    /// What the door said.
    pub word: String,
    /// How good that was.
    pub tone: Tone,
    /// Why, where there is more to say.
    pub why: String,
    /// Who scanned, and how.
    pub by: String,
    /// List, gate and direction.
    pub place: String,
    /// Whether the reader may take it back.
    pub may_annul: bool,
}

/// A list with its counts.
pub struct ListRow<'a> {
    /// The list.
    pub list: &'a CheckinList,
    /// Its rules in words.
    pub rules: String,
    /// People who came in, people inside now, scans refused.
    pub counts: [i64; 3],
}

/// The counts of a list as [`ListRow`] has them, each with the name under which a page that stays open is sent it.
pub fn figures(list: ListId, [admitted, inside, refused]: [i64; 3]) -> [(String, i64); 3] {
    [("admitted", admitted), ("inside", inside), ("refused", refused)].map(|(name, n)| (format!("{name}-{list}"), n))
}

/// The page.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// Check-in time as local texts.
    pub window: (&'a str, &'a str),
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
    /// Lists.
    pub lists: Vec<ListRow<'a>>,
    /// Gates.
    pub gates: &'a [Gate],
    /// How many terminals, helpers and scanners are in use.
    pub devices: usize,
    /// Conflicts that nobody looked at; none for whoever may not see them.
    pub conflicts: usize,
    /// Whether the reader may change the time, lists and gates.
    pub may_manage: bool,
    /// Whether the reader may set terminals up.
    pub may_pair: bool,
    /// Whether the reader may scan with this browser.
    pub may_scan: bool,
    /// Whether the reader may see who was scanned.
    pub may_see: bool,
}

/// The check-in page.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let base = format!("/admin/event/{}", of.event.id);
    let content = html! {
        (form.summary())
        div data-live-html="alone" { (alone(shell, of.event.id, of.conflicts)) }
        (strays(shell, of))
        div class="columns" {
            (time(shell, of, &form, &base))
            (ways(shell, of, &base))
        }
        (lists(shell, of, &base))
        (gates(shell, of, &form, &base))
    };
    let content = html! { div class="stack" data-live-source={ (base) "/checkin/live" } { (content) } };
    event_page(shell, of.event, Tab::Checkin, &[], &content)
}

/// That somebody has to look at scans of terminals that were alone; a page that stays open is sent it anew.
pub fn alone(shell: &Shell, event: EventId, conflicts: usize) -> Markup {
    let text = shell.text();
    html! {
        @if conflicts > 0 {
            div class="notice tone-warn" role="alert" { (icon(Icon::Warn)) p { a href={ "/admin/event/" (event) "/conflict" } { (text.f("{n} scans of terminals that were alone need a look.", &[("n", &count(conflicts as i64))])) } } }
        }
    }
}

/// Where check-in leaves the event's own time (A3).
fn strays(shell: &Shell, of: &Page<'_>) -> Markup {
    let (text, time) = (shell.text(), &of.event.time);
    let own = of.event.checkin.as_ref().map(|window| (text.t("Check-in time").to_owned(), window));
    let lists = of.lists.iter().filter_map(|row| Some((list_name(shell, row.list), row.list.window.as_ref()?)));
    let told = own.into_iter().chain(lists).filter_map(|(name, window)| {
        Some(match stray(of.event, window)? {
            Stray::Early => {
                let begins = shell.format.time(time.from);
                let words: [(&str, &dyn Display); 2] = [("name", &name), ("time", &begins)];
                notice(Tone::Info, &text.f("{name}: people come in before the event begins at {time}.", &words))
            }
            Stray::Late => {
                let ends = shell.format.time(time.to);
                let words: [(&str, &dyn Display); 2] = [("name", &name), ("time", &ends)];
                let said = text.f("{name}: goes on when the event is over; nobody comes in after {time}.", &words);
                notice(Tone::Warn, &said)
            }
        })
    });
    html! { @for notice in told { (notice) } }
}

fn time(shell: &Shell, of: &Page<'_>, form: &Form<'_>, base: &str) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h2 { (text.t("Check-in time")) }
            @if of.may_manage {
                form method="post" action={ (base) "/checkin" } class="form" {
                    (form.input(&Input { name: "checkin_from", label: text.t("Begins"), value: of.window.0, kind: "datetime-local", required: true, ..Input::default() }))
                    (form.input(&Input { name: "checkin_to", label: text.t("Ends"), value: of.window.1, kind: "datetime-local", required: true, help: &text.f("At the latest when the event ends: {time}", &[("time", &shell.format.time(of.event.time.to))]), ..Input::default() }))
                    button class="primary" { (text.t("Save")) }
                }
            } @else { p { @match &of.event.checkin { Some(window) => (shell.format.window(window)), None => (text.t("Not set")) } } }
        }
    }
}

fn ways(shell: &Shell, of: &Page<'_>, base: &str) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h2 { (text.t("At the door")) }
            div class="stack" {
                @if of.may_scan { a class="button primary" href={ "/terminal/" (of.event.id) } { (icon(Icon::Door)) (text.t("Scan with this browser")) } }
                @if of.may_pair { a class="button" href={ (base) "/device" } { (icon(Icon::Device)) (text.t("Terminals, helpers and scanners")) " (" (count(of.devices as i64)) ")" } }
                @if of.may_see {
                    a class="button" href={ (base) "/scan" } { (icon(Icon::Log)) (text.t("Scan log")) }
                    a class="button" href={ (base) "/scan?show=refused" } { (icon(Icon::Warn)) (text.t("Failed scans")) }
                    a class="button" href={ (base) "/conflict" } { (icon(Icon::Branch)) span { (text.t("Conflicts")) " (" span data-live="conflicts" { (count(of.conflicts as i64)) } ")" } }
                }
            }
        }
    }
}

fn lists(shell: &Shell, of: &Page<'_>, base: &str) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Check-in list")),
        Head::number(text.t("Checked in")),
        Head::number(text.t("Inside now")),
        Head::number(text.t("Refused")),
        Head::plain(text.t("Actions")),
    ];
    let row = |row: &ListRow<'_>| {
        let at = format!("{base}/list/{}", row.list.id);
        let name = list_name(shell, row.list);
        let own = row.list.own;
        let acts = html! {
            div class="row" {
                a class="quiet" href={ (at) "/figures" } { (icon(Icon::Chart)) (text.t("Figures")) }
                @if of.may_manage { a class="quiet" href=(at) { (icon(Icon::Edit)) (text.t("Settings of this list")) } }
                @if own != SelfCheckin::Off && of.may_scan {
                    a class="quiet" href={ (at) "/code" } { (icon(Icon::Globe)) (text.t("Sign-in code on a screen")) }
                    @if row.list.multi == MultiEntry::AfterExit { a class="quiet" href={ (at) "/code?show=exit" } { (icon(Icon::Leave)) (text.t("Sign-out code on a screen")) } }
                }
                @if own == SelfCheckin::Printed && of.may_manage {
                    a class="quiet" href={ (at) "/code?show=print" } { (icon(Icon::Print)) (text.t("Print the codes")) }
                    (confirm(&Confirm { label: text.t("New printed codes"), warning: text.t("The codes that hang at the entrance open nothing any more; print new ones."), action: &format!("{at}/code/renew"), verb: text.t("Make them worthless") }))
                }
            }
        };
        let [admitted, inside, refused] =
            figures(row.list.id, row.counts).map(|(name, figure)| html! { span data-live=(name) { (count(figure)) } });
        Row {
            id: None,
            name: name.clone(),
            cells: vec![
                html! { (name) br; span class="dim" { (text.t(row.list.multi.label())) @if let Some(window) = &row.list.window { " · " (shell.format.window(window)) } @if let Some(most) = row.list.capacity { " · " (text.f("at most {n} inside", &[("n", &count(most))])) } } @if !row.rules.is_empty() { br; span class="dim" { (row.rules) } } },
                admitted,
                inside,
                refused,
                acts,
            ],
        }
    };
    let rows: Vec<Row> = of.lists.iter().map(row).collect();
    html! {
        section class="stack" {
            div class="heading" { h2 { (text.t("Check-in lists")) } @if of.may_manage { a class="button" href={ (base) "/list" } { (icon(Icon::Plus)) (text.t("New check-in list")) } } }
            (table(text, text.t("Check-in lists"), &heads, &rows, false))
        }
    }
}

fn gates(shell: &Shell, of: &Page<'_>, form: &Form<'_>, base: &str) -> Markup {
    let text = shell.text();
    let heads = [Head::plain(text.t("Gate")), Head::plain(text.t("Actions"))];
    let row = |gate: &Gate| Row {
        id: None,
        name: gate.name.clone(),
        cells: vec![
            html! { (gate.name) },
            html! {
                div class="row" {
                    @if of.may_scan { a class="quiet" href={ "/terminal/" (of.event.id) "/watch/" (gate.id) } { (icon(Icon::Door)) (text.t("Screen of this gate")) } }
                    @if of.may_manage { (post(&format!("{base}/gate/{}/remove", gate.id), "quiet", text.t("Remove"), Icon::Cross)) }
                }
            },
        ],
    };
    let rows: Vec<Row> = of.gates.iter().map(row).collect();
    html! {
        section class="stack" {
            h2 { (text.t("Gates")) }
            @if of.may_manage {
                form method="post" action={ (base) "/gate" } class="filter" {
                    (form.input(&Input { name: "gate", label: text.t("Name of a new gate"), required: true, max: 40, ..Input::default() }))
                    button { (icon(Icon::Plus)) (text.t("Add a gate")) }
                }
            }
            @if rows.is_empty() { p class="dim" { (text.t("A terminal can stand at a gate; rules and figures know it then.")) } }
            @else { (table(text, text.t("Gates"), &heads, &rows, false)) }
        }
    }
}

/// What is looked for in the scan log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looked<'a> {
    /// Only failed scans.
    pub refused: bool,
    /// Only scans of this list.
    pub list: Option<ListId>,
    /// Formats the whole log can be taken away in: address of each with its label; empty without the permission.
    pub exports: &'a [(&'a str, &'a str)],
}

/// The scan log; `next` is the number to go on below.
pub fn log(
    shell: &Shell,
    event: &Event,
    lines: &[LogLine],
    lists: &[CheckinList],
    looked: &Looked<'_>,
    next: Option<u64>,
) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/scan", event.id);
    let show = if looked.refused { "refused" } else { "" };
    let list = looked.list.map_or(String::new(), |list| list.to_string());
    let content = html! {
        div class="row" {
            a class="button" href=(query(&base, &[("list", &list)])) aria-current=[(!looked.refused).then_some("true")] { (text.t("All scans")) }
            a class="button" href=(query(&base, &[("show", "refused"), ("list", &list)])) aria-current=[looked.refused.then_some("true")] { (text.t("Failed scans")) }
            @if lists.len() > 1 {
                form method="get" action=(base) class="filter" {
                    input type="hidden" name="show" value=(show);
                    label class="visually-hidden" for="f-list" { (text.t("Check-in list")) }
                    select id="f-list" name="list" { option value="" { (text.t("All lists")) } @for of in lists { option value=(of.id) selected[looked.list == Some(of.id)] { (list_name(shell, of)) } } }
                    button { (text.t("Show")) }
                }
            }
            @for (format, label) in looked.exports { a class="button" href=(query(&format!("{base}/export"), &[("format", format)])) { (icon(Icon::Export)) (label) } }
        }
        @if lines.is_empty() { p class="dim" { (text.t("Not scanned yet.")) } }
        @else { (log_table(shell, event, lines)) }
        @if let Some(next) = next { a class="button" href=(query(&base, &[("show", show), ("list", &list), ("before", &next.to_string())])) { (text.t("Older")) } }
    };
    event_page(shell, event, Tab::Checkin, &[], &content)
}

fn log_table(shell: &Shell, event: &Event, lines: &[LogLine]) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Time")),
        Head::plain(text.t("Who")),
        Head::plain(text.t("Verdict")),
        Head::plain(text.t("Where it was scanned")),
        Head::plain(text.t("Scanned by")),
        Head::plain(text.t("Actions")),
    ];
    let row = |line: &LogLine| Row {
        id: None,
        name: line.who.clone(),
        cells: vec![
            html! { (shell.format.date(line.at)) " " (shell.format.clock_seconds(line.at)) },
            html! { (line.who) },
            html! { (badge(line.tone, &line.word)) @if !line.why.is_empty() { br; span class="dim" { (line.why) } } },
            html! { (line.place) },
            html! { (line.by) },
            html! { @if line.may_annul {
                (confirm(&Confirm { label: text.t("Take back this scan"), warning: text.t("The scan stays in the log and does not count any more."), action: &format!("/admin/event/{}/scan/{}/annul", event.id, line.scan), verb: text.t("Take this check-in back") }))
            } },
        ],
    };
    let rows: Vec<Row> = lines.iter().map(row).collect();
    table(text, text.t("Scan log"), &heads, &rows, false)
}

/// A conflict.
pub struct Conflict {
    /// The scan.
    pub line: LogLine,
    /// What the box would have said.
    pub why: String,
    /// The entry before, if there was one.
    pub before: String,
    /// Who looked at it and when; empty: nobody yet.
    pub settled: String,
    /// Whether the reader may settle it.
    pub may_settle: bool,
}

/// The conflicts of an event.
pub fn conflicts(shell: &Shell, event: &Event, found: &[Conflict], open: usize) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Time")),
        Head::plain(text.t("Who")),
        Head::plain(text.t("The box would have said")),
        Head::plain(text.t("Entry before")),
        Head::plain(text.t("Scanned by")),
        Head::plain(text.t("Actions")),
    ];
    let row = |of: &Conflict| Row {
        id: None,
        name: of.line.who.clone(),
        cells: vec![
            html! { (shell.format.date(of.line.at)) " " (shell.format.clock_seconds(of.line.at)) },
            html! { (of.line.who) },
            badge(Tone::Warn, &of.why),
            html! { (of.before) },
            html! { (of.line.by) br; span class="dim" { (of.line.place) } },
            html! {
                @if !of.settled.is_empty() { span class="dim" { (of.settled) } }
                @else if of.may_settle { (post(&format!("/admin/event/{}/conflict/{}/settle", event.id, of.line.scan), "", text.t("Looked at"), Icon::Check)) }
            },
        ],
    };
    let rows: Vec<Row> = found.iter().map(row).collect();
    let content = html! {
        h2 { (text.t("Conflicts")) }
        p class="dim" { (text.t("A terminal that cannot reach the box goes on admitting by what it knows. Whom the box would have refused stands here: the person was let in, the scan stays, and you decide what follows from it.")) }
        p { (text.f("{n} scans of terminals that were alone need a look.", &[("n", &count(open as i64))])) }
        @if rows.is_empty() { p class="dim" { (text.t("There are none.")) } }
        @else { (table(text, text.t("Conflicts"), &heads, &rows, false)) }
    };
    event_page(shell, event, Tab::Checkin, &[], &content)
}

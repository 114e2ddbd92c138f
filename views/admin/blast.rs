//! Messages to many: writing one, what it would come to, how far it got (S0-41, S1-59).

use crate::{
    Shell,
    component::{
        Confirm, badge, confirm, empty,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        list::{Head, Row, pager, query, table},
        progress, stat,
    },
    format::{count, phone},
    layout::{Tone, admin},
};
use domain::{
    Blast, Dispatch, Event, Group, Notice, Refusal, TicketType, Time,
    blast::{BlastState, LINES_MAX, PURPOSES, TYPED_FROM},
    message::{
        WAYS,
        template::{SUBJECT_MAX, price_text},
    },
    notice::{NoticeState, TEXT_MAX},
    outbox::{OutKind, OutState},
};
use maud::{Markup, html};

/// A message of the list.
pub struct Line {
    /// It.
    pub blast: Blast,
    /// Name of the event.
    pub event: String,
    /// How many wait, were sent, were dropped.
    pub counts: [i64; 3],
}

fn state(shell: &Shell, of: &Line) -> Markup {
    let tone = match of.blast.state {
        BlastState::Running => Tone::Info,
        BlastState::Done => Tone::Good,
        BlastState::Stopped => Tone::Warn,
    };
    badge(tone, shell.text().t(of.blast.state.label()))
}

/// The list.
pub fn index(shell: &Shell, lines: &[Line]) -> Markup {
    let text = shell.text();
    let heads = [
        Head::plain(text.t("Written at")),
        Head::plain(text.t("Words")),
        Head::plain(text.t("To whom")),
        Head::plain(text.t("State")),
        Head::number(text.t("People")),
        Head::number(text.t("Sent")),
        Head::number(text.t("Not sent yet")),
        Head::number(text.t("Not to be sent")),
    ];
    let rows: Vec<Row> = lines
        .iter()
        .map(|line| Row {
            id: None,
            name: line.blast.text.clone(),
            cells: vec![
                html! { div { span class="whole" { (shell.format.short(line.blast.at)) } div class="dim" { (line.blast.by) } } },
                html! { div { a href={ "/admin/blast/" (line.blast.id) } { (line.blast.text.chars().take(60).collect::<String>()) } div class="dim" { (text.t(line.blast.purpose.label())) } } },
                html! { @if line.event.is_empty() { (text.t("Chosen people")) } @else { (line.event) } },
                state(shell, line),
                html! { (count(i64::from(line.blast.people))) },
                html! { (count(line.counts[1])) },
                html! { (count(line.counts[0])) },
                html! { (count(line.counts[2])) },
            ],
        })
        .collect();
    let content = html! {
        div class="heading" { h1 { (text.t("Messages to many")) } div class="actions" { a class="button primary" href="/admin/blast/new" { (icon(Icon::Plus)) (text.t("Write to many")) } } }
        @if rows.is_empty() { (empty(text.t("No messages to many yet"), text.t("Choose people, write once, look at it, and send. Everybody gets a message of their own by the way that reaches them."), Some((text.t("Write to many"), "/admin/blast/new")))) }
        @else { (table(text, text.t("Messages to many"), &heads, &rows, false)) }
    };
    admin(shell, text.t("Messages to many"), &[], &[], &content)
}

/// The form of a new message.
pub struct Draft<'a> {
    /// Events to choose from, the one that was chosen, and its ticket types and groups.
    pub events: &'a [Event],
    /// See `events`.
    pub kinds: &'a [TicketType],
    /// See `events`.
    pub groups: &'a [Group],
    /// What was typed, by field.
    pub typed: &'a dyn Fn(&str) -> String,
    /// Ways that are ticked; none: all.
    pub ticked: Option<&'a [String]>,
    /// The ways that this hall has.
    pub ways: &'a [&'static str],
    /// Whether the asker writes to everybody, not only to the people of events.
    pub everywhere: bool,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// Fields that a preview carries along.
pub const FIELDS: &[&str] = &["from", "event", "show", "kind", "group", "list", "purpose", "subject", "text", "once"];

/// The page of a new message.
pub fn draft(shell: &Shell, of: &Draft<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let first = |label: &str| (String::new(), text.t(label).to_owned());
    let events: Vec<(String, String)> = std::iter::once(first("Choose one"))
        .chain(of.events.iter().map(|event| (event.id.to_string(), event.name.clone())))
        .collect();
    let content = html! {
        h1 { (text.t("Write to many")) }
        form method="get" action="/admin/blast/new" class="filter" {
            (form.select(&Input { name: "event", label: text.t("People of an event"), value: &(of.typed)("event"), ..Input::default() }, &events))
            button { (text.t("Choose")) }
        }
        (form.summary())
        form method="post" action="/admin/blast/preview" class="form" {
            input type="hidden" name="once" value=((of.typed)("once"));
            (people(shell, of, &form))
            (words(shell, of, &form))
            (submit(text.t("Look at it first"), Some((text.t("Back"), "/admin/blast"))))
        }
    };
    admin(shell, text.t("Write to many"), &[(text.t("Messages to many"), "/admin/blast".into())], &[], &content)
}

fn people(shell: &Shell, of: &Draft<'_>, form: &Form<'_>) -> Markup {
    let text = shell.text();
    let chosen = (of.typed)("event");
    let event = of.events.iter().find(|event| event.id.to_string() == chosen);
    let first = |label: &str| (String::new(), text.t(label).to_owned());
    let shows: Vec<(String, String)> =
        [("", "Everybody"), ("entered", "Checked in"), ("absent", "Not checked in"), ("unpaid", "Pending payment")]
            .iter()
            .map(|(code, label)| ((*code).to_owned(), text.t(label).to_owned()))
            .collect();
    let kinds: Vec<(String, String)> = std::iter::once(first("All types"))
        .chain(of.kinds.iter().map(|kind| (kind.id.to_string(), kind.name.clone())))
        .collect();
    let groups: Vec<(String, String)> = std::iter::once(first("All groups"))
        .chain(of.groups.iter().map(|group| (group.id.to_string(), group.name.clone())))
        .collect();
    let mut sources: Vec<(&str, &str)> = Vec::new();
    if event.is_some() {
        sources.push(("event", "People of this event"));
    }
    if of.everywhere {
        sources.extend([("list", "A list of people"), ("members", "All members")]);
    }
    let from = (of.typed)("from");
    let from = if sources.iter().any(|(code, _)| *code == from) {
        from
    } else {
        sources.first().map_or(String::new(), |(code, _)| (*code).to_owned())
    };
    html! {
        fieldset class="panel" {
            legend { (text.t("To whom")) }
            @if sources.is_empty() { p { (icon(Icon::Info)) (text.t("Choose an event first.")) } }
            @for (code, label) in &sources {
                div class="field tick" { label { input type="radio" name="from" value=(code) checked[*code == from]; span { (text.t(label)) @if *code == "event" { @if let Some(event) = event { ": " (event.name) } } } } }
                @if *code == "event" {
                    input type="hidden" name="event" value=(chosen);
                    div class="pair" {
                        (form.select(&Input { name: "show", label: text.t("Which of them"), value: &(of.typed)("show"), ..Input::default() }, &shows))
                        (form.select(&Input { name: "kind", label: text.t("Ticket type"), value: &(of.typed)("kind"), ..Input::default() }, &kinds))
                        (form.select(&Input { name: "group", label: text.t("Group"), value: &(of.typed)("group"), ..Input::default() }, &groups))
                    }
                }
                @if *code == "list" {
                    (form.textarea(&Input { name: "list", label: text.t("Phone numbers, one a line"), value: &(of.typed)("list"), help: &text.f("A name may stand beside it. At most {max} people, of those whom the box knows.", &[("max", &LINES_MAX)]), ..Input::default() }, 4))
                }
            }
        }
    }
}

fn words(shell: &Shell, of: &Draft<'_>, form: &Form<'_>) -> Markup {
    let text = shell.text();
    let purposes: Vec<(String, String)> =
        PURPOSES.iter().map(|purpose| (purpose.code().to_owned(), text.t(purpose.label()).to_owned())).collect();
    let open: Vec<&str> = WAYS.iter().copied().filter(|way| of.ways.contains(way)).collect();
    html! {
        fieldset class="panel" {
            legend { (text.t("What is said")) }
            (form.select(&Input { name: "purpose", label: text.t("Occasion"), value: &(of.typed)("purpose"), help: text.t("Whoever left what goes to many gets no messages and no reminders, but important changes."), ..Input::default() }, &purposes))
            (form.input(&Input { name: "subject", label: text.t("Subject of mails"), value: &(of.typed)("subject"), max: SUBJECT_MAX, help: text.t("Empty: occasion and event."), ..Input::default() }))
            (form.textarea(&Input { name: "text", label: text.t("Words"), value: &(of.typed)("text"), required: true, max: TEXT_MAX, help: text.t("{name} and {event} are filled in."), ..Input::default() }, 4))
        }
        fieldset class="panel" {
            legend { (text.t("By which ways")) }
            @if open.is_empty() { p { (icon(Icon::Warn)) (text.t("No way is set up. The message stands on its readers' pages alone.")) } }
            @for way in &open {
                div class="field tick" { label { input type="checkbox" name="way" value=(way) checked[of.ticked.is_none_or(|ticked| ticked.iter().any(|one| one == way))]; span { (text.t(OutKind::label(way))) } } }
            }
            (form.error("way"))
            p class="help" { (text.t("Each person gets it once, by the first of these that the person allows and that works.")) }
        }
    }
}

/// What a message would come to.
pub struct Plan<'a> {
    /// How many people.
    pub people: usize,
    /// Lines in which nobody was found.
    pub unknown: &'a [String],
    /// How many were looked at.
    pub looked: usize,
    /// How many left what goes to many.
    pub unwanted: usize,
    /// How many by each way.
    pub ways: &'a [(String, usize)],
    /// How many no way reaches, and the reason of most.
    pub nobody: (usize, Option<&'static str>),
    /// Parts of text messages.
    pub parts: Option<usize>,
    /// Price in ten-thousandths of a yuan.
    pub cost: Option<u64>,
    /// Text messages that are left today, and mails a day.
    pub left: (i64, u32),
    /// When the first goes out, when that is not now.
    pub due: Option<Time>,
    /// Who reads what.
    pub sample: (&'a str, &'a str),
}

/// The page that shows what a message would come to, with the button that sends it.
pub fn preview(shell: &Shell, of: &Draft<'_>, plan: &Plan<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let carried = html! {
        @for name in FIELDS { input type="hidden" name=(name) value=((of.typed)(name)); }
        @for way in of.ticked.unwrap_or(&[]) { input type="hidden" name="way" value=(way); }
    };
    let content = html! {
        h1 { (text.t("Preview")) }
        (form.summary())
        (figures(shell, plan))
        section class="panel" {
            h2 { (text.f("As {name} reads it", &[("name", &plan.sample.0)])) }
            p class="lines" { (plan.sample.1) }
        }
        form method="post" action="/admin/blast" class="form" {
            (carried)
            input type="hidden" name="seen" value=(plan.people);
            @if plan.people > TYPED_FROM {
                (form.input(&Input { name: "typed", label: &text.f("Type the number of people to send it: {count}", &[("count", &plan.people)]), required: true, max: 9, autocomplete: "off", ..Input::default() }))
            }
            div class="submit" {
                button class="primary" { (icon(Icon::Check)) (text.f("Send to {count} people", &[("count", &count(i64::try_from(plan.people).unwrap_or(i64::MAX)))])) }
            }
        }
        form method="post" action="/admin/blast/edit" class="inline" { (carried) button { (text.t("Change it")) } }
    };
    admin(shell, text.t("Preview"), &[(text.t("Messages to many"), "/admin/blast".into())], &[], &content)
}

fn figures(shell: &Shell, plan: &Plan<'_>) -> Markup {
    let text = shell.text();
    let number = |value: usize| count(i64::try_from(value).unwrap_or(i64::MAX));
    html! {
        dl class="stats" {
            (stat(text.t("People"), &number(plan.people), None))
            @for (way, people) in plan.ways { (stat(text.t(OutKind::label(way)), &number(*people), None)) }
            (stat(text.t("On their page alone"), &number(plan.nobody.0), None))
            (stat(text.t("Do not want it"), &number(plan.unwanted), None))
        }
        ul {
            @if plan.looked < plan.people { li { (text.f("The figures by way are of the first {count} people.", &[("count", &number(plan.looked))])) } }
            @if let Some(why) = plan.nobody.1 { li { (text.t("Whom no way reaches:")) " " (text.t(why)) } }
            @if plan.ways.iter().any(|(way, _)| way == "sms") {
                li {
                    @match (plan.parts, plan.cost) {
                        (Some(parts), Some(cost)) => (text.f("Text messages are charged as {parts}, about ¥{cost}.", &[("parts", &number(parts)), ("cost", &cost_text(cost))])),
                        (Some(parts), None) => (text.f("Text messages are charged as {parts}; enter their price under templates to see what they cost.", &[("parts", &number(parts))])),
                        _ => (text.t("What text messages are charged as is not known: enter the approved text under templates.")),
                    }
                }
                li { (text.f("{left} text messages may still be sent today; the rest goes out tomorrow.", &[("left", &count(plan.left.0.max(0)))])) }
            }
            @if plan.ways.iter().any(|(way, _)| way == "mail") { li { (text.f("At most {max} mails go out a day; each says how to leave what goes to many.", &[("max", &count(i64::from(plan.left.1)))])) } }
            @if let Some(due) = plan.due { li { (text.f("Nobody is disturbed now: it goes out at {time}.", &[("time", &shell.format.time(due))])) } }
            @if !plan.unknown.is_empty() { li { (text.f("Nobody was found for {count} lines: {lines}", &[("count", &plan.unknown.len()), ("lines", &plan.unknown.iter().take(10).cloned().collect::<Vec<_>>().join(" · "))])) } }
        }
    }
}

fn cost_text(cost: u64) -> String {
    let fen = cost.div_ceil(100);
    if cost < 10_000 {
        u32::try_from(cost).map_or(String::new(), price_text)
    } else {
        domain::Money::cny(i64::try_from(fen).unwrap_or(i64::MAX)).to_yuan()
    }
}

/// One message and its notices.
pub struct Shown<'a> {
    /// It.
    pub line: &'a Line,
    /// Its notices and the ways they took.
    pub notices: &'a [(Notice, Option<Dispatch>)],
    /// Page, rows of a page.
    pub pages: (usize, usize),
    /// Phones are shown in full.
    pub full: bool,
}

fn notice_row(shell: &Shell, of: &Shown<'_>, notice: &Notice, took: Option<&Dispatch>) -> Row {
    let text = shell.text();
    let tone = match notice.state {
        NoticeState::Waiting => Tone::Info,
        NoticeState::Sent(..) => Tone::Good,
        NoticeState::Dropped(..) => Tone::Plain,
    };
    let log = match notice.about {
        domain::notice::About::Ticket(event, ticket) => format!("/admin/event/{event}/registration/{ticket}/message"),
        domain::notice::About::Person(person) => format!("/admin/message/person/{person}"),
        domain::notice::About::Order(..) | domain::notice::About::Waiter(..) => String::new(),
    };
    Row {
        id: None,
        name: notice.name.clone(),
        cells: vec![
            html! { @if log.is_empty() { (notice.name) } @else { a href=(log) { (notice.name) } } },
            html! { (notice.phone.as_deref().map_or(String::new(), |number| phone(number, of.full))) },
            badge(tone, text.t(notice.state.label())),
            html! {
                div { @for step in took.map_or(&[][..], |took| &took.steps) {
                    @let end = OutState::parse(&step.end).map_or("under way", OutState::label);
                    div { (text.t(OutKind::label(&step.way))) " · " (text.t(end)) }
                } }
            },
        ],
    }
}

/// The page of a message.
pub fn show(shell: &Shell, of: &Shown<'_>) -> Markup {
    let text = shell.text();
    let blast = &of.line.blast;
    let base = format!("/admin/blast/{}", blast.id);
    let heads = [
        Head::plain(text.t("Name")),
        Head::plain(text.t("Phone")),
        Head::plain(text.t("State")),
        Head::plain(text.t("Way")),
    ];
    let rows: Vec<Row> = of.notices.iter().map(|(notice, took)| notice_row(shell, of, notice, took.as_ref())).collect();
    let found = usize::try_from(of.line.counts.iter().sum::<i64>()).unwrap_or(0);
    let moving = blast.state == BlastState::Running || of.line.counts[0] > 0 && blast.state == BlastState::Done;
    let content = html! {
        div class="heading" { h1 { (text.t("Message to many")) " " (state(shell, of.line)) } div class="actions" { a class="button" href=(base) { (text.t("Refresh")) } } }
        p class="dim" { (text.t(blast.purpose.label())) " · " @if of.line.event.is_empty() { (text.t("Chosen people")) } @else { (of.line.event) } " · " (blast.by) " · " (shell.format.time(blast.at)) }
        @if !blast.subject.is_empty() { p { strong { (blast.subject) } } }
        p class="lines" { (blast.text) }
        @if blast.state == BlastState::Running { (progress(text.t("Written to people"), blast.written + blast.left_out, blast.people)) noscript { meta http-equiv="refresh" content="3"; } }
        dl class="stats" {
            (stat(text.t("People"), &count(i64::from(blast.people)), None))
            (stat(text.t("Sent"), &count(of.line.counts[1]), None))
            (stat(text.t("Not sent yet"), &count(of.line.counts[0]), None))
            (stat(text.t("Not to be sent"), &count(of.line.counts[2]), None))
            @if blast.left_out > 0 { (stat(text.t("Registration does not stand any more"), &count(i64::from(blast.left_out)), None)) }
        }
        @if moving { (confirm(&Confirm { label: text.t("Stop it"), warning: text.t("What waits is not sent any more. What was sent stays sent, and what is on its way at this moment goes out."), action: &format!("{base}/stop"), verb: text.t("Stop it") })) }
        @if !rows.is_empty() {
            (table(text, text.t("Messages"), &heads, &rows, false))
            (pager(text, of.pages.0, of.pages.1, found, |page| query(&base, &[("page", &page.to_string())])))
        }
    };
    admin(shell, text.t("Message to many"), &[(text.t("Messages to many"), "/admin/blast".into())], &[], &content)
}

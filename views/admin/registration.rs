//! Registrations of an event: list, one person, form (S0-37 … S0-39, S0-44).

use crate::{
    Shell,
    admin::{Tab, event_page, search::saved},
    component::{
        Confirm, badge, confirm, empty,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        list::{Head, Row, pager, query, table},
        post,
    },
    format::{code, count, phone},
    layout::Tone,
    phone::register::{Ask, question},
};
use domain::{
    Event, Group, Refusal, Ticket, TicketState, TicketType,
    checkin::Standing,
    field::{Field, FieldKind},
};
use maud::{Markup, html};

/// The filter of the list as it stands in the address.
#[derive(Default, Clone)]
pub struct Filter {
    /// Searched text.
    pub q: String,
    /// State shown.
    pub show: String,
    /// Ticket type.
    pub kind: String,
    /// Group.
    pub group: String,
    /// Province.
    pub region: String,
    /// Column sorted by.
    pub sort: String,
    /// `desc` for the other direction.
    pub dir: String,
}

impl Filter {
    /// The address of the list with this filter and a page.
    pub fn link(&self, base: &str, page: usize) -> String {
        let page = if page == 0 { String::new() } else { page.to_string() };
        query(
            base,
            &[
                ("q", &self.q),
                ("show", &self.show),
                ("kind", &self.kind),
                ("group", &self.group),
                ("region", &self.region),
                ("sort", &self.sort),
                ("dir", &self.dir),
                ("page", &page),
            ],
        )
    }

    /// Whether it leaves anybody out who is registered.
    fn narrows(&self) -> bool {
        let shows_all = matches!(self.show.as_str(), "" | "all");
        !(shows_all && self.q.is_empty() && self.kind.is_empty() && self.group.is_empty() && self.region.is_empty())
    }

    fn sorted(&self, base: &str, by: &str) -> (String, Option<&'static str>) {
        let down = self.dir == "desc";
        let mine = self.sort == by || self.sort.is_empty() && by == "created";
        let dir = if mine && !down { "desc" } else { "" };
        let other = Self { sort: by.to_owned(), dir: dir.to_owned(), ..self.clone() };
        (other.link(base, 0), mine.then_some(if down { "descending" } else { "ascending" }))
    }
}

/// The list of an event's registrations.
pub struct List<'a> {
    /// The event.
    pub event: &'a Event,
    /// Rows of the page.
    pub rows: &'a [(Ticket, Standing)],
    /// Ticket types.
    pub kinds: &'a [TicketType],
    /// Groups.
    pub groups: &'a [Group],
    /// How many the filter found.
    pub found: usize,
    /// Page from 0.
    pub page: usize,
    /// Rows of a page.
    pub size: usize,
    /// The filter.
    pub filter: &'a Filter,
    /// Whether phones are shown in full.
    pub full: bool,
    /// Whether the reader may add, change and import.
    pub may_manage: bool,
    /// Whether the reader may export.
    pub may_export: bool,
    /// Whether the reader may send messages.
    pub may_tell: bool,
    /// Searches of this list that the reader keeps.
    pub saved: &'a [domain::SavedSearch],
}

/// States of the list's filter with their labels.
pub const SHOWS: &[(&str, &str)] = &[
    ("", "Registered"),
    ("entered", "Checked in"),
    ("absent", "Not checked in"),
    ("uncollected", "Not collected"),
    ("unapproved", "Pending review"),
    ("unpaid", "Pending payment"),
    ("canceled", "Canceled"),
    ("refunded", "Refunded"),
    ("blocked", "Blocked"),
    ("all", "All"),
];

fn kind_name<'a>(kinds: &'a [TicketType], ticket: &Ticket) -> &'a str {
    kinds.iter().find(|kind| kind.id == ticket.kind).map_or("", |kind| kind.name.as_str())
}

fn group_name<'a>(groups: &'a [Group], ticket: &Ticket) -> &'a str {
    groups.iter().find(|group| Some(group.id) == ticket.group).map_or("", |group| group.name.as_str())
}

/// The badge of a registration.
pub fn state(shell: &Shell, ticket: &Ticket, standing: &Standing) -> Markup {
    let text = shell.text();
    match (ticket.state, standing.first(), ticket.collected) {
        (TicketState::Active, Some(entry), _) => {
            badge(Tone::Good, &format!("{} {}", text.t("Checked in"), shell.format.short(entry.at)))
        }
        (TicketState::Active, None, false) => badge(Tone::Info, text.t("Not collected")),
        (state, _, _) => badge(tone(state), text.t(state.label())),
    }
}

/// How a state looks.
pub fn tone(state: TicketState) -> Tone {
    match state {
        TicketState::Active => Tone::Plain,
        TicketState::Unapproved | TicketState::Unpaid => Tone::Warn,
        TicketState::Canceled | TicketState::Refunded | TicketState::Blocked => Tone::Bad,
    }
}

/// The list page.
pub fn list(shell: &Shell, of: &List<'_>) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}/registration", of.event.id);
    let sorting = |label: &str, by: &str| Head {
        label: text.t(label).to_owned(),
        sort: Some(of.filter.sorted(&base, by)),
        number: false,
    };
    let heads = [
        sorting("Name", "name"),
        Head::plain(text.t("Phone")),
        Head::plain(text.t("Company")),
        Head::plain(text.t("Ticket type")),
        Head::plain(text.t("Group")),
        Head::plain(text.t("Seat")),
        sorting("State", "entered"),
        sorting("Registered at", "created"),
    ];
    let rows: Vec<Row> = of
        .rows
        .iter()
        .map(|(ticket, standing)| Row {
            id: Some(ticket.id.to_string()),
            name: ticket.name.clone(),
            cells: vec![
                html! { a href={ (base) "/" (ticket.id) } { (ticket.name) } },
                html! { (ticket.phone.as_deref().map_or(String::new(), |number| phone(number, of.full))) },
                html! { (ticket.company) },
                html! { (kind_name(of.kinds, ticket)) },
                html! { (group_name(of.groups, ticket)) },
                html! { (ticket.seat) },
                state(shell, ticket, standing),
                html! { (shell.format.short(ticket.created_at)) },
            ],
        })
        .collect();
    let content = html! {
        (actions(shell, of, &base))
        (filter(shell, of))
        (saved(shell, of.saved, &of.filter.link(&base, 0), of.filter.narrows()))
        @if of.found == 0 && of.filter.narrows() {
            (empty(text.t("Nobody matches"), text.t("Change the search or the filter, or look at everybody."), Some((text.t("Everybody"), &base))))
        } @else if of.found == 0 { (empty(text.t("Nobody here"), text.t("Add a person by hand, import a list, or publish the event so that people register themselves."), None)) }
        @else if of.may_manage {
            form method="post" action={ (base) "/bulk" } {
                input type="hidden" name="back" value=(of.filter.link(&base, of.page));
                (table(text, text.t("Registrations"), &heads, &rows, true))
                (bulk(shell, of.may_tell))
            }
        } @else { (table(text, text.t("Registrations"), &heads, &rows, false)) }
        @if of.found > 0 { (pager(text, of.page, of.size, of.found, |page| of.filter.link(&base, page))) }
    };
    event_page(shell, of.event, Tab::Registrations, &[], &content)
}

fn actions(shell: &Shell, of: &List<'_>, base: &str) -> Markup {
    let text = shell.text();
    html! {
        div class="actions" {
            @if of.may_manage {
                a class="button primary" href={ (base) "/new" } { (icon(Icon::Plus)) (text.t("Add a person")) }
                a class="button" href={ "/admin/event/" (of.event.id) "/import" } { (icon(Icon::Import)) (text.t("Import")) }
            }
            @if of.may_export {
                a class="button" href=(of.filter.link(&format!("{base}/export.xlsx"), 0)) download { (icon(Icon::Export)) "xlsx" }
                a class="button" href=(of.filter.link(&format!("{base}/export.csv"), 0)) download { (icon(Icon::Export)) "csv" }
            }
            a class="button" href=(of.filter.link(&format!("{base}/print"), of.page)) { (icon(Icon::Print)) (text.t("Sheet of QR codes")) }
        }
    }
}

fn filter(shell: &Shell, of: &List<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, None);
    let shows: Vec<(String, String)> =
        SHOWS.iter().map(|(value, label)| ((*value).to_owned(), text.t(label).to_owned())).collect();
    let first = |label: &str| (String::new(), text.t(label).to_owned());
    let kinds: Vec<(String, String)> = std::iter::once(first("All types"))
        .chain(of.kinds.iter().map(|kind| (kind.id.to_string(), kind.name.clone())))
        .collect();
    let groups: Vec<(String, String)> = std::iter::once(first("All groups"))
        .chain(of.groups.iter().map(|group| (group.id.to_string(), group.name.clone())))
        .collect();
    let provinces: Vec<(String, String)> = std::iter::once(first("All provinces"))
        .chain(domain::region::all().map(|(province, _)| (province.to_owned(), province.to_owned())))
        .collect();
    html! {
        form class="filter" method="get" {
            input type="hidden" name="sort" value=(of.filter.sort);
            input type="hidden" name="dir" value=(of.filter.dir);
            div class="field grow" {
                label for="f-q" { (text.t("Name, pinyin, company, phone or ticket number")) }
                input id="f-q" name="q" type="search" value=(of.filter.q) maxlength="60";
            }
            (form.select(&Input { name: "show", label: text.t("State"), value: &of.filter.show, ..Input::default() }, &shows))
            (form.select(&Input { name: "kind", label: text.t("Ticket type"), value: &of.filter.kind, ..Input::default() }, &kinds))
            @if !of.groups.is_empty() { (form.select(&Input { name: "group", label: text.t("Group"), value: &of.filter.group, ..Input::default() }, &groups)) }
            @if of.event.fields.iter().any(|field| field.kind == FieldKind::Region) { (form.select(&Input { name: "region", label: text.t("Province"), value: &of.filter.region, ..Input::default() }, &provinces)) }
            button { (icon(Icon::Search)) (text.t("Filter")) }
        }
    }
}

fn bulk(shell: &Shell, may_tell: bool) -> Markup {
    let text = shell.text();
    html! {
        div class="bulk" {
            span class="dim" { (text.t("With the chosen:")) }
            button name="act" value="mark" { (icon(Icon::Check)) (text.t("Mark as checked in")) }
            button name="act" value="unmark" { (text.t("Mark as not checked in")) }
            input type="text" name="name" maxlength="40" aria-label=(text.t("Name of the group")) placeholder=(text.t("Name of the group"));
            button name="act" value="group" { (text.t("Put into the group")) }
            @if may_tell { button name="act" value="attend" { (text.t("Send the attend code")) } }
            button class="danger" name="act" value="cancel" { (text.t("Cancel registrations")) }
            button name="act" value="restore" { (text.t("Let stand again")) }
            button name="act" value="block" { (text.t("Shut out at the door")) }
            button name="act" value="unblock" { (text.t("Let in again")) }
        }
    }
}

/// What the form shows.
#[derive(Default)]
pub struct Typed {
    /// Name.
    pub name: String,
    /// Phone.
    pub phone: String,
    /// Company.
    pub company: String,
    /// Ticket type.
    pub kind: String,
    /// Name of the group.
    pub group: String,
    /// Seat.
    pub seat: String,
    /// Note.
    pub note: String,
    /// Note for the door.
    pub door_note: String,
    /// Answers by question number.
    pub answers: Vec<(u16, String)>,
}

/// The form of one registration; `ticket` when one is changed.
pub fn form(
    shell: &Shell,
    event: &Event,
    ticket: Option<&Ticket>,
    kinds: &[TicketType],
    groups: &[Group],
    typed: &Typed,
    refusal: Option<&Refusal>,
) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let base = format!("/admin/event/{}/registration", event.id);
    let action = ticket.map_or(format!("{base}/new"), |ticket| format!("{base}/{}/edit", ticket.id));
    let back = ticket.map_or(base.clone(), |ticket| format!("{base}/{}", ticket.id));
    let choices: Vec<(String, String)> = kinds.iter().map(|kind| (kind.id.to_string(), kind.name.clone())).collect();
    let content = html! {
        h2 { @if ticket.is_some() { (text.t("Change the registration")) } @else { (text.t("Add a person")) } }
        (form.summary())
        form method="post" action=(action) class="form panel" enctype="multipart/form-data" {
            @if let Some(ticket) = ticket { input type="hidden" name="revision" value=(ticket.revision); }
            (form.input(&Input { name: "name", label: text.t("Name"), value: &typed.name, required: true, max: 60, ..Input::default() }))
            div class="pair" {
                (form.input(&Input { name: "phone", label: text.t("Phone"), value: &typed.phone, kind: "tel", max: 30, ..Input::default() }))
                (form.input(&Input { name: "company", label: text.t("Company"), value: &typed.company, max: 100, ..Input::default() }))
            }
            div class="pair" {
                (form.select(&Input { name: "kind", label: text.t("Ticket type"), value: &typed.kind, required: true, ..Input::default() }, &choices))
                div class="field" {
                    label for="f-group" { (text.t("Group")) }
                    input id="f-group" name="group" value=(typed.group) maxlength="40" list="groups" aria-describedby="h-group";
                    datalist id="groups" { @for group in groups { option value=(group.name) {} } }
                    p class="help" id="h-group" { (text.t("A new name makes a new group.")) }
                }
                (form.input(&Input { name: "seat", label: text.t("Seat"), value: &typed.seat, max: 20, ..Input::default() }))
            }
            @for field in &event.fields { (answer(shell, &form, field, ticket.is_some(), typed)) }
            (form.input(&Input { name: "door_note", label: text.t("Note for the door"), value: &typed.door_note, max: 60, help: text.t("Shown in large letters with every scan of this ticket."), ..Input::default() }))
            (form.textarea(&Input { name: "note", label: text.t("Note"), value: &typed.note, max: 500, ..Input::default() }, 2))
            (submit(text.t("Save"), Some((text.t("Cancel"), &back))))
        }
    };
    event_page(shell, event, Tab::Registrations, &["form.js", "area.js"], &content)
}

fn answer(shell: &Shell, form: &Form<'_>, field: &Field, changed: bool, typed: &Typed) -> Markup {
    let value = typed.answers.iter().find(|(id, _)| *id == field.id).map_or("", |(_, value)| value.as_str());
    if !(changed && (field.kind.is_sensitive() || field.kind == FieldKind::File)) {
        return question(form, field, value, Ask::default());
    }
    let hinted = Field { help: shell.text().t("Empty: the kept answer stays.").to_owned(), ..field.clone() };
    question(form, &hinted, value, Ask::default())
}

/// One line of a registration's history.
pub struct ScanLine {
    /// When.
    pub at: String,
    /// What the door said, or that it was taken back.
    pub word: String,
    /// How good that was.
    pub tone: Tone,
    /// Who scanned.
    pub by: String,
}

/// One registration.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// The registration.
    pub ticket: &'a Ticket,
    /// Where it stands at the door.
    pub standing: &'a Standing,
    /// Name of its type.
    pub kind: &'a str,
    /// Name of its group.
    pub group: &'a str,
    /// Questions with answers as the reader may see them, and where an uploaded file lies.
    pub answers: &'a [(String, String, Option<String>)],
    /// Its scans, newest first.
    pub scans: &'a [ScanLine],
    /// Address of the holder's page.
    pub url: &'a str,
    /// Whether phones are shown in full.
    pub full: bool,
    /// Whether the reader may change it.
    pub may_manage: bool,
    /// Whether the reader may mark it.
    pub may_mark: bool,
    /// Whether the reader may send messages.
    pub may_tell: bool,
    /// Whether the reader answers what people ask about their data.
    pub may_privacy: bool,
    /// More sections: what was printed, certificates, the holder's picture.
    pub more: Markup,
}

/// The page of one registration.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let ticket = of.ticket;
    let base = format!("/admin/event/{}/registration/{}", of.event.id, ticket.id);
    let content = html! {
        div class="heading" { h2 { (ticket.name) " " (state(shell, ticket, of.standing)) } (page_actions(shell, of, &base)) }
        div class="columns" {
            section class="panel" {
                dl class="facts" {
                    dt { (text.t("Phone")) } dd { (ticket.phone.as_deref().map_or(String::new(), |number| phone(number, of.full))) }
                    dt { (text.t("Company")) } dd { (ticket.company) }
                    dt { (text.t("Ticket type")) } dd { (of.kind) }
                    dt { (text.t("Group")) } dd { (of.group) }
                    dt { (text.t("Seat")) } dd { (ticket.seat) }
                    @for (label, value, file) in of.answers { dt { (label) } dd { @if let Some(file) = file { a href=(file) download { (value) } } @else { @for line in value.lines() { (line) br; } } } }
                    dt { (text.t("Note for the door")) } dd { (ticket.door_note) }
                    dt { (text.t("Note")) } dd { (ticket.note) }
                    dt { (text.t("Registered at")) } dd { (shell.format.time(ticket.created_at)) " · " (text.t(ticket.source.label())) }
                }
            }
            section class="panel" {
                dl class="facts" {
                    dt { (text.t("Ticket number")) } dd class="code" { (code(&ticket.number)) }
                    dt { (text.t("Attend code")) } dd class="code" { (code(&ticket.attend)) }
                }
                @if of.full { p { a href=(of.url) { (text.t("The holder's page")) } } }
                p { a class="button" href={ (base) "/print" } { (icon(Icon::Print)) (text.t("Print the ticket")) } }
                p { a class="button" href={ (base) "/message" } { (icon(Icon::Log)) (text.t("Messages of this person")) } }
            }
            @if of.may_privacy {
                p { a class="button" href={ "/admin/privacy/" (of.ticket.person) } { (icon(Icon::Person)) (text.t("This person's data")) } }
            }
        }
        section class="panel" {
            h2 { (text.t("Scans")) }
            @if of.scans.is_empty() { p class="dim" { (text.t("Not scanned yet.")) } }
            @for scan in of.scans { p { (badge(scan.tone, &scan.word)) " " (scan.at) " · " (scan.by) } }
        }
        (of.more)
    };
    event_page(shell, of.event, Tab::Registrations, &[], &content)
}

fn page_actions(shell: &Shell, of: &Page<'_>, base: &str) -> Markup {
    let text = shell.text();
    let active = of.ticket.state == TicketState::Active;
    html! {
        div class="actions" {
            @if of.may_mark && active {
                @if !of.standing.is_admitted() { (post(&format!("{base}/mark"), "", text.t("Mark as checked in"), Icon::Check)) }
                @else { (post(&format!("{base}/unmark"), "", text.t("Mark as not checked in"), Icon::Cross)) }
            }
            @if of.may_tell && active && of.ticket.phone.is_some() { (post(&format!("{base}/attend"), "", text.t("Send the attend code"), Icon::Ticket)) }
            @if of.may_manage {
                a class="button" href={ (base) "/edit" } { (icon(Icon::Edit)) (text.t("Change")) }
                @if of.ticket.state == TicketState::Blocked { (post(&format!("{base}/unblock"), "", text.t("Let in again"), Icon::Check)) }
                @if active { (post(&format!("{base}/block"), "", text.t("Shut out at the door"), Icon::Cross)) }
                @if of.ticket.state.holds_place() { (confirm(&Confirm { label: text.t("Cancel the registration"), warning: text.t("The place becomes free and the ticket is refused at the door. It can be let stand again while there is room."), action: &format!("{base}/cancel"), verb: text.t("Cancel the registration") })) }
                @else if of.ticket.state == TicketState::Canceled { (post(&format!("{base}/restore"), "", text.t("Let stand again"), Icon::Check)) }
            }
        }
    }
}

/// The sheet with one ticket for the printer.
pub fn print(shell: &Shell, of: &crate::phone::ticket::TicketPage<'_>) -> Markup {
    crate::layout::sheet(shell, &of.ticket.name, &crate::phone::ticket::card(shell, of))
}

/// What a bulk act did.
pub fn bulk_done(shell: &Shell, done: usize, refused: usize, first: Option<&Refusal>) -> String {
    let text = shell.text();
    let mut out = text.f("{count} done.", &[("count", &count(done as i64))]);
    if let Some(first) = first {
        out.push(' ');
        out.push_str(
            &text.f("{count} refused: {why}", &[("count", &count(refused as i64)), ("why", &text.refusal(first))]),
        );
    }
    out
}

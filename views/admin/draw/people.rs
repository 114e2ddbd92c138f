//! People of a draw: its own list with the code for joining, messages and pictures that wait for a look.

use super::base;
use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        Confirm, badge, confirm,
        form::{Form, submit},
        icon::{Icon, icon},
        list::{Head, Row, pager, query, table},
        notice, qr,
    },
    format::phone,
    layout::{Tone, full},
};
use domain::{
    Draw, Event, Refusal,
    draw::{Entrant, Face, Message, Moderation, Who},
};
use maud::{Markup, html};

/// Somebody on the list.
pub struct EntrantLine<'a> {
    /// Who.
    pub entrant: &'a Entrant,
    /// Lucky number.
    pub lucky: &'a str,
    /// Name of the group.
    pub group: &'a str,
    /// Joined by the code.
    pub by_code: bool,
}

/// What an import did: rows that were added, rows that were there already, and rows that could not be taken with the reason.
pub type Imported = (usize, usize, Vec<(u32, String)>);

/// The draw's own list.
pub struct ListPage<'a> {
    /// The event.
    pub event: &'a Event,
    /// The draw.
    pub draw: &'a Draw,
    /// The rows of this page.
    pub rows: &'a [EntrantLine<'a>],
    /// Page, rows of one, and how many there are.
    pub page: (usize, usize, usize),
    /// Phones in full.
    pub full: bool,
    /// May change it.
    pub may_manage: bool,
    /// What was wrong with an import.
    pub refusal: Option<&'a Refusal>,
    /// Address of the code for joining, where the draw can be joined.
    pub join: Option<String>,
    /// What an import did: added, were there, and refused rows with what is wrong.
    pub taken: Option<Imported>,
}

/// The draw's own list.
pub fn entrants(shell: &Shell, of: &ListPage<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let base = base(of.event, of.draw.id);
    let heads = [
        Head::plain(text.t("Name")),
        Head::plain(text.t("Lucky number")),
        Head::plain(text.t("Phone")),
        Head::plain(text.t("Group")),
        Head::plain(text.t("Seat")),
        Head::plain(text.t("How")),
        Head::plain(text.t("Actions")),
    ];
    let row = |of_row: &EntrantLine<'_>| Row {
        id: None,
        name: of_row.entrant.name.clone(),
        cells: vec![
            html! { (of_row.entrant.name) @if !of_row.entrant.company.is_empty() { br; span class="dim" { (of_row.entrant.company) } } },
            html! { code { (of_row.lucky) } },
            html! { @if let Some(number) = &of_row.entrant.phone { (phone(number, of.full)) } @else if of_row.entrant.ticket.is_some() { (text.t("Has a ticket")) } },
            html! { (of_row.group) },
            html! { (of_row.entrant.seat) },
            html! { @if of_row.by_code { (text.t("Joined by the code")) } @else { (text.t("Imported")) } },
            html! { @if of.may_manage { form method="post" action={ (base) "/entrant/" (of_row.entrant.id) "/remove" } class="inline" { button class="danger" aria-label={ (text.t("Remove")) " " (of_row.entrant.name) } { (text.t("Remove")) } } } },
        ],
    };
    let rows: Vec<Row> = of.rows.iter().map(row).collect();
    let (page, size, found) = of.page;
    let content = html! {
        div class="heading" {
            h2 { (of.draw.name) " · " (text.t("The draw's own list")) }
            div class="actions" {
                @if of.draw.joined { a class="button" href={ (base) "/code" } target="_blank" rel="noopener" { (icon(Icon::Door)) (text.t("Code for joining")) } }
                a class="button" href={ (base) "/entrant/export.xlsx" } { (icon(Icon::Export)) (text.t("Export as Excel")) }
                a class="button" href=(base) { (text.t("Back")) }
            }
        }
        p class="dim" { (text.t("People without a ticket of the event, and people who scanned the draw's code. Whoever has a ticket is that ticket: nobody takes part twice.")) }
        @if let Some(join) = &of.join { p { (text.t("Address of the code for joining:")) " " code class="long" { (join) } } }
        @if let Some((added, unchanged, refused)) = &of.taken {
            (notice(if refused.is_empty() { Tone::Good } else { Tone::Warn }, &text.f("{added} added, {unchanged} were on the list already, {refused} rows could not be taken.", &[("added", added), ("unchanged", unchanged), ("refused", &refused.len())])))
            @if !refused.is_empty() { ul { @for (number, why) in refused.iter().take(50) { li { (text.f("Row {number}", &[("number", number)])) ": " (why) } } } }
        }
        (form.summary())
        @if of.may_manage {
            form method="post" action={ (base) "/entrant" } enctype="multipart/form-data" class="form panel" {
                (form.file("file", text.t("Import a list"), text.t("xlsx or csv with the heads Name, Phone, Company, Group, Seat. The same list again changes nothing."), ".xlsx,.csv"))
                (submit(text.t("Import"), None))
            }
        }
        @if rows.is_empty() { p class="dim" { (text.t("Nobody yet.")) } } @else { (table(text, text.t("The draw's own list"), &heads, &rows, false)) }
        @if found > 0 { (pager(text, page, size, found, |to| query(&format!("{base}/entrant"), &[("page", &to.to_string())]))) }
        @if of.may_manage && of.draw.joined {
            (confirm(&Confirm { label: text.t("Make new codes"), warning: text.t("The codes that were shown or printed are worthless from then on."), action: &format!("{base}/renew"), verb: text.t("Make new codes") }))
        }
    };
    event_page(shell, of.event, Tab::Draw, &[], &content)
}

/// The code for joining, for a screen or the printer.
pub fn code(shell: &Shell, event: &Event, draw: &Draw, url: &str) -> Markup {
    let text = shell.text();
    let content = html! {
        main id="content" class="code-screen" {
            h1 class="word" { (event.name) " · " (draw.name) }
            (qr(url, text.t("Code for joining")))
            p class="word" { (text.t("Scan to take part in the draw")) }
        }
    };
    full(shell, text.t("Code for joining"), &[], &content)
}

/// Messages and pictures.
pub struct MessagePage<'a> {
    /// The event.
    pub event: &'a Event,
    /// The draw.
    pub draw: &'a Draw,
    /// Messages that wait, are shown, are hidden.
    pub messages: [&'a [Message]; 3],
    /// Pictures.
    pub faces: &'a [Face],
}

/// The value that stands for somebody in a form.
pub fn who_value(who: Who) -> String {
    match who {
        Who::Ticket(ticket) => format!("t{ticket}"),
        Who::Extra(entrant) => format!("e{entrant}"),
    }
}

/// Messages and pictures that wait, and those that were looked at.
pub fn messages(shell: &Shell, of: &MessagePage<'_>) -> Markup {
    let text = shell.text();
    let base = base(of.event, of.draw.id);
    let [waiting, shown, hidden] = of.messages;
    let content = html! {
        div class="heading" { h2 { (of.draw.name) " · " (text.t("Messages and pictures")) } div class="actions" { a class="button" href={ (base) "/message" } { (text.t("Load again")) } a class="button" href=(base) { (text.t("Back")) } } }
        @if !of.draw.moderated { (notice(Tone::Warn, text.t("Messages are shown at once, without a look. The draw's settings can change that."))) }
        (part(shell, &base, text.t("Waiting"), waiting, true, true))
        (part(shell, &base, text.t("On the wall"), shown, false, true))
        (part(shell, &base, text.t("Hidden"), hidden, true, false))
        @if !of.faces.is_empty() {
            section class="panel" {
                h3 { (text.t("Pictures of people")) }
                ul class="people" {
                    @for face in of.faces {
                        @let value = who_value(face.who);
                        li {
                            div class="row" { img class="face" src={ "/draw/" (of.draw.id) "/face/" (value) } alt={ (text.t("Picture of")) " " (face.name) } width="72" height="72" loading="lazy"; strong { (face.name) } (moderation(shell, face.state)) }
                            div class="row" {
                                @for (verb, label, wanted) in [("show", text.t("Show"), Moderation::Shown), ("hide", text.t("Hide"), Moderation::Hidden)] {
                                    @if face.state != wanted { form method="post" action={ (base) "/face/" (value) "/" (verb) } class="inline" { button aria-label={ (label) " " (face.name) } { (label) } } }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    event_page(shell, of.event, Tab::Draw, &[], &content)
}

fn moderation(shell: &Shell, state: Moderation) -> Markup {
    let text = shell.text();
    match state {
        Moderation::Waiting => badge(Tone::Warn, text.t("Waiting")),
        Moderation::Shown => badge(Tone::Good, text.t("Shown")),
        Moderation::Hidden => badge(Tone::Plain, text.t("Hidden")),
    }
}

fn part(shell: &Shell, base: &str, title: &str, messages: &[Message], may_show: bool, may_hide: bool) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h3 { (title) " (" (messages.len()) ")" }
            @if messages.is_empty() { p class="dim" { (text.t("Nothing here.")) } } @else {
                form method="post" class="form" {
                    ul class="people" {
                        @for message in messages {
                            li { label class="tick" { input type="checkbox" name="id" value=(message.id) checked[may_show && may_hide]; span { (message.text) " " span class="dim" { (message.name) " · " (shell.format.clock_seconds(message.at)) } } } }
                        }
                    }
                    div class="row" {
                        @if may_show { button class="primary" formaction={ (base) "/message/show" } { (icon(Icon::Check)) (text.t("Show the chosen ones")) } }
                        @if may_hide { button formaction={ (base) "/message/hide" } { (icon(Icon::Cross)) (text.t("Hide the chosen ones")) } }
                    }
                }
            }
        }
    }
}

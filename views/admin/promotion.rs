//! Promotion of an event: its link with QR codes, sources and what came of them, the shared link's card, posters of visitors.

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        form::{Form, Input},
        icon::{Icon, icon},
        list::{Head, Row, query, table},
        notice, post, qr,
    },
    format::count,
    layout::{Tone, sheet},
};
use domain::{
    Event, Refusal,
    event::EventState,
    promotion::{DESCRIPTION_MAX, Origin, ShareInput, TITLE_MAX},
};
use maud::{Markup, html};

/// A source with what came of it.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct SourceRow {
    pub origin: Origin,
    pub name: String,
    pub visits: i64,
    pub registrations: i64,
}

/// The page.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// Address of the invitation.
    pub url: &'a str,
    /// Sources and posters.
    pub rows: &'a [SourceRow],
    /// What stands in the form of the shared link.
    pub share: &'a ShareInput,
    /// Its revision.
    pub revision: u32,
    /// Numbers and names of posters.
    pub posters: &'a [(String, String)],
    /// What stands in the form of a new source.
    pub source: &'a str,
    /// Whether the reader may change anything.
    pub may_manage: bool,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

fn base(event: &Event) -> String {
    format!("/admin/event/{}/promotion", event.id)
}

/// The page.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let content = html! {
        (form.summary())
        @if of.event.state != EventState::Published { (notice(Tone::Info, text.t("Visitors see the event, its codes and posters after publishing."))) }
        section class="panel" {
            h2 { (text.t("Link and QR code")) }
            div class="code-row" {
                (qr(of.url, text.t("Address of the invitation")))
                div class="stack" { p { a href=(of.url) { (of.url) } } (downloads(shell, of.event, "")) }
            }
        }
        (sources(shell, of, &form))
        @if of.may_manage { (card(shell, of, &form)) }
    };
    event_page(shell, of.event, Tab::Promotion, &[], &content)
}

fn downloads(shell: &Shell, event: &Event, from: &str) -> Markup {
    let text = shell.text();
    let at = |tail: &str| query(&format!("{}/qr{tail}", base(event)), &[("from", from)]);
    html! {
        div class="row" {
            a class="button" href=(at(".svg")) download { (icon(Icon::Export)) "SVG" }
            a class="button" href=(at(".png")) download { (icon(Icon::Export)) "PNG" }
            a class="button" href=(at("")) { (icon(Icon::Print)) (text.t("Print sheet")) }
        }
    }
}

fn sources(shell: &Shell, of: &Page<'_>, form: &Form<'_>) -> Markup {
    let text = shell.text();
    let (named, members): (Vec<&SourceRow>, Vec<&SourceRow>) =
        of.rows.iter().partition(|row| matches!(row.origin, Origin::Source(_)));
    let heads = [
        Head::plain(text.t("Source")),
        Head::number(text.t("Visits")),
        Head::number(text.t("Registered")),
        Head::plain(text.t("Link and QR code")),
    ];
    let row = |row: &&SourceRow| Row {
        id: None,
        name: row.name.clone(),
        cells: vec![
            html! { (row.name) },
            html! { (count(row.visits)) },
            html! { (count(row.registrations)) },
            html! {
                div { code { (of.url) "?from=" (row.origin) }
                div class="row" {
                    (downloads(shell, of.event, &row.origin.to_string()))
                    @if of.may_manage && row.visits == 0 && row.registrations == 0 { (post(&format!("{}/source/{}/remove", base(of.event), row.origin), "danger", text.t("Delete"), Icon::Cross)) }
                } }
            },
        ],
    };
    let member = |row: &&SourceRow| Row {
        id: None,
        name: row.name.clone(),
        cells: vec![
            html! { @match row.origin { Origin::Member(ticket) => a href={ "/admin/event/" (of.event.id) "/registration/" (ticket) } { (row.name) }, Origin::Source(_) => (row.name) } },
            html! { (count(row.visits)) },
            html! { (count(row.registrations)) },
        ],
    };
    let member_heads =
        [Head::plain(text.t("Whose poster")), Head::number(text.t("Visits")), Head::number(text.t("Registered"))];
    html! {
        section class="panel" {
            h2 { (text.t("Source statistics")) }
            p class="dim" { (text.t("Each place where you show the event gets a link and QR code of its own. A phone counts as one visit until it follows another link.")) }
            @if !named.is_empty() { (table(text, text.t("Source statistics"), &heads, &named.iter().map(row).collect::<Vec<_>>(), false)) }
            @if of.may_manage {
                form method="post" action={ (base(of.event)) "/source" } class="filter" {
                    (form.input(&Input { name: "source", label: text.t("New source"), value: of.source, required: true, max: 30, help: text.t("For example Moments, or the poster at the door."), ..Input::default() }))
                    button { (icon(Icon::Plus)) (text.t("Add")) }
                }
            }
            @if !members.is_empty() {
                h3 { (text.t("Posters of visitors")) }
                (table(text, text.t("Posters of visitors"), &member_heads, &members.iter().map(member).collect::<Vec<_>>(), false))
            }
        }
    }
}

fn card(shell: &Shell, of: &Page<'_>, form: &Form<'_>) -> Markup {
    let (text, typed) = (shell.text(), of.share);
    let mut posters = vec![(String::new(), text.t("The first poster").to_owned())];
    posters.extend(of.posters.iter().cloned());
    let poster = typed.poster.map_or(String::new(), |id| id.to_string());
    html! {
        form method="post" action=(base(of.event)) enctype="multipart/form-data" class="form panel" {
            input type="hidden" name="revision" value=(of.revision);
            h2 { (text.t("Sharing")) }
            fieldset {
                legend { (text.t("What a shared link shows")) }
                p class="dim" { (text.t("Off: the event's name and cover.")) }
                (form.checkbox("custom", text.t("Own title and picture"), typed.custom))
                (form.input(&Input { name: "title", label: text.t("Title"), value: &typed.title, max: TITLE_MAX, ..Input::default() }))
                (form.input(&Input { name: "description", label: text.t("Description of the link"), value: &typed.description, max: DESCRIPTION_MAX, ..Input::default() }))
                @if let Some(picture) = typed.picture {
                    input type="hidden" name="picture" value=(picture);
                    img class="cover" src={ "/picture/" (picture) } alt=(text.t("Picture of the shared link"));
                    (form.checkbox("picture_off", text.t("Take the picture away"), false))
                }
                (form.file("picture_file", text.t("Picture"), text.t("JPEG, PNG or WebP, at most 15 MB"), "image/jpeg,image/png,image/webp"))
            }
            fieldset {
                legend { (text.t("Posters")) }
                (form.checkbox("posters", text.t("Visitors may share posters"), typed.posters))
                (form.select(&Input { name: "poster", label: text.t("Poster"), value: &poster, ..Input::default() }, &posters))
                p { a href={ "/admin/event/" (of.event.id) "/design" } { (text.t("Design posters")) } }
            }
            button class="primary" { (text.t("Save")) }
        }
    }
}

/// The code to print and put up; `source` names where.
pub fn printed(shell: &Shell, event: &Event, source: &str, url: &str) -> Markup {
    let text = shell.text();
    let content = html! {
        section class="poster" {
            h1 { (event.name) }
            p class="word" { (shell.format.window(&event.time)) }
            (qr(url, text.t("Address of the invitation")))
            p { (text.t("Scan this with your phone to register.")) }
            @if !source.is_empty() { p class="dim no-print" { (source) } }
        }
    };
    sheet(shell, text.t("QR code of the invitation"), &content)
}

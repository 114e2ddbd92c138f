//! Events: list, form, overview with charts, questions.

use crate::{
    Shell,
    admin::{Tab, event_page, state},
    component::{
        Confirm,
        chart::{Series, bars},
        confirm, empty,
        form::{Form, Input, submit},
        heading,
        icon::{Icon, icon},
        list::{Head, Row, pager, query, table},
        post, qr,
        rich::Written,
        stat,
    },
    format::count,
    layout::admin,
    phone::event::cover,
};
use domain::{
    Department, Event, Refusal,
    event::{COVER_TEMPLATES, Cover, EventInput, EventState, INTRO_MAX, NOTICE_MAX},
    field::{Field, FieldKind},
    place::{Datum, PlaceInput},
};
use maud::{Markup, html};

/// The list with its filter.
pub struct List<'a> {
    /// Events with places taken and people checked in.
    pub rows: &'a [(Event, i64, i64)],
    /// How many the filter found.
    pub found: usize,
    /// Page from 0.
    pub page: usize,
    /// Rows of a page.
    pub size: usize,
    /// Text of the filter.
    pub q: &'a str,
    /// State of the filter.
    pub state: &'a str,
    /// Category of the filter.
    pub category: &'a str,
    /// Categories to choose from.
    pub categories: &'a [domain::Category],
    /// Names of the categories of the shown events.
    pub names: &'a std::collections::BTreeMap<domain::EventId, String>,
    /// Whether the reader may make events.
    pub may_create: bool,
    /// Searches of this list that the reader keeps.
    pub saved: &'a [domain::SavedSearch],
}

/// Events with places taken and people checked in, as a table.
/// With `categories`, the name of an event's category stands below its own.
pub fn event_table(
    shell: &Shell,
    caption: &str,
    events: &[(Event, i64, i64)],
    categories: Option<&std::collections::BTreeMap<domain::EventId, String>>,
) -> Markup {
    let text = shell.text();
    let rows: Vec<Row> = events
        .iter()
        .map(|(event, registered, admitted)| Row {
            id: None,
            name: event.name.clone(),
            cells: vec![
                html! {
                    a href={ "/admin/event/" (event.id) } { (event.name) }
                    @if let Some(category) = categories.and_then(|names| names.get(&event.id)) { br; span class="dim" { (category) } }
                },
                html! { (shell.format.window(&event.time)) },
                html! { (event.venue.line()) },
                state(shell, event.state),
                html! { (count(*registered)) },
                html! { (count(*admitted)) },
            ],
        })
        .collect();
    let heads = [
        Head::plain(text.t("Event")),
        Head::plain(text.t("Time")),
        Head::plain(text.t("Place")),
        Head::plain(text.t("State")),
        Head::number(text.t("Registered")),
        Head::number(text.t("Checked in")),
    ];
    table(text, caption, &heads, &rows, false)
}

/// The list of events.
pub fn list(shell: &Shell, of: &List<'_>) -> Markup {
    let text = shell.text();
    let new = html! { a class="button" href="/admin/category" { (text.t("Categories")) } a class="button" href="/admin/series" { (text.t("Event series")) } @if of.may_create { a class="button primary" href="/admin/event/new" { (icon(Icon::Plus)) (text.t("New event")) } } };
    let states: Vec<(String, String)> = std::iter::once((String::new(), text.t("All states").to_owned()))
        .chain(
            [EventState::Draft, EventState::Published, EventState::Withdrawn]
                .map(|s| (s.code().to_owned(), text.t(s.label()).to_owned())),
        )
        .collect();
    let form = Form::new(text, None);
    let categories: Vec<(String, String)> = std::iter::once((String::new(), text.t("All categories").to_owned()))
        .chain(of.categories.iter().map(|category| (category.id.to_string(), category.name.clone())))
        .collect();
    let filtered = !of.q.is_empty() || !of.state.is_empty() || !of.category.is_empty();
    let content = html! {
        (heading(text.t("Events"), &new))
        @if of.found == 0 && !filtered { (empty(text.t("No events yet"), text.t("Create the first event: it comes with a free ticket type."), of.may_create.then_some((text.t("New event"), "/admin/event/new")))) }
        @else {
            form class="filter" method="get" {
                (form.input(&Input { name: "q", label: text.t("Event name"), value: of.q, kind: "search", ..Input::default() }))
                (form.select(&Input { name: "state", label: text.t("State"), value: of.state, ..Input::default() }, &states))
                @if !of.categories.is_empty() { (form.select(&Input { name: "category", label: text.t("Category"), value: of.category, ..Input::default() }, &categories)) }
                button { (icon(Icon::Search)) (text.t("Filter")) }
            }
            (crate::admin::search::saved(shell, of.saved, &query("/admin/event", &[("q", of.q), ("state", of.state), ("category", of.category)]), filtered))
            (event_table(shell, text.t("Events"), of.rows, Some(of.names)))
            (pager(text, of.page, of.size, of.found, |page| query("/admin/event", &[("q", of.q), ("state", of.state), ("category", of.category), ("page", &page.to_string())])))
        }
    };
    admin(shell, text.t("Events"), &[], &[], &content)
}

/// The event form, new or changed.
pub struct EventForm<'a> {
    /// The event when one is changed.
    pub event: Option<&'a Event>,
    /// What was typed or kept.
    pub input: &'a EventInput,
    /// Where it is on the map, as typed or kept.
    pub place: &'a PlaceInput,
    /// Chosen cover.
    pub cover: &'a Cover,
    /// Chosen main picture.
    pub main: Option<&'a Cover>,
    /// Cities with districts that were typed before.
    pub districts: &'a [(String, String)],
    /// Departments to choose from for a new event.
    pub departments: &'a [Department],
    /// Chosen department.
    pub department: &'a str,
    /// How the event is filed: category, switches.
    pub more: &'a Markup,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The value of a cover in the form.
pub fn cover_value(of: &Cover) -> String {
    match of {
        Cover::Template(number) => format!("t{number}"),
        Cover::Picture(id) => format!("p{id}"),
    }
}

fn covers(shell: &Shell, name: &str, legend: &str, chosen: Option<&Cover>, optional: bool) -> Markup {
    let text = shell.text();
    let kept = chosen.map(cover_value).unwrap_or_default();
    html! {
        fieldset {
            legend { (legend) }
            div class="covers" {
                @if optional { label { input type="radio" name=(name) value="" checked[kept.is_empty()]; span { (text.t("None")) } } }
                @for number in 0..COVER_TEMPLATES {
                    @let cover_of = Cover::Template(number);
                    @let value = cover_value(&cover_of);
                    label { input type="radio" name=(name) value=(value) checked[kept == value] aria-label={ (text.t("Template")) " " (number + 1) }; (cover(&cover_of, "")) }
                }
                @if let Some(picture @ Cover::Picture(_)) = chosen {
                    label { input type="radio" name=(name) value=(kept) checked aria-label=(text.t("Own picture")); (cover(picture, "")) }
                }
            }
            (Form::new(text, None).file(&format!("{name}_file"), text.t("Or upload a picture"), text.t("JPEG, PNG or WebP, at most 15 MB"), "image/jpeg,image/png,image/webp"))
        }
    }
}

/// Where the event is on the map; a module fills it in from the phone that stands there.
fn coordinates(shell: &Shell, form: &Form<'_>, place: &PlaceInput) -> Markup {
    let text = shell.text();
    let data = [Datum::Wgs84, Datum::Gcj02].map(|datum| (datum.code().to_owned(), text.t(datum.label()).to_owned()));
    html! {
        div class="pair" data-place data-failed=(text.t("This browser does not say where it is. It does so only at an encrypted address, and when it may.")) data-label=(text.t("From this phone")) {
            (form.input(&Input { name: "latitude", label: text.t("Latitude"), value: &place.latitude, max: 24, help: text.t("Optional, for map links."), ..Input::default() }))
            (form.input(&Input { name: "longitude", label: text.t("Longitude"), value: &place.longitude, max: 24, ..Input::default() }))
            (form.select(&Input { name: "datum", label: text.t("Coordinates of"), value: &place.datum, ..Input::default() }, &data))
        }
    }
}

/// The form page.
pub fn form(shell: &Shell, of: &EventForm<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let input = of.input;
    let action = of.event.map_or("/admin/event/new".to_owned(), |event| format!("/admin/event/{}/edit", event.id));
    let departments: Vec<(String, String)> =
        std::iter::once((String::new(), text.t("The whole association").to_owned()))
            .chain(of.departments.iter().map(|department| (department.id.to_string(), department.name.clone())))
            .collect();
    let body = html! {
        (form.summary())
        form method="post" action=(action) enctype="multipart/form-data" class="form panel" {
            @if let Some(event) = of.event { input type="hidden" name="revision" value=(event.revision); }
            (form.input(&Input { name: "name", label: text.t("Event name"), value: &input.name, required: true, max: 60, ..Input::default() }))
            div class="pair" {
                (form.input(&Input { name: "starts", label: text.t("Begins"), value: &input.starts, kind: "datetime-local", required: true, ..Input::default() }))
                (form.input(&Input { name: "ends", label: text.t("Ends"), value: &input.ends, kind: "datetime-local", required: true, help: text.t("After this nobody can register or check in."), ..Input::default() }))
            }
            @if of.event.is_none() && !of.departments.is_empty() {
                (form.select(&Input { name: "department", label: text.t("Department"), value: of.department, ..Input::default() }, &departments))
            }
            (of.more)
            fieldset {
                legend { (text.t("Place")) }
                div class="pair" {
                    (form.input(&Input { name: "province", label: text.t("Province"), value: &input.province, max: 20, list: "provinces", ..Input::default() }))
                    (form.input(&Input { name: "city", label: text.t("City"), value: &input.city, max: 20, list: "cities", help: text.t("Of a known city the province is filled in when you save."), ..Input::default() }))
                    (form.input(&Input { name: "district", label: text.t("District"), value: &input.district, max: 20, list: "districts", ..Input::default() }))
                }
                (form.input(&Input { name: "address", label: text.t("Address"), value: &input.address, max: 100, ..Input::default() }))
                (coordinates(shell, &form, of.place))
            }
            (super::region::lists(of.districts))
            (covers(shell, "cover", text.t("Cover picture"), Some(of.cover), false))
            (covers(shell, "main", text.t("Main picture: opens first on the invitation"), of.main, true))
            (form.rich(&Input { name: "intro", label: text.t("Introduction"), value: &input.intro, max: INTRO_MAX, help: text.t("Markdown: # heading, **bold**, - list, [words](https://…). An uploaded picture is put in with ![words](/picture/number)."), ..Input::default() }, 10, Written::Markdown))
            div data-rich-file="intro" { (form.file("intro_file", text.t("Add a picture to the introduction"), text.t("It is put at the end of the text when you save."), "image/jpeg,image/png,image/webp")) }
            (form.rich(&Input { name: "notice", label: text.t("Points to note"), value: &input.notice, max: NOTICE_MAX, help: text.t("Stands on the ticket."), ..Input::default() }, 4, Written::Lines))
            (submit(text.t("Save"), Some((text.t("Cancel"), &of.event.map_or("/admin/event".to_owned(), |event| format!("/admin/event/{}", event.id))))))
        }
    };
    match of.event {
        Some(event) => event_page(shell, event, Tab::Edit, &["place.js", "region.js", "rich.js"], &body),
        None => {
            let body = html! { h1 { (text.t("New event")) } (body) };
            admin(
                shell,
                text.t("New event"),
                &[(text.t("Events"), "/admin/event".into())],
                &["place.js", "region.js", "rich.js"],
                &body,
            )
        }
    }
}

/// Figures of an event.
pub struct Figures {
    /// Places taken.
    pub registered: i64,
    /// Checked in.
    pub admitted: i64,
    /// Refused scans.
    pub refused: i64,
    /// Registrations by day: label and count.
    pub registrations: Vec<(String, i64)>,
    /// Arrivals over time: label and count.
    pub arrivals: Vec<(String, i64)>,
}

/// The event's overview.
pub fn show(shell: &Shell, event: &Event, figures: &Figures, url: &str, may_manage: bool) -> Markup {
    let text = shell.text();
    let base = format!("/admin/event/{}", event.id);
    let content = html! {
        dl class="stats" data-live-source={ (base) "/live" } {
            (stat(text.t("Registered"), &count(figures.registered), Some("registered")))
            (stat(text.t("Checked in"), &count(figures.admitted), Some("admitted")))
            (stat(text.t("Refused scans"), &count(figures.refused), Some("refused")))
        }
        @if may_manage { (publish_panel(shell, event, &base)) }
        div class="columns" {
            (bars(text, &Series { title: text.t("Registrations by day"), label: text.t("Day"), value: text.t("Registrations"), points: figures.registrations.clone() }))
            (bars(text, &Series { title: text.t("Arrivals over time"), label: text.t("Time"), value: text.t("Arrivals"), points: figures.arrivals.clone() }))
        }
        p class="row" {
            a href={ (base) "/figures" } { (icon(Icon::Chart)) " " (text.t("Figures by day, with files")) }
            @if may_manage { a href={ (base) "/archive" } { (icon(Icon::Log)) " " (text.t("Archive")) } }
        }
        div class="columns" {
            section class="panel" {
                h2 { (text.t("Invitation")) }
                dl class="facts" {
                    dt { (text.t("Time")) } dd { (shell.format.window(&event.time)) }
                    dt { (text.t("Place")) } dd { (event.venue.line()) }
                    dt { (text.t("Check-in")) } dd { @match &event.checkin { Some(window) => (shell.format.window(window)), None => (text.t("Not set")) } }
                }
                @if event.state == EventState::Published { (qr(url, text.t("Address of the invitation"))) p { a href=(url) { (url) } } }
                @else { p class="dim" { (text.t("The QR code of the invitation appears here after publishing.")) } }
            }
            @if may_manage {
                section class="panel" {
                    h2 { (text.t("Copy this event")) }
                    p class="dim" { (text.t("The copy has the same ticket types, questions, groups, category, series, table plan, agenda and feedback form, and none of the people.")) }
                    form method="post" action={ (base) "/copy" } class="form" {
                        (Form::new(text, None).input(&Input { name: "name", label: text.t("Name of the copy"), value: &event.name, required: true, max: 60, ..Input::default() }))
                        button { (icon(Icon::Copy)) (text.t("Copy")) }
                    }
                }
            }
        }
    };
    event_page(shell, event, Tab::Overview, &[], &content)
}

fn publish_panel(shell: &Shell, event: &Event, base: &str) -> Markup {
    let text = shell.text();
    html! {
        div class="row" {
            @if event.state == EventState::Published {
                (confirm(&Confirm { label: text.t("Withdraw"), warning: text.t("Visitors will read that the event does not take place, and nobody is admitted any more. Registrations are kept."), action: &format!("{base}/withdraw"), verb: text.t("Withdraw the event") }))
            } @else {
                (post(&format!("{base}/publish"), "primary", text.t("Publish"), Icon::Check))
                @if event.checkin.is_none() { p class="dim" { a href={ (base) "/checkin" } { (text.t("Set the check-in time before you publish the event.")) } } }
            }
        }
    }
}

/// The questions of the registration form.
pub fn questions(shell: &Shell, event: &Event, fields: &[Field], refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let kinds: Vec<(String, String)> =
        FieldKind::ALL.iter().map(|kind| (kind.code().to_owned(), text.t(kind.label()).to_owned())).collect();
    let content = html! {
        p class="dim" { (text.t("Everybody is asked for name and phone. Empty questions are left out; a question whose text you delete goes away with its answers hidden.")) }
        (form.summary())
        form method="post" action={ "/admin/event/" (event.id) "/question" } class="form" data-sort=(text.t("Move")) {
            input type="hidden" name="revision" value=(event.revision);
            @for (at, field) in fields.iter().enumerate() {
                div class="sortable" data-sort-item {
                    (question(shell, &form, field, &kinds))
                    (more(shell, &form, (at, field), &event.fields))
                }
            }
            (submit(text.t("Save"), None))
        }
    };
    event_page(shell, event, Tab::Questions, &["sort.js"], &content)
}

/// What a question of a registration form has beside those at the door: its place, and the answers that it waits for.
fn more(shell: &Shell, form: &Form<'_>, (at, field): (usize, &Field), kept: &[Field]) -> Markup {
    let text = shell.text();
    let name = |part: &str| format!("field-{}-{part}", field.id);
    let waits = |other: &&Field| other.id != field.id && (other.kind.chooses() || other.kind == FieldKind::Consent);
    let others: Vec<(String, String)> = std::iter::once((String::new(), text.t("Always").to_owned()))
        .chain(kept.iter().filter(waits).map(|other| (other.id.to_string(), other.label.clone())))
        .collect();
    let shown = field.shown.as_ref();
    html! {
        div class="pair" {
            (form.input(&Input { name: &name("position"), label: text.t("Place in the form"), value: &(at + 1).to_string(), kind: "number", ..Input::default() }))
            @if others.len() > 1 {
                (form.select(&Input { name: &name("shown"), label: text.t("Asked after this question"), value: &shown.map_or(String::new(), |shown| shown.field.to_string()), ..Input::default() }, &others))
                (form.textarea(&Input { name: &name("answers"), label: text.t("when it was answered by one of these"), value: &shown.map_or(String::new(), |shown| shown.answers.join("\n")), help: text.t("One a line; for a consent leave it empty."), ..Input::default() }, 2))
            }
        }
    }
}

fn choices(field: &Field) -> String {
    let line = |(at, choice): (usize, &String)| match field.limits.get(at).copied().flatten() {
        Some(limit) => format!("{choice} | {limit}"),
        None => choice.clone(),
    };
    field.choices.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// One question of a form that is being designed.
pub(super) fn question(shell: &Shell, form: &Form<'_>, field: &Field, kinds: &[(String, String)]) -> Markup {
    let text = shell.text();
    let at = |part: &str| format!("field-{}-{part}", field.id);
    let title = if field.label.is_empty() { text.t("New question") } else { field.label.as_str() };
    html! {
        fieldset {
            legend { (title) }
            input type="hidden" name="field" value=(field.id);
            div class="pair" {
                (form.input(&Input { name: &at("label"), label: text.t("Question"), value: &field.label, max: 60, ..Input::default() }))
                (form.select(&Input { name: &at("kind"), label: text.t("Kind"), value: field.kind.code(), ..Input::default() }, kinds))
            }
            (form.input(&Input { name: &at("help"), label: text.t("Help"), value: &field.help, max: 200, ..Input::default() }))
            (form.textarea(&Input { name: &at("choices"), label: text.t("Choices, one a line"), value: &choices(field), help: text.t("Only for kinds with choices. A number behind a bar says how many people can have a choice: Vegetarian | 20"), ..Input::default() }, 3))
            (form.checkbox(&at("required"), text.t("Must be answered"), field.required))
        }
    }
}

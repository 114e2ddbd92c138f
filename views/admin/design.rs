//! Designs of posters, badges, seat cards and certificates: the list, and the designer, which works by its fields and, with a module, by
//! dragging and by arrow keys.

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        Confirm, confirm, empty,
        form::{Form, Input},
        icon::{Icon, icon},
        list::query,
        post,
    },
};
use domain::{
    Design, Event, Refusal,
    design::{Align, DesignInput, ElementInput, ElementKind, GROUNDS, PLACEHOLDERS, Purpose, Word, preset, sheet::mm},
    field::Field,
};
use maud::{Markup, html};

/// English source texts of the patterns.
const GROUND_NAMES: [&str; GROUNDS as usize] =
    ["Vermilion hall", "Navy waves", "Green rings", "Violet rays", "White with a red band", "Gold frame"];

/// A terminal with the design that it prints.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct DoorPrinter {
    pub device: u64,
    pub name: String,
    pub design: Option<u64>,
}

/// The list of an event's designs.
pub struct List<'a> {
    /// The event.
    pub event: &'a Event,
    /// Its designs.
    pub designs: &'a [Design],
    /// Terminals, for those who may set them up.
    pub doors: Option<&'a [DoorPrinter]>,
    /// Whether the reader may print people's cards.
    pub may_print: bool,
    /// Whether the reader may issue certificates.
    pub may_issue: bool,
}

fn base(event: &Event) -> String {
    format!("/admin/event/{}/design", event.id)
}

/// The list of designs.
pub fn list(shell: &Shell, of: &List<'_>) -> Markup {
    let text = shell.text();
    let base = base(of.event);
    let content = html! {
        div class="actions" {
            @if of.may_issue { a class="button" href={ "/admin/event/" (of.event.id) "/certificate" } { (icon(Icon::Check)) (text.t("Issue certificates")) } }
            a class="button" href={ "/admin/event/" (of.event.id) "/print" } { (icon(Icon::Log)) (text.t("Print log")) }
        }
        @if of.designs.is_empty() { (empty(text.t("No designs yet"), text.t("Choose one below to begin with: everything on it can be changed."), None)) }
        @else { ul class="design-cards" { @for design in of.designs { (card(shell, of, design)) } } }
        (fresh(shell, &base))
        @if let Some(doors) = of.doors { (at_doors(shell, of, doors)) }
    };
    event_page(shell, of.event, Tab::Print, &[], &content)
}

fn card(shell: &Shell, of: &List<'_>, design: &Design) -> Markup {
    let text = shell.text();
    let at = format!("{}/{}", base(of.event), design.id);
    html! {
        li {
            a class="thumb" href=(at) { img src={ (at) "/preview.svg?v=" (design.revision) } alt={ (text.t("Preview")) ": " (design.name) } loading="lazy"; }
            div { a href=(at) { strong { (design.name) } } p class="dim" { (text.t(design.purpose.label())) " · " (mm(design.width)) " × " (mm(design.height)) " mm" } }
            div class="row" {
                @if design.purpose.is_printed() && of.may_print { a class="button primary" href={ "/admin/event/" (of.event.id) "/print/" (design.id) } { (icon(Icon::Print)) (text.t("Print")) } }
                @if design.purpose == Purpose::Certificate && of.may_issue { a class="button primary" href={ "/admin/event/" (of.event.id) "/certificate" } { (icon(Icon::Check)) (text.t("Issue")) } }
                a class="button" href=(at) { (icon(Icon::Edit)) (text.t("Change")) }
            }
        }
    }
}

fn fresh(shell: &Shell, base: &str) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h2 { (text.t("New design")) }
            form method="post" action=(base) class="form" {
                div class="field" {
                    label for="f-preset" { (text.t("Begin with")) }
                    select id="f-preset" name="preset" {
                        @for purpose in Purpose::ALL {
                            optgroup label=(text.t(purpose.label())) {
                                @for plan in preset::ALL.iter().filter(|plan| plan.purpose == purpose) { option value=(plan.code) { (text.t(plan.label)) } }
                            }
                        }
                    }
                }
                button class="primary" { (icon(Icon::Plus)) (text.t("Make the design")) }
            }
        }
    }
}

fn at_doors(shell: &Shell, of: &List<'_>, doors: &[DoorPrinter]) -> Markup {
    let text = shell.text();
    let printed: Vec<&Design> = of.designs.iter().filter(|design| design.purpose.is_printed()).collect();
    html! {
        section class="panel" id="doors" {
            h2 { (text.t("Print at check-in")) }
            p class="dim" { (text.t("A terminal prints the badge of everybody it lets in. Start its browser with --kiosk-printing, so that it prints without asking.")) }
            @if doors.is_empty() { p { a href={ "/admin/event/" (of.event.id) "/device" } { (text.t("Set up a terminal first.")) } } }
            @for door in doors {
                form method="post" action={ "/admin/event/" (of.event.id) "/device/" (door.device) "/print" } class="filter" {
                    div class="field grow" {
                        label for={ "f-door-" (door.device) } { (door.name) }
                        select id={ "f-door-" (door.device) } name="design" {
                            option value="" { (text.t("Prints nothing")) }
                            @for design in &printed { option value=(design.id) selected[door.design == Some(design.id.0)] { (design.name) } }
                        }
                    }
                    button { (text.t("Save")) }
                }
            }
        }
    }
}

/// The designer.
pub struct Designer<'a> {
    /// The event.
    pub event: &'a Event,
    /// The design as it is kept.
    pub design: &'a Design,
    /// What stands in the form.
    pub input: &'a DesignInput,
    /// Numbers and names of check-in lists, for certificates.
    pub lists: &'a [(String, String)],
    /// Name of the person of the preview; empty for nobody.
    pub person: &'a str,
    /// Which of how many people, from 0.
    pub place: (usize, usize),
    /// The element to show opened.
    pub open: Option<u16>,
    /// Whether the reader may print people's cards.
    pub may_print: bool,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The designer's page.
pub fn designer(shell: &Shell, of: &Designer<'_>) -> Markup {
    let text = shell.text();
    let at = format!("{}/{}", base(of.event), of.design.id);
    let form = Form::new(text, of.refusal);
    let content = html! {
        div class="heading" { h2 { (of.design.name) } (actions(shell, of, &at)) }
        (form.summary())
        div class="designer" {
            (stage(shell, of, &at))
            form method="post" action=(at) enctype="multipart/form-data" class="form" id="design" {
                input type="hidden" name="revision" value=(of.design.revision);
                div class="row" { button class="primary" name="act" value="save" { (icon(Icon::Check)) (text.t("Save")) } a class="button" href=(base(of.event)) { (text.t("Back")) } }
                (elements(shell, of, &form))
                (card_settings(shell, of, &form))
                @if of.design.purpose.is_printed() { (paper(shell, of, &form)) }
                @if of.design.purpose == Purpose::Certificate { (rule(shell, of, &form)) }
                div class="submit" { button class="primary" name="act" value="save" { (text.t("Save")) } }
            }
        }
    };
    event_page(shell, of.event, Tab::Print, &["designer.js"], &content)
}

fn actions(shell: &Shell, of: &Designer<'_>, at: &str) -> Markup {
    let text = shell.text();
    html! {
        div class="actions" {
            @if of.design.purpose.is_printed() && of.may_print { a class="button primary" href={ "/admin/event/" (of.event.id) "/print/" (of.design.id) } { (icon(Icon::Print)) (text.t("Print")) } }
            a class="button" href={ (at) "/preview.png?at=" (of.place.0) } download={ (of.design.name) ".png" } { (icon(Icon::Export)) "PNG" }
            a class="button" href={ (at) "/preview.svg?at=" (of.place.0) } download={ (of.design.name) ".svg" } { (icon(Icon::Export)) "SVG" }
            (post(&format!("{at}/copy"), "", text.t("Copy"), Icon::Copy))
            (confirm(&Confirm { label: text.t("Delete"), warning: text.t("The design is deleted for good. What was printed stays in the log."), action: &format!("{at}/remove"), verb: text.t("Delete for good") }))
        }
    }
}

fn stage(shell: &Shell, of: &Designer<'_>, at: &str) -> Markup {
    let text = shell.text();
    let (place, all) = of.place;
    let wide = of.design.width >= of.design.height;
    html! {
        div class="easel-box" {
            div class={ "easel" @if wide { " wide" } } data-designer data-preview={ (at) "/preview?at=" (place) } data-handle=(text.t("{what}: arrow keys move it, with Ctrl they size it, Shift makes small steps, Page Up and Page Down choose another")) {
                img src={ (at) "/preview.svg?at=" (place) "&v=" (of.design.revision) } alt={ (text.t("Preview")) ": " (of.design.name) } width=(of.design.width / 2) height=(of.design.height / 2);
            }
            @if all > 0 {
                nav class="row" aria-label=(text.t("Person of the preview")) {
                    @if place > 0 { a class="button" href=(query(at, &[("at", &(place - 1).to_string())])) rel="prev" { (text.t("Person before")) } }
                    span { (of.person) " " span class="dim num" { "(" (place + 1) " / " (all) ")" } }
                    @if place + 1 < all { a class="button" href=(query(at, &[("at", &(place + 1).to_string())])) rel="next" { (text.t("Next person")) } }
                }
            } @else { p class="dim" { (text.t("Nobody is registered yet: the preview shows a made-up person.")) } }
            p class="dim" { (text.t("Drag an element, or choose it and press the arrow keys; Page Up and Page Down choose another. Every length can be typed, too.")) }
        }
    }
}

/// What an element is called.
fn title(shell: &Shell, event: &Event, kind: ElementKind) -> String {
    let text = shell.text();
    match kind {
        ElementKind::Text(Word::Answer(question)) => {
            let label = event.fields.iter().find(|field| field.id == question).map(|field| field.label.clone());
            label.unwrap_or_else(|| text.t(kind.label()).to_owned())
        }
        kind => text.t(kind.label()).to_owned(),
    }
}

/// The kinds that can be chosen, with their names.
fn kinds(shell: &Shell, of: &Designer<'_>) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        ElementKind::offered(of.design.purpose).map(|kind| (kind.code(), title(shell, of.event, kind))).collect();
    if of.design.purpose != Purpose::Poster {
        let open = |field: &&Field| !field.kind.is_sensitive();
        let answer = |field: &Field| (ElementKind::Text(Word::Answer(field.id)).code(), field.label.clone());
        all.extend(of.event.fields.iter().filter(open).map(answer));
    }
    all
}

fn elements(shell: &Shell, of: &Designer<'_>, form: &Form<'_>) -> Markup {
    let text = shell.text();
    let kinds = kinds(shell, of);
    html! {
        section class="panel" {
            h3 { (text.t("Elements")) }
            p class="dim" { (text.t("From the back to the front.")) }
            @for typed in &of.input.elements { (element(shell, of, form, typed, &kinds)) }
            div class="filter" id="f-add" {
                div class="field grow" {
                    label for="f-add-kind" { (text.t("One more element")) }
                    select id="f-add-kind" name="add" { @for (value, label) in &kinds { option value=(value) { (label) } } }
                }
                button name="act" value="add" formnovalidate { (icon(Icon::Plus)) (text.t("Add")) }
            }
        }
    }
}

fn element(
    shell: &Shell,
    of: &Designer<'_>,
    form: &Form<'_>,
    typed: &ElementInput,
    kinds: &[(String, String)],
) -> Markup {
    let text = shell.text();
    let at = |part: &str| format!("e{}-{part}", typed.id);
    let kind = ElementKind::parse(&typed.kind);
    let name = kind.map_or(String::new(), |kind| title(shell, of.event, kind));
    let wrong = of.refusal.is_some_and(|refusal| {
        let mine = format!("e{}-", typed.id);
        refusal.problems.iter().any(|problem| problem.field.starts_with(&mine))
    });
    let input = |part: &str, label: &str, value: &str| {
        let name = at(part);
        form.input(&Input { name: &name, label: text.t(label), value, max: 8, ..Input::default() })
    };
    let is_text = matches!(kind, Some(ElementKind::Text(_)));
    html! {
        details class={ "element" @if of.open == Some(typed.id) { " current" } } data-element=(typed.id) data-title=(name) open[wrong || of.open == Some(typed.id)] {
            summary { (name) @if !typed.text.is_empty() { span class="dim" { (typed.text) } } }
            div {
                input type="hidden" name="e" value=(typed.id);
                (form.select(&Input { name: &at("kind"), label: text.t("What it shows"), value: &typed.kind, ..Input::default() }, kinds))
                div class="quad" {
                    (input("x", "Left (mm)", &typed.x)) (input("y", "Top (mm)", &typed.y))
                    (input("w", "Width (mm)", &typed.w)) (input("h", "Height (mm)", &typed.h))
                }
                div class="quad" {
                    (input("size", if is_text { "Type (pt)" } else { "Thickness (mm)" }, &typed.size))
                    (form.input(&Input { name: &at("color"), label: text.t("Colour"), value: &typed.color, kind: "color", ..Input::default() }))
                    (form.select(&Input { name: &at("align"), label: text.t("Text stands"), value: &typed.align, ..Input::default() }, &aligns(shell)))
                    (form.checkbox(&at("bold"), text.t("Heavy"), typed.bold))
                }
                (form.textarea(&Input { name: &at("text"), label: text.t("Text"), value: &typed.text, max: 400, help: &hint(shell, kind), ..Input::default() }, 2))
                @if kind == Some(ElementKind::Picture) {
                    @if let Some(picture) = typed.picture { input type="hidden" name=(at("picture")) value=(picture); }
                    (form.file(&at("file"), text.t("Picture"), text.t("JPEG, PNG or WebP, at most 15 MB"), "image/jpeg,image/png,image/webp"))
                }
                div class="row" {
                    button name="act" value={ "up-" (typed.id) } formnovalidate { (icon(Icon::Up)) (text.t("Further back")) }
                    button class="danger" name="act" value={ "remove-" (typed.id) } formnovalidate { (icon(Icon::Cross)) (text.t("Remove")) }
                }
            }
        }
    }
}

fn aligns(shell: &Shell) -> Vec<(String, String)> {
    Align::ALL.map(|align| (align.code().to_owned(), shell.text().t(align.label()).to_owned())).to_vec()
}

fn hint(shell: &Shell, kind: Option<ElementKind>) -> String {
    let text = shell.text();
    match kind {
        Some(ElementKind::Text(Word::Free)) => {
            let chinese = text.0 == crate::Lang::Zh;
            let name =
                |(zh, en, _): &(&str, &str, Word)| if chinese { format!("{{{zh}}}") } else { format!("{{{en}}}") };
            let names: Vec<String> = PLACEHOLDERS.iter().map(name).collect();
            text.f("These are filled in: {names}", &[("names", &names.join(" "))])
        }
        Some(ElementKind::Text(_)) => text.t("What stands in front of the value; {} is the value.").to_owned(),
        _ => String::new(),
    }
}

fn card_settings(shell: &Shell, of: &Designer<'_>, form: &Form<'_>) -> Markup {
    let (text, typed) = (shell.text(), of.input);
    let mut grounds = vec![("plain".to_owned(), text.t("One colour").to_owned())];
    grounds.extend(GROUND_NAMES.iter().enumerate().map(|(at, name)| (format!("t{at}"), text.t(name).to_owned())));
    if typed.ground.starts_with('p') && typed.ground != "plain" {
        grounds.push((typed.ground.clone(), text.t("Own picture").to_owned()));
    }
    html! {
        section class="panel" {
            h3 { (text.t("Card")) }
            (form.input(&Input { name: "name", label: text.t("Title"), value: &typed.name, required: true, max: 40, ..Input::default() }))
            div class="quad" {
                (form.input(&Input { name: "width", label: text.t("Width (mm)"), value: &typed.width, max: 8, ..Input::default() }))
                (form.input(&Input { name: "height", label: text.t("Height (mm)"), value: &typed.height, max: 8, ..Input::default() }))
            }
            div class="pair" {
                (form.select(&Input { name: "ground", label: text.t("Background"), value: &typed.ground, ..Input::default() }, &grounds))
                (form.input(&Input { name: "ground_color", label: text.t("Colour"), value: &typed.ground_color, kind: "color", ..Input::default() }))
            }
            (form.file("ground_file", text.t("Or upload a picture"), text.t("JPEG, PNG or WebP, at most 15 MB"), "image/jpeg,image/png,image/webp"))
        }
    }
}

fn paper(shell: &Shell, of: &Designer<'_>, form: &Form<'_>) -> Markup {
    let (text, typed) = (shell.text(), of.input);
    let input = |name: &str, label: &str, value: &str| {
        form.input(&Input { name, label: text.t(label), value, max: 8, ..Input::default() })
    };
    html! {
        section class="panel" {
            h3 { (text.t("Paper")) }
            div class="quad" {
                (input("paper_width", "Width (mm)", &typed.paper_width)) (input("paper_height", "Height (mm)", &typed.paper_height))
                (input("columns", "Columns", &typed.columns)) (input("rows", "Rows", &typed.rows))
                (input("left", "Left margin (mm)", &typed.left)) (input("top", "Upper margin (mm)", &typed.top))
                (input("gap_x", "Between columns (mm)", &typed.gap_x)) (input("gap_y", "Between rows (mm)", &typed.gap_y))
            }
            (form.checkbox("fold", text.t("Folded to stand: printed on both sides"), typed.fold))
            (form.checkbox("marks", text.t("Lines to cut along"), typed.marks))
        }
    }
}

fn rule(shell: &Shell, of: &Designer<'_>, form: &Form<'_>) -> Markup {
    let (text, typed) = (shell.text(), of.input);
    html! {
        section class="panel" {
            h3 { (text.t("Who gets it, who sees it")) }
            (form.select(&Input { name: "list", label: text.t("For those who were let in at"), value: &typed.list, ..Input::default() }, of.lists))
            (form.checkbox("shown", text.t("The ticket page on the phone shows it"), typed.shown))
            (form.checkbox("masked", text.t("The public check page masks the name"), typed.masked))
        }
    }
}

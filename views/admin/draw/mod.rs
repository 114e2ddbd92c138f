//! Draws of an event: the list, the forms of a draw and of a round. Running it lies in `run`, prizes in `prize`, people in `people`.

pub mod people;
pub mod prize;
pub mod run;

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        Confirm, badge, confirm, empty,
        form::{Form, Input, submit},
        icon::{Icon, icon},
        list::{Head, Row, table},
        notice,
    },
    layout::Tone,
};
use domain::{
    Draw, DrawId, Event, Group, GroupId, PictureId, Refusal, RoundId, TicketType,
    draw::{DrawInput, Look, Masking, Mode, Phase, RoundInput, Theme},
    event::Cover,
};
use maud::{Markup, html};

/// A draw's address below the event's.
pub fn base(event: &Event, draw: DrawId) -> String {
    format!("/admin/event/{}/draw/{draw}", event.id)
}

/// The list of draws.
pub fn list(shell: &Shell, event: &Event, rows: &[(Draw, Phase)], may_manage: bool) -> Markup {
    let text = shell.text();
    let new = format!("/admin/event/{}/draw/new", event.id);
    let heads = [Head::plain(text.t("Draw")), Head::plain(text.t("State")), Head::plain(text.t("Wins per person"))];
    let row = |(draw, phase): &(Draw, Phase)| Row {
        id: None,
        name: draw.name.clone(),
        cells: vec![
            html! { a href=(base(event, draw.id)) { (draw.name) } },
            html! { (badge(if *phase == Phase::Rolling { Tone::Warn } else { Tone::Plain }, text.t(phase.label()))) },
            html! { (draw.wins) },
        ],
    };
    let content = html! {
        div class="heading" { h2 { (text.t("Draws")) } @if may_manage { div class="actions" { a class="button primary" href=(new) { (icon(Icon::Plus)) (text.t("New draw")) } } } }
        @if rows.is_empty() {
            (empty(text.t("No draw yet"), text.t("Set a draw up, add its rounds with their prizes, and open the big screen. The result is on disk before the first name is shown, and anybody can check it."), may_manage.then_some((text.t("New draw"), new.as_str()))))
        } @else {
            (table(text, text.t("Draws"), &heads, &rows.iter().map(row).collect::<Vec<_>>(), false))
        }
    };
    event_page(shell, event, Tab::Draw, &[], &content)
}

/// Choices of an enumeration in the reader's language.
fn choices<T: Copy>(shell: &Shell, all: &[T], of: fn(T) -> (&'static str, &'static str)) -> Vec<(String, String)> {
    all.iter()
        .map(|choice| of(*choice))
        .map(|(code, label)| (code.to_owned(), shell.text().t(label).to_owned()))
        .collect()
}

fn ticks(legend: &str, help: &str, name: &str, all: impl Iterator<Item = (String, String, bool)>) -> Markup {
    let all: Vec<_> = all.collect();
    html! {
        @if !all.is_empty() {
            fieldset id={ "f-" (name) } {
                legend { (legend) }
                p class="help" { (help) }
                div class="ticks" {
                    @for (value, label, ticked) in all { label class="tick" { input type="checkbox" name=(name) value=(value) checked[ticked]; span { (label) } } }
                }
            }
        }
    }
}

fn groups(shell: &Shell, all: &[Group], chosen: &[GroupId]) -> Markup {
    let text = shell.text();
    let each = all.iter().map(|group| (group.id.to_string(), group.name.clone(), chosen.contains(&group.id)));
    ticks(text.t("Groups"), text.t("None chosen: all of them."), "groups", each)
}

/// A picture that was chosen, with a way to drop it, and a field for another one.
fn picture(shell: &Shell, form: &Form<'_>, name: &str, label: &str, kept: Option<PictureId>) -> Markup {
    let text = shell.text();
    html! {
        @if let Some(id) = kept {
            div class="row" {
                input type="hidden" name=(name) value=(id);
                div class="thumb" { (crate::phone::event::cover(&Cover::Picture(id), label)) }
                label class="tick" { input type="checkbox" name={ (name) "_drop" } value="1"; span { (text.t("Remove this picture")) } }
            }
        }
        (form.file(&format!("{name}_file"), label, text.t("JPEG, PNG or WebP, at most 15 MB"), "image/jpeg,image/png,image/webp"))
    }
}

/// The form of a draw.
pub struct FormPage<'a> {
    /// The event.
    pub event: &'a Event,
    /// The draw; none: a new one.
    pub id: Option<DrawId>,
    /// What stands in it.
    pub input: &'a DrawInput,
    /// Ticket types of the event.
    pub kinds: &'a [TicketType],
    /// Groups of the event.
    pub groups: &'a [Group],
    /// Name of the chosen music.
    pub music: &'a str,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
    /// The revision the form was opened at.
    pub revision: u32,
}

/// The form of a draw.
pub fn form(shell: &Shell, of: &FormPage<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let input = of.input;
    let (action, back) = match of.id {
        Some(id) => (format!("{}/edit", base(of.event, id)), base(of.event, id)),
        None => (format!("/admin/event/{}/draw/new", of.event.id), format!("/admin/event/{}/draw", of.event.id)),
    };
    let kinds = of.kinds.iter().map(|kind| (kind.id.to_string(), kind.name.clone(), input.kinds.contains(&kind.id)));
    let content = html! {
        h2 { @if of.id.is_some() { (text.t("Set the draw up")) } @else { (text.t("New draw")) } }
        (form.summary())
        form method="post" action=(action) enctype="multipart/form-data" class="form" {
            input type="hidden" name="revision" value=(of.revision);
            section class="panel" {
                div class="pair" {
                    (form.input(&Input { name: "name", label: text.t("Name of the draw"), value: &input.name, required: true, max: 40, ..Input::default() }))
                    (form.input(&Input { name: "wins", label: text.t("Wins per person"), value: &input.wins, required: true, kind: "number", help: text.t("Over all rounds. Prizes drawn on the spot do not count."), ..Input::default() }))
                }
            }
            (who(shell, of, &form))
            (ticks(text.t("Ticket type"), text.t("None chosen: all of them. People without a ticket take part only when none is chosen."), "kinds", kinds))
            (groups(shell, of.groups, &input.groups))
            (looks(shell, of, &form))
            (submit(text.t("Save"), Some((text.t("Cancel"), &back))))
        }
    };
    event_page(shell, of.event, Tab::Draw, &[], &content)
}

fn who(shell: &Shell, of: &FormPage<'_>, form: &Form<'_>) -> Markup {
    let (text, input) = (shell.text(), of.input);
    html! {
        section class="panel" id="f-registered" {
            h3 { (text.t("Who takes part")) }
            p class="help" { (text.t("Whoever fits one of these, and the ticket types and groups below. People on the draw's own list always do.")) }
            (form.checkbox("registered", text.t("Everybody registered"), input.registered))
            (form.checkbox("entered", text.t("Everybody checked in"), input.entered))
            (form.checkbox("joined", text.t("Whoever scans the draw's code"), input.joined))
            (form.checkbox("strangers", text.t("Without a ticket too: with name and phone number, which nobody checks before a prize is handed out"), input.strangers))
            (form.checkbox("show_number", text.t("Show the lucky number on the ticket"), input.show_number))
        }
    }
}

fn looks(shell: &Shell, of: &FormPage<'_>, form: &Form<'_>) -> Markup {
    let (text, input) = (shell.text(), of.input);
    let looks = choices(shell, Look::ALL, |of| (of.code(), of.label()));
    let themes = choices(shell, Theme::ALL, |of| (of.code(), of.label()));
    let maskings = choices(shell, Masking::ALL, |of| (of.code(), of.label()));
    html! {
        section class="panel" {
            h3 { (text.t("The big screen")) }
            div class="pair" {
                (form.select(&Input { name: "look", label: text.t("While names roll"), value: &input.look, ..Input::default() }, &looks))
                (form.select(&Input { name: "theme", label: text.t("Colours"), value: &input.theme, ..Input::default() }, &themes))
                (form.select(&Input { name: "masking", label: text.t("Names on the screen and in the record"), value: &input.masking, ..Input::default() }, &maskings))
            }
            (picture(shell, form, "background", text.t("Background picture"), input.background))
            @if let Some(music) = input.music {
                div class="row" {
                    input type="hidden" name="music" value=(music);
                    span { (icon(Icon::Check)) " " (of.music) }
                    label class="tick" { input type="checkbox" name="music_drop" value="1"; span { (text.t("Remove this music")) } }
                }
            }
            (form.file("music_file", text.t("Music while names roll"), text.t("MP3, M4A, Ogg or WAV, at most 15 MB"), "audio/mpeg,audio/mp4,audio/ogg,audio/wav"))
            (form.checkbox("messages", text.t("People who are there send messages to the screen"), input.messages))
            (form.checkbox("photos", text.t("People give a picture of themselves, which stands beside their name"), input.photos))
            (form.checkbox("moderated", text.t("Messages and pictures wait until somebody approves them"), input.moderated))
        }
    }
}

/// The form of a round.
pub struct RoundPage<'a> {
    /// The event.
    pub event: &'a Event,
    /// The draw.
    pub draw: &'a Draw,
    /// The round; none: a new one.
    pub id: Option<RoundId>,
    /// What stands in it.
    pub input: &'a RoundInput,
    /// Groups of the event.
    pub groups: &'a [Group],
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
    /// The revision the form was opened at.
    pub revision: u32,
    /// Those named beforehand: name and lucky number; none when the reader may not name anybody.
    pub designated: Option<&'a [(String, String)]>,
}

/// The form of a round.
pub fn round(shell: &Shell, of: &RoundPage<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let input = of.input;
    let back = base(of.event, of.draw.id);
    let action = of.id.map_or_else(|| format!("{back}/round"), |id| format!("{back}/round/{id}"));
    let modes = choices(shell, Mode::ALL, |of| (of.code(), of.label()));
    let content = html! {
        h2 { (of.draw.name) " · " @if of.id.is_some() { (input.prize) } @else { (text.t("New round")) } }
        (form.summary())
        form method="post" action=(action) enctype="multipart/form-data" class="form panel" {
            input type="hidden" name="revision" value=(of.revision);
            div class="pair" {
                (form.input(&Input { name: "prize", label: text.t("Prize"), value: &input.prize, required: true, max: 40, ..Input::default() }))
                (form.input(&Input { name: "level", label: text.t("Level"), value: &input.level, max: 20, help: text.t("For example: first prize."), ..Input::default() }))
            }
            (form.select(&Input { name: "mode", label: text.t("What is drawn"), value: &input.mode, ..Input::default() }, &modes))
            div class="pair" {
                (form.input(&Input { name: "quantity", label: text.t("How many prizes"), value: &input.quantity, kind: "number", help: text.t("On the spot it may be empty: no limit. For tables: how many tables."), ..Input::default() }))
                (form.input(&Input { name: "per_turn", label: text.t("How many are drawn at a time"), value: &input.per_turn, kind: "number", help: text.t("1 to 100"), ..Input::default() }))
            }
            div class="pair" {
                (form.input(&Input { name: "first_table", label: text.t("First table"), value: &input.first_table, kind: "number", help: text.t("Only for tables; read from the seats, such as 8桌3 or T8-3."), ..Input::default() }))
                (form.input(&Input { name: "last_table", label: text.t("Last table"), value: &input.last_table, kind: "number", ..Input::default() }))
            }
            (groups(shell, of.groups, &input.groups))
            (picture(shell, &form, "picture", text.t("Picture of the prize"), input.picture))
            (submit(text.t("Save"), Some((text.t("Cancel"), &back))))
        }
        @if let (Some(id), Some(named)) = (of.id, of.designated) {
            @if input.mode == Mode::Designated.code() { (designated(shell, &back, id, named)) }
        }
        @if let Some(id) = of.id {
            (confirm(&Confirm { label: text.t("Remove this round"), warning: text.t("A round of which nothing was drawn is removed for good."), action: &format!("{back}/round/{id}/remove"), verb: text.t("Delete") }))
        }
    };
    event_page(shell, of.event, Tab::Draw, &[], &content)
}

fn designated(shell: &Shell, back: &str, id: RoundId, named: &[(String, String)]) -> Markup {
    let text = shell.text();
    let form = Form::new(text, None);
    html! {
        section class="panel" {
            h3 { (text.t("Winners named beforehand")) }
            (notice(Tone::Warn, text.t("They are published as assigned, not drawn: on the screen, in the winners' list and in the record.")))
            @if !named.is_empty() {
                ul class="people" {
                    @for (name, lucky) in named {
                        li {
                            div { strong { (name) } " " span class="dim" { (lucky) } }
                            form method="post" action={ (back) "/round/" (id) "/undesignate" } class="inline" { input type="hidden" name="lucky" value=(lucky); button class="danger" aria-label={ (text.t("Remove")) " " (name) } { (icon(Icon::Cross)) (text.t("Remove")) } }
                        }
                    }
                }
            }
            form method="post" action={ (back) "/round/" (id) "/designate" } class="filter" {
                (form.input(&Input { name: "phone", label: text.t("Phone number of the winner"), required: true, kind: "tel", max: 30, ..Input::default() }))
                button { (icon(Icon::Plus)) (text.t("Add")) }
            }
        }
    }
}

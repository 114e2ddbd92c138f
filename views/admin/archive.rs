//! Archiving an event: what it means, the set time, and doing it by hand with the event's name typed.

use crate::{
    Shell,
    admin::{Tab, event_page},
    component::{
        form::{Form, Input, submit},
        icon::{Icon, icon},
        notice,
    },
    layout::Tone,
};
use domain::{Event, EventArchive, Refusal};
use maud::{Markup, html};

/// The page.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// How far it is.
    pub archive: &'a EventArchive,
    /// The set time as typed or kept.
    pub due: &'a str,
    /// Whether it can be archived by hand now.
    pub over: bool,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The page.
pub fn page(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    let base = format!("/admin/event/{}/archive", of.event.id);
    let content = html! {
        h2 { (text.t("Archive")) }
        @match (of.archive.done, of.archive.begun) {
            (Some(done), _) => (notice(Tone::Good, &text.f("This event was archived: {time}.", &[("time", &shell.format.time(done))]))),
            (None, Some(_)) => (notice(Tone::Info, text.t("This event is being archived. This goes on if you close the page."))),
            (None, None) => "",
        }
        section class="panel" {
            p { (text.t("What archiving does: names become initials, on certificates and among the winners of draws too; phone numbers, companies, notes, answers with their encrypted parts and files, door answers, own words of the feedback, messages, pictures of people and imported lists are removed for good, and the record of a draw that was published with full names; helpers and terminals are shut out. Groups, seats, times and every figure stay.")) }
            p class="dim" { (text.t("The audit log keeps its lines, in which names may stand. Backups made before keep what they held.")) }
        }
        @if of.archive.begun.is_none() {
            (form.summary())
            section class="panel" {
                h3 { (text.t("At a set time")) }
                form method="post" action={ (base) "/plan" } class="form" {
                    (form.input(&Input { name: "due", label: text.t("Archive by itself at"), value: of.due, kind: "datetime-local", help: text.t("After the end of the event. Empty: only by hand."), ..Input::default() }))
                    (submit(text.t("Save"), None))
                }
            }
            section class="panel" {
                h3 { (text.t("Now, by hand")) }
                @if of.over {
                    p { (icon(Icon::Warn)) " " (text.t("This cannot be undone.")) " " strong { (of.event.name) } }
                    form method="post" action={ (base) "/begin" } class="form" {
                        (form.input(&Input { name: "confirm", label: text.t("Type the name of the event to confirm"), required: true, max: 60, autocomplete: "off", ..Input::default() }))
                        button class="danger" { (text.t("Archive this event for good")) }
                    }
                } @else { p class="dim" { (text.t("This event is not over yet.")) } }
            }
        }
    };
    event_page(shell, of.event, Tab::Overview, &[], &content)
}

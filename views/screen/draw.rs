//! The big screen of a draw: an empty stage with the texts that its module fills; what it shows comes from the record alone.

use crate::{Shell, component::qr, layout::stage};
use domain::{Draw, Event, draw::method::hex};
use maud::{Markup, html};
use serde_json::json;

/// The big screen.
pub struct Page<'a> {
    /// The draw.
    pub draw: &'a Draw,
    /// Its event.
    pub event: &'a Event,
    /// The commitment.
    pub commitment: &'a [u8; 32],
    /// Query that opens the streams, for a computer where nobody is logged in; empty otherwise.
    pub key: &'a str,
    /// Where acts are sent; none for a screen that only shows.
    pub act: Option<&'a str>,
    /// Where phones go.
    pub phone: &'a str,
    /// The state as it is now, so that the first picture is the right one.
    pub state: &'a str,
}

/// The big screen.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let texts = json!({
        "prizes": text.t("{n} prizes"), "unlimited": text.t("No limit"), "drawing": text.t("{n} of {all} win now"), "taps": text.t("{n} taps"),
        "table": text.t("Table {n}"), "assigned": text.t("Assigned, not drawn"), "void": text.t("Voided"), "here": text.t("{n} are here"),
        "takes": text.t("{n} are registered"), "lost": text.t("Not connected. Trying again …"), "taken": text.t("{name} took over from {from}."),
        "called": text.t("Called: {n}"), "list": text.t("List"), "rolling": text.t("Tap on your phone: every tap is part of the chance"),
        "keys": text.t("Space: start and stop · digits: the number called · N: next prize · R: draw again · W: all winners · H: waiting wall · M: music · F: full screen"),
        "again": text.t("Draw again"), "none": text.t("Nobody has won yet."),
    });
    let query = if of.key.is_empty() { String::new() } else { format!("?key={}", of.key) };
    let music = of.draw.music.map(|music| format!("/sound/{music}"));
    let background = of.draw.background.map(|picture| format!("/picture/{picture}"));
    let content = html! {
        main id="content" class="stage-root" data-stage data-live={ "/screen/draw/" (of.draw.id) "/live" (query) } data-names={ "/screen/draw/" (of.draw.id) "/names" (query) }
            data-act=[of.act] data-texts=(texts) data-state=(of.state) data-look=(of.draw.look.code()) data-theme-name=(of.draw.theme.code()) {
            @if let Some(background) = &background { img class="backdrop" src=(background) alt=""; }
            canvas class="sphere" aria-hidden="true" hidden {}
            header class="stage-head" {
                p class="stage-event" { (of.event.name) }
                h1 class="stage-title" { (of.draw.name) }
            }
            section class="stage-body" aria-live="polite" data-body {}
            div class="danmu" aria-hidden="true" data-danmu {}
            footer class="stage-foot" {
                div class="stage-code" { (qr(of.phone, text.t("My lucky number and prizes"))) p { (text.t("My lucky number and prizes")) } }
                div class="stage-proof" {
                    p { (text.t("Commitment")) " " code { (hex(of.commitment)) } }
                    p { (text.t("Newest line")) " " code data-head {} }
                    p class="stage-said" role="status" data-said {}
                }
                @if of.act.is_some() { button class="stage-full" data-full { (text.t("Full screen")) } }
            }
            @if let Some(music) = &music { audio src=(music) loop preload="auto" data-music {} }
        }
    };
    stage(shell, &format!("{} · {}", of.draw.name, of.event.name), &["stage.js"], &content)
}

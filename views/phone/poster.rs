//! Posters to share, the holder's picture, and what the event and ticket pages show beside: calendar, maps, certificates.

use crate::{
    Shell,
    component::{
        form::Form,
        icon::{Icon, icon},
    },
    layout::phone,
};
use domain::{Certificate, Event};
use maud::{Markup, html};

/// A poster with what can be done about it.
pub struct Page<'a> {
    /// The event.
    pub event: &'a Event,
    /// Where the poster is, without its ending.
    pub poster: &'a str,
    /// Where it leads back to.
    pub back: &'a str,
    /// The ticket's page, where the poster is somebody's; and whether there is a picture of them.
    pub holder: Option<(&'a str, bool)>,
    /// Changes with the poster, so that no old one is shown.
    pub version: &'a str,
}

/// The page of a poster.
pub fn show(shell: &Shell, of: &Page<'_>) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (text.t("Share the poster")) }
        p class="dim" { (text.t("Press the picture for long to save it or send it to friends. Who scans it can register.")) }
        img class="poster-picture" src={ (of.poster) ".png?v=" (of.version) } alt={ (text.t("Poster")) ": " (of.event.name) };
        div class="row" {
            a class="button primary" href={ (of.poster) ".png" } download={ (of.event.name) ".png" } { (icon(Icon::Export)) (text.t("Save the picture")) }
            a class="button" href=(of.back) { (text.t("Back")) }
        }
        @if let Some((ticket, portrait)) = of.holder { (picture(shell, ticket, portrait)) }
    };
    phone(shell, text.t("Share the poster"), &[], &content)
}

fn picture(shell: &Shell, ticket: &str, portrait: bool) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" {
            h2 { (text.t("My picture on the poster")) }
            @if portrait { img class="portrait" src={ (ticket) "/portrait" } alt=(text.t("My picture")); }
            @else { p class="dim" { (text.t("Without a picture the poster shows your initials.")) } }
            form method="post" action={ (ticket) "/portrait" } enctype="multipart/form-data" class="form" {
                (Form::new(text, None).file("picture", text.t("Picture"), text.t("JPEG, PNG or WebP, at most 15 MB"), "image/jpeg,image/png,image/webp"))
                div class="row" {
                    button { (icon(Icon::Import)) (text.t("Upload")) }
                    @if portrait { button class="danger" name="remove" value="1" formnovalidate { (text.t("Remove")) } }
                }
            }
        }
    }
}

/// What an event's page shows beside the invitation.
pub struct Beside<'a> {
    /// Names and addresses of maps.
    pub maps: &'a [(&'static str, String)],
    /// Where the calendar file is.
    pub calendar: &'a str,
    /// Where the poster is, when there is one to share.
    pub poster: Option<&'a str>,
    /// Certificates of the holder: address of each without its ending.
    pub certificates: &'a [(Certificate, String)],
}

/// Calendar, maps, poster and certificates.
pub fn beside(shell: &Shell, of: &Beside<'_>) -> Markup {
    let text = shell.text();
    html! {
        @if !of.maps.is_empty() {
            nav aria-label=(text.t("Open a map")) {
                ul class="links" {
                    @for (name, href) in of.maps { li { a class="button" href=(href) rel="noopener noreferrer" { (icon(Icon::Place)) (text.t(name)) } } }
                }
            }
        }
        div class="row no-print" {
            a class="button" href=(of.calendar) { (icon(Icon::Calendar)) (text.t("Add to the calendar")) }
            @if let Some(poster) = of.poster { a class="button" href=(poster) { (icon(Icon::Export)) (text.t("Share the poster")) } }
        }
        @for (certificate, at) in of.certificates {
            section class="panel no-print" {
                h2 { (text.t("Certificate of attendance")) }
                a href={ (at) "/picture.png" } { img class="poster-picture" src={ (at) "/picture.svg" } alt={ (text.t("Certificate")) " " (certificate.serial) }; }
                div class="row" {
                    a class="button" href={ (at) "/picture.png" } download={ (certificate.serial) ".png" } { (icon(Icon::Export)) (text.t("Save the picture")) }
                    a class="button" href={ (at) "/print" } { (icon(Icon::Print)) (text.t("Print")) }
                    a class="button" href={ "/certificate/" (domain::certificate::grouped(&certificate.number)) } { (icon(Icon::Check)) (text.t("Check page")) }
                }
            }
        }
    }
}

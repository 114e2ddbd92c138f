//! The first steps of a hall: the strip above the page of a step, the short pages of steps that have none elsewhere, and what is left on the overview.

use crate::{
    Shell,
    component::{
        form::{Form, Input},
        heading,
        icon::{Icon, icon},
        qr,
    },
    layout::admin,
    text::Lang,
};
use domain::{
    Refusal,
    start::{Place, Step},
};
use maud::{Markup, html};

/// The strip: which step it is, why, and the ways on. Without scripts each way is a button of one form.
pub(crate) fn strip(shell: &Shell, place: &Place) -> Markup {
    let text = shell.text();
    let said = text.f("Step {number} of {count}", &[("number", &place.number), ("count", &place.count)]);
    // Where the form of the page leads on, it has the button to press.
    let saves = matches!(place.step, Step::Association | Step::Zone);
    html! {
        section class="panel" aria-label=(text.t("First steps")) {
            div class="progress" {
                label {
                    span { strong { (said) } " · " (text.t(place.step.label())) }
                    progress max=(place.count) value=(place.number) { (said) }
                }
            }
            p class="dim" { (text.t(place.step.why())) }
            form method="post" action="/admin/start/leave" class="actions" {
                input type="hidden" name="step" value=(place.step.code());
                @if place.number > 1 { button name="way" value="back" { (text.t("Back")) } }
                button name="way" value="on" class=[(!saves).then_some("primary")] { (icon(Icon::Check)) (text.t("Done, go on")) }
                button name="way" value="skip" { (text.t("Skip")) }
                button name="way" value="end" class="quiet" { (text.t("Leave the rest for later")) }
            }
        }
    }
}

/// On the overview: the way back into the steps, and those that were passed and are not done.
pub(crate) fn left(shell: &Shell, due: Option<&Place>, left: &[Step]) -> Markup {
    let text = shell.text();
    html! {
        section class="panel" aria-labelledby="start" {
            h2 id="start" { (text.t("First steps")) }
            @if let Some(due) = due {
                p { (text.f("Step {number} of {count}", &[("number", &due.number), ("count", &due.count)])) " · " (text.t(due.step.label())) }
                p { a class="button primary" href="/admin/start" { (text.t("Go on with the first steps")) } }
            }
            @if !left.is_empty() {
                ul class="checklist" {
                    @for step in left {
                        li {
                            (icon(Icon::Warn))
                            div { strong { a href=(step.href()) { (text.t(step.label())) } } " " span class="dim" { (text.t(step.why())) } }
                            form method="post" action="/admin/start/spare" {
                                input type="hidden" name="step" value=(step.code());
                                button class="quiet" aria-label=(text.f("Not needed: {what}", &[("what", &text.t(step.label()))])) { (text.t("Not needed")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The language of the pages.
pub fn language(shell: &Shell) -> Markup {
    let text = shell.text();
    let content = html! {
        (heading(text.t("Language"), &html! {}))
        section class="panel" {
            form method="post" action="/language" class="actions" {
                input type="hidden" name="back" value="/admin/start/language";
                @for lang in [Lang::Zh, Lang::En] {
                    @let chosen = shell.text().0 == lang;
                    button name="lang" value=(lang.tag()) lang=(lang.tag()) class=[chosen.then_some("primary")] aria-pressed=(chosen) {
                        @if chosen { (icon(Icon::Check)) }
                        (lang.name())
                    }
                }
            }
        }
    };
    admin(shell, text.t("Language"), &[], &[], &content)
}

/// What stands in the forms of name, logo and zone.
pub struct Typed<'a> {
    /// Name of the association.
    pub name: &'a str,
    /// Name in the head of every page.
    pub short: &'a str,
    /// The logo that is used.
    pub logo: Option<u64>,
    /// Zone.
    pub zone: &'a str,
}

/// Name, short name and logo.
pub fn association(shell: &Shell, of: &Typed<'_>, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        (heading(text.t("Association"), &html! {}))
        section class="panel" {
            (form.summary())
            form method="post" action="/admin/start/association" enctype="multipart/form-data" class="form" {
                (form.input(&Input { name: "name", label: text.t("Name of the association"), value: of.name, required: true, max: 60, autocomplete: "organization", ..Input::default() }))
                (form.input(&Input { name: "app_name", label: text.t("Name of the application"), value: of.short, max: 30, help: text.t("Stands in the head of every page. Empty: the name of the association."), ..Input::default() }))
                @if let Some(logo) = of.logo { p { img class="logo large" src={ "/logo?v=" (logo) } alt=(text.t("Logo")); } }
                (form.file("logo", text.t("Logo"), text.t("JPEG, PNG or WebP, at most 15 MB"), "image/jpeg,image/png,image/webp"))
                button class="primary" { (text.t("Save and go on")) }
            }
        }
    };
    admin(shell, text.t("Association"), &[], &[], &content)
}

/// The zone.
pub fn zone(shell: &Shell, of: &Typed<'_>, refusal: Option<&Refusal>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, refusal);
    let content = html! {
        (heading(text.t("Time zone"), &html! {}))
        section class="panel" {
            (form.summary())
            form method="post" action="/admin/start/zone" class="form" {
                (form.input(&Input { name: "zone", label: text.t("Time zone"), value: of.zone, required: true, max: 64, help: text.t("For example Asia/Shanghai"), ..Input::default() }))
                button class="primary" { (text.t("Save and go on")) }
            }
        }
    };
    admin(shell, text.t("Time zone"), &[], &[], &content)
}

/// How connections are encrypted: by the box's own root, which devices come to trust here, or by a public name.
pub fn certificate(shell: &Shell, root: Option<&str>, served: bool) -> Markup {
    let text = shell.text();
    let content = html! {
        (heading(text.t("Encrypted connections"), &html! {}))
        @match (root, served) {
            (Some(address), _) => section class="panel" {
                h2 { (text.t("The box's own root")) }
                p { (text.t("The box makes its own certificate. Let each phone and terminal trust its root once: scan this code with it, and do what the page says.")) }
                (qr(address, text.t("Address of the page with the root")))
                p { a href="/root" { (address) } }
            },
            (None, true) => section class="panel" {
                h2 { (text.t("Encrypted connections are served")) }
                p { (text.t("The certificate is one that devices trust already. There is nothing to do.")) }
            },
            (None, false) => section class="panel" {
                h2 { (text.t("The box's own root")) }
                p { (text.t("Connections are not encrypted yet. Write this line into the settings file and restart the program; then come back here for the code that phones scan.")) }
                p { code { "listen_tls = \"0.0.0.0:8443\"" } }
            },
        }
        section class="panel" {
            h2 { (text.t("A public name")) }
            p { (text.t("Where a name in the public internet leads to this box, a certificate that every device trusts is fetched by itself: write these lines into the settings file and restart the program.")) }
            p { code { "listen_tls = \"0.0.0.0:443\"" } br; code { "acme_names = \"hall.example.cn\"" } }
        }
    };
    admin(shell, text.t("Encrypted connections"), &[], &[], &content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    #[test]
    fn every_step_is_said_in_chinese() {
        let text = Text(Lang::Zh);
        for step in Step::ALL {
            for english in [step.label(), step.why()] {
                assert_ne!(text.t(english), english);
            }
        }
    }
}

//! The application's name and logo on the settings page (S0-4).

use crate::{
    Shell,
    component::form::{Form, Input, submit},
};
use domain::{Brand, Refusal};
use maud::{Markup, html};

/// What the section shows.
pub struct Section<'a> {
    /// As it is kept.
    pub brand: &'a Brand,
    /// Name as typed or kept.
    pub name: &'a str,
    /// Sites as typed or kept, one a line.
    pub frames: &'a str,
    /// What was wrong.
    pub refusal: Option<&'a Refusal>,
}

/// The section of the settings page.
pub fn section(shell: &Shell, of: &Section<'_>) -> Markup {
    let text = shell.text();
    let form = Form::new(text, of.refusal);
    html! {
        section class="panel" id="app" {
            h2 { (text.t("Application")) }
            (form.summary())
            form method="post" action="/admin/brand" enctype="multipart/form-data" class="form" {
                (form.input(&Input { name: "app_name", label: text.t("Name of the application"), value: of.name, max: 30, help: text.t("Stands in the head of every page. Empty: the name of the association."), ..Input::default() }))
                @if let Some(logo) = of.brand.logo { p { img class="logo large" src={ "/logo?v=" (logo) } alt=(text.t("Logo")); } (form.checkbox("no_logo", text.t("Remove this logo"), false)) }
                (form.file("logo", text.t("Logo"), text.t("JPEG, PNG or WebP, at most 15 MB"), "image/jpeg,image/png,image/webp"))
                (form.textarea(&Input { name: "frames", label: text.t("Sites that may show home components in a frame, one a line"), value: of.frames, help: text.t("For example https://www.example.org. Empty: no other site."), ..Input::default() }, 3))
                (submit(text.t("Save"), None))
            }
        }
    }
}

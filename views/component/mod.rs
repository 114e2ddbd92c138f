//! Parts that every page is put together from, written once.

pub mod chart;
pub mod form;
pub mod icon;
pub mod invoice;
pub mod list;
pub mod rich;
pub mod trail;

use crate::{layout::Tone, text::Text};
use icon::{Icon, icon};
use maud::{Markup, PreEscaped, html};

/// A message with icon.
pub fn notice(tone: Tone, text: &str) -> Markup {
    let role = if matches!(tone, Tone::Bad | Tone::Warn) { "alert" } else { "status" };
    html! {
        div class={ "notice tone-" (tone.class()) } role=(role) { (icon(tone.icon())) p { (text) } }
    }
}

/// A state as icon and word.
pub fn badge(tone: Tone, label: &str) -> Markup {
    html! { span class={ "badge tone-" (tone.class()) } { (icon(tone.icon())) (label) } }
}

/// A figure with its label; `live` is the key under which the page's event stream updates it.
pub fn stat(label: &str, value: &str, live: Option<&str>) -> Markup {
    html! {
        div class="stat" {
            dt { (label) }
            dd data-live=[live] { (value) }
        }
    }
}

/// What to do when there is nothing to show yet.
pub fn empty(title: &str, hint: &str, action: Option<(&str, &str)>) -> Markup {
    html! {
        div class="empty" {
            (icon(Icon::Hall))
            h2 { (title) }
            p { (hint) }
            @if let Some((label, href)) = action { a class="button primary" href=(href) { (label) } }
        }
    }
}

/// Tabs as links.
pub fn tabs(label: &str, entries: &[(&str, String, bool)]) -> Markup {
    html! {
        nav class="tabs" aria-label=(label) {
            ul { @for (name, href, current) in entries { li { a href=(href) aria-current=[current.then_some("page")] { (name) } } } }
        }
    }
}

/// A page's heading with its actions.
pub fn heading(title: &str, actions: &Markup) -> Markup {
    html! { div class="heading" { h1 { (title) } div class="actions" { (actions) } } }
}

/// A button that posts to an address.
pub fn post(action: &str, class: &str, label: &str, symbol: Icon) -> Markup {
    html! {
        form method="post" action=(action) class="inline" { button class=(class) { (icon(symbol)) (label) } }
    }
}

/// What an act that needs thought does: names what will be lost and asks once more.
pub struct Confirm<'a> {
    /// What the button that opens it says.
    pub label: &'a str,
    /// What will happen.
    pub warning: &'a str,
    /// Where it is posted.
    pub action: &'a str,
    /// What the button that does it says.
    pub verb: &'a str,
}

/// A confirmation that opens in place, without JavaScript.
pub fn confirm(of: &Confirm<'_>) -> Markup {
    html! {
        details class="confirm" {
            summary class="button danger" { (of.label) }
            form method="post" action=(of.action) { p { (icon(Icon::Warn)) (of.warning) } button class="danger" { (of.verb) } }
        }
    }
}

/// What the error page says.
pub struct Failed<'a> {
    /// What happened.
    pub title: &'a str,
    /// Why, and what to do.
    pub text: &'a str,
    /// The request's number, for the log.
    pub request: Option<&'a str>,
}

/// An error as a part of a page.
pub fn failed(text: Text, of: &Failed<'_>) -> Markup {
    html! {
        div class="empty error" {
            (icon(Icon::Warn))
            h1 { (of.title) }
            p { (of.text) }
            @if let Some(request) = of.request { p class="dim" { (text.t("Number of this request:")) " " code { (request) } } }
            p { a class="button" href="/" { (text.t("Back to the start")) } }
        }
    }
}

/// A QR code as SVG, dark on white in any theme.
pub fn qr(content: &str, label: &str) -> Markup {
    let code = qrcode::QrCode::with_error_correction_level(content, qrcode::EcLevel::M);
    let Ok(code) = code else { return html! { code { (content) } } };
    let width = code.width();
    let mut path = String::new();
    for (at, dark) in code.to_colors().into_iter().enumerate() {
        if dark == qrcode::Color::Dark {
            let (x, y) = (at % width + 4, at / width + 4);
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    let side = width + 8;
    html! {
        svg class="qr" role="img" aria-label=(label) viewBox={ "0 0 " (side) " " (side) } shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}

/// Progress with count.
pub fn progress(label: &str, done: u32, all: u32) -> Markup {
    html! {
        div class="progress" {
            label { (label) progress value=(done) max=(all.max(1)) data-live="done" {} }
            span class="num" data-live="done_text" { (done) " / " (all) }
        }
    }
}

/// Markup that was made safe elsewhere.
pub(crate) fn safe(html: String) -> Markup {
    PreEscaped(html)
}

/// Text written in Markdown by the secretariat; HTML in it shows as text, and links lead only to web, mail, phone or this box.
pub fn markdown(source: &str) -> Markup {
    use pulldown_cmark::{Event, Options, Parser, Tag, html::push_html};
    let events =
        Parser::new_ext(source, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).map(|event| match event {
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            Event::Start(Tag::Link { link_type, dest_url, title, id }) if !domain::rich::may_lead(&dest_url) => {
                Event::Start(Tag::Link {
                    link_type,
                    dest_url: "#".into(),
                    title,
                    id: {
                        drop(dest_url);
                        id
                    },
                })
            }
            Event::Start(Tag::Image { link_type, dest_url, title, id }) if !domain::rich::is_picture(&dest_url) => {
                Event::Start(Tag::Image {
                    link_type,
                    dest_url: "/asset/logo.svg".into(),
                    title,
                    id: {
                        drop(dest_url);
                        id
                    },
                })
            }
            other => other,
        });
    let mut out = String::with_capacity(source.len() * 3 / 2);
    push_html(&mut out, events);
    html! { div class="prose" { (safe(out)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_lets_no_markup_and_no_script_through() {
        let html = markdown(
            "**bold** <script>alert(1)</script> [x](javascript:alert(1)) ![p](https://evil/x.png) ![q](/picture/7)",
        )
        .into_string();
        assert!(html.contains("<strong>bold</strong>"));
        assert!(!html.contains("<script") && !html.contains("javascript:") && !html.contains("evil"));
        assert!(html.contains("/picture/7"));
        assert!(!markdown("<img src=x onerror=alert(1)>").into_string().contains("<img"));
    }

    #[test]
    fn a_qr_code_has_its_quiet_zone() {
        let svg = qr("123456789012", "x").into_string();
        assert!(svg.contains("viewBox=\"0 0 29 29\""), "{svg}");
        assert!(svg.contains("M4 4h1v1h-1z"));
    }
}

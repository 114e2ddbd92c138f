//! The page on which people read what the API can do.

use crate::{Shell, layout};
use maud::{Markup, html};

/// A parameter or field.
pub struct Param {
    /// Name.
    pub name: String,
    /// Type in short.
    pub kind: String,
    /// It must be given, or is always there.
    pub needed: bool,
    /// What it is.
    pub words: String,
}

/// A route.
pub struct Route {
    /// Method.
    pub method: String,
    /// Path.
    pub path: String,
    /// What it does.
    pub words: String,
    /// Somebody must be logged in.
    pub closed: bool,
    /// Parameters of path and query.
    pub params: Vec<Param>,
    /// Fields of what is sent.
    pub body: Vec<Param>,
    /// Fields of what is answered.
    pub answer: Vec<Param>,
}

/// Routes that belong together.
pub struct Group {
    /// Name.
    pub name: String,
    /// What they are for.
    pub words: String,
    /// The routes.
    pub routes: Vec<Route>,
}

fn table(title: &str, rows: &[Param]) -> Markup {
    html! {
        @if !rows.is_empty() {
            h4 { (title) }
            dl class="api-fields" {
                @for row in rows {
                    dt { code { (row.name) } " " span class="dim" { (row.kind) @if !row.needed { "?" } } }
                    dd { (row.words) }
                }
            }
        }
    }
}

/// The page. What a route does is said in the language of the code, as in the description itself.
pub fn show(shell: &Shell, words: &str, groups: &[Group]) -> Markup {
    let text = shell.text();
    let title = text.t("API");
    let body = html! {
        h1 { (title) }
        section class="panel" {
            p { (text.t("For programmers of mini-programs and other software. The machine-readable description:")) " " a href="/api/v1/openapi.json" { "/api/v1/openapi.json" } }
            p lang="en" { (words) }
            ul class="plain" {
                @for group in groups { li { a href={ "#" (group.name) } { (group.name) } " " span class="dim" lang="en" { (group.words) } } }
            }
        }
        @for group in groups {
            section class="panel" id=(group.name) lang="en" {
                h2 { (group.name) }
                @for route in &group.routes {
                    details {
                        summary {
                            strong { (route.method) } " " code { (route.path) }
                            @if route.closed { " " span class="dim" { "🔒" } }
                        }
                        p { (route.words) }
                        (table("Parameters", &route.params))
                        (table("Body", &route.body))
                        (table("Answer", &route.answer))
                    }
                }
            }
        }
    };
    layout::phone(shell, title, &[], &body)
}

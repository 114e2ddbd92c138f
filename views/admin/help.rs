//! Help pages.

use crate::{
    Shell,
    component::{heading, markdown},
    layout::admin,
};
use domain::help::{PAGES, Page};
use maud::{Markup, html};

/// The list of pages.
pub fn list(shell: &Shell) -> Markup {
    let text = shell.text();
    let content = html! {
        (heading(text.t("Help pages"), &html! {}))
        ul class="panel help-list" lang="zh-CN" { @for page in PAGES { li { a href={ "/admin/help/" (page.name) } { (page.title()) } } } }
    };
    admin(shell, text.t("Help pages"), &[], &[], &content)
}

/// One page.
pub fn page(shell: &Shell, page: &Page) -> Markup {
    let text = shell.text();
    let content = html! {
        div lang="zh-CN" class="stack" {
            h1 { (page.title()) }
            section class="panel" { (markdown(page.body())) }
        }
    };
    admin(shell, page.title(), &[(text.t("Help pages"), "/admin/help".into())], &[], &content)
}

//! Pages for phones that came through WeChat.

use crate::{
    Shell,
    component::icon::{Icon, icon},
    layout::phone,
};
use maud::{Markup, html};

/// Somebody is logged in, but nobody knows yet which tickets are theirs.
pub fn unknown(shell: &Shell) -> Markup {
    let text = shell.text();
    let content = html! {
        h1 { (text.t("You are logged in")) }
        p { (text.t("Find one of your tickets by phone number and attend code. From then on WeChat opens your tickets by itself.")) }
        p { a class="button primary wide" href="/ticket/find" { (icon(Icon::Ticket)) (text.t("Find my ticket")) } }
        p { a class="button wide" href="/" { (icon(Icon::Calendar)) (text.t("All events")) } }
    };
    phone(shell, text.t("You are logged in"), &[], &content)
}

/// The button that logs in through WeChat; for pages inside it.
pub fn log_in(shell: &Shell, back: &str) -> Markup {
    let text = shell.text();
    html! {
        p { a class="button wide" href=(crate::component::list::query("/wechat/login", &[("back", back)])) { (icon(Icon::Person)) (text.t("Open my tickets with WeChat")) } }
    }
}

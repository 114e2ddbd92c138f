//! Paying an order through WeChat: the button, then the code to scan. The page follows by itself until it is paid.

use crate::{
    Shell,
    component::{
        icon::{Icon, icon},
        qr,
    },
};
use domain::{Attempt, Order};
use maud::{Markup, html};

/// The part of the order's page; nothing where WeChat cannot be used for it now.
pub fn panel(shell: &Shell, order: &Order, link: &str, offered: bool, open: Option<&Attempt>) -> Markup {
    let text = shell.text();
    let base = format!("/order/{link}");
    let live = format!("{base}/live?state={}", order.state.code());
    html! {
        @if offered {
            div id="pay" class="pay" data-live-source=(live) {
                @if let Some(attempt) = open {
                    p { strong { (text.t("Scan with WeChat to pay")) } }
                    (qr(&attempt.code, text.t("Code for the payment")))
                    p class="dim" { (text.f("It can be paid until {time}.", &[("time", &shell.format.time(attempt.until))])) }
                    // What WeChat gives opens in WeChat alone; the stand-in of the demonstration has a page.
                    @if attempt.code.starts_with("http") {
                        a class="button primary wide" href=(attempt.code) target="_blank" rel="noopener" { (text.t("Open the page of the payment")) }
                    }
                    form method="post" action={ (base) "/paid" } { button class="wide" { (icon(Icon::Check)) (text.t("I have paid")) } }
                } @else {
                    form method="post" action={ (base) "/pay" } { button class="primary wide" { (text.t("Pay with WeChat")) } }
                }
            }
        }
    }
}

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

/// How a phone can pay through WeChat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inside {
    /// By scanning a code: the page is shown outside of WeChat, or its account takes no money.
    Code,
    /// Inside WeChat, once the phone is logged in through it.
    LogIn,
    /// Inside WeChat, by its own window.
    Bridge,
}

/// The part of the order's page; nothing where WeChat cannot be used for it now.
pub fn panel(shell: &Shell, order: &Order, link: &str, offered: Option<Inside>, open: Option<&Attempt>) -> Markup {
    let text = shell.text();
    let base = format!("/order/{link}");
    let live = format!("{base}/live?state={}", order.state.code());
    html! {
        @if let Some(inside) = offered {
            div id="pay" class="pay" data-live-source=(live) {
                @if inside == Inside::LogIn {
                    a class="button primary wide" href={ "/wechat/login?back=/order/" (link) } { (text.t("Log in through WeChat to pay")) }
                } @else if inside == Inside::Bridge {
                    // A code cannot be scanned by the phone that shows it; without scripts it can be shown to another one.
                    form method="post" action={ (base) "/pay" } data-wechat-pay={ (base) "/pay/inside" } data-paid={ (base) "/paid" } {
                        button class="primary wide" { (text.t("Pay with WeChat")) }
                        p class="dim" role="status" data-unpaid=(text.t("It was not paid. You can try again.")) {}
                    }
                    script type="module" src=(crate::asset::url("pay.js")) {}
                }
                @if let Some(attempt) = open {
                    p { strong { (text.t("Scan with WeChat to pay")) } }
                    (qr(&attempt.code, text.t("Code for the payment")))
                    p class="dim" { (text.f("It can be paid until {time}.", &[("time", &shell.format.time(attempt.until))])) }
                    // What WeChat gives opens in WeChat alone; the stand-in of the demonstration has a page.
                    @if attempt.code.starts_with("http") {
                        a class="button primary wide" href=(attempt.code) target="_blank" rel="noopener" { (text.t("Open the page of the payment")) }
                    }
                    form method="post" action={ (base) "/paid" } { button class="wide" { (icon(Icon::Check)) (text.t("I have paid")) } }
                } @else if inside == Inside::Code {
                    form method="post" action={ (base) "/pay" } { button class="primary wide" { (text.t("Pay with WeChat")) } }
                }
            }
        }
    }
}

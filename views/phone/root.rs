//! The page that hands out the box's root certificate: what it is for, the file, and what to press on each kind of device.

use crate::{Shell, component::qr, layout::phone};
use maud::{Markup, html};

/// What the page says.
pub struct Root<'a> {
    /// SHA-256 of the root in pairs of digits.
    pub fingerprint: &'a str,
    /// Address that this page was asked for by.
    pub here: &'a str,
    /// The same by TLS.
    pub secure: &'a str,
}

/// The page.
pub fn root(shell: &Shell, of: &Root<'_>) -> Markup {
    let text = shell.text();
    let steps = |title: &str, file: &str, steps: &[&str]| {
        html! {
            section class="panel" {
                h2 { (title) }
                p { a class="button" href=(file) download { (text.t("Download the certificate")) } }
                ol { @for step in steps { li { (step) } } }
            }
        }
    };
    let content = html! {
        h1 { (text.t("Trust this box")) }
        p { (text.t("This box makes its own certificates, since it works without the internet. A device that knows its root reaches it safely, and only then lets a page use the camera or go on working without the network. The root can speak for addresses of your own network alone.")) }
        (steps(text.t("iPhone and iPad"), "/root.mobileconfig", &[
            text.t("Open this page in Safari, download, and allow the profile."),
            text.t("Settings → General → VPN & Device Management → Huiguan → Install."),
            text.t("Settings → General → About → Certificate Trust Settings → switch Huiguan on."),
        ]))
        (steps(text.t("Android"), "/root.crt", &[
            text.t("Download the file."),
            text.t("Settings → Security → Encryption & credentials → Install a certificate → CA certificate, and choose the file."),
        ]))
        (steps(text.t("Windows"), "/root.crt", &[
            text.t("Download the file and open it."),
            text.t("Install Certificate → Local Machine → Place all certificates in the following store → Trusted Root Certification Authorities."),
        ]))
        (steps(text.t("Terminal or kiosk with Linux"), "/root.crt", &[
            text.t("Copy the file to /usr/local/share/ca-certificates/huiguan.crt and run update-ca-certificates; Chromium takes it with certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n huiguan -i huiguan-root.crt."),
        ]))
        section class="panel" {
            h2 { (text.t("Compare before you trust")) }
            p { (text.t("The device shows these digits (SHA-256) when it installs the root. Compare them with those on the box's own screen.")) }
            p { code class="fingerprint" { (of.fingerprint) } }
        }
        @if !of.secure.is_empty() {
            p { a class="button primary" href=(of.secure) { (text.t("Go on safely")) } }
        }
        section class="panel" {
            h2 { (text.t("On another device")) }
            (qr(&format!("{}/root", of.here), text.t("Address of this page")))
            p { code { (of.here) "/root" } }
        }
    };
    phone(shell, text.t("Trust this box"), &[], &content)
}

//! Handing out the root of the box's own certificates, so that phones and terminals trust it. The only page that stays without TLS.

use crate::{
    Hall,
    answer::{Answer, page},
    audience::Visit,
};
use axum::{Router, extract::State, http::header, response::IntoResponse, routing::get};
use data_encoding::{BASE64, HEXUPPER};
use domain::refuse;
use ring::digest::{SHA256, digest};
use views::phone::root as pages;

/// The root as it is handed out.
#[derive(Debug, Clone)]
pub struct Root {
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// Port of the TLS listener.
    pub port: u16,
}

impl Root {
    /// SHA-256 of the certificate, as phones show it.
    pub fn fingerprint(&self) -> String {
        let hex = HEXUPPER.encode(digest(&SHA256, &self.der).as_ref());
        let pairs: Vec<&str> = (0..hex.len()).step_by(2).filter_map(|at| hex.get(at..at + 2)).collect();
        pairs.join(" ")
    }
}

/// Routes for everybody.
pub fn routes() -> Router<Hall> {
    Router::new()
        .route("/root", get(show))
        .route("/root.crt", get(certificate))
        .route("/root.mobileconfig", get(profile))
}

/// Whether a path is served without TLS where there is TLS.
pub fn is_open(path: &str) -> bool {
    matches!(path, "/root" | "/root.crt" | "/root.mobileconfig") || path.starts_with("/asset/")
}

/// Scheme, host and port of the TLS listener, for whoever asked for `host`; none when that is no host.
pub fn by_tls(host: &str, port: u16) -> Option<String> {
    let name = match host.rsplit_once(':') {
        // The colons of an address of version 6 stand within brackets.
        Some((name, digits)) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let inside = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let fine = match inside {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        }
    };
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    fine.then(|| format!("https://{name}{port}"))
}

fn root(hall: &Hall) -> Result<&Root, domain::Refusal> {
    let missing = || {
        refuse!(
            Missing,
            "root.none",
            "This box has no root of its own: it is reached without TLS, or with a certificate that devices trust already."
        )
    };
    hall.settings.root.as_ref().ok_or_else(missing)
}

async fn show(State(hall): State<Hall>, visit: Visit) -> Answer {
    let root = root(&hall)?;
    let host = visit.base.split_once("://").map_or("", |(_, host)| host);
    let secure = by_tls(host, root.port).unwrap_or_default();
    page(pages::root(
        &visit.shell(),
        &pages::Root { fingerprint: &root.fingerprint(), here: &visit.base, secure: &secure },
    ))
}

async fn certificate(State(hall): State<Hall>) -> Answer {
    let der = root(&hall)?.der.clone();
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"huiguan-root.crt\""),
    ];
    Ok((headers, der).into_response())
}

/// The same as a profile that Apple's systems install. Identifiers follow from the certificate, so that it replaces itself.
async fn profile(State(hall): State<Hall>) -> Answer {
    let der = &root(&hall)?.der;
    let body = apple(der);
    let headers = [
        (header::CONTENT_TYPE, "application/x-apple-aspen-config"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"huiguan-root.mobileconfig\""),
    ];
    Ok((headers, body).into_response())
}

fn apple(der: &[u8]) -> String {
    let hex = HEXUPPER.encode(digest(&SHA256, der).as_ref());
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or("");
    let uuid = |first: &str| format!("{first}-{}-{}-{}-{}", part(8, 12), part(12, 16), part(16, 20), part(20, 32));
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>PayloadContent</key><array><dict>
<key>PayloadCertificateFileName</key><string>huiguan-root.crt</string>
<key>PayloadContent</key><data>{}</data>
<key>PayloadDisplayName</key><string>Huiguan</string>
<key>PayloadIdentifier</key><string>huiguan.root.{}.certificate</string>
<key>PayloadType</key><string>com.apple.security.root</string>
<key>PayloadUUID</key><string>{}</string>
<key>PayloadVersion</key><integer>1</integer>
</dict></array>
<key>PayloadDisplayName</key><string>Huiguan</string>
<key>PayloadIdentifier</key><string>huiguan.root.{}</string>
<key>PayloadType</key><string>Configuration</string>
<key>PayloadUUID</key><string>{}</string>
<key>PayloadVersion</key><integer>1</integer>
</dict></plist>
"#,
        BASE64.encode(der),
        part(0, 8),
        uuid(part(32, 40)),
        part(0, 8),
        uuid(part(0, 8)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_address_is_turned_into_that_of_tls() {
        for (host, port, expected) in [
            ("192.168.1.5:8080", 8443, Some("https://192.168.1.5:8443")),
            ("huiguan.local", 443, Some("https://huiguan.local")),
            ("[fd00::5]:8080", 8443, Some("https://[fd00::5]:8443")),
            ("[fd00::5]", 443, Some("https://[fd00::5]")),
            ("evil\"<x>", 443, None),
            ("a@evil.example", 443, None),
            ("[evil]", 443, None),
            ("", 443, None),
        ] {
            assert_eq!(by_tls(host, port).as_deref(), expected, "{host}");
        }
    }

    #[test]
    fn the_profile_holds_the_certificate_and_is_the_same_every_time() {
        let profile = apple(b"certificate");
        assert!(profile.contains("Y2VydGlmaWNhdGU="), "{profile}");
        assert_eq!(profile, apple(b"certificate"));
        let uuids: Vec<&str> =
            profile.split("<key>PayloadUUID</key><string>").skip(1).filter_map(|rest| rest.get(..36)).collect();
        assert!(
            uuids.len() == 2 && uuids[0] != uuids[1] && uuids.iter().all(|uuid| uuid.matches('-').count() == 4),
            "{uuids:?}"
        );
    }
}

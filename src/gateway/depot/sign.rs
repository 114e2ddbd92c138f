//! Signatures of S3-like storage: AWS Signature Version 4 (the “Authenticating Requests” pages of the Amazon S3 API reference).

use data_encoding::HEXLOWER;
use domain::Time;
use jiff::tz::TimeZone;
use ring::{digest, hmac};

/// What is signed.
pub(super) struct Signed<'a> {
    pub method: &'a str,
    /// Percent-encoded once.
    pub path: &'a str,
    /// Names and values, percent-encoded, in any order.
    pub query: &'a [(String, String)],
    /// Names in lower case, in any order.
    pub headers: &'a [(&'a str, String)],
    /// SHA-256 of the body, hexadecimal.
    pub body: &'a str,
}

/// Whose signature it is.
pub(super) struct Signer<'a> {
    pub key: &'a str,
    pub secret: &'a str,
    pub region: &'a str,
}

/// How an instant is written.
pub(super) fn stamp(at: Time) -> String {
    at.zoned(&TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// SHA-256, hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// The query as it is signed and sent: sorted, each with its equals sign.
pub(super) fn query(pairs: &[(String, String)]) -> String {
    let mut sorted: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    sorted.sort_unstable();
    sorted.join("&")
}

impl Signer<'_> {
    /// The header `authorization`; `at` is an instant as [`stamp`] writes it.
    pub fn sign(&self, at: &str, of: &Signed<'_>) -> String {
        let day = at.get(..8).unwrap_or(at);
        let mut headers: Vec<&(&str, String)> = of.headers.iter().collect();
        headers.sort_unstable_by_key(|(name, _)| *name);
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let request = format!("{}\n{}\n{}\n{lines}\n{names}\n{}", of.method, of.path, query(of.query), of.body);
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let text = format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{}", sha256(request.as_bytes()));
        let day = mac(format!("AWS4{}", self.secret).as_bytes(), day);
        let region = mac(day.as_ref(), self.region);
        let service = mac(region.as_ref(), "s3");
        let key = mac(service.as_ref(), "aws4_request");
        let signature = HEXLOWER.encode(mac(key.as_ref(), &text).as_ref());
        format!("AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={names},Signature={signature}", self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked examples of the reference, signed with its example key.
    #[test]
    fn the_reference_s_own_examples_have_its_signatures() {
        let signer = Signer {
            key: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
        };
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
        let at = "20130524T000000Z";
        let host = ("host", "examplebucket.s3.amazonaws.com".to_owned());
        let (hash, date) = (("x-amz-content-sha256", empty.to_owned()), ("x-amz-date", at.to_owned()));
        let plain = vec![host.clone(), hash, date.clone()];
        let range = [plain.clone(), vec![("range", "bytes=0-9".to_owned())]].concat();
        let body = sha256(b"Welcome to Amazon S3.");
        let put = vec![
            ("date", "Fri, 24 May 2013 00:00:00 GMT".to_owned()),
            host,
            date,
            ("x-amz-storage-class", "REDUCED_REDUNDANCY".to_owned()),
            ("x-amz-content-sha256", body.clone()),
        ];
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let cases = [
            (
                "GET",
                "/test.txt",
                vec![],
                range,
                empty,
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                "PUT",
                "/test%24file.text",
                vec![],
                put,
                &body,
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            ),
            (
                "GET",
                "/",
                vec![pair("lifecycle", "")],
                plain.clone(),
                empty,
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            (
                "GET",
                "/",
                vec![pair("prefix", "J"), pair("max-keys", "2")],
                plain,
                empty,
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ];
        for (method, path, query, headers, body, signature) in cases {
            let made = signer.sign(at, &Signed { method, path, query: &query, headers: &headers, body });
            assert!(made.ends_with(signature), "{method} {path}: {made}");
        }
    }
}

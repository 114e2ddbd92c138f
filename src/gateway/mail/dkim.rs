//! Signatures of mail (DKIM, RFC 6376): relaxed canonicalisation of head and body, RSA with SHA-256 through ring.

use data_encoding::BASE64;
use domain::{Time, time::SECOND};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey},
};

/// Headers that are signed where they are there; `From` must be.
const SIGNED: &[&str] = &[
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "auto-submitted",
];

/// Signs for a domain.
pub struct Signer {
    domain: String,
    selector: String,
    key: KeyPair,
}

/// The bytes of a PEM text and whether they are PKCS#8.
fn pem(text: &str) -> Option<(Vec<u8>, bool)> {
    let mut lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("-----BEGIN "));
    let pkcs8 = match lines.next()? {
        "-----BEGIN PRIVATE KEY-----" => true,
        "-----BEGIN RSA PRIVATE KEY-----" => false,
        _ => return None,
    };
    let body: String = lines.take_while(|line| !line.starts_with("-----END ")).collect();
    Some((BASE64.decode(body.as_bytes()).ok()?, pkcs8))
}

impl Signer {
    /// A signer from a private RSA key of 2048 bits or more, as PEM; the error says what is wrong with it.
    pub fn new(domain: &str, selector: &str, key: &str) -> Result<Self, String> {
        let (der, pkcs8) = pem(key).ok_or("this is no private key in PEM")?;
        let key = if pkcs8 { KeyPair::from_pkcs8(&der) } else { KeyPair::from_der(&der) };
        let key = key.map_err(|error| format!("this key cannot be used: {error}"))?;
        Ok(Self { domain: domain.to_owned(), selector: selector.to_owned(), key })
    }

    /// Where the public key belongs in the domain's DNS: name and TXT value.
    pub fn record(&self) -> (String, String) {
        let value = format!("v=DKIM1; k=rsa; p={}", BASE64.encode(&spki(self.public_key())));
        (format!("{}._domainkey.{}", self.selector, self.domain), value)
    }

    /// The public key (PKCS#1).
    pub fn public_key(&self) -> &[u8] {
        self.key.public().as_ref()
    }

    /// The signature header of a message, with its line end: to be put in front.
    pub fn sign(&self, message: &[u8], now: Time) -> Result<String, String> {
        let (head, body) = parts(message);
        let names: Vec<&str> = SIGNED.iter().copied().filter(|name| find(&head, name).is_some()).collect();
        if !names.contains(&"from") {
            return Err("a message without a sender".into());
        }
        let open = format!(
            "v=1; a=rsa-sha256; c=relaxed/relaxed; d={}; s={}; t={}; h={}; bh={}; b=",
            self.domain,
            self.selector,
            now.0.div_euclid(SECOND),
            names.join(":"),
            BASE64.encode(digest(&SHA256, &relaxed_body(body)).as_ref())
        );
        let text = signed_text(&head, &names, &open);
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| "signing failed".to_owned())?;
        // Folded, so that no line is longer than mail allows.
        let coded = BASE64.encode(&signature);
        let folded: Vec<&str> = coded.as_bytes().chunks(72).filter_map(|part| std::str::from_utf8(part).ok()).collect();
        let open = open.replace("; ", ";\r\n\t");
        Ok(format!("DKIM-Signature: {open}{}\r\n", folded.join("\r\n\t")))
    }
}

/// The public key in the form that DNS holds.
fn spki(key: &[u8]) -> Vec<u8> {
    // SEQUENCE { OID rsaEncryption, NULL }
    const ALGORITHM: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
    let mut bits = vec![0];
    bits.extend_from_slice(key);
    let mut inner = ALGORITHM.to_vec();
    inner.extend(tagged(3, &bits));
    tagged(0x30, &inner)
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let bytes = content.len().to_be_bytes();
    match content.len() {
        length @ 0..=127 => out.push(u8::try_from(length).unwrap_or(0)),
        _ => {
            let short: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(short.len()).unwrap_or(0));
            out.extend(short);
        }
    }
    out.extend_from_slice(content);
    out
}

/// Headers as name and value with its folds, and the body.
fn parts(message: &[u8]) -> (Vec<(String, String)>, &[u8]) {
    let end = message.windows(4).position(|part| part == b"\r\n\r\n");
    let (head, body) = match end {
        Some(at) => (message.get(..at + 2).unwrap_or_default(), message.get(at + 4..).unwrap_or_default()),
        None => (message, &[][..]),
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in String::from_utf8_lossy(head).split("\r\n").filter(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_ascii_lowercase(), value.to_owned()));
        }
    }
    (headers, body)
}

/// Of several headers of one name the last counts (RFC 6376, 5.4.2).
fn find<'a>(head: &'a [(String, String)], name: &str) -> Option<&'a str> {
    head.iter().rev().find(|(kept, _)| kept == name).map(|(_, value)| value.as_str())
}

fn relaxed(value: &str) -> String {
    value.split([' ', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn signed_text(head: &[(String, String)], names: &[&str], open: &str) -> String {
    let mut text = String::new();
    for name in names {
        if let Some(value) = find(head, name) {
            text.push_str(&format!("{name}:{}\r\n", relaxed(value)));
        }
    }
    text.push_str(&format!("dkim-signature:{}", relaxed(open)));
    text
}

fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(body.len());
    let mut empty = 0;
    let whole = body.strip_suffix(b"\r\n").unwrap_or(body);
    if body.is_empty() {
        return out;
    }
    for line in split_lines(whole) {
        let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
        let end = line.iter().rposition(|byte| !blank(byte)).map_or(0, |at| at + 1);
        let line = line.get(..end).unwrap_or_default();
        if line.is_empty() {
            empty += 1;
            continue;
        }
        (0..empty).for_each(|_| out.extend_from_slice(b"\r\n"));
        empty = 0;
        let mut last = false;
        for byte in line {
            if blank(byte) {
                last = true;
                continue;
            }
            if last {
                out.push(b' ');
                last = false;
            }
            out.push(*byte);
        }
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn split_lines(body: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\r\n") {
        lines.push(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    lines.push(rest);
    lines
}

/// Verifies a message's signature by a public key (PKCS#1), as whoever receives it does; the error says what is wrong.
pub fn verify(message: &[u8], key: &[u8]) -> Result<(), String> {
    let (head, body) = parts(message);
    let header = find(&head, "dkim-signature").ok_or("not signed")?.to_owned();
    let tags: Vec<(String, String)> = header
        .split(';')
        .filter_map(|tag| tag.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.split_whitespace().collect()))
        .collect();
    let tag = |name: &str| tags.iter().find(|(kept, _)| kept == name).map_or("", |(_, value)| value.as_str());
    if (tag("v"), tag("a"), tag("c")) != ("1", "rsa-sha256", "relaxed/relaxed") {
        return Err("an unknown kind of signature".into());
    }
    if tag("bh") != BASE64.encode(digest(&SHA256, &relaxed_body(body)).as_ref()) {
        return Err("the body was changed".into());
    }
    let names: Vec<&str> = tag("h").split(':').collect();
    if !names.contains(&"from") {
        return Err("the sender is not signed".into());
    }
    let at = header.rfind("b=").map_or(header.len(), |at| at + 2);
    let text = signed_text(&head, &names, header.get(..at).unwrap_or_default());
    let signature = BASE64.decode(tag("b").as_bytes()).map_err(|error| error.to_string())?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
        .verify(text.as_bytes(), &signature)
        .map_err(|_| "the signature is wrong".to_owned())
}

//! What other computers say to the box: proxies in front of it, its stand-by box, places that keep its backups; and packages of updates.

use crate::runtime;
use domain::proxy::{self, Head};
use gateway::{
    address::encoded,
    depot::{self, Found},
};
use ring::signature::{Ed25519KeyPair, KeyPair};
use service::{package, standby::wire};
use std::net::{IpAddr, SocketAddr};

/// The heads of both versions by which a proxy says that it speaks for somebody.
pub(crate) fn heads(of: SocketAddr) -> [Vec<u8>; 2] {
    let (family, number, own, address) = match of.ip() {
        IpAddr::V4(address) => ("TCP4", 0x11, "127.0.0.1", address.octets().to_vec()),
        IpAddr::V6(address) => ("TCP6", 0x21, "::1", address.octets().to_vec()),
    };
    let line = format!("PROXY {family} {} {own} {} 443\r\n", of.ip(), of.port());
    let body = [address.as_slice(), &address, &of.port().to_be_bytes(), &443u16.to_be_bytes()].concat();
    let length = u16::try_from(body.len()).unwrap_or_default().to_be_bytes();
    [line.into_bytes(), [&proxy::MARK[..], &[0x21, number], &length, &body].concat()]
}

/// The head that a proxy sends, taken in as the listener does.
pub fn proxy(bytes: &[u8]) {
    let mut came = 0;
    let said = loop {
        let Some(head) = bytes.get(..came) else { return };
        match proxy::read(head) {
            Ok(Head::Lacks(more)) => {
                assert!(more > 0, "nothing is lacking, and it is not whole");
                came += more;
                assert!(came <= proxy::FRONT + proxy::BODY_MAX, "{came} bytes of a head");
            }
            Ok(Head::Whole(said)) => break said,
            Err(_) => return,
        }
    };
    for head in said.into_iter().flat_map(heads) {
        assert_eq!(proxy::read(&head), Ok(Head::Whole(said)), "what was read is written and read as another");
    }
}

/// What the other box says, message by message, and the code by which the two are paired.
pub fn standby(bytes: &[u8]) {
    let Some(runtime) = runtime() else { return };
    runtime.block_on(async {
        let mut rest = bytes;
        while let Ok(message) = wire::receive(&mut rest).await {
            let mut written = Vec::new();
            assert!(wire::send(&mut written, &message).await.is_ok(), "what came in does not go out");
            assert_eq!(wire::receive(&mut written.as_slice()).await.ok(), Some(message));
        }
        let (mut rest, mut first) = (bytes, bytes);
        let asked = wire::asked(&mut first).await.ok().map(wire::Message::Hello);
        assert!(asked.is_none() || wire::receive(&mut rest).await.ok() == asked, "a question is read in two ways");
    });
    if let Ok(code) = domain::standby::Code::read(&String::from_utf8_lossy(bytes)) {
        assert_eq!(domain::standby::Code::read(&code.text()).ok(), Some(code), "a code is read as itself");
    }
}

/// The makers of the corpus, and others.
const SECRETS: [[u8; 32]; 2] = [[7; 32], [8; 32]];

/// The key pair of the makers, and the public key of others.
pub(crate) fn makers() -> Option<(Ed25519KeyPair, [u8; 32])> {
    let [pair, other] = SECRETS.map(|secret| Ed25519KeyPair::from_seed_unchecked(&secret));
    Some((pair.ok()?, other.ok()?.public_key().as_ref().try_into().ok()?))
}

/// Whatever is taken out of a package is what its manifest says, and goes into one again.
fn sound(packed: &[u8], pair: &Ed25519KeyPair) {
    let Ok(key) = pair.public_key().as_ref().try_into() else { return };
    let Ok((manifest, program)) = package::read(packed, &key, || Ok(Vec::new())) else { return };
    let hash = package::hash_of(&mut program.as_slice()).ok();
    assert_eq!(hash, Some((manifest.sha256.clone(), manifest.bytes)), "another program than the manifest says");
    assert!(program.len() <= packed.len(), "{} bytes of {}", program.len(), packed.len());
    let text = serde_json::to_vec(&manifest).unwrap_or_default();
    let again = package::pack(&text, pair, (manifest.bytes, program.as_slice()), Vec::new()).unwrap_or_default();
    let read = package::read(again.as_slice(), &key, || Ok(Vec::new()));
    assert_eq!(read.ok(), Some((manifest, program)), "what was taken is packed and read as another");
}

/// Packages of updates: as they come, and with a manifest that the makers signed, since they may err too.
pub fn package(bytes: &[u8]) {
    /// The program in them.
    const PROGRAM: &[u8] = b"a program";
    let Some((pair, others)) = makers() else { return };
    sound(bytes, &pair);
    assert!(package::read(bytes, &others, || Ok(Vec::new())).is_err(), "a package of other makers was taken");
    let signed = package::pack(bytes, &pair, (PROGRAM.len() as u64, PROGRAM), Vec::new());
    sound(&signed.unwrap_or_default(), &pair);
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A WebDAV server's answer about what lies in a folder.
pub(crate) fn folder(found: &[(Found, String)]) -> String {
    let row = |(of, path): &(Found, String)| {
        let path: Vec<String> = path.split('/').map(encoded).collect();
        let kind = if of.folder { "<D:collection/>" } else { "" };
        format!(
            "<D:response><D:href>{}/</D:href><D:propstat><D:prop><D:getcontentlength>{}</D:getcontentlength><D:resourcetype>{kind}</D:resourcetype></D:prop></D:propstat></D:response>",
            path.join("/"),
            of.bytes
        )
    };
    format!("<D:multistatus xmlns:D=\"DAV:\">{}</D:multistatus>", found.iter().map(row).collect::<String>())
}

/// What all names of a bucket begin with.
pub(crate) const PREFIX: &str = "hall/";

/// A page of a bucket's list, as S3 answers.
pub(crate) fn page((found, next): &(Vec<Found>, Option<String>)) -> String {
    let row = |of: &Found| {
        let (row, key) = if of.folder { ("CommonPrefixes", "Prefix") } else { ("Contents", "Key") };
        // What a name ends with beside slashes belongs to it.
        let name = escaped(&of.name);
        format!("<{row}><{key}>{PREFIX}{name}/</{key}><Size>{}</Size></{row}>", of.bytes)
    };
    let next = next.as_deref().map(|next| {
        format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{}</NextContinuationToken>", escaped(next))
    });
    let rows: String = found.iter().map(row).collect();
    format!("<ListBucketResult>{}{rows}</ListBucketResult>", next.unwrap_or_default())
}

/// Lists of files at other computers.
pub fn depot(bytes: &[u8]) {
    if let Ok(found) = depot::folder(bytes) {
        assert!(found.iter().all(|(of, _)| !of.name.contains('/')), "a name leads elsewhere");
        assert_eq!(depot::folder(folder(&found).as_bytes()), Ok(found));
    }
    if let Ok(listed) = depot::page(bytes, PREFIX) {
        assert_eq!(depot::page(page(&listed).as_bytes(), PREFIX), Ok(listed));
    }
}

//! Who really asks behind a proxy: `X-Forwarded-For` and the PROXY protocol (versions 1 and 2, as HAProxy describes them), believed from
//! configured addresses only.

use axum::http::HeaderMap;
pub use domain::network::Network;
use std::io::{Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Whether an address lies in one of the networks.
pub fn holds(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.holds(address))
}

/// Most entries of the header that are looked at.
const HOPS_MAX: usize = 32;

/// Who asks: the address in front of the proxies that are believed, counted from the end, where the nearest proxy wrote.
pub fn forwarded(headers: &HeaderMap, peer: SocketAddr, believed: &[Network]) -> SocketAddr {
    if !holds(believed, peer.ip()) {
        return peer;
    }
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let all: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut known = peer;
    for hop in all.iter().rev().take(HOPS_MAX) {
        let bare = hop.trim_start_matches('[').split(']').next().unwrap_or(hop);
        let read = hop.parse::<SocketAddr>().map(|with_port| with_port.ip()).or_else(|_| bare.parse::<IpAddr>());
        let Ok(address) = read else { break };
        known = SocketAddr::new(address.to_canonical(), 0);
        if !holds(believed, address) {
            break;
        }
    }
    known
}

/// Whether the nearest proxy was asked by TLS.
pub fn was_secure(headers: &HeaderMap) -> bool {
    let last = headers.get_all("x-forwarded-proto").iter().next_back().and_then(|line| line.to_str().ok());
    last.and_then(|line| line.split(',').next_back()).is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
}

/// First bytes of version 2.
const MARK: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Longest head of version 1, line end included.
const LINE_MAX: usize = 107;
/// Longest body of version 2 that is read: addresses and what proxies add.
const BODY_MAX: usize = 4 << 10;
/// How long a proxy may take to say whom it speaks for.
pub const PATIENCE: Duration = Duration::from_secs(5);

fn wrong(why: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("the PROXY protocol: {why}"))
}

/// Reads the head of a connection; answers whom the proxy speaks for, none when for itself.
pub async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, Error> {
    let mut first = [0; 12];
    stream.read_exact(&mut first).await?;
    if &first == MARK {
        return version_two(stream).await;
    }
    if !first.starts_with(b"PROXY ") {
        return Err(wrong("this connection does not begin with it"));
    }
    let mut line = first.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() >= LINE_MAX {
            return Err(wrong("the line is too long"));
        }
        line.push(stream.read_u8().await?);
    }
    version_one(&line)
}

fn version_one(line: &[u8]) -> Result<Option<SocketAddr>, Error> {
    let text = std::str::from_utf8(line).map_err(|_| wrong("the line is no text"))?;
    let parts: Vec<&str> = text.trim_end_matches("\r\n").split(' ').collect();
    match parts.as_slice() {
        ["PROXY", "UNKNOWN", ..] => Ok(None),
        ["PROXY", family @ ("TCP4" | "TCP6"), source, _, port, _] => {
            let address: IpAddr = source.parse().map_err(|_| wrong("the address cannot be read"))?;
            let port = port.parse().map_err(|_| wrong("the port cannot be read"))?;
            let fits = address.is_ipv4() == (*family == "TCP4");
            if fits { Ok(Some(SocketAddr::new(address, port))) } else { Err(wrong("address and family differ")) }
        }
        _ => Err(wrong("the line cannot be read")),
    }
}

async fn version_two(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, Error> {
    let (command, family) = (stream.read_u8().await?, stream.read_u8().await?);
    let length = usize::from(stream.read_u16().await?);
    if command >> 4 != 2 || length > BODY_MAX {
        return Err(wrong("the head of version 2 cannot be read"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let short = || wrong("the addresses are too short");
    let port = |at: usize| {
        let bytes = body.get(at..at + 2).and_then(|bytes| <[u8; 2]>::try_from(bytes).ok());
        bytes.map(u16::from_be_bytes).ok_or_else(short)
    };
    match (command & 0xf, family) {
        // The proxy asks for itself, as a health check does.
        (0, _) => Ok(None),
        (1, 0x11) => {
            let bytes = body.get(..4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).ok_or_else(short)?;
            Ok(Some(SocketAddr::new(Ipv4Addr::from(bytes).into(), port(8)?)))
        }
        (1, 0x21) => {
            let bytes = body.get(..16).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok()).ok_or_else(short)?;
            Ok(Some(SocketAddr::new(Ipv6Addr::from(bytes).into(), port(32)?)))
        }
        (1, _) => Ok(None),
        _ => Err(wrong("the command is not known")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(list: &str) -> Vec<Network> {
        crate::settings::parts(list).map(|part| Network::parse(part).unwrap()).collect()
    }

    #[test]
    fn the_header_is_believed_from_the_configured_proxies_only() {
        let peer = |text: &str| SocketAddr::new(text.parse().unwrap(), 443);
        let cases = [
            ("", "127.0.0.1", "203.0.113.9", "127.0.0.1"),
            ("127.0.0.1", "127.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("127.0.0.1", "198.51.100.1", "203.0.113.9", "198.51.100.1"),
            ("127.0.0.1", "127.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
            ("127.0.0.1, 10.0.0.0/8", "127.0.0.1", "1.1.1.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
            ("127.0.0.1", "127.0.0.1", "garbage", "127.0.0.1"),
            ("127.0.0.1", "127.0.0.1", "garbage, 203.0.113.9", "203.0.113.9"),
            ("127.0.0.1", "127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
            ("::1", "::1", "2001:db8::1", "2001:db8::1"),
            ("127.0.0.1", "::ffff:127.0.0.1", "203.0.113.9:80", "203.0.113.9"),
        ];
        for (believed, from, header, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", header.parse().unwrap());
            let seen = forwarded(&headers, peer(from), &networks(believed));
            assert_eq!(seen.ip().to_string(), expected, "{believed} {from} {header}");
        }
        for wrong in ["", "localhost", "10.0.0.0/33", "::/129", "10.0.0/8"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
        assert!(holds(&networks("0.0.0.0/0"), "8.8.8.8".parse().unwrap()));
        assert!(!holds(&networks("0.0.0.0/0"), "2001:db8::1".parse().unwrap()));
    }

    fn two(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&MARK[..], &[command, family], &length, body, b"GET / HTTP/1.1"].concat()
    }

    #[tokio::test]
    async fn heads_of_both_versions_are_read_and_nothing_behind_them() {
        let v4 = [203, 0, 113, 9, 127, 0, 0, 1, 0x12, 0x34, 0, 80];
        let v6 = [&Ipv6Addr::LOCALHOST.octets()[..], &Ipv6Addr::LOCALHOST.octets(), &[0, 99, 0, 80]].concat();
        let cases: Vec<(Vec<u8>, Option<&str>)> = vec![
            (b"PROXY TCP4 203.0.113.9 127.0.0.1 4660 80\r\nGET / HTTP/1.1".to_vec(), Some("203.0.113.9:4660")),
            (b"PROXY TCP6 2001:db8::1 ::1 99 80\r\nGET / HTTP/1.1".to_vec(), Some("[2001:db8::1]:99")),
            (b"PROXY UNKNOWN\r\nGET / HTTP/1.1".to_vec(), None),
            (two(0x21, 0x11, &v4), Some("203.0.113.9:4660")),
            (two(0x21, 0x21, &v6), Some("[::1]:99")),
            (two(0x20, 0, &[]), None),
        ];
        for (bytes, expected) in cases {
            let mut stream = bytes.as_slice();
            let read = head(&mut stream).await.unwrap();
            assert_eq!(read.map(|address| address.to_string()).as_deref(), expected);
            assert_eq!(stream, b"GET / HTTP/1.1");
        }
        let long = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
        let wrong: Vec<Vec<u8>> = vec![
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            b"PROXY TCP4 2001:db8::1 ::1 99 80\r\n".to_vec(),
            b"PROXY TCP4 x y z\r\n".to_vec(),
            b"PROXY".to_vec(),
            long,
            two(0x31, 0x11, &v4),
            two(0x21, 0x11, &v4[..3]),
            two(0x22, 0x11, &v4),
        ];
        for bytes in wrong {
            assert!(head(&mut bytes.as_slice()).await.is_err(), "{bytes:?}");
        }
    }
}

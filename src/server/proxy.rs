//! Who really asks behind a proxy: `X-Forwarded-For` and the PROXY protocol (`domain/proxy` reads its head), believed from configured addresses only.

use axum::http::HeaderMap;
pub use domain::network::Network;
use domain::proxy::Head;
use std::io::{Error, ErrorKind};
use std::net::{IpAddr, SocketAddr};
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

/// How long a proxy may take to say whom it speaks for.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the head of a connection; answers whom the proxy speaks for, none when for itself.
pub async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, Error> {
    let mut came = Vec::new();
    loop {
        match domain::proxy::read(&came).map_err(|wrong| Error::new(ErrorKind::InvalidData, wrong))? {
            Head::Whole(said) => return Ok(said),
            Head::Lacks(more) => {
                let at = came.len();
                came.resize(at + more, 0);
                stream.read_exact(came.get_mut(at..).unwrap_or_default()).await?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::proxy::MARK;
    use std::net::Ipv6Addr;

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

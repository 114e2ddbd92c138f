//! The head by which a proxy says whom a connection is for: the PROXY protocol, versions 1 and 2, as HAProxy describes them
//! (proxy-protocol.txt, 2020/03/05). Bytes in, what is still lacking or what is said out; whoever has the stream reads no byte behind the head.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use thiserror::Error;

/// First bytes of version 2.
pub const MARK: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Longest head of version 1, line end included.
pub const LINE_MAX: usize = 107;
/// Longest body of version 2 that is read: addresses and what proxies add.
pub const BODY_MAX: usize = 4 << 10;
/// What stands before the body of version 2: its mark, command, family and length.
pub const FRONT: usize = 16;

/// What the bytes of a head say that came so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// So many bytes of the head are lacking at least; never none.
    Lacks(usize),
    /// It is whole; whom the proxy speaks for, none when for itself.
    Whole(Option<SocketAddr>),
}

/// Why a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the PROXY protocol: {0}")]
pub struct Wrong(&'static str);

/// Reads what came of a head: from its first byte, and nothing of what stands behind it.
pub fn read(head: &[u8]) -> Result<Head, Wrong> {
    let Some(first) = head.first_chunk::<{ MARK.len() }>() else { return Ok(Head::Lacks(MARK.len() - head.len())) };
    if first == MARK {
        return version_two(head);
    }
    if !first.starts_with(b"PROXY ") {
        return Err(Wrong("this connection does not begin with it"));
    }
    if head.ends_with(b"\r\n") {
        return version_one(head).map(Head::Whole);
    }
    if head.len() >= LINE_MAX { Err(Wrong("the line is too long")) } else { Ok(Head::Lacks(1)) }
}

fn version_one(line: &[u8]) -> Result<Option<SocketAddr>, Wrong> {
    let text = std::str::from_utf8(line).map_err(|_| Wrong("the line is no text"))?;
    let parts: Vec<&str> = text.trim_end_matches("\r\n").split(' ').collect();
    match parts.as_slice() {
        ["PROXY", "UNKNOWN", ..] => Ok(None),
        ["PROXY", family @ ("TCP4" | "TCP6"), source, _, port, _] => {
            let address: IpAddr = source.parse().map_err(|_| Wrong("the address cannot be read"))?;
            let port = port.parse().map_err(|_| Wrong("the port cannot be read"))?;
            let fits = address.is_ipv4() == (*family == "TCP4");
            if fits { Ok(Some(SocketAddr::new(address, port))) } else { Err(Wrong("address and family differ")) }
        }
        _ => Err(Wrong("the line cannot be read")),
    }
}

fn version_two(head: &[u8]) -> Result<Head, Wrong> {
    let Some((front, body)) = head.split_first_chunk::<FRONT>() else { return Ok(Head::Lacks(FRONT - head.len())) };
    let [.., command, family, high, low] = *front;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if command >> 4 != 2 || length > BODY_MAX {
        return Err(Wrong("the head of version 2 cannot be read"));
    }
    if body.len() < length {
        return Ok(Head::Lacks(length - body.len()));
    }
    // Source and destination, then the ports of both.
    let four = || Some((Ipv4Addr::from(*body.first_chunk::<4>()?), *body.get(8..)?.first_chunk::<2>()?));
    let six = || Some((Ipv6Addr::from(*body.first_chunk::<16>()?), *body.get(32..)?.first_chunk::<2>()?));
    let short = Wrong("the addresses are too short");
    let said = |address: IpAddr, port: [u8; 2]| Some(SocketAddr::new(address, u16::from_be_bytes(port)));
    match (command & 0xf, family) {
        // The proxy asks for itself, as a health check does.
        (0, _) => Ok(Head::Whole(None)),
        (1, 0x11) => four().ok_or(short).map(|(address, port)| Head::Whole(said(address.into(), port))),
        (1, 0x21) => six().ok_or(short).map(|(address, port)| Head::Whole(said(address.into(), port))),
        (1, _) => Ok(Head::Whole(None)),
        _ => Err(Wrong("the command is not known")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_asked_for_byte_by_byte_and_never_beyond_its_end() {
        let two = [&MARK[..], &[0x21, 0x11, 0, 14, 203, 0, 113, 9, 127, 0, 0, 1, 0x12, 0x34, 0, 80, 3, 0]].concat();
        let said = "203.0.113.9:4660".parse().ok();
        for (head, said) in [
            (two.as_slice(), said),
            (b"PROXY TCP4 203.0.113.9 127.0.0.1 4660 80\r\n", said),
            (b"PROXY UNKNOWN\r\n", None),
        ] {
            for came in 0..head.len() {
                let lacks = matches!(read(&head[..came]), Ok(Head::Lacks(1..)));
                let Ok(Head::Lacks(more)) = read(&head[..came]) else { panic!("{came} of {head:?}") };
                assert!(lacks && came + more <= head.len(), "{came} and {more} of {head:?}");
            }
            assert_eq!(read(head), Ok(Head::Whole(said)));
        }
    }

    #[test]
    fn what_is_too_long_is_cut_before_it_came() {
        let long = [b"PROXY TCP4 ".as_slice(), &[b'1'; LINE_MAX]].concat();
        assert_eq!(read(&long[..LINE_MAX - 1]), Ok(Head::Lacks(1)));
        assert!(read(&long[..LINE_MAX]).is_err());
        let most = u16::try_from(BODY_MAX).unwrap();
        for (length, lacks) in [(most, Ok(Head::Lacks(BODY_MAX))), (most + 1, Err(()))] {
            let front = [&MARK[..], &[0x21, 0x11], &length.to_be_bytes()].concat();
            assert_eq!(read(&front).map_err(drop), lacks, "{length}");
        }
    }
}

//! Which addresses belong to the public internet. Where people name an address that the box is to call, nothing else may be reached by it: not
//! the box itself, not the office's network, not a cloud's metadata service.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is one of the public internet (IANA's registries of special-purpose addresses, RFC 6890 and later).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99);
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let low = |high: u16, low: u16| {
        let ([p, q], [r, s]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(p, q, r, s)
    };
    // Addresses that carry one of the other family lead where that one leads.
    if a == 0x2002 {
        return is_public_v4(low(b, c));
    }
    if (a, b) == (0x64, 0xff9b) {
        return c == 0 && d == 0 && e == 0 && f == 0 && is_public_v4(low(g, h));
    }
    if (a, b, c, d, e) == (0, 0, 0, 0, 0) && f == 0xffff {
        return is_public_v4(low(g, h));
    }
    // Everything public is in 2000::/3 so far; of it, protocol assignments (Teredo among them) and documentation are not.
    let global = (a & 0xe000) == 0x2000;
    let special = (a == 0x2001 && (b < 0x200 || b == 0xdb8)) || (a == 0x3fff && b < 0x1000);
    global && !special
}

/// Whether an address is one of a house's own network or of the box itself (RFC 1918, RFC 4193). Link-local ones are not: a cloud's metadata
/// service has such an address.
pub fn is_house(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_loopback(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_loopback(),
    }
}

/// Percent-encodes a part of an address or of what is signed, as RFC 3986 wants it.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        let private = [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:c0a8:101::",
            "3fff::1",
            "100::1",
        ];
        for address in private {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for (address, house) in [
            ("10.0.0.1", true),
            ("192.168.1.5", true),
            ("127.0.0.1", true),
            ("fd12::1", true),
            ("169.254.169.254", false),
            ("fe80::1", false),
            ("1.1.1.1", false),
            ("::ffff:169.254.169.254", false),
        ] {
            assert_eq!(is_house(address.parse().unwrap()), house, "{address}");
        }
        let public = [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "198.20.0.1",
            "223.5.5.5",
            "2400:3200::1",
            "2606:4700::1111",
            "64:ff9b::101:101",
            "2002:101:101::",
        ];
        for address in public {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}

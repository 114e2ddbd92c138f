//! Under which names and addresses the box is reached in its network.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// The name that the box announces in a network without a name server.
pub const LOCAL: &str = "huiguan.local";

/// Whether an address is of a network of one's own: private, link-local, or the box itself.
pub fn is_own(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Whether a name is one that a certificate can hold: labels of letters, digits and hyphens.
pub fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// All names and addresses, each once and in order: what the settings name, the computer's own, and where its interfaces are. What is no
/// name is left out.
pub fn all(named: &[String], computer: &str, interfaces: &[IpAddr]) -> Vec<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    let computer = computer.trim().to_ascii_lowercase();
    let own = [LOCAL.to_owned(), "localhost".to_owned(), computer.clone(), format!("{computer}.local")];
    let names = own.into_iter().chain(named.iter().map(|name| name.trim().to_ascii_lowercase()));
    found.extend(names.filter(|name| is_name(name) || name.parse::<IpAddr>().is_ok()));
    let reached = interfaces.iter().filter(|address| is_own(**address) && !is_linked(**address));
    found.extend(reached.map(ToString::to_string));
    found.insert("127.0.0.1".into());
    found.insert("::1".into());
    found.into_iter().collect()
}

/// Link-local addresses change with every start of an interface and nobody types them.
fn is_linked(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// What [`all`] asks of this computer.
pub fn here(named: &[String]) -> Vec<String> {
    let computer = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "the box's addresses are not known; its certificate holds names only");
        Vec::new()
    });
    all(named, &computer, &interfaces.iter().map(if_addrs::Interface::ip).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_each_once_and_only_those_of_ones_own_network() {
        let interfaces =
            ["127.0.0.1", "192.168.1.5", "10.0.0.2", "8.8.8.8", "169.254.3.4", "fe80::1", "fd00::5", "2400:3200::1"]
                .map(|text| text.parse().unwrap());
        let named = ["Box.Example.CN ".to_owned(), "not a name".into(), "192.168.1.5".into(), "-x.local".into()];
        let found = all(&named, "Office-PC\n", &interfaces);
        assert_eq!(
            found,
            [
                "10.0.0.2",
                "127.0.0.1",
                "192.168.1.5",
                "::1",
                "box.example.cn",
                "fd00::5",
                "huiguan.local",
                "localhost",
                "office-pc",
                "office-pc.local"
            ]
        );
        assert!(all(&[], "", &[]).contains(&LOCAL.to_owned()));
    }
}

//! The box tells its network where it is: `huiguan.local`, and a service record that browsers of services list.

use crate::tls::LOCAL;
use mdns_sd::{ServiceDaemon, ServiceInfo};
use std::net::SocketAddr;

/// What the box is called in lists of services.
const INSTANCE: &str = "Huiguan 会馆";

/// Announces a listener that others can reach, until dropped. A network that does not take part is no reason not to serve.
pub fn announce(plain: SocketAddr, tls: Option<SocketAddr>) -> Option<ServiceDaemon> {
    let (kind, port) = told(plain, tls)?;
    match ServiceDaemon::new().and_then(|daemon| registered(daemon, kind, port)) {
        Ok(daemon) => Some(daemon),
        Err(error) => {
            tracing::warn!(%error, "the box cannot tell its name to the network; use its address");
            None
        }
    }
}

/// Which service is told of, at which port; none when only this computer reaches it.
fn told(plain: SocketAddr, tls: Option<SocketAddr>) -> Option<(&'static str, u16)> {
    let reachable = |address: &SocketAddr| !address.ip().is_loopback();
    match tls.filter(reachable) {
        Some(tls) => Some(("_https._tcp.local.", tls.port())),
        None => Some(("_http._tcp.local.", Some(plain).filter(reachable)?.port())),
    }
}

fn registered(daemon: ServiceDaemon, kind: &str, port: u16) -> mdns_sd::Result<ServiceDaemon> {
    let info = ServiceInfo::new(kind, INSTANCE, &format!("{LOCAL}."), "", port, &[("path", "/")][..])?;
    daemon.register(info.enable_addr_auto())?;
    Ok(daemon)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mdns_sd::{IfKind, Receiver, ResolvedService, ServiceEvent};
    use std::net::{Ipv4Addr, UdpSocket};
    use std::time::{Duration, Instant};

    /// Where mDNS speaks (RFC 6762, 3).
    const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
    /// How long an answer may take.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// Speaks on this computer alone: nobody else's network is told of a test.
    fn here() -> ServiceDaemon {
        let daemon = ServiceDaemon::new().unwrap();
        daemon.disable_interface(IfKind::All).unwrap();
        daemon.enable_interface(IfKind::LoopbackV4).unwrap();
        daemon
    }

    /// Whether what is said to the group at that address is heard there, as it must be for mDNS. It is tried at a port that nobody listens at.
    fn is_heard(address: Ipv4Addr) -> std::io::Result<bool> {
        let (ear, mouth) = (UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?, UdpSocket::bind((address, 0))?);
        ear.join_multicast_v4(&GROUP, &address)?;
        ear.set_read_timeout(Some(Duration::from_secs(2)))?;
        mouth.send_to(b"here", (GROUP, ear.local_addr()?.port()))?;
        let mut heard = [0; 4];
        Ok(ear.recv(&mut heard).is_ok() && heard == *b"here")
    }

    /// Waits for what `wanted` makes something of.
    fn hear<T>(events: &Receiver<ServiceEvent>, wanted: impl Fn(ServiceEvent) -> Option<T>) -> Option<T> {
        let until = Instant::now() + PATIENCE;
        loop {
            let event = events.recv_timeout(until.saturating_duration_since(Instant::now())).ok()?;
            if let Some(found) = wanted(event) {
                return Some(found);
            }
        }
    }

    /// The service at that port, as somebody in the network finds it.
    fn found(events: &Receiver<ServiceEvent>, port: u16) -> Option<ResolvedService> {
        hear(events, |event| match event {
            ServiceEvent::ServiceResolved(service) if service.port == port => Some(*service),
            _ => None,
        })
    }

    #[test]
    fn what_others_reach_is_told_of_by_tls_where_there_is_any() {
        let (all, nobody) = (|port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), "127.0.0.1:1".parse().unwrap());
        for (plain, tls, wanted) in [
            (all(8_080), None, Some(("_http._tcp.local.", 8_080))),
            (all(8_080), Some(all(8_443)), Some(("_https._tcp.local.", 8_443))),
            (all(8_080), Some(nobody), Some(("_http._tcp.local.", 8_080))),
            (nobody, Some(all(8_443)), Some(("_https._tcp.local.", 8_443))),
            (nobody, Some(nobody), None),
        ] {
            assert_eq!(told(plain, tls), wanted, "{plain} {tls:?}");
        }
    }

    #[test]
    #[allow(clippy::print_stderr, reason = "whoever runs the tests is told what was not tried")]
    fn the_network_is_told_of_the_box_as_long_as_it_serves() {
        if !is_heard(Ipv4Addr::LOCALHOST).unwrap_or(false) {
            eprintln!("not tried whether the box is found by its name: this computer hears no multicast");
            return;
        }
        let (kind, port) = ("_http._tcp.local.", 18_080);
        let asking = here();
        let events = asking.browse(kind).unwrap();
        let announced = registered(here(), kind, port).unwrap();
        let service = found(&events, port).unwrap_or_else(|| panic!("{kind} at {port} is found"));
        // Beside another box both names get a number.
        assert!(service.fullname.starts_with(INSTANCE) && service.fullname.ends_with(kind), "{service:?}");
        assert!(service.host.starts_with("huiguan") && service.host.ends_with(".local."), "{service:?}");
        assert_eq!(service.get_property_val_str("path"), Some("/"));
        let reached: Vec<_> = service.addresses.iter().map(|address| address.to_ip_addr()).collect();
        assert_eq!(reached, [Ipv4Addr::LOCALHOST]);
        announced.shutdown().unwrap().recv_timeout(PATIENCE).unwrap();
        let gone = hear(&events, |event| match event {
            ServiceEvent::ServiceRemoved(_, name) => (name == service.fullname).then_some(()),
            _ => None,
        });
        assert!(gone.is_some(), "{} is taken back", service.fullname);
        asking.shutdown().unwrap().recv_timeout(PATIENCE).unwrap();
    }
}

//! The box tells its network where it is: `huiguan.local`, and a service record that browsers of services list.

use crate::tls::LOCAL;
use mdns_sd::{ServiceDaemon, ServiceInfo};
use std::net::SocketAddr;

/// What the box is called in lists of services.
const INSTANCE: &str = "Huiguan 会馆";

/// Announces a listener that others can reach, until dropped. A network that does not take part is no reason not to serve.
pub fn announce(plain: SocketAddr, tls: Option<SocketAddr>) -> Option<ServiceDaemon> {
    let reachable = |address: &SocketAddr| !address.ip().is_loopback();
    let (kind, port) = match tls.filter(reachable) {
        Some(tls) => ("_https._tcp.local.", tls.port()),
        None => ("_http._tcp.local.", Some(plain).filter(reachable)?.port()),
    };
    let told = ServiceDaemon::new().and_then(|daemon| {
        let info = ServiceInfo::new(kind, INSTANCE, &format!("{LOCAL}."), "", port, &[("path", "/")][..])?;
        daemon.register(info.enable_addr_auto())?;
        Ok(daemon)
    });
    match told {
        Ok(daemon) => Some(daemon),
        Err(error) => {
            tracing::warn!(%error, "the box cannot tell its name to the network; use its address");
            None
        }
    }
}

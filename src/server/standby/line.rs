//! The line from one box to the other: TLS to host and port, with the other's certificate pinned. The only connection that leaves the box beside
//! `gateway::Egress`; it goes to the box that this one was paired with, and nowhere else.

use crate::tls::second;
use rustls::pki_types::ServerName;
use service::standby::{Dial, Dialing, Stream};
use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long reaching the other box may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// Reaches other boxes.
pub fn dial() -> Dial {
    Arc::new(|address, pin| -> Dialing { Box::pin(reach(address, pin)) })
}

async fn reach(address: String, pin: [u8; 32]) -> Result<Box<dyn Stream>> {
    let reaching = async {
        let config = second::client(pin).map_err(Error::other)?;
        let socket = TcpStream::connect(&address).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from("standby.huiguan.local").map_err(Error::other)?;
        let stream = TlsConnector::from(config).connect(name, socket).await.map_err(stranger)?;
        if stream.get_ref().1.alpn_protocol() != Some(second::PROTOCOL) {
            return Err(Error::new(ErrorKind::PermissionDenied, "it does not speak as another box does"));
        }
        Ok(Box::new(stream) as Box<dyn Stream>)
    };
    tokio::time::timeout(PATIENCE, reaching).await.map_err(|_| Error::from(ErrorKind::TimedOut))?
}

/// Whoever shows another certificate, or does not know the protocol, is somebody else.
fn stranger(error: Error) -> Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_)) => {
            Error::new(ErrorKind::PermissionDenied, error)
        }
        _ => error,
    }
}

//! SSH as a client (RFC 4251 to 4254) by russh, which is named here alone: a connection to one server whose host key is pinned, ports of it that are
//! forwarded to the box ([`Connection::forward`]), and files on it ([`Sftp`]). No password is ever sent, and no host key is believed by itself.

mod flow;
mod key;
mod sftp;
pub mod standin;

pub use flow::{Flow, Traffic, TrafficFigures};
pub use key::{Key, fingerprint_is_well_formed};
pub use sftp::{Entry, Sftp};

use flow::Budget;
use russh::{
    Channel, ChannelOpenFailure, Disconnect, Error,
    client::{self, AuthResult, ChannelOpenHandle, Handle, Msg, Session},
    keys::{HashAlg, PublicKeyOrCertificate},
};
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long setting up a connection may take, name and keys included.
const CONNECT: Duration = Duration::from_secs(20);
/// How long a single request to the server may take.
const ANSWER: Duration = Duration::from_secs(20);
/// With nothing heard for so long, the server is asked whether it is there.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// After so many unanswered questions the connection is given up.
const UNANSWERED_MAX: usize = 2;
/// What the server may send ahead of what was read, for each channel.
const WINDOW: u32 = 512 << 10;
/// Most forwarded connections that wait to be taken.
const WAITING_MAX: usize = 64;

/// Which server, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Name of the account there.
    pub user: String,
}

/// Why something over SSH did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No connection: no such name, nothing listens, nobody answers.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The host key was not accepted by anybody yet. Holds its fingerprint.
    #[error("the server's host key {0} was not accepted yet")]
    Unknown(String),
    /// The server has another host key than the one that was accepted.
    #[error("the server's host key is {shown}, but {pinned} was accepted")]
    Changed {
        /// Fingerprint of the key that was accepted.
        pinned: String,
        /// Fingerprint of the key that the server showed.
        shown: String,
    },
    /// The server does not let that user in with the box's key.
    #[error("the server does not accept the box's key")]
    Refused,
    /// The two have no algorithm in common.
    #[error("the server and the box have no algorithm in common: {0}")]
    Foreign(String),
    /// The server refused to listen: the port is taken, or not allowed.
    #[error("the server does not listen on {0}: the port is taken there, or is not allowed")]
    Port(String),
    /// The connection broke, or there was no answer in time.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// There is no such file or folder.
    #[error("{0} does not exist on the server")]
    Missing(String),
    /// The account may not do that with the file or folder.
    #[error("the server does not allow that with {0}")]
    Forbidden(String),
    /// The server refused something about a file.
    #[error("the server could not do that with {path}: {why}")]
    File {
        /// Which file or folder.
        path: String,
        /// What it said.
        why: String,
    },
    /// A name or an amount that is beyond what is allowed here.
    #[error("{0}")]
    Limit(String),
}

impl Trouble {
    /// Whether another try may help without anybody doing anything.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Broken(_) | Self::Port(_) | Self::File { .. })
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::NoCommonAlgo { kind, theirs, .. } => {
                Self::Foreign(format!("{kind:?}; the server offers {}", theirs.join(", ")))
            }
            Error::Version => Self::Unreachable("what listens there does not speak SSH".into()),
            error => Self::Broken(error.to_string()),
        }
    }
}

/// A connection that came to a port which the server forwards.
pub struct Forwarded {
    /// Its bytes.
    pub flow: Flow,
    /// Who connected there, as the server says: address and port.
    pub from: (String, u32),
}

/// What the session tells: the host key, and forwarded connections.
struct Hearer {
    pinned: Option<String>,
    shown: Arc<OnceLock<String>>,
    forwarded: mpsc::Sender<Forwarded>,
    traffic: Arc<Traffic>,
    budget: Arc<Budget>,
}

impl client::Handler for Hearer {
    type Error = Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Error> {
        // Certificates of hosts would need an authority to believe in; keys alone are offered to the server.
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        let shown = key.fingerprint(HashAlg::Sha256).to_string();
        let accepted = self.pinned.as_ref() == Some(&shown);
        self.shown.get_or_init(|| shown);
        Ok(accepted)
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        channel: Channel<Msg>,
        _connected_address: &str,
        _connected_port: u32,
        originator_address: &str,
        originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Error> {
        // Waiting here would hold up every other connection of the tunnel.
        let (Ok(place), Some(opened)) = (self.forwarded.try_reserve(), self.traffic.open()) else {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        };
        reply.accept().await;
        let flow = Flow::new(channel, opened, self.budget.clone());
        place.send(Forwarded { flow, from: (originator_address.to_owned(), originator_port) });
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Error> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Error> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Error> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _host_to_connect: &str,
        _port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Error> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Error> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _channel: Channel<Msg>,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Error> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }
}

/// A connection on which the box is logged in. Ends when it is dropped.
pub struct Connection {
    handle: Handle<Hearer>,
    forwarded: mpsc::Receiver<Forwarded>,
}

fn config() -> client::Config {
    client::Config {
        client_id: russh::SshId::Standard(Cow::Borrowed("SSH-2.0-huiguan")),
        window_size: WINDOW,
        keepalive_interval: Some(KEEP_ALIVE),
        keepalive_max: UNANSWERED_MAX,
        nodelay: true,
        ..client::Config::default()
    }
}

/// What came of something that may take so long.
async fn within<T>(limit: Duration, doing: impl Future<Output = Result<T, Trouble>>, what: &str) -> Result<T, Trouble> {
    match tokio::time::timeout(limit, doing).await {
        Ok(done) => done,
        Err(_) => Err(Trouble::Broken(format!("no answer within {} seconds ({what})", limit.as_secs()))),
    }
}

impl Connection {
    /// Connects and logs in. Without a pinned fingerprint, or with another one than the server's, nothing is said to the server beyond the exchange
    /// of keys, and the trouble holds the fingerprint that it showed. `traffic` counts what is forwarded.
    pub async fn open(
        target: &Target,
        key: &Key,
        pinned: Option<&str>,
        traffic: &Arc<Traffic>,
    ) -> Result<Self, Trouble> {
        let shown = Arc::new(OnceLock::new());
        let (sender, forwarded) = mpsc::channel(WAITING_MAX);
        let hearer = Hearer {
            pinned: pinned.map(str::to_owned),
            shown: shown.clone(),
            forwarded: sender,
            traffic: traffic.clone(),
            budget: Arc::default(),
        };
        let connecting = async {
            let stream = tokio::net::TcpStream::connect((target.host.as_str(), target.port)).await;
            let stream = stream.map_err(|error| Trouble::Unreachable(error.to_string()))?;
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "no-delay was refused");
            }
            client::connect_stream(Arc::new(config()), stream, hearer).await.map_err(Trouble::from)
        };
        let connected = match tokio::time::timeout(CONNECT, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(Trouble::Unreachable(format!("nobody answers within {} seconds", CONNECT.as_secs()))),
        };
        let shown = shown.get().cloned();
        let mut handle = match (connected, shown, pinned) {
            (Ok(handle), ..) => handle,
            (Err(_), Some(shown), None) => return Err(Trouble::Unknown(shown)),
            (Err(_), Some(shown), Some(pinned)) if shown != pinned => {
                return Err(Trouble::Changed { pinned: pinned.to_owned(), shown });
            }
            (Err(trouble), ..) => return Err(trouble),
        };
        let login = async { handle.authenticate_publickey(&target.user, key.for_login()).await.map_err(Trouble::from) };
        match within(ANSWER, login, "logging in").await? {
            AuthResult::Success => Ok(Self { handle, forwarded }),
            AuthResult::Failure { .. } => Err(Trouble::Refused),
        }
    }

    /// The fingerprint that a server shows. Nobody logs in.
    pub async fn look(target: &Target, key: &Key) -> Result<String, Trouble> {
        match Self::open(target, key, None, &Arc::default()).await {
            Err(Trouble::Unknown(shown)) => Ok(shown),
            Err(trouble) => Err(trouble),
            // Nothing was pinned, so nothing can have been accepted.
            Ok(_) => Err(Trouble::Broken("the server showed no host key".into())),
        }
    }

    /// Has the server listen at an address of its own and hand over what connects there. Gives the port, which the server chooses when it is 0.
    pub async fn forward(&self, address: &str, port: u16) -> Result<u16, Trouble> {
        let asking = async {
            match self.handle.tcpip_forward(address, u32::from(port)).await {
                Ok(0) => Ok(port),
                Ok(chosen) => u16::try_from(chosen).map_err(|_| Trouble::Broken("that is no port".into())),
                Err(Error::RequestDenied) => {
                    let place = if address.is_empty() { "*" } else { address };
                    Err(Trouble::Port(format!("{place}:{port}")))
                }
                Err(error) => Err(error.into()),
            }
        };
        within(ANSWER, asking, "forwarding").await
    }

    /// The next connection to a forwarded port; none when the connection to the server ended. May be dropped while it waits.
    pub async fn next(&mut self) -> Option<Forwarded> {
        self.forwarded.recv().await
    }

    /// Whether it ended.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Why it ended; to be asked when it did.
    pub async fn why_closed(self) -> Trouble {
        // It ended or is about to; what hangs then is as good as broken.
        match tokio::time::timeout(ANSWER, self.handle).await {
            Ok(Ok(())) => Trouble::Broken("the server ended the connection".into()),
            Ok(Err(error)) => Trouble::from(error),
            Err(_) => Trouble::Broken("the connection does not end".into()),
        }
    }

    /// Ends it in order.
    pub async fn close(self) {
        if let Err(error) = self.handle.disconnect(Disconnect::ByApplication, "", "").await {
            tracing::debug!(%error, "the connection was closed already");
        }
    }

    /// A channel on which the server's SFTP runs.
    async fn subsystem(&self) -> Result<russh::ChannelStream<Msg>, Trouble> {
        let opening = async {
            let mut channel = self.handle.channel_open_session().await?;
            channel.request_subsystem(true, "sftp").await?;
            loop {
                match channel.wait().await {
                    Some(russh::ChannelMsg::Success) => return Ok(channel.into_stream()),
                    Some(russh::ChannelMsg::WindowAdjusted { .. }) => {}
                    _ => return Err(Trouble::Broken("the server offers no SFTP to this account".into())),
                }
            }
        };
        within(ANSWER, opening, "SFTP").await
    }
}

#[cfg(test)]
mod tests;

//! The listener: accepts connections, serves them, and ends in order when it is told to.

use crate::{
    proxy::{self, Network},
    settings::{Settings, parts},
};
use axum::{body::Body, http::Request};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use web::{App, Peer};

/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(20);
/// How long open connections may go on after the end was asked for.
const GRACE: Duration = Duration::from_secs(3);

/// Whom the listener believes about who asks.
#[derive(Debug, Default)]
pub struct Proxies {
    forwarded: Vec<Network>,
    protocol: Vec<Network>,
}

impl Proxies {
    /// Reads the settings.
    pub fn read(settings: &Settings) -> Result<Arc<Self>, service::Error> {
        let wrong = |part: &str| service::Error::Internal(format!("settings: {part} is no address and no network"));
        let read = |list: &str| {
            parts(list).map(|part| Network::parse(part).ok_or_else(|| wrong(part))).collect::<Result<_, _>>()
        };
        Ok(Arc::new(Self {
            forwarded: read(&settings.forwarded_from)?,
            protocol: read(&settings.proxy_protocol_from)?,
        }))
    }

    /// Who a connection is from: what its proxy says, where one is to say it; none when it does not.
    async fn peer(&self, stream: &mut TcpStream, peer: SocketAddr) -> Option<SocketAddr> {
        if !proxy::holds(&self.protocol, peer.ip()) {
            return Some(peer);
        }
        match tokio::time::timeout(proxy::PATIENCE, proxy::head(stream)).await {
            Ok(Ok(said)) => Some(said.unwrap_or(peer)),
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "a connection was cut");
                None
            }
            Err(_) => None,
        }
    }
}

/// Serves until `end` resolves.
pub async fn serve(listener: TcpListener, app: App, proxies: Arc<Proxies>, end: impl Future<Output = ()>) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(64 << 10);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(128);
    let graceful = GracefulShutdown::new();
    tokio::pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut end => break,
        };
        let (mut stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, usually: those in use are given back soon.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no-delay was refused");
        }
        let (builder, watcher, app, proxies) = (builder.clone(), graceful.watcher(), app.clone(), proxies.clone());
        tokio::spawn(async move {
            let Some(peer) = proxies.peer(&mut stream, peer).await else { return };
            let service = service(app, peer, proxies);
            let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
            if let Err(error) = watcher.watch(connection.into_owned()).await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(GRACE) => tracing::info!("connections were cut that did not end in time"),
    }
}

fn service(
    app: App,
    peer: SocketAddr,
    proxies: Arc<Proxies>,
) -> impl hyper::service::Service<
    Request<hyper::body::Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future: Send,
> {
    hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        let peer = if proxies.forwarded.is_empty() {
            peer
        } else {
            proxy::forwarded(request.headers(), peer, &proxies.forwarded)
        };
        request.extensions_mut().insert(Peer(peer));
        let app = app.clone();
        async move { Ok(app.answer(request).await) }
    })
}

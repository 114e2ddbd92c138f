//! The listeners, plain and TLS: accept connections, serve them, and end in order when they are told to.

use crate::{
    crowd::{Crowd, Guest, Noted, Seat, Streamed},
    patient::Patient,
    proxy::{self, Network},
    settings::{Settings, parts},
    tls::second::PROTOCOL,
};
use axum::{
    body::Body,
    http::{HeaderValue, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use gateway::acme::Tokens;
use hyper::{
    body::Body as _,
    server::conn::{http1, http2},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use rustls::ServerConfig;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use web::{App, Peer};

/// How long a connection may stay silent before its first byte.
const SILENCE: Duration = Duration::from_secs(20);
/// How long a silent connection has when the end was asked for: its first bytes may be here and not seen yet.
const LAST_LOOK: Duration = Duration::from_millis(50);
/// How long open connections may go on after the end was asked for.
const GRACE: Duration = Duration::from_secs(3);

/// How long a client may take to agree on TLS.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// How a listener's connections are served.
#[derive(Clone)]
pub enum Way {
    /// As they come.
    Plain,
    /// Other computers are sent to the TLS listener at this port, but for what hands out the root. This computer, and with it a
    /// tunnel or a server in front, is served. Authorities are given the tokens that they ask for.
    Redirect(u16, Arc<Tokens>),
    /// TLS; another box is attended to with what is behind the hall.
    Tls(Arc<ServerConfig>, service::Ctx),
}

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

    /// Whether many people come by this address.
    fn stand_for(&self, address: IpAddr) -> bool {
        proxy::holds(&self.protocol, address) || proxy::holds(&self.forwarded, address)
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

/// How connections are spoken with, whichever way they come.
pub struct Speech {
    /// HTTP/1.1.
    pub one: http1::Builder,
    two: http2::Builder<TokioExecutor>,
}

impl Speech {
    /// With limits of memory; those of time are the crowd's.
    pub fn new() -> Arc<Self> {
        let mut one = http1::Builder::new();
        one.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(64 << 10);
        let mut two = http2::Builder::new(TokioExecutor::new());
        two.timer(TokioTimer::new()).max_concurrent_streams(128).keep_alive_interval(Duration::from_secs(60));
        Arc::new(Self { one, two })
    }
}

/// Lets connections end in order, and no longer than [`GRACE`].
pub async fn end(graceful: GracefulShutdown) {
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(GRACE) => tracing::info!("connections were cut that did not end in time"),
    }
}

/// Serves until `asked` says that it is to end.
pub async fn serve(listener: TcpListener, app: App, way: Way, proxies: Arc<Proxies>, mut asked: watch::Receiver<bool>) {
    let (speech, crowd) = (Speech::new(), Crowd::new());
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Whoever would say so is gone: that is an end as well.
            _ = asked.wait_for(|end| *end) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, usually: those in use are given back soon.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let address = peer.ip().to_canonical();
        let free = address.is_loopback() || proxies.stand_for(address);
        let Some(seat) = crowd.enter(address, free) else {
            tracing::debug!(%peer, "a connection found no place");
            continue;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no-delay was refused");
        }
        let (number, speech, watcher) = (seat.number(), speech.clone(), graceful.watcher());
        let (app, proxies, way) = (app.clone(), proxies.clone(), way.clone());
        let task = tokio::spawn(attend((stream, peer), seat, speech, (watcher, asked.clone()), (app, way, proxies)));
        crowd.seated(number, task.abort_handle());
    }
    drop(listener);
    end(graceful).await;
}

/// Serves one connection.
async fn attend(
    (mut stream, peer): (TcpStream, SocketAddr),
    seat: Seat,
    speech: Arc<Speech>,
    (watcher, mut asked): (Watcher, watch::Receiver<bool>),
    (app, way, proxies): (App, Way, Arc<Proxies>),
) {
    // Before it says anything, a connection costs a place and nothing else. What it said before the end was asked for is answered.
    let end = async { drop(asked.wait_for(|end| *end).await) };
    let speaks = tokio::select! {
        biased;
        speaks = tokio::time::timeout(SILENCE, stream.readable()) => matches!(speaks, Ok(Ok(()))),
        () = end => matches!(tokio::time::timeout(LAST_LOOK, stream.readable()).await, Ok(Ok(()))),
    };
    if !speaks {
        return;
    }
    let Some(said) = proxies.peer(&mut stream, peer).await else { return };
    let service = service(app, peer, said, &way, proxies, seat.guest.clone());
    match way {
        Way::Plain | Way::Redirect(..) => {
            let stream = Noted::new(TokioIo::new(stream), seat.guest.clone());
            ended(watcher.watch(speech.one.serve_connection(stream, service))).await;
        }
        Way::Tls(config, ctx) => {
            let Some(stream) = agreed(config, stream).await else { return };
            let agreed = stream.get_ref().1.alpn_protocol();
            if agreed == Some(PROTOCOL) {
                // Works for as long as it lives.
                seat.guest.asked();
                // Whoever stands next to the box: nothing in between can speak this.
                return service::standby::attend(&ctx, Box::new(stream), peer).await;
            }
            let is_two = agreed == Some(b"h2");
            let stream = Noted::new(TokioIo::new(stream), seat.guest.clone());
            if is_two {
                ended(watcher.watch(speech.two.serve_connection(stream, service))).await;
            } else {
                ended(watcher.watch(speech.one.serve_connection(stream, service))).await;
            }
        }
    }
}

/// Waits for a connection's end.
pub async fn ended<E: std::fmt::Display>(connection: impl Future<Output = Result<(), E>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection broke");
    }
}

/// The stream once both sides agreed on TLS.
async fn agreed(config: Arc<ServerConfig>, stream: TcpStream) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    match tokio::time::timeout(HANDSHAKE_TIME, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "no TLS was agreed on");
            None
        }
        Err(_) => None,
    }
}

/// Where a plain request is sent instead: the same place by TLS. None when it may be served as it is.
fn elsewhere<B>(request: &Request<B>, peer: SocketAddr, port: u16) -> Option<Response> {
    if peer.ip().to_canonical().is_loopback() || web::root::is_open(request.uri().path()) {
        return None;
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let target = web::root::by_tls(host, port).and_then(|base| HeaderValue::from_str(&format!("{base}{path}")).ok());
    let Some(target) = target else { return Some(StatusCode::BAD_REQUEST.into_response()) };
    Some((StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, target)]).into_response())
}

/// HTTP/2 names the host in the address; everybody behind the listener reads the header.
fn name_host<B>(request: &mut Request<B>) {
    if request.headers().contains_key(header::HOST) {
        return;
    }
    let named = request.uri().authority().and_then(|named| HeaderValue::from_str(named.as_str()).ok());
    if let Some(named) = named {
        request.headers_mut().insert(header::HOST, named);
    }
}

/// A request as the hall takes it, noted at its connection's place.
pub fn taken(request: Request<hyper::body::Incoming>, guest: &Guest) -> Request<Body> {
    guest.asked();
    request.map(|body| Body::new(Patient::new(body)))
}

/// An answer, noted at its connection's place: at once where its length is known, otherwise when its body came to an end.
pub fn answered(response: Response, guest: &Arc<Guest>) -> Response {
    if response.body().size_hint().exact().is_some() {
        guest.answered();
        return response;
    }
    response.map(|body| Body::new(Streamed::new(body, guest.clone())))
}

fn service(
    app: App,
    near: SocketAddr,
    said: SocketAddr,
    way: &Way,
    proxies: Arc<Proxies>,
    guest: Arc<Guest>,
) -> impl hyper::service::Service<
    Request<hyper::body::Incoming>,
    Response = Response,
    Error = std::convert::Infallible,
    Future: Send,
> + use<> {
    let secure = matches!(way, Way::Tls(..));
    let redirect = if let Way::Redirect(port, tokens) = way { Some((*port, tokens.clone())) } else { None };
    hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = taken(request, &guest);
        name_host(&mut request);
        // Whoever stands next to the box decides: a server in front of it is one of its own.
        let sent = redirect.as_ref().and_then(|(port, tokens)| {
            let token = tokens.answer(request.uri().path()).map(IntoResponse::into_response);
            token.or_else(|| elsewhere(&request, near, *port))
        });
        let (address, by_tls) = if proxies.forwarded.is_empty() {
            (said, false)
        } else {
            let headers = request.headers();
            (
                proxy::forwarded(headers, said, &proxies.forwarded),
                proxy::holds(&proxies.forwarded, said.ip()) && proxy::was_secure(headers),
            )
        };
        request.extensions_mut().insert(Peer { address, secure: secure || by_tls });
        let (app, guest) = (app.clone(), guest.clone());
        async move {
            Ok(match sent {
                Some(response) => answered(response, &guest),
                None => answered(app.answer(request).await, &guest),
            })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_requests_from_other_computers_are_sent_to_tls_but_for_the_root() {
        let cases = [
            ("192.168.1.9:5000", "/admin?a=b", "192.168.1.5:8080", Some("https://192.168.1.5:8443/admin?a=b")),
            ("192.168.1.9:5000", "/root", "192.168.1.5:8080", None),
            ("192.168.1.9:5000", "/root.crt", "192.168.1.5:8080", None),
            ("192.168.1.9:5000", "/asset/app.css", "192.168.1.5:8080", None),
            ("127.0.0.1:5000", "/admin", "hall.example.cn", None),
            ("[::ffff:127.0.0.1]:5000", "/admin", "hall.example.cn", None),
            ("[::1]:5000", "/admin", "hall.example.cn", None),
        ];
        for (peer, path, host, expected) in cases {
            let request = Request::builder().uri(path).header(header::HOST, host).body(()).unwrap();
            let sent = elsewhere(&request, peer.parse().unwrap(), 8443);
            let location = sent.as_ref().and_then(|sent| sent.headers().get(header::LOCATION)?.to_str().ok());
            assert_eq!(location, expected, "{peer} {path}");
            assert!(sent.is_none_or(|sent| sent.status() == StatusCode::PERMANENT_REDIRECT));
        }
        let request = Request::builder().uri("/").header(header::HOST, "a/b").body(()).unwrap();
        let sent = elsewhere(&request, "10.0.0.1:1".parse().unwrap(), 443).unwrap();
        assert_eq!(sent.status(), StatusCode::BAD_REQUEST);
    }
}

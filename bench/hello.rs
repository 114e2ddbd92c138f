//! The yardstick: a plain hyper server that answers every request with the same body and does nothing else.

use crate::{
    Done, say,
    secure::{Stream, acceptor},
};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::path::Path;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Serves until it is killed, by TLS as well where there is a certificate with its key; says where it listens.
pub async fn serve(size: usize, pair: Option<(&Path, &Path)>) -> Done<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    say(format!("listening on http://{}", listener.local_addr()?));
    let body = Bytes::from(vec![b'x'; size]);
    let Some((certificate, key)) = pair else { return attend(listener, None, body).await };
    let secure = TcpListener::bind(("127.0.0.1", 0)).await?;
    say(format!("listening on https://{}", secure.local_addr()?));
    tokio::try_join!(attend(listener, None, body.clone()), attend(secure, Some(acceptor(certificate, key)?), body))?;
    Ok(())
}

async fn attend(listener: TcpListener, tls: Option<TlsAcceptor>, body: Bytes) -> Done<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (body, tls) = (body.clone(), tls.clone());
        tokio::spawn(async move {
            let stream: Box<dyn Stream> = match tls {
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => Box::new(stream),
                    Err(_) => return,
                },
                None => Box::new(stream),
            };
            let answer = service_fn(move |_: Request<Incoming>| {
                let body = body.clone();
                async move { Ok::<_, Infallible>(Response::new(Full::new(body))) }
            });
            // A client that goes away ends its connection; that is no failure of the yardstick.
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
        });
    }
}

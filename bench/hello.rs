//! The yardstick: a plain hyper server that answers every request with the same body and does nothing else.

use crate::{Done, say};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tokio::net::TcpListener;

/// Serves until it is killed; says where it listens.
pub async fn serve(size: usize) -> Done<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    say(format!("listening on http://{}", listener.local_addr()?));
    let body = Bytes::from(vec![b'x'; size]);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |_: Request<Incoming>| {
                let body = body.clone();
                async move { Ok::<_, Infallible>(Response::new(Full::new(body))) }
            });
            // A client that goes away ends its connection; that is no failure of the yardstick.
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
        });
    }
}

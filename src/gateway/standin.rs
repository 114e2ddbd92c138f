//! A small HTTP server on the box's own address, out of which the stand-ins of the outside's protocols are made: for tests and for the
//! demonstration. It answers what its handler says, or nothing at all.

use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpListener, task::JoinHandle};

/// Most bytes of a request.
const BODY_MAX: usize = 16 << 20;

/// What the stand-in was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query as it came, without the question mark.
    pub query: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Bytes,
}

impl Asked {
    /// The first header of that name, in lower case.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(kept, _)| kept == name).map_or("", |(_, value)| value)
    }

    /// The first value of that name in the query, decoded.
    pub fn asked(&self, name: &str) -> Option<String> {
        self.pairs(&self.query).into_iter().find(|(kept, _)| kept == name).map(|(_, value)| value)
    }

    /// Pairs of a query or of a form, decoded.
    pub fn pairs(&self, text: &str) -> Vec<(String, String)> {
        let url = reqwest::Url::parse(&format!("http://x/?{text}"));
        url.map_or_else(
            |_| Vec::new(),
            |url| url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        )
    }
}

/// What the stand-in answers.
#[derive(Debug, Clone)]
pub struct Answered {
    /// HTTP status; 0: the connection is cut without an answer.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
    /// How long the answer takes.
    pub after: Duration,
}

impl Answered {
    /// An answer of that status.
    pub fn status(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), after: Duration::ZERO }
    }

    /// JSON with status 200.
    pub fn json(body: &serde_json::Value) -> Self {
        Self::status(200, body.to_string()).header("content-type", "application/json")
    }

    /// The connection is cut: the caller cannot know what happened.
    pub fn cut() -> Self {
        Self::status(0, "")
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running stand-in; ends when it is dropped.
pub struct Standin {
    /// Its base address, such as `http://127.0.0.1:40001`.
    pub base: String,
    task: JoinHandle<()>,
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Standin {
    /// Starts one on a free port of the box's own address. The handler is called on the server's task and must not block.
    pub async fn start(handler: impl Fn(Asked) -> Answered + Send + Sync + 'static) -> std::io::Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), handler).await
    }

    /// As [`Self::start`], at an address that others may reach: a phone that pays at the demonstration.
    pub async fn start_at(
        address: SocketAddr,
        handler: impl Fn(Asked) -> Answered + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let handler: Arc<dyn Fn(Asked) -> Answered + Send + Sync> = Arc::new(handler);
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let handler = handler.clone();
                open.spawn(async move {
                    let service = service_fn(move |request| answer(handler.clone(), request));
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
                        tracing::debug!(%error, "a stand-in's connection ended");
                    }
                });
                while open.try_join_next().is_some() {}
            }
        });
        Ok(Self { base, task })
    }
}

async fn answer(
    handler: Arc<dyn Fn(Asked) -> Answered + Send + Sync>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter();
    let asked = Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or("").to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: Limited::new(body, BODY_MAX).collect().await?.to_bytes(),
    };
    let answered = handler(asked);
    if !answered.after.is_zero() {
        tokio::time::sleep(answered.after).await;
    }
    if answered.status == 0 {
        return Err("cut".into());
    }
    let mut response = Response::builder().status(answered.status);
    for (name, value) in answered.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(answered.body))?)
}

/// Text within a page that a stand-in shows.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

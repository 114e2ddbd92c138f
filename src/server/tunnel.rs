//! Keeps the reverse tunnel up and serves what comes through it, by the same stack as the listeners and marked as come through the tunnel. It is set
//! up anew when it breaks, with pauses, and when the settings change.

use crate::{
    crowd::{Crowd, Noted},
    listen::{Speech, answered, end, ended, taken},
    proxy::{self, Network},
};
use axum::{
    body::Body,
    http::{HeaderValue, Request, header},
    response::Response,
};
use domain::{
    TunnelPlan,
    tunnel::{Fault, Standing, pause},
};
use gateway::ssh::{Connection, Forwarded};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use service::{Ctx, tunnel};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use web::{App, Peer, Tunnelled};

/// A tunnel that was up for so long was a good one: the next failure is the first again.
const GOOD: Duration = Duration::from_secs(60);

/// Why a tunnel is no longer held.
enum Over {
    /// The box ends.
    End,
    /// The settings changed.
    Changed,
    /// It failed, or broke after it was up for so long.
    Failed(Fault, Duration),
}

/// Keeps the tunnel up that the settings want, until the box ends.
pub async fn keep(ctx: Ctx, app: App, mut asked: watch::Receiver<bool>) {
    let mut failures = 0_u32;
    let with = (Crowd::new(), Speech::new());
    loop {
        let plan = tunnel::wanted(&ctx).unwrap_or_else(|error| {
            tracing::error!(%error, "the tunnel's settings cannot be read");
            None
        });
        let over = match plan {
            Some(plan) => hold(&ctx, &app, &plan, &mut asked, &with).await,
            None => {
                tunnel::tell(&ctx, Standing::Off);
                tokio::select! {
                    () = tunnel::changed(&ctx) => Over::Changed,
                    _ = asked.wait_for(|end| *end) => Over::End,
                }
            }
        };
        let (fault, lasted) = match over {
            Over::End => return,
            Over::Changed => {
                failures = 0;
                continue;
            }
            Over::Failed(fault, lasted) => (fault, lasted),
        };
        failures = if lasted >= GOOD { 1 } else { failures.saturating_add(1) };
        let wait = pause(failures, ctx.random.number());
        tracing::warn!(says = fault.label(), detail = fault.detail(), wait, "the tunnel is down");
        let since = tunnel::down_since(&ctx).unwrap_or_else(|| ctx.now());
        tunnel::tell(&ctx, Standing::Down { since, fault, next: ctx.now().plus(wait) });
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())) => {}
            () = tunnel::changed(&ctx) => failures = 0,
            _ = asked.wait_for(|end| *end) => return,
        }
    }
}

/// Sets the tunnel up and serves what comes, until there is a reason not to.
async fn hold(
    ctx: &Ctx,
    app: &App,
    plan: &TunnelPlan,
    asked: &mut watch::Receiver<bool>,
    (crowd, speech): &(Arc<Crowd>, Arc<Speech>),
) -> Over {
    if tunnel::down_since(ctx).is_none() {
        tunnel::tell(ctx, Standing::Begins);
    }
    let key = match tunnel::key(ctx, plan) {
        Ok(key) => key,
        Err(error) => return Over::Failed(Fault::Broken(error.to_string()), Duration::ZERO),
    };
    let (target, traffic) = (tunnel::target(plan), tunnel::traffic(ctx));
    let beginning = async {
        let connection = Connection::open(&target, &key, plan.pinned.as_deref(), &traffic).await?;
        connection.forward(&plan.bind, plan.bind_port).await?;
        Ok(connection)
    };
    let mut connection = tokio::select! {
        begun = beginning => match begun {
            Ok(connection) => connection,
            Err(trouble) => return Over::Failed(tunnel::fault(trouble), Duration::ZERO),
        },
        _ = asked.wait_for(|end| *end) => return Over::End,
    };
    let begun = Instant::now();
    tunnel::tell(ctx, Standing::Up(ctx.now()));
    tracing::info!(server = plan.server(), port = plan.bind_port, "the tunnel is up");
    let (outside, graceful) = (Arc::new(Outside::of(plan)), GracefulShutdown::new());
    let over = loop {
        let forwarded = tokio::select! {
            forwarded = connection.next() => forwarded,
            () = tunnel::changed(ctx) => match tunnel::wanted(ctx) {
                Ok(now) if now.as_ref() == Some(plan) => continue,
                _ => break Some(Over::Changed),
            },
            _ = asked.wait_for(|end| *end) => break Some(Over::End),
        };
        match forwarded {
            Some(forwarded) => serve(forwarded, app.clone(), outside.clone(), &graceful, (crowd, speech.clone())),
            None => break None,
        }
    };
    match over {
        Some(over) => {
            end(graceful).await;
            connection.close().await;
            over
        }
        None => Over::Failed(tunnel::fault(connection.why_closed().await), begun.elapsed()),
    }
}

/// What the settings say about requests through the tunnel.
struct Outside {
    staff: bool,
    secure: bool,
    host: Option<HeaderValue>,
    /// Who is believed about who asks: a web server on the machine that the tunnel ends at.
    believed: Vec<Network>,
}

impl Outside {
    fn of(plan: &TunnelPlan) -> Self {
        let near = ["127.0.0.0/8", "::1"].iter().filter_map(|network| Network::parse(network));
        Self {
            staff: plan.staff,
            secure: plan.is_secure(),
            host: HeaderValue::from_str(plan.public_host()).ok(),
            believed: if plan.proxied { near.collect() } else { Vec::new() },
        }
    }

    /// Marks a request with where it came from. The public address is the settings', whatever the request names: no forged host gets into a link.
    fn mark(&self, request: &mut Request<Body>, from: SocketAddr) {
        let address = proxy::forwarded(request.headers(), from, &self.believed);
        if let Some(host) = &self.host {
            request.headers_mut().insert(header::HOST, host.clone());
        }
        request.extensions_mut().insert(Peer { address, secure: self.secure });
        request.extensions_mut().insert(Tunnelled { staff: self.staff });
    }
}

/// Who connected at the server, as the server says; an address of nobody where it says nothing that can be read.
fn from(said: &(String, u32)) -> SocketAddr {
    let address = said.0.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    SocketAddr::new(address, u16::try_from(said.1).unwrap_or(0))
}

/// Serves one connection.
fn serve(
    forwarded: Forwarded,
    app: App,
    outside: Arc<Outside>,
    graceful: &GracefulShutdown,
    (crowd, speech): (&Arc<Crowd>, Arc<Speech>),
) {
    let from = from(&forwarded.from);
    // A web server beside the SSH server stands for everybody behind it.
    let free = from.ip().is_unspecified() || proxy::holds(&outside.believed, from.ip());
    let Some(seat) = crowd.enter(from.ip(), free) else { return };
    let (number, guest) = (seat.number(), seat.guest.clone());
    let noted = guest.clone();
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = taken(request, &guest);
        outside.mark(&mut request, from);
        let (app, guest) = (app.clone(), guest.clone());
        async move { Ok::<Response, Infallible>(answered(app.answer(request).await, &guest)) }
    });
    let watcher = graceful.watcher();
    let task = tokio::spawn(async move {
        let stream = Noted::new(TokioIo::new(forwarded.flow), noted);
        ended(watcher.watch(speech.one.serve_connection(stream, service))).await;
        drop(seat);
    });
    crowd.seated(number, task.abort_handle());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(proxied: bool, base: &str) -> TunnelPlan {
        TunnelPlan {
            on: true,
            host: "a.example".into(),
            port: 22,
            user: "h".into(),
            bind: "127.0.0.1".into(),
            bind_port: 80,
            base: base.into(),
            staff: false,
            proxied,
            pinned: None,
            sealed: Vec::new(),
            revision: 1,
        }
    }

    #[test]
    fn who_asks_is_whom_the_server_or_the_proxy_beside_it_saw_and_never_whom_a_request_names() {
        let cases = [
            // Nobody stands in front: the header is the asker's own invention.
            (false, "203.0.113.9", "198.51.100.1", "203.0.113.9"),
            (false, "127.0.0.1", "198.51.100.1", "127.0.0.1"),
            // A web server beside the SSH server wrote the last entry; what stands before it came with the request.
            (true, "127.0.0.1", "198.51.100.1", "198.51.100.1"),
            (true, "127.0.0.1", "10.0.0.1, 127.0.0.1, 198.51.100.1", "198.51.100.1"),
            (true, "::1", "198.51.100.1", "198.51.100.1"),
            (true, "127.0.0.1", "nobody", "127.0.0.1"),
            // Whoever comes past the web server is not believed.
            (true, "203.0.113.9", "198.51.100.1", "203.0.113.9"),
            (true, "no address", "198.51.100.1", "0.0.0.0"),
        ];
        for (proxied, said, header, expected) in cases {
            let outside = Outside::of(&plan(proxied, "https://hall.example"));
            let built = Request::builder().uri("/").header("x-forwarded-for", header).header("host", "evil.example");
            let mut request = built.body(Body::empty()).unwrap();
            outside.mark(&mut request, from(&(said.into(), 4711)));
            let peer = request.extensions().get::<Peer>().unwrap();
            assert_eq!(peer.address.ip().to_string(), expected, "{proxied} {said} {header}");
            assert!(peer.secure && !request.extensions().get::<Tunnelled>().unwrap().staff);
            assert_eq!(request.headers()["host"], "hall.example");
        }
        let mut request = Request::new(Body::empty());
        Outside::of(&plan(false, "http://192.0.2.1:8080")).mark(&mut request, from(&("192.0.2.7".into(), 1)));
        assert!(!request.extensions().get::<Peer>().unwrap().secure);
        assert_eq!(request.headers()["host"], "192.0.2.1:8080");
    }
}

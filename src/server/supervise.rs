//! What the program and systemd tell each other: sockets that were opened for it, that it is ready, that it is well, that it ends. Outside of systemd
//! nobody is told, and it opens its sockets itself.

use listenfd::ListenFd;
use sd_notify::NotifyState;
use service::{Ctx, Error};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

/// Sockets that were opened for the program.
#[derive(Debug, Default)]
pub struct Sockets {
    /// For plain requests.
    pub plain: Option<TcpListener>,
    /// For TLS.
    pub tls: Option<TcpListener>,
}

/// Names of the sockets in the order of their numbers, as `FileDescriptorName=` gives them.
fn names() -> Vec<String> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    names.split(':').map(str::to_owned).collect()
}

/// Whether the socket of that number is for TLS: by its name, and where it has none of ours, the second one is.
fn is_tls(number: usize, names: &[String]) -> bool {
    match names.get(number).map(String::as_str) {
        Some("tls") => true,
        Some("plain") => false,
        _ => number == 1,
    }
}

/// Takes over what was opened. A socket that is no TCP listener is refused.
pub fn inherited() -> Result<Sockets, Error> {
    let (mut all, mut sockets) = (ListenFd::from_env(), Sockets::default());
    let names = names();
    for number in 0..all.len() {
        let failed = |error| Error::internal("taking a socket over from systemd", error);
        let Some(listener) = all.take_tcp_listener(number).map_err(failed)? else { continue };
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = TcpListener::from_std(listener).map_err(failed)?;
        TOOK.store(true, Ordering::Relaxed);
        let place = if is_tls(number, &names) { &mut sockets.tls } else { &mut sockets.plain };
        if place.replace(listener).is_some() {
            let why = "systemd opened two sockets for the same; name them plain and tls (FileDescriptorName=)";
            return Err(Error::Internal(why.into()));
        }
    }
    Ok(sockets)
}

/// Whether sockets were taken over: only whoever opened them can open them again.
static TOOK: AtomicBool = AtomicBool::new(false);

/// Whether systemd opened the sockets.
pub fn took_sockets() -> bool {
    TOOK.load(Ordering::Relaxed)
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd was not told");
    }
}

/// Everything is listened on.
pub fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// The end was asked for.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("closing")]);
}

/// How often systemd is told that all is well, of the time after which it would restart the program.
const BEATS: u32 = 3;

/// Tells systemd that the program is well as long as it is: a write would get onto the disk in time. Without that it is not told, and restarts the
/// program. Does nothing where nobody waits for it.
pub async fn watch(ctx: Ctx) {
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else { return };
    let mut beats = tokio::time::interval((limit / BEATS).max(Duration::from_millis(10)));
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        let looking = ctx.clone();
        match tokio::task::spawn_blocking(move || service::health::alive(&looking)).await {
            Ok(Ok(())) => tell(&[NotifyState::Watchdog]),
            Ok(Err(error)) => {
                tracing::error!(%error, "no write gets onto the disk; systemd is not told that all is well");
                tell(&[NotifyState::Status("no write gets onto the disk")]);
            }
            Err(error) => tracing::error!(%error, "looking whether all is well"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_told_apart_by_name_or_else_by_number() {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (names, expected) in [
            (named(&["plain", "tls"]), [false, true]),
            (named(&["tls", "plain"]), [true, false]),
            (named(&["huiguan.socket", "huiguan.socket"]), [false, true]),
            (named(&[]), [false, true]),
        ] {
            assert_eq!([is_tls(0, &names), is_tls(1, &names)], expected, "{names:?}");
        }
    }
}

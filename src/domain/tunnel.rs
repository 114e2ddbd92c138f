//! The reverse tunnel: an SSH server elsewhere listens for the box, and what connects there is served as if it had come by itself. What of the
//! hall can be reached that way, how long the box waits before it tries again, and what the settings may say.

use crate::{Refusal, Time, problem, text::Form, time::SECOND};
use rkyv::{Archive, Deserialize, Serialize};

/// The tunnel's settings; one for the whole box, kept by the association.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct TunnelPlan {
    /// Whether the box keeps the tunnel up.
    pub on: bool,
    /// Name or address of the SSH server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The account there.
    pub user: String,
    /// Address at which the server listens for the box.
    pub bind: String,
    /// Port at which it does.
    pub bind_port: u16,
    /// What addresses that lead through the tunnel begin with: scheme and host, without a slash at the end.
    pub base: String,
    /// Whether the secretariat's pages, terminals and log-ins of staff can be reached through it.
    pub staff: bool,
    /// Whether a web server on that machine stands in front and says who asks (`X-Forwarded-For`).
    pub proxied: bool,
    /// Fingerprint of the server's host key, once somebody accepted it.
    pub pinned: Option<String>,
    /// The seed of the box's key pair, sealed.
    pub sealed: Vec<u8>,
    /// Raised by each change; a form that was opened on an older one is refused.
    pub revision: u32,
}

impl TunnelPlan {
    /// Host and port of the server, as they are shown.
    pub fn server(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The host of the public address, with its port where it has one.
    pub fn public_host(&self) -> &str {
        self.base.split_once("://").map_or("", |(_, host)| host)
    }

    /// Whether browsers reach the public address by TLS.
    pub fn is_secure(&self) -> bool {
        self.base.starts_with("https://")
    }

    /// Options of the line in `authorized_keys`: the key may do nothing there but forward that one port.
    pub fn options(&self) -> String {
        let place = if self.bind.is_empty() { "*" } else { &self.bind };
        format!("restrict,port-forwarding,permitlisten=\"{place}:{}\"", self.bind_port)
    }
}

/// Longest name of a server.
pub const HOST_MAX: usize = 253;
/// Longest name of an account.
pub const USER_MAX: usize = 64;
/// Longest public address.
pub const BASE_MAX: usize = 200;

/// What a form says.
#[derive(Debug, Clone, Default)]
pub struct TunnelInput {
    /// Whether the box keeps the tunnel up.
    pub on: bool,
    /// Server.
    pub host: String,
    /// Port.
    pub port: String,
    /// Account.
    pub user: String,
    /// Address at which the server listens.
    pub bind: String,
    /// Port at which it does.
    pub bind_port: String,
    /// Public address.
    pub base: String,
    /// Whether staff may come that way.
    pub staff: bool,
    /// Whether a web server stands in front.
    pub proxied: bool,
    /// Revision that the form was opened on.
    pub revision: u32,
}

/// What a form says, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TunnelSet {
    pub on: bool,
    pub host: String,
    pub port: u16,
    pub user: String,
    pub bind: String,
    pub bind_port: u16,
    pub base: String,
    pub staff: bool,
    pub proxied: bool,
}

/// Whether a text is a host: a name of letters, digits, points and hyphens, or an address.
fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
    };
    text.len() <= HOST_MAX && (text.parse::<std::net::IpAddr>().is_ok() || text.split('.').all(label))
}

/// A public address without what may follow the host; none when it is none.
fn base(text: &str) -> Option<String> {
    let text = text.trim_end_matches('/');
    let (scheme, host) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let is_name = match bare {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.contains(':') && is_host(name),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number > 0));
    (matches!(scheme.as_str(), "http" | "https") && is_name && is_port)
        .then(|| format!("{scheme}://{}", host.to_ascii_lowercase()))
}

impl TunnelInput {
    /// Checks the form.
    pub fn check(&self) -> Result<TunnelSet, Refusal> {
        let mut form = Form::default();
        let host = form.required("host", &self.host, HOST_MAX);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if !host.is_empty() && !is_host(&host) {
            form.wrong(problem!("host", "Give the server's name or address alone, such as ssh.example.cn."));
        }
        let number = |form: &mut Form, field: &str, text: &str| {
            let port = text.trim().parse::<u16>().ok().filter(|port| *port > 0);
            if port.is_none() {
                form.wrong(problem!(field, "Give a port from 1 to 65535."));
            }
            port.unwrap_or_default()
        };
        let port = number(&mut form, "port", &self.port);
        let user = form.required("user", &self.user, USER_MAX);
        if user.chars().any(|sign| sign.is_whitespace() || matches!(sign, '@' | ':' | '/' | '"')) {
            form.wrong(problem!("user", "Give the name of the account alone."));
        }
        let bind = form.optional("bind", &self.bind, HOST_MAX);
        if !bind.is_empty() && bind != "*" && bind != "localhost" && bind.parse::<std::net::IpAddr>().is_err() {
            form.wrong(problem!("bind", "Give an address of the server, such as 127.0.0.1 or 0.0.0.0."));
        }
        let bind_port = number(&mut form, "bind_port", &self.bind_port);
        let typed = form.required("base", &self.base, BASE_MAX);
        let base = base(&typed);
        if base.is_none() && !typed.is_empty() {
            form.wrong(problem!(
                "base",
                "Give the public address with http:// or https:// and nothing behind the host."
            ));
        }
        form.done(TunnelSet {
            on: self.on,
            host,
            port,
            user,
            bind: if bind == "*" { String::new() } else { bind },
            bind_port,
            base: base.unwrap_or_default(),
            staff: self.staff,
            proxied: self.proxied,
        })
    }
}

/// First parts of the paths that anybody may reach through the tunnel: pages for phones and for everybody, what those load, screens by their code,
/// the API, and callbacks of services. What is not here is not reachable.
const OPEN: &[&str] = &[
    "",
    "api",
    "asset",
    "callback",
    "certificate",
    "draw",
    "event",
    "in",
    "language",
    "logo",
    "merchant",
    "message",
    "my",
    "order",
    "page.css",
    "part",
    "picture",
    "privacy",
    "screen",
    "series",
    "sound",
    "ticket",
    "wait",
    "wechat",
];

/// Whether a path within a space can be reached through the tunnel. Everything is asked the same way as the router asks: by the letters as they
/// came, so that nothing that is written differently means something else to one of the two.
pub fn is_open(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let mut parts = rest.split('/');
    let first = parts.next().unwrap_or("");
    // The file by which WeChat is shown whose domain it is; it lies at the root of the site.
    let is_proof = parts.next().is_none() && first.ends_with(".txt");
    (OPEN.contains(&first) && (!first.is_empty() || rest.is_empty())) || is_proof
}

/// The pause before the second try.
pub const PAUSE: i64 = 2 * SECOND;
/// The longest pause.
pub const PAUSE_MAX: i64 = 300 * SECOND;

/// How long to wait after so many failures in a row: it doubles up to five minutes. `chance` makes it up to a quarter longer, so that boxes whose
/// server was away do not come back all at once.
pub fn pause(failures: u32, chance: u64) -> i64 {
    let doublings = failures.saturating_sub(1).min(20);
    let pause = PAUSE.saturating_mul(1_i64 << doublings).min(PAUSE_MAX);
    let quarter = u64::try_from(pause / 4).unwrap_or(0);
    pause + i64::try_from(chance % (quarter + 1)).unwrap_or(0)
}

/// Why the tunnel is not up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The server cannot be reached.
    Unreachable(String),
    /// Nobody accepted the host key yet, whose fingerprint this is.
    Unknown(String),
    /// The server shows another host key than the one that was accepted.
    Changed(String),
    /// The server does not accept the box's key.
    Refused,
    /// The server does not listen: the port is taken or not allowed.
    Port(String),
    /// No algorithm in common.
    Foreign(String),
    /// The connection broke.
    Broken(String),
}

impl Fault {
    /// English source text: what happened and what to do.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => {
                "The server cannot be reached. Are its name and port right, does it run, and does the box have internet?"
            }
            Self::Unknown(_) => {
                "The server's host key was not accepted yet. Compare its fingerprint and accept it below."
            }
            Self::Changed(_) => {
                "The server shows another host key than the one that was accepted. Nothing was sent. If the server was set up anew, compare the fingerprint and accept it; otherwise somebody stands between."
            }
            Self::Refused => {
                "The server does not let the box in. Put the line below into the account's authorized_keys, and look at the name of the account."
            }
            Self::Port(_) => {
                "The server does not listen for the box: the port is taken there, or the key may not forward it. Look at GatewayPorts, AllowTcpForwarding and the line in authorized_keys."
            }
            Self::Foreign(_) => {
                "The server offers no algorithm that the box knows. Give it a host key of type ed25519 and an OpenSSH of the last years."
            }
            Self::Broken(_) => "The connection broke. It is tried again by itself.",
        }
    }

    /// What the system or the server said.
    pub fn detail(&self) -> &str {
        match self {
            Self::Refused => "",
            Self::Unreachable(detail)
            | Self::Unknown(detail)
            | Self::Changed(detail)
            | Self::Port(detail)
            | Self::Foreign(detail)
            | Self::Broken(detail) => detail,
        }
    }

    /// The fingerprint that the server showed and nobody accepted.
    pub fn shown(&self) -> Option<&str> {
        match self {
            Self::Unknown(shown) | Self::Changed(shown) => Some(shown),
            _ => None,
        }
    }
}

/// How the tunnel stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Standing {
    /// There is none.
    #[default]
    Off,
    /// It is being set up.
    Begins,
    /// It is up since then.
    Up(Time),
    /// It is not up: since when, why, and when it is tried again.
    Down {
        /// Since when.
        since: Time,
        /// Why.
        fault: Fault,
        /// When it is tried again.
        next: Time,
    },
}

#[cfg(test)]
mod tests;

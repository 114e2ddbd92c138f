//! What is remembered of log-ins to an account: the browsers it knows, what was logged in when and from where, the one-time links to a new
//! password, and passkeys.

use crate::{AccountId, LoginId, Time, time::DAY};
use rkyv::{Archive, Deserialize, Serialize};
use std::net::IpAddr;

/// A browser in which an account logged in before. Its token is never kept, only its SHA-256.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct KnownBrowser {
    /// The account.
    pub account: AccountId,
    /// SHA-256 of the token.
    pub token: [u8; 32],
    /// The last log-in.
    pub seen_at: Time,
}

/// For how long a browser stays known without a log-in.
pub const BROWSER_MILLIS: i64 = 365 * DAY;
/// Most browsers of an account; the one that was used longest ago is forgotten.
pub const BROWSERS_MAX: usize = 30;

/// How somebody logged in.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginWay {
    /// By the password alone.
    Password,
    /// By the password and a code of the app.
    Code,
    /// By the password and a recovery code.
    Recovery,
    /// By a passkey.
    Passkey,
    /// By a one-time link to a new password.
    Link,
    /// Not at all: the password was right, and the codes were wrong.
    WrongCodes,
}

impl LoginWay {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
            Self::Recovery => "recovery",
            Self::Passkey => "passkey",
            Self::Link => "link",
            Self::WrongCodes => "wrong_codes",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Password => "By password",
            Self::Code => "By password and code",
            Self::Recovery => "By password and recovery code",
            Self::Passkey => "By passkey",
            Self::Link => "By a link to a new password",
            Self::WrongCodes => "Right password, wrong codes",
        }
    }
}

/// A log-in, as the account's own page lists it.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct LoginLine {
    /// The account.
    pub account: AccountId,
    /// Number.
    pub id: LoginId,
    /// When.
    pub at: Time,
    /// How.
    pub way: LoginWay,
    /// Browser as it called itself, shortened.
    pub agent: String,
    /// Address it came from.
    pub address: String,
    /// The browser was not known.
    pub new_browser: bool,
    /// The account was not used from that network before, as far as its list goes back.
    pub new_network: bool,
}

impl LoginLine {
    /// Whether the account's owner is told.
    pub fn is_news(&self) -> bool {
        self.new_browser || self.new_network || matches!(self.way, LoginWay::WrongCodes | LoginWay::Recovery)
    }
}

/// Most log-ins that are kept of an account.
pub const LINES_MAX: usize = 50;

/// The network of an address: phones change the last numbers all the time, and that is no news.
pub fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}")
        }
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}")
        }
        Err(_) => address.to_owned(),
    }
}

/// A browser's name and its system, as people know them, out of what it calls itself; itself where nothing is known.
pub fn agent_name(agent: &str) -> String {
    // Who imitates whom: the more special names stand in front.
    let browsers = [
        ("MicroMessenger/", "WeChat"),
        ("wxwork/", "WeCom"),
        ("Edg/", "Edge"),
        ("EdgA/", "Edge"),
        ("OPR/", "Opera"),
        ("QQBrowser/", "QQ Browser"),
        ("UCBrowser/", "UC Browser"),
        ("HuaweiBrowser/", "Huawei Browser"),
        ("MiuiBrowser/", "Mi Browser"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("FxiOS/", "Firefox"),
        ("Firefox/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let systems = [
        ("Windows", "Windows"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("OpenHarmony", "HarmonyOS"),
        ("HarmonyOS", "HarmonyOS"),
        ("Android", "Android"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find =
        |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (find(&browsers), find(&systems)) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.chars().take(40).collect(),
    }
}

/// What is new of a log-in: the browser, the network. The first of all is no news: nobody was there before.
pub fn news(known_browser: bool, address: &str, before: &[LoginLine]) -> (bool, bool) {
    if before.is_empty() {
        return (false, false);
    }
    let here = network(address);
    // A wrong try does not make its network known.
    let mut right = before.iter().filter(|line| line.way != LoginWay::WrongCodes);
    (!known_browser, !right.any(|line| network(&line.address) == here))
}

/// Stands for an account whose password somebody else chose: it can do nothing before it has another one.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct FirstPassword {
    /// The account.
    pub account: AccountId,
}

/// A one-time link by which an account gets a new password. Its token is never kept, only its SHA-256.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct PasswordLink {
    /// SHA-256 of the token.
    pub token: [u8; 32],
    /// The account.
    pub account: AccountId,
    /// When it ends.
    pub until: Time,
}

/// How long such a link works.
pub const LINK_MILLIS: i64 = DAY;

/// A key in somebody's device that logs in to an account.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// SHA-256 of the credential's id.
    pub key: [u8; 32],
    /// The account.
    pub account: AccountId,
    /// How its owner calls it.
    pub name: String,
    /// Public key, counter and what else is known of it, as the library that checks it writes it down (JSON).
    pub credential: String,
    /// When it was made.
    pub created_at: Time,
    /// The last log-in.
    pub used_at: Option<Time>,
}

/// Most passkeys of an account.
pub const PASSKEYS_MAX: usize = 10;
/// Longest name of a passkey in characters.
pub const PASSKEY_NAME_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(address: &str, way: LoginWay) -> LoginLine {
        LoginLine {
            account: AccountId(1),
            id: LoginId(1),
            at: Time(0),
            way,
            agent: String::new(),
            address: address.into(),
            new_browser: false,
            new_network: false,
        }
    }

    #[test]
    fn another_browser_and_another_network_are_news_but_for_the_first() {
        let before = [line("192.168.1.5", LoginWay::Password), line("10.9.9.9", LoginWay::WrongCodes)];
        let before = &before[..];
        assert_eq!(news(false, "192.168.1.5", &[]), (false, false));
        let cases = [
            (true, "192.168.1.77", (false, false)),
            (false, "192.168.1.5", (true, false)),
            (true, "192.168.2.5", (false, true)),
            (true, "10.9.9.9", (false, true)),
            (true, "::ffff:192.168.1.9", (false, false)),
        ];
        for (known, address, new) in cases {
            assert_eq!(news(known, address, before), new, "{known} {address}");
        }
        assert!(line("", LoginWay::WrongCodes).is_news() && !line("", LoginWay::Password).is_news());
    }

    #[test]
    fn browsers_have_names_that_people_know() {
        let cases = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge · Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari · iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36 MicroMessenger/8.0",
                "WeChat · Android",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Linux"),
            ("curl/8.5.0", "curl/8.5.0"),
            ("", ""),
        ];
        for (agent, name) in cases {
            assert_eq!(agent_name(agent), name, "{agent}");
        }
    }

    #[test]
    fn neighbours_are_of_one_network() {
        assert_eq!(network("2001:db8:1:2::3"), network("2001:db8:1:ffff::1"));
        assert_ne!(network("2001:db8:1::3"), network("2001:db8:2::3"));
        assert_eq!(network("unix"), "unix");
    }
}

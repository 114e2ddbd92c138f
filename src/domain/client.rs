//! API clients: programs that ask with a secret of their own, as far as their scopes go, until a day that was set. Pure rules; hashing stands in `service`.

use crate::{
    AccountId, ClientId, Permission, Problem, Refusal, Time,
    network::Network,
    problem, refuse,
    text::Form,
    time::{DAY, HOUR},
};
use rkyv::{Archive, Deserialize, Serialize};
use std::net::IpAddr;

/// A program that may ask the API. It never may more than the account behind it.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct ApiClient {
    /// Number.
    pub id: ClientId,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// What it may do, as far as the account behind it may.
    pub scopes: Vec<Permission>,
    /// Where it may ask from; none: from anywhere.
    pub networks: Vec<String>,
    /// Whose it is: whoever made it, or renewed it last.
    pub account: AccountId,
    /// Its secrets, the newest in front; the one behind it is good until programs were told the new one.
    pub secrets: Vec<ClientSecret>,
    /// When it was made.
    pub created_at: Time,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

/// A secret of a client; the secret itself is never kept.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// The part of it that people know it by, which opens nothing.
    pub mark: String,
    /// When it was made.
    pub made_at: Time,
    /// When it ends.
    pub until: Time,
}

/// What is noted of a client's use; it stands apart so that the client's record stays as it is.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct ClientUse {
    /// The client.
    pub client: ClientId,
    /// The last time that it was let in, to the day.
    pub used_at: Option<Time>,
    /// The last time that it was refused.
    pub refused_at: Option<Time>,
    /// Why: a refusal's code; empty when it never was.
    pub refused: String,
    /// How often it was refused in all.
    pub refusals: u64,
}

/// Longest name.
pub const NAME_MAX: usize = 60;
/// Longest purpose.
pub const PURPOSE_MAX: usize = 200;
/// Most networks of one client.
pub const NETWORKS_MAX: usize = 20;
/// Longest life of a secret.
pub const LIFE_MILLIS: i64 = 366 * DAY;
/// Longest time for which an old secret is good beside its successor, in days.
pub const OVERLAP_DAYS: i64 = 7;
/// How long before the end it is said.
pub const NOTICE_MILLIS: i64 = 14 * DAY;
/// How long a client that ended stays on the list.
pub const KEPT_MILLIS: i64 = 366 * DAY;
/// Most clients of a space that did not end.
pub const CLIENTS_MAX: usize = 200;

/// How a client stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientState {
    /// It may ask.
    Active,
    /// It may ask for so many days more, the one under way included.
    Ending(i64),
    /// Its time is over.
    Expired,
    /// It was shut out.
    Revoked,
}

impl ApiClient {
    /// When its newest secret ends.
    pub fn until(&self) -> Time {
        self.secrets.first().map_or(Time(0), |secret| secret.until)
    }

    /// How it stands at `now`.
    pub fn state(&self, now: Time) -> ClientState {
        let left = self.until().since(now);
        match self.revoked_at {
            Some(_) => ClientState::Revoked,
            None if left <= 0 => ClientState::Expired,
            None if left <= NOTICE_MILLIS => ClientState::Ending((left + DAY - 1) / DAY),
            None => ClientState::Active,
        }
    }

    /// When it ended; none while it stands.
    pub fn ended(&self, now: Time) -> Option<Time> {
        self.revoked_at.or_else(|| Some(self.until()).filter(|until| *until <= now))
    }

    /// Whether it may ask at `now` with the secret of that hash, from that address.
    pub fn check(&self, hash: &[u8; 32], address: Option<IpAddr>, now: Time) -> Result<(), Refusal> {
        if self.revoked_at.is_some() {
            return Err(refuse!(
                Unknown,
                "client.revoked",
                "This API client was revoked. Ask whoever manages API clients for a new one."
            ));
        }
        if !self.secrets.iter().any(|secret| secret.hash == *hash && now < secret.until) {
            return Err(refuse!(
                Unknown,
                "client.expired",
                "The time of this secret is over. Renew the API client on its page."
            ));
        }
        let read = |network: &String| Network::parse(network);
        let within = |address: IpAddr| self.networks.iter().filter_map(read).any(|network| network.holds(address));
        if !self.networks.is_empty() && !address.is_some_and(within) {
            return Err(refuse!(Denied, "client.address", "This API client may not ask from this address."));
        }
        Ok(())
    }

    /// The same with a new secret and whoever made it; the secret before it is good for `overlap` days more, and any older one is gone.
    pub fn renewed(&self, secret: ClientSecret, account: AccountId, overlap: i64, now: Time) -> Self {
        let end = now.plus(overlap.clamp(0, OVERLAP_DAYS) * DAY);
        let before = self.secrets.first().map(|old| ClientSecret { until: old.until.min(end), ..old.clone() });
        let before = before.filter(|old| now < old.until);
        Self { secrets: std::iter::once(secret).chain(before).collect(), account, ..self.clone() }
    }
}

/// What the form of a client takes, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientInput {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Codes of its scopes.
    pub scopes: Vec<String>,
    /// Where it may ask from: addresses and networks, one a line or parted by commas.
    pub networks: String,
    /// How it ends: the instant at which the chosen day is over; none when that was no day.
    pub until: Option<Time>,
}

/// A client as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// What it may do.
    pub scopes: Vec<Permission>,
    /// Where it may ask from.
    pub networks: Vec<String>,
    /// When it ends.
    pub until: Time,
}

/// Checks the form of a new client. `offered` is what the API asks anybody for.
pub fn check_client(input: &ClientInput, offered: &[Permission], now: Time) -> Result<Wanted, Refusal> {
    let mut form = Form::default();
    let name = form.required("name", &input.name, NAME_MAX);
    let purpose = form.required("purpose", &input.purpose, PURPOSE_MAX);
    let scopes: Vec<Permission> =
        offered.iter().copied().filter(|scope| input.scopes.iter().any(|code| code == scope.code())).collect();
    if scopes.is_empty() {
        form.wrong(problem!("scopes", "Choose at least one."));
    }
    let networks: Vec<String> = input
        .networks
        .split([',', '，', '\n', ' ', ';'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    if let Some(wrong) = networks.iter().find(|part| Network::parse(part).is_none()) {
        let part: String = wrong.chars().take(60).collect();
        form.wrong(problem!(
            "networks",
            "“{part}” is no address. Give it as 192.168.1.7 or 192.168.1.0/24.",
            part = part
        ));
    } else if networks.len() > NETWORKS_MAX {
        form.wrong(problem!("networks", "At most {max} addresses.", max = NETWORKS_MAX));
    }
    let until = match check_until(input.until, now) {
        Ok(until) => until,
        Err(problem) => {
            form.wrong(problem);
            Time(0)
        }
    };
    form.done(Wanted { name, purpose, scopes, networks, until })
}

/// Checks the end of a secret: a day to come, at most a year away.
pub fn check_until(until: Option<Time>, now: Time) -> Result<Time, Problem> {
    // The form names days: the day a year from now ends up to a day and, where clocks are changed, an hour later.
    let latest = now.plus(LIFE_MILLIS + DAY + HOUR);
    match until {
        Some(until) if now < until && until <= latest => Ok(until),
        Some(_) | None => Err(problem!("until", "Choose a day within the next year.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(n: u8, until: i64) -> ClientSecret {
        ClientSecret { hash: [n; 32], mark: "M".into(), made_at: Time(0), until: Time(until) }
    }

    fn client(until: i64) -> ApiClient {
        ApiClient {
            id: ClientId(1),
            name: "n".into(),
            purpose: "p".into(),
            scopes: vec![Permission::EventView],
            networks: Vec::new(),
            account: AccountId(1),
            secrets: vec![secret(1, until)],
            created_at: Time(0),
            revoked_at: None,
        }
    }

    fn code(of: &ApiClient, hash: u8, address: &str, now: i64) -> &'static str {
        of.check(&[hash; 32], address.parse().ok(), Time(now)).map_or_else(|refusal| refusal.code, |()| "")
    }

    #[test]
    fn a_client_may_ask_until_its_end_from_where_it_may() {
        let of = client(100);
        let shut = ApiClient { revoked_at: Some(Time(5)), ..of.clone() };
        let near = ApiClient { networks: vec!["10.0.0.0/8".into(), "::1".into()], ..of.clone() };
        let cases = [
            (&of, 1, "8.8.8.8", 99, ""),
            (&of, 1, "", 99, ""),
            (&of, 1, "8.8.8.8", 100, "client.expired"),
            (&of, 2, "8.8.8.8", 99, "client.expired"),
            (&shut, 1, "8.8.8.8", 1, "client.revoked"),
            (&near, 1, "10.1.2.3", 99, ""),
            (&near, 1, "::1", 99, ""),
            (&near, 1, "11.1.2.3", 99, "client.address"),
            (&near, 1, "", 99, "client.address"),
            (&near, 1, "11.1.2.3", 100, "client.expired"),
        ];
        for (of, hash, address, now, expected) in cases {
            assert_eq!(code(of, hash, address, now), expected, "{address} at {now}");
        }
    }

    #[test]
    fn what_is_left_of_a_client_is_told_in_days() {
        let of = client(100 * DAY);
        let cases = [
            (0, ClientState::Active),
            (86 * DAY - 1, ClientState::Active),
            (86 * DAY, ClientState::Ending(14)),
            (99 * DAY + 1, ClientState::Ending(1)),
            (100 * DAY - 1, ClientState::Ending(1)),
            (100 * DAY, ClientState::Expired),
        ];
        for (now, state) in cases {
            assert_eq!(of.state(Time(now)), state, "{now}");
        }
        let shut = ApiClient { revoked_at: Some(Time(1)), ..of };
        assert_eq!((shut.state(Time(2)), shut.ended(Time(2))), (ClientState::Revoked, Some(Time(1))));
    }

    #[test]
    fn an_old_secret_is_good_beside_the_new_one_for_so_many_days_and_no_longer_than_before() {
        let of = client(100 * DAY);
        let cases = [(0, 0), (3, 3), (7, 7), (8, 7), (-1, 0), (i64::MAX, 7)];
        for (asked, got) in cases {
            let new = of.renewed(secret(2, 300 * DAY), AccountId(2), asked, Time(DAY));
            assert_eq!(new.account, AccountId(2));
            assert_eq!(code(&new, 2, "", 299 * DAY), "");
            assert_eq!(code(&new, 1, "", (got + 1) * DAY - 1).is_empty(), got > 0, "{asked}");
            assert_eq!(code(&new, 1, "", (got + 1) * DAY), "client.expired", "{asked}");
        }
        let late = of.renewed(secret(2, 300 * DAY), AccountId(1), 7, Time(98 * DAY));
        assert_eq!(code(&late, 1, "", 100 * DAY), "client.expired", "its own end stays");
        let twice = late.renewed(secret(3, 300 * DAY), AccountId(1), 7, Time(98 * DAY));
        assert_eq!(code(&twice, 1, "", 98 * DAY), "client.expired", "two at most");
        assert_eq!((code(&twice, 2, "", 99 * DAY), code(&twice, 3, "", 99 * DAY)), ("", ""));
    }

    #[test]
    fn the_form_of_a_client_says_everything_that_is_wrong_at_once() {
        let offered = [Permission::EventView, Permission::CheckinScan];
        let good = ClientInput {
            name: "闸机".into(),
            purpose: "东门".into(),
            scopes: vec!["checkin.scan".into(), "account.manage".into()],
            networks: "10.0.0.0/8，192.168.1.7\n::1".into(),
            until: Some(Time(DAY)),
        };
        let wanted = check_client(&good, &offered, Time(0)).unwrap();
        assert_eq!(wanted.scopes, [Permission::CheckinScan], "what the API never asks for is no scope");
        assert_eq!(wanted.networks, ["10.0.0.0/8", "192.168.1.7", "::1"]);
        let fields = |input: &ClientInput| -> Vec<String> {
            let refusal = check_client(input, &offered, Time(0)).unwrap_err();
            refusal.problems.into_iter().map(|problem| problem.field).collect()
        };
        assert_eq!(fields(&ClientInput::default()), ["name", "purpose", "scopes", "until"]);
        assert_eq!(fields(&ClientInput { networks: "10.0.0.0/99".into(), ..good.clone() }), ["networks"]);
        let many = vec!["::1"; NETWORKS_MAX + 1].join(",");
        assert_eq!(fields(&ClientInput { networks: many, ..good.clone() }), ["networks"]);
        for wrong in [0, -1, 368 * DAY, i64::MAX] {
            assert_eq!(fields(&ClientInput { until: Some(Time(wrong)), ..good.clone() }), ["until"], "{wrong}");
        }
        assert!(check_client(&ClientInput { until: Some(Time(366 * DAY)), ..good }, &offered, Time(0)).is_ok());
    }
}

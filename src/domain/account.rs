//! Staff accounts, their sessions and grants, and the rules for login names and slow-down after failures.

use crate::{
    AccountId, GrantId, Permission, PersonId, Problem, Scope, Time, problem,
    time::{MINUTE, SECOND},
};
use rkyv::{Archive, Deserialize, Serialize};

/// A login of a person who works for the association.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Number.
    pub id: AccountId,
    /// Whose account it is.
    pub person: PersonId,
    /// What is typed at login: lower case, unique in the space.
    pub login: String,
    /// Name as colleagues see it.
    pub name: String,
    /// argon2id hash in PHC format.
    pub password: String,
    /// A disabled account cannot log in and its sessions are over.
    pub disabled: bool,
    /// Sessions begun before this instant are over ("log out everywhere").
    pub sessions_since: Time,
    /// When it was made.
    pub created_at: Time,
    /// The last successful login.
    pub seen_at: Option<Time>,
}

/// A permission at a scope, given to an account.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Number.
    pub id: GrantId,
    /// Who holds it.
    pub account: AccountId,
    /// What may be done.
    pub permission: Permission,
    /// Where.
    pub scope: Scope,
}

/// A logged-in browser. The token itself is never kept, only its SHA-256.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the token.
    pub token: [u8; 32],
    /// Whose session it is.
    pub account: AccountId,
    /// When it began.
    pub created_at: Time,
    /// When it ends whatever happens.
    pub expires_at: Time,
    /// Browser as it called itself, shortened.
    pub agent: String,
    /// Address it came from.
    pub address: String,
    /// When it was used last, to the hour.
    pub seen_at: Time,
}

/// A session as it was kept before it was noted when it was used.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct SessionV1 {
    /// SHA-256 of the token.
    pub token: [u8; 32],
    /// Whose session it is.
    pub account: AccountId,
    /// When it began.
    pub created_at: Time,
    /// When it ends whatever happens.
    pub expires_at: Time,
    /// Browser as it called itself, shortened.
    pub agent: String,
    /// Address it came from.
    pub address: String,
}

impl From<SessionV1> for Session {
    /// When it was used last is not known: as if it were shortly before its end, so that nobody is logged out by the new version.
    fn from(old: SessionV1) -> Self {
        let SessionV1 { token, account, created_at, expires_at, agent, address } = old;
        Self { token, account, created_at, expires_at, agent, address, seen_at: expires_at.plus(-IDLE_MILLIS) }
    }
}

impl Session {
    /// Whether it is good at `now`. `used`: when it was used last, as memory has it.
    pub fn stands(&self, account: &Account, used: Option<Time>, now: Time) -> bool {
        let seen = used.map_or(self.seen_at, |used| used.max(self.seen_at));
        !account.disabled
            && now < self.expires_at
            && self.created_at >= account.sessions_since
            && now.since(seen) < IDLE_MILLIS
    }

    /// What it is called in addresses: the beginning of the token's hash, which opens nothing.
    pub fn number(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.token;
        // Small enough for every program that reads it as a number.
        u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 11
    }
}

/// How long a session lasts.
pub const SESSION_MILLIS: i64 = 14 * crate::time::DAY;
/// After how long without use a session is over: a weekend, and no longer.
pub const IDLE_MILLIS: i64 = 3 * crate::time::DAY;
/// How exactly it is kept on disk when a session was used.
pub const SEEN_MILLIS: i64 = crate::time::HOUR;

/// Checks a login name: 3–32 of a–z, 0–9, `.`, `-`, `_`, beginning with a letter; returns it in lower case.
pub fn check_login(text: &str, problems: &mut Vec<Problem>) -> String {
    let login = text.trim().to_lowercase();
    let sound = (3..=32).contains(&login.len())
        && login.starts_with(|c: char| c.is_ascii_lowercase())
        && login.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_'));
    if !sound {
        problems.push(problem!("login", "Use 3 to 32 letters a–z, digits, dots or hyphens, beginning with a letter."));
    }
    login
}

/// How long the next attempt has to wait after `failures` failed ones in a row: nothing for the first four, then doubling from
/// one second up to fifteen minutes.
pub fn wait_after(failures: u32) -> i64 {
    if failures < 5 {
        return 0;
    }
    let doubled = SECOND.saturating_mul(1i64.checked_shl(failures - 5).filter(|n| *n > 0).unwrap_or(i64::MAX));
    doubled.min(15 * MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_names_are_plain() {
        let cases = [
            ("Admin", true),
            ("li.si-2", true),
            ("ab", false),
            ("2ab", false),
            ("张三", false),
            ("a b c", false),
            ("", false),
        ];
        for (login, sound) in cases {
            let mut problems = Vec::new();
            check_login(login, &mut problems);
            assert_eq!(problems.is_empty(), sound, "{login}");
        }
    }

    #[test]
    fn failures_slow_the_next_attempt_down() {
        let cases = [
            (0, 0),
            (4, 0),
            (5, SECOND),
            (6, 2 * SECOND),
            (10, 32 * SECOND),
            (15, 15 * MINUTE),
            (64, 15 * MINUTE),
            (u32::MAX, 15 * MINUTE),
        ];
        for (failures, wait) in cases {
            assert_eq!(wait_after(failures), wait, "{failures}");
        }
    }
}

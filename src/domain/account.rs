//! Staff accounts, their sessions and grants, and the rules for login names, passwords and slow-down after failures.

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
}

/// How long a session lasts.
pub const SESSION_MILLIS: i64 = 14 * crate::time::DAY;
/// Fewest characters of a password (NIST SP 800-63B asks for length, not for classes of characters).
pub const PASSWORD_MIN: usize = 10;
/// Most characters of a password; longer input is refused before it is hashed.
pub const PASSWORD_MAX: usize = 128;

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

/// Checks a new password against its rules; `login` and `name` must not be the password.
pub fn check_password(password: &str, login: &str, problems: &mut Vec<Problem>) {
    let length = password.chars().count();
    if length < PASSWORD_MIN {
        problems.push(problem!("password", "At least {min} characters; a short sentence is good.", min = PASSWORD_MIN));
    } else if length > PASSWORD_MAX {
        problems.push(problem!("password", "At most {max} characters.", max = PASSWORD_MAX));
    } else if is_easy(password, login) {
        problems.push(problem!("password", "This password is too easy to guess. Take a short sentence."));
    }
}

/// Repeated or running characters, or the login with little around it.
fn is_easy(password: &str, login: &str) -> bool {
    let lower: Vec<char> = password.to_lowercase().chars().collect();
    let distinct: std::collections::BTreeSet<char> = lower.iter().copied().collect();
    let running = lower.windows(2).filter(|pair| matches!(pair, [a, b] if (*b as i64 - *a as i64).abs() <= 1)).count();
    let bare: String = lower.iter().filter(|c| c.is_alphabetic()).collect();
    distinct.len() < 4
        || running * 10 >= lower.len() * 8
        || (!login.is_empty() && bare == login)
        || COMMON.contains(&bare.as_str())
}

/// What is left of the commonest passwords without their digits and signs.
const COMMON: &[&str] = &[
    "password",
    "passwort",
    "admin",
    "administrator",
    "qwertyuiop",
    "qwerty",
    "letmein",
    "welcome",
    "huiguan",
    "iloveyou",
    "woaini",
];

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
    fn easy_passwords_are_refused() {
        let cases = [
            ("correct horse battery", true),
            ("今天的晚宴在哪里举行", true),
            ("kX9#mQ2$vL", true),
            ("short", false),
            ("aaaaaaaaaaaa", false),
            ("1234567890", false),
            ("abcdefghijkl", false),
            ("Password2026!", false),
            ("secretary1!", false),
        ];
        for (password, sound) in cases {
            let mut problems = Vec::new();
            check_password(password, "secretary", &mut problems);
            assert_eq!(problems.is_empty(), sound, "{password}");
        }
        let mut problems = Vec::new();
        check_password(&"长".repeat(129), "a", &mut problems);
        assert_eq!(problems.len(), 1);
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

//! The second step of a log-in: codes by time (RFC 6238: SHA-1, six digits, thirty seconds, as every app makes them), each of them taken once,
//! and the recovery codes for whoever lost the app.

use crate::{AccountId, Refusal, Time, refuse, text::half_width, time::SECOND};
use rkyv::{Archive, Deserialize, Serialize};
use totp_rs::{Algorithm, Builder, Totp};

/// The second step of an account.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct SecondStep {
    /// Whose.
    pub account: AccountId,
    /// The secret that the app shares, sealed.
    pub secret: Vec<u8>,
    /// When the first code was typed; none: the secret was shown and nothing is asked for yet.
    pub since: Option<Time>,
    /// The number of the time step whose code was taken last: it and those before are worth nothing any more.
    pub taken: u64,
    /// What recovery codes are hashed with.
    pub salt: [u8; 16],
    /// Hashes of the recovery codes that were not used.
    pub recovery: Vec<String>,
}

impl SecondStep {
    /// Whether it is asked for.
    pub fn is_on(&self) -> bool {
        self.since.is_some()
    }
}

/// Who must have the second step.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Must {
    /// Everybody as they like.
    #[default]
    Nobody,
    /// Whoever manages accounts, settings or backups.
    Managers,
    /// Every account.
    Everybody,
}

impl Must {
    /// Every answer.
    pub const ALL: &[Self] = &[Self::Nobody, Self::Managers, Self::Everybody];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Managers => "managers",
            Self::Everybody => "everybody",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Nobody => "Nobody must: everybody as they like",
            Self::Managers => "Whoever manages accounts, settings or backups",
            Self::Everybody => "Every account",
        }
    }

    /// The answer of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|must| must.code() == code)
    }
}

/// The rule of a space: who must have the second step.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SecondRule {
    /// Who.
    pub must: Must,
}

/// Bytes of a secret (RFC 4226 recommends 160 bits).
pub const SECRET_BYTES: usize = 20;
/// Seconds of a time step.
pub const STEP_SECONDS: u64 = 30;
/// How many steps a clock may be off.
const SKEW: u16 = 1;
/// Digits of a code.
const DIGITS: usize = 6;
/// How many recovery codes there are.
pub const RECOVERY_CODES: usize = 10;
/// Random bytes of a recovery code.
pub const RECOVERY_BYTES: usize = 10;
/// Characters of a recovery code without its hyphens.
pub const RECOVERY_CHARS: usize = 16;
/// How long the second step of a log-in may take.
pub const STEP_MILLIS: i64 = 5 * crate::time::MINUTE;
/// Wrong codes after which the password is asked for again.
pub const TRIES_MAX: u32 = 5;

/// What somebody typed as the second step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// A code of the app.
    Code(String),
    /// A recovery code in its plain form.
    Recovery(String),
    /// Neither.
    Nonsense,
}

/// Reads what was typed: blanks, hyphens and full-width characters do not matter.
pub fn read(typed: &str) -> Typed {
    let plain: String = typed
        .chars()
        .take(64)
        .map(half_width)
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    if plain.len() == DIGITS && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return Typed::Code(plain);
    }
    if plain.len() == RECOVERY_CHARS && plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        // The codes have no such digits: whoever types one read a letter as it.
        return Typed::Recovery(plain.replace('0', "O").replace('1', "I").replace('8', "B"));
    }
    Typed::Nonsense
}

fn totp(secret: &[u8], issuer: &str, login: &str) -> Option<Totp> {
    // A colon would end the issuer's name in the address.
    let issuer: String = issuer.chars().filter(|c| *c != ':').collect();
    let builder = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(SKEW)
        .with_step_duration(STEP_SECONDS)
        .with_secret(secret.to_vec())
        .with_account_name(login)
        .with_issuer(Some(issuer.as_str()).filter(|issuer| !issuer.is_empty()));
    builder.build().ok()
}

/// The address that an app reads from the QR code.
pub fn address(secret: &[u8], issuer: &str, login: &str) -> Option<String> {
    totp(secret, issuer, login)?.to_url().ok()
}

/// The secret for whoever types it, in groups of four.
pub fn spelt(secret: &[u8]) -> String {
    let plain = totp_rs::Secret::new(secret.into()).to_base32();
    grouped(&plain)
}

/// A text in groups of four characters.
pub fn grouped(plain: &str) -> String {
    let chars: Vec<char> = plain.chars().collect();
    chars.chunks(4).map(|chunk| chunk.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// The number of the time step whose code this is, when it is one of now and was not taken before.
pub fn matched(secret: &[u8], code: &str, now: Time, taken: u64) -> Option<u64> {
    let seconds = u64::try_from(now.0.div_euclid(SECOND)).ok()?;
    totp(secret, "", "x")?.check(code, seconds).filter(|step| *step > taken)
}

/// The code of an instant, as the app shows it.
pub fn code_at(secret: &[u8], now: Time) -> Option<String> {
    let seconds = u64::try_from(now.0.div_euclid(SECOND)).ok()?;
    Some(totp(secret, "", "x")?.generate(seconds).to_string())
}

/// The refusal of a wrong code, or of one that was taken already.
pub fn wrong() -> Refusal {
    refuse!(Denied, "login.wrong_code", "This code is not right, or was used already. Wait for the next one.")
}

/// The refusal when the second step took too long, or too many tries.
pub fn over() -> Refusal {
    refuse!(Conflict, "login.step_over", "This took too long, or too many tries. Log in again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B of the RFC, the last six of its eight digits.
        let cases = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ];
        for (seconds, code) in cases {
            assert_eq!(code_at(SECRET, Time(seconds * SECOND)).as_deref(), Some(code), "{seconds}");
        }
    }

    #[test]
    fn a_code_counts_once_and_a_clock_may_be_one_step_off() {
        let at = |seconds: i64| Time(seconds * SECOND);
        let code = code_at(SECRET, at(1_000_000_000)).unwrap();
        let step = 1_000_000_000 / STEP_SECONDS;
        let cases = [
            (1_000_000_000, 0, Some(step)),
            (1_000_000_000 - 30, 0, Some(step)),
            (1_000_000_000 + 30, 0, Some(step)),
            (1_000_000_000 - 60, 0, None),
            (1_000_000_000 + 60, 0, None),
            (1_000_000_000, step, None),
            (1_000_000_000, step - 1, Some(step)),
            (-5, 0, None),
        ];
        for (seconds, taken, found) in cases {
            assert_eq!(matched(SECRET, &code, at(seconds), taken), found, "{seconds} {taken}");
        }
        assert_eq!(matched(SECRET, "000000", at(1_000_000_000), 0), None);
        assert_eq!(matched(b"short", &code, at(1_000_000_000), 0), None);
    }

    #[test]
    fn what_is_typed_is_a_code_or_a_recovery_code() {
        let cases = [
            ("123 456", Typed::Code("123456".into())),
            ("１２３４５６", Typed::Code("123456".into())),
            ("abcd-efgh-jk23-4567", Typed::Recovery("ABCDEFGHJK234567".into())),
            ("0bcd-1fgh-jk23-4568", Typed::Recovery("OBCDIFGHJK23456B".into())),
            ("12345", Typed::Nonsense),
            ("", Typed::Nonsense),
            ("1234567", Typed::Nonsense),
        ];
        for (typed, read_as) in cases {
            assert_eq!(read(typed), read_as, "{typed}");
        }
        assert_eq!(read(&"9".repeat(10_000)), Typed::Nonsense);
    }

    #[test]
    fn the_address_for_apps_names_the_association_and_the_login() {
        let address = address(SECRET, "青松: 协会", "li.si").unwrap();
        assert!(address.starts_with("otpauth://totp/"), "{address}");
        assert!(address.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ") && address.contains("li.si"), "{address}");
        assert!(address.contains("issuer=%E9%9D%92"), "{address}");
        assert_eq!(spelt(SECRET), "GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY3T-QOJQ");
    }
}

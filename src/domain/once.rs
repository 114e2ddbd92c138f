//! What is remembered of a request that must be done once, however often it is sent: the `Idempotency-Key` of the API.

use crate::{Time, time::DAY};
use rkyv::{Archive, Deserialize, Serialize};

/// A request that was done.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Hash of who asked and the key that came with the request.
    pub key: [u8; 32],
    /// Hash of what was asked.
    pub asked: [u8; 32],
    /// What was answered, sealed; none between the commit and the answer, or when the power was cut there.
    pub answer: Option<Vec<u8>>,
    /// How long it is remembered.
    pub until: Time,
}

/// How long a request is remembered.
pub const ONCE_MILLIS: i64 = DAY;
/// Fewest characters of a key that comes with a token: whoever guesses it must have the token too.
pub const KEY_MIN: usize = 8;
/// Fewest characters of a key that comes with no token. Then the key alone tells its sender from everybody else behind the same address, so it must be
/// too long to guess or to be met twice.
pub const KEY_MIN_ALONE: usize = 16;
/// Most characters of a key.
pub const KEY_MAX: usize = 128;

/// Whose a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOwner {
    /// Somebody who sent a token of ours, by its hash.
    Token([u8; 32]),
    /// Whoever knows the key, at the address with that hash.
    Alone([u8; 32]),
}

impl KeyOwner {
    /// Fewest characters of the owner's keys.
    pub fn key_min(self) -> usize {
        match self {
            Self::Token(_) => KEY_MIN,
            Self::Alone(_) => KEY_MIN_ALONE,
        }
    }

    /// What tells the owner from others.
    pub fn mark(self) -> [u8; 33] {
        let (first, hash) = match self {
            Self::Token(hash) => (1, hash),
            Self::Alone(hash) => (2, hash),
        };
        let mut mark = [first; 33];
        for (to, from) in mark.iter_mut().skip(1).zip(hash) {
            *to = from;
        }
        mark
    }
}

/// Whether a key may be used: printable ASCII without blanks, long enough for whose it is.
pub fn is_key(text: &str, owner: KeyOwner) -> bool {
    (owner.key_min()..=KEY_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_and_of_a_length() {
        let long = "x".repeat(KEY_MAX + 1);
        for (key, known, alone) in [
            ("0f8fad5b-d9cb-469f", true, true),
            ("0f8fad5b-d9cb-4", true, false),
            ("0f8fad5", false, false),
            ("a key of sixteen blanks", false, false),
            ("十六个字也不可以十六个字也不可以", false, false),
            (&long, false, false),
        ] {
            assert_eq!(is_key(key, KeyOwner::Token([0; 32])), known, "{key}");
            assert_eq!(is_key(key, KeyOwner::Alone([0; 32])), alone, "{key}");
        }
    }

    #[test]
    fn no_owner_is_another() {
        let all =
            [KeyOwner::Token([1; 32]), KeyOwner::Token([2; 32]), KeyOwner::Alone([1; 32]), KeyOwner::Alone([2; 32])];
        for (at, one) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| other.mark() == one.mark()), Some(at));
        }
    }
}

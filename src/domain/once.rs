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
/// Fewest characters of a key.
pub const KEY_MIN: usize = 8;
/// Most characters of a key.
pub const KEY_MAX: usize = 128;

/// Whether a key may be used: printable ASCII without blanks, long enough not to be met twice by chance.
pub fn is_key(text: &str) -> bool {
    (KEY_MIN..=KEY_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_and_of_a_length() {
        let long = "x".repeat(KEY_MAX + 1);
        for (key, sound) in [("0f8fad5b-d9cb-469f", true), ("short", false), ("with blank", false), (&long, false)] {
            assert_eq!(is_key(key), sound, "{key}");
        }
    }
}

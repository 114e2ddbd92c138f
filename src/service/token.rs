//! Opaque tokens for sessions, devices, pairing and ticket links: random, shown once, kept only as SHA-256.

use crate::ctx::Random;
use data_encoding::BASE32_NOPAD_VISUAL;
use ring::digest::{SHA256, digest};

/// A token of 160 random bits as 32 characters without look-alikes.
pub fn new(random: &dyn Random) -> String {
    let mut bytes = [0u8; 20];
    random.fill(&mut bytes);
    BASE32_NOPAD_VISUAL.encode(&bytes)
}

/// Whether a text has the form of a token of ours: nobody else sends the same.
pub fn is_one(text: &str) -> bool {
    let bare = text.strip_prefix(CLIENT).and_then(|rest| Some(rest.split_once('_')?.1)).unwrap_or(text);
    bare.len() == 32 && BASE32_NOPAD_VISUAL.decode(bare.as_bytes()).is_ok()
}

/// What the secrets of API clients begin with: programs that look through texts for secrets know them by it.
pub const CLIENT: &str = "hgc_";

/// A secret of an API client, and the part of it that people know it by: the mark stands between the prefix and a token.
pub fn client(random: &dyn Random) -> (String, String) {
    let mark = short(random);
    (format!("{CLIENT}{mark}_{}", new(random)), mark)
}

/// A code that a person types: eight characters of the same alphabet, 40 random bits; only for short-lived, rate-limited use.
pub fn short(random: &dyn Random) -> String {
    let mut bytes = [0u8; 5];
    random.fill(&mut bytes);
    BASE32_NOPAD_VISUAL.encode(&bytes)
}

/// What is kept of a token. Blanks and hyphens are dropped and letters made large, as people retype codes.
pub fn hash(token: &str) -> [u8; 32] {
    let canonical: String =
        token.chars().take(128).filter(|c| !matches!(c, ' ' | '-')).map(|c| c.to_ascii_uppercase()).collect();
    sha256(canonical.as_bytes())
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0u8; 32];
    for (to, from) in out.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

/// Sixteen bytes as they stand in a link.
pub fn link(bytes: &[u8; 16]) -> String {
    BASE32_NOPAD_VISUAL.encode(bytes)
}

/// A hash as text: for keys in memory, not for people.
pub(crate) fn link_of(hash: &[u8; 32]) -> String {
    BASE32_NOPAD_VISUAL.encode(hash)
}

/// The bytes of a link, if it is one.
pub fn read_link(text: &str) -> Option<[u8; 16]> {
    BASE32_NOPAD_VISUAL.decode(text.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::test::Dice;

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let dice = Dice::new(1);
        let (first, second) = (new(&dice), new(&dice));
        assert_eq!(first.len(), 32);
        assert_ne!(first, second);
        assert_ne!(hash(&first), hash(&second));
        assert!(is_one(&first) && !is_one("") && !is_one("token") && !is_one(&first[1..]) && !is_one(&"!".repeat(32)));
    }

    #[test]
    fn retyped_codes_are_the_same_code() {
        let code = short(&Dice::new(2));
        let (head, tail) = code.split_at(4);
        assert_eq!(hash(&format!("{} - {}", head.to_lowercase(), tail)), hash(&code));
        let bytes = [7u8; 16];
        assert_eq!(read_link(&link(&bytes)), Some(bytes));
        assert_eq!(read_link("nonsense"), None);
    }

    #[test]
    fn a_clients_secret_shows_what_it_is_and_its_mark_opens_nothing() {
        let (secret, mark) = client(&Dice::new(3));
        assert!(is_one(&secret) && secret.starts_with("hgc_") && secret.contains(&mark), "{mark}");
        let rest = secret.rsplit('_').next().unwrap();
        assert!(rest.len() == 32 && !rest.contains(&mark));
        for part in [&mark[..], &secret[..12], &secret[..secret.len() - 1], rest] {
            assert_ne!(hash(part), hash(&secret));
        }
    }
}

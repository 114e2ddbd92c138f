//! The method: what is hashed how, where the seed comes from, and how winners are picked from it without bias. Described for other
//! programs in `docs/draw.md`; whatever changes here changes there, with a new number of the method.

use chacha20::{
    ChaCha20,
    cipher::{KeyIvInit, StreamCipher},
};
use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// Number of the method that this file and `docs/draw.md` describe.
pub const METHOD: u32 = 1;
/// Turns that the secrets of one draw last for.
pub const TURNS_MAX: u32 = 4_096;
/// Most taps that go into one public value; more would not make it less predictable.
pub const TAPS_MAX: usize = 2_000;
/// Most characters of what was called from the floor.
pub const CALLED_MAX: usize = 40;

/// SHA-256 of parts, one behind the other.
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// SHA-256 of a label, a zero, and each part behind its length in four bytes, so that no two lists of parts look alike.
fn framed<'a>(label: &str, parts: impl IntoIterator<Item = &'a [u8]>) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(label.as_bytes());
    hasher.update([0]);
    for part in parts {
        hasher.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// What stands in the published list for one who takes part: nobody can tell whom without the salt.
pub fn entry(salt: &[u8; 16], text: &str) -> Hash {
    framed("huiguan-draw-entry-1", [salt.as_slice(), text.as_bytes()])
}

/// The hash of a list: of its entries in ascending order, one behind the other.
pub fn list_hash(entries: &[Hash]) -> Hash {
    sha256(&[entries.as_flattened()])
}

/// The secret of a turn, from 1 to [`TURNS_MAX`]; of turn 0 it is the commitment that is published beforehand. Each is the SHA-256
/// of the next one, so that the commitment binds them all and none tells a later one.
pub fn secret(root: &Hash, turn: u32) -> Option<Hash> {
    let steps = TURNS_MAX.checked_sub(turn)?;
    Some((0..steps).fold(*root, |kept, _| sha256(&[&kept])))
}

/// One who takes part pressed a key: the lucky number and eight bytes of the phone's chance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tap {
    /// Lucky number.
    pub number: String,
    /// What the phone threw in.
    pub value: [u8; 8],
}

/// What nobody controls alone: the text called from the floor, and the taps in the order they came.
pub fn public_value(called: &str, taps: &[Tap]) -> Hash {
    let taps = taps.iter().flat_map(|tap| [tap.number.as_bytes(), tap.value.as_slice()]);
    framed("huiguan-draw-public-1", std::iter::once(called.as_bytes()).chain(taps))
}

/// The seed of a turn.
pub fn seed(secret: &Hash, public: &Hash, list: &Hash, turn: u32) -> Hash {
    let turn = turn.to_be_bytes();
    framed("huiguan-draw-seed-1", [secret.as_slice(), public, list, &turn])
}

/// The hash of a line of the record: over the hash of the line before and the line's text.
pub fn line_hash(previous: &Hash, body: &str) -> Hash {
    framed("huiguan-draw-line-1", [previous.as_slice(), body.as_bytes()])
}

/// Numbers out of a ChaCha20 stream (RFC 8439) with the seed as key, nonce and counter zero.
struct Stream {
    cipher: ChaCha20,
    block: [u8; 64],
    used: usize,
}

impl Stream {
    fn new(seed: &Hash) -> Self {
        Self { cipher: ChaCha20::new(seed.into(), &[0; 12].into()), block: [0; 64], used: 64 }
    }

    /// The next four bytes of the stream, the lowest first.
    fn word(&mut self) -> u32 {
        if self.used >= self.block.len() {
            self.block = [0; 64];
            self.cipher.apply_keystream(&mut self.block);
            self.used = 0;
        }
        let bytes = self.block.get(self.used..self.used + 4).and_then(|bytes| bytes.try_into().ok());
        self.used += 4;
        u32::from_le_bytes(bytes.unwrap_or_default())
    }

    /// A number below `end`, each as likely: words beyond the last whole multiple of `end` are thrown away.
    fn below(&mut self, end: u32) -> u32 {
        let end = u64::from(end.max(1));
        let whole = (1u64 << 32) / end * end;
        loop {
            let word = u64::from(self.word());
            if word < whole {
                return u32::try_from(word % end).unwrap_or(0);
            }
        }
    }
}

/// The places in a list of `count` entries that win, in the order of their prizes: the first steps of a Fisher–Yates shuffle.
pub fn pick(seed: &Hash, count: u32, wanted: u32) -> Vec<u32> {
    let mut stream = Stream::new(seed);
    let mut order: Vec<u32> = (0..count).collect();
    let wanted = wanted.min(count);
    for at in 0..wanted {
        let other = at + stream.below(count - at);
        let wide = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
        order.swap(wide(at), wide(other));
    }
    order.truncate(usize::try_from(wanted).unwrap_or(0));
    order
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |at: u8| DIGITS.get(usize::from(at)).map_or('0', |digit| char::from(*digit));
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Bytes of a fixed number from hexadecimal digits.
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    for (at, to) in out.iter_mut().enumerate() {
        *to = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_rfc_8439() {
        // Appendix A.1, test vector 1: all zero.
        let mut stream = Stream::new(&[0; 32]);
        let words: Vec<u32> = (0..16).map(|_| stream.word()).collect();
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert_eq!(hex(&bytes[..16]), "76b8e0ada0f13d90405d6ae55386bd28");
        // Test vector 2: the block behind it.
        let next: Vec<u8> = (0..4).flat_map(|_| stream.word().to_le_bytes()).collect();
        assert_eq!(hex(&next), "9f07e7be5551387a98ba977c732d080d");
    }

    #[test]
    fn a_commitment_binds_every_turn_and_tells_none_before() {
        let root = [7; 32];
        let mut shown = secret(&root, 0).unwrap();
        for turn in 1..=3 {
            let told = secret(&root, turn).unwrap();
            assert_eq!(sha256(&[&told]), shown, "turn {turn}");
            shown = told;
        }
        assert_eq!(secret(&root, TURNS_MAX), Some(root));
        assert_eq!(secret(&root, TURNS_MAX + 1), None);
    }

    #[test]
    fn parts_that_run_together_are_told_apart() {
        let tap = |number: &str, value| Tap { number: number.into(), value };
        assert_ne!(public_value("12", &[tap("3", [0; 8])]), public_value("1", &[tap("23", [0; 8])]));
        assert_ne!(public_value("", &[tap("1", [1; 8])]), public_value("", &[tap("1", [2; 8])]));
        assert_ne!(entry(&[0; 16], "12"), entry(&[1; 16], "12"));
    }

    #[test]
    fn nobody_is_picked_twice_and_all_are_when_all_are_wanted() {
        for count in [0u32, 1, 2, 7, 100] {
            let mut picked = pick(&[9; 32], count, 1_000);
            picked.sort_unstable();
            assert_eq!(picked, (0..count).collect::<Vec<_>>());
        }
    }

    /// Chi-square over a million draws: each of 1,000 entries wins as often as chance allows, in the first place and in the third.
    #[test]
    fn a_million_draws_are_even() {
        const ENTRIES: usize = 1_000;
        const DRAWS: u32 = 1_000_000;
        let mut first = vec![0u32; ENTRIES];
        let mut third = vec![0u32; ENTRIES];
        let mut stream = Stream::new(&seed(&[1; 32], &[2; 32], &[3; 32], 4));
        for _ in 0..DRAWS {
            // The steps of `pick` over a list of a thousand, without writing the list out a million times.
            let mut moved: Vec<(u32, u32)> = Vec::with_capacity(3);
            let mut winners = [0u32; 3];
            for (at, winner) in (0u32..).zip(winners.iter_mut()) {
                let other = at + stream.below(ENTRIES as u32 - at);
                let value =
                    |place: u32| moved.iter().rev().find(|(kept, _)| *kept == place).map_or(place, |kept| kept.1);
                let (here, there) = (value(at), value(other));
                moved.push((other, here));
                *winner = there;
            }
            first[winners[0] as usize] += 1;
            third[winners[2] as usize] += 1;
        }
        for (name, counts) in [("first", first), ("third", third)] {
            let expected = f64::from(DRAWS) / ENTRIES as f64;
            let chi: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
            // 999 degrees of freedom: mean 999, deviation 44.7; beyond these ends lies less than one in ten thousand on either side.
            assert!((840.0..1_175.0).contains(&chi), "{name}: chi-square {chi}");
        }
    }

    /// The same through `pick` itself, with a seed of its own for every draw, where the bound does not divide the range of words.
    #[test]
    fn every_seed_picks_evenly() {
        const ENTRIES: u32 = 7;
        let mut counts = [0u32; 7];
        for turn in 0..70_000u32 {
            let seed = seed(&[5; 32], &[6; 32], &[7; 32], turn);
            counts[pick(&seed, ENTRIES, 1)[0] as usize] += 1;
        }
        let chi: f64 = counts.iter().map(|count| (f64::from(*count) - 10_000.0).powi(2) / 10_000.0).sum();
        // 6 degrees of freedom: beyond 27.9 lies one in ten thousand.
        assert!(chi < 27.9, "chi-square {chi}");
    }
}

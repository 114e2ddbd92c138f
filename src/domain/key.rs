//! The keys of the box: how the key file lists them, how a new one comes in and old ones go, and how far sealing anew has come. What is made with the keys
//! is not here.

use crate::Time;
use data_encoding::HEXLOWER;
use rkyv::{Archive, Deserialize, Serialize};
use std::fmt;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Most keys of a file: each turn adds one, and old ones are removed when nothing is sealed by them.
pub const KEYS_MAX: usize = 16;
/// Longest key file that is read.
pub const FILE_MAX: usize = 8 << 10;
/// First line of a file that lists several keys.
const HEAD: &str = "huiguan keys 1";

/// A key of the box.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NumberedKey {
    /// Its number; the first is 1, each new one has the next.
    pub number: u32,
    /// The key.
    pub key: [u8; KEY_BYTES],
    /// When it was made; zero: it is not known.
    pub made: Time,
}

impl fmt::Debug for NumberedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}", self.number)
    }
}

/// What was made from the first key and does not turn with it, because something outside of the box would not turn along.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    /// Key of keyed hashes: what the search index has of identity cards, names of repeated requests, handles of passkeys.
    pub tags: [u8; KEY_BYTES],
    /// Key of the names that files have in backups.
    pub names: [u8; KEY_BYTES],
    /// Seed of the key pair by which other computers let the box in by SFTP.
    pub ssh: [u8; KEY_BYTES],
}

impl fmt::Debug for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lasting keys")
    }
}

/// All keys of the box, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRing {
    newest: NumberedKey,
    older: Vec<NumberedKey>,
    lasting: Option<Lasting>,
}

impl From<[u8; KEY_BYTES]> for KeyRing {
    /// The ring of a box whose key never turned.
    fn from(key: [u8; KEY_BYTES]) -> Self {
        Self { newest: NumberedKey { number: 1, key, made: Time(0) }, older: Vec::new(), lasting: None }
    }
}

impl KeyRing {
    /// The key by which everything new is sealed.
    pub fn newest(&self) -> &NumberedKey {
        &self.newest
    }

    /// All keys, newest first.
    pub fn all(&self) -> impl Iterator<Item = &NumberedKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    /// How many keys are kept for what was sealed before.
    pub fn older(&self) -> usize {
        self.older.len()
    }

    /// What does not turn; none while the first key is the only one, from which it is made then.
    pub fn lasting(&self) -> Option<&Lasting> {
        self.lasting.as_ref()
    }

    /// Whether everything that `other` opens is opened by this one.
    pub fn holds(&self, other: &Self) -> bool {
        let known = |of: &NumberedKey| self.all().any(|own| (own.number, own.key) == (of.number, of.key));
        let same = match (&self.lasting, &other.lasting) {
            (Some(own), Some(of)) => own == of,
            // It is made from the first key, which both have.
            (_, None) => true,
            (None, Some(_)) => false,
        };
        same && other.all().all(known)
    }

    /// With a new key in front; none when there are too many. `lasting` is what the first key gave until now.
    pub fn turned(&self, key: [u8; KEY_BYTES], made: Time, lasting: Lasting) -> Option<Self> {
        if self.older.len() + 1 >= KEYS_MAX || self.all().any(|own| own.key == key) {
            return None;
        }
        let newest = NumberedKey { number: self.newest.number.checked_add(1)?, key, made };
        Some(Self { newest, older: self.all().copied().collect(), lasting: Some(self.lasting.unwrap_or(lasting)) })
    }

    /// The newest key alone.
    pub fn finished(&self) -> Self {
        Self { newest: self.newest, older: Vec::new(), lasting: self.lasting }
    }

    /// As the file has it. A box whose key never turned has the key alone, as every version of the program reads it.
    pub fn bytes(&self) -> Vec<u8> {
        let Some(lasting) = self.lasting.as_ref() else { return self.newest.key.to_vec() };
        let mut text = format!("{HEAD}\n");
        for key in self.all() {
            text.push_str(&format!("key {} {} {}\n", key.number, HEXLOWER.encode(&key.key), key.made.0));
        }
        for (name, key) in [("tags", &lasting.tags), ("names", &lasting.names), ("ssh", &lasting.ssh)] {
            text.push_str(&format!("{name} {}\n", HEXLOWER.encode(key)));
        }
        text.into_bytes()
    }

    /// Reads a key file, of one key or of several; the error says what is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        // A list that was cut off at that very length is no key.
        if let Ok(key) = <[u8; KEY_BYTES]>::try_from(bytes)
            && !bytes.starts_with(HEAD.as_bytes())
        {
            return Ok(key.into());
        }
        if bytes.len() > FILE_MAX {
            return Err("it is too long");
        }
        let wrong = "it must have 32 bytes, or list keys as `huiguan key rotate` writes them";
        let mut lines = std::str::from_utf8(bytes).map_err(|_| wrong)?.lines();
        if lines.next() != Some(HEAD) {
            return Err(wrong);
        }
        let hex = |text: &str| -> Option<[u8; KEY_BYTES]> { HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok() };
        let mut keys: Vec<NumberedKey> = Vec::new();
        let (mut tags, mut names, mut ssh) = (None, None, None);
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let unread = "a line of it cannot be read";
            match words.as_slice() {
                ["key", number, key, made] => keys.push(NumberedKey {
                    number: number.parse().map_err(|_| unread)?,
                    key: hex(key).ok_or(unread)?,
                    made: Time(made.parse().map_err(|_| unread)?),
                }),
                ["tags", key] => tags = Some(hex(key).ok_or(unread)?),
                ["names", key] => names = Some(hex(key).ok_or(unread)?),
                ["ssh", key] => ssh = Some(hex(key).ok_or(unread)?),
                _ => return Err(unread),
            }
        }
        let falling = keys.iter().zip(keys.iter().skip(1)).all(|(newer, older)| newer.number > older.number);
        if !falling || keys.len() > KEYS_MAX || keys.iter().any(|key| key.number == 0) {
            return Err("its keys are not in their order");
        }
        let (Some(tags), Some(names), Some(ssh)) = (tags, names, ssh) else { return Err("it is cut off") };
        let mut keys = keys.into_iter();
        let newest = keys.next().ok_or("there is no key in it")?;
        Ok(Self { newest, older: keys.collect(), lasting: Some(Lasting { tags, names, ssh }) })
    }
}

/// How far the box has come with its newest key; kept by the association, for the whole box.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct KeyTurn {
    /// Number of the newest key.
    pub number: u32,
    /// When the box took it up.
    pub began: Time,
    /// The newest group before anything was sealed by it: backups up to there hold the keys of before.
    pub sequence: u64,
    /// When everything was sealed by it.
    pub ended: Option<Time>,
    /// Values that were sealed anew.
    pub values: u64,
    /// When the recovery sheet was shown since.
    pub sheet: Option<Time>,
    /// When the old keys were removed.
    pub finished: Option<Time>,
}

impl KeyTurn {
    /// A turn that begins.
    pub fn begun(number: u32, began: Time, sequence: u64) -> Self {
        Self { number, began, sequence, ended: None, values: 0, sheet: None, finished: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTING: Lasting = Lasting { tags: [7; 32], names: [8; 32], ssh: [9; 32] };

    #[test]
    fn a_file_of_one_key_stays_as_it_was_and_one_of_several_reads_as_it_was_written() {
        let first = KeyRing::from([1; 32]);
        assert_eq!((first.bytes(), KeyRing::read(&[1; 32])), (vec![1; 32], Ok(first.clone())));
        let second = first.turned([2; 32], Time(5), LASTING).unwrap();
        let third = second.turned([3; 32], Time(6), Lasting { tags: [0; 32], ..LASTING }).unwrap();
        for ring in [&second, &third, &second.finished(), &third.finished()] {
            assert_eq!(KeyRing::read(&ring.bytes()).as_ref(), Ok(ring));
        }
        let numbers: Vec<u32> = third.all().map(|key| key.number).collect();
        assert_eq!((numbers, third.newest().number, third.older()), (vec![3, 2, 1], 3, 2));
        // What does not turn is of the first key for good.
        assert_eq!(third.finished().lasting(), Some(&LASTING));
        assert!(second.turned([1; 32], Time(7), LASTING).is_none(), "a key that was there is no new one");
        assert!(!format!("{third:?}").contains("03"));
    }

    #[test]
    fn a_ring_holds_what_it_opens() {
        let first = KeyRing::from([1; 32]);
        let second = first.turned([2; 32], Time(5), LASTING).unwrap();
        let done = second.finished();
        let other = KeyRing::from([4; 32]);
        for (of, what, holds) in [
            (&first, &first, true),
            (&second, &first, true),
            (&second, &done, true),
            (&done, &second, false),
            (&done, &first, false),
            (&first, &second, false),
            (&other, &first, false),
            (&second, &other, false),
        ] {
            assert_eq!(of.holds(what), holds, "{of:?} {what:?}");
        }
    }

    #[test]
    fn so_many_keys_are_kept_and_no_more() {
        let mut ring = KeyRing::from([0; 32]);
        for number in 1..KEYS_MAX {
            ring = ring.turned([number as u8; 32], Time(1), LASTING).unwrap();
        }
        assert_eq!(ring.all().count(), KEYS_MAX);
        assert!(ring.turned([99; 32], Time(1), LASTING).is_none());
        assert_eq!(KeyRing::read(&ring.bytes()), Ok(ring));
    }

    #[test]
    fn what_is_no_key_file_is_refused_and_never_half_read() {
        let ring = KeyRing::from([1; 32]).turned([2; 32], Time(5), LASTING).unwrap();
        let text = String::from_utf8(ring.bytes()).unwrap();
        for cut in 0..text.len() - 1 {
            assert!(KeyRing::read(&text.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
        for bad in [
            text.replace("key 2", "key 1"),
            text.replace("key 2", "key 0"),
            text.replace("tags", "tag"),
            text.replace("keys 1", "keys 2"),
            text.replace("key 1 0101", "key 1 01"),
            format!("{text}key 9 {} 0\n", "09".repeat(32)),
            format!("{text}x\n"),
            "x".repeat(FILE_MAX + 1),
        ] {
            assert!(KeyRing::read(bad.as_bytes()).is_err(), "{bad:.60}");
        }
    }
}

//! The lines of the published record: each a text of JSON, chained by hashes over the exact text.

use super::{Masking, method::Hash};
use crate::DrawId;
use rkyv::{Archive, Deserialize, Serialize};

/// One line of a draw's record. Lines are added, never changed.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The draw.
    pub draw: DrawId,
    /// Number from 0.
    pub seq: u32,
    /// Hash of this line.
    pub hash: Hash,
    /// What it says, as JSON; what the hash is of.
    pub body: String,
    /// File of who stands behind a frozen list; nobody else sees it.
    pub people: Option<Hash>,
}

/// What a line says.
#[derive(serde::Serialize, serde::Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(tag = "act", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Said {
    /// The record begins; all secrets are bound by the commitment.
    Open { method: u32, draw: u64, name: String, event: String, commitment: String },
    /// A list was frozen for prizes of a round.
    Freeze {
        turn: u32,
        round: u64,
        prize: String,
        level: String,
        mode: String,
        quantity: u32,
        places: Vec<u32>,
        count: u32,
        list: String,
    },
    /// The winners were picked.
    Draw {
        turn: u32,
        secret: String,
        called: String,
        taps: Vec<TapSaid>,
        public: String,
        seed: String,
        winners: Vec<Drawn>,
    },
    /// A turn was given up before its winners were picked.
    Cancel { turn: u32, secret: String, reason: String },
    /// Prizes were given without drawing.
    Assign { round: u64, prize: String, level: String, winners: Vec<Assigned> },
    /// A prize was taken back.
    Void { round: u64, place: u32, turn: u32, text: String, reason: String },
}

/// A tap: lucky number and value in hexadecimal digits.
pub type TapSaid = (String, String);

/// One drawn winner.
#[derive(serde::Serialize, serde::Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Drawn {
    /// Which of the round's prizes.
    pub place: u32,
    /// Place in the list, from 0.
    pub index: u32,
    /// Salt of the entry, so that everybody can check it.
    pub salt: String,
    /// What was hashed: the lucky number; or the table with the lucky numbers of its people.
    pub text: String,
    /// Name as it stands on the screen.
    pub name: String,
}

/// One winner who was named beforehand.
#[derive(serde::Serialize, serde::Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Assigned {
    /// Which of the round's prizes.
    pub place: u32,
    /// The lucky number.
    pub text: String,
    /// Name as it stands on the screen.
    pub name: String,
}

/// A line with its number, time and author around what it says.
#[derive(serde::Serialize, serde::Deserialize, Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    pub seq: u32,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Who did it.
    pub by: String,
    #[serde(flatten)]
    pub said: Said,
}

/// The text of a line; its hash is over this very text.
pub fn body(seq: u32, at: crate::Time, by: &str, said: &Said) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Body { seq, at: at.0, by: by.to_owned(), said: said.clone() })
}

/// Reads a line's text: its number, when, by whom, and what it says.
pub fn say(text: &str) -> Option<(u32, crate::Time, String, Said)> {
    let read: Body = serde_json::from_str(text).ok()?;
    Some((read.seq, crate::Time(read.at), read.by, read.said))
}

/// A name as the draw shows it.
pub fn masked(masking: Masking, name: &str) -> String {
    match masking {
        Masking::Full => name.to_owned(),
        Masking::Masked => super::masked_name(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Time;

    #[test]
    fn what_is_said_reads_back() {
        let said = Said::Void { round: 3, place: 1, turn: 2, text: "123456".into(), reason: "不在\"场\"".into() };
        let text = body(7, Time(5), "王秘书", &said).unwrap();
        assert_eq!(say(&text), Some((7, Time(5), "王秘书".into(), said)));
        assert!(text.starts_with("{\"seq\":7,\"at\":5,\"by\":\"王秘书\",\"act\":\"void\""), "{text}");
        assert_eq!(say("{}"), None);
    }
}

//! Anchors of the audit log: where each space's chain stood at an instant. Kept on the box and in its backups, they tell when lines that were
//! written before were written anew later.

use crate::{SpaceId, Time};
use data_encoding::HEXLOWER;
use rkyv::{Archive, Deserialize, Serialize};

/// Where the chains of all spaces stood.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct AuditAnchor {
    /// When.
    pub at: Time,
    /// Each space that had lines.
    pub heads: Vec<Head>,
}

/// Where a space's chain stood.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The space.
    pub space: SpaceId,
    /// The number of the line that was to come next.
    pub next: u64,
    /// The hash over everything before.
    pub hash: [u8; 32],
}

/// Anchors that are kept on the box, and in its backups: two years of days.
pub const ANCHORS_MAX: usize = 731;
/// Most spaces of one anchor that is read.
const HEADS_MAX: usize = 100_000;

impl AuditAnchor {
    /// As it stands in a backup: a line with the instant, then one for each space.
    pub fn text(&self) -> String {
        let head = |head: &Head| format!("{} {} {}\n", head.space, head.next, HEXLOWER.encode(&head.hash));
        let heads: String = self.heads.iter().map(head).collect();
        format!("{}\n{heads}", self.at.0)
    }

    /// Reads what [`Self::text`] wrote.
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let at = Time(lines.next()?.parse().ok()?);
        let head = |line: &str| {
            let mut words = line.split(' ');
            let space = SpaceId(words.next()?.parse().ok()?);
            let next = words.next()?.parse().ok()?;
            let hash = HEXLOWER.decode(words.next()?.as_bytes()).ok()?.try_into().ok()?;
            words.next().is_none().then_some(Head { space, next, hash })
        };
        let heads: Vec<Head> = lines.take(HEADS_MAX).map(head).collect::<Option<_>>()?;
        Some(Self { at, heads })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_reads_as_it_was_written_and_nothing_else_is_one() {
        let head = |space, next, hash| Head { space: SpaceId(space), next, hash: [hash; 32] };
        let anchor = AuditAnchor { at: Time(1_795_570_200_000), heads: vec![head(1, 57, 0xab), head(9, 2, 0)] };
        assert_eq!(AuditAnchor::read(&anchor.text()), Some(anchor.clone()));
        assert_eq!(AuditAnchor::read("5\n"), Some(AuditAnchor { at: Time(5), heads: Vec::new() }));
        let text = anchor.text();
        for bad in ["", "x\n", &text[..text.len() - 2], &text.replace("57", "-57"), &text.replace('\n', " 1\n")] {
            assert_eq!(AuditAnchor::read(bad), None, "{bad}");
        }
    }
}

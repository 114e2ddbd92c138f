//! Where a draw stands, who holds the wand, and which act leads from where to where.

use super::{REASON_MAX, method::Hash};
use crate::{By, DrawId, Refusal, RoundId, Time, refuse, time::MINUTE};
use rkyv::{Archive, Deserialize, Serialize};

/// What the screen shows.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The waiting wall.
    Waiting,
    /// A round and its prize.
    Ready,
    /// Names roll: the list is frozen, the public value is gathered.
    Rolling,
    /// The winners of the last turn.
    Shown,
    /// All winners.
    Wall,
}

impl Phase {
    /// Every phase.
    pub const ALL: &[Self] = &[Self::Waiting, Self::Ready, Self::Rolling, Self::Shown, Self::Wall];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Rolling => "rolling",
            Self::Shown => "shown",
            Self::Wall => "wall",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting wall",
            Self::Ready => "Prize shown",
            Self::Rolling => "Names are rolling",
            Self::Shown => "Winners shown",
            Self::Wall => "All winners",
        }
    }
}

/// What an operator does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Shows the waiting wall.
    Wait,
    /// Shows a round.
    Open(RoundId),
    /// Freezes the list and lets names roll, for the next prizes of the round that is shown.
    Start,
    /// The same for the prizes whose winners were all taken back.
    Redraw,
    /// Picks the winners; with what was called from the floor.
    Stop(String),
    /// Gives a turn up before its winners are picked.
    Cancel(String),
    /// Shows all winners.
    Wall,
}

/// Where an act leads; none where it stays.
pub fn next(phase: Phase, act: &Act) -> Result<Phase, Refusal> {
    let rolling = phase == Phase::Rolling;
    match act {
        Act::Stop(_) if rolling => Ok(Phase::Shown),
        Act::Cancel(_) if rolling => Ok(Phase::Ready),
        Act::Stop(_) | Act::Cancel(_) => {
            Err(refuse!(Conflict, "draw.not_rolling", "No names are rolling. Press start first."))
        }
        _ if rolling => Err(refuse!(Conflict, "draw.rolling", "Names are rolling. Press stop first.")),
        Act::Wait => Ok(Phase::Waiting),
        Act::Open(_) => Ok(Phase::Ready),
        Act::Wall => Ok(Phase::Wall),
        Act::Start | Act::Redraw if matches!(phase, Phase::Ready | Phase::Shown) => Ok(Phase::Rolling),
        Act::Start | Act::Redraw => Err(refuse!(Conflict, "draw.no_round", "Choose a round first.")),
    }
}

/// A list that names roll over.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The turn.
    pub turn: u32,
    /// The prizes it is for.
    pub places: Vec<u32>,
    /// Hash of the list, which is the name of its file.
    pub list: Hash,
    /// File of who stands behind each entry; nobody else sees it.
    pub people: Hash,
    /// Entries.
    pub count: u32,
}

/// Where a draw stands.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The draw.
    pub draw: DrawId,
    /// What the screen shows.
    pub phase: Phase,
    /// The round that is shown.
    pub round: Option<RoundId>,
    /// The last turn that was begun.
    pub turn: u32,
    /// What names roll over.
    pub frozen: Option<Frozen>,
    /// The last turn whose winners are known, 0 for none. An assignment has the number of the turn before it.
    pub shown: u32,
    /// Winners that are shown: first and last number.
    pub winners: (u32, u32),
    /// Number of the next line of the record.
    pub lines: u32,
    /// Hash of the newest line.
    pub head: Hash,
    /// Number of the next win.
    pub wins: u32,
    /// The commitment that was published at the beginning.
    pub commitment: Hash,
    /// Who may press.
    pub wand: Option<Wand>,
    /// Raised by every change of this record: whoever acts must have seen the newest.
    pub version: u64,
}

/// Who may press.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Wand {
    /// The draw.
    pub draw: DrawId,
    /// Who holds it.
    pub by: By,
    /// Name of whoever holds it.
    pub name: String,
    /// Since when.
    pub since: Time,
    /// When it is free again if nothing is pressed.
    pub until: Time,
    /// From whom it was taken, if it was.
    pub taken_from: String,
}

/// How long a wand is held without pressing anything.
const HELD: i64 = 10 * MINUTE;

impl Wand {
    /// Whether somebody else holds it now.
    pub fn is_held_by_other(&self, by: By, now: Time) -> bool {
        self.by != by && now < self.until
    }

    /// The wand in the hand of `by`: kept, or taken from whoever has it.
    pub fn taken(old: Option<&Self>, draw: DrawId, by: By, name: &str, now: Time) -> Self {
        let until = now.plus(HELD);
        match old {
            Some(kept) if kept.by == by => Self { until, ..kept.clone() },
            Some(kept) => {
                let from = if now < kept.until { kept.name.clone() } else { String::new() };
                Self { draw, by, name: name.to_owned(), since: now, until, taken_from: from }
            }
            None => Self { draw, by, name: name.to_owned(), since: now, until, taken_from: String::new() },
        }
    }
}

/// A reason as it is kept: one line, cut to its limit.
pub fn reason(text: &str) -> String {
    crate::text::line(text).chars().take(REASON_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AccountId;

    #[test]
    fn acts_lead_where_the_table_says() {
        use Phase::{Ready, Rolling, Shown, Waiting, Wall};
        let acts = [
            Act::Wait,
            Act::Open(RoundId(1)),
            Act::Start,
            Act::Redraw,
            Act::Stop(String::new()),
            Act::Cancel(String::new()),
            Act::Wall,
        ];
        let (rolling, no_round, not_rolling) = (Err("draw.rolling"), Err("draw.no_round"), Err("draw.not_rolling"));
        let stay = |to| [Ok(Waiting), Ok(Ready), to, to, not_rolling, not_rolling, Ok(Wall)];
        let table = [
            (Waiting, stay(no_round)),
            (Ready, stay(Ok(Rolling))),
            (Shown, stay(Ok(Rolling))),
            (Wall, stay(no_round)),
            (Rolling, [rolling, rolling, rolling, rolling, Ok(Shown), Ok(Ready), rolling]),
        ];
        for (from, expected) in table {
            for (act, expected) in acts.iter().zip(expected) {
                assert_eq!(next(from, act).map_err(|refusal| refusal.code), expected, "{from:?} {act:?}");
            }
        }
    }

    #[test]
    fn a_wand_is_one_persons_until_it_is_taken_or_put_down() {
        let (one, other) = (By::Account(AccountId(1)), By::Account(AccountId(2)));
        let wand = Wand::taken(None, DrawId(1), one, "甲", Time(0));
        assert!(wand.is_held_by_other(other, Time(1)) && !wand.is_held_by_other(one, Time(1)));
        assert!(!wand.is_held_by_other(other, Time(HELD)), "it is free after a while");
        let taken = Wand::taken(Some(&wand), DrawId(1), other, "乙", Time(5));
        assert_eq!((taken.by, taken.taken_from.as_str()), (other, "甲"), "and everybody sees from whom");
        let kept = Wand::taken(Some(&taken), DrawId(1), other, "乙", Time(9));
        assert_eq!((kept.since, kept.until), (Time(5), Time(9 + HELD)));
        assert_eq!(Wand::taken(Some(&wand), DrawId(1), other, "乙", Time(HELD + 1)).taken_from, "");
    }
}

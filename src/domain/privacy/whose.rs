//! Whose fields a line of the access log is about: a few people, each found by an index, or a whole file's, kept as runs of numbers.

use crate::PersonId;
use rkyv::{Archive, Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most people of a line that each of them is found by; what a page shows stays below, files have more.
const EACH_MAX: usize = 100;
/// Most runs of one line; more make more lines.
const RUNS_MAX: usize = 5_000;

/// People whose numbers follow one another.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The lowest number.
    pub first: PersonId,
    /// How many more there are.
    pub more: u32,
}

impl Run {
    fn last(self) -> u64 {
        self.first.0.saturating_add(u64::from(self.more))
    }

    fn people(self) -> impl Iterator<Item = PersonId> {
        (self.first.0..=self.last()).map(PersonId)
    }
}

/// Whose fields were seen.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// A few.
    Each(Vec<PersonId>),
    /// Many: runs, the lowest number first. An index entry for each of them would make a large store of a small list that is exported daily.
    Many(Vec<Run>),
}

impl Whose {
    /// What lines of these people say: one for a few or none, and as many as it takes for many.
    pub fn lines(people: &BTreeSet<PersonId>) -> Vec<Self> {
        if people.len() <= EACH_MAX {
            return vec![Self::Each(people.iter().copied().collect())];
        }
        let mut runs: Vec<Run> = Vec::new();
        for person in people {
            match runs.last_mut() {
                Some(run) if run.last().checked_add(1) == Some(person.0) && run.more < u32::MAX => run.more += 1,
                _ => runs.push(Run { first: *person, more: 0 }),
            }
        }
        runs.chunks(RUNS_MAX).map(|runs| Self::Many(runs.to_vec())).collect()
    }

    /// Whether somebody is among them.
    pub fn contains(&self, person: PersonId) -> bool {
        match self {
            Self::Each(people) => people.contains(&person),
            Self::Many(runs) => {
                let behind = runs.partition_point(|run| run.first <= person);
                let run = behind.checked_sub(1).and_then(|at| runs.get(at));
                run.is_some_and(|run| person.0 <= run.last())
            }
        }
    }

    /// Everybody, the lowest number first.
    pub fn people(&self) -> impl Iterator<Item = PersonId> + '_ {
        let (each, runs) = match self {
            Self::Each(people) => (&people[..], &[][..]),
            Self::Many(runs) => (&[][..], &runs[..]),
        };
        each.iter().copied().chain(runs.iter().flat_map(|run| run.people()))
    }

    /// How many they are.
    pub fn count(&self) -> u64 {
        match self {
            Self::Each(people) => people.len() as u64,
            Self::Many(runs) => runs.iter().map(|run| u64::from(run.more) + 1).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(people: impl IntoIterator<Item = u64>) -> BTreeSet<PersonId> {
        people.into_iter().map(PersonId).collect()
    }

    #[test]
    fn lines_say_exactly_whose_they_are() {
        let most = EACH_MAX as u64;
        let runs = RUNS_MAX as u64;
        // People, lines, runs of all lines.
        let cases = [
            (set([]), 1, 0),
            (set([7]), 1, 0),
            (set(1..=most), 1, 0),
            (set(1..=most + 1), 1, 1),
            (set((1..=20_000).filter(|person| person % 1_000 != 0)), 1, 20),
            (set((1..=2 * runs).map(|person| person * 2)), 2, 2 * runs),
            (set((1..=2 * runs + 1).map(|person| person * 2)), 3, 2 * runs + 1),
            (set((0..most).chain([u64::MAX - 1, u64::MAX])), 1, 2),
        ];
        for (people, lines, runs) in cases {
            let told = Whose::lines(&people);
            assert_eq!(told.len(), lines);
            let kept: u64 =
                told.iter().map(|whose| if let Whose::Many(runs) = whose { runs.len() as u64 } else { 0 }).sum();
            assert_eq!(kept, runs);
            assert!(told.iter().flat_map(Whose::people).eq(people.iter().copied()));
            assert_eq!(told.iter().map(Whose::count).sum::<u64>(), people.len() as u64);
            let near =
                people.iter().flat_map(|person| [person.0.saturating_sub(1), person.0, person.0.saturating_add(1)]);
            for person in near.map(PersonId) {
                assert_eq!(told.iter().any(|whose| whose.contains(person)), people.contains(&person), "{person:?}");
            }
        }
    }
}

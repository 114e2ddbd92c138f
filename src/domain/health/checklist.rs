//! What of the lines is left to be done, and what was taken off the list.

use super::{Check, Level, Line};
use rkyv::{Archive, Deserialize, Serialize};

/// What the administrator wants to see no more on the first page; one for the whole box.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq, Default)]
pub struct Checklist {
    /// Codes of checks.
    pub dismissed: Vec<String>,
}

impl Checklist {
    /// What is left to be done: everything that is not in order, the worst first. What was dismissed comes back when it gets bad.
    pub fn left(&self, lines: Vec<Line>) -> Vec<Line> {
        let is_left = |line: &Line| match line.finding.level() {
            Level::Good => false,
            Level::Warn => !self.dismissed.iter().any(|code| code == line.finding.check().code()),
            Level::Bad => true,
        };
        let mut left: Vec<Line> = lines.into_iter().filter(is_left).collect();
        left.sort_by_key(|line| std::cmp::Reverse(line.finding.level()));
        left
    }

    /// With one more dismissed.
    pub fn without(&self, check: Check) -> Self {
        let mut dismissed = self.dismissed.clone();
        if !dismissed.iter().any(|code| code == check.code()) {
            dismissed.push(check.code().to_owned());
        }
        Self { dismissed }
    }
}

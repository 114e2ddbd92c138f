//! The first days of a hall: the steps that its first administrator is led through, where one left off, and what is still left of those that were passed.

use crate::{AccountId, Permission, Time};
use rkyv::{Archive, Deserialize, Serialize};

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Step {
    Language,
    Association,
    Zone,
    Second,
    Certificate,
    Backup,
    Tunnel,
    Wechat,
}

impl Step {
    /// All steps, in their order.
    pub const ALL: &[Self] = &[
        Self::Language,
        Self::Association,
        Self::Zone,
        Self::Second,
        Self::Certificate,
        Self::Backup,
        Self::Tunnel,
        Self::Wechat,
    ];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Language => "language",
            Self::Association => "association",
            Self::Zone => "zone",
            Self::Second => "second",
            Self::Certificate => "certificate",
            Self::Backup => "backup",
            Self::Tunnel => "tunnel",
            Self::Wechat => "wechat",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Language => "Language",
            Self::Association => "Association",
            Self::Zone => "Time zone",
            Self::Second => "Second step or passkey",
            Self::Certificate => "Encrypted connections",
            Self::Backup => "Backups",
            Self::Tunnel => "Tunnel",
            Self::Wechat => "WeChat and WeCom",
        }
    }

    /// English source text of why it is worth a minute.
    pub fn why(self) -> &'static str {
        match self {
            Self::Language => {
                "In which language do you read these pages? Everybody chooses for themselves, at any time."
            }
            Self::Association => {
                "The name stands on tickets and messages; a short name and a logo stand in the head of every page."
            }
            Self::Zone => "Days and hours of events are of this zone.",
            Self::Second => {
                "Your account may do everything. With a second step or a passkey, a password that somebody saw opens nothing."
            }
            Self::Certificate => {
                "Phones let pages use the camera, and terminals go on without the network, only where the connection is encrypted."
            }
            Self::Backup => {
                "Name a folder on another disk or computer, and print the recovery sheet. When this box breaks, another one takes over with it."
            }
            Self::Tunnel => "Only needed when people outside of your network register by themselves.",
            Self::Wechat => "Only needed for notices, log-in and payment through WeChat.",
        }
    }

    /// Where it is done.
    pub fn href(self) -> &'static str {
        match self {
            Self::Language => "/admin/start/language",
            Self::Association => "/admin/start/association",
            Self::Zone => "/admin/start/zone",
            Self::Second => "/admin/session",
            Self::Certificate => "/admin/start/certificate",
            Self::Backup => "/admin/backup",
            Self::Tunnel => "/admin/tunnel",
            Self::Wechat => "/admin/wechat",
        }
    }

    /// Who may do it; none: everybody for themselves.
    pub fn permission(self) -> Option<Permission> {
        match self {
            Self::Language | Self::Second => None,
            Self::Association | Self::Zone | Self::Wechat => Some(Permission::SpaceManage),
            Self::Certificate | Self::Backup | Self::Tunnel => Some(Permission::BackupManage),
        }
    }

    /// The step of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|step| step.code() == code)
    }

    /// The steps of whoever may do what `holds` says.
    pub fn of(holds: impl Fn(Permission) -> bool) -> Vec<Self> {
        Self::ALL.iter().copied().filter(|step| step.permission().is_none_or(&holds)).collect()
    }
}

/// How somebody leaves a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It was done, or looked at.
    On,
    /// It is left for later.
    Skip,
    /// Once more to the one before.
    Back,
    /// All of it is left for later.
    End,
}

impl Way {
    /// The way of that code.
    pub fn parse(code: &str) -> Option<Self> {
        match code {
            "on" => Some(Self::On),
            "skip" => Some(Self::Skip),
            "back" => Some(Self::Back),
            "end" => Some(Self::End),
            _ => None,
        }
    }

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Skip => "skip",
            Self::Back => "back",
            Self::End => "end",
        }
    }
}

/// Where the first administrator is. Only halls that were set up with these steps have one.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Whose steps they are.
    pub account: AccountId,
    /// Code of the step that comes next.
    pub at: String,
    /// Codes of steps that were passed and are not wanted on the overview.
    pub spared: Vec<String>,
    /// When the last one was left.
    pub ended: Option<Time>,
}

/// A step among those that somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The step.
    pub step: Step,
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub count: usize,
}

impl Start {
    /// At the first step.
    pub fn new(account: AccountId) -> Self {
        Self { account, at: Step::Language.code().to_owned(), spared: Vec::new(), ended: None }
    }

    /// The step that is due, of those that are seen; none: it is over.
    pub fn place(&self, seen: &[Step]) -> Option<Place> {
        if self.ended.is_some() {
            return None;
        }
        // One whose right was taken away meanwhile is passed over.
        let at = Step::parse(&self.at).unwrap_or(Step::Language);
        let index = seen.iter().position(|step| *step >= at)?;
        seen.get(index).map(|step| Place { step: *step, number: index + 1, count: seen.len() })
    }

    /// Leaves a step; none where somebody did so meanwhile and another one is due.
    pub fn left_by(&self, step: Step, way: Way, seen: &[Step], now: Time) -> Option<Self> {
        let place = self.place(seen).filter(|place| place.step == step)?;
        let index = place.number - 1;
        let next = match way {
            Way::On | Way::Skip => seen.get(index + 1),
            Way::Back => seen.get(index.saturating_sub(1)),
            Way::End => None,
        };
        Some(match next {
            Some(next) => Self { at: next.code().to_owned(), ..self.clone() },
            None => Self { ended: Some(now), ..self.clone() },
        })
    }

    /// The steps that were passed, are not done as `done` says, and are still wanted.
    pub fn left(&self, seen: &[Step], done: impl Fn(Step) -> bool) -> Vec<Step> {
        let due = self.place(seen).map(|place| place.step);
        let passed = |step: &&Step| due.is_none_or(|due| **step < due);
        let wanted = |step: &&Step| !self.spared.iter().any(|code| code == step.code());
        seen.iter().filter(passed).filter(wanted).copied().filter(|step| !done(*step)).collect()
    }

    /// Without a step on the overview.
    pub fn without(&self, step: Step) -> Self {
        let mut after = self.clone();
        if !after.spared.iter().any(|code| code == step.code()) {
            after.spared.push(step.code().to_owned());
        }
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(7);

    fn all() -> Vec<Step> {
        Step::of(|_| true)
    }

    #[test]
    fn steps_have_codes_and_pages_of_their_own() {
        for step in Step::ALL {
            assert_eq!(Step::parse(step.code()), Some(*step));
            let same = Step::ALL.iter().filter(|other| other.href() == step.href() || other.code() == step.code());
            assert_eq!(same.count(), 1, "{step:?}");
        }
        for way in [Way::On, Way::Skip, Way::Back, Way::End] {
            assert_eq!(Way::parse(way.code()), Some(way));
        }
        assert_eq!((Step::parse("x"), Way::parse("")), (None, None));
    }

    #[test]
    fn somebody_goes_through_all_steps_and_back() {
        let (seen, mut start) = (all(), Start::new(AccountId(1)));
        for (index, step) in Step::ALL.iter().enumerate() {
            assert_eq!(start.place(&seen), Some(Place { step: *step, number: index + 1, count: 8 }));
            let back = start.left_by(*step, Way::Back, &seen, NOW).unwrap();
            assert_eq!(back.place(&seen).unwrap().number, index.max(1), "the first one has none before it");
            let way = if index % 2 == 0 { Way::On } else { Way::Skip };
            start = start.left_by(*step, way, &seen, NOW).unwrap();
        }
        assert_eq!((start.place(&seen), start.ended), (None, Some(NOW)));
        assert_eq!(start.left_by(Step::Wechat, Way::Back, &seen, NOW), None, "it is over");
    }

    #[test]
    fn who_presses_twice_goes_one_step() {
        let (seen, start) = (all(), Start::new(AccountId(1)));
        let once = start.left_by(Step::Language, Way::On, &seen, NOW).unwrap();
        for way in [Way::On, Way::Skip, Way::Back, Way::End] {
            assert_eq!(once.left_by(Step::Language, way, &seen, NOW), None, "{way:?}");
        }
        assert_eq!(start.left_by(Step::Backup, Way::On, &seen, NOW), None, "nor is a step jumped to");
    }

    #[test]
    fn steps_that_somebody_may_not_do_are_not_theirs() {
        let seen = Step::of(|permission| permission == Permission::SpaceManage);
        assert_eq!(seen, [Step::Language, Step::Association, Step::Zone, Step::Second, Step::Wechat]);
        let start = Start { at: "backup".into(), ..Start::new(AccountId(1)) };
        assert_eq!(start.place(&seen).map(|place| (place.step, place.number, place.count)), Some((Step::Wechat, 5, 5)));
        let none = Step::of(|_| false);
        assert_eq!((none.as_slice(), start.place(&none)), ([Step::Language, Step::Second].as_slice(), None));
        let damaged = Start { at: "?".into(), ..start };
        assert_eq!(damaged.place(&seen).map(|place| place.number), Some(1));
    }

    #[test]
    fn what_was_passed_and_is_not_done_is_left_until_it_is_or_is_not_wanted() {
        let seen = all();
        let start = Start { at: "tunnel".into(), ..Start::new(AccountId(1)) };
        let done = |step: Step| matches!(step, Step::Language | Step::Association | Step::Zone);
        assert_eq!(start.left(&seen, done), [Step::Second, Step::Certificate, Step::Backup]);
        let ended = Start { ended: Some(NOW), ..start };
        assert_eq!(ended.left(&seen, done).len(), 5);
        let spared = ended.without(Step::Wechat).without(Step::Wechat);
        assert_eq!(spared.spared, ["wechat"]);
        assert_eq!(
            spared.left(&seen, |step| done(step) || step == Step::Backup),
            [Step::Second, Step::Certificate, Step::Tunnel]
        );
    }
}

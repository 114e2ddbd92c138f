//! Backups: where and when, what the pieces in the target folder are called, which of them are kept, and which bring back an instant.

use crate::{
    Refusal, Time, problem,
    text::Form,
    time::{DAY, MINUTE},
};
use jiff::{civil::DateTime, tz::TimeZone};
use rkyv::{Archive, Deserialize, Serialize};
use std::collections::BTreeSet;

pub mod alert;
mod home;
pub use home::Home;

/// Where and when the box backs itself up; one for the whole box, kept by the association.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct BackupPlan {
    /// Whether the clock makes backups.
    pub on: bool,
    /// Folder, from the root, that stands on another disk, or the address of one on another computer ([`Home`]); the box keeps a folder of its
    /// own in it.
    pub folder: String,
    /// Name of that folder. A restored hall gets a new one, so that two histories never mix.
    pub line: String,
    /// Local hour of the full backup of each day, 0 to 23.
    pub hour: u8,
    /// Minutes between the parts that come after a full one; 0 for none.
    pub minutes: u16,
    /// How many are kept.
    pub keep: Keep,
    /// Public half of the recovery key (age, X25519).
    pub recipient: String,
    /// The recovery key itself, sealed.
    pub sealed: Vec<u8>,
    /// Who else can open backups, one public key (age) each.
    pub others: Vec<String>,
    /// Raised by each change; a form that was opened on an older one is refused.
    pub revision: u32,
}

/// How many backups are kept.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// The newest of each of so many days; parts are kept as long.
    pub days: u16,
    /// The newest of each of so many weeks.
    pub weeks: u16,
    /// The newest of each of so many months.
    pub months: u16,
}

impl Default for Keep {
    fn default() -> Self {
        Self { days: 7, weeks: 5, months: 12 }
    }
}

/// Who the box is at another computer that keeps its backups.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct BackupAccess {
    /// Name of the user, or the access key.
    pub user: String,
    /// The password, or the secret of the access key; sealed.
    pub sealed: Vec<u8>,
}

/// Longest name of a user or access key.
pub const USER_MAX: usize = 200;
/// Longest password or secret.
pub const SECRET_MAX: usize = 500;
/// Most days, weeks or months.
pub const KEEP_MAX: u16 = 400;
/// Longest folder name.
pub const FOLDER_MAX: usize = 400;
/// Most further public keys.
pub const OTHERS_MAX: usize = 5;
/// Shortest passphrase, in characters.
pub const PASSPHRASE_MIN: usize = 12;
/// Longest passphrase, in characters.
pub const PASSPHRASE_MAX: usize = 200;
/// Choices of minutes between parts.
pub const MINUTES: &[u16] = &[0, 1, 5, 15, 60];
/// A backup that is older is something to worry about: a day with some hours for a box that was off.
pub const OLD_MILLIS: i64 = 36 * crate::time::HOUR;
/// How long after a failure the clock tries again.
pub const AGAIN_MILLIS: i64 = 15 * MINUTE;

/// A full backup that was made, or tried.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct BackupRun {
    /// Number.
    pub id: crate::BackupRunId,
    /// When it began.
    pub began: Time,
    /// When it ended.
    pub ended: Time,
    /// The newest group in it.
    pub sequence: u64,
    /// Bytes of the archive.
    pub bytes: u64,
    /// Files beside the records: how many there are, and how many had to be copied.
    pub files: (u32, u32),
    /// Records that were counted when it was restored for a trial.
    pub records: u64,
    /// What went wrong.
    pub trouble: Option<Trouble>,
}

/// What went wrong.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The folder is not there: a disk that is not plugged in, or a folder that somebody removed.
    Gone,
    /// Its disk is full.
    Full,
    /// The key opens nothing here.
    WrongKey,
    /// What was written does not prove to be whole.
    Unsound(String),
    /// Anything else.
    Other(String),
    /// The other computer does not let the box in.
    Denied(String),
    /// The other computer cannot be reached, or broke off.
    Away(String),
}

impl Trouble {
    /// English source text: what happened and what to do.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Gone => {
                "The folder is not there. Is the disk plugged in? If it is a new disk, save the settings once more."
            }
            Self::Full => "The disk of the backups is full. Make room on it, or keep fewer backups.",
            Self::WrongKey => "The recovery key does not open the backups in this folder.",
            Self::Unsound(_) => {
                "What was written could not be restored for a trial, so it was removed. Is the disk failing?"
            }
            Self::Other(_) => "The backup could not be made.",
            Self::Denied(_) => {
                "The other computer does not let the box in. Check the name, the password and what they allow."
            }
            Self::Away(_) => {
                "The other computer cannot be reached, or broke off. It is tried again in a quarter of an hour."
            }
        }
    }

    /// What the system said.
    pub fn detail(&self) -> &str {
        match self {
            Self::Gone | Self::Full | Self::WrongKey => "",
            Self::Unsound(detail) | Self::Other(detail) | Self::Denied(detail) | Self::Away(detail) => detail,
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.detail() {
            "" => f.write_str(self.label()),
            detail => write!(f, "{} ({detail})", self.label()),
        }
    }
}

/// Runs that are kept.
pub const RUNS_MAX: u64 = 400;

/// What a form says.
#[derive(Debug, Clone, Default)]
pub struct PlanInput {
    /// Whether the clock makes backups.
    pub on: bool,
    /// Folder.
    pub folder: String,
    /// Name at another computer.
    pub user: String,
    /// Password there; empty: the one that is there.
    pub secret: String,
    /// Hour.
    pub hour: String,
    /// Minutes between parts.
    pub minutes: String,
    /// Days, weeks, months.
    pub keep: [String; 3],
    /// Public keys, one a line.
    pub others: String,
    /// A passphrase, typed twice; empty: none, or the one that is there.
    pub passphrase: (String, String),
    /// Revision that the form was opened on.
    pub revision: u32,
}

/// What a form says, checked; whether keys are keys is asked elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Whether the clock makes backups.
    pub on: bool,
    /// Where.
    pub home: Home,
    /// Name and password at another computer; an empty password: the one that is there.
    pub access: Option<(String, String)>,
    /// Hour.
    pub hour: u8,
    /// Minutes between parts.
    pub minutes: u16,
    /// How many are kept.
    pub keep: Keep,
    /// Public keys.
    pub others: Vec<String>,
    /// The new passphrase.
    pub passphrase: Option<String>,
}

impl PlanInput {
    /// Checks the form.
    pub fn check(&self) -> Result<Planned, Refusal> {
        let mut form = Form::default();
        let folder = form.required("folder", &self.folder, FOLDER_MAX);
        let home = Home::parse(&folder).unwrap_or_else(|problem| {
            if !folder.is_empty() {
                form.wrong(problem);
            }
            Home::Folder(folder.clone())
        });
        let access = (home.is_away()).then(|| {
            let user = form.required("user", &self.user, USER_MAX);
            if user.contains(':') && matches!(home, Home::Dav { .. }) {
                form.wrong(problem!("user", "A name here must not hold a colon."));
            }
            form.at_most("secret", &self.secret, SECRET_MAX);
            (user, self.secret.clone())
        });
        let hour = self.hour.trim().parse::<u8>().ok().filter(|hour| *hour < 24);
        if hour.is_none() {
            form.wrong(problem!("hour", "Give an hour from 0 to 23."));
        }
        let minutes = self.minutes.trim().parse::<u16>().ok().filter(|minutes| MINUTES.contains(minutes));
        if minutes.is_none() {
            form.wrong(problem!("minutes", "Choose one of the given times."));
        }
        let mut counts = [0; 3];
        for ((name, text), count) in ["days", "weeks", "months"].into_iter().zip(&self.keep).zip(&mut counts) {
            match text.trim().parse::<u16>().ok().filter(|count| *count <= KEEP_MAX) {
                Some(number) => *count = number,
                None => form.wrong(problem!(name, "Give a number from 0 to {max}.", max = KEEP_MAX)),
            }
        }
        let [days, weeks, months] = counts;
        if days == 0 && self.keep.iter().all(|text| text.trim().parse::<u16>().is_ok()) {
            form.wrong(problem!("days", "Keep one day at least."));
        }
        let others: Vec<String> =
            self.others.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
        if others.len() > OTHERS_MAX {
            form.wrong(problem!("others", "At most {max} keys.", max = OTHERS_MAX));
        }
        let passphrase = self.passphrase(&mut form);
        form.done(Planned {
            on: self.on,
            home,
            access,
            hour: hour.unwrap_or_default(),
            minutes: minutes.unwrap_or_default(),
            keep: Keep { days, weeks, months },
            others,
            passphrase,
        })
    }

    fn passphrase(&self, form: &mut Form) -> Option<String> {
        let (first, second) = &self.passphrase;
        if first.is_empty() && second.is_empty() {
            return None;
        }
        let length = first.chars().count();
        if first != second {
            form.wrong(problem!("passphrase2", "The two passphrases differ."));
        } else if !(PASSPHRASE_MIN..=PASSPHRASE_MAX).contains(&length) || first.trim() != first {
            form.wrong(problem!(
                "passphrase",
                "A passphrase has {min} to {max} characters and neither begins nor ends with a blank.",
                min = PASSPHRASE_MIN,
                max = PASSPHRASE_MAX
            ));
        }
        Some(first.clone())
    }
}

/// A file in the box's folder at the target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// Everything up to a group.
    Full {
        /// When it was taken.
        at: Time,
        /// The newest group in it.
        sequence: u64,
    },
    /// Groups behind an earlier piece.
    Part {
        /// When it was taken: every group that was committed by then and is not in an earlier piece.
        at: Time,
        /// The group that it begins behind.
        after: u64,
        /// The newest group in it.
        last: u64,
    },
    /// The names of the files that a full backup needs.
    List {
        /// When its full backup was taken.
        at: Time,
        /// The newest group of its full backup.
        sequence: u64,
    },
    /// A file beside the records, by a name that tells nobody what it is.
    File(String),
    /// Where the audit log stood when a full backup was taken.
    Anchor {
        /// When its full backup was taken.
        at: Time,
        /// The newest group of its full backup.
        sequence: u64,
    },
    /// The recovery key, locked by a passphrase.
    Recovery,
    /// The numbers of everybody who was erased: after a restore from an older backup they are erased again.
    Erased,
}

/// Hexadecimal digits in the name of a file.
pub const FILE_DIGITS: usize = 64;

fn stamp(at: Time) -> String {
    at.zoned(&TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn read_stamp(text: &str) -> Option<Time> {
    let local = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    let at = Time(local.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond());
    (stamp(at) == text).then_some(at)
}

fn read_number(text: &str) -> Option<u64> {
    let number = text.parse::<u64>().ok()?;
    (number.to_string() == text).then_some(number)
}

impl Piece {
    /// Its file name. Instants are kept to the second.
    pub fn name(&self) -> String {
        match self {
            Self::Full { at, sequence } => format!("full-{}-{sequence}.age", stamp(*at)),
            Self::Part { at, after, last } => format!("part-{}-{after}-{last}.age", stamp(*at)),
            Self::List { at, sequence } => format!("list-{}-{sequence}.age", stamp(*at)),
            Self::Anchor { at, sequence } => format!("anchor-{}-{sequence}.age", stamp(*at)),
            Self::File(name) => format!("file-{name}.age"),
            Self::Recovery => "recovery.age".to_owned(),
            Self::Erased => "erased.age".to_owned(),
        }
    }

    /// The piece of that name; none for whatever else lies in a folder.
    pub fn parse(name: &str) -> Option<Self> {
        let mut words = name.strip_suffix(".age")?.split('-');
        let piece = match words.next()? {
            "full" => Self::Full { at: read_stamp(words.next()?)?, sequence: read_number(words.next()?)? },
            "list" => Self::List { at: read_stamp(words.next()?)?, sequence: read_number(words.next()?)? },
            "anchor" => Self::Anchor { at: read_stamp(words.next()?)?, sequence: read_number(words.next()?)? },
            "part" => {
                let (at, after, last) =
                    (read_stamp(words.next()?)?, read_number(words.next()?)?, read_number(words.next()?)?);
                (after < last).then_some(Self::Part { at, after, last })?
            }
            "file" => {
                let name = words.next()?;
                let digits = name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                (digits && name.len() == FILE_DIGITS).then(|| Self::File(name.to_owned()))?
            }
            "recovery" => Self::Recovery,
            "erased" => Self::Erased,
            _ => return None,
        };
        words.next().is_none().then_some(piece)
    }
}

/// Full backups and parts out of a folder, each oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf {
    /// When and up to which group.
    pub full: Vec<(Time, u64)>,
    /// When, behind which group, up to which.
    pub parts: Vec<(Time, u64, u64)>,
}

/// What brings back an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The full backup.
    pub full: (Time, u64),
    /// The parts behind it.
    pub parts: Vec<(Time, u64, u64)>,
}

impl Chain {
    /// The instant that comes back.
    pub fn at(&self) -> Time {
        self.parts.last().map_or(self.full.0, |(at, ..)| *at)
    }

    /// The newest group that comes back.
    pub fn sequence(&self) -> u64 {
        self.parts.last().map_or(self.full.1, |(.., last)| *last)
    }
}

impl Shelf {
    /// Sorts pieces.
    pub fn of(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut shelf = Self::default();
        for piece in pieces {
            match piece {
                Piece::Full { at, sequence } => shelf.full.push((at, sequence)),
                Piece::Part { at, after, last } => shelf.parts.push((at, after, last)),
                Piece::List { .. } | Piece::Anchor { .. } | Piece::File(_) | Piece::Recovery | Piece::Erased => {}
            }
        }
        shelf.full.sort_unstable();
        shelf.parts.sort_unstable_by_key(|(at, after, last)| (*last, *after, *at));
        shelf
    }

    /// When the newest piece was taken, and its newest group.
    pub fn newest(&self) -> Option<(Time, u64)> {
        let part = self.parts.last().map(|(at, _, last)| (*at, *last));
        self.full.last().copied().into_iter().chain(part).max_by_key(|(_, last)| *last)
    }

    /// What there is, in short.
    pub fn held(&self) -> Held {
        Held { full: self.full.last().map(|(at, _)| *at), newest: self.newest() }
    }

    /// The newest state that is not younger than `until` (none: the newest of all): a full backup and the parts behind it, without a gap.
    pub fn chain(&self, until: Option<Time>) -> Option<Chain> {
        let early = |at: Time| until.is_none_or(|until| at <= until);
        let full = *self.full.iter().rev().find(|(at, _)| early(*at))?;
        let mut chain = Chain { full, parts: Vec::new() };
        for part in self.parts.iter().filter(|(at, ..)| early(*at)) {
            let (reached, (_, after, last)) = (chain.sequence(), *part);
            if after <= reached && last > reached {
                chain.parts.push(*part);
            }
        }
        Some(chain)
    }

    /// The pieces that are not kept any longer: full backups with their lists, and parts that no kept day needs.
    pub fn spare(&self, keep: Keep, zone: &TimeZone) -> Vec<Piece> {
        let Some((newest, _)) = self.full.last().copied() else { return Vec::new() };
        let kept = kept(&self.full, keep, zone);
        let mut spare = Vec::new();
        for (at, sequence) in self.full.iter().filter(|full| !kept.contains(full)) {
            spare.extend([Piece::Full { at: *at, sequence: *sequence }, Piece::List { at: *at, sequence: *sequence }]);
        }
        let from = newest.plus(-i64::from(keep.days.max(1)) * DAY);
        let base = kept.iter().find(|(at, _)| *at >= from).map_or(0, |(_, sequence)| *sequence);
        let old = self.parts.iter().filter(|(.., last)| *last <= base);
        spare.extend(old.map(|(at, after, last)| Piece::Part { at: *at, after: *after, last: *last }));
        spare
    }
}

/// The full backups that are kept: the newest of each of the newest days, weeks and months that have one.
pub fn kept(full: &[(Time, u64)], keep: Keep, zone: &TimeZone) -> BTreeSet<(Time, u64)> {
    let mut kept = BTreeSet::new();
    let day = |at: Time| at.zoned(zone).date();
    let week = |at: Time| {
        let week = at.zoned(zone).date().iso_week_date();
        (week.year(), i16::from(week.week()))
    };
    let month = |at: Time| (at.zoned(zone).year(), i16::from(at.zoned(zone).month()));
    pick(full, keep.days.max(1), day, &mut kept);
    pick(full, keep.weeks, week, &mut kept);
    pick(full, keep.months, month, &mut kept);
    kept
}

/// The newest of each of the newest so many spans.
fn pick<K: Ord>(full: &[(Time, u64)], count: u16, span: impl Fn(Time) -> K, kept: &mut BTreeSet<(Time, u64)>) {
    let mut spans = BTreeSet::new();
    let mut newest_first: Vec<_> = full.to_vec();
    newest_first.sort_unstable_by(|a, b| b.cmp(a));
    for of in newest_first {
        if spans.len() == usize::from(count) {
            break;
        }
        if spans.insert(span(of.0)) {
            kept.insert(of);
        }
    }
}

/// What a folder is known to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// When the newest full backup was taken.
    pub full: Option<Time>,
    /// When the newest piece was taken, and its newest group.
    pub newest: Option<(Time, u64)>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// A part, behind that group.
    Part(u64),
    /// A full backup.
    Full,
}

impl BackupPlan {
    /// What is to be done now, when the newest group is `sequence`.
    pub fn due(&self, held: Held, sequence: u64, now: Time, zone: &TimeZone) -> Due {
        let Some((at, last)) = held.newest else { return Due::Full };
        if is_due(self.hour, held.full, now, zone) {
            return Due::Full;
        }
        // A clock that was set back must not silence it.
        let waited = now.since(at) >= i64::from(self.minutes) * MINUTE || now < at;
        if self.minutes > 0 && waited && sequence > last { Due::Part(last) } else { Due::Nothing }
    }
}

/// Whether a full backup is due: none was taken since the hour came last.
fn is_due(hour: u8, newest: Option<Time>, now: Time, zone: &TimeZone) -> bool {
    let Some(newest) = newest else { return true };
    let local = now.zoned(zone);
    let today = local.date().at(i8::try_from(hour).unwrap_or_default(), 0, 0, 0);
    let Ok(today) = today.to_zoned(zone.clone()) else { return false };
    let last = if today > local { today.yesterday().unwrap_or(today) } else { today };
    newest.0 < last.timestamp().as_millisecond()
}

#[cfg(test)]
mod tests;

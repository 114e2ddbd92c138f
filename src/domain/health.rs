//! How the box is: what was found out about its disk, clock, journal and whatever else it lives by goes in, and a line for each comes out that says
//! how it stands and what to do. Finding it out is not done here.

mod second;

pub use second::Standby;

use crate::{
    Time,
    time::{DAY, HOUR, MINUTE},
    tunnel::Standing,
};

mod checklist;
mod keys;
mod outside;

pub use checklist::Checklist;
pub use keys::{KeyFile, Keys};
pub use outside::Public;
use outside::{public, tunnel};

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// As it should be.
    Good,
    /// Somebody should look after it soon.
    Warn,
    /// It does not work, or data are in danger.
    Bad,
}

impl Level {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Good => "In order",
            Self::Warn => "Look after it",
            Self::Bad => "Act now",
        }
    }
}

/// What is looked at, in the order of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Check {
    Hall,
    Journal,
    Space,
    Sync,
    Drive,
    Backup,
    Standby,
    Key,
    Clock,
    Certificate,
    Queue,
    Gateway,
    Tunnel,
    Search,
    Account,
    Version,
}

impl Check {
    /// Everything that is looked at.
    pub const ALL: &[Self] = &[
        Self::Hall,
        Self::Journal,
        Self::Space,
        Self::Sync,
        Self::Drive,
        Self::Backup,
        Self::Standby,
        Self::Key,
        Self::Clock,
        Self::Certificate,
        Self::Queue,
        Self::Gateway,
        Self::Tunnel,
        Self::Search,
        Self::Account,
        Self::Version,
    ];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Hall => "hall",
            Self::Journal => "journal",
            Self::Space => "space",
            Self::Sync => "sync",
            Self::Drive => "drive",
            Self::Backup => "backup",
            Self::Standby => "standby",
            Self::Key => "key",
            Self::Clock => "clock",
            Self::Certificate => "certificate",
            Self::Queue => "queue",
            Self::Gateway => "gateway",
            Self::Tunnel => "tunnel",
            Self::Search => "search",
            Self::Account => "account",
            Self::Version => "version",
        }
    }

    /// English source text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Hall => "The program",
            Self::Journal => "Journal",
            Self::Space => "Room on the disk",
            Self::Sync => "Speed of the disk",
            Self::Drive => "Health of the drives",
            Self::Backup => "Backups",
            Self::Standby => "Stand-by box",
            Self::Key => "Key file",
            Self::Clock => "Clock",
            Self::Certificate => "Certificate",
            Self::Queue => "Outbox",
            Self::Gateway => "Services outside",
            Self::Tunnel => "Tunnel",
            Self::Search => "Search index",
            Self::Account => "Administrators",
            Self::Version => "Version",
        }
    }

    /// The page of the secretariat where it is looked after, if there is one.
    pub fn href(self) -> Option<&'static str> {
        match self {
            Self::Backup | Self::Key => Some("/admin/backup"),
            Self::Standby => Some("/admin/standby"),
            Self::Queue | Self::Gateway => Some("/admin/outbox"),
            Self::Tunnel => Some("/admin/tunnel"),
            Self::Search => Some("/admin/search/index"),
            Self::Account => Some("/admin/account"),
            _ => None,
        }
    }

    /// The check of that code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|check| check.code() == code)
    }
}

macro_rules! findings {
    ($($name:ident = $check:ident, $level:ident, $says:literal, $advice:literal;)*) => {
        /// What a look at something found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Finding { $($name),* }

        impl Finding {
            /// Everything that can be found.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What was looked at.
            pub fn check(self) -> Check {
                match self { $(Self::$name => Check::$check),* }
            }

            /// How bad it is.
            pub fn level(self) -> Level {
                match self { $(Self::$name => Level::$level),* }
            }

            /// English source text of what it means, with `{placeholders}`.
            pub fn says(self) -> &'static str {
                match self { $(Self::$name => $says),* }
            }

            /// English source text of what to do.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice),* }
            }
        }
    };
}

/// What is said to do where all is well.
pub const NOTHING: &str = "Nothing to do.";

findings! {
    HallRuns = Hall, Good, "The program runs.", "Nothing to do.";
    HallIsStopped = Hall, Warn, "The program does not run; only what can be seen without it is said here.", "Start it: systemctl start huiguan.";
    HallIsMute = Hall, Bad, "The program holds the data but does not answer.", "Restart it: systemctl restart huiguan. Keep what journalctl -u huiguan says.";
    JournalWrites = Journal, Good, "A write gets onto the disk in {millis} ms; {groups} groups since the start.", "Nothing to do.";
    JournalRefuses = Journal, Bad, "Changes are refused: {why}", "Restart the program. If it stays, put in another disk and restore the newest backup.";
    JournalIsSilent = Journal, Bad, "A trial write did not get onto the disk: {why}", "Restart the program. If it stays, put in another disk and restore the newest backup.";
    JournalIsBehind = Journal, Warn, "{bytes} wait to be taken over from the journal.", "The disk is too slow for what is asked of it. Look at its speed and health.";
    JournalRebuilt = Journal, Warn, "The records had to be made anew from snapshot and journal at the start: {why}", "Run huiguan verify while the program is stopped, and look at the health of the drives.";
    SpaceIsThere = Space, Good, "{free} of {total} are free.", "Nothing to do.";
    SpaceIsLow = Space, Warn, "Only {free} of {total} are free.", "Remove what is not needed from the disk, or put in a larger one.";
    SpaceIsGone = Space, Bad, "Only {free} of {total} are free: changes are refused.", "Make room on the disk now. Nothing is lost; changes are taken again by themselves.";
    SyncIsFast = Sync, Good, "A write is on the disk after {millis} ms.", "Nothing to do.";
    SyncIsSlow = Sync, Warn, "A write is on the disk only after {millis} ms.", "Doors will be slow. Is something else writing? A memory card is too slow; use an SSD.";
    SyncIsTooSlow = Sync, Bad, "A write is on the disk only after {millis} ms.", "The disk is failing or overloaded. Make a backup, then put in another one.";
    SyncFails = Sync, Bad, "Nothing can be written to the disk: {why}", "Look whether the folder may be written to and whether the disk is failing.";
    DriveIsWell = Drive, Good, "{drives} report no fault.", "Nothing to do.";
    DriveIsUnknown = Drive, Good, "The drives do not tell how they are.", "To know, install smartmontools and run huiguan doctor as root.";
    DriveIsWorn = Drive, Warn, "{drive} has used up {percent} % of its life.", "Order another drive. Make sure that backups are made.";
    DriveFails = Drive, Bad, "{drive} reports that it is failing.", "Make a backup now, then put in another drive.";
    BackupIsFresh = Backup, Good, "The newest backup is {hours} hours old and was restored for a trial.", "Nothing to do.";
    BackupComes = Backup, Warn, "Backups are on, and none has been made yet.", "Wait some minutes, then look at the page of backups.";
    BackupIsOff = Backup, Warn, "This box makes no backups. If its disk breaks, everything is lost.", "Plug in a disk and name its folder on the page of backups.";
    BackupFailed = Backup, Bad, "The last backup failed.", "The page of backups says why. Usually the disk is not plugged in or is full.";
    BackupIsOld = Backup, Bad, "The newest backup is {hours} hours old.", "Look at the page of backups. Was the box off, or the disk away?";
    StandbyIsNone = Standby, Good, "No second box follows this one.", "Nothing to do.";
    StandbyFollows = Standby, Good, "The stand-by box follows, {groups} changes behind, heard {seconds} seconds ago.", "Nothing to do.";
    StandbyIsBehind = Standby, Warn, "The stand-by box is {groups} changes and {files} files behind.", "If it stays, look at the network between the two boxes and at the stand-by's disk.";
    StandbyIsAway = Standby, Bad, "The stand-by box has not been heard for {minutes} minutes.", "Look at its power, its network and its own page.";
    StandbyNeverCame = Standby, Warn, "A stand-by box is paired and has not come yet.", "Start it, and look at its own page.";
    StandbyLoose = Standby, Warn, "This box took over, and the one before it has not been reached since.", "Keep that one off the network until it can reach this one; it then stops by itself.";
    StandbyHolds = Standby, Good, "This box follows another, {groups} changes behind, heard {seconds} seconds ago.", "Nothing to do.";
    StandbyLags = Standby, Warn, "This box follows another and is {groups} changes and {files} files behind.", "If it stays, look at the network between the two boxes and at this one's disk.";
    StandbyIsCutOff = Standby, Bad, "This box has not heard the one that it follows.", "Look at that box and at the network. If it is gone for good, let this one take over: huiguan standby promote.";
    StandbyIsFenced = Standby, Bad, "Another box took over from this one, which does not serve any more.", "Pair it anew to follow: huiguan standby follow.";
    KeyIsSafe = Key, Good, "The key file is there, and only its owner can read it.", "Keep a copy of it elsewhere.";
    KeyIsOpen = Key, Warn, "Others on this machine can read the key file.", "Take their right away: chmod 600 on the key file.";
    KeyIsMissing = Key, Bad, "The key file is missing although there are data.", "Put it back from its copy, or restore a backup: without it, sealed answers cannot be read.";
    KeySeals = Key, Good, "Everything is being sealed by key {number}: {values} values so far, {done} of {all} parts looked through.", "Nothing to do: it goes on by itself, and after a restart too.";
    KeyIsStuck = Key, Bad, "Sealing by key {number} was broken off: {why}", "It is tried again by itself. If it stays, look at the disk and at the log.";
    KeyIsSealed = Key, Warn, "Everything is sealed by key {number}; {older} older keys are still kept.", "When codes printed before and links sent before are not needed any more: stop the program, run huiguan key finish, start it again.";
    KeySheet = Key, Warn, "Key {number} is used, and the recovery sheet was not printed since.", "Print the sheet anew on the page of backups, and keep a copy of the new key file elsewhere.";
    ClockIsRight = Clock, Good, "The clock is kept right over the network.", "Nothing to do.";
    ClockIsUnknown = Clock, Good, "Whether somebody keeps the clock right is not known here.", "Compare it with a watch before an event.";
    ClockIsAlone = Clock, Warn, "Nobody keeps the clock right.", "Let the box reach a time server (systemd-timesyncd), or compare it with a watch before each event.";
    ClockIsBehind = Clock, Bad, "The clock stands {minutes} minutes before the newest record.", "Set the clock: times of check-ins would be wrong, and certificates may not hold yet.";
    CertificateIsNone = Certificate, Good, "No TLS is served.", "Where phones scan or terminals go on without the network, set listen_tls.";
    CertificateHolds = Certificate, Good, "The certificate holds for {days} more days.", "Nothing to do.";
    CertificateEnds = Certificate, Warn, "The certificate holds for {days} more days only.", "Lay a new certificate where the settings say; it is taken within a minute.";
    CertificateIsStuck = Certificate, Warn, "The box's own certificate holds for {days} more days only and was not renewed.", "Look whether the clock is right and what the log says, then restart the program.";
    CertificateIsOver = Certificate, Bad, "The certificate is over: devices refuse to connect.", "Look whether the clock is right. Lay a new certificate where the settings say, or restart the program to have its own renewed.";
    PublicHolds = Certificate, Good, "The public certificate for {names} holds for {days} more days.", "Nothing to do.";
    PublicComes = Certificate, Good, "A public certificate for {names} is being fetched.", "Nothing to do.";
    PublicFails = Certificate, Warn, "No new public certificate for {names}: {why}", "Does each name lead to this box, and can port 80 be reached from outside? It is tried again by itself.";
    PublicIsOver = Certificate, Bad, "The public certificate for {names} is over or was never issued: {why}", "Does each name lead to this box, and can port 80 be reached from outside? It is tried again by itself.";
    QueueFlows = Queue, Good, "{count} wait to leave the box, none for long.", "Nothing to do.";
    QueueAsks = Queue, Warn, "{count} in the outbox wait for somebody's decision.", "Open the outbox and decide whether they are sent again.";
    QueueIsSlow = Queue, Warn, "Something has been due in the outbox for {minutes} minutes.", "Is the internet there? The outbox says what the other side answered.";
    QueueStands = Queue, Bad, "Something has been due in the outbox for {minutes} minutes.", "Is the internet there? The outbox says what the other side answered.";
    GatewaysAnswer = Gateway, Good, "No service outside is being left alone.", "Nothing to do.";
    GatewayIsAway = Gateway, Warn, "Left alone for a while because they failed again and again: {hosts}", "Is the internet there? Otherwise wait, or ask the service. It is tried again by itself.";
    TunnelIsNone = Tunnel, Good, "No tunnel is used.", "Nothing to do.";
    TunnelIsUp = Tunnel, Good, "The tunnel has been up for {minutes} minutes.", "Nothing to do.";
    TunnelBegins = Tunnel, Good, "The tunnel is being set up.", "Nothing to do.";
    TunnelIsDown = Tunnel, Warn, "The tunnel has been down for {minutes} minutes: nobody reaches the box from outside.", "The page of the tunnel says why and what to do.";
    TunnelWaits = Tunnel, Bad, "The tunnel's server shows a host key that nobody accepted.", "Compare the fingerprint on the page of the tunnel with the one on the server, then accept it.";
    SearchIsFresh = Search, Good, "The index holds {count} entries and is up to date.", "Nothing to do.";
    SearchIsBehind = Search, Warn, "{count} changes are not in the index yet.", "They are found all the same, only slower. If it stays for hours, have the index built anew.";
    SearchIsBuilt = Search, Good, "The index is being built.", "Wait until it is done; searching works meanwhile as far as it is.";
    SearchFails = Search, Bad, "The index cannot be kept: {why}", "Make room on the disk, then have the index built anew.";
    AccountsAreEnough = Account, Good, "{count} people can administer this box.", "Nothing to do.";
    AccountIsAlone = Account, Warn, "Only one person can administer this box.", "Give a second person the permission to manage accounts: a forgotten password would lock everybody out.";
    AccountIsNone = Account, Warn, "Nobody has set this box up yet.", "Open the page of the set-up and enter the code that the program printed.";
    VersionIs = Version, Good, "Version {version}, running for {hours} hours.", "Nothing to do.";
}

/// A line: a finding with what fills its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What was found.
    pub finding: Finding,
    /// Values for the placeholders.
    pub args: crate::Args,
}

impl Line {
    /// A line without values.
    pub fn bare(finding: Finding) -> Self {
        Self { finding, args: Vec::new() }
    }

    /// A line with values.
    fn with<const N: usize>(finding: Finding, args: [(&'static str, String); N]) -> Self {
        Self { finding, args: args.into() }
    }

    /// What it means, in English.
    pub fn english(&self) -> String {
        let fill = |text: String, (name, value): &(&'static str, String)| text.replace(&format!("{{{name}}}"), value);
        self.args.iter().fold(self.finding.says().to_owned(), fill)
    }

    /// For programs: stable words, values, and English text.
    pub fn json(&self) -> serde_json::Value {
        let values: serde_json::Map<_, _> =
            self.args.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
        serde_json::json!({
            "check": self.finding.check().code(),
            "level": self.finding.level().code(),
            "says": self.english(),
            "advice": self.finding.advice(),
            "values": values,
        })
    }
}

/// The worst of all lines.
pub fn worst(lines: &[Line]) -> Level {
    lines.iter().map(|line| line.finding.level()).max().unwrap_or(Level::Good)
}

/// All lines for programs.
pub fn json(lines: &[Line]) -> serde_json::Value {
    serde_json::json!({
        "level": worst(lines).code(),
        "lines": lines.iter().map(Line::json).collect::<Vec<_>>(),
    })
}

/// Room on the disk of the data, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// Free for this program.
    pub free: u64,
    /// Of the whole disk.
    pub total: u64,
    /// With less, writes are refused.
    pub reserve: u64,
}

/// What a drive says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drive {
    /// Its name, such as `sda`.
    pub name: String,
    /// It says that it fails, or that it does not.
    pub failing: Option<bool>,
    /// How much of its life is used up, in percent; may be above 100.
    pub worn: Option<u16>,
}

/// The certificate that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// When it ends.
    pub ends: Time,
    /// The box makes and renews it itself.
    pub own: bool,
}

/// What this machine tells without the program's records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Machine {
    /// Room.
    pub disk: Option<Disk>,
    /// Milliseconds until a small write was on the disk, or why it could not be written.
    pub sync: Option<Result<u64, String>>,
    /// The drives that could be asked.
    pub drives: Vec<Drive>,
    /// Whether somebody keeps the clock right; none: it is not known.
    pub synchronized: Option<bool>,
    /// The certificate: not known, none served, or this one.
    pub certificate: Option<Option<Served>>,
    /// The certificate for public names; none is wanted.
    pub public: Option<Public>,
    /// The key file: whether it is there and whether only its owner reads it. Not known, or there are no data yet: none.
    pub key: Option<KeyFile>,
    /// Version of the program.
    pub version: String,
}

/// How the journal is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Journal {
    /// Why writes are refused until the next start.
    pub refused: Option<String>,
    /// Milliseconds that a trial write took, or why it did not get onto the disk.
    pub trial: Option<Result<u64, String>>,
    /// Groups since the start.
    pub groups: u64,
    /// Bytes that the engine does not have yet.
    pub pending: u64,
    /// Why the engine was made anew at the start.
    pub rebuilt: Option<String>,
}

/// What waits to leave the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Queue {
    /// Entries that wait.
    pub waiting: u64,
    /// Since when the oldest of them has been due.
    pub due: Option<Time>,
    /// Entries that wait for somebody's decision.
    pub asking: u64,
}

/// How backups are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backup {
    /// There are none.
    Off,
    /// The last one failed.
    Failed,
    /// On, and none yet.
    Coming,
    /// When the newest full one that counts was made, and whether that is too long ago.
    Made(Time, bool),
}

/// How the search index is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Index {
    /// Why building it failed.
    pub failed: Option<String>,
    /// Searching works.
    pub ready: bool,
    /// It is being built.
    pub building: bool,
    /// Entries in it.
    pub entries: u64,
    /// Changes that are not in it.
    pub waiting: u64,
}

/// What only the running program knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// When it was started.
    pub started: Time,
    /// When the newest record was written, by the clock of then.
    pub newest: Option<Time>,
    /// The journal.
    pub journal: Journal,
    /// The outbox of all spaces.
    pub queue: Queue,
    /// Services that are left alone for a while.
    pub away: Vec<String>,
    /// Backups.
    pub backup: Option<Backup>,
    /// The keys, where one was changed.
    pub keys: Option<Keys>,
    /// A second box; none: not known.
    pub standby: Option<Standby>,
    /// The tunnel.
    pub tunnel: Standing,
    /// The search index.
    pub index: Index,
    /// People who can administer the box.
    pub administrators: u64,
}

/// Room below which the disk is called low.
const LOW_BYTES: u64 = 2 << 30;
/// A disk is low as well with less than one part in so many free, up to [`LOW_MAX`].
const LOW_PART: u64 = 20;
/// More than this is never called low.
const LOW_MAX: u64 = 20 << 30;
/// A write that takes longer is slow.
const SLOW_MILLIS: u64 = 50;
/// A write that takes longer is too slow to open doors with.
const TOO_SLOW_MILLIS: u64 = 2_000;
/// A drive is worn from here on.
const WORN_PERCENT: u16 = 90;
/// The clock may stand so much before the newest record: it is set back a little by whoever keeps it right.
const BACK_MILLIS: i64 = 2 * MINUTE;
/// So many days before its end a certificate that somebody else made is worth a word.
const ENDS_DAYS: i64 = 21;
/// So many days before its end the box's own should have been renewed.
const STUCK_DAYS: i64 = 7;
/// What is due is late after this.
const LATE_MILLIS: i64 = 15 * MINUTE;
/// What is due stands still after this.
const STANDS_MILLIS: i64 = 6 * HOUR;
/// So much may wait for the engine.
const PENDING_MAX: u64 = 128 << 20;
/// So many changes may wait for the index.
const BEHIND_MAX: u64 = 2_000;
/// Names that a line holds.
const NAMES_MAX: usize = 5;

/// Bytes for people: three digits are enough.
fn size(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, "B");
    for next in ["KB", "MB", "GB", "TB"] {
        if value < 1_000.0 {
            break;
        }
        (value, unit) = (value / 1_000.0, next);
    }
    if unit == "B" || value >= 100.0 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

fn space(disk: Disk) -> Line {
    let low = (disk.total / LOW_PART).clamp(LOW_BYTES, LOW_MAX).max(disk.reserve.saturating_mul(2));
    let finding = if disk.free < disk.reserve {
        Finding::SpaceIsGone
    } else if disk.free < low {
        Finding::SpaceIsLow
    } else {
        Finding::SpaceIsThere
    };
    Line::with(finding, [("free", size(disk.free)), ("total", size(disk.total))])
}

fn sync(of: &Result<u64, String>) -> Line {
    match of {
        Err(why) => Line::with(Finding::SyncFails, [("why", why.clone())]),
        Ok(millis) => {
            let finding = if *millis > TOO_SLOW_MILLIS {
                Finding::SyncIsTooSlow
            } else if *millis > SLOW_MILLIS {
                Finding::SyncIsSlow
            } else {
                Finding::SyncIsFast
            };
            Line::with(finding, [("millis", millis.to_string())])
        }
    }
}

/// What is said of the drives.
pub fn drives(all: &[Drive]) -> Vec<Line> {
    let mut lines: Vec<Line> = all.iter().filter_map(drive).collect();
    let known: Vec<&str> =
        all.iter().filter(|of| of.failing.is_some() || of.worn.is_some()).map(|of| of.name.as_str()).collect();
    if lines.is_empty() {
        lines.push(match known.len() {
            0 => Line::bare(Finding::DriveIsUnknown),
            _ => Line::with(Finding::DriveIsWell, [("drives", known.join(", "))]),
        });
    }
    lines
}

/// What is wrong with a drive, if anything is.
fn drive(of: &Drive) -> Option<Line> {
    if of.failing == Some(true) {
        return Some(Line::with(Finding::DriveFails, [("drive", of.name.clone())]));
    }
    let worn = of.worn.filter(|worn| *worn >= WORN_PERCENT)?;
    Some(Line::with(Finding::DriveIsWorn, [("drive", of.name.clone()), ("percent", worn.to_string())]))
}

fn clock(now: Time, newest: Option<Time>, synchronized: Option<bool>) -> Line {
    let behind = newest.map_or(0, |newest| newest.since(now));
    if behind > BACK_MILLIS {
        return Line::with(Finding::ClockIsBehind, [("minutes", (behind / MINUTE).to_string())]);
    }
    Line::bare(match synchronized {
        Some(true) => Finding::ClockIsRight,
        Some(false) => Finding::ClockIsAlone,
        None => Finding::ClockIsUnknown,
    })
}

fn certificate(now: Time, served: Option<Served>) -> Line {
    let Some(Served { ends, own }) = served else { return Line::bare(Finding::CertificateIsNone) };
    let days = ends.since(now).div_euclid(DAY);
    let finding = match (days, own) {
        (..0, _) => Finding::CertificateIsOver,
        (0..STUCK_DAYS, true) => Finding::CertificateIsStuck,
        (0..ENDS_DAYS, false) => Finding::CertificateEnds,
        _ => Finding::CertificateHolds,
    };
    if finding == Finding::CertificateIsOver {
        return Line::bare(finding);
    }
    Line::with(finding, [("days", days.to_string())])
}

fn journal(of: &Journal) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(why) = &of.refused {
        lines.push(Line::with(Finding::JournalRefuses, [("why", why.clone())]));
    } else if let Some(Err(why)) = &of.trial {
        lines.push(Line::with(Finding::JournalIsSilent, [("why", why.clone())]));
    }
    if of.pending > PENDING_MAX {
        lines.push(Line::with(Finding::JournalIsBehind, [("bytes", size(of.pending))]));
    }
    if let Some(why) = &of.rebuilt {
        lines.push(Line::with(Finding::JournalRebuilt, [("why", why.clone())]));
    }
    if let (true, Some(Ok(millis))) = (lines.is_empty(), &of.trial) {
        let values = [("millis", millis.to_string()), ("groups", of.groups.to_string())];
        lines.push(Line::with(Finding::JournalWrites, values));
    }
    lines
}

fn queue(now: Time, of: &Queue) -> Vec<Line> {
    let mut lines = Vec::new();
    let late = of.due.map_or(0, |due| now.since(due));
    if late > LATE_MILLIS {
        let finding = if late > STANDS_MILLIS { Finding::QueueStands } else { Finding::QueueIsSlow };
        lines.push(Line::with(finding, [("minutes", (late / MINUTE).to_string())]));
    }
    if of.asking > 0 {
        lines.push(Line::with(Finding::QueueAsks, [("count", of.asking.to_string())]));
    }
    if lines.is_empty() {
        lines.push(Line::with(Finding::QueueFlows, [("count", of.waiting.to_string())]));
    }
    lines
}

fn gateway(away: &[String]) -> Line {
    if away.is_empty() {
        return Line::bare(Finding::GatewaysAnswer);
    }
    let mut named = away.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
    if away.len() > NAMES_MAX {
        named.push_str(&format!(" (+{})", away.len() - NAMES_MAX));
    }
    Line::with(Finding::GatewayIsAway, [("hosts", named)])
}

fn backup(now: Time, of: Backup) -> Line {
    let hours = |at: Time| [("hours", (now.since(at) / HOUR).max(0).to_string())];
    match of {
        Backup::Off => Line::bare(Finding::BackupIsOff),
        Backup::Failed => Line::bare(Finding::BackupFailed),
        Backup::Coming => Line::bare(Finding::BackupComes),
        Backup::Made(at, true) => Line::with(Finding::BackupIsOld, hours(at)),
        Backup::Made(at, false) => Line::with(Finding::BackupIsFresh, hours(at)),
    }
}

fn index(of: &Index) -> Line {
    if let Some(why) = &of.failed {
        return Line::with(Finding::SearchFails, [("why", why.clone())]);
    }
    if of.building || !of.ready {
        return Line::bare(Finding::SearchIsBuilt);
    }
    if of.waiting > BEHIND_MAX {
        return Line::with(Finding::SearchIsBehind, [("count", of.waiting.to_string())]);
    }
    Line::with(Finding::SearchIsFresh, [("count", of.entries.to_string())])
}

fn account(administrators: u64) -> Line {
    match administrators {
        0 => Line::bare(Finding::AccountIsNone),
        1 => Line::bare(Finding::AccountIsAlone),
        more => Line::with(Finding::AccountsAreEnough, [("count", more.to_string())]),
    }
}

/// The lines of what is known, in the order of the page. What could not be found out has none.
pub fn judge(now: Time, machine: &Machine, inside: Option<&Inside>) -> Vec<Line> {
    let mut lines = vec![Line::bare(if inside.is_some() { Finding::HallRuns } else { Finding::HallIsStopped })];
    lines.extend(inside.iter().flat_map(|inside| journal(&inside.journal)));
    lines.extend(machine.disk.map(space));
    lines.extend(machine.sync.as_ref().map(sync));
    lines.extend(drives(&machine.drives));
    lines.extend(inside.and_then(|inside| inside.backup).map(|of| backup(now, of)));
    lines.extend(inside.and_then(|inside| inside.standby).into_iter().flat_map(second::lines));
    lines.extend(machine.key.map(keys::file));
    lines.extend(inside.and_then(|inside| inside.keys.as_ref()).into_iter().flat_map(keys::lines));
    lines.push(clock(now, inside.and_then(|inside| inside.newest), machine.synchronized));
    lines.extend(machine.certificate.map(|served| certificate(now, served)));
    lines.extend(machine.public.as_ref().map(|of| public(now, of)));
    if let Some(inside) = inside {
        lines.extend(queue(now, &inside.queue));
        lines.push(gateway(&inside.away));
        lines.push(tunnel(now, &inside.tunnel));
        lines.push(index(&inside.index));
        lines.push(account(inside.administrators));
    }
    let hours = inside.map_or(0, |inside| (now.since(inside.started) / HOUR).max(0));
    lines.push(Line::with(Finding::VersionIs, [("version", machine.version.clone()), ("hours", hours.to_string())]));
    lines
}

#[cfg(test)]
mod tests;

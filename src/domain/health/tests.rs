//! What is said of which facts.

use super::*;
use crate::standby::{Lag, Role};
use crate::tunnel::Fault;
use std::collections::BTreeSet;

fn inside() -> Inside {
    Inside {
        started: Time(0),
        newest: Some(Time(10 * DAY)),
        journal: Journal { trial: Some(Ok(3)), groups: 7, ..Journal::default() },
        queue: Queue::default(),
        away: Vec::new(),
        backup: Some(Backup::Made(Time(10 * DAY - 2 * HOUR), false)),
        keys: None,
        standby: Some(Standby { role: Role::Leader, lag: None, loose: false }),
        tunnel: Standing::Up(Time(9 * DAY)),
        index: Index { ready: true, entries: 12, ..Index::default() },
        administrators: 2,
    }
}

fn machine() -> Machine {
    Machine {
        disk: Some(Disk { free: 80 << 30, total: 100 << 30, reserve: 64 << 20 }),
        sync: Some(Ok(2)),
        drives: vec![Drive { name: "nvme0".into(), failing: Some(false), worn: Some(3) }],
        synchronized: Some(true),
        certificate: Some(Some(Served { ends: Time(40 * DAY), own: true })),
        public: None,
        key: Some(KeyFile::Safe),
        version: "1.2.3".into(),
    }
}

/// What is changed in a box in order, and what is said then.
type Cases<Of> = Vec<(Box<dyn Fn(&mut Of)>, Finding)>;

const NOW: Time = Time(10 * DAY);

#[test]
fn a_box_in_order_has_a_good_line_for_each_check() {
    let lines = judge(NOW, &machine(), Some(&inside()));
    assert_eq!(worst(&lines), Level::Good, "{lines:?}");
    let checks: Vec<Check> = lines.iter().map(|line| line.finding.check()).collect();
    assert_eq!(checks, Check::ALL, "each once and in order");
    assert_eq!(lines[1].english(), "A write gets onto the disk in 3 ms; 7 groups since the start.");
    let told = json(&lines);
    assert_eq!((told["level"].as_str(), told["lines"][2]["check"].as_str()), (Some("good"), Some("space")));
    assert_eq!(told["lines"][2]["values"]["free"].as_str(), Some("85.9 GB"));
}

#[test]
fn what_is_not_known_has_no_line() {
    let lines = judge(NOW, &Machine { version: "1".into(), ..Machine::default() }, None);
    let found: Vec<Finding> = lines.iter().map(|line| line.finding).collect();
    use Finding::{ClockIsUnknown, DriveIsUnknown, HallIsStopped, VersionIs};
    assert_eq!(found, [HallIsStopped, DriveIsUnknown, ClockIsUnknown, VersionIs]);
    assert_eq!(worst(&lines), Level::Warn);
}

#[test]
fn the_machine_is_judged_by_its_facts() {
    use Finding::*;
    let disk = |free: u64, total: u64| move |of: &mut Machine| of.disk = Some(Disk { free, total, reserve: 64 << 20 });
    let sync = |took: Result<u64, &str>| {
        let took = took.map_err(str::to_owned);
        move |of: &mut Machine| of.sync = Some(took.clone())
    };
    let drive = |failing: Option<bool>, worn: Option<u16>| {
        move |of: &mut Machine| of.drives = vec![Drive { name: "sda".into(), failing, worn }]
    };
    let ends = |days: i64, own: bool| {
        move |of: &mut Machine| of.certificate = Some(Some(Served { ends: NOW.plus(days * DAY + HOUR), own }))
    };
    let public = |days: Option<i64>, why: Option<&str>| {
        let ends = days.map(|days| NOW.plus(days * DAY + HOUR));
        let of = Public { names: "a.example".into(), ends, why: why.map(str::to_owned) };
        move |machine: &mut Machine| machine.public = Some(of.clone())
    };
    let cases: Cases<Machine> = vec![
        (Box::new(disk(63 << 20, 100 << 30)), SpaceIsGone),
        (Box::new(disk(64 << 20, 100 << 30)), SpaceIsLow),
        (Box::new(disk(4 << 30, 100 << 30)), SpaceIsLow),
        (Box::new(disk(6 << 30, 100 << 30)), SpaceIsThere),
        (Box::new(disk(25 << 30, 4 << 40)), SpaceIsThere),
        (Box::new(disk(1 << 30, 8 << 30)), SpaceIsLow),
        (Box::new(sync(Ok(50))), SyncIsFast),
        (Box::new(sync(Ok(51))), SyncIsSlow),
        (Box::new(sync(Ok(2_000))), SyncIsSlow),
        (Box::new(sync(Ok(2_001))), SyncIsTooSlow),
        (Box::new(sync(Err("read-only"))), SyncFails),
        (Box::new(drive(Some(false), None)), DriveIsWell),
        (Box::new(drive(None, Some(89))), DriveIsWell),
        (Box::new(drive(Some(false), Some(90))), DriveIsWorn),
        (Box::new(drive(Some(true), Some(90))), DriveFails),
        (Box::new(drive(None, None)), DriveIsUnknown),
        (Box::new(|of: &mut Machine| of.synchronized = None), ClockIsUnknown),
        (Box::new(|of: &mut Machine| of.synchronized = Some(false)), ClockIsAlone),
        (Box::new(|of: &mut Machine| of.certificate = Some(None)), CertificateIsNone),
        (Box::new(ends(7, true)), CertificateHolds),
        (Box::new(ends(6, true)), CertificateIsStuck),
        (Box::new(ends(21, false)), CertificateHolds),
        (Box::new(ends(20, false)), CertificateEnds),
        (Box::new(ends(-1, true)), CertificateIsOver),
        (Box::new(ends(-1, false)), CertificateIsOver),
        (Box::new(public(Some(30), None)), PublicHolds),
        (Box::new(public(None, None)), PublicComes),
        (Box::new(public(Some(20), Some("limit"))), PublicFails),
        (Box::new(public(Some(-1), None)), PublicIsOver),
        (Box::new(public(None, Some("no answer"))), PublicIsOver),
        (Box::new(|of: &mut Machine| of.key = Some(KeyFile::Open)), KeyIsOpen),
        (Box::new(|of: &mut Machine| of.key = Some(KeyFile::Missing)), KeyIsMissing),
    ];
    for (change, expected) in cases {
        let mut of = machine();
        change(&mut of);
        let found: Vec<Finding> = judge(NOW, &of, Some(&inside())).into_iter().map(|line| line.finding).collect();
        assert!(found.contains(&expected), "{expected:?} of {found:?}");
        let others = found.iter().filter(|finding| finding.level() > Level::Good && **finding != expected);
        assert_eq!(others.count(), 0, "{expected:?} alone of {found:?}");
    }
}

#[test]
fn the_program_is_judged_by_its_facts() {
    use Finding::*;
    let late = |millis: i64| move |of: &mut Inside| of.queue.due = Some(NOW.plus(-millis));
    let second = |role: Role, lag: Option<(u64, Option<i64>, Option<i64>)>| {
        let lag = lag.map(|(groups, behind, silent)| Lag { groups, files: 0, behind, silent });
        move |of: &mut Inside| of.standby = Some(Standby { role, lag, loose: false })
    };
    let backed = |backup: Backup| move |of: &mut Inside| of.backup = Some(backup);
    let tunnelled = |tunnel: Standing| move |of: &mut Inside| of.tunnel = tunnel.clone();
    let down = |fault: Fault| Standing::Down { since: Time(9 * DAY), fault, next: NOW };
    let cases: Cases<Inside> = vec![
        (Box::new(|of: &mut Inside| of.journal.refused = Some("gone".into())), JournalRefuses),
        (Box::new(|of: &mut Inside| of.journal.trial = Some(Err("late".into()))), JournalIsSilent),
        (Box::new(|of: &mut Inside| of.journal.pending = 129 << 20), JournalIsBehind),
        (Box::new(|of: &mut Inside| of.journal.rebuilt = Some("torn".into())), JournalRebuilt),
        (Box::new(|of: &mut Inside| of.newest = Some(NOW.plus(2 * MINUTE))), ClockIsRight),
        (Box::new(|of: &mut Inside| of.newest = Some(NOW.plus(3 * MINUTE))), ClockIsBehind),
        (Box::new(late(15 * MINUTE)), QueueFlows),
        (Box::new(late(16 * MINUTE)), QueueIsSlow),
        (Box::new(late(7 * HOUR)), QueueStands),
        (Box::new(|of: &mut Inside| of.queue.asking = 1), QueueAsks),
        (Box::new(|of: &mut Inside| of.away = vec!["https://a.example".into()]), GatewayIsAway),
        (Box::new(backed(Backup::Off)), BackupIsOff),
        (Box::new(backed(Backup::Failed)), BackupFailed),
        (Box::new(backed(Backup::Coming)), BackupComes),
        (Box::new(backed(Backup::Made(Time(0), true))), BackupIsOld),
        (Box::new(second(Role::Leader, Some((0, Some(0), Some(0))))), StandbyFollows),
        (Box::new(second(Role::Leader, Some((9, Some(2 * MINUTE), Some(0))))), StandbyIsBehind),
        (Box::new(second(Role::Leader, Some((9, None, Some(2 * MINUTE))))), StandbyIsAway),
        (Box::new(second(Role::Leader, Some((9, None, None)))), StandbyNeverCame),
        (Box::new(second(Role::Follower, Some((0, Some(0), Some(0))))), StandbyHolds),
        (Box::new(second(Role::Follower, Some((9, None, Some(0))))), StandbyLags),
        (Box::new(second(Role::Follower, Some((9, None, None)))), StandbyIsCutOff),
        (Box::new(second(Role::Fenced, None)), StandbyIsFenced),
        (Box::new(second(Role::Fenced, Some((0, Some(0), Some(0))))), StandbyIsFenced),
        (
            Box::new(|of: &mut Inside| of.standby = Some(Standby { role: Role::Leader, lag: None, loose: true })),
            StandbyLoose,
        ),
        (Box::new(tunnelled(Standing::Off)), TunnelIsNone),
        (Box::new(tunnelled(Standing::Begins)), TunnelBegins),
        (Box::new(tunnelled(down(Fault::Refused))), TunnelIsDown),
        (Box::new(tunnelled(down(Fault::Unknown("SHA256:x".into())))), TunnelWaits),
        (Box::new(|of: &mut Inside| of.index.failed = Some("full".into())), SearchFails),
        (Box::new(|of: &mut Inside| of.index.building = true), SearchIsBuilt),
        (Box::new(|of: &mut Inside| of.index.ready = false), SearchIsBuilt),
        (Box::new(|of: &mut Inside| of.index.waiting = 2_000), SearchIsFresh),
        (Box::new(|of: &mut Inside| of.index.waiting = 2_001), SearchIsBehind),
        (Box::new(|of: &mut Inside| of.administrators = 0), AccountIsNone),
        (Box::new(|of: &mut Inside| of.administrators = 1), AccountIsAlone),
    ];
    for (change, expected) in cases {
        let mut of = inside();
        change(&mut of);
        let found: Vec<Finding> = judge(NOW, &machine(), Some(&of)).into_iter().map(|line| line.finding).collect();
        assert!(found.contains(&expected), "{expected:?} of {found:?}");
        let others = found.iter().filter(|finding| finding.level() > Level::Good && **finding != expected);
        assert_eq!(others.count(), 0, "{expected:?} alone of {found:?}");
    }
}

#[test]
fn every_text_is_filled_and_every_bad_line_says_what_to_do() {
    let codes: BTreeSet<&str> = Check::ALL.iter().map(|check| check.code()).collect();
    assert_eq!(codes.len(), Check::ALL.len());
    for check in Check::ALL {
        assert_eq!(Check::parse(check.code()), Some(*check));
        assert!(Finding::ALL.iter().any(|finding| finding.check() == *check), "{check:?} can be found");
    }
    for finding in Finding::ALL {
        assert!(finding.level() == Level::Good || finding.advice() != NOTHING, "{finding:?}");
        assert!(!finding.advice().contains('{'), "{finding:?}");
    }
    let mut of = inside();
    of.away = (0..7).map(|n| format!("h{n}")).collect();
    for line in judge(NOW, &machine(), Some(&of)) {
        assert!(!line.english().contains('{'), "{}", line.english());
    }
    assert_eq!(gateway(&of.away).args[0].1, "h0, h1, h2, h3, h4 (+2)");
}

#[test]
fn the_checklist_shows_what_is_not_in_order_until_it_is_dismissed_and_what_is_bad_always() {
    let mut of = inside();
    (of.backup, of.administrators, of.index.failed) = (Some(Backup::Off), 1, Some("full".into()));
    let lines = || judge(NOW, &machine(), Some(&of));
    let left =
        |list: &Checklist| -> Vec<Check> { list.left(lines()).into_iter().map(|line| line.finding.check()).collect() };
    let none = Checklist::default();
    assert_eq!(left(&none), [Check::Search, Check::Backup, Check::Account], "the worst first");
    let fewer = none.without(Check::Backup).without(Check::Search).without(Check::Backup);
    assert_eq!(fewer.dismissed, ["backup", "search"]);
    assert_eq!(left(&fewer), [Check::Search, Check::Account]);
    assert!(none.left(judge(NOW, &machine(), Some(&inside()))).is_empty());
}

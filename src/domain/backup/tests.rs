//! Names of pieces, what is due, what is kept, which chain comes back, and the form.

use super::*;
use crate::time::HOUR;
use proptest::prelude::*;

fn china() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

fn at(text: &str) -> Time {
    Time::from_local(text, &china()).unwrap()
}

#[test]
fn a_name_says_what_a_piece_is_and_nothing_else_is_one() {
    let time = at("2026-11-26T03:00");
    let pieces = [
        (Piece::Full { at: time, sequence: 7 }, "full-20261125T190000Z-7.age".to_owned()),
        (Piece::Anchor { at: time, sequence: 7 }, "anchor-20261125T190000Z-7.age".to_owned()),
        (Piece::List { at: time, sequence: 7 }, "list-20261125T190000Z-7.age".to_owned()),
        (Piece::Part { at: time, after: 7, last: 9 }, "part-20261125T190000Z-7-9.age".to_owned()),
        (Piece::File("0f".repeat(32)), format!("file-{}.age", "0f".repeat(32))),
        (Piece::Recovery, "recovery.age".to_owned()),
        (Piece::Erased, "erased.age".to_owned()),
    ];
    for (piece, name) in pieces {
        assert_eq!(piece.name(), name);
        assert_eq!(Piece::parse(&name), Some(piece));
    }
    for other in [
        "full-20261125T190000Z-7.part",
        "full-20261125T190000Z-07.age",
        "full-20261325T190000Z-7.age",
        "full-20261125T190000Z.age",
        "full-20261125T190000Z-7-8.age",
        "part-20261125T190000Z-9-9.age",
        "part-20261125T190000Z-9-8.age",
        "file-0F.age",
        "file-../x.age",
        "photo.jpg",
        "",
    ] {
        assert_eq!(Piece::parse(other), None, "{other}");
    }
}

#[test]
fn a_full_backup_is_due_once_a_day_from_its_hour_on() {
    let cases = [
        (None, "2026-11-26T00:10", true),
        (Some("2026-11-25T03:00"), "2026-11-26T02:59", false),
        (Some("2026-11-25T03:00"), "2026-11-26T03:00", true),
        (Some("2026-11-26T03:00"), "2026-11-26T03:01", false),
        // One made by hand in the afternoon counts for that day only.
        (Some("2026-11-25T15:00"), "2026-11-26T02:00", false),
        (Some("2026-11-25T15:00"), "2026-11-26T04:00", true),
        // The box was off in the night.
        (Some("2026-11-24T03:00"), "2026-11-26T01:00", true),
        (Some("2026-11-25T02:59"), "2026-11-26T01:00", true),
    ];
    for (newest, now, due) in cases {
        assert_eq!(is_due(3, newest.map(at), at(now), &china()), due, "{newest:?} {now}");
    }
}

#[test]
fn a_part_is_due_when_its_minutes_passed_and_something_changed() {
    let plan = |minutes| BackupPlan {
        on: true,
        folder: String::new(),
        line: String::new(),
        hour: 3,
        minutes,
        keep: Keep::default(),
        recipient: String::new(),
        sealed: Vec::new(),
        others: Vec::new(),
        revision: 0,
    };
    let full = at("2026-11-26T03:00");
    let held = |newest: &str, last| Held { full: Some(full), newest: Some((at(newest), last)) };
    let cases = [
        (5, Held::default(), 9, "2026-11-26T10:00", Due::Full),
        (5, held("2026-11-26T09:56", 7), 9, "2026-11-26T10:00", Due::Nothing),
        (5, held("2026-11-26T09:55", 7), 9, "2026-11-26T10:00", Due::Part(7)),
        (5, held("2026-11-26T09:55", 9), 9, "2026-11-26T10:00", Due::Nothing),
        (0, held("2026-11-26T03:00", 7), 9, "2026-11-26T10:00", Due::Nothing),
        (5, held("2026-11-27T02:59", 7), 9, "2026-11-27T03:00", Due::Full),
        (5, held("2026-11-26T12:00", 7), 9, "2026-11-26T10:00", Due::Part(7)),
    ];
    for (minutes, held, sequence, now, due) in cases {
        assert_eq!(plan(minutes).due(held, sequence, at(now), &china()), due, "{minutes} {held:?} {now}");
    }
}

#[test]
fn days_weeks_and_months_keep_their_newest() {
    let keep = Keep { days: 3, weeks: 2, months: 2 };
    let full: Vec<(Time, u64)> = [
        "2026-08-31T03:00",
        "2026-09-30T03:00",
        "2026-10-31T03:00",
        "2026-11-15T03:00",
        "2026-11-22T03:00",
        "2026-11-23T03:00",
        "2026-11-24T03:00",
        "2026-11-25T03:00",
        "2026-11-25T16:00",
    ]
    .into_iter()
    .zip(1..)
    .map(|(text, n)| (at(text), n))
    .collect();
    let numbers: Vec<u64> = kept(&full, keep, &china()).into_iter().map(|(_, n)| n).collect();
    // Days: 25 (its newer one), 24, 23. Weeks: of the 25th and of the 22nd. Months: November and October.
    assert_eq!(numbers, [3, 5, 6, 7, 9]);
    let spare = Shelf { full, parts: Vec::new() }.spare(keep, &china());
    assert_eq!(spare.len(), 8, "each with its list");
}

#[test]
fn a_chain_has_no_gap_and_ends_by_the_asked_instant() {
    let time = |n: i64| Time(n * HOUR);
    let shelf = Shelf {
        full: vec![(time(1), 10), (time(5), 50)],
        parts: vec![(time(2), 10, 20), (time(3), 20, 30), (time(4), 30, 40), (time(6), 50, 60), (time(8), 70, 80)],
    };
    let reached = |until: Option<i64>| shelf.chain(until.map(time)).map(|chain| (chain.full.1, chain.sequence()));
    assert_eq!(reached(Some(0)), None);
    assert_eq!(reached(Some(1)), Some((10, 10)));
    assert_eq!(reached(Some(3)), Some((10, 30)));
    assert_eq!(reached(Some(5)), Some((50, 50)));
    assert_eq!(reached(None), Some((50, 60)), "not over the gap");
    assert_eq!(shelf.newest(), Some((time(8), 80)));
    // A full backup that went bad and was removed: the parts go on from the one before it when nothing is missing.
    let rest = Shelf { full: vec![(time(1), 10)], parts: [&shelf.parts[..3], &[(time(6), 40, 60)]].concat() };
    assert_eq!(rest.chain(None).unwrap().sequence(), 60);
}

#[test]
fn a_form_is_checked() {
    let good = PlanInput {
        on: true,
        folder: "/mnt/backup/".into(),
        user: String::new(),
        secret: String::new(),
        hour: "3".into(),
        minutes: "5".into(),
        keep: ["7".into(), "5".into(), "12".into()],
        others: "\n age1x \n".into(),
        passphrase: Default::default(),
        revision: 0,
    };
    let planned = good.check().unwrap();
    assert_eq!((planned.home.text().as_str(), planned.others.as_slice()), ("/mnt/backup", &["age1x".to_owned()][..]));
    assert_eq!(planned.access, None);
    let away = PlanInput { folder: "https://nas/dav".into(), user: "box".into(), secret: "s".into(), ..good.clone() };
    assert_eq!(away.check().unwrap().access, Some(("box".to_owned(), "s".to_owned())));
    type Change = fn(&mut PlanInput);
    let bad: [(&str, Change); 16] = [
        ("folder", |form| form.folder = String::new()),
        ("folder", |form| form.folder = "backup".into()),
        ("folder", |form| form.folder = "/".into()),
        ("folder", |form| form.folder = "/mnt/../etc".into()),
        ("folder", |form| form.folder = "ftp://nas/backup".into()),
        ("user", |form| form.folder = "https://nas/dav".into()),
        ("user", |form| (form.folder, form.user) = ("https://nas/dav".into(), "a:b".into())),
        ("secret", |form| {
            (form.folder, form.user, form.secret) = ("https://nas/dav".into(), "a".into(), "x".repeat(501))
        }),
        ("hour", |form| form.hour = "24".into()),
        ("minutes", |form| form.minutes = "7".into()),
        ("days", |form| form.keep[0] = "0".into()),
        ("weeks", |form| form.keep[1] = "-1".into()),
        ("months", |form| form.keep[2] = "401".into()),
        ("others", |form| form.others = "x\n".repeat(6)),
        ("passphrase", |form| form.passphrase = ("short".into(), "short".into())),
        ("passphrase2", |form| form.passphrase = ("long enough it is".into(), "another one".into())),
    ];
    for (field, change) in bad {
        let mut form = good.clone();
        change(&mut form);
        let refusal = form.check().unwrap_err();
        assert_eq!(refusal.problems.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>(), [field]);
    }
}

proptest! {
    /// Whatever was taken and dropped on the way, after each clearing the newest state is there whole, and so is each instant of the
    /// newest day.
    #[test]
    fn clearing_never_breaks_the_newest_chain(steps in proptest::collection::vec((0u8..12, 1i64..9), 1..120), days in 1u16..4) {
        let keep = Keep { days, weeks: 2, months: 2 };
        let (mut shelf, mut now, mut group) = (Shelf::default(), at("2026-01-01T00:00"), 0u64);
        for (kind, hours) in steps {
            now = now.plus(hours * HOUR);
            let newest = shelf.newest();
            group += 1;
            match newest {
                Some((_, last)) if kind > 0 => shelf.parts.push((now, last, group)),
                _ => shelf.full.push((now, group)),
            }
            let spare: BTreeSet<Piece> = shelf.spare(keep, &china()).into_iter().collect();
            shelf.full.retain(|(at, sequence)| !spare.contains(&Piece::Full { at: *at, sequence: *sequence }));
            shelf.parts.retain(|(at, after, last)| !spare.contains(&Piece::Part { at: *at, after: *after, last: *last }));
            let chain = shelf.chain(None).unwrap();
            prop_assert_eq!((chain.at(), chain.sequence()), (now, group));
            let newest = shelf.full.last().unwrap().0;
            for (at, _, last) in shelf.parts.iter().filter(|(at, ..)| at.since(newest) >= 0) {
                prop_assert_eq!(shelf.chain(Some(*at)).unwrap().sequence(), *last);
            }
        }
    }
}

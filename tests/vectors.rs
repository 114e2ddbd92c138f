//! The door's rules in the terminal's page and on the box: the same vectors, made by the box's own rules, run in both.

use domain::{
    CheckinList, EventId, GateId, GroupId, ListId, ScanId, TicketId, TicketState, TicketTypeId, Time, Window,
    checkin::{
        Among, Attempt, Compare, Decision, Direction, Door, Entry, MultiEntry, Pass, Rule, Side, Standing, Test, decide,
    },
    event::EventState,
    field::{Field, FieldKind},
    time::{DAY, HOUR, MINUTE},
};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

/// Wednesday 2026-11-25, 09:30 in Shanghai.
const AT: i64 = 1_795_570_200_000;
/// New York's clocks went back on 2026-11-01 at 06:00 UTC; Kathmandu's hours begin at a quarter of those of UTC.
const ZONES: [(&str, i64); 4] = [
    ("Asia/Shanghai", AT),
    ("America/New_York", 1_793_512_800_000),
    ("Asia/Kathmandu", AT),
    ("Pacific/Kiritimati", AT + 4 * HOUR),
];

/// A splitmix64 stream: the same vectors each time, and new ones with another seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.roll(of.len() as u64)).unwrap()].clone()
    }

    fn some(&mut self, end: u64) -> Vec<u64> {
        (0..end).filter(|_| self.roll(2) == 0).collect()
    }

    fn near(&mut self, at: i64, span: i64) -> i64 {
        // Whole minutes often, so that edges are met.
        let off = i64::try_from(self.roll(2 * span.unsigned_abs())).unwrap() - span;
        at + if self.roll(2) == 0 { off / MINUTE * MINUTE } else { off }
    }
}

fn test(dice: &mut Dice, at: i64) -> Test {
    let among = dice.one(&[Among::Is, Among::Not]);
    let compare = dice.one(&[Compare::AtMost, Compare::AtLeast]);
    let few = u32::try_from(dice.roll(4)).unwrap();
    match dice.roll(10) {
        0 => Test::Kind(among, dice.some(4).into_iter().map(TicketTypeId).collect()),
        1 => Test::Group(among, dice.some(4).into_iter().map(GroupId).collect()),
        2 => Test::Gate(among, dice.some(4).into_iter().map(GateId).collect()),
        3 => Test::Time(dice.one(&[Side::Before, Side::After]), Time(dice.near(at, HOUR))),
        4 => {
            let (from, to) = (dice.roll(24 * 60), dice.roll(24 * 60 + 1));
            Test::Clock { from: u16::try_from(from).unwrap(), to: u16::try_from(to).unwrap() }
        }
        5 => Test::Weekday((1..=7).filter(|_| dice.roll(2) == 0).collect()),
        6 => Test::Entries(compare, few),
        7 => Test::EntriesToday(compare, few),
        8 => Test::EntriesSince(Time(dice.near(at, DAY)), compare, few),
        _ => Test::SinceLast(compare, u32::try_from(dice.roll(120)).unwrap()),
    }
}

fn rule(dice: &mut Dice, at: i64, depth: u8) -> Rule {
    let parts = |dice: &mut Dice| (0..=dice.roll(3)).map(|_| rule(dice, at, depth + 1)).collect();
    match dice.roll(if depth > 2 { 1 } else { 3 }) {
        1 => Rule::All(parts(dice)),
        2 => Rule::Any(parts(dice)),
        _ => Rule::Is(test(dice, at)),
    }
}

fn question(id: u16, required: bool) -> Field {
    Field {
        id,
        label: format!("q{id}"),
        kind: FieldKind::Text,
        required,
        help: String::new(),
        choices: Vec::new(),
        ..Field::default()
    }
}

fn list(dice: &mut Dice, at: i64) -> CheckinList {
    CheckinList {
        id: ListId(dice.roll(3)),
        kinds: if dice.roll(4) == 0 { dice.some(4).into_iter().map(TicketTypeId).collect() } else { Vec::new() },
        window: (dice.roll(2) == 0)
            .then(|| Window { from: Time(dice.near(at - HOUR, HOUR)), to: Time(dice.near(at + HOUR, HOUR)) }),
        multi: dice.one(MultiEntry::ALL),
        exit_hour: (dice.roll(2) == 0).then(|| u8::try_from(dice.roll(24)).unwrap()),
        capacity: (dice.roll(3) == 0).then(|| u32::try_from(dice.roll(4)).unwrap()),
        collected: dice.roll(5) == 0,
        rules: (dice.roll(2) == 0).then(|| rule(dice, at, 0)),
        questions: if dice.roll(4) == 0 { vec![question(1, true), question(2, false)] } else { Vec::new() },
        ..CheckinList::main(EventId(1))
    }
}

fn standing(dice: &mut Dice, at: i64) -> Standing {
    let mut standing = Standing::default();
    for n in 0..dice.roll(5) {
        let moved = Entry { at: Time(dice.near(at - 12 * HOUR, 14 * HOUR)), scan: ScanId(n + 1) };
        if dice.roll(3) == 0 { standing.leave(moved) } else { standing.enter(moved) }
    }
    standing
}

fn said(decision: &Decision) -> Value {
    let mut said = json!({ "verdict": decision.verdict.code() });
    if let Some(reason) = decision.verdict.reason() {
        said["reason"] = json!(reason.code());
    }
    if reason_is_rule(decision) {
        said["failed"] = json!(decision.failed);
    }
    if !decision.open.is_empty() {
        said["open"] = json!(decision.open);
    }
    said
}

fn reason_is_rule(decision: &Decision) -> bool {
    decision.verdict.reason() == Some(domain::checkin::Reason::Rule)
}

fn vector(dice: &mut Dice) -> Value {
    let (name, base) = dice.one(&ZONES);
    let zone = domain::time::zone(name).unwrap();
    let at = dice.near(base, 30 * HOUR);
    let list = list(dice, at);
    let state = if dice.roll(20) == 0 { EventState::Withdrawn } else { EventState::Published };
    let checkin = (dice.roll(10) > 0).then(|| Window { from: Time(at - 5 * HOUR), to: Time(at + 5 * HOUR) });
    let door = Door::of(EventId(1), state, checkin, Time(dice.near(at + 5 * HOUR, 6 * HOUR)), list);
    let pass = (dice.roll(20) > 0).then(|| Pass {
        ticket: TicketId(7),
        event: EventId(if dice.roll(20) == 0 { 2 } else { 1 }),
        kind: TicketTypeId(dice.roll(4)),
        group: (dice.roll(2) == 0).then(|| GroupId(dice.roll(4))),
        barred: (dice.roll(6) == 0).then(|| dice.one(&TicketState::ALL[1..]).bars()).flatten(),
        collected: dice.roll(2) == 0,
    });
    let standing = standing(dice, at);
    let answered: Vec<u16> = if dice.roll(2) == 0 { vec![1] } else { Vec::new() };
    let attempt = Attempt {
        direction: dice.one(&[Direction::Entry, Direction::Entry, Direction::Exit]),
        at: Time(at),
        gate: (dice.roll(2) == 0).then(|| GateId(dice.roll(4))),
        answered: &answered,
        inside: i64::try_from(dice.roll(4)).unwrap(),
        force: dice.roll(12) == 0,
    };
    let decision = decide(pass.as_ref(), &standing, &door, &attempt, &zone);
    let pair = |entry: Entry| json!([entry.at, entry.scan]);
    json!({
        "zone": name, "door": web::api::door::door(&door),
        "pass": pass.map(|pass| json!({
            "event": pass.event, "kind": pass.kind, "group": pass.group, "barred": pass.barred, "collected": pass.collected,
        })),
        "standing": { "entries": standing.entries().map(pair).collect::<Vec<_>>(), "exit": standing.exit().map(pair) },
        "attempt": {
            "direction": attempt.direction, "at": at, "gate": attempt.gate, "answered": answered, "inside": attempt.inside,
            "force": attempt.force,
        },
        "said": said(&decision),
    })
}

/// Codes as guns and people enter them, with the digits that the box reads out of them.
fn codes() -> Vec<Value> {
    let number = domain::code::ticket_number(42);
    let wide: String = number.chars().map(|c| char::from_u32(c as u32 + 0xfee0).unwrap()).collect();
    let texts = [
        number.clone(),
        wide,
        format!(" {}-{} ", &number[..4], &number[4..]),
        format!("http://box/t/{number}"),
        "12345678".into(),
        "123456789".into(),
        String::new(),
        "abc".into(),
    ];
    let read = |text: &String| match domain::code::read(text) {
        domain::code::Scanned::Number(digits) | domain::code::Scanned::Attend(digits) => digits,
        domain::code::Scanned::Misread | domain::code::Scanned::Other => String::new(),
    };
    texts.iter().map(|text| json!([text, read(text), service::checkin::hash("盐/1/", text)])).collect()
}

#[test]
fn a_terminal_that_is_alone_decides_as_the_box_would() {
    let mut dice = Dice(20_261_126);
    let vectors: Vec<Value> = (0..6_000).map(|_| vector(&mut dice)).collect();
    // Every answer that a door gives is among them, or the vectors prove nothing.
    for word in [
        "unknown",
        "wrong_event",
        "wrong_list",
        "canceled",
        "unapproved",
        "unpaid",
        "refunded",
        "blocked",
        "not_collected",
        "not_yet",
        "too_late",
        "rule",
        "already_in",
        "not_in",
        "event_full",
    ] {
        let found = vectors.iter().filter(|vector| vector["said"]["reason"] == word).count();
        assert!(found >= 20, "{word} stands in {found} vectors");
    }
    for verdict in ["admitted", "incomplete"] {
        assert!(vectors.iter().filter(|vector| vector["said"]["verdict"] == verdict).count() >= 20, "{verdict}");
    }
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut node = Command::new("node")
        .arg(format!("{root}/tests/browser/vectors.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let body = json!({ "vectors": vectors, "codes": codes() }).to_string();
    let mut input = node.stdin.take().unwrap();
    let writing = std::thread::spawn(move || input.write_all(body.as_bytes()));
    let done = node.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    let (out, wrong) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out}\n{wrong}");
    assert_eq!(out.trim(), format!("{} decisions and {} codes are the same", vectors.len(), codes().len()));
}

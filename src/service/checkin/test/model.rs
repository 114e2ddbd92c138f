//! Random scans, exits, undos, uploads and changes against a model that is as simple as can be.

use super::{Law, SPACE, change, input, long, paired};
use crate::{
    Actor,
    checkin::{self, Upload, Which},
    ctx::test::{Dice, Hall},
    registration,
    test::{founded, named, scan},
};
use domain::{
    EventId, GateId, ListId, ScanId, Ticket, Time,
    checkin::{Direction, ListInput, MultiEntry, Reason, Request, Verdict},
    device::Post,
    time::{DAY, HOUR, MINUTE, SECOND},
};
use std::collections::{BTreeMap, BTreeSet};

/// What the model keeps of a list's settings.
#[derive(Debug, Clone)]
struct Laws {
    multi: MultiEntry,
    exit_hour: Option<u8>,
    capacity: Option<u32>,
    law: Law,
}

/// One scan that admitted somebody, as the model keeps it.
#[derive(Debug, Clone)]
struct Move {
    scan: ScanId,
    list: ListId,
    ticket: usize,
    direction: Direction,
    at: i64,
    gone: bool,
}

/// Everything the model knows: settings, moves that count, and how many were refused.
struct Model {
    laws: BTreeMap<ListId, Laws>,
    moves: Vec<Move>,
    refused: BTreeMap<ListId, i64>,
    canceled: BTreeSet<usize>,
    zone: jiff::tz::TimeZone,
}

impl Model {
    fn entries(&self, list: ListId, ticket: usize) -> Vec<&Move> {
        let of = |m: &&Move| m.list == list && m.ticket == ticket && !m.gone && m.direction == Direction::Entry;
        self.moves.iter().filter(of).collect()
    }

    /// The day a shift began on, from the local clock alone.
    fn shift(&self, at: i64, hour: u8) -> i64 {
        // Shanghai has been eight hours ahead all year since 1992.
        (at + 8 * HOUR - i64::from(hour) * HOUR).div_euclid(DAY)
    }

    fn inside(&self, list: ListId, ticket: usize, now: i64) -> bool {
        let mut last: Option<&Move> = None;
        for m in self.moves.iter().filter(|m| m.list == list && m.ticket == ticket && !m.gone) {
            if last.is_none_or(|l| (l.at, l.scan) < (m.at, m.scan)) {
                last = Some(m);
            }
        }
        // The last move decides; an entry counts until the hour strikes.
        let Some(m) = last.filter(|m| m.direction == Direction::Entry) else { return false };
        self.laws[&list].exit_hour.is_none_or(|hour| self.shift(m.at, hour) == self.shift(now, hour))
    }

    fn say(
        &self,
        list: ListId,
        ticket: usize,
        direction: Direction,
        at: i64,
        gate: Option<GateId>,
        all: usize,
    ) -> Verdict {
        let laws = &self.laws[&list];
        if self.canceled.contains(&ticket) {
            return Verdict::Refused(Reason::Canceled);
        }
        let inside = self.inside(list, ticket, at);
        if direction == Direction::Exit {
            return if inside { Verdict::Admitted } else { Verdict::Refused(Reason::NotIn) };
        }
        let entries = self.entries(list, ticket);
        let today = entries.iter().filter(|m| self.shift(m.at, 0) == self.shift(at, 0)).count();
        let last = entries.iter().map(|m| m.at).max();
        let lawful = match laws.law {
            Law::None => true,
            Law::FewToday(most) => today <= most as usize,
            Law::Waited(minutes) => last.is_none_or(|last| (at - last).max(0) / MINUTE >= i64::from(minutes)),
            Law::AtGate(wanted) => gate == Some(wanted),
            Law::Morning => (6..12).contains(&Time(at).zoned(&self.zone).hour()),
        };
        if !lawful {
            return Verdict::Refused(Reason::Rule);
        }
        let again = match laws.multi {
            MultiEntry::Once => !entries.is_empty(),
            MultiEntry::OncePerDay => today > 0,
            MultiEntry::AfterExit => inside,
            MultiEntry::Unlimited => false,
        };
        if again {
            return Verdict::Refused(Reason::AlreadyIn);
        }
        let people = (0..all).filter(|other| self.inside(list, *other, at)).count();
        if !inside && laws.capacity.is_some_and(|most| people >= most as usize) {
            return Verdict::Refused(Reason::EventFull);
        }
        Verdict::Admitted
    }
}

#[tokio::test]
async fn random_scans_exits_undos_uploads_and_changes_are_answered_as_a_simple_model_does() {
    use crate::ctx::Random;
    for seed in 1..=8 {
        let dice = Dice::new(seed);
        let roll = |end: usize| (dice.number() % end as u64) as usize;
        let (hall, admin) = founded().await;
        let (event, kind) = long(&hall, &admin).await;
        let gate = checkin::add_gate(&hall.ctx, &admin, event, "东门").await.unwrap();
        let second = checkin::save_list(&hall.ctx, &admin, event, None, &input("晚宴")).await.unwrap();
        let lists = [ListId::MAIN, second];
        let mut tickets: Vec<Ticket> = Vec::new();
        for n in 0..6 {
            let added = registration::add(&hall.ctx, &admin, event, kind, "", &named(&format!("人{n}"), "")).await;
            tickets.push(added.unwrap());
        }
        let (_, east) = paired(&hall, &admin, event, Post { gate: Some(gate), ..Post::default() }).await;
        let (_, west) = paired(&hall, &admin, event, Post::default()).await;
        let actors = [(&admin, None), (&east, Some(gate)), (&west, None)];
        let plain = Laws { multi: MultiEntry::Once, exit_hour: None, capacity: None, law: Law::None };
        let mut model = Model {
            laws: lists.iter().map(|list| (*list, plain.clone())).collect(),
            moves: Vec::new(),
            refused: lists.iter().map(|list| (*list, 0)).collect(),
            canceled: BTreeSet::new(),
            zone: domain::time::zone("Asia/Shanghai").unwrap(),
        };
        let mut told: BTreeMap<(usize, String), (ScanId, Verdict)> = BTreeMap::new();
        for step in 0..220 {
            let what = format!("seed {seed}, step {step}");
            let (at, list, who) = (roll(tickets.len()), lists[roll(2)], roll(3));
            let (actor, gate) = actors[who];
            let now = hall.ctx.now().0;
            match roll(16) {
                0..=5 => {
                    let nonce = format!("n{}", roll(120));
                    let direction = if roll(3) == 0 { Direction::Exit } else { Direction::Entry };
                    let mut request = scan(&tickets[at].number, &nonce);
                    (request.list, request.direction) = (Some(list), Some(direction));
                    let answer = checkin::redeem(&hall.ctx, actor, event, request).await.unwrap();
                    if let Some(before) = told.get(&(who, nonce.clone())) {
                        assert_eq!((answer.scan, answer.verdict), *before, "{what}: one nonce, one answer");
                        continue;
                    }
                    let said = model.say(list, at, direction, now, gate, tickets.len());
                    assert_eq!(answer.verdict, said, "{what}: {:?} {direction:?}", model.laws[&list]);
                    told.insert((who, nonce), (answer.scan, said));
                    if said == Verdict::Admitted {
                        model.moves.push(Move { scan: answer.scan, list, ticket: at, direction, at: now, gone: false });
                    } else {
                        *model.refused.get_mut(&list).unwrap() += 1;
                    }
                }
                6..=7 => {
                    // A terminal was alone: what it admitted stays admitted, whatever the box would have said.
                    let mut scans = Vec::new();
                    for n in 0..=roll(2) {
                        let ticket = roll(tickets.len());
                        let direction = if roll(4) == 0 { Direction::Exit } else { Direction::Entry };
                        let at = now - (roll(90) as i64) * MINUTE;
                        let verdict =
                            if roll(5) == 0 { Verdict::Refused(Reason::AlreadyIn) } else { Verdict::Admitted };
                        let request = Request {
                            list: Some(list),
                            direction: Some(direction),
                            scanned_at: Some(Time(at)),
                            ..scan(&tickets[ticket].number, &format!("off{step}-{n}"))
                        };
                        scans.push((ticket, direction, at, Upload { request, verdict }));
                    }
                    let uploads: Vec<_> = scans.iter().map(|scan| scan.3.clone()).collect();
                    for _ in 0..=roll(2) {
                        let answers = checkin::upload(&hall.ctx, actor, event, uploads.clone()).await.unwrap();
                        for ((ticket, direction, at, upload), answer) in scans.iter().zip(answers) {
                            let answer = answer.unwrap();
                            assert_eq!(answer.verdict, upload.verdict, "{what}");
                            let known = model.moves.iter().any(|m| m.scan == answer.scan);
                            let repeated = told.contains_key(&(who, upload.request.nonce.clone()));
                            assert!(!known || repeated, "{what}");
                            if repeated {
                                continue;
                            }
                            let said = model.say(list, *ticket, *direction, *at, gate, tickets.len());
                            let conflict = said.reason().filter(|_| upload.verdict == Verdict::Admitted);
                            assert_eq!(answer.conflict, conflict, "{what}");
                            told.insert((who, upload.request.nonce.clone()), (answer.scan, answer.verdict));
                            if upload.verdict == Verdict::Admitted {
                                model.moves.push(Move {
                                    scan: answer.scan,
                                    list,
                                    ticket: *ticket,
                                    direction: *direction,
                                    at: *at,
                                    gone: false,
                                });
                            } else {
                                *model.refused.get_mut(&list).unwrap() += 1;
                            }
                        }
                    }
                }
                8..=9 if !model.moves.is_empty() => {
                    let chosen = roll(model.moves.len());
                    let scan = model.moves[chosen].scan;
                    checkin::annul(&hall.ctx, &admin, event, Which::Scan(scan)).await.unwrap();
                    model.moves[chosen].gone = true;
                }
                // A clock that was wrong is put back, too.
                10..=11 => hall.advance([SECOND, 7 * MINUTE, 50 * MINUTE, 5 * HOUR, -4 * MINUTE, -2 * HOUR][roll(6)]),
                12 => {
                    let laws = Laws {
                        multi: MultiEntry::ALL[roll(4)],
                        exit_hour: [None, Some(4), Some(12)][roll(3)],
                        capacity: [None, Some(2), Some(4)][roll(3)],
                        law: [
                            Law::None,
                            Law::None,
                            Law::FewToday(1),
                            Law::Waited(30),
                            Law::AtGate(actors[1].1.unwrap()),
                            Law::Morning,
                        ][roll(6)],
                    };
                    let form = ListInput {
                        multi: laws.multi.code().into(),
                        exit_hour: laws.exit_hour.map_or(String::new(), |hour| hour.to_string()),
                        capacity: laws.capacity.map_or(String::new(), |most| most.to_string()),
                        rules: laws.law.json(),
                        ..input("名单")
                    };
                    let name = if list == ListId::MAIN { "" } else { "晚宴" };
                    change(&hall, &admin, event, list, &ListInput { name: name.into(), ..form }).await;
                    model.laws.insert(list, laws);
                }
                13 => {
                    let admitted = lists.iter().any(|list| !model.entries(*list, at).is_empty());
                    let done = registration::cancel(&hall.ctx, &admin, event, tickets[at].id).await;
                    assert_eq!(done.is_ok(), !model.canceled.contains(&at) && !admitted, "{what}");
                    if done.is_ok() {
                        model.canceled.insert(at);
                    } else if registration::restore(&hall.ctx, &admin, event, tickets[at].id).await.is_ok() {
                        model.canceled.remove(&at);
                    }
                }
                14 => {
                    let group = ["", "嘉宾", "员工"][roll(3)].to_owned();
                    let act = registration::Bulk::Group(group);
                    registration::bulk(&hall.ctx, &admin, event, &[tickets[at].id], &act).await.unwrap();
                }
                _ => {
                    // What is in memory is derived: it may be dropped at any time.
                    hall.ctx.memory.presence.forget((SPACE, event));
                    hall.ctx.memory.cards.forget((SPACE, event));
                }
            }
            for list in lists {
                let counts = checkin::list_counts(&hall.ctx, SPACE, event, list).unwrap();
                let came = (0..tickets.len()).filter(|ticket| !model.entries(list, *ticket).is_empty()).count();
                let now = hall.ctx.now().0;
                let inside = (0..tickets.len()).filter(|ticket| model.inside(list, *ticket, now)).count();
                let expected = (came as i64, inside as i64, model.refused[&list]);
                assert_eq!((counts.admitted, counts.inside, counts.refused), expected, "{what}, list {list}");
            }
        }
        recount(&hall, &admin, event, &lists);
    }
}

/// Counts of gates, scanners, types and groups against the log itself; and the store and the log's chain are sound.
fn recount(hall: &Hall, admin: &Actor, event: EventId, lists: &[ListId]) {
    for list in lists {
        let figures = checkin::figures(&hall.ctx, admin, event, *list).unwrap();
        let admitted = figures.counts.admitted;
        assert_eq!(figures.kinds.iter().map(|share| share.admitted).sum::<i64>(), admitted);
        assert_eq!(figures.arrivals.iter().map(|(_, count)| count).sum::<i64>(), admitted);
        assert_eq!(figures.refusals.iter().map(|(_, count)| count).sum::<i64>(), figures.counts.refused);
        let sum = |all: &[checkin::Worked]| {
            all.iter().fold((0, 0, 0), |sum, row| {
                (sum.0 + row.work.entries, sum.1 + row.work.exits, sum.2 + row.work.refused)
            })
        };
        assert_eq!(sum(&figures.gates), sum(&figures.scanners));
        assert_eq!(sum(&figures.gates).2, figures.counts.refused);
        assert!(figures.groups.iter().map(|share| share.admitted).sum::<i64>() <= admitted);
    }
    let report = hall.ctx.store().verify();
    assert!(report.is_sound(), "{report}");
    let logs = checkin::vouch::verify(&hall.ctx, SPACE).unwrap();
    assert!(logs.problems.is_empty() && logs.blocks > 0, "{logs}");
}

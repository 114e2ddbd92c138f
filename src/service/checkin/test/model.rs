//! Random scans, exits, undos, uploads and changes against a model that is as simple as can be.

use super::{Law, SPACE, change, input, long, paired};
use crate::{
    Actor,
    checkin::{self, Upload, Which},
    ctx::test::{Dice, Hall},
    registration,
    test::{founded, named, scan},
    ticket_type,
};
use domain::{
    EventId, GateId, ListId, ScanId, Ticket, TicketTypeId, Time,
    checkin::{Direction, ListInput, MultiEntry, Reason, Request, Verdict},
    device::Post,
    field::{Field, FieldKind},
    ticket_type::TicketTypeInput,
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
    /// The one ticket type that it takes.
    kind: Option<TicketTypeId>,
    /// Entries between these times.
    window: Option<(i64, i64)>,
    /// It asks a question that must be answered.
    asks: bool,
}

/// One scan that admitted somebody, as the model keeps it.
#[derive(Debug, Clone)]
struct Move {
    scan: ScanId,
    list: ListId,
    ticket: usize,
    direction: Direction,
    at: i64,
    gate: Option<GateId>,
    gone: bool,
}

/// Type, group and gate of a refused scan.
type Turned = (TicketTypeId, &'static str, Option<GateId>);

/// Everything the model knows: settings, moves that count, and what was refused.
struct Model {
    laws: BTreeMap<ListId, Laws>,
    moves: Vec<Move>,
    refused: BTreeMap<ListId, Vec<Turned>>,
    /// Who answered the question of a list.
    answered: BTreeSet<(ListId, usize)>,
    kinds: Vec<TicketTypeId>,
    groups: Vec<&'static str>,
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
        self.inside_since(list, ticket, now).is_some()
    }

    fn inside_since(&self, list: ListId, ticket: usize, now: i64) -> Option<&Move> {
        let mut last: Option<&Move> = None;
        for m in self.moves.iter().filter(|m| m.list == list && m.ticket == ticket && !m.gone) {
            if last.is_none_or(|l| (l.at, l.scan) < (m.at, m.scan)) {
                last = Some(m);
            }
        }
        // The last move decides; an entry counts until the hour strikes.
        let m = last.filter(|m| m.direction == Direction::Entry)?;
        let stays = self.laws[&list].exit_hour.is_none_or(|hour| self.shift(m.at, hour) == self.shift(now, hour));
        stays.then_some(m)
    }

    fn refuse(&mut self, list: ListId, ticket: usize, gate: Option<GateId>) {
        let turned = (self.kinds[ticket], self.groups[ticket], gate);
        self.refused.get_mut(&list).unwrap().push(turned);
    }

    /// What a table of figures says of its tickets: inside, refused.
    fn part(&self, list: ListId, now: i64, of: impl Fn(&Turned) -> bool) -> (i64, i64) {
        let inside = (0..self.kinds.len()).filter_map(|ticket| {
            let since = self.inside_since(list, ticket, now)?;
            of(&(self.kinds[ticket], self.groups[ticket], since.gate)).then_some(())
        });
        (inside.count() as i64, self.refused[&list].iter().filter(|turned| of(turned)).count() as i64)
    }

    fn say(
        &self,
        list: ListId,
        ticket: usize,
        direction: Direction,
        at: i64,
        gate: Option<GateId>,
        answers: bool,
    ) -> Verdict {
        let laws = &self.laws[&list];
        if laws.kind.is_some_and(|kind| kind != self.kinds[ticket]) {
            return Verdict::Refused(Reason::WrongList);
        }
        if self.canceled.contains(&ticket) {
            return Verdict::Refused(Reason::Canceled);
        }
        let inside = self.inside(list, ticket, at);
        if direction == Direction::Exit {
            return if inside { Verdict::Admitted } else { Verdict::Refused(Reason::NotIn) };
        }
        match laws.window {
            Some((from, _)) if at < from => return Verdict::Refused(Reason::NotYet),
            Some((_, to)) if at > to => return Verdict::Refused(Reason::TooLate),
            _ => {}
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
        if laws.asks && !answers && !self.answered.contains(&(list, ticket)) {
            return Verdict::Incomplete;
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
        let people = (0..self.kinds.len()).filter(|other| self.inside(list, *other, at)).count();
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
        let other = TicketTypeInput { name: "贵宾".into(), enabled: true, ..TicketTypeInput::default() };
        let kinds = [kind, ticket_type::save(&hall.ctx, &admin, event, None, &other).await.unwrap()];
        let mut tickets: Vec<Ticket> = Vec::new();
        for n in 0..6 {
            let added =
                registration::add(&hall.ctx, &admin, event, kinds[n % 2], "", &named(&format!("人{n}"), "")).await;
            tickets.push(added.unwrap());
        }
        let (_, east) = paired(&hall, &admin, event, Post { gate: Some(gate), ..Post::default() }).await;
        let (_, west) = paired(&hall, &admin, event, Post::default()).await;
        let actors = [(&admin, None), (&east, Some(gate)), (&west, None)];
        let plain = Laws {
            multi: MultiEntry::Once,
            exit_hour: None,
            capacity: None,
            law: Law::None,
            kind: None,
            window: None,
            asks: false,
        };
        // One question of each list, whether it is asked or not.
        let mut questions: BTreeMap<ListId, u16> = BTreeMap::new();
        let mut model = Model {
            laws: lists.iter().map(|list| (*list, plain.clone())).collect(),
            moves: Vec::new(),
            refused: lists.iter().map(|list| (*list, Vec::new())).collect(),
            answered: BTreeSet::new(),
            kinds: tickets.iter().map(|ticket| ticket.kind).collect(),
            groups: vec![""; tickets.len()],
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
                    let answers = model.laws[&list].asks && roll(2) == 0;
                    if answers {
                        request.answers = vec![(questions[&list], "L".into())];
                    }
                    let answer = checkin::redeem(&hall.ctx, actor, event, request).await.unwrap();
                    if let Some(before) = told.get(&(who, nonce.clone())) {
                        assert_eq!((answer.scan, answer.verdict), *before, "{what}: one nonce, one answer");
                        continue;
                    }
                    let said = model.say(list, at, direction, now, gate, answers);
                    assert_eq!(answer.verdict, said, "{what}: {:?} {direction:?}", model.laws[&list]);
                    told.insert((who, nonce), (answer.scan, said));
                    match said {
                        Verdict::Admitted => {
                            let scan = answer.scan;
                            model.moves.push(Move { scan, list, ticket: at, direction, at: now, gate, gone: false });
                            if answers {
                                model.answered.insert((list, at));
                            }
                        }
                        Verdict::Refused(_) => model.refuse(list, at, gate),
                        Verdict::Incomplete => {}
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
                            let said = model.say(list, *ticket, *direction, *at, gate, false);
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
                                    gate,
                                    gone: false,
                                });
                            } else {
                                model.refuse(list, *ticket, gate);
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
                        kind: [None, None, Some(kinds[0]), Some(kinds[1])][roll(4)],
                        // The main list has the event's own time.
                        window: [None, None, Some((-HOUR, HOUR)), Some((HOUR, DAY)), Some((-DAY, -HOUR))][roll(5)]
                            .filter(|_| list != ListId::MAIN)
                            .map(|(from, to)| ((now + from).div_euclid(MINUTE), (now + to).div_euclid(MINUTE)))
                            .map(|(from, to)| (from * MINUTE, to * MINUTE)),
                        asks: roll(3) == 0,
                    };
                    let local = |at: Option<i64>| at.map_or(String::new(), |at| Time(at).to_local(&model.zone));
                    let question = Field {
                        id: questions.get(&list).copied().unwrap_or(0),
                        label: "尺码".into(),
                        kind: FieldKind::Text,
                        required: true,
                        ..Field::default()
                    };
                    let form = ListInput {
                        multi: laws.multi.code().into(),
                        exit_hour: laws.exit_hour.map_or(String::new(), |hour| hour.to_string()),
                        capacity: laws.capacity.map_or(String::new(), |most| most.to_string()),
                        rules: laws.law.json(),
                        kinds: laws.kind.into_iter().collect(),
                        from: local(laws.window.map(|window| window.0)),
                        to: local(laws.window.map(|window| window.1)),
                        questions: laws.asks.then_some(question).into_iter().collect(),
                        ..input("名单")
                    };
                    let name = if list == ListId::MAIN { "" } else { "晚宴" };
                    change(&hall, &admin, event, list, &ListInput { name: name.into(), ..form }).await;
                    let kept = checkin::doors(&hall.ctx, &admin, event).unwrap().list(list).unwrap().clone();
                    let asked = kept.questions.first().map(|question| question.id);
                    let before = questions.insert(list, asked.unwrap_or(0));
                    if before.is_some_and(|before| Some(before) != asked) {
                        // A question that went away takes its answers with it.
                        model.answered.retain(|(of, _)| *of != list);
                    }
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
                    let group = ["", "嘉宾", "员工"][roll(3)];
                    model.groups[at] = group;
                    let act = registration::Bulk::Group(group.to_owned());
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
                let expected = (came as i64, inside as i64, model.refused[&list].len() as i64);
                assert_eq!((counts.admitted, counts.inside, counts.refused), expected, "{what}, list {list}");
                let figures = checkin::figures(&hall.ctx, &admin, event, list).unwrap();
                for (share, kind) in figures.kinds.iter().zip(kinds) {
                    let told = model.part(list, now, |turned| turned.0 == kind);
                    assert_eq!((share.inside, share.refused), told, "{what}, list {list}, {}", share.name);
                }
                for share in &figures.groups {
                    let told = model.part(list, now, |turned| turned.1 == share.name);
                    assert_eq!((share.inside, share.refused), told, "{what}, list {list}, {}", share.name);
                }
                for row in &figures.gates {
                    let told = model.part(list, now, |turned| turned.2.is_some() != row.name.is_empty());
                    assert_eq!((row.inside, row.work.refused), (Some(told.0), told.1), "{what}, list {list}");
                }
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

//! Doors over the memory engine: lists, exits, undo, scans of terminals that were alone, helpers, codes that visitors scan.

mod model;

use crate::{
    Actor, Ctx, Error,
    checkin::{self, Upload, Which, own},
    ctx::test::Hall,
    device::{self, DeviceInput, Known, Sort},
    event, registration,
    test::{founded, named, opened, scan, terminal},
};
use domain::{
    DeviceId, EventId, GateId, ListId, ScanId, SpaceId, TicketId, Time,
    checkin::{Among, Compare, Direction, ListInput, Reason, Request, Rule, SelfCheckin, Shown, Test, Verdict, Way},
    device::Post,
    field::{Field, FieldKind},
    time::{DAY, HOUR, MINUTE},
};

const SPACE: SpaceId = SpaceId::ASSOCIATION;

fn input(name: &str) -> ListInput {
    ListInput { name: name.into(), multi: "once".into(), own: "off".into(), ..ListInput::default() }
}

async fn paired(hall: &Hall, admin: &Actor, event: EventId, post: Post) -> (DeviceId, Actor) {
    let (id, code) = terminal(hall, admin, event, &format!("门{:?}", post.gate)).await;
    device::send(&hall.ctx, admin, id, post).await.unwrap();
    let token = device::pair(&hall.ctx, SPACE, &code, "1").await.unwrap();
    (id, known(&hall.ctx, &token))
}

fn known(ctx: &Ctx, token: &str) -> Actor {
    match device::actor(ctx, SPACE, token).unwrap() {
        Known::Device(actor) => actor.as_ref().clone(),
        Known::Revoked(..) | Known::Nobody => panic!("the device is known"),
    }
}

/// An event whose check-in is open for nine days.
async fn long(hall: &Hall, admin: &Actor) -> (EventId, domain::TicketTypeId) {
    let (event, kind) = opened(hall, admin).await;
    let zone = event::zone(&hall.ctx, SPACE).unwrap();
    let now = hall.ctx.now();
    let (from, to) = (now.plus(-DAY).to_local(&zone), now.plus(9 * DAY).to_local(&zone));
    let row = event::get(&hall.ctx, admin, event).unwrap().event;
    let input = domain::event::EventInput {
        name: row.name.clone(),
        starts: from.clone(),
        ends: to.clone(),
        ..domain::event::EventInput::default()
    };
    let pictures = event::Pictures { cover: row.cover.clone(), main: None };
    event::save(&hall.ctx, admin, event, row.revision, &input, &pictures).await.unwrap();
    event::set_checkin(&hall.ctx, admin, event, &from, &to).await.unwrap();
    (event, kind)
}

async fn change(hall: &Hall, admin: &Actor, event: EventId, list: ListId, input: &ListInput) {
    let revision = checkin::doors(&hall.ctx, admin, event).unwrap().list(list).unwrap().revision;
    checkin::save_list(&hall.ctx, admin, event, Some((list, revision)), input).await.unwrap();
}

/// The rules of the random test, each with its twin in the model.
#[derive(Debug, Clone, Copy)]
enum Law {
    None,
    FewToday(u32),
    Waited(u32),
    AtGate(GateId),
    Morning,
}

impl Law {
    fn json(self) -> String {
        let test = match self {
            Self::None => return String::new(),
            Self::FewToday(most) => Test::EntriesToday(Compare::AtMost, most),
            Self::Waited(minutes) => Test::SinceLast(Compare::AtLeast, minutes),
            Self::AtGate(gate) => Test::Gate(Among::Is, vec![gate]),
            Self::Morning => Test::Clock { from: 6 * 60, to: 12 * 60 },
        };
        serde_json::to_string(&Rule::All(vec![Rule::Is(test)])).unwrap()
    }
}

#[tokio::test]
async fn two_terminals_that_were_alone_admit_one_ticket_and_the_second_is_flagged() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "")).await.unwrap();
    let (_, east) = paired(&hall, &admin, event, Post::default()).await;
    let (_, west) = paired(&hall, &admin, event, Post::default()).await;
    let now = hall.ctx.now();
    hall.advance(HOUR);
    let alone = |at: Time, nonce: &str| Upload {
        request: Request { scanned_at: Some(at), ..scan(&ticket.number, nonce) },
        verdict: Verdict::Admitted,
    };
    let first = checkin::upload(&hall.ctx, &east, event, vec![alone(now.plus(MINUTE), "a")]).await.unwrap();
    let second = checkin::upload(&hall.ctx, &west, event, vec![alone(now, "b")]).await.unwrap();
    let (first, second) = (first[0].clone().unwrap(), second[0].clone().unwrap());
    assert_eq!((first.verdict, first.conflict), (Verdict::Admitted, None));
    assert_eq!((second.verdict, second.conflict), (Verdict::Admitted, Some(Reason::AlreadyIn)));
    assert_eq!((second.at, second.counts.admitted, second.counts.inside), (now, 1, 1), "one person, both scans kept");
    let (found, open) = checkin::conflicts(&hall.ctx, &admin, event).unwrap();
    assert_eq!((found.len(), open, found[0].before.as_ref().unwrap().at), (1, 1, now.plus(MINUTE)));
    let flagged = found[0].row.scan.id;
    checkin::settle(&hall.ctx, &admin, event, flagged).await.unwrap();
    checkin::settle(&hall.ctx, &admin, event, flagged).await.unwrap();
    let none = checkin::settle(&hall.ctx, &admin, event, ScanId(1)).await.unwrap_err();
    assert_eq!(none.code(), Some("checkin.no_conflict"));
    let (found, open) = checkin::conflicts(&hall.ctx, &admin, event).unwrap();
    assert_eq!((found.len(), open, found[0].settled.as_ref().unwrap().1.as_str()), (1, 0, "管理员"));
    let unknown = Upload { verdict: Verdict::Admitted, request: scan("100000000007", "c") };
    let answers = checkin::upload(&hall.ctx, &west, event, vec![unknown]).await.unwrap();
    let answer = answers[0].clone().unwrap();
    assert_eq!((answer.verdict, answer.conflict), (Verdict::Refused(Reason::Unknown), Some(Reason::Unknown)));
    assert_eq!(
        checkin::open_conflicts(&hall.ctx, &admin, event).unwrap(),
        1,
        "somebody came in with no ticket of ours"
    );
}

#[tokio::test]
async fn a_refusal_that_did_not_arrive_does_not_hide_whom_the_terminal_let_in() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "")).await.unwrap();
    let (_, east) = paired(&hall, &admin, event, Post::default()).await;
    let (_, west) = paired(&hall, &admin, event, Post::default()).await;
    checkin::redeem(&hall.ctx, &east, event, scan(&ticket.number, "a")).await.unwrap();
    let lost = checkin::redeem(&hall.ctx, &west, event, scan(&ticket.number, "b")).await.unwrap();
    assert_eq!(lost.verdict, Verdict::Refused(Reason::AlreadyIn));
    let alone = |nonce: &str| vec![Upload { request: scan(&ticket.number, nonce), verdict: Verdict::Admitted }];
    let told = checkin::upload(&hall.ctx, &west, event, alone("b")).await.unwrap()[0].clone().unwrap();
    assert_eq!((told.verdict, told.conflict), (Verdict::Admitted, Some(Reason::AlreadyIn)));
    let again = checkin::upload(&hall.ctx, &west, event, alone("b")).await.unwrap()[0].clone().unwrap();
    assert_eq!(again.scan, told.scan, "told twice, it is one record");
    let arrived = checkin::upload(&hall.ctx, &east, event, alone("a")).await.unwrap()[0].clone().unwrap();
    assert_eq!((arrived.scan, arrived.conflict), (ScanId(1), None), "what the box had admitted is no conflict");
}

#[tokio::test]
async fn an_upload_keeps_its_good_scans_whatever_the_others_are() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "")).await.unwrap();
    let (_, door) = paired(&hall, &admin, event, Post::default()).await;
    let alone = |nonce: &str, list| Upload {
        request: Request { list, ..scan(&ticket.number, nonce) },
        verdict: Verdict::Admitted,
    };
    let scans = vec![alone("", None), alone("a", Some(ListId(99))), alone("b", None)];
    let answers = checkin::upload(&hall.ctx, &door, event, scans).await.unwrap();
    let codes: Vec<_> = answers.iter().map(|answer| answer.as_ref().err().map(|refusal| refusal.code)).collect();
    assert_eq!(codes, [Some("input.invalid"), Some("record.missing"), None]);
    let counts = checkin::counts(&hall.ctx, &door, event).unwrap();
    assert_eq!((counts.admitted, counts.refused), (1, 1));
    // What was admitted at a list that is gone is looked at by the secretariat.
    let (conflicts, open) = checkin::conflicts(&hall.ctx, &admin, event).unwrap();
    let scan = &conflicts[0].row.scan;
    assert_eq!((open, scan.nonce.as_str(), scan.list), (1, "a", ListId::MAIN));
    assert_eq!((scan.verdict, scan.conflict()), (Verdict::Refused(Reason::WrongList), Some(Reason::WrongList)));
    let many = vec![alone("x", None); checkin::UPLOAD_MAX + 1];
    assert!(checkin::upload(&hall.ctx, &door, event, many).await.is_err());
}

#[tokio::test]
async fn a_list_that_the_event_does_not_have_is_refused_and_recorded() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "")).await.unwrap();
    let second = checkin::save_list(&hall.ctx, &admin, event, None, &input("晚宴")).await.unwrap();
    let at = |list, nonce: &str| Request { list: Some(list), ..scan(&ticket.number, nonce) };
    let kept = checkin::redeem(&hall.ctx, &admin, event, at(second, "a")).await.unwrap();
    checkin::remove_list(&hall.ctx, &admin, event, second).await.unwrap_err();
    for _ in 0..2 {
        let absent = checkin::redeem(&hall.ctx, &admin, event, at(ListId(99), "b")).await.unwrap_err();
        assert_eq!(absent.code(), Some("record.missing"));
    }
    let again = checkin::redeem(&hall.ctx, &admin, event, at(ListId(99), "a")).await.unwrap();
    assert_eq!((again.scan, again.list, again.verdict), (kept.scan, second, Verdict::Admitted));
    let (rows, _) = checkin::log(&hall.ctx, &admin, event, checkin::ScanFilter::default(), None).unwrap();
    let log: Vec<_> = rows.iter().map(|row| (row.scan.nonce.as_str(), row.scan.list, row.scan.verdict)).collect();
    let refused = Verdict::Refused(Reason::WrongList);
    assert_eq!(log, [("b", ListId::MAIN, refused), ("a", second, Verdict::Admitted)]);
    let counts = checkin::counts(&hall.ctx, &admin, event).unwrap();
    assert_eq!((counts.admitted, counts.refused), (0, 1));
}

#[tokio::test]
async fn a_terminal_takes_back_for_a_quarter_of_an_hour_and_the_secretariat_at_any_time() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "")).await.unwrap();
    let (_, east) = paired(&hall, &admin, event, Post::default()).await;
    let (_, west) = paired(&hall, &admin, event, Post::default()).await;
    let nonce = |nonce: &str| Which::Nonce(nonce.into());
    let first = checkin::redeem(&hall.ctx, &east, event, scan(&ticket.number, "a")).await.unwrap();
    let other = checkin::annul(&hall.ctx, &west, event, nonce("a")).await.unwrap_err();
    assert_eq!(other.code(), Some("record.missing"), "another terminal's scan");
    hall.advance(15 * MINUTE);
    let counts = checkin::annul(&hall.ctx, &east, event, nonce("a")).await.unwrap();
    assert_eq!((counts.admitted, counts.inside), (0, 0), "counts follow at once");
    assert_eq!(checkin::annul(&hall.ctx, &east, event, nonce("a")).await.unwrap().admitted, 0, "twice is once");
    let again = checkin::redeem(&hall.ctx, &east, event, scan(&ticket.number, "a")).await.unwrap();
    assert_eq!((again.scan, again.verdict), (first.scan, Verdict::Admitted), "the nonce keeps its answer");
    let second = checkin::redeem(&hall.ctx, &east, event, scan(&ticket.number, "b")).await.unwrap();
    assert_eq!(second.verdict, Verdict::Admitted);
    let refused = checkin::redeem(&hall.ctx, &east, event, scan(&ticket.number, "c")).await.unwrap();
    assert_eq!(refused.verdict, Verdict::Refused(Reason::AlreadyIn));
    let nothing = checkin::annul(&hall.ctx, &east, event, nonce("c")).await.unwrap_err();
    assert_eq!(nothing.code(), Some("checkin.not_admitted"));
    hall.advance(15 * MINUTE + 1);
    let late = checkin::annul(&hall.ctx, &east, event, nonce("b")).await.unwrap_err();
    assert_eq!(late.code(), Some("checkin.annul_late"));
    let denied = checkin::annul(&hall.ctx, &east, event, Which::Scan(second.scan)).await.unwrap_err();
    assert_eq!(denied.code(), Some("permission.denied"));
    assert_eq!(checkin::annul(&hall.ctx, &admin, event, Which::Scan(second.scan)).await.unwrap().admitted, 0);
    let figures = checkin::figures(&hall.ctx, &admin, event, ListId::MAIN).unwrap();
    let work: Vec<_> = figures.scanners.iter().map(|row| (row.work.entries, row.work.refused)).collect();
    assert_eq!(work, [(0, 1)]);
}

#[tokio::test]
async fn a_door_asks_its_questions_once_and_keeps_the_answers() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "")).await.unwrap();
    let question = |label: &str, required| Field {
        id: 0,
        label: label.into(),
        kind: FieldKind::Choice,
        required,
        help: String::new(),
        choices: vec!["M".into(), "L".into()],
        ..Field::default()
    };
    let form = ListInput { questions: vec![question("尺码", true), question("颜色", false)], ..input("") };
    change(&hall, &admin, event, ListId::MAIN, &form).await;
    let asked = checkin::redeem(&hall.ctx, &admin, event, scan(&ticket.number, "a")).await.unwrap();
    let open: Vec<_> = asked.questions.iter().map(|question| question.label.as_str()).collect();
    assert_eq!((asked.verdict, open), (Verdict::Incomplete, vec!["尺码"]));
    assert_eq!((asked.counts.admitted, asked.counts.refused), (0, 0), "nobody was refused");
    let wrong = Request { answers: vec![(1, "XXL".into())], ..scan(&ticket.number, "b") };
    let wrong = checkin::redeem(&hall.ctx, &admin, event, wrong).await.unwrap_err();
    assert_eq!(wrong.code(), Some("input.invalid"));
    let right = Request { answers: vec![(1, "L".into()), (9, "x".into())], ..scan(&ticket.number, "b") };
    let right = checkin::redeem(&hall.ctx, &admin, event, right).await.unwrap();
    assert_eq!((right.verdict, right.questions.len()), (Verdict::Admitted, 0));
    let kept = checkin::answers(&hall.ctx, &admin, event, ticket.id).unwrap();
    let kept: Vec<_> = kept.iter().map(|kept| (kept.question.as_str(), kept.answer.as_str())).collect();
    assert_eq!(kept, [("尺码", "L"), ("颜色", "")]);
    let zone = event::zone(&hall.ctx, SPACE).unwrap();
    let format = crate::sheet::Format::Csv;
    let filter = crate::roster::Filter::default();
    let file = registration::export(&hall.ctx, &admin, event, &filter, format, zone, |text| text.to_owned()).await;
    let file = String::from_utf8(file.unwrap().whole()).unwrap();
    assert!(
        file.lines().next().unwrap().contains("尺码,颜色") && file.lines().nth(1).unwrap().contains(",L,,"),
        "{file}"
    );
    checkin::annul(&hall.ctx, &admin, event, Which::Nonce("b".into())).await.unwrap();
    let again = checkin::redeem(&hall.ctx, &admin, event, scan(&ticket.number, "c")).await.unwrap();
    assert_eq!(again.verdict, Verdict::Admitted, "what was answered is not asked again");
    assert!(hall.ctx.store().verify().is_sound());
}

#[tokio::test]
async fn force_needs_the_right_to_mark_people() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "")).await.unwrap();
    let (_, door) = paired(&hall, &admin, event, Post::default()).await;
    hall.advance(9 * HOUR);
    let forced = |nonce: &str| Request { force: true, ..scan(&ticket.number, nonce) };
    let late = checkin::redeem(&hall.ctx, &door, event, scan(&ticket.number, "a")).await.unwrap();
    assert_eq!(late.verdict, Verdict::Refused(Reason::TooLate));
    let denied = checkin::redeem(&hall.ctx, &door, event, forced("b")).await.unwrap_err();
    assert_eq!(denied.code(), Some("permission.denied"));
    let opened = checkin::redeem(&hall.ctx, &admin, event, forced("c")).await.unwrap();
    assert_eq!(opened.verdict, Verdict::Admitted);
    let (rows, _) = checkin::log(&hall.ctx, &admin, event, checkin::ScanFilter::default(), None).unwrap();
    assert!(rows[0].scan.more.as_ref().unwrap().forced && rows[0].scan.way == Way::Gun);
}

#[tokio::test]
async fn lists_and_gates_stay_while_they_are_used_and_stale_forms_are_refused() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let code = |error: Error| error.code().unwrap().to_owned();
    let list = checkin::save_list(&hall.ctx, &admin, event, None, &input("晚宴")).await.unwrap();
    let twice = checkin::save_list(&hall.ctx, &admin, event, None, &input("晚宴")).await.unwrap_err();
    assert_eq!(code(twice), "input.invalid");
    let stale = checkin::save_list(&hall.ctx, &admin, event, Some((list, 0)), &input("午宴")).await.unwrap_err();
    assert_eq!(code(stale), "record.changed");
    let gate = checkin::add_gate(&hall.ctx, &admin, event, "东门").await.unwrap();
    assert_eq!(code(checkin::add_gate(&hall.ctx, &admin, event, "东门").await.unwrap_err()), "input.invalid");
    let ghost =
        ListInput { kinds: vec![domain::TicketTypeId(99)], rules: Law::AtGate(GateId(99)).json(), ..input("午宴") };
    let Err(Error::Refused(refusal)) = checkin::save_list(&hall.ctx, &admin, event, None, &ghost).await else {
        panic!("what is not there cannot be named")
    };
    assert_eq!(refusal.problems.len(), 2);
    let ruled = ListInput { rules: Law::AtGate(gate).json(), ..input("晚宴") };
    change(&hall, &admin, event, list, &ruled).await;
    assert_eq!(code(checkin::remove_gate(&hall.ctx, &admin, event, gate).await.unwrap_err()), "checkin.gate_in_use");
    let (id, door) = paired(&hall, &admin, event, Post { list, gate: Some(gate), ..Post::default() }).await;
    assert_eq!(code(checkin::remove_list(&hall.ctx, &admin, event, list).await.unwrap_err()), "checkin.list_in_use");
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "")).await.unwrap();
    let answer = checkin::redeem(&hall.ctx, &door, event, scan(&ticket.number, "a")).await.unwrap();
    assert_eq!((answer.verdict, answer.list), (Verdict::Admitted, list), "the terminal stands at its list");
    assert_eq!(checkin::counts(&hall.ctx, &admin, event).unwrap().admitted, 0, "the main list is another");
    device::send(&hall.ctx, &admin, id, Post::default()).await.unwrap();
    assert_eq!(code(checkin::remove_list(&hall.ctx, &admin, event, list).await.unwrap_err()), "checkin.list_in_use");
    assert_eq!(
        code(checkin::remove_list(&hall.ctx, &admin, event, ListId::MAIN).await.unwrap_err()),
        "checkin.main_list"
    );
    change(&hall, &admin, event, list, &input("晚宴")).await;
    checkin::remove_gate(&hall.ctx, &admin, event, gate).await.unwrap();
    let unused = checkin::save_list(&hall.ctx, &admin, event, None, &input("午宴")).await.unwrap();
    checkin::remove_list(&hall.ctx, &admin, event, unused).await.unwrap();
    let gone = Request { list: Some(unused), ..scan(&ticket.number, "b") };
    assert_eq!(code(checkin::redeem(&hall.ctx, &admin, event, gone).await.unwrap_err()), "record.missing");
    let kept = registration::cancel(&hall.ctx, &admin, event, ticket.id).await.unwrap_err();
    assert_eq!(code(kept), "ticket.checked_in", "whatever the list");
}

#[tokio::test]
async fn rules_are_tried_out_without_a_scan() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "")).await.unwrap();
    let zone = event::zone(&hall.ctx, SPACE).unwrap();
    let rule = Rule::Is(Test::Clock { from: 0, to: 1 });
    let list = domain::CheckinList { rules: Some(rule), ..domain::CheckinList::main(event) };
    let thought = checkin::Thought {
        code: ticket.number.clone(),
        at: hall.ctx.now().to_local(&zone),
        gate: None,
        direction: Direction::Entry,
        list,
    };
    let trial = checkin::try_out(&hall.ctx, &admin, event, &thought).unwrap();
    assert_eq!((trial.name.as_deref(), trial.entries), (Some("张三"), 0));
    assert_eq!(trial.decision.verdict, Verdict::Refused(Reason::Rule));
    assert_eq!(trial.decision.failed, Some(Test::Clock { from: 0, to: 1 }));
    let none = checkin::Thought { code: "1".into(), ..thought.clone() };
    let none = checkin::try_out(&hall.ctx, &admin, event, &none).unwrap();
    assert_eq!(none.decision.verdict, Verdict::Refused(Reason::Unknown));
    assert!(checkin::try_out(&hall.ctx, &admin, event, &checkin::Thought { at: "soon".into(), ..thought }).is_err());
    let (rows, _) = checkin::log(&hall.ctx, &admin, event, checkin::ScanFilter::default(), None).unwrap();
    assert!(rows.is_empty(), "nothing was recorded");
}

#[tokio::test]
async fn a_code_on_the_screen_ends_after_a_minute_and_a_printed_one_with_its_series() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "13800000001")).await.unwrap();
    let link = crate::token::link(&ticket.link);
    let code = |error: Error| error.code().unwrap().to_owned();
    let screen = |direction| own::screen(&hall.ctx, &admin, event, ListId::MAIN, direction);
    let print = || own::printed(&hall.ctx, &admin, event, ListId::MAIN, Direction::Exit);
    assert_eq!(code(screen(Direction::Entry).unwrap_err()), "own.off");
    let set = |own: SelfCheckin| ListInput { own: own.code().into(), multi: "after_exit".into(), ..input("") };
    change(&hall, &admin, event, ListId::MAIN, &set(SelfCheckin::Screen)).await;
    assert_eq!(code(print().unwrap_err()), "own.off", "this list has no printed codes");
    change(&hall, &admin, event, ListId::MAIN, &set(SelfCheckin::Printed)).await;
    let (shown, left) = screen(Direction::Entry).unwrap();
    assert!(left > 0 && left <= own::SHOWN_MILLIS);
    hall.advance(left);
    assert_ne!(screen(Direction::Entry).unwrap().0, shown, "it changes");
    let door = own::look(&hall.ctx, SPACE, &shown).unwrap();
    assert_eq!((door.event.id, door.direction), (event, Direction::Entry));
    let copied = own::check_in(&hall.ctx, SPACE, &shown, &link, "a", vec![]).await.unwrap_err();
    assert_eq!(code(copied), "own.ended", "the code itself opens nothing");
    let answer = own::check_in(&hall.ctx, SPACE, &door.pass, &link, "a", vec![]).await.unwrap();
    assert_eq!((answer.verdict, answer.person.unwrap().holder.name.as_str()), (Verdict::Admitted, "张三"));
    hall.advance(own::TAKEN_MILLIS);
    assert_eq!(code(own::look(&hall.ctx, SPACE, &shown).unwrap_err()), "own.ended");
    let printed = print().unwrap();
    let out = own::look(&hall.ctx, SPACE, &printed).unwrap();
    let left = own::check_in(&hall.ctx, SPACE, &out.pass, &link, "b", vec![]).await.unwrap();
    assert_eq!((left.verdict, left.direction, left.counts.inside), (Verdict::Admitted, Direction::Exit, 0));
    own::renew_printed(&hall.ctx, &admin, event, ListId::MAIN).await.unwrap();
    assert_eq!(code(own::look(&hall.ctx, SPACE, &printed).unwrap_err()), "own.ended");
    hall.advance(HOUR);
    let slow = own::check_in(&hall.ctx, SPACE, &out.pass, &link, "c", vec![]).await.unwrap_err();
    assert_eq!(code(slow), "own.ended");
    for forged in ["", "1.1.0.i.s.0", &format!("{printed}x"), &printed.replace(".o.", ".i.")] {
        assert_eq!(code(own::look(&hall.ctx, SPACE, forged).unwrap_err()), "own.ended", "{forged}");
    }
}

#[tokio::test]
async fn helpers_are_bound_by_code_or_phone_and_removed_at_once() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let (other, _) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("李四", "13800000002")).await.unwrap();
    let helper =
        |sort, phone: &str| DeviceInput { name: "李四".into(), sort, phone: phone.into(), ..DeviceInput::default() };
    let code = |error: Error| error.code().unwrap().to_owned();
    let stranger = device::create(&hall.ctx, &admin, event, &helper(Sort::HelperByPhone, "13900000009")).await;
    assert_eq!(code(stranger.unwrap_err()), "helper.not_registered");
    let wrong = device::create(&hall.ctx, &admin, event, &helper(Sort::HelperByPhone, "12")).await;
    assert_eq!(code(wrong.unwrap_err()), "input.invalid");
    let link = crate::token::link(&ticket.link);
    assert_eq!(code(device::bind(&hall.ctx, SPACE, &link).await.unwrap_err()), "record.missing");
    let named = device::create(&hall.ctx, &admin, event, &helper(Sort::HelperByPhone, "138 0000 0002")).await;
    let (id, code_shown) = named.unwrap();
    assert!(code_shown.is_none());
    let token = device::bind(&hall.ctx, SPACE, &link).await.unwrap();
    let phone = known(&hall.ctx, &token);
    let found = checkin::search(&hall.ctx, &phone, event, ListId::MAIN, "李四").unwrap();
    assert_eq!((found.len(), found[0].phone.as_str()), (1, "138****0002"));
    assert_eq!(code(checkin::search(&hall.ctx, &phone, event, ListId::MAIN, "李").unwrap_err()), "input.invalid");
    let picked =
        Request { shown: Shown::Ticket(found[0].ticket), way: Way::Picked, nonce: "p".into(), ..Request::default() };
    let answer = checkin::redeem(&hall.ctx, &phone, event, picked.clone()).await.unwrap();
    assert_eq!(answer.verdict, Verdict::Admitted);
    assert_eq!(code(checkin::redeem(&hall.ctx, &phone, other, picked).await.unwrap_err()), "permission.denied");
    let (_, by_code) = device::create(&hall.ctx, &admin, event, &helper(Sort::Helper, "")).await.unwrap();
    let second = device::pair(&hall.ctx, SPACE, &by_code.unwrap(), "1").await.unwrap();
    assert!(matches!(known(&hall.ctx, &second).who, crate::Who::Device { helper: true, .. }));
    device::revoke(&hall.ctx, &admin, id).await.unwrap();
    assert!(matches!(device::actor(&hall.ctx, SPACE, &token).unwrap(), Known::Revoked(..)));
    assert_eq!(code(device::bind(&hall.ctx, SPACE, &link).await.unwrap_err()), "record.missing");
}

#[tokio::test]
async fn a_terminal_finds_people_only_where_it_may_and_takes_along_only_what_it_may() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "13800000001")).await.unwrap();
    let (id, door) = paired(&hall, &admin, event, Post::default()).await;
    assert!(checkin::search(&hall.ctx, &door, event, ListId::MAIN, "张三").is_err());
    let bare = checkin::snapshot(&hall.ctx, &door, event, ListId::MAIN).unwrap();
    assert_eq!((bare.tickets.len(), bare.tickets[0].words.is_none(), bare.zone.as_str()), (1, true, "Asia/Shanghai"));
    assert_eq!(bare.tickets[0].codes[0], checkin::hash(&bare.salt, &ticket.number));
    let text = format!("{bare:?}");
    assert!(!text.contains(&ticket.number) && !text.contains(&ticket.attend) && !text.contains("张三"));
    device::send(&hall.ctx, &admin, id, Post { names: true, ..Post::default() }).await.unwrap();
    let mut named = door.clone();
    if let crate::Who::Device { post, .. } = &mut named.who {
        post.names = true;
    }
    checkin::redeem(&hall.ctx, &named, event, scan(&ticket.number, "a")).await.unwrap();
    let full = checkin::snapshot(&hall.ctx, &named, event, ListId::MAIN).unwrap();
    assert_eq!(full.tickets[0].words.as_ref().unwrap()[0], "张三");
    assert_eq!((full.tickets[0].entries.len(), full.inside, full.line), (1, 1, 1));
    let elsewhere = Actor { space: SpaceId(2), ..admin.clone() };
    assert!(checkin::snapshot(&hall.ctx, &elsewhere, event, ListId::MAIN).is_err());
    let since = |line| checkin::changes(&hall.ctx, &named, event, ListId::MAIN, line).unwrap();
    let (nothing, all) = (since(full.line), since(0));
    assert_eq!((nothing.line, nothing.tickets.len(), &nothing.version), (1, 0, &full.version));
    assert_eq!((all.line, all.tickets.len(), all.inside), (1, 1, 1));
    checkin::mark(&hall.ctx, &admin, event, ticket.id, false).await.unwrap();
    let back = since(full.line);
    let turned: Vec<(TicketId, usize)> =
        back.tickets.iter().map(|turned| (turned.ticket, turned.entries.len())).collect();
    assert_eq!((turned, back.line, back.inside), (vec![(ticket.id, 0)], 2, 0));
    change(&hall, &admin, event, ListId::MAIN, &ListInput { capacity: "5".into(), ..input("") }).await;
    assert_ne!(since(back.line).version, full.version, "settings changed: all is taken anew");
    let settled = since(back.line).version;
    registration::add(&hall.ctx, &admin, event, kind, "", &self::named("李四", "")).await.unwrap();
    assert_ne!(since(back.line).version, settled, "tickets changed");
}

#[tokio::test]
async fn a_rolled_token_leaves_the_old_one_worthless() {
    let (hall, admin) = founded().await;
    let (event, _) = opened(&hall, &admin).await;
    let (_, code) = terminal(&hall, &admin, event, "大门").await;
    let old = device::pair(&hall.ctx, SPACE, &code, "1").await.unwrap();
    let actor = known(&hall.ctx, &old);
    let new = device::roll(&hall.ctx, &actor).await.unwrap();
    assert!(matches!(device::actor(&hall.ctx, SPACE, &old).unwrap(), Known::Nobody));
    device::leave(&hall.ctx, &known(&hall.ctx, &new)).await.unwrap();
    assert!(matches!(device::actor(&hall.ctx, SPACE, &new).unwrap(), Known::Revoked(..)));
    assert_eq!(device::roll(&hall.ctx, &actor).await.unwrap_err().code(), Some("permission.denied"));
    assert!(device::roll(&hall.ctx, &admin).await.is_err(), "only a device has a token of that kind");
}

#[tokio::test]
async fn the_box_has_each_of_its_scanners_once() {
    let (hall, admin) = founded().await;
    let (event, _) = opened(&hall, &admin).await;
    let scanner = |port: &str| DeviceInput {
        name: port.into(),
        sort: Sort::Attached,
        port: port.into(),
        ..DeviceInput::default()
    };
    let (id, code) = device::create(&hall.ctx, &admin, event, &scanner("/dev/ttyACM0")).await.unwrap();
    assert!(code.is_none());
    let twice = device::create(&hall.ctx, &admin, event, &scanner("/dev/ttyACM0")).await.unwrap_err();
    assert_eq!(twice.code(), Some("device.port_taken"));
    assert_eq!(
        device::create(&hall.ctx, &admin, event, &scanner("/etc/passwd")).await.unwrap_err().code(),
        Some("input.invalid")
    );
    let found = device::attached(&hall.ctx, SPACE).unwrap();
    assert_eq!((found.len(), found[0].port.as_str()), (1, "/dev/ttyACM0"));
    device::revoke(&hall.ctx, &admin, id).await.unwrap();
    assert!(device::attached(&hall.ctx, SPACE).unwrap().is_empty());
    device::create(&hall.ctx, &admin, event, &scanner("/dev/ttyACM0")).await.unwrap();
}

#[tokio::test]
async fn the_whole_log_is_exported_with_what_became_of_each_scan() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("=张三", "")).await.unwrap();
    checkin::redeem(&hall.ctx, &admin, event, scan(&ticket.number, "a")).await.unwrap();
    checkin::redeem(&hall.ctx, &admin, event, scan("=1+1", "b")).await.unwrap();
    checkin::annul(&hall.ctx, &admin, event, Which::Nonce("a".into())).await.unwrap();
    let file = checkin::export(&hall.ctx, &admin, event, crate::sheet::Format::Csv, |text| text.to_owned()).await;
    let text = String::from_utf8(file.unwrap().whole()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[1].contains("admitted") && lines[2].contains("refused") && lines[2].contains("Unknown ticket"));
    assert!(text.contains("'=1+1") && text.contains("'=张三"), "formulas are defused: {text}");
    let (_, door) = paired(&hall, &admin, event, Post::default()).await;
    let denied = checkin::export(&hall.ctx, &door, event, crate::sheet::Format::Csv, |text| text.to_owned()).await;
    assert!(denied.is_err());
}

#[tokio::test]
async fn files_of_several_parts_have_every_row_once_and_in_order() {
    const PEOPLE: usize = 1_010;
    const STRANGERS: usize = 1_010;
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let mut numbers = Vec::new();
    for n in 0..PEOPLE {
        let added = registration::add(&hall.ctx, &admin, event, kind, "", &named(&format!("人{n:04}"), "")).await;
        numbers.push(added.unwrap().number);
    }
    let strangers = (0..STRANGERS).map(|n| format!("x{n:04}"));
    let codes: Vec<String> = numbers.iter().cloned().chain(strangers).collect();
    for (n, code) in codes.iter().enumerate() {
        checkin::redeem(&hall.ctx, &admin, event, scan(code, &format!("n{n}"))).await.unwrap();
    }
    let format = crate::sheet::Format::Csv;
    let column = |file: Vec<u8>, head: &str| -> Vec<String> {
        let text = String::from_utf8(file).unwrap();
        let rows: Vec<Vec<&str>> =
            text.trim_start_matches('\u{feff}').lines().map(|line| line.split(',').collect()).collect();
        let at = rows[0].iter().position(|cell| *cell == head).unwrap();
        rows[1..].iter().map(|row| row[at].to_owned()).collect()
    };
    let log = checkin::export(&hall.ctx, &admin, event, format, |text| text.to_owned()).await.unwrap().whole();
    assert_eq!(column(log.clone(), "Ticket number or code"), codes);
    assert_eq!(column(log, "Scan number"), (1..=codes.len()).map(|n| n.to_string()).collect::<Vec<_>>());
    let zone = event::zone(&hall.ctx, SPACE).unwrap();
    let filter = crate::roster::Filter { descending: true, ..crate::roster::Filter::default() };
    let file = registration::export(&hall.ctx, &admin, event, &filter, format, zone, |text| text.to_owned()).await;
    let file = file.unwrap().whole();
    numbers.reverse();
    assert_eq!(column(file.clone(), "State"), vec!["Checked in"; PEOPLE]);
    assert_eq!(column(file, "Ticket number"), numbers);
}

//! Draws over the memory engine: results before names, one of two who press at once, voids and redraws, exclusion, wand, assignments,
//! tables, the record checked from its file alone, entrants, taps, messages.

use super::*;
use crate::test::{founded, named, opened, scan};
use crate::{Actor, Ctx, account, checkin, ctx::test::Hall, registration, sheet};
use domain::{
    Permission, Scope, SpaceId, TicketTypeId,
    draw::{Act, DrawInput, File, Mode, Moderation, Phase, Report, RoundInput, Shown, verify},
    time::{HOUR, MINUTE, SECOND},
};

const SPACE: SpaceId = SpaceId::ASSOCIATION;

fn form(name: &str) -> DrawInput {
    DrawInput {
        name: name.into(),
        wins: "1".into(),
        registered: true,
        theme: "red".into(),
        look: "sphere".into(),
        masking: "masked".into(),
        show_number: true,
        messages: true,
        moderated: true,
        ..DrawInput::default()
    }
}

fn prize(prize: &str, mode: Mode, quantity: u32, per_turn: u32) -> RoundInput {
    RoundInput {
        prize: prize.into(),
        quantity: quantity.to_string(),
        per_turn: per_turn.to_string(),
        mode: mode.code().into(),
        first_table: "1".into(),
        last_table: "50".into(),
        ..RoundInput::default()
    }
}

struct Stand {
    hall: Hall,
    admin: Actor,
    event: EventId,
    kind: TicketTypeId,
    draw: DrawId,
    links: Vec<String>,
}

impl Stand {
    /// An event with so many people at tables of four, and a draw.
    async fn with(people: u64) -> Self {
        let (hall, admin) = founded().await;
        let (event, kind) = opened(&hall, &admin).await;
        let mut links = Vec::new();
        for n in 0..people {
            let input = domain::ticket::TicketInput {
                seat: format!("{}桌{}", n / 4 + 1, n % 4 + 1),
                ..named(&format!("客{n}"), &format!("138{n:08}"))
            };
            let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &input).await.unwrap();
            links.push(crate::token::link(&ticket.link));
        }
        let draw = create(&hall.ctx, &admin, event, &form("抽奖")).await.unwrap();
        Self { hall, admin, event, kind, draw, links }
    }

    fn ctx(&self) -> &Ctx {
        &self.hall.ctx
    }

    async fn round(&self, input: &RoundInput) -> RoundId {
        save_round(self.ctx(), &self.admin, self.event, self.draw, None, input).await.unwrap()
    }

    fn page(&self) -> Page {
        page(self.ctx(), &self.admin, self.event, self.draw).unwrap()
    }

    async fn press(&self, what: Act) -> Result<Stage, Error> {
        let seen = self.page().running.version;
        act(self.ctx(), &self.admin, self.event, self.draw, seen, what).await
    }

    /// Opens a round, lets names roll and stops them with a called number.
    async fn turn(&self, round: RoundId, what: Act) -> Stage {
        if self.page().running.round != Some(round) {
            self.press(Act::Open(round)).await.unwrap();
        }
        self.press(what).await.unwrap();
        self.press(Act::Stop("4711".into())).await.unwrap()
    }

    fn report(&self) -> Report {
        let text: String = record(self.ctx(), SPACE, self.draw).unwrap().map(Result::unwrap).collect();
        let file: File = serde_json::from_str(&text).unwrap();
        verify(&file)
    }

    async fn operator(&self, login: &str) -> Actor {
        let id = account::create(self.ctx(), &self.admin, login, login, "correct horse battery").await.unwrap();
        for permission in [Permission::DrawRun, Permission::EventView] {
            account::grant(self.ctx(), &self.admin, id, permission, Scope::Event(self.event)).await.unwrap();
        }
        account::first::settle(self.ctx(), SPACE, login).await;
        let token = account::log_in(self.ctx(), SPACE, login, "correct horse battery", &account::Origin::default())
            .await
            .unwrap();
        account::actor(self.ctx(), SPACE, &token).unwrap().unwrap()
    }
}

fn sound(stand: &Stand) -> Report {
    let report = stand.report();
    assert_eq!(report.problems, Vec::<String>::new());
    assert!(check(stand.ctx(), SPACE, stand.draw).unwrap().problems.is_empty());
    let store = stand.ctx().store().verify();
    assert!(store.is_sound(), "{store}");
    report
}

#[tokio::test]
async fn an_evening_is_drawn_and_its_record_checks() {
    let stand = Stand::with(12).await;
    let round = stand.round(&prize("手机", Mode::People, 4, 2)).await;
    assert_eq!(stand.press(Act::Start).await.unwrap_err().code(), Some("draw.no_round"));
    stand.press(Act::Open(round)).await.unwrap();
    let rolling = stand.press(Act::Start).await.unwrap();
    assert_eq!((rolling.running.phase, rolling.wins.len()), (Phase::Rolling, 0));
    assert_eq!(rolling.running.frozen.as_ref().unwrap().count, 12);
    assert_eq!(stand.press(Act::Stop(" ".into())).await.unwrap_err().code(), Some("draw.no_public_value"));
    let first = stand.press(Act::Stop("88".into())).await.unwrap();
    assert_eq!((first.running.phase, first.wins.len()), (Phase::Shown, 2));
    let second = stand.turn(round, Act::Start).await;
    let mut winners: Vec<_> = first.wins.iter().chain(&second.wins).map(|win| win.who).collect();
    winners.sort();
    winners.dedup();
    assert_eq!(winners.len(), 4, "nobody wins twice");
    assert_eq!(stand.press(Act::Start).await.unwrap_err().code(), Some("draw.all_drawn"));
    // A round that is added while the draw is running; the eight who have not won are on its list.
    let more = stand.round(&prize("电视", Mode::People, 20, 20)).await;
    let rest = stand.turn(more, Act::Start).await;
    assert_eq!(rest.wins.len(), 8, "everybody else wins, and then there is nobody");
    assert_eq!(stand.press(Act::Start).await.unwrap_err().code(), Some("draw.nobody"));
    let report = sound(&stand);
    assert_eq!((report.counts(), report.turns.len()), ((12, 0), 3));
    assert_eq!(report.turns[1].count, 10, "who has won is not on the next list");
    let own = own_entries(stand.ctx(), SPACE, stand.draw, &[&stand.links[3]], None).unwrap();
    let entry = own[0].1.iter().find(|entry| entry.turn == 1).unwrap();
    let list = own_list(&stand, &report.turns[0].list);
    assert_eq!(list[entry.index.unwrap() as usize], entry.entry, "one who takes part finds himself");
}

fn own_list(stand: &Stand, list: &str) -> Vec<String> {
    let text: String = record(stand.ctx(), SPACE, stand.draw).unwrap().map(Result::unwrap).collect();
    let file: File = serde_json::from_str(&text).unwrap();
    file.lists[list].as_bytes().chunks(64).map(|part| String::from_utf8(part.to_vec()).unwrap()).collect()
}

#[tokio::test]
async fn of_two_operators_who_press_at_once_one_stops_the_draw() {
    let stand = Stand::with(9).await;
    let round = stand.round(&prize("手机", Mode::People, 1, 1)).await;
    stand.press(Act::Open(round)).await.unwrap();
    let seen = stand.press(Act::Start).await.unwrap().running.version;
    let stop = |actor: Actor| {
        let (ctx, event, draw) = (stand.ctx().clone(), stand.event, stand.draw);
        async move { act(&ctx, &actor, event, draw, seen, Act::Stop("7".into())).await }
    };
    // The same person on two devices, and another operator who does not hold the wand.
    let other = stand.operator("other").await;
    let answers = tokio::join!(stop(stand.admin.clone()), stop(other.clone()), stop(stand.admin.clone()));
    let answers = [answers.0, answers.1, answers.2];
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let codes: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()?.code()).collect();
    assert!(codes.iter().all(|code| ["draw.moved_on", "draw.no_wand", "draw.not_rolling"].contains(code)), "{codes:?}");
    assert_eq!(stand.page().wins.len(), 1);
    assert_eq!(sound(&stand).counts(), (1, 0));
}

#[tokio::test]
async fn one_operator_holds_the_wand_and_taking_it_is_seen() {
    let stand = Stand::with(3).await;
    let round = stand.round(&prize("手机", Mode::People, 1, 1)).await;
    let other = stand.operator("other").await;
    stand.press(Act::Open(round)).await.unwrap();
    let pressed = |actor: Actor, what: Act| {
        let seen = stand.page().running.version;
        let ctx = stand.ctx().clone();
        let (event, draw) = (stand.event, stand.draw);
        async move { act(&ctx, &actor, event, draw, seen, what).await }
    };
    assert_eq!(pressed(other.clone(), Act::Wall).await.unwrap_err().code(), Some("draw.no_wand"));
    take_wand(stand.ctx(), &other, stand.event, stand.draw).await.unwrap();
    let wand = stand.page().running.wand.unwrap();
    assert_eq!((wand.name.as_str(), wand.taken_from.as_str()), ("other", "管理员"));
    assert_eq!(pressed(stand.admin.clone(), Act::Wall).await.unwrap_err().code(), Some("draw.no_wand"));
    pressed(other.clone(), Act::Wall).await.unwrap();
    stand.hall.advance(11 * MINUTE);
    pressed(stand.admin.clone(), Act::Wait).await.unwrap();
    assert_eq!(stand.page().running.wand.unwrap().taken_from, "", "a wand that was put down is free");
    let stranger = Actor { held: Vec::new(), ..other };
    assert_eq!(pressed(stranger, Act::Wall).await.unwrap_err().code(), Some("permission.denied"));
}

#[tokio::test]
async fn an_absent_winner_is_voided_and_only_that_prize_is_drawn_again() {
    let stand = Stand::with(10).await;
    let round = stand.round(&prize("手机", Mode::People, 3, 3)).await;
    let first = stand.turn(round, Act::Start).await;
    assert_eq!(stand.press(Act::Redraw).await.unwrap_err().code(), Some("draw.none_void"));
    let gone = &first.wins[1];
    let refused = void(stand.ctx(), &stand.admin, stand.event, stand.draw, gone.number, " ").await.unwrap_err();
    assert_eq!(refused.code(), Some("input.invalid"), "a reason is needed");
    claim(stand.ctx(), &stand.admin, stand.event, stand.draw, first.wins[0].number, Shown::List).await.unwrap();
    let kept = void(stand.ctx(), &stand.admin, stand.event, stand.draw, first.wins[0].number, "x").await.unwrap_err();
    assert_eq!(kept.code(), Some("draw.handed_out"));
    void(stand.ctx(), &stand.admin, stand.event, stand.draw, gone.number, "不在场").await.unwrap();
    let twice = void(stand.ctx(), &stand.admin, stand.event, stand.draw, gone.number, "x").await.unwrap_err();
    assert_eq!(twice.code(), Some("draw.void_already"));
    let again = stand.turn(round, Act::Redraw).await;
    assert_eq!(again.wins.iter().map(|win| win.place).collect::<Vec<_>>(), [gone.place]);
    assert!(first.wins.iter().all(|win| win.who != again.wins[0].who), "neither who holds one nor who was absent");
    let report = sound(&stand);
    assert_eq!((report.voids.len(), report.voids[0].1.as_str(), report.voids[0].2.as_str()), (1, "不在场", "管理员"));
    let refused =
        claim(stand.ctx(), &stand.admin, stand.event, stand.draw, gone.number, Shown::List).await.unwrap_err();
    assert_eq!(refused.code(), Some("draw.win_void"));
}

#[tokio::test]
async fn an_assigned_prize_never_looks_drawn() {
    let stand = Stand::with(6).await;
    let round = stand.round(&prize("感谢奖", Mode::Designated, 2, 1)).await;
    let drawn = stand.round(&prize("手机", Mode::People, 6, 6)).await;
    let named =
        |phone: &'static str, round| designate(stand.ctx(), &stand.admin, stand.event, stand.draw, round, phone);
    assert_eq!(named("13800000002", drawn).await.unwrap_err().code(), Some("draw.not_designated"));
    assert_eq!(named("13900000000", round).await.unwrap_err().code(), Some("input.invalid"));
    let operator = stand.operator("other").await;
    let denied = designate(stand.ctx(), &operator, stand.event, stand.draw, round, "13800000002").await.unwrap_err();
    assert_eq!(denied.code(), Some("permission.denied"), "it needs a permission of its own");
    named("13800000002", round).await.unwrap();
    assert_eq!(named("13800000002", round).await.unwrap_err().code(), Some("input.invalid"), "once");
    assert!(
        page(stand.ctx(), &operator, stand.event, stand.draw).unwrap().rounds[0].designated.is_empty(),
        "nor is it seen"
    );
    stand.press(Act::Open(round)).await.unwrap();
    let assigned = stand.press(Act::Start).await.unwrap();
    assert_eq!((assigned.running.phase, assigned.wins.len(), assigned.wins[0].assigned), (Phase::Shown, 1, true));
    assert_eq!(stand.press(Act::Start).await.unwrap_err().code(), Some("draw.nobody_named"));
    let rest = stand.turn(drawn, Act::Start).await;
    assert_eq!(rest.wins.len(), 5, "who was given a prize does not win another");
    assert!(rest.wins.iter().all(|win| !win.assigned));
    let report = sound(&stand);
    assert_eq!(report.counts(), (5, 1));
    assert_eq!(report.turns[0].turn, None, "the record says that nothing was drawn");
    let mine = mine(stand.ctx(), SPACE, stand.draw, &[&stand.links[2]], None).unwrap();
    assert!(mine.wins[0].win.assigned && mine.winners.iter().filter(|of| of.win.assigned).count() == 1);
    let kept =
        undesignate(stand.ctx(), &stand.admin, stand.event, stand.draw, round, &mine.known[0].lucky).await.unwrap_err();
    assert_eq!(kept.code(), Some("draw.announced"));
}

#[tokio::test]
async fn tables_win_as_one_or_with_all_their_people() {
    let stand = Stand::with(12).await;
    let one = stand.round(&prize("酒", Mode::Table, 1, 1)).await;
    let all = stand.round(&prize("茶", Mode::TablePeople, 1, 1)).await;
    let none = stand.round(&RoundInput { first_table: "40".into(), ..prize("糖", Mode::Table, 1, 1) }).await;
    let table = stand.turn(one, Act::Start).await;
    assert_eq!((table.wins.len(), table.wins[0].who), (1, None));
    let people = stand.turn(all, Act::Start).await;
    assert_eq!(people.wins.len(), 4);
    assert!(people.wins.iter().all(|win| win.table != table.wins[0].table && win.table == people.wins[0].table));
    stand.press(Act::Open(none)).await.unwrap();
    assert_eq!(stand.press(Act::Start).await.unwrap_err().code(), Some("draw.no_table"));
    // One of the table goes: the prize is held by the others. All go: it can be drawn again, at another table.
    for (at, win) in people.wins.iter().enumerate() {
        let open = |page: Page| page.rounds.into_iter().find(|row| row.round.id == all).unwrap().again.len();
        assert_eq!(open(stand.page()), 0, "after {at}");
        void(stand.ctx(), &stand.admin, stand.event, stand.draw, win.number, "先走了").await.unwrap();
    }
    let again = stand.turn(all, Act::Redraw).await;
    assert!(again.wins.iter().all(|win| win.table != people.wins[0].table));
    void(stand.ctx(), &stand.admin, stand.event, stand.draw, table.wins[0].number, "重抽").await.unwrap();
    sound(&stand);
    let found = find(stand.ctx(), &stand.admin, stand.event, stand.draw, "13800000000").unwrap();
    assert!(found.wins.iter().all(|row| row.win.phone.as_deref() == Some("+8613800000000")));
}

#[tokio::test]
async fn on_the_spot_prizes_count_for_nothing() {
    let stand = Stand::with(2).await;
    let spot = random_round(stand.ctx(), &stand.admin, stand.event, stand.draw, "红包", "").await.unwrap();
    for _ in 0..5 {
        assert_eq!(stand.turn(spot, Act::Start).await.wins.len(), 1);
    }
    let round = stand.round(&prize("手机", Mode::People, 2, 2)).await;
    assert_eq!(stand.turn(round, Act::Start).await.wins.len(), 2, "whoever won on the spot still wins");
    assert_eq!(stand.turn(spot, Act::Start).await.wins.len(), 1, "and again on the spot");
    assert_eq!(sound(&stand).counts(), (8, 0));
}

#[tokio::test]
async fn a_turn_that_is_given_up_stays_in_the_record() {
    let stand = Stand::with(5).await;
    let round = stand.round(&prize("手机", Mode::People, 1, 1)).await;
    stand.press(Act::Open(round)).await.unwrap();
    let frozen = stand.press(Act::Start).await.unwrap().running.frozen;
    let begun = prize("手机", Mode::Random, 1, 1);
    let kept =
        save_round(stand.ctx(), &stand.admin, stand.event, stand.draw, Some((round, 1)), &begun).await.unwrap_err();
    assert_eq!(kept.code(), Some("input.invalid"), "who is drawn stays once a list is frozen");
    let cancelled = stand.press(Act::Cancel("误按".into())).await.unwrap();
    assert_eq!((cancelled.running.phase, cancelled.running.turn), (Phase::Ready, frozen.unwrap().turn));
    let next = stand.turn(round, Act::Start).await;
    assert_eq!(next.wins[0].turn, 2);
    let gone = remove_round(stand.ctx(), &stand.admin, stand.event, stand.draw, round).await.unwrap_err();
    assert_eq!(gone.code(), Some("draw.round_begun"));
    assert_eq!(sound(&stand).turns.len(), 1);
}

#[tokio::test]
async fn entrants_are_imported_once_join_by_the_code_and_are_one_person_with_their_ticket() {
    let stand = Stand::with(2).await;
    let (ctx, admin, event, draw) = (stand.ctx(), &stand.admin, stand.event, stand.draw);
    let sheet = [
        vec!["姓名", "手机号", "桌号"],
        vec!["外甲", "13700000001", "9"],
        vec!["外乙", "", "9"],
        vec!["客0", "13800000000", ""],
        vec!["外丙", "12", ""],
        vec!["外甲", "13700000001", ""],
    ];
    let sheet: Vec<Vec<String>> = sheet.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
    let bytes = sheet::write(sheet::Format::Csv, &sheet).unwrap();
    let taken = import(ctx, admin, event, draw, bytes.clone()).await.unwrap();
    assert_eq!((taken.added, taken.unchanged, taken.refused.len()), (3, 1, 1));
    assert_eq!((taken.refused[0].0, taken.refused[0].1.field.as_str()), (5, "phone"));
    let again = import(ctx, admin, event, draw, bytes).await.unwrap();
    assert_eq!((again.added, again.unchanged), (0, 4));
    assert_eq!(candidates_count(ctx, admin, event, draw).unwrap(), 4, "two tickets, two without");
    assert_eq!(join_code(ctx, admin, event, draw).unwrap_err().code(), Some("draw.not_joinable"));
    let open = DrawInput { registered: false, joined: true, strangers: true, ..form("抽奖") };
    save(ctx, admin, event, draw, 1, &open).await.unwrap();
    assert_eq!(candidates_count(ctx, admin, event, draw).unwrap(), 3, "only who joined or is on the list");
    let code = join_code(ctx, admin, event, draw).unwrap();
    assert_eq!(join(ctx, SPACE, &code, &stand.links[1], "", "").await.unwrap(), None);
    let kept = join(ctx, SPACE, &code, "", "外丁", "13700000009").await.unwrap().unwrap();
    assert_eq!(candidates_count(ctx, admin, event, draw).unwrap(), 5);
    let taken = join(ctx, SPACE, &code, "", "假", "13700000009").await.unwrap_err();
    assert_eq!(taken.code(), Some("draw.joined_already"));
    let ticket = join(ctx, SPACE, &code, "", "假", "13800000001").await.unwrap_err();
    assert_eq!(ticket.code(), Some("draw.has_ticket"));
    let known = mine(ctx, SPACE, draw, &[], Some(&kept)).unwrap().known;
    assert_eq!((known.len(), known[0].name.as_str(), known[0].takes_part), (1, "外丁", true));
    // A ticket that comes later is the same person.
    registration::add(ctx, admin, event, stand.kind, "", &named("外丁", "13700000009")).await.unwrap();
    assert_eq!(candidates_count(ctx, admin, event, draw).unwrap(), 5);
    renew_codes(ctx, admin, event, draw).await.unwrap();
    assert_eq!(look_join(ctx, SPACE, &code).unwrap_err().code(), Some("draw.code_ended"));
    let (rows, found, _) = entrants(ctx, admin, event, draw, 0).unwrap();
    assert_eq!((rows.len(), found), (5, 5));
    let extra = rows.iter().find(|row| row.entrant.name == "外乙").unwrap().entrant.id;
    remove_entrant(ctx, admin, event, draw, extra).await.unwrap();
    assert_eq!(candidates_count(ctx, admin, event, draw).unwrap(), 4);
    assert!(ctx.store().verify().is_sound());
}

#[tokio::test]
async fn the_file_of_a_long_list_has_everybody_on_it_once() {
    let stand = Stand::with(0).await;
    let (ctx, admin, event, draw) = (stand.ctx(), &stand.admin, stand.event, stand.draw);
    let many = PAGE * 2 + 3;
    let mut rows = vec![vec!["姓名".to_owned(), "手机号".to_owned()]];
    rows.extend((0..many).map(|n| vec![format!("外{n}"), format!("137{n:08}")]));
    let bytes = sheet::write(sheet::Format::Csv, &rows).unwrap();
    assert_eq!(import(ctx, admin, event, draw, bytes).await.unwrap().added, many);
    let (last, found, _) = entrants(ctx, admin, event, draw, 2).unwrap();
    assert_eq!((last.len(), found), (3, many));
    remove_entrant(ctx, admin, event, draw, last[1].entrant.id).await.unwrap();
    let say = |english: &str| english.to_owned();
    let file = export_entrants(ctx, admin, event, draw, sheet::Format::Csv, say).await.unwrap();
    let read = sheet::read(&file).unwrap();
    let named: Vec<&str> = read.rows.iter().map(|(_, cells)| cells[0].as_str()).collect();
    let should: Vec<String> = (0..many).rev().filter(|n| *n != 1).map(|n| format!("外{n}")).collect();
    assert_eq!(named, should, "newest first, without who was taken off");
}

#[tokio::test]
async fn taps_of_those_who_take_part_decide_and_messages_wait_for_a_look() {
    let stand = Stand::with(4).await;
    let (ctx, draw) = (stand.ctx(), stand.draw);
    let round = stand.round(&prize("手机", Mode::People, 1, 1)).await;
    stand.press(Act::Open(round)).await.unwrap();
    let early = tap(ctx, SPACE, draw, &[&stand.links[0]], None, [1; 8]).unwrap_err();
    assert_eq!(early.code(), Some("draw.not_rolling"));
    stand.press(Act::Start).await.unwrap();
    assert_eq!(tap(ctx, SPACE, draw, &[], None, [1; 8]).unwrap_err().code(), Some("draw.stranger"));
    for n in 0..3u8 {
        assert!(tap(ctx, SPACE, draw, &[&stand.links[usize::from(n)]], None, [n; 8]).unwrap());
    }
    stand.press(Act::Stop(String::new())).await.unwrap();
    let report = sound(&stand);
    assert_eq!((report.turns[0].taps, report.turns[0].called.as_str()), (3, ""));
    let typed = "恭喜恭喜";
    let absent = say(ctx, SPACE, draw, &[&stand.links[0]], None, typed).await.unwrap_err();
    assert_eq!(absent.code(), Some("draw.not_here"), "only who is checked in");
    let number = registration::by_link(ctx, SPACE, &stand.links[0]).unwrap().ticket.number;
    checkin::redeem(ctx, &stand.admin, stand.event, scan(&number, "a")).await.unwrap();
    stand.hall.advance(5 * SECOND);
    assert_eq!(say(ctx, SPACE, draw, &[&stand.links[0]], None, typed).await.unwrap(), Moderation::Waiting);
    let fast = say(ctx, SPACE, draw, &[&stand.links[0]], None, typed).await.unwrap_err();
    assert_eq!(fast.code(), Some("draw.too_fast"));
    let read = || {
        let receiver = watch(ctx, SPACE, draw, Side::Screen).unwrap();
        let text = receiver.borrow().clone();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    assert_eq!(read()["messages"].as_array().unwrap().len(), 0, "it waits");
    let waiting = messages(ctx, &stand.admin, stand.event, draw, Moderation::Waiting).unwrap();
    let mut follows = watch(ctx, SPACE, draw, Side::Screen).unwrap();
    follows.borrow_and_update();
    show(ctx, &stand.admin, stand.event, draw, &[waiting[0].id]).await.unwrap();
    follows.changed().await.unwrap();
    let seen: serde_json::Value = serde_json::from_str(&follows.borrow()).unwrap();
    assert_eq!(
        (seen["messages"][0]["text"].as_str(), seen["messages"][0]["name"].as_str()),
        (Some(typed), Some("客*"))
    );
    assert_eq!(seen["winners"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn prizes_are_found_handed_out_and_logged() {
    let stand = Stand::with(1).await;
    let (ctx, admin, event, draw) = (stand.ctx(), &stand.admin, stand.event, stand.draw);
    let round = stand.round(&prize("手机", Mode::People, 1, 1)).await;
    let win = stand.turn(round, Act::Start).await.wins.remove(0);
    let ticket = registration::by_link(ctx, SPACE, &stand.links[0]).unwrap().ticket;
    for (typed, shown) in [
        (ticket.number.as_str(), Shown::Ticket),
        (ticket.attend.as_str(), Shown::Ticket),
        ("138 0000 0000", Shown::Phone),
        (win.lucky.as_str(), Shown::Lucky),
    ] {
        let found = find(ctx, admin, event, draw, typed).unwrap();
        assert_eq!((found.wins.len(), found.shown), (1, shown), "{typed}");
    }
    assert!(find(ctx, admin, event, draw, "13900000000").unwrap().wins.is_empty());
    claim(ctx, admin, event, draw, win.number, Shown::Ticket).await.unwrap();
    let twice = claim(ctx, admin, event, draw, win.number, Shown::Ticket).await.unwrap_err();
    assert_eq!(twice.code(), Some("draw.handed_already"));
    let file = export(ctx, admin, event, draw, sheet::Format::Csv, str::to_owned, |at| at.0.to_string()).await.unwrap();
    let noted = crate::privacy::access::page(ctx, admin, None, "", Some(ticket.person)).await.unwrap();
    let places: Vec<&str> = noted.lines.iter().map(|of| of.line.place.as_str()).collect();
    assert!(places.contains(&"draw.wins_export") && !places.contains(&"draw.wins"), "{places:?}");
    let rows = sheet::read(&file).unwrap().rows;
    assert!(
        rows.len() == 1 && rows[0].1.contains(&"Handed out".to_owned()) && rows[0].1.contains(&"管理员".to_owned())
    );
    unclaim(ctx, admin, event, draw, win.number).await.unwrap();
    assert!(stand.page().wins[0].claim.is_none());
    let (number, draws) = numbers_of(ctx, SPACE, event, ticket.id).unwrap();
    assert_eq!((number, draws[0].1), (Some(win.lucky), 1));
    save(ctx, admin, event, draw, 1, &DrawInput { show_number: false, ..form("抽奖") }).await.unwrap();
    assert_eq!(numbers_of(ctx, SPACE, event, ticket.id).unwrap().0, None, "off: nobody sees it");
    stand.hall.advance(6 * HOUR);
    assert!(ctx.store().verify().is_sound());
}

#[tokio::test]
async fn a_draw_of_another_event_or_space_is_not_there() {
    let stand = Stand::with(1).await;
    let (other, _) = opened(&stand.hall, &stand.admin).await;
    let missing = |error: Error| assert_eq!(error.code(), Some("record.missing"));
    missing(page(stand.ctx(), &stand.admin, other, stand.draw).unwrap_err());
    let stranger = Actor { space: SpaceId(2), ..stand.admin.clone() };
    missing(page(stand.ctx(), &stranger, stand.event, stand.draw).unwrap_err());
    missing(act(stand.ctx(), &stand.admin, other, stand.draw, 1, Act::Wall).await.unwrap_err());
    missing(mine(stand.ctx(), SpaceId(2), stand.draw, &[], None).unwrap_err());
}

#[tokio::test]
async fn a_winner_is_told_once_what_was_won() {
    let stand = Stand::with(8).await;
    let round = stand.round(&prize("平板电脑", Mode::People, 3, 3)).await;
    let told = || {
        let view = stand.ctx().store().view().space(SPACE);
        let all = view.scan::<domain::Notice>(&(), None, store::Order::Ascending).map(|kept| kept.unwrap().1);
        all.filter(|notice| notice.purpose == domain::notice::Purpose::PrizeWon).collect::<Vec<_>>()
    };
    stand.press(Act::Open(round)).await.unwrap();
    stand.press(Act::Start).await.unwrap();
    assert!(told().is_empty(), "nobody before the draw is stopped");
    let stage = stand.press(Act::Stop("4711".into())).await.unwrap();
    let names: std::collections::BTreeSet<String> = told().into_iter().map(|notice| notice.name).collect();
    let winners: std::collections::BTreeSet<String> = stage.wins.iter().map(|win| win.name.clone()).collect();
    assert_eq!((names.len(), names), (3, winners), "each winner, and nobody else");
    assert!(told().iter().all(|notice| notice.values.contains(&("prize".into(), "平板电脑".into()))));
    assert!(told().iter().all(|notice| notice.phone.is_some()));
    let seen = stand.page().running.version;
    let again = act(stand.ctx(), &stand.admin, stand.event, stand.draw, seen, Act::Stop("4711".into())).await;
    assert!(again.is_err() && told().len() == 3, "a second press tells nobody again");
}

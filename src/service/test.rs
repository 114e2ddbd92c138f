//! Verbs over the memory engine: quotas under a race, one nonce one answer, scopes, audit lines, imports that go on after a stop.

use crate::{
    Actor, At, Ctx, Error, account, checkin,
    ctx::test::Hall,
    device, event, import,
    order::test::order_one,
    registration::{self, Bulk},
    roster::{Filter, Show, SortBy},
    sheet::{Format, read},
    space, ticket_type,
};
use domain::{
    DeviceId, EventId, Permission, Scope, SpaceId, TicketState, TicketTypeId,
    checkin::{Reason, Request, Shown, Verdict},
    event::{Cover, EventInput},
    field::{Field, FieldKind},
    import::{ImportState, Tally},
    ticket::TicketInput,
    ticket_type::TicketTypeInput,
    time::{HOUR, MINUTE},
};

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) async fn founded() -> (Hall, Actor) {
    let hall = Hall::fresh();
    let admin = found(&hall.ctx).await;
    (hall, admin)
}

/// Founds the association; answers its administrator.
pub(crate) async fn found(ctx: &Ctx) -> Actor {
    let hash = account::hash_password(ctx, PASSWORD).await.unwrap();
    space::found(ctx, "协会", "Asia/Shanghai", "管理员", "admin", &hash).await.unwrap();
    log_in(ctx, "admin").await
}

pub(crate) async fn log_in(ctx: &Ctx, login: &str) -> Actor {
    account::first::settle(ctx, SpaceId::ASSOCIATION, login).await;
    let token = account::log_in(ctx, SpaceId::ASSOCIATION, login, PASSWORD, &account::Origin::default()).await.unwrap();
    account::actor(ctx, SpaceId::ASSOCIATION, &token).unwrap().unwrap()
}

pub(crate) async fn opened(hall: &Hall, admin: &Actor) -> (EventId, TicketTypeId) {
    let zone = event::zone(&hall.ctx, admin.space).unwrap();
    let now = hall.ctx.now();
    let (from, to) = (now.plus(-HOUR).to_local(&zone), now.plus(5 * HOUR).to_local(&zone));
    let input = EventInput { name: "年会".into(), starts: from.clone(), ends: to.clone(), ..EventInput::default() };
    let pictures = event::Pictures { cover: Cover::Template(0), main: None };
    let id = event::create(&hall.ctx, admin, &input, &pictures, None, "免费票").await.unwrap();
    event::set_checkin(&hall.ctx, admin, id, &from, &to).await.unwrap();
    event::publish(&hall.ctx, admin, id).await.unwrap();
    let kind = ticket_type::list(&hall.ctx, admin, id).unwrap()[0].kind.id;
    (id, kind)
}

pub(crate) fn named(name: &str, phone: &str) -> TicketInput {
    TicketInput { name: name.into(), phone: phone.into(), ..TicketInput::default() }
}

pub(crate) fn scan(code: &str, nonce: &str) -> Request {
    Request { shown: Shown::Code(code.into()), nonce: nonce.into(), ..Request::default() }
}

/// A new terminal and its pairing code.
pub(crate) async fn terminal(hall: &Hall, admin: &Actor, event: EventId, name: &str) -> (DeviceId, String) {
    let input = device::DeviceInput { name: name.into(), ..device::DeviceInput::default() };
    let (id, code) = device::create(&hall.ctx, admin, event, &input).await.unwrap();
    (id, code.unwrap())
}

#[tokio::test]
async fn an_event_begins_with_one_free_ticket_and_needs_a_checkin_time() {
    let (hall, admin) = founded().await;
    let zone = event::zone(&hall.ctx, admin.space).unwrap();
    let input = EventInput {
        name: "x".into(),
        starts: hall.ctx.now().to_local(&zone),
        ends: hall.ctx.now().plus(HOUR).to_local(&zone),
        ..EventInput::default()
    };
    let pictures = event::Pictures { cover: Cover::Template(0), main: None };
    let id = event::create(&hall.ctx, &admin, &input, &pictures, None, "免费票").await.unwrap();
    let kinds = ticket_type::list(&hall.ctx, &admin, id).unwrap();
    assert_eq!((kinds.len(), kinds[0].kind.price.fen, kinds[0].kind.name.as_str()), (1, 0, "免费票"));
    let refused = event::publish(&hall.ctx, &admin, id).await.unwrap_err();
    assert_eq!(refused.code(), Some("event.no_checkin_time"));
    let gone = event::create(
        &hall.ctx,
        &admin,
        &input,
        &event::Pictures { cover: Cover::Template(99), main: None },
        None,
        "x",
    )
    .await;
    assert_eq!(gone.unwrap_err().code(), Some("input.invalid"));
}

#[tokio::test]
async fn a_quota_holds_whoever_asks_and_a_canceled_place_is_free_again() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let input = TicketTypeInput { name: "票".into(), quota: "2".into(), enabled: true, ..TicketTypeInput::default() };
    ticket_type::save(&hall.ctx, &admin, event, Some(kind), &input).await.unwrap();
    let first = order_one(&hall, event, kind, "甲", "13800000001").await.unwrap();
    let first = first.tickets().next().unwrap().0;
    let twice = order_one(&hall, event, kind, "甲", "13800000001").await.unwrap_err();
    assert_eq!(twice.code(), Some("ticket.already_registered"));
    registration::add(&hall.ctx, &admin, event, kind, "", &named("乙", "")).await.unwrap();
    let full = order_one(&hall, event, kind, "丙", "13800000003").await.unwrap_err();
    assert_eq!(full.code(), Some("ticket_type.sold_out"));
    registration::cancel(&hall.ctx, &admin, event, first).await.unwrap();
    registration::add(&hall.ctx, &admin, event, kind, "", &named("丁", "")).await.unwrap();
    let back = registration::restore(&hall.ctx, &admin, event, first).await.unwrap_err();
    assert_eq!(back.code(), Some("ticket_type.sold_out"));
    let less = TicketTypeInput { quota: "1".into(), ..input };
    assert!(
        ticket_type::save(&hall.ctx, &admin, event, Some(kind), &less).await.is_err(),
        "a quota is never below what is taken"
    );
}

#[tokio::test]
async fn a_scan_is_recorded_whatever_it_says_and_a_nonce_has_one_answer() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "嘉宾", &named("张三", "")).await.unwrap();
    let first = checkin::redeem(&hall.ctx, &admin, event, scan(&ticket.number, "a")).await.unwrap();
    assert_eq!(first.verdict, Verdict::Admitted);
    assert_eq!(first.person.as_ref().unwrap().group.as_ref(), "嘉宾");
    hall.advance(MINUTE);
    let again = checkin::redeem(&hall.ctx, &admin, event, scan(&ticket.number, "b")).await.unwrap();
    assert_eq!(again.verdict, Verdict::Refused(Reason::AlreadyIn));
    assert_eq!(again.previous.as_ref().unwrap().at, first.at);
    checkin::mark(&hall.ctx, &admin, event, ticket.id, false).await.unwrap();
    for (nonce, answer) in [("a", &first), ("b", &again)] {
        let same = checkin::redeem(&hall.ctx, &admin, event, scan("whatever", nonce)).await.unwrap();
        assert_eq!(
            (same.scan, same.verdict, &same.previous),
            (answer.scan, answer.verdict, &answer.previous),
            "whatever has changed since"
        );
    }
    let attend = checkin::redeem(&hall.ctx, &admin, event, scan(&ticket.attend, "c")).await.unwrap();
    assert_eq!(attend.verdict, Verdict::Admitted, "the attend code opens the door too");
    let unknown = checkin::redeem(&hall.ctx, &admin, event, scan("no ticket", "d")).await.unwrap();
    assert_eq!((unknown.verdict, unknown.person), (Verdict::Refused(Reason::Unknown), None));
    assert_eq!((unknown.counts.registered, unknown.counts.admitted, unknown.counts.refused), (1, 1, 2));
    let (failed, _) =
        checkin::log(&hall.ctx, &admin, event, checkin::ScanFilter { refused: true, list: None }, None).unwrap();
    assert_eq!(failed.len(), 2);
    assert_eq!(checkin::history(&hall.ctx, &admin, event, ticket.id).unwrap().len(), 3);
    hall.advance(6 * HOUR);
    let late = checkin::redeem(&hall.ctx, &admin, event, scan(&ticket.number, "e")).await.unwrap();
    assert_eq!(late.verdict, Verdict::Refused(Reason::TooLate));
    assert!(hall.ctx.store().verify().is_sound());
}

#[tokio::test]
async fn marking_takes_back_and_sets_whatever_the_time() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "")).await.unwrap();
    hall.advance(10 * HOUR);
    checkin::mark(&hall.ctx, &admin, event, ticket.id, true).await.unwrap();
    checkin::mark(&hall.ctx, &admin, event, ticket.id, true).await.unwrap();
    assert_eq!(checkin::counts(&hall.ctx, &admin, event).unwrap().admitted, 1);
    let kept = registration::cancel(&hall.ctx, &admin, event, ticket.id).await.unwrap_err();
    assert_eq!(kept.code(), Some("ticket.checked_in"));
    let (done, refused) = registration::bulk(&hall.ctx, &admin, event, &[ticket.id], &Bulk::Unmark).await.unwrap();
    assert_eq!((done, refused.len()), (1, 0));
    let counts = checkin::counts(&hall.ctx, &admin, event).unwrap();
    assert_eq!((counts.admitted, counts.registered), (0, 1));
    registration::cancel(&hall.ctx, &admin, event, ticket.id).await.unwrap();
    let marked = checkin::mark(&hall.ctx, &admin, event, ticket.id, true).await.unwrap_err();
    assert_eq!(marked.code(), Some("ticket.canceled"));
}

#[tokio::test]
async fn a_terminal_opens_only_its_own_door() {
    let (hall, admin) = founded().await;
    let (mine, kind) = opened(&hall, &admin).await;
    let (other, _) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, mine, kind, "", &named("张三", "")).await.unwrap();
    let (id, code) = terminal(&hall, &admin, mine, "大门").await;
    let token = device::pair(&hall.ctx, SpaceId::ASSOCIATION, &code.to_lowercase(), "1").await.unwrap();
    assert_eq!(
        device::pair(&hall.ctx, SpaceId::ASSOCIATION, &code, "2").await.unwrap_err().code(),
        Some("device.bad_code")
    );
    let device::Known::Device(door) = device::actor(&hall.ctx, SpaceId::ASSOCIATION, &token).unwrap() else {
        panic!("the terminal is known")
    };
    let denied = checkin::redeem(&hall.ctx, &door, other, scan(&ticket.number, "a")).await.unwrap_err();
    assert_eq!(denied.code(), Some("permission.denied"));
    assert!(registration::list(&hall.ctx, &door, mine, &Filter::default(), 0).is_err(), "a terminal sees no list");
    checkin::redeem(&hall.ctx, &door, mine, scan(&ticket.number, "a")).await.unwrap();
    device::revoke(&hall.ctx, &admin, id).await.unwrap();
    let revoked = device::actor(&hall.ctx, SpaceId::ASSOCIATION, &token).unwrap();
    assert!(matches!(revoked, device::Known::Revoked(found, event) if found == id && event == mine));
    let (_, late) = terminal(&hall, &admin, mine, "侧门").await;
    hall.advance(16 * MINUTE);
    assert!(device::pair(&hall.ctx, SpaceId::ASSOCIATION, &late, "3").await.is_err(), "a pairing code ends");
}

#[tokio::test]
async fn a_department_scope_holds_for_all_below_it() {
    let (hall, admin) = founded().await;
    let top = space::save_department(&hall.ctx, &admin, None, "总部", None).await.unwrap();
    let below = space::save_department(&hall.ctx, &admin, None, "分部", Some(top)).await.unwrap();
    let aside = space::save_department(&hall.ctx, &admin, None, "外部", None).await.unwrap();
    let id = account::create(&hall.ctx, &admin, "李四", "lisi", PASSWORD).await.unwrap();
    account::grant(&hall.ctx, &admin, id, Permission::EventManage, Scope::Department(top)).await.unwrap();
    account::grant(&hall.ctx, &admin, id, Permission::EventView, Scope::Department(top)).await.unwrap();
    let lisi = log_in(&hall.ctx, "lisi").await;
    let zone = event::zone(&hall.ctx, admin.space).unwrap();
    let input = EventInput {
        name: "x".into(),
        starts: hall.ctx.now().to_local(&zone),
        ends: hall.ctx.now().plus(HOUR).to_local(&zone),
        ..EventInput::default()
    };
    let pictures = event::Pictures { cover: Cover::Template(0), main: None };
    let own = event::create(&hall.ctx, &lisi, &input, &pictures, Some(below), "票").await.unwrap();
    for department in [None, Some(aside)] {
        let denied = event::create(&hall.ctx, &lisi, &input, &pictures, department, "票").await.unwrap_err();
        assert_eq!(denied.code(), Some("permission.denied"));
    }
    let theirs = event::create(&hall.ctx, &admin, &input, &pictures, Some(aside), "票").await.unwrap();
    let (seen, found) = event::list(&hall.ctx, &lisi, &event::EventFilter::default()).unwrap();
    assert_eq!((seen.len(), found, seen[0].event.id), (1, 1, own));
    assert!(event::get(&hall.ctx, &lisi, theirs).is_err());
    assert!(hall.ctx.permit(&lisi, Permission::EventManage, At::Event(own)).is_ok());
    let given = account::grant(&hall.ctx, &lisi, id, Permission::EventView, Scope::Space).await.unwrap_err();
    assert_eq!(given.code(), Some("permission.denied"));
    assert!(space::remove_department(&hall.ctx, &admin, top).await.is_err(), "what is in use stays");
    let last =
        account::list(&hall.ctx, &admin).unwrap().into_iter().find(|view| view.account.login == "admin").unwrap();
    let manage = last.grants.iter().find(|grant| grant.permission == Permission::AccountManage).unwrap().id;
    assert_eq!(account::revoke(&hall.ctx, &admin, manage).await.unwrap_err().code(), Some("grant.last_manager"));
}

#[tokio::test]
async fn what_nobody_holds_is_given_by_whoever_manages_accounts_and_nothing_else() {
    let (hall, admin) = founded().await;
    let id = account::create(&hall.ctx, &admin, "李四", "lisi", PASSWORD).await.unwrap();
    account::grant(&hall.ctx, &admin, id, Permission::AccountManage, Scope::Space).await.unwrap();
    let lisi = log_in(&hall.ctx, "lisi").await;
    let held = account::grant(&hall.ctx, &lisi, id, Permission::OutboxManage, Scope::Space).await.unwrap_err();
    assert_eq!(held.code(), Some("grant.not_held"), "the administrator holds it");
    // As in a hall that was set up before the permission existed.
    let all = account::list(&hall.ctx, &admin).unwrap();
    let grants = all.iter().flat_map(|view| &view.grants);
    let one = grants.clone().find(|grant| grant.permission == Permission::OutboxManage).unwrap().id;
    account::revoke(&hall.ctx, &admin, one).await.unwrap();
    account::grant(&hall.ctx, &lisi, id, Permission::OutboxManage, Scope::Space).await.unwrap();
    assert!(log_in(&hall.ctx, "lisi").await.holds_everywhere(Permission::OutboxManage));
    let admin = log_in(&hall.ctx, "admin").await;
    let again = account::grant(&hall.ctx, &admin, id, Permission::OutboxManage, Scope::Own).await.unwrap_err();
    assert_eq!(again.code(), Some("grant.not_held"), "now somebody holds it, and not the administrator");
}

#[tokio::test]
async fn another_space_is_another_world() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "13800000001")).await.unwrap();
    let stranger = Actor { space: SpaceId(2), ..admin.clone() };
    let missing = |error: Error| assert_eq!(error.code(), Some("record.missing"));
    missing(event::get(&hall.ctx, &stranger, event).unwrap_err());
    missing(registration::get(&hall.ctx, &stranger, event, ticket.id).unwrap_err());
    missing(checkin::redeem(&hall.ctx, &stranger, event, scan(&ticket.number, "a")).await.unwrap_err());
    missing(registration::cancel(&hall.ctx, &stranger, event, ticket.id).await.unwrap_err());
    assert!(registration::by_link(&hall.ctx, SpaceId(2), &crate::token::link(&ticket.link)).is_err());
    assert!(event::list(&hall.ctx, &stranger, &event::EventFilter::default()).unwrap().0.is_empty());
}

#[tokio::test]
async fn sensitive_answers_are_sealed_and_shown_only_with_permission() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let card = Field {
        id: 0,
        label: "身份证".into(),
        kind: FieldKind::IdCard,
        required: true,
        help: String::new(),
        choices: vec![],
        ..Field::default()
    };
    let revision = event::get(&hall.ctx, &admin, event).unwrap().event.revision;
    event::save_fields(&hall.ctx, &admin, event, revision, vec![card]).await.unwrap();
    let input = TicketInput { answers: vec![(1, "11010519491231002x".into())], ..named("张三", "") };
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &input).await.unwrap();
    let hidden = registration::show_answer(&hall.ctx, &ticket, &ticket.answers[0], false).unwrap();
    let clear = registration::show_answer(&hall.ctx, &ticket, &ticket.answers[0], true).unwrap();
    assert_eq!((hidden.as_str(), clear.as_str()), ("**************002X", "11010519491231002X"));
    let edit = registration::Edit { revision: 0, kind, group: String::new(), input: named("张三丰", "") };
    let kept = registration::edit(&hall.ctx, &admin, event, ticket.id, &edit).await.unwrap();
    assert_eq!(
        registration::show_answer(&hall.ctx, &kept, &kept.answers[0], true).unwrap(),
        clear,
        "an empty answer keeps the sealed one"
    );
    let stale = registration::edit(&hall.ctx, &admin, event, ticket.id, &edit).await.unwrap_err();
    assert_eq!(stale.code(), Some("record.changed"));
}

#[tokio::test]
async fn lists_filter_sort_and_follow_changes() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    for (name, phone) in [("张三", "13800000001"), ("李四", "13800000002"), ("欧阳锋", "13900000003")] {
        registration::add(&hall.ctx, &admin, event, kind, "", &named(name, phone)).await.unwrap();
    }
    let names = |filter: &Filter| -> Vec<String> {
        let (rows, _) = registration::list(&hall.ctx, &admin, event, filter, 0).unwrap();
        rows.into_iter().map(|row| row.0.name).collect()
    };
    let by_name = Filter { sort: SortBy::Name, ..Filter::default() };
    assert_eq!(names(&by_name), ["李四", "欧阳锋", "张三"]);
    for (text, found) in [("阳锋", "欧阳锋"), ("oyf", "欧阳锋"), ("0002", "李四"), ("zhang", "张三")] {
        assert_eq!(names(&Filter { text: text.into(), ..Filter::default() }), [found], "{text}");
    }
    let (rows, _) = registration::list(&hall.ctx, &admin, event, &by_name, 0).unwrap();
    registration::cancel(&hall.ctx, &admin, event, rows[0].0.id).await.unwrap();
    checkin::mark(&hall.ctx, &admin, event, rows[1].0.id, true).await.unwrap();
    assert_eq!(names(&by_name), ["欧阳锋", "张三"], "a change is seen at once");
    assert_eq!(names(&Filter { show: Show::Entered, ..Filter::default() }), ["欧阳锋"]);
    assert_eq!(names(&Filter { show: Show::State(TicketState::Canceled), ..Filter::default() }), ["李四"]);
    assert_eq!(registration::get(&hall.ctx, &admin, event, rows[0].0.id).unwrap().state, TicketState::Canceled);
}

#[tokio::test]
async fn a_ticket_is_found_by_phone_and_code_and_guessing_slows_down() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "13800000001")).await.unwrap();
    assert!(!ticket.collected);
    let visitor = Actor::visitor(SpaceId::ASSOCIATION);
    for guess in 0..5 {
        let code = format!("{:08}", 10_000_000 + guess);
        assert!(registration::find(&hall.ctx, &visitor, "138 0000 0001", &code, "1.2.3.4").await.is_err());
    }
    let slow = registration::find(&hall.ctx, &visitor, "13800000001", &ticket.attend, "1.2.3.4").await.unwrap_err();
    assert_eq!(slow.code(), Some("attempt.too_many"));
    hall.advance(MINUTE);
    let link = registration::find(&hall.ctx, &visitor, "13800000001", &ticket.attend, "1.2.3.4").await.unwrap();
    let page = registration::by_link(&hall.ctx, SpaceId::ASSOCIATION, &link).unwrap();
    assert!(page.ticket.collected && page.ticket.id == ticket.id);
}

#[tokio::test]
async fn an_import_goes_on_where_it_stopped_and_takes_no_row_twice() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let known = registration::add(&hall.ctx, &admin, event, kind, "", &named("旧", "13900000000")).await.unwrap();
    let mut list = "姓名,手机号,座位号\n旧,13900000000,A1\n坏,1,\n".to_owned();
    for n in 0..250 {
        list.push_str(&format!("人{n},138{n:08},\n"));
    }
    let id = import::upload(&hall.ctx, &admin, event, "list.csv", list.into_bytes(), kind, "嘉宾").await.unwrap();
    let preview = import::preview(&hall.ctx, &admin, event, id, false, 0).await.unwrap();
    let expected = Tally { added: 250, changed: 1, unchanged: 0, refused: 1 };
    assert_eq!((preview.tally, preview.found), (expected, 252));
    import::begin(&hall.ctx, &admin, event, id).await.unwrap();
    assert_eq!(import::begin(&hall.ctx, &admin, event, id).await.unwrap_err().code(), Some("import.begun"));
    assert_eq!(import::unfinished(&hall.ctx, admin.space).unwrap(), [id]);
    let (one, two) = tokio::join!(import::run(&hall.ctx, admin.space, id), import::run(&hall.ctx, admin.space, id));
    one.and(two).unwrap();
    let done = import::get(&hall.ctx, &admin, event, id).unwrap();
    assert_eq!((done.state, done.tally), (ImportState::Finished, expected), "even when two carry it on at once");
    assert_eq!(checkin::counts(&hall.ctx, &admin, event).unwrap().registered, 251);
    assert_eq!(registration::get(&hall.ctx, &admin, event, known.id).unwrap().seat, "A1");
    let refused = import::refused_rows(&hall.ctx, &admin, event, id, Format::Csv, |text, _| text.to_owned()).unwrap();
    let rows = read(&refused).unwrap().rows;
    assert_eq!((rows.len(), rows[0].1[0].as_str()), (1, "坏"));
    assert!(rows[0].1[3].contains("not a phone number"));
    assert!(hall.ctx.store().verify().is_sound());
}

#[tokio::test]
async fn five_thousand_rows_go_in_exactly_with_quotas_groups_and_doubles() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (event, kind) = opened(&hall, &admin).await;
    let few =
        TicketTypeInput { name: "贵宾".into(), quota: "700".into(), enabled: true, ..TicketTypeInput::default() };
    let few = ticket_type::save(ctx, &admin, event, None, &few).await.unwrap();
    registration::add(ctx, &admin, event, few, "", &named("先到", "13700000000")).await.unwrap();
    // Every fifth row is for the type with 700 places, of which one is taken; every hundredth repeats the phone before it.
    let (mut list, mut wanted, mut doubles) = ("姓名,手机号,票种,分组\n".to_owned(), 0, 0);
    for n in 0..5_000 {
        let twice = n % 100 == 99;
        let phone = if twice { n - 1 } else { n };
        let kind = if n % 5 == 0 { "贵宾" } else { "" };
        wanted += u32::from(n % 5 == 0 && !twice);
        doubles += u32::from(twice);
        list.push_str(&format!("人{n},138{phone:08},{kind},第{}组\n", n % 40));
    }
    let id = import::upload(ctx, &admin, event, "list.csv", list.into_bytes(), kind, "").await.unwrap();
    let expected =
        Tally { added: 5_000 - doubles - (wanted - 699), changed: 0, unchanged: 0, refused: doubles + wanted - 699 };
    assert_eq!(import::preview(ctx, &admin, event, id, false, 0).await.unwrap().tally, expected);
    import::begin(ctx, &admin, event, id).await.unwrap();
    import::run(ctx, admin.space, id).await.unwrap();
    let done = import::get(ctx, &admin, event, id).unwrap();
    assert_eq!((done.state, done.tally), (ImportState::Finished, expected));
    assert_eq!(checkin::counts(ctx, &admin, event).unwrap().registered, i64::from(expected.added) + 1);
    let taken = |of: TicketTypeId| {
        ticket_type::list(ctx, &admin, event).unwrap().into_iter().find(|row| row.kind.id == of).unwrap()
    };
    assert_eq!((taken(few).taken, taken(few).left), (700, Some(0)), "never one too many");
    assert_eq!(taken(kind).taken, i64::from(expected.added) + 1 - 700);
    assert_eq!(event::groups(ctx, &admin, event).unwrap().len(), 40, "each group is made once");
    assert!(ctx.store().verify().is_sound());
}

#[tokio::test]
async fn every_write_leaves_its_line_in_the_audit_log() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "13800000001")).await.unwrap();
    checkin::redeem(&hall.ctx, &admin, event, scan(&ticket.number, "a")).await.unwrap();
    let lines = crate::audit::page(&hall.ctx, &admin, None, "").await.unwrap().lines;
    let actions: Vec<&str> = lines.iter().rev().map(|(_, line)| line.action.as_str()).collect();
    for action in
        ["space.set_up", "session.begin", "event.create", "event.publish", "registration.create", "checkin.log"]
    {
        assert!(actions.contains(&action), "{action} in {actions:?}");
    }
    assert!(lines.iter().all(|(_, line)| !line.after.contains("13800000001")), "phones are masked in the log");
    let silent = hall.ctx.write(&hall.ctx.own(admin.space), move |work| work.put(&ticket)).await;
    assert!(matches!(silent, Err(Error::Internal(why)) if why.contains("audit")), "a write without a line is refused");
}

#[tokio::test]
async fn the_audit_log_is_found_by_who_verb_record_and_day() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "13800000001")).await.unwrap();
    let found = async |typed: &str| -> Vec<String> {
        let page = crate::audit::page(&hall.ctx, &admin, None, typed).await.unwrap();
        page.lines.iter().rev().map(|(_, line)| line.action.clone()).collect()
    };
    let all = found("").await;
    assert!(all.len() > 4, "{all:?}");
    assert_eq!(found("event.publish").await, ["event.publish"], "a verb");
    assert_eq!(found("type:registration").await, ["registration.create"], "an area of verbs");
    let about: Vec<String> = all.iter().filter(|action| action.starts_with("event.")).cloned().collect();
    assert_eq!(found(&format!("event:{event} type:event")).await, about, "a record");
    let page = crate::audit::page(&hall.ctx, &admin, None, "").await.unwrap();
    let me = page.names.get(&admin.by()).unwrap().as_deref().unwrap();
    let mine: Vec<_> = page.lines.iter().rev().filter(|(_, line)| line.by == admin.by()).collect();
    let named = found(&format!("name:{me}")).await;
    assert!(
        mine.len() > 3 && mine.len() < all.len() && mine.iter().map(|(_, line)| &line.action).eq(&named),
        "{named:?}"
    );
    assert!(found("name:无此人").await.is_empty());
    assert!(found("before:1990-01-01").await.is_empty(), "a day");
    let refused = crate::audit::page(&hall.ctx, &admin, None, &"何".repeat(domain::query::QUERY_MAX + 1)).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "what is too long is said");
    let stranger = Actor { held: Vec::new(), ..admin.clone() };
    assert!(crate::audit::page(&hall.ctx, &stranger, None, "").await.is_err());
}

#[tokio::test]
async fn the_audit_log_is_looked_through_in_steps_that_lose_nothing() {
    let (hall, admin) = founded().await;
    for number in 0..260 {
        let action = if number % 130 == 0 { "test.rare" } else { "test.often" };
        let permit = hall.ctx.own(admin.space);
        let write = hall.ctx.write(&permit, move |work| work.audit(action, format!("number/{number}"), "", ""));
        write.await.unwrap();
    }
    let (mut before, mut seen, mut pages) = (None, Vec::new(), 0);
    loop {
        let page = crate::audit::page(&hall.ctx, &admin, before, "type:test").await.unwrap();
        assert!(page.lines.len() <= crate::audit::PAGE);
        seen.extend(page.lines.iter().map(|(_, line)| line.subject.clone()));
        pages += 1;
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let all: Vec<String> = (0..260).rev().map(|number| format!("number/{number}")).collect();
    assert_eq!((seen, pages), (all, 3));
    let rare = crate::audit::page(&hall.ctx, &admin, None, "test.rare").await.unwrap();
    assert_eq!(
        rare.lines.iter().map(|(_, line)| line.subject.as_str()).collect::<Vec<_>>(),
        ["number/130", "number/0"]
    );
}

#[tokio::test]
async fn a_scan_log_that_was_tampered_with_is_found() {
    use domain::{ScanBlock, ScanId, checkin::Line};
    use store::Read;
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "")).await.unwrap();
    for nonce in ["a", "b", "c"] {
        checkin::redeem(&hall.ctx, &admin, event, scan(&ticket.number, nonce)).await.unwrap();
    }
    let problems = || checkin::vouch::verify(&hall.ctx, SpaceId::ASSOCIATION).unwrap().problems;
    assert_eq!(problems(), Vec::<String>::new());
    let change = |of: ScanId, gone: bool| {
        let written = hall.ctx.store().write_blocking(move |tx| {
            let mut space = tx.space(SpaceId::ASSOCIATION);
            if gone {
                return space.remove::<ScanBlock>(&(event, of)).map(|_| ());
            }
            let (view, _) = space.follower::<checkin::Books>().unwrap();
            let mut block = view.get::<ScanBlock>(&(event, of))?.unwrap();
            if let Some(Line::Scan(scan)) = block.lines.first_mut() {
                scan.code = "100000000007".into();
            }
            space.put(&block)
        });
        written.unwrap();
    };
    change(ScanId(1), false);
    assert_eq!(problems().len(), 1, "{:?}", problems());
    assert!(problems()[0].contains("line 1 was changed"), "{:?}", problems());
    change(ScanId(2), true);
    let found = problems().join("\n");
    assert!(found.contains("lines 2 to 3 are missing") && found.contains("line 2 is gone"), "{found}");
}

#[tokio::test]
async fn districts_are_suggested_that_were_typed_before_in_the_same_city() {
    let (hall, admin) = founded().await;
    let (now, zone) = (hall.ctx.now(), event::zone(&hall.ctx, admin.space).unwrap());
    let (starts, ends) = (now.to_local(&zone), now.plus(HOUR).to_local(&zone));
    for (city, district) in
        [("杭州", "西湖区"), ("杭州", "滨江区"), ("杭州", "西湖区"), ("宁波", "鄞州区"), ("", "无"), ("绍兴", "")]
    {
        let input = EventInput {
            name: "会".into(),
            starts: starts.clone(),
            ends: ends.clone(),
            city: city.into(),
            district: district.into(),
            ..EventInput::default()
        };
        let pictures = event::Pictures { cover: Cover::Template(0), main: None };
        event::create(&hall.ctx, &admin, &input, &pictures, None, "票").await.unwrap();
    }
    let found = event::districts(&hall.ctx, &admin).unwrap();
    let found: Vec<(&str, &str)> = found.iter().map(|(city, district)| (city.as_str(), district.as_str())).collect();
    assert_eq!(found, [("宁波市", "鄞州区"), ("杭州市", "滨江区"), ("杭州市", "西湖区")]);
    assert!(event::districts(&hall.ctx, &Actor::visitor(admin.space)).is_err());
}

//! All data of a person in one file, erasing with what may stay, requests, repeats after a restore, and who saw what.

use super::*;
use crate::{
    ctx::test::Hall,
    order::{self, test::order_one},
    payment, registration,
    test::{founded, named, opened},
};
use domain::{
    EventId, TicketId,
    field::{AnswerValue, Field, FieldKind},
    order::EntryInput,
    payment::Method,
    privacy::{
        ANSWER_DAYS,
        dossier::{Datum, Row, Value},
    },
    ticket::TicketInput,
    time::{DAY, HOUR},
};
use std::collections::BTreeSet;
use std::io::Read as _;

/// What must not be found any more of whoever was erased.
const PERSONAL: [&str; 5] = ["欧阳锋", "白驼山庄", "13912345678", "过敏花生", "素食主义"];

fn found(hall: &Hall, space: SpaceId) -> Vec<(u16, &'static str)> {
    crate::archive::tests::found(hall, space, &PERSONAL)
}

fn question(label: &str, kind: FieldKind) -> Field {
    Field { label: label.into(), kind, ..Field::default() }
}

/// Somebody who left answers, an identity card and a file with an event.
async fn guest(hall: &Hall, admin: &Actor) -> (EventId, TicketId, PersonId) {
    let ctx = &hall.ctx;
    let (event, kind) = opened(hall, admin).await;
    let revision = crate::event::get(ctx, admin, event).unwrap().event.revision;
    let fields =
        vec![question("饮食", FieldKind::Text), question("证件", FieldKind::IdCard), question("名片", FieldKind::File)];
    crate::event::save_fields(ctx, admin, event, revision, fields).await.unwrap();
    let card = crate::upload::keep(ctx, 3, "名片.pdf", b"%PDF-1.7 a card".to_vec()).await.unwrap();
    let input = TicketInput {
        company: "白驼山庄".into(),
        seat: "3-5".into(),
        note: "过敏花生".into(),
        answers: vec![(1, "素食主义".into()), (2, "11010519491231002x".into()), (3, card)],
        ..named("欧阳锋", "13912345678")
    };
    let ticket = registration::add(ctx, admin, event, kind, "嘉宾", &input).await.unwrap();
    (event, ticket.id, ticket.person)
}

/// A session of the person whose phone number this is.
async fn log_in(hall: &Hall, phone: &str) -> Actor {
    let proof = crate::identity::Proof { kind: domain::identity::IdentityKind::Phone, value: phone.into() };
    let origin = crate::account::Origin::default();
    let (token, _) =
        crate::identity::log_in(&hall.ctx, SpaceId::ASSOCIATION, vec![proof], "手机", &origin).await.unwrap();
    crate::identity::actor(&hall.ctx, SpaceId::ASSOCIATION, &token).unwrap().unwrap().as_ref().clone()
}

#[tokio::test]
async fn an_export_holds_every_table_that_knows_the_person_and_the_files() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (_, _, person) = guest(&hall, &admin).await;
    let dossier = export(ctx, &admin, person).await.unwrap();
    let told: BTreeSet<&str> = dossier.sections.iter().map(|section| section.table).collect();
    let should: BTreeSet<&str> = table::FATES.iter().filter(|(_, told, _)| *told).map(|(table, ..)| *table).collect();
    assert_eq!(told, should);
    assert_eq!(told.len(), dossier.sections.len(), "each table once");
    let bytes = pack(ctx, dossier, "<!doctype html>".into()).await.unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names, ["data.json", "index.html", "files/1-名片.pdf"]);
    let mut text = String::new();
    zip.by_name("data.json").unwrap().read_to_string(&mut text).unwrap();
    let data: serde_json::Value = serde_json::from_str(&text).unwrap();
    let ticket = &data["data"]["ticket"][0];
    assert_eq!((ticket["name"].as_str(), ticket["phone"].as_str()), (Some("欧阳锋"), Some("+8613912345678")));
    assert_eq!(ticket["answers"][1]["answer"], "11010519491231002X", "sealed answers are theirs");
    let mut file = Vec::new();
    zip.by_name("files/1-名片.pdf").unwrap().read_to_end(&mut file).unwrap();
    assert_eq!(file, b"%PDF-1.7 a card");
    let seen = access::page(ctx, &admin, None, "", Some(person)).await.unwrap();
    let line = &seen.lines[0].line;
    assert_eq!(
        (line.place.as_str(), &line.seen[..], line.whose.people().collect::<Vec<_>>()),
        ("person.export", &[Seen::Everything][..], vec![person])
    );
    let audit = crate::audit::page(ctx, &admin, None, "privacy.export").await.unwrap();
    assert_eq!(audit.lines.len(), 1);
}

#[tokio::test]
async fn erasing_leaves_nothing_personal_and_keeps_what_the_law_asks_for() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (event, ticket, person) = guest(&hall, &admin).await;
    let file = match &registration::get(ctx, &admin, event, ticket).unwrap().answers[2].value {
        AnswerValue::File(upload) => upload.file,
        other => panic!("{other:?}"),
    };
    let own = log_in(&hall, "+8613912345678").await;
    assert_eq!(own.person(), Some(person), "whoever proves the number is the one who registered");
    let before: BTreeSet<&str> = found(&hall, admin.space).into_iter().map(|(_, text)| text).collect();
    assert_eq!(before.len(), PERSONAL.len(), "it was all there");
    assert_eq!(ask(ctx, &own, "欧阳").await.unwrap_err().code(), Some("input.invalid"), "the name is typed");
    ask(ctx, &own, "欧阳锋").await.unwrap();
    assert_eq!(ask(ctx, &own, "欧阳锋").await.unwrap_err().code(), Some("privacy.asked"));
    let waiting = requests(ctx, &admin).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].erasure.due(), ctx.now().plus(ANSWER_DAYS * DAY));
    erase(ctx, &admin, person, "欧阳锋").await.unwrap();
    let (one, two) = tokio::join!(erase_now(ctx, admin.space, person), erase_now(ctx, admin.space, person));
    one.and(two).unwrap();
    assert_eq!(found(&hall, admin.space), [], "nothing personal is left");
    assert!(ctx.files.get(&file).is_err(), "nor the file");
    let kept = registration::get(ctx, &admin, event, ticket).unwrap();
    assert_eq!((kept.name.as_str(), kept.state, kept.phone), ("欧**", domain::TicketState::Canceled, None));
    assert!(crate::identity::sessions(ctx, &own).unwrap().is_empty(), "every device is logged out");
    assert!(requests(ctx, &admin).unwrap().is_empty());
    assert_eq!(erase(ctx, &admin, person, "欧**").await.unwrap_err().code(), Some("privacy.erased"));
    assert!(ctx.store().verify().is_sound());
    let again = log_in(&hall, "+8613912345678").await;
    assert_ne!(again.person(), Some(person), "whoever has the number later is somebody new");
}

#[tokio::test]
async fn what_is_not_settled_stands_in_the_way_and_money_stays_on_the_books() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    payment::save(ctx, &admin, &[(Method::Cash, true, String::new())]).await.unwrap();
    let (event, _) = opened(&hall, &admin).await;
    let input = domain::ticket_type::TicketTypeInput {
        name: "收费票".into(),
        price: "100".into(),
        enabled: true,
        ..Default::default()
    };
    let kind = crate::ticket_type::save(ctx, &admin, event, None, &input).await.unwrap();
    let bought = order_one(&hall, event, kind, "欧阳锋", "13912345678").await.unwrap();
    let person = bought.buyer.person;
    let hindered = |known: &Known| known.hindrances.clone();
    let known = get(ctx, &admin, person).await.unwrap();
    assert!(matches!(&hindered(&known)[..], [Hindrance::Order(..)]), "{:?}", known.hindrances);
    assert_eq!(erase(ctx, &admin, person, "欧阳锋").await.unwrap_err().code(), Some("privacy.hindered"));
    let money = EntryInput { amount: "100".into(), method: "cash".into(), ..EntryInput::default() };
    order::pay(ctx, &admin, event, bought.id, bought.revision, &money, None).await.unwrap();
    let known = get(ctx, &admin, person).await.unwrap();
    assert!(matches!(&hindered(&known)[..], [Hindrance::Upcoming(..)]), "{:?}", known.hindrances);
    hall.advance(6 * HOUR);
    erase(ctx, &admin, person, "欧阳锋").await.unwrap();
    assert_eq!(erase_due(ctx, admin.space).await.unwrap(), 1, "the clock does it where nobody waited");
    assert_eq!(found(&hall, admin.space), []);
    let order = order::get(ctx, &admin, event, bought.id).unwrap().order;
    assert_eq!((order.buyer.name.as_str(), order.sums().balance()), ("欧**", 10_000), "the money stays");
    let staff = ctx.read(&ctx.own(admin.space), |view| Ok(view.get::<domain::Account>(&admin.account().unwrap())?));
    let staff = staff.unwrap().unwrap().person;
    let known = get(ctx, &admin, staff).await.unwrap();
    assert_eq!(known.hindrances, [Hindrance::Account]);
}

#[tokio::test]
async fn a_request_is_taken_back_or_declined_and_needs_a_fresh_log_in() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (_, _, person) = guest(&hall, &admin).await;
    let own = log_in(&hall, "+8613912345678").await;
    ask(ctx, &own, "欧阳锋").await.unwrap();
    withdraw(ctx, &own).await.unwrap();
    assert_eq!(withdraw(ctx, &own).await.unwrap_err().code(), Some("privacy.not_asked"));
    ask(ctx, &own, "欧阳锋").await.unwrap();
    assert_eq!(decline(ctx, &admin, person, "").await.unwrap_err().code(), Some("input.invalid"));
    decline(ctx, &admin, person, "请先退票").await.unwrap();
    let (_, kept) = super::own(ctx, &own).unwrap();
    assert_eq!(kept.unwrap().state, ErasureState::Declined("请先退票".into()));
    export_own(ctx, &own).await.unwrap();
    hall.advance(HOUR);
    assert_eq!(export_own(ctx, &own).await.unwrap_err().code(), Some("privacy.log_in_again"));
    assert_eq!(ask(ctx, &own, "欧阳锋").await.unwrap_err().code(), Some("privacy.log_in_again"));
    let visitor = Actor::visitor(admin.space);
    for refused in [get(ctx, &visitor, person).await.err(), export(ctx, &visitor, person).await.err()] {
        assert_eq!(refused.unwrap().code(), Some("session.none"));
    }
    for refused in [erase(ctx, &own, person, "欧阳锋").await.err(), export(ctx, &own, person).await.err()] {
        assert_eq!(refused.unwrap().code(), Some("permission.denied"));
    }
    assert_eq!(find(ctx, &admin, "139 1234 5678").unwrap(), person);
    assert!(find(ctx, &admin, "13900000000").is_err() && find(ctx, &admin, "张三").is_err());
}

#[tokio::test]
async fn whoever_was_erased_is_erased_again_after_a_restore_and_nobody_else() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (_, _, person) = guest(&hall, &admin).await;
    let created = get(ctx, &admin, person).await.unwrap().person.created_at;
    assert_eq!(erased_list(ctx).unwrap(), "");
    let list =
        format!("{} {person} {}\n{} {person} {}\nnonsense\n", admin.space, created.0, admin.space, created.0 + 1);
    let now = ctx.now();
    let store = ctx.store().clone();
    let marked = tokio::task::spawn_blocking(move || erase_again(&store, &list, now)).await.unwrap().unwrap();
    assert_eq!(marked, 1, "the same number with another birth is somebody else");
    assert_eq!(erase_due(ctx, admin.space).await.unwrap(), 1);
    assert_eq!(found(&hall, admin.space), []);
    assert_eq!(erased_list(ctx).unwrap(), format!("{} {person} {}\n", admin.space, created.0));
}

#[tokio::test]
async fn who_saw_whose_numbers_is_kept_once_for_each_page_and_found_by_name() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (event, _, person) = guest(&hall, &admin).await;
    for _ in 0..50 {
        access::note(ctx, &admin, "registration.list", Some(event), [person], &[Seen::Phone]);
    }
    access::note(ctx, &admin, "registration.list", Some(event), [], &[Seen::Phone]);
    let page = access::page(ctx, &admin, None, "", None).await.unwrap();
    assert_eq!(page.lines.len(), 1, "fifty looks at one page are one line");
    assert_eq!((page.lines[0].who.as_deref(), page.lines[0].event.as_str()), (Some("管理员"), "年会"));
    let many: Vec<PersonId> = (1..=1_200).map(PersonId).collect();
    access::note_now(ctx, &admin, "registration.export", Some(event), many, &[Seen::Phone, Seen::IdCard])
        .await
        .unwrap();
    for (text, count) in [("欧阳锋", 2), ("registration.export", 1), ("张无忌", 0)] {
        assert_eq!(access::page(ctx, &admin, None, text, None).await.unwrap().lines.len(), count, "{text}");
    }
    let of = access::page(ctx, &admin, None, "", Some(person)).await.unwrap();
    assert!(of.lines.iter().all(|shown| shown.names[0].0 == person));
    let dossier = export(ctx, &admin, person).await.unwrap();
    let told = dossier.sections.into_iter().find(|section| section.table == "access_line").unwrap();
    let way = |row: &Row| match row.iter().find(|(datum, _)| *datum == Datum::Way) {
        Some((_, Value::Text(place))) => place.clone(),
        other => panic!("{other:?}"),
    };
    let ways: Vec<String> = told.rows.iter().map(way).collect();
    assert_eq!(ways, ["registration.export", "registration.list"], "newest first, of few and of many");
    let visitor = Actor::visitor(admin.space);
    assert_eq!(access::page(ctx, &visitor, None, "", None).await.unwrap_err().code(), Some("session.none"));
    assert!(ctx.store().verify().is_sound());
}

#[tokio::test]
async fn what_is_too_old_goes_by_the_clock_and_a_look_says_how_much_before() {
    use domain::privacy::retention::Sort;
    use retention::{look, run, save, settings};
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (event, ticket, person) = guest(&hall, &admin).await;
    let picture = crate::picture::noise(64, 64).unwrap();
    crate::portrait::upload_for(ctx, &admin, event, ticket, picture).await.unwrap();
    let file = ctx
        .read(&ctx.own(admin.space), |view| Ok(view.get::<domain::Portrait>(&(event, ticket))?.unwrap().file))
        .unwrap();
    access::note_now(ctx, &admin, "registration.export", Some(event), vec![person], &[Seen::Phone]).await.unwrap();
    let typed: Vec<(Sort, String)> = Sort::ALL.iter().map(|sort| (*sort, "30".to_owned())).collect();
    assert_eq!(run(ctx, admin.space).await.unwrap(), 0, "nothing goes before anybody says so");
    let wrong = save(ctx, &admin, 0, &[(Sort::Portrait, "1".to_owned())]).await.unwrap_err();
    assert_eq!(wrong.code(), Some("input.invalid"));
    save(ctx, &admin, 0, &typed).await.unwrap();
    assert_eq!(save(ctx, &admin, 0, &typed).await.unwrap_err().code(), Some("record.changed"));
    assert_eq!(settings(ctx, &admin).unwrap().of(Sort::Portrait), Some(30));
    hall.advance(30 * DAY + 5 * HOUR);
    assert_eq!(run(ctx, admin.space).await.unwrap(), 2, "the log-in and the look, but not what hangs on an event yet");
    assert!(ctx.files.get(&file).is_ok());
    hall.advance(2 * HOUR);
    let counted = look(ctx, &admin, &typed).await.unwrap();
    let of = |sort: Sort| counted.iter().find(|(of, _)| *of == sort).unwrap().1;
    assert_eq!((of(Sort::Portrait), of(Sort::Event), of(Sort::Login)), (1, 1, 0));
    assert!(ctx.files.get(&file).is_ok(), "a look removes nothing");
    assert_eq!(run(ctx, admin.space).await.unwrap(), 2);
    assert!(ctx.files.get(&file).is_err(), "the portrait is gone from the disk");
    assert_eq!(run(ctx, admin.space).await.unwrap(), 0);
    crate::archive::run_due(ctx, admin.space).await.unwrap();
    assert_eq!(registration::get(ctx, &admin, event, ticket).unwrap().name, "欧**", "the archive does its part");
    let lines = crate::audit::page(ctx, &admin, None, "retention.gone").await.unwrap().lines;
    assert!(lines.len() >= 2, "each step has its line");
    let visitor = Actor::visitor(admin.space);
    assert_eq!(save(ctx, &visitor, 1, &typed).await.unwrap_err().code(), Some("session.none"));
    assert!(ctx.store().verify().is_sound());
}

#[tokio::test]
async fn whoever_registers_agrees_to_the_version_that_holds_and_can_take_it_back() {
    use crate::order::{OrderInput, PersonInput, place};
    use domain::privacy::consent::ConsentWay;
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (event, kind) = opened(&hall, &admin).await;
    let visitor = Actor::visitor(admin.space);
    let order = |name: &str, phone: &str, agreed: Option<(u32, ConsentWay)>| OrderInput {
        people: vec![PersonInput { kind, addons: Vec::new(), ticket: named(name, phone) }],
        agreed,
        ..OrderInput::default()
    };
    place(ctx, &visitor, event, &order("张三", "13800000001", None)).await.unwrap();
    consent::publish(ctx, &admin, "我们保存姓名和手机号。").await.unwrap();
    let same = consent::publish(ctx, &admin, "我们保存姓名和手机号。").await.unwrap_err();
    assert_eq!(same.code(), Some("input.invalid"));
    let refused = place(ctx, &visitor, event, &order("李四", "13800000002", None)).await.unwrap_err();
    assert_eq!(refused.code(), Some("input.invalid"), "it is asked for now");
    let agreed = Some((1, ConsentWay::Form));
    let bought = place(ctx, &visitor, event, &order("欧阳锋", "13912345678", agreed)).await.unwrap();
    consent::publish(ctx, &admin, "我们保存姓名、手机号和回答。").await.unwrap();
    let old = place(ctx, &visitor, event, &order("王五", "13800000003", agreed)).await.unwrap_err();
    assert_eq!(old.code(), Some("input.invalid"), "an older version is another text");
    let person = bought.buyer.person;
    let known = get(ctx, &admin, person).await.unwrap();
    let hash = crate::token::sha256("我们保存姓名和手机号。".as_bytes());
    assert_eq!((known.notice, known.consents.len()), (Some(2), 1));
    assert_eq!((known.consents[0].version, known.consents[0].hash, known.consents[0].way), (1, hash, ConsentWay::Form));
    consent::agree_on_paper(ctx, &admin, person).await.unwrap();
    let counted = |all: Vec<(domain::privacy::consent::PrivacyNotice, usize)>| {
        all.into_iter().map(|(notice, agreed)| (notice.version, agreed)).collect::<Vec<_>>()
    };
    assert_eq!(counted(consent::versions(ctx, &admin).await.unwrap()), [(2, 1), (1, 1)]);
    let own = log_in(&hall, "+8613912345678").await;
    consent::withdraw(ctx, &own).await.unwrap();
    assert!(consent::own(ctx, &own).unwrap().iter().all(|kept| kept.withdrawn.is_some()));
    assert!(consent::withdraw(ctx, &own).await.is_err(), "there is nothing left to take back");
    consent::publish(ctx, &admin, "").await.unwrap();
    place(ctx, &visitor, event, &order("赵六", "13800000004", None)).await.unwrap();
    assert_eq!(consent::version(ctx, admin.space, 1).unwrap().text, "我们保存姓名和手机号。", "old versions stay");
    for refused in [consent::publish(ctx, &own, "x").await, consent::agree_on_paper(ctx, &own, person).await] {
        assert_eq!(refused.unwrap_err().code(), Some("permission.denied"));
    }
    assert!(ctx.store().verify().is_sound());
}

//! Nothing personal is left in the store's live records, whatever table or index it lay in; figures stay; others' data too.

use super::*;
use crate::ctx::test::Hall;
use crate::registration;
use crate::test::{founded, named, opened, scan};
use crate::{checkin, device, import, overview, token};
use domain::TicketTypeId;
use domain::checkin::ListInput;
use domain::feedback::{FeedbackInput, FeedbackQuestion};
use domain::field::{Field, FieldKind};
use domain::ticket::TicketInput;
use domain::time::{DAY, HOUR, MINUTE};

/// What must not be found any more, in any record, key, index or file name.
const PERSONAL: [&str; 11] = [
    "欧阳锋",
    "白驼山庄",
    "+8613912345678",
    "过敏花生",
    "轮椅通道",
    "素食主义",
    "**002X",
    "门口答复",
    "会后留言",
    "名单文件名",
    "周伯通助手",
];

/// The places, by table or index number, where one of the texts is found in the space's live records; the audit log is history, not live.
pub(crate) fn found(hall: &Hall, space: SpaceId, texts: &[&'static str]) -> Vec<(u16, &'static str)> {
    let view = hall.ctx.store().view().space(space);
    let mut found = Vec::new();
    for id in (1..1_000).chain(1_001..2_000).chain(2_001..3_000) {
        for kept in view.walk(id, &[], None, Order::Ascending) {
            let (key, value) = kept.unwrap();
            for text in texts.iter().copied() {
                let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text.as_bytes());
                if holds(&key) || holds(&value) {
                    found.push((id, text));
                }
            }
        }
    }
    found
}

fn question(label: &str, kind: FieldKind) -> Field {
    Field {
        id: 0,
        label: label.into(),
        kind,
        required: false,
        help: String::new(),
        choices: Vec::new(),
        ..Field::default()
    }
}

/// An event with one person who left everything that can be left.
async fn full_event(hall: &Hall, admin: &Actor) -> (EventId, TicketTypeId, TicketId) {
    let ctx = &hall.ctx;
    let (event, kind) = opened(hall, admin).await;
    let revision = crate::event::get(ctx, admin, event).unwrap().event.revision;
    let fields = vec![question("饮食", FieldKind::Text), question("证件", FieldKind::IdCard)];
    crate::event::save_fields(ctx, admin, event, revision, fields).await.unwrap();
    let input = TicketInput {
        company: "白驼山庄".into(),
        seat: "3-5".into(),
        note: "过敏花生".into(),
        door_note: "轮椅通道".into(),
        answers: vec![(1, "素食主义".into()), (2, "11010519491231002x".into())],
        ..named("欧阳锋", "13912345678")
    };
    let ticket = registration::add(ctx, admin, event, kind, "嘉宾", &input).await.unwrap();
    let door = Field { id: 1_000, ..question("门口问题", FieldKind::Text) };
    let list = ListInput {
        name: "侧门".into(),
        multi: "once".into(),
        own: "off".into(),
        questions: vec![door],
        ..ListInput::default()
    };
    let list = checkin::save_list(ctx, admin, event, None, &list).await.unwrap();
    checkin::redeem(ctx, admin, event, scan(&ticket.number, "main")).await.unwrap();
    let asked = domain::checkin::Request {
        list: Some(list),
        answers: vec![(1, "门口答复".into())],
        ..scan(&ticket.number, "side")
    };
    checkin::redeem(ctx, admin, event, asked).await.unwrap();
    let said = FeedbackQuestion { field: Field { id: 900, ..question("建议", FieldKind::Text) }, rating: false };
    let rated = FeedbackQuestion { field: Field { id: 901, ..question("总体", FieldKind::Number) }, rating: true };
    let zone = ctx.zone(admin.space).unwrap();
    let opens = ctx.now().plus(-MINUTE).to_local(&zone);
    let form = FeedbackInput { opens, anonymous: false, intro: String::new(), questions: vec![said, rated] };
    feedback::save(ctx, admin, event, 0, &form).await.unwrap();
    let visitor = Actor::visitor(admin.space);
    let words = vec![(1, "会后留言".to_owned()), (2, "4".to_owned())];
    feedback::answer(ctx, &visitor, &token::link(&ticket.link), words).await.unwrap();
    let list = "姓名,手机号\n坏,欧阳锋\n".as_bytes().to_vec();
    import::upload(ctx, admin, event, "名单文件名.csv", list, kind, "").await.unwrap();
    let helper =
        device::DeviceInput {
            name: "周伯通助手".into(), sort: device::Sort::Helper, ..device::DeviceInput::default()
        };
    device::create(ctx, admin, event, &helper).await.unwrap();
    (event, kind, ticket.id)
}

#[tokio::test]
async fn nothing_personal_is_left_in_the_live_records_and_the_figures_stay() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (event, kind, ticket) = full_event(&hall, &admin).await;
    let gone = registration::add(ctx, &admin, event, kind, "", &named("欧阳锋", "")).await.unwrap();
    registration::cancel(ctx, &admin, event, gone.id).await.unwrap();
    let before: BTreeSet<&str> = found(&hall, admin.space, &PERSONAL).into_iter().map(|(_, text)| text).collect();
    for text in PERSONAL {
        assert!(before.contains(text), "{text} was there to be removed");
    }
    let counts = checkin::counts(ctx, &admin, event).unwrap();
    let figures = overview::figures(ctx, &admin, Some(event), Default::default()).await.unwrap();
    let early = begin(ctx, &admin, event, "年会").await.unwrap_err();
    assert_eq!(early.code(), Some("archive.not_over"));
    hall.advance(6 * HOUR);
    assert_eq!(begin(ctx, &admin, event, "年").await.unwrap_err().code(), Some("input.invalid"), "the name is typed");
    begin(ctx, &admin, event, "年会").await.unwrap();
    let add = registration::add(ctx, &admin, event, kind, "", &named("迟到", "")).await.unwrap_err();
    assert_eq!(add.code(), Some("event.archived"), "from the beginning nobody is added");
    let (one, two) = tokio::join!(run(ctx, admin.space, event), run(ctx, admin.space, event));
    one.and(two).unwrap();
    assert_eq!(found(&hall, admin.space, &PERSONAL), [], "nothing personal is left");
    assert!(get(ctx, &admin, event).unwrap().done.is_some());
    let kept = registration::get(ctx, &admin, event, ticket).unwrap();
    assert_eq!((kept.name.as_str(), kept.seat.as_str(), kept.group.is_some()), ("欧**", "3-5", true));
    assert_eq!(checkin::counts(ctx, &admin, event).unwrap(), counts);
    let after = overview::figures(ctx, &admin, Some(event), Default::default()).await.unwrap();
    assert_eq!(
        (after.days(), after.registered(), after.admitted()),
        (figures.days(), figures.registered(), figures.admitted())
    );
    let results = feedback::results(ctx, &admin, event).await.unwrap();
    assert_eq!((results.count, results.outcomes[1].average(), results.outcomes[0].count()), (1, Some(400), 0));
    let change = registration::cancel(ctx, &admin, event, ticket).await.unwrap_err();
    assert!(matches!(change.code(), Some("event.archived" | "ticket.checked_in")));
    assert_eq!(begin(ctx, &admin, event, "年会").await.unwrap_err().code(), Some("archive.begun"));
    run(ctx, admin.space, event).await.unwrap();
    assert!(ctx.store().verify().is_sound() && checkin::vouch::verify(ctx, admin.space).unwrap().problems.is_empty());
}

#[tokio::test]
async fn the_box_archives_at_the_set_time_and_leaves_whom_another_event_needs() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (event, kind, ticket) = full_event(&hall, &admin).await;
    let person = registration::get(ctx, &admin, event, ticket).unwrap().person;
    let (other, other_kind) = opened(&hall, &admin).await;
    let same = registration::add(ctx, &admin, other, other_kind, "", &named("欧阳锋", "13912345678")).await.unwrap();
    assert_eq!(same.person, person);
    let zone = ctx.zone(admin.space).unwrap();
    let due = ctx.now().plus(10 * DAY);
    assert!(plan(ctx, &admin, event, &ctx.now().to_local(&zone)).await.is_err(), "not before its end");
    plan(ctx, &admin, event, &due.to_local(&zone)).await.unwrap();
    hall.advance(9 * DAY);
    assert_eq!(run_due(ctx, admin.space).await.unwrap(), 0);
    assert_eq!(registration::get(ctx, &admin, event, ticket).unwrap().name, "欧阳锋");
    hall.advance(DAY + MINUTE);
    assert_eq!(run_due(ctx, admin.space).await.unwrap(), 1);
    assert_eq!(run_due(ctx, admin.space).await.unwrap(), 0, "once");
    assert_eq!(registration::get(ctx, &admin, event, ticket).unwrap().name, "欧**");
    let view = ctx.store().view().space(admin.space);
    let kept = view.get::<Person>(&person).unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.phone.is_some()), ("欧阳锋", true), "the other event needs this person");
    assert_eq!(registration::get(ctx, &admin, other, same.id).unwrap().phone.as_deref(), Some("+8613912345678"));
    begin(ctx, &admin, other, "年会").await.unwrap();
    run_due(ctx, admin.space).await.unwrap();
    let view = ctx.store().view().space(admin.space);
    assert_eq!(view.get::<Person>(&person).unwrap().unwrap().name, "欧**", "after the last event");
    let staff = view.scan::<Account>(&(), None, Order::Ascending).next().unwrap().unwrap().1.person;
    assert_eq!(view.get::<Person>(&staff).unwrap().unwrap().name, "管理员", "staff stay who they are");
    let visitor = Actor::visitor(admin.space);
    for refused in [plan(ctx, &visitor, event, "").await, begin(ctx, &visitor, event, "年会").await] {
        assert_eq!(refused.unwrap_err().code(), Some("session.none"));
    }
    assert_eq!(plan(ctx, &admin, event, "").await.unwrap_err().code(), Some("archive.begun"));
    let late = import::upload(ctx, &admin, event, "x.csv", "姓名\n张三\n".into(), kind, "").await.unwrap_err();
    assert_eq!(late.code(), Some("event.archived"));
    assert!(ctx.store().verify().is_sound());
}

/// A certificate, a win and an entrant of somebody, and an uploaded answer, as they stand in the store.
async fn left_behind(hall: &Hall, admin: &Actor, event: EventId, masking: &str) -> (domain::DrawId, [u8; 32]) {
    let ctx = &hall.ctx;
    let form = domain::draw::DrawInput {
        name: "抽奖".into(),
        wins: "1".into(),
        registered: true,
        strangers: true,
        messages: true,
        theme: "red".into(),
        look: "calm".into(),
        masking: masking.into(),
        ..Default::default()
    };
    let of = crate::draw::create(ctx, admin, event, &form).await.unwrap();
    let rows = "姓名,手机号,单位\n欧阳锋,13912345678,白驼山庄\n".as_bytes().to_vec();
    crate::draw::import(ctx, admin, event, of, rows).await.unwrap();
    let face = ctx.files.put(format!("a face in {masking}").as_bytes()).unwrap();
    ctx.write(&ctx.own(admin.space), move |work| {
        let who = domain::draw::Who::Ticket(TicketId(1));
        work.insert(&domain::draw::Win {
            draw: of,
            number: 1,
            round: domain::RoundId(1),
            place: 1,
            turn: 1,
            who: Some(who),
            table: None,
            lucky: "0317".into(),
            name: "欧阳锋".into(),
            company: "白驼山庄".into(),
            phone: Some("+8613912345678".into()),
            assigned: false,
            counts: true,
            at: work.now,
            void: None,
            claim: None,
        })?;
        work.insert(&domain::draw::Line {
            draw: of, seq: 9, hash: [0; 32], body: "会后留言".into(), people: None
        })?;
        work.put(&domain::draw::Face {
            draw: of,
            who,
            name: "欧阳锋".into(),
            file: face,
            state: domain::draw::Moderation::Shown,
            at: work.now,
        })?;
        work.insert(&domain::draw::Message {
            id: domain::MessageId(1),
            draw: of,
            who,
            name: "欧阳锋".into(),
            text: "素食主义".into(),
            state: domain::draw::Moderation::Shown,
            at: work.now,
        })?;
        work.insert(&Certificate {
            id: domain::CertificateId(of.0),
            event,
            ticket: TicketId(1),
            design: domain::DesignId(1),
            number: format!("NUMBER{of}"),
            serial: "2026-001-0001".into(),
            name: "欧阳锋".into(),
            issued_at: work.now,
            issued_by: domain::By::Box,
            state: domain::certificate::CertificateState::Valid,
        })?;
        work.audit("test", "event", "", "")
    })
    .await
    .unwrap();
    (of, face)
}

#[tokio::test]
async fn what_people_left_with_draws_certificates_and_files_goes_too() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (event, kind) = opened(&hall, &admin).await;
    let revision = crate::event::get(ctx, &admin, event).unwrap().event.revision;
    let fields = vec![question("名片", FieldKind::File)];
    crate::event::save_fields(ctx, &admin, event, revision, fields).await.unwrap();
    let card = crate::upload::keep(ctx, 1, "欧阳锋.pdf", b"%PDF-1.7 card".to_vec()).await.unwrap();
    let same = crate::upload::keep(ctx, 1, "x.pdf", b"%PDF-1.7 shared".to_vec()).await.unwrap();
    let input =
        |phone: &str, file: &str| TicketInput { answers: vec![(1, file.to_owned())], ..named("欧阳锋", phone) };
    registration::add(ctx, &admin, event, kind, "", &input("13912345678", &card)).await.unwrap();
    registration::add(ctx, &admin, event, kind, "", &input("13800000002", &same)).await.unwrap();
    let (other, other_kind) = opened(&hall, &admin).await;
    let revision = crate::event::get(ctx, &admin, other).unwrap().event.revision;
    crate::event::save_fields(ctx, &admin, other, revision, vec![question("名片", FieldKind::File)]).await.unwrap();
    let stays = registration::add(ctx, &admin, other, other_kind, "", &input("", &same)).await.unwrap();
    let (masked, face) = left_behind(&hall, &admin, event, "masked").await;
    let (full, _) = left_behind(&hall, &admin, event, "full").await;
    let file = |hash: [u8; 32]| hall.ctx.files.get(&hash).is_ok();
    let card = crate::upload::taken(ctx, 1, &card).unwrap().file;
    assert!(file(card) && file(face));
    hall.advance(6 * HOUR);
    begin(ctx, &admin, event, "年会").await.unwrap();
    for _ in 0..2 {
        run(ctx, admin.space, event).await.unwrap();
    }
    assert!(!file(card) && !file(face), "uploads and pictures are gone from the disk");
    assert_eq!(
        crate::upload::answer(ctx, &admin, other, stays.id, 1).unwrap().0,
        b"%PDF-1.7 shared",
        "but for what others have"
    );
    let view = ctx.store().view().space(admin.space);
    let wins: Vec<_> =
        view.scan::<domain::draw::Win>(&(), None, Order::Ascending).map(|kept| kept.unwrap().1).collect();
    assert!(
        wins.iter()
            .all(|win| win.name == "欧**" && win.phone.is_none() && win.company.is_empty() && win.lucky == "0317")
    );
    let entrants = view.scan::<domain::draw::Entrant>(&(), None, Order::Ascending);
    let entrants: Vec<_> = entrants.map(|kept| kept.unwrap().1).collect();
    assert!(!entrants.is_empty() && entrants.iter().all(|of| of.name.ends_with('*') || of.name.is_empty()));
    assert!(entrants.iter().all(|of| of.phone.is_none() && of.company.is_empty()));
    let certificates = view.scan::<Certificate>(&event, None, Order::Ascending).map(|kept| kept.unwrap().1);
    assert_eq!(certificates.map(|of| of.name).collect::<Vec<_>>(), ["欧**", "欧**"], "they can still be checked");
    assert_eq!(view.scan::<domain::draw::Message>(&(), None, Order::Ascending).count(), 0);
    let lines = |draw: domain::DrawId| view.scan_keys::<domain::draw::Line>(&draw, None, Order::Ascending).count();
    assert!(lines(masked) > 0, "a record with masked names stays");
    assert_eq!(lines(full), 0, "one with full names does not");
    let gone = crate::draw::published(ctx, admin.space, full).unwrap_err();
    assert_eq!(gone.code(), Some("draw.archived"));
    assert!(crate::draw::published(ctx, admin.space, masked).is_ok());
    let late = crate::draw::import(ctx, &admin, event, masked, "姓名\n迟到\n".into()).await;
    assert_eq!(late.unwrap_err().code(), Some("event.archived"), "nobody joins any more");
    let face = crate::picture::noise(64, 64).unwrap();
    let late = crate::portrait::upload_for(ctx, &admin, event, TicketId(1), face).await;
    assert_eq!(late.unwrap_err().code(), Some("event.archived"), "nor gives a picture");
    assert!(ctx.store().verify().is_sound());
}

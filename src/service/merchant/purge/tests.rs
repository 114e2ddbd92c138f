//! Of a deleted merchant nothing personal is left in any table or index of its space, nor on the platform's page; figures stay, and so do others.

use super::super::{
    Decision, MerchantInput, Picture, decide, get, save, save_setting,
    test::{typed, with_merchant},
};
use super::*;
use crate::{
    ctx::test::Hall,
    document, draw, member, registration,
    test::{founded, named, opened, scan},
};
use domain::{
    EventId, Ticket, TicketId,
    draw::DrawInput,
    field::{AnswerValue, Field, FieldKind},
    merchant::SettingInput,
    ticket::TicketInput,
    time::{DAY, MINUTE},
};
use std::collections::BTreeSet;
use store::catalogue::{ENTERED, TICKETS};

/// What must not be found any more, in any record, key or index of the merchant's space.
const PERSONAL: [&str; 9] =
    ["欧阳锋", "白驼山庄", "13912345678", "李经理", "13800000001", "qingsong", "过敏花生", "周伯通", "黄药师"];

/// Tables of which every record stays, frozen where it held something of people. One that is in neither list is one that nobody thought of.
const KEPT: &[&str] = &[
    "space",
    "person",
    "department",
    "event",
    "ticket_type",
    "group",
    "ticket",
    "scan_block",
    "checkin_list",
    "gate",
    "order",
    "sale",
    "voucher",
    "quota",
    "addon",
    "category",
    "event_category",
    "feedback_form",
    "feedback_answer",
    "series",
    "event_series",
    "event_archive",
    "event_view",
    "event_place",
    "source",
    "ticket_source",
    "source_visits",
    "member_offer",
    "invoice",
    "pay_attempt",
    "pay_refund",
    "merchant_terms",
    // The platform's own; a merchant's space has none.
    "merchant",
    "merchant_setting",
    "merchant_purge",
    "backup_plan",
    "standby",
    "backup_run",
    "backup_access",
    "backup_alert",
    "audit_anchor",
    "checklist",
    "tunnel_plan",
    "key_turn",
    "start",
    // Numbers alone.
    "erasure",
    "access_line",
    "retention",
    // The association's own words.
    "privacy_notice",
];

#[test]
fn of_every_table_it_is_decided_whether_it_stays() {
    let all: BTreeSet<&str> = store::catalogue::all().iter().map(|erased| erased.table.name).collect();
    let (gone, kept): (BTreeSet<&str>, BTreeSet<&str>) =
        (GONE.iter().map(|table| table.name).collect(), KEPT.iter().copied().collect());
    assert_eq!(gone.intersection(&kept).collect::<Vec<_>>(), Vec::<&&str>::new());
    let decided: BTreeSet<&str> = gone.union(&kept).copied().collect();
    assert_eq!(decided, all);
}

/// The tables and indexes of a space where one of the texts is found.
fn found(hall: &Hall, space: SpaceId) -> Vec<(u16, &'static str)> {
    crate::archive::tests::found(hall, space, &PERSONAL)
}

/// Somebody who left a name, a phone, answers and an uploaded file.
async fn guest(hall: &Hall, actor: &Actor, file: &str) -> (EventId, TicketId) {
    let ctx = &hall.ctx;
    let (event, kind) = opened(hall, actor).await;
    let revision = crate::event::get(ctx, actor, event).unwrap().event.revision;
    let question = |label: &str, kind| Field { label: label.into(), kind, ..Field::default() };
    let fields = vec![question("饮食", FieldKind::Text), question("名片", FieldKind::File)];
    crate::event::save_fields(ctx, actor, event, revision, fields).await.unwrap();
    let upload = crate::upload::keep(ctx, 2, "名片.pdf", file.as_bytes().to_vec()).await.unwrap();
    let input = TicketInput {
        company: "白驼山庄".into(),
        answers: vec![(1, "过敏花生".into()), (2, upload)],
        ..named("欧阳锋", "13912345678")
    };
    let ticket = registration::add(ctx, actor, event, kind, "", &input).await.unwrap();
    crate::checkin::redeem(ctx, actor, event, scan(&ticket.number, "x")).await.unwrap();
    (event, ticket.id)
}

/// A merchant whose space holds everything that a space can hold of people.
async fn full(hall: &Hall, admin: &Actor) -> (MerchantId, Actor, EventId) {
    let ctx = &hall.ctx;
    let (id, boss) = with_merchant(hall, admin, "qingsong").await;
    let (event, _) = guest(hall, &boss, "%PDF-1.7 card of a merchant's guest").await;
    member::put(ctx, &boss, "13911112222 黄药师").await.unwrap();
    let helper = crate::device::DeviceInput {
        name: "周伯通".into(),
        sort: crate::device::Sort::Helper,
        ..crate::device::DeviceInput::default()
    };
    crate::device::create(ctx, &boss, event, &helper).await.unwrap();
    let of_draw = DrawInput {
        name: "抽奖".into(),
        wins: "1".into(),
        registered: true,
        theme: "red".into(),
        look: "calm".into(),
        masking: "full".into(),
        ..DrawInput::default()
    };
    let of_draw = draw::create(ctx, &boss, event, &of_draw).await.unwrap();
    let rows = "姓名,手机号\n周伯通,13922223333\n".as_bytes().to_vec();
    draw::import(ctx, &boss, event, of_draw, rows).await.unwrap();
    let mut paper = document::begin(ctx, &boss, document::Shelf::default(), "黄药师简历.txt").unwrap();
    paper.write("简历".as_bytes()).unwrap();
    document::keep(ctx, paper).await.unwrap();
    (id, boss, event)
}

/// The file that a guest uploaded.
fn uploaded(hall: &Hall, space: SpaceId, event: EventId) -> [u8; 32] {
    let view = hall.ctx.store().view().space(space);
    let mut files = view.scan::<Ticket>(&event, None, Order::Ascending).flat_map(|kept| kept.unwrap().1.answers);
    let file = files.find_map(|answer| match answer.value {
        AnswerValue::File(upload) => Some(upload.file),
        _ => None,
    });
    file.unwrap()
}

#[tokio::test]
async fn nothing_personal_is_left_of_a_deleted_merchant_and_figures_and_others_stay() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (id, boss, event) = full(&hall, &admin).await;
    // Others have the very same files: the platform, and another merchant.
    let (own_event, own_ticket) = guest(&hall, &admin, "%PDF-1.7 the same card").await;
    let (second, _) = guest(&hall, &boss, "%PDF-1.7 the same card").await;
    let before: BTreeSet<&str> = found(&hall, boss.space).into_iter().map(|(_, text)| text).collect();
    assert_eq!(before, BTreeSet::from(PERSONAL), "all of it was there to be removed");
    let figures = || {
        let view = hall.ctx.store().view().space(boss.space);
        let count = |event| {
            let tickets = view.count(&TICKETS, &(event, domain::TicketState::Active as u8)).unwrap();
            (tickets, view.count(&ENTERED, &(event, domain::ListId::MAIN)).unwrap())
        };
        (count(event), count(second))
    };
    let (alone, shared) = (uploaded(&hall, boss.space, event), uploaded(&hall, boss.space, second));
    assert_eq!(figures(), ((1, 1), (1, 1)));
    let code = |refused: Result<(), Error>| refused.unwrap_err().code().unwrap();
    let name = "qingsong 文化公司";
    assert_eq!(code(begin_purge(ctx, &admin, id, name).await), "merchant.not_deleted");
    decide(ctx, &admin, id, Decision::Close(name.into())).await.unwrap();
    let nobody = Actor { held: Vec::new(), ..admin.clone() };
    assert_eq!(code(begin_purge(ctx, &nobody, id, name).await), "permission.denied");
    assert_eq!(code(begin_purge(ctx, &boss, id, name).await), "record.missing");
    assert_eq!(code(begin_purge(ctx, &admin, id, "qingsong").await), "input.invalid", "the name is typed");
    purge(ctx, id).await.unwrap();
    assert!(!found(&hall, boss.space).is_empty(), "nothing goes before somebody began it");
    begin_purge(ctx, &admin, id, name).await.unwrap();
    assert_eq!(code(decide(ctx, &admin, id, Decision::Restore).await), "merchant.purged", "it does not come back");
    let (one, two) = tokio::join!(purge(ctx, id), purge(ctx, id));
    one.and(two).unwrap();
    assert_eq!(found(&hall, boss.space), [], "nothing personal is left");
    assert_eq!(figures(), ((1, 1), (1, 1)), "figures stay");
    let kept = get(ctx, &admin, id).unwrap();
    assert_eq!((kept.merchant.contact.as_str(), kept.merchant.phone.as_str()), ("李**", ""));
    assert_eq!((kept.merchant.login.as_str(), kept.events, kept.accounts), ("deleted-1", 2, 0));
    assert!(purge_of(ctx, &admin, id).unwrap().unwrap().done.is_some());
    assert!(ctx.files.get(&alone).is_err(), "its files are gone from the disk");
    assert!(ctx.files.get(&shared).is_ok(), "but not what somebody else has too");
    assert_eq!(crate::upload::answer(ctx, &admin, own_event, own_ticket, 2).unwrap().1, "名片.pdf");
    assert_eq!(registration::get(ctx, &admin, own_event, own_ticket).unwrap().name, "欧阳锋");
    let input = MerchantInput { name: name.into(), ..typed("qingsong") };
    assert_eq!(code(save(ctx, &admin, id, kept.merchant.revision, &input).await), "merchant.purged");
    assert_eq!(code(begin_purge(ctx, &admin, id, name).await), "merchant.purged");
    with_merchant(&hall, &admin, "qingsong").await;
    assert!(ctx.store().verify().is_sound());
    assert!(crate::checkin::vouch::verify(ctx, boss.space).unwrap().problems.is_empty());
}

#[tokio::test]
async fn the_box_removes_them_at_the_set_time_and_goes_on_where_it_stopped() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (id, boss, _) = full(&hall, &admin).await;
    let (other, _) = with_merchant(&hall, &admin, "yunhe").await;
    let input = SettingInput { purge_days: "30".into(), ..SettingInput::default() };
    save_setting(ctx, &admin, 0, &input, Picture::Keep, Picture::Keep).await.unwrap();
    decide(ctx, &admin, id, Decision::Close("qingsong 文化公司".into())).await.unwrap();
    decide(ctx, &admin, other, Decision::Freeze("欠费".into())).await.unwrap();
    hall.advance(30 * DAY - MINUTE);
    assert_eq!(purge_due(ctx, admin.space).await.unwrap(), 0, "not before its time");
    hall.advance(2 * MINUTE);
    assert_eq!(purge_due(ctx, boss.space).await.unwrap(), 0, "only the platform does it");
    // The power went when it had just begun: the clock finds it and goes on.
    ctx.write(&ctx.own(admin.space), move |work| {
        work.put(&MerchantPurge { merchant: id, begun: work.now, done: None })?;
        work.audit("merchant.purge", subject(id), "", "a test")
    })
    .await
    .unwrap();
    archive::begin_now(ctx, boss.space, EventId(1)).await.unwrap();
    assert_eq!(purge_due(ctx, admin.space).await.unwrap(), 1);
    assert_eq!(found(&hall, boss.space), []);
    assert_eq!(purge_due(ctx, admin.space).await.unwrap(), 0, "once");
    assert!(purge_of(ctx, &admin, other).unwrap().is_none(), "a frozen merchant keeps its data");
    decide(ctx, &admin, other, Decision::Close("yunhe 文化公司".into())).await.unwrap();
    decide(ctx, &admin, other, Decision::Restore).await.unwrap();
    hall.advance(40 * DAY);
    assert_eq!(purge_due(ctx, admin.space).await.unwrap(), 0, "nor does one that was brought back");
    assert!(ctx.store().verify().is_sound());
}

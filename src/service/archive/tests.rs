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
fn found(hall: &Hall, space: SpaceId) -> Vec<(u16, &'static str)> {
    let view = hall.ctx.store().view().space(space);
    let mut found = Vec::new();
    for id in (1..1_000).chain(1_001..2_000).chain(2_001..3_000) {
        for kept in view.walk(id, &[], None, Order::Ascending) {
            let (key, value) = kept.unwrap();
            for text in PERSONAL {
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
    let before: BTreeSet<&str> = found(&hall, admin.space).into_iter().map(|(_, text)| text).collect();
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
    assert_eq!(found(&hall, admin.space), [], "nothing personal is left");
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

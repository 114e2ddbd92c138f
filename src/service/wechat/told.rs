//! What WeChat is asked or told behind somebody's back: whether a message may be shown, and that what was paid is handed over.

use super::test::{MINI, OFFICIAL, SPACE, outside};
use crate::{
    registration,
    test::{named, opened},
    wechat,
};
use domain::time::{HOUR, MINUTE};
use gateway::standin::Answered;
use store::{Order, Read};

#[tokio::test]
async fn what_is_written_on_a_wall_is_seen_when_wechat_found_nothing_wrong() {
    use domain::draw::{DrawInput, Message, Moderation};
    let outside = outside().await;
    let (ctx, admin) = (outside.ctx(), &outside.admin);
    crate::draw::check::register(ctx);
    let (event, kind) = opened(&outside.hall, admin).await;
    let form = DrawInput {
        name: "抽奖".into(),
        wins: "1".into(),
        registered: true,
        theme: "red".into(),
        look: "sphere".into(),
        masking: "masked".into(),
        messages: true,
        photos: true,
        ..DrawInput::default()
    };
    let draw = crate::draw::create(ctx, admin, event, &form).await.unwrap();
    let ticket = registration::add(ctx, admin, event, kind, "", &named("张三", "13800000001")).await.unwrap();
    let other = registration::add(ctx, admin, event, kind, "", &named("李四", "13800000002")).await.unwrap();
    for (ticket, nonce) in [(&ticket, "a"), (&other, "b")] {
        crate::checkin::redeem(ctx, admin, event, crate::test::scan(&ticket.number, nonce)).await.unwrap();
    }
    let me = outside.logged_in("甲").await;
    wechat::bind(ctx, SPACE, me.link, ticket.person).await.unwrap();
    let links = [crate::token::link(&ticket.link), crate::token::link(&other.link)];
    let say = async |who: usize, text: &str| {
        outside.hall.advance(MINUTE);
        crate::draw::say(ctx, SPACE, draw, &[&links[who]], None, text).await.unwrap()
    };
    let state = |text: &str| {
        let view = ctx.store().view().space(SPACE);
        let all: Vec<Message> =
            view.scan::<Message>(&draw, None, Order::Ascending).map(|kept| kept.unwrap().1).collect();
        all.into_iter().find(|message| message.text == text).unwrap().state
    };
    assert_eq!(say(1, "没有用过小程序").await, Moderation::Shown, "nobody to ask: as the draw has it");
    for text in ["恭喜发财", "违禁", "广告"] {
        assert_eq!(say(0, text).await, Moderation::Waiting, "nothing is seen before");
    }
    crate::outbox::run_due(ctx, SPACE).await.unwrap();
    let after = ["恭喜发财", "违禁", "广告"].map(state);
    assert_eq!(
        after,
        [Moderation::Shown, Moderation::Hidden, Moderation::Waiting],
        "what is doubtful waits for a person"
    );
    outside.hall.advance(3 * HOUR);
    say(0, "离开太久").await;
    crate::outbox::run_due(ctx, SPACE).await.unwrap();
    assert_eq!(state("离开太久"), Moderation::Waiting, "not here in the last two hours: a person looks");
    // WeChat is away: a person may decide, and what they decided stays.
    outside.logged_in("甲").await;
    outside.world.fail((0..50).map(|_| Answered::status(503, "")));
    say(0, "违禁但已处理").await;
    crate::outbox::run_due(ctx, SPACE).await.unwrap();
    let waiting = crate::draw::messages(ctx, admin, event, draw, Moderation::Waiting).unwrap();
    let id = waiting.iter().find(|message| message.text == "违禁但已处理").unwrap().id;
    crate::draw::show(ctx, admin, event, draw, &[id]).await.unwrap();
    outside.world.mend();
    for _ in 0..5 {
        outside.hall.advance(MINUTE);
        crate::outbox::run_due(ctx, SPACE).await.unwrap();
    }
    assert_eq!(state("违禁但已处理"), Moderation::Shown);
    assert!(ctx.store().verify().is_sound());
}

#[tokio::test]
async fn what_was_paid_in_the_mini_program_is_told_as_handed_over_once() {
    use domain::{
        Attempt, AttemptId, Money, OrderId,
        pay::{AttemptState, Received, Way},
    };
    let outside = outside().await;
    let (ctx, admin) = (outside.ctx(), &outside.admin);
    wechat::register(ctx);
    let (event, _) = opened(&outside.hall, admin).await;
    let me = outside.logged_in("甲").await;
    let attempt = |number: &str, app: &str, way: Way| Attempt {
        id: AttemptId(1),
        event,
        order: OrderId(1),
        number: number.into(),
        account: (app.into(), "1900000001".into()),
        description: "年会".into(),
        way,
        amount: Money::cny(10_000),
        until: domain::Time(0),
        state: AttemptState::Paid,
        code: String::new(),
        received: Some(Received {
            fen: 10_000,
            currency: "CNY".into(),
            transaction: format!("42{number}"),
            at: domain::Time(0),
        }),
        trouble: String::new(),
        created_at: domain::Time(0),
        changed_at: domain::Time(0),
    };
    let inside = Way::Jsapi(me.openid.clone());
    let all = [
        attempt("A", MINI, inside.clone()),
        attempt("A", MINI, inside.clone()),
        attempt("B", OFFICIAL, inside),
        attempt("C", MINI, Way::Native),
    ];
    ctx.write(&ctx.own(SPACE), move |work| {
        for attempt in &all {
            super::delivery::put(work, attempt)?;
        }
        work.audit("test", "test", "", "")
    })
    .await
    .unwrap();
    // The answer is lost on its way back: told again, it is known once.
    outside.world.fail([Answered::status(503, "")]);
    for _ in 0..4 {
        crate::outbox::run_due(ctx, SPACE).await.unwrap();
        outside.hall.advance(MINUTE);
    }
    let sent = outside.world.sent();
    assert_eq!(sent.len(), 1, "only what was paid in the mini-program: {sent:?}");
    let body = &sent[0].body;
    assert_eq!((body["order_key"]["transaction_id"].as_str(), body["logistics_type"].as_i64()), (Some("42A"), Some(3)));
    assert_eq!(body["payer"]["openid"].as_str(), Some(me.openid.as_str()));
    assert!(body["upload_time"].as_str().unwrap().ends_with("+08:00"), "{body}");
}

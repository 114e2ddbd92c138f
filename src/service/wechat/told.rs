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

/// A draw that everybody who registered takes part in, with their pictures.
fn with_photos() -> domain::draw::DrawInput {
    domain::draw::DrawInput {
        name: "抽奖".into(),
        wins: "1".into(),
        registered: true,
        theme: "red".into(),
        look: "sphere".into(),
        masking: "masked".into(),
        photos: true,
        ..Default::default()
    }
}

#[tokio::test]
async fn what_is_written_on_a_wall_is_seen_when_wechat_found_nothing_wrong() {
    use domain::draw::{DrawInput, Message, Moderation};
    let outside = outside().await;
    let (ctx, admin) = (outside.ctx(), &outside.admin);
    crate::draw::check::register(ctx);
    let (event, kind) = opened(&outside.hall, admin).await;
    let form = DrawInput { messages: true, ..with_photos() };
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
async fn a_picture_is_seen_when_wechat_looked_at_it_and_found_nothing() {
    use domain::draw::{Face, Moderation};
    let outside = outside().await;
    let (ctx, admin) = (outside.ctx(), &outside.admin);
    crate::draw::check::register(ctx);
    crate::message::set_wording(ctx, std::sync::Arc::new(Public));
    let (event, kind) = opened(&outside.hall, admin).await;
    let form = with_photos();
    let draw = crate::draw::create(ctx, admin, event, &form).await.unwrap();
    let mut links = Vec::new();
    for (at, who) in ["甲", "乙", "丙", "丁"].into_iter().enumerate() {
        let phone = format!("1380000000{at}");
        let ticket = registration::add(ctx, admin, event, kind, "", &named(who, &phone)).await.unwrap();
        if who != "丁" {
            let me = outside.logged_in(who).await;
            wechat::bind(ctx, SPACE, me.link, ticket.person).await.unwrap();
        }
        links.push((crate::token::link(&ticket.link), domain::draw::Who::Ticket(ticket.id)));
    }
    let give = async |who: usize, grey: u8| {
        outside.hall.advance(MINUTE);
        let picture = image::DynamicImage::ImageLuma8(image::GrayImage::from_pixel(60, 60, image::Luma([grey])));
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        crate::draw::set_face(ctx, SPACE, draw, &[&links[who].0], None, bytes.into_inner()).await.unwrap()
    };
    let state = |who: usize| {
        let view = ctx.store().view().space(SPACE);
        let mut all = view.scan::<Face>(&draw, None, Order::Ascending).map(|kept| kept.unwrap().1);
        all.find(|face| face.who == links[who].1).unwrap().state
    };
    let asked = async || {
        crate::outbox::run_due(ctx, SPACE).await.unwrap();
        outside.world.looks()
    };
    for who in 0..4 {
        assert_eq!(give(who, 10).await, Moderation::Waiting, "nobody sees it before");
    }
    let looks = asked().await;
    assert_eq!(looks.len(), 3, "who never came through the mini-program waits for a person");
    // WeChat fetches what nobody else sees, by an address that ends.
    let pass = |url: &str| url.split("look=").nth(1).unwrap().to_owned();
    assert!(looks[0].url.starts_with(&format!("https://hall.example.org/draw/{draw}/face/t")), "{}", looks[0].url);
    let mine = links
        .iter()
        .position(|(_, who)| crate::draw::face::shown_to_wechat(ctx, SPACE, draw, *who, &pass(&looks[0].url)).is_ok());
    let mine = mine.expect("it is somebody's");
    let fetch = |pass: &str| crate::draw::face::shown_to_wechat(ctx, SPACE, draw, links[mine].1, pass);
    assert!(fetch(&pass(&looks[0].url)).unwrap().starts_with(b"\xff\xd8"));
    assert!(fetch(&pass(&looks[1].url)).is_err() && fetch("look-1-1-t1-9.AAAA").is_err(), "each has its own");
    assert!(crate::draw::face_file(ctx, &crate::Actor::visitor(SPACE), SPACE, draw, links[mine].1).is_err());
    let seconds = || ctx.now().0.div_euclid(1_000);
    let told = async |look: &gateway::wechat::standin::Look, suggest: &str| {
        outside.push(super::Side::WeChat, MINI, &look.verdict(suggest, seconds())).await.unwrap()
    };
    for (look, suggest) in looks.iter().zip(["pass", "risky", "review"]) {
        told(look, suggest).await;
    }
    let mut states: Vec<Moderation> = (0..4).map(state).collect();
    states.sort_by_key(|state| *state as u8);
    let mut expected = [Moderation::Shown, Moderation::Hidden, Moderation::Waiting, Moderation::Waiting];
    expected.sort_by_key(|state| *state as u8);
    assert_eq!(states, expected, "what is doubtful waits for a person");
    assert!(crate::draw::face_file(ctx, &crate::Actor::visitor(SPACE), SPACE, draw, links[mine].1).is_ok());
    // Another picture is another question: the verdict of the one before says nothing of it.
    assert_eq!(give(mine, 200).await, Moderation::Waiting);
    told(&looks[0], "pass").await;
    assert_eq!(state(mine), Moderation::Waiting);
    // A verdict that is faster than the answer to the asking counts too.
    let next = gateway::wechat::standin::Look { trace: "trace-picture-fast".into(), ..looks[0].clone() };
    told(&next, "risky").await;
    assert_eq!(state(mine), Moderation::Waiting);
    let kept = ctx.store().view().space(SPACE);
    assert_eq!(kept.get::<domain::draw::FaceCheck>(&next.trace).unwrap().unwrap().suggest, "risky");
    // Not here for two hours: WeChat does not look, a person does.
    outside.hall.advance(3 * HOUR);
    assert!(fetch(&pass(&looks[0].url)).is_err(), "the address is over");
    let before = asked().await.len();
    give(mine, 120).await;
    assert_eq!((asked().await.len(), state(mine)), (before, Moderation::Waiting));
    outside.hall.advance(2 * domain::time::DAY);
    wechat::forget_old(ctx, SPACE).await.unwrap();
    let view = ctx.store().view().space(SPACE);
    assert_eq!(view.scan::<domain::draw::FaceCheck>(&(), None, Order::Ascending).count(), 0);
    assert!(ctx.store().verify().is_sound());
}

/// A hall with a public address.
struct Public;

impl crate::message::Wording for Public {
    fn words(&self, notice: &domain::Notice, _: &jiff::tz::TimeZone, _: &str) -> String {
        notice.text.clone()
    }
    fn subject(&self, notice: &domain::Notice, _: &str) -> String {
        notice.purpose.code().to_owned()
    }
    fn said(&self, english: &'static str, _: &str) -> String {
        english.to_owned()
    }
    fn base(&self) -> Option<String> {
        Some("https://hall.example.org".into())
    }
}

#[tokio::test]
async fn a_name_that_others_see_is_shown_to_wechat_first() {
    use crate::identity::{self, ProfileInput};
    let outside = outside().await;
    let ctx = outside.ctx();
    let code = outside.world.login_code(MINI, "甲");
    let origin = crate::account::Origin::default();
    let (token, _) = identity::log_in_mini(ctx, SPACE, (&code, ""), "", &origin).await.unwrap();
    let me = identity::actor(ctx, SPACE, &token).unwrap().unwrap();
    let rename = async |name: &str| {
        let input = ProfileInput { name: name.into(), ..ProfileInput::default() };
        identity::save_profile(ctx, &me, &input).await
    };
    rename("张三").await.unwrap();
    for name in ["违禁", "卖广告的"] {
        let crate::Error::Refused(refused) = rename(name).await.unwrap_err() else { panic!("{name}") };
        assert_eq!((refused.code, refused.problems[0].field.as_str()), ("input.invalid", "name"));
    }
    assert_eq!(identity::profile(ctx, &me).unwrap().person.name, "张三");
    // Where WeChat cannot say, the name is taken; it is asked only about what changed.
    outside.hall.advance(3 * HOUR);
    rename("李四").await.unwrap();
    let calls = outside.world.calls();
    rename("李四").await.unwrap();
    assert_eq!(outside.world.calls(), calls);
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

//! The clients against the stand-in: what the protocols promise, and what happens when the outside does not keep it.

use super::{
    Act, Fault, Tokens, event,
    line::App,
    mini::{Build, Code, Delivery, Mini, Scene, Subscribe, Verdict},
    official::{Mass, Official, TemplateMessage},
    standin::{World, openid, unionid},
    token::{InMemory, Shelf, Token},
    wecom::{Message, To, Visitor, WeCom},
};
use crate::{
    Egress, Tools,
    standin::{Answered, Standin},
};
use domain::{
    Time,
    time::{HOUR, MINUTE, SECOND},
};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

const NOW: i64 = 1_795_570_200_000;

struct Outside {
    world: World,
    standin: Standin,
    /// The box's clock, and how far WeChat's is ahead of it.
    clock: Arc<AtomicI64>,
    ahead: Arc<AtomicI64>,
    shelf: Arc<InMemory>,
    egress: Egress,
}

async fn outside() -> Outside {
    let (clock, ahead) = (Arc::new(AtomicI64::new(NOW)), Arc::new(AtomicI64::new(0)));
    let (theirs, off) = (clock.clone(), ahead.clone());
    let world =
        World::new(Arc::new(move || (theirs.load(Ordering::SeqCst) + off.load(Ordering::SeqCst)).div_euclid(1_000)));
    world.app("wxmini", "mini-secret");
    world.app("wxofficial", "official-secret");
    world.corp("wwcorp", "corp-secret", &["zhangsan", "lisi"]);
    let standin = world.start().await.unwrap();
    let tools = tools(&clock);
    let egress = Egress::new(tools, false).unwrap();
    Outside { world, standin, clock, ahead, shelf: Arc::default(), egress }
}

fn tools(clock: &Arc<AtomicI64>) -> Tools {
    let hands = clock.clone();
    Tools { now: Arc::new(move || Time(hands.load(Ordering::SeqCst))), chance: Arc::new(|| 0) }
}

impl Outside {
    fn app(&self, id: &str, secret: &str, agent: i64) -> App {
        App { id: id.into(), agent, secret: secret.into(), base: self.standin.base.clone() }
    }

    /// The owner of tokens as it is after a start: nothing in memory, all on the shelf.
    fn tokens(&self) -> Arc<Tokens> {
        Arc::new(Tokens::new(self.shelf.clone(), tools(&self.clock), Arc::default()))
    }

    fn mini(&self) -> Mini {
        Mini::new(self.egress.clone(), self.tokens(), self.app("wxmini", "mini-secret", 0))
    }

    fn official(&self) -> Official {
        Official::new(self.egress.clone(), self.tokens(), self.app("wxofficial", "official-secret", 0))
    }

    fn wecom(&self) -> WeCom {
        WeCom::new(self.egress.clone(), self.tokens(), self.app("wwcorp", "corp-secret", 7))
    }

    fn advance(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::SeqCst);
    }
}

fn message(to: &str) -> Subscribe {
    Subscribe {
        to: to.into(),
        template: "TPL-won".into(),
        page: "pages/event/index?id=7".into(),
        data: vec![
            ("thing1".into(), "年会抽奖".into()),
            ("thing2".into(), "一等奖".into()),
            ("time3".into(), "2025年1月2日 15:01".into()),
        ],
        build: Build::Release,
        english: false,
    }
}

#[tokio::test]
async fn a_login_code_is_used_once_within_five_minutes() {
    let outside = outside().await;
    let mini = outside.mini();
    let code = outside.world.login_code("wxmini", "甲");
    let session = mini.session(&code).await.unwrap();
    assert_eq!((session.openid, session.unionid), (openid("wxmini", "甲"), Some(unionid("甲"))));
    assert_eq!(mini.session(&code).await.unwrap_err().code(), Some(40163));
    let late = outside.world.login_code("wxmini", "甲");
    outside.advance(5 * MINUTE + SECOND);
    let refused = mini.session(&late).await.unwrap_err();
    assert_eq!((refused.code(), refused.act()), (Some(40029), Act::NewCode));
    let other = outside.world.login_code("wxofficial", "甲");
    assert_eq!(mini.session(&other).await.unwrap_err().code(), Some(40029), "another app's code");
    let calls = outside.world.calls();
    for wrong in ["", "a b", "码", &"x".repeat(300)] {
        assert_eq!(mini.session(wrong).await.unwrap_err().act(), Act::NewCode, "{wrong}");
    }
    assert_eq!(outside.world.calls(), calls, "what is no code is not asked about");
}

#[tokio::test]
async fn a_phone_number_comes_by_a_code_of_its_own_and_for_its_person() {
    let outside = outside().await;
    let mini = outside.mini();
    let me = openid("wxmini", "甲");
    let code = outside.world.phone_code("wxmini", "甲", "13800000001");
    assert_eq!(mini.phone(&code, Some(&openid("wxmini", "乙"))).await.unwrap_err().code(), Some(40003));
    let code = outside.world.phone_code("wxmini", "甲", "13800000001");
    let phone = mini.phone(&code, Some(&me)).await.unwrap();
    assert_eq!((phone.country_code.as_str(), phone.pure_phone_number.as_str()), ("86", "13800000001"));
    assert_eq!(mini.phone(&code, None).await.unwrap_err().code(), Some(40163));
    let login = outside.world.login_code("wxmini", "甲");
    assert_eq!(mini.phone(&login, None).await.unwrap_err().code(), Some(40029), "a login code is none for the phone");
}

#[tokio::test]
async fn a_token_that_was_revoked_in_flight_is_renewed_once() {
    let outside = outside().await;
    let mini = outside.mini();
    let me = openid("wxmini", "甲");
    for _ in 0..3 {
        outside.world.consent(&me, "TPL-won");
    }
    mini.send_subscribe(&message(&me)).await.unwrap();
    let before = outside.world.calls();
    outside.world.revoke("wxmini");
    mini.send_subscribe(&message(&me)).await.unwrap();
    assert_eq!(outside.world.calls() - before, 3, "refused, a new token, sent");
    let again = |answer: Answered| std::iter::repeat_n(answer, 1);
    let refused = Answered::json(&serde_json::json!({ "errcode": 40001, "errmsg": "invalid credential" }));
    outside.world.fail(again(refused.clone()));
    mini.send_subscribe(&message(&me)).await.unwrap();
    assert_eq!(outside.world.sent().len(), 3);
    // The new token is refused as well: once more would be a loop.
    let token = Answered::json(&serde_json::json!({ "access_token": "bad", "expires_in": 7200 }));
    outside.world.fail([refused.clone(), token, refused]);
    assert_eq!(mini.send_subscribe(&message(&me)).await.unwrap_err().code(), Some(40001));
    assert_eq!(outside.world.sent().len(), 3);
}

#[tokio::test]
async fn a_box_that_was_off_goes_on_with_its_token_and_a_changed_secret_has_its_own() {
    let outside = outside().await;
    outside.mini().try_token().await.unwrap();
    let calls = outside.world.calls();
    outside.mini().try_token().await.unwrap();
    assert_eq!(outside.world.calls(), calls, "after a start the kept token serves");
    outside.advance(7_200 * SECOND);
    outside.mini().try_token().await.unwrap();
    assert_eq!(outside.world.calls(), calls + 1);
    outside.world.change_secret("wxmini", "new-secret");
    let me = openid("wxmini", "甲");
    outside.world.consent(&me, "TPL-won");
    let old = outside.mini().send_subscribe(&message(&me)).await.unwrap_err();
    assert_eq!((old.code(), old.act()), (Some(40125), Act::Settings));
    let app = outside.app("wxmini", "new-secret", 0);
    Mini::new(outside.egress.clone(), outside.tokens(), app).send_subscribe(&message(&me)).await.unwrap();
}

#[tokio::test]
async fn a_clock_that_is_five_minutes_off_costs_a_call_and_loses_nothing() {
    for off in [-5 * MINUTE, 5 * MINUTE] {
        let outside = outside().await;
        outside.ahead.store(off, Ordering::SeqCst);
        let mini = outside.mini();
        let me = openid("wxmini", "甲");
        for _ in 0..40 {
            outside.world.consent(&me, "TPL-won");
        }
        for round in 0..20 {
            mini.send_subscribe(&message(&me)).await.unwrap_or_else(|fault| panic!("{off} {round}: {fault}"));
            outside.advance(7 * MINUTE);
        }
        // The clock is set right while tokens are out.
        outside.clock.fetch_add(off, Ordering::SeqCst);
        outside.ahead.store(0, Ordering::SeqCst);
        for round in 0..20 {
            mini.send_subscribe(&message(&me)).await.unwrap_or_else(|fault| panic!("{off} {round}: {fault}"));
            outside.advance(7 * MINUTE);
        }
        assert_eq!(outside.world.sent().len(), 40);
    }
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_failures_is_waited_out_and_nothing_is_sent_twice() {
    let outside = outside().await;
    let mini = outside.mini();
    let me = openid("wxmini", "甲");
    outside.world.consent(&me, "TPL-won");
    mini.try_token().await.unwrap();
    let before = outside.world.calls();
    outside.world.fail((0..10_000).map(|_| Answered::status(503, "busy")));
    let mut waited = 0;
    while waited < HOUR {
        let fault = mini.send_subscribe(&message(&me)).await.unwrap_err();
        assert!(matches!(fault.act(), Act::Unsure | Act::Again(_)), "{fault}");
        outside.advance(10 * SECOND);
        waited += 10 * SECOND;
    }
    let calls = outside.world.calls() - before;
    assert!((5..60).contains(&calls), "the breaker spares it: {calls} calls in an hour");
    assert_eq!(outside.world.sent().len(), 0);
    outside.world.mend();
    outside.advance(10 * MINUTE);
    mini.send_subscribe(&message(&me)).await.unwrap();
    assert_eq!(outside.world.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_busy_answer_is_asked_again_a_few_times() {
    let outside = outside().await;
    let busy = || Answered::json(&serde_json::json!({ "errcode": -1, "errmsg": "system error" }));
    let me = openid("wxmini", "甲");
    outside.world.consent(&me, "TPL-won");
    let mini = outside.mini();
    mini.try_token().await.unwrap();
    outside.world.fail([busy(), busy()]);
    mini.send_subscribe(&message(&me)).await.unwrap();
    outside.world.fail([busy(), busy(), busy()]);
    assert_eq!(mini.send_subscribe(&message(&me)).await.unwrap_err().code(), Some(-1));
}

#[tokio::test]
async fn a_subscribe_message_is_checked_before_and_uses_one_consent() {
    let outside = outside().await;
    let mini = outside.mini();
    let me = openid("wxmini", "甲");
    let none = mini.send_subscribe(&message(&me)).await.unwrap_err();
    assert_eq!((none.code(), none.act()), (Some(43101), Act::Unreachable));
    outside.world.consent(&me, "TPL-won");
    let calls = outside.world.calls();
    for (name, value) in [("thing1", "一行\n两行"), ("thing2", ""), ("time3", "明天"), ("stuff9", "x")] {
        let mut wrong = message(&me);
        wrong.data.retain(|(kept, _)| kept != name);
        wrong.data.push((name.into(), value.into()));
        assert!(matches!(mini.send_subscribe(&wrong).await, Err(Fault::Input { field, .. }) if field == name));
    }
    assert_eq!(outside.world.calls(), calls, "it was not sent");
    let short = Subscribe { data: message(&me).data[..2].to_vec(), ..message(&me) };
    assert_eq!(
        mini.send_subscribe(&short).await.unwrap_err().code(),
        Some(47003),
        "a keyword of the template is missing"
    );
    let other = Subscribe { template: "TPL-none".into(), ..message(&me) };
    assert_eq!(mini.send_subscribe(&other).await.unwrap_err().act(), Act::Settings);
    mini.send_subscribe(&message(&me)).await.unwrap();
    assert_eq!(mini.send_subscribe(&message(&me)).await.unwrap_err().code(), Some(43101));
    let sent = outside.world.sent();
    assert_eq!(
        (sent.len(), sent[0].to.as_str(), sent[0].body["miniprogram_state"].as_str()),
        (1, me.as_str(), Some("formal"))
    );
    let templates = mini.templates().await.unwrap();
    let won = templates.iter().find(|template| template.pri_tmpl_id == "TPL-won").unwrap();
    assert_eq!((won.keywords(), won.kind), (vec!["thing1", "thing2", "time3"], 2));
}

#[tokio::test]
async fn a_code_is_a_picture_or_a_documented_failure() {
    let outside = outside().await;
    let mini = outside.mini();
    let code =
        |scene: &str, page: &str| Code { scene: scene.into(), page: page.into(), build: Build::Trial, width: 430 };
    let png = mini.code(&code("e=7&t=AB-3", "pages/in/index")).await.unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    let calls = outside.world.calls();
    for (scene, page) in [("", ""), ("签到", ""), ("a%20b", ""), (&"x".repeat(33), ""), ("x", "/pages"), ("x", "p?a=b")]
    {
        assert!(matches!(mini.code(&code(scene, page)).await, Err(Fault::Input { .. })), "{scene} {page}");
    }
    assert_eq!(outside.world.calls(), calls);
    outside.world.fail([Answered::json(&serde_json::json!({ "errcode": 41030, "errmsg": "invalid page" }))]);
    assert_eq!(mini.code(&code("x", "none")).await.unwrap_err().act(), Act::Settings);
    outside.world.fail([Answered::status(200, "no picture")]);
    assert!(matches!(mini.code(&code("x", "")).await, Err(Fault::Unreadable(_))));
}

#[tokio::test]
async fn texts_are_checked_for_people_who_were_here_in_the_last_two_hours() {
    let outside = outside().await;
    let mini = outside.mini();
    let me = openid("wxmini", "甲");
    let check = |text: &'static str| mini.check_text(&me, Scene::Social, text);
    assert_eq!(check("你好").await.unwrap_err().code(), Some(40003));
    let code = outside.world.login_code("wxmini", "甲");
    let session = mini.session(&code).await.unwrap();
    assert_eq!(check("你好").await.unwrap(), Verdict::Pass);
    assert_eq!(check("广告").await.unwrap(), Verdict::Review(10_001));
    assert_eq!(check("违禁").await.unwrap(), Verdict::Risky(20_006));
    outside.advance(2 * HOUR + SECOND);
    let late = check("你好").await.unwrap_err();
    assert_eq!((late.code(), late.act()), (Some(61010), Act::Unreachable));
    assert!(matches!(check("").await, Err(Fault::Input { .. })));
    assert!(mini.is_session(&me, &session.session_key).await.unwrap());
    assert!(!mini.is_session(&me, "AAAAAAAAAAAAAAAAAAAAAA==").await.unwrap());
}

#[tokio::test]
async fn the_customer_service_answers_five_times_and_deliveries_are_told() {
    let outside = outside().await;
    let mini = outside.mini();
    let me = openid("wxmini", "甲");
    assert_eq!(mini.customer_text(&me, "您好").await.unwrap_err().code(), Some(45015));
    outside.world.writes(&me);
    for _ in 0..5 {
        mini.customer_text(&me, "您好").await.unwrap();
    }
    assert_eq!(mini.customer_text(&me, "您好").await.unwrap_err().code(), Some(45047));
    let delivery = Delivery {
        transaction: "42000001".into(),
        item: "门票".repeat(80),
        payer: me.clone(),
        at: "2026-11-26T10:00:00.000+08:00".into(),
    };
    mini.deliver(&delivery).await.unwrap();
    mini.deliver(&delivery).await.unwrap();
    assert_eq!(mini.deliver(&delivery).await.unwrap_err().code(), Some(10_060_003), "one correction");
}

#[tokio::test]
async fn the_official_account_knows_its_visitors_and_followers() {
    let outside = outside().await;
    let official = outside.official();
    let code = outside.world.page_code("wxofficial", "甲");
    let visitor = official.visitor(&code).await.unwrap().unwrap();
    assert_eq!((visitor.openid.as_str(), visitor.unionid), (openid("wxofficial", "甲").as_str(), Some(unionid("甲"))));
    assert_eq!(official.visitor(&code).await.unwrap_err().act(), Act::NewCode);
    let preview = outside.world.snapshot_code("wxofficial", "甲");
    assert_eq!(official.visitor(&preview).await.unwrap(), None, "a made-up person is nobody");
    let message = TemplateMessage {
        to: visitor.openid.clone(),
        template: "TPL-won".into(),
        url: "https://a.cn/x".into(),
        mini: None,
        data: vec![("thing1".into(), "x".into())],
        once: "notice-1".into(),
    };
    assert_eq!(official.send_template(&message).await.unwrap_err().act(), Act::Unreachable, "does not follow");
    outside.world.follow(&visitor.openid);
    let first = official.send_template(&message).await.unwrap();
    assert_eq!(official.send_template(&message).await.unwrap(), first, "the same message once");
    official.send_mass(&Mass::Tag(2), "大家好", "mass-1").await.unwrap();
    assert_eq!(official.send_mass(&Mass::Tag(2), "大家好", "mass-1").await.unwrap_err().code(), Some(45065));
    assert!(official.send_mass(&Mass::People(vec!["one".into()]), "x", "").await.is_err());
    let kinds: Vec<_> = outside.world.sent().iter().map(|sent| sent.kind).collect();
    assert_eq!(kinds, ["template", "mass"]);
    let first = official.js_config("https://a.cn/event/1#x", "nonce", 5).await.unwrap();
    let calls = outside.world.calls();
    let same = official.js_config("https://a.cn/event/1", "nonce", 5).await.unwrap();
    assert_eq!((first, outside.world.calls()), (same, calls), "the ticket is kept");
}

#[tokio::test]
async fn wecom_sends_to_members_and_knows_who_logged_in() {
    let outside = outside().await;
    let wecom = outside.wecom();
    let to = |users: &[&str]| To { users: users.iter().map(|user| (*user).into()).collect(), ..To::default() };
    let text = Message::Text("开会了".into());
    let sent = wecom.send(&to(&["ZhangSan", "nobody"]), &text).await.unwrap();
    assert_eq!(sent.invaliduser, "nobody", "a part was not reached although it was sent");
    let again = wecom.send(&to(&["ZhangSan", "nobody"]), &text).await.unwrap();
    assert_eq!(
        (again.msgid.as_str(), outside.world.sent().len()),
        (sent.msgid.as_str(), 1),
        "the same within half an hour"
    );
    let nobody = wecom.send(&to(&["nobody"]), &text).await.unwrap_err();
    assert_eq!((nobody.code(), nobody.act()), (Some(81013), Act::Unreachable));
    wecom.recall(&sent.msgid).await.unwrap();
    let code = outside.world.member_code("wwcorp", "zhangsan");
    let member = Visitor::Member { user: "zhangsan".into(), ticket: None };
    assert_eq!(wecom.visitor(&code).await.unwrap(), member);
    let code = outside.world.member_code("wwcorp", "客人");
    assert!(matches!(wecom.visitor(&code).await.unwrap(), Visitor::Outsider { .. }));
    outside.world.revoke("wwcorp");
    wecom.send(&to(&["lisi"]), &text).await.unwrap();
    wecom.js_config("https://a.cn/", "n", 1).await.unwrap();
    let wrong = WeCom::new(outside.egress.clone(), outside.tokens(), outside.app("wwcorp", "wrong", 7));
    assert_eq!(wrong.try_token().await.unwrap_err().code(), Some(40001));
}

#[tokio::test]
async fn a_ration_that_is_used_up_says_when_to_come_back() {
    let outside = outside().await;
    outside.world.ration("/wxa/getwxacodeunlimit", 2);
    let mini = outside.mini();
    let code = Code { scene: "a".into(), page: String::new(), build: Build::Release, width: 430 };
    for _ in 0..2 {
        mini.code(&code).await.unwrap();
    }
    let refused = mini.code(&code).await.unwrap_err();
    assert_eq!((refused.code(), refused.act()), (Some(45011), Act::Again(MINUTE)));
    outside.advance(MINUTE);
    mini.code(&code).await.unwrap();
}

#[tokio::test]
async fn no_secret_shows_in_what_may_be_logged() {
    let outside = outside().await;
    let mini = outside.mini();
    mini.try_token().await.unwrap();
    let shown = format!("{:?} {:?}", mini.app(), outside.shelf.look("token/none"));
    let session = mini.session(&outside.world.login_code("wxmini", "甲")).await.unwrap();
    let token = Token { value: "very-secret".into(), ends: Time(0) };
    let dead = App { base: "http://127.0.0.1:1".into(), ..mini.app().clone() };
    let lost = Mini::new(outside.egress.clone(), outside.tokens(), dead).session("0abc").await.unwrap_err();
    let all = format!("{shown} {session:?} {token:?} {lost:?} {lost}");
    for secret in ["mini-secret", "very-secret", session.session_key.as_str(), "0abc"] {
        assert!(!all.contains(secret), "{all}");
    }
}

#[tokio::test]
async fn pushes_of_the_stand_in_are_taken_and_told_apart() {
    let outside = outside().await;
    let cipher = super::crypt::Cipher::new("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wxmini").unwrap();
    let door = super::push::Door::new("token", Some(cipher));
    let message = "<xml><FromUserName>o1</FromUserName><CreateTime>5</CreateTime><MsgType>text</MsgType><Content>x</Content><MsgId>7</MsgId></xml>";
    let (query, body) = outside.world.push(&door, message, "gh_1").unwrap();
    let push = door.take(&super::push::Signed::parse(&query), body.as_bytes(), NOW / 1_000).unwrap();
    assert_eq!(event::Event::of(&push), event::Event::Text { from: "o1".into(), text: "x".into() });
}

//! WeChat for a hall over the memory engine, against the stand-in: logging in, consents, pushes, tokens over a start, and what pages may do.

use super::{Linked, Side, Taken};
use crate::{
    Actor, Ctx, Error,
    ctx::test::Hall,
    registration,
    test::{founded, named, opened},
    wechat,
};
use domain::{
    SpaceId, Time,
    outbox::OutState,
    time::{DAY, HOUR, MINUTE, SECOND},
    wechat::{AppInput, AppKind, AppStanding},
};
use gateway::{
    standin::{Answered, Standin},
    wechat::{
        crypt::Cipher,
        push::Door,
        standin::{World, openid},
    },
};
use std::sync::{Arc, atomic::Ordering};

pub(crate) const MINI: &str = "wxmini0000000001";
pub(crate) const OFFICIAL: &str = "wxofficial000001";
const CORP: &str = "wwcorp0000000001";
const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
pub(super) const SPACE: SpaceId = SpaceId::ASSOCIATION;

/// A hall with all three apps set up against a stand-in.
pub(crate) struct Outside {
    pub(crate) hall: Hall,
    pub(crate) admin: Actor,
    pub(crate) world: World,
    standin: Standin,
}

pub(crate) async fn outside() -> Outside {
    let (hall, admin) = founded().await;
    let hands = hall.hands.clone();
    let world = World::new(Arc::new(move || hands.0.load(Ordering::SeqCst).div_euclid(1_000)));
    world.app(MINI, "mini-secret");
    world.app(OFFICIAL, "official-secret");
    world.corp(CORP, "corp-secret", &["zhangsan"]);
    let standin = world.start().await.unwrap();
    let outside = Outside { hall, admin, world, standin };
    for (kind, app, secret) in [
        (AppKind::Mini, MINI, "mini-secret"),
        (AppKind::Official, OFFICIAL, "official-secret"),
        (AppKind::Corp, CORP, "corp-secret"),
    ] {
        wechat::save(&outside.hall.ctx, &outside.admin, kind, &outside.input(app, secret)).await.unwrap();
    }
    outside
}

impl Outside {
    pub(super) fn ctx(&self) -> &Ctx {
        &self.hall.ctx
    }

    fn input(&self, app: &str, secret: &str) -> AppInput {
        AppInput {
            enabled: true,
            app: app.into(),
            agent: "7".into(),
            secret: secret.into(),
            push_token: "token".into(),
            push_key: KEY.into(),
            base: self.standin.base.clone(),
        }
    }

    fn door(&self, app: &str) -> Door {
        Door::new("token", Some(Cipher::new(KEY, app).unwrap()))
    }

    pub(crate) async fn logged_in(&self, person: &str) -> Linked {
        wechat::login(self.ctx(), SPACE, &self.world.login_code(MINI, person)).await.unwrap()
    }

    pub(super) async fn push(&self, side: Side, app: &str, message: &str) -> Result<Taken, Error> {
        let (query, body) = self.world.push(&self.door(app), message, "gh_1").unwrap();
        wechat::take(self.ctx(), SPACE, side, &query, body.as_bytes()).await
    }

    fn left(&self, link: &Linked, template: &str) -> u32 {
        let permit = self.ctx().own(SPACE);
        self.ctx().read(&permit, |view| super::credit::left_in(view, link.link, template)).unwrap()
    }
}

fn consent(openid: &str, event: &str, choice: &str, second: i64) -> String {
    format!(
        "{{\"FromUserName\":\"{openid}\",\"CreateTime\":{second},\"MsgType\":\"event\",\"Event\":\"{event}\",\
         \"List\":{{\"TemplateId\":\"TPL-won\",\"SubscribeStatusString\":\"{choice}\"}}}}"
    )
}

#[tokio::test]
async fn settings_keep_secrets_sealed_and_say_how_they_stand() {
    let outside = outside().await;
    let (ctx, admin) = (outside.ctx(), &outside.admin);
    let standing = |ctx: &Ctx| wechat::settings(ctx, admin).unwrap().iter().map(|row| row.standing).collect::<Vec<_>>();
    assert_eq!(standing(ctx), [AppStanding::Untested; 3]);
    for kind in AppKind::ALL {
        assert_eq!(wechat::test(ctx, admin, *kind).await.unwrap(), "", "{kind:?}");
    }
    assert_eq!(standing(ctx), [AppStanding::Works; 3]);
    // Nothing of it stands in the open: not in the record, not in the audit log.
    let rows = format!("{:?}", wechat::settings(ctx, admin).unwrap());
    let log = format!("{:?}", crate::audit::page(ctx, admin, None, "").await.unwrap());
    for secret in ["mini-secret", "official-secret", KEY] {
        assert!(!rows.contains(secret) && !log.contains(secret));
    }
    // An empty field keeps what is there; a wrong secret shows at the test; another app's secrets are not kept.
    let same = AppInput {
        secret: String::new(),
        push_token: String::new(),
        push_key: String::new(),
        ..outside.input(MINI, "")
    };
    wechat::save(ctx, admin, AppKind::Mini, &same).await.unwrap();
    assert_eq!(standing(ctx)[0], AppStanding::Works, "nothing changed");
    wechat::save(ctx, admin, AppKind::Mini, &outside.input(MINI, "wrong-secret")).await.unwrap();
    let why = wechat::test(ctx, admin, AppKind::Mini).await.unwrap();
    assert!(why.starts_with("40125"), "{why}");
    assert_eq!(standing(ctx)[0], AppStanding::Fails);
    let other = AppInput { app: "wxother000000001".into(), ..same };
    assert_eq!(wechat::save(ctx, admin, AppKind::Mini, &other).await.unwrap_err().code(), Some("input.invalid"));
    let visitor = Actor::visitor(SPACE);
    assert!(wechat::settings(ctx, &visitor).is_err() && wechat::test(ctx, &visitor, AppKind::Mini).await.is_err());
}

#[tokio::test]
async fn somebody_is_the_same_person_in_all_apps_once_it_is_proven() {
    let outside = outside().await;
    let ctx = outside.ctx();
    let (event, kind) = opened(&outside.hall, &outside.admin).await;
    let ticket = registration::add(ctx, &outside.admin, event, kind, "", &named("张三", "13800000001")).await.unwrap();
    let me = outside.logged_in("甲").await;
    assert_eq!((me.openid.as_str(), me.person), (openid(MINI, "甲").as_str(), None));
    assert_eq!(outside.logged_in("甲").await, me, "the same link");
    let code = outside.world.page_code(OFFICIAL, "甲");
    let page = wechat::page_login(ctx, SPACE, &code).await.unwrap();
    assert_eq!(page.person, None);
    assert!(wechat::tickets(ctx, SPACE, page.link).unwrap().is_empty());
    wechat::bind_ticket(ctx, SPACE, page.link, &crate::token::link(&ticket.link)).await.unwrap();
    let mini = wechat::linked(ctx, SPACE, me.link).unwrap().unwrap();
    assert_eq!(mini.person, Some(ticket.person), "the mini-program knows too");
    let tickets = wechat::tickets(ctx, SPACE, me.link).unwrap();
    assert_eq!(tickets.iter().map(|(_, ticket)| ticket.name.as_str()).collect::<Vec<_>>(), ["张三"]);
    let other = outside.logged_in("乙").await;
    assert!(other.person.is_none() && wechat::tickets(ctx, SPACE, other.link).unwrap().is_empty());
    let unknown = wechat::bind(ctx, SPACE, other.link, domain::PersonId(999)).await.unwrap_err();
    assert_eq!(unknown.code(), Some("record.missing"));
    let again = wechat::page_login(ctx, SPACE, &code).await.unwrap_err();
    assert_eq!(again.code(), Some("wechat.code"));
    let preview = outside.world.snapshot_code(OFFICIAL, "丙");
    assert_eq!(wechat::page_login(ctx, SPACE, &preview).await.unwrap_err().code(), Some("wechat.preview"));
}

#[tokio::test]
async fn coming_back_the_same_day_writes_nothing() {
    let outside = outside().await;
    let ctx = outside.ctx();
    outside.logged_in("甲").await;
    let lines = async || crate::audit::page(ctx, &outside.admin, None, "").await.unwrap().lines.len();
    let before = lines().await;
    outside.logged_in("甲").await;
    assert_eq!(lines().await, before);
    outside.hall.advance(DAY);
    outside.logged_in("甲").await;
    assert_eq!(lines().await, before + 1);
}

#[tokio::test]
async fn a_phone_number_is_given_for_its_own_person() {
    let outside = outside().await;
    let ctx = outside.ctx();
    let (me, other) = (outside.logged_in("甲").await, outside.logged_in("乙").await);
    let code = outside.world.phone_code(MINI, "甲", "13800000001");
    assert_eq!(wechat::phone(ctx, SPACE, me.link, &code).await.unwrap(), "+8613800000001");
    assert_eq!(wechat::phone(ctx, SPACE, me.link, &code).await.unwrap_err().code(), Some("wechat.code"));
    let code = outside.world.phone_code(MINI, "甲", "13800000001");
    assert_eq!(wechat::phone(ctx, SPACE, other.link, &code).await.unwrap_err().code(), Some("wechat.unreachable"));
    let late = outside.world.phone_code(MINI, "甲", "13800000001");
    outside.hall.advance(6 * MINUTE);
    assert_eq!(wechat::phone(ctx, SPACE, me.link, &late).await.unwrap_err().code(), Some("wechat.code"));
    // Each answer is charged: who tries codes at random is slowed down.
    let mut last = None;
    for _ in 0..20 {
        last = wechat::phone(ctx, SPACE, me.link, "guess").await.unwrap_err().code();
    }
    assert_eq!(last, Some("attempt.too_many"));
    let nobody = wechat::phone(ctx, SPACE, domain::WechatLinkId(99), "x").await.unwrap_err();
    assert_eq!(nobody.code(), Some("session.none"));
}

#[tokio::test]
async fn twenty_repetitions_of_a_push_count_once() {
    let outside = outside().await;
    let me = outside.logged_in("甲").await;
    let second = outside.hall.ctx.now().0 / 1_000;
    let popup = |second| consent(&me.openid, "subscribe_msg_popup_event", "accept", second);
    let (query, body) = outside.world.push(&outside.door(MINI), &popup(second), "gh_1").unwrap();
    let mut new = 0;
    for _ in 0..20 {
        let taken = wechat::take(outside.ctx(), SPACE, Side::WeChat, &query, body.as_bytes()).await.unwrap();
        new += usize::from(taken == Taken::New);
    }
    assert_eq!((new, outside.left(&me, "TPL-won")), (1, 1));
    // The same encrypted anew, as WeChat repeats it.
    assert_eq!(outside.push(Side::WeChat, MINI, &popup(second)).await.unwrap(), Taken::Again);
    assert_eq!(outside.push(Side::WeChat, MINI, &popup(second + 1)).await.unwrap(), Taken::New);
    assert_eq!(outside.left(&me, "TPL-won"), 2);
    let reject = consent(&me.openid, "subscribe_msg_popup_event", "reject", second + 2);
    outside.push(Side::WeChat, MINI, &reject).await.unwrap();
    assert_eq!(outside.left(&me, "TPL-won"), 2, "not this time");
    let off = consent(&me.openid, "subscribe_msg_change_event", "reject", second + 3);
    outside.push(Side::WeChat, MINI, &off).await.unwrap();
    assert_eq!(outside.left(&me, "TPL-won"), 0, "never again");
    // Somebody who was never here may say yes first.
    let stranger = consent(&openid(MINI, "丙"), "subscribe_msg_popup_event", "accept", second);
    outside.push(Side::WeChat, MINI, &stranger).await.unwrap();
    assert_eq!(outside.left(&outside.logged_in("丙").await, "TPL-won"), 1);
    let pushes = wechat::pushes(outside.ctx(), &outside.admin).unwrap();
    assert_eq!((pushes.len(), pushes[0].name.as_str()), (5, "subscribe_msg_popup_event"));
}

#[tokio::test]
async fn a_phones_word_counts_only_where_wechat_tells_nothing() {
    let outside = outside().await;
    let me = outside.logged_in("甲").await;
    let yes = [("TPL-won".to_owned(), true)];
    wechat::report_consents(outside.ctx(), SPACE, &me, &yes).await.unwrap();
    assert_eq!(outside.left(&me, "TPL-won"), 0, "the push will say so");
    // With no pushes set up, the phone is all there is. The id is another one, and so is the openid.
    let ctx = outside.ctx();
    outside.world.app("wxplain000000001", "plain-secret");
    let plain = AppInput {
        push_token: String::new(),
        push_key: String::new(),
        ..outside.input("wxplain000000001", "plain-secret")
    };
    wechat::save(ctx, &outside.admin, AppKind::Mini, &plain).await.unwrap();
    let me = wechat::login(ctx, SPACE, &outside.world.login_code("wxplain000000001", "甲")).await.unwrap();
    wechat::report_consents(ctx, SPACE, &me, &yes).await.unwrap();
    assert_eq!(outside.left(&me, "TPL-won"), 1);
    for wrong in [vec![], vec![("x".repeat(65), true)], vec![(String::new(), true)], vec![yes[0].clone(); 6]] {
        assert!(wechat::report_consents(ctx, SPACE, &me, &wrong).await.is_err());
    }
}

#[tokio::test]
async fn forged_stale_and_misdirected_pushes_change_nothing() {
    let outside = outside().await;
    let message = "<xml><FromUserName>sys</FromUserName><CreateTime>5</CreateTime><MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType><UserID>zhangsan</UserID><ExternalUserID>wm1</ExternalUserID></xml>";
    let (query, body) = outside.world.push(&outside.door(CORP), message, CORP).unwrap();
    let take = |side, query: &str, body: &str| {
        let (query, body) = (query.to_owned(), body.to_owned());
        let ctx = outside.ctx().clone();
        async move { wechat::take(&ctx, SPACE, side, &query, body.as_bytes()).await.map_err(|error| error.code()) }
    };
    assert_eq!(take(Side::WeChat, &query, &body).await, Err(Some("wechat.forged")), "WeCom's at WeChat's door");
    assert_eq!(
        take(Side::WeCom, &query.replace("msg_signature=", "msg_signature=0"), &body).await,
        Err(Some("wechat.forged"))
    );
    assert_eq!(take(Side::WeCom, &query, message).await, Err(Some("wechat.forged")), "not encrypted");
    assert_eq!(take(Side::WeCom, "", "").await, Err(Some("wechat.forged")));
    outside.hall.advance(HOUR);
    assert_eq!(take(Side::WeCom, &query, &body).await, Err(Some("wechat.forged")), "caught and played again later");
    outside.hall.advance(-HOUR);
    assert!(wechat::pushes(outside.ctx(), &outside.admin).unwrap().is_empty());
    // Five minutes off in either direction is no forgery.
    for off in [-5 * MINUTE, 5 * MINUTE] {
        let late = message.replace(">5<", &format!(">{}<", 100 + off / SECOND));
        let (query, body) = outside.world.push(&outside.door(CORP), &late, CORP).unwrap();
        outside.hall.advance(off);
        assert_eq!(take(Side::WeCom, &query, &body).await, Ok(Taken::New));
        outside.hall.advance(-off);
    }
}

#[tokio::test]
async fn the_check_of_an_address_is_answered_for_whoever_knows_the_token() {
    let outside = outside().await;
    let sign = gateway::wechat::crypt::sign;
    let query = format!("signature={}&timestamp=1&nonce=2&echostr=hello", sign(&["token", "1", "2"]));
    assert_eq!(wechat::echo(outside.ctx(), SPACE, Side::WeChat, &query).unwrap(), "hello");
    assert!(wechat::echo(outside.ctx(), SPACE, Side::WeCom, &query).is_err());
    assert!(wechat::echo(outside.ctx(), SPACE, Side::WeChat, &query.replace("nonce=2", "nonce=3")).is_err());
    let sealed = Cipher::new(KEY, CORP).unwrap().seal([5; 16], b"12345").unwrap();
    let signature = sign(&["token", "1", "2", &sealed]);
    let query = format!("msg_signature={signature}&timestamp=1&nonce=2&echostr={sealed}");
    assert_eq!(wechat::echo(outside.ctx(), SPACE, Side::WeCom, &query).unwrap(), "12345");
}

#[tokio::test]
async fn a_token_outlives_a_start_and_old_pushes_do_not_stay() {
    let outside = outside().await;
    outside.logged_in("甲").await;
    let draw = |scene: &'static str| wechat::draw_code(outside.ctx(), SPACE, "pages/in/index", scene);
    let first = draw("e=1").await.unwrap();
    let calls = outside.world.calls();
    assert_eq!(draw("e=1").await.unwrap(), first);
    assert_eq!(outside.world.calls(), calls, "a code is drawn once");
    assert_eq!(draw("签到").await.unwrap_err().code(), Some("input.invalid"));
    // A context of its own over the same records: nothing in memory.
    let again = Ctx::new(
        outside.ctx().store().clone(),
        outside.hall.hands.clone(),
        outside.ctx().random.clone(),
        crate::seal::Sealer::new(&[9; 32]).unwrap(),
        outside.ctx().files.clone(),
    );
    wechat::draw_code(&again, SPACE, "pages/in/index", "e=2").await.unwrap();
    assert_eq!(outside.world.calls(), calls + 1, "with the token that was kept");
    // Another key does not open it: it is fetched anew, and nothing fails.
    let other = Ctx::new(
        outside.ctx().store().clone(),
        outside.hall.hands.clone(),
        outside.ctx().random.clone(),
        crate::seal::Sealer::new(&[8; 32]).unwrap(),
        outside.ctx().files.clone(),
    );
    let kept = super::shelf::OnDisk::new(&other, SPACE);
    let slots = outside.ctx().read(&outside.ctx().own(SPACE), |view| {
        use store::Read;
        let keys = view.scan_keys::<domain::WechatKept>(&(), None, store::Order::Ascending);
        Ok(keys.collect::<Result<Vec<_>, _>>()?)
    });
    let slot = slots.unwrap().into_iter().find(|slot| slot.starts_with("token/")).unwrap();
    assert!(gateway::wechat::Shelf::look(&kept, &slot).unwrap().is_none());
    let me = openid(MINI, "甲");
    outside.push(Side::WeChat, MINI, &consent(&me, "subscribe_msg_popup_event", "accept", 1)).await.unwrap();
    assert_eq!(wechat::forget_old(outside.ctx(), SPACE).await.unwrap(), 0);
    outside.hall.advance(8 * DAY);
    assert_eq!(wechat::forget_old(outside.ctx(), SPACE).await.unwrap(), 1);
}

#[tokio::test]
async fn an_outside_that_fails_is_a_clear_refusal_and_costs_no_login() {
    let outside = outside().await;
    let code = outside.world.login_code(MINI, "甲");
    outside.world.fail((0..3).map(|_| Answered::status(502, "")));
    let failed = wechat::login(outside.ctx(), SPACE, &code).await.unwrap_err();
    assert_eq!(failed.code(), Some("wechat.silent"));
    let me = wechat::login(outside.ctx(), SPACE, &code).await.unwrap();
    assert_eq!(me.openid, openid(MINI, "甲"), "the code was not used up");
    let blocked = Answered::json(&serde_json::json!({ "errcode": 40226, "errmsg": "code blocked" }));
    outside.world.fail([blocked]);
    let refused = wechat::login(outside.ctx(), SPACE, &outside.world.login_code(MINI, "甲")).await.unwrap_err();
    assert_eq!(refused.code(), Some("wechat.blocked"));
    let off = AppInput { enabled: false, ..outside.input(MINI, "") };
    wechat::save(outside.ctx(), &outside.admin, AppKind::Mini, &off).await.unwrap();
    let none = wechat::login(outside.ctx(), SPACE, &outside.world.login_code(MINI, "甲")).await.unwrap_err();
    assert_eq!(none.code(), Some("wechat.none"));
}

fn won(link: &Linked) -> super::send::ToOne {
    super::send::ToOne {
        link: link.link.0,
        template: "TPL-won".into(),
        opens: "pages/win/index".into(),
        english: false,
        data: vec![
            ("thing1".into(), "年会抽奖".into()),
            ("thing2".into(), "一等奖".into()),
            ("time3".into(), "2026-11-26 15:01".into()),
        ],
    }
}

impl Outside {
    async fn put(&self, kind: &'static str, to: super::send::ToOne, once: &'static str) -> domain::OutgoingId {
        let own = self.ctx().own(SPACE);
        let made = self.ctx().write(&own, move |work| {
            let cause = super::send::Cause {
                subject: "test".into(),
                event: None,
                once: once.into(),
                expires_at: work.now.plus(DAY),
            };
            let id = super::send::put(work, kind, &to, cause)?;
            work.audit("test", "test", "", "")?;
            Ok(id)
        });
        made.await.unwrap().unwrap()
    }

    fn entry(&self, id: domain::OutgoingId) -> domain::Outgoing {
        use store::Read;
        self.ctx().store().view().space(SPACE).get::<domain::Outgoing>(&id).unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_message_uses_the_consent_it_was_given_and_a_refusal_is_final() {
    let outside = outside().await;
    wechat::register(outside.ctx());
    let me = outside.logged_in("甲").await;
    outside.world.consent(&me.openid, "TPL-won");
    let accept = consent(&me.openid, "subscribe_msg_popup_event", "accept", 1);
    outside.push(Side::WeChat, MINI, &accept).await.unwrap();
    let first = outside.put("wechat.subscribe", won(&me), "a").await;
    crate::outbox::run_due(outside.ctx(), SPACE).await.unwrap();
    assert_eq!((outside.entry(first).state, outside.left(&me, "TPL-won")), (OutState::Sent, 0));
    assert_eq!(outside.world.sent()[0].body["data"]["thing2"]["value"], "一等奖");
    // The box believes in one more; WeChat knows better.
    let accept = consent(&me.openid, "subscribe_msg_popup_event", "accept", 2);
    outside.push(Side::WeChat, MINI, &accept).await.unwrap();
    let second = outside.put("wechat.subscribe", won(&me), "b").await;
    crate::outbox::run_due(outside.ctx(), SPACE).await.unwrap();
    let refused = outside.entry(second);
    assert!(refused.state == OutState::Refused && refused.said.starts_with("43101"), "{refused:?}");
    assert_eq!((outside.left(&me, "TPL-won"), outside.world.sent().len()), (0, 1));
    // Revoked in flight: renewed and sent; cut off without an answer: nobody knows, and it is not sent again.
    outside.world.consent(&me.openid, "TPL-won");
    outside.world.revoke(MINI);
    let third = outside.put("wechat.subscribe", won(&me), "c").await;
    crate::outbox::run_due(outside.ctx(), SPACE).await.unwrap();
    assert_eq!(outside.entry(third).state, OutState::Sent);
    outside.world.fail([Answered::cut()]);
    let fourth = outside.put("wechat.subscribe", won(&me), "d").await;
    for _ in 0..3 {
        crate::outbox::run_due(outside.ctx(), SPACE).await.unwrap();
        outside.hall.advance(HOUR);
    }
    assert_eq!((outside.entry(fourth).state, outside.world.sent().len()), (OutState::Unsure, 2));
}

#[tokio::test]
async fn a_notice_goes_by_the_mini_program_while_there_is_consent() {
    let outside = outside().await;
    let (ctx, admin) = (outside.ctx(), &outside.admin);
    wechat::register(ctx);
    let template =
        domain::message::template::TemplateInput::known("wechat.subscribe", "TPL-message", "thing1=name, thing2=text");
    crate::message::template::save(ctx, admin, "message", &[template]).await.unwrap();
    let (event, kind) = opened(&outside.hall, admin).await;
    let ticket = registration::add(ctx, admin, event, kind, "", &named("张三", "13800000001")).await.unwrap();
    let me = outside.logged_in("甲").await;
    wechat::bind(ctx, SPACE, me.link, ticket.person).await.unwrap();
    ctx.write(&ctx.own(SPACE), move |work| {
        super::credit::change(work, me.link, "TPL-message", domain::wechat::Consent::Given)?;
        work.audit("test", "test", "", "")
    })
    .await
    .unwrap();
    outside.world.consent(&me.openid, "TPL-message");
    let filter = crate::roster::Filter::default();
    for text in ["请带身份证", "改在二号厅"] {
        crate::notice::write(ctx, admin, event, &filter, text).await.unwrap();
        crate::message::dispatch(ctx, SPACE).await.unwrap();
        // Later than the event it would be of no use any more.
        outside.hall.advance(HOUR);
        crate::outbox::run_due(ctx, SPACE).await.unwrap();
    }
    let sent = outside.world.sent();
    assert_eq!(sent.len(), 1, "one consent, one message: {sent:?}");
    assert_eq!(
        (sent[0].to.as_str(), &sent[0].body["data"]["thing2"]["value"]),
        (me.openid.as_str(), &"请带身份证".into())
    );
    assert_eq!(outside.left(&me, "TPL-message"), 0);
}

#[tokio::test]
async fn an_hour_without_an_answer_is_outlived_and_everything_is_sent_once() {
    let outside = outside().await;
    wechat::register(outside.ctx());
    let code = outside.world.page_code(OFFICIAL, "甲");
    let me = wechat::page_login(outside.ctx(), SPACE, &code).await.unwrap();
    outside.world.follow(&me.openid);
    let of = super::send::ToOne { opens: "https://hall.cn/draw/1".into(), ..won(&me) };
    let ids =
        [outside.put("wechat.template", of.clone(), "a").await, outside.put("wechat.template", of.clone(), "b").await];
    outside.world.fail((0..10_000).map(|_| Answered::status(503, "")));
    let mut waited = 0;
    while waited < HOUR {
        crate::outbox::run_due(outside.ctx(), SPACE).await.unwrap();
        outside.hall.advance(30 * SECOND);
        waited += 30 * SECOND;
    }
    assert!(ids.iter().all(|id| outside.entry(*id).state == OutState::Waiting));
    assert!(outside.world.calls() < 150, "{} calls in an hour", outside.world.calls());
    outside.world.mend();
    for _ in 0..40 {
        outside.hall.advance(MINUTE);
        crate::outbox::run_due(outside.ctx(), SPACE).await.unwrap();
    }
    assert!(ids.iter().all(|id| outside.entry(*id).state == OutState::Sent));
    // An answer that was lost on its way back: the same key makes it one message.
    let third = outside.put("wechat.template", of, "c").await;
    crate::outbox::run_due(outside.ctx(), SPACE).await.unwrap();
    assert_eq!((outside.entry(third).state, outside.world.sent().len()), (OutState::Sent, 3));
}

#[tokio::test]
async fn members_of_wecom_get_messages_of_each_kind_by_their_ids() {
    use domain::corp::CorpInput;
    let outside = outside().await;
    wechat::register(outside.ctx());
    let text = |text: &str| CorpInput { kind: "text".into(), text: text.into(), ..CorpInput::default() };
    let send = async |users: &str, words: &str| {
        wechat::to_members(outside.ctx(), &outside.admin, users, &text(words), None).await
    };
    send("zhangsan，lisi", "开会了").await.unwrap();
    crate::outbox::run_due(outside.ctx(), SPACE).await.unwrap();
    let sent = outside.world.sent();
    assert_eq!(
        (sent.len(), sent[0].to.as_str(), sent[0].body["text"]["content"].as_str()),
        (1, "zhangsan|lisi", Some("开会了"))
    );
    for (users, text) in [("", "x"), ("张三", "x"), ("zhangsan", ""), ("zhangsan", " ")] {
        assert_eq!(send(users, text).await.unwrap_err().code(), Some("input.invalid"), "{users} {text}");
    }
    let visitor = Actor::visitor(SPACE);
    assert!(wechat::to_members(outside.ctx(), &visitor, "zhangsan", &text("x"), None).await.is_err());
    let message = |kind: &str| CorpInput {
        kind: kind.into(),
        text: "**改期**".into(),
        title: "会议通知".into(),
        url: "https://hall.example.org/event/1".into(),
        media: String::new(),
        attached: false,
        app: "wx1234567890".into(),
        page: "pages/event/index".into(),
        items: "地点：二号厅".into(),
    };
    let send = async |kind: &str, file: Option<&[u8]>| {
        let file = file.map(|bytes| ("会议 \"通知\".bin".to_owned(), bytes.to_vec()));
        wechat::to_members(outside.ctx(), &outside.admin, "zhangsan", &message(kind), file).await
    };
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n--picture--";
    let media = |kind: &str| match kind {
        "image" => Some(PNG),
        "voice" => Some(&b"#!AMR\n recording"[..]),
        "file" => Some(&b"%PDF-1.7 paper"[..]),
        _ => None,
    };
    for (kind, _) in domain::corp::KINDS.iter().skip(1) {
        send(kind, media(kind)).await.unwrap();
    }
    crate::outbox::run_due(outside.ctx(), SPACE).await.unwrap();
    let kinds: Vec<String> =
        outside.world.sent().iter().skip(1).map(|sent| sent.body["msgtype"].as_str().unwrap().to_owned()).collect();
    let mut kinds = kinds;
    kinds.sort();
    assert_eq!(kinds, ["file", "image", "markdown", "miniprogram_notice", "textcard", "voice"]);
    // What WeCom would refuse is refused here, by name; what was not handed over cannot be sent.
    for (kind, file, field) in [
        ("image", Some(&b"GIF89a.."[..]), "upload"),
        ("voice", Some(PNG), "upload"),
        ("file", Some(&b"x"[..]), "upload"),
        ("text", Some(PNG), "upload"),
        ("image", None, "media"),
    ] {
        let Err(Error::Refused(refused)) = send(kind, file).await else { panic!("{kind}") };
        assert_eq!(refused.problems[0].field, field, "{kind}");
    }
    // Handed over once: an answer to the message that is lost makes it the same message, of the same file.
    let before = outside.world.sent().len();
    send("image", Some(PNG)).await.unwrap();
    outside.world.fail([Answered::status(503, "")]);
    for _ in 0..4 {
        outside.hall.advance(MINUTE);
        crate::outbox::run_due(outside.ctx(), SPACE).await.unwrap();
    }
    assert!(outside.world.sent().len() <= before + 1, "{:?}", outside.world.sent());
    let ids: std::collections::BTreeSet<String> = outside
        .world
        .sent()
        .iter()
        .filter_map(|sent| sent.body["image"]["media_id"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(ids.len(), 1, "the same picture is handed over once");
    // Its id is forgotten when it is over.
    outside.hall.advance(2 * DAY);
    assert!(wechat::forget_old(outside.ctx(), SPACE).await.unwrap() >= 3);
}

#[tokio::test]
async fn a_text_is_checked_where_wechat_can_and_said_to_be_unchecked_where_not() {
    use gateway::wechat::mini::Verdict;
    let outside = outside().await;
    let me = outside.logged_in("甲").await;
    let check = |text: &'static str| wechat::check_text(outside.ctx(), SPACE, &me, text);
    assert_eq!(check("恭喜").await.unwrap(), Some(Verdict::Pass));
    assert_eq!(check("违禁").await.unwrap(), Some(Verdict::Risky(20_006)));
    assert_eq!(check("").await.unwrap_err().code(), Some("input.invalid"));
    outside.hall.advance(3 * HOUR);
    assert_eq!(check("恭喜").await.unwrap(), None, "not here in the last two hours");
    let titles = wechat::templates(outside.ctx(), &outside.admin).await.unwrap();
    assert!(titles.iter().any(|template| template.title == "中奖结果通知"));
}

#[tokio::test]
async fn whoever_is_forgotten_is_not_reached_through_wechat_either() {
    let outside = outside().await;
    let ctx = outside.ctx();
    let (event, kind) = opened(&outside.hall, &outside.admin).await;
    let ticket = registration::add(ctx, &outside.admin, event, kind, "", &named("张三", "13800000001")).await.unwrap();
    let me = outside.logged_in("甲").await;
    outside.push(Side::WeChat, MINI, &consent(&me.openid, "subscribe_msg_popup_event", "accept", 1)).await.unwrap();
    wechat::bind(ctx, SPACE, me.link, ticket.person).await.unwrap();
    let person = ticket.person;
    ctx.write(&ctx.own(SPACE), move |work| {
        super::forget_person(work, person)?;
        work.audit("test", "test", "", "")
    })
    .await
    .unwrap();
    assert_eq!(wechat::linked(ctx, SPACE, me.link).unwrap(), None);
    assert_eq!(outside.left(&me, "TPL-won"), 0);
}

#[tokio::test]
async fn pages_get_their_signature_only_with_an_official_account() {
    let outside = outside().await;
    let config = wechat::js_config(outside.ctx(), SPACE, "https://hall.cn/event/1").await.unwrap().unwrap();
    assert_eq!((config.app_id.as_str(), config.signature.len()), (OFFICIAL, 40));
    let (hall, _) = founded().await;
    assert!(wechat::js_config(&hall.ctx, SPACE, "https://hall.cn/").await.unwrap().is_none());
}

#[tokio::test]
async fn proofs_of_a_domain_are_shown_to_anybody_and_kept_by_the_secretariat() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    wechat::put_proof(ctx, &admin, "MP_verify_a1.txt", "a1").await.unwrap();
    assert_eq!(wechat::proof(ctx, SPACE, "MP_verify_a1.txt").unwrap().as_deref(), Some("a1"));
    assert_eq!(wechat::proof(ctx, SPACE, "other.txt").unwrap(), None);
    assert_eq!(wechat::proofs(ctx, &admin).unwrap(), [("MP_verify_a1.txt".to_owned(), "a1".to_owned())]);
    assert!(wechat::put_proof(ctx, &Actor::visitor(SPACE), "x.txt", "x").await.is_err());
    for n in 0..19 {
        wechat::put_proof(ctx, &admin, &format!("p{n}.txt"), "x").await.unwrap();
    }
    assert_eq!(wechat::put_proof(ctx, &admin, "more.txt", "x").await.unwrap_err().code(), Some("wechat.proofs"));
    wechat::put_proof(ctx, &admin, "p1.txt", "y").await.unwrap();
    wechat::remove_proof(ctx, &admin, "p1.txt").await.unwrap();
    assert!(wechat::remove_proof(ctx, &admin, "p1.txt").await.is_err());
    assert_eq!(wechat::proof(ctx, SPACE, "p1.txt").unwrap(), None);
    assert!(hall.ctx.now() > Time(0));
}

//! Notices on their ways, against stand-ins of the providers and of a mail server: once, by the ways that the reader allows, while of use.

use super::{
    choice, dispatch,
    setting::{self, Trial},
    sms, template,
};
use crate::{
    Actor,
    ctx::test::Hall,
    notice,
    order::test::order_one,
    outbox::run_due,
    registration,
    roster::Filter,
    test::{founded, named, opened},
    token,
};
use domain::{
    EventId, Notice, Outgoing, SmsLine, TicketTypeId, Time,
    message::{ChoiceInput, LOGIN_CODE, MailInput, SettingInput, SmsInput, template::TemplateInput},
    notice::NoticeState,
    outbox::OutState,
    time::{DAY, HOUR, MINUTE},
};
use gateway::{
    mail::standin::{MailServer, Rules},
    sms::standin::{APP, KEY_ID, Providers, SECRET, SIGN},
};
use std::sync::Arc;
use store::{Order, Read};

/// A hall with both ways set up and stand-ins behind them.
struct Post {
    hall: Hall,
    admin: Actor,
    event: EventId,
    kind: TicketTypeId,
    providers: Providers,
    mail: MailServer,
    _sms: gateway::standin::Standin,
}

fn sms_input(base: &str) -> SmsInput {
    SmsInput {
        enabled: true,
        provider: "tencent".into(),
        base: base.into(),
        key_id: KEY_ID.into(),
        secret: SECRET.into(),
        app: APP.into(),
        sign: SIGN.into(),
        per_number: "3".into(),
        per_day: "100".into(),
    }
}

impl Post {
    async fn open() -> Self {
        let (hall, admin) = founded().await;
        let hands = hall.hands.clone();
        let providers = Providers::new(Arc::new(move || crate::Clock::now(hands.as_ref())));
        let standin = providers.start().await.unwrap();
        let mail = MailServer::start(Rules::default()).await.unwrap();
        super::register_own(&hall.ctx);
        setting::save_sms(&hall.ctx, &admin, &sms_input(&standin.base)).await.unwrap();
        let server = MailInput {
            enabled: true,
            host: "127.0.0.1".into(),
            port: mail.address.port().to_string(),
            security: "none".into(),
            from: "office@example.org".into(),
            per_day: "100".into(),
            ..MailInput::default()
        };
        setting::save_mail(&hall.ctx, &admin, &server).await.unwrap();
        let templates = [
            ("order_completed", "1=event, 2=time", "{name}，您已报名{event}，时间{time}。"),
            ("message", "1=text", ""),
            ("attend_code", "1=event, 2=attend", "参会码{attend}"),
            (LOGIN_CODE, "1=code, 2=minutes", ""),
        ];
        for (code, values, words) in templates {
            let own =
                TemplateInput { way: "words".into(), text: words.into(), ..TemplateInput::known("words", "", "") };
            let input = [TemplateInput::known("sms", "110", values), own];
            template::save(&hall.ctx, &admin, code, &input).await.unwrap();
        }
        let general = SettingInput {
            quiet_from: "22:00".into(),
            quiet_to: "08:00".into(),
            attend_after_import: true,
            ..SettingInput::default()
        };
        setting::save(&hall.ctx, &admin, &general).await.unwrap();
        let (event, kind) = opened(&hall, &admin).await;
        Self { hall, admin, event, kind, providers, mail, _sms: standin }
    }

    /// What the clock does.
    async fn tick(&self) {
        dispatch(&self.hall.ctx, self.admin.space).await.unwrap();
        run_due(&self.hall.ctx, self.admin.space).await.unwrap();
    }

    fn notices(&self) -> Vec<Notice> {
        let view = self.hall.ctx.store().view().space(self.admin.space);
        view.scan::<Notice>(&(), None, Order::Ascending).map(|kept| kept.unwrap().1).collect()
    }

    fn outgoing(&self) -> Vec<Outgoing> {
        let view = self.hall.ctx.store().view().space(self.admin.space);
        view.scan::<Outgoing>(&(), None, Order::Ascending).map(|kept| kept.unwrap().1).collect()
    }

    fn lines(&self) -> Vec<SmsLine> {
        sms::log(&self.hall.ctx, &self.admin, None, None).unwrap().lines
    }

    /// A person's ticket, and its link.
    async fn person(&self, name: &str, phone: &str) -> String {
        let input = named(name, phone);
        let ticket = registration::add(&self.hall.ctx, &self.admin, self.event, self.kind, "", &input).await.unwrap();
        token::link(&ticket.link)
    }

    async fn write(&self, text: &str) {
        notice::write(&self.hall.ctx, &self.admin, self.event, &Filter::default(), text).await.unwrap();
    }
}

fn wants(wanted: &[&str], first: &str, mail: &str) -> ChoiceInput {
    let text = |list: &[&str]| list.iter().map(|way| (*way).to_owned()).collect();
    ChoiceInput {
        wanted: text(wanted),
        shown: text(&["sms", "mail"]),
        first: first.into(),
        reminder: true,
        news: true,
        mail: mail.into(),
        lang: String::new(),
    }
}

#[tokio::test]
async fn a_notice_goes_out_once_by_text_message_and_its_delivery_is_known() {
    let post = Post::open().await;
    let (ctx, space) = (&post.hall.ctx, post.admin.space);
    order_one(&post.hall, post.event, post.kind, "张三", "13800000001").await.unwrap();
    for _ in 0..3 {
        post.tick().await;
    }
    let taken = post.providers.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(
        (taken[0].phone.as_str(), taken[0].values.as_slice()),
        ("+8613800000001", &["年会".to_owned(), "11月25日 08:30".to_owned()][..])
    );
    assert!(matches!(&post.notices()[0].state, NoticeState::Sent(way, _) if way == "sms"));
    let line = &post.lines()[0];
    assert_eq!(
        (line.reference.as_str(), line.failed.as_ref(), line.occasion.as_str()),
        (taken[0].reference.as_str(), None, "order_completed")
    );
    post.hall.advance(2 * MINUTE);
    assert_eq!(sms::ask(ctx, space).await.unwrap(), 1);
    assert_eq!(post.lines()[0].failed.as_deref(), Some(""), "delivered");
    assert_eq!(sms::ask(ctx, space).await.unwrap(), 0, "not asked again");
    let event = sms::log(ctx, &post.admin, Some(post.event), None).unwrap();
    assert_eq!((event.lines.len(), event.today), (1, (1, 100)));
    assert_eq!(sms::tidy(ctx, space).await.unwrap(), 0);
    post.hall.advance(181 * DAY);
    assert_eq!((sms::tidy(ctx, space).await.unwrap(), post.lines().len()), (1, 0), "not kept for ever");
    let visitor = Actor::visitor(space);
    assert_eq!(sms::log(ctx, &visitor, None, None).err().unwrap().code(), Some("session.none"));
    assert!(ctx.store().verify().is_sound());
}

#[tokio::test]
async fn a_way_that_fails_is_followed_by_the_next_and_what_was_perhaps_sent_by_none() {
    let post = Post::open().await;
    let (ctx, space) = (&post.hall.ctx, post.admin.space);
    let first = post.person("李四", "13800000001").await;
    let second = post.person("王五", "13800000002").await;
    for link in [&first, &second] {
        choice::save(ctx, space, link, &wants(&["sms", "mail"], "sms", "li@example.com")).await.unwrap();
    }
    post.providers.refuse("+8613800000001", "FailedOperation.PhoneNumberInBlacklist");
    post.write("停车场改在北门").await;
    post.tick().await;
    post.tick().await;
    let mails = post.mail.taken();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text().contains("停车场改在北门"), "{}", mails[0].text());
    let states: Vec<NoticeState> = post.notices().into_iter().map(|notice| notice.state).collect();
    let by = |state: &NoticeState| if let NoticeState::Sent(way, _) = state { way.clone() } else { String::new() };
    assert_eq!((by(&states[0]), by(&states[1])), ("mail".to_owned(), "sms".to_owned()));
    post.providers.cut();
    post.write("晚宴提前半小时").await;
    post.tick().await;
    post.tick().await;
    let unsure = post.outgoing().into_iter().filter(|entry| entry.state == OutState::Unsure).count();
    assert_eq!(unsure, 1, "the connection was cut after the provider took it");
    assert_eq!(post.mail.taken().len() + post.providers.taken().len(), 4, "nobody gets it twice");
    assert!(post.notices().iter().all(|notice| notice.state != NoticeState::Waiting));
}

#[tokio::test]
async fn readers_decide_what_they_get_and_leave_by_the_address_in_a_mail() {
    let post = Post::open().await;
    let (ctx, space) = (&post.hall.ctx, post.admin.space);
    let link = post.person("李四", "13800000001").await;
    let page = choice::get(ctx, space, &link).unwrap();
    assert_eq!((page.ways, page.phone.as_deref()), (vec!["sms".to_owned(), "mail".to_owned()], Some("138****0001")));
    choice::save(ctx, space, &link, &wants(&["mail"], "", "li@example.com")).await.unwrap();
    post.write("第一条").await;
    post.tick().await;
    assert_eq!((post.mail.taken().len(), post.providers.taken().len()), (1, 0));
    let ticket = registration::by_link(ctx, space, &link).unwrap().ticket;
    let code = ctx.sealer.sign(&super::leave_text(space, ticket.person));
    assert!(choice::leave(ctx, &code.replace('.', "-")).await.is_err());
    assert!(choice::leave(ctx, &ctx.sealer.sign("leave.1")).await.is_err());
    choice::leave(ctx, &code).await.unwrap();
    post.write("第二条").await;
    post.tick().await;
    assert_eq!(post.mail.taken().len(), 1, "nothing that goes to many any more");
    assert!(matches!(&post.notices()[1].state, NoticeState::Dropped(why, _) if why == "unwanted"));
    notice::attend_codes(ctx, &post.admin, post.event).await.unwrap();
    post.tick().await;
    assert_eq!(post.mail.taken().len(), 2, "what concerns the own registration is told");
    assert!(post.mail.taken()[1].text().contains("参会码"));
    assert!(choice::save(ctx, space, "nothing", &ChoiceInput::default()).await.is_err());
}

#[tokio::test]
async fn nobody_is_disturbed_at_night_and_a_box_that_was_off_sends_only_what_is_of_use() {
    let post = Post::open().await;
    post.person("李四", "13800000001").await;
    let night = Time::from_local("2026-11-25T23:00", &domain::time::zone("Asia/Shanghai").unwrap()).unwrap();
    post.hall.advance(night.since(post.hall.ctx.now()));
    post.write("明早见").await;
    post.tick().await;
    assert_eq!(post.providers.taken().len(), 0, "not at eleven in the night");
    assert_eq!(post.outgoing()[0].due_at, night.plus(9 * HOUR));
    post.hall.advance(9 * HOUR);
    post.tick().await;
    assert_eq!(post.providers.taken().len(), 1);
    post.write("过期的").await;
    post.hall.advance(4 * DAY);
    post.tick().await;
    assert_eq!(post.providers.taken().len(), 1, "of no use any more");
    assert!(matches!(&post.notices()[1].state, NoticeState::Dropped(why, _) if why == "too late"));
}

#[tokio::test]
async fn limits_hold_for_a_number_and_a_day_and_codes_are_secrets() {
    let post = Post::open().await;
    let (ctx, space) = (&post.hall.ctx, post.admin.space);
    for at in 0..5 {
        let own = ctx.own(space);
        ctx.write(&own, move |work| {
            sms::put_code(work, "+8613800000009", "654321", 5, &format!("login {at}"))?;
            sms::put_code(work, "+8613800000009", "654321", 5, &format!("login {at}"))?;
            work.audit("test", "test", "", "")
        })
        .await
        .unwrap();
        run_due(ctx, space).await.unwrap();
    }
    assert_eq!(post.providers.taken().len(), 3, "three a day to one number");
    assert_eq!(post.providers.taken()[0].values, ["654321", "5"]);
    let view = ctx.store().view().space(space);
    for entry in post.outgoing() {
        assert!(entry.payload.is_empty(), "a code is not kept: {:?}", entry.state);
        assert_eq!(view.get::<Outgoing>(&entry.id).unwrap().unwrap().target, "138****0009");
    }
    post.hall.advance(DAY);
    let own = ctx.own(space);
    ctx.write(&own, |work| {
        sms::put_code(work, "+8613800000009", "654321", 5, "tomorrow")?;
        work.audit("test", "test", "", "")
    })
    .await
    .unwrap();
    run_due(ctx, space).await.unwrap();
    assert_eq!(post.providers.taken().len(), 4, "a new day");
    let few = SmsInput { per_day: "1".into(), ..sms_input(&post._sms.base) };
    setting::save_sms(ctx, &post.admin, &few).await.unwrap();
    let own = ctx.own(space);
    ctx.write(&own, |work| {
        sms::put_code(work, "+8613800000008", "111111", 5, "another number")?;
        work.audit("test", "test", "", "")
    })
    .await
    .unwrap();
    run_due(ctx, space).await.unwrap();
    let over = post.outgoing().pop().unwrap();
    assert_eq!((over.state, post.providers.taken().len()), (OutState::Expired, 4), "{}", over.said);
    assert_eq!(over.said, "the limit of the day is reached");
}

#[tokio::test]
async fn attend_codes_go_to_whoever_an_import_added_once_and_reports_come_in() {
    let post = Post::open().await;
    let (ctx, space) = (&post.hall.ctx, post.admin.space);
    let list = "姓名,手机号\n赵六,13800000006\n钱七,13800000007\n孙八,\n".as_bytes().to_vec();
    let id = crate::import::upload(ctx, &post.admin, post.event, "a.csv", list, post.kind, "").await.unwrap();
    crate::import::begin(ctx, &post.admin, post.event, id).await.unwrap();
    crate::import::run(ctx, space, id).await.unwrap();
    notice::attend_codes(ctx, &post.admin, post.event).await.unwrap();
    post.tick().await;
    let taken = post.providers.taken();
    assert_eq!(taken.len(), 2);
    let codes: Vec<&str> = taken.iter().map(|taken| taken.values[1].as_str()).collect();
    assert!(codes.iter().all(|code| code.len() == 8), "{codes:?}");
    let settings = setting::get(ctx, &post.admin).unwrap();
    let body = |sid: &str, status: &str| {
        format!(
            r#"[{{"nationcode":"86","mobile":"13800000006","report_status":"{status}","errmsg":"MI:0024","sid":"{sid}"}}]"#
        )
    };
    let of = taken.iter().find(|taken| taken.phone.ends_with("06")).unwrap().reference.clone();
    let wrong = sms::report(ctx, space, "guessed", body(&of, "FAIL").as_bytes()).await.unwrap_err();
    assert_eq!(wrong.code(), Some("record.missing"));
    let key = settings.sms.callback;
    assert_eq!(sms::report(ctx, space, &key, b"{}").await.unwrap_err().code(), Some("sms.report"));
    sms::report(ctx, space, &key, body("unknown", "FAIL").as_bytes()).await.unwrap();
    for _ in 0..20 {
        sms::report(ctx, space, &key, body(&of, "FAIL").as_bytes()).await.unwrap();
    }
    sms::report(ctx, space, &key, body(&of, "SUCCESS").as_bytes()).await.unwrap();
    let failed: Vec<_> = post.lines().into_iter().filter_map(|line| line.failed).collect();
    assert_eq!(failed, ["MI:0024"], "the first report counts");
}

#[tokio::test]
async fn what_a_person_settles_by_hand_is_not_sent_by_the_box_and_the_other_way_round() {
    let post = Post::open().await;
    let (ctx, space) = (&post.hall.ctx, post.admin.space);
    post.person("李四", "13800000001").await;
    post.write("手工发送").await;
    dispatch(ctx, space).await.unwrap();
    let notice = post.notices().remove(0);
    assert_eq!(notice::settle_waiting(ctx, &post.admin, post.event, notice.id).await.unwrap(), 1);
    assert_eq!(post.notices()[0].state, NoticeState::Waiting, "a way is being tried");
    notice::settle(ctx, &post.admin, post.event, notice.id, true).await.unwrap();
    post.tick().await;
    assert_eq!(post.providers.taken().len(), 0);
    assert_eq!(post.outgoing()[0].state, OutState::Dropped);
    let log = super::log(ctx, &post.admin, post.event, &[notice.id]).unwrap();
    assert_eq!(log[0].as_ref().unwrap().steps[0].end, "dropped");
}

#[tokio::test]
async fn settings_are_tried_without_showing_secrets_and_archived_events_lose_their_log() {
    let post = Post::open().await;
    let (ctx, admin) = (&post.hall.ctx, &post.admin);
    assert_eq!(setting::try_balance(ctx, admin).await.unwrap(), Trial::Works("10000".into()));
    assert!(matches!(setting::try_sms(ctx, admin, "13800000001", LOGIN_CODE).await.unwrap(), Trial::Works(_)));
    assert_eq!(setting::try_mail(ctx, admin).await.unwrap(), Trial::Works(String::new()));
    let kept = setting::get(ctx, admin).unwrap().sms;
    assert!(!kept.secret.is_empty() && !kept.secret.windows(8).any(|part| part == &SECRET.as_bytes()[..8]));
    let wrong = SmsInput { secret: "wrong".into(), ..sms_input(&post._sms.base) };
    setting::save_sms(ctx, admin, &wrong).await.unwrap();
    assert!(
        matches!(setting::try_balance(ctx, admin).await.unwrap(), Trial::Fails(why) if why.contains("AuthFailure"))
    );
    let blank = SmsInput { secret: SECRET.into(), ..wrong };
    setting::save_sms(ctx, admin, &blank).await.unwrap();
    setting::save_sms(ctx, admin, &SmsInput { secret: String::new(), ..blank }).await.unwrap();
    assert!(matches!(setting::try_balance(ctx, admin).await.unwrap(), Trial::Works(_)), "an empty key stays");
    let visitor = Actor::visitor(admin.space);
    assert!(setting::get(ctx, &visitor).is_err() && setting::try_mail(ctx, &visitor).await.is_err());
    order_one(&post.hall, post.event, post.kind, "张三", "13800000001").await.unwrap();
    post.tick().await;
    assert_eq!(post.lines().len(), 1);
    post.hall.advance(6 * HOUR);
    crate::archive::begin(ctx, admin, post.event, "年会").await.unwrap();
    crate::archive::run(ctx, admin.space, post.event).await.unwrap();
    assert!(post.lines().is_empty() && post.outgoing().iter().all(|entry| entry.event.is_none()));
    let view = ctx.store().view().space(admin.space);
    for id in (1..1_000).chain(1_001..2_000).chain(2_001..3_000) {
        for kept in view.walk(id, &[], None, Order::Ascending) {
            let (key, value) = kept.unwrap();
            let holds = |bytes: &[u8]| bytes.windows(11).any(|part| part == b"13800000001");
            assert!(!holds(&key) && !holds(&value), "table {id} still knows the number");
        }
    }
    assert!(ctx.store().verify().is_sound());
}

#[tokio::test]
async fn an_attend_code_is_sent_by_hand_as_often_as_it_is_pressed() {
    let post = Post::open().await;
    let (ctx, event) = (&post.hall.ctx, post.event);
    let add = |name: &'static str, phone: &'static str| {
        let input = crate::test::named(name, phone);
        let (ctx, admin, kind) = (ctx.clone(), post.admin.clone(), post.kind);
        async move { crate::registration::add(&ctx, &admin, event, kind, "", &input).await.unwrap() }
    };
    let (with, without) = (add("赵六", "13800000006").await, add("孙八", "").await);
    notice::attend_codes(ctx, &post.admin, event).await.unwrap();
    notice::attend_codes(ctx, &post.admin, event).await.unwrap();
    post.tick().await;
    assert_eq!(post.providers.taken().len(), 1, "everybody is told once");
    post.hall.advance(1_000);
    notice::attend_code_by_hand(ctx, &post.admin, event, with.id).await.unwrap();
    post.tick().await;
    post.hall.advance(1_000);
    let ids = [with.id, without.id];
    let bulk = crate::registration::Bulk::Attend;
    let (done, refused) = crate::registration::bulk(ctx, &post.admin, event, &ids, &bulk).await.unwrap();
    post.tick().await;
    assert_eq!((done, refused.len(), refused[0].1.code), (1, 1, "notice.nobody"));
    let taken = post.providers.taken();
    assert_eq!(taken.len(), 3, "by hand it goes again");
    assert!(taken.iter().all(|one| one.values[1] == with.attend), "and it is the same code");
    let visitor = crate::Actor::visitor(post.admin.space);
    let denied = notice::attend_code_by_hand(ctx, &visitor, event, with.id).await.unwrap_err();
    assert_eq!(denied.code(), Some("session.none"));
}

#[tokio::test]
async fn each_reader_gets_the_words_of_their_language_and_a_preview_keeps_nothing() {
    let post = Post::open().await;
    let (ctx, space) = (&post.hall.ctx, post.admin.space);
    let english = |way: &str, id: &str, subject: &str, text: &str| TemplateInput {
        lang: "en".into(),
        subject: subject.into(),
        text: text.into(),
        ..TemplateInput::known(way, id, "1=event, 2=attend")
    };
    let input = [
        english("sms", "911", "", "{1}: your code {2}"),
        english("words", "", "", "Your code for {event}: {attend}"),
        english("mail", "", "About {event}", ""),
    ];
    let looked = template::preview(ctx, &post.admin, "attend_code", &input).unwrap();
    let of = |way: &str| looked.iter().find(|one| one.way == way).unwrap();
    assert_eq!(of("sms").text, format!("【{SIGN}】Annual meeting: your code 12345678"));
    assert_eq!(of("sms").length, Some((of("sms").text.chars().count(), 1)));
    assert_eq!(
        (of("mail").subject.as_str(), of("mail").text.as_str()),
        ("About Annual meeting", "Your code for Annual meeting: 12345678")
    );
    let wechat = TemplateInput::known("wechat.subscribe", "T", "thing1=event, stuff2=name");
    let looked = template::preview(ctx, &post.admin, "reminder", &[wechat]).unwrap();
    assert_eq!(looked[0].fields[0].1, "年度会员大会");
    assert!(looked[0].fields[0].2.is_none() && looked[0].fields[1].2.is_some(), "WeChat has no such keyword");
    let before = template::all(ctx, &post.admin).unwrap().templates;
    assert!(before.iter().all(|kept| kept.lang == "zh-CN"), "nothing was kept");
    template::save(ctx, &post.admin, "attend_code", &input).await.unwrap();
    let link = post.person("Smith", "13800000001").await;
    let other = post.person("李四", "13800000002").await;
    let english = ChoiceInput { lang: "en".into(), ..wants(&["sms", "mail"], "mail", "smith@example.com") };
    choice::save(ctx, space, &link, &english).await.unwrap();
    choice::save(ctx, space, &other, &wants(&["sms", "mail"], "sms", "")).await.unwrap();
    notice::attend_codes(ctx, &post.admin, post.event).await.unwrap();
    post.tick().await;
    let mail = &post.mail.taken()[0];
    assert!(mail.text().contains("Your code for 年会"), "{}", mail.text());
    let packed = data_encoding::BASE64.encode("About 年会".as_bytes());
    assert!(mail.header("subject").contains(&packed[..6]) || mail.header("subject").contains("About"));
    assert_eq!((post.providers.taken().len(), post.providers.taken()[0].template.as_str()), (1, "110"), "Chinese");
    let english = ChoiceInput { lang: "en".into(), ..wants(&["sms"], "sms", "") };
    choice::save(ctx, space, &other, &english).await.unwrap();
    template::save_defaults(ctx, &post.admin, "en", "0.045").await.unwrap();
    post.write("notice for everybody").await;
    post.tick().await;
    assert_eq!(
        post.providers.taken().last().unwrap().template,
        "110",
        "no English one: the Chinese one is of more use than none"
    );
    let visitor = Actor::visitor(space);
    assert!(template::save(ctx, &visitor, "reminder", &[]).await.is_err() && template::all(ctx, &visitor).is_err());
    assert!(ctx.store().verify().is_sound());
}

#[tokio::test]
async fn the_log_of_a_person_says_which_way_was_taken_and_why_others_were_not() {
    use super::person::{self, Whose};
    let post = Post::open().await;
    let (ctx, space) = (&post.hall.ctx, post.admin.space);
    let link = post.person("李四", "13800000001").await;
    choice::save(ctx, space, &link, &wants(&["sms", "mail"], "sms", "li@example.com")).await.unwrap();
    post.providers.refuse("+8613800000001", "FailedOperation.PhoneNumberInBlacklist");
    post.write("停车场改在北门").await;
    post.tick().await;
    post.tick().await;
    let ticket = registration::by_link(ctx, space, &link).unwrap().ticket;
    let whose = Whose::Holder(post.event, ticket.id);
    let page = person::log(ctx, &post.admin, whose, None).unwrap();
    assert_eq!((page.name.as_str(), page.rows.len()), ("李四", 1));
    let row = &page.rows[0];
    let steps: Vec<_> = row.steps.iter().map(|step| (step.way.as_str(), step.state)).collect();
    assert_eq!(steps, [("sms", Some(OutState::Refused)), ("mail", Some(OutState::Sent))]);
    assert!(row.steps[0].said.contains("PhoneNumberInBlacklist"), "{:?}", row.steps[0]);
    let own = ctx.own(space);
    ctx.write(&own, |work| {
        sms::put_code(work, "+8613800000001", "654321", 5, "login")?;
        work.audit("test", "test", "", "")
    })
    .await
    .unwrap();
    choice::save(ctx, space, &link, &wants(&[], "", "")).await.unwrap();
    post.hall.advance(MINUTE);
    post.write("晚宴提前").await;
    post.tick().await;
    let page = person::log(ctx, &post.admin, Whose::Person(ticket.person), None).unwrap();
    assert_eq!(page.rows.len(), 3);
    let refused: Vec<_> =
        page.rows[0].trail.looked.iter().map(|looked| (looked.way.as_str(), looked.why.as_str())).collect();
    assert_eq!(
        refused,
        [("sms", "The person does not want this way."), ("mail", "The person does not want this way.")]
    );
    assert!(page.rows[1].notice.is_none() && page.rows[1].steps.len() == 1, "a code, and never what it was");
    assert_eq!(choice::get(ctx, space, &link).unwrap().log.len(), 3);
    post.hall.advance(31 * DAY);
    assert_eq!(choice::get(ctx, space, &link).unwrap().log.len(), 0, "one's own of the last days");
    assert_eq!(person::log(ctx, &post.admin, whose, None).unwrap().rows.len(), 3);
    assert_eq!(person::tidy(ctx, space).await.unwrap(), 0);
    post.hall.advance(180 * DAY);
    assert_eq!(person::tidy(ctx, space).await.unwrap(), 1, "codes are not kept for ever");
    let visitor = Actor::visitor(space);
    assert!(person::log(ctx, &visitor, whose, None).is_err());
    assert!(person::log(ctx, &post.admin, Whose::Person(domain::PersonId(999)), None).is_err());
    assert!(ctx.store().verify().is_sound());
}

/// Says nothing of its own, and knows where links lead.
struct Plain;

impl super::Wording for Plain {
    fn words(&self, notice: &Notice, _: &jiff::tz::TimeZone, _: &str) -> String {
        notice.text.clone()
    }
    fn subject(&self, notice: &Notice, _: &str) -> String {
        notice.purpose.code().to_owned()
    }
    fn said(&self, english: &'static str, lang: &str) -> String {
        format!("{english} ({lang})")
    }
    fn base(&self) -> Option<String> {
        Some("https://hall.example.org".into())
    }
}

fn to_many(once: &str, text: &str, ways: &[&str]) -> domain::blast::BlastInput {
    domain::blast::BlastInput {
        once: format!("0123456789abcdef{once}"),
        purpose: "message".into(),
        subject: "请注意".into(),
        text: text.into(),
        ways: ways.iter().map(|way| (*way).to_owned()).collect(),
    }
}

#[tokio::test]
async fn a_message_to_many_is_planned_sent_once_and_stopped() {
    use crate::blast::{self, People};
    let post = Post::open().await;
    let (ctx, space) = (&post.hall.ctx, post.admin.space);
    super::set_wording(ctx, Arc::new(Plain));
    for n in 0..4 {
        post.person(&format!("会员{n}"), &format!("1380000001{n}")).await;
    }
    let mailer = post.person("王五", "13800000020").await;
    choice::save(ctx, space, &mailer, &wants(&["sms", "mail"], "mail", "wang@example.com")).await.unwrap();
    let gone = post.person("赵六", "13800000021").await;
    choice::save(ctx, space, &gone, &ChoiceInput { news: false, ..wants(&["sms"], "", "") }).await.unwrap();
    template::save_defaults(ctx, &post.admin, "zh-CN", "0.045").await.unwrap();
    let approved = TemplateInput { text: "通知：{1}".into(), ..TemplateInput::known("sms", "110", "1=text") };
    template::save(ctx, &post.admin, "message", &[approved]).await.unwrap();
    let everybody = People::Event(post.event, Box::default());
    let input = to_many("a", "{name}，停车场改在北门", &["sms", "mail"]);
    let plan = blast::plan(ctx, &post.admin, &everybody, &input).await.unwrap();
    assert_eq!((plan.people, plan.unwanted, plan.nobody.0), (6, 1, 0));
    assert_eq!(plan.ways, [("mail".to_owned(), 1), ("sms".to_owned(), 4)]);
    assert_eq!((plan.parts, plan.cost, plan.left.0), (Some(4), Some(1_800), 100));
    assert_eq!(plan.sample.1, format!("{}，停车场改在北门", plan.sample.0));
    assert_eq!(post.notices().len(), 0, "a plan writes nothing");
    let changed = blast::send(ctx, &post.admin, &everybody, &input, (5, "")).await.unwrap_err();
    assert_eq!(changed.code(), Some("blast.changed"));
    let id = blast::send(ctx, &post.admin, &everybody, &input, (6, "")).await.unwrap();
    post.person("后来", "13800000022").await;
    assert_eq!(blast::send(ctx, &post.admin, &everybody, &input, (6, "")).await.unwrap(), id, "pressed twice");
    for _ in 0..3 {
        blast::write_due(ctx, space).await.unwrap();
        post.tick().await;
    }
    assert_eq!((post.notices().len(), post.providers.taken().len(), post.mail.taken().len()), (6, 4, 1));
    let mail = post.mail.taken()[0].text();
    assert!(
        mail.contains("王五，停车场改在北门") && mail.contains("https://hall.example.org/message/leave/"),
        "{mail}"
    );
    let row = blast::get(ctx, &post.admin, id, 0).unwrap().row;
    assert_eq!((row.counts, row.blast.written, row.blast.done), ([0, 5, 1], 6, 1));
    // The ways that were not chosen are not taken, and the log says so.
    let list = People::List("王五 13800000020\n没有这个人\n13900000000".into());
    let one = to_many("b", "只发短信", &["sms"]);
    let plan = blast::plan(ctx, &post.admin, &list, &one).await.unwrap();
    assert_eq!((plan.people, plan.unknown), (1, vec!["没有这个人".to_owned(), "13900000000".to_owned()]));
    blast::send(ctx, &post.admin, &list, &one, (1, "")).await.unwrap();
    blast::write_due(ctx, space).await.unwrap();
    post.tick().await;
    assert_eq!((post.providers.taken().len(), post.mail.taken().len()), (5, 1));
    // At night it waits; stopped meanwhile it is not sent.
    let night = Time::from_local("2026-11-25T23:00", &domain::time::zone("Asia/Shanghai").unwrap()).unwrap();
    post.hall.advance(night.since(ctx.now()));
    let late = blast::send(ctx, &post.admin, &everybody, &to_many("c", "取消", &["sms"]), (7, "")).await.unwrap();
    blast::write_due(ctx, space).await.unwrap();
    post.tick().await;
    assert_eq!(blast::stop(ctx, &post.admin, late).await.unwrap(), 6);
    post.hall.advance(10 * HOUR);
    post.tick().await;
    assert_eq!(post.providers.taken().len(), 5, "nothing that was stopped goes out");
    let row = blast::get(ctx, &post.admin, late, 0).unwrap().row;
    assert_eq!((row.blast.state, row.counts[0]), (domain::blast::BlastState::Stopped, 0));
    let visitor = Actor::visitor(space);
    assert!(blast::list(ctx, &visitor).is_err() && blast::get(ctx, &visitor, id, 0).is_err());
    assert!(
        blast::send(ctx, &visitor, &everybody, &input, (6, "")).await.is_err()
            && blast::stop(ctx, &visitor, id).await.is_err()
    );
    assert!(ctx.store().verify().is_sound());
}

#[tokio::test]
async fn a_message_to_hundreds_must_be_typed_goes_on_after_a_stop_and_ends_in_between_when_told() {
    use crate::blast::{self, People};
    let post = Post::open().await;
    let (ctx, space) = (&post.hall.ctx, post.admin.space);
    let many = domain::blast::PART + 20;
    let lines: String = (0..many).map(|n| format!("会员{n},139{n:08}\n")).collect();
    let list = format!("姓名,手机号\n{lines}").into_bytes();
    let id = crate::import::upload(ctx, &post.admin, post.event, "a.csv", list, post.kind, "").await.unwrap();
    crate::import::begin(ctx, &post.admin, post.event, id).await.unwrap();
    crate::import::run(ctx, space, id).await.unwrap();
    let everybody = People::Event(post.event, Box::default());
    let input = to_many("d", "改期", &["mail"]);
    let untyped = blast::send(ctx, &post.admin, &everybody, &input, (many, "")).await.unwrap_err();
    assert!(matches!(untyped, crate::Error::Refused(refusal) if refusal.problems[0].field == "typed"));
    let first = blast::send(ctx, &post.admin, &everybody, &input, (many, &many.to_string())).await.unwrap();
    blast::write_due(ctx, space).await.unwrap();
    let row = blast::get(ctx, &post.admin, first, 0).unwrap().row;
    assert_eq!((row.blast.parts, row.blast.written, row.blast.done), (2, u32::try_from(many).unwrap(), 2));
    let second =
        blast::send(ctx, &post.admin, &everybody, &to_many("e", "再改期", &["mail"]), (many, &many.to_string()))
            .await
            .unwrap();
    assert_eq!(blast::stop(ctx, &post.admin, second).await.unwrap(), 0, "before the first was written");
    blast::write_due(ctx, space).await.unwrap();
    let row = blast::get(ctx, &post.admin, second, 0).unwrap().row;
    assert_eq!((row.blast.written, row.counts), (0, [0; 3]));
    assert_eq!(blast::list(ctx, &post.admin).unwrap().len(), 2);
    assert!(ctx.store().verify().is_sound());
}

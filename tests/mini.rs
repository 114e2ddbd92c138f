//! The way of a mini-program from `wx.login` to the paid ticket, and of pages inside WeChat, against the stand-ins: whose order may be paid by whom, codes
//! that are worth nothing, a merchant that is frozen meanwhile.

use crate::hall::{Answer, Client, Hall, event, first_type, number};
use crate::merchant;
use crate::pay::{Wechat, account, send};
use crate::wechat::{MINI, OFFICIAL, Outside};
use gateway::pay::standin::key;
use serde_json::{Value, json};

const PHONE: &str = "13812345678";

struct Place {
    hall: Hall,
    admin: Client,
    outside: Outside,
    till: Wechat,
    event: String,
    kind: String,
}

/// A hall with WeChat's apps and an event at ¥100 that is paid through WeChat; `paying` is the kind of app that takes the money.
fn place(paying: &str) -> Place {
    let (hall, outside, till) = (Hall::fresh(), Outside::start(), Wechat::start(false));
    let admin = hall.set_up();
    outside.set_up(&admin);
    // The app of the stand-in's merchant.
    outside.world.app(key::APPID, "paying-secret");
    assert_eq!(outside.save(&admin, paying, key::APPID, "paying-secret"), 303);
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let saved = send(&admin, "/admin/pay/account", &account(&till, &hall.base));
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert_eq!(admin.post("/admin/payment", &[("wechat-enabled", "1")]).status, 303);
    let form = [("name", "标准票"), ("price", "100"), ("enabled", "1")];
    assert_eq!(admin.post(&format!("/admin/event/{event}/ticket_type/{kind}"), &form).status, 303);
    Place { hall, admin, outside, till, event, kind }
}

impl Place {
    fn try_log_in(&self, app: &str, person: &str, phone: &str) -> Answer {
        let code = self.outside.world.login_code(app, person);
        let phone_code = match phone {
            "" => String::new(),
            phone => self.outside.world.phone_code(app, person, phone),
        };
        let body = json!({ "code": code, "phone_code": phone_code, "device": "小程序" });
        self.hall.client().json("/api/v1/sessions/wechat", &body)
    }

    fn member(&self, app: &str, person: &str, phone: &str) -> Client {
        let begun = self.try_log_in(app, person, phone);
        assert_eq!(begun.status, 201, "{}", begun.body);
        let mut client = self.hall.client();
        client.bearer = begun.json()["token"].as_str().map(str::to_owned);
        client
    }

    fn buy(&self, client: &Client, name: &str, phone: &str) -> String {
        let people = json!([{ "ticket_type": self.kind.parse::<u64>().unwrap(), "name": name, "phone": phone }]);
        let body = json!({ "people": people, "method": "wechat" });
        let placed = client.send_json(
            "POST",
            &format!("/api/v1/events/{}/orders", self.event),
            &[("idempotency-key", &format!("order-{phone}"))],
            &body,
        );
        assert_eq!(placed.status, 201, "{}", placed.body);
        placed.json()["link"].as_str().unwrap().to_owned()
    }
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["code"].as_str().unwrap_or("").to_owned())
}

#[test]
fn a_mini_program_logs_in_registers_pays_and_shows_its_ticket() {
    let of = place("mini");
    let me = of.member(key::APPID, "甲", PHONE);
    let mine = me.get("/api/v1/me").json();
    assert_eq!(
        (mine["phone"].as_str(), mine["phone_proved"].as_bool(), mine["wechat"].as_bool()),
        (Some(PHONE), Some(true), Some(true))
    );
    let link = of.buy(&me, "张三", PHONE);
    let path = format!("/api/v1/orders/{link}/pay");
    let start = |client: &Client, way: &str| client.json(&path, &json!({ "way": way }));
    assert_eq!(code(&start(&me, "cash")), (422, "input.invalid".into()));
    let first = start(&me, "wechat");
    assert_eq!(first.status, 200, "{}", first.body);
    let signed = first.json()["wechat"].clone();
    let text = |name: &str| signed[name].as_str().unwrap().to_owned();
    assert_eq!((text("appId"), text("signType")), (key::APPID.to_owned(), "RSA".to_owned()));
    let message = format!("{}\n{}\n{}\n{}\n", text("appId"), text("timeStamp"), text("nonceStr"), text("package"));
    let mut keys = gateway::pay::Keys::default();
    keys.add_certificate(key::MERCHANT_SERIAL, key::MERCHANT_CERTIFICATE).unwrap();
    let proven = keys.prove(key::MERCHANT_SERIAL, message.as_bytes(), &text("paySign"));
    assert!(proven.is_ok(), "WeChat takes what was signed");
    // Pressed twice, with a key or without, it is the same payment.
    let again = start(&me, "wechat").json();
    assert_eq!((&again["number"], &again["wechat"]["package"]), (&first.json()["number"], &signed["package"]));
    let keyed = |n: &str| me.send_json("POST", &path, &[("idempotency-key", n)], &json!({ "way": "wechat" }));
    assert_eq!(keyed("pay-000001").body, keyed("pay-000001").body);
    // Nobody else pays it inside WeChat: not a stranger, not another member, not a member whom this WeChat does not know.
    assert_eq!(code(&start(&of.hall.client(), "wechat")), (401, "session.none".into()));
    let other = of.member(key::APPID, "乙", "13900001111");
    assert_eq!(code(&start(&other, "wechat")), (403, "pay.not_own".into()));
    assert_eq!(
        code(&other.json("/api/v1/orders/none/pay", &json!({ "way": "wechat" }))),
        (404, "record.missing".into())
    );
    // It is paid; whoever asks hears it from WeChat.
    assert!(of.till.standin.pay(first.json()["number"].as_str().unwrap(), None));
    let paid = me.json(&format!("/api/v1/orders/{link}/paid"), &json!({}));
    assert_eq!((paid.status, paid.json()["state"].as_str().unwrap()), (200, "paid"), "{}", paid.body);
    assert_eq!(code(&start(&me, "wechat")), (409, "pay.nothing_due".into()));
    let receipt = me.get(&format!("/api/v1/orders/{link}/receipt")).json();
    assert_eq!(
        (receipt["received"].as_i64(), receipt["entries"][0]["method"].as_str()),
        (Some(10_000), Some("wechat"))
    );
    let asked = me.json(
        &format!("/api/v1/orders/{link}/invoices"),
        &json!({ "title": "张三", "person": true, "email": "a@b.cn" }),
    );
    assert_eq!(
        (asked.status, asked.json()["invoices"][0]["state"].as_str().unwrap()),
        (200, "requested"),
        "{}",
        asked.body
    );
    let ticket = me.get("/api/v1/me/tickets").json()["items"][0]["link"].as_str().unwrap().to_owned();
    let shown = me.get(&format!("/api/v1/tickets/{ticket}")).json();
    assert_eq!((shown["state"].as_str(), shown["checked_in"].is_null()), (Some("active"), true));
    // What is not asked for again and again is still as it is now.
    let registration = of.admin.get(&format!("/admin/event/{}/registration", of.event)).body;
    let id = registration.split("/registration/").find_map(|rest| rest.split('"').next()?.parse::<u64>().ok()).unwrap();
    assert_eq!(number(&of.admin, &of.event, &id.to_string()), shown["number"].as_str().unwrap());
    let marked = of.admin.post(&format!("/admin/event/{}/registration/{id}/mark", of.event), &[]);
    assert_eq!(marked.status, 303, "{}", marked.body);
    assert!(me.get(&format!("/api/v1/tickets/{ticket}")).json()["checked_in"].is_i64());
    // The holder's messages.
    let choices = format!("/api/v1/tickets/{ticket}/messages");
    let ways = me.get(&choices).json();
    assert_eq!((ways["reminder"].as_bool(), ways["news"].as_bool()), (Some(true), Some(true)));
    let chosen = json!({ "ways": ["mail"], "reminder": false, "news": false, "mail": "a@b.cn" });
    let put = me.send_json("PUT", &choices, &[], &chosen).json();
    assert_eq!((put["reminder"].as_bool(), put["mail"].as_str()), (Some(false), Some("a@b.cn")));
    assert_eq!(
        me.send_json("PUT", &choices, &[], &json!({ "ways": [], "reminder": true, "news": true, "mail": "x" })).status,
        422
    );
    assert!(of.hall.stop());
}

#[test]
fn whoever_has_both_apps_pays_in_each_by_its_own_openid() {
    let of = place("mini");
    // The second app of the settings is the official account; the till takes openids in their own app alone.
    of.till.standin.bind(OFFICIAL);
    let world = of.outside.world.clone();
    of.till.standin.tell_openids(move |openid| world.app_of_openid(openid));
    let mut form = account(&of.till, &of.hall.base);
    form.iter_mut().filter(|(name, _)| *name == "other").for_each(|(_, value)| *value = OFFICIAL.into());
    assert_eq!(send(&of.admin, "/admin/pay/account", &form).status, 303);
    assert!(of.admin.get("/admin/pay/account").body.contains(&format!("value=\"{OFFICIAL}\"")));
    form.iter_mut().filter(|(name, _)| *name == "other").for_each(|(_, value)| *value = key::APPID.into());
    let twice = send(&of.admin, "/admin/pay/account", &form);
    assert!(twice.status == 422 && twice.body.contains("与第一个 AppID 相同"), "{}", twice.body);
    // In the mini-program.
    let me = of.member(key::APPID, "甲", PHONE);
    let link = of.buy(&me, "张三", PHONE);
    let start = |way: &str| me.json(&format!("/api/v1/orders/{link}/pay"), &json!({ "way": way }));
    assert_eq!(code(&start("official")), (409, "pay.no_openid".into()), "the account does not know them yet");
    let mini = start("wechat").json();
    assert_eq!(mini["wechat"]["appId"].as_str(), Some(key::APPID));
    // On a page of the official account, as the same person: a payment of its own; the first can be paid no more.
    let phone = of.hall.client();
    let away = phone.get("/wechat/login?back=%2Fmy").location.unwrap();
    let state = away.split("state=").nth(1).unwrap().split(['#', '&']).next().unwrap().to_owned();
    let code = of.outside.world.page_code(OFFICIAL, "甲");
    assert_eq!(phone.get(&format!("/wechat/back?code={code}&state={state}")).status, 303);
    let inside = phone.with(&format!("/order/{link}"), &[("user-agent", "Mozilla/5.0 MicroMessenger/8.0.50")]).body;
    assert!(inside.contains("data-wechat-pay"), "{inside}");
    let signed = phone.post(&format!("/order/{link}/pay/inside"), &[]);
    assert_eq!((signed.status, signed.json()["appId"].as_str().unwrap()), (200, OFFICIAL), "{}", signed.body);
    assert!(!of.till.standin.pay(mini["number"].as_str().unwrap(), None));
    let page = start("official").json();
    assert_eq!(page["wechat"]["package"], signed.json()["package"], "the API knows the same payment");
    assert!(of.till.standin.pay(page["number"].as_str().unwrap(), None));
    let paid = me.json(&format!("/api/v1/orders/{link}/paid"), &json!({}));
    assert_eq!(paid.json()["state"].as_str(), Some("paid"), "{}", paid.body);
    assert!(of.hall.stop());
}

#[test]
fn codes_that_are_worth_nothing_and_other_peoples_numbers_log_nobody_in() {
    let of = place("official");
    let used = of.outside.world.login_code(MINI, "甲");
    let log_in = |code: &str, phone: &str| {
        of.hall.client().json("/api/v1/sessions/wechat", &json!({ "code": code, "phone_code": phone }))
    };
    assert_eq!(log_in(&used, "").status, 201);
    assert_eq!(code(&log_in(&used, "")), (422, "wechat.code".into()), "once");
    assert_eq!(
        code(&log_in(&of.outside.world.page_code(OFFICIAL, "甲"), "")),
        (422, "wechat.code".into()),
        "another app's"
    );
    let theirs = of.outside.world.phone_code(MINI, "乙", PHONE);
    assert_eq!(code(&log_in(&of.outside.world.login_code(MINI, "甲"), &theirs)), (409, "wechat.unreachable".into()));
    assert_eq!(log_in("", "").status, 422);
    // By the number, then by WeChat: the same person, on two phones at once.
    let asks = [(); 2].map(|()| {
        let (code, phone) = (of.outside.world.login_code(MINI, "丙"), of.outside.world.phone_code(MINI, "丙", PHONE));
        (of.hall.client(), json!({ "code": code, "phone_code": phone }))
    });
    let answers = asks.map(|(phone, body)| std::thread::spawn(move || phone.json("/api/v1/sessions/wechat", &body)));
    let [one, two] = answers.map(|answer| answer.join().unwrap());
    assert_eq!((one.status, &one.json()["person"]), (201, &two.json()["person"]), "{} {}", one.body, two.body);
    // This mini-program's money goes to another app: its openid cannot pay, the code can.
    let me = of.member(MINI, "丙", "");
    let link = of.buy(&me, "张三", PHONE);
    let start = |way: &str| me.json(&format!("/api/v1/orders/{link}/pay"), &json!({ "way": way }));
    assert_eq!(code(&start("wechat")), (409, "pay.no_openid".into()));
    assert!(!start("code").json()["code"].as_str().unwrap().is_empty(), "{}", start("code").body);
    // A merchant's space has its own people; frozen, nobody logs in to it.
    let boss = merchant::merchant(&of.hall, &of.admin, "qingsong");
    let there = of.hall.client().within("/m/2");
    let answer = |what: &str| there.json("/api/v1/sessions/wechat", &json!({ "code": what }));
    assert_eq!(code(&answer("x")), (404, "wechat.none".into()), "it has no mini-program of its own");
    of.outside.set_up(&boss);
    let begun = answer(&of.outside.world.login_code(MINI, "丙"));
    assert_eq!(begun.status, 201, "{}", begun.body);
    let mut member = there.clone();
    member.bearer = begun.json()["token"].as_str().map(str::to_owned);
    assert_eq!(member.get("/api/v1/me").status, 200);
    let mut elsewhere = member.clone();
    elsewhere.base = of.hall.base.clone();
    assert_eq!(code(&elsewhere.get("/api/v1/me")), (401, "session.none".into()));
    let frozen = of.admin.post("/admin/merchant/1/freeze", &[("reason", "测试")]);
    assert_eq!(frozen.status, 303, "{}", frozen.body);
    let refused = answer(&of.outside.world.login_code(MINI, "丙"));
    assert!(matches!(refused.status, 403 | 404 | 503), "{} {}", refused.status, refused.body);
    assert_eq!(member.get("/api/v1/me").status, refused.status, "nor does whoever was logged in go on");
    assert!(of.hall.stop());
}

#[test]
fn logging_in_inside_wechat_makes_a_session_of_the_account_and_the_page_pays_there() {
    let of = place("official");
    let outside = &of.outside;
    // The stand-in's official account is the one that takes the money.
    let enter = |phone: &Client, person: &str| {
        let away = phone.get("/wechat/login?back=%2Fmy").location.unwrap();
        let state = away.split("state=").nth(1).unwrap().split(['#', '&']).next().unwrap().to_owned();
        let code = outside.world.page_code(key::APPID, person);
        phone.get(&format!("/wechat/back?code={code}&state={state}"))
    };
    let phone = of.hall.client();
    let back = enter(&phone, "甲");
    assert_eq!((back.status, back.location.as_deref()), (303, Some("/my")), "{}", back.body);
    let token = phone.cookie("hall_person").expect("the account's session");
    let mut api = of.hall.client();
    api.bearer = Some(token.clone());
    assert_eq!(api.get("/api/v1/me").json()["wechat"].as_bool(), Some(true), "the same session in the API");
    assert!(phone.get("/my/session").status == 200, "and on the pages");
    // What is bought while logged in is one's own.
    let form = [("kind", of.kind.as_str()), ("people", "1"), ("name", "张三"), ("phone", PHONE), ("method", "wechat")];
    let landed = phone.post(&format!("/event/{}/register", of.event), &form);
    assert_eq!(landed.status, 303, "{}", landed.body);
    let order = landed.location.unwrap().split('?').next().unwrap().to_owned();
    let link = order.rsplit('/').next().unwrap().to_owned();
    assert_eq!(api.get("/api/v1/me/orders").json()["items"][0]["link"].as_str(), Some(link.as_str()));
    assert!(phone.get("/my").body.contains("年会"), "and /my knows it");
    // Its page pays inside WeChat; outside it shows the code to scan.
    let inside = |client: &Client| client.with(&order, &[("user-agent", "Mozilla/5.0 MicroMessenger/8.0.50")]).body;
    let page = inside(&phone);
    assert!(page.contains(&format!("data-wechat-pay=\"{order}/pay/inside\"")) && page.contains("/asset/pay"), "{page}");
    assert!(inside(&of.hall.client()).contains(&format!("/wechat/login?back={order}")), "first the log-in");
    assert!(!phone.get(&order).body.contains("data-wechat-pay"), "outside it is scanned");
    let signed = phone.post(&format!("{order}/pay/inside"), &[]);
    assert_eq!((signed.status, signed.json()["appId"].as_str().unwrap()), (200, key::APPID), "{}", signed.body);
    let same = phone.post(&format!("{order}/pay/inside"), &[]).json();
    assert_eq!(same["package"], signed.json()["package"], "one payment");
    assert_eq!(of.hall.client().post(&format!("{order}/pay/inside"), &[]).status, 401, "nobody is logged in");
    // Whoever was logged in by the number is known to WeChat from then on; the other way round it is the same person.
    let mini = of.member(MINI, "甲", "");
    assert_eq!(
        mini.get("/api/v1/me").json()["id"],
        api.get("/api/v1/me").json()["id"],
        "what both apps have in common"
    );
    let phone_code = outside.world.phone_code(MINI, "甲", PHONE);
    let proved = mini.json("/api/v1/me/identities", &json!({ "channel": "wechat_phone", "code": phone_code }));
    assert_eq!((proved.status, proved.json()["phone"].as_str()), (200, Some(PHONE)), "{}", proved.body);
    let tickets = mini.get("/api/v1/me/tickets").json();
    assert_eq!(tickets["items"].as_array().unwrap().len(), 1);
    // The page's own window, played by a browser; and the list of merged records.
    crate::browser::run("mini.mjs", &[&of.hall.base, &order, crate::hall::PASSWORD]);
    assert!(of.admin.get(&format!("/order/{link}")).body.contains("待付款"), "the window's word is not WeChat's");
    // The secretariat sees that two records became one, and makes two of them again.
    let page = of.admin.get("/admin/person").body;
    let undo =
        page.split("action=\"").find(|part| part.starts_with("/admin/person/")).unwrap().split('"').next().unwrap();
    assert_eq!(of.hall.client().post(undo, &[]).status, 303, "nobody is logged in there");
    assert_eq!(of.admin.post(undo, &[]).status, 303);
    assert!(!of.admin.get("/admin/person").body.contains(undo));
    assert_eq!(mini.get("/api/v1/me").status, 401, "everybody proves anew who they are");
    let again = of.member(MINI, "甲", "");
    assert_eq!(again.get("/api/v1/me").json()["phone"], Value::Null);
    // Logged out, the phone is logged out of WeChat too.
    let leaving = of.hall.client();
    enter(&leaving, "乙");
    assert_eq!(leaving.post("/my/session/end", &[]).status, 303);
    assert!(leaving.cookie("hall_person").is_none() && leaving.cookie("hall_wechat").is_none());
    assert_eq!(leaving.get("/wechat/mine").location.as_deref(), Some("/wechat/login"));
    // A page that only previews has nobody.
    let preview = of.hall.client();
    let away = preview.get("/wechat/login").location.unwrap();
    let state = away.split("state=").nth(1).unwrap().split(['#', '&']).next().unwrap().to_owned();
    let snapshot = outside.world.snapshot_code(key::APPID, "丁");
    assert_eq!(preview.get(&format!("/wechat/back?code={snapshot}&state={state}")).status, 409);
    assert!(preview.cookie("hall_person").is_none());
    assert!(of.hall.stop());
}

//! Every POST of the API is done once by its key: asked twice at once and again later it is one effect and one answer, and the key is not taken
//! for anything else. And whose a key is.

use crate::hall::{Answer, Client};
use crate::stage::{Stage, photo, png};
use crate::wechat::MINI;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// A body as it goes over the wire: its kind and its bytes.
#[derive(Clone)]
struct Sent(&'static str, Vec<u8>);

impl From<Value> for Sent {
    fn from(body: Value) -> Self {
        Self("application/json", body.to_string().into_bytes())
    }
}

/// A multipart form with one file.
fn form(fields: &[(&str, &str)], (name, bytes): (&str, &[u8])) -> Sent {
    let mut body = Vec::new();
    for (field, value) in fields {
        body.extend(format!("--cut\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n").bytes());
    }
    let head = format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.png\"\r\n\r\n");
    body.extend(head.bytes());
    body.extend(bytes);
    body.extend(b"\r\n--cut--\r\n");
    Sent("multipart/form-data; boundary=cut", body)
}

fn keyed(client: &Client, path: &str, key: &str, Sent(kind, body): &Sent) -> Answer {
    client.send(path, kind, body.clone(), &[("idempotency-key", key)])
}

fn replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|said| said == "true")
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["code"].as_str().unwrap_or("").to_owned())
}

/// The one POST that does not look at the key: a scan has a lane of its own and is done once by its `nonce`, which is tried in `api`.
const BY_NONCE: &str = "/api/v1/checkin/redeem";

/// The routes that were tried.
#[derive(Default)]
struct Tried(RefCell<BTreeSet<String>>);

impl Tried {
    /// Sends a request twice at once and once more later; `effect` counts what it does, `times` is how often it may be done.
    fn once(
        &self,
        (client, route, path): (&Client, &str, &str),
        (body, other): (impl Into<Sent>, impl Into<Sent>),
        (times, effect): (usize, impl Fn() -> usize),
    ) -> Answer {
        let (body, other) = (body.into(), other.into());
        assert!(self.0.borrow_mut().insert(route.to_owned()), "{route} is tried once");
        let key = format!("{:0>24}", format!("{}/once", self.0.borrow().len()));
        let before = effect();
        let [one, two] = std::thread::scope(|scope| {
            let asks = [(); 2].map(|()| scope.spawn(|| keyed(client, path, &key, &body)));
            asks.map(|asked| asked.join().unwrap())
        });
        assert!((200..300).contains(&one.status), "{route}: {} {}", one.status, one.body);
        assert_eq!((one.status, &one.body), (two.status, &two.body), "{route}: of two at once both get the answer");
        assert!(replayed(&one) ^ replayed(&two), "{route}: and one of them does it");
        let again = keyed(client, path, &key, &body);
        assert_eq!((again.status, &again.body, replayed(&again)), (one.status, &one.body, true), "{route}");
        assert_eq!(code(&keyed(client, path, &key, &other)), (409, "once.other".into()), "{route}");
        assert_eq!(effect(), before + times, "{route} is done once");
        one
    }
}

fn posts(described: &Value) -> BTreeSet<String> {
    let paths = described["paths"].as_object().unwrap();
    paths.iter().filter(|(_, methods)| methods.get("post").is_some()).map(|(path, _)| path.clone()).collect()
}

fn orders(of: &Stage, tried: &Tried) {
    let (event, kind) = of.priced("晚宴", "100", "", &[]);
    let people = |name: &str, phone: &str| json!({ "people": [{ "ticket_type": kind.parse::<u64>().unwrap(), "name": name, "phone": phone }], "method": "wechat" });
    let (this, other) = (people("甲", "13811110001"), people("甲", "13811110002"));
    let quote = format!("/api/v1/events/{event}/quote");
    tried.once((&of.anybody, "/api/v1/events/{event}/quote", &quote), (this.clone(), other.clone()), (0, || 0));
    let place = format!("/api/v1/events/{event}/orders");
    let placed = tried.once(
        (&of.anybody, "/api/v1/events/{event}/orders", &place),
        (this, other),
        (1, || of.lines("order.place")),
    );
    let link = placed.json()["link"].as_str().unwrap().to_owned();
    let at = |act: &str| format!("/api/v1/orders/{link}/{act}");
    let pay = tried.once(
        (&of.anybody, "/api/v1/orders/{link}/pay", &at("pay")),
        (json!({ "way": "code" }), json!({ "way": "wechat" })),
        (1, || of.lines("pay.start")),
    );
    assert_eq!(of.till.standin.book(|book| book.orders.len()), 1, "WeChat was asked for one payment");
    assert!(of.till.standin.pay(pay.json()["number"].as_str().unwrap(), None));
    let paid = tried.once(
        (&of.anybody, "/api/v1/orders/{link}/paid", &at("paid")),
        (json!({}), json!({ "other": 1 })),
        (1, || of.lines("pay.hear")),
    );
    assert_eq!(paid.json()["state"].as_str(), Some("paid"));
    let wish = |title: &str| json!({ "title": title, "person": true, "email": "a@b.cn" });
    tried.once(
        (&of.anybody, "/api/v1/orders/{link}/invoices", &at("invoices")),
        (wish("张三"), wish("李四")),
        (1, || of.lines("invoice.ask")),
    );
    let second = of.anybody.json(&place, &people("乙", "13811110003")).json();
    let cancel = format!("/api/v1/orders/{}/cancel", second["link"].as_str().unwrap());
    let gone = tried.once(
        (&of.anybody, "/api/v1/orders/{link}/cancel", &cancel),
        (json!({}), json!({ "other": 1 })),
        (1, || of.lines(&format!("event/{event}/order/2"))),
    );
    assert_eq!(gone.json()["state"].as_str(), Some("canceled"), "{}", gone.body);
    let upload = |bytes: &[u8]| form(&[("question", "1")], ("file", bytes));
    // A file is named after its content, and by nothing else until a registration names it: what there is of it is its answer.
    tried.once(
        (&of.anybody, "/api/v1/uploads", "/api/v1/uploads"),
        (upload(&png(8, 8)), upload(&png(9, 9))),
        (0, || 0),
    );
    // What waits for a decision.
    let (event, kind) = of.priced("参访", "", "", &[("review", "1")]);
    let wanted =
        json!({ "people": [{ "ticket_type": kind.parse::<u64>().unwrap(), "name": "丙", "phone": "13811110004" }] });
    let wanted = of.anybody.json(&format!("/api/v1/events/{event}/orders"), &wanted);
    assert_eq!(wanted.json()["state"].as_str(), Some("pending_review"), "{}", wanted.body);
    let waiting = of.admin.get(&format!("/api/v1/helper/reviews?event={event}")).json();
    let id = waiting["items"][0]["id"].as_u64().unwrap();
    tried.once(
        (&of.admin, "/api/v1/helper/reviews/{order}", &format!("/api/v1/helper/reviews/{id}?event={event}")),
        (json!({ "approve": true }), json!({ "approve": false, "reason": "名额已满" })),
        (1, || of.lines(&format!("event/{event}/order/{id}"))),
    );
    let (event, kind) = of.priced("沙龙", "", "1", &[]);
    let kind: u64 = kind.parse().unwrap();
    let first = json!({ "people": [{ "ticket_type": kind, "name": "丁", "phone": "13811110005" }] });
    assert_eq!(of.anybody.json(&format!("/api/v1/events/{event}/orders"), &first).status, 201);
    let wish = |name: &str, phone: &str| json!({ "ticket_type": kind, "name": name, "phone": phone });
    tried.once(
        (&of.anybody, "/api/v1/events/{event}/waits", &format!("/api/v1/events/{event}/waits")),
        (wish("戊", "13811110006"), wish("己", "13811110007")),
        (1, || of.lines("waiting.join")),
    );
}

fn tickets(of: &Stage, tried: &Tried) {
    let (link, _) = of.ticket("甲", "13822220001");
    let at = |act: &str| format!("/api/v1/tickets/{link}/{act}");
    let attend = of.anybody.get(&format!("/api/v1/tickets/{link}")).json()["attend"].clone();
    tried.once(
        (&of.anybody, "/api/v1/tickets/collect", "/api/v1/tickets/collect"),
        (json!({ "phone": "13822220001", "attend": attend }), json!({ "phone": "13822220002", "attend": attend })),
        (1, || of.lines("registration.collect")),
    );
    let picture = |side: u32| form(&[], ("picture", &png(side, side)));
    tried.once(
        (&of.anybody, "/api/v1/tickets/{link}/portrait", &at("portrait")),
        (picture(300), picture(301)),
        (1, || of.lines("portrait.upload")),
    );
    let said = |stars: &str| json!({ "answers": [{ "question": 1, "values": [stars] }] });
    tried.once(
        (&of.anybody, "/api/v1/tickets/{link}/feedback", &at("feedback")),
        (said("5"), said("1")),
        (1, || of.lines("feedback.answer")),
    );
    let named = [("name", "小王"), ("sort", "helper_phone"), ("phone", "13822220001")];
    assert_eq!(of.admin.post(&format!("/admin/event/{}/device", of.event), &named).status, 303);
    tried.once(
        (&of.anybody, "/api/v1/tickets/{link}/helper", &at("helper")),
        (json!({}), json!({ "other": 1 })),
        (1, || of.lines("device.pair")),
    );
    let pass = of.anybody.get(&format!("/api/v1/in?code={}", of.door_code())).json()["pass"].clone();
    let come = |nonce: &str| json!({ "pass": pass, "ticket": link, "nonce": nonce });
    let admitted = |of: &Stage| {
        let path = format!("/api/v1/checkin/status?event={}&list={}", of.event, of.list);
        usize::try_from(of.admin.get(&path).json()["admitted"].as_u64().unwrap()).unwrap()
    };
    let came = tried.once((&of.anybody, "/api/v1/in", "/api/v1/in"), (come("a"), come("b")), (1, || admitted(of)));
    assert_eq!(came.json()["verdict"].as_str(), Some("admitted"), "{}", came.body);
    let (link, _) = of.ticket("乙", "13822220003");
    let to = |name: &str| json!({ "name": name, "phone": "13822220004" });
    tried.once(
        (&of.anybody, "/api/v1/tickets/{link}/transfer", &format!("/api/v1/tickets/{link}/transfer")),
        (to("丙"), to("丁")),
        (1, || of.lines("registration.transfer")),
    );
}

fn sessions(of: &Stage, tried: &Tried) {
    let sms = |to: &str| json!({ "channel": "sms", "to": to });
    tried.once(
        (&of.anybody, "/api/v1/sessions/code", "/api/v1/sessions/code"),
        (sms("13833330001"), sms("13833330002")),
        (1, || of.lines("identity.code")),
    );
    let code = of.sms_code("13833330001");
    let enter = |device: &str| json!({ "channel": "sms", "to": "13833330001", "code": code, "device": device });
    tried.once(
        (&of.anybody, "/api/v1/sessions", "/api/v1/sessions"),
        (enter("手机"), enter("平板")),
        (1, || of.lines("session.begin")),
    );
    let code = of.outside.world.login_code(MINI, "甲");
    let enter = |device: &str| json!({ "code": code, "device": device });
    let begun = tried.once(
        (&of.anybody, "/api/v1/sessions/wechat", "/api/v1/sessions/wechat"),
        (enter("手机"), enter("平板")),
        (1, || of.lines("session.begin")),
    );
    let mut member = of.hall.client();
    member.bearer = begun.json()["token"].as_str().map(str::to_owned);
    assert_eq!(member.get("/api/v1/me").json()["name"].as_str(), Some("微信用户"), "nobody knows another name yet");
    let code = of.outside.world.phone_code(MINI, "甲", "13833330003");
    tried.once(
        (&member, "/api/v1/me/identities", "/api/v1/me/identities"),
        (json!({ "channel": "wechat_phone", "code": code }), json!({ "channel": "wechat", "code": code })),
        (1, || of.lines("identity.prove")),
    );
}

fn doors(of: &Stage, tried: &Tried) {
    let code = of.pairing("大门");
    tried.once(
        (&of.anybody, "/api/v1/checkin/device/initialise", "/api/v1/checkin/device/initialise"),
        (json!({ "code": code }), json!({ "code": "AAAAAAAA" })),
        (1, || of.lines("device.pair")),
    );
    let gate = of.device("闸机");
    let numbers: Vec<String> = ["13844440001", "13844440002"]
        .iter()
        .map(|phone| crate::hall::number(&of.admin, &of.event, &of.ticket("客", phone).1))
        .collect();
    let scan = |nonce: &str| json!({ "scans": [{ "code": numbers[0], "nonce": nonce, "verdict": "admitted" }] });
    let admitted = || {
        let status = gate.get("/api/v1/checkin/status").json();
        usize::try_from(status["admitted"].as_u64().unwrap()).unwrap()
    };
    tried.once(
        (&gate, "/api/v1/checkin/upload", "/api/v1/checkin/upload"),
        (scan("alone-1"), scan("alone-2")),
        (1, admitted),
    );
    let scanned = gate.json(BY_NONCE, &json!({ "code": numbers[1], "nonce": "taken-back" }));
    assert_eq!(scanned.json()["verdict"].as_str(), Some("admitted"), "{}", scanned.body);
    tried.once(
        (&gate, "/api/v1/checkin/annul", "/api/v1/checkin/annul"),
        (json!({ "nonce": "taken-back" }), json!({ "nonce": "alone-1" })),
        (1, || of.lines("checkin.annul")),
    );
    let page = of.admin.get(&format!("/admin/event/{}/draw/{}/code", of.event, of.draw)).body;
    let seen = tried.once(
        (&of.admin, "/api/v1/checkin/decode", "/api/v1/checkin/decode"),
        (Sent("image/png", photo(&page)), Sent("image/png", png(40, 40))),
        (0, || 0),
    );
    assert_eq!(seen.json()["codes"].as_array().unwrap().len(), 1);
    tried.once(
        (&gate, "/api/v1/checkin/device/roll", "/api/v1/checkin/device/roll"),
        (json!({}), json!({ "other": 1 })),
        (1, || of.lines("device.roll")),
    );
    let gate = of.device("旧闸机");
    tried.once(
        (&gate, "/api/v1/checkin/device/revoke", "/api/v1/checkin/device/revoke"),
        (json!({}), json!({ "other": 1 })),
        (1, || of.lines("device.revoke")),
    );
}

fn draws(of: &Stage, tried: &Tried) {
    let link = of.guest("甲", "13855550001");
    let code = of.join_code();
    let join = |name: &str| json!({ "code": code, "name": name, "phone": "13855550002" });
    tried.once(
        (&of.anybody, "/api/v1/draws/join", "/api/v1/draws/join"),
        (join("乙"), join("丙")),
        (1, || of.lines("draw.entrant")),
    );
    let at = |what: &str| format!("/api/v1/draws/{}/{what}", of.draw);
    let say = |message: &str| json!({ "message": message, "ticket": link });
    tried.once(
        (&of.anybody, "/api/v1/draws/{draw}/messages", &at("messages")),
        (say("恭喜发财"), say("万事如意")),
        (1, || of.lines("draw.message")),
    );
    let face = |side: u32| form(&[("ticket", &link)], ("face", &png(side, side)));
    tried.once(
        (&of.anybody, "/api/v1/draws/{draw}/face", &at("face")),
        (face(80), face(81)),
        (1, || of.lines("draw.face")),
    );
    of.roll();
    let tap = |value: &str| json!({ "value": value, "ticket": link });
    let taps = || usize::try_from(of.screen()["taps"].as_u64().unwrap()).unwrap();
    tried.once(
        (&of.anybody, "/api/v1/draws/{draw}/taps", &at("taps")),
        (tap("0011223344556677"), tap("8899aabbccddeeff")),
        (1, taps),
    );
}

#[test]
fn every_post_is_done_once_by_its_key() {
    let of = Stage::open();
    let tried = Tried::default();
    orders(&of, &tried);
    tickets(&of, &tried);
    sessions(&of, &tried);
    doors(&of, &tried);
    draws(&of, &tried);
    let described = of.admin.get("/api/v1/openapi.json").json();
    let mut all = posts(&described);
    assert!(all.remove(BY_NONCE));
    assert_eq!(*tried.0.borrow(), all, "every POST of the description is tried here");
    // What was refused may be mended and sent again under the same key.
    let path = format!("/api/v1/events/{}/orders", of.event);
    let kind: u64 = of.kind.parse().unwrap();
    let people = |name: &str| json!({ "people": [{ "ticket_type": kind, "name": name, "phone": "13866660001" }] });
    assert_eq!(keyed(&of.anybody, &path, "mended-0000000001", &people("").into()).status, 422);
    assert_eq!(keyed(&of.anybody, &path, "mended-0000000001", &people("丙").into()).status, 201);
    assert!(of.hall.stop());
}

#[test]
fn a_key_is_its_senders_and_without_a_token_it_must_be_one_that_nobody_meets_by_chance() {
    let of = Stage::open();
    let described = of.admin.get("/api/v1/openapi.json").json();
    // Whatever is asked: a key that is none, or too short for whoever has no token, is refused before anything is done; whoever shows nothing where
    // something is asked for is turned away before that.
    for path in posts(&described).into_iter().filter(|path| path != BY_NONCE) {
        let at = path.replace("{event}", "1").replace("{order}", "1").replace("{draw}", "1").replace("{link}", "x");
        for key in ["短", "order-0001", "fifteen-letters"] {
            let refused = keyed(&of.anybody, &at, key, &json!({}).into());
            let closed = described["paths"][&path]["post"]["security"].as_array().is_some_and(|ways| !ways.is_empty());
            let expected = if closed { (401, "session.none".into()) } else { (422, "once.key".into()) };
            assert_eq!(code(&refused), expected, "{path} {key}");
        }
    }
    let path = format!("/api/v1/events/{}/orders", of.event);
    let kind: u64 = of.kind.parse().unwrap();
    let people = |phone: &str| Sent::from(json!({ "people": [{ "ticket_type": kind, "name": "客", "phone": phone }] }));
    // Two members behind one address who take the same short key, by token and by cookie: each is somebody else.
    let members = [of.member("甲"), of.member("乙")];
    let browsers = ["丙", "丁"].map(|who| {
        let mut browser = of.hall.client();
        browser.set_cookie("hall_person", of.member(who).bearer.as_ref().unwrap());
        browser
    });
    for (at, client) in members.iter().chain(&browsers).enumerate() {
        let placed = keyed(client, &path, "order-01", &people(&format!("1387777000{at}")));
        assert_eq!((placed.status, replayed(&placed)), (201, false), "{}", placed.body);
        let again = keyed(client, &path, "order-01", &people(&format!("1387777000{at}")));
        assert_eq!((again.status, replayed(&again)), (201, true));
    }
    // A token that is none of ours makes nobody of its sender.
    let mut made_up = of.hall.client();
    made_up.bearer = Some("token".into());
    assert_eq!(code(&keyed(&made_up, &path, "order-01", &people("13877770008"))), (422, "once.key".into()));
    // Without a token the key itself is what only its sender knows, and no member's.
    let key = "3f0e9a7c5d2b41868f";
    assert_eq!(keyed(&of.anybody, &path, key, &people("13877770009")).status, 201);
    assert!(replayed(&keyed(&of.hall.client(), &path, key, &people("13877770009"))), "whoever knows it");
    assert_eq!(code(&keyed(&of.anybody, &path, key, &people("13877770010"))), (409, "once.other".into()));
    assert_eq!(keyed(&members[0], &path, key, &people("13877770010")).status, 201, "a member's is another");
    assert!(of.hall.stop());
}

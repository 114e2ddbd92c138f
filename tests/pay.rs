//! Payment through WeChat through the real box and real sockets: the stand-in beside it, notifications that are forged, doubled and late, kills
//! between a question and its answer, the wrong role, and wechatpayv3 (Python) as a peer that shares no line with us.

use crate::hall::{Answer, Client, Hall, event, first_type};
use crate::scenario::staff;
use domain::Time;
use gateway::{
    Egress, Tools,
    pay::standin::{Fault, Notification, PayStandin, Speaks, key},
};
use ring::rand::SecureRandom;
use std::process::Command;
use std::sync::Arc;

/// The stand-in with a runtime of its own.
pub struct Wechat {
    runtime: tokio::runtime::Runtime,
    pub standin: PayStandin,
}

fn tools() -> Tools {
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Time(i64::try_from(since.as_millis()).unwrap())
    };
    let chance = || {
        let mut bytes = [0; 8];
        ring::rand::SystemRandom::new().fill(&mut bytes).unwrap();
        u64::from_le_bytes(bytes)
    };
    Tools { now: Arc::new(now), chance: Arc::new(chance) }
}

impl Wechat {
    pub fn start(by_itself: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let egress = Egress::new(tools(), false).unwrap();
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let standin = runtime.block_on(PayStandin::start(address, egress, tools(), by_itself)).unwrap();
        Self { runtime, standin }
    }

    fn deliver(&self, told: &Notification) -> Option<u16> {
        self.runtime.block_on(self.standin.deliver(told))
    }

    fn told(&self, number: &str) -> Notification {
        self.standin.told(number).unwrap()
    }

    /// The number of the newest payment that was asked for.
    fn newest(&self) -> String {
        self.standin.book(|book| {
            let newest = book.orders.iter().max_by(|a, b| a.1.code.cmp(&b.1.code));
            newest.map(|(number, _)| number.clone()).unwrap()
        })
    }
}

/// How often a page is asked for until it says what happened.
const PATIENCE: usize = 5_000;

struct Till {
    hall: Hall,
    admin: Client,
    event: String,
    kind: String,
}

pub fn account(wechat: &Wechat, base: &str) -> Vec<(&'static str, String)> {
    let input = wechat.standin.account(base, Speaks::First);
    vec![
        ("appid", input.appid),
        ("other", input.other),
        ("mchid", input.mchid),
        ("serial", input.serial),
        ("key", input.key),
        ("secret", input.secret),
        ("address", input.address),
        ("public", input.public),
    ]
}

pub fn send(client: &Client, path: &str, form: &[(&'static str, String)]) -> Answer {
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    client.post(path, &form)
}

/// A hall with an account, and an event with a type at ¥100.
fn till(wechat: &Wechat, hall: Hall) -> Till {
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let early = admin.post("/admin/payment", &[("wechat-enabled", "1")]);
    assert!(early.status == 422 && early.body.contains("请先完成微信支付商户设置"), "{}", early.body);
    let saved = send(&admin, "/admin/pay/account", &account(wechat, &hall.base));
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert_eq!(admin.post("/admin/payment", &[("wechat-enabled", "1")]).status, 303);
    let form = [("name", "标准票"), ("price", "100"), ("enabled", "1")];
    assert_eq!(admin.post(&format!("/admin/event/{event}/ticket_type/{kind}"), &form).status, 303);
    Till { hall, admin, event, kind }
}

impl Till {
    /// Registers; answers the path of the order.
    fn buy(&self, buyer: &Client, phone: &str) -> String {
        let form =
            [("kind", self.kind.as_str()), ("people", "1"), ("name", "张三"), ("phone", phone), ("method", "wechat")];
        let landed = buyer.post(&format!("/event/{}/register", self.event), &form);
        assert_eq!(landed.status, 303, "{}", landed.body);
        landed.location.unwrap().split('?').next().unwrap().to_owned()
    }

    fn start(&self, buyer: &Client, order: &str) -> Answer {
        buyer.post(&format!("{order}/pay"), &[])
    }
}

fn verified(data: &std::path::Path) {
    let verified = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["verify", "--data"]).arg(data).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("no damage"), "{said}");
}

#[test]
fn a_buyer_pays_by_the_code_and_the_page_says_so_without_being_asked() {
    let wechat = Wechat::start(true);
    let of = till(&wechat, Hall::fresh());
    let tested = of.admin.post("/admin/pay/account/test", &[]);
    assert_eq!(tested.status, 303);
    let page = of.admin.get("/admin/pay/account").body;
    assert!(page.contains("已连接") && page.contains(key::PLATFORM_SERIAL), "{page}");
    assert!(!page.contains("PRIVATE KEY") && !page.contains(key::SECRET), "keys are never shown");
    let buyer = of.hall.client();
    let order = of.buy(&buyer, "13800000001");
    assert!(buyer.get(&order).body.contains("微信支付"));
    let started = of.start(&buyer, &order);
    assert_eq!((started.status, started.location), (303, Some(format!("{order}#pay"))));
    let page = buyer.get(&order).body;
    let code = page.split(&format!("href=\"{}/pay/", wechat.standin.base)).nth(1).unwrap().split('"').next().unwrap();
    assert!(page.contains("class=\"qr\"") && page.contains("data-live-source"));
    let early = buyer.post(&format!("{order}/paid"), &[]);
    assert_eq!((early.status, early.location.as_deref()), (303, Some(order.as_str())));
    // The phone scans, and pays on WeChat's side.
    let mut phone = of.hall.client();
    phone.base.clone_from(&wechat.standin.base);
    assert!(phone.get(&format!("/pay/{code}")).body.contains("¥100.00"));
    assert_eq!(phone.post(&format!("/pay/{code}"), &[]).status, 303);
    assert!(phone.get(&format!("/pay/{code}")).body.contains("支付成功"));
    // What WeChat tells by itself makes the order complete; the ticket has a number for the door.
    let done =
        std::iter::repeat_with(|| buyer.get(&order).body).take(PATIENCE).find(|page| page.contains("已完成")).unwrap();
    let ticket = format!("/ticket/{}", done.split("href=\"/ticket/").nth(1).unwrap().split('"').next().unwrap());
    assert!(buyer.get(&ticket).body.contains("class=\"code\""));
    let orders = of.admin.get(&format!("/admin/event/{}/order/1", of.event)).body;
    assert!(orders.contains("¥100.00") && orders.contains("微信支付") && orders.contains("42000"), "{orders}");
    // And the money goes back the way it came.
    let revision = orders.split("name=\"revision\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let refund = [("revision", revision), ("amount", "100"), ("reason", "不能出席"), ("ticket", "1")];
    let base = format!("/admin/event/{}/order/1", of.event);
    assert_eq!(of.admin.post(&format!("{base}/wechat/refund"), &refund).status, 303);
    let back =
        std::iter::repeat_with(|| of.admin.get(&base).body).take(PATIENCE).find(|page| page.contains("支付用户零钱"));
    assert!(back.is_some_and(|page| page.contains("已退款")));
    let data = of.hall.data.clone();
    let _folder = of.hall.end_and_keep();
    verified(&data);
}

#[test]
fn the_callback_takes_what_is_proven_once_and_says_no_to_the_rest() {
    let wechat = Wechat::start(false);
    let of = till(&wechat, Hall::fresh());
    let buyer = of.hall.client();
    let order = of.buy(&buyer, "13800000001");
    assert_eq!(of.start(&buyer, &order).status, 303);
    let number = wechat.newest();
    wechat.standin.pay(&number, None);
    let told = wechat.told(&number);
    assert_eq!(told.to, format!("{}/callback/pay", of.hall.base));
    let forged = Notification { body: told.body.replace("TRANSACTION", "TRANSACTI0N"), ..told.clone() };
    for wrong in [
        forged,
        told.clone().with("wechatpay-signature", "WECHATPAY/SIGNTEST/abc"),
        told.clone().with("wechatpay-timestamp", "1"),
        told.clone().with("wechatpay-serial", "00FF"),
        Notification { headers: Vec::new(), ..told.clone() },
    ] {
        assert_eq!(wechat.deliver(&wrong), Some(401), "{wrong:?}");
    }
    wechat.standin.shift(310);
    assert_eq!(wechat.deliver(&wechat.told(&number)), Some(401), "a clock five minutes off");
    wechat.standin.shift(0);
    let stranger = serde_json::json!({ "appid": key::APPID, "mchid": key::MCHID, "out_trade_no": "NOBODYS-00000001", "transaction_id": "42",
        "trade_state": "SUCCESS", "success_time": "2026-11-25T09:30:00+08:00", "amount": { "total": 10_000, "currency": "CNY" } });
    let unknown = wechat.standin.telling(&told.to, "TRANSACTION.SUCCESS", "transaction", &stranger).unwrap();
    assert_eq!(wechat.deliver(&unknown), Some(404));
    assert!(buyer.get(&order).body.contains("待付款"));
    assert_eq!(buyer.get("/callback/pay").status, 405);
    let large = buyer.try_send("/callback/pay", "application/json", vec![b' '; 100_000], &[]);
    assert!(large.is_err() || large.is_ok_and(|answer| answer.status == 413 || answer.status == 401));
    // Twenty at once, each signed anew, and one of them twenty times.
    let codes: Vec<Option<u16>> = std::thread::scope(|scope| {
        let racing: Vec<_> = (0..20)
            .map(|n| {
                let (wechat, number, told) = (&wechat, &number, &told);
                scope
                    .spawn(move || if n % 2 == 0 { wechat.deliver(told) } else { wechat.deliver(&wechat.told(number)) })
            })
            .collect();
        racing.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(codes.iter().all(|code| *code == Some(204)), "{codes:?}");
    let page = of.admin.get(&format!("/admin/event/{}/order/1", of.event)).body;
    assert_eq!(page.matches("<strong>¥100.00</strong> 微信支付").count(), 1, "{page}");
}

#[test]
fn a_clock_that_is_five_minutes_off_is_refused_both_ways_and_the_page_says_what_to_do() {
    let wechat = Wechat::start(false);
    let of = till(&wechat, Hall::fresh());
    let buyer = of.hall.client();
    let order = of.buy(&buyer, "13800000001");
    assert_eq!(of.start(&buyer, &order).status, 303);
    let number = wechat.newest();
    wechat.standin.pay(&number, None);
    for seconds in [330, -330] {
        wechat.standin.shift(seconds);
        assert_eq!(wechat.deliver(&wechat.told(&number)), Some(401), "{seconds}");
        assert_eq!(of.admin.post("/admin/pay/account/test", &[]).status, 303);
        let page = of.admin.get("/admin/pay/account").body;
        assert!(page.contains("SIGN_ERROR") && page.contains("校准主机时间"), "{page}");
    }
    wechat.standin.shift(0);
    assert_eq!(of.admin.post("/admin/pay/account/test", &[]).status, 303);
    assert!(of.admin.get("/admin/pay/account").body.contains("已连接"));
    assert_eq!(wechat.deliver(&wechat.told(&number)), Some(204), "told again by the right time, it counts");
    assert!(buyer.get(&order).body.contains("已完成"));
}

#[test]
fn a_kill_in_each_state_loses_nothing_and_pays_nothing_twice() {
    let wechat = Wechat::start(false);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let hall = Hall::at(&data);
    let address = hall.base.trim_start_matches("http://").to_owned();
    let mut of = till(&wechat, hall);
    let buyer = of.hall.client();
    let order = of.buy(&buyer, "13800000001");
    // Between the question and its answer: WeChat has it, the box does not know.
    wechat.standin.fault("native", Fault::DoneThenSilence);
    std::thread::scope(|scope| {
        let pressed = scope
            .spawn(|| buyer.try_send(&format!("{order}/pay"), "application/x-www-form-urlencoded", Vec::new(), &[]));
        wechat.runtime.block_on(wechat.standin.until_silent());
        of.hall.kill();
        assert!(pressed.join().unwrap().is_err());
    });
    let number = wechat.newest();
    of.hall = Hall::listening(&data, &address);
    let buyer = of.hall.client();
    assert_eq!(of.start(&buyer, &order).status, 303);
    assert_eq!((wechat.newest(), wechat.standin.book(|book| book.orders.len())), (number.clone(), 1), "one payment");
    assert!(buyer.get(&order).body.contains("class=\"qr\""));
    // While it is open: paid while the box is away; the notification finds it when it is back.
    of.hall.kill();
    wechat.standin.pay(&number, None);
    assert_eq!(wechat.deliver(&wechat.told(&number)), None, "nobody is there");
    of.hall = Hall::listening(&data, &address);
    // Right behind the answer: answered means on disk.
    assert_eq!(wechat.deliver(&wechat.told(&number)), Some(204));
    of.hall.kill();
    of.hall = Hall::listening(&data, &address);
    assert_eq!(wechat.deliver(&wechat.told(&number)), Some(204), "again, after the kill");
    let admin = of.hall.client();
    assert_eq!(admin.post("/login", &[("login", "admin"), ("password", crate::hall::PASSWORD)]).status, 303);
    let base = format!("/admin/event/{}/order/1", of.event);
    let page = admin.get(&base).body;
    assert_eq!(page.matches("<strong>¥100.00</strong> 微信支付").count(), 1, "{page}");
    // A refund that WeChat took and the box does not know of.
    let revision = page.split("name=\"revision\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    wechat.standin.fault("refunds", Fault::DoneThenSilence);
    std::thread::scope(|scope| {
        let form = format!("revision={revision}&amount=40");
        let path = format!("{base}/wechat/refund");
        let wanted = scope.spawn({
            let (admin, path) = (admin.clone(), path.clone());
            move || admin.try_send(&path, "application/x-www-form-urlencoded", form.into_bytes(), &[])
        });
        wechat.runtime.block_on(wechat.standin.until_silent());
        of.hall.kill();
        assert!(wanted.join().unwrap().is_err());
    });
    of.hall = Hall::listening(&data, &address);
    let refund = wechat.standin.book(|book| book.refunds.keys().next().cloned().unwrap());
    assert_eq!(wechat.deliver(&wechat.standin.refunded(&refund, "SUCCESS").unwrap()), Some(204));
    let page = of.hall.client();
    assert_eq!(page.post("/login", &[("login", "admin"), ("password", crate::hall::PASSWORD)]).status, 303);
    let page = page.get(&base).body;
    assert!(page.matches("−¥40.00").count() == 2 && page.contains("支付用户零钱"), "{page}");
    assert_eq!(wechat.standin.book(|book| book.refunds.len()), 1);
    assert!(of.hall.stop(), "the box ends in order");
    verified(&data);
}

#[test]
fn a_kill_after_a_strange_a_closed_and_a_refused_payment_changes_nothing_of_them() {
    let wechat = Wechat::start(false);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let hall = Hall::at(&data);
    let address = hall.base.trim_start_matches("http://").to_owned();
    let mut of = till(&wechat, hall);
    let again = |of: &mut Till| {
        of.hall.kill();
        of.hall = Hall::listening(&data, &address);
        of.admin = of.hall.client();
        let entered = of.admin.post("/login", &[("login", "admin"), ("password", crate::hall::PASSWORD)]);
        assert_eq!(entered.status, 303);
    };
    let page = |of: &Till, n: u32| of.admin.get(&format!("/admin/event/{}/order/{n}", of.event)).body;
    let begun = |of: &Till, phone: &str| {
        let buyer = of.hall.client();
        let order = of.buy(&buyer, phone);
        assert_eq!(of.start(&buyer, &order).status, 303);
        (order, wechat.newest())
    };
    // Strange: another amount was paid. Told again after the kill it is still no money, and taken once.
    let (_, strange) = begun(&of, "13800000001");
    assert!(wechat.standin.pay(&strange, Some((9_900, "CNY"))));
    assert_eq!(wechat.deliver(&wechat.told(&strange)), Some(204));
    again(&mut of);
    assert_eq!(wechat.deliver(&wechat.told(&strange)), Some(204));
    let shown = page(&of, 1);
    assert!(shown.contains("支付金额不符") && !shown.contains("<strong>¥99.00</strong> 微信支付"), "{shown}");
    let accept = format!("/admin/event/{}/order/1/wechat/accept", of.event);
    assert_eq!(of.admin.post(&accept, &[("number", &strange)]).status, 303);
    again(&mut of);
    of.admin.post(&accept, &[("number", &strange)]);
    assert_eq!(wechat.deliver(&wechat.told(&strange)), Some(204));
    assert_eq!(page(&of, 1).matches("<strong>¥99.00</strong> 微信支付").count(), 1);
    // Closed: the amount changed, and the first code was put away. After the kill a buyer gets the code that is good now, and the old one
    // stays shut on both sides.
    let sale = [("hold", "30"), ("most", "2"), ("offer", "60"), ("cancel", "1")];
    assert_eq!(of.admin.post(&format!("/admin/event/{}/sale", of.event), &sale).status, 303);
    let buyer = of.hall.client();
    let form = [
        ("kind", of.kind.as_str()),
        ("people", "2"),
        ("name", "张三"),
        ("phone", "13800000002"),
        ("more-1-kind", of.kind.as_str()),
        ("more-1-name", "李四"),
        ("more-1-phone", "13800000003"),
        ("method", "wechat"),
    ];
    let landed = buyer.post(&format!("/event/{}/register", of.event), &form);
    assert_eq!(landed.status, 303, "{}", landed.body);
    let order = landed.location.unwrap().split('?').next().unwrap().to_owned();
    assert_eq!(of.start(&buyer, &order).status, 303);
    let closed = wechat.newest();
    let shown = page(&of, 2);
    let ticket = shown.split("/registration/").nth(1).unwrap().split(['"', '/', '?']).next().unwrap();
    let cancelled = of.admin.post(&format!("/admin/event/{}/registration/{ticket}/cancel", of.event), &[]);
    assert_eq!(cancelled.status, 303, "{}", cancelled.body);
    assert_eq!(of.start(&buyer, &order).status, 303);
    let good = wechat.newest();
    assert_ne!(good, closed);
    again(&mut of);
    let buyer = of.hall.client();
    assert_eq!(of.start(&buyer, &order).status, 303);
    assert_eq!(wechat.newest(), good, "the one that was open before the kill");
    assert!(!wechat.standin.pay(&closed, None) && page(&of, 2).contains("已关闭"));
    assert!(wechat.standin.pay(&good, None));
    assert_eq!(wechat.deliver(&wechat.told(&good)), Some(204));
    again(&mut of);
    assert_eq!(page(&of, 2).matches("<strong>¥100.00</strong> 微信支付").count(), 1);
    // Refused: WeChat did not take it. After the kill the buyer's next press is a new payment under a new number, which counts once.
    let buyer = of.hall.client();
    let order = of.buy(&buyer, "13800000004");
    let before = wechat.standin.book(|book| book.orders.len());
    let mut form = account(&wechat, &of.hall.base);
    form.iter_mut().filter(|(name, _)| *name == "appid").for_each(|(_, value)| *value = "wxunbound".into());
    assert_eq!(send(&of.admin, "/admin/pay/account", &form).status, 303);
    of.start(&buyer, &order);
    assert_eq!(wechat.standin.book(|book| book.orders.len()), before, "WeChat knows of none");
    again(&mut of);
    let shown = page(&of, 3);
    assert!(shown.contains("微信未受理") && shown.contains("APPID_MCHID_NOT_MATCH"), "{shown}");
    assert_eq!(send(&of.admin, "/admin/pay/account", &account(&wechat, &of.hall.base)).status, 303);
    let buyer = of.hall.client();
    assert_eq!(of.start(&buyer, &order).status, 303);
    let new = wechat.newest();
    assert!(wechat.standin.pay(&new, None));
    assert_eq!(wechat.deliver(&wechat.told(&new)), Some(204));
    again(&mut of);
    assert_eq!(wechat.deliver(&wechat.told(&new)), Some(204));
    let shown = page(&of, 3);
    assert!(shown.contains("微信未受理") && shown.matches("<strong>¥100.00</strong> 微信支付").count() == 1, "{shown}");
    assert!(of.hall.stop(), "the box ends in order");
    verified(&data);
}

#[test]
fn payments_are_denied_to_those_who_may_not_and_in_other_places() {
    let wechat = Wechat::start(false);
    let of = till(&wechat, Hall::fresh());
    let other = event(&of.admin, "别的");
    let buyer = of.hall.client();
    let order = of.buy(&buyer, "13800000001");
    let nobody = of.hall.client();
    let bare = staff(&of.hall, &of.admin, "bare", &[]);
    let local = staff(
        &of.hall,
        &of.admin,
        "local",
        &[("order.manage", &format!("e{other}")), ("event.view", &format!("e{other}"))],
    );
    for path in
        ["/admin/pay", "/admin/pay/account", "/admin/pay/bill/2026-11-25", "/admin/pay/bill/2026-11-25/export.csv"]
    {
        let anonymous = nobody.get(path);
        assert!(anonymous.status == 303 && anonymous.location.is_some_and(|to| to.starts_with("/login")), "{path}");
        assert_eq!((bare.get(path).status, local.get(path).status), (403, 403), "{path}");
    }
    // The box has yesterday's bill by itself, but none of a day before there was an account.
    assert_eq!(of.admin.get("/admin/pay/bill/2026-01-05").status, 404);
    let base = format!("/admin/event/{}/order/1/wechat", of.event);
    let refund = [("revision", "0"), ("amount", "1"), ("number", "x")];
    let mut writes = vec!["/admin/pay".to_owned(), "/admin/pay/account".into(), "/admin/pay/account/test".into()];
    writes.extend(["refund", "accept", "again"].map(|act| format!("{base}/{act}")));
    for path in &writes {
        assert_eq!(nobody.post(path, &refund).status, 303, "{path}");
        assert_eq!((bare.post(path, &refund).status, local.post(path, &refund).status), (403, 403), "{path}");
    }
    assert_eq!(of.admin.post(&format!("{base}/nonsense"), &refund).status, 404);
    let elsewhere = of.admin.post(&format!("/admin/event/{other}/order/1/wechat/accept"), &[("number", "x")]);
    assert_eq!(elsewhere.status, 404);
    for path in ["/order/nonsense/pay", "/order/nonsense/paid"] {
        assert_eq!(nobody.post(path, &[]).status, 404, "{path}");
    }
    let future = of.admin.post("/admin/pay", &[("day", "2999-01-01")]);
    assert!(future.status == 422 && future.body.contains("请选择今天以前的日期"), "{}", future.body);
    let wrong = of.admin.post("/admin/pay/account", &[("appid", "a b"), ("key", "<script>"), ("public", "x")]);
    assert!(wrong.status == 422 && !wrong.body.contains("<script>"), "{}", wrong.body);
    // Twice at once it is one attempt.
    let pressed = format!("{order}/pay");
    let codes: Vec<u16> = std::thread::scope(|scope| {
        let racing: Vec<_> = (0..2).map(|_| scope.spawn(|| buyer.post(&pressed, &[]).status)).collect();
        racing.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(codes, [303, 303]);
    assert_eq!(wechat.standin.book(|book| book.orders.len()), 1, "of two who press at once, both get the one code");
    of.start(&buyer, &order);
    let left = wechat
        .standin
        .book(|book| book.orders.values().filter(|order| order.state == gateway::pay::standin::State::NotPay).count());
    assert_eq!(left, 1, "whoever pressed twice has one code that can be paid");
}

fn python() -> Command {
    let tools = std::env::var("HUIGUAN_TEST_TOOLS").unwrap_or_else(|_| "/var/tmp/huiguan-test-tools".into());
    let mut python = Command::new(format!("{tools}/wechatpayv3/bin/python"));
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/pay.py"));
    python
}

/// The stand-in's keys in a file, as the peer reads them.
fn keys(folder: &std::path::Path) -> std::path::PathBuf {
    let keys = serde_json::json!({
        "appid": key::APPID, "mchid": key::MCHID, "serial": key::MERCHANT_SERIAL, "key": key::MERCHANT_KEY, "certificate": key::MERCHANT_CERTIFICATE,
        "secret": key::SECRET, "public_id": key::PUBLIC_ID, "public_key": key::PLATFORM_PUBLIC, "platform_serial": key::PLATFORM_SERIAL,
        "platform_key": key::PLATFORM_KEY, "platform_certificate": key::PLATFORM_CERTIFICATE,
    });
    let path = folder.join("keys.json");
    std::fs::write(&path, keys.to_string()).unwrap();
    path
}

#[test]
fn wechatpayv3_speaks_with_our_stand_in_and_reads_what_it_tells() {
    let wechat = Wechat::start(false);
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(folder.path());
    for (mode, speaks) in [("certificate", Speaks::First), ("public", Speaks::Public)] {
        wechat.standin.speak(speaks);
        let run = |step: &str, more: &[&str]| {
            let said =
                python().args(["client", mode, step, &wechat.standin.base]).arg(&keys).args(more).output().unwrap();
            let text = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
            assert!(said.status.success(), "{mode} {step}: {text}");
        };
        run("order", &[]);
        let number = format!("PEER-{mode}-1");
        assert!(wechat.standin.pay(&number, None));
        let told = wechat.told(&number);
        let file = folder.path().join("told.json");
        let headers: serde_json::Map<_, _> =
            told.headers.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        std::fs::write(&file, serde_json::json!({ "headers": headers, "body": told.body }).to_string()).unwrap();
        run("paid", &[file.to_str().unwrap()]);
    }
}

#[test]
fn wechatpayv3_believes_what_we_sign_and_we_believe_what_it_signs() {
    use std::io::BufRead;
    let wechat = Wechat::start(false);
    let of = till(&wechat, Hall::fresh());
    let folder = tempfile::tempdir().unwrap();
    let mut peer = python()
        .arg("server")
        .arg(keys(folder.path()))
        .arg(format!("{}/callback/pay", of.hall.base))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(peer.stdout.take().unwrap()).lines().map_while(Result::ok);
    let base = lines.next().expect("the peer says where it listens");
    let mut form = account(&wechat, &of.hall.base);
    form.retain(|(name, _)| *name != "address");
    form.push(("address", base));
    assert_eq!(send(&of.admin, "/admin/pay/account", &form).status, 303);
    assert_eq!(of.admin.post("/admin/pay/account/test", &[]).status, 303);
    assert!(of.admin.get("/admin/pay/account").body.contains("已连接"));
    let buyer = of.hall.client();
    let order = of.buy(&buyer, "13800000001");
    assert_eq!(of.start(&buyer, &order).status, 303);
    assert!(buyer.get(&order).body.contains("class=\"qr\""));
    // The peer sends its notification when it is asked how the payment stands, and says what came of it.
    buyer.post(&format!("{order}/paid"), &[]);
    let told = lines.find(|line| line.starts_with("notified")).unwrap();
    assert_eq!(told, "notified 204");
    assert!(buyer.get(&order).body.contains("已完成"));
    peer.kill().unwrap();
    peer.wait().unwrap();
}

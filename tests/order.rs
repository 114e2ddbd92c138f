//! Orders through the real box: registering for several people, paying, giving back, waiting, passing on; the wrong role and the wrong
//! place on every route of the sale; a kill between an answer and what follows.

use crate::hall::{Client, Hall, event, first_type};
use crate::scenario::staff;

struct Sale {
    hall: Hall,
    admin: Client,
    event: String,
    kind: String,
}

/// An event with one type at a price and a way to pay.
fn opened(price: &str, quota: &str) -> Sale {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let paid = admin.post(
        "/admin/payment",
        &[
            ("bank_transfer-enabled", "1"),
            ("bank_transfer-instructions", "中国银行 6222 0000 <b>"),
            ("cash-enabled", "1"),
        ],
    );
    assert_eq!(paid.status, 303, "{}", paid.body);
    let form = [("name", "标准票"), ("price", price), ("quota", quota), ("enabled", "1")];
    let saved = admin.post(&format!("/admin/event/{event}/ticket_type/{kind}"), &form);
    assert_eq!(saved.status, 303, "{}", saved.body);
    Sale { hall, admin, event, kind }
}

fn settings(most: &str) -> [(&'static str, &str); 7] {
    [
        ("hold", "30"),
        ("most", most),
        ("offer", "60"),
        ("waiting", "1"),
        ("transfer", "1"),
        ("cancel", "1"),
        ("donation", "1"),
    ]
}

impl Sale {
    fn set(&self, most: &str) {
        let set = self.admin.post(&format!("/admin/event/{}/sale", self.event), &settings(most));
        assert_eq!(set.status, 303, "{}", set.body);
    }

    fn register(&self, client: &Client, more: &[(&str, &str)]) -> crate::hall::Answer {
        let mut form = vec![("kind", self.kind.as_str()), ("people", "1")];
        form.extend(more);
        client.post(&format!("/event/{}/register", self.event), &form)
    }
}

fn landed(answer: &crate::hall::Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.location.clone().unwrap().split('?').next().unwrap().to_owned()
}

/// What stands in `page` between two marks.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    page.split(from).nth(1).unwrap_or_else(|| panic!("{from} in {page}")).split(to).next().unwrap()
}

#[test]
fn several_people_order_pay_and_get_money_back() {
    let of = opened("100", "");
    of.set("3");
    let buyer = of.hall.client();
    let grown = of
        .register(&buyer, &[("name", "张三"), ("phone", "13800000001"), ("act", "more"), ("once", "0123456789abcdef")]);
    assert_eq!(grown.status, 200);
    assert!(
        grown.body.contains("name=\"more-1-name\"") && grown.body.contains("value=\"张三\""),
        "the form grew and kept what was typed"
    );
    let pair = [
        ("name", "张三"),
        ("phone", "13800000001"),
        ("people", "2"),
        ("more-1-kind", of.kind.as_str()),
        ("more-1-name", "李四 <script>"),
        ("donation", "8.8"),
        ("once", "0123456789abcdef"),
    ];
    let form = |extra: &[(&'static str, &'static str)]| {
        let mut form: Vec<(&str, &str)> = pair.iter().copied().filter(|(name, _)| *name != "people").collect();
        form.push(("kind", &of.kind));
        form.push(("people", "2"));
        form.extend(extra);
        form.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<(String, String)>>()
    };
    let send = |extra: &[(&'static str, &'static str)]| {
        let owned = form(extra);
        let form: Vec<(&str, &str)> = owned.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        buyer.post(&format!("/event/{}/register", of.event), &form)
    };
    let unchosen = send(&[]);
    assert_eq!(unchosen.status, 422, "two ways to pay: one must be chosen");
    assert!(unchosen.body.contains("李四 &lt;script&gt;"), "the second person is kept and escaped");
    let priced = send(&[("act", "show")]);
    assert!(priced.body.contains("¥208.80"), "{}", priced.body);
    let order = landed(&send(&[("method", "bank_transfer")]));
    assert_eq!(landed(&send(&[("method", "bank_transfer")])), order, "sent twice it is one order");
    let page = buyer.get(&order).body;
    assert!(page.contains("¥208.80") && page.contains("6222 0000 &lt;b&gt;") && page.contains("待付款"));
    let ticket = format!("/ticket/{}", between(&page, "href=\"/ticket/", "\""));
    assert!(!buyer.get(&ticket).body.contains("class=\"code\""), "an unpaid ticket shows no number for the door");

    let list = of.admin.get(&format!("/admin/event/{}/order?state=pending_payment", of.event)).body;
    assert!(list.contains("张三") && list.contains(&format!("/admin/event/{}/order/1\"", of.event)), "{list}");
    let base = format!("/admin/event/{}/order/1", of.event);
    let pay = |amount: &str, revision: &str| {
        let slip = png();
        of.admin.upload(
            &format!("{base}/pay"),
            &[("amount", amount), ("method", "bank_transfer"), ("reference", "=1+1"), ("revision", revision)],
            ("slip", "slip.png", &slip),
        )
    };
    let wrong = pay("x", "1");
    assert!(wrong.status == 422 && wrong.body.contains("value=\"=1+1\""), "what was typed stays");
    assert_eq!(pay("208.80", "1").status, 303);
    let stale = pay("208.80", "1");
    assert_eq!(stale.status, 409, "the same form again records nothing");
    let slip = of.admin.get(&format!("{base}/slip/0"));
    assert_eq!((slip.status, slip.headers["content-type"].as_str()), (200, "image/jpeg"));
    assert!(buyer.get(&order).body.contains("已完成") && buyer.get(&ticket).body.contains("class=\"code\""));
    assert_eq!(buyer.get(&format!("{order}/receipt")).status, 200);
    let given_up = buyer.post(&format!("{order}/cancel"), &[]);
    assert_eq!(given_up.status, 303);
    assert!(buyer.get(&order).body.contains("已完成"), "what was paid for is not given up with a press");

    let revision = between(&of.admin.get(&base).body, "name=\"revision\" value=\"", "\"").to_owned();
    let back = [("refund_amount", "100"), ("refund_method", "cash"), ("revision", &revision), ("ticket", "2")];
    assert_eq!(of.admin.post(&format!("{base}/refund"), &back).status, 303);
    let page = buyer.get(&order).body;
    assert!(page.contains("已退款") && page.contains("¥100.00"), "{page}");
    let csv = of.admin.get(&format!("/admin/event/{}/order/export.csv", of.event)).body;
    assert!(csv.contains("108.80") && csv.contains("208.80"), "{csv}");
}

fn png() -> Vec<u8> {
    let mut out = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(30, 20).write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

#[test]
fn review_waiting_list_and_passing_on_work_on_the_phone() {
    let of = opened("", "1");
    of.set("1");
    let first = of.hall.client();
    let ticket = landed(&of.register(&first, &[("name", "张三"), ("phone", "13800000001")]));
    assert!(ticket.starts_with("/ticket/"), "{ticket}");
    let second = of.hall.client();
    assert_eq!(of.register(&second, &[("name", "李四"), ("phone", "13800000002")]).status, 409);
    let wait = format!("/event/{}/wait/{}", of.event, of.kind);
    assert!(second.get(&format!("/event/{}", of.event)).body.contains(&wait));
    assert_eq!(second.post(&wait, &[("name", "李四"), ("phone", "1")]).status, 422);
    let waiter = landed(&second.post(&wait, &[("name", "李四"), ("phone", "13800000002")]));
    assert!(second.get(&waiter).body.contains("候补中"));

    let passed = first.post(&format!("{ticket}/transfer"), &[("name", "王五"), ("phone", "13800000003")]);
    let fresh = landed(&passed);
    assert_eq!(first.get(&ticket).status, 404, "the old ticket is gone");
    let passed_on = first.get(&fresh).body;
    assert!(passed_on.contains("王五"));
    let bought = first.get(&format!("/order/{}", between(&passed_on, "href=\"/order/", "\""))).body;
    assert!(bought.contains("王五") && !bought.contains(&fresh), "the buyer does not open what was passed on");

    let order = of.admin.get(&format!("/admin/event/{}/order/1", of.event)).body;
    assert!(order.contains("王五"));
    assert_eq!(
        of.admin.post(&format!("/admin/event/{}/order/1/cancel", of.event), &[("reason", "名额调整")]).status,
        303
    );
    // The clock of the box offers what became free within a second or two.
    let begun = std::time::Instant::now();
    while !second.get(&waiter).body.contains("已保留名额") {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "nobody was offered the place");
        std::thread::yield_now();
    }
    let link = waiter.rsplit('/').next().unwrap();
    let form = second.get(&format!("/event/{}/register?waiter={link}", of.event)).body;
    assert!(form.contains("value=\"李四\""), "the waiter's name stands there already");
    let taken = of.register(&second, &[("name", "李四"), ("phone", "13800000002"), ("waiter", link)]);
    assert!(landed(&taken).starts_with("/ticket/"));
    let log = of.admin.get(&format!("/admin/event/{}/notice", of.event)).body;
    assert!(log.contains("已保留名额") && log.contains("报名已取消"), "{log}");
}

#[test]
fn a_helper_reviews_on_the_phone_and_a_stranger_does_not() {
    let of = opened("", "");
    let form = [("name", "标准票"), ("enabled", "1"), ("review", "1")];
    assert_eq!(of.admin.post(&format!("/admin/event/{}/ticket_type/{}", of.event, of.kind), &form).status, 303);
    let visitor = of.hall.client();
    let order = landed(&of.register(&visitor, &[("name", "张三"), ("phone", "13800000001")]));
    assert!(visitor.get(&order).body.contains("待审核"));
    let other = event(&of.admin, "别的");
    let page =
        of.admin.post(&format!("/admin/event/{}/device", of.event), &[("name", "小王"), ("sort", "helper")]).body;
    let code = between(&page, "?code=", "<").to_owned();
    let helper = of.hall.client();
    assert_eq!(helper.post("/terminal/pair", &[("code", &code)]).status, 303);
    let people = helper.get(&format!("/terminal/{}/people", of.event)).body;
    assert!(people.contains(&format!("/terminal/{}/review", of.event)), "{people}");
    assert!(helper.get(&format!("/terminal/{}/review", of.event)).body.contains("张三"));
    assert_eq!(helper.get(&format!("/terminal/{other}/review")).status, 403);
    let approve = format!("/terminal/{}/review/1/approve", of.event);
    assert_eq!(visitor.post(&approve, &[]).status, 401);
    assert_eq!(helper.post(&format!("/terminal/{other}/review/1/approve"), &[]).status, 403);
    assert_eq!(helper.post(&approve, &[]).status, 303);
    assert!(visitor.get(&order).body.contains("已完成"));
}

#[test]
fn the_sale_is_denied_to_those_who_may_not_and_in_other_places() {
    let of = opened("10", "");
    let other = event(&of.admin, "别的");
    let visitor = of.hall.client();
    landed(&of.register(&visitor, &[("name", "张三"), ("phone", "13800000001"), ("method", "cash")]));
    let scope = format!("e{}", of.event);
    let viewer = staff(&of.hall, &of.admin, "viewer", &[("event.view", &scope), ("registration.view", &scope)]);
    let keeper = staff(
        &of.hall,
        &of.admin,
        "keeper",
        &[("event.view", &scope), ("order.manage", &scope), ("registration.view", &scope)],
    );
    let bare = staff(&of.hall, &of.admin, "bare", &[]);
    let nobody = of.hall.client();
    // Path, then what a viewer and a keeper of the orders get.
    let reads = [
        ("/order", 200, 200),
        ("/order/1", 200, 200),
        ("/order/1/receipt", 409, 409),
        ("/order/1/slip/0", 403, 404),
        ("/order/export.xlsx", 403, 200),
        ("/order/export.csv", 403, 200),
        ("/voucher", 403, 200),
        ("/voucher/export.csv", 403, 200),
        ("/waiting", 200, 200),
        ("/sale", 403, 403),
        ("/notice", 403, 403),
        ("/notice/waiting.xlsx", 403, 403),
    ];
    for (path, seen, kept) in reads {
        let at = |event: &str| format!("/admin/event/{event}{path}");
        assert_eq!(nobody.get(&at(&of.event)).status, 303, "{path}");
        assert_eq!(bare.get(&at(&of.event)).status, 403, "{path}");
        assert_eq!(viewer.get(&at(&of.event)).status, seen, "{path} for a viewer");
        assert_eq!(keeper.get(&at(&of.event)).status, kept, "{path} for a keeper");
        assert_eq!(keeper.get(&at(&other)).status, 403, "{path} of another event");
    }
    let writes = [
        "/order/1/pay",
        "/order/1/refund",
        "/order/1/approve",
        "/order/1/refuse",
        "/order/1/cancel",
        "/order/1/reopen",
        "/voucher",
        "/voucher/1/disable",
        "/sale",
        "/quota",
        "/quota/1/remove",
        "/addon",
        "/addon/1/disable",
        "/addon/1/remove",
        "/notice",
        "/notice/sent",
        "/notice/reminder",
        "/notice/reminder/1/remove",
        "/notice/1/sent",
    ];
    let form = [
        ("revision", "1"),
        ("amount", "1"),
        ("refund_amount", "1"),
        ("refund_method", "cash"),
        ("method", "cash"),
        ("text", "x"),
        ("newest", "1"),
        ("hours", "1"),
    ];
    for path in writes {
        let at = format!("/admin/event/{}{path}", of.event);
        assert_eq!(nobody.post(&at, &form).status, 303, "{path}");
        assert!(nobody.post(&at, &form).location.unwrap().starts_with("/login"), "{path}");
        for client in [&bare, &viewer] {
            assert_eq!(client.post(&at, &form).status, 403, "{path}");
        }
    }
    assert_eq!(viewer.get("/admin/payment").status, 403);
    assert_eq!(viewer.post("/admin/payment", &[]).status, 403);
    // An order's number does not open it below another event.
    assert_eq!(of.admin.get(&format!("/admin/event/{other}/order/1")).status, 404);
    assert_eq!(of.admin.post(&format!("/admin/event/{other}/order/1/cancel"), &[]).status, 404);
    for gone in ["/order/nonsense", "/order/AAAAAAAAAAAAAAAAAAAAAA", "/wait/AAAAAAAAAAAAAAAAAAAAAA", "/order/x/receipt"]
    {
        assert_eq!(nobody.get(gone).status, 404, "{gone}");
    }
}

#[test]
fn an_order_that_was_answered_survives_a_kill_and_its_hold_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut hall = Hall::at(&data);
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    admin.post("/admin/payment", &[("at_door-enabled", "1")]);
    admin
        .post(&format!("/admin/event/{event}/ticket_type/{kind}"), &[("name", "票"), ("price", "9"), ("enabled", "1")]);
    let buyer = hall.client();
    let form = [("kind", kind.as_str()), ("people", "1"), ("name", "张三"), ("phone", "13800000001")];
    let order = landed(&buyer.post(&format!("/event/{event}/register"), &form));
    let address = hall.base.trim_start_matches("http://").to_owned();
    hall.kill();
    let hall = Hall::listening(&data, &address);
    let page = hall.client().get(&order).body;
    assert!(page.contains("¥9.00") && page.contains("现场付款"), "{page}");
    assert!(hall.stop());
}

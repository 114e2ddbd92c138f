//! Merchants through real sockets: that no route of the router reaches another space, whoever asks; that pages of a merchant stay within it;
//! freezing, applying, and two accounts in one browser.

use crate::hall::{
    Answer, Client, FIRST, Hall, PASSWORD, choose_password, event, first_type, number, person, terminal,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// What everything of the platform is named after in these tests, and everything of the merchant.
pub const OURS: &str = "平台机密";
const THEIRS: &str = "商户机密";
const ROOT: &str = "/m/2";

/// A route of the router with the methods that it answers.
pub type Route = (String, BTreeSet<&'static str>);

/// Every route of the router, read from the router itself, and the scan's lane beside it.
pub fn routes() -> Vec<Route> {
    let listed = format!("{:?}", web::routes());
    let (table, paths) = listed.split_once("node: Node { paths: {").expect("the router lists its paths");
    let after = |text: &str| text.split_once(')').map(|(id, rest)| (id.to_owned(), rest.to_owned())).unwrap();
    let mut methods = BTreeMap::new();
    for part in table.split("RouteId(").skip(1) {
        let (id, rest) = after(part);
        let answers = |name: &str| {
            let at = rest.find(&format!(" {name}: ")).expect("a route says which methods it answers");
            !rest[at + name.len() + 3..].starts_with("None")
        };
        let known = ["get", "post", "put", "patch", "delete"].into_iter().filter(|name| answers(name));
        methods.insert(id, known.collect::<BTreeSet<_>>());
    }
    let mut out = vec![("/api/v1/checkin/redeem".to_owned(), BTreeSet::from(["post"]))];
    for part in paths.split("fallback_router").next().unwrap().split("RouteId(").skip(1) {
        let (id, rest) = after(part);
        let path = rest.split('"').nth(1).unwrap().to_owned();
        out.push((path, methods.remove(&id).expect("a path has its methods")));
    }
    out.sort();
    assert!(out.len() > 200, "{} routes", out.len());
    out
}

/// What the platform has: numbers and links that somebody may try elsewhere.
pub struct Things {
    pub values: BTreeMap<&'static str, String>,
}

impl Things {
    /// A path with its placeholders filled. A placeholder that is not known here fails the test: say what it stands for in [`furnish`].
    pub fn fill(&self, path: &str, act: &str) -> String {
        let mut out = String::new();
        let mut rest = path;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, tail) = after.split_once('}').unwrap();
            out.push_str(before);
            out.push_str(match name {
                "act" | "verb" => act,
                "link" if path.starts_with("/order") || path.starts_with("/api/v1/orders") => {
                    &self.values["order_link"]
                }
                name => self.values.get(name).unwrap_or_else(|| panic!("{path}: say what {name} stands for")),
            });
            rest = tail;
        }
        out + rest
    }
}

/// Fills a space with one of nearly everything, named after `mark`.
pub fn furnish(hall: &Hall, client: &Client, mark: &str) -> Things {
    // Numbers that a fresh space does not come to by itself, so that none of its own stands in for them.
    if mark == OURS {
        crate::scenario::staff(hall, client, "second", &[]);
        event(client, mark);
        event(client, mark);
    }
    let id = event(client, mark);
    let kind = first_type(client, &id);
    let ticket = person(client, &id, &kind, mark, "13800000001");
    let at = |path: &str| format!("/admin/event/{id}{path}");
    let made = |path: &str, form: &[(&str, &str)]| -> String {
        let made = client.post(path, form);
        assert_eq!(made.status, 303, "{path}: {}", made.body);
        made.location.unwrap().rsplit('/').next().unwrap().to_owned()
    };
    let badge = made(&at("/design"), &[("preset", "badge_sheet")]);
    let paper = made(&at("/design"), &[("preset", "certificate")]);
    made(&at("/print"), &[("ticket", &ticket), ("design", &badge)]);
    let draw_form = [
        ("name", mark),
        ("wins", "1"),
        ("registered", "1"),
        ("theme", "red"),
        ("look", "sphere"),
        ("masking", "full"),
        ("show_number", "1"),
    ];
    let draw = made(&at("/draw/new"), &draw_form);
    made("/admin/category", &[("name", mark)]);
    let part_form = [("title", mark), ("style", "big"), ("count", "3")];
    assert_eq!(client.post("/admin/home/new", &part_form).status, 303);
    let device = terminal_of(hall, client, &id);
    let scan = json!({ "code": number(client, &id, &ticket), "nonce": mark });
    let scanned = device.json("/api/v1/checkin/redeem", &scan);
    assert_eq!(scanned.json()["verdict"], "admitted", "{}", scanned.body);
    assert_eq!(client.post(&at("/certificate"), &[("design", &paper)]).status, 303);
    let page = client.get(&at("/certificate/1")).body;
    let certificate = page
        .split("/certificate/")
        .find_map(|part| part.get(..19).filter(|code| code.matches('-').count() == 3).map(str::to_owned));
    let page = client.get(&at(&format!("/registration/{ticket}"))).body;
    let link = page.split("/ticket/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let visitor = hall.client().within(if mark == OURS { "" } else { ROOT });
    let form = [("name", mark), ("phone", "13800000002"), ("kind", kind.as_str()), ("people", "1")];
    let order = visitor.post(&format!("/event/{id}/register"), &form);
    assert_eq!(order.status, 303, "{}", order.body);
    let order_link = order.location.unwrap().rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let many = [
        ("from", "list"),
        ("list", "13800000002"),
        ("once", "0123456789abcdef"),
        ("purpose", "message"),
        ("text", mark),
        ("way", "sms"),
        ("seen", "1"),
    ];
    let sent = client.post("/admin/blast", &many);
    assert_eq!(sent.status, 303, "{}", sent.body);
    crate::client::made(client, mark, &["event.view"]);
    let one = || "1".to_owned();
    let named = BTreeMap::from([
        ("event", id),
        ("kind", kind),
        ("ticket", ticket),
        ("draw", draw),
        ("design", badge),
        ("link", link),
        ("order_link", order_link),
        ("number", certificate.expect("a certificate has a number")),
        ("device_token", device.cookie(if mark == OURS { "hall_device" } else { "hall_device_m2" }).unwrap()),
    ]);
    let numbers = [
        "account",
        "addon",
        "blast",
        "category",
        "certificate",
        "client",
        "code",
        "department",
        "device",
        "document",
        "entrant",
        "entry",
        "field",
        "gate",
        "grant",
        "group",
        "id",
        "import",
        "invoice",
        "key",
        "list",
        "merchant",
        "message",
        "notice",
        "order",
        "part",
        "passkey",
        "person",
        "picture",
        "quota",
        "reminder",
        "round",
        "run",
        "scan",
        "series",
        "session",
        "sound",
        "source",
        "talk",
        "token",
        "voucher",
        "webhook",
        "win",
    ];
    let mut values: BTreeMap<&'static str, String> = numbers.into_iter().map(|name| (name, one())).collect();
    values.extend([
        ("occasion", "reminder".to_owned()),
        ("who", "t1".to_owned()),
        ("check", "backup".to_owned()),
        ("page", "event".to_owned()),
        ("name", "event".to_owned()),
    ]);
    values.extend([
        ("*name", "app.css".to_owned()),
        ("file", "x".to_owned()),
        ("ending", "csv".to_owned()),
        ("day", "2026-01-01".to_owned()),
    ]);
    values.extend(named);
    // The last one takes the notice off again: nobody who registers later is asked.
    let ours = if mark == OURS { 4 } else { 1 };
    for number in 1..=ours {
        made("/admin/privacy/notice", &[("text", &format!("{mark} {number}"))]);
    }
    made("/admin/privacy/notice", &[("text", "")]);
    values.insert("version", ours.to_string());
    if mark == OURS {
        values.extend([("account", "2".to_owned()), ("grant", "2".to_owned())]);
    }
    Things { values }
}

fn terminal_of(hall: &Hall, client: &Client, event: &str) -> Client {
    if client.base == hall.base {
        return terminal(hall, client, event);
    }
    let page = client.post(&format!("/admin/event/{event}/device"), &[("name", "大门")]);
    let code = page.body.split("?code=").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let terminal = hall.client().within(ROOT);
    assert_eq!(terminal.post("/terminal/pair", &[("code", &code)]).status, 303);
    terminal
}

/// A merchant in effect; the client is its administrator's, within its space.
pub fn merchant(hall: &Hall, admin: &Client, login: &str) -> Client {
    let form =
        [("name", login), ("contact", "李经理"), ("phone", "13900000009"), ("login", login), ("password", FIRST)];
    let made = admin.post("/admin/merchant/new", &form);
    assert_eq!(made.status, 303, "{}", made.body);
    let client = enter_with(&hall.client(), login, FIRST);
    choose_password(&client);
    client
}

/// Logs a browser in at the merchants' common page.
fn enter(browser: &Client, login: &str) -> Client {
    enter_with(browser, login, PASSWORD)
}

fn enter_with(browser: &Client, login: &str, password: &str) -> Client {
    let entered = browser.post("/merchant", &[("login", login), ("password", password)]);
    assert_eq!(entered.status, 303, "{}", entered.body);
    let root = entered.location.unwrap().strip_suffix("/admin").unwrap().to_owned();
    browser.within(&root)
}

/// A form that many verbs would take.
fn form(of: &Things) -> Vec<(&'static str, &str)> {
    let mut form = vec![
        ("name", "x"),
        ("starts", "2026-01-01T00:00"),
        ("ends", "2027-01-01T00:00"),
        ("revision", "0"),
        ("kind", "1"),
        ("people", "1"),
        ("phone", "13700000001"),
        ("checkin_from", "2026-01-01T00:00"),
        ("checkin_to", "2026-01-02T00:00"),
        ("permission", "event.view"),
        ("scope", "space"),
        ("password", PASSWORD),
        ("login", "sneaky"),
        ("act", "cancel"),
        ("id", "1"),
        ("design", "1"),
        ("preset", "poster"),
        ("zone", "UTC"),
        ("department", "1"),
        ("event", "1"),
        ("reason", "x"),
        ("amount", "1"),
        ("method", "cash"),
        ("to", "1"),
        ("attend", "12345678"),
    ];
    form.extend([("ticket", of.values["ticket"].as_str()), ("link", of.values["link"].as_str())]);
    form
}

fn scan(of: &Things) -> serde_json::Value {
    let event: u64 = of.values["event"].parse().unwrap();
    json!({ "event": event, "code": of.values["device_token"], "ticket": null, "nonce": "n", "scans": [], "number": 1, "list": 0 })
}

/// Routes that name nothing, and whose answers are of the asker's own session alone: the overview's stream, which has no end to wait for, and what
/// begins or ends sessions, which would end the asker's, or lets them see with other eyes, which would shut everything else.
const OWN: &[&str] = &[
    "/admin/live",
    "/login",
    "/logout",
    "/admin/session/elsewhere",
    "/setup",
    "/admin/account/eyes",
    "/admin/account/{account}/eyes",
];

/// Asks for a path in every way that its route answers and gives each answer to `look`.
fn try_all(
    client: &Client,
    of: &Things,
    writes: bool,
    fits: impl Fn(&str) -> bool,
    look: impl Fn(&str, &str, &Answer),
) {
    for (path, methods) in routes() {
        if !fits(&path) || OWN.contains(&path.as_str()) {
            continue;
        }
        for act in ["cancel", "remove", "approve"] {
            let at = of.fill(&path, act);
            if !writes && methods.contains("get") {
                look("GET", &at, &client.get(&at));
            }
            if writes && methods.contains("post") {
                let json = path.starts_with("/api/");
                let answer = if json { client.json(&at, &scan(of)) } else { client.post(&at, &form(of)) };
                look("POST", &at, &answer);
            }
            for (known, method) in [("put", "PUT"), ("delete", "DELETE")] {
                if writes && methods.contains(known) {
                    look(method, &at, &client.send_json(method, &at, &[], &scan(of)));
                }
            }
            if !path.contains("{act}") && !path.contains("{verb}") {
                break;
            }
        }
        let others = methods.iter().filter(|method| !["get", "post", "put", "delete"].contains(*method));
        assert_eq!(others.count(), 0, "{path}: this test knows GET, POST, PUT and DELETE only");
    }
}

/// The audit log's first page: any write of the space would add a line to it. What the box does by itself is not looked at.
fn log(client: &Client) -> String {
    let page = client.get("/admin/audit");
    assert_eq!(page.status, 200);
    let rows = page.body.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap().split("</tr>");
    rows.filter(|row| !row.contains(">系统</span>")).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_route_reaches_another_space_whoever_asks() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let ours = furnish(&hall, &admin, OURS);
    let boss = merchant(&hall, &admin, "qingsong");
    let before = log(&admin);
    let nobody = hall.client().within(ROOT);
    // Every kind of token of the platform, carried into the merchant's space.
    let mut forged = hall.client().within(ROOT);
    forged.set_cookie("hall_session_m2", &admin.cookie("hall_session").unwrap());
    let mut device = hall.client().within(ROOT);
    device.set_cookie("hall_device_m2", &ours.values["device_token"]);
    device.bearer = Some(ours.values["device_token"].clone());
    let mut holder = hall.client().within(ROOT);
    holder.set_cookie("hall_tickets_m2", &ours.values["link"]);
    for (who, client) in
        [("merchant", &boss), ("visitor", &nobody), ("staff", &forged), ("terminal", &device), ("holder", &holder)]
    {
        try_all(
            client,
            &ours,
            false,
            |_| true,
            |how, at, answer| {
                assert!(!answer.body.contains(OURS), "{how} {at} as {who} shows the platform's: {}", answer.body);
                assert!(answer.status < 500, "{how} {at} as {who}: {}", answer.status);
                if who != "merchant" && at.starts_with("/admin") {
                    assert!(matches!(answer.status, 303 | 401), "{how} {at} as {who}: {}", answer.status);
                }
            },
        );
    }
    for (who, client) in
        [("visitor", &nobody), ("staff", &forged), ("terminal", &device), ("holder", &holder), ("merchant", &boss)]
    {
        try_all(
            client,
            &ours,
            true,
            |_| true,
            |how, at, answer| {
                assert!(!answer.body.contains(OURS), "{how} {at} as {who} shows the platform's: {}", answer.body);
                assert!(answer.status < 500, "{how} {at} as {who}: {}", answer.status);
            },
        );
    }
    assert_eq!(log(&admin), before, "nothing was changed in the platform's space");
    // And the other way: the merchant's session is worth nothing at the platform.
    let boss = enter(&hall.client(), "qingsong");
    let mut forged = hall.client();
    forged.set_cookie("hall_session", &boss.cookie("hall_session_m2").unwrap());
    forged.set_cookie("hall_session_m2", &boss.cookie("hall_session_m2").unwrap());
    let guarded = |path: &str| ["/admin", "/terminal", "/api/v1/checkin"].iter().any(|part| path.starts_with(part));
    for writes in [false, true] {
        try_all(&forged, &ours, writes, guarded, |how, at, answer| {
            assert!(!answer.body.contains(OURS), "{how} {at} shows the platform's: {}", answer.body);
            let shut = matches!(answer.status, 303 | 401 | 403 | 404 | 422 | 429)
                || at.ends_with("worker.js")
                || at.ends_with("webmanifest")
                || at.ends_with("/pair");
            assert!(shut, "{how} {at}: {}", answer.status);
        });
    }
    assert_eq!(log(&admin), before, "nothing was changed in the platform's space");
    let folder = hall.data.clone();
    let _kept = hall.end_and_keep();
    let verified = std::process::Command::new(env!("CARGO_BIN_EXE_huiguan"))
        .args(["verify", "--data"])
        .arg(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("space 2: "), "{said}");
}

/// Addresses in a page's tags that lead out of the merchant's space.
fn strays(html: &str) -> Vec<String> {
    let mut out = Vec::new();
    for tag in html.split('<').skip(1).filter_map(|part| part.split('>').next()) {
        for (at, _) in tag.match_indices("=\"/") {
            let name = tag[..at].rsplit(' ').next().unwrap();
            let to = tag[at + 2..].split('"').next().unwrap();
            let typed = ["value", "placeholder", "content", "aria-label", "d"].contains(&name);
            if !typed && !to.starts_with("//") && !to.starts_with("/asset/") && !to.starts_with("/m/2/") {
                out.push(format!("{name}={to}"));
            }
        }
    }
    out
}

#[test]
fn everything_works_in_a_merchants_space_and_its_pages_stay_within_it() {
    assert_eq!(
        strays("<a href=\"/x\"><b data-y=\"/z\"><a href=\"/m/2/\"><input value=\"/q\">"),
        ["href=/x", "data-y=/z"]
    );
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let boss = merchant(&hall, &admin, "qingsong");
    let theirs = furnish(&hall, &boss, THEIRS);
    let before = log(&admin);
    let (seen, shown) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    try_all(
        &boss,
        &theirs,
        false,
        |path| !path.ends_with("/live"),
        |how, at, answer| {
            assert!(answer.status < 500, "{how} {at}: {}", answer.status);
            if answer.headers.get("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
                assert_eq!(strays(&answer.body), Vec::<String>::new(), "{how} {at}");
                seen.set(seen.get() + 1);
            }
            shown.set(shown.get() + usize::from(answer.status == 200 && answer.body.contains(THEIRS)));
        },
    );
    assert!(
        seen.get() > 100 && shown.get() > 40,
        "{} pages, {} with something of the merchant's",
        seen.get(),
        shown.get()
    );
    // Search, home page, codes and files are the merchant's own.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !boss.get(&format!("/admin/search?q={}", crate::hall::encode(THEIRS))).body.contains("/m/2/admin/event/1") {
        assert!(std::time::Instant::now() < deadline, "what a merchant made is found");
    }
    let found = admin.get(&format!("/admin/search?q={}", crate::hall::encode(THEIRS))).body;
    assert!(!found.contains("/admin/event/1"), "and not from outside");
    assert!(
        boss.get("/admin/event/1/promotion").body.contains("/m/2/event/1"),
        "the event's code leads into the space"
    );
    let ticket = boss.get(&format!("/ticket/{}", theirs.values["link"])).body;
    assert!(ticket.contains(THEIRS));
    let calendar = boss.get("/event/1/calendar.ics").body;
    assert!(calendar.contains("/m/2/event/1"), "{calendar}");
    assert_eq!(log(&admin), before);
}

#[test]
fn the_platform_decides_and_a_frozen_merchant_is_shut_at_once() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let boss = merchant(&hall, &admin, "qingsong");
    let id = event(&boss, THEIRS);
    let visitor = hall.client();
    assert!(!visitor.get("/").body.contains(THEIRS), "only by its own address until the platform shows it");
    assert!(visitor.get("/m/2/").body.contains(THEIRS));
    let show = [("revision", "0"), ("auto_public", "1"), ("title", "商户之家"), ("agreement", "规则")];
    assert_eq!(admin.post("/admin/merchant/setting", &show).status, 303);
    let home = visitor.get("/").body;
    assert!(home.contains(THEIRS) && home.contains(&format!("/m/2/event/{id}")), "{home}");
    // As a component, programs read it too; a component of the platform's own events shows it to nobody.
    let part = |source: &str| {
        let form = [("title", "近期"), ("style", "list"), ("count", "9"), ("source", source)];
        assert_eq!(admin.post("/admin/home/new", &form).status, 303);
    };
    part("own");
    part("both");
    let parts = visitor.get("/api/v1/home").json()["parts"].clone();
    assert_eq!(parts[0]["events"], json!([]), "{parts}");
    let shown = &parts[1]["events"][0];
    assert_eq!((&shown["name"], &shown["merchant"]), (&json!(THEIRS), &json!("qingsong")), "{parts}");
    assert!(shown["url"].as_str().is_some_and(|url| url.ends_with(&format!("/m/2/event/{id}"))), "{parts}");
    let home = visitor.get("/").body;
    assert_eq!(home.matches(THEIRS).count(), 1, "once, in its component alone: {home}");
    assert!(visitor.get("/?all=1").body.contains(THEIRS) && visitor.get("/part/2").body.contains("/m/2/event/"));
    assert!(visitor.get("/merchant").body.contains("商户之家"));
    assert!(admin.get("/admin").body.contains("生效商户"));
    // No price where none is granted.
    let kind = first_type(&boss, &id);
    let at = format!("/admin/event/{id}/ticket_type/{kind}");
    assert!(!boss.get(&at).body.contains("name=\"price\""));
    let priced = boss.post(&at, &[("name", "票"), ("price", "88"), ("enabled", "1")]);
    assert!(priced.status == 409 && priced.body.contains("未向本商户开放收费"), "{}", priced.body);
    let door = terminal_of(&hall, &boss, &id);
    let follow = boss.follow(&format!("/admin/event/{id}/live"));
    assert_eq!(admin.post("/admin/merchant/1/freeze", &[("reason", "")]).status, 422);
    assert_eq!(admin.post("/admin/merchant/1/freeze", &[("reason", "欠费")]).status, 303);
    follow();
    for path in ["/", "/admin", "/login", &format!("/event/{id}"), "/api/v1/home", "/terminal", "/admin/event/1/live"] {
        let shut = boss.get(path);
        assert!(shut.status == 403 && !shut.body.contains(THEIRS), "{path}: {}", shut.body);
    }
    let scan = door.json("/api/v1/checkin/redeem", &json!({ "code": "1", "nonce": "n" }));
    assert!(scan.status == 403 && scan.json()["code"] == "merchant.closed_pages", "{}", scan.body);
    assert!(!visitor.get("/").body.contains(THEIRS));
    let refused = hall.client().post("/merchant", &[("login", "qingsong"), ("password", PASSWORD)]);
    assert!(refused.status == 403 && refused.body.contains("已被冻结"), "{}", refused.body);
    let wrong = hall.client().post("/merchant", &[("login", "qingsong"), ("password", "wrong wrong wrong")]);
    let unknown = hall.client().post("/merchant", &[("login", "nobody"), ("password", "wrong wrong wrong")]);
    assert!(wrong.status == unknown.status && wrong.body.replace("qingsong", "") == unknown.body.replace("nobody", ""));
    assert_eq!(admin.post("/admin/merchant/1/restore", &[]).status, 303);
    assert_eq!(boss.get("/admin").status, 303, "the old session has ended");
    let boss = enter(&hall.client(), "qingsong");
    assert_eq!(boss.get("/admin").status, 200);
    assert_eq!(admin.post("/admin/merchant/1/close", &[("typed", "other")]).status, 422);
    assert_eq!(admin.post("/admin/merchant/1/close", &[("typed", "qingsong")]).status, 303);
    assert_eq!(boss.get("/admin").status, 403);
    for path in ["/m/1/", "/m/3/", "/m/02/", "/m/x/admin"] {
        assert_eq!(visitor.get(path).status, 404, "{path}");
    }
}

#[test]
fn whoever_may_not_look_after_merchants_is_denied() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let boss = merchant(&hall, &admin, "qingsong");
    let bare = crate::scenario::staff(&hall, &admin, "bare", &[("event.view", "space")]);
    let nobody = hall.client();
    for path in ["/admin/merchant", "/admin/merchant/new", "/admin/merchant/setting", "/admin/merchant/1"] {
        assert_eq!((admin.get(path).status, bare.get(path).status), (200, 403), "{path}");
        assert_eq!((boss.get(path).status, nobody.get(path).status), (404, 303), "{path}");
    }
    let form = [("name", "x"), ("reason", "x"), ("typed", "qingsong"), ("password", PASSWORD), ("revision", "0")];
    for path in
        ["new", "setting", "1", "1/password", "1/freeze", "1/restore", "1/close", "1/approve", "1/reject", "1/purge"]
    {
        let at = format!("/admin/merchant/{path}");
        assert_eq!(bare.post(&at, &form).status, 403, "{at}");
        assert_eq!((boss.post(&at, &form).status, nobody.post(&at, &form).status), (404, 303), "{at}");
    }
    assert_eq!(boss.get("/merchant").status, 404, "a merchant has no merchants");
    assert_eq!(nobody.get("/merchant/register").status, 404, "registering is closed at first");
    let open = [("revision", "0"), ("open", "1"), ("agreement", "# 规则\n<script>alert(1)</script>")];
    assert_eq!(admin.post("/admin/merchant/setting", &open).status, 303);
    let page = nobody.get("/merchant/register").body;
    assert!(page.contains("规则") && !page.contains("<script>alert"));
    let form =
        [("name", "<b>松"), ("contact", "李"), ("phone", "13900000002"), ("login", "song"), ("password", PASSWORD)];
    let refused = nobody.post("/merchant/register", &form);
    assert!(refused.status == 422 && refused.body.contains("请先同意注册协议") && refused.body.contains("&lt;b&gt;松"));
    assert!(!refused.body.contains(PASSWORD), "passwords are not sent back");
    let sent = nobody.post("/merchant/register", &[&form[..], &[("agreed", "1")]].concat());
    let at = sent.location.expect("an application has its page");
    assert!(nobody.get(&at).body.contains("待审核"));
    assert!(admin.get("/admin/merchant?state=applied").body.contains("&lt;b&gt;松"));
    assert_eq!(admin.post("/admin/merchant/2/approve", &[("login", "song")]).status, 303);
    assert!(nobody.get(&at).body.contains("生效中"));
    assert_eq!(enter(&hall.client(), "song").get("/admin").status, 200);
}

/// A picture of one colour.
fn picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(64, 64, image::Rgb([180, 60, 40]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

#[test]
fn pictures_of_the_login_page_are_shown_to_everybody() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let at = "/admin/merchant/setting";
    let put =
        |revision: &str, name: &str, bytes: &[u8]| admin.upload(at, &[("revision", revision)], (name, "a.png", bytes));
    assert_eq!(put("0", "logo", &picture()).status, 303);
    assert_eq!(put("1", "background", &picture()).status, 303);
    let wrong = put("2", "background", b"<svg onload=alert(1)>");
    assert!(wrong.status == 422 && wrong.body.contains("e-background"), "{}", wrong.body);
    let nobody = hall.client();
    let page = nobody.get("/merchant").body;
    for id in [1, 2] {
        assert!(page.contains(&format!("/picture/{id}")), "{page}");
        assert_eq!(nobody.get(&format!("/picture/{id}")).headers["content-type"], "image/jpeg");
    }
    assert_eq!(admin.post(at, &[("revision", "2"), ("no_logo", "1"), ("no_background", "1")]).status, 303);
    assert!(!nobody.get("/merchant").body.contains("/picture/"));
    assert_eq!(admin.post(at, &[("revision", "2")]).status, 409, "a form of before is refused");
}

#[test]
fn two_accounts_are_logged_in_side_by_side_in_one_browser() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    merchant(&hall, &admin, "qingsong");
    merchant(&hall, &admin, "yunhe");
    // One jar of cookies for all three.
    let (first, second) = (enter(&admin, "qingsong"), enter(&admin, "yunhe"));
    assert_eq!((first.base.ends_with("/m/2"), second.base.ends_with("/m/3")), (true, true));
    for client in [&admin, &first, &second] {
        assert_eq!(client.get("/admin").status, 200);
    }
    let (here, there) = (event(&first, THEIRS), event(&admin, OURS));
    assert_eq!(here, there, "both are number one of their space");
    assert!(first.get("/event/1").body.contains(THEIRS) && admin.get("/event/1").body.contains(OURS));
    assert_eq!(second.get("/event/1").status, 404);
    assert_eq!(first.post("/logout", &[]).status, 303);
    assert_eq!((first.get("/admin").status, second.get("/admin").status, admin.get("/admin").status), (303, 200, 200));
}

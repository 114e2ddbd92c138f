//! The API held against its description: by schemathesis, by the TypeScript compiler over a sample page, and route by route: lists have ETags, and
//! whatever the phone pages can do has a route.

use crate::hall::{Client, Hall, PASSWORD, encode};
use crate::merchant::{OURS, furnish, routes};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn tools() -> PathBuf {
    std::env::var("HUIGUAN_TEST_TOOLS").unwrap_or_else(|_| "/var/tmp/huiguan-test-tools".into()).into()
}

/// Every operation of the description: method, path, what it says.
fn operations(described: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.push((method.clone(), path.clone(), operation.clone()));
        }
    }
    assert!(all.len() > 60, "{}", all.len());
    all
}

/// What is held against the description. Off are, each for its reason: `positive_data_acceptance` (what fits a schema may be refused by a rule:
/// a phone number that is none, an event that is over), `use_after_free` and `ensure_resource_availability` (they need answers that lead to
/// further requests), `object_level_authorization` (whoever has a link holds the thing; that is tried in `identity` and `mini`), and
/// `missing_required_header` (the only one is Authorization, which `ignored_auth` leaves out too; but a key that came with another request is refused
/// before it matters who asks, and not with 401).
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
    response_schema_conformance,negative_data_rejection,unsupported_method,ignored_auth";

/// Runs schemathesis as somebody with that token; `settings` is its settings file.
fn hold(hall: &Hall, folder: &Path, token: Option<&str>, examples: &str, more: &[&str], settings: &str) {
    let file = folder.join("schemathesis.toml");
    std::fs::write(&file, settings).unwrap();
    let mut st = Command::new(tools().join("schemathesis/bin/st"));
    st.arg("--config-file").arg(&file).args([
        "run",
        &format!("{}/api/v1/openapi.json", hall.base),
        "--url",
        &hall.base,
    ]);
    st.args(["--checks", CHECKS, "--phases", "coverage,fuzzing", "--max-examples", examples, "--workers", "1"]);
    // The same cases each time.
    st.args(["--generation-deterministic", "--continue-on-failure", "--no-color", "--warnings", "off"]);
    // A slow machine is no fault; one that does not answer is.
    st.args(["--suppress-health-check", "all", "--request-timeout", "30"]);
    st.args(more).current_dir(folder).env("HYPOTHESIS_STORAGE_DIRECTORY", folder);
    if let Some(token) = token {
        st.args(["-H", &format!("Authorization: Bearer {token}")]);
    }
    let done = st.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let end = said.find("= FAILURES").or_else(|| said.find("= ERRORS")).unwrap_or(0);
    assert!(done.status.success(), "{}{}", &said[end..], String::from_utf8_lossy(&done.stderr));
    let tested: Vec<&str> = said.lines().filter(|line| line.trim_start().starts_with("Tested:")).collect();
    eprintln!("schemathesis: {} {}", tested.join(" ").trim(), said.lines().last().unwrap_or(""));
}

/// The rest of the line that the demonstration begins so.
fn told<'a>(hall: &'a Hall, beginning: &str) -> &'a str {
    let line = hall.said.iter().find_map(|line| line.trim_start().strip_prefix(beginning));
    line.unwrap_or_else(|| panic!("the demonstration says where its {beginning} is")).trim()
}

/// Somebody who is logged in by a code that the demonstration's post office took.
fn member(hall: &Hall, phone: &str) -> Client {
    let mut client = hall.client();
    let sent = client.json("/api/v1/sessions/code", &json!({ "channel": "sms", "to": phone }));
    assert_eq!(sent.status, 202, "{}", sent.body);
    let mut office = hall.client();
    office.base = told(hall, "post office").split_whitespace().next().unwrap().into();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let code = loop {
        let page = office.get("").body;
        let row = page.split("<tr>").find(|row| row.contains(phone) && row.contains('】')).map(str::to_owned);
        let text = row.and_then(|row| row.split('】').nth(1).map(str::to_owned)).unwrap_or_default();
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        if digits.len() == 6 {
            break digits;
        }
        assert!(std::time::Instant::now() < deadline, "the code is sent: {page}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    let begun = client.json("/api/v1/sessions", &json!({ "channel": "sms", "to": phone, "code": code }));
    assert_eq!(begun.status, 201, "{}", begun.body);
    client.bearer = begun.json()["token"].as_str().map(str::to_owned);
    client
}

#[test]
fn schemathesis_finds_nothing_that_the_description_does_not_say() {
    let folder = tempfile::tempdir().unwrap();
    let free = [("HUIGUAN_API_PERSON_RATE", "0"), ("HUIGUAN_API_ADDRESS_RATE", "0")];
    let hall = Hall::demo_with(&folder.path().join("data"), &free);
    // Whoever guesses has to wait: who is let in comes first.
    let member = member(&hall, "13712345678");
    let pair = told(&hall, "terminal").split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let device = hall.client().json("/api/v1/checkin/device/initialise", &json!({ "code": pair })).json();
    let token = device["token"].as_str().expect("the terminal is paired");
    let begun = std::time::Instant::now();
    // Anybody, about things that are mostly not there.
    hold(&hall, folder.path(), None, "4", &[], "");
    // A member who has a ticket and an order, about those. Logging out, or ending the session by the number that the list tells, would end the one
    // that asks; passing the ticket on would end its link.
    let shown = member.get("/api/v1/events/2").json();
    let kind = shown["ticket_types"].as_array().unwrap().iter().find(|kind| kind["offer"] == "open").unwrap();
    let asked = shown["questions"].as_array().unwrap().iter().filter(|question| question["required"] == true);
    let said = |question: &Value| question["choices"][0]["text"].as_str().unwrap_or("测试").to_owned();
    let answers: Vec<Value> = asked.map(|one| json!({ "question": one["id"], "values": [said(one)] })).collect();
    let person = json!({ "ticket_type": kind["id"], "name": "测试", "phone": "13712345678", "answers": answers });
    let order = json!({ "people": [person] });
    let order = member.json("/api/v1/events/2/orders", &order);
    assert_eq!(order.status, 201, "{}", order.body);
    let (link, ticket) = (order.json()["link"].clone(), order.json()["tickets"][0]["link"].clone());
    let settings = format!(
        "[parameters]\n\"path.event\" = 2\n\"path.draw\" = 1\n\
         [[operations]]\ninclude-path-regex = \"/orders/\"\nparameters = {{ \"path.link\" = {link} }}\n\
         [[operations]]\ninclude-path-regex = \"/tickets/\"\nparameters = {{ \"path.link\" = {ticket} }}\n"
    );
    let off = [
        "--exclude-path",
        "/api/v1/sessions/current",
        "--exclude-path",
        "/api/v1/tickets/{link}/transfer",
        "--exclude-operation-id",
        "deleteSessionsById",
    ];
    hold(&hall, folder.path(), member.bearer.as_deref(), "4", &off, &settings);
    assert_eq!(member.get("/api/v1/me").status, 200, "the session stood all the while");
    // A terminal at the door. Its token stays the same and good.
    let off = ["--include-path-regex", "/(checkin|helper)/", "--exclude-path-regex", "/device/(roll|revoke)"];
    let settings = format!("[parameters]\n\"query.event\" = {}\n", device["event"]);
    hold(&hall, folder.path(), Some(token), "8", &off, &settings);
    eprintln!("schemathesis: {:.0?} in all", begun.elapsed());
    assert!(hall.stop());
}

/// Compiles the sample page, with `from` in it replaced by `to`; what the compiler said when it did not.
fn compiled(folder: &Path, from: &str, to: &str) -> Result<(), String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/api");
    for name in ["wx.d.ts", "client.ts", "page.ts"] {
        let text = std::fs::read_to_string(sources.join(name)).unwrap();
        assert!(name != "page.ts" || from.is_empty() || text.contains(from), "{from} is in the page");
        let text = if name == "page.ts" && !from.is_empty() { text.replace(from, to) } else { text };
        std::fs::write(folder.join(name), text).unwrap();
    }
    let done = Command::new("node")
        .arg(tools().join("node_modules/typescript/bin/tsc"))
        .args(["--noEmit", "--strict", "--noUncheckedIndexedAccess", "--target", "es2022", "--lib", "es2022"])
        .args(["--module", "esnext", "--moduleResolution", "bundler", "page.ts", "wx.d.ts", "hall.d.ts"])
        .current_dir(folder)
        .output()
        .unwrap();
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stdout).into_owned()) }
}

#[test]
fn a_sample_page_compiles_by_types_of_the_description_and_a_wrong_field_does_not() {
    let hall = Hall::fresh();
    hall.set_up();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("openapi.json"), hall.client().get("/api/v1/openapi.json").body).unwrap();
    let made = Command::new("node")
        .arg(tools().join("node_modules/openapi-typescript/bin/cli.js"))
        .args(["openapi.json", "--output", "hall.d.ts"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    compiled(folder.path(), "", "").unwrap_or_else(|said| panic!("{said}"));
    let wrong = [
        ("ticket_type: kind.id", "ticket_typ: kind.id", "ticket_typ"),
        ("way: \"wechat\"", "way: 7", "number"),
        ("shown.checked_in === null", "shown.checkedin === null", "checkedin"),
        ("\"/api/v1/helper/totals\"", "\"/api/v1/helper/total\"", "/api/v1/helper/total"),
        ("nonce: key(\"scan\")", "", "nonce"),
    ];
    for (from, to, told) in wrong {
        let said = compiled(folder.path(), from, to).expect_err(to);
        assert!(said.contains("error TS") && said.contains(told), "{from} → {to}: {said}");
    }
    assert!(hall.stop());
}

/// Whether a schema is a list: an array, or a page with its rows.
fn is_list(described: &Value, schema: &Value) -> bool {
    let schema = schema["$ref"].as_str().map_or(schema, |path| described.pointer(&path[1..]).unwrap());
    schema["type"] == "array" || schema["properties"]["items"]["type"] == "array"
}

/// Answers that tell the box's clock are never the same twice.
const CLOCKS: &[&str] = &["/api/v1/checkin/status", "/api/v1/checkin/snapshot", "/api/v1/checkin/changes"];

#[test]
fn every_list_has_an_etag_and_what_did_not_change_is_not_sent_again() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let things = furnish(&hall, &admin, OURS);
    let mut door = hall.client();
    door.bearer = things.values.get("device_token").cloned();
    let mut member = hall.client();
    crate::wechat::Outside::start_for(&admin, |outside| {
        let code = outside.world.login_code(crate::wechat::MINI, "甲");
        let begun = member.json("/api/v1/sessions/wechat", &json!({ "code": code }));
        assert_eq!(begun.status, 201, "{}", begun.body);
        member.bearer = begun.json()["token"].as_str().map(str::to_owned);
    });
    let described = admin.get("/api/v1/openapi.json").json();
    let (mut lists, mut answered) = (0, 0);
    for (_, path, operation) in operations(&described).into_iter().filter(|one| one.0 == "get") {
        let at = things.fill(&path, "").replace("/draws/join", "/draws/join?code=x");
        let event = &things.values["event"];
        // The secretariat sees more at the door than a terminal: it names the event.
        let at = if at.contains("/checkin/") || at.contains("/helper/") {
            format!("{at}?event={event}&q={}&after=0", encode(OURS))
        } else {
            at
        };
        let client = if at.contains("/checkin/") || at.contains("/helper/") { &admin } else { &member };
        let answer = client.get(&at);
        let list = is_list(&described, &operation["responses"]["200"]["content"]["application/json"]["schema"]);
        assert!(!list || answer.status == 200, "{at}: {} {}", answer.status, answer.body);
        if answer.status != 200 {
            assert!(answer.status < 500, "{at}: {}", answer.body);
            continue;
        }
        let tag = answer.headers.get("etag").unwrap_or_else(|| panic!("{at} has no ETag")).clone();
        answered += 1;
        lists += usize::from(list);
        if CLOCKS.contains(&path.as_str()) {
            continue;
        }
        let known = client.with(&at, &[("if-none-match", &tag)]);
        assert_eq!((known.status, known.body.as_str()), (304, ""), "{at}");
        assert_eq!(known.headers.get("etag"), Some(&tag), "{at}");
        let other = client.with(&at, &[("if-none-match", "\"another\"")]);
        assert_eq!((other.status, &other.body), (200, &answer.body), "{at}");
    }
    assert!(lists >= 11 && answered >= 22, "{lists} lists, {answered} answers");
    assert!(hall.stop());
}

/// What of the phone pages each route of the API does: method and path of the page, then of the API; or why there is none, after `-`.
const TABLE: &str = include_str!("api/phone.toml");

#[test]
fn whatever_the_phone_pages_can_do_has_a_route() {
    let hall = Hall::fresh();
    let described = hall.set_up().get("/api/v1/openapi.json").json();
    let known: BTreeSet<String> =
        operations(&described).iter().map(|(method, path, _)| format!("{} {path}", method.to_uppercase())).collect();
    let table: BTreeMap<String, String> = toml::from_str(TABLE).unwrap();
    for (page, does) in &table {
        match does.strip_prefix('-') {
            Some(why) => assert!(why.trim().len() > 10, "{page}: say why"),
            None => {
                for one in does.split(',').map(str::trim) {
                    assert!(known.contains(one), "{page}: {one} is no route of the API");
                }
            }
        }
    }
    let mut verbs = BTreeSet::new();
    for (path, methods) in routes() {
        if ["/admin", "/api"].iter().any(|start| path == *start || path.starts_with(&format!("{start}/"))) {
            continue;
        }
        verbs.extend(methods.iter().map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let missing: Vec<&String> = verbs.iter().filter(|verb| !table.contains_key(*verb)).collect();
    assert!(
        missing.is_empty(),
        "say in tests/api/phone.toml which route of the API does it, or why none: {missing:#?}"
    );
    let stale: Vec<&String> = table.keys().filter(|page| !verbs.contains(*page)).collect();
    assert!(stale.is_empty(), "no page any more: {stale:#?}");
    assert!(hall.stop());
}

/// The guide for whoever sets a mini-program up.
const GUIDE: &str = include_str!("../docs/mini-program.md");

/// What the guide calls things of ours by: pages, fields, buttons and signs, as the interface has them.
const GUIDE_NAMES: &[&str] = &[
    "设置",
    "微信与企业微信",
    "密钥（Secret）",
    "AgentId",
    "EncodingAESKey",
    "保存",
    "测试",
    "正常",
    "域名校验文件",
    "消息设置",
    "消息模板",
    "小程序消息",
    "公众号消息",
    "模板编号",
    "参数对应",
    "预览",
    "发件箱",
    "微信发货信息",
    "查找我的门票",
    "微信登录，打开我的门票",
    "用微信扫一扫",
    "给企业微信成员发消息",
    "付款方式",
    "微信支付商户设置",
    "第二个 AppID",
    "档案合并",
    "最近的推送",
    "其他接口地址",
];

#[test]
fn the_guide_of_the_mini_program_names_only_what_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // Words of the interface.
    let mut words = BTreeSet::new();
    for entry in std::fs::read_dir(root.join("assets/text/zh")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        words.extend(toml::from_str::<BTreeMap<String, String>>(&text).unwrap().into_values());
    }
    for name in GUIDE_NAMES {
        assert!(GUIDE.contains(name), "{name} is in the guide no more: take it off this list");
        assert!(words.contains(*name), "{name} is the name of nothing in the interface");
    }
    // Every address: of the router, with its method where one stands in front.
    let known = routes();
    let shape = |path: &str| {
        let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    };
    let quoted: Vec<&str> = GUIDE.split('`').skip(1).step_by(2).collect();
    let mut seen = 0;
    for quote in &quoted {
        let (method, path) = match quote.split_once(' ') {
            Some((method @ ("GET" | "POST" | "PUT" | "DELETE"), path)) => (method.to_lowercase(), path),
            _ => (String::new(), quote.strip_prefix("https://hall.example.org").unwrap_or(quote)),
        };
        // A file of proof is one of whatever name.
        let path = if path.ends_with(".txt") { "/{file}" } else { path };
        if !path.starts_with('/') {
            continue;
        }
        let route = known.iter().find(|(route, _)| shape(route) == shape(path));
        let (_, methods) = route.unwrap_or_else(|| panic!("{path} is no address of ours"));
        assert!(method.is_empty() || methods.contains(method.as_str()), "{path} takes no {method}");
        seen += 1;
    }
    assert!(seen >= 16, "{seen}");
    // Words of the API, and files of the tree.
    let described = std::fs::read_dir(root.join("src/web/api")).unwrap().map(|entry| entry.unwrap().path());
    let described: String = described.filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    for word in ["wechat_phone", "phone_code", "Idempotency-Key", "language", "way", "official", "code", "wechat"] {
        assert!(quoted.contains(&word), "`{word}` is in the guide no more");
        assert!(described.contains(word), "{word} is no word of the API");
    }
    for quote in quoted.iter().filter(|quote| quote.starts_with("tests/") || quote.starts_with("docs/")) {
        assert!(root.join(quote).is_file(), "{quote} is no file of the tree");
    }
    let settings = std::fs::read_to_string(root.join("src/server/settings.rs")).unwrap();
    assert!(quoted.contains(&"public_url") && settings.contains("public_url"));
}

#[test]
fn what_is_kept_of_answers_is_gone_with_the_next_commit() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let visitor = hall.client();
    for round in 0..20 {
        let name = format!("第 {round} 场");
        let before = visitor.get("/api/v1/events");
        // Asked again at once, while nothing was committed.
        assert_eq!(visitor.get("/api/v1/events").body, before.body);
        crate::hall::event(&admin, &name);
        let after = visitor.get("/api/v1/events");
        assert!(
            after.body.contains(&name),
            "what was answered to the secretariat is what visitors see: {}",
            after.body
        );
        assert_ne!(after.headers["etag"], before.headers["etag"]);
        assert_eq!(visitor.with("/api/v1/events", &[("if-none-match", &before.headers["etag"])]).status, 200);
    }
    // Another language, another host, and who is logged in have answers of their own.
    let mut english = hall.client();
    english.set_cookie("hall_language", "en");
    let link = |client: &Client| client.get("/api/v1/tickets/none");
    let (chinese, english) = (link(&visitor).json(), link(&english).json());
    assert_ne!(chinese["message"], english["message"]);
    let elsewhere = visitor.with("/api/v1/events", &[("host", "hall.example.org")]);
    assert!(elsewhere.body.contains("http://hall.example.org/event/"), "{}", elsewhere.body);
    assert!(visitor.get("/api/v1/events").body.contains(&hall.base));
    assert_eq!(hall.client().post("/login", &[("login", "admin"), ("password", PASSWORD)]).status, 303);
    assert!(hall.stop());
}

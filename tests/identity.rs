//! People who are no staff, through the API and on the phone pages: logging in by code, what is theirs, requests that are done once, limits,
//! other sites' scripts, proxies.

use crate::hall::{Answer, Client, Hall, event, first_type};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

const PHONE: &str = "13812345678";

/// A code that is asked for while the box is stopped, as the route asks for it.
fn asked_code(folder: &std::path::Path) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(bench::fill::login_code(folder)).unwrap()
}

fn keyed(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    client.send_json("POST", path, &[("idempotency-key", key)], body)
}

fn order(kind: &str, name: &str, phone: &str) -> Value {
    json!({ "people": [{ "ticket_type": kind.parse::<u64>().unwrap(), "name": name, "phone": phone }] })
}

#[test]
fn a_member_registers_logs_in_by_code_and_finds_what_is_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let hall = Hall::at(&data);
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let anybody = hall.client();
    let listed = anybody.get("/api/v1/events");
    assert_eq!(listed.json()["items"][0]["name"].as_str(), Some("年会"));
    let tag = listed.headers["etag"].clone();
    let same = anybody.with("/api/v1/events", &[("if-none-match", &tag)]);
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    let shown = anybody.get(&format!("/api/v1/events/{event}")).json();
    assert_eq!(shown["ticket_types"][0]["offer"].as_str(), Some("open"), "{shown}");
    let path = format!("/api/v1/events/{event}/orders");
    let placed = keyed(&anybody, &path, "key-000000000001", &order(&kind, "张三", PHONE));
    assert_eq!(placed.status, 201, "{}", placed.body);
    let again = keyed(&anybody, &path, "key-000000000001", &order(&kind, "张三", PHONE));
    assert_eq!((again.status, again.body.as_str()), (201, placed.body.as_str()));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = keyed(&anybody, &path, "key-000000000001", &order(&kind, "李四", "13900001111"));
    assert_eq!((other.status, other.json()["code"].as_str().unwrap()), (409, "once.other"));
    let twice = anybody.json(&path, &order(&kind, "张三", PHONE));
    assert_eq!(twice.status, 409, "one phone has one place: {}", twice.body);
    let wrong = anybody.json(&path, &order(&kind, "", "12"));
    let fields: Vec<String> =
        wrong.json()["fields"].as_array().unwrap().iter().map(|f| f["field"].as_str().unwrap().to_owned()).collect();
    assert_eq!((wrong.status, fields), (422, vec!["people[0].name".to_owned(), "people[0].phone".to_owned()]));
    let sent = anybody.json("/api/v1/sessions/code", &json!({ "channel": "sms", "to": PHONE }));
    assert_eq!((sent.status, sent.json()["code"].as_str().unwrap()), (409, "sms.off"), "no provider is set up yet");
    assert!(hall.stop());
    let code = asked_code(folder.path());
    let hall = Hall::at(&data);
    let mut member = hall.client();
    let after = keyed(&member, &path, "key-000000000001", &order(&kind, "张三", PHONE));
    assert_eq!(after.body, placed.body, "what was answered is on disk");
    let login = json!({ "channel": "sms", "to": PHONE, "code": code, "device": "iPhone" });
    let session = keyed(&member, "/api/v1/sessions", "login-0000000001", &login);
    assert_eq!(session.status, 201, "{}", session.body);
    assert_eq!(
        keyed(&member, "/api/v1/sessions", "login-0000000001", &login).body,
        session.body,
        "a retry logs in too"
    );
    let spent = member.json("/api/v1/sessions", &login);
    assert_eq!(spent.status, 422, "but the code works once");
    assert_eq!(member.get("/api/v1/me").status, 401);
    member.bearer = Some(session.json()["token"].as_str().unwrap().to_owned());
    let me = member.get("/api/v1/me").json();
    assert_eq!((me["name"].as_str(), me["phone"].as_str()), (Some("张三"), Some(PHONE)));
    let tickets = member.get("/api/v1/me/tickets").json();
    let link = tickets["items"][0]["link"].as_str().unwrap().to_owned();
    let ticket = member.get(&format!("/api/v1/tickets/{link}")).json();
    assert_eq!((ticket["name"].as_str(), ticket["state"].as_str()), (Some("张三"), Some("active")));
    assert_eq!(member.get("/api/v1/me/orders").json()["items"][0]["number"], placed.json()["number"]);
    let notices = member.get("/api/v1/me/notices").json();
    assert!(notices["items"][0]["text"].as_str().unwrap().contains("年会"), "{notices}");
    assert_eq!(member.get("/api/v1/me/prizes").json(), json!([]));
    let put = member.send_json("PUT", "/api/v1/me", &[], &json!({ "name": "张三丰", "company": "武当" }));
    assert_eq!(put.json()["company"].as_str(), Some("武当"));
    let mut browser = hall.client();
    browser.set_cookie("hall_person", member.bearer.as_ref().unwrap());
    let page = browser.get("/my").body;
    assert!(page.contains("年会") && page.contains("张三丰"), "the phone pages know the same session");
    assert!(browser.get("/my/session").body.contains("iPhone"));
    let sessions = member.get("/api/v1/sessions").json();
    assert_eq!((sessions.as_array().unwrap().len(), sessions[0]["current"].as_bool()), (1, Some(true)));
    assert_eq!(member.send_json("DELETE", "/api/v1/sessions/current", &[], &Value::Null).status, 204);
    assert_eq!(member.get("/api/v1/me").status, 401);
    assert!(hall.stop());
}

#[test]
fn every_route_is_described_and_every_refusal_has_one_shape() {
    let hall = Hall::fresh();
    hall.set_up();
    let nobody = hall.client();
    let described = nobody.get("/api/v1/openapi.json").json();
    let mut forged = hall.client();
    forged.bearer = Some("0123456789ABCDEF0123456789ABCDEF".into());
    let mut tried = 0;
    for (path, methods) in described["paths"].as_object().unwrap() {
        let path = ["{event}", "{order}", "{id}", "{draw}", "{series}"]
            .iter()
            .fold(path.clone(), |path, of| path.replace(of, "1"));
        let path = path.replace("{link}", "x").replace("{number}", "x");
        for (method, operation) in methods.as_object().unwrap() {
            let closed = operation["security"].as_array().is_some_and(|security| !security.is_empty());
            let body = if method == "get" { Value::Null } else { json!({}) };
            let answer = forged.send_json(&method.to_uppercase(), &path, &[], &body);
            assert!(
                operation["responses"].get(answer.status.to_string()).is_some(),
                "{method} {path} {}",
                answer.status
            );
            assert!(!closed || answer.status == 401, "{method} {path} {}", answer.status);
            if answer.status >= 400 {
                let fault = answer.json();
                let whole = ["code", "message", "request"].iter().all(|part| fault[part].is_string());
                assert!(whole && fault["fields"].is_array(), "{method} {path}: {fault}");
                assert_ne!(fault["code"].as_str(), Some("page.missing"), "{method} {path} is no route");
            }
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried}");
    let missing = nobody.get("/api/v1/nothing");
    assert_eq!((missing.status, missing.json()["code"].as_str().unwrap()), (404, "page.missing"));
    let method = nobody.send_json("DELETE", "/api/v1/events", &[], &Value::Null);
    assert_eq!((method.status, method.json()["code"].as_str().unwrap()), (405, "method.wrong"));
    assert!(method.headers["allow"].contains("GET"));
    let page = nobody.get("/api").body;
    assert!(page.contains("/api/v1/events/{event}/orders") && page.contains("people"), "people can read it");
    let sources =
        ["door", "draw", "event", "helper", "holder", "home", "invoice", "me", "order", "pay", "session", "ticket"];
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/api");
    for source in sources {
        let text = std::fs::read_to_string(root.join(format!("{source}.rs"))).unwrap();
        assert!(!text.contains(".route("), "{source} adds a route beside its description");
    }
}

#[test]
fn a_script_of_a_named_site_may_ask_without_cookies_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let site = ("HUIGUAN_API_ORIGINS", "https://app.example, https://b.example");
    let hall = Hall::with_settings(&folder.path().join("data"), "127.0.0.1:0", &[site]);
    let admin = hall.set_up();
    let allowed = admin.with("/api/v1/events", &[("origin", "https://app.example")]);
    assert_eq!(allowed.headers["access-control-allow-origin"], "https://app.example");
    let other = admin.with("/api/v1/events", &[("origin", "https://evil.example")]);
    assert_eq!(other.headers.get("access-control-allow-origin"), None);
    let from = |origin: &'static str| [("origin", origin), ("sec-fetch-site", "cross-site")];
    let code = json!({ "channel": "sms", "to": "1" });
    let path = "/api/v1/sessions/code";
    assert_eq!(admin.send_json("POST", path, &from("https://app.example"), &code).status, 422, "it is read");
    assert_eq!(admin.send_json("POST", path, &from("https://evil.example"), &code).status, 403, "it is not");
    let status = "/api/v1/checkin/status?event=1";
    assert_ne!(admin.get(status).status, 401);
    assert_eq!(admin.with(status, &from("https://app.example")).status, 401, "cookies count for nothing there");
    let preflight = admin.send_json("OPTIONS", path, &from("https://app.example"), &Value::Null);
    assert_eq!(
        (preflight.status, preflight.headers["access-control-allow-methods"].as_str()),
        (204, "GET, POST, PUT, DELETE")
    );
}

#[test]
fn whoever_asks_too_often_waits_and_only_a_known_proxy_speaks_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let slow = ("HUIGUAN_API_ADDRESS_RATE", "1");
    let hall = Hall::with_settings(&data, "127.0.0.1:0", &[slow]);
    hall.set_up();
    let ask = |hall: &Hall, from: &str| hall.client().with("/api/v1/events", &[("x-forwarded-for", from)]);
    let burst = |hall: &Hall| (0..20).all(|_| ask(hall, "203.0.113.1").status == 200);
    assert!(burst(&hall));
    let refused = ask(&hall, "203.0.113.2");
    assert_eq!(
        (refused.status, refused.json()["code"].as_str().unwrap()),
        (429, "rate.exceeded"),
        "nobody is believed"
    );
    assert!(refused.headers["retry-after"].parse::<u32>().unwrap() > 0);
    assert!(hall.stop());
    let hall = Hall::with_settings(&data, "127.0.0.1:0", &[slow, ("HUIGUAN_FORWARDED_FROM", "127.0.0.0/8")]);
    assert!(burst(&hall));
    assert_eq!((ask(&hall, "203.0.113.1").status, ask(&hall, "203.0.113.2").status), (429, 200));
    assert!(hall.stop());
    let hall = Hall::with_settings(&data, "127.0.0.1:0", &[("HUIGUAN_PROXY_PROTOCOL_FROM", "127.0.0.1")]);
    let raw = |head: &str| {
        let mut stream = TcpStream::connect(hall.base.trim_start_matches("http://")).unwrap();
        stream
            .write_all(format!("{head}GET /api/v1/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .unwrap();
        let mut said = Vec::new();
        // A connection that is cut may be reset; what counts is that nothing was answered.
        drop(stream.read_to_end(&mut said));
        String::from_utf8_lossy(&said).into_owned()
    };
    assert!(raw("PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\n").starts_with("HTTP/1.1 200"));
    assert_eq!(raw(""), "", "a connection without the head is cut");
}

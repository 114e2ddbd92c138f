//! API clients end to end: each operation held against its scope, every way to be refused, what stays after the power is cut, and the pages in a
//! real browser.

use crate::hall::{Client, Hall, event, first_type, number, person, unspeakable};
use crate::stage::png;
use serde_json::{Value, json};
use std::path::Path;

/// A day so many days from now, as a form takes it.
fn day(days: i64) -> String {
    crate::hall::local(days * 24 * 60)[..10].to_owned()
}

/// Makes an API client that ends in a month; answers its secret, which no log may hold.
pub fn made(admin: &Client, name: &str, scopes: &[&str]) -> String {
    made_with(admin, name, scopes, "")
}

fn made_with(admin: &Client, name: &str, scopes: &[&str], networks: &str) -> String {
    let until = day(30);
    let mut form = vec![("name", name), ("purpose", "测试"), ("until", until.as_str()), ("networks", networks)];
    form.extend(scopes.iter().map(|scope| ("scopes", *scope)));
    let page = admin.post("/admin/client", &form);
    assert_eq!(page.status, 200, "{}", page.body);
    secret_on(&page.body)
}

fn secret_on(page: &str) -> String {
    let secret = page.split("class=\"secret\">").nth(1).expect("the secret is shown").split('<').next().unwrap();
    unspeakable(secret);
    unspeakable(secret.rsplit('_').next().unwrap());
    secret.to_owned()
}

fn program(hall: &Hall, secret: &str) -> Client {
    let mut client = hall.client();
    client.bearer = Some(secret.to_owned());
    client
}

fn code(client: &Client, path: &str) -> (u16, String) {
    let answer = client.get(path);
    let code = if answer.status < 400 { String::new() } else { answer.json()["code"].as_str().unwrap().to_owned() };
    (answer.status, code)
}

const SCOPES: &[&str] = &["event.view", "registration.view", "checkin.scan", "checkin.mark", "order.review"];

#[test]
fn every_operation_is_open_to_its_scopes_and_closed_to_all_others() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let id = event(&admin, "年会");
    let ticket = person(&admin, &id, &first_type(&admin, &id), "张三", "13800000001");
    let picture = format!("/admin/event/{id}/registration/{ticket}/portrait/upload");
    assert_eq!(admin.upload(&picture, &[], ("picture", "a.png", &png(9, 9))).status, 303);
    let code = number(&admin, &id, &ticket);
    let described = admin.get("/api/v1/openapi.json").json();
    let whole = program(&hall, &made(&admin, "全部", SCOPES));
    let single: Vec<(&str, Client)> =
        SCOPES.iter().map(|scope| (*scope, program(&hall, &made(&admin, scope, &[scope])))).collect();
    let ask = |client: &Client, method: &str, path: &str| {
        let filled = path.replace("{event}", &id).replace("{order}", "1").replace("{draw}", "1").replace("{id}", "1");
        let filled = filled
            .replace("{link}", "0000000000000000000000000A")
            .replace("{number}", "1")
            .replace("{certificate}", "1");
        let at = format!("{filled}?event={id}&after=0&q=ab&code=x&number={code}");
        let body = if method == "get" || method == "delete" { Value::Null } else { json!({}) };
        let answer = client.send_json(&method.to_uppercase(), &at, &[], &body);
        let code = serde_json::from_str::<Value>(&answer.body).ok();
        let code = code.and_then(|body| body["code"].as_str().map(str::to_owned)).unwrap_or_default();
        (answer.status, code)
    };
    let (mut scoped, mut closed, mut open) = (0, 0, 0);
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let ways = operation["security"].as_array().cloned().unwrap_or_default();
            let scopes: Vec<&str> =
                ways.iter().filter_map(|way| way["client"].as_array()).flatten().filter_map(Value::as_str).collect();
            let whole = ask(&whole, method, path);
            if scopes.is_empty() && !ways.is_empty() {
                assert_eq!(whole, (403, "client.closed".to_owned()), "{method} {path}");
                closed += 1;
                continue;
            }
            assert!(!whole.1.starts_with("client.") && whole.1 != "permission.denied", "{method} {path}: {whole:?}");
            if scopes.is_empty() {
                open += 1;
                continue;
            }
            for (scope, client) in &single {
                let (status, code) = ask(client, method, path);
                if scopes.contains(scope) {
                    let fits = !code.starts_with("client.") && (method != "get" || status == 200);
                    assert!(fits, "{scope} at {method} {path}: {status} {code}");
                } else {
                    assert_eq!((status, code.as_str()), (403, "client.scope"), "{scope} at {method} {path}");
                }
            }
            scoped += 1;
        }
    }
    assert!(scoped >= 13 && closed >= 10 && open >= 30, "{scoped} {closed} {open}");
    // What a client does stands in the log under its name, and it is no way into pages.
    let scan = json!({ "code": number(&admin, &id, &ticket), "nonce": "one", "event": id.parse::<u64>().unwrap() });
    let door = &single.iter().find(|(scope, _)| *scope == "checkin.scan").unwrap().1;
    let passed = door.json("/api/v1/checkin/redeem", &scan);
    assert_eq!(passed.json()["verdict"], "admitted", "{}", passed.body);
    let forced = json!({ "code": "0", "nonce": "two", "force": true, "event": id.parse::<u64>().unwrap() });
    assert_eq!(door.json("/api/v1/checkin/redeem", &forced).json()["code"], "permission.denied");
    let taken = whole.json("/api/v1/checkin/annul", &json!({ "scan": 1, "event": id.parse::<u64>().unwrap() }));
    assert_eq!(taken.status, 200, "{}", taken.body);
    assert!(admin.get("/admin/audit?q=checkin").body.contains("全部"), "{}", admin.get("/admin/audit").body);
    for path in ["/admin", "/admin/client", "/terminal"] {
        let turned = whole.get(path);
        assert!(turned.status == 303 || turned.status == 401, "{path}: {}", turned.status);
    }
    assert!(hall.stop());
}

#[test]
fn a_client_is_refused_for_each_reason_by_its_code() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let boss = crate::merchant::merchant(&hall, &admin, "qingsong");
    let id = event(&admin, "年会");
    let totals = format!("/api/v1/helper/totals?event={id}");
    let secret = made(&admin, "统计", &["event.view"]);
    let client = program(&hall, &secret);
    assert_eq!(code(&client, &totals), (200, String::new()));
    assert_eq!(code(&client, "/api/v1/helper/totals?event=99").0, 404);
    assert_eq!(code(&client, "/api/v1/me"), (403, "client.closed".to_owned()));
    assert_eq!(code(&client.within("/m/2"), &totals), (401, "client.unknown".to_owned()), "another space");
    let theirs = program(&hall, &made(&boss, "统计", &["event.view"]));
    assert_eq!(code(&theirs, &totals), (401, "client.unknown".to_owned()));
    let elsewhere = program(&hall, &made_with(&admin, "别处", &["event.view"], "10.0.0.0/8"));
    assert_eq!(code(&elsewhere, &totals), (403, "client.address".to_owned()));
    let here = program(&hall, &made_with(&admin, "本机", &["event.view"], "10.0.0.0/8, 127.0.0.1"));
    assert_eq!(code(&here, &totals).0, 200);
    // Forms that are wrong keep what was typed.
    let until = day(500);
    let wrong = [("name", "坏的"), ("purpose", ""), ("until", until.as_str()), ("networks", "x")];
    let refused = admin.post("/admin/client", &wrong);
    assert_eq!(refused.status, 422);
    for part in ["value=\"坏的\"", "e-purpose", "e-until", "e-networks", "e-scopes"] {
        assert!(refused.body.contains(part), "{part}: {}", refused.body);
    }
    // What a colleague may not, their client may not.
    let clerk = crate::scenario::staff(&hall, &admin, "clerk", &[("client.manage", "space"), ("event.view", "space")]);
    let until = day(30);
    let more = [("name", "多的"), ("purpose", "x"), ("until", until.as_str()), ("scopes", "order.review")];
    assert!(clerk.post("/admin/client", &more).body.contains("e-scopes"));
    let lent = program(&hall, &made(&clerk, "借的", &["event.view"]));
    assert_eq!(code(&lent, &totals).0, 200);
    assert_eq!(admin.post("/admin/account/2/disable", &[]).status, 303);
    assert_eq!(code(&lent, &totals), (401, "client.account_shut".to_owned()));
    assert!(admin.get("/admin/client").body.contains("账号已停用"));
    // Renewing leaves the old secret for as long as was chosen; revoking ends both at once.
    let renewed = admin.post("/admin/client/1/renew", &[("until", &until), ("overlap", "7")]);
    assert_eq!(renewed.status, 200, "{}", renewed.body);
    let second = program(&hall, &secret_on(&renewed.body));
    assert_eq!((code(&client, &totals).0, code(&second, &totals).0), (200, 200));
    let renewed = admin.post("/admin/client/1/renew", &[("until", &until), ("overlap", "0")]);
    let third = program(&hall, &secret_on(&renewed.body));
    assert_eq!(code(&second, &totals), (401, "client.unknown".to_owned()), "without days it ends at once");
    assert_eq!(code(&third, &totals).0, 200);
    assert_eq!(admin.post("/admin/client/1/renew", &[("until", "x"), ("overlap", "0")]).status, 422);
    assert_eq!(admin.post("/admin/client/1/revoke", &[]).status, 303);
    assert_eq!(code(&third, &totals), (401, "client.revoked".to_owned()));
    let scan = third.json("/api/v1/checkin/redeem", &json!({ "code": "1", "nonce": "n" }));
    assert_eq!((scan.status, scan.json()["code"].as_str()), (401, Some("client.revoked")), "at the scan's lane too");
    // Guessing slows down; whoever has a secret goes on.
    let guess = program(&hall, "hgc_ABCDEFGH_ABCDEFGHABCDEFGHABCDEFGHABCDEFGH");
    let codes: Vec<u16> = (0..8).map(|_| code(&guess, &totals).0).collect();
    assert_eq!((codes[0], codes[7]), (401, 429), "{codes:?}");
    assert_eq!(code(&here, &totals).0, 200);
    assert!(hall.stop());
}

/// Whether a file below a folder holds these bytes.
fn holds(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        // Sockets hold nothing.
        let read = || path.is_file() && std::fs::read(&path).unwrap().windows(bytes.len()).any(|part| part == bytes);
        if path.is_dir() { holds(&path, bytes) } else { read() }
    })
}

#[test]
fn a_client_outlives_a_cut_and_its_secret_lies_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut hall = Hall::at(&data);
    let admin = hall.set_up();
    let id = event(&admin, "年会");
    let totals = format!("/api/v1/helper/totals?event={id}");
    let (kept, gone) = (made(&admin, "留下", &["event.view"]), made(&admin, "撤销", &["event.view"]));
    assert_eq!(code(&program(&hall, &kept), &totals).0, 200);
    assert_eq!(admin.post("/admin/client/2/revoke", &[]).status, 303);
    hall.kill();
    drop(hall);
    let hall = Hall::at(&data);
    assert_eq!(code(&program(&hall, &kept), &totals).0, 200);
    assert_eq!(code(&program(&hall, &gone), &totals), (401, "client.revoked".to_owned()));
    assert!(hall.stop(), "the box ends in order");
    let mark = kept.split('_').nth(1).unwrap();
    assert!(holds(&data, mark.as_bytes()), "the mark is kept, so the search finds what is there");
    for secret in [&kept, &gone] {
        assert!(!holds(&data, secret.rsplit('_').next().unwrap().as_bytes()), "the secret is kept as a hash alone");
    }
}

#[test]
fn a_client_is_made_in_a_browser_and_asks_by_http() {
    let hall = Hall::fresh();
    let pictures = std::env::var("HUIGUAN_PICTURES").unwrap_or_default();
    crate::browser::run("client.mjs", &[&hall.base, hall.setup_code.as_deref().unwrap(), &pictures]);
    assert!(hall.stop());
}

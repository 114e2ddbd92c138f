//! The door's API for devices and integrations: stable codes, uploads, devices' tokens, and what a stranger gets.

use crate::hall::{Client, Hall, event, first_type, number, person, terminal};
use crate::stage::png;
use serde_json::{Value, json};
use std::io::{Read, Write};

const CHECKIN: &str = "/api/v1/checkin";

fn post(client: &Client, path: &str, body: &Value) -> (u16, Value) {
    let answer = client.json(&format!("{CHECKIN}/{path}"), body);
    let body = if answer.body.is_empty() { Value::Null } else { answer.json() };
    (answer.status, body)
}

fn get(client: &Client, path: &str) -> (u16, Value) {
    let answer = client.get(&format!("{CHECKIN}/{path}"));
    (answer.status, answer.json())
}

/// An event whose people are registered, and a terminal at its door.
pub struct Door {
    pub hall: Hall,
    pub admin: Client,
    pub event: String,
    pub codes: Vec<String>,
    pub door: Client,
}

pub fn opened(people: &[&str]) -> Door {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let codes = people.iter().map(|name| number(&admin, &event, &person(&admin, &event, &kind, name, ""))).collect();
    let door = terminal(&hall, &admin, &event);
    Door { hall, admin, event, codes, door }
}

#[test]
fn the_description_names_every_way_and_every_error_has_a_code() {
    let of = opened(&["张三"]);
    let described = of.hall.client().get("/api/v1/openapi.json").json();
    assert!(described["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths: Vec<&String> = described["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths.iter().filter(|path| path.starts_with("/api/v1/checkin/")).count(), 13, "{paths:?}");
    let stranger = of.hall.client();
    let mut forged = of.hall.client();
    forged.bearer = Some("0123456789ABCDEF0123456789ABCDEF".into());
    // The others are tried in `identity`.
    let closed = |(path, _): &(&String, &serde_json::Value)| path.starts_with("/api/v1/checkin/");
    for (path, methods) in described["paths"].as_object().unwrap().iter().filter(closed) {
        for method in methods.as_object().unwrap().keys() {
            for nobody in [&stranger, &forged] {
                let answer = if method == "get" { nobody.get(path) } else { nobody.json(path, &json!({})) };
                let refused = if path.ends_with("/initialise") { 422 } else { 401 };
                assert_eq!(answer.status, refused, "{method} {path}: {}", answer.body);
                let fault = answer.json();
                assert!(fault["code"].is_string() && fault["message"].is_string(), "{path}: {fault}");
            }
        }
    }
}

#[test]
fn a_device_lists_searches_redeems_by_number_and_takes_back() {
    let of = opened(&["张三", "李四"]);
    let (status, lists) = get(&of.door, "lists");
    assert_eq!((status, lists[0]["multi"].as_str(), lists.as_array().unwrap().len()), (200, Some("once"), 1));
    let (status, denied) = get(&of.door, "search?q=张三");
    assert_eq!((status, denied["code"].as_str()), (403, Some("permission.denied")), "it may not name people");
    let staff = format!("event={}", of.event);
    let (_, found) = get(&of.admin, &format!("search?q=%E6%9D%8E%E5%9B%9B&{staff}"));
    assert_eq!(found[0]["name"].as_str(), Some("李四"));
    let (status, short) = get(&of.admin, &format!("search?q=x&{staff}"));
    assert_eq!((status, short["code"].as_str()), (422, Some("input.invalid")));
    let (_, picked) = post(&of.door, "redeem", &json!({ "ticket": found[0]["ticket"], "nonce": "p", "way": "picked" }));
    assert_eq!((picked["verdict"].as_str(), picked["person"]["name"].as_str()), (Some("admitted"), Some("李四")));
    let (status, counts) = post(&of.door, "annul", &json!({ "nonce": "p" }));
    assert_eq!((status, counts["admitted"].as_i64(), counts["inside"].as_i64()), (200, Some(0), Some(0)));
    let (status, unknown) = post(&of.door, "annul", &json!({ "nonce": "never" }));
    assert_eq!((status, unknown["code"].as_str()), (404, Some("record.missing")));
    let (status, denied) = post(&of.door, "annul", &json!({ "scan": picked["scan"] }));
    assert_eq!((status, denied["code"].as_str()), (403, Some("permission.denied")));
    let (status, _) = post(&of.admin, "annul", &json!({ "scan": picked["scan"], "event": 1 }));
    assert_eq!(status, 200, "the secretariat may, and twice is once");
    let (status, both) = post(&of.door, "annul", &json!({}));
    assert_eq!((status, both["code"].as_str()), (422, Some("input.invalid")));
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let (_, status) = get(&of.door, "status");
    assert!((status["now"].as_i64().unwrap() - before).abs() < 5_000, "the box tells its clock");
}

#[test]
fn scans_of_a_terminal_that_was_alone_are_kept_each_with_an_answer_of_its_own() {
    let of = opened(&["张三", "李四"]);
    let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64 - 60_000;
    post(&of.door, "redeem", &json!({ "code": of.codes[0], "nonce": "online" }));
    let batch = json!({ "scans": [
        { "code": of.codes[0], "nonce": "a", "scanned_at": at, "verdict": "admitted" },
        { "code": of.codes[1], "nonce": "b", "scanned_at": at, "verdict": "admitted" },
        { "code": of.codes[1], "nonce": "c", "scanned_at": at, "verdict": "refused", "reason": "already_in" },
        { "code": of.codes[1], "nonce": "d", "verdict": "refused" },
        { "code": of.codes[1], "nonce": "e", "verdict": "perhaps" },
        "nonsense",
    ] });
    let (status, answer) = post(&of.door, "upload", &batch);
    assert_eq!(status, 200, "{answer}");
    let part = |at: usize, name: &str| answer["answers"][at][name].as_str().map(str::to_owned);
    assert_eq!((part(0, "verdict"), part(0, "conflict")), (Some("admitted".into()), Some("already_in".into())));
    assert_eq!((part(1, "verdict"), part(1, "conflict")), (Some("admitted".into()), None));
    assert_eq!(answer["answers"][1]["at"].as_i64(), Some(at), "it counts from when it was scanned");
    assert_eq!((part(2, "verdict"), part(2, "reason")), (Some("refused".into()), Some("already_in".into())));
    assert_eq!((part(3, "code"), part(4, "code")), (Some("input.invalid".into()), Some("input.invalid".into())));
    assert_eq!(part(5, "code"), Some("json.unreadable".into()));
    let (_, again) = post(&of.door, "upload", &batch);
    assert_eq!(again["answers"][1]["scan"], answer["answers"][1]["scan"], "told twice, it is one record");
    let (_, counts) = get(&of.door, "status");
    assert_eq!((counts["admitted"].as_i64(), counts["refused"].as_i64()), (Some(2), Some(1)));
    let page = of.admin.get(&format!("/admin/event/{}/conflict", of.event)).body;
    assert!(page.contains("张三") && !page.contains("李四"));
    let (_, taken) = get(&of.door, "snapshot");
    assert_eq!(taken["tickets"].as_array().unwrap().len(), 2);
    assert!(!taken.to_string().contains(&of.codes[0]), "codes are taken along as hashes");
    let (_, changes) = get(&of.door, &format!("changes?after={}", taken["line"]));
    assert_eq!((changes["tickets"].as_array().unwrap().len(), &changes["version"]), (0, &taken["version"]));
}

#[test]
fn a_door_is_shown_the_picture_of_whoever_holds_the_ticket() {
    let of = opened(&["张三", "李四"]);
    let scan = |code: &str, nonce: &str| post(&of.door, "redeem", &json!({ "code": code, "nonce": nonce })).1;
    let photo = |answer: &Value| answer["person"]["photo"].as_bool();
    assert_eq!(photo(&scan(&of.codes[0], "a")), Some(false));
    let at = |code: &str| of.door.get(&format!("{CHECKIN}/portrait?number={code}"));
    assert_eq!(at(&of.codes[0]).status, 404, "there is none yet");
    let tickets = of.admin.get(&format!("/admin/event/{}/registration", of.event)).body;
    let link = format!("/admin/event/{}/registration/", of.event);
    let ids = tickets.split(&link).skip(1).filter_map(|rest| rest.split(['"', '/', '?']).next()?.parse::<u64>().ok());
    let person = format!("{link}{}", ids.min().unwrap());
    let told = of.admin.upload(&format!("{person}/portrait/upload"), &[], ("picture", "a.png", &png(90, 60)));
    assert_eq!(told.status, 303, "{}", told.body);
    assert_eq!(photo(&scan(&of.codes[0], "b")), Some(true), "the door knows at once");
    assert_eq!(photo(&scan(&of.codes[0], "a")), Some(true), "and where a nonce is answered again");
    assert_eq!(photo(&scan(&of.codes[1], "c")), Some(false));
    let shown = at(&of.codes[0]);
    assert_eq!((shown.status, shown.headers.get("content-type").map(String::as_str)), (200, Some("image/jpeg")));
    let nobody = at("123456789012");
    assert_eq!((nobody.status, nobody.json()["code"].as_str()), (404, Some("record.missing")));
    let elsewhere = terminal(&of.hall, &of.admin, &event(&of.admin, "别处"));
    assert_eq!(
        elsewhere.get(&format!("{CHECKIN}/portrait?number={}", of.codes[0])).status,
        404,
        "of its own event alone"
    );
    // Another run of the program reads it from the records.
    let folder = of.hall.data.clone();
    let kept = of.hall.end_and_keep();
    let hall = Hall::at(&folder);
    let door = of.door.at(&hall.base);
    let (_, again) = post(&door, "redeem", &json!({ "code": of.codes[0], "nonce": "d" }));
    assert_eq!(photo(&again), Some(true));
    drop((hall, kept));
}

#[test]
fn a_device_gets_rolls_and_gives_up_its_token() {
    let of = opened(&[]);
    let page = of.admin.post(&format!("/admin/event/{}/device", of.event), &[("name", "闸机")]).body;
    let code = page.split("?code=").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let mut gate = of.hall.client();
    let (status, first) = post(&gate, "device/initialise", &json!({ "code": code }));
    assert_eq!((status, first["name"].as_str(), first["direction"].as_str()), (200, Some("闸机"), Some("entry")));
    let (status, spent) = post(&gate, "device/initialise", &json!({ "code": code }));
    assert_eq!((status, spent["code"].as_str()), (403, Some("device.bad_code")));
    gate.bearer = first["token"].as_str().map(str::to_owned);
    let (_, second) = post(&gate, "device/roll", &json!({}));
    let (status, old) = get(&gate, "status");
    assert_eq!((status, old["code"].as_str()), (401, Some("session.none")), "a stolen old token opens nothing");
    gate.bearer = second["token"].as_str().map(str::to_owned);
    assert_eq!(get(&gate, "status").0, 200);
    assert_eq!(gate.json(&format!("{CHECKIN}/device/revoke"), &json!({})).status, 204);
    let (status, shut) = post(&gate, "redeem", &json!({ "code": "1", "nonce": "x" }));
    assert_eq!((status, shut["reason"].as_str()), (403, Some("device_revoked")));
    for path in ["status", "lists", "snapshot", "changes?after=0"] {
        let (status, shut) = get(&gate, path);
        assert_eq!((status, shut["code"].as_str()), (403, Some("device.revoked")), "{path}");
    }
    let (status, staff) = post(&of.admin, "device/roll", &json!({}));
    assert_eq!((status, staff["code"].as_str()), (403, Some("permission.denied")));
}

#[test]
fn a_connection_lives_on_when_a_body_comes_after_its_answer_could() {
    let hall = Hall::fresh();
    let mut line = std::net::TcpStream::connect(hall.base.trim_start_matches("http://")).unwrap();
    line.set_nodelay(true).unwrap();
    for round in 0..200 {
        let head = format!("POST {CHECKIN}/device/revoke HTTP/1.1\r\nHost: box\r\nContent-Length: 2\r\n\r\n");
        line.write_all(head.as_bytes()).unwrap();
        std::thread::yield_now();
        line.write_all(b"{}").unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let mut bytes = [0; 4096];
            let n = line.read(&mut bytes).unwrap();
            assert!(n > 0, "the connection ended in round {round}: {}", String::from_utf8_lossy(&answer));
            answer.extend(&bytes[..n]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 401"), "{}", String::from_utf8_lossy(&answer));
    }
}

#[test]
fn a_device_reaches_no_other_event_and_no_other_list_that_is_not_there() {
    let of = opened(&["张三"]);
    let other = event(&of.admin, "另一场");
    for path in ["status", "lists", "snapshot", "changes?after=0", "search?q=xx"] {
        let joint = if path.contains('?') { '&' } else { '?' };
        let (status, denied) = get(&of.door, &format!("{path}{joint}event={other}"));
        assert_eq!((status, denied["code"].as_str()), (403, Some("permission.denied")), "{path}");
        let (status, missing) = get(&of.admin, &format!("{path}{joint}event=99"));
        assert_eq!((status, missing["code"].as_str()), (404, Some("record.missing")), "{path}");
        if !path.starts_with("search") && path != "lists" {
            let (status, missing) = get(&of.door, &format!("{path}{joint}list=99"));
            assert_eq!((status, missing["code"].as_str()), (404, Some("record.missing")), "{path}");
        }
    }
    let (status, missing) = post(&of.door, "redeem", &json!({ "code": of.codes[0], "nonce": "l", "list": 99 }));
    assert_eq!((status, missing["code"].as_str()), (404, Some("record.missing")));
    let (status, unsaid) = get(&of.admin, "status");
    assert_eq!((status, unsaid["code"].as_str()), (422, Some("input.invalid")), "staff name the event");
}

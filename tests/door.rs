//! The door through real sockets: once each, same nonce same answer, nothing answered is lost by a kill.

use crate::hall::{Hall, event, first_type, local, number, person, terminal};
use serde_json::{Value, json};

#[test]
fn a_ticket_is_admitted_once_whatever_the_retries() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let ticket = person(&admin, &event, &kind, "张三", "13800000001");
    let code = number(&admin, &event, &ticket);
    let door = terminal(&hall, &admin, &event);
    let first = door.json("/api/v1/checkin/redeem", &json!({ "code": code, "nonce": "n1" })).json();
    assert_eq!((first["verdict"].as_str(), first["person"]["name"].as_str()), (Some("admitted"), Some("张三")));
    let same = door.json("/api/v1/checkin/redeem", &json!({ "code": code, "nonce": "n1" })).json();
    assert_eq!(
        (&same["verdict"], &same["scan"]),
        (&first["verdict"], &first["scan"]),
        "the same nonce gets the same answer"
    );
    let second = door.json("/api/v1/checkin/redeem", &json!({ "code": code, "nonce": "n2" })).json();
    assert_eq!((second["verdict"].as_str(), second["reason"].as_str()), (Some("refused"), Some("already_in")));
    assert_eq!(second["previous"]["by"].as_str(), Some("大门"));
    assert_eq!((second["counts"]["admitted"].as_i64(), second["counts"]["refused"].as_i64()), (Some(1), Some(1)));
    let unknown = door.json("/api/v1/checkin/redeem", &json!({ "code": "000000000000", "nonce": "n3" })).json();
    assert_eq!(unknown["reason"].as_str(), Some("unknown"));
    for (body, status) in [
        (json!({ "code": code }), 422),
        (json!({ "code": code, "nonce": "" }), 422),
        (json!({ "code": code, "nonce": "n4", "force": true }), 403),
        (json!({ "code": code, "ticket": 1, "nonce": "n4" }), 422),
        (json!({ "nonce": "n4" }), 422),
        (json!({ "code": code, "nonce": "n5", "surprise": 1 }), 422),
        (json!("nothing"), 422),
    ] {
        let refused = door.json("/api/v1/checkin/redeem", &body);
        assert_eq!(refused.status, status, "{body}: {}", refused.body);
        assert!(refused.json()["code"].is_string());
    }
}

#[test]
fn sixty_four_terminals_admit_each_ticket_once() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let codes: Vec<String> = (0..40)
        .map(|n| {
            let ticket = person(&admin, &event, &kind, &format!("人{n}"), "");
            number(&admin, &event, &ticket)
        })
        .collect();
    let door = terminal(&hall, &admin, &event);
    let admitted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64usize)
            .map(|thread| {
                let (door, codes) = (door.clone(), &codes);
                scope.spawn(move || {
                    (0..codes.len())
                        .filter(|at| {
                            let code = &codes[(at * 7 + thread * 3) % codes.len()];
                            let scan = json!({ "code": code, "nonce": format!("{thread}-{at}") });
                            door.json("/api/v1/checkin/redeem", &scan).json()["verdict"] == "admitted"
                        })
                        .count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, codes.len());
    let counts = door.get("/api/v1/checkin/status").json();
    assert_eq!(counts["admitted"].as_i64(), Some(40));
    assert_eq!(counts["refused"].as_i64(), Some(64 * 40 - 40));
}

#[test]
fn what_the_door_answered_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut hall = Hall::at(&data);
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let codes: Vec<String> =
        (0..20).map(|n| number(&admin, &event, &person(&admin, &event, &kind, &format!("人{n}"), ""))).collect();
    let mut door = terminal(&hall, &admin, &event);
    let token = door.cookie("hall_device").unwrap();
    for (round, some) in codes.chunks(5).enumerate() {
        for code in some {
            let answer = door
                .json("/api/v1/checkin/redeem", &json!({ "code": code, "nonce": format!("r{round}-{code}") }))
                .json();
            assert_eq!(answer["verdict"], "admitted");
        }
        hall.kill();
        hall = Hall::at(&data);
        door = hall.client();
        door.bearer = Some(token.clone());
        let counts = door.get("/api/v1/checkin/status").json();
        assert_eq!(counts["admitted"].as_u64(), Some((round as u64 + 1) * 5), "after kill {round}");
        let again = door
            .json("/api/v1/checkin/redeem", &json!({ "code": some[0], "nonce": format!("r{round}-{}", some[0]) }))
            .json();
        assert_eq!(again["verdict"], "admitted", "a nonce from before the kill gets its answer from before");
    }
}

#[test]
fn a_shut_out_terminal_is_refused_and_recorded() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let (one, other) = (event(&admin, "一"), event(&admin, "二"));
    let ticket = person(&admin, &other, &first_type(&admin, &other), "张三", "");
    let code = number(&admin, &other, &ticket);
    let door = terminal(&hall, &admin, &one);
    let foreign = door.json("/api/v1/checkin/redeem", &json!({ "code": code, "nonce": "a", "event": other })).status;
    assert_eq!(foreign, 422, "the event is a number, and a terminal's own in any case");
    let named = json!({ "code": "555555555555", "nonce": "z", "event": other.parse::<u64>().unwrap() });
    let denied = door.json("/api/v1/checkin/redeem", &named);
    assert_eq!((denied.status, denied.json()["code"].as_str()), (403, Some("permission.denied")), "{}", denied.body);
    let wrong = door.json("/api/v1/checkin/redeem", &json!({ "code": code, "nonce": "b" })).json();
    assert_eq!((wrong["reason"].as_str(), wrong["person"].is_null()), (Some("wrong_event"), true));
    assert_eq!(admin.post("/admin/device/1/revoke", &[]).status, 303);
    let shut = door.json("/api/v1/checkin/redeem", &json!({ "code": code, "nonce": "c" }));
    assert_eq!(
        (shut.status, shut.json()["reason"].as_str().map(str::to_owned)),
        (403, Some("device_revoked".to_owned()))
    );
    // What it did while it was alone comes too late: nobody is in by it, and everything of it is on record.
    let here = number(&admin, &one, &person(&admin, &one, &first_type(&admin, &one), "李四", ""));
    let batch = json!({ "scans": [
        { "code": here, "nonce": "e", "scanned_at": 1, "verdict": "admitted" },
        { "code": here, "verdict": "admitted" },
    ] });
    let late = [(); 2].map(|()| door.json("/api/v1/checkin/upload", &batch));
    for answer in &late {
        let (body, first) = (answer.json(), late[0].json());
        let told = &body["answers"];
        assert_eq!((answer.status, told[0]["reason"].as_str()), (403, Some("device_revoked")), "{}", answer.body);
        assert!(told[1]["code"].is_string(), "{}", answer.body);
        assert_eq!(told[0]["scan"], first["answers"][0]["scan"], "told twice, it is one record");
    }
    let counts = admin.get(&format!("/api/v1/checkin/status?event={one}")).json();
    assert_eq!((counts["admitted"].as_i64(), counts["refused"].as_i64()), (Some(0), Some(4)));
    let log = admin.get(&format!("/admin/event/{one}/scan?show=refused")).body;
    assert!(log.contains("本终端已停用") && log.contains("其他会议的门票"));
    assert!(log.contains(&here) && log.contains("555555555555"), "and so is whoever asked for another event");
    let stranger = hall.client();
    assert_eq!(stranger.json("/api/v1/checkin/redeem", &json!({ "code": code, "nonce": "d" })).status, 401);
}

#[test]
fn where_check_in_leaves_the_events_time_the_secretariat_is_told() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let page = || admin.get(&format!("/admin/event/{event}/checkin")).body;
    assert!(page().contains("前即可签到") && !page().contains("超出会议时间"), "{}", page());
    let form = [("name", "晚宴"), ("from", &local(60)), ("to", &local(400)), ("multi", "once"), ("own", "off")];
    assert_eq!(admin.post(&format!("/admin/event/{event}/list"), &form).status, 303);
    assert!(page().contains("晚宴：超出会议时间"), "{}", page());
}

#[test]
fn lists_counts_and_conflicts_follow_the_door_on_a_page_that_is_open() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let form = [("name", "晚宴"), ("from", &local(-60)), ("to", &local(60)), ("multi", "once"), ("own", "off")];
    assert_eq!(admin.post(&format!("/admin/event/{event}/list"), &form).status, 303);
    let kind = first_type(&admin, &event);
    let code = number(&admin, &event, &person(&admin, &event, &kind, "张三", ""));
    let door = terminal(&hall, &admin, &event);
    let followed = admin.follow(&format!("/admin/event/{event}/checkin/live"));
    let upload = |nonce: &str, list: u64| {
        let scan = json!({ "code": code, "nonce": nonce, "list": list, "verdict": "admitted" });
        assert_eq!(door.json("/api/v1/checkin/upload", &json!({ "scans": [scan] })).status, 200);
    };
    upload("a", 0);
    upload("b", 0);
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(admin.post("/logout", &[]).status, 303);
    let login = hall.client();
    assert_eq!(login.post("/login", &[("login", "admin"), ("password", crate::hall::PASSWORD)]).status, 303);
    person(&login, &event, &kind, "李四", "");
    let told = followed();
    let last: Value =
        told.lines().rev().find_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok()).unwrap();
    for (name, figure) in
        [("admitted-0", "1"), ("inside-0", "1"), ("refused-0", "0"), ("admitted-1", "0"), ("conflicts", "1")]
    {
        assert_eq!(last[name], *figure, "{name}: {told}");
    }
    assert!(last["alone"].as_str().unwrap().contains("/conflict"), "{told}");
}

#[test]
fn live_counts_end_with_the_right_to_see_them() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let door = terminal(&hall, &admin, &event);
    let (at_door, at_desk) =
        (door.follow(&format!("/terminal/{event}/live")), admin.follow(&format!("/admin/event/{event}/live")));
    assert_eq!(admin.post("/admin/device/1/revoke", &[]).status, 303);
    assert!(at_door().contains("registered"), "the terminal saw counts until it was shut out");
    let login = hall.client();
    assert_eq!(login.post("/login", &[("login", "admin"), ("password", crate::hall::PASSWORD)]).status, 303);
    assert_eq!(admin.post("/logout", &[]).status, 303);
    // Any commit lets a stream look again.
    person(&login, &event, &first_type(&login, &event), "张三", "");
    assert!(at_desk().contains("registered"), "the secretariat saw counts until it logged out");
}

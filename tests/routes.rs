//! Routes of the API as a client uses them, each with a right answer and what it leads to: draws, pictures, feedback, checking in alone, series,
//! waiting lists, and the language that somebody reads.

use crate::hall::{Answer, Client, local};
use crate::stage::{Stage, png};
use serde_json::{Value, json};

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["code"].as_str().unwrap_or("").to_owned())
}

fn good(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn text<'a>(of: &'a Value, at: &str) -> &'a str {
    of.pointer(at).and_then(Value::as_str).unwrap_or_else(|| panic!("{at} of {of}"))
}

/// Nobody else's ticket, and none of ours.
const NONE: &str = "0000000000000000000000000A";

#[test]
fn a_draw_is_joined_written_to_tapped_and_checked() {
    let of = Stage::open();
    let path = format!("/api/v1/draws/{}", of.draw);
    let guest = of.guest("甲", "13855550001");
    let (away, _) = of.ticket("乙", "13855550002");
    // By the code in the hall: a stranger with name and number, the holder of a ticket by it.
    let scanned = of.join_code();
    let known = good(&of.anybody.get(&format!("/api/v1/draws/join?code={scanned}")));
    assert_eq!((known["draw"].to_string(), known["strangers"].as_bool()), (of.draw.clone(), Some(true)));
    let join = |body: Value| of.anybody.json("/api/v1/draws/join", &body);
    let joined = good(&join(json!({ "code": scanned, "name": "丙", "phone": "13855550003" })));
    let token = text(&joined, "/joined").to_owned();
    assert_eq!(good(&join(json!({ "code": scanned, "ticket": guest })))["joined"], Value::Null);
    assert_eq!(
        code(&join(json!({ "code": scanned, "name": "丁", "phone": "13855550002" }))),
        (409, "draw.has_ticket".into())
    );
    assert_eq!(join(json!({ "code": "draw.1.1.0.AAAA", "name": "丁" })).status, 403);
    // Who somebody is.
    let shown = |query: &str| good(&of.anybody.get(&format!("{path}?{query}")));
    let mine = shown(&format!("ticket={guest}"));
    assert_eq!((text(&mine, "/known/0/name"), mine["known"][0]["takes_part"].as_bool()), ("甲", Some(true)));
    assert_eq!(text(&shown(&format!("joined={token}")), "/known/0/name"), "丙");
    assert_eq!(shown("ticket=")["known"], json!([]), "a stranger is nobody");
    // The wall: for people who are there.
    let say = |ticket: &str, message: &str| {
        of.anybody.json(&format!("{path}/messages"), &json!({ "ticket": ticket, "message": message }))
    };
    assert_eq!(text(&good(&say(&guest, "恭喜发财")), "/state"), "shown");
    assert_eq!(code(&say(&away, "我也来")), (403, "draw.not_here".into()));
    assert_eq!(code(&say("", "路过")), (403, "draw.stranger".into()));
    let wall = of.admin.get(&format!("/admin/event/{}/draw/{}/message?state=shown", of.event, of.draw)).body;
    assert!(wall.contains("恭喜发财") && !wall.contains("我也来"), "{wall}");
    // A picture waits for a look, since a mini-program is in use; then it is everybody's.
    let face = format!("{path}/face");
    let given = of.anybody.upload(&face, &[("joined", &token)], ("face", "a.png", &png(90, 90)));
    assert_eq!(text(&good(&given), "/state"), "waiting");
    assert_eq!(text(&shown(&format!("joined={token}")), "/known/0/face"), "waiting");
    let none = of.anybody.upload(&face, &[("joined", &token)], ("other", "a.png", &png(9, 9)));
    assert_eq!(code(&none), (422, "input.invalid".into()));
    // Taps count while names roll.
    let tap = |body: Value| of.anybody.json(&format!("{path}/taps"), &body);
    assert_eq!(tap(json!({ "ticket": guest })).status, 409, "nothing rolls");
    of.roll();
    assert_eq!(shown("ticket=")["rolling"].as_bool(), Some(true));
    let taken = good(&tap(json!({ "ticket": guest, "value": "0011223344556677" })));
    assert_eq!(taken["taken"].as_bool(), Some(true));
    assert_eq!(good(&tap(json!({ "joined": token })))["taken"].as_bool(), Some(true));
    assert_eq!(code(&tap(json!({ "ticket": NONE }))), (403, "draw.stranger".into()));
    assert_eq!(of.screen()["taps"].as_u64(), Some(2));
    of.act("stop", &[("called", "4711")]);
    // The winner is everybody's to see, and the record checks.
    let after = shown(&format!("ticket={guest}"));
    assert_eq!((after["winners"].as_array().unwrap().len(), text(&after, "/winners/0/prize")), (1, "音箱"));
    let won = after["wins"].as_array().unwrap().len()
        + shown(&format!("joined={token}"))["wins"].as_array().unwrap().len()
        + shown(&format!("ticket={away}"))["wins"].as_array().unwrap().len();
    assert_eq!(won, 1, "it is one of the three");
    let checked = good(&of.anybody.get(&format!("{path}/verify")));
    assert_eq!((checked["sound"].as_bool(), checked["turns"][0]["count"].as_u64()), (Some(true), Some(3)), "{checked}");
    let record = text(&checked, "/record").strip_prefix(&of.hall.base).unwrap().to_owned();
    assert!(of.anybody.get(&record).body.contains(text(&checked, "/head")));
    assert_eq!(of.anybody.get("/api/v1/draws/99/verify").status, 404);
    assert!(of.hall.stop());
}

#[test]
fn a_holder_gives_a_picture_and_feedback_and_checks_in_alone() {
    let of = Stage::open();
    let (link, _) = of.ticket("甲", "13822220001");
    let ticket = format!("/api/v1/tickets/{link}");
    // The picture.
    let picture = format!("{ticket}/portrait");
    let page = format!("/ticket/{link}/portrait");
    assert_eq!(of.anybody.get(&page).status, 404);
    let upload = |bytes: &[u8]| of.anybody.upload(&picture, &[], ("picture", "a.png", bytes));
    assert_eq!(code(&upload(b"<svg onload=alert(1)>")).0, 422);
    assert_eq!((upload(&png(300, 400)).status, of.anybody.get(&page).status), (204, 200));
    let stranger =
        of.anybody.upload(&format!("/api/v1/tickets/{NONE}/portrait"), &[], ("picture", "a.png", &png(9, 9)));
    assert_eq!(stranger.status, 404);
    assert_eq!(of.anybody.send_json("DELETE", &picture, &[], &Value::Null).status, 204);
    assert_eq!(of.anybody.get(&page).status, 404, "it is gone");
    // Feedback.
    let feedback = format!("{ticket}/feedback");
    assert_eq!(good(&of.anybody.get(&ticket))["feedback"].as_str(), Some("open"));
    let form = good(&of.anybody.get(&feedback));
    assert_eq!(
        (form["given"].as_bool(), form["questions"][0]["rating"].as_bool()),
        (Some(false), Some(true)),
        "{form}"
    );
    let ids: Vec<u64> = form["questions"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect();
    let give = |stars: &str| {
        let answers =
            json!([{ "question": ids[0], "values": [stars] }, { "question": ids[1], "values": ["场地很好"] }]);
        of.anybody.json(&feedback, &json!({ "answers": answers }))
    };
    assert_eq!(code(&give("6")), (422, "input.invalid".into()));
    assert_eq!(give("4").status, 204);
    assert_eq!(give("5").status, 409, "once");
    assert_eq!(good(&of.anybody.get(&feedback))["given"].as_bool(), Some(true));
    assert_eq!(good(&of.anybody.get(&ticket))["feedback"].as_str(), Some("given"));
    let results = of.admin.get(&format!("/admin/event/{}/feedback", of.event)).body;
    assert!(results.contains("场地很好") && results.contains("4.00"), "{results}");
    // Checking in alone.
    let door = good(&of.anybody.get(&format!("/api/v1/in?code={}", of.door_code())));
    assert_eq!((text(&door, "/list"), text(&door, "/direction"), &door["questions"]), ("侧门", "entry", &json!([])));
    let come = |pass: &str, ticket: &str, nonce: &str| {
        of.anybody.json("/api/v1/in", &json!({ "pass": pass, "ticket": ticket, "nonce": nonce }))
    };
    let pass = text(&door, "/pass").to_owned();
    let first = good(&come(&pass, &link, "one"));
    assert_eq!((text(&first, "/verdict"), text(&first, "/name")), ("admitted", "甲"));
    let again = good(&come(&pass, &link, "one"));
    assert_eq!(
        (&again["verdict"], &again["at"]),
        (&first["verdict"], &first["at"]),
        "the same attempt, the same answer"
    );
    let second = good(&come(&pass, &link, "two"));
    assert_eq!((text(&second, "/verdict"), text(&second, "/reason")), ("refused", "already_in"));
    assert!(!text(&second, "/reason_text").is_empty());
    assert_eq!(come("nonsense", &link, "three").status, 403);
    assert_eq!(come(&pass, NONE, "four").status, 404);
    assert_eq!(come(&pass, &link, "").status, 422);
    assert_eq!(of.anybody.get("/api/v1/in?code=nonsense").status, 403);
    assert!(of.hall.stop());
}

#[test]
fn a_series_lists_its_events_and_who_waits_gets_the_place_that_becomes_free() {
    let of = Stage::open();
    let (event, kind) = of.priced("沙龙", "", "1", &[]);
    let made = of.admin.post("/admin/series/new", &[("title", "读书会"), ("intro", "每月一次")]);
    assert_eq!(made.status, 303, "{}", made.body);
    let page = of.admin.get(&format!("/admin/event/{event}/edit")).body;
    let revision = page.split("name=\"revision\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let (starts, ends) = (local(60), local(300));
    let form = [("revision", revision), ("name", "沙龙"), ("starts", &starts), ("ends", &ends), ("series", "1")];
    assert_eq!(of.admin.post(&format!("/admin/event/{event}/edit"), &form).status, 303);
    let series = good(&of.anybody.get("/api/v1/series/1"));
    assert_eq!((text(&series, "/title"), text(&series, "/events/0/name")), ("读书会", "沙龙"));
    assert_eq!((series["events"].as_array().unwrap().len(), text(&series, "/intro").trim()), (1, "每月一次"));
    assert_eq!(good(&of.anybody.get(&format!("/api/v1/events/{event}")))["series"].as_u64(), Some(1));
    assert_eq!(of.anybody.get("/api/v1/series/9").status, 404);
    // The one place is taken; two wait.
    let kind: u64 = kind.parse().unwrap();
    let place = |waiter: &str, name: &str, phone: &str| {
        let mut body = json!({ "people": [{ "ticket_type": kind, "name": name, "phone": phone }] });
        if !waiter.is_empty() {
            body["waiter"] = waiter.into();
        }
        of.anybody.json(&format!("/api/v1/events/{event}/orders"), &body)
    };
    let first = place("", "甲", "13811110001");
    assert_eq!(first.status, 201, "{}", first.body);
    assert_eq!(place("", "乙", "13811110002").status, 409, "sold out");
    let wish = |name: &str, phone: &str| {
        let body = json!({ "ticket_type": kind, "name": name, "phone": phone });
        of.anybody.json(&format!("/api/v1/events/{event}/waits"), &body)
    };
    let waits = ["13811110002", "13811110003"].map(|phone| good(&wish("候补", phone)));
    assert_eq!((text(&waits[0], "/state"), waits[1]["before"].as_u64()), ("waiting", Some(1)));
    assert_eq!(wish("候补", "1").status, 422);
    let [one, two] = waits.map(|wait| text(&wait, "/link").to_owned());
    let look = |link: &str| of.anybody.get(&format!("/api/v1/waits/{link}"));
    assert_eq!(text(&good(&look(&two)), "/ticket_type_name"), "标准票");
    // The first gives up; the second is offered what becomes free, and takes it.
    assert_eq!(of.anybody.send_json("DELETE", &format!("/api/v1/waits/{one}"), &[], &Value::Null).status, 204);
    assert_eq!((text(&good(&look(&one)), "/state"), good(&look(&two))["before"].as_u64()), ("left", Some(0)));
    let cancel = format!("/api/v1/orders/{}/cancel", text(&first.json(), "/link"));
    assert_eq!(good(&of.anybody.json(&cancel, &json!({})))["state"].as_str(), Some("canceled"));
    let offered = std::iter::repeat_with(|| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        good(&look(&two))
    })
    .take(1_200)
    .find(|wait| wait["state"] == "offered");
    assert!(offered.expect("the clock offers it")["held_until"].is_i64());
    assert_eq!(place("", "丁", "13811110009").status, 409, "it is held");
    let taken = place(&two, "候补", "13811110003");
    assert_eq!(taken.status, 201, "{}", taken.body);
    assert_eq!(text(&good(&look(&two)), "/state"), "taken");
    assert_eq!(look(NONE).status, 404);
    assert!(of.hall.stop());
}

#[test]
fn errors_are_told_in_the_language_that_a_client_reads_and_their_codes_stay() {
    let of = Stage::open();
    let member = of.member("甲");
    let fault = |client: &Client, header: &str| {
        let more = [("accept-language", header)];
        let more = if header.is_empty() { &more[..0] } else { &more[..] };
        let answer = client.with("/api/v1/tickets/none", more).json();
        (text(&answer, "/code").to_owned(), text(&answer, "/message").to_owned())
    };
    let (chinese, english) = (fault(&of.anybody, ""), fault(&of.anybody, "en-US,en;q=0.9"));
    assert_eq!(chinese.0, english.0, "the code is stable");
    assert!(english.1.is_ascii() && !chinese.1.is_ascii(), "{english:?} {chinese:?}");
    for (header, wanted) in [("zh-CN,en;q=0.5", &chinese), ("fr", &chinese), ("en;q=0.1, zh;q=0", &english)] {
        assert_eq!(&fault(&of.anybody, header), wanted, "{header}");
    }
    // What a person chose holds where the client says nothing; what the client says holds for its answer alone.
    let me = |client: &Client| text(&good(&client.get("/api/v1/me")), "/language").to_owned();
    assert_eq!((me(&member), fault(&member, "")), ("zh-CN".to_owned(), chinese.clone()));
    let put = |language: Value| {
        let body = json!({ "name": "甲", "language": language });
        member.send_json("PUT", "/api/v1/me", &[], &body)
    };
    assert_eq!(text(&good(&put("en".into())), "/language"), "en");
    assert_eq!((me(&member), fault(&member, "")), ("en".to_owned(), english));
    assert_eq!(fault(&member, "zh-CN"), chinese);
    assert_eq!(me(&member), "en", "what a client says once is no choice");
    let wrong = put("tlh".into());
    assert_eq!((wrong.status, text(&wrong.json(), "/fields/0/field")), (422, "language"), "{}", wrong.body);
    assert_eq!(text(&good(&put(Value::Null)), "/language"), "en", "left out, it stays");
    // A page of ours in a browser has its own choice, whatever the browser's language is.
    let mut page = of.hall.client();
    page.set_cookie("hall_person", member.bearer.as_ref().unwrap());
    assert_eq!(fault(&page, "en"), chinese);
    page.set_cookie("hall_language", "en");
    assert!(fault(&page, "zh-CN").1.is_ascii());
    assert!(of.hall.stop());
}

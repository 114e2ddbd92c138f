//! An event's own pages, end to end: texts with pictures, questions for a region, members, invoices, income; with who may and hostile input.

use crate::hall::{Client, Hall, event};
use crate::scenario::staff;
use crate::stage::photo;
use std::process::Command;

/// A small picture.
fn png() -> Vec<u8> {
    let mut out = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(64, 48).write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

#[test]
fn the_overview_leads_a_phone_to_the_hall() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let page = admin.get("/admin").body;
    let read = admin.send("/api/v1/checkin/decode", "image/png", photo(&page), &[]).json();
    assert_eq!(read["codes"][0].as_str(), Some(hall.base.as_str()), "{read}");
}

#[test]
fn pictures_of_the_editor_are_taken_from_those_who_make_events_alone() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let scope = format!("e{}", event(&admin, "我的"));
    let send = |client: &Client, bytes: &[u8]| client.upload("/admin/picture", &[], ("file", "a.png", bytes));
    let taken = send(&admin, &png());
    assert_eq!((taken.status, taken.json()["src"].as_str()), (200, Some("/picture/1")), "{}", taken.body);
    assert_eq!(admin.get("/picture/1").status, 200);
    let hostile = send(&admin, b"<svg onload=\"alert(1)\"></svg>");
    assert_eq!(hostile.status, 422);
    assert!(hostile.json()["error"].as_str().is_some_and(|said| said.contains("图片")), "{}", hostile.body);
    assert_eq!(admin.post("/admin/picture", &[]).status, 422, "nothing was sent");
    let anonymous = send(&hall.client(), &png());
    assert!(anonymous.location.is_some_and(|to| to.starts_with("/login")));
    for grants in [&[][..], &[("event.view", scope.as_str()), ("registration.view", scope.as_str())]] {
        let login = format!("staff{}", grants.len());
        assert_eq!(send(&staff(&hall, &admin, &login, grants), &png()).status, 403);
    }
}

#[test]
fn what_an_editor_sends_is_made_clean_whatever_it_is() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let id = event(&admin, "年会");
    let edit = format!("/admin/event/{id}/edit");
    let revision = || {
        let page = admin.get(&edit).body;
        let at = page.split("name=\"revision\" value=\"").nth(1).unwrap();
        at.split('"').next().unwrap().to_owned()
    };
    let (starts, ends) = (crate::hall::local(60), crate::hall::local(600));
    let save = |intro: &str| {
        let revision = revision();
        let form = [
            ("revision", revision.as_str()),
            ("name", "年会"),
            ("starts", &starts),
            ("ends", &ends),
            ("intro", intro),
            ("notice", intro),
        ];
        admin.post(&edit, &form)
    };
    let hostile = "<!doctype html><h2 id=\"content\">议程</h2><p style=\"x\" onclick=\"x()\">a<script>alert(1)</script><svg><script>alert(2)</script></svg>\
        <img src=x onerror=alert(3)><a href=\"javascript:alert(4)\">b</a><iframe src=\"/admin\"></iframe></p>";
    assert_eq!(save(hostile).status, 303);
    let page = hall.client().get(&format!("/event/{id}")).body;
    assert!(page.contains("<h2>议程</h2><p>a<a>b</a></p>"), "{page}");
    for wrong in ["alert(", "onclick", "onerror", "<iframe", "javascript:"] {
        assert!(!page.contains(wrong), "{wrong}");
        assert!(!admin.get(&edit).body.contains(wrong), "{wrong}");
    }
    let nested = format!("<!doctype html>{}a", "<ul><li>".repeat(400));
    let refused = save(&nested);
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("格式过多") && refused.body.contains("e-intro"), "{}", refused.body);
    let huge = format!("<!doctype html><p>{}</p>", "长".repeat(20_001));
    let refused = save(&huge);
    assert!(refused.status == 422 && refused.body.contains("长长长"), "what was typed is kept");
    assert!(hall.client().get(&format!("/event/{id}")).body.contains("<h2>议程</h2>"), "the old text stands");
}

#[test]
fn an_event_is_written_and_asked_about_in_the_browser() {
    let hall = Hall::fresh();
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("place.png");
    std::fs::write(&picture, png()).unwrap();
    let script = format!("{}/../../tests/browser/event.mjs", env!("CARGO_MANIFEST_DIR"));
    let code = hall.setup_code.clone().unwrap();
    let mut command = Command::new("node");
    command.args([&script, &hall.base, &code]).arg(&picture);
    if let Some(kept) = std::env::var_os("HUIGUAN_SHOTS") {
        command.arg(kept);
    }
    let done = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && said.contains("walked"), "{said}");
}

#[test]
fn money_and_members_are_for_those_who_manage_them() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let (mine, other) = (event(&admin, "我的"), event(&admin, "别的"));
    let form = [("name", "张三"), ("phone", "13800000001"), ("kind", "1"), ("once", "0123456789abcdef0123")];
    let placed = hall.client().post(&format!("/event/{mine}/register"), &form);
    assert_eq!(placed.status, 303, "{}", placed.body);
    let pay = [("amount", "10"), ("method", "cash"), ("revision", "1")];
    let paid = admin.upload(&format!("/admin/event/{mine}/order/1/pay"), &pay, ("slip", "", b""));
    assert_eq!(paid.status, 303, "{}", paid.body);
    let wish = [("title", "张三"), ("person", "1")];
    assert_eq!(admin.post(&format!("/admin/event/{mine}/order/1/invoice"), &wish).status, 303);
    let scope = format!("e{mine}");
    let viewer = staff(&hall, &admin, "viewer", &[("event.view", &scope), ("registration.view", &scope)]);
    let keeper = staff(
        &hall,
        &admin,
        "keeper",
        &[("event.view", &scope), ("registration.view", &scope), ("order.manage", &scope)],
    );
    let nobody = hall.client();
    let at = |path: &str| path.replace("{e}", &mine).replace("{o}", &other);
    // Path, then what whoever manages the orders of one event gets; whoever only sees it is denied everywhere.
    let reads = [
        ("/admin/income", 200),
        ("/admin/income/events.xlsx", 200),
        ("/admin/income/days.csv", 200),
        ("/admin/income/entries.csv", 200),
        ("/admin/event/{e}/income", 200),
        ("/admin/event/{e}/income/entries.xlsx", 200),
        ("/admin/event/{o}/income", 403),
        ("/admin/event/{o}/income/days.csv", 403),
        ("/admin/event/{e}/invoice", 200),
        ("/admin/event/{e}/invoice/export.csv", 200),
        ("/admin/event/{e}/invoice/export.xlsx", 200),
        ("/admin/event/{e}/invoice/1/print", 200),
        ("/admin/event/{e}/order/1/invoice", 200),
        ("/admin/event/{o}/invoice", 403),
        ("/admin/event/{o}/invoice/1/print", 403),
        ("/admin/event/{o}/order/1/invoice", 403),
        ("/admin/member", 403),
    ];
    for (path, expected) in reads.map(|(path, expected)| (at(path), expected)) {
        assert!(nobody.get(&path).location.is_some_and(|to| to.starts_with("/login")), "{path}");
        assert_eq!(viewer.get(&path).status, 403, "{path}");
        assert_eq!(keeper.get(&path).status, expected, "{path}");
        let all = admin.get(&path).status;
        assert!(all == 200 || all == 404 && path.contains(&format!("/event/{other}/")), "{path}: {all}");
    }
    let writes = [
        "/admin/member",
        "/admin/member/remove",
        "/admin/event/{e}/order/1/invoice",
        "/admin/event/{e}/invoice/1/issue",
        "/admin/event/{e}/invoice/1/void",
    ];
    for path in writes.map(at) {
        let form =
            [("revision", "0"), ("number", "12345678"), ("reason", "x"), ("title", "x"), ("members", "13800000001")];
        assert!(nobody.post(&path, &form).location.is_some_and(|to| to.starts_with("/login")), "{path}");
        assert_eq!(viewer.post(&path, &form).status, 403, "{path}");
    }
    assert_eq!(keeper.post("/admin/member", &[("members", "13800000001")]).status, 403);
    assert_eq!(
        keeper.post(&format!("/admin/event/{other}/invoice/1/void"), &[("revision", "0"), ("reason", "x")]).status,
        403
    );
    assert_eq!(nobody.get("/order/nonsense/invoice").status, 404);
    assert_eq!(nobody.post("/order/nonsense/invoice", &wish).status, 404);
    let overview = keeper.get("/admin").body;
    assert!(
        overview.contains("¥10.00") && !viewer.get("/admin").body.contains("¥10.00"),
        "income is for those who manage orders"
    );
    let file = keeper.get(&format!("/admin/event/{mine}/invoice/export.csv")).body;
    assert!(file.contains("张三") && !file.contains("13800000001"), "phones are masked without the permission: {file}");
    assert_eq!(keeper.get("/admin/income?from=x").status, 422);
}

/// Names that people really have, and some that nobody has.
const NAMES: [&str; 12] = [
    "محمد بن راشد",
    "יעל כהן",
    "བཀྲ་ཤིས་རྒྱ་མཚོ",
    "𠮷田𡃁",
    "👨‍👩‍👧‍👦 一家",
    "Nguyễn Thị Ánh",
    "Z̸a̶l̷g̵o̸",
    "O'Brien & Söhne",
    "ئابلىز·تۇرسۇن",
    "<img src=x onerror=alert(1)>",
    "\"><script>alert(1)</script>",
    "=HYPERLINK(\"http://evil\")",
];

/// As it stands in a page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[test]
fn names_in_any_script_are_kept_shown_and_found_and_none_of_them_does_anything() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let id = event(&admin, "年会");
    let kind = crate::hall::first_type(&admin, &id);
    let list = format!("/admin/event/{id}/registration");
    let mut tickets = Vec::new();
    for (at, name) in NAMES.iter().enumerate() {
        let form = [
            ("name", *name),
            ("phone", &format!("138000000{at:02}")),
            ("company", name),
            ("seat", "1桌"),
            ("note", name),
            ("door_note", name),
            ("group", name),
            ("kind", &kind),
        ];
        let added = admin.post(&format!("{list}/new"), &form);
        assert_eq!(added.status, 303, "{name}: {}", added.body);
        tickets.push(added.location.unwrap());
    }
    let page = admin.get(&list).body;
    for name in NAMES {
        assert!(page.contains(&escaped(name)), "{name} stands in the list as it was written");
    }
    let tame = |path: &str, body: &str| {
        for hostile in ["<img src=x", "<script>alert", "onerror=alert(1)>"] {
            assert!(!body.contains(hostile), "{path}: {hostile}");
        }
    };
    let number = crate::hall::number(&admin, &id, tickets[9].rsplit('/').next().unwrap());
    let mut pages = vec![list.clone(), format!("{list}/print"), tickets[9].clone(), format!("{}/edit", tickets[10])];
    let parts = ["group", "seat", "seat/print", "print", "scan", "checkin", "notice", "order"];
    pages.extend(parts.iter().map(|part| format!("/admin/event/{id}/{part}")));
    pages.extend(tickets.iter().map(|ticket| format!("{ticket}/print")));
    for path in &pages {
        let answer = admin.get(path);
        assert_eq!(answer.status, 200, "{path}");
        tame(path, &answer.body);
    }
    let csv = admin.get(&format!("{list}/export.csv")).body;
    assert!(csv.contains("'=HYPERLINK") && !csv.contains(",=HYPERLINK"), "formulas are defused: {csv}");
    for name in ["محمد", "כהן", "བཀྲ", "𡃁", "nguyễn", "一家", "brien", "تۇرسۇن"] {
        let found = admin.get(&format!("{list}?q={}", crate::hall::encode(name))).body;
        assert_eq!(found.matches("name=\"id\"").count(), 1, "{name} is found alone");
    }
    let holder = admin.get(&tickets[9]).body;
    let link = holder.split("href=\"/ticket/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for path in [format!("/ticket/{link}"), format!("/ticket/{link}/calendar.ics")] {
        let answer = hall.client().get(&path);
        assert_eq!(answer.status, 200, "{path}");
        tame(&path, &answer.body);
    }
    // At the door the name goes as JSON, which a page writes as text.
    let door = crate::hall::terminal(&hall, &admin, &id);
    let scan = serde_json::json!({ "code": number, "nonce": "hostile" });
    let said = door.json("/api/v1/checkin/redeem", &scan);
    assert_eq!(said.status, 200, "{}", said.body);
    assert_eq!(said.json()["person"]["name"], NAMES[9]);
    // A long name is told by its number of characters, whatever they are made of.
    let long = "👨‍👩‍👧‍👦".repeat(10);
    let count = long.chars().count();
    let told = admin.post(&format!("{list}/new"), &[("name", &long), ("phone", ""), ("kind", &kind)]);
    assert!(told.status == 422 && told.body.contains(&count.to_string()), "{}", told.body);
}

#[test]
fn what_is_no_picture_and_what_is_far_too_large_never_becomes_a_cover() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let (starts, ends) = (crate::hall::local(60), crate::hall::local(600));
    let form = [("name", "年会"), ("starts", &starts), ("ends", &ends), ("cover", "t0")];
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let told = admin.upload("/admin/event/new", &form, ("cover_file", "x.svg", svg));
    assert_eq!(told.status, 422, "{}", told.body);
    assert!(told.body.contains("value=\"年会\"") && !told.body.contains("<script>alert"), "what was typed stays");
    let huge = vec![0xff; 100 << 20];
    let body =
        [b"--cut\r\nContent-Disposition: form-data; name=\"cover_file\"; filename=\"x.jpg\"\r\n\r\n".to_vec(), huge]
            .concat();
    let refused = admin.try_send("/admin/event/new", "multipart/form-data; boundary=cut", body, &[]);
    assert!(refused.is_err() || refused.is_ok_and(|answer| answer.status == 413), "100 MB are too many");
    assert_eq!(admin.get("/admin/event").status, 200, "the box goes on");
    assert!(!admin.get("/admin/event").body.contains("年会"), "nothing was made");
}

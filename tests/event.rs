//! An event's own pages, end to end: texts with pictures, questions for a region, members, invoices, income; with who may and hostile input.

use crate::hall::{Client, Hall, event};
use crate::scenario::staff;
use std::process::Command;

/// A small picture.
fn png() -> Vec<u8> {
    let mut out = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(64, 48).write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
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

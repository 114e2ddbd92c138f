//! What belongs to events beside orders, end to end: every route with the anonymous visitor and the wrong role, and a walk in the browser.

use crate::hall::{Client, Hall, event, first_type, local, person};
use crate::scenario::staff;
use std::process::Command;

/// Who tries the routes.
struct Tried {
    nobody: Client,
    bare: Client,
    viewer: Client,
    admin: Client,
}

impl Tried {
    /// Path, then what the viewer of one event gets.
    fn reads(&self, rows: &[(String, u16)]) {
        for (path, expected) in rows {
            let anonymous = self.nobody.get(path);
            let sent = anonymous.location.as_deref().is_some_and(|to| to.starts_with("/login"));
            assert!(anonymous.status == 303 && sent, "{path}: {}", anonymous.status);
            assert_eq!(self.bare.get(path).status, 403, "{path} for an account without grants");
            assert_eq!(self.viewer.get(path).status, *expected, "{path} for the viewer of one event");
            assert_eq!(self.admin.get(path).status, 200, "{path} for the administrator");
        }
    }

    /// Nobody is sent to the log-in; those without the permission are denied.
    fn writes(&self, paths: &[String], form: &[(&str, &str)]) {
        for path in paths {
            let anonymous = self.nobody.post(path, form);
            let sent = anonymous.location.as_deref().is_some_and(|to| to.starts_with("/login"));
            assert!(sent, "{path}: {anonymous:?}");
            for (who, client) in [("bare", &self.bare), ("viewer", &self.viewer)] {
                let denied = client.post(path, form);
                assert_eq!(denied.status, 403, "POST {path} as {who}: {}", denied.body);
            }
        }
    }
}

#[test]
fn what_belongs_to_events_is_denied_to_whom_nobody_granted_it() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let (mine, other) = (event(&admin, "我的"), event(&admin, "别的"));
    let kind = first_type(&admin, &mine);
    let ticket = person(&admin, &mine, &kind, "张三", "13800000001");
    let scope = format!("e{mine}");
    let tried = Tried {
        nobody: hall.client(),
        bare: staff(&hall, &admin, "bare", &[]),
        viewer: staff(&hall, &admin, "viewer", &[("event.view", &scope), ("registration.view", &scope)]),
        admin: admin.clone(),
    };
    let part = [("title", "近期会议"), ("style", "big"), ("count", "3")];
    assert_eq!(admin.post("/admin/home/new", &part).status, 303);
    assert_eq!(admin.post("/admin/series/new", &[("title", "读书会")]).status, 303);
    let talk = [("title", "演讲"), ("from", &local(10)), ("to", &local(60))];
    assert_eq!(admin.post(&format!("/admin/event/{mine}/talk/new"), &talk).status, 303);
    let at = |path: &str| path.replace("{e}", &mine).replace("{o}", &other).replace("{t}", &ticket);
    let reads = [
        ("/admin/category", 200),
        ("/admin/event/{e}/group", 200),
        ("/admin/event/{o}/group", 403),
        ("/admin/event/{e}/seat", 200),
        ("/admin/event/{e}/seat/print", 200),
        ("/admin/event/{o}/seat", 403),
        ("/admin/event/{e}/figures", 200),
        ("/admin/event/{e}/figures/days.csv", 200),
        ("/admin/event/{o}/figures", 403),
        ("/admin/event/{o}/figures/days.xlsx", 403),
        ("/admin/figures/events.csv", 200),
        ("/admin/event/{e}/archive", 403),
        ("/admin/event/{o}/archive", 403),
        ("/admin/series", 200),
        ("/admin/series/new", 403),
        ("/admin/series/1", 200),
        ("/admin/event/{e}/talk", 200),
        ("/admin/event/{e}/talk/new", 403),
        ("/admin/event/{e}/talk/1", 403),
        ("/admin/event/{e}/talk/1/people", 200),
        ("/admin/event/{e}/talk/1/people.csv", 403),
        ("/admin/event/{e}/talk/1/people.xlsx", 403),
        ("/admin/event/{o}/talk", 403),
        ("/admin/event/{e}/feedback", 200),
        ("/admin/event/{e}/feedback/form", 403),
        ("/admin/event/{e}/feedback/answers.csv", 403),
        ("/admin/event/{o}/feedback", 403),
        ("/admin/figures/days.xlsx", 200),
        ("/admin/home", 403),
        ("/admin/home/new", 403),
        ("/admin/home/1", 403),
    ];
    tried.reads(&reads.map(|(path, expected)| (at(path), expected)));
    let writes = [
        "/admin/brand",
        "/admin/category",
        "/admin/category/1",
        "/admin/category/remove",
        "/admin/event/{e}/group",
        "/admin/event/{e}/group/1",
        "/admin/event/{e}/group/1/merge",
        "/admin/event/{e}/group/1/remove",
        "/admin/event/{e}/seat/plan",
        "/admin/event/{e}/seat/add",
        "/admin/event/{e}/seat/assign",
        "/admin/event/{e}/seat/auto",
        "/admin/event/{e}/feedback/form",
        "/admin/event/{e}/archive/plan",
        "/admin/event/{e}/archive/begin",
        "/admin/series/new",
        "/admin/series/1",
        "/admin/series/1/remove",
        "/admin/event/{e}/talk/new",
        "/admin/event/{e}/talk/choosing",
        "/admin/event/{e}/talk/1",
        "/admin/event/{e}/talk/1/remove",
        "/admin/event/{e}/talk/1/list",
        "/admin/home/new",
        "/admin/home/preview",
        "/admin/home/1",
        "/admin/home/1/raise",
        "/admin/home/1/remove",
    ];
    let form = [("name", "x"), ("id", ticket.as_str())];
    tried.writes(&writes.map(at), &form);
}

#[test]
fn visitors_do_not_see_categories_nor_what_is_hidden() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let mine = event(&admin, "年会");
    let kind = first_type(&admin, &mine);
    let quota = [("name", "票"), ("quota", "20"), ("enabled", "1")];
    assert_eq!(admin.post(&format!("/admin/event/{mine}/ticket_type/{kind}"), &quota).status, 303);
    let visitor = hall.client();
    assert!(visitor.get(&format!("/event/{mine}")).body.contains("余 20"), "tickets left are shown");
    let form = [
        ("revision", "2"),
        ("name", "年会"),
        ("starts", "2026-01-01T09:00"),
        ("ends", "2999-01-01T09:00"),
        ("new_category", "内部保密分类"),
        ("hide_left", "1"),
        ("notice", "请着正装\n<b>勿迟到</b>"),
    ];
    let saved = admin.post(&format!("/admin/event/{mine}/edit"), &form);
    assert_eq!(saved.status, 303, "{}", saved.body);
    let page = visitor.get(&format!("/event/{mine}")).body;
    assert!(!page.contains("余 20") && !page.contains("内部保密分类"));
    assert!(page.contains("<details") && page.contains("请着正装") && page.contains("&lt;b&gt;勿迟到"));
    assert!(!visitor.get("/").body.contains("内部保密分类"));
    assert!(admin.get("/admin/event").body.contains("内部保密分类"));
    let registered = visitor
        .post(&format!("/event/{mine}/register"), &[("name", "李四"), ("phone", "13800000002"), ("kind", &kind)]);
    let page = visitor.get(&registered.location.unwrap()).body;
    assert!(page.contains("请着正装"), "the notice stands on the ticket");
    let long =
        admin.post(&format!("/admin/event/{mine}/edit"), &[("new_category", &"长".repeat(31)), ("revision", "3")]);
    assert!(long.status == 422 && long.body.contains("e-new_category"), "what is wrong is said at its field");
}

#[test]
fn a_component_is_framed_only_by_sites_that_are_named_and_read_by_programs() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let mine = event(&admin, "年会<b>");
    let part = [("title", "近期会议"), ("style", "list"), ("count", "3")];
    assert_eq!(admin.post("/admin/home/new", &part).status, 303);
    let visitor = hall.client();
    let policy = |path: &str| {
        let page = visitor.get(path);
        assert_eq!(page.status, 200, "{path}");
        (page.headers["content-security-policy"].clone(), page.headers.contains_key("x-frame-options"))
    };
    assert!(policy("/part/1").0.contains("frame-ancestors 'none'") && policy("/part/1").1, "by nobody at first");
    assert_eq!(admin.post("/admin/brand", &[("frames", "https://www.example.org")]).status, 303);
    let (named, denied) = policy("/part/1");
    assert!(named.contains("frame-ancestors 'self' https://www.example.org;") && !denied, "{named}");
    assert!(policy("/").0.contains("frame-ancestors 'none'"), "other pages stay closed");
    let answer = visitor.get("/api/v1/home").json();
    let card = &answer["parts"][0]["events"][0];
    assert_eq!((card["name"].as_str(), answer["parts"][0]["style"].as_str()), (Some("年会<b>"), Some("list")));
    assert!(card["url"].as_str().is_some_and(|url| url.ends_with(&format!("/event/{mine}"))));
    assert!(visitor.get("/api/v1/openapi.json").json()["paths"]["/api/v1/home"]["get"].is_object());
    assert_eq!(visitor.get("/part/99").status, 404);
    assert!(!visitor.get("/part/1").body.contains("年会<b>"), "names are escaped");
    assert!(visitor.get("/my").body.contains("本机还没有门票"));
    let strange =
        ["/ticket/nothing/feedback", "/ticket/nothing/talk", "/series/99", "/part/x", "/logo", "/admin/event/x/seat"];
    for path in strange {
        let status = admin.get(path).status;
        assert!((400..500).contains(&status), "{path}: {status}");
    }
    let preview = admin.get("/admin/home/preview");
    assert_eq!(preview.status, 405, "opened again without what a form had sent");
    assert!(preview.body.contains("</html>") && preview.headers.contains_key("allow"), "and said on a page");
    let posted = visitor.post("/ticket/nothing/feedback", &[("answer-1", "5")]);
    assert_eq!(posted.status, 404, "who has no ticket answers nothing");
}

#[test]
fn whoever_may_only_make_events_makes_one_in_a_category() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    assert_eq!(admin.post("/admin/category", &[("name", "年会")]).status, 303);
    let maker = staff(&hall, &admin, "maker", &[("event.manage", "space")]);
    let form = maker.get("/admin/event/new");
    assert!(form.status == 200 && form.body.contains("年会"), "{}", form.status);
    let made = maker.post(
        "/admin/event/new",
        &[("name", "x"), ("starts", &local(10)), ("ends", &local(90)), ("category", "1"), ("cover", "t0")],
    );
    assert_eq!(made.status, 303, "{}", made.body);
    let ghost = maker.post(
        "/admin/event/new",
        &[("name", "y"), ("starts", &local(10)), ("ends", &local(90)), ("category", "99"), ("cover", "t0")],
    );
    assert!(
        ghost.status == 422 && !admin.get("/admin/event").body.contains(">y<"),
        "nothing is made with a wrong category"
    );
}

#[test]
fn files_of_figures_hold_only_what_one_may_see() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let (mine, other) = (event(&admin, "我的会"), event(&admin, "=别的会"));
    let kind = first_type(&admin, &mine);
    person(&admin, &mine, &kind, "张三", "13800000001");
    let viewer = staff(&hall, &admin, "viewer", &[("event.view", &format!("e{mine}"))]);
    let whole = admin.get("/admin/figures/events.csv").body;
    assert!(whole.contains("我的会") && whole.contains("'=别的会") && whole.lines().count() == 4, "{whole}");
    let part = viewer.get("/admin/figures/events.csv").body;
    assert!(part.contains("我的会") && !part.contains("别的会") && !part.contains("张三"), "{part}");
    let days = viewer.get(&format!("/admin/event/{mine}/figures/days.csv")).body;
    assert!(days.lines().count() == 2 && days.contains(",1,0"), "{days}");
    let none = admin.get("/admin/figures/events.csv?from=2001-01-01&to=2001-01-02").body;
    assert_eq!(none.lines().count(), 2, "{none}");
    let wrong = admin.get("/admin?from=2026-02-30");
    assert!(wrong.status == 422 && wrong.body.contains("e-from"), "a wrong day is said at its field");
    for path in ["/admin/figures/events.pdf", "/admin/figures/x.csv", "/admin/figures/events"] {
        assert_eq!(admin.get(path).status, 404, "{path}");
    }
    assert_eq!(admin.get(&format!("/admin/event/{other}/figures/days.csv")).status, 200);
}

#[test]
fn the_running_box_archives_an_event_whose_time_has_come() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let form = [("name", "去年年会"), ("starts", &local(-300)), ("ends", &local(-200)), ("cover", "t0")];
    let made = admin.post("/admin/event/new", &form);
    let event = made.location.unwrap().rsplit('/').next().unwrap().to_owned();
    let kind = first_type(&admin, &event);
    let ticket = person(&admin, &event, &kind, "欧阳锋", "13800000001");
    let planned = admin.post(&format!("/admin/event/{event}/archive/plan"), &[("due", &local(-100))]);
    assert_eq!(planned.status, 303, "{}", planned.body);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !admin.get(&format!("/admin/event/{event}/archive")).body.contains("该会议已于") {
        assert!(std::time::Instant::now() < deadline, "the box archives by itself");
    }
    let page = admin.get(&format!("/admin/event/{event}/registration/{ticket}")).body;
    assert!(page.contains("欧**") && !page.contains("欧阳锋") && !page.contains("13800000001"));
    let list = admin.get(&format!("/admin/event/{event}/registration/export.csv")).body;
    assert!(!list.contains("欧阳锋") && !list.contains("13800000001"), "{list}");
}

#[test]
fn beside_orders_from_the_form_to_the_archive() {
    let hall = Hall::fresh();
    let script = format!("{}/../../tests/browser/extras.mjs", env!("CARGO_MANIFEST_DIR"));
    let code = hall.setup_code.clone().unwrap();
    let done = Command::new("node").args([&script, &hall.base, &code]).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && said.contains("walked"), "{said}");
    let data = hall.data.clone();
    let _folder = hall.end_and_keep();
    let verified = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["verify", "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("no damage"), "{said}");
}

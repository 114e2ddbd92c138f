//! Seeing as somebody else, end to end: what every request of such a session gets, and the banner in a real browser.

use crate::hall::{Hall, event, first_type, number, person};
use crate::scenario::staff;
use serde_json::json;

#[test]
fn whoever_sees_as_somebody_else_reads_what_they_read_and_nothing_more() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let id = event(&admin, "年会");
    let ticket = person(&admin, &id, &first_type(&admin, &id), "张三", "13800000001");
    let scope = format!("e{id}");
    let clerk = staff(
        &hall,
        &admin,
        "clerk",
        &[("event.view", &scope), ("registration.view", &scope), ("registration.export", &scope)],
    );
    let export = format!("/admin/event/{id}/registration/export.csv");
    assert_eq!((admin.get(&export).status, clerk.get(&export).status), (200, 200));
    assert!(admin.get("/admin/account/2").body.contains("action=\"/admin/account/2/eyes\""));
    assert!(!admin.get("/admin/account/1").body.contains("/eyes\""), "not one's own");
    assert_eq!(admin.post("/admin/account/2/eyes", &[]).location.as_deref(), Some("/admin"));
    // The banner is on every page, pages that are refused and those for everybody included; what is seen is what the clerk sees.
    let list = format!("/admin/event/{id}/registration");
    for path in ["/admin/event", &list, "/admin/account", "/admin/nowhere", "/", "/admin/session"] {
        let page = admin.get(path);
        assert!(page.body.contains("class=\"eyes\"") && page.body.contains("clerk"), "{path}: {}", page.status);
    }
    assert!(!clerk.get(&list).body.contains("class=\"eyes\""));
    for (path, status) in [("/admin/account", 403), ("/admin/audit", 403), (&*list, 200), ("/admin/session", 403)] {
        assert_eq!(admin.get(path).status, status, "{path}");
    }
    assert!(!admin.get("/admin/event").body.contains("href=\"/admin/account\""), "the navigation is theirs");
    assert!(!admin.get(&format!("{list}/{ticket}")).body.contains("13800000001"), "nor the whole number");
    // Nothing is changed, whatever the way; nothing is taken along.
    let code = |path: &str, form: &[(&str, &str)]| {
        let refused = admin.post(path, form);
        (refused.status, refused.body.contains("不能修改"))
    };
    let new = format!("{list}/new");
    for path in ["/admin/event/new", &new, "/admin/session/password", "/language", "/admin/account/2/eyes", "/login"] {
        assert_eq!(code(path, &[("name", "x"), ("login", "admin")]), (403, true), "{path}");
    }
    let scan = json!({ "code": number(&clerk, &id, &ticket), "nonce": "n", "event": id.parse::<u64>().unwrap() });
    for path in ["/api/v1/checkin/redeem", "/api/v1/checkin/annul"] {
        let refused = admin.json(path, &scan);
        assert_eq!((refused.status, refused.json()["code"].as_str()), (403, Some("eyes.read_only")), "{path}");
    }
    let taken = admin.get(&export);
    assert!(taken.status == 403 && taken.body.contains("不能下载") && !taken.body.contains("张三"), "{}", taken.status);
    assert_eq!(clerk.get(&export).status, 200, "others go on");
    // One press ends it.
    assert_eq!(admin.post("/admin/account/eyes/end", &[]).location.as_deref(), Some("/admin/account/2"));
    assert_eq!(admin.get("/admin/account").status, 200);
    let log = admin.get("/admin/audit?q=eyes").body;
    assert!(log.contains("eyes.begin") && log.contains("eyes.end"), "{log}");
    // Never above oneself, and not without the permission.
    let seer = staff(&hall, &admin, "seer", &[("account.see", "space"), ("account.manage", "space")]);
    assert_eq!(seer.post("/admin/account/1/eyes", &[]).status, 403);
    assert_eq!(seer.get("/admin/account/1").body.matches("/eyes\"").count(), 0);
    assert_eq!(clerk.post("/admin/account/1/eyes", &[]).status, 403);
    // Logging out ends it as well.
    assert_eq!(admin.post("/admin/account/eyes", &[("permissions", "event.view")]).status, 303);
    assert_eq!(admin.get("/admin/audit").status, 403);
    assert_eq!(admin.post("/logout", &[]).status, 303);
    assert_eq!(admin.get("/admin").status, 303);
    assert!(hall.stop());
}

#[test]
fn seeing_as_somebody_else_in_a_browser() {
    let hall = Hall::fresh();
    let pictures = std::env::var("HUIGUAN_PICTURES").unwrap_or_default();
    crate::browser::run("eyes.mjs", &[&hall.base, hall.setup_code.as_deref().unwrap(), &pictures]);
    assert!(hall.stop());
}

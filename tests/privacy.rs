//! People's data end to end: a copy of everything, asking to be erased on the phone, the secretariat's answer, and who saw numbers in full.

use crate::hall::{Client, Hall, event, first_type, person};
use serde_json::json;

const PHONE: &str = "13812345678";

/// A browser in which the person of [`PHONE`] has just logged in by code; the box is stopped and started for it.
fn logged_in(folder: &std::path::Path, hall: Hall) -> (Hall, Client) {
    let data = hall.data.clone();
    assert!(hall.stop());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let code = runtime.block_on(bench::fill::login_code(folder)).unwrap();
    let hall = Hall::at(&data);
    let browser = hall.client();
    let session = browser.post("/my/login", &[("to", PHONE), ("sent", "1"), ("code", &code)]);
    assert_eq!((session.status, session.location.as_deref()), (303, Some("/my")), "{}", session.body);
    (hall, browser)
}

/// The number of the person who holds a ticket, from the page of the registration.
fn person_of(admin: &Client, event: &str, ticket: &str) -> String {
    let page = admin.get(&format!("/admin/event/{event}/registration/{ticket}")).body;
    let at = page.split("/admin/privacy/").nth(1).expect("a way to the person's data");
    at.split('"').next().unwrap().to_owned()
}

#[test]
fn a_person_takes_their_data_along_and_is_erased_when_they_ask() {
    let folder = tempfile::tempdir().unwrap();
    let hall = Hall::at(&folder.path().join("data"));
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let ticket = person(&admin, &event, &kind, "欧阳锋", PHONE);
    let stranger = hall.client();
    assert_eq!(stranger.get("/my/data").location.as_deref(), Some("/my/login"));
    for path in ["/my/data/export", "/my/data/erase", "/my/data/keep"] {
        assert_eq!(stranger.post(path, &[("confirm", "欧阳锋")]).status, 401, "{path}");
    }
    let (session, (hall, own)) = (admin.cookie("hall_session").unwrap(), logged_in(folder.path(), hall));
    let mut admin = hall.client();
    admin.set_cookie("hall_session", &session);
    assert!(own.get("/my/session").body.contains("/my/data"));
    let export = own.post("/my/data/export", &[]);
    assert_eq!((export.status, export.headers["content-type"].as_str()), (200, "application/zip"));
    assert!(export.body.starts_with("PK") && export.headers["content-disposition"].contains(".zip"));
    let wrong = own.post("/my/data/erase", &[("confirm", "欧阳")]);
    assert!(wrong.status == 422 && wrong.body.contains("请一字不差地输入"), "{}", wrong.body);
    assert_eq!(own.post("/my/data/erase", &[("confirm", "欧阳锋")]).status, 303);
    assert!(own.get("/my/data").body.contains("您已请求删除数据"));
    assert_eq!(own.post("/my/data/keep", &[]).status, 303);
    assert_eq!(own.post("/my/data/erase", &[("confirm", "欧阳锋")]).status, 303);
    assert!(admin.get("/admin/privacy").body.contains("欧阳锋"), "the request waits for the secretariat");
    let number = person_of(&admin, &event, &ticket);
    let path = format!("/admin/privacy/{number}");
    let found = admin.get(&format!("/admin/privacy?q={PHONE}"));
    assert_eq!(found.location.as_deref(), Some(path.as_str()));
    let none = admin.get("/admin/privacy?q=13900000000");
    assert!(none.status == 422 && none.body.contains("没有使用此手机号"), "{}", none.body);
    let unsaid = admin.post(&format!("{path}/decline"), &[("reason", "")]);
    assert!(unsaid.status == 422 && unsaid.body.contains("name=\"reason\""));
    let declined = admin.post(&format!("{path}/decline"), &[("reason", "请先领取奖品")]);
    assert_eq!(declined.status, 303, "{}", declined.body);
    assert!(own.get("/my/data").body.contains("请先领取奖品"), "the person reads the reason");
    let copy = admin.post(&format!("{path}/export"), &[]);
    assert!(copy.status == 200 && copy.body.starts_with("PK"));
    assert_eq!(admin.post(&format!("{path}/erase"), &[("confirm", "别人")]).status, 422);
    assert_eq!(admin.post(&format!("{path}/erase"), &[("confirm", "欧阳锋")]).status, 303);
    let gone = format!("/admin/event/{event}/registration/{ticket}");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !admin.get(&path).body.contains("已于") {
        assert!(std::time::Instant::now() < until, "it comes to its end");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let page = admin.get(&gone).body;
    assert!(page.contains("欧**") && !page.contains("欧阳锋") && !page.contains(PHONE), "{page}");
    assert_eq!(own.get("/my/data").location.as_deref(), Some("/my/login"), "every device is logged out");
    let log = admin.get("/admin/access").body;
    assert!(log.contains("导出全部数据") && log.contains("报名详情页"), "{log}");
    assert!(admin.get(&format!("/admin/access?person={number}")).body.contains("欧**"));
    assert!(admin.get("/admin/audit?q=privacy.erased").body.contains(&format!("person/{number}")));
    assert!(hall.stop());
}

#[test]
fn a_registration_names_the_privacy_notice_that_was_agreed_to() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let visitor = hall.client();
    let form = format!("/event/{event}/register");
    assert!(!visitor.get(&form).body.contains("privacy_notice"), "nothing is asked at first");
    assert_eq!(admin.post("/admin/privacy/notice", &[("text", "我们保存姓名和手机号。")]).status, 303);
    let same = admin.post("/admin/privacy/notice", &[("text", "我们保存姓名和手机号。")]);
    assert!(same.status == 422 && same.body.contains("与现行文本相同"));
    let shown = visitor.get(&form).body;
    assert!(shown.contains("name=\"privacy_notice\"") && shown.contains("我们保存姓名和手机号。"));
    let typed = [("people", "1"), ("kind", kind.as_str()), ("name", "李四"), ("phone", PHONE)];
    let without = visitor.post(&form, &typed);
    assert!(without.status == 422 && without.body.contains("请阅读并同意隐私告知"), "{}", without.body);
    let with = visitor.post(&form, &[&typed[..], &[("privacy_notice", "1")]].concat());
    assert_eq!(with.status, 303, "{}", with.body);
    let path = format!("/api/v1/events/{event}");
    let notice = visitor.get(&path).json()["privacy_notice"].clone();
    assert_eq!((notice["version"].as_u64(), notice["text"].as_str()), (Some(1), Some("我们保存姓名和手机号。")));
    let people = json!([{ "ticket_type": kind.parse::<u64>().unwrap(), "name": "王五", "phone": "13900000005" }]);
    let refused = visitor.json(&format!("{path}/orders"), &json!({ "people": people }));
    assert_eq!((refused.status, refused.json()["fields"][0]["field"].as_str()), (422, Some("privacy_notice")));
    let placed = visitor.json(&format!("{path}/orders"), &json!({ "people": people, "privacy_notice": 1 }));
    assert_eq!(placed.status, 201, "{}", placed.body);
    let found = admin.get(&format!("/admin/privacy?q={PHONE}")).location.unwrap();
    let page = admin.get(&found).body;
    assert!(page.contains("/privacy/1") && page.contains("报名表"), "{page}");
    assert_eq!(admin.post(&format!("{found}/consent/withdraw"), &[]).status, 303);
    assert!(admin.get(&found).body.contains("撤回"));
    assert_eq!(admin.post(&format!("{found}/consent"), &[]).status, 303);
    assert!(admin.get(&found).body.contains("纸质"));
    assert!(visitor.get("/privacy/1").body.contains("我们保存姓名和手机号。"));
    assert_eq!(visitor.get("/privacy/2").status, 404);
    let versions = admin.get("/admin/privacy/notice").body;
    assert!(versions.contains("href=\"/privacy/1\""), "{versions}");
}

#[test]
fn what_people_ask_about_their_data_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let hall = Hall::at(&folder.path().join("data"));
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let ticket = person(&admin, &event, &kind, "欧阳锋", PHONE);
    let number = person_of(&admin, &event, &ticket);
    let session = admin.cookie("hall_session").unwrap();
    let (hall, own) = logged_in(folder.path(), hall);
    let given = json!({
        "base": hall.base,
        "session": session,
        "own": own.cookie("hall_person").unwrap(),
        "person": number,
        "pictures": std::env::var("HUIGUAN_PICTURES").unwrap_or_default(),
    });
    crate::browser::run("privacy.mjs", &[&given.to_string()]);
    assert!(hall.stop());
}

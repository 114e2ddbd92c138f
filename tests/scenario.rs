//! Every route with the anonymous visitor, the wrong role and the wrong place; hostile input; doubled and stale forms.

use crate::hall::{Client, FIRST, Hall, PASSWORD, choose_password, event, first_type, local, number, person};

/// Makes an account with these grants; the client is logged in with it.
pub fn staff(hall: &Hall, admin: &Client, login: &str, grants: &[(&str, &str)]) -> Client {
    let made = admin.post("/admin/account/new", &[("name", login), ("login", login), ("password", FIRST)]);
    assert_eq!(made.status, 303, "{}", made.body);
    let path = made.location.unwrap();
    for (permission, scope) in grants {
        assert_eq!(admin.post(&format!("{path}/grant"), &[("permission", permission), ("scope", scope)]).status, 303);
    }
    let client = hall.client();
    assert_eq!(client.post("/login", &[("login", login), ("password", FIRST)]).status, 303);
    choose_password(&client);
    client
}

#[test]
fn what_nobody_granted_is_denied_on_every_route() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let (mine, other) = (event(&admin, "我的"), event(&admin, "别的"));
    let kind = first_type(&admin, &mine);
    let ticket = person(&admin, &mine, &kind, "张三", "13800000001");
    // The first design is a badge, the second a certificate; one badge was printed.
    for preset in ["badge_sheet", "certificate"] {
        let made = admin.post(&format!("/admin/event/{mine}/design"), &[("preset", preset)]);
        assert_eq!(made.status, 303, "{}", made.body);
    }
    let printed = admin.post(&format!("/admin/event/{mine}/print"), &[("ticket", &ticket), ("design", "1")]);
    assert_eq!(printed.status, 303, "{}", printed.body);
    crate::client::made(&admin, "闸机", &["event.view"]);
    let nobody = hall.client();
    let bare = staff(&hall, &admin, "bare", &[]);
    let scope = format!("e{mine}");
    let viewer = staff(&hall, &admin, "viewer", &[("event.view", &scope), ("registration.view", &scope)]);
    let at =
        |path: &str| path.replace("{e}", &mine).replace("{o}", &other).replace("{t}", &ticket).replace("{k}", &kind);
    // Path, then what the viewer of one event gets; nobody is sent to the log-in and the account without grants is denied everywhere.
    let reads = [
        ("/admin/event", 200),
        ("/admin/event/new", 403),
        ("/admin/event/{e}", 200),
        ("/admin/event/{e}/edit", 403),
        ("/admin/event/{e}/question", 403),
        ("/admin/event/{e}/ticket_type", 200),
        ("/admin/event/{e}/ticket_type/new", 403),
        ("/admin/event/{e}/ticket_type/{k}", 403),
        ("/admin/event/{e}/registration", 200),
        ("/admin/event/{e}/registration/new", 403),
        ("/admin/event/{e}/registration/{t}", 200),
        ("/admin/event/{e}/registration/{t}/edit", 403),
        ("/admin/event/{e}/registration/{t}/print", 200),
        ("/admin/event/{e}/registration/print", 200),
        ("/admin/event/{e}/registration/export.csv", 403),
        ("/admin/event/{e}/registration/export.xlsx", 403),
        ("/admin/event/{e}/checkin", 200),
        ("/admin/event/{e}/scan", 200),
        ("/admin/event/{e}/import", 403),
        ("/admin/event/{e}/import/template.csv", 403),
        ("/admin/event/{e}/promotion", 200),
        ("/admin/event/{e}/promotion/qr", 200),
        ("/admin/event/{e}/promotion/qr.svg", 200),
        ("/admin/event/{e}/design", 403),
        ("/admin/event/{e}/design/1", 403),
        ("/admin/event/{e}/design/1/preview.svg", 403),
        ("/admin/event/{e}/design/1/preview.png", 403),
        ("/admin/event/{e}/print", 403),
        ("/admin/event/{e}/print/1", 403),
        ("/admin/event/{e}/print/run/1", 403),
        ("/admin/event/{e}/print/run/1/sheet.svg", 403),
        ("/admin/event/{e}/certificate", 403),
        ("/admin/event/{e}/certificate/sheets/2", 403),
        ("/admin/event/{o}/promotion", 403),
        ("/admin/event/{o}", 403),
        ("/admin/event/{o}/registration", 403),
        ("/admin/event/{o}/scan", 403),
        ("/admin/event/{o}/live", 403),
        ("/admin/outbox", 403),
        ("/admin/message", 403),
        ("/admin/message/sms", 403),
        ("/admin/message/template", 403),
        ("/admin/message/template/reminder", 403),
        ("/admin/message/person/1", 403),
        ("/admin/blast", 403),
        ("/admin/blast/new", 403),
        ("/admin/event/{e}/notice/sms", 403),
        ("/admin/event/{e}/registration/{t}/message", 403),
        ("/admin/webhook", 403),
        ("/admin/person", 403),
        ("/admin/privacy", 403),
        ("/admin/privacy/1", 403),
        ("/admin/privacy/retention", 403),
        ("/admin/privacy/notice", 403),
        ("/admin/access", 403),
        ("/admin/account", 403),
        ("/admin/account/1", 403),
        ("/admin/account/new", 403),
        ("/admin/client", 403),
        ("/admin/client/1", 403),
        ("/admin/space", 403),
        ("/admin/start/language", 403),
        ("/admin/start/association", 403),
        ("/admin/start/zone", 403),
        ("/admin/start/certificate", 403),
        ("/admin/audit", 403),
        ("/terminal/{e}", 403),
    ];
    for (path, expected) in reads {
        let path = at(path);
        let anonymous = nobody.get(&path);
        assert!(
            anonymous.status == 303 && anonymous.location.as_deref().is_some_and(|to| to.starts_with("/login"))
                || anonymous.status == 401,
            "{path}: {}",
            anonymous.status
        );
        assert_eq!(bare.get(&path).status, 403, "{path} for an account without grants");
        assert_eq!(viewer.get(&path).status, expected, "{path} for the viewer of one event");
        // A live stream that is allowed has no end to wait for.
        if !path.ends_with("/live") {
            assert_eq!(admin.get(&path).status, 200, "{path} for the administrator");
        }
    }
    let writes = [
        "/admin/event/new",
        "/admin/event/{e}/edit",
        "/admin/event/{e}/question",
        "/admin/event/{e}/publish",
        "/admin/event/{e}/withdraw",
        "/admin/event/{e}/copy",
        "/admin/event/{e}/ticket_type/new",
        "/admin/event/{e}/ticket_type/{k}",
        "/admin/event/{e}/ticket_type/{k}/raise",
        "/admin/event/{e}/ticket_type/{k}/disable",
        "/admin/event/{e}/ticket_type/{k}/enable",
        "/admin/event/{e}/ticket_type/{k}/remove",
        "/admin/event/{e}/registration/new",
        "/admin/event/{e}/registration/bulk",
        "/admin/event/{e}/registration/{t}/edit",
        "/admin/event/{e}/registration/{t}/cancel",
        "/admin/event/{e}/registration/{t}/restore",
        "/admin/event/{e}/registration/{t}/mark",
        "/admin/event/{e}/registration/{t}/unmark",
        "/admin/event/{e}/checkin",
        "/admin/event/{e}/device",
        "/admin/event/{e}/promotion",
        "/admin/event/{e}/promotion/source",
        "/admin/event/{e}/promotion/source/s1/remove",
        "/admin/event/{e}/design",
        "/admin/event/{e}/design/1",
        "/admin/event/{e}/design/1/preview",
        "/admin/event/{e}/design/1/copy",
        "/admin/event/{e}/design/1/remove",
        "/admin/event/{e}/print",
        "/admin/event/{e}/print/1",
        "/admin/event/{e}/device/1/print",
        "/admin/event/{e}/registration/{t}/portrait/upload",
        "/admin/event/{e}/registration/{t}/portrait/remove",
        "/admin/account/2/eyes",
        "/admin/account/eyes",
        "/admin/client",
        "/admin/client/1/renew",
        "/admin/client/1/revoke",
        "/admin/person/1/undo",
        "/admin/privacy/retention",
        "/admin/privacy/notice",
        "/admin/privacy/1/consent",
        "/admin/privacy/1/consent/withdraw",
        "/admin/privacy/1/export",
        "/admin/privacy/1/decline",
        "/admin/privacy/1/erase",
        "/admin/event/{e}/certificate",
        "/admin/event/{e}/certificate/1/revoke",
        "/admin/event/{e}/certificate/1/reissue",
        "/admin/outbox/1/again",
        "/admin/message",
        "/admin/message/sms",
        "/admin/message/template",
        "/admin/message/template/reminder",
        "/admin/message/sms/try",
        "/admin/message/sms/balance",
        "/admin/message/mail",
        "/admin/message/mail/try",
        "/admin/event/{e}/notice/attend",
        "/admin/webhook",
        "/admin/webhook/1/off",
        "/admin/outbox/1/drop",
        "/admin/account/new",
        "/admin/account/1/grant",
        "/admin/account/1/grant/1/revoke",
        "/admin/account/1/password",
        "/admin/account/1/second/off",
        "/admin/account/1/session/end",
        "/admin/account/1/disable",
        "/admin/account/second",
        "/admin/account/1/enable",
        "/admin/space",
        "/admin/start/leave",
        "/admin/start/spare",
        "/admin/start/association",
        "/admin/start/zone",
        "/admin/department",
        "/admin/department/1",
        "/admin/department/1/remove",
    ];
    let form = [
        ("name", "x"),
        ("starts", "2026-01-01T00:00"),
        ("ends", "2027-01-01T00:00"),
        ("revision", "0"),
        ("kind", "1"),
        ("checkin_from", "2026-01-01T00:00"),
        ("checkin_to", "2026-01-02T00:00"),
        ("permission", "event.view"),
        ("scope", "space"),
        ("password", PASSWORD),
        ("login", "sneaky"),
        ("act", "cancel"),
        ("id", ticket.as_str()),
        ("ticket", "1"),
        ("design", "1"),
        ("preset", "poster"),
        ("zone", "UTC"),
        ("department", "1"),
    ];
    for path in writes {
        let path = at(path);
        let anonymous = nobody.post(&path, &form);
        assert!(anonymous.location.as_deref().is_some_and(|to| to.starts_with("/login")), "{path}: {anonymous:?}");
        for (who, client) in [("bare", &bare), ("viewer", &viewer)] {
            let denied = client.post(&path, &form);
            assert_eq!(denied.status, 403, "POST {path} as {who}: {}", denied.body);
        }
    }
    assert!(
        viewer.get(&at("/admin/event/{e}/registration")).body.contains("138****0001"),
        "phones are masked without permission"
    );
    assert!(admin.get(&at("/admin/event/{e}/registration")).body.contains("13800000001"));
}

#[test]
fn requests_from_other_sites_change_nothing() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    for head in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let answer =
            admin.send("/admin/department", "application/x-www-form-urlencoded", b"department=X".to_vec(), &[head]);
        assert_eq!(answer.status, 403, "{head:?}");
    }
    assert!(!admin.get("/admin/space").body.contains("value=\"X\""));
    let page = admin.get("/admin/space");
    let policy = &page.headers["content-security-policy"];
    assert!(
        policy.contains("default-src 'none'")
            && !policy.contains("unsafe")
            && policy.contains("frame-ancestors 'none'")
    );
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    assert!(!page.body.contains("style=\"") && !page.body.contains("onclick"), "nothing inline");
}

#[test]
fn text_from_people_is_escaped_and_too_long_input_is_refused() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "<script>alert(1)</script>");
    let kind = first_type(&admin, &event);
    let ticket = person(&admin, &event, &kind, "\"><img src=x onerror=alert(1)>", "");
    for path in [
        format!("/admin/event/{event}/registration/{ticket}"),
        format!("/admin/event/{event}/registration"),
        format!("/event/{event}"),
        "/".to_owned(),
    ] {
        let body = admin.get(&path).body;
        assert!(!body.contains("<script>alert") && !body.contains("<img src=x"), "{path}");
    }
    let long =
        admin.post(&format!("/admin/event/{event}/registration/new"), &[("name", &"长".repeat(61)), ("kind", &kind)]);
    assert!(
        long.status == 422 && long.body.contains("最多 60 个字符") && long.body.contains(&"长".repeat(61)),
        "what was typed is kept"
    );
    let body = format!("kind={kind}&name={}", "x".repeat(2_000_000)).into_bytes();
    let huge = admin.try_send(
        &format!("/admin/event/{event}/registration/new"),
        "application/x-www-form-urlencoded",
        body,
        &[],
    );
    assert!(huge.is_err() || huge.is_ok_and(|answer| matches!(answer.status, 413 | 422)));
    assert_eq!(admin.get("/admin").status, 200, "the hall goes on");
    for path in ["/ticket/nothing", "/event/999", "/picture/9", "/asset/../Cargo.toml", "/admin/event/x", "/%00"] {
        let status = admin.get(path).status;
        assert!((400..500).contains(&status), "{path}: {status}");
    }
}

#[test]
fn a_quota_is_never_oversold_and_a_form_sent_twice_is_one_registration() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "限额");
    let kind = first_type(&admin, &event);
    let saved = admin.post(
        &format!("/admin/event/{event}/ticket_type/{kind}"),
        &[("name", "票"), ("quota", "20"), ("enabled", "1")],
    );
    assert_eq!(saved.status, 303, "{}", saved.body);
    let taken: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..50)
            .map(|n| {
                let (visitor, event, kind) = (hall.client(), event.clone(), kind.clone());
                scope.spawn(move || {
                    let (phone, once) = (format!("138{n:08}"), format!("once-once-once-{n}"));
                    let form =
                        [("name", "人"), ("phone", phone.as_str()), ("kind", kind.as_str()), ("once", once.as_str())];
                    let (first, second) = (
                        visitor.post(&format!("/event/{event}/register"), &form),
                        visitor.post(&format!("/event/{event}/register"), &form),
                    );
                    assert_eq!(
                        (first.status, &first.location),
                        (second.status, &second.location),
                        "sent twice, answered alike"
                    );
                    usize::from(first.status == 303)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(taken, 20);
    let full = admin.post(&format!("/admin/event/{event}/registration/new"), &[("name", "人"), ("kind", &kind)]);
    assert!(full.status == 409 && full.body.contains("已报满"), "the secretariat does not oversell either");
    let list = admin.get(&format!("/admin/event/{event}/registration")).body;
    assert!(list.contains("共 20 条"));
}

#[test]
fn a_form_opened_before_somebody_elses_change_does_not_overwrite_it() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let ticket = person(&admin, &event, &kind, "张三", "13800000001");
    let path = format!("/admin/event/{event}/registration/{ticket}/edit");
    let form = |seat: &'static str| {
        [("revision", "0"), ("name", "张三"), ("phone", "13800000001"), ("seat", seat), ("kind", "1")]
    };
    assert_eq!(admin.post(&path, &form("A1")).status, 303);
    let stale = admin.post(&path, &form("B2"));
    assert!(stale.status == 409 && stale.body.contains("B2"), "refused, and what was typed is still there");
    assert!(admin.get(&format!("/admin/event/{event}/registration/{ticket}")).body.contains("A1"));
}

#[test]
fn wrong_passwords_slow_down_and_logging_out_everywhere_ends_sessions() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let other = hall.client();
    assert_eq!(other.post("/login", &[("login", "admin"), ("password", PASSWORD)]).status, 303);
    assert_eq!(other.get("/admin").status, 200);
    assert_eq!(admin.post("/admin/session/elsewhere", &[]).status, 303);
    assert_eq!(other.get("/admin").status, 303, "the other browser is logged out");
    assert_eq!(admin.get("/admin").status, 200);
    let stranger = hall.client();
    for _ in 0..5 {
        assert_eq!(stranger.post("/login", &[("login", "admin"), ("password", "wrong wrong wrong")]).status, 403);
    }
    let slowed = stranger.post("/login", &[("login", "admin"), ("password", PASSWORD)]);
    assert_eq!(slowed.status, 429, "{}", slowed.body);
    let again = hall.client().post("/setup", &[("code", "x"), ("name", "x")]);
    assert_eq!(again.status, 409, "the hall is set up once");
}

#[test]
fn an_imported_list_goes_in_row_by_row_and_comes_back_whole() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let list = "姓名,手机号,单位,座位号\n张三,13800000001,华兴,1\n=1+1,13800000002,,\n坏,12,,\n张三,13800000001,,\n";
    let up = admin.upload(
        &format!("/admin/event/{event}/import"),
        &[("kind", &kind), ("group", "嘉宾")],
        ("file", "list.csv", list.as_bytes()),
    );
    assert_eq!(up.status, 303, "{}", up.body);
    let path = up.location.unwrap();
    let preview = admin.get(&path).body;
    assert!(preview.contains("手机号有误") && preview.contains("名单中手机号重复"), "{preview}");
    assert_eq!(admin.post(&format!("{path}/begin"), &[]).status, 303);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !admin.get(&path).body.contains("refused.csv") {
        assert!(std::time::Instant::now() < deadline, "the import ends");
    }
    let refused = admin.get(&format!("{path}/refused.csv")).body;
    assert_eq!(refused.lines().count(), 3, "{refused}");
    assert!(refused.contains("手机号有误"));
    let csv = admin.get(&format!("/admin/event/{event}/registration/export.csv")).body;
    assert!(csv.contains("'=1+1") && csv.contains("华兴") && csv.contains("嘉宾"), "{csv}");
    let again = admin.upload(
        &format!("/admin/event/{event}/import"),
        &[("kind", &kind)],
        ("file", "again.csv", csv.as_bytes()),
    );
    let preview = admin.get(&again.location.unwrap()).body;
    let figures: Vec<&str> = preview
        .split("data-live=\"")
        .skip(1)
        .map(|part| part.split('>').nth(1).unwrap().split('<').next().unwrap())
        .collect();
    assert_eq!(figures, ["0", "0", "2", "0"], "an exported list imports as unchanged");
    let bomb = admin.upload(
        &format!("/admin/event/{event}/import"),
        &[("kind", &kind)],
        ("file", "x.xlsx", b"PK\x03\x04rubbish"),
    );
    assert!(bomb.status == 422 && bomb.body.contains("无法读取该工作簿"), "{}", bomb.body);
}

#[test]
fn an_event_is_copied_withdrawn_and_closed_to_the_door() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let ticket = person(&admin, &event, &kind, "张三", "");
    let code = number(&admin, &event, &ticket);
    let copied = admin.post(&format!("/admin/event/{event}/copy"), &[("name", "明年年会")]);
    assert!(copied.location.as_deref().is_some_and(|to| to.ends_with("/edit")), "{}", copied.body);
    let copy = copied.location.unwrap().replace("/edit", "");
    assert!(admin.get(&copy).body.contains("草稿"));
    assert_eq!(hall.client().get(&copy.replace("/admin", "")).status, 404, "visitors do not see drafts");
    assert_eq!(admin.post(&format!("/admin/event/{event}/withdraw"), &[]).status, 303);
    assert!(hall.client().get(&format!("/event/{event}")).body.contains("本次会议已取消"));
    let scan = admin
        .json(
            "/api/v1/checkin/redeem",
            &serde_json::json!({ "event": event.parse::<u64>().unwrap(), "code": code, "nonce": "n" }),
        )
        .json();
    assert_eq!(scan["reason"].as_str(), Some("canceled"));
    let marked = admin.post(&format!("/admin/event/{event}/registration/{ticket}/mark"), &[]);
    assert_eq!(marked.status, 303);
    assert!(admin.get(&format!("/admin/event/{event}/registration/{ticket}")).body.contains("已签到"));
    assert_eq!(admin.post(&format!("/admin/event/{event}/registration/{ticket}/unmark"), &[]).status, 303);
    let page = admin.get(&format!("/admin/event/{event}/registration/{ticket}")).body;
    assert!(page.contains("签到已撤销"), "the record stays, marked");
    assert!(local(0).len() == 16);
}

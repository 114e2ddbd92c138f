//! What is open, how long is waited, what settings may say.

use super::*;

#[test]
fn a_tunnel_leads_to_what_is_public_and_to_nothing_else() {
    let open = [
        "/",
        "/event/3",
        "/event/3/register",
        "/ticket/ABC",
        "/ticket/ABC/message",
        "/order/X/pay",
        "/my",
        "/my/session",
        "/part/2",
        "/draw/7/live",
        "/screen/draw/1",
        "/asset/app.css",
        "/api",
        "/api/v1/events",
        "/callback/wechat",
        "/callback/wecom",
        "/merchant",
        "/merchant/register",
        "/message/leave/x",
        "/certificate/1",
        "/picture/3",
        "/logo",
        "/language",
        "/in",
        "/wechat/back",
        "/MP_verify_abc.txt",
        "/series/2",
        "/wait/abc",
        "/page.css",
    ];
    for path in open {
        assert!(is_open(path), "{path}");
    }
    let closed = [
        "",
        "/admin",
        "/admin/",
        "/admin/event/3",
        "/admin.txt/x",
        "/login",
        "/login/step",
        "/logout",
        "/setup",
        "/root",
        "/root.crt",
        "/root.mobileconfig",
        "/terminal",
        "/terminal/4",
        "/terminal/worker.js",
        "/helper",
        "/metrics",
        "//admin",
        "//",
        "/%61dmin",
        "/Admin",
        "/m/2/admin",
        "/m/1",
        "/event%2f..%2fadmin",
        "admin",
        "*",
        "/.well-known/x",
        "/..",
        "/./admin",
        "/apix",
        "/events",
        "/a/b.txt",
    ];
    for path in closed {
        assert!(!is_open(path), "{path}");
    }
}

#[test]
fn pauses_double_up_to_five_minutes_and_differ_a_little() {
    let cases = [(0, 2), (1, 2), (2, 4), (3, 8), (6, 64), (8, 256), (9, 300), (10, 300), (u32::MAX, 300)];
    for (failures, seconds) in cases {
        assert_eq!(pause(failures, 0), seconds * SECOND, "{failures}");
        let longest = seconds * SECOND + seconds * SECOND / 4;
        assert!(
            [1, 77, 4_711, u64::MAX]
                .iter()
                .all(|chance| (seconds * SECOND..=longest).contains(&pause(failures, *chance)))
        );
    }
    assert_ne!(pause(5, 1), pause(5, 2));
}

fn input() -> TunnelInput {
    TunnelInput {
        on: true,
        host: " SSH.Example.cn ".into(),
        port: "22".into(),
        user: "huiguan".into(),
        bind: "127.0.0.1".into(),
        bind_port: "8080".into(),
        base: "https://Hall.example.cn/".into(),
        staff: false,
        proxied: true,
        revision: 0,
    }
}

#[test]
fn settings_of_a_tunnel_are_checked_field_by_field() {
    let set = input().check().unwrap();
    assert_eq!((set.host.as_str(), set.port, set.bind_port), ("ssh.example.cn", 22, 8080));
    assert_eq!(set.base, "https://hall.example.cn");
    type Change = fn(&mut TunnelInput);
    let good: [Change; 6] = [
        |form| form.host = "[2001:db8::1]".into(),
        |form| form.host = "192.0.2.7".into(),
        |form| form.bind = "*".into(),
        |form| form.bind = "::".into(),
        |form| form.base = "http://192.0.2.7:8080".into(),
        |form| form.base = "https://[2001:db8::1]:8443".into(),
    ];
    for (at, change) in good.iter().enumerate() {
        let mut form = input();
        change(&mut form);
        assert!(form.check().is_ok(), "{at}: {form:?}");
    }
    let bad: [(&str, Change); 17] = [
        ("host", |form| form.host = String::new()),
        ("host", |form| form.host = "a b".into()),
        ("host", |form| form.host = "ssh://x".into()),
        ("host", |form| form.host = "-oProxyCommand=x".into()),
        ("host", |form| form.host = "a".repeat(300)),
        ("port", |form| form.port = "0".into()),
        ("port", |form| form.port = "70000".into()),
        ("user", |form| form.user = "a@b".into()),
        ("user", |form| form.user = String::new()),
        ("bind", |form| form.bind = "eth0".into()),
        ("bind_port", |form| form.bind_port = "x".into()),
        ("base", |form| form.base = String::new()),
        ("base", |form| form.base = "hall.example.cn".into()),
        ("base", |form| form.base = "https://hall.example.cn/a".into()),
        ("base", |form| form.base = "https://a@b".into()),
        ("base", |form| form.base = "https://a:0".into()),
        ("base", |form| form.base = "ftp://a".into()),
    ];
    for (at, (field, change)) in bad.iter().enumerate() {
        let mut form = input();
        change(&mut form);
        let refusal = form.check().expect_err(&at.to_string());
        assert!(refusal.problems.iter().all(|problem| problem.field == *field), "{at}: {:?}", refusal.problems);
    }
}

#[test]
fn the_key_may_forward_its_port_and_nothing_else() {
    let mut plan = TunnelPlan {
        on: true,
        host: "2001:db8::1".into(),
        port: 22,
        user: "h".into(),
        bind: String::new(),
        bind_port: 80,
        base: "https://a.example:8443".into(),
        staff: false,
        proxied: false,
        pinned: None,
        sealed: Vec::new(),
        revision: 1,
    };
    assert_eq!(plan.options(), "restrict,port-forwarding,permitlisten=\"*:80\"");
    assert_eq!(
        (plan.server().as_str(), plan.public_host(), plan.is_secure()),
        ("[2001:db8::1]:22", "a.example:8443", true)
    );
    plan.bind = "127.0.0.1".into();
    plan.host = "a.example".into();
    plan.base = "http://a.example".into();
    assert_eq!(plan.options(), "restrict,port-forwarding,permitlisten=\"127.0.0.1:80\"");
    assert_eq!((plan.server().as_str(), plan.is_secure()), ("a.example:22", false));
}

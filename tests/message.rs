//! Messages through the real box, against a stand-in of a provider of text messages: sent once, whatever is killed when; the pages in a browser.

use crate::hall::{Client, Hall, event, first_type, person};
use domain::{Time, message::LOGIN_CODE};
use gateway::sms::standin::{APP, KEY_ID, Providers, SECRET, SIGN};
use gateway::standin::{Answered, Standin};
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The provider, with a sign for each message that it took.
pub struct Provider {
    pub providers: Providers,
    taken: Receiver<()>,
    pub base: String,
    _standin: Standin,
    _runtime: tokio::runtime::Runtime,
}

/// A provider that takes `millis` for each answer.
pub fn provider(millis: u64) -> Provider {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Time(i64::try_from(since.as_millis()).unwrap())
    };
    let providers = Providers::new(Arc::new(now));
    let (sign, taken) = channel();
    let own = providers.clone();
    let handler = move |asked: gateway::standin::Asked| {
        let answered = own.answer(&asked);
        sign.send(()).unwrap_or_default();
        Answered { after: Duration::from_millis(millis), ..answered }
    };
    let standin = runtime.block_on(Standin::start(handler)).unwrap();
    Provider { providers, taken, base: standin.base.clone(), _standin: standin, _runtime: runtime }
}

/// Sets text messages up; nobody sleeps while tests run.
pub fn set_up(admin: &Client, base: &str) {
    let saved = admin.post("/admin/message", &[("quiet_from", ""), ("quiet_to", ""), ("order-1", "sms")]);
    assert_eq!(saved.status, 303, "{}", saved.body);
    let form = [
        ("enabled", "1"),
        ("provider", "tencent"),
        ("base", base),
        ("key_id", KEY_ID),
        ("secret", SECRET),
        ("app", APP),
        ("sign", SIGN),
        ("per_number", "10"),
        ("per_day", "1000"),
    ];
    let saved = admin.post("/admin/message/sms", &form);
    assert_eq!(saved.status, 303, "{}", saved.body);
    for (occasion, id, values) in [
        ("message", "110", "1=name, 2=text"),
        ("order_completed", "111", "1=event"),
        ("login_code", "112", "1=code, 2=minutes"),
    ] {
        let form = [("act", "save"), ("sms-zh-CN-id", id), ("sms-zh-CN-values", values)];
        let saved = admin.post(&format!("/admin/message/template/{occasion}"), &form);
        assert_eq!(saved.status, 303, "{}", saved.body);
    }
    let page = admin.get("/admin/message").body;
    assert!(!page.contains(SECRET) && page.contains("/callback/sms/"), "the key is never shown");
    let tried = admin.post("/admin/message/sms/try", &[("to", "13900000000"), ("occasion", LOGIN_CODE)]);
    assert_eq!(tried.status, 303, "{}", tried.body);
}

/// Asks for a page until it fits.
fn until(client: &Client, path: &str, what: &str, fits: impl Fn(&str) -> bool) -> String {
    let ends = Instant::now() + Duration::from_secs(60);
    loop {
        let page = client.get(path).body;
        if fits(&page) {
            return page;
        }
        assert!(Instant::now() < ends, "{what}: {page}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn who_registers_is_told_by_text_message_and_the_log_says_so() {
    let provider = provider(0);
    let hall = Hall::fresh();
    let admin = hall.set_up();
    set_up(&admin, &provider.base);
    provider.taken.recv_timeout(Duration::from_secs(10)).expect("the trial");
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let form = [("kind", kind.as_str()), ("people", "1"), ("name", "张三"), ("phone", "13800000001")];
    let registered = hall.client().post(&format!("/event/{event}/register"), &form);
    assert_eq!(registered.status, 303, "{}", registered.body);
    provider.taken.recv_timeout(Duration::from_secs(20)).expect("the message");
    let taken = provider.providers.taken();
    assert_eq!((taken.len(), taken[1].phone.as_str(), taken[1].values[0].as_str()), (2, "+8613800000001", "年会"));
    let notices = format!("/admin/event/{event}/notice");
    let page = until(&admin, &notices, "the notice is sent", |page| page.contains("短信 · 已发送"));
    assert!(page.contains("13800000001"));
    let log = until(&admin, "/admin/message/sms", "the log", |page| page.contains("服务商已接收"));
    assert!(log.contains(&taken[1].reference));
    let key =
        admin.get("/admin/message").body.split("/callback/sms/").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let report = |key: &str, status: &str| {
        let body = format!(
            r#"[{{"nationcode":"86","mobile":"13800000001","report_status":"{status}","errmsg":"x","sid":"{}"}}]"#,
            taken[1].reference
        );
        hall.client().send(&format!("/callback/sms/{key}"), "application/json", body.into_bytes(), &[])
    };
    assert_eq!(report("guessed", "SUCCESS").status, 404);
    assert_eq!(report(&key, "SUCCESS").status, 200);
    assert!(admin.get("/admin/message/sms").body.contains("已送达"));
    assert!(admin.get("/admin/outbox?state=sent&kind=sms").body.contains("138****0001"), "masked in the outbox");
    let ticket = admin.get(&format!("/admin/event/{event}/registration")).body;
    assert!(ticket.contains("张三"));
}

#[test]
fn a_box_that_is_killed_while_it_sends_sends_nothing_twice_and_forgets_nothing() {
    const PEOPLE: usize = 24;
    let provider = provider(40);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut hall = Hall::at(&data);
    let mut admin = hall.set_up();
    set_up(&admin, &provider.base);
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    for at in 0..PEOPLE {
        person(&admin, &event, &kind, &format!("人员{at}"), &format!("138000001{at:02}"));
    }
    while provider.taken.try_recv().is_ok() {}
    let written = admin.post(&format!("/admin/event/{event}/notice"), &[("text", "停车场改在北门")]);
    assert_eq!(written.status, 303, "{}", written.body);
    // Killed with the first call under way, then after some more, at other moments of an attempt.
    for (kills, calls) in [1usize, 5, 3, 4].into_iter().enumerate() {
        for _ in 0..calls {
            if provider.taken.recv_timeout(Duration::from_secs(20)).is_err() {
                break;
            }
        }
        std::thread::sleep(Duration::from_millis(13 * kills as u64));
        hall.kill();
        hall = Hall::at(&data);
        admin = hall.client();
        let login = admin.post("/login", &[("login", "admin"), ("password", crate::hall::PASSWORD)]);
        assert_eq!(login.status, 303, "{}", login.body);
    }
    for state in ["waiting", "trying"] {
        until(&admin, &format!("/admin/outbox?state={state}"), "everything comes to its end", |page| {
            page.contains("暂无内容")
        });
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for taken in provider.providers.taken().iter().filter(|taken| taken.template == "110") {
        *times.entry(taken.phone.clone()).or_default() += 1;
    }
    assert!(times.values().all(|times| *times == 1), "nobody gets it twice: {times:?}");
    let count = |state: &str| admin.get(&format!("/admin/outbox?state={state}")).body.matches("138****01").count();
    let (sent, unsure) = (count("sent"), count("unsure"));
    assert_eq!(sent + unsure, PEOPLE, "{sent} sent, {unsure} perhaps");
    assert!(times.len() >= sent && unsure >= 1, "{} taken, {sent} sent, {unsure} perhaps", times.len());
    assert!(hall.stop());
    let verified = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["verify", "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("no damage"), "{said}");
}

/// A mail as it came to a server, and the record of its signature.
fn signed_mail() -> (Vec<u8>, (String, String)) {
    use gateway::mail::{Account, Mail, dkim::Signer, standin};
    let key = gateway::pay::standin::key::MERCHANT_KEY;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(standin::MailServer::start(standin::Rules::default())).unwrap();
    let account = Account {
        host: "127.0.0.1".into(),
        port: server.address.port(),
        security: domain::message::MailSecurity::None,
        user: String::new(),
        password: String::new(),
        from: ("office@hall.example.org".into(), "江南工商联合会".into()),
        reply_to: "desk@hall.example.org".into(),
        bounce: String::new(),
        dkim: Some(("hall.example.org".into(), "hall".into(), key.into())),
    };
    let mail = Mail {
        to: ("li.si@example.com".into(), "李四".into()),
        subject: "提醒 · 年度会员大会".into(),
        text: "会场改在二号厅。\n\n.一行以点开头\nplain  words \n".into(),
        ours: "1.1.1".into(),
        leave: Some("https://hall.example.org/message/leave/abc".into()),
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    runtime.block_on(account.send(&mail, Time(i64::try_from(now.as_millis()).unwrap()))).unwrap();
    let record = Signer::new("hall.example.org", "hall", key).unwrap().record();
    (server.taken().pop().unwrap().message, record)
}

#[test]
fn dkimpy_believes_what_we_sign() {
    use std::io::Write;
    let tools = std::env::var("HUIGUAN_TEST_TOOLS").unwrap_or_else(|_| "/var/tmp/huiguan-test-tools".into());
    let (message, record) = signed_mail();
    let asked = serde_json::json!({
        "message": data_encoding::BASE64.encode(&message), "record": record,
        "part": "desk@hall.example.org", "other": "evil@hall.example.org",
    });
    let mut peer = Command::new(format!("{tools}/dkimpy/bin/python"))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peer/signature.py"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    peer.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let said = peer.wait_with_output().unwrap();
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(said, serde_json::json!({ "whole": true, "bent": false }), "{}", String::from_utf8_lossy(&message));
}

#[test]
fn many_are_written_to_once_whoever_may_and_the_log_of_each_says_so() {
    let provider = provider(0);
    let hall = Hall::fresh();
    let admin = hall.set_up();
    set_up(&admin, &provider.base);
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    for at in 0..3 {
        person(&admin, &event, &kind, &format!("人员{at}"), &format!("138000001{at:02}"));
    }
    let page = admin.get(&format!("/admin/blast/new?event={event}")).body;
    let once = page.split("name=\"once\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let form = [
        ("from", "event"),
        ("event", event.as_str()),
        ("once", once.as_str()),
        ("purpose", "message"),
        ("text", "{name}，停车场改在北门"),
        ("way", "sms"),
        ("seen", "3"),
    ];
    let wrong = admin.post("/admin/blast/preview", &[&form[..4], &[("way", "sms")]].concat());
    assert!(wrong.status == 422 && wrong.body.contains("此项必填"), "{}", wrong.body);
    let looked = admin.post("/admin/blast/preview", &form);
    assert!(looked.status == 200 && looked.body.contains("人员0，停车场改在北门"), "{}", looked.body);
    let sent = admin.post("/admin/blast", &form);
    let again = admin.post("/admin/blast", &form);
    assert_eq!((sent.status, &sent.location), (303, &again.location), "{}", sent.body);
    let at = sent.location.unwrap();
    let ticks = |page: &str| page.matches("短信 · 已发送").count() == 3;
    until(&admin, &at, "everybody got it", ticks);
    let taken = provider.providers.taken();
    let texts: Vec<&str> =
        taken.iter().filter(|taken| taken.template == "110").map(|taken| taken.values[1].as_str()).collect();
    assert_eq!(texts.len(), 3, "nobody twice: {texts:?}");
    assert!(texts.contains(&"人员1，停车场改在北门"));
    let log = admin.get(&format!("/admin/event/{event}/registration/1/message")).body;
    assert!(log.contains("停车场改在北门") && log.contains("短信"), "{log}");
    assert!(
        admin.get("/admin/message/person/1").status == 200 && admin.get("/admin/message/person/9999").status == 404
    );
    assert_eq!(admin.post(&format!("{at}/stop"), &[]).status, 303);
    for path in [
        "/admin/blast",
        "/admin/blast/new",
        at.as_str(),
        "/admin/message/template",
        "/admin/message/template/reminder",
        "/admin/message/person/1",
    ] {
        let visitor = hall.client().get(path);
        assert!(visitor.status == 303 && visitor.location.unwrap().contains("/login"), "{path}");
    }
    assert_eq!(admin.get("/admin/message/template/nothing").status, 404);
    let looked =
        admin.post("/admin/message/template/reminder", &[("act", "preview"), ("words-zh-CN-text", "{event}马上开始")]);
    assert!(
        looked.body.contains("年度会员大会马上开始") && !admin.get("/admin/message/template").body.contains("马上开始")
    );
}

#[test]
fn message_pages_are_set_up_read_and_chosen_in_a_browser() {
    let provider = provider(0);
    let hall = Hall::fresh();
    let script = format!("{}/../../tests/browser/message.mjs", env!("CARGO_MANIFEST_DIR"));
    let args = [&hall.base, hall.setup_code.as_ref().unwrap(), &provider.base];
    let done = Command::new("node").arg(&script).args(args).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
}

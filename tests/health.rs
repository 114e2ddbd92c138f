//! The box tells how it is: the status page and its JSON, the doctor, what systemd is told and gives, figures for Prometheus, the checklist, and that
//! logs hold nothing about people.

use crate::hall::{Hall, event, first_type, number, person, spoken, terminal, unspeakable};
use crate::scenario::staff;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn doctor(data: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_huiguan")).arg("doctor").arg("--data").arg(data).args(more).output().unwrap()
}

fn lines(output: &Output) -> Vec<(String, String)> {
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = told["lines"].as_array().unwrap().iter();
    all.map(|line| (line["check"].as_str().unwrap().to_owned(), line["level"].as_str().unwrap().to_owned())).collect()
}

fn level(lines: &[(String, String)], check: &str) -> Option<String> {
    lines.iter().find(|(name, _)| name == check).map(|(_, level)| level.clone())
}

#[test]
fn the_doctor_asks_the_running_box_and_looks_for_itself_when_there_is_none() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let until = Instant::now() + Duration::from_secs(60);
    let all = loop {
        let all = lines(&doctor(&hall.data, &["--json"]));
        // The first index is built in the background.
        if level(&all, "search").as_deref() == Some("good") {
            break all;
        }
        assert!(Instant::now() < until, "{all:?}");
        std::thread::park_timeout(Duration::from_millis(200));
    };
    for check in ["hall", "journal", "queue", "gateway", "search", "certificate", "key", "version"] {
        assert_eq!(level(&all, check).as_deref(), Some("good"), "{check}: {all:?}");
    }
    assert_eq!(level(&all, "backup").as_deref(), Some("warn"), "there is none yet");
    assert_eq!(level(&all, "account").as_deref(), Some("warn"), "one administrator is few");
    let words = String::from_utf8(doctor(&hall.data, &[]).stdout).unwrap();
    assert!(words.contains("good  Journal: A write gets onto the disk") && words.contains("Plug in a disk"), "{words}");
    let page = admin.get("/admin/status.json");
    assert_eq!(page.status, 200, "{}", page.body);
    let same: Vec<_> = page.json()["lines"].as_array().unwrap().iter().map(|line| line["check"].clone()).collect();
    assert_eq!(same, all.iter().map(|(check, _)| check.as_str()).collect::<Vec<_>>());
    let run = hall.data.join("run");
    assert_eq!(std::fs::metadata(&run).unwrap().permissions().mode() & 0o777, 0o700, "nobody else may ask");

    let data = hall.data.clone();
    let _folder = hall.end_and_keep().unwrap();
    let alone = doctor(&data, &["--json"]);
    let all = lines(&alone);
    assert_eq!((level(&all, "hall").as_deref(), level(&all, "journal")), (Some("warn"), None));
    assert_eq!(level(&all, "key").as_deref(), Some("good"));
    let key = data.with_file_name("data.key");
    std::fs::rename(&key, key.with_extension("gone")).unwrap();
    let keyless = doctor(&data, &[]);
    assert_eq!(keyless.status.code(), Some(1), "what is bad is an exit code");
    assert!(String::from_utf8_lossy(&keyless.stdout).contains("bad   Key file: The key file is missing"));
    // Somebody holds the data and does not answer.
    let held = std::fs::File::open(data.join("store/lock")).unwrap();
    held.try_lock().unwrap();
    assert_eq!(level(&lines(&doctor(&data, &["--json"])), "hall").as_deref(), Some("bad"));
}

#[test]
fn the_status_and_the_checklist_are_for_those_who_look_after_the_box() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let bare = staff(&hall, &admin, "bare", &[]);
    for path in ["/admin/status", "/admin/status.json"] {
        assert_eq!((bare.get(path).status, hall.client().get(path).status), (403, 303), "{path}");
    }
    for path in ["/admin/status/backup/dismiss", "/admin/status/restore"] {
        assert_eq!((bare.post(path, &[]).status, hall.client().post(path, &[]).status), (403, 303), "{path}");
    }
    let page = admin.get("/admin/status").body;
    assert!(page.contains("主机状态") && page.contains("毫秒后落盘") && page.contains("需要留意"), "{page}");
    let overview = || admin.get("/admin").body;
    assert!(overview().contains("本机没有备份") && overview().contains("只有一人可以管理本机"));
    assert_eq!(admin.post("/admin/status/account/dismiss", &[]).status, 303);
    assert!(overview().contains("本机没有备份") && !overview().contains("只有一人可以管理本机"));
    assert_eq!(admin.post("/admin/status/nothing/dismiss", &[]).status, 404);
    assert!(admin.get("/admin/audit").body.contains("box.dismiss"));
    assert!(admin.get("/admin/status").body.contains("重新显示已忽略"));
    assert_eq!(admin.post("/admin/status/restore", &[]).status, 303);
    assert!(overview().contains("只有一人可以管理本机"));
}

/// What systemd would hear.
struct Ear {
    socket: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Ear {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { socket, folder }
    }

    fn address(&self) -> String {
        self.folder.path().join("notify").to_str().unwrap().to_owned()
    }

    fn hears(&self) -> String {
        let mut heard = [0; 512];
        let length = self.socket.recv(&mut heard).unwrap();
        String::from_utf8_lossy(&heard[..length]).into_owned()
    }
}

#[test]
fn systemd_is_told_that_the_box_is_ready_well_and_at_its_end() {
    let ear = Ear::new();
    let folder = tempfile::tempdir().unwrap();
    let address = ear.address();
    let settings = [("NOTIFY_SOCKET", address.as_str()), ("WATCHDOG_USEC", "300000")];
    let hall = Hall::with_settings(&folder.path().join("data"), "127.0.0.1:0", &settings);
    assert!(ear.hears().contains("READY=1"));
    for _ in 0..3 {
        assert_eq!(ear.hears().trim(), "WATCHDOG=1", "a write gets onto the disk");
    }
    hall.signal("TERM");
    let last = std::iter::from_fn(|| Some(ear.hears())).find(|heard| heard.trim() != "WATCHDOG=1");
    assert!(last.unwrap().contains("STOPPING=1"));
    assert!(hall.stop());
}

#[test]
fn the_box_serves_on_sockets_that_systemd_opened() {
    let folder = tempfile::tempdir().unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    // The number of the process that is served must be known before it runs, so a shell becomes it.
    let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=plain exec \"$@\"";
    let mut child = Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_huiguan"), "serve", "--listen", "127.0.0.1:1", "--data"])
        .arg(folder.path().join("data"))
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let listens = said.into_iter().find_map(|line| line.strip_prefix("listening on http://").map(str::to_owned));
    assert_eq!(listens.as_deref(), Some(address.to_string().as_str()), "not where the settings say");
    let answer = ureq::get(format!("http://{address}/asset/app.css")).call().unwrap();
    assert_eq!(answer.status(), 200);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn figures_are_told_on_a_listener_of_their_own_and_name_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("HUIGUAN_METRICS_LISTEN", "127.0.0.1:0")];
    let hall = Hall::with_settings(&folder.path().join("data"), "127.0.0.1:0", &settings);
    let url = hall.said.iter().find_map(|line| line.strip_prefix("figures for Prometheus at ")).unwrap().to_owned();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let ticket = person(&admin, &event, &kind, "欧阳锋", "13800000001");
    let door = terminal(&hall, &admin, &event);
    let scan = |nonce: &str| {
        let code = number(&admin, &event, &ticket);
        door.json("/api/v1/checkin/redeem", &serde_json::json!({ "code": code, "nonce": nonce, "way": "gun" }))
    };
    for nonce in ["a", "b"] {
        let answer = scan(nonce);
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(admin.get("/admin/event/999").status, 404);
    assert_eq!(admin.get("/nowhere/13912345678").status, 404);
    let told = ureq::get(&url).call().unwrap().body_mut().read_to_string().unwrap();
    let value = |begins: &str| -> f64 {
        let line = told.lines().find(|line| line.starts_with(begins));
        line.unwrap_or_else(|| panic!("{begins} in {told}")).rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert_eq!(value("huiguan_scans_total{verdict=\"admitted\"}"), 1.0);
    assert_eq!(value("huiguan_scans_total{verdict=\"refused\"}"), 1.0);
    assert_eq!(value("huiguan_requests_total{route=\"/api/v1/checkin/redeem\",class=\"2xx\"}"), 2.0);
    assert!(value("huiguan_requests_total{route=\"/admin/event/{event}\",class=\"4xx\"}") >= 1.0);
    assert!(value("huiguan_requests_total{route=\"(none)\",class=\"4xx\"}") >= 1.0);
    assert_eq!(value("huiguan_request_seconds_count{route=\"/api/v1/checkin/redeem\"}"), 2.0);
    for more in [
        "huiguan_journal_groups_total",
        "huiguan_journal_nanoseconds_total",
        "huiguan_journal_size_bytes",
        "huiguan_engine_size_bytes",
        "huiguan_memory_bytes",
        "huiguan_uptime_seconds",
    ] {
        assert!(value(&format!("{more} ")) > 0.0, "{more}");
    }
    assert_eq!((value("huiguan_writes_refused "), value("huiguan_outbox_age_seconds ")), (0.0, 0.0));
    for personal in ["13912345678", "13800000001", "欧阳锋", "年会", "event/999"] {
        assert!(!told.contains(personal), "{personal}");
    }
    assert_eq!(hall.client().get("/metrics").status, 404, "not on the listener for everybody");
}

#[test]
fn logs_are_looked_through_and_say_nothing_about_people() {
    let known: BTreeSet<String> = ["欧阳锋".to_owned(), crate::hall::PASSWORD.to_owned()].into();
    for line in [
        "answered name=欧阳锋",
        "login correct horse battery staple",
        "to=13800000001",
        "to=+8613800000001",
        "card 110101199003070011",
        "AGE-SECRET-KEY-1QQ",
        "a log-in was refused space=1 login=\"x\"",
        "DEBUG asked{phone=x}: refused",
        "{\"message\":\"refused\",\"login\":\"x\"}",
    ] {
        assert!(spoken(line, &known).is_some(), "{line}");
    }
    for line in [
        "2026-11-26T10:00:00.123456Z INFO huiguan: store opened",
        "took 12345678901 ns",
        "group 1380000000123",
        "{\"route\":\"/my/login\"}",
    ] {
        assert_eq!(spoken(line, &known), None);
    }
    let hall = Hall::fresh();
    let admin = hall.set_up();
    unspeakable("欧阳锋");
    let found = admin.get("/admin/search?q=%E6%AC%A7%E9%98%B3%E9%94%8B%2013800000001");
    assert_eq!(found.status, 200);
    assert_eq!(hall.client().get("/ticket/AAAAAAAAAAAAAAAAAAAAAA").status, 404);
}

#[test]
fn each_line_of_the_log_is_json_and_a_request_has_one_number_on_all_of_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let hall = Hall::with_settings(&folder.path().join("data"), "127.0.0.1:0", &[("HUIGUAN_LOG_JSON", "true")]);
    let admin = hall.set_up();
    let bare = staff(&hall, &admin, "bare", &[]);
    assert_eq!(bare.get("/admin/audit").status, 403);
    for login in ["admin", "nobody-of-ours"] {
        let wrong = [("login", login), ("password", "wrong wrong wrong")];
        assert_eq!(hall.client().post("/login", &wrong).status, 403);
    }
    // What shows its number: a page whose picture is gone from the disk, and refusals of the API.
    let mut png = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(8, 8).write_to(&mut png, image::ImageFormat::Png).unwrap();
    assert_eq!(admin.upload("/admin/picture", &[], ("file", "a.png", &png.into_inner())).status, 200);
    let shelves = std::fs::read_dir(hall.data.join("file")).unwrap().flatten();
    for shelf in shelves.filter(|shelf| shelf.file_name().len() == 2) {
        std::fs::remove_dir_all(shelf.path()).unwrap();
    }
    let lost = admin.get("/picture/1");
    let shown = lost.body.split("<code>").nth(1).and_then(|rest| rest.split('<').next()).expect(&lost.body).to_owned();
    let missing = hall.client().get("/api/v1/events/999");
    let wrong = serde_json::json!({ "channel": "sms", "to": "13800000001", "code": "000000", "device": "iPhone" });
    let key = [("idempotency-key", "login-0000000001")];
    let keyed = hall.client().send_json("POST", "/api/v1/sessions", &key, &wrong);
    let number = |answer: &crate::hall::Answer| answer.json()["request"].as_str().expect(&answer.body).to_owned();
    let shown = [(shown, lost.status), (number(&missing), missing.status), (number(&keyed), keyed.status)];
    assert_eq!((shown[0].1, shown[1].1), (500, 404));

    let read = |line: &String| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let log: Vec<serde_json::Value> = hall.log().iter().map(read).collect();
    for line in &log {
        let has = |name: &str| line[name].is_string();
        assert!(has("timestamp") && has("level") && has("target") && has("message"), "{line}");
    }
    let said = |message: &str| log.iter().filter(|line| line["message"] == message).collect::<Vec<_>>();
    let answered = said("answered");
    let numbers: BTreeSet<&str> = answered.iter().map(|line| line["request"].as_str().unwrap()).collect();
    assert_eq!(numbers.len(), answered.len(), "no two requests have one number");
    let status = |number: &str| {
        let line = answered.iter().find(|line| line["request"] == number);
        line.unwrap_or_else(|| panic!("{number} was answered"))["status"].as_u64().unwrap()
    };
    for (number, of) in &shown {
        assert_eq!(status(number), u64::from(*of), "{number}");
    }
    assert_eq!(said("internal error")[0]["request"].as_str(), Some(shown[0].0.as_str()));
    let denied = said("denied");
    assert_eq!((denied.len(), status(denied[0]["request"].as_str().unwrap())), (1, 403));
    // What a service says bears the number too, and of whoever wanted in what is known of them.
    let refused = said("a log-in was refused");
    let why: Vec<_> = refused.iter().map(|line| (line["why"].as_str().unwrap(), line["account"].as_u64())).collect();
    assert_eq!(why, [("wrong password", Some(1)), ("no such account", None)]);
    for line in refused {
        assert_eq!(status(line["span"]["request"].as_str().unwrap()), 403);
        assert!(line["address"] == "127.0.0.1" && !line.to_string().contains("nobody-of-ours"), "{line}");
    }
}

#[test]
fn the_status_and_the_checklist_can_be_looked_at() {
    let hall = Hall::fresh();
    let script = format!("{}/../../tests/browser/health.mjs", env!("CARGO_MANIFEST_DIR"));
    let code = hall.setup_code.clone().unwrap();
    let done = Command::new("node").args([&script, &hall.base, &code]).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
}

#[test]
fn the_manual_and_the_completions_are_written_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_huiguan")).arg("manual").arg(folder.path()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("huiguan.1").contains(".TH HUIGUAN 1") && read("huiguan.1").contains("doctor"));
    for name in ["huiguan.bash", "_huiguan", "huiguan.fish"] {
        assert!(read(name).contains("doctor"), "{name}");
        assert!(!read("huiguan.1").contains("huiguan-hello"), "what is hidden stays so");
    }
}

//! The key of the box is changed on the console, with the real program: killed at any moment, refused where it must be, and everything opens afterwards.

use crate::hall::{Client, Hall, PASSWORD};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A box: its folder, its key file, and a disk for backups.
struct Place {
    folder: tempfile::TempDir,
    data: PathBuf,
    key: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("disk")).unwrap();
        let (data, key) = (folder.path().join("data"), folder.path().join("box.key"));
        Self { folder, data, key }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self) -> Hall {
        let key = self.key.to_str().unwrap();
        let any = "127.0.0.1:0";
        Hall::with(&self.data, &["--listen", any, "--listen-tls", any, "--key-file", key])
    }

    fn huiguan(&self, command: &[&str]) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_huiguan"));
        program.args(command).arg("--data").arg(&self.data).arg("--key-file").arg(&self.key).output().unwrap()
    }

    fn key(&self, what: &str) -> Output {
        self.huiguan(&["key", what])
    }

    /// What the doctor says of the keys.
    fn doctor(&self) -> Vec<String> {
        let told = self.huiguan(&["doctor", "--json"]);
        let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        let lines = told["lines"].as_array().unwrap().iter().filter(|line| line["check"] == "key");
        lines.map(|line| line["says"].as_str().unwrap().to_owned()).collect()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn refused(output: &Output, why: &str) {
    assert!(!output.status.success() && said(output).contains(why), "{}", said(output));
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    said(output)
}

fn logged_in(hall: &Hall) -> Client {
    let admin = hall.client();
    assert_eq!(admin.post("/login", &[("login", "admin"), ("password", PASSWORD)]).status, 303);
    admin
}

/// The recovery key of the sheet: it lies sealed in the records.
fn sheet(admin: &Client) -> (String, String) {
    let page = admin.get("/admin/backup/sheet").body;
    let key = page.split("AGE-SECRET-KEY-").nth(1).unwrap_or_else(|| panic!("{page}")).split('<').next().unwrap();
    (key.trim().to_owned(), page.clone())
}

fn copied(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

#[test]
fn a_key_is_changed_on_the_console_and_nothing_is_lost_whatever_cuts_it_short() {
    let of = Place::new();
    let hall = of.start();
    let admin = hall.set_up();
    let root = admin.get("/root.crt").body;
    let disk = of.at("disk");
    let plan = [
        ("on", "1"),
        ("folder", disk.to_str().unwrap()),
        ("hour", "3"),
        ("minutes", "5"),
        ("days", "7"),
        ("weeks", "5"),
        ("months", "12"),
        ("revision", "0"),
    ];
    assert_eq!(admin.post("/admin/backup", &plan).status, 303);
    let (recovery, first) = sheet(&admin);
    assert!(first.contains("密钥 1") && !first.contains("密钥 2"), "{first}");
    assert_eq!(fs::read(&of.key).unwrap().len(), 32, "a box whose key never turned has the file of always");
    refused(&of.key("rotate"), "the program runs on this folder");
    refused(&of.key("finish"), "the program runs on this folder");
    let listed = done(&of.key("list"));
    assert!(listed.contains("key 1: ") && !listed.contains("key 2"), "{listed}");
    let mut hall = hall;
    hall.kill();
    drop(hall);
    refused(&of.key("finish"), "no old keys");

    // Cut short behind the key file and before the records: the folder of before with the file of after.
    let (before, old) = (of.at("before"), of.at("old.key"));
    copied(&of.data, &before);
    copied(&of.key, &old);
    let turned = done(&of.key("rotate"));
    assert!(turned.contains("key 2: "), "{turned}");
    assert_eq!(fs::metadata(&of.key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!of.key.with_extension("part").exists(), "no draft stays");
    let listed = done(&of.key("list"));
    assert!(listed.contains("key 2: ") && listed.contains("key 1: "), "{listed}");
    refused(&of.key("finish"), "not everything is sealed by key 2");
    fs::remove_dir_all(&of.data).unwrap();
    copied(&before, &of.data);

    // Killed at once, and again; what was not sealed anew is found by the next start.
    for _ in 0..2 {
        let mut hall = of.start();
        hall.kill();
    }
    let hall = of.start();
    let admin = logged_in(&hall);
    let end = Instant::now() + PATIENCE;
    while !of.doctor().iter().any(|line| line.contains("Everything is sealed by key 2; 1 older")) {
        assert!(Instant::now() < end, "{:?}", of.doctor());
        std::thread::park_timeout(Duration::from_millis(100));
    }
    assert_eq!(admin.get("/root.crt").body, root, "devices go on trusting the box");
    let overview = admin.get("/admin").body;
    assert!(overview.contains("已启用密钥 2") && overview.contains("重新打印恢复单"), "{overview}");
    let (same, second) = sheet(&admin);
    assert!(same == recovery && second.contains("密钥 2") && second.contains("密钥 1"), "{second}");
    assert!(!admin.get("/admin").body.contains("已启用密钥 2"), "the sheet was shown");
    let log = admin.get("/admin/audit").body;
    assert!(log.contains("key.turn") && log.contains("key.sealed"), "{log}");
    assert!(hall.stop());

    let finished = done(&of.key("finish"));
    assert!(finished.contains("1 old keys were removed"), "{finished}");
    refused(&of.key("finish"), "no old keys");
    let listed = done(&of.key("list"));
    assert!(listed.contains("key 2: ") && !listed.contains("key 1: "), "{listed}");
    done(&of.huiguan(&["verify"]));
    // The copy of before is no key of these records.
    let mut program = Command::new(env!("CARGO_BIN_EXE_huiguan"));
    let stale = program.args(["verify", "--data"]).arg(&of.data).arg("--key-file").arg(&old).output().unwrap();
    refused(&stale, "put the newest copy of the key file in its place");
    let hall = of.start();
    let admin = logged_in(&hall);
    assert_eq!(sheet(&admin).0, recovery);
    assert_eq!(admin.get("/root.crt").body, root);
    assert!(of.doctor().iter().all(|line| !line.contains("older")), "{:?}", of.doctor());
    assert!(hall.stop());
}

//! Backups end to end: the page, a box that is gone, and another one that takes over with the disk and the recovery sheet.

use crate::hall::{Client, Hall, PASSWORD, event, first_type};
use crate::scenario::staff;
use gateway::depot::standin::Rclone;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn huiguan(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_huiguan")).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_box_that_is_gone_comes_back_on_another_from_the_disk_and_the_sheet() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let disk = tempfile::tempdir().unwrap();
    assert!(admin.get("/admin").body.contains("本机没有备份"), "the overview warns");
    let plan = |folder: &str, revision: &str| {
        let form = [
            ("on", "1"),
            ("folder", folder),
            ("hour", "3"),
            ("minutes", "5"),
            ("days", "7"),
            ("weeks", "5"),
            ("months", "12"),
            ("revision", revision),
        ];
        admin.post("/admin/backup", &form)
    };
    let wrong = plan("mnt", "0");
    assert!(wrong.status == 422 && wrong.body.contains("请填写完整路径") && wrong.body.contains("value=\"mnt\""));
    assert!(plan(path(&hall.data), "0").body.contains("在本机数据之中"));
    assert_eq!(plan(path(disk.path()), "0").status, 303);
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let form = [("name", "张三"), ("phone", "13800000001"), ("kind", kind.as_str())];
    assert_eq!(admin.post(&format!("/admin/event/{event}/registration/new"), &form).status, 303);
    let bare = staff(&hall, &admin, "bare", &[]);
    for page in ["/admin/backup", "/admin/backup/sheet"] {
        assert_eq!((bare.get(page).status, hall.client().get(page).status), (403, 303), "{page}");
    }
    for act in ["/admin/backup", "/admin/backup/now", "/admin/backup/key"] {
        assert_eq!(
            (bare.post(act, &[("revision", "1")]).status, hall.client().post(act, &[]).status),
            (403, 303),
            "{act}"
        );
    }
    // The clock may have begun one by itself, without the guest: one by hand comes behind it.
    let done = backed_up(&admin);
    assert!(done.contains("试恢复通过") && !done.contains("备份失败"), "{done}");
    assert!(!admin.get("/admin").body.contains("本机没有备份"));
    let key = sheet_key(&admin);
    let key = key.as_str();
    assert!(!admin.get("/admin/audit").body.contains(key) && admin.get("/admin/audit").body.contains("backup.sheet"));
    drop(hall);

    let other = tempfile::tempdir().unwrap();
    let (data, key_file, wrong) =
        (other.path().join("data"), other.path().join("box.key"), other.path().join("wrong.txt"));
    let secret = other.path().join("key.txt");
    std::fs::write(&secret, format!("{key}\n")).unwrap();
    std::fs::write(&wrong, "no key\n").unwrap();
    let restore = |secret: &Path, more: &[&str]| {
        let places = ["restore", "--from", path(disk.path()), "--data", path(&data), "--key-file", path(&key_file)];
        huiguan(&[&places[..], &["--recovery-key", path(secret)], more].concat())
    };
    let refused = restore(&wrong, &[]);
    assert!(!refused.status.success() && said(&refused).contains("holds no recovery key"), "{}", said(&refused));
    let early = restore(&secret, &["--until", "2020-01-01T00:00+08:00"]);
    assert!(!early.status.success() && said(&early).contains("no backup so old"), "{}", said(&early));
    let dry = restore(&secret, &["--dry-run"]);
    assert!(dry.status.success() && said(&dry).contains("sound") && !data.exists(), "{}", said(&dry));
    let whole = restore(&secret, &[]);
    assert!(whole.status.success() && said(&whole).contains("start with"), "{}", said(&whole));
    let twice = restore(&secret, &[]);
    assert!(!twice.status.success() && said(&twice).contains("not empty"), "{}", said(&twice));
    let sound = huiguan(&["verify", "--data", path(&data), "--key-file", path(&key_file)]);
    assert!(sound.status.success(), "{}", said(&sound));

    let there = Hall::with(&data, &["--listen", "127.0.0.1:0", "--key-file", path(&key_file)]);
    let admin = there.client();
    assert_eq!(
        admin.post("/login", &[("login", "admin"), ("password", PASSWORD)]).status,
        303,
        "with the same password"
    );
    let list = admin.get(&format!("/admin/event/{event}/registration")).body;
    assert!(list.contains("张三"), "{list}");
    assert!(admin.get("/admin").body.contains("本机没有备份"), "it asks where backups go from now on");
    assert!(admin.get("/admin/backup").body.contains("找不到备份目录"));
}

/// Makes a full backup by hand and waits for it.
fn backed_up(admin: &Client) -> String {
    let until = Instant::now() + Duration::from_secs(120);
    let idle = || loop {
        let page = admin.get("/admin/backup").body;
        if !page.contains("正在备份，可能") {
            return page;
        }
        assert!(Instant::now() < until, "{page}");
        std::thread::park_timeout(Duration::from_millis(200));
    };
    let before = idle().matches("试恢复通过").count();
    loop {
        assert_eq!(admin.post("/admin/backup/now", &[]).status, 303);
        let page = idle();
        assert!(!page.contains("备份失败"), "{page}");
        if page.matches("试恢复通过").count() > before {
            return page;
        }
    }
}

fn sheet_key(admin: &Client) -> String {
    let sheet = admin.get("/admin/backup/sheet").body;
    let key = sheet.split("<code>").find(|part| part.starts_with("AGE-SECRET-KEY-1")).unwrap();
    key.split('<').next().unwrap().to_owned()
}

#[test]
fn a_box_that_is_gone_comes_back_from_a_real_webdav_server_and_a_rewritten_log_is_found_by_the_anchors_there() {
    let away = tempfile::tempdir().unwrap();
    std::fs::create_dir(away.path().join("backup")).unwrap();
    let server = Rclone::start(away.path()).expect("rclone is installed");
    let address = format!("{}/backup", server.base);
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let plan = |secret: &str| {
        let form = [
            ("on", "1"),
            ("folder", address.as_str()),
            ("user", "box"),
            ("secret", secret),
            ("hour", "3"),
            ("minutes", "5"),
            ("days", "7"),
            ("weeks", "5"),
            ("months", "12"),
            ("revision", "0"),
        ];
        admin.post("/admin/backup", &form)
    };
    let wrong = plan("wrong");
    assert!(wrong.status == 422 && wrong.body.contains("另一台电脑拒绝了本机"), "{}", wrong.body);
    assert!(wrong.body.contains(&format!("value=\"{address}\"")) && !wrong.body.contains("value=\"wrong\""));
    assert_eq!(plan(Rclone::PASSWORD).status, 303);
    let event = event(&admin, "年会");
    let page = backed_up(&admin);
    assert!(page.contains("已设置；留空则保持不变") && !page.contains(Rclone::PASSWORD), "{page}");
    let (key, other) = (sheet_key(&admin), tempfile::tempdir().unwrap());
    let at = |name: &str| other.path().join(name);
    std::fs::write(at("key.txt"), &key).unwrap();
    std::fs::write(at("password.txt"), format!("{}\n", Rclone::PASSWORD)).unwrap();
    std::fs::write(at("wrong.txt"), "wrong").unwrap();
    let (recovery, data, key_file) = (at("key.txt"), at("data"), at("box.key"));
    let restore = |secret: &Path| {
        huiguan(&[
            "restore",
            "--from",
            &address,
            "--user",
            "box",
            "--secret-file",
            path(secret),
            "--recovery-key",
            path(&recovery),
            "--data",
            path(&data),
            "--key-file",
            path(&key_file),
        ])
    };
    let refused = restore(&at("wrong.txt"));
    assert!(!refused.status.success() && !data.exists(), "{}", said(&refused));
    let whole = restore(&at("password.txt"));
    assert!(whole.status.success(), "{}", said(&whole));
    let against = |data: &Path, key_file: &Path| {
        huiguan(&[
            "verify",
            "--data",
            path(data),
            "--key-file",
            path(key_file),
            "--against",
            &address,
            "--user",
            "box",
            "--secret-file",
            path(&at("password.txt")),
            "--recovery-key",
            path(&recovery),
        ])
    };
    let sound = against(&data, &key_file);
    assert!(sound.status.success() && said(&sound).contains("in the backup: 1 anchors"), "{}", said(&sound));
    let there = Hall::with(&data, &["--listen", "127.0.0.1:0", "--key-file", path(&key_file)]);
    let restored = there.client();
    assert_eq!(restored.post("/login", &[("login", "admin"), ("password", PASSWORD)]).status, 303);
    assert_eq!(restored.get(&format!("/admin/event/{event}")).status, 200);
    drop(there);

    // Another hall's log, however sound in itself, is not the one that was anchored.
    let forged = Hall::fresh();
    forged.set_up();
    let data = forged.data.clone();
    let _folder = forged.end_and_keep().unwrap();
    let plain = huiguan(&["verify", "--data", path(&data)]);
    assert!(plain.status.success(), "{}", said(&plain));
    let found = against(&data, &data.with_file_name("data.key"));
    assert!(!found.status.success() && said(&found).contains("REWRITTEN space 1"), "{}", said(&found));
}

#[test]
fn the_page_of_backups_can_be_looked_at() {
    let (away, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(away.path().join("backup")).unwrap();
    let server = Rclone::start(away.path()).expect("rclone is installed");
    let address = format!("{}/backup", server.base);
    let hall = Hall::fresh();
    let code = hall.setup_code.clone().unwrap();
    let pictures = std::env::var("HUIGUAN_PICTURES").unwrap_or_default();
    let mut args = vec![hall.base.as_str(), &code, path(disk.path()), &address, Rclone::PASSWORD];
    if !pictures.is_empty() {
        args.push(&pictures);
    }
    crate::browser::run("backup.mjs", &args);
}

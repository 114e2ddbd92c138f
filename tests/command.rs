//! The command line: help, settings, verify, snapshot and restore, the lock, the key file.

use crate::hall::{Hall, event, first_type, person};
use std::path::Path;
use std::process::{Command, Output};

fn huiguan(args: &[&str], data: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_huiguan")).args(args).arg("--data").arg(data).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_snapshot_restores_into_an_empty_folder_and_verifies() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    person(&admin, &event, &kind, "张三", "13800000001");
    let data = hall.data.clone();
    let key = data.with_file_name("data.key");
    let folder = hall.end_and_keep().unwrap();
    let file = folder.path().join("all.snap");
    let made = huiguan(&["snapshot", file.to_str().unwrap()], &data);
    assert!(made.status.success(), "{}", text(&made));
    let copy = folder.path().join("copy");
    let restored = huiguan(&["restore", file.to_str().unwrap()], &copy);
    assert!(restored.status.success(), "{}", text(&restored));
    let again = huiguan(&["restore", file.to_str().unwrap()], &copy);
    assert!(!again.status.success() && text(&again).contains("not empty"), "{}", text(&again));
    std::fs::copy(&key, folder.path().join("copy.key")).unwrap();
    let verified = huiguan(&["verify"], &copy);
    assert!(verified.status.success() && text(&verified).contains("1 records of ticket:"), "{}", text(&verified));
    let hall = Hall::at(&copy);
    assert!(hall.setup_code.is_none(), "a restored hall is set up");
    assert_eq!(hall.client().post("/login", &[("login", "admin"), ("password", crate::hall::PASSWORD)]).status, 303);
}

#[test]
fn a_hall_that_serves_takes_no_huge_pages_whatever_the_system_gives() {
    assert_eq!(Hall::fresh().status("THP_enabled"), "0");
}

#[test]
fn a_folder_serves_one_process_and_needs_its_key() {
    let hall = Hall::fresh();
    hall.set_up();
    let second = huiguan(&["verify"], &hall.data);
    assert!(!second.status.success() && text(&second).contains("in use"), "{}", text(&second));
    let data = hall.data.clone();
    let _folder = hall.end_and_keep();
    let key = data.with_file_name("data.key");
    std::fs::rename(&key, key.with_extension("gone")).unwrap();
    let keyless = huiguan(&["verify"], &data);
    assert!(!keyless.status.success() && text(&keyless).contains("key file"), "{}", text(&keyless));
    let inside = Command::new(env!("CARGO_BIN_EXE_huiguan"))
        .args(["verify", "--data"])
        .arg(&data)
        .arg("--key-file")
        .arg(data.join("key"))
        .output()
        .unwrap();
    assert!(!inside.status.success() && text(&inside).contains("outside the data folder"), "{}", text(&inside));
}

#[test]
fn the_sample_settings_are_read_and_wrong_ones_are_named() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd/huiguan.toml");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let read = huiguan(&["--config", sample, "verify"], &data);
    assert!(read.status.success(), "{}", text(&read));
    let wrong = folder.path().join("wrong.toml");
    std::fs::write(&wrong, "lisen = \"127.0.0.1:1\"\n").unwrap();
    let refused = huiguan(&["--config", wrong.to_str().unwrap(), "verify"], &data);
    assert!(!refused.status.success() && text(&refused).contains("lisen"), "{}", text(&refused));
    let help = Command::new(env!("CARGO_BIN_EXE_huiguan")).arg("--help").output().unwrap();
    for word in ["serve", "demo", "verify", "snapshot", "restore"] {
        assert!(text(&help).contains(word), "{}", text(&help));
    }
}

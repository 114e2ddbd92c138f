//! Scenarios in a real browser; the scripts lie in `tests/browser`.

use crate::hall::Hall;
use std::process::Command;

fn run(script: &str, args: &[&str]) {
    let script = format!("{}/../../tests/browser/{script}", env!("CARGO_MANIFEST_DIR"));
    let done = Command::new("node").arg(&script).args(args).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{script}: {said}");
}

#[test]
fn the_browser_sees_what_is_wrong_with_a_page() {
    let hall = Hall::fresh();
    run("smoke.mjs", &[&hall.base]);
}

#[test]
fn from_an_empty_folder_to_people_admitted_at_the_door() {
    let hall = Hall::fresh();
    let list = hall.data.join("list.csv");
    std::fs::write(&list, "姓名,手机号,单位,座位号,分组\n张三,13800000001,华兴公司,1桌1,嘉宾\n李四,13800000002,,1桌2,嘉宾\n王五,,东方集团,,\n赵六,12,x,,\n,13800000009,,,\n").unwrap();
    run("walk.mjs", &[&hall.base, hall.setup_code.as_deref().unwrap(), list.to_str().unwrap()]);
    let data = hall.data.clone();
    let _folder = hall.end_and_keep();
    let verified = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["verify", "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("no damage"), "{said}");
}

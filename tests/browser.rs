//! Scenarios in a real browser; the scripts lie in `tests/browser`.

use crate::hall::Hall;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// Runs a script that ends well, or shows what it said.
pub fn run(script: &str, args: &[&str]) {
    let script = format!("{}/../../tests/browser/{script}", env!("CARGO_MANIFEST_DIR"));
    let done = Command::new("node").arg(&script).args(args).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{script}: {said}");
}

/// Runs a script that asks for the box to be stopped, without a word as when the power goes, and started again; then checks the folder.
pub fn run_with_power_cuts(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut hall = Some(Hall::at(&data));
    let (base, code) = hall.as_ref().map(|hall| (hall.base.clone(), hall.setup_code.clone().unwrap())).unwrap();
    let address = base.trim_start_matches("http://").to_owned();
    let script = format!("{}/../../tests/browser/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut node = Command::new("node")
        .args([&script, &base, &code])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    let mut walked = false;
    for line in BufReader::new(node.stdout.take().unwrap()).lines().map_while(Result::ok) {
        match line.as_str() {
            "stop" => hall.take().unwrap().kill(),
            "start" => hall = Some(Hall::listening(&data, &address)),
            "walked" => walked = true,
            other => panic!("{other}"),
        }
        if !walked {
            writeln!(input, "done").unwrap();
        }
    }
    assert!(node.wait().unwrap().success() && walked);
    assert!(hall.take().unwrap().stop(), "the box ends in order");
    let verified = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["verify", "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("no damage"), "{said}");
}

#[test]
fn at_the_door_with_guns_questions_helpers_and_the_box_away() {
    run_with_power_cuts("door.mjs");
}

#[test]
fn a_draw_on_the_big_screen_from_a_remote_and_on_phones() {
    run_with_power_cuts("draw.mjs");
}

#[test]
fn the_browser_sees_what_is_wrong_with_a_page() {
    let hall = Hall::fresh();
    run("smoke.mjs", &[&hall.base]);
}

#[test]
fn a_form_is_designed_and_places_are_sold_paid_given_back_and_waited_for() {
    let hall = Hall::fresh();
    let file = hall.data.join("名片.pdf");
    std::fs::write(&file, b"%PDF-1.7 a card").unwrap();
    run("sale.mjs", &[&hall.base, hall.setup_code.as_deref().unwrap(), file.to_str().unwrap()]);
}

#[test]
fn the_demonstration_sells_a_ticket_that_is_paid_on_the_page_of_the_stand_in() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let hall = Hall::demo(&data);
    let password = std::fs::read_to_string(data.join("demo-login.txt")).unwrap();
    run("pay.mjs", &[&hall.base, password.trim()]);
    assert!(hall.stop(), "the box ends in order");
    let verified = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["verify", "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("no damage"), "{said}");
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

#[test]
fn a_merchant_beside_the_platform_from_its_application_to_a_frozen_space() {
    let hall = Hall::fresh();
    run("merchant.mjs", &[&hall.base, hall.setup_code.as_deref().unwrap()]);
    let data = hall.data.clone();
    let _folder = hall.end_and_keep();
    let verified = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["verify", "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("no damage"), "{said}");
}

#[test]
fn an_event_from_its_making_to_its_archive_as_everybody_who_has_to_do_with_it() {
    let hall = Hall::fresh();
    run("whole.mjs", &[&hall.base, hall.setup_code.as_deref().unwrap()]);
    let data = hall.data.clone();
    let _folder = hall.end_and_keep();
    let verified = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["verify", "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("no damage"), "{said}");
}

#[test]
fn designs_are_drawn_printed_shared_and_certified() {
    let folder = tempfile::tempdir().unwrap();
    let hall = Hall::fresh();
    run("print.mjs", &[&hall.base, hall.setup_code.as_deref().unwrap(), folder.path().to_str().unwrap()]);
    let data = hall.data.clone();
    let _folder = hall.end_and_keep();
    let verified = Command::new(env!("CARGO_BIN_EXE_huiguan")).args(["verify", "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("no damage"), "{said}");
}

//! Scanners attached to the box: serial ones, those that type like a keyboard, several at once.

use crate::api::{Door, opened};
use evdev::{AttributeSet, InputEvent, KeyCode, uinput::VirtualDevice};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// What the page of devices says of a scanner that is read, and of one that is not there.
const READ: &str = "已连接";
const AWAITED: &str = "未连接，等待接入";

/// A serial line: the scanner's end, and the file that the box opens.
fn serial() -> (File, String) {
    let pty = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&pty).unwrap();
    unlockpt(&pty).unwrap();
    let port = ptsname(&pty, Vec::new()).unwrap().into_string().unwrap();
    (File::from(pty), port)
}

fn gate(of: &Door, name: &str) {
    assert_eq!(of.admin.post(&format!("/admin/event/{}/gate", of.event), &[("gate", name)]).status, 303);
}

/// Tells the box of a scanner at a gate of the main list.
fn attach(of: &Door, port: &str, gate: u64, direction: &str) {
    let gate = gate.to_string();
    let form = [("name", port), ("sort", "attached"), ("port", port), ("list", "0"), ("gate", &gate)];
    let form = [&form[..], &[("direction", direction)]].concat();
    let made = of.admin.post(&format!("/admin/event/{}/device", of.event), &form);
    assert_eq!(made.status, 303, "{}", made.body);
}

/// Waits until the page of devices says so of as many scanners.
fn are(of: &Door, scanners: usize, so: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let page = of.admin.get(&format!("/admin/event/{}/device", of.event)).body;
        if page.matches(so).count() == scanners {
            return;
        }
        assert!(Instant::now() < deadline, "{scanners} scanners are {so}: {page}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Registered people who came in, are inside, and scans that were refused.
fn counts(of: &Door) -> [i64; 3] {
    let counts = of.door.get("/api/v1/checkin/status").json();
    ["admitted", "inside", "refused"].map(|count| counts[count].as_i64().unwrap())
}

/// Waits for these counts.
fn come(of: &Door, wanted: [i64; 3]) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while counts(of) != wanted {
        assert!(Instant::now() < deadline, "{:?} are {wanted:?}", counts(of));
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Reads from a scanner's end of the line until a whole line came.
fn heard(master: &mut File) -> String {
    let (mut line, deadline) = (Vec::new(), Instant::now() + Duration::from_secs(20));
    while !line.ends_with(b"\n") {
        assert!(Instant::now() < deadline, "a verdict comes back: {line:?}");
        let mut byte = [0];
        match master.read(&mut byte) {
            Ok(1) => line.extend(byte),
            Ok(_) | Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    String::from_utf8(line).unwrap()
}

#[test]
fn a_serial_scanner_on_the_box_is_read_and_told_the_verdict() {
    let of = opened(&["张三", "李四"]);
    let (mut master, port) = serial();
    gate(&of, "东门");
    attach(&of, &port, 1, "entry");
    are(&of, 1, READ);
    master.write_all(format!("{}\r", of.codes[0]).as_bytes()).unwrap();
    assert_eq!(heard(&mut master), "\u{7}OK\r\n");
    // Two codes in one burst, the second without a line end; the first is held in front of the scanner still.
    master.write_all(format!("{}\r{}", of.codes[0], of.codes[1]).as_bytes()).unwrap();
    assert_eq!(heard(&mut master), "\u{7}OK\r\n", "the same code at once is one scan");
    std::thread::sleep(Duration::from_millis(2_600));
    master.write_all(format!("{}\n", of.codes[1]).as_bytes()).unwrap();
    assert_eq!(heard(&mut master), "\u{7}\u{7}NO already_in\r\n");
    assert_eq!(counts(&of), [2, 2, 1]);
    let watch = of.admin.get(&format!("/terminal/{}/watch/1", of.event)).body;
    assert!(watch.contains("李四") && watch.contains("已签到，请勿重复"), "the gate's screen shows the newest verdict");
    assert_eq!(of.admin.post("/admin/device/2/revoke", &[]).status, 303);
    std::thread::sleep(Duration::from_secs(3));
    master.write_all(format!("{}\n", of.codes[0]).as_bytes()).unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(counts(&of), [2, 2, 1], "a scanner that was shut out is not read any more");
}

#[test]
fn several_scanners_on_the_box_each_have_their_gate_and_direction() {
    let of = opened(&["张三", "李四", "王五"]);
    let mut lines = Vec::new();
    for (at, direction) in [(1, "entry"), (2, "entry"), (3, "exit")] {
        gate(&of, &format!("{at}号门"));
        let (line, port) = serial();
        attach(&of, &port, at, direction);
        lines.push(line);
    }
    are(&of, 3, READ);
    // One ticket at two gates in the same instant, another at the exit that never came in.
    for (line, code) in lines.iter_mut().zip([0, 0, 1]) {
        line.write_all(format!("{}\r", of.codes[code]).as_bytes()).unwrap();
    }
    let mut said: Vec<String> = lines.iter_mut().map(heard).collect();
    assert_eq!(said.pop().unwrap(), "\u{7}\u{7}NO not_in\r\n");
    said.sort();
    assert_eq!(said, ["\u{7}\u{7}NO already_in\r\n", "\u{7}OK\r\n"]);
    assert_eq!(counts(&of), [1, 1, 2]);
    lines[1].write_all(format!("{}\r", of.codes[2]).as_bytes()).unwrap();
    assert_eq!(heard(&mut lines[1]), "\u{7}OK\r\n");
    lines[2].write_all(format!("{}\r", of.codes[0]).as_bytes()).unwrap();
    assert_eq!(heard(&mut lines[2]), "\u{7}OK\r\n");
    assert_eq!(counts(&of), [2, 1, 2]);
    for (at, name) in [(2, "王五"), (3, "张三")] {
        let watch = of.admin.get(&format!("/terminal/{}/watch/{at}", of.event)).body;
        assert!(watch.contains(name), "the screen of gate {at} shows its own scan: {watch}");
    }
    // One is unplugged; the others are read as before.
    drop(lines.remove(1));
    are(&of, 1, AWAITED);
    std::thread::sleep(Duration::from_millis(2_600));
    lines[0].write_all(format!("{}\n", of.codes[1]).as_bytes()).unwrap();
    assert_eq!(heard(&mut lines[0]), "\u{7}OK\r\n");
    assert_eq!(counts(&of), [3, 2, 2]);
}

/// A scanner that types, made by the kernel, and the file that the box opens.
fn keyboard(name: &str) -> (VirtualDevice, String) {
    let mut keys = AttributeSet::<KeyCode>::new();
    (1..=111).for_each(|key| keys.insert(KeyCode(key)));
    let builder = VirtualDevice::builder().unwrap().name(name);
    let mut keyboard = builder.with_keys(&keys).unwrap().build().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let nodes = keyboard.enumerate_dev_nodes_blocking().unwrap();
        if let Some(node) = nodes.flatten().find(|node: &std::path::PathBuf| node.exists()) {
            return (keyboard, node.to_str().unwrap().to_owned());
        }
        assert!(Instant::now() < deadline, "the kernel makes a file for {name}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Types as a scanner does: each key down and up, and a line end.
fn types(keyboard: &mut VirtualDevice, code: &str) {
    let digit = |digit: u8| if digit == b'0' { KeyCode::KEY_0.0 } else { u16::from(digit - b'1') + KeyCode::KEY_1.0 };
    for key in code.bytes().map(digit).chain([KeyCode::KEY_ENTER.0]) {
        for value in [1, 0] {
            keyboard.emit(&[InputEvent::new(evdev::EventType::KEY.0, key, value)]).unwrap();
        }
    }
}

#[test]
#[ignore = "needs a kernel that makes keyboards (/dev/uinput): tests/keyboard starts one"]
fn scanners_that_type_are_grabbed_and_read_and_awaited_when_unplugged() {
    assert!(Path::new("/dev/uinput").exists());
    let of = opened(&["张三", "李四"]);
    let (mut east, east_port) = keyboard("east");
    let (mut west, west_port) = keyboard("west");
    for (at, port, direction) in [(1, &east_port, "entry"), (2, &west_port, "exit")] {
        gate(&of, &format!("{at}号门"));
        attach(&of, port, at, direction);
    }
    are(&of, 2, READ);
    // Whoever else listens gets no key, and cannot take the scanner away.
    let mut other = evdev::Device::open(&east_port).unwrap();
    assert_eq!(other.grab().unwrap_err().kind(), ErrorKind::ResourceBusy);
    other.set_nonblocking(true).unwrap();
    types(&mut east, &of.codes[0]);
    come(&of, [1, 1, 0]);
    assert_eq!(other.fetch_events().map(Iterator::count).unwrap_err().kind(), ErrorKind::WouldBlock);
    types(&mut west, &of.codes[1]);
    come(&of, [1, 1, 1]);
    types(&mut west, &of.codes[0]);
    come(&of, [1, 0, 1]);
    drop((other, west));
    are(&of, 1, AWAITED);
    types(&mut east, &of.codes[1]);
    come(&of, [2, 1, 1]);
    let (mut west, port) = keyboard("west");
    assert_eq!(port, west_port, "plugged in again, it has its place again");
    are(&of, 2, READ);
    types(&mut west, &of.codes[1]);
    come(&of, [2, 0, 1]);
}

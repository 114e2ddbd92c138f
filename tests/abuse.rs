//! Clients that misuse the box: thousands that say nothing, bodies and heads without an end, paths that try to get elsewhere. Each is ended or answered, memory
//! has a limit, and a door goes on.

use crate::hall::{Hall, event, first_type, number, person, terminal};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Most bytes that may be taken in of a request that is too large: what lies in the buffers of both ends of a socket, and no gigabyte.
const TAKEN: usize = 32 << 20;

fn connect(hall: &Hall) -> TcpStream {
    let stream = TcpStream::connect(hall.base.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Pours pieces behind a head until the hall has enough; how many bytes it took, and the status that it answered with before it hung up, if it could be read.
fn poured(hall: &Hall, head: &str, piece: &[u8]) -> (usize, Option<u16>) {
    let mut stream = connect(hall);
    stream.write_all(head.as_bytes()).unwrap();
    let mut taken = 0;
    while taken <= TAKEN && stream.write_all(piece).is_ok() {
        taken += piece.len();
    }
    let mut answer = Vec::new();
    // A reset throws away what was not read yet.
    drop(stream.read_to_end(&mut answer));
    let status = String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok());
    (taken, status)
}

#[test]
fn a_door_goes_on_while_others_misuse_the_box_and_memory_has_a_limit() {
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let kind = first_type(&admin, &event);
    let codes: Vec<String> =
        (0..8).map(|n| number(&admin, &event, &person(&admin, &event, &kind, &format!("人{n}"), ""))).collect();
    let door = terminal(&hall, &admin, &event);
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let silent = usize::try_from(files.current.unwrap_or(u64::MAX) / 3).unwrap_or(usize::MAX).min(2_000);
    let _silent: Vec<TcpStream> = (0..silent).map(|_| connect(&hall)).collect();
    let before = hall.peak_memory();

    let gigabyte = 1usize << 30;
    let form = "POST /login HTTP/1.1\r\nhost: hall\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let piece = vec![b'a'; 1 << 16];
    let chunk = [b"10000\r\n".to_vec(), piece.clone(), b"\r\n".to_vec()].concat();
    let scan = "POST /api/v1/checkin/redeem HTTP/1.1\r\nhost: hall\r\n";
    let file = format!(
        "POST /admin/event/{event}/import HTTP/1.1\r\nhost: hall\r\ncontent-type: multipart/form-data; boundary=b\r\n"
    );
    let cases: [(&str, String, &[u8]); 6] = [
        ("a form", format!("{form}content-length: {gigabyte}\r\n\r\n"), &piece),
        ("a form in chunks", format!("{form}transfer-encoding: chunked\r\n\r\n"), &chunk),
        ("a scan", format!("{scan}content-length: {gigabyte}\r\n\r\n"), &piece),
        ("a scan in chunks", format!("{scan}transfer-encoding: chunked\r\n\r\n"), &chunk),
        ("a file of nobody", format!("{file}content-length: {gigabyte}\r\n\r\n"), &piece),
        ("headers", "GET / HTTP/1.1\r\nhost: hall\r\n".into(), &b"x-more: and more\r\n".repeat(4_000)),
    ];
    for ((name, head, piece), code) in cases.iter().zip(&codes) {
        let (taken, status) = poured(&hall, head, piece);
        assert!(taken <= TAKEN, "{name}: {taken} bytes were taken");
        assert!(status.is_none_or(|status| (300..500).contains(&status)), "{name}: {status:?}");
        let said = door.json("/api/v1/checkin/redeem", &json!({ "code": code, "nonce": code })).json();
        assert_eq!(said["verdict"], "admitted", "beside {name}");
    }
    let grown = hall.peak_memory().saturating_sub(before);
    assert!(grown < 200 << 20, "memory grew by {} MiB", grown >> 20);
    assert_eq!(door.get("/api/v1/checkin/status").json()["admitted"], cases.len());
}

#[test]
fn odd_paths_lead_nowhere() {
    let hall = Hall::fresh();
    hall.set_up();
    for path in [
        "/../../etc/passwd",
        "/asset/../../etc/passwd",
        "/asset/..%2f..%2fetc%2fpasswd",
        "/asset/%2e%2e/%2e%2e/etc/passwd",
        "/picture/..%2f..%2fdata.key",
        "/%00",
        "/asset/app.css%00.png",
        "/m/99999999999999999999/admin",
        "/m/2/../../admin",
        "//evil.example/",
        "/\\evil.example",
        "/event/-1",
        "/event/18446744073709551616",
        "*",
        "http://evil.example/admin",
    ] {
        let mut stream = connect(&hall);
        write!(stream, "GET {path} HTTP/1.1\r\nhost: hall\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status: u16 =
            answer.split(' ').nth(1).unwrap_or_else(|| panic!("{path} was not answered")).parse().unwrap();
        assert!((300..500).contains(&status), "{path}: {answer}");
        let location = answer.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or("/");
        assert!(location.starts_with('/') && !location.starts_with("//"), "{path} leads to {location}");
        assert!(!answer.contains("root:"), "{path}");
    }
}

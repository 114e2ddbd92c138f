//! Many terminals at once, with repeated nonces, cut connections and a box that is killed in the middle: each ticket once, every answer
//! as the record says, counts a recount.

use crate::hall::{Client, Hall, event, first_type, terminal};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Imports people by a list; answers their ticket numbers.
fn many(admin: &Client, event: &str, people: usize) -> Vec<String> {
    let list = (0..people).fold("姓名\n".to_owned(), |list, n| format!("{list}人{n}\n"));
    let kind = first_type(admin, event);
    let base = format!("/admin/event/{event}/import");
    let upload = admin.upload(&base, &[("kind", &kind)], ("file", "people.csv", list.as_bytes()));
    let import = upload.location.unwrap_or_else(|| panic!("{}", upload.body));
    assert_eq!(admin.post(&format!("{import}/begin"), &[]).status, 303);
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let numbers = numbers(&admin.get(&format!("/admin/event/{event}/registration/export.csv")).body);
        if numbers.len() == people {
            return numbers;
        }
        assert!(Instant::now() < deadline, "the import ends: {} of {people}", numbers.len());
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The ticket numbers in an exported list.
fn numbers(file: &str) -> Vec<String> {
    let is_number = |cell: &&str| cell.len() == 12 && cell.bytes().all(|byte| byte.is_ascii_digit());
    let cells = |row: &str| row.split(',').map(|cell| cell.trim_matches('"').to_owned()).collect::<Vec<_>>();
    file.lines().skip(1).filter_map(|row| cells(row).into_iter().find(|cell| is_number(&cell.as_str()))).collect()
}

/// Sends a scan on a connection of its own, which is cut before the answer is read: at any place of the request, or when all of it was sent.
fn cut(base: &str, token: &str, scan: &Value, chance: usize) {
    let body = scan.to_string();
    let Ok(mut stream) = TcpStream::connect(base.trim_start_matches("http://")) else { return };
    let head = format!(
        "POST /api/v1/checkin/redeem HTTP/1.1\r\nhost: hall\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    // A box that is being killed closes the connection first; nothing was answered then.
    let request = format!("{head}{body}");
    let sent = chance % (2 * request.len());
    drop(stream.write_all(request.as_bytes().get(..sent).unwrap_or(request.as_bytes())));
}

/// An order of its own for each seed.
fn shuffled(len: usize, seed: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    let mut state = seed as u64 + 1;
    for at in (1..len).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
    }
    order
}

/// What one terminal was told: by nonce the number of the record, the verdict, and the ticket.
type Told = BTreeMap<String, (u64, String, usize)>;

/// One terminal scans its share of the tickets twice, in another order each time, with repeated nonces and cut connections, until it is stopped.
fn scan(door: &Client, codes: &[String], terminal: usize, share: usize, stop: &AtomicBool) -> Told {
    let token = door.bearer.clone().unwrap();
    let (mut told, mut least) = (Told::new(), 0);
    let own: Vec<usize> = shuffled(codes.len(), terminal).into_iter().take(share).collect();
    for round in 0..2 {
        for at in shuffled(own.len(), terminal * 2 + round).into_iter().map(|place| own[place]) {
            if stop.load(Ordering::Relaxed) {
                return told;
            }
            let nonce = format!("{round}-{at}");
            let scan = json!({ "code": codes[at], "nonce": nonce });
            if (at + terminal).is_multiple_of(37) {
                cut(&door.base, &token, &scan, at * 7_919 + terminal * 104_729 + round);
            }
            for _ in 0..=usize::from((at + terminal).is_multiple_of(13)) {
                let path = "/api/v1/checkin/redeem";
                let Ok(answer) = door.try_send(path, "application/json", scan.to_string().into_bytes(), &[]) else {
                    // Killed: whether it was recorded is for the record to say.
                    return told;
                };
                let answer = answer.json();
                let admitted = answer["counts"]["admitted"].as_u64().unwrap();
                assert!(admitted >= least, "counts never go back: {admitted} after {least}");
                least = admitted;
                let said = (answer["scan"].as_u64().unwrap(), answer["verdict"].as_str().unwrap().to_owned(), at);
                let before = told.entry(nonce.clone()).or_insert_with(|| said.clone());
                assert_eq!(*before, said, "one nonce, one answer");
            }
        }
    }
    told
}

/// All terminals at once; answers what each was told.
fn storm(doors: &[Client], codes: &[String], share: usize, stop: &AtomicBool) -> Vec<Told> {
    let told = Mutex::new(vec![Told::new(); doors.len()]);
    std::thread::scope(|scope| {
        for (at, door) in doors.iter().enumerate() {
            let told = &told;
            scope.spawn(move || {
                let own = scan(door, codes, at, share, stop);
                told.lock().unwrap()[at] = own;
            });
        }
    });
    told.into_inner().unwrap()
}

/// A line of the exported scan log: number, code, verdict.
fn log(admin: &Client, event: &str) -> BTreeMap<u64, (String, String)> {
    let file = admin.get(&format!("/admin/event/{event}/scan/export?format=csv")).body;
    let rows = file.lines().skip(1).map(|row| row.split(',').map(|cell| cell.trim_matches('"')).collect::<Vec<_>>());
    rows.map(|cells| (cells[0].parse().unwrap(), (cells[7].to_owned(), cells[8].to_owned()))).collect()
}

/// Each ticket was admitted once at the most, every answer stands in the record as it was given, and the counts are the record's.
fn compare(admin: &Client, event: &str, codes: &[String], told: &[Told], door: &Client) -> usize {
    let log = log(admin, event);
    let mut admitted: BTreeMap<&str, usize> = BTreeMap::new();
    for (code, verdict) in log.values() {
        *admitted.entry(code).or_default() += usize::from(verdict == "admitted");
    }
    assert!(admitted.values().all(|times| *times <= 1), "no ticket twice");
    let mut seen = BTreeSet::new();
    for (number, verdict, at) in told.iter().flat_map(BTreeMap::values) {
        let (code, recorded) = &log[number];
        assert_eq!((code, recorded), (&codes[*at], verdict), "scan {number} is recorded as it was answered");
        assert!(seen.insert(number), "each answer has a record of its own");
    }
    let people = admitted.values().sum::<usize>();
    let counts = door.get("/api/v1/checkin/status").json();
    let refused = log.len() - people;
    assert_eq!((counts["admitted"].as_u64(), counts["inside"].as_u64()), (Some(people as u64), Some(people as u64)));
    assert_eq!(counts["refused"].as_u64(), Some(refused as u64));
    people
}

const TERMINALS: usize = 64;

fn doors(hall: &Hall, admin: &Client, event: &str) -> Vec<Client> {
    let paired = (0..TERMINALS).map(|_| terminal(hall, admin, event).cookie("hall_device").unwrap());
    paired.map(|token| bearer(hall, &token)).collect()
}

fn bearer(hall: &Hall, token: &str) -> Client {
    let mut door = hall.client();
    door.bearer = Some(token.to_owned());
    door
}

#[test]
fn a_storm_with_cut_connections_admits_each_ticket_once_and_counts_are_a_recount() {
    const TICKETS: usize = 10_000;
    let hall = Hall::fresh();
    let admin = hall.set_up();
    let event = event(&admin, "年会");
    let codes = many(&admin, &event, TICKETS);
    let doors = doors(&hall, &admin, &event);
    // Every terminal scans all of them where there is time for it: some minutes.
    let share = if std::env::var_os("HUIGUAN_STORM").is_some() { TICKETS } else { TICKETS / 20 };
    let told = storm(&doors, &codes, share, &AtomicBool::new(false));
    let people = compare(&admin, &event, &codes, &told, &doors[0]);
    let scanned: BTreeSet<usize> = told.iter().flat_map(|told| told.values().map(|(_, _, at)| *at)).collect();
    assert!(people >= scanned.len() && scanned.len() > TICKETS * 9 / 10, "{people} of {}", scanned.len());
}

#[test]
fn a_kill_in_the_middle_of_a_storm_loses_no_answer_and_doubles_none() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut hall = Hall::at(&data);
    let admin = hall.set_up();
    let session = admin.cookie("hall_session").unwrap();
    let event = event(&admin, "年会");
    let codes = many(&admin, &event, 2_000);
    let mut doors = doors(&hall, &admin, &event);
    let tokens: Vec<String> = doors.iter().map(|door| door.bearer.clone().unwrap()).collect();
    let mut all = vec![Told::new(); TERMINALS];
    for round in 0..3 {
        let stop = AtomicBool::new(false);
        let told = std::thread::scope(|scope| {
            let (doors, codes, stop) = (&doors, &codes, &stop);
            let storming = scope.spawn(move || storm(doors, codes, 400 * (round + 1), stop));
            std::thread::sleep(Duration::from_millis(400 + 300 * round as u64));
            hall.kill();
            stop.store(true, Ordering::Relaxed);
            storming.join().unwrap()
        });
        hall = Hall::at(&data);
        doors = tokens.iter().map(|token| bearer(&hall, token)).collect();
        let mut admin = hall.client();
        admin.set_cookie("hall_session", &session);
        for (kept, new) in all.iter_mut().zip(told) {
            for (nonce, said) in new {
                let before = kept.entry(nonce.clone()).or_insert_with(|| said.clone());
                assert_eq!(*before, said, "{nonce} has the answer from before the kill");
            }
        }
        let people = compare(&admin, &event, &codes, &all, &doors[0]);
        assert!(people > 0, "somebody came in before kill {round}");
    }
}

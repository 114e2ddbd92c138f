//! Scanners attached to the box (S0-54): those that type like a keyboard, read through evdev with an exclusive grab so that nothing
//! else gets their keys, and serial ones, which get the verdict back. Each acts as the device that was set up for it, at its list, gate
//! and direction; gates' screens show what it was told. A scanner that is unplugged is waited for.

use domain::{
    EventId,
    checkin::{Request, Shown, Verdict, Way},
};
use evdev::EventType;
use service::{Ctx, Who, checkin, device, token};
use std::collections::HashMap;
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio_serial::SerialPortBuilderExt;

/// How often the box looks whether scanners were set up, changed or shut out, and whether an absent one is back.
const LOOK: Duration = Duration::from_secs(2);
/// The same code again within this time is one scan.
const SAME: Duration = Duration::from_millis(2_500);
/// A pause this long after a whole code ends it, for scanners that send no line end.
const QUIET: Duration = Duration::from_millis(80);
/// Longest code in characters; what is longer is noise.
const CODE_MAX: usize = 200;
/// Fewest characters of a code that ends without a line end.
const CODE_MIN: usize = 6;
/// Bits a second of a serial scanner whose device file names none; USB ones do not care.
const BAUD: u32 = 9_600;

/// Reads all scanners for as long as the box runs.
pub async fn watch(hall: web::Hall) {
    let mut running: HashMap<String, (device::Attached, JoinHandle<()>)> = HashMap::new();
    loop {
        match attached(&hall.ctx) {
            Ok(wanted) => {
                running.retain(|port, (was, task)| {
                    // Whoever was sent elsewhere begins anew as who it is now.
                    let stays = wanted.iter().any(|now| {
                        now.port == *port && now.actor.who == was.actor.who && now.actor.space == was.actor.space
                    });
                    if !stays {
                        task.abort();
                    }
                    stays
                });
                for scanner in wanted {
                    running.entry(scanner.port.clone()).or_insert_with(|| {
                        let (hall, one) = (hall.clone(), scanner.clone());
                        (scanner, tokio::spawn(async move { attend(&hall, &one).await }))
                    });
                }
            }
            Err(error) => tracing::error!(%error, "attached scanners cannot be looked up"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The scanners of all spaces. One that two spaces claim belongs to the first.
fn attached(ctx: &Ctx) -> Result<Vec<device::Attached>, service::Error> {
    let mut all: Vec<device::Attached> = Vec::new();
    for space in ctx.spaces()? {
        for scanner in device::attached(ctx, space)? {
            if all.iter().all(|other| other.port != scanner.port) {
                all.push(scanner);
            }
        }
    }
    Ok(all)
}

/// Reads one scanner, and waits for it whenever it is not there.
async fn attend(hall: &web::Hall, scanner: &device::Attached) {
    loop {
        let read =
            if scanner.port.starts_with("/dev/input/") { keys(hall, scanner).await } else { line(hall, scanner).await };
        let says = match read.map_err(|error| error.kind()) {
            Ok(()) | Err(ErrorKind::NotFound) => "Not there; waiting for it",
            Err(ErrorKind::PermissionDenied) => "The box may not read this file",
            Err(_) => "Cannot be read; trying again",
        };
        hall.ports.note(&scanner.port, says);
        tokio::time::sleep(LOOK).await;
    }
}

/// A scanner that types.
async fn keys(hall: &web::Hall, scanner: &device::Attached) -> std::io::Result<()> {
    let mut keyboard = evdev::Device::open(&scanner.port)?;
    keyboard.grab()?;
    let mut events = keyboard.into_event_stream()?;
    hall.ports.note(&scanner.port, "Reading");
    let (mut typed, mut last) = (Typed::default(), Last::default());
    loop {
        let next = tokio::time::timeout(QUIET, events.next_event()).await;
        let code = match next {
            Ok(event) => {
                let event = event?;
                if event.event_type() == EventType::KEY { typed.key(event.code(), event.value()) } else { None }
            }
            Err(_) => typed.ended(CODE_MIN),
        };
        if let Some(code) = code
            && last.is_new(&code)
        {
            scanned(&hall.ctx, scanner, code).await;
        }
    }
}

/// A serial scanner: `/dev/ttyUSB0`, or `/dev/ttyUSB0,115200` with its speed.
async fn line(hall: &web::Hall, scanner: &device::Attached) -> std::io::Result<()> {
    let (path, baud) = scanner.port.split_once(',').unwrap_or((&scanner.port, ""));
    let mut port = tokio_serial::new(path, baud.parse().unwrap_or(BAUD)).open_native_async()?;
    hall.ports.note(&scanner.port, "Reading");
    let (mut typed, mut last, mut bytes) = (Typed::default(), Last::default(), [0; 256]);
    loop {
        let next = tokio::time::timeout(QUIET, port.read(&mut bytes)).await;
        let mut codes = Vec::new();
        match next {
            Ok(read) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                codes.extend(bytes.iter().take(read).filter_map(|byte| typed.char(char::from(*byte))));
            }
            Err(_) => codes.extend(typed.ended(CODE_MIN)),
        }
        for code in codes.into_iter().filter(|code| last.is_new(code)) {
            let verdict = scanned(&hall.ctx, scanner, code).await;
            port.write_all(reply(verdict).as_bytes()).await?;
            port.flush().await?;
        }
    }
}

/// What a serial scanner is told: one beep and OK, or two and why not.
fn reply(verdict: Option<Verdict>) -> String {
    match verdict {
        Some(Verdict::Admitted) => "\x07OK\r\n".to_owned(),
        Some(Verdict::Incomplete) => "\x07\x07ASK\r\n".to_owned(),
        Some(Verdict::Refused(reason)) => format!("\x07\x07NO {}\r\n", reason.code()),
        None => "\x07\x07ERROR\r\n".to_owned(),
    }
}

/// Redeems a code; none when the box could not decide.
async fn scanned(ctx: &Ctx, scanner: &device::Attached, code: String) -> Option<Verdict> {
    let Who::Device { event, .. } = scanner.actor.who else { return None };
    let request = Request {
        shown: Shown::Code(code),
        way: Way::Attached,
        nonce: token::new(ctx.random.as_ref()),
        ..Request::default()
    };
    let said = checkin::redeem(ctx, &scanner.actor, EventId(event.0), request).await;
    match said {
        Ok(answer) => Some(answer.verdict),
        Err(error) => {
            tracing::error!(%error, port = scanner.port, "a scan could not be decided");
            None
        }
    }
}

/// Tells a code from the same one held in front of the scanner.
#[derive(Default)]
struct Last(Option<(String, Instant)>);

impl Last {
    fn is_new(&mut self, code: &str) -> bool {
        let now = Instant::now();
        let same = self.0.as_ref().is_some_and(|(last, at)| last == code && now.duration_since(*at) < SAME);
        if !same {
            self.0 = Some((code.to_owned(), now));
        }
        !same
    }
}

/// What a scanner sent of a code so far.
#[derive(Debug, Default)]
struct Typed {
    text: String,
    shift: bool,
}

/// Characters of the keys of a US keyboard, plain and with shift, by their number in Linux's `input-event-codes.h`. Scanners that type
/// are keyboards of this layout unless somebody configured another; digits are in the same places on all of them.
const KEYS: &[(u16, &str, &str)] = &[
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (55, "*", "*"),
    (57, " ", " "),
    (71, "789-456+1230.", "789-456+1230."),
    (98, "/", "/"),
];
const TAB: u16 = 15;
const ENTER: u16 = 28;
const KEYPAD_ENTER: u16 = 96;
const SHIFTS: [u16; 2] = [42, 54];

impl Typed {
    /// A key that went down (1), was repeated (2) or went up (0); the code, when the key ends one.
    fn key(&mut self, key: u16, value: i32) -> Option<String> {
        if SHIFTS.contains(&key) {
            self.shift = value != 0;
            return None;
        }
        if value != 1 {
            return None;
        }
        if matches!(key, TAB | ENTER | KEYPAD_ENTER) {
            return self.char('\n');
        }
        let (first, plain, shifted) = KEYS.iter().rev().find(|(first, ..)| *first <= key)?;
        let row = if self.shift { shifted } else { plain };
        let char = row.chars().nth(usize::from(key - first))?;
        self.char(char)
    }

    /// One character; the code, when it ends one.
    fn char(&mut self, char: char) -> Option<String> {
        if matches!(char, '\r' | '\n' | '\t') {
            return self.ended(1);
        }
        if !char.is_control() && self.text.len() < CODE_MAX {
            self.text.push(char);
        }
        None
    }

    /// What stands there, when it has at least so many characters; what is shorter waits for the rest.
    fn ended(&mut self, least: usize) -> Option<String> {
        (self.text.trim().len() >= least).then(|| std::mem::take(&mut self.text).trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::checkin::Reason;

    fn typed(keys: &[(u16, i32)]) -> Vec<String> {
        let mut typed = Typed::default();
        keys.iter().filter_map(|(key, value)| typed.key(*key, *value)).collect()
    }

    #[test]
    fn keys_become_characters_and_line_ends_codes() {
        let press = |keys: &[u16]| keys.iter().flat_map(|key| [(*key, 1), (*key, 0)]).collect::<Vec<_>>();
        assert_eq!(typed(&press(&[2, 3, 11, ENTER])), ["120"]);
        assert_eq!(typed(&press(&[79, 82, 75, TAB, 10, KEYPAD_ENTER])), ["104", "9"], "the keypad, and two codes");
        let shifted = [(42, 1), (35, 1), (35, 0), (42, 0), (20, 1), (20, 2), (53, 1), (28, 1)];
        assert_eq!(typed(&shifted), ["Ht/"], "shift counts while it is down, repeats do not");
        assert_eq!(typed(&press(&[ENTER, 1, 200, 2, ENTER])), ["1"], "an empty line and unknown keys are nothing");
    }

    #[test]
    fn noise_has_an_end_and_a_code_without_a_line_end_is_whole_after_a_pause() {
        let mut typed = Typed::default();
        (0..1_000).for_each(|_| assert!(typed.char('7').is_none()));
        assert_eq!(typed.ended(CODE_MIN).unwrap().len(), CODE_MAX);
        "12345".chars().for_each(|char| drop(typed.char(char)));
        assert!(typed.ended(CODE_MIN).is_none(), "the rest is still to come");
        typed.char('6');
        assert_eq!(typed.ended(CODE_MIN).as_deref(), Some("123456"));
    }

    #[test]
    fn the_verdict_goes_back_in_one_line() {
        assert_eq!(reply(Some(Verdict::Admitted)), "\x07OK\r\n");
        assert_eq!(reply(Some(Verdict::Refused(Reason::AlreadyIn))), "\x07\x07NO already_in\r\n");
        assert_eq!(reply(None), "\x07\x07ERROR\r\n");
    }

    #[test]
    fn a_code_held_in_front_is_one_scan() {
        let mut last = Last::default();
        assert!(last.is_new("1") && !last.is_new("1") && last.is_new("2") && last.is_new("1"));
    }
}

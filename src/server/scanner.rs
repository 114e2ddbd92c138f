//! Scanners attached to the box (S0-54): those that type like a keyboard, read through evdev with an exclusive grab so that nothing
//! else gets their keys, and serial ones, which get the verdict back. Each acts as the device that was set up for it, at its list, gate
//! and direction; gates' screens show what it was told. A scanner that is unplugged is waited for.

use domain::{
    EventId,
    checkin::{Request, Shown, Verdict, Way},
    scanner::{CODE_MIN, Typed},
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

/// The scanners of all open spaces. One that two spaces claim belongs to the first.
fn attached(ctx: &Ctx) -> Result<Vec<device::Attached>, service::Error> {
    let mut all: Vec<device::Attached> = Vec::new();
    for space in ctx.open_spaces()? {
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
            && last.is_new(&code, Instant::now())
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
        for code in codes.into_iter().filter(|code| last.is_new(code, Instant::now())) {
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

/// Tells a code from the same one held in front of the scanner, others in between or not: when each was new, as long as it counts.
#[derive(Default)]
struct Last(HashMap<String, Instant>);

impl Last {
    fn is_new(&mut self, code: &str, now: Instant) -> bool {
        self.0.retain(|_, at| now.duration_since(*at) < SAME);
        if self.0.contains_key(code) {
            return false;
        }
        self.0.insert(code.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::checkin::Reason;

    #[test]
    fn the_verdict_goes_back_in_one_line() {
        assert_eq!(reply(Some(Verdict::Admitted)), "\x07OK\r\n");
        assert_eq!(reply(Some(Verdict::Refused(Reason::AlreadyIn))), "\x07\x07NO already_in\r\n");
        assert_eq!(reply(None), "\x07\x07ERROR\r\n");
    }

    #[test]
    fn a_code_held_in_front_is_one_scan() {
        let (mut last, begun) = (Last::default(), Instant::now());
        let scans = [
            (0, "1", true),
            (500, "1", false),
            (600, "2", true),
            (700, "1", false),
            (800, "2", false),
            (2_600, "1", true),
            (2_700, "2", false),
            (3_100, "2", true),
            (5_000, "1", false),
        ];
        for (millis, code, new) in scans {
            assert_eq!(last.is_new(code, begun + Duration::from_millis(millis)), new, "{code} after {millis} ms");
        }
        assert_eq!(last.0.len(), 2, "what counts no more is forgotten");
    }
}

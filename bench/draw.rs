//! A draw at many entrants: how long freezing the list and picking the winners take, how soon a thousand phones know, and how many frames
//! a second the names roll at in a real browser.

use crate::{
    Done,
    fill::{LOGIN, fill},
    load::{Connection, Figures},
    page::log_in,
    say,
    server::{Server, binary, indexed},
};
use clap::Args;
use domain::EventId;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// What is measured.
#[derive(Args)]
pub struct Plan {
    /// People who take part.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    entrants: u64,
    /// Phones that watch.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    phones: u64,
    /// Turns that are drawn, ten prizes each.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100))]
    turns: u64,
    /// Leave the browser out.
    #[arg(long)]
    no_browser: bool,
}

/// What starting or stopping a turn may take.
const TURN: Duration = Duration::from_millis(200);
/// How soon all phones must know.
const KNOWN: Duration = Duration::from_secs(1);
/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser that is logged in.
struct Browser {
    connection: Connection,
    cookie: String,
}

impl Browser {
    async fn post(&mut self, path: &str, form: &str) -> Done<(u16, String)> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\ncookie: {}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            self.cookie,
            form.len()
        );
        let answer = self.connection.ask(request.as_bytes()).await?;
        let location = answer.head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or("").to_owned();
        let said = if location.is_empty() { String::from_utf8_lossy(&answer.body).into_owned() } else { location };
        Ok((answer.status, said))
    }

    async fn version(&mut self, draw: &str) -> Done<String> {
        let request = crate::load::get(&format!("{draw}/remote"), &self.cookie);
        let page = String::from_utf8(self.connection.ask(&request).await?.body)?;
        let version = page.split("data-version=\"").nth(1).and_then(|rest| rest.split('"').next());
        Ok(version.ok_or("the remote tells no version")?.to_owned())
    }

    /// Presses; answers how long it took.
    async fn press(&mut self, draw: &str, act: &str, more: &str) -> Done<Duration> {
        let seen = self.version(draw).await?;
        let begun = Instant::now();
        let (status, said) = self.post(&format!("{draw}/act"), &format!("act={act}&seen={seen}&json=1{more}")).await?;
        let took = begun.elapsed();
        if status == 200 { Ok(took) } else { Err(format!("{act} was answered with {status}: {said}").into()) }
    }
}

/// A draw with one round of many prizes, ten at a time; its address.
async fn set_up(browser: &mut Browser, event: EventId) -> Done<String> {
    let form = "name=Bench&wins=1&registered=1&theme=red&look=sphere&masking=masked";
    let (status, at) = browser.post(&format!("/admin/event/{event}/draw/new"), form).await?;
    if status != 303 {
        return Err(format!("setting up was answered with {status}").into());
    }
    let (status, said) =
        browser.post(&format!("{at}/round"), "prize=Prize&mode=people&quantity=1000&per_turn=10").await?;
    if status == 303 { Ok(at) } else { Err(format!("a round was answered with {status}: {said}").into()) }
}

/// A phone: tells when it reads of a new turn whose winners are known.
async fn phone(address: String, path: String, tell: mpsc::UnboundedSender<(u64, Instant)>) -> Done<()> {
    let mut stream = TcpStream::connect(&address).await?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: bench\r\naccept: text/event-stream\r\n\r\n").as_bytes())
        .await?;
    let mut heard = Vec::new();
    let mut last = u64::MAX;
    loop {
        let read = stream.read_buf(&mut heard).await?;
        let now = Instant::now();
        if read == 0 {
            return Err("a stream ended".into());
        }
        let text = String::from_utf8_lossy(&heard);
        let newest = text.rsplit("data: ").find(|part| part.contains("\n\n") && part.starts_with('{'));
        let Some(newest) = newest else { continue };
        let state: serde_json::Value = serde_json::from_str(newest.split("\n\n").next().unwrap_or(""))?;
        let turn = if state.get("phase").and_then(|phase| phase.as_str()) == Some("shown") {
            state.get("turn").and_then(serde_json::Value::as_u64).unwrap_or(0)
        } else {
            0
        };
        if last != turn {
            last = turn;
            if tell.send((turn, now)).is_err() {
                return Ok(());
            }
        }
        heard.clear();
    }
}

/// Waits until all phones know of a turn; answers each one's delay behind `begun`.
async fn known(
    heard: &mut mpsc::UnboundedReceiver<(u64, Instant)>,
    phones: u64,
    turn: u64,
    begun: Instant,
) -> Done<Vec<Duration>> {
    let mut delays = Vec::new();
    while (delays.len() as u64) < phones {
        let (told, at) = tokio::time::timeout(PATIENCE, heard.recv()).await?.ok_or("all phones are gone")?;
        if told == turn {
            delays.push(at.duration_since(begun));
        }
    }
    Ok(delays)
}

fn line(label: &str, waits: Vec<Duration>, target: Duration) -> bool {
    let worst = waits.iter().max().copied().unwrap_or_default();
    let of = Figures::of(waits, Duration::from_secs(1));
    let kept = worst <= target;
    say(format!(
        "{label:44} p50 {:>9.2?}  p99 {:>9.2?}  worst {worst:>9.2?}   within {target:?}: {}",
        of.p50,
        of.p99,
        if kept { "yes" } else { "NO" }
    ));
    kept
}

/// Lets names roll in Chromium and counts frames. Without a graphics card it draws by software, and says so.
fn frames(address: &str, draw: &str) -> Done<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/browser/frames.mjs");
    let run = Command::new("node").arg(script).args([&format!("http://{address}"), draw, LOGIN.0, LOGIN.1]).output();
    match run {
        Ok(done) if done.status.success() => say(String::from_utf8_lossy(&done.stdout).trim_end()),
        Ok(done) => return Err(format!("the browser: {}", String::from_utf8_lossy(&done.stderr)).into()),
        Err(error) => say(format!("no browser was started ({error}): frames were not counted")),
    }
    Ok(())
}

/// Runs the bench; an error when a target is missed.
pub async fn run(plan: &Plan) -> Done<()> {
    let binary = binary().await?;
    let folder = tempfile::tempdir()?;
    say(format!("filling {} registrations …", plan.entrants));
    let filled = fill(folder.path(), plan.entrants, 1, 500).await?;
    indexed(&binary, folder.path()).await?;
    let hall = Server::hall(&binary, folder.path()).await?;
    let mut connection = Connection::open(&hall.address).await?;
    let cookie = log_in(&mut connection).await?;
    let mut browser = Browser { connection, cookie };
    let draw = set_up(&mut browser, filled.event).await?;
    let number = draw.rsplit('/').next().unwrap_or("1").to_owned();
    let (tell, mut heard) = mpsc::unbounded_channel();
    for _ in 0..plan.phones {
        tokio::spawn(phone(hall.address.clone(), format!("/draw/{number}/live"), tell.clone()));
    }
    known(&mut heard, plan.phones, 0, Instant::now()).await?;
    say(format!("{} phones watch, memory {:.0} MiB", plan.phones, hall.memory()?));
    browser.press(&draw, "open", "&round=1").await?;
    let first = browser.press(&draw, "start", "").await?;
    say(format!("first list, with the event brought into memory   {first:.2?}"));
    let (mut starts, mut stops, mut delays) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 1..=plan.turns {
        if turn > 1 {
            starts.push(browser.press(&draw, "start", "").await?);
        }
        let begun = Instant::now();
        stops.push(browser.press(&draw, "stop", "&called=4711").await?);
        delays.extend(known(&mut heard, plan.phones, turn, begun).await?);
    }
    let mut kept = line(&format!("start: freeze and hash {} entrants", plan.entrants), starts, TURN);
    kept &= line("stop: pick, keep, answer", stops, TURN);
    kept &= line(&format!("pressing stop until each of {} phones knows", plan.phones), delays, KNOWN);
    say(format!("memory at the end {:.0} MiB", hall.memory()?));
    if !plan.no_browser {
        browser.press(&draw, "start", "").await?;
        let address = hall.address.clone();
        tokio::task::spawn_blocking(move || frames(&address, &draw)).await??;
    }
    if kept { Ok(()) } else { Err("a target was missed".into()) }
}

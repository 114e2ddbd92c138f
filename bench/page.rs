//! Server time of lists and searches at many registrations, one request after another.

use crate::{
    Done,
    fill::{LOGIN, fill},
    load::{Connection, Figures, get},
    say,
    server::{Server, binary, indexed},
};
use clap::Args;
use domain::EventId;
use std::time::{Duration, Instant};

/// What is measured.
#[derive(Args)]
pub struct Plan {
    /// Registrations of the event.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..=5_000_000))]
    registrations: u64,
    /// Requests per page after those that warm up.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    requests: u64,
}

/// What a page may take.
const TARGET: Duration = Duration::from_millis(20);
/// Requests before those that count; the first of them is shown.
const WARM: u64 = 3;

/// Logs in as a browser does; answers the session's cookie.
pub async fn log_in(connection: &mut Connection) -> Done<String> {
    let form = format!("login={}&password={}", LOGIN.0, LOGIN.1.replace(' ', "+"));
    let login = format!(
        "POST /login HTTP/1.1\r\nhost: bench\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = connection.ask(login.as_bytes()).await?;
    let cookies = answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
    let session = cookies.into_iter().find(|cookie| cookie.starts_with("hall_session="));
    session
        .map(str::to_owned)
        .ok_or_else(|| format!("no session; the login was answered with {}", answer.status).into())
}

/// Pages by name.
fn pages(event: EventId) -> Vec<(&'static str, String)> {
    let list = format!("/admin/event/{event}/registration");
    vec![
        ("overview", "/admin".to_owned()),
        ("events", "/admin/event".to_owned()),
        ("event with charts", format!("/admin/event/{event}")),
        ("list, first page", list.clone()),
        ("list, page 1000", format!("{list}?page=1000")),
        ("name of two characters", format!("{list}?q=%E5%BB%BA%E5%9B%BD")),
        ("pinyin", format!("{list}?q=wangwei")),
        ("end of a phone", format!("{list}?q=4321")),
        ("sorted by name", format!("{list}?sort=name")),
        ("sorted by arrival", format!("{list}?sort=entered&dir=desc")),
        ("not checked in", format!("{list}?show=absent")),
        ("one registration", format!("{list}/777")),
        ("search", "/admin/search?q=%E5%BB%BA%E5%9B%BD".to_owned()),
        ("finds while typing", "/admin/search/suggest?q=%E5%BB%BA%E5%9B%BD".to_owned()),
        ("finds while typing, end", "/admin/search/suggest?q=4321".to_owned()),
        ("finds while typing, letters", "/admin/search/suggest?q=wangjg".to_owned()),
        ("invitation", format!("/event/{event}")),
    ]
}

/// A page's figures, the time of its first answer, and its bytes.
async fn measure(
    connection: &mut Connection,
    path: &str,
    cookie: &str,
    plan: &Plan,
) -> Done<(Figures, Duration, usize)> {
    let request = get(path, cookie);
    let (mut waits, mut bytes, mut first) = (Vec::new(), 0, None);
    let mut begun = Instant::now();
    for turn in 0..WARM + plan.requests {
        if turn == WARM {
            begun = Instant::now();
        }
        let asked = Instant::now();
        let answer = connection.ask(&request).await?;
        let took = asked.elapsed();
        if answer.status != 200 {
            return Err(format!("{path} answered {}", answer.status).into());
        }
        bytes = answer.body.len();
        first.get_or_insert(took);
        if turn >= WARM {
            waits.push(took);
        }
    }
    Ok((Figures::of(waits, begun.elapsed()), first.unwrap_or_default(), bytes))
}

/// Runs the bench; an error when a page is over its target.
pub async fn run(plan: &Plan) -> Done<()> {
    let binary = binary().await?;
    let folder = tempfile::tempdir()?;
    say(format!("filling {} registrations …", plan.registrations));
    // Half of them are there, so that lists by arrival have something to sort.
    let arrived = usize::try_from(plan.registrations / 2)?;
    let filled = fill(folder.path(), plan.registrations, 1, arrived).await?;
    say(format!("filled at {:.0} registrations/s", filled.rate));
    indexed(&binary, folder.path()).await?;
    let hall = Server::hall(&binary, folder.path()).await?;
    let idle = hall.memory()?;
    let mut connection = Connection::open(&hall.address).await?;
    let cookie = log_in(&mut connection).await?;
    let mut over = 0;
    say(format!("{:24} {:>10} {:>10} {:>10} {:>8}   p99 within {TARGET:?}", "page", "p50", "p99", "first", "bytes"));
    for (label, path) in pages(filled.event) {
        let (of, first, bytes) = measure(&mut connection, &path, &cookie, plan).await?;
        let kept = of.p99 <= TARGET;
        over += u32::from(!kept);
        let verdict = if kept { "yes" } else { "NO" };
        say(format!("{label:24} {:>10.2?} {:>10.2?} {first:>10.2?} {bytes:>8}   {verdict}", of.p50, of.p99));
    }
    say(format!("memory when started, and after   {idle:.0} MiB, {:.0} MiB", hall.memory()?));
    say(format!("first answer after the start     {:.0?}", hall.started));
    if over > 0 { Err(format!("{over} pages are over the target").into()) } else { Ok(()) }
}

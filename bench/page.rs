//! Server time of lists and searches at many registrations, one request after another.

use crate::{
    Done, binary,
    fill::{LOGIN, Server, fill},
    load::{Connection, figures, get},
    say,
};
use clap::Args;
use std::time::{Duration, Instant};

/// What is measured.
#[derive(Args)]
pub struct Plan {
    /// Registrations of the event.
    #[arg(long, default_value_t = 100_000)]
    registrations: u64,
    /// Requests per page after one that warms up.
    #[arg(long, default_value_t = 200)]
    requests: usize,
}

/// What a page may take.
const TARGET: Duration = Duration::from_millis(20);

/// Runs the bench; an error when a page is over its target.
pub async fn run(plan: &Plan) -> Done<()> {
    let binary = binary()?;
    let folder = tempfile::tempdir()?;
    say(format!("filling {} registrations …", plan.registrations));
    let filled = fill(folder.path(), plan.registrations, 1).await?;
    say(format!("filled at {:.0} registrations/s", filled.rate));
    let hall = Server::hall(&binary, folder.path())?;
    let mut connection = Connection::open(&hall.address).await?;
    let form = format!("login={}&password={}", LOGIN.0, LOGIN.1.replace(' ', "+"));
    let login = format!(
        "POST /login HTTP/1.1\r\nhost: bench\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = connection.ask(login.as_bytes()).await?;
    let cookie = answer
        .head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next())
        .ok_or("no session")?;
    let list = format!("/admin/event/{}/registration", filled.event);
    let pages = [
        ("overview", "/admin".to_owned()),
        ("events", "/admin/event".to_owned()),
        ("event with charts", format!("/admin/event/{}", filled.event)),
        ("list, first page", list.clone()),
        ("list, page 1000", format!("{list}?page=1000")),
        ("name of two characters", format!("{list}?q=%E5%BB%BA%E5%9B%BD")),
        ("pinyin", format!("{list}?q=wangwei")),
        ("end of a phone", format!("{list}?q=4321")),
        ("sorted by name", format!("{list}?sort=name")),
        ("sorted by arrival", format!("{list}?sort=entered&dir=desc")),
        ("not checked in", format!("{list}?show=absent")),
        ("one registration", format!("{list}/777")),
        ("invitation", format!("/event/{}", filled.event)),
    ];
    let mut over = 0;
    for (label, path) in &pages {
        let request = get(path, cookie);
        let warm = Instant::now();
        let first = connection.ask(&request).await?;
        let cold = warm.elapsed();
        if first.status != 200 {
            return Err(format!("{path} answered {}", first.status).into());
        }
        let mut waits = Vec::with_capacity(plan.requests);
        let begun = Instant::now();
        for _ in 0..plan.requests {
            let asked = Instant::now();
            connection.ask(&request).await?;
            waits.push(asked.elapsed());
        }
        let of = figures(waits, begun.elapsed());
        over += u32::from(of.p99 > TARGET);
        say(format!(
            "{label:24} p50 {:>9.2?}   p99 {:>9.2?}   first {cold:>9.2?}   {} bytes",
            of.p50,
            of.p99,
            first.body.len()
        ));
    }
    say(format!("memory {:.0} MiB, start {:.0?}, target {TARGET:?}", hall.memory(), hall.started));
    if over > 0 { Err(format!("{over} pages are over the target").into()) } else { Ok(()) }
}

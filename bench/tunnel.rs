//! What comes through the tunnel at a steady rate: the hall behind an SSH server of this machine, asked so many times a second for a minute, whether
//! it keeps up or not. Every answer counts, and every error ends the bench as a failure.

use crate::{
    Done,
    fill::fill,
    load::{Answer, Connection, Figures, get},
    page::log_in,
    say,
    server::{Server, binary},
};
use clap::Args;
use gateway::ssh::standin;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What is measured.
#[derive(Args)]
pub struct Plan {
    /// Requests a second.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Connections that the requests are spread over.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=400))]
    connections: u32,
    /// A binary to measure instead of the release binary of this workspace.
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// How long the tunnel may take to come up.
const UP: Duration = Duration::from_secs(60);

fn post(path: &str, cookie: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let encoded = |text: &str| gateway::address::encoded(text);
    let form: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let form = form.join("&");
    let head = format!("POST {path} HTTP/1.1\r\nhost: bench\r\ncookie: {cookie}\r\ncontent-length: {}\r\n", form.len());
    format!("{head}content-type: application/x-www-form-urlencoded\r\n\r\n{form}").into_bytes()
}

/// What stands between two texts of a page.
fn between(answer: &Answer, before: &str, after: &str) -> Done<String> {
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let rest = body.split_once(before).map(|(_, rest)| rest);
    let found = rest.and_then(|rest| rest.split_once(after)).map(|(found, _)| found.to_owned());
    found.ok_or_else(|| format!("the page has no {before}").into())
}

/// Sets the tunnel up as its page does, and waits until its port is open.
async fn set_up(hall: &Server, server: &standin::Server, port: u16) -> Done<()> {
    let mut connection = Connection::open(&hall.address).await?;
    let cookie = log_in(&mut connection).await?;
    let (ssh, bind, user) = (server.address.port().to_string(), port.to_string(), standin::Server::user()?);
    let base = format!("http://127.0.0.1:{port}");
    let fields = [
        ("on", "on"),
        ("host", "127.0.0.1"),
        ("port", ssh.as_str()),
        ("user", user.as_str()),
        ("bind", "127.0.0.1"),
        ("bind_port", bind.as_str()),
        ("base", base.as_str()),
        ("revision", "0"),
    ];
    let saved = connection.ask(&post("/admin/tunnel", &cookie, &fields)).await?;
    if saved.status != 303 {
        return Err(format!("the settings were answered with {}", saved.status).into());
    }
    let page = connection.ask(&get("/admin/tunnel", &cookie)).await?;
    server.authorize(&between(&page, "data-copy=\"", "\"")?.replace("&quot;", "\""))?;
    let (until, fingerprint) = (Instant::now() + UP, server.fingerprint()?);
    let accept = post("/admin/tunnel/accept", &cookie, &[("fingerprint", &fingerprint), ("revision", "1")]);
    while Connection::open(&format!("127.0.0.1:{port}")).await.is_err() {
        if Instant::now() > until {
            return Err("the tunnel does not come up".into());
        }
        connection.ask(&accept).await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Runs the bench; an error when a request got no good answer.
pub async fn run(plan: &Plan) -> Done<()> {
    let hall_binary = match &plan.binary {
        Some(binary) => binary.clone(),
        None => binary().await?,
    };
    let folder = tempfile::tempdir()?;
    let filled = fill(folder.path(), 1_000, 0, 0).await?;
    let server = standin::Server::start(&folder.path().join("ssh"), "")?;
    let hall = Server::hall(&hall_binary, folder.path()).await?;
    let port = standin::free_port()?;
    set_up(&hall, &server, port).await?;
    let address = format!("127.0.0.1:{port}");
    let paths =
        ["/".to_owned(), format!("/event/{}", filled.event), "/api/v1/events".to_owned(), "/asset/app.css".to_owned()];
    say(format!("{} requests a second for {} seconds through the tunnel …", plan.rate, plan.seconds));
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..plan.connections {
        let (address, paths) = (address.clone(), paths.clone());
        let (rate, all, step) = (plan.rate, plan.rate * plan.seconds, plan.connections);
        tasks.spawn(async move {
            let (mut connection, mut waits, mut bad) = (Connection::open(&address).await?, Vec::new(), 0_u64);
            // Each request has its instant; one that comes late waits for nobody.
            for turn in (at..all).step_by(step as usize) {
                let due = begun + Duration::from_secs(1) * turn / rate;
                tokio::time::sleep_until(due.into()).await;
                let path = paths.get(turn as usize % paths.len()).map_or("/", String::as_str);
                let answer = connection.ask(&get(path, "")).await?;
                waits.push(due.elapsed());
                bad += u64::from(answer.status != 200);
            }
            Done::Ok((waits, bad))
        });
    }
    let (mut waits, mut bad) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        let (some, wrong) = done??;
        waits.extend(some);
        bad += wrong;
    }
    let of = Figures::of(waits, begun.elapsed());
    say(format!(
        "answers {}, {:.1} a second, p50 {:.2?}, p99 {:.2?} after they were due, other than 200: {bad}",
        of.count, of.rate, of.p50, of.p99
    ));
    say(format!("memory {:.0} MiB", hall.memory()?));
    if bad > 0 { Err(format!("{bad} requests got no good answer").into()) } else { Ok(()) }
}

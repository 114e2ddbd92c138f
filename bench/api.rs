//! A logged-in person's GET of the API against a plain hyper reply of the same size, in one run on the same machine.

use crate::{
    Done,
    fill::member,
    load::{Connection, storm},
    say,
    server::{Server, binary},
};
use clap::Args;
use std::time::Duration;

/// What is measured.
#[derive(Args)]
pub struct Plan {
    /// Connections at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    connections: u64,
    /// Seconds of each load in each round.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// In how many rounds both take turns.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=50))]
    rounds: u64,
    /// What is asked for.
    #[arg(long, default_value = "/api/v1/me")]
    path: String,
}

/// What the ratio must reach.
const TARGET: f64 = 0.6;

fn request(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// Runs the bench; an error when the ratio is below the target.
pub async fn run(plan: &Plan) -> Done<()> {
    let binary = binary().await?;
    let folder = tempfile::tempdir()?;
    let token = member(folder.path()).await?;
    let hall = Server::crowded(&binary, folder.path()).await?;
    let asked = request(&plan.path, &token);
    let answer = Connection::open(&hall.address).await?.ask(&asked).await?;
    if answer.status != 200 {
        return Err(format!("the API answered {}", answer.status).into());
    }
    let plain = Server::hello(answer.body.len()).await?;
    let (mut api, mut hello) = (0.0, 0.0);
    for _ in 0..plan.rounds {
        for (server, rate) in [(&hall, &mut api), (&plain, &mut hello)] {
            let asked = asked.clone();
            let next = move |_: usize, _: usize| Some(asked.clone());
            let until = Duration::from_secs(plan.seconds);
            let (figures, good) =
                storm(&server.address, plan.connections, until, next, |answer| answer.status == 200).await?;
            if good != figures.count {
                return Err(format!("{} of {} answers failed", figures.count - good, figures.count).into());
            }
            *rate += figures.rate / plan.rounds as f64;
        }
    }
    let ratio = api / hello;
    say(format!("logged-in GET {api:>9.0}/s   plain reply {hello:>9.0}/s   ratio {ratio:.2} (target {TARGET})"));
    if ratio < TARGET { Err("the API is slower than it is to be".into()) } else { Ok(()) }
}

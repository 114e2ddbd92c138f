//! Visitors at a sale: how many registrations a minute go through the public form, each on disk before its answer, and how long the event's
//! page takes while many look at it.

use crate::{
    Done,
    fill::fill,
    load::{get, storm},
    say,
    server::{Server, binary, indexed, is_sound},
};
use clap::Args;
use std::time::Duration;

/// What is measured.
#[derive(Args)]
pub struct Plan {
    /// Registrations that are there before.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1_000..=1_000_000))]
    registrations: u64,
    /// Visitors at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1_024))]
    connections: u64,
    /// Seconds of each part.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

/// Registrations that a minute must hold.
const A_MINUTE: f64 = 10_000.0;
/// What the event's page may cost the server.
const PAGE: Duration = Duration::from_millis(5);

/// A filled form of the public page, as a browser sends it.
fn registration(path: &str, kind: &str, at: usize, turn: usize) -> Vec<u8> {
    let (once, phone) = (format!("bench-{at}-{turn}"), format!("136{:03}{:05}", at % 1_000, turn % 100_000));
    let form =
        format!("people=1&kind={kind}&name=%E7%8E%8B%E4%BC%9F&phone={phone}&company=%E5%85%AC%E5%8F%B8&once={once}");
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    )
    .into_bytes()
}

/// The ticket type that the public form offers first.
async fn offered(hall: &Server, path: &str) -> Done<String> {
    let page = crate::load::Connection::open(&hall.address).await?.ask(&get(path, "")).await?;
    let html = String::from_utf8_lossy(&page.body).into_owned();
    let field = html.split('<').find(|tag| tag.contains("name=\"kind\"")).ok_or("the form offers no ticket")?;
    let inside = html.split("name=\"kind\"").nth(1).unwrap_or("");
    let value = if field.contains("value=\"") { field } else { inside };
    Ok(value.split("value=\"").find_map(|rest| rest.split('"').next()?.parse::<u64>().ok()).unwrap_or(1).to_string())
}

fn verdict(kept: bool) -> &'static str {
    if kept { "yes" } else { "NO" }
}

/// Runs the bench; an error when a target is missed.
pub async fn run(plan: &Plan) -> Done<()> {
    let binary = binary().await?;
    let folder = tempfile::tempdir()?;
    say(format!("filling {} registrations …", plan.registrations));
    let filled = fill(folder.path(), plan.registrations, 1, 100).await?;
    indexed(&binary, folder.path()).await?;
    let hall = Server::hall(&binary, folder.path()).await?;
    let until = Duration::from_secs(plan.seconds);
    let (page, form) = (format!("/event/{}", filled.event), format!("/event/{}/register", filled.event));
    let kind = offered(&hall, &form).await?;

    let request = get(&page, "");
    let alone = storm(
        &hall.address,
        1,
        until / 4,
        {
            let request = request.clone();
            move |_, _| Some(request.clone())
        },
        |answer| answer.status == 200,
    )
    .await?;
    let busy = hall.busy()?;
    let (many, good) =
        storm(&hall.address, plan.connections, until, move |_, _| Some(request.clone()), |answer| answer.status == 200)
            .await?;
    let cost = (hall.busy()? - busy) / u32::try_from(many.count.max(1))?;
    whole(many.count, good, "pages")?;
    let paged = cost <= PAGE;
    say(format!("event page, one visitor                    p50 {:>9.2?}  p99 {:>9.2?}", alone.0.p50, alone.0.p99));
    say(format!(
        "event page, {:4} visitors                  {:>8.0}/s  p50 {:>9.2?}  p99 {:>9.2?}",
        plan.connections, many.rate, many.p50, many.p99
    ));
    say(format!("the server's own time for one              {cost:>9.2?}   within {PAGE:?}: {}", verdict(paged)));

    let busy = hall.busy()?;
    let next = move |at, turn| Some(registration(&form, &kind, at, turn));
    let (sold, good) = storm(&hall.address, plan.connections, until, next, |answer| answer.status == 303).await?;
    whole(sold.count, good, "registrations")?;
    let cost = (hall.busy()? - busy) / u32::try_from(sold.count.max(1))?;
    let minute = sold.rate * 60.0;
    let fast = minute >= A_MINUTE;
    say(format!(
        "registrations, {:4} visitors               {minute:>8.0}/min  p50 {:>9.2?}  p99 {:>9.2?}   at least {A_MINUTE:.0}: {}",
        plan.connections,
        sold.p50,
        sold.p99,
        verdict(fast)
    ));
    say(format!("the server's own time for one              {cost:>9.2?}"));
    say(format!("memory at the end {:.0} MiB", hall.memory()?));
    drop(hall);
    let sound = is_sound(&binary, folder.path()).await?;
    say(format!("everything is sound afterwards: {}", verdict(sound)));
    if paged && fast && sound { Ok(()) } else { Err("a target was missed".into()) }
}

fn whole(count: u64, good: u64, what: &str) -> Done<()> {
    if count == good { Ok(()) } else { Err(format!("{} of {count} {what} were refused", count - good).into()) }
}

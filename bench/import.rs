//! A long list going in: how long the preview and the import of it take, how often it says how far it is, and whether all of it is there.

use crate::{
    Done,
    fill::{open, open_event},
    say,
};
use clap::Args;
use domain::import::ImportState;
use service::{import, registration, roster::Filter, ticket_type};
use std::time::{Duration, Instant};

/// What goes in.
#[derive(Args)]
pub struct Plan {
    /// Rows of the list.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000))]
    rows: u64,
}

/// What the default list may take.
const TARGET: Duration = Duration::from_secs(10);
/// Every how long the page asks how far it is.
const ASKED: Duration = Duration::from_millis(100);

/// A list as an association has it: name, phone, company, seat.
fn list(rows: u64) -> Vec<u8> {
    let mut out = String::from("姓名,手机号,单位,座位号,分组\n");
    for n in 0..rows {
        let (company, table, group) = (n % 900, n / 10 + 1, n % 12);
        out.push_str(&format!("参会者{n},137{n:08},第{company}机电有限公司,{table}桌{},第{group}组\n", n % 10 + 1));
    }
    out.into_bytes()
}

/// Runs the bench; an error when the import takes too long, or something is missing.
pub async fn run(plan: &Plan) -> Done<()> {
    let folder = tempfile::tempdir()?;
    let (ctx, actor) = open(folder.path()).await?;
    let event = open_event(&ctx, &actor).await?;
    let kind = ticket_type::list(&ctx, &actor, event)?.first().map(|row| row.kind.id).ok_or("no ticket type")?;
    let begun = Instant::now();
    let id = import::upload(&ctx, &actor, event, "名单.csv", list(plan.rows), kind, "").await?;
    let uploaded = begun.elapsed();
    let looked = Instant::now();
    let preview = import::preview(&ctx, &actor, event, id, false, 0).await?;
    let preview = (preview.tally.added, looked.elapsed());
    let begun = Instant::now();
    import::begin(&ctx, &actor, event, id).await?;
    let (runner, space) = (ctx.clone(), actor.space);
    let running = tokio::spawn(async move { import::run(&runner, space, id).await });
    let (mut steps, mut last) = (0, 0);
    let tally = loop {
        let now = import::get(&ctx, &actor, event, id)?;
        match now.state {
            ImportState::Running(done) => {
                steps += u32::from(done != last);
                last = done;
            }
            ImportState::Finished => break now.tally,
            ImportState::Preview | ImportState::Dropped => return Err("the import did not run".into()),
        }
        tokio::time::sleep(ASKED).await;
    };
    let took = begun.elapsed();
    running.await??;
    let rate = plan.rows as f64 / took.as_secs_f64();
    let found = registration::list(&ctx, &actor, event, &Filter::default(), 0)?.1;
    let kept = took <= TARGET.mul_f64((plan.rows as f64 / 50_000.0).max(1.0));
    say(format!("upload and reading               {uploaded:.2?}"));
    say(format!("preview of {:6} rows           {:.2?}", preview.0, preview.1));
    say(format!(
        "import of {} rows             {took:.2?}, {rate:.0} rows/s, {steps} steps of progress seen",
        plan.rows
    ));
    say(format!("within {TARGET:?}                      {}", if kept { "yes" } else { "NO" }));
    let whole = u64::from(tally.added) == plan.rows && found as u64 == plan.rows && ctx.store().verify().is_sound();
    ctx.store().clone().close()?;
    match (kept, whole) {
        (true, true) => Ok(()),
        (_, false) => Err(format!("of {} rows {found} are there", plan.rows).into()),
        (false, true) => Err("the import is over its target".into()),
    }
}

//! Everything coming back on another machine: a full encrypted backup of a filled hall, restored by the program itself as somebody would with the
//! recovery sheet in hand; how long it takes, what memory, and whether all of it is there and sound.

use crate::{
    Done,
    fill::{fill, open},
    say,
    server::{Server, binary, bytes, is_sound, watched},
};
use clap::Args;
use service::backup;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What comes back.
#[derive(Args)]
pub struct Plan {
    /// Tickets of the event; each is several records.
    #[arg(long, default_value_t = 350_000, value_parser = clap::value_parser!(u64).range(100..=2_000_000))]
    tickets: u64,
}

/// What a million records may take.
const TARGET: Duration = Duration::from_secs(60);
/// The longest that the backup may take.
const LONGEST: Duration = Duration::from_secs(900);

/// A filled hall with a full backup in `disk`.
struct Kept {
    records: u64,
    lines: u64,
    key: String,
    took: Duration,
}

async fn back_up(folder: &Path, disk: &Path) -> Done<Kept> {
    let (ctx, actor) = open(folder).await?;
    let keys = domain::KeyRing::read(&std::fs::read(folder.join("data.key"))?)?;
    backup::register(&ctx, backup::Place { data: folder.join("data"), keys });
    let report = ctx.store().verify();
    let input = domain::backup::PlanInput { folder: disk.display().to_string(), ..backup::input_of(None, None) };
    backup::save(&ctx, &actor, &input).await?;
    let begun = Instant::now();
    backup::start(&ctx, &actor)?;
    loop {
        let page = backup::page(&ctx, &actor).await?;
        if let Some((_, trouble)) = page.trouble {
            return Err(format!("the backup failed: {trouble:?}").into());
        }
        if page.running.is_none() {
            break;
        }
        if begun.elapsed() > LONGEST {
            return Err("the backup does not end".into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let took = begun.elapsed();
    let key = backup::sheet(&ctx, &actor).await?.key;
    ctx.store().clone().close()?;
    Ok(Kept { records: report.records.values().sum(), lines: report.lines, key, took })
}

/// Runs the bench; an error when it takes too long, or when something did not come back.
pub async fn run(plan: &Plan) -> Done<()> {
    let binary = binary().await?;
    let folder = tempfile::tempdir()?;
    let (from, disk, to) = (folder.path().join("here"), folder.path().join("disk"), folder.path().join("there"));
    [&from, &disk, &to].into_iter().try_for_each(std::fs::create_dir)?;
    let filled = fill(&from, plan.tickets, 1, 0).await?;
    say(format!("{} tickets filled in at {:.0}/s", plan.tickets, filled.rate));
    let kept = back_up(&from, &disk).await?;
    let (records, lines, size) = (kept.records, kept.lines, bytes(&disk));
    say(format!(
        "{records} records and {lines} lines of the audit log; full backup, encrypted: {:.1?}, {:.0} MiB",
        kept.took,
        size as f64 / f64::from(1 << 20)
    ));
    let sheet = folder.path().join("sheet");
    std::fs::write(&sheet, &kept.key)?;
    let mut command = Command::new(&binary);
    command.arg("restore").arg("--from").arg(&disk).arg("--recovery-key").arg(&sheet);
    command.arg("--data").arg(to.join("data")).arg("--key-file").arg(to.join("data.key"));
    let (took, most) = watched(&mut command, LONGEST).await?;
    let scaled = took.mul_f64(1_000_000.0 / records.max(1) as f64);
    let good = scaled <= TARGET;
    say(format!("restored in {took:.1?} with at most {most:.0} MiB"));
    say(format!("a million records: {scaled:.1?}, at most {TARGET:.0?} wanted: {}", if good { "yes" } else { "NO" }));
    let hall = Server::hall(&binary, &to).await?;
    say(format!("the first answer there after {:.0?}, {:.0} MiB", hall.started, hall.memory()?));
    drop(hall);
    if !is_sound(&binary, &to).await? {
        return Err("what came back is not sound".into());
    }
    let (ctx, _) = open(&to).await?;
    let there: u64 = ctx.store().verify().records.get("ticket").copied().unwrap_or(0);
    ctx.store().clone().close()?;
    match (there == plan.tickets, good) {
        (true, true) => Ok(()),
        (false, _) => Err(format!("{there} of {} tickets came back", plan.tickets).into()),
        (true, false) => Err("it took too long".into()),
    }
}

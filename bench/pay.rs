//! From WeChat's notification to the paid order on disk: how long the box takes, beside one sync of the same disk. Orders are placed and
//! payments asked for through the same verbs as in real use, against a stand-in that signs and seals as WeChat does.

use crate::{
    Done,
    fill::{open, open_event},
    load::Connection,
    say,
    server::{Server, binary, is_sound},
};
use clap::Args;
use domain::{SpaceId, payment::Method, ticket::TicketInput, ticket_type::TicketTypeInput};
use gateway::pay::standin::{Notification, PayStandin, Speaks};
use service::{
    Actor, Ctx,
    order::{self, OrderInput, PersonInput},
    pay, payment, ticket_type, token,
};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// What is measured.
#[derive(Args)]
pub struct Plan {
    /// Notifications, one after another.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(10..=20_000))]
    payments: u64,
    /// The folder that is filled; on the disk that is measured. A scratch folder when left out.
    #[arg(long)]
    folder: Option<std::path::PathBuf>,
}

/// What the box may take beside one sync.
const TARGET: Duration = Duration::from_millis(5);

/// A payment that was asked for, with its order's link.
async fn one(ctx: &Ctx, kind: domain::TicketTypeId, event: domain::EventId, n: u64) -> Done<String> {
    let visitor = Actor::visitor(SpaceId::ASSOCIATION);
    let ticket = TicketInput { name: format!("买家{n}"), phone: format!("13{n:09}"), ..TicketInput::default() };
    let people = vec![PersonInput { kind, addons: Vec::new(), ticket }];
    let input = OrderInput { people, method: Method::Wechat.code().into(), ..OrderInput::default() };
    let order = order::place(ctx, &visitor, event, &input).await?;
    Ok(pay::start(ctx, &visitor, &token::link(&order.link)).await?.number)
}

/// Fills the folder with unpaid orders; answers the numbers of their payments.
async fn fill(folder: &Path, till: &mut Option<PayStandin>, payments: u64) -> Done<Vec<String>> {
    let (ctx, admin) = open(folder).await?;
    let event = open_event(&ctx, &admin).await?;
    let (egress, tools) = pay::way_out(&ctx)?;
    let standin = PayStandin::start(SocketAddr::from(([127, 0, 0, 1], 0)), egress, tools, false).await?;
    pay::save(&ctx, &admin, &standin.account("http://127.0.0.1:1", Speaks::First)).await?;
    payment::save(&ctx, &admin, &[(Method::Wechat, true, String::new())]).await?;
    let kind = ticket_type::list(&ctx, &admin, event)?.first().map(|row| row.kind.id).ok_or("no ticket type")?;
    let price =
        TicketTypeInput { name: "票".into(), price: "100".into(), enabled: true, ..TicketTypeInput::default() };
    ticket_type::save(&ctx, &admin, event, Some(kind), &price).await?;
    pay::check(&ctx, &admin).await?;
    let mut numbers = Vec::new();
    for n in 0..payments {
        numbers.push(one(&ctx, kind, event, n).await?);
    }
    ctx.store().clone().close()?;
    *till = Some(standin);
    Ok(numbers)
}

fn request(told: &Notification) -> Vec<u8> {
    let mut head = format!(
        "POST /callback/pay HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        told.body.len()
    );
    for (name, value) in &told.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{head}\r\n{}", told.body).into_bytes()
}

fn at(waits: &[Duration], share: usize) -> Duration {
    waits.get((waits.len() * share / 100).min(waits.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// How long a sync of 4 KiB takes in that folder, as often as there are payments.
fn syncs(folder: &Path, times: u64) -> Done<Vec<Duration>> {
    let path = folder.join("sync");
    let mut file = std::fs::File::create(&path)?;
    file.write_all(&vec![0; 4 << 20])?;
    file.sync_all()?;
    let mut waits = Vec::new();
    for n in 0..times {
        let begun = Instant::now();
        std::os::unix::fs::FileExt::write_all_at(&file, &[u8::try_from(n % 251)?; 4096], (n % 1_000) * 4096)?;
        file.sync_data()?;
        waits.push(begun.elapsed());
    }
    std::fs::remove_file(path)?;
    waits.sort_unstable();
    Ok(waits)
}

/// Runs the bench; an error when the box takes longer than its target.
pub async fn run(plan: &Plan) -> Done<()> {
    let binary = binary().await?;
    let scratch = tempfile::tempdir()?;
    let folder = plan.folder.as_deref().unwrap_or(scratch.path());
    let mut till = None;
    say(format!("placing {} orders and asking for their payments …", plan.payments));
    let numbers = fill(folder, &mut till, plan.payments).await?;
    let till = till.ok_or("no stand-in")?;
    let hall = Server::hall(&binary, folder).await?;
    let mut connection = Connection::open(&hall.address).await?;
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for number in &numbers {
        till.pay(number, None);
        let told = till.told(number).ok_or("nothing to tell")?;
        let request = request(&told);
        for waits in [&mut first, &mut again] {
            let begun = Instant::now();
            let answer = connection.ask(&request).await?;
            waits.push(begun.elapsed());
            if answer.status != 204 {
                return Err(format!("a notification was answered with {}", answer.status).into());
            }
        }
    }
    drop(hall);
    let sync = syncs(folder, plan.payments)?;
    first.sort_unstable();
    again.sort_unstable();
    say(format!("{:44} {:>10} {:>10} {:>10}", "", "p50", "p90", "p99"));
    for (label, waits) in
        [("notification to paid order, answered", &first), ("the same once more", &again), ("one sync of 4 KiB", &sync)]
    {
        say(format!("{label:44} {:>10.2?} {:>10.2?} {:>10.2?}", at(waits, 50), at(waits, 90), at(waits, 99)));
    }
    let own = at(&first, 50).saturating_sub(at(&sync, 50));
    let kept = own <= TARGET;
    say(format!("beside one sync {own:.2?} at p50, target {TARGET:?}: {}", if kept { "kept" } else { "NOT KEPT" }));
    if !is_sound(&binary, folder).await? {
        return Err("the folder is damaged".into());
    }
    if kept { Ok(()) } else { Err("a notification takes longer than its target".into()) }
}

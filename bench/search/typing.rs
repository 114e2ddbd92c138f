//! Typing end to end: each key press is a question over HTTP, as the search box asks it, from the first byte sent to the last of the answer.

use crate::{
    Done,
    fill::fill,
    load::{Connection, Figures, get},
    page::log_in,
    say,
    server::{Server, binary, indexed},
};
use clap::Args;
use std::time::{Duration, Instant};

/// What is measured.
#[derive(Args)]
pub struct Typing {
    /// People.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..=5_000_000))]
    people: u64,
    /// How often everything is typed.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    rounds: u64,
}

/// What a key press may take.
const TARGET: Duration = Duration::from_millis(50);

/// What people type, by its sort; each is typed key by key.
const TYPED: &[(&str, &[&str])] = &[
    ("a name", &["建国", "王伟明", "欧阳建国", "张三丰"]),
    ("pinyin", &["wangwei", "ouyang", "zhangjianguo", "liming"]),
    ("initials", &["wjg", "lxm", "zjg", "oyjg"]),
    ("both", &["张jg", "王wei", "李x"]),
    ("a phone", &["13800001234", "4321", "0777", "1389"]),
    ("a company", &["建国公司", "王伟公司", "公司"]),
    ("mistyped", &["wagnwie", "zhnagjg"]),
    ("a query", &["type:报名 建国", "-王 公司", "phone:1234 王"]),
];

/// As it stands in an address.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Runs the bench; an error when a key press takes longer than it may.
pub async fn run(plan: &Typing) -> Done<()> {
    let binary = binary().await?;
    let folder = tempfile::tempdir()?;
    say(format!("filling {} people …", plan.people));
    fill(folder.path(), plan.people, 1, 0).await?;
    indexed(&binary, folder.path()).await?;
    let hall = Server::hall(&binary, folder.path()).await?;
    let mut connection = Connection::open(&hall.address).await?;
    let cookie = log_in(&mut connection).await?;
    let mut all = Vec::new();
    say(format!("{:16} {:>8} {:>10} {:>10} {:>10}", "what is typed", "presses", "p50", "p99", "slowest"));
    for (label, words) in TYPED {
        let mut waits = Vec::new();
        let begun = Instant::now();
        for word in words.iter().cycle().take(words.len() * usize::try_from(plan.rounds)?) {
            for (at, c) in word.char_indices() {
                let so_far = word.get(..at + c.len_utf8()).unwrap_or(word);
                let request = get(&format!("/admin/search/suggest?q={}", escaped(so_far)), &cookie);
                let pressed = Instant::now();
                let answer = connection.ask(&request).await?;
                waits.push(pressed.elapsed());
                if answer.status != 200 {
                    return Err(format!("{so_far} was answered with {}", answer.status).into());
                }
            }
        }
        let slowest = waits.iter().max().copied().unwrap_or_default();
        let of = Figures::of(waits.clone(), begun.elapsed());
        say(format!("{label:16} {:>8} {:>10.2?} {:>10.2?} {slowest:>10.2?}", of.count, of.p50, of.p99));
        all.extend(waits);
    }
    let of = Figures::of(all, Duration::from_secs(1));
    say(format!("{:16} {:>8} {:>10.2?} {:>10.2?}   p99 within {TARGET:?}", "all", of.count, of.p50, of.p99));
    say(format!("memory of the server {:.0} MiB", hall.memory()?));
    if of.p99 <= TARGET { Ok(()) } else { Err("typing takes longer than it may".into()) }
}

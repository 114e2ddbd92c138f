//! Finding people among a million: times beside SQLite and PostgreSQL in one run, memory, size, how soon a change is found, and what it
//! costs the doors while an index is built.

pub mod corpus;
mod door;
pub mod peers;
pub mod relevance;
mod typing;

use crate::{
    Done, fill,
    load::Figures,
    say,
    server::{self, bytes},
};
use clap::Args;
use domain::{PersonId, SpaceId, Time, query};
use peers::{Measured, Postgres, Questions, Sqlite};
use relevance::Size;
use search::{Ask, Index, Scope, Sight, Sort, Use};
use service::search::{Question, find, rebuild_here, settle, start, stop};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What is measured.
#[derive(Args)]
pub struct Plan {
    /// People.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=5_000_000))]
    people: u64,
    /// Questions of each kind.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(10..=100_000))]
    questions: u64,
    /// People imported at once.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    burst: u64,
    /// Leave the other systems out.
    #[arg(long)]
    alone: bool,
    /// Keep what was filled in here, and go on with what is there.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Only fill the folder: measuring wants a machine that does nothing else, and filling takes long.
    #[arg(long, requires = "folder")]
    fill: bool,
}

const COMPANIES: u64 = 20_000;

/// Fills a folder with people as the hall keeps them, and builds the index as the hall does. Runs in a process of its own, so that its
/// memory is not counted as that of searching.
#[derive(Args)]
pub struct Build {
    /// The folder.
    folder: std::path::PathBuf,
    /// People.
    people: u64,
}

fn person(id: u64) -> domain::Person {
    let of = corpus::person(id, COMPANIES);
    domain::Person {
        id: PersonId(id),
        name: of.name,
        phone: Some(format!("+86{}", of.phone)),
        company: of.company,
        created_at: Time(1_790_000_000_000 + i64::try_from(id).unwrap_or(0)),
    }
}

/// Puts people into the store, some to a transaction, as an import does.
fn put(ctx: &service::Ctx, from: u64, to: u64) -> Done<()> {
    for first in (from..to).step_by(500) {
        let people: Vec<domain::Person> = (first..(first + 500).min(to)).map(person).collect();
        ctx.store().write_blocking(move |tx| {
            let mut space = tx.space(SpaceId::ASSOCIATION);
            for person in &people {
                // A number that two have by chance is left out, as an import would.
                let mut person = person.clone();
                let phone = person.phone.clone().unwrap_or_default();
                if store::Read::find_key(&space, &store::catalogue::PERSON_BY_PHONE, &phone)?.is_some() {
                    person.phone = None;
                }
                space.insert(&person)?;
            }
            Ok::<_, store::Error>(())
        })?;
    }
    Ok(())
}

/// Carries [`Build`] out.
pub async fn build(plan: &Build) -> Done<()> {
    let (ctx, _) = fill::open(&plan.folder).await?;
    let begun = Instant::now();
    put(&ctx, 1_000, 1_000 + plan.people)?;
    ctx.store().checkpoint()?;
    say(format!("{} people kept in {:.1?}", plan.people, begun.elapsed()));
    let begun = Instant::now();
    let state = rebuild_here(&ctx, &plan.folder.join("data/search"), |_| {})?;
    let took = begun.elapsed();
    say(format!(
        "index built in {took:.1?}, {:.0} records a second, with everything at once in {:.0} MiB",
        plan.people as f64 / took.as_secs_f64(),
        memory()?
    ));
    say(format!("{} entries", state.entries));
    ctx.store().clone().close()?;
    Ok(())
}

/// Memory in MiB by its name in `/proc`: all that is resident, or without what is only mapped from files.
fn memory_of(name: &str) -> Done<f64> {
    server::memory_of("self", name)
}

/// Resident memory in MiB.
fn memory() -> Done<f64> {
    memory_of("VmRSS")
}

fn questions(plan: &Plan) -> Questions {
    let mut out = Questions::default();
    let wanted = usize::try_from(plan.questions).unwrap_or(0);
    for n in 0u64.. {
        if out.phone.len() >= wanted {
            return out;
        }
        let of = corpus::person(1_000 + corpus::mixed(n ^ 0x0a5c) % plan.people, COMPANIES);
        let name: Vec<char> = of.name.chars().collect();
        // The end of a name, or what lies inside a long one.
        let Some(part) = name.get(1..3).filter(|part| part.iter().all(|c| !c.is_ascii() && *c != '·')) else {
            continue;
        };
        out.infix.push(part.iter().collect());
        out.company.push(of.company.chars().skip(2).take(if n % 2 == 0 { 2 } else { 4 }).collect());
        out.phone.push(of.phone.chars().skip(7).collect());
    }
    out
}

fn ask(index: &Index, typed: &str, quick: bool) -> Done<usize> {
    let sights = [Sight { kind: 1, see: Scope::everywhere(), unmasked: Scope::everywhere() }];
    let query = query::parse(typed, &jiff::tz::TimeZone::UTC).map_err(|refusal| refusal.code)?;
    let found = index.find(&Ask {
        space: 1,
        query: &query,
        sights: &sights,
        kinds: None,
        events: None,
        not_events: None,
        stale: &|_| false,
        secret: &|text| text.to_owned(),
        sort: Sort::Relevance,
        skip: 0,
        take: 10,
        quick,
    })?;
    Ok(found.hits.len())
}

fn ours(index: &Index, questions: &Questions, quick: bool) -> Done<Measured> {
    let time = |questions: &[String]| -> Done<Figures> {
        for question in questions.iter().take(20) {
            ask(index, question, quick)?;
        }
        let (begun, mut waits) = (Instant::now(), Vec::new());
        for question in questions {
            let asked = Instant::now();
            let found = ask(index, question, quick)?;
            waits.push(asked.elapsed());
            if found == 0 {
                return Err(format!("nothing was found for {question}").into());
            }
        }
        Ok(Figures::of(waits, begun.elapsed()))
    };
    Ok([time(&questions.infix)?, time(&questions.company)?, time(&questions.phone)?])
}

fn tell(label: &str, measured: &Measured) {
    let cell = |of: &Figures| format!("{:>10.2?} {:>10.2?}", of.p50, of.p99);
    let [infix, company, phone] = measured;
    say(format!("{label:44} {} {} {}", cell(infix), cell(company), cell(phone)));
}

/// Hostile queries that are asked.
const HOSTILE: u64 = 10_000;
/// What is in everybody's name, company or number: as many finds as there can be, and as many lists to walk through at once.
const COMMON: &[&str] = &[
    "王",
    "李",
    "张",
    "伟",
    "国",
    "明",
    "建国",
    "王伟",
    "张明",
    "有限公司",
    "科技",
    "集团",
    "北京",
    "深圳",
    "股份",
    "有限",
    "公司",
    "1",
    "13",
    "138",
    "1380",
    "0000",
    "1234",
    "8888",
    "13812345678",
    "w",
    "wa",
    "wang",
    "zh",
    "zhang",
    "wangw",
    "zsf",
    "wwm",
    "lijg",
    "张sf",
    "王w明",
    "smiht",
    "jonson",
    "schnieder",
    "wangwie",
    "name:王",
    "company:有限",
    "phone:138",
    "phone:1380013",
    "-王",
    "-公司",
    "-wang",
    "\"有限公司\"",
    "王李张",
    "有限公司集团科技",
    "after:2001",
    "before:2099",
];

/// One hostile query: characters of every sort, or words that many have, up to the most that is taken.
fn nasty(n: u64) -> String {
    let parts: Vec<char> = "()[]{}\"'-:*^~?/\\+&|!<>=，。：“”「」\u{0}\u{7}\u{1f}\u{200b}\u{202e}\u{fffd}𬱖㛃·ａ１张王李伟明科技有限公司zhangsfxiane 138　\n\t".chars().collect();
    let pick = |at: u64, of: usize| usize::try_from(corpus::mixed(n * 1_000 + at) % of as u64).unwrap_or(0);
    match n % 4 {
        0 => {
            let length = corpus::mixed(n) % 205;
            (0..length).filter_map(|at| parts.get(pick(at, parts.len()))).collect()
        }
        // The same again and again.
        1 => COMMON.get(pick(0, COMMON.len())).copied().unwrap_or("").repeat(1 + pick(1, 30)),
        _ => {
            let words = (0..1 + corpus::mixed(n) % 12).filter_map(|at| COMMON.get(pick(at, COMMON.len())).copied());
            words.collect::<Vec<_>>().join(if n % 4 == 2 { " " } else { "" })
        }
    }
}

/// Time that this thread has had of a processor: what else the machine does is not in it.
fn worked() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// The longest time that a hostile query took.
fn hostile(index: &Index) -> Done<Duration> {
    let (mut longest, mut worst, mut refused) = (Duration::ZERO, String::new(), 0);
    let mut hardest = Duration::ZERO;
    let mut waits = Vec::new();
    for n in 0..HOSTILE {
        let typed = nasty(n);
        let (begun, before) = (Instant::now(), worked());
        // A refusal is an answer.
        match ask(index, &typed, n % 8 < 4) {
            Ok(_) => {}
            Err(error) if error.to_string().starts_with("search.") => refused += 1,
            Err(error) => return Err(error),
        }
        waits.push(begun.elapsed());
        hardest = hardest.max(worked().saturating_sub(before));
        if begun.elapsed() > longest {
            (longest, worst) = (begun.elapsed(), typed);
        }
    }
    let of = Figures::of(waits, Duration::from_secs(1));
    say(format!("{HOSTILE} hostile queries: p50 {:.2?}, p99 {:.2?}, {refused} refused with a reason", of.p50, of.p99));
    say(format!("the slowest took {longest:.2?}: {worst:?}; the hardest {hardest:.2?} of a processor"));
    Ok(longest)
}

/// How soon one change is found, and how soon a burst.
async fn freshness(plan: &Plan, folder: &Path) -> Done<(Duration, Duration)> {
    let (ctx, actor) = fill::open(folder).await?;
    start(&ctx, Some(folder.join("data/search")));
    settle(&ctx).await?;
    let mut longest = Duration::ZERO;
    // A folder may be measured again: each time others come.
    let fresh = 1_000_000_000 + ctx.store().view().sequence() * 10_000_000;
    for n in 0..10u64 {
        let id = fresh + n;
        let one = domain::Person {
            name: format!("新来者{}", char::from_u32(0x4e00 + u32::try_from(n)?).unwrap_or('一')),
            ..person(id)
        };
        let name = one.name.clone();
        ctx.store().write_blocking(move |tx| tx.space(SpaceId::ASSOCIATION).put(&one))?;
        let begun = Instant::now();
        let question = Question { text: name, ..Question::default() };
        while find(&ctx, &actor, &question)?.count == 0 {
            if begun.elapsed() > Duration::from_secs(30) {
                return Err("a change was not found".into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        longest = longest.max(begun.elapsed());
    }
    put(&ctx, fresh + 1_000, fresh + 1_000 + plan.burst)?;
    let begun = Instant::now();
    settle(&ctx).await?;
    let burst = begun.elapsed();
    let check = ctx.clone();
    tokio::task::spawn_blocking(move || stop(&check)).await?;
    ctx.store().clone().close()?;
    Ok((longest, burst))
}

/// Whether a figure is as good as it must be.
fn judged(over: &mut u32, label: &str, good: bool) {
    *over += u32::from(!good);
    say(format!("{} {label}", if good { "yes" } else { "NO " }));
}

/// Fills the hall's folder, unless it is.
fn fill_hall(plan: &Plan, hall: &Path) -> Done<()> {
    if hall.join("data/search/current").exists() {
        return Ok(());
    }
    let built =
        Command::new(std::env::current_exe()?).arg("search-build").arg(hall).arg(plan.people.to_string()).status()?;
    if built.success() { Ok(()) } else { Err("the index could not be built".into()) }
}

/// Runs the bench; an error when a target is missed.
pub async fn run(plan: &Plan) -> Done<()> {
    let scratch = tempfile::tempdir()?;
    let folder = plan.folder.as_deref().unwrap_or(scratch.path());
    let hall = folder.join("hall");
    fill_hall(plan, &hall)?;
    if plan.fill {
        return if plan.alone { Ok(()) } else { Peers::open(plan, folder).map(|_| ()) };
    }
    let questions = questions(plan);
    let (records, size) = (bytes(&hall.join("data/store/engine")), bytes(&hall.join("data/search")));
    let named = std::fs::read_to_string(hall.join("data/search/current"))?;
    let before = memory()?;
    let (index, _) = Index::open(&hall.join(format!("data/search/index-{}", named.trim())), Use::Live)?;
    let (quick, whole) = (ours(&index, &questions, true)?, ours(&index, &questions, false)?);
    let (used, own) = (memory()?, memory_of("RssAnon")?);
    let longest = hostile(&index)?;
    say(format!(
        "{:44} {:>21} {:>21} {:>21}",
        "p50 and p99 of", "two chars of a name", "word of a company", "end of a phone"
    ));
    tell("huiguan, while somebody types", &quick);
    tell("huiguan, with exact counts and facets", &whole);
    drop(index);
    let mut over = 0;
    if !plan.alone {
        compare(plan, folder, &questions, &quick, &mut over)?;
    }
    for (of, label) in quick.iter().zip(["two characters", "company word", "end of a phone"]) {
        judged(&mut over, &format!("{label}: p99 {:.2?} within 10 ms", of.p99), of.p99 <= Duration::from_millis(10));
    }
    judged(&mut over, &format!("hostile queries within 50 ms: {longest:.2?}"), longest <= Duration::from_millis(50));
    judged(
        &mut over,
        &format!(
            "memory {used:.0} MiB within 250, {own:.0} of it not mapped from files ({before:.0} before the index was opened)"
        ),
        used <= 250.0,
    );
    let share = size as f64 / records as f64;
    judged(
        &mut over,
        &format!("index {:.0} MB, records {:.0} MB: {share:.2} times", size as f64 / 1e6, records as f64 / 1e6),
        share <= 1.0,
    );
    let (one, burst) = freshness(plan, &hall).await?;
    judged(&mut over, &format!("a change is found within 1 s: {one:.0?}"), one <= Duration::from_secs(1));
    judged(
        &mut over,
        &format!("{} people are found {burst:.1?} after the last came in, within 10 s", plan.burst),
        burst <= Duration::from_secs(10),
    );
    if over > 0 { Err(format!("{over} targets are missed").into()) } else { Ok(()) }
}

/// The other systems, filled.
struct Peers {
    sqlite: Sqlite,
    postgres: Option<Postgres>,
}

impl Peers {
    fn open(plan: &Plan, folder: &Path) -> Done<Self> {
        let people = || (1_000..1_000 + plan.people).map(|id| corpus::person(id, COMPANIES));
        let begun = Instant::now();
        let sqlite = Sqlite::fill(&folder.join("peer.db"), people())?;
        say(format!("SQLite {} filled in {:.0?}", rusqlite::version(), begun.elapsed()));
        let begun = Instant::now();
        let postgres = Postgres::fill(folder, people())?;
        match &postgres {
            Some(_) => say(format!("PostgreSQL filled in {:.0?}", begun.elapsed())),
            None => say("PostgreSQL is not installed; it is left out"),
        }
        Ok(Self { sqlite, postgres })
    }
}

fn compare(plan: &Plan, folder: &Path, questions: &Questions, quick: &Measured, over: &mut u32) -> Done<()> {
    let Peers { sqlite, postgres } = Peers::open(plan, folder)?;
    let single = sqlite.single(questions)?;
    tell("SQLite FTS5, one token per character", &single);
    let few = Questions {
        infix: questions.infix.iter().take(50).cloned().collect(),
        company: questions.company.iter().take(50).cloned().collect(),
        phone: questions.phone.iter().take(50).cloned().collect(),
    };
    let trigram = sqlite.trigram(&few)?;
    tell("SQLite FTS5, trigrams", &trigram);
    let mut peers = vec![single, trigram];
    let mut slowest = vec![trigram];
    if let Some(mut postgres) = postgres {
        let measured = postgres.trigram(&few)?;
        tell("PostgreSQL, pg_trgm", &measured);
        peers.push(measured);
        slowest.push(measured);
    }
    for (at, label) in ["two characters", "company word", "end of a phone"].into_iter().enumerate() {
        let fastest = peers.iter().filter_map(|peer| peer.get(at)).map(|of| of.p50).min().unwrap_or_default();
        let mine = quick.get(at).map(|of| of.p50).unwrap_or_default();
        judged(over, &format!("{label}: p50 {mine:.2?}, the fastest other {fastest:.2?}"), mine <= fastest);
    }
    for peer in slowest {
        let ([mine, ..], [other, ..]) = (quick, peer);
        let (mine, other) = (mine.p50, other.p50);
        let times = other.as_secs_f64() / mine.as_secs_f64();
        judged(over, &format!("two characters: {times:.0} times as fast as trigrams, at least 20"), times >= 20.0);
    }
    Ok(())
}

/// Relevance over a corpus of the size that counts.
pub fn relevance() -> Done<()> {
    let score = relevance::run(Size { people: 100_000, companies: 20_000, documents: 5_000, each: 30 })?;
    let good = score.queries >= 300 && score.recall >= 0.98 && score.rank >= 0.9;
    if good { Ok(()) } else { Err("the search does not find what was meant often enough".into()) }
}

pub use door::{Doors, run as doors};
pub use typing::{Typing, run as typing};

//! Posters and badges drawn on the box: how long a picture takes, with a photograph behind it and a portrait on it, and how many cards a
//! second a print sheet has. The processor's time is what an idle box takes; what was waited tells how busy this one was.

use crate::{Done, say};
use clap::Args;
use domain::{
    Design, DesignId, EventId, PictureId, Time,
    design::{Ground, Values, preset},
};
use service::render::{self, Card, Fonts, Href, Pictures};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most that a poster may take.
const TARGET: Duration = Duration::from_millis(150);

/// What is drawn.
#[derive(Args)]
pub struct Plan {
    /// Posters of each kind.
    #[arg(long, default_value_t = 60)]
    posters: usize,
    /// A photograph (JPEG) to put behind; a picture of noise of 1,600 × 1,200 pixels when left out.
    #[arg(long)]
    photo: Option<std::path::PathBuf>,
}

fn design(code: &str) -> Done<Design> {
    let plan = preset::find(code).ok_or("no such preset")?;
    Ok(preset::design(plan, DesignId(1), EventId(1), Time(0), &|text| text.to_owned()))
}

fn values(number: usize) -> Values {
    let names = ["欧阳若曦", "张三", "阿依古丽·买买提", "Ada Lovelace"];
    let name = names.get(number % names.len()).copied().unwrap_or("张三");
    Values {
        name: name.into(),
        company: "华兴机电有限公司".into(),
        event: "年度会员大会暨颁奖晚宴".into(),
        time: "2026年11月26日 周四 13:00 – 22:00".into(),
        place: "浙江省杭州市上城区之江路 18 号国际会议中心".into(),
        association: "江南工商联合会".into(),
        number: "1000 0000 0007".into(),
        ticket_code: "100000000007".into(),
        event_code: format!("http://192.168.1.5:8080/event/2?from=m{number}"),
        ..Values::default()
    }
}

/// The processor's time of this thread: what the wait is on a box that does nothing else.
fn processor() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(spent.tv_sec).unwrap_or(0), u32::try_from(spent.tv_nsec).unwrap_or(0))
}

/// Draws it again and again; a line of figures. Answers whether it keeps within the target.
fn measure(label: &str, design: &Design, pictures: &Pictures, plan: &Plan) -> Done<bool> {
    let links = |href: Href| {
        let name = match href {
            Href::Picture(id) => format!("picture:{id}"),
            Href::Portrait => "portrait".to_owned(),
        };
        pictures.named.contains_key(&name).then_some(name)
    };
    let (mut waits, mut works, mut bytes) = (Vec::new(), Vec::new(), 0);
    for number in 0..plan.posters.max(1) {
        let (begun, before) = (Instant::now(), processor());
        let svg = render::layered(Fonts::system(), design, &Card { values: &values(number), links: &links }, pictures);
        bytes = render::png(Fonts::system(), &svg, pictures, service::design::pixels(design))?.len();
        waits.push(begun.elapsed());
        works.push(processor().saturating_sub(before));
    }
    waits.sort_unstable();
    works.sort_unstable();
    let at =
        |of: &[Duration], share: usize| of.get((of.len() * share / 100).min(of.len() - 1)).copied().unwrap_or_default();
    let kept = at(&works, 99) <= TARGET;
    let verdict = if kept { "yes" } else { "NO" };
    let (wait, slow) = (at(&waits, 50), at(&waits, 99));
    let (work, most) = (at(&works, 50), at(&works, 99));
    say(format!("{label:32} {work:>9.1?} {most:>9.1?} {wait:>9.1?} {slow:>9.1?} {bytes:>9}   {verdict}"));
    Ok(kept)
}

/// Runs the bench; an error when a poster is over its target.
pub fn run(plan: &Plan) -> Done<()> {
    let begun = Instant::now();
    let family = Fonts::system().family().ok_or("there is no Chinese font")?;
    say(format!("font {family}, found in {:.0?}", begun.elapsed()));
    let photo = match &plan.photo {
        Some(path) => std::fs::read(path)?,
        None => service::picture::noise(1_600, 1_200)?,
    };
    let face = service::picture::noise(480, 480)?;
    let named = [("portrait".to_owned(), Arc::new(face))].into();
    let pictures = Pictures { ground: Some(Arc::new(photo)), named };
    let heads = ["processor", "p99", "waited", "p99", "bytes"].map(|head| format!("{head:>9}")).join(" ");
    say(format!("{:32} {heads}   p99 of the processor within {TARGET:?}", "picture"));
    let poster = design("poster")?;
    let mut kept = measure("poster, drawn ground", &poster, &Pictures::default(), plan)?;
    let photographed = Design { ground: Ground::Picture(PictureId(1)), ..poster };
    kept &= measure("poster, photograph and portrait", &photographed, &pictures, plan)?;
    kept &= measure("certificate", &design("certificate")?, &Pictures::default(), plan)?;
    let badges = design("badge_sheet")?;
    let all: Vec<Values> = (0..500).map(values).collect();
    let cards: Vec<Card<'_>> = all.iter().map(|values| Card { values, links: &|_| None }).collect();
    let begun = Instant::now();
    let sheets: Vec<String> = cards
        .chunks(badges.sheet.holds())
        .enumerate()
        .map(|(n, some)| render::sheet(Fonts::system(), &badges, some, n))
        .collect();
    let bytes: usize = sheets.iter().map(String::len).sum();
    say(format!("500 badges on {} sheets: {:.0?}, {} kB", sheets.len(), begun.elapsed(), bytes >> 10));
    if kept { Ok(()) } else { Err("a picture is over the target".into()) }
}

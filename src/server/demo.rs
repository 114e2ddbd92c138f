//! The demonstration: a believable association to look around in and a door to try. Everything goes through the same verbs as
//! in real use, only with clocks that stand where each thing happened.

use crate::{command::say, demo_merchant, demo_pay, demo_post, demo_print, settings::Settings};
use domain::{
    EventId, Space, SpaceId, TicketTypeId, Time,
    checkin::{Request, Shown, Way},
    draw::{DrawInput, RoundInput},
    event::{Cover, EventInput},
    field::{Field, FieldKind},
    ticket::TicketInput,
    ticket_type::TicketTypeInput,
    time::{DAY, HOUR, MINUTE},
};
use service::{
    Actor, Clock, Ctx, Error, account, checkin,
    device::{self, DeviceInput},
    draw, event, registration, space, ticket_type, token,
};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

const SURNAMES: &[&str] = &[
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "高", "林",
    "罗", "郑", "梁", "谢", "宋", "唐", "许", "韩", "冯", "邓", "曹", "彭", "曾", "肖", "田", "董", "袁", "潘", "于",
    "蒋", "蔡", "余", "杜", "叶", "程", "苏", "魏", "吕", "丁", "欧阳", "司马", "上官", "诸葛", "单", "解", "仇", "区",
];
const GIVEN: &[&str] = &[
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "秀英",
    "建国", "志强", "海燕", "晓东", "雨桐", "子涵", "浩然", "思远", "佳怡", "文博", "美玲", "国庆", "春梅", "俊杰",
    "雪梅", "玉兰", "振华", "立新", "小红", "梓萱", "一鸣", "若曦", "锋", "嘉豪", "晨曦", "宇航", "诗涵", "立群",
    "永康", "淑珍", "家明", "慧敏",
];
const MINORITY: &[&str] = &["阿依古丽·买买提", "巴特尔", "扎西·多吉", "古丽娜尔·艾合买提", "金明哲", "乌兰图雅"];
const COMPANIES: &[&str] = &[
    "华兴机电有限公司",
    "东方纺织集团",
    "安达物流有限公司",
    "明德律师事务所",
    "新叶食品有限公司",
    "北辰建筑设计院",
    "海川化工有限公司",
    "博远教育科技",
    "金桥投资管理",
    "恒瑞医疗器械",
    "云帆软件有限公司",
    "绿源农业合作社",
    "启明灯饰厂",
    "四通汽车配件",
    "锦绣酒店管理",
    "",
];
const GROUPS: &[&str] = &["嘉宾", "会员", "工作人员", "媒体", ""];

/// A clock that stands.
struct At(Time);

impl Clock for At {
    fn now(&self) -> Time {
        self.0
    }
}

fn at(ctx: &Ctx, time: Time) -> Ctx {
    ctx.with_clock(Arc::new(At(time)))
}

/// Varied but always the same numbers (splitmix64): the demonstration looks alike everywhere.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn below(seed: u64, end: u64) -> u64 {
    mixed(seed) % end.max(1)
}

fn pick<'a>(list: &[&'a str], seed: u64) -> &'a str {
    let at = usize::try_from(below(seed, list.len() as u64)).unwrap_or(0);
    list.get(at).copied().unwrap_or("")
}

fn name(person: u64) -> String {
    if person % 97 == 5 {
        return pick(MINORITY, person).to_owned();
    }
    format!("{}{}", pick(SURNAMES, person * 3), pick(GIVEN, person * 7 + 1))
}

/// One event of the demonstration.
struct Plan {
    name: &'static str,
    intro: &'static str,
    starts: Time,
    hours: i64,
    cover: u8,
    people: std::ops::Range<u64>,
    /// Of a hundred people, how many are checked in.
    came: u64,
}

/// Fills the folder at the first start, and says at every start how to try it.
/// What is answered stands in for those who carry messages and for WeChat Pay as long as it is kept.
pub async fn prepare(
    ctx: &Ctx,
    settings: &Settings,
    base: &str,
    address: std::net::SocketAddr,
) -> Result<(demo_post::Post, Option<gateway::pay::standin::PayStandin>), Error> {
    let note = settings.data.join("demo-login.txt");
    if space::association(ctx)?.is_none() {
        say("filling the demonstration: 2,000 people, three events …");
        fill(ctx, &note).await?;
    }
    let till = demo_pay::stand_in(ctx, &administrator(ctx, "admin").await?, address, base).await?;
    let post = greet(ctx, &note, base).await?;
    Ok((post, till))
}

/// The demonstration's administrator.
pub async fn secretary(ctx: &Ctx) -> Result<Actor, Error> {
    administrator(ctx, "admin").await
}

async fn administrator(ctx: &Ctx, login: &str) -> Result<Actor, Error> {
    let token = account::login::begin_for(ctx, SpaceId::ASSOCIATION, login).await?;
    let actor = account::actor(ctx, SpaceId::ASSOCIATION, &token)?;
    actor.ok_or_else(|| Error::Internal("the demonstration's login does not work".into()))
}

async fn fill(ctx: &Ctx, note: &PathBuf) -> Result<(), Error> {
    let password =
        format!("{}-{}", token::short(ctx.random.as_ref()), token::short(ctx.random.as_ref())).to_lowercase();
    let hash = account::hash_password(ctx, &password).await?;
    // The note is written first: without it nobody could log in to what follows.
    fs::write(note, &password).map_err(|error| Error::internal("noting the login", error))?;
    space::found(ctx, "江南工商联合会", "Asia/Shanghai", "陈秘书", "admin", &hash).await?;
    let actor = administrator(ctx, "admin").await?;
    let now = ctx.now();
    let hour = Time(now.0.div_euclid(HOUR) * HOUR);
    let plans = [
        Plan {
            name: "春季企业家沙龙",
            intro: "品茶、路演、自由交流。",
            starts: hour.plus(-60 * DAY),
            hours: 4,
            cover: 2,
            people: 0..500,
            came: 87,
        },
        Plan {
            name: "年度会员大会暨颁奖晚宴",
            intro: "## 议程\n\n- 年度工作报告\n- 优秀会员颁奖\n- 晚宴与抽奖\n\n请凭签到码入场，**提前十五分钟**到达。",
            starts: hour.plus(-HOUR),
            hours: 9,
            cover: 0,
            people: 500..1_700,
            came: 24,
        },
        Plan {
            name: "智能制造参观交流",
            intro: "走进示范工厂，名额有限。",
            starts: hour.plus(30 * DAY),
            hours: 6,
            cover: 1,
            people: 1_700..2_000,
            came: 0,
        },
    ];
    for plan in &plans {
        stage(ctx, &actor, plan, now).await?;
    }
    demo_merchant::stage(ctx, &actor, &password).await
}

async fn stage(ctx: &Ctx, actor: &Actor, plan: &Plan, now: Time) -> Result<(), Error> {
    let zone = event::zone(ctx, actor.space)?;
    let ends = plan.starts.plus(plan.hours * HOUR);
    let early = at(ctx, plan.starts.min(now).plus(-25 * DAY));
    let input = EventInput {
        name: plan.name.into(),
        starts: plan.starts.to_local(&zone),
        ends: ends.to_local(&zone),
        province: "浙江省".into(),
        city: "杭州市".into(),
        district: "上城区".into(),
        address: "之江路 18 号国际会议中心".into(),
        intro: plan.intro.into(),
        notice: "请携带身份证件。".into(),
    };
    let pictures = event::Pictures { cover: Cover::Template(plan.cover), main: None };
    let id = event::create(&early, actor, &input, &pictures, None, "普通票").await?;
    let guests = TicketTypeInput {
        name: "贵宾票".into(),
        quota: "200".into(),
        note: "前排就座".into(),
        enabled: true,
        ..TicketTypeInput::default()
    };
    let vip = ticket_type::save(&early, actor, id, None, &guests).await?;
    let plain = ticket_type::list(&early, actor, id)?.first().map(|row| row.kind.id).unwrap_or_default();
    let menu = Field {
        id: 0,
        label: "用餐".into(),
        kind: FieldKind::Choice,
        required: true,
        help: String::new(),
        choices: vec!["普通".into(), "素食".into(), "清真".into()],
        ..Field::default()
    };
    let revision = event::get(&early, actor, id)?.event.revision;
    event::save_fields(&early, actor, id, revision, vec![menu]).await?;
    event::set_checkin(&early, actor, id, &plan.starts.plus(-HOUR).to_local(&zone), &ends.to_local(&zone)).await?;
    event::publish(&early, actor, id).await?;
    if plan.starts > now {
        demo_pay::stage(&early, actor, id).await?;
    }
    demo_print::stage(&early, actor, id).await?;
    crowd(ctx, actor, plan, (id, plain, vip), now).await?;
    if ends < now {
        demo_print::certify(ctx, actor, id).await?;
    }
    if plan.intro.contains("抽奖") { lottery(ctx, actor, id).await } else { Ok(()) }
}

/// The draw of an evening: three rounds, from the many small prizes to the one large one, and one table.
async fn lottery(ctx: &Ctx, actor: &Actor, event: EventId) -> Result<(), Error> {
    let input = DrawInput {
        name: "年会抽奖".into(),
        wins: "1".into(),
        entered: true,
        joined: true,
        show_number: true,
        theme: "red".into(),
        look: "sphere".into(),
        masking: "masked".into(),
        messages: true,
        photos: true,
        moderated: true,
        ..DrawInput::default()
    };
    let id = draw::create(ctx, actor, event, &input).await?;
    let rounds = [
        ("三等奖", "蓝牙音箱", "20", "10", "people", ("", "")),
        ("二等奖", "陈年花雕（一桌一箱）", "2", "1", "table", ("1", "60")),
        ("一等奖", "华为手机", "1", "1", "people", ("", "")),
    ];
    for (level, prize, quantity, per_turn, mode, (first, last)) in rounds {
        let input = RoundInput {
            level: level.into(),
            prize: prize.into(),
            quantity: quantity.into(),
            per_turn: per_turn.into(),
            mode: mode.into(),
            first_table: first.into(),
            last_table: last.into(),
            ..RoundInput::default()
        };
        draw::save_round(ctx, actor, event, id, None, &input).await?;
    }
    Ok(())
}

/// People of one event, sixty-four at a time so that they share their syncs.
async fn crowd(
    ctx: &Ctx,
    actor: &Actor,
    plan: &Plan,
    ids: (EventId, TicketTypeId, TicketTypeId),
    now: Time,
) -> Result<(), Error> {
    let people: Vec<u64> = plan.people.clone().collect();
    for group in GROUPS.iter().filter(|group| !group.is_empty()) {
        event::add_group(ctx, actor, ids.0, group).await?;
    }
    for some in people.chunks(64) {
        let mut tasks = tokio::task::JoinSet::new();
        for person in some {
            let (ctx, actor, came, starts) = (ctx.clone(), actor.clone(), plan.came, plan.starts);
            let who = (*person, person - plan.people.start);
            tasks.spawn(async move { one(&ctx, &actor, who, came, starts, ids, now).await });
        }
        while let Some(done) = tasks.join_next().await {
            done.map_err(|error| Error::internal("filling", error))??;
        }
    }
    Ok(())
}

async fn one(
    ctx: &Ctx,
    actor: &Actor,
    (person, place): (u64, u64),
    came: u64,
    starts: Time,
    (event, plain, vip): (EventId, TicketTypeId, TicketTypeId),
    now: Time,
) -> Result<(), Error> {
    let latest = starts.plus(-HOUR).min(now);
    let minutes = i64::try_from(below(person * 13, 20 * 24 * 60)).unwrap_or(0);
    let then = at(ctx, latest.plus(-minutes * MINUTE));
    let input = TicketInput {
        name: name(person),
        phone: format!("1{}{:09}", 3 + person % 7, (person * 7_919 + 12_345_678) % 1_000_000_000),
        company: pick(COMPANIES, person * 5).to_owned(),
        // Tables of ten; a few have no seat yet, and one seat was given twice.
        seat: match place {
            0..250 => format!("{}桌{}", place / 10 + 1, place % 10 + 1),
            250 => "25桌10".to_owned(),
            _ => String::new(),
        },
        answers: vec![(
            1,
            ["普通", "普通", "素食", "清真"].get((person % 4) as usize).copied().unwrap_or("普通").to_owned(),
        )],
        ..TicketInput::default()
    };
    let kind = if person.is_multiple_of(9) { vip } else { plain };
    let ticket = registration::add(&then, actor, event, kind, pick(GROUPS, person * 11), &input).await?;
    if below(person * 17, 100) < came {
        let span = now.min(starts.plus(2 * HOUR)).since(starts.plus(-HOUR)).max(MINUTE);
        let offset =
            i64::try_from(below(person * 19, span.unsigned_abs() / 2) + below(person * 23, span.unsigned_abs() / 2))
                .unwrap_or(0);
        let door = at(ctx, starts.plus(-HOUR + offset));
        let request = Request {
            shown: Shown::Code(ticket.number),
            way: Way::Gun,
            nonce: format!("demo-{person}"),
            ..Request::default()
        };
        checkin::redeem(&door, actor, event, request).await?;
    }
    Ok(())
}

async fn greet(ctx: &Ctx, note: &PathBuf, base: &str) -> Result<demo_post::Post, Error> {
    let password =
        fs::read_to_string(note).map_err(|error| Error::internal("reading the demonstration's login", error))?;
    let actor = administrator(ctx, "admin").await?;
    let (rows, _) = event::list(ctx, &actor, &event::EventFilter::default())?;
    let now = ctx.now();
    let today =
        rows.into_iter().map(|row| row.event).find(|event| event.checkin.is_some_and(|w| w.from <= now && now < w.to));
    let association = space::association(ctx)?.map_or(String::new(), |space: Space| space.name);
    say(format!("\n{association}: a demonstration"));
    say(format!("  visitors        {base}/"));
    say(format!("  secretariat     {base}/admin      login admin, password {}", password.trim()));
    say(format!("  a merchant      {base}/merchant      login {}, the same password", demo_merchant::LOGIN));
    match today {
        Some(event) => {
            let (_, code) = device::create(ctx, &actor, event.id, &terminal("大门")).await?;
            let code = code.unwrap_or_default();
            say(format!(
                "  terminal        {base}/terminal/pair?code={code}&auto=1      (opens paired; works once, within 15 minutes)"
            ));
            say(format!(
                "  QR codes        {base}/admin/event/{}/registration/print      (log in, print, scan or type the numbers at the terminal)",
                event.id
            ));
            if let Some((draw, _)) = draw::of_event(ctx, &actor, event.id)?.1.first() {
                let key = draw::screen_key(ctx, &actor, event.id, draw.id)?;
                say(format!(
                    "  big screen      {base}/screen/draw/{}?key={key}      (log in first to press keys: space starts and stops)",
                    draw.id
                ));
                say(format!("  remote          {base}/admin/event/{}/draw/{}/remote", event.id, draw.id));
            }
        }
        None => say("  The event of the demonstration is over; start again in an empty folder to try the door."),
    }
    let post = demo_post::open(ctx, &actor).await?;
    say(format!("\n{}", terminal_qr(&format!("{base}/"))));
    Ok(post)
}

/// A terminal at the main list.
fn terminal(name: &str) -> DeviceInput {
    DeviceInput { name: name.to_owned(), ..DeviceInput::default() }
}

/// A QR code in half blocks, dark on light as phones want it.
fn terminal_qr(content: &str) -> String {
    let Ok(code) = qrcode::QrCode::new(content) else { return content.to_owned() };
    code.render::<qrcode::render::unicode::Dense1x2>()
        .dark_color(qrcode::render::unicode::Dense1x2::Light)
        .light_color(qrcode::render::unicode::Dense1x2::Dark)
        .build()
}

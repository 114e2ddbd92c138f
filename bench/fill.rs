//! Filling a fresh folder through the same verbs as in real use.

use crate::Done;
use domain::{
    EventId, SpaceId, Time,
    checkin::{Request, Shown, Verdict},
    event::{Cover, EventInput},
    message::SmsInput,
    ticket::TicketInput,
    time::HOUR,
};
use ring::rand::{SecureRandom, SystemRandom};
use service::{
    Actor, Clock, Ctx, Random, account, checkin,
    device::{self, DeviceInput},
    event,
    file::Files,
    identity, message, registration,
    seal::Sealer,
    space, ticket_type,
};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Login and password of the bench's administrator.
pub const LOGIN: (&str, &str) = ("admin", "correct horse battery staple");

struct Now;

impl Clock for Now {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Time {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

struct Chance(SystemRandom);

impl Random for Chance {
    fn fill(&self, to: &mut [u8]) {
        if self.0.fill(to).is_err() {
            std::process::abort();
        }
    }
}

/// What was filled in.
pub struct Filled {
    /// The event.
    pub event: EventId,
    /// Numbers of all tickets.
    pub numbers: Vec<String>,
    /// Tokens of the terminals.
    pub tokens: Vec<String>,
    /// Tickets per second while filling.
    pub rate: f64,
}

const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤";
const GIVEN: &str = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀英建国志海燕晓东雨桐子涵浩然思远佳怡文博美玲庆春梅俊雪玉兰振华立新红梓萱鸣若曦锋嘉豪晨宇航诗群永康淑珍家慧";

fn name(n: u64) -> String {
    let pick = |list: &str, at: u64| {
        let all: Vec<char> = list.chars().collect();
        usize::try_from(at % all.len() as u64).ok().and_then(|at| all.get(at).copied()).unwrap_or('王')
    };
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut out = String::from(pick(SURNAMES, mixed >> 40));
    out.push(pick(GIVEN, mixed >> 20));
    if !n.is_multiple_of(4) {
        out.push(pick(GIVEN, mixed >> 7));
    }
    out
}

/// Opens the hall of a folder, founding it when it is new; and its administrator.
pub async fn open(folder: &Path) -> Done<(Ctx, Actor)> {
    let chance = Chance(SystemRandom::new());
    std::fs::create_dir_all(folder)?;
    let file = folder.join("data.key");
    let key = match std::fs::read(&file) {
        Ok(kept) => kept.try_into().map_err(|_| "not a key")?,
        Err(_) => {
            let mut key = [0; 32];
            chance.fill(&mut key);
            std::fs::write(&file, key)?;
            key
        }
    };
    let data = folder.join("data");
    std::fs::create_dir_all(&data)?;
    let (store, _) = store::Store::open(store::Options::new(data.join("store")))?;
    let ctx = Ctx::new(store, Arc::new(Now), Arc::new(chance), Sealer::new(&key)?, Files::open(&data.join("file"))?);
    if space::association(&ctx)?.is_none() {
        let hash = account::hash_password(&ctx, LOGIN.1).await?;
        space::found(&ctx, "测试协会", "Asia/Shanghai", "管理员", LOGIN.0, &hash).await?;
    }
    let token = account::log_in(&ctx, SpaceId::ASSOCIATION, LOGIN.0, LOGIN.1, &account::Origin::default()).await?;
    let actor = account::actor(&ctx, SpaceId::ASSOCIATION, &token)?.ok_or("the login does not work")?;
    Ok((ctx, actor))
}

/// Founds an association in `folder` with one event that is on, `tickets` and `terminals`, and lets the first `arrived` people in.
pub async fn fill(folder: &Path, tickets: u64, terminals: usize, arrived: usize) -> Done<Filled> {
    let (ctx, actor) = open(folder).await?;
    let event = open_event(&ctx, &actor).await?;
    let begun = Instant::now();
    let numbers = crowd(&ctx, &actor, event, tickets).await?;
    let rate = tickets as f64 / begun.elapsed().as_secs_f64();
    let mut tokens = Vec::with_capacity(terminals);
    for n in 0..terminals {
        let (_, code) =
            device::create(&ctx, &actor, event, &DeviceInput { name: format!("门{n}"), ..DeviceInput::default() })
                .await?;
        let code = code.ok_or("a terminal without a pairing code")?;
        tokens.push(device::pair(&ctx, SpaceId::ASSOCIATION, &code, "bench").await?);
    }
    if let Some(token) = tokens.first() {
        arrive(&ctx, event, token, numbers.iter().take(arrived)).await?;
    }
    ctx.store().clone().close()?;
    Ok(Filled { event, numbers, tokens, rate })
}

/// The phone number of the person that logs in.
pub const PHONE: &str = "13812345678";

/// Has a code sent to [`PHONE`] in the association of `folder`, by a provider that is not there; answers the code.
pub async fn login_code(folder: &Path) -> Done<String> {
    let (ctx, actor) = open(folder).await?;
    let code = asked_code(&ctx, &actor).await?;
    ctx.store().clone().close()?;
    Ok(code)
}

async fn asked_code(ctx: &Ctx, actor: &Actor) -> Done<String> {
    let input = SmsInput {
        enabled: true,
        provider: "aliyun".into(),
        base: "http://127.0.0.1:1".into(),
        key_id: "bench".into(),
        secret: "bench".into(),
        sign: "协会".into(),
        per_number: "10".into(),
        per_day: "10".into(),
        ..SmsInput::default()
    };
    message::setting::save_sms(ctx, actor, &input).await?;
    let template = domain::message::template::TemplateInput::known("sms", "SMS_1", "code=code");
    message::template::save(ctx, actor, "login_code", &[template]).await?;
    let target = identity::Target::read(identity::Channel::Sms, PHONE)?;
    let words = identity::Words { subject: String::new(), text: String::new() };
    identity::send_code(ctx, &Actor::visitor(actor.space), &target, &words, "bench").await?;
    let view = ctx.store().view().space(actor.space);
    let last = store::Read::scan::<domain::Outgoing>(&view, &(), None, store::Order::Descending).next();
    let payload = String::from_utf8(last.ok_or("no code")??.1.payload)?;
    let code = payload.split(|c: char| !c.is_ascii_digit()).find(|part| part.len() == 6);
    Ok(code.ok_or("no code")?.to_owned())
}

/// Founds an association in `folder` with one logged-in person; answers the session's token.
pub async fn member(folder: &Path) -> Done<String> {
    let (ctx, actor) = open(folder).await?;
    let code = asked_code(&ctx, &actor).await?;
    let visitor = Actor::visitor(actor.space);
    let target = identity::Target::read(identity::Channel::Sms, PHONE)?;
    let proof = identity::prove(&ctx, &visitor, &target, &code, "bench").await?;
    let (token, _) = identity::log_in(&ctx, actor.space, vec![proof], "bench", &account::Origin::default()).await?;
    ctx.store().clone().close()?;
    Ok(token)
}

/// Makes a published event that is on.
pub async fn open_event(ctx: &Ctx, actor: &Actor) -> Done<EventId> {
    let zone = event::zone(ctx, actor.space)?;
    let now = ctx.now();
    let (from, to) = (now.plus(-HOUR).to_local(&zone), now.plus(8 * HOUR).to_local(&zone));
    let input =
        EventInput { name: "年度大会".into(), starts: from.clone(), ends: to.clone(), ..EventInput::default() };
    let pictures = event::Pictures { cover: Cover::Template(0), main: None };
    let id = event::create(ctx, actor, &input, &pictures, None, "普通票").await?;
    event::set_checkin(ctx, actor, id, &from, &to).await?;
    event::publish(ctx, actor, id).await?;
    Ok(id)
}

/// Tickets taken by 256 tasks at once, so that they share their syncs.
async fn crowd(ctx: &Ctx, actor: &Actor, event: EventId, tickets: u64) -> Done<Vec<String>> {
    let kind = ticket_type::list(ctx, actor, event)?.first().map(|row| row.kind.id).ok_or("no ticket type")?;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..256u64 {
        let (ctx, actor) = (ctx.clone(), actor.clone());
        tasks.spawn(async move {
            let mut numbers = Vec::new();
            for n in (task..tickets).step_by(256) {
                let input = TicketInput {
                    name: name(n),
                    phone: format!("13{n:09}"),
                    company: format!("{}公司", name(n / 7)),
                    seat: format!("{}桌", n % 100),
                    ..TicketInput::default()
                };
                numbers.push(registration::add(&ctx, &actor, event, kind, "", &input).await?.number);
            }
            Ok::<_, service::Error>(numbers)
        });
    }
    let mut numbers = Vec::with_capacity(usize::try_from(tickets)?);
    while let Some(done) = tasks.join_next().await {
        numbers.extend(done??);
    }
    Ok(numbers)
}

/// Lets people in, all of them waiting at once.
async fn arrive(ctx: &Ctx, event: EventId, token: &str, numbers: impl Iterator<Item = &String>) -> Done<()> {
    let device::Known::Device(terminal) = device::actor(ctx, SpaceId::ASSOCIATION, token)? else {
        return Err("the terminal is not known".into());
    };
    let mut tasks = tokio::task::JoinSet::new();
    for number in numbers {
        let (ctx, terminal) = (ctx.clone(), terminal.clone());
        let request =
            Request { shown: Shown::Code(number.clone()), nonce: format!("arrived-{number}"), ..Request::default() };
        tasks.spawn(async move { checkin::redeem(&ctx, &terminal, event, request).await });
    }
    while let Some(done) = tasks.join_next().await {
        let answer = done??;
        if answer.verdict != Verdict::Admitted {
            return Err(format!("a person was not let in: {:?}", answer.verdict).into());
        }
    }
    Ok(())
}

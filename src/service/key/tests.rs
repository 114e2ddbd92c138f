//! A key that is changed: every kind of sealed value follows, whatever cuts it short, and the old key goes only when nothing needs it.

use super::*;
use crate::{
    Actor,
    ctx::test::{Dice, Hall},
    seal::{Kind, Sealer, Spot, lasting, number_of},
    test::{founded, named, opened},
};
use domain::{
    AccountId, BackupAccess, BackupPlan, DrawId, KeyRing, MailSetting, Once, PayAccount, SecondStep, SmsSetting, Time,
    TunnelPlan, Webhook, WebhookId, WechatApp, WechatKept,
    backup::Keep,
    draw::DrawSecret,
    field::{Field, FieldKind},
    pay::Proof,
    ticket::TicketInput,
    webhook::HookState,
    wechat::{AppKind, KeptValue},
};
use store::{Order, SpaceTx};

/// The key of halls of tests.
fn first() -> KeyRing {
    KeyRing::from([9; 32])
}

fn turned(ring: &KeyRing, key: u8) -> KeyRing {
    ring.turned([key; 32], Time(1), lasting(ring)).unwrap()
}

/// The same hall after a restart with other keys: nothing of what was in memory of the turn is left.
fn again(ctx: &Ctx, ring: &KeyRing) -> Ctx {
    let ctx = ctx.with_sealer(Sealer::of(ring).unwrap());
    *ctx.keys.progress() = Progress::default();
    ctx
}

#[test]
fn every_kind_of_sealed_value_lies_in_exactly_one_place_that_is_known() {
    let mut found: Vec<Kind> = TABLES.iter().flat_map(|(_, kinds)| kinds.iter().copied()).collect();
    found.extend(file::kinds());
    found.sort_unstable();
    assert_eq!(found, Kind::ALL);
}

/// Lays a value of every kind into a space, as the hall's features would; answers how many.
async fn fill(ctx: &Ctx, actor: &Actor) -> u64 {
    let space = actor.space;
    let random = Dice::new(space.0);
    let sealed = |spot: &Spot| ctx.sealer.seal(&random, spot, &plain(spot)).unwrap();
    let app = |kind| {
        let of = |what| sealed(&crate::wechat::context(space, kind, what));
        WechatApp {
            secret: of("secret"),
            push_token: of("push_token"),
            push_key: of("push_key"),
            ..WechatApp::none(kind)
        }
    };
    let apps = [app(AppKind::ALL[0]), app(AppKind::ALL[1])];
    let draw = DrawSecret { draw: DrawId(7), sealed: sealed(&crate::draw::secret_context(DrawId(7))) };
    let tunnel = TunnelPlan {
        on: false,
        host: "a.example".into(),
        port: 22,
        user: "h".into(),
        bind: String::new(),
        bind_port: 80,
        base: "https://a.example".into(),
        staff: false,
        proxied: false,
        pinned: None,
        sealed: sealed(&crate::tunnel::SEALED),
        revision: 1,
    };
    let pay = PayAccount {
        appid: "wx1".into(),
        other: String::new(),
        mchid: "1900000001".into(),
        serial: "AB".into(),
        key: sealed(&crate::pay::sealed_name(space, "key")),
        secret: sealed(&crate::pay::sealed_name(space, "secret")),
        proof: Proof::Certificates,
        address: String::new(),
        public: String::new(),
        test: None,
        changed_at: Time(1),
    };
    let slot = "token/wx1/0".to_owned();
    let token = WechatKept {
        value: KeptValue::Secret(sealed(&crate::wechat::token_context(space, &slot))),
        slot,
        ends: Time(i64::MAX),
    };
    let account = AccountId(1);
    let second = SecondStep {
        account,
        secret: sealed(&crate::account::second::context(space, account)),
        since: None,
        taken: 0,
        salt: [0; 16],
        recovery: Vec::new(),
    };
    let once = Once {
        key: [3; 32],
        asked: [4; 32],
        answer: Some(sealed(&crate::once::context(&[3; 32]))),
        until: Time(i64::MAX),
    };
    let hook = Webhook {
        id: WebhookId(1),
        name: "x".into(),
        url: "https://a.example/".into(),
        secret: sealed(&crate::webhook::SEALED),
        kinds: Vec::new(),
        state: HookState::Off(Time(1)),
        failing_since: None,
        created_at: Time(1),
    };
    let sms = SmsSetting { secret: sealed(&crate::message::sms::SEALED), ..SmsSetting::off() };
    let mail = MailSetting {
        password: sealed(&crate::message::mail::SEALED_PASSWORD),
        dkim_key: sealed(&crate::message::mail::SEALED_KEY),
        ..MailSetting::off()
    };
    let plan = BackupPlan {
        on: false,
        folder: "/mnt/backup".into(),
        line: "huiguan-1".into(),
        hour: 3,
        minutes: 5,
        keep: Keep::default(),
        recipient: String::new(),
        sealed: sealed(&crate::backup::SEALED),
        others: Vec::new(),
        revision: 1,
    };
    let access = BackupAccess { user: "box".into(), sealed: sealed(&crate::backup::ACCESS) };
    let laid = move |tx: &mut SpaceTx<'_>| {
        for app in &apps {
            tx.put(app)?;
        }
        tx.put(&draw)?;
        tx.put(&tunnel)?;
        tx.put(&pay)?;
        tx.put(&token)?;
        tx.put(&second)?;
        tx.put(&once)?;
        tx.put(&hook)?;
        tx.put(&sms)?;
        tx.put(&mail)?;
        tx.put(&plan)?;
        tx.put(&access)
    };
    ctx.store().write(move |tx| Ok::<_, Error>(laid(&mut tx.space(space))?)).await.unwrap();
    // 6 of the apps, 2 each of payment and mail, and one each of the other nine.
    19
}

/// What stands in a value: nothing of another spot passes for it.
fn plain(spot: &Spot) -> String {
    format!("plain of {spot:?}")
}

/// Registers people with identity cards; each is one more sealed value.
async fn register(hall: &Hall, actor: &Actor, count: u64) {
    let (event, kind) = opened(hall, actor).await;
    let revision = crate::event::get(&hall.ctx, actor, event).unwrap().event.revision;
    let card = Field { label: "身份证".into(), kind: FieldKind::IdCard, ..Field::default() };
    crate::event::save_fields(&hall.ctx, actor, event, revision, vec![card]).await.unwrap();
    for number in 0..count {
        let answers = vec![(1, "11010519491231002x".to_owned())];
        let input = TicketInput { answers, ..named(&format!("来宾{number}"), "") };
        crate::registration::add(&hall.ctx, actor, event, kind, "", &input).await.unwrap();
    }
}

/// Every sealed value of a space: by which key, and whether it opens to what it was.
fn values<R: Carrier>(ctx: &Ctx, space: SpaceId) -> Vec<(u32, bool)> {
    let view = ctx.store().view().space(space);
    let mut found = Vec::new();
    for kept in view.scan::<R>(&(), None, Order::Ascending) {
        let (_, mut record) = kept.unwrap();
        record.values(space, &mut |spot, sealed| {
            if !sealed.is_empty() {
                let right = if spot.kind == Kind::Answer { "11010519491231002X".to_owned() } else { plain(&spot) };
                let opens = ctx.sealer.open(&spot, sealed).is_ok_and(|text| text == right);
                found.push((number_of(sealed), opens));
            }
        });
    }
    found
}

fn all_values(ctx: &Ctx) -> Vec<(u32, bool)> {
    let mut found = Vec::new();
    for space in spaces(ctx).unwrap() {
        found.extend(values::<domain::Ticket>(ctx, space));
        found.extend(values::<DrawSecret>(ctx, space));
        found.extend(values::<TunnelPlan>(ctx, space));
        found.extend(values::<PayAccount>(ctx, space));
        found.extend(values::<WechatApp>(ctx, space));
        found.extend(values::<WechatKept>(ctx, space));
        found.extend(values::<SecondStep>(ctx, space));
        found.extend(values::<Once>(ctx, space));
        found.extend(values::<Webhook>(ctx, space));
        found.extend(values::<SmsSetting>(ctx, space));
        found.extend(values::<MailSetting>(ctx, space));
        found.extend(values::<BackupPlan>(ctx, space));
        found.extend(values::<BackupAccess>(ctx, space));
    }
    found
}

fn audit(ctx: &Ctx, beginning: &str) -> Vec<String> {
    ctx.read(&ctx.own(SpaceId::ASSOCIATION), |view| {
        let mut found = Vec::new();
        for line in view.audit(None) {
            let line = crate::audit::decode(&line?.1)?;
            if line.action.starts_with(beginning) {
                found.push(line.action);
            }
        }
        Ok(found)
    })
    .unwrap()
}

#[tokio::test]
async fn everything_is_sealed_by_the_new_key_and_then_the_old_one_may_go() {
    let (hall, admin) = founded().await;
    let (_, boss) = crate::merchant::test::with_merchant(&hall, &admin, "qingsong").await;
    let mut count = fill(&hall.ctx, &admin).await + fill(&hall.ctx, &boss).await;
    register(&hall, &boss, 3).await;
    // More than one transaction takes.
    register(&hall, &admin, 57).await;
    count += 60;
    let old = all_values(&hall.ctx);
    assert!(old.len() as u64 == count && old.iter().all(|value| *value == (1, true)), "{old:?}");
    assert!(standing(&hall.ctx).unwrap().is_none() && reaches(&hall.ctx, 0).unwrap());

    let second = turned(&first(), 2);
    let ctx = again(&hall.ctx, &second);
    take_up(&ctx, 2).await.unwrap();
    let begun = turn(&ctx).unwrap().unwrap();
    take_up(&ctx, 2).await.unwrap();
    assert_eq!(turn(&ctx).unwrap(), Some(begun.clone()), "it is taken up once");
    assert!(!reaches(&ctx, begun.sequence).unwrap() && reaches(&ctx, begun.sequence + 1).unwrap());
    let left_over = left(&ctx).unwrap();
    assert_eq!(left_over.iter().map(|(_, count)| count).sum::<u64>(), count, "{left_over:?}");
    assert_eq!(left_over.len(), TABLES.len());
    assert!(finish(&ctx).await.unwrap_err().to_string().contains("not everything is sealed by key 2"));

    reseal(&ctx).await.unwrap();
    let now = all_values(&ctx);
    assert!(now.len() as u64 == count && now.iter().all(|value| *value == (2, true)), "{now:?}");
    let done = turn(&ctx).unwrap().unwrap();
    assert!(done.ended.is_some() && done.values == count, "{done:?}");
    assert_eq!(left(&ctx).unwrap(), []);
    let sequence = ctx.store().view().sequence();
    reseal(&ctx).await.unwrap();
    assert_eq!(ctx.store().view().sequence(), sequence, "nothing is left to do");
    assert_eq!(standing(&ctx).unwrap().map(|keys| (keys.older, keys.sealing, keys.sheet)), Some((1, None, true)));

    finish(&ctx).await.unwrap();
    let alone = again(&ctx, &second.finished());
    assert!(all_values(&alone).iter().all(|value| *value == (2, true)));
    assert_eq!(standing(&alone).unwrap().map(|keys| keys.older), Some(0));
    assert!(finish(&alone).await.unwrap_err().to_string().contains("no old keys"));
    let mut said = audit(&alone, "key.");
    said.sort_unstable();
    assert_eq!(said, ["key.finish", "key.sealed", "key.turn"]);
    assert!(ctx.store().verify().is_sound());
}

#[tokio::test]
async fn what_is_cut_short_anywhere_goes_on_at_the_next_start() {
    let second = turned(&first(), 2);
    // Before the records know of the key; then within the way through the tables; then just before the end is kept.
    for cut in 0..4 {
        let (hall, admin) = founded().await;
        let count = fill(&hall.ctx, &admin).await + 5;
        register(&hall, &admin, 5).await;
        let ctx = again(&hall.ctx, &second);
        if cut > 0 {
            take_up(&ctx, 2).await.unwrap();
        }
        let pass = Pass { ctx: &ctx };
        if cut == 2 {
            pass.table::<domain::Ticket>(SpaceId::ASSOCIATION).await.unwrap();
            pass.table::<MailSetting>(SpaceId::ASSOCIATION).await.unwrap();
        }
        if cut == 3 {
            carrier::reseal(&pass, SpaceId::ASSOCIATION).await.unwrap();
        }
        assert!(all_values(&ctx).iter().all(|(_, opens)| *opens), "cut at {cut}: nothing is lost");
        assert!(finish(&ctx).await.is_err(), "cut at {cut}: the old key stays");

        let ctx = again(&ctx, &second);
        check(&ctx).unwrap();
        take_up(&ctx, 2).await.unwrap();
        reseal(&ctx).await.unwrap();
        let now = all_values(&again(&ctx, &second.finished()));
        assert!(now.len() as u64 == count && now.iter().all(|value| *value == (2, true)), "cut at {cut}: {now:?}");
        // What was to remove the old key may be cut short too, between the records and the file.
        finish(&ctx).await.unwrap();
        finish(&again(&ctx, &second)).await.unwrap();
    }
}

#[tokio::test]
async fn a_second_turn_before_the_first_ended_takes_everything_along() {
    let (hall, admin) = founded().await;
    fill(&hall.ctx, &admin).await;
    let second = turned(&first(), 2);
    let ctx = again(&hall.ctx, &second);
    take_up(&ctx, 2).await.unwrap();
    Pass { ctx: &ctx }.table::<PayAccount>(SpaceId::ASSOCIATION).await.unwrap();
    let third = turned(&second, 3);
    let ctx = again(&ctx, &third);
    take_up(&ctx, 3).await.unwrap();
    reseal(&ctx).await.unwrap();
    let alone = again(&ctx, &third.finished());
    assert!(all_values(&alone).iter().all(|value| *value == (3, true)));
    // A key file of before is no key file of these records.
    let why = check(&again(&alone, &second)).unwrap_err().to_string();
    assert!(why.contains("sealed by key 3") && why.contains("key 2"), "{why}");
}

#[tokio::test]
async fn what_is_changed_meanwhile_is_not_laid_over() {
    let (hall, admin) = founded().await;
    fill(&hall.ctx, &admin).await;
    let ctx = again(&hall.ctx, &turned(&first(), 2));
    let space = SpaceId::ASSOCIATION;
    let step = carrier::look::<PayAccount>(&ctx, space, None).unwrap();
    let mut record = ctx.store().view().space(space).get::<PayAccount>(&()).unwrap().unwrap();
    let typed = ctx.sealer.seal(&Dice::new(5), &crate::pay::sealed_name(space, "key"), "typed anew").unwrap();
    record.key.clone_from(&typed);
    assert_eq!(carrier::swap(&mut record, space, &step.swaps[0].1), 1, "the other one of the two is sealed anew");
    assert_eq!((&record.key, number_of(&record.secret)), (&typed, 2));
}

#[tokio::test]
async fn a_value_that_no_key_opens_stays_and_holds_nothing_up() {
    let (hall, admin) = founded().await;
    let count = fill(&hall.ctx, &admin).await;
    let damaged = SmsSetting { secret: vec![1; 40], ..SmsSetting::off() };
    let laid = damaged.clone();
    hall.ctx.store().write(move |tx| Ok::<_, Error>(tx.space(SpaceId::ASSOCIATION).put(&laid)?)).await.unwrap();
    let ctx = again(&hall.ctx, &turned(&first(), 2));
    take_up(&ctx, 2).await.unwrap();
    reseal(&ctx).await.unwrap();
    assert_eq!(turn(&ctx).unwrap().unwrap().values, count - 1);
    let kept = ctx.store().view().space(SpaceId::ASSOCIATION).get::<SmsSetting>(&()).unwrap();
    assert_eq!(kept, Some(damaged));
    finish(&ctx).await.unwrap();
}

#[test]
fn files_with_sealed_values_are_sealed_anew_in_their_own_form() {
    let folder = tempfile::tempdir().unwrap();
    let (data, second) = (folder.path(), turned(&first(), 2));
    let (old, new) = (Sealer::of(&first()).unwrap(), Sealer::of(&second).unwrap());
    let random = Dice::new(3);
    let seal = |spot: &Spot| old.seal(&random, spot, "a key").unwrap();
    std::fs::create_dir_all(data.join("tls")).unwrap();
    std::fs::create_dir_all(data.join("standby")).unwrap();
    let write = |name: &str, content: Vec<u8>| std::fs::write(data.join(name), content).unwrap();
    write("tls/root.key", seal(&ROOT));
    write("tls/public", seal(&PUBLIC_CERTIFICATE));
    write("tls/standby.key", seal(&STANDBY_CERTIFICATE));
    let kept =
        serde_json::json!({ "names": ["huiguan.local"], "until": 5, "certificate": [1, 2], "key": seal(&CERTIFICATE) });
    write("tls/box.json", serde_json::to_vec(&kept).unwrap());
    let secret = data_encoding::HEXLOWER.encode(&seal(&crate::standby::SEALED));
    let role =
        serde_json::json!({ "role": "leader", "epoch": 1, "peer": { "address": "b:1", "pin": "", "secret": secret } });
    write("standby/role.json", serde_json::to_vec(&role).unwrap());

    assert_eq!(older_files(data, &old, &random).unwrap().len(), 0);
    assert_eq!(older_files(data, &new, &random).unwrap().len(), 5);
    assert_eq!(reseal_files(data, &new, &random).unwrap(), 5);
    assert_eq!(reseal_files(data, &new, &random).unwrap(), 0);
    let alone = Sealer::of(&second.finished()).unwrap();
    let read = |name: &str| std::fs::read(data.join(name)).unwrap();
    for (spot, name) in
        [(ROOT, "tls/root.key"), (PUBLIC_CERTIFICATE, "tls/public"), (STANDBY_CERTIFICATE, "tls/standby.key")]
    {
        assert_eq!(alone.open(&spot, &read(name)).unwrap(), "a key", "{name}");
    }
    let mut after: serde_json::Value = serde_json::from_slice(&read("tls/box.json")).unwrap();
    let sealed: Vec<u8> = serde_json::from_value(after["key"].take()).unwrap();
    assert_eq!(alone.open(&CERTIFICATE, &sealed).unwrap(), "a key");
    assert_eq!((after["until"].as_i64(), after["names"][0].as_str()), (Some(5), Some("huiguan.local")));
    let standing = crate::standby::Standing::read(data).unwrap();
    let sealed = data_encoding::HEXLOWER.decode(standing.peer.unwrap().secret.as_bytes()).unwrap();
    assert_eq!(alone.open(&crate::standby::SEALED, &sealed).unwrap(), "a key");
    // What is damaged, or there is not, holds nothing up.
    write("tls/root.key", vec![7; 60]);
    write("tls/box.json", b"{".to_vec());
    std::fs::remove_file(data.join("tls/public")).unwrap();
    assert_eq!(reseal_files(data, &alone, &random).unwrap(), 0);
}

#[tokio::test]
async fn a_box_that_is_followed_is_not_turned_and_says_what_to_do() {
    let (hall, _) = founded().await;
    check_turn(&hall.ctx).unwrap();
    let followed = Standby { secret: Some([1; 32]), ..Standby::default() };
    hall.ctx.store().write(move |tx| Ok::<_, Error>(tx.space(SpaceId::ASSOCIATION).put(&followed)?)).await.unwrap();
    let why = check_turn(&hall.ctx).unwrap_err().to_string();
    assert!(why.contains("pair it anew") && why.contains("nothing was changed"), "{why}");
}

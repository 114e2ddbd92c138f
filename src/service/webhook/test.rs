//! Receivers are told once what they chose, signed so that an independent program verifies it; an hour of failures, and days of them.

use super::*;
use crate::{
    ctx::test::Hall,
    outbox::{self, Filter, run_due},
    test::{founded, named, opened},
};
use domain::{
    outbox::OutAct,
    time::{DAY, HOUR, MINUTE},
};
use gateway::standin::{Answered, Asked, Standin};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

/// A program that is told; answers a status that tests set.
struct Receiver {
    standin: Standin,
    asked: Arc<Mutex<Vec<Asked>>>,
    status: Arc<AtomicU16>,
}

impl Receiver {
    async fn start() -> Self {
        let (asked, status): (Arc<Mutex<Vec<Asked>>>, _) = (Arc::default(), Arc::new(AtomicU16::new(204)));
        let (keep, say) = (asked.clone(), status.clone());
        let standin = Standin::start(move |one| {
            keep.lock().unwrap().push(one);
            Answered::status(say.load(Ordering::SeqCst), "")
        });
        Self { standin: standin.await.unwrap(), asked, status }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn hooked(private: bool) -> (Hall, Actor, Receiver, String) {
    hooked_to(private, &["registration.create", "registration.cancel"]).await
}

async fn hooked_to(private: bool, kinds: &[&str]) -> (Hall, Actor, Receiver, String) {
    let (hall, admin) = founded().await;
    hall.ctx.open_egress(private).unwrap();
    register(&hall.ctx);
    let receiver = Receiver::start().await;
    let url = if private { format!("{}/hook?key=1", receiver.standin.base) } else { "https://127.0.0.1:1/hook".into() };
    let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let input = WebhookInput { name: "会员系统".into(), url, kinds };
    let secret = add(&hall.ctx, &admin, &input).await.unwrap();
    (hall, admin, receiver, secret)
}

/// Runs the verifier of the documentation over what arrived.
fn verified(secret: &str, asked: &Asked, now: i64, body: &[u8]) -> bool {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/webhook.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let code = docs.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let headers: std::collections::BTreeMap<_, _> = asked.headers.iter().cloned().collect();
    let call = format!(
        "{code}\nimport json, sys\nprint(verify({secret:?}, json.loads({:?}), bytes.fromhex({:?}), {now}))\n",
        serde_json::to_string(&headers).unwrap(),
        data_encoding::HEXLOWER.encode(body)
    );
    let out = std::process::Command::new("python3").arg("-c").arg(call).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim() == "True"
}

#[tokio::test]
async fn what_happened_is_told_once_and_verified_by_the_documented_program() {
    let (hall, admin, receiver, secret) = hooked(true).await;
    let (event, kind) = opened(&hall, &admin).await;
    let ticket =
        crate::registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "13800000001")).await.unwrap();
    for _ in 0..3 {
        run_due(&hall.ctx, admin.space).await.unwrap();
    }
    let asked = receiver.asked();
    assert_eq!(asked.len(), 1, "events that were not chosen are not told");
    let body: serde_json::Value = serde_json::from_slice(&asked[0].body).unwrap();
    assert_eq!((body["type"].as_str(), body["by"].as_str()), (Some("registration.create"), Some("account")));
    assert_eq!(body["subject"], format!("event/{event}/ticket/{}", ticket.id));
    assert!(!String::from_utf8_lossy(&asked[0].body).contains("张三"), "nobody is named");
    assert_eq!((asked[0].path.as_str(), asked[0].query.as_str()), ("/hook", "key=1"));
    let now = hall.ctx.now().0 / SECOND;
    assert!(verified(&secret, &asked[0], now + 200, &asked[0].body));
    assert!(!verified(&secret, &asked[0], now + 301, &asked[0].body), "too old");
    assert!(!verified("another secret", &asked[0], now, &asked[0].body));
    assert!(!verified(&secret, &asked[0], now, b"{}"), "another body");
}

#[tokio::test]
async fn an_hour_of_failures_ends_in_one_delivery_and_what_was_told_can_be_told_again() {
    let (hall, admin, receiver, _) = hooked(true).await;
    let (event, kind) = opened(&hall, &admin).await;
    receiver.status.store(500, Ordering::SeqCst);
    crate::registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", "13800000001")).await.unwrap();
    for _ in 0..360 {
        run_due(&hall.ctx, admin.space).await.unwrap();
        hall.advance(10 * SECOND);
    }
    let failed = receiver.asked().len();
    assert!((6..=15).contains(&failed), "{failed} calls in an hour");
    receiver.status.store(200, Ordering::SeqCst);
    hall.advance(20 * MINUTE);
    run_due(&hall.ctx, admin.space).await.unwrap();
    run_due(&hall.ctx, admin.space).await.unwrap();
    let all = receiver.asked();
    assert_eq!(all.len(), failed + 1);
    let ids: std::collections::BTreeSet<&str> = all.iter().map(|one| one.header("huiguan-delivery")).collect();
    assert_eq!(ids.len(), 1, "the same delivery has the same number");
    let entry = outbox::list(&hall.ctx, &admin, &Filter { kind: "webhook".into(), ..Filter::default() })
        .unwrap()
        .rows
        .remove(0);
    outbox::act(&hall.ctx, &admin, entry.id, OutAct::Again).await.unwrap();
    run_due(&hall.ctx, admin.space).await.unwrap();
    assert_eq!(receiver.asked().len(), failed + 2);
    act(&hall.ctx, &admin, WebhookId(1), Act::Ping).await.unwrap();
    run_due(&hall.ctx, admin.space).await.unwrap();
    assert!(String::from_utf8_lossy(&receiver.asked().pop().unwrap().body).contains("\"ping\""));
}

#[tokio::test]
async fn days_of_failures_switch_it_off_and_a_person_on_again() {
    let (hall, admin, receiver, _) = hooked(true).await;
    let (event, kind) = opened(&hall, &admin).await;
    receiver.status.store(503, Ordering::SeqCst);
    for day in 0..5 {
        let phone = format!("1380000000{day}");
        crate::registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", &phone)).await.unwrap();
        for _ in 0..24 {
            run_due(&hall.ctx, admin.space).await.unwrap();
            hall.advance(HOUR);
        }
        run_due(&hall.ctx, admin.space).await.unwrap();
    }
    let state = |hall: &Hall| list(&hall.ctx, &admin).unwrap()[0].state;
    assert!(matches!(state(&hall), HookState::Failed(_)), "{:?}", state(&hall));
    receiver.status.store(200, Ordering::SeqCst);
    let before = receiver.asked().len();
    crate::registration::add(&hall.ctx, &admin, event, kind, "", &named("李四", "13900000001")).await.unwrap();
    run_due(&hall.ctx, admin.space).await.unwrap();
    assert_eq!(receiver.asked().len(), before);
    act(&hall.ctx, &admin, WebhookId(1), Act::On).await.unwrap();
    crate::registration::add(&hall.ctx, &admin, event, kind, "", &named("王五", "13900000002")).await.unwrap();
    hall.advance(DAY);
    crate::registration::add(&hall.ctx, &admin, event, kind, "", &named("赵六", "13900000003")).await.unwrap();
    run_due(&hall.ctx, admin.space).await.unwrap();
    assert_eq!(receiver.asked().len(), before + 1, "what is a day old is not told");
}

#[tokio::test]
async fn it_leads_into_no_private_network_and_only_those_who_may_set_it_up() {
    let (hall, admin, receiver, _) = hooked(false).await;
    act(&hall.ctx, &admin, WebhookId(1), Act::Ping).await.unwrap();
    run_due(&hall.ctx, admin.space).await.unwrap();
    let entry = outbox::list(&hall.ctx, &admin, &Filter::default()).unwrap().rows.remove(0);
    assert_eq!((entry.state, receiver.asked().len()), (OutState::Refused, 0), "{}", entry.said);
    let http = WebhookInput { name: "x".into(), url: receiver.standin.base.clone(), kinds: vec!["order.pay".into()] };
    assert_eq!(add(&hall.ctx, &admin, &http).await.unwrap_err().code(), Some("input.invalid"));
    let visitor = Actor::visitor(admin.space);
    assert!(list(&hall.ctx, &visitor).is_err() && add(&hall.ctx, &visitor, &http).await.is_err());
    assert!(act(&hall.ctx, &visitor, WebhookId(1), Act::Remove).await.is_err());
    act(&hall.ctx, &admin, WebhookId(1), Act::Remove).await.unwrap();
    assert!(list(&hall.ctx, &admin).unwrap().is_empty());
    let kept = hall.ctx.store().view().space(admin.space);
    assert!(kept.get::<Webhook>(&WebhookId(1)).unwrap().is_none());
}

/// What arrived since the last time: what, to which thing, by whom, list and scan.
fn told(receiver: &Receiver, from: usize) -> Vec<(String, String, String, u64, u64)> {
    let read = |one: &Asked| {
        let body: serde_json::Value = serde_json::from_slice(&one.body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        let number = |name: &str| body[name].as_u64().unwrap();
        (text("type"), text("subject"), text("by"), number("list"), number("scan"))
    };
    let mut all: Vec<_> = receiver.asked().iter().skip(from).map(read).collect();
    all.sort_by(|a, b| (a.4, &a.0).cmp(&(b.4, &b.0)));
    all
}

/// The clock ticks until nothing is left to be told.
async fn ticks(hall: &Hall, admin: &Actor) -> usize {
    let mut told = 0;
    loop {
        let now = tell_checkins(&hall.ctx, admin.space).await.unwrap();
        told += now;
        run_due(&hall.ctx, admin.space).await.unwrap();
        if now == 0 {
            return told;
        }
    }
}

#[tokio::test]
async fn what_doors_did_is_told_once_after_the_fact_and_a_scan_waits_for_nobody() {
    let (hall, admin, receiver, _) = hooked_to(true, DOOR_KINDS).await;
    let ctx = &hall.ctx;
    let (event, kind) = opened(&hall, &admin).await;
    let one = crate::registration::add(ctx, &admin, event, kind, "", &named("张三", "13800000001")).await.unwrap();
    let two = crate::registration::add(ctx, &admin, event, kind, "", &named("李四", "13800000002")).await.unwrap();
    let scan = |number: &str, nonce: &str| crate::checkin::redeem(ctx, &admin, event, crate::test::scan(number, nonce));
    scan(&one.number, "a").await.unwrap();
    scan(&one.number, "b").await.unwrap();
    scan(&two.number, "c").await.unwrap();
    let waiting = outbox::list(ctx, &admin, &Filter::default()).unwrap().rows.len();
    assert_eq!(waiting, 0, "the scan itself wrote nothing for webhooks");
    let of = |ticket: &domain::Ticket| format!("event/{event}/ticket/{}", ticket.id);
    let line =
        |action: &str, ticket: &domain::Ticket, scan| (action.to_owned(), of(ticket), "account".to_owned(), 0, scan);
    // The second scan of the same ticket let nobody in.
    let (both, other) = tokio::join!(tell_checkins(ctx, admin.space), tell_checkins(ctx, admin.space));
    assert_eq!(both.unwrap() + other.unwrap(), 2, "two runs of the clock at a time tell once");
    assert_eq!(ticks(&hall, &admin).await, 0);
    assert_eq!(told(&receiver, 0), [line("checkin.enter", &one, 1), line("checkin.enter", &two, 3)]);
    crate::checkin::annul(ctx, &admin, event, crate::checkin::Which::Nonce("a".into())).await.unwrap();
    crate::checkin::mark(ctx, &admin, event, two.id, false).await.unwrap();
    assert_eq!(ticks(&hall, &admin).await, 2);
    assert_eq!(told(&receiver, 2), [line("checkin.undo", &one, 1), line("checkin.undo", &two, 3)]);
    act(ctx, &admin, WebhookId(1), Act::Off).await.unwrap();
    scan(&one.number, "d").await.unwrap();
    assert_eq!(ticks(&hall, &admin).await, 0);
    act(ctx, &admin, WebhookId(1), Act::On).await.unwrap();
    let exit = domain::checkin::Request {
        direction: Some(domain::checkin::Direction::Exit),
        ..crate::test::scan(&one.number, "e")
    };
    crate::checkin::redeem(ctx, &admin, event, exit).await.unwrap();
    assert_eq!(ticks(&hall, &admin).await, 1, "what happened while it was off is not told");
    assert_eq!(told(&receiver, 4)[0].0, "checkin.exit");
    assert!(receiver.asked().iter().all(|one| !String::from_utf8_lossy(&one.body).contains("张三")));
    // A quiet house writes nothing: the cursor moves only when there is something to tell, or much was passed over.
    let newest = |hall: &Hall| checkin::newest(&hall.ctx.store().view().space(admin.space)).unwrap();
    let before = newest(&hall);
    for _ in 0..5 {
        tell_checkins(ctx, admin.space).await.unwrap();
    }
    assert_eq!(newest(&hall), before);
    assert!(ctx.store().verify().is_sound());
}

#[tokio::test]
async fn a_long_log_is_told_in_steps_without_a_gap() {
    let (hall, admin, _, _) = hooked_to(true, &["checkin.enter"]).await;
    let ctx = &hall.ctx;
    let (event, kind) = opened(&hall, &admin).await;
    let mut numbers = Vec::new();
    for n in 0..700_u32 {
        let input = named("某人", &format!("138{n:08}"));
        numbers.push(crate::registration::add(ctx, &admin, event, kind, "", &input).await.unwrap().number);
    }
    // Many lines of the audit chain lie between the cursor and the first scan.
    for (at, number) in numbers.iter().enumerate() {
        crate::checkin::redeem(ctx, &admin, event, crate::test::scan(number, &format!("n{at}"))).await.unwrap();
    }
    let mut told = 0;
    for _ in 0..20 {
        told += tell_checkins(ctx, admin.space).await.unwrap();
    }
    assert_eq!(told, 700);
    let view = ctx.store().view().space(admin.space);
    let subjects: std::collections::BTreeSet<String> =
        view.scan::<Outgoing>(&(), None, Sort::Ascending).map(|kept| kept.unwrap().1.subject).collect();
    assert_eq!(subjects.len(), 700, "each once, none forgotten");
}

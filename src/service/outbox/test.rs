//! Entries are carried once, whatever happens: answers of every kind, an hour of failures, a box that stops in every state.

use super::*;
use crate::ctx::test::{Dice, Hall, Hands};
use crate::test::founded;
use domain::time::{DAY, HOUR, MINUTE, SECOND};
use std::sync::atomic::{AtomicI64, AtomicUsize};

/// Answers what it was told to, in turn, the last one again and again; counts what it was handed.
pub(crate) struct Scripted {
    kind: &'static str,
    idempotent: bool,
    answers: Mutex<Vec<Outcome>>,
    handed: Mutex<Vec<Vec<u8>>>,
    settled: AtomicUsize,
}

impl Scripted {
    pub(crate) fn new(kind: &'static str, idempotent: bool, answers: Vec<Outcome>) -> Arc<Self> {
        let answers = Mutex::new(answers);
        Arc::new(Self { kind, idempotent, answers, handed: Mutex::default(), settled: AtomicUsize::new(0) })
    }

    fn times(&self) -> usize {
        self.handed.lock().unwrap().len()
    }
}

impl Carrier for Scripted {
    fn kind(&self) -> &'static str {
        self.kind
    }
    fn idempotent(&self) -> bool {
        self.idempotent
    }
    fn carry<'a>(&'a self, _: &'a Ctx, _: SpaceId, entry: &'a Outgoing) -> Carrying<'a> {
        self.handed.lock().unwrap().push(entry.payload.clone());
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(std::future::ready(answer))
    }
    fn settled(&self, _: &mut Work<'_, '_>, _: &Outgoing) -> Result<(), Error> {
        self.settled.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

fn letter(ctx: &Ctx, kind: &'static str, once: &str) -> Letter {
    Letter {
        kind,
        target: "138****0001".into(),
        subject: "test".into(),
        event: None,
        payload: once.as_bytes().to_vec(),
        secret: false,
        once: once.to_owned(),
        due_at: ctx.now(),
        expires_at: ctx.now().plus(DAY),
    }
}

async fn put_one(ctx: &Ctx, kind: &'static str, once: &str) -> Option<OutgoingId> {
    let (of, once) = (ctx.clone(), once.to_owned());
    ctx.write(&ctx.own(SpaceId::ASSOCIATION), move |work| {
        let id = put(work, letter(&of, kind, &once))?;
        work.audit("test", "test", "", "")?;
        Ok(id)
    })
    .await
    .unwrap()
}

fn state(ctx: &Ctx, id: OutgoingId) -> Outgoing {
    ctx.store().view().space(SpaceId::ASSOCIATION).get::<Outgoing>(&id).unwrap().unwrap()
}

fn done() -> Outcome {
    Outcome::Done("n1".into())
}

fn lost() -> Outcome {
    Outcome::Unknown("status 500".into())
}

#[tokio::test]
async fn a_cause_is_carried_once_whatever_the_repetitions() {
    let hall = Hall::fresh();
    let carrier = Scripted::new("sms", false, vec![done()]);
    register(&hall.ctx, carrier.clone());
    let id = put_one(&hall.ctx, "sms", "a").await.unwrap();
    assert!(put_one(&hall.ctx, "sms", "a").await.is_none(), "the same cause");
    let space = SpaceId::ASSOCIATION;
    let (one, two, three) =
        tokio::join!(run_due(&hall.ctx, space), run_due(&hall.ctx, space), run_due(&hall.ctx, space));
    assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), 1);
    start_due(&hall.ctx, space);
    stop(&hall.ctx).await;
    let sent = state(&hall.ctx, id);
    assert_eq!((sent.state, sent.reference.as_str(), sent.attempts), (OutState::Sent, "n1", 1));
    assert_eq!((carrier.times(), carrier.settled.load(Ordering::SeqCst)), (1, 1));
    assert!(hall.ctx.store().verify().is_sound());
}

#[tokio::test]
async fn an_hour_of_failures_ends_in_one_delivery_and_few_attempts() {
    let hall = Hall::fresh();
    let (patient, careful) = (Scripted::new("webhook", true, vec![lost()]), Scripted::new("sms", false, vec![lost()]));
    register(&hall.ctx, patient.clone());
    register(&hall.ctx, careful.clone());
    let (hook, sms) =
        (put_one(&hall.ctx, "webhook", "a").await.unwrap(), put_one(&hall.ctx, "sms", "b").await.unwrap());
    for _ in 0..3_600 {
        run_due(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap();
        hall.advance(SECOND);
    }
    assert!((8..=14).contains(&patient.times()), "{} attempts", patient.times());
    assert_eq!(state(&hall.ctx, hook).state, OutState::Waiting);
    assert_eq!((state(&hall.ctx, sms).state, careful.times()), (OutState::Unsure, 1), "it may have been sent");
    *patient.answers.lock().unwrap() = vec![done()];
    hall.advance(20 * MINUTE);
    run_due(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap();
    assert_eq!(state(&hall.ctx, hook).state, OutState::Sent);
    let times = patient.times();
    hall.advance(HOUR);
    run_due(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap();
    assert_eq!(patient.times(), times, "not again");
}

#[tokio::test]
async fn what_is_of_no_use_any_more_is_not_sent_and_what_nobody_carries_ends_too() {
    let hall = Hall::fresh();
    let carrier = Scripted::new("mail", true, vec![Outcome::Not { why: "off".into(), after: None }, done()]);
    register(&hall.ctx, carrier.clone());
    let (mail, nobody) =
        (put_one(&hall.ctx, "mail", "a").await.unwrap(), put_one(&hall.ctx, "pigeon", "b").await.unwrap());
    run_due(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap();
    hall.advance(DAY);
    run_due(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap();
    assert_eq!(tidy(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap(), 1);
    for id in [mail, nobody] {
        assert_eq!(state(&hall.ctx, id).state, OutState::Expired);
    }
    assert_eq!((carrier.times(), carrier.settled.load(Ordering::SeqCst)), (1, 1));
    hall.advance(KEPT_MILLIS);
    assert_eq!(tidy(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap(), 2, "kept for a while, then gone");
    let view = hall.ctx.store().view().space(SpaceId::ASSOCIATION);
    assert!(view.get::<Outgoing>(&mail).unwrap().is_none());
}

/// A hall over a real folder, as a box that was started there.
fn started(folder: &std::path::Path, hands: &Arc<Hands>) -> Ctx {
    let (store, _) = store::Store::open(store::Options::new(folder.join("store"))).unwrap();
    let files = crate::file::Files::open(&folder.join("file")).unwrap();
    let sealer = crate::seal::Sealer::new(&[9; 32]).unwrap();
    Ctx::new(store, hands.clone(), Arc::new(Dice::new(7)), sealer, files)
}

#[tokio::test]
async fn a_box_that_stops_in_any_state_goes_on_without_sending_twice() {
    let folder = tempfile::tempdir().unwrap();
    let hands = Arc::new(Hands(AtomicI64::new(1_795_570_200_000)));
    let space = SpaceId::ASSOCIATION;
    // Stopped before anything, in the middle of an attempt, and after its answer.
    let ctx = started(folder.path(), &hands);
    let (mut ids, mut expected) = (Vec::new(), Vec::new());
    let kinds = [("webhook", true), ("sms", false)];
    for (kind, idempotent) in kinds {
        register(&ctx, Scripted::new(kind, idempotent, vec![done()]));
        ids.push(put_one(&ctx, kind, &format!("{kind} sent")).await.unwrap());
        expected.push(OutState::Sent);
    }
    run_due(&ctx, space).await.unwrap();
    for (kind, idempotent) in kinds {
        let trying = put_one(&ctx, kind, &format!("{kind} trying")).await.unwrap();
        ctx.write(&ctx.own(space), move |work| {
            let entry = work.read().get::<Outgoing>(&trying)?.unwrap();
            work.put(&entry.begin(work.now).unwrap())?;
            work.audit("test", "test", "", "")
        })
        .await
        .unwrap();
        let waiting = put_one(&ctx, kind, &format!("{kind} waiting")).await.unwrap();
        ids.extend([trying, waiting]);
        let in_between = if idempotent { OutState::Sent } else { OutState::Unsure };
        expected.extend([in_between, OutState::Sent]);
    }
    ctx.store().clone().close().unwrap();
    drop(ctx);
    let ctx = started(folder.path(), &hands);
    let (hook, sms) = (Scripted::new("webhook", true, vec![done()]), Scripted::new("sms", false, vec![done()]));
    register(&ctx, hook.clone());
    register(&ctx, sms.clone());
    run_due(&ctx, space).await.unwrap();
    hands.0.fetch_add(MINUTE, Ordering::SeqCst);
    run_due(&ctx, space).await.unwrap();
    let states: Vec<OutState> = ids.iter().map(|id| state(&ctx, *id).state).collect();
    assert_eq!(states, expected);
    let texts = |carrier: &Scripted| {
        carrier
            .handed
            .lock()
            .unwrap()
            .iter()
            .map(|payload| String::from_utf8(payload.clone()).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(&hook), ["webhook waiting", "webhook trying"]);
    assert_eq!(texts(&sms), ["sms waiting"]);
    assert!(ctx.store().verify().is_sound());
    ctx.store().clone().close().unwrap();
}

#[tokio::test]
async fn entries_are_listed_sent_again_and_dropped_by_those_who_may() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let carrier = Scripted::new("sms", false, vec![lost(), done()]);
    register(ctx, carrier.clone());
    let first = put_one(ctx, "sms", "a").await.unwrap();
    run_due(ctx, admin.space).await.unwrap();
    let visitor = Actor::visitor(admin.space);
    assert_eq!(list(ctx, &visitor, &Filter::default()).err().unwrap().code(), Some("session.none"));
    assert_eq!(act(ctx, &visitor, first, OutAct::Drop).await.unwrap_err().code(), Some("session.none"));
    let unsure = Filter { state: Some(OutState::Unsure), ..Filter::default() };
    assert_eq!(list(ctx, &admin, &unsure).unwrap().rows.len(), 1);
    act(ctx, &admin, first, OutAct::Again).await.unwrap();
    run_due(ctx, admin.space).await.unwrap();
    assert_eq!((state(ctx, first).state, carrier.times()), (OutState::Sent, 2));
    assert_eq!(act(ctx, &admin, first, OutAct::Drop).await.unwrap_err().code(), Some("outbox.settled"));
    for at in 0..60 {
        put_one(ctx, if at % 2 == 0 { "sms" } else { "mail" }, &format!("n{at}")).await.unwrap();
    }
    let page = list(ctx, &admin, &Filter::default()).unwrap();
    let rest = list(ctx, &admin, &Filter { before: page.next, ..Filter::default() }).unwrap();
    assert_eq!((page.rows.len(), rest.rows.len(), rest.next), (50, 11, None));
    assert_eq!(list(ctx, &admin, &Filter { kind: "mail".into(), ..Filter::default() }).unwrap().rows.len(), 30);
    assert_eq!(page.counts[OutState::Waiting as usize], 60);
    let dropped = page.rows[0].id;
    act(ctx, &admin, dropped, OutAct::Drop).await.unwrap();
    assert_eq!(state(ctx, dropped).state, OutState::Dropped);
}

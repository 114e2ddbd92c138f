//! What is gathered, who may see it, and what the checklist forgets.

use super::*;
use crate::outbox;
use crate::test::founded;
use domain::health::{Finding, Level, worst};
use domain::time::{HOUR, MINUTE};

fn machine() -> Machine {
    Machine { sync: Some(Ok(1)), synchronized: Some(true), version: "9.9".into(), ..Machine::default() }
}

#[tokio::test]
async fn the_status_gathers_what_the_parts_of_the_hall_know() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    register(ctx, Some("a torn page".into()), Box::new(machine));
    crate::search::start(ctx, None);
    crate::search::settle(ctx).await.unwrap();
    let found = |lines: &[Line]| lines.iter().map(|line| line.finding).collect::<Vec<_>>();
    let lines = page(ctx, &admin).await.unwrap();
    let all = found(&lines);
    for expected in [Finding::JournalRebuilt, Finding::SyncIsFast, Finding::ClockIsRight, Finding::AccountIsAlone] {
        assert!(all.contains(&expected), "{expected:?} in {all:?}");
    }
    assert!(all.contains(&Finding::QueueFlows) && all.contains(&Finding::SearchIsFresh), "{all:?}");
    assert_eq!(worst(&lines), Level::Warn);
    let letter = outbox::Letter {
        kind: "nobody",
        target: String::new(),
        subject: String::new(),
        event: None,
        payload: Vec::new(),
        secret: false,
        once: "1".into(),
        due_at: ctx.now(),
        expires_at: ctx.now().plus(100 * HOUR),
    };
    let letter = std::sync::Mutex::new(Some(letter));
    ctx.write(&ctx.own(SpaceId::ASSOCIATION), move |work| {
        if let Some(letter) = letter.lock().unwrap().take() {
            outbox::put(work, letter)?;
        }
        work.audit("test", "test", "", "")
    })
    .await
    .unwrap();
    hall.advance(20 * MINUTE);
    assert!(found(&look(ctx).unwrap()).contains(&Finding::QueueIsSlow));
    hall.advance(-HOUR);
    assert!(found(&look(ctx).unwrap()).contains(&Finding::ClockIsBehind));
    assert!(alive(ctx).is_ok());
    crate::search::stop(ctx);
    ctx.store().clone().close().unwrap();
    assert!(alive(ctx).is_err(), "a store that ended takes no writes");
}

#[tokio::test]
async fn the_status_is_for_those_who_look_after_the_box_alone() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    register(ctx, None, Box::new(machine));
    let (_, boss) = crate::merchant::test::with_merchant(&hall, &admin, "qingsong").await;
    let visitor = Actor::visitor(admin.space);
    for other in [&boss, &visitor] {
        assert!(page(ctx, other).await.is_err() && dismiss(ctx, other, Check::Account).await.is_err());
        assert!(restore(ctx, other).await.is_err() && dismissed(ctx, other).is_err());
        assert!(checklist(ctx, other).unwrap().is_empty());
    }
    let left = |actor: &Actor| -> Vec<Check> {
        checklist(ctx, actor).unwrap().iter().map(|line| line.finding.check()).collect()
    };
    assert!(left(&admin).contains(&Check::Account));
    dismiss(ctx, &admin, Check::Account).await.unwrap();
    assert!(!left(&admin).contains(&Check::Account));
    assert_eq!(dismissed(ctx, &admin).unwrap(), [Check::Account]);
    restore(ctx, &admin).await.unwrap();
    assert!(left(&admin).contains(&Check::Account));
}

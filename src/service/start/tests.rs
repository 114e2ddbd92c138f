//! Who is led, where one left off, what is left, and what others may not.

use super::*;
use crate::{
    ctx::test::Hall,
    space::{SetupCode, SetupInput, set_up},
    test::{PASSWORD, founded, log_in},
};
use domain::{space::SpaceInput, start::Place, time::SECOND};

/// A hall that was set up on its page, and its administrator.
async fn led() -> (Hall, Actor) {
    let hall = Hall::fresh();
    let setup = SetupCode::default();
    let input = SetupInput {
        code: setup.renew(&hall.ctx),
        space: SpaceInput { name: "协会".into(), zone: "Asia/Shanghai".into() },
        name: "管理员".into(),
        login: "admin".into(),
        password: PASSWORD.into(),
    };
    set_up(&hall.ctx, &setup, &input, "::1").await.unwrap();
    let admin = log_in(&hall.ctx, "admin").await;
    (hall, admin)
}

fn at(ctx: &Ctx, actor: &Actor) -> Option<Step> {
    of(ctx, actor).unwrap().and_then(|start| start.place(&seen(actor))).map(|place| place.step)
}

#[tokio::test]
async fn whoever_set_the_hall_up_is_led_and_goes_on_where_they_left_off() {
    let (hall, admin) = led().await;
    let ctx = &hall.ctx;
    assert_eq!(at(ctx, &admin), Some(Step::Language));
    leave(ctx, &admin, Step::Language, Way::On).await.unwrap();
    leave(ctx, &admin, Step::Association, Way::Skip).await.unwrap();
    // On another browser, and after a restart: nothing of it is in memory.
    hall.advance(SECOND);
    let elsewhere = log_in(ctx, "admin").await;
    assert_eq!(at(ctx, &elsewhere), Some(Step::Zone));
    leave(ctx, &elsewhere, Step::Zone, Way::Back).await.unwrap();
    assert_eq!(at(ctx, &admin), Some(Step::Association));
    for step in [Step::Association, Step::Zone, Step::Second, Step::Certificate, Step::Backup, Step::Tunnel] {
        leave(ctx, &admin, step, Way::Skip).await.unwrap();
    }
    let place = due(ctx, SpaceId::ASSOCIATION).and_then(|start| start.place(&seen(&admin)));
    assert_eq!(place, Some(Place { step: Step::Wechat, number: 8, count: 8 }));
    leave(ctx, &admin, Step::Wechat, Way::On).await.unwrap();
    assert_eq!((at(ctx, &admin), due(ctx, SpaceId::ASSOCIATION)), (None, None));
}

#[tokio::test]
async fn what_two_browsers_press_at_once_goes_one_step() {
    let (hall, admin) = led().await;
    let ctx = &hall.ctx;
    let press = || leave(ctx, &admin, Step::Language, Way::On);
    let (one, two, three) = tokio::join!(press(), press(), press());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(at(ctx, &admin), Some(Step::Association));
    let lines = ctx
        .read(&ctx.own(SpaceId::ASSOCIATION), |view| {
            let mut count = 0;
            for line in view.audit(None) {
                count += usize::from(crate::audit::decode(&line?.1)?.action == "start.step");
            }
            Ok(count)
        })
        .unwrap();
    assert_eq!(lines, 1);
}

#[tokio::test]
async fn skipped_steps_are_left_until_they_are_done_or_not_wanted() {
    let (hall, admin) = led().await;
    let ctx = &hall.ctx;
    assert_eq!(left(ctx, &admin).unwrap(), [], "what was not come to is not left");
    leave(ctx, &admin, Step::Language, Way::End).await.unwrap();
    assert_eq!(left(ctx, &admin).unwrap(), [Step::Second, Step::Certificate, Step::Tunnel, Step::Wechat]);
    spare(ctx, &admin, Step::Wechat).await.unwrap();
    spare(ctx, &admin, Step::Certificate).await.unwrap();
    assert_eq!(left(ctx, &admin).unwrap(), [Step::Second, Step::Tunnel]);
    let plan = domain::tunnel::TunnelInput {
        host: "ssh.example.cn".into(),
        base: "https://hall.example.cn".into(),
        ..crate::tunnel::input_of(None)
    };
    crate::tunnel::save(ctx, &admin, &plan).await.unwrap();
    assert_eq!(left(ctx, &admin).unwrap(), [Step::Second], "it is done");
    crate::account::second::prepare(ctx, &admin, PASSWORD).await.unwrap();
    assert_eq!(left(ctx, &admin).unwrap(), [Step::Second], "a key that was only shown is no second step");
    let offer = crate::account::second::offer(ctx, &admin).unwrap();
    let plain: String = offer.secret.chars().filter(|c| *c != '-').collect();
    let key = data_encoding::BASE32_NOPAD.decode(plain.as_bytes()).unwrap();
    let code = domain::second::code_at(&key, ctx.now()).unwrap();
    crate::account::second::switch_on(ctx, &admin, &code).await.unwrap();
    assert_eq!(left(ctx, &admin).unwrap(), []);
}

#[tokio::test]
async fn others_are_not_led_and_cannot_lead() {
    let (hall, admin) = led().await;
    let ctx = &hall.ctx;
    let second = crate::merchant::test::with_merchant(&hall, &admin, "qingsong").await.1;
    let stranger = Actor::visitor(SpaceId::ASSOCIATION);
    for other in [&second, &stranger] {
        assert_eq!((of(ctx, other).unwrap(), left(ctx, other).unwrap()), (None, Vec::new()));
        assert_eq!(leave(ctx, other, Step::Language, Way::On).await.unwrap_err().code(), Some("permission.denied"));
        assert_eq!(spare(ctx, other, Step::Language).await.unwrap_err().code(), Some("permission.denied"));
    }
    assert_eq!(due(ctx, second.space), None);
    assert_eq!(at(ctx, &admin), Some(Step::Language));
}

#[tokio::test]
async fn a_hall_that_was_set_up_before_there_were_steps_leads_nobody() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    assert_eq!((of(ctx, &admin).unwrap(), due(ctx, SpaceId::ASSOCIATION)), (None, None));
    assert_eq!(left(ctx, &admin).unwrap(), []);
    assert!(leave(ctx, &admin, Step::Language, Way::On).await.is_err());
    assert_eq!(of(ctx, &admin).unwrap(), None, "nor is it begun by asking");
}

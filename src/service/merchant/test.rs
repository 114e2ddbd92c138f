//! Merchants over a hall: their spaces, what is decided about them, applying, logging in, charging, and what visitors of the platform see.

use super::*;
use crate::{
    account::{Origin, actor, log_in},
    audit, checkin,
    ctx::test::Hall,
    device,
    registration::{self},
    test::{PASSWORD, founded, named, opened},
    ticket_type,
};
use domain::{merchant::SettingInput, ticket_type::TicketTypeInput, time::MINUTE};

pub(crate) fn typed(login: &str) -> MerchantInput {
    MerchantInput {
        name: format!("{login} 文化公司"),
        contact: "李经理".into(),
        phone: "13800000001".into(),
        login: login.into(),
        password: PASSWORD.into(),
        ..MerchantInput::default()
    }
}

fn code<T: std::fmt::Debug>(answer: Result<T, Error>) -> &'static str {
    answer.unwrap_err().code().unwrap()
}

fn visitor() -> Actor {
    Actor::visitor(SpaceId::ASSOCIATION)
}

pub(crate) async fn enter(hall: &Hall, login: &str) -> Result<Actor, Error> {
    let (space, entry) = super::log_in(&hall.ctx, &visitor(), login, PASSWORD, &Origin::default()).await?;
    let crate::account::Entry::Begun(begun) = entry else { panic!("no second step is on") };
    crate::account::first::settle(&hall.ctx, space, login).await;
    Ok(actor(&hall.ctx, space, &begun.session).unwrap().unwrap())
}

/// A merchant in effect and its administrator.
pub(crate) async fn with_merchant(hall: &Hall, admin: &Actor, login: &str) -> (MerchantId, Actor) {
    let id = add(&hall.ctx, admin, &typed(login)).await.unwrap();
    (id, enter(hall, login).await.unwrap())
}

#[tokio::test]
async fn a_merchant_is_a_space_of_its_own_where_everything_works_as_for_the_platform() {
    let (hall, admin) = founded().await;
    let (first, kind) = opened(&hall, &admin).await;
    registration::add(&hall.ctx, &admin, first, kind, "", &named("张三", "13800000001")).await.unwrap();
    let (_, boss) = with_merchant(&hall, &admin, "qingsong").await;
    let (_, other) = with_merchant(&hall, &admin, "yunhe").await;
    assert_eq!((boss.space, other.space), (SpaceId(2), SpaceId(3)));
    let (event, kind) = opened(&hall, &boss).await;
    assert_eq!(event, first, "numbers begin anew in each space");
    // The same phone has a place in each space: nothing is known across.
    let ticket = registration::add(&hall.ctx, &boss, event, kind, "", &named("李四", "13800000001")).await.unwrap();
    checkin::mark(&hall.ctx, &boss, event, ticket.id, true).await.unwrap();
    let count =
        |actor: &Actor| checkin::counts(&hall.ctx, actor, event).map(|counts| (counts.registered, counts.admitted));
    assert_eq!((count(&admin).unwrap(), count(&boss).unwrap()), ((1, 0), (1, 1)));
    assert_eq!(code(count(&other)), "record.missing");
    assert!(registration::by_link(&hall.ctx, admin.space, &crate::token::link(&ticket.link)).is_err());
    for permission in PLATFORM_ONLY {
        assert!(!boss.holds(*permission));
        let taken = account::grant(&hall.ctx, &boss, boss.account().unwrap(), *permission, Scope::Space).await;
        assert_eq!(code(taken), "grant.not_held");
    }
    // Even somebody with the permission cannot look after merchants from within a merchant's space.
    let sneaky = Actor { space: boss.space, ..admin.clone() };
    assert_eq!(
        (code(list(&hall.ctx, &boss, None)), code(list(&hall.ctx, &sneaky, None))),
        ("record.missing", "record.missing")
    );
    assert_eq!(in_effect(&hall.ctx, &boss).unwrap(), None);
    assert_eq!(crate::overview::all(&hall.ctx, &admin).unwrap().merchants, Some(2));
    let report = hall.ctx.store().view().verify();
    assert!(report.is_sound(), "{report}");
}

#[tokio::test]
async fn a_frozen_merchant_is_shut_out_at_once_and_comes_back() {
    let (hall, admin) = founded().await;
    let (id, boss) = with_merchant(&hall, &admin, "qingsong").await;
    let space = boss.space;
    let token = log_in(&hall.ctx, space, "qingsong", PASSWORD, &Origin::default()).await.unwrap();
    assert_eq!(code(decide(&hall.ctx, &admin, id, Decision::Freeze(" ".into())).await), "input.invalid");
    assert_eq!(code(decide(&hall.ctx, &boss, id, Decision::Restore).await), "record.missing");
    decide(&hall.ctx, &admin, id, Decision::Freeze("欠费".into())).await.unwrap();
    assert!(!hall.ctx.is_open(space) && actor(&hall.ctx, space, &token).unwrap().is_none(), "its sessions end");
    assert_eq!(hall.ctx.open_spaces().unwrap(), [SpaceId::ASSOCIATION]);
    assert_eq!(code(enter(&hall, "qingsong").await), "merchant.frozen");
    let wrong = super::log_in(&hall.ctx, &visitor(), "qingsong", "wrong wrong wrong", &Origin::default()).await;
    assert_eq!(code(wrong), "login.wrong", "that it is frozen is told only to whoever has the password");
    assert_eq!(in_effect(&hall.ctx, &admin).unwrap(), Some(0));
    assert_eq!(code(decide(&hall.ctx, &admin, id, Decision::Freeze("又".into())).await), "merchant.state");
    decide(&hall.ctx, &admin, id, Decision::Restore).await.unwrap();
    assert!(hall.ctx.is_open(space) && actor(&hall.ctx, space, &token).unwrap().is_none(), "old sessions stay ended");
    enter(&hall, "qingsong").await.unwrap();
    let closing = |typed: &str| decide(&hall.ctx, &admin, id, Decision::Close(typed.to_owned()));
    assert_eq!(code(closing("qingsong").await), "input.invalid");
    closing(" qingsong 文化公司 ").await.unwrap();
    assert_eq!(code(enter(&hall, "qingsong").await), "login.wrong", "a deleted merchant is unknown");
    let (second, _) = with_merchant(&hall, &admin, "qingsong").await;
    assert_eq!(
        code(decide(&hall.ctx, &admin, id, Decision::Restore).await),
        "input.invalid",
        "its login went to another"
    );
    decide(&hall.ctx, &admin, second, Decision::Close("qingsong 文化公司".into())).await.unwrap();
    decide(&hall.ctx, &admin, id, Decision::Restore).await.unwrap();
    assert_eq!(get(&hall.ctx, &admin, id).unwrap().merchant.state, MerchantState::Frozen);
    assert!(hall.ctx.store().view().verify().is_sound());
    let here = audit::page(&hall.ctx, &admin, None, "").await.unwrap().lines;
    let actions: Vec<&str> = here.iter().map(|(_, line)| line.action.as_str()).collect();
    for action in ["merchant.add", "merchant.freeze", "merchant.restore", "merchant.close"] {
        assert!(actions.contains(&action), "{action} in {actions:?}");
    }
}

async fn open_for_all(hall: &Hall, admin: &Actor) {
    let input = SettingInput { open: true, agreement: "请遵守规则".into(), ..SettingInput::default() };
    let revision = setting(&hall.ctx, admin).unwrap().revision;
    save_setting(&hall.ctx, admin, revision, &input, Picture::Keep, Picture::Keep).await.unwrap();
}

#[tokio::test]
async fn applicants_are_reviewed_and_nobody_learns_who_is_there() {
    let (hall, admin) = founded().await;
    let ask = |login: &str, address: &str| {
        let (ctx, input, address) = (hall.ctx.clone(), typed(login), address.to_owned());
        async move { apply(&ctx, &visitor(), &input, true, &address).await }
    };
    assert_eq!(code(ask("qingsong", "1").await), "merchant.not_open");
    open_for_all(&hall, &admin).await;
    assert_eq!(code(apply(&hall.ctx, &visitor(), &typed("qingsong"), false, "9").await), "input.invalid");
    let easy = MerchantInput { password: "qingsong1".into(), ..typed("qingsong") };
    assert_eq!(code(apply(&hall.ctx, &visitor(), &easy, true, "9").await), "input.invalid");
    with_merchant(&hall, &admin, "yunhe").await;
    let link = ask("yunhe", "1").await.expect("a taken login is answered as a free one");
    let turned_down = ask("lanting", "1").await.unwrap();
    let state = |link: &str| application(&hall.ctx, &visitor(), link).unwrap();
    assert_eq!(state(&link).state, MerchantState::Applied);
    assert_eq!(code(enter(&hall, "lanting").await), "login.wrong", "an applicant has no account yet");
    let waiting = list(&hall.ctx, &admin, Some(MerchantState::Applied)).unwrap();
    let id = |login: &str| waiting.iter().find(|merchant| merchant.login == login).unwrap().id;
    let refused = decide(&hall.ctx, &admin, id("yunhe"), Decision::Approve("yunhe".into())).await;
    assert_eq!(code(refused), "input.invalid", "the reviewer settles it");
    decide(&hall.ctx, &admin, id("yunhe"), Decision::Approve("yunhe2".into())).await.unwrap();
    assert_eq!(state(&link).login.as_deref(), Some("yunhe2"));
    assert_eq!(enter(&hall, "yunhe2").await.unwrap().space, SpaceId(3), "with the password that was chosen");
    decide(&hall.ctx, &admin, id("lanting"), Decision::Reject("资料不全".into())).await.unwrap();
    let seen = state(&turned_down);
    assert_eq!((seen.state, seen.reason.as_str()), (MerchantState::Rejected, "资料不全"));
    let kept = get(&hall.ctx, &admin, id("lanting")).unwrap().merchant;
    assert!(kept.password.is_empty() && kept.space.is_none());
    assert!(application(&hall.ctx, &visitor(), "nonsense").is_err());
    // Five from one address are slowed down, whatever they say.
    for n in 0..5 {
        ask(&format!("many{n}"), "7").await.unwrap();
    }
    assert_eq!(code(ask("many9", "7").await), "attempt.too_many");
    hall.advance(MINUTE);
    ask("many9", "7").await.unwrap();
    assert_eq!(code(face(&hall.ctx, &Actor::visitor(SpaceId(2)))), "record.missing", "a merchant has no merchants");
}

#[tokio::test]
async fn tickets_of_a_merchant_are_free_until_charging_is_granted() {
    let (hall, admin) = founded().await;
    let (id, boss) = with_merchant(&hall, &admin, "qingsong").await;
    let (event, _) = opened(&hall, &boss).await;
    let priced =
        TicketTypeInput { name: "贵宾".into(), price: "88".into(), enabled: true, ..TicketTypeInput::default() };
    let early = TicketTypeInput {
        steps: [("66".into(), String::new(), "5".into()), Default::default(), Default::default()],
        price: String::new(),
        ..priced.clone()
    };
    let save = |input: &TicketTypeInput| {
        let (ctx, boss, input) = (hall.ctx.clone(), boss.clone(), input.clone());
        async move { ticket_type::save(&ctx, &boss, event, None, &input).await }
    };
    let members = |price: &str| TicketTypeInput {
        name: "会员票".into(),
        price: price.into(),
        member_price: "0".into(),
        enabled: true,
        ..TicketTypeInput::default()
    };
    for costly in [&priced, &early, &members("0"), &members("88")] {
        assert_eq!(code(save(costly).await), "merchant.no_charging", "{costly:?}");
    }
    // Keeping a ticket for members costs nobody anything.
    save(&TicketTypeInput { member_price: String::new(), members_only: true, ..members("0") }).await.unwrap();
    let cash = [(domain::payment::Method::Cash, true, String::new())];
    assert_eq!(code(crate::payment::save(&hall.ctx, &boss, &cash).await), "merchant.no_charging");
    let grant = |charging: bool| {
        let (ctx, admin) = (hall.ctx.clone(), admin.clone());
        async move {
            let revision = get(&ctx, &admin, id).unwrap().merchant.revision;
            let input = MerchantInput { charging, ..typed("qingsong") };
            super::save(&ctx, &admin, id, revision, &input).await.unwrap();
        }
    };
    grant(true).await;
    assert!(hall.ctx.known(boss.space).unwrap().unwrap().may_charge());
    let kind = save(&priced).await.unwrap();
    save(&TicketTypeInput { name: "会员价".into(), ..members("88") }).await.unwrap();
    crate::payment::save(&hall.ctx, &boss, &cash).await.unwrap();
    let buy = |phone: &'static str| crate::order::test::order_one_in(&hall, boss.space, event, kind, "甲", phone);
    buy("13800000011").await.unwrap();
    grant(false).await;
    assert_eq!(code(buy("13800000012").await), "ticket_type.no_payment", "what was priced before is not sold any more");
    // The platform itself charges as it likes.
    let (own, _) = opened(&hall, &admin).await;
    ticket_type::save(&hall.ctx, &admin, own, None, &priced).await.unwrap();
}

#[tokio::test]
async fn visitors_of_the_platform_see_merchants_events_only_when_it_says_so() {
    let (hall, admin) = founded().await;
    let (id, boss) = with_merchant(&hall, &admin, "qingsong").await;
    let (event, _) = opened(&hall, &boss).await;
    let names = |actor: &Actor| -> Vec<(SpaceId, domain::EventId)> {
        let all = public_events(&hall.ctx, actor).unwrap();
        all.into_iter().map(|of| (of.space, of.event.id)).collect()
    };
    assert!(names(&visitor()).is_empty());
    let show = |auto_public| SettingInput { auto_public, ..SettingInput::default() };
    save_setting(&hall.ctx, &admin, 0, &show(true), Picture::Keep, Picture::Keep).await.unwrap();
    assert_eq!(names(&visitor()), [(boss.space, event)]);
    assert!(names(&Actor::visitor(boss.space)).is_empty(), "a merchant's page shows the merchant's own alone");
    let stale = save_setting(&hall.ctx, &admin, 0, &show(false), Picture::Keep, Picture::Keep).await;
    assert_eq!(code(stale), "record.changed");
    decide(&hall.ctx, &admin, id, Decision::Freeze("x".into())).await.unwrap();
    assert!(names(&visitor()).is_empty(), "a frozen merchant's events vanish");
    decide(&hall.ctx, &admin, id, Decision::Restore).await.unwrap();
    assert_eq!(names(&visitor()).len(), 1);
    save_setting(&hall.ctx, &admin, 1, &show(false), Picture::Keep, Picture::Keep).await.unwrap();
    assert!(names(&visitor()).is_empty());
}

#[tokio::test]
async fn a_new_password_lets_the_merchant_in_again() {
    let (hall, admin) = founded().await;
    let (id, boss) = with_merchant(&hall, &admin, "qingsong").await;
    assert_eq!(code(reset_password(&hall.ctx, &admin, id, "short").await), "input.invalid");
    let nobody = Actor { held: Vec::new(), ..admin.clone() };
    assert_eq!(code(reset_password(&hall.ctx, &nobody, id, "a new long sentence").await), "permission.denied");
    reset_password(&hall.ctx, &admin, id, "a new long sentence").await.unwrap();
    assert_eq!(code(enter(&hall, "qingsong").await), "login.wrong");
    let (space, _) =
        super::log_in(&hall.ctx, &visitor(), " QingSong ", "a new long sentence", &Origin::default()).await.unwrap();
    assert_eq!(space, boss.space);
    let token = log_in(&hall.ctx, space, "qingsong", "a new long sentence", &Origin::default()).await.unwrap();
    let led = actor(&hall.ctx, space, &token).unwrap().unwrap();
    assert!(led.held.is_empty(), "it has to choose a password of its own first");
    assert!(matches!(device::actor(&hall.ctx, space, "nonsense").unwrap(), device::Known::Nobody));
    let twice = add(&hall.ctx, &admin, &typed("qingsong")).await;
    assert_eq!(code(twice), "input.invalid");
}

//! API clients: who may make them, what they hold, when they are refused, how they are renewed, and that no secret is kept.

use super::{Behind, create, enter, list, refused, renew, revoke, tick};
use crate::{
    Actor, At, Ctx, Error, account,
    ctx::test::Hall,
    test::{PASSWORD, founded},
};
use domain::{
    AccountId, By, ClientId, ClientUse, Notice, Permission, Scope, SpaceId, Time,
    client::{ClientInput, ClientState},
    notice::Purpose,
    second::{Must, SecondRule},
    time::{DAY, HOUR, MINUTE},
};
use store::{Order, Read};

const SPACE: SpaceId = SpaceId::ASSOCIATION;
const OFFERED: &[Permission] = &[Permission::EventView, Permission::RegistrationView, Permission::CheckinScan];

fn input(hall: &Hall, scopes: &[&str], days: i64) -> ClientInput {
    ClientInput {
        name: "东门闸机".into(),
        purpose: "现场核验".into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        networks: String::new(),
        until: Some(hall.ctx.now().plus(days * DAY)),
    }
}

async fn made(hall: &Hall, actor: &Actor, scopes: &[&str], days: i64) -> (ClientId, String) {
    create(&hall.ctx, actor, &input(hall, scopes, days), OFFERED).await.unwrap()
}

fn code<T>(result: Result<T, Error>) -> &'static str {
    result.map_or_else(|error| error.code().unwrap_or("internal"), |_| "")
}

fn shown(ctx: &Ctx, secret: &str) -> &'static str {
    code(enter(ctx, SPACE, secret, "10.0.0.9"))
}

/// A colleague with these permissions for the whole space.
async fn colleague(hall: &Hall, admin: &Actor, login: &str, permissions: &[Permission]) -> (AccountId, Actor) {
    let ctx = &hall.ctx;
    let id = account::create(ctx, admin, "李四", login, PASSWORD).await.unwrap();
    for permission in permissions {
        account::grant(ctx, admin, id, *permission, Scope::Space).await.unwrap();
    }
    account::first::settle(ctx, SPACE, login).await;
    let origin = account::Origin { address: "10.0.0.7".into(), ..account::Origin::default() };
    let token = account::log_in(ctx, SPACE, login, PASSWORD, &origin).await.unwrap();
    (id, account::actor(ctx, SPACE, &token).unwrap().unwrap())
}

#[tokio::test]
async fn a_client_holds_its_scopes_as_far_as_its_account_does_at_that_moment() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let grants = [Permission::ClientManage, Permission::EventView];
    let (id, clerk) = colleague(&hall, &admin, "lisi", &grants).await;
    let refusal = create(ctx, &clerk, &input(&hall, &["event.view", "checkin.scan"], 30), OFFERED).await;
    assert_eq!(code(refusal), "input.invalid", "nobody gives what they do not hold");
    let (client, secret) = made(&hall, &clerk, &["event.view"], 30).await;
    let known = enter(ctx, SPACE, &secret, "10.0.0.9").unwrap();
    assert_eq!((known.client, known.actor.by()), (client, By::Client(client)), "lines of the log name it");
    assert!(ctx.permit(&known.actor, Permission::EventView, At::Space).is_ok());
    assert_eq!(code(ctx.permit(&known.actor, Permission::ClientManage, At::Space)), "permission.denied");
    assert!(known.actor.account().is_none() && known.actor.person().is_none(), "it is nobody's log-in");
    // What its account loses it loses at once, and what its account gets it gets only within its scopes.
    let grant = account::get(ctx, &admin, id).unwrap().grants;
    let view = grant.iter().find(|grant| grant.permission == Permission::EventView).unwrap().id;
    account::revoke(ctx, &admin, view).await.unwrap();
    account::grant(ctx, &admin, id, Permission::CheckinScan, Scope::Space).await.unwrap();
    let known = enter(ctx, SPACE, &secret, "10.0.0.9").unwrap();
    assert!(known.actor.held.is_empty(), "{:?}", known.actor.held);
    assert_eq!(list(ctx, &admin).unwrap()[0].behind, Behind::Lacks);
    account::grant(ctx, &admin, id, Permission::EventView, Scope::Own).await.unwrap();
    let held = enter(ctx, SPACE, &secret, "10.0.0.9").unwrap().actor.held.clone();
    assert_eq!(held.iter().map(|held| held.scope).collect::<Vec<_>>(), [Scope::Own]);
    // The rule about the second step holds for programs of whoever must have it.
    ctx.write(&ctx.own(SPACE), |work| {
        work.put(&SecondRule { must: Must::Everybody })?;
        work.audit("second.rule", "account", "", "")
    })
    .await
    .unwrap();
    assert!(enter(ctx, SPACE, &secret, "10.0.0.9").unwrap().actor.held.is_empty());
}

#[tokio::test]
async fn a_client_stops_with_its_account_and_whoever_renews_it_takes_it_over() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (id, clerk) = colleague(&hall, &admin, "lisi", &[Permission::ClientManage, Permission::EventView]).await;
    let (client, old) = made(&hall, &clerk, &["event.view"], 30).await;
    assert_eq!(shown(ctx, &old), "");
    account::set_disabled(ctx, &admin, id, true).await.unwrap();
    assert_eq!(shown(ctx, &old), "client.account_shut");
    assert_eq!(list(ctx, &admin).unwrap()[0].behind, Behind::Shut);
    account::set_disabled(ctx, &admin, id, false).await.unwrap();
    assert_eq!(shown(ctx, &old), "", "it goes on with its account");
    account::set_disabled(ctx, &admin, id, true).await.unwrap();
    let until = Some(ctx.now().plus(60 * DAY));
    let (_, new) = renew(ctx, &admin, client, until, 3).await.unwrap();
    assert_eq!((shown(ctx, &old), shown(ctx, &new)), ("", ""), "the administrator stands behind it now");
    assert_eq!(list(ctx, &admin).unwrap()[0].behind, Behind::Stands);
    // Nobody takes over what is more than they have.
    let (_, little) = colleague(&hall, &admin, "wangwu", &[Permission::ClientManage]).await;
    assert_eq!(code(renew(ctx, &little, client, until, 3).await), "input.invalid");
    let (_, none) = colleague(&hall, &admin, "zhaoliu", &[Permission::EventView]).await;
    assert_eq!(code(list(ctx, &none).map(drop)), "permission.denied");
    assert_eq!(code(revoke(ctx, &none, client).await), "permission.denied");
    assert_eq!(code(renew(ctx, &none, client, until, 3).await), "permission.denied");
}

#[tokio::test]
async fn a_secret_ends_by_the_clock_by_its_successor_and_by_hand() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (client, first) = made(&hall, &admin, &["event.view"], 30).await;
    assert_eq!(code(enter(ctx, SpaceId(2), &first, "10.0.0.9")), "client.unknown", "another space is another world");
    let next = Some(ctx.now().plus(90 * DAY));
    let (_, second) = renew(ctx, &admin, client, next, 7).await.unwrap();
    hall.advance(7 * DAY - 1);
    assert_eq!((shown(ctx, &first), shown(ctx, &second)), ("", ""));
    hall.advance(1);
    assert_eq!((shown(ctx, &first), shown(ctx, &second)), ("client.expired", ""));
    hall.advance(83 * DAY);
    assert_eq!(shown(ctx, &second), "client.expired");
    assert_eq!(list(ctx, &admin).unwrap()[0].state, ClientState::Expired);
    let (_, third) = renew(ctx, &admin, client, Some(ctx.now().plus(DAY)), 0).await.unwrap();
    assert_eq!((shown(ctx, &second), shown(ctx, &third)), ("client.unknown", ""), "an ended one is forgotten");
    revoke(ctx, &admin, client).await.unwrap();
    assert_eq!(shown(ctx, &third), "client.revoked");
    assert_eq!(code(revoke(ctx, &admin, client).await), "client.over");
    assert_eq!(code(renew(ctx, &admin, client, Some(ctx.now().plus(DAY)), 0).await), "client.over");
    let too_long = renew(ctx, &admin, client, Some(ctx.now().plus(400 * DAY)), 0).await;
    assert_eq!(code(too_long), "input.invalid");
    let lines = crate::audit::page(ctx, &admin, None, "client").await.unwrap().lines;
    let actions: Vec<&str> = lines.iter().rev().map(|(_, line)| line.action.as_str()).collect();
    assert_eq!(actions, ["client.create", "client.renew", "client.renew", "client.revoke"]);
}

#[tokio::test]
async fn two_who_renew_at_once_leave_two_secrets_and_one_of_two_who_revoke_is_told() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (client, first) = made(&hall, &admin, &["event.view"], 30).await;
    let until = Some(ctx.now().plus(60 * DAY));
    let both = tokio::join!(renew(ctx, &admin, client, until, 7), renew(ctx, &admin, client, until, 7));
    let (one, two) = (both.0.unwrap().1, both.1.unwrap().1);
    assert_eq!((shown(ctx, &one), shown(ctx, &two), shown(ctx, &first)), ("", "", "client.unknown"));
    let both = tokio::join!(revoke(ctx, &admin, client), revoke(ctx, &admin, client));
    let mut codes = [code(both.0), code(both.1)];
    codes.sort_unstable();
    assert_eq!(codes, ["", "client.over"]);
    assert!(hall.ctx.store().verify().is_sound());
}

#[tokio::test]
async fn whoever_tries_secrets_waits_and_clients_at_the_same_address_do_not() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (_, secret) = made(&hall, &admin, &["event.view"], 30).await;
    let wrong = format!("{}X", &secret[..secret.len() - 1]);
    let tried: Vec<&str> = (0..7).map(|_| shown(ctx, &wrong)).collect();
    assert_eq!(tried[..5], ["client.unknown"; 5]);
    assert_eq!(tried[5..], ["attempt.too_many"; 2]);
    assert_eq!(code(enter(ctx, SPACE, &wrong, "10.0.0.10")), "client.unknown", "another address is not slowed down");
    assert_eq!(shown(ctx, &secret), "", "a secret that stands is let in");
}

#[tokio::test]
async fn a_client_asks_only_from_where_it_may() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let near = ClientInput { networks: "10.0.0.0/24".into(), ..input(&hall, &["event.view"], 30) };
    let (_, secret) = create(ctx, &admin, &near, OFFERED).await.unwrap();
    let cases = [("10.0.0.9", ""), ("::ffff:10.0.0.9", ""), ("10.0.1.9", "client.address"), ("", "client.address")];
    for (address, expected) in cases {
        assert_eq!(code(enter(ctx, SPACE, &secret, address)), expected, "{address}");
    }
}

/// At a second at which the clock looks after clients.
async fn look(hall: &Hall) -> usize {
    let off = hall.ctx.now().0.rem_euclid(MINUTE);
    hall.advance(MINUTE - off);
    tick(&hall.ctx, SPACE).await.unwrap()
}

fn kept<R: store::Record>(ctx: &Ctx) -> Vec<R> {
    let view = ctx.store().view();
    view.space(SPACE).scan::<R>(&(), None, Order::Ascending).map(|kept| kept.unwrap().1).collect()
}

#[tokio::test]
async fn the_end_is_told_two_weeks_before_once_for_each_end() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (client, _) = made(&hall, &admin, &["event.view"], 30).await;
    let told = || kept::<Notice>(ctx).into_iter().filter(|one| one.purpose == Purpose::ClientEnding).count();
    hall.advance(15 * DAY);
    assert_eq!((look(&hall).await, told()), (0, 0));
    hall.advance(DAY);
    assert_eq!((look(&hall).await, look(&hall).await, told()), (1, 0, 1), "once");
    let until = Some(ctx.now().plus(20 * DAY));
    renew(ctx, &admin, client, until, 7).await.unwrap();
    assert_eq!((look(&hall).await, told()), (0, 1));
    hall.advance(7 * DAY);
    assert_eq!((look(&hall).await, told()), (1, 2), "the new end is another");
    hall.advance(20 * DAY);
    assert_eq!((look(&hall).await, list(ctx, &admin).unwrap().len()), (0, 1));
    hall.advance(367 * DAY);
    look(&hall).await;
    assert!(list(ctx, &admin).unwrap().is_empty() && kept::<ClientUse>(ctx).is_empty(), "what ended long ago goes");
}

#[tokio::test]
async fn uses_are_kept_once_a_day_and_refusals_with_their_reason() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (client, secret) = made(&hall, &admin, &["event.view"], 60).await;
    let lines = || async { crate::audit::page(ctx, &admin, None, "client.used").await.unwrap().lines.len() };
    assert_eq!(list(ctx, &admin).unwrap()[0].used, None);
    for _ in 0..50 {
        assert_eq!(shown(ctx, &secret), "");
    }
    let at = ctx.now();
    assert_eq!(list(ctx, &admin).unwrap()[0].used.as_ref().unwrap().used_at, Some(at), "seen before it is kept");
    assert!(kept::<ClientUse>(ctx).is_empty(), "no request writes");
    look(&hall).await;
    assert_eq!((kept::<ClientUse>(ctx)[0].used_at, lines().await), (Some(at), 1));
    shown(ctx, &secret);
    look(&hall).await;
    assert_eq!((kept::<ClientUse>(ctx)[0].used_at, lines().await), (Some(at), 1), "once a day");
    hall.advance(25 * HOUR);
    shown(ctx, &secret);
    look(&hall).await;
    assert_eq!(lines().await, 2);
    refused(ctx, SPACE, client, "client.scope", "10.0.0.9");
    revoke(ctx, &admin, client).await.unwrap();
    assert_eq!(shown(ctx, &secret), "client.revoked");
    look(&hall).await;
    let used = kept::<ClientUse>(ctx).remove(0);
    assert_eq!((used.refusals, used.refused.as_str()), (2, "client.revoked"));
    assert!(used.refused_at > Some(Time(0)) && used.used_at.is_some_and(|used| used > at));
}

#[tokio::test]
async fn no_secret_is_kept_or_said() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let (client, first) = made(&hall, &admin, &["event.view"], 30).await;
    let (_, second) = renew(ctx, &admin, client, Some(ctx.now().plus(60 * DAY)), 7).await.unwrap();
    let view = ctx.store().view();
    let all = format!(
        "{:?} {:?}",
        list(ctx, &admin).unwrap(),
        crate::audit::page(ctx, &admin, None, "").await.unwrap().lines.iter().map(|(_, line)| line).collect::<Vec<_>>()
    );
    drop(view);
    for secret in [&first, &second] {
        let core = secret.rsplit('_').next().unwrap();
        assert!(!all.contains(core), "{all}");
        let mark = secret.split('_').nth(1).unwrap();
        assert!(all.contains(mark), "people know it by its mark");
    }
}

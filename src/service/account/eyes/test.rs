//! Seeing with other eyes: who may, whom they see, that nothing changes meanwhile, and how it ends.

use super::{begin, end, is_below, seeing, tidy};
use crate::{
    Actor, At, Ctx, Error, Who, account,
    ctx::test::Hall,
    test::{PASSWORD, founded},
};
use domain::{
    AccountId, By, Permission, Scope, SpaceId,
    eyes::{EYES_MILLIS, EyesOf},
    time::MINUTE,
};

const SPACE: SpaceId = SpaceId::ASSOCIATION;

fn code<T>(result: Result<T, Error>) -> &'static str {
    result.map_or_else(|error| error.code().unwrap_or("internal"), |_| "")
}

/// A session of that login.
async fn session(ctx: &Ctx, login: &str) -> String {
    account::first::settle(ctx, SPACE, login).await;
    account::log_in(ctx, SPACE, login, PASSWORD, &account::Origin::default()).await.unwrap()
}

fn who(ctx: &Ctx, token: &str) -> Actor {
    account::actor(ctx, SPACE, token).unwrap().unwrap()
}

async fn colleague(hall: &Hall, admin: &Actor, login: &str, grants: &[(Permission, Scope)]) -> AccountId {
    let id = account::create(&hall.ctx, admin, login, login, PASSWORD).await.unwrap();
    for (permission, scope) in grants {
        account::grant(&hall.ctx, admin, id, *permission, *scope).await.unwrap();
    }
    id
}

fn lines(ctx: &Ctx) -> Vec<(By, String, String, String)> {
    let view = ctx.store().view().space(SPACE);
    let mut all: Vec<_> = view
        .audit(None)
        .map(|kept| crate::audit::decode(&kept.unwrap().1).unwrap())
        .filter(|line| line.action.starts_with("eyes."))
        .map(|line| (line.by, line.action, line.subject, line.after))
        .collect();
    all.reverse();
    all
}

#[tokio::test]
async fn whoever_may_sees_what_another_account_sees_and_changes_nothing() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let grants = [(Permission::EventView, Scope::Space), (Permission::RegistrationView, Scope::Own)];
    let id = colleague(&hall, &admin, "lisi", &grants).await;
    let token = session(ctx, "admin").await;
    let own = who(ctx, &token);
    assert!(seeing(ctx, SPACE, &token).unwrap().is_none());
    begin(ctx, &own, EyesOf::Account(id)).await.unwrap();
    let seen = who(ctx, &token);
    assert_eq!((seen.account(), seen.seer().map(|seer| seer.account)), (Some(id), own.account()));
    assert_eq!(seen.by(), own.by(), "what is logged meanwhile is the seer's");
    assert!(ctx.permit(&seen, Permission::EventView, At::Space).is_ok());
    assert_eq!(code(ctx.permit(&seen, Permission::AccountManage, At::Space)), "permission.denied");
    assert_eq!(seeing(ctx, SPACE, &token).unwrap().unwrap().name.as_deref(), Some("lisi"));
    // Reading alone, by construction: no verb of an actor that sees through other eyes gets as far as a transaction.
    assert_eq!(code(account::log_out_elsewhere(ctx, &seen).await), "eyes.read_only");
    assert_eq!(code(account::set_notice_mail(ctx, &seen, "a@b.example").await), "eyes.read_only");
    let permit = ctx.permit(&seen, Permission::EventView, At::Space).unwrap();
    assert_eq!(code(ctx.write(&permit, |work| work.audit("x", "x", "", "")).await), "eyes.read_only");
    assert_eq!(code(begin(ctx, &seen, EyesOf::Role(vec![Permission::EventView])).await), "permission.denied");
    assert_eq!(end(ctx, &seen).await.unwrap(), Some(id));
    assert_eq!((end(ctx, &seen).await.unwrap(), who(ctx, &token).account()), (None, own.account()));
    let subject = format!("account/{id}");
    let by = own.by();
    assert_eq!(
        lines(ctx),
        [(by, "eyes.begin".into(), subject.clone(), String::new()), (by, "eyes.end".into(), subject, String::new())]
    );
}

#[tokio::test]
async fn nobody_sees_as_somebody_who_may_more_nor_more_than_they_may_themselves() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    let little = [(Permission::AccountSee, Scope::Space), (Permission::EventView, Scope::Space)];
    let boss = admin.account().unwrap();
    let seer = colleague(&hall, &admin, "seer", &little).await;
    let other = colleague(&hall, &admin, "other", &[(Permission::EventView, Scope::Space)]).await;
    let blind = colleague(&hall, &admin, "blind", &[(Permission::EventView, Scope::Space)]).await;
    let token = session(ctx, "seer").await;
    let own = who(ctx, &token);
    let role = |all: &[Permission]| EyesOf::Role(all.to_vec());
    let refused = [
        (EyesOf::Account(boss), "eyes.above"),
        (EyesOf::Account(seer), "eyes.yourself"),
        (EyesOf::Account(AccountId(99)), "record.missing"),
        (role(&[Permission::EventManage]), "eyes.above"),
        (role(&[Permission::EventView, Permission::AccountManage]), "eyes.above"),
        (role(&[]), "input.invalid"),
    ];
    for (eyes, expected) in refused {
        let said = format!("{eyes:?}");
        assert_eq!(code(begin(ctx, &own, eyes).await), expected, "{said}");
    }
    assert!(is_below(ctx, &own, other).unwrap() && !is_below(ctx, &own, boss).unwrap());
    let none = who(ctx, &session(ctx, "blind").await);
    assert_eq!(code(begin(ctx, &none, EyesOf::Account(other)).await), "permission.denied");
    account::set_disabled(ctx, &admin, blind, true).await.unwrap();
    assert_eq!(code(begin(ctx, &own, EyesOf::Account(blind)).await), "eyes.disabled");
    // What the other gets meanwhile is seen as far as the seer has it; what the seer loses is seen no more.
    begin(ctx, &own, EyesOf::Account(other)).await.unwrap();
    account::grant(ctx, &admin, other, Permission::EventManage, Scope::Space).await.unwrap();
    assert!(!who(ctx, &token).holds(Permission::EventManage));
    assert!(who(ctx, &token).holds(Permission::EventView));
    let grants = account::get(ctx, &admin, seer).unwrap().grants;
    let see = grants.iter().find(|grant| grant.permission == Permission::AccountSee).unwrap().id;
    account::revoke(ctx, &admin, see).await.unwrap();
    let lost = who(ctx, &token);
    assert!(lost.held.is_empty() && lost.seer().is_some(), "neither other eyes nor one's own until it ends");
    end(ctx, &lost).await.unwrap();
    assert!(who(ctx, &token).holds(Permission::EventView));
}

#[tokio::test]
async fn it_ends_by_the_clock_and_with_the_session_and_a_role_is_somebody_without_a_name() {
    let (hall, _) = founded().await;
    let ctx = &hall.ctx;
    let token = session(ctx, "admin").await;
    let own = who(ctx, &token);
    let look = || async {
        let off = ctx.now().0.rem_euclid(10_000);
        hall.advance(10_000 - off);
        tidy(ctx, SPACE).await.unwrap()
    };
    begin(ctx, &own, EyesOf::Role(vec![Permission::EventView])).await.unwrap();
    let seen = who(ctx, &token);
    assert_eq!((seen.held.len(), seen.account()), (1, own.account()));
    assert!(seeing(ctx, SPACE, &token).unwrap().unwrap().name.is_none());
    assert!(seeing(ctx, SpaceId(2), &token).unwrap().is_none(), "it is of one space");
    let other = session(ctx, "admin").await;
    assert!(who(ctx, &other).seer().is_none(), "and of one session");
    assert_eq!(look().await, 0);
    hall.advance(EYES_MILLIS - MINUTE);
    assert!(who(ctx, &token).seer().is_some());
    hall.advance(MINUTE);
    assert!(who(ctx, &token).seer().is_none() && seeing(ctx, SPACE, &token).unwrap().is_none());
    assert_eq!((look().await, look().await), (1, 0));
    begin(ctx, &own, EyesOf::Role(vec![Permission::EventView])).await.unwrap();
    let seen = who(ctx, &token);
    assert!(matches!(seen.who, Who::Staff { .. }));
    account::log_out(ctx, &seen).await.unwrap();
    assert!(account::actor(ctx, SPACE, &token).unwrap().is_none());
    assert_eq!(look().await, 1);
    let said: Vec<String> = lines(ctx).into_iter().map(|line| format!("{} {} {}", line.1, line.2, line.3)).collect();
    let wanted = [
        "eyes.begin event.view ",
        "eyes.end event.view by the clock",
        "eyes.begin event.view ",
        "eyes.end event.view with its session",
    ];
    assert_eq!(said, wanted);
    assert!(lines(ctx).iter().all(|line| line.0 == own.by()), "each of them is the seer's");
}

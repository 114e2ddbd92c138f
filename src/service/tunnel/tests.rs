//! Who may, what is made once, and what is accepted by a person.

use super::*;
use crate::test::founded;

fn input(revision: u32) -> TunnelInput {
    TunnelInput { host: "ssh.example.cn".into(), base: "https://hall.example.cn".into(), revision, ..input_of(None) }
}

fn shown(ctx: &Ctx, fingerprint: &str) {
    let fault = Fault::Unknown(fingerprint.into());
    tell(ctx, Standing::Down { since: ctx.now(), fault, next: ctx.now() });
}

const SHOWN: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

#[tokio::test]
async fn the_key_is_made_once_and_a_host_key_is_accepted_by_a_person_for_one_server() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    assert!(page(ctx, &admin).unwrap().plan.is_none() && wanted(ctx).unwrap().is_none());
    save(ctx, &admin, &input(0)).await.unwrap();
    let first = page(ctx, &admin).unwrap();
    let line = first.line.unwrap();
    assert!(line.starts_with("restrict,port-forwarding,permitlisten=\"127.0.0.1:8080\" ssh-ed25519 "), "{line}");
    let plan = first.plan.unwrap();
    assert!(!plan.sealed.windows(4).any(|four| four == b"ssh-") && plan.pinned.is_none());
    assert!(save(ctx, &admin, &input(0)).await.is_err(), "an older form");
    // Only what the server shows can be accepted.
    assert!(accept(ctx, &admin, SHOWN, 1).await.is_err());
    shown(ctx, SHOWN);
    assert!(accept(ctx, &admin, &SHOWN.replace('4', "5"), 1).await.is_err());
    accept(ctx, &admin, SHOWN, 1).await.unwrap();
    assert_eq!(wanted(ctx).unwrap().unwrap().pinned.as_deref(), Some(SHOWN));
    save(ctx, &admin, &TunnelInput { bind_port: "9090".into(), ..input(2) }).await.unwrap();
    let after = page(ctx, &admin).unwrap();
    assert_eq!(after.plan.unwrap().pinned.as_deref(), Some(SHOWN), "the same server");
    assert_eq!(after.line.unwrap().split_once(' ').unwrap().1, line.split_once(' ').unwrap().1, "the same key");
    save(ctx, &admin, &TunnelInput { host: "other.example.cn".into(), ..input(3) }).await.unwrap();
    assert_eq!(page(ctx, &admin).unwrap().plan.unwrap().pinned, None, "another server");
    renew_key(ctx, &admin, 4).await.unwrap();
    let renewed = page(ctx, &admin).unwrap();
    assert_ne!(renewed.line.unwrap().split_once(' ').unwrap().1, line.split_once(' ').unwrap().1);
    save(ctx, &admin, &TunnelInput { on: false, ..input(5) }).await.unwrap();
    assert!(wanted(ctx).unwrap().is_none());
}

#[tokio::test]
async fn the_tunnel_is_for_those_who_look_after_the_box_alone() {
    let (hall, admin) = founded().await;
    let ctx = &hall.ctx;
    save(ctx, &admin, &input(0)).await.unwrap();
    shown(ctx, SHOWN);
    let (_, boss) = crate::merchant::test::with_merchant(&hall, &admin, "qingsong").await;
    for other in [&boss, &Actor::visitor(admin.space)] {
        assert!(page(ctx, other).is_err() && retry(ctx, other).is_err());
        assert!(save(ctx, other, &input(1)).await.is_err() && accept(ctx, other, SHOWN, 1).await.is_err());
        assert!(renew_key(ctx, other, 1).await.is_err());
    }
    assert_eq!(page(ctx, &admin).unwrap().plan.unwrap().revision, 1);
    retry(ctx, &admin).unwrap();
    changed(ctx).await;
}

//! Logging in by code, sessions, proofs that make two records one person, and what is whose.

use super::*;
use crate::ctx::test::Hall;
use crate::order::{OrderInput, PersonInput, place};
use crate::test::{founded, opened};
use crate::{registration, token};
use domain::{
    Outgoing,
    identity::{CODE_MILLIS, IDLE_MILLIS, IdentityKind},
    message::SmsInput,
    ticket::TicketInput,
    time::{DAY, MINUTE},
};

const SPACE: SpaceId = SpaceId::ASSOCIATION;
const PHONE: &str = "13812345678";

fn visitor() -> Actor {
    Actor::visitor(SPACE)
}

fn words() -> Words {
    Words { subject: "s".into(), text: "code {code}".into() }
}

/// Lets codes be sent by SMS, to nowhere.
async fn reachable() -> (Hall, Actor) {
    let (hall, admin) = founded().await;
    let input = SmsInput {
        enabled: true,
        provider: "aliyun".into(),
        base: "http://127.0.0.1:1".into(),
        key_id: "id".into(),
        secret: "secret".into(),
        sign: "协会".into(),
        per_number: "100".into(),
        per_day: "1000".into(),
        ..SmsInput::default()
    };
    crate::message::setting::save_sms(&hall.ctx, &admin, &input).await.unwrap();
    let template = domain::message::template::TemplateInput::known("sms", "SMS_1", "code=code");
    crate::message::template::save(&hall.ctx, &admin, "login_code", &[template]).await.unwrap();
    (hall, admin)
}

/// Asks for a code; answers the one that leaves the box.
async fn code(hall: &Hall, channel: Channel, to: &str) -> Result<(Target, String), Error> {
    let target = Target::read(channel, to)?;
    send_code(&hall.ctx, &visitor(), &target, &words(), "203.0.113.5").await?;
    let sent = hall.ctx.read(&hall.ctx.own(SPACE), |view| {
        let last = view.scan::<Outgoing>(&(), None, Order::Descending).next().unwrap()?.1;
        assert!(last.secret && last.target.contains("***"), "{}", last.target);
        Ok(String::from_utf8(last.payload).unwrap())
    })?;
    let digits: Vec<&str> = sent.split(|c: char| !c.is_ascii_digit()).filter(|part| part.len() == 6).collect();
    assert_eq!(digits.len(), 1, "{sent}");
    Ok((target, digits[0].to_owned()))
}

async fn proved(hall: &Hall, channel: Channel, to: &str) -> Proof {
    let (target, code) = code(hall, channel, to).await.unwrap();
    prove(&hall.ctx, &visitor(), &target, &code, "203.0.113.5").await.unwrap()
}

async fn logged(hall: &Hall, proofs: Vec<Proof>) -> (Arc<Actor>, PersonId) {
    let (token, person) = log_in(&hall.ctx, SPACE, proofs, "iPhone", &Origin::default()).await.unwrap();
    (actor(&hall.ctx, SPACE, &token).unwrap().unwrap(), person)
}

fn mini(openid: &str) -> Proof {
    Proof { kind: IdentityKind::Mini, value: openid.into() }
}

#[tokio::test]
async fn a_code_logs_in_once_and_guessing_ends_it() {
    let (hall, _) = reachable().await;
    let (target, right) = code(&hall, Channel::Sms, PHONE).await.unwrap();
    let again = send_code(&hall.ctx, &visitor(), &target, &words(), "203.0.113.6").await.unwrap_err();
    assert_eq!(again.code(), Some("code.wait"), "whatever address asks");
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for n in 0..5 {
        let refused = prove(&hall.ctx, &visitor(), &target, wrong, &format!("203.0.113.{n}")).await.unwrap_err();
        assert_eq!(refused.code(), Some("input.invalid"));
    }
    let late = prove(&hall.ctx, &visitor(), &target, &right, "198.51.100.1").await.unwrap_err();
    let never = Target::read(Channel::Sms, "13900000000").unwrap();
    let nobody = prove(&hall.ctx, &visitor(), &never, &right, "198.51.100.2").await.unwrap_err();
    assert_eq!(late.to_string(), nobody.to_string(), "nothing can be told from the answer");
    hall.advance(MINUTE);
    let (target, right) = code(&hall, Channel::Sms, "138 1234-5678").await.unwrap();
    hall.advance(CODE_MILLIS);
    assert!(prove(&hall.ctx, &visitor(), &target, &right, "198.51.100.3").await.is_err(), "too old");
    let (target, right) = code(&hall, Channel::Sms, PHONE).await.unwrap();
    prove(&hall.ctx, &visitor(), &target, &right, "198.51.100.4").await.unwrap();
    assert!(prove(&hall.ctx, &visitor(), &target, &right, "198.51.100.4").await.is_err(), "it works once");
    assert!(Target::read(Channel::Sms, "010-62345678").is_err(), "a landline takes no messages");
    assert!(Target::read(Channel::Email, "a@b").is_err());
    let mail = Target::read(Channel::Email, "Zhang@Example.com").unwrap();
    let off = send_code(&hall.ctx, &visitor(), &mail, &words(), "198.51.100.5").await.unwrap_err();
    assert_eq!(off.code(), Some("mail.off"), "no mail is set up here");
    assert!(hall.ctx.store().view().verify().is_sound());
}

#[tokio::test]
async fn one_address_cannot_have_codes_sent_to_everybody() {
    let (hall, _) = reachable().await;
    let mut refused = None;
    for n in 0..40 {
        let target = Target::read(Channel::Sms, &format!("138000000{n:02}")).unwrap();
        if let Err(error) = send_code(&hall.ctx, &visitor(), &target, &words(), "203.0.113.5").await {
            refused = Some((n, error.code()));
            break;
        }
    }
    assert_eq!(refused, Some((30, Some("rate.exceeded"))));
}

#[tokio::test]
async fn sessions_are_listed_revoked_and_end_when_they_are_not_used() {
    let (hall, _) = reachable().await;
    let proof = proved(&hall, Channel::Sms, PHONE).await;
    let (token, person) = log_in(&hall.ctx, SPACE, vec![proof.clone()], "", &Origin::default()).await.unwrap();
    let (other, same) = logged(&hall, vec![proof]).await;
    assert_eq!(person, same, "the same address is the same person");
    let me = actor(&hall.ctx, SPACE, &token).unwrap().unwrap();
    let listed = sessions(&hall.ctx, &me).unwrap();
    assert_eq!((listed.len(), listed.iter().filter(|(_, own)| *own).count()), (2, 1));
    let theirs = listed.iter().find(|(_, own)| !own).unwrap().0.number();
    assert_eq!(revoke(&hall.ctx, &me, 1).await.unwrap_err().code(), Some("record.missing"));
    revoke(&hall.ctx, &me, theirs).await.unwrap();
    assert!(sessions(&hall.ctx, &other).unwrap().len() == 1);
    assert!(
        found(
            &hall.ctx,
            SPACE,
            &match other.who {
                Who::Person { session, .. } => session,
                _ => [0; 32],
            }
        )
        .unwrap()
        .is_none()
    );
    hall.advance(30 * DAY);
    used(&hall.ctx, &me).await.unwrap();
    hall.advance(IDLE_MILLIS - DAY);
    assert!(actor(&hall.ctx, SPACE, &token).unwrap().is_some(), "it was used meanwhile");
    hall.advance(DAY);
    assert!(actor(&hall.ctx, SPACE, &token).unwrap().is_none(), "it was remembered, and is over");
    assert!(forget_old(&hall.ctx, SPACE).await.unwrap() >= 1);
    let nobody = sessions(&hall.ctx, &visitor()).unwrap_err();
    assert_eq!(nobody.code(), Some("session.none"));
    assert!(hall.ctx.store().view().verify().is_sound());
}

fn named(name: &str, phone: &str) -> TicketInput {
    TicketInput { name: name.into(), phone: phone.into(), ..TicketInput::default() }
}

#[tokio::test]
async fn two_records_that_prove_to_be_one_person_become_one() {
    let (hall, admin) = reachable().await;
    let (event, kind) = opened(&hall, &admin).await;
    let before = registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", PHONE)).await.unwrap();
    let (me, first) = logged(&hall, vec![mini("openid-1")]).await;
    assert!(tickets(&hall.ctx, &me).unwrap().is_empty() && first != before.person);
    let proof = proved(&hall, Channel::Sms, PHONE).await;
    assert_eq!(attach(&hall.ctx, &me, proof).await.unwrap(), before.person, "whoever registered is whoever logs in");
    let (again, person) = logged(&hall, vec![mini("openid-1")]).await;
    assert_eq!(person, before.person, "and so it is the next time");
    let own = tickets(&hall.ctx, &again).unwrap();
    assert_eq!((own.len(), own[0].ticket.id), (1, before.id));
    let of = profile(&hall.ctx, &again).unwrap();
    assert_eq!((of.person.name.as_str(), of.phone_proved, of.wechat), ("张三", true, true));
    // Somebody else's phone cannot be taken over: both have a phone number.
    let other = proved(&hall, Channel::Sms, "13900001111").await;
    let (_, second) = logged(&hall, vec![other.clone()]).await;
    assert_ne!(second, person);
    let refused = attach(&hall.ctx, &again, other).await.unwrap_err();
    assert_eq!(refused.code(), Some("identity.two_people"));
    let input = |name: &str, company: &str| ProfileInput { name: name.into(), company: company.into(), language: None };
    save_profile(&hall.ctx, &again, &input("张三丰", "武当")).await.unwrap();
    assert_eq!(profile(&hall.ctx, &again).unwrap().person.company, "武当");
    // The language is the person's own; what is none changes nothing.
    assert_eq!(language(&hall.ctx, &again).unwrap(), "zh-CN");
    let speaks = |lang: &str| ProfileInput { language: Some(lang.into()), ..input("张三丰", "武当") };
    save_profile(&hall.ctx, &again, &speaks("en")).await.unwrap();
    save_profile(&hall.ctx, &again, &input("张三丰", "")).await.unwrap();
    assert_eq!(save_profile(&hall.ctx, &again, &speaks("tlh")).await.unwrap_err().code(), Some("input.invalid"));
    assert_eq!(profile(&hall.ctx, &again).unwrap().language, "en");
    assert_eq!(save_profile(&hall.ctx, &again, &input(" ", "")).await.unwrap_err().code(), Some("input.invalid"));
    let report = hall.ctx.store().view().verify();
    assert!(report.is_sound(), "{report}");
}

#[tokio::test]
async fn a_phone_that_was_only_typed_opens_nobodys_tickets() {
    let (hall, admin) = reachable().await;
    let (event, kind) = opened(&hall, &admin).await;
    registration::add(&hall.ctx, &admin, event, kind, "", &named("张三", PHONE)).await.unwrap();
    let (me, _) = logged(&hall, vec![mini("openid-2")]).await;
    let input = OrderInput {
        people: vec![PersonInput { kind, addons: Vec::new(), ticket: named("李四", "13912340000") }],
        ..OrderInput::default()
    };
    let order = place(&hall.ctx, &me, event, &input).await.unwrap();
    assert!(orders(&hall.ctx, &me).unwrap().is_empty());
    remember_order(&hall.ctx, &me, &token::link(&order.link)).await.unwrap();
    remember_order(&hall.ctx, &me, &token::link(&order.link)).await.unwrap();
    assert_eq!((orders(&hall.ctx, &me).unwrap().len(), tickets(&hall.ctx, &me).unwrap().len()), (1, 1));
    assert_eq!(notices(&hall.ctx, &me).unwrap().len(), 1, "the order's");
    let (stranger, _) = logged(&hall, vec![mini("openid-3")]).await;
    assert!(orders(&hall.ctx, &stranger).unwrap().is_empty() && tickets(&hall.ctx, &stranger).unwrap().is_empty());
    // Passed on, it is the new holder's alone.
    let link = token::link(&tickets(&hall.ctx, &me).unwrap()[0].ticket.link);
    remember(&hall.ctx, &stranger, &link).await.unwrap();
    assert_eq!(tickets(&hall.ctx, &stranger).unwrap().len(), 1, "whoever has the link holds it");
    let sale = domain::sale::SaleInput {
        hold: "30".into(),
        most: "5".into(),
        offer: "60".into(),
        transfer: true,
        ..Default::default()
    };
    crate::order::save_sale(&hall.ctx, &admin, event, &sale).await.unwrap();
    crate::order::transfer(&hall.ctx, &me, &link, &named("王五", "13711112222")).await.unwrap();
    assert!(tickets(&hall.ctx, &me).unwrap().is_empty() && tickets(&hall.ctx, &stranger).unwrap().is_empty());
}

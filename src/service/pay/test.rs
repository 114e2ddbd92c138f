//! Payment through WeChat over the memory engine and a stand-in that checks everything: late, twice, forged, in the wrong order, with a wrong
//! clock, with answers that never came, with keys that change; and money that adds up through all of it.

use super::*;
use crate::{
    Actor,
    ctx::test::Hall,
    order::{self, OrderInput, PersonInput},
    payment,
    test::{founded, named, opened},
    ticket_type, token,
};
use domain::{
    Attempt, EventId, Order, OrderId, PayRefund, TicketId, TicketState, TicketTypeId,
    order::{EntryInput, OrderState},
    pay::{AttemptState, DifferenceKind, Heard, RefundState, Report, day_name, day_of},
    sale::SaleInput,
    ticket_type::TicketTypeInput,
    time::{DAY, HOUR, MINUTE, SECOND},
};
use gateway::pay::standin::{Fault, Notification, PayStandin, Speaks, key};

struct Till {
    hall: Hall,
    admin: Actor,
    standin: PayStandin,
    event: EventId,
    kind: TicketTypeId,
}

const SPACE: SpaceId = SpaceId::ASSOCIATION;

fn visitor() -> Actor {
    Actor::visitor(SPACE)
}

/// An event with a type at ¥100, and an account with the stand-in that proves itself so.
async fn till(speaks: Speaks) -> Till {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let (egress, tools) = way_out(&hall.ctx).unwrap();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let standin = PayStandin::start(address, egress, tools, false).await.unwrap();
    standin.speak(speaks);
    let unready = payment::save(&hall.ctx, &admin, &[(Method::Wechat, true, String::new())]).await.unwrap_err();
    assert!(matches!(unready, Error::Refused(refusal) if refusal.problems[0].field == "wechat-instructions"));
    save(&hall.ctx, &admin, &standin.account("http://127.0.0.1:1", speaks)).await.unwrap();
    let ways = [(Method::Wechat, true, String::new()), (Method::Cash, true, String::new())];
    payment::save(&hall.ctx, &admin, &ways).await.unwrap();
    let price =
        TicketTypeInput { name: "票".into(), price: "100".into(), enabled: true, ..TicketTypeInput::default() };
    ticket_type::save(&hall.ctx, &admin, event, Some(kind), &price).await.unwrap();
    let sale = SaleInput {
        hold: "30".into(),
        most: "3".into(),
        offer: "60".into(),
        waiting: true,
        transfer: true,
        cancel: true,
        donation: true,
    };
    order::save_sale(&hall.ctx, &admin, event, &sale).await.unwrap();
    Till { hall, admin, standin, event, kind }
}

impl Till {
    async fn buy(&self, name: &str, phone: &str) -> (Order, String) {
        self.buy_for(&[(name, phone)]).await
    }

    async fn buy_for(&self, people: &[(&str, &str)]) -> (Order, String) {
        let person = |(name, phone): &(&str, &str)| PersonInput {
            kind: self.kind,
            addons: Vec::new(),
            ticket: named(name, phone),
        };
        let people = people.iter().map(person).collect();
        let input = OrderInput { people, method: "wechat".into(), ..OrderInput::default() };
        let order = order::place(&self.hall.ctx, &visitor(), self.event, &input).await.unwrap();
        let link = token::link(&order.link);
        (order, link)
    }

    async fn start(&self, link: &str) -> Result<Attempt, Error> {
        start(&self.hall.ctx, &visitor(), link).await
    }

    async fn tell(&self, told: &Notification) -> Result<(), NotTaken> {
        let header = |name: &str| told.headers.iter().find(|(kept, _)| kept == name).map(|(_, value)| value.as_str());
        notified(&self.hall.ctx, SPACE, header, told.body.as_bytes()).await
    }

    fn order(&self, id: OrderId) -> Order {
        order::get(&self.hall.ctx, &self.admin, self.event, id).unwrap().order
    }

    fn of(&self, id: OrderId) -> OfOrder {
        of_order(&self.hall.ctx, &self.admin, self.event, id).unwrap()
    }

    /// Buys, begins to pay, and somebody pays.
    async fn paid(&self, phone: &str) -> (Order, Attempt) {
        let (order, link) = self.buy("张三", phone).await;
        let attempt = self.start(&link).await.unwrap();
        assert!(self.standin.pay(&attempt.number, None));
        self.tell(&self.standin.told(&attempt.number).unwrap()).await.unwrap();
        (self.order(order.id), attempt)
    }

    async fn tick(&self) {
        tick(&self.hall.ctx, SPACE).await.unwrap();
    }

    fn is_sound(&self) -> bool {
        self.hall.ctx.store().view().verify().is_sound()
    }
}

#[tokio::test]
async fn a_notification_makes_a_paid_order_once_however_often_it_comes() {
    let of = till(Speaks::First).await;
    let (order, link) = of.buy("张三", "13800000001").await;
    assert_eq!(own(&of.hall.ctx, &visitor(), &link).unwrap(), (true, None));
    let attempt = of.start(&link).await.unwrap();
    assert_eq!((attempt.state, attempt.amount.fen), (AttemptState::Open, 10_000));
    assert_eq!(of.start(&link).await.unwrap(), attempt, "whoever presses again gets the same code");
    assert_eq!(own(&of.hall.ctx, &visitor(), &link).unwrap().1, Some(attempt.clone()));
    assert!(of.standin.pay(&attempt.number, None));
    let told = of.standin.told(&attempt.number).unwrap();
    for _ in 0..20 {
        of.tell(&told).await.unwrap();
        of.tell(&of.standin.told(&attempt.number).unwrap()).await.unwrap();
    }
    let order = of.order(order.id);
    assert_eq!((order.state, order.entries.len(), order.sums().balance()), (OrderState::Paid, 1, 10_000));
    let received = of.of(order.id).attempts[0].received.clone().unwrap();
    assert_eq!((order.entries[0].reference.clone(), order.entries[0].method), (received.transaction, Method::Wechat));
    assert_eq!(own(&of.hall.ctx, &visitor(), &link).unwrap(), (false, None));
    assert_eq!(of.start(&link).await.unwrap_err().code(), Some("pay.nothing_due"));
    let income = order::counts(&of.hall.ctx, &of.admin, of.event).unwrap().income;
    assert!(income.contains(&(Method::Wechat, domain::Money::cny(10_000))), "ticket income (S0-100): {income:?}");
    assert!(of.is_sound());
}

#[tokio::test]
async fn twenty_at_once_and_a_question_beside_them_still_count_once() {
    let of = std::sync::Arc::new(till(Speaks::First).await);
    let (order, link) = of.buy("张三", "13800000001").await;
    let attempt = of.start(&link).await.unwrap();
    of.standin.pay(&attempt.number, None);
    let mut racing = Vec::new();
    for n in 0..20 {
        let (of, number, link) = (of.clone(), attempt.number.clone(), link.clone());
        racing.push(tokio::spawn(async move {
            if n % 5 == 4 {
                look_now(&of.hall.ctx, &visitor(), &link).await.unwrap();
            } else {
                of.tell(&of.standin.told(&number).unwrap()).await.unwrap();
            }
        }));
    }
    for one in racing {
        one.await.unwrap();
    }
    let order = of.order(order.id);
    assert_eq!((order.state, order.entries.len()), (OrderState::Paid, 1));
}

#[tokio::test]
async fn what_is_not_proven_or_not_ours_changes_nothing() {
    let of = till(Speaks::First).await;
    let (order, link) = of.buy("张三", "13800000001").await;
    let attempt = of.start(&link).await.unwrap();
    of.standin.pay(&attempt.number, None);
    let told = of.standin.told(&attempt.number).unwrap();
    let forged = Notification { body: told.body.replace("TRANSACTION", "transaction"), ..told.clone() };
    let unproven = [
        forged,
        told.clone().with("wechatpay-signature", "WECHATPAY/SIGNTEST/xxx"),
        told.clone().with("wechatpay-timestamp", "1"),
        told.clone().with("wechatpay-serial", "0123456789"),
        told.clone().with("wechatpay-serial", ""),
    ];
    for wrong in &unproven {
        assert!(matches!(of.tell(wrong).await, Err(NotTaken::Unproven(_))), "{wrong:?}");
    }
    of.hall.advance(5 * MINUTE + SECOND);
    assert!(matches!(of.tell(&told).await, Err(NotTaken::Unproven(gateway::pay::Unproven::Clock(_)))));
    of.hall.advance(-5 * MINUTE - SECOND);
    let said = |appid: &str, number: &str| {
        let body = serde_json::json!({ "appid": appid, "mchid": key::MCHID, "out_trade_no": number, "transaction_id": "42", "trade_state": "SUCCESS",
            "success_time": "2026-11-25T09:30:00+08:00", "amount": { "total": 10_000, "currency": "CNY" } });
        of.standin.telling("http://127.0.0.1:1/x", "TRANSACTION.SUCCESS", "transaction", &body).unwrap()
    };
    assert!(matches!(of.tell(&said("wxOther", &attempt.number)).await, Err(NotTaken::Unread(_))));
    let unknown = of.tell(&said(key::APPID, "NOBODYS-00000001")).await;
    assert!(matches!(unknown, Err(NotTaken::Failed(error)) if error.code() == Some("record.missing")));
    let kept = of.order(order.id);
    assert_eq!((kept.state, kept.entries.len()), (OrderState::PendingPayment, 0));
    of.tell(&told).await.unwrap();
    assert_eq!(of.order(order.id).state, OrderState::Paid);
}

#[tokio::test]
async fn another_amount_is_never_paid_and_waits_for_the_secretariat() {
    let of = till(Speaks::First).await;
    for (phone, paid, taken) in [
        ("13800000001", (9_999, "CNY"), Some(9_999)),
        ("13800000002", (10_001, "CNY"), Some(10_001)),
        ("13800000003", (10_000, "USD"), None),
    ] {
        let (order, link) = of.buy("张三", phone).await;
        let attempt = of.start(&link).await.unwrap();
        assert!(of.standin.pay(&attempt.number, Some(paid)));
        of.tell(&of.standin.told(&attempt.number).unwrap()).await.unwrap();
        let kept = of.order(order.id);
        assert_eq!((kept.state, kept.sums().balance()), (OrderState::PendingPayment, 0), "{paid:?}");
        let strange = attention(&of.hall.ctx, &of.admin).unwrap().strange;
        assert!(strange.iter().any(|one| one.number == attempt.number), "the secretariat sees it");
        assert_eq!(
            accept(&of.hall.ctx, &visitor(), of.event, order.id, &attempt.number).await.unwrap_err().code(),
            Some("session.none")
        );
        let accepted = accept(&of.hall.ctx, &of.admin, of.event, order.id, &attempt.number).await;
        assert_eq!(accepted.is_ok(), taken.is_some());
        let sums = of.order(order.id).sums();
        assert_eq!(sums.balance(), taken.unwrap_or(0));
        assert_eq!(of.order(order.id).state == OrderState::Paid, taken.is_some_and(|fen| fen >= 10_000));
        assert_eq!(sums.owed(), taken.map_or(0, |fen: i64| (fen - 10_000).max(0)));
        let again = accept(&of.hall.ctx, &of.admin, of.event, order.id, &attempt.number).await.unwrap_err();
        assert!(["pay.nothing_strange", "pay.foreign"].contains(&again.code().unwrap()));
    }
}

#[tokio::test]
async fn money_that_comes_after_its_order_ended_is_owed_back() {
    let of = till(Speaks::First).await;
    let (order, link) = of.buy("张三", "13800000001").await;
    let attempt = of.start(&link).await.unwrap();
    of.standin.pay(&attempt.number, None);
    let told = of.standin.told(&attempt.number).unwrap();
    of.hall.advance(4 * MINUTE);
    order::cancel(&of.hall.ctx, &of.admin, of.event, order.id, "").await.unwrap();
    of.tell(&told).await.unwrap();
    let kept = of.order(order.id);
    assert_eq!((kept.state, kept.sums().owed()), (OrderState::Canceled, 10_000));
    // The notification was lost, the hold is over: closing finds that it was paid.
    let (order, link) = of.buy("李四", "13800000002").await;
    let attempt = of.start(&link).await.unwrap();
    of.standin.pay(&attempt.number, None);
    of.hall.advance(31 * MINUTE);
    assert_eq!(order::expire(&of.hall.ctx, SPACE).await.unwrap(), 1);
    of.tick().await;
    let kept = of.order(order.id);
    assert_eq!((kept.state, kept.sums().owed()), (OrderState::Expired, 10_000));
    assert_eq!(of.of(order.id).attempts[0].state, AttemptState::Paid);
}

#[tokio::test]
async fn what_is_not_paid_in_time_is_closed_at_wechat_too_and_a_lost_notification_is_asked_for() {
    let of = till(Speaks::First).await;
    let (order, link) = of.buy("张三", "13800000001").await;
    let attempt = of.start(&link).await.unwrap();
    of.hall.advance(6 * SECOND);
    of.tick().await;
    assert_eq!(of.of(order.id).attempts[0].state, AttemptState::Open, "it was asked about and stands");
    of.hall.advance(31 * MINUTE);
    order::expire(&of.hall.ctx, SPACE).await.unwrap();
    of.tick().await;
    assert_eq!(of.of(order.id).attempts[0].state, AttemptState::Closed);
    assert!(!of.standin.pay(&attempt.number, None), "nobody can pay it any more");
    let (order, link) = of.buy("李四", "13800000002").await;
    let attempt = of.start(&link).await.unwrap();
    of.standin.pay(&attempt.number, None);
    of.hall.advance(6 * SECOND);
    of.tick().await;
    assert_eq!(of.order(order.id).state, OrderState::Paid, "nobody told us; we asked");
    let (order, link) = of.buy("王五", "13800000003").await;
    let attempt = of.start(&link).await.unwrap();
    of.standin.pay(&attempt.number, None);
    look_now(&of.hall.ctx, &visitor(), &link).await.unwrap();
    assert_eq!(of.order(order.id).state, OrderState::Paid, "the buyer pressed");
    // Paid in cash meanwhile: the code is closed.
    let (order, link) = of.buy("赵六", "13800000004").await;
    let attempt = of.start(&link).await.unwrap();
    let cash = EntryInput { amount: "100".into(), method: "cash".into(), ..EntryInput::default() };
    order::pay(&of.hall.ctx, &of.admin, of.event, order.id, of.order(order.id).revision, &cash, None).await.unwrap();
    of.hall.advance(6 * SECOND);
    of.tick().await;
    assert!(!of.standin.pay(&attempt.number, None));
}

#[tokio::test]
async fn answers_that_never_came_are_asked_for_again_under_the_same_number() {
    let of = till(Speaks::First).await;
    // With its certificates known: an answer by an unknown one would be asked for once more by itself.
    assert_eq!(check(&of.hall.ctx, &of.admin).await.unwrap(), "");
    let (order, link) = of.buy("张三", "13800000001").await;
    for fault in [Fault::Status(500), Fault::DoneThenCut, Fault::DoneThenStatus(502), Fault::Forged] {
        of.standin.fault("native", fault);
        let lost = of.start(&link).await.unwrap_err();
        assert_eq!(lost.code(), Some("pay.unreachable"), "{fault:?}");
        assert_eq!(of.of(order.id).attempts[0].state, AttemptState::Asked);
    }
    let attempt = of.start(&link).await.unwrap();
    assert_eq!((attempt.state, of.of(order.id).attempts.len()), (AttemptState::Open, 1), "one attempt through it all");
    // WeChat is away for an hour: nothing is lost, and little is asked.
    of.standin.pay(&attempt.number, None);
    of.standin.down(true);
    let before = of.standin.asked().len();
    for _ in 0..360 {
        of.hall.advance(10 * SECOND);
        of.tick().await;
    }
    let asked = of.standin.asked().len() - before;
    assert!((1..=60).contains(&asked), "{asked} questions in an hour");
    of.standin.down(false);
    of.hall.advance(HOUR);
    of.tick().await;
    let kept = of.order(order.id);
    assert!(kept.sums().balance() == 10_000, "the money is there: {:?}", kept.state);
}

#[tokio::test]
async fn a_changed_amount_gets_a_new_code_and_the_old_one_is_closed() {
    let of = till(Speaks::First).await;
    let (order, link) = of.buy_for(&[("张三", "13800000001"), ("李四", "13800000002")]).await;
    let first = of.start(&link).await.unwrap();
    assert_eq!(first.amount.fen, 20_000);
    let second = of.order(order.id).tickets().nth(1).unwrap().0;
    crate::registration::cancel(&of.hall.ctx, &of.admin, of.event, second).await.unwrap();
    let next = of.start(&link).await.unwrap();
    assert_eq!((next.amount.fen, next.number == first.number), (10_000, false));
    assert!(!of.standin.pay(&first.number, None), "two codes would be paid twice by somebody");
    let inside = inside(&of.hall.ctx, &visitor(), &link, (key::APPID, "oUser")).await.unwrap();
    assert!(inside.parameters.package.starts_with("prepay_id=wx"));
    assert!(!of.standin.pay(&next.number, None));
    assert!(of.standin.pay(&inside.attempt.number, None));
    assert!(super::inside(&of.hall.ctx, &visitor(), &link, (key::APPID, "")).await.is_err());
}

#[tokio::test]
async fn each_app_prepares_a_payment_of_its_own_and_one_order_is_paid_in_one_of_them() {
    let of = till(Speaks::First).await;
    of.standin.bind("wxSecond");
    of.standin.tell_openids(|openid| match openid {
        "oFirst" => Some(key::APPID.into()),
        "oSecond" => Some("wxSecond".into()),
        _ => None,
    });
    let (order, link) = of.buy("张三", "13800000001").await;
    let try_in = async |app, openid| inside(&of.hall.ctx, &visitor(), &link, (app, openid)).await;
    assert_eq!(try_in("wxSecond", "oSecond").await.unwrap_err().code(), Some("pay.off"), "it is not in the settings");
    let input = of.standin.account("http://127.0.0.1:1", Speaks::First);
    let two = domain::pay::AccountInput { other: "wxSecond".into(), ..input };
    save(&of.hall.ctx, &of.admin, &two).await.unwrap();
    let first = try_in(key::APPID, "oFirst").await.unwrap();
    assert_eq!((first.parameters.appid.as_str(), first.attempt.account.0.as_str()), (key::APPID, key::APPID));
    assert_eq!(try_in(key::APPID, "oFirst").await.unwrap().attempt, first.attempt, "pressed again, it is the same");
    // WeChat takes no openid in the other app; nothing stays open of it.
    let crossed = try_in("wxSecond", "oFirst").await.unwrap_err();
    assert_eq!(crossed.code(), Some("pay.refused"));
    let second = try_in("wxSecond", "oSecond").await.unwrap();
    assert_eq!(second.parameters.appid, "wxSecond");
    assert!(!of.standin.pay(&first.attempt.number, None), "what can be paid is one payment");
    assert!(of.standin.pay(&second.attempt.number, None));
    // Another app of the same merchant does not speak for this payment.
    let told = of.standin.told(&second.attempt.number).unwrap();
    let trade = serde_json::json!({ "appid": key::APPID, "mchid": key::MCHID, "out_trade_no": second.attempt.number,
        "transaction_id": "42", "trade_state": "SUCCESS", "amount": { "total": 10_000, "currency": "CNY" } });
    let stranger = of.standin.telling(&told.to, "TRANSACTION.SUCCESS", "transaction", &trade).unwrap();
    assert!(matches!(of.tell(&stranger).await, Err(NotTaken::Unread(gateway::pay::notice::Unread::Stranger))));
    of.tell(&told).await.unwrap();
    assert_eq!(of.order(order.id).state, OrderState::Paid);
    let states: Vec<AttemptState> = of.of(order.id).attempts.iter().map(|attempt| attempt.state).collect();
    assert_eq!(states, [AttemptState::Closed, AttemptState::Refused, AttemptState::Paid]);
}

#[tokio::test]
async fn keys_change_while_running_by_certificates_and_to_the_public_key() {
    let of = till(Speaks::First).await;
    of.paid("13800000001").await;
    of.standin.speak(Speaks::Next);
    // First heard in an answer …
    let (order, link) = of.buy("李四", "13800000002").await;
    let attempt = of.start(&link).await.unwrap();
    of.standin.pay(&attempt.number, None);
    of.tell(&of.standin.told(&attempt.number).unwrap()).await.unwrap();
    assert_eq!(of.order(order.id).state, OrderState::Paid);
    // … or in a notification.
    let other = till(Speaks::First).await;
    let (order, link) = other.buy("张三", "13800000001").await;
    let attempt = other.start(&link).await.unwrap();
    other.standin.pay(&attempt.number, None);
    other.standin.speak(Speaks::Next);
    other.tell(&other.standin.told(&attempt.number).unwrap()).await.unwrap();
    assert_eq!(other.order(order.id).state, OrderState::Paid);
    // And from certificates to the public key: the administrator types it in, and both are believed.
    save(&of.hall.ctx, &of.admin, &of.standin.account("http://127.0.0.1:1", Speaks::Public)).await.unwrap();
    of.standin.speak(Speaks::Public);
    let (order, _) = of.paid("13800000003").await;
    assert_eq!(order.state, OrderState::Paid);
    of.standin.speak(Speaks::Next);
    let (order, _) = of.paid("13800000004").await;
    assert_eq!(order.state, OrderState::Paid);
}

#[tokio::test]
async fn refunds_go_through_their_states_and_money_goes_once() {
    let of = till(Speaks::First).await;
    let (order, _) = of.paid("13800000001").await;
    let ticket = order.tickets().next().unwrap().0;
    let input = |amount: &str| RefundInput { amount: amount.into(), reason: "不能出席".into() };
    let ask = |revision: u32, tickets: Vec<TicketId>, amount: &'static str| {
        let of = &of;
        async move { want(&of.hall.ctx, &of.admin, of.event, order.id, revision, &tickets, &input(amount)).await }
    };
    let order_id = of.order(OrderId(1)).id;
    let too_much = ask(order.revision, vec![], "100.01").await.unwrap_err();
    assert_eq!(too_much.code(), Some("order.refund_too_much"));
    let refund = ask(order.revision, vec![ticket], "100").await.unwrap();
    let stale = ask(order.revision, vec![], "1").await.unwrap_err();
    assert_eq!(stale.code(), Some("record.changed"), "the form sent twice gives money back once");
    let kept = of.order(order_id);
    assert_eq!((kept.state, kept.sums().owed(), kept.entries.len()), (OrderState::Refunded, 10_000, 1));
    let by_hand = EntryInput { amount: "100".into(), method: "cash".into(), ..EntryInput::default() };
    let twice = order::refund(&of.hall.ctx, &of.admin, of.event, order_id, kept.revision, &[], &by_hand).await;
    assert_eq!(twice.unwrap_err().code(), Some("pay.on_the_way"));
    assert_eq!(of.of(order_id).refunds[0].state, RefundState::Processing);
    let told = of.standin.refunded(&refund.number, "SUCCESS").unwrap();
    for _ in 0..20 {
        of.tell(&told).await.unwrap();
    }
    of.hall.advance(10 * SECOND);
    of.tick().await;
    let kept = of.order(order_id);
    assert_eq!((kept.sums().balance(), kept.entries.len()), (0, 2));
    let said = order::notices(&of.hall.ctx, &of.admin, of.event, order_id).unwrap();
    assert_eq!(said.iter().filter(|notice| notice.purpose.code() == "order_refunded").count(), 1);
    let ticket = order::get(&of.hall.ctx, &of.admin, of.event, order_id).unwrap().tickets[0].state;
    assert_eq!(ticket, TicketState::Refunded);
    assert!(of.is_sound());
}

#[tokio::test]
async fn refunds_that_do_not_arrive_or_are_refused_are_seen_and_sent_again() {
    let of = till(Speaks::First).await;
    let (order, _) = of.paid("13800000001").await;
    let input = |amount: &str| RefundInput { amount: amount.into(), reason: String::new() };
    of.standin.fault("refunds", Fault::DoneThenCut);
    let lost = want(&of.hall.ctx, &of.admin, of.event, order.id, order.revision, &[], &input("30")).await.unwrap();
    assert_eq!(of.of(order.id).refunds[0].state, RefundState::Wanted, "nobody knows");
    of.hall.advance(6 * SECOND);
    of.tick().await;
    assert_eq!(of.of(order.id).refunds[0].state, RefundState::Processing);
    assert_eq!(of.standin.book(|book| book.refunds.len()), 1, "under one number it was given back once");
    of.tell(&of.standin.refunded(&lost.number, "ABNORMAL").unwrap()).await.unwrap();
    assert_eq!(attention(&of.hall.ctx, &of.admin).unwrap().refunds.len(), 1);
    of.tell(&of.standin.refunded(&lost.number, "SUCCESS").unwrap()).await.unwrap();
    of.tell(&of.standin.refunded(&lost.number, "ABNORMAL").unwrap()).await.unwrap();
    assert_eq!((of.of(order.id).refunds[0].state, of.order(order.id).sums().balance()), (RefundState::Done, 7_000));
    // Refused: it is certain that nothing went; the same refund is sent again when the reason is gone.
    of.standin.book(|book| book.orders.values_mut().for_each(|order| order.paid.0 = 1));
    let revision = of.order(order.id).revision;
    let refused = want(&of.hall.ctx, &of.admin, of.event, order.id, revision, &[], &input("10")).await.unwrap();
    assert_eq!(of.of(order.id).refunds[1].state, RefundState::Refused);
    assert!(of.of(order.id).refunds[1].trouble.contains("INVALID_REQUEST"));
    of.standin.book(|book| book.orders.values_mut().for_each(|order| order.paid.0 = 10_000));
    refund_again(&of.hall.ctx, &of.admin, of.event, order.id, &refused.number).await.unwrap();
    assert_eq!(of.of(order.id).refunds[1].state, RefundState::Processing);
    let twice = refund_again(&of.hall.ctx, &of.admin, of.event, order.id, &refused.number).await.unwrap_err();
    assert_eq!(twice.code(), Some("pay.refund_state"));
    // Closed: nothing went either, and the money can be given back otherwise.
    of.tell(&of.standin.refunded(&refused.number, "CLOSED").unwrap()).await.unwrap();
    let order = of.order(order.id);
    assert_eq!(order.sums().balance(), 7_000);
    let by_hand = EntryInput { amount: "70".into(), method: "cash".into(), ..EntryInput::default() };
    order::refund(&of.hall.ctx, &of.admin, of.event, order.id, order.revision, &[], &by_hand).await.unwrap();
}

#[tokio::test]
async fn the_bill_of_a_day_is_compared_and_every_difference_is_listed() {
    let of = till(Speaks::First).await;
    let (good, attempt) = of.paid("13800000001").await;
    let (_, other) = of.paid("13800000002").await;
    let (_, gone) = of.paid("13800000003").await;
    let (lost, link) = of.buy("赵六", "13800000004").await;
    let unheard = of.start(&link).await.unwrap();
    of.standin.pay(&unheard.number, None);
    let input = RefundInput { amount: "10".into(), reason: String::new() };
    want(&of.hall.ctx, &of.admin, of.event, good.id, good.revision, &[], &input).await.unwrap();
    of.standin.book(|book| {
        book.orders.get_mut(&other.number).unwrap().paid.0 = 10_100;
        book.orders.remove(&gone.number);
        let mut strange = book.orders.get(&attempt.number).unwrap().clone();
        strange.transaction = "42".into();
        book.orders.insert("NOBODYS-00000001".into(), strange);
    });
    let day = day_name(day_of(of.hall.ctx.now()));
    let early = compare_again(&of.hall.ctx, &of.admin, &day).await.unwrap_err();
    assert!(matches!(early, Error::Refused(refusal) if refusal.problems[0].field == "day"));
    of.hall.advance(DAY + 2 * HOUR);
    let bill = compare_again(&of.hall.ctx, &of.admin, &day).await.unwrap();
    let kinds: Vec<_> = bill.differences.iter().map(|one| (one.kind, one.number.as_str())).collect();
    use DifferenceKind as K;
    let expected = [
        (K::Amount, other.number.as_str()),
        (K::NotDone, unheard.number.as_str()),
        (K::Unknown, "NOBODYS-00000001"),
        (K::NotInBill, gone.number.as_str()),
    ];
    assert!(expected.iter().all(|one| kinds.contains(one)) && kinds.len() == 4, "{kinds:?}");
    assert_eq!((bill.paid.0, bill.refunded, bill.found), (4, (1, 1_000), 4));
    assert_eq!(bill.funds, Some((40_100, 1_000)));
    let file = export(&of.hall.ctx, &of.admin, &day, crate::sheet::Format::Csv, str::to_owned).unwrap();
    assert!(String::from_utf8_lossy(&file).contains("NOBODYS-00000001"));
    // By the clock: the payment that nobody told us about is asked for, and the bill is fetched by itself.
    of.tick().await;
    assert_eq!(of.order(lost.id).sums().balance(), 10_000);
    let again = compare_again(&of.hall.ctx, &of.admin, &day).await.unwrap();
    assert_eq!(again.found, 3, "what was found meanwhile is no difference any more");
    assert_eq!(bills(&of.hall.ctx, &of.admin).unwrap().len(), 1);
    of.hall.advance(DAY);
    of.tick().await;
    assert_eq!(bills(&of.hall.ctx, &of.admin).unwrap().len(), 2, "yesterday's bill came by itself");
    of.hall.advance(8 * DAY);
    for _ in 0..3 {
        of.tick().await;
        of.hall.advance(MINUTE);
    }
    assert_eq!(bills(&of.hall.ctx, &of.admin).unwrap().len(), 10, "and those of the days that the box was off");
}

#[tokio::test]
async fn the_account_is_tested_kept_sealed_and_only_for_those_who_may() {
    let of = till(Speaks::First).await;
    assert_eq!(check(&of.hall.ctx, &of.admin).await.unwrap(), "");
    let state = account(&of.hall.ctx, &of.admin).unwrap().unwrap();
    assert_eq!(state.certificates.len(), 1);
    assert!(state.account.test.unwrap().trouble.is_empty() && state.account.key.is_empty());
    let kept = of.hall.ctx.store().view().space(SPACE).get::<PayAccount>(&()).unwrap().unwrap();
    for part in [&kept.key, &kept.secret] {
        assert!(!part.windows(7).any(|at| at == b"PRIVATE" || at == b"stand-i"), "sealed");
    }
    of.standin.shift(400);
    assert!(check(&of.hall.ctx, &of.admin).await.unwrap().contains("SIGN_ERROR"));
    of.standin.shift(0);
    let wrong =
        domain::pay::AccountInput { key: "nonsense".into(), ..of.standin.account("http://127.0.0.1:1", Speaks::First) };
    let refused = save(&of.hall.ctx, &of.admin, &wrong).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(refusal) if refusal.problems[0].field == "key"));
    let kept = domain::pay::AccountInput {
        key: String::new(),
        secret: String::new(),
        ..of.standin.account("http://127.0.0.1:1", Speaks::First)
    };
    save(&of.hall.ctx, &of.admin, &kept).await.unwrap();
    assert_eq!(check(&of.hall.ctx, &of.admin).await.unwrap(), "", "keys that were left empty stayed");
    let nobody = Actor { held: Vec::new(), ..of.admin.clone() };
    let denied = Some("permission.denied");
    assert_eq!(account(&of.hall.ctx, &nobody).unwrap_err().code(), denied);
    assert_eq!(save(&of.hall.ctx, &nobody, &kept).await.unwrap_err().code(), denied);
    assert_eq!(check(&of.hall.ctx, &nobody).await.unwrap_err().code(), denied);
    assert_eq!(bills(&of.hall.ctx, &nobody).unwrap_err().code(), denied);
    assert_eq!(attention(&of.hall.ctx, &visitor()).unwrap_err().code(), Some("session.none"));
    let input = RefundInput { amount: "1".into(), reason: String::new() };
    let refund = want(&of.hall.ctx, &nobody, of.event, OrderId(1), 0, &[], &input).await.unwrap_err();
    assert!(["permission.denied", "record.missing"].contains(&refund.code().unwrap()));
    assert_eq!(of.start("nonsense").await.unwrap_err().code(), Some("record.missing"));
}

/// What the records say has come in and gone out through WeChat for an order.
fn through_wechat(of: &Till, id: OrderId) -> (i64, i64) {
    let of = of.of(id);
    let paid = of.attempts.iter().filter(|one| one.state == AttemptState::Paid);
    let back = of.refunds.iter().filter(|one| one.state == RefundState::Done);
    let received = |one: &Attempt| one.received.as_ref().unwrap().fen;
    (paid.map(received).sum(), back.map(|one: &PayRefund| one.amount.fen).sum())
}

#[tokio::test]
async fn money_adds_up_whatever_arrives_in_whatever_order() {
    for seed in 0..6u64 {
        let of = till(Speaks::First).await;
        let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut roll = move |end: u64| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice % end
        };
        let (order, link) = of.buy_for(&[("张三", "13800000001"), ("李四", "13800000002")]).await;
        let (mut told, mut cash) = (Vec::<Notification>::new(), 0);
        for _ in 0..40 {
            let kept = of.order(order.id);
            let numbers: Vec<String> = of.of(order.id).attempts.into_iter().map(|one| one.number).collect();
            match roll(10) {
                0 | 1 => drop(of.start(&link).await),
                2 => {
                    if let Some(number) = numbers.last() {
                        of.standin.pay(number, (roll(3) == 0).then_some((7_700, "CNY")));
                        told.extend(
                            of.standin
                                .told(number)
                                .filter(|_| !of.standin.book(|book| book.orders[number].transaction.is_empty())),
                        );
                    }
                }
                3 | 4 if !told.is_empty() => drop(of.tell(&told[roll(told.len() as u64) as usize].clone()).await),
                5 => {
                    let sum = EntryInput { amount: "50".into(), method: "cash".into(), ..EntryInput::default() };
                    let paid = order::pay(&of.hall.ctx, &of.admin, of.event, order.id, kept.revision, &sum, None).await;
                    cash += if paid.is_ok() { 5_000 } else { 0 };
                }
                6 => {
                    let amount = format!("{}", 1 + roll(120));
                    let input = RefundInput { amount, reason: String::new() };
                    drop(want(&of.hall.ctx, &of.admin, of.event, order.id, kept.revision, &[], &input).await);
                }
                7 => {
                    let refunds = of.of(order.id).refunds;
                    if let Some(one) = refunds.get(roll(refunds.len().max(1) as u64) as usize) {
                        let status = ["SUCCESS", "ABNORMAL", "CLOSED", "PROCESSING"][roll(4) as usize];
                        told.extend(of.standin.refunded(&one.number, status));
                    }
                }
                8 => {
                    of.hall.advance((roll(200) * 1_000) as i64);
                    of.tick().await;
                }
                _ => {
                    if let Some(number) = numbers.get(roll(numbers.len().max(1) as u64) as usize) {
                        drop(accept(&of.hall.ctx, &of.admin, of.event, order.id, number).await);
                    }
                }
            }
            let sums = of.order(order.id).sums();
            let (paid, back) = through_wechat(&of, order.id);
            assert_eq!(sums.balance(), cash + paid - back, "seed {seed}");
            assert!(sums.balance() >= 0, "more went back than came in, seed {seed}");
            assert_eq!(sums.balance() + sums.due() - sums.owed(), sums.total, "seed {seed}");
        }
        // In the end the box knows of every yuan that WeChat has.
        of.hall.advance(3 * HOUR);
        order::expire(&of.hall.ctx, SPACE).await.unwrap();
        for _ in 0..4 {
            of.tick().await;
            of.hall.advance(2 * HOUR);
        }
        let theirs: i64 = of.standin.book(|book| book.orders.values().map(|order| order.paid.0).sum());
        let ours: i64 =
            of.of(order.id).attempts.iter().filter_map(|one| one.received.as_ref()).map(|one| one.fen).sum();
        assert_eq!(theirs, ours, "seed {seed}");
        assert!(of.is_sound());
    }
}

#[tokio::test]
async fn a_closed_attempt_that_was_paid_after_all_counts() {
    let of = till(Speaks::First).await;
    let (order, link) = of.buy("张三", "13800000001").await;
    let attempt = of.start(&link).await.unwrap();
    of.standin.pay(&attempt.number, None);
    assert_eq!(hear::hear(&of.hall.ctx, SPACE, &attempt.number, Report::Closed).await.unwrap(), Heard::Changed);
    of.tell(&of.standin.told(&attempt.number).unwrap()).await.unwrap();
    assert_eq!(of.order(order.id).state, OrderState::Paid);
}

//! Orders over the memory engine: states, money, codes, shared quotas, add-ons, the waiting list, and 500 people who want 100 places.

use super::*;
use crate::{
    ctx::test::Hall,
    payment, quota, registration,
    test::{founded, named, opened, scan},
    ticket_type, voucher, waiting,
};
use domain::{
    SpaceId, TicketId, TicketState, TicketTypeId,
    checkin::{Reason, Verdict},
    order::EntryInput,
    payment::Method,
    quota::{AddOnInput, QuotaInput},
    ticket::TicketInput,
    ticket_type::TicketTypeInput,
    time::{HOUR, MINUTE},
    voucher::VoucherInput,
    waiting::WaitState,
};
use std::collections::BTreeSet;
use store::catalogue::{OFFERED, TICKETS_OF_TYPE};

pub(crate) fn visitor() -> Actor {
    Actor::visitor(SpaceId::ASSOCIATION)
}

fn person(kind: TicketTypeId, name: &str, phone: &str) -> PersonInput {
    PersonInput { kind, addons: Vec::new(), ticket: named(name, phone) }
}

/// An order for one person, paid in cash where it costs something.
pub(crate) async fn order_one(
    hall: &Hall,
    event: EventId,
    kind: TicketTypeId,
    name: &str,
    phone: &str,
) -> Result<Order, Error> {
    order_one_in(hall, SpaceId::ASSOCIATION, event, kind, name, phone).await
}

/// As [`order_one`], in another space.
pub(crate) async fn order_one_in(
    hall: &Hall,
    space: SpaceId,
    event: EventId,
    kind: TicketTypeId,
    name: &str,
    phone: &str,
) -> Result<Order, Error> {
    let input = OrderInput { people: vec![person(kind, name, phone)], method: "cash".into(), ..OrderInput::default() };
    place(&hall.ctx, &Actor::visitor(space), event, &input).await
}

async fn cash(hall: &Hall, admin: &Actor) {
    payment::save(&hall.ctx, admin, &[(Method::Cash, true, String::new())]).await.unwrap();
}

async fn offered(
    hall: &Hall,
    admin: &Actor,
    event: EventId,
    id: Option<TicketTypeId>,
    input: TicketTypeInput,
) -> TicketTypeId {
    let input = TicketTypeInput { enabled: true, ..input };
    ticket_type::save(&hall.ctx, admin, event, id, &input).await.unwrap()
}

fn priced(name: &str, price: &str, quota: &str) -> TicketTypeInput {
    TicketTypeInput { name: name.into(), price: price.into(), quota: quota.into(), ..TicketTypeInput::default() }
}

fn sale_of(most: &str) -> SaleInput {
    let (hold, offer) = ("30".into(), "60".into());
    SaleInput { hold, most: most.into(), offer, waiting: true, transfer: true, cancel: true, donation: true }
}

fn sum(amount: &str) -> EntryInput {
    EntryInput { amount: amount.into(), method: "cash".into(), ..EntryInput::default() }
}

fn tickets(hall: &Hall, admin: &Actor, order: &Order) -> Vec<domain::Ticket> {
    get(&hall.ctx, admin, order.event, order.id).unwrap().tickets
}

fn states(hall: &Hall, admin: &Actor, order: &Order) -> Vec<TicketState> {
    tickets(hall, admin, order).iter().map(|ticket| ticket.state).collect()
}

#[tokio::test]
async fn an_order_waits_for_review_then_for_money_and_the_door_says_so() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let reviewed = TicketTypeInput { review: true, ..priced("会员票", "100", "") };
    offered(&hall, &admin, event, Some(kind), reviewed).await;
    let unpayable = order_one(&hall, event, kind, "甲", "13800000001").await.unwrap_err();
    assert_eq!(unpayable.code(), Some("ticket_type.no_payment"));
    cash(&hall, &admin).await;
    let order = order_one(&hall, event, kind, "甲", "13800000001").await.unwrap();
    assert_eq!((order.state, order.sums().due()), (OrderState::PendingReview, 10_000));
    let number = tickets(&hall, &admin, &order)[0].number.clone();
    let door = |nonce: &'static str| {
        let (hall, admin, number) = (&hall, &admin, number.clone());
        async move { crate::checkin::redeem(&hall.ctx, admin, event, scan(&number, nonce)).await.unwrap().verdict }
    };
    assert_eq!(door("a").await, Verdict::Refused(Reason::Unapproved));
    let order = decide(&hall.ctx, &admin, event, order.id, &Decision::Approve).await.unwrap();
    assert_eq!(order.state, OrderState::PendingPayment);
    assert_eq!(door("b").await, Verdict::Refused(Reason::Unpaid));
    let part = pay(&hall.ctx, &admin, event, order.id, order.revision, &sum("40"), None).await.unwrap();
    assert_eq!((part.state, part.sums().due()), (OrderState::PendingPayment, 6_000));
    let twice = pay(&hall.ctx, &admin, event, order.id, order.revision, &sum("40"), None).await.unwrap_err();
    assert_eq!(twice.code(), Some("record.changed"), "the same form sent twice counts once");
    let paid = pay(&hall.ctx, &admin, event, order.id, part.revision, &sum("60"), None).await.unwrap();
    assert_eq!(paid.state, OrderState::Paid);
    assert_eq!(door("c").await, Verdict::Admitted);
    let inside = refund(&hall.ctx, &admin, event, order.id, paid.revision, &[TicketId(1)], &sum("100")).await;
    assert_eq!(inside.unwrap_err().code(), Some("ticket.checked_in"));
    crate::checkin::mark(&hall.ctx, &admin, event, TicketId(1), false).await.unwrap();
    let more = refund(&hall.ctx, &admin, event, order.id, paid.revision, &[TicketId(1)], &sum("100.01")).await;
    assert_eq!(more.unwrap_err().code(), Some("order.refund_too_much"));
    let back = refund(&hall.ctx, &admin, event, order.id, paid.revision, &[TicketId(1)], &sum("100")).await.unwrap();
    assert_eq!((back.state, back.sums().balance()), (OrderState::Refunded, 0));
    assert_eq!(door("d").await, Verdict::Refused(Reason::Refunded));
    let notices = by_link(&hall.ctx, SpaceId::ASSOCIATION, &crate::token::link(&order.link)).unwrap().notices;
    let said: Vec<&str> = notices.iter().rev().map(|notice| notice.purpose.code()).collect();
    assert_eq!(said, ["order_received", "order_to_pay", "order_completed", "order_refunded"]);
    let counts = counts(&hall.ctx, &admin, event).unwrap();
    assert_eq!((counts.due.fen, counts.owed.fen, counts.income[0].1.fen), (0, 0, 0));
}

#[tokio::test]
async fn a_refused_order_frees_its_place_and_may_be_reopened_while_there_is_room() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    offered(&hall, &admin, event, Some(kind), TicketTypeInput { review: true, ..priced("票", "", "1") }).await;
    let first = order_one(&hall, event, kind, "甲", "13800000001").await.unwrap();
    let full = order_one(&hall, event, kind, "乙", "13800000002").await.unwrap_err();
    assert_eq!(full.code(), Some("ticket_type.sold_out"), "what waits for review holds its place");
    let refused = decide(&hall.ctx, &admin, event, first.id, &Decision::Refuse("名额有限".into())).await.unwrap();
    assert_eq!((refused.state, refused.reason.as_str()), (OrderState::Refused, "名额有限"));
    let second = order_one(&hall, event, kind, "乙", "13800000002").await.unwrap();
    let again = decide(&hall.ctx, &admin, event, first.id, &Decision::Approve).await.unwrap_err();
    assert_eq!(again.code(), Some("order.wrong_state"));
    let taken = reopen(&hall.ctx, &admin, event, first.id).await.unwrap_err();
    assert_eq!(taken.code(), Some("ticket_type.sold_out"));
    cancel(&hall.ctx, &admin, event, second.id, "").await.unwrap();
    reopen(&hall.ctx, &admin, event, first.id).await.unwrap();
    assert_eq!(states(&hall, &admin, &first), [TicketState::Active]);
}

#[tokio::test]
async fn an_unpaid_hold_ends_by_the_clock_and_late_money_is_owed_back() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    cash(&hall, &admin).await;
    offered(&hall, &admin, event, Some(kind), priced("票", "10", "1")).await;
    save_sale(&hall.ctx, &admin, event, &sale_of("1")).await.unwrap();
    let order = order_one(&hall, event, kind, "甲", "13800000001").await.unwrap();
    hall.advance(29 * MINUTE);
    assert_eq!(expire(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap(), 0);
    hall.advance(MINUTE);
    assert_eq!(expire(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap(), 1);
    assert_eq!(expire(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap(), 0, "an order ends once");
    let order = get(&hall.ctx, &admin, event, order.id).unwrap().order;
    assert_eq!(order.state, OrderState::Expired);
    let late = pay(&hall.ctx, &admin, event, order.id, order.revision, &sum("10"), None).await.unwrap();
    assert_eq!((late.state, late.sums().owed()), (OrderState::Expired, 1_000));
    assert_eq!(counts(&hall.ctx, &admin, event).unwrap().owed.fen, 1_000);
    reopen(&hall.ctx, &admin, event, order.id).await.unwrap();
    assert_eq!(get(&hall.ctx, &admin, event, order.id).unwrap().order.state, OrderState::Paid, "the money is there");
}

#[tokio::test]
async fn several_people_share_an_order_with_codes_companions_addons_and_a_gift() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    cash(&hall, &admin).await;
    offered(&hall, &admin, event, Some(kind), priced("标准票", "100", "")).await;
    let along = TicketTypeInput { companion: true, ..priced("家属票", "20", "") };
    let along = offered(&hall, &admin, event, None, along).await;
    let secret = TicketTypeInput { locked: true, ..priced("嘉宾票", "0", "") };
    let secret = offered(&hall, &admin, event, None, secret).await;
    save_sale(&hall.ctx, &admin, event, &sale_of("3")).await.unwrap();
    let dinner = AddOnInput {
        name: "晚宴".into(),
        price: "50".into(),
        quota: "1".into(),
        enabled: true,
        ..AddOnInput::default()
    };
    quota::save_addon(&hall.ctx, &admin, event, None, &dinner).await.unwrap();
    let code = |code: &str, effect: &str, value: &str, unlocks, uses: &str| VoucherInput {
        code: code.into(),
        effect: effect.into(),
        value: value.into(),
        unlocks,
        uses: uses.into(),
        ..VoucherInput::default()
    };
    voucher::make(&hall.ctx, &admin, event, &code("HALF", "percent", "50", false, "1")).await.unwrap();
    voucher::make(&hall.ctx, &admin, event, &code("GUEST", "nothing", "", true, "")).await.unwrap();
    let with = |people: Vec<PersonInput>, code: &str, gift: &str| OrderInput {
        people,
        code: code.into(),
        donation: gift.into(),
        method: "cash".into(),
        ..OrderInput::default()
    };
    let mut pair = vec![person(kind, "甲", "13800000001"), person(along, "乙", "")];
    pair[0].addons = vec![domain::AddOnId(1)];
    let order = place(&hall.ctx, &visitor(), event, &with(pair.clone(), " half ", "8.88")).await.unwrap();
    assert_eq!(order.sums().total, 5_000 + 2_000 + 5_000 + 888, "the code was good for one ticket only");
    assert_eq!(order.tickets().count(), 2);
    let fields = |refused: Error| match refused {
        Error::Refused(refusal) => refusal.problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>(),
        other => panic!("{other}"),
    };
    let cases = [
        (with(vec![person(kind, "丙", "13800000003")], "HALF", ""), "code"),
        (with(vec![person(kind, "丙", "13800000003")], "NONE", ""), "code"),
        (with(vec![person(kind, "丙", "13800000003")], "", "-1"), "donation"),
        (with(vec![person(kind, "丙", "13800000003"), person(kind, "丁", "1")], "", ""), "more-1-phone"),
        (with(vec![person(kind, "丙", "13800000003"), person(kind, "丁", "13800000003")], "", ""), "more-1-phone"),
    ];
    for (input, field) in cases {
        assert_eq!(fields(place(&hall.ctx, &visitor(), event, &input).await.unwrap_err()), [field]);
    }
    let refused = |input: OrderInput| {
        let ctx = &hall.ctx;
        async move { place(ctx, &visitor(), event, &input).await.unwrap_err().code().unwrap() }
    };
    assert_eq!(refused(with(vec![person(along, "戊", "13800000005")], "", "")).await, "order.companions");
    assert_eq!(refused(with(vec![person(secret, "己", "13800000006")], "", "")).await, "ticket_type.disabled");
    assert_eq!(refused(with(vec![pair[0].clone(); 4], "", "")).await, "order.people");
    let mut late = vec![person(kind, "庚", "13800000007")];
    late[0].addons = vec![domain::AddOnId(1)];
    assert_eq!(refused(with(late, "", "")).await, "addon.sold_out");
    let guest =
        place(&hall.ctx, &visitor(), event, &with(vec![person(secret, "己", "13800000006")], "guest", "")).await;
    assert_eq!(guest.unwrap().state, OrderState::Paid);
    cancel(&hall.ctx, &admin, event, order.id, "").await.unwrap();
    let again = with(vec![person(kind, "丙", "13800000003")], "HALF", "");
    assert_eq!(
        place(&hall.ctx, &visitor(), event, &again).await.unwrap().sums().total,
        5_000,
        "a canceled use is free again"
    );
}

#[tokio::test]
async fn types_share_a_quota_and_early_prices_end_with_their_number() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    cash(&hall, &admin).await;
    let early = TicketTypeInput {
        steps: [("60".into(), String::new(), "1".into()), Default::default(), Default::default()],
        ..priced("甲类", "100", "10")
    };
    offered(&hall, &admin, event, Some(kind), early).await;
    let other = offered(&hall, &admin, event, None, priced("乙类", "", "10")).await;
    let shared = QuotaInput { name: "大厅".into(), size: "3".into(), kinds: vec![kind.0, other.0] };
    quota::save(&hall.ctx, &admin, event, None, &shared).await.unwrap();
    let first = order_one(&hall, event, kind, "甲", "13800000001").await.unwrap();
    let second = order_one(&hall, event, kind, "乙", "13800000002").await.unwrap();
    assert_eq!((first.sums().total, second.sums().total), (6_000, 10_000));
    order_one(&hall, event, other, "丙", "13800000003").await.unwrap();
    let full = order_one(&hall, event, other, "丁", "13800000004").await.unwrap_err();
    assert_eq!(full.code(), Some("ticket_type.sold_out"));
    let by_hand = registration::add(&hall.ctx, &admin, event, other, "", &named("戊", "")).await.unwrap_err();
    assert_eq!(by_hand.code(), Some("ticket_type.sold_out"), "the secretariat shares the hall too");
    assert_eq!(quota::list(&hall.ctx, &admin, event).unwrap()[0].1, 0);
}

#[tokio::test]
async fn a_single_ticket_of_an_order_is_given_up_and_passed_on() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    hall.advance(-2 * HOUR);
    save_sale(&hall.ctx, &admin, event, &sale_of("2")).await.unwrap();
    let people = vec![person(kind, "甲", "13800000001"), person(kind, "乙", "13800000002")];
    let order = place(&hall.ctx, &visitor(), event, &OrderInput { people, ..OrderInput::default() }).await.unwrap();
    let [first, second]: [domain::Ticket; 2] = tickets(&hall, &admin, &order).try_into().unwrap();
    registration::cancel(&hall.ctx, &admin, event, second.id).await.unwrap();
    assert_eq!(states(&hall, &admin, &order), [TicketState::Active, TicketState::Canceled]);
    registration::restore(&hall.ctx, &admin, event, second.id).await.unwrap();
    assert_eq!(states(&hall, &admin, &order), [TicketState::Active; 2]);
    let link = crate::token::link(&first.link);
    let to = named("丙", "13800000003");
    let fresh = transfer(&hall.ctx, &visitor(), &link, &to).await.unwrap();
    assert_eq!(transfer(&hall.ctx, &visitor(), &link, &to).await.unwrap_err().code(), Some("record.missing"));
    let passed = registration::by_link(&hall.ctx, SpaceId::ASSOCIATION, &fresh).unwrap().ticket;
    assert_eq!((passed.id, passed.name.as_str()), (first.id, "丙"));
    assert!(passed.number != first.number && passed.attend != first.attend && passed.person != first.person);
    let old = crate::checkin::redeem(&hall.ctx, &admin, event, scan(&first.number, "x")).await.unwrap();
    assert_eq!(old.verdict, Verdict::Refused(Reason::Unknown));
    cancel_own(&hall.ctx, &visitor(), &crate::token::link(&order.link)).await.unwrap();
    assert_eq!(states(&hall, &admin, &order), [TicketState::Canceled; 2]);
    let ended = cancel_own(&hall.ctx, &visitor(), &crate::token::link(&order.link)).await.unwrap_err();
    assert_eq!(ended.code(), Some("order.ended"));
}

#[tokio::test]
async fn who_waited_longest_is_offered_what_becomes_free_and_nobody_slips_in_between() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    hall.advance(-2 * HOUR);
    offered(&hall, &admin, event, Some(kind), priced("票", "", "1")).await;
    save_sale(&hall.ctx, &admin, event, &sale_of("1")).await.unwrap();
    let join = |name: &'static str, phone: &'static str| waiting::join(&hall.ctx, &PUBLIC, event, kind, name, phone);
    static PUBLIC: std::sync::LazyLock<Actor> = std::sync::LazyLock::new(visitor);
    assert_eq!(join("早", "13800000009").await.unwrap_err().code(), Some("waiting.not_open"), "there is a place");
    let order = order_one(&hall, event, kind, "甲", "13800000001").await.unwrap();
    let first = join("乙", "13800000002").await.unwrap();
    let second = join("丙", "13800000003").await.unwrap();
    assert_eq!(join("乙", "13800000002").await.unwrap(), first, "one phone waits once");
    let state = |link: &str| waiting::page(&hall.ctx, SpaceId::ASSOCIATION, link).unwrap().waiter.state;
    assert_eq!(waiting::page(&hall.ctx, SpaceId::ASSOCIATION, &second).unwrap().before, 1);
    cancel_own(&hall.ctx, &visitor(), &crate::token::link(&order.link)).await.unwrap();
    let slipped = order_one(&hall, event, kind, "丁", "13800000004").await.unwrap_err();
    assert_eq!(slipped.code(), Some("ticket_type.sold_out"), "what is free belongs to those who wait");
    assert_eq!(waiting::advance(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap(), 1);
    assert!(state(&first).holds_place() && state(&second) == WaitState::Waiting);
    hall.advance(HOUR);
    waiting::advance(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap();
    assert!(state(&first) == WaitState::Lapsed && state(&second).holds_place());
    let take = |link: &str, name: &str, phone: &str| OrderInput {
        people: vec![person(kind, name, phone)],
        waiter: link.into(),
        ..OrderInput::default()
    };
    let lapsed = place(&hall.ctx, &visitor(), event, &take(&first, "乙", "13800000002")).await.unwrap_err();
    assert_eq!(lapsed.code(), Some("waiting.no_offer"));
    let taken = place(&hall.ctx, &visitor(), event, &take(&second, "丙", "13800000003")).await.unwrap();
    assert_eq!(state(&second), WaitState::Taken(taken.id));
    let twice = place(&hall.ctx, &visitor(), event, &take(&second, "丙", "13800000003")).await.unwrap_err();
    assert_eq!(twice.code(), Some("waiting.no_offer"));
}

#[tokio::test]
async fn only_who_may_reviews_and_takes_money() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    let order = order_one(&hall, event, kind, "甲", "13800000001").await.unwrap();
    let held = |permissions: &[Permission]| Actor {
        held: permissions
            .iter()
            .map(|permission| domain::permission::Held { permission: *permission, scope: domain::Scope::Event(event) })
            .collect(),
        ..admin.clone()
    };
    let reviewer = held(&[Permission::OrderReview]);
    let other = held(&[Permission::EventView]);
    let denied = Some("permission.denied");
    assert_eq!(decide(&hall.ctx, &other, event, order.id, &Decision::Approve).await.unwrap_err().code(), denied);
    assert_eq!(get(&hall.ctx, &other, event, order.id).unwrap_err().code(), denied);
    assert!(get(&hall.ctx, &reviewer, event, order.id).is_ok());
    assert_eq!(pay(&hall.ctx, &reviewer, event, order.id, 1, &sum("1"), None).await.unwrap_err().code(), denied);
    assert_eq!(cancel(&hall.ctx, &reviewer, event, order.id, "").await.unwrap_err().code(), denied);
    let nobody = decide(&hall.ctx, &visitor(), event, order.id, &Decision::Approve).await.unwrap_err();
    assert_eq!(nobody.code(), Some("session.none"));
    let input = TicketInput::default();
    assert_eq!(transfer(&hall.ctx, &visitor(), "nonsense", &input).await.unwrap_err().code(), Some("record.missing"));
}

/// What one of the 500 does after getting a place.
async fn fate(hall: &Hall, admin: &Actor, order: &Order, dice: u64) {
    let (event, id) = (order.event, order.id);
    let done = match dice % 5 {
        0 => cancel_own(&hall.ctx, &visitor(), &crate::token::link(&order.link)).await,
        1 => decide(&hall.ctx, admin, event, id, &Decision::Refuse(String::new())).await.map(drop),
        2 => decide(&hall.ctx, admin, event, id, &Decision::Approve).await.map(drop),
        3 => match decide(&hall.ctx, admin, event, id, &Decision::Approve).await {
            Ok(order) => pay(&hall.ctx, admin, event, id, order.revision, &sum("10"), None).await.map(drop),
            Err(error) => Err(error),
        },
        _ => Ok(()),
    };
    if let Err(error) = done {
        assert!(matches!(error, Error::Refused(_)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_hundred_people_race_for_a_hundred_places_and_none_is_sold_twice_or_lost() {
    let (hall, admin) = founded().await;
    let (event, kind) = opened(&hall, &admin).await;
    cash(&hall, &admin).await;
    offered(&hall, &admin, event, Some(kind), TicketTypeInput { review: true, ..priced("票", "10", "100") }).await;
    save_sale(&hall.ctx, &admin, event, &sale_of("1")).await.unwrap();
    let (hall, admin) = (std::sync::Arc::new(hall), std::sync::Arc::new(admin));
    let held = |hall: &Hall| {
        let view = hall.ctx.store().view().space(SpaceId::ASSOCIATION);
        let count = |counter| view.count(counter, &(event, kind)).unwrap();
        count(&TICKETS_OF_TYPE) + count(&OFFERED)
    };
    let mut racing = Vec::new();
    for n in 0..500u64 {
        let (hall, admin) = (hall.clone(), admin.clone());
        racing.push(tokio::spawn(async move {
            let (name, phone) = (format!("人{n}"), format!("139{n:08}"));
            match order_one(&hall, event, kind, &name, &phone).await {
                Ok(order) => fate(&hall, &admin, &order, n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).await,
                Err(error) if error.code() == Some("ticket_type.sold_out") => {
                    // A place may have become free between the two.
                    if let Err(error) = waiting::join(&hall.ctx, &visitor(), event, kind, &name, &phone).await {
                        assert_eq!(error.code(), Some("waiting.not_open"));
                    }
                }
                Err(error) => panic!("{error}"),
            }
            if n % 50 == 0 {
                waiting::advance(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap();
            }
        }));
    }
    for one in racing {
        one.await.unwrap();
        assert!(held(&hall) <= 100, "oversold");
    }
    // The clock ends what nobody paid and hands on what nobody took, until nothing moves any more.
    for _ in 0..15 {
        hall.advance(61 * MINUTE / 4);
        expire(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap();
        waiting::advance(&hall.ctx, SpaceId::ASSOCIATION).await.unwrap();
        assert!(held(&hall) <= 100, "oversold");
    }
    let view = hall.ctx.store().view().space(SpaceId::ASSOCIATION);
    let orders: Vec<Order> =
        view.scan::<Order>(&event, None, store::Order::Ascending).map(|kept| kept.unwrap().1).collect();
    let waiters = waiting::list(&hall.ctx, &admin, event).unwrap();
    let standing = orders.iter().filter(|order| order.state.holds_places()).count() as i64;
    let offers = waiters.iter().filter(|waiter| waiter.state.holds_place()).count() as i64;
    let queue = waiters.iter().filter(|waiter| waiter.state == WaitState::Waiting).count();
    assert_eq!(standing + offers, held(&hall), "counts are a recount");
    assert!(held(&hall) == 100 || queue == 0, "{} held while {queue} wait: a place was lost", held(&hall));
    assert!(orders.iter().all(|order| order.state != OrderState::PendingPayment), "a hold did not end");
    let phones: Vec<_> =
        orders.iter().filter(|order| order.state.holds_places()).map(|order| &order.buyer.phone).collect();
    assert_eq!(phones.iter().collect::<BTreeSet<_>>().len(), phones.len());
}

//! The merchant's calls against the stand-in: every call, every documented error, every way of going wrong, and keys that change.

use super::*;
use super::{
    client::Why,
    notice::{self, Told, Unread},
    standin::{Fault, Notification, PayStandin, Speaks, State, key},
};
use crate::{Egress, Tools};
use domain::time::{DAY, HOUR, MINUTE};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

struct World {
    now: Arc<AtomicI64>,
    tools: Tools,
    egress: Egress,
    standin: PayStandin,
}

async fn world() -> World {
    let now = Arc::new(AtomicI64::new(1_795_570_200_000));
    let (clock, chance) = (now.clone(), AtomicU64::new(7));
    let tools = Tools {
        now: Arc::new(move || Time(clock.load(Ordering::SeqCst))),
        chance: Arc::new(move || chance.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst)),
    };
    let egress = Egress::new(tools.clone(), false).unwrap();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let standin = PayStandin::start(address, egress.clone(), tools.clone(), false).await.unwrap();
    World { now, tools, egress, standin }
}

fn known() -> Keys {
    let mut keys = Keys::default();
    keys.add_certificate(key::PLATFORM_SERIAL, key::PLATFORM_CERTIFICATE).unwrap();
    keys
}

impl World {
    fn merchant(&self) -> Merchant {
        Merchant {
            apps: vec![key::APPID.into()],
            mchid: key::MCHID.into(),
            serial: key::MERCHANT_SERIAL.into(),
            key: MerchantKey::read(key::MERCHANT_KEY).unwrap(),
            secret: Secret::read(key::SECRET).unwrap(),
            base: self.standin.base.clone(),
            notify: "https://hall.example.org/callback/pay".into(),
        }
    }

    fn client_of(&self, merchant: Merchant, keys: Keys) -> Client {
        Client::new(self.egress.clone(), self.tools.clone(), Arc::new(merchant), Arc::new(keys))
    }

    fn client(&self) -> Client {
        self.client_of(self.merchant(), known())
    }

    fn time(&self) -> Time {
        (self.tools.now)()
    }

    fn order<'a>(&self, number: &'a str, fen: i64) -> NewOrder<'a> {
        NewOrder {
            app: key::APPID,
            number,
            description: "年会门票",
            fen,
            until: self.time().plus(30 * MINUTE),
            openid: None,
        }
    }

    fn read(&self, keys: &Keys, told: &Notification) -> Result<Result<Told, Unread>, Unproven> {
        let header = |name: &str| told.headers.iter().find(|(kept, _)| kept == name).map(|(_, value)| value.as_str());
        let signed = Signed::of(header, told.body.as_bytes())?;
        keys.check(&signed, self.time().0 / 1_000)?;
        Ok(notice::read(&self.merchant(), told.body.as_bytes()))
    }
}

#[tokio::test]
async fn a_payment_is_asked_for_made_told_queried_and_given_back() {
    let of = world().await;
    let client = of.client();
    let code = client.order(&of.order("AB00000001-1", 10_000)).await.unwrap();
    assert!(code.starts_with(&format!("{}/pay/wx", of.standin.base)), "{code}");
    assert_eq!(client.order(&of.order("AB00000001-1", 10_000)).await.unwrap(), code, "the same again is the same");
    let other = client.order(&of.order("AB00000001-1", 9_999)).await.unwrap_err();
    assert_eq!(other.code(), "INVALID_REQUEST");
    let inside = NewOrder { openid: Some("oUser"), ..of.order("AB00000001-2", 100) };
    let parameters = client.parameters(key::APPID, &client.order(&inside).await.unwrap()).unwrap();
    assert!(parameters.package.starts_with("prepay_id=wx") && parameters.appid == key::APPID);
    assert_eq!(client.query("AB00000001-1").await.unwrap().trade_state, "NOTPAY");
    assert!(client.query("AB00000001-9").await.unwrap_err().is_missing());

    assert!(of.standin.pay("AB00000001-1", None));
    let told = of.standin.told("AB00000001-1").unwrap();
    let Told::Trade(trade) = of.read(&known(), &told).unwrap().unwrap() else { panic!() };
    assert_eq!((trade.out_trade_no.as_str(), trade.trade_state.as_str()), ("AB00000001-1", "SUCCESS"));
    assert_eq!(trade.amount, Some(TradeAmount { total: 10_000, currency: "CNY".into() }));
    assert_eq!(client.query("AB00000001-1").await.unwrap().transaction_id, trade.transaction_id);
    assert_eq!(client.order(&of.order("AB00000001-1", 10_000)).await.unwrap_err().code(), "ORDERPAID");
    assert_eq!(client.close("AB00000001-1").await.unwrap_err().code(), "ORDERPAID");

    let back = |number, fen| NewRefund { payment: "AB00000001-1", number, reason: "退票", fen, total: 10_000 };
    let taken = client.refund(&back("RAB00000001-1", 4_000)).await.unwrap();
    assert_eq!(taken.status, "PROCESSING");
    assert_eq!(client.refund(&back("RAB00000001-1", 4_000)).await.unwrap().refund_id, taken.refund_id, "once");
    assert_eq!(client.refund(&back("RAB00000001-2", 6_001)).await.unwrap_err().code(), "INVALID_REQUEST");
    let told = of.standin.refunded("RAB00000001-1", "SUCCESS").unwrap();
    let Told::Refund(facts) = of.read(&known(), &told).unwrap().unwrap() else { panic!() };
    assert_eq!((facts.status.as_str(), facts.amount), ("SUCCESS", Some(RefundAmount { refund: 4_000 })));
    assert_eq!(client.refund_query("RAB00000001-1").await.unwrap().status, "SUCCESS");
    assert_eq!(client.query("AB00000001-1").await.unwrap().trade_state, "REFUND");
}

#[tokio::test]
async fn an_openid_pays_in_its_own_app_alone_and_both_apps_of_a_merchant_are_told_apart() {
    let of = world().await;
    of.standin.bind("wxSecond");
    of.standin.tell_openids(|openid| match openid {
        "oFirst" => Some(key::APPID.into()),
        "oSecond" => Some("wxSecond".into()),
        _ => None,
    });
    let client = of.client_of(Merchant { apps: vec![key::APPID.into(), "wxSecond".into()], ..of.merchant() }, known());
    for (row, (app, openid, said)) in [
        (key::APPID, "oFirst", ""),
        ("wxSecond", "oSecond", ""),
        (key::APPID, "oSecond", "PARAM_ERROR"),
        ("wxSecond", "oFirst", "PARAM_ERROR"),
        (key::APPID, "oNobody", "PARAM_ERROR"),
        ("wxThird", "oFirst", "APPID_MCHID_NOT_MATCH"),
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("AB0000001{row}-1");
        let asked = client.order(&NewOrder { app, openid: Some(openid), ..of.order(&number, 100) }).await;
        assert_eq!(asked.as_ref().err().map_or("", |why| why.code()), said, "{app} {openid}");
        let Ok(prepay) = asked else { continue };
        assert_eq!(client.parameters(app, &prepay).unwrap().appid, app);
        assert!(of.standin.pay(&number, None));
        let told = of.standin.told(&number).unwrap();
        let read = notice::read(client.merchant(), told.body.as_bytes());
        assert!(matches!(read, Ok(Told::Trade(trade)) if trade.appid == app), "{app}");
        let alone = Merchant { apps: vec!["wxOther".into()], ..of.merchant() };
        assert_eq!(notice::read(&alone, told.body.as_bytes()), Err(Unread::Stranger));
    }
}

#[tokio::test]
async fn what_is_closed_or_too_late_cannot_be_paid() {
    let of = world().await;
    let client = of.client();
    client.order(&of.order("AB00000002-1", 100)).await.unwrap();
    client.close("AB00000002-1").await.unwrap();
    client.close("AB00000002-1").await.unwrap();
    assert!(!of.standin.pay("AB00000002-1", None));
    assert_eq!(client.query("AB00000002-1").await.unwrap().trade_state, "CLOSED");
    assert!(client.close("AB00000002-9").await.unwrap_err().is_missing());
    client.order(&of.order("AB00000002-2", 100)).await.unwrap();
    of.now.fetch_add(30 * MINUTE, Ordering::SeqCst);
    assert!(!of.standin.pay("AB00000002-2", None));
    assert_eq!(
        of.standin.book(|book| book.find("AB00000002-2", Time(i64::MAX)).map(|one| one.state)),
        Some(State::Closed)
    );
    for (number, fen) in [("x", 100), ("AB00000002-3", 0)] {
        assert_eq!(client.order(&of.order(number, fen)).await.unwrap_err().code(), "PARAM_ERROR");
    }
}

#[tokio::test]
async fn who_is_not_the_merchant_or_has_a_wrong_clock_gets_nothing() {
    let of = world().await;
    let ask = |merchant: Merchant| {
        let client = of.client_of(merchant, known());
        async move { client.query("AB00000003-1").await.unwrap_err().code().to_owned() }
    };
    assert_eq!(ask(of.merchant()).await, "ORDER_NOT_EXIST");
    let wrong = MerchantKey::read(key::NEXT_KEY).unwrap();
    assert_eq!(ask(Merchant { key: wrong, ..of.merchant() }).await, "SIGN_ERROR");
    assert_eq!(ask(Merchant { mchid: "1900000002".into(), ..of.merchant() }).await, "NO_AUTH");
    assert_eq!(ask(Merchant { serial: key::NEXT_SERIAL.into(), ..of.merchant() }).await, "SIGN_ERROR");
    of.standin.shift(301);
    assert_eq!(ask(of.merchant()).await, "SIGN_ERROR", "five minutes off");
    assert_eq!(of.client().certificates().await.unwrap_err().code(), "SIGN_ERROR");
    of.standin.shift(290);
    assert_eq!(ask(of.merchant()).await, "ORDER_NOT_EXIST");
}

#[tokio::test]
async fn answers_and_tellings_are_believed_only_when_they_are_proven() {
    let of = world().await;
    let client = of.client();
    of.standin.fault("native", Fault::Forged);
    let forged = client.order(&of.order("AB00000004-1", 100)).await.unwrap_err();
    assert_eq!(forged, Why::Unproven(Unproven::Signature));
    client.order(&of.order("AB00000004-1", 100)).await.unwrap();
    of.standin.pay("AB00000004-1", None);
    let told = of.standin.told("AB00000004-1").unwrap();
    let keys = known();
    assert!(of.read(&keys, &told).is_ok());
    let bent = Notification { body: told.body.replacen("TRANSACTION", "transaction", 1), ..told.clone() };
    let probe = told.clone().with("wechatpay-signature", "WECHATPAY/SIGNTEST/abc");
    for wrong in [bent, probe, told.clone().with("wechatpay-nonce", "other")] {
        assert_eq!(of.read(&keys, &wrong).unwrap_err(), Unproven::Signature);
    }
    of.now.fetch_add(5 * MINUTE + 1_000, Ordering::SeqCst);
    assert_eq!(of.read(&keys, &told).unwrap_err(), Unproven::Clock(301));
    of.now.fetch_add(-5 * MINUTE - 1_000, Ordering::SeqCst);
    let stranger = serde_json::json!({ "appid": "wxOther", "mchid": key::MCHID, "out_trade_no": "AB00000004-1", "trade_state": "SUCCESS" });
    let strange = of.standin.telling(&told.to, "TRANSACTION.SUCCESS", "transaction", &stranger).unwrap();
    assert_eq!(of.read(&keys, &strange).unwrap(), Err(Unread::Stranger));
    let other = of.standin.telling(&told.to, "PAYSCORE.USER_PAID", "payscore", &stranger).unwrap();
    assert_eq!(of.read(&keys, &other).unwrap(), Ok(Told::Other("PAYSCORE.USER_PAID".into())));
}

#[tokio::test]
async fn certificates_are_fetched_from_nothing_and_change_while_running() {
    let of = world().await;
    let issues = of.client_of(of.merchant(), Keys::default()).certificates().await.unwrap();
    assert_eq!(issues.iter().map(|issue| issue.serial.as_str()).collect::<Vec<_>>(), [key::PLATFORM_SERIAL]);
    of.standin.fault("certificates", Fault::Forged);
    let forged = of.client_of(of.merchant(), Keys::default()).certificates().await.unwrap_err();
    assert_eq!(forged, Why::Unproven(Unproven::Signature));
    of.standin.speak(Speaks::Next);
    let client = of.client();
    let unknown = client.order(&of.order("AB00000005-1", 100)).await.unwrap_err();
    assert_eq!(unknown, Why::Unproven(Unproven::Serial(key::NEXT_SERIAL.into())));
    let mut keys = known();
    for issue in client.certificates().await.unwrap() {
        keys.add_certificate(&issue.serial, &issue.pem).unwrap();
        assert!(issue.from < of.time() && issue.until > of.time());
    }
    let client = of.client_of(of.merchant(), keys.clone());
    client.order(&of.order("AB00000005-1", 100)).await.unwrap();
    // And to the public key, while certificates are still taken.
    of.standin.speak(Speaks::Public);
    assert_eq!(client.query("AB00000005-1").await.unwrap_err().code(), "PARAM_ERROR", "the key must be named");
    keys.add_public(key::PUBLIC_ID, key::PLATFORM_PUBLIC).unwrap();
    let client = of.client_of(of.merchant(), keys);
    client.query("AB00000005-1").await.unwrap();
    client.knock().await.unwrap();
    assert!(client.certificates().await.unwrap_err().is_missing());
    of.standin.speak(Speaks::First);
    client.query("AB00000005-1").await.unwrap();
}

#[tokio::test]
async fn troubles_tell_what_may_have_happened() {
    let of = world().await;
    let client = of.client();
    of.standin.fault("native", Fault::Status(500));
    assert!(matches!(client.order(&of.order("AB00000006-1", 100)).await, Err(Why::Unknown(_))));
    for (number, fault) in [("AB00000006-2", Fault::DoneThenStatus(502)), ("AB00000006-3", Fault::DoneThenCut)] {
        of.standin.fault("native", fault);
        assert!(matches!(client.order(&of.order(number, 100)).await, Err(Why::Unknown(_))), "{fault:?}");
        assert_eq!(client.query(number).await.unwrap().trade_state, "NOTPAY", "it was done");
        client.order(&of.order(number, 100)).await.unwrap();
    }
    of.standin.fault("native", Fault::Status(429));
    assert!(matches!(client.order(&of.order("AB00000006-4", 100)).await, Err(Why::Not(_))));
}

#[tokio::test]
async fn bills_are_fetched_checked_by_their_hash_and_say_what_happened() {
    let of = world().await;
    let client = of.client();
    client.order(&of.order("AB00000007-1", 12_345)).await.unwrap();
    of.standin.pay("AB00000007-1", None);
    client
        .refund(&NewRefund { payment: "AB00000007-1", number: "RAB00000007-1", reason: "", fen: 45, total: 12_345 })
        .await
        .unwrap();
    assert_eq!(client.trade_bill("2026-11-25").await.unwrap_err().code(), "PARAM_ERROR", "the day is not over");
    of.now.fetch_add(DAY + 2 * HOUR, Ordering::SeqCst);
    let bill = client.trade_bill("2026-11-25").await.unwrap();
    let rows: Vec<_> = bill.rows.iter().map(|row| (row.number(), row.fen)).collect();
    assert_eq!(rows, [("AB00000007-1", 12_345), ("RAB00000007-1", 45)]);
    let funds = client.fund_bill("2026-11-25").await.unwrap();
    assert_eq!((funds.income, funds.outgo), (12_345, 45));
    assert!(client.trade_bill("2026-11-24").await.unwrap_err().is_missing());
    // Between the hash and the file something changes: the file is not believed.
    let before = of.standin.book(|book| book.orders.clone());
    of.standin.fault("billdownload", Fault::Status(500));
    assert!(client.trade_bill("2026-11-25").await.is_ok(), "a file is asked for again");
    assert_eq!(before.len(), 1);
}

#[test]
fn a_packed_bill_is_unpacked_and_never_longer_than_allowed() {
    use std::io::Write;
    let packed = |text: &[u8]| {
        let mut packing = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packing.write_all(text).unwrap();
        packing.finish().unwrap()
    };
    assert_eq!(file::unpacked(&packed(b"bill"), 4).unwrap(), b"bill");
    assert_eq!(file::unpacked(b"bill", 4).unwrap(), b"bill", "as it is");
    assert!(file::unpacked(&packed(&[b'x'; 100_000]), 99_999).is_err(), "a bill that grows without end");
    let mut bent = packed(b"bill");
    let last = bent.len() - 1;
    bent[last] ^= 1;
    assert!(file::unpacked(&bent, 100).is_err() && file::unpacked(&bent[..12], 100).is_err());
}

#[test]
fn a_file_that_is_not_what_its_hash_says_is_not_believed() {
    assert!(client::is_hash("A9993E364706816ABA3E25717850C26C9CD0D89D", b"abc"));
    assert!(!client::is_hash("a9993e364706816aba3e25717850c26c9cd0d89d", b"abd"));
}

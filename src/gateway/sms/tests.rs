//! Signatures against the providers' published examples, and both clients against a stand-in that verifies what it is sent.

use super::{standin::Providers, *};
use crate::egress::Tools;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

#[test]
fn signatures_are_those_of_the_providers_examples() {
    let query = [("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"), ("RegionId", "cn-shanghai")];
    let empty = sha256(b"");
    let headers = [
        ("host", "ecs.cn-shanghai.aliyuncs.com"),
        ("x-acs-action", "RunInstances"),
        ("x-acs-content-sha256", empty.as_str()),
        ("x-acs-date", "2023-10-26T10:22:32Z"),
        ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
        ("x-acs-version", "2014-05-26"),
    ];
    let signed = aliyun::Signed { method: "POST", query: &query, headers: &headers, body: b"" };
    assert_eq!(signed.canonical_hash().0, "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259");
    let header = signed.authorization("YourAccessKeyId", "YourAccessKeySecret");
    assert!(header.ends_with("Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"), "{header}");
    let body = br#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
    let signed = tencent::Signed { service: "cvm", host: "cvm.tencentcloudapi.com", seconds: 1_551_113_065, body };
    assert_eq!(signed.canonical_hash(), "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031");
    let signature = signed.signature("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE");
    assert_eq!(signature, "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168");
    assert_eq!(crate::address::encoded("a b*~/张"), "a%20b%2A~%2F%E5%BC%A0");
}

struct Bench {
    egress: Egress,
    providers: Providers,
    standin: crate::standin::Standin,
    hands: Arc<AtomicI64>,
    count: std::cell::Cell<u32>,
}

async fn bench() -> Bench {
    let hands = Arc::new(AtomicI64::new(1_795_570_200_000));
    let clock = hands.clone();
    let now: Arc<dyn Fn() -> Time + Send + Sync> = Arc::new(move || Time(clock.load(Ordering::SeqCst)));
    let providers = Providers::new(now.clone());
    let standin = providers.start().await.unwrap();
    let egress = Egress::new(Tools { now, chance: Arc::new(|| 0) }, false).unwrap();
    Bench { egress, providers, standin, hands, count: std::cell::Cell::new(0) }
}

impl Bench {
    fn account(&self, provider: SmsProvider) -> Account {
        Account {
            provider,
            base: self.standin.base.clone(),
            key_id: standin::KEY_ID.into(),
            secret: standin::SECRET.into(),
            app: standin::APP.into(),
            sign: standin::SIGN.into(),
        }
    }

    fn stamp(&self) -> Stamp {
        self.count.set(self.count.get() + 1);
        Stamp { now: Time(self.hands.load(Ordering::SeqCst)), nonce: format!("n{}", self.count.get()) }
    }
}

fn sms(phone: &str, template: &str) -> Sms {
    let values = vec![("name".to_owned(), "张三".to_owned()), ("code".to_owned(), "A*1 &".to_owned())];
    Sms { phone: phone.into(), template: template.into(), values, ours: "7".into() }
}

#[tokio::test]
async fn both_providers_take_a_message_and_tell_what_became_of_it() {
    let bench = bench().await;
    for (provider, template, values) in [
        (SmsProvider::Aliyun, "SMS_1", vec!["code=A*1 &", "name=张三"]),
        (SmsProvider::Tencent, "110", vec!["张三", "A*1 &"]),
    ] {
        let account = bench.account(provider);
        let message = sms("+8613800000001", template);
        let reference = account.send(&bench.egress, &message, &bench.stamp()).await.unwrap();
        let taken = bench.providers.taken().pop().unwrap();
        assert_eq!((taken.reference.as_str(), taken.phone.as_str()), (reference.as_str(), "+8613800000001"));
        assert_eq!((taken.values, taken.ours.as_str()), (values.iter().map(|v| (*v).to_owned()).collect(), "7"));
        let at = bench.stamp().now;
        let became = account.ask(&bench.egress, "+8613800000001", &reference, at, &bench.stamp()).await.unwrap();
        assert_eq!(became, Delivery::Delivered);
        let unknown = account.ask(&bench.egress, "+8613800000009", "x", at, &bench.stamp()).await.unwrap();
        assert_eq!(unknown, Delivery::Pending);
    }
    let aliyun = bench.account(SmsProvider::Aliyun);
    assert_eq!(aliyun.left(&bench.egress, &bench.stamp()).await.unwrap(), None);
    let wrong = Account { secret: "wrong".into(), ..aliyun };
    assert_eq!(wrong.left(&bench.egress, &bench.stamp()).await.unwrap_err().done, Done::Refused);
    assert_eq!(bench.account(SmsProvider::Tencent).left(&bench.egress, &bench.stamp()).await.unwrap(), Some(9_998));
}

#[tokio::test]
async fn what_a_provider_refuses_is_told_apart_from_what_passes_and_from_what_nobody_knows() {
    let bench = bench().await;
    let cases = [
        (SmsProvider::Aliyun, "isv.BUSINESS_LIMIT_CONTROL", Done::Not),
        (SmsProvider::Aliyun, "isv.MOBILE_NUMBER_ILLEGAL", Done::Refused),
        (SmsProvider::Aliyun, "isv.AMOUNT_NOT_ENOUGH", Done::Not),
        (SmsProvider::Aliyun, "isp.RAM_PERMISSION_DENY", Done::Refused),
        (SmsProvider::Tencent, "LimitExceeded.PhoneNumberDailyLimit", Done::Not),
        (SmsProvider::Tencent, "FailedOperation.PhoneNumberInBlacklist", Done::Refused),
        (SmsProvider::Tencent, "FailedOperation.InsufficientBalanceInSmsPackage", Done::Not),
        (SmsProvider::Tencent, "InternalError.Timeout", Done::Unknown),
    ];
    for (provider, code, done) in cases {
        bench.providers.refuse("+8613800000001", code);
        let template = if provider == SmsProvider::Aliyun { "SMS_1" } else { "110" };
        let answer =
            bench.account(provider).send(&bench.egress, &sms("+8613800000001", template), &bench.stamp()).await;
        assert_eq!(answer.unwrap_err().done, done, "{code}");
    }
    for provider in [SmsProvider::Aliyun, SmsProvider::Tencent] {
        let account = bench.account(provider);
        let template = if provider == SmsProvider::Aliyun { "SMS_1" } else { "110" };
        let to = sms("+8613800000002", template);
        let wrong = Account { secret: "wrong".into(), ..account.clone() };
        assert_eq!(wrong.send(&bench.egress, &to, &bench.stamp()).await.unwrap_err().done, Done::Refused);
        let unsigned = Account { sign: "别人".into(), ..account.clone() };
        assert_eq!(unsigned.send(&bench.egress, &to, &bench.stamp()).await.unwrap_err().done, Done::Refused);
        let late =
            Stamp { now: bench.stamp().now.plus(-20 * domain::time::MINUTE), nonce: format!("late {provider:?}") };
        assert_eq!(account.send(&bench.egress, &to, &late).await.unwrap_err().done, Done::Not, "a clock that is off");
        bench.providers.fail(1);
        assert_eq!(account.send(&bench.egress, &to, &bench.stamp()).await.unwrap_err().done, Done::Unknown);
        let before = bench.providers.taken().len();
        bench.providers.cut();
        assert_eq!(account.send(&bench.egress, &to, &bench.stamp()).await.unwrap_err().done, Done::Unknown);
        assert_eq!(bench.providers.taken().len(), before + 1, "it was taken all the same");
    }
    let account = bench.account(SmsProvider::Aliyun);
    let stamp = bench.stamp();
    let to = sms("+8613800000003", "SMS_1");
    account.send(&bench.egress, &to, &stamp).await.unwrap();
    assert_eq!(account.send(&bench.egress, &to, &stamp).await.unwrap_err().done, Done::Not, "a nonce is used once");
    assert!(!format!("{account:?}").contains("standin-secret"));
}

#[test]
fn reports_of_both_providers_are_read_and_nothing_else() {
    let aliyun = br#"[{"phone_number":"13800000001","success":true,"biz_id":"9^1","out_id":"7","err_code":"DELIVERED"},
        {"phone_number":"13800000002","success":false,"biz_id":"9^2","err_code":"MK:0013"}]"#;
    let read = reports(aliyun).unwrap();
    assert_eq!(
        read[0],
        Report { reference: "9^1".into(), phone: "+8613800000001".into(), delivery: Delivery::Delivered }
    );
    assert_eq!(read[1].delivery, Delivery::Failed("MK:0013".into()));
    let tencent = br#"[{"user_receive_time":"2026-11-25 10:00:00","nationcode":"86","mobile":"13800000001","report_status":"FAIL","errmsg":"MI:0024","sid":"8:1"}]"#;
    let read = reports(tencent).unwrap();
    assert_eq!((read[0].reference.as_str(), read[0].phone.as_str()), ("8:1", "+8613800000001"));
    assert_eq!(read[0].delivery, Delivery::Failed("MI:0024".into()));
    for wrong in [&b"{}"[..], b"[1]", b"[{\"success\":true}]", b"x", b"[{\"report_status\":\"SUCCESS\"}]"] {
        assert!(reports(wrong).is_none());
    }
}

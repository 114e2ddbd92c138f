//! The calls that a merchant makes. Each is signed anew, each good answer is proven, and what went wrong is a value that tells whether
//! anything may have happened.

use super::{
    Merchant, RefundFacts, Trade,
    crypto::{Keys, Signed, Unproven, authorization, pay_text, request_text},
    file, time, time_text,
};
use crate::{Call, Done, Egress, Reply, Tools, Trouble};
use domain::Time;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;

/// Why a call did not do what it was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Certainly nothing happened; it may be tried again.
    Not(String),
    /// It may have happened: ask before trying again with another number.
    Unknown(String),
    /// WeChat said no: its code and its words.
    Refused(String, String),
    /// The answer is not proven to come from WeChat; what was asked may have happened.
    Unproven(Unproven),
    /// Our own keys do not do.
    Setup(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Not(why) | Self::Unknown(why) | Self::Setup(why) => f.write_str(why),
            Self::Refused(code, words) => write!(f, "{code}: {words}"),
            Self::Unproven(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for Why {}

impl Why {
    /// WeChat's code, when it said no.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(code, _) => code,
            Self::Not(_) | Self::Unknown(_) | Self::Unproven(_) | Self::Setup(_) => "",
        }
    }

    /// There is no such payment, refund or bill at WeChat.
    pub fn is_missing(&self) -> bool {
        matches!(self.code(), "ORDER_NOT_EXIST" | "RESOURCE_NOT_EXISTS" | "NO_STATEMENT_EXIST" | "ORDERNOTEXIST")
    }
}

/// An order to be paid.
#[derive(Debug, Clone)]
pub struct NewOrder<'a> {
    /// The app that it is paid in; an openid is good in its own app alone.
    pub app: &'a str,
    /// Our number.
    pub number: &'a str,
    /// What the buyer reads, at most 127 characters.
    pub description: &'a str,
    /// Fen, at least 1.
    pub fen: i64,
    /// Until when it can be paid.
    pub until: Time,
    /// Whose phone pays; none: by QR code.
    pub openid: Option<&'a str>,
}

/// Money to be given back.
#[derive(Debug, Clone)]
pub struct NewRefund<'a> {
    /// Our number of the payment.
    pub payment: &'a str,
    /// Our number of the refund.
    pub number: &'a str,
    /// What the buyer reads, at most 80 characters.
    pub reason: &'a str,
    /// Fen that go back.
    pub fen: i64,
    /// Fen that were paid.
    pub total: i64,
}

/// A platform certificate as it was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its serial number.
    pub serial: String,
    /// It (PEM).
    pub pem: String,
    /// From when it is good.
    pub from: Time,
    /// Until when.
    pub until: Time,
}

/// What a phone inside WeChat needs to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayParameters {
    /// Of the mini-program or official account.
    pub appid: String,
    /// Seconds, as text.
    pub timestamp: String,
    /// Random.
    pub nonce: String,
    /// `prepay_id=…`.
    pub package: String,
    /// Always by `RSA`.
    pub signature: String,
}

/// A merchant that speaks. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    egress: Egress,
    tools: Tools,
    merchant: Arc<Merchant>,
    keys: Arc<Keys>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct BillPlace {
    hash_type: String,
    hash_value: String,
    download_url: String,
}

#[derive(Deserialize)]
struct Certificates {
    data: Vec<Certificate>,
}

#[derive(Deserialize)]
struct Certificate {
    serial_no: String,
    effective_time: String,
    expire_time: String,
    encrypt_certificate: Sealed,
}

#[derive(Deserialize)]
struct Sealed {
    nonce: String,
    #[serde(default)]
    associated_data: String,
    ciphertext: String,
}

fn unreadable(why: impl fmt::Display) -> Why {
    Why::Unknown(format!("the answer cannot be read: {why}"))
}

/// What a call without a good answer came to.
fn judged(trouble: &Trouble) -> Why {
    let told = trouble.reply.as_ref().and_then(|reply| serde_json::from_slice::<Failure>(&reply.body).ok());
    let cut = |text: &str| text.chars().take(200).collect::<String>();
    match (trouble.done, told) {
        (Done::Refused, Some(told)) if !told.code.is_empty() => Why::Refused(cut(&told.code), cut(&told.message)),
        (Done::Refused, _) => Why::Refused("REFUSED".into(), trouble.why.clone()),
        (Done::Not, _) => Why::Not(trouble.why.clone()),
        (Done::Unknown, _) => Why::Unknown(trouble.why.clone()),
    }
}

impl Client {
    /// A merchant with the keys that prove WeChat's answers.
    pub fn new(egress: Egress, tools: Tools, merchant: Arc<Merchant>, keys: Arc<Keys>) -> Self {
        Self { egress, tools, merchant, keys }
    }

    /// Whose payments they are.
    pub fn merchant(&self) -> &Merchant {
        &self.merchant
    }

    /// Whether WeChat signed what came in, at `now` (seconds since the epoch).
    pub fn prove(&self, signed: &Signed<'_>, now: i64) -> Result<(), Unproven> {
        self.keys.check(signed, now)
    }

    fn now(&self) -> i64 {
        (self.tools.now)().0.div_euclid(1_000)
    }

    fn nonce(&self) -> String {
        format!("{:016X}{:016X}", (self.tools.chance)(), (self.tools.chance)())
    }

    /// Signs a request as it will be sent.
    fn signed(&self, call: Call, method: &str, target: &str, body: &[u8]) -> Result<Call, Why> {
        let (now, nonce) = (self.now(), self.nonce());
        let text = request_text(method, target, now, &nonce, body);
        let signature = self.merchant.key.sign(&text).map_err(|error| Why::Setup(error.to_string()))?;
        let header = authorization(&self.merchant.mchid, &self.merchant.serial, &nonce, now, &signature);
        let call = call.header("authorization", &header).header("accept", "application/json");
        Ok(match self.keys.public_id() {
            Some(id) => call.header("wechatpay-serial", id),
            None => call,
        })
    }

    async fn send(&self, label: &'static str, method: &str, target: &str, body: Option<&Value>) -> Result<Reply, Why> {
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let call = match body {
            Some(_) => Call::post(label, &self.merchant.base, target, "application/json", bytes.clone()),
            None => Call::get(label, &self.merchant.base, target),
        };
        let call = self.signed(call, method, target, bytes.as_bytes())?;
        self.egress.send(call).await.map_err(|trouble| judged(&trouble))
    }

    /// Whether WeChat signed the answer.
    fn proven(&self, keys: &Keys, reply: &Reply) -> Result<(), Why> {
        let signed = Signed::of(|name| reply.header(name), &reply.body).map_err(Why::Unproven)?;
        keys.check(&signed, self.now()).map_err(Why::Unproven)
    }

    async fn ask(&self, label: &'static str, method: &str, target: &str, body: Option<&Value>) -> Result<Reply, Why> {
        let reply = self.send(label, method, target, body).await?;
        self.proven(&self.keys, &reply)?;
        Ok(reply)
    }

    /// Asks for a payment: what the QR code holds, or the number of the prepared payment. The same number with the same content may be
    /// asked for again.
    pub async fn order(&self, order: &NewOrder<'_>) -> Result<String, Why> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(alias = "code_url")]
            prepay_id: String,
        }
        let mut body = json!({
            "appid": order.app,
            "mchid": self.merchant.mchid,
            "description": order.description.chars().take(127).collect::<String>(),
            "out_trade_no": order.number,
            "notify_url": self.merchant.notify,
            "time_expire": time_text(order.until),
            "amount": { "total": order.fen, "currency": "CNY" },
        });
        let target = match (order.openid, body.as_object_mut()) {
            (Some(openid), Some(body)) => {
                body.insert("payer".into(), json!({ "openid": openid }));
                "/v3/pay/transactions/jsapi"
            }
            _ => "/v3/pay/transactions/native",
        };
        let reply = self.ask("pay.order", "POST", target, Some(&body)).await?;
        reply.json::<Answer>().map(|answer| answer.prepay_id).map_err(unreadable)
    }

    /// What a phone needs for a payment that was prepared for that app.
    pub fn parameters(&self, app: &str, prepay: &str) -> Result<PayParameters, Why> {
        let (timestamp, nonce) = (self.now().to_string(), self.nonce());
        let package = format!("prepay_id={prepay}");
        let text = pay_text(app, &timestamp, &nonce, &package);
        let signature = self.merchant.key.sign(&text).map_err(|error| Why::Setup(error.to_string()))?;
        Ok(PayParameters { appid: app.to_owned(), timestamp, nonce, package, signature })
    }

    /// How a payment stands.
    pub async fn query(&self, number: &str) -> Result<Trade, Why> {
        let target = format!("/v3/pay/transactions/out-trade-no/{number}?mchid={}", self.merchant.mchid);
        self.ask("pay.query", "GET", &target, None).await?.json().map_err(unreadable)
    }

    /// Closes a payment that nobody made.
    pub async fn close(&self, number: &str) -> Result<(), Why> {
        let target = format!("/v3/pay/transactions/out-trade-no/{number}/close");
        let body = json!({ "mchid": self.merchant.mchid });
        self.ask("pay.close", "POST", &target, Some(&body)).await.map(drop)
    }

    /// Gives money back. Sent again under the same number, it gives it back once.
    pub async fn refund(&self, refund: &NewRefund<'_>) -> Result<RefundFacts, Why> {
        let mut body = json!({
            "out_trade_no": refund.payment,
            "out_refund_no": refund.number,
            "notify_url": self.merchant.notify,
            "amount": { "refund": refund.fen, "total": refund.total, "currency": "CNY" },
        });
        if let (false, Some(body)) = (refund.reason.is_empty(), body.as_object_mut()) {
            body.insert("reason".into(), refund.reason.chars().take(80).collect::<String>().into());
        }
        self.ask("pay.refund", "POST", "/v3/refund/domestic/refunds", Some(&body)).await?.json().map_err(unreadable)
    }

    /// How a refund stands.
    pub async fn refund_query(&self, number: &str) -> Result<RefundFacts, Why> {
        let target = format!("/v3/refund/domestic/refunds/{number}");
        self.ask("pay.refund_query", "GET", &target, None).await?.json().map_err(unreadable)
    }

    /// The platform certificates of now. The answer is proven by one that it delivers, or by one that is known: that is how it begins.
    pub async fn certificates(&self) -> Result<Vec<Issue>, Why> {
        let reply = self.send("pay.certificates", "GET", "/v3/certificates", None).await?;
        let delivered: Certificates = reply.json().map_err(unreadable)?;
        let (mut issues, mut keys) = (Vec::new(), self.keys.as_ref().clone());
        for one in delivered.data.iter().take(20) {
            let sealed = &one.encrypt_certificate;
            let plain = self.merchant.secret.open(&sealed.nonce, &sealed.associated_data, &sealed.ciphertext);
            let plain = plain.map_err(|shut| Why::Setup(shut.to_string()))?;
            let pem = String::from_utf8(plain).map_err(unreadable)?;
            let (from, until) = (time(&one.effective_time), time(&one.expire_time));
            let (Some(from), Some(until)) = (from, until) else { return Err(unreadable("a certificate's time")) };
            keys.add_certificate(&one.serial_no, &pem).map_err(unreadable)?;
            issues.push(Issue { serial: one.serial_no.to_ascii_uppercase(), pem, from, until });
        }
        self.proven(&keys, &reply)?;
        Ok(issues)
    }

    /// Whether WeChat knows us and we it: asks for a payment that there is none of. WeChat must say so, and sign it.
    pub async fn knock(&self) -> Result<(), Why> {
        let target = format!("/v3/pay/transactions/out-trade-no/HUIGUAN-NONE?mchid={}", self.merchant.mchid);
        let call = self.signed(Call::get("pay.knock", &self.merchant.base, &target), "GET", &target, b"")?;
        match self.egress.send(call).await {
            Ok(reply) => self.proven(&self.keys, &reply),
            Err(trouble) => {
                let why = judged(&trouble);
                match &trouble.reply {
                    Some(reply) if why.is_missing() => self.proven(&self.keys, reply),
                    _ => Err(why),
                }
            }
        }
    }

    async fn bill(&self, target: &str) -> Result<String, Why> {
        let place: BillPlace = self.ask("pay.bill", "GET", target, None).await?.json().map_err(unreadable)?;
        let cut = place.download_url.find("://").and_then(|at| {
            let host = place.download_url.get(at + 3..)?.find('/')?;
            place.download_url.split_at_checked(at + 3 + host)
        });
        let (base, target) = cut.ok_or_else(|| unreadable("no address of the bill"))?;
        let call = Call::get("pay.bill_file", base, target).answer_max(BILL_MAX);
        let call = self.signed(call, "GET", target, b"")?;
        // The file is not signed; its hash came with an answer that was.
        let reply = self.egress.send(call).await.map_err(|trouble| judged(&trouble))?;
        let body = file::unpacked(&reply.body, BILL_MAX).map_err(|file::Unreadable(why)| unreadable(why))?;
        // The hash is of the file as it is read, not of what was sent.
        if !place.hash_type.eq_ignore_ascii_case("SHA1") || !is_hash(&place.hash_value, &body) {
            return Err(Why::Unknown("the bill is not what its hash says".into()));
        }
        String::from_utf8(body).map_err(unreadable)
    }

    /// What was traded on a day (`2026-11-25`, in China).
    pub async fn trade_bill(&self, day: &str) -> Result<file::TradeBill, Why> {
        let text = self.bill(&format!("/v3/bill/tradebill?bill_date={day}&bill_type=ALL&tar_type=GZIP")).await?;
        file::trade(&text).map_err(|file::Unreadable(why)| unreadable(why))
    }

    /// What came into and went out of the account on a day.
    pub async fn fund_bill(&self, day: &str) -> Result<file::FundBill, Why> {
        let text =
            self.bill(&format!("/v3/bill/fundflowbill?bill_date={day}&account_type=BASIC&tar_type=GZIP")).await?;
        file::fund(&text).map_err(|file::Unreadable(why)| unreadable(why))
    }
}

/// Largest bill that is read.
const BILL_MAX: usize = 64 << 20;

pub(super) fn is_hash(hash: &str, body: &[u8]) -> bool {
    let found = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, body);
    data_encoding::HEXLOWER.encode(found.as_ref()) == hash.to_ascii_lowercase()
}

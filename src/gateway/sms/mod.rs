//! Text messages by the two large providers of the mainland. Both send only approved templates under an approved signature, and neither knows
//! a message by a key: what may have been sent must not be handed over again without a person's word.

pub mod aliyun;
pub mod standin;
pub mod tencent;

use crate::egress::{Done, Egress, Trouble};
use domain::{Time, message::SmsProvider};
use std::fmt;

/// An account with a provider.
#[derive(Clone)]
pub struct Account {
    /// Which provider.
    pub provider: SmsProvider,
    /// Where it is called; the provider's own address unless the settings say otherwise.
    pub base: String,
    /// Id of the key.
    pub key_id: String,
    /// The key.
    pub secret: String,
    /// Number of the application; Tencent's only.
    pub app: String,
    /// The approved signature.
    pub sign: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.provider, self.base)
    }
}

/// One message to one number.
#[derive(Clone)]
pub struct Sms {
    /// Number in E.164.
    pub phone: String,
    /// Id of the approved template.
    pub template: String,
    /// Values of the template: name and value, in the template's order.
    pub values: Vec<(String, String)>,
    /// Our own number of it, which reports carry.
    pub ours: String,
}

/// What is needed to sign: the instant, and a number that is used once.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The instant.
    pub now: Time,
    /// Letters and digits that were never used before.
    pub nonce: String,
}

/// What became of a message after the provider took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing is known yet.
    Pending,
    /// The phone got it.
    Delivered,
    /// It did not get there, with the network's code.
    Failed(String),
}

/// A report that a provider brings: the number it gave the message, ours where it carries it, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The provider's number.
    pub reference: String,
    /// Number in E.164.
    pub phone: String,
    /// What became of it.
    pub delivery: Delivery,
}

impl Account {
    /// Hands a message over; answers the provider's number of it.
    pub async fn send(&self, egress: &Egress, sms: &Sms, stamp: &Stamp) -> Result<String, Trouble> {
        match self.provider {
            SmsProvider::Aliyun => aliyun::send(self, egress, sms, stamp).await,
            SmsProvider::Tencent => tencent::send(self, egress, sms, stamp).await,
        }
    }

    /// Asks what became of a message that was sent at that time.
    pub async fn ask(
        &self,
        egress: &Egress,
        phone: &str,
        reference: &str,
        sent_at: Time,
        stamp: &Stamp,
    ) -> Result<Delivery, Trouble> {
        match self.provider {
            SmsProvider::Aliyun => aliyun::ask(self, egress, (phone, reference), sent_at, stamp).await,
            SmsProvider::Tencent => tencent::ask(self, egress, (phone, reference), sent_at, stamp).await,
        }
    }

    /// What is left: how many messages of the packages that were bought; none where the provider does not tell.
    pub async fn left(&self, egress: &Egress, stamp: &Stamp) -> Result<Option<i64>, Trouble> {
        match self.provider {
            // It tells no balance; a question about nobody tries address, key and clock all the same.
            SmsProvider::Aliyun => {
                aliyun::ask(self, egress, ("+8613800000000", "none"), stamp.now, stamp).await.map(|_| None)
            }
            SmsProvider::Tencent => tencent::left(self, egress, stamp).await.map(Some),
        }
    }
}

/// What a provider's error code means for the message.
fn meaning(code: &str, message: &str) -> Trouble {
    // Limits of frequency and clocks that are off pass by themselves; everything else is the same an hour later.
    let passing = [
        "isv.BUSINESS_LIMIT_CONTROL",
        "isv.DAY_LIMIT_CONTROL",
        "isv.SMS_TEST_NUMBER_LIMIT",
        "isp.SYSTEM_ERROR",
        "isp.GATEWAY_ERROR",
        "Throttling",
        "InvalidTimeStamp.Expired",
        "SignatureNonceUsed",
        "LimitExceeded",
        "RequestLimitExceeded",
        "AuthFailure.SignatureExpire",
        "isv.AMOUNT_NOT_ENOUGH",
        "isv.OUT_OF_SERVICE",
        "FailedOperation.InsufficientBalanceInSmsPackage",
    ];
    // The provider failed in the middle of it: it may have gone out.
    let unclear = ["InternalError", "isp.UNKNOWN_ERR_CODE", "ServiceUnavailable"];
    let starts = |list: &[&str]| list.iter().any(|known| code == *known || code.starts_with(&format!("{known}.")));
    let done = match (starts(&passing), starts(&unclear)) {
        (true, _) => Done::Not,
        (_, true) => Done::Unknown,
        _ => Done::Refused,
    };
    let short: String = message.chars().take(120).collect();
    Trouble::new(done, format!("{code}: {short}"))
}

/// Reads the reports that a provider posts; both send an array of objects, with names of their own.
pub fn reports(body: &[u8]) -> Option<Vec<Report>> {
    let parsed: serde_json::Value = serde_json::from_slice(body).ok()?;
    let all = parsed.as_array()?;
    all.iter().take(REPORTS_MAX).map(|one| aliyun::report(one).or_else(|| tencent::report(one))).collect()
}

/// Most reports of one post.
const REPORTS_MAX: usize = 1_000;

fn text<'a>(of: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    of.get(name).and_then(serde_json::Value::as_str)
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

fn sha256(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

fn hmac(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key), bytes).as_ref().to_vec()
}

/// The host that a base address's requests carry.
fn authority(base: &str) -> String {
    let rest = base.split_once("://").map_or(base, |(_, rest)| rest);
    rest.split('/').next().unwrap_or("").to_owned()
}

/// The number as a provider at home wants it: mainland numbers without their country code.
fn national(phone: &str) -> &str {
    phone.strip_prefix("+86").unwrap_or_else(|| phone.trim_start_matches('+'))
}

#[cfg(test)]
mod tests;

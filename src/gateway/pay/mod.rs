//! WeChat Pay APIv3: signing, proving, the calls that a merchant makes, notifications and bills; and a stand-in of the whole.
//! Amounts are whole fen but in bills, times are RFC 3339. Knows no order of ours, only their numbers.

pub mod client;
pub mod crypto;
pub mod file;
pub mod notice;
pub mod standin;

pub use client::{Client, Issue, NewOrder, NewRefund, Why};
pub use crypto::{Keys, MerchantKey, Secret, Signed, Unproven};

use domain::Time;
use serde::Deserialize;

/// Whose payments they are, and the keys that say so. Nothing of it shows in logs.
#[derive(Debug)]
pub struct Merchant {
    /// Of the mini-program and the official account that the merchant's number is bound to; at least one.
    pub apps: Vec<String>,
    /// The merchant's number.
    pub mchid: String,
    /// Serial number of the merchant's certificate.
    pub serial: String,
    /// The merchant's key.
    pub key: MerchantKey,
    /// The APIv3 key.
    pub secret: Secret,
    /// Where WeChat Pay answers.
    pub base: String,
    /// Where it is to send notifications.
    pub notify: String,
}

/// A payment as WeChat knows it, asked for or told.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Trade {
    /// Whose.
    #[serde(default)]
    pub appid: String,
    /// Whose.
    #[serde(default)]
    pub mchid: String,
    /// Our number.
    pub out_trade_no: String,
    /// WeChat's number; missing before it was paid.
    #[serde(default)]
    pub transaction_id: Option<String>,
    /// `SUCCESS`, `REFUND`, `NOTPAY`, `CLOSED`, `REVOKED`, `USERPAYING`, `PAYERROR`.
    pub trade_state: String,
    /// When it was paid.
    #[serde(default)]
    pub success_time: Option<String>,
    /// How much.
    #[serde(default)]
    pub amount: Option<TradeAmount>,
}

/// How much a payment is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TradeAmount {
    /// In fen.
    pub total: i64,
    /// Its code.
    #[serde(default = "cny")]
    pub currency: String,
}

fn cny() -> String {
    "CNY".into()
}

/// A refund as WeChat knows it, asked for or told. The state has one name in answers and another in notifications.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RefundFacts {
    /// Whose; only in notifications.
    #[serde(default)]
    pub mchid: Option<String>,
    /// Our number.
    pub out_refund_no: String,
    /// WeChat's number.
    #[serde(default)]
    pub refund_id: String,
    /// `SUCCESS`, `CLOSED`, `PROCESSING`, `ABNORMAL`.
    #[serde(alias = "refund_status")]
    pub status: String,
    /// What account it went to.
    #[serde(default)]
    pub user_received_account: String,
    /// When it arrived.
    #[serde(default)]
    pub success_time: Option<String>,
    /// When WeChat took it; only in answers.
    #[serde(default)]
    pub create_time: Option<String>,
    /// How much.
    #[serde(default)]
    pub amount: Option<RefundAmount>,
}

/// How much a refund is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RefundAmount {
    /// What goes back, in fen.
    pub refund: i64,
}

/// Reads an RFC 3339 time.
pub fn time(text: &str) -> Option<Time> {
    text.parse::<jiff::Timestamp>().ok().map(|at| Time(at.as_millisecond()))
}

/// Writes a time as WeChat wants it: to the second, in China's zone.
pub fn time_text(at: Time) -> String {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    at.zoned(&zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod test;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_as_wechat_writes_them_and_back() {
        let at = Time(1_795_570_200_000);
        assert_eq!(time_text(at), "2026-11-25T09:30:00+08:00");
        assert_eq!((time("2026-11-25T09:30:00+08:00"), time("2026-11-25T01:30:00Z")), (Some(at), Some(at)));
        assert_eq!(time("yesterday"), None);
    }
}

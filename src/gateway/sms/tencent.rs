//! Tencent Cloud's short message service (sms, version 2021-01-11), signed by TC3-HMAC-SHA256.
//! Source: cloud.tencent.com, documents api/382/55981 (SendSms), 382/52067 (PullSmsSendStatusByPhoneNumber), 382/59177 (error codes).

use super::{Account, Delivery, Report, Sms, Stamp, authority, hex, hmac, meaning, sha256, text};
use crate::egress::{Call, Done, Egress, Trouble};
use domain::{Time, time::SECOND};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

const VERSION: &str = "2021-01-11";
const REGION: &str = "ap-guangzhou";
/// Where the service is.
pub const BASE: &str = "https://sms.tencentcloudapi.com";
/// The kind of body, which is signed.
pub const CONTENT: &str = "application/json; charset=utf-8";

/// What is signed beside the key.
pub struct Signed<'a> {
    /// Name of the service.
    pub service: &'a str,
    /// Host of the request.
    pub host: &'a str,
    /// Seconds since the epoch.
    pub seconds: i64,
    /// The body.
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// Hash of the canonical request.
    pub fn canonical_hash(&self) -> String {
        let request = format!(
            "POST\n/\n\ncontent-type:{CONTENT}\nhost:{}\n\ncontent-type;host\n{}",
            self.host,
            sha256(self.body)
        );
        sha256(request.as_bytes())
    }

    /// The signature alone.
    pub fn signature(&self, secret: &str) -> String {
        let (date, scope) = self.scope();
        let text = format!("TC3-HMAC-SHA256\n{}\n{scope}\n{}", self.seconds, self.canonical_hash());
        let key = hmac(format!("TC3{secret}").as_bytes(), date.as_bytes());
        let key = hmac(&hmac(&key, self.service.as_bytes()), b"tc3_request");
        hex(&hmac(&key, text.as_bytes()))
    }

    fn scope(&self) -> (String, String) {
        let date = Time(self.seconds.saturating_mul(SECOND)).zoned(&TimeZone::UTC).strftime("%Y-%m-%d").to_string();
        let scope = format!("{date}/{}/tc3_request", self.service);
        (date, scope)
    }

    /// The Authorization header.
    pub fn authorization(&self, key_id: &str, secret: &str) -> String {
        let (_, scope) = self.scope();
        format!(
            "TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders=content-type;host, Signature={}",
            self.signature(secret)
        )
    }
}

async fn call(
    account: &Account,
    egress: &Egress,
    (label, action): (&'static str, &str),
    body: &Value,
    stamp: &Stamp,
) -> Result<Value, Trouble> {
    let (host, body) = (authority(&account.base), body.to_string());
    let seconds = stamp.now.0.div_euclid(SECOND);
    let signed = Signed { service: "sms", host: &host, seconds, body: body.as_bytes() };
    let authorization = signed.authorization(&account.key_id, &account.secret);
    let call = Call::post(label, &account.base, "/", CONTENT, body)
        .header("authorization", &authorization)
        .header("x-tc-action", action)
        .header("x-tc-version", VERSION)
        .header("x-tc-region", REGION)
        .header("x-tc-timestamp", &seconds.to_string());
    let body: Value = egress.send(call).await?.json()?;
    let answer = body.get("Response").ok_or_else(|| Trouble::new(Done::Unknown, "the answer has no response"))?;
    match answer.get("Error") {
        Some(error) => Err(meaning(text(error, "Code").unwrap_or("?"), text(error, "Message").unwrap_or(""))),
        None => Ok(answer.clone()),
    }
}

/// SendSms.
pub(super) async fn send(account: &Account, egress: &Egress, sms: &Sms, stamp: &Stamp) -> Result<String, Trouble> {
    let values: Vec<&str> = sms.values.iter().map(|(_, value)| value.as_str()).collect();
    let body = json!({
        "PhoneNumberSet": [sms.phone],
        "SmsSdkAppId": account.app,
        "SignName": account.sign,
        "TemplateId": sms.template,
        "TemplateParamSet": values,
        "SessionContext": sms.ours,
    });
    let answer = call(account, egress, ("tencent SendSms", "SendSms"), &body, stamp).await?;
    let status =
        answer.pointer("/SendStatusSet/0").ok_or_else(|| Trouble::new(Done::Unknown, "the answer has no status"))?;
    match text(status, "Code") {
        Some("Ok") => Ok(text(status, "SerialNo").unwrap_or("").to_owned()),
        code => Err(meaning(code.unwrap_or("?"), text(status, "Message").unwrap_or(""))),
    }
}

/// PullSmsSendStatusByPhoneNumber, for one message.
pub(super) async fn ask(
    account: &Account,
    egress: &Egress,
    (phone, reference): (&str, &str),
    sent_at: Time,
    stamp: &Stamp,
) -> Result<Delivery, Trouble> {
    let body = json!({
        "BeginTime": sent_at.0.div_euclid(SECOND) - 60,
        "EndTime": stamp.now.0.div_euclid(SECOND),
        "Offset": 0,
        "Limit": 100,
        "PhoneNumber": phone,
        "SmsSdkAppId": account.app,
    });
    let action = ("tencent PullSmsSendStatusByPhoneNumber", "PullSmsSendStatusByPhoneNumber");
    let answer = call(account, egress, action, &body, stamp).await?;
    let all = answer.get("PullSmsSendStatusSet").and_then(Value::as_array).cloned().unwrap_or_default();
    let own = all.iter().find(|one| text(one, "SerialNo") == Some(reference));
    Ok(match own.and_then(|one| text(one, "ReportStatus")) {
        Some("SUCCESS") => Delivery::Delivered,
        Some("FAIL") => Delivery::Failed(own.and_then(|one| text(one, "Description")).unwrap_or("").to_owned()),
        _ => Delivery::Pending,
    })
}

/// SmsPackagesStatistics: what is left of all packages that did not run out.
pub(super) async fn left(account: &Account, egress: &Egress, stamp: &Stamp) -> Result<i64, Trouble> {
    let zone = domain::time::zone("Asia/Shanghai").unwrap_or(TimeZone::UTC);
    let hour = |at: Time| at.zoned(&zone).strftime("%Y%m%d%H").to_string();
    // Packages are valid for up to two years.
    let body = json!({
        "SmsSdkAppId": account.app,
        "Limit": 500,
        "Offset": 0,
        "BeginTime": hour(stamp.now.plus(-730 * domain::time::DAY)),
        "EndTime": hour(stamp.now),
    });
    let answer =
        call(account, egress, ("tencent SmsPackagesStatistics", "SmsPackagesStatistics"), &body, stamp).await?;
    let packages = answer.get("SmsPackagesStatisticsSet").and_then(Value::as_array).cloned().unwrap_or_default();
    let number = |of: &Value, name: &str| of.get(name).and_then(Value::as_i64).unwrap_or(0);
    let now = stamp.now.0.div_euclid(SECOND);
    // A package that ran out of time is worth nothing, whatever is left in it.
    let valid = packages.iter().filter(|one| match number(one, "PackageExpiredUnixTime") {
        0 => true,
        until => until > now,
    });
    Ok(valid.map(|one| (number(one, "AmountOfPackage") - number(one, "CurrentUsage")).max(0)).sum())
}

/// One object of the reports that are posted.
pub(super) fn report(of: &Value) -> Option<Report> {
    let delivery = match text(of, "report_status")? {
        "SUCCESS" => Delivery::Delivered,
        _ => Delivery::Failed(text(of, "errmsg").unwrap_or("").to_owned()),
    };
    let phone = format!("+{}{}", text(of, "nationcode").unwrap_or("86"), text(of, "mobile")?);
    Some(Report { reference: text(of, "sid")?.to_owned(), phone, delivery })
}

//! Aliyun's short message service (dysmsapi, version 2017-05-25), signed by ACS3-HMAC-SHA256.
//! Source: help.aliyun.com, "V3 request body and signature mechanism" and the pages of SendSms and QuerySendDetails.

use super::{Account, Delivery, Report, Sms, Stamp, authority, hex, hmac, meaning, national, sha256, text};
use crate::{
    address::encoded,
    egress::{Call, Done, Egress, Reply, Trouble},
};
use domain::Time;
use jiff::tz::TimeZone;

const VERSION: &str = "2017-05-25";
/// Where the service is.
pub const BASE: &str = "https://dysmsapi.aliyuncs.com";

/// What is signed beside the key.
pub struct Signed<'a> {
    /// `POST` or `GET`.
    pub method: &'a str,
    /// The query, unencoded.
    pub query: &'a [(&'a str, &'a str)],
    /// Headers that are signed: lower-case names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// The query as it is signed and sent.
    pub fn canonical_query(&self) -> String {
        let mut pairs: Vec<(String, String)> =
            self.query.iter().map(|(name, value)| (encoded(name), encoded(value))).collect();
        pairs.sort();
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    /// Hash of the canonical request, and the names of the signed headers.
    pub fn canonical_hash(&self) -> (String, String) {
        let mut headers: Vec<(&str, &str)> = self.headers.to_vec();
        headers.sort_unstable();
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let request =
            format!("{}\n/\n{}\n{lines}\n{names}\n{}", self.method, self.canonical_query(), sha256(self.body));
        (sha256(request.as_bytes()), names)
    }

    /// The Authorization header.
    pub fn authorization(&self, key_id: &str, secret: &str) -> String {
        let (hash, names) = self.canonical_hash();
        let signature = hex(&hmac(secret.as_bytes(), format!("ACS3-HMAC-SHA256\n{hash}").as_bytes()));
        format!("ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}")
    }
}

/// The instant as the header has it.
fn date(now: Time) -> String {
    now.zoned(&TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn call(
    account: &Account,
    egress: &Egress,
    (label, action): (&'static str, &str),
    query: &[(&str, &str)],
    stamp: &Stamp,
) -> Result<serde_json::Value, Trouble> {
    let (host, date, empty) = (authority(&account.base), date(stamp.now), sha256(b""));
    let headers = [
        ("host", host.as_str()),
        ("x-acs-action", action),
        ("x-acs-content-sha256", empty.as_str()),
        ("x-acs-date", date.as_str()),
        ("x-acs-signature-nonce", stamp.nonce.as_str()),
        ("x-acs-version", VERSION),
    ];
    let signed = Signed { method: "POST", query, headers: &headers, body: b"" };
    let authorization = signed.authorization(&account.key_id, &account.secret);
    let mut call = Call::post(label, &account.base, &format!("/?{}", signed.canonical_query()), "application/json", "");
    for (name, value) in headers.iter().filter(|(name, _)| *name != "host") {
        call = call.header(name, value);
    }
    let answered = egress.send(call.header("authorization", &authorization)).await;
    let reply = match answered {
        Ok(reply) => reply,
        // Errors come with statuses of 4xx and 5xx too, with the code in the body.
        Err(trouble) => return Err(told(trouble)),
    };
    let body: serde_json::Value = reply.json()?;
    match text(&body, "Code") {
        Some("OK") => Ok(body),
        Some(code) => Err(meaning(code, text(&body, "Message").unwrap_or(""))),
        None => Err(Trouble::new(Done::Unknown, "the answer has no code")),
    }
}

fn told(trouble: Trouble) -> Trouble {
    let body =
        trouble.reply.as_ref().and_then(|reply: &Reply| serde_json::from_slice::<serde_json::Value>(&reply.body).ok());
    let Some(body) = body else { return trouble };
    match text(&body, "Code") {
        Some(code) => {
            Trouble { retry_after: trouble.retry_after, ..meaning(code, text(&body, "Message").unwrap_or("")) }
        }
        None => trouble,
    }
}

/// SendSms.
pub(super) async fn send(account: &Account, egress: &Egress, sms: &Sms, stamp: &Stamp) -> Result<String, Trouble> {
    let values: serde_json::Map<String, serde_json::Value> =
        sms.values.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let values = serde_json::Value::Object(values).to_string();
    let query = [
        ("PhoneNumbers", national(&sms.phone)),
        ("SignName", &account.sign),
        ("TemplateCode", &sms.template),
        ("TemplateParam", &values),
        ("OutId", &sms.ours),
    ];
    let body = call(account, egress, ("aliyun SendSms", "SendSms"), &query, stamp).await?;
    Ok(text(&body, "BizId").unwrap_or("").to_owned())
}

/// QuerySendDetails for one message.
pub(super) async fn ask(
    account: &Account,
    egress: &Egress,
    (phone, reference): (&str, &str),
    sent_at: Time,
    stamp: &Stamp,
) -> Result<Delivery, Trouble> {
    // The provider's days are those of its own zone.
    let zone = domain::time::zone("Asia/Shanghai").unwrap_or(TimeZone::UTC);
    let day = sent_at.zoned(&zone).strftime("%Y%m%d").to_string();
    let query = [
        ("PhoneNumber", national(phone)),
        ("BizId", reference),
        ("SendDate", &day),
        ("PageSize", "10"),
        ("CurrentPage", "1"),
    ];
    let body = call(account, egress, ("aliyun QuerySendDetails", "QuerySendDetails"), &query, stamp).await?;
    let details = body.pointer("/SmsSendDetailDTOs/SmsSendDetailDTO").and_then(serde_json::Value::as_array);
    let Some(detail) = details.and_then(|all| all.first()) else { return Ok(Delivery::Pending) };
    Ok(match detail.get("SendStatus").and_then(serde_json::Value::as_i64) {
        Some(3) => Delivery::Delivered,
        Some(2) => Delivery::Failed(text(detail, "ErrCode").unwrap_or("").to_owned()),
        _ => Delivery::Pending,
    })
}

/// One object of the reports that are posted (SmsReport).
pub(super) fn report(of: &serde_json::Value) -> Option<Report> {
    let success = of.get("success")?.as_bool()?;
    let delivery =
        if success { Delivery::Delivered } else { Delivery::Failed(text(of, "err_code").unwrap_or("").to_owned()) };
    let phone = text(of, "phone_number")?;
    let phone = if phone.len() == 11 { format!("+86{phone}") } else { format!("+{phone}") };
    Some(Report { reference: text(of, "biz_id")?.to_owned(), phone, delivery })
}
